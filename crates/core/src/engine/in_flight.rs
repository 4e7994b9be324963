//! Publishes that the broker has not acknowledged, and those that it refused.
//!
//! Owns how long to wait for a PUBACK (MQTT 5, 4.4 sets no limit), and which of this device's own topics the broker does
//! not accept. Signals report their own failure to their sender, so they are no problem of the connection.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use super::Engine;
use crate::connection::{PublishId, Refusal};
use crate::time::{Monotonic, Now};
use crate::view::Problem;

/// Others may not see what the broker has not acknowledged after this.
const PUBACK: Duration = Duration::from_secs(10);
/// The most publishes that are kept in mind. The library has room for no more.
const AT_MOST: usize = 128;
const UNCONFIRMED: &str = "publish_unconfirmed";
const REFUSED: &str = "publish_refused";

/// What was published on the present connection, until it is settled.
#[derive(Debug, Default)]
pub(super) struct InFlight {
    sent: VecDeque<Sent>,
    /// The topics that the broker last refused, and why.
    refused: BTreeMap<String, String>,
    /// Whether the person was told that the broker does not answer.
    is_told: bool,
}

#[derive(Debug)]
struct Sent {
    id: PublishId,
    /// The topic of a record of this device's own; `None` for a signal.
    topic: Option<String>,
    at: Monotonic,
}

impl InFlight {
    pub(super) fn sent(&mut self, now: Now, id: PublishId, topic: Option<String>) {
        if self.sent.len() >= AT_MOST {
            self.sent.pop_front();
        }
        self.sent.push_back(Sent { id, topic, at: now.mono });
    }

    /// A PUBACK came. Returns the topic, where it was for a record.
    fn settle(&mut self, id: PublishId, outcome: &Result<(), Refusal>) -> Option<String> {
        let at = self.sent.iter().position(|sent| sent.id == id)?;
        let topic = self.sent.remove(at)?.topic?;
        match outcome {
            Ok(()) => self.refused.remove(&topic),
            Err(refusal) => self.refused.insert(topic.clone(), refusal.to_string()),
        };
        Some(topic)
    }

    pub(super) fn next_deadline(&self) -> Option<Monotonic> {
        let first = self.sent.front().filter(|_| !self.is_told)?;
        Some(first.at + PUBACK)
    }
}

impl Engine {
    pub(super) fn settle_publish(
        &mut self,
        now: Now,
        id: PublishId,
        outcome: &Result<(), Refusal>,
    ) {
        let topic = self.unacknowledged.settle(id, outcome);
        let own = self.local_device.as_ref().map(|own| own.device_topic().to_wire(&self.root));
        if topic.is_some() && topic == own && outcome.is_ok() {
            self.expect_echo(now);
        }
        let late = |sent: &Sent| now.mono.since(sent.at) >= PUBACK;
        if !self.unacknowledged.sent.front().is_some_and(late) {
            self.unacknowledged.is_told = false;
            self.problems.remove(UNCONFIRMED);
        }
        match self.unacknowledged.refused.values().next() {
            Some(reason) => {
                let message = format!(
                    "the broker does not let us publish ({reason}); ask whoever runs it for the access rules in docs/protocol.md"
                );
                self.tell_problem(REFUSED, message);
            }
            None => {
                self.problems.remove(REFUSED);
            }
        }
    }

    /// Another connection owes nothing.
    pub(super) fn forget_unacknowledged(&mut self) {
        self.unacknowledged = InFlight::default();
        self.problems.remove(UNCONFIRMED);
        self.problems.remove(REFUSED);
    }

    /// The broker keeps a PUBACK back for too long. The connection stays: a new one would not make it answer.
    pub(super) fn note_unacknowledged(&mut self) {
        self.unacknowledged.is_told = true;
        let message = "the broker does not confirm what this device publishes, so others may not see it; ask whoever runs the broker".to_owned();
        self.tell_problem(UNCONFIRMED, message);
    }

    pub(super) fn tell_problem(&mut self, code: &str, message: String) {
        self.problems.insert(code.to_owned(), Problem { code: code.to_owned(), message });
    }
}
