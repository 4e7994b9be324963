//! How the broker is set up: its limits and its one listener.
//!
//! Owns every number that bounds what a client may do. It does not decide who may do what: access rules will be an
//! authentication provider given to the broker where it is built, in `hub.rs`.

use mqtt5::broker::config::{AuthConfig, StorageBackend, StorageConfig};
use mqtt5::broker::{BrokerConfig, BrokerEventHandler};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

/// The largest packet taken, in bytes. Records are at most 4 KiB; the rest is room for properties.
const MAX_PACKET_SIZE: usize = 64 * 1024;
/// The largest payload retained, in bytes: twice a record, and below the 10 KiB at which a client library that does
/// not announce its limit gives up its connection, to meet the same message again on the next one.
const MAX_RETAINED_SIZE: usize = 8 * 1024;
/// How many messages may be retained, so that memory has a bound: several topics each for 10,000 people.
const MAX_RETAINED: usize = 60_000;
/// How many messages may wait for one connection. The broker silently drops what of a retained snapshot exceeds it at
/// `QoS` 0, so it must hold them all.
const CHANNEL: usize = MAX_RETAINED + 4_096;
/// How long the broker remembers a client that went without saying how long. The protocol asks for about a minute.
const MAX_SESSION: Duration = Duration::from_secs(60 * 60);
/// Waiting `QoS` 1 messages for one client that is away.
const MAX_QUEUED: usize = 20_000;
const MAX_QUEUED_BYTES: usize = 16 * 1024 * 1024;
/// A reader needs about eight.
const MAX_SUBSCRIPTIONS: usize = 200;
const MAX_CLIENTS: usize = 10_000;
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
    // Each publisher may otherwise make the broker remember 65,535 topic names.
    config.topic_alias_maximum = 16;
    config.event_handler = Some(events);
    config
}

/// As many clients as there are file descriptors for: where they run out, the broker's accept loop spins.
#[cfg(unix)]
fn max_clients() -> usize {
    let descriptors = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
    let descriptors = descriptors.and_then(|n| usize::try_from(n).ok()).unwrap_or(usize::MAX);
    descriptors.saturating_sub(SPARE_DESCRIPTORS).clamp(1, MAX_CLIENTS)
}

#[cfg(not(unix))]
fn max_clients() -> usize {
    MAX_CLIENTS
}
