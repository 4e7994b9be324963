//! MQTT 5, by the library's `v5` module.

use std::time::Duration;

use porchlight_core::effect::{Connect, Filter as Wanted, Publish, Qos, Will};
use porchlight_core::input::{Granted, LinkFailure, Message, Refusal};
use porchlight_core::reason::{BrokerReason, Meaning, ReasonCode};
use rumqttc::Outgoing;
use rumqttc::v5::mqttbytes::v5::{
    ConnAck, ConnectReturnCode, Filter, LastWill, LastWillProperties, Packet, PubAckReason,
    Publish as Received, PublishProperties, RetainForwardRule, SubscribeReasonCode,
};
use rumqttc::v5::mqttbytes::{Error as LibraryError, QoS};
use rumqttc::v5::{AsyncClient, ConnectionError, Event, EventLoop, MqttOptions, StateError};

use super::driver::{Ear as Hears, Heard};
use super::{
    IN_FLIGHT, MAX_PACKET, REQUESTS, Reach, Target, Voice as Speaks, failure, network_options,
};

/// Begins to connect as soon as it is listened to.
pub(super) fn open(reach: &Reach, connect: &Connect) -> (Voice, Ear) {
    let (client, event_loop) = AsyncClient::new(options(reach, connect), REQUESTS);
    let address = reach.address().to_string();
    let keep_alive = connect.keep_alive;
    (Voice(client), Ear { event_loop, address, keep_alive, connected: false })
}

fn options(reach: &Reach, connect: &Connect) -> MqttOptions {
    let Target { host, port, transport } = reach.target();
    let mut options = MqttOptions::new(&connect.client_id, host, port);
    options
        .set_transport(transport)
        .set_network_options(network_options(connect))
        .set_keep_alive(connect.keep_alive)
        .set_clean_start(connect.clean_start)
        .set_connection_timeout(connect.connack_within.as_secs().max(1))
        .set_outgoing_inflight_upper_limit(IN_FLIGHT)
        .set_session_expiry_interval(Some(seconds(connect.session_expiry)))
        .set_max_packet_size(Some(MAX_PACKET));
    if let Some(will) = &connect.will {
        options.set_last_will(last_will(will));
    }
    options
}

fn last_will(will: &Will) -> LastWill {
    let properties = LastWillProperties {
        delay_interval: Some(seconds(will.delay)),
        message_expiry_interval: Some(seconds(will.expires_in)),
        payload_format_indicator: None,
        content_type: None,
        response_topic: None,
        correlation_data: None,
        user_properties: Vec::new(),
    };
    let payload = will.payload.clone();
    LastWill::new(&will.topic, payload, QoS::AtLeastOnce, true, Some(properties))
}

fn seconds(duration: Duration) -> u32 {
    u32::try_from(duration.as_secs()).unwrap_or(u32::MAX)
}

const fn from_ours(qos: Qos) -> QoS {
    match qos {
        Qos::AtMostOnce => QoS::AtMostOnce,
        Qos::AtLeastOnce => QoS::AtLeastOnce,
    }
}

pub(super) struct Voice(AsyncClient);

impl Speaks for Voice {
    fn subscribe(&self, filters: &[Wanted]) -> bool {
        let filters = filters.iter().map(|wanted| Filter {
            path: wanted.topic.clone(),
            qos: from_ours(wanted.qos),
            nolocal: false,
            preserve_retain: false,
            retain_forward_rule: RetainForwardRule::OnEverySubscribe,
        });
        self.0.try_subscribe_many(filters).is_ok()
    }

    fn publish(&self, publish: Publish) -> bool {
        let properties = PublishProperties {
            message_expiry_interval: publish.expires_in.map(seconds),
            ..PublishProperties::default()
        };
        let Publish { topic, payload, qos, retain, .. } = publish;
        let qos = from_ours(qos);
        self.0.try_publish_with_properties(topic, qos, retain, payload, properties).is_ok()
    }

    fn disconnect(&self) -> bool {
        self.0.try_disconnect().is_ok()
    }
}

pub(super) struct Ear {
    event_loop: EventLoop,
    address: String,
    /// Keep Alive as asked for.
    keep_alive: Duration,
    connected: bool,
}

impl Hears for Ear {
    fn sign_in(&mut self, username: &str, password: &str) {
        self.event_loop.options.set_credentials(username, password);
    }

    async fn hear(&mut self) -> Result<Heard, LinkFailure> {
        Ok(match self.event_loop.poll().await {
            Ok(Event::Incoming(packet)) => self.incoming(packet),
            Ok(Event::Outgoing(Outgoing::Publish(id) | Outgoing::Subscribe(id))) => {
                Heard::Written(id)
            }
            Ok(Event::Outgoing(Outgoing::Disconnect)) => Heard::Leaving,
            Ok(Event::Outgoing(_)) => Heard::Nothing,
            Err(error) => return Err(from_library(error, &self.address, self.connected)),
        })
    }
}

