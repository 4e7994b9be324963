//! Detects whether the desktop is set to do-not-disturb.
//!
//! Each desktop keeps it elsewhere: KDE in the property `Inhibited` of its notification service,
//! Xfce in xfconf's channel `xfce4-notifyd`, GNOME in the setting `show-banners`. Any of them is
//! enough.
//!
//! `org.freedesktop.portal.Settings` does not offer GNOME's setting: its backends cover only
//! appearance and input. So dconf's signal shows when to look, and the program `gsettings` reads
//! the value.

use std::collections::HashMap;
use std::convert::Infallible;
use std::process::{Command, Stdio};

use porchlight_core::observation::Observation;
use zbus::message::Type;
use zbus::names::OwnedUniqueName;
use zbus::zvariant::OwnedValue;
use zbus::{MatchRule, Message};

use super::Places;
use super::bus::{self, Bus, Object, Which};
use crate::description::{Description, Missing, Subject, Tells};
use crate::source::{OpenError, Reports, Source, SourceError, Strand};

const KDE: Object<'static> = Object {
    service: "org.freedesktop.Notifications",
    path: "/org/freedesktop/Notifications",
    interface: "org.freedesktop.Notifications",
};
const INHIBITED: &str = "Inhibited";

const XFCE: Object<'static> =
    Object { service: "org.xfce.Xfconf", path: "/org/xfce/Xfconf", interface: "org.xfce.Xfconf" };
const CHANNEL: &str = "xfce4-notifyd";
const DO_NOT_DISTURB: &str = "/do-not-disturb";

/// Matches changes of this key or of a folder above it. Any sender will do, because the signal only
/// shows when to look. It is in D-Bus syntax, because dconf's paths are no object paths.
const DCONF_NOTIFY: &str = "type='signal',interface='ca.desrt.dconf.Writer',member='Notify',\
                            arg0path='/org/gnome/desktop/notifications/show-banners'";
const GNOME_SCHEMA: &str = "org.gnome.desktop.notifications";
const GNOME_KEY: &str = "show-banners";

/// The strand for the desktop's do-not-disturb.
#[derive(Debug)]
pub(crate) struct Dnd {
    places: Places,
    /// There was no bus at the last attempt, and a hint will show when there is one.
    has_hint: bool,
}

impl Dnd {
    pub(super) const fn new(places: Places) -> Self {
        Self { places, has_hint: false }
    }
}

impl Strand for Dnd {
    const SUBJECT: Subject = Subject::Dnd;

    type Source = Desktop;

    async fn open(&mut self) -> Result<Desktop, OpenError> {
        let missing = |error: zbus::Error| {
            Missing::new(
                format!(
                    "the desktop's do-not-disturb is not seen: there is no session bus ({error})"
                ),
                "start Porchlight from within your desktop session",
            )
        };
        let address = self.places.session_bus.as_deref();
        let connected = Bus::connect(Which::Session, address).await;
        self.has_hint = connected.is_err() && bus::has_hint(address);
        let bus = match connected {
            Ok(bus) => bus,
            Err(error) if self.has_hint => return Err(OpenError::UntilHint(missing(error))),
            Err(error) => return Err(missing(error).into()),
        };
        let opening = async {
            let mut desktop = Desktop {
                bus,
                kde: None,
                xfce: None,
                gnome: self.places.gnome,
                values: DesktopValues::default(),
            };
            desktop.listen().await?;
            desktop.read().await;
            Ok(desktop)
        };
        opening.await.map_err(|error| missing(error).into())
    }

    async fn hint(&mut self) {
        if !self.has_hint {
            // A bus that refuses is retried after a pause.
            return std::future::pending().await;
        }
        bus::listens(self.places.session_bus.as_deref()).await;
    }
}

/// The source: whichever desktop is running.
#[derive(Debug)]
pub(crate) struct Desktop {
    bus: Bus,
    /// The owner of the notification service's name, which may be KDE.
    kde: Option<OwnedUniqueName>,
    /// The owner of the name of Xfce's settings service.
    xfce: Option<OwnedUniqueName>,
    gnome: bool,
    values: DesktopValues,
}

/// The last value of each desktop; `None` if it has no such setting.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct DesktopValues {
    kde: Option<bool>,
    xfce: Option<bool>,
    gnome: Option<bool>,
}

impl DesktopValues {
    fn any(self) -> Option<bool> {
        [self.kde, self.xfce, self.gnome].into_iter().flatten().reduce(|one, other| one || other)
    }
}

