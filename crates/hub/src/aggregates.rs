//! The aggregates that the hub publishes for readers that know no device records.
//!
//! Owns the content of `{root}/{user}`, `{root}/{user}/activity` and `{root}/_hub` (`docs/protocol.md`, *Who
//! writes the user topic*). It also limits how often the hub corrects another writer there. The roster
//! computes a status from devices.
//!
//! Deliberately reads no clock and touches no broker. The caller passes messages to [`Aggregates::apply`] and
//! publishes the result of [`Aggregates::take_writes`]. It calls [`Aggregates::expire`] at
//! [`Aggregates::next_deadline`] at the latest. `aggregator.rs` is that caller.

use porchlight_core::id::Root;
use porchlight_core::mqtt_session::Write;
use porchlight_core::roster::{Arrival, Change};
use porchlight_core::time::{Monotonic, Now};
use porchlight_core::topic::Topic;
use porchlight_core::wire::{self, HubRecord};
use std::collections::HashMap;
use std::time::Duration;

mod roster;

use roster::TeamRoster;

/// Maximum number of roots to aggregate. A broker normally serves one. The limit bounds the announcements
/// that a stranger can cause.
const MAX_ROOTS: usize = 200;

/// How long devices get to reconnect after they could not reach the hub. They retry within 30 s
/// (`docs/protocol.md`, *Retry*).
const PATIENCE: Duration = Duration::from_secs(40);

/// The aggregates of all users, under every root in use.
#[derive(Debug)]
pub(crate) struct Aggregates {
    rooms: HashMap<Root, TeamRoster>,
    /// The payload of `_hub`.
    announcement: Vec<u8>,
    /// No lease ends before this time.
    patient_until: Option<Monotonic>,
    /// The root whose changes are reported, if any.
    told: Option<Root>,
    /// Whether the broker is remote.
    far: bool,
}

impl Aggregates {
    /// Creates empty aggregates for the embedded broker. They announce `presence/_hub` even without any
    /// record, because a device decides on its first connection who aggregates.
    pub(crate) fn new() -> Self {
        let mut sums = Self {
            rooms: HashMap::new(),
            // The embedded broker delivers in order (`docs/protocol.md`, *A session*).
            announcement: wire::encode_hub(&HubRecord { in_order: true, ..HubRecord::default() }),
            patient_until: None,
            told: None,
            far: false,
        };
        sums.open(Root::default());
        sums
    }

    /// Creates empty aggregates for a remote broker, without a connection yet and under this root alone. They
    /// report changes.
    pub(crate) fn far(root: Root) -> Self {
        let told = Some(root.clone());
        let announcement = wire::encode_hub(&HubRecord::default());
        let mut sums =
            Self { rooms: HashMap::new(), announcement, patient_until: None, told, far: true };
        sums.open(root);
        sums
    }

    /// Starts reporting the changes under this root through [`Aggregates::take_changes`].
    pub(crate) fn tell(&mut self, root: Root) {
        self.open(root.clone());
        if let Some(room) = self.rooms.get_mut(&root) {
            room.tell();
        }
        self.told = Some(root);
    }

    /// Makes sure that `_hub` is published under `root`.
    pub(crate) fn open(&mut self, root: Root) {
        self.room(root);
    }

    /// Changes the payload of `_hub`.
    pub(crate) fn announce(&mut self, announcement: Vec<u8>) {
        for room in self.rooms.values_mut() {
            room.announce(announcement.clone());
        }
        self.announcement = announcement;
    }

    /// Applies a retained message on `topic`, or its clearing. Ignores topics outside the protocol.
    ///
    /// Do not pass messages from [`Aggregates::take_writes`]: they already count as written.
    pub(crate) fn apply(&mut self, now: Now, topic: &str, payload: &[u8], arrival: Arrival) {
        let Some((root, topic)) = parse(topic) else {
            return;
        };
        // A cleared topic creates no roster for its root.
        let room = if payload.is_empty() { self.rooms.get_mut(&root) } else { self.room(root) };
        if let Some(room) = room {
            room.apply(now, topic, payload, arrival);
        }
    }

