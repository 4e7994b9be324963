//! Tests the shown people against the records of their devices.

use proptest::prelude::*;

use super::*;
use crate::presence::{AwayCause, Choice, Chosen, ChosenStatus};
use crate::wire::{SimpleRecord, SimpleStatus};

const START: u64 = 1_763_742_000_000;
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(86_400);
const RECORD_EXPIRY: Duration = crate::expiry::RECORD_EXPIRY;

/// A roster for a remote broker, and a clock.
struct Team {
    roster: Roster,
    passed: Duration,
    changes: Vec<Change>,
}

impl Team {
    /// Connected, and nothing was retained.
    fn new() -> Self {
        let mut team = Self::reading();
        team.read();
        team
    }

    /// Connected, and the retained messages come now.
    fn reading() -> Self {
        let passed = Duration::from_secs(100_000_000);
        let mut team = Self { roster: Roster::remote(None), passed, changes: Vec::new() };
        team.roster.connection_began(team.now());
        team
    }

    fn read(&mut self) {
        self.roster.connection_up(self.now());
        self.expire();
    }

    fn now(&self) -> Now {
        let wall = Timestamp::from_ms(START).unwrap() + self.passed;
        Now { mono: Monotonic::from_origin(self.passed), wall }
    }

    fn ago(&self, ago: Duration) -> Option<Timestamp> {
        Some(self.now().ago(ago))
    }

    fn expire(&mut self) {
        self.roster.expire(self.now());
        let changes = self.roster.take_changes(self.now());
        self.changes.extend(changes);
    }

    fn pass(&mut self, time: Duration) {
        self.passed += time;
        self.expire();
    }

    fn tell(&mut self, device: &str, record: DeviceRecord, arrival: Arrival) -> Applied {
        let (user, device) = (alice(), DeviceId::parse(device).unwrap());
        let payload = Payload::Record(record);
        let applied = self.roster.apply_device(self.now(), &user, &device, payload, arrival);
        self.expire();
        applied
    }

    fn live(&mut self, device: &str, record: DeviceRecord) -> Applied {
        self.tell(device, record, Arrival::LIVE)
    }

    /// A simple client's live record.
    fn simple(&mut self, word: &str) {
        let status = match word {
            "online" => SimpleStatus::Online,
            "away" => SimpleStatus::Away,
            "offline" => SimpleStatus::Offline,
            other => SimpleStatus::Other(other.to_owned()),
        };
        let record = Payload::Record(UserRecord::Simple(SimpleRecord { status, timestamp: None }));
        self.roster.apply_user(self.now(), &alice(), record, Arrival::LIVE);
        self.expire();
    }

    fn shown(&self) -> PersonView {
        self.roster.person(&alice(), self.now()).expect("somebody known")
    }

    fn status(&self) -> String {
        self.shown().status
    }
}

fn alice() -> UserId {
    UserId::parse("alice").unwrap()
}

fn is(observed: Observed) -> DeviceRecord {
    DeviceRecord { epoch: Some(2), ..DeviceRecord::bare(observed) }
}

fn online() -> DeviceRecord {
    is(Observed::Active)
}

fn idle() -> DeviceRecord {
    is(Observed::Away(Some(AwayCause::Idle)))
}

fn left() -> DeviceRecord {
    is(Observed::Offline(Some(OfflineCause::Left)))
}

fn lost() -> DeviceRecord {
    is(Observed::Offline(Some(OfflineCause::Lost)))
}

fn since(record: DeviceRecord, since: Option<Timestamp>) -> DeviceRecord {
    DeviceRecord { since, ..record }
}

fn chose(rev: u64, status: ChosenStatus) -> DeviceRecord {
    let (text, emoji, until, at) = (None, None, None, None);
    let choice = Some(Choice { status, text, emoji, until, at });
    DeviceRecord { chosen: Some(Chosen { rev, choice }), ..online() }
}

#[test]
fn one_device_that_is_here_keeps_the_person_here() {
    for (one, other, status) in [
        (online(), left(), "online"),
        (idle(), left(), "away"),
        (online(), idle(), "online"),
        (is(Observed::Unknown), idle(), "online"),
        (left(), left(), "offline"),
    ] {
        for order in [["laptop", "phone"], ["phone", "laptop"]] {
            let mut team = Team::new();
            team.live(order[0], one.clone());
            team.live(order[1], other.clone());
            assert_eq!(team.status(), status);
        }
    }
}

#[test]
fn online_counts_from_the_first_device_and_away_from_the_last_input() {
    let mut team = Team::new();
    let (early, late) = (team.ago(HOUR), team.ago(MINUTE));
    team.live("laptop", since(online(), late));
    team.live("phone", since(online(), early));
    assert_eq!(team.shown().since, early);
    team.live("laptop", since(idle(), early));
    team.live("phone", since(idle(), late));
    assert_eq!((team.status().as_str(), team.shown().since), ("away", late));
    team.live("laptop", since(left(), late));
    team.live("phone", since(left(), early));
    assert_eq!((team.status().as_str(), team.shown().since), ("offline", late));
}

