//! Waves of others: which are one entry of the history, and which are one notification.

use std::collections::BTreeMap;
use std::time::Duration;

use super::header::Header;
use crate::id::UserId;
use crate::notification::{Notification, Who};
use crate::time::{Monotonic, Now};
use crate::view::signals::{ExchangeKind, ExchangeStage, ExchangeView};

/// Waves of one person within this are one entry of the history.
const TOGETHER: Duration = Duration::from_secs(60);
/// A notification waits this long for more waves.
const QUIET: Duration = Duration::from_millis(800);
/// A notification waits no longer than this.
const HELD: Duration = Duration::from_secs(3);

/// Waves of somebody else that are one entry of the history.
#[derive(Debug)]
pub(super) struct IncomingWaves {
    pub(super) header: Header,
    since: Monotonic,
    count: u32,
}

impl IncomingWaves {
    pub(super) const fn new(now: Monotonic, header: Header) -> Self {
        Self { header, since: now, count: 1 }
    }

    /// Whether a wave of this person belongs to the same entry.
    pub(super) fn is_continued(&self, now: Monotonic, from: &UserId) -> bool {
        self.header.with == *from && now.since(self.since) < TOGETHER
    }

    pub(super) fn add(&mut self, wave: Header) {
        self.count += 1;
        self.header.text = wave.text.or(self.header.text.take());
    }

    pub(super) fn view(&self) -> ExchangeView {
        let view = self.header.view(ExchangeKind::Wave, ExchangeStage::Delivered);
        ExchangeView { count: self.count, ..view }
    }
}

/// Waves of one person that will be one notification.
#[derive(Debug)]
struct Burst {
    name: String,
    emoji: Option<String>,
    count: u32,
    first: Monotonic,
    last: Monotonic,
}

/// The notifications of waves that wait for more of them.
#[derive(Debug, Default)]
pub(super) struct Bursts(BTreeMap<UserId, Burst>);

impl Bursts {
    pub(super) fn add(&mut self, now: Now, wave: &Header) {
        let (first, last) = (now.mono, now.mono);
        let begin = || Burst { name: wave.name.clone(), emoji: None, count: 0, first, last };
        let burst = self.0.entry(wave.with.clone()).or_insert_with(begin);
        burst.count += 1;
        burst.last = now.mono;
        burst.emoji = wave.text.clone().or(burst.emoji.take());
    }

    pub(super) fn forget(&mut self, user: &UserId) {
        self.0.remove(user);
    }

    /// Takes the notifications that are due.
    pub(super) fn take_due(&mut self, now: Now) -> Vec<(UserId, Notification)> {
        let (due, later): (BTreeMap<_, _>, _) =
            std::mem::take(&mut self.0).into_iter().partition(|(_, burst)| burst.due() <= now.mono);
        self.0 = later;
        let notification = |(user, Burst { name, emoji, count, .. }): (UserId, _)| {
            let who = Who { user: user.to_string(), name };
            (user, Notification::Waved { who, emoji, count })
        };
        due.into_iter().map(notification).collect()
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
