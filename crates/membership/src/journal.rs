//! The intent on disk, and the lock of the one program that works on a membership.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use porchlight_core::view::Problem;
use porchlight_team::Intent;

const FILE: &str = "membership-operation.json";
const LOCK: &str = "membership.lock";

/// The file with the operation that has begun and not ended.
pub(crate) struct Journal(PathBuf);

impl Journal {
    pub(crate) fn of(state: &Path) -> Self {
        Self(state.join(FILE))
    }

    /// `None` if nothing was interrupted. A file that can't be understood is an error: its operation may be half done.
    pub(crate) fn read(&self) -> Result<Option<Intent>, Problem> {
        let damaged = |reason: String| Problem {
            code: "operation_damaged".to_owned(),
            message: format!(
                "{} can't be read ({reason}), so Porchlight can't finish what it says; update Porchlight, or remove the file and join again",
                self.0.display()
            ),
        };
        match std::fs::read(&self.0) {
            Ok(json) => {
                serde_json::from_slice(&json).map(Some).map_err(|error| damaged(error.to_string()))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(damaged(error.to_string())),
        }
    }

    pub(crate) fn write(&self, intent: &Intent) -> Result<(), Problem> {
        let json = serde_json::to_vec_pretty(intent).expect("an intent has only text keys");
        porchlight_files::write_creating_folder(&self.0, &json)
            .map_err(|error| self.problem(&error))
    }

    pub(crate) fn clear(&self) -> Result<(), Problem> {
        porchlight_files::remove(&self.0).map_err(|error| self.problem(&error))
    }

    fn problem(&self, error: &io::Error) -> Problem {
        Problem {
            code: "membership_not_saved".to_owned(),
            message: format!(
                "{} can't be written ({error}); check the folder's permissions and free space",
                self.0.display()
            ),
        }
    }
}

/// Held by the program that works on the membership. The system releases it if the program ends.
#[derive(Debug)]
pub(crate) struct Lock(#[expect(dead_code, reason = "held, not read")] Option<File>);

impl Lock {
    pub(crate) fn take(state: &Path) -> Result<Self, Problem> {
        let busy = Problem {
            code: "busy".to_owned(),
            message: "another Porchlight of this account is joining, hosting or leaving a team just now; wait until it is done, then try again".to_owned(),
        };
        // A folder that can't be written fails at the intent, which says what to do.
        if porchlight_files::create_folder(state).is_err() {
            return Ok(Self(None));
        }
        let file =
            OpenOptions::new().create(true).truncate(false).write(true).open(state.join(LOCK));
        let Ok(file) = file else { return Ok(Self(None)) };
        match file.try_lock() {
            Ok(()) => Ok(Self(Some(file))),
            Err(TryLockError::WouldBlock) => Err(busy),
            // Some network file systems have no locks.
            Err(TryLockError::Error(_)) => Ok(Self(None)),
        }
    }
}
