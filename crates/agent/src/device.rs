//! What a device stores: its id, its client id, its epoch, and facts about its broker.
//!
//! This module owns files below the state folder, and the lock that lets only one program at a time
//! run a device's presence. It never prevents presence: what can't be saved is reported, and kept
//! in memory.

use std::collections::BTreeMap;
use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use porchlight_core::effect::Saved;
use porchlight_core::id::{DeviceId, UserId, presence_client_id};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::broker::Broker;

mod muted;

/// All other characters are written as `%XX` in a file name.
const IN_FILE_NAMES: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.');

/// The maximum number of brokers that are remembered as speaking MQTT 5: home, work, and a few that
/// were tried.
const MAX_BROKERS: usize = 8;

/// Another program runs this device's presence.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "Porchlight already runs on this device as {user}; use that one, or add --device ID to run a second device"
)]
pub struct AlreadyRunning {
    /// The user id of that presence.
    pub user: UserId,
}

/// Something can't be saved.
#[derive(Debug, thiserror::Error)]
#[error(
    "{path} can't be written ({error}); your status still works, but free some space or correct the folder's permissions"
)]
pub struct SaveError {
    /// The file.
    pub path: PathBuf,
    /// The system's reason.
    pub error: io::Error,
}

/// The content of `device.json`: the ids of this device.
#[derive(Debug, Default, Serialize, Deserialize)]
struct DeviceFile {
    /// The id that was generated here, if the person gave none.
    device: Option<DeviceId>,
    /// The replacements of given ids that turned out to be in use on another machine, a clone of
    /// this one.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    instead_of: BTreeMap<DeviceId, DeviceId>,
}

impl DeviceFile {
    fn read(state: &Path) -> Self {
        read(&Self::path(state)).unwrap_or_default()
    }

    fn path(state: &Path) -> PathBuf {
        state.join("device.json")
    }
}

/// The stored state of one presence.
#[derive(Debug, Serialize, Deserialize)]
struct SessionFile {
    client_id: String,
    epoch: u64,
    #[serde(default)]
    invisible: bool,
    /// The addresses of brokers that speak MQTT 5, the last used one at the end.
    #[serde(default)]
    speak_v5: Vec<String>,
}

/// The presence that a program wants to run.
#[derive(Debug)]
pub struct DeviceLock<'a> {
    /// The folder of what is kept between runs.
    pub state: &'a Path,
    /// The user id of the presence.
    pub user: &'a UserId,
    /// The device's id, if config or flags set one.
    pub device: Option<DeviceId>,
    /// The broker to connect to.
    pub broker: &'a Broker,
}

/// The presence of one device of one person on this machine.
#[derive(Debug)]
pub struct Identity {
    /// The device's id.
    pub device: DeviceId,
    /// The MQTT Client Identifier: generated once and saved.
    pub client_id: String,
    /// The last epoch that was saved.
    pub epoch: u64,
    /// Whether the broker is known to speak MQTT 5.
    pub speaks_v5: bool,
    /// Whether the person was invisible when that was last saved.
    pub invisible: bool,
    /// `None` for an identity that ends with the program.
    storage: Option<Storage>,
}

/// Where an identity is stored.
#[derive(Debug)]
struct Storage {
    state: PathBuf,
    user: UserId,
    /// The device's id that config or flags set.
    given: Option<DeviceId>,
    /// The broker's address.
    address: String,
    /// The addresses of brokers that are known to speak MQTT 5.
    speak_v5: Vec<String>,
    /// Whether `device.json` contains this device's id.
    device_saved: bool,
    /// The lock files, held as long as this value. They include those of former ids, so that no
    /// other program takes up an id that others may still see. Empty if no file could be created.
    locks: Vec<File>,
}

/// Whether a presence of this person was ever run on this machine.
pub(crate) fn has_been_used_by(state: &Path, user: &UserId) -> bool {
    let begin = format!("{}@", in_file_name(user.as_str()));
    let files = fs::read_dir(state).into_iter().flatten().flatten();
    files.into_iter().any(|file| file.file_name().to_string_lossy().starts_with(&begin))
}

fn in_file_name(id: &str) -> String {
    utf8_percent_encode(id, IN_FILE_NAMES).to_string()
}

/// The kind of this machine: `laptop` if it is made to be carried (SMBIOS, *Chassis Types*).
#[must_use]
pub fn kind() -> &'static str {
    const CARRIED: [u32; 8] = [8, 9, 10, 11, 14, 30, 31, 32];
    let chassis = fs::read_to_string("/sys/class/dmi/id/chassis_type").ok();
    let chassis = chassis.and_then(|text| text.trim().parse().ok());
    if chassis.is_some_and(|chassis| CARRIED.contains(&chassis)) { "laptop" } else { "desktop" }
}

