//! The folder in which retained messages outlive the hub: making it, locking it, reading it at the start.
//!
//! Owns the rule that no state of the folder stops a hub from starting. It writes nothing while the hub runs: that is
//! `persistence.rs`.

use crate::HubWarning;
use crate::log::{self, Log};
use mqtt5::broker::storage::RetainedMessage;
use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

const LOCK: &str = "lock";

/// A folder, ours alone while `lock` is held.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
    // Held by the operating system for as long as the file is open, so a killed hub leaves nothing to clean up.
    lock: Option<File>,
    set_aside: bool,
}

/// What a folder gave at the start.
pub(crate) struct Opened {
    /// The folder and its log, unless another hub has it.
    pub(crate) disk: Option<Disk>,
    /// What was retained when the last hub ended.
    pub(crate) messages: Vec<RetainedMessage>,
    /// What is wrong.
    pub(crate) warnings: Vec<HubWarning>,
}

/// A folder that is ours, and its log if it can be written.
pub(crate) struct Disk {
    pub(crate) folder: Folder,
    pub(crate) log: Option<Log>,
}

/// Opens the folder, whatever its state. Blocks on the disk.
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
    // Written at once, as the proof that it can be, and to leave out what has expired.
    let log = match locked {
        Ok(()) => folder.rewrite(read.messages.iter().cloned()),
        Err(TryLockError::Error(e)) => Err(e),
        Err(TryLockError::WouldBlock) => Err(io::ErrorKind::WouldBlock.into()),
    };
    if let Some(reason) = read.damage {
        // Where the new log could not be written the damaged one is still in its place, and is set aside later.
        warnings.push(HubWarning::StoreDamaged { aside: log::aside(&folder.path), reason });
    }
    let log = log.map_err(|e| warnings.push(folder.not_writable(&e))).ok();
    Opened { disk: Some(Disk { folder, log }), messages: read.messages, warnings }
}

impl Folder {
    /// Makes the folder if it is missing, and takes it; nobody else has it until this is dropped.
    pub(crate) fn hold(path: PathBuf) -> Result<Self, TryLockError> {
        let mut folder = Self { path, lock: None, set_aside: false };
        folder.lock()?;
        Ok(folder)
    }

    /// Writes the log anew from `messages`, making and locking the folder first where that was not possible before.
    pub(crate) fn rewrite(
        &mut self,
        messages: impl IntoIterator<Item = RetainedMessage>,
    ) -> io::Result<Log> {
        if self.lock.is_none() {
            self.lock().map_err(io::Error::from)?;
            // What stands there now may not be what was read at the start: a disk mounted late, another hub's run.
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
            // Some network file systems have no locks. A hub that keeps nothing would help nobody there.
            Err(TryLockError::Error(e)) if e.kind() == io::ErrorKind::Unsupported => {
                tracing::warn!(folder = %self.path.display(), "no file locks here: see that no second hub uses it");
            }
            Err(e) => return Err(e),
        }
        self.lock = Some(file);
        Ok(())
    }
}
