//! The truth: who is here, and what a reader may show.
//!
//! Owns the truth, from what the schedule did alone; no engine is ever asked. Where the world is in trouble
//! the truth is a set: a device that was cut off may rightly be shown as it was, and, once the grace is over, as
//! offline. Trouble has an end that is computed from the protocol's bounds, and then one truth stands again.

/// What a person is shown as, one bit each.
pub(crate) type Set = u8;
pub(crate) const ONLINE: Set = 1;
pub(crate) const AWAY: Set = 2;
pub(crate) const OFFLINE: Set = 4;
pub(crate) const DND: Set = 8;

/// No choice; the choices are the bits above, and to be seen by nobody.
pub(crate) const UNCHOSEN: Set = 16;
pub(crate) const INVISIBLE: Set = 32;

const NEVER: u64 = u64::MAX;

/// How long the last word of a device may be under way, so that trouble can still swallow it.
const UNDER_WAY: u64 = 3_000;

/// One device or simple client.
#[derive(Debug, Clone)]
pub(crate) struct Source {
    pub(crate) status: Set,
    /// What it may rightly be believed to be.
    pub(crate) believable: Set,
    before: Set,
    changed_at: u64,
    /// Since when it is in trouble.
    pub(crate) since: u64,
    /// From when it is in trouble no longer; zero if it is not.
    pub(crate) certain_at: u64,
    /// From when it may be believed to be offline.
    pub(crate) offline_at: u64,
    /// What its record at the broker may say though it is gone: nobody heard it go.
    ghost: Set,
    /// When its last trouble was over, or will be.
    troubled_until: u64,
}

impl Source {
    pub(crate) const fn new() -> Self {
        Self {
            status: OFFLINE,
            believable: OFFLINE,
            before: OFFLINE,
            changed_at: 0,
            since: 0,
            certain_at: 0,
            offline_at: NEVER,
            ghost: 0,
            troubled_until: 0,
        }
    }

    pub(crate) const fn is_certain(&self) -> bool {
        self.certain_at == 0
    }

    /// Whether its last word was certainly heard, long ago.
    pub(crate) const fn is_quiet(&self, now: u64) -> bool {
        self.is_certain() && now >= self.changed_at + UNDER_WAY
    }

    /// What it may be believed to be by somebody who has not heard all of the last moment: the words of two sources
    /// cross on their way.
    pub(crate) const fn crossing(&self, now: u64, width: u64) -> Set {
        if now <= self.changed_at + width { self.believable | self.before } else { self.believable }
    }

    /// What it is, said so that everybody can hear it, unless it is in trouble.
    pub(crate) fn says(&mut self, now: u64, status: Set) {
        if self.status == status {
            return;
        }
        self.status = status;
        if self.is_certain() {
            // Two words in a row may both be under way.
            let recent = now - self.changed_at < UNDER_WAY;
            self.before = if recent { self.before | self.believable } else { self.believable };
            self.believable = status;
        } else {
            self.before |= self.believable;
            self.believable |= status;
        }
        self.changed_at = now;
    }

    /// It died without a word: what is believed changes later.
    pub(crate) fn dies(&mut self, now: u64) {
        if self.is_certain() && now - self.changed_at >= UNDER_WAY {
            self.before = self.believable;
        }
        self.status = OFFLINE;
        self.changed_at = now;
    }

    /// Cut off from now on. It may be believed offline from `offline_at` on.
    pub(crate) fn cut(&mut self, now: u64, offline_at: Option<u64>, certain_at: u64) {
        let grace = 6_000;
        if now - self.changed_at < UNDER_WAY {
            self.believable |= self.before;
        }
        if self.is_certain() {
            self.since = now;
            self.offline_at = offline_at.unwrap_or(NEVER);
        } else {
            // Two troubles that overlap are judged leniently: together they may last longer than the grace.
            let first = now.max(self.since + grace);
            self.offline_at = self.offline_at.min(first).min(offline_at.unwrap_or(NEVER));
        }
        self.certain_at = self.certain_at.max(certain_at);
        self.troubled_until = self.certain_at;
    }

    /// Trouble lasts at least until then.
    pub(crate) fn extend(&mut self, now: u64, certain_at: u64) {
        if self.is_certain() {
            self.since = now;
            self.offline_at = NEVER;
        }
        self.certain_at = self.certain_at.max(certain_at);
        self.troubled_until = self.certain_at;
    }

    /// What it may be believed to be by somebody who heard nothing since then, and whose time went on.
    pub(crate) const fn ever_since(&self, then: u64) -> Set {
        let lost = if self.troubled_until > then { OFFLINE } else { 0 };
        self.believable | self.before | lost
    }

