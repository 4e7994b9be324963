//! The accounts of a running hub: every connection reads them, and the ledger writes changes one after the
//! other.
//!
//! Decides when `file.rs` writes. Each change completes on its own task, even if the caller goes away. A
//! change that grants access takes effect once it is on disk, so that no restart loses an issued credential.
//! A change that ends access takes effect at once, even while the disk fails. The ledger retries a failed
//! write until it succeeds.

use super::file::{AccountsFile, MOVING, SaveError};
use super::{Accounts, CredentialUsage, RemoveMemberError};
use crate::clock;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockWriteGuard};
use std::time::Duration;
use tokio::sync::{Notify, OwnedMutexGuard, watch};
use tokio::task::JoinHandle;

/// Delay before usage is written, so that many logins cause one write.
const GATHERED: Duration = Duration::from_secs(1);
/// A write that takes longer than this counts as failing.
const STALLED: Duration = Duration::from_secs(5);
/// Maximum duration of a change. After that the ledger drops it, and the caller gets an error.
const WAIT: Duration = Duration::from_secs(10);

/// The accounts of a running hub, in memory and on disk.
pub(crate) struct Ledger(Arc<Shared>);

struct Shared {
    state: RwLock<State>,
    used: Mutex<CredentialUsage>,
    /// Counts changes. [`Ledger::revoke_access`] counts its own under the lock of `state`, so that a copy of the accounts
    /// contains every change that its version counts.
    version: AtomicU64,
    /// Locked from before a change begins until it is written, so that writes keep the order of changes.
    disk: Arc<tokio::sync::Mutex<Disk>>,
    noted: Notify,
    /// The revision of the accounts in effect.
    revision: watch::Sender<u64>,
    folder: PathBuf,
    report: Option<Report>,
}

struct State {
    /// The accounts in effect.
    accounts: Accounts,
    /// The accounts that take effect once they are on disk.
    next: Option<Accounts>,
    /// True while the team moves to another hub, because a change would be lost.
    frozen: bool,
}

type Report = Box<dyn Fn(Result<(), &SaveError>) + Send + Sync>;
type Save = Box<dyn FnMut(&AccountsFile) -> Result<(), SaveError> + Send>;

struct Disk {
    /// Writes the file. None if the team exists only in memory.
    save: Option<Save>,
    /// The version on disk. None after a failed write, because the content is unknown then.
    written: Option<u64>,
}

/// A write that continues even if nobody waits for it.
pub(crate) struct PendingSave {
    task: JoinHandle<Result<(), SaveError>>,
    folder: PathBuf,
}

/// Whether a change took effect before its caller gave up.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Open,
    Made,
    GivenUp,
}

impl Ledger {
    /// Creates a ledger that stores `sheet` in `folder`, or only in memory.
    pub(crate) fn new(sheet: AccountsFile, folder: Option<PathBuf>) -> Self {
        let path = folder.clone().unwrap_or_default();
        let save =
            folder.map(|folder| Box::new(move |sheet: &AccountsFile| sheet.save(&folder)) as Save);
        Self::saved_by(sheet, path, save)
    }

    pub(super) fn saved_by(mut sheet: AccountsFile, folder: PathBuf, save: Option<Save>) -> Self {
        if sheet.accounts.revision() == 0 {
            // Of an older hub, or new.
            sheet.accounts.raise_revision(clock::now().wall);
        }
        let (revision, _) = watch::channel(sheet.accounts.revision());
        let shared = Shared {
            state: RwLock::new(State { accounts: sheet.accounts, next: None, frozen: false }),
            used: Mutex::new(sheet.used),
            version: AtomicU64::new(0),
            disk: Arc::new(tokio::sync::Mutex::new(Disk { save, written: Some(0) })),
            noted: Notify::new(),
            revision,
            folder,
            report: None,
        };
        Self(Arc::new(shared))
    }

    /// Calls `report` after each failed write, and after each write that leaves nothing unwritten.
    pub(crate) fn with_report(
        self,
        report: impl Fn(Result<(), &SaveError>) + Send + Sync + 'static,
    ) -> Self {
        let mut shared = Arc::into_inner(self.0).expect("nothing runs yet that would share it");
        shared.report = Some(Box::new(report));
        Self(Arc::new(shared))
    }

    /// Reads the accounts in effect.
    pub(crate) fn read<R>(&self, look: impl FnOnce(&Accounts) -> R) -> R {
        look(&self.0.state.read().unwrap_or_else(PoisonError::into_inner).accounts)
    }

    /// The revision of the accounts in effect, and its changes.
    pub(crate) fn revision(&self) -> watch::Receiver<u64> {
        self.0.revision.subscribe()
    }

    /// Makes a change that takes effect once it is on disk. After an error of either kind, nothing has
    /// changed.
    pub(crate) async fn change<R, E>(
        &self,
        change: impl FnOnce(&mut Accounts) -> Result<R, E> + Send + 'static,
    ) -> Result<R, E>
    where
        R: Send + 'static,
        E: From<SaveError> + Send + 'static,
    {
        self.change_within(WAIT, change).await
    }

