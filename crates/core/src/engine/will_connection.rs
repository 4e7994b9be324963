//! The Will connection: a second connection whose Will sets the user topic to offline.
//!
//! Owns when it exists (`docs/protocol.md`, *Who writes the user topic*). A connection has one
//! Will, and the device's connection uses it for the device record. Simple clients read the user
//! topic, so the device that writes the aggregate registers a second Will there. The Will
//! connection publishes and reads nothing.

use std::time::Duration;

use crate::connection::{ConnectionEvent, ConnectionId};
use crate::effect::{Effect, Will};
use crate::expiry::RECORD_EXPIRY;
use crate::id::will_client_id;
use crate::time::{Monotonic, Now};
use crate::topic::Topic;
use crate::wire::{self, AggregateRecord};

use super::Engine;

/// How much longer the Will on the user topic waits than the device's. A surviving device of the
/// person sees the loss before that.
const AFTER_THE_PRESENCE: Duration = Duration::from_secs(1);
/// The longest wait before the Will connection opens again. It doubles with each failure, up to
/// [`AT_MOST`]. The device's own connection shows first whether there is a network.
const AGAIN: Duration = Duration::from_secs(5);
const AT_MOST: Duration = Duration::from_secs(5 * 60);
/// How long the Will connection may wait for the transport, and again for the CONNACK.
const TIMEOUT: Duration = Duration::from_secs(10);
/// How long the person may take to unlock the keyring that contains the password.
const SIGN_IN: Duration = Duration::from_secs(120);
/// If one connection ends this soon after the other began, the other one caused it.
const BECAUSE: Duration = Duration::from_secs(2);
/// If the broker allows one connection, the Will connection tries again after this.
const RESTS: Duration = Duration::from_secs(60 * 60);
/// The code of the problem that the broker allows one connection.
const CODE: &str = "will_connection_refused";

/// The state of the Will connection.
#[derive(Debug, Default)]
pub(super) enum WillConnection {
    #[default]
    Off,
    /// Opening, until this deadline.
    Opening(ConnectionId, Monotonic),
    /// Open since this time.
    Open(ConnectionId, Monotonic),
    /// It failed or ended, and waits until this time before it opens again.
    Waiting(Monotonic),
}

impl WillConnection {
    pub(super) fn next_deadline(&self) -> Option<Monotonic> {
        match self {
            Self::Opening(_, until) | Self::Waiting(until) => Some(*until),
            Self::Off | Self::Open(..) => None,
        }
    }

    fn connection(&self) -> Option<ConnectionId> {
        match self {
            Self::Opening(connection, _) | Self::Open(connection, _) => Some(*connection),
            Self::Off | Self::Waiting(_) => None,
        }
    }
}

impl Engine {
    pub(super) fn handle_will_connection(
        &mut self,
        now: Now,
        connection: ConnectionId,
        event: &ConnectionEvent,
    ) {
        if self.will_connection.connection() != Some(connection) {
            return;
        }
        match event {
            ConnectionEvent::Up(_) => {
                self.will_connection = WillConnection::Open(connection, now.mono);
            }
            ConnectionEvent::Down(failure) => {
                let up_at = self.session.up_at();
                let before =
                    matches!(self.will_connection, WillConnection::Open(_, at) if at < up_at);
                let because = self.session.is_up() && now.mono.since(up_at) <= BECAUSE;
                let crowded = before && because && self.is_crowded_out();
                if failure.is_taken_over() || failure.is_refusal() || crowded {
                    self.rest_will_connection(now);
                } else {
                    self.wait_for_will_connection(now);
                }
            }
            ConnectionEvent::Subscribed { .. }
            | ConnectionEvent::Published { .. }
            | ConnectionEvent::Received(_) => {}
        }
    }

    /// Handles its deadline: a wait is over, or opening takes too long.
    pub(super) fn handle_will_connection_deadline(&mut self, now: Now) {
        match self.will_connection {
            WillConnection::Opening(..) => {
                self.effects.push_back(Effect::DisconnectWill);
                self.wait_for_will_connection(now);
            }
            WillConnection::Waiting(_) => self.will_connection = WillConnection::Off,
            WillConnection::Off | WillConnection::Open(..) => {}
        }
    }

