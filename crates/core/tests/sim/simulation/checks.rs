//! The invariants.

#![expect(
    clippy::needless_range_loop,
    reason = "machines and people are numbers, and the tables of each run beside each other"
)]

use super::*;

/// What one device may write to its own topic in a minute: its changes, and five corrections.
const WRITTEN_A_MINUTE: usize = 40;
/// How long a notification is held for more of them.
const NOTICE_HELD: u64 = 3_900;

impl Simulation {
    /// Brings up to date what may be believed.
    pub(super) fn believe(&mut self) {
        let (now, width) = (self.now, self.width());
        for source in &mut self.sources {
            source.follow(now);
        }
        let healthy = |source: &Source| source.is_certain() && source.status != OFFLINE;
        let hers = devices_of(SEED_USERS[1]);
        if !hers.iter().any(|d| healthy(&self.sources[*d])) {
            // The known limit: with no other device of hers to carry it along, a simple client's word can be
            // lost under the word of a Will connection.
            self.sources[ENGINES as usize + 1].believable |= OFFLINE;
        }
        let goes = |source: &Source| source.status == OFFLINE && !source.is_quiet(now);
        let hides = self.people[SEED_USERS[1]].choice.may_be(INVISIBLE);
        if hides {
            // No device of hers writes anything then.
            self.sources[ENGINES as usize + 1].believable |= OFFLINE;
        }
        if hides || hers.iter().any(|d| !self.sources[*d].is_certain() || goes(&self.sources[*d])) {
            self.sources[ENGINES as usize + 1].blurs(now, self.slack());
        }
        for p in 0..3 {
            let seed = SEED_USERS.iter().position(|user| *user == p);
            let seed = seed
                .map_or(OFFLINE, |seed| self.sources[ENGINES as usize + seed].crossing(now, width));
            if p < 2 && self.all_certain(p) {
                self.people[p].choice.settle();
            }
            let choice = self.people[p].choice.crossing(now, width);
            let sum = if p < 2 {
                let sets = devices_of(p).map(|d| self.sources[d].crossing(now, width));
                truth::sum(&sets, seed, choice)
            } else {
                truth::sum(&[], seed, choice)
            };
            if self.people[p].believe(now, sum) {
                self.note(|| format!("{} may be believed {}", USERS[p], words(sum)));
                self.plan(now + self.width() + 1, Event::Look);
            }
        }
        if !self.v5 {
            // Over 3.1.1 a first look does not wait for who may come back.
            let troubles = devices().map(|d| self.sources[d].certain_at);
            let over = troubles.filter(|at| *at != NEVER).max().unwrap_or(0);
            for machine in self.machines.iter_mut().filter(|machine| machine.blind_until > now) {
                machine.blind_until = machine.blind_until.max(over);
            }
        }
        let next = self
            .sources
            .iter()
            .flat_map(|source| [source.offline_at, source.certain_at])
            .chain(self.machines.iter().flat_map(|m| [m.in_touch_at, m.blind_until]))
            .filter(|at| *at > now)
            .min()
            .unwrap_or(NEVER);
        if next != NEVER && (next < self.look_at || self.look_at <= now) {
            self.look_at = next;
            self.plan(next, Event::Look);
        }
    }

    /// Whether no device of a person's is in trouble.
    pub(super) fn all_certain(&self, p: usize) -> bool {
        devices_of(p).iter().all(|d| self.sources[*d].is_certain())
    }

    /// From when on nobody may be wrong, and everybody has heard of everything.
    pub(super) fn all_certain_at(&self) -> u64 {
        let sources = self.sources.iter().map(|source| source.certain_at);
        let machines = self.machines.iter().flat_map(|m| [m.in_touch_at, m.blind_until]);
        let ends = sources.chain(machines).filter(|at| *at != NEVER);
        ends.max().unwrap_or(0) + self.width() + 1
    }

    /// How long news is under way at most.
    fn width(&self) -> u64 {
        if self.now < self.wide_until { 3_600 } else { 600 }
    }

    pub(super) fn look(&mut self) {
        self.believe();
        for m in engines() {
            self.check(m);
        }
    }

