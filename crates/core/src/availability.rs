//! Computes a device's state from what it observes of the person.
//!
//! Owns the away decision. Does not know what the person chose: the choice is published beside the
//! observed state, so that every reader can end it (`docs/protocol.md`, *Records*).

use std::time::Duration;

use crate::observation::Observation;
use crate::presence::{AwayCause, Observed, OfflineCause};
use crate::time::{ClockChange, Monotonic, Now, Timestamp};

/// What a device observes, and since when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ObservedState {
    /// The observed state.
    pub observed: Observed,
    /// The start of the state. Away counts from the last input, not from the threshold (XEP-0319,
    /// section 3).
    pub since: Timestamp,
}

/// The last input on both clocks: one to compare with the threshold, one to publish.
#[derive(Debug, Clone, Copy)]
struct LastInput {
    mono: Monotonic,
    wall: Timestamp,
}

/// Whether a source reports input.
#[derive(Debug, Clone, Copy)]
enum Source {
    /// It works. `idle` is its last report; `None` means that input is still going on.
    Tells { idle: Option<LastInput>, active_since: Timestamp },
    /// There is none, so activity is unknown.
    Lost { since: Timestamp },
}

/// Decides from observations whether a person is away.
#[derive(Debug)]
pub struct Availability {
    away_after: Duration,
    source: Source,
    /// When the screen was locked.
    locked: Option<Timestamp>,
    /// When another session took the seat.
    switched: Option<Timestamp>,
    /// Whether a microphone is in use.
    in_call: bool,
    /// When the machine fell asleep, or announced it.
    suspended: Option<LastInput>,
    /// When the session began to end.
    ending: Option<Timestamp>,
}

impl Availability {
    /// Creates the decision without any observation: the state is unknown.
    #[must_use]
    pub const fn new(now: Now, away_after: Duration) -> Self {
        Self {
            away_after,
            source: Source::Lost { since: now.wall },
            locked: None,
            switched: None,
            in_call: false,
            suspended: None,
            ending: None,
        }
    }

    /// Applies one observation.
    pub fn observe(&mut self, now: Now, observation: Observation) {
        match observation {
            Observation::InputIdle { since } => {
                let told = LastInput { mono: now.mono - since.age(now), wall: since.place(now) };
                let active_since = match self.source {
                    Source::Tells { active_since, .. } => active_since,
                    Source::Lost { .. } => told.wall,
                };
                self.source = Source::Tells { idle: Some(told), active_since };
            }
            Observation::InputActive => {
                let active_since = match self.source {
                    // A pause below the threshold is no absence.
                    Source::Tells { idle, active_since } if !self.is_away(now, idle) => {
                        active_since
                    }
                    _ => now.wall,
                };
                self.source = Source::Tells { idle: None, active_since };
            }
            Observation::Locked(true) => {
                self.locked.get_or_insert(now.wall);
            }
            Observation::Locked(false) => {
                let was = self.locked.take();
                self.come_back(now, was);
            }
            Observation::Switched(true) => {
                self.switched.get_or_insert(now.wall);
            }
            Observation::Switched(false) => {
                let was = self.switched.take();
                self.come_back(now, was);
            }
            Observation::InCall(is) => self.in_call = is,
            // These do not affect whether the person is away.
            Observation::DesktopDnd(_) | Observation::NetworkChanged => {}
            Observation::Suspending => {
                self.suspended.get_or_insert(LastInput { mono: now.mono, wall: now.wall });
            }
            Observation::Resumed => {
                // A cancelled power-off is reported like this, too.
                self.ending = None;
                self.wake();
            }
            Observation::ShuttingDown => {
                self.ending.get_or_insert(now.wall);
            }
            Observation::SourceLost => {
                if !matches!(self.source, Source::Lost { .. }) {
                    self.source = Source::Lost { since: now.wall };
                }
            }
            Observation::SourceOk => {}
        }
    }

    /// Corrects the times of earlier observations after the clock was set.
    pub(crate) fn redate(&mut self, change: ClockChange) {
        let shift = |at: &mut Timestamp| *at = change.shift(*at);
        match &mut self.source {
            Source::Tells { idle, active_since } => {
                shift(active_since);
                if let Some(idle) = idle {
                    shift(&mut idle.wall);
                }
            }
            Source::Lost { since } => shift(since),
        }
        let moments = [&mut self.locked, &mut self.switched, &mut self.ending];
        moments.into_iter().flatten().for_each(shift);
        if let Some(suspended) = &mut self.suspended {
            shift(&mut suspended.wall);
        }
    }

    /// Unlocking the screen or taking the seat again counts as input at that time.
    fn come_back(&mut self, now: Now, was_away: Option<Timestamp>) {
        if let (Some(_), Source::Tells { active_since, .. }) = (was_away, &mut self.source) {
            *active_since = now.wall;
        }
    }

