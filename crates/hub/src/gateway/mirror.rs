//! A gateway's copy of what the broker retains.
//!
//! Owns the copy and its limits. What is not read again on a new connection is removed.

use crate::clock;
use crate::rest::change_log::ChangeLog;
use crate::rest::source::{Source, StoredMessage};
use porchlight_core::id::Root;
use porchlight_core::time::{Monotonic, Now};
use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::pin::Pin;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The maximum number of messages, as in the embedded broker: several topics each for 10,000 people.
const MESSAGES: usize = 60_000;
/// The largest payload. Records have at most half of it.
const PAYLOAD: usize = 8 * 1024;

/// The copy, and the people as computed by the aggregates.
#[derive(Debug)]
pub(super) struct Mirror {
    root: Root,
    board: ChangeLog,
    inside: Mutex<Inside>,
}

#[derive(Debug, Default)]
struct Inside {
    messages: BTreeMap<String, Message>,
    /// Topics that were read on an earlier connection and not yet on the present one.
    unread: BTreeSet<String>,
    /// Whether there is a connection on which all retained messages were read.
    up: bool,
}

#[derive(Debug)]
struct Message {
    payload: Vec<u8>,
    /// When the broker received the message.
    taken: Monotonic,
    /// Its age when this clock began.
    before: Duration,
}

impl Mirror {
    pub(super) fn new(root: Root, now: Now) -> Self {
        Self { root, board: ChangeLog::new(now.wall), inside: Mutex::default() }
    }

    /// A new connection: the retained messages follow.
    pub(super) fn connection_began(&self) {
        let mut inside = self.inside();
        inside.up = false;
        inside.unread = inside.messages.keys().cloned().collect();
    }

    /// All retained messages were read.
    pub(super) fn connection_read(&self) {
        let mut inside = self.inside();
        inside.up = true;
        for topic in std::mem::take(&mut inside.unread) {
            inside.messages.remove(&topic);
        }
    }

    pub(super) fn connection_lost(&self) {
        self.inside().up = false;
    }

    /// Handles a message; an empty payload clears the topic. Returns false if there are too many already. Then the
    /// aggregates must ignore this message, too.
    pub(super) fn keep(&self, now: Now, topic: &str, payload: &[u8], age: Duration) -> bool {
        let mut inside = self.inside();
        inside.unread.remove(topic);
        let known = inside.messages.contains_key(topic);
        if payload.is_empty() || payload.len() > PAYLOAD {
            inside.messages.remove(topic);
        } else if known || inside.messages.len() < MESSAGES {
            let since_origin = now.mono.since(Monotonic::default());
            let taken = now.mono - age;
            let message = Message {
                payload: payload.to_vec(),
                taken,
                before: age.saturating_sub(since_origin),
            };
            inside.messages.insert(topic.to_owned(), message);
        } else {
            tracing::debug!(topic, "too many messages: this one is ignored");
            return false;
        }
        true
    }

    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Source for Mirror {
    fn root(&self) -> &Root {
        &self.root
    }

    fn retained(&self) -> Pin<Box<dyn Future<Output = Option<Vec<StoredMessage>>> + Send + '_>> {
        let now = clock::now();
        let kept = |(topic, message): (&String, &Message)| StoredMessage {
            topic: topic.clone(),
            payload: message.payload.clone(),
            age: now.mono.since(message.taken) + message.before,
        };
        let kept = self.board.is_open().then(|| self.inside().messages.iter().map(kept).collect());
        Box::pin(std::future::ready(kept))
    }

    fn change_log(&self) -> &ChangeLog {
        &self.board
    }

    fn is_healthy(&self) -> bool {
        self.inside().up
    }
}
