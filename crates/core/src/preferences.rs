//! What a person wants of this app for themselves: whom they care for, and how the list and the picker look.
//!
//! Owns the values and how one of them changes. Nobody else ever learns of them. Deliberately knows no file: the shell keeps
//! what [`crate::effect::Effect::SavePreferences`] hands it.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::id::UserId;
use crate::presence::ChosenStatus;
use crate::text::{MAX_EMOJI, MAX_NAME, MAX_TEXT, display_text};

/// No more people are kept than so many: what is kept is of people, not of a crowd.
pub const MAX_REGARDS: usize = 4096;
/// No more statuses of one's own than a picker shows well.
pub const MAX_PRESETS: usize = 12;

/// Everything that is kept.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Preferences {
    /// Whether the window leaves out who is offline.
    pub hide_offline: bool,
    /// Statuses of one's own, in the order of the picker.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub presets: Vec<Preset>,
    /// Preferences for single people. A person without an entry has the defaults.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub people: BTreeMap<UserId, Regard>,
}

/// What is wanted of one person.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Regard {
    /// They stand first.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub favourite: bool,
    /// What they are called here, instead of the name that they gave themselves.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nickname: Option<String>,
    /// When they make a notification.
    #[serde(skip_serializing_if = "Interest::is_usual")]
    pub notices: Interest,
}

/// Whether notifications of one person's coming and going are wanted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(test, derive(ts_rs::TS))]
pub enum Interest {
    /// As the policy has it.
    #[default]
    Usual,
    /// Also where the policy is about others.
    Always,
    /// Never.
    Never,
}

impl Interest {
    fn is_usual(&self) -> bool {
        *self == Self::Usual
    }
}

/// Whose coming and going is told.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(test, derive(ts_rs::TS))]
pub enum About {
    /// Everybody's.
    Everyone,
    /// Favourites', and theirs for whom *always* was chosen.
    #[default]
    Favourites,
    /// Theirs alone for whom *always* was chosen.
    Chosen,
    /// Nobody's. Signals to me still notify.
    Nobody,
}

/// A status of one's own, ready to be chosen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Preset {
    /// The status.
    pub status: ChosenStatus,
    /// The text beside it.
    #[serde(default)]
    pub text: Option<String>,
    /// The emoji beside it.
    #[serde(default)]
    pub emoji: Option<String>,
    /// When it ends.
    #[serde(default)]
    pub ends: Ends,
}

/// When a status of one's own ends, counted from when it is chosen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[cfg_attr(test, derive(ts_rs::TS))]
pub enum Ends {
    /// When the person says so.
    #[default]
    Open,
    /// After this number of minutes.
    After {
        /// How many.
        minutes: u32,
    },
    /// At the next noon.
    Lunch,
    /// With the day.
    Today,
}

/// One preference, as the person sets it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Preference {
    /// They stand first, or no longer.
    Favourite {
        /// Who.
        user: UserId,
        /// Whether they do.
        favourite: bool,
    },
    /// They are called this here; `None` for the name that they gave themselves.
    Nickname {
        /// Who.
        user: UserId,
        /// The name.
        nickname: Option<String>,
    },
    /// When they make a notification.
    Notifications {
        /// Who.
        user: UserId,
        /// When.
        interest: Interest,
    },
    /// Whether the window leaves out who is offline.
    HideOffline(bool),
    /// All statuses of one's own.
    Presets(Vec<Preset>),
}

impl Preferences {
    /// What is wanted of somebody, where it is not the usual.
    #[must_use]
    pub fn of(&self, user: &str) -> Option<&Regard> {
        if self.people.is_empty() {
            return None;
        }
        self.people.get(user)
    }

    /// What somebody is called here, where that is not the name that they gave themselves.
    #[must_use]
    pub fn nickname(&self, user: &str) -> Option<&str> {
        self.of(user)?.nickname.as_deref()
    }

    /// Everybody who is called otherwise here.
    pub(crate) fn nicknames(&self) -> impl Iterator<Item = (&UserId, &str)> {
        self.people.iter().filter_map(|(user, regard)| Some((user, regard.nickname.as_deref()?)))
    }

    /// Whether somebody stands first.
    #[must_use]
    pub fn is_favourite(&self, user: &str) -> bool {
        self.of(user).is_some_and(|regard| regard.favourite)
    }

    /// Makes it fit to be shown: what a file says was written by hand, perhaps.
    #[must_use]
    pub fn tidy(mut self) -> Self {
        for regard in self.people.values_mut() {
            regard.nickname = nickname(regard.nickname.take());
        }
        let usual = Regard::default();
        self.people.retain(|_, regard| *regard != usual);
        while self.people.len() > MAX_REGARDS {
            self.people.pop_last();
        }
        self.presets = presets(self.presets);
        self
    }

