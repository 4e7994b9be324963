//! Of whom nothing pops up, over a restart. Nothing else of what passes between people is kept.

use std::collections::BTreeSet;

use porchlight_core::id::UserId;

use super::{Identity, SaveError, read, write};

/// In the file's name, after whose presence it is.
pub(super) const KIND: &str = "muted.json";

impl Identity {
    /// Who was muted when that was last kept.
    #[must_use]
    pub fn muted(&self) -> BTreeSet<UserId> {
        let home = self.home.as_ref();
        home.and_then(|home| read(&home.file(&self.device, KIND))).unwrap_or_default()
    }

    /// Keeps who is muted.
    ///
    /// # Errors
    /// [`SaveError`]; it holds until the end of this run.
    pub fn save_muted(&self, muted: &BTreeSet<UserId>) -> Result<(), SaveError> {
        let Some(home) = &self.home else {
            return Ok(());
        };
        write(home.file(&self.device, KIND), muted)
    }
}
