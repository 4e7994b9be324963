use super::*;
use porchlight_core::rate_limit::RateLimit;
use porchlight_core::time::Timestamp;
use porchlight_core::wire::{self, Payload, UserRecord};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::time::Duration;

const START: u64 = 1_763_740_000_000;
const HUB: &str = "presence/_hub";
/// Time after which a loss counts (`docs/protocol.md`, *Settling*).
const HELD: Duration = Duration::from_millis(250);
const MINUTE: Duration = Duration::from_secs(60);

/// Aggregates with a store of retained messages and a manual clock.
struct World {
    sums: Aggregates,
    store: BTreeMap<String, Vec<u8>>,
    passed: Duration,
    /// The topics that the aggregates wrote since the last call.
    written: Vec<String>,
}

impl World {
    fn new() -> Self {
        let mut world = Self::starting_with(&[]);
        world.written.clear();
        world
    }

    /// Creates a hub whose store contains these messages, each an hour old.
    fn starting_with(kept: &[(&str, &str)]) -> Self {
        let mut world = Self {
            sums: Aggregates::new(),
            store: BTreeMap::new(),
            passed: Duration::ZERO,
            written: Vec::new(),
        };
        let arrival = Arrival::aged(true, 60 * MINUTE);
        for (topic, payload) in kept {
            world.keep(topic, payload.as_bytes());
            world.sums.apply(world.now(), topic, payload.as_bytes(), arrival);
        }
        world.settle();
        world
    }

    fn now(&self) -> Now {
        Now {
            mono: Monotonic::from_origin(Duration::from_secs(1_000) + self.passed),
            wall: Timestamp::from_ms(START).unwrap() + self.passed,
        }
    }

    /// Publishes a retained message as a client.
    fn retain(&mut self, topic: &str, payload: &str) {
        self.keep(topic, payload.as_bytes());
        let arrival = Arrival::aged(false, Duration::ZERO);
        self.sums.apply(self.now(), topic, payload.as_bytes(), arrival);
        self.settle();
    }

    fn device(&mut self, device: &str, record: &str) {
        self.retain(&format!("presence/alice/device/{device}"), record);
    }

    /// Publishes the Will of a device, and waits until the loss counts.
    fn lose(&mut self, device: &str) {
        self.device(device, LOST);
        self.pass(HELD);
    }

    /// Advances the clock, and runs everything when it is due.
    fn pass(&mut self, time: Duration) {
        let end = self.now().mono + time;
        while let Some(due) = self.sums.next_deadline().filter(|due| *due <= end) {
            self.passed += due.since(self.now().mono);
            self.settle();
            assert_ne!(self.sums.next_deadline(), Some(due), "a deadline that was met is gone");
        }
        self.passed += end.since(self.now().mono);
        self.settle();
    }

    fn settle(&mut self) {
        self.sums.expire(self.now());
        for write in self.sums.take_writes(self.now()) {
            self.keep(&write.topic, &write.payload);
            self.written.push(write.topic);
        }
        assert_eq!(self.sums.take_writes(self.now()), [], "what was taken counts as written");
    }

    fn keep(&mut self, topic: &str, payload: &[u8]) {
        if payload.is_empty() {
            self.store.remove(topic);
        } else {
            self.store.insert(topic.to_owned(), payload.to_vec());
        }
    }

    /// Returns the topics written since the last call.
    fn written(&mut self) -> Vec<String> {
        std::mem::take(&mut self.written)
    }

    /// Returns the aggregate on Alice's user topic, if any: its status and its copy of the simple record.
    fn sum(&self) -> Option<(String, Option<String>)> {
        match wire::decode_user(self.store.get("presence/alice")?).unwrap() {
            Payload::Record(UserRecord::Aggregate(sum)) => {
                Some((sum.status, sum.foreign.map(|foreign| foreign.status.word().to_owned())))
            }
            _ => None,
        }
    }

    fn status(&self) -> Option<String> {
        self.sum().map(|(status, _)| status)
    }

    /// Returns Alice's last input, in seconds after the start.
    fn activity(&self) -> Option<i64> {
        match wire::decode_activity(self.store.get("presence/alice/activity")?).unwrap() {
            Payload::Record(at) => Some(at.as_ms().cast_signed() - START.cast_signed()),
            Payload::Cleared => None,
        }
        .map(|ms| ms / 1_000)
    }
}

fn some(status: &str) -> Option<String> {
    Some(status.to_owned())
}

