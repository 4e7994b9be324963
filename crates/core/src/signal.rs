//! Typing, knocks and waves between two people.
//!
//! Owns how far each knock and wave is, its unacknowledged messages, and its notifications
//! (`docs/protocol.md`, *Signals*). All of it is forgotten when the app quits. Does no I/O: the
//! engine reports whether there is a connection, publishes the messages and shows the
//! notifications.

use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use crate::connection::{PublishId, Refusal};
use crate::diagnostics::DropReason;
use crate::id::UserId;
use crate::notification::{Notification, Suppressed};
use crate::rate_limit::RateLimit;
use crate::time::{Monotonic, Now};
use crate::view::signals::SignalsView;

mod actions;
mod command;
mod context;
mod error;
mod header;
mod history;
mod incoming;
mod knock;
mod outbox;
mod outgoing;
mod typing;
mod waves;

pub use crate::wire::{Answer, SignalId, SignalIdError, SignalMessage, TooLongError, message_text};
pub use command::SignalCommand;
pub use error::SignalError;

pub(crate) use context::SignalContext;
pub(crate) use outbox::OutgoingMessage;
pub(crate) use typing::TypingMark;

use history::{History, Signal};
use knock::IncomingKnock;
use outbox::Outbox;
use typing::Typing;
use waves::Bursts;

/// Maximum time without an acknowledgement before a message is given up. Until then a connection
/// may come back.
const LASTS: Duration = Duration::from_secs(30);
/// Maximum number of people whose return I want to be notified of.
const BACK: usize = 64;
/// Minimum time between two announcements that the same person is back.
const RECENT: Duration = Duration::from_secs(10);

/// An event that the engine handles at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Event {
    Notify(Notification),
    /// Take down the notification with this key.
    Withdraw(String),
    /// Count something that made no notification.
    Silent(Suppressed),
    /// Save who is muted.
    SaveMuted(BTreeSet<UserId>),
}

/// The knocks, waves and typing marks of one person's device.
///
/// Call [`Signals::handle`] and [`Signals::receive`] with what happens and [`Signals::advance`] after each input; then drain
/// [`Signals::next_message`], [`Signals::take_typing_marks`] and [`Signals::poll_event`], and call [`Signals::update_deadline`].
#[derive(Debug)]
pub(crate) struct Signals {
    me: UserId,
    /// Whether this device receives knocks. The command line only sends them.
    takes_knocks: bool,
    history: History,
    outbox: Outbox,
    typing: Typing,
    typing_marks: Vec<TypingMark>,
    bursts: Bursts,
    knocks_received: RateLimit<UserId>,
    waves_received: RateLimit<UserId>,
    knocks_sent: RateLimit<UserId>,
    waves_sent: RateLimit<UserId>,
    /// The people whose return I want to be notified of.
    back: BTreeSet<UserId>,
    muted: BTreeSet<UserId>,
    events: VecDeque<Event>,
    /// The people whose return was announced recently.
    recently_notified: VecDeque<(UserId, Monotonic)>,
    /// Goes up with each change of the view.
    revision: u64,
    /// Whether time or other people may change anything.
    active: bool,
    next: Option<Monotonic>,
}

impl Signals {
    pub(crate) fn new(me: UserId, takes_knocks: bool, muted: BTreeSet<UserId>) -> Self {
        Self {
            me,
            takes_knocks,
            history: History::default(),
            outbox: Outbox::default(),
            typing: Typing::default(),
            typing_marks: Vec::new(),
            bursts: Bursts::default(),
            knocks_received: RateLimit::default(),
            waves_received: RateLimit::default(),
            knocks_sent: RateLimit::default(),
            waves_sent: RateLimit::default(),
            back: BTreeSet::new(),
            revision: u64::from(!muted.is_empty()),
            muted,
            events: VecDeque::new(),
            recently_notified: VecDeque::new(),
            active: false,
            next: None,
        }
    }

    pub(crate) fn me(&self) -> &UserId {
        &self.me
    }

