//! New identities for cloned machines, and brokers that only look as if a machine were cloned.
//!
//! Owns when this device takes a new identity (`docs/protocol.md`, *Cloned machines*). DISCONNECT
//! 0x8E (MQTT 5, 4.13) means that another connection uses the same Client Identifier. Some brokers
//! also send it where a login may connect only once. There a new identity changes nothing, so a
//! take-over alone proves nothing. The device connects once more and reads its own record: a copy
//! has written another one.

use std::time::Duration;

use super::Engine;
use super::local_device::LocalDevice;
use crate::connection::ConnectionFailure;
use crate::id::{DeviceId, presence_client_id};
use crate::session::Phase;
use crate::time::{Monotonic, Now};

/// How long we remember a take-over, and how long the person sees a new identity. Without a
/// take-over, a device takes a new identity at most this often.
const HOUR: Duration = Duration::from_secs(60 * 60);
/// The pause after a take-over and before a new identity connects, in milliseconds. It is random,
/// so that two connections do not keep ending each other in step.
const PAUSE_MS: std::ops::RangeInclusive<u64> = 500..=2000;
/// After this many take-overs without a copy's record, we assume that the broker allows one
/// connection.
const PROVES_A_LIMIT: u32 = 3;
/// The longest pause where the broker allows one connection, because each attempt ends the other
/// connection. It doubles each time, up to [`AT_MOST`].
const ONE_CONNECTION: Duration = Duration::from_secs(30);
const AT_MOST: Duration = Duration::from_secs(5 * 60);
/// The code of the problem that this device has a new identity.
pub(super) const CODE: &str = "device_renewed";

/// The evidence for other machines with this device's identity.
#[derive(Debug, Default)]
pub(super) struct Renewal {
    /// When this device last took a new identity.
    last: Option<Monotonic>,
    /// Whether the window still shows that.
    is_shown: bool,
    /// When the connection was last taken over.
    suspected: Option<Monotonic>,
    /// How many take-overs in a row came without a copy's record.
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
    /// Handles DISCONNECT 0x8E. If there is a Will connection, it gives way; otherwise the device
    /// waits before it connects again.
    pub(super) fn handle_take_over(&mut self, now: Now) {
        let suspected = self.renewal.is_suspected(now);
        // Before this device has published, its record may be from an earlier run, and proves
        // nothing.
        if self.local_device.as_ref().is_some_and(LocalDevice::has_written) {
            self.renewal.suspected = Some(now.mono);
        }
        if self.rest_will_connection(now) {
            self.lose_connection(now, &ConnectionFailure::taken_over());
            return;
        }
        // If the session was up, we had read our record, and it was not another machine's.
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

    /// Handles a retained record on this device's own topic that this device did not write. After a
    /// take-over it proves a copy.
    pub(super) fn handle_foreign_record(&mut self, now: Now) {
        let reading = matches!(self.session.phase, Phase::Reading { .. });
        if reading && self.renewal.is_suspected(now) {
            self.renewal.last = None;
            self.become_another_device(now);
        }
    }

    /// Gives this device a new identity, because another machine uses it: a copied disk or home
    /// folder.
    ///
    /// The machine that notices becomes a new device. The Will takes the old device offline, unless
    /// the other machine publishes a newer record. Records that only look like a copy's cause this
    /// at most once an hour.
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
        // What we learned about the Will connection may have come from the other machine.
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
