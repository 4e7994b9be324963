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

use super::failure::{self, Place};
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
    place: Place,
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
    pulse: Pulse,
    /// Whether DISCONNECT was queued.
    leaving: bool,
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
        let hello = packets::connect(connect, login).map_err(|_| {
            failure::closed_by_us("the user name or the password is none that MQTT can carry")
        })?;
        let place = target.place.clone();
        let dialed = timeout(connect.dial_within, Box::pin(Wire::open(&target))).await;
        let mut wire = dialed
            .map_err(|_| ConnectionFailure::TimedOut { address: place.address().to_owned() })
            .flatten()?;
        let mut buffer = Vec::new();
        let answer = async {
            wire.write(hello).await.map_err(|error| failure::broken(&error, false, &place))?;
            connack(connect.version, &mut wire, &mut buffer, &place).await
        };
        let answered = timeout(connect.connack_within, answer).await;
        let connack = answered.map_err(|_| failure::unanswered(&place)).flatten()?;
        let receive_maximum = connack.receive_maximum.unwrap_or(u16::MAX);
        if receive_maximum == 0 {
            // MQTT 5, section 3.2.2.3.3.
            return Err(ConnectionFailure::Violation {
                what: "its CONNACK has a Receive Maximum of 0",
            });
        }
        let pulse = Pulse::new(clock::now().mono, connect.keep_alive, connack.granted.keep_alive);
        let mut connection = Self {
            wire,
            place,
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
            pulse,
            leaving: false,
        };
        connection.tell(ConnectionEvent::Up(connack.granted)).await;
        Ok(connection)
    }

    /// Runs until the connection ends, and returns why.
    async fn run(mut self) -> ConnectionFailure {
        loop {
            match self.step().await {
                Ok(()) => {}
                Err(_) if self.leaving => return failure::closed_by_us("we said goodbye"),
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
                Ok(true) => self.pulse.heard(clock::now().mono),
                Ok(false) => return Err(failure::hung_up(true, &self.place)),
                Err(error) => return Err(failure::broken(&error, true, &self.place)),
            },
            // `None` means that the connection was dropped, and this task is about to end.
            Some(request) = self.requests.recv(), if may_publish && !self.leaving => {
                self.ask(request).await?;
            }
            () = sleep(self.pulse.next_deadline().since(now)) => {
                match self.pulse.beat(clock::now().mono) {
                    Beat::Alive => {}
                    Beat::Ping => self.out.extend(packets::PINGREQ),
                    // If this task was held up, bytes that arrived in the meantime count.
                    Beat::Dead => match timeout(Duration::ZERO, self.wire.read(&mut self.buffer)).await {
                        Ok(Ok(true)) => self.pulse.heard(clock::now().mono),
                        _ => return Err(failure::silent()),
                    },
                }
            }
        }
        Ok(())
    }

    async fn ask(&mut self, request: Request) -> Result<(), ConnectionFailure> {
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
                    packets::publish_of_ours(self.version, id, publish).map_err(unwritable)?;
                // The broker would close the connection (MQTT 5, 3.2.2.3.6).
                if bytes.len() > self.max_size {
                    let refusal = Refusal::Broker(ReasonCode::PACKET_TOO_LARGE.into());
                    let outcome = Err(refusal);
                    self.tell(ConnectionEvent::Published { id: number, outcome }).await;
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
                self.leaving = true;
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
        match timeout(self.pulse.patience, self.wire.write(bytes)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(failure::broken(&error, true, &self.place)),
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
            self.take(incoming).await?;
        }
        let whole = buffer.len() - rest.len();
        buffer.drain(..whole);
        self.buffer = buffer;
        Ok(())
    }

    async fn take(&mut self, incoming: Incoming) -> Result<(), ConnectionFailure> {
        match incoming {
            Incoming::SubAck(id, answers) => {
                if let Some(filters) = self.subscribed.remove(&id) {
                    if answers.len() != filters.len() {
                        let what = "a SUBACK answers another number of filters";
                        return Err(ConnectionFailure::Violation { what });
                    }
                    let refused = refused(filters, answers);
                    self.tell(ConnectionEvent::Subscribed { refused }).await;
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
                    self.tell(ConnectionEvent::Published { id, outcome }).await;
                }
            }
            Incoming::Publish(id, message) => {
                if let Some((id, qos)) = id {
                    let first =
                        if qos == QoS::ExactlyOnce { packets::PUBREC } else { packets::PUBACK };
                    self.out.extend(packets::acknowledge(first, id));
                }
                if let Some(message) = message {
                    self.tell(ConnectionEvent::Received(message)).await;
                }
            }
            Incoming::PubRel(id) => self.out.extend(packets::acknowledge(packets::PUBCOMP, id)),
            Incoming::PingResp => self.pulse.answered(),
            Incoming::Disconnect(reason) => return Err(ConnectionFailure::Disconnected(reason)),
            Incoming::ConnAck(_) | Incoming::OldConnAck => {
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
    async fn tell(&mut self, event: ConnectionEvent) {
        let _ = self.events.send(event).await;
    }
}

/// Waits for the CONNACK. Bytes that can't start a CONNACK are an error at once, because their
/// sender may wait for us.
async fn connack(
    version: Version,
    wire: &mut Wire,
    buffer: &mut Vec<u8>,
    place: &Place,
) -> Result<ConnAck, ConnectionFailure> {
    loop {
        match wire.read(buffer).await {
            Ok(true) => {}
            Ok(false) => return Err(failure::hung_up(false, place)),
            Err(error) => return Err(failure::broken(&error, false, place)),
        }
        let first = buffer.first().copied().unwrap_or_default();
        if !matches!(first, 0x20 | 0xE0) {
            if failure::may_become_recognised(buffer) {
                continue;
            }
            return Err(failure::no_mqtt(buffer, place));
        }
        let no_mqtt = |_| failure::no_mqtt(&[], place);
        let Some((frame, rest)) = packets::split(version, buffer).map_err(no_mqtt)? else {
            continue;
        };
        let incoming = packets::read(version, frame).map_err(no_mqtt)?;
        let behind = rest.len();
        buffer.drain(..buffer.len() - behind);
        return match incoming {
            Incoming::ConnAck(connack) if connack.reason.reason_code().is_success() => Ok(connack),
            Incoming::ConnAck(connack) => Err(failure::refused(connack.reason)),
            Incoming::OldConnAck => Err(failure::old_connack()),
            Incoming::Disconnect(reason) => Err(failure::disconnected_early(reason, place)),
            _ => Err(failure::no_mqtt(&[], place)),
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
struct Pulse {
    /// The time between two pings.
    every: Duration,
    /// How long the broker may take to answer a ping, or to send anything else.
    patience: Duration,
    ping_at: Monotonic,
    /// When the oldest unanswered ping was sent.
    unanswered: Option<Monotonic>,
    last_heard: Monotonic,
}

/// What to do now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Beat {
    Alive,
    Ping,
    Dead,
}

impl Pulse {
    /// A broker that sends other packets but answers no ping gets this many times the patience.
    const TALKING: u32 = 3;

    fn new(now: Monotonic, keep_alive: Duration, server: Option<Duration>) -> Self {
        let shorter = server.filter(|server| !server.is_zero() && *server < keep_alive);
        let every = shorter.unwrap_or(keep_alive);
        Self {
            every,
            patience: keep_alive,
            ping_at: now + every,
            unanswered: None,
            last_heard: now,
        }
    }

    fn heard(&mut self, now: Monotonic) {
        self.last_heard = now;
    }

    fn answered(&mut self) {
        self.unanswered = None;
    }

    /// When the broker counts as dead if nothing more arrives.
    fn dead_at(&self) -> Option<Monotonic> {
        self.unanswered.map(|since| {
            if self.last_heard > since {
                (self.last_heard + self.patience).min(since + self.patience * Self::TALKING)
            } else {
                since + self.patience
            }
        })
    }

    fn next_deadline(&self) -> Monotonic {
        self.dead_at().map_or(self.ping_at, |dead_at| dead_at.min(self.ping_at))
    }

    fn beat(&mut self, now: Monotonic) -> Beat {
        if self.dead_at().is_some_and(|at| at <= now) {
            Beat::Dead
        } else if self.ping_at <= now {
            self.ping_at = now + self.every;
            self.unanswered.get_or_insert(now);
            Beat::Ping
        } else {
            Beat::Alive
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
        let mut pulse = Pulse::new(at(0), KEEP_ALIVE, server.map(Duration::from_secs));
        let mut pings = Vec::new();
        loop {
            let now = pulse.next_deadline();
            let second = now.since(at(0)).as_secs();
            match pulse.beat(now) {
                Beat::Alive => {}
                Beat::Ping => pings.push(second),
                Beat::Dead => return (pings, second),
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
        let mut pulse = Pulse::new(at(0), KEEP_ALIVE, None);
        for second in (8..100).step_by(8) {
            assert_eq!(pulse.next_deadline(), at(second));
            assert_eq!(pulse.beat(at(second)), Beat::Ping);
            pulse.heard(at(second));
            pulse.answered();
        }
    }

    #[test]
    fn a_broker_that_talks_and_answers_no_ping_is_given_up_later() {
        let mut pulse = Pulse::new(at(0), KEEP_ALIVE, None);
        for second in 1..32 {
            pulse.heard(at(second));
            assert_ne!(pulse.beat(at(second)), Beat::Dead, "{second}");
        }
        assert_eq!(pulse.beat(at(32)), Beat::Dead);
    }
}
