//! The person's preferences, as shown.

use serde::{Deserialize, Serialize};

use crate::preferences::{Interest, Preferences, Preset};
use crate::time::Timestamp;

/// All preferences of the person.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct PreferencesView {
    /// The people with preferences that differ from the defaults.
    pub people: Vec<RegardView>,
    /// Whether the list hides offline people.
    pub hide_offline: bool,
    /// The person's own statuses.
    pub presets: Vec<Preset>,
    /// When paused notifications resume, Unix milliseconds; absent without a pause.
    pub notices_off_until: Option<Timestamp>,
}

/// The preferences for one person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct RegardView {
    /// Their id.
    pub user: String,
    /// Whether they are listed first.
    pub favourite: bool,
    /// Their nickname here.
    pub nickname: Option<String>,
    /// When they cause a notification.
    pub notices: Interest,
}

impl From<&Preferences> for PreferencesView {
    fn from(preferences: &Preferences) -> Self {
        Self {
            people: preferences
                .people
                .iter()
                .map(|(user, regard)| RegardView {
                    user: user.to_string(),
                    favourite: regard.favourite,
                    nickname: regard.nickname.clone(),
                    notices: regard.notices,
                })
                .collect(),
            hide_offline: preferences.hide_offline,
            presets: preferences.presets.clone(),
            notices_off_until: None,
        }
    }
}
