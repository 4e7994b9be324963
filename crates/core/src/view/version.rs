//! Which version this is, and who brings the next one.

use serde::{Deserialize, Serialize};

/// This app's version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct VersionView {
    /// As Semantic Versioning writes it.
    pub version: String,
    /// Who brings a newer one.
    pub updates: Updates,
}

/// Who brings a newer version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(test, derive(ts_rs::TS))]
pub enum Updates {
    /// The system's package manager, or the person who built this program.
    System,
    /// The app itself: it looks, tells, and puts it in its own place when the person says so.
    App,
}

/// A newer version that is there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct NewerView {
    /// Which.
    pub version: String,
}
