//! A broker, as far as presence depends on it.
//!
//! Owns retained messages with their expiry, subscriptions, sessions and Wills (MQTT 5, 3.1.2.5 *Will Flag*,
//! 3.1.2.11.2 *Session Expiry Interval*, 3.1.3.2.2 *Will Delay Interval*, 3.1.4 *CONNECT Actions*).
//! Deliberately knows no network: what it sends goes out through [`Broker::out`], at once and in order. `examples/day`
//! has the same broker.

use std::rc::Rc;
use std::time::Duration;

use porchlight_core::effect::{Connect, Version, Will};
use serde::{Deserialize, Serialize};

/// Never.
pub(crate) const NEVER: u64 = u64::MAX;

/// The number of a connection within a run.
pub(crate) type ConnId = usize;

/// Which broker it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Kind {
    /// It speaks MQTT 5; otherwise 3.1.1 only, and it closes on anything else.
    pub(crate) v5: bool,
    /// It looks late whether a client is silent or a Will due, as Mosquitto 2.0.11 does.
    pub(crate) late: bool,
    /// A take-over with Clean Start publishes the Will, as MQTT 5 has it and neither broker tried does.
    pub(crate) by_the_book: bool,
}

/// How a broker ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Outage {
    /// As Mosquitto at SIGTERM: all Wills first, then the sockets. Retained messages survive.
    Fires,
    /// Killed: sessions and Wills are lost. Retained messages survive.
    Loses,
    /// Retained messages are lost too.
    LosesAll,
}

/// What the broker does to a connection.
#[derive(Debug)]
pub(crate) enum Out {
    Connack {
        session_present: bool,
    },
    Suback,
    Puback(u64),
    Message {
        message: Rc<Stored>,
        retained: bool,
        expires_in: Option<Duration>,
    },
    /// DISCONNECT 0x8E, then a closed socket.
    TakenOver,
    /// A closed socket.
    Close,
    /// A closed port: there is no broker.
    Refused,
}

/// A message in the store, or on its way.
#[derive(Debug)]
pub(crate) struct Stored {
    pub(crate) topic: Box<str>,
    pub(crate) payload: Box<[u8]>,
    expires_at: u64,
}

#[derive(Debug)]
struct Session {
    client_id: Box<str>,
    v5: bool,
    conn: Option<ConnId>,
    expiry: u64,
    /// When the session ends, while there is no connection.
    ends_at: u64,
    will: Option<Will>,
    /// When the Will is published, while there is no connection.
    will_at: u64,
}

#[derive(Debug)]
struct Port {
    conn: ConnId,
    v5: bool,
    filters: Vec<String>,
}

#[derive(Debug)]
pub(crate) struct Broker {
    kind: Kind,
    pub(crate) running: bool,
    sessions: Vec<Session>,
    ports: Vec<Port>,
    retained: Vec<Rc<Stored>>,
    /// The messages to send, in order.
    pub(crate) out: Vec<(ConnId, Out)>,
    next_due: u64,
}

impl Broker {
    pub(crate) fn new(kind: Kind) -> Self {
        Self {
            kind,
            running: true,
            sessions: Vec::new(),
            ports: Vec::new(),
            retained: Vec::new(),
            out: Vec::new(),
            next_due: NEVER,
        }
    }

    pub(crate) fn connect(&mut self, now: u64, conn: ConnId, connect: &Connect) {
        let v5 = connect.version == Version::V5;
        if v5 && !self.kind.v5 {
            self.out.push((conn, Out::Close));
            return;
        }
        let held = self.sessions.iter().position(|s| *s.client_id == *connect.client_id);
        let mut resumed = false;
        if let Some(at) = held {
            let mut session = self.sessions.swap_remove(at);
            let mut fires = false;
            if let Some(old) = session.conn.take() {
                self.forget_port(old);
                // 3.1.1 has no word for it.
                let out = if session.v5 { Out::TakenOver } else { Out::Close };
                self.out.push((old, out));
                // Without a delay the Will goes out when its connection closes.
                let delayed = session.will.as_ref().is_some_and(|will| will.delay > Duration::ZERO);
                fires = !delayed && (!v5 || !connect.clean_start || self.kind.by_the_book);
            }
            resumed = v5 && !connect.clean_start;
            fires |= !resumed && self.kind.by_the_book;
            if let Some(will) = session.will.filter(|_| fires) {
                let expires_in = Some(will.expires_in).filter(|_| session.v5);
                self.publish(now, &will.topic, will.payload, expires_in);
            }
        }
        let ms = |duration: Duration| u64::try_from(duration.as_millis()).unwrap_or(NEVER);
        self.sessions.push(Session {
            client_id: connect.client_id.as_str().into(),
            v5,
            conn: Some(conn),
            expiry: if v5 { ms(connect.session_expiry) } else { 0 },
            ends_at: NEVER,
            will: connect.will.clone().map(|mut will| {
                if !v5 {
                    will.delay = Duration::ZERO;
                }
                will
            }),
            will_at: NEVER,
        });
        self.ports.push(Port { conn, v5, filters: Vec::new() });
        self.out.push((conn, Out::Connack { session_present: resumed }));
        self.plan();
    }

    pub(crate) fn subscribe(&mut self, now: u64, conn: ConnId, filters: Vec<String>) {
        let Some(port) = self.ports.iter_mut().find(|port| port.conn == conn) else {
            return;
        };
        self.out.push((conn, Out::Suback));
        for stored in &self.retained {
            if stored.expires_at > now && filters.iter().any(|f| matches(f, &stored.topic)) {
                let expires_in = remaining(now, stored).filter(|_| port.v5);
                let message = Rc::clone(stored);
                self.out.push((conn, Out::Message { message, retained: true, expires_in }));
            }
        }
        // A filter that is known replaces itself; the others stay (MQTT 5, 3.8.4).
        port.filters.retain(|known| !filters.contains(known));
        port.filters.extend(filters);
    }

