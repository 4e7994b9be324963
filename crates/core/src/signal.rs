//! Light words between people: typing, knock, wave.
//!
//! Owns what passed between me and others, how far it has come, and when it makes a notification (`docs/protocol.md`,
//! *Signals*). Nothing of it outlives the run. Deliberately does no I/O and knows no connection: the engine says whether there is
//! one, publishes what is to be said and pops up what is to be shown.

use std::collections::{BTreeSet, VecDeque};

use crate::effect::DropReason;
use crate::id::UserId;
use crate::input::{PublishId, Refusal};
use crate::notification::{Notification, Suppressed};
use crate::rate_limit::RateLimit;
use crate::roster::Roster;
use crate::time::{Monotonic, Now};
use crate::view::signals::{ExchangeStage, SignalsView};

mod asking;
mod command;
mod exchange;
mod hearing;
mod history;
mod outbox;
mod outcome;
mod typing;
mod waiting;
mod waves;

pub use crate::wire::{Answer, Signal, SignalId, SignalIdError, TooLongError, written};
pub use command::SignalCommand;
pub use exchange::SignalError;

pub(crate) use outbox::OutgoingMessage;
pub(crate) use typing::TypingMark;

use exchange::{Exchange, RingState};
use history::History;
use outbox::Outbox;
use typing::Typing;
use waves::Bursts;

/// No more people are waited for than so many.
const BACK: usize = 64;

/// What decides what may be said and shown, at one moment.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SignalContext<'a> {
    pub(crate) now: Now,
    pub(crate) roster: &'a Roster,
    /// The link is up, and what is retained was read.
    pub(crate) up: bool,
    /// Others see that I am here.
    pub(crate) visible: bool,
    /// Why a notification is held until later.
    pub(crate) quiet: Option<Suppressed>,
}

/// What the engine is to do at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Event {
    Notify(Notification),
    /// The notification of that key is over.
    Withdraw(String),
    /// This made no notification.
    Silent(Suppressed),
    /// Keep across runs who is muted.
    SaveMuted(BTreeSet<UserId>),
}

/// See the module's page.
#[derive(Debug)]
pub(crate) struct Signals {
    me: UserId,
    /// Whether knocks are taken here; whoever only came to knock takes none.
    hears: bool,
    ledger: History,
    outbox: Outbox,
    typing: Typing,
    marks: Vec<TypingMark>,
    bursts: Bursts,
    /// How often others waved and knocked, and I.
    waved_at_me: RateLimit<UserId>,
    knocked_at_me: RateLimit<UserId>,
    waved: RateLimit<UserId>,
    knocked: RateLimit<UserId>,
    back: BTreeSet<UserId>,
    muted: BTreeSet<UserId>,
    news: VecDeque<Event>,
    /// Of whom I was just told that they are back.
    recently_notified: VecDeque<(UserId, Monotonic)>,
    /// Counts what changes what is shown.
    revision: u64,
    /// Whether there is something that time or others may move, and when at the latest.
    moves: bool,
    next: Option<Monotonic>,
}

impl Signals {
    pub(crate) fn new(me: UserId, hears: bool, muted: BTreeSet<UserId>) -> Self {
        Self {
            me,
            hears,
            ledger: History::default(),
            outbox: Outbox::default(),
            typing: Typing::default(),
            marks: Vec::new(),
            bursts: Bursts::default(),
            waved_at_me: RateLimit::default(),
            knocked_at_me: RateLimit::default(),
            waved: RateLimit::default(),
            knocked: RateLimit::default(),
            back: BTreeSet::new(),
            revision: u64::from(!muted.is_empty()),
            muted,
            news: VecDeque::new(),
            recently_notified: VecDeque::new(),
            moves: false,
            next: None,
        }
    }

    pub(crate) fn me(&self) -> &UserId {
        &self.me
    }