const ONLINE: &str = r#"{"v":1,"status":"online"}"#;
const LOST: &str = r#"{"v":1,"status":"offline","cause":"lost"}"#;
const SEED_ONLINE: &str = r#"{"status":"online","timestamp":1}"#;

#[test]
fn whose_topic_it_is_shows_in_the_topic() {
    let root = |topic: &str| parse(topic).map(|(root, _)| root.to_string());
    for topic in ["presence/alice", "presence/alice/device/d", "presence/a/inbox/b", HUB] {
        assert_eq!(root(topic).as_deref(), Some("presence"), "{topic}");
    }
    for topic in ["presence/acme/bob", "presence/acme/bob/device/d", "presence/acme/_hub"] {
        assert_eq!(root(topic).as_deref(), Some("presence/acme"), "{topic}");
    }
    for topic in ["presence", "presence/", "other/alice", "presence/a/b/c", "presence/+/_hub"] {
        assert_eq!(root(topic), None, "{topic}");
    }
}

#[test]
fn a_hub_announces_itself_before_anybody_comes_and_once() {
    let mut world = World::starting_with(&[]);
    assert_eq!(world.store.get(HUB).map(Vec::as_slice), Some(&br#"{"v":1,"in_order":true}"#[..]));
    assert_eq!(world.written(), [HUB]);
    world.pass(60 * MINUTE);
    assert!(world.written().is_empty());
    let withdrawn = world.sums.withdraw();
    assert_eq!(withdrawn.len(), 1);
    assert!(withdrawn[0].topic == HUB && withdrawn[0].payload.is_empty());
}

#[test]
fn an_organisation_gets_its_announcement_with_its_first_topic_or_device() {
    let mut world = World::new();
    world.retain("presence/acme/bob/device/d", ONLINE);
    assert_eq!(
        world.written(),
        ["presence/acme/_hub", "presence/acme/bob", "presence/acme/bob/activity"]
    );
    world.sums.open(Root::parse("presence/other").unwrap());
    world.settle();
    assert_eq!(world.written(), ["presence/other/_hub"]);
    world.retain("presence/third/bob", "");
    assert!(world.written().is_empty(), "clearing opens nothing");
}

#[test]
fn strangers_cannot_make_it_announce_without_end() {
    let mut world = World::new();
    for n in 0..2 * MAX_ROOTS {
        world.retain(&format!("presence/org{n}/bob"), "online");
    }
    assert_eq!(world.written().len(), MAX_ROOTS - 1);
}

#[test]
fn an_announcement_that_is_taken_away_stands_again() {
    let mut world = World::new();
    for _ in 0..100 {
        world.retain(HUB, "");
    }
    assert_eq!(
        world.written().len(),
        RateLimit::<()>::MAX - 1,
        "the first announcement took a turn"
    );
    assert_eq!(world.store.get(HUB), None);
    world.pass(RateLimit::<()>::WINDOW);
    assert!(world.store.contains_key(HUB));
}

#[test]
fn a_person_is_the_sum_of_their_devices() {
    let mut world = World::new();
    world.device("a", ONLINE);
    assert_eq!(world.status(), some("online"));
    world.device("b", r#"{"v":1,"status":"away","cause":"locked"}"#);
    assert_eq!(world.status(), some("online"));
    world.lose("a");
    assert_eq!(world.status(), some("away"));
    world.lose("b");
    assert_eq!(world.status(), some("offline"));
}

#[test]
fn nothing_is_written_that_no_reader_would_see() {
    let mut world = World::new();
    let record = |n: u64| {
        format!(
            r#"{{"v":1,"status":"away","cause":"idle","since":{START},"timestamp":{}}}"#,
            START + n
        )
    };
    world.device("a", &record(0));
    assert_eq!(world.written(), ["presence/alice", "presence/alice/activity"]);
    for n in 1..48 {
        world.pass(30 * MINUTE);
        world.device("a", &record(n * 30 * 60 * 1_000));
    }
    assert!(world.written().is_empty());
}

#[test]
fn an_unchanged_sum_is_written_again_before_the_broker_forgets_it() {
    let mut world = World::new();
    let locked = r#"{"v":1,"status":"away","cause":"locked"}"#;
    world.device("a", locked);
    world.written.clear();
    for _ in 0..20 {
        world.pass(24 * 60 * MINUTE);
        world.device("a", locked);
    }
    assert_eq!(world.written(), ["presence/alice"; 2]);
}

#[test]
fn a_choice_ends_when_its_time_has_come() {
    let mut world = World::new();
    let until = START + 60_000;
    world.device(
        "a",
        &format!(r#"{{"v":1,"status":"online","chosen":{{"rev":1,"status":"dnd","text":"Deep work","until":{until}}}}}"#),
    );
    assert_eq!(world.status(), some("dnd"));
    world.pass(MINUTE - Duration::from_millis(1));
    assert_eq!(world.status(), some("dnd"));
    world.pass(Duration::from_millis(1));
    assert_eq!(world.status(), some("online"));
    assert!(!String::from_utf8_lossy(&world.store["presence/alice"]).contains("Deep work"));
}

#[test]
fn a_device_that_does_not_renew_its_lease_is_gone_when_it_ends() {
    let mut world = World::new();
    let leased = r#"{"v":1,"status":"online","lease_s":60}"#;
    world.device("a", leased);
    world.pass(MINUTE / 2);
    world.device("a", leased);
    world.pass(MINUTE - Duration::from_millis(1));
    assert_eq!(world.status(), some("online"));
    world.pass(Duration::from_millis(1));
    assert_eq!(world.status(), some("offline"));
    world.device("a", leased);
    assert_eq!(world.status(), some("online"));
}

#[test]
fn nobody_is_gone_because_the_hub_slept() {
    let mut world = World::new();
    let leased = r#"{"v":1,"status":"online","lease_s":3600}"#;
    world.device("a", leased);
    world.device("b", leased);
    world.retain("presence/bob/device/a", leased);
    world.written.clear();
    world.passed += 600 * MINUTE;
    world.sums.slept(world.now());
    world.pass(PATIENCE / 2);
    world.device("a", leased);
    world.pass(PATIENCE / 2 - Duration::from_millis(1));
    assert!(!world.written().iter().any(|topic| !topic.ends_with("/activity")));
    world.pass(Duration::from_millis(1));
    assert_eq!(world.written(), ["presence/bob"], "who did not come back is gone");
    world.device("a", LOST);
    world.pass(HELD);
    assert_eq!(world.status(), some("offline"), "patience has an end");
}

#[test]
fn a_device_that_may_come_back_is_given_the_time_that_its_will_asks_for() {
    let mut world = World::new();
    world.device("a", ONLINE);
    world.written.clear();
    world.device("a", r#"{"v":1,"status":"offline","cause":"lost","wait_s":6}"#);
    world.pass(Duration::from_secs(5));
    world.device("a", r#"{"v":1,"status":"away","cause":"locked"}"#);
    assert_eq!(world.written(), ["presence/alice"]);
    world.device("a", r#"{"v":1,"status":"offline","cause":"lost","wait_s":6}"#);
    world.pass(Duration::from_secs(6));
    assert_eq!(world.status(), some("offline"));
}

#[test]
fn a_ghost_changes_nothing() {
    let mut world = World::new();
    world.device("a", r#"{"v":1,"status":"online","epoch":7}"#);
    world.written.clear();
    world.device("a", r#"{"v":1,"status":"offline","cause":"lost","epoch":6}"#);
    world.pass(HELD);
    assert!(world.written().is_empty());
    world.device("a", r#"{"v":1,"status":"offline","cause":"lost","epoch":7}"#);
    world.pass(HELD);
    assert_eq!(world.status(), some("offline"));
}

#[test]
fn a_seed_style_client_counts_as_a_device_and_is_carried_along() {
    let mut world = World::new();
    world.device("a", ONLINE);
    world.retain("presence/alice", SEED_ONLINE);
    assert_eq!(world.sum(), Some(("online".to_owned(), some("online"))));
    world.lose("a");
    assert_eq!(world.sum(), Some(("online".to_owned(), some("online"))), "it is still here");
    world.retain("presence/alice", r#"{"status":"offline"}"#);
    assert_eq!(world.sum(), Some(("offline".to_owned(), None)));
}

#[test]
fn a_seed_style_client_alone_is_left_alone() {
    let mut world = World::new();
    for payload in [SEED_ONLINE, "offline", "not a record", ""] {
        world.retain("presence/alice", payload);
        assert!(world.written().is_empty(), "{payload:?}");
    }
}

#[test]
fn somebody_who_writes_other_sums_is_answered_five_times_a_minute_and_overwritten_in_the_end() {
    let mut world = World::new();
    world.device("a", ONLINE);
    world.written.clear();
    for _ in 0..100 {
        world.retain("presence/alice", r#"{"v":1,"status":"offline"}"#);
    }
    assert_eq!(world.written().len(), RateLimit::<()>::MAX);
    assert_eq!(world.status(), some("offline"));
    // A new aggregate is not a correction, and is written at once.
    world.device("a", r#"{"v":1,"status":"away","cause":"locked"}"#);
    assert_eq!(world.status(), some("away"));
    world.retain("presence/alice", r#"{"v":1,"status":"offline"}"#);
    world.pass(RateLimit::<()>::WINDOW);
    assert_eq!(world.status(), some("away"));
}

#[test]
fn a_sum_that_says_the_same_is_left_standing_whoever_wrote_it() {
    let mut world = World::new();
    world.device("a", ONLINE);
    world.written.clear();
    world.retain("presence/alice", r#"{"v":1,"status":"online","timestamp":5,"since":4}"#);
    assert!(world.written().is_empty());
}

#[test]
fn a_client_cannot_carry_along_what_was_never_said() {
    let mut world = World::new();
    world.lose("a");
    world.retain("presence/alice", r#"{"v":1,"status":"online","foreign":{"status":"online"}}"#);
    assert_eq!(world.sum(), Some(("offline".to_owned(), None)));
}

#[test]
fn whoever_is_cleared_leaves_nothing_of_ours() {
    let mut world = World::new();
    world.device("a", ONLINE);
    world.device("b", ONLINE);
    world.device("a", "");
    assert_eq!(world.status(), some("online"));
    world.device("b", "");
    assert_eq!(world.store.keys().collect::<Vec<_>>(), [HUB]);
}

#[test]
fn leaving_in_any_order_leaves_nothing() {
    for (first, second) in [
        ("presence/alice", "presence/alice/activity"),
        ("presence/alice/activity", "presence/alice"),
    ] {
        let mut world = World::new();
        world.device("a", ONLINE);
        world.retain(first, "");
        world.retain(second, "");
        world.device("a", "");
        assert_eq!(world.store.keys().collect::<Vec<_>>(), [HUB], "{first} first");
    }
}

#[test]
fn the_sum_of_somebody_unknown_is_not_ours_to_clear() {
    let mut world = World::new();
    world.retain("presence/alice", r#"{"v":1,"status":"online"}"#);
    world.retain("presence/alice/activity", r#"{"timestamp":5}"#);
    world.pass(60 * MINUTE);
    assert!(world.written().is_empty());
}

#[test]
fn activity_tells_what_the_records_are_evidence_of() {
    let mut world = World::new();
    let unknown = r#"{"v":1,"status":"online","cause":"unknown"}"#;
    world.device("a", unknown);
    world.device("a", r#"{"v":1,"status":"away","cause":"locked"}"#);
    world.device("a", r#"{"v":1,"status":"offline","cause":"asleep"}"#);
    assert_eq!(world.activity(), None);
    world.pass(MINUTE);
    world.device("a", ONLINE);
    assert_eq!(world.activity(), Some(60));
    world.pass(10 * MINUTE);
    // Four minutes ago on a clock that is an hour slow: only the age counts.
    let (then, since) = (START - 60 * 60_000, START - 64 * 60_000);
    let idle =
        format!(r#"{{"v":1,"status":"away","cause":"idle","since":{since},"timestamp":{then}}}"#);
    world.device("a", &idle);
    assert_eq!(world.activity(), Some(7 * 60));
    // Another device has been idle longer.
    let since = START - 80 * 60_000;
    let idle =
        format!(r#"{{"v":1,"status":"away","cause":"idle","since":{since},"timestamp":{then}}}"#);
    world.device("b", &idle);
    assert_eq!(world.activity(), Some(7 * 60));
}

#[test]
fn activity_that_is_cleared_or_newer_stays_so_until_there_is_news() {
    let mut world = World::new();
    world.device("a", ONLINE);
    world.retain("presence/alice/activity", "");
    world.device("a", r#"{"v":1,"status":"away","cause":"locked"}"#);
    assert_eq!(world.activity(), None);
    world.pass(MINUTE);
    world.device("a", ONLINE);
    assert_eq!(world.activity(), Some(60));
    world.pass(MINUTE);
    let newer = START + 100_000;
    world.retain("presence/alice/activity", &format!(r#"{{"timestamp":{newer}}}"#));
    world.device("a", r#"{"v":1,"status":"away","cause":"locked"}"#);
    assert_eq!(world.activity(), Some(100));
}

#[test]
fn a_flood_of_records_is_no_flood_of_activity() {
    let mut world = World::new();
    for _ in 0..1_000 {
        world.pass(Duration::from_millis(10));
        world.device("a", ONLINE);
    }
    assert!(world.written().len() <= 12);
}

#[test]
fn a_start_writes_only_what_differs() {
    let alice = r#"{"v":1,"status":"online","timestamp":5,"foreign":{"status":"online"}}"#;
    let mut world = World::starting_with(&[
        (HUB, r#"{"v":1,"in_order":true}"#),
        ("presence/alice", alice),
        ("presence/alice/device/a", LOST),
        ("presence/bob", r#"{"v":1,"status":"online","timestamp":5}"#),
        ("presence/bob/device/a", LOST),
        ("presence/carol", r#"{"v":1,"status":"online"}"#),
        ("presence/carol/activity", r#"{"timestamp":5}"#),
        ("presence/dave", SEED_ONLINE),
    ]);
    // Carol's devices were cleared while no hub aggregated.
    assert_eq!(world.written(), ["presence/bob", "presence/carol", "presence/carol/activity"]);
    assert!(!world.store.contains_key("presence/carol"));
    assert_eq!(world.status(), some("online"), "a seed-style client is still carried along");
}

#[test]
fn a_lease_that_ended_while_no_hub_ran_has_ended() {
    let record = |lease: u32| format!(r#"{{"v":1,"status":"online","lease_s":{lease}}}"#);
    let status =
        |lease| World::starting_with(&[("presence/alice/device/a", &record(lease))]).status();
    assert_eq!(status(3_600), some("offline"));
    assert_eq!(status(3_601), some("online"));
}

#[test]
fn a_start_takes_ages_from_the_store() {
    let world = World::starting_with(&[("presence/alice/device/a", ONLINE)]);
    assert_eq!(world.activity(), Some(-60 * 60));
}

/// An action of a client.
#[derive(Debug, Clone)]
enum Step {
    Device(u8, &'static str),
    Seed(&'static str),
    Sum(&'static str),
    Pass(u64),
}

fn step() -> impl Strategy<Value = Step> {
    let record = prop_oneof![
        Just(ONLINE),
        Just(r#"{"v":1,"status":"away","cause":"idle","since":5}"#),
        Just(LOST),
        Just(""),
        Just("garbage"),
    ];
    let seed = prop_oneof![Just("online"), Just(r#"{"status":"away"}"#), Just("offline"), Just("")];
    let sum = prop_oneof![
        Just(r#"{"v":1,"status":"online"}"#),
        Just(r#"{"v":1,"status":"offline","foreign":{"status":"away"}}"#),
    ];
    prop_oneof![
        4 => (0..3_u8, record).prop_map(|(device, record)| Step::Device(device, record)),
        2 => seed.prop_map(Step::Seed),
        1 => sum.prop_map(Step::Sum),
        1 => (0..100_000_u64).prop_map(Step::Pass),
    ]
}

/// Computes the aggregate by the specification: online if any device is online, else away if any is away,
/// else offline. None without devices.
fn naive(devices: &BTreeMap<u8, &str>, seed: &str) -> Option<&'static str> {
    let any = |word| devices.values().chain([&seed]).any(|record| record.contains(word));
    match (any("online"), any("away")) {
        _ if devices.is_empty() => None,
        (true, _) => Some("online"),
        (_, true) => Some("away"),
        _ => Some("offline"),
    }
}

proptest! {
    #[test]
    fn whatever_clients_write_the_sum_is_right_in_the_end(steps in prop::collection::vec(step(), 1..40)) {
        let mut world = World::new();
        let (mut devices, mut seed) = (BTreeMap::new(), "");
        for step in &steps {
            match *step {
                Step::Device(device, record) => {
                    match record {
                        "" => drop(devices.remove(&device)),
                        "garbage" => {}
                        record => drop(devices.insert(device, record)),
                    }
                    world.device(&format!("d{device}"), record);
                }
                Step::Seed(record) => {
                    seed = record;
                    world.retain("presence/alice", record);
                }
                Step::Sum(record) => world.retain("presence/alice", record),
                Step::Pass(ms) => world.pass(Duration::from_millis(ms)),
            }
        }
        world.pass(2 * MINUTE);
        if let Some(status) = naive(&devices, seed) {
            prop_assert_eq!(world.status(), some(status), "{:?}", steps);
        }
        world.written.clear();
        world.pass(60 * MINUTE);
        prop_assert_eq!(world.written().len(), 0, "it comes to rest");
    }
}
