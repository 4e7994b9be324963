//! Taking over the hub from another computer.
//!
//! The old hub lets go only after the copy here runs, and the copy serves only after the old hub has let go. Between the
//! two it may be unknown whether it has; then this computer keeps the copy and asks again.

use porchlight_core::team::Address;
use porchlight_core::time::Monotonic;

use super::{Lifecycle, Rule, Stage, StoreState, Verdict, interrupted, problem};
use crate::effect::{Answer, Effect, HubStart, Outcome, Report};
use crate::intent::{Hosting, Intent};

impl Lifecycle {
    pub(super) fn begin_host(&mut self, key: String, from: Vec<Address>) {
        if self.facts.membership.is_none() {
            return self.report(Report::Failed(problem(
                "no_team",
                "you don't belong to a team on this computer; start one or join one",
            )));
        }
        if self.facts.store == StoreState::Team {
            return self.report(Report::Failed(problem(
                "hosts_already",
                "this computer hosts a team already",
            )));
        }
        self.save(Stage::SaveHost, Intent::Host(Hosting { key, from, sent: Vec::new() }));
    }

    pub(super) fn resume_host(&mut self, hosting: &Hosting) {
        match self.facts.store {
            // Activated, but the intent was not removed yet.
            StoreState::Team => self.save_addresses(),
            StoreState::Arriving if !hosting.sent.is_empty() => self.start_arriving(),
            // The old hub serves still: it has got no address.
            StoreState::Arriving => self.undo(Some(interrupted())),
            StoreState::Empty | StoreState::Moved => {
                self.clear(Some(Report::Failed(interrupted())));
            }
        }
    }

    pub(super) fn host_step(&mut self, now: Monotonic, stage: &Stage, outcome: Outcome) {
        match (stage, outcome) {
            (Stage::SaveHost, Outcome::Failed(problem)) => {
                self.clear(Some(Report::Failed(problem)));
            }
            (Stage::SaveHost, _) => self.ask_in(Stage::HandOver),
            (Stage::HandOver, Outcome::Answered(answer)) => match *answer {
                // This computer hosted the team before, and still sends members on.
                Answer::Team(team) if self.facts.store == StoreState::Moved => {
                    self.step(Stage::StopMovedHub(team), Effect::StopHub);
                }
                Answer::Team(team) => self.step(Stage::Restore, Effect::RestoreTeam(team)),
                Answer::Refused { problem, .. }
                | Answer::Moved { problem, .. }
                | Answer::NotSent(problem)
                | Answer::Unknown(problem) => self.clear(Some(Report::Failed(problem))),
                _ => self.clear(Some(Report::Failed(interrupted()))),
            },
            (Stage::StopMovedHub(team), _) => {
                self.step(Stage::Restore, Effect::RestoreTeam(team.clone()));
            }
            (Stage::Restore, Outcome::Failed(problem)) => self.undo(Some(problem)),
            (Stage::Restore, _) => self.start_arriving(),
            (Stage::StartArriving, Outcome::HubRuns { at, .. }) => {
                self.facts.store = StoreState::Arriving;
                self.note_sent(at);
            }
            (Stage::StartArriving, Outcome::Failed(problem)) => self.not_started(problem),
            (Stage::SaveSent, Outcome::Failed(problem)) => self.not_started(problem),
            (Stage::SaveSent, _) => self.ask_in(Stage::TellOldHub),
            (Stage::TellOldHub, Outcome::Answered(answer)) => self.told(now, *answer),
            (Stage::Activate, Outcome::Done) => {
                self.facts.store = StoreState::Team;
                self.save_addresses();
            }
            (Stage::Activate, Outcome::Failed(problem)) => self.stay_stuck(problem),
            (Stage::SaveAddresses, _) => self.clear(Some(Report::Hosts)),
            (_, _) => self.stay_stuck(interrupted()),
        }
    }

    fn start_arriving(&mut self) {
        let start = if self.has(Rule::Arriving) { HubStart::Arriving } else { HubStart::Resume };
        self.step(Stage::StartArriving, Effect::StartHub(start));
    }

    /// The copy can't be served here. If the old hub may have the addresses, it may have let go: the copy stays. Else the old
    /// hub serves, and the copy goes.
    fn not_started(&mut self, problem: porchlight_core::view::Problem) {
        let was_sent =
            matches!(&self.intent, Some(Intent::Host(hosting)) if !hosting.sent.is_empty());
        if was_sent && self.maybe_sent {
            self.stay_stuck(problem);
        } else {
            self.undo(Some(problem));
        }
    }

    fn note_sent(&mut self, at: Vec<Address>) {
        let Some(Intent::Host(hosting)) = &mut self.intent else { return };
        hosting.sent = at;
        let intent = Intent::Host(hosting.clone());
        if self.has(Rule::NoteSent) {
            self.save(Stage::SaveSent, intent);
        } else {
            self.ask_in(Stage::TellOldHub);
        }
    }

    fn told(&mut self, now: Monotonic, answer: Answer) {
        match self.judge(answer) {
            Verdict::Yes(Answer::Team(team)) => {
                self.step(Stage::Activate, Effect::ActivateHub(team));
            }
            Verdict::AskAgain(problem) if self.has(Rule::KeepCopy) => {
                self.retry(now, Stage::TellOldHub, problem);
            }
            Verdict::No { problem, .. } | Verdict::AskAgain(problem) => self.undo(Some(problem)),
            Verdict::Yes(_) => self.retry(now, Stage::TellOldHub, interrupted()),
        }
    }

    fn save_addresses(&mut self) {
        let Some(Intent::Host(hosting)) = &self.intent else { return };
        let at = hosting.sent.clone();
        self.step(Stage::SaveAddresses, Effect::SaveAddresses(at));
    }
}
