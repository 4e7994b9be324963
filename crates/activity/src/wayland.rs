//! Wayland: the compositor's own idle timer, by the protocol `ext-idle-notify-v1`.
//!
//! The compositor sends one event when there was no input for as long as was asked for, and one at the first
//! input after that. So nothing runs here while nothing changes: the connection's socket wakes the task.
//! Deliberately knows nothing of locks or sleep, and asks no X server: Xwayland sees only what the pointer
//! does over X11 windows.

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
use crate::source::{Lost, Reports, Source};

/// How long a silent compositor is waited for.
const PATIENCE: Duration = Duration::from_secs(2);
/// The first version whose notifications can leave a playing video out of account.
const INPUT_ONLY: u32 = 2;
/// The shortest timeout there is. With zero, some compositors never see anybody return.
const AT_ONCE: u32 = 1;

/// Why there are no notifications.
#[derive(Debug, thiserror::Error)]
pub(crate) enum IdleNotifyError {
    #[error("the compositor at {} can't be reached ({why})", socket.display())]
    Unreachable { socket: PathBuf, why: String },
    #[error("the compositor at {} did not answer within {PATIENCE:?}", .0.display())]
    Silent(PathBuf),
    #[error("this compositor offers no idle protocol")]
    NoProtocol,
    #[error("this compositor has no seat")]
    NoSeat,
}

/// Connects and asks to be notified after `away_after`.
pub(crate) async fn open(
    socket: PathBuf,
    away_after: Duration,
) -> Result<Notifications, IdleNotifyError> {
    let set_up = async {
        let mut wire = Wire::connect(&socket).await?;
        wire.ask(away_after).await?;
        Ok::<_, io::Error>(wire)
    };
    match tokio::time::timeout(PATIENCE, set_up).await {
        Ok(Ok(wire)) if wire.seen.notifier.is_none() => Err(IdleNotifyError::NoProtocol),
        Ok(Ok(wire)) if wire.seen.seat.is_none() => Err(IdleNotifyError::NoSeat),
        Ok(Ok(wire)) => Ok(Notifications { wire, away_after }),
        Ok(Err(error)) => Err(IdleNotifyError::Unreachable { socket, why: error.to_string() }),
        Err(_) => Err(IdleNotifyError::Silent(socket)),
    }
}

/// The source: the compositor's notifications.
#[derive(Debug)]
pub(crate) struct Notifications {
    wire: Wire,
    away_after: Duration,
}

