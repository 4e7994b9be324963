use super::*;
use crate::access::RefusedFilter;
use crate::connection::Granted;
use crate::effect::Version;
use crate::reason::ReasonCode;
use crate::time::{ASLEEP, Timestamp};

fn at(ms: u64) -> Now {
    Now {
        mono: Monotonic::from_origin(Duration::from_millis(ms)),
        wall: Timestamp::from_ms(1_763_742_000_000 + ms).unwrap(),
    }
}

fn session() -> MqttSession {
    let filters = vec!["presence/+".to_owned()];
    let will_clears = "presence/_hub".to_owned();
    let mut session = MqttSession::new(filters, will_clears, fastrand::Rng::with_seed(7));
    session.start(at(0));
    session
}

/// A session that was accepted and has read everything.
fn up() -> MqttSession {
    let mut session = session();
    session.handle(at(10), ConnectionEvent::Up(Granted::default()));
    session.handle(at(20), ConnectionEvent::Subscribed { refused: Vec::new() });
    session.tick(at(270));
    let read = effects(&mut session).pop();
    assert_eq!(read, Some(Effect::Report(SessionEvent::Read)));
    session
}

fn write(topic: impl Into<String>, payload: &[u8]) -> Write {
    Write { topic: topic.into(), payload: payload.to_vec(), expires_in: None }
}

fn effects(session: &mut MqttSession) -> Vec<Effect> {
    std::iter::from_fn(|| session.poll_effect()).collect()
}

fn broken() -> ConnectionEvent {
    ConnectionEvent::Down(ConnectionFailure::Broken { reason: "reset".to_owned() })
}

fn published(session: &mut MqttSession) -> Vec<Publish> {
    effects(session)
        .into_iter()
        .filter_map(|effect| match effect {
            Effect::Publish(publish) => Some(publish),
            _ => None,
        })
        .collect()
}

fn connects(session: &mut MqttSession) -> Vec<Connect> {
    effects(session)
        .into_iter()
        .filter_map(|effect| match effect {
            Effect::Connect(connect) => Some(connect),
            _ => None,
        })
        .collect()
}

#[test]
fn its_will_clears_the_topic_after_the_grace() {
    let connect = connects(&mut session()).remove(0);
    let will = connect.will.unwrap();
    assert_eq!((will.topic.as_str(), will.payload.as_slice()), ("presence/_hub", &b""[..]));
    assert_eq!(will.delay, GRACE);
    assert!(connect.session_expiry > GRACE, "or the session ends first, and the Will is sent");
    assert!(!connect.clean_start, "or a Will that waits would not be taken back by our return");
}

#[test]
fn it_subscribes_reads_and_tells_in_this_order() {
    let mut session = session();
    session.handle(at(10), ConnectionEvent::Up(Granted::default()));
    let told = effects(&mut session);
    assert_eq!(
        told[1..],
        [
            Effect::Report(SessionEvent::Began),
            Effect::Subscribe(vec!["presence/+".to_owned().into()])
        ]
    );
    session.handle(at(20), ConnectionEvent::Subscribed { refused: Vec::new() });
    session.write(at(300), write("presence/a", b"x"));
    assert_eq!(effects(&mut session), [], "what is not read yet is not written over");
    assert_eq!(session.next_deadline(), at(270).mono);
    session.tick(at(270));
    assert_eq!(effects(&mut session), [Effect::Report(SessionEvent::Read)]);
}

#[test]
fn a_connection_that_broke_is_opened_again_with_nothing_of_before() {
    let mut session = up();
    session.write(at(300), write("presence/a", b"x"));
    assert_eq!(published(&mut session).len(), 1);
    session.handle(at(1_000), broken());
    assert!(session.is_settled());
    let due = session.next_deadline();
    assert!(due <= at(2_000).mono, "within a second at first");
    session.tick(Now { mono: due, ..at(2_000) });
    assert_eq!(connects(&mut session).len(), 1);
    session.handle(at(2_100), ConnectionEvent::Up(Granted::default()));
    assert_eq!(published(&mut session), []);
}

#[test]
fn who_does_not_speak_mqtt_5_is_spoken_to_in_3_1_1() {
    let mut session = session();
    effects(&mut session);
    session.handle(
        at(5),
        ConnectionEvent::Down(ConnectionFailure::Protocol { reason: "hung up".to_owned() }),
    );
    let connect = connects(&mut session).remove(0);
    assert_eq!(connect.version, Version::V311);
    assert!(connect.clean_start);
}

