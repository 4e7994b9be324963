//! What others say to me: whether it counts, whether it rings, and what is said back.

use super::exchange::{Exchange, RingState};
use super::waves::Burst;
use super::{Answer, Event, Signal, SignalContext, SignalId, Signals, exchange, name};
use crate::id::UserId;
use crate::notification::{Notification, Suppressed, Who};
use crate::time::Now;
use crate::view::signals::{ExchangeKind, ExchangeStage, When};

/// Unanswered knocks of one person that are held at a time.
pub(super) const STANDING: usize = 5;
/// Waves of one person within this stand as one in the list.
const TOGETHER: std::time::Duration = std::time::Duration::from_secs(60);

impl Signals {
    pub(super) fn hear(&mut self, around: SignalContext<'_>, from: &UserId, signal: Signal) {
        if *from == self.me {
            if self.hears {
                self.hear_myself(signal);
            }
            return;
        }
        let now = around.now;
        match signal {
            Signal::Delivered { re } => {
                self.hear_progress(now, from, &re, ExchangeStage::Delivered, None);
            }
            Signal::Seen { re, .. } => {
                self.hear_progress(now, from, &re, ExchangeStage::Seen, None);
            }
            Signal::Answer { re, answer, .. } => {
                self.hear_progress(now, from, &re, ExchangeStage::Answered, Some(answer));
            }
            Signal::Free { re } => self.hear_free(around, from, &re),
            Signal::Withdrawn { re, .. } => self.hear_withdrawn(from, &re),
            _ if !self.hears => {}
            Signal::Knock { id, text, both_free } => {
                let rung = self.hear_knock(around, from, id, text, both_free);
                self.note_silence(rung);
            }
            Signal::Waiting { id, text } => self.hear_waiting(around, from, id, text),
            Signal::Again { re } => self.say_again(around, from, &re),
            Signal::Wave { id, emoji } => {
                let rung = self.hear_wave(around, from, id, emoji);
                self.note_silence(rung);
            }
            Signal::Typing(typing) => {
                if !self.muted.contains(from) && self.typing.hear(now, from, typing) {
                    self.revision += 1;
                }
            }
        }
    }

    pub(super) fn note_silence(&mut self, rung: Result<(), Suppressed>) {
        if let Err(silence) = rung {
            self.news.push_back(Event::Silent(silence));
        }
    }

    // --- knocks

    fn hear_knock(
        &mut self,
        around: SignalContext<'_>,
        from: &UserId,
        id: SignalId,
        text: Option<String>,
        both_free: bool,
    ) -> Result<(), Suppressed> {
        if let Some(exchange) = self.ledger.theirs(from, &id) {
            if exchange.stage != ExchangeStage::Waiting {
                self.say_again(around, from, &id);
                return Err(Suppressed::Repeated);
            }
            self.ledger.note(from, &id);
            return self.fire_theirs(around, from, &id, false);
        }
        if self.ledger.knows(from, &id) {
            return Err(Suppressed::Repeated);
        }
        let theirs = |exchange: &&Exchange| exchange.stands() && exchange.with == *from;
        if self.ledger.iter().filter(theirs).count() >= STANDING
            || self.knocked_at_me.take(around.now.mono, from).is_err()
        {
            return Err(Suppressed::TooMany);
        }
        self.ledger.note(from, &id);
        let mut exchange = heard(around, from, ExchangeKind::Knock, id, text);
        exchange.when = if both_free { When::BothFree } else { When::Now };
        let rings = self.rings(around, from);
        exchange.bell = bell(rings);
        let notification = knock(&exchange);
        self.say_delivered(around, from, &exchange.id);
        self.keep(exchange);
        rings.map(|()| self.news.push_back(Event::Notify(notification)))
    }

