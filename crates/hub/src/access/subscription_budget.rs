//! Limits how many topic filters one connection may request.
//!
//! Each granted filter delivers the retained messages again, and each refused filter costs time. So both
//! count the same, and the hub refuses the same filter twice within a second.

use crate::bucket::TokenBucket;
use porchlight_core::time::Monotonic;
use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::time::Duration;

/// Number of filters that a connection may request at once.
const BURST: u32 = 64;
/// Number of filters per second after that.
const A_SECOND: u32 = 10;
/// Number of further, refused filters after which the hub closes the connection.
const TOO_MANY: i64 = 64;
/// How long the same filter is refused after it was granted.
const AGAIN_AFTER: Duration = Duration::from_secs(1);

/// The filter requests of one connection, and how many more are allowed.
#[derive(Debug)]
pub(crate) struct SubscriptionBudget {
    bucket: TokenBucket,
    /// When each filter was granted. The key is a hash, because a filter may be long.
    lately: HashMap<u64, Monotonic>,
    hasher: RandomState,
}

/// Whether a connection may subscribe to a filter now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MayAsk {
    Yes,
    /// Refuse: it requests too many filters, or the same one again.
    NotNow,
    /// Close the connection: it ignores the refusals.
    Never,
}

impl Default for SubscriptionBudget {
    fn default() -> Self {
        let bucket = TokenBucket::new(BURST, A_SECOND);
        Self { bucket, lately: HashMap::new(), hasher: RandomState::new() }
    }
}

impl SubscriptionBudget {
    /// Counts `filter`, and decides whether the connection may subscribe to it.
    pub(crate) fn ask(&mut self, now: Monotonic, filter: &str) -> MayAsk {
        let left = self.bucket.left(now);
        if left <= -TOO_MANY {
            return MayAsk::Never;
        }
        self.bucket.take(now, 1);
        self.lately.retain(|_, asked| now.since(*asked) < AGAIN_AFTER);
        let filter = self.hasher.hash_one(filter);
        let again = self.lately.contains_key(&filter);
        if left <= 0 || again {
            return MayAsk::NotNow;
        }
        self.lately.insert(filter, now);
        MayAsk::Yes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> Monotonic {
        Monotonic::from_origin(Duration::from_millis(1_000 + ms))
    }

    #[test]
    fn the_same_filter_is_refused_within_a_second() {
        let mut asking = SubscriptionBudget::default();
        assert_eq!(asking.ask(at(0), "a"), MayAsk::Yes);
        assert_eq!(asking.ask(at(0), "a"), MayAsk::NotNow);
        assert_eq!(asking.ask(at(0), "b"), MayAsk::Yes);
        assert_eq!(asking.ask(at(999), "a"), MayAsk::NotNow);
        assert_eq!(asking.ask(at(1_000), "a"), MayAsk::Yes);
    }

    #[test]
    fn a_connection_that_goes_on_asking_is_closed() {
        let mut asking = SubscriptionBudget::default();
        let mut ask = |ms: u64, n: usize| asking.ask(at(ms), &n.to_string());
        assert!((0..64).all(|n| ask(0, n) == MayAsk::Yes));
        assert!((64..128).all(|n| ask(0, n) == MayAsk::NotNow));
        assert_eq!(ask(0, 128), MayAsk::Never);
        assert_eq!(ask(0, 129), MayAsk::Never);
    }

    #[test]
    fn a_patient_client_may_always_ask() {
        let mut asking = SubscriptionBudget::default();
        for n in 0..1_000 {
            assert_eq!(asking.ask(at(n * 100), &(n % 20).to_string()), MayAsk::Yes, "{n}");
        }
        assert!(asking.lately.len() <= 11);
    }
}
