//! A probe on the wire: an MQTT 5 client without any idea of presence, which publishes whatever it
//! is told and records whatever arrives.

mod message;
mod old;

use std::panic::Location;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rumqttc::Outgoing;
use rumqttc::Transport;
use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::{Packet, PubAckReason, SubscribeReasonCode};
use rumqttc::v5::{AsyncClient, Event, EventLoop, MqttOptions};
use tokio::task::JoinHandle;
use url::Url;

use crate::until::{SOON, Stopwatch, poll};
pub(crate) use message::seconds;

pub use message::{Arrival, Message};
pub use old::{OldArrival, OldProbe};

/// How long nothing may arrive before the retained records count as read: MQTT has no mark for
/// their end.
const QUIET: Duration = Duration::from_millis(200);

/// How a [`Probe`] is set up before it connects.
#[derive(Debug)]
pub struct ProbeSetup {
    options: MqttOptions,
    tls: bool,
    authority: Option<PathBuf>,
}

impl ProbeSetup {
    /// Connects under this client id instead of a random one.
    #[must_use]
    pub fn client_id(mut self, id: &str) -> Self {
        self.options.set_client_id(id.to_owned());
        self
    }

    /// Connects with this user name and password.
    #[must_use]
    pub fn login(mut self, user: &str, password: &str) -> Self {
        self.options.set_credentials(user, password);
        self
    }

    /// Leaves this Will with the broker. A delay needs a session that outlasts it, so the session
    /// then lives 60 s longer than the delay.
    #[must_use]
    pub fn will(mut self, will: Message) -> Self {
        if let Some(delay) = seconds(will.delay) {
            self.options.set_session_expiry_interval(Some(delay + 60));
        }
        self.options.set_last_will(will.into_will());
        self
    }

    /// Goes on with the session of the same client id, if there is one.
    #[must_use]
    pub fn resume(mut self) -> Self {
        self.options.set_clean_start(false);
        self
    }

    /// The certificate authority to trust, for an `mqtts:` URL.
    #[must_use]
    pub fn authority(mut self, certificate: &Path) -> Self {
        self.authority = Some(certificate.to_owned());
        self
    }

    /// Connects.
    ///
    /// # Panics
    ///
    /// When the broker is not there or refuses.
    #[track_caller]
    pub fn connect(self) -> impl Future<Output = Probe> {
        let caller = Location::caller();
        async move {
            let broker = self.options.broker_address();
            match self.try_connect().await {
                Ok(probe) => probe,
                Err(reason) => panic!("{caller}: no connection to {broker:?}: {reason}"),
            }
        }
    }

    /// Connects, or says why not: what a broker refuses is worth a test.
    ///
    /// # Errors
    ///
    /// The reason as text, such as `BadUserNamePassword`.
    pub async fn try_connect(mut self) -> Result<Probe, String> {
        if self.tls {
            let authority = self.authority.as_deref().ok_or("an mqtts URL needs an authority")?;
            self.options.set_transport(Transport::tls_with_config(trust(authority)));
        }
        let (client, events) = AsyncClient::new(self.options, 100);
        let record = Arc::new(Mutex::new(Record::default()));
        let pump = tokio::spawn(pump(events, Arc::clone(&record)));
        let probe = Probe { client, record, pump, subscriptions: 0, publications: 0 };
        probe.settled("CONNACK", |record| record.connected.then_some(())).await?;
        Ok(probe)
    }
}

