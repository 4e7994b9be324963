//! A session from its CONNECT to its end: grace, versions, clones, restarts, networks.

use super::*;
use crate::effect::Version;

#[test]
fn a_presence_keeps_its_session_and_its_will_waits_for_the_grace() {
    let mut rig = Rig::holder("laptop");
    rig.handle(Input::Start);
    let connect = rig.last_connect();
    assert!(!connect.clean_start);
    assert_eq!(connect.session_expiry, Duration::from_secs(66));
    assert_eq!(connect.will.as_ref().unwrap().delay, Duration::from_secs(6));
    let rig = Rig::reader();
    let connect = rig.last_connect();
    assert!(connect.clean_start && connect.will.is_none());
    assert_eq!(connect.session_expiry, Duration::ZERO);
}

#[test]
fn our_record_is_renewed_before_half_its_lease_is_over() {
    let mut rig = Rig::up();
    rig.pass(1_400_000);
    assert_eq!(rig.published_to(DEVICE), [Value::Null; 0]);
    rig.pass(400_000);
    assert_eq!(rig.published_to(DEVICE).len(), 1);
    rig.pass(36_000_000 - 1_800_000);
    let more = rig.published_to(DEVICE).len();
    assert!((19..=24).contains(&more), "{more}");
}

#[test]
fn a_second_machine_with_our_client_id_makes_us_another_device() {
    let taken_over = || ConnectionEvent::Down(ConnectionFailure::taken_over());
    let theirs = json!({"v":1,"status":"online","timestamp":START,"epoch":START + 10_000});
    let mut rig = Rig::up();
    rig.link(taken_over());
    assert_eq!(kinds(&rig.effects), ["DisconnectWill"], "the Will connection gives way first");
    rig.pass(1000);
    rig.connect();
    rig.effects.clear();
    rig.link(taken_over());
    rig.pass(499);
    assert_eq!(kinds(&rig.effects), [""; 0], "not without a pause");
    rig.pass(1501);
    assert_eq!(rig.last_connect().client_id, "pltest", "a take-over alone proves nothing");
    rig.link(ConnectionEvent::Up(Granted::default()));
    rig.effects.clear();
    rig.receive(DEVICE, &theirs.to_string(), true);
    assert_eq!(kinds(&rig.effects), ["Drop"]);
    rig.pass(2000);
    assert_eq!(kinds(&rig.effects), ["Drop", "Save", "Connect"]);
    let connect = rig.last_connect().clone();
    assert_ne!(connect.client_id, "pltest");
    assert_eq!(connect.client_id.len(), 23);
    assert_ne!(connect.will.unwrap().topic, DEVICE);
    let Some(Effect::Save(saved)) =
        rig.effects.iter().find(|effect| matches!(effect, Effect::Save(_))).cloned()
    else {
        panic!("it is saved");
    };
    assert_eq!(saved.client_id, connect.client_id);
    assert_eq!(rig.engine.snapshot(Stage::Running).problems[0].code, "device_renewed");
    rig.effects.clear();
    rig.connect();
    let own = format!("presence/alice/device/{}", saved.device);
    assert_eq!(rig.published_to(&own)[0]["status"], "online");
}

#[test]
fn a_second_machine_with_our_device_id_is_seen_by_its_numbers() {
    let mut rig = Rig::up();
    let theirs = |epoch: u64| json!({"v":1,"status":"away","timestamp":START,"epoch":epoch});
    rig.live(DEVICE, &theirs(START + 10_000));
    assert_eq!(rig.published_to(DEVICE).len(), 1, "corrected");
    rig.pass(59_000);
    rig.effects.clear();
    rig.live(DEVICE, &theirs(START + 10_000));
    assert_eq!(kinds(&rig.effects), ["Drop"]);
    rig.pass(2000);
    assert_eq!(kinds(&rig.effects), ["Drop", "Save", "Connect"]);
}

