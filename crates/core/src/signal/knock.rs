//! A knock: one state machine for the person who knocks, one for the person who is asked.
//!
//! Owns how far a knock is and what follows from each event. It does nothing itself: [`super::Signals`] passes events on and
//! carries out the [`Action`]s. The states are tables in `docs/protocol.md`, *Signals*.

use super::{Event, LASTS, SignalId, SignalMessage};
use crate::notification::Notification;
use crate::time::Monotonic;

mod incoming;
mod outgoing;

pub(super) use incoming::IncomingKnock;
pub(super) use outgoing::Outgoing;

/// The action to take after an event.
#[derive(Debug)]
pub(super) enum Action {
    /// The view changed.
    Update,
    /// Send this to the other person, at that moment at the latest.
    Send(SignalMessage, Monotonic),
    /// Send this to my other devices.
    Share(SignalMessage, Monotonic),
    /// Drop the messages about this knock that were not sent yet.
    Unsend(SignalId),
    /// Take back my typing mark.
    StopTyping,
    /// Recognise the knock if it comes again.
    Remember(SignalId),
    /// Notify the person, or take a notification down.
    Emit(Event),
}

fn send(now: Monotonic, message: SignalMessage) -> Action {
    Action::Send(message, now + LASTS)
}

fn notify(notification: Notification) -> Action {
    Action::Emit(Event::Notify(notification))
}
