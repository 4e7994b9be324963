//! When to connect, and how far the present connection has come.
//!
//! Owns the retry times and the phases after a CONNACK (`docs/protocol.md`, *Session*). Deliberately
//! knows no records: what is said once the connection stands is decided in [`crate::engine`].

use std::collections::BTreeSet;
use std::time::Duration;

use crate::effect::Version;
use crate::input::{Granted, LinkFailure, PublishId};
use crate::time::{Monotonic, Now, Timestamp};
use crate::view::{LinkView, Problem};

/// Keep Alive. A pulled cable shows after one and a half times this (MQTT 5, 3.1.2.10).
pub(crate) const KEEP_ALIVE: Duration = Duration::from_secs(8);
/// Message Expiry Interval of records and Wills: who was not heard of for so long is forgotten.
pub(crate) const RECORD_EXPIRY: Duration = Duration::from_secs(30 * 24 * 60 * 60);
/// Message Expiry Interval of what the person chose, by which readers know its age. It outlives any holiday.
pub(crate) const CHOICE_EXPIRY: Duration = Duration::from_secs(365 * 24 * 60 * 60);
/// Beyond the Will Delay the broker keeps the session for this long: it must not end before the Will is due.
pub(crate) const SESSION_OUTLIVES: Duration = Duration::from_secs(60);
/// How long a goodbye waits for its PUBACK.
pub(crate) const GOODBYE: Duration = Duration::from_millis(1500);
/// A subscription's retained messages are read when nothing came for this long.
const READ_SILENCE: Duration = Duration::from_millis(50);
/// Before one's own state is published, reading takes no longer than this.
const READ_AT_MOST: Duration = Duration::from_millis(300);
/// Whoever only reads has to be right at the first look: a busy broker may pause for longer than that.
const READER_SILENCE: Duration = Duration::from_millis(250);
/// And can wait longer for a large team.
const READER_AT_MOST: Duration = Duration::from_secs(5);

/// The first tries come quickly: within a lift ride nobody should notice.
const QUICK: Duration = Duration::from_secs(6);
/// Then for so long every few seconds.
const PATIENT: Duration = Duration::from_secs(5 * 60);
/// A broker that said no is asked again after this.
const REFUSED: Duration = Duration::from_secs(5 * 60);

/// How far the connection has come.
#[derive(Debug)]
pub(crate) enum Phase {
    /// Nothing is wanted: not started, asleep or stopped.
    Resting,
    /// The next try starts then.
    Waiting { until: Monotonic, wall: Timestamp, failure: Option<Failure> },
    /// A try is under way; the failure is that of the one before.
    Connecting { failure: Option<Failure> },
    /// CONNACK came: the retained messages are being read.
    Reading { subscribed: Option<Monotonic>, last: Monotonic, complete: bool },
    /// What is to be said is said, and what others say is shown.
    Up,
    /// Waiting for the PUBACKs of the goodbye.
    Leaving { until: Monotonic, awaited: BTreeSet<PublishId>, then: AfterGoodbye },
    /// Said goodbye for good.
    Stopped,
}

/// Why the last try or connection ended, as it is shown until the next one stands.
#[derive(Debug)]
pub(crate) struct Failure {
    problem: Problem,
    /// Somebody has to change something before it is worth asking again.
    is_refusal: bool,
    /// Nobody answered.
    pub(crate) is_silence: bool,
}

/// What follows a goodbye.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AfterGoodbye {
    Stop,
    Sleep,
    /// Connect again as a reader.
    Hide,
}

/// The connection's state.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) phase: Phase,
    /// Since when there is no connection although one is wanted.
    without_since: Option<Monotonic>,
    /// When the link was last up.
    as_of: Option<Timestamp>,
    up_since: Timestamp,
    up_at: Monotonic,
    /// Who only reads waits longer for silence.
    reader: bool,
    /// A connection broke at its SUBSCRIBE: the broker may be one that has no patience with filters that are not for us.
    plain: bool,
    /// Which MQTT is spoken.
    pub(crate) version: Version,
    /// Whether this broker is known to speak MQTT 5.
    pub(crate) speaks_v5: bool,
    /// Whether this broker was connected to by 3.1.1 in this run.
    speaks_v311: bool,
    /// What the CONNACK granted.
    granted: Granted,
}

impl Session {
    pub(crate) fn new(reader: bool, speaks_v5: bool) -> Self {
        Self {
            phase: Phase::Resting,
            without_since: None,
            as_of: None,
            up_since: Timestamp::default(),
            up_at: Monotonic::default(),
            reader,
            plain: false,
            version: Version::V5,
            speaks_v5,
            speaks_v311: false,
            granted: Granted::default(),
        }
    }

    /// Begins a try; says how long it may take.
    pub(crate) fn connecting(&mut self, now: Now) -> Duration {
        let without = now.mono.since(*self.without_since.get_or_insert(now.mono));
        let failure = match std::mem::replace(&mut self.phase, Phase::Resting) {
            Phase::Waiting { failure, .. } | Phase::Connecting { failure } => failure,
            _ => None,
        };
        self.phase = Phase::Connecting { failure };
        if without <= QUICK { Duration::from_secs(2) } else { Duration::from_secs(10) }
    }

