//! Mutates inputs.

use fastrand::Rng;

use crate::Corpus;

/// The maximum length of an input in bytes: beyond every limit on a record, a link or a body.
const MAX_LENGTH: usize = 20 * 1024;
/// The maximum number of changes to one input.
const MAX_CHANGES: usize = 6;

/// Fragments that parsers of topics, JSON, URLs, mail and MQTT may misread.
const FRAGMENTS: [&[u8]; 56] = [
    b"",
    b"\0",
    b"\n",
    b"\r\n",
    b"\t",
    b" ",
    b"/",
    b"//",
    b"+",
    b"#",
    b"$",
    b"_",
    b"?",
    b"&",
    b"=",
    b":",
    b"@",
    b"%",
    b"%00",
    b"%2F",
    b"%C3%28",
    b"://",
    b"[",
    b"]",
    b"[::1]",
    b"{",
    b"}",
    b"\"",
    b"\\",
    b"\\u0000",
    b"\\ud800",
    b",",
    b"null",
    b"true",
    b"-1",
    b"0",
    b"9007199254740992",
    b"18446744073709551616",
    b"1e400",
    b"1.5",
    b"0x10",
    b"porchlight://join?",
    b"&amp;",
    b"&#x3D;",
    b"=3D",
    b"=\n",
    b"\n> ",
    b"'''",
    b"\xff",
    b"\x80\x80\x80\x80\x01",
    "\u{202E}".as_bytes(),
    "\u{200B}".as_bytes(),
    "e\u{301}".as_bytes(),
    "\u{FEFF}".as_bytes(),
    "ß".as_bytes(),
    "👩‍💻".as_bytes(),
];

/// Makes new inputs from a corpus. The same seed makes the same inputs.
#[derive(Debug)]
pub struct Mutator {
    rng: Rng,
    corpus: Corpus,
}

impl Mutator {
    /// Creates a mutator for this corpus.
    #[must_use]
    pub fn new(corpus: Corpus, seed: u64) -> Self {
        Self { rng: Rng::with_seed(seed), corpus }
    }

    /// The random number generator, for other decisions of a test.
    pub fn rng(&mut self) -> &mut Rng {
        &mut self.rng
    }

    /// A new input: one of the corpus with up to six changes, or sometimes noise.
    pub fn input(&mut self) -> Vec<u8> {
        if self.rng.u8(..) < 8 {
            return self.noise(64);
        }
        let mut bytes = self.pick();
        self.change(&mut bytes);
        bytes
    }

    /// Changes these bytes in one to six places.
    pub fn change(&mut self, bytes: &mut Vec<u8>) {
        // Few changes are more likely than many: an input with one change gets further into a
        // parser.
        let max = self.rng.usize(1..=MAX_CHANGES);
        for _ in 0..self.rng.usize(1..=max) {
            self.change_once(bytes);
        }
        bytes.truncate(MAX_LENGTH);
    }

    fn pick(&mut self) -> Vec<u8> {
        let inputs = self.corpus.inputs();
        inputs[self.rng.usize(..inputs.len())].clone()
    }

    fn noise(&mut self, max: usize) -> Vec<u8> {
        let length = self.rng.usize(..max);
        (0..length).map(|_| self.rng.u8(..)).collect()
    }

    /// A random range of these bytes, which may be empty and may start at the end.
    fn range(&mut self, bytes: &[u8]) -> std::ops::Range<usize> {
        let start = self.rng.usize(..=bytes.len());
        let max =
            if self.rng.u8(..) < 64 { bytes.len() - start } else { 8.min(bytes.len() - start) };
        start..start + self.rng.usize(..=max)
    }

    fn change_once(&mut self, bytes: &mut Vec<u8>) {
        let range = self.range(bytes);
        match self.rng.u8(..10) {
            0 => drop(bytes.drain(range)),
            1 => bytes.truncate(range.start),
            2 => {
                let fragment = self.rng.usize(..FRAGMENTS.len());
                bytes.splice(range, FRAGMENTS[fragment].iter().copied());
            }
            3 => {
                let fragment = FRAGMENTS[self.rng.usize(..FRAGMENTS.len())];
                bytes.splice(range.start..range.start, fragment.iter().copied());
            }
            4 => {
                let noise = self.noise(16);
                bytes.splice(range, noise);
            }
            5 => {
                let copied = bytes[range.clone()].to_vec();
                bytes.splice(range.end..range.end, copied);
            }
            6 => {
                // Replaces the range by a part of another input.
                let other = self.pick();
                let part = self.range(&other);
                bytes.splice(range, other[part].iter().copied());
            }
            7 => self.repeat(bytes, range),
            _ => {
                if let Some(byte) = bytes.get_mut(range.start) {
                    *byte = match self.rng.u8(..3) {
                        0 => *byte ^ (1 << self.rng.u8(..8)),
                        1 => byte.wrapping_add(1).wrapping_sub(self.rng.u8(..3)),
                        _ => self.rng.u8(..),
                    };
                }
            }
        }
    }

    /// Repeats a piece many times: long texts, deep nesting, many fields. Rarely very often,
    /// because long inputs cost time.
    fn repeat(&mut self, bytes: &mut Vec<u8>, range: std::ops::Range<usize>) {
        let max = if self.rng.u8(..) < 24 { MAX_LENGTH } else { 64 };
        let piece = bytes[range.clone()].to_vec();
        if !piece.is_empty() {
            let times = self.rng.usize(..=max) / piece.len();
            bytes.splice(range.end..range.end, piece.repeat(times));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inputs(seed: u64) -> Vec<Vec<u8>> {
        let mut mutator =
            Mutator::new(Corpus::of(["presence/anna", "{\"status\":\"online\"}"]), seed);
        (0..2_000).map(|_| mutator.input()).collect()
    }

    #[test]
    fn one_seed_makes_the_same_inputs_and_another_one_others() {
        assert_eq!(inputs(7), inputs(7));
        assert_ne!(inputs(7), inputs(8));
    }

    #[test]
    fn inputs_are_short_and_long_and_never_longer_than_the_limit() {
        let inputs = inputs(7);
        let longest = inputs.iter().map(Vec::len).max();
        assert!(
            longest.is_some_and(|longest| (8_192..=MAX_LENGTH).contains(&longest)),
            "{longest:?}"
        );
        assert!(inputs.iter().any(Vec::is_empty));
        let short = inputs.iter().filter(|input| input.len() < 128).count();
        assert!(short > 1_500, "{short}");
    }
}
