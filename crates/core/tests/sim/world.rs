//! The network: machines with their clocks, links that fail, a broker, one fake time.
//!
//! Owns what happens when, and the invariants. The engines are driven as their crate's first page says; what
//! they should show comes from [`crate::truth`] alone.

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap};
use std::time::Duration;

use porchlight_core::effect::{Connect, Effect, Publish, Saved, Version, Will};
use porchlight_core::engine::{Engine, Holder, Role, Rule, Settings};
use porchlight_core::id::{DeviceId, Root, UserId};
use porchlight_core::input::{
    Command, Granted, Input, LinkEvent, LinkFailure, Message, PublishId, Refusal,
};
use porchlight_core::notice::{Notice, NoticePolicy};
use porchlight_core::observation::{Moment, Observation};
use porchlight_core::preferences::Preferences;
use porchlight_core::time::{Monotonic, Now, Timestamp};
use porchlight_core::view::ChosenStatus;

use crate::broker::{Broker, ConnId, NEVER, Out};
use crate::schedule::{DEVICES, ENGINES, End, Fault, NAMES, Outage, Schedule, What, Word};
use crate::truth::{self, AWAY, DND, INVISIBLE, OFFLINE, ONLINE, Person, Set, Source, UNCHOSEN};

mod checks;
mod copies;
mod deeds;
mod faults;

const USERS: [&str; 3] = ["alice", "bob", "carol"];
/// Whom the seed-style clients speak for.
const SEED_USERS: [usize; 2] = [2, 0];
/// The copies of a machine of alice's and of bob's.
const COPIES: usize = ENGINES as usize + 2;
const MACHINES: usize = COPIES + 2;

const AWAY_AFTER: u64 = 15_000;
const GRACE: u64 = 6_000;
const LEASE: u64 = 120_000;
const KEEP_ALIVE: u64 = 8_000;
/// Everybody is connected before the first step.
const WARM_UP: u64 = 16_000;
/// When all is healed: the longest retry, the settling after it, a lease, a minute of corrections.
const QUIET: u64 = 43_000 + 12_000 + LEASE + 62_000;
/// In the last part of it nothing is said but renewals.
const SILENCE: u64 = 30_000;

/// No run needs more events than this.
const AT_MOST: u64 = 30_000;

/// 2025-11-21, as every calendar reads when a run begins, but for its skew.
const CALENDAR: u64 = 1_763_742_000_000;

/// What is taken out of the world or of the engines, so that it is missed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Without {
    Nothing,
    Rule(Rule),
    /// The client library forgets, after a connection, what it still had to send.
    PendingCleared,
}

/// What went wrong, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Violation {
    pub(crate) at: u64,
    pub(crate) what: String,
}

/// What a client sends.
#[derive(Debug)]
enum Up {
    Connect(Box<Connect>),
    Subscribe(Vec<String>),
    Publish(Publish),
    Disconnect,
    Close,
}

#[derive(Debug)]
enum Event {
    ToBroker(ConnId, Up),
    ToClient(ConnId, Out),
    /// No CONNACK in time.
    ConnectTimeout(ConnId),
    /// Nothing listens there.
    ConnectRefused(ConnId),
    /// The broker heard nothing for too long, if it is still so since then.
    BrokerGivesUp(ConnId, u64),
    /// So did the client.
    ClientGivesUp(ConnId, u64),
    /// The client's next PINGREQ meets a socket that the broker closed.
    Ping(ConnId),
    Heal(usize, u64),
    Slow(usize, u64),
    Wake(usize, bool),
    Launch(usize),
    /// A machine that was warned sleeps now at the latest.
    Sleep(usize, u64),
    BrokerBack,
    SeedConnects(usize),
    Threshold(usize),
    Lie(usize),
    LiarLeaves(usize),
    /// A choice of somebody's ends in a moment, and now.
    ChoiceFades(usize, u32),
    ChoiceEnds(usize, u32),
    /// The truth may be another, or may have to be shown by now.
    Look,
}

