//! The records of the protocol as bytes: strict out, lenient in.
//!
//! Owns `docs/protocol.md`, *Records*: sizes, shapes, versions. A stranger's bytes are an error value at
//! worst. Deliberately judges nothing: whether a record counts is decided in [`crate::roster`].

use std::time::Duration;

use serde::Serialize;

use crate::contact::ContactLink;
use crate::presence::{Choice, Chosen, Observed};
use crate::team::{Address, Host};
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

/// Why a payload is no record. The names are those of the counters that `--diagnostics` prints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum WireError {
    /// More than [`MAX_RECORD_BYTES`].
    #[error("it has more than 4096 bytes")]
    TooLarge,
    /// Not UTF-8.
    #[error("it is not UTF-8 text")]
    NotUtf8,
    /// No JSON, or nested deeper than 127 levels, and no word that could be a status.
    #[error("it is neither JSON nor a status in a word")]
    NotJson,
    /// No JSON object, or without a field that it needs.
    #[error("it is not a JSON object with the fields that it needs")]
    WrongShape,
    /// A number that it needs is negative or above 2^53 - 1.
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
    /// Since when, on the writer's clock.
    pub since: Option<Timestamp>,
    /// When this was message_text, on the writer's clock. A Will has none: it can't know when it fires.
    pub timestamp: Option<Timestamp>,
    /// The session's number.
    pub epoch: Option<u64>,
    /// For how long this counts without being renewed.
    pub lease: Option<Duration>,
    /// How long readers give a `lost` before they believe it: the grace where the broker can't give it (3.1.1).
    pub wait: Option<Duration>,
    /// Within what time the loss of the writer's connection shows, as the writer knows its broker's timers.
    pub loss: Option<Duration>,
    /// Whether a microphone is in use there.
    pub in_call: bool,
    /// A copy of the person's choice; absent when there is none.
    pub chosen: Option<Chosen>,
    /// The name shown.
    pub name: Option<String>,
    /// What the device is, in a word.
    pub kind: Option<String>,
    /// The time zone's IANA name.
    pub tz: Option<String>,
    /// By what the person says they can be reached, at most [`MAX_LINKS`](crate::contact::MAX_LINKS).
    pub links: Vec<ContactLink>,
}

impl DeviceRecord {
    /// A record that says nothing but what was observed.
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

    /// The choice in it, if it has one.
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
    /// When this was message_text, on the writer's clock: what it says of times is placed by that.
    pub timestamp: Option<Timestamp>,
}

/// What a simple client says of a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SimpleRecord {
    /// Its status.
    pub status: SimpleStatus,
    /// When it was message_text, on the writer's clock: in a Will the time of the connect, not of the death.
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
    /// A word of their own, fit to be shown.
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
    /// The sum of the person's devices, written by a client or hub that knows device records.
    Aggregate(AggregateRecord),
    /// Written by a simple client.
    Simple(SimpleRecord),
}

/// The sum of a person's devices, for simple readers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AggregateRecord {
    /// The effective status word.
    pub status: String,
    /// When this was written.
    pub timestamp: Option<Timestamp>,
    /// Since when.
    pub since: Option<Timestamp>,
    /// The text beside it.
    pub text: Option<String>,
    /// What a simple client last wrote into this one retained slot.
    pub foreign: Option<SimpleRecord>,
}

/// The record that a hub publishes about itself. An aggregator may leave out every field.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HubRecord {
    /// The team's name.
    pub team: Option<String>,
    /// Which computer hosts it.
    pub host: Option<Host>,
    /// Where it can be reached, the likeliest first.
    pub at: Vec<Address>,
    /// The broker sends what is retained filter by filter, in the order of a SUBSCRIBE, so that who asks for this
    /// record last and gets it has everything; and it keeps to MQTT's timers. A gateway says so of no broker.
    pub in_order: bool,
}

/// A payload: empty clears, anything else is a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Payload<R> {
    /// Empty: forget.
    Cleared,
    /// A record.
    Record(R),
}

/// Reads a device topic's payload.
///
/// # Errors
/// Says why the payload is no record.
pub fn decode_device(payload: &[u8]) -> Result<Payload<DeviceRecord>, WireError> {
    read::payload(payload, read::device)
}

/// Reads a user topic's payload.
///
/// # Errors
/// Says why the payload is no record.
pub fn decode_user(payload: &[u8]) -> Result<Payload<UserRecord>, WireError> {
    read::payload(payload, read::user)
}

/// Reads an activity topic's payload: when the user last gave input.
///
/// # Errors
/// Says why the payload is no record.
pub fn decode_activity(payload: &[u8]) -> Result<Payload<Timestamp>, WireError> {
    read::payload(payload, read::activity)
}

/// Reads a typing topic's payload.
///
/// # Errors
/// Says why the payload is no record.
pub fn decode_typing(payload: &[u8]) -> Result<Payload<bool>, WireError> {
    read::payload(payload, read::typing)
}

/// Reads a chosen topic's payload.
///
/// # Errors
/// Says why the payload is no record.
pub fn decode_chosen(payload: &[u8]) -> Result<Payload<ChosenRecord>, WireError> {
    read::payload(payload, read::chosen)
}

/// Reads the hub topic's payload.
///
/// # Errors
/// Says why the payload is no record.
pub fn decode_hub(payload: &[u8]) -> Result<Payload<HubRecord>, WireError> {
    read::payload(payload, read::hub)
}

/// Reads a message to an inbox. There is nothing to clear: an empty one is none.
///
/// # Errors
/// Says why the payload is no signal.
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

/// Writes a typing mark to the room.
#[must_use]
pub fn encode_typing(typing: bool) -> Vec<u8> {
    write::typing(typing)
}

/// Writes a device record.
#[must_use]
pub fn encode_device(record: &DeviceRecord) -> Vec<u8> {
    write::device(record)
}

/// Writes a sum.
#[must_use]
pub fn encode_aggregate(record: &AggregateRecord) -> Vec<u8> {
    write::sum(record)
}

/// Writes when the user last gave input.
#[must_use]
pub fn encode_activity(at: Timestamp) -> Vec<u8> {
    write::activity(at)
}

/// Writes a choice, or that there is none any more.
#[must_use]
pub fn encode_chosen(record: &ChosenRecord) -> Vec<u8> {
    write::chosen(record)
}

/// Writes that somebody sums here, and who hosts it.
#[must_use]
pub fn encode_hub(record: &HubRecord) -> Vec<u8> {
    write::hub(record)
}

#[cfg(test)]
mod tests;
