//! A hub that gives its team to another one, and the one that takes it. Only an owner may ask (`http/relocation.rs`).
//!
//! The new hub begins with a copy, and serves nobody. Once it can be reached, the old hub lets go, durably, and answers with
//! its final state; then the new hub serves. Connections that are sent on publish no Will, so nobody is seen to leave.

use super::Team;
use super::backup::{BackupError, BackupFile};
use crate::accounts::SaveError;
use crate::clock;
use crate::custody::Move;
use crate::event::HubEvent;
use mqtt5::broker::storage::StorageBackend as _;
use porchlight_core::team::{Address, MAX_ADDRESSES};
use porchlight_core::topic::Topic;
use std::path::Path;
use std::time::Duration;

pub(super) mod reach;

/// How long everybody gets to read where the team goes.
const NEWS: Duration = Duration::from_secs(1);
/// How often to check whether the record with the new addresses is retained.
const GLANCE: Duration = Duration::from_millis(20);
/// How long to wait for a change of the accounts that is under way.
const FREEZE: Duration = Duration::from_secs(15);

/// Why a team does not move.
#[derive(Debug)]
pub(crate) enum MoveRefusal {
    /// The addresses or the key are not usable.
    BadRequest(&'static str),
    /// None of these addresses leads to the new hub.
    NotReachable(Vec<Address>),
    /// The team has moved, under another key.
    Moved,
    /// This hub has not got the team itself yet.
    Arriving,
    NotSaved(SaveError),
}

impl From<SaveError> for MoveRefusal {
    fn from(e: SaveError) -> Self {
        Self::NotSaved(e)
    }
}

impl Team {
    /// Everything that another hub needs: the accounts, the certificate, and the retained records.
    pub(crate) async fn export(&self) -> Vec<u8> {
        let retained = self.broker.storage.get_retained_messages("#").await.unwrap_or_default();
        let retained = retained.into_iter().map(|(_, message)| message).collect();
        BackupFile::new(self.ledger().sheet(), self.certificate.clone(), retained).to_json()
    }

    /// Gives the team to the hub at these addresses, and returns the final state. The same key gets the same answer again,
    /// as often as it asks, and may correct the addresses.
    pub(crate) async fn move_to(
        &self,
        at: Vec<Address>,
        key: Option<String>,
    ) -> Result<Vec<u8>, MoveRefusal> {
        if at.is_empty() || at.len() > MAX_ADDRESSES {
            return Err(MoveRefusal::BadRequest("give 1 to 8 addresses of the new hub"));
        }
        if key.as_deref().is_some_and(|key| !is_key(key)) {
            return Err(MoveRefusal::BadRequest("a key has 16 to 64 letters and digits"));
        }
        let _one = self.moving.lock().await;
        let since = clock::now().wall;
        let to = Move { at, key, since };
        if let Some(moved) = self.custody().moved() {
            if to.key.is_none() || moved.key != to.key {
                return Err(MoveRefusal::Moved);
            }
            if moved.at != to.at {
                self.custody().record_move(&to)?;
                self.custody().start_forwarding(to);
            }
            return Ok(self.export().await);
        }
        if !self.custody().is_serving() {
            return Err(MoveRefusal::Arriving);
        }
        // The new hub has a copy, and so the same certificate. A team whose new hub nobody reaches would be lost.
        if !reach::leads_to(&to.at, reach::Peer::Certificate(self.pin)).await {
            return Err(MoveRefusal::NotReachable(to.at));
        }
        if tokio::time::timeout(FREEZE, self.ledger().freeze()).await.is_err() {
            self.ledger().thaw();
            return Err(MoveRefusal::BadRequest("the hub is busy; try again in a moment"));
        }
        // On disk first: a hub that forgets that it has moved would be a second one.
        if let Err(e) = self.custody().record_move(&to) {
            tracing::warn!("{e}");
            self.ledger().thaw();
            return Err(e.into());
        }
        tracing::info!(at = ?to.at, "the team moves");
        self.change_place(|place| {
            place.at.clone_from(&to.at);
            place.host = None;
        });
        self.wait_until_announced().await;
        self.custody().start_forwarding(to);
        let state = self.export().await;
        self.connections().close_members(|_| true);
        // Nobody listens to a hub that is about to end.
        let _ = self.news.send(HubEvent::Moved);
        Ok(state)
    }

    /// Takes the final state of the hub that had the team before, and serves from then on.
    pub(crate) async fn activate(&self, state: &[u8]) -> Result<(), BackupError> {
        let final_state = BackupFile::from_json(state, Path::new("the answer of the old host"))?;
        let (accounts, retained) = final_state.into_state();
        self.ledger().replace(accounts).await.map_err(not_saved)?;
        let hub = Topic::Hub.to_wire(self.access.root());
        // This hub describes itself.
        self.publish_retained(retained.iter().filter(|message| message.topic != hub)).await;
        self.custody().serve().map_err(not_saved)?;
        tracing::info!("this hub serves the team now");
        Ok(())
    }

    /// Waits until the record with the new addresses is retained, and so handed to every connection.
    async fn wait_until_announced(&self) {
        let topic = format!("{}/_hub", self.access().root());
        let wanted = self.announce.borrow().clone();
        let out = async {
            loop {
                let retained = self.broker.storage.get_retained_message(&topic).await;
                if retained.ok().flatten().is_some_and(|record| record.payload == wanted) {
                    // Handed over; the connections' own tasks write it.
                    tokio::time::sleep(GLANCE * 5).await;
                    return;
                }
                tokio::time::sleep(GLANCE).await;
            }
        };
        if tokio::time::timeout(NEWS, out).await.is_err() {
            tracing::warn!("some members may have to ask this hub where the team is");
        }
    }
}

fn is_key(key: &str) -> bool {
    (16..=64).contains(&key.len()) && key.bytes().all(|b| b.is_ascii_alphanumeric())
}

fn not_saved(e: SaveError) -> BackupError {
    BackupError::Io { path: e.path, source: std::io::Error::other(e.reason) }
}
