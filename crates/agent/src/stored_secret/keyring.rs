//! The system's keyring: Secret Service, Keychain or Credential Manager.
//!
//! This module distinguishes a missing keyring, a locked one, and one that the person did not
//! unlock. The libraries block, and a person may take a while to type a password, so each request
//! runs on its own thread. If a keyring does not even report whether it is locked, the request
//! fails within seconds.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use keyring_core::api::CredentialStore;
use keyring_core::{Entry, Error};
use tokio::sync::oneshot;

#[cfg(target_os = "linux")]
mod secret_service;
#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests;

/// The service name of our entries.
const SERVICE: &str = "Porchlight";
/// The timeout for a request that may ask for a password. The person may have to find it first.
const PROMPT_TIMEOUT: Duration = Duration::from_secs(180);
/// The timeout for a request without a prompt. The keyring's program may have to start first.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(8);

/// Why a request to the keyring failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyringError {
    /// There is no keyring.
    #[error("no keyring is running; start GNOME Keyring, KWallet or KeePassXC, then try again")]
    Absent {
        /// What the system reports, for the log.
        reason: String,
    },
    /// It is locked, and no program here can prompt for its password.
    #[error(
        "the keyring is locked, and Porchlight can't ask you for its password here; unlock it, for example by logging in to the desktop, then try again"
    )]
    Locked,
    /// The person was asked to unlock it, and did not.
    #[error(
        "the keyring is still locked, because the dialog for its password was closed; try again and enter the password"
    )]
    Refused,
    /// It has no entry of ours.
    #[error(
        "the keyring no longer has the secret of this team; join again with a new link for another device of yours"
    )]
    Missing,
    /// It does not answer.
    #[error("the keyring does not answer; log out and in again, then try again")]
    Silent,
    /// Any other error.
    #[error("the keyring reports an error; unlock it or log in again, then try again")]
    Failed {
        /// The keyring's own message.
        reason: String,
    },
}

impl KeyringError {
    /// The code that programs branch on.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Absent { .. } => "keyring_absent",
            Self::Locked => "keyring_locked",
            Self::Refused => "keyring_refused",
            Self::Missing => "credential_missing",
            Self::Silent | Self::Failed { .. } => "keyring_failed",
        }
    }
}

/// How to read a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Prompt {
    /// The keyring may prompt the person to unlock it.
    Allowed,
    /// Only if the keyring is unlocked.
    Never,
}

/// Checks that the keyring stores secrets, and may prompt the person to unlock it. Call it before
/// an invitation is redeemed, which is possible only once.
///
/// # Errors
///
/// A [`KeyringError`] with the reason.
pub async fn ready() -> Result<(), KeyringError> {
    const PROBE: &str = "probe";
    check_responds().await?;
    run_on_thread(PROMPT_TIMEOUT, || {
        let entry = entry(PROBE, "a probe")?;
        entry.set_password(PROBE).map_err(keyring_error)?;
        entry.delete_credential().map_err(keyring_error)
    })
    .await
}

/// Checks that there is a keyring, without any prompt.
///
/// # Errors
///
/// * [`KeyringError::Absent`] if there is none;
/// * [`KeyringError::Silent`] if it does not answer;
/// * [`KeyringError::Failed`] for any other error.
pub async fn there() -> Result<(), KeyringError> {
    #[cfg(target_os = "linux")]
    return run_on_thread(RESPONSE_TIMEOUT, || secret_service::is_locked().map(drop)).await;
    #[cfg(not(target_os = "linux"))]
    run_on_thread(RESPONSE_TIMEOUT, || store().map(drop)).await
}

/// Fails if the keyring does not respond. The request that follows reports any other problem.
async fn check_responds() -> Result<(), KeyringError> {
    match there().await {
        Err(KeyringError::Silent) => Err(KeyringError::Silent),
        _ => Ok(()),
    }
}