    /// Reads off what a machine shows.
    pub(super) fn look_at(&mut self, m: usize) {
        let Some(engine) = &self.machines[m].engine else { return };
        let mut shown = [OFFLINE; 3];
        let mut impossible = None;
        // Without a link nothing is claimed of those who are not in the list either.
        let mut doubted = [engine.people().all(|person| person.stale); 3];
        for person in engine.people() {
            let Some(p) = USERS.iter().position(|user| *user == person.user) else { continue };
            doubted[p] = person.stale;
            let devices = person.devices.iter().map(|device| device.since);
            let times = devices.chain([person.since, person.evidence.heard]).flatten();
            let impossibly = times.filter(|at| *at < Timestamp::FLOOR).min();
            impossible = impossible.or(impossibly.map(|at| (p, at)));
            shown[p] = match person.status.as_str() {
                "online" => ONLINE,
                "away" => AWAY,
                "dnd" => DND,
                _ => OFFLINE,
            };
        }
        if self.trace.is_some() && shown != self.machines[m].shown {
            let line = format!(
                "{} shows alice {}, bob {}, carol {}",
                NAMES[m],
                words(shown[0]),
                words(shown[1]),
                words(shown[2])
            );
            self.note(|| line);
        }
        if let Some((p, at)) = impossible {
            self.violated(|| format!("{} shows {} since {at:?}", NAMES[m], USERS[p]));
        }
        self.machines[m].shown = shown;
        self.machines[m].doubted = doubted;
        self.check(m);
    }

    /// Since when a machine may be behind.
    fn heard_since(&self, m: usize) -> u64 {
        let machine = &self.machines[m];
        let since = if machine.in_touch_at > self.now { machine.out_since } else { self.now };
        since.saturating_sub(self.width())
    }

    fn is_watching(&self, m: usize) -> bool {
        let machine = &self.machines[m];
        machine.engine.is_some() && !machine.frozen && machine.blind_until <= self.now
    }

    fn check(&mut self, m: usize) {
        if !self.is_watching(m) {
            return;
        }
        let heard_since = self.heard_since(m);
        for p in 0..3 {
            let ended_at = self.people[p].choice.ended_at;
            let late = self.now <= ended_at + self.late + self.width();
            let since = if late { heard_since.min(ended_at) } else { heard_since };
            let own = is_device(m) && p == person_of(m);
            let shown = self.machines[m].shown[p];
            // A viewer that shows its state as stale claims nothing.
            let claims = !self.machines[m].doubted[p];
            let wrong = !own && claims && !self.people[p].believable_since(shown, since);
            if wrong && (self.half_heard(m, p, self.now) | self.outlasted(m, p)) & shown == 0 {
                let truth = self.people[p].believable;
                self.violated(|| {
                    format!(
                        "{} shows {} {}; she is {}",
                        NAMES[m],
                        USERS[p],
                        words(shown),
                        words(truth)
                    )
                });
            }
        }
    }

    /// What somebody may be shown as at `then` by a machine that heard of a device's trouble and was cut off itself before
    /// that was over. Where the broker keeps to the grace, only its own end is such a trouble.
    fn half_heard(&self, m: usize, p: usize, then: u64) -> Set {
        let machine = &self.machines[m];
        let counts = !self.v5 || machine.out_since < self.broker_certain;
        if p >= 2 || machine.cut_until <= then || !counts {
            return 0;
        }
        let sets = devices_of(p).map(|d| self.sources[d].ever_since(machine.out_since));
        let seed = SEED_USERS.iter().position(|user| *user == p);
        let seed = seed.map_or(OFFLINE, |seed| self.sources[ENGINES as usize + seed].ever_since(0));
        truth::sum(&sets, seed, self.people[p].choice.crossing(self.now, self.now))
    }

    /// What somebody may be shown as by a machine that heard nothing for a while: the choice that it knows of ended by
    /// itself, whatever was chosen since.
    fn outlasted(&self, m: usize, p: usize) -> Set {
        let machine = &self.machines[m];
        if p >= 2 || machine.in_touch_at <= self.now || !self.people[p].choice.ended_ever {
            return 0;
        }
        let sets = devices_of(p).map(|d| self.sources[d].ever_since(machine.out_since));
        let seed = SEED_USERS.iter().position(|user| *user == p);
        let seed = seed.map_or(OFFLINE, |seed| self.sources[ENGINES as usize + seed].ever_since(0));
        truth::sum(&sets, seed, self.people[p].choice.crossing(self.now, self.now) | UNCHOSEN)
    }