#[test]
fn a_simple_client_counts_as_one_more_device() {
    let mut team = Team::new();
    team.simple("busy");
    assert_eq!(team.status(), "busy");
    team.live("laptop", idle());
    assert_eq!(team.status(), "busy", "a word of their own says more than away");
    team.live("laptop", online());
    assert_eq!(team.status(), "online");
    team.live("laptop", left());
    team.simple("offline");
    assert_eq!(team.status(), "offline");
}

#[test]
fn the_choice_with_the_highest_number_counts_while_its_device_is_here() {
    let mut team = Team::new();
    team.live("laptop", chose(7, ChosenStatus::Dnd));
    team.live("phone", chose(6, ChosenStatus::Away));
    assert_eq!(team.status(), "dnd");
    team.live("phone", chose(7, ChosenStatus::Away));
    assert_eq!(team.status(), "away", "among equals the last counts");
    team.live("phone", left());
    assert_eq!(team.status(), "dnd");
    team.live("laptop", left());
    assert_eq!(team.status(), "offline");
}

#[test]
fn a_choice_ends_by_itself() {
    let mut team = Team::new();
    let mut record = chose(1, ChosenStatus::Dnd);
    record.timestamp = Some(team.now().wall);
    let ends = team.now().wall + MINUTE;
    record.chosen.as_mut().unwrap().choice.as_mut().unwrap().until = Some(ends);
    team.live("laptop", record);
    assert_eq!((team.status().as_str(), team.shown().until), ("dnd", Some(ends)));
    team.pass(MINUTE);
    assert_eq!((team.status().as_str(), team.shown().until), ("online", None));
}

#[test]
fn a_will_of_an_earlier_session_is_ignored_and_one_of_this_session_counts() {
    let mut team = Team::new();
    team.live("laptop", online());
    let stale = DeviceRecord { epoch: Some(1), ..lost() };
    assert_eq!(team.live("laptop", stale), Applied::StaleWill);
    assert_eq!(team.status(), "online");
    assert_eq!(team.live("laptop", lost()), Applied::Taken);
    assert_eq!(team.status(), "online", "a loss is held for a moment");
    team.pass(Duration::from_millis(250));
    assert_eq!((team.status().as_str(), team.shown().cause), ("offline", Some(Cause::Lost)));
}

#[test]
fn a_device_that_does_not_renew_its_record_is_lost_since_it_was_heard() {
    let mut team = Team::new();
    team.live("laptop", DeviceRecord { lease: Some(HOUR), ..online() });
    let heard = team.ago(Duration::ZERO);
    team.pass(HOUR - MINUTE);
    assert_eq!(team.status(), "online");
    team.pass(MINUTE);
    assert_eq!((team.status().as_str(), team.shown().since), ("offline", heard));
}

#[test]
fn without_our_link_nobody_is_called_offline_and_everybody_is_in_doubt() {
    let mut team = Team::new();
    team.live("laptop", DeviceRecord { lease: Some(MINUTE), ..online() });
    team.roster.connection_lost(team.now());
    team.pass(HOUR);
    assert_eq!((team.status().as_str(), team.shown().stale), ("online", true));
}

#[test]
fn who_is_missing_after_a_reconnect_is_lost_once_we_settled() {
    let mut team = Team::new();
    team.live("laptop", online());
    let heard = team.ago(Duration::ZERO);
    team.roster.connection_lost(team.now());
    team.pass(MINUTE);
    team.roster.connection_began(team.now());
    team.read();
    assert_eq!((team.status().as_str(), team.shown().stale), ("online", true));
    team.pass(RESYNC);
    assert_eq!((team.status().as_str(), team.shown().since), ("offline", heard));
}

#[test]
fn who_is_cleared_is_forgotten() {
    let mut team = Team::new();
    team.live("laptop", online());
    let laptop = DeviceId::parse("laptop").unwrap();
    team.roster.apply_device(team.now(), &alice(), &laptop, Payload::Cleared, Arrival::LIVE);
    team.expire();
    assert!(team.roster.person(&alice(), team.now()).is_none());
    assert!(team.changes.last().is_some_and(|change| change.after.is_none()));
}

#[test]
fn what_is_told_again_is_no_change() {
    let mut team = Team::new();
    let record = since(online(), team.ago(MINUTE));
    team.live("laptop", record.clone());
    team.changes.clear();
    team.live("laptop", record);
    let heard = |change: &Change| {
        let (before, after) = (change.before.clone().unwrap(), change.after.clone().unwrap());
        before.status == after.status && before.since == after.since
    };
    assert!(team.changes.iter().all(heard));
}

/// A record written `ago` by a clock that is `behind`.
fn written(team: &Team, record: DeviceRecord, ago: Duration, behind: Duration) -> DeviceRecord {
    let timestamp = team.ago(ago + behind);
    DeviceRecord { timestamp, since: timestamp, lease: Some(HOUR), ..record }
}

