//! The settings that the window shows, read from the config file.

use serde::{Deserialize, Serialize};

use crate::preferences::About;

/// All settings that the window can change. The config file has more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct SettingsView {
    /// The name shown to others.
    pub name: String,
    /// Ways to reach me that my team sees: `mailto:`, `tel:`, `https:`, ...
    pub links: Vec<String>,
    /// The language of the app, `en` or `de`; absent if it follows the system.
    pub language: Option<String>,
    /// Seconds without input after which I am away.
    pub away_after_s: u32,
    /// Connection drops shorter than this many seconds are hidden from others.
    pub grace_s: u32,
    /// What others see of my calls.
    pub calls: CallsView,
    /// Whether I am on do not disturb while the desktop is.
    pub desktop_dnd: bool,
    /// Whether others see that I am away, but not why or since when.
    pub coarse: bool,
    /// Whether to publish a simple status topic too, if no hub does.
    pub user_topic: bool,
    /// Which notifications pop up.
    pub notices: NotificationsView,
    /// Whether the tray icon has one colour, the panel's own.
    pub symbolic_icon: bool,
    /// Whether the app checks for updates, if no package manager does.
    pub updates: bool,
    /// Whether the app starts at login; absent if Porchlight can't set that on this system.
    pub starts_at_login: Option<bool>,
}

/// What others see of calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(test, derive(ts_rs::TS))]
pub enum CallsView {
    /// Nothing: calls are not detected.
    Hidden,
    /// That I am in a call.
    Shown,
    /// That I am in a call, and do not disturb is set during it.
    Dnd,
}

/// Which notifications pop up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct NotificationsView {
    /// Whom notifications of coming and going are about.
    pub about: About,
    /// Whether to notify when somebody comes online.
    pub come: bool,
    /// Whether to notify when somebody goes offline.
    pub go: bool,
    /// Whether to notify when somebody goes away.
    pub away: bool,
    /// Whether to notify when somebody is back.
    pub back: bool,
    /// Hours without notifications: `22:00-07:00`.
    pub quiet_hours: Option<String>,
}
