//! Why a command ends early, and with which code.

use porchlight_core::view::Problem;

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
            Self::NotSent(_) => 5,
            Self::Unanswered(_) | Self::Other(_) => 1,
        };
        eprintln!("porchlight: {}", self.words());
        code
    }

    pub(crate) fn words(&self) -> String {
        match self {
            Self::Usage(words)
            | Self::NoConnection(words)
            | Self::Refused(words)
            | Self::Unanswered(words)
            | Self::NotSent(words) => words.clone(),
            Self::Other(error) => format!("{error:#}"),
        }
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
            || "no connection in time".to_owned(),
            |problem| format!("no connection in time: {}", problem.message),
        ))
    }
}

impl<E: Into<anyhow::Error>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::Other(error.into())
    }
}