impl Ear {
    fn incoming(&mut self, packet: Packet) -> Heard {
        match packet {
            Packet::ConnAck(connack) => self.connack(&connack),
            Packet::SubAck(suback) => Heard::SubAck(
                suback
                    .return_codes
                    .iter()
                    .map(|code| match code {
                        SubscribeReasonCode::Success(_) => ReasonCode(0),
                        code => failure::reason_code(code),
                    })
                    .collect(),
            ),
            Packet::PubAck(puback) => {
                let outcome = match puback.reason {
                    PubAckReason::Success | PubAckReason::NoMatchingSubscribers => Ok(()),
                    reason => Err(Refusal::Broker(failure::reason_code(&reason).into())),
                };
                Heard::PubAck(puback.pkid, outcome)
            }
            Packet::Publish(publish) => received(publish).map_or(Heard::Nothing, Heard::Publish),
            _ => Heard::Nothing,
        }
    }

    fn connack(&mut self, connack: &ConnAck) -> Heard {
        self.connected = true;
        let of = connack.properties.as_ref();
        let granted = Granted {
            session_present: connack.session_present,
            session_expiry: of.and_then(|of| of.session_expiry_interval).map(from_seconds),
            keep_alive: of.and_then(|of| of.server_keep_alive).map(from_seconds),
        };
        // The library pings as often as Server Keep Alive says: without a pause where that is 0, and too
        // seldom where it is long, for a dead link is noticed by a ping that nobody answers.
        if granted.keep_alive.is_some_and(|given| given.is_zero() || given > self.keep_alive) {
            self.event_loop.options.set_keep_alive(self.keep_alive);
        }
        Heard::ConnAck(granted)
    }
}

fn from_seconds(seconds: impl Into<u64>) -> Duration {
    Duration::from_secs(seconds.into())
}

fn received(publish: Received) -> Option<Message> {
    // A topic name is UTF-8 (MQTT 5, 3.3.2.1); a broker that forwards another is not worth a word.
    let topic = String::from_utf8(publish.topic.to_vec()).ok()?;
    let expires_in = publish
        .properties
        .and_then(|properties| properties.message_expiry_interval)
        .map(from_seconds);
    Some(Message { topic, payload: publish.payload.into(), retained: publish.retain, expires_in })
}

/// Says why a connection ended, or why there was none.
fn from_library(error: ConnectionError, address: &str, connected: bool) -> LinkFailure {
    match error {
        ConnectionError::Io(error) => failure::unreached(&error, address),
        ConnectionError::Timeout(_) => LinkFailure::TimedOut { address: address.to_owned() },
        ConnectionError::Tls(error) => failure::from_tls(&error, address),
        ConnectionError::Websocket(error) => failure::from_web_socket(error, address),
        ConnectionError::ResponseValidation(_) => failure::no_mqtt_over_web_socket(address),
        ConnectionError::WsConnect(_) | ConnectionError::InvalidUrl(_) => {
            LinkFailure::Protocol { reason: error.to_string() }
        }
        ConnectionError::ConnectionRefused(code) => from_connack(code),
        ConnectionError::MqttState(error) => from_state(error, address, connected),
        ConnectionError::NotConnAck(_) => failure::not_connack(),
        ConnectionError::RequestsDone => failure::closed_by_us(),
    }
}

fn from_connack(code: ConnectReturnCode) -> LinkFailure {
    match failure::reason_code(&code) {
        code if code.meaning() == Meaning::OtherVersion => {
            LinkFailure::Protocol { reason: code.to_string() }
        }
        code => LinkFailure::Refused(code.into()),
    }
}

fn from_state(error: StateError, address: &str, connected: bool) -> LinkFailure {
    match error {
        StateError::Io(error) | StateError::Deserialization(LibraryError::Io(error)) => {
            failure::broken(&error, address, connected)
        }
        StateError::ServerDisconnect { reason_code, reason_string } => {
            let reason = BrokerReason::from(ReasonCode(reason_code as u8));
            LinkFailure::Disconnected(reason.with_text(reason_string.as_deref()))
        }
        StateError::AwaitPingResp => failure::silent(),
        // A refusal in the words of 3.1.1 comes here too: the library waits for the properties that it lacks.
        StateError::ConnectionAborted => failure::hung_up(connected),
        StateError::ConnFail { reason } => from_connack(reason),
        other => LinkFailure::Protocol { reason: other.to_string() },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_of_the_person_is_told_from_a_refusal_of_the_moment() {
        assert!(from_connack(ConnectReturnCode::BadUserNamePassword).is_refusal());
        assert!(from_connack(ConnectReturnCode::NotAuthorized).is_refusal());
        assert!(!from_connack(ConnectReturnCode::ServerBusy).is_refusal());
    }
}
