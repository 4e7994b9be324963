use super::*;
use crate::effect::Version;
use crate::input::{Granted, RefusedFilter};
use crate::reason::ReasonCode;
use crate::time::{ASLEEP, Timestamp};

fn at(ms: u64) -> Now {
    Now {
        mono: Monotonic::from_origin(Duration::from_millis(ms)),
        wall: Timestamp::from_ms(1_763_742_000_000 + ms).unwrap(),
    }
}

fn line() -> MqttSession {
    let filters = vec!["presence/+".to_owned()];
    let will_clears = "presence/_hub".to_owned();
    let mut line = MqttSession::new(filters, will_clears, fastrand::Rng::with_seed(7));
    line.start(at(0));
    line
}

/// A line that was let in and has read what there is.
fn up() -> MqttSession {
    let mut line = line();
    line.handle(at(10), ConnectionEvent::Up(Granted::default()));
    line.handle(at(20), ConnectionEvent::Subscribed { refused: Vec::new() });
    line.tick(at(270));
    let read = effects(&mut line).pop();
    assert_eq!(read, Some(Effect::Report(SessionEvent::Read)));
    line
}

fn write(topic: impl Into<String>, payload: &[u8]) -> Write {
    Write { topic: topic.into(), payload: payload.to_vec(), expires_in: None }
}

fn effects(line: &mut MqttSession) -> Vec<Effect> {
    std::iter::from_fn(|| line.poll_effect()).collect()
}

fn broken() -> ConnectionEvent {
    ConnectionEvent::Down(ConnectionFailure::Broken { reason: "reset".to_owned() })
}

fn published(line: &mut MqttSession) -> Vec<Publish> {
    effects(line)
        .into_iter()
        .filter_map(|effect| match effect {
            Effect::Publish(publish) => Some(publish),
            _ => None,
        })
        .collect()
}

fn connects(line: &mut MqttSession) -> Vec<Connect> {
    effects(line)
        .into_iter()
        .filter_map(|effect| match effect {
            Effect::Connect(connect) => Some(connect),
            _ => None,
        })
        .collect()
}

#[test]
fn its_will_clears_the_topic_after_the_grace() {
    let connect = connects(&mut line()).remove(0);
    let will = connect.will.unwrap();
    assert_eq!((will.topic.as_str(), will.payload.as_slice()), ("presence/_hub", &b""[..]));
    assert_eq!(will.delay, GRACE);
    assert!(connect.session_expiry > GRACE, "or the session ends first, and the Will is sent");
    assert!(!connect.clean_start, "or a Will that waits would not be taken back by our return");
}

#[test]
fn it_subscribes_reads_and_tells_in_this_order() {
    let mut line = line();
    line.handle(at(10), ConnectionEvent::Up(Granted::default()));
    let told = effects(&mut line);
    assert_eq!(
        told[1..],
        [
            Effect::Report(SessionEvent::Began),
            Effect::Subscribe(vec!["presence/+".to_owned().into()])
        ]
    );
    line.handle(at(20), ConnectionEvent::Subscribed { refused: Vec::new() });
    line.write(at(300), write("presence/a", b"x"));
    assert_eq!(effects(&mut line), [], "what is not read yet is not written over");
    assert_eq!(line.next_deadline(), at(270).mono);
    line.tick(at(270));
    assert_eq!(effects(&mut line), [Effect::Report(SessionEvent::Read)]);
}

#[test]
fn a_line_that_broke_is_opened_again_with_nothing_of_before() {
    let mut line = up();
    line.write(at(300), write("presence/a", b"x"));
    assert_eq!(published(&mut line).len(), 1);
    line.handle(at(1_000), broken());
    assert!(line.is_settled());
    let due = line.next_deadline();
    assert!(due <= at(2_000).mono, "within a second at first");
    line.tick(Now { mono: due, ..at(2_000) });
    assert_eq!(connects(&mut line).len(), 1);
    line.handle(at(2_100), ConnectionEvent::Up(Granted::default()));
    assert_eq!(published(&mut line), []);
}

#[test]
fn who_does_not_speak_mqtt_5_is_spoken_to_in_3_1_1() {
    let mut line = line();
    effects(&mut line);
    line.handle(
        at(5),
        ConnectionEvent::Down(ConnectionFailure::Protocol { reason: "hung up".to_owned() }),
    );
    let connect = connects(&mut line).remove(0);
    assert_eq!(connect.version, Version::V311);
    assert!(connect.clean_start);
}

