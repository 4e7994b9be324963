//! Runs one connection from its CONNECT to its end.
//!
//! This module does what MQTT requires of a client: Packet Identifiers, acknowledgements and pings.
//! It limits how long the broker may be silent, and reports everything as [`ConnectionEvent`]s.

use std::collections::BTreeMap;
use std::time::Duration;

use mqtt5_protocol::QoS;
use porchlight_core::effect::{Connect, Filter, Publish, Qos, Version};
use porchlight_core::input::{
    ConnectionEvent, ConnectionFailure, PublishId, Refusal, RefusedFilter,
};
use porchlight_core::reason::{BrokerReason, ReasonCode};
use porchlight_core::time::Monotonic;
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};

use super::failure::{self, TriedAddress};
use super::packets::{self, ConnAck, Incoming};
use super::wire::{Target, Wire};
use crate::clock;

/// The number of publishes that may wait for a PUBACK.
const IN_FLIGHT: u16 = 64;

/// A request to the connection.
#[derive(Debug)]
pub(super) enum Request {
    Subscribe(Vec<Filter>),
    Publish(Publish),
    Disconnect,
}

/// Connects, runs until the connection ends, and reports why it ended.
pub(super) async fn run(
    target: Target,
    connect: Connect,
    login: Option<(String, String)>,
    requests: mpsc::Receiver<Request>,
    events: mpsc::Sender<ConnectionEvent>,
) {
    let failure = match Connection::open(target, &connect, login, requests, events.clone()).await {
        Ok(connection) => connection.run().await,
        Err(failure) => failure,
    };
    // Nobody receives it if the connection was dropped in the meantime.
    let _ = events.send(ConnectionEvent::Down(failure)).await;
}

/// A connection whose CONNACK has arrived.
struct Connection {
    wire: Wire,
    tried: TriedAddress,
    version: Version,
    /// Received bytes that are not a complete packet yet.
    buffer: Vec<u8>,
    /// Bytes to write next.
    out: Vec<u8>,
    requests: mpsc::Receiver<Request>,
    events: mpsc::Sender<ConnectionEvent>,
    last_id: u16,
    /// Publishes without a PUBACK, by Packet Identifier.
    published: BTreeMap<u16, PublishId>,
    /// Filters without a SUBACK, by Packet Identifier.
    subscribed: BTreeMap<u16, Vec<String>>,
    /// The number of publishes that may wait for a PUBACK.
    in_flight: u16,
    /// The largest packet in bytes that the broker accepts.
    max_size: usize,
    ping_timer: PingTimer,
    /// Whether DISCONNECT was queued.
    disconnecting: bool,
}

impl Connection {
    /// Connects and waits for the CONNACK, within the timeouts of `connect`.
    async fn open(
        target: Target,
        connect: &Connect,
        login: Option<(String, String)>,
        requests: mpsc::Receiver<Request>,
        events: mpsc::Sender<ConnectionEvent>,
    ) -> Result<Self, ConnectionFailure> {
        let connect_packet = packets::connect(connect, login).map_err(|_| {
            failure::closed_by_us("the user name or the password is none that MQTT can carry")
        })?;
        let tried = target.tried.clone();
        let within = connect.dial_within;
        let dialed = timeout(within, Box::pin(Wire::open(&target, within))).await;
        let mut wire = dialed
            .map_err(|_| ConnectionFailure::TimedOut { address: tried.address().to_owned() })
            .flatten()?;
        let mut buffer = Vec::new();
        let answer = async {
            wire.write(connect_packet)
                .await
                .map_err(|error| failure::broken(&error, false, &tried))?;
            connack(connect.version, &mut wire, &mut buffer, &tried).await
        };
        let answered = timeout(connect.connack_within, answer).await;
        let connack = answered.map_err(|_| failure::unanswered(&tried)).flatten()?;
        let receive_maximum = connack.receive_maximum.unwrap_or(u16::MAX);
        if receive_maximum == 0 {
            // MQTT 5, section 3.2.2.3.3.
            return Err(ConnectionFailure::Violation {
                what: "its CONNACK has a Receive Maximum of 0",
            });
        }
        let ping_timer =
            PingTimer::new(clock::now().mono, connect.keep_alive, connack.granted.keep_alive);
        let mut connection = Self {
            wire,
            tried,
            version: connect.version,
            buffer,
            out: Vec::new(),
            requests,
            events,
            last_id: 0,
            published: BTreeMap::new(),
            subscribed: BTreeMap::new(),
            in_flight: receive_maximum.min(IN_FLIGHT),
            max_size: connack.maximum_packet_size.map_or(usize::MAX, |size| size as usize),
            ping_timer,
            disconnecting: false,
        };
        connection.report(ConnectionEvent::Up(connack.granted)).await;
        Ok(connection)
    }

