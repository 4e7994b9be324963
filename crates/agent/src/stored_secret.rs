//! A secret, and where it is stored.

use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use porchlight_core::input::ConnectionFailure;
use tokio::sync::OnceCell;

use keyring::Prompt;

mod keyring;

pub use keyring::{KeyringError, ready, there as keyring_there};

/// A wait for the keyring that is longer than this is logged.
const LOG_AFTER: Duration = Duration::from_secs(2);

/// The stored secret of the device's credential. It is read once per run, because a keyring may
/// have to ask the person for a password.
pub struct StoredSecret {
    place: Place,
    known: OnceCell<String>,
    /// Whether the person was prompted to unlock the keyring. We prompt at most once per run. After
    /// that we only check whether the keyring is unlocked.
    prompted: AtomicBool,
}

#[derive(Debug, PartialEq, Eq)]
enum Place {
    /// In the keyring, under this account name.
    Keyring(String),
    File(PathBuf),
}

/// Why the device's secret can't be read. Programs branch on [`StoredSecretError::code`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoredSecretError {
    /// The keyring does not return it.
    #[error("the secret that lets this device into the team can't be read: {0}")]
    Keyring(#[from] KeyringError),
    /// The file can't be read.
    #[error(
        "the secret that lets this device into the team can't be read from {path} ({reason}); join again with a new link for another device of yours"
    )]
    File {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        reason: String,
    },
    /// It is not a secret of ours.
    #[error(
        "the secret that lets this device into the team is damaged; join again with a new link for another device of yours"
    )]
    Damaged,
}

/// Why a secret is not stored, or not removed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StoreSecretError {
    #[error(transparent)]
    Keyring(#[from] KeyringError),
    #[error("{path}: {error}")]
    File { path: PathBuf, error: io::Error },
}

impl StoredSecretError {
    /// The code that programs branch on.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Keyring(error) => error.code(),
            Self::File { .. } | Self::Damaged => "credential_missing",
        }
    }
}

impl StoredSecret {
    pub(crate) fn in_keyring(account: &str) -> Self {
        Self::at(Place::Keyring(account.to_owned()))
    }

    pub(crate) fn in_file(path: PathBuf) -> Self {
        Self::at(Place::File(path))
    }

    fn at(place: Place) -> Self {
        Self { place, known: OnceCell::new(), prompted: AtomicBool::new(false) }
    }

    pub(crate) const fn is_in_keyring(&self) -> bool {
        matches!(self.place, Place::Keyring(_))
    }

    pub(crate) async fn write(&self, team: &str, secret: &str) -> Result<(), StoreSecretError> {
        match &self.place {
            Place::Keyring(account) => keyring::write(account, team, secret).await?,
            Place::File(path) => {
                porchlight_files::write_creating_folder(path, secret.as_bytes())
                    .map_err(|error| StoreSecretError::File { path: path.clone(), error })?;
            }
        }
        let _ = self.known.set(secret.to_owned());
        Ok(())
    }

    pub(crate) async fn read(&self) -> Result<String, StoredSecretError> {
        self.known.get_or_try_init(|| self.load()).await.cloned()
    }

    /// Reads the secret; `None` if it is not stored.
    pub(crate) async fn read_if_there(&self) -> Result<Option<String>, StoredSecretError> {
        let is_missing = match &self.place {
            Place::Keyring(_) => false,
            Place::File(path) => !path.exists(),
        };
        match self.read().await {
            _ if is_missing => Ok(None),
            Err(StoredSecretError::Keyring(KeyringError::Missing)) => Ok(None),
            secret => secret.map(Some),
        }
    }

    /// Reads the secret for a connection. If that takes a while, the reason is logged.
    pub(crate) async fn read_for_connection(&self) -> Result<String, StoredSecretError> {
        let mut read = std::pin::pin!(self.read());
        tokio::select! {
            secret = &mut read => return secret,
            () = tokio::time::sleep(LOG_AFTER) => {
                tracing::warn!("waiting for the keyring; it may ask for your password in a window");
            }
        }
        read.await
    }

    async fn load(&self) -> Result<String, StoredSecretError> {
        match &self.place {
            Place::Keyring(account) => {
                let prompted = self.prompted.load(Ordering::Relaxed);
                let prompt = if prompted { Prompt::Never } else { Prompt::Allowed };
                let secret = keyring::read(account, prompt).await;
                if matches!(
                    secret,
                    Err(KeyringError::Refused | KeyringError::Locked | KeyringError::Silent)
                ) {
                    self.prompted.store(true, Ordering::Relaxed);
                }
                Ok(secret?)
            }
            Place::File(path) => {
                let text = fs::read_to_string(path).map_err(|error| StoredSecretError::File {
                    path: path.clone(),
                    reason: error.to_string(),
                })?;
                Ok(text.trim().to_owned())
            }
        }
    }

    pub(crate) async fn remove(&self) -> Result<(), StoreSecretError> {
        match &self.place {
            Place::Keyring(account) => match keyring::remove(account).await {
                Ok(()) | Err(KeyringError::Missing) => Ok(()),
                Err(error) => Err(error.into()),
            },
            Place::File(path) => porchlight_files::remove(path)
                .map_err(|error| StoreSecretError::File { path: path.clone(), error }),
        }
    }
}

impl From<StoredSecretError> for ConnectionFailure {
    fn from(error: StoredSecretError) -> Self {
        let may_pass = match &error {
            StoredSecretError::Keyring(error) => *error != KeyringError::Missing,
            StoredSecretError::File { .. } | StoredSecretError::Damaged => false,
        };
        Self::Credential { code: error.code(), may_pass, message: error.to_string() }
    }
}

impl PartialEq for StoredSecret {
    fn eq(&self, other: &Self) -> bool {
        self.place == other.place
    }
}

impl Eq for StoredSecret {}

impl std::fmt::Debug for StoredSecret {
    /// Prints where the secret is, but not the secret.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("StoredSecret").field(&self.place).finish()
    }
}
