//! One MQTT connection, by rumqttc.
//!
//! Owns everything that knows the client library, whose modules for MQTT 5 and 3.1.1 share little but their
//! names: `v5` and `v311` make one thing of them, a [`Voice`] to ask with and an [`driver::Ear`] to hear the answers.
//! Deliberately knows no retry and no presence: every connection is one [`Link`] with a client of its own,
//! so nothing of an earlier connection can be sent on a later one, and its end is reported once.

use std::sync::Arc;
use std::time::Duration;

use porchlight_core::effect::{Connect, Filter, Publish, Version};
use porchlight_core::input::{ConnectionId, LinkEvent, LinkFailure};
use porchlight_core::team::Address;
use rumqttc::{NetworkOptions, TlsConfiguration, Transport};
use rustls::ClientConfig;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::broker::{Broker, Login, Password};

mod driver;
pub(crate) mod failure;
#[cfg(test)]
pub(crate) mod peer;
#[cfg(test)]
mod tests;
mod v311;
mod v5;

use driver::{Asked, Driver, Ear};

/// Maximum Packet Size: sixteen of the largest records. The broker keeps larger packets to itself.
const MAX_PACKET: u32 = 64 * 1024;
/// Requests that may wait for the event loop. The engine never has more than a handful.
const REQUESTS: usize = 64;
/// Packets under way without a PUBACK. The library reserves room for each.
const IN_FLIGHT: u16 = 64;
/// Events that may wait for the engine; beyond that the broker is made to wait.
const EVENTS: usize = 1024;

/// How to reach the broker, ready to be used again and again.
///
/// Where it has several addresses, each try that comes to nothing makes the next one's turn; an address that let us
/// in comes first, now and after the connection broke.
#[derive(Clone)]
pub(crate) struct Reach {
    broker: Broker,
    tls: Option<Arc<ClientConfig>>,
    /// Which of the addresses is tried next, or in use.
    turn: usize,
    /// Whether the present connection stands.
    stands: bool,
    /// What answers there spoke no MQTT that we tried, and may speak the other version: it gets another try.
    again: bool,
}

impl Reach {
    pub(crate) fn new(broker: Broker) -> Result<Self, crate::tls::TlsError> {
        let tls = broker.tls.as_ref().map(crate::tls::client_config).transpose()?;
        Ok(Self { broker, tls, turn: 0, stands: false, again: false })
    }

    /// One that believes as the test wants.
    #[cfg(test)]
    pub(crate) fn believing(broker: Broker, tls: Arc<ClientConfig>) -> Self {
        Self { broker, tls: Some(tls), turn: 0, stands: false, again: false }
    }

    pub(crate) fn broker(&self) -> &Broker {
        &self.broker
    }

    pub(crate) fn address(&self) -> &Address {
        self.broker.addresses().get(self.turn).unwrap_or_else(|| self.broker.address())
    }

    /// Takes note of what became of a connection to the present address.
    pub(crate) fn note(&mut self, event: &LinkEvent) {
        match event {
            LinkEvent::Up(_) => {
                self.broker.prefer(self.address().clone());
                self.turn = 0;
                self.stands = true;
                self.again = false;
            }
            LinkEvent::Down(_) if self.stands => self.stands = false,
            // Nothing was tried.
            LinkEvent::Down(LinkFailure::Credential { .. }) => {}
            LinkEvent::Down(LinkFailure::Protocol { .. }) if !self.again => self.again = true,
            LinkEvent::Down(_) => {
                self.turn = (self.turn + 1) % self.broker.addresses().len();
                self.again = false;
            }
            LinkEvent::Subscribed { .. } | LinkEvent::Published { .. } | LinkEvent::Received(_) => {
            }
        }
    }

    /// The hub says where it can be reached. What stands is left as it is.
    pub(crate) fn found_at(&mut self, at: &[Address]) {
        let in_use = self.address().clone();
        self.broker.found_at(at, &in_use);
        let turn = self.broker.addresses().iter().position(|address| *address == in_use);
        self.turn = turn.filter(|_| self.stands).unwrap_or_default();
    }

    fn target(&self) -> Target {
        let address = self.address();
        let tls = self.tls.as_ref().map(|tls| TlsConfiguration::Rustls(tls.clone()));
        let (host, transport) = match (self.broker.web_socket_url(address), tls) {
            (Some(url), None) => (url, Transport::Ws),
            (Some(url), Some(tls)) => (url, Transport::Wss(tls)),
            (None, None) => (address.host().to_owned(), Transport::Tcp),
            (None, Some(tls)) => (address.host().to_owned(), Transport::Tls(tls)),
        };
        Target { host, port: address.port(), transport }
    }
}

