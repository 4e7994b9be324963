//! X11: the server's own idle clock, read by alarms.
//!
//! The XSync extension counts the time since the last input (`IDLETIME`) and sends an event when
//! the counter crosses a value. So neither a thread nor a timer runs here while nothing changes:
//! the connection's socket wakes the task. This source is not used under Wayland (see
//! `crate::auto`), and does not watch locks or sleep.

use std::io;
use std::os::fd::AsFd as _;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use porchlight_core::observation::{Moment, Observation};
use tokio::io::Interest;
use tokio::sync::oneshot;
use x11rb::connection::{Connection as _, RequestConnection as _};
use x11rb::errors::{ConnectError, ConnectionError, ReplyOrIdError};
use x11rb::protocol::Event;
use x11rb::protocol::sync::{self, ConnectionExt as _};
use x11rb::reexports::x11rb_protocol::{parse_display::parse_display, xauth::get_auth};
use x11rb::rust_connection::{DefaultStream, RustConnection};

use crate::description::{Description, Tells};
use crate::source::{Reports, Source, SourceError};

/// How long to wait for the X server's answer. A local one answers within milliseconds.
const TIMEOUT: Duration = Duration::from_secs(2);

/// The version of XSync that this source needs.
const XSYNC: (u8, u8) = (3, 1);

/// Why the alarms can't be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum X11Error {
    #[error("the X display {display:?} can't be reached ({why})")]
    Unreachable { display: String, why: String },
    #[error("the X display {0:?} did not answer within {TIMEOUT:?}")]
    Silent(String),
    /// The display exists, but does not count idle time.
    #[error("the X server can't tell idle time ({why})")]
    Uncounted { display: Box<Display>, why: String },
}

/// A connection to an X server that has answered.
#[derive(Debug)]
pub(crate) struct Display {
    connection: RustConnection,
    /// A second handle of the connection's socket, which shows when there is something to read.
    socket: tokio::net::UnixStream,
}

impl Display {
    /// Ends when the server ends.
    pub(crate) async fn gone(self) -> SourceError {
        loop {
            if let Err(error) = self.event().await {
                return server_gone(&error);
            }
        }
    }

    /// Waits for the next event; cancel-safe.
    async fn event(&self) -> io::Result<Event> {
        let poll = || match self.connection.poll_for_event() {
            Ok(event) => event.ok_or_else(|| io::ErrorKind::WouldBlock.into()),
            Err(ConnectionError::IoError(error)) => Err(error),
            Err(error) => Err(io::Error::other(error)),
        };
        match poll() {
            // Everything that arrived is read by now, as edge-triggered readiness requires.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                self.socket.async_io(Interest::READABLE, poll).await
            }
            polled => polled,
        }
    }
}

fn server_gone(error: &io::Error) -> SourceError {
    SourceError(format!("the X server is gone ({error})"))
}

/// Connects and sets two alarms: one for when the idle time reaches `away_after`, one for when it
/// falls below it again.
pub(crate) async fn open(display: &str, away_after: Duration) -> Result<Alarms, X11Error> {
    // Trimmed, because a server's reason ends with a line feed.
    let unreachable = |why: String| X11Error::Unreachable {
        display: display.to_owned(),
        why: why.trim_end().to_owned(),
    };

    let (socket_sender, socket_guard) = SocketGuard::new();
    let (answer, answered) = oneshot::channel();
    let name = display.to_owned();
    // This needs its own thread: a runtime waits for its blocking threads when it ends, and this
    // one may hang for as long as the system lets a connect hang.
    std::thread::Builder::new()
        .name("x11-setup".to_owned())
        .spawn(move || {
            let opened = connect(&name, socket_sender).map(|connection| {
                let set = set_alarms(&connection, away_after);
                (connection, set)
            });
            // Nobody receives it after the timeout.
            let _ = answer.send(opened);
        })
        .map_err(|error| unreachable(error.to_string()))?;

    let (connection, set) = match tokio::time::timeout(TIMEOUT, answered).await {
        Ok(Ok(opened)) => opened.map_err(|error| unreachable(error.to_string()))?,
        Ok(Err(_)) => return Err(unreachable("the set-up stopped unexpectedly".to_owned())),
        Err(_) => return Err(X11Error::Silent(display.to_owned())),
    };
    let socket = socket_guard.release().and_then(tokio::net::UnixStream::from_std);
    let socket = socket.map_err(|error| unreachable(error.to_string()))?;
    let display = Display { connection, socket };
    match set {
        Ok(set) => Ok(Alarms { display, set, away_after }),
        Err(unset) => {
            Err(X11Error::Uncounted { display: Box::new(display), why: unset.to_string() })
        }
    }
}

