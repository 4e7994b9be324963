//! Converts the protocol's records to and from bytes: strict when writing, lenient when reading.
//!
//! Owns `docs/protocol.md`, *Records*: sizes, shapes, versions. Untrusted bytes cause an error
//! value at worst. Does not judge records: [`crate::roster`] decides whether to accept one.

use std::time::Duration;

use serde::Serialize;

use crate::contact::ContactLink;
use crate::presence::{Choice, Chosen, Observed};
use crate::team::{Address, Backup, Host, StandsIn};
use crate::time::Timestamp;

mod json;
mod read;
mod signal;
mod write;

pub use signal::{Answer, SignalId, SignalIdError, SignalMessage, TooLongError, message_text};

/// The largest record, in bytes.
pub const MAX_RECORD_BYTES: usize = 4096;

/// The version in the records that we write.
pub const VERSION: u64 = 1;

/// Why a payload is not a record. The names are those of the counters that `--diagnostics` prints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum WireError {
    /// More than [`MAX_RECORD_BYTES`].
    #[error("it has more than 4096 bytes")]
    TooLarge,
    /// Not UTF-8 text.
    #[error("it is not UTF-8 text")]
    NotUtf8,
    /// Not JSON, or nested deeper than 127 levels, and not a word that could be a status.
    #[error("it is neither JSON nor a status in a word")]
    NotJson,
    /// Not a JSON object, or without a required field.
    #[error("it is not a JSON object with the fields that it needs")]
    WrongShape,
    /// A required number is negative or above 2^53 - 1.
    #[error("a number in it is not an integer from 0 to 2^53 - 1")]
    OutOfRange,
    /// A `v` that we do not know.
    #[error("its version is not known here")]
    UnknownVersion,
    /// A device record with a status that version 1 does not have.
    #[error("its status is not online, away or offline")]
    UnknownStatus,
    /// A signal of a kind that version 1 does not have.
    #[error("signals of its kind are not known here")]
    UnknownKind,
}

/// One device's record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceRecord {
    /// `status` and `cause`.
    pub observed: Observed,
    /// The start of the observed state, by the writer's clock.
    pub since: Option<Timestamp>,
    /// When the record was written, by the writer's clock. A Will has none: it can't know when it
    /// fires.
    pub timestamp: Option<Timestamp>,
    /// The session's number.
    pub epoch: Option<u64>,
    /// How long this record counts without being renewed.
    pub lease: Option<Duration>,
    /// How long readers wait before they accept a `lost`: the grace period if the broker can't wait
    /// itself (3.1.1).
    pub wait: Option<Duration>,
    /// How fast the loss of the writer's connection shows, from the timers of the writer's broker.
    pub loss: Option<Duration>,
    /// Whether a microphone is in use at the device.
    pub in_call: bool,
    /// A copy of the person's choice; absent when there is none.
    pub chosen: Option<Chosen>,
    /// The name that others see.
    pub name: Option<String>,
    /// The kind of device in a word, such as `laptop`.
    pub kind: Option<String>,
    /// The time zone's IANA name.
    pub tz: Option<String>,
    /// The person's contact links, at most [`MAX_LINKS`](crate::contact::MAX_LINKS).
    pub links: Vec<ContactLink>,
}

impl DeviceRecord {
    /// A record that contains only the observed state.
    #[must_use]
    pub const fn bare(observed: Observed) -> Self {
        Self {
            observed,
            since: None,
            timestamp: None,
            epoch: None,
            lease: None,
            wait: None,
            loss: None,
            in_call: false,
            chosen: None,
            name: None,
            kind: None,
            tz: None,
            links: Vec::new(),
        }
    }

    /// The choice in the record, if there is one.
    #[must_use]
    pub fn choice(&self) -> Option<&Choice> {
        self.chosen.as_ref().and_then(|chosen| chosen.choice.as_ref())
    }
}

/// The record on the topic of a person's chosen status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChosenRecord {
    /// The choice and its number.
    pub chosen: Chosen,
    /// When this was written, by the writer's clock: the other times are placed by it.
    pub timestamp: Option<Timestamp>,
}

/// A simple client's record of a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SimpleRecord {
    /// Its status.
    pub status: SimpleStatus,
    /// When it was written, by the writer's clock: in a Will that is the time of the connect, not
    /// of the loss.
    pub timestamp: Option<Timestamp>,
}

/// The status of a simple client, which may be any word.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum SimpleStatus {
    /// `online`.
    Online,
    /// `away`.
    Away,
    /// `offline`.
    Offline,
    /// A custom word, made safe to show.
    Other(String),
}

impl SimpleStatus {
    /// The word on the wire and on the screen.
    #[must_use]
    pub fn word(&self) -> &str {
        match self {
            Self::Online => "online",
            Self::Away => "away",
            Self::Offline => "offline",
            Self::Other(word) => word,
        }
    }
}

