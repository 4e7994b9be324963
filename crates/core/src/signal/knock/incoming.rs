//! A knock of somebody else.

use super::{Action, notify, send};
use crate::notification::{Notification, Suppressed};
use crate::signal::header::Header;
use crate::signal::{
    Answer, Event, LASTS, SignalContext, SignalError, SignalMessage, message_text,
};
use crate::time::Monotonic;
use crate::view::signals::{ExchangeKind, ExchangeStage, ExchangeView, When};

/// A knock of somebody else.
#[derive(Debug)]
pub(crate) struct IncomingKnock {
    pub(crate) header: Header,
    when: When,
    state: State,
    /// Why my last answer was not sent.
    answer_error: Option<SignalError>,
}

/// How far a knock of somebody else is.
#[derive(Debug)]
enum State {
    /// It rings when both of us are free.
    Waiting,
    /// This device has it.
    Delivered(RingState),
    /// I saw it here or on another device.
    Seen,
    /// I answered it here or on another device.
    Answered(Answer),
    /// They took it back, or I do not want it to wait.
    Withdrawn,
}

/// What became of the notification of a knock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum RingState {
    /// There was none, and there will be none.
    Silent,
    /// It comes when I may be disturbed.
    Held,
    /// It came.
    Rung,
}

impl IncomingKnock {
    pub(crate) const fn new(header: Header, when: When) -> Self {
        Self { header, when, state: State::Waiting, answer_error: None }
    }

    /// Time passed, or the roster changed. `rings` is whether this person may notify me now.
    pub(crate) fn handle_tick(
        &mut self,
        context: SignalContext<'_>,
        rings: Result<(), Suppressed>,
    ) -> Vec<Action> {
        let now = context.now.mono;
        match self.state {
            State::Waiting if context.both_free(&self.header.with) => {
                let mut actions =
                    vec![send(now, SignalMessage::Free { re: self.header.id.clone() })];
                actions.extend(self.handle_knock(now, rings));
                actions
            }
            State::Delivered(RingState::Held) if context.quiet.is_none() => {
                self.state = State::Delivered(RingState::Rung);
                vec![Action::Update, notify(self.notification())]
            }
            _ => Vec::new(),
        }
    }

    /// The knock arrived, perhaps not for the first time.
    pub(crate) fn handle_knock(
        &mut self,
        now: Monotonic,
        rings: Result<(), Suppressed>,
    ) -> Vec<Action> {
        let mut actions = Vec::new();
        let event = if self.is_waiting() {
            self.state = State::Delivered(RingState::from(rings));
            actions.extend([Action::Update, Action::Remember(self.header.id.clone())]);
            rings.map_or_else(Event::Silent, |()| Event::Notify(self.notification()))
        } else {
            Event::Silent(Suppressed::Repeated)
        };
        actions.extend(self.handle_again(now));
        actions.push(Action::Emit(event));
        actions
    }

    /// The sender asks how far the knock is.
    pub(crate) fn handle_again(&self, now: Monotonic) -> Option<Action> {
        let re = self.header.id.clone();
        let message = match &self.state {
            State::Waiting | State::Withdrawn => return None,
            State::Delivered(_) => SignalMessage::Delivered { re },
            State::Seen => SignalMessage::Seen { re, of: None },
            State::Answered(answer) => {
                SignalMessage::Answer { re, of: None, answer: answer.clone() }
            }
        };
        Some(send(now, message))
    }

    /// The sender took it back, or another device of mine did something with it.
    pub(crate) fn handle_end(&mut self, message: &SignalMessage) -> Vec<Action> {
        let state = match message {
            SignalMessage::Seen { .. } => State::Seen,
            SignalMessage::Answer { answer, .. } => State::Answered(answer.clone()),
            SignalMessage::Withdrawn { .. } => State::Withdrawn,
            _ => return Vec::new(),
        };
        // What was answered stays answered.
        let answered = matches!(self.state, State::Answered(_));
        if answered || state.stage() <= self.state.stage() {
            return Vec::new();
        }
        let unseen = self.is_waiting() || self.is_pending();
        self.state = state;
        let mut actions = vec![Action::Update];
        actions.extend(unseen.then(|| Action::Emit(self.take_down())));
        actions
    }

