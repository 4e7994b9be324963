//! Which web page asks, and which server it means: origins (RFC 6454) and the field Host (RFC 9110, section 7.2).
//!
//! Owns reading and comparing them. It does not decide who may ask: each listener does.

use crate::team::Address;
use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;

/// How a server is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// Without TLS.
    Http,
    /// Over TLS.
    Https,
}

impl Scheme {
    const ALL: [Self; 2] = [Self::Http, Self::Https];

    const fn name(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }

    /// The port of an address that names none.
    const fn port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
        }
    }
}

/// The host, and perhaps the port, by which a request names its server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authority {
    /// In small letters. An IPv6 address has no brackets, and one way to be written.
    host: Box<str>,
    port: Option<u16>,
}

/// A text names no host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is no host, or no host:port")]
pub struct AuthorityError;

impl Authority {
    /// Whether only this computer itself has this name: a loopback address, or `localhost`.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        &*self.host == "localhost"
            || self.host.parse::<IpAddr>().is_ok_and(|ip| ip.to_canonical().is_loopback())
    }
}

impl FromStr for Authority {
    type Err = AuthorityError;

    fn from_str(text: &str) -> Result<Self, AuthorityError> {
        let (host, rest) = match text.strip_prefix('[') {
            Some(inside) => inside.split_once(']').ok_or(AuthorityError)?,
            None => text.split_at(text.find(':').unwrap_or(text.len())),
        };
        let host: Box<str> = if text.starts_with('[') {
            host.parse::<Ipv6Addr>().map_err(|_| AuthorityError)?.to_string().into()
        } else {
            // The port has nothing to do with which names there are.
            let named = Address::new(host, 1).map_err(|_| AuthorityError)?;
            named.host().into()
        };
        let port = match rest.strip_prefix(':') {
            // A number may have a sign, and a port has none.
            Some(port) if port.bytes().all(|byte| byte.is_ascii_digit()) => {
                Some(port.parse().map_err(|_| AuthorityError)?)
            }
            None if rest.is_empty() => None,
            Some(_) | None => return Err(AuthorityError),
        };
        Ok(Self { host, port })
    }
}

/// The origin of a web page: `https://board.example`, `http://localhost:3000`.
///
/// ```
/// # use porchlight_core::web_origin::WebOrigin;
/// let origin: WebOrigin = "HTTPS://Board.example:443".parse().unwrap();
/// assert_eq!(origin.to_string(), "https://board.example");
/// assert!("https://board.example/page".parse::<WebOrigin>().is_err());
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct WebOrigin {
    scheme: Scheme,
    host: Box<str>,
    port: u16,
}

/// A text is no origin.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is no origin of web pages; write http:// or https://, a host and perhaps a port, and nothing behind them: \
     \"https://board.example\", \"http://localhost:3000\""
)]
pub struct WebOriginError(String);

impl WebOrigin {
    /// The origin of the pages of a server that is spoken to like this.
    #[must_use]
    pub fn of(scheme: Scheme, server: &Authority) -> Self {
        let port = server.port.unwrap_or_else(|| scheme.port());
        Self { scheme, host: server.host.clone(), port }
    }

    /// Whether this server is that of the origin's pages.
    #[must_use]
    pub fn is_at(&self, server: &Authority) -> bool {
        *self == Self::of(self.scheme, server)
    }
}

impl FromStr for WebOrigin {
    type Err = WebOriginError;

    fn from_str(text: &str) -> Result<Self, WebOriginError> {
        let wrong = || WebOriginError(text.chars().take(80).collect());
        let (scheme, server) = text.split_once("://").ok_or_else(wrong)?;
        let scheme = Scheme::ALL.into_iter().find(|it| it.name().eq_ignore_ascii_case(scheme));
        let server: Authority = server.parse().map_err(|_| wrong())?;
        if server.port == Some(0) {
            return Err(wrong());
        }
        Ok(Self::of(scheme.ok_or_else(wrong)?, &server))
    }
}

impl fmt::Display for WebOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { scheme, host, port } = self;
        f.write_str(scheme.name())?;
        if host.contains(':') {
            write!(f, "://[{host}]")?;
        } else {
            write!(f, "://{host}")?;
        }
        if *port == scheme.port() { Ok(()) } else { write!(f, ":{port}") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_has_one_way_to_be_written() {
        for (text, written) in [
            ("https://board.example", "https://board.example"),
            ("HTTPS://Board.Example:443", "https://board.example"),
            ("http://board.example:443", "http://board.example:443"),
            ("http://localhost:3000", "http://localhost:3000"),
            ("http://127.0.0.1:080", "http://127.0.0.1"),
            ("http://[0:0::1]:8080", "http://[::1]:8080"),
        ] {
            let origin: WebOrigin = text.parse().unwrap();
            assert_eq!(origin.to_string(), written, "{text}");
            assert_eq!(written.parse(), Ok(origin), "{text}");
        }
    }

    #[test]
    fn what_is_no_origin_is_refused_in_words() {
        for text in [
            "",
            "*",
            "null",
            "board.example",
            "//board.example",
            "https://",
            "https:board.example",
            "https://board.example/",
            "https://board.example/page",
            "https://board.example?x",
            "https://board.example#x",
            "https://board.example:0",
            "https://board.example:",
            "https://board.example:+443",
            "https://board.example:65536",
            "https://*.example",
            "https://user@board.example",
            "https://user:password@board.example",
            "https://board.example https://other.example",
            "https://::1",
            "https://[::1",
            "https://[::1]x",
            "https://300.1.1.1",
            "https://müller.example",
            "file:///",
            "ftp://board.example",
            "mqtt://board.example",
            " https://board.example",
            "https://board.example\n",
        ] {
            let error = text.parse::<WebOrigin>().unwrap_err().to_string();
            assert!(error.contains("https://board.example"), "{text}: {error}");
        }
    }

    #[test]
    fn only_this_computer_has_a_loopback_name() {
        for (text, loopback) in [
            ("localhost", true),
            ("LOCALHOST:9", true),
            ("127.0.0.1:18830", true),
            ("127.8.8.8", true),
            ("[::1]:1", true),
            ("[::ffff:127.0.0.1]", true),
            ("0.0.0.0", false),
            ("[::]", false),
            ("192.168.1.5", false),
            ("hub", false),
            ("localhost.example", false),
            ("x.localhost", false),
            ("127.0.0.1.example", false),
        ] {
            assert_eq!(text.parse::<Authority>().unwrap().is_loopback(), loopback, "{text}");
        }
        for nonsense in
            ["", ":9", "a b", "a@b", "a/b", "localhost:x", "127.1", "[127.0.0.1]", "::1"]
        {
            assert_eq!(nonsense.parse::<Authority>(), Err(AuthorityError), "{nonsense}");
        }
    }

    #[test]
    fn a_server_is_an_origin_s_by_scheme_host_and_port() {
        let origin: WebOrigin = "https://board.example".parse().unwrap();
        let at = |server: &str| origin.is_at(&server.parse().unwrap());
        assert!(at("board.example") && at("Board.example:443"));
        assert!(!at("board.example:80") && !at("www.board.example"));
        let server = "board.example".parse().unwrap();
        assert_ne!(WebOrigin::of(Scheme::Http, &server), origin);
    }
}
