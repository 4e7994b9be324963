//! What a person wants of others.

use super::{Answer, SignalId};
use crate::id::UserId;
use crate::view::signals::When;

/// What the person wants to say to somebody, or to know of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SignalCommand {
    /// Ask whether they have a minute.
    Knock {
        /// Whom.
        to: UserId,
        /// What is written, at most 280 characters as they are shown.
        text: Option<String>,
        /// When it is to arrive.
        when: When,
    },
    /// Say hello.
    Wave {
        /// To whom.
        to: UserId,
        /// With what.
        emoji: Option<String>,
    },
    /// Answer somebody's knock.
    Answer {
        /// Whose.
        from: UserId,
        /// Which.
        id: SignalId,
        /// What.
        answer: Answer,
    },
    /// What somebody said was seen: its notification was acted on, or the conversation opened.
    See {
        /// Whose.
        from: UserId,
    },
    /// A knock counts no more: mine, or somebody else's that waits until both are free.
    Withdraw {
        /// With whom.
        with: UserId,
        /// Which.
        id: SignalId,
    },
    /// A key was pressed in a text to one person, or to the room.
    Type {
        /// To whom; to the room if `None`.
        to: Option<UserId>,
    },
    /// That text was sent or given up.
    StopTyping {
        /// To whom; to the room if `None`.
        to: Option<UserId>,
    },
    /// Tell me once when they are back, or do not.
    TellWhenBack {
        /// Of whom.
        user: UserId,
        /// Whether.
        wanted: bool,
    },
    /// Nothing of them pops up, or it does again.
    Mute {
        /// Of whom.
        user: UserId,
        /// Whether.
        muted: bool,
    },
}
