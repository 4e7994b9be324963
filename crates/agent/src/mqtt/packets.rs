//! Encodes and decodes MQTT packets of both versions.
//!
//! The codec `mqtt5-protocol` encodes what we send. This module decodes what we receive: the
//! packets that a broker sends. It keeps reason codes as numbers, so that an unknown one breaks
//! nothing.

use std::time::Duration;

use mqtt5_protocol::packet::MqttPacket;
use mqtt5_protocol::packet::connect::ConnectPacket;
use mqtt5_protocol::packet::publish::PublishPacket;
use mqtt5_protocol::packet::subscribe::SubscribePacket;
use mqtt5_protocol::{
    ConnectOptions, Properties, PropertyId, PropertyValue, QoS, WillMessage, WillProperties,
};
use porchlight_core::effect::{Connect, Filter, Publish, Qos, Version, Will};
use porchlight_core::input::{Granted, Message};
use porchlight_core::reason::{BrokerReason, ReasonCode};

/// Maximum Packet Size in bytes: sixteen of the largest records. The broker does not send larger
/// packets.
pub(super) const MAX_PACKET: u32 = 64 * 1024;
/// The size limit of any packet in bytes (MQTT 3.1.1, section 2.2.3). A client of 3.1.1 can't tell
/// the broker its limit. To refuse a large packet, it would have to hang up, and would get the
/// packet again after the reconnect.
const ANY_SIZE: usize = 268_435_455;

pub(super) const PINGREQ: [u8; 2] = [0xC0, 0];
/// DISCONNECT with reason 0x00.
pub(super) const DISCONNECT: [u8; 2] = [0xE0, 0];

/// Received bytes are not a valid packet, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Malformed(pub(super) &'static str);

/// A packet of ours can't be encoded: it has a text that MQTT can't carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Unwritable;

/// A received packet.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Incoming {
    ConnAck(ConnAck),
    /// The CONNACK of a broker that speaks only 3.1.1, as the answer to a CONNECT of MQTT 5.
    V311ConnAck,
    /// The broker's answer for each filter, in the order of the SUBSCRIBE.
    SubAck(u16, Vec<BrokerReason>),
    PubAck(u16, BrokerReason),
    /// Its Packet Identifier and QoS, if it has to be acknowledged, and the message, unless its
    /// topic is not UTF-8.
    Publish(Option<(u16, QoS)>, Option<Message>),
    PubRel(u16),
    PingResp,
    Disconnect(BrokerReason),
    /// A packet that a broker must not send.
    Stray,
}

/// The content of a CONNACK.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ConnAck {
    pub(super) reason: BrokerReason,
    pub(super) granted: Granted,
    pub(super) receive_maximum: Option<u16>,
    pub(super) maximum_packet_size: Option<u32>,
}

/// A complete packet in the received bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Frame<'a> {
    first: u8,
    body: &'a [u8],
}

/// Splits off the first packet. Returns `None` if it is incomplete.
pub(super) fn split(
    version: Version,
    bytes: &[u8],
) -> Result<Option<(Frame<'_>, &[u8])>, Malformed> {
    let limit = match version {
        Version::V5 => MAX_PACKET as usize,
        Version::V311 => ANY_SIZE,
    };
    let Some((&first, rest)) = bytes.split_first() else {
        return Ok(None);
    };
    let mut length = 0;
    for (index, byte) in rest.iter().take(4).enumerate() {
        length |= usize::from(byte & 0x7F) << (7 * index);
        if byte & 0x80 != 0 {
            continue;
        }
        if length > limit {
            return Err(Malformed("a packet is larger than we allowed"));
        }
        let frame = rest[index + 1..].split_at_checked(length);
        return Ok(frame.map(|(body, rest)| (Frame { first, body }, rest)));
    }
    if rest.len() < 4 { Ok(None) } else { Err(Malformed("a length has more than four bytes")) }
}

/// Decodes a packet.
pub(super) fn read(version: Version, frame: Frame<'_>) -> Result<Incoming, Malformed> {
    let mut body = Body(frame.body);
    match frame.first >> 4 {
        2 => connack(version, body),
        3 => publish(version, frame.first, body),
        4 => {
            let id = body.u16()?;
            Ok(Incoming::PubAck(id, body.reason(version)))
        }
        6 => Ok(Incoming::PubRel(body.u16()?)),
        9 => suback(version, body),
        13 => Ok(Incoming::PingResp),
        14 => Ok(Incoming::Disconnect(body.reason(version))),
        _ => Ok(Incoming::Stray),
    }
}

