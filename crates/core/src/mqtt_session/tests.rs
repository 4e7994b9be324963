use super::*;
use crate::connection::Granted;
use crate::time::Timestamp;

fn at(ms: u64) -> Now {
    Now {
        mono: Monotonic::from_origin(Duration::from_millis(ms)),
        wall: Timestamp::from_ms(1_763_742_000_000 + ms).unwrap(),
    }
}

fn line() -> MqttSession {
    let mut line = MqttSession::new(Settings {
        client_id: "plgabc".to_owned(),
        filters: vec!["presence/+".to_owned()],
        will_clears: "presence/_hub".to_owned(),
        seed: 7,
    });
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
    assert_eq!(read, Some(Effect::Tell(SessionEvent::Read)));
    line
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
        [Effect::Tell(SessionEvent::Began), Effect::Subscribe(vec!["presence/+".to_owned()])]
    );
    line.handle(at(20), ConnectionEvent::Subscribed { refused: Vec::new() });
    line.write("presence/a".to_owned(), b"x".to_vec(), None);
    assert_eq!(effects(&mut line), [], "what is not read yet is not written over");
    assert_eq!(line.next_deadline(), at(270).mono);
    line.tick(at(270));
    assert_eq!(effects(&mut line), [Effect::Tell(SessionEvent::Read)]);
}

#[test]
fn a_line_that_broke_is_opened_again_with_nothing_of_before() {
    let mut line = up();
    line.write("presence/a".to_owned(), b"x".to_vec(), None);
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
        line.write(format!("presence/{n}"), b"x".to_vec(), None);
    }
    let mut sent = published(&mut line);
    assert_eq!(sent.len(), UNDER_WAY);
    let mut count = 0;
    while let Some(publish) = sent.pop() {
        count += 1;
        line.handle(at(300), ConnectionEvent::Published { id: publish.id, outcome: Ok(()) });
        sent.extend(published(&mut line));
        assert!(sent.len() <= UNDER_WAY);
    }
    assert_eq!(count, 100);
    assert!(line.is_settled());
}

#[test]
fn of_what_waits_only_the_last_word_on_a_topic_is_sent() {
    let mut line = up();
    for n in 0..UNDER_WAY {
        line.write(format!("presence/{n}"), b"x".to_vec(), None);
    }
    let first = published(&mut line).remove(0);
    for payload in [b"1", b"2", b"3"] {
        line.write("presence/waits".to_owned(), payload.to_vec(), None);
    }
    line.handle(at(300), ConnectionEvent::Published { id: first.id, outcome: Ok(()) });
    let sent = published(&mut line);
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0].payload, b"3");
}

#[test]
fn what_the_broker_refuses_is_told() {
    let mut line = up();
    line.write("presence/a".to_owned(), b"x".to_vec(), None);
    let id = published(&mut line)[0].id;
    let refusal = Refusal::Broker(ReasonCode::NOT_AUTHORIZED.into());
    line.handle(at(300), ConnectionEvent::Published { id, outcome: Err(refusal.clone()) });
    let topic = "presence/a".to_owned();
    assert_eq!(effects(&mut line), [Effect::Tell(SessionEvent::MayNotWrite { topic, refusal })]);
}

#[test]
fn who_may_not_read_leaves_and_asks_again_later() {
    let mut line = line();
    line.handle(at(10), ConnectionEvent::Up(Granted::default()));
    effects(&mut line);
    let reason = ReasonCode::NOT_AUTHORIZED.into();
    let refused = vec![RefusedFilter { filter: "presence/+".to_owned(), reason }];
    line.handle(at(20), ConnectionEvent::Subscribed { refused: refused.clone() });
    assert_eq!(
        effects(&mut line),
        [Effect::Disconnect, Effect::Tell(SessionEvent::MayNotRead(refused))]
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
            [Effect::Disconnect, Effect::Tell(SessionEvent::Lost(failure))]
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
        matches!(told[..], [Effect::Tell(SessionEvent::Lost(_)), Effect::Connect(_)]),
        "{told:?}"
    );
}
