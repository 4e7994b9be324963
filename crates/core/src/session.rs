//! When to connect, and how far the present connection has come.
//!
//! Owns the retry times and the phases after a CONNACK (`docs/protocol.md`, *Session*). Deliberately knows no records:
//! [`crate::engine`] decides what is published, and what the phases are for ([`Target`]).

use std::collections::BTreeSet;
use std::time::Duration;

use crate::connection::{ConnectionFailure, ConnectionId, Granted, PublishId};
use crate::effect::{Connect, Version, Will};
use crate::time::{ASLEEP, ClockChange, Monotonic, Now, Timestamp};
use crate::view::{ConnectionView, Problem};

/// Keep Alive. A pulled cable shows after one and a half times this (MQTT 5, 3.1.2.10).
pub(crate) const KEEP_ALIVE: Duration = Duration::from_secs(8);
/// After a sleep of this length the broker has closed the connection.
const _: () = assert!(ASLEEP.as_secs() == KEEP_ALIVE.as_secs() * 3 / 2);
/// The broker keeps the session for this long beyond the Will Delay, because a Will is due when its session ends.
pub(crate) const SESSION_OUTLIVES: Duration = Duration::from_secs(60);
/// How long a goodbye waits for its PUBACK.
pub const GOODBYE: Duration = Duration::from_millis(1500);
/// The retained messages of a subscription count as read if nothing arrives for this long.
const READ_SILENCE: Duration = Duration::from_millis(50);
/// The longest reading before a device publishes its own state.
const READ_AT_MOST: Duration = Duration::from_millis(300);
/// A device that only reads must be right at the first look, and a busy broker may pause for longer than [`READ_AT_MOST`].
const READER_SILENCE: Duration = Duration::from_millis(250);
/// It can also wait longer for a large team.
const READER_AT_MOST: Duration = Duration::from_secs(5);

/// The pauses between the first tries. They are short, so that nobody sees a ride in a lift.
const QUICK: Duration = Duration::from_secs(6);
/// For this long the pauses are a few seconds; after that they grow.
const PATIENT: Duration = Duration::from_secs(5 * 60);
/// The pause after a refusal.
const REFUSED: Duration = Duration::from_secs(5 * 60);

/// A connection counts as good once it is up for this long. If it ends before, the next tries are not quick, because the
/// broker may be one that accepts each connection and ends it at once.
const STABLE_AFTER: Duration = Duration::from_secs(10);
/// How long the transport may take during the quick tries, and later. After a gap a lost SYN is better sent again.
const DIAL_QUICKLY: Duration = Duration::from_secs(2);
const DIAL: Duration = Duration::from_secs(10);
/// How long to wait for the CONNACK after the transport is there. A new connection would not be faster.
const CONNACK_QUICKLY: Duration = Duration::from_secs(6);
const CONNACK: Duration = Duration::from_secs(10);
/// How long a person may take to unlock the keyring in which the password is.
const SIGN_IN: Duration = Duration::from_secs(120);
/// If no packet arrives for this long after a SUBSCRIBE, it is never answered. A command waits less than a device.
const SUBACK: Duration = Duration::from_secs(10);
const READER_SUBACK: Duration = Duration::from_secs(5);

/// What the session waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SessionDeadline {
    /// The pause before the next try ends.
    Retry,
    /// The broker has to have accepted the connection.
    Connack,
    /// The broker has to have answered SUBSCRIBE.
    Suback,
    /// The retained messages count as read.
    RetainedRead,
    /// The connection counts as good.
    Stable,
    /// The goodbye waits no longer for its PUBACKs.
    Goodbye,
}

