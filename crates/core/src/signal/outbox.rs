//! Messages to other people's inboxes that the broker did not acknowledge yet.
//!
//! They are held in memory and for 30 s at most, because a late knock or wave is worth nothing.

use std::collections::VecDeque;

use super::{SignalId, SignalMessage};
use crate::connection::PublishId;
use crate::id::UserId;
use crate::time::{Monotonic, Now};

/// Maximum number of messages that are sent and not acknowledged. The others wait.
const IN_FLIGHT: usize = 16;
/// Maximum number of messages.
const AT_MOST: usize = 64;

/// One message to one person's inbox.
#[derive(Debug, Clone)]
pub(crate) struct OutgoingMessage {
    pub(crate) to: UserId,
    pub(crate) message: SignalMessage,
    /// When it is given up.
    until: Monotonic,
    /// Under which id it was published on the present connection.
    sent_as: Option<PublishId>,
}

/// The messages that are not acknowledged, in the order in which they are sent.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    messages: VecDeque<OutgoingMessage>,
    /// The messages that made room for others, until [`Outbox::take_dropped`].
    dropped: Vec<OutgoingMessage>,
}

impl Outbox {
    pub(super) fn push(&mut self, to: UserId, message: SignalMessage, until: Monotonic) {
        // A knock that is due again may not have left yet.
        if self.messages.iter().any(|queued| queued.to == to && queued.message == message) {
            return;
        }
        if self.messages.len() >= AT_MOST {
            // Many knocks from others must not push out my own messages.
            let receipt = self.messages.iter().position(|it| it.is_receipt());
            self.dropped.extend(self.messages.remove(receipt.unwrap_or(0)));
        }
        self.messages.push_back(OutgoingMessage { to, message, until, sent_as: None });
    }

    /// The next message to publish, if one may be.
    pub(super) fn next(&mut self) -> Option<&mut OutgoingMessage> {
        if self.messages.iter().filter(|it| it.sent_as.is_some()).count() >= IN_FLIGHT {
            return None;
        }
        self.messages.iter_mut().find(|it| it.sent_as.is_none())
    }

    /// Takes the message that the broker acknowledged or refused.
    pub(super) fn take(&mut self, id: PublishId) -> Option<OutgoingMessage> {
        let at = self.messages.iter().position(|it| it.sent_as == Some(id))?;
        self.messages.remove(at)
    }

    /// Nobody knows whether the messages in flight arrived, so they are sent again.
    pub(super) fn connection_lost(&mut self) {
        for it in &mut self.messages {
            it.sent_as = None;
        }
    }

    /// Takes the messages whose time is over.
    pub(super) fn expire(&mut self, now: Now) -> Vec<OutgoingMessage> {
        let (kept, late): (VecDeque<_>, _) =
            std::mem::take(&mut self.messages).into_iter().partition(|it| it.until > now.mono);
        self.messages = kept;
        late.into_iter().collect()
    }

    /// Takes the messages that had to make room for others.
    pub(super) fn take_dropped(&mut self) -> Vec<OutgoingMessage> {
        std::mem::take(&mut self.dropped)
    }

    /// Drops the messages about a knock of mine, because they are out of date.
    pub(super) fn remove(&mut self, to: &UserId, knock: &SignalId) {
        use SignalMessage::{Again, Knock, Waiting};
        self.messages.retain(|it| match &it.message {
            Knock { id, .. } | Waiting { id, .. } | Again { re: id } => it.to != *to || id != knock,
            _ => true,
        });
    }

    pub(super) fn is_empty(&self) -> bool {
        self.messages.is_empty() && self.dropped.is_empty()
    }

    pub(super) fn next_deadline(&self) -> Option<Monotonic> {
        self.messages.iter().map(|it| it.until).min()
    }
}

impl OutgoingMessage {
    /// Whether it was published on the present connection.
    pub(crate) const fn is_sent(&self) -> bool {
        self.sent_as.is_some()
    }

    /// Whether it only confirms that a message arrived or was seen.
    fn is_receipt(&self) -> bool {
        matches!(self.message, SignalMessage::Delivered { .. } | SignalMessage::Seen { .. })
    }

    pub(crate) fn set_sent(&mut self, id: PublishId) {
        self.sent_as = Some(id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signal::LASTS;

    fn user(n: usize) -> UserId {
        UserId::parse(&format!("u{n}")).unwrap()
    }

    fn id(n: usize) -> SignalId {
        SignalId::parse(&format!("s{n}")).unwrap()
    }

    fn knock(n: usize) -> SignalMessage {
        SignalMessage::Knock { id: id(n), text: None, both_free: false }
    }

    #[test]
    fn what_makes_room_is_known_and_receipts_go_first() {
        let until = Monotonic::default() + LASTS;
        let mut outbox = Outbox::default();
        outbox.push(user(0), knock(0), until);
        for n in 1..AT_MOST {
            outbox.push(user(n), SignalMessage::Delivered { re: id(n) }, until);
        }
        assert!(outbox.take_dropped().is_empty());
        outbox.push(user(1_000), knock(1_000), until);
        let dropped = |outbox: &mut Outbox| -> Vec<UserId> {
            outbox.take_dropped().into_iter().map(|it| it.to).collect()
        };
        assert_eq!(dropped(&mut outbox), [user(1)]);
        for n in 2..=AT_MOST {
            outbox.push(user(1_000 + n), knock(n), until);
        }
        assert_eq!(dropped(&mut outbox).last(), Some(&user(0)), "the oldest, as none is a receipt");
        assert_eq!(outbox.messages.len(), AT_MOST);
    }
}
