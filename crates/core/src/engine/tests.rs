use serde_json::{Value, json};

use super::*;
use crate::connection::{
    ConnectionEvent, ConnectionFailure, ConnectionId, Granted, Message, Refusal,
};
use crate::diagnostics::DropReason;
use crate::expiry::RECORD_EXPIRY;
use crate::id::DeviceId;
use crate::notification::Notification;
use crate::observation::Moment;
use crate::preferences::About;
use crate::presence::{Cause, ChosenStatus};
use crate::reason::ReasonCode;
use crate::wire;

mod access;
mod ages;
mod believed;
mod choices;
mod clocks;
mod hosts;
mod limits;
mod namesakes;
mod privacy;
mod reading;
mod sessions;
mod signals;
mod sums;

const START: u64 = 1_763_742_000_000;

fn at(ms: u64) -> Now {
    Now {
        mono: Monotonic::from_origin(Duration::from_millis(ms)),
        wall: Timestamp::from_ms(START + ms).unwrap(),
    }
}

fn calendar(ms: u64, skew: i64) -> Now {
    let wall = (START + ms).saturating_add_signed(skew);
    Now { wall: Timestamp::from_ms(wall).unwrap(), ..at(ms) }
}

/// An engine, a clock, and what it asked for that was not looked at yet.
struct Rig {
    engine: Engine,
    ms: u64,
    /// By how many milliseconds this machine's calendar is wrong.
    skew: i64,
    effects: VecDeque<Effect>,
}

impl Rig {
    fn new(role: Role) -> Self {
        Self::wrong_by(role, 0)
    }

    /// One whose calendar is wrong by so many milliseconds.
    fn wrong_by(role: Role, skew: i64) -> Self {
        let settings = Settings {
            root: Root::default(),
            client_id: "pltest".to_owned(),
            role,
            notifications: NotificationPolicy {
                about: About::Everyone,
                ..NotificationPolicy::default()
            },
            has_tray: true,
            preferences: Preferences::default(),
            speaks_v5: false,
            muted: BTreeSet::new(),
            seed: 3,
            without: None,
        };
        let engine = Engine::new(calendar(0, skew), settings);
        Self { engine, ms: 0, skew, effects: VecDeque::new() }
    }

    fn holder(device: &str) -> Self {
        Self::new(Role::Device(holder(device)))
    }

    /// Alice's laptop, connected, with its first words said and acknowledged.
    fn up() -> Self {
        Self::up_as(holder("laptop"))
    }

    /// The same with other habits.
    fn up_as(holder: DeviceSettings) -> Self {
        let mut rig = Self::new(Role::Device(holder));
        rig.observe(Observation::InputActive);
        rig.handle(Input::Start);
        rig.connect();
        rig.effects.clear();
        rig
    }

    fn handle(&mut self, input: Input) {
        self.engine.handle(self.now(), input);
        while let Some(effect) = self.engine.poll_effect() {
            self.effects.push_back(effect);
        }
    }

    /// What this machine's clocks read.
    fn now(&self) -> Now {
        calendar(self.ms, self.skew)
    }

    fn observe(&mut self, observation: Observation) {
        self.handle(Input::Observed(observation));
    }

    fn command(&mut self, command: Command) {
        self.handle(Input::Command(command));
    }

    fn link(&mut self, event: ConnectionEvent) {
        let connection = self.engine.connection.unwrap_or(ConnectionId(0));
        self.handle(Input::Connection(connection, event));
    }

    /// An event of the Will connection that was opened last.
    fn will_connection(&mut self, event: ConnectionEvent) {
        let connection = ConnectionId(self.engine.session.connections);
        self.handle(Input::WillConnection(connection, event));
    }

    /// CONNACK, SUBACK, silence.
    fn connect(&mut self) {
        self.link(ConnectionEvent::Up(Granted::default()));
        self.link(ConnectionEvent::Subscribed { refused: Vec::new() });
        self.pass(50);
    }