/// The record on a user topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UserRecord {
    /// The aggregate of the person's devices, written by a client or hub that knows device records.
    Aggregate(AggregateRecord),
    /// The record of a simple client.
    Simple(SimpleRecord),
}

/// The aggregate of a person's devices, for simple readers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AggregateRecord {
    /// The effective status word.
    pub status: String,
    /// When this was written.
    pub timestamp: Option<Timestamp>,
    /// The start of the status.
    pub since: Option<Timestamp>,
    /// The text shown with it.
    pub text: Option<String>,
    /// The last record of a simple client in this one retained topic.
    pub foreign: Option<SimpleRecord>,
}

/// The record that a hub publishes about itself. An aggregator may leave out every field.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HubRecord {
    /// The team's name.
    pub team: Option<String>,
    /// The computer that hosts it.
    pub host: Option<Host>,
    /// The addresses of the hub, the likeliest first.
    pub at: Vec<Address>,
    /// Whether the broker keeps MQTT's timers and sends retained messages filter by filter, in the
    /// order of the SUBSCRIBE. A reader that subscribes to this record last then knows that it has
    /// everything. A gateway claims this of no broker.
    pub in_order: bool,
    /// The number of the team's last change of members, logins or backup. It only rises. 0: a hub
    /// without one.
    pub revision: u64,
    /// The computer that serves when the host is away.
    pub backup: Option<Backup>,
    /// That the backup serves, and why.
    pub stands_in: Option<StandsIn>,
}

/// A payload: an empty one clears, any other is a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Payload<R> {
    /// Empty: forget the record.
    Cleared,
    /// A record.
    Record(R),
}

/// Reads a device topic's payload.
///
/// # Errors
///
/// A [`WireError`], which is the reason why the payload is not a record.
pub fn decode_device(payload: &[u8]) -> Result<Payload<DeviceRecord>, WireError> {
    read::payload(payload, read::device)
}

/// Reads a user topic's payload.
///
/// # Errors
///
/// A [`WireError`], which is the reason why the payload is not a record.
pub fn decode_user(payload: &[u8]) -> Result<Payload<UserRecord>, WireError> {
    read::payload(payload, read::user)
}

/// Reads an activity topic's payload: when the user last gave input.
///
/// # Errors
///
/// A [`WireError`], which is the reason why the payload is not a record.
pub fn decode_activity(payload: &[u8]) -> Result<Payload<Timestamp>, WireError> {
    read::payload(payload, read::activity)
}

/// Reads a typing topic's payload.
///
/// # Errors
///
/// A [`WireError`], which is the reason why the payload is not a record.
pub fn decode_typing(payload: &[u8]) -> Result<Payload<bool>, WireError> {
    read::payload(payload, read::typing)
}

/// Reads a chosen topic's payload.
///
/// # Errors
///
/// A [`WireError`], which is the reason why the payload is not a record.
pub fn decode_chosen(payload: &[u8]) -> Result<Payload<ChosenRecord>, WireError> {
    read::payload(payload, read::chosen)
}

/// Reads the hub topic's payload.
///
/// # Errors
///
/// A [`WireError`], which is the reason why the payload is not a record.
pub fn decode_hub(payload: &[u8]) -> Result<Payload<HubRecord>, WireError> {
    read::payload(payload, read::hub)
}

/// Reads a message to an inbox. An inbox has nothing to clear, so an empty message is an error.
///
/// # Errors
///
/// A [`WireError`], which is the reason why the payload is not a signal.
pub fn decode_signal(payload: &[u8]) -> Result<SignalMessage, WireError> {
    match read::payload(payload, read::signal)? {
        Payload::Record(signal) => Ok(signal),
        Payload::Cleared => Err(WireError::WrongShape),
    }
}

/// Writes a message to an inbox.
#[must_use]
pub fn encode_signal(signal: &SignalMessage, at: Timestamp) -> Vec<u8> {
    write::signal(signal, at)
}

/// Writes a typing mark for the whole team.
#[must_use]
pub fn encode_typing(typing: bool) -> Vec<u8> {
    write::typing(typing)
}

/// Writes a device record.
#[must_use]
pub fn encode_device(record: &DeviceRecord) -> Vec<u8> {
    write::device(record)
}

/// Writes an aggregate.
#[must_use]
pub fn encode_aggregate(record: &AggregateRecord) -> Vec<u8> {
    write::sum(record)
}

/// Writes when the user last gave input.
#[must_use]
pub fn encode_activity(at: Timestamp) -> Vec<u8> {
    write::activity(at)
}

/// Writes a choice, or that it was cleared.
#[must_use]
pub fn encode_chosen(record: &ChosenRecord) -> Vec<u8> {
    write::chosen(record)
}

/// Writes the hub record: a hub aggregates here, and which computer hosts it.
#[must_use]
pub fn encode_hub(record: &HubRecord) -> Vec<u8> {
    write::hub(record)
}

#[cfg(test)]
mod tests;
