//! A screen saver that the test controls.

use zbus::{Connection, fdo, interface};

use super::bus::Daemon;

const NAME: &str = "org.freedesktop.ScreenSaver";
const PATH: &str = "/org/freedesktop/ScreenSaver";

struct Saver(Option<bool>);

#[interface(name = "org.freedesktop.ScreenSaver")]
impl Saver {
    fn get_active(&self) -> fdo::Result<bool> {
        self.0.ok_or_else(|| fdo::Error::NotSupported("only a proxy".to_owned()))
    }
}

/// A screen saver on a bus.
pub(super) struct ScreenSaver(Connection);

impl ScreenSaver {
    /// `None` answers with an error, as GNOME's proxy for the common name does.
    pub(super) async fn start(daemon: &Daemon, active: Option<bool>) -> Self {
        let connection = daemon.connect().await;
        connection.object_server().at(PATH, Saver(active)).await.unwrap();
        connection.request_name(NAME).await.unwrap();
        Self(connection)
    }

    pub(super) async fn tell(&self, active: bool) {
        self.0.emit_signal(None::<&str>, PATH, NAME, "ActiveChanged", &active).await.unwrap();
    }

    pub(super) async fn stop(self) {
        self.0.close().await.unwrap();
    }
}

/// Another client sends the same signal.
pub(super) async fn pretend(stranger: &Connection, to: &str, active: bool) {
    stranger.emit_signal(Some(to), PATH, NAME, "ActiveChanged", &active).await.unwrap();
}
