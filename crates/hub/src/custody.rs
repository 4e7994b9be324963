//! Whether this hub serves its team: the state, and its files.
//!
//! HTTP is refused by `http/relocation.rs` (`require_serving`), MQTT by `access/gate.rs`, and changes of members by
//! `accounts/ledger.rs` (`freeze`). The order of a move is in `team/relocation.rs` (`move_to`).
//!
//! A team has one hub. While it moves to another computer, the new hub is *arriving*: it has a copy and serves nobody. The
//! old hub lets go first, durably, and only then does the new one serve (`docs/protocol.md`, *Moving*).
//!
//! While the host is away, its backup serves members in its place, and changes nothing. A host that sleeps or ends has
//! *handed over* before. Neither is written, because both end with the hub (`docs/protocol.md`, *The backup computer*).

use crate::accounts::{self, AccountsError, SaveError};
use crate::{certificate, clock, log, store};
use porchlight_core::team::{Address, StandsIn};
use porchlight_core::time::Timestamp;
use porchlight_team::StoreState;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use std::{fs, io};

const MOVED: &str = "moved.json";
const ARRIVING: &str = "arriving.json";
/// How long the old hub sends members to the new one. After that, members who were away have to join again.
const FORWARDS: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// Where a team has moved, as `moved.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Move {
    /// The addresses of the new hub.
    pub(crate) at: Vec<Address>,
    /// What names this move. Only the new hub's computer knows it.
    #[serde(default)]
    pub(crate) key: Option<String>,
    /// When.
    #[serde(default)]
    pub(crate) since: Timestamp,
}

/// Whether a hub serves its team.
#[derive(Debug)]
pub(crate) struct Custody {
    folder: Option<PathBuf>,
    /// Counts the times between which nobody is heard: neither connections nor Wills. Odd: nobody is heard now. A
    /// connection belongs to the period in which it logged in, so that its delayed Will is not heard in a later one.
    period: AtomicU64,
    state: Mutex<State>,
}

/// What a hub does for its team.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum State {
    /// It is the host.
    Serving,
    /// It has a copy, and its team is served elsewhere.
    Arriving,
    /// Its team went to another computer.
    Moved(Move),
    /// It is the host, and the backup serves.
    HandedOver,
    /// It is the backup, and serves.
    StandingIn(StandsIn),
}

/// What the store of a hub contains.
#[must_use]
pub fn store_state(folder: &Path) -> StoreState {
    if folder.join(ARRIVING).exists() {
        StoreState::Arriving
    } else if read_move(folder).is_some() {
        StoreState::Moved
    } else if folder.join(accounts::FILE).is_file() {
        StoreState::Team
    } else {
        StoreState::Empty
    }
}

/// Whether the folder contains a team whose hub may serve.
#[must_use]
pub fn has_team(folder: &Path) -> bool {
    store_state(folder) == StoreState::Team
}

/// Where the team of this folder has moved. Empty: it has not.
#[must_use]
pub fn forwarding_addresses(folder: &Path) -> Vec<Address> {
    read_move(folder).map(|moved| moved.at).unwrap_or_default()
}

/// The number of members of the team in the folder. Blocks on the disk.
///
/// # Errors
///
/// [`AccountsError`] if the team can't be read.
pub fn count_members(folder: &Path) -> Result<usize, AccountsError> {
    Ok(accounts::load(folder)?.map_or(0, |sheet| sheet.accounts.members().len()))
}

/// Removes the files of a team, and the folder if nothing else is in it. Blocks on the disk.
///
/// # Errors
///
/// [`io::Error`] if one of the files can't be removed; those before it are gone.
pub fn remove_team(folder: &Path) -> io::Result<()> {
    if !folder.exists() {
        return Ok(());
    }
    // Not while a hub uses them.
    let held = store::Folder::hold(folder.to_owned()).map_err(|e| match e {
        fs::TryLockError::WouldBlock => io::Error::new(
            io::ErrorKind::ResourceBusy,
            format!("another program hosts the team in {}; stop it first", folder.display()),
        ),
        fs::TryLockError::Error(e) => e,
    })?;
    // The accounts first: without them there is no team, whatever else stays.
    let files = [accounts::FILE, certificate::FILE, certificate::KEY, MOVED, ARRIVING];
    for name in files.into_iter().chain(log::FILES).chain([store::LOCK]) {
        porchlight_files::remove(&folder.join(name))?;
    }
    drop(held);
    // Other files in it are not ours.
    let _ = fs::remove_dir(folder);
    Ok(())
}

