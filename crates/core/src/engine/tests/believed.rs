//! What is believed of others when links drop and brokers restart, and why.

use super::*;
use crate::presence::Doubt;

#[test]
fn what_a_broker_says_at_its_end_is_not_believed() {
    let mut rig = Rig::up();
    rig.live(BOB, &online(5));
    rig.pass(5000);
    rig.notifications();
    // It publishes the Wills of all its clients, then closes ours.
    rig.live(BOB, &lost(5));
    rig.pass(20);
    rig.link(broken());
    rig.pass(900);
    assert_eq!(rig.shown(), [word("online", true)]);
    rig.connect_and_read(&[(BOB, &lost(5))]);
    assert_eq!(rig.bob().evidence.doubt, Some(Doubt::Settling));
    rig.live(BOB, &online(6));
    assert_eq!(rig.shown(), [word("online", true), word("online", false)]);
    rig.pass(60_000);
    assert_eq!(rig.shown(), []);
    assert_eq!(rig.notifications(), []);
}

#[test]
fn a_loss_that_was_shown_is_taken_back_when_our_link_drops_shortly_after() {
    let mut rig = Rig::up();
    rig.live(BOB, &online(5));
    rig.pass(5000);
    rig.effects.clear();
    rig.live(BOB, &lost(5));
    rig.pass(600);
    assert_eq!(rig.shown(), [word("offline", false)]);
    rig.pass(100);
    rig.link(broken());
    assert_eq!(rig.shown(), [word("online", true)]);
    rig.pass(5000);
    assert_eq!(rig.notifications(), []);
}

#[test]
fn what_is_still_lost_when_we_settled_is_applied_without_a_notice() {
    let mut rig = Rig::up();
    rig.live(BOB, &online(5));
    rig.pass(5000);
    rig.link(broken());
    rig.pass(1000);
    rig.connect_and_read(&[(BOB, &lost(5))]);
    rig.effects.clear();
    rig.pass(9_600);
    assert_eq!(rig.shown(), []);
    rig.pass(100);
    assert_eq!(rig.status_of("bob"), Some(("offline".to_owned(), Some(Cause::Lost))));
    rig.pass(5000);
    assert_eq!(rig.notifications(), []);
}

#[test]
fn whoever_was_here_and_is_missing_when_we_settled_is_lost_and_not_before() {
    let mut rig = Rig::up();
    rig.live(BOB, &online(5));
    rig.live("presence/carol", &json!({"status":"online"}));
    rig.live("presence/dave", &json!({"status":"offline"}));
    let heard = at(rig.ms).wall;
    rig.pass(1000);
    rig.link(broken());
    rig.pass(1000);
    rig.connect_and_read(&[]);
    assert_eq!((rig.bob().status.as_str(), rig.bob().stale), ("online", true));
    rig.pass(9_800);
    assert_eq!(rig.status_of("bob"), Some(("offline".to_owned(), Some(Cause::Lost))));
    assert_eq!(rig.bob().since, Some(heard));
    assert_eq!(rig.status_of("carol").unwrap().0, "offline");
    assert_eq!(rig.status_of("dave"), None, "who was offline is forgotten");
    assert_eq!(rig.status_of("alice").unwrap().0, "online");
}

#[test]
fn a_first_look_shows_what_is_retained() {
    let mut rig = Rig::reader();
    rig.connect_and_read(&[(BOB, &lost(5))]);
    assert_eq!(rig.status_of("bob"), Some(("offline".to_owned(), Some(Cause::Lost))));
    assert!(!rig.bob().stale);
}

#[test]
fn a_record_that_is_not_renewed_is_lost_since_it_was_last_heard() {
    let mut rig = Rig::up();
    rig.live(BOB, &online(5));
    let heard = at(rig.ms).wall;
    rig.pass(1_800_000);
    rig.live(BOB, &online(5));
    rig.pass(3_599_999);
    assert_eq!(rig.status_of("bob").unwrap().0, "online");
    rig.pass(1);
    let bob = rig.bob();
    assert_eq!((bob.status.as_str(), bob.cause), ("offline", Some(Cause::Lost)));
    assert_eq!(bob.since, Some(heard + Duration::from_secs(1800)));
    // It was late, not dead.
    rig.live(BOB, &online(5));
    assert_eq!(rig.status_of("bob").unwrap().0, "online");
}

