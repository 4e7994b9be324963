//! Whether the roster can be read.

use super::*;
use crate::access::{RefusedFilter, RosterAccess, Withheld};
use crate::reason::ReasonCode;
use crate::view::RosterGap;

const OWN: &str = "presence/alice/device/laptop";
const ALICE: &str = "presence/alice";

fn alice() -> UserId {
    UserId::parse("alice").unwrap()
}

/// Everybody who only reads the roster.
fn readers() -> [Role; 3] {
    [Role::Observer, Role::ObserverFor(alice()), Role::Signaller(alice())]
}

/// An engine whose CONNACK has come.
fn begun(role: Role, granted: Granted) -> Rig {
    let mut rig = Rig::new(role);
    rig.observe(Observation::InputActive);
    rig.handle(Input::Start);
    rig.effects.clear();
    rig.link(ConnectionEvent::Up(granted));
    rig
}

/// The same, with these filters refused, and read to the end.
fn read(role: Role, refused: &[&str]) -> Rig {
    let mut rig = begun(role, Granted::default());
    suback(&mut rig, refused);
    rig.pass(300);
    rig
}

fn refused_filter(filter: &str) -> RefusedFilter {
    RefusedFilter { filter: filter.to_owned(), reason: ReasonCode::NOT_AUTHORIZED.into() }
}

fn suback(rig: &mut Rig, refused: &[&str]) {
    let refused = refused.iter().map(|filter| refused_filter(filter)).collect();
    rig.link(ConnectionEvent::Subscribed { refused });
}

fn filters(rig: &Rig) -> Vec<Vec<String>> {
    let subscribes = rig.effects.iter().filter_map(|effect| match effect {
        Effect::Subscribe(filters) => Some(filters.iter().map(|one| one.topic.clone()).collect()),
        _ => None,
    });
    subscribes.collect()
}

fn link(rig: &Rig) -> ConnectionView {
    rig.engine.snapshot(Stage::Running).link
}

fn gap(rig: &Rig) -> Option<RosterGap> {
    match link(rig) {
        ConnectionView::Up { gap, .. } => gap,
        other => panic!("{other:?}"),
    }
}

/// The reader gave up, with this problem, and waits.
#[track_caller]
fn gave_up(rig: &mut Rig, code: &str) {
    let ConnectionView::Refused { problem, .. } = link(rig) else { panic!("{:?}", link(rig)) };
    assert_eq!(problem.code, code);
    assert!(rig.effects.contains(&Effect::Disconnect));
    assert!(!rig.effects.contains(&Effect::SnapshotRead), "nothing was read");
    rig.effects.clear();
    rig.pass(240_000);
    assert!(rig.effects.iter().all(|effect| !matches!(effect, Effect::Connect(_))));
    rig.pass(70_000);
    assert!(rig.effects.iter().any(|effect| matches!(effect, Effect::Connect(_))));
}

fn problems(rig: &Rig) -> Vec<String> {
    let problems = rig.engine.snapshot(Stage::Running).problems.into_iter();
    problems.map(|problem| problem.code).collect()
}

#[test]
fn a_reader_without_a_needed_filter_gives_up_and_says_why() {
    for refused in ["presence/+", "presence/+/device/+"] {
        for role in readers() {
            let mut rig = read(role, &[refused, "presence/+/typing"]);
            gave_up(&mut rig, "subscription_refused");
        }
    }
}

#[test]
fn a_filter_that_nobody_needs_may_be_refused() {
    for refused in
        ["presence/+/activity", "presence/+/typing", "presence/_hub", "$SYS/broker/version"]
    {
        for role in readers() {
            let mut rig = read(role, &[refused]);
            // A check may follow.
            suback(&mut rig, &[]);
            rig.pass(300);
            assert_eq!(gap(&rig), Some(RosterGap::Unproven), "{refused}");
        }
    }
}

