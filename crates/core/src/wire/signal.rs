//! What two people's devices send each other: knocks, waves and typing, as meaning.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::catalogue::pattern;
use crate::id::{UserId, random_word};
use crate::text::{MAX_TEXT, display_text};

/// The longest id of a signal that is taken, in bytes.
const MAX_ID: usize = 64;

/// The number under which a knock or wave is spoken of. It is unique with whoever made it, and with nobody else.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SignalId(String);

/// A text that is no id of a signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an id of a signal has 1 to 64 letters, digits, `-`, `_` or `.`")]
pub struct SignalIdError;

impl SignalId {
    /// Takes a text for an id.
    ///
    /// # Errors
    /// [`SignalIdError`] for what is empty, too long, or has more in it than letters, digits, `-`, `_` and `.` of ASCII.
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

/// One message to an inbox. `re` is the id of the knock that it is about; `of` says whose knock, where the message is to
/// one's own inbox, for one's other devices.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Signal {
    /// Have you got a minute?
    Knock {
        /// Its id. The same knock may come more than once.
        id: SignalId,
        /// What was written.
        text: Option<String>,
        /// It waited until both were free.
        both_free: bool,
    },
    /// A knock that is to be shown once both are free.
    Waiting {
        /// Its id, which the knock will have.
        id: SignalId,
        /// What was written.
        text: Option<String>,
    },
    /// Both are free now, as the one sees who was asked.
    Free {
        /// The knock.
        re: SignalId,
    },
    /// The knock counts no more: whoever asked took it back, or whoever was to be asked does not want to wait.
    Withdrawn {
        /// The knock.
        re: SignalId,
        /// Whose knock, in one's own inbox.
        of: Option<UserId>,
    },
    /// A device has the knock.
    Delivered {
        /// The knock.
        re: SignalId,
    },
    /// Somebody acted on the knock's notification or opened the conversation.
    Seen {
        /// The knock.
        re: SignalId,
        /// Whose knock, in one's own inbox.
        of: Option<UserId>,
    },
    /// What is answered to a knock.
    Answer {
        /// The knock.
        re: SignalId,
        /// Whose knock, in one's own inbox.
        of: Option<UserId>,
        /// The answer.
        answer: Answer,
    },
    /// How does the knock stand? Asked after a connection that broke, on which an answer may have been lost.
    Again {
        /// The knock.
        re: SignalId,
    },
    /// Hello.
    Wave {
        /// Its id.
        id: SignalId,
        /// The emoji.
        emoji: Option<String>,
    },
    /// Writing to this one person, or no longer.
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
    /// In words of their own.
    Text(String),
}

impl Answer {
    /// What can be answered with one click.
    pub const SHORT: [Self; 3] = [Self::ComeIn, Self::InFive, Self::Later];

    /// The word on the wire; none for one's own words.
    #[must_use]
    pub const fn word(&self) -> Option<&'static str> {
        match self {
            Self::ComeIn => Some("come_in"),
            Self::InFive => Some("in_5"),
            Self::Later => Some("later"),
            Self::Text(_) => None,
        }
    }

    /// The answer of that word.
    #[must_use]
    pub fn of_word(word: &str) -> Option<Self> {
        match word {
            "come_in" => Some(Self::ComeIn),
            "in_5" => Some(Self::InFive),
            "later" => Some(Self::Later),
            _ => None,
        }
    }

    /// The answer as an English sentence, which goes beside its word on the wire.
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

/// A text that is longer than [`MAX_TEXT`] characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a text has at most {MAX_TEXT} characters; make it shorter")]
pub struct TooLongError;

/// A text as it will be shown to whoever gets it. `None` where nothing visible is in it.
///
/// # Errors
/// [`TooLongError`], counted in characters after what deceives was taken out.
pub fn written(text: &str) -> Result<Option<String>, TooLongError> {
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
        assert_eq!(written(&emoji), Ok(Some(emoji.clone())));
        assert_eq!(written(&format!("{emoji}!")), Err(TooLongError));
        let hidden = format!("{}\u{202E}\u{7}", "x".repeat(280));
        assert_eq!(written(&hidden), Ok(Some("x".repeat(280))));
        assert_eq!(written(" \u{200B} "), Ok(None));
    }
}
