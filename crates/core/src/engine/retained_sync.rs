//! Detects by a marker from the broker that all retained messages were read.
//!
//! MQTT does not mark the end of retained messages, so a reader waits for a silence
//! (`docs/protocol.md`, *A session*). Two brokers send retained messages filter by filter in the
//! order of the SUBSCRIBE, before anything else. The hub declares this in its record, and we
//! recognize Mosquitto by its version topic. A reader subscribes to both topics last. When one of
//! them arrives, it has read everything. With any other broker it waits for the silence.

use super::Engine;
use crate::access::RefusedFilter;
use crate::connection::Message;
use crate::time::Now;
use crate::topic::Topic;
use crate::wire::{self, Payload};

/// The topic of Mosquitto's version (mosquitto(8), *Broker status*). Other brokers that have this
/// topic publish a different text.
const MOSQUITTO: &str = "$SYS/broker/version";

impl Engine {
    /// The filters at the end of a reader's SUBSCRIBE, whose messages mark the end of the retained
    /// ones.
    pub(super) fn sentinel_filters(&self) -> Vec<String> {
        if self.session.wants_sentinels() {
            vec![Topic::Hub.to_wire(&self.root), MOSQUITTO.to_owned()]
        } else {
            Vec::new()
        }
    }

    /// The refused filters without the sentinel filters, which the roster does not need.
    pub(super) fn without_end(&self, refused: Vec<RefusedFilter>) -> Vec<RefusedFilter> {
        let ours = self.sentinel_filters();
        refused.into_iter().filter(|refused| !ours.contains(&refused.filter)).collect()
    }

    /// Detects the end-of-retained marker. Returns true if the message was only a marker.
    pub(super) fn detect_retained_end(&mut self, now: Now, message: &Message) -> bool {
        if !message.retained || !self.session.wants_sentinels() {
            return false;
        }
        if message.topic == MOSQUITTO {
            if message.payload.starts_with(b"mosquitto version ") {
                self.session.read_to_the_end();
                self.prove(now);
            }
            return true;
        }
        if message.topic == Topic::Hub.to_wire(&self.root) {
            let record = wire::decode_hub(&message.payload);
            if matches!(record, Ok(Payload::Record(hub)) if hub.in_order) {
                self.hub_records += 1;
                // If we read the roster, the record also arrives by one of its filters.
                if self.hub_records == 1 + usize::from(self.reads_room) {
                    self.session.read_to_the_end();
                }
            }
        }
        false
    }
}