    fn wait_for_will_connection(&mut self, now: Now) {
        let most = (AGAIN * 2_u32.saturating_pow(self.will_connection_failures)).min(AT_MOST);
        self.will_connection_failures = (self.will_connection_failures + 1).min(10);
        let wait = self.rng.u64(500..=u64::try_from(most.as_millis()).unwrap_or(u64::MAX));
        self.will_connection = WillConnection::Waiting(now.mono + Duration::from_millis(wait));
    }

    /// Notes that the device's connection ended. If that follows the start of the Will connection
    /// twice in a row, the Will connection caused it.
    pub(super) fn note_presence_lost(&mut self, now: Now) {
        let began = match self.will_connection {
            WillConnection::Open(_, at) => Some(at),
            WillConnection::Opening(_, until) => Some(until - TIMEOUT - TIMEOUT - SIGN_IN),
            WillConnection::Off | WillConnection::Waiting(_) => None,
        };
        match began {
            Some(at) if now.mono.since(at) <= BECAUSE => {
                if self.is_crowded_out() {
                    self.rest_will_connection(now);
                }
            }
            _ => self.crowded = 0,
        }
    }

    fn is_crowded_out(&mut self) -> bool {
        self.crowded = self.crowded.saturating_add(1);
        self.crowded >= 2
    }

    /// Closes the Will connection for a while, because the broker allows one connection. Returns
    /// whether there was one to close.
    pub(super) fn rest_will_connection(&mut self, now: Now) -> bool {
        let was_there = !matches!(self.will_connection, WillConnection::Off);
        if was_there {
            self.close_will_connection();
            self.crowded = 0;
            self.will_connection_rests = Some(now.mono + RESTS);
            let message = "the broker allows one connection for this login. Clients that know no devices may show you as online for a while after a crash. To have both, let the broker allow two connections for a login; `user_topic = false` in the config stops trying".to_owned();
            self.tell_problem(CODE, message);
        }
        was_there
    }

    /// Allows the Will connection to open again.
    pub(super) fn forget_crowding(&mut self) {
        self.will_connection_rests = None;
        self.crowded = 0;
        self.problems.remove(CODE);
    }

    /// Opens or closes it, depending on whether this device writes the user topic.
    pub(super) fn drive_will_connection(&mut self, now: Now) {
        if self.will_connection_rests.is_some_and(|until| until <= now.mono) {
            self.forget_crowding();
        }
        let writes = self.session.is_up() && self.writes_aggregate();
        match self.will_connection {
            WillConnection::Off if writes && self.will_connection_rests.is_none() => {
                self.open_will_connection(now);
            }
            WillConnection::Opening(..) | WillConnection::Open(..)
                if self.session.is_up() && !writes =>
            {
                self.close_will_connection();
            }
            WillConnection::Waiting(_) if self.session.is_up() && !writes => {
                self.will_connection = WillConnection::Off;
            }
            _ => {}
        }
    }

    /// Whether this device writes the user topic. It does if it is the lowest of the person's
    /// connected devices and no hub does.
    pub(super) fn writes_aggregate(&self) -> bool {
        let Some(own) = self.local_device.as_ref().filter(|_| !self.hidden) else {
            return false;
        };
        let first = self.roster.devices_here(&own.holder.user).next();
        own.holder.user_topic && !self.hub_aggregates && first == Some(&own.holder.device)
    }

    fn open_will_connection(&mut self, now: Now) {
        let Some(own) = &self.local_device else {
            return;
        };
        let will = Will {
            topic: Topic::User(own.holder.user.clone()).to_wire(&self.root),
            payload: wire::encode_aggregate(&AggregateRecord {
                status: "offline".to_owned(),
                timestamp: None,
                since: None,
                text: None,
                foreign: None,
            }),
            delay: self.will_delay(own.holder.grace) + AFTER_THE_PRESENCE,
            expires_in: RECORD_EXPIRY,
        };
        let client_id = will_client_id(&self.client_id);
        let connect = self.session.next_connection(client_id, Some(will), (TIMEOUT, TIMEOUT));
        self.will_connection =
            WillConnection::Opening(connect.connection, now.mono + TIMEOUT + TIMEOUT + SIGN_IN);
        self.effects.push_back(Effect::ConnectWill(connect));
    }

    /// Closes it with a DISCONNECT, so the broker discards its Will.
    pub(super) fn close_will_connection(&mut self) {
        if !matches!(self.will_connection, WillConnection::Off) {
            self.will_connection = WillConnection::Off;
            self.effects.push_back(Effect::DisconnectWill);
        }
    }
}
