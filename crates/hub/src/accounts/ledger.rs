//! The team while the hub runs: every connection reads it, and changes are written one after the other.
//!
//! Owns when `file.rs` writes. Each change runs to its end on its own task, even if the caller goes away. A change that
//! grants access takes effect once it is on disk, so that no restart forgets a credential that somebody has. A change
//! that ends access takes effect at once, even while the disk fails. A failed write is tried again until it succeeds.

use super::file::{AccountsFile, SaveError};
use super::{Accounts, CredentialUsage, RemoveMemberError};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockWriteGuard};
use std::time::Duration;
use tokio::sync::{Notify, OwnedMutexGuard};
use tokio::task::JoinHandle;

/// How long what was used waits to be written, so that a wave of log-ins is one write.
const GATHERED: Duration = Duration::from_secs(1);
/// A write that takes longer counts as failing.
const STALLED: Duration = Duration::from_secs(5);
/// How long a change may take. After that it is not made, and the caller gets an error.
const WAIT: Duration = Duration::from_secs(10);

/// The team of a running hub, in memory and on disk.
pub(crate) struct Ledger(Arc<Shared>);

struct Shared {
    state: RwLock<State>,
    used: Mutex<CredentialUsage>,
    /// Counts changes. [`Ledger::revoke_access`] counts its own under the lock of `state`, so that a copy of the accounts
    /// contains every change that its version counts.
    version: AtomicU64,
    /// Locked from before a change is begun until it is written, so that writes are in the order of changes.
    disk: Arc<tokio::sync::Mutex<Disk>>,
    noted: Notify,
    folder: PathBuf,
    report: Option<Report>,
}

struct State {
    /// The team that is in effect.
    accounts: Accounts,
    /// The team that takes effect as soon as it is on disk.
    next: Option<Accounts>,
}

type Report = Box<dyn Fn(Result<(), &SaveError>) + Send + Sync>;
type Save = Box<dyn FnMut(&AccountsFile) -> Result<(), SaveError> + Send>;

struct Disk {
    /// None: the team ends with the hub.
    save: Option<Save>,
    /// The version that is on disk; none where a write failed, for then it is not known what is there.
    written: Option<u64>,
}

/// A write that goes on whether or not it is waited for.
pub(crate) struct PendingSave {
    task: JoinHandle<Result<(), SaveError>>,
    folder: PathBuf,
}

/// Whether a change was made before its caller gave up.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Open,
    Made,
    GivenUp,
}

impl Ledger {
    /// Keeps `sheet` in `folder`, or in memory.
    pub(crate) fn new(sheet: AccountsFile, folder: Option<PathBuf>) -> Self {
        let path = folder.clone().unwrap_or_default();
        let save =
            folder.map(|folder| Box::new(move |sheet: &AccountsFile| sheet.save(&folder)) as Save);
        Self::saved_by(sheet, path, save)
    }

    pub(super) fn saved_by(sheet: AccountsFile, folder: PathBuf, save: Option<Save>) -> Self {
        let shared = Shared {
            state: RwLock::new(State { accounts: sheet.accounts, next: None }),
            used: Mutex::new(sheet.used),
            version: AtomicU64::new(0),
            disk: Arc::new(tokio::sync::Mutex::new(Disk { save, written: Some(0) })),
            noted: Notify::new(),
            folder,
            report: None,
        };
        Self(Arc::new(shared))
    }

    /// Calls `report` with each failed write, and with each write after which everything is on disk.
    pub(crate) fn with_report(
        self,
        report: impl Fn(Result<(), &SaveError>) + Send + Sync + 'static,
    ) -> Self {
        let mut shared = Arc::into_inner(self.0).expect("nothing runs yet that would share it");
        shared.report = Some(Box::new(report));
        Self(Arc::new(shared))
    }

    /// Looks something up.
    pub(crate) fn read<R>(&self, look: impl FnOnce(&Accounts) -> R) -> R {
        look(&self.0.state.read().unwrap_or_else(PoisonError::into_inner).accounts)
    }

    /// Makes a change that takes effect once it is on disk. An error of either kind changes nothing.
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

    /// Makes a change that ends access, in effect when this returns. Until the returned write succeeds, a restart would
    /// undo it. The write is tried again until then.
    pub(crate) fn revoke_access<T>(
        &self,
        end: impl Fn(&mut Accounts) -> Result<T, RemoveMemberError>,
    ) -> (Result<T, RemoveMemberError>, PendingSave) {
        let mut state = self.0.state();
        let ended = state.end(end);
        if ended.is_ok() {
            self.0.version.fetch_add(1, Ordering::SeqCst);
        }
        drop(state);
        (ended, self.flush())
    }

    /// What the credentials used; call [`Ledger::note`] after a change that is to be kept.
    pub(crate) fn used(&self) -> MutexGuard<'_, CredentialUsage> {
        self.0.used()
    }

    /// Has what was used written soon.
    pub(crate) fn note(&self) {
        self.0.version.fetch_add(1, Ordering::SeqCst);
        self.0.noted.notify_one();
    }

    /// Writes what credentials used, and retries failed writes, for as long as it is polled.
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

    /// Writes everything as it is now, unless that is on disk.
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

    /// Writes everything as it is now, and nothing after that: the folder may become another hub's.
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

    /// Everything, as it would be written.
    pub(crate) fn sheet(&self) -> AccountsFile {
        AccountsFile::new(self.read(Clone::clone), self.used().clone())
    }
}

impl State {
    /// Ends something in the current and in the next state: in both, or in neither if one forbids it.
    fn end<T>(
        &mut self,
        end: impl Fn(&mut Accounts) -> Result<T, RemoveMemberError>,
    ) -> Result<T, RemoveMemberError> {
        let mut accounts = self.accounts.clone();
        let mut ended = end(&mut accounts);
        let mut next = self.next.clone();
        // The next state contains the current one, and perhaps more of what ends.
        if let Some(next) = &mut next {
            ended = match (end(next), ended) {
                (Err(refused), _) | (_, Err(refused)) if refused.is_refusal() => Err(refused),
                (in_next, in_accounts) => in_next.or(in_accounts),
            };
        }
        if ended.is_ok() {
            *self = Self { accounts, next };
        }
        ended
    }
}

impl Shared {
    /// Runs `work`, which may block. It keeps the disk until it has ended, even if the caller goes away.
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
            let mut next = state.accounts.clone();
            let result = change(&mut next)?;
            let version = self.version.load(Ordering::SeqCst);
            (result, version, state.next.insert(next).clone())
        };
        let saved = self.save(disk, version, next);
        let mut state = self.state();
        // `revoke_access` has taken out of it what ended in the meantime.
        let next = state.next.take();
        saved?;
        let mut verdict = verdict.lock().unwrap_or_else(PoisonError::into_inner);
        if *verdict == Verdict::GivenUp {
            // It is on disk, but the caller was told that it was not made.
            disk.written = None;
            self.noted.notify_one();
            return Err(self.no_answer().into());
        }
        *verdict = Verdict::Made;
        if let Some(next) = next {
            state.accounts = next;
        }
        Ok(result)
    }

    /// Writes the accounts as they were at this version.
    fn save(&self, disk: &mut Disk, version: u64, accounts: Accounts) -> Result<(), SaveError> {
        let Some(save) = &mut disk.save else {
            return Ok(());
        };
        let sheet = AccountsFile::new(accounts, self.used().clone());
        // Until it has succeeded it is not known what is there: a write can fail after the file was replaced.
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
    /// Waits for the write, but not for ever; it goes on all the same.
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
