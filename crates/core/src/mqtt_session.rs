//! The session of a gateway, which writes for a whole team instead of one device.
//!
//! It connects, reads what is retained and tries again as a device does (`docs/protocol.md`, *A session*): `core::session`
//! decides when, for both. Owns what a gateway does differently: which writes are in flight and which wait, and that a
//! write without a PUBACK ends the connection. Deliberately knows no presence: it passes messages on as they are, and
//! its caller decides what to write.
//!
//! It does no I/O. Call [`MqttSession::start`] once, [`MqttSession::handle`] with what the connection reports,
//! [`MqttSession::write`] with what to retain, and [`MqttSession::tick`] at [`MqttSession::next_deadline`]. After each
//! of them call [`MqttSession::poll_effect`] until it returns `None`.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use crate::access::Withheld;
use crate::connection::{ConnectionEvent, ConnectionFailure, Message, Refusal};
use crate::effect::{Connect, Filter, Publish, Will};
use crate::engine::GRACE;
use crate::id::gateway_client_id;
use crate::in_flight::InFlight;
use crate::session::{Session, SessionDeadline};
use crate::time::{Monotonic, Now, slept_since};

pub use crate::expiry::RECORD_EXPIRY;
pub use crate::session::GOODBYE;

/// Writes without a PUBACK. Brokers grant at least a few dozen; the others wait for their turn.
const IN_FLIGHT: usize = 32;
/// A sleep shows by a deadline that was missed, so there always is one.
const SLEEP_CHECK: Duration = Duration::from_secs(30);

/// A message to publish at QoS 1 and retain. An empty payload clears the topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Write {
    /// Topic Name.
    pub topic: String,
    /// Payload.
    pub payload: Vec<u8>,
    /// Message Expiry Interval.
    pub expires_in: Option<Duration>,
}

impl Write {
    /// A record, which the broker forgets when nobody renews it for 30 days.
    #[must_use]
    pub fn record(topic: String, payload: Vec<u8>) -> Self {
        let expires_in = (!payload.is_empty()).then_some(RECORD_EXPIRY);
        Self { topic, payload, expires_in }
    }
}

/// Something to do, or to report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Open a connection. Drop the one before without a DISCONNECT, and report nothing of it any more.
    Connect(Connect),
    /// SUBSCRIBE on the present connection, Retain Handling 0.
    Subscribe(Vec<Filter>),
    /// PUBLISH on the present connection.
    Publish(Publish),
    /// DISCONNECT with reason 0x00, which discards the Will, and close.
    Disconnect,
    /// Close the socket without DISCONNECT: the broker publishes the Will unless we are back within its delay.
    Drop,
    /// Report this to the caller.
    Report(SessionEvent),
}

/// What became of the connection, and what came by it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SessionEvent {
    /// The broker accepted the connection. What is retained comes next.
    Began,
    /// Everything retained was read: writing begins.
    Read,
    /// A message came.
    Received(Message),
    /// The connection is gone, or could not be opened. Nothing that waited will be written. It is tried again.
    Lost(ConnectionFailure),
    /// The broker refused a write. The connection stays.
    WriteRefused {
        /// The topic.
        topic: String,
        /// Why.
        refusal: Refusal,
    },
}

/// A connection that is opened again whenever it ends.
#[derive(Debug)]
pub struct MqttSession {
    client_id: String,
    filters: Vec<Filter>,
    will_clears: String,
    session: Session,
    /// For the pauses between tries.
    rng: fastrand::Rng,
    in_flight: InFlight,
    /// What waits for its turn: the latest write on each topic.
    waiting: BTreeMap<String, Write>,
    /// Their topics, in the order of the first write.
    turns: VecDeque<String>,
    sleep_check: Monotonic,
    effects: VecDeque<Effect>,
}

impl MqttSession {
    /// A session that is not connected yet. It will subscribe to these filters at QoS 0, and its Will clears that topic.
    #[must_use]
    pub fn new(filters: Vec<String>, will_clears: String, mut rng: fastrand::Rng) -> Self {
        Self {
            client_id: gateway_client_id(&mut rng),
            filters: filters.into_iter().map(Filter::from).collect(),
            will_clears,
            session: Session::new(true, false),
            rng,
            in_flight: InFlight::default(),
            waiting: BTreeMap::new(),
            turns: VecDeque::new(),
            sleep_check: Monotonic::default(),
            effects: VecDeque::new(),
        }
    }

    /// Opens the first connection.
    pub fn start(&mut self, now: Now) {
        self.connect(now);
        self.follow_time(now);
    }

