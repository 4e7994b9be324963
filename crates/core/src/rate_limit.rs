//! Five a minute: how often the same thing may happen for one key.
//!
//! Owns the count alone. The caller decides what a key is, and what becomes of what is too much.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use crate::time::Monotonic;

/// The largest number of keys that are counted at a time. A stranger who makes up names fills no memory.
const KEYS: usize = 256;

/// Allows each key [`RateLimit::MAX`] events in any [`RateLimit::WINDOW`].
///
/// ```
/// # use porchlight_core::{rate_limit::RateLimit, time::Monotonic};
/// let mut waves = RateLimit::default();
/// let now = Monotonic::default();
/// for _ in 0..RateLimit::<&str>::MAX {
///     assert_eq!(waves.take(now, &"bob"), Ok(()));
/// }
/// assert_eq!(waves.take(now, &"bob"), Err(now + RateLimit::<&str>::WINDOW));
/// assert_eq!(waves.take(now, &"carol"), Ok(()));
/// ```
#[derive(Debug)]
pub struct RateLimit<K = ()>(BTreeMap<K, VecDeque<Monotonic>>);

impl<K> Default for RateLimit<K> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<K> RateLimit<K> {
    /// How many events of one key are allowed in a [`RateLimit::WINDOW`].
    pub const MAX: usize = 5;
    /// How long an event counts.
    pub const WINDOW: Duration = Duration::from_secs(60);
}

impl<K: Ord + Clone> RateLimit<K> {
    /// Counts one event.
    ///
    /// # Errors
    /// The moment at which one more is allowed. Nothing was counted.
    pub fn take(&mut self, now: Monotonic, key: &K) -> Result<(), Monotonic> {
        match self.free_at(now, key) {
            at if at > now => Err(at),
            _ => {
                self.note(now, key);
                Ok(())
            }
        }
    }

    /// When one more is allowed: `now`, or a later moment.
    #[must_use]
    pub fn free_at(&self, now: Monotonic, key: &K) -> Monotonic {
        let oldest_expires = match self.0.get(key) {
            Some(times) => times.front().filter(|_| times.len() >= Self::MAX).copied(),
            None if self.0.len() >= KEYS => {
                self.0.values().filter_map(|it| it.back()).min().copied()
            }
            None => None,
        };
        oldest_expires.map_or(now, |at| now.max(at + Self::WINDOW))
    }

    /// Counts an event that happens even if it is one too many.
    pub fn note(&mut self, now: Monotonic, key: &K) {
        if self.0.len() >= KEYS && !self.0.contains_key(key) {
            self.0.retain(|_, times| times.back().is_some_and(|at| now.since(*at) < Self::WINDOW));
            if self.0.len() >= KEYS {
                return;
            }
        }
        let times = self.0.entry(key.clone()).or_default();
        if times.len() >= Self::MAX {
            times.pop_front();
        }
        times.push_back(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(s: u64) -> Monotonic {
        Monotonic::from_origin(Duration::from_secs(s))
    }

    #[test]
    fn five_are_allowed_in_any_minute() {
        let mut limit = RateLimit::default();
        for s in 0..5 {
            assert_eq!(limit.take(at(s), &()), Ok(()));
        }
        assert_eq!(limit.take(at(5), &()), Err(at(60)));
        assert_eq!(limit.take(at(60), &()), Ok(()));
        assert_eq!(limit.take(at(60), &()), Err(at(61)), "the one of second 1 still counts");
    }

    #[test]
    fn one_that_happens_though_it_is_too_many_delays_the_next() {
        let mut limit = RateLimit::default();
        for s in 0..6 {
            limit.note(at(s), &());
        }
        assert_eq!(limit.free_at(at(6), &()), at(61));
        assert_eq!(limit.free_at(at(100), &()), at(100));
    }

    #[test]
    fn a_crowd_of_names_fills_no_memory_and_is_forgotten_after_a_minute() {
        let mut limit = RateLimit::default();
        for key in 0..KEYS as u64 {
            assert_eq!(limit.take(at(key / 10), &key), Ok(()));
        }
        assert_eq!(limit.take(at(26), &1_000), Err(at(60)));
        assert_eq!(limit.take(at(60), &1_000), Ok(()));
        assert_eq!(limit.0.len(), KEYS - 9);
    }
}
