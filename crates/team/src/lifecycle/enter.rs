//! Becoming a member: by starting a team, by a link, or by asking.

use porchlight_core::team::{Joined, RefusalCode, RequestState, Secret, TeamView};
use porchlight_core::time::Monotonic;

use super::{
    Lifecycle, Operation, POLL_INTERVAL, Rule, Stage, StoreState, Verdict, WITHDRAW_ATTEMPTS,
    interrupted, problem,
};
use crate::effect::{Answer, Effect, HubStart, Outcome, Report};
use crate::intent::{Asked, Enter, Intent, Way};

impl Lifecycle {
    pub(super) fn begin_enter(&mut self, mut enter: Box<Enter>, credential: Secret) {
        if self.facts.membership.is_some() && enter.replaces.is_none() {
            // A membership that the hub has ended does not stand in the way.
            let operation = Operation::Enter { enter, credential };
            return self.ask_in(Stage::CheckOldMembership(Box::new(operation)));
        }
        if let Way::Start { makes_store, .. } = &mut enter.way {
            *makes_store = self.facts.store != StoreState::Team;
        }
        self.credential = Some(credential);
        if self.has(Rule::IntentFirst) {
            self.save(Stage::SaveEnter, Intent::Enter(*enter));
        } else {
            self.intent = Some(Intent::Enter(*enter));
            self.save_secret();
        }
    }

    pub(super) fn resume_enter(&mut self, enter: &Enter) {
        if self.facts.membership.as_ref() == Some(&enter.credential) {
            return self.clear(Some(Report::Ready));
        }
        let (credential, storage) = (enter.credential.clone(), enter.storage);
        self.step(Stage::LoadSecret, Effect::LoadSecret { credential, storage });
    }

    /// Ends an attempt to join. The person need not wait for the hub. A team that is started here can't be given up.
    pub fn withdraw(&mut self) {
        let Some(Intent::Enter(enter)) = &mut self.intent else { return };
        let is_over = matches!(
            self.stage,
            Stage::Idle
                | Stage::ForgetOldMembership(_)
                | Stage::SaveMembership(_)
                | Stage::UndoSecret(_)
                | Stage::Clear(_)
        );
        if is_over || enter.withdrawn || matches!(enter.way, Way::Start { .. }) {
            return;
        }
        enter.withdrawn = true;
        self.report(Report::Withdrawn);
        // Between two questions no step is under way.
        if self.next_ask.take().is_some() {
            self.save_withdrawn();
        }
    }

    pub(super) fn is_withdrawn(&self) -> bool {
        self.enter().is_some_and(|enter| enter.withdrawn)
    }

