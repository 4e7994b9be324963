//! How old a message is, from what the broker says is left of its expiry.
//!
//! Owns what is known of how a broker treats the Message Expiry Interval (MQTT 5, 3.3.2.3.3): some shorten it without
//! telling anybody, and some hand it out undiminished. What cannot be known is not guessed (`docs/protocol.md`, *Time*).

use std::time::Duration;

use crate::rule::Rule;
use crate::time::{Now, Timestamp};

/// Message Expiry Interval of records and Wills: who was not heard of for so long is forgotten.
pub const RECORD_EXPIRY: Duration = Duration::from_secs(30 * 24 * 60 * 60);
/// Message Expiry Interval of what the person chose, by which readers know its age. It outlives any holiday.
pub(crate) const CHOICE_EXPIRY: Duration = Duration::from_secs(365 * 24 * 60 * 60);
/// What is left is told in whole seconds.
const ROUNDING: Duration = Duration::from_secs(2);
/// No broker shortens an interval of days by less than this, so what is that young was not shortened.
const NO_CAP: Duration = Duration::from_secs(12 * 60 * 60);
/// Calendars that agree with an age as closely as this confirm it.
const CONFIRMS: Duration = Duration::from_secs(5 * 60);
/// A record whose own time is this much older than what is left says may have been handed out undiminished.
const OLDER: Duration = Duration::from_secs(5 * 60);
/// A link may have been dead for so long before that was noticed.
const UNNOTICED: Duration = Duration::from_secs(20);
/// Clocks are wrong by hours, as after a wrong time zone, or by so much that they tell nothing. An age that a clock
/// contradicts by more than this is not believed.
const CONTRADICTS: Duration = Duration::from_secs(24 * 60 * 60);

/// How a message came to us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arrival {
    /// It came from the broker's store, at subscription. Otherwise it is live.
    pub retained: bool,
    /// How long ago the broker took it. Known only inside the broker.
    pub(crate) age: Option<Duration>,
    /// What is left of its expiry, as the broker says (MQTT 5, 3.3.2.3.3 *Message Expiry Interval*).
    pub(crate) left: Option<Duration>,
}

impl Arrival {
    /// A live message, just now.
    pub const LIVE: Self = Self { retained: false, age: None, left: None };

    /// A message from a broker, with what is left of its expiry.
    #[must_use]
    pub const fn from_broker(retained: bool, left: Option<Duration>) -> Self {
        Self { retained, age: None, left }
    }

    /// A message seen inside the broker, which knows how long ago it took the message.
    #[must_use]
    pub const fn aged(retained: bool, age: Duration) -> Self {
        Self { retained, age: Some(age), left: None }
    }
}

/// Which interval a message was published with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Interval {
    /// Device records, sums and Wills.
    Record,
    /// What a person chose.
    Choice,
}

impl Interval {
    const fn length(self) -> Duration {
        match self {
            Self::Record => RECORD_EXPIRY,
            Self::Choice => CHOICE_EXPIRY,
        }
    }
}

/// How long ago the broker took a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Age {
    /// That long ago, where it is known.
    pub(crate) exact: Option<Duration>,
    /// Not less than that.
    pub(crate) at_least: Duration,
    /// As the broker says, which may hand out the expiry undiminished.
    pub(crate) told: Option<Duration>,
}

impl Age {
    const UNKNOWN: Self = Self { exact: None, at_least: Duration::ZERO, told: None };

    const fn exactly(age: Duration) -> Self {
        Self { exact: Some(age), at_least: age, told: Some(age) }
    }
}

/// What is known of how a broker treats Message Expiry.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct BrokerExpiry {
    records: Seen,
    choices: Seen,
    /// What is left was seen to become less.
    counts_down: bool,
    /// All that the broker had before that long was read; what is new is younger. `None` before the first time.
    away: Option<Duration>,
}

/// What was left of one kind of message.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Seen {
    /// The most.
    largest: Duration,
    /// The most of a live one, which is what the broker grants.
    live: Option<Duration>,
    /// A calendar confirmed that the interval was not shortened.
    confirmed: bool,
}