    /// Waking up does not mean that the person is there: without new input, the last input is that
    /// before the sleep.
    fn wake(&mut self) {
        let Some(slept) = self.suspended.take() else {
            return;
        };
        if let Source::Tells { idle, active_since } = self.source {
            let last = idle.filter(|idle| idle.mono < slept.mono).unwrap_or(slept);
            self.source = Source::Tells { idle: Some(last), active_since };
        }
    }

    fn is_away(&self, now: Now, idle: Option<LastInput>) -> bool {
        idle.is_some_and(|idle| now.mono.since(idle.mono) >= self.away_after)
    }

    /// The device's state now.
    #[must_use]
    pub fn state(&self, now: Now) -> ObservedState {
        if let Some(since) = self.ending {
            return ObservedState { observed: Observed::Offline(Some(OfflineCause::Left)), since };
        }
        if let Some(slept) = self.suspended {
            let observed = Observed::Offline(Some(OfflineCause::Asleep));
            return ObservedState { observed, since: slept.wall };
        }
        let idle = match self.source {
            Source::Tells { idle, .. } => idle,
            Source::Lost { .. } => None,
        };
        // Another session's input is not this person's, so a switch comes before a lock.
        let switched = self.switched.map(|since| (since, AwayCause::Switched));
        let locked = self.locked.map(|since| (since, AwayCause::Locked));
        if let Some((gone, cause)) = switched.or(locked) {
            // A person who was away before the lock is away since that earlier time.
            let gone = locked.map_or(gone, |(locked, _)| locked.min(gone));
            let since = idle.map_or(gone, |idle| idle.wall.min(gone));
            return ObservedState { observed: Observed::Away(Some(cause)), since };
        }
        match self.source {
            Source::Lost { since } => ObservedState { observed: Observed::Unknown, since },
            Source::Tells { idle: Some(idle), .. } if self.is_away(now, Some(idle)) => {
                ObservedState { observed: Observed::Away(Some(AwayCause::Idle)), since: idle.wall }
            }
            Source::Tells { active_since, .. } => {
                ObservedState { observed: Observed::Active, since: active_since }
            }
        }
    }

    /// Whether a microphone is in use while the person may be there.
    #[must_use]
    pub fn in_call(&self, now: Now) -> bool {
        self.in_call && matches!(self.state(now).observed, Observed::Active | Observed::Unknown)
    }

    /// When the person last gave input, if known.
    #[must_use]
    pub fn last_input(&self, now: Now) -> Option<Timestamp> {
        match self.source {
            Source::Tells { idle: None, .. } => Some(self.suspended.map_or(now.wall, |s| s.wall)),
            Source::Tells { idle: Some(idle), .. } => Some(idle.wall),
            Source::Lost { .. } => None,
        }
    }

