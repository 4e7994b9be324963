//! What the person and the environment of the process ask for.

use std::fmt;
#[cfg(all(unix, not(target_os = "macos")))]
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

/// Asks the system for the time since the last input. Returns `None` if the system does not answer.
///
/// It may block for a moment, so it runs on a thread where that does no harm.
pub type Probe = Box<dyn FnMut() -> Option<Duration> + Send>;

/// The source of activity that the person chose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Choice {
    /// The first source that works in this session.
    #[default]
    Auto,
    /// JSON lines on the standard input; see [`crate::stdin`].
    Stdin,
    /// No source: activity stays unknown.
    None,
}

impl fmt::Display for Choice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Auto => "auto",
            Self::Stdin => "stdin",
            Self::None => "none",
        })
    }
}

impl FromStr for Choice {
    type Err = ChoiceError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "auto" => Ok(Self::Auto),
            "stdin" => Ok(Self::Stdin),
            "none" => Ok(Self::None),
            _ => Err(ChoiceError(text.to_owned())),
        }
    }
}

/// The text names no source of activity.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no source of activity: choose `auto`, `stdin` or `none`")]
pub struct ChoiceError(String);

/// What to watch, and how.
#[derive(Default)]
pub struct Settings {
    /// The source of activity.
    pub choice: Choice,
    /// Report a person as idle after this time without input. Values below one second count as one
    /// second.
    pub away_after: Duration,
    /// Whether to watch for calls, which means a microphone in use. The program that uses it is
    /// never reported.
    pub in_call: bool,
    /// Whether to watch the desktop's do-not-disturb.
    pub desktop_dnd: bool,
    /// The idle-time query to use if the system offers no idle events. The desktop app supplies it,
    /// so that command-line programs link no X library. It is called only after a display was
    /// proven to exist, and not after that display has gone.
    pub probe: Option<Probe>,
}

impl Settings {
    const SHORTEST: Duration = Duration::from_secs(1);

    pub(crate) fn away_after(&self) -> Duration {
        self.away_after.max(Self::SHORTEST)
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("choice", &self.choice)
            .field("away_after", &self.away_after)
            .field("in_call", &self.in_call)
            .field("desktop_dnd", &self.desktop_dnd)
            .field("probe", &self.probe.is_some())
            .finish()
    }
}

/// The environment variables that describe the session. An empty value counts as unset.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SessionEnv {
    /// `DISPLAY`
    pub display: Option<String>,
    /// `WAYLAND_DISPLAY`
    pub wayland_display: Option<String>,
    /// `XDG_SESSION_TYPE`
    pub xdg_session_type: Option<String>,
    /// `XDG_RUNTIME_DIR`
    pub runtime_dir: Option<String>,
    /// `DBUS_SESSION_BUS_ADDRESS`
    pub session_bus: Option<String>,
    /// Where the session's services listen.
    #[cfg(target_os = "linux")]
    pub places: crate::session::Places,
    /// Whether this program runs `AppKit`'s main loop, as an app with a window does. No environment
    /// variable says so. Without a main loop, macOS reports neither the screen lock nor sleep.
    #[cfg(target_os = "macos")]
    pub main_loop: bool,
}

impl SessionEnv {
    /// Reads the environment of this process. Call it once.
    #[must_use]
    pub fn from_env() -> Self {
        // Lossy: a name that is not UTF-8 still says that there is such a display.
        let read = |name| std::env::var_os(name).map(|value| value.to_string_lossy().into_owned());
        Self {
            display: read("DISPLAY"),
            wayland_display: read("WAYLAND_DISPLAY"),
            xdg_session_type: read("XDG_SESSION_TYPE"),
            runtime_dir: read("XDG_RUNTIME_DIR"),
            session_bus: read("DBUS_SESSION_BUS_ADDRESS"),
            #[cfg(target_os = "linux")]
            places: crate::session::Places::from_env(),
            #[cfg(target_os = "macos")]
            main_loop: false,
        }
    }
}

#[cfg(all(unix, not(target_os = "macos")))]
impl SessionEnv {
    /// Whether this is a Wayland session. Either variable is enough: an X11 source must not run
    /// under Xwayland, whose idle counter sees only input over X11 windows.
    pub(crate) fn is_wayland(&self) -> bool {
        non_empty(&self.wayland_display).is_some()
            || non_empty(&self.xdg_session_type)
                .is_some_and(|kind| kind.eq_ignore_ascii_case("wayland"))
    }

    pub(crate) fn x11_display(&self) -> Option<&str> {
        non_empty(&self.display)
    }

    /// The compositor's socket, by the rules of `wl_display_connect`.
    pub(crate) fn wayland_socket(&self) -> Option<PathBuf> {
        let display = Path::new(non_empty(&self.wayland_display).unwrap_or("wayland-0"));
        if display.is_absolute() {
            return Some(display.to_owned());
        }
        non_empty(&self.runtime_dir).map(|dir| Path::new(dir).join(display))
    }

