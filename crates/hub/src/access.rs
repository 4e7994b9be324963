//! The access rules of the broker (`docs/protocol.md`, *Access*).
//!
//! Decides about topics, filters, devices and retained messages for every connection. `gate.rs` connects
//! these rules to the broker. The ledger checks credentials, and `connections.rs` limits the number of
//! connections. This module deliberately touches neither broker nor disk: it sends a `Cleanup`, and its
//! receiver carries it out.

use crate::accounts::Ledger;
use crate::clock;
use crate::connections::ConnectionTable;
use crate::custody::Custody;
use porchlight_core::id::{DeviceId, Root, UserId};
use porchlight_core::topic::{self, Topic};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::mpsc;

mod allowance;
mod attempts;
mod backlogs;
mod filter;
mod gate;
mod open_gate;
mod subscription_budget;

pub(crate) use allowance::Allowance;
use allowance::Allowances;
pub(crate) use attempts::Attempts;
use backlogs::Backlogs;
pub(crate) use gate::{Gate, Refusals};
pub(crate) use open_gate::OpenGate;
use subscription_budget::{MayAsk, SubscriptionBudget};

/// Maximum number of device records per person.
const MAX_DEVICES: usize = 16;
/// Maximum number of revoked devices to remember. An entry only matters while a late message of that device
/// may still arrive.
const MAX_REVOKED: usize = 4_096;

/// The access rules and their state, shared by all connections.
pub(crate) struct Access {
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) connections: Arc<ConnectionTable>,
    pub(crate) attempts: Mutex<Attempts>,
    pub(crate) backlogs: Backlogs,
    allowances: Allowances,
    root: Root,
    devices: Mutex<Devices>,
    /// While the hub does not serve its team, it accepts no messages: a Will from such a connection would be
    /// wrong.
    pub(crate) custody: Arc<Custody>,
    cleanups: mpsc::UnboundedSender<Cleanup>,
}

/// A task for the broker that follows from an access decision.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Cleanup {
    /// Clear the retained message on this topic.
    Clear(String),
    /// End the session of this client id, which belongs to nobody any more.
    EndSession(String),
    /// A connection with this client id has ended.
    Left(String),
}

#[derive(Default)]
struct Devices {
    /// The devices of each user. The value is true once the device has a retained record.
    of: HashMap<UserId, HashMap<DeviceId, bool>>,
    /// Revoked devices, each with its position in the order of revocation.
    revoked: HashMap<(UserId, DeviceId), u64>,
    revocations: u64,
}

impl Access {
    /// Creates the access rules for the team in `ledger`, and the receiver of the cleanups.
    pub(crate) fn new(
        ledger: Arc<Ledger>,
        connections: Arc<ConnectionTable>,
        custody: Arc<Custody>,
    ) -> (Arc<Self>, mpsc::UnboundedReceiver<Cleanup>) {
        let (cleanups, asked) = mpsc::unbounded_channel();
        let root = ledger.read(|team| team.root.clone());
        let access = Self {
            ledger,
            connections,
            attempts: Mutex::new(Attempts::default()),
            backlogs: Backlogs::default(),
            allowances: Allowances::default(),
            root,
            devices: Mutex::new(Devices::default()),
            custody,
            cleanups,
        };
        (Arc::new(access), asked)
    }

    pub(crate) fn root(&self) -> &Root {
        &self.root
    }

    /// Returns the parsed topic if `user` may publish to it. A new device counts towards the limit.
    fn may_publish(&self, user: &UserId, topic: &str) -> Result<Topic, Denied> {
        let topic = Topic::parse(&self.root, topic).map_err(|_| Denied)?;
        let own = match &topic {
            Topic::Device(of, device) => of == user && self.admit_device(of, device),
            Topic::User(of) | Topic::Activity(of) | Topic::Typing(of) | Topic::Chosen(of) => {
                of == user
            }
            Topic::Inbox(_, from) => from == user,
            Topic::Hub => false,
        };
        if own { Ok(topic) } else { Err(Denied) }
    }

