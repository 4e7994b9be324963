//! What the app lives by on this computer, and what is missing of it.

use serde::{Deserialize, Serialize};

/// One thing that was looked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct CheckView {
    /// What.
    pub about: CheckAbout,
    /// Whether it is there.
    pub ok: bool,
    /// What was found: half a sentence.
    pub found: String,
    /// What to do where it is missing: half a sentence.
    pub remedy: Option<String>,
}

/// What was looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(test, derive(ts_rs::TS))]
pub enum CheckAbout {
    /// A place for the icon.
    Tray,
    /// The service that shows notifications.
    #[serde(rename = "notices")]
    Notifications,
    /// What tells whether somebody is at the keyboard.
    Idle,
    /// What tells that the screen is locked.
    Lock,
    /// Where what lets this device into a team is kept.
    Keyring,
}
