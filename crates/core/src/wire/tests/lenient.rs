//! Tests input that readers accept although our own code never writes it.

use serde_json::{Value, json};

use super::*;
use crate::wire::{Answer, SignalId, SignalMessage};

/// A simple client's status.
fn simple(text: &str) -> Result<SimpleStatus, WireError> {
    match user(text)? {
        UserRecord::Simple(record) => Ok(record.status),
        UserRecord::Aggregate(_) => panic!("{text:?} has no v"),
    }
}

fn other(word: &str) -> SimpleStatus {
    SimpleStatus::Other(word.to_owned())
}

#[test]
fn a_bare_word_is_a_status_however_it_is_wrapped() {
    for (text, status) in [
        ("online", SimpleStatus::Online),
        ("OnLine", SimpleStatus::Online),
        ("online\0", SimpleStatus::Online),
        ("online\r\n\0\0", SimpleStatus::Online),
        ("\u{FEFF}online", SimpleStatus::Online),
        ("\"online\"", SimpleStatus::Online),
        ("\u{FEFF} \"Offline\" \0", SimpleStatus::Offline),
        ("away", SimpleStatus::Away),
        ("\"AWAY\"\n", SimpleStatus::Away),
        ("busy", other("busy")),
        ("dnd", other("dnd")),
        ("BRB", other("BRB")),
        ("in a meeting", other("in a meeting")),
        ("\"in a \\u202emeeting\"", other("in a meeting")),
        ("beschäftigt", other("beschäftigt")),
        ("会議中", other("会議中")),
        ("\u{FEFF}{\"status\":\"online\"}\0", SimpleStatus::Online),
        ("{\"status\":\" Away \"}", SimpleStatus::Away),
    ] {
        assert_eq!(simple(text), Ok(status), "{text:?}");
    }
}

#[test]
fn what_is_no_word_is_no_status() {
    let long = "x".repeat(MAX_STATUS + 1);
    for text in [
        "{online}",
        "{\"status\":",
        "[",
        "<b>online</b>",
        "\"online",
        " ",
        "\0",
        "\u{FEFF}",
        "\u{200B}",
        "\u{3164}",
        "on\u{1B}[31mline",
        "on\0line",
        "on\nline",
        "---",
        "lunch, with \"quotes\"",
        "temp=21",
        "a,b;c",
        "0x1F",
        &long,
    ] {
        assert!(user(text).is_err(), "{text:?}");
    }
    for text in ["7", "1.5", "true", "null", "[\"online\"]", "\"\"", "\"\\u200b\""] {
        assert_eq!(user(text), Err(WireError::WrongShape), "{text:?}");
    }
}

#[test]
fn a_device_may_say_its_status_as_a_word_too() {
    for (text, observed) in [
        ("\"online\"", Observed::Active),
        ("online\0", Observed::Active),
        ("away", Observed::Away(None)),
        ("\u{FEFF}Offline", Observed::Offline(None)),
        ("{\"status\":\"Online\"}", Observed::Active),
        ("{\"status\":\"AWAY\",\"cause\":\"Idle\"}", Observed::Away(Some(AwayCause::Idle))),
    ] {
        assert_eq!(device(text), Ok(DeviceRecord::bare(observed)), "{text:?}");
    }
    assert_eq!(device("busy"), Err(WireError::NotJson));
    assert_eq!(device("\"busy\""), Err(WireError::UnknownStatus));
}

#[test]
fn times_are_read_as_numbers_as_digits_and_as_text_with_a_zone() {
    let timestamp = |written: &str| {
        let text = format!("{{\"status\":\"online\",\"timestamp\":{written}}}");
        device(&text).unwrap().timestamp
    };
    let noon = ms(1_763_726_400_000);
    for written in [
        "1763726400000",
        "1763726400000.0",
        "\"1763726400000\"",
        "\"2025-11-21T12:00:00Z\"",
        "\"2025-11-21T12:00:00.000Z\"",
        "\"2025-11-21T13:00:00+01:00\"",
        "\" 2025-11-21 12:00:00Z \"",
    ] {
        assert_eq!(timestamp(written), noon, "{written}");
    }
    // Without a zone the time is ambiguous.
    for written in [
        "\"2025-11-21T12:00:00\"",
        "\"2025-11-21\"",
        "\"yesterday\"",
        "\"\"",
        "true",
        "-1",
        "[]",
        "{}",
        "9007199254740992",
        "1e300",
        "\"1969-12-31T23:59:59Z\"",
    ] {
        assert_eq!(timestamp(written), None, "{written}");
    }
}