    /// Takes in what the present connection reports.
    pub fn handle(&mut self, now: Now, event: ConnectionEvent) {
        match event {
            ConnectionEvent::Up(granted) => {
                self.session.connected(now, granted);
                match granted.withheld() {
                    Some(withheld) => self.leave(now, withheld),
                    None => {
                        self.report(SessionEvent::Began);
                        self.effects.push_back(Effect::Subscribe(self.filters.clone()));
                    }
                }
            }
            ConnectionEvent::Subscribed { refused } if refused.is_empty() => {
                self.session.subscribed(now);
            }
            ConnectionEvent::Subscribed { refused } => self.leave(now, Withheld::Filters(refused)),
            ConnectionEvent::Published { id, outcome } => {
                if let (Some(topic), Err(refusal)) = (self.in_flight.settle(id), outcome) {
                    self.report(SessionEvent::WriteRefused { topic, refusal });
                }
                self.publish_waiting(now);
            }
            ConnectionEvent::Received(message) => {
                self.session.received(now);
                self.report(SessionEvent::Received(message));
            }
            ConnectionEvent::Down(failure) => self.lose(now, failure),
        }
        self.follow_time(now);
    }

    /// Does what is due at [`MqttSession::next_deadline`].
    pub fn tick(&mut self, now: Now) {
        if slept_since(Some(self.sleep_check), now).is_some() && self.session.end_after_sleep(now) {
            self.forget_writes();
            let reason = "this machine slept".to_owned();
            self.report(SessionEvent::Lost(ConnectionFailure::Broken { reason }));
            self.connect(now);
        }
        self.follow_time(now);
    }

    /// Publishes and retains this on the present connection, where everything retained was read; elsewhere it does
    /// nothing. It replaces an earlier write on the same topic that still waits.
    pub fn write(&mut self, now: Now, write: Write) {
        if !self.session.is_up() {
            return;
        }
        let topic = write.topic.clone();
        if self.waiting.insert(topic.clone(), write).is_none() {
            self.turns.push_back(topic);
        }
        self.publish_waiting(now);
    }

    /// Whether the broker acknowledged every write.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.in_flight.sent.is_empty() && self.waiting.is_empty()
    }

    /// The next thing to do, until there is none.
    pub fn poll_effect(&mut self) -> Option<Effect> {
        self.effects.pop_front()
    }

    /// When [`MqttSession::tick`] is due.
    #[must_use]
    pub fn next_deadline(&self) -> Monotonic {
        let session = self.session.next_deadline().map(|(_, at)| at);
        let puback = self.in_flight.next_deadline();
        [session, puback].into_iter().flatten().fold(self.sleep_check, Monotonic::min)
    }

    fn follow_time(&mut self, now: Now) {
        if self.in_flight.next_deadline().is_some_and(|at| at <= now.mono) {
            self.give_up(now, ConnectionFailure::NoPuback);
        }
        if let Some((deadline, at)) = self.session.next_deadline()
            && at <= now.mono
        {
            match deadline {
                SessionDeadline::Retry => self.connect(now),
                SessionDeadline::Connack => self.give_up(now, ConnectionFailure::NoConnack),
                SessionDeadline::Suback => self.give_up(now, ConnectionFailure::NoSuback),
                SessionDeadline::RetainedRead => {
                    self.session.up(now);
                    self.report(SessionEvent::Read);
                }
                SessionDeadline::Stable => self.session.note_stable(),
                // A gateway ends when its last write is acknowledged, and has no goodbye to wait for.
                SessionDeadline::Goodbye => {}
            }
        }
        self.sleep_check = now.mono + SLEEP_CHECK;
    }

    /// Closes a connection on which the broker does not answer, as if it had broken.
    fn give_up(&mut self, now: Now, failure: ConnectionFailure) {
        self.effects.push_back(Effect::Drop);
        self.lose(now, failure);
    }

    /// Leaves a broker that withholds what a gateway has to read: it must not write what is only half of the truth.
    fn leave(&mut self, now: Now, withheld: Withheld) {
        self.effects.push_back(Effect::Disconnect);
        self.lose(now, ConnectionFailure::Withheld(withheld));
    }

    fn lose(&mut self, now: Now, failure: ConnectionFailure) {
        self.forget_writes();
        self.session.failed(now, &failure, &mut self.rng);
        self.report(SessionEvent::Lost(failure));
    }

    fn connect(&mut self, now: Now) {
        let will = Will {
            topic: self.will_clears.clone(),
            payload: Vec::new(),
            delay: GRACE,
            expires_in: RECORD_EXPIRY,
        };
        let connect = self.session.connect(now, self.client_id.clone(), Some(will));
        self.effects.push_back(Effect::Connect(connect));
    }

    fn publish_waiting(&mut self, now: Now) {
        while self.in_flight.sent.len() < IN_FLIGHT
            && let Some(topic) = self.turns.pop_front()
        {
            if let Some(Write { topic, payload, expires_in }) = self.waiting.remove(&topic) {
                let id = self.in_flight.begin(now, Some(topic.clone()));
                let publish = Publish::record(id, topic, payload, expires_in);
                self.effects.push_back(Effect::Publish(publish));
            }
        }
    }

    /// Nothing of one connection is written on the next one: by then it may be wrong.
    fn forget_writes(&mut self) {
        self.in_flight.sent.clear();
        self.waiting.clear();
        self.turns.clear();
    }

    fn report(&mut self, event: SessionEvent) {
        self.effects.push_back(Effect::Report(event));
    }
}

#[cfg(test)]
mod tests;
