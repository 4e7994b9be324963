//! Carries out the actions that the knocks return.

use super::history::Signal;
use super::knock::{Action, IncomingKnock, Outgoing};
use super::{SignalContext, SignalId, SignalMessage, Signals, rings};
use crate::id::UserId;

impl Signals {
    /// Reports an event to a knock of mine and does what follows. Returns whether there is such a knock.
    pub(super) fn with_outgoing<A: IntoIterator<Item = Action>>(
        &mut self,
        context: SignalContext<'_>,
        with: &UserId,
        id: &SignalId,
        event: impl FnOnce(&mut Outgoing) -> A,
    ) -> bool {
        let actions = self.history.outgoing(with, id).map(event);
        actions.map(|actions| self.perform(context, with, actions)).is_some()
    }

    /// Reports an event to somebody else's knock and does what follows. Returns whether there is
    /// such a knock.
    pub(super) fn with_incoming<A: IntoIterator<Item = Action>>(
        &mut self,
        context: SignalContext<'_>,
        with: &UserId,
        id: &SignalId,
        event: impl FnOnce(&mut IncomingKnock) -> A,
    ) -> bool {
        let actions = self.history.incoming(with, id).map(event);
        actions.map(|actions| self.perform(context, with, actions)).is_some()
    }

    pub(super) fn perform(
        &mut self,
        context: SignalContext<'_>,
        with: &UserId,
        actions: impl IntoIterator<Item = Action>,
    ) {
        for action in actions {
            match action {
                Action::Update => self.revision += 1,
                Action::Send(message, until) => {
                    // While I am invisible, a knock or wave waits until I am visible; all other
                    // messages are dropped.
                    let waits =
                        matches!(message, SignalMessage::Knock { .. } | SignalMessage::Wave { .. });
                    if context.visible || waits {
                        self.outbox.push(with.clone(), message, until);
                    }
                }
                Action::Share(message, until) if context.visible => {
                    self.outbox.push(self.me.clone(), message, until);
                }
                Action::Share(..) => {}
                Action::Unsend(id) => self.outbox.remove(with, &id),
                Action::StopTyping => self.typing_marks.extend(self.typing.stop(Some(with))),
                Action::Remember(id) => self.history.note(with, &id),
                Action::Emit(event) => self.events.push_back(event),
            }
        }
    }

    /// Adds a signal to the history.
    pub(super) fn keep(&mut self, signal: Signal) {
        self.revision += 1;
        for evicted in self.history.push(signal) {
            if let Signal::Incoming(mut knock) = evicted {
                self.events.extend(knock.silence());
            }
        }
    }

    pub(super) fn advance_history(&mut self, context: SignalContext<'_>) {
        if context.up {
            // Somebody who is gone may never knock, and announces the knock again when they come back.
            let before = self.history.list.len();
            self.history.list.retain(|signal| match signal {
                Signal::Incoming(knock) if knock.is_waiting() => {
                    context.reachability(&knock.header.with).is_some_and(|it| !it.is_gone())
                }
                _ => true,
            });
            self.revision += u64::from(self.history.list.len() != before);
        }
        let mut due = Vec::new();
        for signal in self.history.list.iter_mut() {
            match signal {
                Signal::Outgoing(it) => due.push((it.header.with.clone(), it.handle_tick(context))),
                Signal::Incoming(it) => {
                    let rings = rings(context, &self.muted, &it.header.with);
                    due.push((it.header.with.clone(), it.handle_tick(context, rings)));
                }
                Signal::Waves(_) => {}
            }
        }
        for (with, actions) in due {
            self.perform(context, &with, actions);
        }
    }
}
