//! Wayland: the compositor's idle timer, by the protocol `ext-idle-notify-v1`.
//!
//! The compositor sends one event after `away_after` without input, and one at the next input. So
//! nothing runs here while nothing changes: the connection's socket wakes the task. This source
//! does not watch locks or sleep. It asks no X server, because Xwayland sees only input over X11
//! windows.

use std::collections::VecDeque;
use std::io;
use std::os::fd::AsFd as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use porchlight_core::observation::{Moment, Observation};
use tokio::io::Interest;
use tokio::net::UnixStream;
use wayland_client::backend::WaylandError;
use wayland_client::protocol::wl_callback::{self, WlCallback};
use wayland_client::protocol::wl_registry::{self, WlRegistry};
use wayland_client::protocol::wl_seat::WlSeat;
use wayland_client::{
    Connection, Dispatch, DispatchError, EventQueue, Proxy as _, QueueHandle, delegate_noop,
};
use wayland_protocols::ext::idle_notify::v1::client::ext_idle_notification_v1::{
    self, ExtIdleNotificationV1,
};
use wayland_protocols::ext::idle_notify::v1::client::ext_idle_notifier_v1::ExtIdleNotifierV1;

use crate::description::{Description, Missing, Tells};
use crate::source::{Reports, Source, SourceError};

/// How long to wait for the compositor's answer.
const TIMEOUT: Duration = Duration::from_secs(2);
/// The first protocol version that can ignore a playing video.
const INPUT_ONLY: u32 = 2;
/// The shortest timeout in milliseconds. With zero, some compositors never report a return.
const AT_ONCE: u32 = 1;

/// Why the compositor's notifications can't be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum IdleNotifyError {
    #[error("the compositor at {} can't be reached ({why})", socket.display())]
    Unreachable { socket: PathBuf, why: String },
    #[error("the compositor at {} did not answer within {TIMEOUT:?}", .0.display())]
    Silent(PathBuf),
    #[error("this compositor offers no idle protocol")]
    NoProtocol,
    #[error("this compositor has no seat")]
    NoSeat,
}

/// Connects, and asks to be notified after `away_after`.
pub(crate) async fn open(
    socket: PathBuf,
    away_after: Duration,
) -> Result<Notifications, IdleNotifyError> {
    let set_up = async {
        let mut client = Client::connect(&socket).await?;
        client.request(away_after).await?;
        Ok::<_, io::Error>(client)
    };
    match tokio::time::timeout(TIMEOUT, set_up).await {
        Ok(Ok(client)) if client.state.notifier.is_none() => Err(IdleNotifyError::NoProtocol),
        Ok(Ok(client)) if client.state.seat.is_none() => Err(IdleNotifyError::NoSeat),
        Ok(Ok(client)) => Ok(Notifications { client, away_after }),
        Ok(Err(error)) => Err(IdleNotifyError::Unreachable { socket, why: error.to_string() }),
        Err(_) => Err(IdleNotifyError::Silent(socket)),
    }
}

/// The source: the compositor's notifications.
#[derive(Debug)]
pub(crate) struct Notifications {
    client: Client,
    away_after: Duration,
}

impl Source for Notifications {
    fn description(&self) -> Description {
        let knows_video = self.client.state.version() >= INPUT_ONLY;
        Description {
            name: "ext-idle-notify",
            tells: Tells::IDLE,
            missing: (!knows_video).then(|| {
                Missing::new(
                    "this compositor counts a playing video as input",
                    "a newer one, with version 2 of its idle protocol, tells them apart",
                )
            }),
        }
    }

