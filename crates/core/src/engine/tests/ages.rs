//! How old a record is, at brokers that shorten Message Expiry or hand it out undiminished.

use super::*;
use crate::expiry::{CHOICE_EXPIRY, RECORD_EXPIRY};

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(86_400);
/// Three hours behind, as a machine in another zone whose clock was set to local time.
const BEHIND: u64 = 3 * 3_600_000;

impl Rig {
    fn reads(retained: &[(&str, Value, Duration)]) -> Self {
        let mut rig = Self::new(Role::Observer);
        rig.handle(Input::Start);
        rig.reconnect(retained);
        rig
    }

    fn reconnect(&mut self, retained: &[(&str, Value, Duration)]) {
        self.link(ConnectionEvent::Up(Granted::default()));
        for (topic, payload, left) in retained {
            self.receive_aged(topic, payload, *left);
        }
        self.link(ConnectionEvent::Subscribed { refused: Vec::new() });
        self.pass(300);
    }

    fn live_aged(&mut self, topic: &str, payload: &Value, left: Duration) {
        self.link(ConnectionEvent::Received(Message {
            topic: topic.to_owned(),
            payload: payload.to_string().into_bytes(),
            retained: false,
            expires_in: Some(left),
        }));
    }

    fn seen(&self, user: &str) -> (String, Option<u64>) {
        let person = self.engine.people().find(|person| person.user == user).unwrap();
        (person.status.clone(), person.since.map(Timestamp::as_ms))
    }
}

/// Online for two hours, renewed so long ago by a clock that is so much behind.
fn online(ago: Duration, behind: u64) -> Value {
    let written = START - u64::try_from(ago.as_millis()).unwrap() - behind;
    json!({"v":1,"status":"online","since":written - 7_200_000,"timestamp":written,"lease_s":3600})
}

fn left(ago: Duration) -> Value {
    let written = START - u64::try_from(ago.as_millis()).unwrap();
    json!({"v":1,"status":"offline","cause":"left","since":written,"timestamp":written})
}

fn ago(ago: Duration) -> Option<u64> {
    Some(START - u64::try_from(ago.as_millis()).unwrap())
}

#[test]
fn somebody_online_is_online_whatever_expiry_the_broker_grants() {
    for cap in [MINUTE * 90, DAY, 3 * DAY, 7 * DAY, 29 * DAY, RECORD_EXPIRY] {
        for behind in [0, BEHIND] {
            let rig = Rig::reads(&[(BOB, online(MINUTE * 10, behind), cap - MINUTE * 10)]);
            let (status, since) = rig.seen("bob");
            assert_eq!(status, "online", "{cap:?}");
            let calendar = ago(MINUTE * 10).unwrap() - behind - 7_200_000;
            let right = calendar + behind;
            assert!([Some(calendar), Some(right), None].contains(&since), "{cap:?}: {since:?}");
            if cap == RECORD_EXPIRY || behind == 0 {
                assert_eq!(since, Some(right), "{cap:?}");
            }
        }
    }
}

#[test]
fn what_is_live_is_of_this_moment_whatever_expiry_is_left() {
    for left in [HOUR, DAY, RECORD_EXPIRY, RECORD_EXPIRY * 2] {
        let mut rig = Rig::reads(&[]);
        let record = online(Duration::ZERO, BEHIND);
        rig.live_aged(BOB, &record, left);
        let since = START + rig.ms - 7_200_000;
        assert_eq!(rig.seen("bob"), ("online".to_owned(), Some(since)), "{left:?}");
    }
}

#[test]
fn a_cap_is_learned_from_what_is_live() {
    let mut rig = Rig::reads(&[]);
    rig.live_aged("presence/eve/device/desk", &online(Duration::ZERO, 0), DAY);
    rig.link(broken());
    rig.pass(1_000);
    rig.reconnect(&[
        (BOB, online(MINUTE * 10, BEHIND), DAY - MINUTE * 10),
        ("presence/dave/device/desk", online(HOUR * 5, BEHIND), DAY - HOUR * 5),
    ]);
    let bob = rig.seen("bob");
    assert_eq!(bob.0, "online");
    let exact = ago(MINUTE * 10).unwrap() - 7_200_000 + rig.ms;
    assert!(bob.1.unwrap().abs_diff(exact) < 2_000, "{bob:?}");
    rig.pass(10_000);
    assert_eq!(rig.seen("dave").0, "offline");
}

#[test]
fn ones_own_echo_tells_the_cap_for_what_was_read_before_it() {
    let mut rig = Rig::holder("laptop");
    rig.observe(Observation::InputActive);
    rig.handle(Input::Start);
    rig.reconnect(&[(BOB, online(MINUTE * 20, BEHIND), DAY - MINUTE * 20)]);
    let mine = rig.published_to(DEVICE).pop().unwrap();
    assert_eq!(rig.bob().status, "online");
    rig.live_aged(DEVICE, &mine, DAY);
    let (status, since) = rig.seen("bob");
    assert_eq!(status, "online");
    let exact = ago(MINUTE * 20).unwrap() - 7_200_000;
    assert!(since.unwrap().abs_diff(exact) < 2_000, "{since:?}");
}

