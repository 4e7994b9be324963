//! Typing marks: mine, as they are said, and those to me alone.
//!
//! As the first seed has them: said while keys are pressed, taken back three seconds after the last one. A mark that is
//! never taken back ends by itself. Those to the whole room are the roster's.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::id::UserId;
use crate::time::{Monotonic, Now};

/// While keys are pressed, no more than one mark in this.
const SAID_EVERY: Duration = Duration::from_secs(2);
/// After the last key.
const ENDS_AFTER: Duration = Duration::from_secs(3);
/// How long a mark stands when nothing ends it: three seconds of the seed, and one for the way.
const STANDS: Duration = Duration::from_secs(4);
/// No more people type to me at a time than so many.
const TYPISTS: usize = 64;

/// A mark to be said: to one person, or to the room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TypingMark {
    pub(crate) to: Option<UserId>,
    pub(crate) typing: bool,
}

#[derive(Debug, Clone, Copy)]
struct Writing {
    said: Monotonic,
    last_key: Monotonic,
}

#[derive(Debug, Default)]
pub(super) struct Typing {
    /// To whom I write.
    mine: BTreeMap<Option<UserId>, Writing>,
    /// Who writes to me, and until when that is believed.
    to_me: BTreeMap<UserId, Monotonic>,
}

impl Typing {
    /// A key was pressed; the mark to say, if one is due.
    pub(super) fn key(&mut self, now: Now, to: Option<UserId>) -> Option<TypingMark> {
        if let Some(writing) = self.mine.get_mut(&to) {
            writing.last_key = now.mono;
            if now.mono.since(writing.said) < SAID_EVERY {
                return None;
            }
            writing.said = now.mono;
        } else {
            self.mine.insert(to.clone(), Writing { said: now.mono, last_key: now.mono });
        }
        Some(TypingMark { to, typing: true })
    }

    /// What was written was sent, or given up.
    pub(super) fn stop(&mut self, to: Option<&UserId>) -> Option<TypingMark> {
        let to = to.cloned();
        self.mine.remove(&to).map(|_| TypingMark { to, typing: false })
    }

    /// Says no more of it: whoever reads ends it by themselves.
    pub(super) fn forget_mine(&mut self) {
        self.mine.clear();
    }

    /// Somebody writes to me, or no longer; says whether that is news.
    pub(super) fn hear(&mut self, now: Now, from: &UserId, typing: bool) -> bool {
        if !typing {
            return self.to_me.remove(from).is_some();
        }
        if self.to_me.len() >= TYPISTS && !self.to_me.contains_key(from) {
            return false;
        }
        self.to_me.insert(from.clone(), now.mono + STANDS).is_none()
    }

    /// Ends what is over: the marks to take back, and whether somebody writes to me no longer.
    pub(super) fn expire(&mut self, now: Now) -> (Vec<TypingMark>, bool) {
        let before = self.to_me.len();
        self.to_me.retain(|_, until| *until > now.mono);
        let mut over = Vec::new();
        self.mine.retain(|to, writing| {
            let goes_on = writing.last_key + ENDS_AFTER > now.mono;
            if !goes_on {
                over.push(TypingMark { to: to.clone(), typing: false });
            }
            goes_on
        });
        (over, self.to_me.len() != before)
    }

    pub(super) fn to_me(&self) -> impl Iterator<Item = &UserId> {
        self.to_me.keys()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.mine.is_empty() && self.to_me.is_empty()
    }

    pub(super) fn next_deadline(&self) -> Option<Monotonic> {
        let mine = self.mine.values().map(|writing| writing.last_key + ENDS_AFTER);
        mine.chain(self.to_me.values().copied()).min()
    }
}
