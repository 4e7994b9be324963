//! What the person wants of this app for themselves: kept, shown, and heeded in notices.

use std::time::Duration;

use super::Engine;
use crate::effect::Effect;
use crate::notice::Notice;
use crate::preferences::{LONGEST_PAUSE, Preference};
use crate::time::Now;
use crate::view::preferences::PreferencesView;

impl Engine {
    pub(super) fn prefer(&mut self, preference: Preference) {
        if self.preferences.set(preference) {
            self.preferred += 1;
            self.effects.push_back(Effect::SavePreferences(self.preferences.clone()));
        }
    }

    pub(super) fn pause_notices(&mut self, now: Now, lasting: Option<Duration>) {
        self.silence.pause(now, lasting.map(|lasting| lasting.min(LONGEST_PAUSE)));
        self.preferred += 1;
    }

    pub(super) fn preferences_view(&self) -> PreferencesView {
        let notices_off_until = self.silence.paused_until();
        PreferencesView { notices_off_until, ..self.preferences.view() }
    }

    /// Pops up a notice, in which people are called as I call them.
    pub(super) fn notify(&mut self, mut notice: Notice) {
        for who in notice.who_mut() {
            if let Some(nickname) = self.preferences.nickname(&who.user) {
                nickname.clone_into(&mut who.name);
            }
        }
        self.effects.push_back(Effect::Notify(notice));
    }
}
