//! Backs up a whole team in one file: accounts, certificate and retained records.
//!
//! Anyone with the file can impersonate the team's hub, because it contains the certificate's key. So only
//! its user may read it. It contains no member's secret, only keyed hashes.

use crate::accounts::{AccountsFile, load};
use crate::certificate::{Certificate, CertificateError};
use crate::store::Folder;
use crate::{AccountsError, custody, log};
use mqtt5::broker::storage::RetainedMessage;
use serde::{Deserialize, Serialize};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

const VERSION: u32 = 1;

/// The content of a backup.
#[derive(Serialize, Deserialize)]
pub(super) struct BackupFile {
    v: u32,
    team: AccountsFile,
    certificate: Certificate,
    retained: Vec<RetainedMessage>,
}

/// A backup or restore failed.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The folder contains no team.
    #[error("there is no team in {}; name the hub's folder (--store)", folder.display())]
    NoTeam {
        /// The folder.
        folder: PathBuf,
    },
    /// The folder contains another team.
    #[error(
        "{} contains another team; restore to an empty folder (--store), or move that team's files away", folder.display()
    )]
    OtherTeam {
        /// The folder.
        folder: PathBuf,
    },
    /// A hub uses the folder.
    #[error("a hub runs in {}; stop it first", folder.display())]
    InUse {
        /// The folder.
        folder: PathBuf,
    },
    /// The file is not a complete backup.
    #[error("{} is not a complete backup of a team: {reason}; use another backup", file.display())]
    Damaged {
        /// The file.
        file: PathBuf,
        /// The problem.
        reason: String,
    },
    /// A file could not be read or written.
    #[error("{}: {source}; check the path, its permissions and the free space", path.display())]
    Io {
        /// The path of the file.
        path: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
    /// The accounts cannot be read.
    #[error(transparent)]
    Accounts(#[from] AccountsError),
    /// The certificate cannot be read.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
}

impl BackupFile {
    pub(super) fn new(
        team: AccountsFile,
        certificate: Certificate,
        retained: Vec<RetainedMessage>,
    ) -> Self {
        Self { v: VERSION, team, certificate, retained }
    }

    pub(super) fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("text, numbers and lists of them always serialize")
    }

    /// Returns the accounts and the retained records.
    pub(super) fn into_state(self) -> (AccountsFile, Vec<RetainedMessage>) {
        (self.team, self.retained)
    }

    pub(super) fn from_json(json: &[u8], file: &Path) -> Result<Self, BackupError> {
        let damaged = |reason: String| BackupError::Damaged { file: file.to_owned(), reason };
        let mut backup: Self = serde_json::from_slice(json).map_err(|e| damaged(e.to_string()))?;
        if backup.v > VERSION {
            return Err(damaged("a newer Porchlight wrote it".to_owned()));
        }
        backup.certificate.open().map_err(damaged)?;
        for message in &mut backup.retained {
            message.recompute_expiry();
        }
        backup.retained.retain(|message| !message.is_expired());
        Ok(backup)
    }
}

/// Writes the team in `folder` to `file`, readable by this user alone. The hub may run.
///
/// # Errors
///
/// [`BackupError::NoTeam`] if the folder contains no team; [`BackupError::Accounts`] and
/// [`BackupError::Certificate`] if these cannot be read; [`BackupError::Io`] if `file` cannot be written.
pub fn backup(folder: &Path, file: &Path) -> Result<(), BackupError> {
    let no_team = || BackupError::NoTeam { folder: folder.to_owned() };
    let sheet = load(folder)?.ok_or_else(no_team)?;
    let certificate = Certificate::load(folder)?;
    let backup = BackupFile::new(sheet, certificate, log::replay(folder).messages);
    porchlight_files::write(file, &backup.to_json())
        .map_err(|source| BackupError::Io { path: file.to_owned(), source })
}

/// Restores the team of a backup into `folder`. Start a hub there afterwards.
///
/// # Errors
///
/// [`BackupError::Damaged`] if the backup is not complete; [`BackupError::OtherTeam`] and
/// [`BackupError::InUse`] if the folder is not free; [`BackupError::Io`] if a file cannot be read or written.
pub fn restore(folder: &Path, file: &Path) -> Result<(), BackupError> {
    let json =
        fs::read(file).map_err(|source| BackupError::Io { path: file.to_owned(), source })?;
    restore_bytes(folder, &json, file)
}

/// Writes a copy of a team into `folder`, while its hub still serves elsewhere. A hub that starts there
/// serves nobody until [`Hub::activate`](crate::Hub::activate).
///
/// # Errors
///
/// The same as [`restore`].
pub fn restore_arriving(folder: &Path, json: &[u8]) -> Result<(), BackupError> {
    let origin = Path::new("the team from its present host");
    let backup = BackupFile::from_json(json, origin)?;
    check_free(folder, &backup)?;
    // Mark it first, because a copy without the mark would be a second hub.
    custody::mark_arriving(folder)
        .map_err(|source| BackupError::Io { path: folder.to_owned(), source })?;
    write(folder, backup)
}