    async fn run(mut self, to: &Reports) -> SourceError {
        // Nothing is reported at the start: the compositor counts from now on, and does not say how
        // long there was no input before.
        let mut input = None;
        loop {
            while let Some(next) = self.client.state.inputs.pop_front() {
                if input.replace(next) != Some(next) {
                    to.send(match next {
                        Input::Active => Observation::InputActive,
                        Input::Idle => {
                            Observation::InputIdle { since: Moment::Ago(self.away_after) }
                        }
                    })
                    .await;
                }
            }
            if self.client.state.withdrawn {
                return SourceError("the compositor took its idle protocol away".to_owned());
            }
            if let Err(error) = self.client.dispatch().await {
                return SourceError(format!("the compositor is gone ({error})"));
            }
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Input {
    Active,
    Idle,
}

/// A connection to a compositor.
#[derive(Debug)]
struct Client {
    connection: Connection,
    queue: EventQueue<State>,
    state: State,
    /// A second handle of the connection's socket, which shows when there is something to read.
    socket: UnixStream,
}

impl Client {
    async fn connect(socket: &Path) -> io::Result<Self> {
        let stream = UnixStream::connect(socket).await?.into_std()?;
        let socket = UnixStream::from_std(stream.as_fd().try_clone_to_owned()?.into())?;
        let connection = Connection::from_socket(stream).map_err(io::Error::other)?;
        let queue = connection.new_event_queue();
        Ok(Self { connection, queue, state: State::default(), socket })
    }

    /// Asks for notifications, if the compositor offers them.
    async fn request(&mut self, away_after: Duration) -> io::Result<()> {
        let handle = self.queue.handle();
        self.connection.display().get_registry(&handle, ());
        self.roundtrip().await?;
        let (Some((_, notifier)), Some((_, seat))) = (&self.state.notifier, &self.state.seat)
        else {
            return Ok(());
        };
        let input_only = self.state.version() >= INPUT_ONLY;
        let after = |timeout: u32, purpose| {
            if input_only {
                notifier.get_input_idle_notification(timeout, seat, &handle, purpose);
            } else {
                notifier.get_idle_notification(timeout, seat, &handle, purpose);
            }
        };
        after(u32::try_from(away_after.as_millis()).unwrap_or(u32::MAX), Purpose::Away);
        after(AT_ONCE, Purpose::FirstInput);
        // A compositor that refuses has done so before it answers this.
        self.roundtrip().await
    }

    /// Waits until the compositor has answered all requests.
    async fn roundtrip(&mut self) -> io::Result<()> {
        self.state.answered = false;
        self.connection.display().sync(&self.queue.handle(), ());
        while !self.state.answered {
            self.dispatch().await?;
        }
        Ok(())
    }

    /// Waits for events and handles them; cancel-safe.
    async fn dispatch(&mut self) -> io::Result<()> {
        while self.queue.dispatch_pending(&mut self.state).map_err(failure)? == 0 {
            self.connection.flush().map_err(io_error)?;
            let queue = &self.queue;
            let read = || match queue.prepare_read() {
                Some(reading) => reading.read().map(drop).map_err(io_error),
                // There are events to dispatch first.
                None => Ok(()),
            };
            self.socket.async_io(Interest::READABLE, read).await?;
        }
        // Sends the requests that the event handlers made.
        self.connection.flush().map_err(io_error)
    }
}

fn io_error(error: WaylandError) -> io::Error {
    match error {
        WaylandError::Io(error) => error,
        error => io::Error::other(error),
    }
}

fn failure(error: DispatchError) -> io::Error {
    match error {
        DispatchError::Backend(error) => io_error(error),
        error => io::Error::other(error),
    }
}

/// What a notification is for.
#[derive(Debug, Clone, Copy)]
enum Purpose {
    /// Reports that there was no input for `away_after`, and the next input.
    Away,
    /// Reports the first input since the start, so that a person who never goes away is known to be
    /// there. It is destroyed after that, because it would report every input.
    FirstInput,
}

/// The state that the compositor's events change.
#[derive(Debug, Default)]
struct State {
    /// The compositor's idle notifier, with its name in the registry.
    notifier: Option<(u32, ExtIdleNotifierV1)>,
    seat: Option<(u32, WlSeat)>,
    answered: bool,
    inputs: VecDeque<Input>,
    /// The compositor removed the notifier or the seat.
    withdrawn: bool,
}

impl State {
    /// The version of the idle protocol in use; 0 for none.
    fn version(&self) -> u32 {
        self.notifier.as_ref().map_or(0, |(_, notifier)| notifier.version())
    }
}

impl Dispatch<WlRegistry, ()> for State {
    fn event(
        state: &mut Self,
        registry: &WlRegistry,
        event: wl_registry::Event,
        (): &(),
        _: &Connection,
        queue: &QueueHandle<Self>,
    ) {
        match event {
            wl_registry::Event::Global { name, interface, version } => {
                // Uses the first of several seats: there is hardly ever a second.
                if interface == WlSeat::interface().name && state.seat.is_none() {
                    state.seat = Some((name, registry.bind(name, 1, queue, ())));
                } else if interface == ExtIdleNotifierV1::interface().name {
                    let version = version.min(INPUT_ONLY);
                    state.notifier = Some((name, registry.bind(name, version, queue, ())));
                }
            }
            wl_registry::Event::GlobalRemove { name } => {
                let notifier = state.notifier.as_ref().map(|(name, _)| *name);
                let seat = state.seat.as_ref().map(|(name, _)| *name);
                state.withdrawn |= notifier == Some(name) || seat == Some(name);
            }
            _ => {}
        }
    }
}

impl Dispatch<WlCallback, ()> for State {
    fn event(
        state: &mut Self,
        _: &WlCallback,
        _: wl_callback::Event,
        (): &(),
        _: &Connection,
        _: &QueueHandle<Self>,
    ) {
        state.answered = true;
    }
}

impl Dispatch<ExtIdleNotificationV1, Purpose> for State {
    fn event(
        state: &mut Self,
        notification: &ExtIdleNotificationV1,
        event: ext_idle_notification_v1::Event,
        purpose: &Purpose,
        _: &Connection,
        _: &QueueHandle<Self>,
    ) {
        match (purpose, event) {
            (Purpose::Away, ext_idle_notification_v1::Event::Idled) => {
                state.inputs.push_back(Input::Idle);
            }
            (Purpose::Away, ext_idle_notification_v1::Event::Resumed) => {
                state.inputs.push_back(Input::Active);
            }
            (Purpose::FirstInput, ext_idle_notification_v1::Event::Resumed) => {
                state.inputs.push_back(Input::Active);
                notification.destroy();
            }
            _ => {}
        }
    }
}

delegate_noop!(State: ignore WlSeat);
delegate_noop!(State: ignore ExtIdleNotifierV1);
