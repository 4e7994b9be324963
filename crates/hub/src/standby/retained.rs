//! Retained messages on their way between host and backup.
//!
//! Owns their form: JSON, with the age of each message in place of a time, because the two clocks differ. Everything of
//! the team is copied but what a hub says of itself.

use super::{StandbyError, damaged};
use mqtt5::QoS;
use mqtt5::broker::storage::RetainedMessage;
use mqtt5::packet::publish::PublishPacket;
use porchlight_core::id::Root;
use porchlight_core::time::Timestamp;
use porchlight_core::topic::Topic;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A retained message on its way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CopiedMessage {
    pub(crate) topic: String,
    /// Empty: it is no longer retained.
    pub(crate) payload: String,
    /// How long ago it was published, in seconds.
    #[serde(default)]
    age_s: u64,
    /// Its Message Expiry Interval (MQTT 5, 3.3.2.3.3), in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expiry_s: Option<u32>,
}

/// The retained messages of the host, as its backup has them.
#[derive(Debug, Default, Clone)]
pub struct RetainedCopy(BTreeMap<String, RetainedMessage>);

impl RetainedCopy {
    /// Applies the data of a `retained` event.
    ///
    /// # Errors
    ///
    /// [`StandbyError::Damaged`] if it is not JSON of that form. Nothing has changed then.
    pub fn apply(&mut self, json: &str, now: Timestamp) -> Result<(), StandbyError> {
        let changed: Vec<CopiedMessage> = serde_json::from_str(json).map_err(damaged)?;
        for message in changed {
            match message.restore(now) {
                Some(stored) => drop(self.0.insert(message.topic, stored)),
                None => drop(self.0.remove(&message.topic)),
            }
        }
        Ok(())
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn messages(&self) -> impl Iterator<Item = &RetainedMessage> {
        self.0.values()
    }
}

impl CopiedMessage {
    /// A message that is no longer retained.
    pub(crate) fn cleared(topic: &str) -> Self {
        Self { topic: topic.to_owned(), payload: String::new(), age_s: 0, expiry_s: None }
    }

    /// The message as a broker stores it; none if it was cleared, or is too old.
    pub(crate) fn restore(&self, now: Timestamp) -> Option<RetainedMessage> {
        if self.payload.is_empty() {
            return None;
        }
        let payload = self.payload.as_bytes().to_vec();
        let packet = PublishPacket::new(&self.topic, payload, QoS::AtLeastOnce).with_retain(true);
        let mut stored = RetainedMessage::new(packet);
        stored.stored_at_secs = (now.as_ms() / 1000).saturating_sub(self.age_s);
        stored.message_expiry_interval = self.expiry_s;
        stored.recompute_expiry();
        (!stored.is_expired()).then_some(stored)
    }
}

/// The copy of a stored message; none for one that is not copied. A record is text.
pub(crate) fn copy_of(
    stored: &RetainedMessage,
    root: &Root,
    now: Timestamp,
) -> Option<CopiedMessage> {
    if stored.topic == Topic::Hub.to_wire(root) {
        return None;
    }
    Some(CopiedMessage {
        topic: stored.topic.clone(),
        payload: String::from_utf8(stored.payload.clone()).ok()?,
        age_s: (now.as_ms() / 1000).saturating_sub(stored.stored_at_secs),
        expiry_s: stored.message_expiry_interval,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_keeps_its_age_on_a_computer_with_another_clock() {
        let (here, there) = (1_796_900_000_000, 1_700_000_000_000);
        let [here, there] = [here, there].map(|ms| Timestamp::from_ms(ms).unwrap());
        let root = Root::default();
        let packet = PublishPacket::new("presence/bob", b"{}".to_vec(), QoS::AtLeastOnce);
        let mut stored = RetainedMessage::new(packet.with_retain(true));
        stored.stored_at_secs = here.as_ms() / 1000 - 60;
        let copy = copy_of(&stored, &root, here).unwrap();
        let json = serde_json::to_string(&[&copy]).unwrap();
        let mut copies = RetainedCopy::default();
        copies.apply(&json, there).unwrap();
        let restored = copies.messages().next().unwrap();
        assert_eq!(restored.stored_at_secs, there.as_ms() / 1000 - 60);
        let gone = serde_json::to_string(&[CopiedMessage::cleared("presence/bob")]).unwrap();
        copies.apply(&gone, there).unwrap();
        assert!(copies.is_empty());
        assert!(copies.apply("{", there).is_err());
        stored.topic = "presence/_hub".to_owned();
        assert_eq!(copy_of(&stored, &root, here), None);
    }
}
