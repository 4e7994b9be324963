//! Why a command ends early, and with which code.

use porchlight_agent::agent::StartError;
use porchlight_agent::leave_team::LeaveError;
use porchlight_core::view::Problem;

use crate::output;

/// Why a command ends early.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Wrong usage or config.
    Usage(String),
    /// No connection in time.
    NoConnection(String),
    /// The broker said no.
    Refused(String),
    /// A knock that nobody answered in time.
    Unanswered(String),
    /// A knock or wave that was not sent, for a reason on either side.
    NotSent(String),
    /// Whom it waited for is not here, which was said already.
    NotHere,
    /// Anything else.
    Other(anyhow::Error),
}

impl Failure {
    /// Says it on standard error; the exit code.
    pub(crate) fn tell(&self) -> i32 {
        let code = match self {
            Self::Usage(_) => 2,
            Self::NoConnection(_) => 3,
            Self::Refused(_) => 4,
            Self::NotHere => return 1,
            Self::NotSent(_) => 5,
            Self::Unanswered(_) | Self::Other(_) => 1,
        };
        output::warn(&self.words());
        code
    }

    pub(crate) fn words(&self) -> String {
        match self {
            Self::Usage(words)
            | Self::NoConnection(words)
            | Self::Refused(words)
            | Self::Unanswered(words)
            | Self::NotSent(words) => words.clone(),
            Self::NotHere => "not here".to_owned(),
            Self::Other(error) => chain(error),
        }
    }

    /// The agent is gone although nobody told it to.
    pub(crate) fn ended() -> Self {
        Self::Other(anyhow::anyhow!(
            "the connection's own loop ended, which is a fault of this program; start it again"
        ))
    }

    /// Standard output does not take what was asked for.
    pub(crate) fn not_written(error: &std::io::Error) -> Self {
        Self::Other(anyhow::anyhow!(
            "standard output can't be written ({error}); what it holds is not all"
        ))
    }

    pub(crate) fn usage(error: impl std::fmt::Display) -> Self {
        Self::Usage(error.to_string())
    }

    pub(crate) fn refused(problem: &Problem) -> Self {
        Self::Refused(problem.message.clone())
    }

    /// No connection, and why the last try came to nothing.
    pub(crate) fn no_connection(last: Option<&Problem>) -> Self {
        Self::NoConnection(last.map_or_else(
            || {
                "no connection in time: whoever listens there has not answered yet; is it an MQTT broker? A slow one needs a longer --timeout".to_owned()
            },
            |problem| format!("no connection in time: {}", problem.message),
        ))
    }
}

impl<E: Into<anyhow::Error>> From<E> for Failure {
    fn from(error: E) -> Self {
        let error = error.into();
        // The certificates and keys that the config names can't be read: only a person can put that right.
        let names_it = |cause: &(dyn std::error::Error + 'static)| {
            cause.is::<StartError>() || matches!(cause.downcast_ref(), Some(LeaveError::Tls(_)))
        };
        if error.chain().any(names_it) {
            return Self::Usage(chain(&error));
        }
        Self::Other(error)
    }
}

/// An error with its causes, of which many name theirs themselves.
fn chain(error: &anyhow::Error) -> String {
    let mut words = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if words.contains(&cause) {
            continue;
        }
        if !words.is_empty() {
            words.push_str(": ");
        }
        words.push_str(&cause);
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_that_was_named_is_not_named_again() {
        let inner = std::io::Error::other("no room");
        let named = anyhow::Error::new(inner).context("a file can't be written (no room)");
        assert_eq!(chain(&named), "a file can't be written (no room)");
        let named = anyhow::anyhow!("no room").context("a file can't be written");
        assert_eq!(chain(&named), "a file can't be written: no room");
    }
}
