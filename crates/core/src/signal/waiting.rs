//! What waits: until somebody is back, or until both are free. Held on both sides, and gone once on each.

use super::asking::said;
use super::exchange::{Exchange, RingState};
use super::hearing::{STANDING, bell, heard, knock};
use super::{Event, Signal, SignalContext, SignalId, Signals};
use crate::id::UserId;
use crate::notification::{Notification, Suppressed, Who};
use crate::time::Now;
use crate::view::signals::{ExchangeKind, ExchangeStage, When};

impl Signals {
    // --- mine

    pub(super) fn follow_waiting(&mut self, around: SignalContext<'_>, at: usize) {
        let Some(exchange) = self.ledger.iter_mut().nth(at) else {
            return;
        };
        if exchange.when == When::Back {
            if is_back(around, exchange.when, &exchange.with) {
                exchange.forward(ExchangeStage::Sending);
                exchange.since = around.now.mono;
                self.revision += 1;
                self.follow_sending(around, at);
            }
            return;
        }
        if !around.up || !around.visible {
            exchange.told = false;
            return;
        }
        if both_free(around, &self.me, &exchange.with) {
            let id = exchange.id.clone();
            let with = exchange.with.clone();
            self.fire_mine(around.now, &with, &id);
            return;
        }
        // Whoever comes is told what waits, so that they may see the moment first.
        let glance = around.roster.reachability(&exchange.with, around.now);
        let connected = glance.is_some_and(|glance| !glance.is_offline());
        if connected && !exchange.told {
            let (to, id, text) =
                (exchange.with.clone(), exchange.id.clone(), exchange.text.clone());
            exchange.was_sent = true;
            self.outbox.push(around.now, to, Signal::Waiting { id, text });
        }
        exchange.told = connected;
    }

    /// Both are free, as this side sees it or the other said: it goes, once.
    pub(super) fn fire_mine(&mut self, now: Now, with: &UserId, id: &SignalId) {
        let Some(exchange) = self.ledger.mine(with, id) else {
            return;
        };
        if exchange.when != When::BothFree || exchange.stage != ExchangeStage::Waiting {
            return;
        }
        exchange.forward(ExchangeStage::Sending);
        exchange.since = now.mono;
        exchange.was_sent = true;
        let signal = said(exchange);
        let notification = Notification::BothFree {
            who: Who { user: with.to_string(), name: exchange.name.clone() },
            id: id.clone(),
            text: exchange.text.clone(),
        };
        self.revision += 1;
        self.outbox.push(now, with.clone(), signal);
        self.news.push_back(Event::Notify(notification));
    }

    /// Whoever quits waits no more: what others were told of it is taken back.
    pub(crate) fn withdraw_waiting(&mut self, around: SignalContext<'_>) {
        let waiting: Vec<_> = self
            .ledger
            .iter()
            .filter(|exchange| exchange.mine && exchange.was_sent)
            .filter(|exchange| exchange.stage == ExchangeStage::Waiting)
            .map(|exchange| (exchange.with.clone(), exchange.id.clone()))
            .collect();
        for (with, id) in waiting {
            self.withdraw(around, &with, &id);
        }
    }

    // --- theirs

    /// Both are free, as this side sees it or the other said: it rings, once.
    pub(super) fn fire_theirs(
        &mut self,
        around: SignalContext<'_>,
        from: &UserId,
        id: &SignalId,
        seen_here: bool,
    ) -> Result<(), Suppressed> {
        let rings = self.rings(around, from);
        let Some(exchange) = self.ledger.theirs(from, id) else {
            return Err(Suppressed::Repeated);
        };
        exchange.forward(ExchangeStage::Delivered);
        exchange.since = around.now.mono;
        exchange.bell = bell(rings);
        let notification = knock(exchange);
        self.revision += 1;
        if seen_here && around.visible {
            self.outbox.push(around.now, from.clone(), Signal::Free { re: id.clone() });
        }
        self.say_delivered(around, from, id);
        rings.map(|()| self.news.push_back(Event::Notify(notification)))
    }

