//! The words of presence: what a device observes and what a person chooses.
//!
//! Owns the enums behind `status` and `cause` of `docs/protocol.md`, *Records*. Contains no JSON
//! ([`crate::wire`]) and aggregates nothing ([`crate::roster`]).

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::time::{CLOCKS_DIFFER, ClockChange, Monotonic, Now, Timestamp, span};

/// What a device observes of itself and of its user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Observed {
    /// Connected, and the person is active.
    Active,
    /// Connected, but no source reports activity.
    Unknown,
    /// Connected, but the person is away. The cause is `None` if the record has none that we know.
    Away(Option<AwayCause>),
    /// Not connected.
    Offline(Option<OfflineCause>),
}

/// Why a person is away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AwayCause {
    /// No input for longer than the threshold.
    Idle,
    /// The screen is locked.
    Locked,
    /// Another session has the seat.
    Switched,
}

/// Why a device is offline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OfflineCause {
    /// It quit.
    Left,
    /// It was suspended.
    Asleep,
    /// Its connection broke, and the broker published its Will.
    Lost,
}

/// Why a status is what it is: the causes of `docs/protocol.md`, *Records*, and `chosen` for a
/// status that the person chose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(test, derive(ts_rs::TS))]
pub enum Cause {
    /// Online, but no source reports activity.
    Unknown,
    /// Away: no input for longer than the person's threshold.
    Idle,
    /// Away: the screen is locked.
    Locked,
    /// Away: another session has the seat.
    Switched,
    /// Offline: the app quit.
    Left,
    /// Offline: the device announced its suspend.
    Asleep,
    /// Offline: the connection broke, and the broker published the Will.
    Lost,
    /// The person chose this status.
    Chosen,
}

impl Observed {
    /// The status word on the wire and on the screen.
    #[must_use]
    pub const fn status(self) -> &'static str {
        match self {
            Self::Active | Self::Unknown => "online",
            Self::Away(_) => "away",
            Self::Offline(_) => "offline",
        }
    }

    /// The cause, if there is one.
    #[must_use]
    pub const fn cause(self) -> Option<Cause> {
        match self {
            Self::Unknown => Some(Cause::Unknown),
            Self::Away(Some(AwayCause::Idle)) => Some(Cause::Idle),
            Self::Away(Some(AwayCause::Locked)) => Some(Cause::Locked),
            Self::Away(Some(AwayCause::Switched)) => Some(Cause::Switched),
            Self::Offline(Some(OfflineCause::Left)) => Some(Cause::Left),
            Self::Offline(Some(OfflineCause::Asleep)) => Some(Cause::Asleep),
            Self::Offline(Some(OfflineCause::Lost)) => Some(Cause::Lost),
            Self::Active | Self::Away(None) | Self::Offline(None) => None,
        }
    }

    /// Whether the device is connected.
    #[must_use]
    pub const fn is_here(self) -> bool {
        !matches!(self, Self::Offline(_))
    }
}

/// A status that a person can choose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(test, derive(ts_rs::TS))]
pub enum ChosenStatus {
    /// Here, whatever the activity.
    Online,
    /// Away, whatever the activity.
    Away,
    /// Here, but do not disturb.
    Dnd,
    /// Offline to others.
    Invisible,
}

/// A person's choice and its number. The highest number counts.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Chosen {
    /// One above the highest number that was known when it was made.
    pub rev: u64,
    /// The choice; `None` if the person cleared an earlier one.
    pub choice: Option<Choice>,
}

/// The status that a person chose, with text, emoji and end.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Choice {
    /// The status.
    pub status: ChosenStatus,
    /// A text shown with it.
    pub text: Option<String>,
    /// An emoji shown with it.
    pub emoji: Option<String>,
    /// When it ends by itself.
    pub until: Option<Timestamp>,
    /// When it was chosen, by the chooser's clock.
    pub at: Option<Timestamp>,
}

