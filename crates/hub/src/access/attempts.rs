//! Limits failed logins per peer.
//!
//! A secret has 160 bits, so nobody guesses one. The limit bounds the work that guessing causes. It never
//! locks out a person who has logged in from that address before: a whole office may share one address.

use crate::peer::Peer;
use porchlight_core::time::Monotonic;
use std::collections::HashMap;
use std::time::Duration;

/// Number of failures allowed in a row.
const BURST: u32 = 20;
/// Time after which one more failure is allowed.
const REFILL: Duration = Duration::from_secs(3);
/// Maximum number of peers to remember. The peer whose attempts recover first is forgotten first.
const MAX_PEERS: usize = 4_096;
const MAX_KNOWN: usize = 20_000;

/// Counts the failed logins of each peer, and remembers the last peer of each credential.
#[derive(Debug, Default)]
pub(crate) struct Attempts {
    /// When each peer has all its attempts back. Each failure adds [`REFILL`].
    spent: HashMap<Peer, Monotonic>,
    /// The peer from which each credential last logged in.
    known: HashMap<String, Peer>,
}

impl Attempts {
    /// Returns whether this peer may try to log in now. `who` is the credential that it names, if any.
    pub(crate) fn may_try(&self, now: Monotonic, peer: Peer, who: Option<&str>) -> bool {
        let left =
            self.spent.get(&peer).is_none_or(|until| until.since(now) <= REFILL * (BURST - 1));
        left || who.is_some_and(|who| self.known.get(who) == Some(&peer))
    }

    /// Notes a failed login.
    pub(crate) fn was_wrong(&mut self, now: Monotonic, peer: Peer) {
        if self.spent.len() >= MAX_PEERS && !self.spent.contains_key(&peer) {
            self.spent.retain(|_, until| *until > now);
            if self.spent.len() >= MAX_PEERS
                && let Some(first) = self.spent.iter().min_by_key(|(_, until)| **until)
            {
                let first = *first.0;
                self.spent.remove(&first);
            }
        }
        let until = self.spent.entry(peer).or_insert(now);
        *until = (*until).max(now) + REFILL;
        *until = (*until).min(now + REFILL * BURST);
    }

    /// Notes a successful login.
    pub(crate) fn was_right(&mut self, peer: Peer, who: &str) {
        if self.known.len() >= MAX_KNOWN && !self.known.contains_key(who) {
            self.known.clear();
        }
        self.known.insert(who.to_owned(), peer);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::IpAddr;

    fn peer(text: &str) -> Peer {
        Peer::from(text.parse::<IpAddr>().unwrap())
    }

    fn at(seconds: u64) -> Monotonic {
        Monotonic::from_origin(Duration::from_secs(1_000 + seconds))
    }

    #[test]
    fn whoever_is_wrong_too_often_waits_and_nobody_else_does() {
        let mut attempts = Attempts::default();
        let (eve, bob) = (peer("10.0.0.9"), peer("10.0.0.7"));
        let tries = (0..1_000)
            .filter(|_| {
                let may = attempts.may_try(at(0), eve, Some("guessed"));
                if may {
                    attempts.was_wrong(at(0), eve);
                }
                may
            })
            .count();
        assert_eq!(tries, usize::try_from(BURST).unwrap());
        assert!(attempts.may_try(at(0), bob, None));
        assert!(!attempts.may_try(at(2), eve, None) && attempts.may_try(at(4), eve, None));
    }

    #[test]
    fn who_came_from_there_before_is_let_try_among_the_wrong() {
        let mut attempts = Attempts::default();
        let office = peer("10.0.0.1");
        attempts.was_right(office, "anna");
        for _ in 0..100 {
            attempts.was_wrong(at(0), office);
        }
        assert!(attempts.may_try(at(0), office, Some("anna")));
        assert!(!attempts.may_try(at(0), office, Some("bob")));
        assert!(!attempts.may_try(at(0), office, None));
        assert!(attempts.may_try(at(4), office, None), "however often they were wrong");
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut attempts = Attempts::default();
        for n in 0..2 * u32::try_from(MAX_PEERS).unwrap() {
            attempts
                .was_wrong(at(u64::from(n) / 10_000), Peer::from(IpAddr::from(n.to_be_bytes())));
        }
        assert!(attempts.spent.len() <= MAX_PEERS);
        for n in 0..=MAX_KNOWN {
            attempts.was_right(peer("10.0.0.1"), &n.to_string());
        }
        assert!(attempts.known.len() <= MAX_KNOWN);
    }
}
