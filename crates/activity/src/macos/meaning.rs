//! Translates what macOS reports into observations.
//!
//! It calls no system function, so that its tests run everywhere.

use std::time::Duration;

use porchlight_core::observation::Observation;

/// A notification about the person's session.
///
/// `NSWorkspaceWillPowerOffNotification` is missing on purpose: anybody can still cancel the
/// logout, and macOS does not report that. The end of the session ends the app, which then
/// publishes its goodbye.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SystemNotification {
    WillSleep,
    DidWake,
    SessionDidResignActive,
    SessionDidBecomeActive,
    ScreenIsLocked,
    ScreenIsUnlocked,
}

impl SystemNotification {
    pub(crate) fn observation(self) -> Observation {
        match self {
            Self::WillSleep => Observation::Suspending,
            Self::DidWake => Observation::Resumed,
            Self::SessionDidResignActive => Observation::Switched(true),
            Self::SessionDidBecomeActive => Observation::Switched(false),
            Self::ScreenIsLocked => Observation::Locked(true),
            Self::ScreenIsUnlocked => Observation::Locked(false),
        }
    }
}

/// The session as the window server describes it (`CGSessionCopyCurrentDictionary`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Session {
    /// `kCGSSessionOnConsoleKey`
    pub(crate) on_console: Option<bool>,
    /// `CGSSessionScreenIsLocked`, which is present only while the screen is locked. Apple does not
    /// document it, and documents no replacement.
    pub(crate) locked: Option<bool>,
}

impl Session {
    /// The state at the start of the watch.
    pub(crate) fn observations(self) -> impl Iterator<Item = Observation> {
        let switched = self.on_console.map(|on_console| Observation::Switched(!on_console));
        let locked = Observation::Locked(self.locked.unwrap_or(false));
        switched.into_iter().chain([locked])
    }
}

/// The time since the last input; `None` for a number that is not a time.
pub(crate) fn idle(seconds: f64) -> Option<Duration> {
    Duration::try_from_secs_f64(seconds).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_notification_has_its_meaning() {
        let table = [
            (SystemNotification::WillSleep, Observation::Suspending),
            (SystemNotification::DidWake, Observation::Resumed),
            (SystemNotification::SessionDidResignActive, Observation::Switched(true)),
            (SystemNotification::SessionDidBecomeActive, Observation::Switched(false)),
            (SystemNotification::ScreenIsLocked, Observation::Locked(true)),
            (SystemNotification::ScreenIsUnlocked, Observation::Locked(false)),
        ];
        for (notification, meant) in table {
            assert_eq!(notification.observation(), meant, "{notification:?}");
        }
    }

    #[test]
    fn at_the_start_a_screen_that_is_not_reported_as_locked_is_unlocked() {
        let told =
            |on_console, locked| Session { on_console, locked }.observations().collect::<Vec<_>>();
        assert_eq!(told(None, None), [Observation::Locked(false)]);
        assert_eq!(
            told(Some(true), Some(true)),
            [Observation::Switched(false), Observation::Locked(true)]
        );
        assert_eq!(
            told(Some(false), None),
            [Observation::Switched(true), Observation::Locked(false)]
        );
    }

    #[test]
    fn only_a_time_is_an_idle_time() {
        assert_eq!(idle(90.5), Some(Duration::from_millis(90_500)));
        assert_eq!(idle(0.0), Some(Duration::ZERO));
        for nonsense in [-1.0, f64::NAN, f64::INFINITY] {
            assert_eq!(idle(nonsense), None, "{nonsense}");
        }
    }
}
