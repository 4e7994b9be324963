//! The backup: it follows the host, serves while that is away, and gives the team back.

use std::collections::VecDeque;
use std::time::Duration;

use porchlight_core::team::{StandsIn, WhyAway};
use porchlight_core::time::{Monotonic, Now, Timestamp};
use porchlight_core::view::Problem;

use super::step::{StandbyEffect, StandbyInput, StandbyState, StoodDown, StreamEnd, StreamEvent};
use super::{STAYS, StandbyRule};

/// How long the host may say nothing. It says something every 3 s.
const SILENCE: Duration = Duration::from_secs(10);
/// The time between two attempts to follow. It doubles with each failure while the backup does not serve.
const FOLLOW_RETRY: Duration = Duration::from_secs(2);
const MAX_FOLLOW_RETRY: Duration = Duration::from_secs(30);
/// The time between two attempts to listen. It doubles with each failure.
const SERVE_RETRY: Duration = Duration::from_secs(5);
const MAX_SERVE_RETRY: Duration = Duration::from_secs(15);
/// How often to give back what changed. The devices publish again anyway, so it is no reason to keep them.
const GIVE_BACK_ATTEMPTS: u32 = 3;
const GIVE_BACK_RETRY: Duration = Duration::from_secs(2);
/// How long a clock may show no progress before this computer must have slept: the longest time between two calls while
/// the silence of the host matters, and how late one may be.
const WATCH: Duration = Duration::from_secs(4);
const LATE: Duration = Duration::from_secs(2);
/// The longest that a delegation holds, whatever the calendar says.
const HOLDS: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// When the backup computer follows its host, when it serves in its place, and when it stops.
///
/// Call [`Standby::handle`] with what happened and [`Standby::tick`] at [`Standby::next_deadline`]. After each call carry
/// out [`Standby::poll_effect`] until there is none.
///
/// ```
/// use porchlight_core::time::{Monotonic, Now, Timestamp};
/// use porchlight_team::{Standby, StandbyEffect};
///
/// let wall = Timestamp::from_ms(1_796_900_000_000).unwrap();
/// let mut standby = Standby::new(Now { mono: Monotonic::default(), wall }, None);
/// assert_eq!(standby.poll_effect(), Some(StandbyEffect::Follow));
/// ```
#[derive(Debug)]
pub struct Standby {
    life: Life,
    delegation: Option<Delegation>,
    stream: Stream,
    /// When the host was heard, or was found to answer. After a start or sleep: since when it could be heard.
    heard: Monotonic,
    /// A look is under way.
    looking: bool,
    service: Service,
    /// The answer to an earlier `GiveBack` is still to come, and says nothing about the next one.
    stale_back: bool,
    follow_failures: u32,
    serve_failures: u32,
    /// When this machine was last called.
    called: Monotonic,
    state: StandbyState,
    effects: VecDeque<StandbyEffect>,
    without: Option<StandbyRule>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Life {
    Awake,
    /// Until it turns out that it does not sleep after all.
    Asleep {
        until: Monotonic,
    },
    Ended,
}

/// Until when this computer may serve.
#[derive(Debug, Clone, Copy)]
struct Delegation {
    expires: Timestamp,
    /// The same by the clock that nobody sets: a calendar that is set back does not prolong it.
    until: Monotonic,
    /// When it ends by what the calendar said last.
    due: Monotonic,
}

/// The stream from the host.
#[derive(Debug, Clone, Copy)]
enum Stream {
    Closed { retry: Monotonic },
    Opening { since: Monotonic },
    Open,
}

/// The hub on this computer.
#[derive(Debug, Clone)]
enum Service {
    Off,
    /// It is about to listen. The host waits for it, if it asked for it.
    Starting {
        stands_in: StandsIn,
        confirm: bool,
    },
    Failed {
        stands_in: StandsIn,
        confirm: bool,
        problem: Problem,
        retry: Monotonic,
    },
    On(StandsIn),
    /// The host is back.
    GivingBack {
        stands_in: StandsIn,
        attempts: u32,
        retry: Option<Monotonic>,
    },
}

impl Standby {
    /// A backup that begins to follow its host. `expires`: when the delegation on disk ends, if there is one.
    #[must_use]
    pub fn new(now: Now, expires: Option<Timestamp>) -> Self {
        Self::without(now, expires, None)
    }

