//! Converts bytes to records.

use std::borrow::Cow;
use std::time::Duration;

use super::json::{self, Fields, Value};
use super::{
    AggregateRecord, ChosenRecord, DeviceRecord, HubRecord, MAX_RECORD_BYTES, Payload,
    SimpleRecord, SimpleStatus, UserRecord, VERSION, WireError,
};
use crate::contact::{ContactLink, MAX_LINKS};
use crate::id::{DeviceId, UserId};
use crate::presence::{AwayCause, Choice, Chosen, ChosenStatus, Observed, OfflineCause};
use crate::team::{Address, Backup, Host, MAX_ADDRESSES, MAX_TEAM_NAME, StandsIn, WhyAway};
use crate::text::{MAX_EMOJI, MAX_NAME, MAX_STATUS, MAX_TEXT, display_id, display_text};
use crate::time::Timestamp;

mod signal;

pub(super) use signal::signal;

/// A decoded payload, before its topic gives it a meaning.
pub(super) enum Content<'a> {
    /// A status without any JSON around it.
    Bare(&'a str),
    /// A status as a JSON text.
    Word(Cow<'a, str>),
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
    // Editors write a byte order mark, and C programs write the end of their string.
    let text = text.trim_matches(|c: char| c.is_whitespace() || matches!(c, '\0' | '\u{FEFF}'));
    match json::parse(text) {
        Ok(Value::Object(fields)) => Ok(Content::Object(fields)),
        Ok(Value::Text(word)) => Ok(Content::Word(word)),
        Ok(_) => Err(WireError::WrongShape),
        Err(_) if is_word(text) => Ok(Content::Bare(text)),
        Err(error) => Err(error),
    }
}

/// Whether a text that is not JSON can be a person's status: a few words, but no number, data or
/// broken markup.
fn is_word(text: &str) -> bool {
    let begins = text.chars().next().is_some_and(|c| c.is_alphabetic() || !c.is_ascii());
    begins
        && text.chars().count() <= MAX_STATUS
        && text.chars().all(|c| {
            !c.is_control()
                && (!c.is_ascii() || c.is_ascii_alphanumeric() || " -_'.!?&+/".contains(c))
        })
        && display_text(text, MAX_STATUS).is_some()
}

pub(super) fn device(content: &Content<'_>) -> Result<DeviceRecord, WireError> {
    let fields = match content {
        Content::Bare(word) => {
            let observed = observed(word, None).map_err(|_| WireError::NotJson)?;
            return Ok(DeviceRecord::bare(observed));
        }
        Content::Word(word) => return Ok(DeviceRecord::bare(observed(word, None)?)),
        Content::Object(fields) => fields,
    };
    fields.version()?;
    let status = fields.text("status").ok_or(WireError::WrongShape)?;
    Ok(DeviceRecord {
        observed: observed(status, fields.text("cause"))?,
        since: fields.moment("since"),
        timestamp: fields.moment("timestamp"),
        epoch: fields.integer("epoch"),
        lease: fields.integer("lease_s").map(Duration::from_secs),
        wait: fields.integer("wait_s").map(Duration::from_secs),
        loss: fields.integer("loss_s").map(Duration::from_secs),
        in_call: fields.flag("in_call"),
        chosen: fields.object("chosen").and_then(copied),
        name: fields.shown("name", MAX_NAME),
        kind: fields.shown("kind", MAX_STATUS),
        tz: fields.shown("tz", MAX_NAME),
        links: fields.links("links"),
    })
}

/// A status that a device can observe, with its cause if we know that.
fn observed(status: &str, cause: Option<&str>) -> Result<Observed, WireError> {
    let cause = cause.map(folded);
    let cause = cause.as_deref();
    Ok(match &*folded(status) {
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
    })
}

/// The word in lower case, without surrounding space.
fn folded(word: &str) -> Cow<'_, str> {
    let word = word.trim();
    if word.bytes().any(|byte| byte.is_ascii_uppercase()) {
        word.to_ascii_lowercase().into()
    } else {
        word.into()
    }
}

