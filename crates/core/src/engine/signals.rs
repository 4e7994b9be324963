//! Knocks, waves and typing: the context that [`Signals`] needs, and the effects of what it
//! decides.

use std::time::Duration;

use super::Engine;
use crate::connection::PublishId;
use crate::diagnostics::DropReason;
use crate::effect::{Effect, Publish, Qos};
use crate::id::UserId;
use crate::notification::Suppressed;
use crate::signal::{Event, SignalCommand, SignalContext, SignalMessage, Signals, TypingMark};
use crate::time::Now;
use crate::topic::Topic;
use crate::view::tray::TrayKnock;
use crate::wire;

/// Message Expiry Interval of knocks, waves and their answers.
const SIGNAL_EXPIRY: Duration = Duration::from_secs(30);
/// Message Expiry Interval of typing marks.
const TYPING_EXPIRY: Duration = Duration::from_secs(4);

impl Engine {
    fn signal_context(&self, now: Now, me: &UserId) -> SignalContext<'_> {
        let quiet = self.local_device.as_ref().and_then(|own| {
            let up = self.session.is_up();
            let me = own.me_view(now, self.user_status.as_ref(), up.then_some(&self.roster));
            if me.is_dnd() {
                return Some(Suppressed::DoNotDisturb);
            }
            own.availability.in_call(now).then_some(Suppressed::InCall)
        });
        SignalContext {
            now,
            roster: &self.roster,
            up: self.session.is_up(),
            visible: !self.hidden && !self.is_invisible(now),
            free: self.roster.reachability(me, now).is_some_and(|it| it.is_free()),
            quiet: quiet.or_else(|| self.silence.reason(now, &self.policy)),
        }
    }

    fn with_signals<T>(
        &mut self,
        now: Now,
        act: impl FnOnce(&mut Signals, SignalContext<'_>, &mut fastrand::Rng) -> T,
    ) -> Option<T> {
        // Taken out, because the context borrows the rest of the engine.
        let mut signals = self.signals.take()?;
        let mut rng = self.rng.clone();
        let me = signals.me().clone();
        let outcome = act(&mut signals, self.signal_context(now, &me), &mut rng);
        self.rng = rng;
        self.signals = Some(signals);
        Some(outcome)
    }

    pub(super) fn handle_signal(&mut self, now: Now, command: SignalCommand) {
        self.with_signals(now, |signals, context, rng| signals.handle(context, command, rng));
    }

    pub(super) fn fold_inbox(
        &mut self,
        now: Now,
        user: &UserId,
        from: &UserId,
        payload: &[u8],
    ) -> Result<(), DropReason> {
        if self.signals.as_ref().is_none_or(|signals| signals.me() != user) {
            return Ok(());
        }
        self.with_signals(now, |signals, context, _| signals.receive(context, from, payload))
            .unwrap_or(Ok(()))
    }

    /// Withdraws the waiting knocks before the goodbye.
    pub(super) fn withdraw_signals(&mut self, now: Now) {
        self.with_signals(now, |signals, context, _| signals.withdraw_waiting(context));
        self.publish_signals(now);
    }

    /// Advances the signals. When no knock, wave or typing is active, this costs one boolean check.
    pub(super) fn follow_signals(&mut self, now: Now) {
        if !self.signals.as_ref().is_some_and(Signals::is_active) {
            return;
        }
        self.with_signals(now, |signals, context, _| signals.advance(context));
        self.publish_signals(now);
        while let Some(event) = self.signals.as_mut().and_then(Signals::poll_event) {
            match event {
                Event::Notify(notification) => self.notify(notification),
                Event::Withdraw(key) => {
                    self.effects.push_back(Effect::WithdrawNotification { key });
                }
                Event::Silent(suppressed) => {
                    *self.diagnostics.silent.entry(suppressed).or_default() += 1;
                }
                Event::SaveMuted(muted) => self.effects.push_back(Effect::SaveMuted(muted)),
            }
        }
        if let Some(signals) = &mut self.signals {
            signals.update_deadline();
        }
    }

    fn publish_signals(&mut self, now: Now) {
        let visible = !self.hidden && !self.is_invisible(now);
        let Some(signals) = self.signals.as_mut() else {
            return;
        };
        let marks = signals.take_typing_marks();
        if !self.session.is_up() || !visible {
            return;
        }
        let me = signals.me().clone();
        while let Some(outgoing) = self.signals.as_mut().and_then(Signals::next_message) {
            let id = self.publishes.in_flight.begin(now, None);
            outgoing.set_sent(id);
            let topic = Topic::Inbox(outgoing.to.clone(), me.clone());
            let payload = wire::encode_signal(&outgoing.message, now.wall);
            self.publish_signal(id, &topic, payload, Qos::AtLeastOnce, SIGNAL_EXPIRY);
        }
        for TypingMark { to, typing } in marks {
            let (topic, payload) = match to {
                Some(to) => {
                    let payload = wire::encode_signal(&SignalMessage::Typing(typing), now.wall);
                    (Topic::Inbox(to, me.clone()), payload)
                }
                None => (Topic::Typing(me.clone()), wire::encode_typing(typing)),
            };
            let id = self.publishes.in_flight.next_id();
            self.publish_signal(id, &topic, payload, Qos::AtMostOnce, TYPING_EXPIRY);
        }
    }

    fn publish_signal(
        &mut self,
        id: PublishId,
        topic: &Topic,
        payload: Vec<u8>,
        qos: Qos,
        expiry: Duration,
    ) {
        let (topic, expires_in) = (topic.to_wire(&self.root), Some(expiry));
        let publish = Publish { id, topic, payload, expires_in, qos, retain: false };
        self.effects.push_back(Effect::Publish(publish));
    }

    /// The unanswered knocks, for the tray.
    pub(super) fn pending_knocks(&self) -> Vec<TrayKnock> {
        let pending = self.signals.iter().flat_map(Signals::pending_knocks);
        pending
            .map(|(from, name, id)| TrayKnock {
                from: from.clone(),
                name: self.distinct_name(from.as_str(), name),
                id: id.clone(),
            })
            .collect()
    }
}
