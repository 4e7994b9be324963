//! What goes out and what comes in.

use std::fmt;
use std::time::Duration;

use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::{LastWill, LastWillProperties, Publish, PublishProperties};
use serde_json::Value;

/// A message to publish, or a Will.
#[derive(Debug, Clone)]
pub struct Message {
    pub(crate) topic: String,
    pub(crate) payload: Vec<u8>,
    pub(crate) retained: bool,
    pub(crate) qos: QoS,
    pub(crate) expiry: Option<Duration>,
    pub(crate) delay: Option<Duration>,
}

impl Message {
    /// A message at QoS 1, not retained, that does not expire. The payload may be any bytes.
    pub fn new(topic: impl Into<String>, payload: impl Into<Vec<u8>>) -> Self {
        Self {
            topic: topic.into(),
            payload: payload.into(),
            retained: false,
            qos: QoS::AtLeastOnce,
            expiry: None,
            delay: None,
        }
    }

    /// A message that holds this JSON.
    pub fn json(topic: impl Into<String>, payload: &Value) -> Self {
        Self::new(topic, payload.to_string())
    }

    /// Kept by the broker for late joiners. With an empty payload it clears what was kept.
    #[must_use]
    pub fn retained(mut self) -> Self {
        self.retained = true;
        self
    }

    /// At QoS 0: nobody confirms it.
    #[must_use]
    pub fn unconfirmed(mut self) -> Self {
        self.qos = QoS::AtMostOnce;
        self
    }

    /// With a Message Expiry, in whole seconds.
    #[must_use]
    pub fn expires_in(mut self, expiry: Duration) -> Self {
        self.expiry = Some(expiry);
        self
    }

    /// As a Will: published this long after the connection was lost, in whole seconds.
    #[must_use]
    pub fn delayed(mut self, delay: Duration) -> Self {
        self.delay = Some(delay);
        self
    }

    pub(super) fn properties(&self) -> PublishProperties {
        PublishProperties {
            message_expiry_interval: seconds(self.expiry),
            ..PublishProperties::default()
        }
    }

    pub(super) fn into_will(self) -> LastWill {
        let properties = LastWillProperties {
            delay_interval: seconds(self.delay),
            payload_format_indicator: None,
            message_expiry_interval: seconds(self.expiry),
            content_type: None,
            response_topic: None,
            correlation_data: None,
            user_properties: Vec::new(),
        };
        LastWill::new(self.topic, self.payload, self.qos, self.retained, Some(properties))
    }
}

pub(crate) fn seconds(duration: Option<Duration>) -> Option<u32> {
    duration.map(|duration| u32::try_from(duration.as_secs()).expect("less than 136 years"))
}

/// A message that arrived.
#[derive(Clone, PartialEq, Eq)]
pub struct Arrival {
    /// Its topic.
    pub topic: String,
    /// Its bytes.
    pub payload: Vec<u8>,
    /// Whether it came from the broker's store: one that is published while the probe is
    /// subscribed comes without the mark, retained or not.
    pub retained: bool,
    /// The QoS it was delivered at.
    pub qos: u8,
    /// What remains of its Message Expiry.
    pub expires_in: Option<Duration>,
    /// Its user properties.
    pub user_properties: Vec<(String, String)>,
    /// When it came, since the probe connected.
    pub at: Duration,
}

impl Arrival {
    /// Its payload as text, with a mark where it is none.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.payload).into_owned()
    }

    /// Its payload as JSON, `Null` where it is none.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.payload).unwrap_or_default()
    }

    pub(super) fn new(publish: &Publish, at: Duration) -> Self {
        let properties = publish.properties.as_ref();
        let expiry = properties.and_then(|properties| properties.message_expiry_interval);
        Self {
            topic: String::from_utf8_lossy(&publish.topic).into_owned(),
            payload: publish.payload.to_vec(),
            retained: publish.retain,
            qos: publish.qos as u8,
            expires_in: expiry.map(|seconds| Duration::from_secs(seconds.into())),
            user_properties: properties
                .map(|properties| properties.user_properties.clone())
                .unwrap_or_default(),
            at,
        }
    }
}

impl fmt::Debug for Arrival {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let retained = if self.retained { " retained" } else { "" };
        write!(f, "{:?}{retained} {} {}", self.at, self.topic, self.text())
    }
}
