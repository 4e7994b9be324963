//! One connection to a broker that is kept up, without a presence: for a gateway.
//!
//! Owns the loop around [`porchlight_core::mqtt_session::MqttSession`]: the MQTT session, the clock. Deliberately knows no topic
//! of the protocol but those that it is given, and what is written is decided by whoever uses it.

use std::collections::VecDeque;
use std::time::Duration;

use porchlight_core::effect::Filter;
use porchlight_core::id::gateway_client_id;
use porchlight_core::input::ConnectionEvent;
use porchlight_core::mqtt_session::{self, Effect};

use crate::agent::StartError;
use crate::broker::Broker;
use crate::clock;
use crate::mqtt::{Connection, Endpoints};

pub use porchlight_core::mqtt_session::SessionEvent;

/// How long the last writes may take (`docs/protocol.md`, *A session*, *Goodbye*).
const GOODBYE: Duration = Duration::from_millis(1500);

/// What to keep up.
#[derive(Debug)]
pub struct Setup {
    /// Where to connect.
    pub broker: Broker,
    /// What is read.
    pub filters: Vec<String>,
    /// The topic that the broker clears for us when we are gone for longer than the grace.
    pub will_clears: String,
}

/// A connection that is kept up. Dropping it closes the socket without DISCONNECT, as a crash would.
pub struct MqttSession {
    line: mqtt_session::MqttSession,
    reach: Endpoints,
    link: Option<Connection>,
    news: VecDeque<SessionEvent>,
}

impl MqttSession {
    /// Begins to connect. It has to be called inside a tokio runtime, and [`MqttSession::next`] has to be asked for anything to
    /// happen.
    ///
    /// # Errors
    /// Where TLS can't be set up: the certificates that were named are unreadable, or there are none.
    pub fn open(setup: Setup) -> Result<Self, StartError> {
        let reach = Endpoints::new(setup.broker)?;
        let mut rng = fastrand::Rng::new();
        let settings = mqtt_session::Settings {
            client_id: gateway_client_id(&mut rng),
            filters: setup.filters,
            will_clears: setup.will_clears,
            seed: rng.u64(..),
        };
        let mut line = Self {
            line: mqtt_session::MqttSession::new(settings),
            reach,
            link: None,
            news: VecDeque::new(),
        };
        line.line.start(clock::now());
        line.apply();
        Ok(line)
    }

    /// The next thing that happened. Cancel-safe.
    pub async fn next(&mut self) -> SessionEvent {
        loop {
            if let Some(news) = self.news.pop_front() {
                return news;
            }
            let now = clock::now();
            let due = self.line.next_deadline().since(now.mono);
            tokio::select! {
                event = reported(&mut self.link) => {
                    if matches!(event, ConnectionEvent::Down(_)) {
                        self.link = None;
                    }
                    self.line.handle(clock::now(), event);
                }
                () = tokio::time::sleep(due) => self.line.tick(clock::now()),
            }
            self.apply();
        }
    }

    /// Retains this, once it is its turn; see [`porchlight_core::mqtt_session::MqttSession::write`].
    pub fn write(&mut self, topic: String, payload: Vec<u8>, expires_in: Option<Duration>) {
        self.line.write(topic, payload, expires_in);
        self.apply();
    }

    /// Waits until all that was written is acknowledged, though not for long, and says goodbye: the broker then sends no Will.
    pub async fn close(mut self) {
        let settled = async {
            while !self.line.is_settled() {
                self.next().await;
            }
        };
        let _ = tokio::time::timeout(GOODBYE, settled).await;
        if let Some(link) = self.link.take() {
            link.close().await;
        }
    }

    fn apply(&mut self) {
        while let Some(effect) = self.line.poll_effect() {
            match effect {
                Effect::Connect(connect) => {
                    self.link = Some(Connection::open(&self.reach, &connect));
                }
                Effect::Subscribe(filters) => {
                    if let Some(link) = &self.link {
                        let filters: Vec<_> = filters.into_iter().map(Filter::from).collect();
                        link.subscribe(&filters);
                    }
                }
                Effect::Publish(publish) => {
                    if let Some(link) = &self.link {
                        link.publish(publish);
                    }
                }
                Effect::Disconnect => {
                    if let Some(link) = self.link.take() {
                        tokio::spawn(link.close());
                    }
                }
                Effect::Drop => self.link = None,
                Effect::Tell(news) => self.news.push_back(news),
            }
        }
    }
}

async fn reported(link: &mut Option<Connection>) -> ConnectionEvent {
    match link {
        Some(link) => link.next().await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use porchlight_core::input::ConnectionFailure;

    use super::*;
    use crate::mqtt::peer::{
        CONNACK_V5, CONNACK_V311, DISCONNECT, Door, PUBLISH, Peer, SUBSCRIBE, within,
    };

    fn line(door: &Door) -> MqttSession {
        let setup = Setup {
            broker: door.broker(),
            filters: vec!["presence/+".to_owned()],
            will_clears: "presence/_hub".to_owned(),
        };
        MqttSession::open(setup).unwrap()
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
        let mut line = line(&door);
        let broker = async {
            let mut peer = door.accept().await;
            let connect = peer.let_in(&CONNACK_V5).await;
            // A Will that is retained and of QoS 1, and no Clean Start.
            assert_eq!(connect.body[7], 0b0010_1100);
            grant(&mut peer, true).await;
            peer
        };
        let (mut peer, began) = tokio::join!(broker, within(line.next()));
        assert_eq!(began, SessionEvent::Began);
        assert_eq!(within(line.next()).await, SessionEvent::Read);
        line.write("presence/_hub".to_owned(), b"{}".to_vec(), None);
        let broker = async {
            let publish = peer.packet().await.unwrap();
            assert_eq!(publish.first, PUBLISH | 0b0011, "QoS 1 and RETAIN");
            let at = 2 + "presence/_hub".len();
            peer.send(&[0x40, 2, publish.body[at], publish.body[at + 1]]).await;
            assert_eq!(peer.packet().await.unwrap().first, DISCONNECT);
        };
        tokio::join!(broker, within(line.close()));
    }

    #[tokio::test]
    async fn it_comes_back_after_a_loss_and_speaks_3_1_1_where_it_must() {
        let door = Door::open().await;
        let mut line = line(&door);
        let refuse = async {
            let mut peer = door.accept().await;
            peer.packet().await.unwrap();
        };
        let ((), lost) = tokio::join!(refuse, within(line.next()));
        assert!(matches!(lost, SessionEvent::Lost(ConnectionFailure::Protocol { .. })), "{lost:?}");
        for _ in 0..2 {
            let broker = async {
                let mut peer = door.accept().await;
                let connect = peer.let_in(&CONNACK_V311).await;
                assert_eq!(connect.body[6], 4, "the version");
                grant(&mut peer, false).await;
                peer
            };
            let (peer, began) = tokio::join!(broker, within(line.next()));
            assert_eq!(began, SessionEvent::Began);
            assert_eq!(within(line.next()).await, SessionEvent::Read);
            drop(peer);
            assert!(matches!(within(line.next()).await, SessionEvent::Lost(_)));
        }
    }
}