    fn receive(&mut self, topic: &str, payload: &str, retained: bool) {
        self.link(ConnectionEvent::Received(Message {
            topic: topic.to_owned(),
            payload: payload.as_bytes().to_vec(),
            retained,
            expires_in: None,
        }));
    }

    fn live(&mut self, topic: &str, payload: &Value) {
        self.receive(topic, &payload.to_string(), false);
    }

    /// Lets time go by, from deadline to deadline.
    fn pass(&mut self, ms: u64) {
        let end = self.ms + ms;
        while let Some(next) = self.engine.next_deadline() {
            let next = u64::try_from(next.since(Monotonic::default()).as_millis()).unwrap();
            if next > end {
                break;
            }
            assert!(next > self.ms || self.ms == end, "a deadline in the past never ends");
            self.ms = next.max(self.ms);
            self.handle(Input::Tick);
        }
        self.ms = end;
    }

    /// What was published since this was last asked, as topic and JSON.
    fn published(&mut self) -> Vec<(String, Value)> {
        let mut published = Vec::new();
        for effect in self.effects.drain(..) {
            if let Effect::Publish(publish) = effect {
                let json = serde_json::from_slice(&publish.payload).unwrap();
                published.push((publish.topic, json));
            }
        }
        published
    }

    fn published_to(&mut self, topic: &str) -> Vec<Value> {
        self.published().into_iter().filter(|(t, _)| t == topic).map(|(_, json)| json).collect()
    }

    fn notifications(&mut self) -> Vec<Notification> {
        self.effects
            .drain(..)
            .filter_map(|effect| match effect {
                Effect::Notify(notification) => Some(notification),
                _ => None,
            })
            .collect()
    }

    /// The same, and leaves everything else to be looked at.
    fn notices_kept(&mut self) -> Vec<Notification> {
        let (notifications, others) =
            self.effects.drain(..).partition(|effect| matches!(effect, Effect::Notify(_)));
        self.effects = others;
        let notifications: VecDeque<_> = notifications;
        notifications
            .into_iter()
            .filter_map(|effect| match effect {
                Effect::Notify(notification) => Some(notification),
                _ => None,
            })
            .collect()
    }

    fn status_of(&self, user: &str) -> Option<(String, Option<Cause>)> {
        let person = self.engine.people().find(|person| person.user == user)?;
        Some((person.status.clone(), person.cause))
    }
}

fn holder(device: &str) -> DeviceSettings {
    DeviceSettings {
        user: UserId::parse("alice").unwrap(),
        device: DeviceId::parse(device).unwrap(),
        name: "Alice Liddell".to_owned(),
        kind: Some("laptop".to_owned()),
        tz: None,
        links: Vec::new(),
        away_after: Duration::from_secs(300),
        last_epoch: 0,
        grace: GRACE,
        lease: LEASE,
        user_topic: true,
        calls_dnd: false,
        coarse: false,
        invisible: false,
    }
}

const DEVICE: &str = "presence/alice/device/laptop";

fn broken() -> ConnectionEvent {
    ConnectionEvent::Down(ConnectionFailure::Broken { reason: "reset".to_owned() })
}

fn kinds(effects: &VecDeque<Effect>) -> Vec<String> {
    effects
        .iter()
        .filter(|effect| !matches!(effect, Effect::Show(_) | Effect::ShowTray(_)))
        .map(|effect| match effect {
            Effect::Publish(publish) => format!("publish {}", publish.topic),
            other => format!("{other:?}").split([' ', '(', '{']).next().unwrap().to_owned(),
        })
        .collect()
}

