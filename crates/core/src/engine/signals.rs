//! What passes lightly between two people: when it may be said, and what comes of it here.

use std::time::Duration;

use super::Engine;
use crate::diagnostics::DropReason;
use crate::effect::{Effect, Publish, Qos};
use crate::id::UserId;
use crate::notification::Suppressed;
use crate::signal::{Event, SignalCommand, SignalContext, Signals, TypingMark};
use crate::time::Now;
use crate::topic::Topic;
use crate::view::tray::TrayKnock;
use crate::wire;

/// Message Expiry Interval of signals: what comes later than this is no signal.
const SIGNAL_EXPIRY: Duration = Duration::from_secs(30);
/// And of typing marks, which end by themselves sooner than that.
const TYPING_EXPIRY: Duration = Duration::from_secs(4);

impl Engine {
    /// What signals have to know of everything else.
    fn around(&self, now: Now) -> SignalContext<'_> {
        let up = self.session.is_up();
        let quiet = self.local_device.as_ref().and_then(|own| {
            let choosing = self.user_status.as_ref();
            let me = own.me_view(now, choosing, up.then_some(&self.roster));
            if me.is_dnd() {
                return Some(Suppressed::DoNotDisturb);
            }
            own.availability.in_call(now).then_some(Suppressed::InCall)
        });
        let quiet = quiet.or_else(|| self.silence.reason(now, &self.policy));
        SignalContext {
            now,
            roster: &self.roster,
            up,
            visible: !self.hidden && !self.is_invisible(now),
            quiet,
        }
    }

    fn with_signals<T>(
        &mut self,
        now: Now,
        act: impl FnOnce(&mut Signals, SignalContext<'_>, &mut fastrand::Rng) -> T,
    ) -> Option<T> {
        // Taken out, so that they can look at everything else.
        let mut signals = self.signals.take()?;
        let mut rng = self.rng.clone();
        let outcome = act(&mut signals, self.around(now), &mut rng);
        self.rng = rng;
        self.signals = Some(signals);
        Some(outcome)
    }

    pub(super) fn handle_signal(&mut self, now: Now, command: SignalCommand) {
        self.with_signals(now, |signals, around, rng| signals.handle(around, command, rng));
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
        self.with_signals(now, |signals, around, _| signals.receive(around, from, payload))
            .unwrap_or(Ok(()))
    }

    /// Says that nothing waits any more, before the goodbye.
    pub(super) fn withdraw_signals(&mut self, now: Now) {
        self.with_signals(now, |signals, around, _| signals.withdraw_waiting(around));
        self.publish_signals(now);
    }

    /// Does what is due. Where nothing is under way that is one look.
    pub(super) fn follow_signals(&mut self, now: Now) {
        if !self.signals.as_ref().is_some_and(Signals::moves) {
            return;
        }
        self.with_signals(now, |signals, around, _| signals.follow(around));
        self.publish_signals(now);
        while let Some(news) = self.signals.as_mut().and_then(Signals::poll_news) {
            match news {
                Event::Notify(notification) => self.notify(notification),
                Event::Withdraw(key) => {
                    self.effects.push_back(Effect::WithdrawNotification { key });
                }
                Event::Silent(silence) => {
                    *self.diagnostics.silent.entry(silence).or_default() += 1;
                }
                Event::SaveMuted(muted) => self.effects.push_back(Effect::SaveMuted(muted)),
            }
        }
        // What was just done may have made something else due, or nothing.
        if let Some(signals) = &mut self.signals {
            signals.rest();
        }
    }

    fn publish_signals(&mut self, now: Now) {
        let visible = self.around(now).visible;
        let Some(signals) = self.signals.as_mut() else {
            return;
        };
        let marks = signals.take_marks();
        if !self.session.is_up() || !visible {
            return;
        }
        let me = signals.me().clone();
        while let Some(letter) = self.signals.as_mut().and_then(Signals::next_letter) {
            let id = self.publishes.in_flight.begin(now, None);
            letter.is_under_way(id);
            let topic = Topic::Inbox(letter.to.clone(), me.clone()).to_wire(&self.root);
            let payload = wire::encode_signal(&letter.signal, now.wall);
            let (qos, retain, expires_in) = (Qos::AtLeastOnce, false, Some(SIGNAL_EXPIRY));
            self.effects.push_back(Effect::Publish(Publish {
                id,
                topic,
                payload,
                expires_in,
                qos,
                retain,
            }));
        }
        for TypingMark { to, typing } in marks {
            let (topic, payload) = match to {
                Some(to) => {
                    let signal = crate::signal::Signal::Typing(typing);
                    (Topic::Inbox(to, me.clone()), wire::encode_signal(&signal, now.wall))
                }
                None => (Topic::Typing(me.clone()), wire::encode_typing(typing)),
            };
            self.effects.push_back(Effect::Publish(Publish {
                id: self.publishes.in_flight.next_id(),
                topic: topic.to_wire(&self.root),
                payload,
                expires_in: Some(TYPING_EXPIRY),
                qos: Qos::AtMostOnce,
                retain: false,
            }));
        }
    }

    /// The knocks that want attention, for the tray.
    pub(super) fn standing_knocks(&self) -> Vec<TrayKnock> {
        let standing = self.signals.iter().flat_map(Signals::standing);
        standing
            .map(|(from, name, id)| TrayKnock {
                from: from.clone(),
                name: self.distinct_name(from.as_str(), name),
                id: id.clone(),
            })
            .collect()
    }
}