impl Source for Notifications {
    fn description(&self) -> Description {
        let knows_video = self.wire.seen.version() >= INPUT_ONLY;
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

    async fn run(mut self, to: &Reports) -> Lost {
        // Nothing is said at the start: the compositor counts from now on, and does not tell how long there
        // was no input before.
        let mut input = None;
        loop {
            while let Some(told) = self.wire.seen.told.pop_front() {
                if input.replace(told) != Some(told) {
                    to.send(match told {
                        Input::Active => Observation::InputActive,
                        Input::Idle => {
                            Observation::InputIdle { since: Moment::Ago(self.away_after) }
                        }
                    })
                    .await;
                }
            }
            if self.wire.seen.withdrawn {
                return Lost("the compositor took its idle protocol away".to_owned());
            }
            if let Err(error) = self.wire.dispatch().await {
                return Lost(format!("the compositor is gone ({error})"));
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
struct Wire {
    connection: Connection,
    queue: EventQueue<Seen>,
    seen: Seen,
    /// A second handle of the connection's socket, which tells when there is something to read.
    socket: UnixStream,
}

impl Wire {
    async fn connect(socket: &Path) -> io::Result<Self> {
        let stream = UnixStream::connect(socket).await?.into_std()?;
        let socket = UnixStream::from_std(stream.as_fd().try_clone_to_owned()?.into())?;
        let connection = Connection::from_socket(stream).map_err(io::Error::other)?;
        let queue = connection.new_event_queue();
        Ok(Self { connection, queue, seen: Seen::default(), socket })
    }

    /// Asks for notifications, where the compositor offers them.
    async fn ask(&mut self, away_after: Duration) -> io::Result<()> {
        let handle = self.queue.handle();
        self.connection.display().get_registry(&handle, ());
        self.answer().await?;
        let (Some((_, notifier)), Some((_, seat))) = (&self.seen.notifier, &self.seen.seat) else {
            return Ok(());
        };
        let input_only = self.seen.version() >= INPUT_ONLY;
        let after = |timeout: u32, purpose| {
            if input_only {
                notifier.get_input_idle_notification(timeout, seat, &handle, purpose);
            } else {
                notifier.get_idle_notification(timeout, seat, &handle, purpose);
            }
        };
        after(u32::try_from(away_after.as_millis()).unwrap_or(u32::MAX), Purpose::Away);
        after(AT_ONCE, Purpose::FirstInput);
        // Whoever refuses does so by now.
        self.answer().await
    }

    /// Waits until all that was asked for is answered.
    async fn answer(&mut self) -> io::Result<()> {
        self.seen.answered = false;
        self.connection.display().sync(&self.queue.handle(), ());
        while !self.seen.answered {
            self.dispatch().await?;
        }
        Ok(())
    }

    /// Waits for events and folds them in; cancel-safe.
    async fn dispatch(&mut self) -> io::Result<()> {
        while self.queue.dispatch_pending(&mut self.seen).map_err(failure)? == 0 {
            self.connection.flush().map_err(io_error)?;
            let queue = &self.queue;
            let read = || match queue.prepare_read() {
                Some(reading) => reading.read().map(drop).map_err(io_error),
                // There are events to be dispatched first.
                None => Ok(()),
            };
            self.socket.async_io(Interest::READABLE, read).await?;
        }
        // What an event gave rise to.
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
    /// Nobody was there for as long as was asked for; and the return.
    Away,
    /// The first input since the start, so that somebody who never goes away is known to be there. Given
    /// back after that, because it would tell of every input.
    FirstInput,
}

/// What came over the wire.
#[derive(Debug, Default)]
struct Seen {
    /// With the number by which the registry knows it.
    notifier: Option<(u32, ExtIdleNotifierV1)>,
    seat: Option<(u32, WlSeat)>,
    answered: bool,
    told: VecDeque<Input>,
    /// What was bound is there no longer.
    withdrawn: bool,
}

impl Seen {
    /// The version of the protocol that is spoken; 0 for none.
    fn version(&self) -> u32 {
        self.notifier.as_ref().map_or(0, |(_, notifier)| notifier.version())
    }
}

impl Dispatch<WlRegistry, ()> for Seen {
    fn event(
        seen: &mut Self,
        registry: &WlRegistry,
        event: wl_registry::Event,
        (): &(),
        _: &Connection,
        queue: &QueueHandle<Self>,
    ) {
        match event {
            wl_registry::Event::Global { name, interface, version } => {
                // Of several seats the first: there is hardly ever a second.
                if interface == WlSeat::interface().name && seen.seat.is_none() {
                    seen.seat = Some((name, registry.bind(name, 1, queue, ())));
                } else if interface == ExtIdleNotifierV1::interface().name {
                    let version = version.min(INPUT_ONLY);
                    seen.notifier = Some((name, registry.bind(name, version, queue, ())));
                }
            }
            wl_registry::Event::GlobalRemove { name } => {
                let notifier = seen.notifier.as_ref().map(|(name, _)| *name);
                let seat = seen.seat.as_ref().map(|(name, _)| *name);
                seen.withdrawn |= notifier == Some(name) || seat == Some(name);
            }
            _ => {}
        }
    }
}

impl Dispatch<WlCallback, ()> for Seen {
    fn event(
        seen: &mut Self,
        _: &WlCallback,
        _: wl_callback::Event,
        (): &(),
        _: &Connection,
        _: &QueueHandle<Self>,
    ) {
        seen.answered = true;
    }
}

impl Dispatch<ExtIdleNotificationV1, Purpose> for Seen {
    fn event(
        seen: &mut Self,
        notification: &ExtIdleNotificationV1,
        event: ext_idle_notification_v1::Event,
        purpose: &Purpose,
        _: &Connection,
        _: &QueueHandle<Self>,
    ) {
        match (purpose, event) {
            (Purpose::Away, ext_idle_notification_v1::Event::Idled) => {
                seen.told.push_back(Input::Idle);
            }
            (Purpose::Away, ext_idle_notification_v1::Event::Resumed) => {
                seen.told.push_back(Input::Active);
            }
            (Purpose::FirstInput, ext_idle_notification_v1::Event::Resumed) => {
                seen.told.push_back(Input::Active);
                notification.destroy();
            }
            _ => {}
        }
    }
}

delegate_noop!(Seen: ignore WlSeat);
delegate_noop!(Seen: ignore ExtIdleNotifierV1);
