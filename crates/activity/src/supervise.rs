//! Keeps strands running: opens a source, and opens it again when it is lost.
//!
//! Owns when to try again. Deliberately knows no system, and nothing of what an observation means.

use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

use crate::description::{Missing, Subject};
use crate::source::{Lost, Refusal, Report, Reports, Source, Strand};
use crate::watch::Watch;

/// How many reports may wait for their reader. Small, because a report tells how long ago something was:
/// the longer it waits, the less it is true.
const WAITING: usize = 8;

/// The first pause before trying again; each further one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// What is hinted at is seldom quite there yet, and something that flaps must not keep us busy.
const AFTER_A_HINT: Duration = Duration::from_millis(100);
/// Whatever does not open by then hangs.
const PATIENCE: Duration = Duration::from_secs(5);

/// Strands on their way to a [`Watch`].
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
        let (to, reports) = mpsc::channel(WAITING);
        let goodbyes = watch::Sender::new(0);
        Self { strands: JoinSet::new(), subjects: Vec::new(), to, reports, goodbyes }
    }

    /// Begins to run a strand, on a task of its own; one a subject.
    pub(crate) fn run<S: Strand>(&mut self, strand: S) {
        self.subjects.push(S::SUBJECT);
        self.strands.spawn(keep(strand, Reports::of(S::SUBJECT, self.to.clone())));
    }

    /// Runs a source that can't be opened again.
    pub(crate) fn run_once(&mut self, subject: Subject, source: impl Source) {
        self.subjects.push(subject);
        self.strands.spawn(once(source, Reports::of(subject, self.to.clone())));
    }

    /// Says why nothing will ever be known of a subject.
    pub(crate) fn never(&mut self, subject: Subject, missing: Missing) {
        self.subjects.push(subject);
        let to = Reports::of(subject, self.to.clone());
        self.strands.spawn(async move { to.put(Report::Closed(missing)).await });
    }

    /// Tells a strand when the goodbye is said.
    #[allow(dead_code, reason = "for the strand that holds sleep back")]
    pub(crate) fn goodbye(&self) -> Goodbye {
        Goodbye(self.goodbyes.subscribe())
    }

    pub(crate) fn watch(self) -> Watch {
        Watch::new(self.strands, self.subjects, self.reports, self.goodbyes)
    }
}

/// Whether the device has said goodbye, so that the machine may sleep.
#[derive(Debug, Clone)]
#[allow(dead_code, reason = "for the strand that holds sleep back")]
pub(crate) struct Goodbye(watch::Receiver<u64>);

#[allow(dead_code, reason = "for the strand that holds sleep back")]
impl Goodbye {
    /// Forgets the goodbyes that were said. Before `Suspending` is reported, never after it: the answer
    /// may be quick.
    pub(crate) fn forget(&mut self) {
        self.0.mark_unchanged();
    }

    /// Waits for a goodbye since the last [`Goodbye::forget`], or until nobody watches any more.
    pub(crate) async fn said(&mut self) {
        // An error means that the watch is gone, and nobody will say goodbye.
        let _ = self.0.changed().await;
    }
}

/// Opens, runs, and begins anew.
async fn keep<S: Strand>(mut strand: S, to: Reports) {
    let mut pause = FIRST_PAUSE;
    loop {
        let refusal = match timeout(PATIENCE, strand.open()).await {
            Ok(Ok(source)) => {
                to.put(Report::Opened(source.description())).await;
                let begun = Instant::now();
                let Lost(why) = run(source, to.clone()).await;
                // One that lasted was no false start.
                if begun.elapsed() >= pause {
                    pause = FIRST_PAUSE;
                }
                Refusal::ForNow(Missing::new(why, "it is tried again by itself"))
            }
            Ok(Err(refusal)) => refusal,
            Err(_) => Refusal::ForNow(Missing::new(
                format!("the system did not answer within {PATIENCE:?}"),
                "it is tried again by itself",
            )),
        };
        match refusal {
            Refusal::ForNow(missing) => {
                to.put(Report::Closed(missing)).await;
                tokio::select! {
                    () = sleep(pause) => pause = (2 * pause).min(LONGEST_PAUSE),
                    () = strand.hint() => sleep(AFTER_A_HINT).await,
                }
            }
            Refusal::UntilHint(missing) => {
                to.put(Report::Closed(missing)).await;
                strand.hint().await;
                sleep(AFTER_A_HINT).await;
            }
            Refusal::ForGood(missing) => return to.put(Report::Closed(missing)).await,
        }
    }
}

async fn once(source: impl Source, to: Reports) {
    const REMEDY: &str = "start Porchlight again once that is mended, or set your status by hand";
    to.put(Report::Opened(source.description())).await;
    let Lost(why) = run(source, to.clone()).await;
    to.put(Report::Closed(Missing::new(why, REMEDY))).await;
}

/// Runs a source on a task of its own, so that one which panics is lost like any other.
async fn run(source: impl Source, to: Reports) -> Lost {
    let mut alone = JoinSet::new();
    alone.spawn(async move { source.run(&to).await });
    match alone.join_next().await {
        Some(Ok(lost)) => lost,
        Some(Err(_)) | None => Lost("it stopped unexpectedly".to_owned()),
    }
}
