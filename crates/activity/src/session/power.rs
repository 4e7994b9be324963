//! Sleep and power-off: logind announces both, and waits for a goodbye.
//!
//! Without logind nobody announces anything, but [`Awake`] sees when the machine slept.

use std::convert::Infallible;

use porchlight_core::observation::Observation;
use tokio::time::timeout;
use zbus::Message;
use zbus::zvariant::OwnedFd;

use super::Places;
use super::awake::Awake;
use super::bus;
use super::inhibitor::{Inhibitor, PATIENCE};
use super::logind::{Logind, MANAGER};
use crate::description::{Description, Missing, Subject, Tells};
use crate::source::{Lost, Refusal, Reports, Source, Strand};
use crate::supervise::Goodbye;

/// The strand: sleep and power-off.
#[derive(Debug)]
pub(crate) struct Power {
    places: Places,
    goodbye: Goodbye,
    /// There was a logind, so there will be one again.
    had_logind: bool,
}

impl Power {
    pub(super) const fn new(places: Places, goodbye: Goodbye) -> Self {
        Self { places, goodbye, had_logind: false }
    }
}

impl Strand for Power {
    const SUBJECT: Subject = Subject::Power;

    type Source = Told;

    async fn open(&mut self) -> Result<Told, Refusal> {
        let why = match Announced::open(&self.places, self.goodbye.clone()).await {
            Ok(announced) => {
                self.had_logind = true;
                return Ok(Told::Announced(Box::new(announced)));
            }
            Err(why) => why,
        };
        let remedy = "run systemd-logind or elogind";
        if self.had_logind {
            return Err(Missing::new(format!("sleep is not seen for now: {why}"), remedy).into());
        }
        Awake::open(&why).map(Told::Afterwards).map_err(|error| {
            let what = format!("sleep is not seen: {why}, and the clocks do not tell ({error})");
            Missing::new(what, remedy).into()
        })
    }
}

/// Whatever tells of sleep here.
#[derive(Debug)]
pub(crate) enum Told {
    Announced(Box<Announced>),
    Afterwards(Awake),
}

impl Source for Told {
    fn description(&self) -> Description {
        match self {
            Self::Announced(announced) => announced.description(),
            Self::Afterwards(awake) => awake.description(),
        }
    }

    async fn run(self, to: &Reports) -> Lost {
        match self {
            Self::Announced(announced) => announced.run(to).await,
            Self::Afterwards(awake) => awake.run(to).await,
        }
    }
}

/// The source: logind's announcements.
#[derive(Debug)]
pub(crate) struct Announced {
    logind: Logind,
    inhibitor: Inhibitor,
    /// Why logind gives no inhibitor.
    refused: Option<String>,
}

impl Announced {
    async fn open(places: &Places, goodbye: Goodbye) -> Result<Self, String> {
        // Listens before it takes the inhibitor: an announcement between the two would be missed.
        let logind = Logind::open(places, &["PrepareForSleep", "PrepareForShutdown"]).await?;
        let mut announced = Self { logind, inhibitor: Inhibitor::new(goodbye), refused: None };
        announced.take_inhibitor().await;
        Ok(announced)
    }

    async fn take_inhibitor(&mut self) {
        let wish = ("sleep:shutdown", "Porchlight", "say goodbye", "delay");
        match self.logind.bus.call::<_, OwnedFd>(MANAGER, "Inhibit", &wish).await {
            Ok(inhibitor) => {
                self.inhibitor.hold(inhibitor);
                self.refused = None;
            }
            Err(error) => {
                tracing::warn!(%error, "no inhibitor: the machine does not wait for a goodbye");
                self.refused = Some(error.to_string());
            }
        }
    }

    async fn watch(&mut self, to: &Reports) -> Result<Infallible, Lost> {
        // What began before anybody listened.
        let begun = [
            ("PreparingForSleep", Observation::Suspending),
            ("PreparingForShutdown", Observation::ShuttingDown),
        ];
        for (property, observation) in begun {
            if self.logind.bus.property(MANAGER, property).await.unwrap_or(false) {
                self.leave(observation, to).await;
            }
        }
        loop {
            tokio::select! {
                () = self.inhibitor.goodbye_is_said() => self.inhibitor.release(),
                message = self.logind.next() => self.handle(&message?, to).await,
            }
        }
    }

    async fn handle(&mut self, message: &Message, to: &Reports) {
        match (bus::member(message).as_str(), bus::read(message)) {
            ("PrepareForSleep", Some(true)) => self.leave(Observation::Suspending, to).await,
            ("PrepareForShutdown", Some(true)) => self.leave(Observation::ShuttingDown, to).await,
            // A power-off that was called off is told like a sleep that is over.
            ("PrepareForSleep" | "PrepareForShutdown", Some(false)) => {
                to.send(Observation::Resumed).await;
                self.inhibitor.release();
                self.take_inhibitor().await;
            }
            _ => {}
        }
    }

    async fn leave(&mut self, why: Observation, to: &Reports) {
        self.inhibitor.await_goodbye();
        // Not even a reader that has stopped keeps the machine awake.
        if timeout(PATIENCE, to.send(why)).await.is_err() {
            tracing::warn!("nobody takes in that the machine is about to sleep");
        }
    }
}

impl Source for Announced {
    fn description(&self) -> Description {
        let missing = self.refused.as_ref().map(|refused| {
            Missing::new(
                format!("the machine does not wait for a goodbye before it sleeps: {refused}"),
                "allow the polkit actions org.freedesktop.login1.inhibit-delay-sleep and -shutdown",
            )
        });
        Description { name: "logind", tells: Tells { power: true, ..Tells::NOTHING }, missing }
    }

    async fn run(mut self, to: &Reports) -> Lost {
        match self.watch(to).await {
            Err(lost) => lost,
        }
    }
}