impl Choice {
    /// When the choice ends. The writer's calendar read `written` when the broker received the
    /// record, `age` ago. Without both, our own calendar decides. If the writer's calendar cannot
    /// be right, the choice keeps its duration from now on.
    pub(crate) fn ends(
        &self,
        now: Now,
        written: Option<Timestamp>,
        age: Option<Duration>,
    ) -> Option<Monotonic> {
        let until = self.until?;
        let unset = now.wall.meant().is_none();
        let ours = || match until.meant() {
            Some(until) => now.when(until),
            None if unset => now.when(until),
            None => now.mono,
        };
        Some(match (written, age) {
            (Some(written), Some(age)) => {
                span(written, until).map_or_else(ours, |lasts| now.mono + lasts - age)
            }
            _ => match written.or(self.at).filter(|clock| now.believes(*clock).is_none()) {
                Some(clock) => span(clock, until).map_or_else(ours, |lasts| now.mono + lasts),
                None => ours(),
            },
        })
    }

    /// The choice with its times on our calendar; see [`Choice::ends`].
    pub(crate) fn placed(
        &self,
        now: Now,
        written: Option<Timestamp>,
        age: Option<Duration>,
        ends: Option<Monotonic>,
    ) -> Self {
        let at = self.at.and_then(|at| now.place(at, written, age));
        Self { at, ..self.as_of(now, ends) }
    }

    /// The choice after our clock was set.
    pub(crate) fn redated(&self, now: Now, change: ClockChange, ends: Option<Monotonic>) -> Self {
        Self { at: self.at.map(|at| change.shift(at)), ..self.as_of(now, ends) }
    }

    /// The choice with its end on our calendar. An ended choice keeps an end in the past, however
    /// the calendar was set.
    pub(crate) fn as_of(&self, now: Now, ends: Option<Monotonic>) -> Self {
        let until = self.until.zip(ends).map(|(until, ends)| {
            if ends <= now.mono {
                return until.min(now.wall);
            }
            let ours = now.wall + ends.since(now.mono);
            let apart = until.since(ours).max(ours.since(until));
            if apart < CLOCKS_DIFFER { until } else { ours }
        });
        Self { until: until.or(self.until), ..self.clone() }
    }
}

impl ChosenStatus {
    /// The status word on the wire and on the screen.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Online => "online",
            Self::Away => "away",
            Self::Dnd => "dnd",
            Self::Invisible => "invisible",
        }
    }

    /// The status of a word, if a person can choose it.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        match word {
            "online" => Some(Self::Online),
            "away" => Some(Self::Away),
            "dnd" => Some(Self::Dnd),
            "invisible" => Some(Self::Invisible),
            _ => None,
        }
    }
}

/// The part of the list that shows a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Group {
    /// Here: online, do not disturb, or a custom word.
    Here,
    /// Connected, but away.
    Away,
    /// Not connected.
    Offline,
}

impl Group {
    /// The group of a status word. Only a person who is not offline publishes a custom word.
    #[must_use]
    pub fn of_status(status: &str) -> Self {
        match status {
            "away" => Self::Away,
            "offline" => Self::Offline,
            _ => Self::Here,
        }
    }
}

/// Why a shown status may be out of date.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(test, derive(ts_rs::TS))]
pub enum Doubt {
    /// The device's connection broke a moment ago; it has a few seconds to come back.
    Reconnecting,
    /// Our own connection is new, so a missing device may still come back.
    Settling,
    /// Our own connection is down.
    LinkDown,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(mono_ms: u64, wall_ms: u64) -> Now {
        Now {
            mono: Monotonic::from_origin(Duration::from_millis(mono_ms)),
            wall: Timestamp::from_ms(wall_ms).unwrap(),
        }
    }

    #[test]
    fn what_has_ended_does_not_begin_anew_where_the_calendar_is_set_back() {
        let until = Timestamp::from_ms(100_500);
        let (status, text, emoji) = (ChosenStatus::Invisible, None, None);
        let choice = Choice { status, text, emoji, until, at: None };
        let ends = choice.ends(at(1_000, 100_000), None, None);
        assert_eq!(ends, Some(at(1_500, 0).mono));
        let later = at(2_000, 41_000);
        assert_eq!(choice.as_of(later, ends).until, Some(later.wall));
        // While the choice counts, its end does not change.
        let before = at(1_400, 40_400);
        assert_eq!(choice.as_of(before, ends).until, Timestamp::from_ms(40_500));
    }
}
