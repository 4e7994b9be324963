//! Computes the idle time from the 32-bit tick count of the last input.
//!
//! The count wraps to zero every 49.7 days. The plain difference would show a person as active who
//! has been away for longer. This module asks the system for nothing: the caller passes both
//! counts.

use std::time::Duration;

/// How far the last input may be ahead of the present count: Windows stamps input before it
/// delivers it, and not in order (`GetLastInputInfo`, Remarks).
const MAX_AHEAD_MS: u32 = 60_000;

/// The last input, as a 64-bit tick count.
#[derive(Debug, Default)]
pub(crate) struct LastInput {
    seen: Option<Seen>,
}

#[derive(Debug, Clone, Copy)]
struct Seen {
    stamp_ms: u32,
    at_ms: u64,
}

impl LastInput {
    /// The time since the last input. Takes its stamp (`LASTINPUTINFO::dwTime`) and the present
    /// count (`GetTickCount64`); read them in this order.
    pub(crate) fn idle(&mut self, stamp_ms: u32, now_ms: u64) -> Duration {
        let at_ms = match self.seen {
            // No input since then, however long ago that was.
            Some(seen) if seen.stamp_ms == stamp_ms => seen.at_ms,
            _ => latest_moment(stamp_ms, now_ms),
        };
        self.seen = Some(Seen { stamp_ms, at_ms });
        Duration::from_millis(now_ms.saturating_sub(at_ms))
    }
}

/// The latest moment up to now that has this stamp.
fn latest_moment(stamp_ms: u32, now_ms: u64) -> u64 {
    // The cast truncates on purpose: the stamp has 32 bits too.
    let ago_ms = (now_ms as u32).wrapping_sub(stamp_ms);
    if ago_ms > u32::MAX - MAX_AHEAD_MS {
        return now_ms;
    }
    // There was no input before the count began.
    now_ms.saturating_sub(u64::from(ago_ms))
}

#[cfg(test)]
mod tests {
    use super::*;

    const WRAP_MS: u64 = 1 << 32;

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn idle_is_what_passed_since_the_stamp() {
        let mut last = LastInput::default();
        assert_eq!(last.idle(1_000, 61_000), ms(60_000));
        assert_eq!(last.idle(1_000, 63_000), ms(62_000));
        assert_eq!(last.idle(62_500, 63_000), ms(500));
    }

    #[test]
    fn the_stamp_may_be_from_before_the_count_started_again() {
        let mut last = LastInput::default();
        assert_eq!(last.idle(u32::MAX - 999, WRAP_MS + 4_000), ms(5_000));
    }

    #[test]
    fn a_person_who_is_away_for_fifty_days_stays_away() {
        let mut last = LastInput::default();
        assert_eq!(last.idle(5_000, 10_000), ms(5_000));
        assert_eq!(last.idle(5_000, WRAP_MS + 6_000), ms(WRAP_MS + 1_000));
    }

    #[test]
    fn a_stamp_slightly_ahead_is_an_input_just_now() {
        let mut last = LastInput::default();
        assert_eq!(last.idle(10_020, 10_000), Duration::ZERO);
        assert_eq!(last.idle(10_020, 12_020), ms(2_020));
    }
}
