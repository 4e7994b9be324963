//! Connections: what is under way on them, and when either end learns that one is gone.
//!
//! Owns the same rules as `tests/sim/world/links.rs`, without its invariants, and with TCP's pauses between tries.

use std::time::Duration;

use porchlight_core::effect::{Connect, Publish};
use porchlight_core::input::{ConnectionEvent, ConnectionFailure, ConnectionId, Input};

use super::{Event, Simulation, Without};
use crate::broker::{ConnId, NEVER, Out};
use crate::script::Ms;

mod arrivals;

/// How long TCP waits before its second try.
const ESTABLISHED: Ms = 250;
const CONNECTING: Ms = 1_000;

/// Whether packets get through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Path {
    #[default]
    Clear,
    /// Connections are refused until then.
    Closed(Ms),
    /// Nothing arrives until then; TCP tries again.
    Silent(Ms),
}

impl Path {
    pub(crate) const fn until(self) -> Option<Ms> {
        match self {
            Self::Clear => None,
            Self::Closed(until) | Self::Silent(until) => Some(until),
        }
    }

    const fn is_silent(self) -> bool {
        matches!(self, Self::Silent(_))
    }
}

/// What a client sends.
#[derive(Debug)]
pub(crate) enum Up {
    Connect(Box<Connect>),
    Subscribe(Vec<String>),
    Publish(Publish),
    Disconnect,
    Close,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lane {
    Main,
    WillConnection,
}

#[derive(Debug)]
pub(crate) struct Conn {
    machine: usize,
    lane: Lane,
    /// As the program knows it.
    number: ConnectionId,
    client_open: bool,
    broker_open: bool,
    acknowledged: bool,
    opened: Ms,
    keep_alive: Ms,
    /// When the client last sent anything but a PINGREQ.
    spoke: Ms,
    /// When the last packet arrives there: packets do not overtake each other.
    up_at: Ms,
    down_at: Ms,
    held_up: Vec<Up>,
    held_down: Vec<Out>,
    /// Since when something is held.
    held_since: Option<Ms>,
    /// Since when nothing of the client gets through.
    mute_since: Option<Ms>,
}

impl Conn {
    /// When the last PINGREQ left.
    fn last_ping(&self, now: Ms) -> Ms {
        now - (now - self.opened) % self.keep_alive.max(1)
    }

    /// When TCP's next try is due: each pause is twice as long as the one before.
    fn next_try(&self, now: Ms) -> Ms {
        let Some(mute_since) = self.mute_since else { return now };
        let ping = self.last_ping(mute_since) + self.keep_alive;
        let first = self.held_since.unwrap_or(NEVER).min(ping);
        let mut wait = if self.acknowledged { ESTABLISHED } else { CONNECTING };
        let mut at = first;
        while at < now {
            at += wait;
            wait *= 2;
        }
        if first < now { at } else { now }
    }
}

impl Simulation {
    fn lane(&mut self, m: usize, lane: Lane) -> &mut Option<ConnId> {
        match lane {
            Lane::Main => &mut self.machines[m].main,
            Lane::WillConnection => &mut self.machines[m].will_connection,
        }
    }

    pub(crate) fn open(&mut self, m: usize, lane: Lane, mut connect: Connect) {
        self.leave(m, lane, false);
        if self.without == Without::Wills {
            connect.will = None;
        }
        let conn = self.conns.len();
        let ms = |duration: Duration| u64::try_from(duration.as_millis());
        self.conns.push(Conn {
            machine: m,
            lane,
            number: connect.connection,
            client_open: true,
            broker_open: false,
            acknowledged: false,
            opened: self.now,
            keep_alive: ms(connect.keep_alive).unwrap_or(NEVER),
            spoke: self.now,
            up_at: 0,
            down_at: 0,
            held_up: Vec::new(),
            held_down: Vec::new(),
            held_since: None,
            mute_since: None,
        });
        *self.lane(m, lane) = Some(conn);
        if matches!(self.machines[m].path, Path::Closed(_)) {
            self.plan(self.now + 1, Event::ConnectRefused(conn));
        } else {
            let mut within = connect.dial_within;
            if self.machines[m].path.is_silent() {
                self.conns[conn].mute_since = Some(self.now);
            } else {
                within += connect.connack_within;
            }
            let until = self.now.saturating_add(ms(within).unwrap_or(NEVER));
            self.plan(until, Event::ConnectTimeout(conn));
            self.send_up(conn, Up::Connect(Box::new(connect)));
        }
    }

    /// The client closes its connection, with or without a DISCONNECT.
    pub(crate) fn leave(&mut self, m: usize, lane: Lane, politely: bool) {
        if let Some(id) = self.lane(m, lane).take() {
            if politely {
                self.send_up(id, Up::Disconnect);
            }
            if std::mem::take(&mut self.conns[id].client_open) {
                self.send_up(id, Up::Close);
            }
        }
    }

    const fn latency(m: usize) -> Ms {
        3 + 2 * m as u64
    }

    pub(crate) fn send_up(&mut self, id: ConnId, up: Up) {
        let m = self.conns[id].machine;
        let held = self.machines[m].path.is_silent() || self.machines[m].frozen;
        let conn = &mut self.conns[id];
        if held || conn.mute_since.is_some() {
            conn.held_since.get_or_insert(self.now);
            conn.held_up.push(up);
            return;
        }
        conn.spoke = self.now;
        conn.up_at = conn.up_at.max(self.now + Self::latency(m));
        let at = conn.up_at;
        self.plan(at, Event::ToBroker(id, up));
    }

