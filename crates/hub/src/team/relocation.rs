//! A hub that gives its team to another one.
//!
//! The new hub begins with everything that stands here, and only then everybody is sent there. Those who are sent say no
//! goodbye, and no Will of theirs is heard: to the others they were never gone.

use super::Team;
use super::backup::{Backup, records};
use crate::accounts::SaveError;
use mqtt5::broker::storage::StorageBackend as _;
use porchlight_core::team::Address;
use std::time::Duration;

/// How long the news of the move gets to reach everybody.
const NEWS: Duration = Duration::from_secs(1);
/// How often it is looked at whether it was taken up.
const GLANCE: Duration = Duration::from_millis(20);

impl Team {
    /// Where the team went, if it did.
    pub(crate) fn moved_to(&self) -> Option<Vec<Address>> {
        self.forwarding.addresses()
    }

    /// Everything that another hub needs to begin with: the accounts, the certificate, and what is retained.
    pub(crate) async fn export(&self) -> Vec<u8> {
        let retained = self.broker.storage.get_retained_messages("#").await.unwrap_or_default();
        let retained = retained.into_iter().map(|(_, message)| message).collect();
        Backup::new(self.ledger().sheet(), self.certificate.clone(), retained).to_json()
    }

    /// Sends everybody to the new hub, and serves nobody from here on. What stood at the end is returned.
    pub(crate) async fn move_to(&self, at: Vec<Address>) -> Result<Vec<u8>, SaveError> {
        // First on disk: a hub that forgets that it has moved would be a second one.
        self.forwarding.write(&at).inspect_err(|e| tracing::warn!("{e}"))?;
        tracing::info!(?at, "the team moves");
        self.change_place(|place| {
            place.at.clone_from(&at);
            place.host = None;
        });
        self.wait_until_announced().await;
        self.access().close();
        self.forwarding.set(at);
        let retained = self.broker.storage.get_retained_messages("#").await.unwrap_or_default();
        let records = records(retained.into_iter().map(|(_, message)| message));
        self.connections().close_members(|_| true);
        Ok(records)
    }

    /// Waits until `_hub` says where the team goes, which is when it was handed to everybody's connection.
    async fn wait_until_announced(&self) {
        let topic = format!("{}/_hub", self.access().root());
        let wanted = self.announce.borrow().clone();
        let out = async {
            loop {
                let said = self.broker.storage.get_retained_message(&topic).await;
                if said.ok().flatten().is_some_and(|said| said.payload == wanted) {
                    // Handed over; the connections' own tasks write it.
                    tokio::time::sleep(GLANCE * 5).await;
                    return;
                }
                tokio::time::sleep(GLANCE).await;
            }
        };
        if tokio::time::timeout(NEWS, out).await.is_err() {
            tracing::warn!("not everybody may have heard where the team went");
        }
    }
}
