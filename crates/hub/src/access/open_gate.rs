//! Access to the open hub: it accepts every client, but limits filters and Keep Alive.

use super::{MayAsk, SubscriptionBudget};
use crate::{broker, clock};
use mqtt5::broker::auth::{AuthProvider, AuthResult};
use mqtt5::packet::connect::ConnectPacket;
use mqtt5::types::ReasonCode;
use std::collections::HashMap;
use std::future::{Future, ready};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Mutex, MutexGuard, PoisonError};

type Asked<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// The auth provider of the open hub's broker, for all its clients.
#[derive(Debug, Default)]
pub(crate) struct OpenGate(Mutex<HashMap<String, Client>>);

#[derive(Debug, Default)]
struct Client {
    /// More than one while another connection takes over the client id.
    connections: u32,
    asking: SubscriptionBudget,
    /// How many filters the broker may still request on its own, for a resumed session.
    resumed: usize,
}

impl OpenGate {
    /// Notes that this client received its CONNACK, and resets its limits.
    pub(crate) fn connected(&self, client_id: &str) {
        let mut clients = self.clients();
        let client = clients.entry(client_id.to_owned()).or_default();
        client.connections += 1;
        client.asking = SubscriptionBudget::default();
        client.resumed = 0;
    }

    /// Notes that a connection of this client has ended.
    pub(crate) fn left(&self, client_id: &str) {
        let mut clients = self.clients();
        if let Some(client) = clients.get_mut(client_id) {
            client.connections = client.connections.saturating_sub(1);
            if client.connections == 0 {
                clients.remove(client_id);
            }
        }
    }

    fn may_subscribe(&self, client_id: &str, filter: &str) -> bool {
        let mut clients = self.clients();
        // Before the CONNACK, the broker requests the filters of a resumed session.
        let Some(client) = clients.get_mut(client_id) else { return true };
        if let Some(left) = client.resumed.checked_sub(1) {
            client.resumed = left;
            return true;
        }
        client.asking.ask(clock::now().mono, filter) == MayAsk::Yes
    }

    fn clients(&self) -> MutexGuard<'_, HashMap<String, Client>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl AuthProvider for OpenGate {
    fn authenticate<'a>(
        &'a self,
        connect: &'a ConnectPacket,
        _client_addr: SocketAddr,
    ) -> Asked<'a, mqtt5::Result<AuthResult>> {
        let result = if broker::takes_keep_alive(connect.keep_alive) {
            if let Some(client) = self.clients().get_mut(&connect.client_id) {
                client.resumed = broker::MAX_SUBSCRIPTIONS;
            }
            AuthResult::success()
        } else {
            AuthResult::fail(ReasonCode::ImplementationSpecificError)
        };
        Box::pin(ready(Ok(result)))
    }

    fn authorize_publish<'a>(
        &'a self,
        _client_id: &str,
        _user_id: Option<&'a str>,
        _topic: &'a str,
    ) -> Asked<'a, bool> {
        Box::pin(ready(true))
    }

    fn authorize_subscribe<'a>(
        &'a self,
        client_id: &str,
        _user_id: Option<&'a str>,
        filter: &'a str,
    ) -> Asked<'a, bool> {
        Box::pin(ready(self.may_subscribe(client_id, filter)))
    }
}
