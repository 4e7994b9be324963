//! What changed for window, tray and notices.

use super::Engine;
use crate::effect::Effect;
use crate::id::UserId;
use crate::input::LinkFailure;
use crate::notice::Circumstances;
use crate::roster::Change;
use crate::session::Phase;
use crate::team::Host;
use crate::time::Now;
use crate::view::tray::TrayView;
use crate::view::{CauseView, HostView, LinkView, MeView, Problem, Update};
use crate::words;

impl Engine {
    pub(super) fn show(&mut self, now: Now) {
        let link = self.link_view();
        // While the retained messages come in, nothing is shown: half a team is no team.
        let reading = matches!(self.session.phase, Phase::Reading { .. });
        let people = if reading { Vec::new() } else { self.roster.take_changes(now) };
        let me = self.own.as_ref().map(|own| {
            let choosing = self.choosing.as_ref();
            own.view(now, choosing, self.session.is_up().then_some(&self.roster))
        });
        for change in &people {
            self.judge(now, change, me.as_ref());
        }
        let problems: Vec<Problem> = self.problems.values().cloned().collect();
        let mut update = Update {
            seq: self.shown.seq + 1,
            me: me.clone().filter(|_| me != self.shown.me),
            link: (self.shown.link.as_ref() != Some(&link)).then(|| link.clone()),
            joins: Vec::new(),
            changes: Vec::new(),
            leaves: Vec::new(),
            problems: (problems != self.shown.problems).then(|| problems.clone()),
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
        let nothing = update.me.is_none()
            && update.link.is_none()
            && update.problems.is_none()
            && update.joins.is_empty()
            && update.changes.is_empty()
            && update.leaves.is_empty();
        if nothing {
            return;
        }
        self.shown.seq = update.seq;
        self.shown.me = me;
        self.shown.link = Some(link);
        self.shown.problems = problems;
        self.effects.push_back(Effect::Show(update));
        if self.own.is_some() {
            self.show_tray();
        }
    }

    /// The connection as shown: where the host said itself that it goes, that is why nobody answers.
    fn link_view(&self) -> LinkView {
        let mut link = self.session.view();
        if let LinkView::Connecting { problem, host, .. } = &mut link
            && self.session.failure().is_some_and(LinkFailure::is_silence)
            && let Some(absent) = self.absent_host()
        {
            let code = match absent.cause {
                CauseView::Asleep => "host_asleep",
                CauseView::Left => "host_left",
                _ => "host_lost",
            };
            // Whoever shows it adds the time, in the time zone that is theirs.
            let message =
                words::host(&HostView { since: None, ..absent.clone() }, |_| String::new());
            *problem = Some(Problem { code: code.to_owned(), message });
            *host = Some(absent);
        }
        link
    }

    /// The computer that hosts the team, where its last word was a goodbye.
    fn absent_host(&self) -> Option<HostView> {
        let Host { user, device, name } = self.host.as_ref()?;
        let (user, device) = (user.as_ref()?.as_str(), device.as_ref()?.as_str());
        let person = self.roster.people().find(|person| person.user == user)?;
        let record = person.devices.iter().find(|known| known.device == device)?;
        let cause = record.cause.filter(|cause| {
            matches!(cause, CauseView::Asleep | CauseView::Left | CauseView::Lost)
        })?;
        Some(HostView { name: name.clone(), cause, since: record.since })
    }

    pub(super) fn show_tray(&mut self) {
        let link = self.shown.link.as_ref().unwrap_or(&LinkView::Unset);
        let tray = TrayView::draw(self.shown.me.as_ref(), link, self.others());
        if self.shown.tray.as_ref() != Some(&tray) {
            self.shown.tray = Some(tray.clone());
            self.effects.push_back(Effect::ShowTray(tray));
        }
    }

    pub(super) fn judge(&mut self, now: Now, change: &Change, me: Option<&MeView>) {
        let Some(own) = &self.own else {
            return;
        };
        let circumstances = Circumstances {
            me: Some(own.holder.user.as_str()),
            wanted: self.wants_notices,
            dnd: me.is_some_and(|me| me.status == "dnd"),
        };
        if let Err(silence) = self.notices.judge(now, change, circumstances) {
            *self.diagnostics.silent.entry(silence).or_default() += 1;
        }
    }
}
