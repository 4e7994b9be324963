//! Clocks that are wrong, our own and those of others, at a broker that tells no ages (MQTT 3.1.1).

use super::*;

const YEAR: u64 = 400 * 24 * 3_600_000;
const HALF_AN_HOUR: u64 = 30 * 60_000;
const CHOSEN: &str = "presence/alice/chosen";

impl Rig {
    /// Somebody sets the clock right.
    fn set_right(&mut self) {
        self.skew = 0;
        self.handle(Input::Tick);
    }

    fn looking() -> Self {
        let mut rig = Self::new(Role::Observer);
        rig.handle(Input::Start);
        rig
    }

    fn since_of(&self, user: &str) -> Option<Timestamp> {
        self.engine.people().find(|person| person.user == user).unwrap().since
    }
}

fn ms(ms: u64) -> Option<Timestamp> {
    Timestamp::from_ms(ms)
}

fn settled(rig: &Rig) -> Vec<bool> {
    let outcomes = rig.effects.iter().filter_map(|effect| match effect {
        Effect::ChoiceSettled(outcome) => Some(outcome.is_ok()),
        _ => None,
    });
    outcomes.collect()
}

#[test]
fn a_choice_made_with_a_clock_a_year_ahead_ends_when_it_was_to_end() {
    let mut rig = Rig::looking();
    let ahead = START + YEAR;
    let bob = json!({"v":1,"status":"online","since":ahead,"timestamp":ahead,"lease_s":36_000,
        "chosen":{"rev":1,"status":"dnd","at":ahead,"until":ahead + HALF_AN_HOUR}});
    rig.connect_and_read(&[(BOB, &bob)]);
    let shown = rig.bob();
    assert_eq!((shown.status.as_str(), shown.until), ("dnd", ms(START + HALF_AN_HOUR)));
    assert_eq!(shown.since, ms(START));
    rig.pass(HALF_AN_HOUR);
    assert_eq!(rig.bob().status, "online");
}

#[test]
fn ones_own_choice_can_be_replaced_whatever_times_and_numbers_it_has() {
    let ahead = START + YEAR;
    let unset = 5_000;
    for old in [
        json!({"v":1,"rev":1,"status":"dnd","at":ahead,"until":ahead + HALF_AN_HOUR,"timestamp":ahead}),
        json!({"v":1,"rev":1,"status":"dnd","at":ahead}),
        json!({"v":1,"rev":Timestamp::MAX.as_ms(),"status":"away","at":ahead,"until":Timestamp::MAX.as_ms()}),
        json!({"v":1,"rev":7,"status":"away","at":unset,"until":unset + 1,"timestamp":unset}),
        json!({"v":1,"rev":7,"status":"away","at":START + 3 * 3_600_000}),
    ] {
        for command in [choose(ChosenStatus::Away), Command::ClearChosen] {
            let mut rig = Rig::new(Role::StatusSetter(UserId::parse("alice").unwrap()));
            rig.command(command);
            rig.handle(Input::Start);
            rig.pass(2_000);
            rig.connect_and_read(&[(CHOSEN, &old)]);
            assert_eq!(settled(&rig), [false; 0], "{old}");
            rig.acknowledge();
            assert_eq!(settled(&rig), [true], "{old}");
            assert_eq!(rig.published_to(CHOSEN).len(), 1, "{old}");
        }
    }
}

#[test]
fn what_was_chosen_elsewhere_after_a_wish_still_counts() {
    let mut rig = Rig::up();
    rig.link(broken());
    rig.command(choose(ChosenStatus::Dnd));
    rig.pass(60_000);
    rig.connect_and_read(&[(CHOSEN, &json!({"v":1,"rev":4,"status":"away","at":START + 30_000}))]);
    assert!(rig.published_to(CHOSEN).is_empty());
}

