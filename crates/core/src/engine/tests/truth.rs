//! What is believed when links drop, brokers restart and machines sleep or are copied.

use super::*;
use crate::effect::Version;
use crate::view::Doubt;

const BOB: &str = "presence/bob/device/desk";

fn online(epoch: u64) -> Value {
    json!({"v":1,"status":"online","timestamp":START,"epoch":epoch,"lease_s":3600,"loss_s":18,"name":"Bob"})
}

fn lost(epoch: u64) -> Value {
    json!({"v":1,"status":"offline","cause":"lost","epoch":epoch})
}

impl Rig {
    fn reader() -> Self {
        let mut rig = Self::new(Role::Reader);
        rig.handle(Input::Start);
        rig
    }

    /// CONNACK, these retained records, SUBACK, silence.
    fn connect_and_read(&mut self, retained: &[(&str, &Value)]) {
        self.link(LinkEvent::Up(Granted::default()));
        for (topic, payload) in retained {
            self.receive(topic, &payload.to_string(), true);
        }
        self.link(LinkEvent::Subscribed { refused: Vec::new() });
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
fn what_a_broker_says_at_its_end_is_not_believed() {
    let mut rig = Rig::up();
    rig.live(BOB, &online(5));
    rig.pass(5000);
    rig.notices();
    // It publishes the Wills of all its clients, then closes ours.
    rig.live(BOB, &lost(5));
    rig.pass(20);
    rig.link(broken());
    rig.pass(900);
    assert_eq!(rig.shown(), [word("online", true)]);
    rig.connect_and_read(&[(BOB, &lost(5))]);
    assert_eq!(rig.bob().evidence.doubt, Some(Doubt::Settling));
    rig.live(BOB, &online(6));
    assert_eq!(rig.shown(), [word("online", true), word("online", false)]);
    rig.pass(60_000);
    assert_eq!(rig.shown(), []);
    assert_eq!(rig.notices(), []);
}

#[test]
fn a_loss_that_was_shown_is_taken_back_when_our_link_drops_shortly_after() {
    let mut rig = Rig::up();
    rig.live(BOB, &online(5));
    rig.pass(5000);
    rig.effects.clear();
    rig.live(BOB, &lost(5));
    rig.pass(600);
    assert_eq!(rig.shown(), [word("offline", false)]);
    rig.pass(100);
    rig.link(broken());
    assert_eq!(rig.shown(), [word("online", true)]);
    rig.pass(5000);
    assert_eq!(rig.notices(), []);
}

#[test]
fn what_is_still_lost_when_we_settled_is_applied_without_a_notice() {
    let mut rig = Rig::up();
    rig.live(BOB, &online(5));
    rig.pass(5000);
    rig.link(broken());
    rig.pass(1000);
    rig.connect_and_read(&[(BOB, &lost(5))]);
    rig.effects.clear();
    rig.pass(9_600);
    assert_eq!(rig.shown(), []);
    rig.pass(100);
    assert_eq!(rig.status_of("bob"), Some(("offline".to_owned(), Some(CauseView::Lost))));
    rig.pass(5000);
    assert_eq!(rig.notices(), []);
}

#[test]
fn whoever_was_here_and_is_missing_when_we_settled_is_lost_and_not_before() {
    let mut rig = Rig::up();
    rig.live(BOB, &online(5));
    rig.live("presence/carol", &json!({"status":"online"}));
    rig.live("presence/dave", &json!({"status":"offline"}));
    let heard = at(rig.ms).wall;
    rig.pass(1000);
    rig.link(broken());
    rig.pass(1000);
    rig.connect_and_read(&[]);
    assert_eq!((rig.bob().status.as_str(), rig.bob().stale), ("online", true));
    rig.pass(9_800);
    assert_eq!(rig.status_of("bob"), Some(("offline".to_owned(), Some(CauseView::Lost))));
    assert_eq!(rig.bob().since, Some(heard));
    assert_eq!(rig.status_of("carol").unwrap().0, "offline");
    assert_eq!(rig.status_of("dave"), None, "who was offline is forgotten");
    assert_eq!(rig.status_of("alice").unwrap().0, "online");
}

#[test]
fn a_first_look_shows_what_is_retained() {
    let mut rig = Rig::reader();
    rig.connect_and_read(&[(BOB, &lost(5))]);
    assert_eq!(rig.status_of("bob"), Some(("offline".to_owned(), Some(CauseView::Lost))));
    assert!(!rig.bob().stale);
}

#[test]
fn a_record_that_is_not_renewed_is_lost_since_it_was_last_heard() {
    let mut rig = Rig::up();
    rig.live(BOB, &online(5));
    let heard = at(rig.ms).wall;
    rig.pass(1_800_000);
    rig.live(BOB, &online(5));
    rig.pass(3_599_999);
    assert_eq!(rig.status_of("bob").unwrap().0, "online");
    rig.pass(1);
    let bob = rig.bob();
    assert_eq!((bob.status.as_str(), bob.cause), ("offline", Some(CauseView::Lost)));
    assert_eq!(bob.since, Some(heard + Duration::from_secs(1800)));
    // It was late, not dead.
    rig.live(BOB, &online(5));
    assert_eq!(rig.status_of("bob").unwrap().0, "online");
}

#[test]
fn an_old_record_is_shown_as_lost_at_the_first_look() {
    let mut rig = Rig::reader();
    rig.link(LinkEvent::Up(Granted::default()));
    rig.link(LinkEvent::Received(Message {
        topic: BOB.to_owned(),
        payload: online(5).to_string().into_bytes(),
        retained: true,
        expires_in: Some(RECORD_EXPIRY - Duration::from_secs(3601)),
    }));
    rig.link(LinkEvent::Subscribed { refused: Vec::new() });
    rig.effects.clear();
    rig.pass(300);
    assert_eq!(rig.shown(), [word("offline", false)]);
}

#[test]
fn no_lease_ends_while_we_are_not_connected() {
    let mut rig = Rig::up();
    rig.live(BOB, &online(5));
    rig.link(broken());
    for _ in 0..200 {
        rig.pass(30_000);
        rig.link(LinkEvent::Down(LinkFailure::TimedOut { address: "b".to_owned() }));
    }
    assert_eq!((rig.bob().status.as_str(), rig.bob().stale), ("online", true));
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
fn a_machine_that_slept_unseen_begins_anew_before_it_judges_others() {
    let mut rig = Rig::up();
    rig.live(BOB, &online(5));
    rig.pass(5000);
    rig.effects.clear();
    // Nothing runs, then everything is late.
    rig.ms += 7_200_000;
    rig.handle(Input::Tick);
    assert_eq!(rig.shown(), [word("online", true)]);
    rig.ms += 20;
    rig.connect_and_read(&[(BOB, &online(5))]);
    assert_eq!(rig.status_of("bob").unwrap().0, "online");
}

#[test]
fn a_second_machine_with_our_client_id_makes_us_another_device() {
    let mut rig = Rig::up();
    rig.link(LinkEvent::Down(LinkFailure::TakenOver));
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
    assert_eq!(kinds(&rig.effects), ["Drop", "Save", "Connect"]);
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
    let not_5 = || LinkEvent::Down(LinkFailure::Protocol { reason: "it hung up".to_owned() });
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
        rig.link(LinkEvent::Down(LinkFailure::Protocol { reason: "it hung up".to_owned() }));
        assert_eq!(rig.last_connect().version, Version::V5);
    }
}

#[test]
fn where_the_broker_can_not_wait_the_reader_does() {
    let mut rig = Rig::up();
    let waits = json!({"v":1,"status":"offline","cause":"lost","epoch":5,"wait_s":6});
    rig.live(BOB, &online(5));
    rig.pass(5000);
    rig.notices();
    rig.live(BOB, &waits);
    assert_eq!(rig.bob().evidence.doubt, Some(Doubt::Reconnecting));
    rig.pass(5999);
    rig.live(BOB, &online(6));
    assert_eq!(rig.shown(), [word("online", true), word("online", false)]);
    rig.live(BOB, &json!({"v":1,"status":"offline","cause":"lost","epoch":6,"wait_s":6}));
    rig.pass(6000);
    assert_eq!(rig.status_of("bob"), Some(("offline".to_owned(), Some(CauseView::Lost))));
    rig.pass(1000);
    assert_eq!(rig.notices().len(), 1);
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
            self.link(LinkEvent::Published { id, outcome: Ok(()) });
        }
    }
}

