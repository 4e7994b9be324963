//! Measures how many published bytes wait for each connection.
//!
//! The broker bounds the messages that wait for a connection, not their bytes. So this module counts the
//! bytes that clients publish, by kind of topic, and the bytes that each connection takes. If a connection
//! takes and acknowledges nothing while [`MAX_BEHIND`] bytes are published for it, the hub closes it.
//! Retained messages do not count: `subscription_budget.rs` bounds them.

use crate::connections::ConnectionId;
use porchlight_core::id::{Root, UserId};
use porchlight_core::time::Monotonic;
use porchlight_core::topic::Topic;
use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Maximum number of bytes that may wait for one connection.
const MAX_BEHIND: u64 = 4 * 1024 * 1024;
/// Number of published bytes between two checks for slow connections.
const CHECK_AFTER: u64 = MAX_BEHIND / 64;
/// Bytes that each message counts in addition to its own.
const A_MESSAGE: u64 = 512;
/// A connection has caught up once nothing has waited for it for this long. The broker sends waiting messages
/// at once; the margin is for a busy machine.
const CAUGHT_UP: Duration = Duration::from_millis(200);

/// Counts the published bytes, and the position of each connection in them.
#[derive(Debug, Default)]
pub(crate) struct Backlogs(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// Bytes published so far, for each kind of topic.
    published: [u64; KINDS],
    /// Bytes published so far to each person's inbox and chosen status.
    own: HashMap<UserId, u64>,
    connections: HashMap<ConnectionId, Backlog>,
    /// Bytes published since the last check.
    unchecked: u64,
}

#[derive(Debug, Default)]
struct Backlog {
    user: Option<UserId>,
    reads: [bool; KINDS],
    reads_own: bool,
    /// The position of the next byte that it takes, among all bytes published for it. None if it is not
    /// behind.
    position: Option<u64>,
    blocked: bool,
    /// Packet ids of messages that the client has not acknowledged.
    unacknowledged: HashSet<u16>,
    /// When it last was behind.
    behind: Monotonic,
}

/// Number of topic kinds that everybody may read: user, device, activity, typing.
const KINDS: usize = 4;

fn kind(topic: &Topic) -> Option<usize> {
    match topic {
        Topic::User(_) | Topic::Hub => Some(0),
        Topic::Device(..) => Some(1),
        Topic::Activity(_) => Some(2),
        Topic::Typing(_) => Some(3),
        Topic::Chosen(_) | Topic::Inbox(..) => None,
    }
}

impl Backlogs {
    /// Notes that a connection of `user` subscribed to `filter`.
    pub(crate) fn subscribed(
        &self,
        connection: ConnectionId,
        user: &UserId,
        root: &Root,
        filter: &str,
    ) {
        let mut state = self.state();
        let State { published, own, connections, .. } = &mut *state;
        let backlog = connections.entry(connection).or_default();
        backlog.user.get_or_insert_with(|| user.clone());
        // `+` matches one level, so any level in its place gives the kind of the topic.
        let concrete = filter.replace('+', "x");
        let more = match Topic::parse(root, &concrete).as_ref().map(kind) {
            Ok(Some(kind)) if !backlog.reads[kind] => {
                backlog.reads[kind] = true;
                published[kind]
            }
            Ok(None) if !backlog.reads_own => {
                backlog.reads_own = true;
                own.get(user).copied().unwrap_or_default()
            }
            _ => 0,
        };
        // Bytes published before the subscription do not wait for it.
        backlog.position = backlog.position.map(|position| position + more);
    }

    /// Notes that a write to this connection has to wait.
    pub(crate) fn blocked(&self, connection: ConnectionId, now: Monotonic) {
        self.state().falls_behind(connection, now, |backlog| backlog.blocked = true);
    }

    /// Notes that the connection took `bytes`, in which `packets` began.
    pub(crate) fn took(
        &self,
        connection: ConnectionId,
        now: Monotonic,
        bytes: usize,
        packets: usize,
    ) {
        let mut state = self.state();
        let total = state.published_for(connection);
        let Some(backlog) = state.connections.get_mut(&connection) else { return };
        let Some(position) = backlog.position else { return };
        if backlog.has_caught_up(now) {
            backlog.position = None;
        } else {
            backlog.blocked = false;
            backlog.behind = now;
            // The bytes may belong to retained messages, which must not count as credit for later ones.
            let taken = bytes as u64 + A_MESSAGE * packets as u64;
            backlog.position = Some((position + taken).min(total));
        }
    }

    /// Notes that the hub sent a message that the client must acknowledge.
    pub(crate) fn sent(&self, connection: ConnectionId, now: Monotonic, id: u16) {
        self.state().falls_behind(connection, now, |backlog| {
            backlog.unacknowledged.insert(id);
        });
    }

    /// Notes that the client acknowledged a message.
    pub(crate) fn acknowledged(&self, connection: ConnectionId, now: Monotonic, id: u16) {
        let mut state = self.state();
        if let Some(backlog) = state.connections.get_mut(&connection)
            && backlog.unacknowledged.remove(&id)
        {
            backlog.behind = now;
        }
    }

    pub(crate) fn left(&self, connection: ConnectionId) {
        self.state().connections.remove(&connection);
    }