    /// Carries out a command of the person.
    pub(crate) fn handle(
        &mut self,
        context: SignalContext<'_>,
        command: SignalCommand,
        rng: &mut fastrand::Rng,
    ) {
        let now = context.now.mono;
        match command {
            SignalCommand::Knock { to, text, when } => {
                self.knock(context, &to, text.as_deref(), when, &SignalId::random(rng));
            }
            SignalCommand::Wave { to, emoji } => {
                self.wave(context, &to, emoji.as_deref(), &SignalId::random(rng));
            }
            SignalCommand::Answer { from, id, answer } => {
                self.with_incoming(context, &from, &id, |knock| knock.answer(context, answer));
            }
            SignalCommand::See { from } => {
                let seen = self.history.incoming_from(&from).flat_map(|knock| knock.see(now));
                let actions: Vec<_> = seen.collect();
                self.perform(context, &from, actions);
            }
            SignalCommand::Withdraw { with, id } => self.withdraw(context, &with, &id),
            SignalCommand::Type { to } => {
                // An invisible person's typing stays hidden, also after they are visible again.
                if context.up && context.visible {
                    self.typing_marks.extend(self.typing.key(context.now, to));
                }
            }
            SignalCommand::StopTyping { to } => {
                self.typing_marks.extend(self.typing.stop(to.as_ref()));
            }
            SignalCommand::TellWhenBack { user, wanted } => self.tell_when_back(user, wanted),
            SignalCommand::Mute { user, muted } => self.mute(&user, muted),
        }
        self.update_deadline();
    }

    /// Handles a message to my inbox.
    ///
    /// # Errors
    ///
    /// The reason why the message was dropped.
    pub(crate) fn receive(
        &mut self,
        context: SignalContext<'_>,
        from: &UserId,
        payload: &[u8],
    ) -> Result<(), DropReason> {
        let message = crate::wire::decode_signal(payload)?;
        let handled = self.handle_message(context, from, &message);
        self.events.extend(handled.err().map(Event::Silent));
        self.update_deadline();
        Ok(())
    }

    /// Whether [`Signals::advance`] has anything to do, now or later.
    pub(crate) const fn is_active(&self) -> bool {
        self.active
    }

    /// Does what is due because of time, the connection or the roster.
    pub(crate) fn advance(&mut self, context: SignalContext<'_>) {
        let now = context.now;
        let (over, stopped) = self.typing.expire(now);
        self.revision += u64::from(stopped);
        self.typing_marks.extend(over);
        for message in self.outbox.expire(now) {
            let error =
                if message.is_sent() { SignalError::Unconfirmed } else { SignalError::LinkDown };
            self.settle(now, &message, Err(error));
        }
        self.advance_history(context);
        for (user, notification) in self.bursts.take_due(now) {
            let rings = rings(context, &self.muted, &user);
            let event = rings.map_or_else(Event::Silent, |()| Event::Notify(notification));
            self.events.push_back(event);
        }
        self.advance_back(context);
        // Last, because each of the steps before may send too much.
        for message in self.outbox.take_dropped() {
            self.settle(now, &message, Err(SignalError::TooMany));
        }
        self.update_deadline();
    }

    /// When [`Signals::advance`] has something to do.
    pub(crate) const fn next_deadline(&self) -> Option<Monotonic> {
        self.next
    }

    /// The next message to publish. The caller marks it with [`OutgoingMessage::set_sent`].
    pub(crate) fn next_message(&mut self) -> Option<&mut OutgoingMessage> {
        self.outbox.next()
    }

    /// The typing marks to publish. Without a connection they are of no use later.
    pub(crate) fn take_typing_marks(&mut self) -> Vec<TypingMark> {
        std::mem::take(&mut self.typing_marks)
    }

    /// Takes the next event that the engine handles at once.
    pub(crate) fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// The broker acknowledged or refused a message.
    pub(crate) fn handle_puback(&mut self, now: Now, id: PublishId, outcome: &Result<(), Refusal>) {
        if let Some(message) = self.outbox.take(id) {
            let refused = |refusal: &Refusal| SignalError::Refused { reason: refusal.to_string() };
            self.settle(now, &message, outcome.as_ref().copied().map_err(refused));
            self.update_deadline();
        }
    }

    pub(crate) fn connection_lost(&mut self) {
        self.outbox.connection_lost();
        self.typing.forget_mine();
        self.typing_marks.clear();
    }

