//! Follows a team whose hub moved while this device was not there.
//!
//! Owns when the old place is asked over HTTP where the hub is now. Whoever is connected when it moves is told by MQTT;
//! afterwards the old place takes no CONNECT, and answers this alone.

use std::path::{Path, PathBuf};
use std::time::Duration;

use porchlight_core::input::{ConnectionEvent, ConnectionFailure};
use porchlight_core::team::Address;
use porchlight_core::time::Monotonic;
use tokio::task::JoinHandle;

use crate::membership::Membership;
use crate::team::{Team, TeamError};

/// Asked no more often than this: a hub that hangs up may be busy, too.
const PAUSE: Duration = Duration::from_secs(60);

/// See the module's page.
#[derive(Debug, Default)]
pub(super) struct RelocationWatch {
    asked: Option<Monotonic>,
    inquiry: Option<JoinHandle<Vec<Address>>>,
}

impl RelocationWatch {
    /// Takes note of what became of the link; `membership` is the state folder of what was joined.
    pub(super) fn note(
        &mut self,
        now: Monotonic,
        event: &ConnectionEvent,
        membership: Option<&Path>,
    ) {
        let ConnectionEvent::Down(ConnectionFailure::Protocol { .. }) = event else {
            return;
        };
        let Some(folder) = membership else {
            return;
        };
        if self.inquiry.is_none() && self.asked.is_none_or(|asked| now.since(asked) >= PAUSE) {
            self.asked = Some(now);
            self.inquiry = Some(tokio::spawn(inquire(folder.to_owned())));
        }
    }

    /// Where the hub is, once that is known. Cancel-safe.
    pub(super) async fn found(&mut self) -> Vec<Address> {
        let Some(inquiry) = &mut self.inquiry else {
            return std::future::pending().await;
        };
        let found = inquiry.await.unwrap_or_default();
        self.inquiry = None;
        found
    }
}

impl Drop for RelocationWatch {
    fn drop(&mut self) {
        if let Some(inquiry) = &self.inquiry {
            inquiry.abort();
        }
    }
}

/// Nothing where it can't be had: the link says why there is none.
async fn inquire(folder: PathBuf) -> Vec<Address> {
    let Ok(Some(membership)) = Membership::read(&folder) else {
        return Vec::new();
    };
    let answer = async { Team::of(&membership).await?.view().await };
    match answer.await {
        Ok(view) => view.at,
        // It is there, but not yet to be reached.
        Err(TeamError::Moved { at }) => at,
        Err(error) => {
            tracing::debug!("nobody says where the team is: {error}");
            Vec::new()
        }
    }
}
