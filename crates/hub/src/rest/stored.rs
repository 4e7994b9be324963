//! The broker of this process as a source.

use super::change_log::ChangeLog;
use super::source::{Kept, Source};
use crate::clock;
use mqtt5::broker::storage::{DynamicStorage, StorageBackend as _};
use porchlight_core::id::Root;
use porchlight_core::time::Timestamp;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

/// What the broker of this process retains, and those whom [`crate::aggregator`] puts up.
pub(crate) struct Stored {
    root: Root,
    memory: Arc<DynamicStorage>,
    board: Arc<ChangeLog>,
}

impl Stored {
    pub(crate) fn new(root: Root, memory: Arc<DynamicStorage>, board: Arc<ChangeLog>) -> Self {
        Self { root, memory, board }
    }
}

impl Source for Stored {
    fn root(&self) -> &Root {
        &self.root
    }

    fn retained(&self) -> Pin<Box<dyn Future<Output = Option<Vec<Kept>>> + Send + '_>> {
        Box::pin(async move {
            // Memory cannot fail.
            let all = self.memory.get_retained_messages(&format!("{}/#", self.root)).await.ok()?;
            let now = clock::now();
            let kept = |(topic, message): (String, mqtt5::broker::storage::RetainedMessage)| {
                let stored = Timestamp::from_ms(message.stored_at_secs.saturating_mul(1_000));
                let age = stored.map(|stored| now.wall.since(stored)).unwrap_or_default();
                Kept { topic, payload: message.payload, age }
            };
            Some(all.into_iter().map(kept).collect())
        })
    }

    fn board(&self) -> &ChangeLog {
        &self.board
    }

    fn is_well(&self) -> bool {
        true
    }
}
