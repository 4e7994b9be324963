//! What a person said of themselves, on which device and when, and what follows.

use super::*;

#[test]
fn somebody_invisible_leaves_and_reads_on() {
    let mut rig = Rig::up();
    rig.command(choose(ChosenStatus::Invisible));
    assert_eq!(kinds(&rig.effects), ["publish presence/alice/chosen"]);
    rig.acknowledge();
    rig.acknowledge();
    let connect = rig.last_connect().clone();
    assert!(connect.client_id.starts_with("plr") && connect.will.is_none() && connect.clean_start);
    assert!(kinds(&rig.effects).contains(&"DisconnectWill".to_owned()));
    let left = rig.published_to(DEVICE);
    assert_eq!((&left[0]["cause"], left[0].get("chosen")), (&json!("left"), None));
    rig.connect_and_read(&[(
        "presence/alice/chosen",
        &json!({"v":1,"rev":1,"status":"invisible"}),
    )]);
    rig.observe(Observation::Locked(true));
    rig.pass(7_200_000);
    assert_eq!(rig.published(), []);
    assert_eq!(rig.engine.snapshot(Stage::Running).me.unwrap().status, "invisible");
    // Visible again, whichever device chose that.
    rig.live("presence/alice/chosen", &json!({"v":1,"rev":2}));
    assert_eq!(rig.last_connect().client_id, "pltest");
    rig.effects.clear();
    rig.connect();
    assert_eq!(rig.published_to(DEVICE)[0]["cause"], "locked");
}

#[test]
fn who_was_last_invisible_is_until_their_choice_was_read() {
    let mut rig = Rig::new(Role::Device(DeviceSettings { invisible: true, ..holder("laptop") }));
    rig.handle(Input::Start);
    assert!(rig.last_connect().will.is_none());
    rig.effects.clear();
    rig.connect_and_read(&[]);
    assert!(rig.last_connect().will.is_some());
    assert_eq!(rig.published(), []);
}

#[test]
fn a_wish_gives_way_to_what_the_broker_took_after_it_whatever_the_calendars_say() {
    for (age, gives_way) in [(5, false), (1, true)] {
        let mut rig = Rig::up();
        rig.link(broken());
        rig.pass(100);
        rig.command(choose(ChosenStatus::Dnd));
        rig.pass(2900);
        rig.link(ConnectionEvent::Up(Granted::default()));
        // The other device's clock is an hour ahead, or behind.
        let at = if gives_way { START - 3_600_000 } else { START + 3_600_000 };
        let elsewhere = json!({"v":1,"rev":9,"status":"away","at":at});
        let left = crate::expiry::CHOICE_EXPIRY - Duration::from_secs(age);
        rig.receive_aged("presence/alice/chosen", &elsewhere, left);
        rig.effects.clear();
        rig.link(ConnectionEvent::Subscribed { refused: Vec::new() });
        rig.pass(300);
        assert_eq!(rig.published_to("presence/alice/chosen").is_empty(), gives_way, "{age}");
    }
}

#[test]
fn what_the_person_took_back_is_not_later_than_that_on_whatever_calendar_it_was_chosen() {
    let chosen = "presence/alice/chosen";
    let mut rig = Rig::up();
    // Said on the phone, whose calendar is three hours ahead.
    let said = json!({"v":1,"rev":4,"status":"online","at":START + 3 * 3_600_000});
    rig.live(chosen, &said);
    rig.effects.clear();
    rig.command(Command::ClearChosen);
    assert_eq!(rig.published_to(chosen)[0].get("status"), None);
    // The broker ended before it took that, and no age is told.
    rig.effects.clear();
    rig.link(broken());
    rig.pass(2_000);
    rig.connect_and_read(&[(chosen, &said)]);
    let again = rig.published_to(chosen).remove(0);
    assert_eq!((again.get("status"), &again["rev"]), (None, &json!(6)));
}

#[test]
fn a_call_is_a_mark_that_ends_with_the_lock() {
    let mut rig = Rig::up();
    rig.observe(Observation::InCall(true));
    assert_eq!(rig.published_to(DEVICE)[0]["in_call"], true);
    rig.observe(Observation::Locked(true));
    assert_eq!(rig.published_to(DEVICE)[0].get("in_call"), None);
    rig.live(BOB, &json!({"v":1,"status":"online","timestamp":START,"epoch":5,"in_call":true}));
    assert!(rig.bob().in_call);
    rig.live(BOB, &lost(5));
    rig.pass(1000);
    assert!(!rig.bob().in_call);
}

