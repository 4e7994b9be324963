//! The fingerprint of a hub's certificate.

use std::fmt;
use std::str::FromStr;

use data_encoding::BASE64URL_NOPAD;
use serde::{Deserialize, Serialize};

/// SHA-256 of the DER of the only certificate to trust.
///
/// As text: base64url without padding (RFC 4648, section 5), 43 characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Pin([u8; 32]);

/// The text is not a pin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a certificate's fingerprint has 43 letters, digits, - and _")]
pub struct PinError;

impl Pin {
    /// The pin with this SHA-256.
    #[must_use]
    pub const fn of_digest(digest: [u8; 32]) -> Self {
        Self(digest)
    }

    /// The SHA-256.
    #[must_use]
    pub const fn digest(&self) -> &[u8; 32] {
        &self.0
    }
}

impl FromStr for Pin {
    type Err = PinError;

    fn from_str(text: &str) -> Result<Self, PinError> {
        let bytes = BASE64URL_NOPAD.decode(text.as_bytes()).map_err(|_| PinError)?;
        bytes.try_into().map(Self).map_err(|_| PinError)
    }
}

impl fmt::Display for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&BASE64URL_NOPAD.encode(&self.0))
    }
}

impl TryFrom<String> for Pin {
    type Error = PinError;

    fn try_from(text: String) -> Result<Self, PinError> {
        text.parse()
    }
}

impl From<Pin> for String {
    fn from(pin: Pin) -> Self {
        pin.to_string()
    }
}

/// The first eight bytes of a hub's certificate fingerprint, as the hub announces them on the local network.
///
/// They show whether the hub that answers is the one that was found, but are too short to pin it. As text: 16
/// hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct FingerprintPrefix([u8; 8]);

/// The text is not a [`FingerprintPrefix`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is not the beginning of a fingerprint; write 16 hexadecimal digits")]
pub struct FingerprintPrefixError;

impl FingerprintPrefix {
    /// The first bytes of the SHA-256.
    #[must_use]
    pub const fn bytes(&self) -> &[u8; 8] {
        &self.0
    }
}

impl FromStr for FingerprintPrefix {
    type Err = FingerprintPrefixError;

    fn from_str(text: &str) -> Result<Self, FingerprintPrefixError> {
        if text.len() != 16 || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(FingerprintPrefixError);
        }
        let number = u64::from_str_radix(text, 16).map_err(|_| FingerprintPrefixError)?;
        Ok(Self(number.to_be_bytes()))
    }
}

impl fmt::Display for FingerprintPrefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", u64::from_be_bytes(self.0))
    }
}

impl TryFrom<String> for FingerprintPrefix {
    type Error = FingerprintPrefixError;

    fn try_from(text: String) -> Result<Self, FingerprintPrefixError> {
        text.parse()
    }
}

impl From<FingerprintPrefix> for String {
    fn from(prefix: FingerprintPrefix) -> Self {
        prefix.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_is_read_as_it_is_written() {
        let prefix: FingerprintPrefix = "0011223344556677".parse().unwrap();
        assert_eq!(prefix.bytes(), &[0, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77]);
        assert_eq!(prefix.to_string(), "0011223344556677");
        for text in ["", "00112233445566", "001122334455667g", "+011223344556677"] {
            assert_eq!(text.parse::<FingerprintPrefix>(), Err(FingerprintPrefixError), "{text}");
        }
    }

    #[test]
    fn written_and_read_again_it_is_the_same() {
        let pin = Pin::of_digest(std::array::from_fn(|i| i as u8 * 7));
        let text = pin.to_string();
        assert_eq!((text.len(), text.parse()), (43, Ok(pin)));
    }

    #[test]
    fn what_is_no_sha_256_is_refused() {
        for text in ["", "abc", &"A".repeat(42), &"A".repeat(44), &"+".repeat(43)] {
            assert_eq!(text.parse::<Pin>(), Err(PinError), "{text}");
        }
    }
}
