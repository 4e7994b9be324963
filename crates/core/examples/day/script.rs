//! What happens in a day: twelve people with different habits, drawn from one number.
//!
//! Owns who does what and when. Every kind of event happens to somebody every day; the number decides when and for how
//! long. Deliberately knows no design: all designs get the same day.

use crate::cause::Cause;

mod team;

use team::{ANNOUNCED, Habits, Lunch, Second, TEAM};

/// Milliseconds since midnight.
pub(crate) type Ms = u64;

pub(crate) const SECOND: Ms = 1_000;
pub(crate) const MINUTE: Ms = 60 * SECOND;
pub(crate) const HOUR: Ms = 60 * MINUTE;

/// How many people there are, each with a first computer of the same number.
pub(crate) const PEOPLE: usize = 12;
/// Who has a second computer, whose number comes after those of the first ones.
const SECOND_COMPUTERS: [usize; 3] = [3, 8, 10];
pub(crate) const MACHINES: usize = PEOPLE + SECOND_COMPUTERS.len();

/// A person without input for this long counts as away.
pub(crate) const AWAY_AFTER: Ms = 5 * MINUTE;
/// From opening the lid to the first key.
const FIRST_KEY: Ms = 2 * SECOND;

/// What somebody does at a computer, or what happens to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    /// Starts the computer or the app, and sits down.
    Start,
    /// Goes on reading without a key for less than the threshold.
    Pause,
    /// Walks off and leaves it unlocked.
    Leave,
    /// The first input after that.
    Return,
    Lock,
    Unlock,
    /// The computer sleeps, with or without an announcement by the system.
    CloseLid {
        announced: bool,
    },
    OpenLid,
    Quit,
    /// Shuts the computer down as one should.
    PowerOff,
    /// The power fails, or somebody uses the switch at the wall.
    PowerFails,
    /// `kill -9` of the app.
    Kill,
    /// The network is gone for a while: connections close, or nothing arrives and nothing closes.
    Drop {
        closed: bool,
        for_ms: Ms,
    },
    /// Nothing arrives for minutes, and nothing closes.
    CutCable {
        for_ms: Ms,
    },
}

/// How a broker ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    Term,
    Kill,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum What {
    At { machine: usize, action: Action },
    BrokerEnds { how: End, for_ms: Ms },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Step {
    pub(crate) at: Ms,
    pub(crate) what: What,
    /// The heading under which wrong minutes after it count; `None` where nothing changes for others.
    pub(crate) cause: Option<Cause>,
}

/// Whose computer it is.
pub(crate) const fn person_of(machine: usize) -> usize {
    if machine < PEOPLE { machine } else { SECOND_COMPUTERS[machine - PEOPLE] }
}

pub(crate) fn name_of(person: usize) -> &'static str {
    TEAM[person].name
}

pub(crate) fn person_named(name: &str) -> Option<usize> {
    TEAM.iter().position(|habits| habits.name == name)
}

/// A short sequence of steps within somebody's work, and how long it takes.
struct Block {
    steps: Vec<Step>,
    lasts: Ms,
}

impl Block {
    fn new() -> Self {
        Self { steps: Vec::new(), lasts: 0 }
    }

    /// Adds a step, this long after the one before.
    fn then(mut self, after: Ms, machine: usize, action: Action, cause: Cause) -> Self {
        self.lasts += after;
        let cause = (action != Action::Pause).then_some(cause);
        self.steps.push(Step { at: self.lasts, what: What::At { machine, action }, cause });
        self
    }

    fn wait(mut self, lasts: Ms) -> Self {
        self.lasts += lasts;
        self
    }
}

/// Draws the day with this number.
pub(crate) fn day(seed: u64) -> Vec<Step> {
    let mut rng = fastrand::Rng::with_seed(seed);
    let mut steps = Vec::new();
    for (person, habits) in TEAM.iter().enumerate() {
        plan(person, habits, &mut rng, &mut steps);
    }
    let broker = |at, how, for_ms| Step {
        at,
        what: What::BrokerEnds { how, for_ms },
        cause: Some(Cause::Broker),
    };
    let term = rng.u64(9 * HOUR + 45 * MINUTE..11 * HOUR + 30 * MINUTE);
    steps.push(broker(term, End::Term, rng.u64(5 * SECOND..15 * SECOND)));
    let kill = rng.u64(13 * HOUR + 30 * MINUTE..16 * HOUR);
    steps.push(broker(kill, End::Kill, rng.u64(10 * SECOND..60 * SECOND)));
    steps.sort_by_key(|step| step.at);
    steps
}

