//! Operations that take a while: starting, joining, leaving and moving a team. The desk keeps
//! serving meanwhile.
//!
//! This module makes sure that only one runs at a time, and applies its result. The steps are in
//! [`crate::start`].

use std::pin::Pin;

use porchlight_agent::leave_team::Leave;
use porchlight_agent::membership::SecretStorage;
use porchlight_core::team::Joined;
use porchlight_core::view::{Problem, Stage};
use porchlight_hub::Hub;

use super::{Answer, Desk, Exit, Team, hosting, say_goodbye, start};
use crate::start::{EnterError, problem};
use crate::team::Standing;

type Doing = Pin<Box<dyn Future<Output = Outcome>>>;

/// A running operation.
pub(super) struct Deed {
    doing: Doing,
    /// `None` if the window learns the result from the event for requests to join.
    answer: Option<Answer<()>>,
    /// The stage to return to if it fails.
    before: Stage,
    /// The key under which a repeated request finds a membership that could not be stored.
    key: Option<Key>,
}

/// The result of an operation.
pub(super) enum Outcome {
    Entered(Box<Team>),
    Failed(EnterError),
    Left,
    /// Leaving failed, with the reason. The person is present again, if that was possible.
    Stayed(Problem, Box<Result<Team, Problem>>),
    Hosts(Box<Hub>),
}

/// What a membership was granted for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Key {
    Link(String),
    /// The id of a team that was found on the local network, and the digits of the request.
    Asked(String, String),
}

/// A granted membership that could not be stored. The hub sends it only once, so it is kept here.
pub(super) struct UnstoredMembership {
    pub(super) key: Key,
    joined: Box<Joined>,
}

/// Waits for the end of the operation. Never ends if there is none.
pub(super) async fn done(deed: &mut Option<Deed>) -> Outcome {
    match deed {
        Some(deed) => deed.doing.as_mut().await,
        None => std::future::pending().await,
    }
}

fn entered(outcome: Result<Team, EnterError>) -> Outcome {
    match outcome {
        Ok(team) => Outcome::Entered(Box::new(team)),
        Err(failed) => Outcome::Failed(failed),
    }
}

impl Desk {
    pub(super) async fn look_around(&mut self, answer: Answer<()>) {
        let doing = async { entered(start::look_around().await.map_err(EnterError::from)) };
        self.enter(Box::pin(doing), Some(answer), None).await;
    }

    pub(super) async fn start_team(
        &mut self,
        team: String,
        name: String,
        keep: SecretStorage,
        answer: Answer<()>,
    ) {
        let flags = self.flags.clone();
        let doing = async move { entered(start::here(&flags, &team, &name, keep).await) };
        self.enter(Box::pin(doing), Some(answer), None).await;
    }

    pub(super) async fn join(
        &mut self,
        link: String,
        name: String,
        keep: SecretStorage,
        answer: Answer<()>,
    ) {
        let key = Key::Link(link.clone());
        if let Some(unstored) = self.unstored.take_if(|unstored| unstored.key == key) {
            self.keep(unstored, keep, Some(answer)).await;
            return;
        }
        let flags = self.flags.clone();
        let doing = async move { entered(start::join(&flags, &link, &name, keep).await) };
        self.enter(Box::pin(doing), Some(answer), Some(key)).await;
    }

    /// Tries again to store a membership that the hub sends only once.
    pub(super) async fn keep(
        &mut self,
        unstored: UnstoredMembership,
        keep: SecretStorage,
        answer: Option<Answer<()>>,
    ) {
        self.let_in(unstored.key, unstored.joined, keep, answer).await;
    }

    pub(super) async fn let_in(
        &mut self,
        key: Key,
        joined: Box<Joined>,
        keep: SecretStorage,
        answer: Option<Answer<()>>,
    ) {
        let flags = self.flags.clone();
        let doing = async move { entered(start::keep_and_enter(&flags, joined, keep, None).await) };
        self.enter(Box::pin(doing), answer, Some(key)).await;
    }

    /// Enters a team, from no team or from the demo team.
    async fn enter(&mut self, doing: Doing, answer: Option<Answer<()>>, key: Option<Key>) {
        if let Some(answer) = self.held(answer) {
            let before = std::mem::replace(&mut self.stage, Stage::Starting);
            self.deed = Some(Deed { doing, answer, before, key });
            self.show_snapshot().await;
        }
    }

