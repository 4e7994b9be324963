//! The backup computer: it keeps the team running while the host is away.
//!
//! Owns the shapes that host, backup and members exchange about it (`docs/protocol.md`, *The backup
//! computer*).

use serde::{Deserialize, Serialize};

use super::Address;
use crate::id::{DeviceId, UserId};
use crate::time::Timestamp;

/// Why the host is away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(test, derive(ts_rs::TS))]
pub enum WhyAway {
    /// It sleeps, and said so before.
    Asleep,
    /// Porchlight was quit there, or the computer shut down.
    Quit,
    /// It said nothing: it died, or its cable was pulled.
    #[serde(other)]
    Lost,
}

/// What a backup that serves the team says of itself in `_hub`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct StandsIn {
    /// Why the host is away.
    pub why: WhyAway,
    /// Since when, Unix milliseconds.
    pub since: Timestamp,
}

/// The computer that serves the team when the host is away.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Backup {
    /// The user whose computer it is.
    pub user: UserId,
    /// The id of their device, if known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<DeviceId>,
    /// The user's name.
    pub name: String,
    /// The addresses at which it serves, the likeliest first.
    pub at: Vec<Address>,
    /// The lowest serial number of a delegation that members accept. It rises when the backup
    /// changes.
    pub serial: u64,
}

/// `PUT /v1/backup`: the owner asks a member's computer to be the backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackupOrder {
    /// The id of the device's credential ([`super::DeviceOfMember::id`]).
    pub device: String,
}

/// `POST /v1/backup/agree`: the computer that was asked agrees.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackupAgree {
    /// Its public key, P-256, as the DER of its `SubjectPublicKeyInfo` (RFC 5280, section 4.1) in
    /// base64url.
    pub key: String,
    /// The addresses at which it will serve.
    pub at: Vec<Address>,
    /// The id of its device in topics, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<DeviceId>,
}

/// How far a backup has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(test, derive(ts_rs::TS))]
pub enum BackupStage {
    /// The owner asked, and nobody there has agreed yet.
    Asked,
    /// It agreed, and is not connected to the host now.
    Away,
    /// It is connected to the host, and would serve.
    Ready,
}

/// The backup as members see it (`GET /v1/team`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct BackupView {
    /// The user whose computer it is.
    pub user: String,
    /// The user's name.
    pub name: String,
    /// The kind of computer, if it gave one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// How far it has come.
    pub stage: BackupStage,
    /// Whether the requesting device is this computer.
    pub this: bool,
    /// Whether it announces an address that may be reached from other networks. Without one, it
    /// leaves out everybody outside its network.
    pub outside: bool,
}
