//! A logind that the test controls.

use std::collections::HashMap;
use std::io::{ErrorKind, PipeReader, Read, pipe};
use std::os::fd::OwnedFd as StdFd;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, timeout};
use zbus::names::InterfaceName;
use zbus::object_server::InterfaceRef;
use zbus::zvariant::{ObjectPath, OwnedFd, OwnedObjectPath};
use zbus::{Connection, fdo, interface};

use super::DEADLINE;
use super::bus::Daemon;
use crate::session::Places;

pub(super) const MANAGER: &str = "/org/freedesktop/login1";
const USER: &str = "/org/freedesktop/login1/user/_7";

/// How a session can be found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum By {
    Id,
    Pid,
    Display,
    Nothing,
}

pub(super) fn path(id: &str) -> OwnedObjectPath {
    ObjectPath::try_from(format!("{MANAGER}/session/{id}")).unwrap().into()
}

#[derive(Default)]
struct Taken {
    inhibitors: Mutex<Vec<PipeReader>>,
    wishes: Mutex<Vec<[String; 4]>>,
    changed: Notify,
}

struct Manager {
    by: Arc<Mutex<(By, String)>>,
    taken: Arc<Taken>,
    sleeping: bool,
}

fn none() -> fdo::Error {
    fdo::Error::Failed("no such session".to_owned())
}

#[interface(name = "org.freedesktop.login1.Manager")]
impl Manager {
    fn get_session(&self, id: &str) -> fdo::Result<OwnedObjectPath> {
        let (by, known) = &*self.by.lock().unwrap();
        if *by == By::Id && id == known { Ok(path(known)) } else { Err(none()) }
    }

    #[zbus(name = "GetSessionByPID")]
    fn get_session_by_pid(&self, pid: u32) -> fdo::Result<OwnedObjectPath> {
        let (by, known) = &*self.by.lock().unwrap();
        let own = pid == std::process::id();
        if *by == By::Pid && own { Ok(path(known)) } else { Err(none()) }
    }

    fn get_user(&self, uid: u32) -> fdo::Result<OwnedObjectPath> {
        let own = uid == rustix::process::getuid().as_raw();
        if own { Ok(ObjectPath::from_static_str_unchecked(USER).into()) } else { Err(none()) }
    }

    fn inhibit(&self, what: String, who: String, why: String, mode: String) -> OwnedFd {
        let (ours, theirs) = pipe().unwrap();
        rustix::fs::fcntl_setfl(&ours, rustix::fs::OFlags::NONBLOCK).unwrap();
        self.taken.inhibitors.lock().unwrap().push(ours);
        self.taken.wishes.lock().unwrap().push([what, who, why, mode]);
        self.taken.changed.notify_one();
        OwnedFd::from(StdFd::from(theirs))
    }

    #[zbus(property)]
    fn preparing_for_sleep(&self) -> bool {
        self.sleeping
    }

    #[zbus(property)]
    fn preparing_for_shutdown(&self) -> bool {
        false
    }
}

struct User(Arc<Mutex<(By, String)>>);

#[interface(name = "org.freedesktop.login1.User")]
impl User {
    #[zbus(property)]
    fn display(&self) -> (String, OwnedObjectPath) {
        let (by, known) = &*self.0.lock().unwrap();
        if *by == By::Display {
            (known.clone(), path(known))
        } else {
            (String::new(), ObjectPath::from_static_str_unchecked("/").into())
        }
    }
}

pub(super) struct Session {
    locked_hint: bool,
    active: bool,
}

#[interface(name = "org.freedesktop.login1.Session")]
impl Session {
    #[zbus(property)]
    fn locked_hint(&self) -> bool {
        self.locked_hint
    }

    #[zbus(property)]
    fn active(&self) -> bool {
        self.active
    }
}

/// The service, with one session.
pub(super) struct Logind {
    connection: Connection,
    by: Arc<Mutex<(By, String)>>,
    taken: Arc<Taken>,
}

impl Logind {
    /// Starts it on a bus, with an unlocked session in the foreground.
    pub(super) async fn start(daemon: &Daemon, by: By) -> Self {
        Self::begin(daemon, by, false, false).await
    }

    pub(super) async fn locked(daemon: &Daemon) -> Self {
        Self::begin(daemon, By::Id, true, false).await
    }

    pub(super) async fn about_to_sleep(daemon: &Daemon) -> Self {
        Self::begin(daemon, By::Id, false, true).await
    }

