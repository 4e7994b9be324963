//! Copied machines: two that are the same device, as after copying a disk or a home folder.

use super::*;

/// Until one of the two has become another device and has said so: two tries of each, and the pause before a new identity.
const MEETING: u64 = 7_000;
/// Over 3.1.1 no client learns of a take-over. The two end each other's connections until one has read the other's record twice.
const MEETING_UNTOLD: u64 = 30_000;
/// A machine that is slow is thrown out before it has read its record, and takes the broker for one that allows one
/// connection: its pause is up to this long.
const MEETING_SLOWLY: u64 = 32_000;

impl Simulation {
    /// Another machine with the same device id.
    pub(super) fn like_of(&self, m: usize) -> Option<usize> {
        let device = &self.machines[m].saved.as_ref()?.device;
        let same = |o: &usize| {
            *o != m && self.machines[*o].saved.as_ref().is_some_and(|saved| saved.device == *device)
        };
        devices_of(person_of(m)).into_iter().find(same)
    }

    /// A machine is started as a copy of another one; the copy that runs is quit.
    pub(super) fn copy_or_quit(&mut self, m: usize) {
        let copy = COPIES + person_of(m);
        if self.is_usable(copy) {
            self.quit_or_start(copy);
            return;
        }
        // Two with one saved number, and a clock that is behind it, give their sessions the same numbers.
        let behind = |saved: &Saved| saved.epoch >= self.clock(m).wall.as_ms();
        if self.quirks.unset.iter().any(|unset| usize::from(unset.machine) == m)
            || self.machines[m].saved.as_ref().is_some_and(behind)
        {
            return;
        }
        let original = &self.machines[m];
        if original.saved.is_none() || self.machines[copy].engine.is_some() {
            return;
        }
        let (saved, skew) = (original.saved.clone(), original.skew);
        let Desk { idle_since, locked, .. } = original.desk;
        let machine = &mut self.machines[copy];
        (machine.saved, machine.skew) = (saved, skew);
        machine.desk = Desk { idle_since, locked, ..Desk::default() };
        self.machines[m].renewals += 1;
        self.machines[copy].renewals += 1;
        if let Some(since) = idle_since {
            self.plan((since + AWAY_AFTER).max(self.now), Event::Threshold(copy));
        }
        self.start_process(copy);
    }

    /// Two machines that are the same device are, or will be, connected both: one of them becomes another.
    pub(super) fn meets_its_like(&mut self, m: usize) {
        if !is_device(m) {
            return;
        }
        let Some(other) = self.like_of(m) else { return };
        let runs =
            |m: usize| self.machines[m].engine.is_some() || self.sources[m].status != OFFLINE;
        if !runs(m) || !runs(other) {
            return;
        }
        let now = self.now;
        let last = self.sources[m].certain_at.max(self.sources[other].certain_at);
        let last = if last == NEVER { now } else { last.max(now) };
        let slow = if self.slack() > 0 { MEETING_SLOWLY } else { 0 };
        let until = last + if self.v5 { MEETING } else { MEETING_UNTOLD } + slow + self.slack();
        let both = self.sources[m].status | self.sources[other].status;
        self.machines[m].met = (other, until);
        self.machines[other].met = (m, until);
        for d in [m, other] {
            let offline_at = (!self.v5).then_some(now);
            self.sources[d].cut(now, offline_at, until);
            // The record of one stands where that of the other stood.
            self.sources[d].believable |= both;
            self.people[person_of(d)].choice.disturbed(now, false);
            self.out_of_touch(d, until + 12_000);
            let machine = &mut self.machines[d];
            machine.cut_until = machine.cut_until.max(until + 12_000);
        }
        self.believe();
    }

    /// Two that are meeting take longer from now on.
    pub(super) fn meets_slowly(&mut self) {
        for d in devices() {
            let (other, until) = self.machines[d].met;
            if until > self.now {
                let until = until + MEETING_SLOWLY;
                self.machines[d].met = (other, until);
                self.sources[d].cut(self.now, Some(self.now), until);
                self.out_of_touch(d, until + 12_000);
            }
        }
    }

    /// A machine became another device.
    pub(super) fn becomes_another(&mut self, m: usize) {
        let machine = &mut self.machines[m];
        if machine.renewals == 0 {
            self.violated(|| format!("{}: a new device id, and nobody has copied it", NAMES[m]));
            return;
        }
        machine.renewals -= 1;
        self.note(|| format!("{} becomes another device", NAMES[m]));
    }

    fn runs(&self, m: usize) -> bool {
        self.machines[m].engine.is_some() && !self.machines[m].frozen
    }

    /// In the end no two machines that run are the same device, and everybody sees each of them.
    pub(super) fn judge_copies(&mut self) {
        for m in devices() {
            let Some(device) = self.machines[m].saved.as_ref().map(|saved| saved.device.clone())
            else {
                continue;
            };
            let p = person_of(m);
            // Hidden, they are readers like all others, and meet when they come out.
            if !self.runs(m) || self.people[p].choice.may_be(INVISIBLE) {
                continue;
            }
            if self.like_of(m).is_some_and(|other| self.runs(other)) {
                self.violated(|| format!("in the end {} is a device twice", NAMES[m]));
            }
            let status = self.observed(m).0;
            let blind = engines().filter(|v| self.runs(*v)).find(|v| {
                let engine = self.machines[*v].engine.as_ref();
                let person = engine.and_then(|e| e.people().find(|who| who.user == USERS[p]));
                !person.is_some_and(|who| {
                    who.devices.iter().any(|d| d.device == device.as_str() && d.status == status)
                })
            });
            if let Some(v) = blind {
                self.violated(|| format!("in the end {} does not see {}", NAMES[v], NAMES[m]));
            }
        }
    }
}
