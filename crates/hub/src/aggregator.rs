//! Runs the aggregates of the embedded broker.
//!
//! Passes messages from the broker to [`Aggregates`] and back, through the broker's router in this process.
//! So Wills and cleared topics arrive like any publish, and the broker delivers and stores aggregates like
//! any other message. This module does not decide what is written.

use crate::aggregates::{self, Aggregates};
use crate::clock;
use crate::rest::change_log::ChangeLog;
use mqtt5::QoS;
use mqtt5::broker::router::MessageRouter;
use mqtt5::broker::storage::RetainedMessage;
use mqtt5::broker::{ClientConnectEvent, RetainedSetEvent};
use mqtt5::packet::publish::PublishPacket;
use porchlight_core::id::Root;
use porchlight_core::mqtt_session::Write;
use porchlight_core::roster::Arrival;
use porchlight_core::time::{Now, Timestamp, slept_since};
use porchlight_core::topic::Topic;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::{JoinHandle, JoinSet};

/// Maximum number of messages that wait for the aggregates. Beyond that, publishers wait.
const BACKLOG: usize = 4_096;
/// Maximum sleep while a deadline is set. Tokio's clock stops while the computer sleeps, but ours does not.
const LONGEST_SLEEP: Duration = Duration::from_secs(60);
/// Maximum duration of the last writes.
const GOODBYE: Duration = Duration::from_secs(1);

tokio::task_local! {
    /// Set while we publish: the broker calls its event handler on the task that publishes, so no aggregate is
    /// aggregated again. A memory of payloads (`core::echoes`) would not do: while we publish nobody reads the
    /// channel, so our own messages must not enter it.
    static OURS: ();
}

enum Heard {
    /// A message was retained, or a topic cleared.
    Retained(RetainedSetEvent),
    /// A device connected whose Will is under this root.
    Came(Root),
}

/// The sender to which the broker's event handler passes every retained message.
pub(crate) struct Listener(mpsc::Sender<Heard>);

/// The receiving end of a [`Listener`], until the [`Aggregator`] starts.
pub(crate) struct Listened(mpsc::Receiver<Heard>);

pub(crate) fn listener() -> (Listener, Listened) {
    let (sender, receiver) = mpsc::channel(BACKLOG);
    (Listener(sender), Listened(receiver))
}

impl Listener {
    pub(crate) async fn retained(&self, event: &RetainedSetEvent) {
        if OURS.try_with(|()| ()).is_err() && event.topic.starts_with("presence/") {
            let _ = self.0.send(Heard::Retained(event.clone())).await;
        }
    }

    /// Announces the hub under the root of a device's Will. A device reads who aggregates before it writes
    /// anything.
    pub(crate) async fn connected(&self, event: &ClientConnectEvent) {
        let root = event.will_topic.as_deref().and_then(aggregates::parse);
        if let Some((root, Topic::Device(..))) = root {
            let _ = self.0.send(Heard::Came(root)).await;
        }
    }
}

/// The running aggregation. It ends when this is dropped; [`Aggregator::close`] clears the announcement first.
#[derive(Debug)]
pub(crate) struct Aggregator {
    close: Option<oneshot::Sender<()>>,
    task: JoinHandle<()>,
}

impl Aggregator {
    /// Aggregates the `retained` messages, and returns when the result is written. From then on it processes
    /// the messages from the [`Listener`].
    pub(crate) async fn start(
        router: Arc<MessageRouter>,
        retained: Vec<RetainedMessage>,
        Listened(heard): Listened,
        hosting: Option<Hosting>,
    ) -> Self {
        let now = clock::now();
        let mut sums = Aggregates::new();
        if let Some(hosting) = &hosting {
            sums.announce(hosting.announcement.borrow().clone());
            sums.open(hosting.root.clone());
            sums.tell(hosting.root.clone());
        }
        for message in retained {
            let arrival = Arrival::aged(true, age(now, &message));
            sums.apply(now, &message.topic, &message.payload, arrival);
        }
        let (close, closed) = oneshot::channel();
        let (announcement, board) =
            hosting.map(|hosting| (hosting.announcement, hosting.board)).unzip();
        let mut running = Running { sums, router, heard, announcement, board };
        running.write().await;
        if let Some(board) = &running.board {
            board.open();
        }
        Self { close: Some(close), task: tokio::spawn(running.run(closed)) }
    }

    /// Processes the last messages, and clears the announcement.
    pub(crate) async fn close(mut self) {
        if let Some(close) = self.close.take() {
            let _ = close.send(());
        }
        if tokio::time::timeout(GOODBYE, &mut self.task).await.is_err() {
            tracing::debug!("the last sums were not written in time");
            self.task.abort();
        }
    }
}

/// The team that a hub aggregates, and its announcement on `_hub`.
pub(crate) struct Hosting {
    pub(crate) root: Root,
    pub(crate) announcement: watch::Receiver<Vec<u8>>,
    /// Every change under the root, for readers over HTTP.
    pub(crate) board: Arc<ChangeLog>,
}

