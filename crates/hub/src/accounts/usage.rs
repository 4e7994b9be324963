//! Records which client ids and devices each credential uses, and when it was last used. For a program's
//! token it records the last read.
//!
//! Owns the rule that a client id belongs to the credential that first used it, Clean Start or not. Otherwise
//! another client could take over the id, end the session without its Will, and leave a stale record. Client
//! ids of devices are remembered permanently, all others until the caller releases them.

use porchlight_core::id::DeviceId;
use porchlight_core::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

/// Maximum number of device client ids per credential. A device has two, and a copied device creates new
/// ones.
const MAX_PRESENCES: usize = 8;
/// Maximum number of other client ids per credential at a time.
const MAX_OTHERS: usize = 64;
/// Maximum number of those that may be idle: no connection uses them, but a session waits.
const MAX_IDLE: usize = 8;
/// Maximum number of device ids per credential.
const MAX_DEVICES: usize = 16;
const HOUR: Duration = Duration::from_secs(60 * 60);

/// The usage of all credentials.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct CredentialUsage {
    credentials: BTreeMap<String, Uses>,
    /// The credential of each client id, both permanent and temporary.
    #[serde(skip)]
    owners: HashMap<String, String>,
    /// Counts how often a client id became idle.
    #[serde(skip)]
    departures: u64,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Uses {
    #[serde(default)]
    last_here: Option<Timestamp>,
    /// The client ids of its devices. The most recently used one is last.
    #[serde(default)]
    presences: Vec<String>,
    #[serde(default)]
    devices: Vec<DeviceId>,
    /// The temporary client ids.
    #[serde(skip)]
    others: HashMap<String, Other>,
}

/// A temporary client id.
#[derive(Debug, Clone, Default)]
struct Other {
    /// Number of connections that use it.
    connections: u32,
    /// The value of `departures` when it became idle.
    left: u64,
}

/// The result of a request for a client id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Bound {
    /// The id belongs to the credential, and nothing must be written.
    StoredMessage,
    /// The id now belongs to the credential. `dropped` no longer does.
    New { dropped: Option<String> },
    /// The id belongs to another credential.
    Foreign,
    /// The credential has reached its limit.
    TooMany,
}

impl CredentialUsage {
    /// Rebuilds the index after reading from a file.
    pub(crate) fn restored(mut self) -> Self {
        for (credential, uses) in &self.credentials {
            let ids = uses.presences.iter().map(|id| (id.clone(), credential.clone()));
            self.owners.extend(ids);
        }
        self
    }

    /// Binds a client id to a credential. `lasting` is true for a device, and false for a reader.
    pub(crate) fn bind(&mut self, credential: &str, client_id: &str, lasting: bool) -> Bound {
        match self.owners.get(client_id) {
            Some(owner) if owner == credential => {
                let uses = self.credentials.entry(credential.to_owned()).or_default();
                if let Some(at) = uses.presences.iter().position(|id| id == client_id) {
                    let id = uses.presences.remove(at);
                    uses.presences.push(id);
                }
                if let Some(other) = uses.others.get_mut(client_id) {
                    other.connections += 1;
                }
                return Bound::StoredMessage;
            }
            Some(_) => return Bound::Foreign,
            None => {}
        }
        let uses = self.credentials.entry(credential.to_owned()).or_default();
        let mut dropped = None;
        if lasting {
            if uses.presences.len() >= MAX_PRESENCES {
                dropped = Some(uses.presences.remove(0));
            }
            uses.presences.push(client_id.to_owned());
        } else {
            if uses.others.len() >= MAX_OTHERS {
                return Bound::TooMany;
            }
            uses.others.insert(client_id.to_owned(), Other { connections: 1, left: 0 });
        }
        if let Some(dropped) = &dropped {
            self.owners.remove(dropped);
        }
        self.owners.insert(client_id.to_owned(), credential.to_owned());
        Bound::New { dropped }
    }

