//! A login manager that does as it is told.

use std::io::{ErrorKind, PipeReader, Read, pipe};
use std::os::fd::OwnedFd as Fd;
use std::sync::{Arc, Mutex, PoisonError};

use zbus::zvariant::{ObjectPath, OwnedFd, OwnedObjectPath};
use zbus::{Connection, fdo, interface};

/// The one session that it knows.
pub(super) const SESSION_ID: &str = "c1";

const NAME: &str = "org.freedesktop.login1";
const MANAGER: &str = "/org/freedesktop/login1";
const SESSION: &str = "/org/freedesktop/login1/session/c1";

/// Our ends of the delay inhibitors. One reads end of file when its holder has released the other end.
type Delays = Arc<Mutex<Vec<PipeReader>>>;

/// The D-Bus object of the manager.
struct Manager {
    delays: Delays,
}

#[interface(name = "org.freedesktop.login1.Manager")]
impl Manager {
    fn get_session(&self, id: &str) -> fdo::Result<OwnedObjectPath> {
        if id == SESSION_ID {
            Ok(ObjectPath::from_static_str_unchecked(SESSION).into())
        } else {
            Err(fdo::Error::Failed(format!("no session {id}")))
        }
    }

    fn inhibit(&self, what: &str, who: &str, why: &str, mode: &str) -> fdo::Result<OwnedFd> {
        if mode != "delay" || !what.split(':').any(|what| what == "sleep") {
            let wish = format!("{who} wants {what} with {mode}: {why}");
            return Err(fdo::Error::AccessDenied(wish));
        }
        let failed = |error: std::io::Error| fdo::Error::Failed(error.to_string());
        let (ours, theirs) = pipe().map_err(failed)?;
        rustix::fs::fcntl_setfl(&ours, rustix::fs::OFlags::NONBLOCK)
            .map_err(|error| failed(error.into()))?;
        self.delays.lock().unwrap_or_else(PoisonError::into_inner).push(ours);
        Ok(OwnedFd::from(Fd::from(theirs)))
    }

    #[zbus(property)]
    fn preparing_for_sleep(&self) -> bool {
        false
    }

    #[zbus(property)]
    fn preparing_for_shutdown(&self) -> bool {
        false
    }
}

/// The D-Bus object of the session.
struct Login {
    locked: bool,
}

#[interface(name = "org.freedesktop.login1.Session")]
impl Login {
    #[zbus(property)]
    fn locked_hint(&self) -> bool {
        self.locked
    }

    #[zbus(property)]
    fn active(&self) -> bool {
        true
    }
}

#[derive(Debug)]
pub(super) struct Logind {
    bus: Connection,
    delays: Delays,
}

impl Logind {
    /// On the system bus, with an unlocked session in the foreground.
    pub(super) async fn start(bus: Connection) -> Self {
        let delays = Delays::default();
        let server = bus.object_server();
        let manager = Manager { delays: Arc::clone(&delays) };
        server.at(MANAGER, manager).await.expect("a path of its own");
        server.at(SESSION, Login { locked: false }).await.expect("a path of its own");
        bus.request_name(NAME).await.expect("a bus without a login manager");
        Self { bus, delays }
    }

    pub(super) async fn hint_lock(&self, locked: bool) {
        let session = self.bus.object_server().interface::<_, Login>(SESSION).await;
        let session = session.expect("it is there");
        let mut login = session.get_mut().await;
        login.locked = locked;
        let told = login.locked_hint_changed(session.signal_emitter());
        told.await.expect("the bus takes signals");
    }

    pub(super) async fn prepare_for_sleep(&self, start: bool) {
        let interface = "org.freedesktop.login1.Manager";
        let told =
            self.bus.emit_signal(None::<&str>, MANAGER, interface, "PrepareForSleep", &start);
        told.await.expect("the bus takes signals");
    }

    /// How many delay inhibitors are held.
    pub(super) fn delays(&self) -> usize {
        let mut delays = self.delays.lock().unwrap_or_else(PoisonError::into_inner);
        // Nobody writes: it would block while the other end is held, and is at its end afterwards.
        delays.retain_mut(|delay| {
            matches!(delay.read(&mut [0]), Err(error) if error.kind() == ErrorKind::WouldBlock)
        });
        delays.len()
    }
}