/// How far the connection has come.
#[derive(Debug)]
pub(crate) enum Phase {
    /// No connection is wanted: not started, asleep or stopped.
    Resting,
    /// Waits until the next try.
    Waiting { until: Monotonic, wall: Timestamp, failure: Option<Failure> },
    /// A try is under way; the failure is that of the one before.
    Connecting { until: Monotonic, failure: Option<Failure> },
    /// CONNACK came: the retained messages are being read. The failure is still that of the try before.
    Reading {
        subscribed: Option<Monotonic>,
        last: Monotonic,
        complete: bool,
        failure: Option<Failure>,
    },
    /// Everything is read. The device publishes its state, and shows the others.
    Up,
    /// Waiting for the PUBACKs of the goodbye, which was published for this target.
    Leaving { until: Monotonic, awaited: BTreeSet<PublishId>, target: Target },
    /// The goodbye is published, and nothing follows.
    Stopped,
}

/// Why the last try or connection ended. It is shown until the next one is up.
#[derive(Debug)]
pub(crate) struct Failure {
    problem: Problem,
    /// A person has to change something before another try makes sense.
    is_refusal: bool,
    /// Nobody answered.
    pub(crate) is_silence: bool,
}

/// The state that an engine works towards, whatever [`Phase`] its connection is in. A later one overrides an earlier one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Target {
    /// Connected, and others see this device. Without a device: connected.
    Visible,
    /// Connected as a reader: the person chose to be invisible.
    Hidden,
    /// Not connected until the computer is awake again.
    Asleep,
    /// Not connected any more.
    Stopped,
}

/// The connection's state.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) phase: Phase,
    /// Since when a good connection is missing. The longer it is, the longer are the pauses between tries.
    without_since: Option<Monotonic>,
    /// Whether the present connection, or the last one, was up for [`STABLE_AFTER`].
    was_stable: bool,
    /// When the connection was last up.
    as_of: Option<Timestamp>,
    up_since: Timestamp,
    up_at: Monotonic,
    /// A device that only reads waits longer for silence.
    reader: bool,
    /// A connection broke at its SUBSCRIBE. Some brokers close connections that ask for a forbidden filter.
    sentinels_disabled: bool,
    /// Counts connections.
    pub(crate) connections: u64,
    /// Which MQTT is spoken.
    pub(crate) version: Version,
    /// Whether this broker is known to speak MQTT 5.
    pub(crate) speaks_v5: bool,
    /// Whether this run has connected to the broker with 3.1.1.
    speaks_v311: bool,
    /// What the CONNACK granted.
    granted: Granted,
}

impl Session {
    pub(crate) fn new(reader: bool, speaks_v5: bool) -> Self {
        Self {
            phase: Phase::Resting,
            without_since: None,
            was_stable: false,
            as_of: None,
            up_since: Timestamp::default(),
            up_at: Monotonic::default(),
            reader,
            sentinels_disabled: false,
            connections: 0,
            version: Version::V5,
            speaks_v5,
            speaks_v311: false,
            granted: Granted::default(),
        }
    }

    /// Shifts the dates of the connection after somebody set the clock, as if it had been right before.
    pub(crate) fn redate(&mut self, change: ClockChange) {
        self.up_since = change.shift(self.up_since);
        self.as_of = self.as_of.map(|at| change.shift(at));
        if let Phase::Waiting { wall, .. } = &mut self.phase {
            *wall = change.shift(*wall);
        }
    }

    /// Begins a try. A client without a Will only reads.
    pub(crate) fn connect(&mut self, now: Now, client_id: String, will: Option<Will>) -> Connect {
        let within = self.connecting(now);
        self.next_connection(client_id, will, within)
    }