#[test]
fn the_order_of_work_is_save_connect_subscribe_read_publish() {
    let mut rig = Rig::holder("laptop");
    rig.observe(Observation::InputActive);
    rig.handle(Input::Start);
    assert_eq!(kinds(&rig.effects), ["Save", "Connect"]);
    let will = rig
        .effects
        .iter()
        .find_map(|effect| match effect {
            Effect::Connect(connect) => connect.will.clone(),
            _ => None,
        })
        .unwrap();
    assert_eq!(will.topic, DEVICE);
    let will: Value = serde_json::from_slice(&will.payload).unwrap();
    assert_eq!(
        will,
        json!({"v":1,"status":"offline","cause":"lost","epoch":START,
               "name":"Alice Liddell","kind":"laptop"})
    );
    rig.effects.clear();
    rig.link(ConnectionEvent::Up(Granted::default()));
    assert_eq!(kinds(&rig.effects), ["Save", "Subscribe"]);
    rig.effects.clear();
    rig.link(ConnectionEvent::Subscribed { refused: Vec::new() });
    rig.pass(49);
    assert_eq!(kinds(&rig.effects), [""; 0]);
    rig.pass(1);
    assert_eq!(
        kinds(&rig.effects),
        [
            "SnapshotRead",
            "publish presence/alice/device/laptop",
            "publish presence/alice/activity",
            "publish presence/alice",
            "ConnectWill"
        ]
    );
    let published = rig.published();
    assert_eq!(
        published[0].1,
        json!({"v":1,"status":"online","since":START,"timestamp":START + 50,"epoch":START,
               "lease_s":3600,"loss_s":18,"name":"Alice Liddell","kind":"laptop"})
    );
    assert_eq!(published[1].1, json!({"timestamp": START + 50}));
    assert_eq!(published[2].1["status"], "online");
}

#[test]
fn nothing_is_queued_while_offline_only_the_present_state_is_said() {
    let mut rig = Rig::up();
    rig.link(broken());
    rig.observe(Observation::Locked(true));
    rig.observe(Observation::Locked(false));
    rig.observe(Observation::Locked(true));
    assert_eq!(rig.published(), []);
    rig.pass(1000);
    rig.connect();
    let said = rig.published_to(DEVICE);
    assert_eq!(said.len(), 1);
    assert_eq!(said[0]["cause"], "locked");
}

#[test]
fn idle_is_said_once_and_counts_from_the_last_input() {
    let mut rig = Rig::up();
    rig.pass(300_000);
    rig.observe(Observation::InputIdle { since: Moment::Ago(Duration::from_secs(300)) });
    let last_input = rig.ms - 300_000;
    let published = rig.published();
    assert_eq!(published[0].1["status"], "away");
    assert_eq!(published[0].1["since"], START + last_input);
    // Simple readers know already of an input at that time, when the device came up.
    assert_eq!(published[1].0, "presence/alice");
    rig.pass(60_000);
    assert_eq!(rig.published(), []);
    rig.observe(Observation::InputActive);
    let published = rig.published();
    assert_eq!(published[0].1["status"], "online");
    assert_eq!(
        published[1],
        ("presence/alice/activity".to_owned(), json!({"timestamp": START + rig.ms}))
    );
}

#[test]
fn a_record_of_ours_that_is_not_older_makes_a_newer_session() {
    let mut rig = Rig::holder("laptop");
    rig.handle(Input::Start);
    rig.link(ConnectionEvent::Up(Granted::default()));
    let ahead = START + 3_600_000;
    let old = json!({"v":1,"status":"online","timestamp":ahead,"epoch":ahead});
    rig.receive(DEVICE, &old.to_string(), true);
    rig.effects.clear();
    rig.link(ConnectionEvent::Subscribed { refused: Vec::new() });
    rig.pass(50);
    assert_eq!(kinds(&rig.effects), ["Disconnect", "Save", "Connect"]);
    assert!(matches!(&rig.effects[1], Effect::Save(saved) if saved.epoch == ahead + 1));
    rig.effects.clear();
    rig.link(ConnectionEvent::Up(Granted::default()));
    rig.receive(DEVICE, &old.to_string(), true);
    rig.link(ConnectionEvent::Subscribed { refused: Vec::new() });
    rig.pass(50);
    assert_eq!(rig.published_to(DEVICE)[0]["epoch"], ahead + 1);
}