    /// When [`Availability::state`] changes without any observation: at the threshold.
    #[must_use]
    pub fn next_deadline(&self, now: Now) -> Option<Monotonic> {
        match self.source {
            Source::Tells { idle: Some(idle), .. } => {
                Some(idle.mono + self.away_after).filter(|at| *at > now.mono)
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observation::Moment;
    use Observation::{InputActive, InputIdle, Locked, Resumed, SourceLost, Suspending};

    const MINUTE: Duration = Duration::from_secs(60);
    const IDLE: Observed = Observed::Away(Some(AwayCause::Idle));
    const LOCKED: Observed = Observed::Away(Some(AwayCause::Locked));

    fn at(minutes: u32) -> Now {
        let start = Timestamp::from_ms(1_763_742_000_000).unwrap();
        Now { mono: Monotonic::from_origin(MINUTE * minutes), wall: start + MINUTE * minutes }
    }

    fn fresh() -> Availability {
        Availability::new(at(0), MINUTE * 5)
    }

    #[test]
    fn it_starts_unknown_and_the_first_input_ends_that() {
        let mut it = fresh();
        assert_eq!(it.state(at(0)).observed, Observed::Unknown);
        it.observe(at(1), InputActive);
        assert_eq!(
            it.state(at(1)),
            ObservedState { observed: Observed::Active, since: at(1).wall }
        );
        assert_eq!(it.next_deadline(at(1)), None);
    }

    #[test]
    fn away_counts_from_the_last_input_and_input_ends_it() {
        let mut it = fresh();
        it.observe(at(0), InputActive);
        it.observe(at(6), InputIdle { since: Moment::Ago(MINUTE * 6) });
        assert_eq!(it.state(at(6)), ObservedState { observed: IDLE, since: at(0).wall });
        it.observe(at(7), InputActive);
        assert_eq!(
            it.state(at(7)),
            ObservedState { observed: Observed::Active, since: at(7).wall }
        );
    }

    #[test]
    fn idle_told_before_the_threshold_becomes_away_at_the_threshold() {
        let mut it = fresh();
        it.observe(at(0), InputActive);
        it.observe(at(1), InputIdle { since: Moment::At(at(1).wall) });
        assert_eq!(it.state(at(1)).observed, Observed::Active);
        assert_eq!(it.next_deadline(at(1)), Some(at(6).mono));
        assert_eq!(it.state(at(6)), ObservedState { observed: IDLE, since: at(1).wall });
        assert_eq!(it.next_deadline(at(6)), None);
    }

    #[test]
    fn an_idle_time_in_the_future_is_now() {
        let mut it = fresh();
        it.observe(at(1), InputIdle { since: Moment::At(at(99).wall) });
        assert_eq!(it.state(at(6)), ObservedState { observed: IDLE, since: at(1).wall });
    }

    #[test]
    fn a_lock_is_away_at_once_and_input_under_it_is_not_presence() {
        let mut it = fresh();
        it.observe(at(0), InputActive);
        it.observe(at(1), Locked(true));
        it.observe(at(2), InputActive);
        assert_eq!(it.state(at(2)), ObservedState { observed: LOCKED, since: at(1).wall });
        it.observe(at(3), Locked(false));
        assert_eq!(it.state(at(3)).observed, Observed::Active);
    }

    #[test]
    fn a_lock_during_idleness_counts_from_the_last_input() {
        let mut it = fresh();
        it.observe(at(6), InputIdle { since: Moment::At(at(0).wall) });
        it.observe(at(7), Locked(true));
        assert_eq!(it.state(at(7)), ObservedState { observed: LOCKED, since: at(0).wall });
    }

    #[test]
    fn a_lock_is_known_even_where_input_is_not() {
        let mut it = fresh();
        it.observe(at(1), Locked(true));
        assert_eq!(it.state(at(1)).observed, LOCKED);
        it.observe(at(2), Locked(false));
        assert_eq!(it.state(at(2)).observed, Observed::Unknown);
    }

    #[test]
    fn waking_up_is_not_coming_back() {
        let mut it = fresh();
        it.observe(at(0), InputActive);
        it.observe(at(1), Suspending);
        let asleep = Observed::Offline(Some(OfflineCause::Asleep));
        assert_eq!(it.state(at(1)), ObservedState { observed: asleep, since: at(1).wall });
        it.observe(at(60), Resumed);
        assert_eq!(it.state(at(60)), ObservedState { observed: IDLE, since: at(1).wall });
        it.observe(at(61), InputActive);
        assert_eq!(it.state(at(61)).observed, Observed::Active);
    }

    #[test]
    fn a_session_without_the_seat_is_away_and_says_so_before_the_lock() {
        let mut it = fresh();
        it.observe(at(0), InputActive);
        it.observe(at(1), Locked(true));
        it.observe(at(2), Observation::Switched(true));
        it.observe(at(3), InputActive);
        let switched = Observed::Away(Some(AwayCause::Switched));
        assert_eq!(it.state(at(3)), ObservedState { observed: switched, since: at(1).wall });
        it.observe(at(4), Observation::Switched(false));
        assert_eq!(it.state(at(4)), ObservedState { observed: LOCKED, since: at(1).wall });
        it.observe(at(5), Locked(false));
        assert_eq!(
            it.state(at(5)),
            ObservedState { observed: Observed::Active, since: at(5).wall }
        );
    }

    #[test]
    fn nobody_is_in_a_call_at_a_machine_that_they_left() {
        let mut it = fresh();
        it.observe(at(0), InputActive);
        it.observe(at(0), Observation::InCall(true));
        assert!(it.in_call(at(0)));
        it.observe(at(1), Locked(true));
        assert!(!it.in_call(at(1)));
    }

    #[test]
    fn a_lost_source_is_never_active() {
        let mut it = fresh();
        it.observe(at(0), InputActive);
        it.observe(at(1), SourceLost);
        assert_eq!(
            it.state(at(1)),
            ObservedState { observed: Observed::Unknown, since: at(1).wall }
        );
    }

    #[test]
    fn no_sequence_of_six_is_active_while_locked_switched_asleep_or_ending() {
        let symbols = [
            InputActive,
            InputIdle { since: Moment::Ago(Duration::ZERO) },
            Locked(true),
            Locked(false),
            Observation::Switched(true),
            Observation::Switched(false),
            Suspending,
            Resumed,
            Observation::ShuttingDown,
            SourceLost,
            Observation::SourceOk,
        ];
        for n in 0..symbols.len().pow(6) {
            let mut it = fresh();
            let (mut locked, mut switched) = (false, false);
            let (mut asleep, mut ending, mut known) = (false, false, false);
            let mut rest = n;
            for minute in 1..=6 {
                let symbol = symbols[rest % symbols.len()];
                rest /= symbols.len();
                match symbol {
                    Locked(is) => locked = is,
                    Suspending => asleep = true,
                    Resumed => (asleep, ending) = (false, false),
                    Observation::ShuttingDown => ending = true,
                    SourceLost => known = false,
                    InputActive | InputIdle { .. } => known = true,
                    Observation::Switched(is) => switched = is,
                    Observation::SourceOk
                    | Observation::InCall(_)
                    | Observation::DesktopDnd(_)
                    | Observation::NetworkChanged => {}
                }
                it.observe(at(minute), symbol);
                let active = it.state(at(minute)).observed == Observed::Active;
                let there = known && !locked && !switched && !asleep && !ending;
                assert!(!active || there, "{n}");
            }
        }
    }
}