impl Identity {
    /// Takes the lock of a device's presence: of the given id, else of this machine's. Generates
    /// the id if there is none.
    ///
    /// # Errors
    ///
    /// [`AlreadyRunning`] if another program holds the lock.
    pub fn take(
        device_lock: DeviceLock<'_>,
        rng: &mut fastrand::Rng,
    ) -> Result<Self, AlreadyRunning> {
        let DeviceLock { state, user, device: given, broker } = device_lock;
        let kept = DeviceFile::read(state);
        let kept = match &given {
            Some(given) => Some(kept.instead_of.get(given).unwrap_or(given).clone()),
            None => kept.device,
        };
        let device_saved = kept.is_some();
        let device = kept.unwrap_or_else(|| DeviceId::random(rng));
        let mut storage = Storage {
            state: state.to_owned(),
            user: user.clone(),
            given,
            address: broker.address().to_string(),
            speak_v5: Vec::new(),
            device_saved,
            locks: Vec::new(),
        };
        storage.lock(&device).map_err(|AlreadyLocked| AlreadyRunning { user: user.clone() })?;
        // Saved at once, so that another program on this machine uses the same id. If it fails, the
        // next save tries again and reports it.
        let _ = storage.save_device(&device);
        let kept = read(&storage.file(&device, "json")).unwrap_or_else(|| SessionFile {
            client_id: presence_client_id(rng),
            epoch: 0,
            invisible: false,
            speak_v5: Vec::new(),
        });
        let SessionFile { client_id, epoch, invisible, speak_v5 } = kept;
        let speaks_v5 = speak_v5.contains(&storage.address);
        storage.speak_v5 = speak_v5;
        Ok(Self { device, client_id, epoch, speaks_v5, invisible, storage: Some(storage) })
    }

    /// A presence that ends with the program and stores nothing.
    #[must_use]
    pub fn ephemeral(device: DeviceId, rng: &mut fastrand::Rng) -> Self {
        let client_id = presence_client_id(rng);
        Self { device, client_id, epoch: 0, speaks_v5: false, invisible: false, storage: None }
    }

    /// Saves the state that the engine wants to keep.
    ///
    /// # Errors
    ///
    /// [`SaveError`] if a file can't be written; presence goes on without.
    pub fn save(&mut self, saved: &Saved) -> Result<(), SaveError> {
        let renewed = self.device != saved.device;
        self.device.clone_from(&saved.device);
        self.client_id.clone_from(&saved.client_id);
        self.epoch = saved.epoch;
        self.speaks_v5 = saved.speaks_v5;
        self.invisible = saved.invisible;
        let Some(storage) = &mut self.storage else {
            return Ok(());
        };
        if renewed {
            storage.device_saved = false;
            // The new id is random, so no other program holds its lock.
            let _ = storage.lock(&self.device);
        }
        storage.note_speaks_v5(saved.speaks_v5);
        let device_saved = storage.save_device(&self.device);
        let content = SessionFile {
            client_id: saved.client_id.clone(),
            epoch: saved.epoch,
            invisible: saved.invisible,
            speak_v5: storage.speak_v5.clone(),
        };
        write(storage.file(&self.device, "json"), &content).and(device_saved)
    }

    /// Removes what was stored of this presence. The device keeps its id on this machine.
    pub fn forget(self) {
        if let Some(storage) = &self.storage {
            // If a file can't be removed, the next presence continues from it, which nobody
            // notices.
            let _ = porchlight_files::remove(&storage.file(&self.device, "json"));
            let _ = porchlight_files::remove(&storage.file(&self.device, muted::KIND));
        }
    }
}

impl Storage {
    fn file(&self, device: &DeviceId, kind: &str) -> PathBuf {
        let (user, device) = (in_file_name(self.user.as_str()), in_file_name(device.as_str()));
        self.state.join(format!("{user}@{device}.{kind}"))
    }

    fn lock(&mut self, device: &DeviceId) -> Result<(), AlreadyLocked> {
        self.locks.extend(lock(&self.state, &self.file(device, "lock"))?);
        Ok(())
    }

    fn note_speaks_v5(&mut self, speaks_v5: bool) {
        self.speak_v5.retain(|known| *known != self.address);
        if speaks_v5 {
            self.speak_v5.push(self.address.clone());
        }
        let too_many = self.speak_v5.len().saturating_sub(MAX_BROKERS);
        self.speak_v5.drain(..too_many);
    }

