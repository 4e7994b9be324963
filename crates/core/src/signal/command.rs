//! What a person does towards another one.

use super::{Answer, SignalId};
use crate::id::UserId;
use crate::view::signals::When;

/// A person knocks, waves, answers or types, or wants to know or hear less or more of another person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SignalCommand {
    /// Ask somebody whether they have a minute.
    Knock {
        /// The person to ask.
        to: UserId,
        /// The text to show them: at most 280 characters without control characters.
        text: Option<String>,
        /// When the knock goes.
        when: When,
    },
    /// Say hello.
    Wave {
        /// The person to greet.
        to: UserId,
        /// The emoji to show them.
        emoji: Option<String>,
    },
    /// Answer somebody's knock.
    Answer {
        /// The person who knocked.
        from: UserId,
        /// Their knock.
        id: SignalId,
        /// The answer.
        answer: Answer,
    },
    /// Mark the knocks of somebody as seen, because the person acted on a notification or opened the conversation.
    See {
        /// The person who knocked.
        from: UserId,
    },
    /// Take back a knock of mine, or refuse to let somebody's knock wait.
    Withdraw {
        /// The other person.
        with: UserId,
        /// The knock.
        id: SignalId,
    },
    /// Show that I type. Send it with each key.
    Type {
        /// The person I type to, or `None` for everybody.
        to: Option<UserId>,
    },
    /// Show that I type no longer: the text was sent or given up.
    StopTyping {
        /// The person I typed to, or `None` for everybody.
        to: Option<UserId>,
    },
    /// Notify me once when somebody is back, or no longer.
    TellWhenBack {
        /// The person to wait for.
        user: UserId,
        /// Whether to notify me.
        wanted: bool,
    },
    /// Mute somebody, or no longer. No notification comes from a muted person.
    Mute {
        /// The person to mute.
        user: UserId,
        /// Whether to mute them.
        muted: bool,
    },
}