#[test]
fn somebody_invisible_leaves_and_reads_on() {
    let mut rig = Rig::up();
    rig.command(choose(ChosenStatus::Invisible));
    assert_eq!(kinds(&rig.effects), ["publish presence/alice/chosen"]);
    rig.acknowledge();
    rig.acknowledge();
    let connect = rig.last_connect().clone();
    assert!(connect.client_id.starts_with("plr") && connect.will.is_none() && connect.clean_start);
    assert!(kinds(&rig.effects).contains(&"DisconnectCompanion".to_owned()));
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
    // Visible again, on whichever device that was said.
    rig.live("presence/alice/chosen", &json!({"v":1,"rev":2}));
    assert_eq!(rig.last_connect().client_id, "pltest");
    rig.effects.clear();
    rig.connect();
    assert_eq!(rig.published_to(DEVICE)[0]["cause"], "locked");
}

#[test]
fn who_was_last_invisible_is_until_their_choice_was_read() {
    let mut rig = Rig::new(Role::Holder(Holder { invisible: true, ..holder("laptop") }));
    rig.handle(Input::Start);
    assert!(rig.last_connect().will.is_none());
    rig.effects.clear();
    rig.connect_and_read(&[]);
    assert!(rig.last_connect().will.is_some());
    assert_eq!(rig.published(), []);
}

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
    assert!(kinds.contains(&"ConnectCompanion".to_owned()), "{kinds:?}");
}

