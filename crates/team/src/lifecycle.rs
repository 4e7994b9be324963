//! The machine: which step comes next.
//!
//! One step is under way at a time. [`Stage`] says which; the intent says what for. The files beside this one contain the
//! steps of one operation each.

use std::collections::VecDeque;
use std::time::Duration;

use porchlight_core::team::{Address, Invitation, Joined, RefusalCode, Secret};
use porchlight_core::time::Monotonic;
use porchlight_core::view::Problem;

use crate::effect::{Answer, Ask, Effect, HubStart, Outcome, Report};
use crate::intent::{Enter, Hosting, Intent, Leaving, NewRequest, Way};

mod enter;
mod host;
mod leave;

/// The time until a request is sent again, and its largest value. It doubles with each failure.
const RETRY: Duration = Duration::from_secs(1);
const MAX_RETRY: Duration = Duration::from_secs(30);
/// The time between two questions whether a member has decided.
const POLL_INTERVAL: Duration = Duration::from_secs(2);
/// How often to withdraw at a hub that does not answer, while another operation waits.
const WITHDRAW_ATTEMPTS: u32 = 3;

/// What a person asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Operation {
    /// Become a member.
    Enter {
        /// How, and with which name.
        enter: Box<Enter>,
        /// The credential that this device made; its id is in `enter`.
        credential: Secret,
    },
    /// Take over the hub.
    Host {
        /// Random: 16 to 64 of `0-9A-Za-z`.
        key: String,
        /// Where the hub is now.
        from: Vec<Address>,
    },
    /// Leave the team.
    Leave(Leaving),
}

/// What this computer has at the start.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    /// The id of the membership's credential.
    pub membership: Option<String>,
    /// What the store of the hub contains.
    pub store: StoreState,
    /// This program runs the hub, so that the hub ends if its person leaves.
    pub hosts: bool,
}

/// What a store contains.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum StoreState {
    /// No team.
    #[default]
    Empty,
    /// A team whose hub may serve.
    Team,
    /// A copy of a team whose old hub may still serve.
    Arriving,
    /// A team that has moved elsewhere.
    Moved,
}

/// A rule that the simulation takes out, to see that its absence is found.
#[doc(hidden)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// The intent is on disk before the first effect.
    IntentFirst,
    /// The credential is stored before a hub learns it.
    SecretFirst,
    /// A request whose outcome is unknown is sent again.
    AskAgain,
    /// A take-over whose outcome is unknown keeps the copy.
    KeepCopy,
    /// The new hub's addresses are on disk before the old hub gets them.
    NoteSent,
    /// The copy serves nobody before the old hub has let go.
    Arriving,
    /// The intent is removed last.
    ClearLast,
    /// A store that was there before is not removed.
    KeepStore,
    /// A refusal for too many attempts says nothing about an earlier attempt.
    BusyIsUnknown,
}

/// The step that is under way.
#[derive(Debug, Default)]
enum Stage {
    #[default]
    Idle,
    // Becoming a member.
    CheckOldMembership(Box<Operation>),
    RemoveMovedStore,
    SaveEnter,
    SaveSecret,
    LoadSecret,
    StartHub,
    Join(Invitation),
    Request,
    SaveAsked,
    Poll,
    CheckMember,
    ForgetOldMembership(Box<Joined>),
    SaveMembership(Box<Joined>),
    SaveWithdrawn,
    Withdraw,
    // Taking over the hub.
    SaveHost,
    HandOver,
    StopMovedHub(Vec<u8>),
    Restore,
    StartArriving,
    SaveSent,
    TellOldHub,
    Activate,
    SaveAddresses,
    // Leaving.
    SaveLeave,
    CountOthers,
    CheckRemoved,
    Leave,
    CountLeft,
    StopEmptied {
        remove: bool,
    },
    RemoveEmptied,
    ForgetMembership,
    // Making undone.
    UndoStop(Option<Problem>),
    UndoRemove(Option<Problem>),
    UndoSecret(Option<Problem>),
    // The end of all.
    Clear(Option<Report>),
    ResumeHub,
}