    /// Whether `user` may subscribe to `wanted`.
    fn may_read(&self, user: &UserId, wanted: &str) -> bool {
        let own = [
            Topic::Chosen(user.clone()).to_wire(&self.root),
            topic::inbox_filter(&self.root, user),
        ];
        let mut allowed = topic::room_filters(&self.root).into_iter().chain(own);
        allowed.any(|rule| filter::covers(&rule, wanted))
    }

    /// Whether a message to `topic` must not be retained.
    pub(crate) fn is_never_retained(&self, topic: &str) -> bool {
        matches!(Topic::parse(&self.root, topic), Ok(Topic::Typing(_) | Topic::Inbox(..)))
    }

    /// Counts a message that a client publishes, and closes the connections whose backlog is too large.
    pub(crate) fn published(&self, topic: &str, bytes: usize) {
        if let Ok(topic) = Topic::parse(&self.root, topic) {
            for connection in self.backlogs.published(clock::now().mono, &topic, bytes) {
                tracing::debug!(connection, "closed: too much waits for it");
                self.connections.close(connection);
            }
        }
    }

    fn admit_device(&self, user: &UserId, device: &DeviceId) -> bool {
        let mut devices = self.devices();
        let of = devices.of.entry(user.clone()).or_default();
        if of.contains_key(device) {
            return true;
        }
        if of.len() >= MAX_DEVICES {
            // Devices that never wrote a record make room.
            of.retain(|_, stands| *stands);
        }
        if of.len() >= MAX_DEVICES {
            return false;
        }
        of.insert(device.clone(), false);
        true
    }

    /// Returns whether a new retained message may stay. If not, requests that it is cleared.
    pub(crate) fn may_stay(&self, topic: &str) -> bool {
        let parsed = Topic::parse(&self.root, topic);
        let is_member = |user: &UserId| self.ledger.read(|team| team.is_member(user));
        let allowed = match &parsed {
            Ok(Topic::Hub) => true,
            Ok(Topic::Typing(_) | Topic::Inbox(..)) | Err(_) => false,
            Ok(Topic::Device(user, device)) => {
                let revoked = self.devices().revoked.contains_key(&(user.clone(), device.clone()));
                !revoked && is_member(user)
            }
            Ok(Topic::User(user) | Topic::Activity(user) | Topic::Chosen(user)) => is_member(user),
        };
        if !allowed {
            self.request_cleanup(Cleanup::Clear(topic.to_owned()));
        } else if let Ok(Topic::Device(user, device)) = parsed {
            self.devices().of.entry(user).or_default().insert(device, true);
        }
        allowed
    }

    pub(crate) fn request_cleanup(&self, cleanup: Cleanup) {
        let _ = self.cleanups.send(cleanup);
    }

    /// Forgets the device of a cleared topic.
    pub(crate) fn cleared(&self, topic: &str) {
        if let Ok(Topic::Device(user, device)) = Topic::parse(&self.root, topic) {
            let mut devices = self.devices();
            if let Some(of) = devices.of.get_mut(&user) {
                of.remove(&device);
                if of.is_empty() {
                    devices.of.remove(&user);
                }
            }
        }
    }

    /// Forbids retained records of these devices, until a valid credential of the same person uses one again.
    pub(crate) fn revoke_devices(&self, user: &UserId, gone: &[DeviceId]) {
        let mut devices = self.devices();
        for device in gone {
            devices.revocations += 1;
            let place = devices.revocations;
            devices.revoked.insert((user.clone(), device.clone()), place);
            // Forget the oldest revocation: its late Will is the least likely still to arrive.
            if devices.revoked.len() > MAX_REVOKED
                && let Some(first) = devices.revoked.iter().min_by_key(|(_, place)| **place)
            {
                let first = first.0.clone();
                devices.revoked.remove(&first);
            }
        }
    }

    /// Notes that a valid credential uses this device, which is then no longer revoked.
    fn note_device(&self, credential: &str, user: &UserId, device: &DeviceId) {
        self.devices().revoked.remove(&(user.clone(), device.clone()));
        if self.ledger.used().note_device(credential, device) {
            self.ledger.note();
        }
    }

    fn devices(&self) -> MutexGuard<'_, Devices> {
        self.devices.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The access rules do not allow the request.
#[derive(Debug)]
struct Denied;

#[cfg(test)]
mod tests;
