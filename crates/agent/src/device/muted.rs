//! The people whose notifications are muted, kept over a restart. Nothing else of them is stored.

use std::collections::BTreeSet;

use porchlight_core::id::UserId;

use super::{Identity, SaveError, read, write};

/// The extension of the file, whose name starts with the presence.
pub(super) const KIND: &str = "muted.json";

impl Identity {
    /// The muted people that were saved last.
    #[must_use]
    pub fn muted(&self) -> BTreeSet<UserId> {
        let storage = self.storage.as_ref();
        storage.and_then(|storage| read(&storage.file(&self.device, KIND))).unwrap_or_default()
    }

    /// Saves the muted people.
    ///
    /// # Errors
    ///
    /// [`SaveError`] if the file can't be written; they stay muted until the end of this run.
    pub fn save_muted(&self, muted: &BTreeSet<UserId>) -> Result<(), SaveError> {
        let Some(storage) = &self.storage else {
            return Ok(());
        };
        write(storage.file(&self.device, KIND), muted)
    }
}
