//! Which waves are one notification.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::id::UserId;
use crate::time::{Monotonic, Now};

/// A burst is held this long for more of it to come.
const QUIET: Duration = Duration::from_millis(800);
/// And no longer than this.
const HELD: Duration = Duration::from_secs(3);

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