    /// Whether something of somebody's may ring now.
    pub(super) fn rings(&self, around: SignalContext<'_>, from: &UserId) -> Result<(), Suppressed> {
        if self.muted.contains(from) {
            return Err(Suppressed::Muted);
        }
        around.quiet.map_or(Ok(()), Err)
    }

    pub(super) fn say_delivered(&mut self, around: SignalContext<'_>, to: &UserId, re: &SignalId) {
        if around.visible {
            self.outbox.push(around.now, to.clone(), Signal::Delivered { re: re.clone() });
        }
    }

    /// Somebody sent their knock again, or asks how it stands.
    fn say_again(&mut self, around: SignalContext<'_>, from: &UserId, re: &SignalId) {
        let Some(exchange) = self.ledger.theirs(from, re).filter(|_| around.visible) else {
            return;
        };
        let re = re.clone();
        let signal = match (exchange.stage, &exchange.answer) {
            (ExchangeStage::Answered, Some(answer)) => {
                Signal::Answer { re, of: None, answer: answer.clone() }
            }
            (ExchangeStage::Seen, _) => Signal::Seen { re, of: None },
            (ExchangeStage::Delivered, _) => Signal::Delivered { re },
            _ => return,
        };
        self.outbox.push(around.now, from.clone(), signal);
    }

    // --- what I do with it

    pub(super) fn answer(
        &mut self,
        around: SignalContext<'_>,
        from: &UserId,
        id: &SignalId,
        answer: Answer,
    ) {
        let Some(exchange) = self.ledger.theirs(from, id).filter(|exchange| {
            exchange.kind == ExchangeKind::Knock && exchange.stage >= ExchangeStage::Delivered
        }) else {
            return;
        };
        let answer = match answer {
            Answer::Text(text) => match super::written(&text) {
                Ok(Some(text)) => Answer::Text(text),
                Ok(None) => return,
                Err(too_long) => {
                    exchange.why = Some(too_long.into());
                    self.revision += 1;
                    return;
                }
            },
            known => known,
        };
        if !around.visible {
            exchange.why = Some(exchange::SignalError::Invisible);
            self.revision += 1;
            return;
        }
        if !exchange.forward(ExchangeStage::Answered) {
            return;
        }
        exchange.why = None;
        exchange.answer = Some(answer.clone());
        let key = exchange.notification_key();
        self.revision += 1;
        self.news.push_back(Event::Withdraw(key));
        self.marks.extend(self.typing.stop(Some(from)));
        let (re, of, me) = (id.clone(), Some(from.clone()), self.me.clone());
        let (to, now) = (from.clone(), around.now);
        self.outbox.push(
            now,
            to,
            Signal::Answer { re: re.clone(), of: None, answer: answer.clone() },
        );
        self.outbox.push(now, me, Signal::Answer { re, of, answer });
    }

    pub(super) fn see(&mut self, around: SignalContext<'_>, from: &UserId) {
        let mut seen = Vec::new();
        for exchange in self.ledger.iter_mut().filter(|exchange| exchange.with == *from) {
            if exchange.stands() {
                exchange.forward(ExchangeStage::Seen);
                self.revision += 1;
                self.news.push_back(Event::Withdraw(exchange.notification_key()));
                seen.push(exchange.id.clone());
            }
        }
        for re in seen.into_iter().filter(|_| around.visible) {
            let (me, of) = (self.me.clone(), Some(from.clone()));
            self.outbox.push(around.now, from.clone(), Signal::Seen { re: re.clone(), of: None });
            self.outbox.push(around.now, me, Signal::Seen { re, of });
        }
    }

    /// Another device of mine did something with somebody's knock.
    fn hear_myself(&mut self, signal: Signal) {
        match signal {
            Signal::Seen { re, of: Some(of) } => self.end(&of, &re, ExchangeStage::Seen, None),
            Signal::Answer { re, of: Some(of), answer } => {
                self.end(&of, &re, ExchangeStage::Answered, Some(answer));
            }
            Signal::Withdrawn { re, of: Some(of) } => {
                self.end(&of, &re, ExchangeStage::Withdrawn, None);
            }
            _ => {}
        }
    }

