//! Creates, locks and reads the folder with the retained messages when the hub starts.
//!
//! Owns the rule that no state of the folder prevents a start. `persistence.rs` writes the folder while the
//! hub runs.

use crate::HubWarning;
use crate::log::{self, Log};
use mqtt5::broker::storage::RetainedMessage;
use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

pub(crate) const LOCK: &str = "lock";

/// The folder of a store. It is exclusively ours while `lock` is held.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
    // The operating system holds the lock while the file is open, so a killed hub leaves nothing to clean up.
    lock: Option<File>,
    set_aside: bool,
}

/// The result of opening a folder.
pub(crate) struct Opened {
    /// The folder and its log. None if another hub uses the folder.
    pub(crate) disk: Option<Disk>,
    /// The retained messages at the end of the last hub.
    pub(crate) messages: Vec<RetainedMessage>,
    /// The problems with the folder.
    pub(crate) warnings: Vec<HubWarning>,
}

/// A locked folder, and its log if it is writable.
pub(crate) struct Disk {
    pub(crate) folder: Folder,
    pub(crate) log: Option<Log>,
}

/// Opens the folder in any state. Blocks on the disk.
pub(crate) fn open(path: PathBuf) -> Opened {
    let mut folder = Folder { path, lock: None, set_aside: false };
    let locked = folder.lock();
    if matches!(locked, Err(TryLockError::WouldBlock)) {
        let warning = HubWarning::StoreInUse { folder: folder.path };
        return Opened { disk: None, messages: Vec::new(), warnings: vec![warning] };
    }
    let mut warnings = Vec::new();
    let read = log::replay(&folder.path);
    folder.set_aside = read.damage.is_some();
    // Write the log at once, to prove that this works, and to drop expired messages.
    let log = match locked {
        Ok(()) => folder.rewrite(read.messages.iter().cloned()),
        Err(TryLockError::Error(e)) => Err(e),
        Err(TryLockError::WouldBlock) => Err(io::ErrorKind::WouldBlock.into()),
    };
    if let Some(reason) = read.damage {
        // If writing the new log failed, the damaged one is still there, and is moved aside later.
        warnings.push(HubWarning::StoreDamaged { aside: log::aside(&folder.path), reason });
    }
    let log = log.map_err(|e| warnings.push(folder.not_writable(&e))).ok();
    Opened { disk: Some(Disk { folder, log }), messages: read.messages, warnings }
}

impl Folder {
    /// Creates the folder if it is missing, and locks it until this is dropped.
    pub(crate) fn hold(path: PathBuf) -> Result<Self, TryLockError> {
        let mut folder = Self { path, lock: None, set_aside: false };
        folder.lock()?;
        Ok(folder)
    }

    /// Writes a new log from `messages`. First creates and locks the folder, if that failed before.
    pub(crate) fn rewrite(
        &mut self,
        messages: impl IntoIterator<Item = RetainedMessage>,
    ) -> io::Result<Log> {
        if self.lock.is_none() {
            self.lock().map_err(io::Error::from)?;
            // The log may have changed since the start: a disk was mounted late, or another hub ran.
            self.set_aside = true;
        }
        let log = Log::rewrite(&self.path, messages, self.set_aside)?;
        self.set_aside = false;
        Ok(log)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn not_writable(&self, e: &io::Error) -> HubWarning {
        HubWarning::StoreNotWritable { folder: self.path.clone(), reason: e.to_string() }
    }

    fn lock(&mut self) -> Result<(), TryLockError> {
        if self.lock.is_some() {
            return Ok(());
        }
        porchlight_files::create_folder(&self.path).map_err(TryLockError::Error)?;
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(self.path.join(LOCK))
            .map_err(TryLockError::Error)?;
        match file.try_lock() {
            Ok(()) => {}
            // Some network file systems have no locks. A hub without a store would not help there.
            Err(TryLockError::Error(e)) if e.kind() == io::ErrorKind::Unsupported => {
                tracing::warn!(folder = %self.path.display(), "no file locks here: see that no second hub uses it");
            }
            Err(e) => return Err(e),
        }
        self.lock = Some(file);
        Ok(())
    }
}