#[test]
fn an_epoch_at_the_end_of_all_numbers_is_no_reason_to_reconnect_for_ever() {
    let mut rig = Rig::holder("laptop");
    rig.handle(Input::Start);
    rig.link(ConnectionEvent::Up(Granted::default()));
    let last = json!({"v":1,"status":"online","timestamp":1,"epoch":Timestamp::MAX.as_ms()});
    rig.receive(DEVICE, &last.to_string(), true);
    rig.link(ConnectionEvent::Subscribed { refused: Vec::new() });
    rig.effects.clear();
    rig.pass(50);
    assert_eq!(rig.published_to(DEVICE).len(), 1);
}

#[test]
fn what_contradicts_our_record_is_corrected_five_times_a_minute() {
    let mut rig = Rig::up();
    for n in 1..=8 {
        rig.receive(DEVICE, "garbage", false);
        assert_eq!(rig.published_to(DEVICE).len(), usize::from(n <= 5), "{n}");
    }
    assert_eq!(rig.engine.diagnostics().corrected, 5);
    assert_eq!(rig.engine.diagnostics().dropped[&DropReason::Wire(wire::WireError::NotJson)], 8);
    // The last word is still ours, when the minute is over.
    rig.pass(60_000);
    assert_eq!(rig.published_to(DEVICE).len(), 1);
    rig.pass(600_000);
    assert_eq!(rig.published_to(DEVICE).len(), 0);
}

#[test]
fn a_ghost_or_a_clearing_on_our_topic_is_corrected_and_an_echo_is_not() {
    let mut rig = Rig::up();
    let echo = json!({"v":1,"status":"online","timestamp":START + 50,"epoch":START});
    rig.live(DEVICE, &echo);
    assert_eq!(rig.published(), []);
    rig.live(DEVICE, &json!({"v":1,"status":"offline","cause":"lost","epoch":START - 1}));
    assert_eq!(rig.published_to(DEVICE).len(), 1);
    rig.receive(DEVICE, "", false);
    assert_eq!(rig.published_to(DEVICE).len(), 1);
}

#[test]
fn goodbye_waits_for_its_pubacks_and_then_disconnects() {
    let mut rig = Rig::up();
    rig.command(Command::Quit);
    let ids: Vec<_> = rig
        .effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::Publish(publish) => Some((publish.id, publish.topic.clone())),
            _ => None,
        })
        .collect();
    let left: Vec<_> = rig.published();
    assert_eq!(left.iter().find(|(topic, _)| topic == DEVICE).unwrap().1["cause"], "left");
    let sum = left.iter().find(|(topic, _)| topic == "presence/alice").unwrap();
    assert_eq!(sum.1["status"], "offline");
    for (n, (id, _)) in ids.iter().enumerate() {
        assert_eq!(kinds(&rig.effects), [""; 0], "{n}");
        rig.link(ConnectionEvent::Published { id: *id, outcome: Ok(()) });
    }
    assert_eq!(kinds(&rig.effects), ["DisconnectWill", "Disconnect", "Stopped"]);
}

#[test]
fn goodbye_waits_no_longer_than_a_second_and_a_half() {
    let mut rig = Rig::up();
    rig.command(Command::Quit);
    rig.effects.clear();
    rig.pass(1499);
    assert_eq!(kinds(&rig.effects), [""; 0]);
    rig.pass(1);
    assert_eq!(kinds(&rig.effects), ["DisconnectWill", "Disconnect", "Stopped"]);
}

#[test]
fn quitting_without_a_connection_stops_at_once() {
    let mut rig = Rig::holder("laptop");
    rig.handle(Input::Start);
    rig.link(ConnectionEvent::Down(ConnectionFailure::TimedOut {
        address: "nowhere:1".to_owned(),
    }));
    rig.effects.clear();
    rig.command(Command::Quit);
    assert_eq!(kinds(&rig.effects), ["Disconnect", "Stopped"]);
}