/// The life of a membership on one computer.
///
/// The driver calls [`Lifecycle::resume`] once, then [`Lifecycle::begin`] for what the person wants. After each call it
/// carries out [`Lifecycle::poll_effect`] until there is none, and calls [`Lifecycle::finished`] with the outcome of each
/// effect. At [`Lifecycle::next_deadline`] it calls [`Lifecycle::tick`].
#[derive(Debug, Default)]
pub struct Lifecycle {
    stage: Stage,
    intent: Option<Intent>,
    credential: Option<Secret>,
    facts: Facts,
    /// This run or an earlier one may have sent this request, so a request that fails now proves nothing.
    maybe_sent: bool,
    failures: u32,
    next_ask: Option<Monotonic>,
    /// Waits until what the person gave up is cleaned up.
    queued: Option<Box<Operation>>,
    /// Why the hub does not know that this device has left.
    unconfirmed: Option<Problem>,
    effects: VecDeque<Effect>,
    without: Option<Rule>,
}

impl Lifecycle {
    /// A machine for a computer on which no operation is under way. It does not start the hub.
    #[must_use]
    pub fn at(facts: Facts) -> Self {
        Self { facts, ..Self::default() }
    }

    /// A machine without one of its rules, for the simulation.
    #[doc(hidden)]
    #[must_use]
    pub fn without(rule: Option<Rule>) -> Self {
        Self { without: rule, ..Self::default() }
    }

    fn has(&self, rule: Rule) -> bool {
        self.without != Some(rule)
    }

    /// The next step for the driver.
    pub fn poll_effect(&mut self) -> Option<Effect> {
        self.effects.pop_front()
    }

    /// When to call [`Lifecycle::tick`].
    #[must_use]
    pub const fn next_deadline(&self) -> Option<Monotonic> {
        self.next_ask
    }

    /// Whether an operation is under way.
    #[must_use]
    pub const fn is_busy(&self) -> bool {
        !matches!(self.stage, Stage::Idle)
    }

    /// The operation that is on disk.
    #[must_use]
    pub const fn intent(&self) -> Option<&Intent> {
        self.intent.as_ref()
    }

    /// What this computer has.
    #[must_use]
    pub const fn facts(&self) -> &Facts {
        &self.facts
    }

    /// Goes on where the last run of the program ended. `intent` is what was on disk.
    pub fn resume(&mut self, intent: Option<Intent>, facts: Facts) {
        self.facts = facts;
        self.intent = intent;
        self.maybe_sent = true;
        // Others need the hub, and a request of ours may be for it.
        let is_host = self.facts.hosts
            && self.facts.membership.is_some()
            && matches!(self.facts.store, StoreState::Team | StoreState::Moved);
        if is_host {
            self.step(Stage::ResumeHub, Effect::StartHub(HubStart::Resume));
        } else {
            self.go_on();
        }
    }

    fn go_on(&mut self) {
        match self.intent.clone() {
            None => self.report(Report::Ready),
            Some(Intent::Enter(enter)) => self.resume_enter(&enter),
            Some(Intent::Host(hosting)) => self.resume_host(&hosting),
            Some(Intent::Leave(_)) => self.resume_leave(),
        }
    }

    /// Begins what the person wants. Only one operation is under way at a time.
    pub fn begin(&mut self, operation: Operation) {
        if matches!(self.stage, Stage::SaveWithdrawn | Stage::Withdraw) || self.is_withdrawn() {
            self.queued = Some(Box::new(operation));
        } else if let (Stage::Leave, Operation::Leave(Leaving { anyway: true, .. })) =
            (&self.stage, &operation)
        {
            self.leave_anyway();
        } else if self.is_busy() {
            self.report(Report::Failed(busy()));
        } else if let Some(intent) = self.intent.clone() {
            // It stopped halfway. It has to end before another one begins.
            let facts = self.facts.clone();
            self.resume(Some(intent), facts);
        } else {
            self.maybe_sent = false;
            self.failures = 0;
            match operation {
                Operation::Enter { enter, credential } => self.begin_enter(enter, credential),
                Operation::Host { key, from } => self.begin_host(key, from),
                Operation::Leave(leaving) => self.begin_leave(leaving),
            }
        }
    }

    /// Takes note that the hub on this computer gave its team to another one.
    pub fn moved_away(&mut self) {
        self.facts.store = StoreState::Moved;
    }

    /// Sends a request again if it is time.
    pub fn tick(&mut self, now: Monotonic) {
        if self.next_ask.is_some_and(|at| at <= now) {
            self.next_ask = None;
            self.ask();
        }
    }