    /// The parameters of one more connection, with time limits for its transport and its CONNACK.
    pub(crate) fn next_connection(
        &mut self,
        client_id: String,
        mut will: Option<Will>,
        (dial_within, connack_within): (Duration, Duration),
    ) -> Connect {
        self.connections += 1;
        // MQTT 3.1.1 has no Will Delay, and its session would outlive the connection without end, so there is none.
        if let (Version::V311, Some(will)) = (self.version, &mut will) {
            will.delay = Duration::ZERO;
        }
        let kept = will.as_ref().filter(|_| self.version == Version::V5);
        Connect {
            connection: ConnectionId(self.connections),
            version: self.version,
            client_id,
            clean_start: kept.is_none(),
            // The broker's session has to outlive the Will Delay (MQTT 5, 3.1.3.2.2).
            session_expiry: kept.map_or(Duration::ZERO, |will| will.delay + SESSION_OUTLIVES),
            keep_alive: KEEP_ALIVE,
            dial_within,
            connack_within,
            will,
        }
    }

    /// Begins a try. Returns how long the transport and the CONNACK may take.
    pub(crate) fn connecting(&mut self, now: Now) -> (Duration, Duration) {
        let without = now.mono.since(*self.without_since.get_or_insert(now.mono));
        let failure = match std::mem::replace(&mut self.phase, Phase::Resting) {
            Phase::Waiting { failure, .. }
            | Phase::Connecting { failure, .. }
            | Phase::Reading { failure, .. } => failure,
            Phase::Resting | Phase::Up | Phase::Leaving { .. } | Phase::Stopped => None,
        };
        let (dial, connack) =
            if without <= QUICK { (DIAL_QUICKLY, CONNACK_QUICKLY) } else { (DIAL, CONNACK) };
        self.phase = Phase::Connecting { until: now.mono + dial + connack + SIGN_IN, failure };
        (dial, connack)
    }

    /// Forgets how long there was no connection, so that the next tries come quickly.
    pub(crate) fn reset_backoff(&mut self) {
        self.without_since = None;
    }

