//! What the person asks for and what takes a while: starting, joining, leaving, moving. Meanwhile the desk serves on.
//!
//! Owns that there is one at a time, and what stands afterwards. The steps are [`crate::start`]'s.

use std::pin::Pin;

use porchlight_agent::leave_team::Leave;
use porchlight_agent::membership::SecretStorage;
use porchlight_core::team::Joined;
use porchlight_core::view::{Problem, Stage};
use porchlight_hub::Hub;

use super::{Answer, Desk, Ending, Team, hosting, say_goodbye, start};
use crate::start::{Failed, problem};
use crate::team::Standing;

type Doing = Pin<Box<dyn Future<Output = Outcome>>>;

/// One that is under way.
pub(super) struct Deed {
    doing: Doing,
    /// `None` where the window is told by the event of a request to be let in.
    answer: Option<Answer<()>>,
    /// To what it goes back where it fails.
    before: Stage,
    /// By what the person asked for it, should it have to be asked for again.
    key: Option<Key>,
}

/// What came of it.
pub(super) enum Outcome {
    Entered(Box<Team>),
    Failed(Failed),
    Left,
    /// Not left, and why. The person is there as before, where that could be.
    Stayed(Problem, Box<Result<Team, Problem>>),
    Hosts(Box<Hub>),
}

/// By what somebody was let in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Key {
    Link(String),
    /// The team's id in the vicinity, and the digits.
    Asked(String, String),
}

/// Somebody was let in, and what lets them in could not be kept. It is told once, so that it waits here.
pub(super) struct Unkept {
    pub(super) key: Key,
    joined: Box<Joined>,
}

/// Waits for the end of what is under way.
pub(super) async fn done(deed: &mut Option<Deed>) -> Outcome {
    match deed {
        Some(deed) => deed.doing.as_mut().await,
        None => std::future::pending().await,
    }
}

fn entered(outcome: Result<Team, Failed>) -> Outcome {
    match outcome {
        Ok(team) => Outcome::Entered(Box::new(team)),
        Err(failed) => Outcome::Failed(failed),
    }
}

impl Desk {
    pub(super) async fn look_around(&mut self, answer: Answer<()>) {
        let doing = async { entered(start::look_around().await.map_err(Failed::from)) };
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
        if let Some(unkept) = self.unkept.take_if(|unkept| unkept.key == key) {
            self.keep(unkept, keep, Some(answer)).await;
            return;
        }
        let flags = self.flags.clone();
        let doing = async move { entered(start::by_link(&flags, &link, &name, keep).await) };
        self.enter(Box::pin(doing), Some(answer), Some(key)).await;
    }

    /// A second try at what is told once.
    pub(super) async fn keep(
        &mut self,
        unkept: Unkept,
        keep: SecretStorage,
        answer: Option<Answer<()>>,
    ) {
        self.let_in(unkept.key, unkept.joined, keep, answer).await;
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

    /// Comes into a team, from nowhere or from the demo team.
    async fn enter(&mut self, doing: Doing, answer: Option<Answer<()>>, key: Option<Key>) {
        if let Some(answer) = self.held(answer) {
            let before = std::mem::replace(&mut self.stage, Stage::Starting);
            self.deed = Some(Deed { doing, answer, before, key });
            self.show_snapshot().await;
        }
    }

    /// Whether something else can begin: gives the answer back, or answers why not.
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
            // A window that was closed meanwhile needs no answer.
            Some(answer) => drop(answer.send(Err(why))),
            None => self.shell.emit("request", why),
        }
    }

    /// Leaves the team. While that is tried the window keeps showing it, for it may come to nothing.
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

    /// Lets the team's hub come to this computer. The agent follows it as everybody's does.
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
                    hosting::say_whose(&hub, &membership, device, &name);
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

    /// What was under way is over.
    pub(super) async fn settle(&mut self, outcome: Outcome) {
        let Some(Deed { answer, before, key, .. }) = self.deed.take() else { return };
        let result = match outcome {
            Outcome::Entered(team) => {
                // The demo team, which one comes from.
                self.leave(Ending::Quit).await;
                self.vicinity.stop();
                self.begin(*team);
                Ok(())
            }
            Outcome::Failed(Failed { problem, unkept }) => {
                self.stage = before;
                self.unkept = key.zip(unkept).map(|(key, joined)| Unkept { key, joined });
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