    /// Writes this device's id to `device.json`, unless it is there already.
    fn save_device(&mut self, device: &DeviceId) -> Result<(), SaveError> {
        if self.device_saved {
            return Ok(());
        }
        let mut content = DeviceFile::read(&self.state);
        match &self.given {
            Some(given) => {
                content.instead_of.insert(given.clone(), device.clone());
            }
            None => content.device = Some(device.clone()),
        }
        write(DeviceFile::path(&self.state), &content)?;
        self.device_saved = true;
        Ok(())
    }
}

struct AlreadyLocked;

/// Takes a file lock, which ends with its process in any case. `None` if no file can be created.
fn lock(state: &Path, file: &Path) -> Result<Option<File>, AlreadyLocked> {
    let opened = porchlight_files::create_folder(state)
        .and_then(|()| File::options().create(true).append(true).open(file));
    let Ok(file) = opened else {
        return Ok(None);
    };
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Err(AlreadyLocked),
        Err(TryLockError::Error(_)) => Ok(None),
    }
}

/// Reads a stored file. A missing or damaged one counts as none: all its content can be made again.
fn read<T: DeserializeOwned>(file: &Path) -> Option<T> {
    serde_json::from_slice(&fs::read(file).ok()?).ok()
}

fn write(path: PathBuf, content: &impl Serialize) -> Result<(), SaveError> {
    serde_json::to_vec(content)
        .map_err(io::Error::from)
        .and_then(|content| porchlight_files::write_creating_folder(&path, &content))
        .map_err(|error| SaveError { path, error })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user() -> UserId {
        UserId::parse("zoë b").unwrap()
    }

    fn id(text: &str) -> DeviceId {
        DeviceId::parse(text).unwrap()
    }

    /// Takes the presence as a program that starts in this folder does.
    fn start(
        state: &Path,
        device: Option<&str>,
        broker: &str,
        seed: u64,
    ) -> Result<Identity, AlreadyRunning> {
        let (user, broker) = (user(), broker.parse().unwrap());
        let device_lock =
            DeviceLock { state, user: &user, device: device.map(id), broker: &broker };
        Identity::take(device_lock, &mut fastrand::Rng::with_seed(seed))
    }

    fn run(state: &Path, device: Option<&str>, seed: u64) -> Identity {
        start(state, device, "mqtt://work", seed).unwrap()
    }

    fn saved(identity: &Identity, epoch: u64) -> Saved {
        Saved {
            device: identity.device.clone(),
            client_id: identity.client_id.clone(),
            epoch,
            speaks_v5: identity.speaks_v5,
            invisible: identity.invisible,
        }
    }

    #[test]
    fn muted_people_are_stored_until_the_presence_is_forgotten() {
        let dir = tempfile::tempdir().unwrap();
        let identity = run(dir.path(), None, 1);
        assert!(identity.muted().is_empty());
        let muted = [user()].into();
        identity.save_muted(&muted).unwrap();
        drop(identity);
        let identity = run(dir.path(), None, 1);
        assert_eq!(identity.muted(), muted);
        identity.forget();
        assert!(run(dir.path(), None, 1).muted().is_empty());
    }

    #[test]
    fn ids_epoch_and_invisibility_are_kept() {
        let dir = tempfile::tempdir().unwrap();
        let state = dir.path().join("state");
        let mut first = run(&state, None, 1);
        assert_eq!((first.epoch, first.invisible, first.client_id.len()), (0, false, 23));
        first.save(&Saved { invisible: true, ..saved(&first, 42) }).unwrap();
        let (device, client_id) = (first.device.clone(), first.client_id.clone());
        drop(first);
        let again = run(&state, None, 2);
        assert_eq!((again.device, again.client_id), (device, client_id));
        assert_eq!((again.epoch, again.invisible), (42, true));
    }

    #[test]
    fn a_first_version_of_the_files_is_read() {
        let dir = tempfile::tempdir().unwrap();
        let state = dir.path();
        fs::write(state.join("device.json"), r#"{"device":"desk"}"#).unwrap();
        let session = r#"{"client_id":"plabcm","epoch":7}"#;
        fs::write(state.join("zo%C3%AB%20b@desk.json"), session).unwrap();
        let it = run(state, None, 1);
        assert_eq!((it.device.as_str(), it.client_id.as_str(), it.epoch), ("desk", "plabcm", 7));
    }

    #[test]
    fn only_one_program_runs_a_presence() {
        let dir = tempfile::tempdir().unwrap();
        let held = run(dir.path(), Some("desk"), 1);
        let second = start(dir.path(), Some("desk"), "mqtt://home", 2);
        assert_eq!(second.unwrap_err(), AlreadyRunning { user: user() });
        drop(held);
        assert!(start(dir.path(), Some("desk"), "mqtt://home", 2).is_ok());
    }

    #[test]
    fn a_broker_that_spoke_mqtt_5_is_known_by_its_address() {
        let dir = tempfile::tempdir().unwrap();
        let at = |broker: &str| start(dir.path(), None, broker, 1).unwrap();
        let mut work = at("mqtt://work");
        assert!(!work.speaks_v5);
        work.save(&Saved { speaks_v5: true, ..saved(&work, 1) }).unwrap();
        drop(work);
        let mut home = at("mqtt://home");
        assert!(!home.speaks_v5);
        home.save(&saved(&home, 2)).unwrap();
        drop(home);
        assert!(at("mqtt://work").speaks_v5);
        assert!(!at("mqtt://work:1884").speaks_v5);
        for port in 0..MAX_BROKERS {
            let mut other = at(&format!("mqtt://hub:{}", 2000 + port));
            other.save(&Saved { speaks_v5: true, ..saved(&other, 3) }).unwrap();
        }
        assert!(!at("mqtt://work").speaks_v5, "it is too long ago");
        assert!(at("mqtt://hub:2000").speaks_v5);
    }

    /// Changes the id as the engine does if another machine turns out to be the same device.
    fn renew(identity: &mut Identity, device: &str, epoch: u64) {
        let client_id = format!("pl{device}m");
        identity.save(&Saved { device: id(device), client_id, ..saved(identity, epoch) }).unwrap();
    }

    #[test]
    fn a_cloned_machine_keeps_its_new_id() {
        let dir = tempfile::tempdir().unwrap();
        let mut cloned = run(dir.path(), None, 1);
        let former = cloned.device.clone();
        renew(&mut cloned, "new", 9);
        assert!(start(dir.path(), Some("new"), "mqtt://work", 2).is_err());
        assert!(start(dir.path(), Some(former.as_str()), "mqtt://work", 2).is_err());
        drop(cloned);
        let again = run(dir.path(), None, 2);
        assert_eq!((again.device.as_str(), again.client_id.as_str()), ("new", "plnewm"));
        assert_eq!(again.epoch, 9);
    }

    #[test]
    fn a_given_id_that_is_in_use_elsewhere_is_replaced_until_another_is_given() {
        let dir = tempfile::tempdir().unwrap();
        let mut cloned = run(dir.path(), Some("desk"), 1);
        renew(&mut cloned, "new", 2);
        drop(cloned);
        let mut again = run(dir.path(), Some("desk"), 2);
        assert_eq!(again.device, id("new"));
        renew(&mut again, "newer", 3);
        drop(again);
        assert_eq!(run(dir.path(), Some("desk"), 3).device, id("newer"));
        assert_eq!(run(dir.path(), Some("lap"), 4).device, id("lap"));
        let own = run(dir.path(), None, 5).device;
        assert_eq!(run(dir.path(), None, 6).device, own);
        assert_eq!(run(dir.path(), Some("desk"), 7).device, id("newer"));
    }

    #[test]
    fn a_damaged_file_is_made_anew() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("device.json"), "{\"device\":\"a/b\"}").unwrap();
        let device = run(dir.path(), None, 1).device;
        assert_eq!(device.as_str().len(), 16);
        assert_eq!(run(dir.path(), None, 2).device, device);
    }

    #[test]
    fn what_can_not_be_saved_holds_for_this_run_and_is_saved_as_soon_as_it_can() {
        let dir = tempfile::tempdir().unwrap();
        let state = dir.path().join("in-the-way");
        fs::write(&state, "a file where the folder should be").unwrap();
        let mut identity = run(&state, None, 1);
        let device = identity.device.clone();
        let error = identity.save(&saved(&identity, 1)).unwrap_err();
        assert!(error.to_string().contains("your status still works"), "{error}");
        assert_eq!((identity.epoch, &identity.device), (1, &device));

        fs::remove_file(&state).unwrap();
        identity.save(&saved(&identity, 2)).unwrap();
        drop(identity);
        let again = run(&state, None, 2);
        assert_eq!((again.epoch, again.device), (2, device));
    }

    #[test]
    fn a_forgotten_presence_begins_anew() {
        let dir = tempfile::tempdir().unwrap();
        let mut first = run(dir.path(), None, 1);
        first.save(&saved(&first, 42)).unwrap();
        let (device, client_id) = (first.device.clone(), first.client_id.clone());
        first.forget();
        let again = run(dir.path(), None, 2);
        assert_eq!((&again.device, again.epoch), (&device, 0));
        assert_ne!(again.client_id, client_id);
    }

    #[test]
    fn an_ephemeral_presence_stores_nothing() {
        let mut identity = Identity::ephemeral(id("desk"), &mut fastrand::Rng::with_seed(1));
        renew(&mut identity, "new", 5);
        assert_eq!((identity.device.as_str(), identity.epoch), ("new", 5));
    }
}
