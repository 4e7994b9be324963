//! One connection that is kept up, for whoever speaks for a team instead of a device: a gateway.
//!
//! Owns when it is opened, read and opened anew (`docs/protocol.md`, *A session*), and how many of its writes are under
//! way at a time. Deliberately knows no presence: what comes is handed on as it is, and what is to be
//! written is somebody else's decision.
//!
//! It does no I/O. Call [`MqttSession::start`] once; then [`MqttSession::handle`] with what the link reports, [`MqttSession::write`] with what is to
//! be said, [`MqttSession::tick`] at [`MqttSession::next_deadline`]; after each of them [`MqttSession::poll_effect`] until there is none.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use crate::access::RefusedFilter;
use crate::connection::{
    ConnectionEvent, ConnectionFailure, ConnectionId, Message, PublishId, Refusal,
};
use crate::effect::{Connect, Publish, Version, Will};
use crate::expiry::RECORD_EXPIRY;
use crate::reason::ReasonCode;
use crate::session::{KEEP_ALIVE, Phase, SESSION_OUTLIVES, Session, SessionDeadline};
use crate::time::{Monotonic, Now};

/// A drop shorter than this is seen by nobody: the Will waits for so long.
const GRACE: Duration = Duration::from_secs(6);
/// Writes without a PUBACK. Brokers grant at least a few dozen, and the rest can wait for its turn.
const UNDER_WAY: usize = 32;
/// A write that is not acknowledged after this never will be: the connection is given up.
const PUBACK: Duration = Duration::from_secs(10);
/// A clock that jumped is noticed by a deadline that was missed, so there always is one.
const LOOK: Duration = Duration::from_secs(30);
/// So late is nobody who was awake: the broker has given the connection up by then.
const ASLEEP: Duration = Duration::from_secs(KEEP_ALIVE.as_secs() * 3 / 2);

/// What a line is for.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The Client Identifier.
    pub client_id: String,
    /// What is read.
    pub filters: Vec<String>,
    /// The topic that the Will clears.
    pub will_clears: String,
    /// For the jitter.
    pub seed: u64,
}

/// Something to do, or to tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Open a connection, giving up whatever connection there was without another word on it.
    Connect(Connect),
    /// SUBSCRIBE on the present connection.
    Subscribe(Vec<String>),
    /// PUBLISH on the present connection.
    Publish(Publish),
    /// DISCONNECT with reason 0x00, which discards the Will, and close.
    Disconnect,
    /// Close the socket without DISCONNECT: the Will speaks unless we are back within its delay.
    Drop,
    /// Tell whoever uses the line.
    Tell(SessionEvent),
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SessionEvent {
    /// The broker let us in; what is retained comes next.
    Began,
    /// What is retained was read: now is the time to write.
    Read,
    /// A message.
    Received(Message),
    /// The connection is gone, or never came to be, and nothing that was to be written will be. It is tried again.
    Lost(ConnectionFailure),
    /// The broker does not let us read this, so the connection was given up. It is tried again.
    MayNotRead(Vec<RefusedFilter>),
    /// The broker does not let us write there.
    MayNotWrite {
        /// The topic.
        topic: String,
        /// Why not.
        refusal: Refusal,
    },
}

/// A connection that is kept up.
#[derive(Debug)]
pub struct MqttSession {
    settings: Settings,
    session: Session,
    rng: fastrand::Rng,
    /// What was sent when, and not acknowledged yet.
    under_way: BTreeMap<PublishId, (String, Monotonic)>,
    /// What waits for its turn, the last word on each topic.
    waiting: BTreeMap<String, (Vec<u8>, Option<Duration>)>,
    /// In which order.
    turns: VecDeque<String>,
    written: u64,
    connections: u64,
    /// The moment of the last input.
    now: Monotonic,
    look_at: Monotonic,
    effects: VecDeque<Effect>,
}

