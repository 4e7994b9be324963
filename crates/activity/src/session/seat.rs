//! Who has the seat: another session's input is not this person's.

use porchlight_core::observation::Observation;

use super::Places;
use super::logind::Login;
use crate::description::{Description, Missing, Subject, Tells};
use crate::source::{Lost, Refusal, Reports, Source, Strand};

/// The strand: who has the seat.
#[derive(Debug)]
pub(crate) struct Seat {
    pub(super) places: Places,
}

impl Strand for Seat {
    const SUBJECT: Subject = Subject::Seat;

    type Source = Active;

    async fn open(&mut self) -> Result<Active, Refusal> {
        match Login::open(&self.places, "Active").await {
            Ok(login) => Ok(Active(login)),
            Err(why) => Err(Missing::new(
                format!("a change of the user at this machine is not seen: {why}"),
                "lock the screen before somebody else takes over",
            )
            .into()),
        }
    }
}

/// The source: whether the login session is in the foreground.
#[derive(Debug)]
pub(crate) struct Active(Login);

impl Source for Active {
    fn description(&self) -> Description {
        Description { name: "logind", tells: Tells { seat: true, ..Tells::NOTHING }, missing: None }
    }

    async fn run(mut self, to: &Reports) -> Lost {
        loop {
            match self.0.next().await {
                Ok(active) => to.send(Observation::Switched(!active)).await,
                Err(lost) => return lost,
            }
        }
    }
}
