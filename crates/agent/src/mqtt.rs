//! One MQTT connection.
//!
//! `wire` opens TCP, TLS and WebSocket; `packets` encodes and decodes both versions of MQTT;
//! `driver` runs one connection; `failure` describes what goes wrong. This module does not retry
//! and knows nothing of presence. Each [`Connection`] has its own state, so nothing of an earlier
//! connection can be sent on a later one, and its end is reported once.

use std::sync::Arc;
use std::time::Duration;

use porchlight_core::effect::{Connect, Filter, Publish, Version};
use porchlight_core::input::{ConnectionEvent, ConnectionFailure, ConnectionId};
use porchlight_core::team::Address;
use rustls::ClientConfig;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use url::Url;

use crate::broker::{Broker, Login, Password};

mod driver;
pub(crate) mod failure;
mod packets;
#[cfg(test)]
pub(crate) mod peer;
#[cfg(test)]
mod tests;
mod wire;

use driver::Request;
use failure::TriedAddress;
use wire::Target;

/// The number of requests that may wait. The engine never has more than a few.
const REQUESTS: usize = 64;
/// The number of events that may wait for the engine; beyond that, the broker has to wait.
const EVENTS: usize = 1024;

/// The addresses of the broker with its TLS settings, in the order in which to try them.
///
/// Each failed attempt moves on to the next address. An address that accepted a connection is tried
/// first from then on, also after that connection broke.
#[derive(Clone)]
pub(crate) struct Endpoints {
    broker: Broker,
    tls: Option<Arc<ClientConfig>>,
    /// The index of the address that is in use, or tried next.
    index: usize,
    /// Whether there is a connection at present.
    connected: bool,
    /// The server at this address may understand only the other version of MQTT, so it gets another
    /// attempt.
    retried: bool,
}

impl Endpoints {
    pub(crate) fn new(broker: Broker) -> Result<Self, crate::tls::TlsError> {
        let tls = broker.tls.as_ref().map(crate::tls::client_config).transpose()?;
        Ok(Self { broker, tls, index: 0, connected: false, retried: false })
    }

    /// Endpoints with the TLS settings of a test.
    #[cfg(test)]
    pub(crate) fn believing(broker: Broker, tls: Arc<ClientConfig>) -> Self {
        Self { broker, tls: Some(tls), index: 0, connected: false, retried: false }
    }

    pub(crate) fn broker(&self) -> &Broker {
        &self.broker
    }

    pub(crate) fn address(&self) -> &Address {
        self.broker.addresses().get(self.index).unwrap_or_else(|| self.broker.address())
    }

    /// Records the result of an attempt, or the end of a connection, at the present address.
    pub(crate) fn note(&mut self, event: &ConnectionEvent) {
        match event {
            ConnectionEvent::Up(_) => {
                self.broker.prefer(self.address().clone());
                self.index = 0;
                self.connected = true;
                self.retried = false;
            }
            ConnectionEvent::Down(_) if self.connected => self.connected = false,
            // No connection was attempted.
            ConnectionEvent::Down(ConnectionFailure::Credential { .. }) => {}
            ConnectionEvent::Down(failure) if failure.may_be_the_version() && !self.retried => {
                self.retried = true;
            }
            ConnectionEvent::Down(_) => {
                self.index = (self.index + 1) % self.broker.addresses().len();
                self.retried = false;
            }
            ConnectionEvent::Subscribed { .. }
            | ConnectionEvent::Published { .. }
            | ConnectionEvent::Received(_) => {}
        }
    }

    /// Takes the hub's new addresses. An open connection is left as it is.
    pub(crate) fn found_at(&mut self, at: &[Address]) {
        let in_use = self.address().clone();
        self.broker.found_at(at, &in_use);
        let index = self.broker.addresses().iter().position(|address| *address == in_use);
        self.index = index.filter(|_| self.connected).unwrap_or_default();
    }

    fn target(&self) -> Target {
        let address = self.address();
        let url = self.broker.web_socket_url(address).and_then(|url| Url::parse(&url).ok());
        let web_socket = url.map(|url| url.path().to_owned());
        Target {
            address: address.clone(),
            proxy: self.broker.proxy.clone(),
            tls: self.tls.clone(),
            tried: TriedAddress {
                address: address.to_string(),
                tls: self.tls.is_some(),
                web_socket: web_socket.is_some(),
                is_written: self.broker.membership.is_none(),
            },
            web_socket,
        }
    }
}

