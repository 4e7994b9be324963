use super::*;
use crate::gateway::mirror::Mirror;
use porchlight_core::input::ConnectionFailure;
use porchlight_core::mqtt_session::RECORD_EXPIRY as EXPIRY;
use porchlight_core::time::Timestamp;
use serde_json::Value;
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

const START: u64 = 1_763_740_000_000;
const HUB: &str = "presence/_hub";
const ALICE: &str = "presence/alice";
const DEVICE: &str = "presence/alice/device/a";
const ONLINE: &str = r#"{"v":1,"status":"online","lease_s":3600}"#;
const LOST: &str = r#"{"v":1,"status":"offline","cause":"lost"}"#;
const SECOND: Duration = Duration::from_secs(1);
/// The delay after which a loss on a new connection is believed (`docs/protocol.md`, *Settling*).
const SETTLED: Duration = Duration::from_secs(11);

/// A relay next to a broker with retained messages, and a clock that the test moves.
struct World {
    relay: Relay,
    mirror: Arc<Mirror>,
    /// The retained messages, and when the broker received them.
    store: BTreeMap<String, (Vec<u8>, Now)>,
    /// Our own writes, which the broker sends back like to all subscribers.
    echoes: VecDeque<(String, Vec<u8>)>,
    passed: Duration,
    written: Vec<String>,
    up: bool,
    /// The broker's maximum for every expiry.
    cap: Duration,
}

impl World {
    fn new() -> Self {
        let mut world = Self {
            relay: Relay::new(Root::default(), Arc::new(Mirror::new(Root::default(), at(0)))),
            mirror: Arc::new(Mirror::new(Root::default(), at(0))),
            store: BTreeMap::new(),
            echoes: VecDeque::new(),
            passed: Duration::ZERO,
            written: Vec::new(),
            up: false,
            cap: EXPIRY,
        };
        world.relay = Relay::new(Root::default(), world.mirror.clone());
        world
    }

    /// A broker with these messages, which the relay has read.
    fn holding(kept: &[(&str, &str)]) -> Self {
        let mut world = Self::new();
        for (topic, payload) in kept {
            world.keep(topic, payload.as_bytes());
        }
        world.connect();
        world
    }

    fn now(&self) -> Now {
        at(u64::try_from(self.passed.as_millis()).unwrap())
    }

    fn connect(&mut self) {
        self.relay.handle(self.now(), &SessionEvent::Began);
        for (topic, (payload, taken)) in self.store.clone() {
            let age = self.now().mono.since(taken.mono);
            let message = capped(message(&topic, &payload, Some(age)), self.cap);
            self.relay.receive(self.now(), &message);
            assert_eq!(self.relay.take_writes(self.now()), [], "half a team is no team");
        }
        self.relay.handle(self.now(), &SessionEvent::Read);
        self.up = true;
        self.write();
    }

    fn disconnect(&mut self) {
        self.relay.handle(self.now(), &SessionEvent::Lost(ConnectionFailure::NoPuback));
        self.up = false;
        self.echoes.clear();
        assert_eq!(self.relay.take_writes(self.now()), []);
    }

    /// Another client publishes a retained message.
    fn retain(&mut self, topic: &str, payload: &str) {
        self.keep(topic, payload.as_bytes());
        if self.up {
            let message = capped(message(topic, payload.as_bytes(), None), self.cap);
            self.relay.receive(self.now(), &message);
            self.write();
        }
    }

    /// Writes what is due; the echoes are still on their way.
    fn write(&mut self) {
        for write in self.relay.take_writes(self.now()) {
            self.keep(&write.topic, &write.payload);
            self.written.push(write.topic.clone());
            self.echoes.push_back((write.topic, write.payload));
        }
    }

    /// Delivers the echoes of our own writes.
    fn echo(&mut self) {
        while let Some((topic, payload)) = self.echoes.pop_front() {
            let message = capped(message(&topic, &payload, None), self.cap);
            self.relay.receive(self.now(), &message);
            self.write();
        }
    }

    fn pass(&mut self, time: Duration) {
        let end = self.now().mono + time;
        while let Some(due) = self.relay.next_deadline().filter(|due| *due <= end) {
            self.passed += due.since(self.now().mono);
            self.write();
            self.echo();
        }
        self.passed += end.since(self.now().mono);
        self.write();
    }

