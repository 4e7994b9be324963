//! What each credential was seen to use: client ids, devices, and when it last came. Of a program's token: when a
//! program last read with it.
//!
//! Owns the rule that a client id belongs to the credential that first used it, Clean Start or not: whoever took
//! another's id over would end their session without its Will, and leave a ghost. Ids of presences are remembered for good,
//! all others while the caller says that their session lives.

use porchlight_core::id::DeviceId;
use porchlight_core::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

/// How many ids of presences a credential has. A device has two; a copied one makes new ones.
const MAX_PRESENCES: usize = 8;
/// How many other client ids a credential has at a time.
const MAX_OTHERS: usize = 64;
/// How many of those may be idle: used by no connection, while a session waits for one to come back.
const MAX_IDLE: usize = 8;
/// How many device ids are remembered.
const MAX_DEVICES: usize = 16;
const HOUR: Duration = Duration::from_secs(60 * 60);

/// What the credentials used.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct CredentialUsage {
    credentials: BTreeMap<String, Uses>,
    /// Whose each client id is: the ids below, and those of the moment.
    #[serde(skip)]
    owners: HashMap<String, String>,
    /// How often a client id became idle.
    #[serde(skip)]
    departures: u64,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Uses {
    #[serde(default)]
    last_here: Option<Timestamp>,
    /// The client ids of its presences, the one used last at the end.
    #[serde(default)]
    presences: Vec<String>,
    #[serde(default)]
    devices: Vec<DeviceId>,
    /// Those of the moment.
    #[serde(skip)]
    others: HashMap<String, Other>,
}

/// A client id of the moment.
#[derive(Debug, Clone, Default)]
struct Other {
    /// How many connections use it.
    connections: u32,
    /// Which departure made it idle.
    left: u64,
}

/// What came of asking for a client id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Bound {
    /// It is the credential's, and nothing changed that must be written.
    StoredMessage,
    /// It is the credential's now; `dropped` is not any more.
    New { dropped: Option<String> },
    /// It is somebody else's.
    Foreign,
    /// The credential has as many as it may.
    TooMany,
}

impl CredentialUsage {
    /// Made whole again after it was read from a file.
    pub(crate) fn restored(mut self) -> Self {
        for (credential, uses) in &self.credentials {
            let ids = uses.presences.iter().map(|id| (id.clone(), credential.clone()));
            self.owners.extend(ids);
        }
        self
    }

    /// Binds a client id; `lasting` where it is a presence's, not a reader's.
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

    /// A connection with this client id has ended.
    pub(crate) fn left(&mut self, client_id: &str) {
        self.departures += 1;
        let departure = self.departures;
        if let Some(other) = self.other(client_id) {
            other.connections = other.connections.saturating_sub(1);
            other.left = departure;
        }
    }

    /// Frees the client id that has been idle longest where the owner of `client_id` has too many idle ones; its session
    /// must end.
    ///
    /// The oldest goes, and no newcomer is refused: a program that takes a new client id each time would otherwise lock
    /// its owner out until the sessions expire.
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

    /// Frees a client id that no session uses any more, unless it is a presence's or a connection uses it.
    pub(crate) fn release(&mut self, client_id: &str) {
        if self.other(client_id).is_some_and(|other| other.connections == 0)
            && let Some(owner) = self.owners.remove(client_id)
            && let Some(uses) = self.credentials.get_mut(&owner)
        {
            uses.others.remove(client_id);
        }
    }

    /// The client ids that are bound for the moment only, and that no connection uses.
    pub(crate) fn idle(&self) -> Vec<String> {
        let others = self.credentials.values().flat_map(|uses| &uses.others);
        others.filter(|(_, other)| other.connections == 0).map(|(id, _)| id.clone()).collect()
    }

    fn other(&mut self, client_id: &str) -> Option<&mut Other> {
        let owner = self.owners.get(client_id)?;
        self.credentials.get_mut(owner)?.others.get_mut(client_id)
    }

    /// Whether the credential speaks for this device for the first time.
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

    /// Notes that the credential came; whether that is news, to the hour.
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

    /// The devices that the credential spoke for.
    pub(crate) fn devices(&self, credential: &str) -> Vec<DeviceId> {
        self.credentials.get(credential).map(|uses| uses.devices.clone()).unwrap_or_default()
    }

    /// Forgets a credential; the client ids that it had.
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

/// Whether a client id has the form of a presence's or its Will connection's: `pl`, 20 letters or digits, `m` or `u`
/// (`docs/protocol.md`, *A session*). One reader in eighteen looks like it, too.
pub(crate) fn is_presence_client_id(client_id: &str) -> bool {
    client_id.len() == 23 && client_id.starts_with("pl") && client_id.ends_with(['m', 'u'])
}
