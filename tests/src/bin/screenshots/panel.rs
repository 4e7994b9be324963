//! A real panel with a real tray in it: Xfce's, along the upper edge, and Xfce's notifications.

use std::path::{Path, PathBuf};

use porchlight_tests::binary::tool;
use porchlight_tests::until::START;
use porchlight_tests::{Area, Proc, Session, until, until_async};

/// The panel: room, the tray, a clock.
const PANEL: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<channel name="xfce4-panel" version="1.0">
  <property name="configver" type="int" value="2"/>
  <property name="panels" type="array">
    <value type="int" value="1"/>
    <property name="panel-1" type="empty">
      <property name="position" type="string" value="p=6;x=0;y=0"/>
      <property name="length" type="uint" value="100"/>
      <property name="position-locked" type="bool" value="true"/>
      <property name="size" type="uint" value="32"/>
      <property name="icon-size" type="uint" value="22"/>
      <property name="plugin-ids" type="array">
        <value type="int" value="1"/>
        <value type="int" value="2"/>
        <value type="int" value="3"/>
        <value type="int" value="4"/>
      </property>
    </property>
  </property>
  <property name="plugins" type="empty">
    <property name="plugin-1" type="string" value="separator">
      <property name="expand" type="bool" value="true"/>
      <property name="style" type="uint" value="0"/>
    </property>
    <property name="plugin-2" type="string" value="systray">
      <property name="square-icons" type="bool" value="true"/>
      <property name="icon-size" type="int" value="22"/>
    </property>
    <property name="plugin-3" type="string" value="clock">
      <property name="mode" type="uint" value="2"/>
      <property name="digital-layout" type="uint" value="3"/>
      <property name="digital-time-font" type="string" value="Inter 10"/>
      <property name="digital-time-format" type="string" value="%H:%M"/>
    </property>
    <property name="plugin-4" type="string" value="separator">
      <property name="style" type="uint" value="0"/>
    </property>
  </property>
</channel>
"#;

/// Notifications stay up, in the upper right corner.
const NOTICES: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<channel name="xfce4-notifyd" version="1.0">
  <property name="notify-location" type="uint" value="2"/>
  <property name="initial-opacity" type="double" value="1.0"/>
  <property name="do-fadeout" type="bool" value="false"/>
  <property name="do-slideout" type="bool" value="false"/>
  <property name="expire-timeout-enabled" type="bool" value="false"/>
</channel>
"#;

/// A running panel.
pub(crate) struct Panel {
    _panel: Proc,
    _settings: Proc,
    area: Area,
}

impl Panel {
    pub(crate) async fn start(session: &Session) -> Self {
        let channels = session.config_home().join("xfce4/xfconf/xfce-perchannel-xml");
        std::fs::create_dir_all(&channels).expect("a session's folder can be written to");
        for (name, channel) in [("xfce4-panel", PANEL), ("xfce4-notifyd", NOTICES)] {
            std::fs::write(channels.join(format!("{name}.xml")), channel)
                .expect("a session's folder can be written to");
        }
        icons(session);
        let settings = session.spawn(library("xfce4/xfconf/xfconfd", "xfconf"), &[]);
        owned(session, "org.xfce.Xfconf", &settings).await;
        let panel = session
            .spawn(tool("xfce4-panel", "install the package xfce4-panel"), &["--disable-wm-check"]);
        owned(session, "org.kde.StatusNotifierWatcher", &panel).await;
        let window = until(format!("the panel\n{panel}"), START, || {
            session
                .windows("^xfce4-panel$")
                .into_iter()
                .find(|it| session.area(*it).width == session.screen().width)
        })
        .await;
        Self { area: session.area(window), _panel: panel, _settings: settings }
    }

    /// Starts Xfce's notification daemon.
    pub(crate) async fn notices(&self, session: &Session) -> Proc {
        let daemon = session.spawn(library("xfce4/notifyd/xfce4-notifyd", "xfce4-notifyd"), &[]);
        owned(session, "org.freedesktop.Notifications", &daemon).await;
        daemon
    }

    /// Where it is.
    pub(crate) fn area(&self) -> Area {
        self.area
    }

    /// Where the icon with this colour in it stands, once it does.
    pub(crate) async fn icon(&self, session: &Session, colour: u32) -> Area {
        let look = || session.coloured(self.area, colour);
        until("the icon in the panel", START, look).await;
        // It moves while the panel makes room for it.
        session.still(self.area).await;
        until("the icon in the panel", START, look).await
    }
}

/// A program that is not on the path: Debian has a folder for each architecture, others have one for all.
fn library(program: &str, package: &str) -> PathBuf {
    let folders = std::fs::read_dir("/usr/lib").into_iter().flatten().flatten();
    let folders =
        folders.map(|folder| folder.path()).chain(["/usr/lib".into(), "/usr/libexec".into()]);
    let mut programs = folders.map(|folder| folder.join(program));
    programs
        .find(|program| program.is_file())
        .unwrap_or_else(|| panic!("no {program} found: install the package {package}"))
}

/// Installs the app's icons for this session, as its package does.
fn icons(session: &Session) {
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("../icons/hicolor");
    let to = session.data_home().join("icons/hicolor");
    for size in ["48x48", "128x128"] {
        let to = to.join(size).join("apps");
        std::fs::create_dir_all(&to).expect("a session's folder can be written to");
        let icon = "app.porchlight.Porchlight.png";
        std::fs::copy(from.join(size).join("apps").join(icon), to.join(icon)).expect("an icon");
    }
}

/// Waits until somebody has this name on the session bus.
async fn owned(session: &Session, name: &str, by: &Proc) {
    let bus = session.connection().await;
    let bus = zbus::fdo::DBusProxy::new(&bus).await.expect("a bus");
    until_async(format!("{name} on the bus\n{by}"), START, async || {
        bus.name_has_owner(name.try_into().expect("a name")).await.unwrap_or(false)
    })
    .await;
}