    pub(super) fn enter_step(&mut self, now: Monotonic, stage: Stage, outcome: Outcome) {
        let asks = matches!(
            stage,
            Stage::Join(_) | Stage::Request | Stage::SaveAsked | Stage::Poll | Stage::CheckMember
        );
        if asks && self.is_withdrawn() {
            return self.save_withdrawn();
        }
        match (stage, outcome) {
            (Stage::CheckOldMembership(operation), Outcome::Answered(answer)) => {
                self.check_old(*operation, &answer);
            }
            (Stage::RemoveMovedStore, _) => {
                self.facts.store = StoreState::Empty;
                self.save_secret();
            }
            (Stage::SaveEnter, Outcome::Done) => {
                let starts = matches!(
                    &self.intent,
                    Some(Intent::Enter(Enter { way: Way::Start { .. }, .. }))
                );
                if starts && self.facts.store == StoreState::Moved {
                    self.step(Stage::RemoveMovedStore, Effect::RemoveTeam);
                } else {
                    self.save_secret();
                }
            }
            (Stage::SaveEnter, Outcome::Failed(problem)) => {
                // Part of the file may be there.
                self.clear(Some(Report::Failed(problem)));
            }
            // It is not stored, and no hub knows it.
            (Stage::SaveSecret, Outcome::Failed(problem)) => {
                self.clear(Some(Report::Failed(problem)));
            }
            (Stage::SaveSecret, _) => self.ask_to_enter(),
            (Stage::LoadSecret, Outcome::Secret(Some(credential))) => {
                self.credential = Some(credential);
                self.ask_to_enter();
            }
            // The program ended before any hub learned of it.
            (Stage::LoadSecret, Outcome::Secret(None)) => self.undo(Some(interrupted())),
            (Stage::LoadSecret, Outcome::Failed(problem)) => self.stay_stuck(problem),
            (Stage::StartHub, Outcome::HubRuns { invitation: Some(invitation), .. }) => {
                self.facts.store = StoreState::Team;
                self.ask_in(Stage::Join(invitation));
            }
            (Stage::StartHub, Outcome::Failed(problem)) => self.undo(Some(problem)),
            (stage @ Stage::Join(_), Outcome::Answered(answer)) => match self.judge(*answer) {
                Verdict::Yes(Answer::Joined(joined)) => self.entered(joined),
                Verdict::AskAgain(problem) if self.has(Rule::AskAgain) => {
                    self.retry(now, stage, problem);
                }
                Verdict::No { problem, .. } | Verdict::AskAgain(problem) => {
                    self.undo(Some(problem));
                }
                Verdict::Yes(_) => self.undo(Some(interrupted())),
            },
            (Stage::Request, Outcome::Answered(answer)) => match self.judge(*answer) {
                Verdict::Yes(Answer::Asked { pin, code }) => {
                    if let Some(request) = self.request() {
                        request.asked = Some(Asked { pin, code: code.clone() });
                    }
                    self.report(Report::Asked { code });
                    if let Some(intent) = self.intent.clone() {
                        self.save(Stage::SaveAsked, intent);
                    }
                }
                Verdict::AskAgain(problem) => self.retry(now, Stage::Request, problem),
                Verdict::No { problem, .. } => self.undo(Some(problem)),
                Verdict::Yes(_) => self.undo(Some(interrupted())),
            },
            // If it can't be saved, a crash asks again with the same ticket and gets the same digits.
            (Stage::SaveAsked, _) => self.wait(now, Stage::Poll, POLL_INTERVAL),
            (Stage::Poll, Outcome::Answered(answer)) => self.polled(now, *answer),
            (Stage::CheckMember, Outcome::Answered(answer)) => self.member_checked(now, *answer),
            (Stage::ForgetOldMembership(joined), Outcome::Done) => {
                self.facts.membership = None;
                self.save_membership(joined);
            }
            (Stage::SaveMembership(joined), Outcome::Done) => {
                self.facts.membership = Some(joined.credential.id().to_owned());
                if self.has(Rule::ClearLast) {
                    self.clear(Some(Report::Entered(joined)));
                } else {
                    self.report(Report::Entered(joined));
                }
            }
            (
                Stage::ForgetOldMembership(_) | Stage::SaveMembership(_),
                Outcome::Failed(problem),
            ) => self.stay_stuck(problem),
            (Stage::SaveWithdrawn, _) => self.ask_in(Stage::Withdraw),
            (Stage::Withdraw, Outcome::Answered(answer)) => {
                self.maybe_sent = true;
                let gives_up = self.queued.is_some() && self.failures + 1 >= WITHDRAW_ATTEMPTS;
                match self.judge(*answer) {
                    Verdict::AskAgain(problem) if !gives_up => {
                        self.retry(now, Stage::Withdraw, problem);
                    }
                    _ => self.undo(None),
                }
            }
            // A driver that answers something else has not done the step.
            (_, _) => self.undo(Some(interrupted())),
        }
    }

    fn check_old(&mut self, operation: Operation, answer: &Answer) {
        let was_removed = matches!(answer, Answer::Refused { code: RefusalCode::NotSignedIn, .. });
        match (operation, self.facts.membership.clone()) {
            (Operation::Enter { mut enter, credential }, Some(old)) if was_removed => {
                enter.replaces = Some(old);
                self.begin(Operation::Enter { enter, credential });
            }
            _ => {
                let team = match answer {
                    Answer::View(view) => format!("{:?}", view.team),
                    _ => "a team".to_owned(),
                };
                let message = format!("you already belong to {team}; leave it first");
                self.report(Report::Failed(problem("member_already", &message)));
            }
        }
    }

