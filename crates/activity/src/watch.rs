//! A running watch: its strands, and what is known of each.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use porchlight_core::observation::Observation;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::description::{Description, Missing, Subject, Tells};
use crate::source::Report;

/// So long the first words are waited for. Whatever opens later is told then.
const FIRST_WORDS: Duration = Duration::from_millis(2_500);

/// Somebody who looks. Dropping it ends all that is watched.
#[derive(Debug)]
pub struct Watch {
    strands: BTreeMap<Subject, Strand>,
    reports: mpsc::Receiver<(Subject, Report)>,
    /// Observed while waiting for the first words.
    held: VecDeque<Observation>,
    goodbyes: watch::Sender<u64>,
    /// Aborted when dropped.
    _tasks: JoinSet<()>,
}

/// What is known of a strand.
#[derive(Debug)]
struct Strand {
    state: State,
    description: Description,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// It has said nothing yet.
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
            held: VecDeque::new(),
            goodbyes,
            _tasks: tasks,
        }
    }

    /// What watches for input, and what can't be known: the line of [`Watch::report`] on which all hangs.
    #[must_use]
    pub fn source(&self) -> &Description {
        &self.strands[&Subject::Idle].description
    }

    /// All that is watched, by subject. It changes only while [`Watch::next`] or [`Watch::settle`] is
    /// awaited.
    pub fn report(&self) -> impl Iterator<Item = (Subject, &Description)> {
        self.strands.iter().map(|(subject, strand)| (*subject, &strand.description))
    }

    /// The next observation.
    ///
    /// [`Observation::SourceLost`] means that nobody knows of any input from now on; it is tried again
    /// behind the scenes, and [`Observation::SourceOk`] says that it is back, followed by what it sees.
    /// Cancel-safe: dropping the future loses no observation. Read it without delay, because a report
    /// tells how long ago something was when it was made.
    pub async fn next(&mut self) -> Observation {
        loop {
            if let Some(observation) = self.held.pop_front() {
                return observation;
            }
            self.read().await;
        }
    }

    /// Waits until each strand has said whether it works, for about two seconds at most. What is observed
    /// meanwhile is kept for [`Watch::next`].
    pub async fn settle(&mut self) {
        self.first_words(|_| true).await;
    }

    /// Says that the goodbye is said, or can't be, and the machine may sleep.
    pub fn may_sleep(&self) {
        self.goodbyes.send_modify(|goodbyes| *goodbyes = goodbyes.wrapping_add(1));
    }

    /// Waits until it is known whether input is watched.
    pub(crate) async fn settle_idle(&mut self) {
        self.first_words(|subject| subject == Subject::Idle).await;
    }

    async fn first_words(&mut self, of: impl Fn(Subject) -> bool) {
        let silent = |watch: &Self| {
            let mut strands = watch.strands.iter();
            strands.any(|(subject, strand)| of(*subject) && strand.state == State::Opening)
        };
        let words = async {
            while silent(self) {
                self.read().await;
            }
        };
        // Whoever said nothing until then is described as such.
        let _ = timeout(FIRST_WORDS, words).await;
    }

    /// Folds one report in; cancel-safe.
    async fn read(&mut self) {
        match self.reports.recv().await {
            Some((subject, report)) => {
                let observation = self.fold(subject, report);
                self.held.extend(observation);
            }
            // All strands have come to their end.
            None => std::future::pending().await,
        }
    }

    /// Only the loss of input is an observation: without the others, less is known, but not nothing.
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
    /// Runs a source that is not opened again.
    /// Runs a source that can't be opened again.
    pub(crate) fn over(source: impl crate::source::Source) -> Self {
        let mut supervisor = crate::supervise::Supervisor::new();
        supervisor.run_once(Subject::Idle, source);
        supervisor.watch()
    }
}
