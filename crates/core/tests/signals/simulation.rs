//! Real engines, a broker that is a list of messages on their way, one fake clock; and what must hold.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use porchlight_core::effect::{Effect, Publish};
use porchlight_core::engine::{DeviceSettings, Engine, GRACE, LEASE, Role, Settings};
use porchlight_core::id::{DeviceId, Root, UserId};
use porchlight_core::input::{
    Command, ConnectionEvent, ConnectionFailure, ConnectionId, Granted, Input, Message,
};
use porchlight_core::notification::{About, Notification, NotificationPolicy};
use porchlight_core::observation::Observation;
use porchlight_core::preferences::Preferences;
use porchlight_core::signal::{Answer, SignalCommand, SignalId};
use porchlight_core::time::{Monotonic, Now, Timestamp};
use porchlight_core::view::signals::{ExchangeStage, ExchangeView, When};
use porchlight_core::view::{ChosenStatus, Stage};

pub(crate) const ALICE: usize = 0;
pub(crate) const BOB: usize = 2;
pub(crate) const DEVICES: usize = 4;

/// What people and the network do.
#[derive(Debug, Clone)]
pub(crate) enum Deed {
    /// Alice knocks on her first device.
    Knock(When),
    /// Bob answers a knock that is open on one of his devices.
    Answer(usize, u8),
    /// Bob looks at it.
    See(usize),
    /// Alice takes her last knock back.
    Withdraw,
    /// A person is not to be disturbed, or is again.
    Dnd(bool, bool),
    /// A device's connection breaks, and is back after so many milliseconds.
    Drop(usize, u64),
    /// Time goes by.
    Pass(u64),
}

pub(crate) struct Device {
    engine: Engine,
    up: bool,
    back_at: Option<u64>,
    /// The connection that it opened, or tries to.
    connection: Option<ConnectionId>,
    /// How often a notification of a kind came for a knock.
    pub(crate) rung: BTreeMap<(&'static str, String), u32>,
    /// Those that are up.
    shown: BTreeSet<String>,
    stages: BTreeMap<(bool, String), ExchangeStage>,
    answers: BTreeMap<String, Answer>,
    /// What QoS 1 owes it while it is not there.
    owed: Vec<Message>,
}

pub(crate) struct Simulation {
    now: u64,
    pub(crate) devices: Vec<Device>,
    retained: BTreeMap<String, Vec<u8>>,
    /// What is on its way: when it arrives, to whom.
    flying: Vec<(u64, usize, Message)>,
    rng: fastrand::Rng,
}

fn user(of: usize) -> UserId {
    UserId::parse(if of < BOB { "alice" } else { "bob" }).expect("an id")
}

fn is_signal(topic: &str) -> bool {
    topic.contains("/inbox/")
}

impl Simulation {
    pub(crate) fn new(seed: u64) -> Self {
        let devices = (0..DEVICES).map(|of| {
            let holder = DeviceSettings {
                user: user(of),
                device: DeviceId::parse(&format!("device{of}")).expect("an id"),
                name: user(of).to_string(),
                kind: None,
                tz: None,
                links: Vec::new(),
                away_after: Duration::from_secs(86_400),
                last_epoch: 0,
                grace: GRACE,
                lease: LEASE,
                user_topic: false,
                calls_dnd: false,
                coarse: false,
                invisible: false,
            };
            let settings = Settings {
                root: Root::default(),
                client_id: format!("pl{of}"),
                role: Role::Device(holder),
                notifications: NotificationPolicy {
                    about: About::Everyone,
                    ..NotificationPolicy::default()
                },
                has_tray: true,
                preferences: Preferences::default(),
                speaks_v5: true,
                muted: BTreeSet::new(),
                seed: seed + of as u64,
                without: None,
            };
            Device {
                engine: Engine::new(at(0), settings),
                up: false,
                back_at: Some(0),
                connection: None,
                rung: BTreeMap::new(),
                shown: BTreeSet::new(),
                stages: BTreeMap::new(),
                answers: BTreeMap::new(),
                owed: Vec::new(),
            }
        });
        let devices = devices.collect();
        let rng = fastrand::Rng::with_seed(seed);
        let mut world =
            Self { now: 0, devices, retained: BTreeMap::new(), flying: Vec::new(), rng };
        for of in 0..DEVICES {
            world.handle(of, Input::Observed(Observation::InputActive));
            world.handle(of, Input::Start);
        }
        world.pass(2_000);
        world
    }

    fn handle(&mut self, of: usize, input: Input) {
        self.devices[of].engine.handle(at(self.now), input);
        while let Some(effect) = self.devices[of].engine.poll_effect() {
            match effect {
                Effect::Publish(publish) => self.publish(of, publish),
                Effect::Notify(notification) => self.notify(of, &notification),
                Effect::WithdrawNotification { key } => {
                    self.devices[of].shown.remove(&key);
                }
                Effect::Connect(connect) => {
                    // Within the time that the test gave it, or soon.
                    let device = &mut self.devices[of];
                    device.connection = Some(connect.connection);
                    device.back_at = device.back_at.or(Some(self.now + 50));
                }
                _ => {}
            }
        }
        self.look(of);
    }