    /// Returns how long ago the broker received a record under the reported root, if known.
    pub(crate) fn age(&self, now: Now, payload: &[u8], arrival: Arrival) -> Option<Duration> {
        self.rooms.get(self.told.as_ref()?)?.age(now, payload, arrival)
    }

    /// Notes that this computer slept. Devices could not reach it, so they get time to reconnect before any
    /// lease ends.
    pub(crate) fn slept(&mut self, now: Now) {
        self.patient_until = Some(now.mono + PATIENCE);
    }

    /// Ends everything whose time is over.
    pub(crate) fn expire(&mut self, now: Now) {
        if self.patient_until.is_some_and(|until| now.mono < until) {
            return;
        }
        self.patient_until = None;
        for room in self.rooms.values_mut() {
            room.expire(now);
        }
    }

    /// Returns when [`Aggregates::expire`] has something to do.
    pub(crate) fn next_deadline(&self) -> Option<Monotonic> {
        let due = self.rooms.values().filter_map(TeamRoster::next_deadline).min()?;
        Some(self.patient_until.map_or(due, |until| due.max(until)))
    }

    /// Returns the due writes, at most one per topic. They count as written from now on.
    pub(crate) fn take_writes(&mut self, now: Now) -> Vec<Write> {
        let mut writes = Vec::new();
        for room in self.rooms.values_mut() {
            room.take_writes(now, &mut writes);
        }
        writes
    }

    /// Returns the changes since the last call, if changes are reported.
    pub(crate) fn take_changes(&mut self, now: Now) -> Vec<Change> {
        let room = self.told.as_ref().and_then(|root| self.rooms.get_mut(root));
        room.map(|room| room.take_changes(now)).unwrap_or_default()
    }

    /// Notes that the connection is established. The retained messages follow.
    pub(crate) fn connection_began(&mut self, now: Now) {
        self.rooms.values_mut().for_each(|room| room.connection_began(now));
    }

    /// Notes that all retained messages were read.
    pub(crate) fn connection_up(&mut self, now: Now) {
        self.rooms.values_mut().for_each(|room| room.connection_up(now));
    }

    /// Notes that the connection is lost. All states stay as last known.
    pub(crate) fn connection_lost(&mut self, now: Now) {
        self.rooms.values_mut().for_each(|room| room.connection_lost(now));
    }

    /// Returns the writes that clear the announcements. The aggregates themselves stay.
    pub(crate) fn withdraw(&self) -> Vec<Write> {
        self.rooms.values().map(TeamRoster::withdrawal).collect()
    }

    fn room(&mut self, root: Root) -> Option<&mut TeamRoster> {
        if self.rooms.len() >= MAX_ROOTS && !self.rooms.contains_key(&root) {
            tracing::debug!(%root, "too many roots: nobody sums under this one");
            return None;
        }
        let announcement = &self.announcement;
        let far = self.far;
        let new = |root| {
            if far {
                TeamRoster::far(root, announcement.clone())
            } else {
                TeamRoster::new(root, announcement.clone())
            }
        };
        Some(self.rooms.entry(root.clone()).or_insert_with(|| new(root)))
    }
}

/// Parses a full topic into root and topic. The levels of the root are unambiguous, because no user id equals
/// a word of the topics.
pub(crate) fn parse(topic: &str) -> Option<(Root, Topic)> {
    let root = Root::default();
    if let Ok(topic) = Topic::parse(&root, topic) {
        return Some((root, topic));
    }
    let below = topic.strip_prefix(root.as_str())?.strip_prefix('/')?;
    let (org, _) = below.split_once('/')?;
    let root = Root::parse(&format!("{root}/{org}")).ok()?;
    let topic = Topic::parse(&root, topic).ok()?;
    Some((root, topic))
}

#[cfg(test)]
mod tests;
