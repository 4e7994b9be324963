//! What I say to others: how it goes out, and what comes back.

use std::time::Duration;

use super::exchange::{Bell, Exchange, Why};
use super::outbox::{LASTS, Letter};
use super::{Answer, Around, News, Signal, SignalId, Signals, both_free, is_back, name, written};
use crate::id::UserId;
use crate::input::Refusal;
use crate::notice::{Notice, Who};
use crate::text::{MAX_EMOJI, display_text};
use crate::time::Now;
use crate::view::signals::{ExchangeKind, ExchangeStage, When};

/// A knock that no device said to have is sent again after this, as long as it is young.
const AGAIN: Duration = Duration::from_secs(5);
/// After a connection that broke it is asked how a knock stands that is younger than this.
const ASKED_ABOUT: Duration = Duration::from_secs(10 * 60);

impl Signals {
    pub(super) fn knock(
        &mut self,
        around: Around<'_>,
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
        if exchange.stage != ExchangeStage::Failed && !self.knocked.take(around.now, &exchange.with)
        {
            exchange.fail(Why::TooMany);
        }
        self.keep(exchange);
    }

    pub(super) fn wave(
        &mut self,
        around: Around<'_>,
        to: UserId,
        emoji: Option<&str>,
        rng: &mut fastrand::Rng,
    ) {
        let mut exchange = self.begin(around, to, ExchangeKind::Wave, rng);
        exchange.text = emoji.and_then(|emoji| display_text(emoji, MAX_EMOJI));
        let may = self.may_say(around, &exchange);
        if let Err(why) = may {
            exchange.fail(why);
        } else if !self.waved.take(around.now, &exchange.with) {
            exchange.fail(Why::TooMany);
        }
        self.keep(exchange);
    }