#[test]
fn the_desktops_do_not_disturb_is_followed_below_what_the_person_said() {
    let chosen = "presence/alice/chosen";
    let mut rig = Rig::up();
    rig.observe(Observation::DesktopDnd(true));
    assert_eq!(rig.published_to(chosen)[0]["status"], "dnd");
    rig.observe(Observation::DesktopDnd(false));
    assert_eq!(rig.published_to(chosen)[0].get("status"), None);
    // Said by the person, it stands.
    rig.command(choose(ChosenStatus::Away));
    rig.effects.clear();
    rig.observe(Observation::DesktopDnd(true));
    rig.observe(Observation::DesktopDnd(false));
    assert_eq!(rig.published_to(chosen), [Value::Null; 0]);
}

#[test]
fn a_call_is_a_do_not_disturb_where_the_person_wants_that() {
    let chosen = "presence/alice/chosen";
    let in_calls = |calls_dnd| {
        let mut rig = Rig::up_as(DeviceSettings { calls_dnd, ..holder("laptop") });
        rig.observe(Observation::InCall(true));
        rig
    };
    assert_eq!(in_calls(false).published_to(chosen), [Value::Null; 0]);
    let mut rig = in_calls(true);
    let said = rig.published_to(chosen).remove(0);
    assert_eq!(said["status"], "dnd");
    rig.effects.clear();
    rig.live(chosen, &said);
    rig.acknowledge();
    rig.observe(Observation::InCall(false));
    assert_eq!(rig.published_to(chosen)[0].get("status"), None);
    // A call ends when nobody is there, and goes on when somebody is again.
    rig.observe(Observation::InCall(true));
    rig.effects.clear();
    rig.observe(Observation::Locked(true));
    assert_eq!(rig.published_to(chosen)[0].get("status"), None);
    rig.effects.clear();
    rig.observe(Observation::Locked(false));
    assert_eq!(rig.published_to(chosen)[0]["status"], "dnd");
}

#[test]
fn what_is_asked_for_before_anything_was_read_gives_way_to_what_the_person_said_and_ends() {
    let chosen = "presence/alice/chosen";
    for (held, asks) in [
        (json!({"v":1,"rev":4}), true),
        // Nobody can tell whose it is, so it ends with what asks for it now.
        (json!({"v":1,"rev":4,"status":"dnd"}), true),
        (json!({"v":1,"rev":4,"status":"dnd","text":"Deep work"}), false),
        (json!({"v":1,"rev":4,"status":"away"}), false),
    ] {
        let mut rig =
            Rig::new(Role::Device(DeviceSettings { calls_dnd: true, ..holder("laptop") }));
        rig.observe(Observation::InputActive);
        rig.observe(Observation::InCall(true));
        rig.handle(Input::Start);
        rig.connect_and_read(&[(chosen, &held)]);
        let said = rig.published_to(chosen);
        assert_eq!(
            said.first().map(|said| &said["status"]),
            asks.then_some(&json!("dnd")),
            "{held}"
        );
        rig.effects.clear();
        rig.observe(Observation::InCall(false));
        let said = rig.published_to(chosen);
        let ended = said.first().map(|said| said.get("status").is_none());
        assert_eq!(ended, asks.then_some(true), "{held}");
    }
}

#[test]
fn what_the_person_says_in_a_call_stands_beyond_it() {
    let chosen = "presence/alice/chosen";
    let mut rig = Rig::up_as(DeviceSettings { calls_dnd: true, ..holder("laptop") });
    rig.observe(Observation::InCall(true));
    rig.command(Command::ClearChosen);
    rig.effects.clear();
    // Not asked for again by the same call.
    rig.observe(Observation::InputActive);
    rig.observe(Observation::InCall(false));
    assert_eq!(rig.published_to(chosen), [Value::Null; 0]);
    rig.command(choose(ChosenStatus::Away));
    rig.effects.clear();
    rig.observe(Observation::InCall(true));
    rig.observe(Observation::InCall(false));
    assert_eq!(rig.published_to(chosen), [Value::Null; 0]);
}