impl MqttSession {
    /// A line that is not connected yet.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        let rng = fastrand::Rng::with_seed(settings.seed);
        Self {
            settings,
            session: Session::new(true, false),
            rng,
            under_way: BTreeMap::new(),
            waiting: BTreeMap::new(),
            turns: VecDeque::new(),
            written: 0,
            connections: 0,
            now: Monotonic::default(),
            look_at: Monotonic::default(),
            effects: VecDeque::new(),
        }
    }

    /// Begins.
    pub fn start(&mut self, now: Now) {
        self.connect(now);
    }

    /// Takes what the link reports.
    pub fn handle(&mut self, now: Now, event: ConnectionEvent) {
        self.now = now.mono;
        match event {
            ConnectionEvent::Up(granted) => {
                self.session.connected(now, granted);
                if let Some(withheld) = granted.withheld() {
                    // Where nothing can be read, or nothing is stored, there is nothing to do.
                    self.effects.push_back(Effect::Disconnect);
                    self.lose(now, ConnectionFailure::Withheld(withheld));
                    self.follow_time(now);
                    return;
                }
                self.tell(SessionEvent::Began);
                self.effects.push_back(Effect::Subscribe(self.settings.filters.clone()));
            }
            ConnectionEvent::Subscribed { refused } => {
                if refused.is_empty() {
                    self.session.subscribed(now);
                } else {
                    self.give_up_reading(now, refused);
                }
            }
            ConnectionEvent::Published { id, outcome } => {
                if let (Some((topic, _)), Err(refusal)) = (self.under_way.remove(&id), outcome) {
                    self.tell(SessionEvent::MayNotWrite { topic, refusal });
                }
                self.send();
            }
            ConnectionEvent::Received(message) => {
                self.session.received(now);
                self.tell(SessionEvent::Received(message));
            }
            ConnectionEvent::Down(failure) => self.lose(now, failure),
        }
        self.follow_time(now);
    }

    /// A deadline has come.
    pub fn tick(&mut self, now: Now) {
        self.now = now.mono;
        let stands = matches!(self.session.phase, Phase::Up | Phase::Reading { .. });
        if stands && now.mono.since(self.look_at) > ASLEEP {
            self.forget_writes();
            self.session.abandoned(now);
            let reason = "this machine slept".to_owned();
            self.tell(SessionEvent::Lost(ConnectionFailure::Broken { reason }));
            self.connect(now);
        }
        self.follow_time(now);
    }

    /// Retains this on the present connection. What was to be written on the same topic and was not sent yet is replaced;
    /// where nothing was read yet, nothing is written.
    pub fn write(&mut self, topic: String, payload: Vec<u8>, expires_in: Option<Duration>) {
        if !self.session.is_up() {
            return;
        }
        if self.waiting.insert(topic.clone(), (payload, expires_in)).is_none() {
            self.turns.push_back(topic);
        }
        self.send();
    }

    /// Whether all that was written was acknowledged.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.under_way.is_empty() && self.waiting.is_empty()
    }

    /// The next thing to do, until there is none.
    pub fn poll_effect(&mut self) -> Option<Effect> {
        self.effects.pop_front()
    }

    /// When [`MqttSession::tick`] is due.
    #[must_use]
    pub fn next_deadline(&self) -> Monotonic {
        let session = self.session.next_deadline().map(|(_, at)| at);
        [session, self.puback_due()].into_iter().flatten().fold(self.look_at, Monotonic::min)
    }

    fn puback_due(&self) -> Option<Monotonic> {
        let (_, sent) = self.under_way.values().next()?;
        Some(*sent + PUBACK)
    }

    fn follow_time(&mut self, now: Now) {
        if self.puback_due().is_some_and(|at| at <= now.mono) {
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
                    self.tell(SessionEvent::Read);
                }
                SessionDeadline::Stable => self.session.note_stable(),
                // A gateway ends with its last write and waits for nothing after it.
                SessionDeadline::Goodbye => {}
            }
        }
        self.look_at = now.mono + LOOK;
    }

    /// Closes a connection that keeps us waiting, as if it had broken.
    fn give_up(&mut self, now: Now, failure: ConnectionFailure) {
        self.effects.push_back(Effect::Drop);
        self.lose(now, failure);
    }

    fn lose(&mut self, now: Now, failure: ConnectionFailure) {
        self.forget_writes();
        self.session.failed(now, &failure, &mut self.rng);
        self.tell(SessionEvent::Lost(failure));
    }

    fn connect(&mut self, now: Now) {
        let (dial_within, connack_within) = self.session.connecting(now);
        self.connections += 1;
        let version = self.session.version;
        // There are no delays in 3.1.1, and a session that is kept would outlive us for ever.
        let kept = version == Version::V5;
        self.effects.push_back(Effect::Connect(Connect {
            connection: ConnectionId(self.connections),
            version,
            client_id: self.settings.client_id.clone(),
            clean_start: !kept,
            session_expiry: if kept { GRACE + SESSION_OUTLIVES } else { Duration::ZERO },
            keep_alive: KEEP_ALIVE,
            dial_within,
            connack_within,
            will: Some(Will {
                topic: self.settings.will_clears.clone(),
                payload: Vec::new(),
                delay: if kept { GRACE } else { Duration::ZERO },
                expires_in: RECORD_EXPIRY,
            }),
        }));
        self.look_at = now.mono + LOOK;
    }

    /// Who can't read must not write, either: it would be half of the truth. Like any refusal this is asked again later.
    fn give_up_reading(&mut self, now: Now, refused: Vec<RefusedFilter>) {
        let failure = ConnectionFailure::Refused(ReasonCode::NOT_AUTHORIZED.into());
        self.session.failed(now, &failure, &mut self.rng);
        self.effects.push_back(Effect::Disconnect);
        self.tell(SessionEvent::MayNotRead(refused));
    }

    fn send(&mut self) {
        while self.under_way.len() < UNDER_WAY
            && let Some(topic) = self.turns.pop_front()
        {
            let Some((payload, expires_in)) = self.waiting.remove(&topic) else {
                continue;
            };
            self.written += 1;
            let id = PublishId(self.written);
            self.under_way.insert(id, (topic.clone(), self.now));
            self.effects
                .push_back(Effect::Publish(Publish::record(id, topic, payload, expires_in)));
        }
    }

    /// Nothing of one connection is said on the next: by then it may be wrong.
    fn forget_writes(&mut self) {
        self.under_way.clear();
        self.waiting.clear();
        self.turns.clear();
    }

    fn tell(&mut self, news: SessionEvent) {
        self.effects.push_back(Effect::Tell(news));
    }
}

#[cfg(test)]
mod tests;
