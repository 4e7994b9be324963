//! Screen savers on the session bus: they report the lock where the locker does not tell logind.
//!
//! This module lists the known savers. It starts none: it asks a saver only while its name has an
//! owner. A saver that leaves keeps its last value, because a crashed locker is no reason to show a
//! person as present. The next owner of the name corrects it.

use std::convert::Infallible;

use zbus::names::OwnedUniqueName;
use zbus::{MatchRule, Message, message::Type};

use super::Places;
use super::bus::{self, Bus, Object, Unavailable, Which};
use super::lock::{LockSource, LockSources};
use crate::source::{Reports, SourceError};

const SAVERS: [Object<'static>; 6] = [
    saver("org.freedesktop.ScreenSaver", "/org/freedesktop/ScreenSaver"),
    saver("org.gnome.ScreenSaver", "/org/gnome/ScreenSaver"),
    Object {
        service: "org.kde.screensaver",
        path: "/ScreenSaver",
        interface: "org.freedesktop.ScreenSaver",
    },
    saver("org.cinnamon.ScreenSaver", "/org/cinnamon/ScreenSaver"),
    saver("org.mate.ScreenSaver", "/org/mate/ScreenSaver"),
    saver("org.xfce.ScreenSaver", "/org/xfce/ScreenSaver"),
];

/// A saver whose interface has the same name as its service, like most.
const fn saver(name: &'static str, path: &'static str) -> Object<'static> {
    Object { service: name, path, interface: name }
}

/// The source: the screen savers that are running.
#[derive(Debug)]
pub(super) struct Savers {
    bus: Bus,
    owners: [Option<OwnedUniqueName>; SAVERS.len()],
}

impl Savers {
    /// Connects and subscribes.
    pub(super) async fn open(places: &Places) -> Result<Self, Unavailable> {
        let address = places.session_bus.as_deref();
        let bus = Bus::connect(Which::Session, address).await.map_err(|error| Unavailable {
            why: format!("there is no session bus ({error})"),
            has_hint: bus::has_hint(address),
        })?;
        let mut savers = Self { bus, owners: Default::default() };
        savers.listen().await.map_err(|error| Unavailable {
            why: format!("the session bus refuses ({error})"),
            has_hint: false,
        })?;
        Ok(savers)
    }

    /// Whether any saver is running.
    pub(super) fn any(&self) -> bool {
        self.owners.iter().any(Option::is_some)
    }

    /// Reports what the savers say until the bus is lost.
    pub(super) async fn run(mut self, sources: &LockSources, to: &Reports) -> SourceError {
        match self.watch(sources, to).await {
            Err(lost) => lost,
        }
    }

    async fn listen(&mut self) -> zbus::Result<()> {
        for saver in SAVERS {
            self.bus.listen_to_owner(saver.service).await?;
            // Any path will do: KDE reports the same at two of them.
            let told = MatchRule::builder()
                .msg_type(Type::Signal)
                .sender(saver.service)?
                .interface(saver.interface)?
                .member("ActiveChanged")?;
            self.bus.listen(told.build()).await?;
        }
        for (saver, owner) in SAVERS.iter().zip(&mut self.owners) {
            *owner = self.bus.owner(saver.service).await?;
        }
        Ok(())
    }

    async fn watch(
        &mut self,
        sources: &LockSources,
        to: &Reports,
    ) -> Result<Infallible, SourceError> {
        for index in 0..SAVERS.len() {
            self.ask(index, sources, to).await;
        }
        loop {
            let message = self.bus.next().await?;
            self.handle(&message, sources, to).await;
        }
    }

    async fn handle(&mut self, message: &Message, sources: &LockSources, to: &Reports) {
        if let Some(changed) = bus::owner_changed(message) {
            if let Some(index) = SAVERS.iter().position(|saver| saver.service == changed.name) {
                self.owners[index] = changed.owner;
                self.ask(index, sources, to).await;
            }
            return;
        }
        let Some(active) = bus::read::<bool>(message) else {
            return;
        };
        for (index, owner) in self.owners.iter().enumerate() {
            if bus::is_from(message, owner.as_ref()) {
                sources.update(LockSource::saver(index), active, to).await;
            }
        }
    }

    /// Asks a saver that is running. Some answer with an error, as GNOME's proxy for the common
    /// name does: they know nothing.
    async fn ask(&self, index: usize, sources: &LockSources, to: &Reports) {
        if self.owners[index].is_none() {
            return;
        }
        match self.bus.call(SAVERS[index], "GetActive", &()).await {
            Ok(active) => sources.update(LockSource::saver(index), active, to).await,
            Err(error) => {
                tracing::debug!(saver = SAVERS[index].service, %error, "this saver tells nothing");
            }
        }
    }
}
