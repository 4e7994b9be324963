//! What was published on the present connection and is not acknowledged yet.
//!
//! Owns the numbers of publishes, and for how long a PUBACK is waited for: MQTT has no time for it (MQTT 5, 4.4). What
//! follows from a PUBACK that is late is decided by whoever published.

use std::collections::VecDeque;
use std::time::Duration;

use crate::input::PublishId;
use crate::time::{Monotonic, Now};

/// A broker that has not acknowledged a publish after this probably never will.
const PUBACK: Duration = Duration::from_secs(10);
/// The most publishes that are remembered. The MQTT client has room for no more.
const AT_MOST: usize = 128;

/// Publishes at QoS 1 that wait for their PUBACK, the oldest first.
#[derive(Debug, Default)]
pub(crate) struct InFlight {
    sent: VecDeque<Sent>,
    /// The number of the last publish.
    pub(crate) last: u64,
}

/// A publish that waits for its PUBACK.
#[derive(Debug)]
pub(crate) struct Sent {
    id: PublishId,
    /// The topic of a retained record; `None` for a signal.
    pub(crate) topic: Option<String>,
    at: Monotonic,
}

impl InFlight {
    /// The number of a publish that no PUBACK follows.
    pub(crate) fn next_id(&mut self) -> PublishId {
        self.last += 1;
        PublishId(self.last)
    }

    /// Remembers a publish, and gives it its number.
    pub(crate) fn begin(&mut self, now: Now, topic: Option<String>) -> PublishId {
        if self.sent.len() >= AT_MOST {
            self.sent.pop_front();
        }
        let id = self.next_id();
        self.sent.push_back(Sent { id, topic, at: now.mono });
        id
    }

    /// Forgets a publish whose PUBACK came.
    pub(crate) fn settle(&mut self, id: PublishId) -> Option<Sent> {
        let at = self.sent.iter().position(|sent| sent.id == id)?;
        self.sent.remove(at)
    }

    /// Another connection acknowledges nothing of this one.
    pub(crate) fn clear(&mut self) {
        self.sent.clear();
    }

    pub(crate) fn len(&self) -> usize {
        self.sent.len()
    }

    /// When the oldest PUBACK is late.
    pub(crate) fn next_deadline(&self) -> Option<Monotonic> {
        self.sent.front().map(|first| first.at + PUBACK)
    }
}