pub(super) async fn write(account: &str, team: &str, secret: &str) -> Result<(), KeyringError> {
    let (account, team, secret) = (account.to_owned(), team.to_owned(), secret.to_owned());
    check_responds().await?;
    run_on_thread(PROMPT_TIMEOUT, move || {
        entry(&account, &team)?.set_password(&secret).map_err(keyring_error)
    })
    .await
}

pub(super) async fn read(account: &str, prompt: Prompt) -> Result<String, KeyringError> {
    let account = account.to_owned();
    check_responds().await?;
    run_on_thread(PROMPT_TIMEOUT, move || {
        #[cfg(target_os = "linux")]
        if prompt == Prompt::Never && secret_service::is_locked()? {
            return Err(KeyringError::Locked);
        }
        #[cfg(not(target_os = "linux"))]
        let _ = prompt;
        entry(&account, "")?.get_password().map_err(keyring_error)
    })
    .await
}

pub(super) async fn remove(account: &str) -> Result<(), KeyringError> {
    let account = account.to_owned();
    check_responds().await?;
    run_on_thread(PROMPT_TIMEOUT, move || {
        entry(&account, "")?.delete_credential().map_err(keyring_error)
    })
    .await
}

async fn run_on_thread<T: Send + 'static>(
    limit: Duration,
    what: impl FnOnce() -> Result<T, KeyringError> + Send + 'static,
) -> Result<T, KeyringError> {
    let (sender, answer) = oneshot::channel();
    // A thread of its own: a runtime that ends waits for its blocking threads.
    let started = thread::Builder::new().name("keyring".to_owned()).spawn(move || {
        // The caller may have given up.
        let _ = sender.send(what());
    });
    if let Err(error) = started {
        return Err(KeyringError::Failed { reason: error.to_string() });
    }
    match tokio::time::timeout(limit, answer).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(_)) | Err(_) => Err(KeyringError::Silent),
    }
}

fn entry(account: &str, team: &str) -> Result<Entry, KeyringError> {
    let store = store()?;
    // The label that the person reads in the keyring's own window.
    #[cfg(target_os = "linux")]
    let label = format!("Porchlight: {team}");
    #[cfg(target_os = "linux")]
    let modifiers = Some(std::collections::HashMap::from([("label", label.as_str())]));
    #[cfg(not(target_os = "linux"))]
    let (modifiers, _) = (None, team);
    store.build(SERVICE, account, modifiers.as_ref()).map_err(keyring_error)
}

#[cfg(target_os = "linux")]
fn store() -> Result<Arc<CredentialStore>, KeyringError> {
    zbus_secret_service_keyring_store::Store::new()
        .map(|store| store as Arc<CredentialStore>)
        .map_err(keyring_error)
}

#[cfg(target_os = "macos")]
fn store() -> Result<Arc<CredentialStore>, KeyringError> {
    apple_native_keyring_store::keychain::Store::new()
        .map(|store| store as Arc<CredentialStore>)
        .map_err(keyring_error)
}

#[cfg(windows)]
fn store() -> Result<Arc<CredentialStore>, KeyringError> {
    windows_native_keyring_store::Store::new()
        .map(|store| store as Arc<CredentialStore>)
        .map_err(keyring_error)
}

#[cfg(not(any(target_os = "linux", target_os = "macos", windows)))]
fn store() -> Result<Arc<CredentialStore>, KeyringError> {
    Err(KeyringError::Absent { reason: "none is known for this system".to_owned() })
}

/// Translates the libraries' errors into errors that a person can act on.
fn keyring_error(error: Error) -> KeyringError {
    match error {
        Error::NoEntry => KeyringError::Missing,
        #[cfg(target_os = "linux")]
        Error::PlatformFailure(reason) | Error::NoStorageAccess(reason) => {
            secret_service::keyring_error(&*reason)
        }
        #[cfg(not(target_os = "linux"))]
        Error::NoStorageAccess(_) => KeyringError::Locked,
        other => {
            tracing::debug!("the keyring: {other}");
            KeyringError::Failed { reason: other.to_string() }
        }
    }
}
