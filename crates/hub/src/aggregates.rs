//! The sums: what readers who know no device records find on the topics of a person.
//!
//! Owns what is to stand on `{root}/{user}`, `{root}/{user}/activity` and `{root}/_hub` (`docs/protocol.md`, *Who writes
//! the user topic*), and for how long somebody else's word there is answered. How devices add up is the roster's.
//!
//! Deliberately reads no clock and touches no broker: messages go in with [`Aggregates::apply`], what is to be written comes
//! out of [`Aggregates::take_writes`], and between the two one sleeps until [`Aggregates::next_deadline`] at most, then
//! calls [`Aggregates::expire`]. `aggregator.rs` does that.

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

/// How many roots are summed. A broker normally serves one; this bounds what a stranger can make it announce.
const MAX_ROOTS: usize = 200;

/// How long those who could not reach us get. Devices try again after at most 30 s (`docs/protocol.md`, *Retry*).
const PATIENCE: Duration = Duration::from_secs(40);

/// Everybody's sums, under every root in use.
#[derive(Debug)]
pub(crate) struct Aggregates {
    rooms: HashMap<Root, TeamRoster>,
    /// What `_hub` says.
    announcement: Vec<u8>,
    /// Nobody is judged by the clock before.
    patient_until: Option<Monotonic>,
    /// The root of those whose changes are told, if any are.
    told: Option<Root>,
    /// Whether the broker is at the far end of a connection.
    far: bool,
}

impl Aggregates {
    /// Nobody yet. `presence/_hub` is announced whatever is retained, since a device decides on its first connection
    /// who sums.
    pub(crate) fn new() -> Self {
        let mut sums = Self {
            rooms: HashMap::new(),
            // The embedded broker does (`docs/protocol.md`, *A session*).
            announcement: wire::encode_hub(&HubRecord { in_order: true, ..HubRecord::default() }),
            patient_until: None,
            told: None,
            far: false,
        };
        sums.open(Root::default());
        sums
    }

    /// Nobody yet, beyond a connection that is not up yet, under this root alone. Changes are told.
    pub(crate) fn far(root: Root) -> Self {
        let told = Some(root.clone());
        let announcement = wire::encode_hub(&HubRecord::default());
        let mut sums =
            Self { rooms: HashMap::new(), announcement, patient_until: None, told, far: true };
        sums.open(root);
        sums
    }

    /// Tells from now on what changes under this root, to whoever calls [`Aggregates::take_changes`].
    pub(crate) fn tell(&mut self, root: Root) {
        self.open(root.clone());
        if let Some(room) = self.rooms.get_mut(&root) {
            room.tell();
        }
        self.told = Some(root);
    }

    /// Sees to it that `_hub` stands under `root`.
    pub(crate) fn open(&mut self, root: Root) {
        self.room(root);
    }

    /// Says something else on `_hub` from here on.
    pub(crate) fn announce(&mut self, announcement: Vec<u8>) {
        for room in self.rooms.values_mut() {
            room.announce(announcement.clone());
        }
        self.announcement = announcement;
    }

    /// Folds in what was retained on `topic`, or that it was cleared. Anything that is not of the protocol is ignored.
    ///
    /// Not for what came out of [`Aggregates::take_writes`]: that is known.
    pub(crate) fn apply(&mut self, now: Now, topic: &str, payload: &[u8], arrival: Arrival) {
        let Some((root, topic)) = parse(topic) else {
            return;
        };
        // Clearing opens nothing: what is gone needs no hub.
        let room = if payload.is_empty() { self.rooms.get_mut(&root) } else { self.room(root) };
        if let Some(room) = room {
            room.apply(now, topic, payload, arrival);
        }
    }

    /// How long ago the broker took a record of the root whose changes are told, where that is known.
    pub(crate) fn age(&self, now: Now, payload: &[u8], arrival: Arrival) -> Option<Duration> {
        self.rooms.get(self.told.as_ref()?)?.age(now, payload, arrival)
    }

    /// This machine slept, and nobody could reach it: they get a moment to come back before any lease ends.
    pub(crate) fn slept(&mut self, now: Now) {
        self.patient_until = Some(now.mono + PATIENCE);
    }

    /// Ends what ends by itself.
    pub(crate) fn expire(&mut self, now: Now) {
        if self.patient_until.is_some_and(|until| now.mono < until) {
            return;
        }
        self.patient_until = None;
        for room in self.rooms.values_mut() {
            room.expire(now);
        }
    }

    /// When [`Aggregates::expire`] has something to do.
    pub(crate) fn next_deadline(&self) -> Option<Monotonic> {
        let due = self.rooms.values().filter_map(TeamRoster::next_deadline).min()?;
        Some(self.patient_until.map_or(due, |until| due.max(until)))
    }

    /// What must be written for everything to be right; each topic at most once. It counts as written from here on.
    pub(crate) fn take_writes(&mut self, now: Now) -> Vec<Write> {
        let mut writes = Vec::new();
        for room in self.rooms.values_mut() {
            room.take_writes(now, &mut writes);
        }
        writes
    }

    /// Whose state changed since this was last called, where that is told.
    pub(crate) fn take_changes(&mut self, now: Now) -> Vec<Change> {
        let room = self.told.as_ref().and_then(|root| self.rooms.get_mut(root));
        room.map(|room| room.take_changes(now)).unwrap_or_default()
    }

    /// The connection stands, and what is retained comes next.
    pub(crate) fn connection_began(&mut self, now: Now) {
        self.rooms.values_mut().for_each(|room| room.connection_began(now));
    }

    /// What is retained was read.
    pub(crate) fn connection_up(&mut self, now: Now) {
        self.rooms.values_mut().for_each(|room| room.connection_up(now));
    }

    /// The connection is gone: everything is as it was last known.
    pub(crate) fn connection_lost(&mut self, now: Now) {
        self.rooms.values_mut().for_each(|room| room.connection_lost(now));
    }

    /// Takes the announcements away; the sums themselves stay, as what was last known.
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

/// Takes a whole topic apart. Which of its levels is an organisation shows in the topic itself, because no person is
/// called by a word that the topics use.
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
