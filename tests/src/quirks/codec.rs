//! MQTT 3.1.1 and 5 on the wire, as one set of types.
//!
//! rumqttc reads what clients send and writes PUBLISH. The other answers are written by hand here:
//! a quirk may need a code or a property that rumqttc does not know.

use bytes::{Bytes, BytesMut};
use rumqttc::v5::mqttbytes::v5 as five;
use rumqttc::v5::mqttbytes::{QoS as QoS5, qos as qos5};
use rumqttc::{Packet as Packet4, Publish as Publish4};

use super::seen::{Connect, Version};
use crate::packet::protocol_level;

/// A property of CONNACK (MQTT 5, 3.2.2.3).
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the specification's own names")]
pub enum Property {
    SessionExpiryInterval(u32),
    AssignedClientIdentifier(String),
    ServerKeepAlive(u16),
    ServerReference(String),
    ReasonString(String),
    ReceiveMaximum(u16),
    TopicAliasMaximum(u16),
    MaximumQos(u8),
    RetainAvailable(bool),
    MaximumPacketSize(u32),
    WildcardSubscriptionAvailable(bool),
    SubscriptionIdentifiersAvailable(bool),
    SharedSubscriptionAvailable(bool),
    /// Any other bytes, identifier included.
    Raw(Vec<u8>),
}

impl Property {
    fn write(&self, to: &mut Vec<u8>) {
        let mut put = |id: u8, value: &[u8]| to.extend(std::iter::once(&id).chain(value));
        match self {
            Self::SessionExpiryInterval(seconds) => put(17, &seconds.to_be_bytes()),
            Self::AssignedClientIdentifier(text) => put(18, &string(text)),
            Self::ServerKeepAlive(seconds) => put(19, &seconds.to_be_bytes()),
            Self::ServerReference(text) => put(28, &string(text)),
            Self::ReasonString(text) => put(31, &string(text)),
            Self::ReceiveMaximum(count) => put(33, &count.to_be_bytes()),
            Self::TopicAliasMaximum(count) => put(34, &count.to_be_bytes()),
            Self::MaximumQos(qos) => put(36, &[*qos]),
            Self::RetainAvailable(yes) => put(37, &[u8::from(*yes)]),
            Self::MaximumPacketSize(bytes) => put(39, &bytes.to_be_bytes()),
            Self::WildcardSubscriptionAvailable(yes) => put(40, &[u8::from(*yes)]),
            Self::SubscriptionIdentifiersAvailable(yes) => put(41, &[u8::from(*yes)]),
            Self::SharedSubscriptionAvailable(yes) => put(42, &[u8::from(*yes)]),
            Self::Raw(bytes) => to.extend(bytes),
        }
    }
}

/// A message on its way through the broker.
#[derive(Debug, Clone)]
pub(super) struct Publication {
    pub(super) topic: String,
    pub(super) payload: Bytes,
    pub(super) qos: u8,
    pub(super) retain: bool,
    /// Message Expiry Interval in seconds.
    pub(super) expiry: Option<u32>,
    pub(super) user_properties: Vec<(String, String)>,
}

/// A Will, and how long the broker holds it back, in seconds.
#[derive(Debug, Clone)]
pub(super) struct Will {
    pub(super) message: Publication,
    pub(super) delay: u32,
}

#[derive(Debug, Clone)]
pub(super) struct Subscription {
    pub(super) filter: String,
    pub(super) qos: u8,
    pub(super) no_local: bool,
    pub(super) keeps_retain: bool,
    pub(super) wants_retained: bool,
}

/// What a client sends.
#[derive(Debug)]
pub(super) enum Packet {
    Connect(Connect, Option<Will>),
    Publish(Publication, u16),
    Subscribe(u16, Vec<Subscription>),
    Unsubscribe(u16, Vec<String>),
    PingReq,
    Disconnect(u8),
    /// Acknowledgements, which this broker does not need.
    Other,
}

