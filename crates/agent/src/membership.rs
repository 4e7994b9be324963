//! The team that this account belongs to.
//!
//! This module owns `membership.json` and the credential's secret. The secret is in the system's
//! keyring or, if the person agreed, in a file next to it. This module sends no requests to the
//! hub, which [`crate::team`] does.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use porchlight_core::id::{Root, UserId};
use porchlight_core::team::{Address, Joined, MAX_ADDRESSES, Pin, Secret};
use serde::{Deserialize, Serialize};

use crate::broker::{Broker, Login, Password};
use crate::proxy::Proxy;
use crate::stored_secret::StoreSecretError;

pub use crate::stored_secret::{
    KeyringError, StoredSecret, StoredSecretError, keyring_there, ready,
};

pub use porchlight_team::SecretStorage;

/// The secret of a credential that a hub does not know yet. It is stored before the hub learns it,
/// so that a crash loses nothing.
#[derive(Debug)]
pub struct PendingSecret {
    credential: String,
    kept: StoredSecret,
}

impl PendingSecret {
    /// The place of the secret of this credential, whether or not it is stored.
    #[must_use]
    pub fn of(state: &Path, credential: &str, storage: SecretStorage) -> Self {
        let kept = match storage {
            SecretStorage::Keyring => StoredSecret::in_keyring(credential),
            SecretStorage::FileAgreed => {
                StoredSecret::in_file(state.join(format!("pending-{credential}.secret")))
            }
        };
        Self { credential: credential.to_owned(), kept }
    }

    /// Stores the secret.
    ///
    /// # Errors
    ///
    /// [`MembershipError::Keyring`] or [`MembershipError::Unwritable`] if it can't be stored.
    pub async fn save(&self, team: &str, credential: &Secret) -> Result<(), MembershipError> {
        if self.kept.is_in_keyring() {
            // One that does not answer is noticed at once, and not after the time for a password.
            keyring_there().await?;
        }
        Ok(self.kept.write(team, credential.secret()).await?)
    }

    /// Reads the secret; `None` if it is not stored.
    ///
    /// # Errors
    ///
    /// [`StoredSecretError::Keyring`] or [`StoredSecretError::File`] if it can't be read;
    /// [`StoredSecretError::Damaged`] if it is not a secret of ours.
    pub async fn load(&self) -> Result<Option<Secret>, StoredSecretError> {
        match self.kept.read_if_there().await? {
            Some(secret) => Secret::of_parts(&self.credential, &secret)
                .map(Some)
                .map_err(|_| StoredSecretError::Damaged),
            None => Ok(None),
        }
    }

    /// Removes the secret, if it is stored.
    ///
    /// # Errors
    ///
    /// [`MembershipError::Keyring`] or [`MembershipError::Unwritable`] if it can't be removed.
    pub async fn forget(&self) -> Result<(), MembershipError> {
        Ok(self.kept.remove().await?)
    }
}

/// Where the secret is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Place {
    Keyring,
    File,
}

/// The stored membership of a team.
#[derive(Debug, Clone)]
pub struct Membership {
    content: Content,
    folder: PathBuf,
    kept: Arc<StoredSecret>,
    /// The proxy to the hub, if one is used. It belongs to this computer's network, so it is
    /// not stored.
    pub(crate) proxy: Proxy,
}

/// The content of `membership.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Content {
    team: String,
    root: Root,
    user: UserId,
    name: String,
    /// The credential's id. Its secret is stored elsewhere.
    credential: String,
    pin: Pin,
    at: Vec<Address>,
    kept: Place,
}

/// Why the membership can't be read or stored. Programs branch on [`MembershipError::code`].
#[derive(Debug, thiserror::Error)]
pub enum MembershipError {
    /// The account already belongs to another team.
    #[error("this account already belongs to {team:?}; leave it first (porchlight leave)")]
    Another {
        /// The team's name.
        team: String,
    },
    /// The file exists but can't be understood.
    #[error(
        "{path} can't be read ({reason}); join again with a new link for another device of yours"
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A file can't be written or removed.
    #[error("{path} can't be written ({error}); check the folder's permissions and free space")]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        error: io::Error,
    },
    /// The keyring does not take the secret.
    #[error(
        "{0}. Or agree to keep the secret in a file that only this account may read, without a password"
    )]
    Keyring(#[from] KeyringError),
}

impl From<StoreSecretError> for MembershipError {
    fn from(error: StoreSecretError) -> Self {
        match error {
            StoreSecretError::Keyring(error) => Self::Keyring(error),
            StoreSecretError::File { path, error } => Self::Unwritable { path, error },
        }
    }
}

impl MembershipError {
    /// The code that programs branch on.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Another { .. } => "member_already",
            Self::Damaged { .. } => "membership_damaged",
            Self::Unwritable { .. } => "membership_not_saved",
            Self::Keyring(error) => error.code(),
        }
    }
}

