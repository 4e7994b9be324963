//! What clients written from the two seed documents put on the wire, and what a reader makes of it.

use std::collections::BTreeMap;
use std::time::Duration;

use porchlight_core::effect::Effect;
use porchlight_core::engine::{Engine, Role, Settings};
use porchlight_core::id::Root;
use porchlight_core::input::{ConnectionEvent, ConnectionId, Granted, Input, Message};
use porchlight_core::notification::NotificationPolicy;
use porchlight_core::preferences::Preferences;
use porchlight_core::time::{Monotonic, Now, Timestamp};
use porchlight_core::view::PersonView;
use serde::Deserialize;
use serde_json::{Map, Value};

/// The engine's first connection.
const FIRST: ConnectionId = ConnectionId(1);

#[derive(Deserialize)]
struct Vectors {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    topic_root: String,
    steps: Vec<Step>,
    expect: Option<BTreeMap<String, Map<String, Value>>>,
    #[serde(default)]
    then_at: BTreeMap<String, BTreeMap<String, Map<String, Value>>>,
}

#[derive(Deserialize)]
struct Step {
    topic: String,
    payload: String,
    retained: bool,
    now: u64,
}

fn at(ms: u64) -> Now {
    Now {
        mono: Monotonic::from_origin(Duration::from_millis(ms)),
        wall: Timestamp::from_ms(ms).expect("a time of the vectors"),
    }
}

/// Whom the viewer is shown, folded from what the engine says changed.
#[derive(Default)]
struct Viewer(BTreeMap<String, PersonView>);

impl Viewer {
    fn drain(&mut self, engine: &mut Engine) {
        while let Some(effect) = engine.poll_effect() {
            if let Effect::Show(update) = effect {
                for person in update.joins.into_iter().chain(update.changes) {
                    self.0.insert(person.user.clone(), person);
                }
                for user in update.leaves {
                    self.0.remove(&user);
                }
            }
        }
    }

    fn expect(&self, case: &str, expected: &BTreeMap<String, Map<String, Value>>) {
        let users: Vec<_> = self.0.keys().collect();
        assert_eq!(users, expected.keys().collect::<Vec<_>>(), "{case}");
        for (user, fields) in expected {
            let mut shown = serde_json::to_value(&self.0[user]).expect("a view is JSON");
            shown["typing"] = self.0[user].typing.into();
            for (field, value) in fields {
                assert_eq!(&shown[field], value, "{case}: {user}'s {field}");
            }
        }
    }
}

/// An observer whose first connection was just subscribed.
fn observer(begin: Now, root: &str) -> Engine {
    let settings = Settings {
        root: Root::parse(root).expect("a root of the vectors"),
        client_id: "plrvectors".to_owned(),
        role: Role::Observer,
        notifications: NotificationPolicy::silent(),
        has_tray: false,
        preferences: Preferences::default(),
        speaks_v5: true,
        muted: std::collections::BTreeSet::new(),
        seed: 1,
        without: None,
    };
    let mut engine = Engine::new(begin, settings);
    for input in [
        Input::Start,
        Input::Connection(FIRST, ConnectionEvent::Up(Granted::default())),
        Input::Connection(FIRST, ConnectionEvent::Subscribed { refused: Vec::new() }),
    ] {
        engine.handle(begin, input);
    }
    engine
}

/// Lets time pass as a running program does: every deadline before the message is met.
fn receive(engine: &mut Engine, viewer: &mut Viewer, step: Step) {
    let now = at(step.now);
    while let Some(due) = engine.next_deadline().filter(|due| *due < now.mono) {
        let ms = due.since(Monotonic::default()).as_millis();
        engine.handle(at(u64::try_from(ms).expect("a time")), Input::Tick);
        viewer.drain(engine);
    }
    let message = Message {
        topic: step.topic,
        payload: step.payload.into_bytes(),
        retained: step.retained,
        expires_in: None,
    };
    engine.handle(now, Input::Connection(FIRST, ConnectionEvent::Received(message)));
    viewer.drain(engine);
}

#[test]
fn every_vector_holds() {
    let vectors: Vectors =
        serde_json::from_str(include_str!("vectors.json")).expect("the vectors are JSON");
    assert_eq!(vectors.cases.len(), 26);
    for case in vectors.cases {
        let mut engine = observer(at(case.steps[0].now - 1000), &case.topic_root);
        let mut viewer = Viewer::default();
        let last = case.steps.last().expect("a case has steps").now;
        for step in case.steps {
            receive(&mut engine, &mut viewer, step);
        }
        engine.handle(at(last + 250), Input::Tick);
        viewer.drain(&mut engine);
        if let Some(expected) = &case.expect {
            viewer.expect(&case.name, expected);
        }
        for (ms, expected) in &case.then_at {
            engine.handle(at(ms.parse().expect("a time")), Input::Tick);
            viewer.drain(&mut engine);
            viewer.expect(&case.name, expected);
        }
        assert!(case.expect.is_some() || !case.then_at.is_empty(), "{}", case.name);
    }
}

#[test]
fn the_example_of_the_protocol_page_shows_what_it_claims() {
    let page = include_str!("../../../docs/protocol.md");
    let (_, example) = page.split_once("### An example").expect("the page has an example");
    let block = example.split("```").nth(1).expect("the example has a block");
    let mut lines = block.lines().filter(|line| !line.is_empty());
    let mut viewer = Viewer::default();
    let mut engine = None;
    let mut now = 0;
    let mut seen = Vec::new();
    while let Some(comment) = lines.next() {
        let (_, expected) = comment.split_once("Bob sees: ").expect("what Bob sees");
        let message = lines.next().expect("a message follows");
        let (topic, payload) = message.split_once(' ').expect("a topic and a payload");
        let record: Value = serde_json::from_str(payload).expect("the payload is JSON");
        // A Will has no time of its own.
        now = record["timestamp"].as_u64().unwrap_or(now + 6000);
        let engine = engine.get_or_insert_with(|| observer(at(now - 1000), "presence"));
        let (topic, payload) = (topic.to_owned(), payload.to_owned());
        receive(engine, &mut viewer, Step { topic, payload, retained: false, now });
        now += 1000;
        engine.handle(at(now), Input::Tick);
        viewer.drain(engine);
        assert_eq!(viewer.0["anna"].status, expected, "{comment}");
        seen.push(expected);
    }
    assert_eq!(seen, ["online", "away", "online", "online", "dnd", "offline"]);
}
