//! Moments, as arguments.
//!
//! Owns the two kinds of moment the domain reasons with. Deliberately reads no clock: every call that
//! depends on time is given a [`Now`].

use std::ops::{Add, Sub};
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A moment on the calendar: milliseconds since the Unix epoch, as the wire writes it.
///
/// It may jump when somebody sets the clock, so it is for telling people and other devices, never for
/// measuring how long something took.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[cfg_attr(test, derive(ts_rs::TS), ts(type = "number"))]
pub struct Timestamp(u64);

impl Timestamp {
    /// The largest integer that JSON readers agree on, 2^53 - 1 (RFC 8259, section 6).
    pub const MAX: Self = Self((1 << 53) - 1);

    /// A moment `ms` milliseconds after the Unix epoch, or `None` beyond [`Timestamp::MAX`].
    #[must_use]
    pub const fn from_ms(ms: u64) -> Option<Self> {
        if ms <= Self::MAX.0 { Some(Self(ms)) } else { None }
    }

    /// Milliseconds since the Unix epoch.
    #[must_use]
    pub const fn as_ms(self) -> u64 {
        self.0
    }

    /// How long before `self` the moment `earlier` was; zero if it was not before.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }
}

impl Add<Duration> for Timestamp {
    type Output = Self;

    fn add(self, by: Duration) -> Self {
        Self(self.0.saturating_add(saturating_ms(by)).min(Self::MAX.0))
    }
}

impl Sub<Duration> for Timestamp {
    type Output = Self;

    fn sub(self, by: Duration) -> Self {
        Self(self.0.saturating_sub(saturating_ms(by)))
    }
}

fn saturating_ms(by: Duration) -> u64 {
    u64::try_from(by.as_millis()).unwrap_or(u64::MAX)
}

/// A moment on a clock that never jumps and goes on while the machine sleeps (`CLOCK_BOOTTIME`).
///
/// Deadlines are of this kind. Its zero means nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Monotonic(Duration);

impl Monotonic {
    /// The moment `since_origin` after this clock's origin.
    #[must_use]
    pub const fn from_origin(since_origin: Duration) -> Self {
        Self(since_origin)
    }

    /// How long before `self` the moment `earlier` was; zero if it was not before.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}

impl Add<Duration> for Monotonic {
    type Output = Self;

    fn add(self, by: Duration) -> Self {
        Self(self.0.saturating_add(by))
    }
}

impl Sub<Duration> for Monotonic {
    type Output = Self;

    fn sub(self, by: Duration) -> Self {
        Self(self.0.saturating_sub(by))
    }
}

/// The same moment on both clocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Now {
    /// For deadlines.
    pub mono: Monotonic,
    /// For what is told to people and written to the wire.
    pub wall: Timestamp,
}

impl Now {
    /// The monotonic moment at which the calendar will read `at`, if nobody sets the clock before.
    /// A moment already past is now.
    #[must_use]
    pub fn when(self, at: Timestamp) -> Monotonic {
        self.mono + at.since(self.wall)
    }

    /// The calendar moment `ago` before now.
    #[must_use]
    pub fn ago(self, ago: Duration) -> Timestamp {
        self.wall - ago
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_beyond_what_json_readers_agree_on_are_no_timestamp() {
        assert!(Timestamp::from_ms((1 << 53) - 1).is_some());
        assert!(Timestamp::from_ms(1 << 53).is_none());
    }

    #[test]
    fn arithmetic_saturates_instead_of_wrapping() {
        assert_eq!(Timestamp::default() - Duration::from_secs(1), Timestamp::default());
        assert_eq!(Timestamp::MAX + Duration::MAX, Timestamp::MAX);
        assert_eq!(Timestamp::default().since(Timestamp::MAX), Duration::ZERO);
    }
}