    /// Runs until the connection ends, and returns why.
    async fn run(mut self) -> ConnectionFailure {
        loop {
            match self.step().await {
                Ok(()) => {}
                Err(_) if self.disconnecting => return failure::closed_by_us("we said goodbye"),
                Err(failure) => return failure,
            }
        }
    }

    /// Waits for the next event and handles it.
    async fn step(&mut self) -> Result<(), ConnectionFailure> {
        self.read_packets().await?;
        self.flush().await?;
        let now = clock::now().mono;
        let may_publish = self.published.len() < usize::from(self.in_flight);
        tokio::select! {
            read = self.wire.read(&mut self.buffer) => match read {
                Ok(true) => self.ping_timer.received(clock::now().mono),
                Ok(false) => return Err(failure::hung_up(true, &self.tried)),
                Err(error) => return Err(failure::broken(&error, true, &self.tried)),
            },
            // `None` means that the connection was dropped, and this task is about to end.
            Some(request) = self.requests.recv(), if may_publish && !self.disconnecting => {
                self.handle_request(request).await?;
            }
            () = sleep(self.ping_timer.next_deadline().since(now)) => {
                match self.ping_timer.poll(clock::now().mono) {
                    PingAction::Alive => {}
                    PingAction::Ping => self.out.extend(packets::PINGREQ),
                    // If this task was held up, bytes that arrived in the meantime count.
                    PingAction::Dead => match timeout(Duration::ZERO, self.wire.read(&mut self.buffer)).await {
                        Ok(Ok(true)) => self.ping_timer.received(clock::now().mono),
                        _ => return Err(failure::silent()),
                    },
                }
            }
        }
        Ok(())
    }

    async fn handle_request(&mut self, request: Request) -> Result<(), ConnectionFailure> {
        let unwritable =
            |_| failure::closed_by_us("we were to send something that MQTT can't carry");
        match request {
            Request::Subscribe(filters) => {
                let id = self.next_id();
                let bytes = packets::subscribe(self.version, id, &filters).map_err(unwritable)?;
                self.out.extend(bytes);
                let filters = filters.into_iter().map(|filter| filter.topic).collect();
                self.subscribed.insert(id, filters);
            }
            Request::Publish(publish) => {
                let (number, qos) = (publish.id, publish.qos);
                let id = self.next_id();
                let bytes =
                    packets::encode_publish(self.version, id, publish).map_err(unwritable)?;
                // The broker would close the connection (MQTT 5, 3.2.2.3.6).
                if bytes.len() > self.max_size {
                    let refusal = Refusal::Broker(ReasonCode::PACKET_TOO_LARGE.into());
                    let outcome = Err(refusal);
                    self.report(ConnectionEvent::Published { id: number, outcome }).await;
                    return Ok(());
                }
                self.out.extend(bytes);
                // QoS 0 has no acknowledgement (MQTT 5, 4.3.1).
                if qos == Qos::AtLeastOnce {
                    self.published.insert(id, number);
                }
            }
            // The broker closes the socket when it has read this. If we closed it, the broker could
            // fail to write to us before it reads, and take that for a crash.
            Request::Disconnect => {
                self.out.extend(packets::DISCONNECT);
                self.disconnecting = true;
            }
        }
        Ok(())
    }

    /// A Packet Identifier that is not in use; never 0 (MQTT 5, 2.2.1).
    fn next_id(&mut self) -> u16 {
        loop {
            self.last_id = self.last_id.checked_add(1).unwrap_or(1);
            let id = self.last_id;
            if !self.published.contains_key(&id) && !self.subscribed.contains_key(&id) {
                return id;
            }
        }
    }

    /// Writes the queued bytes. A broker that does not read counts as dead, like one that is
    /// silent.
    async fn flush(&mut self) -> Result<(), ConnectionFailure> {
        if self.out.is_empty() {
            return Ok(());
        }
        let bytes = std::mem::take(&mut self.out);
        match timeout(self.ping_timer.answer_timeout, self.wire.write(bytes)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(failure::broken(&error, true, &self.tried)),
            Err(_) => Err(failure::silent()),
        }
    }

