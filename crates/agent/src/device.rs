//! What one device keeps: its id, its client id, its epoch.
//!
//! Owns the files below the state folder and the lock that makes sure that a device's presence is held by one
//! program at a time. Deliberately never stands in the way of presence: what can't be saved is said and then
//! lives in memory.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use porchlight_core::effect::Saved;
use porchlight_core::id::{DeviceId, UserId, random_word};
use porchlight_core::view::Problem;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::store;

/// What is not a letter, a digit or one of these is written as `%XX` in a file name.
const IN_FILE_NAMES: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.');

/// Another program holds this device's presence.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "Porchlight is already running here as {user} on this device; use that one, or give this one another --device"
)]
pub struct AlreadyRunning {
    /// Whose presence it is.
    pub user: UserId,
}

#[derive(Debug, Serialize, Deserialize)]
struct DeviceFile {
    device: DeviceId,
}

#[derive(Debug, Serialize, Deserialize)]
struct SessionFile {
    client_id: String,
    epoch: u64,
}

/// The presence of one device of one person on this machine.
#[derive(Debug)]
pub struct Identity {
    /// The MQTT Client Identifier: made once and saved.
    pub client_id: String,
    /// The last epoch that was saved.
    pub epoch: u64,
    /// `None` for an identity that ends with the program.
    file: Option<PathBuf>,
    /// Held as long as this lives; `None` where no file could be made.
    _lock: Option<File>,
}

/// The id of this machine: as given, else as saved, else made now and saved.
///
/// Where it can't be saved, it holds for this run; the second value says why.
pub fn device_id(
    state: &Path,
    given: Option<DeviceId>,
    rng: &mut fastrand::Rng,
) -> (DeviceId, Option<io::Error>) {
    if let Some(device) = given {
        return (device, None);
    }
    let file = state.join("device.json");
    if let Some(DeviceFile { device }) = read(&file) {
        return (device, None);
    }
    let device = DeviceId::random(rng);
    let saved = write(&file, &DeviceFile { device: device.clone() });
    (device, saved.err())
}

/// The device's id could not be kept.
#[must_use]
pub fn unsaved_problem(state: &Path, error: &io::Error) -> Problem {
    Problem {
        code: "device_not_saved".to_owned(),
        message: format!(
            "this device's id can't be kept in {} ({error}); it will be another device next time",
            state.display()
        ),
    }
}

/// What this machine is, in a word: `laptop` where it is made to be carried (SMBIOS, *Chassis Types*).
#[must_use]
pub fn kind() -> &'static str {
    const CARRIED: [u32; 8] = [8, 9, 10, 11, 14, 30, 31, 32];
    let chassis = fs::read_to_string("/sys/class/dmi/id/chassis_type").ok();
    let chassis = chassis.and_then(|text| text.trim().parse().ok());
    if chassis.is_some_and(|chassis| CARRIED.contains(&chassis)) { "laptop" } else { "desktop" }
}

impl Identity {
    /// Takes up the presence of a device.
    ///
    /// # Errors
    /// [`AlreadyRunning`] where another program holds it.
    pub fn take(
        state: &Path,
        user: &UserId,
        device: &DeviceId,
        rng: &mut fastrand::Rng,
    ) -> Result<Self, AlreadyRunning> {
        let name = |id: &str| utf8_percent_encode(id, IN_FILE_NAMES).to_string();
        let stem = format!("{}@{}", name(user.as_str()), name(device.as_str()));
        let lock = lock(state, &format!("{stem}.lock"))
            .map_err(|Taken| AlreadyRunning { user: user.clone() })?;
        let file = state.join(format!("{stem}.json"));
        let SessionFile { client_id, epoch } = read(&file)
            .unwrap_or_else(|| SessionFile { client_id: holder_client_id(rng), epoch: 0 });
        Ok(Self { client_id, epoch, file: Some(file), _lock: lock })
    }

    /// A presence that ends with the program: nothing of it is kept.
    #[must_use]
    pub fn fleeting(rng: &mut fastrand::Rng) -> Self {
        Self { client_id: holder_client_id(rng), epoch: 0, file: None, _lock: None }
    }

