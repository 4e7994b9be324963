//! Finds teams on the local network, and asks one of them to let this person join.

use std::collections::BTreeMap;
use std::time::Duration;

use porchlight_agent::device;
use porchlight_agent::discovery::{self, Change, Search, Team};
use porchlight_agent::membership::SecretStorage;
use porchlight_agent::team::{Requested, request};
use porchlight_core::team::{Invitation, Joined, RequestState};
use porchlight_core::view::Problem;
use porchlight_core::view::team::{InvitationView, NearbyTeam};
use tokio::task::AbortHandle;

use super::deed::Key;
use super::{Answer, Desk};
use crate::request::{Desktop, Request};
use crate::start::{self, problem};
use crate::team::refused;

/// The time between two questions about the state of a request.
const POLL_INTERVAL: Duration = Duration::from_secs(2);

/// The teams that a search has found, and the open request to join one.
#[derive(Debug, Default)]
pub(super) struct Discovery {
    search: Option<Search>,
    teams: BTreeMap<String, Team>,
    asking: Option<JoinRequest>,
}

/// An open request to join. Dropping it ends it.
#[derive(Debug)]
struct JoinRequest {
    team: String,
    keep: SecretStorage,
    task: AbortHandle,
}

impl Drop for JoinRequest {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Discovery {
    pub(super) fn look(&mut self, on: bool) -> Result<(), Problem> {
        if !on {
            self.search = None;
            self.teams.clear();
        } else if self.search.is_none() {
            let search = discovery::search().map_err(|error| problem("no_search", error))?;
            self.search = Some(search);
        }
        Ok(())
    }

    pub(super) fn stop(&mut self) {
        *self = Self::default();
    }

    pub(super) fn stop_asking(&mut self) {
        self.asking = None;
    }

    /// Waits for a change, and returns all teams.
    pub(super) async fn changed(&mut self) -> Vec<NearbyTeam> {
        let change = match &mut self.search {
            Some(search) => search.next().await,
            None => std::future::pending().await,
        };
        match change {
            Some(Change::Found(team)) => drop(self.teams.insert(team.id.clone(), team)),
            Some(Change::Gone { id }) => drop(self.teams.remove(&id)),
            // The search has ended by itself; the teams that it found may still be there.
            None => self.search = None,
        }
        let shown = |team: &Team| NearbyTeam { id: team.id.clone(), team: team.name.clone() };
        self.teams.values().map(shown).collect()
    }

    /// An invitation as the window shows it.
    pub(super) fn view(&self, invitation: Invitation) -> InvitationView {
        let Invitation { team, at, .. } = invitation;
        let nearby = self.teams.values().any(|team| team.at.iter().any(|seen| at.contains(seen)));
        let at = at.first().map(|address| address.host().to_owned()).unwrap_or_default();
        InvitationView { team, at, nearby }
    }
}

impl Desk {
    pub(super) async fn ask_to_join(
        &mut self,
        id: String,
        name: String,
        keep: SecretStorage,
        answer: Answer<String>,
    ) {
        // The team had already said yes, but the membership could not be stored.
        let same = |key: &Key| matches!(key, Key::Asked(asked, _) if *asked == id);
        if let Some(unstored) = self.unstored.take_if(|unstored| same(&unstored.key)) {
            if let Key::Asked(_, code) = &unstored.key {
                let _ = answer.send(Ok(code.clone()));
            }
            self.keep(unstored, keep, None).await;
            return;
        }
        let Some(team) = self.discovery.teams.get(&id).cloned() else {
            let gone =
                "this team is not seen on the network any more; look again, or join by a link";
            let _ = answer.send(Err(problem("not_found", gone)));
            return;
        };
        let asking = ask(team, name, keep, answer, self.desktop.clone());
        let task = tokio::spawn(asking).abort_handle();
        self.discovery.asking = Some(JoinRequest { team: id, keep, task });
    }

    /// Handles the end of a request with these digits.
    pub(super) async fn asked(&mut self, code: String, outcome: Result<Box<Joined>, Problem>) {
        // The person gave up in the meantime. The member who said yes sees a new member who never
        // appears.
        let Some(asking) = self.discovery.asking.take() else { return };
        match outcome {
            Ok(joined) => {
                let key = Key::Asked(asking.team.clone(), code);
                self.let_in(key, joined, asking.keep, None).await;
            }
            Err(problem) => self.shell.emit("request", problem),
        }
    }
}

async fn ask(
    team: Team,
    name: String,
    keep: SecretStorage,
    answer: Answer<String>,
    desktop: Desktop,
) {
    let requested = match begin(team, &name, keep).await {
        Ok(requested) => requested,
        Err(problem) => return drop(answer.send(Err(problem))),
    };
    let code = requested.code.clone();
    let _ = answer.send(Ok(code.clone()));
    let outcome = loop {
        tokio::time::sleep(POLL_INTERVAL).await;
        match requested.state().await {
            Ok(RequestState::Waiting) => {}
            Ok(RequestState::Approved(joined)) => break Ok(joined),
            Ok(RequestState::Refused) => {
                let said = "someone in the team declined your request; ask them for an invitation";
                break Err(problem("request_refused", said));
            }
            Err(error) => break Err(refused(&error)),
        }
    };
    desktop.send(Request::Asked(code, outcome));
}

async fn begin(team: Team, name: &str, keep: SecretStorage) -> Result<Requested, Problem> {
    let name = start::shown_name(name)?;
    start::can_keep(keep).await?;
    request(team.at, team.hint, &name, Some(device::kind())).await.map_err(|error| refused(&error))
}
