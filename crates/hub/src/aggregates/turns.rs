//! How often somebody else's word is answered.

use porchlight_core::time::Monotonic;
use std::collections::VecDeque;
use std::time::Duration;

/// How many answers there are in a [`WINDOW`]. Two writers that disagree would otherwise answer each other for ever.
pub(super) const TURNS: usize = 5;
/// A turn is free again after this long.
pub(super) const WINDOW: Duration = Duration::from_secs(60);

/// The turns taken of late.
#[derive(Debug, Default)]
pub(super) struct Turns(VecDeque<Monotonic>);

impl Turns {
    /// Takes a turn, or says when the next one is free.
    pub(super) fn take(&mut self, now: Monotonic) -> Result<(), Monotonic> {
        while self.0.front().is_some_and(|taken| now.since(*taken) >= WINDOW) {
            self.0.pop_front();
        }
        match self.0.front() {
            Some(oldest) if self.0.len() >= TURNS => Err(*oldest + WINDOW),
            _ => {
                self.0.push_back(now);
                Ok(())
            }
        }
    }
}
