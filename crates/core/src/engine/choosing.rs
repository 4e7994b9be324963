//! What the person chose: wished here, read from the topic that all their devices obey.

use std::time::Duration;

use crate::id::UserId;
use crate::input::PublishId;
use crate::presence::{Choice, Chosen};
use crate::time::{Monotonic, Now, Timestamp};
use crate::view::ChosenStatus;

/// The choice and its way to the broker.
#[derive(Debug)]
pub(super) struct Choosing {
    pub(super) user: UserId,
    /// What stands on the topic, or was sent there.
    held: Option<Chosen>,
    /// The highest number seen anywhere.
    highest: u64,
    /// What the person wants and the broker was not told yet; `Some(None)` takes a choice back.
    wish: Option<Wish>,
    sending: Option<PublishId>,
    /// When the person wished what was last sent.
    sent_at: Now,
    /// Who asks not to be disturbed on the person's behalf.
    asking: [bool; 2],
    /// Whether what stands is a do-not-disturb that was asked for like that, and not said by the person.
    follows: bool,
    /// Whether anything is known of the topic: it was read, or the person said something new.
    known: bool,
}

/// What may ask not to be disturbed on the person's behalf.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asks {
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
struct Wish {
    choice: Option<Choice>,
    made: Now,
}

impl Choosing {
    pub(super) fn new(now: Now, user: UserId) -> Self {
        Self {
            user,
            held: None,
            highest: 0,
            wish: None,
            sending: None,
            sent_at: now,
            asking: [false; 2],
            follows: false,
            known: false,
        }
    }

    pub(super) fn wish(&mut self, now: Now, choice: Option<Choice>) {
        self.wish = Some(Wish { choice, made: now });
        self.known = true;
        self.follows = false;
    }

    /// Something asks not to be disturbed, or no longer. What the person said stands above that, and what the last
    /// of them asked for ends with it.
    pub(super) fn follow(&mut self, now: Now, asks: Asks, dnd: bool) {
        let asked = std::mem::replace(&mut self.asking[asks as usize], dnd);
        if dnd && !asked && self.choice(now).is_none() {
            self.wish(now, Some(Choice::asked_for(now)));
            self.follows = true;
        } else if self.asking == [false; 2] && std::mem::take(&mut self.follows) {
            self.wish(now, None);
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

    /// The choice as it counts on this device, ended or not.
    fn present(&self) -> Option<&Choice> {
        match &self.wish {
            Some(wish) => wish.choice.as_ref(),
            None => self.held.as_ref().and_then(|held| held.choice.as_ref()),
        }
    }

    /// The choice that counts now.
    pub(super) fn choice(&self, now: Now) -> Option<&Choice> {
        self.present().filter(|choice| choice.holds(now.wall))
    }

    /// The copy for this device's record: what the broker has, or is just being told.
    pub(super) fn copy(&self) -> Option<Chosen> {
        let shown = |choice: &Choice| choice.status != ChosenStatus::Invisible;
        self.held.clone().filter(|held| held.choice.as_ref().is_some_and(shown))
    }

    /// When the choice ends by itself.
    pub(super) fn next_deadline(&self, now: Now) -> Option<Monotonic> {
        self.choice(now).and_then(|choice| choice.until).map(|until| now.when(until))
    }

    /// A number of this person's choices was seen somewhere.
    pub(super) fn seen(&mut self, rev: u64) {
        self.highest = self.highest.max(rev);
    }

    /// The topic was read. What came last counts, and not the higher number: a broker that lost its store forgot
    /// that, too. Only what was there before the choice that we are just sending comes late.
    /// Says whether a wish gave way to it.
    pub(super) fn read(&mut self, now: Now, chosen: Option<Chosen>, age: Option<Duration>) -> bool {
        self.known = true;
        let Some(chosen) = chosen else {
            self.held = None;
            return false;
        };
        self.seen(chosen.rev);
        if self.is_sending() && self.held.as_ref().is_some_and(|held| held.rev > chosen.rev) {
            return false;
        }
        // A wish that could not be sent gives way to what the broker took later from another device, by its
        // clock; where that is not told, by the calendars of both.
        let later = |wish: &mut Wish| match age {
            Some(age) => now.mono - age > wish.made.mono,
            None => {
                let at = chosen.choice.as_ref().and_then(|choice| choice.at);
                at.is_some_and(|at| at > wish.made.wall)
            }
        };
        // What was asked for on the person's behalf before anything was read gives way to what they said, however long
        // ago. A do-not-disturb without another word may be one that an earlier run was asked for.
        let said = |choice: &Choice| choice.holds(now.wall) && !choice.is_asked_for();
        let stands = self.follows && chosen.choice.as_ref().is_some_and(said);
        let gave_way = self.wish.take_if(|wish| stands || later(wish)).is_some();
        if self.wish.is_none() && self.held.as_ref() != Some(&chosen) {
            self.follows = false;
        }
        self.held = Some(chosen);
        gave_way
    }

    /// What is to be sent.
    pub(super) fn due(&self) -> Option<Chosen> {
        let wish = self.wish.as_ref()?;
        let rev = self.highest.saturating_add(1).min(Timestamp::MAX.as_ms());
        Some(Chosen { rev, choice: wish.choice.clone() })
    }

    pub(super) fn sent(&mut self, id: PublishId, chosen: Chosen) {
        self.seen(chosen.rev);
        self.held = Some(chosen);
        if let Some(wish) = self.wish.take() {
            self.sent_at = wish.made;
        }
        self.sending = Some(id);
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
    pub(super) fn link_lost(&mut self) {
        if self.sending.take().is_some()
            && self.wish.is_none()
            && let Some(held) = &self.held
        {
            self.wish = Some(Wish { choice: held.choice.clone(), made: self.sent_at });
        }
    }
}