fn connack(version: Version, mut body: Body<'_>) -> Result<Incoming, Malformed> {
    let has_no_properties = body.0.len() == 2;
    let (flags, code) = (body.u8()?, body.u8()?);
    let mut connack = ConnAck {
        reason: ReasonCode(code).into(),
        granted: Granted { session_present: flags & 1 != 0, ..Granted::default() },
        receive_maximum: None,
        maximum_packet_size: None,
    };
    match version {
        Version::V311 => connack.reason = ReasonCode::from_v311(code).into(),
        Version::V5 if has_no_properties && code < 0x80 => return Ok(Incoming::V311ConnAck),
        Version::V5 if code != 0 => {
            // Some brokers answer with the return codes of 3.1.1 in a packet of MQTT 5.
            let reason = BrokerReason::from(ReasonCode::from_v311(code));
            connack.reason = body.with_text(reason);
        }
        Version::V5 => {
            let properties = body.properties()?;
            connack.granted.session_expiry = seconds(properties.get_session_expiry_interval());
            connack.granted.keep_alive = seconds(properties.get_server_keep_alive());
            connack.granted.no_retain = is_off(&properties, PropertyId::RetainAvailable);
            connack.granted.no_wildcards =
                is_off(&properties, PropertyId::WildcardSubscriptionAvailable);
            connack.receive_maximum = properties.get_receive_maximum();
            connack.maximum_packet_size = properties.get_maximum_packet_size();
        }
    }
    Ok(Incoming::ConnAck(connack))
}

/// Whether the broker reports that it lacks a feature.
fn is_off(properties: &Properties, feature: PropertyId) -> bool {
    matches!(properties.get(feature), Some(PropertyValue::Byte(0)))
}

fn publish(version: Version, first: u8, mut body: Body<'_>) -> Result<Incoming, Malformed> {
    let qos = match (first >> 1) & 3 {
        0 => QoS::AtMostOnce,
        1 => QoS::AtLeastOnce,
        2 => QoS::ExactlyOnce,
        _ => return Err(Malformed("a message has a QoS of 3")),
    };
    let length = body.u16()?;
    let topic = body.take(length.into())?;
    let id = if qos == QoS::AtMostOnce { None } else { Some((body.u16()?, qos)) };
    let expires_in = match version {
        Version::V311 => None,
        Version::V5 => seconds(body.properties()?.get_message_expiry_interval()),
    };
    // A topic name is UTF-8 (MQTT 5, 3.3.2.1). A message with any other is dropped.
    let message = str::from_utf8(topic).ok().map(|topic| Message {
        topic: topic.to_owned(),
        payload: body.0.to_vec(),
        retained: first & 1 != 0,
        expires_in,
    });
    Ok(Incoming::Publish(id, message))
}

fn suback(version: Version, mut body: Body<'_>) -> Result<Incoming, Malformed> {
    let id = body.u16()?;
    let properties = match version {
        Version::V5 => body.properties()?,
        Version::V311 => Properties::new(),
    };
    let reason = |code: &u8| with_text(ReasonCode(*code).into(), &properties);
    Ok(Incoming::SubAck(id, body.0.iter().map(reason).collect()))
}

/// The rest of a packet.
struct Body<'a>(&'a [u8]);

impl<'a> Body<'a> {
    fn take(&mut self, length: usize) -> Result<&'a [u8], Malformed> {
        let (taken, rest) =
            self.0.split_at_checked(length).ok_or(Malformed("a packet is too short"))?;
        self.0 = rest;
        Ok(taken)
    }

    fn u8(&mut self) -> Result<u8, Malformed> {
        Ok(self.take(1)?[0])
    }

    fn u16(&mut self) -> Result<u16, Malformed> {
        let bytes = self.take(2)?;
        Ok(u16::from_be_bytes([bytes[0], bytes[1]]))
    }

    /// The properties; none if the packet ends before them.
    fn properties(&mut self) -> Result<Properties, Malformed> {
        match self.0.split_first() {
            None => Ok(Properties::new()),
            Some((0, rest)) => {
                self.0 = rest;
                Ok(Properties::new())
            }
            Some(_) => Properties::decode(&mut self.0).map_err(|error| {
                tracing::debug!("properties of a packet: {error}");
                Malformed("the properties of a packet can't be read")
            }),
        }
    }

    /// An optional reason code, with the broker's text for it. 3.1.1 has none.
    fn reason(&mut self, version: Version) -> BrokerReason {
        match (version, self.u8()) {
            (Version::V311, _) | (_, Err(_)) => ReasonCode(0).into(),
            (Version::V5, Ok(code)) => self.with_text(ReasonCode(code).into()),
        }
    }

    /// Adds the broker's text, if it can be decoded.
    fn with_text(&mut self, reason: BrokerReason) -> BrokerReason {
        match self.properties() {
            Ok(properties) => with_text(reason, &properties),
            Err(Malformed(_)) => reason,
        }
    }
}

