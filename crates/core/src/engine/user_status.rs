//! The status that the person chose.
//!
//! Owns the choice from the command on this device to the retained record that all their devices obey, and which of two
//! choices counts.

use std::time::Duration;

use crate::connection::PublishId;
use crate::id::UserId;
use crate::presence::{Choice, Chosen, ChosenStatus};
use crate::time::{CLOCKS_DIFFER, ClockChange, Monotonic, Now, Timestamp};
use crate::wire::ChosenRecord;

/// How long a live message may have been under way: what came so soon after a wish may have been chosen before it.
const UNDER_WAY: Duration = Duration::from_secs(2);

/// A record written so far ahead of our calendar was written by a clock that was never set.
const FAR_AHEAD: Duration = Duration::from_secs(24 * 60 * 60);

/// The choice and its way to the broker.
#[derive(Debug)]
pub(super) struct UserStatus {
    pub(super) user: UserId,
    /// What stands on the topic, or was sent there.
    held: Option<Chosen>,
    /// When that ends.
    ends: Option<Monotonic>,
    /// When its record was written, by the calendar of whoever wrote it, and when we read or wrote it.
    held_written: Option<Timestamp>,
    held_at: Now,
    /// Whether we wrote that record.
    mine: bool,
    /// The highest number seen anywhere.
    highest: u64,
    /// What the person wants and the broker was not told yet; `Some(None)` takes a choice back.
    request: Option<Request>,
    sending: Option<PublishId>,
    /// Whether the broker sent us back what we are sending.
    echoed: bool,
    /// When the person wished what was last sent, and what stood before.
    sent_at: Now,
    sent_over: Option<Chosen>,
    /// Who asks not to be disturbed on the person's behalf.
    asking: [bool; 2],
    /// Whether what stands is a do-not-disturb that was asked for like that, and not said by the person.
    follows: bool,
    /// Whether anything is known of the topic: it was read, or the person said something new.
    known: bool,
}

/// What may ask not to be disturbed on the person's behalf.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DndSource {
    /// The desktop, that was told not to disturb.
    Desktop,
    /// A call, where the person wants that.
    Call,
}

impl Choice {
    /// What is wished where something asks not to be disturbed.
    const fn asked_for(now: Now) -> Self {
        let (text, emoji, until) = (None, None, None);
        Self { status: ChosenStatus::Dnd, text, emoji, until, at: Some(now.wall) }
    }

    /// Whether it looks like that.
    fn is_asked_for(&self) -> bool {
        let silent = self.text.is_none() && self.emoji.is_none() && self.until.is_none();
        self.status == ChosenStatus::Dnd && silent
    }
}

#[derive(Debug, Clone)]
struct Request {
    choice: Option<Choice>,
    made: Now,
    /// What stood when it was made, and so is no later than it, whatever the calendars say.
    over: Option<Chosen>,
    ends: Option<Monotonic>,
    /// Its number, where that is not the next one.
    rev: Option<u64>,
}

/// Whether a choice still counts that ends then.
fn holds(now: Now, ends: Option<Monotonic>) -> bool {
    ends.is_none_or(|ends| now.mono < ends)
}

/// Whether both are the one choice that a person made; its times may be told on another calendar.
fn is_same(one: &Chosen, other: &Chosen) -> bool {
    let said = |chosen: &Chosen| {
        chosen.choice.clone().map(|choice| (choice.status, choice.text, choice.emoji))
    };
    one.rev == other.rev && said(one) == said(other)
}

impl UserStatus {
    pub(super) fn new(now: Now, user: UserId) -> Self {
        Self {
            user,
            held: None,
            ends: None,
            held_written: None,
            held_at: now,
            mine: false,
            highest: 0,
            request: None,
            sending: None,
            echoed: false,
            sent_at: now,
            sent_over: None,
            asking: [false; 2],
            follows: false,
            known: false,
        }
    }

    pub(super) fn request_status(&mut self, now: Now, choice: Option<Choice>) {
        let ends = choice.as_ref().and_then(|choice| choice.ends(now, None, None));
        let over = match &self.request {
            Some(wish) => wish.over.clone(),
            None => self.held.clone(),
        };
        self.request = Some(Request { choice, made: now, over, ends, rev: None });
        self.known = true;
        self.follows = false;
    }

