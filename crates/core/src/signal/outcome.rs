//! What becomes of what I said: sent, delivered, seen, answered, or taken back.

use std::time::Duration;

use super::asking::AGAIN;
use super::exchange::SignalError;
use super::outbox::OutgoingMessage;
use super::{Answer, Event, Signal, SignalContext, SignalId, Signals};
use crate::id::UserId;
use crate::input::Refusal;
use crate::notification::{Notification, Who};
use crate::time::Now;
use crate::view::signals::{ExchangeKind, ExchangeStage};

/// After a connection that broke it is asked how a knock stands that is younger than this.
const ASKED_ABOUT: Duration = Duration::from_secs(10 * 60);

impl Signals {
    /// The connection stands: what was told before may be lost, and so may what came meanwhile.
    pub(crate) fn connection_up(&mut self, now: Now) {
        let mut asked = Vec::new();
        for exchange in self.ledger.iter_mut().filter(|exchange| exchange.mine) {
            exchange.told = false;
            let open = exchange.is_open() && exchange.stage >= ExchangeStage::Sent;
            if open && now.mono.since(exchange.since) < ASKED_ABOUT {
                asked.push((exchange.with.clone(), exchange.id.clone()));
            }
        }
        for (to, re) in asked {
            self.outbox.push(now, to, Signal::Again { re });
        }
        self.look_ahead();
    }

    /// The broker has a letter, or does not take it.
    pub(super) fn is_sent(
        &mut self,
        now: Now,
        letter: &OutgoingMessage,
        outcome: &Result<(), Refusal>,
    ) {
        let (Signal::Knock { id, .. } | Signal::Wave { id, .. }) = &letter.signal else {
            return;
        };
        let Some(exchange) = self.ledger.mine(&letter.to, id) else {
            return;
        };
        let before = exchange.stage;
        match outcome {
            Ok(()) => {
                if exchange.forward(ExchangeStage::Sent) && exchange.kind == ExchangeKind::Knock {
                    exchange.again_at = Some(now.mono + AGAIN);
                }
            }
            Err(refusal) => exchange.fail(SignalError::Refused { reason: refusal.to_string() }),
        }
        self.revision += u64::from(exchange.stage != before);
    }

    /// A letter is not sent: it is too late for it, or there were too many.
    pub(super) fn came_to_nothing(&mut self, letter: &OutgoingMessage, why: &SignalError) {
        match &letter.signal {
            Signal::Knock { id, .. } | Signal::Wave { id, .. } => {
                if let Some(exchange) = self.ledger.mine(&letter.to, id) {
                    exchange.fail(why.clone());
                    self.revision += 1;
                }
            }
            Signal::Answer { re, of: None, .. } => {
                if let Some(exchange) = self.ledger.theirs(&letter.to, re) {
                    exchange.why = Some(why.clone());
                    self.revision += 1;
                }
            }
            _ => {}
        }
    }

    /// Somebody's device says how far a knock of mine has come.
    pub(super) fn hear_progress(
        &mut self,
        now: Now,
        from: &UserId,
        re: &SignalId,
        stage: ExchangeStage,
        answer: Option<Answer>,
    ) {
        // Whoever answers a knock that waited was free, and so was I as they saw it.
        self.fire_mine(now, from, re);
        let Some(exchange) = self.ledger.mine(from, re) else {
            return;
        };
        if exchange.kind != ExchangeKind::Knock || !exchange.forward(stage) {
            return;
        }
        self.revision += 1;
        // What they have need not be sent again.
        self.outbox.take_back(from, |signal| {
            matches!(signal, Signal::Knock { id, .. } | Signal::Again { re: id } if id == re)
        });
        let Some(answer) = answer else {
            return;
        };
        exchange.answer = Some(answer.clone());
        let who = Who { user: from.to_string(), name: exchange.name.clone() };
        self.news.push_back(Event::Notify(Notification::Answered { who, id: re.clone(), answer }));
    }

    /// Whoever is asked does not want to wait, or whoever asked no longer does.
    pub(super) fn withdraw(&mut self, around: SignalContext<'_>, with: &UserId, id: &SignalId) {
        let now = around.now;
        if let Some(exchange) = self.ledger.mine(with, id) {
            if !exchange.is_open() {
                return;
            }
            let knows = exchange.was_sent;
            exchange.forward(ExchangeStage::Withdrawn);
            let key = exchange.notification_key();
            self.revision += 1;
            let is_it = |signal: &Signal| matches!(signal, Signal::Knock { id: of, .. } | Signal::Waiting { id: of, .. } if of == id);
            self.outbox.take_back(with, is_it);
            if knows && around.visible {
                let signal = Signal::Withdrawn { re: id.clone(), of: None };
                self.outbox.push(now, with.clone(), signal);
            }
            self.news.push_back(Event::Withdraw(key));
            return;
        }
        let me = self.me.clone();
        if let Some(exchange) = self.ledger.theirs(with, id)
            && exchange.stage == ExchangeStage::Waiting
        {
            exchange.forward(ExchangeStage::Withdrawn);
            self.revision += 1;
            self.ledger.note(with, id);
            if around.visible {
                let (re, of) = (id.clone(), Some(with.clone()));
                self.outbox.push(now, with.clone(), Signal::Withdrawn { re: re.clone(), of: None });
                self.outbox.push(now, me, Signal::Withdrawn { re, of });
            }
        }
    }
}
