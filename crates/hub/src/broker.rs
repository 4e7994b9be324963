//! How the broker is set up: its limits, and its parts without its listeners.
//!
//! Owns every number that bounds what a client may do. It does not decide who may do what: that is `access.rs`.

use mqtt5::broker::auth::AuthProvider;
use mqtt5::broker::client_handler::ClientHandler;
use mqtt5::broker::config::{AuthConfig, StorageBackend, StorageConfig};
use mqtt5::broker::router::MessageRouter;
use mqtt5::broker::storage::{DynamicStorage, MemoryBackend, QueueLimits, StorageBackend as _};
use mqtt5::broker::sys_topics::BrokerStats;
use mqtt5::broker::transport::BrokerTransport;
use mqtt5::broker::{BrokerConfig, BrokerEventHandler, ResourceLimits, ResourceMonitor};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::broadcast;

/// The largest packet taken, in bytes: the largest retained payload, and room for its topic and properties. So what
/// carries bytes beside the payload is bounded, too, and what is delivered stays below the 10 KiB named below.
pub(crate) const MAX_PACKET_SIZE: usize = 9 * 1024;
/// The largest payload retained, in bytes: twice a record, and below the 10 KiB at which a client library that does
/// not announce its limit gives up its connection, to meet the same message again on the next one.
const MAX_RETAINED_SIZE: usize = 8 * 1024;
/// How many messages may be retained, so that memory has a bound: several topics each for 10,000 people.
const MAX_RETAINED: usize = 60_000;
/// How many messages may wait for one connection. The broker silently drops what of a retained snapshot exceeds it at
/// `QoS` 0, so it must hold them all.
const CHANNEL: usize = MAX_RETAINED + 4_096;
/// The longest time for which the broker remembers a client that went. The protocol asks for a minute beyond the
/// grace, so for two at most.
const MAX_SESSION: Duration = Duration::from_secs(5 * 60);
/// Waiting `QoS` 1 messages for one client that is away: its inbox, whose messages expire after 30 s.
const MAX_QUEUED: usize = 256;
const MAX_QUEUED_BYTES: usize = 1024 * 1024;
/// How many messages at `QoS` 1 and 2 a client may send before the first of them is acknowledged.
const RECEIVE_MAXIMUM: u16 = 64;
/// The longest Keep Alive, in seconds. The broker gives up a client that neither reads nor answers only after 1.5 times
/// that, and never where it is 0.
const MAX_KEEP_ALIVE_S: u16 = 300;
/// A reader needs about eight.
pub(crate) const MAX_SUBSCRIPTIONS: usize = 200;
const MAX_CLIENTS: usize = 10_000;
/// What one member's connection may say in a second, so that none of them takes the hub from the others.
const MESSAGES_A_SECOND: u32 = 200;
const BYTES_A_SECOND: u64 = 512 * 1024;
/// Files and sockets that are not clients, with room for connections that have not said who they are yet.
#[cfg(unix)]
const SPARE_DESCRIPTORS: usize = 200;

/// The broker's settings. It would listen on every interface if it were not told where, so it always is.
///
/// A connection that sends no CONNECT is dropped after 10 seconds: fixed in the broker.
pub(crate) fn config(addr: SocketAddr, events: Arc<dyn BrokerEventHandler>) -> BrokerConfig {
    // Persistence stays on: without it the broker has neither sessions nor delayed Wills. "Memory" is where to.
    let storage = StorageConfig::new()
        .with_backend(StorageBackend::Memory)
        .with_persistence(true)
        .with_max_queued_messages_per_client(MAX_QUEUED)
        .with_max_queued_bytes_per_client(MAX_QUEUED_BYTES);
    let mut config = BrokerConfig::new()
        .with_bind_address(addr)
        .with_storage(storage)
        .with_auth(AuthConfig::new().with_allow_anonymous(true))
        .with_sys_topics_enabled(false)
        .with_max_packet_size(MAX_PACKET_SIZE)
        .with_max_retained_messages(MAX_RETAINED)
        .with_max_retained_message_size(MAX_RETAINED_SIZE)
        .with_client_channel_capacity(CHANNEL)
        .with_session_expiry(MAX_SESSION)
        .with_max_subscriptions_per_client(MAX_SUBSCRIPTIONS)
        .with_max_clients(max_clients());
    config.server_receive_maximum = Some(RECEIVE_MAXIMUM);
    // Each publisher may otherwise make the broker remember 65,535 topic names.
    config.topic_alias_maximum = 16;
    config.event_handler = Some(events);
    config
}