    /// Keeps what the engine wants kept.
    ///
    /// # Errors
    /// The system's reason; presence goes on without.
    pub fn save(&mut self, saved: &Saved) -> io::Result<()> {
        self.epoch = saved.epoch;
        let content = SessionFile { client_id: self.client_id.clone(), epoch: saved.epoch };
        match &self.file {
            Some(file) => write(file, &content),
            None => Ok(()),
        }
    }

    /// The file it is kept in, if it is kept.
    #[must_use]
    pub fn file(&self) -> Option<&Path> {
        self.file.as_deref()
    }
}

struct Taken;

/// A lock goes with the process that holds it, however that ends. Where no file can be made there is none.
fn lock(state: &Path, name: &str) -> Result<Option<File>, Taken> {
    let opened = store::create_private_folder(state)
        .and_then(|()| File::options().create(true).append(true).open(state.join(name)));
    let Ok(file) = opened else {
        return Ok(None);
    };
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Err(Taken),
        Err(TryLockError::Error(_)) => Ok(None),
    }
}

/// A file that is not there or not whole is as good as none: all in it can be made anew.
fn read<T: DeserializeOwned>(file: &Path) -> Option<T> {
    serde_json::from_slice(&fs::read(file).ok()?).ok()
}

fn write(file: &Path, content: &impl Serialize) -> io::Result<()> {
    store::write_private(file, &serde_json::to_vec(content)?)
}

/// The client id of a presence (`docs/protocol.md`, *Session*): 23 characters, which every broker accepts.
fn holder_client_id(rng: &mut fastrand::Rng) -> String {
    format!("pl{}m", random_word(rng, 20))
}

/// The client id of a reader: new each time.
pub(crate) fn reader_client_id(rng: &mut fastrand::Rng) -> String {
    format!("plr{}", random_word(rng, 20))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn saved(identity: &Identity, epoch: u64) -> Saved {
        Saved {
            device: ids().1,
            client_id: identity.client_id.clone(),
            epoch,
            speaks_v5: true,
            invisible: false,
        }
    }

    fn ids() -> (UserId, DeviceId) {
        (UserId::parse("zoë b").unwrap(), DeviceId::parse("desk").unwrap())
    }

    #[test]
    fn ids_and_epoch_are_kept() {
        let dir = tempfile::tempdir().unwrap();
        let state = dir.path().join("state");
        let mut rng = fastrand::Rng::with_seed(1);
        let (device, error) = device_id(&state, None, &mut rng);
        assert!(error.is_none());
        assert_eq!(device_id(&state, None, &mut rng).0, device);

        let (user, _) = ids();
        let mut first = Identity::take(&state, &user, &device, &mut rng).unwrap();
        first.save(&saved(&first, 42)).unwrap();
        let client_id = first.client_id.clone();
        assert_eq!(client_id.len(), 23);
        drop(first);
        let again = Identity::take(&state, &user, &device, &mut rng).unwrap();
        assert_eq!((again.client_id, again.epoch), (client_id, 42));
    }

    #[test]
    fn one_presence_is_held_by_one_program() {
        let dir = tempfile::tempdir().unwrap();
        let (user, device) = ids();
        let mut rng = fastrand::Rng::with_seed(1);
        let held = Identity::take(dir.path(), &user, &device, &mut rng).unwrap();
        let second = Identity::take(dir.path(), &user, &device, &mut rng);
        assert_eq!(second.unwrap_err(), AlreadyRunning { user: user.clone() });
        drop(held);
        assert!(Identity::take(dir.path(), &user, &device, &mut rng).is_ok());
    }

    #[test]
    fn a_damaged_file_is_made_anew() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("device.json"), "{\"device\":\"a/b\"}").unwrap();
        let mut rng = fastrand::Rng::with_seed(1);
        let (device, error) = device_id(dir.path(), None, &mut rng);
        assert!(error.is_none());
        assert_eq!(device.as_str().len(), 16);
    }

    #[test]
    fn what_can_not_be_saved_holds_for_this_run() {
        let dir = tempfile::tempdir().unwrap();
        let state = dir.path().join("in-the-way");
        fs::write(&state, "a file where the folder should be").unwrap();
        let mut rng = fastrand::Rng::with_seed(1);
        let (device, error) = device_id(&state, None, &mut rng);
        assert!(error.is_some());
        let (user, _) = ids();
        let mut identity = Identity::take(&state, &user, &device, &mut rng).unwrap();
        let new = saved(&identity, 1);
        assert!(identity.save(&new).is_err());
    }
}