    /// Its word and a sum that carries an older one crossed, and who could set that right may not: the two share
    /// one topic. Nobody can know before it speaks again.
    pub(crate) fn blurs(&mut self, now: u64, width: u64) {
        if now < self.changed_at + UNDER_WAY + width {
            self.believable |= self.before | self.status;
            self.certain_at = NEVER;
            self.offline_at = NEVER;
        }
    }

    /// It speaks again.
    pub(crate) fn speaks(&mut self, now: u64) {
        self.changed_at = now;
        if self.certain_at == NEVER {
            self.certain_at = now + UNDER_WAY;
        }
    }

    /// It is gone, and the broker may never have heard of it.
    pub(crate) fn goes_unheard(&mut self) {
        self.ghost |= (self.believable | self.before) & !OFFLINE;
    }

    /// Somebody reads its record anew, and gives it until then.
    pub(crate) fn haunts(&mut self, now: u64, until: u64) -> bool {
        let haunts = self.status == OFFLINE && self.ghost != 0;
        if haunts {
            self.extend(now, until);
            self.believable |= self.ghost;
        }
        haunts
    }

    /// It says again what it is; whatever was believed beside that is over.
    pub(crate) fn repeats(&mut self) {
        if self.is_certain() {
            self.believable = self.status;
        }
    }

    /// Lets time go by.
    pub(crate) fn follow(&mut self, now: u64) {
        if self.is_certain() {
            return;
        }
        if self.status != OFFLINE && self.certain_at <= now {
            self.ghost = 0;
        }
        if self.offline_at <= now {
            self.believable |= OFFLINE;
        }
        if self.certain_at <= now {
            self.certain_at = 0;
            self.offline_at = NEVER;
            self.before = self.believable;
            self.changed_at = now;
            self.believable = self.status;
        }
    }
}

/// What a person chose.
#[derive(Debug, Clone)]
pub(crate) struct Choice {
    pub(crate) believable: Set,
    latest: Set,
    before: Set,
    at: u64,
    by: usize,
    /// Made where the broker could not hear it yet.
    pending: bool,
    /// Which of several choices counts cannot be told until there is a new one.
    blurred: bool,
    /// All that was ever chosen.
    ever: Set,
    /// One was to end by itself.
    pub(crate) ended_ever: bool,
    /// When the latest ended by itself.
    pub(crate) ended_at: u64,
    /// The latest may end any moment.
    fading: bool,
    /// How many choices there were.
    pub(crate) number: u32,
}

impl Choice {
    pub(crate) const fn new() -> Self {
        Self {
            believable: UNCHOSEN,
            latest: UNCHOSEN,
            before: UNCHOSEN,
            at: 0,
            by: 0,
            pending: false,
            blurred: false,
            ever: UNCHOSEN,
            ended_ever: false,
            ended_at: 0,
            fading: false,
            number: 0,
        }
    }

    /// As [`Source::crossing`].
    pub(crate) const fn crossing(&self, now: u64, width: u64) -> Set {
        if now <= self.at + width { self.believable | self.before } else { self.believable }
    }

    /// Chosen at a device that is in no trouble (`here`), nor is any other of the person (`clear`).
    pub(crate) const fn chosen(
        &mut self,
        now: u64,
        by: usize,
        choice: Set,
        here: bool,
        clear: bool,
    ) {
        let recent = now < self.at + UNDER_WAY;
        let crossing = by != self.by && recent;
        // Two choices in a row may both be under way.
        self.before = if recent { self.before | self.believable } else { self.believable };
        // One that crossed an earlier one may still arrive after this.
        if clear && !crossing && !(recent && self.blurred) {
            self.believable = choice;
            self.pending = false;
            self.blurred = false;
        } else {
            self.blurred |= self.pending || crossing;
            self.pending |= !here;
            self.believable |= choice;
        }
        self.latest = choice;
        self.ever |= choice;
        self.number += 1;
        self.fading = false;
        self.at = now;
        self.by = by;
    }

    /// Whether somebody may believe this one.
    pub(crate) const fn may_be(&self, choice: Set) -> bool {
        self.believable & choice != 0
    }

    /// Whether the person was ever to be seen by nobody.
    pub(crate) const fn ever_hid(&self) -> bool {
        self.ever & INVISIBLE != 0
    }

    /// A choice is about to end by itself. A reader that knows its age in whole seconds ends it a little early. If it is not
    /// the last one, somebody may not have heard of that yet.
    pub(crate) const fn fades(&mut self, number: u32) {
        self.ended_ever = true;
        let unheard = self.pending || self.blurred || self.believable != self.latest;
        if number == self.number || unheard {
            self.believable |= UNCHOSEN;
        }
        self.fading |= number == self.number;
    }

