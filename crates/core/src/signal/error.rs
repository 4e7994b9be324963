//! Why a knock, a wave or an answer was not sent.

use crate::time::Timestamp;
use crate::view::Cause;
use crate::view::signals::FailureView;

/// Why a knock, a wave or an answer was not sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignalError {
    /// The other person is offline.
    #[error("{name} is offline; knock when they are back instead")]
    Offline {
        /// The name of the other person.
        name: String,
        /// Since when they are offline, if that is known.
        since: Option<Timestamp>,
        /// Why they are offline, if that is known.
        cause: Option<Cause>,
    },
    /// I am invisible, and the message would show that I am here.
    #[error(
        "you are invisible, and this would show that you are here; choose another status first"
    )]
    Invisible,
    /// My own connection was down for more than 30 s.
    #[error("your own connection was down for too long; try again when it is back")]
    LinkDown,
    /// The broker did not acknowledge the message within 30 s.
    #[error("the broker did not confirm it; try again, or ask the person who runs the broker")]
    Unconfirmed,
    /// The roster has nobody with that id.
    #[error("nobody is known here by that name; list the people with `porchlight who`")]
    NotKnown,
    /// The recipient is the sender.
    #[error("that is you; choose somebody else")]
    Myself,
    /// The text is longer than [`crate::text::MAX_TEXT`] characters.
    #[error(transparent)]
    TooLong(#[from] super::TooLongError),
    /// Five knocks or waves went to this person within a minute, or too many messages wait to be sent.
    #[error("that was often enough for now; try again in a minute")]
    TooMany,
    /// The broker refused the message.
    #[error(
        "the broker does not pass this on ({reason}); ask whoever runs it for the access rules in docs/protocol.md"
    )]
    Refused {
        /// The reason that the broker gave.
        reason: String,
    },
}

impl SignalError {
    /// The code that programs branch on.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Offline { .. } => "offline",
            Self::Invisible => "invisible",
            Self::LinkDown => "link_down",
            Self::Unconfirmed => "unconfirmed",
            Self::NotKnown => "not_known",
            Self::Myself => "myself",
            Self::TooLong(_) => "too_long",
            Self::TooMany => "too_many",
            Self::Refused { .. } => "refused",
        }
    }

    pub(super) fn view(&self) -> FailureView {
        let (since, cause) = match self {
            Self::Offline { since, cause, .. } => (*since, *cause),
            _ => (None, None),
        };
        FailureView { code: self.code().to_owned(), message: self.to_string(), since, cause }
    }
}
