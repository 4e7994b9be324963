//! What I say to others: how it goes out, and what comes back.

use std::time::Duration;

use super::exchange::{Exchange, RingState, SignalError};
use super::outbox::LASTS;
use super::{Event, Signal, SignalContext, SignalId, Signals, name, written};
use crate::id::UserId;
use crate::text::{MAX_EMOJI, display_text};
use crate::time::Now;
use crate::view::signals::{ExchangeKind, ExchangeStage, When};

/// A knock that no device said to have is sent again after this, as long as it is young.
pub(super) const AGAIN: Duration = Duration::from_secs(5);

impl Signals {
    pub(super) fn knock(
        &mut self,
        around: SignalContext<'_>,
        to: UserId,
        text: Option<&str>,
        when: When,
        rng: &mut fastrand::Rng,
    ) {
        self.marks.extend(self.typing.stop(Some(&to)));
        let mut exchange = self.begin(around, to, ExchangeKind::Knock, rng);
        exchange.when = when;
        match text.map_or(Ok(None), written) {
            Ok(text) => exchange.text = text,
            Err(too_long) => exchange.fail(too_long.into()),
        }
        if let Err(why) = self.may_say(around, &exchange) {
            exchange.fail(why);
        }
        if exchange.stage != ExchangeStage::Failed
            && self.knocked.take(around.now.mono, &exchange.with).is_err()
        {
            exchange.fail(SignalError::TooMany);
        }
        self.keep(exchange);
    }

    pub(super) fn wave(
        &mut self,
        around: SignalContext<'_>,
        to: UserId,
        emoji: Option<&str>,
        rng: &mut fastrand::Rng,
    ) {
        let mut exchange = self.begin(around, to, ExchangeKind::Wave, rng);
        exchange.text = emoji.and_then(|emoji| display_text(emoji, MAX_EMOJI));
        let may = self.may_say(around, &exchange);
        if let Err(why) = may {
            exchange.fail(why);
        } else if self.waved.take(around.now.mono, &exchange.with).is_err() {
            exchange.fail(SignalError::TooMany);
        }
        self.keep(exchange);
    }

    fn begin(
        &self,
        around: SignalContext<'_>,
        with: UserId,
        kind: ExchangeKind,
        rng: &mut fastrand::Rng,
    ) -> Exchange {
        Exchange {
            mine: true,
            kind,
            id: SignalId::random(rng),
            name: name(around, &with),
            with,
            text: None,
            count: 1,
            when: When::Now,
            stage: ExchangeStage::Waiting,
            answer: None,
            why: None,
            at: around.now.wall,
            since: around.now.mono,
            was_sent: false,
            again_at: None,
            unheard: false,
            told: false,
            bell: RingState::Silent,
        }
    }

    pub(super) fn keep(&mut self, mut exchange: Exchange) {
        if exchange.mine && exchange.when == When::Now {
            exchange.forward(ExchangeStage::Sending);
        }
        self.revision += 1;
        for gone in self.ledger.push(exchange) {
            if gone.bell == RingState::Rung && gone.stands() {
                self.news.push_back(Event::Withdraw(gone.notification_key()));
            }
        }
    }

    /// Whether something can be said to somebody at all, as far as that is known now.
    fn may_say(&self, around: SignalContext<'_>, exchange: &Exchange) -> Result<(), SignalError> {
        if exchange.with == self.me {
            return Err(SignalError::Myself);
        }
        if !around.visible {
            return Err(SignalError::Invisible);
        }
        if !around.up {
            return Ok(());
        }
        match around.roster.reachability(&exchange.with, around.now) {
            None => Err(SignalError::NotKnown),
            Some(glance) if exchange.when == When::Now && glance.is_gone() => {
                Err(SignalError::Offline {
                    name: around.roster.distinct_name(exchange.with.as_str(), &exchange.name),
                    since: glance.since,
                    cause: glance.cause,
                })
            }
            Some(_) => Ok(()),
        }
    }

    // --- time

    pub(super) fn follow_mine(&mut self, around: SignalContext<'_>) {
        for at in 0..self.ledger.len() {
            let Some(exchange) = self.ledger.iter().nth(at).filter(|exchange| exchange.mine) else {
                continue;
            };
            match exchange.stage {
                ExchangeStage::Waiting => self.follow_waiting(around, at),
                ExchangeStage::Sending => self.follow_sending(around, at),
                ExchangeStage::Sent => self.follow_sent(around.now, at),
                _ => {}
            }
        }
    }

    pub(super) fn follow_sending(&mut self, around: SignalContext<'_>, at: usize) {
        let Some(exchange) = self.ledger.iter().nth(at) else {
            return;
        };
        if around.now.mono >= exchange.since + LASTS {
            self.fail(at, SignalError::LinkDown);
            return;
        }
        if exchange.was_sent || (!around.up && around.visible) {
            return;
        }
        match self.may_say(around, exchange) {
            Ok(()) => {}
            // It may be that we have only not heard of them again yet.
            Err(SignalError::NotKnown) if exchange.when != When::Now => {}
            Err(why) => {
                self.fail(at, why);
                return;
            }
        }
        let Some(exchange) = self.ledger.iter_mut().nth(at) else {
            return;
        };
        exchange.was_sent = true;
        let until = exchange.since + LASTS;
        let (to, signal) = (exchange.with.clone(), said(exchange));
        self.outbox.push_until(until, to, signal);
    }

    fn follow_sent(&mut self, now: Now, at: usize) {
        let Some(exchange) = self.ledger.iter_mut().nth(at) else {
            return;
        };
        if exchange.again_at.is_none_or(|again| again > now.mono) {
            return;
        }
        let until = exchange.since + LASTS;
        if now.mono >= until {
            exchange.again_at = None;
            exchange.unheard = true;
            self.revision += 1;
            return;
        }
        exchange.again_at = Some((now.mono + AGAIN).min(until));
        let (to, signal) = (exchange.with.clone(), said(exchange));
        self.outbox.push_until(until, to, signal);
    }

    fn fail(&mut self, at: usize, why: SignalError) {
        if let Some(exchange) = self.ledger.iter_mut().nth(at) {
            exchange.fail(why);
            self.revision += 1;
        }
    }
}

/// How an exchange of mine is said.
pub(super) fn said(exchange: &Exchange) -> Signal {
    let (id, text) = (exchange.id.clone(), exchange.text.clone());
    match exchange.kind {
        ExchangeKind::Knock => {
            Signal::Knock { id, text, both_free: exchange.when == When::BothFree }
        }
        ExchangeKind::Wave => Signal::Wave { id, emoji: text },
    }
}
