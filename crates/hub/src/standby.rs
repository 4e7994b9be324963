//! What the backup computer keeps so that it can serve while the host is away.
//!
//! Owns the folder on the backup: its key, and the last state that the host sent. The host signs the list of members with
//! the team's identity, and a delegation for the backup's key. It trusts nothing that is not signed, and nothing older
//! than it has. `team/backup_stream.rs` sends the state, `Hub::stand_in` serves with it (`docs/protocol.md`, *The backup
//! computer*).

use crate::accounts::{Accounts, AccountsFile, CredentialUsage, SaveError};
use crate::certificate::Certificate;
use data_encoding::BASE64URL_NOPAD;
use delegation::Delegation;
use list::SignedList;
use porchlight_core::team::{Address, Host, Pin};
use porchlight_core::time::Timestamp;
use rcgen::{KeyPair, PublicKeyData as _};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::{fs, io};

mod delegation;
mod list;
mod retained;

pub use retained::RetainedCopy;
pub(crate) use retained::{CopiedMessage, copy_of};

const KEY: &str = "backup-key.pem";
const STATE: &str = "backup.json";
const VERSION: u32 = 1;

/// The folder of a backup computer.
#[derive(Debug, Clone)]
pub struct StandbyFolder {
    folder: PathBuf,
    pin: Pin,
}

/// What a backup knows of its team, as the host sent it last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StandbySummary {
    /// The revision of the list of members.
    pub revision: u64,
    /// When the delegation ends. Later the backup must not serve.
    pub expires: Timestamp,
    /// The computer that hosts the team.
    pub host: Option<Host>,
    /// The addresses of the host.
    pub at: Vec<Address>,
}

/// The state of the host, as it is sent and kept. Everything but the place is signed.
#[derive(Serialize, Deserialize)]
pub(crate) struct SignedState {
    v: u32,
    list: SignedList,
    /// The delegation, PEM.
    delegation: String,
    /// The team's certificate, PEM.
    identity: String,
    #[serde(default)]
    host: Option<Host>,
    at: Vec<Address>,
}

/// What was verified of a state.
pub(crate) struct Verified {
    pub(crate) accounts: Accounts,
    pub(crate) summary: StandbySummary,
}

/// The backup can't use what it has or gets.
#[derive(Debug, thiserror::Error)]
pub enum StandbyError {
    /// A file could not be read or written.
    #[error("{}: {source}; check its permissions and the free space", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
    /// A file or a message is not what it should be. The host's next message replaces it.
    #[error("what the host sent can't be used: {reason}")]
    Damaged {
        /// What is wrong.
        reason: String,
    },
    /// It is not signed by the team that this computer joined.
    #[error("another team's host signed this; it is ignored")]
    OtherTeam,
    /// It is older than what this computer has.
    #[error("this is older than what this computer has of its team; it is ignored")]
    Outdated,
    /// The host has sent nothing yet.
    #[error(
        "this computer has heard nothing from the host yet; it can serve the team once it was connected to it"
    )]
    NothingYet,
    /// The host allowed it only until then, and was not there since.
    #[error(
        "the host allowed this computer to serve the team until a time that has passed; it serves again once the host was there"
    )]
    Expired,
}

impl StandbyFolder {
    /// The folder `folder`, for the team with this certificate.
    #[must_use]
    pub const fn new(folder: PathBuf, pin: Pin) -> Self {
        Self { folder, pin }
    }

    /// The public key of this computer: the DER of its `SubjectPublicKeyInfo` in base64url. Makes the key if there is
    /// none. Blocks on the disk.
    ///
    /// # Errors
    ///
    /// [`StandbyError::Io`] if the key can't be read or written, [`StandbyError::Damaged`] if it is no key.
    pub fn public_key(&self) -> Result<String, StandbyError> {
        let key = KeyPair::from_pem(&self.key()?).map_err(damaged)?;
        Ok(BASE64URL_NOPAD.encode(&key.subject_public_key_info()))
    }

    /// Keeps a state that the host sent. Blocks on the disk.
    ///
    /// # Errors
    ///
    /// [`StandbyError::Damaged`], [`StandbyError::OtherTeam`] and [`StandbyError::Expired`] if it can't be used,
    /// [`StandbyError::Outdated`] if a later one is there, [`StandbyError::Io`] if it can't be written.
    pub fn accept(&self, state: &str, now: Timestamp) -> Result<StandbySummary, StandbyError> {
        let verified = self.verify(state, now)?.summary;
        let known = self.read().ok().flatten();
        let known = known.and_then(|known| self.verify(&known, now).ok());
        if known.is_some_and(|known| known.summary.revision > verified.revision) {
            return Err(StandbyError::Outdated);
        }
        let path = self.folder.join(STATE);
        porchlight_files::write_creating_folder(&path, state.as_bytes())
            .map_err(|source| StandbyError::Io { path, source })?;
        Ok(verified)
    }