fn stored(left: Duration) -> Arrival {
    Arrival::from_broker(true, Some(left))
}

#[test]
fn what_is_learned_at_the_end_of_reading_places_what_came_before() {
    let behind = HOUR * 3;
    let mut team = Team::reading();
    // Nothing confirms this age when the record arrives.
    let record = written(&team, left(), DAY, behind);
    team.tell("laptop", record, stored(RECORD_EXPIRY - DAY));
    let record = written(&team, online(), MINUTE, Duration::ZERO);
    team.tell("phone", record, stored(RECORD_EXPIRY - MINUTE));
    team.read();
    let shown = team.shown();
    let laptop = shown.devices.iter().find(|device| device.device == "laptop").unwrap();
    assert_eq!(laptop.since, team.ago(DAY));
}

#[test]
fn a_record_read_once_more_is_as_old_as_when_it_came_first() {
    let mut team = Team::new();
    let record = written(&team, online(), Duration::ZERO, HOUR * 3);
    let came = team.ago(Duration::ZERO);
    team.live("laptop", record.clone());
    assert_eq!(team.shown().since, came);
    team.pass(MINUTE * 40);
    team.roster.connection_lost(team.now());
    team.roster.connection_began(team.now());
    // A broker that gives no ages.
    team.tell("laptop", record, Arrival::from_broker(true, None));
    team.read();
    team.pass(RESYNC);
    assert_eq!((team.status().as_str(), team.shown().since), ("online", came));
    team.pass(MINUTE * 20);
    assert_eq!(team.status(), "offline", "its lease counts from when it came first");
}

fn a_time() -> impl Strategy<Value = Option<Timestamp>> {
    let ms = prop_oneof![
        0..10_000_000_u64,
        1_700_000_000..1_800_000_000_u64,
        START - 10_000_000_000..START + 200_000_000_000,
        0..=Timestamp::MAX.as_ms(),
    ];
    proptest::option::of(ms.prop_map(|ms| Timestamp::from_ms(ms).unwrap()))
}

fn a_record() -> impl Strategy<Value = (DeviceRecord, Arrival)> {
    let observed = prop::sample::select(vec![
        Observed::Active,
        Observed::Away(Some(AwayCause::Idle)),
        Observed::Offline(Some(OfflineCause::Left)),
        Observed::Offline(Some(OfflineCause::Lost)),
    ]);
    let left = proptest::option::of(prop_oneof![
        Just(RECORD_EXPIRY),
        Just(DAY),
        (0..40 * 86_400_u64).prop_map(Duration::from_secs),
    ]);
    let choice = proptest::option::of((a_time(), a_time()));
    let lease = proptest::option::of((0..100_000_u64).prop_map(Duration::from_secs));
    (observed, a_time(), a_time(), choice, lease, any::<bool>(), left).prop_map(
        |(observed, since, timestamp, choice, lease, retained, left)| {
            let chosen = choice.map(|(until, at)| {
                let (status, text, emoji) = (ChosenStatus::Dnd, None, None);
                Chosen { rev: 1, choice: Some(Choice { status, text, emoji, until, at }) }
            });
            let record = DeviceRecord { since, timestamp, chosen, lease, ..is(observed) };
            (record, Arrival::from_broker(retained, left))
        },
    )
}

/// Checks that no shown time lies in the future or before the protocol existed.
fn can_be(team: &Team) -> Result<(), TestCaseError> {
    let Some(shown) = team.roster.person(&alice(), team.now()) else {
        return Ok(());
    };
    let devices = shown.devices.iter().map(|device| device.since);
    for at in devices.chain([shown.since, shown.evidence.since, shown.evidence.heard]).flatten() {
        prop_assert!(at >= Timestamp::FLOOR && at <= team.now().wall, "{at:?}: {shown:?}");
    }
    Ok(())
}

proptest! {
    #[test]
    fn no_record_at_any_broker_shows_a_time_that_cannot_be(
        records in prop::collection::vec((0..2_usize, a_record(), 0..10_000_u64), 1..6),
        reconnects: bool,
        simple in a_time(),
    ) {
        let mut team = Team::reading();
        for (device, (record, arrival), pause) in records {
            team.tell(["laptop", "phone"][device], record, arrival);
            team.pass(Duration::from_secs(pause));
            can_be(&team)?;
        }
        let status = SimpleStatus::Away;
        let record = UserRecord::Simple(SimpleRecord { status, timestamp: simple });
        let arrival = Arrival::from_broker(true, None);
        team.roster.apply_user(team.now(), &alice(), Payload::Record(record), arrival);
        let input = simple.map_or(Payload::Cleared, Payload::Record);
        team.roster.apply_activity(team.now(), &alice(), input, arrival);
        team.read();
        can_be(&team)?;
        if reconnects {
            team.roster.connection_lost(team.now());
            team.roster.connection_began(team.now());
            team.read();
            team.pass(RESYNC);
            can_be(&team)?;
        }
    }
}