    /// A backup without one of its rules, for the simulation.
    #[doc(hidden)]
    #[must_use]
    pub fn without(now: Now, expires: Option<Timestamp>, rule: Option<StandbyRule>) -> Self {
        let mut standby = Self {
            life: Life::Awake,
            delegation: expires.map(|expires| Delegation::new(now, expires)),
            stream: Stream::Closed { retry: now.mono },
            heard: now.mono,
            looking: false,
            service: Service::Off,
            stale_back: false,
            follow_failures: 0,
            serve_failures: 0,
            called: now.mono,
            state: StandbyState::Searching,
            effects: VecDeque::new(),
            without: rule,
        };
        standby.tick(now);
        standby
    }

    fn has(&self, rule: StandbyRule) -> bool {
        self.without != Some(rule)
    }

    // --- getters

    /// What it does.
    #[must_use]
    pub const fn state(&self) -> &StandbyState {
        &self.state
    }

    /// When to call [`Standby::tick`].
    #[must_use]
    pub fn next_deadline(&self) -> Option<Monotonic> {
        match self.life {
            Life::Awake => {}
            Life::Asleep { until } => return Some(until),
            Life::Ended => return None,
        }
        let watch = self.called + WATCH;
        let mut at = match self.stream {
            Stream::Closed { retry } => retry,
            Stream::Opening { .. } | Stream::Open => watch,
        };
        let silent = self.heard + SILENCE;
        match &self.service {
            Service::Off if !self.looking && silent > self.called => at = at.min(silent),
            Service::Failed { retry, .. } | Service::GivingBack { retry: Some(retry), .. } => {
                at = at.min(*retry);
            }
            Service::Off
            | Service::Starting { .. }
            | Service::On(_)
            | Service::GivingBack { .. } => {}
        }
        let due = self.delegation.filter(|delegation| delegation.due > self.called);
        Some(due.map_or(at, |delegation| at.min(delegation.due)))
    }

    /// The next step for the driver.
    pub fn poll_effect(&mut self) -> Option<StandbyEffect> {
        self.effects.pop_front()
    }

    // --- inputs

    /// Does what has become due.
    pub fn tick(&mut self, now: Now) {
        self.call(now, None);
    }

    /// Takes what happened.
    pub fn handle(&mut self, now: Now, input: StandbyInput) {
        self.call(now, Some(input));
    }

    fn call(&mut self, now: Now, input: Option<StandbyInput>) {
        // A computer that sleeps without a warning finds its clocks ahead.
        let is_late = self.next_deadline().is_some_and(|due| now.mono > due + LATE);
        let is_told = input == Some(StandbyInput::Woke);
        if is_late && !is_told && self.life == Life::Awake && self.has(StandbyRule::OwnSleep) {
            self.wake(now);
        }
        self.called = now.mono;
        if let Some(delegation) = &mut self.delegation {
            delegation.due = delegation.until.min(now.when(delegation.expires));
        }
        match (self.life, input) {
            (Life::Ended, _) => return,
            (_, Some(StandbyInput::Quits)) => self.go_away(Life::Ended, StoodDown::Quits),
            (Life::Awake, Some(StandbyInput::FallsAsleep)) => {
                let until = now.mono + STAYS;
                self.go_away(Life::Asleep { until }, StoodDown::Sleeps);
            }
            (Life::Asleep { .. }, Some(StandbyInput::Woke)) => self.wake(now),
            (Life::Asleep { until }, _) if until <= now.mono => self.wake(now),
            // Other answers to what it asked before it slept are of no use.
            (Life::Asleep { .. }, Some(StandbyInput::GivenBack(_))) => self.stale_back = false,
            (Life::Asleep { .. }, _) => return,
            (Life::Awake, Some(input)) => self.take(now, input),
            (Life::Awake, None) => {}
        }
        if self.life == Life::Awake {
            self.do_due(now);
            self.report(now);
        }
    }

