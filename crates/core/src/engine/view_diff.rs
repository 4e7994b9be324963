//! Changes for the window, the tray and notifications.
//!
//! Compares the present state with what was last shown, and asks [`crate::notification`] about each
//! change.

use super::Engine;
use crate::effect::Effect;
use crate::id::UserId;
use crate::notification::{Notification, NotificationContext, Notifications, Suppressed};
use crate::presence::{AwayCause, Cause, Observed};
use crate::roster::Change;
use crate::session::Phase;
use crate::signal::Signals;
use crate::team::Host;
use crate::time::Now;
use crate::view::tray::{TrayConnection, TrayParts, TrayView};
use crate::view::{ConnectionView, HostView, MeView, Problem, Update};
use crate::words;

impl Engine {
    pub(super) fn show(&mut self, now: Now) {
        let link = self.connection_view();
        // We show nobody while retained messages arrive, because half a team would be misleading.
        let reading = matches!(self.session.phase, Phase::Reading { .. });
        let people = if reading { Vec::new() } else { self.roster.take_changes(now) };
        let me = self.local_device.as_ref().map(|own| {
            let choosing = self.user_status.as_ref();
            own.me_view(now, choosing, self.session.is_up().then_some(&self.roster))
        });
        let me_changed = self.shown.me != me;
        let hold = if people.is_empty() && !self.notifications.holds_a_digest() {
            None
        } else {
            me.as_ref().and_then(|me| self.hold(now, me))
        };
        if me_changed {
            self.shown.me = me;
        }
        if hold.is_none()
            && self.notifications.holds_a_digest()
            && self.silence.reason(now, &self.policy).is_none()
        {
            self.tell_digest(now);
        }
        for change in &people {
            self.judge(now, change, hold);
        }
        // Most inputs change none of these, so we compare them without a copy.
        let link_changed = self.shown.link.as_ref() != Some(&link);
        let problems_changed = !self.problems.values().eq(&self.shown.problems);
        let revision = self.signals.as_ref().map_or(0, Signals::revision);
        let preferences_changed = self.shown.preferred != self.preferred;
        // Knocks and waves contain names.
        let names_changed = revision > 0 && (preferences_changed || people.iter().any(is_renamed));
        let signals_changed = self.shown.signals != revision || names_changed;
        if !me_changed
            && !link_changed
            && !problems_changed
            && !signals_changed
            && !preferences_changed
            && people.is_empty()
        {
            return;
        }
        let tray_link_changed =
            self.shown.link.as_ref().map(TrayConnection::of) != Some(TrayConnection::of(&link));
        if link_changed {
            self.shown.link = Some(link);
        }
        if problems_changed {
            self.shown.problems = self.problems.values().cloned().collect();
        }
        let mut update = Update {
            seq: self.shown.seq + 1,
            me: self.shown.me.clone().filter(|_| me_changed),
            link: self.shown.link.clone().filter(|_| link_changed),
            joins: Vec::new(),
            changes: Vec::new(),
            leaves: Vec::new(),
            problems: problems_changed.then(|| self.shown.problems.clone()),
            signals: self
                .signals
                .as_ref()
                .filter(|_| signals_changed)
                .map(|signals| Box::new(self.signals_view(signals))),
            preferences: preferences_changed.then(|| Box::new(self.preferences_view())),
        };
        for change in people {
            match (change.before, change.after) {
                (_, Some(after))
                    if Some(after.user.as_str()) == self.me_id().map(UserId::as_str) => {}
                (None, Some(after)) => update.joins.push(after),
                (Some(_), Some(after)) => update.changes.push(after),
                (Some(before), None) => update.leaves.push(before.user),
                (None, None) => {}
            }
        }
        let others_changed =
            !update.joins.is_empty() || !update.changes.is_empty() || !update.leaves.is_empty();
        if !me_changed
            && !link_changed
            && !problems_changed
            && !signals_changed
            && !preferences_changed
            && !others_changed
        {
            return;
        }
        self.shown.seq = update.seq;
        self.shown.signals = revision;
        self.shown.preferred = self.preferred;
        self.effects.push_back(Effect::Show(Box::new(update)));
        if self.has_tray
            && self.local_device.is_some()
            && (me_changed
                || tray_link_changed
                || signals_changed
                || preferences_changed
                || others_changed)
        {
            self.show_tray();
        }
    }

