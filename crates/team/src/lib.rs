//! The life of a membership: starting a team, joining one, asking to join, hosting it here, and leaving.
//!
//! This crate decides the order of the steps, and what follows from the outcome of each. It has no clock, no socket and no
//! file: time is an argument, and everything else is an [`Effect`] that a driver carries out. So every step can be tried
//! with a crash, a lost answer or a full disk (`tests/sim`).
//!
//! Four rules make it safe:
//!
//! 1. **The intent is on disk before its first effect.** After a crash, [`Lifecycle::resume`] reads it and goes on.
//! 2. **The client makes what lets it in.** The hub answers the same to the same credential, ticket or key, so every
//!    request can be sent again.
//! 3. **An unknown outcome is asked for again.** Only an answer of the hub ends an operation.
//! 4. **Only what this operation wrote is removed**, and only after a refusal.
//!
//! ```
//! use porchlight_team::{Effect, Facts, Lifecycle, Report};
//!
//! // At the start there is neither an intent nor a team: nothing is left to do.
//! let mut lifecycle = Lifecycle::default();
//! lifecycle.resume(None, Facts::default());
//! assert_eq!(lifecycle.poll_effect(), Some(Effect::Report(Report::Ready)));
//! assert_eq!(lifecycle.poll_effect(), None);
//! ```

mod effect;
mod intent;
mod lifecycle;
mod standby;

pub use effect::{Answer, Ask, Effect, HubStart, Outcome, Report};
pub use intent::{
    Asked, Enter, Hosting, Intent, LeaveScope, Leaving, NewRequest, SecretStorage, Way,
};
pub use lifecycle::{Facts, Lifecycle, Operation, Rule, StoreState};
pub use standby::{
    HandOver, HandOverEffect, HandOverInput, Standby, StandbyEffect, StandbyInput, StandbyRule,
    StandbyState, StoodDown, StreamEnd, StreamEvent,
};
