//! What a device can observe of the person in front of it.
//!
//! Owns the vocabulary between the sources (crate `porchlight-activity`) and the decision
//! ([`crate::availability`]). Deliberately decides nothing: a source reports, it never judges.

use std::time::Duration;

use crate::time::{Now, Timestamp};

/// One fact reported by a source of activity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Observation {
    /// No input since then. May be reported before or after the person's away threshold.
    InputIdle {
        /// The last input.
        since: Moment,
    },
    /// There was input just now.
    InputActive,
    /// The screen was locked (`true`) or unlocked.
    Locked(bool),
    /// Another session took the seat (`true`), or this one has it again.
    Switched(bool),
    /// A microphone is in use, as in a call, or no longer.
    InCall(bool),
    /// The desktop was told not to disturb, or that it may again.
    DesktopDnd(bool),
    /// The network is another than before: a connection that stands may lead nowhere.
    NetworkChanged,
    /// The machine is about to sleep: say goodbye now.
    Suspending,
    /// The machine is awake again. It does not say that anybody is there.
    Resumed,
    /// The machine is about to power off or the session to end.
    ShuttingDown,
    /// The source works no longer; from now on nobody knows.
    SourceLost,
    /// The source works (again) but has nothing to tell yet.
    SourceOk,
}

/// When something was, as a source knows it: a counter tells how long ago, a log tells a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// This long before the observation was made.
    Ago(Duration),
    /// At this calendar time.
    At(Timestamp),
}

impl Moment {
    /// The calendar time, never later than `now`.
    #[must_use]
    pub fn place(self, now: Now) -> Timestamp {
        match self {
            Self::Ago(ago) => now.ago(ago),
            Self::At(at) => told(at, now).min(now.wall),
        }
    }

    /// How long before `now` it was.
    #[must_use]
    pub fn age(self, now: Now) -> Duration {
        match self {
            Self::Ago(ago) => ago,
            Self::At(at) => now.wall.since(told(at, now)),
        }
    }
}

/// What a source means by a time. While our own clock is not set, neither is that of a source on this machine; else a
/// time from before the protocol tells no more than that it was before now.
fn told(at: Timestamp, now: Now) -> Timestamp {
    let unset = now.wall.meant().is_none();
    at.meant().unwrap_or(if unset { at } else { now.wall })
}