#[test]
fn a_machine_says_that_it_sleeps_and_comes_back_at_once() {
    let mut rig = Rig::up();
    rig.observe(Observation::Suspending);
    assert_eq!(rig.published_to(DEVICE)[0]["cause"], "asleep");
    rig.pass(1500);
    assert_eq!(kinds(&rig.effects), ["DisconnectWill", "Disconnect", "MaySleep"]);
    rig.effects.clear();
    rig.pass(3_600_000);
    assert_eq!(kinds(&rig.effects), [""; 0]);
    rig.observe(Observation::Resumed);
    assert_eq!(kinds(&rig.effects), ["Save", "Connect"]);
    rig.connect();
    // Awake, but nobody has touched it since.
    assert_eq!(rig.published_to(DEVICE)[0]["status"], "away");
}

#[test]
fn a_wrong_password_is_said_and_not_hammered() {
    let mut rig = Rig::holder("laptop");
    rig.handle(Input::Start);
    rig.link(ConnectionEvent::Down(ConnectionFailure::Refused(
        ReasonCode::BAD_USER_NAME_OR_PASSWORD.into(),
    )));
    assert!(matches!(rig.engine.snapshot(Stage::Running).link, ConnectionView::Refused { .. }));
    rig.effects.clear();
    rig.pass(299_999);
    assert_eq!(kinds(&rig.effects), [""; 0]);
    rig.command(Command::ReconnectNow);
    assert_eq!(kinds(&rig.effects), ["Save", "Connect"]);
}

