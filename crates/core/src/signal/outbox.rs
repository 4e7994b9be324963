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
pub(crate) struct OutgoingMessage {
    pub(crate) to: UserId,
    pub(crate) signal: Signal,
    until: Monotonic,
    under_way: Option<PublishId>,
}

#[derive(Debug, Default)]
pub(super) struct Outbox {
    letters: VecDeque<OutgoingMessage>,
    /// The letters that had to make room, until [`Outbox::take_dropped`].
    dropped: Vec<OutgoingMessage>,
}

impl Outbox {
    pub(super) fn push(&mut self, now: Now, to: UserId, signal: Signal) {
        self.push_until(now.mono + LASTS, to, signal);
    }

    pub(super) fn push_until(&mut self, until: Monotonic, to: UserId, signal: Signal) {
        // The same word twice helps nobody, as where a knock is sent again that is still on its way.
        if self.letters.iter().any(|letter| letter.to == to && letter.signal == signal) {
            return;
        }
        if self.letters.len() >= AT_MOST {
            // Many knocks from others must not push out my own messages.
            let receipt = self.letters.iter().position(|letter| letter.is_receipt());
            self.dropped.extend(self.letters.remove(receipt.unwrap_or(0)));
        }
        self.letters.push_back(OutgoingMessage { to, signal, until, under_way: None });
    }

    /// The next one that is to be published.
    pub(super) fn next(&mut self) -> Option<&mut OutgoingMessage> {
        if self.letters.iter().filter(|letter| letter.under_way.is_some()).count() >= UNDER_WAY {
            return None;
        }
        self.letters.iter_mut().find(|letter| letter.under_way.is_none())
    }

    /// The broker has one, or does not take it; which.
    pub(super) fn settle(&mut self, id: PublishId) -> Option<OutgoingMessage> {
        let at = self.letters.iter().position(|letter| letter.under_way == Some(id))?;
        self.letters.remove(at)
    }

    /// Nobody knows whether what was under way arrived: it is sent again.
    pub(super) fn connection_lost(&mut self) {
        for letter in &mut self.letters {
            letter.under_way = None;
        }
    }

    /// Those that it is too late for.
    pub(super) fn expire(&mut self, now: Now) -> Vec<OutgoingMessage> {
        let mut late = Vec::new();
        self.letters.retain(|letter| {
            let stays = letter.until > now.mono;
            if !stays {
                late.push(letter.clone());
            }
            stays
        });
        late
    }

    /// Takes the letters that had to make room for others.
    pub(super) fn take_dropped(&mut self) -> Vec<OutgoingMessage> {
        std::mem::take(&mut self.dropped)
    }

    /// What is no longer to be said is not sent, or not again.
    pub(super) fn take_back(&mut self, to: &UserId, is: impl Fn(&Signal) -> bool) {
        self.letters.retain(|letter| letter.to != *to || !is(&letter.signal));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.letters.is_empty() && self.dropped.is_empty()
    }

    pub(super) fn next_deadline(&self) -> Option<Monotonic> {
        self.letters.iter().map(|letter| letter.until).min()
    }
}

impl OutgoingMessage {
    /// Whether it was published on the connection that is there now, and not acknowledged.
    pub(crate) const fn is_sent(&self) -> bool {
        self.under_way.is_some()
    }

    /// Whether it only confirms that a message arrived or was seen.
    fn is_receipt(&self) -> bool {
        matches!(self.signal, Signal::Delivered { .. } | Signal::Seen { .. })
    }

    pub(crate) fn is_under_way(&mut self, id: PublishId) {
        self.under_way = Some(id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signal::SignalId;
    use crate::time::Timestamp;

    fn user(n: usize) -> UserId {
        UserId::parse(&format!("u{n}")).unwrap()
    }

    fn id(n: usize) -> SignalId {
        SignalId::parse(&format!("s{n}")).unwrap()
    }

    fn knock(n: usize) -> Signal {
        Signal::Knock { id: id(n), text: None, both_free: false }
    }

    #[test]
    fn what_makes_room_is_known_and_receipts_go_first() {
        let now = Now { mono: Monotonic::default(), wall: Timestamp::default() };
        let mut outbox = Outbox::default();
        outbox.push(now, user(0), knock(0));
        for n in 1..AT_MOST {
            outbox.push(now, user(n), Signal::Delivered { re: id(n) });
        }
        assert!(outbox.take_dropped().is_empty());
        outbox.push(now, user(1_000), knock(1_000));
        let dropped = |outbox: &mut Outbox| -> Vec<UserId> {
            outbox.take_dropped().into_iter().map(|letter| letter.to).collect()
        };
        assert_eq!(dropped(&mut outbox), [user(1)]);
        for n in 2..=AT_MOST {
            outbox.push(now, user(1_000 + n), knock(n));
        }
        assert_eq!(dropped(&mut outbox).last(), Some(&user(0)), "the oldest, as none is a receipt");
        assert_eq!(outbox.letters.len(), AT_MOST);
    }
}