    fn send_down(&mut self, id: ConnId, out: Out) {
        let m = self.conns[id].machine;
        let (silent, frozen) = (self.machines[m].path.is_silent(), self.machines[m].frozen);
        let conn = &mut self.conns[id];
        if silent || (conn.mute_since.is_some() && !frozen) {
            conn.held_since.get_or_insert(self.now);
            conn.held_down.push(out);
            return;
        }
        conn.down_at = conn.down_at.max(self.now + Self::latency(m));
        let at = conn.down_at;
        self.plan(at, Event::ToClient(id, out));
    }

    pub(crate) fn flush_broker(&mut self) {
        for (id, out) in std::mem::take(&mut self.broker.out) {
            if matches!(out, Out::Close | Out::TakenOver) {
                self.conns[id].broker_open = false;
            }
            self.send_down(id, out);
        }
    }

    /// A computer has no network until then.
    pub(crate) fn block(&mut self, m: usize, path: Path, until: Ms) {
        self.machines[m].path = path;
        self.plan(until, Event::Heal(m, until));
        self.mute_or_not(m);
    }

    pub(crate) fn drop_network(&mut self, m: usize, closed: bool, for_ms: Ms) {
        let until = self.now + for_ms;
        let path = if closed { Path::Closed(until) } else { Path::Silent(until) };
        self.block(m, path, until);
        if closed {
            for id in
                [self.machines[m].main, self.machines[m].will_connection].into_iter().flatten()
            {
                self.broker_loses(id);
                self.client_loses(id, broken("reset"));
            }
        }
    }

    /// Connections fall silent, or resume with TCP's next try.
    pub(crate) fn mute_or_not(&mut self, m: usize) {
        let mute = self.machines[m].frozen || self.machines[m].path.is_silent();
        for id in 0..self.conns.len() {
            let conn = &self.conns[id];
            let (open, held) = (conn.client_open || conn.broker_open, conn.held_since.is_some());
            if conn.machine != m || !(open || held) {
                continue;
            }
            if !mute {
                self.plan(conn.next_try(self.now), Event::Resume(id));
            } else if conn.mute_since.is_none() {
                self.falls_silent(id);
            }
        }
    }

    fn resume(&mut self, id: ConnId) {
        let m = self.conns[id].machine;
        if self.machines[m].frozen || self.machines[m].path.is_silent() {
            return;
        }
        let conn = &mut self.conns[id];
        conn.mute_since = None;
        conn.held_since = None;
        let (up, down) = (std::mem::take(&mut conn.held_up), std::mem::take(&mut conn.held_down));
        for up in up {
            self.send_up(id, up);
        }
        for out in down {
            self.send_down(id, out);
        }
    }

    fn falls_silent(&mut self, id: ConnId) {
        let now = self.now;
        let late = self.broker.late();
        let conn = &mut self.conns[id];
        conn.mute_since = Some(now);
        let (keep_alive, last_ping) = (conn.keep_alive, conn.last_ping(now));
        let broker = last_ping.max(conn.spoke) + keep_alive * 3 / 2 + late;
        let client = last_ping + keep_alive * self.design.patience() / 2;
        self.plan(broker.max(now), Event::BrokerGivesUp(id, now));
        self.plan(client.max(now), Event::ClientGivesUp(id, now));
    }

    /// A computer wakes, with a network from `until` on. Porchlight notifications with its next PINGREQ that the broker gave
    /// the connection up meanwhile; the other designs are told at once, as browsers tell their pages.
    pub(crate) fn check_after_wake(&mut self, id: ConnId, until: Ms) {
        let ping = if self.design.is_porchlight() {
            self.now + self.rng.u64(0..self.conns[id].keep_alive)
        } else {
            until
        };
        self.plan(ping.max(until), Event::DetectLoss(id));
    }

    fn broker_loses(&mut self, id: ConnId) {
        if std::mem::take(&mut self.conns[id].broker_open) {
            self.broker.lost(self.now, id);
            self.flush_broker();
        }
    }

    /// The client learns that its connection is gone.
    fn client_loses(&mut self, id: ConnId, failure: ConnectionFailure) {
        let conn = &mut self.conns[id];
        if !std::mem::take(&mut conn.client_open) {
            return;
        }
        let (m, lane) = (conn.machine, conn.lane);
        *self.lane(m, lane) = None;
        self.report(id, ConnectionEvent::Down(failure));
    }

    fn report(&mut self, id: ConnId, event: ConnectionEvent) {
        let Conn { machine: m, lane, number, .. } = self.conns[id];
        let input = match lane {
            Lane::Main => Input::Connection(number, event),
            Lane::WillConnection => Input::WillConnection(number, event),
        };
        self.handle(m, input);
    }
}

pub(crate) fn broken(reason: &str) -> ConnectionFailure {
    ConnectionFailure::Broken { reason: reason.to_owned() }
}

pub(crate) fn unreachable() -> ConnectionFailure {
    ConnectionFailure::Unreachable {
        address: "the broker".to_owned(),
        reason: "refused".to_owned(),
    }
}