/// Marks the folder as one whose team still has its hub elsewhere.
pub(crate) fn mark_arriving(folder: &Path) -> io::Result<()> {
    porchlight_files::write_creating_folder(&folder.join(ARRIVING), b"{}")
}

/// Removes the marks of a move: the team of this folder is served here.
pub(crate) fn unmark(folder: &Path) -> io::Result<()> {
    porchlight_files::remove(&folder.join(MOVED))?;
    porchlight_files::remove(&folder.join(ARRIVING))
}

/// Where the team of this folder has moved. A file that can't be read means that it has moved, to an unknown place: a team
/// that is served twice is worse than one that is not served.
fn read_move(folder: &Path) -> Option<Move> {
    let path = folder.join(MOVED);
    let content = match fs::read(&path) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return None,
        content => content,
    };
    let moved = content.ok().and_then(|content| serde_json::from_slice(&content).ok());
    Some(moved.unwrap_or_else(|| {
        tracing::warn!("{} can't be read, so this hub does not serve the team", path.display());
        Move { at: Vec::new(), key: None, since: clock::now().wall }
    }))
}

impl Custody {
    /// As the folder says. Without one: the team is new, and ends with the hub.
    pub(crate) fn open(folder: Option<PathBuf>) -> Self {
        let state = match &folder {
            Some(folder) if folder.join(ARRIVING).exists() => State::Arriving,
            Some(folder) => read_move(folder).map_or(State::Serving, State::Moved),
            None => State::Serving,
        };
        let period = AtomicU64::new(u64::from(state != State::Serving));
        Self { folder, period, state: Mutex::new(state) }
    }

    /// Of a backup that serves in the place of the host.
    pub(crate) fn standing_in(stands_in: StandsIn) -> Self {
        let state = Mutex::new(State::StandingIn(stands_in));
        Self { folder: None, period: AtomicU64::new(0), state }
    }

    /// Where the team has moved, if that was too long ago to send anybody there.
    pub(crate) fn expired(&self) -> Option<Move> {
        let moved = self.moved()?;
        (clock::now().wall.since(moved.since) > FORWARDS).then_some(moved)
    }

    /// Whether this is the host, and serves.
    pub(crate) fn is_serving(&self) -> bool {
        *self.state() == State::Serving
    }

    pub(crate) fn now(&self) -> State {
        self.state().clone()
    }

    /// That this is a backup which serves, and why.
    pub(crate) fn stands_in(&self) -> Option<StandsIn> {
        match &*self.state() {
            State::StandingIn(stands_in) => Some(stands_in.clone()),
            _ => None,
        }
    }

    /// Where the team has moved.
    pub(crate) fn moved(&self) -> Option<Move> {
        match &*self.state() {
            State::Moved(moved) => Some(moved.clone()),
            _ => None,
        }
    }

    /// The period in which connections are heard; none while nobody is.
    pub(crate) fn period(&self) -> Option<u64> {
        let period = self.period.load(Ordering::SeqCst);
        period.is_multiple_of(2).then_some(period)
    }

    /// The period for somebody who connects now. A host that is about to close lets nobody in: the backup would not learn
    /// what they do.
    pub(crate) fn admission(&self) -> Option<u64> {
        let is_leaving = *self.state() == State::HandedOver;
        self.period().filter(|_| !is_leaving)
    }

    /// From here on nobody is heard, Wills included.
    pub(crate) fn close(&self) {
        self.period.fetch_or(1, Ordering::SeqCst);
    }

    /// From here on new connections are heard.
    fn open_period(&self) {
        self.period.fetch_add(self.period.load(Ordering::SeqCst) % 2, Ordering::SeqCst);
    }

    /// The host goes away, and its backup serves. The connections are heard until [`Custody::close`].
    pub(crate) fn hand_over(&self) {
        let mut state = self.state();
        if *state == State::Serving {
            *state = State::HandedOver;
        }
    }

    /// The host that handed over is back.
    pub(crate) fn take_back(&self) {
        let mut state = self.state();
        if *state == State::HandedOver {
            *state = State::Serving;
            self.open_period();
        }
    }