#[test]
fn a_connack_that_withholds_everything_is_believed() {
    let no_retain = Granted { no_retain: true, ..Granted::default() };
    let no_wildcards = Granted { no_wildcards: true, ..Granted::default() };
    for role in readers() {
        let mut rig = begun(role.clone(), no_retain);
        assert!(filters(&rig).is_empty(), "it asks for nothing");
        gave_up(&mut rig, "retain_unavailable");
        gave_up(&mut begun(role, no_wildcards), "wildcards_unavailable");
    }
    let chooser = || Role::StatusSetter(alice());
    gave_up(&mut begun(chooser(), no_retain), "retain_unavailable");
    let asked = filters(&begun(chooser(), no_wildcards));
    assert_eq!(asked, [["presence/alice/chosen", "presence/_hub", "$SYS/broker/version"]]);
    // A device has nothing to say where nothing is retained.
    let mut rig = begun(Role::Device(holder("laptop")), no_retain);
    assert!(rig.effects.iter().all(|effect| !matches!(effect, Effect::Publish(_))));
    gave_up(&mut rig, "retain_unavailable");
}

#[test]
fn a_device_stays_and_shows_that_it_cannot_see_the_others() {
    let mut rig = read(Role::Device(holder("laptop")), &["presence/+/device/+"]);
    assert_eq!(
        (gap(&rig), problems(&rig)),
        (Some(RosterGap::Withheld), vec!["subscription_refused".to_owned()])
    );
    assert!(!rig.published_to(OWN).is_empty(), "others see it");

    let no_wildcards = Granted { no_wildcards: true, ..Granted::default() };
    let mut rig = begun(Role::Device(holder("laptop")), no_wildcards);
    assert_eq!(filters(&rig), [["presence/alice/chosen"]]);
    suback(&mut rig, &[]);
    rig.pass(300);
    assert_eq!(gap(&rig), Some(RosterGap::Withheld));
    assert!(!rig.published_to(OWN).is_empty(), "others see it");
    // The next connection is judged by itself.
    rig.link(ConnectionEvent::Down(ConnectionFailure::Broken { reason: String::new() }));
    rig.pass(1_000);
    rig.link(ConnectionEvent::Up(Granted::default()));
    suback(&mut rig, &[]);
    rig.receive(BOB, &online(1).to_string(), true);
    rig.pass(50);
    assert_eq!((gap(&rig), problems(&rig)), (None, Vec::new()));
}

