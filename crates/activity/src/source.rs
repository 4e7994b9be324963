//! What a source is.

use porchlight_core::observation::Observation;
use tokio::sync::mpsc;

use crate::description::Description;

/// How many reports may wait for their reader. Small, because a report tells how long ago something was:
/// the longer it waits, the less it is true.
const WAITING: usize = 8;

/// A source of observations that works, at least at present.
pub(crate) trait Source: Send + 'static {
    /// What it can tell.
    fn description(&self) -> Description;

    /// Reports what it sees for as long as it works, then returns why it works no longer. It is dropped
    /// at any `.await` when nobody listens any more.
    fn run(self, to: &Reports) -> impl Future<Output = Lost> + Send;
}

/// Why a source works no longer: half a sentence for the person.
#[derive(Debug)]
pub(crate) struct Lost(pub(crate) String);

/// What comes from a running source.
#[derive(Debug)]
pub(crate) enum Report {
    Observed(Observation),
    Lost(Lost),
}

/// Where a source puts what it sees.
#[derive(Debug)]
pub(crate) struct Reports(mpsc::Sender<Report>);

impl Reports {
    pub(crate) fn channel() -> (Self, mpsc::Receiver<Report>) {
        let (sender, receiver) = mpsc::channel(WAITING);
        (Self(sender), receiver)
    }

    /// Waits while too many reports wait for their reader.
    pub(crate) async fn send(&self, observation: Observation) {
        self.put(Report::Observed(observation)).await;
    }

    pub(crate) async fn close(self, lost: Lost) {
        self.put(Report::Lost(lost)).await;
    }

    async fn put(&self, report: Report) {
        if self.0.send(report).await.is_err() {
            // Nobody listens any more, so this task is about to be aborted.
            std::future::pending::<()>().await;
        }
    }
}