#[test]
fn the_companions_will_sets_the_user_topic_offline_and_a_survivor_answers_it() {
    let mut rig = Rig::holder("laptop");
    rig.handle(Input::Start);
    rig.connect();
    let companion = rig.effects.iter().find_map(|effect| match effect {
        Effect::ConnectCompanion(connect) => Some(connect.clone()),
        _ => None,
    });
    let companion = companion.unwrap();
    assert_eq!(companion.client_id, "pltestu");
    let will = companion.will.unwrap();
    assert_eq!((will.topic.as_str(), will.delay), ("presence/alice", Duration::from_secs(7)));
    rig.effects.clear();
    rig.receive("presence/alice", std::str::from_utf8(&will.payload).unwrap(), false);
    assert_eq!(rig.published_to("presence/alice")[0]["status"], "online");
    // It ended by itself, and is opened again.
    rig.handle(Input::Companion(broken()));
    rig.pass(5000);
    assert_eq!(kinds(&rig.effects), ["ConnectCompanion"]);
}

#[test]
fn only_the_lowest_device_has_a_companion() {
    let mut rig = Rig::up();
    rig.live("presence/alice/device/a", &online(5));
    rig.pass(2000);
    assert!(kinds(&rig.effects).contains(&"DisconnectCompanion".to_owned()));
    rig.effects.clear();
    rig.live("presence/alice/device/a", &lost(5));
    rig.pass(2000);
    assert!(kinds(&rig.effects).contains(&"ConnectCompanion".to_owned()));
}

#[test]
fn evidence_tells_what_is_known_and_no_more() {
    let mut rig = Rig::up();
    rig.live("presence/_hub", &json!({"v":1}));
    let locked = json!({"v":1,"status":"away","cause":"locked","since":START - 60_000,"timestamp":START,
                        "epoch":5,"lease_s":3600,"loss_s":18,"kind":"laptop"});
    rig.live(BOB, &locked);
    let evidence = rig.bob().evidence;
    assert_eq!(evidence.device.as_deref(), Some("desk"));
    assert_eq!(evidence.kind.as_deref(), Some("laptop"));
    assert_eq!(
        (evidence.status.as_deref(), evidence.cause),
        (Some("away"), Some(CauseView::Locked))
    );
    assert_eq!(evidence.since, Timestamp::from_ms(START - 60_000));
    assert_eq!(evidence.heard, Some(at(rig.ms).wall));
    assert_eq!((evidence.loss_shows_within_s, evidence.doubt), (Some(18), None));
    // Another broker than our hub may be late, and a seed-style client promises nothing.
    rig.receive("presence/_hub", "", false);
    assert_eq!(rig.bob().evidence.loss_shows_within_s, Some(29));
    rig.live("presence/carol", &json!({"status":"online"}));
    let carol = rig.engine.people().find(|person| person.user == "carol").unwrap();
    assert_eq!(carol.evidence.loss_shows_within_s, None);
    rig.link(broken());
    assert_eq!(rig.bob().evidence.loss_shows_within_s, None);
    assert_eq!(rig.bob().evidence.doubt, Some(Doubt::LinkDown));
}

#[test]
fn another_device_that_is_here_makes_up_for_one_in_doubt() {
    let mut rig = Rig::up();
    rig.live(BOB, &online(5));
    rig.live("presence/bob/device/phone", &online(5));
    rig.link(broken());
    rig.pass(1000);
    rig.connect_and_read(&[(BOB, &lost(5)), ("presence/bob/device/phone", &online(5))]);
    assert_eq!((rig.bob().status.as_str(), rig.bob().stale), ("online", false));
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
        rig.link(LinkEvent::Up(granted));
        rig.link(LinkEvent::Subscribed { refused: Vec::new() });
        rig.pass(50);
        assert_eq!(rig.published_to(DEVICE)[0].get("loss_s").unwrap_or(&Value::Null), &bound);
    }
}

#[test]
fn that_a_broker_speaks_5_is_kept_as_soon_as_it_is_known() {
    let mut rig = Rig::holder("laptop");
    rig.handle(Input::Start);
    rig.effects.clear();
    rig.link(LinkEvent::Up(Granted::default()));
    assert!(matches!(&rig.effects[0], Effect::Save(saved) if saved.speaks_v5));
}