    /// The last state that was kept; none before the first. Blocks on the disk.
    ///
    /// # Errors
    ///
    /// As [`StandbyFolder::accept`].
    pub fn load(&self, now: Timestamp) -> Result<Option<StandbySummary>, StandbyError> {
        Ok(self.open(now)?.map(|verified| verified.summary))
    }

    /// Removes the key and the state. Blocks on the disk.
    ///
    /// # Errors
    ///
    /// [`io::Error`] if a file can't be removed.
    pub fn forget(&self) -> io::Result<()> {
        for name in [STATE, KEY] {
            porchlight_files::remove(&self.folder.join(name))?;
        }
        Ok(())
    }

    /// The accounts of the last state; none before the first.
    pub(crate) fn open(&self, now: Timestamp) -> Result<Option<Verified>, StandbyError> {
        self.read()?.map(|state| self.verify(&state, now)).transpose()
    }

    /// The certificate with which this computer serves: its delegation and the team's certificate, and its key.
    pub(crate) fn certificate(&self) -> Result<Certificate, StandbyError> {
        let state = self.read()?.ok_or(StandbyError::NothingYet)?;
        let SignedState { delegation, identity, .. } = parse(&state)?;
        Ok(Certificate { certificate: format!("{delegation}{identity}"), key: self.key()? })
    }

    fn read(&self) -> Result<Option<String>, StandbyError> {
        read(&self.folder.join(STATE))
    }

    /// The private key of this computer, PEM. Makes one if there is none.
    pub(crate) fn key(&self) -> Result<String, StandbyError> {
        let path = self.folder.join(KEY);
        if let Some(key) = read(&path)? {
            return Ok(key);
        }
        let key = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).map_err(damaged)?;
        let pem = key.serialize_pem();
        porchlight_files::write_creating_folder(&path, pem.as_bytes())
            .map_err(|source| StandbyError::Io { path, source })?;
        Ok(pem)
    }

    fn verify(&self, state: &str, now: Timestamp) -> Result<Verified, StandbyError> {
        let SignedState { v, list, delegation, identity, host, at } = parse(state)?;
        if v > VERSION {
            return Err(damaged("a newer Porchlight sent it; update this one"));
        }
        let identity = certificate(&identity)?;
        if crate::certificate::pin_of(&identity) != Some(self.pin) {
            return Err(StandbyError::OtherTeam);
        }
        let accounts = list.verify(&identity)?;
        let delegation = Delegation::verify(&certificate(&delegation)?, &identity)?;
        let own = KeyPair::from_pem(&self.key()?).map_err(damaged)?.subject_public_key_info();
        if delegation.key != own || delegation.serial != accounts.revision() {
            return Err(damaged("the delegation is not for this computer and this list"));
        }
        if now >= delegation.expires {
            return Err(StandbyError::Expired);
        }
        let (revision, expires) = (accounts.revision(), delegation.expires);
        Ok(Verified { accounts, summary: StandbySummary { revision, expires, host, at } })
    }
}

impl SignedState {
    /// Signs the state of a team for the backup with this key.
    pub(crate) fn sign(
        accounts: &Accounts,
        key: &str,
        certificate: &Certificate,
        place: (Option<Host>, Vec<Address>),
        now: Timestamp,
    ) -> Result<Self, StandbyError> {
        let key = BASE64URL_NOPAD.decode(key.as_bytes()).map_err(damaged)?;
        let (host, at) = place;
        Ok(Self {
            v: VERSION,
            list: SignedList::sign(&accounts.for_backup(), certificate)?,
            delegation: delegation::issue(certificate, &key, accounts.revision(), now)?,
            identity: certificate.certificate.clone(),
            host,
            at,
        })
    }

    pub(crate) fn to_json(&self) -> String {
        serde_json::to_string(self).expect("text, numbers and lists of them always serialize")
    }
}

impl Verified {
    pub(crate) fn into_sheet(self) -> AccountsFile {
        AccountsFile::new(self.accounts, CredentialUsage::default())
    }
}

impl From<SaveError> for StandbyError {
    fn from(e: SaveError) -> Self {
        Self::Io { path: e.path, source: io::Error::other(e.reason) }
    }
}

/// The DER of a public key that a delegation can name.
pub(crate) fn key_of(key: &str) -> Option<Vec<u8>> {
    let der = BASE64URL_NOPAD.decode(key.as_bytes()).ok()?;
    rcgen::SubjectPublicKeyInfo::from_der(&der).is_ok().then_some(der)
}

fn parse(state: &str) -> Result<SignedState, StandbyError> {
    serde_json::from_str(state).map_err(damaged)
}

fn certificate(pem: &str) -> Result<CertificateDer<'static>, StandbyError> {
    CertificateDer::from_pem_slice(pem.as_bytes()).map_err(damaged)
}

fn read(path: &Path) -> Result<Option<String>, StandbyError> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(StandbyError::Io { path: path.to_owned(), source }),
    }
}

#[expect(clippy::needless_pass_by_value, reason = "used as a function of map_err")]
pub(crate) fn damaged(reason: impl ToString) -> StandbyError {
    StandbyError::Damaged { reason: reason.to_string() }
}

#[cfg(test)]
mod tests;
