use proptest::prelude::*;

use super::*;
use crate::contact::{ContactLink, MAX_LINKS};
use crate::id::{DeviceId, UserId};
use crate::presence::{AwayCause, ChosenStatus, OfflineCause};
use crate::team::{Backup, StandsIn, WhyAway};
use crate::text::{MAX_EMOJI, MAX_NAME, MAX_STATUS, MAX_TEXT};

mod lenient;

fn device(text: &str) -> Result<DeviceRecord, WireError> {
    decode_device(text.as_bytes()).map(|payload| match payload {
        Payload::Record(record) => record,
        Payload::Cleared => panic!("not empty"),
    })
}

fn user(text: &str) -> Result<UserRecord, WireError> {
    decode_user(text.as_bytes()).map(|payload| match payload {
        Payload::Record(record) => record,
        Payload::Cleared => panic!("not empty"),
    })
}

fn ms(ms: u64) -> Option<Timestamp> {
    Timestamp::from_ms(ms)
}

#[test]
fn the_example_of_the_protocol_is_read_and_written_as_it_stands() {
    let text = concat!(
        r#"{"v":1,"status":"away","cause":"idle","since":1763741700000,"timestamp":1763742000000,"#,
        r#""epoch":1763740000000,"lease_s":3600,"#,
        r#""chosen":{"rev":7,"status":"dnd","text":"Deep work","emoji":"🎧","until":1763745600000},"#,
        r#""name":"Alice Liddell","kind":"laptop","tz":"Europe/Berlin"}"#
    );
    let record = device(text).unwrap();
    assert_eq!(record.observed, Observed::Away(Some(AwayCause::Idle)));
    assert_eq!(record.lease, Some(Duration::from_secs(3600)));
    assert_eq!(record.choice().map(|choice| choice.status), Some(ChosenStatus::Dnd));
    assert_eq!(String::from_utf8(encode_device(&record)).unwrap(), text);
}