    /// Notes that a connection with this client id has ended.
    pub(crate) fn left(&mut self, client_id: &str) {
        self.departures += 1;
        let departure = self.departures;
        if let Some(other) = self.other(client_id) {
            other.connections = other.connections.saturating_sub(1);
            other.left = departure;
        }
    }

    /// Frees the client id that has been idle longest, if the credential of `client_id` has too many idle
    /// ones. The caller must end its session.
    ///
    /// This never refuses a new id. Otherwise a program that uses a new client id each time would lock out
    /// its user until the sessions expire.
    pub(crate) fn forget_idle(&mut self, client_id: &str) -> Option<String> {
        let owner = self.owners.get(client_id)?;
        let uses = self.credentials.get_mut(owner)?;
        let idle = || uses.others.iter().filter(|(_, other)| other.connections == 0);
        if idle().count() <= MAX_IDLE {
            return None;
        }
        let oldest = idle().min_by_key(|(_, other)| other.left)?.0.clone();
        uses.others.remove(&oldest);
        self.owners.remove(&oldest);
        Some(oldest)
    }

    /// Frees a client id without a session, unless it belongs to a device or a connection uses it.
    pub(crate) fn release(&mut self, client_id: &str) {
        if self.other(client_id).is_some_and(|other| other.connections == 0)
            && let Some(owner) = self.owners.remove(client_id)
            && let Some(uses) = self.credentials.get_mut(&owner)
        {
            uses.others.remove(client_id);
        }
    }

    /// Returns the temporary client ids that no connection uses.
    pub(crate) fn idle(&self) -> Vec<String> {
        let others = self.credentials.values().flat_map(|uses| &uses.others);
        others.filter(|(_, other)| other.connections == 0).map(|(id, _)| id.clone()).collect()
    }

    fn other(&mut self, client_id: &str) -> Option<&mut Other> {
        let owner = self.owners.get(client_id)?;
        self.credentials.get_mut(owner)?.others.get_mut(client_id)
    }

    /// Records the device, and returns whether the credential uses it for the first time.
    pub(crate) fn note_device(&mut self, credential: &str, device: &DeviceId) -> bool {
        let uses = self.credentials.entry(credential.to_owned()).or_default();
        if uses.devices.contains(device) {
            return false;
        }
        if uses.devices.len() >= MAX_DEVICES {
            uses.devices.remove(0);
        }
        uses.devices.push(device.clone());
        true
    }

    /// Notes that the credential was used. Returns whether the recorded hour changes.
    pub(crate) fn came(&mut self, credential: &str, now: Timestamp) -> bool {
        let hour = u64::try_from(HOUR.as_millis()).unwrap_or(1);
        let now = Timestamp::from_ms(now.as_ms() / hour * hour);
        let uses = self.credentials.entry(credential.to_owned()).or_default();
        let news = uses.last_here != now;
        uses.last_here = now;
        news
    }

    pub(crate) fn last_here(&self, credential: &str) -> Option<Timestamp> {
        self.credentials.get(credential)?.last_here
    }

    /// Returns the devices that the credential has used.
    pub(crate) fn devices(&self, credential: &str) -> Vec<DeviceId> {
        self.credentials.get(credential).map(|uses| uses.devices.clone()).unwrap_or_default()
    }

    /// Forgets a credential, and returns its client ids.
    pub(crate) fn forget(&mut self, credential: &str) -> Vec<String> {
        let Some(uses) = self.credentials.remove(credential) else {
            return Vec::new();
        };
        let ids: Vec<String> = uses.presences.into_iter().chain(uses.others.into_keys()).collect();
        for id in &ids {
            self.owners.remove(id);
        }
        ids
    }
}

/// Returns whether a client id has the form of a device's or its Will connection's: `pl`, 20 letters or
/// digits, `m` or `u` (`docs/protocol.md`, *A session*). One in eighteen readers also has this form.
pub(crate) fn is_presence_client_id(client_id: &str) -> bool {
    client_id.len() == 23 && client_id.starts_with("pl") && client_id.ends_with(['m', 'u'])
}