    /// It has ended everywhere, or will where the person's devices are not all out of trouble.
    pub(crate) const fn ends(&mut self, now: u64, number: u32, clear: bool) {
        if number != self.number {
            return;
        }
        self.fading = false;
        self.ended_at = now;
        self.before = self.believable;
        if clear && !self.pending && !self.blurred {
            self.believable = UNCHOSEN;
        }
        self.latest = UNCHOSEN;
        self.at = now;
    }

    /// A device of the person falls into trouble, or dies with what it was told.
    pub(crate) const fn disturbed(&mut self, now: u64, dies: bool) {
        if now < self.at + UNDER_WAY {
            self.believable |= self.before;
            self.pending = true;
        }
        self.blurred |= self.pending && dies;
    }

    /// The broker lost it all: a device that sleeps may bring back whatever it heard last.
    pub(crate) const fn forgotten(&mut self) {
        self.believable |= self.ever;
        self.blurred = true;
    }

    /// Nobody can tell which choice counts before there is a new one.
    pub(crate) const fn blurs(&mut self) {
        self.blurred = true;
    }

    /// A device whose clock was set may write again what was chosen before, and that may cross a new choice. One that is
    /// in trouble may do it late.
    pub(crate) const fn rewritten(&mut self, now: u64, here: bool) {
        if self.ever == UNCHOSEN {
            return;
        }
        self.before |= self.believable;
        self.at = now;
        self.by = usize::MAX;
        if !here {
            self.believable |= self.ever;
            self.blurred = true;
        }
    }

    /// Somebody reads the record of a device that is gone, with what was chosen then.
    pub(crate) const fn recalled(&mut self) {
        self.believable |= self.ever;
    }

    /// All devices of the person are out of trouble.
    pub(crate) const fn settle(&mut self) {
        if !self.blurred {
            self.believable = self.latest | if self.fading { UNCHOSEN } else { 0 };
            self.pending = false;
        }
    }
}

/// What a person may be shown as, from what each source may be.
pub(crate) fn sum(devices: &[Set], seed: Set, choice: Set) -> Set {
    fn walk(devices: &[Set], here: bool, best: Set, choice: Set, into: &mut Set) {
        let Some((first, rest)) = devices.split_first() else {
            // The best of them counts, and a choice where a device is here.
            if !here || choice & UNCHOSEN != 0 {
                *into |= best;
            }
            if here {
                *into |= choice & !UNCHOSEN;
            }
            return;
        };
        for bit in [ONLINE, AWAY, OFFLINE] {
            if first & bit != 0 {
                walk(rest, here || bit != OFFLINE, better(best, bit), choice, into);
            }
        }
    }
    // Of somebody invisible a simple client alone is seen.
    let hidden = choice & INVISIBLE != 0;
    let mut into = if hidden { seed } else { 0 };
    let choice = choice & !INVISIBLE;
    if choice == 0 {
        return into;
    }
    let mut sets = [OFFLINE; 3];
    for (set, device) in sets.iter_mut().zip(devices) {
        // One device may have heard of it and another one not.
        *set = if hidden { device | OFFLINE } else { *device };
    }
    for bit in [ONLINE, AWAY, OFFLINE, DND] {
        if seed & bit != 0 {
            // A simple client's own word counts below online and above away.
            walk(&sets[..devices.len()], false, bit, choice, &mut into);
        }
    }
    into
}

const fn better(a: Set, b: Set) -> Set {
    const fn rank(bit: Set) -> u8 {
        match bit {
            ONLINE => 3,
            DND => 2,
            AWAY => 1,
            _ => 0,
        }
    }
    if rank(a) >= rank(b) { a } else { b }
}

/// One person.
#[derive(Debug, Clone)]
pub(crate) struct Person {
    pub(crate) choice: Choice,
    pub(crate) believable: Set,
    /// When each bit was last believable.
    last: [u64; 4],
}

impl Person {
    pub(crate) const fn new() -> Self {
        Self { choice: Choice::new(), believable: OFFLINE, last: [0; 4] }
    }

    /// Says whether it changed.
    pub(crate) fn believe(&mut self, now: u64, set: Set) -> bool {
        for (bit, last) in self.last.iter_mut().enumerate() {
            if self.believable & (1 << bit) != 0 {
                *last = now;
            }
        }
        std::mem::replace(&mut self.believable, set) != set
    }

    /// Whether somebody may be shown so who last heard everything at `since`.
    pub(crate) fn believable_since(&self, shown: Set, since: u64) -> bool {
        let bit = shown.trailing_zeros() as usize;
        self.believable & shown != 0 || (self.last[bit] > 0 && self.last[bit] >= since)
    }
}