/// Reads one whole packet; an error says why it is malformed.
pub(super) fn parse(version: Version, packet: &[u8]) -> Result<Packet, String> {
    match packet[0] & 0xf0 {
        0xc0 => return Ok(Packet::PingReq),
        // By hand, as rumqttc refuses one without a reason code.
        0xe0 => return Ok(Packet::Disconnect(packet.get(2).copied().unwrap_or_default())),
        0x10 | 0x30 | 0x80 | 0xa0 => {}
        _ => return Ok(Packet::Other),
    }
    let mut bytes = BytesMut::from(packet);
    match version {
        Version::V5 => {
            let read = five::Packet::read(&mut bytes, None).map_err(|error| error.to_string())?;
            Ok(from_five(read))
        }
        Version::V311 => {
            let read = Packet4::read(&mut bytes, packet.len());
            Ok(from_four(read.map_err(|error| format!("{error:?}"))?))
        }
    }
}

/// The version of a CONNECT.
pub(super) fn version_of(packet: &[u8]) -> Option<Version> {
    match protocol_level(packet)? {
        4 => Some(Version::V311),
        5 => Some(Version::V5),
        _ => None,
    }
}

fn from_five(packet: five::Packet) -> Packet {
    match packet {
        five::Packet::Connect(connect, will, login) => {
            let expiry = connect.properties.and_then(|some| some.session_expiry_interval);
            let will = will.map(|will| {
                let of = will.properties;
                let (delay, expiry) = of.map_or((None, None), |properties| {
                    (properties.delay_interval, properties.message_expiry_interval)
                });
                let message = Publication {
                    topic: String::from_utf8_lossy(&will.topic).into_owned(),
                    payload: will.message,
                    qos: will.qos as u8,
                    retain: will.retain,
                    expiry,
                    user_properties: Vec::new(),
                };
                Will { message, delay: delay.unwrap_or_default() }
            });
            let seen = Connect {
                version: Version::V5,
                client_id: connect.client_id,
                clean_start: connect.clean_start,
                keep_alive: connect.keep_alive,
                session_expiry: expiry.unwrap_or_default(),
                user: login.as_ref().map(|login| login.username.clone()),
                password: login.map(|login| login.password),
                will_topic: will.as_ref().map(|will| will.message.topic.clone()),
            };
            Packet::Connect(seen, will)
        }
        five::Packet::Publish(publish) => {
            let properties = publish.properties.unwrap_or_default();
            let message = Publication {
                topic: String::from_utf8_lossy(&publish.topic).into_owned(),
                payload: publish.payload,
                qos: publish.qos as u8,
                retain: publish.retain,
                expiry: properties.message_expiry_interval,
                user_properties: properties.user_properties,
            };
            Packet::Publish(message, publish.pkid)
        }
        five::Packet::Subscribe(subscribe) => {
            let filters = subscribe.filters.into_iter().map(|filter| Subscription {
                filter: filter.path,
                qos: filter.qos as u8,
                no_local: filter.nolocal,
                keeps_retain: filter.preserve_retain,
                wants_retained: !matches!(
                    filter.retain_forward_rule,
                    five::RetainForwardRule::Never
                ),
            });
            Packet::Subscribe(subscribe.pkid, filters.collect())
        }
        five::Packet::Unsubscribe(unsubscribe) => {
            Packet::Unsubscribe(unsubscribe.pkid, unsubscribe.filters)
        }
        _ => Packet::Other,
    }
}

fn from_four(packet: Packet4) -> Packet {
    match packet {
        Packet4::Connect(connect) => {
            let will = connect.last_will.map(|will| Will {
                message: Publication {
                    topic: will.topic,
                    payload: will.message,
                    qos: will.qos as u8,
                    retain: will.retain,
                    expiry: None,
                    user_properties: Vec::new(),
                },
                delay: 0,
            });
            let seen = Connect {
                version: Version::V311,
                client_id: connect.client_id,
                clean_start: connect.clean_session,
                keep_alive: connect.keep_alive,
                session_expiry: 0,
                user: connect.login.as_ref().map(|login| login.username.clone()),
                password: connect.login.map(|login| login.password),
                will_topic: will.as_ref().map(|will| will.message.topic.clone()),
            };
            Packet::Connect(seen, will)
        }
        Packet4::Publish(publish) => {
            let message = Publication {
                topic: publish.topic,
                payload: publish.payload,
                qos: publish.qos as u8,
                retain: publish.retain,
                expiry: None,
                user_properties: Vec::new(),
            };
            Packet::Publish(message, publish.pkid)
        }
        Packet4::Subscribe(subscribe) => {
            let filters = subscribe.filters.into_iter().map(|filter| Subscription {
                filter: filter.path,
                qos: filter.qos as u8,
                no_local: false,
                keeps_retain: false,
                wants_retained: true,
            });
            Packet::Subscribe(subscribe.pkid, filters.collect())
        }
        Packet4::Unsubscribe(unsubscribe) => {
            Packet::Unsubscribe(unsubscribe.pkid, unsubscribe.topics)
        }
        _ => Packet::Other,
    }
}