    /// Sets one; says whether that changed anything.
    pub fn set(&mut self, preference: Preference) -> bool {
        match preference {
            Preference::Favourite { user, favourite } => {
                self.regard(user, |regard| regard.favourite = favourite)
            }
            Preference::Nickname { user, nickname: name } => {
                self.regard(user, |regard| regard.nickname = nickname(name))
            }
            Preference::Notifications { user, interest } => {
                self.regard(user, |regard| regard.notices = interest)
            }
            Preference::HideOffline(hide) => {
                std::mem::replace(&mut self.hide_offline, hide) != hide
            }
            Preference::Presets(wanted) => {
                let wanted = presets(wanted);
                let changed = self.presets != wanted;
                self.presets = wanted;
                changed
            }
        }
    }

    fn regard(&mut self, user: UserId, set: impl FnOnce(&mut Regard)) -> bool {
        let before = self.people.get(&user).cloned().unwrap_or_default();
        let mut after = before.clone();
        set(&mut after);
        if before == after {
            return false;
        }
        if after == Regard::default() {
            self.people.remove(&user);
        } else if self.people.len() < MAX_REGARDS || self.people.contains_key(&user) {
            self.people.insert(user, after);
        } else {
            return false;
        }
        true
    }
}

fn nickname(name: Option<String>) -> Option<String> {
    name.and_then(|name| display_text(&name, MAX_NAME))
}

fn presets(mut presets: Vec<Preset>) -> Vec<Preset> {
    /// A status that lasts a year is one without an end.
    const MINUTES: u32 = 365 * 24 * 60;
    presets.truncate(MAX_PRESETS);
    for preset in &mut presets {
        preset.text = preset.text.take().and_then(|text| display_text(&text, MAX_TEXT));
        preset.emoji = preset.emoji.take().and_then(|emoji| display_text(&emoji, MAX_EMOJI));
        if let Ends::After { minutes } = &mut preset.ends {
            *minutes = (*minutes).clamp(1, MINUTES);
        }
    }
    presets
}

/// For how long notifications can be switched off at once; what is longer is a policy.
pub const LONGEST_PAUSE: Duration = Duration::from_secs(24 * 60 * 60);

#[cfg(test)]
mod tests {
    use super::*;

    fn user(id: &str) -> UserId {
        UserId::parse(id).unwrap()
    }

    #[test]
    fn whoever_is_as_everybody_is_not_kept() {
        let mut preferences = Preferences::default();
        let favourite = |favourite| Preference::Favourite { user: user("bob"), favourite };
        assert!(preferences.set(favourite(true)));
        assert!(!preferences.set(favourite(true)), "nothing changed");
        assert!(preferences.is_favourite("bob") && !preferences.is_favourite("ann"));
        assert!(preferences.set(favourite(false)));
        assert_eq!(preferences, Preferences::default());
    }

    #[test]
    fn a_nickname_is_text_that_can_be_shown_or_none() {
        let mut preferences = Preferences::default();
        let call = |name: &str| Preference::Nickname {
            user: user("bob"),
            nickname: Some(name.to_owned()),
        };
        assert!(preferences.set(call(" Bobby\u{202e}\n")));
        assert_eq!(preferences.nickname("bob"), Some("Bobby"));
        assert!(preferences.set(call("  ")));
        assert_eq!(preferences.nickname("bob"), None);
    }

    #[test]
    fn statuses_of_one_s_own_are_bounded() {
        let preset = Preset {
            status: ChosenStatus::Dnd,
            text: Some(" Deep work ".to_owned()),
            emoji: None,
            ends: Ends::After { minutes: 0 },
        };
        let mut preferences = Preferences::default();
        assert!(preferences.set(Preference::Presets(vec![preset; 40])));
        assert_eq!(preferences.presets.len(), MAX_PRESETS);
        assert_eq!(preferences.presets[0].text.as_deref(), Some("Deep work"));
        assert_eq!(preferences.presets[0].ends, Ends::After { minutes: 1 });
    }

    #[test]
    fn what_a_file_says_is_made_fit_to_be_shown() {
        let mut preferences = Preferences::default();
        preferences.people.insert(user("ann"), Regard::default());
        let bob =
            Regard { nickname: Some("\u{7}".to_owned()), favourite: true, ..Regard::default() };
        preferences.people.insert(user("bob"), bob);
        let tidy = preferences.tidy();
        assert_eq!(tidy.people.len(), 1);
        assert_eq!(tidy.nickname("bob"), None);
    }
}
