//! Fuzzes the payloads of the protocol's topics.

use std::fmt::Debug;

use porchlight_core::presence::Choice;
use porchlight_core::signal::{Answer, SignalMessage};
use porchlight_core::text::{MAX_EMOJI, MAX_NAME, MAX_STATUS, MAX_TEXT, is_deceptive};
use porchlight_core::time::Timestamp;
use porchlight_core::wire::{self, MAX_RECORD_BYTES, Payload, UserRecord, WireError};

/// Decodes any payload as every kind of record. A decoded record encodes to bytes within the size
/// limit that decode to the same record, and every text in it can be shown.
pub fn read_records(data: &[u8]) {
    device(data);
    user(data);
    choice_and_hub(data);
    if let Ok(Payload::Record(at)) = wire::decode_activity(data) {
        is_read_back(&at, &wire::encode_activity(at), wire::decode_activity);
    }
    if let Ok(Payload::Record(typing)) = wire::decode_typing(data) {
        is_read_back(&typing, &wire::encode_typing(typing), wire::decode_typing);
    }
    signal(data);
}

fn is_read_back<R: Debug + PartialEq>(
    record: &R,
    written: &[u8],
    read: impl Fn(&[u8]) -> Result<Payload<R>, WireError>,
) {
    assert!(written.len() <= MAX_RECORD_BYTES, "{} bytes: {record:?}", written.len());
    let Ok(Payload::Record(again)) = read(written) else {
        panic!("{record:?} is not read back from {}", written.escape_ascii());
    };
    assert_eq!(&again, record, "{}", written.escape_ascii());
}

/// Checks that a text has at most `max` characters, and none that could deceive a reader.
fn can_be_shown(text: Option<&str>, max: usize) {
    if let Some(text) = text {
        assert!(!text.is_empty() && text.chars().count() <= max, "{text:?}");
        assert!(!text.contains(is_deceptive), "{text:?}");
    }
}

fn device(data: &[u8]) {
    if let Ok(Payload::Record(mut record)) = wire::decode_device(data) {
        can_be_shown(record.name.as_deref(), MAX_NAME);
        can_be_shown(record.kind.as_deref(), MAX_STATUS);
        can_be_shown(record.tz.as_deref(), MAX_NAME);
        choice(record.choice());
        // The number of a withdrawn choice is not copied into a device's record.
        record.chosen = record.chosen.filter(|chosen| chosen.choice.is_some());
        is_read_back(&record, &wire::encode_device(&record), wire::decode_device);
    }
}

fn choice(choice: Option<&Choice>) {
    if let Some(choice) = choice {
        can_be_shown(choice.text.as_deref(), MAX_TEXT);
        can_be_shown(choice.emoji.as_deref(), MAX_EMOJI);
    }
}

fn user(data: &[u8]) {
    match wire::decode_user(data) {
        Ok(Payload::Record(UserRecord::Aggregate(sum))) => {
            can_be_shown(Some(&sum.status), MAX_STATUS);
            can_be_shown(sum.text.as_deref(), MAX_TEXT);
            let record = UserRecord::Aggregate(sum.clone());
            is_read_back(&record, &wire::encode_aggregate(&sum), wire::decode_user);
        }
        Ok(Payload::Record(UserRecord::Simple(record))) => {
            can_be_shown(Some(record.status.word()), MAX_STATUS);
        }
        Ok(Payload::Cleared) | Err(_) => {}
    }
}

fn choice_and_hub(data: &[u8]) {
    if let Ok(Payload::Record(record)) = wire::decode_chosen(data) {
        choice(record.chosen.choice.as_ref());
        is_read_back(&record, &wire::encode_chosen(&record), wire::decode_chosen);
    }
    if let Ok(Payload::Record(record)) = wire::decode_hub(data) {
        can_be_shown(record.team.as_deref(), MAX_NAME);
        can_be_shown(record.host.as_ref().map(|host| host.name.as_str()), MAX_NAME);
        is_read_back(&record, &wire::encode_hub(&record), wire::decode_hub);
    }
}

fn signal(data: &[u8]) {
    let Ok(signal) = wire::decode_signal(data) else { return };
    match &signal {
        SignalMessage::Knock { text, .. } | SignalMessage::Waiting { text, .. } => {
            can_be_shown(text.as_deref(), MAX_TEXT);
        }
        SignalMessage::Answer { answer: Answer::Text(text), .. } => {
            can_be_shown(Some(text), MAX_TEXT);
        }
        SignalMessage::Wave { emoji, .. } => can_be_shown(emoji.as_deref(), MAX_EMOJI),
        _ => {}
    }
    let written = wire::encode_signal(&signal, Timestamp::default());
    assert!(written.len() <= MAX_RECORD_BYTES, "{signal:?}");
    assert_eq!(wire::decode_signal(&written).as_ref(), Ok(&signal), "{}", written.escape_ascii());
}
