//! Publishes on the present connection that have no PUBACK yet.
//!
//! Owns the numbers of publishes, and how long to wait for a PUBACK: MQTT sets no limit (MQTT 5, 4.4). The
//! caller decides what follows from a late PUBACK.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::connection::PublishId;
use crate::time::{Monotonic, Now};

/// A broker that has not acknowledged a publish after this probably never will.
const PUBACK: Duration = Duration::from_secs(10);
/// Maximum number of publishes to remember, as many as the MQTT client holds.
const AT_MOST: usize = 128;

/// Publishes at QoS 1 that wait for their PUBACK.
#[derive(Debug, Default)]
pub(crate) struct InFlight {
    /// The topic of a retained record, `None` for a signal; and when it was published.
    pub(crate) sent: BTreeMap<PublishId, (Option<String>, Monotonic)>,
    /// The number of the last publish.
    pub(crate) last: u64,
}

impl InFlight {
    /// Returns the number of a publish without a PUBACK.
    pub(crate) fn next_id(&mut self) -> PublishId {
        self.last += 1;
        PublishId(self.last)
    }

    /// Remembers a publish, and gives it its number.
    pub(crate) fn begin(&mut self, now: Now, topic: Option<String>) -> PublishId {
        if self.sent.len() >= AT_MOST {
            self.sent.pop_first();
        }
        let id = self.next_id();
        self.sent.insert(id, (topic, now.mono));
        id
    }

    /// Removes a publish whose PUBACK arrived. Returns its topic if it was a record.
    pub(crate) fn settle(&mut self, id: PublishId) -> Option<String> {
        self.sent.remove(&id)?.0
    }

    /// When the oldest PUBACK is late.
    pub(crate) fn next_deadline(&self) -> Option<Monotonic> {
        self.sent.first_key_value().map(|(_, (_, at))| *at + PUBACK)
    }
}