    /// The socket of the display server; `None` for an X server on another machine.
    #[cfg(target_os = "linux")]
    pub(crate) fn display_socket(&self) -> Option<PathBuf> {
        if self.is_wayland() {
            return self.wayland_socket();
        }
        let (host, number) = self.x11_display()?.rsplit_once(':')?;
        let number: u32 = number.split('.').next()?.parse().ok()?;
        ["", "unix"].contains(&host).then(|| format!("/tmp/.X11-unix/X{number}").into())
    }

    /// The address of the session's message bus, by the rules of the D-Bus specification and of
    /// systemd.
    pub(crate) fn session_bus(&self) -> Option<String> {
        let beside = || non_empty(&self.runtime_dir).map(|dir| format!("unix:path={dir}/bus"));
        non_empty(&self.session_bus).map(str::to_owned).or_else(beside)
    }
}

#[cfg(all(unix, not(target_os = "macos")))]
fn non_empty(value: &Option<String>) -> Option<&str> {
    value.as_deref().filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_choice_is_read_as_it_is_written() {
        for choice in [Choice::Auto, Choice::Stdin, Choice::None] {
            assert_eq!(choice.to_string().parse(), Ok(choice));
        }
    }

    #[test]
    fn an_unknown_choice_says_what_is_allowed() {
        let error = "xsync".parse::<Choice>().unwrap_err();
        assert_eq!(
            error.to_string(),
            "\"xsync\" is no source of activity: choose `auto`, `stdin` or `none`"
        );
    }

    #[test]
    fn nobody_is_away_sooner_than_after_a_second() {
        let after = |ms| {
            Settings { away_after: Duration::from_millis(ms), ..Settings::default() }.away_after()
        };
        assert_eq!(after(0), Duration::from_secs(1));
        assert_eq!(after(1_500), Duration::from_millis(1_500));
    }

    #[cfg(all(unix, not(target_os = "macos")))]
    #[test]
    fn either_hint_makes_it_a_wayland_session_and_empty_ones_do_not() {
        let session = |wayland: Option<&str>, kind: Option<&str>| SessionEnv {
            display: Some(":0".to_owned()),
            wayland_display: wayland.map(str::to_owned),
            xdg_session_type: kind.map(str::to_owned),
            ..SessionEnv::default()
        };
        assert!(session(Some("wayland-0"), None).is_wayland());
        assert!(session(None, Some("wayland")).is_wayland());
        assert!(session(Some("wayland-0"), Some("x11")).is_wayland());
        assert!(!session(Some(""), Some("x11")).is_wayland());
        assert!(!session(None, None).is_wayland());
    }
    #[cfg(all(unix, not(target_os = "macos")))]
    #[test]
    fn a_compositor_and_a_bus_are_found_as_others_find_them() {
        let session = |wayland: Option<&str>, bus: Option<&str>| SessionEnv {
            wayland_display: wayland.map(str::to_owned),
            session_bus: bus.map(str::to_owned),
            runtime_dir: Some("/run/user/7".to_owned()),
            ..SessionEnv::default()
        };
        let socket = |wayland| session(wayland, None).wayland_socket().unwrap();
        assert_eq!(socket(Some("wayland-1")), Path::new("/run/user/7/wayland-1"));
        assert_eq!(socket(Some("/tmp/wl")), Path::new("/tmp/wl"));
        assert_eq!(socket(None), Path::new("/run/user/7/wayland-0"));
        let bus = |address| session(None, address).session_bus().unwrap();
        assert_eq!(bus(Some("unix:path=/tmp/bus")), "unix:path=/tmp/bus");
        assert_eq!(bus(Some("")), "unix:path=/run/user/7/bus");
        assert_eq!(SessionEnv::default().wayland_socket(), None);
        assert_eq!(SessionEnv::default().session_bus(), None);
    }
    #[cfg(target_os = "linux")]
    #[test]
    fn the_display_socket_is_the_one_the_server_listens_on() {
        let x11 = |display: &str| {
            SessionEnv { display: Some(display.to_owned()), ..SessionEnv::default() }
                .display_socket()
        };
        assert_eq!(x11(":7"), Some("/tmp/.X11-unix/X7".into()));
        assert_eq!(x11("unix:7.1"), Some("/tmp/.X11-unix/X7".into()));
        for elsewhere in ["127.0.0.1:7", "nonsense", ":", ":../7"] {
            assert_eq!(x11(elsewhere), None, "{elsewhere}");
        }
        let wayland = SessionEnv {
            wayland_display: Some("/tmp/wl".to_owned()),
            display: Some(":7".to_owned()),
            ..SessionEnv::default()
        };
        assert_eq!(wayland.display_socket(), Some("/tmp/wl".into()));
    }
}
