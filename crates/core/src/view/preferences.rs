//! The person's preferences, as shown.

use serde::{Deserialize, Serialize};

use crate::preferences::{Interest, Preferences, Preset};
use crate::time::Timestamp;

/// Everything of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct PreferencesView {
    /// The people with preferences that differ from the defaults.
    pub people: Vec<RegardView>,
    /// Whether who is offline is left out of the list.
    pub hide_offline: bool,
    /// Statuses of one's own.
    pub presets: Vec<Preset>,
    /// Until when no notification pops up, Unix milliseconds, where the person said so.
    pub notices_off_until: Option<Timestamp>,
}

/// What is wanted of one person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct RegardView {
    /// Their id.
    pub user: String,
    /// They stand first.
    pub favourite: bool,
    /// What they are called here.
    pub nickname: Option<String>,
    /// When they make a notification.
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
