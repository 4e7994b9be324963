//! What happens in a run: steps of people and faults of the world, each so long after the one before.
//!
//! Owns the vocabulary, how it is drawn and shrunk, and how it is printed. Deliberately runs nothing.

use std::fmt;

use proptest::prelude::*;
use proptest::sample::select;
use serde::{Deserialize, Serialize};

pub(crate) use crate::broker::{Kind as Broker, Outage};

/// Devices are machines 0 to 3: two of alice, two of bob.
pub(crate) const DEVICES: u8 = 4;
/// Viewers are machines 4 to 6.
pub(crate) const VIEWERS: u8 = 3;
/// Engines in all. The simple clients come after them: of carol, who has nothing else, and of alice.
pub(crate) const ENGINES: u8 = DEVICES + VIEWERS;

/// The machines' names: engines, simple clients, and the copies of a machine of alice's and of bob's.
pub(crate) const NAMES: [&str; 11] = [
    "alice's laptop",
    "alice's phone",
    "bob's laptop",
    "bob's phone",
    "viewer 1",
    "viewer 2",
    "viewer 3",
    "carol's seed client",
    "alice's seed client",
    "alice's copy",
    "bob's copy",
];

/// One run, from its beginning to the moment from which all is healed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Schedule {
    pub(crate) broker: Broker,
    /// How far each engine's calendar is off, in minutes.
    pub(crate) skews: [i16; ENGINES as usize],
    /// Bob's devices write device records only: nobody of his team has a simple client.
    #[serde(default)]
    pub(crate) plain: bool,
    #[serde(default)]
    pub(crate) quirks: Quirks,
    pub(crate) steps: Vec<Step>,
}

/// What brokers and machines do that no specification says.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Quirks {
    /// Every Message Expiry is shortened to this number of seconds.
    pub(crate) cap_s: Option<u32>,
    /// What is left of a Message Expiry is handed out as what it was.
    pub(crate) undiminished: bool,
    /// Filters that nobody is seen by are refused.
    pub(crate) refuses: bool,
    /// So many connections end right after their CONNACK.
    pub(crate) cuts: u8,
    /// Machines that begin with a clock that was never set, until the time comes from the network.
    pub(crate) unset: Vec<Unset>,
}

/// A machine whose clock was not set yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Unset {
    pub(crate) machine: u8,
    /// How far its calendar is off, in days.
    pub(crate) days: i32,
    /// So many milliseconds after everybody is connected it is set.
    pub(crate) until_ms: u32,
}

impl Quirks {
    /// Whether somebody who reads for the first time can know how old a record is.
    pub(crate) const fn tells_ages(&self) -> bool {
        self.cap_s.is_none() && !self.undiminished
    }
}

/// Something that happens, `after` milliseconds after the step before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Step {
    pub(crate) after: u32,
    pub(crate) what: What,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum What {
    // --- a person at a device
    Input(u8),
    /// The last input is now; the threshold comes later.
    Pause(u8),
    /// A source reports the threshold when it is reached.
    Idle(u8),
    /// Locks, or unlocks what is locked.
    Lock(u8),
    Choose(u8, Word),
    /// Chooses something that ends by itself, after so many milliseconds.
    ChooseFor(u8, Word, u32),
    /// Chooses to be invisible, for so many milliseconds or for good.
    Hide(u8, Option<u32>),
    Clear(u8),
    /// Suspends with a warning, or wakes what sleeps.
    Suspend(u8),
    /// Quits, or starts what is not running.
    Quit(u8),
    // --- a simple client
    SeedSays(u8, Word),
    /// Leaves with a goodbye, or starts what is not running.
    SeedLeaves(u8),
    // --- faults
    Fault(Fault),
}