    /// Handles all complete packets.
    async fn read_packets(&mut self) -> Result<(), ConnectionFailure> {
        let mut buffer = std::mem::take(&mut self.buffer);
        let mut rest = &buffer[..];
        while let Some((frame, behind)) =
            packets::split(self.version, rest).map_err(failure::malformed)?
        {
            rest = behind;
            let incoming = packets::read(self.version, frame).map_err(failure::malformed)?;
            self.handle_packet(incoming).await?;
        }
        let whole = buffer.len() - rest.len();
        buffer.drain(..whole);
        self.buffer = buffer;
        Ok(())
    }

    async fn handle_packet(&mut self, incoming: Incoming) -> Result<(), ConnectionFailure> {
        match incoming {
            Incoming::SubAck(id, answers) => {
                if let Some(filters) = self.subscribed.remove(&id) {
                    if answers.len() != filters.len() {
                        let what = "a SUBACK answers another number of filters";
                        return Err(ConnectionFailure::Violation { what });
                    }
                    let refused = refused(filters, answers);
                    self.report(ConnectionEvent::Subscribed { refused }).await;
                }
            }
            Incoming::PubAck(id, reason) => {
                // An acknowledgement of an unknown packet is harmless.
                if let Some(id) = self.published.remove(&id) {
                    let outcome = if reason.reason_code().is_success() {
                        Ok(())
                    } else {
                        Err(Refusal::Broker(reason))
                    };
                    self.report(ConnectionEvent::Published { id, outcome }).await;
                }
            }
            Incoming::Publish(id, message) => {
                if let Some((id, qos)) = id {
                    let first =
                        if qos == QoS::ExactlyOnce { packets::PUBREC } else { packets::PUBACK };
                    self.out.extend(packets::acknowledge(first, id));
                }
                if let Some(message) = message {
                    self.report(ConnectionEvent::Received(message)).await;
                }
            }
            Incoming::PubRel(id) => self.out.extend(packets::acknowledge(packets::PUBCOMP, id)),
            Incoming::PingResp => self.ping_timer.answered(),
            Incoming::Disconnect(reason) => return Err(ConnectionFailure::Disconnected(reason)),
            Incoming::ConnAck(_) | Incoming::V311ConnAck => {
                return Err(ConnectionFailure::Violation { what: "it sent a second CONNACK" });
            }
            Incoming::Stray => {
                return Err(ConnectionFailure::Violation { what: "it sent a packet of a client" });
            }
        }
        Ok(())
    }

    /// Reports an event. After a DISCONNECT nobody listens any more, but it still has to be
    /// written.
    async fn report(&mut self, event: ConnectionEvent) {
        let _ = self.events.send(event).await;
    }
}

/// Waits for the CONNACK. Bytes that can't start a CONNACK are an error at once, because their
/// sender may wait for us.
async fn connack(
    version: Version,
    wire: &mut Wire,
    buffer: &mut Vec<u8>,
    tried: &TriedAddress,
) -> Result<ConnAck, ConnectionFailure> {
    loop {
        match wire.read(buffer).await {
            Ok(true) => {}
            Ok(false) => return Err(failure::hung_up(false, tried)),
            Err(error) => return Err(failure::broken(&error, false, tried)),
        }
        let first = buffer.first().copied().unwrap_or_default();
        if !matches!(first, 0x20 | 0xE0) {
            if failure::needs_more_bytes(buffer) {
                continue;
            }
            return Err(failure::no_mqtt(buffer, tried));
        }
        let no_mqtt = |_| failure::no_mqtt(&[], tried);
        let Some((frame, rest)) = packets::split(version, buffer).map_err(no_mqtt)? else {
            continue;
        };
        let incoming = packets::read(version, frame).map_err(no_mqtt)?;
        let behind = rest.len();
        buffer.drain(..buffer.len() - behind);
        return match incoming {
            Incoming::ConnAck(connack) if connack.reason.reason_code().is_success() => Ok(connack),
            Incoming::ConnAck(connack) => Err(failure::refused(connack.reason)),
            Incoming::V311ConnAck => Err(failure::old_connack()),
            Incoming::Disconnect(reason) => Err(failure::disconnected_early(reason, tried)),
            _ => Err(failure::no_mqtt(&[], tried)),
        };
    }
}

/// The filters that the broker refused, with its reasons.
fn refused(filters: Vec<String>, answers: Vec<BrokerReason>) -> Vec<RefusedFilter> {
    filters
        .into_iter()
        .zip(answers)
        .filter(|(_, reason)| !reason.reason_code().is_success())
        .map(|(filter, reason)| RefusedFilter { filter, reason })
        .collect()
}

