//! What goes wrong, and for how long anybody may be wrong about it.

use super::*;

/// From the end of a trouble that lasted so long until a device is back and has spoken: the retry times of the
/// protocol, a connection that is waited for in vain, reading.
const fn recovery(lasted: u64) -> u64 {
    if lasted <= 4_500 {
        4_500
    } else if lasted <= 280_000 {
        18_000
    } else {
        43_000
    }
}

/// A connection has stood after this, reading and its longest wait for a CONNACK before it.
const STOOD: u64 = 10_000 + 2_500;

/// After a split the other node publishes its Will within this.
const STALE_WILL: u64 = 30_000;

/// Settling, and the time for reading a viewer takes.
pub(super) const SETTLE: u64 = 12_000;

impl Simulation {
    /// A slow machine takes longer for everything.
    pub(super) const fn slack(&self) -> u64 {
        if self.now < self.wide_until { 4_000 } else { 0 }
    }

    /// Whether a machine's connection has stood for so long that its retries begin anew. Otherwise its pauses go on
    /// growing, and a short drop may outlast the grace.
    fn stood(&self, m: usize) -> bool {
        self.machines[m].main.is_some_and(|id| {
            let conn = &self.conns[id];
            conn.acknowledged && self.now >= conn.opened + STOOD
        })
    }

    /// From the end of a trouble until the machine is back, as its connection is now.
    fn back_after(&self, m: usize, lasted: u64) -> u64 {
        if self.stood(m) { recovery(lasted) } else { recovery(lasted.max(4_501)) }
    }

    /// A drop shorter than this is over, retry and all, before the grace is.
    const fn unnoticed(&self) -> u64 {
        if self.now < self.wide_until { 0 } else { 2_400 }
    }

    pub(super) fn strike(&mut self, fault: Fault) {
        match fault {
            Fault::Drop { machine, seen_by, for_ms } => {
                self.forget_connection_state(usize::from(machine), seen_by, u64::from(for_ms));
            }
            Fault::Stall { machine, for_ms } => self.stall(usize::from(machine), for_ms.into()),
            Fault::Delay { machine, by_ms, for_ms } => {
                let m = usize::from(machine);
                let until = self.now + u64::from(for_ms);
                self.machines[m].slow = (by_ms.into(), until);
                self.wide_until = self.wide_until.max(until + 10_000);
                self.late = self.late.max(2_000);
                self.plan(until, Event::Slow(m, until));
                // Troubles under way take longer to end.
                for source in self.sources.iter_mut().filter(|source| !source.is_certain()) {
                    source.certain_at = source.certain_at.saturating_add(4_000);
                    // So does a way back that would have been short enough.
                    source.offline_at = source.offline_at.min(source.since + GRACE);
                }
                self.meets_slowly();
                for machine in &mut self.machines {
                    machine.in_touch_at = machine.in_touch_at.saturating_add(4_000);
                    machine.blind_until += 4_000;
                }
            }
            Fault::Freeze { device, for_ms, dead } => {
                self.freeze(usize::from(device), for_ms.into(), dead);
            }
            Fault::Kill { device, back_ms } => {
                let m = usize::from(device);
                if self.is_usable(m) {
                    self.process_ends(m);
                    self.dies(m, back_ms.map(u64::from));
                }
            }
            Fault::Restart { device, back_ms } => {
                let m = usize::from(device);
                if self.is_usable(m) {
                    self.handle(m, Input::Command(Command::Restart));
                    self.process_ends(m);
                    self.dies(m, Some(back_ms.into()));
                }
            }
            Fault::Clock { machine, by_minutes } => {
                self.machines[usize::from(machine)].skew += i64::from(by_minutes) * 60_000;
            }
            Fault::Broker { end, for_ms } => self.broker_ends(end, for_ms.into()),
            Fault::Split { device } => self.split(usize::from(device)),
            Fault::Meddle { device, for_ms } => self.meddle(usize::from(device), for_ms.into()),
            Fault::Copy { device } => self.copy_or_quit(usize::from(device)),
            Fault::Reopen { viewer } => {
                let m = usize::from(viewer);
                self.process_ends(m);
                self.launch(m);
            }
            Fault::SeedKill(seed) => {
                let seed = usize::from(seed);
                if self.seeds[seed].running {
                    self.seeds[seed].running = false;
                    let conn = self.seeds[seed].conn.take();
                    let heard = conn.is_some_and(|conn| self.conns[conn].acknowledged);
                    if let Some(conn) = conn {
                        self.close_by_client(conn);
                    }
                    self.seed_ends(seed, heard);
                }
            }
        }
    }

