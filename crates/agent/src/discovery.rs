//! Finds teams on the local network (RFC 6762, RFC 6763).
//!
//! This module only searches, and only after [`search`] was called. It lets nobody in: the results
//! are claims of strangers, and joining needs an invitation or a member's approval.

use std::collections::BTreeMap;
use std::net::IpAddr;

use mdns_sd::{Receiver, ResolvedService, ServiceDaemon, ServiceEvent};
use porchlight_core::team::{Address, FingerprintPrefix, MAX_ADDRESSES, MAX_TEAM_NAME};
use porchlight_core::text::display_text;

/// The service type that hubs announce.
pub const SERVICE: &str = "_porchlight._tcp.local.";

/// The maximum number of teams to report: a network full of them must not fill the window or the
/// memory.
const MAX_TEAMS: usize = 64;

/// A team whose hub announced itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Team {
    /// An id that distinguishes it from other teams during this search.
    pub id: String,
    /// Its name, made safe to show.
    pub name: String,
    /// The addresses of its hub, the likeliest first.
    pub at: Vec<Address>,
    /// The start of its certificate's fingerprint.
    pub hint: FingerprintPrefix,
}

/// A change in the teams that are found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// A team appeared or changed.
    Found(Team),
    /// A team disappeared.
    Gone {
        /// The [`Team::id`].
        id: String,
    },
}

/// The local network can't be searched.
#[derive(Debug, thiserror::Error)]
#[error("the local network can't be searched for teams ({0}); join with a link instead")]
pub struct DiscoveryError(#[from] mdns_sd::Error);

/// A running search. Dropping it ends the search.
pub struct Search {
    daemon: ServiceDaemon,
    events: Receiver<ServiceEvent>,
    known: ReportedTeams,
}

/// Starts a search.
///
/// # Errors
///
/// [`DiscoveryError`] if the local network can't be searched.
pub fn search() -> Result<Search, DiscoveryError> {
    Search::by(ServiceDaemon::new()?)
}

impl Search {
    fn by(daemon: ServiceDaemon) -> Result<Self, DiscoveryError> {
        let events = daemon.browse(SERVICE)?;
        Ok(Self { daemon, events, known: ReportedTeams::default() })
    }

    /// Waits for the next change. Returns `None` if the search has ended by itself. Cancel-safe.
    pub async fn next(&mut self) -> Option<Change> {
        loop {
            let change = match self.events.recv_async().await.ok()? {
                ServiceEvent::ServiceResolved(service) => self.known.found(&service),
                ServiceEvent::ServiceRemoved(_, name) => self.known.gone(&name),
                _ => None,
            };
            if change.is_some() {
                return change;
            }
        }
    }
}

impl Drop for Search {
    fn drop(&mut self) {
        // An error means that the daemon has already ended.
        let _ = self.daemon.shutdown();
    }
}

impl std::fmt::Debug for Search {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Search").field("known", &self.known.0.len()).finish_non_exhaustive()
    }
}

/// The reported teams, by the full names of their services.
#[derive(Debug, Default)]
struct ReportedTeams(BTreeMap<String, Team>);

impl ReportedTeams {
    fn found(&mut self, service: &ResolvedService) -> Option<Change> {
        let name = &service.fullname;
        let Some(team) = team(service) else {
            return self.gone(name);
        };
        if self.0.get(name) == Some(&team)
            || (self.0.len() >= MAX_TEAMS && !self.0.contains_key(name))
        {
            return None;
        }
        self.0.insert(name.clone(), team.clone());
        Some(Change::Found(team))
    }

    fn gone(&mut self, name: &str) -> Option<Change> {
        self.0.remove(name).map(|team| Change::Gone { id: team.id })
    }
}

/// The team that a service announces; `None` if it is not a hub that we could join.
fn team(service: &ResolvedService) -> Option<Team> {
    let text = |key| service.get_property_val_str(key);
    if text("v") != Some("1") {
        return None;
    }
    let instance = service.fullname.strip_suffix(SERVICE)?.strip_suffix('.')?;
    let mut at: Vec<Address> = service
        .addresses
        .iter()
        .map(mdns_sd::ScopedIp::to_ip_addr)
        // A link-local address does not name its network.
        .filter(|ip| !matches!(ip, IpAddr::V6(ip) if ip.is_unicast_link_local()))
        .filter_map(|ip| Address::new(&ip.to_string(), service.port).ok())
        .collect();
    // IPv4 first, because it needs no scope; then in a stable order.
    at.sort_by_key(|address| (address.host().contains(':'), address.clone()));
    at.truncate(MAX_ADDRESSES);
    let id = display_text(text("id")?, MAX_TEAM_NAME)?;
    let name = display_text(instance, MAX_TEAM_NAME)?;
    let hint = text("pin")?.parse().ok()?;
    (!at.is_empty()).then_some(Team { id, name, at, hint })
}

#[cfg(test)]
mod tests;
