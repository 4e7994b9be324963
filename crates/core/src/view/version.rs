//! The version of this app, and how updates are installed.

use serde::{Deserialize, Serialize};

/// This app's version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct VersionView {
    /// In the format of Semantic Versioning.
    pub version: String,
    /// Who installs updates.
    pub updates: Updates,
}

/// Who installs updates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(test, derive(ts_rs::TS))]
pub enum Updates {
    /// The system's package manager, or the person who built this program.
    System,
    /// The app itself: it checks, reports an update, and installs it when the person agrees.
    App,
}

/// An available update.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct NewerView {
    /// Its version.
    pub version: String,
}