    async fn change_within<R, E>(
        &self,
        wait: Duration,
        change: impl FnOnce(&mut Accounts) -> Result<R, E> + Send + 'static,
    ) -> Result<R, E>
    where
        R: Send + 'static,
        E: From<SaveError> + Send + 'static,
    {
        let verdict = Arc::new(Mutex::new(Verdict::Open));
        let (shared, decided) = (Arc::clone(&self.0), Arc::clone(&verdict));
        let mut task = tokio::spawn(async move {
            let disk = Arc::clone(&shared.disk).lock_owned().await;
            shared.blocking(disk, move |shared, disk| shared.change(disk, &decided, change)).await
        });
        let done = match tokio::time::timeout(wait, &mut task).await {
            Ok(done) => done,
            Err(_) => {
                {
                    let mut verdict = verdict.lock().unwrap_or_else(PoisonError::into_inner);
                    if *verdict == Verdict::Open {
                        *verdict = Verdict::GivenUp;
                        return Err(self.0.no_answer().into());
                    }
                }
                task.await
            }
        };
        match done {
            Ok(Ok(result)) => result,
            Ok(Err(e)) => Err(e.into()),
            Err(e) => Err(self.0.not_saved(&e).into()),
        }
    }

    /// Makes a change that ends access. It is in effect when this returns. Until the returned write succeeds,
    /// a restart would undo it. The ledger retries the write until then.
    pub(crate) fn revoke_access<T>(
        &self,
        end: impl Fn(&mut Accounts) -> Result<T, RemoveMemberError>,
    ) -> (Result<T, RemoveMemberError>, PendingSave) {
        let mut state = self.0.state();
        let ended = state.end(end);
        if ended.is_ok() {
            self.0.version.fetch_add(1, Ordering::SeqCst);
        }
        self.0.took_effect(&state);
        drop(state);
        (ended, self.flush())
    }

    /// Locks the usage of the credentials. Call [`Ledger::note`] after a change, so that it is written.
    pub(crate) fn used(&self) -> MutexGuard<'_, CredentialUsage> {
        self.0.used()
    }

    /// Schedules a write of the usage.
    pub(crate) fn note(&self) {
        self.0.version.fetch_add(1, Ordering::SeqCst);
        self.0.noted.notify_one();
    }

    /// Writes the usage, and retries failed writes, while it is polled.
    pub(crate) async fn keep(&self, retry: Duration) {
        loop {
            tokio::select! {
                () = self.0.noted.notified() => tokio::time::sleep(GATHERED).await,
                () = tokio::time::sleep(retry) => {}
            }
            if let Err(e) = self.flush().wait().await {
                tracing::debug!("{e}");
            }
        }
    }

    /// Writes the current state, unless it is already on disk.
    pub(crate) fn flush(&self) -> PendingSave {
        let shared = Arc::clone(&self.0);
        let task = tokio::spawn(async move {
            let disk = Arc::clone(&shared.disk).lock_owned().await;
            let is_written = disk.written == Some(shared.version.load(Ordering::SeqCst));
            if is_written || disk.save.is_none() {
                return Ok(());
            }
            let saved = shared.blocking(disk, |shared, disk| {
                let (version, accounts) = {
                    let state = shared.state();
                    (shared.version.load(Ordering::SeqCst), state.accounts.clone())
                };
                shared.save(disk, version, accounts)
            });
            saved.await.flatten()
        });
        PendingSave { task, folder: self.0.folder.clone() }
    }

    /// Refuses further changes, and waits for the current one.
    pub(crate) async fn freeze(&self) {
        self.0.state().frozen = true;
        drop(self.0.disk.lock().await);
    }

    /// Allows changes again.
    pub(crate) fn thaw(&self) {
        self.0.state().frozen = false;
    }

    /// Replaces the accounts with those of the team's previous hub.
    pub(crate) async fn replace(&self, sheet: AccountsFile) -> Result<(), SaveError> {
        {
            let mut state = self.0.state();
            state.accounts = sheet.accounts;
            self.0.took_effect(&state);
            *self.0.used() = sheet.used;
            self.0.version.fetch_add(1, Ordering::SeqCst);
        }
        self.flush().wait().await
    }

    /// Writes the current state, and nothing after that, because another hub may take over the folder.
    pub(crate) async fn close(&self) -> Result<(), SaveError> {
        let saved = self.flush().wait().await;
        let folder = self.0.folder.clone();
        let ended = async {
            let reason = "the hub has ended".to_owned();
            let refusal = SaveError { path: folder, reason };
            self.0.disk.lock().await.save = Some(Box::new(move |_| Err(refusal.clone())));
        };
        if tokio::time::timeout(STALLED, ended).await.is_err() {
            return Err(self.0.no_answer());
        }
        saved
    }

    /// Returns the current content of the file.
    pub(crate) fn sheet(&self) -> AccountsFile {
        AccountsFile::new(self.read(Clone::clone), self.used().clone())
    }
}