    fn take(&mut self, now: Now, input: StandbyInput) {
        match input {
            StandbyInput::Heard(event) => self.hear(now, event),
            StandbyInput::Ended(end) => self.end_stream(now, end),
            StandbyInput::HostAnswers(answers) => {
                if std::mem::take(&mut self.looking) && self.is_silent(now) {
                    self.found(now, answers);
                }
            }
            StandbyInput::Served(outcome) => self.served(now, outcome),
            StandbyInput::GivenBack(taken) => self.given_back(now, taken),
            StandbyInput::Woke if self.has(StandbyRule::OwnSleep) => self.wake(now),
            StandbyInput::Woke | StandbyInput::FallsAsleep | StandbyInput::Quits => {}
        }
    }

    fn hear(&mut self, now: Now, event: StreamEvent) {
        let is_new = match self.stream {
            Stream::Closed { .. } => return,
            Stream::Opening { .. } => true,
            Stream::Open => false,
        };
        self.stream = Stream::Open;
        self.heard = now.mono;
        self.follow_failures = 0;
        if let StreamEvent::State { expires } = event {
            self.delegation = Some(Delegation::new(now, expires));
        }
        if is_new {
            self.host_is_back();
        }
        if let StreamEvent::HandsOver { why } = event {
            self.take_over(now, why, true);
        }
    }

    fn end_stream(&mut self, now: Now, end: StreamEnd) {
        if matches!(self.stream, Stream::Closed { .. }) {
            return;
        }
        match end {
            StreamEnd::Forbidden if self.has(StandbyRule::Revocation) => {
                self.life = Life::Ended;
                self.stop(StoodDown::Revoked);
                self.effects.push_back(StandbyEffect::Forget);
                self.state = StandbyState::Revoked;
                self.effects.push_back(StandbyEffect::Report(StandbyState::Revoked));
            }
            StreamEnd::HandedOver => {
                self.closed(now);
                if self.has(StandbyRule::Refused) {
                    self.take_over(now, WhyAway::Asleep, false);
                }
            }
            StreamEnd::Closed | StreamEnd::Forbidden => self.closed(now),
        }
    }

    // --- the host

    /// The stream is closed. It is opened again after a pause.
    fn closed(&mut self, now: Now) {
        let serves = !matches!(self.service, Service::Off);
        let doubled = FOLLOW_RETRY.saturating_mul(1 << self.follow_failures.min(5));
        let pause = if serves { FOLLOW_RETRY } else { doubled.min(MAX_FOLLOW_RETRY) };
        self.follow_failures += 1;
        self.stream = Stream::Closed { retry: now.mono + pause };
        self.stay(now);
    }

    fn close(&mut self, now: Now) {
        if !matches!(self.stream, Stream::Closed { .. }) {
            self.effects.push_back(StandbyEffect::Unfollow);
        }
        self.closed(now);
    }

    fn open(&mut self, now: Now) {
        if !matches!(self.stream, Stream::Closed { .. }) {
            self.effects.push_back(StandbyEffect::Unfollow);
        }
        self.stream = Stream::Opening { since: now.mono };
        self.effects.push_back(StandbyEffect::Follow);
    }

    fn is_silent(&self, now: Now) -> bool {
        now.mono.since(self.heard) >= SILENCE
    }

    /// What a look at a silent host has shown.
    fn found(&mut self, now: Now, answers: bool) {
        if !matches!(self.service, Service::Off) {
            return;
        }
        if answers {
            self.heard = now.mono;
            self.open(now);
        } else {
            let since = now.ago(now.mono.since(self.heard));
            self.close(now);
            self.serve_failures = 0;
            self.start(now, StandsIn { why: WhyAway::Lost, since }, false);
        }
    }

