//! Leaving the team.

use porchlight_core::team::RefusalCode;
use porchlight_core::time::Monotonic;

use super::{Lifecycle, Stage, StoreState, Verdict, interrupted, problem};
use crate::effect::{Answer, Effect, Outcome, Report};
use crate::intent::{Intent, Leaving};

/// How often a hub is asked before a person who leaves anyway has left.
const ANYWAY_ATTEMPTS: u32 = 3;

impl Lifecycle {
    pub(super) fn begin_leave(&mut self, leaving: Leaving) {
        if self.facts.membership.is_none() {
            return self.report(Report::Failed(problem(
                "no_team",
                "you don't belong to a team on this computer; start one or join one",
            )));
        }
        self.save(Stage::SaveLeave, Intent::Leave(leaving));
    }

    pub(super) fn resume_leave(&mut self) {
        if self.facts.membership.is_none() {
            self.end_hub();
        } else {
            self.ask_in(Stage::Leave);
        }
    }

    /// The person does not want to wait for the hub any longer.
    pub(super) fn leave_anyway(&mut self) {
        if let Some(Intent::Leave(leaving)) = &mut self.intent {
            leaving.anyway = true;
        }
        self.failures = ANYWAY_ATTEMPTS;
        if self.next_ask.take().is_some() {
            self.ask();
        }
    }

    pub(super) fn leave_step(&mut self, now: Monotonic, stage: &Stage, outcome: Outcome) {
        match (stage, outcome) {
            (Stage::SaveLeave, Outcome::Failed(problem)) => {
                self.clear(Some(Report::Failed(problem)));
            }
            (Stage::SaveLeave, _) if self.hosts() => {
                self.step(Stage::CountOthers, Effect::CountMembers);
            }
            (Stage::CountOthers, Outcome::Members(members)) if members > 1 => {
                self.ask_in(Stage::CheckRemoved);
            }
            (Stage::CheckRemoved, Outcome::Answered(answer)) => match *answer {
                // A person who was removed owes the others no hub.
                Answer::Refused { code: RefusalCode::NotSignedIn, .. } => self.left(),
                _ => self.clear(Some(Report::Failed(problem(
                    "hosts_team",
                    "this computer hosts the team for others; host it on another member's computer first, then leave",
                )))),
            },
            (Stage::CountOthers, Outcome::Failed(problem)) => {
                self.clear(Some(Report::Failed(problem)));
            }
            (Stage::SaveLeave | Stage::CountOthers, _) => self.ask_in(Stage::Leave),
            (Stage::Leave, Outcome::Answered(answer)) => self.leave_answered(now, *answer),
            // Only a team without members ends.
            (Stage::CountLeft, outcome) => {
                let remove = outcome == Outcome::Members(0);
                self.step(Stage::StopEmptied { remove }, Effect::StopHub);
            }
            (Stage::StopEmptied { remove: true }, _) => {
                self.step(Stage::RemoveEmptied, Effect::RemoveTeam);
            }
            (Stage::RemoveEmptied, _) => {
                self.facts.store = StoreState::Empty;
                self.has_left();
            }
            (Stage::StopEmptied { remove: false }, _) => self.has_left(),
            (Stage::ForgetMembership, Outcome::Failed(problem)) => self.stay_stuck(problem),
            (Stage::ForgetMembership, _) => {
                self.facts.membership = None;
                self.end_hub();
            }
            (_, _) => self.stay_stuck(interrupted()),
        }
    }

    fn leave_answered(&mut self, now: Monotonic, answer: Answer) {
        let anyway = matches!(&self.intent, Some(Intent::Leave(leaving)) if leaving.anyway);
        match self.judge(answer) {
            Verdict::Yes(_) => self.left(),
            // The hub had ended it before.
            Verdict::No { code: Some(RefusalCode::NotSignedIn), .. } => self.left(),
            Verdict::No { problem, .. } if anyway => {
                self.unconfirmed = Some(problem);
                self.left();
            }
            Verdict::No { problem, .. } => self.clear(Some(Report::Failed(problem))),
            Verdict::AskAgain(problem) if anyway && self.failures + 1 >= ANYWAY_ATTEMPTS => {
                self.unconfirmed = Some(problem);
                self.left();
            }
            Verdict::AskAgain(problem) => self.retry(now, Stage::Leave, problem),
        }
    }

    /// The hub has ended the membership. It is asked before its files go, so they go last.
    fn left(&mut self) {
        self.step(Stage::ForgetMembership, Effect::ForgetMembership);
    }

    fn hosts(&self) -> bool {
        self.facts.hosts && self.facts.store == StoreState::Team
    }

    /// The team's hub on this computer ends with its last member.
    fn end_hub(&mut self) {
        if self.hosts() {
            self.step(Stage::CountLeft, Effect::CountMembers);
        } else {
            self.has_left();
        }
    }

    fn has_left(&mut self) {
        let unconfirmed = self.unconfirmed.take();
        self.clear(Some(Report::Left { unconfirmed }));
    }
}
