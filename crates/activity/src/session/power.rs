//! Detects sleep and power-off: logind announces both, and waits for the goodbye.
//!
//! Without logind nobody announces them, but [`Awake`] notices afterwards that the machine slept.

use std::convert::Infallible;

use porchlight_core::observation::Observation;
use tokio::time::timeout;
use zbus::Message;
use zbus::zvariant::OwnedFd;

use super::Places;
use super::awake::Awake;
use super::bus::{self, Unavailable};
use super::inhibitor::{Inhibitor, TIMEOUT};
use super::logind::{self, Logind, MANAGER, Wanted};
use crate::description::{Description, Missing, Subject, Tells};
use crate::source::{OpenError, Reports, Source, SourceError, Strand};
use crate::supervise::Goodbye;

/// The strand for sleep and power-off.
#[derive(Debug)]
pub(crate) struct Power {
    places: Places,
    goodbye: Goodbye,
    /// logind was there once, so it will come back.
    had_logind: bool,
    /// logind was not available at the last attempt, and a hint will show when it is.
    has_hint: bool,
}

impl Power {
    pub(super) const fn new(places: Places, goodbye: Goodbye) -> Self {
        Self { places, goodbye, had_logind: false, has_hint: false }
    }
}

impl Strand for Power {
    const SUBJECT: Subject = Subject::Power;

    type Source = SleepSource;

    async fn open(&mut self) -> Result<SleepSource, OpenError> {
        let unavailable = match Announced::open(&self.places, self.goodbye.clone()).await {
            Ok(announced) => {
                (self.had_logind, self.has_hint) = (true, false);
                return Ok(SleepSource::Announced(Box::new(announced)));
            }
            Err(unavailable) => unavailable,
        };
        self.has_hint = unavailable.has_hint;
        let (why, remedy) = (&unavailable.why, "run systemd-logind or elogind");
        if self.had_logind {
            let what = format!("sleep is not seen for now: {why}");
            return Err(unavailable.open_error(Missing::new(what, remedy)));
        }
        match Awake::open(why) {
            Ok(awake) => {
                Ok(SleepSource::Clocks(awake, unavailable.has_hint.then(|| self.places.clone())))
            }
            Err(error) => {
                let what =
                    format!("sleep is not seen: {why}, and the clocks do not tell ({error})");
                Err(unavailable.open_error(Missing::new(what, remedy)))
            }
        }
    }

    async fn hint(&mut self) {
        if !self.has_hint {
            return std::future::pending().await;
        }
        logind::appears(&self.places, Wanted::Manager).await;
    }
}

/// The source of sleep that was opened.
#[derive(Debug)]
pub(crate) enum SleepSource {
    Announced(Box<Announced>),
    /// The clocks, with the places where logind may appear, if that can be noticed.
    Clocks(Awake, Option<Places>),
}

impl Source for SleepSource {
    fn description(&self) -> Description {
        match self {
            Self::Announced(announced) => announced.description(),
            Self::Clocks(awake, _) => awake.description(),
        }
    }

    async fn run(self, to: &Reports) -> SourceError {
        match self {
            Self::Announced(announced) => announced.run(to).await,
            Self::Clocks(awake, None) => awake.run(to).await,
            Self::Clocks(awake, Some(places)) => tokio::select! {
                lost = awake.run(to) => lost,
                () = logind::appears(&places, Wanted::Manager) => {
                    SourceError("logind is there now".to_owned())
                }
            },
        }
    }
}

/// The source: logind's announcements.
#[derive(Debug)]
pub(crate) struct Announced {
    logind: Logind,
    inhibitor: Inhibitor,
    /// Why logind refuses an inhibitor.
    refused: Option<String>,
}

impl Announced {
    async fn open(places: &Places, goodbye: Goodbye) -> Result<Self, Unavailable> {
        // Subscribes before it takes the inhibitor, so that no announcement is missed.
        let logind = Logind::open(places, &["PrepareForSleep", "PrepareForShutdown"]).await?;
        let mut announced = Self { logind, inhibitor: Inhibitor::new(goodbye), refused: None };
        announced.take_inhibitor().await;
        Ok(announced)
    }

    async fn take_inhibitor(&mut self) {
        let arguments = ("sleep:shutdown", "Porchlight", "say goodbye", "delay");
        match self.logind.bus.call::<_, OwnedFd>(MANAGER, "Inhibit", &arguments).await {
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

    async fn watch(&mut self, to: &Reports) -> Result<Infallible, SourceError> {
        // Reports what began before the subscription.
        let begun = [
            ("PreparingForSleep", Observation::Suspending),
            ("PreparingForShutdown", Observation::ShuttingDown),
        ];
        for (property, observation) in begun {
            if self.logind.bus.property(MANAGER, property).await.unwrap_or(false) {
                self.announce(observation, to).await;
            }
        }
        loop {
            tokio::select! {
                () = self.inhibitor.wait_for_goodbye() => self.inhibitor.release(),
                message = self.logind.next() => self.handle(&message?, to).await,
            }
        }
    }

    async fn handle(&mut self, message: &Message, to: &Reports) {
        match (bus::member(message).as_str(), bus::read(message)) {
            ("PrepareForSleep", Some(true)) => self.announce(Observation::Suspending, to).await,
            ("PrepareForShutdown", Some(true)) => {
                self.announce(Observation::ShuttingDown, to).await;
            }
            // A cancelled power-off is reported like the end of a sleep.
            ("PrepareForSleep" | "PrepareForShutdown", Some(false)) => {
                to.send(Observation::Resumed).await;
                self.inhibitor.release();
                self.take_inhibitor().await;
            }
            _ => {}
        }
    }

    async fn announce(&mut self, why: Observation, to: &Reports) {
        self.inhibitor.await_goodbye();
        // A reader that has stopped must not keep the machine awake.
        if timeout(TIMEOUT, to.send(why)).await.is_err() {
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

    async fn run(mut self, to: &Reports) -> SourceError {
        match self.watch(to).await {
            Err(lost) => lost,
        }
    }
}
