//! The user topic: who writes it, and what its Will does.

use super::*;

#[test]
fn where_a_hub_sums_no_device_does() {
    let mut rig = Rig::holder("laptop");
    rig.observe(Observation::InputActive);
    rig.handle(Input::Start);
    rig.connect_and_read(&[("presence/_hub", &json!({"v":1}))]);
    rig.observe(Observation::Locked(true));
    let topics: Vec<_> = rig.published().into_iter().map(|(topic, _)| topic).collect();
    assert_eq!(topics, [DEVICE, DEVICE]);
    // The hub is gone: its Will is empty.
    rig.receive("presence/_hub", "", false);
    rig.pass(1000);
    let kinds = kinds(&rig.effects);
    assert!(kinds.contains(&"publish presence/alice".to_owned()), "{kinds:?}");
    assert!(kinds.contains(&"ConnectWill".to_owned()), "{kinds:?}");
}

#[test]
fn the_companions_will_sets_the_user_topic_offline_and_a_survivor_answers_it() {
    let mut rig = Rig::holder("laptop");
    rig.handle(Input::Start);
    rig.connect();
    let will_connection = rig.effects.iter().find_map(|effect| match effect {
        Effect::ConnectWill(connect) => Some(connect.clone()),
        _ => None,
    });
    let will_connection = will_connection.unwrap();
    assert_eq!(will_connection.client_id, "pltestu");
    let will = will_connection.will.unwrap();
    assert_eq!((will.topic.as_str(), will.delay), ("presence/alice", Duration::from_secs(7)));
    rig.effects.clear();
    rig.receive("presence/alice", std::str::from_utf8(&will.payload).unwrap(), false);
    assert_eq!(rig.published_to("presence/alice")[0]["status"], "online");
    // It ended by itself, and is opened again.
    rig.will_connection(broken());
    rig.pass(5000);
    assert_eq!(kinds(&rig.effects), ["ConnectWill"]);
}

#[test]
fn only_the_lowest_device_has_a_companion() {
    let mut rig = Rig::up();
    rig.live("presence/alice/device/a", &online(5));
    rig.pass(2000);
    assert!(kinds(&rig.effects).contains(&"DisconnectWill".to_owned()));
    rig.effects.clear();
    rig.live("presence/alice/device/a", &lost(5));
    rig.pass(2000);
    assert!(kinds(&rig.effects).contains(&"ConnectWill".to_owned()));
}

#[test]
fn a_companion_that_is_not_wanted_any_more_asks_for_no_time() {
    let mut rig = Rig::up();
    rig.will_connection(broken());
    rig.live("presence/alice/device/a", &online(5));
    // `pass` refuses a deadline that stays in the past.
    rig.pass(60_000);
    assert!(!kinds(&rig.effects).contains(&"ConnectWill".to_owned()));
}

#[test]
fn a_companions_will_says_nothing_of_a_seed_style_client() {
    let mut rig = Rig::up();
    rig.live("presence/alice", &json!({"status":"in a meeting","timestamp":START}));
    rig.effects.clear();
    rig.live("presence/alice", &json!({"v":1,"status":"offline"}));
    let sum = rig.published_to("presence/alice").pop().unwrap();
    assert_eq!(sum["foreign"]["status"], "in a meeting");
}

#[test]
fn a_machine_that_slept_unseen_does_not_vouch_for_a_seed_style_client() {
    let mut rig = Rig::up();
    rig.live("presence/alice", &json!({"status":"online","timestamp":START}));
    assert_eq!(rig.published_to("presence/alice")[0]["foreign"]["status"], "online");
    rig.ms += 7_200_000;
    rig.handle(Input::Tick);
    rig.ms += 20;
    rig.connect_and_read(&[("presence/alice", &json!({"v":1,"status":"offline"}))]);
    let sum = rig.published_to("presence/alice").pop().unwrap();
    assert_eq!((&sum["status"], sum.get("foreign")), (&json!("online"), None));
}

#[test]
fn who_finds_only_a_will_lets_a_device_write_first_that_was_here_all_along() {
    const PHONE: &str = "presence/alice/device/phone";
    let will = json!({"v":1,"status":"offline"});
    let came = || {
        let mut rig = Rig::holder("laptop");
        rig.observe(Observation::InputActive);
        rig.handle(Input::Start);
        rig.connect_and_read(&[(PHONE, &online(5)), ("presence/alice", &will)]);
        assert_eq!(rig.published_to("presence/alice"), [json!(null); 0]);
        rig
    };
    let mut rig = came();
    let foreign = json!({"status":"online","timestamp":START});
    let sum = json!({"v":1,"status":"online","timestamp":START,"foreign":foreign});
    rig.live("presence/alice", &sum);
    rig.pass(5000);
    assert_eq!(rig.published_to("presence/alice"), [json!(null); 0]);
    // It has two seconds.
    let mut rig = came();
    rig.pass(2000);
    assert_eq!(rig.published_to("presence/alice")[0].get("foreign"), None);
}