fn with_text(reason: BrokerReason, properties: &Properties) -> BrokerReason {
    let text = match properties.get(PropertyId::ReasonString) {
        Some(PropertyValue::Utf8String(text)) => Some(text.as_str()),
        _ => None,
    };
    reason.with_text(text).with_server(properties.get_server_reference())
}

fn seconds(seconds: Option<impl Into<u64>>) -> Option<Duration> {
    seconds.map(|seconds| Duration::from_secs(seconds.into()))
}

/// Encodes a CONNECT.
pub(super) fn connect(
    connect: &Connect,
    login: Option<(String, String)>,
) -> Result<Vec<u8>, Unwritable> {
    let mut options = ConnectOptions::new(&*connect.client_id)
        .with_keep_alive(connect.keep_alive)
        .with_clean_start(connect.clean_start);
    if let Some((username, password)) = login {
        // Either of them may be missing.
        options.username = (!username.is_empty()).then_some(username);
        options.password = (!password.is_empty()).then(|| password.into_bytes());
    }
    options.will = connect.will.as_ref().map(will);
    match connect.version {
        Version::V5 => {
            options.properties.session_expiry_interval =
                Some(whole_seconds(connect.session_expiry));
            options.properties.maximum_packet_size = Some(MAX_PACKET);
            bytes(&ConnectPacket::new(options))
        }
        Version::V311 => bytes(&ConnectPacket::new_v311(options)),
    }
}

fn will(will: &Will) -> WillMessage {
    let mut message = WillMessage::new(&*will.topic, will.payload.clone())
        .with_qos(QoS::AtLeastOnce)
        .with_retain(true);
    message.properties = WillProperties {
        will_delay_interval: Some(whole_seconds(will.delay)),
        message_expiry_interval: Some(whole_seconds(will.expires_in)),
        ..WillProperties::default()
    };
    message
}

/// Encodes a SUBSCRIBE for which the broker sends all retained messages (Retain Handling 0; 3.1.1
/// has no other).
pub(super) fn subscribe(
    version: Version,
    id: u16,
    filters: &[Filter],
) -> Result<Vec<u8>, Unwritable> {
    let packet = match version {
        Version::V5 => SubscribePacket::new(id),
        Version::V311 => SubscribePacket::new_v311(id),
    };
    let packet = filters
        .iter()
        .fold(packet, |packet, filter| packet.add_filter(&*filter.topic, to_codec_qos(filter.qos)));
    bytes(&packet)
}

/// Encodes a PUBLISH. `id` matters only if it has to be acknowledged.
pub(super) fn encode_publish(
    version: Version,
    id: u16,
    publish: Publish,
) -> Result<Vec<u8>, Unwritable> {
    let Publish { topic, payload, qos, retain, expires_in, .. } = publish;
    let packet = match version {
        Version::V5 => PublishPacket::new(topic, payload, to_codec_qos(qos)),
        Version::V311 => PublishPacket::new_v311(topic, payload, to_codec_qos(qos)),
    };
    let mut packet = packet.with_packet_id(id).with_retain(retain);
    if let (Version::V5, Some(expires_in)) = (version, expires_in) {
        packet = packet.with_message_expiry_interval(whole_seconds(expires_in));
    }
    bytes(&packet)
}

/// Encodes a PUBACK, PUBREC or PUBCOMP with success: the answer to a PUBLISH of QoS 1 or 2, or to a
/// PUBREL.
pub(super) fn acknowledge(first: u8, id: u16) -> [u8; 4] {
    let [high, low] = id.to_be_bytes();
    [first, 2, high, low]
}

pub(super) const PUBACK: u8 = 0x40;
pub(super) const PUBREC: u8 = 0x50;
pub(super) const PUBCOMP: u8 = 0x70;

fn bytes(packet: &impl MqttPacket) -> Result<Vec<u8>, Unwritable> {
    let mut bytes = Vec::new();
    packet.encode(&mut bytes).map_err(|error| {
        tracing::warn!("a packet of ours can't be written: {error}");
        Unwritable
    })?;
    Ok(bytes)
}

fn whole_seconds(duration: Duration) -> u32 {
    u32::try_from(duration.as_secs()).unwrap_or(u32::MAX)
}

const fn to_codec_qos(qos: Qos) -> QoS {
    match qos {
        Qos::AtMostOnce => QoS::AtMostOnce,
        Qos::AtLeastOnce => QoS::AtLeastOnce,
    }
}

#[cfg(test)]
mod tests;
