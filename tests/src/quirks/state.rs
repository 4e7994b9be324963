//! What the broker holds: its open connections, its retained messages, the Wills that wait, and the
//! record of what it saw. Sockets and timers are in `connection`.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::sync::mpsc::UnboundedSender;

use super::codec::{self, Packet, Publication, Subscription, Will};
use super::seen::{Action, Connect, Published, Seen, Version};
use super::{ConnAck, End, OldBroker, Quirks, When, has_wildcards};
use crate::until::{Stopwatch, uptime};

/// What goes out on a connection.
#[derive(Debug)]
pub(super) enum Outgoing {
    Bytes(Vec<u8>),
    Close,
}

/// A client that the broker let in.
#[derive(Debug)]
struct Client {
    version: Version,
    client_id: String,
    user: Option<String>,
    session_expiry: u32,
    will: Option<Will>,
    subscriptions: Vec<Subscription>,
    published: usize,
    last_id: u16,
}

#[derive(Debug)]
struct Stored {
    message: Publication,
    since: Stopwatch,
    /// How old it was when it was stored.
    age: Duration,
}

impl Stored {
    /// The message as a subscriber gets it; `None` when it has expired.
    fn deliver(&self, undiminished: bool) -> Option<Publication> {
        let mut message = self.message.clone();
        if let Some(expiry) = message.expiry.filter(|_| !undiminished) {
            let age = u32::try_from((self.age + self.since.elapsed()).as_secs()).ok()?;
            message.expiry = Some(expiry.checked_sub(age).filter(|left| *left > 0)?);
        }
        Some(message)
    }
}

/// A Will that waits for its delay.
#[derive(Debug)]
struct WaitingWill {
    connection: usize,
    message: Publication,
    delay: Duration,
}

#[derive(Default)]
pub(super) struct State {
    pub(super) quirks: Quirks,
    pub(super) seen: Vec<Seen>,
    connections: BTreeMap<usize, UnboundedSender<Outgoing>>,
    clients: BTreeMap<usize, Client>,
    retained: BTreeMap<String, Stored>,
    /// By client id.
    wills: BTreeMap<String, WaitingWill>,
}

impl State {
    pub(super) fn open(&mut self, connection: usize, outgoing: UnboundedSender<Outgoing>) {
        self.connections.insert(connection, outgoing);
    }

    pub(super) fn note(&mut self, connection: usize, action: Action) {
        self.seen.push(Seen { at: uptime(), connection, action });
    }

    pub(super) fn connections(&self) -> Vec<usize> {
        self.connections.keys().copied().collect()
    }

    /// Sends to one connection, deaf or not.
    pub(super) fn send_raw(&self, connection: usize, bytes: Vec<u8>) {
        if let Some(outgoing) = self.connections.get(&connection) {
            // It may have ended just now.
            let _ = outgoing.send(Outgoing::Bytes(bytes));
        }
    }

    fn send(&self, connection: usize, bytes: Vec<u8>) {
        if !self.quirks.deaf {
            self.send_raw(connection, bytes);
        }
    }

    /// Answers a CONNECT.
    pub(super) fn answer_connect(&mut self, at: usize, connect: Connect, will: Option<Will>) {
        let version = connect.version;
        if let Some(old) = self.quirks.old.filter(|_| version == Version::V5) {
            if matches!(old, OldBroker::Refuses | OldBroker::RefusesAndCloses) {
                self.send(at, codec::connack(Version::V311, 1, &[]));
            }
            if matches!(old, OldBroker::Closes | OldBroker::RefusesAndCloses) {
                self.end(at, &End::Close);
            }
            return;
        }
        match self.quirks.connack.clone() {
            ConnAck::Ordinary => {}
            ConnAck::Never => return,
            ConnAck::Bytes(bytes) => return self.send(at, bytes),
        }
        let code = self.quirks.connack_code;
        let connack = codec::connack(version, code, &self.quirks.connack_properties);
        if code != 0 {
            self.send(at, connack);
            return self.end(at, &End::Close);
        }
        self.take_over(&connect);
        let client = Client {
            version,
            client_id: connect.client_id,
            user: connect.user,
            session_expiry: connect.session_expiry,
            will,
            subscriptions: Vec::new(),
            published: 0,
            last_id: 0,
        };
        self.clients.insert(at, client);
        self.send(at, connack);
        self.end_at(at, |when| *when == When::ConnAck);
    }