    /// Counts a message to `topic`, and returns the connections that are too far behind.
    pub(crate) fn published(
        &self,
        now: Monotonic,
        topic: &Topic,
        bytes: usize,
    ) -> Vec<ConnectionId> {
        let mut state = self.state();
        let bytes = bytes as u64 + A_MESSAGE;
        match (kind(topic), topic) {
            (Some(kind), _) => state.published[kind] += bytes,
            (None, Topic::Inbox(user, _) | Topic::Chosen(user)) => {
                *state.own.entry(user.clone()).or_default() += bytes;
            }
            (None, _) => {}
        }
        state.unchecked += bytes;
        if state.unchecked < CHECK_AFTER {
            return Vec::new();
        }
        state.unchecked = 0;
        let State { published, own, connections, .. } = &mut *state;
        let behind = connections.iter_mut().filter_map(|(id, backlog)| {
            let position = backlog.position?;
            if backlog.has_caught_up(now) {
                backlog.position = None;
                return None;
            }
            (backlog.total(published, own).saturating_sub(position) > MAX_BEHIND).then_some(*id)
        });
        behind.collect()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn falls_behind(
        &mut self,
        connection: ConnectionId,
        now: Monotonic,
        how: impl FnOnce(&mut Backlog),
    ) {
        let total = self.published_for(connection);
        let backlog = self.connections.entry(connection).or_default();
        if backlog.position.is_none() || backlog.has_caught_up(now) {
            backlog.position = Some(total);
        }
        how(backlog);
        backlog.behind = now;
    }

    fn published_for(&self, connection: ConnectionId) -> u64 {
        self.connections
            .get(&connection)
            .map_or(0, |backlog| backlog.total(&self.published, &self.own))
    }
}

impl Backlog {
    /// Returns the bytes published so far on the topics that it reads.
    fn total(&self, published: &[u64; KINDS], own: &HashMap<UserId, u64>) -> u64 {
        let kinds = published.iter().zip(self.reads).filter(|(_, reads)| *reads);
        let own = self.user.as_ref().filter(|_| self.reads_own).and_then(|user| own.get(user));
        kinds.map(|(bytes, _)| bytes).sum::<u64>() + own.copied().unwrap_or_default()
    }

    fn has_caught_up(&self, now: Monotonic) -> bool {
        !self.blocked && self.unacknowledged.is_empty() && now.since(self.behind) > CAUGHT_UP
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: ConnectionId = 7;

    fn at(ms: u64) -> Monotonic {
        Monotonic::from_origin(Duration::from_millis(ms))
    }

    fn reader(filter: &str) -> Backlogs {
        let backlogs = Backlogs::default();
        let anna = UserId::parse("anna").unwrap();
        backlogs.subscribed(LINE, &anna, &Root::default(), filter);
        backlogs
    }

    /// Publishes `mib` MiB, and returns whether the hub must close the reader.
    fn publish(backlogs: &Backlogs, now: u64, topic: &str, mib: usize) -> bool {
        let topic = Topic::parse(&Root::default(), topic).unwrap();
        let of = |_| backlogs.published(at(now), &topic, 128 * 1024 - 512);
        (0..8 * mib).flat_map(of).any(|connection| connection == LINE)
    }

    #[test]
    fn a_connection_that_takes_nothing_is_closed_after_four_mib() {
        let backlogs = reader("presence/+/typing");
        assert!(!publish(&backlogs, 0, "presence/bob/typing", 100), "it is not behind");
        backlogs.blocked(LINE, at(0));
        assert!(!publish(&backlogs, 0, "presence/bob/typing", 4));
        assert!(publish(&backlogs, 0, "presence/bob/typing", 1));
    }

    #[test]
    fn what_a_connection_does_not_read_is_not_owed() {
        let backlogs = reader("presence/+/typing");
        backlogs.blocked(LINE, at(0));
        assert!(!publish(&backlogs, 0, "presence/bob/device/d", 100));
        assert!(!publish(&backlogs, 0, "presence/anna/inbox/bob", 100));
        let anna = UserId::parse("anna").unwrap();
        backlogs.subscribed(LINE, &anna, &Root::default(), "presence/anna/inbox/+");
        assert!(!publish(&backlogs, 0, "presence/anna/inbox/bob", 4), "nor what came before");
        assert!(!publish(&backlogs, 0, "presence/bob/inbox/anna", 100), "nor what is another's");
        assert!(publish(&backlogs, 0, "presence/anna/inbox/bob", 1));
    }

    #[test]
    fn a_slow_reader_that_takes_as_much_as_comes_is_served_for_ever() {
        let backlogs = reader("presence/+/device/+");
        for n in 0..100 {
            backlogs.blocked(LINE, at(1_000 * n));
            assert!(!publish(&backlogs, 1_000 * n, "presence/bob/device/d", 1), "{n}");
            backlogs.took(LINE, at(1_000 * n + 999), 1 << 20, 0);
        }
    }

    #[test]
    fn a_trickle_is_not_enough() {
        let backlogs = reader("presence/+/device/+");
        let closed = (0..100).position(|n| {
            backlogs.blocked(LINE, at(1_000 * n));
            backlogs.took(LINE, at(1_000 * n + 999), 1_000, 1);
            publish(&backlogs, 1_000 * n + 999, "presence/bob/device/d", 1)
        });
        assert_eq!(closed, Some(4));
    }

    #[test]
    fn a_made_up_acknowledgement_is_none_and_without_any_a_connection_is_closed() {
        let backlogs = reader("presence/+/device/+");
        backlogs.sent(LINE, at(0), 1);
        backlogs.acknowledged(LINE, at(0), 2);
        assert!(publish(&backlogs, 1_000, "presence/bob/device/d", 5));
        backlogs.acknowledged(LINE, at(2_000), 1);
        assert!(!publish(&backlogs, 3_000, "presence/bob/device/d", 5), "it has caught up");
    }
}
