//! Finds the new place of a hub that moved while this device was away.
//!
//! This module decides when to ask the old place over HTTP. A device that is connected during the
//! move learns of it over MQTT. Later, the old place refuses each CONNECT, and answers every HTTP
//! request with the new addresses.

use std::path::PathBuf;
use std::time::Duration;

use porchlight_core::input::{ConnectionEvent, ConnectionFailure};
use porchlight_core::reason::Meaning;
use porchlight_core::team::Address;
use porchlight_core::time::Monotonic;
use tokio::task::JoinHandle;

use crate::broker::Broker;
use crate::membership::Membership;
use crate::proxy::Proxy;
use crate::team::{Team, TeamError};

/// The shortest time between two requests: a hub that hangs up may just be busy.
const PAUSE: Duration = Duration::from_secs(60);

/// Asks the old place of a team where the hub is now, after a connection failed.
#[derive(Debug, Default)]
pub(super) struct RelocationWatch {
    asked: Option<Monotonic>,
    request: Option<JoinHandle<Vec<Address>>>,
}

impl RelocationWatch {
    /// Records the end of a connection, and asks if the broker is the hub of a membership.
    pub(super) fn note(&mut self, now: Monotonic, event: &ConnectionEvent, broker: &Broker) {
        let (ConnectionEvent::Down(failure), Some(folder)) = (event, &broker.membership) else {
            return;
        };
        if !may_have_moved(failure) {
            return;
        }
        if self.request.is_none() && self.asked.is_none_or(|asked| now.since(asked) >= PAUSE) {
            self.asked = Some(now);
            self.request = Some(tokio::spawn(ask_old_place(folder.clone(), broker.proxy.clone())));
        }
    }

    /// Waits for the hub's addresses. Cancel-safe.
    pub(super) async fn found(&mut self) -> Vec<Address> {
        let Some(request) = &mut self.request else {
            return std::future::pending().await;
        };
        let found = request.await.unwrap_or_default();
        self.request = None;
        found
    }
}

/// Whether a team whose hub ended the connection like this may be elsewhere.
fn may_have_moved(failure: &ConnectionFailure) -> bool {
    match failure {
        // A hub of an earlier version hangs up.
        ConnectionFailure::Protocol { .. } => true,
        ConnectionFailure::Refused(reason) | ConnectionFailure::Disconnected(reason) => {
            matches!(reason.meaning(), Meaning::Moved | Meaning::Busy)
        }
        _ => false,
    }
}

impl Drop for RelocationWatch {
    fn drop(&mut self) {
        if let Some(request) = &self.request {
            request.abort();
        }
    }
}

/// Asks for the addresses. Empty if there is no answer, which the connection's failure explains.
async fn ask_old_place(folder: PathBuf, proxy: Proxy) -> Vec<Address> {
    let Ok(Some(membership)) = Membership::read(&folder, &proxy) else {
        return Vec::new();
    };
    let answer = async { Team::of(&membership).await?.view().await };
    match answer.await {
        Ok(view) => view.at,
        // The new place is known, but can't be reached yet.
        Err(TeamError::Moved { at }) => at,
        Err(error) => {
            tracing::debug!("nobody says where the team is: {error}");
            Vec::new()
        }
    }
}