#[test]
fn a_wish_is_dated_by_the_clock_as_it_was_set_right() {
    for (at, gives_way) in [(START + 30_000, true), (START - 30_000, false)] {
        // Wished with a clock that was never set.
        let mut rig = Rig::wrong_by(Role::Device(holder("laptop")), 9_000 - START.cast_signed());
        rig.observe(Observation::InputActive);
        rig.handle(Input::Start);
        rig.command(choose(ChosenStatus::Dnd));
        rig.pass(60_000);
        rig.set_right();
        rig.effects.clear();
        rig.connect_and_read(&[(CHOSEN, &json!({"v":1,"rev":4,"status":"away","at":at}))]);
        assert_eq!(rig.published_to(CHOSEN).is_empty(), gives_way, "{at}");
    }
}

#[test]
fn nobody_is_here_since_before_the_protocol_was() {
    let unset = json!({"v":1,"status":"online","since":5_000,"timestamp":60_000,"lease_s":3600});
    let mut rig = Rig::looking();
    rig.connect_and_read(&[
        (BOB, &unset),
        ("presence/carol", &json!({"status":"online","timestamp":60_000})),
        (
            "presence/dave/device/desk",
            &json!({"v":1,"status":"away","since":5_000,"timestamp":START}),
        ),
        ("presence/eve", &json!({"status":"offline"})),
        ("presence/eve/activity", &json!({"timestamp":60_000})),
    ]);
    for user in ["bob", "carol", "dave", "eve"] {
        assert_eq!(rig.since_of(user), None, "{user}");
    }
    assert_eq!(rig.bob().status, "online");
    // Live, it is of this moment, and what it tells is as long ago as it says.
    rig.live(BOB, &unset);
    assert_eq!(rig.since_of("bob"), ms(START + rig.ms - 55_000));
}

#[test]
fn seconds_are_taken_for_seconds() {
    let seconds = (START - 600_000) / 1000;
    let mut rig = Rig::looking();
    rig.connect_and_read(&[
        ("presence/carol", &json!({"status":"online","timestamp":seconds})),
        (BOB, &json!({"v":1,"status":"online","since":seconds,"timestamp":seconds + 60})),
        ("presence/eve", &json!({"status":"offline"})),
        ("presence/eve/activity", &json!({"timestamp":seconds})),
    ]);
    for user in ["carol", "bob", "eve"] {
        assert_eq!(rig.since_of(user), ms(START - 600_000), "{user}");
    }
    let mut rig = Rig::up();
    rig.pass(1_200_000);
    let since = Moment::At(Timestamp::from_ms((START + 600_000) / 1000).unwrap());
    rig.observe(Observation::InputIdle { since });
    let said = rig.published_to(DEVICE).pop().unwrap();
    assert_eq!((&said["status"], &said["since"]), (&json!("away"), &json!(START + 600_000)));
}

#[test]
fn a_source_with_a_clock_that_was_never_set_tells_of_now() {
    let mut rig = Rig::up();
    rig.observe(Observation::InputIdle { since: Moment::At(Timestamp::from_ms(7_000).unwrap()) });
    assert_eq!(rig.published_to(DEVICE).len(), 0);
    rig.pass(300_000);
    assert_eq!(rig.published_to(DEVICE)[0]["since"], START + 50);
}

#[test]
fn what_was_said_before_the_clock_was_set_is_dated_anew() {
    for skew in [9_000 - START.cast_signed(), YEAR.cast_signed(), 3_600_000, -3_600_000] {
        let mut rig = Rig::wrong_by(Role::Device(holder("laptop")), skew);
        rig.observe(Observation::InputActive);
        rig.handle(Input::Start);
        rig.connect();
        rig.pass(120_000);
        let wrong = rig.published_to(DEVICE).pop().unwrap();
        rig.set_right();
        let now = START + rig.ms;
        let published = rig.published();
        let said = |topic: &str| {
            let mut said = published.iter().filter(|(at, _)| at == topic);
            said.next().map(|(_, json)| json).unwrap_or_else(|| panic!("{skew}: {topic}"))
        };
        assert_eq!(said(DEVICE)["since"], START, "{skew}");
        assert_eq!(said(DEVICE)["timestamp"], now, "{skew}");
        assert_eq!(said("presence/alice")["timestamp"], now, "{skew}");
        let me = rig.engine.snapshot(Stage::Running).me.unwrap();
        assert_eq!(me.since, ms(START), "{skew}");
        // What was under way meanwhile is an echo of ours, and nothing to correct.
        rig.live(DEVICE, &wrong);
        rig.live(DEVICE, said(DEVICE));
        assert_eq!(rig.published(), [], "{skew}");
        rig.observe(Observation::InputIdle { since: Moment::Ago(Duration::ZERO) });
        rig.pass(310_000);
        rig.observe(Observation::InputActive);
        let inputs = rig.published_to("presence/alice/activity");
        assert_eq!(inputs.last().unwrap()["timestamp"], START + rig.ms, "{skew}");
    }
}

