//! The team while the hub runs: read by every connection, changed one change at a time, on disk before it holds.
//!
//! Owns when `file.rs` writes. A change holds once it is on disk, so that nobody is told of a credential that a
//! restart forgets; shutting somebody out holds at once, whatever the disk says. What credentials used is written a
//! little later: at worst a crash forgets the last second of it.

use super::file::{NotSaved, Sheet};
use super::{Accounts, Used};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;
use tokio::sync::Notify;

/// How long what was used waits to be written, so that a wave of log-ins is one write.
const GATHERED: Duration = Duration::from_secs(1);

/// The team.
pub(crate) struct Ledger {
    accounts: RwLock<Accounts>,
    used: Mutex<Used>,
    /// Held by whoever changes the accounts, from reading them to the disk. None: they end with the hub.
    folder: tokio::sync::Mutex<Option<PathBuf>>,
    dirty: Notify,
}

impl Ledger {
    /// Keeps `sheet` in `folder`, or in memory.
    pub(crate) fn new(sheet: Sheet, folder: Option<PathBuf>) -> Self {
        Self {
            accounts: RwLock::new(sheet.accounts),
            used: Mutex::new(sheet.used),
            folder: tokio::sync::Mutex::new(folder),
            dirty: Notify::new(),
        }
    }

    /// Looks something up.
    pub(crate) fn read<R>(&self, look: impl FnOnce(&Accounts) -> R) -> R {
        look(&self.accounts.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Makes a change that holds once it is on disk; an error of either kind changes nothing.
    pub(crate) async fn change<R, E: From<NotSaved>>(
        &self,
        change: impl FnOnce(&mut Accounts) -> Result<R, E>,
    ) -> Result<R, E> {
        let folder = self.folder.lock().await;
        let mut accounts = self.read(Clone::clone);
        let result = change(&mut accounts)?;
        self.save(folder.as_deref(), accounts.clone()).await?;
        self.put(accounts);
        Ok(result)
    }

    /// Makes a change that shuts somebody out: it holds at once, and `NotSaved` says that a restart would forget it.
    pub(crate) async fn shut_out<R>(
        &self,
        change: impl FnOnce(&mut Accounts) -> R,
    ) -> (R, Result<(), NotSaved>) {
        let folder = self.folder.lock().await;
        let mut accounts = self.read(Clone::clone);
        let result = change(&mut accounts);
        self.put(accounts.clone());
        (result, self.save(folder.as_deref(), accounts).await)
    }

    /// What the credentials used; call [`Ledger::note`] after a change that is to be kept.
    pub(crate) fn used(&self) -> MutexGuard<'_, Used> {
        self.used.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has what was used written soon.
    pub(crate) fn note(&self) {
        self.dirty.notify_one();
    }

    /// Writes what was used, when it was, for as long as it is polled.
    pub(crate) async fn keep(&self) {
        loop {
            self.dirty.notified().await;
            tokio::time::sleep(GATHERED).await;
            if let Err(e) = self.flush().await {
                tracing::debug!("{e}");
            }
        }
    }

    /// Writes everything as it stands.
    pub(crate) async fn flush(&self) -> Result<(), NotSaved> {
        let folder = self.folder.lock().await;
        let accounts = self.read(Clone::clone);
        self.save(folder.as_deref(), accounts).await
    }

    /// Everything, as it would be written.
    pub(crate) fn sheet(&self) -> Sheet {
        Sheet::new(self.read(Clone::clone), self.used().clone())
    }

    fn put(&self, accounts: Accounts) {
        *self.accounts.write().unwrap_or_else(PoisonError::into_inner) = accounts;
    }

    async fn save(&self, folder: Option<&Path>, accounts: Accounts) -> Result<(), NotSaved> {
        let Some(folder) = folder.map(Path::to_owned) else {
            return Ok(());
        };
        let sheet = Arc::new(Sheet::new(accounts, self.used().clone()));
        let path = folder.clone();
        tokio::task::spawn_blocking(move || sheet.save(&folder))
            .await
            .unwrap_or_else(|e| Err(NotSaved { path, reason: e.to_string() }))
    }
}