    fn save_secret(&mut self) {
        let Some(enter) = self.enter() else { return };
        let storage = enter.storage;
        let Some(credential) = self.credential.clone() else { return };
        if self.has(Rule::SecretFirst) {
            self.step(Stage::SaveSecret, Effect::SaveSecret { credential, storage });
        } else {
            self.ask_to_enter();
        }
    }

    fn ask_to_enter(&mut self) {
        let Some(enter) = self.enter().cloned() else { return };
        match enter.way {
            _ if enter.withdrawn => self.ask_in(Stage::Withdraw),
            Way::Start { team, .. } => {
                self.step(Stage::StartHub, Effect::StartHub(HubStart::Owner { team }));
            }
            Way::Link { invitation } => self.ask_in(Stage::Join(invitation)),
            Way::Request(request) => match request.asked {
                Some(Asked { code, .. }) => {
                    self.report(Report::Asked { code });
                    self.ask_in(Stage::Poll);
                }
                None => self.ask_in(Stage::Request),
            },
        }
    }

    fn polled(&mut self, now: Monotonic, answer: Answer) {
        match answer {
            Answer::State(RequestState::Waiting) => self.wait(now, Stage::Poll, POLL_INTERVAL),
            Answer::State(RequestState::Approved(joined)) => self.entered(joined),
            Answer::State(RequestState::Refused) => {
                self.undo(Some(problem(
                    "request_refused",
                    "someone in the team declined your request; ask them for an invitation",
                )));
            }
            // The hub has forgotten the request, perhaps after it let this device in.
            Answer::Refused { code: RefusalCode::NotFound, .. } => self.ask_in(Stage::CheckMember),
            Answer::Refused { problem, .. }
            | Answer::Moved { problem, .. }
            | Answer::NotSent(problem)
            | Answer::Unknown(problem) => self.retry(now, Stage::Poll, problem),
            _ => self.wait(now, Stage::Poll, POLL_INTERVAL),
        }
    }

    fn member_checked(&mut self, now: Monotonic, answer: Answer) {
        match answer {
            Answer::View(view) => {
                let (Some(enter), Some(credential)) = (self.enter(), self.credential.clone())
                else {
                    return;
                };
                let name = enter.name.clone();
                let TeamView { team, root, user, role, at, pin, .. } = *view;
                let joined = Joined { team, root, user, name, role, credential, at, pin };
                self.entered(Box::new(joined));
            }
            Answer::Refused { code: RefusalCode::NotSignedIn, .. } => {
                self.undo(Some(problem(
                    "request_expired",
                    "nobody answered your request in time; ask again, or ask a member for a link",
                )));
            }
            Answer::Refused { problem, .. }
            | Answer::Moved { problem, .. }
            | Answer::NotSent(problem)
            | Answer::Unknown(problem) => self.retry(now, Stage::CheckMember, problem),
            _ => self.wait(now, Stage::CheckMember, POLL_INTERVAL),
        }
    }

    fn entered(&mut self, joined: Box<Joined>) {
        let replaces = self.enter().is_some_and(|enter| enter.replaces.is_some());
        if replaces && self.facts.membership.is_some() {
            self.step(Stage::ForgetOldMembership(joined), Effect::ForgetMembership);
        } else {
            self.save_membership(joined);
        }
    }

    fn save_membership(&mut self, joined: Box<Joined>) {
        let Some(storage) = self.enter().map(|enter| enter.storage) else { return };
        if !self.has(Rule::ClearLast) {
            self.effects.push_back(Effect::ClearIntent);
            self.intent = None;
        }
        let effect = Effect::SaveMembership { joined: joined.clone(), storage };
        self.step(Stage::SaveMembership(joined), effect);
    }

    fn save_withdrawn(&mut self) {
        self.failures = 0;
        match self.intent.clone() {
            Some(intent) => self.save(Stage::SaveWithdrawn, intent),
            None => self.begin_queued(),
        }
    }
}
