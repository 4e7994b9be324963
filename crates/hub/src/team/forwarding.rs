//! Where a team has moved to: in memory, and in a file in the folder that it left.

use crate::accounts::{self, SaveError};
use porchlight_core::team::Address;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::{fs, io};

const FILE: &str = "moved.json";

/// Whether the folder holds a team that has not moved to another computer.
#[must_use]
pub fn has_team(store: &Path) -> bool {
    store.join(accounts::FILE).is_file() && Forwarding::read(store).is_none()
}

/// The new addresses of a team that has moved.
pub(crate) struct Forwarding {
    folder: Option<PathBuf>,
    to: Mutex<Option<Vec<Address>>>,
}

#[derive(Serialize, Deserialize)]
struct Note {
    at: Vec<Address>,
}

impl Forwarding {
    /// For a team that has not moved, and whose files are in this folder, if anywhere.
    pub(crate) fn new(folder: Option<PathBuf>) -> Self {
        Self { folder, to: Mutex::new(None) }
    }

    /// The new addresses of the team of this folder, if it has moved.
    pub(crate) fn read(folder: &Path) -> Option<Vec<Address>> {
        let note: Note = serde_json::from_slice(&fs::read(folder.join(FILE)).ok()?).ok()?;
        Some(note.at)
    }

    /// Removes the file: the team of this folder is back.
    pub(super) fn remove(folder: &Path) -> io::Result<()> {
        porchlight_files::remove(&folder.join(FILE))
    }

    /// Writes the file. From [`Forwarding::set`] on the hub answers with the addresses.
    pub(super) fn write(&self, at: &[Address]) -> Result<(), SaveError> {
        let Some(folder) = &self.folder else {
            return Ok(());
        };
        let note = serde_json::to_vec(&Note { at: at.to_vec() }).expect("addresses are text");
        porchlight_files::write(&folder.join(FILE), &note)
            .map_err(|e| SaveError { path: folder.clone(), reason: e.to_string() })
    }

    pub(super) fn set(&self, at: Vec<Address>) {
        *self.to.lock().unwrap_or_else(PoisonError::into_inner) = Some(at);
    }

    pub(super) fn addresses(&self) -> Option<Vec<Address>> {
        self.to.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