#[test]
fn a_choice_of_ours_is_dated_anew_and_told_the_other_devices_too() {
    for skew in [YEAR.cast_signed(), 9_000 - START.cast_signed()] {
        let mut rig = Rig::wrong_by(Role::Device(holder("laptop")), skew);
        rig.observe(Observation::InputActive);
        rig.handle(Input::Start);
        rig.connect();
        let lasting = Some(Duration::from_millis(HALF_AN_HOUR));
        let (status, text, emoji) = (ChosenStatus::Dnd, None, None);
        rig.command(Command::Choose { status, text, emoji, lasting });
        rig.acknowledge();
        let echo = rig.published_to(CHOSEN).pop().unwrap();
        rig.live(CHOSEN, &echo);
        rig.pass(60_000);
        rig.effects.clear();
        rig.set_right();
        rig.acknowledge();
        let published = rig.published();
        let last = |topic: &str| {
            let mut said = published.iter().rev().filter(|(at, _)| at == topic);
            said.next().unwrap_or_else(|| panic!("{skew}: {topic}")).1.clone()
        };
        let ends = json!(START + 50 + HALF_AN_HOUR);
        assert_eq!(last(CHOSEN)["until"], ends, "{skew}");
        assert_eq!(last(CHOSEN)["rev"], 1, "{skew}: it is no other choice");
        assert_eq!(last(CHOSEN)["timestamp"], START + rig.ms, "{skew}");
        assert_eq!(last(DEVICE)["chosen"]["until"], ends, "{skew}");
        assert_eq!(last(DEVICE)["chosen"]["at"], START + 50, "{skew}");
        rig.pass(HALF_AN_HOUR);
        let me = rig.engine.snapshot(Stage::Running).me.unwrap();
        assert_eq!(me.status, "online");
    }
}

#[test]
fn a_choice_that_another_clock_dated_is_not_written_again_by_ours() {
    let mut rig = Rig::wrong_by(Role::Device(holder("laptop")), 60_000);
    rig.observe(Observation::InputActive);
    rig.handle(Input::Start);
    rig.connect();
    rig.live(CHOSEN, &json!({"v":1,"rev":1,"status":"away","at":9_000,"timestamp":9_000}));
    rig.effects.clear();
    rig.set_right();
    assert!(rig.published_to(CHOSEN).is_empty());
}

#[test]
fn others_are_dated_anew_when_our_own_clock_was_set() {
    for skew in [9_000 - START.cast_signed(), -2 * YEAR.cast_signed(), YEAR.cast_signed()] {
        let mut rig = Rig::wrong_by(Role::Observer, skew);
        rig.handle(Input::Start);
        let hour_ago = START - 3_600_000;
        rig.connect_and_read(&[
            (BOB, &json!({"v":1,"status":"online","since":hour_ago,"timestamp":START - 60_000})),
            ("presence/carol", &json!({"status":"away","timestamp":hour_ago})),
        ]);
        rig.live("presence/dave", &json!({"status":"online"}));
        let came = START + rig.ms;
        for person in rig.engine.people() {
            assert!(person.since.is_none_or(|since| since <= rig.now().wall), "{skew}");
        }
        rig.pass(60_000);
        rig.set_right();
        assert_eq!(rig.since_of("bob"), ms(hour_ago), "{skew}");
        assert_eq!(rig.since_of("carol"), ms(hour_ago), "{skew}");
        assert_eq!(rig.since_of("dave"), ms(came), "{skew}");
    }
}
