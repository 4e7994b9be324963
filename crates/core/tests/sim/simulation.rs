//! The network: machines with their clocks, links that fail, a broker, one fake time.
//!
//! Owns what happens when, and the invariants. The engines are driven as their crate's first page says; what
//! they should show comes from [`crate::truth`] alone.

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap};
use std::time::Duration;

use porchlight_core::effect::{Connect, Effect, Publish, Saved, Version, Will};
use porchlight_core::engine::{DeviceSettings, Engine, Role, Rule, Settings};
use porchlight_core::id::{DeviceId, Root, UserId};
use porchlight_core::input::{
    Command, ConnectionEvent, ConnectionFailure, ConnectionId, Granted, Input, Message, PublishId,
    Refusal, RefusedFilter,
};
use porchlight_core::notification::{About, Notification, NotificationPolicy};
use porchlight_core::observation::{Moment, Observation};
use porchlight_core::preferences::Preferences;
use porchlight_core::reason::ReasonCode;
use porchlight_core::time::{Monotonic, Now, Timestamp};
use porchlight_core::view::ChosenStatus;

use crate::broker::{Broker, ConnId, NEVER, Out};
use crate::schedule::{DEVICES, ENGINES, End, Fault, NAMES, Outage, Quirks, Schedule, What, Word};
use crate::truth::{self, AWAY, DND, INVISIBLE, OFFLINE, ONLINE, Person, Set, Source, UNCHOSEN};

mod actions;
mod checks;
mod copies;
mod engines;
mod faults;
mod happening;
mod links;
mod quirks;

const USERS: [&str; 3] = ["alice", "bob", "carol"];
/// Whom the simple clients speak for.
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
/// In its last part clients publish only renewals.
const SILENCE: u64 = 30_000;

/// 0x87, MQTT 5, 3.9.3.
const NOT_AUTHORIZED: ReasonCode = ReasonCode(0x87);

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
    /// The time comes from the network, and the calendar was wrong by so much.
    ClockIsSet(usize, i64),
    /// A connection ends right after its CONNACK.
    Cut(ConnId),
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
                | Self::ClockIsSet(..)
        )
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lane {
    Main,
    WillConnection,
    Seed,
}

#[derive(Debug)]
struct Conn {
    machine: usize,
    lane: Lane,
    /// As the engine knows it.
    number: ConnectionId,
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
    /// What was refused of its SUBSCRIBE.
    refused: Vec<String>,
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
    will_connection: Option<ConnId>,
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
    /// Until when the Will of a session at another node may stand for its record.
    stale_will_until: u64,
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
pub(crate) struct Simulation {
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
    quirks: Quirks,
    ending: bool,
    violation: Option<Violation>,
    /// What happened, line by line, if somebody wants to read it.
    pub(crate) trace: Option<Vec<String>>,
    pub(crate) handled: u64,
    happened: u64,
}

/// Runs a schedule; says what went wrong.
pub(crate) fn run(schedule: &Schedule, without: Without) -> Result<u64, Violation> {
    let mut world = Simulation::new(schedule, without);
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
    let mut world = Simulation::new(schedule, without);
    world.trace = Some(Vec::new());
    world.play(schedule);
    world.trace.unwrap_or_default()
}

impl Simulation {
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
                will_connection: None,
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
                stale_will_until: 0,
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
            quirks: schedule.quirks.clone(),
            ending: false,
            violation: None,
            trace: None,
            handled: 0,
            happened: 0,
        }
    }

    fn play(&mut self, schedule: &Schedule) {
        self.unset_clocks();
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

fn broken(reason: &str) -> ConnectionFailure {
    ConnectionFailure::Broken { reason: reason.to_owned() }
}

const fn bit(word: Word) -> Set {
    match word {
        Word::Online => ONLINE,
        Word::Away => AWAY,
        Word::Dnd => DND,
    }
}
