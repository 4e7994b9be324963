//! Screen savers on the session bus: the lock, where the locker does not tell logind.
//!
//! Owns which savers are known. None is started: a saver is asked only while somebody owns its name.
//! A saver that leaves keeps its last word, because a locker that crashed is no reason to show somebody as
//! present; the next owner of the name corrects it.

use std::convert::Infallible;

use zbus::names::OwnedUniqueName;
use zbus::{MatchRule, Message, message::Type};

use super::Places;
use super::bus::{self, Bus, Object, Silent, Which};
use super::lock::{Voice, Voices};
use crate::source::{Lost, Reports};

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

/// Most savers call their interface like their name.
const fn saver(name: &'static str, path: &'static str) -> Object<'static> {
    Object { service: name, path, interface: name }
}

/// Whatever saver is there.
#[derive(Debug)]
pub(super) struct Savers {
    bus: Bus,
    owners: [Option<OwnedUniqueName>; SAVERS.len()],
}

impl Savers {
    /// Begins to listen; else why it can't.
    pub(super) async fn open(places: &Places) -> Result<Self, Silent> {
        let address = places.session_bus.as_deref();
        let bus = Bus::connect(Which::Session, address).await.map_err(|error| Silent {
            why: format!("there is no session bus ({error})"),
            seen: bus::is_seen(address),
        })?;
        let mut savers = Self { bus, owners: Default::default() };
        savers.listen().await.map_err(|error| Silent {
            why: format!("the session bus refuses ({error})"),
            seen: false,
        })?;
        Ok(savers)
    }

    /// Whether there is one at present.
    pub(super) fn any(&self) -> bool {
        self.owners.iter().any(Option::is_some)
    }

    /// Tells what they say for as long as the bus lasts.
    pub(super) async fn run(mut self, voices: &Voices, to: &Reports) -> Lost {
        match self.watch(voices, to).await {
            Err(lost) => lost,
        }
    }

    async fn listen(&mut self) -> zbus::Result<()> {
        for saver in SAVERS {
            self.bus.listen_to_owner(saver.service).await?;
            // Whatever its path: KDE tells the same at two of them.
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

    async fn watch(&mut self, voices: &Voices, to: &Reports) -> Result<Infallible, Lost> {
        for index in 0..SAVERS.len() {
            self.ask(index, voices, to).await;
        }
        loop {
            let message = self.bus.next().await?;
            self.handle(&message, voices, to).await;
        }
    }

    async fn handle(&mut self, message: &Message, voices: &Voices, to: &Reports) {
        if let Some(changed) = bus::owner_changed(message) {
            if let Some(index) = SAVERS.iter().position(|saver| saver.service == changed.name) {
                self.owners[index] = changed.owner;
                self.ask(index, voices, to).await;
            }
            return;
        }
        let Some(active) = bus::read::<bool>(message) else {
            return;
        };
        for (index, owner) in self.owners.iter().enumerate() {
            if bus::is_from(message, owner.as_ref()) {
                voices.hear(Voice::saver(index), active, to).await;
            }
        }
    }

    /// Asks a saver that is there. Some answer with an error, as GNOME's proxy for the common name does:
    /// they know nothing.
    async fn ask(&self, index: usize, voices: &Voices, to: &Reports) {
        if self.owners[index].is_none() {
            return;
        }
        match self.bus.call(SAVERS[index], "GetActive", &()).await {
            Ok(active) => voices.hear(Voice::saver(index), active, to).await,
            Err(error) => {
                tracing::debug!(saver = SAVERS[index].service, %error, "this saver tells nothing");
            }
        }
    }
}
