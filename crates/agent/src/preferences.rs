//! The person's preferences, kept over a restart in `preferences.toml`.
//!
//! This module owns the file. It writes the file as a whole or not at all. A file that can't be
//! read is reported and never overwritten. Its contents are defined in
//! [`porchlight_core::preferences`].

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use porchlight_core::preferences::Preferences;
use porchlight_core::view::Problem;

use crate::places::Dirs;

/// The problem code if the preferences can't be kept.
pub const CODE: &str = "preferences";

/// The first lines of the file.
const HEAD: &str = "# Whom you care for, and your own statuses. Porchlight writes this file anew with each change in its window.\n\n";

/// The preferences, and where they are stored.
#[derive(Debug)]
pub struct StoredPreferences {
    wanted: Preferences,
    storage: Storage,
}

#[derive(Debug)]
enum Storage {
    /// Memory: they end with the program.
    Memory,
    File(PathBuf),
    /// The file can't be read. It is kept, because a person may have written it.
    Broken {
        path: PathBuf,
        why: String,
    },
}

/// Why preferences last only until the end of this run.
#[derive(Debug, thiserror::Error)]
pub enum KeepError {
    /// The file is invalid.
    #[error(
        "{path}{why}; correct or remove the file and start Porchlight again. Until then, changes to favourites, nicknames and your own statuses are not saved"
    )]
    Broken {
        /// The file.
        path: String,
        /// The line and what is wrong.
        why: String,
    },
    /// The file can't be written.
    #[error(
        "{path} can't be written ({error}); check the folder's permissions and free space. Until then, changes are lost when you quit"
    )]
    Unwritable {
        /// The file.
        path: String,
        /// The system's reason.
        error: io::Error,
    },
}

impl StoredPreferences {
    /// Reads the stored preferences. They are empty if there is no file, or none that can be read.
    #[must_use]
    pub fn read(places: &Dirs) -> Self {
        Self::read_file(&places.preferences_file())
    }

    /// Preferences that end with the program.
    #[must_use]
    pub fn ephemeral() -> Self {
        Self { wanted: Preferences::default(), storage: Storage::Memory }
    }

    fn read_file(path: &Path) -> Self {
        let broken = |why| Self {
            wanted: Preferences::default(),
            storage: Storage::Broken { path: path.to_owned(), why },
        };
        match fs::read_to_string(path) {
            Ok(text) => match toml::from_str::<Preferences>(&text) {
                Ok(wanted) => {
                    Self { wanted: wanted.tidy(), storage: Storage::File(path.to_owned()) }
                }
                Err(error) => {
                    let at = error.span().map_or(0, |span| span.start).min(text.len());
                    let line = text.as_bytes()[..at].iter().filter(|b| **b == b'\n').count() + 1;
                    broken(format!(", line {line}: {}", error.message()))
                }
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Self { wanted: Preferences::default(), storage: Storage::File(path.to_owned()) }
            }
            Err(error) => broken(format!(" can't be read ({error})")),
        }
    }

    /// The present preferences.
    #[must_use]
    pub fn wanted(&self) -> &Preferences {
        &self.wanted
    }

    /// What to tell the person about the file, if it can't be read.
    #[must_use]
    pub fn problem(&self) -> Option<Problem> {
        let error = self.broken()?;
        Some(Problem { code: CODE.to_owned(), message: error.to_string() })
    }

    /// Stores new preferences. They hold for this run even if that fails.
    ///
    /// # Errors
    ///
    /// * [`KeepError::Broken`] if the existing file can't be read, and so is not overwritten;
    /// * [`KeepError::Unwritable`] if the file can't be written.
    pub fn keep(&mut self, wanted: Preferences) -> Result<(), KeepError> {
        self.wanted = wanted;
        if let Some(error) = self.broken() {
            return Err(error);
        }
        let Storage::File(path) = &self.storage else {
            return Ok(());
        };
        toml::to_string(&self.wanted)
            .map_err(io::Error::other)
            .and_then(|body| {
                porchlight_files::write_creating_folder(path, format!("{HEAD}{body}").as_bytes())
            })
            .map_err(|error| KeepError::Unwritable { path: path.display().to_string(), error })
    }

    fn broken(&self) -> Option<KeepError> {
        let Storage::Broken { path, why } = &self.storage else {
            return None;
        };
        Some(KeepError::Broken { path: path.display().to_string(), why: why.clone() })
    }
}

#[cfg(test)]
mod tests {
    use porchlight_core::id::UserId;
    use porchlight_core::preferences::{Ends, Interest, Preference, Preset};
    use porchlight_core::view::ChosenStatus;

    use super::*;

    fn some() -> Preferences {
        let mut wanted = Preferences::default();
        let user = || UserId::parse("zoë b").unwrap();
        wanted.set(Preference::Favourite { user: user(), favourite: true });
        wanted.set(Preference::Nickname { user: user(), nickname: Some("Zo = \"Z\"".to_owned()) });
        wanted.set(Preference::Notifications { user: user(), interest: Interest::Always });
        wanted.set(Preference::HideOffline(true));
        let lunch = Preset {
            status: ChosenStatus::Away,
            text: Some("Lunch".to_owned()),
            emoji: Some("🍜".to_owned()),
            ends: Ends::After { minutes: 45 },
        };
        let bare = Preset { status: ChosenStatus::Dnd, text: None, emoji: None, ends: Ends::Today };
        wanted.set(Preference::Presets(vec![lunch, bare]));
        wanted
    }

    #[test]
    fn preferences_are_there_after_a_restart() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("config").join("preferences.toml");
        let mut kept = StoredPreferences::read_file(&path);
        assert_eq!((kept.wanted(), kept.problem()), (&Preferences::default(), None));
        kept.keep(some()).unwrap();
        let again = StoredPreferences::read_file(&path);
        assert_eq!(again.wanted(), &some());
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1, "no draft is left");
    }

    #[test]
    fn a_file_that_can_not_be_read_is_reported_and_kept() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("preferences.toml");
        for wrong in
            ["hide_offline = true\nnonsense", "[people.bob]\nfavorite = true", "[people.\"a/b\"]"]
        {
            fs::write(&path, wrong).unwrap();
            let mut kept = StoredPreferences::read_file(&path);
            let message = kept.problem().unwrap().message;
            assert!(message.contains("preferences.toml, line "), "{message}");
            assert!(message.contains("correct or remove"), "{message}");
            let error = kept.keep(some()).unwrap_err().to_string();
            assert!(error.contains("not saved"), "{error}");
            assert_eq!(kept.wanted(), &some(), "it holds for this run");
            assert_eq!(fs::read_to_string(&path).unwrap(), wrong);
        }
    }

    #[test]
    fn what_can_not_be_written_holds_for_this_run() {
        let dir = tempfile::tempdir().unwrap();
        let in_the_way = dir.path().join("file");
        fs::write(&in_the_way, "").unwrap();
        let mut kept = StoredPreferences {
            wanted: Preferences::default(),
            storage: Storage::File(in_the_way.join("p.toml")),
        };
        assert!(matches!(kept.keep(some()), Err(KeepError::Unwritable { .. })));
        assert_eq!(kept.wanted(), &some());
        StoredPreferences::ephemeral().keep(some()).unwrap();
    }
}