    /// Something asks not to be disturbed, or no longer. What the person said stands above that, and what the last
    /// of them asked for ends with it.
    pub(super) fn set_dnd_source(&mut self, now: Now, asks: DndSource, dnd: bool) {
        let asked = std::mem::replace(&mut self.asking[asks as usize], dnd);
        if dnd && !asked && self.choice(now).is_none() {
            self.request_status(now, Some(Choice::asked_for(now)));
            self.follows = true;
        } else if self.asking == [false; 2] && std::mem::take(&mut self.follows) {
            self.request_status(now, None);
        }
    }

    /// What is retained was read: where no choice came, there is none.
    pub(super) fn all_read(&mut self) {
        self.known = true;
    }

    /// Whether the person wants to be invisible; `None` before anything is known.
    pub(super) fn invisible(&self, now: Now) -> Option<bool> {
        let invisible = |choice: &Choice| choice.status == ChosenStatus::Invisible;
        self.known.then(|| self.choice(now).is_some_and(invisible))
    }

    /// The choice as it counts on this device, ended or not, and when it ends.
    fn present(&self) -> Option<(&Choice, Option<Monotonic>)> {
        let (choice, ends) = match &self.request {
            Some(wish) => (wish.choice.as_ref(), wish.ends),
            None => (self.held.as_ref().and_then(|held| held.choice.as_ref()), self.ends),
        };
        choice.map(|choice| (choice, ends))
    }

    /// The choice that counts now.
    pub(super) fn choice(&self, now: Now) -> Option<&Choice> {
        let (choice, ends) = self.present()?;
        holds(now, ends).then_some(choice)
    }

    /// The copy for this device's record: what the broker has, or is just being told. What has ended is not told any
    /// more: whoever reads it later would place its end by a calendar that was set meanwhile.
    pub(super) fn copy(&self, now: Now) -> Option<Chosen> {
        let held = self.held.as_ref().filter(|_| holds(now, self.ends))?;
        let choice = held.choice.as_ref()?;
        let shown = choice.status != ChosenStatus::Invisible;
        shown.then(|| Chosen { rev: held.rev, choice: Some(choice.as_of(now, self.ends)) })
    }

    /// Whether what the broker has is the choice of that number, and has ended by itself.
    pub(super) fn is_over(&self, now: Now, rev: u64) -> bool {
        let holds = holds(now, self.ends);
        self.held.as_ref().is_some_and(|held| held.rev == rev && held.choice.is_some() && !holds)
    }

    /// When the choice ends by itself.
    pub(super) fn next_deadline(&self, now: Now) -> Option<Monotonic> {
        let (_, ends) = self.present()?;
        ends.filter(|ends| now.mono < *ends)
    }

    /// A number of this person's choices was seen somewhere.
    pub(super) fn seen(&mut self, rev: u64) {
        self.highest = self.highest.max(rev);
    }

    /// Whether this is the record that is held.
    pub(super) fn holds(&self, record: &ChosenRecord) -> bool {
        let same = self.held.as_ref().is_some_and(|held| is_same(held, &record.chosen));
        same && self.held_written == record.timestamp
    }

    /// The topic was read. What came last counts, and not the higher number: a broker that lost its store forgot
    /// that, too. Only what was there before the choice that we are just sending comes late.
    /// Says whether a wish gave way to it.
    pub(super) fn read(
        &mut self,
        now: Now,
        record: Option<ChosenRecord>,
        age: Option<Duration>,
        retained: bool,
    ) -> bool {
        self.known = true;
        if let Some(record) = &record {
            self.seen(record.chosen.rev);
        }
        // The broker took this before the choice that we are sending, whatever its number: a connection
        // that stalled delivers late, and the other device did not know our number.
        if self.is_sending() && !self.echoed {
            self.echoed = self.mine && record.as_ref().is_some_and(|record| self.holds(record));
            if !self.echoed {
                return false;
            }
        }
        let Some(ChosenRecord { chosen, timestamp }) = record else {
            self.held = None;
            return false;
        };
        let choice = chosen.choice.as_ref();
        // A wish that could not be sent gives way to what the broker took later from another device, by its
        // clock; where that is not told, by the calendars of both.
        // What is left is told in whole seconds, so what is retained may be older by one; what is live was under way.
        let told = if retained { Duration::from_secs(1) } else { UNDER_WAY };
        let later = |wish: &mut Request| match age {
            _ if wish.over.as_ref().is_some_and(|over| is_same(over, &chosen)) => false,
            Some(age) => now.mono - (age + told) > wish.made.mono,
            // A calendar that is ahead of ours tells nothing of what was later, and what the person wants now must
            // not wait for it.
            None => {
                let at = choice.and_then(|choice| now.believes(choice.at?));
                at.is_some_and(|at| at > wish.made.wall)
            }
        };
        // Our own calendar may be another than the chooser's: it is ours that goes into our record.
        // What is held already tells more of the same choice, where the age is not known, or where it is ours.
        let mine = self.mine && self.held_written == timestamp;
        let known = self.held.as_ref().filter(|held| is_same(held, &chosen));
        let known = known.filter(|_| age.is_none() || mine);
        let (choice, ends) = match known {
            Some(held) => (held.choice.clone(), self.ends),
            None => {
                let ends = choice.and_then(|choice| choice.ends(now, timestamp, age));
                (choice.map(|choice| choice.placed(now, timestamp, age, ends)), ends)
            }
        };
        // What was asked for on the person's behalf before anything was read gives way to what they said, however long
        // ago. A do-not-disturb without another word may be one that an earlier run was asked for.
        let said = |choice: &Choice| holds(now, ends) && !choice.is_asked_for();
        let stands = self.follows && choice.as_ref().is_some_and(said);
        let gave_way = self.request.take_if(|wish| stands || later(wish)).is_some();
        let read = Chosen { rev: chosen.rev, choice };
        if self.request.is_none() && !self.held.as_ref().is_some_and(|held| is_same(held, &read)) {
            self.follows = false;
        }
        self.mine = mine;
        self.held_written = timestamp;
        self.held_at = now;
        self.ends = ends;
        self.held = Some(read);
        gave_way
    }