#[test]
fn who_left_long_ago_did_not_leave_now_where_expiry_is_not_diminished() {
    for cap in [DAY, RECORD_EXPIRY] {
        for gone in [5 * DAY, HOUR * 5, MINUTE * 20] {
            let rig = Rig::reads(&[
                (BOB, left(gone), cap),
                ("presence/eve/device/desk", online(MINUTE * 10, 0), cap),
            ]);
            let (status, since) = rig.seen("bob");
            assert_eq!((status.as_str(), since), ("offline", ago(gone)), "{cap:?} {gone:?}");
            assert_eq!(rig.seen("eve"), ("online".to_owned(), ago(MINUTE * 130)), "{cap:?}");
        }
    }
}

#[test]
fn who_left_long_ago_left_long_ago_where_expiry_is_capped() {
    for cap in [7 * DAY, 29 * DAY] {
        let rig = Rig::reads(&[(BOB, left(5 * DAY), cap - 5 * DAY)]);
        assert_eq!(rig.seen("bob"), ("offline".to_owned(), ago(5 * DAY)), "{cap:?}");
    }
}

#[test]
fn a_renewal_that_is_overdue_is_seen_without_knowing_the_cap() {
    let mut rig = Rig::reads(&[
        ("presence/eve/device/desk", online(MINUTE, BEHIND), DAY - MINUTE),
        (BOB, online(HOUR * 5, BEHIND), DAY - HOUR * 5),
    ]);
    rig.pass(10_000);
    assert_eq!((rig.seen("eve").0, rig.seen("bob").0), ("online".to_owned(), "offline".to_owned()));
}

#[test]
fn an_honest_broker_is_believed_whatever_the_clocks_say() {
    // Two clocks are wrong by hours and years, and nobody wrote within the last hour.
    let year = 400 * 86_400_000;
    for behind in [BEHIND, year] {
        let rig = Rig::reads(&[
            ("presence/eve/device/desk", left(HOUR * 9), RECORD_EXPIRY - HOUR * 9),
            (BOB, online(HOUR * 2, behind), RECORD_EXPIRY - HOUR * 2),
        ]);
        let bob = rig.seen("bob");
        assert_eq!(bob, ("offline".to_owned(), ago(HOUR * 2)), "{behind}");
    }
    let rig = Rig::reads(&[(BOB, online(MINUTE * 12, year), RECORD_EXPIRY - MINUTE * 12)]);
    assert_eq!(rig.seen("bob"), ("online".to_owned(), ago(MINUTE * 132)));
}

#[test]
fn another_expiry_than_that_of_the_protocol_tells_no_age() {
    for left in [DAY, RECORD_EXPIRY * 12] {
        let rig = Rig::reads(&[
            ("presence/eve/device/desk", online(MINUTE, 0), RECORD_EXPIRY - MINUTE),
            (BOB, online(MINUTE * 10, 0), left),
        ]);
        assert_eq!(rig.seen("bob"), ("online".to_owned(), ago(MINUTE * 130)), "{left:?}");
    }
}

#[test]
fn a_choice_holds_as_long_as_it_was_to_hold_whatever_expiry_the_broker_grants() {
    let chosen = "presence/alice/chosen";
    for cap in [DAY, 30 * DAY, 364 * DAY, CHOICE_EXPIRY] {
        for counts_down in [true, false] {
            let mut rig = Rig::holder("laptop");
            rig.observe(Observation::InputActive);
            rig.handle(Input::Start);
            let made = START - 600_000;
            let choice = json!({"v":1,"rev":3,"status":"dnd","at":made,"until":START + 1_200_000,
                                "timestamp":made});
            let left = if counts_down { cap - MINUTE * 10 } else { cap };
            rig.reconnect(&[(chosen, choice, left)]);
            let me = |rig: &Rig| rig.engine.snapshot(Stage::Running).me.unwrap().status;
            assert_eq!(me(&rig), "dnd", "{cap:?} {counts_down}");
            rig.pass(1_200_000);
            assert_eq!(me(&rig), "online", "{cap:?} {counts_down}");
        }
    }
}

#[test]
fn set_is_not_refused_where_the_age_of_a_choice_is_not_known() {
    let chosen = "presence/alice/chosen";
    for left in [DAY, CHOICE_EXPIRY] {
        let mut rig = Rig::new(Role::StatusSetter(UserId::parse("alice").unwrap()));
        rig.command(choose(ChosenStatus::Away));
        rig.handle(Input::Start);
        rig.pass(3_000);
        let made = START - 600_000;
        let choice = json!({"v":1,"rev":3,"status":"dnd","at":made,"timestamp":made});
        rig.reconnect(&[(chosen, choice, left)]);
        assert_eq!(rig.published_to(chosen).len(), 1, "{left:?}");
    }
}
