//! What comes back of our own messages.
//!
//! A broker sends a message to everybody who subscribed to its topic, the sender included. Owns how a sender tells its
//! own message from somebody else's: by the payload. A device record needs no such memory: its epoch and its timestamp
//! say who wrote it.

use std::collections::VecDeque;

/// How many messages of one topic are remembered.
const REMEMBERED: usize = 8;

/// The payloads that we published on one topic and that have not come back yet.
///
/// It forgets the oldest one beyond eight, so a broker that sends nothing back fills no memory.
#[derive(Debug, Default)]
pub struct Echoes(VecDeque<Vec<u8>>);

impl Echoes {
    /// Remembers a payload that is about to be published.
    pub fn expect(&mut self, payload: Vec<u8>) {
        if self.0.len() >= REMEMBERED {
            self.0.pop_front();
        }
        self.0.push_back(payload);
    }

    /// Returns whether we published this, and forgets it. It also forgets what we published before it: that came
    /// already, or was replaced on its way.
    pub fn take(&mut self, payload: &[u8]) -> bool {
        let at = self.0.iter().position(|echo| echo == payload);
        if let Some(at) = at {
            self.0.drain(..=at);
        }
        at.is_some()
    }

    /// Whether everything came back.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many payloads have not come back.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Forgets all of them: another connection sends back nothing of this one.
    pub fn clear(&mut self) {
        self.0.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_echo_is_told_once_and_takes_what_was_published_before_it() {
        let mut echoes = Echoes::default();
        for payload in [b"a", b"b", b"c"] {
            echoes.expect(payload.to_vec());
        }
        assert!(!echoes.take(b"x"), "somebody else wrote that");
        assert!(echoes.take(b"b"));
        assert!(!echoes.take(b"a"), "the broker keeps the order of one sender");
        assert!(echoes.take(b"c"));
        assert!(!echoes.take(b"c"), "the same once more is somebody else's");
        assert!(echoes.is_empty());
    }

    #[test]
    fn only_the_last_eight_are_remembered() {
        let mut echoes = Echoes::default();
        for n in 0..100_u8 {
            echoes.expect(vec![n]);
        }
        assert_eq!(echoes.len(), REMEMBERED);
        assert!(!echoes.take(&[91]));
        assert!(echoes.take(&[92]));
    }
}