/// Adds one person's day: they arrive, work, have lunch, work, and leave.
fn plan(person: usize, habits: &Habits, rng: &mut fastrand::Rng, steps: &mut Vec<Step>) {
    let come = rng.u64(8 * HOUR + 30 * MINUTE..9 * HOUR + 15 * MINUTE);
    let lunch = rng.u64(11 * HOUR + 45 * MINUTE..12 * HOUR + 45 * MINUTE);
    let back = lunch + rng.u64(25 * MINUTE..55 * MINUTE);
    let go = rng.u64(16 * HOUR + 40 * MINUTE..17 * HOUR + 30 * MINUTE);
    let mut at = |at, action, cause| {
        steps.push(Step { at, what: What::At { machine: person, action }, cause: Some(cause) });
    };
    at(come, Action::Start, Cause::ComeAndGo);
    match habits.lunch {
        Lunch::Locked => {
            at(lunch, Action::Lock, Cause::Lock);
            at(back, Action::Unlock, Cause::Lock);
        }
        Lunch::Unlocked => {
            at(lunch, Action::Leave, Cause::Idle);
            at(back, Action::Return, Cause::Idle);
        }
        Lunch::Lid { announced } => {
            let cause = if announced { Cause::Lid } else { Cause::SilentLid };
            at(lunch, Action::CloseLid { announced }, cause);
            at(back, Action::OpenLid, cause);
            at(back + FIRST_KEY, Action::Return, cause);
        }
    }
    at(go, habits.end, Cause::ComeAndGo);

    let mut blocks = (habits.blocks(person, rng), Vec::new());
    rng.shuffle(&mut blocks.0);
    blocks.1 = blocks.0.split_off(blocks.0.len() / 2);
    if let Some(second) = habits.second {
        let (morning, afternoon) = second.blocks(person, rng);
        blocks.0.insert(rng.usize(..=blocks.0.len()), morning);
        blocks.1.insert(rng.usize(..=blocks.1.len()), afternoon);
    }
    place(come, lunch, blocks.0, rng, steps);
    place(back + FIRST_KEY, go, blocks.1, rng, steps);
}

/// Spreads blocks over a span, in order, with work before, between and after them.
fn place(from: Ms, to: Ms, blocks: Vec<Block>, rng: &mut fastrand::Rng, steps: &mut Vec<Step>) {
    const AT_LEAST: Ms = 90 * SECOND;
    let gaps: Vec<_> = (0..=blocks.len()).map(|_| rng.u64(1..100)).collect();
    let taken: Ms = blocks.iter().map(|block| block.lasts + AT_LEAST).sum();
    let free = (to - from).checked_sub(taken + AT_LEAST).expect("a day has room for its blocks");
    let shares: Ms = gaps.iter().sum();
    let mut at = from;
    for (block, gap) in blocks.into_iter().zip(gaps) {
        at += AT_LEAST + free * gap / shares;
        steps.extend(block.steps.into_iter().map(|step| Step { at: at + step.at, ..step }));
        at += block.lasts;
    }
}

impl Habits {
    fn blocks(&self, machine: usize, rng: &mut fastrand::Rng) -> Vec<Block> {
        let mut blocks = Vec::new();
        let mut add = |count: usize, block: &mut dyn FnMut() -> Block| {
            blocks.extend((0..count).map(|_| block()));
        };
        // Pauses below the threshold: nobody else should notification them.
        add(rng.usize(6..=9), &mut || {
            let pause = rng.u64(MINUTE..AWAY_AFTER - 10 * SECOND);
            Block::new()
                .then(0, machine, Action::Pause, Cause::Idle)
                .then(pause, machine, Action::Return, Cause::Idle)
                .unseen()
        });
        add(self.walks, &mut || {
            Block::new().then(0, machine, Action::Leave, Cause::Idle).then(
                rng.u64(6 * MINUTE..18 * MINUTE),
                machine,
                Action::Return,
                Cause::Idle,
            )
        });
        add(self.locks, &mut || {
            Block::new().then(0, machine, Action::Lock, Cause::Lock).then(
                rng.u64(3 * MINUTE..15 * MINUTE),
                machine,
                Action::Unlock,
                Cause::Lock,
            )
        });
        for (count, longest) in [(self.rides, 40 * SECOND), (self.drops, 12 * SECOND)] {
            add(count, &mut || {
                let for_ms = rng.u64(2 * SECOND..longest);
                let action = Action::Drop { closed: rng.bool(), for_ms };
                Block::new().then(0, machine, action, Cause::Drop).wait(for_ms + MINUTE)
            });
        }
        add(usize::from(self.killed), &mut || {
            Block::new().then(0, machine, Action::Kill, Cause::Kill).then(
                rng.u64(2 * MINUTE..8 * MINUTE),
                machine,
                Action::Start,
                Cause::Kill,
            )
        });
        add(usize::from(self.cut), &mut || {
            let for_ms = rng.u64(2 * MINUTE..6 * MINUTE);
            let action = Action::CutCable { for_ms };
            Block::new().then(0, machine, action, Cause::Cable).wait(for_ms + MINUTE)
        });
        blocks
    }
}

