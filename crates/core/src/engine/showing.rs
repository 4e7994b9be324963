//! What changed for window, tray and notices.

use super::Engine;
use super::own::MeLook;
use crate::effect::Effect;
use crate::id::UserId;
use crate::notice::Circumstances;
use crate::roster::Change;
use crate::session::Phase;
use crate::time::Now;
use crate::view::tray::{TrayLink, TrayView};
use crate::view::{LinkView, Update};

impl Engine {
    pub(super) fn show(&mut self, now: Now) {
        let link = self.session.view();
        // While the retained messages come in, nothing is shown: half a team is no team.
        let reading = matches!(self.session.phase, Phase::Reading { .. });
        let people = if reading { Vec::new() } else { self.roster.take_changes(now) };
        let me = self.own.as_ref().map(|own| {
            let choosing = self.choosing.as_ref();
            own.look(now, choosing, self.session.is_up().then_some(&self.roster))
        });
        let me_changed =
            me.as_ref().is_some_and(|me| !self.shown.me.as_ref().is_some_and(|shown| me.is(shown)));
        let dnd = me.as_ref().is_some_and(MeLook::is_dnd);
        if me_changed {
            self.shown.me = me.map(|me| me.view());
        }
        for change in &people {
            self.judge(now, change, dnd);
        }
        // Most of what happens changes nothing of these, so they are compared where they stand.
        let link_changed = self.shown.link.as_ref() != Some(&link);
        let problems_changed = !self.problems.values().eq(&self.shown.problems);
        if !me_changed && !link_changed && !problems_changed && people.is_empty() {
            return;
        }
        let tray_link_changed =
            self.shown.link.as_ref().map(TrayLink::of) != Some(TrayLink::of(&link));
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
        if !me_changed && !link_changed && !problems_changed && !others_changed {
            return;
        }
        self.shown.seq = update.seq;
        self.effects.push_back(Effect::Show(update));
        if self.own.is_some() && (me_changed || tray_link_changed || others_changed) {
            let link = self.shown.link.as_ref().unwrap_or(&LinkView::Unset);
            let tray = TrayView::draw(self.shown.me.as_ref(), link, self.others());
            self.effects.push_back(Effect::ShowTray(tray));
        }
    }

    pub(super) fn judge(&mut self, now: Now, change: &Change, dnd: bool) {
        let Some(own) = &self.own else {
            return;
        };
        let circumstances =
            Circumstances { me: Some(own.holder.user.as_str()), wanted: self.wants_notices, dnd };
        if let Err(silence) = self.notices.judge(now, change, circumstances) {
            *self.diagnostics.silent.entry(silence).or_default() += 1;
        }
    }
}
