//! Many runs: from seeds to schedules, from a failure to the smallest schedule that fails.
//!
//! A schedule is drawn from one number, so that a run can be named and repeated. What ever failed is kept, shrunk,
//! in `regressions.jsonl` beside this file, whole and not as a seed: it fails the same way after the drawing
//! of schedules has changed.

use std::fmt::Write as _;
use std::io::Write as _;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use crate::schedule::{Schedule, What, schedules};
use crate::simulation::{self, Violation, Without};

const REGRESSIONS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/sim/regressions.jsonl");

/// The most runs that shrinking one schedule may take.
const SHRINKING: u64 = 3_000;

/// A schedule that fails.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) seed: u64,
    pub(crate) schedule: Schedule,
    pub(crate) violation: Violation,
}

/// What a batch of runs came to.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    pub(crate) runs: u64,
    pub(crate) inputs: u64,
    pub(crate) kinds: [u64; What::KINDS.len()],
    pub(crate) failure: Option<Failure>,
}

/// A number from the environment.
pub(crate) fn setting(name: &str, default: u64) -> u64 {
    match std::env::var(name) {
        Ok(text) => text.parse().unwrap_or_else(|_| panic!("{name} is a number, not {text}")),
        Err(_) => default,
    }
}

/// A limit on how long a batch runs, in seconds of real time: a busy machine runs fewer schedules instead of taking longer.
struct Limit(Option<(Instant, u64)>);

impl Limit {
    #[expect(
        clippy::disallowed_methods,
        reason = "how long the test itself takes, not a time of the simulation"
    )]
    fn from_environment() -> Self {
        let seconds = setting("SIM_SECONDS", 0);
        Self((seconds > 0).then(|| (Instant::now(), seconds)))
    }

    fn is_over(&self) -> bool {
        self.0.is_some_and(|(start, seconds)| start.elapsed().as_secs() >= seconds)
    }
}

/// Runs `count` schedules from seed `from` on, or until one fails; shrinks that.
pub(crate) fn run_many(from: u64, count: u64, without: Without) -> Batch {
    let limit = Limit::from_environment();
    let next = AtomicU64::new(0);
    let stop = AtomicBool::new(false);
    let total = Mutex::new(Batch::default());
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let threads = setting("SIM_THREADS", threads as u64);
    let failures_left = AtomicU64::new(setting("SIM_FAILURES", 1));
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                let mut mine = Batch::default();
                let strategy = schedules();
                while !stop.load(Ordering::Relaxed) {
                    let n = next.fetch_add(1, Ordering::Relaxed);
                    if n >= count || limit.is_over() {
                        break;
                    }
                    let seed = from + n;
                    let mut runner = runner(seed);
                    let mut tree = strategy.new_tree(&mut runner).expect("nothing is filtered");
                    let schedule = tree.current();
                    mine.runs += 1;
                    for step in &schedule.steps {
                        mine.kinds[step.what.kind()] += 1;
                    }
                    match simulation::fails(&schedule, without) {
                        Ok(inputs) => mine.inputs += inputs,
                        Err(violation) => {
                            if failures_left.fetch_sub(1, Ordering::Relaxed) > 1 {
                                say(&format!("seed {seed}: {}", violation.what));
                                continue;
                            }
                            stop.store(true, Ordering::Relaxed);
                            say(&format!("seed {seed}: {}; shrinking", violation.what));
                            let smallest = shrink(&mut tree, schedule, violation, without);
                            let (schedule, violation) = smallest;
                            mine.failure = Some(Failure { seed, schedule, violation });
                        }
                    }
                }
                total.lock().expect("no thread panics with it").add(mine);
            });
        }
    });
    total.into_inner().expect("all threads are done")
}

fn runner(seed: u64) -> TestRunner {
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&seed.wrapping_mul(0x9E37_79B9_7F4A_7C15).to_le_bytes());
    bytes[8..].copy_from_slice(&(!seed).to_le_bytes());
    let rng = TestRng::from_seed(RngAlgorithm::XorShift, &bytes);
    let config = Config { failure_persistence: None, ..Config::default() };
    TestRunner::new_with_rng(config, rng)
}

fn shrink(
    tree: &mut impl ValueTree<Value = Schedule>,
    schedule: Schedule,
    violation: Violation,
    without: Without,
) -> (Schedule, Violation) {
    let mut smallest = (schedule, violation);
    let mut runs = 0;
    // That a rule is missed need not be seen in few steps.
    let most = if without == Without::Nothing { SHRINKING } else { 0 };
    let most = setting("SIM_SHRINKING", most);
    let mut going = tree.simplify();
    while going && runs < most {
        runs += 1;
        let schedule = tree.current();
        going = match simulation::fails(&schedule, without) {
            Err(violation) => {
                smallest = (schedule, violation);
                tree.simplify()
            }
            Ok(_) => tree.complicate(),
        };
    }
    // What seemed to be needed once may have become idle since.
    let mut at = 0;
    while at < smallest.0.steps.len() && runs < most {
        runs += 2;
        let found = [true, false].into_iter().find_map(|earlier| {
            let schedule = smallest.0.without_step(at, earlier);
            simulation::fails(&schedule, without).err().map(|violation| (schedule, violation))
        });
        match found {
            Some(smaller) => (smallest, at) = (smaller, 0),
            None => at += 1,
        }
    }
    smallest
}

impl Batch {
    fn add(&mut self, other: Self) {
        self.runs += other.runs;
        self.inputs += other.inputs;
        for (kind, more) in self.kinds.iter_mut().zip(other.kinds) {
            *kind += more;
        }
        self.failure = self.failure.take().or(other.failure);
    }

    /// How often what occurred.
    pub(crate) fn report(&self) -> String {
        let mut text = format!("{} schedules, {} inputs\n", self.runs, self.inputs);
        for (name, count) in What::KINDS.iter().zip(self.kinds) {
            let _ = writeln!(text, "  {count:>9}  {name}");
        }
        text
    }
}

impl Failure {
    /// The schedule, and all that happened in it.
    pub(crate) fn tell(&self, without: Without) -> String {
        let Violation { at, what } = &self.violation;
        let mut text = format!("seed {}: at {at} ms: {what}\n{}", self.seed, self.schedule);
        let _ = writeln!(text, "what happened:");
        for line in simulation::explain(&self.schedule, without) {
            let _ = writeln!(text, "{line}");
        }
        text
    }

    /// Keeps the schedule, to be run first each time from now on.
    pub(crate) fn keep(&self) {
        let line = serde_json::to_string(&self.schedule).expect("a schedule is plain data");
        let file = std::fs::OpenOptions::new().append(true).create(true).open(REGRESSIONS);
        if let Err(error) = file.and_then(|mut file| writeln!(file, "{line}")) {
            say(&format!("not kept ({error}): {line}"));
        }
    }
}

/// Every schedule that ever failed.
pub(crate) fn regressions() -> Vec<Schedule> {
    let text = std::fs::read_to_string(REGRESSIONS).unwrap_or_default();
    text.lines()
        .map(|line| serde_json::from_str(line).expect("a schedule of regressions.jsonl"))
        .collect()
}

/// Tells what a run came to, where the test harness would keep it to itself.
pub(crate) fn say(text: &str) {
    let _ = writeln!(std::io::stdout().lock(), "{text}");
}