struct Running {
    sums: Aggregates,
    router: Arc<MessageRouter>,
    heard: mpsc::Receiver<Heard>,
    /// The payload of `_hub`, if it may change.
    announcement: Option<watch::Receiver<Vec<u8>>>,
    /// Every change, for readers over HTTP.
    board: Option<Arc<ChangeLog>>,
}

/// Waits for a new payload of `_hub`.
async fn announced(announcement: &mut Option<watch::Receiver<Vec<u8>>>) -> Vec<u8> {
    if let Some(news) = announcement
        && news.changed().await.is_ok()
    {
        return news.borrow_and_update().clone();
    }
    std::future::pending().await
}

impl Running {
    async fn run(mut self, mut closed: oneshot::Receiver<()>) {
        let mut batch = Vec::new();
        loop {
            let asleep = clock::now();
            let due = self.sums.next_deadline().map(|at| at.since(asleep.mono).min(LONGEST_SLEEP));
            tokio::select! {
                biased;
                close = &mut closed => {
                    if close.is_ok() {
                        self.end().await;
                    }
                    // The aggregator was dropped. Only `close` clears the announcement.
                    return;
                }
                n = self.heard.recv_many(&mut batch, BACKLOG) => {
                    if n == 0 {
                        return;
                    }
                }
                news = announced(&mut self.announcement) => self.sums.announce(news),
                () = sleep(due) => {}
            }
            let now = clock::now();
            if slept_since(due.map(|due| asleep.mono + due), now).is_some() {
                tracing::info!("this machine slept: devices get a moment to come back");
                self.sums.slept(now);
            }
            for heard in batch.drain(..) {
                self.fold(now, heard);
            }
            self.sums.expire(now);
            self.write().await;
        }
    }

    async fn end(&mut self) {
        let now = clock::now();
        while let Ok(heard) = self.heard.try_recv() {
            self.fold(now, heard);
        }
        self.write().await;
        publish(&self.router, self.sums.withdraw()).await;
    }

    fn fold(&mut self, now: Now, heard: Heard) {
        match heard {
            Heard::Retained(event) => {
                // A live message has age zero here, so the writer's clock does not matter.
                let arrival = Arrival::aged(false, Duration::ZERO);
                self.sums.apply(now, &event.topic, &event.payload, arrival);
            }
            Heard::Came(root) => self.sums.open(root),
        }
    }

    async fn write(&mut self) {
        let now = clock::now();
        let writes = self.sums.take_writes(now);
        // Do this before the write to disk, which may be slow.
        if let Some(board) = &self.board {
            board.append(self.sums.take_changes(now));
        }
        publish(&self.router, writes).await;
    }
}

/// Publishes all writes at the same time, so that they wait for the disk once. Returns when they are stored
/// and delivered.
async fn publish(router: &Arc<MessageRouter>, writes: Vec<Write>) {
    let mut publishing = JoinSet::new();
    for write in writes {
        let mut packet =
            PublishPacket::new(write.topic, write.payload, QoS::AtLeastOnce).with_retain(true);
        if let Some(expires_in) = write.expires_in {
            let seconds = u32::try_from(expires_in.as_secs()).unwrap_or(u32::MAX);
            packet.properties.set_message_expiry_interval(seconds);
        }
        let router = Arc::clone(router);
        publishing.spawn(OURS.scope((), async move { router.route_message(&packet, None).await }));
    }
    while publishing.join_next().await.is_some() {}
}

/// Returns how long ago the broker received a message, to the second.
fn age(now: Now, message: &RetainedMessage) -> Duration {
    let stored_ms = message.stored_at_secs.saturating_mul(1_000);
    Timestamp::from_ms(stored_ms).map_or(Duration::ZERO, |stored| now.wall.since(stored))
}

async fn sleep(due: Option<Duration>) {
    match due {
        Some(due) => tokio::time::sleep(due).await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hooks::Hooks;
    use mqtt5::broker::MemoryBackend;
    use mqtt5::broker::storage::DynamicStorage;

    #[tokio::test]
    async fn what_others_retain_is_heard_and_what_we_write_is_not() {
        let (listener, Listened(mut heard)) = listener();
        let storage = Arc::new(DynamicStorage::Memory(MemoryBackend::new()));
        let router = MessageRouter::with_storage(storage).with_event_handler(Arc::new(Hooks {
            recorder: None,
            listener,
            access: None,
            open: None,
        }));
        let router = Arc::new(router);
        let ours = Write::record("presence/ours".to_owned(), b"x".to_vec());
        publish(&router, vec![ours]).await;
        let theirs = PublishPacket::new("presence/theirs", b"x".to_vec(), QoS::AtLeastOnce);
        router.route_message(&theirs.with_retain(true), None).await;
        match heard.try_recv() {
            Ok(Heard::Retained(event)) => assert_eq!(&*event.topic, "presence/theirs"),
            _ => panic!("nothing was heard"),
        }
        assert!(router.has_retained_message("presence/ours").await);
    }
}
