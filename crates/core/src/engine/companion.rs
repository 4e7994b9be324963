//! The companion connection, whose Will speaks for the user topic.
//!
//! Owns when there is one (`docs/protocol.md`, *Who writes the user topic*). One connection has one Will, and
//! the presence's speaks for the device; seed-style readers look at the user topic, so whoever writes the sum
//! there leaves a second Will for it. It publishes and reads nothing.

use std::time::Duration;

use crate::effect::{Connect, Effect, Will};
use crate::id::companion_client_id;
use crate::input::LinkEvent;
use crate::session::{KEEP_ALIVE, RECORD_EXPIRY, SESSION_OUTLIVES};
use crate::time::{Monotonic, Now};
use crate::topic::Topic;
use crate::wire::{self, SumRecord};

use super::Engine;

/// Its Will waits this much longer than the presence's, so that a device that survives has seen the loss.
const AFTER_THE_PRESENCE: Duration = Duration::from_secs(1);
/// It is opened again after up to this long; the presence's connection shows first whether there is a network.
const AGAIN: Duration = Duration::from_secs(5);
/// How long to wait for its CONNACK.
const TIMEOUT: Duration = Duration::from_secs(10);

/// How far it is.
#[derive(Debug, Default)]
pub(super) enum Companion {
    #[default]
    Off,
    /// Opened, or being opened.
    Open,
    /// It ended by itself.
    Waiting(Monotonic),
}

impl Companion {
    pub(super) fn next_deadline(&self) -> Option<Monotonic> {
        match self {
            Self::Waiting(until) => Some(*until),
            Self::Off | Self::Open => None,
        }
    }
}

impl Engine {
    pub(super) fn handle_companion(&mut self, now: Now, event: &LinkEvent) {
        if matches!(event, LinkEvent::Down(_)) && matches!(self.companion, Companion::Open) {
            let wait = self.rng.u64(500..=u64::try_from(AGAIN.as_millis()).unwrap_or(u64::MAX));
            self.companion = Companion::Waiting(now.mono + Duration::from_millis(wait));
        }
    }

    /// Opens or closes it, as the presence wants it now.
    pub(super) fn keep_companion(&mut self, now: Now) {
        let writes = self.session.is_up() && self.writes_sum();
        match self.companion {
            Companion::Off if writes => self.open_companion(),
            Companion::Waiting(until) if writes && until <= now.mono => self.open_companion(),
            Companion::Open if self.session.is_up() && !writes => self.close_companion(),
            Companion::Waiting(_) if self.session.is_up() && !writes => {
                self.companion = Companion::Off;
            }
            _ => {}
        }
    }

    /// Whether this device is the one that writes the user topic: the lowest of the person's that are here,
    /// where no hub does it.
    pub(super) fn writes_sum(&self) -> bool {
        let Some(own) = self.own.as_ref().filter(|_| !self.hidden) else {
            return false;
        };
        let first = self.roster.devices_here(&own.holder.user).next();
        own.holder.user_topic && !self.hub_sums && first == Some(&own.holder.device)
    }

    fn open_companion(&mut self) {
        let Some(own) = &self.own else {
            return;
        };
        let will = Will {
            topic: Topic::User(own.holder.user.clone()).to_wire(&self.root),
            payload: wire::encode_sum(&SumRecord {
                status: "offline".to_owned(),
                timestamp: None,
                since: None,
                text: None,
                foreign: None,
            }),
            delay: self.will_delay(own.holder.grace) + AFTER_THE_PRESENCE,
            expires_in: RECORD_EXPIRY,
        };
        let client_id = companion_client_id(&self.client_id);
        self.companion = Companion::Open;
        self.effects.push_back(Effect::ConnectCompanion(Connect {
            version: self.session.version,
            client_id,
            clean_start: self.clean_start(),
            session_expiry: self.session_expiry(will.delay),
            keep_alive: KEEP_ALIVE,
            timeout: TIMEOUT,
            will: Some(will),
        }));
    }

    /// Closes it for good, without its Will.
    pub(super) fn close_companion(&mut self) {
        if !matches!(self.companion, Companion::Off) {
            self.companion = Companion::Off;
            self.effects.push_back(Effect::DisconnectCompanion);
        }
    }

    /// A session of 3.1.1 would outlive its connection without end, so there is none.
    pub(super) fn clean_start(&self) -> bool {
        self.session.version == crate::effect::Version::V311
    }

    /// The broker's session has to outlive the Will Delay (MQTT 5, 3.1.3.2.2).
    pub(super) fn session_expiry(&self, delay: Duration) -> Duration {
        if self.clean_start() { Duration::ZERO } else { delay + SESSION_OUTLIVES }
    }
}
