//! Bytes to records.

use std::time::Duration;

use super::json::{self, Fields, Value};
use super::{
    ChosenRecord, DeviceRecord, HubRecord, MAX_RECORD_BYTES, Payload, SeedRecord, SeedStatus,
    SumRecord, UserRecord, VERSION, WireError,
};
use crate::contact::{ContactLink, MAX_LINKS};
use crate::id::{DeviceId, UserId};
use crate::presence::{AwayCause, Choice, Chosen, Observed, OfflineCause};
use crate::team::{Address, Host, MAX_ADDRESSES, MAX_TEAM_NAME};
use crate::text::{MAX_EMOJI, MAX_NAME, MAX_STATUS, MAX_TEXT, display_text};
use crate::time::Timestamp;
use crate::view::ChosenStatus;

mod signal;

pub(super) use signal::signal;

/// What a payload is before its topic gives it a meaning.
pub(super) enum Content<'a> {
    /// `online` or `offline` without any JSON around it.
    Word(SeedStatus),
    Object(Fields<'a>),
}

pub(super) fn payload<R>(
    bytes: &[u8],
    read: impl FnOnce(&Content<'_>) -> Result<R, WireError>,
) -> Result<Payload<R>, WireError> {
    if bytes.is_empty() {
        return Ok(Payload::Cleared);
    }
    if bytes.len() > MAX_RECORD_BYTES {
        return Err(WireError::TooLarge);
    }
    let text = std::str::from_utf8(bytes).map_err(|_| WireError::NotUtf8)?;
    read(&content(text)?).map(Payload::Record)
}

fn content(text: &str) -> Result<Content<'_>, WireError> {
    let word = text.trim();
    if word.eq_ignore_ascii_case("online") {
        return Ok(Content::Word(SeedStatus::Online));
    }
    if word.eq_ignore_ascii_case("offline") {
        return Ok(Content::Word(SeedStatus::Offline));
    }
    match json::parse(text)? {
        Value::Object(fields) => Ok(Content::Object(fields)),
        _ => Err(WireError::WrongShape),
    }
}

pub(super) fn device(content: &Content<'_>) -> Result<DeviceRecord, WireError> {
    let fields = match content {
        Content::Word(SeedStatus::Online) => return Ok(DeviceRecord::bare(Observed::Active)),
        Content::Word(_) => return Ok(DeviceRecord::bare(Observed::Offline(None))),
        Content::Object(fields) => fields,
    };
    fields.version()?;
    let cause = fields.text("cause")?;
    let observed = match fields.text("status")?.ok_or(WireError::WrongShape)? {
        "online" if cause == Some("unknown") => Observed::Unknown,
        "online" => Observed::Active,
        "away" => Observed::Away(match cause {
            Some("idle") => Some(AwayCause::Idle),
            Some("locked") => Some(AwayCause::Locked),
            Some("switched") => Some(AwayCause::Switched),
            _ => None,
        }),
        "offline" => Observed::Offline(match cause {
            Some("left") => Some(OfflineCause::Left),
            Some("asleep") => Some(OfflineCause::Asleep),
            Some("lost") => Some(OfflineCause::Lost),
            _ => None,
        }),
        _ => return Err(WireError::UnknownStatus),
    };
    Ok(DeviceRecord {
        observed,
        since: fields.moment("since")?,
        timestamp: fields.moment("timestamp")?,
        epoch: fields.integer("epoch")?,
        lease: fields.integer("lease_s")?.map(Duration::from_secs),
        wait: fields.integer("wait_s")?.map(Duration::from_secs),
        loss: fields.integer("loss_s")?.map(Duration::from_secs),
        in_call: fields.flag("in_call")?,
        chosen: fields.object("chosen")?.map(copied).transpose()?.flatten(),
        name: fields.shown("name", MAX_NAME)?,
        kind: fields.shown("kind", MAX_STATUS)?,
        tz: fields.shown("tz", MAX_NAME)?,
        links: fields.links("links"),
    })
}

/// The copy in a device's record. Somebody invisible has no device here, so it never says that.
fn copied(fields: &Fields<'_>) -> Result<Option<Chosen>, WireError> {
    let invisible = |choice: &Choice| choice.status == ChosenStatus::Invisible;
    Ok(choice(fields)?.filter(|chosen| !chosen.choice.as_ref().is_some_and(invisible)))
}

/// A choice whose status is none we know is as good as none: a newer client wrote it.
fn choice(fields: &Fields<'_>) -> Result<Option<Chosen>, WireError> {
    let rev = fields.integer("rev")?.ok_or(WireError::WrongShape)?;
    let choice = match fields.text("status")? {
        None => None,
        Some(word) => match ChosenStatus::from_word(word) {
            None => return Ok(None),
            Some(status) => Some(Choice {
                status,
                text: fields.shown("text", MAX_TEXT)?,
                emoji: fields.shown("emoji", MAX_EMOJI)?,
                until: fields.moment("until")?,
                at: fields.moment("at")?,
            }),
        },
    };
    Ok(Some(Chosen { rev, choice }))
}

pub(super) fn chosen(content: &Content<'_>) -> Result<ChosenRecord, WireError> {
    let fields = content.object()?;
    fields.version()?;
    let chosen = choice(fields)?.ok_or(WireError::UnknownStatus)?;
    Ok(ChosenRecord { chosen, timestamp: fields.moment("timestamp")? })
}