/// The choice in a device's record. An invisible person has no device here, so it never is
/// invisible.
fn copied(fields: &Fields<'_>) -> Option<Chosen> {
    let invisible = |choice: &Choice| choice.status == ChosenStatus::Invisible;
    choice(fields).ok().flatten().filter(|chosen| !chosen.choice.as_ref().is_some_and(invisible))
}

/// A choice with an unknown status counts as none: a newer client wrote it.
fn choice(fields: &Fields<'_>) -> Result<Option<Chosen>, WireError> {
    let rev = fields.needed_integer("rev")?;
    let choice = match fields.field("status") {
        None => None,
        Some(Value::Text(word)) => match ChosenStatus::from_word(&folded(word)) {
            None => return Ok(None),
            Some(status) => Some(Choice {
                status,
                text: fields.shown("text", MAX_TEXT),
                emoji: fields.shown("emoji", MAX_EMOJI),
                until: fields.moment("until"),
                at: fields.moment("at"),
            }),
        },
        Some(_) => return Err(WireError::WrongShape),
    };
    Ok(Some(Chosen { rev, choice }))
}

pub(super) fn chosen(content: &Content<'_>) -> Result<ChosenRecord, WireError> {
    let fields = content.object()?;
    fields.version()?;
    let chosen = choice(fields)?.ok_or(WireError::UnknownStatus)?;
    Ok(ChosenRecord { chosen, timestamp: fields.moment("timestamp") })
}

pub(super) fn user(content: &Content<'_>) -> Result<UserRecord, WireError> {
    let fields = match content {
        Content::Bare(word) => return word_of_a_simple_client(word),
        Content::Word(word) => return word_of_a_simple_client(word),
        Content::Object(fields) => fields,
    };
    if fields.field("v").is_none() {
        return simple(fields).map(UserRecord::Simple);
    }
    fields.version()?;
    Ok(UserRecord::Aggregate(AggregateRecord {
        status: simple(fields)?.status.word().to_owned(),
        timestamp: fields.moment("timestamp"),
        since: fields.moment("since"),
        text: fields.shown("text", MAX_TEXT),
        foreign: fields.object("foreign").and_then(|fields| simple(fields).ok()),
    }))
}

fn word_of_a_simple_client(word: &str) -> Result<UserRecord, WireError> {
    let status = simple_status(word).ok_or(WireError::WrongShape)?;
    Ok(UserRecord::Simple(SimpleRecord { status, timestamp: None }))
}

/// A simple client's record.
fn simple(fields: &Fields<'_>) -> Result<SimpleRecord, WireError> {
    let status = fields.text("status").and_then(simple_status).ok_or(WireError::WrongShape)?;
    Ok(SimpleRecord { status, timestamp: fields.moment("timestamp") })
}

/// A simple client's status: a known one, or any word with a visible character.
fn simple_status(word: &str) -> Option<SimpleStatus> {
    Some(match &*folded(word) {
        "online" => SimpleStatus::Online,
        "away" => SimpleStatus::Away,
        "offline" => SimpleStatus::Offline,
        _ => SimpleStatus::Other(display_text(word, MAX_STATUS)?),
    })
}

pub(super) fn activity(content: &Content<'_>) -> Result<Timestamp, WireError> {
    let fields = content.object()?;
    match fields.moment("timestamp") {
        Some(at) => Ok(at),
        None => fields.needed_integer("timestamp").and(Err(WireError::OutOfRange)),
    }
}

pub(super) fn typing(content: &Content<'_>) -> Result<bool, WireError> {
    match content.object()?.field("isTyping") {
        Some(Value::Flag(typing)) => Ok(*typing),
        _ => Err(WireError::WrongShape),
    }
}

