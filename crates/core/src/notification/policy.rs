//! The person's notification settings.
//!
//! Owns the rules that need no history. Reads no clock and knows no time zone: the local time is an
//! argument.

use std::str::FromStr;
use std::time::Duration;

use super::{Kind, Suppressed};
use crate::preferences::{About, Interest, Regard};

/// Which notifications are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotificationPolicy {
    /// Whose coming and going causes notifications.
    pub about: About,
    /// Whether to notify when a person comes online.
    pub come: bool,
    /// Whether to notify when a person goes offline.
    pub go: bool,
    /// Whether to notify when a person goes away.
    pub away: bool,
    /// Whether to notify when a person is back.
    pub back: bool,
    /// The quiet hours of every day.
    pub quiet: Option<QuietHours>,
}

impl Default for NotificationPolicy {
    /// Only favourites: in a team of twelve, everybody's coming and going is dozens of
    /// notifications a day.
    fn default() -> Self {
        Self {
            about: About::Favourites,
            come: true,
            go: true,
            away: false,
            back: false,
            quiet: None,
        }
    }
}

impl NotificationPolicy {
    /// A policy without notifications of coming and going.
    #[must_use]
    pub fn silent() -> Self {
        Self { about: About::Nobody, ..Self::default() }
    }

    /// Whether anybody's coming and going causes notifications.
    #[must_use]
    pub(super) fn is_silent(&self) -> bool {
        self.about == About::Nobody
    }

    /// Whether this kind causes notifications at all.
    #[must_use]
    pub(super) const fn tells(&self, kind: Kind) -> bool {
        match kind {
            Kind::Came => self.come,
            Kind::Went => self.go,
            Kind::Away => self.away,
            Kind::Back => self.back,
        }
    }

    /// Whether this change of a person causes a notification.
    ///
    /// # Errors
    /// The [`Suppressed`] reason for silence.
    pub(super) fn allows(&self, regard: Option<&Regard>, kind: Kind) -> Result<(), Suppressed> {
        let interest = regard.map_or(Interest::Usual, |regard| regard.notices);
        match (self.about, interest) {
            (About::Nobody, _) => return Err(Suppressed::SwitchedOff),
            (_, Interest::Never) => return Err(Suppressed::NeverOfThem),
            (_, Interest::Always) | (About::Everyone, Interest::Usual) => {}
            (About::Favourites, Interest::Usual) => {
                if !regard.is_some_and(|regard| regard.favourite) {
                    return Err(Suppressed::NoFavourite);
                }
            }
            (About::Chosen, Interest::Usual) => return Err(Suppressed::NotChosen),
        }
        if self.tells(kind) { Ok(()) } else { Err(Suppressed::KindSwitchedOff) }
    }
}

/// A part of every day, from one time to another; over midnight if the second is earlier.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QuietHours {
    from: TimeOfDay,
    to: TimeOfDay,
}

/// A local time of day: hour and minute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct TimeOfDay {
    minutes: u16,
}

/// Minutes of a day.
const DAY: u16 = 24 * 60;

impl TimeOfDay {
    /// A time from minutes after midnight. A day has 1,440 minutes; larger values wrap around.
    #[must_use]
    pub const fn of_minutes(minutes: u16) -> Self {
        Self { minutes: minutes % DAY }
    }

    /// Minutes after midnight.
    #[must_use]
    pub const fn minutes(self) -> u16 {
        self.minutes
    }

    /// The minutes from here until `to`; a whole day if they are equal.
    #[must_use]
    pub const fn until(self, to: Self) -> Duration {
        let minutes = (to.minutes + DAY - self.minutes - 1) % DAY + 1;
        Duration::from_secs(minutes as u64 * 60)
    }
}

impl QuietHours {
    /// Creates quiet hours; `None` if both times are equal, which could mean a whole day or
    /// nothing.
    #[must_use]
    pub fn new(from: TimeOfDay, to: TimeOfDay) -> Option<Self> {
        (from != to).then_some(Self { from, to })
    }

    /// When they begin.
    #[must_use]
    pub const fn from(&self) -> TimeOfDay {
        self.from
    }

    /// When they end.
    #[must_use]
    pub const fn to(&self) -> TimeOfDay {
        self.to
    }

    /// Whether it is quiet at that time of day. The end itself is not quiet.
    #[must_use]
    pub fn contain(&self, at: TimeOfDay) -> bool {
        if self.from < self.to {
            self.from <= at && at < self.to
        } else {
            self.from <= at || at < self.to
        }
    }
}

/// The text is not a pair of quiet hours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("write quiet hours as 22:00-07:00, from one time of day to another")]
pub struct QuietHoursError;

impl FromStr for QuietHours {
    type Err = QuietHoursError;