    pub(super) fn judge_notification(&mut self, m: usize, notification: &Notification) {
        if !self.is_watching(m) {
            return;
        }
        let since = self.heard_since(m).saturating_sub(NOTICE_HELD);
        let (came, went) = match notification {
            Notification::Came(who) => (std::slice::from_ref(who), &[][..]),
            Notification::Went(who, _) => (&[][..], std::slice::from_ref(who)),
            Notification::Summary(several) => (several.came.as_slice(), several.went.as_slice()),
            // It is about hours, and tested elsewhere.
            Notification::Digest(_) => return,
            // Nobody knocks or waves here, nor waits for anybody.
            Notification::Back(_)
            | Notification::WentAway(..)
            | Notification::CameBack(_)
            | Notification::Knock { .. }
            | Notification::BothFree { .. }
            | Notification::Answered { .. }
            | Notification::Waved { .. } => return,
        };
        for who in went {
            self.judge_news(m, &who.user, since);
        }
        for who in came {
            // A person who left may have come back as away, and to the keyboard much later.
            let p = USERS.iter().position(|user| *user == who.user).unwrap_or_default();
            let came_before = std::mem::replace(&mut self.machines[m].came[p], self.now);
            self.judge_news(m, &who.user, since.min(came_before));
        }
    }

    /// A person who came or went was absent for at least a moment, as far as this machine could know.
    fn judge_news(&mut self, m: usize, user: &str, since: u64) {
        let p = USERS.iter().position(|known| *known == user);
        let shown_at = self.now.saturating_sub(NOTICE_HELD);
        let was_away = |p: usize| {
            self.people[p].believable_since(OFFLINE, since)
                || self.half_heard(m, p, shown_at) & OFFLINE != 0
        };
        if p.is_none_or(|p| !was_away(p)) {
            self.violated(|| {
                format!("{}: a notice about {user}, who was there all along", NAMES[m])
            });
        }
    }

    /// A device says of itself what it observes now and nothing else, and not without end.
    pub(super) fn judge_publish(&mut self, m: usize, publish: &Publish) {
        if !is_device(m) {
            self.violated(|| format!("{}: a reader publishes", NAMES[m]));
            return;
        }
        if !publish.topic.contains("/device/") {
            return;
        }
        let now = self.now;
        let written = &mut self.machines[m].written;
        written.push(now);
        written.retain(|at| at + 60_000 > now);
        if written.len() > WRITTEN_A_MINUTE {
            self.violated(|| format!("{}: writes its record again and again", NAMES[m]));
        }
        let text = std::str::from_utf8(&publish.payload).unwrap_or_default();
        let said = (field(text, "\"status\":\""), field(text, "\"cause\":\""));
        let (status, cause) = self.observed(m);
        let choice = self.people[person_of(m)].choice.crossing(now, self.width());
        let leaves = said == (Some("offline"), Some("left"));
        let heard = self.machines[m].main.is_some_and(|conn| self.conns[conn].broker_open);
        let knows = heard && !self.machines[m].catches_up;
        if choice == INVISIBLE && knows && said.0 != Some("offline") {
            self.violated(|| format!("{} says {said:?} and is to be seen by nobody", NAMES[m]));
        }
        // What came while it stood still it takes in one after the other, and obeys each.
        let may_leave = choice & INVISIBLE != 0 || self.machines[m].catches_up;
        if said != (Some(status), cause) && !(leaves && may_leave) {
            self.violated(|| {
                format!("{} says {said:?} of itself and observes {status} {cause:?}", NAMES[m])
            });
        }
    }

    /// After all is healed.
    pub(super) fn judge_end(&mut self) {
        self.believe();
        self.judge_copies();
        for m in engines() {
            if self.machines[m].engine.is_none() || self.machines[m].frozen {
                continue;
            }
            self.look_at(m);
            for p in 0..3 {
                let (shown, truth) = (self.machines[m].shown[p], self.people[p].believable);
                let listed =
                    self.machines[m].engine.as_ref().is_some_and(|e| e.people().count() > 0);
                let doubted = listed && self.machines[m].doubted[p];
                if shown & truth == 0 || doubted {
                    self.violated(|| {
                        format!(
                            "in the end {} shows {} {}{}; she is {}",
                            NAMES[m],
                            USERS[p],
                            words(shown),
                            if doubted { ", in doubt" } else { "" },
                            words(truth)
                        )
                    });
                }
            }
            let recent = self.machines[m].recent;
            if recent > 2 {
                self.violated(|| format!("in the end {} still says {recent} things", NAMES[m]));
            }
        }
    }
}

/// The text behind a key, up to the next quote.
fn field<'a>(json: &'a str, key: &str) -> Option<&'a str> {
    let (_, rest) = json.split_once(key)?;
    rest.split('"').next()
}

fn words(set: Set) -> String {
    let names = [(ONLINE, "online"), (AWAY, "away"), (OFFLINE, "offline"), (DND, "dnd")];
    let words: Vec<_> = names.iter().filter(|(bit, _)| set & bit != 0).map(|(_, w)| *w).collect();
    words.join(" or ")
}