#[test]
fn one_stored_message_by_a_wildcard_proves_that_they_come() {
    for (topic, payload) in [
        (BOB, online(1).to_string()),
        ("presence/bob", r#"{"status":"online"}"#.to_owned()),
        ("presence/bob/activity", r#"{"timestamp":1}"#.to_owned()),
        // Whose it is does not matter, nor whether we understand it.
        ("presence/bob", "?".to_owned()),
    ] {
        for role in readers() {
            let mut rig = begun(role, Granted::default());
            rig.receive(topic, &payload, true);
            suback(&mut rig, &[]);
            rig.pass(300);
            assert_eq!(*rig.engine.roster_access(), RosterAccess::Proven, "{topic}");
            assert_eq!(filters(&rig).len(), 1, "nothing more is asked");
        }
    }
    // Neither a live message nor one by an exact topic proves anything.
    let mut rig = begun(Role::Signaller(alice()), Granted::default());
    rig.receive("presence/alice/chosen", r#"{"rev":1}"#, true);
    rig.receive(BOB, &online(1).to_string(), false);
    suback(&mut rig, &[]);
    rig.pass(600);
    assert_eq!(gap(&rig), Some(RosterGap::Unproven));
}

#[test]
fn a_stored_message_that_only_its_exact_topic_brings_unmasks_the_broker() {
    for role in [Role::ObserverFor(alice()), Role::Signaller(alice())] {
        let mut rig = read(role, &[]);
        assert_eq!(filters(&rig)[1..], [[ALICE]]);
        assert!(!rig.effects.contains(&Effect::SnapshotRead));
        rig.receive(ALICE, r#"{"status":"offline"}"#, true);
        suback(&mut rig, &[]);
        rig.pass(300);
        gave_up(&mut rig, "retained_withheld");
    }
}

#[test]
fn an_exact_topic_that_holds_nothing_leaves_the_doubt() {
    // Refused, it tells nothing, either.
    for refused in [[].as_slice(), &[ALICE]] {
        let mut rig = read(Role::ObserverFor(alice()), &[]);
        suback(&mut rig, refused);
        rig.pass(600);
        assert!(rig.effects.contains(&Effect::SnapshotRead));
        assert_eq!((gap(&rig), problems(&rig)), (Some(RosterGap::Unproven), Vec::new()));
    }
}

#[test]
fn a_slow_broker_is_not_blamed() {
    // The wildcard's copy comes late.
    let mut rig = read(Role::ObserverFor(alice()), &[]);
    suback(&mut rig, &[]);
    rig.receive(ALICE, r#"{"status":"offline"}"#, true);
    rig.pass(200);
    rig.receive(ALICE, r#"{"status":"offline"}"#, true);
    rig.pass(300);
    assert_eq!(gap(&rig), None);
    // It was published between the two questions.
    let mut rig = read(Role::ObserverFor(alice()), &[]);
    rig.receive(ALICE, r#"{"status":"online"}"#, false);
    suback(&mut rig, &[]);
    rig.receive(ALICE, r#"{"status":"online"}"#, true);
    rig.pass(300);
    assert_eq!(gap(&rig), Some(RosterGap::Unproven));
}

#[test]
fn the_record_of_a_gateway_is_asked_for_again_by_the_wildcard() {
    for comes in [false, true] {
        let mut rig = begun(Role::Observer, Granted::default());
        rig.receive("presence/_hub", r#"{"v":1}"#, true);
        suback(&mut rig, &[]);
        rig.pass(300);
        assert_eq!(filters(&rig)[1..], [["presence/+"]]);
        suback(&mut rig, &[]);
        rig.pass(1_500);
        assert!(!rig.effects.contains(&Effect::SnapshotRead), "it is only slow");
        if comes {
            rig.receive("presence/_hub", r#"{"v":1}"#, true);
            rig.pass(300);
            assert_eq!(gap(&rig), None);
        } else {
            rig.pass(2_000);
            gave_up(&mut rig, "retained_withheld");
        }
    }
}

const TYPING: &str = "presence/alice/typing";

/// What was published, as topic, payload and whether it is retained.
fn marks(rig: &Rig) -> Vec<(String, String, bool)> {
    let published = rig.effects.iter().filter_map(|effect| match effect {
        Effect::Publish(it) => {
            Some((it.topic.clone(), String::from_utf8_lossy(&it.payload).into_owned(), it.retain))
        }
        _ => None,
    });
    published.collect()
}

#[test]
fn a_test_of_the_broker_leaves_a_mark_and_clears_it_whatever_comes_of_it() {
    let mark = r#"{"isTyping":false}"#;
    for (stored, handed_out) in [(false, false), (true, false), (true, true)] {
        let mut rig = read(Role::BrokerTest(alice()), &[]);
        // First the person's own topic, which needs no mark.
        suback(&mut rig, &[]);
        rig.pass(300);
        assert_eq!(marks(&rig), [(TYPING.to_owned(), mark.to_owned(), true)]);
        assert_eq!(filters(&rig)[1..], [[ALICE], [TYPING]]);
        rig.receive(TYPING, mark, false);
        suback(&mut rig, &[]);
        if stored {
            rig.receive(TYPING, mark, true);
            assert_eq!(filters(&rig)[3..], [["presence/+/typing"]]);
            suback(&mut rig, &[]);
        }
        if handed_out {
            rig.receive(TYPING, mark, true);
        }
        rig.pass(2_500);
        assert_eq!(marks(&rig)[1..], [(TYPING.to_owned(), String::new(), true)], "it is cleared");
        assert!(rig.engine.diagnostics().dropped.is_empty());
        match (stored, handed_out) {
            (true, false) => gave_up(&mut rig, "retained_withheld"),
            (true, true) => assert_eq!(gap(&rig), None),
            _ => assert_eq!(gap(&rig), Some(RosterGap::Unproven)),
        }
    }
    // Where something was read there is nothing to find out.
    let mut rig = begun(Role::BrokerTest(alice()), Granted::default());
    rig.receive(BOB, &online(1).to_string(), true);
    suback(&mut rig, &[]);
    rig.pass(600);
    assert_eq!((marks(&rig), gap(&rig)), (Vec::new(), None));
}

#[test]
fn a_device_asks_once_whether_its_own_record_comes_back() {
    for comes in [false, true] {
        let mut rig = Rig::up();
        rig.effects.clear();
        let own = json!({"v":1,"status":"online","epoch":1,"timestamp":START});
        rig.live(OWN, &own);
        rig.live(OWN, &own);
        assert_eq!(filters(&rig), [["presence/+/device/+"]]);
        suback(&mut rig, &[]);
        if comes {
            rig.receive(OWN, &own.to_string(), true);
        }
        rig.pass(4_000);
        let withheld = (Some(RosterGap::Withheld), vec!["retained_withheld".to_owned()]);
        assert_eq!((gap(&rig), problems(&rig)), if comes { (None, Vec::new()) } else { withheld });
        assert!(rig.effects.iter().all(|effect| !matches!(effect, Effect::Connect(_))));
    }
}

#[test]
fn a_broker_that_breaks_the_connection_at_a_check_is_not_checked_again() {
    let mut rig = read(Role::ObserverFor(alice()), &[]);
    rig.link(ConnectionEvent::Down(ConnectionFailure::Broken { reason: String::new() }));
    rig.pass(1_100);
    rig.effects.clear();
    rig.link(ConnectionEvent::Up(Granted::default()));
    suback(&mut rig, &[]);
    rig.pass(300);
    assert!(rig.effects.contains(&Effect::SnapshotRead));
    assert_eq!(filters(&rig).len(), 1);
}

#[test]
fn what_a_broker_withholds_is_said_with_what_to_do() {
    for withheld in [
        Withheld::Filters(vec![refused_filter("presence/+")]),
        Withheld::Retained,
        Withheld::Wildcards,
        Withheld::RetainedForWildcards,
    ] {
        let said = withheld.to_string();
        assert!(
            said.starts_with("the broker ")
                && (said.contains("ask the person who runs it")
                    || said.contains("Use `porchlight hub`")),
            "{said}"
        );
    }
}

/// A device at a broker that grants everything, with its first records acknowledged.
fn acknowledged() -> Rig {
    let mut rig = read(Role::Device(holder("laptop")), &[]);
    for id in (1..=rig.engine.publishes.in_flight.last).map(PublishId) {
        rig.link(ConnectionEvent::Published { id, outcome: Ok(()) });
    }
    rig
}

#[test]
fn a_record_of_our_own_that_does_not_come_back_shows_that_nothing_is_delivered() {
    let mut rig = acknowledged();
    rig.pass(4_999);
    assert_eq!(gap(&rig), Some(RosterGap::Unproven));
    rig.pass(1);
    assert_eq!(*rig.engine.roster_access(), RosterAccess::Withheld(Withheld::Messages));
    assert_eq!(gap(&rig), Some(RosterGap::Withheld));
    assert!(rig.engine.session.is_up(), "others may still see us");
    // The rules were mended: it is delivered from now on.
    rig.receive(OWN, r#"{"v":1,"status":"online"}"#, false);
    assert_eq!(*rig.engine.roster_access(), RosterAccess::Granted);
    assert!(rig.engine.snapshot(Stage::Running).problems.is_empty());
}

#[test]
fn a_record_of_our_own_that_comes_back_in_time_or_before_its_puback_blames_nobody() {
    let mut rig = acknowledged();
    rig.pass(4_000);
    rig.receive(OWN, r#"{"v":1,"status":"online"}"#, false);
    // The answer to the check for retained messages that follows.
    rig.receive(OWN, r#"{"v":1,"status":"online"}"#, true);
    rig.pass(60_000);
    assert_eq!(*rig.engine.roster_access(), RosterAccess::Proven);
    let mut rig = read(Role::Device(holder("laptop")), &[]);
    rig.receive(OWN, r#"{"v":1,"status":"online"}"#, false);
    for id in (1..=rig.engine.publishes.in_flight.last).map(PublishId) {
        rig.link(ConnectionEvent::Published { id, outcome: Ok(()) });
    }
    rig.receive(OWN, r#"{"v":1,"status":"online"}"#, true);
    rig.pass(60_000);
    assert_eq!(*rig.engine.roster_access(), RosterAccess::Proven);
}