impl Event {
    /// Whether a fault, or what is left of it, lasts until then.
    const fn ends_a_fault(&self) -> bool {
        matches!(
            self,
            Self::Heal(..)
                | Self::Slow(..)
                | Self::Wake(..)
                | Self::Launch(_)
                | Self::Sleep(..)
                | Self::BrokerBack
                | Self::LiarLeaves(_)
                | Self::ChoiceEnds(..)
        )
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lane {
    Main,
    Companion,
    Seed,
}

#[derive(Debug)]
struct Conn {
    machine: usize,
    lane: Lane,
    client_open: bool,
    broker_open: bool,
    acknowledged: bool,
    opened: u64,
    keep_alive: u64,
    /// When the last packet arrives there: packets do not overtake each other.
    up_at: u64,
    down_at: u64,
    held_up: Vec<Up>,
    held_down: Vec<Out>,
    /// Since when nothing of the client gets through.
    mute_since: Option<u64>,
    /// For the PUBACKs and the corrections of a client library that forgets nothing.
    unacknowledged: Vec<Publish>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Path {
    Clear,
    /// Connections are refused until then.
    Closed(u64),
    /// Everything is held until then.
    Silent(u64),
}

/// The person's side of a device, which survives its processes.
#[derive(Debug, Clone, Default)]
struct Desk {
    idle_since: Option<u64>,
    locked: bool,
    asleep_since: Option<u64>,
    quit: bool,
}

#[derive(Debug)]
struct Machine {
    engine: Option<Engine>,
    saved: Option<Saved>,
    ticks: (u64, u32),
    skew: i64,
    latency: u64,
    slow: (u64, u64),
    path: Path,
    /// When the path is certainly used again.
    path_certain: u64,
    /// Until when what it shows may be what it heard before it was cut off.
    cut_until: u64,
    frozen: bool,
    inbox: Vec<(ConnId, Out)>,
    main: Option<ConnId>,
    companion: Option<ConnId>,
    desk: Desk,
    /// How often it may still become another device.
    renewals: u32,
    /// Who was the same device, and until when the record of one may stand where that of the other stood.
    met: (usize, u64),
    /// It takes in what came while it stood still.
    catches_up: bool,
    runs: u32,
    /// What each person is shown as.
    shown: [Set; 3],
    /// Whether it says of each that this may be so no longer.
    doubted: [bool; 3],
    /// As a viewer: out of touch since then, and in touch again from then on at the latest.
    out_since: u64,
    in_touch_at: u64,
    /// As a viewer: it knows nothing yet.
    blind_until: u64,
    /// When it last told of each person's coming.
    came: [u64; 3],
    /// When its device record was written, for the bound of corrections.
    written: Vec<u64>,
    last_publish: u64,
    recent: u32,
    liar_until: u64,
    /// For a library that forgets nothing.
    pending: Vec<Publish>,
}

#[derive(Debug)]
struct Seed {
    running: bool,
    word: Word,
    conn: Option<ConnId>,
}

impl Machine {
    /// When what is started now is connected at the latest, if its path is in trouble: a CONNECT may be waited for in
    /// vain.
    const fn path_used_at(&self) -> u64 {
        match self.path {
            Path::Clear => 0,
            Path::Closed(until) | Path::Silent(until) => until + 6_500,
        }
    }
}

/// A run.
pub(crate) struct World {
    now: u64,
    heap: BinaryHeap<Reverse<(u64, u32, u32)>>,
    events: Vec<Option<Event>>,
    free: Vec<u32>,
    order: u32,
    broker: Broker,
    machines: Vec<Machine>,
    /// When each engine wants to be asked again, beside each other because every step looks for the first.
    deadlines: [u64; MACHINES],
    conns: Vec<Conn>,
    seeds: [Seed; 2],
    sources: [Source; MACHINES],
    people: [Person; 3],
    without: Without,
    /// While somebody is slow, news takes longer.
    wide_until: u64,
    /// When the truth is next looked at.
    look_at: u64,
    broker_certain: u64,
    /// What was read may have been under way for so long, and what it says of when something ends is late by that.
    late: u64,
    /// When the last fault so far is over.
    healed_at: u64,
    v5: bool,
    plain: bool,
    ending: bool,
    violation: Option<Violation>,
    /// What happened, line by line, if somebody wants to read it.
    pub(crate) trace: Option<Vec<String>>,
    pub(crate) handled: u64,
    happened: u64,
}

/// Runs a schedule; says what went wrong.
pub(crate) fn run(schedule: &Schedule, without: Without) -> Result<u64, Violation> {
    let mut world = World::new(schedule, without);
    world.play(schedule);
    match world.violation {
        Some(violation) => Err(violation),
        None => Ok(world.handled),
    }
}

/// What goes wrong; without a rule, only what would not go wrong with it.
pub(crate) fn fails(schedule: &Schedule, without: Without) -> Result<u64, Violation> {
    let result = run(schedule, without);
    if without != Without::Nothing && result.is_err() && run(schedule, Without::Nothing).is_err() {
        return Ok(0);
    }
    result
}

/// Runs a schedule again and tells what happened.
pub(crate) fn explain(schedule: &Schedule, without: Without) -> Vec<String> {
    let mut world = World::new(schedule, without);
    world.trace = Some(Vec::new());
    world.play(schedule);
    world.trace.unwrap_or_default()
}

impl World {
    fn new(schedule: &Schedule, without: Without) -> Self {
        let machines = (0..MACHINES)
            .map(|m| Machine {
                engine: None,
                saved: None,
                ticks: (0, 0),
                skew: schedule.skews.get(m).map_or(0, |minutes| i64::from(*minutes) * 60_000),
                latency: 2 + 3 * m as u64,
                slow: (0, 0),
                path: Path::Clear,
                path_certain: 0,
                cut_until: 0,
                frozen: false,
                inbox: Vec::new(),
                main: None,
                companion: None,
                desk: Desk::default(),
                renewals: 0,
                met: (m, 0),
                catches_up: false,
                runs: 0,
                shown: [OFFLINE; 3],
                doubted: [false; 3],
                out_since: 0,
                in_touch_at: 0,
                blind_until: WARM_UP,
                came: [WARM_UP; 3],
                written: Vec::new(),
                last_publish: 0,
                recent: 0,
                liar_until: 0,
                pending: Vec::new(),
            })
            .collect();
        let seed = || Seed { running: true, word: Word::Online, conn: None };
        Self {
            now: 0,
            heap: BinaryHeap::with_capacity(64),
            events: Vec::with_capacity(64),
            free: Vec::new(),
            order: 0,
            broker: Broker::new(schedule.broker),
            machines,
            deadlines: [NEVER; MACHINES],
            conns: Vec::with_capacity(64),
            seeds: [seed(), seed()],
            sources: std::array::from_fn(|_| Source::new()),
            people: std::array::from_fn(|_| Person::new()),
            without,
            wide_until: 0,
            look_at: NEVER,
            broker_certain: 0,
            late: 0,
            healed_at: 0,
            v5: schedule.broker.v5,
            plain: schedule.plain,
            ending: false,
            violation: None,
            trace: None,
            handled: 0,
            happened: 0,
        }
    }

    fn play(&mut self, schedule: &Schedule) {
        for m in 0..ENGINES as usize {
            self.launch(m);
        }
        for seed in 0..2 {
            self.seed_starts(seed);
        }
        for m in 0..MACHINES {
            self.sources[m].extend(0, WARM_UP - 100);
            if is_device(m) {
                self.observe(m);
            }
        }
        self.pass_until(WARM_UP);
        for step in &schedule.steps {
            self.pass_until(self.now + u64::from(step.after));
            if self.violation.is_some() {
                return;
            }
            self.note(|| format!("--- {}", step.what));
            self.take(step.what);
            self.believe();
        }
        self.quiesce();
    }

    /// Everything heals, and after long enough everybody is right and nobody talks.
    fn quiesce(&mut self) {
        if self.violation.is_some() {
            return;
        }
        // Faults end by themselves; what sleeps or is dead stays so.
        self.pass_until(self.healed_at);
        self.note(|| "--- all is healed".to_owned());
        // As long as a lease, so that one that nobody renews is missed; and longer only while somebody may be wrong.
        let at_most = self.now + QUIET;
        let mut until = self.now + LEASE + 12_000;
        while self.now < until && self.violation.is_none() {
            self.pass_until(until.min(at_most));
            until = self.all_certain_at().min(at_most);
        }
        for machine in &mut self.machines {
            machine.recent = 0;
        }
        self.ending = true;
        self.pass_until(self.now + SILENCE);
        self.judge_end();
    }

    fn pass_until(&mut self, until: u64) {
        while self.violation.is_none() {
            let event = self.heap.peek().map_or(NEVER, |Reverse((at, ..))| *at);
            let due = self.broker.next_due();
            let (m, deadline) = self.next_deadline();
            let next = event.min(due).min(deadline);
            if next > until {
                break;
            }
            self.now = self.now.max(next);
            self.happened += 1;
            if self.happened > AT_MOST {
                self.violated(|| "it never becomes quiet".to_owned());
            }
            if event == next {
                let Some(Reverse((_, _, slot))) = self.heap.pop() else { break };
                self.free.push(slot);
                if let Some(event) = self.events[slot as usize].take() {
                    self.happen(event);
                }
            } else if due == next {
                self.broker.tick(self.now);
                self.flush_broker();
            } else {
                self.tick(m);
            }
        }
        self.now = self.now.max(until);
    }

    fn next_deadline(&self) -> (usize, u64) {
        let mut first = (0, NEVER);
        for (m, deadline) in self.deadlines.iter().enumerate() {
            if *deadline < first.1 && !self.machines[m].frozen {
                first = (m, *deadline);
            }
        }
        first
    }

    fn plan(&mut self, at: u64, event: Event) {
        let slot = self.free.pop().unwrap_or_else(|| {
            self.events.push(None);
            u32::try_from(self.events.len() - 1).expect("a run has few events at a time")
        });
        if event.ends_a_fault() {
            self.healed_at = self.healed_at.max(at);
        }
        self.events[slot as usize] = Some(event);
        self.order += 1;
        self.heap.push(Reverse((at, self.order, slot)));
    }

    fn note(&mut self, line: impl FnOnce() -> String) {
        if let Some(trace) = &mut self.trace {
            trace.push(format!("{:>9} {}", self.now, line()));
        }
    }

    fn violated(&mut self, what: impl FnOnce() -> String) {
        if self.violation.is_none() {
            let what = what();
            self.note(|| format!("VIOLATED: {what}"));
            self.violation = Some(Violation { at: self.now, what });
        }
    }

    // --- engines

    fn clock(&self, m: usize) -> Now {
        let wall = CALENDAR.saturating_add_signed(self.machines[m].skew) + self.now;
        Now {
            mono: Monotonic::from_origin(Duration::from_millis(self.now + 1_000_000)),
            wall: Timestamp::from_ms(wall).unwrap_or(Timestamp::MAX),
        }
    }

    fn launch(&mut self, m: usize) {
        let now = self.clock(m);
        let blind = if self.now == 0 { WARM_UP } else { 2_000 + self.slack() };
        let machine = &mut self.machines[m];
        machine.runs += 1;
        machine.blind_until = self.now + blind;
        let over = [machine.path_certain, machine.path_used_at(), self.broker_certain];
        machine.blind_until = over.into_iter().fold(machine.blind_until, u64::max);
        let saved = machine.saved.as_ref();
        let role = if is_device(m) {
            let user = USERS[person_of(m)];
            let device = DeviceId::parse(&format!("{user}{m}")).expect("an id");
            Role::Holder(Holder {
                user: UserId::parse(user).expect("an id"),
                device: saved.map_or(device, |saved| saved.device.clone()),
                name: user.to_owned(),
                kind: None,
                tz: None,
                away_after: Duration::from_millis(AWAY_AFTER),
                last_epoch: saved.map_or(0, |saved| saved.epoch),
                grace: Duration::from_millis(GRACE),
                lease: Duration::from_millis(LEASE),
                user_topic: person_of(m) != 1 || !self.plain,
                calls_dnd: false,
                invisible: saved.is_some_and(|saved| saved.invisible),
            })
        } else {
            Role::Reader
        };
        let client_id = saved.map_or_else(
            || format!("pl{m}x{}", if is_device(m) { 0 } else { machine.runs }),
            |saved| saved.client_id.clone(),
        );
        let without = match self.without {
            Without::Rule(rule) => Some(rule),
            _ => None,
        };
        let settings = Settings {
            root: Root::default(),
            client_id,
            role,
            notices: NoticePolicy::default(),
            preferences: Preferences::default(),
            speaks_v5: saved.is_some_and(|saved| saved.speaks_v5),
            muted: BTreeSet::new(),
            seed: m as u64 * 1_000 + u64::from(machine.runs),
            without,
        };
        machine.engine = Some(Engine::new(now, settings));
        machine.shown = [OFFLINE; 3];
        if is_device(m) {
            let desk = machine.desk.clone();
            self.handle(
                m,
                match desk.idle_since {
                    Some(since) => {
                        let ago = Duration::from_millis(self.now - since);
                        Input::Observed(Observation::InputIdle { since: Moment::Ago(ago) })
                    }
                    None => Input::Observed(Observation::InputActive),
                },
            );
            if desk.locked {
                self.handle(m, Input::Observed(Observation::Locked(true)));
            }
        }
        self.handle(m, Input::Start);
    }

    fn tick(&mut self, m: usize) {
        let ticks = &mut self.machines[m].ticks;
        if ticks.0 == self.now {
            ticks.1 += 1;
        } else {
            *ticks = (self.now, 1);
        }
        if ticks.1 > 20 {
            let due = self.machines[m].engine.as_ref().and_then(Engine::next_deadline);
            self.violated(|| format!("{}: a deadline that never ends: {due:?}", NAMES[m]));
        }
        self.handle(m, Input::Tick);
    }

    fn handle(&mut self, m: usize, input: Input) {
        let now = self.clock(m);
        let Some(engine) = &mut self.machines[m].engine else { return };
        self.handled += 1;
        engine.handle(now, input);
        let mut stopped = false;
        let mut shown = false;
        while let Some(effect) = self.machines[m].engine.as_mut().and_then(Engine::poll_effect) {
            match effect {
                Effect::Show(update) => {
                    shown |= !(update.joins.is_empty()
                        && update.changes.is_empty()
                        && update.leaves.is_empty())
                        || update.me.is_some();
                }
                Effect::Stopped => stopped = true,
                effect => self.apply(m, effect),
            }
        }
        if let Some(engine) = &self.machines[m].engine {
            let deadline = engine.next_deadline().map_or(NEVER, |at| {
                let since = at.since(Monotonic::from_origin(Duration::from_millis(1_000_000)));
                u64::try_from(since.as_micros().div_ceil(1_000)).unwrap_or(NEVER)
            });
            self.deadlines[m] = deadline.max(self.now);
        }
        if shown {
            self.look_at(m);
        }
        if stopped {
            self.process_ends(m);
        }
    }

    fn apply(&mut self, m: usize, effect: Effect) {
        match effect {
            Effect::Save(saved) => {
                if let Some(old) = &self.machines[m].saved
                    && old.device != saved.device
                {
                    self.becomes_another(m);
                }
                self.machines[m].saved = Some(saved);
            }
            Effect::Connect(connect) => {
                if let Some(old) = self.machines[m].main.take() {
                    self.close_by_client(old);
                }
                let conn = self.open(m, Lane::Main, connect);
                self.machines[m].main = Some(conn);
            }
            Effect::ConnectCompanion(connect) => {
                if let Some(old) = self.machines[m].companion.take() {
                    self.close_by_client(old);
                }
                let conn = self.open(m, Lane::Companion, connect);
                self.machines[m].companion = Some(conn);
            }
            Effect::Subscribe(filters) => {
                if let Some(conn) = self.machines[m].main {
                    let topics = filters.into_iter().map(|filter| filter.topic).collect();
                    self.send_up(conn, Up::Subscribe(topics));
                }
            }
            Effect::Publish(publish) => self.publish(m, publish),
            Effect::Disconnect => {
                if let Some(conn) = self.machines[m].main.take() {
                    self.send_up(conn, Up::Disconnect);
                    self.close_by_client(conn);
                }
            }
            Effect::DisconnectCompanion => {
                if let Some(conn) = self.machines[m].companion.take() {
                    self.send_up(conn, Up::Disconnect);
                    self.close_by_client(conn);
                }
            }
            Effect::Drop => {
                let machine = &mut self.machines[m];
                let conns = [machine.main.take(), machine.companion.take()];
                for conn in conns.into_iter().flatten() {
                    self.close_by_client(conn);
                }
            }
            Effect::Notify(notice) => self.judge_notice(m, &notice),
            Effect::MaySleep => {
                if let Some(since) = self.machines[m].desk.asleep_since {
                    self.plan(self.now, Event::Sleep(m, since));
                }
            }
            Effect::Show(_)
            | Effect::ShowTray(_)
            | Effect::WithdrawNotice { .. }
            | Effect::SaveMuted(_)
            | Effect::SavePreferences(_)
            | Effect::Complain { .. }
            | Effect::Reachable(_)
            | Effect::SnapshotRead
            | Effect::ChoiceSettled(_)
            | Effect::Stopped => {}
        }
    }

    fn publish(&mut self, m: usize, publish: Publish) {
        let Some(conn) = self.machines[m].main else { return };
        self.note(|| {
            format!(
                "{} says {}: {}",
                NAMES[m],
                publish.topic,
                String::from_utf8_lossy(&publish.payload)
            )
        });
        self.judge_publish(m, &publish);
        let machine = &mut self.machines[m];
        machine.last_publish = self.now;
        machine.recent += 1;
        if self.without == Without::PendingCleared {
            self.conns[conn].unacknowledged.push(publish.clone());
        }
        self.send_up(conn, Up::Publish(publish));
    }

    /// The process is gone; the system closes its sockets.
    fn process_ends(&mut self, m: usize) {
        let machine = &mut self.machines[m];
        machine.engine = None;
        self.deadlines[m] = NEVER;
        machine.pending.clear();
        let conns = [machine.main.take(), machine.companion.take()];
        for conn in conns.into_iter().flatten() {
            self.close_by_client(conn);
        }
    }

    // --- connections

    fn open(&mut self, m: usize, lane: Lane, connect: Connect) -> ConnId {
        let conn = self.conns.len();
        let keep_alive = u64::try_from(connect.keep_alive.as_millis()).unwrap_or(NEVER);
        let timeout = u64::try_from(connect.timeout.as_millis()).unwrap_or(NEVER);
        self.note(|| {
            format!(
                "{} {lane:?} connects as {} ({:?}, clean start {}, will delay {:?})",
                NAMES[m],
                connect.client_id,
                connect.version,
                connect.clean_start,
                connect.will.as_ref().map(|will| will.delay),
            )
        });
        self.conns.push(Conn {
            machine: m,
            lane,
            client_open: true,
            broker_open: false,
            acknowledged: false,
            opened: self.now,
            keep_alive,
            up_at: 0,
            down_at: 0,
            held_up: Vec::new(),
            held_down: Vec::new(),
            mute_since: None,
            unacknowledged: Vec::new(),
        });
        if matches!(self.machines[m].path, Path::Closed(_)) {
            self.plan(self.now + 1, Event::ConnectRefused(conn));
        } else {
            self.plan(self.now.saturating_add(timeout), Event::ConnectTimeout(conn));
            self.send_up(conn, Up::Connect(Box::new(connect)));
        }
        conn
    }

    fn latency(&self, m: usize) -> u64 {
        self.machines[m].latency + self.machines[m].slow.0
    }

    fn send_up(&mut self, id: ConnId, up: Up) {
        let m = self.conns[id].machine;
        if matches!(self.machines[m].path, Path::Silent(_)) {
            self.conns[id].held_up.push(up);
            return;
        }
        let at = self.conns[id].up_at.max(self.now + self.latency(m));
        self.conns[id].up_at = at;
        self.plan(at, Event::ToBroker(id, up));
    }

    fn send_down(&mut self, id: ConnId, out: Out) {
        let m = self.conns[id].machine;
        if matches!(self.machines[m].path, Path::Silent(_)) {
            self.conns[id].held_down.push(out);
            return;
        }
        let at = self.conns[id].down_at.max(self.now + self.latency(m));
        self.conns[id].down_at = at;
        self.plan(at, Event::ToClient(id, out));
    }

    /// The client closes its socket without another word.
    fn close_by_client(&mut self, id: ConnId) {
        let conn = &mut self.conns[id];
        if std::mem::take(&mut conn.client_open) {
            let machine = &mut self.machines[conn.machine];
            machine.pending.append(&mut conn.unacknowledged);
            self.send_up(id, Up::Close);
        }
    }

    /// The client learns that its connection is gone.
    fn client_loses(&mut self, id: ConnId, failure: LinkFailure) {
        let conn = &mut self.conns[id];
        if !std::mem::take(&mut conn.client_open) {
            return;
        }
        let (m, lane) = (conn.machine, conn.lane);
        let machine = &mut self.machines[m];
        machine.pending.append(&mut conn.unacknowledged);
        match lane {
            Lane::Main => {
                machine.main = None;
                self.handle(m, Input::Link(LinkEvent::Down(failure)));
            }
            Lane::Companion => {
                machine.companion = None;
                self.handle(m, Input::Companion(LinkEvent::Down(failure)));
            }
            Lane::Seed => {
                let seed = m - ENGINES as usize;
                self.seeds[seed].conn = None;
                self.plan(self.now + 1_000, Event::SeedConnects(seed));
            }
        }
    }

    fn broker_loses(&mut self, id: ConnId) {
        if std::mem::take(&mut self.conns[id].broker_open) {
            self.broker.lost(self.now, id);
            self.flush_broker();
        }
    }

    fn flush_broker(&mut self) {
        let mut out = std::mem::take(&mut self.broker.out);
        for (id, out) in out.drain(..) {
            if matches!(out, Out::Close | Out::TakenOver) {
                self.conns[id].broker_open = false;
            }
            self.send_down(id, out);
        }
        self.broker.out = out;
    }

    /// Packets get through again, or no longer.
    fn mute_or_not(&mut self, m: usize) {
        let mute = self.machines[m].frozen || matches!(self.machines[m].path, Path::Silent(_));
        for id in 0..self.conns.len() {
            let conn = &self.conns[id];
            if conn.machine != m || !conn.client_open {
                continue;
            }
            match (mute, conn.mute_since) {
                (true, None) => self.falls_silent(id),
                (false, Some(_)) => self.conns[id].mute_since = None,
                _ => {}
            }
        }
    }

    fn falls_silent(&mut self, id: ConnId) {
        let now = self.now;
        let conn = &mut self.conns[id];
        conn.mute_since = Some(now);
        // PINGREQs leave at every multiple of the keep-alive.
        let last_heard = now - (now - conn.opened) % conn.keep_alive.max(1);
        let keep_alive = conn.keep_alive;
        let late = self.broker.late();
        self.plan((last_heard + keep_alive * 3 / 2 + late).max(now), Event::BrokerGivesUp(id, now));
        self.plan(last_heard + keep_alive * 2, Event::ClientGivesUp(id, now));
    }

    fn flush_path(&mut self, m: usize) {
        for id in 0..self.conns.len() {
            if self.conns[id].machine != m {
                continue;
            }
            for up in std::mem::take(&mut self.conns[id].held_up) {
                self.send_up(id, up);
            }
            for out in std::mem::take(&mut self.conns[id].held_down) {
                self.send_down(id, out);
            }
        }
    }

    // --- what happens

    fn happen(&mut self, event: Event) {
        match event {
            Event::ToBroker(id, up) => self.arrive_at_broker(id, up),
            Event::ToClient(id, out) => self.arrive_at_client(id, out),
            Event::ConnectTimeout(id) => {
                let conn = &self.conns[id];
                if conn.client_open && !conn.acknowledged {
                    if self.machines[conn.machine].frozen {
                        // A machine that stands still looks at its timers later.
                        self.plan(self.now + 1_000, Event::ConnectTimeout(id));
                        return;
                    }
                    self.send_up(id, Up::Close);
                    let address = "the broker".to_owned();
                    self.client_loses(id, LinkFailure::TimedOut { address });
                }
            }
            Event::ConnectRefused(id) => {
                let address = "the broker".to_owned();
                let reason = "refused".to_owned();
                self.client_loses(id, LinkFailure::Unreachable { address, reason });
            }
            Event::BrokerGivesUp(id, since) => {
                if self.conns[id].mute_since == Some(since) && self.conns[id].broker_open {
                    self.send_down(id, Out::Close);
                    self.broker_loses(id);
                }
            }
            Event::ClientGivesUp(id, since) => {
                let conn = &self.conns[id];
                let silent = matches!(self.machines[conn.machine].path, Path::Silent(_));
                if conn.mute_since == Some(since) && conn.acknowledged && silent {
                    if self.machines[conn.machine].frozen {
                        self.plan(self.now + 1_000, Event::ClientGivesUp(id, since));
                    } else {
                        self.send_up(id, Up::Close);
                        self.client_loses(id, broken("no PINGRESP"));
                    }
                }
            }
            Event::Ping(id) => {
                if self.conns[id].client_open && !self.conns[id].broker_open {
                    if self.machines[self.conns[id].machine].frozen {
                        self.plan(self.now + 1_000, Event::Ping(id));
                    } else {
                        self.client_loses(id, broken("reset"));
                    }
                }
            }
            Event::Heal(m, until) => {
                let (Path::Closed(end) | Path::Silent(end)) = self.machines[m].path else { return };
                if end == until {
                    self.note(|| format!("{}: the path is clear", NAMES[m]));
                    self.machines[m].path = Path::Clear;
                    self.mute_or_not(m);
                    self.flush_path(m);
                }
            }
            Event::Slow(m, until) => {
                if self.machines[m].slow.1 == until {
                    self.machines[m].slow = (0, 0);
                }
            }
            Event::Wake(m, dead) => self.thaw(m, dead),
            Event::Launch(m) => self.start_process(m),
            Event::Sleep(m, since) => self.sleep(m, since),
            Event::BrokerBack => {
                self.note(|| "the broker is back".to_owned());
                self.broker.running = true;
            }
            Event::SeedConnects(seed) => self.seed_connects(seed),
            Event::Threshold(m) => self.observe(m),
            Event::Lie(m) => self.lie(m),
            Event::LiarLeaves(m) => self.machines[m].liar_until = 0,
            Event::ChoiceFades(p, number) => self.choice_fades(p, number),
            Event::ChoiceEnds(p, number) => self.choice_ends(p, number),
            Event::Look => self.look(),
        }
    }

    fn arrive_at_broker(&mut self, id: ConnId, up: Up) {
        let now = self.now;
        if let Up::Connect(connect) = up {
            if self.broker.running && self.conns[id].client_open {
                self.conns[id].broker_open = true;
                self.broker.connect(now, id, &connect);
                self.flush_broker();
                // Nobody hears a machine that fell silent with its CONNECT under way.
                self.mute_or_not(self.conns[id].machine);
            } else {
                let running = self.broker.running;
                self.send_down(id, if running { Out::Close } else { Out::Refused });
            }
            return;
        }
        if !self.conns[id].broker_open {
            if self.conns[id].client_open {
                // Nobody listens any more: the socket is reset.
                self.send_down(id, Out::Close);
            }
            return;
        }
        match up {
            Up::Connect(_) => {}
            Up::Subscribe(filters) => self.broker.subscribe(now, id, filters),
            Up::Publish(publish) => {
                let lied_to = self.lied_to(id, &publish.topic);
                self.broker.publish(now, &publish.topic, publish.payload, publish.expires_in);
                self.broker.out.push((id, Out::Puback(publish.id.0)));
                if let Some(m) = lied_to {
                    self.plan(now + 20, Event::Lie(m));
                }
            }
            Up::Disconnect => {
                self.conns[id].broker_open = false;
                self.broker.disconnect(now, id);
            }
            Up::Close => {
                self.conns[id].broker_open = false;
                self.broker.lost(now, id);
            }
        }
        self.flush_broker();
    }

    fn arrive_at_client(&mut self, id: ConnId, out: Out) {
        let conn = &mut self.conns[id];
        let m = conn.machine;
        if self.machines[m].frozen {
            self.machines[m].inbox.push((id, out));
            return;
        }
        if !conn.client_open {
            return;
        }
        if conn.lane == Lane::Seed {
            match out {
                Out::TakenOver | Out::Close | Out::Refused => {
                    self.client_loses(id, broken("closed"));
                }
                Out::Connack { .. } => {
                    conn.acknowledged = true;
                    self.seed_speaks(m - ENGINES as usize);
                }
                _ => {}
            }
            return;
        }
        let event = match out {
            Out::Connack { session_present } => {
                conn.acknowledged = true;
                LinkEvent::Up(Granted { session_present, ..Granted::default() })
            }
            Out::Suback => LinkEvent::Subscribed { refused: Vec::new() },
            Out::Puback(publish) => {
                conn.unacknowledged.retain(|waiting| waiting.id.0 != publish);
                LinkEvent::Published { id: PublishId(publish), outcome: Ok::<(), Refusal>(()) }
            }
            Out::Message { message, retained, expires_in } => LinkEvent::Received(Message {
                topic: String::from(&*message.topic),
                payload: message.payload.to_vec(),
                retained,
                expires_in,
            }),
            Out::TakenOver => {
                self.client_loses(id, LinkFailure::TakenOver);
                return;
            }
            Out::Close => {
                let failure = if conn.acknowledged {
                    broken("closed")
                } else {
                    LinkFailure::Protocol { reason: "closed without a word".to_owned() }
                };
                self.client_loses(id, failure);
                return;
            }
            Out::Refused => {
                let address = "the broker".to_owned();
                let reason = "refused".to_owned();
                self.client_loses(id, LinkFailure::Unreachable { address, reason });
                return;
            }
        };
        if let (Some(trace), LinkEvent::Received(message)) = (&mut self.trace, &event) {
            let (topic, text) = (&message.topic, String::from_utf8_lossy(&message.payload));
            let how = if message.retained { "reads retained" } else { "reads" };
            trace.push(format!("{:>9} {} {how} {topic}: {text}", self.now, NAMES[m]));
        }
        let up = matches!(event, LinkEvent::Up(_));
        match conn.lane {
            Lane::Companion => self.handle(m, Input::Companion(event)),
            Lane::Main | Lane::Seed => {
                if up {
                    self.reads_anew();
                    self.resend(m, id);
                }
                self.handle(m, Input::Link(event));
            }
        }
    }

    /// A library that forgets nothing sends first what it still had to send.
    fn resend(&mut self, m: usize, id: ConnId) {
        let pending = std::mem::take(&mut self.machines[m].pending);
        if self.without == Without::PendingCleared {
            for publish in pending {
                self.judge_publish(m, &publish);
                self.send_up(id, Up::Publish(publish));
            }
        }
    }
}

/// Whether a machine is a device of somebody's.
const fn is_device(m: usize) -> bool {
    m < DEVICES as usize || m >= COPIES
}

/// Whose device it is.
const fn person_of(m: usize) -> usize {
    if m < DEVICES as usize { m / 2 } else { m - COPIES }
}

/// A person's devices, the copy of one of them last.
const fn devices_of(p: usize) -> [usize; 3] {
    [2 * p, 2 * p + 1, COPIES + p]
}

fn devices() -> impl Iterator<Item = usize> {
    (0..DEVICES as usize).chain(COPIES..MACHINES)
}

/// Those that run an engine.
fn engines() -> impl Iterator<Item = usize> {
    (0..ENGINES as usize).chain(COPIES..MACHINES)
}

fn broken(reason: &str) -> LinkFailure {
    LinkFailure::Broken { reason: reason.to_owned() }
}

const fn bit(word: Word) -> Set {
    match word {
        Word::Online => ONLINE,
        Word::Away => AWAY,
        Word::Dnd => DND,
    }
}
