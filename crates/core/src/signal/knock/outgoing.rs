//! A knock or wave of mine.

use std::time::Duration;

use super::{Action, notify, send};
use crate::notification::Notification;
use crate::signal::header::Header;
use crate::signal::{Answer, Event, LASTS, SignalContext, SignalError, SignalMessage};
use crate::time::Monotonic;
use crate::view::signals::{ExchangeKind, ExchangeStage, ExchangeView, When};

/// A knock that no device confirms is sent again after this, until [`LASTS`] is over.
const AGAIN: Duration = Duration::from_secs(5);
/// After each connection a device asks how far its knocks are that are younger than this.
const ASKED_ABOUT: Duration = Duration::from_secs(10 * 60);

/// A knock or wave of mine. A wave goes only as far as the broker: nobody confirms it.
#[derive(Debug)]
pub(crate) struct Outgoing {
    pub(crate) header: Header,
    kind: ExchangeKind,
    when: When,
    /// When it began to be sent.
    since: Monotonic,
    state: State,
}

/// How far a knock or wave of mine is.
#[derive(Debug)]
enum State {
    /// The knock goes when the other person is here.
    WaitingForReturn,
    /// The knock goes when both of us are free.
    WaitingForBoth(Announcement),
    /// It goes when my own connection is up.
    Unsent,
    /// The outbox has it.
    Sending,
    /// The broker has the knock. It is sent again at that moment unless a device confirms it before.
    Sent { again_at: Monotonic },
    /// The broker has the knock, and no device confirmed it for half a minute.
    Unheard,
    /// The broker has the wave.
    WaveSent,
    /// A device has the knock.
    Delivered,
    /// The other person saw the knock.
    Seen,
    /// The other person answered. Only the first answer counts.
    Answered(Answer),
    /// I took the knock back, or the other person does not want it to wait.
    Withdrawn,
    /// It was not sent.
    Failed(SignalError),
}

/// Whether the other person's devices know of a knock that waits for both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Announcement {
    /// None ever did.
    None,
    /// They did, before they went or a connection broke.
    Outdated,
    /// They do.
    Current,
}

impl Outgoing {
    pub(crate) fn new(
        now: Monotonic,
        header: Header,
        kind: ExchangeKind,
        when: When,
        allowed: Result<(), SignalError>,
    ) -> Self {
        let state = match (allowed, when) {
            (Err(error), _) => State::Failed(error),
            (Ok(()), When::Now) => State::Unsent,
            (Ok(()), When::Back) => State::WaitingForReturn,
            (Ok(()), When::BothFree) => State::WaitingForBoth(Announcement::None),
        };
        Self { header, kind, when, since: now, state }
    }

    /// Time passed, or the roster changed.
    pub(crate) fn handle_tick(&mut self, context: SignalContext<'_>) -> Vec<Action> {
        let (now, with) = (context.now.mono, &self.header.with);
        match self.state {
            State::WaitingForReturn if context.sees(with, |it| it.is_around()) => {
                self.since = now;
                vec![Action::Update, self.send()]
            }
            State::WaitingForBoth(_) if context.both_free(with) => self.start(now),
            State::WaitingForBoth(announcement) => {
                // Their devices have to know, because they may be the first to see that both are free.
                let connected = context.sees(with, |it| !it.is_offline());
                self.state = State::WaitingForBoth(match announcement {
                    _ if connected => Announcement::Current,
                    Announcement::None => Announcement::None,
                    Announcement::Outdated | Announcement::Current => Announcement::Outdated,
                });
                let news = connected && announcement != Announcement::Current;
                let (id, text) = (self.header.id.clone(), self.header.text.clone());
                Vec::from_iter(news.then(|| send(now, SignalMessage::Waiting { id, text })))
            }
            State::Unsent => match context.departure(with, &self.header.name, self.since) {
                Some(Ok(())) => vec![self.send()],
                Some(Err(error)) => self.enter(State::Failed(error)),
                None => Vec::new(),
            },
            State::Sent { again_at } if again_at <= now => {
                let until = self.since + LASTS;
                if now >= until {
                    return self.enter(State::Unheard);
                }
                self.state = State::Sent { again_at: (now + AGAIN).min(until) };
                vec![Action::Send(self.message(), until)]
            }
            _ => Vec::new(),
        }
    }

    /// A connection is up. On the one before it messages may have been lost in both directions.
    pub(crate) fn handle_connection_up(&mut self, now: Monotonic) -> Option<SignalMessage> {
        match &mut self.state {
            State::WaitingForBoth(announcement) if *announcement == Announcement::Current => {
                *announcement = Announcement::Outdated;
                None
            }
            State::Sent { .. } | State::Unheard | State::Delivered | State::Seen => {
                let young = now.since(self.since) < ASKED_ABOUT;
                young.then(|| SignalMessage::Again { re: self.header.id.clone() })
            }
            _ => None,
        }
    }

    /// The broker has it, or the outbox gave it up. Returns whether the view changed.
    pub(crate) fn handle_published(
        &mut self,
        now: Monotonic,
        outcome: Result<(), SignalError>,
    ) -> bool {
        // A knock that was sent before may be there already.
        let first = matches!(self.state, State::Sending);
        if first {
            self.state = match (outcome, self.kind) {
                (Err(error), _) => State::Failed(error),
                (Ok(()), ExchangeKind::Knock) => State::Sent { again_at: now + AGAIN },
                (Ok(()), ExchangeKind::Wave) => State::WaveSent,
            };
        }
        first
    }