#[test]
fn who_only_writes_what_looks_like_a_second_machine_renews_us_once_an_hour() {
    let mut rig = Rig::up();
    let mut renewed = 0;
    for _ in 0..50 {
        let topic =
            rig.engine.local_device.as_ref().unwrap().device_topic().to_wire(&rig.engine.root);
        let epoch = START + rig.ms + 1_000_000;
        rig.live(&topic, &json!({"v":1,"status":"away","timestamp":START,"epoch":epoch}));
        rig.effects.clear();
        rig.pass(20_000);
        if kinds(&rig.effects).contains(&"Connect".to_owned()) {
            renewed += 1;
            rig.connect();
        }
    }
    assert_eq!(renewed, 1);
}

#[test]
fn one_higher_number_is_our_own_past() {
    let mut rig = Rig::up();
    let ahead = json!({"v":1,"status":"online","timestamp":START,"epoch":START + 10_000});
    rig.live(DEVICE, &ahead);
    rig.pass(61_000);
    rig.effects.clear();
    rig.live(DEVICE, &ahead);
    assert_eq!(kinds(&rig.effects), ["publish presence/alice/device/laptop"]);
}

#[test]
fn where_5_is_not_spoken_3_1_1_is_tried_at_once_and_remembered() {
    let not_5 =
        || ConnectionEvent::Down(ConnectionFailure::Protocol { reason: "it hung up".to_owned() });
    let mut rig = Rig::holder("laptop");
    rig.handle(Input::Start);
    rig.effects.clear();
    rig.link(not_5());
    let connect = rig.last_connect();
    assert_eq!((connect.version, connect.clean_start), (Version::V311, true));
    let will = connect.will.as_ref().unwrap();
    assert_eq!(will.delay, Duration::ZERO);
    let will: Value = serde_json::from_slice(&will.payload).unwrap();
    assert_eq!(will["wait_s"], 6);
    rig.connect();
    rig.link(broken());
    rig.pass(1000);
    assert_eq!(rig.last_connect().version, Version::V311);
    // Neither is spoken: 5 is asked first again.
    let mut rig = Rig::holder("laptop");
    rig.handle(Input::Start);
    rig.link(not_5());
    rig.link(not_5());
    rig.pass(1000);
    assert_eq!(rig.last_connect().version, Version::V5);
}

#[test]
fn where_5_was_spoken_nothing_makes_us_fall_back() {
    let mut rig = Rig::up();
    rig.link(broken());
    for _ in 0..20 {
        rig.pass(5000);
        rig.link(ConnectionEvent::Down(ConnectionFailure::Protocol {
            reason: "it hung up".to_owned(),
        }));
        assert_eq!(rig.last_connect().version, Version::V5);
    }
}

#[test]
fn a_planned_restart_says_no_goodbye() {
    let mut rig = Rig::up();
    rig.command(Command::Restart);
    assert_eq!(kinds(&rig.effects), ["Drop", "Stopped"]);
}

#[test]
fn a_correction_that_waits_is_counted() {
    let mut rig = Rig::up();
    for n in 0..7 {
        rig.live(
            DEVICE,
            &json!({"v":1,"status":"offline","cause":"left","timestamp":START + 90_000 + n}),
        );
    }
    let diagnostics = rig.engine.diagnostics();
    assert_eq!((diagnostics.corrected, diagnostics.corrections_withheld), (5, 1));
}

