//! When notifications are silent: quiet hours, and pauses.
//!
//! Owns the end of a pause and the local time zone. [`crate::signal`] holds knocks until the end.
//! Coming and going is not notified later, because by then it is no news.

use std::time::Duration;

use super::policy::TimeOfDay;
use super::{NotificationPolicy, Suppressed};
use crate::time::{Monotonic, Now, Timestamp};

/// Quiet hours, pauses and the local time zone.
#[derive(Debug, Default)]
pub(crate) struct NotificationPause {
    until: Option<(Monotonic, Timestamp)>,
    /// The local offset from UTC in seconds; east is positive.
    offset_s: i32,
}

impl NotificationPause {
    /// Pauses notifications for a time; `None` ends the pause.
    pub(crate) fn pause(&mut self, now: Now, lasting: Option<Duration>) {
        self.until = lasting.map(|lasting| (now.mono + lasting, now.wall + lasting));
    }

    /// When the pause ends, if there is one.
    pub(crate) fn paused_until(&self) -> Option<Timestamp> {
        self.until.map(|(_, until)| until)
    }

    /// Sets the local offset from UTC.
    pub(crate) fn zone_is(&mut self, offset_s: i32) {
        self.offset_s = offset_s;
    }

    /// Ends a pause that is over; returns whether there was one.
    pub(crate) fn expire(&mut self, now: Now) -> bool {
        let over = self.until.is_some_and(|(until, _)| until <= now.mono);
        if over {
            self.until = None;
        }
        over
    }

    /// Why notifications are silent now.
    pub(crate) fn reason(&self, now: Now, policy: &NotificationPolicy) -> Option<Suppressed> {
        if self.until.is_some_and(|(until, _)| until > now.mono) {
            return Some(Suppressed::Paused);
        }
        let quiet = policy.quiet?;
        quiet.contain(self.time_of_day(now)).then_some(Suppressed::QuietHours)
    }

    /// When the present silence ends or changes.
    pub(crate) fn next_deadline(&self, now: Now, policy: &NotificationPolicy) -> Option<Monotonic> {
        let paused = self.until.map(|(until, _)| until);
        let Some(quiet) = policy.quiet else {
            return paused;
        };
        let here = self.time_of_day(now);
        let quiet = quiet.contain(here).then(|| {
            // Quiet hours end on the minute, and the present minute began some time ago.
            let begun = Duration::from_millis(now.wall.as_ms() % 60_000);
            now.mono + here.until(quiet.to()) - begun
        });
        paused.into_iter().chain(quiet).min()
    }

    fn time_of_day(&self, now: Now) -> TimeOfDay {
        let seconds =
            i64::try_from(now.wall.as_ms() / 1000).unwrap_or(0) + i64::from(self.offset_s);
        let minutes = seconds.div_euclid(60).rem_euclid(24 * 60);
        TimeOfDay::of_minutes(u16::try_from(minutes).unwrap_or(0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A time on a day in 1970, in minutes after midnight UTC.
    fn at(minutes: u64) -> Now {
        Now {
            mono: Monotonic::from_origin(Duration::from_secs(minutes * 60)),
            wall: Timestamp::from_ms(10 * 86_400_000 + minutes * 60_000).unwrap(),
        }
    }

    #[test]
    fn a_pause_ends_by_itself_or_when_told() {
        let (policy, mut silence) = (NotificationPolicy::default(), NotificationPause::default());
        silence.pause(at(0), Some(Duration::from_secs(3600)));
        assert_eq!(silence.reason(at(59), &policy), Some(Suppressed::Paused));
        assert_eq!(silence.next_deadline(at(59), &policy), Some(at(60).mono));
        assert!(!silence.expire(at(59)) && silence.expire(at(60)));
        assert_eq!((silence.reason(at(60), &policy), silence.paused_until()), (None, None));
        silence.pause(at(61), Some(Duration::from_secs(3600)));
        silence.pause(at(62), None);
        assert_eq!(silence.reason(at(62), &policy), None);
    }

    #[test]
    fn quiet_hours_are_by_the_clock_here() {
        let quiet = "22:00-07:00".parse().ok();
        let (policy, mut silence) = (
            NotificationPolicy { quiet, ..NotificationPolicy::default() },
            NotificationPause::default(),
        );
        assert_eq!(silence.reason(at(21 * 60), &policy), None);
        assert_eq!(silence.next_deadline(at(21 * 60), &policy), None);
        silence.zone_is(2 * 3600);
        assert_eq!(silence.reason(at(21 * 60), &policy), Some(Suppressed::QuietHours));
        // It is 23:00 local time: eight hours remain.
        assert_eq!(silence.next_deadline(at(21 * 60), &policy), Some(at(29 * 60).mono));
        assert_eq!(silence.reason(at(29 * 60), &policy), None);
        silence.zone_is(-3600 * 2);
        assert_eq!(
            silence.reason(at(60), &policy),
            Some(Suppressed::QuietHours),
            "23:00 the day before"
        );
    }
}