    /// Somebody's knock was seen, answered or taken back elsewhere: its notification is over. One that only comes later makes none.
    pub(super) fn end(
        &mut self,
        from: &UserId,
        id: &SignalId,
        stage: ExchangeStage,
        answer: Option<Answer>,
    ) {
        self.ledger.note(from, id);
        let Some(exchange) = self.ledger.theirs(from, id) else {
            return;
        };
        let stood = exchange.stands();
        let waited = exchange.stage == ExchangeStage::Waiting;
        // What was answered stays answered.
        if exchange.stage == ExchangeStage::Answered || !exchange.forward(stage) {
            return;
        }
        exchange.answer = answer;
        let key = exchange.notification_key();
        self.revision += 1;
        if stood || waited {
            self.news.push_back(Event::Withdraw(key));
        }
    }

    // --- waves

    fn hear_wave(
        &mut self,
        around: SignalContext<'_>,
        from: &UserId,
        id: SignalId,
        emoji: Option<String>,
    ) -> Result<(), Suppressed> {
        if self.ledger.knows(from, &id) {
            return Err(Suppressed::Repeated);
        }
        if self.muted.contains(from) {
            return Err(Suppressed::Muted);
        }
        if self.waved_at_me.take(around.now.mono, from).is_err() {
            return Err(Suppressed::TooMany);
        }
        self.ledger.note(from, &id);
        let earlier = self.ledger.iter_mut().next_back().filter(|last| {
            !last.mine
                && last.with == *from
                && last.kind == ExchangeKind::Wave
                && around.now.mono.since(last.since) < TOGETHER
        });
        if let Some(earlier) = earlier {
            earlier.count += 1;
            earlier.text = emoji.clone().or(earlier.text.take());
            self.revision += 1;
        } else {
            self.keep(heard(around, from, ExchangeKind::Wave, id, emoji.clone()));
        }
        self.rings(around, from)?;
        self.bursts.add(around.now, from, &name(around, from), emoji);
        Ok(())
    }

    pub(super) fn ring_burst(&mut self, around: SignalContext<'_>, user: &UserId, burst: Burst) {
        if let Err(silence) = self.rings(around, user) {
            self.news.push_back(Event::Silent(silence));
            return;
        }
        let Burst { name, emoji, count, .. } = burst;
        let who = Who { user: user.to_string(), name };
        self.news.push_back(Event::Notify(Notification::Waved { who, emoji, count }));
    }
}

pub(super) const fn bell(rings: Result<(), Suppressed>) -> RingState {
    match rings {
        Ok(()) => RingState::Rung,
        Err(
            Suppressed::DoNotDisturb
            | Suppressed::InCall
            | Suppressed::Paused
            | Suppressed::QuietHours,
        ) => RingState::Held,
        Err(_) => RingState::Silent,
    }
}

pub(super) fn knock(exchange: &Exchange) -> Notification {
    Notification::Knock {
        who: Who { user: exchange.with.to_string(), name: exchange.name.clone() },
        id: exchange.id.clone(),
        text: exchange.text.clone(),
        both_free: exchange.when == When::BothFree,
    }
}

pub(super) fn heard(
    around: SignalContext<'_>,
    with: &UserId,
    kind: ExchangeKind,
    id: SignalId,
    text: Option<String>,
) -> Exchange {
    let Now { mono, wall } = around.now;
    Exchange {
        mine: false,
        kind,
        id,
        name: name(around, with),
        with: with.clone(),
        text,
        count: 1,
        when: When::Now,
        stage: ExchangeStage::Delivered,
        answer: None,
        why: None,
        at: wall,
        since: mono,
        was_sent: false,
        again_at: None,
        unheard: false,
        told: false,
        bell: RingState::Silent,
    }
}