/// A connection, or the attempt to open one. Dropping it closes the socket without DISCONNECT.
pub(crate) struct Connection {
    requests: mpsc::Sender<Request>,
    events: mpsc::Receiver<ConnectionEvent>,
    driver: Option<JoinHandle<()>>,
    /// Its number, which distinguishes its events from those of other connections.
    connection: ConnectionId,
    /// Whether we log in as a member of a team. Then a refusal does not mean that the config is
    /// wrong.
    is_member: bool,
    /// Whether its end was reported.
    ended: bool,
}

impl Default for Connection {
    fn default() -> Self {
        Self {
            requests: mpsc::channel(1).0,
            events: mpsc::channel(1).1,
            driver: None,
            connection: ConnectionId(0),
            is_member: false,
            ended: true,
        }
    }
}

impl Connection {
    /// Starts to connect. Call it inside a tokio runtime.
    pub(crate) fn open(endpoints: &Endpoints, connect: &Connect) -> Self {
        let (connection, login) = (connect.connection, endpoints.broker.login.clone());
        let is_member = matches!(&login, Some(Login { password: Password::Stored(_), .. }));
        let (target, connect) = (endpoints.target(), connect.clone());
        let (requests, queued) = mpsc::channel(REQUESTS);
        let (sender, events) = mpsc::channel(EVENTS);
        let driver = tokio::spawn(async move {
            match credentials(connect.version, login).await {
                Ok(login) => driver::run(target, connect, login, queued, sender).await,
                Err(failure) => {
                    // Nobody receives it if the connection was dropped in the meantime.
                    let _ = sender.send(ConnectionEvent::Down(failure)).await;
                }
            }
        });
        let driver = Some(driver);
        Self { requests, events, driver, connection, is_member, ended: false }
    }

    /// The number of this connection.
    pub(crate) fn number(&self) -> ConnectionId {
        self.connection
    }

    /// Whether its end has not been reported yet.
    pub(crate) fn is_open(&self) -> bool {
        !self.ended
    }

    /// Waits for the next event. Cancel-safe. Never ends after the end was reported.
    pub(crate) async fn next(&mut self) -> ConnectionEvent {
        if self.ended {
            return std::future::pending().await;
        }
        let event = self.events.recv().await.unwrap_or_else(|| {
            // The driver reports why it ends, unless we aborted it.
            ConnectionEvent::Down(failure::closed_by_us("it took no more requests"))
        });
        self.ended = matches!(event, ConnectionEvent::Down(_));
        match event {
            ConnectionEvent::Down(failure) if self.is_member && failure.is_wrong_login() => {
                ConnectionEvent::Down(crate::team::not_a_member())
            }
            event => event,
        }
    }

    /// Sends a SUBSCRIBE for which the broker sends all retained messages.
    pub(crate) fn subscribe(&self, filters: &[Filter]) {
        self.queue(Request::Subscribe(filters.to_vec()));
    }

    /// Sends a PUBLISH.
    pub(crate) fn publish(&self, publish: Publish) {
        self.queue(Request::Publish(publish));
    }

    /// Queues a request. If the queue is full, the connection is stuck, so it is closed.
    fn queue(&self, request: Request) {
        if self.is_open() && self.requests.try_send(request).is_err() {
            tracing::warn!("the connection takes no more requests; closing it");
            self.abort();
        }
    }

    fn abort(&self) {
        if let Some(driver) = &self.driver {
            driver.abort();
        }
    }

    /// Sends DISCONNECT with reason 0x00, and waits until it is written.
    pub(crate) async fn close(mut self) {
        const FLUSHED: Duration = Duration::from_millis(250);
        if self.requests.try_send(Request::Disconnect).is_ok()
            && let Some(driver) = &mut self.driver
        {
            self.events.close();
            let _ = tokio::time::timeout(FLUSHED, driver).await;
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.abort();
    }
}

fn user_name_missing() -> ConnectionFailure {
    ConnectionFailure::Credential {
        code: "user_name_missing",
        may_pass: false,
        message: "this broker speaks MQTT 3.1.1 only, which has no password without a user name; name one in the URL \
                  (mqtt://USER:PASSWORD@HOST) or in broker.username of the config"
            .to_owned(),
    }
}

/// User Name and Password for the CONNECT.
async fn credentials(
    version: Version,
    login: Option<Login>,
) -> Result<Option<(String, String)>, ConnectionFailure> {
    let Some(login) = login else {
        return Ok(None);
    };
    // MQTT 3.1.1 has no password without a user name ([MQTT-3.1.2-22]).
    if version == Version::V311 && login.is_password_alone() {
        return Err(user_name_missing());
    }
    let password = match login.password {
        Password::Plain(password) => password,
        Password::Stored(kept) => kept.read_for_connection().await?,
    };
    Ok(Some((login.username, password)))
}