    fn begin(
        &self,
        around: Around<'_>,
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
            lettered: false,
            again_at: None,
            unheard: false,
            told: false,
            bell: Bell::Silent,
        }
    }

    pub(super) fn keep(&mut self, mut exchange: Exchange) {
        if exchange.mine && exchange.when == When::Now {
            exchange.forward(ExchangeStage::Sending);
        }
        self.revision += 1;
        for gone in self.ledger.push(exchange) {
            if gone.bell == Bell::Rung && gone.stands() {
                self.news.push_back(News::Withdraw(gone.notice_key()));
            }
        }
    }

    /// Whether something can be said to somebody at all, as far as that is known now.
    fn may_say(&self, around: Around<'_>, exchange: &Exchange) -> Result<(), Why> {
        if exchange.with == self.me {
            return Err(Why::Myself);
        }
        if !around.visible {
            return Err(Why::Invisible);
        }
        if !around.up {
            return Ok(());
        }
        match around.roster.glance(&exchange.with, around.now) {
            None => Err(Why::NotKnown),
            Some(glance) if exchange.when == When::Now && glance.is_gone() => Err(Why::Offline {
                name: exchange.name.clone(),
                since: glance.since,
                cause: glance.cause,
            }),
            Some(_) => Ok(()),
        }
    }

    // --- time

    pub(super) fn follow_mine(&mut self, around: Around<'_>) {
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

    fn follow_waiting(&mut self, around: Around<'_>, at: usize) {
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
        let glance = around.roster.glance(&exchange.with, around.now);
        let connected = glance.is_some_and(|glance| !glance.is_offline());
        if connected && !exchange.told {
            let (to, id, text) =
                (exchange.with.clone(), exchange.id.clone(), exchange.text.clone());
            exchange.lettered = true;
            self.outbox.push(around.now, to, Signal::Waiting { id, text });
        }
        exchange.told = connected;
    }

    fn follow_sending(&mut self, around: Around<'_>, at: usize) {
        let Some(exchange) = self.ledger.iter().nth(at) else {
            return;
        };
        if around.now.mono >= exchange.since + LASTS {
            self.fail(at, Why::LinkDown);
            return;
        }
        if exchange.lettered || (!around.up && around.visible) {
            return;
        }
        match self.may_say(around, exchange) {
            Ok(()) => {}
            // It may be that we have only not heard of them again yet.
            Err(Why::NotKnown) if exchange.when != When::Now => {}
            Err(why) => {
                self.fail(at, why);
                return;
            }
        }
        let Some(exchange) = self.ledger.iter_mut().nth(at) else {
            return;
        };
        exchange.lettered = true;
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

    fn fail(&mut self, at: usize, why: Why) {
        if let Some(exchange) = self.ledger.iter_mut().nth(at) {
            exchange.fail(why);
            self.revision += 1;
        }
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
        exchange.lettered = true;
        let signal = said(exchange);
        let notice = Notice::BothFree {
            who: Who { user: with.to_string(), name: exchange.name.clone() },
            id: id.clone(),
            text: exchange.text.clone(),
        };
        self.revision += 1;
        self.outbox.push(now, with.clone(), signal);
        self.news.push_back(News::Notify(notice));
    }

    // --- what becomes of it

    /// The connection stands: what was told before may be lost, and so may what came meanwhile.
    pub(crate) fn link_up(&mut self, now: Now) {
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
    pub(super) fn is_sent(&mut self, now: Now, letter: &Letter, outcome: &Result<(), Refusal>) {
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
            Err(Refusal { reason }) => exchange.fail(Why::Refused { reason: reason.clone() }),
        }
        self.revision += u64::from(exchange.stage != before);
    }

    /// It is too late for a letter.
    pub(super) fn came_to_nothing(&mut self, letter: &Letter) {
        match &letter.signal {
            Signal::Knock { id, .. } | Signal::Wave { id, .. } => {
                if let Some(exchange) = self.ledger.mine(&letter.to, id) {
                    exchange.fail(Why::LinkDown);
                    self.revision += 1;
                }
            }
            Signal::Answer { re, of: None, .. } => {
                if let Some(exchange) = self.ledger.theirs(&letter.to, re) {
                    exchange.why = Some(Why::LinkDown);
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
        self.news.push_back(News::Notify(Notice::Answered { who, id: re.clone(), answer }));
    }

    /// Whoever is asked does not want to wait, or whoever asked no longer does.
    pub(super) fn withdraw(&mut self, around: Around<'_>, with: &UserId, id: &SignalId) {
        let now = around.now;
        if let Some(exchange) = self.ledger.mine(with, id) {
            if !exchange.is_open() {
                return;
            }
            let knows = exchange.lettered;
            exchange.forward(ExchangeStage::Withdrawn);
            let key = exchange.notice_key();
            self.revision += 1;
            let is_it = |signal: &Signal| matches!(signal, Signal::Knock { id: of, .. } | Signal::Waiting { id: of, .. } if of == id);
            self.outbox.take_back(with, is_it);
            if knows && around.visible {
                let signal = Signal::Withdrawn { re: id.clone(), of: None };
                self.outbox.push(now, with.clone(), signal);
            }
            self.news.push_back(News::Withdraw(key));
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

    /// Whoever quits waits no more: what others were told of it is taken back.
    pub(crate) fn withdraw_waiting(&mut self, around: Around<'_>) {
        let waiting: Vec<_> = self
            .ledger
            .iter()
            .filter(|exchange| exchange.mine && exchange.lettered)
            .filter(|exchange| exchange.stage == ExchangeStage::Waiting)
            .map(|exchange| (exchange.with.clone(), exchange.id.clone()))
            .collect();
        for (with, id) in waiting {
            self.withdraw(around, &with, &id);
        }
    }
}

/// How an exchange of mine is said.
fn said(exchange: &Exchange) -> Signal {
    let (id, text) = (exchange.id.clone(), exchange.text.clone());
    match exchange.kind {
        ExchangeKind::Knock => {
            Signal::Knock { id, text, both_free: exchange.when == When::BothFree }
        }
        ExchangeKind::Wave => Signal::Wave { id, emoji: text },
    }
}