    /// Takes in what the person wants.
    pub(crate) fn handle(
        &mut self,
        around: SignalContext<'_>,
        command: SignalCommand,
        rng: &mut fastrand::Rng,
    ) {
        match command {
            SignalCommand::Knock { to, text, when } => {
                self.knock(around, to, text.as_deref(), when, rng);
            }
            SignalCommand::Wave { to, emoji } => self.wave(around, to, emoji.as_deref(), rng),
            SignalCommand::Answer { from, id, answer } => self.answer(around, &from, &id, answer),
            SignalCommand::See { from } => self.see(around, &from),
            SignalCommand::Withdraw { with, id } => self.withdraw(around, &with, &id),
            SignalCommand::Type { to } => self.type_to(around, to),
            SignalCommand::StopTyping { to } => self.marks.extend(self.typing.stop(to.as_ref())),
            SignalCommand::TellWhenBack { user, wanted } => self.tell_when_back(user, wanted),
            SignalCommand::Mute { user, muted } => self.mute(&user, muted),
        }
        self.look_ahead();
    }

    /// Takes in a message to my inbox.
    ///
    /// # Errors
    /// Says why it was dropped.
    pub(crate) fn receive(
        &mut self,
        around: SignalContext<'_>,
        from: &UserId,
        payload: &[u8],
    ) -> Result<(), DropReason> {
        let signal = crate::wire::decode_signal(payload)?;
        self.hear(around, from, signal);
        self.look_ahead();
        Ok(())
    }

    /// Whether [`Signals::follow`] has anything to look at.
    pub(crate) fn moves(&self) -> bool {
        self.moves
    }

    /// Does what time or others have made due.
    pub(crate) fn follow(&mut self, around: SignalContext<'_>) {
        let now = around.now;
        let (over, stopped) = self.typing.expire(now);
        self.revision += u64::from(stopped);
        self.marks.extend(over);
        for letter in self.outbox.expire(now) {
            let why =
                if letter.is_sent() { SignalError::Unconfirmed } else { SignalError::LinkDown };
            self.came_to_nothing(&letter, &why);
        }
        self.follow_mine(around);
        self.follow_theirs(around);
        for (user, burst) in self.bursts.poll(now) {
            self.ring_burst(around, &user, burst);
        }
        self.follow_back(around);
        // Last, as what was just done may have been too much.
        for letter in self.outbox.take_dropped() {
            self.came_to_nothing(&letter, &SignalError::TooMany);
        }
        self.look_ahead();
    }

    /// When [`Signals::follow`] has something to do.
    pub(crate) fn next_deadline(&self) -> Option<Monotonic> {
        self.next
    }

    /// The next letter to publish. Whoever does says so to it.
    pub(crate) fn next_letter(&mut self) -> Option<&mut OutgoingMessage> {
        self.outbox.next()
    }

    /// The typing marks to say; where nobody can be told, they are forgotten.
    pub(crate) fn take_marks(&mut self) -> Vec<TypingMark> {
        std::mem::take(&mut self.marks)
    }

    /// What is to be done at once.
    pub(crate) fn poll_news(&mut self) -> Option<Event> {
        self.news.pop_front()
    }

    /// The broker has something, or does not take it.
    pub(crate) fn settle(&mut self, now: Now, id: PublishId, outcome: &Result<(), Refusal>) {
        if !self.outbox.is_empty()
            && let Some(letter) = self.outbox.settle(id)
        {
            self.is_sent(now, &letter, outcome);
            self.look_ahead();
        }
    }

    /// The connection is gone.
    pub(crate) fn connection_lost(&mut self) {
        self.outbox.connection_lost();
        self.typing.forget_mine();
        self.marks.clear();
    }

    /// What was due is done.
    pub(crate) fn rest(&mut self) {
        self.look_ahead();
    }

    /// Counts what changes what is shown.
    pub(crate) fn revision(&self) -> u64 {
        self.revision
    }

    /// Everything that is shown.
    pub(crate) fn view(&self) -> SignalsView {
        let ids = |users: &BTreeSet<UserId>| users.iter().map(ToString::to_string).collect();
        SignalsView {
            exchanges: self.ledger.iter().map(Exchange::view).collect(),
            typing: self.typing.to_me().map(ToString::to_string).collect(),
            back: ids(&self.back),
            muted: ids(&self.muted),
        }
    }

