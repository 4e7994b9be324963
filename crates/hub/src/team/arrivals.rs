//! Retained messages that come from the other hub of the team: to a backup that begins to serve, and back to the host.
//!
//! A device whose record came that way has to come itself. If it does not, nobody else would say that it is gone: its
//! connection, and so its Will, was at the other hub.

use super::Team;
use crate::clock;
use crate::standby::{CopiedMessage, copy_of};
use mqtt5::QoS;
use mqtt5::broker::storage::{RetainedMessage, StorageBackend as _};
use mqtt5::packet::publish::PublishPacket;
use porchlight_core::id::{DeviceId, UserId};
use porchlight_core::presence::{Observed, OfflineCause};
use porchlight_core::time::Timestamp;
use porchlight_core::topic::Topic;
use porchlight_core::wire::{
    DeviceRecord, MAX_RECORD_BYTES, Payload, decode_device, encode_device,
};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;

/// How long a device has to come. It tries to connect at once, and waits 8 s at most between two tries.
const COMES: Duration = Duration::from_secs(15);

/// What came from the other hub.
#[derive(Default)]
pub(super) struct Arrivals {
    state: Mutex<State>,
    noted: Notify,
}

#[derive(Default)]
struct State {
    /// The payload of each message that came, by topic. A backup returns what differs from it.
    came: BTreeMap<String, Vec<u8>>,
    /// Since when this hub serves without a break, in Unix seconds: what was published since then is newer than anything
    /// from the other hub.
    back_s: u64,
}

impl Team {
    /// This hub begins to serve, or serves again.
    pub(crate) fn mark_back(&self) {
        self.arrivals.state().back_s = clock::now().wall.as_ms() / 1000;
    }

    /// Notes messages that are in the store already.
    pub(crate) fn note_arrivals<'a>(&self, messages: impl Iterator<Item = &'a RetainedMessage>) {
        let came = messages.map(|message| (message.topic.clone(), message.payload.clone()));
        self.arrivals.state().came.extend(came);
        self.arrivals.noted.notify_one();
    }

    /// Looks for absent devices after each arrival, while it is polled.
    pub(crate) async fn lose_absent_arrivals(&self) {
        loop {
            self.arrivals.noted.notified().await;
            tokio::time::sleep(COMES).await;
            self.lose_absent().await;
        }
    }

    /// Takes what changed at the backup while it served. What was published here since this computer is back is newer, and
    /// so is the record of a device that is connected here.
    pub(crate) async fn take_from_backup(&self, messages: &[CopiedMessage], now: Timestamp) {
        let back_s = self.arrivals.state().back_s;
        let mut came = Vec::new();
        for message in messages {
            let topic = &message.topic;
            let parsed = Topic::parse(self.access.root(), topic);
            let is_here = match &parsed {
                Ok(Topic::Device(user, device)) => self.is_here(user, device),
                Ok(Topic::Hub) | Err(_) => true,
                Ok(_) => false,
            };
            let stored = self.broker.storage.get_retained_message(topic).await.ok().flatten();
            let is_newer = stored.as_ref().is_some_and(|stored| stored.stored_at_secs >= back_s);
            let is_too_large = message.payload.len() > MAX_RECORD_BYTES;
            if is_here || is_newer || is_too_large || !self.access.may_stay(topic) {
                continue;
            }
            match message.restore(now) {
                Some(restored) => {
                    self.publish_retained([&restored].into_iter()).await;
                    came.push(restored);
                }
                None => self.clear(topic).await,
            }
        }
        self.note_arrivals(came.iter());
    }

    /// What changed here since this backup began to serve.
    pub(crate) async fn changed_since_arrival(&self, now: Timestamp) -> Vec<CopiedMessage> {
        let stored = self.broker.storage.get_retained_messages("#").await.unwrap_or_default();
        let stored: HashMap<_, _> = stored.into_iter().collect();
        let came = self.arrivals.state().came.clone();
        let changed = stored.values().filter(|message| {
            came.get(&message.topic).is_none_or(|payload| *payload != message.payload)
        });
        let root = self.access.root();
        let mut changed: Vec<_> = changed.filter_map(|m| copy_of(m, root, now)).collect();
        let gone = came.keys().filter(|topic| !stored.contains_key(*topic));
        changed.extend(gone.map(|topic| CopiedMessage::cleared(topic)));
        changed
    }

    /// Says of each device whose record came, and which did not come itself, that it is lost.
    async fn lose_absent(&self) {
        let came = self.arrivals.state().came.clone();
        for (topic, payload) in came {
            let Ok(Topic::Device(user, device)) = Topic::parse(self.access.root(), &topic) else {
                continue;
            };
            let Ok(Payload::Record(record)) = decode_device(&payload) else { continue };
            let stored = self.broker.storage.get_retained_message(&topic).await.ok().flatten();
            let is_as_it_came = stored.is_some_and(|stored| stored.payload == payload);
            if !is_as_it_came || !record.observed.is_here() || self.is_here(&user, &device) {
                continue;
            }
            tracing::info!(%user, %device, "did not come to this computer");
            let lost = lost(record);
            let mut packet =
                PublishPacket::new(topic, encode_device(&lost), QoS::AtLeastOnce).with_retain(true);
            let expiry = porchlight_core::mqtt_session::RECORD_EXPIRY.as_secs();
            packet
                .properties
                .set_message_expiry_interval(u32::try_from(expiry).unwrap_or(u32::MAX));
            self.broker.router.route_message(&packet, None).await;
        }
    }

    /// Publishes messages, with the rest of their expiry.
    pub(super) async fn publish_retained(
        &self,
        messages: impl Iterator<Item = &RetainedMessage> + Send,
    ) {
        for message in messages {
            let packet = message.to_publish_packet();
            self.broker.router.route_message(&packet, None).await;
        }
    }

    /// Whether a connected credential of this user has this device.
    fn is_here(&self, user: &UserId, device: &DeviceId) -> bool {
        let of_user: BTreeSet<String> = self.ledger().read(|team| {
            let of = team.credentials().iter().filter(|(_, credential)| credential.user == *user);
            of.map(|(id, _)| id.clone()).collect()
        });
        let used = self.ledger().used();
        let of_user = of_user.iter().filter(|id| self.connections().is_connected(id));
        of_user.into_iter().any(|id| used.devices(id).contains(device))
    }
}

/// The record of a device that is lost, as its Will would say it.
fn lost(record: DeviceRecord) -> DeviceRecord {
    DeviceRecord {
        observed: Observed::Offline(Some(OfflineCause::Lost)),
        since: None,
        timestamp: None,
        ..record
    }
}

impl Arrivals {
    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
