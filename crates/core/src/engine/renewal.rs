//! A second machine with this device's identity, and a broker that only seems to have one.
//!
//! Owns when this device takes a new identity (`docs/protocol.md`, *Cloned machines*). DISCONNECT 0x8E (MQTT 5, 4.13) says
//! that the Client Identifier was used a second time. Some brokers also send it where a login may connect once; there a new
//! identity changes nothing. So a take-over alone proves nothing. The device connects once more and reads its own record:
//! a copy has written another one.

use std::time::Duration;

use super::Engine;
use super::local_device::LocalDevice;
use crate::connection::ConnectionFailure;
use crate::id::{DeviceId, presence_client_id};
use crate::session::Phase;
use crate::time::{Monotonic, Now};

/// For how long a take-over is remembered, and a new identity is told of. Without a take-over none is taken more often.
const HOUR: Duration = Duration::from_secs(60 * 60);
/// The pause after a take-over and before a new identity connects, in milliseconds: two that throw each other out
/// must not do it at the same time again.
const PAUSE_MS: std::ops::RangeInclusive<u64> = 500..=2000;
/// After so many take-overs without a copy's record, the broker allows one connection.
const PROVES_A_LIMIT: u32 = 3;
/// Then the pause is up to this long, and twice as long each time up to [`AT_MOST`]: it throws the other one out.
const ONE_CONNECTION: Duration = Duration::from_secs(30);
const AT_MOST: Duration = Duration::from_secs(5 * 60);
/// The problem that this device has a new identity.
pub(super) const CODE: &str = "device_renewed";

/// What is known of others with this device's identity.
#[derive(Debug, Default)]
pub(super) struct Renewal {
    /// When this device last took a new identity.
    last: Option<Monotonic>,
    /// Whether the person still sees it.
    is_shown: bool,
    /// When the connection was last taken over.
    suspected: Option<Monotonic>,
    /// How often in a row that was although no copy's record was there.
    unproved: u32,
}

impl Renewal {
    pub(super) fn told(&mut self) {
        self.is_shown = false;
    }

    pub(super) fn next_deadline(&self) -> Option<Monotonic> {
        self.last.filter(|_| self.is_shown).map(|last| last + HOUR)
    }

    fn is_suspected(&self, now: Now) -> bool {
        self.suspected.is_some_and(|at| now.mono.since(at) < HOUR)
    }
}

impl Engine {
    /// DISCONNECT 0x8E: whoever can give way does, the Will connection first.
    pub(super) fn handle_take_over(&mut self, now: Now) {
        let suspected = self.renewal.is_suspected(now);
        // Before this device has written, its record may be of an earlier run, and proves nothing.
        if self.local_device.as_ref().is_some_and(LocalDevice::has_written) {
            self.renewal.suspected = Some(now.mono);
        }
        if self.rest_will_connection(now) {
            self.lose_connection(now, &ConnectionFailure::taken_over());
            return;
        }
        // Its record was read before it was up, and was no other machine's.
        let unproved = u32::from(self.session.is_up());
        self.renewal.unproved = if suspected { self.renewal.unproved + unproved } else { unproved };
        if let Some(more) = self.renewal.unproved.checked_sub(PROVES_A_LIMIT) {
            self.lose_connection(now, &ConnectionFailure::OneConnection);
            let most = (ONE_CONNECTION * 2_u32.saturating_pow(more)).min(AT_MOST);
            let half = u64::try_from(most.as_millis()).unwrap_or(u64::MAX) / 2;
            let pause = Duration::from_millis(self.rng.u64(half..=2 * half));
            self.session.pause(now, pause);
        } else {
            self.lose_connection(now, &ConnectionFailure::taken_over());
            self.pause(now);
        }
    }

    /// A retained record on this device's own topic that this device did not write: after a take-over that proves a copy.
    pub(super) fn handle_foreign_record(&mut self, now: Now) {
        let reading = matches!(self.session.phase, Phase::Reading { .. });
        if reading && self.renewal.is_suspected(now) {
            self.renewal.last = None;
            self.become_another_device(now);
        }
    }

    /// Another machine uses our device id, or our client id: a copied disk or home folder. The one that notices
    /// becomes a new device; the old one's Will speaks for it if nobody else does. Records that only look like a copy's make
    /// this device a new one at most once an hour.
    pub(super) fn become_another_device(&mut self, now: Now) {
        let recent = self.renewal.last.is_some_and(|last| now.mono.since(last) < HOUR);
        let Some(own) = self.local_device.as_mut().filter(|_| !recent) else {
            return;
        };
        let old = own.holder.device.clone();
        own.become_another(DeviceId::random(&mut self.rng));
        self.client_id = presence_client_id(&mut self.rng);
        self.renewal = Renewal { last: Some(now.mono), is_shown: true, ..Renewal::default() };
        let message = format!(
            "another machine is this device ({old}), too, as after copying a disk or a home folder; this one is a new device now, and nothing is left to do"
        );
        self.tell_problem(CODE, message);
        // What was told of the Will connection belonged to the other machine.
        self.forget_crowding();
        self.drop_connections();
        self.forget_connection_state(now);
        self.pause(now);
    }

    fn pause(&mut self, now: Now) {
        let pause = Duration::from_millis(self.rng.u64(PAUSE_MS));
        self.session.pause(now, pause);
    }
}