impl Seen {
    /// The interval that the broker grants, where that is known.
    fn granted(self, published: Duration) -> Option<Duration> {
        if self.confirmed || published.saturating_sub(self.largest) <= NO_CAP {
            return Some(published);
        }
        self.live.filter(|live| *live + ROUNDING >= self.largest)
    }
}

impl BrokerExpiry {
    /// Whether an age that is told is that of a record which was held before, too: the broker was seen to count down.
    pub(crate) const fn counts_down(&self) -> bool {
        self.counts_down
    }

    /// A connection begins, so long after the one before was lost; `None` if there was none.
    pub(crate) fn connection_began(&mut self, away: Option<Duration>) {
        self.away = away.map(|away| away + UNNOTICED);
    }

    /// Takes note of what came. Says whether that changes what earlier messages tell.
    pub(crate) fn note(
        &mut self,
        now: Now,
        interval: Interval,
        arrival: Arrival,
        written: Option<Timestamp>,
    ) -> bool {
        let published = interval.length();
        let fits = |left: &Duration| *left <= published + ROUNDING;
        let Some(left) = arrival.left.filter(fits) else {
            return false;
        };
        let mut seen = *self.seen(interval);
        let before = (seen.granted(published), self.counts_down);
        let largest = seen.largest;
        seen.largest = largest.max(left);
        if arrival.retained {
            let age = published.saturating_sub(left);
            let told = claimed(now, published, written);
            seen.confirmed |= told.is_some_and(|told| apart(told, age) <= CONFIRMS);
        } else {
            seen.live = seen.live.max(Some(left));
        }
        let granted = seen.granted(published);
        self.counts_down |=
            arrival.retained && granted.is_some_and(|granted| left + ROUNDING < granted);
        match interval {
            Interval::Record => self.records = seen,
            Interval::Choice => self.choices = seen,
        }
        before != (granted, self.counts_down) || (granted.is_none() && seen.largest != largest)
    }

    /// How old a message is that was `written` then by its writer's calendar.
    pub(crate) fn age(
        &self,
        now: Now,
        interval: Interval,
        arrival: Arrival,
        written: Option<Timestamp>,
        without: Option<Rule>,
    ) -> Age {
        let published = interval.length();
        if let Some(age) = arrival.age {
            return Age::exactly(age);
        }
        if without == Some(Rule::AgeCheck) {
            let age = |left| Age::exactly(published.saturating_sub(left));
            return arrival.left.map_or(Age::UNKNOWN, age);
        }
        if !arrival.retained {
            return Age::exactly(Duration::ZERO);
        }
        let Some(left) = arrival.left.filter(|left| *left <= published + ROUNDING) else {
            return Age::UNKNOWN;
        };
        let told = claimed(now, published, written);
        let seen = self.seen(interval);
        let Some(granted) = seen.granted(published) else {
            return Age { at_least: seen.largest.saturating_sub(left), ..Age::UNKNOWN };
        };
        let age = granted.saturating_sub(left);
        let may_be_old = self.away.is_none_or(|away| away > OLDER);
        let undiminished = !self.counts_down
            && may_be_old
            && age < ROUNDING
            && told.is_some_and(|told| told > OLDER);
        let contradicted = told.is_some_and(|told| apart(told, age) > CONTRADICTS);
        if left > granted + ROUNDING || contradicted {
            Age::UNKNOWN
        } else if undiminished {
            Age { told: Some(age), ..Age::UNKNOWN }
        } else {
            Age::exactly(age)
        }
    }

    const fn seen(&self, interval: Interval) -> &Seen {
        match interval {
            Interval::Record => &self.records,
            Interval::Choice => &self.choices,
        }
    }
}

/// How old a record is by its writer's calendar, if that can be so: older than its expiry it would be gone.
fn claimed(now: Now, published: Duration, written: Option<Timestamp>) -> Option<Duration> {
    let written = now.believes(written?)?;
    Some(now.wall.since(written)).filter(|age| *age <= published)
}

fn apart(one: Duration, other: Duration) -> Duration {
    one.abs_diff(other)
}