fn restore_bytes(folder: &Path, json: &[u8], file: &Path) -> Result<(), BackupError> {
    let mut backup = BackupFile::from_json(json, file)?;
    check_free(folder, &backup)?;
    // Members refuse a hub with a lower revision than they have seen, and they have seen later ones than the file's.
    backup.team.accounts.raise_revision(crate::clock::now().wall);
    write(folder, backup)?;
    custody::unmark(folder).map_err(|source| BackupError::Io { path: folder.to_owned(), source })
}

/// Checks that the folder contains no other team. The same team may be damaged, because a backup repairs
/// that.
fn check_free(folder: &Path, backup: &BackupFile) -> Result<(), BackupError> {
    match load(folder) {
        Ok(Some(sheet)) if sheet.accounts.team != backup.team.accounts.team => {
            Err(BackupError::OtherTeam { folder: folder.to_owned() })
        }
        _ => Ok(()),
    }
}

fn write(folder: &Path, backup: BackupFile) -> Result<(), BackupError> {
    let io = |source| BackupError::Io { path: folder.to_owned(), source };
    let mut held = Folder::hold(folder.to_owned()).map_err(|e| match e {
        fs::TryLockError::WouldBlock => BackupError::InUse { folder: folder.to_owned() },
        fs::TryLockError::Error(e) => io(e),
    })?;
    held.rewrite(backup.retained).map_err(io)?;
    backup.certificate.save(folder).map_err(io)?;
    backup.team.save(folder).map_err(|e| io(io::Error::other(e.to_string())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::accounts::{Accounts, CredentialUsage, FILE};
    use mqtt5::QoS;
    use mqtt5::packet::publish::PublishPacket;
    use porchlight_core::id::Root;

    fn found(folder: &Path, name: &str) -> AccountsFile {
        let accounts = Accounts::new(name, Root::default());
        Certificate::load_or_make(folder, &accounts.team).unwrap();
        let message = PublishPacket::new("presence/anna", b"x".to_vec(), QoS::AtLeastOnce);
        let message = RetainedMessage::new(message.with_retain(true));
        Folder::hold(folder.to_owned()).unwrap().rewrite([message]).unwrap();
        let sheet = AccountsFile::new(accounts, CredentialUsage::default());
        sheet.save(folder).unwrap();
        sheet
    }

    #[test]
    fn a_restored_team_is_the_same_team() {
        let dir = tempfile::tempdir().unwrap();
        let (old, new, file) =
            (dir.path().join("old"), dir.path().join("new"), dir.path().join("f"));
        let sheet = found(&old, "Team");
        backup(&old, &file).unwrap();
        restore(&new, &file).unwrap();
        let restored = load(&new).unwrap().unwrap();
        let read = |sheet: &AccountsFile| {
            let mut json: serde_json::Value = serde_json::from_slice(&sheet.to_json()).unwrap();
            let revision = json.as_object_mut().unwrap().remove("revision").unwrap();
            (json, revision.as_u64().unwrap())
        };
        let ((restored, after), (sheet, before)) = (read(&restored), read(&sheet));
        assert_eq!(restored, sheet);
        assert!(after > before, "members refuse a hub that is older than what they have seen");
        let pin = |folder: &Path| Certificate::load(folder).unwrap().open().unwrap().1;
        assert_eq!(pin(&new), pin(&old));
        assert_eq!(log::replay(&new).messages.len(), 1);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = fs::metadata(&file).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
        // A backup repairs damage.
        fs::write(new.join(FILE), "{").unwrap();
        restore(&new, &file).unwrap();
    }

    #[test]
    fn a_restore_takes_nobodys_team_away() {
        let dir = tempfile::tempdir().unwrap();
        let (one, other, file) = (dir.path().join("1"), dir.path().join("2"), dir.path().join("f"));
        found(&one, "One");
        found(&other, "Other");
        backup(&one, &file).unwrap();
        assert!(matches!(restore(&other, &file), Err(BackupError::OtherTeam { .. })));
        let _running = Folder::hold(one.clone()).unwrap();
        assert!(matches!(restore(&one, &file), Err(BackupError::InUse { .. })));
        fs::write(&file, b"{\"v\":1}").unwrap();
        assert!(matches!(restore(&other, &file), Err(BackupError::Damaged { .. })));
        let nothing = dir.path().join("nothing");
        assert!(matches!(backup(&nothing, &file), Err(BackupError::NoTeam { .. })));
    }
}
