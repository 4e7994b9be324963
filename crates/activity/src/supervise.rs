//! Keeps strands running: opens a source, and opens it again when it is lost.
//!
//! This module decides when to try again. It knows no operating system and no meaning of
//! observations.

use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

use crate::description::{Missing, Subject};
use crate::source::{OpenError, Report, Reports, Source, SourceError, Strand};
use crate::watch::Watch;

/// The number of reports that may wait. It is small because a report says how long ago something
/// happened, which becomes wrong while the report waits.
const QUEUE_LENGTH: usize = 8;

/// The pause before the first retry; it doubles with each further one.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// The longest pause between two attempts.
const LONGEST_PAUSE: Duration = Duration::from_secs(5 * 60);
/// The pause after a hint: what the hint announces may not be ready yet, and a service that keeps
/// restarting must not keep us busy.
const HINT_DELAY: Duration = Duration::from_millis(100);
/// How long an attempt to open a source may take.
const TIMEOUT: Duration = Duration::from_secs(5);

const STOPPED: &str = "it stopped unexpectedly";
const AGAIN_BY_HAND: &str =
    "start Porchlight again once that is mended, or set your status by hand";

/// Collects strands, and becomes a [`Watch`].
#[derive(Debug)]
pub(crate) struct Supervisor {
    strands: JoinSet<()>,
    subjects: Vec<Subject>,
    to: mpsc::Sender<(Subject, Report)>,
    reports: mpsc::Receiver<(Subject, Report)>,
    goodbyes: watch::Sender<u64>,
}

impl Supervisor {
    pub(crate) fn new() -> Self {
        let (to, reports) = mpsc::channel(QUEUE_LENGTH);
        let goodbyes = watch::Sender::new(0);
        Self { strands: JoinSet::new(), subjects: Vec::new(), to, reports, goodbyes }
    }

    /// Runs a strand on its own task. Each subject has at most one strand.
    pub(crate) fn run<S: Strand>(&mut self, strand: S) {
        self.subjects.push(S::SUBJECT);
        let to = Reports::of(S::SUBJECT, self.to.clone());
        self.strands.spawn(async move {
            if isolate(keep_open(strand, to.clone())).await.is_none() {
                to.put(Report::Closed(Missing::new(STOPPED, AGAIN_BY_HAND))).await;
            }
        });
    }

    /// Runs a source that can't be opened again.
    pub(crate) fn run_once(&mut self, subject: Subject, source: impl Source) {
        self.subjects.push(subject);
        self.strands.spawn(once(source, Reports::of(subject, self.to.clone())));
    }

    /// Reports that a subject can never be watched, and why.
    pub(crate) fn never(&mut self, subject: Subject, missing: Missing) {
        self.subjects.push(subject);
        let to = Reports::of(subject, self.to.clone());
        self.strands.spawn(async move { to.put(Report::Closed(missing)).await });
    }

    /// A handle with which a strand waits for the device's goodbye.
    pub(crate) fn goodbye(&self) -> Goodbye {
        Goodbye(self.goodbyes.subscribe())
    }

    pub(crate) fn watch(self) -> Watch {
        Watch::new(self.strands, self.subjects, self.reports, self.goodbyes)
    }
}

/// Waits until the device has published its goodbye, so that the machine may sleep.
#[derive(Debug, Clone)]
pub(crate) struct Goodbye(watch::Receiver<u64>);

impl Goodbye {
    /// Ignores earlier goodbyes. Call it before you report `Suspending`, because the answer may
    /// come at once.
    pub(crate) fn forget(&mut self) {
        self.0.mark_unchanged();
    }

    /// Waits for a goodbye since the last [`Goodbye::forget`], or until the watch is gone.
    pub(crate) async fn wait(&mut self) {
        // An error means that the watch is gone, so no goodbye will come.
        let _ = self.0.changed().await;
    }
}