/// What a person chooses to say, or a simple client says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Word {
    Online,
    Away,
    Dnd,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Fault {
    /// The connection is closed, and none can be made for so long.
    Drop { machine: u8, seen_by: End, for_ms: u32 },
    /// Nothing arrives for so long, and nothing is lost.
    Stall { machine: u8, for_ms: u32 },
    /// Everything takes so long for so long.
    Delay { machine: u8, by_ms: u32, for_ms: u32 },
    /// The machine stands still without a warning; on waking its sockets are dead or alive.
    Freeze { device: u8, for_ms: u32, dead: bool },
    /// The process is killed, and starts again after so long or not at all.
    Kill { device: u8, back_ms: Option<u32> },
    /// The process restarts as planned.
    Restart { device: u8, back_ms: u32 },
    /// Somebody sets the clock.
    Clock { machine: u8, by_minutes: i16 },
    /// The broker ends so and is away for so long.
    Broker { end: Outage, for_ms: u32 },
    /// The client sees its connection close and comes back at another node of a cluster, which knows
    /// nothing of the session; the first node goes on with it.
    Split { device: u8 },
    /// A foreign client answers whatever the device says of itself with a lie.
    Meddle { device: u8, for_ms: u32 },
    /// A copy of the machine is started, with its device id and client id; or the copy that runs is quit.
    Copy { device: u8 },
    /// A viewer is closed and opened anew.
    Reopen { viewer: u8 },
    /// The simple client's process is killed.
    SeedKill(u8),
}

/// Who sees a connection close at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum End {
    Both,
    Client,
    Broker,
}

impl What {
    /// For the counts.
    pub(crate) const KINDS: [&str; 28] = [
        "input",
        "pause",
        "idle",
        "lock",
        "choose",
        "clear",
        "suspend",
        "quit",
        "seed says",
        "seed leaves",
        "drop (both ends)",
        "drop (client's end)",
        "drop (broker's end)",
        "stall",
        "delay",
        "freeze",
        "kill",
        "planned restart",
        "clock set",
        "broker restart (Wills fired)",
        "broker kill (Wills lost)",
        "broker kill (all lost)",
        "cluster split",
        "meddler",
        "viewer reopened / seed killed",
        "choose for a time",
        "hide",
        "copied machine",
    ];

    pub(crate) const fn kind(self) -> usize {
        match self {
            Self::Input(_) => 0,
            Self::Pause(_) => 1,
            Self::Idle(_) => 2,
            Self::Lock(_) => 3,
            Self::Choose(..) => 4,
            Self::Clear(_) => 5,
            Self::Suspend(_) => 6,
            Self::Quit(_) => 7,
            Self::SeedSays(..) => 8,
            Self::SeedLeaves(_) => 9,
            Self::ChooseFor(..) => 25,
            Self::Hide(..) => 26,
            Self::Fault(fault) => match fault {
                Fault::Drop { seen_by: End::Both, .. } => 10,
                Fault::Drop { seen_by: End::Client, .. } => 11,
                Fault::Drop { seen_by: End::Broker, .. } => 12,
                Fault::Stall { .. } => 13,
                Fault::Delay { .. } => 14,
                Fault::Freeze { .. } => 15,
                Fault::Kill { .. } => 16,
                Fault::Restart { .. } => 17,
                Fault::Clock { .. } => 18,
                Fault::Broker { end: Outage::Fires, .. } => 19,
                Fault::Broker { end: Outage::Loses, .. } => 20,
                Fault::Broker { end: Outage::LosesAll, .. } => 21,
                Fault::Split { .. } => 22,
                Fault::Meddle { .. } => 23,
                Fault::Reopen { .. } | Fault::SeedKill(_) => 24,
                Fault::Copy { .. } => 27,
            },
        }
    }
}

// --- drawing

/// A gap between steps: mostly short, so that faults meet.
fn gap() -> impl Strategy<Value = u32> {
    prop_oneof![
        3 => 0..60u32,
        6 => 60..2_000u32,
        4 => 2_000..9_000u32,
        1 => 9_000..40_000u32,
    ]
}

/// How long a fault lasts: below the grace, about it, and far beyond.
fn lasting() -> impl Strategy<Value = u32> {
    prop_oneof![
        4 => 1..2_400u32,
        3 => 2_400..9_000u32,
        2 => 9_000..30_000u32,
        1 => 30_000..90_000u32,
    ]
}