#[test]
fn an_odd_optional_field_costs_that_field_alone() {
    let fields = ["cause", "since", "timestamp", "epoch", "lease_s", "wait_s", "loss_s", "in_call"];
    let texts = ["chosen", "name", "kind", "tz", "links"];
    for field in fields.into_iter().chain(texts) {
        for odd in [json!([]), json!({}), json!("?"), json!(-1), json!(1e300), json!([{"a": 1}])] {
            let text = json!({"v": 1, "status": "online", field: odd}).to_string();
            let mut record = device(&text).unwrap_or_else(|error| panic!("{text}: {error}"));
            // `?` is a valid name.
            (record.name, record.kind, record.tz) = (None, None, None);
            assert_eq!(record, DeviceRecord::bare(Observed::Active), "{text}");
        }
    }
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,20}".prop_map(Value::from),
        prop::sample::select(vec!["online", "dnd", "2025-11-21T12:00:00Z", "1"])
            .prop_map(Value::from),
    ];
    leaf.prop_recursive(2, 8, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::btree_map("status|rev|until|at|text|timestamp|x", inner, 0..3)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

/// An object with the required fields, and arbitrary values in some others.
fn with_anything(needed: Value, others: &'static [&'static str]) -> impl Strategy<Value = Vec<u8>> {
    let odd = prop::collection::vec((prop::sample::select(others), any_json()), 1..6);
    odd.prop_map(move |odd| {
        let mut record = needed.clone();
        for (field, value) in odd {
            record[field] = value;
        }
        record.to_string().into_bytes()
    })
}

proptest! {
    #[test]
    fn anything_in_optional_fields_never_hides_a_device(bytes in with_anything(
        json!({"v": 1, "status": "away"}),
        &["cause", "since", "timestamp", "epoch", "lease_s", "wait_s", "loss_s", "in_call",
          "chosen", "name", "kind", "tz", "links", "room"],
    )) {
        let Ok(Payload::Record(record)) = decode_device(&bytes) else {
            return Err(TestCaseError::fail("hidden"));
        };
        prop_assert_eq!(record.observed.status(), "away");
    }

    #[test]
    fn anything_in_optional_fields_never_hides_a_person(
        simple in with_anything(json!({"status": "busy"}), &["timestamp", "since", "text", "room"]),
        sum in with_anything(
            json!({"v": 1, "status": "busy"}), &["timestamp", "since", "text", "foreign"],
        ),
    ) {
        for bytes in [simple, sum] {
            let status = match decode_user(&bytes) {
                Ok(Payload::Record(UserRecord::Simple(record))) => record.status.word().to_owned(),
                Ok(Payload::Record(UserRecord::Aggregate(record))) => record.status,
                other => panic!("{other:?}"),
            };
            prop_assert_eq!(status, "busy");
        }
    }

    #[test]
    fn anything_in_optional_fields_never_hides_a_choice(bytes in with_anything(
        json!({"v": 1, "rev": 3, "status": "dnd"}), &["text", "emoji", "until", "at", "timestamp"],
    )) {
        let Ok(Payload::Record(record)) = decode_chosen(&bytes) else {
            return Err(TestCaseError::fail("hidden"));
        };
        prop_assert_eq!(record.chosen.rev, 3);
        prop_assert_eq!(record.chosen.choice.map(|it| it.status), Some(ChosenStatus::Dnd));
    }

    #[test]
    fn anything_in_optional_fields_never_hides_a_hub_or_a_typing_mark(
        hub in with_anything(json!({"v": 1}), &["team", "host", "at", "in_order"]),
        typing in with_anything(json!({"isTyping": true}), &["to", "timestamp", "text"]),
    ) {
        prop_assert!(matches!(decode_hub(&hub), Ok(Payload::Record(_))));
        prop_assert_eq!(decode_typing(&typing), Ok(Payload::Record(true)));
    }

    #[test]
    fn anything_in_optional_fields_never_hides_a_signal(
        knock in with_anything(json!({"v": 1, "kind": "knock", "id": "k"}), &["text", "when", "at"]),
        answer in with_anything(
            json!({"v": 1, "kind": "answer", "re": "k", "answer": "later"}), &["text", "of", "at"],
        ),
        typing in with_anything(json!({"kind": "typing"}), &["at", "text"]),
    ) {
        let knocked = matches!(decode_signal(&knock), Ok(SignalMessage::Knock { .. }));
        let later = |signal| matches!(signal, Ok(SignalMessage::Answer { answer: Answer::Later, .. }));
        prop_assert!(knocked && later(decode_signal(&answer)));
        prop_assert_eq!(decode_signal(&typing), Ok(SignalMessage::Typing(true)));
    }
}

#[test]
fn an_odd_field_of_a_signal_costs_that_field_alone() {
    let id = SignalId::parse("k").unwrap();
    let knock = br#"{"kind":"knock","id":"k","text":[7],"when":true,"at":"now"}"#;
    assert_eq!(
        decode_signal(knock),
        Ok(SignalMessage::Knock { id: id.clone(), text: None, both_free: false })
    );
    let seen = br#"{"kind":"seen","re":"k","of":"a/b"}"#;
    assert_eq!(decode_signal(seen), Ok(SignalMessage::Seen { re: id, of: None }));
    assert_eq!(
        decode_signal(br#"{"kind":"typing","isTyping":"yes"}"#),
        Ok(SignalMessage::Typing(true))
    );
}

#[test]
fn a_version_may_be_written_as_text_and_any_other_is_not_known() {
    assert!(device(r#"{"v":"1","status":"online"}"#).is_ok());
    assert!(device(r#"{"v":1.0,"status":"online"}"#).is_ok());
    for v in ["2", "-1", "\"2\"", "\"x\"", "[]", "true", "1e300"] {
        let text = format!("{{\"v\":{v},\"status\":\"online\"}}");
        assert_eq!(device(&text), Err(WireError::UnknownVersion), "{v}");
    }
}
