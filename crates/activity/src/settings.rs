//! What is asked for: by the person, and by the session that the program runs in.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// Asks the system for the time since the last input; `None` where it does not answer.
///
/// It may block for a moment: it is called on a thread where that does no harm.
pub type Probe = Box<dyn FnMut() -> Option<Duration> + Send>;

/// Which source the person asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Choice {
    /// The first source that works in this session.
    #[default]
    Auto,
    /// JSON lines on the standard input, see [`crate::stdin`].
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

/// A word that names no source.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no source of activity: choose `auto`, `stdin` or `none`")]
pub struct ChoiceError(String);

/// What to watch for.
#[derive(Default)]
pub struct Settings {
    /// Which source to take.
    pub choice: Choice,
    /// So long without input is worth a report. Less than a second counts as a second.
    pub away_after: Duration,
    /// Used where no source of events exists. The desktop shell supplies it, so that command line
    /// programs link no X library. It is called only once a display was proven to exist, and no longer
    /// after that display has gone.
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
            .field("probe", &self.probe.is_some())
            .finish()
    }
}

/// What the environment says about the session. An empty value counts as none.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SessionEnv {
    /// `DISPLAY`
    pub display: Option<String>,
    /// `WAYLAND_DISPLAY`
    pub wayland_display: Option<String>,
    /// `XDG_SESSION_TYPE`
    pub xdg_session_type: Option<String>,
}

impl SessionEnv {
    /// Reads the environment of this process; call it once.
    #[must_use]
    pub fn from_env() -> Self {
        // Lossy: a name that is no UTF-8 still says that there is such a display.
        let read = |name| std::env::var_os(name).map(|value| value.to_string_lossy().into_owned());
        Self {
            display: read("DISPLAY"),
            wayland_display: read("WAYLAND_DISPLAY"),
            xdg_session_type: read("XDG_SESSION_TYPE"),
        }
    }
}

#[cfg(all(unix, not(target_os = "macos")))]
impl SessionEnv {
    /// One hint is enough: an X11 source must not run where Xwayland answers, because its idle counter
    /// sees only what the pointer does over X11 windows.
    pub(crate) fn is_wayland(&self) -> bool {
        self.wayland_display.as_deref().is_some_and(|name| !name.is_empty())
            || self
                .xdg_session_type
                .as_deref()
                .is_some_and(|kind| kind.eq_ignore_ascii_case("wayland"))
    }

    pub(crate) fn x11_display(&self) -> Option<&str> {
        self.display.as_deref().filter(|name| !name.is_empty())
    }
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
        };
        assert!(session(Some("wayland-0"), None).is_wayland());
        assert!(session(None, Some("wayland")).is_wayland());
        assert!(session(Some("wayland-0"), Some("x11")).is_wayland());
        assert!(!session(Some(""), Some("x11")).is_wayland());
        assert!(!session(None, None).is_wayland());
    }
}