impl Membership {
    /// Reads the membership from the state folder; `None` if there is none. Its hub is reached
    /// through `proxy`.
    ///
    /// # Errors
    ///
    /// [`MembershipError::Damaged`] if the file can't be read or understood.
    pub fn read(state: &Path, proxy: &Proxy) -> Result<Option<Self>, MembershipError> {
        let path = file(state);
        let damaged = |reason: String| MembershipError::Damaged { path: path.clone(), reason };
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(damaged(error.to_string())),
        };
        let content: Content =
            serde_json::from_slice(&bytes).map_err(|error| damaged(error.to_string()))?;
        if content.at.is_empty() {
            return Err(damaged("it holds no address".to_owned()));
        }
        Ok(Some(Self::of(content, state, proxy.clone())))
    }

    fn of(content: Content, state: &Path, proxy: Proxy) -> Self {
        let kept = match content.kept {
            Place::Keyring => StoredSecret::in_keyring(&content.credential),
            Place::File => StoredSecret::in_file(secret_file(state)),
        };
        Self { content, folder: state.to_owned(), kept: Arc::new(kept), proxy }
    }

    /// Stores what the hub answered to a join request. If this fails, the answer is not lost: the
    /// caller can try another storage.
    ///
    /// # Errors
    ///
    /// * [`MembershipError::Another`] if the account belongs to another team;
    /// * [`MembershipError::Damaged`] if the existing file can't be read;
    /// * [`MembershipError::Keyring`] or [`MembershipError::Unwritable`] if it can't be stored.
    pub async fn keep(
        state: &Path,
        joined: &Joined,
        keep: SecretStorage,
    ) -> Result<Self, MembershipError> {
        if let Some(team) =
            Self::read(state, &Proxy::default())?.filter(|kept| kept.content.user != joined.user)
        {
            return Err(MembershipError::Another { team: team.content.team });
        }
        let content = Content {
            team: joined.team.clone(),
            root: joined.root.clone(),
            user: joined.user.clone(),
            name: joined.name.clone(),
            credential: joined.credential.id().to_owned(),
            pin: joined.pin,
            at: joined.at.iter().take(MAX_ADDRESSES).cloned().collect(),
            kept: match keep {
                SecretStorage::Keyring => Place::Keyring,
                SecretStorage::FileAgreed => Place::File,
            },
        };
        let membership = Self::of(content, state, Proxy::default());
        membership.kept.write(&joined.team, joined.credential.secret()).await?;
        membership.save()?;
        if keep == SecretStorage::FileAgreed {
            PendingSecret::of(state, joined.credential.id(), keep).forget().await?;
        }
        Ok(membership)
    }

    fn save(&self) -> Result<(), MembershipError> {
        let path = file(&self.folder);
        serde_json::to_vec_pretty(&self.content)
            .map_err(io::Error::from)
            .and_then(|content| porchlight_files::write_creating_folder(&path, &content))
            .map_err(|error| MembershipError::Unwritable { path, error })
    }

    /// Stores the present addresses of the hub, the likeliest first.
    ///
    /// # Errors
    ///
    /// * [`MembershipError::Damaged`] if the file can't be read;
    /// * [`MembershipError::Unwritable`] if it can't be written.
    pub fn found_at(state: &Path, at: &[Address]) -> Result<(), MembershipError> {
        match Self::read(state, &Proxy::default())? {
            Some(mut kept) if !at.is_empty() && kept.content.at != at => {
                kept.content.at = at.iter().take(MAX_ADDRESSES).cloned().collect();
                kept.save()
            }
            _ => Ok(()),
        }
    }

    /// Removes the membership. The secret is removed first, so that none is left behind unnoticed.
    ///
    /// # Errors
    ///
    /// * [`MembershipError::Keyring`] if the keyring does not remove the secret;
    /// * [`MembershipError::Unwritable`] if a file can't be removed.
    pub async fn forget(self) -> Result<(), MembershipError> {
        self.kept.remove().await?;
        let path = file(&self.folder);
        porchlight_files::remove(&path).map_err(|error| MembershipError::Unwritable { path, error })
    }

    /// Reads the whole credential.
    ///
    /// # Errors
    ///
    /// * [`StoredSecretError::Keyring`] or [`StoredSecretError::File`] if the secret can't be read;
    /// * [`StoredSecretError::Damaged`] if it is not a secret of ours.
    pub async fn credential(&self) -> Result<Secret, StoredSecretError> {
        let secret = self.kept.read().await?;
        Secret::of_parts(&self.content.credential, &secret).map_err(|_| StoredSecretError::Damaged)
    }

    /// The team's broker, with the login.
    #[must_use]
    pub fn broker(&self) -> Broker {
        let Content { root, credential, pin, at, .. } = &self.content;
        let password = Password::Stored(self.kept.clone());
        let login = Login { username: credential.clone(), password };
        let mut broker = Broker::pinned(at.clone(), *pin, root.clone(), login);
        broker.membership = Some(self.folder.clone());
        broker.proxy = self.proxy.clone();
        broker
    }

    /// The team's name.
    #[must_use]
    pub fn team(&self) -> &str {
        &self.content.team
    }

    /// This account's user id in the team.
    #[must_use]
    pub fn user(&self) -> &UserId {
        &self.content.user
    }

    /// The name that the person joined with.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.content.name
    }

    /// The credential's id, by which its device can be revoked.
    #[must_use]
    pub fn credential_id(&self) -> &str {
        &self.content.credential
    }

    /// The addresses of the hub, the likeliest first.
    #[must_use]
    pub fn at(&self) -> &[Address] {
        &self.content.at
    }

    /// The fingerprint of the hub's certificate.
    #[must_use]
    pub fn pin(&self) -> Pin {
        self.content.pin
    }
}

fn file(state: &Path) -> PathBuf {
    state.join("membership.json")
}

fn secret_file(state: &Path) -> PathBuf {
    state.join("membership.secret")
}

#[cfg(test)]
mod tests;
