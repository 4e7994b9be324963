//! One MQTT connection.
//!
//! Owns the way from a broker's addresses to packets and back: `wire` opens TCP, TLS and WebSocket, `packets` knows
//! both versions of MQTT as bytes, `driver` keeps one connection, `failure` has the words for whatever goes wrong.
//! Deliberately knows no retry and no presence: every connection is one [`Connection`] with a state of its own,
//! so nothing of an earlier connection can be sent on a later one, and its end is reported once.

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
use failure::Place;
use wire::Target;

/// Requests that may wait. The engine never has more than a handful.
const REQUESTS: usize = 64;
/// Events that may wait for the engine; beyond that the broker is made to wait.
const EVENTS: usize = 1024;

/// How to reach the broker, ready to be used again and again.
///
/// Where it has several addresses, each try that comes to nothing makes the next one's turn; an address that let us
/// in comes first, now and after the connection broke.
#[derive(Clone)]
pub(crate) struct Endpoints {
    broker: Broker,
    tls: Option<Arc<ClientConfig>>,
    /// Which of the addresses is tried next, or in use.
    turn: usize,
    /// Whether the present connection stands.
    stands: bool,
    /// What answers there spoke no MQTT that we tried, and may speak the other version: it gets another try.
    again: bool,
}

impl Endpoints {
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
    pub(crate) fn note(&mut self, event: &ConnectionEvent) {
        match event {
            ConnectionEvent::Up(_) => {
                self.broker.prefer(self.address().clone());
                self.turn = 0;
                self.stands = true;
                self.again = false;
            }
            ConnectionEvent::Down(_) if self.stands => self.stands = false,
            // Nothing was tried.
            ConnectionEvent::Down(ConnectionFailure::Credential { .. }) => {}
            ConnectionEvent::Down(failure) if failure.may_be_the_version() && !self.again => {
                self.again = true;
            }
            ConnectionEvent::Down(_) => {
                self.turn = (self.turn + 1) % self.broker.addresses().len();
                self.again = false;
            }
            ConnectionEvent::Subscribed { .. }
            | ConnectionEvent::Published { .. }
            | ConnectionEvent::Received(_) => {}
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
        let url = self.broker.web_socket_url(address).and_then(|url| Url::parse(&url).ok());
        let web_socket = url.map(|url| url.path().to_owned());
        Target {
            host: address.host().to_owned(),
            port: address.port(),
            tls: self.tls.clone(),
            place: Place {
                address: address.to_string(),
                tls: self.tls.is_some(),
                web_socket: web_socket.is_some(),
                is_written: self.broker.membership.is_none(),
            },
            web_socket,
        }
    }
}

/// A connection, or the attempt at one; by default one that has ended. Dropping it closes the socket without DISCONNECT.
pub(crate) struct Connection {
    requests: mpsc::Sender<Request>,
    events: mpsc::Receiver<ConnectionEvent>,
    driver: Option<JoinHandle<()>>,
    /// Its number, by which its events are told from those of another connection.
    connection: ConnectionId,
    /// Whether a team let us in once: then a refusal is not a matter of a wrong config.
    is_member_s: bool,
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
            is_member_s: false,
            ended: true,
        }
    }
}

impl Connection {
    /// Begins to connect. It has to be called inside a tokio runtime.
    pub(crate) fn open(reach: &Endpoints, connect: &Connect) -> Self {
        let (connection, login) = (connect.connection, reach.broker.login.clone());
        let is_member_s = matches!(&login, Some(Login { password: Password::Kept(_), .. }));
        let (target, connect) = (reach.target(), connect.clone());
        let (requests, asked) = mpsc::channel(REQUESTS);
        let (sender, events) = mpsc::channel(EVENTS);
        let driver = tokio::spawn(async move {
            match credentials(connect.version, login).await {
                Ok(login) => driver::run(target, connect, login, asked, sender).await,
                Err(failure) => {
                    // Whoever gave the link up meanwhile wants no reason.
                    let _ = sender.send(ConnectionEvent::Down(failure)).await;
                }
            }
        });
        let driver = Some(driver);
        Self { requests, events, driver, connection, is_member_s, ended: false }
    }

    /// The number that it was opened with.
    pub(crate) fn number(&self) -> ConnectionId {
        self.connection
    }

    /// Whether its end was not reported yet.
    pub(crate) fn is_open(&self) -> bool {
        !self.ended
    }

    /// The next event. Cancel-safe. After the end was reported it pends for ever.
    pub(crate) async fn next(&mut self) -> ConnectionEvent {
        if self.ended {
            return std::future::pending().await;
        }
        let event = self.events.recv().await.unwrap_or_else(|| {
            // The driver says why it ends, unless we ended it.
            ConnectionEvent::Down(failure::closed_by_us("it took no more requests"))
        });
        self.ended = matches!(event, ConnectionEvent::Down(_));
        match event {
            ConnectionEvent::Down(failure) if self.is_member_s && failure.is_wrong_login() => {
                ConnectionEvent::Down(crate::team::not_a_member())
            }
            event => event,
        }
    }

    /// SUBSCRIBE, such that every retained message comes.
    pub(crate) fn subscribe(&self, filters: &[Filter]) {
        self.ask(Request::Subscribe(filters.to_vec()));
    }

    /// PUBLISH.
    pub(crate) fn publish(&self, publish: Publish) {
        self.ask(Request::Publish(publish));
    }

    /// A request that can't even wait means that the connection is stuck: a new one is the only way.
    fn ask(&self, request: Request) {
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

    /// DISCONNECT with reason 0x00, and wait until it is on its way.
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

/// User name and password of the CONNECT.
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
        Password::Said(password) => password,
        Password::Kept(kept) => kept.read_for_connection().await?,
    };
    Ok(Some((login.username, password)))
}
