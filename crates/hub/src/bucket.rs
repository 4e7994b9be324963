//! A token bucket: how much at once, and how much a second after that.
//!
//! Owns the arithmetic alone. The caller decides what a token is, and what happens when none is left.
//!
//! Beside [`porchlight_core::rate_limit::RateLimit`], which remembers the moment of each of at most five events: a bucket
//! counts thousands of bytes or filters at once in a single number, lets somebody take more than there is, and then says how
//! long they have to wait.

use porchlight_core::time::Monotonic;
use std::time::Duration;

/// A bucket that begins full.
#[derive(Debug)]
pub(crate) struct TokenBucket {
    burst: u32,
    a_second: u32,
    /// When it is full again.
    full_at: Option<Monotonic>,
}

impl TokenBucket {
    /// Holds `burst` tokens, and gets `a_second` of them back every second.
    pub(crate) const fn new(burst: u32, a_second: u32) -> Self {
        Self { burst, a_second, full_at: None }
    }

    /// Takes `n` tokens, be they there or not.
    pub(crate) fn take(&mut self, now: Monotonic, n: usize) {
        let from = self.full_at.map_or(now, |full| full.max(now));
        self.full_at = Some(from + self.time_of(n));
    }

    /// How many tokens are there; below 0 where more were taken.
    pub(crate) fn left(&self, now: Monotonic) -> i64 {
        let missing = self.until_full(now).as_nanos() * u128::from(self.a_second);
        let missing = missing.div_ceil(NANOS_A_SECOND);
        i64::from(self.burst) - i64::try_from(missing).unwrap_or(i64::MAX)
    }

    /// How long until no more is taken than was there.
    pub(crate) fn wait(&self, now: Monotonic) -> Duration {
        let burst = usize::try_from(self.burst).unwrap_or(usize::MAX);
        self.until_full(now).saturating_sub(self.time_of(burst))
    }

    /// Whether it is as if nothing was ever taken.
    pub(crate) fn is_full(&self, now: Monotonic) -> bool {
        self.until_full(now).is_zero()
    }

    fn until_full(&self, now: Monotonic) -> Duration {
        self.full_at.map_or(Duration::ZERO, |full| full.since(now))
    }

    fn time_of(&self, n: usize) -> Duration {
        let nanos = n as u128 * NANOS_A_SECOND / u128::from(self.a_second);
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }
}

const NANOS_A_SECOND: u128 = 1_000_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> Monotonic {
        Monotonic::from_origin(Duration::from_millis(1_000 + ms))
    }

    #[test]
    fn a_bucket_gives_its_burst_at_once_and_then_its_rate() {
        let mut bucket = TokenBucket::new(64, 10);
        assert_eq!(bucket.left(at(0)), 64);
        bucket.take(at(0), 64);
        assert_eq!((bucket.left(at(0)), bucket.wait(at(0))), (0, Duration::ZERO));
        bucket.take(at(0), 1);
        assert_eq!((bucket.left(at(0)), bucket.wait(at(0))), (-1, Duration::from_millis(100)));
        assert_eq!(bucket.left(at(100)), 0);
        assert_eq!(bucket.left(at(1_100)), 10);
        assert_eq!(bucket.left(at(60_000)), 64, "it holds no more than its burst");
    }

    #[test]
    fn whatever_is_taken_at_once_is_waited_for() {
        let mut bucket = TokenBucket::new(1_000, 1_000);
        bucket.take(at(0), 5_000);
        assert_eq!(bucket.wait(at(0)), Duration::from_secs(4));
        assert_eq!(bucket.wait(at(4_000)), Duration::ZERO);
    }
}