/// Opens a source, runs it, and starts again.
async fn keep_open<S: Strand>(mut strand: S, to: Reports) {
    let mut pause = FIRST_PAUSE;
    loop {
        let open_error = match timeout(TIMEOUT, strand.open()).await {
            Ok(Ok(source)) => {
                to.put(Report::Opened(source.description())).await;
                let begun = Instant::now();
                let SourceError(why) = run(source, to.clone()).await;
                // A source that lasted was no failed start.
                if begun.elapsed() >= pause {
                    pause = FIRST_PAUSE;
                }
                OpenError::ForNow(Missing::new(why, "it is tried again by itself"))
            }
            Ok(Err(open_error)) => open_error,
            Err(_) => OpenError::ForNow(Missing::new(
                format!("the system did not answer within {TIMEOUT:?}"),
                "it is tried again by itself",
            )),
        };
        match open_error {
            OpenError::ForNow(missing) => {
                to.put(Report::Closed(missing)).await;
                tokio::select! {
                    () = sleep(pause) => pause = (2 * pause).min(LONGEST_PAUSE),
                    () = strand.hint() => sleep(HINT_DELAY).await,
                }
            }
            OpenError::UntilHint(missing) => {
                to.put(Report::Closed(missing)).await;
                strand.hint().await;
                sleep(HINT_DELAY).await;
            }
            OpenError::ForGood(missing) => return to.put(Report::Closed(missing)).await,
        }
    }
}

async fn once(source: impl Source, to: Reports) {
    to.put(Report::Opened(source.description())).await;
    let SourceError(why) = run(source, to.clone()).await;
    to.put(Report::Closed(Missing::new(why, AGAIN_BY_HAND))).await;
}

async fn run(source: impl Source, to: Reports) -> SourceError {
    let lost = isolate(async move { source.run(&to).await }).await;
    lost.unwrap_or_else(|| SourceError(STOPPED.to_owned()))
}

