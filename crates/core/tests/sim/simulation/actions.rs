//! What people do at their devices, and simple clients.

use super::faults::SETTLE;
use super::*;

/// To say goodbye and connect anew: a PUBACK, a CONNECT, reading, and perhaps a try that is lost.
const CHANGES_PLACES: u64 = 4_500;
/// Ages are in whole seconds: from the broker to a device, and again to each reader of that device's copy.
const FADES: u64 = 2_100;

const fn chosen(word: Word) -> ChosenStatus {
    match word {
        Word::Online => ChosenStatus::Online,
        Word::Away => ChosenStatus::Away,
        Word::Dnd => ChosenStatus::Dnd,
    }
}

impl Simulation {
    pub(super) fn take(&mut self, what: What) {
        match what {
            What::Input(d) => self.at_desk(d, Observation::InputActive, |desk, _| {
                desk.idle_since = None;
            }),
            What::Pause(d) => {
                let since = Moment::Ago(Duration::ZERO);
                self.at_desk(d, Observation::InputIdle { since }, |desk, now| {
                    desk.idle_since = Some(now);
                });
            }
            What::Idle(d) => {
                let since = Moment::Ago(Duration::from_millis(AWAY_AFTER));
                self.at_desk(d, Observation::InputIdle { since }, |desk, now| {
                    desk.idle_since = Some(now - AWAY_AFTER);
                });
            }
            What::Lock(d) => {
                let locked = !self.machines[usize::from(d)].desk.locked;
                self.at_desk(d, Observation::Locked(locked), |desk, _| desk.locked = locked);
            }
            What::Choose(d, word) => {
                self.choose_for(usize::from(d), chosen(word), bit(word), None);
            }
            What::ChooseFor(d, word, for_ms) => {
                self.choose_for(usize::from(d), chosen(word), bit(word), Some(for_ms));
            }
            What::Hide(d, for_ms) => {
                self.choose_for(usize::from(d), ChosenStatus::Invisible, INVISIBLE, for_ms);
            }
            What::Clear(d) => self.choose(usize::from(d), UNCHOSEN, Command::ClearChosen, None),
            What::Suspend(d) => self.suspend_or_wake(usize::from(d)),
            What::Quit(d) => self.quit_or_start(usize::from(d)),
            What::SeedSays(seed, word) => {
                let seed = usize::from(seed);
                self.seeds[seed].word = word;
                self.seed_speaks(seed);
            }
            What::SeedLeaves(seed) => self.seed_leaves_or_starts(usize::from(seed)),
            What::Fault(fault) => self.strike(fault),
        }
    }

    /// Whether somebody can do something at this device.
    pub(super) fn is_usable(&self, m: usize) -> bool {
        let machine = &self.machines[m];
        machine.engine.is_some()
            && !machine.frozen
            && !machine.desk.quit
            && machine.desk.asleep_since.is_none()
    }

    /// What a device observes, as the words of its record.
    pub(super) fn observed(&self, m: usize) -> (&'static str, Option<&'static str>) {
        let desk = &self.machines[m].desk;
        if desk.quit {
            ("offline", Some("left"))
        } else if desk.asleep_since.is_some() {
            ("offline", Some("asleep"))
        } else if desk.locked {
            ("away", Some("locked"))
        } else if desk.idle_since.is_some_and(|since| self.now - since >= AWAY_AFTER) {
            ("away", Some("idle"))
        } else {
            ("online", None)
        }
    }

    pub(super) fn standing(&self, m: usize) -> Set {
        match self.observed(m).0 {
            "online" => ONLINE,
            "away" => AWAY,
            _ => OFFLINE,
        }
    }

    /// Takes in what a running device observes now.
    pub(super) fn observe(&mut self, m: usize) {
        let machine = &self.machines[m];
        if machine.engine.is_some() && !machine.frozen {
            let status = self.standing(m);
            self.sources[m].says(self.now, status);
            let (other, until) = self.machines[m].met;
            if self.now < until && !self.sources[other].is_certain() {
                self.sources[other].believable |= status;
            }
            self.believe();
        }
    }

    fn at_desk(&mut self, d: u8, observation: Observation, change: impl FnOnce(&mut Desk, u64)) {
        let m = usize::from(d);
        if !self.is_usable(m) {
            return;
        }
        change(&mut self.machines[m].desk, self.now);
        if let Some(since) = self.machines[m].desk.idle_since {
            self.plan((since + AWAY_AFTER).max(self.now), Event::Threshold(m));
        }
        self.observe(m);
        self.handle(m, Input::Observed(observation));
    }

    fn choose_for(&mut self, m: usize, status: ChosenStatus, choice: Set, for_ms: Option<u32>) {
        // Without ages, calendars decide when a choice ends that was read from the store, so nobody can tell.
        let for_ms = for_ms.filter(|_| self.tells_ages());
        let lasting = for_ms.map(|ms| Duration::from_millis(ms.into()));
        let command = Command::Choose { status, text: None, emoji: None, lasting };
        self.choose(m, choice, command, for_ms);
    }

