//! Runs a watch on a thread of its own, so that its wake-ups can be counted.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use porchlight_activity::{SessionEnv, Settings, start};
use porchlight_core::observation::{Moment, Observation};
use tokio::time::Instant;

/// The deadline of every wait.
pub(crate) const DEADLINE: Duration = Duration::from_secs(20);
/// The number of observers so far. Each has its own name, so that tests can run in parallel.
static COUNT: AtomicUsize = AtomicUsize::new(0);
/// The name of the thread on which zbus waits for all buses of a process.
const BUS: &str = "async-io";

/// A watch on its own thread; dropping it ends the watch.
pub(crate) struct Observer {
    seen: mpsc::Receiver<Seen>,
    thread: String,
    /// Dropped to end the thread.
    _end: tokio::sync::oneshot::Sender<()>,
}

/// How late observations were. A busy machine may be late once, so the median counts.
#[derive(Debug, Default)]
pub(crate) struct Delays(Vec<Duration>);

impl Delays {
    /// What a person would call at once.
    const AT_ONCE: Duration = Duration::from_millis(50);

    pub(crate) fn add(&mut self, late: Duration) {
        self.0.push(late);
    }

    /// Checks the median. `server` is how late the server itself may be.
    pub(crate) fn check(mut self, what: &str, server: Duration) {
        println!("{what}: late by {:?}", self.0);
        self.0.sort_unstable();
        let median = self.0[self.0.len() / 2];
        assert!(median <= Self::AT_ONCE + server, "{what}: late by {:?}", self.0);
    }
}

/// One observation, with the source that made it.
#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) at: Instant,
    pub(crate) observation: Observation,
    pub(crate) source: String,
}

impl Observer {
    /// Returns when the watch has started.
    pub(crate) fn start(settings: Settings, env: SessionEnv) -> (Self, String) {
        let (tell, seen) = mpsc::channel();
        let (ready, begun) = mpsc::channel();
        let (end, mut ended) = tokio::sync::oneshot::channel();
        let watching = async move {
            let mut watch = start(settings, &env).await;
            let _ = ready.send(watch.source().to_string());
            loop {
                let observation = tokio::select! {
                    observation = watch.next() => observation,
                    _ = &mut ended => return,
                };
                let source = watch.source().to_string();
                let _ = tell.send(Seen { at: Instant::now(), observation, source });
            }
        };
        let thread = format!("observer{}", COUNT.fetch_add(1, Ordering::Relaxed));
        std::thread::Builder::new()
            .name(thread.clone())
            .spawn(|| {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
                runtime.expect("a runtime").block_on(watching);
            })
            .expect("a thread");
        let source = begun.recv_timeout(DEADLINE).expect("it watches");
        (Self { seen, thread, _end: end }, source)
    }

    pub(crate) fn next(&self) -> Seen {
        self.seen.recv_timeout(DEADLINE).expect("an observation in time")
    }

    /// Expects that the next observation is input.
    pub(crate) fn active(&self) -> Seen {
        let seen = self.next();
        assert_eq!(seen.observation, Observation::InputActive, "{seen:?}");
        seen
    }

    /// Expects that the next observation is an absence. Returns how long ago it began.
    pub(crate) fn idle(&self) -> (Seen, Duration) {
        let seen = self.next();
        match seen.observation {
            Observation::InputIdle { since: Moment::Ago(ago) } => (seen, ago),
            _ => panic!("{seen:?} is no absence"),
        }
    }

    /// How often the watch woke up since it began, counted as often as it went to sleep. Other
    /// users of a bus in this process count too.
    pub(crate) fn wake_ups(&self) -> u64 {
        // A thread that has just reported something may not sleep again yet.
        self.silent_for(Duration::from_millis(20));
        let tasks = std::fs::read_dir("/proc/self/task").expect("Linux tells of threads");
        let switches = tasks.filter_map(|task| {
            // A thread that has just ended has no files any more.
            let status = std::fs::read_to_string(task.ok()?.path().join("status")).ok()?;
            let field =
                |name| status.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
            [self.thread.as_str(), BUS]
                .contains(&field("Name:")?)
                .then(|| field("voluntary_ctxt_switches:")?.parse::<u64>().ok())?
        });
        switches.sum()
    }

    pub(crate) fn silent_for(&self, time: Duration) {
        match self.seen.recv_timeout(time) {
            Err(RecvTimeoutError::Timeout) => {}
            told => panic!("{told:?}"),
        }
    }
}