    /// Takes the outcome of the effect that is under way.
    pub fn finished(&mut self, now: Monotonic, outcome: Outcome) {
        match std::mem::take(&mut self.stage) {
            Stage::Idle => {}
            Stage::Clear(report) => {
                self.intent = None;
                if let Some(report) = report {
                    self.report(report);
                }
                self.begin_queued();
            }
            Stage::ResumeHub => {
                if let Outcome::Failed(problem) = outcome {
                    self.report(Report::Failed(problem));
                }
                self.go_on();
            }
            // What can't be undone is no reason to keep the rest.
            Stage::UndoStop(problem) => {
                let removes = matches!(&self.intent, Some(Intent::Host(_)))
                    || self.makes_store()
                    || !self.has(Rule::KeepStore);
                if removes {
                    self.step(Stage::UndoRemove(problem), Effect::RemoveTeam);
                } else {
                    self.undo_secret(problem);
                }
            }
            // A copy that stays must not be forgotten: the intent stays, too.
            Stage::UndoRemove(_)
                if matches!(
                    (&self.intent, &outcome),
                    (Some(Intent::Host(_)), Outcome::Failed(_))
                ) =>
            {
                if let Outcome::Failed(problem) = outcome {
                    self.stay_stuck(problem);
                }
            }
            Stage::UndoRemove(problem) => {
                self.facts.store = StoreState::Empty;
                self.undo_secret(problem);
            }
            Stage::UndoSecret(problem) => self.clear(problem.map(Report::Failed)),
            stage @ (Stage::CheckOldMembership(_)
            | Stage::RemoveMovedStore
            | Stage::SaveEnter
            | Stage::SaveSecret
            | Stage::LoadSecret
            | Stage::StartHub
            | Stage::Join(_)
            | Stage::Request
            | Stage::SaveAsked
            | Stage::Poll
            | Stage::CheckMember
            | Stage::ForgetOldMembership(_)
            | Stage::SaveMembership(_)
            | Stage::SaveWithdrawn
            | Stage::Withdraw) => self.enter_step(now, stage, outcome),
            stage @ (Stage::SaveHost
            | Stage::HandOver
            | Stage::StopMovedHub(_)
            | Stage::Restore
            | Stage::StartArriving
            | Stage::SaveSent
            | Stage::TellOldHub
            | Stage::Activate
            | Stage::SaveAddresses) => self.host_step(now, &stage, outcome),
            stage @ (Stage::SaveLeave
            | Stage::CountOthers
            | Stage::CheckRemoved
            | Stage::Leave
            | Stage::CountLeft
            | Stage::StopEmptied { .. }
            | Stage::RemoveEmptied
            | Stage::ForgetMembership) => self.leave_step(now, &stage, outcome),
        }
    }

    // --- what all operations share

    fn step(&mut self, stage: Stage, effect: Effect) {
        self.stage = stage;
        self.effects.push_back(effect);
    }

    fn report(&mut self, report: Report) {
        self.effects.push_back(Effect::Report(report));
    }

    /// Makes this the intent, and writes it to disk as the step `stage`.
    fn save(&mut self, stage: Stage, intent: Intent) {
        self.intent = Some(intent.clone());
        self.step(stage, Effect::SaveIntent(intent));
    }

    fn clear(&mut self, report: Option<Report>) {
        self.credential = None;
        self.step(Stage::Clear(report), Effect::ClearIntent);
    }

    /// Gives up until the next start, because of something on this computer. The intent stays.
    fn stay_stuck(&mut self, problem: Problem) {
        self.stage = Stage::Idle;
        self.report(Report::Stuck(problem));
    }

    /// Removes what this operation has made, then reports the problem, if there is one.
    fn undo(&mut self, problem: Option<Problem>) {
        let runs_hub = match &self.intent {
            Some(Intent::Enter(enter)) => matches!(enter.way, Way::Start { .. }),
            Some(Intent::Host(_)) => true,
            Some(Intent::Leave(_)) | None => false,
        };
        if runs_hub {
            self.step(Stage::UndoStop(problem), Effect::StopHub);
        } else {
            self.undo_secret(problem);
        }
    }

    fn undo_secret(&mut self, problem: Option<Problem>) {
        match &self.intent {
            Some(Intent::Enter(enter)) => {
                let (credential, storage) = (enter.credential.clone(), enter.storage);
                let effect = Effect::ForgetSecret { credential, storage };
                self.step(Stage::UndoSecret(problem), effect);
            }
            _ => self.clear(problem.map(Report::Failed)),
        }
    }

