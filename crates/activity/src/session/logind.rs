//! systemd-logind (or elogind) on the system bus: what its listeners share, and the login session.
//!
//! This module finds the person's session. See org.freedesktop.login1(5). It accepts signals only
//! from the present owner of logind's name, because any user of the machine may send a signal.

use std::collections::HashMap;
use std::time::Duration;

use tokio::time::sleep;
use zbus::Message;
use zbus::names::OwnedUniqueName;
use zbus::zvariant::{OwnedObjectPath, OwnedValue};

use super::Places;
use super::bus::{self, Bus, Object, Unavailable, Which};
use crate::source::SourceError;

const LOGIND: &str = "org.freedesktop.login1";
pub(super) const MANAGER: Object<'static> = Object {
    service: LOGIND,
    path: "/org/freedesktop/login1",
    interface: "org.freedesktop.login1.Manager",
};
const SESSION: &str = "org.freedesktop.login1.Session";
const USER: &str = "org.freedesktop.login1.User";

/// A connection to one instance of logind. It ends when logind restarts.
#[derive(Debug)]
pub(super) struct Logind {
    pub(super) bus: Bus,
    owner: OwnedUniqueName,
}

impl Logind {
    /// Listens to these signals of the manager.
    pub(super) async fn open(
        places: &Places,
        signals: &[&'static str],
    ) -> Result<Self, Unavailable> {
        let address = places.system_bus.as_deref();
        let has_hint = bus::has_hint(address);
        let bus = Bus::connect(Which::System, address).await.map_err(|error| Unavailable {
            why: format!("there is no system bus ({error})"),
            has_hint,
        })?;
        let listening = async {
            bus.listen_to_owner(LOGIND).await?;
            for member in signals {
                bus.listen(bus::signal(MANAGER, member)?).await?;
            }
            bus.owner(LOGIND).await
        };
        match listening.await {
            Ok(Some(owner)) => Ok(Self { bus, owner }),
            Ok(None) => {
                Err(Unavailable { why: "logind does not run on this machine".to_owned(), has_hint })
            }
            Err(error) => Err(Unavailable {
                why: format!("the system bus refuses ({error})"),
                has_hint: false,
            }),
        }
    }

    /// Waits for the next signal of logind. Cancel-safe.
    pub(super) async fn next(&mut self) -> Result<Message, SourceError> {
        loop {
            let message = self.bus.next().await?;
            if let Some(changed) = bus::owner_changed(&message) {
                if changed.owner.as_ref() != Some(&self.owner) {
                    return Err(SourceError("logind has stopped".to_owned()));
                }
            } else if bus::is_from(&message, Some(&self.owner)) {
                return Ok(message);
            }
        }
    }
}

/// A boolean property of the person's login session.
#[derive(Debug)]
pub(super) struct Login {
    logind: Logind,
    property: &'static str,
    /// `XDG_SESSION_ID`
    id: Option<String>,
    path: OwnedObjectPath,
    /// The property must be read: it never was, or the session is a new one.
    unread: bool,
}

impl Login {
    /// Starts to watch the property.
    pub(super) async fn open(places: &Places, property: &'static str) -> Result<Self, Unavailable> {
        let logind = Logind::open(places, &["SessionRemoved"]).await?;
        let id = places.session_id.clone();
        let path = find(&logind.bus, id.as_deref()).await.ok_or_else(|| Unavailable {
            why: "logind knows no session of yours".to_owned(),
            has_hint: bus::has_hint(places.system_bus.as_deref()),
        })?;
        Ok(Self { logind, property, id, path, unread: true })
    }

    /// Returns the property, at once the first time and then whenever it may have changed.
    pub(super) async fn next(&mut self) -> Result<bool, SourceError> {
        loop {
            // Read after the subscription, so that no change is missed.
            if self.unread {
                let value = self.read().await.map_err(|error| self.logind.bus.lost(&error))?;
                self.unread = false;
                return Ok(value);
            }
            let message = self.logind.next().await?;
            match bus::member(&message).as_str() {
                "PropertiesChanged" => match self.changed(&message) {
                    Change::To(value) => return Ok(value),
                    Change::Unread => self.unread = true,
                    Change::None => {}
                },
                "SessionRemoved" => {
                    let removed: Option<(String, OwnedObjectPath)> = bus::read(&message);
                    if removed.is_some_and(|(_, path)| path == self.path) {
                        let id = self.id.as_deref();
                        let Some(path) = find(&self.logind.bus, id).await else {
                            return Err(SourceError("your login session has ended".to_owned()));
                        };
                        self.path = path;
                        self.unread = true;
                    }
                }
                _ => {}
            }
        }
    }

