//! What the session and the machine report besides input: screen lock, seat, sleep and network, and
//! on request calls and the desktop's do-not-disturb.
//!
//! This module knows where each service listens. Each subject is one file; `bus` and `logind` are
//! shared. It starts and changes nothing. The only thing it takes is a delay inhibitor, so that the
//! device can publish its goodbye before the machine sleeps.
//!
//! Nothing wakes up here while nothing changes. [`crate::supervise`] reopens a source that is lost.

mod awake;
mod bus;
mod call;
mod dnd;
mod inhibitor;
mod lock;
mod logind;
mod network;
mod power;
mod savers;
mod seat;
#[cfg(test)]
mod tests;

use std::path::PathBuf;

use crate::settings::Settings;
use crate::supervise::Supervisor;

/// The usual address of the system bus (D-Bus specification, *Well-known Message Bus Instances*).
const SYSTEM_BUS: &str = "unix:path=/var/run/dbus/system_bus_socket";

/// Where the session's services listen; none by default. An empty value counts as unset.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Places {
    /// `DBUS_SYSTEM_BUS_ADDRESS`, else the usual address.
    system_bus: Option<String>,
    /// `DBUS_SESSION_BUS_ADDRESS`, else the user's own bus.
    session_bus: Option<String>,
    /// `XDG_SESSION_ID`
    session_id: Option<String>,
    /// Whether `XDG_CURRENT_DESKTOP` names GNOME.
    gnome: bool,
    /// The sockets on which a sound server may listen, in order of preference.
    sound: Vec<PathBuf>,
    /// The files that may contain the sound server's cookie, in order of preference.
    sound_cookies: Vec<PathBuf>,
}

impl Places {
    /// Reads the environment of this process. Call it once.
    #[must_use]
    pub fn from_env() -> Self {
        Self::read(|name| std::env::var(name).ok().filter(|value| !value.is_empty()))
    }

    fn read(env: impl Fn(&str) -> Option<String>) -> Self {
        let desktops = env("XDG_CURRENT_DESKTOP").unwrap_or_default();
        let below = |name, rest: &str| env(name).map(|folder| PathBuf::from(folder).join(rest));
        // PULSE_SERVER may name several servers, each with the machine that it is meant for:
        // `{machine}unix:/path tcp:host`. A server on another machine has other microphones.
        let servers = env("PULSE_SERVER").unwrap_or_default();
        let named = servers.split_whitespace().filter_map(|server| {
            let server = server.rsplit('}').next().unwrap_or(server);
            let path = server.strip_prefix("unix:").unwrap_or(server);
            path.starts_with('/').then(|| PathBuf::from(path))
        });
        let usual =
            [below("PULSE_RUNTIME_PATH", "native"), below("XDG_RUNTIME_DIR", "pulse/native")];
        let cookies = [
            env("PULSE_COOKIE").map(PathBuf::from),
            below("XDG_CONFIG_HOME", "pulse/cookie"),
            below("HOME", ".config/pulse/cookie"),
            below("HOME", ".pulse-cookie"),
        ];
        Self {
            system_bus: env("DBUS_SYSTEM_BUS_ADDRESS").or_else(|| Some(SYSTEM_BUS.to_owned())),
            session_bus: env("DBUS_SESSION_BUS_ADDRESS")
                .or_else(|| Some(format!("unix:path={}/bus", env("XDG_RUNTIME_DIR")?))),
            session_id: env("XDG_SESSION_ID"),
            gnome: desktops.split(':').any(|desktop| desktop.eq_ignore_ascii_case("GNOME")),
            sound: named.chain(usual.into_iter().flatten()).collect(),
            sound_cookies: cookies.into_iter().flatten().collect(),
        }
    }
}

/// Runs a strand for each subject of the session.
pub(crate) fn open(supervisor: &mut Supervisor, places: &Places, settings: &Settings) {
    let goodbye = supervisor.goodbye();
    supervisor.run(lock::Lock::new(places.clone()));
    supervisor.run(seat::Seat::new(places.clone()));
    supervisor.run(power::Power::new(places.clone(), goodbye));
    supervisor.run(network::Network);
    if settings.in_call {
        supervisor.run(call::Call::new(places.clone()));
    }
    if settings.desktop_dnd {
        supervisor.run(dnd::Dnd::new(places.clone()));
    }
}

#[cfg(test)]
mod places {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Places {
        Places::read(|name| {
            let found = variables.iter().find(|(variable, _)| *variable == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn services_are_at_the_address_in_the_environment_or_the_usual_one() {
        let places = read(&[("XDG_RUNTIME_DIR", "/run/user/7")]);
        assert_eq!(places.system_bus.as_deref(), Some(SYSTEM_BUS));
        assert_eq!(places.session_bus.as_deref(), Some("unix:path=/run/user/7/bus"));
        assert_eq!(places.sound, [PathBuf::from("/run/user/7/pulse/native")]);
        let places = read(&[
            ("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/a"),
            ("DBUS_SESSION_BUS_ADDRESS", "unix:path=/b"),
        ]);
        assert_eq!(places.system_bus.as_deref(), Some("unix:path=/a"));
        assert_eq!(places.session_bus.as_deref(), Some("unix:path=/b"));
        assert!(places.sound.is_empty());
    }

    #[test]
    fn only_a_sound_server_of_this_machine_knows_its_microphones() {
        let sound = |servers| read(&[("PULSE_SERVER", servers)]).sound;
        assert_eq!(sound("unix:/run/sound"), [PathBuf::from("/run/sound")]);
        assert_eq!(sound("{7f}unix:/run/sound tcp:elsewhere"), [PathBuf::from("/run/sound")]);
        assert!(sound("tcp:elsewhere:4713").is_empty());
    }

    #[test]
    fn a_desktop_derived_from_gnome_keeps_its_settings_there() {
        assert!(read(&[("XDG_CURRENT_DESKTOP", "ubuntu:GNOME")]).gnome);
        assert!(!read(&[("XDG_CURRENT_DESKTOP", "KDE")]).gnome);
    }
}