#[test]
fn the_last_that_asks_not_to_be_disturbed_ends_it() {
    let chosen = "presence/alice/chosen";
    for call_first in [true, false] {
        let mut rig = Rig::up_as(DeviceSettings { calls_dnd: true, ..holder("laptop") });
        let ends = [Observation::InCall(false), Observation::DesktopDnd(false)];
        let [first, last] = if call_first { ends } else { [ends[1], ends[0]] };
        rig.observe(Observation::InCall(true));
        rig.observe(Observation::DesktopDnd(true));
        rig.effects.clear();
        rig.observe(first);
        assert_eq!(rig.published_to(chosen), [Value::Null; 0], "{first:?}");
        rig.observe(last);
        assert_eq!(rig.published_to(chosen)[0].get("status"), None, "{last:?}");
    }
}

#[test]
fn a_broker_that_lost_its_store_forgot_the_numbers_of_choices_too() {
    let mut rig = Rig::up();
    rig.live("presence/alice/chosen", &json!({"v":1,"rev":3,"status":"away"}));
    rig.effects.clear();
    rig.live("presence/alice/chosen", &json!({"v":1,"rev":1,"status":"dnd"}));
    assert_eq!(rig.published_to(DEVICE)[0]["chosen"]["status"], "dnd");
    rig.command(choose(ChosenStatus::Away));
    assert_eq!(rig.published_to("presence/alice/chosen")[0]["rev"], 4);
    // What is just being sent overwrites what was there before.
    rig.live("presence/alice/chosen", &json!({"v":1,"rev":2,"status":"dnd"}));
    assert_eq!(rig.published(), []);
}

#[test]
fn what_is_chosen_a_moment_after_something_else_stands() {
    let mut rig = Rig::new(Role::StatusSetter(UserId::parse("alice").unwrap()));
    rig.command(Command::ClearChosen);
    rig.handle(Input::Start);
    rig.pass(20);
    rig.link(ConnectionEvent::Up(Granted::default()));
    // Taken within the second before, and the broker tells whole seconds.
    let before = json!({"v":1,"rev":1,"status":"dnd","at":START - 400});
    rig.receive_aged("presence/alice/chosen", &before, crate::expiry::CHOICE_EXPIRY);
    rig.effects.clear();
    rig.link(ConnectionEvent::Subscribed { refused: Vec::new() });
    rig.pass(300);
    let published = rig.published_to("presence/alice/chosen");
    assert_eq!((&published[0]["rev"], published[0].get("status")), (&json!(2), None));
}

const CHOSEN: &str = "presence/alice/chosen";

/// Alice's laptop, connecting again after a drop, with its record still standing at the broker.
fn back_with_a_record_that_stands(rig: &mut Rig, more: &[(&str, &Value)]) {
    rig.pass(1000);
    let stands = json!({"v":1,"status":"online","timestamp":START + 50,"epoch":START});
    let read: Vec<_> = [(DEVICE, &stands)].into_iter().chain(more.iter().copied()).collect();
    assert!(rig.last_connect().will.is_some());
    rig.effects.clear();
    rig.connect_and_read(&read);
}

#[test]
fn who_hides_during_a_drop_says_first_that_they_left() {
    let mut rig = Rig::up();
    rig.link(broken());
    rig.command(choose(ChosenStatus::Invisible));
    back_with_a_record_that_stands(&mut rig, &[]);
    // Not that they are here, not even for the moment that the choice is under way.
    let published = kinds(&rig.effects).into_iter().filter(|kind| kind.starts_with("publish"));
    assert_eq!(published.collect::<Vec<_>>(), [format!("publish {CHOSEN}")]);
    rig.acknowledge();
    assert_eq!(rig.published_to(DEVICE)[0]["cause"], "left");
}

#[test]
fn a_device_that_reads_after_a_drop_that_it_shall_hide_says_that_it_left() {
    let mut rig = Rig::up();
    rig.link(broken());
    let hide = json!({"v":1,"rev":1,"status":"invisible"});
    back_with_a_record_that_stands(&mut rig, &[(CHOSEN, &hide)]);
    assert_eq!(rig.published_to(DEVICE)[0]["cause"], "left");
    // One whose record says nothing of being here tells nobody that it was started.
    let mut rig = Rig::holder("laptop");
    rig.handle(Input::Start);
    rig.connect_and_read(&[(CHOSEN, &hide)]);
    assert!(rig.last_connect().will.is_none());
    assert_eq!(rig.published(), []);
}

