//! Finds teams on the local network, and asks one of them to let this person join.

use std::collections::BTreeMap;

use porchlight_agent::discovery::{self, Change, Search, Team};
use porchlight_agent::membership::SecretStorage;
use porchlight_core::team::Invitation;
use porchlight_core::view::Problem;
use porchlight_core::view::team::{InvitationView, NearbyTeam};
use porchlight_team::{NewRequest, Way};

use super::deed::Waiting;
use super::{Answer, Desk};
use crate::start::problem;

/// The teams that a search has found.
#[derive(Debug, Default)]
pub(super) struct Discovery {
    search: Option<Search>,
    teams: BTreeMap<String, Team>,
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
        id: &str,
        name: &str,
        keep: SecretStorage,
        answer: Answer<String>,
    ) {
        let gone = "this team is not seen on the network any more; look again, or join by a link";
        let team = self.discovery.teams.get(id).cloned();
        let way = team.ok_or_else(|| problem("not_found", gone)).map(|team| {
            Way::Request(NewRequest {
                team: team.name,
                at: team.at,
                prefix: team.hint,
                ticket: porchlight_hub::new_secret(),
                asked: None,
            })
        });
        self.become_member(way, name, keep, Waiting::Code(answer)).await;
    }
}