impl Block {
    /// Nothing in this block changes anything for others.
    fn unseen(mut self) -> Self {
        self.steps.iter_mut().for_each(|step| step.cause = None);
        self
    }
}

impl Second {
    /// The block of the morning and that of the afternoon.
    fn blocks(self, first: usize, rng: &mut fastrand::Rng) -> (Block, Block) {
        let machine = (PEOPLE..MACHINES).find(|m| person_of(*m) == first).expect("it has a number");
        let cause = Cause::Second;
        let walk = |rng: &mut fastrand::Rng| rng.u64(10 * SECOND..60 * SECOND);
        match self {
            Self::Carried => {
                let ride = Action::Drop { closed: false, for_ms: rng.u64(5 * SECOND..20 * SECOND) };
                let morning = Block::new()
                    .then(0, first, Action::Lock, cause)
                    .then(walk(rng), machine, Action::Start, cause)
                    .then(MINUTE, machine, ride, Cause::Drop)
                    .then(rng.u64(20 * MINUTE..40 * MINUTE), machine, ANNOUNCED, cause)
                    .then(walk(rng), first, Action::Unlock, cause);
                // The first one is left unlocked this time, and reaches the threshold.
                let afternoon = Block::new()
                    .then(0, first, Action::Leave, cause)
                    .then(walk(rng), machine, Action::OpenLid, cause)
                    .then(FIRST_KEY, machine, Action::Return, cause)
                    .then(rng.u64(20 * MINUTE..40 * MINUTE), machine, ANNOUNCED, cause)
                    .then(walk(rng), first, Action::Return, cause);
                (morning, afternoon)
            }
            Self::LeftOn => {
                let morning = Block::new()
                    .then(0, first, Action::Leave, cause)
                    .then(walk(rng), machine, Action::Start, cause)
                    .then(rng.u64(8 * MINUTE..15 * MINUTE), machine, Action::Leave, cause)
                    .then(walk(rng), first, Action::Return, cause)
                    .wait(AWAY_AFTER);
                let afternoon =
                    Block::new().then(0, machine, Action::PowerFails, cause).wait(MINUTE);
                (morning, afternoon)
            }
            Self::ComesAndGoes => {
                let morning = Block::new()
                    .then(0, first, Action::Leave, cause)
                    .then(walk(rng), machine, Action::Start, cause)
                    .then(rng.u64(8 * MINUTE..15 * MINUTE), machine, Action::Quit, cause)
                    .then(walk(rng), first, Action::Return, cause);
                let afternoon = Block::new()
                    .then(0, first, Action::Leave, cause)
                    .then(walk(rng), machine, Action::Start, cause)
                    .then(rng.u64(8 * MINUTE..15 * MINUTE), machine, Action::Leave, cause)
                    .then(walk(rng), first, Action::Return, cause)
                    .then(rng.u64(MINUTE..4 * MINUTE), machine, Action::Kill, cause)
                    .wait(MINUTE);
                (morning, afternoon)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::team::UNANNOUNCED;
    use super::*;

    #[test]
    fn every_event_of_the_list_happens_to_somebody_every_day() {
        for seed in 1..=100 {
            let steps = day(seed);
            let actions = |wanted: &dyn Fn(Action) -> bool| {
                steps
                    .iter()
                    .filter(|step| matches!(step.what, What::At { action, .. } if wanted(action)))
                    .count()
            };
            assert!(actions(&|action| action == Action::Pause) > 0, "{seed}");
            assert!(actions(&|action| action == Action::Leave) > 0, "{seed}");
            assert!(actions(&|action| action == Action::Lock) > 0, "{seed}");
            assert!(actions(&|action| action == ANNOUNCED) >= 6, "{seed}");
            assert!(actions(&|action| action == UNANNOUNCED) >= 4, "{seed}");
            assert!(actions(&|action| matches!(action, Action::Drop { .. })) >= 10, "{seed}");
            assert!(actions(&|action| action == Action::Kill) >= 3, "{seed}");
            assert!(actions(&|action| matches!(action, Action::CutCable { .. })) >= 2, "{seed}");
            assert!(actions(&|action| action == Action::Quit) > 0, "{seed}");
            assert!(actions(&|action| action == Action::PowerOff) > 0, "{seed}");
            assert!(actions(&|action| action == Action::PowerFails) > 0, "{seed}");
            let ends: Vec<_> = steps
                .iter()
                .filter_map(|step| match step.what {
                    What::BrokerEnds { how, .. } => Some(how),
                    What::At { .. } => None,
                })
                .collect();
            assert_eq!(ends, [End::Term, End::Kill], "{seed}");
            assert!(steps.is_sorted_by_key(|step| step.at), "{seed}");
        }
    }

    #[test]
    fn another_number_is_another_day() {
        assert_eq!(day(1), day(1));
        assert_ne!(day(1), day(2));
    }
}
