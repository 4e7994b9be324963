//! The person's preferences: saves and shows them, and applies nicknames and pauses.
//!
//! [`crate::preferences`] defines the values. The engine never publishes them.

use std::time::Duration;

use super::Engine;
use crate::effect::Effect;
use crate::notification::Notification;
use crate::preferences::{LONGEST_PAUSE, Preference};
use crate::signal::Signals;
use crate::time::Now;
use crate::view::preferences::PreferencesView;
use crate::view::signals::SignalsView;

impl Engine {
    pub(super) fn prefer(&mut self, preference: Preference) {
        let renamed = match &preference {
            Preference::Nickname { user, .. } => Some(user.clone()),
            _ => None,
        };
        if self.preferences.set(preference) {
            self.preferred += 1;
            if let Some(user) = renamed {
                let nickname = self.preferences.nickname(user.as_str());
                self.roster.set_nickname(user.as_str(), nickname);
            }
            self.effects.push_back(Effect::SavePreferences(self.preferences.clone()));
        }
    }

    pub(super) fn pause_notices(&mut self, now: Now, lasting: Option<Duration>) {
        self.silence.pause(now, lasting.map(|lasting| lasting.min(LONGEST_PAUSE)));
        self.preferred += 1;
    }

    pub(super) fn preferences_view(&self) -> PreferencesView {
        let notices_off_until = self.silence.paused_until();
        PreferencesView { notices_off_until, ..PreferencesView::from(&self.preferences) }
    }

    /// The name to show for a user: the nickname, if there is one, made distinct from all other
    /// names.
    pub(super) fn distinct_name(&self, user: &str, name: &str) -> String {
        self.roster.distinct_name(user, self.preferences.nickname(user).unwrap_or(name))
    }

    /// Shows a notification, with the names that the person uses.
    pub(super) fn notify(&mut self, mut notification: Notification) {
        for who in notification.who_mut() {
            who.name = self.distinct_name(&who.user, &who.name);
        }
        self.effects.push_back(Effect::Notify(notification));
    }

    /// The signals view: knocks and waves with the names that the person uses.
    pub(super) fn signals_view(&self, signals: &Signals) -> SignalsView {
        let mut view = signals.view();
        for exchange in &mut view.exchanges {
            exchange.name = self.distinct_name(&exchange.with, &exchange.name);
        }
        view
    }
}
