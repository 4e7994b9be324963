//! Keeps the log on disk in step with what the broker retains.
//!
//! Owns when the log is written, what happens while it cannot be, and who is told. It does not own the messages: the
//! broker's memory holds them, and the keeper always writes what stands there *now*, so that the order in which it
//! hears of changes does not matter.
//!
//! A retained publish waits here until it is on disk, many together for one sync, and is acknowledged then. While the
//! disk fails nobody waits: changes are only made in memory, and once a minute the keeper tries to write all of it.

use crate::HubWarning;
use crate::log::{self, Log};
use crate::store::{Disk, Folder};
use crate::store_health::{Part, StoreHealth};
use mqtt5::broker::storage::{DynamicStorage, StorageBackend};
use mqtt5::broker::{BrokerEventHandler, RetainedSetEvent};
use std::collections::HashSet;
use std::future::Future;
use std::io;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};

/// How often a failing disk is tried again.
pub(crate) const RETRY: Duration = Duration::from_secs(60);
/// How long a publish waits for the disk at most: presence is worth more than its safekeeping.
const WAIT: Duration = Duration::from_secs(1);
/// A write that takes longer counts as failing.
const STALLED: Duration = Duration::from_secs(5);
/// Changes written with one sync.
const BATCH: usize = 1_024;

/// One retained message was set or cleared; `done` is dropped or told once that is on disk.
struct Change {
    topic: Arc<str>,
    done: oneshot::Sender<()>,
}

/// Told by the broker of each retained message, before it is delivered or acknowledged.
pub(crate) struct RetainedChanges {
    changes: mpsc::UnboundedSender<Change>,
    failing: Arc<AtomicBool>,
}

/// The receiving end of a [`RetainedChanges`], until the keeper runs.
pub(crate) struct Recorded {
    changes: mpsc::UnboundedReceiver<Change>,
    failing: Arc<AtomicBool>,
}

/// A running keeper.
#[derive(Debug)]
pub(crate) struct RetainedStore {
    close: Option<oneshot::Sender<()>>,
    task: tokio::task::JoinHandle<io::Result<()>>,
}

pub(crate) fn recorder() -> (RetainedChanges, Recorded) {
    let (sender, receiver) = mpsc::unbounded_channel();
    let failing = Arc::new(AtomicBool::new(false));
    (
        RetainedChanges { changes: sender, failing: Arc::clone(&failing) },
        Recorded { changes: receiver, failing },
    )
}

impl BrokerEventHandler for RetainedChanges {
    fn on_retained_set<'a>(
        &'a self,
        event: RetainedSetEvent,
    ) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>> {
        Box::pin(async move {
            // The change is in memory already, and the next attempt to write takes everything from there.
            if self.failing.load(Ordering::SeqCst) {
                return;
            }
            let (done, on_disk) = oneshot::channel();
            if self.changes.send(Change { topic: event.topic, done }).is_ok() {
                let _ = tokio::time::timeout(WAIT, on_disk).await;
            }
        })
    }
}

impl RetainedStore {
    /// Starts to keep what `memory` contains on `disk`. It reports failures and recoveries to `health`.
    pub(crate) fn start(
        disk: Disk,
        memory: Arc<DynamicStorage>,
        recorded: Recorded,
        health: Arc<StoreHealth>,
        retry: Duration,
    ) -> Self {
        let (close, closed) = oneshot::channel();
        if disk.log.is_none() {
            // The warnings of the start contain it.
            health.was_reported(Part::Retained);
        }
        recorded.failing.store(disk.log.is_none(), Ordering::SeqCst);
        let keeping = Keeping {
            path: disk.folder.path().to_owned(),
            folder: Arc::new(Mutex::new(disk.folder)),
            log: disk.log,
            memory,
            failing: recorded.failing,
            health,
            retry,
        };
        Self { close: Some(close), task: tokio::spawn(keeping.run(recorded.changes, closed)) }
    }

    /// Writes what is not written yet, releases the folder, and says whether everything is on disk.
    pub(crate) async fn close(&mut self) -> io::Result<()> {
        drop(self.close.take());
        match tokio::time::timeout(STALLED, &mut self.task).await {
            Ok(Ok(kept)) => kept,
            Ok(Err(e)) => Err(io::Error::other(e)),
            Err(_) => Err(io::Error::new(io::ErrorKind::TimedOut, "the disk does not answer")),
        }
    }
}