/// Whether a client with this Keep Alive is let in.
///
/// The refusal is 0x83, "valid but not accepted by this server" (MQTT 5, 3.2.2.2); 0x97 would say that waiting helps. A
/// client of MQTT 3.1.1 is told 3, "server unavailable", since none of its codes fits better (MQTT 3.1.1, 3.2.2.3).
/// Server Keep Alive would be the gentler answer, but the broker then applies it to every client, and losses would be
/// seen by that instead of the 8 s that clients ask for.
pub(crate) fn takes_keep_alive(seconds: u16) -> bool {
    (1..=MAX_KEEP_ALIVE_S).contains(&seconds)
}

/// As many clients as there are file descriptors for: where they run out, the broker's accept loop spins.
#[cfg(unix)]
pub(crate) fn max_clients() -> usize {
    let descriptors = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
    let descriptors = descriptors.and_then(|n| usize::try_from(n).ok()).unwrap_or(usize::MAX);
    descriptors.saturating_sub(SPARE_DESCRIPTORS).clamp(1, MAX_CLIENTS)
}

#[cfg(not(unix))]
pub(crate) fn max_clients() -> usize {
    MAX_CLIENTS
}

/// Lets this process open as many files as it may: the usual soft limit, 1,024, is made for programs of another time.
#[cfg(unix)]
pub(crate) fn raise_descriptors() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limits = getrlimit(Resource::Nofile);
    if limits.current != limits.maximum {
        let raised = Rlimit { current: limits.maximum, maximum: limits.maximum };
        if let Err(e) = setrlimit(Resource::Nofile, raised) {
            tracing::debug!("no more file descriptors to be had: {e}");
        }
    }
}

#[cfg(not(unix))]
pub(crate) fn raise_descriptors() {}

/// The broker without its listeners: `door.rs` hands it each client's connection.
///
/// The broker's own accept loop bounds nothing before a client has logged in, and knows a peer only by its socket.
pub(crate) struct Broker {
    pub(crate) router: Arc<MessageRouter>,
    pub(crate) storage: Arc<DynamicStorage>,
    config: Arc<BrokerConfig>,
    stats: Arc<BrokerStats>,
    monitor: Arc<ResourceMonitor>,
}

impl Broker {
    pub(crate) fn new(events: Arc<dyn BrokerEventHandler>) -> Self {
        // The address is not used: nobody listens.
        let config = config(SocketAddr::from(([127, 0, 0, 1], 0)), Arc::clone(&events));
        let queues = QueueLimits { max_messages: MAX_QUEUED, max_bytes: MAX_QUEUED_BYTES };
        let storage = Arc::new(DynamicStorage::Memory(MemoryBackend::with_queue_limits(queues)));
        let router = MessageRouter::with_storage(Arc::clone(&storage))
            .with_fallback_queue_limits(queues)
            .with_event_handler(events)
            .with_retained_limits(MAX_RETAINED, MAX_RETAINED_SIZE);
        let limits = ResourceLimits {
            max_message_rate_per_client: MESSAGES_A_SECOND,
            max_bandwidth_per_client: BYTES_A_SECOND,
            rate_limit_window: Duration::from_secs(1),
            ..ResourceLimits::default()
        };
        Self {
            router: Arc::new(router),
            storage,
            config: Arc::new(config),
            stats: Arc::new(BrokerStats::new()),
            monitor: Arc::new(ResourceMonitor::new(limits)),
        }
    }

    /// What serves one client; run it.
    pub(crate) fn handler(
        &self,
        transport: BrokerTransport,
        peer: SocketAddr,
        gate: Arc<dyn AuthProvider>,
        shutdown: broadcast::Receiver<()>,
    ) -> ClientHandler {
        ClientHandler::new(
            transport,
            peer,
            Arc::clone(&self.config),
            Arc::clone(&self.router),
            gate,
            Some(Arc::clone(&self.storage)),
            Arc::clone(&self.stats),
            Arc::clone(&self.monitor),
            shutdown,
        )
    }

    /// Takes out what has expired. To be done every minute or so.
    pub(crate) async fn sweep(&self) {
        if let Err(e) = self.storage.cleanup_expired().await {
            tracing::debug!("what has expired stays: {e}");
        }
        self.router.sweep_sessions().await;
        self.monitor.cleanup_expired_windows().await;
    }

    /// Ends a session that is nobody's: its connection, subscriptions, queue and Will.
    pub(crate) async fn end_session(&self, client_id: &str) {
        self.router.cancel_pending_will(client_id);
        self.router.unregister_client(client_id).await;
        if let Err(e) = self.storage.remove_session(client_id).await {
            tracing::debug!(client_id, "its session stays: {e}");
        }
        self.router.queue_handle(client_id).clear(None);
    }
}
