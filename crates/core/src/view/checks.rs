//! Checks of what the app needs on this computer.

use serde::{Deserialize, Serialize};

/// The result of one check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct CheckView {
    /// The subject of the check.
    pub about: CheckAbout,
    /// Whether it was found.
    pub ok: bool,
    /// What was found: half a sentence.
    pub found: String,
    /// What to do if it is missing: half a sentence.
    pub remedy: Option<String>,
}

/// The subject of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(test, derive(ts_rs::TS))]
pub enum CheckAbout {
    /// A tray for the icon.
    Tray,
    /// The service that shows notifications.
    #[serde(rename = "notices")]
    Notifications,
    /// The source of keyboard and mouse activity.
    Idle,
    /// The source of the screen lock's state.
    Lock,
    /// The keyring that stores this device's credential for a team.
    Keyring,
}
