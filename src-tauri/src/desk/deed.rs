//! Operations that take a while: starting, joining, leaving and moving a team, and entering it. The
//! desk keeps serving meanwhile.
//!
//! This module makes sure that only one runs at a time, and applies its result. The steps of a
//! membership are `porchlight_membership`'s; this one ends and begins presence around them.

use std::pin::Pin;

use porchlight_agent::device;
use porchlight_agent::membership::SecretStorage;
use porchlight_core::view::{Problem, Stage};
use porchlight_team::{Leaving, Operation, Report, Way};

use super::{Answer, Desk, Exit, say_goodbye, start};
use crate::hosting;
use crate::start::{Entered, problem};
use crate::team::Standing;

type Doing = Pin<Box<dyn Future<Output = Outcome>>>;

/// A running operation.
pub(super) struct Deed {
    work: Work,
    waiting: Waiting,
    /// The stage to return to if it fails.
    before: Stage,
    /// The operation has failed with this, and presence begins again as before.
    failed: Option<Problem>,
}

enum Work {
    /// `porchlight_membership` carries the operation out. Its end comes as a [`Report`].
    Membership,
    /// The end or the beginning of presence.
    Presence(Doing),
}

/// Who waits for the result.
pub(super) enum Waiting {
    Result(Answer<()>),
    /// The digits of a request to join. The window learns the result from events.
    Code(Answer<String>),
    Nobody,
}

/// The result of [`Work::Presence`].
pub(super) enum Outcome {
    Entered(Result<Box<Entered>, Problem>),
    /// The goodbye is published; now the team can be left.
    SaidGoodbye(Leaving),
}

/// Waits for the end or the beginning of presence. Never returns if there is none.
pub(super) async fn done(deed: &mut Option<Deed>) -> Outcome {
    match deed {
        Some(Deed { work: Work::Presence(doing), .. }) => doing.as_mut().await,
        _ => std::future::pending().await,
    }
}

impl Desk {
    pub(super) async fn look_around(&mut self, answer: Answer<()>) {
        let waiting = Waiting::Result(answer);
        let Some(waiting) = self.idle(waiting) else { return };
        let doing = async { Outcome::Entered(start::look_around().await.map(Box::new)) };
        let before = std::mem::replace(&mut self.stage, Stage::Starting);
        let work = Work::Presence(Box::pin(doing));
        self.deed = Some(Deed { work, waiting, before, failed: None });
        self.show_snapshot().await;
    }

    pub(super) async fn start_team(
        &mut self,
        team: &str,
        name: &str,
        keep: SecretStorage,
        answer: Answer<()>,
    ) {
        let way = start::team_name(team).map(|team| Way::Start { team, makes_store: false });
        self.become_member(way, name, keep, Waiting::Result(answer)).await;
    }

    pub(super) async fn join(
        &mut self,
        link: &str,
        name: &str,
        keep: SecretStorage,
        answer: Answer<()>,
    ) {
        let way = start::read(link).map(|invitation| Way::Link { invitation });
        self.become_member(way, name, keep, Waiting::Result(answer)).await;
    }

    /// Becomes a member, from no team or from the demo team.
    pub(super) async fn become_member(
        &mut self,
        way: Result<Way, Problem>,
        name: &str,
        keep: SecretStorage,
        waiting: Waiting,
    ) {
        let Some(waiting) = self.idle(waiting) else { return };
        let shows_request = matches!(waiting, Waiting::Code(_));
        let begun = way.and_then(|way| {
            let name = start::shown_name(name)?;
            self.membership.enter(way, name, Some(device::kind().to_owned()), keep)
        });
        match begun {
            Ok(()) => {
                let before = self.stage;
                if !shows_request {
                    self.stage = Stage::Starting;
                }
                self.deed = Some(Deed { work: Work::Membership, waiting, before, failed: None });
                self.show_snapshot().await;
            }
            Err(problem) => self.refuse(waiting, problem),
        }
    }

    /// Returns who waits, if another operation can start. Else it answers why not.
    fn idle(&self, waiting: Waiting) -> Option<Waiting> {
        let runs = self.team.as_ref().is_some_and(|team| team.stage == Stage::Running);
        let why = if self.deed.is_some() {
            busy()
        } else if runs && self.stored().is_none() {
            problem(
                "member_already",
                "your config names a broker; remove it there before you join a team",
            )
        } else {
            return Some(waiting);
        };
        self.refuse(waiting, why);
        None
    }

    fn refuse(&self, waiting: Waiting, why: Problem) {
        match waiting {
            // A window that was closed in the meantime needs no answer.
            Waiting::Result(answer) => drop(answer.send(Err(why))),
            Waiting::Code(answer) => drop(answer.send(Err(why))),
            Waiting::Nobody => self.shell.emit("request", why),
        }
    }

    /// Leaves the team. The window keeps showing the team until that has succeeded.
    pub(super) fn leave_team(&mut self, leaving: Leaving, answer: Answer<()>) {
        if self.stored().is_none() || self.deed.is_some() {
            let _ = answer.send(Err(self.no_team()));
            return;
        }
        let Some(team) = self.team.take() else { return };
        let doing = async move {
            say_goodbye(team).await;
            Outcome::SaidGoodbye(leaving)
        };
        let work = Work::Presence(Box::pin(doing));
        let (waiting, before) = (Waiting::Result(answer), self.stage);
        self.deed = Some(Deed { work, waiting, before, failed: None });
    }

    /// Moves the team's hub to this computer. The agent follows it, as every member's does.
    pub(super) fn move_here(&mut self, answer: Answer<()>) {
        if self.stored().is_none() || self.deed.is_some() {
            let _ = answer.send(Err(self.no_team()));
            return;
        }
        match self.membership.host() {
            Ok(()) => {
                let (waiting, before) = (Waiting::Result(answer), self.stage);
                self.deed = Some(Deed { work: Work::Membership, waiting, before, failed: None });
            }
            Err(problem) => drop(answer.send(Err(problem))),
        }
    }