struct Keeping {
    path: PathBuf,
    // Only ever locked by the one blocking task there is at a time.
    folder: Arc<Mutex<Folder>>,
    /// None while the disk fails, and for the time of a write.
    log: Option<Log>,
    memory: Arc<DynamicStorage>,
    failing: Arc<AtomicBool>,
    health: Arc<StoreHealth>,
    retry: Duration,
}

impl Keeping {
    async fn run(
        mut self,
        mut changes: mpsc::UnboundedReceiver<Change>,
        mut closed: oneshot::Receiver<()>,
    ) -> io::Result<()> {
        let mut batch = Vec::new();
        loop {
            let failing = self.log.is_none();
            tokio::select! {
                // In this order, so that what the broker said before its end is written.
                biased;
                n = changes.recv_many(&mut batch, BATCH) => {
                    if n == 0 {
                        break;
                    }
                    self.write(std::mem::take(&mut batch)).await;
                }
                _ = &mut closed => break,
                () = tokio::time::sleep(self.retry), if failing => {
                    if let Err(e) = self.write_all().await {
                        tracing::debug!("the store still cannot be written: {e}");
                    }
                }
            }
        }
        if self.log.is_some() { Ok(()) } else { self.write_all().await }
    }

    async fn write(&mut self, batch: Vec<Change>) {
        let Some(mut log) = self.log.take() else {
            // These were on their way when the disk began to fail: memory has them, and nobody shall wait.
            return;
        };
        let mut seen = HashSet::new();
        let mut lines = Vec::new();
        for change in &batch {
            if seen.insert(&change.topic) {
                // The memory backend cannot fail; an expired message reads as none.
                match self.memory.get_retained_message(&change.topic).await {
                    Ok(Some(message)) => lines.extend(log::put(&message)),
                    Ok(None) | Err(_) => lines.extend(log::remove(&change.topic)),
                }
            }
        }
        let written = self.blocking(move || log.append(&lines).map(|()| log)).await;
        let rewrite = match written {
            Ok(log) => self.log.insert(log).wants_rewrite(),
            Err(e) => {
                self.fail(&e);
                false
            }
        };
        for change in batch {
            let _ = change.done.send(());
        }
        if rewrite && let Err(e) = self.write_all().await {
            tracing::debug!("the log could not be rewritten: {e}");
        }
    }

    /// Writes everything that stands in memory, in place of what is on disk.
    async fn write_all(&mut self) -> io::Result<()> {
        self.log = None;
        // Before memory is read: a change that saw "failing" is in memory by then, and a later one sends word.
        self.failing.store(false, Ordering::SeqCst);
        let messages = self.memory.get_retained_messages("#").await.unwrap_or_default();
        let folder = Arc::clone(&self.folder);
        let rewrite = move || {
            let mut folder = folder.lock().unwrap_or_else(PoisonError::into_inner);
            folder.rewrite(messages.into_iter().map(|(_, message)| message))
        };
        match self.blocking(rewrite).await {
            Ok(log) => {
                self.log = Some(log);
                self.health.is_saved(Part::Retained);
                Ok(())
            }
            Err(e) => {
                self.fail(&e);
                Err(e)
            }
        }
    }

    /// Runs `work` where it may block. If it takes long, that counts as a failure at once, but it is waited for: two
    /// of them must never meet in one folder.
    async fn blocking<T: Send + 'static>(
        &mut self,
        work: impl FnOnce() -> io::Result<T> + Send + 'static,
    ) -> io::Result<T> {
        let mut work = tokio::task::spawn_blocking(work);
        if let Ok(done) = tokio::time::timeout(STALLED, &mut work).await {
            return done.unwrap_or_else(|e| Err(io::Error::other(e)));
        }
        let stalled = io::Error::new(io::ErrorKind::TimedOut, "the disk does not answer");
        self.fail(&stalled);
        let _ = work.await;
        Err(stalled)
    }

    fn fail(&mut self, e: &io::Error) {
        self.failing.store(true, Ordering::SeqCst);
        let (folder, reason) = (self.path.clone(), e.to_string());
        self.health.fails(Part::Retained, HubWarning::StoreNotWritable { folder, reason });
    }
}

#[cfg(test)]
mod tests;
