//! A running watch: one source, and what is known of it.

use porchlight_core::observation::Observation;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::description::{Description, Missing, Tells};
use crate::source::{Lost, Report, Reports, Source};

/// Somebody who looks. Dropping it ends the source.
#[derive(Debug)]
pub struct Watch {
    description: Description,
    state: State,
}

#[derive(Debug)]
enum State {
    /// Nothing can be known, and nobody was told yet.
    Blind,
    Running(Running),
    /// `SourceLost` was told, and nothing comes after it.
    Over,
}

#[derive(Debug)]
struct Running {
    reports: mpsc::Receiver<Report>,
    task: JoinHandle<()>,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Watch {
    /// What is watched, and what can't be known. After `SourceLost` it says why the source was lost.
    #[must_use]
    pub fn source(&self) -> &Description {
        &self.description
    }

    /// The next observation. After [`Observation::SourceLost`] it waits for ever.
    ///
    /// Cancel-safe: dropping the future loses no observation. Read it without delay, because a report
    /// tells how long ago something was when it was made.
    pub async fn next(&mut self) -> Observation {
        match &mut self.state {
            State::Running(running) => match running.reports.recv().await {
                Some(Report::Observed(observation)) => observation,
                Some(Report::Lost(lost)) => self.lose(lost),
                // Its task ended without a word, which only a panic does.
                None => self.lose(Lost("it stopped unexpectedly".to_owned())),
            },
            State::Blind => {
                self.state = State::Over;
                Observation::SourceLost
            }
            State::Over => std::future::pending().await,
        }
    }

    /// Runs a source.
    pub(crate) fn over(source: impl Source) -> Self {
        let description = source.description();
        let (to, reports) = Reports::channel();
        let task = tokio::spawn(async move {
            let lost = source.run(&to).await;
            to.close(lost).await;
        });
        Self { description, state: State::Running(Running { reports, task }) }
    }

    /// Nothing can be known.
    pub(crate) fn blind(why: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            description: Description {
                name: "none",
                tells: Tells::NOTHING,
                missing: Some(Missing {
                    what: format!("activity is unknown: {}", why.into()),
                    remedy: remedy.into(),
                }),
            },
            state: State::Blind,
        }
    }

    fn lose(&mut self, Lost(why): Lost) -> Observation {
        tracing::warn!(source = self.description.name, why, "the source of activity is lost");
        self.description.tells = Tells::NOTHING;
        self.description.missing = Some(Missing {
            what: format!("activity is unknown: {why}"),
            remedy: "start Porchlight again once that is mended, or set your status by hand"
                .to_owned(),
        });
        self.state = State::Over;
        Observation::SourceLost
    }
}
