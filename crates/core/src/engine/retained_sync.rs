//! When everything retained was read, as the broker shows it, instead of by silence.
//!
//! MQTT has no word for it, so a reader waits until nothing came for a while (`docs/protocol.md`, *A session*). Two brokers
//! send retained messages filter by filter in the order of the SUBSCRIBE, before anything else: the hub, which says so in
//! its record, and Mosquitto, which says that it is Mosquitto. A reader asks for both records last. When one of them comes,
//! it has read everything. With any other broker it waits as before.

use super::Engine;
use crate::access::RefusedFilter;
use crate::connection::Message;
use crate::time::Now;
use crate::topic::Topic;
use crate::wire::{self, Payload};

/// Where Mosquitto says what it is (mosquitto(8), *Broker status*). Others that have this topic say something else.
const MOSQUITTO: &str = "$SYS/broker/version";

impl Engine {
    /// The last filters of a reader's SUBSCRIBE.
    pub(super) fn sentinel_filters(&self) -> Vec<String> {
        if self.session.wants_sentinels() {
            vec![Topic::Hub.to_wire(&self.root), MOSQUITTO.to_owned()]
        } else {
            Vec::new()
        }
    }

    /// The refused filters, but for those: nobody misses them.
    pub(super) fn without_end(&self, refused: Vec<RefusedFilter>) -> Vec<RefusedFilter> {
        let ours = self.sentinel_filters();
        refused.into_iter().filter(|refused| !ours.contains(&refused.filter)).collect()
    }

    /// Takes note of what says that everything was read. Whether there is nothing more to the message than that.
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
                // Where the room is read, the record is a part of that, too.
                if self.hub_records == 1 + usize::from(self.reads_room) {
                    self.session.read_to_the_end();
                }
            }
        }
        false
    }
}
