//! The place of the one connection that an owner has at a time.

use porchlight_core::effect::{Connect, Filter, Publish};
use porchlight_core::input::{ConnectionEvent, ConnectionId};

use super::{Connection, Endpoints};

/// The present connection, or none. One that ended is replaced by the next one that is opened. Dropping it closes the
/// socket without DISCONNECT.
#[derive(Default)]
pub(crate) struct ConnectionSlot(Option<Connection>);

impl ConnectionSlot {
    /// Begins to connect. Whatever connection there was is closed without DISCONNECT.
    pub(crate) fn open(&mut self, endpoints: &Endpoints, connect: &Connect) {
        self.0 = Some(Connection::open(endpoints, connect));
    }

    /// The next event, with the number of its connection. It waits for ever where none is to come. Cancel-safe.
    pub(crate) async fn next(&mut self) -> (ConnectionId, ConnectionEvent) {
        match &mut self.0 {
            Some(connection) => (connection.connection(), connection.next().await),
            None => std::future::pending().await,
        }
    }

    /// Whether the present connection has this number.
    pub(crate) fn is(&self, number: ConnectionId) -> bool {
        self.0.as_ref().is_some_and(|connection| connection.connection() == number)
    }

    /// SUBSCRIBE, such that every retained message comes.
    pub(crate) fn subscribe(&self, filters: &[Filter]) {
        if let Some(connection) = &self.0 {
            connection.subscribe(filters);
        }
    }

    /// PUBLISH.
    pub(crate) fn publish(&self, publish: Publish) {
        if let Some(connection) = &self.0 {
            connection.publish(publish);
        }
    }

    #[cfg(test)]
    pub(crate) fn is_open(&self) -> bool {
        self.0.as_ref().is_some_and(|connection| !connection.ended)
    }

    /// DISCONNECT with reason 0x00, and wait until it is on its way.
    pub(crate) async fn close(self) {
        if let Some(connection) = self.0 {
            connection.close().await;
        }
    }
}
