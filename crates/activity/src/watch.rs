//! A running watch: its strands, and the state of each.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use porchlight_core::observation::Observation;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::description::{Description, Missing, Subject, Tells};
use crate::source::Report;

/// How long to wait for the first report of each strand. Later reports still arrive.
const SETTLE_TIMEOUT: Duration = Duration::from_millis(2_500);

/// Receives the observations of all sources. Dropping it stops every source.
#[derive(Debug)]
pub struct Watch {
    strands: BTreeMap<Subject, Strand>,
    reports: mpsc::Receiver<(Subject, Report)>,
    /// Observations that arrived during [`Watch::settle`].
    queued: VecDeque<Observation>,
    goodbyes: watch::Sender<u64>,
    /// Dropping the set aborts the tasks.
    _tasks: JoinSet<()>,
}

/// The state of a strand, as its reports show it.
#[derive(Debug)]
struct Strand {
    state: State,
    description: Description,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// The strand has not reported yet.
    Opening,
    Open,
    Closed,
}

impl Watch {
    pub(crate) fn new(
        tasks: JoinSet<()>,
        subjects: Vec<Subject>,
        reports: mpsc::Receiver<(Subject, Report)>,
        goodbyes: watch::Sender<u64>,
    ) -> Self {
        let opening = |subject| {
            let missing = Missing::new("it has not answered yet", "ask again in a few seconds");
            let description = Description::none(Some(missing));
            (subject, Strand { state: State::Opening, description })
        };
        Self {
            strands: subjects.into_iter().map(opening).collect(),
            reports,
            queued: VecDeque::new(),
            goodbyes,
            _tasks: tasks,
        }
    }

    /// The source that detects input, and what it can't detect. This is the most important line of
    /// [`Watch::report`].
    #[must_use]
    pub fn source(&self) -> &Description {
        &self.strands[&Subject::Idle].description
    }

    /// The source of each subject. It changes only during [`Watch::next`] or [`Watch::settle`].
    pub fn report(&self) -> impl Iterator<Item = (Subject, &Description)> {
        self.strands.iter().map(|(subject, strand)| (*subject, &strand.description))
    }

    /// Waits for the next observation.
    ///
    /// [`Observation::SourceLost`] means that input is unknown from now on. The source is retried
    /// in the background; [`Observation::SourceOk`] follows once it is back, then what it sees.
    /// Cancel-safe: dropping the future loses no observation. Read without delay, because a
    /// report's *how long ago* counts from the moment it was made.
    pub async fn next(&mut self) -> Observation {
        loop {
            if let Some(observation) = self.queued.pop_front() {
                return observation;
            }
            self.read().await;
        }
    }

    /// Waits until each strand has reported whether it works, for 2.5 seconds at most. Observations
    /// that arrive meanwhile are kept for [`Watch::next`].
    pub async fn settle(&mut self) {
        self.settle_subjects(|_| true).await;
    }

    /// Tells the sources that the device has published its goodbye, or can't, and that the machine
    /// may sleep.
    pub fn may_sleep(&self) {
        self.goodbyes.send_modify(|goodbyes| *goodbyes = goodbyes.wrapping_add(1));
    }

    /// Waits until it is known whether input can be watched.
    pub(crate) async fn settle_idle(&mut self) {
        self.settle_subjects(|subject| subject == Subject::Idle).await;
    }

    async fn settle_subjects(&mut self, of: impl Fn(Subject) -> bool) {
        let opening = |watch: &Self| {
            let mut strands = watch.strands.iter();
            strands.any(|(subject, strand)| of(*subject) && strand.state == State::Opening)
        };
        let settled = async {
            while opening(self) {
                self.read().await;
            }
        };
        // After the timeout, silent strands keep the description "it has not answered yet".
        let _ = timeout(SETTLE_TIMEOUT, settled).await;
    }

    /// Reads and folds in one report; cancel-safe.
    async fn read(&mut self) {
        match self.reports.recv().await {
            Some((subject, report)) => {
                let observation = self.fold(subject, report);
                self.queued.extend(observation);
            }
            // All strands have ended.
            None => std::future::pending().await,
        }
    }

    /// Folds in a report. Only the loss of the input source is an observation: without another
    /// source, less is known, but not nothing.
    fn fold(&mut self, subject: Subject, report: Report) -> Option<Observation> {
        let strand = self.strands.get_mut(&subject).expect("only strands of this watch report");
        let before = strand.state;
        match report {
            Report::Observed(observation) => Some(observation),
            Report::Opened(description) => {
                tracing::info!(%subject, source = %description, "watching");
                *strand = Strand { state: State::Open, description };
                let back = subject == Subject::Idle && before == State::Closed;
                back.then_some(Observation::SourceOk)
            }
            Report::Closed(missing) => {
                if before == State::Open {
                    tracing::warn!(%subject, why = missing.what, "the source is lost");
                } else if before == State::Opening {
                    tracing::info!(%subject, %missing, "not watched");
                }
                let what = match subject {
                    Subject::Idle => format!("activity is unknown: {}", missing.what),
                    _ => missing.what,
                };
                strand.state = State::Closed;
                strand.description.tells = Tells::NOTHING;
                strand.description.missing = Some(Missing { what, ..missing });
                let lost = subject == Subject::Idle && before != State::Closed;
                lost.then_some(Observation::SourceLost)
            }
        }
    }
}

#[cfg(test)]
impl Watch {
    /// Runs a source that can't be opened again.
    pub(crate) fn over(source: impl crate::source::Source) -> Self {
        let mut supervisor = crate::supervise::Supervisor::new();
        supervisor.run_once(Subject::Idle, source);
        supervisor.watch()
    }
}