    /// Handles the CONNACK. Returns whether it is new that this broker speaks MQTT 5.
    pub(crate) fn connected(&mut self, now: Now, granted: Granted) -> bool {
        self.granted = granted;
        let news = self.version == Version::V5 && !self.speaks_v5;
        match self.version {
            Version::V5 => self.speaks_v5 = true,
            Version::V311 => self.speaks_v311 = true,
        }
        let failure = match std::mem::replace(&mut self.phase, Phase::Resting) {
            Phase::Connecting { failure, .. } => failure,
            _ => None,
        };
        let last = now.mono;
        self.phase = Phase::Reading { subscribed: None, last, complete: false, failure };
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

    /// Continues reading, because the engine subscribed to more.
    pub(crate) fn read_on(&mut self, now: Now) {
        if let Phase::Reading { subscribed, last, complete, .. } = &mut self.phase {
            (*subscribed, *last, *complete) = (Some(now.mono), now.mono, false);
        }
    }

    /// The broker has sent the end-of-retained marker.
    pub(crate) fn read_to_the_end(&mut self) {
        if let Phase::Reading { complete, .. } = &mut self.phase {
            *complete = true;
        }
    }

    /// Whether the engine may ask this broker for an end-of-retained marker.
    pub(crate) fn wants_sentinels(&self) -> bool {
        self.reader && !self.sentinels_disabled
    }

    pub(crate) fn up(&mut self, now: Now) {
        self.phase = Phase::Up;
        self.was_stable = false;
        self.up_since = now.wall;
        self.up_at = now.mono;
    }

    /// The connection is up for long enough to count as good.
    pub(crate) fn note_stable(&mut self) {
        self.was_stable = true;
        self.without_since = None;
    }

    /// The time within which a broker that keeps to MQTT's timers publishes the Will of a connection that died
    /// silently: one and a half times the Keep Alive (MQTT 5, 3.1.2.10), then the Will Delay, or less where the
    /// session ends before (3.1.3.2.2). `None` where it waits for ever: a Server Keep Alive of 0.
    pub(crate) fn loss_shows_within(&self, grace: Duration) -> Option<Duration> {
        let keep_alive = self.granted.keep_alive.unwrap_or(KEEP_ALIVE);
        let delay = self.granted.session_expiry.map_or(grace, |granted| grace.min(granted));
        (!keep_alive.is_zero()).then(|| keep_alive * 3 / 2 + delay)
    }

    /// Returns another version of MQTT to try at once, if the server does not speak the one that we tried.
    fn takes_other_version(&mut self, failure: &ConnectionFailure) -> bool {
        let connecting = matches!(self.phase, Phase::Connecting { .. });
        match self.version {
            Version::V5 if connecting && !self.speaks_v5 => {
                let other = failure.may_be_the_version();
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

    /// Handles the end of a connection or of a try. Returns when to try again.
    pub(crate) fn failed(
        &mut self,
        now: Now,
        failure: &ConnectionFailure,
        rng: &mut fastrand::Rng,
    ) {
        let at_once = self.takes_other_version(failure);
        self.sentinels_disabled |= matches!(self.phase, Phase::Reading { subscribed: None, .. });
        if matches!(self.phase, Phase::Up) {
            self.as_of = Some(now.wall);
            // After a good connection the count begins again, because the gap may be short.
            if now.mono.since(self.up_at) >= STABLE_AFTER {
                self.note_stable();
            }
        }
        let without = now.mono.since(*self.without_since.get_or_insert(now.mono));
        let delay = if at_once {
            Duration::ZERO
        } else if failure.is_refusal() {
            REFUSED
        } else {
            // Full jitter, so that the devices of a team do not return at the same moment.
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

    /// Waits for this long before the next try, for a reason of our own. The reason of the last end is kept.
    pub(crate) fn pause(&mut self, now: Now, pause: Duration) {
        if matches!(self.phase, Phase::Up) {
            self.as_of = Some(now.wall);
        }
        let failure = match std::mem::replace(&mut self.phase, Phase::Resting) {
            Phase::Waiting { failure, .. } => failure,
            _ => None,
        };
        self.phase = Phase::Waiting { until: now.mono + pause, wall: now.wall + pause, failure };
    }

    /// Gives the connection up. What is shown is dated now.
    pub(crate) fn abandoned(&mut self, now: Now) {
        self.as_of = Some(now.wall);
        self.without_since = None;
        self.phase = Phase::Resting;
    }

    /// Ends a connection that this computer slept through, because messages of that time are lost. Returns whether
    /// there was one.
    pub(crate) fn end_after_sleep(&mut self, now: Now) -> bool {
        let connected = matches!(self.phase, Phase::Up | Phase::Reading { .. });
        if connected {
            self.abandoned(now);
        }
        connected
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

    /// What the session waits for, and until when. `None` in a phase without a wait.
    pub(crate) fn next_deadline(&self) -> Option<(SessionDeadline, Monotonic)> {
        match &self.phase {
            Phase::Waiting { until, .. } => Some((SessionDeadline::Retry, *until)),
            Phase::Connecting { until, .. } => Some((SessionDeadline::Connack, *until)),
            Phase::Reading { subscribed: None, last, .. } => {
                let within = if self.reader { READER_SUBACK } else { SUBACK };
                Some((SessionDeadline::Suback, *last + within))
            }
            Phase::Reading { subscribed: Some(subscribed), last, complete, .. } => {
                let (silence, at_most) = if self.reader {
                    (READER_SILENCE, READER_AT_MOST)
                } else {
                    (READ_SILENCE, READ_AT_MOST)
                };
                let read = (*last + silence).min(*subscribed + at_most);
                let read = if *complete { *subscribed } else { read };
                Some((SessionDeadline::RetainedRead, read))
            }
            Phase::Up if self.was_stable => None,
            Phase::Up => Some((SessionDeadline::Stable, self.up_at + STABLE_AFTER)),
            Phase::Leaving { until, .. } => Some((SessionDeadline::Goodbye, *until)),
            Phase::Resting | Phase::Stopped => None,
        }
    }

    /// Why there is no connection, while the session tries to open one.
    pub(crate) fn failure(&self) -> Option<&Failure> {
        match &self.phase {
            Phase::Waiting { failure, .. }
            | Phase::Connecting { failure, .. }
            | Phase::Reading { failure, .. } => failure.as_ref(),
            Phase::Resting | Phase::Up | Phase::Leaving { .. } | Phase::Stopped => None,
        }
    }

    /// The connection as shown.
    pub(crate) fn view(&self) -> ConnectionView {
        let connecting = |retry_at, failure: &Option<Failure>| ConnectionView::Connecting {
            as_of: self.as_of,
            retry_at,
            problem: failure.as_ref().map(|failure| failure.problem.clone()),
            host: None,
        };
        match &self.phase {
            Phase::Resting if self.as_of.is_none() => ConnectionView::Unset,
            Phase::Resting | Phase::Stopped => ConnectionView::Closed,
            Phase::Waiting { wall, failure: Some(failure), .. } if failure.is_refusal => {
                let problem = failure.problem.clone();
                ConnectionView::Refused { as_of: self.as_of, retry_at: *wall, problem }
            }
            Phase::Waiting { wall, failure, .. } => connecting(Some(*wall), failure),
            Phase::Connecting { failure, .. } | Phase::Reading { failure, .. } => {
                connecting(None, failure)
            }
            Phase::Up | Phase::Leaving { .. } => {
                ConnectionView::Up { since: self.up_since, gap: None }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reason::ReasonCode;

    fn at(ms: u64) -> Now {
        Now {
            mono: Monotonic::from_origin(Duration::from_millis(ms)),
            wall: Timestamp::from_ms(1_763_742_000_000 + ms).unwrap(),
        }
    }

    fn wrong_login() -> ConnectionFailure {
        ConnectionFailure::Refused(ReasonCode::BAD_USER_NAME_OR_PASSWORD.into())
    }

    fn broken() -> ConnectionFailure {
        ConnectionFailure::Broken { reason: "reset".to_owned() }
    }

    /// The longest wait of many, when there was no connection for `without_ms`.
    fn longest_wait(without_ms: u64) -> Duration {
        (0..500)
            .map(|seed| {
                let mut session = Session::new(false, false);
                session.connecting(at(0));
                session.failed(at(without_ms), &broken(), &mut fastrand::Rng::with_seed(seed));
                session.next_deadline().unwrap().1.since(at(without_ms).mono)
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
    fn a_lost_syn_costs_two_seconds_but_a_slow_broker_is_waited_for() {
        let seconds = |dial, connack| (Duration::from_secs(dial), Duration::from_secs(connack));
        let mut session = Session::new(false, false);
        assert_eq!(session.connecting(at(0)), seconds(2, 6));
        assert_eq!(session.connecting(at(6_000)), seconds(2, 6));
        assert_eq!(session.connecting(at(6_001)), seconds(10, 10));
        session.reset_backoff();
        assert_eq!(session.connecting(at(60_000)), seconds(2, 6));
    }

    #[test]
    fn a_refusal_is_not_hammered() {
        let mut session = Session::new(false, false);
        session.connecting(at(0));
        session.failed(at(10), &wrong_login(), &mut fastrand::Rng::with_seed(1));
        assert_eq!(session.next_deadline(), Some((SessionDeadline::Retry, at(10).mono + REFUSED)));
        assert!(matches!(session.view(), ConnectionView::Refused { .. }));
    }

    /// The versions of the first tries where each fails like this.
    fn versions(speaks_v5: bool, failures: &[ConnectionFailure]) -> Vec<Version> {
        let mut session = Session::new(false, speaks_v5);
        let mut rng = fastrand::Rng::with_seed(1);
        let mut tried = Vec::new();
        for (ms, failure) in (0..).step_by(30_000).zip(failures) {
            session.connecting(at(ms));
            tried.push(session.version);
            session.failed(at(ms), failure, &mut rng);
        }
        tried
    }

    fn unanswered() -> ConnectionFailure {
        ConnectionFailure::Unanswered { address: "a:1".to_owned() }
    }

    fn hung_up() -> ConnectionFailure {
        ConnectionFailure::Protocol { reason: "it hung up".to_owned() }
    }

    #[test]
    fn a_broker_that_is_silent_or_hangs_up_is_asked_by_both_versions_in_turn() {
        use Version::{V5, V311};
        assert_eq!(versions(false, &vec![unanswered(); 5]), [V5, V311, V5, V311, V5]);
        assert_eq!(versions(false, &vec![hung_up(); 3]), [V5, V311, V5]);
        let busy = [broken(), unanswered(), unanswered(), broken()];
        assert_eq!(versions(false, &busy), [V5, V5, V311, V5]);
    }

    #[test]
    fn where_mqtt_5_once_worked_silence_is_no_reason_for_3_1_1() {
        let silent = vec![unanswered(); 5];
        assert_eq!(versions(true, &silent), [Version::V5; 5]);
    }

    #[test]
    fn the_other_version_is_tried_at_once_and_the_first_one_after_a_pause() {
        let mut session = Session::new(false, false);
        for at_once in [true, false] {
            session.connecting(at(0));
            session.failed(at(10), &unanswered(), &mut fastrand::Rng::with_seed(1));
            let (_, next) = session.next_deadline().unwrap();
            assert_eq!(next == at(10).mono, at_once);
        }
    }

    #[test]
    fn a_broker_that_breaks_the_rules_is_not_asked_by_another_version() {
        let wrong = ConnectionFailure::Violation { what: "Receive Maximum 0" };
        assert_eq!(versions(false, &[wrong, broken()]), [Version::V5; 2]);
    }

    #[test]
    fn reading_ends_with_silence_but_not_before_the_suback() {
        let mut session = Session::new(false, false);
        session.connected(at(0), Granted::default());
        let suback = |ms| Some((SessionDeadline::Suback, at(ms).mono));
        let read = |ms| Some((SessionDeadline::RetainedRead, at(ms).mono));
        assert_eq!(session.next_deadline(), suback(10_000));
        session.received(at(10));
        assert_eq!(session.next_deadline(), suback(10_010));
        session.subscribed(at(20));
        assert_eq!(session.next_deadline(), read(70));
        session.received(at(60));
        assert_eq!(session.next_deadline(), read(110));
        for ms in (60..400).step_by(10) {
            session.received(at(ms));
        }
        assert_eq!(session.next_deadline(), read(320));
    }

    /// Every 100 ms for `ms`, how often a broker is asked that ends each connection `stands_ms` after it came up.
    fn tries(ms: u64, stands_ms: u64) -> usize {
        let mut session = Session::new(false, false);
        let mut rng = fastrand::Rng::with_seed(7);
        let (mut tries, mut now) = (0, 0);
        while now < ms {
            tries += 1;
            session.connecting(at(now));
            session.connected(at(now), Granted::default());
            session.up(at(now));
            now += stands_ms;
            session.failed(at(now), &broken(), &mut rng);
            let Some((SessionDeadline::Retry, until)) = session.next_deadline() else {
                panic!("nothing is tried again");
            };
            let pause = u64::try_from(until.since(at(now).mono).as_millis()).unwrap();
            now += pause.max(1);
        }
        tries
    }

    #[test]
    fn who_is_let_in_and_thrown_out_comes_back_ever_more_slowly() {
        let hour = 60 * 60 * 1000;
        assert!(tries(60_000, 1) < 45, "{}", tries(60_000, 1));
        assert!(tries(hour, 1) < 420, "{}", tries(hour, 1));
        // Thirty seconds are a connection: the next gap is a short one again.
        assert!(tries(hour, 30_000) > 110);
    }
}
