//! Removes members and revokes devices: first in the accounts, then everything that depends on them.
//!
//! Connections, sessions, Wills, approvals and retained records end with their credential.

use super::Team;
use crate::accounts::{
    CredentialUsage, Login, PendingSave, RemovalScope, RemoveMemberError, Removed, SaveError,
};
use mqtt5::broker::storage::StorageBackend as _;
use porchlight_core::id::{DeviceId, UserId};
use porchlight_core::team::{Role, Secret};
use porchlight_core::topic::Topic;
use std::collections::BTreeSet;
use std::time::Duration;

/// Maximum wait for closed connections to end. They normally end at once, because their next read returns the
/// end.
const ENDING: Duration = Duration::from_secs(3);

/// The reasons why access did not end permanently.
#[derive(Debug)]
pub(crate) enum EndAccessError {
    Stays(RemoveMemberError),
    /// Access has ended, but a restart would undo that. The hub retries until it is saved.
    NotSaved(SaveError),
}

/// Why a join is not taken back.
#[derive(Debug)]
pub(crate) enum UndoJoinError {
    /// Its credential is in use.
    InUse,
    NotSaved(SaveError),
}

/// Waits until a revocation is on disk, also one that was made earlier.
pub(super) async fn until_saved<T>(
    ended: Result<T, RemoveMemberError>,
    saving: PendingSave,
) -> Result<Option<T>, EndAccessError> {
    let ended = match ended {
        Ok(ended) => Some(ended),
        Err(RemoveMemberError::Already) => None,
        Err(stays) => return Err(EndAccessError::Stays(stays)),
    };
    saving.wait().await.map_err(EndAccessError::NotSaved)?;
    Ok(ended)
}

impl Team {
    /// Ends a membership, with its connections, Wills, sessions and records.
    pub(crate) async fn remove_member(
        &self,
        user: &UserId,
        along: RemovalScope,
    ) -> Result<(), EndAccessError> {
        let (removed, saving) = self.ledger().revoke_access(|team| team.remove_member(user, along));
        if let Ok(Removed { users, credentials }) = &removed {
            tracing::info!(%user, members = users.len(), "removed");
            self.end(credentials).await;
            self.clear_all_of(users).await;
        }
        until_saved(removed, saving).await.map(drop)
    }

    /// Takes back that a credential was granted, if it was never used. False: there is no such credential.
    pub(crate) async fn undo_join(&self, credential: &Secret) -> Result<bool, UndoJoinError> {
        let id = credential.id();
        if self.ledger().read(|team| team.admission_of(credential).is_none()) {
            return Ok(false);
        }
        let was_used = {
            let used = self.ledger().used();
            used.last_here(id).is_some() || !used.devices(id).is_empty()
        };
        if was_used {
            return Err(UndoJoinError::InUse);
        }
        let (ended, saving) = self.ledger().revoke_access(|team| team.undo_join(credential));
        if let Ok(user) = &ended {
            tracing::info!(%user, credential = id, "a join was taken back");
            // The device may connect just now.
            self.end(&[(user.clone(), id.to_owned())]).await;
        }
        match until_saved(ended, saving).await {
            Ok(_) => Ok(true),
            Err(EndAccessError::NotSaved(e)) => Err(UndoJoinError::NotSaved(e)),
            Err(EndAccessError::Stays(_)) => Err(UndoJoinError::InUse),
        }
    }

    /// Clears all retained messages of these members.
    async fn clear_all_of(&self, users: &[UserId]) {
        let root = self.access.root();
        let filter = match users {
            [user] => format!("{root}/{user}/#"),
            _ => format!("{root}/#"),
        };
        let users: BTreeSet<&str> = users.iter().map(UserId::as_str).collect();
        let prefix = format!("{root}/");
        let retained = self.broker.storage.get_retained_messages(&filter).await;
        for (topic, _) in retained.unwrap_or_default() {
            let user = topic.strip_prefix(&prefix).and_then(|rest| rest.split('/').next());
            if user.is_some_and(|user| users.contains(user)) {
                self.clear(&topic).await;
            }
        }
    }

    /// Revokes the credential of one device, and ends everything that depends on it.
    pub(crate) async fn revoke(
        &self,
        login: &Login,
        credential: &str,
    ) -> Result<(), EndAccessError> {
        let any = login.role == Role::Owner;
        let (user, saving) =
            self.ledger().revoke_access(|team| team.revoke(credential, &login.user, any));
        if let Ok(user) = &user {
            tracing::info!(%user, credential, "revoked");
            for (user, device) in self.end(&[(user.clone(), credential.to_owned())]).await {
                self.clear(&Topic::Device(user, device).to_wire(self.access.root())).await;
            }
        }
        until_saved(user, saving).await.map(drop)
    }

    /// Ends the connections and sessions of ended credentials. Returns the devices that no other credential uses.
    async fn end(&self, credentials: &[(UserId, String)]) -> Vec<(UserId, DeviceId)> {
        self.forget_approvals(credentials);
        let gone: BTreeSet<&str> = credentials.iter().map(|(_, id)| id.as_str()).collect();
        let is_gone = |credential: &str| gone.contains(credential);
        let (ids, devices) = {
            let users: BTreeSet<&UserId> = credentials.iter().map(|(user, _)| user).collect();
            let others: Vec<(UserId, String)> = self.ledger().read(|team| {
                let of = team.credentials().iter().filter(|(_, c)| users.contains(&c.user));
                of.map(|(id, credential)| (credential.user.clone(), id.clone())).collect()
            });
            let mut used = self.ledger().used();
            let devices_of = |used: &CredentialUsage, (user, id): &(UserId, String)| {
                let devices = used.devices(id);
                devices.into_iter().map(|device| (user.clone(), device)).collect::<Vec<_>>()
            };
            let kept: BTreeSet<_> = others.iter().flat_map(|of| devices_of(&used, of)).collect();
            let lost = credentials.iter().flat_map(|of| devices_of(&used, of));
            let devices: Vec<_> = lost.filter(|device| !kept.contains(device)).collect();
            let ids: Vec<String> = credentials.iter().flat_map(|(_, id)| used.forget(id)).collect();
            (ids, devices)
        };
        self.ledger().note();
        // From now on, `Access::may_stay` has late messages of these devices cleared.
        for (user, device) in &devices {
            self.access.revoke_devices(user, std::slice::from_ref(device));
        }
        self.connections().close_members(is_gone);
        for id in &ids {
            self.broker.end_session(id).await;
        }
        if tokio::time::timeout(ENDING, self.connections().ended(is_gone)).await.is_err() {
            tracing::warn!("a connection of somebody who was removed takes long to end");
        }
        // End the sessions that the closed connections left behind.
        for id in &ids {
            self.broker.end_session(id).await;
        }
        devices
    }
}