    /// Sends the request of this stage, now or again.
    fn ask(&mut self) {
        let enter = self.enter().cloned();
        let ask = match (&self.stage, enter) {
            (Stage::CheckOldMembership(_) | Stage::CheckRemoved, _) => Ask::View,
            (Stage::Join(invitation), Some(enter)) => {
                let Some(credential) = self.credential.clone() else { return };
                Ask::Join { invitation: invitation.clone(), enter, credential }
            }
            (Stage::Request, Some(enter)) => {
                let Some(credential) = self.credential.clone() else { return };
                let Way::Request(request) = enter.way.clone() else { return };
                Ask::Request { request, enter, credential }
            }
            (Stage::Poll, Some(Enter { way: Way::Request(request), .. })) => {
                Ask::RequestState(request)
            }
            (Stage::Withdraw, Some(Enter { way, .. })) => {
                let Some(credential) = self.credential.clone() else { return };
                Ask::Withdraw { way, credential }
            }
            (Stage::CheckMember, Some(Enter { way: Way::Request(request), .. })) => {
                let Some(credential) = self.credential.clone() else { return };
                Ask::IsMember { request, credential }
            }
            (stage @ (Stage::HandOver | Stage::TellOldHub), _) => match &self.intent {
                Some(Intent::Host(Hosting { from, .. })) if matches!(stage, Stage::HandOver) => {
                    Ask::HandOver { from: from.clone() }
                }
                Some(Intent::Host(Hosting { key, from, sent })) => {
                    Ask::LetGo { from: from.clone(), key: key.clone(), at: sent.clone() }
                }
                _ => return,
            },
            (Stage::Leave, _) => match &self.intent {
                Some(Intent::Leave(leaving)) => Ask::Leave(leaving.scope),
                _ => return,
            },
            _ => return,
        };
        self.effects.push_back(Effect::Ask(Box::new(ask)));
    }

    fn ask_in(&mut self, stage: Stage) {
        self.stage = stage;
        self.ask();
    }

    /// Waits, then sends the request of this stage again.
    fn retry(&mut self, now: Monotonic, stage: Stage, problem: Problem) {
        self.stage = stage;
        let wait = RETRY.saturating_mul(1 << self.failures.min(8)).min(MAX_RETRY);
        self.failures += 1;
        self.next_ask = Some(now + wait);
        // Nobody waits for what they gave up.
        if !self.is_withdrawn() {
            self.report(Report::AskingAgain(problem));
        }
    }

    fn wait(&mut self, now: Monotonic, stage: Stage, how_long: Duration) {
        self.stage = stage;
        self.failures = 0;
        self.next_ask = Some(now + how_long);
    }

    /// What an answer says about this request and all before it that were the same.
    fn judge(&mut self, answer: Answer) -> Verdict {
        match answer {
            Answer::Refused { code: RefusalCode::TooManyAttempts, problem }
                if self.maybe_sent && self.has(Rule::BusyIsUnknown) =>
            {
                Verdict::AskAgain(problem)
            }
            Answer::Refused { code, problem } => Verdict::No { code: Some(code), problem },
            Answer::Moved { at, problem } if at.is_empty() && self.maybe_sent => {
                Verdict::AskAgain(problem)
            }
            Answer::Moved { problem, .. } => Verdict::No { code: None, problem },
            Answer::NotSent(problem) if !self.maybe_sent => Verdict::No { code: None, problem },
            Answer::NotSent(problem) => Verdict::AskAgain(problem),
            Answer::Unknown(problem) => {
                self.maybe_sent = true;
                Verdict::AskAgain(problem)
            }
            answer => Verdict::Yes(answer),
        }
    }

    fn enter(&self) -> Option<&Enter> {
        match &self.intent {
            Some(Intent::Enter(enter)) => Some(enter),
            _ => None,
        }
    }

    fn request(&mut self) -> Option<&mut NewRequest> {
        match &mut self.intent {
            Some(Intent::Enter(Enter { way: Way::Request(request), .. })) => Some(request),
            _ => None,
        }
    }

    fn makes_store(&self) -> bool {
        let way = self.enter().map(|enter| &enter.way);
        matches!(way, Some(Way::Start { makes_store: true, .. }))
    }

    fn begin_queued(&mut self) {
        if let Some(operation) = self.queued.take() {
            self.begin(*operation);
        }
    }
}

/// What an answer says.
enum Verdict {
    /// The hub did it.
    Yes(Answer),
    /// The hub has not done it, now or before.
    No { code: Option<RefusalCode>, problem: Problem },
    /// It is not known.
    AskAgain(Problem),
}

fn problem(code: &str, message: &str) -> Problem {
    Problem { code: code.to_owned(), message: message.to_owned() }
}

fn busy() -> Problem {
    problem(
        "busy",
        "Porchlight is still busy with your last request; wait a moment, then try again",
    )
}

fn interrupted() -> Problem {
    problem(
        "interrupted",
        "Porchlight was closed before this was done, and everything is as before; try again",
    )
}
