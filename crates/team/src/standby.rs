//! The backup computer of a team, and its host, as far as they hand the team to each other.
//!
//! Owns when the backup serves and when it stops ([`Standby`]), and how the host goes away ([`HandOver`]). It connects to
//! nobody, serves nobody and stores nothing: time is an argument, and the rest are effects that a driver carries out. The
//! messages are in `docs/protocol.md`, *The backup computer*.
//!
//! Only the host changes who is in the team. A backup never does, so there is nothing to agree about when both serve for
//! a while: the members go to the host as soon as they reach it.
//!
//! `tests/sim/backup` tries every rule with cut cables, sleep, crashes and wrong clocks. [`StandbyRule`] names the rules.

mod backup;
mod hand_over;
mod step;

use std::time::Duration;

pub use backup::Standby;
pub use hand_over::{HandOver, HandOverEffect, HandOverInput};
pub use step::{StandbyEffect, StandbyInput, StandbyState, StoodDown, StreamEnd, StreamEvent};

/// How long a computer waits for the sleep or the end that it has announced.
const STAYS: Duration = Duration::from_secs(30);

/// A rule that the simulation takes out, to see that its absence is found.
#[doc(hidden)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StandbyRule {
    /// The backup looks for a silent host before it serves.
    LookFirst,
    /// The backup does not take its own sleep for the silence of the host.
    OwnSleep,
    /// The backup does not serve with a delegation that has ended.
    Expiry,
    /// A backup that the host does not know any more stops and forgets.
    Revocation,
    /// While it serves, the backup tries to follow the host.
    FollowAgain,
    /// The backup gives back what changed before it stops.
    GiveBack,
    /// A host that goes away again finds the backup still serving.
    StayForNext,
    /// The backup confirms once it listens, not before.
    ListenFirst,
    /// A backup that can't listen tries again.
    ServeAgain,
    /// A backup that goes away sends its members away before.
    EndFirst,
    /// A host that refuses because it has handed over has handed over, whatever its backup has heard of it.
    Refused,
    /// The host tells its backup before it closes its members.
    TellFirst,
    /// A host without a backup closes nobody.
    OnlyFollowed,
    /// A host that hands over changes nothing more, and lets nobody in.
    Refuse,
    /// The host goes away in time, whether its backup confirms or not.
    InTime,
    /// A host that is there after all serves again.
    TakeBack,
}