    /// The connection as shown. If the hub does not answer and its host is asleep, signed off or
    /// lost, the problem names that cause.
    fn connection_view(&self) -> ConnectionView {
        let mut link = self.session.view();
        self.mark_gap(&mut link);
        if let ConnectionView::Connecting { problem, host, .. } = &mut link
            && self.session.failure().is_some_and(|failure| failure.is_silence)
            && let Some(absent) = self.absent_host()
        {
            let code = match absent.cause {
                Cause::Asleep => "host_asleep",
                Cause::Left => "host_left",
                _ => "host_lost",
            };
            // Each front end adds the time, in its own time zone.
            let untimed = HostView { since: None, ..absent.clone() };
            let message = words::host(&untimed, words::english, |_| String::new());
            *problem = Some(Problem { code: code.to_owned(), message });
            *host = Some(absent);
        }
        link
    }

    /// The computer that hosts the team, if its record shows it asleep, signed off or lost.
    fn absent_host(&self) -> Option<HostView> {
        let Host { user, device, name } = self.host.as_ref()?;
        let (user, device) = (user.as_ref()?.as_str(), device.as_ref()?.as_str());
        let person = self.roster.people().find(|person| person.user == user)?;
        let record = person.devices.iter().find(|known| known.device == device)?;
        let cause = record
            .cause
            .filter(|cause| matches!(cause, Cause::Asleep | Cause::Left | Cause::Lost))?;
        let name = self.roster.distinct_name(user, name);
        Some(HostView { name, cause, since: record.since })
    }

    pub(super) fn show_tray(&mut self) {
        let link = self.shown.link.as_ref().unwrap_or(&ConnectionView::Unset);
        let tray = TrayView::draw(TrayParts {
            me: self.shown.me.as_ref(),
            link,
            others: self.others().collect(),
            knocks: self.pending_knocks(),
            preferences: &self.preferences,
            notices_off_until: self.silence.paused_until(),
        });
        if self.shown.tray.as_ref() != Some(&tray) {
            self.shown.tray = Some(tray.clone());
            self.effects.push_back(Effect::ShowTray(tray));
        }
    }

    /// Why notifications of arrivals and departures are held: the person is away, or does not want
    /// to be disturbed.
    fn hold(&self, now: Now, me: &MeView) -> Option<Suppressed> {
        if me.is_dnd() {
            return Some(Suppressed::DoNotDisturb);
        }
        let availability = &self.local_device.as_ref()?.availability;
        if availability.in_call(now) {
            return Some(Suppressed::InCall);
        }
        // Only this device's state counts, because its notifications appear on no other device.
        match availability.state(now).observed {
            Observed::Away(Some(AwayCause::Locked | AwayCause::Switched)) => {
                Some(Suppressed::Locked)
            }
            Observed::Away(_) => Some(Suppressed::Away),
            _ => me.chose_away().then_some(Suppressed::Away),
        }
    }

    fn judge(&mut self, now: Now, change: &Change, hold: Option<Suppressed>) {
        let judged = self.with_notifications(now, hold, |notifications, wanted| {
            notifications.judge(now, change, wanted)
        });
        if let Some(Err(silence)) = judged {
            *self.diagnostics.silent.entry(silence).or_default() += 1;
        }
    }

    fn tell_digest(&mut self, now: Now) {
        let digest = self.with_notifications(now, None, Notifications::take_digest);
        if let Some(digest) = digest.flatten() {
            self.notify(digest);
        }
    }

    /// The notifications that are due.
    pub(super) fn due_notifications(&mut self, now: Now) -> Vec<Notification> {
        self.with_notifications(now, None, |notifications, wanted| notifications.poll(now, wanted))
            .unwrap_or_default()
    }

    /// Calls `ask` with the notifications and their context. Returns `None` for a role without a
    /// device, because it notifies nobody.
    fn with_notifications<T>(
        &mut self,
        now: Now,
        hold: Option<Suppressed>,
        ask: impl FnOnce(&mut Notifications, NotificationContext<'_>) -> T,
    ) -> Option<T> {
        let circumstances = NotificationContext {
            me: Some(self.local_device.as_ref()?.holder.user.as_str()),
            policy: &self.policy,
            preferences: &self.preferences,
            muted: self.signals.as_ref().map(Signals::muted),
            silence: self.silence.reason(now, &self.policy),
            hold,
        };
        Some(ask(&mut self.notifications, circumstances))
    }
}

/// Whether a person's name changed, or the person appeared or disappeared.
fn is_renamed(change: &Change) -> bool {
    match (&change.before, &change.after) {
        (Some(before), Some(after)) => {
            before.name != after.name || before.shown_id != after.shown_id
        }
        (before, after) => before.is_some() != after.is_some(),
    }
}