#[test]
fn an_old_record_is_shown_as_lost_at_the_first_look() {
    let mut rig = Rig::reader();
    rig.link(ConnectionEvent::Up(Granted::default()));
    rig.link(ConnectionEvent::Received(Message {
        topic: BOB.to_owned(),
        payload: online(5).to_string().into_bytes(),
        retained: true,
        expires_in: Some(RECORD_EXPIRY - Duration::from_secs(3601)),
    }));
    rig.link(ConnectionEvent::Subscribed { refused: Vec::new() });
    rig.effects.clear();
    rig.pass(300);
    assert_eq!(rig.shown(), [word("offline", false)]);
}

#[test]
fn no_lease_ends_while_we_are_not_connected() {
    let mut rig = Rig::up();
    rig.live(BOB, &online(5));
    rig.link(broken());
    for _ in 0..200 {
        rig.pass(30_000);
        rig.link(ConnectionEvent::Down(ConnectionFailure::TimedOut { address: "b".to_owned() }));
    }
    assert_eq!((rig.bob().status.as_str(), rig.bob().stale), ("online", true));
}

#[test]
fn a_machine_that_slept_unseen_begins_anew_before_it_judges_others() {
    let mut rig = Rig::up();
    rig.live(BOB, &online(5));
    rig.pass(5000);
    rig.effects.clear();
    // Nothing runs, then everything is late.
    rig.ms += 7_200_000;
    rig.handle(Input::Tick);
    assert_eq!(rig.shown(), [word("online", true)]);
    rig.ms += 20;
    rig.connect_and_read(&[(BOB, &online(5))]);
    assert_eq!(rig.status_of("bob").unwrap().0, "online");
}

#[test]
fn where_the_broker_can_not_wait_the_reader_does() {
    let mut rig = Rig::up();
    let waits = json!({"v":1,"status":"offline","cause":"lost","epoch":5,"wait_s":6});
    rig.live(BOB, &online(5));
    rig.pass(5000);
    rig.notifications();
    rig.live(BOB, &waits);
    assert_eq!(rig.bob().evidence.doubt, Some(Doubt::Reconnecting));
    rig.pass(5999);
    rig.live(BOB, &online(6));
    assert_eq!(rig.shown(), [word("online", true), word("online", false)]);
    rig.live(BOB, &json!({"v":1,"status":"offline","cause":"lost","epoch":6,"wait_s":6}));
    rig.pass(6000);
    assert_eq!(rig.status_of("bob"), Some(("offline".to_owned(), Some(Cause::Lost))));
    rig.pass(1000);
    assert_eq!(rig.notifications().len(), 1);
}

#[test]
fn evidence_tells_what_is_known_and_no_more() {
    let mut rig = Rig::up();
    rig.live("presence/_hub", &json!({"v":1,"in_order":true}));
    let locked = json!({"v":1,"status":"away","cause":"locked","since":START - 60_000,"timestamp":START,
                        "epoch":5,"lease_s":3600,"loss_s":18,"kind":"laptop"});
    rig.live(BOB, &locked);
    let evidence = rig.bob().evidence;
    assert_eq!(evidence.device.as_deref(), Some("desk"));
    assert_eq!(evidence.kind.as_deref(), Some("laptop"));
    assert_eq!((evidence.status.as_deref(), evidence.cause), (Some("away"), Some(Cause::Locked)));
    assert_eq!(evidence.since, Timestamp::from_ms(START - 60_000));
    assert_eq!(evidence.heard, Some(at(rig.ms).wall));
    assert_eq!((evidence.loss_shows_within_s, evidence.doubt), (Some(18), None));
    // Another broker than our hub may be late, and a simple client promises nothing.
    for other in ["", r#"{"v":1}"#] {
        rig.receive("presence/_hub", other, false);
        assert_eq!(rig.bob().evidence.loss_shows_within_s, Some(29), "{other}");
    }
    rig.live("presence/carol", &json!({"status":"online"}));
    let carol = rig.engine.people().find(|person| person.user == "carol").unwrap();
    assert_eq!(carol.evidence.loss_shows_within_s, None);
    rig.link(broken());
    assert_eq!(rig.bob().evidence.loss_shows_within_s, None);
    assert_eq!(rig.bob().evidence.doubt, Some(Doubt::LinkDown));
}