    /// The device's connection reports.
    fn hear(&mut self, of: usize, event: ConnectionEvent) {
        if let Some(connection) = self.devices[of].connection {
            self.handle(of, Input::Connection(connection, event));
        }
    }

    fn notify(&mut self, of: usize, notification: &Notification) {
        let (kind, id) = match notification {
            Notification::Knock { id, .. } => ("knock", id),
            Notification::BothFree { id, .. } => ("both_free", id),
            Notification::Answered { id, .. } => ("answered", id),
            _ => return,
        };
        let device = &mut self.devices[of];
        device.shown.insert(notification.key());
        *device.rung.entry((kind, id.to_string())).or_default() += 1;
    }

    /// Everything only goes forward, and an answer that counts stays.
    fn look(&mut self, of: usize) {
        for ExchangeView { id, mine, stage, answer, .. } in self.exchanges(of) {
            let device = &mut self.devices[of];
            let before = device.stages.insert((mine, id.clone()), stage);
            assert!(
                before.is_none_or(|before| before <= stage),
                "{id} went back on {of}: {before:?} {stage:?}"
            );
            if let Some(answer) = answer {
                let first = device.answers.entry(id).or_insert_with(|| answer.clone());
                assert_eq!(*first, answer, "another answer counts now on {of}");
            }
        }
    }

    pub(crate) fn exchanges(&self, of: usize) -> Vec<ExchangeView> {
        self.devices[of].engine.snapshot(Stage::Running).signals.exchanges
    }

    fn publish(&mut self, from: usize, publish: Publish) {
        let Publish { id, topic, payload, retain, .. } = publish;
        if retain {
            self.retained.insert(topic.clone(), payload.clone());
        }
        self.flying.push((self.now + 1, from, puback(id.0)));
        for to in 0..DEVICES {
            let inbox = format!("presence/{}/inbox/", user(to));
            if is_signal(&topic) && !topic.starts_with(&inbox) {
                continue;
            }
            let message = Message {
                topic: topic.clone(),
                payload: payload.clone(),
                retained: false,
                expires_in: None,
            };
            // Records of one topic arrive in order; what people say to each other does not have to.
            let (copies, delay) =
                if is_signal(&topic) { (self.rng.u64(1..=3), 2_500) } else { (1, 1) };
            for _ in 0..copies {
                let at = self.now + self.rng.u64(1..=delay);
                self.flying.push((at, to, message.clone()));
            }
        }
    }

    fn arrive(&mut self, to: usize, message: Message) {
        if let Some(id) = message.topic.strip_prefix("puback/") {
            let id = porchlight_core::input::PublishId(id.parse().expect("a number"));
            // A PUBACK that meets a broken connection is lost.
            if self.devices[to].up {
                self.hear(to, ConnectionEvent::Published { id, outcome: Ok(()) });
            }
        } else if self.devices[to].up {
            self.hear(to, ConnectionEvent::Received(message));
        } else if is_signal(&message.topic) {
            self.devices[to].owed.push(message);
        }
    }

    fn connect(&mut self, of: usize) {
        self.devices[of].up = true;
        self.devices[of].back_at = None;
        let granted = Granted { session_present: true, ..Granted::default() };
        self.hear(of, ConnectionEvent::Up(granted));
        for (topic, payload) in self.retained.clone() {
            let message = Message { topic, payload, retained: true, expires_in: None };
            self.hear(of, ConnectionEvent::Received(message));
        }
        self.hear(of, ConnectionEvent::Subscribed { refused: Vec::new() });
        for message in std::mem::take(&mut self.devices[of].owed) {
            self.hear(of, ConnectionEvent::Received(message));
        }
    }

    pub(crate) fn pass(&mut self, ms: u64) {
        let end = self.now + ms;
        loop {
            let deadline = |device: &Device| deadline_of(&device.engine);
            let ticks = self.devices.iter().filter_map(deadline);
            let backs = self.devices.iter().filter(|device| device.connection.is_some());
            let backs = backs.filter_map(|device| device.back_at);
            let arrivals = self.flying.iter().map(|(at, ..)| *at);
            let next = ticks.chain(backs).chain(arrivals).min().unwrap_or(end);
            if next > end {
                break;
            }
            self.now = self.now.max(next);
            for of in 0..DEVICES {
                let device = &self.devices[of];
                let back = device.back_at.is_some_and(|back| back <= self.now);
                if back && device.connection.is_some() {
                    self.connect(of);
                }
                let due = deadline_of(&self.devices[of].engine);
                if due.is_some_and(|due| due <= self.now) {
                    self.handle(of, Input::Tick);
                }
            }
            let (here, later) =
                std::mem::take(&mut self.flying).into_iter().partition(|(at, ..)| *at <= self.now);
            self.flying = later;
            let mut here: Vec<(u64, usize, Message)> = here;
            here.sort_by_key(|(at, ..)| *at);
            for (_, to, message) in here {
                self.arrive(to, message);
            }
            if self.now == end && self.flying.iter().all(|(at, ..)| *at > end) {
                break;
            }
        }
        self.now = end;
    }

