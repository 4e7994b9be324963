//! What a source is, and what opens one.

use porchlight_core::observation::Observation;
use tokio::sync::mpsc;

use crate::description::{Description, Missing, Subject};

/// A source of observations that works, at least at present.
pub(crate) trait Source: Send + 'static {
    /// What it can tell.
    fn description(&self) -> Description;

    /// Reports what is so now, then what it sees for as long as it works, then returns why it works no
    /// longer. It is dropped at any `.await` when nobody listens any more.
    fn run(self, to: &Reports) -> impl Future<Output = Lost> + Send;
}

/// Why a source works no longer: half a sentence for the person.
#[derive(Debug)]
pub(crate) struct Lost(pub(crate) String);

/// One subject, and how to come by a source for it, again and again: [`crate::supervise`] opens it, runs
/// what it opened, and opens it again once that is lost.
pub(crate) trait Strand: Send + 'static {
    /// What it is about.
    const SUBJECT: Subject;

    /// What it opens; where there are several, an enum of them.
    type Source: Source;

    /// Opens the first source that works. It may be dropped at any `.await`, which closes what was begun.
    fn open(&mut self) -> impl Future<Output = Result<Self::Source, Refusal>> + Send;

    /// While there is no source: ends when it is worth trying again before the pause is over. It may be
    /// dropped at any `.await`.
    fn hint(&mut self) -> impl Future<Output = ()> + Send {
        std::future::pending()
    }
}

/// Why a strand has no source.
#[derive(Debug)]
#[cfg_attr(
    any(windows, target_os = "macos"),
    allow(dead_code, reason = "not every system refuses in each of these ways")
)]
pub(crate) enum Refusal {
    /// There is none now, which may change.
    ForNow(Missing),
    /// There is none, and only what [`Strand::hint`] waits for would change that.
    UntilHint(Missing),
    /// There will never be one in this process.
    ForGood(Missing),
}

impl From<Missing> for Refusal {
    fn from(missing: Missing) -> Self {
        Self::ForNow(missing)
    }
}

/// What comes from a strand.
#[derive(Debug)]
pub(crate) enum Report {
    /// There is a source (again).
    Opened(Description),
    Observed(Observation),
    /// There is none, or no longer.
    Closed(Missing),
}

/// Where a strand puts what it sees.
#[derive(Debug, Clone)]
pub(crate) struct Reports {
    subject: Subject,
    to: mpsc::Sender<(Subject, Report)>,
}

impl Reports {
    pub(crate) const fn of(subject: Subject, to: mpsc::Sender<(Subject, Report)>) -> Self {
        Self { subject, to }
    }

    /// Waits while too many reports wait for their reader.
    pub(crate) async fn send(&self, observation: Observation) {
        self.put(Report::Observed(observation)).await;
    }

    pub(crate) async fn put(&self, report: Report) {
        if self.to.send((self.subject, report)).await.is_err() {
            // Nobody listens any more, so this task is about to be aborted.
            std::future::pending::<()>().await;
        }
    }
}