#[test]
fn another_device_that_is_here_makes_up_for_one_in_doubt() {
    let mut rig = Rig::up();
    rig.live(BOB, &online(5));
    rig.live("presence/bob/device/phone", &online(5));
    rig.link(broken());
    rig.pass(1000);
    rig.connect_and_read(&[(BOB, &lost(5)), ("presence/bob/device/phone", &online(5))]);
    assert_eq!((rig.bob().status.as_str(), rig.bob().stale), ("online", false));
}

#[test]
fn a_device_that_asked_for_time_has_it_while_we_settle_too() {
    let mut rig = Rig::up();
    rig.live(BOB, &online(5));
    rig.link(broken());
    rig.pass(1000);
    rig.connect_and_read(&[(BOB, &online(5))]);
    rig.pass(9_400);
    rig.live(BOB, &json!({"v":1,"status":"offline","cause":"lost","epoch":5,"wait_s":6}));
    rig.pass(5_999);
    assert_eq!(rig.status_of("bob").unwrap().0, "online");
    rig.pass(1);
    assert_eq!(rig.status_of("bob").unwrap().0, "offline");
}

#[test]
fn whose_lease_ran_out_is_not_here_again_because_we_reconnect() {
    let mut rig = Rig::up();
    rig.live(BOB, &online(5));
    rig.pass(3_600_000);
    assert_eq!(rig.status_of("bob").unwrap().0, "offline");
    rig.link(broken());
    rig.pass(1000);
    rig.effects.clear();
    rig.link(ConnectionEvent::Up(Granted::default()));
    rig.receive_aged(BOB, &online(5), RECORD_EXPIRY - Duration::from_secs(3601));
    rig.link(ConnectionEvent::Subscribed { refused: Vec::new() });
    rig.pass(20_000);
    assert_eq!(rig.shown(), [word("offline", false)]);
}

/// People with a device each whose Wills come, `apart_ms` after each other.
fn all_are_lost(rig: &mut Rig, people: u64, apart_ms: u64) {
    for n in 0..people {
        let here = json!({"v":1,"status":"online","epoch":1});
        rig.live(&format!("presence/u{n}/device/d"), &here);
    }
    for n in 0..people {
        let lost = json!({"v":1,"status":"offline","cause":"lost","epoch":1});
        rig.live(&format!("presence/u{n}/device/d"), &lost);
        rig.pass(apart_ms);
    }
}

fn shown_offline(rig: &Rig) -> usize {
    rig.engine.people().filter(|person| person.status == "offline").count()
}

#[test]
fn a_broker_that_takes_seconds_to_end_has_lost_nobody() {
    let mut rig = Rig::up();
    // Wills of two hundred, over four seconds; then our own link.
    all_are_lost(&mut rig, 200, 20);
    assert_eq!(shown_offline(&rig), 0);
    rig.pass(1000);
    rig.link(broken());
    rig.pass(1000);
    assert_eq!(shown_offline(&rig), 0);
}

#[test]
fn many_who_die_together_are_lost_a_little_later_and_few_at_once() {
    let mut rig = Rig::up();
    all_are_lost(&mut rig, 4, 1);
    rig.pass(250);
    assert_eq!(shown_offline(&rig), 4);
    let mut rig = Rig::up();
    all_are_lost(&mut rig, 20, 1);
    rig.pass(1970);
    assert_eq!(shown_offline(&rig), 0);
    rig.pass(60);
    assert_eq!(shown_offline(&rig), 20);
    // However long it goes on.
    let mut rig = Rig::up();
    all_are_lost(&mut rig, 11, 990);
    assert!(shown_offline(&rig) >= 10);
}
