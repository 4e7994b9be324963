//! What the person wants of this app for themselves, over a restart: `preferences.toml`.
//!
//! Owns the file alone: it is written whole or not at all, and one that can't be read is said and never written over. What
//! stands in it is [`porchlight_core::preferences`]'s.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use porchlight_core::preferences::Preferences;
use porchlight_core::view::Problem;

use crate::places::Dirs;

/// What programs branch on where they are not kept.
pub const CODE: &str = "preferences";

/// The first lines of the file.
const HEAD: &str = "# Whom you care for, and your own statuses. Porchlight writes this file anew with each change in its window.\n\n";

/// What is wanted, and where it is kept.
#[derive(Debug)]
pub struct StoredPreferences {
    wanted: Preferences,
    home: Home,
}

#[derive(Debug)]
enum Home {
    /// It ends with the program.
    Nowhere,
    File(PathBuf),
    /// What stands there can't be read, and may be what somebody wrote.
    Broken {
        path: PathBuf,
        why: String,
    },
}

/// Why what is wanted holds only for this run.
#[derive(Debug, thiserror::Error)]
pub enum KeepError {
    /// The file is not as it should be.
    #[error(
        "{path}{why}; correct or remove the file and start Porchlight again. Until then, changes to favourites, nicknames and your own statuses are not saved"
    )]
    Broken {
        /// The file.
        path: String,
        /// Where and what.
        why: String,
    },
    /// It can't be written.
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
    /// What was kept last; nothing where there is no file, or none that can be read.
    #[must_use]
    pub fn read(places: &Dirs) -> Self {
        Self::read_file(&places.preferences_file())
    }

    /// What ends with the program.
    #[must_use]
    pub fn ephemeral() -> Self {
        Self { wanted: Preferences::default(), home: Home::Nowhere }
    }

    fn read_file(path: &Path) -> Self {
        let broken = |why| Self {
            wanted: Preferences::default(),
            home: Home::Broken { path: path.to_owned(), why },
        };
        match fs::read_to_string(path) {
            Ok(text) => match toml::from_str::<Preferences>(&text) {
                Ok(wanted) => Self { wanted: wanted.tidy(), home: Home::File(path.to_owned()) },
                Err(error) => {
                    let at = error.span().map_or(0, |span| span.start).min(text.len());
                    let line = text.as_bytes()[..at].iter().filter(|b| **b == b'\n').count() + 1;
                    broken(format!(", line {line}: {}", error.message()))
                }
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Self { wanted: Preferences::default(), home: Home::File(path.to_owned()) }
            }
            Err(error) => broken(format!(" can't be read ({error})")),
        }
    }

    /// What is wanted.
    #[must_use]
    pub fn wanted(&self) -> &Preferences {
        &self.wanted
    }

    /// What the person should know of the file.
    #[must_use]
    pub fn problem(&self) -> Option<Problem> {
        let error = self.broken()?;
        Some(Problem { code: CODE.to_owned(), message: error.to_string() })
    }

    /// Keeps what is wanted from now on.
    ///
    /// # Errors
    /// [`KeepError`]; it holds until the end of this run.
    pub fn keep(&mut self, wanted: Preferences) -> Result<(), KeepError> {
        self.wanted = wanted;
        if let Some(error) = self.broken() {
            return Err(error);
        }
        let Home::File(path) = &self.home else {
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
        let Home::Broken { path, why } = &self.home else {
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
    fn what_is_wanted_is_there_after_a_restart() {
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
    fn a_file_that_can_not_be_read_is_said_and_kept() {
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
            home: Home::File(in_the_way.join("p.toml")),
        };
        assert!(matches!(kept.keep(some()), Err(KeepError::Unwritable { .. })));
        assert_eq!(kept.wanted(), &some());
        StoredPreferences::ephemeral().keep(some()).unwrap();
    }
}