    fn choose(&mut self, m: usize, choice: Set, command: Command, for_ms: Option<u32>) {
        if !self.is_usable(m) {
            return;
        }
        let p = person_of(m);
        let here = self.sources[m].is_certain();
        let clear = self.all_certain(p);
        let hidden = self.people[p].choice.may_be(INVISIBLE);
        self.people[p].choice.chosen(self.now, m, choice, here, clear);
        if !self.tells_ages() && !here {
            // Without ages, calendars decide between a wish that waited and what stands at the broker.
            self.people[p].choice.blurs();
        }
        if hidden || choice == INVISIBLE {
            self.changes_places(p, hidden, 0);
        }
        if let Some(ms) = for_ms {
            let (ends, number) = (self.now + u64::from(ms), self.people[p].choice.number);
            let fades = ends.saturating_sub(FADES).max(self.now);
            self.plan(fades, Event::ChoiceFades(p, number));
            self.plan(ends, Event::ChoiceEnds(p, number));
        }
        self.believe();
        self.handle(m, Input::Command(command));
    }

    /// The devices of a person connect anew, as readers or, if they come out of hiding, as themselves.
    fn changes_places(&mut self, p: usize, come_out: bool, late: u64) {
        let until = self.now + CHANGES_PLACES + self.slack() + late;
        for d in devices_of(p) {
            let machine = &self.machines[d];
            if machine.engine.is_none() || machine.frozen {
                continue;
            }
            if come_out && self.sources[d].status != OFFLINE {
                self.sources[d].cut(self.now, Some(self.now), until);
            }
            self.out_of_touch(d, until + SETTLE);
            let machine = &mut self.machines[d];
            machine.cut_until = machine.cut_until.max(until + SETTLE);
            if come_out {
                self.meets_its_like(d);
            }
        }
    }

    pub(super) fn choice_fades(&mut self, p: usize, number: u32) {
        let hidden = self.people[p].choice.may_be(INVISIBLE);
        self.people[p].choice.fades(number);
        if hidden && self.people[p].choice.may_be(UNCHOSEN) {
            self.changes_places(p, true, self.late);
        }
        self.believe();
    }

    pub(super) fn choice_ends(&mut self, p: usize, number: u32) {
        let hidden = self.people[p].choice.may_be(INVISIBLE);
        if hidden && self.people[p].choice.may_be(UNCHOSEN) {
            self.changes_places(p, true, self.late);
        }
        let clear = self.all_certain(p);
        self.people[p].choice.ends(self.now, number, clear);
        self.believe();
    }

    fn suspend_or_wake(&mut self, m: usize) {
        let machine = &self.machines[m];
        if let Some(slept) = machine.desk.asleep_since {
            let machine = &mut self.machines[m];
            machine.desk.asleep_since = None;
            let idle = machine.desk.idle_since.filter(|idle| *idle < slept);
            let last = idle.unwrap_or(slept);
            machine.desk.idle_since = Some(last);
            machine.frozen = false;
            self.plan((last + AWAY_AFTER).max(self.now), Event::Threshold(m));
            self.comes_back(m, 2_500);
            self.meets_its_like(m);
            self.mute_or_not(m);
            self.deliver_inbox(m);
            self.handle(m, Input::Observed(Observation::Resumed));
        } else if self.is_usable(m) {
            self.machines[m].desk.asleep_since = Some(self.now);
            self.goes(m);
            self.out_of_touch(m, NEVER);
            self.plan(self.now + 5_000, Event::Sleep(m, self.now));
            self.handle(m, Input::Observed(Observation::Suspending));
        }
    }

    pub(super) fn sleep(&mut self, m: usize, since: u64) {
        if self.machines[m].desk.asleep_since == Some(since) {
            self.machines[m].frozen = true;
            self.mute_or_not(m);
        }
    }

    pub(super) fn quit_or_start(&mut self, m: usize) {
        if self.is_usable(m) {
            self.machines[m].desk.quit = true;
            self.goes(m);
            self.handle(m, Input::Command(Command::Quit));
        } else {
            self.start_process(m);
        }
    }

    /// It says goodbye, where that can be heard.
    fn goes(&mut self, m: usize) {
        let certain = self.sources[m].is_certain();
        self.sources[m].says(self.now, OFFLINE);
        if !certain {
            self.sources[m].goes_unheard();
            self.sources[m].extend(self.now, self.now + LEASE + 20_000);
            self.people[person_of(m)].choice.disturbed(self.now, true);
        }
        let (met, until) = self.machines[m].met;
        let like = self.like_of(m).or_else(|| (self.now < until).then_some(met));
        if let Some(other) = like
            && !self.sources[other].is_certain()
        {
            // Its goodbye also replaces the record of the device that it is, or just was, a copy of.
            self.sources[other].believable |= OFFLINE;
        }
        self.believe();
    }