    async fn read(&self) -> zbus::Result<bool> {
        let session = Object { service: LOGIND, path: &self.path, interface: SESSION };
        self.logind.bus.property(session, self.property).await
    }

    fn changed(&self, message: &Message) -> Change {
        type Changed = (String, HashMap<String, OwnedValue>, Vec<String>);
        let header = message.header();
        if header.path().map(|path| path.as_str()) != Some(self.path.as_str()) {
            return Change::None;
        }
        let Some((_, changed, invalidated)) = bus::read::<Changed>(message) else {
            return Change::None;
        };
        match changed.get(self.property).map(bool::try_from) {
            Some(Ok(value)) => Change::To(value),
            Some(Err(_)) => Change::Unread,
            None if invalidated.iter().any(|name| name == self.property) => Change::Unread,
            None => Change::None,
        }
    }
}

enum Change {
    None,
    To(bool),
    /// It changed, and the signal does not contain the new value.
    Unread,
}

/// What [`appears`] waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wanted {
    /// logind itself.
    Manager,
    /// logind and a login session of the person.
    Session,
}

/// Ends when that is available. Never ends if that can't be noticed.
pub(super) async fn appears(places: &Places, wanted: Wanted) {
    /// Keeps a bus that hangs up again and again from keeping us busy.
    const PAUSE: Duration = Duration::from_secs(1);
    let address = places.system_bus.as_deref();
    loop {
        bus::listens(address).await;
        if appears_on_bus(places, wanted).await.is_ok() {
            return;
        }
        sleep(PAUSE).await;
    }
}

async fn appears_on_bus(places: &Places, wanted: Wanted) -> Result<(), SourceError> {
    let mut bus = Bus::connect(Which::System, places.system_bus.as_deref())
        .await
        .map_err(|error| SourceError(error.to_string()))?;
    let listening = async {
        bus.listen_to_owner(LOGIND).await?;
        bus.listen(bus::signal(MANAGER, "SessionNew")?).await
    };
    listening.await.map_err(|error| bus.lost(&error))?;
    loop {
        let owner = bus.owner(LOGIND).await.map_err(|error| bus.lost(&error))?;
        let there = match wanted {
            Wanted::Manager => owner.is_some(),
            Wanted::Session => {
                owner.is_some() && find(&bus, places.session_id.as_deref()).await.is_some()
            }
        };
        if there {
            return Ok(());
        }
        bus.next().await?;
    }
}

/// Finds the person's login session and subscribes to its properties. A program below `systemd
/// --user` has no session of its own, so its environment comes first, and the user's display last.
async fn find(bus: &Bus, id: Option<&str>) -> Option<OwnedObjectPath> {
    let mut found: Option<OwnedObjectPath> = None;
    if let Some(id) = id {
        found = bus.call(MANAGER, "GetSession", &(id,)).await.ok();
    }
    if found.is_none() {
        found = bus.call(MANAGER, "GetSessionByPID", &(std::process::id(),)).await.ok();
    }
    if found.is_none() {
        found = display(bus).await;
    }
    let path = found?;
    let listening = async {
        let session = Object { service: LOGIND, path: &path, interface: SESSION };
        bus.listen(bus::properties_changed(session)?).await
    };
    listening.await.ok()?;
    Some(path)
}

/// The session with the user's display.
async fn display(bus: &Bus) -> Option<OwnedObjectPath> {
    let uid = rustix::process::getuid().as_raw();
    let user: OwnedObjectPath = bus.call(MANAGER, "GetUser", &(uid,)).await.ok()?;
    let user = Object { service: LOGIND, path: &user, interface: USER };
    let display: OwnedValue = bus.property(user, "Display").await.ok()?;
    let (id, path) = <(String, OwnedObjectPath)>::try_from(display).ok()?;
    (!id.is_empty()).then_some(path)
}