#[test]
fn only_so_many_writes_are_under_way() {
    let mut line = up();
    for n in 0..100 {
        line.write(at(300), write(format!("presence/{n}"), b"x"));
    }
    let mut sent = published(&mut line);
    assert_eq!(sent.len(), IN_FLIGHT);
    let mut count = 0;
    while let Some(publish) = sent.pop() {
        count += 1;
        line.handle(at(300), ConnectionEvent::Published { id: publish.id, outcome: Ok(()) });
        sent.extend(published(&mut line));
        assert!(sent.len() <= IN_FLIGHT);
    }
    assert_eq!(count, 100);
    assert!(line.is_settled());
}

#[test]
fn of_what_waits_only_the_last_word_on_a_topic_is_sent() {
    let mut line = up();
    for n in 0..IN_FLIGHT {
        line.write(at(300), write(format!("presence/{n}"), b"x"));
    }
    let first = published(&mut line).remove(0);
    for payload in [b"1", b"2", b"3"] {
        line.write(at(300), write("presence/waits", payload));
    }
    line.handle(at(300), ConnectionEvent::Published { id: first.id, outcome: Ok(()) });
    let sent = published(&mut line);
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0].payload, b"3");
}

#[test]
fn a_write_long_after_the_last_input_is_waited_for_like_any_other() {
    let mut line = up();
    line.write(at(25_000), write("presence/a", b"x"));
    line.tick(at(34_999));
    assert_eq!(published(&mut line).len(), 1);
    assert!(!line.is_settled(), "it is still waited for");
    line.tick(at(35_000));
    let failure = ConnectionFailure::NoPuback;
    assert_eq!(effects(&mut line), [Effect::Drop, Effect::Report(SessionEvent::Lost(failure))]);
}

#[test]
fn what_the_broker_refuses_is_told() {
    let mut line = up();
    line.write(at(300), write("presence/a", b"x"));
    let id = published(&mut line)[0].id;
    let refusal = Refusal::Broker(ReasonCode::NOT_AUTHORIZED.into());
    line.handle(at(300), ConnectionEvent::Published { id, outcome: Err(refusal.clone()) });
    let topic = "presence/a".to_owned();
    assert_eq!(effects(&mut line), [Effect::Report(SessionEvent::WriteRefused { topic, refusal })]);
}

#[test]
fn who_may_not_read_leaves_and_asks_again_later() {
    let mut line = line();
    line.handle(at(10), ConnectionEvent::Up(Granted::default()));
    effects(&mut line);
    let reason = ReasonCode::NOT_AUTHORIZED.into();
    let refused = vec![RefusedFilter { filter: "presence/+".to_owned(), reason }];
    let failure = ConnectionFailure::Withheld(Withheld::Filters(refused.clone()));
    line.handle(at(20), ConnectionEvent::Subscribed { refused });
    assert_eq!(
        effects(&mut line),
        [Effect::Disconnect, Effect::Report(SessionEvent::Lost(failure))]
    );
    for minute in 0..5 {
        line.tick(at(20 + minute * 60_000));
        assert_eq!(effects(&mut line), []);
    }
    line.tick(at(20 + 5 * 60_000));
    assert_eq!(connects(&mut line).len(), 1);
}

#[test]
fn a_broker_that_stores_nothing_or_takes_no_wildcards_is_left_and_asked_again_later() {
    let no_retain = Granted { no_retain: true, ..Granted::default() };
    let no_wildcards = Granted { no_wildcards: true, ..Granted::default() };
    for granted in [no_retain, no_wildcards] {
        let mut line = line();
        effects(&mut line);
        line.handle(at(10), ConnectionEvent::Up(granted));
        let failure = ConnectionFailure::Withheld(granted.withheld().unwrap());
        assert_eq!(
            effects(&mut line),
            [Effect::Disconnect, Effect::Report(SessionEvent::Lost(failure))]
        );
        line.tick(at(4 * 60_000));
        assert_eq!(effects(&mut line), []);
        line.tick(at(10 + 5 * 60_000));
        assert_eq!(connects(&mut line).len(), 1);
    }
}

#[test]
fn a_machine_that_slept_connects_anew() {
    let mut line = up();
    let due = line.next_deadline();
    line.tick(Now { mono: due + ASLEEP, ..at(0) });
    assert_eq!(effects(&mut line), [], "a busy machine is late, too");
    let due = line.next_deadline();
    line.tick(Now { mono: due + ASLEEP + Duration::from_millis(1), ..at(0) });
    let told = effects(&mut line);
    assert!(
        matches!(told[..], [Effect::Report(SessionEvent::Lost(_)), Effect::Connect(_)]),
        "{told:?}"
    );
}