    /// Forgets how long there was no connection, so that the next tries come quickly.
    pub(crate) fn start_over(&mut self) {
        self.without_since = None;
    }

    /// CONNACK; says whether it is news that this broker speaks MQTT 5.
    pub(crate) fn connected(&mut self, now: Now, granted: Granted) -> bool {
        self.granted = granted;
        let news = self.version == Version::V5 && !self.speaks_v5;
        match self.version {
            Version::V5 => self.speaks_v5 = true,
            Version::V311 => self.speaks_v311 = true,
        }
        self.phase = Phase::Reading { subscribed: None, last: now.mono, complete: false };
        news
    }

    pub(crate) fn subscribed(&mut self, now: Now) {
        if let Phase::Reading { subscribed, last, .. } = &mut self.phase {
            *subscribed = Some(now.mono);
            *last = now.mono;
        }
    }

    pub(crate) fn received(&mut self, now: Now) {
        if let Phase::Reading { last, .. } = &mut self.phase {
            *last = now.mono;
        }
    }

    /// The broker has said what it says last of all that is retained.
    pub(crate) fn read_to_the_end(&mut self) {
        if let Phase::Reading { complete, .. } = &mut self.phase {
            *complete = true;
        }
    }

    /// Whether a broker may be asked for what says that everything was read.
    pub(crate) fn asks_for_an_end(&self) -> bool {
        self.reader && !self.plain
    }

    pub(crate) fn up(&mut self, now: Now) {
        self.phase = Phase::Up;
        self.without_since = None;
        self.up_since = now.wall;
        self.up_at = now.mono;
    }

    /// Within what time the broker, if it keeps to MQTT's timers, publishes the Will of a connection that died
    /// unseen: one and a half times the Keep Alive (MQTT 5, 3.1.2.10), then the Will Delay, or less where the
    /// session ends before (3.1.3.2.2). `None` where it waits for ever: a Server Keep Alive of 0.
    pub(crate) fn loss_shows_within(&self, grace: Duration) -> Option<Duration> {
        let keep_alive = self.granted.keep_alive.unwrap_or(KEEP_ALIVE);
        let delay = self.granted.session_expiry.map_or(grace, |granted| grace.min(granted));
        (!keep_alive.is_zero()).then(|| keep_alive * 3 / 2 + delay)
    }

    /// Another version of MQTT is worth a try at once: what answered does not speak the one we tried.
    fn takes_other_version(&mut self, failure: &LinkFailure) -> bool {
        let connecting = matches!(self.phase, Phase::Connecting { .. });
        match self.version {
            Version::V5 if connecting && !self.speaks_v5 => {
                let other = matches!(failure, LinkFailure::Protocol { .. });
                if other {
                    self.version = Version::V311;
                }
                other
            }
            Version::V311 if !self.speaks_v311 => {
                self.version = Version::V5;
                false
            }
            Version::V5 | Version::V311 => false,
        }
    }

    /// The connection is gone, or the try came to nothing: when to try again.
    pub(crate) fn failed(&mut self, now: Now, failure: &LinkFailure, rng: &mut fastrand::Rng) {
        let at_once = self.takes_other_version(failure);
        self.plain |= matches!(self.phase, Phase::Reading { subscribed: None, .. });
        if matches!(self.phase, Phase::Up | Phase::Reading { .. }) {
            if matches!(self.phase, Phase::Up) {
                self.as_of = Some(now.wall);
            }
            // A connection that stood begins a new count; its end may be the beginning of a short gap.
            self.without_since = Some(now.mono);
        }
        let without = now.mono.since(*self.without_since.get_or_insert(now.mono));
        let delay = if at_once {
            Duration::ZERO
        } else if failure.is_refusal() {
            REFUSED
        } else {
            // Full jitter, so that a team does not come back as one.
            let ceiling = if without <= QUICK {
                1000
            } else if without <= PATIENT {
                5000
            } else {
                30_000
            };
            Duration::from_millis(rng.u64(100..=ceiling))
        };
        self.phase = Phase::Waiting {
            until: now.mono + delay,
            wall: now.wall + delay,
            failure: Some(Failure {
                problem: failure.problem(),
                is_refusal: failure.is_refusal(),
                is_silence: failure.is_silence(),
            }),
        };
    }

    /// We give the connection up: what is shown is as of now.
    pub(crate) fn abandoned(&mut self, now: Now) {
        self.as_of = Some(now.wall);
        self.without_since = None;
        self.phase = Phase::Resting;
    }

    pub(crate) fn rest(&mut self, now: Now) {
        if matches!(self.phase, Phase::Up | Phase::Leaving { .. }) {
            self.as_of = Some(now.wall);
        }
        self.phase = Phase::Resting;
    }

    /// When the connection came up.
    pub(crate) fn up_at(&self) -> Monotonic {
        self.up_at
    }

    pub(crate) fn is_up(&self) -> bool {
        matches!(self.phase, Phase::Up)
    }

