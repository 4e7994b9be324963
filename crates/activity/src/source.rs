//! Defines sources and what opens them.

use porchlight_core::observation::Observation;
use tokio::sync::mpsc;

use crate::description::{Description, Missing, Subject};

/// A source of observations that is open and works.
pub(crate) trait Source: Send + 'static {
    /// What this source can detect.
    fn description(&self) -> Description;

    /// Reports the present state, then every change. Returns the reason when the source stops
    /// working. The future may be dropped at any `.await`, when the watch ends.
    fn run(self, to: &Reports) -> impl Future<Output = SourceError> + Send;
}

/// Why a source stopped working: half a sentence for the person.
#[derive(Debug)]
pub(crate) struct SourceError(pub(crate) String);

/// Opens sources for one subject. [`crate::supervise`] runs what it opens, and calls it again when
/// that source is lost.
pub(crate) trait Strand: Send + 'static {
    /// The subject that the sources watch.
    const SUBJECT: Subject;

    /// The source that it opens. If there are several kinds, this is an enum of them.
    type Source: Source;

    /// Opens the first source that works. The future may be dropped at any `.await`; that closes
    /// what it had opened.
    fn open(&mut self) -> impl Future<Output = Result<Self::Source, OpenError>> + Send;

    /// Ends when another attempt is worthwhile before the pause is over. It runs only while there
    /// is no source, and may be dropped at any `.await`.
    fn hint(&mut self) -> impl Future<Output = ()> + Send {
        std::future::pending()
    }
}

/// Why a strand could not open a source.
#[derive(Debug)]
#[cfg_attr(
    any(windows, target_os = "macos"),
    allow(dead_code, reason = "not every system refuses in each of these ways")
)]
pub(crate) enum OpenError {
    /// There is no source now, but a later attempt may succeed.
    ForNow(Missing),
    /// There is no source, and only the event that [`Strand::hint`] waits for can change that.
    UntilHint(Missing),
    /// There will never be a source in this process.
    ForGood(Missing),
}

impl From<Missing> for OpenError {
    fn from(missing: Missing) -> Self {
        Self::ForNow(missing)
    }
}

/// A message from a strand to the watch.
#[derive(Debug)]
pub(crate) enum Report {
    /// A source is open, for the first time or again.
    Opened(Description),
    Observed(Observation),
    /// There is no source, or it was lost.
    Closed(Missing),
}

/// The sending side of a strand's reports.
#[derive(Debug, Clone)]
pub(crate) struct Reports {
    subject: Subject,
    to: mpsc::Sender<(Subject, Report)>,
}

impl Reports {
    pub(crate) const fn of(subject: Subject, to: mpsc::Sender<(Subject, Report)>) -> Self {
        Self { subject, to }
    }

    /// Sends an observation. Waits while the queue is full.
    pub(crate) async fn send(&self, observation: Observation) {
        self.put(Report::Observed(observation)).await;
    }

    pub(crate) async fn put(&self, report: Report) {
        if self.to.send((self.subject, report)).await.is_err() {
            // The watch is gone, so this task is about to be aborted.
            std::future::pending::<()>().await;
        }
    }
}