/// Runs `work` on its own task, so that a panic harms nothing else. Returns `None` if it panicked.
async fn isolate<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> Option<T> {
    let mut task = JoinSet::new();
    task.spawn(work);
    task.join_next().await?.ok()
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::future::pending;

    use porchlight_core::observation::Observation;

    use super::*;
    use crate::description::{Description, Tells};

    /// The result of one attempt to open.
    enum Attempt {
        /// A source that reports input, and is lost after this time.
        Works(Duration),
        Panics,
        Refused(OpenError),
        Hangs,
        PanicsAtOnce,
    }

    struct Scripted<const LOCK: bool> {
        /// The last one repeats.
        attempts: VecDeque<Attempt>,
        attempted: mpsc::UnboundedSender<u64>,
        begun: Instant,
        hints: mpsc::UnboundedReceiver<()>,
    }

    /// The test's side of a scripted strand.
    struct Script {
        /// The time of each attempt, in whole seconds since the start.
        attempted: mpsc::UnboundedReceiver<u64>,
        hints: mpsc::UnboundedSender<()>,
    }

    fn scripted<const LOCK: bool>(
        attempts: impl IntoIterator<Item = Attempt>,
    ) -> (Scripted<LOCK>, Script) {
        let (attempted_in, attempted) = mpsc::unbounded_channel();
        let (hints_in, hints) = mpsc::unbounded_channel();
        let attempts = attempts.into_iter().collect();
        let strand = Scripted { attempts, attempted: attempted_in, begun: Instant::now(), hints };
        (strand, Script { attempted, hints: hints_in })
    }

    impl Script {
        fn attempted(&mut self) -> Vec<u64> {
            std::iter::from_fn(|| self.attempted.try_recv().ok()).collect()
        }
    }

    impl<const LOCK: bool> Strand for Scripted<LOCK> {
        const SUBJECT: Subject = if LOCK { Subject::Lock } else { Subject::Idle };

        type Source = Working;

        async fn open(&mut self) -> Result<Working, OpenError> {
            let _ = self.attempted.send(self.begun.elapsed().as_secs());
            match self.attempts.pop_front().unwrap_or_else(|| not_now("still not there")) {
                Attempt::Works(lasts) => Ok(Working { lasts: Some(lasts) }),
                Attempt::Panics => Ok(Working { lasts: None }),
                Attempt::Refused(open_error) => Err(open_error),
                Attempt::Hangs => pending().await,
                Attempt::PanicsAtOnce => panic!("a strand that panics"),
            }
        }

        async fn hint(&mut self) {
            if self.hints.recv().await.is_none() {
                pending::<()>().await;
            }
        }
    }

    struct Working {
        lasts: Option<Duration>,
    }

    impl crate::source::Source for Working {
        fn description(&self) -> Description {
            let tells = Tells { idle: true, ..Tells::NOTHING };
            Description { name: "scripted", tells, missing: None }
        }

        async fn run(self, to: &Reports) -> SourceError {
            to.send(Observation::InputActive).await;
            sleep(self.lasts.expect("a source that panics")).await;
            SourceError("it was unplugged".to_owned())
        }
    }

    fn refused(open_error: impl FnOnce(Missing) -> OpenError, what: &str) -> Attempt {
        Attempt::Refused(open_error(Missing::new(what, "wait")))
    }

    fn not_now(what: &str) -> Attempt {
        refused(OpenError::ForNow, what)
    }

    fn watch(strand: impl Strand) -> Watch {
        let mut supervisor = Supervisor::new();
        supervisor.run(strand);
        supervisor.watch()
    }

    const FOR_EVER: Duration = Duration::from_secs(1_000_000);

    /// The observations of the next `secs` seconds of the fake clock.
    async fn observations(watch: &mut Watch, secs: u64) -> Vec<Observation> {
        let mut observations = Vec::new();
        let all = async {
            loop {
                observations.push(watch.next().await);
            }
        };
        let over: Result<(), _> = timeout(Duration::from_secs(secs), all).await;
        assert!(over.is_err(), "a watch does not end");
        observations
    }

    #[tokio::test(start_paused = true)]
    async fn the_pauses_double_up_to_five_minutes() {
        let (strand, mut script) = scripted::<false>([]);
        let mut watch = watch(strand);
        assert_eq!(observations(&mut watch, 1_200).await, [Observation::SourceLost]);
        assert_eq!(script.attempted(), [0, 1, 3, 7, 15, 31, 63, 127, 255, 511, 811, 1_111]);
        assert_eq!(
            watch.source().to_string(),
            "none (tells nothing): activity is unknown: still not there; wait"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_loss_is_reported_once_and_so_is_the_return() {
        let lasts = Attempt::Works(Duration::from_secs(100));
        let attempts = [lasts, not_now("not yet"), not_now("not yet"), Attempt::Works(FOR_EVER)];
        let (strand, mut script) = scripted::<false>(attempts);
        let mut watch = watch(strand);
        assert_eq!(
            observations(&mut watch, 1_000).await,
            [
                Observation::InputActive,
                Observation::SourceLost,
                Observation::SourceOk,
                Observation::InputActive
            ]
        );
        assert_eq!(script.attempted(), [0, 101, 103, 107]);
        assert_eq!(watch.source().to_string(), "scripted (tells idle)");
    }

    #[tokio::test(start_paused = true)]
    async fn after_a_source_that_lasted_the_pauses_are_short_again() {
        let brief = || Attempt::Works(Duration::ZERO);
        let lasting = Attempt::Works(Duration::from_secs(60));
        let (strand, mut script) = scripted::<false>([brief(), brief(), brief(), lasting]);
        observations(&mut watch(strand), 71).await;
        assert_eq!(script.attempted(), [0, 1, 3, 7, 68, 70]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_hint_ends_the_pause() {
        let attempts = [not_now("not yet"), not_now("not yet"), Attempt::Works(FOR_EVER)];
        let (strand, mut script) = scripted::<false>(attempts);
        let mut watch = watch(strand);
        observations(&mut watch, 2).await;
        script.hints.send(()).unwrap();
        let expected = [Observation::SourceOk, Observation::InputActive];
        assert_eq!(observations(&mut watch, 1).await, expected);
        assert_eq!(script.attempted(), [0, 1, 2]);
    }

    #[tokio::test(start_paused = true)]
    async fn what_only_a_hint_can_change_is_not_tried_without_one() {
        let attempts = [refused(OpenError::UntilHint, "no protocol"), Attempt::Works(FOR_EVER)];
        let (strand, mut script) = scripted::<false>(attempts);
        let mut watch = watch(strand);
        assert_eq!(observations(&mut watch, 1_000).await, [Observation::SourceLost]);
        assert_eq!(script.attempted(), [0]);
        script.hints.send(()).unwrap();
        let expected = [Observation::SourceOk, Observation::InputActive];
        assert_eq!(observations(&mut watch, 1).await, expected);
    }

    #[tokio::test(start_paused = true)]
    async fn what_nothing_can_change_is_not_tried_again() {
        let (strand, mut script) = scripted::<false>([refused(OpenError::ForGood, "no display")]);
        let mut watch = watch(strand);
        let _ = script.hints.send(());
        assert_eq!(observations(&mut watch, 1_000).await, [Observation::SourceLost]);
        assert_eq!(script.attempted(), [0]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_source_that_panics_is_lost_and_opened_again() {
        let (strand, _script) = scripted::<false>([Attempt::Panics, Attempt::Works(FOR_EVER)]);
        let mut watch = watch(strand);
        assert_eq!(watch.next().await, Observation::InputActive);
        assert_eq!(watch.next().await, Observation::SourceLost);
        assert!(watch.source().to_string().contains("it stopped unexpectedly"));
        assert_eq!(watch.next().await, Observation::SourceOk);
    }

    #[tokio::test(start_paused = true)]
    async fn a_strand_that_panics_is_not_opened_again() {
        let (strand, _script) = scripted::<false>([Attempt::PanicsAtOnce]);
        let mut watch = watch(strand);
        assert_eq!(observations(&mut watch, 100).await, [Observation::SourceLost]);
        assert!(watch.source().to_string().contains("it stopped unexpectedly; start Porchlight"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_source_that_hangs_while_it_opens_is_given_up_and_opened_again() {
        let (strand, mut script) = scripted::<false>([Attempt::Hangs, Attempt::Works(FOR_EVER)]);
        let mut watch = watch(strand);
        watch.settle().await;
        assert!(watch.source().to_string().contains("it has not answered yet"));
        let all = [Observation::SourceLost, Observation::SourceOk, Observation::InputActive];
        assert_eq!(observations(&mut watch, 10).await, all);
        assert_eq!(script.attempted(), [0, 6]);
    }

    #[tokio::test(start_paused = true)]
    async fn only_the_loss_of_input_makes_a_person_unknown() {
        let (idle, _idle_script) = scripted::<false>([Attempt::Works(FOR_EVER)]);
        let (lock, _lock_script) = scripted::<true>([Attempt::Works(Duration::from_secs(60))]);
        let mut supervisor = Supervisor::new();
        supervisor.run(idle);
        supervisor.run(lock);
        let mut watch = supervisor.watch();
        let seen = observations(&mut watch, 100).await;
        assert!(!seen.contains(&Observation::SourceLost), "{seen:?}");
        let descriptions: Vec<_> =
            watch.report().map(|(subject, source)| format!("{subject}: {source}")).collect();
        let lost = "lock: scripted (tells nothing): still not there; wait";
        assert_eq!(descriptions, ["idle: scripted (tells idle)", lost]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_settled_watch_knows_all_its_strands_and_has_lost_no_observation() {
        let (idle, _idle_script) = scripted::<false>([Attempt::Works(FOR_EVER)]);
        let mut supervisor = Supervisor::new();
        supervisor.run(idle);
        supervisor.never(Subject::Lock, Missing::new("there is no lock", "draw the curtain"));
        let mut watch = supervisor.watch();
        watch.settle().await;
        let descriptions: Vec<_> = watch.report().map(|(_, source)| source.to_string()).collect();
        let lock = "none (tells nothing): there is no lock; draw the curtain";
        assert_eq!(descriptions, ["scripted (tells idle)", lock]);
        assert_eq!(observations(&mut watch, 1).await, [Observation::InputActive]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_goodbye_counts_once_and_an_older_one_does_not() {
        let supervisor = Supervisor::new();
        let mut goodbye = supervisor.goodbye();
        let watch = supervisor.watch();
        let second = Duration::from_secs(1);
        watch.may_sleep();
        goodbye.forget();
        assert!(timeout(second, goodbye.wait()).await.is_err(), "an older one");
        watch.may_sleep();
        assert!(timeout(second, goodbye.wait()).await.is_ok());
        assert!(timeout(second, goodbye.wait()).await.is_err(), "heard already");
        drop(watch);
        assert!(timeout(second, goodbye.wait()).await.is_ok(), "nobody will say it");
    }
}
