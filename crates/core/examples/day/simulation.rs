//! One day of one design: computers, their network, a broker and one fake clock.
//!
//! Owns the order of events and the truth. The broker is the one of `tests/sim/broker.rs`. [`crate::script`] says what
//! people do, [`crate::app`] what their screens show, and [`crate::figures`] compares the two.

use std::collections::BTreeMap;

use porchlight_core::effect::Saved;
use porchlight_core::engine::Rule;
use porchlight_core::input::Input;

use crate::app::{App, Design};
use crate::broker::{Broker, ConnId, Kind, NEVER, Out};
use crate::cause::Cause;
use crate::figures::{Dot, Figures, Screen, Status};
use crate::script::{AWAY_AFTER, HOUR, MACHINES, MINUTE, Ms, PEOPLE, SECOND, Step, person_of};

mod network;
mod people;
mod programs;

use network::{Conn, Path, Up};

/// From before the first person arrives until everybody has left and every design has noticed.
const BEGINS: Ms = 8 * HOUR + 20 * MINUTE;
const ENDS: Ms = 18 * HOUR;

/// The day's midnight, 2025-11-21.
const MIDNIGHT: u64 = 1_763_683_200_000;

/// How long a system waits for programs before it sleeps or powers off.
const DELAYED: Ms = 2 * SECOND;
/// How long after a failure of their own network a viewer may still be behind.
const RECOVERS: Ms = 12 * SECOND;

/// A rule to take out, to see that the figures notification.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Without {
    Nothing,
    Rule(Rule),
    /// No connection has a Will.
    Wills,
}

impl Without {
    /// The names on the command line.
    pub(crate) const NAMED: [(&str, Self); 3] = [
        ("wills", Self::Wills),
        ("grace", Self::Rule(Rule::Grace)),
        ("settle", Self::Rule(Rule::Settle)),
    ];
}

#[derive(Debug)]
pub(crate) enum Event {
    Step(usize),
    ToBroker(ConnId, Up),
    ToClient(ConnId, Out),
    /// No CONNACK in time.
    ConnectTimeout(ConnId),
    /// Nothing listens there.
    ConnectRefused(ConnId),
    /// The broker heard nothing for too long, if the silence that began then still lasts.
    BrokerGivesUp(ConnId, Ms),
    /// The same for the client.
    ClientGivesUp(ConnId, Ms),
    /// TCP's next try gets through.
    Resume(ConnId),
    /// A client notifications that its connection did not survive a sleep.
    DetectLoss(ConnId),
    /// The network of a computer works again, unless something else broke it meanwhile.
    Heal(usize, Ms),
    /// A computer sleeps or is off from now on at the latest.
    Sleep(usize),
    Off(usize),
    BrokerBack,
    /// Somebody has given no input for [`AWAY_AFTER`].
    Threshold(usize),
    /// Something that the figures depend on ended by itself.
    Look,
}

/// A computer, and who sits before it.
#[derive(Default)]
pub(crate) struct Machine {
    pub(crate) app: Option<Box<dyn App>>,
    /// It sleeps or has no power.
    pub(crate) frozen: bool,
    pub(crate) path: Path,
    pub(crate) main: Option<ConnId>,
    pub(crate) will_connection: Option<ConnId>,
    saved: Option<Saved>,
    runs: u64,
    skew_ms: i64,
    /// When the app's next tick is due.
    deadline: Option<Ms>,
    frozen_at: Ms,
    /// How long it has slept in total.
    slept: Ms,
    /// Its viewer may be behind until then.
    troubled_until: Ms,
    // --- the truth
    on: bool,
    asleep: bool,
    locked: bool,
    /// Nobody can reach it.
    cut: bool,
    idle_since: Option<Ms>,
    /// The app was told that there is no input.
    idle_told: bool,
    dots: Option<[Dot; PEOPLE]>,
}

impl Machine {
    /// The true status of its person, judged by this computer alone.
    fn status(&self, now: Ms) -> Status {
        if !self.on || self.asleep || self.cut {
            Status::Offline
        } else if self.locked || self.idle_since.is_some_and(|since| now >= since + AWAY_AFTER) {
            Status::Away
        } else {
            Status::Online
        }
    }
}