    /// Whether the retained messages are read.
    pub(crate) fn reading_is_over(&self, now: Now) -> bool {
        self.reading_ends().is_some_and(|at| at <= now.mono)
    }

    fn reading_ends(&self) -> Option<Monotonic> {
        match self.phase {
            Phase::Reading { subscribed: Some(subscribed), complete: true, .. } => Some(subscribed),
            Phase::Reading { subscribed: Some(subscribed), last, .. } => {
                let (silence, at_most) = if self.reader {
                    (READER_SILENCE, READER_AT_MOST)
                } else {
                    (READ_SILENCE, READ_AT_MOST)
                };
                Some((last + silence).min(subscribed + at_most))
            }
            _ => None,
        }
    }

    pub(crate) fn next_deadline(&self) -> Option<Monotonic> {
        match self.phase {
            Phase::Waiting { until, .. } | Phase::Leaving { until, .. } => Some(until),
            Phase::Reading { .. } => self.reading_ends(),
            Phase::Resting | Phase::Connecting { .. } | Phase::Up | Phase::Stopped => None,
        }
    }

    /// Why there is no connection, where one is being tried for.
    pub(crate) fn failure(&self) -> Option<&Failure> {
        match &self.phase {
            Phase::Waiting { failure, .. } | Phase::Connecting { failure } => failure.as_ref(),
            _ => None,
        }
    }

    /// The connection as shown.
    pub(crate) fn view(&self) -> LinkView {
        let connecting = |retry_at, failure: &Option<Failure>| LinkView::Connecting {
            as_of: self.as_of,
            retry_at,
            problem: failure.as_ref().map(|failure| failure.problem.clone()),
            host: None,
        };
        match &self.phase {
            Phase::Resting if self.as_of.is_none() => LinkView::Unset,
            Phase::Resting | Phase::Stopped => LinkView::Closed,
            Phase::Waiting { wall, failure: Some(failure), .. } if failure.is_refusal => {
                let problem = failure.problem.clone();
                LinkView::Refused { as_of: self.as_of, retry_at: *wall, problem }
            }
            Phase::Waiting { wall, failure, .. } => connecting(Some(*wall), failure),
            Phase::Connecting { failure } => connecting(None, failure),
            Phase::Reading { .. } => connecting(None, &None),
            Phase::Up | Phase::Leaving { .. } => LinkView::Up { since: self.up_since },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> Now {
        Now {
            mono: Monotonic::from_origin(Duration::from_millis(ms)),
            wall: Timestamp::from_ms(1_763_742_000_000 + ms).unwrap(),
        }
    }

    fn broken() -> LinkFailure {
        LinkFailure::Broken { reason: "reset".to_owned() }
    }

    /// The longest wait of many, when there was no connection for `without_ms`.
    fn longest_wait(without_ms: u64) -> Duration {
        (0..500)
            .map(|seed| {
                let mut session = Session::new(false, false);
                session.connecting(at(0));
                session.failed(at(without_ms), &broken(), &mut fastrand::Rng::with_seed(seed));
                session.next_deadline().unwrap().since(at(without_ms).mono)
            })
            .max()
            .unwrap()
    }

    #[test]
    fn tries_come_quickly_then_patiently_then_rarely() {
        let near = |wait: Duration, ms: u64| {
            assert!(wait <= Duration::from_millis(ms), "{wait:?}");
            assert!(wait > Duration::from_millis(ms * 9 / 10), "{wait:?}");
        };
        near(longest_wait(6_000), 1_000);
        near(longest_wait(6_001), 5_000);
        near(longest_wait(300_000), 5_000);
        near(longest_wait(300_001), 30_000);
    }

    #[test]
    fn the_first_tries_wait_two_seconds_for_an_answer() {
        let mut session = Session::new(false, false);
        assert_eq!(session.connecting(at(0)), Duration::from_secs(2));
        assert_eq!(session.connecting(at(6_000)), Duration::from_secs(2));
        assert_eq!(session.connecting(at(6_001)), Duration::from_secs(10));
        session.start_over();
        assert_eq!(session.connecting(at(60_000)), Duration::from_secs(2));
    }

    #[test]
    fn a_refusal_is_not_hammered() {
        let mut session = Session::new(false, false);
        session.connecting(at(0));
        session.failed(at(10), &LinkFailure::BadCredentials, &mut fastrand::Rng::with_seed(1));
        assert_eq!(session.next_deadline(), Some(at(10).mono + REFUSED));
        assert!(matches!(session.view(), LinkView::Refused { .. }));
    }

    #[test]
    fn reading_ends_with_silence_but_not_before_the_suback() {
        let mut session = Session::new(false, false);
        session.connected(at(0), Granted::default());
        assert_eq!(session.next_deadline(), None);
        session.received(at(10));
        session.subscribed(at(20));
        assert_eq!(session.next_deadline(), Some(at(70).mono));
        session.received(at(60));
        assert!(!session.reading_is_over(at(109)));
        assert!(session.reading_is_over(at(110)));
        for ms in (60..400).step_by(10) {
            session.received(at(ms));
        }
        assert_eq!(session.next_deadline(), Some(at(320).mono));
    }
}