    /// I answer, if I may be seen. A second answer does not count.
    pub(crate) fn answer(&mut self, context: SignalContext<'_>, answer: Answer) -> Vec<Action> {
        let answer = match answer {
            _ if self.is_waiting() => return Vec::new(),
            Answer::Text(text) => match message_text(&text) {
                Ok(Some(text)) => Answer::Text(text),
                Ok(None) => return Vec::new(),
                Err(error) => return self.fail_answer(error.into()),
            },
            short => short,
        };
        if !context.visible {
            return self.fail_answer(SignalError::Invisible);
        }
        if self.state.stage() >= ExchangeStage::Answered {
            return Vec::new();
        }
        self.answer_error = None;
        self.state = State::Answered(answer.clone());
        let (re, of) = (self.header.id.clone(), Some(self.header.with.clone()));
        let mut actions = vec![Action::Update, Action::Emit(self.take_down()), Action::StopTyping];
        actions.extend(self.handle_again(context.now.mono));
        let copy = SignalMessage::Answer { re, of, answer };
        actions.push(Action::Share(copy, context.now.mono + LASTS));
        actions
    }

    /// My answer was not sent.
    pub(crate) fn fail_answer(&mut self, error: SignalError) -> Vec<Action> {
        self.answer_error = Some(error);
        vec![Action::Update]
    }

    /// I saw it here.
    pub(crate) fn see(&mut self, now: Monotonic) -> Vec<Action> {
        if !self.is_pending() {
            return Vec::new();
        }
        self.state = State::Seen;
        let (re, of) = (self.header.id.clone(), Some(self.header.with.clone()));
        let mut actions = vec![Action::Update, Action::Emit(self.take_down())];
        actions.extend(self.handle_again(now));
        actions.push(Action::Share(SignalMessage::Seen { re, of }, now + LASTS));
        actions
    }

    /// I do not want it to wait.
    pub(crate) fn decline(&mut self, now: Monotonic) -> Vec<Action> {
        if !self.is_waiting() {
            return Vec::new();
        }
        self.state = State::Withdrawn;
        let re = self.header.id.clone();
        let message = |of| SignalMessage::Withdrawn { re: re.clone(), of };
        let share = Action::Share(message(Some(self.header.with.clone())), now + LASTS);
        vec![Action::Update, Action::Remember(re.clone()), send(now, message(None)), share]
    }

    /// I muted the sender, or the knock is too old to be kept. Returns how its notification ends.
    pub(crate) fn silence(&mut self) -> Option<Event> {
        let State::Delivered(ring) = &mut self.state else {
            return None;
        };
        let rung = std::mem::replace(ring, RingState::Silent) == RingState::Rung;
        rung.then(|| self.take_down())
    }

    /// Nobody acted on it yet.
    pub(crate) const fn is_pending(&self) -> bool {
        matches!(self.state, State::Delivered(_))
    }

    pub(crate) const fn is_waiting(&self) -> bool {
        matches!(self.state, State::Waiting)
    }

    /// Its notification waits until I may be disturbed.
    pub(crate) const fn is_held(&self) -> bool {
        matches!(self.state, State::Delivered(RingState::Held))
    }

    /// Something may still come of it.
    pub(crate) const fn is_open(&self) -> bool {
        !matches!(self.state, State::Answered(_) | State::Withdrawn)
    }

    pub(crate) fn view(&self) -> ExchangeView {
        let mut view = self.header.view(ExchangeKind::Knock, self.state.stage());
        view.when = self.when;
        view.failure = self.answer_error.as_ref().map(SignalError::view);
        if let State::Answered(answer) = &self.state {
            view.answer = Some(answer.clone());
        }
        view
    }

    fn take_down(&self) -> Event {
        Event::Withdraw(self.notification().key())
    }

    fn notification(&self) -> Notification {
        let (id, text) = (self.header.id.clone(), self.header.text.clone());
        let both_free = self.when == When::BothFree;
        Notification::Knock { who: self.header.who(), id, text, both_free }
    }
}

impl State {
    const fn stage(&self) -> ExchangeStage {
        match self {
            Self::Waiting => ExchangeStage::Waiting,
            Self::Delivered(_) => ExchangeStage::Delivered,
            Self::Seen => ExchangeStage::Seen,
            Self::Answered(_) => ExchangeStage::Answered,
            Self::Withdrawn => ExchangeStage::Withdrawn,
        }
    }
}

impl From<Result<(), Suppressed>> for RingState {
    fn from(rings: Result<(), Suppressed>) -> Self {
        use Suppressed::{DoNotDisturb, InCall, Paused, QuietHours};
        match rings {
            Ok(()) => Self::Rung,
            Err(DoNotDisturb | InCall | Paused | QuietHours) => Self::Held,
            Err(_) => Self::Silent,
        }
    }
}
