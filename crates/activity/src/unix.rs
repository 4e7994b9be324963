//! Which source of input fits a session of Linux or another Unix.

use std::pin::Pin;
use std::time::Duration;

use crate::description::{Description, Missing, Subject};
use crate::poll::{Poller, Question};
use crate::settings::{SessionEnv, Settings};
use crate::source::{Lost, Refusal, Reports, Source, Strand};
use crate::x11::{self, Alarms, Unusable};

const BY_HAND: &str = "set your status by hand, or feed the source `stdin`";

/// The strand: how long there was no input.
pub(crate) struct Idle {
    away_after: Duration,
    probe: Option<Question>,
    env: SessionEnv,
}

impl Idle {
    pub(crate) fn new(settings: Settings, env: SessionEnv) -> Self {
        let away_after = settings.away_after();
        Self { away_after, probe: settings.probe.map(Question::new), env }
    }

    async fn x11(&self, display: &str) -> Result<Input, Refusal> {
        match (x11::open(display, self.away_after).await, &self.probe) {
            (Ok(alarms), _) => Ok(Input::Alarms(Box::new(alarms))),
            (Err(Unusable::Uncounted { display, why }), Some(probe)) => {
                tracing::info!(why, "no idle alarms on this X server: polling");
                Ok(Input::Polled(Poller {
                    probe: probe.clone(),
                    away_after: self.away_after,
                    guard: Box::pin(display.gone()),
                }))
            }
            (Err(why), _) => Err(Missing::new(why.to_string(), BY_HAND).into()),
        }
    }
}

impl Strand for Idle {
    const SUBJECT: Subject = Subject::Idle;

    type Source = Input;

    async fn open(&mut self) -> Result<Input, Refusal> {
        if self.env.is_wayland() {
            let why = "this session is Wayland, and there is no source for it yet";
            return Err(Refusal::ForGood(Missing::new(why, BY_HAND)));
        }
        match self.env.x11_display() {
            Some(display) => self.x11(display).await,
            None => Err(Refusal::ForGood(Missing::new(
                "there is no display, neither DISPLAY nor WAYLAND_DISPLAY is set",
                BY_HAND,
            ))),
        }
    }
}

/// Whatever tells of input here.
pub(crate) enum Input {
    Alarms(Box<Alarms>),
    Polled(Poller<Pin<Box<dyn Future<Output = Lost> + Send>>>),
}

impl Source for Input {
    fn description(&self) -> Description {
        match self {
            Self::Alarms(alarms) => alarms.description(),
            Self::Polled(poller) => poller.description(),
        }
    }

    async fn run(self, to: &Reports) -> Lost {
        match self {
            Self::Alarms(alarms) => alarms.run(to).await,
            Self::Polled(poller) => poller.run(to).await,
        }
    }
}