    fn keep(&mut self, topic: &str, payload: &[u8]) {
        if payload.is_empty() {
            self.store.remove(topic);
        } else {
            self.store.insert(topic.to_owned(), (payload.to_vec(), self.now()));
        }
    }

    fn written(&mut self) -> Vec<String> {
        std::mem::take(&mut self.written)
    }

    /// The aggregate that the broker retains.
    fn status(&self) -> Option<String> {
        let sum: Value = serde_json::from_slice(&self.store.get(ALICE)?.0).unwrap();
        Some(sum["status"].as_str().unwrap().to_owned())
    }

    /// Alice in the reading API: her status, and whether it may be outdated.
    fn shown(&self) -> Option<(String, bool)> {
        let person = self.mirror.change_log().person("alice")?;
        Some((person.status, person.stale))
    }

    async fn topics(&self) -> Vec<String> {
        let kept = self.mirror.retained().await.unwrap();
        kept.into_iter().map(|kept| kept.topic).collect()
    }
}

fn at(ms: u64) -> Now {
    let passed = Duration::from_millis(ms);
    Now {
        mono: Monotonic::from_origin(Duration::from_secs(1_000) + passed),
        wall: Timestamp::from_ms(START).unwrap() + passed,
    }
}

/// A message that is live, or was retained that long ago.
fn message(topic: &str, payload: &[u8], age: Option<Duration>) -> Message {
    let expires_in = Some(EXPIRY - age.unwrap_or_default());
    let retained = age.is_some();
    Message { topic: topic.to_owned(), payload: payload.to_vec(), retained, expires_in }
}

fn capped(message: Message, cap: Duration) -> Message {
    let shorter = EXPIRY - cap;
    Message { expires_in: message.expires_in.map(|left| left.saturating_sub(shorter)), ..message }
}

fn some(status: &str, stale: bool) -> Option<(String, bool)> {
    Some((status.to_owned(), stale))
}

#[test]
fn it_announces_itself_and_sums_once_everything_is_read() {
    let mut world = World::holding(&[(DEVICE, ONLINE)]);
    assert_eq!(world.written(), [HUB, ALICE, "presence/alice/activity"]);
    assert_eq!(world.status().as_deref(), Some("online"));
    assert_eq!(world.shown(), some("online", false));
    assert!(world.mirror.change_log().is_open());
}

#[test]
fn nothing_is_shown_before_everything_is_read() {
    let mut world = World::new();
    world.relay.take_writes(world.now());
    assert!(!world.mirror.change_log().is_open());
    world.relay.handle(world.now(), &SessionEvent::Began);
    world.relay.receive(world.now(), &message(DEVICE, ONLINE.as_bytes(), Some(SECOND)));
    world.relay.take_writes(world.now());
    assert!(!world.mirror.change_log().is_open());
    assert_eq!(world.shown(), None);
}