    /// A message by a client or a Will: kept and passed on.
    pub(crate) fn publish(
        &mut self,
        now: u64,
        topic: &str,
        payload: Vec<u8>,
        expires_in: Option<Duration>,
    ) {
        let expires_at = expires_in
            .map_or(NEVER, |left| now + u64::try_from(left.as_millis()).unwrap_or(NEVER / 2));
        let stored = Rc::new(Stored { topic: topic.into(), payload: payload.into(), expires_at });
        let held = self.retained.iter().position(|held| *held.topic == *topic);
        match (held, stored.payload.is_empty()) {
            (Some(at), true) => {
                self.retained.swap_remove(at);
            }
            (Some(at), false) => self.retained[at] = Rc::clone(&stored),
            (None, true) => {}
            (None, false) => self.retained.push(Rc::clone(&stored)),
        }
        for port in &self.ports {
            if port.filters.iter().any(|filter| matches(filter, topic)) {
                let expires_in = remaining(now, &stored).filter(|_| port.v5);
                let message = Rc::clone(&stored);
                self.out.push((port.conn, Out::Message { message, retained: false, expires_in }));
            }
        }
    }

    /// DISCONNECT with reason 0x00: the Will is discarded.
    pub(crate) fn disconnect(&mut self, now: u64, conn: ConnId) {
        if let Some(session) = self.sessions.iter_mut().find(|s| s.conn == Some(conn)) {
            session.will = None;
        }
        self.lost(now, conn);
    }

    /// The connection is closed or silent for too long.
    pub(crate) fn lost(&mut self, now: u64, conn: ConnId) {
        self.forget_port(conn);
        let late = self.late();
        if let Some(session) = self.sessions.iter_mut().find(|s| s.conn == Some(conn)) {
            session.conn = None;
            session.ends_at = now.saturating_add(session.expiry);
            let delay = session.will.as_ref().map_or(Duration::ZERO, |will| will.delay);
            let delay = u64::try_from(delay.as_millis()).unwrap_or(NEVER);
            // The end of the session does not wait for the delay.
            session.will_at = now.saturating_add(delay.min(session.expiry));
            if delay > 0 && session.expiry > 0 {
                session.will_at = session.will_at.saturating_add(late);
                session.ends_at = session.ends_at.saturating_add(late);
            }
        }
        self.plan();
        self.tick(now);
    }

    /// How late it checks at worst, in milliseconds.
    pub(crate) const fn late(&self) -> u64 {
        if self.kind.late { 5_000 } else { 0 }
    }

    /// Whatever is due.
    pub(crate) fn tick(&mut self, now: u64) {
        while self.next_due <= now {
            for at in (0..self.sessions.len()).rev() {
                let session = &mut self.sessions[at];
                if session.conn.is_some() {
                    continue;
                }
                let v5 = session.v5;
                let will = session.will.take_if(|_| session.will_at <= now);
                if session.ends_at <= now {
                    self.sessions.swap_remove(at);
                }
                if let Some(will) = will {
                    let expires_in = Some(will.expires_in).filter(|_| v5);
                    self.publish(now, &will.topic, will.payload, expires_in);
                }
            }
            self.plan();
        }
    }

    pub(crate) const fn next_due(&self) -> u64 {
        self.next_due
    }

    fn plan(&mut self) {
        self.next_due = self
            .sessions
            .iter()
            .filter(|session| session.conn.is_none())
            .map(|session| {
                if session.will.is_some() {
                    session.will_at.min(session.ends_at)
                } else {
                    session.ends_at
                }
            })
            .min()
            .unwrap_or(NEVER);
    }

    /// The broker ends; every socket closes. Those still connected hear what is published first.
    pub(crate) fn end(&mut self, now: u64, how: Outage) {
        let mut sessions = std::mem::take(&mut self.sessions);
        if how == Outage::Fires {
            for session in &mut sessions {
                if let Some(will) = session.will.take() {
                    let expires_in = Some(will.expires_in).filter(|_| session.v5);
                    self.publish(now, &will.topic, will.payload, expires_in);
                }
            }
        }
        if how == Outage::LosesAll {
            self.retained.clear();
        }
        for port in std::mem::take(&mut self.ports) {
            self.out.push((port.conn, Out::Close));
        }
        self.next_due = NEVER;
        self.running = false;
    }

    /// From now on this session is that of another node: no CONNECT takes it over or resumes it.
    pub(crate) fn split(&mut self, client_id: &str) {
        if let Some(session) = self.sessions.iter_mut().find(|s| *s.client_id == *client_id) {
            session.client_id = format!("{client_id} elsewhere").into();
        }
    }

    fn forget_port(&mut self, conn: ConnId) {
        self.ports.retain(|port| port.conn != conn);
    }
}

/// Whole seconds, as the wire has them.
fn remaining(now: u64, stored: &Stored) -> Option<Duration> {
    (stored.expires_at != NEVER).then(|| Duration::from_secs((stored.expires_at - now) / 1000))
}

/// Whether a topic is one of a filter's. `+` is all that presence needs.
fn matches(filter: &str, topic: &str) -> bool {
    let (filter, topic) = (filter.as_bytes(), topic.as_bytes());
    let mut at = 0;
    for byte in filter {
        if *byte == b'+' {
            at += topic[at..].iter().take_while(|byte| **byte != b'/').count();
        } else if topic.get(at) == Some(byte) {
            at += 1;
        } else {
            return false;
        }
    }
    at == topic.len()
}