    /// Returns the answer channel if another operation can start. Else it answers why not, and
    /// returns `None`.
    fn held(&self, answer: Option<Answer<()>>) -> Option<Option<Answer<()>>> {
        let why = if self.deed.is_some() {
            problem(
                "busy",
                "Porchlight is still busy with your last request; wait a moment, then try again",
            )
        } else if self.team.as_ref().is_some_and(|team| team.stage == Stage::Running) {
            problem("member_already", "you already belong to a team; leave it first")
        } else {
            return Some(answer);
        };
        self.refuse(answer, why);
        None
    }

    fn refuse(&self, answer: Option<Answer<()>>, why: Problem) {
        match answer {
            // A window that was closed in the meantime needs no answer.
            Some(answer) => drop(answer.send(Err(why))),
            None => self.shell.emit("request", why),
        }
    }

    /// Leaves the team. The window keeps showing the team until that has succeeded.
    pub(super) fn leave_team(&mut self, leave: Leave, answer: Answer<()>) {
        let Some(membership) = self.membership().filter(|_| self.deed.is_none()) else {
            let _ = answer.send(Err(self.no_team()));
            return;
        };
        let Some(team) = self.team.take() else { return };
        let flags = self.flags.clone();
        let doing = async move {
            let hub = say_goodbye(team).await;
            match start::leave(&flags, membership, leave, hub).await {
                Ok(()) => Outcome::Left,
                Err((problem, again)) => Outcome::Stayed(problem, Box::new(again)),
            }
        };
        let (answer, before) = (Some(answer), self.stage);
        self.deed = Some(Deed { doing: Box::pin(doing), answer, before, key: None });
    }

    /// Moves the team's hub to this computer. The agent follows it, as every member's does.
    pub(super) fn move_here(&mut self, answer: Answer<()>) {
        let Some(membership) = self.membership().filter(|_| self.deed.is_none()) else {
            let _ = answer.send(Err(self.no_team()));
            return;
        };
        let flags = self.flags.clone();
        let device = self.team.as_ref().map(|team| team.device.clone());
        let doing = async move {
            let moving = async {
                let resolved = start::resolve(&flags)?;
                let hub = hosting::move_here(&resolved, &membership).await?;
                if let Some(device) = &device {
                    let name = resolved.shown_name(membership.user());
                    hosting::publish_host(&hub, &membership, device, &name);
                }
                Ok::<_, Problem>(hub)
            };
            match moving.await {
                Ok(hub) => Outcome::Hosts(Box::new(hub)),
                Err(problem) => Outcome::Failed(problem.into()),
            }
        };
        let (answer, before) = (Some(answer), self.stage);
        self.deed = Some(Deed { doing: Box::pin(doing), answer, before, key: None });
    }

    pub(super) fn standing(&self) -> Result<Standing, Problem> {
        let membership = self.membership().ok_or_else(|| self.no_team())?;
        let hub_of = |team: &Team| team.hub.is_some().then(|| team.device.clone());
        Ok(Standing { membership, hosting: self.team.as_ref().and_then(hub_of) })
    }

    fn membership(&self) -> Option<porchlight_agent::membership::Membership> {
        self.team.as_ref()?.membership.clone()
    }

    fn no_team(&self) -> Problem {
        if self.deed.is_some() {
            return problem(
                "busy",
                "Porchlight is still busy with your last request; wait a moment, then try again",
            );
        }
        problem("no_team", "you don't belong to a team on this computer; start one or join one")
    }

    /// Applies the result of the operation.
    pub(super) async fn settle(&mut self, outcome: Outcome) {
        let Some(Deed { answer, before, key, .. }) = self.deed.take() else { return };
        let result = match outcome {
            Outcome::Entered(team) => {
                // Ends the demo team, if there is one.
                self.leave(Exit::Quit).await;
                self.discovery.stop();
                self.begin(*team);
                Ok(())
            }
            Outcome::Failed(EnterError { problem, unstored }) => {
                self.stage = before;
                self.unstored =
                    key.zip(unstored).map(|(key, joined)| UnstoredMembership { key, joined });
                Err(problem)
            }
            Outcome::Left => {
                self.stage = Stage::FirstStart;
                Ok(())
            }
            Outcome::Stayed(problem, again) => {
                match *again {
                    Ok(team) => self.begin(team),
                    Err(worse) => self.problems.push(worse),
                }
                Err(problem)
            }
            Outcome::Hosts(hub) => {
                if let Some(team) = &mut self.team {
                    team.hub = Some(*hub);
                }
                Ok(())
            }
        };
        self.show_snapshot().await;
        match (result, answer) {
            (Ok(()), Some(answer)) => drop(answer.send(Ok(()))),
            (Ok(()), None) => {}
            (Err(problem), answer) => self.refuse(answer, problem),
        }
    }
}
