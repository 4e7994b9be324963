//! The status that the person chose.
//!
//! Owns the choice from the command on this device to the retained record that all their devices
//! follow. Also owns which of two choices counts.

use std::time::Duration;

use crate::connection::PublishId;
use crate::id::UserId;
use crate::presence::{Choice, Chosen, ChosenStatus};
use crate::time::{CLOCKS_DIFFER, ClockChange, Monotonic, Now, Timestamp};
use crate::wire::ChosenRecord;

/// How long a live message may take to arrive. If it arrives this soon after a request, its choice
/// may be older.
const UNDER_WAY: Duration = Duration::from_secs(2);

/// A record dated this far ahead of our calendar comes from a clock that was never set.
const FAR_AHEAD: Duration = Duration::from_secs(24 * 60 * 60);

/// The person's chosen status, and its publication to their other devices.
#[derive(Debug)]
pub(super) struct UserStatus {
    pub(super) user: UserId,
    /// The choice on the topic, or the one that we last sent there.
    held: Option<Chosen>,
    /// When the held choice ends.
    ends: Option<Monotonic>,
    /// The held record's timestamp by its writer's calendar, and when we read or wrote it.
    held_written: Option<Timestamp>,
    held_at: Now,
    /// Whether this device wrote the held record.
    mine: bool,
    /// The highest revision seen in any record.
    highest: u64,
    /// What the person requested and we have not sent yet. A request without a choice clears the
    /// chosen status.
    request: Option<Request>,
    sending: Option<PublishId>,
    /// Whether the broker has sent back to us what we are sending.
    echoed: bool,
    /// When the person requested what we last sent, and which choice it replaced.
    sent_at: Now,
    sent_over: Option<Chosen>,
    /// Which sources ask for do-not-disturb on the person's behalf, by [`DndSource`].
    asking: [bool; 2],
    /// Whether the present choice is do-not-disturb that such a source set, and not the person.
    follows: bool,
    /// Whether the choice is known: the topic was read, or the person made a new choice.
    known: bool,
}

/// What may set do-not-disturb on the person's behalf.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DndSource {
    /// The do-not-disturb mode of the desktop.
    Desktop,
    /// A call, if the person enabled that.
    Call,
}

impl Choice {
    /// The choice that a [`DndSource`] sets.
    const fn asked_for(now: Now) -> Self {
        let (text, emoji, until) = (None, None, None);
        Self { status: ChosenStatus::Dnd, text, emoji, until, at: Some(now.wall) }
    }

    /// Whether this may be a choice that a [`DndSource`] set: do-not-disturb without text, emoji or
    /// end.
    fn is_asked_for(&self) -> bool {
        let silent = self.text.is_none() && self.emoji.is_none() && self.until.is_none();
        self.status == ChosenStatus::Dnd && silent
    }
}

/// A status that the person requested and that we have not sent yet.
#[derive(Debug, Clone)]
struct Request {
    choice: Option<Choice>,
    made: Now,
    /// The choice that the request replaced. It is never later than the request, whatever the
    /// calendars show.
    over: Option<Chosen>,
    ends: Option<Monotonic>,
    /// The revision to publish, if it is not the next one.
    rev: Option<u64>,
}

/// Whether a choice with this end still counts.
fn holds(now: Now, ends: Option<Monotonic>) -> bool {
    ends.is_none_or(|ends| now.mono < ends)
}

