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

    /// 2025-01-01. Nobody spoke this protocol before, so a clock that reads less was never set.
    pub const FLOOR: Self = Self(1_735_689_600_000);

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

    /// The moment that a writer means. Seconds where milliseconds belong are taken for seconds; `None` for a moment
    /// before [`Timestamp::FLOOR`], which only an unset clock tells.
    #[must_use]
    pub const fn meant(self) -> Option<Self> {
        /// 2100-01-01: as milliseconds it is a day in February 1970.
        const SECONDS_END: u64 = 4_102_444_800;
        if self.0 >= Self::FLOOR.0 {
            return Some(self);
        }
        let seconds = self.0 * 1000 >= Self::FLOOR.0 && self.0 < SECONDS_END;
        if seconds { Some(Self(self.0 * 1000)) } else { None }
    }

    /// The moment itself, unless it is before [`Timestamp::FLOOR`].
    #[must_use]
    pub fn believable(self) -> Option<Self> {
        (self >= Self::FLOOR).then_some(self)
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

    /// The same two clocks as they read at an earlier moment, by the calendar as it is set now.
    pub(crate) fn back_at(self, mono: Monotonic) -> Self {
        Self { mono, wall: self.ago(self.mono.since(mono)) }
    }

    /// A moment that another calendar tells, if it can be so: neither from before the protocol nor in the future.
    pub(crate) fn believes(self, at: Timestamp) -> Option<Timestamp> {
        at.meant().filter(|at| *at <= self.wall + CLOCKS_DIFFER)
    }

    /// Where a moment lies on our calendar that somebody's record tells: `at`, in a record that was `written` then by
    /// the same calendar, and that the broker took `age` ago. `None` where nobody can know; never in the future, and
    /// never before [`Timestamp::FLOOR`].
    pub(crate) fn place(
        self,
        at: Timestamp,
        written: Option<Timestamp>,
        age: Option<Duration>,
    ) -> Option<Timestamp> {
        let as_told = || at.meant().map(|at| at.min(self.wall));
        let placed = match (age, written) {
            (Some(age), Some(written)) => {
                let taken = self.ago(age);
                let same = |written: Timestamp| {
                    written.since(taken).max(taken.since(written)) < CLOCKS_DIFFER
                };
                if written.meant().is_some_and(same) {
                    as_told()
                } else {
                    span(at, written).map(|before| taken - before)
                }
            }
            (Some(age), None) => at.meant().map(|at| at.min(self.ago(age))),
            (None, _) => {
                let clock = written.unwrap_or(at);
                match clock.meant() {
                    // A clock that was never set tells nothing of when that was.
                    None => None,
                    // One that is ahead tells how long before, and that it was written by now.
                    Some(_) if self.believes(clock).is_none() => {
                        span(at, clock).map(|before| self.wall - before)
                    }
                    Some(_) => as_told(),
                }
            }
        };
        placed.and_then(Timestamp::believable)
    }
}

/// Calendars that differ by less are taken for the same: what they tell is left as it is.
pub(crate) const CLOCKS_DIFFER: Duration = Duration::from_secs(5);

/// How long after `earlier` the moment `later` was by the calendar that tells both; `None` where it was set for the
/// first time between the two.
pub(crate) fn span(earlier: Timestamp, later: Timestamp) -> Option<Duration> {
    match (earlier.meant(), later.meant()) {
        (Some(earlier), Some(later)) => Some(later.since(earlier)),
        (None, None) => Some(later.since(earlier)),
        _ => None,
    }
}

/// By how much somebody set the clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ClockChange {
    /// It reads more than before.
    Ahead(Duration),
    /// It reads less.
    Back(Duration),
}

impl ClockChange {
    /// What the clock would have read then, had it been set before.
    pub(crate) fn shift(self, at: Timestamp) -> Timestamp {
        match self {
            Self::Ahead(by) => at + by,
            Self::Back(by) => at - by,
        }
    }
}

/// Notices that somebody set the clock: the calendar and the other clock no longer went on together.
#[derive(Debug, Default)]
pub(crate) struct ClockWatch(Option<Now>);