#[test]
fn what_comes_back_of_our_own_is_no_news() {
    let mut world = World::holding(&[(DEVICE, ONLINE)]);
    world.retain(DEVICE, r#"{"v":1,"status":"away","cause":"locked"}"#);
    world.retain(DEVICE, ONLINE);
    world.retain(DEVICE, r#"{"v":1,"status":"away","cause":"locked"}"#);
    world.written();
    // All echoes come back only now, the oldest first.
    world.echo();
    assert_eq!(world.written(), [""; 0]);
    assert_eq!(world.status().as_deref(), Some("away"));
}

#[test]
fn somebody_elses_word_is_answered() {
    let mut world = World::holding(&[(DEVICE, ONLINE)]);
    world.echo();
    world.written();
    world.retain(ALICE, r#"{"v":1,"status":"offline"}"#);
    assert_eq!(world.written(), [ALICE]);
    assert_eq!(world.status().as_deref(), Some("online"));
    world.echo();
    // For example the Will of an earlier gateway.
    world.retain(HUB, "");
    assert_eq!(world.written(), [HUB]);
}

#[test]
fn while_the_connection_is_down_nothing_is_written_and_all_is_stale() {
    let mut world = World::holding(&[(DEVICE, ONLINE)]);
    world.echo();
    world.written();
    world.disconnect();
    assert_eq!(world.shown(), some("online", true));
    assert!(!world.mirror.is_healthy());
    world.pass(2 * 3_600 * SECOND);
    assert_eq!(world.shown(), some("online", true), "no lease ends meanwhile");
    world.store.get_mut(DEVICE).unwrap().1 = world.now();
    world.connect();
    assert!(!world.written().contains(&ALICE.to_owned()), "what stands is right");
    assert_eq!(world.shown(), some("online", false));
    assert!(world.mirror.is_healthy());
}

#[test]
fn a_wave_of_wills_at_a_restart_of_the_broker_is_not_believed_at_once() {
    let mut world = World::holding(&[(DEVICE, ONLINE)]);
    world.echo();
    world.written();
    world.disconnect();
    world.pass(SECOND);
    world.retain(DEVICE, LOST);
    world.connect();
    assert_eq!(world.status().as_deref(), Some("online"));
    world.pass(SECOND);
    world.retain(DEVICE, ONLINE);
    world.pass(SETTLED);
    assert!(!world.written().contains(&ALICE.to_owned()), "nobody saw anything");

    world.disconnect();
    world.retain(DEVICE, LOST);
    world.connect();
    world.pass(SETTLED);
    assert_eq!(world.status().as_deref(), Some("offline"), "who did not come back is gone");
    assert_eq!(world.shown(), some("offline", false));
}

#[test]
fn a_broker_that_forgot_everything_is_told_again() {
    let mut world = World::holding(&[(DEVICE, ONLINE)]);
    world.echo();
    world.written();
    world.disconnect();
    world.store.clear();
    world.connect();
    assert!(world.written().contains(&HUB.to_owned()));
    world.retain(DEVICE, ONLINE);
    world.pass(SETTLED);
    assert_eq!(world.status().as_deref(), Some("online"));
}

#[tokio::test]
async fn the_copy_is_what_was_read_on_this_connection() {
    let mut world = World::holding(&[(DEVICE, ONLINE), ("presence/bob", "online")]);
    world.echo();
    let all = ["presence/alice", "presence/alice/activity", DEVICE, "presence/bob"];
    assert_eq!(world.topics().await, all);
    world.disconnect();
    world.store.remove("presence/bob");
    assert_eq!(world.topics().await, all, "what was last known");
    world.connect();
    assert_eq!(world.topics().await, all[..3]);
    world.retain(DEVICE, "");
    world.echo();
    assert_eq!(world.topics().await, [""; 0], "who is cleared leaves nothing");
}

#[tokio::test]
async fn what_is_between_people_is_not_kept() {
    let mut world = World::holding(&[("presence/alice/chosen", "{}"), ("other", "x")]);
    world.retain("presence/alice/inbox/bob", "{}");
    world.retain("presence/alice/typing", "{}");
    assert_eq!(world.topics().await, [""; 0]);
    world.retain("presence/bob", &"x".repeat(9_000));
    assert_eq!(world.topics().await, [""; 0], "nor what no record is as large as");
}

#[test]
fn a_broker_that_sends_nothing_back_fills_no_memory() {
    let mut world = World::holding(&[(DEVICE, ONLINE)]);
    for n in 0..100 {
        let status = if n % 2 == 0 { "online" } else { "away" };
        world.retain(DEVICE, &format!(r#"{{"v":1,"status":"{status}"}}"#));
    }
    assert_eq!(world.relay.echoes[ALICE].len(), 8);
}

#[test]
fn nobody_is_taken_offline_where_the_broker_shortens_every_expiry() {
    for cap in [SECOND * 3600 * 2, SECOND * 86_400, SECOND * 3 * 86_400] {
        let mut world = World::new();
        world.cap = cap;
        world.keep(DEVICE, ONLINE.as_bytes());
        world.pass(SECOND * 600);
        world.connect();
        assert_eq!(world.status().as_deref(), Some("online"), "{cap:?}");
        world.pass(SECOND * 60);
        world.retain(DEVICE, ONLINE);
        world.echo();
        world.pass(SECOND * 1_800);
        assert_eq!(world.status().as_deref(), Some("online"), "{cap:?}");
        // A lease still ends.
        world.pass(SECOND * 3_600);
        assert_eq!(world.status().as_deref(), Some("offline"), "{cap:?}");
    }
}