/// Whether both records contain the same choice of a person. Their times may come from different
/// calendars.
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

    /// Sets or ends do-not-disturb on the person's behalf. The person's own choice takes
    /// precedence. Do-not-disturb that a source set ends with the last source.
    pub(super) fn set_dnd_source(&mut self, now: Now, asks: DndSource, dnd: bool) {
        let asked = std::mem::replace(&mut self.asking[asks as usize], dnd);
        if dnd && !asked && self.choice(now).is_none() {
            self.request_status(now, Some(Choice::asked_for(now)));
            self.follows = true;
        } else if self.asking == [false; 2] && std::mem::take(&mut self.follows) {
            self.request_status(now, None);
        }
    }

    /// Notes that everything retained was read: if no choice came, there is none.
    pub(super) fn all_read(&mut self) {
        self.known = true;
    }

    /// Whether the person wants to be invisible; `None` before the choice is known.
    pub(super) fn invisible(&self, now: Now) -> Option<bool> {
        let invisible = |choice: &Choice| choice.status == ChosenStatus::Invisible;
        self.known.then(|| self.choice(now).is_some_and(invisible))
    }

    /// The latest choice on this device, even if it has ended, and when it ends.
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

    /// The copy for this device's record: the choice that the broker has or is receiving. An ended
    /// choice is left out, because a later reader could place its end on a calendar that was
    /// changed since.
    pub(super) fn copy(&self, now: Now) -> Option<Chosen> {
        let held = self.held.as_ref().filter(|_| holds(now, self.ends))?;
        let choice = held.choice.as_ref()?;
        let shown = choice.status != ChosenStatus::Invisible;
        shown.then(|| Chosen { rev: held.rev, choice: Some(choice.as_of(now, self.ends)) })
    }

    /// Whether the held choice has this revision and has ended by itself.
    pub(super) fn is_over(&self, now: Now, rev: u64) -> bool {
        let holds = holds(now, self.ends);
        self.held.as_ref().is_some_and(|held| held.rev == rev && held.choice.is_some() && !holds)
    }

    /// When the choice ends by itself.
    pub(super) fn next_deadline(&self, now: Now) -> Option<Monotonic> {
        let (_, ends) = self.present()?;
        ends.filter(|ends| now.mono < *ends)
    }

    /// Notes a revision of this person's choices that we saw in some record.
    pub(super) fn seen(&mut self, rev: u64) {
        self.highest = self.highest.max(rev);
    }

    /// Whether we already hold this record.
    pub(super) fn holds(&self, record: &ChosenRecord) -> bool {
        let same = self.held.as_ref().is_some_and(|held| is_same(held, &record.chosen));
        same && self.held_written == record.timestamp
    }

    /// Reads a message from the topic. Returns true if a request gave way to it.
    ///
    /// The last message counts, not the highest revision, because a broker that lost its store lost
    /// the revisions, too. While we send a choice, a message with a lower revision is late and
    /// ignored.
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
        // An unsent request gives way to a choice that the broker received later from another
        // device. The record's age decides by our clock; without an age, the calendars of both
        // decide.
        //
        // The remaining expiry has whole seconds, so a retained message may be one second older. A
        // live message may have been under way.
        let told = if retained { Duration::from_secs(1) } else { UNDER_WAY };
        let later = |wish: &mut Request| match age {
            _ if wish.over.as_ref().is_some_and(|over| is_same(over, &chosen)) => false,
            Some(age) => now.mono - (age + told) > wish.made.mono,
            // A calendar ahead of ours does not show which choice is later. What the person wants
            // now must not wait for it.
            None => {
                let at = choice.and_then(|choice| now.believes(choice.at?));
                at.is_some_and(|at| at > wish.made.wall)
            }
        };
        // Our calendar may differ from the chooser's, and our record uses ours. If we already hold
        // the same choice, its times are better where the age is unknown or we wrote it.
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
        // What a source set before anything was read gives way to the person's own choice, however
        // old. Plain do-not-disturb may come from a source in an earlier run.
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

    /// Corrects the times of the choices after the clock was set.
    ///
    /// If this clock dated the held record with an impossible time, and the connection is `up`, the
    /// record is sent again. Later readers could not correct it.
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
            // It keeps its revision, because it is the same choice, and another device's new one
            // takes precedence.
            let (choice, rev, over) = (held.choice.clone(), Some(held.rev), Some(held.clone()));
            self.request = Some(Request { choice, made: self.held_at, over, ends: self.ends, rev });
        }
    }

    /// The choice to send now, if there is a request.
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

    /// Handles a PUBACK. Returns true if it was for the choice.
    pub(super) fn settle(&mut self, id: PublishId) -> bool {
        let mine = self.sending == Some(id);
        if mine {
            self.sending = None;
        }
        mine
    }

    /// Requests a choice again that was sent without an answer, because nobody knows whether it
    /// arrived.
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
