//! Waiting for a condition, with a deadline. The one file of the harness that reads the clock and
//! sleeps.
//!
//! Tests don't sleep for a time and then look: they say what they wait for and how long that may
//! take, and go on as soon as it is so. [`never()`] is the opposite, for what must *not* happen.

#![expect(
    clippy::disallowed_methods,
    reason = "a test waits in real time: the processes that it watches do"
)]

use std::fmt::Display;
use std::panic::Location;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// How often a condition is looked at. Short, since tests measure reactions of 300 ms.
const EVERY: Duration = Duration::from_millis(5);

/// What the last question before a deadline may take.
const LAST_LOOK: Duration = Duration::from_millis(250);

/// A wait for something that is due at once, on a machine that has other things to do.
pub const SOON: Duration = Duration::from_secs(5);

/// A wait for a program to start.
pub const START: Duration = Duration::from_secs(20);

/// What a condition may answer: `bool`, or an `Option` whose content the wait hands on.
pub trait Sighting {
    /// What was waited for.
    type Value;

    /// The value, once it is there.
    fn sighted(self) -> Option<Self::Value>;
}

impl Sighting for bool {
    type Value = ();

    fn sighted(self) -> Option<()> {
        self.then_some(())
    }
}

impl<T> Sighting for Option<T> {
    type Value = T;

    fn sighted(self) -> Option<T> {
        self
    }
}

/// Waits until `look` answers `true` or `Some`, and panics when `within` has passed.
///
/// `what` completes the sentence "waited 5s for ...".
#[track_caller]
pub fn until<S: Sighting>(
    what: impl Display,
    within: Duration,
    look: impl FnMut() -> S,
) -> impl Future<Output = S::Value> {
    let caller = Location::caller();
    async move {
        match poll(within, look).await {
            Some(value) => value,
            None => panic!("{caller}: waited {within:?} for {what}"),
        }
    }
}

/// [`until`] for a condition that has to be asked for, such as a D-Bus property.
#[track_caller]
pub fn until_async<S: Sighting>(
    what: impl Display,
    within: Duration,
    look: impl AsyncFnMut() -> S,
) -> impl Future<Output = S::Value> {
    let caller = Location::caller();
    async move {
        match poll_async(within, look).await {
            Some(value) => value,
            None => panic!("{caller}: waited {within:?} for {what}"),
        }
    }
}

/// Watches that `look` does not come true for the whole of `during`, and panics as soon as it does.
///
/// `what` completes the sentence "within 5s there was ...".
#[track_caller]
pub fn never<S: Sighting>(
    what: impl Display,
    during: Duration,
    look: impl FnMut() -> S,
) -> impl Future<Output = ()> {
    let caller = Location::caller();
    async move {
        let watch = Stopwatch::start();
        if poll(during, look).await.is_some() {
            panic!("{caller}: after {:?} there was {what}", watch.elapsed());
        }
    }
}

/// The value that `look` comes to within the time, for waits that compose their own message.
pub(crate) async fn poll<S: Sighting>(
    within: Duration,
    mut look: impl FnMut() -> S,
) -> Option<S::Value> {
    let deadline = Instant::now() + within;
    loop {
        // Read before looking: a look that took the rest of the time still counts.
        let last = Instant::now() >= deadline;
        if let Some(value) = look().sighted() {
            return Some(value);
        }
        if last {
            return None;
        }
        tokio::time::sleep(EVERY).await;
    }
}

/// [`poll`] for a condition that has to be asked for. Apart from it, since a future that holds an
/// async closure can't be spawned. A question that nobody answers ends with the time.
pub(crate) async fn poll_async<S: Sighting>(
    within: Duration,
    mut look: impl AsyncFnMut() -> S,
) -> Option<S::Value> {
    let deadline = Instant::now() + within;
    loop {
        let last = Instant::now() >= deadline;
        let left = deadline.saturating_duration_since(Instant::now()).max(LAST_LOOK);
        let answer = tokio::time::timeout(left, look()).await.ok()?;
        if let Some(value) = answer.sighted() {
            return Some(value);
        }
        if last {
            return None;
        }
        tokio::time::sleep(EVERY).await;
    }
}

/// [`poll`] where nothing can be awaited: in `Drop`.
pub(crate) fn poll_blocking(within: Duration, mut look: impl FnMut() -> bool) -> bool {
    let deadline = Instant::now() + within;
    loop {
        let last = Instant::now() >= deadline;
        if look() || last {
            return !last || look();
        }
        std::thread::sleep(EVERY);
    }
}

/// Measures how long something took.
#[derive(Debug, Clone, Copy)]
pub struct Stopwatch(Instant);

impl Stopwatch {
    /// Starts to measure.
    #[must_use]
    pub fn start() -> Self {
        Self(Instant::now())
    }

    /// The time since the start.
    #[must_use]
    pub fn elapsed(self) -> Duration {
        self.0.elapsed()
    }
}

/// The time since this was first asked for: one time line for everything that this process watches.
#[must_use]
pub fn uptime() -> Duration {
    static START: OnceLock<Instant> = OnceLock::new();
    START.get_or_init(Instant::now).elapsed()
}

/// The wall clock in Unix milliseconds, as the wire has it.
#[must_use]
pub fn unix_ms() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let since = since.expect("the clock stands after 1970");
    u64::try_from(since.as_millis()).expect("the clock stands before the year 500 million")
}
