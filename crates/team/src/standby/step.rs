//! What happens to a backup computer, and what it does.

use porchlight_core::team::{StandsIn, WhyAway};
use porchlight_core::time::Timestamp;
use porchlight_core::view::Problem;

/// What happens to the backup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StandbyInput {
    /// Something came on the stream of [`StandbyEffect::Follow`].
    Heard(StreamEvent),
    /// That stream ended, or could not be opened.
    Ended(StreamEnd),
    /// The answer to [`StandbyEffect::Look`]: whether the host answers. Give it after 2 s at the latest.
    HostAnswers(bool),
    /// The answer to [`StandbyEffect::Serve`]: this computer listens, or can't.
    Served(Result<(), Problem>),
    /// The answer to [`StandbyEffect::GiveBack`]: whether the host took it.
    GivenBack(bool),
    /// This computer is about to sleep. Let it once the effects are carried out.
    FallsAsleep,
    /// This computer slept.
    Woke,
    /// Porchlight quits here. The machine ends.
    Quits,
}

/// What the host sends to its backup.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StreamEvent {
    /// The list of members and the delegation. The driver has verified and stored them. One that it does not take,
    /// because it is older, ends the stream instead ([`StreamEnd::Closed`]).
    State {
        /// When the delegation ends.
        expires: Timestamp,
    },
    /// Retained messages that changed. The driver keeps them.
    Retained,
    /// The host goes away, and this computer is to serve.
    HandsOver {
        /// Why.
        why: WhyAway,
    },
    /// A sign of life.
    Comment,
}

/// How a stream ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StreamEnd {
    /// The host closed it, or could not be reached, or did not answer in 2 s.
    Closed,
    /// The host knows no such member (401), or this is not its backup (403). Only the host itself can say so.
    Forbidden,
    /// The host has handed over (503 `standby`).
    HandedOver,
}

/// What the driver does. It carries out one after the other, and answers where the input says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StandbyEffect {
    /// Open the stream (`GET /v1/backup/follow`). Answer [`StandbyInput::Heard`] or [`StandbyInput::Ended`].
    Follow,
    /// Close the stream. Nothing of it may be reported from then on.
    Unfollow,
    /// Connect to the host's addresses once. Answer [`StandbyInput::HostAnswers`].
    Look,
    /// Serve the team in the place of the host. Answer [`StandbyInput::Served`]. If it serves already, the host came back
    /// and goes away again: state the new reason, and serve with the list that came meanwhile. Close the members only if
    /// the list has changed, because those who know of the change refuse the old one. If it fails, nothing serves.
    Serve(StandsIn),
    /// Give the host the retained messages that changed (`POST /v1/backup/back`). Answer [`StandbyInput::GivenBack`].
    GiveBack,
    /// Close the members with this reason, and stop serving.
    StandDown(StoodDown),
    /// Remove the list, the delegation and the key.
    Forget,
    /// Show this to the person.
    Report(StandbyState),
}

/// Why a backup stops serving.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoodDown {
    /// The host is back. Members go to it.
    HostIsBack,
    /// This computer sleeps. Members have nowhere to go.
    Sleeps,
    /// Porchlight quits here. Members have nowhere to go.
    Quits,
    /// The delegation has ended.
    Expired,
    /// The host knows this backup no more.
    Revoked,
}

/// What a backup does, for its window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StandbyState {
    /// It does not hear the host, and does not serve (yet).
    Searching,
    /// It hears the host.
    Following,
    /// It serves in the place of the host.
    Serving(StandsIn),
    /// It should serve, and can't listen. It tries again.
    CannotServe(Problem),
    /// Its delegation has ended. Only the host can renew it.
    Expired,
    /// The host does not know it as its backup any more.
    Revoked,
}