/// A day of ten hours connected: twelve idle spells, four locks, two suspends, three chosen statuses. Says how
/// much was published.
fn a_day(hub: bool) -> usize {
    let minute = 60_000;
    let mut rig = Rig::holder("laptop");
    rig.observe(Observation::InputActive);
    rig.handle(Input::Start);
    let connect = |rig: &mut Rig| {
        let sums: &[(&str, &Value)] = if hub { &[("presence/_hub", &json!({"v":1}))] } else { &[] };
        rig.connect_and_read(sums);
    };
    connect(&mut rig);
    for spell in 0..12 {
        rig.pass(15 * minute);
        rig.observe(Observation::InputIdle { since: Moment::Ago(Duration::from_secs(300)) });
        rig.pass(10 * minute);
        rig.observe(Observation::InputActive);
        rig.pass(10 * minute);
        if spell % 3 == 0 {
            rig.observe(Observation::Locked(true));
            rig.pass(10 * minute);
            rig.observe(Observation::Locked(false));
        }
        if spell % 4 == 1 {
            rig.command(Command::Choose {
                status: ChosenStatus::Dnd,
                text: None,
                emoji: None,
                lasting: Some(Duration::from_secs(1800)),
            });
            rig.acknowledge();
        }
        if spell % 6 == 5 {
            rig.observe(Observation::Suspending);
            rig.acknowledge();
            rig.pass(60 * minute);
            rig.observe(Observation::Resumed);
            connect(&mut rig);
            rig.observe(Observation::InputActive);
        }
        rig.pass(10 * minute + minute / 2);
    }
    rig.published().len()
}

#[test]
fn a_day_takes_few_messages() {
    let (plain, beside_a_hub) = (a_day(false), a_day(true));
    assert!((100..=150).contains(&plain), "{plain}");
    assert!((40..=80).contains(&beside_a_hub), "{beside_a_hub}");
}

#[test]
fn a_program_that_is_started_again_goes_on_with_what_it_said() {
    let mut rig = Rig::holder("laptop");
    rig.observe(Observation::InputActive);
    rig.handle(Input::Start);
    let said = json!({"v":1,"status":"online","since":START - 7_200_000,"timestamp":START - 1000,
                      "epoch":5,"lease_s":3600});
    rig.connect_and_read(&[(DEVICE, &said)]);
    assert_eq!(rig.published_to(DEVICE)[0]["since"], START - 7_200_000);
    // From then on it is its own.
    rig.observe(Observation::Locked(true));
    rig.observe(Observation::Locked(false));
    let unlocked = rig.published_to(DEVICE).pop().unwrap();
    assert_eq!(
        (&unlocked["status"], &unlocked["since"]),
        (&json!("online"), &json!(START + rig.ms))
    );
}

#[test]
fn what_was_said_before_a_goodbye_or_a_loss_is_over() {
    for before in [
        json!({"v":1,"status":"offline","cause":"left","since":5,"timestamp":5,"epoch":5}),
        lost(5),
    ] {
        let mut rig = Rig::holder("laptop");
        rig.observe(Observation::InputActive);
        rig.handle(Input::Start);
        rig.connect_and_read(&[(DEVICE, &before)]);
        assert_eq!(rig.published_to(DEVICE)[0]["since"], START);
    }
}

#[test]
fn the_bound_of_a_loss_is_what_the_broker_granted() {
    let seconds = |s| Some(Duration::from_secs(s));
    for (granted, bound) in [
        (Granted::default(), json!(18)),
        (Granted { keep_alive: seconds(20), ..Granted::default() }, json!(36)),
        (Granted { session_expiry: seconds(2), ..Granted::default() }, json!(14)),
        (Granted { keep_alive: seconds(0), ..Granted::default() }, Value::Null),
    ] {
        let mut rig = Rig::holder("laptop");
        rig.handle(Input::Start);
        rig.link(ConnectionEvent::Up(granted));
        rig.link(ConnectionEvent::Subscribed { refused: Vec::new() });
        rig.pass(50);
        assert_eq!(rig.published_to(DEVICE)[0].get("loss_s").unwrap_or(&Value::Null), &bound);
    }
}

#[test]
fn that_a_broker_speaks_5_is_kept_as_soon_as_it_is_known() {
    let mut rig = Rig::holder("laptop");
    rig.handle(Input::Start);
    rig.effects.clear();
    rig.link(ConnectionEvent::Up(Granted::default()));
    assert!(matches!(&rig.effects[0], Effect::Save(saved) if saved.speaks_v5));
}

