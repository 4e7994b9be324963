//! Connections: what is under way on them, and when either end learns that one is gone.

use super::*;

impl Simulation {
    pub(super) fn open(&mut self, m: usize, lane: Lane, connect: Connect) -> ConnId {
        let conn = self.conns.len();
        let keep_alive = u64::try_from(connect.keep_alive.as_millis()).unwrap_or(NEVER);
        let timeout = connect.dial_within + connect.connack_within;
        let timeout = u64::try_from(timeout.as_millis()).unwrap_or(NEVER);
        self.note(|| {
            format!(
                "{} {lane:?} connects as {} ({:?}, clean start {}, will delay {:?})",
                NAMES[m],
                connect.client_id,
                connect.version,
                connect.clean_start,
                connect.will.as_ref().map(|will| will.delay),
            )
        });
        self.conns.push(Conn {
            machine: m,
            lane,
            number: connect.connection,
            client_open: true,
            broker_open: false,
            acknowledged: false,
            opened: self.now,
            keep_alive,
            up_at: 0,
            down_at: 0,
            held_up: Vec::new(),
            held_down: Vec::new(),
            mute_since: None,
            unacknowledged: Vec::new(),
            refused: Vec::new(),
        });
        if matches!(self.machines[m].path, Path::Closed(_)) {
            self.plan(self.now + 1, Event::ConnectRefused(conn));
        } else {
            self.plan(self.now.saturating_add(timeout), Event::ConnectTimeout(conn));
            self.send_up(conn, Up::Connect(Box::new(connect)));
        }
        conn
    }

    pub(super) fn latency(&self, m: usize) -> u64 {
        self.machines[m].latency + self.machines[m].slow.0
    }

    pub(super) fn send_up(&mut self, id: ConnId, up: Up) {
        let m = self.conns[id].machine;
        if matches!(self.machines[m].path, Path::Silent(_)) {
            self.conns[id].held_up.push(up);
            return;
        }
        let at = self.conns[id].up_at.max(self.now + self.latency(m));
        self.conns[id].up_at = at;
        self.plan(at, Event::ToBroker(id, up));
    }

    pub(super) fn send_down(&mut self, id: ConnId, out: Out) {
        let m = self.conns[id].machine;
        if matches!(self.machines[m].path, Path::Silent(_)) {
            self.conns[id].held_down.push(out);
            return;
        }
        let at = self.conns[id].down_at.max(self.now + self.latency(m));
        self.conns[id].down_at = at;
        self.plan(at, Event::ToClient(id, out));
    }

    /// The client closes its socket without another word.
    pub(super) fn close_by_client(&mut self, id: ConnId) {
        let conn = &mut self.conns[id];
        if std::mem::take(&mut conn.client_open) {
            let machine = &mut self.machines[conn.machine];
            machine.pending.append(&mut conn.unacknowledged);
            self.send_up(id, Up::Close);
        }
    }

    /// The client learns that its connection is gone.
    pub(super) fn client_loses(&mut self, id: ConnId, failure: ConnectionFailure) {
        let conn = &mut self.conns[id];
        if !std::mem::take(&mut conn.client_open) {
            return;
        }
        let (m, lane, number) = (conn.machine, conn.lane, conn.number);
        let machine = &mut self.machines[m];
        machine.pending.append(&mut conn.unacknowledged);
        match lane {
            Lane::Main => {
                machine.main = None;
                self.handle(m, Input::Connection(number, ConnectionEvent::Down(failure)));
            }
            Lane::WillConnection => {
                machine.will_connection = None;
                self.handle(m, Input::WillConnection(number, ConnectionEvent::Down(failure)));
            }
            Lane::Seed => {
                let seed = m - ENGINES as usize;
                self.seeds[seed].conn = None;
                self.plan(self.now + 1_000, Event::SeedConnects(seed));
            }
        }
    }

    pub(super) fn broker_loses(&mut self, id: ConnId) {
        if std::mem::take(&mut self.conns[id].broker_open) {
            self.broker.lost(self.now, id);
            self.flush_broker();
        }
    }

    pub(super) fn flush_broker(&mut self) {
        let mut out = std::mem::take(&mut self.broker.out);
        for (id, mut out) in out.drain(..) {
            self.bend_down(&mut out);
            if matches!(out, Out::Close | Out::TakenOver) {
                self.conns[id].broker_open = false;
            }
            self.send_down(id, out);
        }
        self.broker.out = out;
    }

    /// Packets get through again, or no longer.
    pub(super) fn mute_or_not(&mut self, m: usize) {
        let mute = self.machines[m].frozen || matches!(self.machines[m].path, Path::Silent(_));
        for id in 0..self.conns.len() {
            let conn = &self.conns[id];
            if conn.machine != m || !conn.client_open {
                continue;
            }
            match (mute, conn.mute_since) {
                (true, None) => self.falls_silent(id),
                (false, Some(_)) => self.conns[id].mute_since = None,
                _ => {}
            }
        }
    }

    pub(super) fn falls_silent(&mut self, id: ConnId) {
        let now = self.now;
        let conn = &mut self.conns[id];
        conn.mute_since = Some(now);
        // PINGREQs leave at every multiple of the keep-alive.
        let last_heard = now - (now - conn.opened) % conn.keep_alive.max(1);
        let keep_alive = conn.keep_alive;
        let late = self.broker.late();
        self.plan((last_heard + keep_alive * 3 / 2 + late).max(now), Event::BrokerGivesUp(id, now));
        self.plan(last_heard + keep_alive * 2, Event::ClientGivesUp(id, now));
    }

    pub(super) fn flush_path(&mut self, m: usize) {
        for id in 0..self.conns.len() {
            if self.conns[id].machine != m {
                continue;
            }
            for up in std::mem::take(&mut self.conns[id].held_up) {
                self.send_up(id, up);
            }
            for out in std::mem::take(&mut self.conns[id].held_down) {
                self.send_down(id, out);
            }
        }
    }
}