    /// Ends the connections that give way to a new one, and withdraws the Will that waited for its
    /// client to come back.
    fn take_over(&mut self, by: &Connect) {
        let a_user = self.quirks.one_connection_a_user && by.user.is_some();
        let gives_way = |client: &Client| {
            client.client_id == by.client_id || (a_user && client.user == by.user)
        };
        let ended: Vec<usize> =
            self.clients.iter().filter(|(_, one)| gives_way(one)).map(|(at, _)| *at).collect();
        for at in ended {
            self.end(at, &End::Disconnect(0x8e, None));
        }
        if let Some(waiting) = self.wills.remove(&by.client_id)
            && by.clean_start
        {
            self.publish(waiting.message, None);
        }
    }

    /// Handles any packet but CONNECT. Nothing of a client that was not let in is answered.
    pub(super) fn handle(&mut self, at: usize, packet: Packet, size: usize) {
        let action = match &packet {
            Packet::Connect(..) => Some(Action::Malformed("a second CONNECT".to_owned())),
            Packet::Publish(message, _) => Some(Action::Publish(published(message))),
            Packet::Subscribe(_, filters) => {
                Some(Action::Subscribe(filters.iter().map(|one| one.filter.clone()).collect()))
            }
            Packet::Unsubscribe(_, filters) => Some(Action::Unsubscribe(filters.clone())),
            Packet::PingReq => Some(Action::PingReq),
            Packet::Disconnect(code) => Some(Action::Disconnect(*code)),
            Packet::Other => None,
        };
        action.into_iter().for_each(|action| self.note(at, action));
        let Some(client) = self.clients.get_mut(&at) else { return };
        let version = client.version;
        if self.end_at(at, |when| matches!(when, When::PacketAbove(most) if size > *most)) {
            return;
        }
        match packet {
            Packet::Publish(message, id) => self.handle_publish(at, message, id),
            Packet::Subscribe(id, filters) => self.handle_subscribe(at, id, filters),
            Packet::Unsubscribe(id, filters) => {
                if let Some(client) = self.clients.get_mut(&at) {
                    client.subscriptions.retain(|one| !filters.contains(&one.filter));
                }
                self.send(at, codec::unsuback(version, id, filters.len()));
            }
            Packet::PingReq => self.send(at, vec![0xd0, 0]),
            Packet::Disconnect(code) => {
                if let Some(client) = self.clients.get_mut(&at)
                    && code != 4
                {
                    client.will = None;
                }
                self.end(at, &End::Close);
            }
            Packet::Connect(..) => self.end(at, &End::Disconnect(0x82, None)),
            Packet::Other => {}
        }
    }

    fn handle_publish(&mut self, at: usize, message: Publication, id: u16) {
        let Some(client) = self.clients.get_mut(&at) else { return };
        client.published += 1;
        let (version, count, retain) = (client.version, client.published, message.retain);
        let ended = self.end_at(at, |when| match when {
            When::Publish(number) => *number == count,
            When::RetainedPublish => retain,
            _ => false,
        });
        if ended {
            return;
        }
        let refused = Quirks::refusal(&self.quirks.refused_topics, &message.topic);
        if message.qos > 0 && !self.quirks.no_puback {
            self.send(at, codec::puback(version, id, refused.unwrap_or_default()));
        }
        if refused.is_none_or(|code| code < 0x80) {
            self.publish(message, Some(at));
        }
    }

    fn handle_subscribe(&mut self, at: usize, id: u16, filters: Vec<Subscription>) {
        if self.end_at(at, |when| *when == When::Subscribe) || self.quirks.no_suback {
            return;
        }
        let Some(client) = self.clients.get_mut(&at) else { return };
        let mut codes = Vec::new();
        let mut retained = Vec::new();
        for one in filters {
            let refused = Quirks::refusal(&self.quirks.refused_filters, &one.filter);
            let granted = one.qos.min(1);
            codes.push(refused.unwrap_or(granted));
            if refused.is_some_and(|code| code >= 0x80) {
                continue;
            }
            let mute = self.quirks.no_retained_for_wildcards && has_wildcards(&one.filter);
            if one.wants_retained && !mute {
                let stored = self.retained.values();
                let of_it = stored.filter(|stored| matches(&stored.message.topic, &one.filter));
                let undiminished = self.quirks.expiry_undiminished;
                let delivered = of_it.filter_map(|stored| stored.deliver(undiminished));
                retained.extend(delivered.map(|message| (message, granted)));
            }
            client.subscriptions.retain(|known| known.filter != one.filter);
            client.subscriptions.push(one);
        }
        let suback = codec::suback(client.version, id, &codes);
        self.send(at, suback);
        for (message, qos) in retained {
            self.deliver(at, message, qos, true);
        }
        self.end_at(at, |when| *when == When::SubAck);
    }

