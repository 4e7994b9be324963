//! Why a command fails: the message and the exit code.

use porchlight_agent::agent::StartError;
use porchlight_core::view::Problem;

use crate::output;

/// Why a command fails. [`Failure::report`] has the exit codes.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Wrong usage or configuration.
    Usage(String),
    /// There was no connection in time.
    NoConnection(String),
    /// The broker or the hub refused.
    Refused(String),
    /// Nobody answered a knock in time.
    Unanswered(String),
    /// A knock or wave was not sent: one of the two can't, or it was sent too often.
    NotSent(String),
    /// `wait` ended before the person was online, and has printed that.
    NotHere,
    /// Anything else.
    Other(anyhow::Error),
}

impl Failure {
    /// Prints the message on standard error. Returns the exit code.
    pub(crate) fn report(&self) -> i32 {
        let code = match self {
            Self::Usage(_) => 2,
            Self::NoConnection(_) => 3,
            Self::Refused(_) => 4,
            Self::NotHere => return 1,
            Self::NotSent(_) => 5,
            Self::Unanswered(_) | Self::Other(_) => 1,
        };
        output::warn(&self.message());
        code
    }

    /// What happened and what to do.
    pub(crate) fn message(&self) -> String {
        match self {
            Self::Usage(message)
            | Self::NoConnection(message)
            | Self::Refused(message)
            | Self::Unanswered(message)
            | Self::NotSent(message) => message.clone(),
            Self::NotHere => "not here".to_owned(),
            Self::Other(error) => chain(error),
        }
    }

    /// The agent stopped, although nothing asked it to.
    pub(crate) fn agent_stopped() -> Self {
        Self::Other(anyhow::anyhow!(
            "Porchlight stopped because of a fault of its own; start it again, and report this if it happens again"
        ))
    }

    /// Standard output can't be written.
    pub(crate) fn not_written(error: &std::io::Error) -> Self {
        Self::Other(anyhow::anyhow!(
            "standard output can't be written ({error}), so the output is incomplete; check the free space"
        ))
    }

    pub(crate) fn usage(error: impl std::fmt::Display) -> Self {
        Self::Usage(error.to_string())
    }

    pub(crate) fn refused(problem: &Problem) -> Self {
        Self::Refused(problem.message.clone())
    }

    /// There was no connection in time; `last` is why the last try failed.
    pub(crate) fn no_connection(last: Option<&Problem>) -> Self {
        Self::NoConnection(last.map_or_else(
            || {
                "no connection in time: something accepts connections there but does not answer; check that the address is \
                 an MQTT broker's, or try a longer --timeout"
                    .to_owned()
            },
            |problem| format!("no connection in time: {}", problem.message),
        ))
    }
}

impl<E: Into<anyhow::Error>> From<E> for Failure {
    fn from(error: E) -> Self {
        let error = error.into();
        // Certificates and keys that the config names can't be read: only a person can correct the config.
        if error.chain().any(|cause| cause.is::<StartError>()) {
            return Self::Usage(chain(&error));
        }
        Self::Other(error)
    }
}

/// An error with its causes. Many errors name their cause themselves; it is then not repeated.
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