/// Decides when to ping and when the broker counts as dead.
///
/// The limit is ours, whatever Server Keep Alive says: a silent broker is noticed within twice the
/// Keep Alive that we asked for. A shorter Server Keep Alive makes pings more frequent; a longer
/// one or 0 changes nothing.
#[derive(Debug)]
struct PingTimer {
    /// The time between two pings.
    interval: Duration,
    /// How long the broker may take to answer a ping, or to send anything else.
    answer_timeout: Duration,
    ping_at: Monotonic,
    /// When the oldest unanswered ping was sent.
    unanswered: Option<Monotonic>,
    last_received: Monotonic,
}

/// What to do now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum PingAction {
    Alive,
    Ping,
    Dead,
}

impl PingTimer {
    /// A broker that sends other packets but answers no ping gets this many times the patience.
    const TALKING_FACTOR: u32 = 3;

    fn new(now: Monotonic, keep_alive: Duration, server: Option<Duration>) -> Self {
        let shorter = server.filter(|server| !server.is_zero() && *server < keep_alive);
        let interval = shorter.unwrap_or(keep_alive);
        Self {
            interval,
            answer_timeout: keep_alive,
            ping_at: now + interval,
            unanswered: None,
            last_received: now,
        }
    }

    fn received(&mut self, now: Monotonic) {
        self.last_received = now;
    }

    fn answered(&mut self) {
        self.unanswered = None;
    }

    /// When the broker counts as dead if nothing more arrives.
    fn dead_at(&self) -> Option<Monotonic> {
        self.unanswered.map(|since| {
            if self.last_received > since {
                (self.last_received + self.answer_timeout)
                    .min(since + self.answer_timeout * Self::TALKING_FACTOR)
            } else {
                since + self.answer_timeout
            }
        })
    }

    fn next_deadline(&self) -> Monotonic {
        self.dead_at().map_or(self.ping_at, |dead_at| dead_at.min(self.ping_at))
    }

    fn poll(&mut self, now: Monotonic) -> PingAction {
        if self.dead_at().is_some_and(|at| at <= now) {
            PingAction::Dead
        } else if self.ping_at <= now {
            self.ping_at = now + self.interval;
            self.unanswered.get_or_insert(now);
            PingAction::Ping
        } else {
            PingAction::Alive
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEEP_ALIVE: Duration = Duration::from_secs(8);

    fn at(seconds: u64) -> Monotonic {
        Monotonic::from_origin(Duration::from_secs(seconds))
    }

    /// When a broker that falls silent after its CONNACK is pinged, and when it counts as dead.
    fn silent(server: Option<u64>) -> (Vec<u64>, u64) {
        let mut ping_timer = PingTimer::new(at(0), KEEP_ALIVE, server.map(Duration::from_secs));
        let mut pings = Vec::new();
        loop {
            let now = ping_timer.next_deadline();
            let second = now.since(at(0)).as_secs();
            match ping_timer.poll(now) {
                PingAction::Alive => {}
                PingAction::Ping => pings.push(second),
                PingAction::Dead => return (pings, second),
            }
        }
    }

    #[test]
    fn a_silent_broker_is_dead_after_twice_our_keep_alive_whatever_its_own_is() {
        for server in [None, Some(0), Some(8), Some(9), Some(60), Some(3600), Some(65535)] {
            assert_eq!(silent(server), (vec![8], 16), "{server:?}");
        }
    }

    #[test]
    fn a_shorter_server_keep_alive_makes_more_pings_and_no_less_patience() {
        assert_eq!(silent(Some(5)), (vec![5, 10], 13));
        assert_eq!(silent(Some(1)).1, 9);
    }

    #[test]
    fn answers_keep_it_alive() {
        let mut ping_timer = PingTimer::new(at(0), KEEP_ALIVE, None);
        for second in (8..100).step_by(8) {
            assert_eq!(ping_timer.next_deadline(), at(second));
            assert_eq!(ping_timer.poll(at(second)), PingAction::Ping);
            ping_timer.received(at(second));
            ping_timer.answered();
        }
    }

    #[test]
    fn a_broker_that_talks_and_answers_no_ping_is_given_up_later() {
        let mut ping_timer = PingTimer::new(at(0), KEEP_ALIVE, None);
        for second in 1..32 {
            ping_timer.received(at(second));
            assert_ne!(ping_timer.poll(at(second)), PingAction::Dead, "{second}");
        }
        assert_eq!(ping_timer.poll(at(32)), PingAction::Dead);
    }
}
