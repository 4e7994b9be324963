//! What is to be said to somebody and was not acknowledged yet.
//!
//! In memory only, and not for long: a signal that comes much later is no signal.

use std::collections::VecDeque;
use std::time::Duration;

use super::Signal;
use crate::id::UserId;
use crate::input::PublishId;
use crate::time::{Monotonic, Now};

/// A connection that is back within this is as good as one that did not break.
pub(super) const LASTS: Duration = Duration::from_secs(30);
/// So many may be on their way at a time; the others wait for their turn.
const UNDER_WAY: usize = 16;
/// No more than so many wait.
const AT_MOST: usize = 64;

/// One message to one inbox.
#[derive(Debug, Clone)]
pub(crate) struct Letter {
    pub(crate) to: UserId,
    pub(crate) signal: Signal,
    until: Monotonic,
    under_way: Option<PublishId>,
}

#[derive(Debug, Default)]
pub(super) struct Outbox(VecDeque<Letter>);

impl Outbox {
    pub(super) fn push(&mut self, now: Now, to: UserId, signal: Signal) {
        self.push_until(now.mono + LASTS, to, signal);
    }

    pub(super) fn push_until(&mut self, until: Monotonic, to: UserId, signal: Signal) {
        // The same word twice helps nobody, as where a knock is sent again that is still on its way.
        if self.0.iter().any(|letter| letter.to == to && letter.signal == signal) {
            return;
        }
        if self.0.len() >= AT_MOST {
            self.0.pop_front();
        }
        self.0.push_back(Letter { to, signal, until, under_way: None });
    }

    /// The next one that is to be published.
    pub(super) fn next(&mut self) -> Option<&mut Letter> {
        if self.0.iter().filter(|letter| letter.under_way.is_some()).count() >= UNDER_WAY {
            return None;
        }
        self.0.iter_mut().find(|letter| letter.under_way.is_none())
    }

    /// The broker has one, or does not take it; which.
    pub(super) fn settle(&mut self, id: PublishId) -> Option<Letter> {
        let at = self.0.iter().position(|letter| letter.under_way == Some(id))?;
        self.0.remove(at)
    }

    /// Nobody knows whether what was under way arrived: it is sent again.
    pub(super) fn link_lost(&mut self) {
        for letter in &mut self.0 {
            letter.under_way = None;
        }
    }

    /// Those that it is too late for.
    pub(super) fn expire(&mut self, now: Now) -> Vec<Letter> {
        let mut late = Vec::new();
        self.0.retain(|letter| {
            let stays = letter.until > now.mono;
            if !stays {
                late.push(letter.clone());
            }
            stays
        });
        late
    }

    /// What is no longer to be said is not sent, or not again.
    pub(super) fn take_back(&mut self, to: &UserId, is: impl Fn(&Signal) -> bool) {
        self.0.retain(|letter| letter.to != *to || !is(&letter.signal));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn next_deadline(&self) -> Option<Monotonic> {
        self.0.iter().map(|letter| letter.until).min()
    }
}

impl Letter {
    /// Whether it was published on the connection that is there now, and not acknowledged.
    pub(crate) const fn is_sent(&self) -> bool {
        self.under_way.is_some()
    }

    pub(crate) fn is_under_way(&mut self, id: PublishId) {
        self.under_way = Some(id);
    }
}