    /// The host goes away, and says so. `confirm`: it waits until this computer listens.
    fn take_over(&mut self, now: Now, why: WhyAway, confirm: bool) {
        match &self.service {
            // Its next attempt is due by itself.
            Service::Failed { .. } if !confirm => {}
            Service::Off | Service::Failed { .. } => {
                if self.may_serve(now) {
                    self.serve_failures = 0;
                    self.start(now, StandsIn { why, since: now.wall }, confirm);
                    if confirm && !self.has(StandbyRule::ListenFirst) {
                        self.close(now);
                    }
                }
            }
            Service::Starting { stands_in, confirm: before } => {
                let (stands_in, confirm) = (stands_in.clone(), *before || confirm);
                self.service = Service::Starting { stands_in, confirm };
            }
            Service::GivingBack { .. } if !self.has(StandbyRule::StayForNext) => {}
            Service::On(stands_in) | Service::GivingBack { stands_in, .. } => {
                let before = stands_in.clone();
                self.drop_back();
                if confirm {
                    self.start(now, StandsIn { why, since: now.wall }, true);
                } else {
                    self.service = Service::On(before);
                }
            }
        }
    }

    // --- serving

    fn may_serve(&self, now: Now) -> bool {
        self.delegation
            .is_some_and(|delegation| !delegation.has_ended(now) || !self.has(StandbyRule::Expiry))
    }

    fn start(&mut self, now: Now, stands_in: StandsIn, confirm: bool) {
        if let Stream::Closed { retry } = &mut self.stream {
            *retry = (*retry).min(now.mono + FOLLOW_RETRY);
        }
        self.effects.push_back(StandbyEffect::Serve(stands_in.clone()));
        self.service = Service::Starting { stands_in, confirm };
    }

    fn served(&mut self, now: Now, outcome: Result<(), Problem>) {
        let Service::Starting { stands_in, confirm } = &self.service else { return };
        let (stands_in, confirm) = (stands_in.clone(), *confirm);
        match outcome {
            Ok(()) => {
                self.serve_failures = 0;
                self.service = Service::On(stands_in);
                if confirm {
                    self.close(now);
                } else if matches!(self.stream, Stream::Open) {
                    self.host_is_back();
                }
            }
            // It follows the host again, and nobody asked it to serve.
            Err(_) if !confirm && matches!(self.stream, Stream::Open) => {
                self.service = Service::Off;
            }
            Err(problem) => {
                let pause = SERVE_RETRY.saturating_mul(1 << self.serve_failures.min(5));
                self.serve_failures += 1;
                let retry = now.mono + pause.min(MAX_SERVE_RETRY);
                self.service = Service::Failed { stands_in, confirm, problem, retry };
            }
        }
    }

    /// Stops serving, if it serves.
    fn stop(&mut self, why: StoodDown) {
        match std::mem::replace(&mut self.service, Service::Off) {
            Service::Off | Service::Failed { .. } => {}
            Service::GivingBack { retry, .. } => {
                self.stale_back |= retry.is_none() && why != StoodDown::HostIsBack;
                self.effects.push_back(StandbyEffect::StandDown(why));
            }
            Service::Starting { .. } | Service::On(_) => {
                self.effects.push_back(StandbyEffect::StandDown(why));
            }
        }
    }

    // --- giving back

    /// The host can be followed again.
    fn host_is_back(&mut self) {
        match &mut self.service {
            Service::Off | Service::GivingBack { .. } => {}
            // Nobody waits for it any more.
            Service::Starting { confirm, .. } => *confirm = false,
            Service::Failed { .. } => self.service = Service::Off,
            Service::On(stands_in) => {
                let stands_in = stands_in.clone();
                self.service = Service::GivingBack { stands_in, attempts: 0, retry: None };
                if !self.has(StandbyRule::GiveBack) {
                    self.stop(StoodDown::HostIsBack);
                } else if !self.stale_back {
                    self.effects.push_back(StandbyEffect::GiveBack);
                }
            }
        }
    }

    fn given_back(&mut self, now: Now, taken: bool) {
        let was_stale = std::mem::take(&mut self.stale_back);
        let Service::GivingBack { attempts, retry, .. } = &mut self.service else { return };
        if was_stale {
            self.effects.push_back(StandbyEffect::GiveBack);
            return;
        }
        *attempts += 1;
        if taken || *attempts >= GIVE_BACK_ATTEMPTS {
            *retry = Some(now.mono);
            self.stop(StoodDown::HostIsBack);
        } else {
            *retry = Some(now.mono + GIVE_BACK_RETRY);
        }
    }