    /// Somebody set the clock: what was chosen is dated as if it had been right then. While the link is `up`, a record
    /// that was dated by this clock and has a time that can't be is written again, because whoever reads it later
    /// can't know better.
    pub(super) fn redate(&mut self, now: Now, change: ClockChange, up: bool) {
        let read = self.held_at.wall;
        let by_this_clock =
            |written: Timestamp| written.since(read).max(read.since(written)) < CLOCKS_DIFFER;
        for moment in [&mut self.sent_at, &mut self.held_at] {
            moment.wall = change.shift(moment.wall);
        }
        if let Some(Request { choice, made, ends, .. }) = &mut self.request {
            made.wall = change.shift(made.wall);
            *choice = choice.take().map(|choice| choice.redated(now, change, *ends));
        }
        let Some(held) = &mut self.held else {
            return;
        };
        held.choice = held.choice.take().map(|choice| choice.redated(now, change, self.ends));
        let latest = now.wall + FAR_AHEAD;
        let wrong = |written: Timestamp| {
            by_this_clock(written) && written.meant().is_none_or(|written| written > latest)
        };
        let says = held.choice.is_some() && self.held_written.is_some_and(wrong);
        if says && up && self.request.is_none() && self.sending.is_none() {
            // Under its number: it is no other choice, and another device's new one goes before it.
            let (choice, rev, over) = (held.choice.clone(), Some(held.rev), Some(held.clone()));
            self.request = Some(Request { choice, made: self.held_at, over, ends: self.ends, rev });
        }
    }

    /// What is to be sent.
    pub(super) fn due(&self, now: Now) -> Option<Chosen> {
        let wish = self.request.as_ref()?;
        let next = self.highest.saturating_add(1).min(Timestamp::MAX.as_ms());
        let rev = wish.rev.unwrap_or(next);
        let choice = wish.choice.as_ref().map(|choice| choice.as_of(now, wish.ends));
        Some(Chosen { rev, choice })
    }

    pub(super) fn sent(&mut self, now: Now, id: PublishId, chosen: Chosen) {
        self.seen(chosen.rev);
        self.held_written = Some(now.wall);
        self.held_at = now;
        self.mine = true;
        self.held = Some(chosen);
        if let Some(wish) = self.request.take() {
            self.sent_at = wish.made;
            self.sent_over = wish.over;
            self.ends = wish.ends;
        }
        self.sending = Some(id);
        self.echoed = false;
    }

    pub(super) fn is_sending(&self) -> bool {
        self.sending.is_some()
    }

    /// A PUBACK came; says whether it was for the choice.
    pub(super) fn settle(&mut self, id: PublishId) -> bool {
        let mine = self.sending == Some(id);
        if mine {
            self.sending = None;
        }
        mine
    }

    /// What was sent without an answer is to be sent again: nobody knows whether it arrived.
    pub(super) fn connection_lost(&mut self) {
        if self.sending.take().is_some()
            && self.request.is_none()
            && let Some(held) = &self.held
        {
            let (choice, made, ends) = (held.choice.clone(), self.sent_at, self.ends);
            let over = self.sent_over.take();
            self.request = Some(Request { choice, made, over, ends, rev: None });
        }
    }
}