/// A second handle of the socket on which the set-up thread waits. If it is dropped without
/// `release`, it shuts the socket down, so that the thread ends instead of hanging.
struct SocketGuard(Option<oneshot::Receiver<UnixStream>>);

impl SocketGuard {
    fn new() -> (oneshot::Sender<UnixStream>, Self) {
        let (socket_sender, socket) = oneshot::channel();
        (socket_sender, Self(Some(socket)))
    }

    /// Returns the socket, which stays open.
    fn release(mut self) -> io::Result<UnixStream> {
        let socket = self.0.take().and_then(|mut socket| socket.try_recv().ok());
        socket.ok_or_else(|| io::ErrorKind::NotConnected.into())
    }
}

impl Drop for SocketGuard {
    fn drop(&mut self) {
        let Some(mut socket) = self.0.take() else {
            return;
        };
        // Closed first: a thread that connects only now can't send its socket, and ends.
        socket.close();
        if let Ok(socket) = socket.try_recv() {
            // An error means that the socket is shut down already.
            let _ = socket.shutdown(std::net::Shutdown::Both);
        }
    }
}

/// Does what [`RustConnection::connect`] does, but sends its socket to `socket_sender` before it
/// waits for an answer. Blocks.
fn connect(
    display: &str,
    socket_sender: oneshot::Sender<UnixStream>,
) -> Result<RustConnection, ConnectError> {
    let parsed = parse_display(Some(display))?;
    let mut last = ConnectError::UnknownError;
    for address in parsed.connect_instruction() {
        let (stream, (family, peer)) = match DefaultStream::connect(&address) {
            Ok(connected) => connected,
            Err(error) => {
                last = error.into();
                continue;
            }
        };
        // Every kind of socket is shut down the same way.
        let socket = UnixStream::from(stream.as_fd().try_clone_to_owned()?);
        if socket_sender.send(socket).is_err() {
            return Err(ConnectError::UnknownError);
        }
        // If there are no credentials, it connects without: the server decides.
        let (name, secret) =
            get_auth(family, &peer, parsed.display).ok().flatten().unwrap_or_default();
        return RustConnection::connect_to_stream_with_auth_info(
            stream,
            parsed.screen.into(),
            name,
            secret,
        );
    }
    Err(last)
}

/// The two alarms, as the server numbers them.
#[derive(Debug)]
struct AlarmSet {
    away: sync::Alarm,
    back: sync::Alarm,
    /// The time since the last input, read after both alarms were set.
    idle: Duration,
}

#[derive(Debug, thiserror::Error)]
enum UnsetError {
    #[error("it has no XSync")]
    NoXSync,
    #[error("its XSync has no counter IDLETIME")]
    NoIdleTime,
    #[error("{0}")]
    Refused(String),
}

impl<E: Into<ReplyOrIdError>> From<E> for UnsetError {
    fn from(error: E) -> Self {
        Self::Refused(error.into().to_string())
    }
}