pub(super) fn user(content: &Content<'_>) -> Result<UserRecord, WireError> {
    let fields = match content {
        Content::Word(status) => {
            return Ok(UserRecord::Seed(SeedRecord { status: status.clone(), timestamp: None }));
        }
        Content::Object(fields) => fields,
    };
    if fields.field("v").is_none() {
        return seed(fields).map(UserRecord::Seed);
    }
    fields.version()?;
    Ok(UserRecord::Sum(SumRecord {
        status: seed(fields)?.status.word().to_owned(),
        timestamp: fields.moment("timestamp")?,
        since: fields.moment("since")?,
        text: fields.shown("text", MAX_TEXT)?,
        foreign: fields.object("foreign")?.map(seed).transpose()?,
    }))
}

fn seed(fields: &Fields<'_>) -> Result<SeedRecord, WireError> {
    let word = fields.text("status")?.ok_or(WireError::WrongShape)?;
    let status = match word.trim().to_ascii_lowercase().as_str() {
        "online" => SeedStatus::Online,
        "away" => SeedStatus::Away,
        "offline" => SeedStatus::Offline,
        _ => SeedStatus::Other(display_text(word, MAX_STATUS).ok_or(WireError::WrongShape)?),
    };
    Ok(SeedRecord { status, timestamp: fields.moment("timestamp")? })
}

pub(super) fn activity(content: &Content<'_>) -> Result<Timestamp, WireError> {
    content.object()?.moment("timestamp")?.ok_or(WireError::WrongShape)
}

pub(super) fn typing(content: &Content<'_>) -> Result<bool, WireError> {
    match content.object()?.field("isTyping") {
        Some(Value::Flag(typing)) => Ok(*typing),
        _ => Err(WireError::WrongShape),
    }
}

/// That somebody sums here is what counts: of the rest, what can't be read is as good as not said.
pub(super) fn hub(content: &Content<'_>) -> Result<HubRecord, WireError> {
    let fields = content.object()?;
    fields.version()?;
    Ok(HubRecord {
        team: fields.shown("team", MAX_TEAM_NAME).ok().flatten(),
        host: fields.object("host").ok().flatten().and_then(hosting),
        at: addresses(fields.field("at")),
        in_order: matches!(fields.field("in_order"), Some(Value::Flag(true))),
    })
}

fn hosting(fields: &Fields<'_>) -> Option<Host> {
    let text = |name| fields.text(name).ok().flatten();
    let user = text("user").and_then(|id| UserId::parse(id).ok());
    let device = text("device").and_then(|id| DeviceId::parse(id).ok());
    let name = fields.shown("name", MAX_NAME).ok().flatten();
    let name = name.or_else(|| display_text(user.as_ref()?.as_str(), MAX_NAME))?;
    Some(Host { user, device, name })
}

fn addresses(at: Option<&Value<'_>>) -> Vec<Address> {
    let Some(Value::List(listed)) = at else {
        return Vec::new();
    };
    let readable = listed.iter().filter_map(|address| match address {
        Value::Text(address) => address.parse().ok(),
        _ => None,
    });
    readable.take(MAX_ADDRESSES).collect()
}

impl<'a> Content<'a> {
    fn object(&self) -> Result<&Fields<'a>, WireError> {
        match self {
            Self::Object(fields) => Ok(fields),
            Self::Word(_) => Err(WireError::WrongShape),
        }
    }
}

impl<'a> Fields<'a> {
    fn text(&self, name: &str) -> Result<Option<&str>, WireError> {
        match self.field(name) {
            None => Ok(None),
            Some(Value::Text(text)) => Ok(Some(text)),
            Some(_) => Err(WireError::WrongShape),
        }
    }

    fn shown(&self, name: &str, max: usize) -> Result<Option<String>, WireError> {
        Ok(self.text(name)?.and_then(|text| display_text(text, max)))
    }

    /// Links that open a conversation or a page; what is none of those is left out, and what is too many.
    fn links(&self, name: &str) -> Vec<ContactLink> {
        let Some(Value::List(listed)) = self.field(name) else {
            return Vec::new();
        };
        let links = listed.iter().filter_map(|link| match link {
            Value::Text(link) => ContactLink::parse(link).ok(),
            _ => None,
        });
        links.take(MAX_LINKS).collect()
    }

    fn integer(&self, name: &str) -> Result<Option<u64>, WireError> {
        let integer = match self.field(name) {
            None => return Ok(None),
            Some(Value::Integer(integer)) => *integer,
            // Clients whose only number is a double, or who multiply seconds, write a fraction.
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a cast from a double saturates, and it is not negative"
            )]
            Some(Value::Double(double)) if *double >= 0.0 => *double as u64,
            Some(Value::Double(_)) => return Err(WireError::OutOfRange),
            Some(_) => return Err(WireError::WrongShape),
        };
        if integer <= Timestamp::MAX.as_ms() {
            Ok(Some(integer))
        } else {
            Err(WireError::OutOfRange)
        }
    }

    fn moment(&self, name: &str) -> Result<Option<Timestamp>, WireError> {
        Ok(self.integer(name)?.and_then(Timestamp::from_ms))
    }

    fn flag(&self, name: &str) -> Result<bool, WireError> {
        match self.field(name) {
            None => Ok(false),
            Some(Value::Flag(flag)) => Ok(*flag),
            Some(_) => Err(WireError::WrongShape),
        }
    }

    fn object(&self, name: &str) -> Result<Option<&Fields<'a>>, WireError> {
        match self.field(name) {
            None => Ok(None),
            Some(Value::Object(fields)) => Ok(Some(fields)),
            Some(_) => Err(WireError::WrongShape),
        }
    }

    fn version(&self) -> Result<(), WireError> {
        match self.integer("v")? {
            None | Some(VERSION) => Ok(()),
            Some(_) => Err(WireError::UnknownVersion),
        }
    }
}
