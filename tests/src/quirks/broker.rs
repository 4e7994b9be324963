//! The broker as a test holds it.

use std::fmt::Display;
use std::net::SocketAddr;
use std::panic::Location;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::task::{JoinHandle, JoinSet};

use super::codec::Publication;
use super::connection::{Shared, serve};
use super::seen::{Action, Connect, Published, Seen};
use super::{End, Quirks};
use crate::until::poll;
use crate::wire::Message;

/// A running broker with [`Quirks`]. Dropped, it closes every connection.
pub struct QuirkBroker {
    address: SocketAddr,
    shared: Shared,
    accepting: JoinHandle<()>,
}

impl QuirkBroker {
    pub(super) async fn start(quirks: Quirks) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
        let address = listener.local_addr().expect("it listens");
        let shared = Shared::default();
        shared.lock().quirks = quirks;
        let accepting = tokio::spawn(accept(listener, shared.clone()));
        Self { address, shared, accepting }
    }

    /// Its URL without a topic root.
    #[must_use]
    pub fn url(&self) -> String {
        format!("mqtt://{}", self.address)
    }

    /// Its URL with a user name and a password.
    #[must_use]
    pub fn url_of(&self, user: &str, password: &str) -> String {
        format!("mqtt://{user}:{password}@{}", self.address)
    }

    /// Its port on 127.0.0.1.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Changes its quirks from now on. `change(|_| Quirks::new())` makes it an ordinary broker.
    pub fn change(&self, change: impl FnOnce(Quirks) -> Quirks) {
        let mut state = self.shared.lock();
        state.quirks = change(std::mem::take(&mut state.quirks));
    }

    /// Stores a retained message as if it had been published this long ago.
    pub fn store(&self, message: &Message, age: Duration) {
        let publication = Publication {
            topic: message.topic.clone(),
            payload: message.payload.clone().into(),
            qos: message.qos as u8,
            retain: true,
            expiry: crate::wire::seconds(message.expiry),
            user_properties: Vec::new(),
        };
        self.shared.lock().store(publication, age);
    }

    /// The payload that is retained on that topic.
    #[must_use]
    pub fn retained(&self, topic: &str) -> Option<Vec<u8>> {
        self.shared.lock().retained(topic)
    }

    /// Ends every connection.
    pub fn end_all(&self, how: &End) {
        let mut state = self.shared.lock();
        for connection in state.connections() {
            state.end(connection, how);
        }
    }

    /// Sends these bytes on every connection, deaf or not.
    pub fn send_bytes(&self, bytes: &[u8]) {
        let state = self.shared.lock();
        for connection in state.connections() {
            state.send_raw(connection, bytes.to_vec());
        }
    }

    /// Sends the first half of a PUBLISH on every connection, and nothing more from then on.
    pub fn send_half_a_packet(&self) {
        self.send_bytes(b"\x30\x20\x00\x08presence");
        self.change(Quirks::deaf);
    }

    /// How many connections are open, those included that were not let in.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.shared.lock().connections().len()
    }

    /// Everything that it saw, in order.
    #[must_use]
    pub fn seen(&self) -> Vec<Seen> {
        self.shared.lock().seen.clone()
    }

    /// Every CONNECT so far, and when it came on the time line of [`crate::until::uptime`].
    #[must_use]
    pub fn connects(&self) -> Vec<(Duration, Connect)> {
        let seen = self.seen().into_iter();
        seen.filter_map(|seen| match seen.action {
            Action::Connect(connect) => Some((seen.at, connect)),
            _ => None,
        })
        .collect()
    }

    /// Every PUBLISH so far to a topic.
    #[must_use]
    pub fn published(&self, topic: &str) -> Vec<Published> {
        let seen = self.seen().into_iter();
        seen.filter_map(|seen| match seen.action {
            Action::Publish(message) if message.topic == topic => Some(message),
            _ => None,
        })
        .collect()
    }

    /// How often it has seen that.
    #[must_use]
    pub fn count(&self, wanted: impl Fn(&Action) -> bool) -> usize {
        self.shared.lock().seen.iter().filter(|seen| wanted(&seen.action)).count()
    }

    /// Waits until it has seen that, and returns the first of it since the start.
    ///
    /// `what` completes the sentence "waited 5s for ...".
    ///
    /// # Panics
    ///
    /// When that does not come within the time; with everything that it saw.
    #[track_caller]
    pub fn wait_for(
        &self,
        what: impl Display,
        within: Duration,
        wanted: impl Fn(&Seen) -> bool,
    ) -> impl Future<Output = Seen> {
        let caller = Location::caller();
        async move {
            let find = || self.shared.lock().seen.iter().find(|seen| wanted(seen)).cloned();
            match poll(within, find).await {
                Some(seen) => seen,
                None => {
                    panic!("{caller}: waited {within:?} for {what}; it saw {:#?}", self.seen())
                }
            }
        }
    }

    /// Waits until it has seen that so many times.
    ///
    /// # Panics
    ///
    /// When that does not come within the time; with everything that it saw.
    #[track_caller]
    pub fn wait_count(
        &self,
        what: impl Display,
        count: usize,
        within: Duration,
        wanted: impl Fn(&Action) -> bool,
    ) -> impl Future<Output = ()> {
        let caller = Location::caller();
        async move {
            let enough = poll(within, || self.count(&wanted) >= count).await;
            assert!(
                enough.is_some(),
                "{caller}: waited {within:?} for {count} times {what}; it saw {:#?}",
                self.seen()
            );
        }
    }
}

impl Drop for QuirkBroker {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(listener: TcpListener, shared: Shared) {
    let mut serving = JoinSet::new();
    let mut number = 0;
    while let Ok((stream, _)) = listener.accept().await {
        number += 1;
        serving.spawn(serve(stream, number, shared.clone()));
        while serving.try_join_next().is_some() {}
    }
}
