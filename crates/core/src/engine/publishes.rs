//! Problems of publishes that the broker does not acknowledge, or refuses.
//!
//! Owns which of this device's own topics the broker does not accept. Signals report their own
//! failure to their sender, so they are no problem of the connection.

use std::collections::BTreeMap;

use super::Engine;
use crate::connection::{PublishId, Refusal};
use crate::in_flight::InFlight;
use crate::time::{Monotonic, Now};
use crate::view::Problem;

const UNCONFIRMED: &str = "publish_unconfirmed";
const REFUSED: &str = "publish_refused";

/// The unacknowledged and refused publishes of the current connection, and which problems are
/// shown.
#[derive(Debug, Default)]
pub(super) struct Publishes {
    pub(super) in_flight: InFlight,
    /// The topics that the broker refused last, each with the reason.
    refused: BTreeMap<String, String>,
    /// Whether the person sees that the broker does not answer.
    is_told: bool,
}

impl Publishes {
    /// Handles a PUBACK. Returns the topic if it was for a record.
    fn settle(&mut self, id: PublishId, outcome: &Result<(), Refusal>) -> Option<String> {
        let topic = self.in_flight.settle(id)?;
        match outcome {
            Ok(()) => self.refused.remove(&topic),
            Err(refusal) => self.refused.insert(topic.clone(), refusal.to_string()),
        };
        Some(topic)
    }

    pub(super) fn next_deadline(&self) -> Option<Monotonic> {
        self.in_flight.next_deadline().filter(|_| !self.is_told)
    }
}

impl Engine {
    pub(super) fn settle_publish(
        &mut self,
        now: Now,
        id: PublishId,
        outcome: &Result<(), Refusal>,
    ) {
        let topic = self.publishes.settle(id, outcome);
        let own = self.local_device.as_ref().map(|own| own.device_topic().to_wire(&self.root));
        if topic.is_some() && topic == own && outcome.is_ok() {
            self.expect_echo(now);
        }
        if self.publishes.in_flight.next_deadline().is_none_or(|at| at > now.mono) {
            self.publishes.is_told = false;
            self.problems.remove(UNCONFIRMED);
        }
        match self.publishes.refused.values().next() {
            Some(reason) => {
                let message = format!(
                    "the broker does not let us publish ({reason}); ask the person who runs it for the access rules in docs/protocol.md"
                );
                self.tell_problem(REFUSED, message);
            }
            None => {
                self.problems.remove(REFUSED);
            }
        }
    }

    /// Forgets what is unacknowledged, because a new connection acknowledges none of it.
    pub(super) fn forget_unacknowledged(&mut self) {
        self.publishes.in_flight.sent.clear();
        self.publishes.refused.clear();
        self.publishes.is_told = false;
        self.problems.remove(UNCONFIRMED);
        self.problems.remove(REFUSED);
    }

    /// Shows the problem that a PUBACK is late. The connection stays, because a new one would not
    /// make the broker answer.
    pub(super) fn note_unacknowledged(&mut self) {
        self.publishes.is_told = true;
        let message = "the broker does not confirm what this device publishes, so others may not see it; ask the person who runs the broker".to_owned();
        self.tell_problem(UNCONFIRMED, message);
    }

    pub(super) fn tell_problem(&mut self, code: &str, message: String) {
        self.problems.insert(code.to_owned(), Problem { code: code.to_owned(), message });
    }
}