impl ClockWatch {
    /// By how much the clock was set since this was last asked, where that is more than clocks differ anyway.
    pub(crate) fn change(&mut self, now: Now) -> Option<ClockChange> {
        let before = self.0.replace(now)?;
        let expected = before.wall + now.mono.since(before.mono);
        let (ahead, back) = (now.wall.since(expected), expected.since(now.wall));
        if ahead >= CLOCKS_DIFFER {
            Some(ClockChange::Ahead(ahead))
        } else {
            (back >= CLOCKS_DIFFER).then_some(ClockChange::Back(back))
        }
    }
}

/// A machine that misses a deadline by more than this slept: one that is only busy is not that late.
pub(crate) const ASLEEP: Duration = Duration::from_secs(12);

/// Since when this machine slept, if it missed a deadline by more than 12 s. That is the deadline itself, since nobody
/// knows more.
#[must_use]
pub fn slept_since(deadline: Option<Monotonic>, now: Now) -> Option<Monotonic> {
    deadline.filter(|at| now.mono.since(*at) > ASLEEP)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn integers_beyond_what_json_readers_agree_on_are_no_timestamp() {
        assert!(Timestamp::from_ms((1 << 53) - 1).is_some());
        assert!(Timestamp::from_ms(1 << 53).is_none());
    }

    #[test]
    fn a_writer_means_seconds_where_milliseconds_would_be_1970() {
        let ms = |ms| Timestamp::from_ms(ms).unwrap();
        for (told, meant) in [
            (1_763_742_000_000, Some(1_763_742_000_000)),
            (1_763_742_000, Some(1_763_742_000_000)),
            (1_735_689_600_000, Some(1_735_689_600_000)),
            (1_735_689_599_999, None),
            (1_735_689_599, None),
            (0, None),
            (946_684_800_000, None),
            (946_684_800, None),
            (4_102_444_800, None),
        ] {
            assert_eq!(ms(told).meant(), meant.map(ms), "{told}");
        }
    }

    #[test]
    fn a_clock_that_is_set_is_noticed_and_one_that_drifts_is_not() {
        let at = |mono: u64, wall: u64| Now {
            mono: Monotonic::from_origin(Duration::from_millis(mono)),
            wall: Timestamp(wall),
        };
        let mut watch = ClockWatch::default();
        assert_eq!(watch.change(at(0, 50_000)), None);
        assert_eq!(watch.change(at(10_000, 64_999)), None);
        assert_eq!(watch.change(at(20_000, 79_998)), None);
        let ahead = ClockChange::Ahead(Duration::from_secs(5));
        assert_eq!(watch.change(at(20_000, 84_998)), Some(ahead));
        let back = watch.change(at(21_000, 998));
        assert_eq!(back, Some(ClockChange::Back(Duration::from_secs(85))));
        assert_eq!(watch.change(at(21_000, 998)), None);
        assert_eq!(ahead.shift(Timestamp(1)), Timestamp(5_001));
    }

    proptest! {
        #[test]
        fn no_times_and_ages_ever_place_a_moment_in_the_future_or_before_the_floor(
            wall in 0..3_000_000_000_000_u64,
            at in a_time(),
            written in proptest::option::of(a_time()),
            age in proptest::option::of(0..40_000_000_u64),
        ) {
            let wall = Timestamp(wall);
            let now = Now { mono: Monotonic::from_origin(Duration::from_secs(1)), wall };
            if let Some(at) = now.place(at, written, age.map(Duration::from_secs)) {
                prop_assert!(at >= Timestamp::FLOOR && at <= wall, "{at:?}");
            }
        }
    }

    fn a_time() -> impl Strategy<Value = Timestamp> {
        prop_oneof![
            0..10_000_000_u64,
            1_700_000_000..1_800_000_000_u64,
            1_600_000_000_000..1_900_000_000_000_u64,
            0..=Timestamp::MAX.0,
        ]
        .prop_map(Timestamp)
    }

    #[test]
    fn arithmetic_saturates_instead_of_wrapping() {
        assert_eq!(Timestamp::default() - Duration::from_secs(1), Timestamp::default());
        assert_eq!(Timestamp::MAX + Duration::MAX, Timestamp::MAX);
        assert_eq!(Timestamp::default().since(Timestamp::MAX), Duration::ZERO);
    }
}