    pub(super) fn standing(&self) -> Result<Standing, Problem> {
        let membership = self.stored().ok_or_else(|| self.no_team())?;
        let hosts = self.membership.hub().is_some_and(porchlight_hub::Hub::is_serving);
        let device = self.team.as_ref().map(|team| team.device.clone());
        Ok(Standing { membership, hosting: device.filter(|_| hosts) })
    }

    fn stored(&self) -> Option<porchlight_agent::membership::Membership> {
        self.team.as_ref()?.membership.clone()
    }

    fn no_team(&self) -> Problem {
        if self.deed.is_some() {
            return busy();
        }
        problem("no_team", "you don't belong to a team on this computer; start one or join one")
    }

    /// Applies a report of the membership.
    pub(super) async fn reported(&mut self, report: Report) {
        match report {
            Report::Ready => {}
            Report::Asked { code } => {
                if let Some(deed) = &mut self.deed
                    && let Waiting::Code(answer) =
                        std::mem::replace(&mut deed.waiting, Waiting::Nobody)
                {
                    // A window that was closed in the meantime needs no answer.
                    let _ = answer.send(Ok(code));
                }
            }
            Report::AskingAgain(problem) => tracing::warn!("{}; asking again", problem.message),
            Report::Entered(_) => {
                // A membership that its hub had ended.
                if let Some(old) = self.team.take_if(|team| team.stage == Stage::Running) {
                    say_goodbye(old).await;
                }
                self.stage = Stage::Starting;
                self.begin_presence(None);
                self.show_snapshot().await;
            }
            Report::Hosts => {
                self.publish_host();
                self.finish(Ok(())).await;
            }
            Report::Left { .. } => {
                if let Some(team) = self.team.take() {
                    say_goodbye(team).await;
                }
                self.stage = Stage::FirstStart;
                self.finish(Ok(())).await;
            }
            Report::Withdrawn => self.deed = None,
            Report::Failed(problem) | Report::Stuck(problem) => {
                tracing::warn!("{}", problem.message);
                // The goodbye was published before the team could be left.
                if self.team.is_none()
                    && self.deed.as_ref().is_some_and(|it| it.failed.is_none())
                    && self.is_member()
                {
                    self.begin_presence(Some(problem));
                } else {
                    self.finish(Err(problem)).await;
                }
            }
        }
    }

    /// Whether this account has a membership on disk.
    fn is_member(&self) -> bool {
        start::resolve(&self.flags).is_ok_and(|resolved| resolved.membership.is_some())
    }

    /// Begins presence in the team of the membership, now or after a failure.
    fn begin_presence(&mut self, failed: Option<Problem>) {
        let (flags, hubs) = (self.flags.clone(), self.hubs());
        let doing = async move { Outcome::Entered(start::again(&flags, hubs).await.map(Box::new)) };
        let work = Work::Presence(Box::pin(doing));
        match &mut self.deed {
            Some(deed) => (deed.work, deed.failed) = (work, failed),
            None => {
                let (waiting, before) = (Waiting::Nobody, self.stage);
                self.deed = Some(Deed { work, waiting, before, failed });
            }
        }
    }

    /// Applies the end or the beginning of presence.
    pub(super) async fn settle(&mut self, outcome: Outcome) {
        match outcome {
            Outcome::SaidGoodbye(leaving) => {
                match self.membership.begin(Operation::Leave(leaving)) {
                    Ok(()) => {
                        if let Some(deed) = &mut self.deed {
                            deed.work = Work::Membership;
                        }
                    }
                    Err(problem) => self.begin_presence(Some(problem)),
                }
            }
            Outcome::Entered(Ok(entered)) => {
                // Ends the demo team, if there is one.
                self.leave(Exit::Quit).await;
                self.discovery.stop();
                self.begin(*entered);
                let failed = self.deed.as_mut().and_then(|deed| deed.failed.take());
                self.finish(failed.map_or(Ok(()), Err)).await;
            }
            Outcome::Entered(Err(worse)) => {
                let failed = self.deed.as_mut().and_then(|deed| deed.failed.take());
                match failed {
                    Some(problem) => {
                        self.problems.push(worse);
                        self.finish(Err(problem)).await;
                    }
                    None => self.finish(Err(worse)).await,
                }
            }
        }
    }

    /// Ends the operation, and tells who waits for it.
    async fn finish(&mut self, result: Result<(), Problem>) {
        let Some(Deed { waiting, before, .. }) = self.deed.take() else {
            if let Err(problem) = result {
                self.problems.push(problem);
            }
            self.show_snapshot().await;
            return;
        };
        if result.is_err() && self.stage == Stage::Starting {
            self.stage = before;
        }
        self.show_snapshot().await;
        match (result, waiting) {
            (Ok(()), Waiting::Result(answer)) => drop(answer.send(Ok(()))),
            (Ok(()), Waiting::Code(_) | Waiting::Nobody) => {}
            (Err(problem), waiting) => self.refuse(waiting, problem),
        }
    }

    /// Publishes whose computer the hub runs on, if it runs here.
    pub(super) fn publish_host(&self) {
        if let (Some(hub), Some(team)) = (self.membership.hub(), &self.team)
            && let Some(membership) = &team.membership
            && hub.is_serving()
        {
            hosting::publish_host(hub, membership, &team.device, &team.name);
        }
    }
}

fn busy() -> Problem {
    problem(
        "busy",
        "Porchlight is still busy with your last request; wait a moment, then try again",
    )
}
