//! Secrets: made by the system's random numbers, kept as keyed hashes, compared in constant time.
//!
//! A secret has 160 random bits, so a fast hash is enough: there is no dictionary of them to try. It is keyed, so that
//! the hashes of a backup alone cannot be used to test a guess. It covers the secret's kind and id, so that it is valid
//! for nothing else.

use data_encoding::BASE64URL_NOPAD;
use porchlight_core::team::{ID_LENGTH, SECRET_LENGTH, Secret};
use ring::hmac;
use ring::rand::{SecureRandom, SystemRandom};
use serde::{Deserialize, Serialize};
use std::fmt;

/// What a secret is for.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Kind {
    Credential,
    Invite,
    Token,
    Request,
}

/// The keyed hash of a secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Hash(String);

/// The key of the hashes. Its `Debug` does not show it.
#[derive(Clone, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct Key([u8; 32]);

impl Key {
    pub(crate) fn random() -> Self {
        let mut key = [0; 32];
        fill(&mut key);
        Self(key)
    }

    pub(crate) fn hash(&self, kind: Kind, secret: &Secret) -> Hash {
        let text = Self::text(kind, secret.id(), secret.secret());
        Hash(BASE64URL_NOPAD.encode(hmac::sign(&self.hmac(), text.as_bytes()).as_ref()))
    }

    pub(crate) fn verifies(&self, kind: Kind, id: &str, secret: &str, hash: &Hash) -> bool {
        let text = Self::text(kind, id, secret);
        BASE64URL_NOPAD
            .decode(hash.0.as_bytes())
            .is_ok_and(|tag| hmac::verify(&self.hmac(), text.as_bytes(), &tag).is_ok())
    }

    fn text(kind: Kind, id: &str, secret: &str) -> String {
        format!("{kind:?}\n{id}\n{secret}")
    }

    fn hmac(&self) -> hmac::Key {
        hmac::Key::new(hmac::HMAC_SHA256, &self.0)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(…)")
    }
}

impl TryFrom<String> for Key {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let key = BASE64URL_NOPAD.decode(text.as_bytes()).ok().and_then(|key| key.try_into().ok());
        key.map(Self).ok_or("the key is not 32 bytes as base64url")
    }
}

impl From<Key> for String {
    fn from(key: Key) -> Self {
        BASE64URL_NOPAD.encode(&key.0)
    }
}

/// A new secret, from the system's random numbers.
#[must_use]
pub fn new_secret() -> Secret {
    random_secret(|_| false)
}

/// A new secret whose id is not `taken`.
pub(crate) fn random_secret(taken: impl Fn(&str) -> bool) -> Secret {
    loop {
        let id = random_id();
        if !taken(&id) {
            return Secret::of_parts(&id, &random_word(SECRET_LENGTH))
                .expect("letters and digits of the right number");
        }
    }
}

/// Ten random letters and digits.
pub(crate) fn random_id() -> String {
    random_word(ID_LENGTH)
}

/// A number below `end`, which is at most 2^16.
pub(crate) fn random_below(end: u32) -> u32 {
    let mut bytes = [0; 8];
    fill(&mut bytes);
    // 64 bits over 16: no remainder to speak of.
    u32::try_from(u64::from_le_bytes(bytes) % u64::from(end)).unwrap_or_default()
}

fn random_word(len: usize) -> String {
    const LETTERS: &[u8] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    // The largest multiple of 62 in a byte: what is above would make the first letters likelier.
    const FAIR: u8 = 248;
    let mut word = String::with_capacity(len);
    let mut bytes = [0; 64];
    while word.len() < len {
        fill(&mut bytes);
        let fair = bytes.iter().filter(|b| **b < FAIR);
        let letters = fair.map(|b| char::from(LETTERS[usize::from(*b) % LETTERS.len()]));
        word.extend(letters.take(len - word.len()));
    }
    word
}

fn fill(bytes: &mut [u8]) {
    SystemRandom::new().fill(bytes).expect("the system has random numbers");
}