fn trust(authority: &Path) -> rumqttc::TlsConfiguration {
    use rustls::pki_types::pem::PemObject as _;
    let pem = std::fs::read(authority).expect("the authority's certificate can be read");
    let mut roots = rustls::RootCertStore::empty();
    for certificate in rustls::pki_types::CertificateDer::pem_slice_iter(&pem) {
        roots.add(certificate.expect("a certificate in PEM")).expect("a certificate to trust");
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("ring speaks TLS 1.2 and 1.3")
        .with_root_certificates(roots)
        .with_no_client_auth();
    rumqttc::TlsConfiguration::Rustls(Arc::new(config))
}

/// What the event loop saw.
#[derive(Debug, Default)]
struct Record {
    connected: bool,
    arrivals: Vec<Arrival>,
    /// The answers to SUBSCRIBE, in the order in which they were sent.
    granted: Vec<Vec<SubscribeReasonCode>>,
    /// The answers to PUBLISH at QoS 1, likewise.
    confirmed: Vec<PubAckReason>,
    /// How many messages at QoS 0 went into the socket.
    sent: usize,
    /// Why the connection ended. The probe does not come back by itself.
    ended: Option<String>,
}

impl Record {
    fn note(&mut self, event: Event, clock: Stopwatch) {
        match event {
            Event::Incoming(Packet::ConnAck(_)) => self.connected = true,
            Event::Incoming(Packet::Publish(publish)) => {
                self.arrivals.push(Arrival::new(&publish, clock.elapsed()));
            }
            Event::Incoming(Packet::SubAck(answer)) => self.granted.push(answer.return_codes),
            Event::Incoming(Packet::PubAck(answer)) => self.confirmed.push(answer.reason),
            Event::Incoming(Packet::Disconnect(goodbye)) => {
                self.ended = Some(format!("{:?}", goodbye.reason_code));
            }
            Event::Outgoing(Outgoing::Publish(0)) => self.sent += 1,
            Event::Outgoing(Outgoing::Disconnect) => self.ended = Some("left".to_owned()),
            _ => {}
        }
    }
}

/// A connected probe. Dropped, it closes its socket without a DISCONNECT, as a crash does.
#[derive(Debug)]
pub struct Probe {
    client: AsyncClient,
    record: Arc<Mutex<Record>>,
    pump: JoinHandle<()>,
    subscriptions: usize,
    publications: usize,
}

impl Probe {
    /// What can be said before it connects to the broker at this `mqtt:` or `mqtts:` URL. The
    /// URL's path is ignored; its user name and password are used.
    ///
    /// # Panics
    ///
    /// When that is no URL of a broker.
    #[must_use]
    pub fn to(url: &str) -> ProbeSetup {
        let parsed = Url::parse(url).unwrap_or_else(|error| panic!("{url}: {error}"));
        let tls = parsed.scheme() == "mqtts";
        let host = parsed.host_str().unwrap_or_else(|| panic!("no host in {url}"));
        let port = parsed.port().unwrap_or(if tls { 8883 } else { 1883 });
        let id = format!("probe{}x{}", std::process::id(), crate::port::serial());
        let mut options = MqttOptions::new(id, host, port);
        // The library's own limit of 10 KiB would end the connection at a larger record.
        options.set_max_packet_size(Some(16 * 1024 * 1024));
        if !parsed.username().is_empty() {
            options.set_credentials(parsed.username(), parsed.password().unwrap_or_default());
        }
        ProbeSetup { options, tls, authority: None }
    }

    /// Connects to the broker at this URL under a client id of its own.
    ///
    /// # Panics
    ///
    /// When the broker is not there or refuses.
    #[track_caller]
    pub fn connect(url: &str) -> impl Future<Output = Self> {
        Self::to(url).connect()
    }

    /// Subscribes at QoS 0 and waits until the broker has granted it. Retained records may still
    /// be on their way; [`Probe::quiet`] waits for those.
    ///
    /// # Panics
    ///
    /// When the broker refuses.
    #[track_caller]
    pub fn subscribe(&mut self, filter: &str) -> impl Future<Output = ()> {
        let caller = Location::caller();
        async move {
            match self.try_subscribe(filter).await.as_deref() {
                Ok([SubscribeReasonCode::Success(_)]) => {}
                refusal => panic!("{caller}: subscribing to {filter}: {refusal:?}"),
            }
        }
    }

    /// Subscribes and returns what the broker answered.
    ///
    /// # Errors
    ///
    /// Why the connection ended instead.
    pub async fn try_subscribe(
        &mut self,
        filter: &str,
    ) -> Result<Vec<SubscribeReasonCode>, String> {
        let mine = self.subscriptions;
        self.subscriptions += 1;
        self.client.subscribe(filter, QoS::AtMostOnce).await.map_err(|error| error.to_string())?;
        self.settled("SUBACK", |record| record.granted.get(mine).cloned()).await
    }

    /// Publishes and waits until the broker has confirmed it, at QoS 0 until it was sent.
    ///
    /// # Panics
    ///
    /// When the broker refuses.
    #[track_caller]
    pub fn publish(&mut self, message: Message) -> impl Future<Output = ()> {
        let caller = Location::caller();
        async move {
            let topic = message.topic.clone();
            match self.try_publish(message).await {
                Ok(PubAckReason::Success | PubAckReason::NoMatchingSubscribers) => {}
                refusal => panic!("{caller}: publishing to {topic}: {refusal:?}"),
            }
        }
    }

    /// Publishes and returns what the broker answered; at QoS 0 that is always a success.
    ///
    /// # Errors
    ///
    /// Why the connection ended instead.
    pub async fn try_publish(&mut self, message: Message) -> Result<PubAckReason, String> {
        let properties = message.properties();
        let Message { topic, payload, retained, qos, .. } = message;
        let (confirmed, sent) = self.read(|record| (self.publications, record.sent));
        self.publications += usize::from(qos == QoS::AtLeastOnce);
        self.client
            .publish_with_properties(topic, qos, retained, payload, properties)
            .await
            .map_err(|error| error.to_string())?;
        if qos == QoS::AtLeastOnce {
            self.settled("PUBACK", |record| record.confirmed.get(confirmed).copied()).await
        } else {
            self.settled("sending", |record| (record.sent > sent).then_some(PubAckReason::Success))
                .await
        }
    }

    /// Everything that arrived so far, in order.
    #[must_use]
    pub fn arrivals(&self) -> Vec<Arrival> {
        self.read(|record| record.arrivals.clone())
    }

    /// What arrived last on that topic.
    #[must_use]
    pub fn latest(&self, topic: &str) -> Option<Arrival> {
        self.read(|record| {
            record.arrivals.iter().rev().find(|arrival| arrival.topic == topic).cloned()
        })
    }

    /// Forgets what arrived, so that [`Probe::wait_for`] looks only at what comes from now on.
    pub fn forget(&mut self) {
        self.write(|record| record.arrivals.clear());
    }

    /// The first message, since the start or the last [`Probe::forget`], for which `wanted` is true.
    ///
    /// # Panics
    ///
    /// When none came within the time; with everything that did.
    #[track_caller]
    pub fn wait_for(
        &self,
        mut wanted: impl FnMut(&Arrival) -> bool,
        within: Duration,
    ) -> impl Future<Output = Arrival> {
        let caller = Location::caller();
        async move {
            let found = poll(within, || {
                self.read(|record| record.arrivals.iter().find(|arrival| wanted(arrival)).cloned())
            });
            match found.await {
                Some(arrival) => arrival,
                None => {
                    let (arrivals, ended) =
                        self.read(|record| (record.arrivals.clone(), record.ended.clone()));
                    panic!(
                        "{caller}: the message did not come within {within:?}; connection ended: {ended:?}; there came {arrivals:#?}"
                    )
                }
            }
        }
    }

    /// Waits until nothing has arrived for 200 ms: the retained records were read.
    ///
    /// # Panics
    ///
    /// When messages come without an end.
    pub async fn quiet(&self) {
        let (mut count, mut since) = (usize::MAX, Stopwatch::start());
        crate::until::until("the broker to say no more", 4 * SOON, || {
            let now = self.read(|record| record.arrivals.len());
            if now != count {
                (count, since) = (now, Stopwatch::start());
            }
            since.elapsed() >= QUIET
        })
        .await;
    }

    /// Why the connection ended, if it has: the broker's reason, such as a take-over.
    #[must_use]
    pub fn ended(&self) -> Option<String> {
        self.read(|record| record.ended.clone())
    }

    /// Says goodbye with a DISCONNECT: the broker discards the Will.
    ///
    /// # Panics
    ///
    /// When the connection is stuck.
    pub async fn leave(self) {
        // An error means that it has ended already.
        let _ = self.client.disconnect().await;
        let ended = poll(SOON, || self.ended()).await;
        assert!(ended.is_some(), "DISCONNECT was not sent");
    }

    /// Waits for an answer of the broker; a connection that ends first is the error.
    async fn settled<T>(
        &self,
        what: &str,
        find: impl Fn(&Record) -> Option<T>,
    ) -> Result<T, String> {
        let settled = poll(2 * SOON, || {
            self.read(|record| match (find(record), &record.ended) {
                (Some(found), _) => Some(Ok(found)),
                (None, ended) => ended.clone().map(Err),
            })
        });
        settled.await.unwrap_or_else(|| Err(format!("{what} did not come")))
    }

    fn read<T>(&self, read: impl FnOnce(&Record) -> T) -> T {
        read(&self.record.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn write(&self, write: impl FnOnce(&mut Record)) {
        write(&mut self.record.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

impl Drop for Probe {
    fn drop(&mut self) {
        self.pump.abort();
    }
}

/// The retained records under a filter, read by a probe of its own.
///
/// # Panics
///
/// When the broker is not there or refuses.
pub async fn retained(url: &str, filter: &str) -> Vec<Arrival> {
    let mut probe = Probe::connect(url).await;
    probe.subscribe(filter).await;
    probe.quiet().await;
    let arrivals = probe.arrivals();
    probe.leave().await;
    arrivals.into_iter().filter(|arrival| arrival.retained).collect()
}

/// Drives the connection. On a task of its own and never inside a `select!`: the library's `poll`
/// loses what it had begun when it is cancelled.
async fn pump(mut events: EventLoop, record: Arc<Mutex<Record>>) {
    let clock = Stopwatch::start();
    loop {
        let polled = events.poll().await;
        let mut record = record.lock().unwrap_or_else(PoisonError::into_inner);
        match polled {
            Ok(event) => record.note(event, clock),
            Err(error) => {
                // What came together with the end is still queued.
                events.state.events.drain(..).for_each(|event| record.note(event, clock));
                record.ended.get_or_insert_with(|| error.to_string());
            }
        }
        // Polled any further it would connect again.
        if record.ended.is_some() {
            return;
        }
    }
}
