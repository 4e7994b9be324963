//! When a reader has read everything.

use super::*;
use crate::access::RefusedFilter;
use crate::reason::BrokerReason;

const HUB: &str = "presence/_hub";
const IN_ORDER: &str = r#"{"v":1,"in_order":true}"#;
const MOSQUITTO: &str = "$SYS/broker/version";

/// A reader whose connection stands.
fn reader(role: Role) -> Rig {
    let mut rig = Rig::new(role);
    rig.handle(Input::Start);
    rig.link(ConnectionEvent::Up(Granted::default()));
    rig
}

fn has_read(rig: &Rig) -> bool {
    rig.effects.iter().any(|effect| matches!(effect, Effect::SnapshotRead))
}

fn filters(rig: &Rig) -> Vec<String> {
    let subscribed = rig.effects.iter().rev().find_map(|effect| match effect {
        Effect::Subscribe(filters) => {
            Some(filters.iter().map(|filter| filter.topic.clone()).collect())
        }
        _ => None,
    });
    subscribed.expect("it subscribed")
}

fn subscribed(rig: &mut Rig, refused: &[&str]) {
    let reason = BrokerReason::from(ReasonCode::NOT_AUTHORIZED);
    let refuse =
        |filter: &&str| RefusedFilter { filter: (*filter).to_owned(), reason: reason.clone() };
    let refused = refused.iter().map(refuse).collect();
    rig.link(ConnectionEvent::Subscribed { refused });
}

#[test]
fn a_hub_that_sends_in_order_is_read_when_its_record_comes_by_its_own_filter() {
    let mut rig = reader(Role::Observer);
    assert_eq!(filters(&rig)[4..], [HUB, MOSQUITTO]);
    subscribed(&mut rig, &["$SYS/broker/version"]);
    // As a part of the room.
    rig.receive(HUB, IN_ORDER, true);
    rig.receive("presence/alice/device/d", r#"{"status":"online"}"#, true);
    assert!(!has_read(&rig));
    rig.receive(HUB, IN_ORDER, true);
    assert!(has_read(&rig));
    assert_eq!(rig.engine.people().count(), 1);
    assert!(rig.engine.snapshot(Stage::Running).problems.is_empty(), "nobody misses that filter");
}

#[test]
fn mosquitto_is_read_when_it_says_what_it_is_and_that_is_no_message() {
    let mut rig = reader(Role::Observer);
    rig.receive("presence/alice/device/d", r#"{"status":"online"}"#, true);
    rig.receive(MOSQUITTO, "mosquitto version 2.0.11", true);
    assert!(!has_read(&rig), "not before the SUBACK");
    subscribed(&mut rig, &[]);
    assert!(has_read(&rig));
    assert_eq!(rig.engine.diagnostics().received, 1);
    assert!(rig.engine.diagnostics().dropped.is_empty());
}

#[test]
fn any_other_broker_is_waited_for() {
    for (topic, payload) in [
        (MOSQUITTO, "5.8.3"),
        (MOSQUITTO, "not mosquitto version 2"),
        (HUB, r#"{"v":1}"#),
        (HUB, r#"{"v":1,"in_order":1}"#),
    ] {
        let mut rig = reader(Role::Observer);
        subscribed(&mut rig, &[]);
        rig.receive(topic, payload, true);
        rig.receive(topic, payload, true);
        rig.pass(249);
        assert!(!has_read(&rig), "{topic} {payload}");
        rig.pass(1);
        assert!(has_read(&rig), "{topic} {payload}");
    }
    // A live message says nothing of what is retained.
    let mut rig = reader(Role::Observer);
    subscribed(&mut rig, &[]);
    for _ in 0..3 {
        rig.receive(HUB, IN_ORDER, false);
    }
    assert!(!has_read(&rig));
}

#[test]
fn who_only_writes_a_choice_reads_no_room_and_has_the_record_once() {
    let mut rig = reader(Role::StatusSetter(UserId::parse("alice").unwrap()));
    assert_eq!(filters(&rig), ["presence/alice/chosen", HUB, MOSQUITTO]);
    subscribed(&mut rig, &[]);
    rig.receive(HUB, IN_ORDER, true);
    assert!(has_read(&rig));
}

#[test]
fn who_knocks_reads_the_room_first() {
    let mut rig = reader(Role::Signaller(UserId::parse("alice").unwrap()));
    subscribed(&mut rig, &[]);
    rig.receive(HUB, IN_ORDER, true);
    assert!(!has_read(&rig));
    rig.receive(HUB, IN_ORDER, true);
    assert!(has_read(&rig));
}

#[test]
fn a_broker_without_patience_for_such_filters_is_asked_for_none_the_next_time() {
    let mut rig = reader(Role::Observer);
    rig.link(broken());
    rig.pass(1000);
    rig.link(ConnectionEvent::Up(Granted::default()));
    assert_eq!(filters(&rig).len(), 4);
    subscribed(&mut rig, &[]);
    rig.pass(250);
    assert!(has_read(&rig));
}

#[test]
fn each_connection_is_read_anew() {
    let mut rig = reader(Role::Observer);
    subscribed(&mut rig, &[]);
    rig.receive(HUB, IN_ORDER, true);
    rig.receive(HUB, IN_ORDER, true);
    rig.link(broken());
    rig.pass(1000);
    rig.effects.clear();
    rig.link(ConnectionEvent::Up(Granted::default()));
    assert_eq!(filters(&rig).len(), 6);
    subscribed(&mut rig, &[]);
    rig.receive(HUB, IN_ORDER, true);
    assert!(!has_read(&rig));
    rig.receive(HUB, IN_ORDER, true);
    assert!(has_read(&rig));
}

#[test]
fn a_device_waits_as_ever() {
    let mut rig = Rig::holder("laptop");
    rig.handle(Input::Start);
    rig.link(ConnectionEvent::Up(Granted::default()));
    assert!(!filters(&rig).iter().any(|filter| filter == HUB || filter == MOSQUITTO));
}