impl State {
    /// Ends something in the current and the next state: in both, or in neither if one forbids it.
    fn end<T>(
        &mut self,
        end: impl Fn(&mut Accounts) -> Result<T, RemoveMemberError>,
    ) -> Result<T, RemoveMemberError> {
        if self.frozen {
            return Err(RemoveMemberError::Moving);
        }
        let mut accounts = self.accounts.clone();
        let mut ended = end(&mut accounts);
        let mut next = self.next.clone();
        // The next state contains the current one, and perhaps further entries to end.
        if let Some(next) = &mut next {
            ended = match (end(next), ended) {
                (Err(refused), _) | (_, Err(refused)) if refused.is_refusal() => Err(refused),
                (in_next, in_accounts) => in_next.or(in_accounts),
            };
        }
        if ended.is_ok() {
            let now = clock::now().wall;
            accounts.settle(&self.accounts, now);
            if let Some(next) = &mut next {
                // Later than the current state, because it contains more.
                next.settle(&accounts, now);
            }
            (self.accounts, self.next) = (accounts, next);
        }
        ended
    }
}

impl Shared {
    /// Runs `work`, which may block. It holds the disk lock until the end, even if the caller goes away.
    async fn blocking<T: Send + 'static>(
        self: &Arc<Self>,
        mut disk: OwnedMutexGuard<Disk>,
        work: impl FnOnce(&Self, &mut Disk) -> T + Send + 'static,
    ) -> Result<T, SaveError> {
        let shared = Arc::clone(self);
        let mut work = tokio::task::spawn_blocking(move || work(&shared, &mut disk));
        let done = match tokio::time::timeout(STALLED, &mut work).await {
            Ok(done) => done,
            Err(_) => {
                self.report(Err(&self.no_answer()));
                work.await
            }
        };
        done.map_err(|e| self.not_saved(&e))
    }

    fn change<R, E: From<SaveError>>(
        &self,
        disk: &mut Disk,
        verdict: &Mutex<Verdict>,
        change: impl FnOnce(&mut Accounts) -> Result<R, E>,
    ) -> Result<R, E> {
        if *verdict.lock().unwrap_or_else(PoisonError::into_inner) == Verdict::GivenUp {
            return Err(self.no_answer().into());
        }
        let (result, version, next) = {
            let mut state = self.state();
            if state.frozen {
                return Err(self.not_saved(&MOVING).into());
            }
            let mut next = state.accounts.clone();
            let result = change(&mut next)?;
            next.settle(&state.accounts, clock::now().wall);
            let version = self.version.load(Ordering::SeqCst);
            (result, version, state.next.insert(next).clone())
        };
        let saved = self.save(disk, version, next);
        let mut state = self.state();
        // `revoke_access` has meanwhile applied its changes to the next state too.
        let next = state.next.take();
        saved?;
        let mut verdict = verdict.lock().unwrap_or_else(PoisonError::into_inner);
        if *verdict == Verdict::GivenUp {
            // The change is on disk, but its caller received an error. The next write undoes it.
            disk.written = None;
            self.noted.notify_one();
            return Err(self.no_answer().into());
        }
        *verdict = Verdict::Made;
        if let Some(next) = next {
            state.accounts = next;
            self.took_effect(&state);
        }
        Ok(result)
    }

    /// Writes the accounts as they were at this version.
    fn save(&self, disk: &mut Disk, version: u64, accounts: Accounts) -> Result<(), SaveError> {
        let Some(save) = &mut disk.save else {
            return Ok(());
        };
        let sheet = AccountsFile::new(accounts, self.used().clone());
        // The content of the disk is unknown until the write succeeds: a write can fail after it replaced the
        // file.
        disk.written = None;
        if let Err(e) = save(&sheet) {
            self.report(Err(&e));
            return Err(e);
        }
        disk.written = Some(version);
        if version == self.version.load(Ordering::SeqCst) {
            self.report(Ok(()));
        }
        Ok(())
    }

    /// Says which revision is in effect now.
    fn took_effect(&self, state: &State) {
        let revision = state.accounts.revision();
        self.revision.send_if_modified(|told| std::mem::replace(told, revision) != revision);
    }

    fn report(&self, saved: Result<(), &SaveError>) {
        if let Some(report) = &self.report {
            report(saved);
        }
    }

    fn state(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn used(&self) -> MutexGuard<'_, CredentialUsage> {
        self.used.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn no_answer(&self) -> SaveError {
        self.not_saved(&NO_ANSWER)
    }

    fn not_saved(&self, reason: &impl ToString) -> SaveError {
        SaveError { path: self.folder.clone(), reason: reason.to_string() }
    }
}

impl PendingSave {
    /// Waits a limited time for the write, which continues in any case.
    pub(crate) async fn wait(self) -> Result<(), SaveError> {
        let not_saved = |reason: String| SaveError { path: self.folder, reason };
        match tokio::time::timeout(STALLED, self.task).await {
            Ok(Ok(saved)) => saved,
            Ok(Err(e)) => Err(not_saved(e.to_string())),
            Err(_) => Err(not_saved(NO_ANSWER.to_owned())),
        }
    }
}

const NO_ANSWER: &str = "the disk does not answer";

#[cfg(test)]
mod tests;
