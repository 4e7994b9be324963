//! Limits how fast the hub reads from one connection, and from all connections of one device.
//!
//! The unit is bytes. `door/meter.rs` decides how many bytes a packet costs.

use crate::bucket::TokenBucket;
use crate::clock;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

/// Bytes per second, both for one connection and for all connections of one device.
const BYTES_A_SECOND: u32 = 1024 * 1024;
/// Burst of one connection in bytes: far more than 16 device records of 8 KiB.
const AT_ONCE: u32 = 1024 * 1024;
/// Burst of one device in bytes. All its connections may come back at the same time.
const AT_ONCE_OF_DEVICE: u32 = 4 * 1024 * 1024;

type Shared = Arc<Mutex<TokenBucket>>;

/// The bytes that the hub may still read from one connection.
#[derive(Debug, Clone)]
pub(crate) struct Allowance {
    connection: Shared,
    /// The bucket that all connections of the device share. Set at login.
    device: Arc<OnceLock<Shared>>,
}

impl Allowance {
    pub(crate) fn new() -> Self {
        Self { connection: shared(AT_ONCE), device: Arc::default() }
    }

    /// Counts bytes that the hub read, even beyond the limit.
    pub(crate) fn spend(&self, bytes: usize) {
        let now = clock::now().mono;
        self.buckets().for_each(|bucket| lock(bucket).take(now, bytes));
    }

    /// Returns how long the hub must wait before it reads more.
    pub(crate) fn wait(&self) -> Duration {
        let now = clock::now().mono;
        self.buckets().map(|bucket| lock(bucket).wait(now)).max().unwrap_or_default()
    }

    fn buckets(&self) -> impl Iterator<Item = &Shared> {
        [&self.connection].into_iter().chain(self.device.get())
    }
}

/// The token bucket of each device that is connected, or was recently.
#[derive(Debug, Default)]
pub(super) struct Allowances(Mutex<HashMap<String, Shared>>);

impl Allowances {
    /// Makes the connection share the bucket of `credential`.
    pub(super) fn log_in(&self, credential: &str, allowance: &Allowance) {
        let now = clock::now().mono;
        let mut devices = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Keep a bucket that is not full, so that a device gains nothing by reconnecting.
        devices.retain(|_, bucket| Arc::strong_count(bucket) > 1 || !lock(bucket).is_full(now));
        let bucket =
            devices.entry(credential.to_owned()).or_insert_with(|| shared(AT_ONCE_OF_DEVICE));
        let _ = allowance.device.set(Arc::clone(bucket));
    }
}

fn shared(burst: u32) -> Shared {
    Arc::new(Mutex::new(TokenBucket::new(burst, BYTES_A_SECOND)))
}

fn lock(bucket: &Shared) -> std::sync::MutexGuard<'_, TokenBucket> {
    bucket.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: usize = 1024 * 1024;

    #[test]
    fn the_connections_of_a_device_share_what_it_may() {
        let (allowances, all) = (Allowances::default(), [(); 8].map(|()| Allowance::new()));
        all.iter().for_each(|allowance| allowances.log_in("a", allowance));
        let other = Allowance::new();
        allowances.log_in("b", &other);
        all.iter().for_each(|allowance| allowance.spend(MIB));
        for allowance in &all {
            // A burst of four MiB, then one second for each of the other four.
            assert!(allowance.wait() > Duration::from_secs(3), "{:?}", allowance.wait());
        }
        other.spend(MIB);
        assert!(other.wait().is_zero());
    }

    #[test]
    fn a_device_is_forgotten_with_its_last_connection_unless_it_spent_much() {
        let allowances = Allowances::default();
        let spent = Allowance::new();
        allowances.log_in("spent", &spent);
        spent.spend(8 * MIB);
        drop(spent);
        for n in 0..100 {
            allowances.log_in(&n.to_string(), &Allowance::new());
        }
        let back = Allowance::new();
        allowances.log_in("spent", &back);
        assert!(back.wait() > Duration::from_secs(3));
        assert!(allowances.0.lock().unwrap().len() <= 2);
    }
}