    pub(super) fn hear_waiting(
        &mut self,
        around: SignalContext<'_>,
        from: &UserId,
        id: SignalId,
        text: Option<String>,
    ) {
        let waits = |exchange: &&Exchange| {
            !exchange.mine && exchange.with == *from && exchange.stage == ExchangeStage::Waiting
        };
        let known = self.ledger.knows(from, &id) || self.ledger.theirs(from, &id).is_some();
        if known || self.ledger.iter().filter(waits).count() >= STANDING {
            return;
        }
        let mut exchange = heard(around, from, ExchangeKind::Knock, id, text);
        exchange.when = When::BothFree;
        exchange.stage = ExchangeStage::Waiting;
        self.keep(exchange);
    }

    pub(super) fn hear_free(&mut self, around: SignalContext<'_>, from: &UserId, re: &SignalId) {
        let withdrawn = self
            .ledger
            .mine(from, re)
            .is_some_and(|exchange| exchange.stage == ExchangeStage::Withdrawn);
        if withdrawn {
            // They had not heard of it yet.
            let signal = Signal::Withdrawn { re: re.clone(), of: None };
            self.outbox.push(around.now, from.clone(), signal);
        }
        self.fire_mine(around.now, from, re);
    }

    pub(super) fn hear_withdrawn(&mut self, from: &UserId, re: &SignalId) {
        if let Some(exchange) = self.ledger.mine(from, re) {
            // Whoever is asked may only end the waiting.
            if exchange.stage == ExchangeStage::Waiting {
                exchange.forward(ExchangeStage::Withdrawn);
                self.revision += 1;
            }
            return;
        }
        if self.hears {
            self.end(from, re, ExchangeStage::Withdrawn, None);
        }
    }

    /// Time, or what became of others, may move what others said.
    pub(super) fn follow_theirs(&mut self, around: SignalContext<'_>) {
        if around.up {
            // Whoever is gone may never ask again, and says so again if they do.
            let before = self.ledger.len();
            self.ledger.retain(|exchange| {
                let waits = !exchange.mine && exchange.stage == ExchangeStage::Waiting;
                let gone = || {
                    around
                        .roster
                        .reachability(&exchange.with, around.now)
                        .is_none_or(|g| g.is_gone())
                };
                !(waits && gone())
            });
            self.revision += u64::from(self.ledger.len() != before);
        }
        let waiting: Vec<_> = self
            .ledger
            .iter()
            .filter(|exchange| !exchange.mine && exchange.stage == ExchangeStage::Waiting)
            .filter(|exchange| both_free(around, &self.me, &exchange.with))
            .map(|exchange| (exchange.with.clone(), exchange.id.clone()))
            .collect();
        for (from, id) in waiting {
            self.ledger.note(&from, &id);
            let rung = self.fire_theirs(around, &from, &id, true);
            self.note_silence(rung);
        }
        if around.quiet.is_none() {
            for exchange in
                self.ledger.iter_mut().filter(|exchange| exchange.bell == RingState::Held)
            {
                exchange.bell = RingState::Silent;
                if exchange.stands() {
                    exchange.bell = RingState::Rung;
                    self.revision += 1;
                    self.news.push_back(Event::Notify(knock(exchange)));
                }
            }
        }
    }
}

/// A knock that waits until both are free may go when this says so.
fn both_free(around: SignalContext<'_>, me: &UserId, other: &UserId) -> bool {
    let free =
        |user| around.roster.reachability(user, around.now).is_some_and(|glance| glance.is_free());
    around.up && around.visible && free(me) && free(other)
}

/// A knock that waits for somebody to be back may go when this says so.
fn is_back(around: SignalContext<'_>, when: When, other: &UserId) -> bool {
    when == When::Back
        && around.up
        && around.visible
        && around.roster.reachability(other, around.now).is_some_and(|glance| glance.is_around())
}
