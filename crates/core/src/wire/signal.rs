//! The messages that two people's devices send to each other: knocks, waves and typing.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::catalogue::pattern;
use crate::id::{UserId, random_word};
use crate::text::{MAX_TEXT, display_text};

/// Maximum length of an id, in bytes.
const MAX_ID: usize = 64;

/// The id of a knock or wave, unique among those of its sender.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SignalId(String);

/// The text is not a [`SignalId`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an id of a signal has 1 to 64 letters, digits, `-`, `_` or `.`")]
pub struct SignalIdError;

impl SignalId {
    /// Parses an id that another client made.
    ///
    /// # Errors
    ///
    /// [`SignalIdError`] if the text is empty, longer than 64 bytes, or has a character other than
    /// ASCII letters, digits, `-`, `_` and `.`.
    pub fn parse(text: &str) -> Result<Self, SignalIdError> {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        let fits = (1..=MAX_ID).contains(&text.len()) && text.chars().all(plain);
        if fits { Ok(Self(text.to_owned())) } else { Err(SignalIdError) }
    }

    /// A new random id.
    #[must_use]
    pub fn random(rng: &mut fastrand::Rng) -> Self {
        Self(random_word(rng, 16))
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SignalId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<SignalId> for String {
    fn from(id: SignalId) -> Self {
        id.0
    }
}

impl TryFrom<String> for SignalId {
    type Error = SignalIdError;

    fn try_from(text: String) -> Result<Self, SignalIdError> {
        Self::parse(&text)
    }
}

/// One message to a person's inbox.
///
/// `re` is the id of the knock that the message is about. `of` is the person who knocked. It is
/// present only in messages to the sender's own inbox, for their other devices.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SignalMessage {
    /// A question whether the other person has a minute. The same knock may come more than once.
    Knock {
        /// The id of the knock.
        id: SignalId,
        /// The text to show.
        text: Option<String>,
        /// Whether it waited until both people were free.
        both_free: bool,
    },
    /// A knock waits until both people are free.
    Waiting {
        /// The id that the knock will have.
        id: SignalId,
        /// The text to show.
        text: Option<String>,
    },
    /// Both people are free, as seen by a device of the person who is asked.
    Free {
        /// The knock.
        re: SignalId,
    },
    /// The sender took the knock back, or the person who is asked does not want it to wait.
    Withdrawn {
        /// The knock.
        re: SignalId,
        /// The person who knocked.
        of: Option<UserId>,
    },
    /// A device has the knock.
    Delivered {
        /// The knock.
        re: SignalId,
    },
    /// The person acted on the notification of the knock, or opened the conversation.
    Seen {
        /// The knock.
        re: SignalId,
        /// The person who knocked.
        of: Option<UserId>,
    },
    /// The person answered the knock.
    Answer {
        /// The knock.
        re: SignalId,
        /// The person who knocked.
        of: Option<UserId>,
        /// The answer.
        answer: Answer,
    },
    /// A question how far the knock is, after a connection on which an answer may have been lost.
    Again {
        /// The knock.
        re: SignalId,
    },
    /// A hello.
    Wave {
        /// The id of the wave.
        id: SignalId,
        /// The emoji to show.
        emoji: Option<String>,
    },
    /// The sender types to this one person, or stopped.
    Typing(bool),
}

/// An answer to a knock.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "kind", content = "text", rename_all = "snake_case")]
#[cfg_attr(test, derive(ts_rs::TS))]
pub enum Answer {
    /// Now is fine.
    ComeIn,
    /// Give me five minutes.
    #[serde(rename = "in_5")]
    InFive,
    /// Later, please.
    Later,
    /// A text that the person wrote.
    Text(String),
}

impl Answer {
    /// The answers that take one click.
    pub const SHORT: [Self; 3] = [Self::ComeIn, Self::InFive, Self::Later];

    /// The word on the wire; a text has none.
    #[must_use]
    pub const fn word(&self) -> Option<&'static str> {
        match self {
            Self::ComeIn => Some("come_in"),
            Self::InFive => Some("in_5"),
            Self::Later => Some("later"),
            Self::Text(_) => None,
        }
    }

    /// The answer with that word.
    #[must_use]
    pub fn of_word(word: &str) -> Option<Self> {
        match word {
            "come_in" => Some(Self::ComeIn),
            "in_5" => Some(Self::InFive),
            "later" => Some(Self::Later),
            _ => None,
        }
    }

    /// The answer as an English sentence, which is published beside its word.
    #[must_use]
    pub fn text(&self) -> &str {
        match self {
            Self::ComeIn => pattern("answer-come-in"),
            Self::InFive => pattern("answer-in-5"),
            Self::Later => pattern("answer-later"),
            Self::Text(text) => text,
        }
    }
}

/// The text is longer than [`MAX_TEXT`] characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a text has at most {MAX_TEXT} characters; make it shorter")]
pub struct TooLongError;

/// A text as its reader will see it, without control characters; `None` if nothing visible is left.
///
/// # Errors
/// [`TooLongError`] if more than [`MAX_TEXT`] characters are left.
pub fn message_text(text: &str) -> Result<Option<String>, TooLongError> {
    let Some(shown) = display_text(text, usize::MAX) else {
        return Ok(None);
    };
    if shown.chars().count() > MAX_TEXT { Err(TooLongError) } else { Ok(Some(shown)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_have_nothing_in_them_that_could_be_taken_for_something_else() {
        assert!(SignalId::parse("a-B_9.x").is_ok());
        let long = "a".repeat(65);
        for bad in ["", "a b", "a/b", "ä", "a\u{1b}", long.as_str()] {
            assert_eq!(SignalId::parse(bad), Err(SignalIdError), "{bad:?}");
        }
    }

    #[test]
    fn a_text_is_counted_as_it_will_be_shown() {
        let emoji = "🎧".repeat(280);
        assert_eq!(message_text(&emoji), Ok(Some(emoji.clone())));
        assert_eq!(message_text(&format!("{emoji}!")), Err(TooLongError));
        let hidden = format!("{}\u{202E}\u{7}", "x".repeat(280));
        assert_eq!(message_text(&hidden), Ok(Some("x".repeat(280))));
        assert_eq!(message_text(" \u{200B} "), Ok(None));
    }
}