#[test]
fn only_so_many_writes_are_under_way() {
    let mut session = up();
    for n in 0..100 {
        session.write(at(300), write(format!("presence/{n}"), b"x"));
    }
    let mut sent = published(&mut session);
    assert_eq!(sent.len(), IN_FLIGHT);
    let mut count = 0;
    while let Some(publish) = sent.pop() {
        count += 1;
        session.handle(at(300), ConnectionEvent::Published { id: publish.id, outcome: Ok(()) });
        sent.extend(published(&mut session));
        assert!(sent.len() <= IN_FLIGHT);
    }
    assert_eq!(count, 100);
    assert!(session.is_settled());
}

#[test]
fn of_what_waits_only_the_last_word_on_a_topic_is_sent() {
    let mut session = up();
    for n in 0..IN_FLIGHT {
        session.write(at(300), write(format!("presence/{n}"), b"x"));
    }
    let first = published(&mut session).remove(0);
    for payload in [b"1", b"2", b"3"] {
        session.write(at(300), write("presence/waits", payload));
    }
    session.handle(at(300), ConnectionEvent::Published { id: first.id, outcome: Ok(()) });
    let sent = published(&mut session);
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0].payload, b"3");
}

#[test]
fn a_write_long_after_the_last_input_is_waited_for_like_any_other() {
    let mut session = up();
    session.write(at(25_000), write("presence/a", b"x"));
    session.tick(at(34_999));
    assert_eq!(published(&mut session).len(), 1);
    assert!(!session.is_settled(), "it is still waited for");
    session.tick(at(35_000));
    let failure = ConnectionFailure::NoPuback;
    assert_eq!(effects(&mut session), [Effect::Drop, Effect::Report(SessionEvent::Lost(failure))]);
}

#[test]
fn what_the_broker_refuses_is_told() {
    let mut session = up();
    session.write(at(300), write("presence/a", b"x"));
    let id = published(&mut session)[0].id;
    let refusal = Refusal::Broker(ReasonCode::NOT_AUTHORIZED.into());
    session.handle(at(300), ConnectionEvent::Published { id, outcome: Err(refusal.clone()) });
    let topic = "presence/a".to_owned();
    assert_eq!(
        effects(&mut session),
        [Effect::Report(SessionEvent::WriteRefused { topic, refusal })]
    );
}

#[test]
fn who_may_not_read_leaves_and_asks_again_later() {
    let mut session = session();
    session.handle(at(10), ConnectionEvent::Up(Granted::default()));
    effects(&mut session);
    let reason = ReasonCode::NOT_AUTHORIZED.into();
    let refused = vec![RefusedFilter { filter: "presence/+".to_owned(), reason }];
    let failure = ConnectionFailure::Withheld(Withheld::Filters(refused.clone()));
    session.handle(at(20), ConnectionEvent::Subscribed { refused });
    assert_eq!(
        effects(&mut session),
        [Effect::Disconnect, Effect::Report(SessionEvent::Lost(failure))]
    );
    for minute in 0..5 {
        session.tick(at(20 + minute * 60_000));
        assert_eq!(effects(&mut session), []);
    }
    session.tick(at(20 + 5 * 60_000));
    assert_eq!(connects(&mut session).len(), 1);
}

#[test]
fn a_broker_that_stores_nothing_or_takes_no_wildcards_is_left_and_asked_again_later() {
    let no_retain = Granted { no_retain: true, ..Granted::default() };
    let no_wildcards = Granted { no_wildcards: true, ..Granted::default() };
    for granted in [no_retain, no_wildcards] {
        let mut session = session();
        effects(&mut session);
        session.handle(at(10), ConnectionEvent::Up(granted));
        let failure = ConnectionFailure::Withheld(granted.withheld().unwrap());
        assert_eq!(
            effects(&mut session),
            [Effect::Disconnect, Effect::Report(SessionEvent::Lost(failure))]
        );
        session.tick(at(4 * 60_000));
        assert_eq!(effects(&mut session), []);
        session.tick(at(10 + 5 * 60_000));
        assert_eq!(connects(&mut session).len(), 1);
    }
}

#[test]
fn a_machine_that_slept_connects_anew() {
    let mut session = up();
    let due = session.next_deadline();
    session.tick(Now { mono: due + ASLEEP, ..at(0) });
    assert_eq!(effects(&mut session), [], "a busy machine is late, too");
    let due = session.next_deadline();
    session.tick(Now { mono: due + ASLEEP + Duration::from_millis(1), ..at(0) });
    let told = effects(&mut session);
    assert!(
        matches!(told[..], [Effect::Report(SessionEvent::Lost(_)), Effect::Connect(_)]),
        "{told:?}"
    );
}
