//! A gateway's connection, which is opened again whenever it ends.
//!
//! Owns the loop around [`porchlight_core::mqtt_session::MqttSession`]: the MQTT connection and the
//! clock. Its user chooses the topics and what to write.

use std::collections::VecDeque;
use std::mem::take;

use porchlight_core::mqtt_session::{self, Effect, GOODBYE};

use crate::agent::StartError;
use crate::broker::Broker;
use crate::clock;
use crate::mqtt::{Connection, Endpoints};

pub use porchlight_core::mqtt_session::{SessionEvent, Write};

/// A connection that is opened again whenever it ends. Dropping it closes the socket without
/// DISCONNECT, as a crash would.
pub struct MqttSession {
    session: mqtt_session::MqttSession,
    endpoints: Endpoints,
    connection: Connection,
    events: VecDeque<SessionEvent>,
}

impl MqttSession {
    /// Starts to connect, and to read messages that match the filters. When we are gone for longer
    /// than the grace period, the broker clears the topic `will_clears`.
    ///
    /// Call it inside a tokio runtime. Nothing more happens unless [`MqttSession::next`] is
    /// awaited.
    ///
    /// # Errors
    ///
    /// [`StartError`] if TLS can't be set up: the named certificates are unreadable, or there are
    /// none.
    pub fn open(
        broker: Broker,
        filters: Vec<String>,
        will_clears: String,
    ) -> Result<Self, StartError> {
        let endpoints = Endpoints::new(broker)?;
        let rng = fastrand::Rng::new();
        let mut opened = Self {
            session: mqtt_session::MqttSession::new(filters, will_clears, rng),
            endpoints,
            connection: Connection::default(),
            events: VecDeque::new(),
        };
        opened.session.start(clock::now());
        opened.apply_effects();
        Ok(opened)
    }

    /// The next event. Cancel-safe.
    pub async fn next(&mut self) -> SessionEvent {
        loop {
            if let Some(event) = self.events.pop_front() {
                return event;
            }
            let due = self.session.next_deadline().since(clock::now().mono);
            tokio::select! {
                event = self.connection.next() => self.session.handle(clock::now(), event),
                () = tokio::time::sleep(due) => self.session.tick(clock::now()),
            }
            self.apply_effects();
        }
    }

    /// Queues a retained publish; see [`porchlight_core::mqtt_session::MqttSession::write`].
    pub fn write(&mut self, write: Write) {
        self.session.write(clock::now(), write);
        self.apply_effects();
    }

    /// Waits at most 1.5 s until every write is acknowledged, then disconnects: the broker publishes no Will.
    pub async fn close(mut self) {
        let settled = async {
            while !self.session.is_settled() {
                self.next().await;
            }
        };
        let _ = tokio::time::timeout(GOODBYE, settled).await;
        self.connection.close().await;
    }

    fn apply_effects(&mut self) {
        while let Some(effect) = self.session.poll_effect() {
            match effect {
                Effect::Connect(connect) => {
                    self.connection = Connection::open(&self.endpoints, &connect);
                }
                Effect::Subscribe(filters) => self.connection.subscribe(&filters),
                Effect::Publish(publish) => self.connection.publish(publish),
                Effect::Disconnect => {
                    tokio::spawn(take(&mut self.connection).close());
                }
                Effect::Drop => self.connection = Connection::default(),
                Effect::Report(event) => self.events.push_back(event),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use porchlight_core::input::ConnectionFailure;

    use super::*;
    use crate::mqtt::peer::{
        CONNACK_V5, CONNACK_V311, DISCONNECT, Door, PUBLISH, Peer, SUBSCRIBE, within,
    };

    fn session(door: &Door) -> MqttSession {
        let filters = vec!["presence/+".to_owned()];
        MqttSession::open(door.broker(), filters, "presence/_hub".to_owned()).unwrap()
    }

    /// Answers the SUBSCRIBE.
    async fn grant(peer: &mut Peer, version_5: bool) {
        let subscribe = peer.packet().await.unwrap();
        assert_eq!(subscribe.kind(), SUBSCRIBE);
        let id = [subscribe.body[0], subscribe.body[1]];
        let suback = if version_5 {
            vec![0x90, 4, id[0], id[1], 0, 0]
        } else {
            vec![0x90, 3, id[0], id[1], 0]
        };
        peer.send(&suback).await;
    }

    #[tokio::test]
    async fn it_reads_writes_and_says_goodbye_when_all_is_acknowledged() {
        let door = Door::open().await;
        let mut session = session(&door);
        let broker = async {
            let mut peer = door.accept().await;
            let connect = peer.let_in(&CONNACK_V5).await;
            // A Will that is retained and of QoS 1, and no Clean Start.
            assert_eq!(connect.body[7], 0b0010_1100);
            grant(&mut peer, true).await;
            peer
        };
        let (mut peer, began) = tokio::join!(broker, within(session.next()));
        assert_eq!(began, SessionEvent::Began);
        assert_eq!(within(session.next()).await, SessionEvent::Read);
        session.write(Write {
            topic: "presence/_hub".to_owned(),
            payload: b"{}".to_vec(),
            expires_in: None,
        });
        let broker = async {
            let publish = peer.packet().await.unwrap();
            assert_eq!(publish.first, PUBLISH | 0b0011, "QoS 1 and RETAIN");
            let at = 2 + "presence/_hub".len();
            peer.send(&[0x40, 2, publish.body[at], publish.body[at + 1]]).await;
            assert_eq!(peer.packet().await.unwrap().first, DISCONNECT);
        };
        tokio::join!(broker, within(session.close()));
    }

    #[tokio::test]
    async fn it_comes_back_after_a_loss_and_speaks_3_1_1_where_it_must() {
        let door = Door::open().await;
        let mut session = session(&door);
        let refuse = async {
            let mut peer = door.accept().await;
            peer.packet().await.unwrap();
        };
        let ((), lost) = tokio::join!(refuse, within(session.next()));
        assert!(matches!(lost, SessionEvent::Lost(ConnectionFailure::Protocol { .. })), "{lost:?}");
        for _ in 0..2 {
            let broker = async {
                let mut peer = door.accept().await;
                let connect = peer.let_in(&CONNACK_V311).await;
                assert_eq!(connect.body[6], 4, "the version");
                grant(&mut peer, false).await;
                peer
            };
            let (peer, began) = tokio::join!(broker, within(session.next()));
            assert_eq!(began, SessionEvent::Began);
            assert_eq!(within(session.next()).await, SessionEvent::Read);
            drop(peer);
            assert!(matches!(within(session.next()).await, SessionEvent::Lost(_)));
        }
    }
}