    fn from_str(text: &str) -> Result<Self, QuietHoursError> {
        let (from, to) = text.split_once(['-', '–']).ok_or(QuietHoursError)?;
        let time = |text: &str| {
            let (hour, minute) = text.trim().split_once(':')?;
            let number = |text: &str, below: u16| {
                let digits =
                    (1..=2).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
                text.parse::<u16>().ok().filter(|number| digits && *number < below)
            };
            Some(TimeOfDay::of_minutes(number(hour, 24)? * 60 + number(minute, 60)?))
        };
        let (from, to) = (time(from).ok_or(QuietHoursError)?, time(to).ok_or(QuietHoursError)?);
        Self::new(from, to).ok_or(QuietHoursError)
    }
}

impl std::fmt::Display for TimeOfDay {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:02}:{:02}", self.minutes / 60, self.minutes % 60)
    }
}

impl std::fmt::Display for QuietHours {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}-{}", self.from, self.to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(text: &str) -> TimeOfDay {
        format!("{text}-23:59").parse::<QuietHours>().unwrap().from()
    }

    #[test]
    fn whom_notices_are_about_has_a_reason_for_everybody_else() {
        let usual = Regard::default();
        let favourite = Regard { favourite: true, ..Regard::default() };
        let always = Regard { notices: Interest::Always, ..Regard::default() };
        let never = Regard { favourite: true, notices: Interest::Never, ..Regard::default() };
        let reasons = |about| {
            let policy = NotificationPolicy { about, ..NotificationPolicy::default() };
            [&usual, &favourite, &always, &never]
                .map(|it| policy.allows(Some(it), Kind::Came).err())
        };
        let never = Some(Suppressed::NeverOfThem);
        assert_eq!(reasons(About::Everyone), [None, None, None, never]);
        let other = Some(Suppressed::NoFavourite);
        assert_eq!(reasons(About::Favourites), [other, None, None, never]);
        let other = Some(Suppressed::NotChosen);
        assert_eq!(reasons(About::Chosen), [other, other, None, never]);
        assert_eq!(reasons(About::Nobody), [Some(Suppressed::SwitchedOff); 4]);
    }

    #[test]
    fn unless_somebody_says_otherwise_only_favourites_are_told_of() {
        let favourite = Regard { favourite: true, ..Regard::default() };
        let policy = NotificationPolicy::default();
        for (kind, told) in [(Kind::Came, true), (Kind::Went, true), (Kind::Away, false)] {
            assert_eq!(policy.allows(Some(&favourite), kind).is_ok(), told);
            assert_eq!(policy.allows(None, kind), Err(Suppressed::NoFavourite));
        }
    }

    #[test]
    fn each_kind_is_on_or_off() {
        let kinds = [Kind::Came, Kind::Went, Kind::Away, Kind::Back];
        let told = |policy: NotificationPolicy| kinds.map(|kind| policy.allows(None, kind).is_ok());
        let everyone =
            NotificationPolicy { about: About::Everyone, ..NotificationPolicy::default() };
        assert_eq!(told(everyone), [true, true, false, false]);
        let other =
            NotificationPolicy { come: false, go: false, away: true, back: true, ..everyone };
        assert_eq!(told(other), [false, false, true, true]);
        assert_eq!(other.allows(None, Kind::Came), Err(Suppressed::KindSwitchedOff));
    }

    #[test]
    fn quiet_hours_run_over_midnight_and_end_at_their_end() {
        for (hours, quiet, loud) in [
            ("22:00-07:00", ["22:00", "00:00", "06:59"], ["07:00", "12:00", "21:59"]),
            ("12:00-13:30", ["12:00", "12:01", "13:29"], ["11:59", "13:30", "00:00"]),
        ] {
            let hours: QuietHours = hours.parse().unwrap();
            assert!(quiet.iter().all(|at| hours.contain(time(at))), "{hours}");
            assert!(!loud.iter().any(|at| hours.contain(time(at))), "{hours}");
        }
        assert_eq!(time("23:30").until(time("07:00")), Duration::from_secs(7 * 3600 + 1800));
        assert_eq!(time("07:00").until(time("07:00")), Duration::from_secs(24 * 3600));
    }

    #[test]
    fn quiet_hours_are_read_as_they_are_written() {
        for text in ["22:00-07:00", "00:00-23:59"] {
            assert_eq!(text.parse::<QuietHours>().unwrap().to_string(), text);
        }
        assert_eq!("7:05 – 8:00".parse::<QuietHours>().unwrap().to_string(), "07:05-08:00");
        for wrong in [
            "",
            "22:00",
            "22:00-22:00",
            "24:00-01:00",
            "1:60-2:00",
            "+1:00-2:00",
            "22-7",
            "a:b-c:d",
        ] {
            assert_eq!(wrong.parse::<QuietHours>(), Err(QuietHoursError), "{wrong}");
        }
    }
}