    /// A machine hears nothing from now on, and everything again from then on.
    pub(super) fn out_of_touch(&mut self, m: usize, until: u64) {
        let machine = &mut self.machines[m];
        if machine.in_touch_at <= self.now {
            machine.out_since = self.now;
        }
        machine.in_touch_at = machine.in_touch_at.max(until);
    }

    /// Without ages, a lease counts from when somebody read the record.
    pub(super) fn reads_anew(&mut self) {
        if !self.tells_ages() {
            let until = self.now + LEASE + 10_000 + self.slack();
            for d in devices() {
                if self.sources[d].haunts(self.now, until) {
                    self.people[person_of(d)].choice.recalled();
                }
            }
            self.believe();
        }
    }

    /// The path of a machine is in trouble.
    fn trouble(&mut self, m: usize, offline_at: Option<u64>, certain_at: u64) {
        let certain_at = certain_at + self.slack();
        self.machines[m].path_certain = self.machines[m].path_certain.max(certain_at);
        self.machines[m].cut_until = self.machines[m].cut_until.max(certain_at + SETTLE);
        let blind = &mut self.machines[m].blind_until;
        if *blind > self.now {
            *blind = (*blind).max(certain_at + SETTLE);
        }
        if is_device(m) {
            if self.sources[m].status == OFFLINE {
                let certain_at = self.now + LEASE + 20_000;
                if !self.sources[m].is_quiet(self.now) {
                    self.sources[m].cut(self.now, Some(self.now), certain_at);
                    self.sources[m].goes_unheard();
                }
            } else {
                self.sources[m].cut(self.now, offline_at, certain_at);
            }
            self.people[person_of(m)].choice.disturbed(self.now, false);
            self.meets_its_like(m);
        }
        self.out_of_touch(m, certain_at + SETTLE);
    }

    fn set_path(&mut self, m: usize, path: impl FnOnce(u64) -> Path, for_ms: u64) {
        let held = match self.machines[m].path {
            Path::Clear => 0,
            Path::Closed(until) | Path::Silent(until) => until,
        };
        let until = held.max(self.now + for_ms);
        self.machines[m].path = path(until);
        self.plan(until, Event::Heal(m, until));
        self.mute_or_not(m);
        if !matches!(self.machines[m].path, Path::Silent(_)) {
            self.flush_path(m);
        }
    }

    pub(super) fn forget_connection_state(&mut self, m: usize, seen_by: End, for_ms: u64) {
        if self.machines[m].frozen {
            return;
        }
        let now = self.now;
        let back = self.back_after(m, for_ms);
        let unnoticed = if self.stood(m) { self.unnoticed() } else { 0 };
        let conns = [self.machines[m].main, self.machines[m].will_connection].into_iter().flatten();
        match seen_by {
            End::Both => {
                let offline = (for_ms > unnoticed).then_some(now + GRACE);
                self.trouble(m, offline, now + for_ms + back);
                self.set_path(m, Path::Closed, for_ms);
                for id in conns {
                    self.broker_loses(id);
                    self.client_loses(id, broken("reset"));
                }
            }
            End::Client => {
                // The broker gives up four seconds from now at the earliest.
                let offline = (for_ms > unnoticed + 4_000).then_some(now + 4_000 + GRACE);
                self.trouble(m, offline, now + for_ms + back);
                self.set_path(m, Path::Closed, for_ms);
                for id in conns {
                    self.falls_silent(id);
                    self.client_loses(id, broken("reset"));
                }
            }
            End::Broker => {
                // The client finds out with its next PINGREQ.
                self.trouble(m, Some(now + GRACE), now + KEEP_ALIVE + recovery(KEEP_ALIVE));
                for id in conns {
                    let conn = &self.conns[id];
                    let next = conn.keep_alive - (now - conn.opened) % conn.keep_alive;
                    self.plan(now + next, Event::Ping(id));
                    self.broker_loses(id);
                }
            }
        }
    }

