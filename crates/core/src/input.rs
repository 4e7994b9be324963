//! Everything that can happen to the engine.
//!
//! Owns the inputs: events of connections and sources, and commands of the person.

use std::time::Duration;

use crate::notification::NotificationPolicy;
use crate::observation::Observation;
use crate::preferences::Preference;
use crate::presence::ChosenStatus;
use crate::signal::SignalCommand;
use crate::view::Problem;

pub use crate::access::RefusedFilter;
pub use crate::connection::{
    ConnectionEvent, ConnectionFailure, ConnectionId, Granted, Message, PublishId, Refusal,
};

/// Something that happened, or that the person wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// Begin: connect.
    Start,
    /// A deadline has come.
    Tick,
    /// An event of a connection. Events of an earlier connection are ignored.
    Connection(ConnectionId, ConnectionEvent),
    /// The Will connection reports. Only [`ConnectionEvent::Up`] and [`ConnectionEvent::Down`] matter.
    WillConnection(ConnectionId, ConnectionEvent),
    /// A source of activity reports.
    Observed(Observation),
    /// The person wants something.
    Command(Command),
    /// The offset of local time from UTC, at the start and after each change.
    ZoneChanged {
        /// In seconds, positive to the east.
        offset_s: i32,
    },
    /// Something outside the engine is wrong, and the person should know. A later problem with the same code replaces it.
    ProblemFound(Problem),
    /// That problem is solved.
    ProblemSolved {
        /// The problem's code.
        code: String,
    },
}

/// What the person wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Set my status on all my devices.
    Choose {
        /// The status.
        status: ChosenStatus,
        /// A text beside it.
        text: Option<String>,
        /// An emoji beside it.
        emoji: Option<String>,
        /// For how long; `None`: until it is changed.
        lasting: Option<Duration>,
    },
    /// Clear my status, so that the devices' observations count again.
    ClearChosen,
    /// Change a preference, which nobody else sees.
    Prefer(Preference),
    /// Set the notification policy.
    SetNotificationPolicy(NotificationPolicy),
    /// Pause notifications for this long; `None` ends the pause.
    PauseNotifications(Option<Duration>),
    /// Send a signal to one person, or ask to be told when they are back.
    Signal(SignalCommand),
    /// Try to connect now.
    ReconnectNow,
    /// Say goodbye and stop.
    Quit,
    /// Stop without a goodbye, for a program that is back within the grace.
    Restart,
}
