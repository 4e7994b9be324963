//! Removing members and revoking devices: the accounts first, then everything that depends on them.
//!
//! Owns that connections, sessions, Wills, approvals and retained records end with their credential.

use super::Team;
use crate::accounts::{
    CredentialUsage, Login, PendingSave, RemovalScope, RemoveMemberError, Removed, SaveError,
};
use mqtt5::broker::storage::StorageBackend as _;
use porchlight_core::id::{DeviceId, UserId};
use porchlight_core::team::Role;
use porchlight_core::topic::Topic;
use std::collections::BTreeSet;
use std::time::Duration;

/// How long to wait until closed connections have ended. They need no time: their next read returns the end.
const ENDING: Duration = Duration::from_secs(3);

/// Why access did not end for good.
#[derive(Debug)]
pub(crate) enum EndAccessError {
    Stays(RemoveMemberError),
    /// It has ended, but a restart would forget that. It is tried again until it is saved.
    NotSaved(SaveError),
}

/// Waits until it is on disk that something ended, now or before.
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
    /// Ends a membership: connections, Wills, sessions and records end with it.
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

    /// Takes away everything that is retained of these members.
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

    /// Ends one device's credential, and everything that hangs on it.
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
        // From here on what is still under way of them is cleared as it arrives (`Access::may_stay`).
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
        // What the connections left behind as they ended.
        for id in &ids {
            self.broker.end_session(id).await;
        }
        devices
    }
}