pub(crate) struct Simulation {
    pub(crate) design: Design,
    pub(crate) now: Ms,
    queue: BTreeMap<(Ms, u64), Event>,
    order: u64,
    pub(crate) broker: Broker,
    pub(crate) machines: Vec<Machine>,
    pub(crate) conns: Vec<Conn>,
    /// At which computer each person sits.
    seats: [Option<usize>; PEOPLE],
    causes: [Cause; PEOPLE],
    pub(crate) without: Without,
    pub(crate) rng: fastrand::Rng,
    figures: Figures,
    /// The truth or a screen changed since the figures were last updated.
    changed: bool,
}

/// Runs one day with one design.
pub(crate) fn run(design: Design, seed: u64, steps: &[Step], without: Without) -> Figures {
    let mut simulation = Simulation::new(design, seed, without);
    for (number, step) in steps.iter().enumerate() {
        simulation.plan(step.at, Event::Step(number));
    }
    simulation.pass(steps);
    simulation.figures.close(ENDS);
    simulation.figures
}

impl Simulation {
    fn new(design: Design, seed: u64, without: Without) -> Self {
        let mut rng = fastrand::Rng::with_seed(seed ^ 0x5eed);
        let machines = (0..MACHINES)
            .map(|_| Machine { skew_ms: rng.i64(-1_500..1_500), ..Machine::default() })
            .collect();
        let late = design == Design::Mosquitto;
        let mut simulation = Self {
            design,
            now: BEGINS,
            queue: BTreeMap::new(),
            order: 0,
            broker: Broker::new(Kind { v5: true, late, by_the_book: false }),
            machines,
            conns: Vec::new(),
            seats: [None; PEOPLE],
            causes: [Cause::ComeAndGo; PEOPLE],
            without,
            rng,
            figures: Figures::new(BEGINS),
            changed: false,
        };
        simulation.hub_speaks();
        simulation
    }

    fn pass(&mut self, steps: &[Step]) {
        loop {
            let event = self.queue.first_key_value().map_or(NEVER, |((at, _), _)| *at);
            let due = self.broker.next_due();
            let (machine, deadline) = self.next_deadline();
            let next = event.min(due).min(deadline);
            if next >= ENDS {
                break;
            }
            if next > self.now {
                self.note();
            }
            self.now = self.now.max(next);
            if event == next {
                if let Some((_, event)) = self.queue.pop_first() {
                    self.happen(event, steps);
                }
            } else if due == next {
                self.broker.tick(self.now);
                self.flush_broker();
            } else {
                self.handle(machine, Input::Tick);
            }
        }
        self.note();
    }

    fn next_deadline(&self) -> (usize, Ms) {
        let awake = self.machines.iter().enumerate().filter(|(_, machine)| !machine.frozen);
        awake
            .filter_map(|(m, machine)| Some((m, machine.deadline?)))
            .min_by_key(|(_, at)| *at)
            .unwrap_or((0, NEVER))
    }

    pub(crate) fn plan(&mut self, at: Ms, event: Event) {
        self.order += 1;
        self.queue.insert((at, self.order), event);
    }

    /// Compares the truth with every screen, before time goes on.
    fn note(&mut self) {
        if !std::mem::take(&mut self.changed) {
            return;
        }
        let truth = std::array::from_fn(|person| {
            let of = self.machines.iter().enumerate().filter(|(m, _)| person_of(*m) == person);
            of.map(|(_, machine)| machine.status(self.now)).max().unwrap_or(Status::Offline)
        });
        let screens = self.seats.map(|seat| {
            let machine = &self.machines[seat?];
            let dots =
                machine.dots.as_ref().filter(|_| machine.app.is_some() && !machine.frozen)?;
            let troubled = machine.path != Path::Clear || self.now < machine.troubled_until;
            Some(Screen { dots, troubled })
        });
        self.figures.note(self.now, &truth, &self.causes, &screens);
    }

    fn happen(&mut self, event: Event, steps: &[Step]) {
        match event {
            Event::Step(number) => self.take(&steps[number]),
            Event::Sleep(m) => self.freeze(m),
            Event::Off(m) => self.process_ends(m),
            Event::BrokerBack => {
                self.broker.running = true;
                self.hub_speaks();
            }
            Event::Threshold(m) => self.reach_threshold(m),
            Event::Look => {}
            Event::Heal(m, until) => self.heal(m, until),
            event => return self.happen_on_network(event),
        }
        self.changed = true;
    }
}