#[test]
fn a_choice_is_written_once_and_copied_into_the_record() {
    let mut rig = Rig::up();
    rig.receive("presence/alice/chosen", r#"{"v":1,"rev":6}"#, true);
    rig.command(Command::Choose {
        status: ChosenStatus::Dnd,
        text: Some("Deep  work\n".to_owned()),
        emoji: None,
        lasting: Some(Duration::from_secs(60)),
    });
    let published = rig.published();
    let chosen = json!({"rev":7,"status":"dnd","text":"Deep work",
                        "until":START + rig.ms + 60_000,"at":START + rig.ms});
    let mut on_topic = chosen.clone();
    on_topic["v"] = json!(1);
    on_topic["timestamp"] = json!(START + rig.ms);
    assert_eq!(published[0], ("presence/alice/chosen".to_owned(), on_topic));
    assert_eq!(published[1].1["chosen"], chosen);
    assert_eq!(published[2].1["status"], "dnd");
    // It ends by itself: no device writes anything but the sum.
    rig.pass(60_000);
    let topics: Vec<_> = rig.published().into_iter().map(|(topic, _)| topic).collect();
    assert_eq!(topics, ["presence/alice"]);
}

#[test]
fn a_device_obeys_what_was_chosen_elsewhere_and_a_waking_one_undoes_nothing() {
    let mut rig = Rig::up();
    rig.live("presence/alice/chosen", &json!({"v":1,"rev":3,"status":"away","text":"Lunch"}));
    assert_eq!(rig.published_to(DEVICE)[0]["chosen"]["text"], "Lunch");
    rig.link(broken());
    rig.pass(1000);
    rig.link(ConnectionEvent::Up(Granted::default()));
    rig.receive("presence/alice/chosen", r#"{"v":1,"rev":4}"#, true);
    rig.effects.clear();
    rig.link(ConnectionEvent::Subscribed { refused: Vec::new() });
    rig.pass(50);
    let published = rig.published();
    assert!(published.iter().all(|(topic, _)| topic != "presence/alice/chosen"));
    let record = published.iter().find(|(topic, _)| topic == DEVICE).unwrap();
    assert_eq!(record.1.get("chosen"), None);
}

#[test]
fn a_choice_made_offline_is_said_when_the_link_is_back() {
    let mut rig = Rig::up();
    rig.link(broken());
    rig.effects.clear();
    rig.command(Command::Choose {
        status: ChosenStatus::Dnd,
        text: None,
        emoji: None,
        lasting: None,
    });
    assert_eq!(rig.published(), []);
    assert_eq!(rig.engine.snapshot(Stage::Running).me.unwrap().status, "dnd");
    rig.pass(1000);
    rig.connect();
    assert_eq!(rig.published_to("presence/alice/chosen")[0]["rev"], 1);
}

#[test]
fn a_chooser_reads_first_then_writes_one_above() {
    let mut rig = Rig::new(Role::StatusSetter(UserId::parse("alice").unwrap()));
    rig.command(Command::Choose {
        status: ChosenStatus::Away,
        text: None,
        emoji: None,
        lasting: None,
    });
    rig.handle(Input::Start);
    rig.link(ConnectionEvent::Up(Granted::default()));
    let filters = rig.effects.iter().find_map(|effect| match effect {
        Effect::Subscribe(filters) => filters.first(),
        _ => None,
    });
    assert_eq!(filters.unwrap().topic, "presence/alice/chosen");
    rig.receive("presence/alice/chosen", r#"{"v":1,"rev":41,"status":"dnd","at":1}"#, true);
    assert_eq!(rig.published(), []);
    rig.link(ConnectionEvent::Subscribed { refused: Vec::new() });
    rig.pass(249);
    assert_eq!(rig.published(), []);
    rig.pass(1);
    let Some(Effect::Publish(publish)) =
        rig.effects.iter().find(|effect| matches!(effect, Effect::Publish(_))).cloned()
    else {
        panic!("nothing published");
    };
    let json: Value = serde_json::from_slice(&publish.payload).unwrap();
    assert_eq!((&json["rev"], &json["status"]), (&json!(42), &json!("away")));
    let refusal = Refusal::Broker(ReasonCode::NOT_AUTHORIZED.into());
    rig.link(ConnectionEvent::Published { id: publish.id, outcome: Err(refusal.clone()) });
    assert!(rig.effects.contains(&Effect::ChoiceSettled(Err(refusal))));
}

#[test]
fn the_lowest_device_writes_the_sum_and_the_next_only_if_it_does_not() {
    let mut rig = Rig::up();
    rig.live(
        "presence/alice/device/desk",
        &json!({"v":1,"status":"away","cause":"idle","timestamp":START,"epoch":1}),
    );
    rig.effects.clear();
    rig.observe(Observation::Locked(true));
    assert_eq!(rig.published_to("presence/alice"), [json!(null); 0]);
    rig.pass(999);
    assert_eq!(rig.published_to("presence/alice"), [json!(null); 0]);
    rig.pass(1);
    assert_eq!(rig.published_to("presence/alice")[0]["status"], "away");
}

#[test]
fn a_seed_style_client_of_mine_is_carried_along_in_the_sum() {
    let mut rig = Rig::up();
    rig.live("presence/alice", &json!({"status":"online","timestamp":START}));
    let sum = rig.published_to("presence/alice").remove(0);
    assert_eq!(sum["foreign"], json!({"status":"online","timestamp":START}));
    // Our own echo changes nothing; its death is answered by the sum, since this device is here.
    rig.live("presence/alice", &sum);
    assert_eq!(rig.published(), []);
    rig.live("presence/alice", &json!({"status":"offline","timestamp":START}));
    let sum = rig.published_to("presence/alice").remove(0);
    assert_eq!((&sum["status"], sum.get("foreign")), (&json!("online"), None));
}

#[test]
fn a_fight_over_the_user_topic_is_bounded() {
    let mut rig = Rig::up();
    let mut written = 0;
    for n in 0..50 {
        rig.live("presence/alice", &json!({"v":1,"status":"offline","timestamp":START + n}));
        written += rig.published_to("presence/alice").len();
        rig.pass(100);
        written += rig.published_to("presence/alice").len();
    }
    assert_eq!(written, 5);
    rig.pass(60_000);
    assert_eq!(rig.published_to("presence/alice").len(), 1);
}

#[test]
fn our_own_link_down_is_stale_at_once_and_nobody_is_called_offline() {
    let mut rig = Rig::up();
    rig.live(
        "presence/bob/device/desk",
        &json!({"v":1,"status":"online","timestamp":START,"epoch":1}),
    );
    rig.effects.clear();
    rig.link(broken());
    let updates: Vec<_> = rig
        .effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::Show(update) => Some(update),
            _ => None,
        })
        .collect();
    assert_eq!(updates.len(), 1);
    assert!(matches!(updates[0].link, Some(ConnectionView::Connecting { as_of: Some(_), .. })));
    assert_eq!(
        (updates[0].changes[0].status.as_str(), updates[0].changes[0].stale),
        ("online", true)
    );
    assert_eq!(rig.notifications(), []);
}

#[test]
fn people_are_shown_when_the_whole_team_is_read_and_every_update_is_numbered() {
    let mut rig = Rig::holder("laptop");
    rig.handle(Input::Start);
    rig.link(ConnectionEvent::Up(Granted::default()));
    for user in ["bob", "carol"] {
        rig.receive(&format!("presence/{user}"), "online", true);
    }
    let joins = |rig: &mut Rig| -> Vec<(u64, usize)> {
        rig.effects
            .drain(..)
            .filter_map(|effect| match effect {
                Effect::Show(update) => Some((update.seq, update.joins.len())),
                _ => None,
            })
            .collect()
    };
    let before = joins(&mut rig);
    assert!(before.iter().all(|(_, joins)| *joins == 0), "{before:?}");
    rig.link(ConnectionEvent::Subscribed { refused: Vec::new() });
    rig.pass(50);
    let after = joins(&mut rig);
    assert_eq!(after.iter().map(|(_, joins)| joins).sum::<usize>(), 2);
    let numbers: Vec<_> = before.iter().chain(&after).map(|(seq, _)| *seq).collect();
    assert_eq!(numbers, (1..=numbers.len() as u64).collect::<Vec<_>>());
    rig.pass(10_000);
    assert_eq!(rig.notifications(), []);
}

#[test]
fn a_teammate_who_comes_and_one_who_dies_are_each_one_notice() {
    let mut rig = Rig::up();
    let bob = "presence/bob/device/desk";
    let online = json!({"v":1,"status":"online","timestamp":START,"epoch":5,"name":"Bob"});
    rig.live(bob, &online);
    rig.live("presence/bob", &json!({"v":1,"status":"online","timestamp":START}));
    rig.pass(5000);
    let who = crate::notification::Who { user: "bob".to_owned(), name: "Bob".to_owned() };
    assert_eq!(rig.notifications(), [Notification::Came(who.clone())]);
    rig.live(bob, &json!({"v":1,"status":"offline","cause":"lost","epoch":5}));
    rig.pass(5000);
    assert_eq!(rig.notifications(), [Notification::Went(who, Some(Cause::Lost))]);
    assert_eq!(rig.status_of("bob"), Some(("offline".to_owned(), Some(Cause::Lost))));
}

#[test]
fn a_ghost_is_dropped_and_counted() {
    let mut rig = Rig::up();
    let bob = "presence/bob/device/desk";
    rig.live(bob, &json!({"v":1,"status":"online","timestamp":START,"epoch":5}));
    rig.live(bob, &json!({"v":1,"status":"offline","cause":"lost","epoch":4}));
    assert_eq!(rig.status_of("bob").unwrap().0, "online");
    assert_eq!(rig.engine.diagnostics().dropped[&DropReason::Ghost], 1);
}

#[test]
fn every_kind_of_bad_message_has_its_counter_and_the_next_good_one_is_shown() {
    let mut rig = Rig::up();
    let long = "x".repeat(300);
    for (topic, payload, retained) in [
        ("presence/__proto__", "online", false),
        (&format!("presence/{long}"), "online", false),
        ("elsewhere/bob", "online", false),
        ("presence/bob/typing", r#"{"isTyping":true}"#, true),
        ("presence/bob", &"[".repeat(3000), false),
        ("presence/bob", r#"{"v":9,"status":"online"}"#, false),
        ("presence/bob/device/desk", r#"{"status":"flying"}"#, false),
        ("presence/eve/device/desk", r#"{"status":"flying"}"#, false),
    ] {
        rig.receive(topic, payload, retained);
    }
    let counted = serde_json::to_value(rig.engine.diagnostics()).unwrap();
    assert_eq!(
        counted["dropped"],
        json!({"bad_id":2,"foreign_topic":1,"retained_signal":1,"not_json":1,
               "unknown_version":1,"unknown_status":2})
    );
    let complaints = rig.effects.iter().filter(|effect| matches!(effect, Effect::Complain { .. }));
    assert_eq!(complaints.count(), 6, "each reason is logged once");
    rig.receive("presence/bob", "online", false);
    assert_eq!(rig.status_of("bob").unwrap().0, "online");
}

#[test]
fn somebody_whose_id_shows_nothing_has_a_name_to_see() {
    let mut rig = Rig::up();
    for (user, name) in [("\u{200B}", "U+200B"), ("\u{3164}", "U+3164"), ("a\u{200B}", "a")] {
        rig.receive(&format!("presence/{user}"), "online", false);
        let person = rig.engine.people().find(|person| person.user == user).unwrap();
        assert_eq!(person.name, name);
    }
}

#[test]
fn times_in_the_future_are_counted_and_shown_as_now() {
    let mut rig = Rig::up();
    let far = 1_200_146_400_000_000_u64;
    rig.live("presence/bob/device/desk", &json!({"status":"online","since":far,"timestamp":far}));
    assert_eq!(rig.engine.diagnostics().future_times, 1);
    let bob = rig.engine.people().find(|person| person.user == "bob").unwrap();
    assert_eq!(bob.since, Some(at(rig.ms).wall));
}

const BOB: &str = "presence/bob/device/desk";

fn online(epoch: u64) -> Value {
    json!({"v":1,"status":"online","timestamp":START,"epoch":epoch,"lease_s":3600,"loss_s":18,"name":"Bob"})
}

fn lost(epoch: u64) -> Value {
    json!({"v":1,"status":"offline","cause":"lost","epoch":epoch})
}

impl Rig {
    fn reader() -> Self {
        let mut rig = Self::new(Role::Observer);
        rig.handle(Input::Start);
        rig
    }

    /// CONNACK, these retained records, SUBACK, silence.
    fn connect_and_read(&mut self, retained: &[(&str, &Value)]) {
        self.link(ConnectionEvent::Up(Granted::default()));
        for (topic, payload) in retained {
            self.receive(topic, &payload.to_string(), true);
        }
        self.link(ConnectionEvent::Subscribed { refused: Vec::new() });
        self.pass(300);
    }

    fn bob(&self) -> PersonView {
        self.engine.people().find(|person| person.user == "bob").unwrap().clone()
    }

    /// How bob was shown, change by change, as status and whether it was stale.
    fn shown(&mut self) -> Vec<(String, bool)> {
        let mut shown = Vec::new();
        for effect in self.effects.drain(..) {
            if let Effect::Show(update) = effect {
                for person in update.joins.iter().chain(&update.changes) {
                    if person.user == "bob" {
                        shown.push((person.status.clone(), person.stale));
                    }
                }
            }
        }
        shown.dedup();
        shown
    }

    fn last_connect(&self) -> &crate::effect::Connect {
        let connects = self.effects.iter().rev();
        let mut connects = connects.filter_map(|effect| match effect {
            Effect::Connect(connect) => Some(connect),
            _ => None,
        });
        connects.next().unwrap()
    }
}

fn word(status: &str, stale: bool) -> (String, bool) {
    (status.to_owned(), stale)
}

fn choose(status: ChosenStatus) -> Command {
    Command::Choose { status, text: None, emoji: None, lasting: None }
}

impl Rig {
    /// The broker takes all that was published.
    fn acknowledge(&mut self) {
        let ids = self.effects.iter().filter_map(|effect| match effect {
            Effect::Publish(publish) => Some(publish.id),
            _ => None,
        });
        let ids: Vec<PublishId> = ids.collect();
        for id in ids {
            self.link(ConnectionEvent::Published { id, outcome: Ok(()) });
        }
    }
}

impl Rig {
    fn receive_aged(&mut self, topic: &str, payload: &Value, left: Duration) {
        self.link(ConnectionEvent::Received(Message {
            topic: topic.to_owned(),
            payload: payload.to_string().into_bytes(),
            retained: true,
            expires_in: Some(left),
        }));
    }
}