    /// Stores and delivers a message.
    fn publish(&mut self, mut message: Publication, from: Option<usize>) {
        if let Some(cap) = self.quirks.expiry_cap {
            message.expiry = Some(message.expiry.map_or(cap, |expiry| expiry.min(cap)));
        }
        if message.retain && !self.quirks.no_store {
            self.store(message.clone(), Duration::ZERO);
        }
        let wanted = |at: usize, client: &Client| {
            let of_it = client.subscriptions.iter().filter(|one| {
                matches(&message.topic, &one.filter) && !(one.no_local && from == Some(at))
            });
            of_it.map(|one| (one.qos.min(1), one.keeps_retain)).max()
        };
        let targets: Vec<_> = self
            .clients
            .iter()
            .filter_map(|(at, client)| wanted(*at, client).map(|how| (*at, how)))
            .collect();
        for (at, (qos, keeps_retain)) in targets {
            let retain = message.retain && keeps_retain;
            self.deliver(at, message.clone(), qos, retain);
        }
    }

    /// Stores a message as if it had come some time ago. An empty one clears its topic.
    pub(super) fn store(&mut self, message: Publication, age: Duration) {
        let topic = message.topic.clone();
        if message.payload.is_empty() {
            self.retained.remove(&topic);
        } else {
            self.retained.insert(topic, Stored { message, since: Stopwatch::start(), age });
        }
    }

    /// The payload that is retained on that topic.
    pub(super) fn retained(&self, topic: &str) -> Option<Vec<u8>> {
        let stored = self.retained.get(topic)?;
        let message = stored.deliver(self.quirks.expiry_undiminished)?;
        Some(message.payload.to_vec())
    }

    fn deliver(&mut self, at: usize, mut message: Publication, qos: u8, retain: bool) {
        let Some(client) = self.clients.get_mut(&at) else { return };
        message.qos = message.qos.min(qos);
        message.retain = retain;
        client.last_id = client.last_id.checked_add(1).unwrap_or(1);
        let bytes = codec::publish(client.version, &message, client.last_id);
        self.send(at, bytes);
    }

    fn end_at(&mut self, at: usize, when: impl Fn(&When) -> bool) -> bool {
        let end = self.quirks.end_at(when);
        end.inspect(|end| self.end(at, end)).is_some()
    }

    /// Ends a connection from the broker's side.
    pub(super) fn end(&mut self, at: usize, how: &End) {
        let newer = self.clients.get(&at).is_some_and(|client| client.version == Version::V5);
        if let End::Disconnect(code, reason) = how
            && newer
        {
            let short = self.quirks.short_disconnect;
            self.send(at, codec::disconnect(*code, reason.as_deref(), short));
        }
        self.remove(at);
        if let Some(outgoing) = self.connections.get(&at) {
            let _ = outgoing.send(Outgoing::Close);
        }
    }

    /// Takes note that a connection has ended. Returns how long its Will waits, if it waits.
    pub(super) fn ended(&mut self, at: usize) -> Option<Duration> {
        self.note(at, Action::End);
        self.remove(at);
        self.connections.remove(&at);
        self.wills.values().find(|will| will.connection == at).map(|will| will.delay)
    }

    /// Publishes the Will of that connection, if it still waits.
    pub(super) fn publish_will(&mut self, of: usize) {
        let waiting = self.wills.iter().find(|(_, will)| will.connection == of);
        if let Some(client_id) = waiting.map(|(client_id, _)| client_id.clone())
            && let Some(will) = self.wills.remove(&client_id)
        {
            self.publish(will.message, None);
        }
    }

    fn remove(&mut self, at: usize) {
        let Some(client) = self.clients.remove(&at) else { return };
        let Some(will) = client.will else { return };
        let delay = Duration::from_secs(will.delay.min(client.session_expiry).into());
        if delay.is_zero() {
            self.publish(will.message, None);
        } else {
            let waiting = WaitingWill { connection: at, message: will.message, delay };
            self.wills.insert(client.client_id, waiting);
        }
    }
}

fn published(message: &Publication) -> Published {
    Published {
        topic: message.topic.clone(),
        payload: message.payload.to_vec(),
        retain: message.retain,
        qos: message.qos,
        expiry: message.expiry.map(|seconds| Duration::from_secs(seconds.into())),
    }
}

/// Whether a filter matches a topic (MQTT 5, 4.7). A wildcard at the front matches no `$` topic.
fn matches(topic: &str, filter: &str) -> bool {
    if topic.starts_with('$') && filter.starts_with(['+', '#']) {
        return false;
    }
    let mut levels = topic.split('/');
    for wanted in filter.split('/') {
        match (wanted, levels.next()) {
            ("#", _) => return true,
            ("+", Some(_)) => {}
            (wanted, Some(level)) if wanted == level => {}
            _ => return false,
        }
    }
    levels.next().is_none()
}
