//! The options of a presence that a person may set, with their defaults.

use std::time::Duration;

use porchlight_core::engine::{GRACE, LEASE};

/// How a device keeps and publishes its presence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PresenceOptions {
    /// The time without input after which the person is away.
    pub away_after: Duration,
    /// Connection drops shorter than this are hidden from others.
    pub grace: Duration,
    /// How long others trust the last record without a new one.
    pub lease: Duration,
    /// Whether a call sets do-not-disturb, unless the person chose a status.
    pub calls_dnd: bool,
    /// Whether to publish the user topic for simple clients, if no hub does.
    pub user_topic: bool,
    /// Whether others see only that the person is away, neither why nor since when.
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
