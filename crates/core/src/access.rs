//! Whether a broker lets a reader see who is around.
//!
//! Owns what a broker can withhold, and the words for it. `engine::access` finds out. A roster that could not be
//! read is not an empty roster: nobody may conclude anything from it.

use std::fmt;

use crate::reason::BrokerReason;
use crate::view::Problem;

/// Whether the roster can be read on the present connection.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum RosterAccess {
    /// The broker has not answered yet.
    #[default]
    Unknown,
    /// The broker granted what is needed. No stored message has come yet, so it may still withhold them.
    Granted,
    /// The broker has handed out a stored message for a filter with a wildcard.
    Proven,
    /// The broker withholds what is needed.
    Withheld(Withheld),
}

impl RosterAccess {
    /// Whether an empty roster means that nobody is there.
    #[must_use]
    pub fn is_proven(&self) -> bool {
        *self == Self::Proven
    }
}

/// What a broker withholds, so that a reader can't know who is around.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Withheld {
    /// It refused these filters.
    #[error(
        "the broker does not let us read {}; ask the person who runs it for the access rules in docs/protocol.md",
        RefusedFilter::list(.0)
    )]
    Filters(Vec<RefusedFilter>),
    /// It granted the filters and delivers nothing for them, as Mosquitto does where its access rules allow no reading.
    #[error(
        "the broker takes our filters but delivers no messages for them, so we can't see who is around; ask the person who runs it for the access rules in docs/protocol.md"
    )]
    Messages,
    /// It stores no messages: Retain Available 0 (MQTT 5, 3.2.2.3.5).
    #[error(
        "the broker stores no messages (Retain Available 0), so nobody can see who is around; ask the person who runs it to allow retained messages, or use another broker"
    )]
    Retained,
    /// It takes no filters with wildcards: Wildcard Subscription Available 0 (MQTT 5, 3.2.2.3.11).
    #[error(
        "the broker takes no filters with wildcards (Wildcard Subscription Available 0), so we can't see who is around; ask the person who runs it to allow them, or use another broker"
    )]
    Wildcards,
    /// It stores messages and takes filters with wildcards, but hands out no stored message for them.
    #[error(
        "the broker hands out no stored messages for filters with wildcards, so we can't see who is around; RabbitMQ is one that does so. Use `porchlight hub`, or another broker such as Mosquitto"
    )]
    RetainedForWildcards,
}

impl Withheld {
    /// What programs branch on.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Filters(_) | Self::Messages => "subscription_refused",
            Self::Retained => "retain_unavailable",
            Self::Wildcards => "wildcards_unavailable",
            Self::RetainedForWildcards => "retained_withheld",
        }
    }

    /// For the window.
    #[must_use]
    pub fn problem(&self) -> Problem {
        Problem { code: self.code().to_owned(), message: self.to_string() }
    }
}

/// A filter of ours that the broker refused in its SUBACK.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedFilter {
    /// The filter as it was subscribed.
    pub filter: String,
    /// Why.
    pub reason: BrokerReason,
}

impl RefusedFilter {
    /// Several of them in one line.
    #[must_use]
    pub fn list(refused: &[Self]) -> String {
        refused.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
    }
}

impl fmt::Display for RefusedFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.filter, self.reason)
    }
}
