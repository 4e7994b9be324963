//! The hub's own broker as the source of the reading API.

use super::change_log::ChangeLog;
use super::source::{Source, StoredMessage};
use crate::clock;
use mqtt5::broker::storage::{DynamicStorage, StorageBackend as _};
use porchlight_core::id::Root;
use porchlight_core::time::Timestamp;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

/// The retained messages of the hub's own broker, and the people from [`crate::aggregator`].
pub(crate) struct BrokerSource {
    root: Root,
    memory: Arc<DynamicStorage>,
    log: Arc<ChangeLog>,
}

impl BrokerSource {
    pub(crate) fn new(root: Root, memory: Arc<DynamicStorage>, log: Arc<ChangeLog>) -> Self {
        Self { root, memory, log }
    }
}

impl Source for BrokerSource {
    fn root(&self) -> &Root {
        &self.root
    }

    fn retained(&self) -> Pin<Box<dyn Future<Output = Option<Vec<StoredMessage>>> + Send + '_>> {
        Box::pin(async move {
            // Reading from memory cannot fail.
            let all = self.memory.get_retained_messages(&format!("{}/#", self.root)).await.ok()?;
            let now = clock::now();
            let kept = |(topic, message): (String, mqtt5::broker::storage::RetainedMessage)| {
                let stored = Timestamp::from_ms(message.stored_at_secs.saturating_mul(1_000));
                let age = stored.map(|stored| now.wall.since(stored)).unwrap_or_default();
                StoredMessage { topic, payload: message.payload, age }
            };
            Some(all.into_iter().map(kept).collect())
        })
    }

    fn change_log(&self) -> &ChangeLog {
        &self.log
    }

    fn is_healthy(&self) -> bool {
        true
    }
}
