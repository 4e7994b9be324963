//! Computes how old a message is from the rest of its expiry.
//!
//! Owns how a broker treats the Message Expiry Interval (MQTT 5, 3.3.2.3.3): some shorten it
//! silently, and some send it undiminished. An age that cannot be known is not guessed
//! (`docs/protocol.md`, *Time*).

use std::time::Duration;

use crate::rule::Rule;
use crate::time::{Now, Timestamp};

/// Message Expiry Interval of records and Wills: a person without a record for this long is
/// forgotten.
pub const RECORD_EXPIRY: Duration = Duration::from_secs(30 * 24 * 60 * 60);
/// Message Expiry Interval of a person's choice, by which readers know its age. It outlives any
/// holiday.
pub(crate) const CHOICE_EXPIRY: Duration = Duration::from_secs(365 * 24 * 60 * 60);
/// Brokers send the rest of an interval in whole seconds.
const ROUNDING: Duration = Duration::from_secs(2);
/// No broker shortens an interval of days by less than this, so a message younger than this was not
/// shortened.
const NO_CAP: Duration = Duration::from_secs(12 * 60 * 60);
/// A calendar confirms an age if they agree as closely as this.
const CONFIRMS: Duration = Duration::from_secs(5 * 60);
/// If a record's own time is this much older than its rest suggests, the broker may have sent the
/// interval undiminished.
const OLDER: Duration = Duration::from_secs(5 * 60);
/// A connection may have been dead for this long before anybody noticed.
const UNNOTICED: Duration = Duration::from_secs(20);
/// Clocks are wrong by hours, as after a wrong time zone, or so wrong that they are useless. We
/// reject an age if a clock contradicts it by more than this.
const CONTRADICTS: Duration = Duration::from_secs(24 * 60 * 60);

/// How a message came to us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arrival {
    /// Whether it came from the broker's store, at subscription. Otherwise it is live.
    pub retained: bool,
    /// How long ago the broker received it. Known only inside the broker.
    pub(crate) age: Option<Duration>,
    /// The rest of its expiry according to the broker (MQTT 5, 3.3.2.3.3 *Message Expiry
    /// Interval*).
    pub(crate) left: Option<Duration>,
}

impl Arrival {
    /// A live message that arrives now.
    pub const LIVE: Self = Self { retained: false, age: None, left: None };

    /// A message from a broker, with the rest of its expiry.
    #[must_use]
    pub const fn from_broker(retained: bool, left: Option<Duration>) -> Self {
        Self { retained, age: None, left }
    }

    /// A message seen inside the broker, which knows its age.
    #[must_use]
    pub const fn aged(retained: bool, age: Duration) -> Self {
        Self { retained, age: Some(age), left: None }
    }
}

/// The interval with which a message was published.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Interval {
    /// Device records, aggregates and Wills.
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

/// How long ago the broker received a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Age {
    /// The age, if it is known.
    pub(crate) exact: Option<Duration>,
    /// The least possible age.
    pub(crate) at_least: Duration,
    /// The age according to the broker, which may send the expiry undiminished.
    pub(crate) told: Option<Duration>,
}

impl Age {
    const UNKNOWN: Self = Self { exact: None, at_least: Duration::ZERO, told: None };

    const fn exactly(age: Duration) -> Self {
        Self { exact: Some(age), at_least: age, told: Some(age) }
    }
}

/// How a broker treats Message Expiry, as far as is known.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct BrokerExpiry {
    records: Seen,
    choices: Seen,
    /// Whether we saw the broker count down the rest.
    counts_down: bool,
    /// How long we were away: messages that are new since then are younger. `None` before the first
    /// connection ended.
    away: Option<Duration>,
}

/// The rests that we saw of one kind of message.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Seen {
    /// The largest rest.
    largest: Duration,
    /// The largest rest of a live message, which is what the broker grants.
    live: Option<Duration>,
    /// Whether a calendar confirmed that the interval was not shortened.
    confirmed: bool,
}

impl Seen {
    /// The interval that the broker grants, if known.
    fn granted(self, published: Duration) -> Option<Duration> {
        if self.confirmed || published.saturating_sub(self.largest) <= NO_CAP {
            return Some(published);
        }
        self.live.filter(|live| *live + ROUNDING >= self.largest)
    }
}

impl BrokerExpiry {
    /// Whether the broker was seen to count down, so that its ages are right for older records,
    /// too.
    pub(crate) const fn counts_down(&self) -> bool {
        self.counts_down
    }

    /// A connection begins. `away` is the time since the loss of the one before; `None` if there
    /// was none.
    pub(crate) fn connection_began(&mut self, away: Option<Duration>) {
        self.away = away.map(|away| away + UNNOTICED);
    }

    /// Learns from a message. Returns whether that changes the ages of earlier messages.
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

    /// The age of a message that was `written` at that time by its writer's calendar.
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

/// A record's age by its writer's calendar, if possible: the broker drops a record older than its
/// expiry.
fn claimed(now: Now, published: Duration, written: Option<Timestamp>) -> Option<Duration> {
    let written = now.believes(written?)?;
    Some(now.wall.since(written)).filter(|age| *age <= published)
}

fn apart(one: Duration, other: Duration) -> Duration {
    one.abs_diff(other)
}
