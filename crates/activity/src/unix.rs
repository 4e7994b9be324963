//! Chooses the input source for a session on Linux or another Unix.

use std::pin::Pin;
use std::time::Duration;

use crate::description::{Description, Missing, Subject};
use crate::mutter::{self, Monitor};
use crate::poll::{Poller, SharedProbe};
use crate::settings::{SessionEnv, Settings};
use crate::source::{OpenError, Reports, Source, SourceError, Strand};
use crate::wayland::{self, Notifications};
use crate::x11::{self, Alarms, X11Error};

const BY_ITSELF: &str = "it is tried again by itself; until then, set your status by hand";
const BY_HAND: &str = "set your status by hand, or feed the source `stdin`";

/// The strand for the time since the last input.
pub(crate) struct Idle {
    away_after: Duration,
    probe: Option<SharedProbe>,
    env: SessionEnv,
}

impl Idle {
    pub(crate) fn new(settings: Settings, env: SessionEnv) -> Self {
        let away_after = settings.away_after();
        Self { away_after, probe: settings.probe.map(SharedProbe::new), env }
    }

    /// GNOME's idle monitor, which sees more than the display server does; `None` if this is not
    /// GNOME.
    async fn mutter(&self) -> Option<Result<Input, OpenError>> {
        match mutter::open(&self.env.session_bus()?, self.away_after).await {
            Ok(monitor) => Some(Ok(Input::Mutter(Box::new(monitor)))),
            Err(why @ (mutter::MutterError::NoBus(_) | mutter::MutterError::NotOwned)) => {
                tracing::debug!(%why, "not asking GNOME");
                None
            }
            Err(why) => Some(Err(Missing::new(why.to_string(), BY_ITSELF).into())),
        }
    }

    async fn wayland(&self) -> Result<Input, OpenError> {
        let Some(socket) = self.env.wayland_socket() else {
            let why = "this session is Wayland, but neither WAYLAND_DISPLAY nor XDG_RUNTIME_DIR says where";
            return Err(OpenError::ForGood(Missing::new(why, BY_HAND)));
        };
        match wayland::open(socket, self.away_after).await {
            Ok(notifications) => Ok(Input::Notifications(Box::new(notifications))),
            Err(why @ wayland::IdleNotifyError::NoProtocol) => {
                let remedy = "away follows the lock screen or your own choice";
                // A compositor does not gain protocols while it runs, but GNOME's idle monitor may
                // still appear.
                Err(OpenError::UntilHint(Missing::new(why.to_string(), remedy)))
            }
            Err(why) => Err(Missing::new(why.to_string(), BY_ITSELF).into()),
        }
    }

    async fn x11(&self, display: &str) -> Result<Input, OpenError> {
        match (x11::open(display, self.away_after).await, &self.probe) {
            (Ok(alarms), _) => Ok(Input::Alarms(Box::new(alarms))),
            (Err(X11Error::Uncounted { display, why }), Some(probe)) => {
                tracing::info!(why, "no idle alarms on this X server: polling");
                Ok(Input::Polled(Poller {
                    probe: probe.clone(),
                    away_after: self.away_after,
                    guard: Box::pin(display.gone()),
                }))
            }
            // A server does not gain extensions while it runs.
            (Err(why @ X11Error::Uncounted { .. }), _) => {
                Err(OpenError::UntilHint(Missing::new(why.to_string(), BY_HAND)))
            }
            (Err(why), _) => Err(Missing::new(why.to_string(), BY_ITSELF).into()),
        }
    }
}

impl Strand for Idle {
    const SUBJECT: Subject = Subject::Idle;

    type Source = Input;

    async fn open(&mut self) -> Result<Input, OpenError> {
        if !self.env.is_wayland() && self.env.x11_display().is_none() {
            return Err(OpenError::ForGood(Missing::new(
                "there is no display, neither DISPLAY nor WAYLAND_DISPLAY is set",
                BY_HAND,
            )));
        }
        if let Some(answer) = self.mutter().await {
            return answer;
        }
        match self.env.x11_display() {
            Some(display) if !self.env.is_wayland() => self.x11(display).await,
            _ => self.wayland().await,
        }
    }

    async fn hint(&mut self) {
        let shell = async {
            match self.env.session_bus() {
                Some(address) => mutter::appears(&address).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = shell => {}
            () = bus(&self.env) => {}
            () = display(&self.env) => {}
        }
    }
}

/// Ends when the session's display server starts to listen.
#[cfg(target_os = "linux")]
async fn display(env: &SessionEnv) {
    match env.display_socket() {
        Some(socket) => crate::socket::appears(&socket).await,
        None => std::future::pending().await,
    }
}

#[cfg(not(target_os = "linux"))]
async fn display(_: &SessionEnv) {
    std::future::pending::<()>().await;
}

/// Ends when the session's bus starts to listen: after the bus restarts, the shell reappears on it.
#[cfg(target_os = "linux")]
async fn bus(env: &SessionEnv) {
    let address = env.session_bus();
    match address.as_deref().and_then(crate::socket::bus_socket) {
        Some(socket) => crate::socket::appears(socket).await,
        None => std::future::pending().await,
    }
}

#[cfg(not(target_os = "linux"))]
async fn bus(_: &SessionEnv) {
    std::future::pending::<()>().await;
}

/// The input source that was opened.
pub(crate) enum Input {
    Mutter(Box<Monitor>),
    Notifications(Box<Notifications>),
    Alarms(Box<Alarms>),
    Polled(Poller<Pin<Box<dyn Future<Output = SourceError> + Send>>>),
}

impl Source for Input {
    fn description(&self) -> Description {
        match self {
            Self::Mutter(monitor) => monitor.description(),
            Self::Notifications(notifications) => notifications.description(),
            Self::Alarms(alarms) => alarms.description(),
            Self::Polled(poller) => poller.description(),
        }
    }

    async fn run(self, to: &Reports) -> SourceError {
        match self {
            Self::Mutter(monitor) => monitor.run(to).await,
            Self::Notifications(notifications) => notifications.run(to).await,
            Self::Alarms(alarms) => alarms.run(to).await,
            Self::Polled(poller) => poller.run(to).await,
        }
    }
}
