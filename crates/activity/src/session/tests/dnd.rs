use std::collections::HashMap;
use std::process::Command;

use porchlight_core::observation::Observation::DesktopDnd;
use zbus::zvariant::{OwnedValue, Value};
use zbus::{Connection, fdo, interface};

use super::bus::Daemon;
use super::{alone, next, nothing_more, watch};
use crate::session::Places;
use crate::session::dnd::Dnd;

struct Notifications(bool);

/// A notification service like KDE's.
#[interface(name = "org.freedesktop.Notifications")]
impl Notifications {
    #[zbus(property)]
    fn inhibited(&self) -> bool {
        self.0
    }
}

const NOTIFICATIONS: &str = "/org/freedesktop/Notifications";

async fn kde(daemon: &Daemon, inhibited: bool) -> Connection {
    let connection = daemon.connect().await;
    connection.object_server().at(NOTIFICATIONS, Notifications(inhibited)).await.unwrap();
    connection.request_name("org.freedesktop.Notifications").await.unwrap();
    connection
}

async fn inhibit(kde: &Connection, inhibited: bool) {
    let server = kde.object_server();
    let service = server.interface::<_, Notifications>(NOTIFICATIONS).await.unwrap();
    let mut known = service.get_mut().await;
    known.0 = inhibited;
    known.inhibited_changed(service.signal_emitter()).await.unwrap();
}

struct Xfconf(HashMap<String, bool>);

#[interface(name = "org.xfce.Xfconf")]
impl Xfconf {
    fn get_property(&self, channel: &str, property: &str) -> fdo::Result<OwnedValue> {
        let known = self.0.get(property).filter(|_| channel == "xfce4-notifyd");
        let known = known.ok_or_else(|| fdo::Error::Failed("there is no such property".to_owned()));
        Ok(OwnedValue::from(*known?))
    }
}

const XFCONF: &str = "/org/xfce/Xfconf";

/// Sets or removes the property, and sends the signal for it.
async fn configure(xfce: &Connection, dnd: Option<bool>) {
    let server = xfce.object_server();
    let xfconf = server.interface::<_, Xfconf>(XFCONF).await.unwrap();
    let property = "/do-not-disturb";
    let interface = "org.xfce.Xfconf";
    match dnd {
        Some(dnd) => {
            xfconf.get_mut().await.0.insert(property.to_owned(), dnd);
            let body = ("xfce4-notifyd", property, Value::from(dnd));
            let sent = xfce.emit_signal(None::<&str>, XFCONF, interface, "PropertyChanged", &body);
            sent.await.unwrap();
        }
        None => {
            xfconf.get_mut().await.0.remove(property);
            let body = ("xfce4-notifyd", property);
            let sent = xfce.emit_signal(None::<&str>, XFCONF, interface, "PropertyRemoved", &body);
            sent.await.unwrap();
        }
    }
}

fn places(daemon: &Daemon) -> Places {
    Places { session_bus: Some(daemon.address()), ..Places::default() }
}

#[tokio::test]
async fn the_setting_of_kde_is_followed_and_so_is_its_end() {
    let daemon = Daemon::start();
    let kde_service = kde(&daemon, false).await;
    let mut watch = watch(Dnd::new(places(&daemon)));
    assert_eq!(next(&mut watch).await, DesktopDnd(false));
    inhibit(&kde_service, true).await;
    assert_eq!(next(&mut watch).await, DesktopDnd(true));
    kde_service.close().await.unwrap();
    assert_eq!(next(&mut watch).await, DesktopDnd(false));
    let _kde = kde(&daemon, true).await;
    assert_eq!(next(&mut watch).await, DesktopDnd(true));
}

#[tokio::test]
async fn the_setting_of_xfce_is_followed_from_the_first_time_it_is_switched_on() {
    let daemon = Daemon::start();
    let xfce = daemon.connect().await;
    xfce.object_server().at(XFCONF, Xfconf(HashMap::new())).await.unwrap();
    xfce.request_name("org.xfce.Xfconf").await.unwrap();
    let mut watch = watch(Dnd::new(places(&daemon)));
    watch.settle().await;
    let (_, description) = watch.report().next().unwrap();
    assert!(description.missing.is_some());
    nothing_more(&mut watch).await;
    configure(&xfce, Some(true)).await;
    assert_eq!(next(&mut watch).await, DesktopDnd(true));
    configure(&xfce, Some(false)).await;
    assert_eq!(next(&mut watch).await, DesktopDnd(false));
    configure(&xfce, Some(true)).await;
    assert_eq!(next(&mut watch).await, DesktopDnd(true));
    configure(&xfce, None).await;
    assert_eq!(next(&mut watch).await, DesktopDnd(false));
}

/// Uses the real settings of GNOME, in a temporary home.
#[tokio::test]
async fn the_setting_of_gnome_is_followed() {
    if !alone::is_alone() {
        let daemon = Daemon::start();
        let mut command = Command::new(alone::program());
        command
            .env("DBUS_SESSION_BUS_ADDRESS", daemon.address())
            .env("XDG_CONFIG_HOME", daemon.folder().join("config"))
            .env("XDG_RUNTIME_DIR", daemon.folder())
            .env("XDG_CURRENT_DESKTOP", "GNOME")
            .env("GSETTINGS_BACKEND", "dconf");
        return alone::run("session::tests::dnd::the_setting_of_gnome_is_followed", command);
    }
    let mut watch = watch(Dnd::new(Places::from_env()));
    assert_eq!(next(&mut watch).await, DesktopDnd(false));
    for dnd in [true, false] {
        let mut gsettings = Command::new("gsettings");
        let banners = if dnd { "false" } else { "true" };
        gsettings.args(["set", "org.gnome.desktop.notifications", "show-banners", banners]);
        assert!(gsettings.status().expect("gsettings (package libglib2.0-bin)").success());
        assert_eq!(next(&mut watch).await, DesktopDnd(dnd));
    }
}