    /// Goes on serving: the host that came back went away again. It may have sent another list meanwhile.
    fn stay(&mut self, now: Now) {
        if let Service::GivingBack { stands_in, .. } = &self.service {
            let stands_in = stands_in.clone();
            self.drop_back();
            self.start(now, stands_in, false);
        }
    }

    /// The answer to what it gives back now says nothing about the next time.
    fn drop_back(&mut self) {
        if let Service::GivingBack { retry, .. } = &self.service {
            self.stale_back |= retry.is_none();
        }
    }

    // --- this computer

    fn go_away(&mut self, life: Life, why: StoodDown) {
        if self.has(StandbyRule::EndFirst) {
            self.stop(why);
        }
        if !matches!(self.stream, Stream::Closed { .. }) {
            self.effects.push_back(StandbyEffect::Unfollow);
        }
        self.stream = Stream::Closed { retry: self.called };
        self.looking = false;
        self.life = life;
    }

    /// This computer slept: what it did not hear then says nothing about the host, so it first tries to follow.
    fn wake(&mut self, now: Now) {
        self.life = Life::Awake;
        self.heard = now.mono;
        self.looking = false;
        self.follow_failures = 0;
        if matches!(self.service, Service::Failed { .. }) {
            self.service = Service::Off;
        }
        self.stay(now);
        self.open(now);
    }

    // --- time

    fn do_due(&mut self, now: Now) {
        if !self.may_serve(now) {
            self.stop(StoodDown::Expired);
        }
        self.retry_service(now);
        match self.stream {
            Stream::Closed { retry } if retry <= now.mono => {
                if matches!(self.service, Service::Off) || self.has(StandbyRule::FollowAgain) {
                    self.open(now);
                } else {
                    self.stream = Stream::Closed { retry: now.mono + FOLLOW_RETRY };
                }
            }
            Stream::Opening { since } if now.mono.since(since) >= SILENCE => self.close(now),
            Stream::Open if self.is_silent(now) && !self.decides(now) => self.close(now),
            Stream::Closed { .. } | Stream::Opening { .. } | Stream::Open => {}
        }
        if self.is_silent(now) && self.decides(now) && !self.looking {
            if self.has(StandbyRule::LookFirst) {
                self.looking = true;
                self.effects.push_back(StandbyEffect::Look);
            } else {
                self.found(now, false);
            }
        }
    }

    /// Whether the silence of the host makes this computer serve.
    fn decides(&self, now: Now) -> bool {
        matches!(self.service, Service::Off) && self.may_serve(now)
    }

    fn retry_service(&mut self, now: Now) {
        let again = self.has(StandbyRule::ServeAgain);
        match &mut self.service {
            Service::Failed { stands_in, confirm, retry, .. } if *retry <= now.mono => {
                let (stands_in, confirm) = (stands_in.clone(), *confirm);
                *retry = now.mono + MAX_SERVE_RETRY;
                if again {
                    self.start(now, stands_in, confirm);
                }
            }
            Service::GivingBack { retry, .. } if retry.is_some_and(|at| at <= now.mono) => {
                *retry = None;
                self.effects.push_back(StandbyEffect::GiveBack);
            }
            _ => {}
        }
    }

    fn report(&mut self, now: Now) {
        let state = match &self.service {
            Service::On(stands_in) | Service::GivingBack { stands_in, .. } => {
                StandbyState::Serving(stands_in.clone())
            }
            Service::Failed { problem, .. } => StandbyState::CannotServe(problem.clone()),
            // The next answer decides it.
            Service::Starting { .. } => return,
            Service::Off if self.delegation.is_some_and(|it| it.has_ended(now)) => {
                StandbyState::Expired
            }
            Service::Off if matches!(self.stream, Stream::Open) => StandbyState::Following,
            Service::Off => StandbyState::Searching,
        };
        if state != self.state {
            self.state = state.clone();
            self.effects.push_back(StandbyEffect::Report(state));
        }
    }
}

impl Delegation {
    fn new(now: Now, expires: Timestamp) -> Self {
        let until = now.when(expires).min(now.mono + HOLDS);
        Self { expires, until, due: until }
    }

    fn has_ended(&self, now: Now) -> bool {
        now.wall >= self.expires || now.mono >= self.until
    }
}
