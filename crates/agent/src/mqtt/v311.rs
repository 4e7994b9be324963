//! MQTT 3.1.1, by the library's module of version 4, as its protocol level is called on the wire.
//!
//! It has no properties: no Will Delay, no expiry, no reason codes. Retained messages come on every SUBSCRIBE
//! (MQTT 3.1.1, section 3.8.4).

use porchlight_core::effect::{Connect, Filter, Publish, Qos};
use porchlight_core::input::{Granted, LinkFailure, Message};
use porchlight_core::reason::{Meaning, ReasonCode};
use rumqttc::{
    AsyncClient, ConnectReturnCode, ConnectionError, Event, EventLoop, LastWill, MqttOptions,
    Outgoing, Packet, QoS, StateError, SubscribeFilter, SubscribeReasonCode,
};

use super::driver::{Ear as Hears, Heard};
use super::{
    IN_FLIGHT, MAX_PACKET, REQUESTS, Reach, Target, Voice as Speaks, failure, network_options,
};

/// As large as a packet can be (MQTT 3.1.1, section 2.2.3). A client of 3.1.1 can't tell the broker to keep
/// large packets to itself: refusing one would mean to hang up, and to be sent it again after the reconnect.
const ANY_SIZE: usize = 268_435_455;

/// Begins to connect as soon as it is listened to.
pub(super) fn open(reach: &Reach, connect: &Connect) -> (Voice, Ear) {
    let (client, mut event_loop) = AsyncClient::new(options(reach, connect), REQUESTS);
    event_loop.set_network_options(network_options(connect));
    (Voice(client), Ear { event_loop, address: reach.address().to_string(), connected: false })
}

fn options(reach: &Reach, connect: &Connect) -> MqttOptions {
    let Target { host, port, transport } = reach.target();
    let mut options = MqttOptions::new(&connect.client_id, host, port);
    options
        .set_transport(transport)
        .set_keep_alive(connect.keep_alive)
        .set_clean_session(connect.clean_start)
        .set_inflight(IN_FLIGHT)
        .set_max_packet_size(ANY_SIZE, MAX_PACKET as usize);
    if let Some(will) = &connect.will {
        let payload = will.payload.clone();
        options.set_last_will(LastWill::new(&will.topic, payload, QoS::AtLeastOnce, true));
    }
    options
}

const fn from_ours(qos: Qos) -> QoS {
    match qos {
        Qos::AtMostOnce => QoS::AtMostOnce,
        Qos::AtLeastOnce => QoS::AtLeastOnce,
    }
}

pub(super) struct Voice(AsyncClient);

impl Speaks for Voice {
    fn subscribe(&self, filters: &[Filter]) -> bool {
        let filters = filters
            .iter()
            .map(|filter| SubscribeFilter::new(filter.topic.clone(), from_ours(filter.qos)));
        self.0.try_subscribe_many(filters).is_ok()
    }

    fn publish(&self, publish: Publish) -> bool {
        let Publish { topic, payload, qos, retain, .. } = publish;
        self.0.try_publish(topic, from_ours(qos), retain, payload).is_ok()
    }

    fn disconnect(&self) -> bool {
        self.0.try_disconnect().is_ok()
    }
}

pub(super) struct Ear {
    event_loop: EventLoop,
    address: String,
    connected: bool,
}

impl Hears for Ear {
    fn sign_in(&mut self, username: &str, password: &str) {
        self.event_loop.mqtt_options.set_credentials(username, password);
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
            Packet::ConnAck(connack) => {
                self.connected = true;
                let session_present = connack.session_present;
                Heard::ConnAck(Granted { session_present, ..Granted::default() })
            }
            Packet::SubAck(suback) => Heard::SubAck(
                suback
                    .return_codes
                    .iter()
                    .map(|code| match code {
                        SubscribeReasonCode::Success(_) => ReasonCode(0),
                        SubscribeReasonCode::Failure => ReasonCode(0x80),
                    })
                    .collect(),
            ),
            // A broker that does not take a publish acknowledges it all the same, or hangs up (3.3.5).
            Packet::PubAck(puback) => Heard::PubAck(puback.pkid, Ok(())),
            Packet::Publish(publish) => Heard::Publish(Message {
                topic: publish.topic,
                payload: publish.payload.into(),
                retained: publish.retain,
                expires_in: None,
            }),
            _ => Heard::Nothing,
        }
    }
}

/// Says why a connection ended, or why there was none.
fn from_library(error: ConnectionError, address: &str, connected: bool) -> LinkFailure {
    match error {
        ConnectionError::Io(error) => failure::unreached(&error, address),
        ConnectionError::NetworkTimeout => LinkFailure::TimedOut { address: address.to_owned() },
        // Nothing can be written any more: the broker reads nothing.
        ConnectionError::FlushTimeout => failure::silent(),
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
        StateError::Io(error) | StateError::Deserialization(rumqttc::Error::Io(error)) => {
            failure::broken(&error, address, connected)
        }
        StateError::AwaitPingResp => failure::silent(),
        StateError::ConnectionAborted => failure::hung_up(connected),
        other => LinkFailure::Protocol { reason: other.to_string() },
    }
}