    /// What is under way arrives so much later; what is held up for longer than a client waits is read anew.
    fn holds_up(&mut self, for_ms: u64) {
        self.late = self.late.max(for_ms.min(2 * KEEP_ALIVE) + 2_000);
    }

    fn stall(&mut self, m: usize, for_ms: u64) {
        if self.machines[m].frozen {
            return;
        }
        let now = self.now;
        self.holds_up(for_ms);
        let offline = (for_ms > self.unnoticed() + 4_000).then_some(now + 4_000 + GRACE);
        let certain = if for_ms < 3_900 && self.machines[m].path_certain <= now {
            now + for_ms + 1_000
        } else {
            let lasts = for_ms.max(2 * KEEP_ALIVE);
            now + lasts + recovery(lasts)
        };
        self.trouble(m, offline, certain);
        self.set_path(m, Path::Silent, for_ms);
    }

    /// A process died, and is started again after so long.
    fn dies(&mut self, m: usize, back_ms: Option<u64>) {
        let now = self.now;
        let certain = if self.sources[m].is_certain() {
            now + GRACE + self.broker.late() + 1_600 + self.slack()
        } else {
            self.sources[m].goes_unheard();
            now + LEASE + 20_000
        };
        let slack = self.slack();
        let offline = back_ms.is_none_or(|ms| ms + slack > 5_400).then_some(now + GRACE);
        self.sources[m].dies(now);
        self.sources[m].cut(now, offline, certain);
        self.people[person_of(m)].choice.disturbed(now, true);
        if let Some(ms) = back_ms {
            self.plan(now + ms, Event::Launch(m));
        }
    }

    fn freeze(&mut self, m: usize, for_ms: u64, dead: bool) {
        if !self.is_usable(m) {
            return;
        }
        let now = self.now;
        let certain = if self.sources[m].is_certain() {
            now + KEEP_ALIVE * 3 / 2 + GRACE + 2 * self.broker.late() + 1_600 + self.slack()
        } else {
            self.sources[m].goes_unheard();
            now + LEASE + 20_000
        };
        let offline = (for_ms > self.unnoticed() + 4_000).then_some(now + 4_000 + GRACE);
        // Nobody corrects the Will of the other node, and a new reader reads that.
        let offline = if now < self.machines[m].stale_will_until { Some(now) } else { offline };
        self.holds_up(for_ms);
        self.machines[m].frozen = true;
        self.sources[m].dies(now);
        self.sources[m].cut(now, offline, certain);
        self.people[person_of(m)].choice.disturbed(now, false);
        self.out_of_touch(m, NEVER);
        self.mute_or_not(m);
        self.plan(now + for_ms, Event::Wake(m, dead));
    }

    pub(super) fn thaw(&mut self, m: usize, dead: bool) {
        self.note(|| format!("{} goes on", NAMES[m]));
        self.machines[m].frozen = false;
        self.comes_back(m, KEEP_ALIVE + 500 + recovery(5_000));
        self.meets_its_like(m);
        let conns = [self.machines[m].main, self.machines[m].will_connection];
        if dead {
            self.machines[m].inbox.clear();
            for id in conns.into_iter().flatten() {
                // The broker was told nothing: its end is open until it gives up.
                if self.conns[id].mute_since.is_none() {
                    self.falls_silent(id);
                }
                self.client_loses(id, broken("the network was down"));
            }
        }
        self.mute_or_not(m);
        self.deliver_inbox(m);
    }

