//! The address of a hub.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::DEFAULT_PORT;

/// The longest host name (RFC 1035, section 2.3.4).
const MAX_HOST: usize = 253;

/// A host and a TCP port: `192.168.1.5:18831`, `[fe80::1]:18831`, `anna.local:18831`. The default
/// port is [`DEFAULT_PORT`].
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Address {
    host: Box<str>,
    port: u16,
}

/// The text is not an address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no address; write host:port")]
pub struct AddressError(String);

impl AddressError {
    /// Repeats the beginning of the text alone.
    pub(super) fn of(text: &str) -> Self {
        Self(text.chars().take(80).collect())
    }
}

impl Address {
    /// Creates an address from a name, an IPv4 address, or an IPv6 address with or without
    /// brackets.
    ///
    /// # Errors
    ///
    /// [`AddressError`] if the host is none of these, or the port is 0.
    pub fn new(host: &str, port: u16) -> Result<Self, AddressError> {
        let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        let host_ok = match bare {
            Some(bare) => bare.parse::<Ipv6Addr>().is_ok(),
            None => host.parse::<Ipv6Addr>().is_ok() || is_name(host),
        };
        if !host_ok || port == 0 {
            return Err(AddressError(format!("{host}:{port}")));
        }
        Ok(Self { host: bare.unwrap_or(host).to_ascii_lowercase().into(), port })
    }

    /// The host: a name, or an address without brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The TCP port, never 0.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }
}

/// Whether this is an IPv4 address or a host name (RFC 952, RFC 1123 section 2.1). Underscores are
/// allowed, because they occur.
fn is_name(host: &str) -> bool {
    let label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
            && !label.starts_with('-')
    };
    let name = host.strip_suffix('.').unwrap_or(host);
    // Digits and dots alone are an IPv4 address, or a mistake.
    let digits = name.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    name.len() <= MAX_HOST
        && name.split('.').all(label)
        && (!digits || name.parse::<Ipv4Addr>().is_ok())
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let wrong = || AddressError::of(text);
        let (host, port) = match text.rfind(':') {
            // The colons of an IPv6 address without brackets are its own.
            Some(at) if text.parse::<Ipv6Addr>().is_err() && !text.ends_with(']') => {
                (&text[..at], text[at + 1..].parse().map_err(|_| wrong())?)
            }
            _ => (text, DEFAULT_PORT),
        };
        Self::new(host, port).map_err(|_| wrong())
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

impl TryFrom<String> for Address {
    type Error = AddressError;

    fn try_from(text: String) -> Result<Self, AddressError> {
        text.parse()
    }
}

impl From<Address> for String {
    fn from(address: Address) -> Self {
        address.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        for (text, host, port) in [
            ("192.168.1.5:18831", "192.168.1.5", 18_831),
            ("Anna.local:1", "anna.local", 1),
            ("[fe80::1]:7", "fe80::1", 7),
            ("[fe80::1]", "fe80::1", DEFAULT_PORT),
            ("fe80::1", "fe80::1", DEFAULT_PORT),
            ("box", "box", DEFAULT_PORT),
        ] {
            let address: Address = text.parse().unwrap_or_else(|e| panic!("{text}: {e}"));
            assert_eq!((address.host(), address.port()), (host, port), "{text}");
            assert_eq!(address.to_string().parse(), Ok(address), "{text}");
        }
    }

    #[test]
    fn what_is_none_is_refused() {
        for text in [
            "",
            ":1",
            "a:0",
            "a:65536",
            "a:b",
            "a b:1",
            "a/b:1",
            "http://a:1",
            "[::1",
            "[a]:1",
            "1.2.3:4",
            "256.1.1.1:1",
            "-a:1",
            "a..b:1",
            "ä:1",
        ] {
            assert!(text.parse::<Address>().is_err(), "{text}");
        }
    }
}