fn word() -> impl Strategy<Value = Word> {
    select(&[Word::Online, Word::Away, Word::Dnd][..])
}

/// How long a choice lasts: up to about as long as what is left of a run.
fn for_a_time() -> impl Strategy<Value = u32> {
    prop_oneof![1 => 500..6_000u32, 3 => 6_000..60_000u32]
}

fn device() -> impl Strategy<Value = u8> {
    0..DEVICES
}

fn machine() -> impl Strategy<Value = u8> {
    // Viewers see what devices do; devices are what faults happen to.
    prop_oneof![2 => 0..DEVICES, 1 => DEVICES..ENGINES]
}

fn fault() -> impl Strategy<Value = Fault> {
    let ends = select(&[End::Both, End::Both, End::Client, End::Broker][..]);
    let outages = select(&[Outage::Fires, Outage::Loses, Outage::LosesAll][..]);
    prop_oneof![
        5 => (machine(), ends, lasting())
            .prop_map(|(machine, seen_by, for_ms)| Fault::Drop { machine, seen_by, for_ms }),
        3 => (machine(), lasting()).prop_map(|(machine, for_ms)| Fault::Stall { machine, for_ms }),
        2 => (machine(), 50..700u32, lasting())
            .prop_map(|(machine, by_ms, for_ms)| Fault::Delay { machine, by_ms, for_ms }),
        2 => (device(), lasting(), any::<bool>())
            .prop_map(|(device, for_ms, dead)| Fault::Freeze { device, for_ms, dead }),
        3 => (device(), proptest::option::weighted(0.7, lasting()))
            .prop_map(|(device, back_ms)| Fault::Kill { device, back_ms }),
        1 => (device(), 1..4_000u32)
            .prop_map(|(device, back_ms)| Fault::Restart { device, back_ms }),
        1 => (0..ENGINES, -180..180i16)
            .prop_map(|(machine, by_minutes)| Fault::Clock { machine, by_minutes }),
        2 => (outages, lasting()).prop_map(|(end, for_ms)| Fault::Broker { end, for_ms }),
        1 => device().prop_map(|device| Fault::Split { device }),
        1 => (device(), 10..5_000u32).prop_map(|(device, for_ms)| Fault::Meddle { device, for_ms }),
        1 => (DEVICES..ENGINES).prop_map(|viewer| Fault::Reopen { viewer }),
        1 => (0..2u8).prop_map(Fault::SeedKill),
        1 => device().prop_map(|device| Fault::Copy { device }),
    ]
}

fn deed() -> impl Strategy<Value = What> {
    prop_oneof![
        4 => device().prop_map(What::Input),
        2 => device().prop_map(What::Pause),
        2 => device().prop_map(What::Idle),
        5 => device().prop_map(What::Lock),
        3 => (device(), word()).prop_map(|(device, word)| What::Choose(device, word)),
        2 => (device(), word(), for_a_time())
            .prop_map(|(device, word, for_ms)| What::ChooseFor(device, word, for_ms)),
        2 => (device(), proptest::option::weighted(0.4, for_a_time()))
            .prop_map(|(device, for_ms)| What::Hide(device, for_ms)),
        2 => device().prop_map(What::Clear),
        3 => device().prop_map(What::Suspend),
        3 => device().prop_map(What::Quit),
        2 => (0..2u8, word()).prop_map(|(seed, word)| What::SeedSays(seed, word)),
        1 => (0..2u8).prop_map(What::SeedLeaves),
    ]
}

/// A step that shrinking may take out.
fn slot(what: impl Strategy<Value = What>) -> impl Strategy<Value = (bool, Step)> {
    let step = (gap(), what).prop_map(|(after, what)| Step { after, what });
    (proptest::bool::weighted(1.0), step)
}