#[test]
fn a_ghost_that_nobody_believes_is_no_goodbye_of_who_hides() {
    let mut rig = Rig::up();
    rig.command(choose(ChosenStatus::Invisible));
    rig.live(DEVICE, &lost(5));
    rig.acknowledge();
    assert_eq!(rig.published_to(DEVICE)[0]["cause"], "left");
    // The same where it came while we were away.
    let mut rig = Rig::up();
    rig.link(broken());
    rig.pass(1000);
    rig.effects.clear();
    let hide = json!({"v":1,"rev":1,"status":"invisible"});
    rig.connect_and_read(&[(DEVICE, &lost(5)), (CHOSEN, &hide)]);
    assert_eq!(rig.published_to(DEVICE)[0]["cause"], "left");
}

#[test]
fn a_goodbye_that_was_lost_with_the_broker_is_said_again_before_hiding() {
    let mut rig = Rig::up();
    rig.command(choose(ChosenStatus::Invisible));
    rig.acknowledge();
    assert_eq!(rig.published_to(DEVICE)[0]["cause"], "left");
    rig.link(broken());
    let hide = json!({"v":1,"rev":1,"status":"invisible"});
    back_with_a_record_that_stands(&mut rig, &[(CHOSEN, &hide)]);
    assert_eq!(rig.published_to(DEVICE)[0]["cause"], "left");
}

#[test]
fn who_wants_to_hide_on_a_silent_link_waits_without_a_deadline_in_the_past() {
    let mut rig = Rig::up();
    rig.command(choose(ChosenStatus::Invisible));
    rig.effects.clear();
    rig.pass(7_200_000);
    assert_eq!(rig.published(), []);
}

#[test]
fn a_choice_ends_after_its_time_whatever_the_calendars_say() {
    let expiry = crate::expiry::CHOICE_EXPIRY;
    for hours in [-3i64, 3] {
        let theirs = START.saturating_add_signed(hours * 3_600_000);
        // A viewer, of somebody whose clock is wrong.
        let mut rig = Rig::up();
        let record = json!({"v":1,"status":"away","timestamp":theirs,"epoch":5,
                            "chosen":{"rev":1,"status":"dnd","until":theirs + 60_000}});
        rig.receive_aged(BOB, &record, RECORD_EXPIRY - Duration::from_secs(20));
        assert_eq!(rig.bob().status, "dnd");
        assert_eq!(rig.bob().until, Timestamp::from_ms(START + rig.ms + 40_000));
        rig.pass(39_999);
        assert_eq!(rig.bob().status, "dnd", "{hours}");
        rig.pass(1);
        assert_eq!(rig.bob().status, "away", "{hours}");
        // Another device of the same person writes the end on its own calendar, and is over it at the same time.
        let mut rig = Rig::up();
        let chosen = json!({"v":1,"rev":1,"status":"dnd","until":theirs + 60_000,
                            "at":theirs,"timestamp":theirs + 10_000});
        rig.receive_aged(CHOSEN, &chosen, expiry - Duration::from_secs(20));
        let copy = rig.published_to(DEVICE)[0]["chosen"]["until"].clone();
        assert_eq!(copy, START + rig.ms + 30_000);
        rig.pass(30_000);
        assert_eq!(rig.engine.snapshot(Stage::Running).me.unwrap().status, "online");
    }
}

#[test]
fn what_was_under_way_as_the_person_chose_is_not_later_than_that() {
    let mut rig = Rig::up();
    rig.command(choose(ChosenStatus::Invisible));
    rig.acknowledge();
    rig.acknowledge();
    rig.link(ConnectionEvent::Up(Granted::default()));
    rig.link(ConnectionEvent::Subscribed { refused: Vec::new() });
    rig.receive(CHOSEN, r#"{"v":1,"rev":1,"status":"invisible"}"#, true);
    // While it reads, nothing is said yet.
    rig.command(choose(ChosenStatus::Online));
    rig.pass(1);
    // Chosen a moment before, on a device that is slow.
    rig.live(CHOSEN, &json!({"v":1,"rev":1,"status":"away"}));
    rig.effects.clear();
    rig.pass(300);
    let said = rig.published_to(CHOSEN);
    assert_eq!((&said[0]["status"], &said[0]["rev"]), (&json!("online"), &json!(2)));
}
