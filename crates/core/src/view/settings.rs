//! What can be set in the window, as it stands in the config.

use serde::{Deserialize, Serialize};

use crate::notification::About;

/// Everything of it. What the config says besides is for whoever edits that.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct SettingsView {
    /// The name shown to others.
    pub name: String,
    /// By what I say that I can be reached: `mailto:`, `tel:`, `https:`, ...
    pub links: Vec<String>,
    /// What the app speaks, `en` or `de`; absent where it follows the system.
    pub language: Option<String>,
    /// Without input for so many seconds, I am away.
    pub away_after_s: u32,
    /// A drop of the connection shorter than so many seconds is seen by nobody.
    pub grace_s: u32,
    /// Whether others are told of my being away no more than that: neither why nor since when.
    pub coarse: bool,
    /// Whether clients that read no devices read me, where no hub writes sums.
    pub user_topic: bool,
    /// Which notifications pop up.
    pub notices: NotificationsView,
    /// Whether the icon in the tray is symbolic: in the panel's own colour.
    pub symbolic_icon: bool,
    /// Whether the app looks for newer versions of itself, where no package manager brings them.
    pub updates: bool,
    /// Whether the app starts with the session; absent where this system's way is not known.
    pub starts_at_login: Option<bool>,
}

/// Which notifications pop up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct NotificationsView {
    /// Whose coming and going.
    pub about: About,
    /// That somebody came.
    pub come: bool,
    /// That somebody went.
    pub go: bool,
    /// That somebody left the keyboard.
    pub away: bool,
    /// That they are back at it.
    pub back: bool,
    /// When nothing pops up: `22:00-07:00`.
    pub quiet_hours: Option<String>,
}