fn quirks() -> impl Strategy<Value = Quirks> {
    let cap = select(&[3_600, 86_400, 3 * 86_400, 29 * 86_400][..]);
    // 1970, when this protocol was not yet, and beyond any choice.
    let days = select(&[-20_413, -700, 400][..]);
    let unset = (0..ENGINES, days, 0..90_000u32).prop_map(|(machine, days, until_ms)| Unset {
        machine,
        days,
        until_ms,
    });
    let few = prop_oneof![
        4 => Just(Vec::new()).boxed(),
        1 => proptest::collection::vec(unset, 1..3).boxed(),
    ];
    let cuts = prop_oneof![5 => Just(0), 1 => 1..4u8];
    (
        proptest::option::weighted(0.1, cap),
        proptest::bool::weighted(0.05),
        proptest::bool::weighted(0.1),
        cuts,
        few,
    )
        .prop_map(|(cap_s, undiminished, refuses, cuts, mut unset)| {
            unset.sort_by_key(|unset| unset.machine);
            unset.dedup_by_key(|unset| unset.machine);
            Quirks { cap_s, undiminished, refuses, cuts, unset }
        })
}

/// At least 40 steps and five faults among them.
pub(crate) fn schedules() -> impl Strategy<Value = Schedule> {
    let broker = prop_oneof![
        7 => (Just(true), proptest::bool::weighted(0.3), any::<bool>()),
        1 => (Just(false), Just(false), any::<bool>()),
    ]
    .prop_map(|(v5, late, by_the_book)| Broker { v5, late, by_the_book });
    let steps = proptest::collection::vec(
        slot(prop_oneof![9 => deed(), 1 => fault().prop_map(What::Fault)]),
        34..37,
    );
    let faults = proptest::collection::vec((0..40usize, slot(fault().prop_map(What::Fault))), 6..9);
    let skews = proptest::array::uniform7(-300..300i16);
    let plain = proptest::bool::weighted(0.7);
    (broker, skews, plain, quirks(), steps, faults).prop_map(
        |(broker, skews, plain, quirks, mut steps, faults)| {
            for (at, fault) in faults {
                steps.insert(at.min(steps.len()), fault);
            }
            let mut schedule =
                Schedule { broker, skews, plain, quirks, steps: Vec::with_capacity(steps.len()) };
            let mut gap = 0;
            for (kept, Step { after, what }) in steps {
                // Taking a step out leaves the others where they were.
                gap += after;
                if kept {
                    schedule.steps.push(Step { after: std::mem::take(&mut gap), what });
                }
            }
            schedule
        },
    )
}

impl Schedule {
    /// The same without one step, at the same times or earlier by its gap.
    pub(crate) fn without_step(&self, at: usize, earlier: bool) -> Self {
        let mut schedule = self.clone();
        let gone = schedule.steps.remove(at);
        if let Some(next) = schedule.steps.get_mut(at).filter(|_| !earlier) {
            next.after += gone.after;
        }
        schedule
    }
}