    async fn begin(daemon: &Daemon, by: By, locked_hint: bool, sleeping: bool) -> Self {
        let by = Arc::new(Mutex::new((by, "c1".to_owned())));
        let taken = Arc::new(Taken::default());
        let manager = Manager { by: Arc::clone(&by), taken: Arc::clone(&taken), sleeping };
        let connection = daemon.connect().await;
        let server = connection.object_server();
        server.at(MANAGER, manager).await.unwrap();
        server.at(USER, User(Arc::clone(&by))).await.unwrap();
        server.at(path("c1"), Session { locked_hint, active: true }).await.unwrap();
        connection.request_name("org.freedesktop.login1").await.unwrap();
        Self { connection, by, taken }
    }

    pub(super) async fn stop(self) {
        self.connection.close().await.unwrap();
    }

    async fn session(&self, id: &str) -> InterfaceRef<Session> {
        self.connection.object_server().interface(path(id)).await.unwrap()
    }

    pub(super) async fn lock(&self, locked: bool) {
        let session = self.session("c1").await;
        let mut known = session.get_mut().await;
        known.locked_hint = locked;
        known.locked_hint_changed(session.signal_emitter()).await.unwrap();
    }

    /// Changes the lock, but sends only that it changed, not the value.
    pub(super) async fn lock_without_value(&self, locked: bool) {
        let session = self.session("c1").await;
        let mut known = session.get_mut().await;
        known.locked_hint = locked;
        let interface = InterfaceName::from_static_str_unchecked("org.freedesktop.login1.Session");
        let emitter = session.signal_emitter();
        let untold = fdo::Properties::properties_changed(
            emitter,
            interface,
            HashMap::new(),
            ["LockedHint"].as_slice().into(),
        );
        untold.await.unwrap();
    }

    pub(super) async fn foreground(&self, active: bool) {
        let session = self.session("c1").await;
        let mut known = session.get_mut().await;
        known.active = active;
        known.active_changed(session.signal_emitter()).await.unwrap();
    }

    /// Ends the person's session and gives them another one, which is locked.
    pub(super) async fn follow_with_a_locked_session(&self) {
        let server = self.connection.object_server();
        server.at(path("c2"), Session { locked_hint: true, active: true }).await.unwrap();
        *self.by.lock().unwrap() = (By::Display, "c2".to_owned());
        server.remove::<Session, _>(path("c1")).await.unwrap();
        self.emit("SessionRemoved", &("c1", path("c1"))).await;
    }

    /// Starts a session for a person who had none.
    pub(super) async fn log_in(&self) {
        *self.by.lock().unwrap() = (By::Id, "c1".to_owned());
        self.emit("SessionNew", &("c1", path("c1"))).await;
    }

    pub(super) async fn prepare(&self, signal: &str, start: bool) {
        self.emit(signal, &start).await;
    }

    async fn emit(
        &self,
        signal: &str,
        body: &(impl serde::Serialize + zbus::zvariant::DynamicType),
    ) {
        let interface = "org.freedesktop.login1.Manager";
        let sent = self.connection.emit_signal(None::<&str>, MANAGER, interface, signal, body);
        sent.await.unwrap();
    }

    /// Waits until this many inhibitors were taken in total.
    pub(super) async fn taken(&self, count: usize) {
        let taking = async {
            while self.taken.inhibitors.lock().unwrap().len() < count {
                self.taken.changed.notified().await;
            }
        };
        timeout(DEADLINE, taking).await.expect("an inhibitor in time");
        assert_eq!(self.taken.inhibitors.lock().unwrap().len(), count);
    }

    pub(super) fn arguments(&self) -> [String; 4] {
        self.taken.wishes.lock().unwrap()[0].clone()
    }

    /// Whether the inhibitor was released.
    pub(super) fn is_released(&self, index: usize) -> bool {
        let mut inhibitors = self.taken.inhibitors.lock().unwrap();
        match inhibitors[index].read(&mut [0]) {
            Ok(0) => true,
            Err(error) if error.kind() == ErrorKind::WouldBlock => false,
            other => panic!("an inhibitor that says {other:?}"),
        }
    }

    /// Waits until the inhibitor is released, and returns how long that took.
    pub(super) async fn released(&self, index: usize) -> Duration {
        let begun = Instant::now();
        let releasing = async {
            while !self.is_released(index) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        timeout(DEADLINE, releasing).await.expect("a released inhibitor");
        begun.elapsed()
    }
}

/// Uses this bus as the system bus, for a person with a session id.
pub(super) fn places(daemon: &Daemon) -> Places {
    Places {
        system_bus: Some(daemon.address()),
        session_id: Some("c1".to_owned()),
        ..Places::default()
    }
}
