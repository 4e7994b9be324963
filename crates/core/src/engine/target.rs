//! The engine's target, and the next step to it.
//!
//! Owns [`Engine::target`], which depends only on what the person and the computer want. Also owns
//! the steps from the current [`Phase`] to it: what to publish first, when to connect with another
//! identity, and what a goodbye waits for.

use super::{Engine, LocalDevice, Phase, Target, UserStatus};
use crate::effect::Effect;
use crate::expiry::CHOICE_EXPIRY;
use crate::session::GOODBYE;
use crate::time::Now;
use crate::topic::Topic;
use crate::wire::{self, ChosenRecord};

impl Engine {
    /// The target of this engine now.
    pub(super) fn target(&self, now: Now) -> Target {
        if self.quits {
            return Target::Stopped;
        }
        match &self.local_device {
            // A power-off may be cancelled, as a sleep ends. Only the person's own quit stops the
            // engine.
            Some(own) if !own.availability.state(now).observed.is_here() => Target::Asleep,
            Some(_) if self.is_invisible(now) => Target::Hidden,
            Some(_) | None => Target::Visible,
        }
    }

    /// Takes the next step to the target: publishes what changed, says goodbye, or connects with
    /// another identity.
    pub(super) fn pursue_target(&mut self, now: Now) {
        let target = self.target(now);
        let is_up = self.session.is_up();
        if is_up && target <= Target::Hidden {
            self.publish_choice(now);
        }
        match target {
            Target::Asleep | Target::Stopped => self.say_goodbye(now, target),
            _ if !is_up => {}
            Target::Hidden if self.hidden => {}
            Target::Visible if !self.hidden => {
                self.publish_device(now);
                self.publish_aggregate(now);
            }
            // The broker confirms a choice before anything follows from it.
            _ if self.user_status.as_ref().is_some_and(UserStatus::is_sending) => {}
            Target::Hidden => self.say_goodbye(now, target),
            Target::Visible => {
                self.disconnect();
                self.session.reset_backoff();
                self.connect_now(now);
            }
        }
    }

    /// Publishes the choice made here, for the person's other devices.
    fn publish_choice(&mut self, now: Now) {
        let Some(choosing) = &self.user_status else {
            return;
        };
        let Some(chosen) = choosing.due(now) else {
            return;
        };
        let topic = Topic::Chosen(choosing.user.clone());
        let payload = wire::encode_chosen(&ChosenRecord {
            chosen: chosen.clone(),
            timestamp: Some(now.wall),
        });
        let id = self.publish(now, &topic, payload, Some(CHOICE_EXPIRY));
        if let Some(choosing) = &mut self.user_status {
            choosing.sent(now, id, chosen);
        }
    }

    /// Says goodbye if others see this device, and rests. If a goodbye has begun, the higher of
    /// both targets counts.
    fn say_goodbye(&mut self, now: Now, target: Target) {
        match &mut self.session.phase {
            Phase::Stopped => {}
            Phase::Leaving { target: decided, .. } => *decided = target.max(*decided),
            Phase::Up
                if self.local_device.as_ref().is_some_and(LocalDevice::is_published)
                    && !self.hidden =>
            {
                let awaited = self.publish_goodbye(now);
                let until = now.mono + GOODBYE;
                self.session.phase = Phase::Leaving { until, awaited, target };
            }
            Phase::Resting if target == Target::Asleep => {}
            _ => self.finish_goodbye(now, target, true),
        }
    }

    /// Ends the goodbye for this target. `heard` is false if the broker may not have received it.
    pub(super) fn finish_goodbye(&mut self, now: Now, target: Target, heard: bool) {
        self.close_will_connection();
        // Before the retained messages are read, our record may still show this device here. The
        // Will then takes it offline.
        let unsaid = matches!(self.session.phase, Phase::Connecting { .. } | Phase::Reading { .. });
        let visible = self.local_device.is_some() && !self.hidden;
        if unsaid && visible {
            self.drop_connections();
        } else {
            self.disconnect();
        }
        self.session.rest(now);
        self.roster.connection_lost(now);
        match target {
            // A broker that was killed may have neither the goodbye nor the Will, so we say goodbye
            // again.
            Target::Hidden => self.hidden = heard,
            Target::Asleep => self.effects.push_back(Effect::MaySleep),
            Target::Visible | Target::Stopped => {}
        }
        // Since the goodbye began, the computer may have woken up, or the person may have become
        // visible again.
        match self.target(now) {
            Target::Visible | Target::Hidden => {
                self.session.reset_backoff();
                self.connect_now(now);
            }
            Target::Asleep => {}
            Target::Stopped => self.stop(now),
        }
    }

    /// Stops the engine for good.
    pub(super) fn stop(&mut self, now: Now) {
        self.session.rest(now);
        self.session.phase = Phase::Stopped;
        self.effects.push_back(Effect::Stopped);
    }
}
