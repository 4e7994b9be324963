//! Passes the broker's messages to the aggregates and the copy, and the aggregates' writes to the broker.
//!
//! Owns when the aggregates may write, and which messages are echoes of their own writes. It reads no clock and has no
//! connection.

use super::mirror::Mirror;
use crate::aggregates::Aggregates;
use crate::rest::source::Source as _;
use porchlight_core::echoes::Echoes;
use porchlight_core::id::Root;
use porchlight_core::input::Message;
use porchlight_core::mqtt_session::{SessionEvent, Write};
use porchlight_core::roster::Arrival;
use porchlight_core::time::{Monotonic, Now};
use porchlight_core::topic::Topic;
use std::collections::HashMap;
use std::sync::Arc;

/// The progress of the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Down,
    Reading,
    Up,
}

/// The aggregates for a broker behind a connection.
#[derive(Debug)]
pub(super) struct Relay {
    root: Root,
    sums: Aggregates,
    stage: Stage,
    mirror: Arc<Mirror>,
    /// By topic.
    echoes: HashMap<String, Echoes>,
}

impl Relay {
    pub(super) fn new(root: Root, mirror: Arc<Mirror>) -> Self {
        let sums = Aggregates::far(root.clone());
        Self { root, sums, stage: Stage::Down, mirror, echoes: HashMap::new() }
    }

    /// The filters of device records and of simple clients' topics. The announcement is among them.
    pub(super) fn filters(&self) -> Vec<String> {
        ["+", "+/device/+", "+/activity"].iter().map(|f| format!("{}/{f}", self.root)).collect()
    }

    pub(super) fn announcement(&self) -> String {
        Topic::Hub.to_wire(&self.root)
    }

    pub(super) fn handle(&mut self, now: Now, event: &SessionEvent) {
        match event {
            SessionEvent::Began => {
                self.stage = Stage::Reading;
                self.echoes.clear();
                self.sums.connection_began(now);
                self.mirror.connection_began();
            }
            SessionEvent::Read => {
                self.stage = Stage::Up;
                self.sums.connection_up(now);
                self.mirror.connection_read();
            }
            SessionEvent::Lost(_) => {
                self.stage = Stage::Down;
                self.echoes.clear();
                self.sums.connection_lost(now);
                self.mirror.connection_lost();
            }
            SessionEvent::Received(message) => self.receive(now, message),
            // The broker still has its earlier messages.
            SessionEvent::WriteRefused { .. } => {}
        }
    }

    fn receive(&mut self, now: Now, message: &Message) {
        let Message { topic, payload, retained, expires_in } = message;
        let arrival = Arrival::from_broker(*retained, *expires_in);
        match Topic::parse(&self.root, topic) {
            Ok(Topic::User(_) | Topic::Activity(_) | Topic::Device(..)) => {
                let age = self.sums.age(now, payload, arrival).unwrap_or_default();
                if !self.mirror.keep(now, topic, payload, age) {
                    return;
                }
            }
            Ok(Topic::Hub) => {}
            Ok(Topic::Typing(_) | Topic::Chosen(_) | Topic::Inbox(..)) | Err(_) => return,
        }
        if *retained || !self.take_echo(topic, payload) {
            self.sums.apply(now, topic, payload, arrival);
        }
    }

    /// What must be written; nothing before everything was read. It also publishes changes to readers over HTTP.
    pub(super) fn take_writes(&mut self, now: Now) -> Vec<Write> {
        self.sums.expire(now);
        let mut writes = Vec::new();
        match self.stage {
            // A part of a team would look like a whole one.
            Stage::Reading => return writes,
            Stage::Up => writes = self.sums.take_writes(now),
            Stage::Down => {}
        }
        let board = self.mirror.change_log();
        board.append(self.sums.take_changes(now));
        if self.stage == Stage::Up {
            board.open();
        }
        for write in &writes {
            self.echoes.entry(write.topic.clone()).or_default().expect(write.payload.clone());
        }
        writes
    }

    pub(super) fn next_deadline(&self) -> Option<Monotonic> {
        // Without a connection nothing can be written, and no lease ends.
        (self.stage == Stage::Up).then(|| self.sums.next_deadline()).flatten()
    }

    pub(super) fn withdrawal(&self) -> Vec<Write> {
        self.sums.withdraw()
    }

    /// Whether this message is an echo of our own write.
    fn take_echo(&mut self, topic: &str, payload: &[u8]) -> bool {
        let Some(echoes) = self.echoes.get_mut(topic) else {
            return false;
        };
        let ours = echoes.take(payload);
        if echoes.is_empty() {
            self.echoes.remove(topic);
        }
        ours
    }
}

#[cfg(test)]
mod tests;
