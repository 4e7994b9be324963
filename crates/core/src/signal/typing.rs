//! Typing marks: those that I send, and those to me alone.
//!
//! A mark is sent while keys are pressed and taken back three seconds after the last one. A mark that is never taken back ends
//! by itself. The roster has the marks to everybody.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::id::UserId;
use crate::time::{Monotonic, Now};

/// While keys are pressed, a mark is sent at most this often.
const SENT_EVERY: Duration = Duration::from_secs(2);
/// A mark is taken back this long after the last key.
const ENDS_AFTER: Duration = Duration::from_secs(3);
/// How long a mark is shown if nothing ends it: [`ENDS_AFTER`], and one second for the network.
const SHOWN_FOR: Duration = Duration::from_secs(4);
/// Maximum number of people who are shown typing to me.
const TYPISTS: usize = 64;

/// Tells one person, or everybody if `to` is `None`, that I type or stopped typing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TypingMark {
    pub(crate) to: Option<UserId>,
    pub(crate) typing: bool,
}

/// A text of mine that is not sent yet.
#[derive(Debug, Clone, Copy)]
struct Draft {
    marked: Monotonic,
    last_key: Monotonic,
}

/// Who types to whom.
#[derive(Debug, Default)]
pub(super) struct Typing {
    /// My texts, by the person they are for.
    mine: BTreeMap<Option<UserId>, Draft>,
    /// The people who type to me, and until when that is shown.
    to_me: BTreeMap<UserId, Monotonic>,
}

impl Typing {
    /// A key was pressed. Returns the mark to send, if one is due.
    pub(super) fn key(&mut self, now: Now, to: Option<UserId>) -> Option<TypingMark> {
        if let Some(draft) = self.mine.get_mut(&to) {
            draft.last_key = now.mono;
            if now.mono.since(draft.marked) < SENT_EVERY {
                return None;
            }
            draft.marked = now.mono;
        } else {
            self.mine.insert(to.clone(), Draft { marked: now.mono, last_key: now.mono });
        }
        Some(TypingMark { to, typing: true })
    }

    /// The text was sent or given up. Returns the mark that takes back the last one.
    pub(super) fn stop(&mut self, to: Option<&UserId>) -> Option<TypingMark> {
        let to = to.cloned();
        self.mine.remove(&to).map(|_| TypingMark { to, typing: false })
    }

    /// The connection is gone: readers end my marks by themselves.
    pub(super) fn forget_mine(&mut self) {
        self.mine.clear();
    }

    /// Somebody types to me, or stopped. Returns whether the view changed.
    pub(super) fn receive(&mut self, now: Now, from: &UserId, typing: bool) -> bool {
        if !typing {
            return self.to_me.remove(from).is_some();
        }
        if self.to_me.len() >= TYPISTS && !self.to_me.contains_key(from) {
            return false;
        }
        self.to_me.insert(from.clone(), now.mono + SHOWN_FOR).is_none()
    }

    /// Ends the marks whose time is over. Returns those of mine to take back, and whether the view changed.
    pub(super) fn expire(&mut self, now: Now) -> (Vec<TypingMark>, bool) {
        let before = self.to_me.len();
        self.to_me.retain(|_, until| *until > now.mono);
        let mut over = Vec::new();
        self.mine.retain(|to, draft| {
            let goes_on = draft.last_key + ENDS_AFTER > now.mono;
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

    pub(super) fn next_deadline(&self) -> Option<Monotonic> {
        let mine = self.mine.values().map(|draft| draft.last_key + ENDS_AFTER);
        mine.chain(self.to_me.values().copied()).min()
    }
}