/// CONNACK without a session; the properties only in MQTT 5.
pub(super) fn connack(version: Version, code: u8, properties: &[Property]) -> Vec<u8> {
    let mut body = vec![0, code];
    if version == Version::V5 {
        let mut bytes = Vec::new();
        properties.iter().for_each(|property| property.write(&mut bytes));
        body.extend(sized(&bytes));
    }
    framed(0x20, &body)
}

pub(super) fn suback(version: Version, id: u16, codes: &[u8]) -> Vec<u8> {
    answer(0x90, version, id, codes)
}

pub(super) fn unsuback(version: Version, id: u16, count: usize) -> Vec<u8> {
    let codes = vec![0; if version == Version::V5 { count } else { 0 }];
    answer(0xb0, version, id, &codes)
}

fn answer(first: u8, version: Version, id: u16, codes: &[u8]) -> Vec<u8> {
    let mut body = id.to_be_bytes().to_vec();
    if version == Version::V5 {
        body.push(0);
    }
    body.extend(codes);
    framed(first, &body)
}

/// PUBACK. 3.1.1 has no code for it: a refusal looks like a success there.
pub(super) fn puback(version: Version, id: u16, code: u8) -> Vec<u8> {
    let mut body = id.to_be_bytes().to_vec();
    if version == Version::V5 && code != 0 {
        body.push(code);
    }
    framed(0x40, &body)
}

/// DISCONNECT of a server, which only MQTT 5 has. `short` leaves an empty Property Length out.
pub(super) fn disconnect(code: u8, reason: Option<&str>, short: bool) -> Vec<u8> {
    let mut property = Vec::new();
    if let Some(reason) = reason {
        Property::ReasonString(reason.to_owned()).write(&mut property);
    }
    let mut body = vec![code];
    if !short || !property.is_empty() {
        body.extend(sized(&property));
    }
    framed(0xe0, &body)
}

/// PUBLISH to a subscriber.
pub(super) fn publish(version: Version, message: &Publication, id: u16) -> Vec<u8> {
    let mut bytes = BytesMut::new();
    match version {
        Version::V5 => {
            let properties = five::PublishProperties {
                message_expiry_interval: message.expiry,
                user_properties: message.user_properties.clone(),
                ..five::PublishProperties::default()
            };
            let qos = qos5(message.qos).unwrap_or(QoS5::AtMostOnce);
            let (topic, payload) = (message.topic.clone(), message.payload.clone());
            let mut publish = five::Publish::new(topic, qos, payload, Some(properties));
            (publish.retain, publish.pkid) = (message.retain, id);
            publish.write(&mut bytes).expect("it has an identifier where it needs one");
        }
        Version::V311 => {
            let qos = rumqttc::qos(message.qos).unwrap_or(rumqttc::QoS::AtMostOnce);
            let payload = message.payload.clone();
            let mut publish = Publish4::from_bytes(message.topic.clone(), qos, payload);
            (publish.retain, publish.pkid) = (message.retain, id);
            publish.write(&mut bytes).expect("it has an identifier where it needs one");
        }
    }
    bytes.to_vec()
}

fn framed(first: u8, body: &[u8]) -> Vec<u8> {
    let mut packet = vec![first];
    packet.extend(sized(body));
    packet
}

/// Bytes behind their length as a Variable Byte Integer (MQTT 5, 1.5.5).
fn sized(bytes: &[u8]) -> Vec<u8> {
    let mut left = bytes.len();
    let mut packet = Vec::new();
    loop {
        let low = u8::try_from(left % 128).expect("less than 128");
        left /= 128;
        packet.push(low | if left > 0 { 0x80 } else { 0 });
        if left == 0 {
            break;
        }
    }
    packet.extend(bytes);
    packet
}

fn string(text: &str) -> Vec<u8> {
    let length = u16::try_from(text.len()).expect("a string of MQTT has 65,535 bytes at most");
    [&length.to_be_bytes(), text.as_bytes()].concat()
}