#[test]
fn a_companion_that_is_not_wanted_any_more_asks_for_no_time() {
    let mut rig = Rig::up();
    rig.handle(Input::Companion(broken()));
    rig.live("presence/alice/device/a", &online(5));
    // `pass` refuses a deadline that stays in the past.
    rig.pass(60_000);
    assert!(!kinds(&rig.effects).contains(&"ConnectCompanion".to_owned()));
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
fn a_device_that_asked_for_time_has_it_while_we_settle_too() {
    let mut rig = Rig::up();
    rig.live(BOB, &online(5));
    rig.link(broken());
    rig.pass(1000);
    rig.connect_and_read(&[(BOB, &online(5))]);
    rig.pass(9_400);
    rig.live(BOB, &json!({"v":1,"status":"offline","cause":"lost","epoch":5,"wait_s":6}));
    rig.pass(5_999);
    assert_eq!(rig.status_of("bob").unwrap().0, "online");
    rig.pass(1);
    assert_eq!(rig.status_of("bob").unwrap().0, "offline");
}

#[test]
fn a_second_machine_is_seen_although_the_clock_outruns_its_numbers() {
    // A broker that tells nobody of a take-over: each of the two drops the other, and comes back a moment later.
    let mut rig = Rig::up();
    for n in 1..=2 {
        rig.link(broken());
        rig.pass(1000);
        rig.effects.clear();
        rig.link(LinkEvent::Up(Granted::default()));
        let theirs =
            json!({"v":1,"status":"online","timestamp":START,"epoch":START + rig.ms - 500});
        rig.receive(DEVICE, &theirs.to_string(), true);
        let renewed = kinds(&rig.effects).contains(&"Drop".to_owned());
        assert_eq!(renewed, n == 2);
        rig.link(LinkEvent::Subscribed { refused: Vec::new() });
        rig.pass(50);
    }
}

impl Rig {
    fn receive_aged(&mut self, topic: &str, payload: &Value, left: Duration) {
        self.link(LinkEvent::Received(Message {
            topic: topic.to_owned(),
            payload: payload.to_string().into_bytes(),
            retained: true,
            expires_in: Some(left),
        }));
    }
}

#[test]
fn whose_lease_ran_out_is_not_here_again_because_we_reconnect() {
    let mut rig = Rig::up();
    rig.live(BOB, &online(5));
    rig.pass(3_600_000);
    assert_eq!(rig.status_of("bob").unwrap().0, "offline");
    rig.link(broken());
    rig.pass(1000);
    rig.effects.clear();
    rig.link(LinkEvent::Up(Granted::default()));
    rig.receive_aged(BOB, &online(5), RECORD_EXPIRY - Duration::from_secs(3601));
    rig.link(LinkEvent::Subscribed { refused: Vec::new() });
    rig.pass(20_000);
    assert_eq!(rig.shown(), [word("offline", false)]);
}

#[test]
fn a_wish_gives_way_to_what_the_broker_took_after_it_whatever_the_calendars_say() {
    for (age, gives_way) in [(5, false), (1, true)] {
        let mut rig = Rig::up();
        rig.link(broken());
        rig.pass(100);
        rig.command(choose(ChosenStatus::Dnd));
        rig.pass(2900);
        rig.link(LinkEvent::Up(Granted::default()));
        // The other device's clock is an hour ahead, or behind.
        let at = if gives_way { START - 3_600_000 } else { START + 3_600_000 };
        let elsewhere = json!({"v":1,"rev":9,"status":"away","at":at});
        let left = crate::session::CHOICE_EXPIRY - Duration::from_secs(age);
        rig.receive_aged("presence/alice/chosen", &elsewhere, left);
        rig.effects.clear();
        rig.link(LinkEvent::Subscribed { refused: Vec::new() });
        rig.pass(300);
        assert_eq!(rig.published_to("presence/alice/chosen").is_empty(), gives_way, "{age}");
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

#[test]
fn what_is_chosen_a_moment_after_something_else_stands() {
    let mut rig = Rig::new(Role::Chooser(UserId::parse("alice").unwrap()));
    rig.command(Command::ClearChosen);
    rig.handle(Input::Start);
    rig.pass(20);
    rig.link(LinkEvent::Up(Granted::default()));
    // Taken within the second before, and the broker tells whole seconds.
    let before = json!({"v":1,"rev":1,"status":"dnd","at":START - 400});
    rig.receive_aged("presence/alice/chosen", &before, crate::session::CHOICE_EXPIRY);
    rig.effects.clear();
    rig.link(LinkEvent::Subscribed { refused: Vec::new() });
    rig.pass(300);
    let published = rig.published_to("presence/alice/chosen");
    assert_eq!((&published[0]["rev"], published[0].get("status")), (&json!(2), None));
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
