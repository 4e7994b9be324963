//! Writes the broker's retained messages to the log on disk.
//!
//! Decides when the log is written, and handles a failing disk. The messages are in the broker's memory. This
//! module always writes their *current* content, so the order of notifications does not matter.
//!
//! A retained publish waits here until it is on disk, and is then acknowledged. Many publishes share one
//! sync. While the disk fails, nobody waits: changes are only in memory, and once a minute the task tries to
//! write everything.

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

/// Interval between attempts to write to a failing disk.
pub(crate) const RETRY: Duration = Duration::from_secs(60);
/// Maximum time that a publish waits for the disk. Timely delivery matters more than storage.
const WAIT: Duration = Duration::from_secs(1);
/// A write that takes longer than this counts as failing.
const STALLED: Duration = Duration::from_secs(5);
/// Maximum number of changes per sync.
const BATCH: usize = 1_024;

/// A retained message was set or cleared. `done` is completed or dropped once the change is on disk.
struct Change {
    topic: Arc<str>,
    done: oneshot::Sender<()>,
}

/// The sender of retained changes. The broker reports each one before delivery and acknowledgement.
pub(crate) struct RetainedChanges {
    changes: mpsc::UnboundedSender<Change>,
    failing: Arc<AtomicBool>,
}

/// The receiving end of a [`RetainedChanges`], until the task starts.
pub(crate) struct Recorded {
    changes: mpsc::UnboundedReceiver<Change>,
    failing: Arc<AtomicBool>,
}

/// The running task that writes retained messages.
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
            // The change is already in memory, and the next attempt writes everything from there.
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
    /// Starts to write the content of `memory` to `disk`. It reports failures and recoveries to `health`.
    pub(crate) fn start(
        disk: Disk,
        memory: Arc<DynamicStorage>,
        recorded: Recorded,
        health: Arc<StoreHealth>,
        retry: Duration,
    ) -> Self {
        let (close, closed) = oneshot::channel();
        if disk.log.is_none() {
            // The warnings of the start already contain it.
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

    /// Writes the remaining changes and releases the folder. Returns an error unless everything is on disk.
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
    // Only one blocking task at a time locks this.
    folder: Arc<Mutex<Folder>>,
    /// None while the disk fails, and during a write.
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
                // This order makes sure that the last changes of the broker are written.
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
            // These changes arrived as the disk began to fail. They are in memory, so nobody has to wait.
            return;
        };
        let mut seen = HashSet::new();
        let mut lines = Vec::new();
        for change in &batch {
            if seen.insert(&change.topic) {
                // The memory backend cannot fail. It returns none for an expired message.
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

    /// Replaces the content of the disk with everything in memory.
    async fn write_all(&mut self) -> io::Result<()> {
        self.log = None;
        // Reset this before reading memory: a change that saw `failing` is already in memory, and a later one
        // is sent here.
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

    /// Runs `work` on a thread that may block. A slow write counts as a failure, but this waits for it: two
    /// writes must never run in one folder.
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