    /// A number that goes up with each change of the view.
    pub(crate) const fn revision(&self) -> u64 {
        self.revision
    }

    pub(crate) fn view(&self) -> SignalsView {
        let ids = |users: &BTreeSet<UserId>| users.iter().map(ToString::to_string).collect();
        SignalsView {
            exchanges: self.history.list.iter().map(Signal::view).collect(),
            typing: self.typing.to_me().map(ToString::to_string).collect(),
            back: ids(&self.back),
            muted: ids(&self.muted),
        }
    }

    /// The knocks that want attention, the latest last: who knocks, their name and the knock.
    pub(crate) fn pending_knocks(&self) -> impl Iterator<Item = (&UserId, &str, &SignalId)> {
        let pending = self.history.list.iter().filter_map(|signal| match signal {
            Signal::Incoming(knock) if knock.is_pending() && !knock.is_held() => {
                Some(&knock.header)
            }
            _ => None,
        });
        pending
            .filter(|header| !self.muted.contains(&header.with))
            .map(|header| (&header.with, header.name.as_str(), &header.id))
    }

    /// The people who do not notify me.
    pub(crate) fn muted(&self) -> &BTreeSet<UserId> {
        &self.muted
    }

    /// Whether a notification just told me that somebody is back.
    pub(crate) fn was_recently_notified(&mut self, now: Now, user: &str) -> bool {
        self.recently_notified.retain(|(_, at)| now.mono.since(*at) < RECENT);
        self.recently_notified.iter().any(|(known, _)| known.as_str() == user)
    }

    /// Computes the next deadline. When no signal is active, each input costs one boolean check.
    pub(crate) fn update_deadline(&mut self) {
        let mut next =
            [self.typing.next_deadline(), self.outbox.next_deadline(), self.bursts.next_deadline()]
                .into_iter()
                .flatten()
                .min();
        let mut waits = !self.back.is_empty();
        for signal in self.history.list.iter() {
            let due = match signal {
                Signal::Outgoing(it) => {
                    waits |= it.is_waiting();
                    it.deadline()
                }
                Signal::Incoming(it) => {
                    waits |= it.is_waiting() || it.is_held();
                    None
                }
                Signal::Waves(_) => None,
            };
            next = next.into_iter().chain(due).min();
        }
        self.next = next;
        self.active = waits
            || next.is_some()
            || !self.outbox.is_empty()
            || !self.typing_marks.is_empty()
            || !self.events.is_empty();
    }

    fn tell_when_back(&mut self, user: UserId, wanted: bool) {
        let changed = if wanted {
            self.back.len() < BACK && self.back.insert(user)
        } else {
            self.back.remove(&user)
        };
        self.revision += u64::from(changed);
    }

    fn advance_back(&mut self, context: SignalContext<'_>) {
        if !context.up {
            return;
        }
        let is_back = |user: &&UserId| context.reachability(user).is_some_and(|it| it.is_around());
        let back: Vec<_> = self.back.iter().filter(is_back).cloned().collect();
        for user in back {
            self.back.remove(&user);
            self.revision += 1;
            self.events.push_back(Event::Notify(Notification::Back(context.who(&user))));
            self.recently_notified.truncate(7);
            self.recently_notified.push_front((user, context.now.mono));
        }
    }

    fn mute(&mut self, user: &UserId, muted: bool) {
        let changed = if muted { self.muted.insert(user.clone()) } else { self.muted.remove(user) };
        if !changed {
            return;
        }
        self.revision += 1;
        self.events.push_back(Event::SaveMuted(self.muted.clone()));
        if muted {
            self.bursts.forget(user);
            let theirs = self.history.incoming_from(user);
            self.events.extend(theirs.filter_map(IncomingKnock::silence));
        }
    }
}

/// Whether something of this person may notify me now.
fn rings(
    context: SignalContext<'_>,
    muted: &BTreeSet<UserId>,
    from: &UserId,
) -> Result<(), Suppressed> {
    let muted = muted.contains(from).then_some(Suppressed::Muted);
    muted.or(context.quiet).map_or(Ok(()), Err)
}
