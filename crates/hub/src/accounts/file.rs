//! The accounts file: `team.json` in the folder of a hub or a gateway, readable by its user alone.
//!
//! An unreadable file is an error. A new team in its place would lock out every member.

use super::{Accounts, CredentialUsage};
use serde::{Deserialize, Serialize};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The file name.
pub(crate) const FILE: &str = "team.json";
/// Maximum file size, far more than 10,000 members need.
const MAX_LEN: u64 = 64 << 20;
const VERSION: u32 = 1;
/// The error text when the team moves and cannot be saved.
pub(super) const MOVING: &str = "the team moves to another computer";

/// The content of the file: the accounts, and the usage of each credential.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct AccountsFile {
    v: u32,
    #[serde(flatten)]
    pub(crate) accounts: Accounts,
    #[serde(default)]
    pub(crate) used: CredentialUsage,
}

/// The team cannot be read. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum AccountsError {
    /// The file exists, but reading it failed.
    #[error(
        "the team's file {} can't be read: {source}; make it readable for this user, or restore a backup (`porchlight hub restore`)", path.display()
    )]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
    /// The file exists, but its content is not valid.
    #[error(
        "the team's file {} is damaged: {reason}; restore a backup (`porchlight hub restore`), or move the file away to start a new team, which everybody must join again", path.display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The file is missing, although the team's certificate exists.
    #[error(
        "the team's file {} is missing, but its certificate is there; restore a backup (`porchlight hub restore`), or move the certificate away to start a new team, which everybody must join again", path.display()
    )]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// A later version of the program wrote the file.
    #[error(
        "the team's file {} was written by a newer Porchlight; update this one and start the hub again", path.display()
    )]
    Newer {
        /// The file.
        path: PathBuf,
    },
}

/// A change could not be written, and did not take effect.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the team can't be saved in {}: {reason}; free some space or make the folder writable, then try again", path.display())]
pub struct SaveError {
    pub(crate) path: PathBuf,
    pub(crate) reason: String,
}

impl SaveError {
    /// Returns whether the reason is that the team moves to another hub, and not the disk.
    pub(crate) fn is_moving(&self) -> bool {
        self.reason == MOVING
    }
}

impl AccountsFile {
    pub(crate) fn new(accounts: Accounts, used: CredentialUsage) -> Self {
        Self { v: VERSION, accounts, used }
    }

    /// Parses the output of [`AccountsFile::to_json`].
    pub(crate) fn from_json(json: &[u8], path: &Path) -> Result<Self, AccountsError> {
        #[derive(Deserialize)]
        struct Version {
            v: u32,
        }
        let damaged = |e: serde_json::Error| AccountsError::Damaged {
            path: path.to_owned(),
            reason: e.to_string(),
        };
        let Version { v } = serde_json::from_slice(json).map_err(damaged)?;
        if v > VERSION {
            return Err(AccountsError::Newer { path: path.to_owned() });
        }
        let mut sheet: Self = serde_json::from_slice(json).map_err(damaged)?;
        sheet.used = sheet.used.restored();
        Ok(sheet)
    }

    pub(crate) fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("maps with text as keys always serialize")
    }

    /// Replaces the file in this folder, durably and atomically.
    pub(crate) fn save(&self, folder: &Path) -> Result<(), SaveError> {
        porchlight_files::write(&folder.join(FILE), &self.to_json())
            .map_err(|e| SaveError { path: folder.to_owned(), reason: e.to_string() })
    }
}

/// Loads the accounts from this folder. Returns none if there is no file.
pub(crate) fn load(folder: &Path) -> Result<Option<AccountsFile>, AccountsError> {
    let path = folder.join(FILE);
    let unreadable = |source| AccountsError::Unreadable { path: path.clone(), source };
    match fs::metadata(&path) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(unreadable(e)),
        Ok(file) if file.len() > MAX_LEN => {
            return Err(AccountsError::Damaged {
                path,
                reason: format!("it is far too large ({} bytes)", file.len()),
            });
        }
        Ok(_) => {}
    }
    let json = fs::read(&path).map_err(unreadable)?;
    AccountsFile::from_json(&json, &path).map(Some)
}