    /// A device of the other person sent something about this knock.
    pub(crate) fn handle_message(
        &mut self,
        now: Monotonic,
        message: &SignalMessage,
    ) -> Vec<Action> {
        match message {
            _ if self.kind == ExchangeKind::Wave => Vec::new(),
            SignalMessage::Delivered { .. } => self.handle_receipt(now, State::Delivered),
            SignalMessage::Seen { .. } => self.handle_receipt(now, State::Seen),
            SignalMessage::Answer { answer, .. } => {
                self.handle_receipt(now, State::Answered(answer.clone()))
            }
            SignalMessage::Free { .. } if self.is_announced() => self.start(now),
            // They did not know yet.
            SignalMessage::Free { .. } if matches!(self.state, State::Withdrawn) => {
                vec![send(now, self.withdrawal())]
            }
            SignalMessage::Withdrawn { .. } if self.is_waiting() => self.enter(State::Withdrawn),
            _ => Vec::new(),
        }
    }

    fn handle_receipt(&mut self, now: Monotonic, receipt: State) -> Vec<Action> {
        // Their device saw that both are free, and the message about that is late or lost.
        let mut actions = if self.is_announced() { self.start(now) } else { Vec::new() };
        // Messages come twice, late and in any order; a knock only goes forward.
        if receipt.stage() > self.state.stage() {
            actions.extend([Action::Update, Action::Unsend(self.header.id.clone())]);
            if let State::Answered(answer) = &receipt {
                let (who, id) = (self.header.who(), self.header.id.clone());
                let answer = answer.clone();
                actions.push(notify(Notification::Answered { who, id, answer }));
            }
            self.state = receipt;
        }
        actions
    }

    /// I take the knock back.
    pub(crate) fn withdraw(&mut self, now: Monotonic) -> Vec<Action> {
        if !self.is_open() {
            return Vec::new();
        }
        let waited = self.is_waiting() || matches!(self.state, State::Unsent);
        let known = self.is_announced() || !waited;
        let withdrawal = known.then(|| send(now, self.withdrawal()));
        let mut actions = self.enter(State::Withdrawn);
        actions.push(Action::Unsend(self.header.id.clone()));
        actions.extend(withdrawal);
        actions.push(Action::Emit(Event::Withdraw(self.both_free().key())));
        actions
    }

    /// Something may still come of it.
    pub(crate) fn is_open(&self) -> bool {
        let over = matches!(self.state, State::Answered(_) | State::Withdrawn | State::Failed(_));
        self.kind == ExchangeKind::Knock && !over
    }

    pub(crate) fn is_waiting(&self) -> bool {
        self.state.stage() == ExchangeStage::Waiting
    }

    /// It waits, and devices of the other person may know that.
    pub(crate) const fn is_announced(&self) -> bool {
        use Announcement::{Current, Outdated};
        matches!(self.state, State::WaitingForBoth(Outdated | Current))
    }

    /// When [`Outgoing::handle_tick`] has something to do. The outbox has the deadline of what is being sent.
    pub(crate) fn deadline(&self) -> Option<Monotonic> {
        match self.state {
            State::Unsent => Some(self.since + LASTS),
            State::Sent { again_at } => Some(again_at),
            _ => None,
        }
    }

    pub(crate) fn view(&self) -> ExchangeView {
        let mut view = self.header.view(self.kind, self.state.stage());
        (view.mine, view.when) = (true, self.when);
        match &self.state {
            State::Unheard => view.unheard = true,
            State::Answered(answer) => view.answer = Some(answer.clone()),
            State::Failed(error) => view.failure = Some(error.view()),
            _ => {}
        }
        view
    }

    fn enter(&mut self, state: State) -> Vec<Action> {
        self.state = state;
        vec![Action::Update]
    }

    /// Both of us are free, so the knock goes.
    fn start(&mut self, now: Monotonic) -> Vec<Action> {
        self.since = now;
        vec![Action::Update, self.send(), notify(self.both_free())]
    }

    fn send(&mut self) -> Action {
        self.state = State::Sending;
        Action::Send(self.message(), self.since + LASTS)
    }

    fn message(&self) -> SignalMessage {
        let (id, text) = (self.header.id.clone(), self.header.text.clone());
        let both_free = self.when == When::BothFree;
        match self.kind {
            ExchangeKind::Knock => SignalMessage::Knock { id, text, both_free },
            ExchangeKind::Wave => SignalMessage::Wave { id, emoji: text },
        }
    }

    fn withdrawal(&self) -> SignalMessage {
        SignalMessage::Withdrawn { re: self.header.id.clone(), of: None }
    }

    fn both_free(&self) -> Notification {
        let (id, text) = (self.header.id.clone(), self.header.text.clone());
        Notification::BothFree { who: self.header.who(), id, text }
    }
}

impl State {
    const fn stage(&self) -> ExchangeStage {
        match self {
            Self::WaitingForReturn | Self::WaitingForBoth(_) => ExchangeStage::Waiting,
            Self::Unsent | Self::Sending => ExchangeStage::Sending,
            Self::Sent { .. } | Self::Unheard | Self::WaveSent => ExchangeStage::Sent,
            Self::Delivered => ExchangeStage::Delivered,
            Self::Seen => ExchangeStage::Seen,
            Self::Answered(_) => ExchangeStage::Answered,
            Self::Withdrawn => ExchangeStage::Withdrawn,
            Self::Failed(_) => ExchangeStage::Failed,
        }
    }
}
