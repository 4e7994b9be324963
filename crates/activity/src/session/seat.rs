//! Detects who has the seat: another session's input is not this person's.

use porchlight_core::observation::Observation;

use super::Places;
use super::logind::{self, Login, Wanted};
use crate::description::{Description, Missing, Subject, Tells};
use crate::source::{OpenError, Reports, Source, SourceError, Strand};

/// The strand for the seat.
#[derive(Debug)]
pub(crate) struct Seat {
    places: Places,
    /// There was no session at the last attempt, and a hint will show when there is one.
    has_hint: bool,
}

impl Seat {
    pub(super) const fn new(places: Places) -> Self {
        Self { places, has_hint: false }
    }
}

impl Strand for Seat {
    const SUBJECT: Subject = Subject::Seat;

    type Source = Active;

    async fn open(&mut self) -> Result<Active, OpenError> {
        let opened = Login::open(&self.places, "Active").await;
        self.has_hint = opened.as_ref().is_err_and(|unavailable| unavailable.has_hint);
        match opened {
            Ok(login) => Ok(Active(login)),
            Err(unavailable) => Err(unavailable.open_error(Missing::new(
                format!("a change of the user at this machine is not seen: {}", unavailable.why),
                "lock the screen before somebody else takes over",
            ))),
        }
    }

    async fn hint(&mut self) {
        if !self.has_hint {
            return std::future::pending().await;
        }
        logind::appears(&self.places, Wanted::Session).await;
    }
}

/// The source: whether the login session is in the foreground.
#[derive(Debug)]
pub(crate) struct Active(Login);

impl Source for Active {
    fn description(&self) -> Description {
        Description { name: "logind", tells: Tells { seat: true, ..Tells::NOTHING }, missing: None }
    }

    async fn run(mut self, to: &Reports) -> SourceError {
        loop {
            match self.0.next().await {
                Ok(active) => to.send(Observation::Switched(!active)).await,
                Err(lost) => return lost,
            }
        }
    }
}