impl Desktop {
    async fn listen(&mut self) -> zbus::Result<()> {
        for service in [KDE.service, XFCE.service] {
            self.bus.listen_to_owner(service).await?;
        }
        self.bus.listen(bus::properties_changed(KDE)?).await?;
        for member in ["PropertyChanged", "PropertyRemoved"] {
            let rule = MatchRule::builder()
                .msg_type(Type::Signal)
                .sender(XFCE.service)?
                .interface(XFCE.interface)?
                .member(member)?
                .arg(0, CHANNEL)?
                .arg(1, DO_NOT_DISTURB)?;
            self.bus.listen(rule.build()).await?;
        }
        if self.gnome {
            self.bus.listen_as(DCONF_NOTIFY).await?;
        }
        self.kde = self.bus.owner(KDE.service).await?;
        self.xfce = self.bus.owner(XFCE.service).await?;
        Ok(())
    }

    async fn read(&mut self) {
        self.values = DesktopValues {
            kde: self.read_kde().await,
            xfce: self.read_xfce().await,
            gnome: self.read_gnome().await,
        };
    }

    /// Reads the property. Other notification services do not have it.
    async fn read_kde(&self) -> Option<bool> {
        self.kde.as_ref()?;
        self.bus.property(KDE, INHIBITED).await.ok()
    }

    /// Reads the property. Xfce has it only after do-not-disturb was first switched on.
    async fn read_xfce(&self) -> Option<bool> {
        self.xfce.as_ref()?;
        let value: OwnedValue =
            self.bus.call(XFCE, "GetProperty", &(CHANNEL, DO_NOT_DISTURB)).await.ok()?;
        bool::try_from(value).ok()
    }

    async fn read_gnome(&self) -> Option<bool> {
        if !self.gnome {
            return None;
        }
        let asked = tokio::task::spawn_blocking(|| {
            let mut gsettings = Command::new("gsettings");
            gsettings.args(["get", GNOME_SCHEMA, GNOME_KEY]).stdin(Stdio::null()).output()
        });
        let answer = asked.await.ok()?.ok()?;
        match answer.stdout.trim_ascii() {
            b"true" => Some(false),
            b"false" => Some(true),
            _ => None,
        }
    }

    async fn watch(&mut self, to: &Reports) -> Result<Infallible, SourceError> {
        let mut reported = None;
        loop {
            let now = self.values.any();
            // When the desktop that reported it has gone, do-not-disturb is off.
            let report = now.or(reported.map(|_| false));
            if let Some(dnd) = report.filter(|_| report != reported) {
                to.send(Observation::DesktopDnd(dnd)).await;
            }
            reported = report;
            let message = self.bus.next().await?;
            self.handle(&message).await;
        }
    }

    async fn handle(&mut self, message: &Message) {
        if let Some(changed) = bus::owner_changed(message) {
            if changed.name == KDE.service {
                self.kde = changed.owner;
                self.values.kde = self.read_kde().await;
            } else if changed.name == XFCE.service {
                self.xfce = changed.owner;
                self.values.xfce = self.read_xfce().await;
            }
            return;
        }
        match bus::member(message).as_str() {
            "PropertiesChanged" if bus::is_from(message, self.kde.as_ref()) => {
                type Changed = (String, HashMap<String, OwnedValue>, Vec<String>);
                let changed: Option<Changed> = bus::read(message);
                let reported = changed.and_then(|(_, changed, _)| {
                    changed.get(INHIBITED).and_then(|value| bool::try_from(value).ok())
                });
                match reported {
                    Some(inhibited) => self.values.kde = Some(inhibited),
                    None => self.values.kde = self.read_kde().await,
                }
            }
            "PropertyChanged" | "PropertyRemoved" if bus::is_from(message, self.xfce.as_ref()) => {
                self.values.xfce = self.read_xfce().await;
            }
            "Notify" => self.values.gnome = self.read_gnome().await,
            _ => {}
        }
    }
}

impl Source for Desktop {
    fn description(&self) -> Description {
        let name = match self.values {
            DesktopValues { kde: Some(_), .. } => "kde",
            DesktopValues { xfce: Some(_), .. } => "xfce",
            DesktopValues { gnome: Some(_), .. } => "gnome",
            _ => "none",
        };
        let known = self.values.any().is_some();
        Description {
            name,
            tells: Tells { dnd: known, ..Tells::NOTHING },
            missing: (!known).then(|| {
                Missing::new(
                    "this desktop tells of no do-not-disturb yet",
                    "it is seen on KDE, GNOME and Xfce; elsewhere set your status by hand",
                )
            }),
        }
    }

    async fn run(mut self, to: &Reports) -> SourceError {
        match self.watch(to).await {
            Err(lost) => lost,
        }
    }
}
