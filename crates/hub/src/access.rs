//! Who may do what on the broker (`docs/protocol.md`, *Access*).
//!
//! Owns the rules of topics, filters, devices and retained messages, as one place that every connection asks. How a
//! connection asks is `gate.rs`; whose credential holds is the ledger's; how many connections there may be is `connections.rs`.
//! Deliberately reaches neither broker nor disk: what must be cleared is told, and somebody else does it.

use crate::accounts::Ledger;
use crate::clock;
use crate::connections::ConnectionTable;
use porchlight_core::id::{DeviceId, Root, UserId};
use porchlight_core::topic::{self, Topic};
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
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

/// The most device records of one person.
const MAX_DEVICES: usize = 16;
/// How many revoked devices are remembered; each only matters while something of it is still under way.
const MAX_REVOKED: usize = 4_096;

/// What every connection asks.
pub(crate) struct Access {
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) connections: Arc<ConnectionTable>,
    pub(crate) attempts: Mutex<Attempts>,
    pub(crate) backlogs: Backlogs,
    allowances: Allowances,
    root: Root,
    devices: Mutex<Devices>,
    /// Nobody may say anything any more: the team has moved, and a Will from here would be a lie.
    closed: AtomicBool,
    cleanups: mpsc::UnboundedSender<Cleanup>,
}

/// What must be done at the broker, by whoever reaches it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Cleanup {
    /// Nothing may stand on this topic.
    Clear(String),
    /// This client id is nobody's any more, and its session must end.
    EndSession(String),
    /// A connection with this client id has ended.
    Left(String),
}

#[derive(Default)]
struct Devices {
    /// Whether a record stands, or is only on its way.
    of: HashMap<UserId, HashMap<DeviceId, bool>>,
    /// Those that were revoked, each with its place in their order.
    revoked: HashMap<(UserId, DeviceId), u64>,
    revocations: u64,
}

impl Access {
    /// Access to the team of `ledger`, and what must be done because of it.
    pub(crate) fn new(
        ledger: Arc<Ledger>,
        connections: Arc<ConnectionTable>,
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
            closed: AtomicBool::new(false),
            cleanups,
        };
        (Arc::new(access), asked)
    }

    pub(crate) fn root(&self) -> &Root {
        &self.root
    }

    /// Nobody is heard from here on, Wills included.
    pub(crate) fn close(&self) {
        self.closed.store(true, Ordering::SeqCst);
    }

    /// Whether nobody is heard any more.
    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::SeqCst)
    }

    /// Whether `user` may publish to `topic`; a further device is counted.
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

    /// Counts a message that a client publishes, and closes the connections that are too far behind.
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
            // Those that were announced and never written make room.
            of.retain(|_, stands| *stands);
        }
        if of.len() >= MAX_DEVICES {
            return false;
        }
        of.insert(device.clone(), false);
        true
    }

    /// Told of each retained message, and whether it may stay. What may not is asked to be cleared.
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

    /// Told of each clearing.
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

    /// Nothing of these devices may stand any more, unless somebody of the same person takes one up again.
    pub(crate) fn revoke_devices(&self, user: &UserId, gone: &[DeviceId]) {
        let mut devices = self.devices();
        for device in gone {
            devices.revocations += 1;
            let place = devices.revocations;
            devices.revoked.insert((user.clone(), device.clone()), place);
            // The one that was revoked longest ago has had the most time for its late Will.
            if devices.revoked.len() > MAX_REVOKED
                && let Some(first) = devices.revoked.iter().min_by_key(|(_, place)| **place)
            {
                let first = first.0.clone();
                devices.revoked.remove(&first);
            }
        }
    }

    /// A credential that holds speaks for this device.
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

/// It may not.
#[derive(Debug)]
struct Denied;

#[cfg(test)]
mod tests;