    pub(super) fn start_process(&mut self, m: usize) {
        let machine = &mut self.machines[m];
        if machine.engine.is_some() || machine.desk.asleep_since.is_some() {
            return;
        }
        machine.desk.quit = false;
        self.comes_back(m, 2_500);
        self.meets_its_like(m);
        self.launch(m);
    }

    /// A device is there again, and everybody knows it after so long at the latest.
    pub(super) fn comes_back(&mut self, m: usize, within: u64) {
        let path = self.machines[m].path_certain.max(self.machines[m].path_used_at());
        let path = path.max(self.broker_certain);
        // A device that does not know whether it hides connects twice.
        let hid = self.people[person_of(m)].choice.ever_hid();
        let within = if hid { within + CHANGES_PLACES } else { within };
        let status = self.standing(m);
        let certain_at = (self.now + within + self.slack()).max(path);
        let in_time = self.now + 600 + self.slack();
        let source = &mut self.sources[m];
        if path <= self.now && source.offline_at > in_time {
            // Back in time: nobody has a reason to call it offline.
            source.offline_at = NEVER;
        }
        source.extend(self.now, certain_at);
        source.says(self.now, status);
        let machine = &mut self.machines[m];
        machine.in_touch_at = if machine.in_touch_at == NEVER { 0 } else { machine.in_touch_at };
        machine.in_touch_at = machine.in_touch_at.max(certain_at + 12_000);
        machine.cut_until = machine.cut_until.max(machine.in_touch_at);
        self.believe();
    }

    // --- simple clients

    pub(super) fn seed_starts(&mut self, seed: usize) {
        self.seeds[seed].running = true;
        self.plan(self.now, Event::SeedConnects(seed));
    }

    pub(super) fn seed_connects(&mut self, seed: usize) {
        if !self.seeds[seed].running || self.seeds[seed].conn.is_some() {
            return;
        }
        let m = ENGINES as usize + seed;
        let will = Will {
            topic: seed_topic(seed),
            payload: self.seed_record("offline"),
            delay: Duration::ZERO,
            expires_in: Duration::ZERO,
        };
        let connect = Connect {
            connection: ConnectionId(0),
            version: Version::V311,
            client_id: format!("mqttjs_{seed}_{}", self.conns.len()),
            clean_start: true,
            session_expiry: Duration::ZERO,
            keep_alive: Duration::from_secs(60),
            dial_within: Duration::from_secs(30),
            connack_within: Duration::ZERO,
            will: Some(will),
        };
        let conn = self.open(m, Lane::Seed, connect);
        self.seeds[seed].conn = Some(conn);
    }

    /// Says its word, if it is connected; otherwise it does once it is.
    pub(super) fn seed_speaks(&mut self, seed: usize) {
        let word = self.seeds[seed].word;
        let text = match word {
            Word::Online => "online",
            Word::Away => "away",
            Word::Dnd => "dnd",
        };
        if self.seed_sends(seed, text) {
            self.sources[ENGINES as usize + seed].speaks(self.now);
            self.seed_is(seed, bit(word));
        }
    }

    fn seed_sends(&mut self, seed: usize, status: &str) -> bool {
        let Some(conn) = self.seeds[seed].conn.filter(|conn| self.conns[*conn].acknowledged) else {
            return false;
        };
        let (topic, payload) = (seed_topic(seed), self.seed_record(status));
        self.note(|| format!("{} says {status}", NAMES[ENGINES as usize + seed]));
        let publish = Publish::record(PublishId(0), topic, payload, None);
        self.send_up(conn, Up::Publish(publish));
        true
    }

    pub(super) fn seed_is(&mut self, seed: usize, status: Set) {
        let source = &mut self.sources[ENGINES as usize + seed];
        source.says(self.now, status);
        source.repeats();
        self.believe();
    }

    fn seed_leaves_or_starts(&mut self, seed: usize) {
        if self.seeds[seed].running {
            self.seeds[seed].running = false;
            let heard = self.seed_sends(seed, "offline");
            if let Some(conn) = self.seeds[seed].conn.take() {
                self.send_up(conn, Up::Disconnect);
                self.close_by_client(conn);
            }
            self.seed_ends(seed, heard);
        } else {
            self.seeds[seed].word = Word::Online;
            self.seed_starts(seed);
        }
    }

    /// It is gone. What nobody heard nobody can know: such a client has no lease.
    pub(super) fn seed_ends(&mut self, seed: usize, heard: bool) {
        let source = &mut self.sources[ENGINES as usize + seed];
        if !heard || !source.is_certain() {
            source.cut(self.now, Some(self.now), NEVER);
        }
        self.seed_is(seed, OFFLINE);
    }

    fn seed_record(&self, status: &str) -> Vec<u8> {
        let timestamp = CALENDAR + self.now;
        format!("{{\"status\":\"{status}\",\"timestamp\":{timestamp}}}").into_bytes()
    }
}

fn seed_topic(seed: usize) -> String {
    format!("presence/{}", USERS[SEED_USERS[seed]])
}