/// The record's existence matters most, so an unreadable field counts as absent.
pub(super) fn hub(content: &Content<'_>) -> Result<HubRecord, WireError> {
    let fields = content.object()?;
    fields.version()?;
    Ok(HubRecord {
        team: fields.shown("team", MAX_TEAM_NAME),
        host: fields.object("host").and_then(hosting),
        at: addresses(fields.field("at")),
        in_order: fields.flag("in_order"),
        revision: fields.integer("revision").unwrap_or(0),
        backup: fields.object("backup").and_then(backup),
        stands_in: fields.object("stands_in").and_then(stands_in),
    })
}

fn backup(fields: &Fields<'_>) -> Option<Backup> {
    let Host { user, device, name } = hosting(fields)?;
    let at = addresses(fields.field("at"));
    let serial = fields.integer("serial")?;
    Some(Backup { user: user?, device, name, at, serial })
}

fn stands_in(fields: &Fields<'_>) -> Option<StandsIn> {
    let why = match fields.text("why")? {
        "asleep" => WhyAway::Asleep,
        "quit" => WhyAway::Quit,
        _ => WhyAway::Lost,
    };
    Some(StandsIn { why, since: fields.moment("since")? })
}

fn hosting(fields: &Fields<'_>) -> Option<Host> {
    let user = fields.text("user").and_then(|id| UserId::parse(id).ok());
    let device = fields.text("device").and_then(|id| DeviceId::parse(id).ok());
    let name = fields.shown("name", MAX_NAME);
    let name = name.or_else(|| Some(display_id(user.as_ref()?.as_str(), MAX_NAME)))?;
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
            Self::Bare(_) | Self::Word(_) => Err(WireError::WrongShape),
        }
    }
}

/// An unreadable field counts as absent, so that only that field is lost.
impl<'a> Fields<'a> {
    fn text(&self, name: &str) -> Option<&str> {
        match self.field(name) {
            Some(Value::Text(text)) => Some(text),
            _ => None,
        }
    }

    fn shown(&self, name: &str, max: usize) -> Option<String> {
        self.text(name).and_then(|text| display_text(text, max))
    }

    /// Links that open a conversation or a page; others, and those above the limit, are left out.
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

    /// A required number.
    fn needed_integer(&self, name: &str) -> Result<u64, WireError> {
        match self.field(name) {
            Some(Value::Integer(_) | Value::Double(_)) => {
                self.integer(name).ok_or(WireError::OutOfRange)
            }
            _ => self.integer(name).ok_or(WireError::WrongShape),
        }
    }

    fn integer(&self, name: &str) -> Option<u64> {
        let integer = match self.field(name)? {
            Value::Integer(integer) => *integer,
            // Clients whose only number type is a double, or which multiply seconds, write a
            // fraction.
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a cast from a double saturates, and it is not negative"
            )]
            Value::Double(double) if *double >= 0.0 => *double as u64,
            Value::Text(digits) => digits.trim().parse().ok()?,
            _ => return None,
        };
        (integer <= Timestamp::MAX.as_ms()).then_some(integer)
    }

    /// A time in milliseconds, or as a text with its zone (RFC 3339).
    fn moment(&self, name: &str) -> Option<Timestamp> {
        let ms = self.integer(name).or_else(|| {
            let moment: jiff::Timestamp = self.text(name)?.trim().parse().ok()?;
            u64::try_from(moment.as_millisecond()).ok()
        });
        ms.and_then(Timestamp::from_ms)
    }

    fn flag(&self, name: &str) -> bool {
        matches!(self.field(name), Some(Value::Flag(true)))
    }

    fn object(&self, name: &str) -> Option<&Fields<'a>> {
        match self.field(name) {
            Some(Value::Object(fields)) => Some(fields),
            _ => None,
        }
    }

    fn version(&self) -> Result<(), WireError> {
        match self.field("v") {
            None => Ok(()),
            Some(_) if self.integer("v") == Some(VERSION) => Ok(()),
            Some(_) => Err(WireError::UnknownVersion),
        }
    }
}