    pub(super) fn deliver_inbox(&mut self, m: usize) {
        self.machines[m].catches_up = true;
        for (id, out) in std::mem::take(&mut self.machines[m].inbox) {
            self.arrive_at_client(id, out);
        }
        self.machines[m].catches_up = false;
    }

    fn broker_ends(&mut self, end: Outage, for_ms: u64) {
        if !self.broker.running {
            return;
        }
        let now = self.now;
        let certain = now + for_ms + recovery(for_ms) + self.slack();
        self.broker_certain = self.broker_certain.max(certain);
        for m in devices() {
            if self.sources[m].status != OFFLINE {
                self.sources[m].cut(now, None, certain);
            } else if !self.sources[m].is_quiet(now) {
                self.sources[m].cut(now, Some(now), now + for_ms + LEASE + 30_000);
                self.sources[m].goes_unheard();
            }
        }
        for seed in 0..2 {
            let source = &mut self.sources[ENGINES as usize + seed];
            if source.status != OFFLINE || !source.is_quiet(now) {
                let certain = if self.seeds[seed].running { certain + SETTLE } else { NEVER };
                source.cut(now, Some(now), certain);
            }
        }
        for person in &mut self.people {
            person.choice.disturbed(now, false);
            if end == Outage::LosesAll {
                person.choice.forgotten();
            }
        }
        for m in engines() {
            self.meets_its_like(m);
            if self.machines[m].in_touch_at > now {
                // Who came while it was cut off, it knows no more of than somebody who looks for the first time.
                self.machines[m].cut_until = self.machines[m].cut_until.max(certain + SETTLE);
            }
            self.out_of_touch(m, certain + SETTLE);
            let blind = &mut self.machines[m].blind_until;
            if *blind > now {
                *blind = (*blind).max(certain + SETTLE);
            }
        }
        self.broker.end(now, end);
        self.flush_broker();
        self.plan(now + for_ms, Event::BrokerBack);
    }

    fn split(&mut self, m: usize) {
        let Some(saved) = self.machines[m].saved.as_ref().filter(|_| self.is_usable(m)) else {
            return;
        };
        self.broker.split(&saved.client_id);
        let now = self.now;
        self.machines[m].stale_will_until = now + STALE_WILL;
        self.trouble(m, None, now + recovery(0));
        if let Some(id) = self.machines[m].main {
            self.falls_silent(id);
            self.client_loses(id, broken("reset"));
        }
    }

    fn meddle(&mut self, m: usize, for_ms: u64) {
        let now = self.now;
        self.machines[m].liar_until = now + for_ms;
        self.plan(now + for_ms, Event::LiarLeaves(m));
        self.plan(now, Event::Lie(m));
        self.sources[m].cut(now, Some(now), now + for_ms + 62_000);
        if let Some(other) = self.like_of(m) {
            self.sources[other].cut(now, Some(now), now + for_ms + 62_000);
        }
    }

    /// Whose liar answers what was just published.
    pub(super) fn lied_to(&self, id: ConnId, topic: &str) -> Option<usize> {
        let m = self.conns[id].machine;
        (self.machines[m].liar_until > self.now && topic.contains("/device/")).then_some(m)
    }

    pub(super) fn lie(&mut self, m: usize) {
        let Some(saved) = &self.machines[m].saved else { return };
        if self.machines[m].liar_until > self.now && self.broker.running {
            let topic = format!("presence/{}/device/{}", USERS[m / 2], saved.device);
            // Without a time, so that it cannot be taken for an echo.
            let payload = br#"{"v":1,"status":"offline","cause":"left"}"#.to_vec();
            self.broker.publish(self.now, &topic, payload, None);
            self.flush_broker();
        }
    }
}
