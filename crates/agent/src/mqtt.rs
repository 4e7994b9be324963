//! One MQTT 5 connection, by rumqttc.
//!
//! Owns everything that knows the client library. Deliberately knows no retry and no presence: every
//! connection is one [`Link`] with a client of its own, so nothing of an earlier connection can be sent on a
//! later one, and its end is reported once.

use std::sync::Arc;
use std::time::Duration;

use porchlight_core::effect::{Connect, Publish};
use porchlight_core::input::{LinkEvent, LinkFailure};
use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::{
    Filter, LastWill, LastWillProperties, PublishProperties, RetainForwardRule,
};
use rumqttc::v5::{AsyncClient, EventLoop, MqttOptions};
use rumqttc::{NetworkOptions, TlsConfiguration, Transport};
use rustls::ClientConfig;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::broker::Broker;

mod driver;
mod failure;

use driver::{Asked, Driver};

/// Maximum Packet Size: sixteen of the largest records. The broker keeps larger packets to itself.
const MAX_PACKET: u32 = 64 * 1024;
/// Requests that may wait for the event loop. The engine never has more than a handful.
const REQUESTS: usize = 64;
/// Packets under way without a PUBACK. The library reserves room for each.
const IN_FLIGHT: u16 = 64;
/// Events that may wait for the engine; beyond that the broker is made to wait.
const EVENTS: usize = 1024;

/// How to reach the broker, ready to be used again and again.
#[derive(Clone)]
pub(crate) struct Reach {
    broker: Broker,
    tls: Option<Arc<ClientConfig>>,
}

impl Reach {
    pub(crate) fn new(broker: Broker) -> Result<Self, crate::tls::TlsError> {
        let tls =
            broker.tls.then(|| crate::tls::client_config(broker.ca.as_deref())).transpose()?;
        Ok(Self { broker, tls })
    }

    pub(crate) fn broker(&self) -> &Broker {
        &self.broker
    }

    fn options(&self, connect: &Connect) -> MqttOptions {
        let broker = &self.broker;
        let mut options = MqttOptions::new(&connect.client_id, &broker.host, broker.port);
        options
            .set_keep_alive(connect.keep_alive)
            .set_clean_start(connect.clean_start)
            .set_connection_timeout(connect.timeout.as_secs().max(1))
            .set_outgoing_inflight_upper_limit(IN_FLIGHT)
            .set_session_expiry_interval(Some(seconds(connect.session_expiry)))
            .set_max_packet_size(Some(MAX_PACKET));
        if let Some(login) = &broker.login {
            options.set_credentials(&login.username, &login.password);
        }
        if let Some(tls) = &self.tls {
            options
                .set_transport(Transport::tls_with_config(TlsConfiguration::Rustls(tls.clone())));
        }
        if let Some(will) = &connect.will {
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
            let qos = QoS::AtLeastOnce;
            options.set_last_will(LastWill::new(&will.topic, payload, qos, true, Some(properties)));
        }
        options
    }
}

fn seconds(duration: Duration) -> u32 {
    u32::try_from(duration.as_secs()).unwrap_or(u32::MAX)
}

/// A connection, or the attempt at one. Dropping it closes the socket without DISCONNECT.
pub(crate) struct Link {
    client: AsyncClient,
    /// What the library was asked for, in this order, so that its answers can be told apart.
    asked: mpsc::UnboundedSender<Asked>,
    events: mpsc::Receiver<LinkEvent>,
    driver: JoinHandle<()>,
    /// Whether its end was reported.
    ended: bool,
}

impl Link {
    /// Begins to connect. It has to be called inside a tokio runtime.
    pub(crate) fn open(reach: &Reach, connect: &Connect) -> Self {
        let (client, mut event_loop) = AsyncClient::new(reach.options(connect), REQUESTS);
        set_network_options(&mut event_loop, connect.timeout);
        let (asked, requests) = mpsc::unbounded_channel();
        let (sender, events) = mpsc::channel(EVENTS);
        let driver = Driver::new(event_loop, reach.broker.address(), requests, sender);
        // `EventLoop::poll` is not cancel-safe, so it has a task of its own.
        let driver = tokio::spawn(driver.run());
        Self { client, asked, events, driver, ended: false }
    }

    /// The next event. Cancel-safe. After the end was reported it pends for ever.
    pub(crate) async fn next(&mut self) -> LinkEvent {
        if self.ended {
            return std::future::pending().await;
        }
        let event = self.events.recv().await.unwrap_or_else(|| {
            // The driver always says why it ends, unless the library panicked.
            LinkEvent::Down(LinkFailure::Protocol { reason: "the MQTT library gave up".to_owned() })
        });
        self.ended = matches!(event, LinkEvent::Down(_));
        event
    }

    /// SUBSCRIBE at QoS 0, Retain Handling 0.
    pub(crate) fn subscribe(&self, paths: &[String]) {
        let filters = paths.iter().map(|path| Filter {
            path: path.clone(),
            qos: QoS::AtMostOnce,
            nolocal: false,
            preserve_retain: false,
            retain_forward_rule: RetainForwardRule::OnEverySubscribe,
        });
        let sent = self.asked.send(Asked::Subscribe(paths.to_vec())).is_ok()
            && self.client.try_subscribe_many(filters).is_ok();
        self.or_close(sent);
    }

    /// PUBLISH at QoS 1, retained.
    pub(crate) fn publish(&self, publish: Publish) {
        let properties = PublishProperties {
            message_expiry_interval: publish.expires_in.map(seconds),
            ..PublishProperties::default()
        };
        let sent = self.asked.send(Asked::Publish(publish.id)).is_ok()
            && self
                .client
                .try_publish_with_properties(
                    publish.topic,
                    QoS::AtLeastOnce,
                    true,
                    publish.payload,
                    properties,
                )
                .is_ok();
        self.or_close(sent);
    }

    /// A request that can't even wait means that the connection is stuck: a new one is the only way.
    fn or_close(&self, sent: bool) {
        if !sent {
            tracing::warn!("the connection takes no more requests; closing it");
            self.driver.abort();
        }
    }

    /// DISCONNECT with reason 0x00, and wait until it is on its way.
    pub(crate) async fn close(mut self) {
        const FLUSHED: Duration = Duration::from_millis(250);
        if self.client.try_disconnect().is_ok() {
            self.events.close();
            let _ = tokio::time::timeout(FLUSHED, &mut self.driver).await;
        }
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

fn set_network_options(event_loop: &mut EventLoop, timeout: Duration) {
    let mut network = NetworkOptions::new();
    // Without this a round trip over TLS took 43 to 300 ms instead of 4 to 6.
    network.set_tcp_nodelay(true);
    network.set_connection_timeout(timeout.as_secs().max(1));
    event_loop.options.set_network_options(network);
}
