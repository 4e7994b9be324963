//! A screen saver that does as it is told.

use zbus::{Connection, interface};

const NAME: &str = "org.freedesktop.ScreenSaver";
const PATH: &str = "/org/freedesktop/ScreenSaver";

/// The D-Bus object.
struct Object {
    active: bool,
}

#[interface(name = "org.freedesktop.ScreenSaver")]
impl Object {
    fn get_active(&self) -> bool {
        self.active
    }
}

#[derive(Debug)]
pub(super) struct Saver(Connection);

impl Saver {
    /// On the session bus, with the screen uncovered.
    pub(super) async fn start(bus: Connection) -> Self {
        let object = Object { active: false };
        bus.object_server().at(PATH, object).await.expect("a path of its own");
        bus.request_name(NAME).await.expect("a bus without a screen saver");
        Self(bus)
    }

    pub(super) async fn tell(&self, active: bool) {
        let object = self.0.object_server().interface::<_, Object>(PATH).await;
        object.expect("it is there").get_mut().await.active = active;
        let told = self.0.emit_signal(None::<&str>, PATH, NAME, "ActiveChanged", &active);
        told.await.expect("the bus takes signals");
    }
}