#[test]
fn links_that_could_do_harm_are_left_out_and_so_are_too_many() {
    let links = |links: &str| {
        let record = device(&format!(r#"{{"status":"online","links":{links}}}"#)).unwrap();
        record.links.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(
        links(r#"["mailto:a@b","javascript:alert(1)",7,null,"file:///etc/passwd","tel:+1"]"#),
        ["mailto:a@b", "tel:+1"]
    );
    assert_eq!(links(r#""mailto:a@b""#), [""; 0]);
    let many = ["\"tel:1\""; 2 * MAX_LINKS].join(",");
    assert_eq!(links(&format!("[{many}]")).len(), MAX_LINKS);
}

#[test]
fn what_is_no_record_is_named() {
    let deep = format!(r#"{{"status":"online","x":{}{}}}"#, "[".repeat(500), "]".repeat(500));
    let long = format!(r#"{{"status":"online","x":"{}"}}"#, "x".repeat(MAX_RECORD_BYTES));
    for (text, error) in [
        (long.as_str(), WireError::TooLarge),
        (deep.as_str(), WireError::NotJson),
        ("hello", WireError::NotJson),
        ("{", WireError::NotJson),
        (" ", WireError::NotJson),
        (r#"["online"]"#, WireError::WrongShape),
        ("null", WireError::WrongShape),
        ("{}", WireError::WrongShape),
        (r#"{"status":7}"#, WireError::WrongShape),
        (r#"{"v":2,"status":"online"}"#, WireError::UnknownVersion),
        (r#"{"v":1,"status":"in a meeting"}"#, WireError::UnknownStatus),
    ] {
        assert_eq!(device(text), Err(error), "{text:.60}");
    }
    assert_eq!(decode_device(b"\xff\xfe"), Err(WireError::NotUtf8));
    assert_eq!(decode_device(b""), Ok(Payload::Cleared));
}

#[test]
fn readers_are_lenient() {
    for text in [
        "ONLINE",
        " online\n",
        r#"{"status":"online"}"#,
        r#"{"status":"online","v":1,"room":{"a":[1]}}"#,
        r#"{"status":"online","cause":"quantum"}"#,
        r#"{"status":"online","name":null}"#,
        r#"{"status":"online","chosen":{"rev":3,"status":"of a later version"}}"#,
        r#"{"status":"online","chosen":{"rev":3,"status":"invisible"}}"#,
    ] {
        assert_eq!(device(text), Ok(DeviceRecord::bare(Observed::Active)), "{text}");
    }
    assert_eq!(device("Offline"), Ok(DeviceRecord::bare(Observed::Offline(None))));
    let fraction = device(r#"{"status":"online","timestamp":1763742000000.5}"#).unwrap();
    assert_eq!(fraction.timestamp, ms(1_763_742_000_000));
    let year_40000 = device(r#"{"status":"online","since":1200146400000000}"#).unwrap();
    assert_eq!(year_40000.since, ms(1_200_146_400_000_000));
}

#[test]
fn a_user_topic_holds_a_sum_or_a_seed_style_record() {
    let seed = |status, timestamp| UserRecord::Simple(SimpleRecord { status, timestamp });
    assert_eq!(user(r#"{"status":"online"}"#), Ok(seed(SimpleStatus::Online, None)));
    assert_eq!(user("offline"), Ok(seed(SimpleStatus::Offline, None)));
    assert_eq!(
        user(r#"{"status":"in a \u202emeeting","timestamp":5}"#),
        Ok(seed(SimpleStatus::Other("in a meeting".to_owned()), ms(5)))
    );
    assert_eq!(user(r#"{"status":"\u0007"}"#), Err(WireError::WrongShape));
    assert_eq!(user(r#"{"v":3,"status":"online"}"#), Err(WireError::UnknownVersion));
    let sum = r#"{"v":1,"status":"dnd","timestamp":9,"foreign":{"status":"online","timestamp":8}}"#;
    let UserRecord::Aggregate(sum) = user(sum).unwrap() else {
        panic!("it has a v");
    };
    assert_eq!(sum.status, "dnd");
    assert_eq!(sum.foreign, Some(SimpleRecord { status: SimpleStatus::Online, timestamp: ms(8) }));
}

#[test]
fn typing_and_activity_are_those_of_the_seed() {
    assert_eq!(decode_typing(br#"{"isTyping":true}"#), Ok(Payload::Record(true)));
    assert_eq!(decode_typing(br#"{"isTyping":1}"#), Err(WireError::WrongShape));
    assert_eq!(decode_typing(b"online"), Err(WireError::WrongShape));
    assert_eq!(
        decode_activity(br#"{"timestamp":5}"#),
        Ok(Payload::Record(Timestamp::from_ms(5).unwrap()))
    );
    assert_eq!(decode_activity(b"{}"), Err(WireError::WrongShape));
    assert_eq!(decode_activity(br#"{"timestamp":"now"}"#), Err(WireError::WrongShape));
    let beyond = br#"{"timestamp":9007199254740992}"#;
    assert_eq!(decode_activity(beyond), Err(WireError::OutOfRange));
    let at = Timestamp::from_ms(5).unwrap();
    assert_eq!(encode_activity(at), br#"{"timestamp":5}"#);
}

#[test]
fn a_choice_taken_back_keeps_its_number() {
    let back = ChosenRecord { chosen: Chosen { rev: 8, choice: None }, timestamp: None };
    let bytes = encode_chosen(&back);
    assert_eq!(bytes, br#"{"v":1,"rev":8}"#);
    assert_eq!(decode_chosen(&bytes), Ok(Payload::Record(back)));
    assert_eq!(decode_chosen(br#"{"rev":8,"status":"?"}"#), Err(WireError::UnknownStatus));
    assert_eq!(decode_chosen(br#"{"status":"dnd"}"#), Err(WireError::WrongShape));
    assert_eq!(decode_chosen(br#"{"rev":-1,"status":"dnd"}"#), Err(WireError::OutOfRange));
    assert_eq!(decode_chosen(br#"{"rev":9007199254740992}"#), Err(WireError::OutOfRange));
}

fn moment() -> impl Strategy<Value = Option<Timestamp>> {
    proptest::option::of(
        (0..=Timestamp::MAX.as_ms()).prop_map(|ms| Timestamp::from_ms(ms).unwrap()),
    )
}

fn shown(max: usize) -> impl Strategy<Value = Option<String>> {
    proptest::option::of("\\PC{0,300}")
        .prop_map(move |text| text.and_then(|text| crate::text::display_text(&text, max)))
}

fn chosen() -> impl Strategy<Value = Chosen> {
    let status =
        prop_oneof![Just(ChosenStatus::Online), Just(ChosenStatus::Away), Just(ChosenStatus::Dnd)];
    let choice = (status, shown(MAX_TEXT), shown(MAX_EMOJI), moment(), moment());
    let rev = 0..=Timestamp::MAX.as_ms();
    (rev, choice).prop_map(|(rev, (status, text, emoji, until, at))| Chosen {
        rev,
        choice: Some(Choice { status, text, emoji, until, at }),
    })
}

fn links() -> impl Strategy<Value = Vec<ContactLink>> {
    let link = "(mailto|tel|xmpp):[a-z0-9@.+]{1,40}".prop_map(|link| link.parse().unwrap());
    proptest::collection::vec(link, 0..=MAX_LINKS)
}

fn record() -> impl Strategy<Value = DeviceRecord> {
    let observed = prop_oneof![
        Just(Observed::Active),
        Just(Observed::Unknown),
        Just(Observed::Away(None)),
        Just(Observed::Away(Some(AwayCause::Switched))),
        Just(Observed::Offline(None)),
        Just(Observed::Offline(Some(OfflineCause::Asleep))),
    ];
    let times = (moment(), moment(), moment());
    let texts = (shown(MAX_NAME), shown(MAX_STATUS), shown(MAX_NAME), links());
    let spans = [(); 3].map(|()| proptest::option::of(0..100_000u64));
    (observed, times, spans, any::<bool>(), proptest::option::of(chosen()), texts).prop_map(
        |(
            observed,
            (since, timestamp, epoch),
            [lease, wait, loss],
            in_call,
            chosen,
            (name, kind, tz, links),
        )| {
            DeviceRecord {
                observed,
                since,
                timestamp,
                epoch: epoch.map(Timestamp::as_ms),
                lease: lease.map(Duration::from_secs),
                wait: wait.map(Duration::from_secs),
                loss: loss.map(Duration::from_secs),
                in_call,
                chosen,
                name,
                kind,
                tz,
                links,
            }
        },
    )
}

#[test]
fn what_a_hub_says_of_itself_is_read_as_far_as_it_can_be() {
    let hub = HubRecord {
        team: Some("Anna's team".to_owned()),
        host: Some(Host {
            user: Some(UserId::parse("anna").unwrap()),
            device: Some(DeviceId::parse("k3v9").unwrap()),
            name: "Anna".to_owned(),
        }),
        at: vec!["192.168.1.5:18831".parse().unwrap()],
        in_order: true,
        revision: 1_796_900_000_000,
        backup: Some(Backup {
            user: UserId::parse("bob").unwrap(),
            device: None,
            name: "Bob".to_owned(),
            at: vec!["192.168.1.6:18831".parse().unwrap()],
            serial: 7,
        }),
        stands_in: Some(StandsIn {
            why: WhyAway::Asleep,
            since: Timestamp::from_ms(1_796_900_000_000).unwrap(),
        }),
    };
    assert_eq!(decode_hub(&encode_hub(&hub)), Ok(Payload::Record(hub)));
    for (text, revision) in [
        (r#"{"revision":"x","backup":{"name":"Bob","serial":1},"stands_in":{"why":"quit"}}"#, 0),
        (r#"{"revision":9,"backup":{"user":"bob","at":[]},"stands_in":true}"#, 9),
    ] {
        let Ok(Payload::Record(hub)) = decode_hub(text.as_bytes()) else { panic!("{text}") };
        assert_eq!((hub.revision, hub.backup, hub.stands_in), (revision, None, None), "{text}");
    }
    assert_eq!(encode_hub(&HubRecord::default()), br#"{"v":1}"#);
    for (text, at, name) in [
        (r#"{"v":1}"#, 0, None),
        (r#"{}"#, 0, None),
        (r#"{"team":7,"host":"anna","at":"10.0.0.7:1","in_order":"yes"}"#, 0, None),
        (r#"{"host":{"user":"a/b","device":"$x"}}"#, 0, None),
        (r#"{"host":{"user":"anna"},"at":["10.0.0.7:1",3,"x y"]}"#, 1, Some("anna")),
        (
            r#"{"host":{"name":"build\u0007box"},"at":["a","b","c","d","e","f","g","h","i"]}"#,
            8,
            Some("buildbox"),
        ),
    ] {
        let Ok(Payload::Record(hub)) = decode_hub(text.as_bytes()) else { panic!("{text}") };
        assert_eq!(
            (hub.at.len(), hub.host.as_ref().map(|host| host.name.as_str())),
            (at, name),
            "{text}"
        );
        assert_eq!((hub.team, hub.in_order), (None, false));
    }
    assert_eq!(decode_hub(br#"{"v":2}"#), Err(WireError::UnknownVersion));
    assert_eq!(decode_hub(b""), Ok(Payload::Cleared));
}

proptest! {
    #[test]
    fn what_is_written_is_read_back_and_never_too_large(record in record()) {
        let bytes = encode_device(&record);
        prop_assert!(bytes.len() <= MAX_RECORD_BYTES, "{}", bytes.len());
        prop_assert_eq!(decode_device(&bytes), Ok(Payload::Record(record)));
    }

    #[test]
    fn a_choice_is_read_back(chosen in chosen(), timestamp in moment()) {
        let record = ChosenRecord { chosen, timestamp };
        prop_assert_eq!(decode_chosen(&encode_chosen(&record)), Ok(Payload::Record(record)));
    }
}

mod signals {
    use super::*;
    use crate::wire::{Answer, SignalId, SignalMessage};

    fn id(text: &str) -> SignalId {
        SignalId::parse(text).unwrap()
    }

    fn signal(text: &str) -> Result<SignalMessage, WireError> {
        decode_signal(text.as_bytes())
    }

    #[test]
    fn the_examples_of_the_protocol_are_read_and_written_as_they_stand() {
        let at = ms(1_763_742_000_000).unwrap();
        let bob = || Some(UserId::parse("bob").unwrap());
        let text = || Some("Got a minute?".to_owned());
        for (said, json) in [
            (
                SignalMessage::Knock { id: id("k1"), text: text(), both_free: false },
                r#"{"v":1,"kind":"knock","id":"k1","text":"Got a minute?","at":1763742000000}"#,
            ),
            (
                SignalMessage::Knock { id: id("k1"), text: None, both_free: true },
                r#"{"v":1,"kind":"knock","id":"k1","when":"both_free","at":1763742000000}"#,
            ),
            (
                SignalMessage::Waiting { id: id("k1"), text: text() },
                r#"{"v":1,"kind":"waiting","id":"k1","text":"Got a minute?","at":1763742000000}"#,
            ),
            (
                SignalMessage::Free { re: id("k1") },
                r#"{"v":1,"kind":"free","re":"k1","at":1763742000000}"#,
            ),
            (
                SignalMessage::Delivered { re: id("k1") },
                r#"{"v":1,"kind":"delivered","re":"k1","at":1763742000000}"#,
            ),
            (
                SignalMessage::Seen { re: id("k1"), of: bob() },
                r#"{"v":1,"kind":"seen","re":"k1","of":"bob","at":1763742000000}"#,
            ),
            (
                SignalMessage::Answer { re: id("k1"), of: None, answer: Answer::InFive },
                r#"{"v":1,"kind":"answer","re":"k1","answer":"in_5","text":"Give me 5 minutes","at":1763742000000}"#,
            ),
            (
                SignalMessage::Answer {
                    re: id("k1"),
                    of: None,
                    answer: Answer::Text("Soon".to_owned()),
                },
                r#"{"v":1,"kind":"answer","re":"k1","text":"Soon","at":1763742000000}"#,
            ),
            (
                SignalMessage::Withdrawn { re: id("k1"), of: None },
                r#"{"v":1,"kind":"withdrawn","re":"k1","at":1763742000000}"#,
            ),
            (
                SignalMessage::Again { re: id("k1") },
                r#"{"v":1,"kind":"again","re":"k1","at":1763742000000}"#,
            ),
            (
                SignalMessage::Wave { id: id("w1"), emoji: Some("👋".to_owned()) },
                r#"{"v":1,"kind":"wave","id":"w1","text":"👋","at":1763742000000}"#,
            ),
            (
                SignalMessage::Typing(true),
                r#"{"v":1,"kind":"typing","isTyping":true,"at":1763742000000}"#,
            ),
        ] {
            assert_eq!(String::from_utf8(encode_signal(&said, at)).unwrap(), json);
            assert_eq!(signal(json), Ok(said));
        }
        assert_eq!(encode_typing(true), br#"{"isTyping":true}"#);
    }

    #[test]
    fn readers_are_lenient_and_know_their_limits() {
        let answer = signal(r#"{"kind":"answer","re":"k","answer":"maybe","text":"Maybe","x":1}"#);
        let text = Answer::Text("Maybe".to_owned());
        assert_eq!(answer, Ok(SignalMessage::Answer { re: id("k"), of: None, answer: text }));
        assert_eq!(signal(r#"{"kind":"typing"}"#), Ok(SignalMessage::Typing(true)));
        for (text, error) in [
            ("", WireError::WrongShape),
            ("online", WireError::WrongShape),
            (r#"{"v":2,"kind":"wave","id":"w"}"#, WireError::UnknownVersion),
            (r#"{"v":1,"kind":"poke","id":"w"}"#, WireError::UnknownKind),
            (r#"{"v":1,"kind":"knock"}"#, WireError::WrongShape),
            (r#"{"v":1,"kind":"knock","id":"a b"}"#, WireError::WrongShape),
            (r#"{"v":1,"kind":"answer","re":"k"}"#, WireError::WrongShape),
        ] {
            assert_eq!(signal(text), Err(error), "{text}");
        }
    }

    proptest! {
        #[test]
        fn the_longest_text_fits_and_comes_back(text in "\\PC{1,280}") {
            let written = crate::signal::message_text(&text).unwrap();
            let said = SignalMessage::Knock { id: id("k"), text: written, both_free: false };
            let bytes = encode_signal(&said, Timestamp::default());
            prop_assert!(bytes.len() <= MAX_RECORD_BYTES);
            prop_assert_eq!(decode_signal(&bytes), Ok(said));
        }
    }
}