    /// Writes where the team goes: the point of no return. A hub that forgets that it has moved would be a second one.
    pub(crate) fn record_move(&self, to: &Move) -> Result<(), SaveError> {
        let Some(folder) = &self.folder else {
            return Ok(());
        };
        let note = serde_json::to_vec(to).expect("addresses are text");
        match porchlight_files::write(&folder.join(MOVED), &note) {
            // The last step, syncing the folder, can fail while the file is in place.
            Err(_) if read_move(folder).as_ref() == Some(to) => Ok(()),
            written => {
                written.map_err(|e| SaveError { path: folder.clone(), reason: e.to_string() })
            }
        }
    }

    /// From here on the hub answers with the new addresses.
    pub(crate) fn start_forwarding(&self, to: Move) {
        self.close();
        *self.state() = State::Moved(to);
    }

    /// The team is served here from now on.
    pub(crate) fn serve(&self) -> Result<(), SaveError> {
        if let Some(folder) = &self.folder {
            unmark(folder)
                .map_err(|e| SaveError { path: folder.clone(), reason: e.to_string() })?;
        }
        *self.state() = State::Serving;
        self.open_period();
        Ok(())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn has_moved(folder: &Path, since: Timestamp) -> Custody {
        let custody = Custody::open(Some(folder.to_owned()));
        let to = Move { at: vec!["10.0.0.7:1".parse().unwrap()], key: None, since };
        custody.record_move(&to).unwrap();
        custody.start_forwarding(to);
        custody
    }

    #[test]
    fn only_our_own_files_are_removed() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("store");
        fs::create_dir(&folder).unwrap();
        for name in [accounts::FILE, certificate::FILE, certificate::KEY, MOVED, "holiday.jpg"] {
            fs::write(folder.join(name), "{}").unwrap();
        }
        remove_team(&folder).unwrap();
        let left: Vec<_> =
            fs::read_dir(&folder).unwrap().map(|it| it.unwrap().file_name()).collect();
        assert_eq!(left, ["holiday.jpg"]);
        fs::remove_file(folder.join("holiday.jpg")).unwrap();
        remove_team(&folder).unwrap();
        assert!(!folder.exists());
        remove_team(&folder).unwrap();
    }

    #[test]
    fn a_store_says_what_its_hub_may_do() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path();
        assert_eq!(store_state(folder), StoreState::Empty);
        mark_arriving(folder).unwrap();
        fs::write(folder.join(accounts::FILE), "{}").unwrap();
        assert_eq!(store_state(folder), StoreState::Arriving);
        let custody = Custody::open(Some(folder.to_owned()));
        assert!(custody.period().is_none() && !custody.is_serving());
        custody.serve().unwrap();
        assert!(custody.period().is_some());
        assert_eq!(store_state(folder), StoreState::Team);
        has_moved(folder, clock::now().wall);
        assert_eq!(store_state(folder), StoreState::Moved);
        let again = Custody::open(Some(folder.to_owned()));
        assert!(again.period().is_none() && again.moved().is_some());
        fs::write(folder.join(MOVED), "{").unwrap();
        assert_eq!(store_state(folder), StoreState::Moved, "a damaged note is no reason to serve");
        assert!(Custody::open(Some(folder.to_owned())).period().is_none());
        // A team that comes back is arriving, whatever is left from before.
        mark_arriving(folder).unwrap();
        assert_eq!(store_state(folder), StoreState::Arriving);
    }

    #[test]
    fn a_connection_from_before_a_hand_over_is_not_heard_after_it() {
        let custody = Custody::open(None);
        let before = custody.period();
        custody.hand_over();
        assert_eq!(custody.period(), before, "its members are told first");
        assert_eq!(custody.admission(), None, "and nobody else comes");
        custody.close();
        custody.close();
        assert_eq!(custody.period(), None);
        custody.take_back();
        custody.take_back();
        assert!(custody.is_serving() && custody.period().is_some());
        assert_ne!(custody.period(), before);
    }

    #[test]
    fn nobody_is_sent_on_for_ever() {
        let dir = tempfile::tempdir().unwrap();
        let now = clock::now().wall;
        assert!(has_moved(dir.path(), now).expired().is_none());
        assert!(has_moved(dir.path(), now - FORWARDS - FORWARDS).expired().is_some());
    }
}
