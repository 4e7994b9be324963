//! How a presence is held: what a person may set, and what it is where they do not.

use std::time::Duration;

use porchlight_core::engine::{GRACE, LEASE};

/// How a presence is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PresenceOptions {
    /// Without input for so long, the person is away.
    pub away_after: Duration,
    /// A drop of the connection shorter than this is seen by nobody.
    pub grace: Duration,
    /// For how long others believe what was said last.
    pub lease: Duration,
    /// Whether a call is a do-not-disturb, unless the person says otherwise.
    pub calls_dnd: bool,
    /// Whether to write a sum for those who read no devices, where no hub does.
    pub user_topic: bool,
    /// Whether others are told of being away no more than that: neither why nor since when.
    pub coarse: bool,
}

impl Default for PresenceOptions {
    fn default() -> Self {
        let away_after = Duration::from_secs(5 * 60);
        Self {
            away_after,
            grace: GRACE,
            lease: LEASE,
            calls_dnd: false,
            user_topic: true,
            coarse: false,
        }
    }
}
