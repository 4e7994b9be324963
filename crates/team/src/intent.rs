//! What a person wants to happen, as it is on disk until it has happened.
//!
//! The file contains tickets and the token of an invitation, so only this account may read it. It never contains the
//! credential, which is where the person wants it.

use porchlight_core::team::{Address, FingerprintPrefix, Invitation, Pin, Secret};
use serde::{Deserialize, Serialize};

/// Where the device's credential is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SecretStorage {
    /// In the system's keyring.
    Keyring,
    /// In a file that only this account may read. The person was asked and agreed.
    FileAgreed,
}

/// An operation that has begun and not ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "operation", rename_all = "snake_case")]
pub enum Intent {
    /// Becoming a member.
    Enter(Enter),
    /// Taking over the team's hub from another computer.
    Host(Hosting),
    /// Leaving the team.
    Leave(Leaving),
}

/// Becoming a member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Enter {
    /// How.
    pub way: Way,
    /// The name that others will see.
    pub name: String,
    /// What the device is, in a word: `laptop`.
    pub kind: Option<String>,
    /// Where the credential is stored.
    pub storage: SecretStorage,
    /// The id of the credential that this device made.
    pub credential: String,
    /// The id of the credential that the hub accepts no longer. Its membership is removed once the new one is granted.
    pub replaces: Option<String>,
    /// The person does not want it any more.
    pub withdrawn: bool,
}

/// How somebody becomes a member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "snake_case")]
pub enum Way {
    /// By starting a team on this computer.
    Start {
        /// The team's name.
        team: String,
        /// The team in the store was made by this operation, so a refusal removes it.
        makes_store: bool,
    },
    /// By a link.
    Link {
        /// What the link contains.
        #[serde(with = "link")]
        invitation: Invitation,
    },
    /// By asking a team on the local network.
    Request(NewRequest),
}

/// A request to join.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewRequest {
    /// The team's name, as its hub announces it.
    pub team: String,
    /// Where its hub is.
    pub at: Vec<Address>,
    /// The beginning of its certificate's fingerprint, as announced.
    pub prefix: FingerprintPrefix,
    /// What names the request. This device made it.
    pub ticket: Secret,
    /// What the hub answered, once it has.
    pub asked: Option<Asked>,
}

/// A request that a hub has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// The hub's certificate. From then on no other one is trusted.
    pub pin: Pin,
    /// The digits that both sides show.
    pub code: String,
}

/// Taking over the hub.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hosting {
    /// What names this take-over to the old hub. This device made it.
    pub key: String,
    /// Where the old hub is. The membership's own addresses may already be those of the new one.
    pub from: Vec<Address>,
    /// The addresses of the new hub that the old one may have got. Empty: it has got none, so it still serves.
    pub sent: Vec<Address>,
}

/// Leaving a team.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leaving {
    /// With which devices.
    pub scope: LeaveScope,
    /// Forget the membership even if the hub can't be told.
    pub anyway: bool,
}

/// What to leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LeaveScope {
    /// The team, with all devices of this person.
    Team,
    /// The team, with this device only. The person's other devices stay.
    Device,
}

/// An invitation as its link.
mod link {
    use porchlight_core::team::Invitation;
    use serde::{Deserialize as _, Deserializer, Serializer, de};

    pub(super) fn serialize<S: Serializer>(
        invitation: &Invitation,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_str(invitation)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Invitation, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}