    fn want(&mut self, of: usize, command: SignalCommand) {
        self.handle(of, Input::Command(Command::Signal(command)));
    }

    pub(crate) fn act(&mut self, deed: &Deed) {
        match *deed {
            Deed::Knock(when) => {
                self.want(ALICE, SignalCommand::Knock { to: user(BOB), text: None, when });
            }
            Deed::Answer(device, answer) => {
                let answer =
                    [Answer::ComeIn, Answer::InFive, Answer::Later][usize::from(answer)].clone();
                let stands = |exchange: &ExchangeView| {
                    !exchange.mine
                        && matches!(exchange.stage, ExchangeStage::Delivered | ExchangeStage::Seen)
                };
                if let Some(knock) = self.exchanges(BOB + device).into_iter().find(stands) {
                    let id = SignalId::parse(&knock.id).expect("an id");
                    let from = user(ALICE);
                    self.want(BOB + device, SignalCommand::Answer { from, id, answer });
                }
            }
            Deed::See(device) => self.want(BOB + device, SignalCommand::See { from: user(ALICE) }),
            Deed::Withdraw => {
                let mine = self.exchanges(ALICE).into_iter().rfind(|exchange| exchange.mine);
                if let Some(mine) = mine {
                    let id = SignalId::parse(&mine.id).expect("an id");
                    self.want(ALICE, SignalCommand::Withdraw { with: user(BOB), id });
                }
            }
            Deed::Dnd(bob, dnd) => {
                let of = if bob { BOB } else { ALICE };
                let command = if dnd {
                    let status = ChosenStatus::Dnd;
                    Command::Choose { status, text: None, emoji: None, lasting: None }
                } else {
                    Command::ClearChosen
                };
                self.handle(of, Input::Command(command));
            }
            Deed::Drop(of, ms) => {
                if self.devices[of].up {
                    self.devices[of].up = false;
                    self.devices[of].back_at = Some(self.now + ms);
                    let reason = "reset".to_owned();
                    let down = ConnectionEvent::Down(ConnectionFailure::Broken { reason });
                    if let Some(connection) = self.devices[of].connection.take() {
                        self.handle(of, Input::Connection(connection, down));
                    }
                }
            }
            Deed::Pass(ms) => self.pass(ms),
        }
    }

    /// What holds when all is quiet.
    pub(crate) fn judge(&self) {
        for (of, device) in self.devices.iter().enumerate() {
            for ((kind, id), count) in &device.rung {
                assert_eq!(*count, 1, "{kind} of {id} rang more than once on {of}");
            }
        }
        for knock in self.exchanges(ALICE).iter().filter(|exchange| exchange.mine) {
            let rung = |of: usize, kind| {
                self.devices[of].rung.get(&(kind, knock.id.clone())).copied().unwrap_or_default()
            };
            let seen_at = |of: usize| {
                self.exchanges(of).into_iter().find(|seen| !seen.mine && seen.id == knock.id)
            };
            let untouched = matches!(knock.stage, ExchangeStage::Delivered);
            for of in [BOB, BOB + 1] {
                // Nobody did anything with it, so it is open on both.
                if untouched {
                    let seen = seen_at(of).expect("it is known");
                    assert_eq!(seen.stage, ExchangeStage::Delivered, "{knock:?} on {of}");
                    assert_eq!(rung(of, "knock"), 1, "{knock:?} on {of}");
                }
                // What was done with it on the one is done on the other.
                let key = format!("/knock/theirs/alice/{}", knock.id);
                if knock.stage > ExchangeStage::Delivered {
                    assert!(
                        !self.devices[of].shown.contains(&key),
                        "{knock:?} is still up on {of}"
                    );
                }
            }
            let fired = knock.when == When::BothFree
                && matches!(
                    knock.stage,
                    ExchangeStage::Delivered | ExchangeStage::Seen | ExchangeStage::Answered
                );
            if fired {
                assert_eq!(rung(ALICE, "both_free"), 1, "{knock:?}");
            }
            assert_ne!(knock.stage, ExchangeStage::Sending, "{knock:?}");
            assert_eq!(rung(ALICE, "answered"), u32::from(knock.answer.is_some()), "{knock:?}");
            if let Some(answer) = &knock.answer {
                let said: Vec<_> =
                    [BOB, BOB + 1].into_iter().filter_map(|of| seen_at(of)?.answer).collect();
                assert!(said.contains(answer), "{knock:?}: {said:?}");
            }
        }
    }
}

fn deadline_of(engine: &Engine) -> Option<u64> {
    let due = engine.next_deadline()?;
    Some(u64::try_from(due.since(Monotonic::default()).as_millis()).expect("a short run"))
}

/// The broker's answer to a publish takes its way like everything else.
fn puback(id: u64) -> Message {
    Message {
        topic: format!("puback/{id}"),
        payload: Vec::new(),
        retained: false,
        expires_in: None,
    }
}

fn at(ms: u64) -> Now {
    Now {
        mono: Monotonic::from_origin(Duration::from_millis(ms)),
        wall: Timestamp::from_ms(1_763_742_000_000 + ms).expect("this century"),
    }
}
