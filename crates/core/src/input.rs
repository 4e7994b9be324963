//! Everything that can happen to the engine.
//!
//! Owns the vocabulary of the drivers: past facts from the network and the sources, wishes of the person.

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
    /// A connection reports. Only the one that was opened last is listened to.
    Connection(ConnectionId, ConnectionEvent),
    /// The Will connection reports. Only [`ConnectionEvent::Up`] and [`ConnectionEvent::Down`] matter.
    WillConnection(ConnectionId, ConnectionEvent),
    /// A source of activity reports.
    Observed(Observation),
    /// The person wants something.
    Command(Command),
    /// So much later than in Greenwich it is here, in seconds: at the start, and whenever that changes.
    ZoneChanged {
        /// East is more.
        offset_s: i32,
    },
    /// Something outside is wrong that the person should know. A later one with the same code replaces it.
    ProblemFound(Problem),
    /// It is wrong no longer.
    ProblemSolved {
        /// The problem's code.
        code: String,
    },
}

/// What the person wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Say this of me, on every device of mine.
    Choose {
        /// The status.
        status: ChosenStatus,
        /// A text beside it.
        text: Option<String>,
        /// An emoji beside it.
        emoji: Option<String>,
        /// For how long; for ever if `None`.
        lasting: Option<Duration>,
    },
    /// Say what the devices observe again.
    ClearChosen,
    /// Want something of this app for myself. Nobody else learns of it.
    Prefer(Preference),
    /// Want these notifications from now on.
    SetNotificationPolicy(NotificationPolicy),
    /// Pop up nothing for so long, or from now on as before.
    PauseNotifications(Option<Duration>),
    /// Say something to one person, or to know something of them.
    Signal(SignalCommand),
    /// Try to connect now.
    ReconnectNow,
    /// Say goodbye and stop.
    Quit,
    /// Stop without a goodbye, for a program that is back within the grace.
    Restart,
}