#[test]
fn a_second_machine_is_seen_although_the_clock_outruns_its_numbers() {
    // A broker that tells nobody of a take-over: each of the two drops the other, and comes back a moment later.
    let mut rig = Rig::up();
    for n in 1..=2 {
        rig.link(broken());
        rig.pass(1000);
        rig.effects.clear();
        rig.link(ConnectionEvent::Up(Granted::default()));
        let theirs =
            json!({"v":1,"status":"online","timestamp":START,"epoch":START + rig.ms - 500});
        rig.receive(DEVICE, &theirs.to_string(), true);
        let renewed = kinds(&rig.effects).contains(&"Drop".to_owned());
        assert_eq!(renewed, n == 2);
        rig.link(ConnectionEvent::Subscribed { refused: Vec::new() });
        rig.pass(50);
    }
}

#[test]
fn a_changed_network_is_tried_at_once() {
    let mut rig = Rig::up();
    rig.pass(60_000);
    rig.effects.clear();
    rig.observe(Observation::NetworkChanged);
    assert_eq!(kinds(&rig.effects), ["Drop", "Save", "Connect"]);
    // It changes several times while it is set up.
    rig.connect();
    rig.effects.clear();
    rig.observe(Observation::NetworkChanged);
    assert_eq!(kinds(&rig.effects), [""; 0]);
    for _ in 0..20 {
        rig.link(broken());
        rig.pass(1000);
    }
    rig.link(broken());
    rig.effects.clear();
    rig.observe(Observation::NetworkChanged);
    assert_eq!(kinds(&rig.effects), ["Save", "Connect"]);
}

#[test]
fn a_power_off_that_is_called_off_brings_the_device_back() {
    let mut rig = Rig::up();
    rig.observe(Observation::ShuttingDown);
    assert_eq!(rig.published_to(DEVICE)[0]["cause"], "left");
    rig.pass(1500);
    assert!(kinds(&rig.effects).contains(&"MaySleep".to_owned()));
    rig.effects.clear();
    rig.observe(Observation::Resumed);
    rig.connect();
    assert_eq!(rig.published_to(DEVICE)[0]["status"], "online");
}

#[test]
fn what_was_said_before_a_restart_holds_until_something_happened_even_unconnected() {
    let mut rig = Rig::holder("laptop");
    rig.observe(Observation::InputActive);
    rig.handle(Input::Start);
    let said = json!({"v":1,"status":"online","since":START - 7_200_000,"timestamp":START - 1000,
                      "epoch":5,"lease_s":3600});
    rig.connect_and_read(&[(DEVICE, &said)]);
    rig.link(broken());
    // Away and back while nobody could be told.
    rig.observe(Observation::Locked(true));
    rig.ms += 1;
    rig.observe(Observation::Locked(false));
    let back = START + rig.ms;
    rig.pass(1000);
    rig.effects.clear();
    rig.connect();
    assert_eq!(rig.published_to(DEVICE)[0]["since"], back);
}

#[test]
fn a_broker_that_ends_connections_at_once_makes_no_copy_of_us() {
    let mut rig = Rig::holder("laptop");
    rig.observe(Observation::InputActive);
    rig.handle(Input::Start);
    for _ in 0..6 {
        let will = rig.last_connect().will.clone().unwrap();
        rig.link(ConnectionEvent::Up(Granted::default()));
        rig.link(broken());
        rig.effects.clear();
        let mut waited = 0;
        while !rig.effects.iter().any(|effect| matches!(effect, Effect::Connect(_))) {
            waited += 1;
            assert!(waited < 200);
            rig.pass(1_000);
        }
        // The broker has published the Will of the connection that it ended.
        rig.link(ConnectionEvent::Up(Granted::default()));
        rig.receive(DEVICE, &String::from_utf8(will.payload).unwrap(), true);
        let mut saved = rig.effects.iter().rev().filter_map(|effect| match effect {
            Effect::Save(saved) => Some(saved.device.as_str()),
            _ => None,
        });
        assert_eq!(saved.next(), Some("laptop"));
    }
}