/// Sets both alarms. Blocks for a few round trips.
fn set_alarms(connection: &RustConnection, away_after: Duration) -> Result<AlarmSet, UnsetError> {
    if connection.extension_information(sync::X11_EXTENSION_NAME)?.is_none() {
        return Err(UnsetError::NoXSync);
    }
    connection.sync_initialize(XSYNC.0, XSYNC.1)?.reply()?;
    let counters = connection.sync_list_system_counters()?.reply()?.counters;
    let idle = counters
        .iter()
        .find(|counter| counter.name == b"IDLETIME")
        .ok_or(UnsetError::NoIdleTime)?
        .counter;

    let away_ms = i64::try_from(away_after.as_millis()).unwrap_or(i64::MAX);
    let alarm = |at_ms: i64, test: sync::TESTTYPE| -> Result<_, UnsetError> {
        let id = connection.generate_id()?;
        let wanted = sync::CreateAlarmAux::new()
            .counter(idle)
            .value_type(sync::VALUETYPE::ABSOLUTE)
            .value(to_wire(at_ms))
            .test_type(test)
            // Zero keeps the alarm as it is, for the next crossing.
            .delta(to_wire(0))
            .events(1);
        Ok((id, connection.sync_create_alarm(id, &wanted)?))
    };
    let (away, away_set) = alarm(away_ms, sync::TESTTYPE::POSITIVE_TRANSITION)?;
    // One millisecond below, so that only a return from idle crosses it, and not every input.
    let (back, back_set) = alarm(away_ms - 1, sync::TESTTYPE::NEGATIVE_TRANSITION)?;
    // Read last: the server sends an event for each crossing since the alarms were set.
    let counted = connection.sync_query_counter(idle)?;
    away_set.check()?;
    back_set.check()?;
    Ok(AlarmSet { away, back, idle: from_wire(counted.reply()?.counter_value) })
}

fn to_wire(value: i64) -> sync::Int64 {
    // Split into two halves, so the casts truncate on purpose.
    sync::Int64 { hi: (value >> 32) as i32, lo: value as u32 }
}

fn from_wire(value: sync::Int64) -> Duration {
    let ms = (i64::from(value.hi) << 32) | i64::from(value.lo);
    Duration::from_millis(u64::try_from(ms).unwrap_or(0))
}

/// The source: two alarms on the idle counter.
#[derive(Debug)]
pub(crate) struct Alarms {
    display: Display,
    set: AlarmSet,
    away_after: Duration,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Input {
    Active,
    Idle,
}

impl Source for Alarms {
    fn description(&self) -> Description {
        Description { name: "xsync", tells: Tells::IDLE, missing: None }
    }

    async fn run(self, to: &Reports) -> SourceError {
        // Reports a person who is idle at the start at once, not only after the next crossing.
        let mut input = if self.set.idle >= self.away_after { Input::Idle } else { Input::Active };
        to.send(observation(input, self.set.idle)).await;
        loop {
            let alarm = match self.display.event().await {
                Ok(Event::SyncAlarmNotify(alarm)) => alarm,
                Ok(_) => continue,
                Err(error) => return server_gone(&error),
            };
            if alarm.state == sync::ALARMSTATE::DESTROYED {
                return SourceError("the X server took its idle counter away".to_owned());
            }
            let crossed = match alarm.alarm {
                id if id == self.set.away => Input::Idle,
                id if id == self.set.back => Input::Active,
                _ => continue,
            };
            // A crossing between setting the alarms and reading the counter is already known.
            if crossed != input {
                input = crossed;
                to.send(observation(input, from_wire(alarm.counter_value))).await;
            }
        }
    }
}

fn observation(input: Input, idle: Duration) -> Observation {
    match input {
        Input::Active => Observation::InputActive,
        Input::Idle => Observation::InputIdle { since: Moment::Ago(idle) },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counter_values_survive_the_wire() {
        for ms in [0, 1, 999, u64::from(u32::MAX), u64::from(u32::MAX) + 1, i64::MAX.unsigned_abs()]
        {
            let value = i64::try_from(ms).unwrap();
            assert_eq!(from_wire(to_wire(value)), Duration::from_millis(ms));
        }
    }

    #[test]
    fn a_counter_below_zero_is_no_idle_time() {
        assert_eq!(from_wire(to_wire(-1)), Duration::ZERO);
    }
}
