//! Teams on the local network (RFC 6762, RFC 6763).
//!
//! Owns the search. Deliberately lets nobody in: what is found is what strangers say of themselves, and joining needs
//! an invitation or a member's approval. Nothing is searched for unless [`search`] is called.

use std::collections::BTreeMap;
use std::net::IpAddr;

use mdns_sd::{Receiver, ResolvedService, ServiceDaemon, ServiceEvent};
use porchlight_core::team::{Address, MAX_ADDRESSES, MAX_TEAM_NAME};
use porchlight_core::text::display_text;

use crate::team::FingerprintPrefix;

/// The service type under which hubs announce themselves.
pub const SERVICE: &str = "_porchlight._tcp.local.";

/// The most teams that are told of: a network full of them must not fill the window, nor the memory.
const TEAMS: usize = 64;

/// A team whose hub answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Team {
    /// By which it is told apart from others, here and now.
    pub id: String,
    /// Its name, fit to be shown.
    pub name: String,
    /// Where its hub can be reached, the likeliest first.
    pub at: Vec<Address>,
    /// How its certificate begins.
    pub hint: FingerprintPrefix,
}

/// What changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// There is a team, or it is another than was said.
    Found(Team),
    /// It is gone.
    Gone {
        /// The [`Team::id`].
        id: String,
    },
}

/// The network can't be searched.
#[derive(Debug, thiserror::Error)]
#[error("the local network can't be searched for teams ({0}); join with a link instead")]
pub struct DiscoveryError(#[from] mdns_sd::Error);

/// A search. Dropping it ends it.
pub struct Search {
    daemon: ServiceDaemon,
    events: Receiver<ServiceEvent>,
    known: Known,
}

/// Begins to search.
///
/// # Errors
/// [`DiscoveryError`].
pub fn search() -> Result<Search, DiscoveryError> {
    Search::by(ServiceDaemon::new()?)
}

impl Search {
    fn by(daemon: ServiceDaemon) -> Result<Self, DiscoveryError> {
        let events = daemon.browse(SERVICE)?;
        Ok(Self { daemon, events, known: Known::default() })
    }

    /// The next change; `None` where the search ended by itself. Cancel-safe.
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
        // What can't be told to end has ended.
        let _ = self.daemon.shutdown();
    }
}

impl std::fmt::Debug for Search {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Search").field("known", &self.known.0.len()).finish_non_exhaustive()
    }
}

/// What was told of, by the full name of its service.
#[derive(Debug, Default)]
struct Known(BTreeMap<String, Team>);

impl Known {
    fn found(&mut self, service: &ResolvedService) -> Option<Change> {
        let name = &service.fullname;
        let Some(team) = team(service) else {
            return self.gone(name);
        };
        if self.0.get(name) == Some(&team) || (self.0.len() >= TEAMS && !self.0.contains_key(name))
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

/// `None` where it is no hub that we could join.
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
        // Which network such an address is of does not stand in it.
        .filter(|ip| !matches!(ip, IpAddr::V6(ip) if ip.is_unicast_link_local()))
        .filter_map(|ip| Address::new(&ip.to_string(), service.port).ok())
        .collect();
    // IPv4 first, as it needs no scope; then in an order that does not change by itself.
    at.sort_by_key(|address| (address.host().contains(':'), address.clone()));
    at.truncate(MAX_ADDRESSES);
    let id = display_text(text("id")?, MAX_TEAM_NAME)?;
    let name = display_text(instance, MAX_TEAM_NAME)?;
    let hint = text("pin")?.parse().ok()?;
    (!at.is_empty()).then_some(Team { id, name, at, hint })
}

#[cfg(test)]
mod tests;