    /// Those whose knocks stand and want attention, the latest last: their ids, names and knocks.
    pub(crate) fn standing(&self) -> impl Iterator<Item = (&UserId, &str, &SignalId)> {
        self.ledger
            .iter()
            .filter(|exchange| exchange.stands() && exchange.bell != RingState::Held)
            .filter(|exchange| !self.muted.contains(&exchange.with))
            .map(|exchange| (&exchange.with, exchange.name.as_str(), &exchange.id))
    }

    /// Of whom nothing pops up.
    pub(crate) fn muted(&self) -> &BTreeSet<UserId> {
        &self.muted
    }

    /// Whether I was told a moment ago that somebody is back: then it need not be said again.
    pub(crate) fn told_back(&mut self, now: Now, user: &str) -> bool {
        const MOMENT: std::time::Duration = std::time::Duration::from_secs(10);
        self.recently_notified.retain(|(_, at)| now.mono.since(*at) < MOMENT);
        self.recently_notified.iter().any(|(told, _)| told.as_str() == user)
    }

    // --- typing, back, mute

    fn type_to(&mut self, around: SignalContext<'_>, to: Option<UserId>) {
        // Nobody is told that somebody invisible types, and nobody of it later.
        if around.up && around.visible {
            self.marks.extend(self.typing.key(around.now, to));
        }
    }

    fn tell_when_back(&mut self, user: UserId, wanted: bool) {
        let changed = if wanted {
            self.back.len() < BACK && self.back.insert(user)
        } else {
            self.back.remove(&user)
        };
        self.revision += u64::from(changed);
    }

    fn follow_back(&mut self, around: SignalContext<'_>) {
        if !around.up || self.back.is_empty() {
            return;
        }
        let is_back = |user: &UserId| {
            around.roster.reachability(user, around.now).is_some_and(|glance| glance.is_around())
        };
        let back: Vec<_> = self.back.iter().filter(|user| is_back(user)).cloned().collect();
        for user in back {
            self.back.remove(&user);
            self.revision += 1;
            let who = self.who(around, &user);
            self.news.push_back(Event::Notify(Notification::Back(who)));
            self.recently_notified.truncate(7);
            self.recently_notified.push_front((user, around.now.mono));
        }
    }

    fn mute(&mut self, user: &UserId, muted: bool) {
        let changed = if muted { self.muted.insert(user.clone()) } else { self.muted.remove(user) };
        if !changed {
            return;
        }
        self.revision += 1;
        self.news.push_back(Event::SaveMuted(self.muted.clone()));
        if muted {
            self.bursts.forget(user);
            for exchange in self.ledger.iter_mut().filter(|exchange| exchange.with == *user) {
                if exchange.stands() && exchange.bell == RingState::Rung {
                    self.news.push_back(Event::Withdraw(exchange.notification_key()));
                }
                exchange.bell = RingState::Silent;
            }
        }
    }

    // --- what comes next

    /// Works out whether anything may move, and when: so that nothing has to be looked at where nothing may.
    fn look_ahead(&mut self) {
        let mut next =
            [self.typing.next_deadline(), self.outbox.next_deadline(), self.bursts.next_deadline()]
                .into_iter()
                .flatten()
                .min();
        let mut waits = !self.back.is_empty();
        for exchange in self.ledger.iter() {
            let due = match exchange.stage {
                ExchangeStage::Waiting => {
                    waits = true;
                    None
                }
                ExchangeStage::Sending => Some(exchange.since + outbox::LASTS),
                ExchangeStage::Sent => exchange.again_at,
                _ => {
                    waits |= exchange.stands() && exchange.bell == RingState::Held;
                    None
                }
            };
            next = next.into_iter().chain(due).min();
        }
        self.next = next;
        let at_rest = self.outbox.is_empty() && self.typing.is_empty() && self.bursts.is_empty();
        self.moves =
            waits || next.is_some() || !at_rest || !self.marks.is_empty() || !self.news.is_empty();
    }

    fn who(&self, around: SignalContext<'_>, user: &UserId) -> crate::notification::Who {
        crate::notification::Who { user: user.to_string(), name: name(around, user) }
    }
}

/// The name shown, or else the id.
fn name(around: SignalContext<'_>, user: &UserId) -> String {
    let known = around.roster.person(user, around.now).map(|person| person.name);
    known.unwrap_or_else(|| crate::text::display_id(user.as_str(), crate::text::MAX_NAME))
}
