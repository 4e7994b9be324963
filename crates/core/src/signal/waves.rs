//! How often somebody may wave or knock, and which waves are one notification.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use crate::id::UserId;
use crate::time::{Monotonic, Now};

/// As often as this within [`MINUTE`].
const AT_MOST: usize = 5;
const MINUTE: Duration = Duration::from_secs(60);
/// People that are counted at a time.
const PEOPLE: usize = 256;

/// A burst is held this long for more of it to come.
const QUIET: Duration = Duration::from_millis(800);
/// And no longer than this.
const HELD: Duration = Duration::from_secs(3);

/// Counts, for each person, what may happen five times a minute.
#[derive(Debug, Default)]
pub(super) struct Measure(BTreeMap<UserId, VecDeque<Monotonic>>);

impl Measure {
    /// Whether it may happen once more; then it did.
    pub(super) fn take(&mut self, now: Now, user: &UserId) -> bool {
        if self.0.len() >= PEOPLE && !self.0.contains_key(user) {
            self.0.retain(|_, times| times.back().is_some_and(|at| now.mono.since(*at) < MINUTE));
            if self.0.len() >= PEOPLE {
                return false;
            }
        }
        let times = self.0.entry(user.clone()).or_default();
        while times.front().is_some_and(|at| now.mono.since(*at) >= MINUTE) {
            times.pop_front();
        }
        let free = times.len() < AT_MOST;
        if free {
            times.push_back(now.mono);
        }
        free
    }
}

/// Waves of one person that are about to be one notification.
#[derive(Debug)]
pub(super) struct Burst {
    pub(super) name: String,
    pub(super) emoji: Option<String>,
    pub(super) count: u32,
    first: Monotonic,
    last: Monotonic,
}

#[derive(Debug, Default)]
pub(super) struct Bursts(BTreeMap<UserId, Burst>);

impl Bursts {
    pub(super) fn add(&mut self, now: Now, user: &UserId, name: &str, emoji: Option<String>) {
        let burst = self.0.entry(user.clone()).or_insert_with(|| Burst {
            name: name.to_owned(),
            emoji: None,
            count: 0,
            first: now.mono,
            last: now.mono,
        });
        burst.count += 1;
        burst.last = now.mono;
        burst.emoji = emoji.or(burst.emoji.take());
    }

    pub(super) fn forget(&mut self, user: &UserId) {
        self.0.remove(user);
    }

    /// Those whose time has come.
    pub(super) fn poll(&mut self, now: Now) -> Vec<(UserId, Burst)> {
        let due: Vec<_> = self
            .0
            .iter()
            .filter(|(_, burst)| burst.due() <= now.mono)
            .map(|(user, _)| user.clone())
            .collect();
        due.into_iter().filter_map(|user| self.0.remove_entry(&user)).collect()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn next_deadline(&self) -> Option<Monotonic> {
        self.0.values().map(Burst::due).min()
    }
}

impl Burst {
    fn due(&self) -> Monotonic {
        (self.last + QUIET).min(self.first + HELD)
    }
}