/// What the library is told to connect to.
struct Target {
    /// The host without brackets, as the library takes it for the name in the certificate; a WebSocket's whole URL.
    host: String,
    port: u16,
    transport: Transport,
}

/// Asks the library for something to be sent. `false` where it takes no more.
trait Voice: Send + Sync {
    /// SUBSCRIBE, such that every retained message comes.
    fn subscribe(&self, filters: &[Filter]) -> bool;
    /// PUBLISH.
    fn publish(&self, publish: Publish) -> bool;
    /// DISCONNECT with reason 0x00.
    fn disconnect(&self) -> bool;
}

/// A connection, or the attempt at one. Dropping it closes the socket without DISCONNECT.
pub(crate) struct Link {
    voice: Box<dyn Voice>,
    /// What the library was asked for, in this order, so that its answers can be told apart.
    asked: mpsc::UnboundedSender<Asked>,
    events: mpsc::Receiver<LinkEvent>,
    driver: JoinHandle<()>,
    /// Its number, by which its events are told from those of another connection.
    connection: ConnectionId,
    /// Whether a team let us in once: then a refusal is not a matter of a wrong config.
    is_member_s: bool,
    /// Whether its end was reported.
    ended: bool,
}

impl Link {
    /// Begins to connect. It has to be called inside a tokio runtime.
    pub(crate) fn open(reach: &Reach, connect: &Connect) -> Self {
        let (number, login) = (connect.connection, reach.broker.login.clone());
        match connect.version {
            Version::V5 => Self::over(v5::open(reach, connect), number, login),
            Version::V311 => Self::over(v311::open(reach, connect), number, login),
        }
    }

    fn over(
        (voice, mut ear): (impl Voice + 'static, impl Ear),
        connection: ConnectionId,
        login: Option<Login>,
    ) -> Self {
        let is_member_s = matches!(&login, Some(Login { password: Password::Kept(_), .. }));
        let (asked, requests) = mpsc::unbounded_channel();
        let (sender, events) = mpsc::channel(EVENTS);
        // What listens is not cancel-safe, so it has a task of its own.
        let driver = tokio::spawn(async move {
            match sign_in(&mut ear, login).await {
                Ok(()) => Driver::new(ear, requests, sender).run().await,
                Err(failure) => {
                    // Whoever gave the link up meanwhile wants no reason.
                    let _ = sender.send(LinkEvent::Down(failure)).await;
                }
            }
        });
        let voice = Box::new(voice);
        Self { voice, asked, events, driver, connection, is_member_s, ended: false }
    }

    /// Its number.
    pub(crate) fn connection(&self) -> ConnectionId {
        self.connection
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
        match event {
            LinkEvent::Down(failure) if self.is_member_s && failure.is_wrong_login() => {
                LinkEvent::Down(crate::team::not_a_member())
            }
            event => event,
        }
    }

    /// SUBSCRIBE, such that every retained message comes.
    pub(crate) fn subscribe(&self, filters: &[Filter]) {
        let topics = filters.iter().map(|filter| filter.topic.clone()).collect();
        let sent =
            self.asked.send(Asked::Subscribe(topics)).is_ok() && self.voice.subscribe(filters);
        self.or_close(sent);
    }

    /// PUBLISH.
    pub(crate) fn publish(&self, publish: Publish) {
        let sent =
            self.asked.send(Asked::Publish(publish.id)).is_ok() && self.voice.publish(publish);
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
        if self.voice.disconnect() {
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

/// Has the library told how to be let in, before it connects.
async fn sign_in(ear: &mut impl Ear, login: Option<Login>) -> Result<(), LinkFailure> {
    if let Some(Login { username, password }) = login {
        let password = match password {
            Password::Said(password) => password,
            Password::Kept(kept) => kept.read().await?,
        };
        ear.sign_in(&username, &password);
    }
    Ok(())
}

fn network_options(connect: &Connect) -> NetworkOptions {
    let mut network = NetworkOptions::new();
    // Without this a round trip over TLS took 43 to 300 ms instead of 4 to 6.
    network.set_tcp_nodelay(true);
    network.set_connection_timeout(connect.connack_within.as_secs().max(1));
    network
}