// --- printing

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Broker { v5, late, by_the_book } = self.broker;
        let version = if v5 { "MQTT 5" } else { "MQTT 3.1.1" };
        let late = if late { ", checks late" } else { "" };
        let book = if by_the_book { ", take-overs by the book" } else { "" };
        writeln!(f, "broker: {version}{late}{book}")?;
        writeln!(f, "calendars off by minutes: {:?}", self.skews)?;
        if self.plain {
            writeln!(f, "bob's devices write no user topic")?;
        }
        let Quirks { cap_s, undiminished, refuses, cuts, unset } = &self.quirks;
        if let Some(cap) = cap_s {
            writeln!(f, "QUIRK every expiry is shortened to {cap} s")?;
        }
        if *undiminished {
            writeln!(f, "QUIRK expiry is handed out undiminished")?;
        }
        if *refuses {
            writeln!(f, "QUIRK filters that nobody is seen by are refused")?;
        }
        if *cuts > 0 {
            writeln!(f, "QUIRK {cuts} connections end right after their CONNACK")?;
        }
        for Unset { machine, days, until_ms } in unset {
            let name = NAMES[usize::from(*machine)];
            writeln!(f, "QUIRK {name}: clock wrong by {days} days, set after {until_ms} ms")?;
        }
        for Step { after, what } in &self.steps {
            writeln!(f, "{:>+9} ms  {what}", *after)?;
        }
        Ok(())
    }
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = |machine: u8| NAMES[usize::from(machine)];
        let seed = |seed: u8| NAMES[usize::from(ENGINES + seed)];
        match *self {
            Self::Input(d) => write!(f, "{}: input", name(d)),
            Self::Pause(d) => write!(f, "{}: the last input was now", name(d)),
            Self::Idle(d) => write!(f, "{}: no input for the threshold", name(d)),
            Self::Lock(d) => write!(f, "{}: locked, or unlocked", name(d)),
            Self::Choose(d, word) => write!(f, "{}: chooses {word:?}", name(d)),
            Self::ChooseFor(d, word, ms) => write!(f, "{}: chooses {word:?} for {ms} ms", name(d)),
            Self::Hide(d, Some(ms)) => write!(f, "{}: hides for {ms} ms", name(d)),
            Self::Hide(d, None) => write!(f, "{}: hides", name(d)),
            Self::Clear(d) => write!(f, "{}: clears the chosen status", name(d)),
            Self::Suspend(d) => write!(f, "{}: suspends with a warning, or wakes", name(d)),
            Self::Quit(d) => write!(f, "{}: quits, or starts", name(d)),
            Self::SeedSays(s, word) => write!(f, "{}: says {word:?}", seed(s)),
            Self::SeedLeaves(s) => write!(f, "{}: leaves, or starts", seed(s)),
            Self::Fault(fault) => fault.fmt(f),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = |machine: u8| NAMES[usize::from(machine)];
        match *self {
            Self::Drop { machine, seen_by, for_ms } => {
                write!(f, "FAULT {}: dropped, seen by {seen_by:?}, {for_ms} ms", name(machine))
            }
            Self::Stall { machine, for_ms } => {
                write!(f, "FAULT {}: stalled for {for_ms} ms", name(machine))
            }
            Self::Delay { machine, by_ms, for_ms } => {
                write!(f, "FAULT {}: {by_ms} ms late for {for_ms} ms", name(machine))
            }
            Self::Freeze { device, for_ms, dead } => {
                let link = if dead { "dead" } else { "alive" };
                write!(f, "FAULT {}: stands still for {for_ms} ms, link {link}", name(device))
            }
            Self::Kill { device, back_ms: Some(ms) } => {
                write!(f, "FAULT {}: killed, back after {ms} ms", name(device))
            }
            Self::Kill { device, back_ms: None } => write!(f, "FAULT {}: killed", name(device)),
            Self::Restart { device, back_ms } => {
                write!(f, "FAULT {}: restarts as planned, back after {back_ms} ms", name(device))
            }
            Self::Clock { machine, by_minutes } => {
                write!(f, "FAULT {}: clock set by {by_minutes} min", name(machine))
            }
            Self::Broker { end, for_ms } => {
                let end = match end {
                    Outage::Fires => "ends and fires all Wills",
                    Outage::Loses => "is killed, Wills are lost",
                    Outage::LosesAll => "is killed, all is lost",
                };
                write!(f, "FAULT broker {end}, back after {for_ms} ms")
            }
            Self::Split { device } => {
                write!(f, "FAULT {}: comes back at another node", name(device))
            }
            Self::Meddle { device, for_ms } => {
                write!(f, "FAULT {}: a liar answers it for {for_ms} ms", name(device))
            }
            Self::Copy { device } => {
                write!(f, "FAULT {}: a copy of it is started, or the copy quits", name(device))
            }
            Self::Reopen { viewer } => write!(f, "FAULT {}: opened anew", name(viewer)),
            Self::SeedKill(seed) => {
                write!(f, "FAULT {}: killed", NAMES[usize::from(ENGINES + seed)])
            }
        }
    }
}
