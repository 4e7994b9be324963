//! Where the broker is and how to be let in.
//!
//! Owns the broker URL. Deliberately opens nothing: that is `mqtt`'s work.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use percent_encoding::percent_decode_str;
use porchlight_core::id::{Root, RootError};
use url::{Host, Url};

/// A broker: `mqtt://` or `mqtts://`, with user name and password, host, port, and the root of the topics as
/// its path.
#[derive(Clone, PartialEq, Eq)]
pub struct Broker {
    /// Host name or address.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// Whether to speak TLS.
    pub tls: bool,
    /// What every topic begins with.
    pub root: Root,
    /// User Name and Password of the CONNECT.
    pub login: Option<Login>,
    /// Certificates in PEM to trust instead of the system's.
    pub ca: Option<PathBuf>,
}

/// User Name and Password of the CONNECT.
#[derive(Clone, PartialEq, Eq)]
pub struct Login {
    /// User Name.
    pub username: String,
    /// Password.
    pub password: String,
}

/// Why a text is no broker URL.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BrokerError {
    /// Not a URL at all.
    #[error("not a URL ({0}); write mqtt://host:port or mqtts://host:port")]
    Url(String),
    /// Another scheme than the two.
    #[error(
        "the scheme {0}: is not spoken here; write mqtt://host:port, or mqtts://host:port for TLS"
    )]
    Scheme(String),
    /// No host in it.
    #[error("no host in it; write mqtt://host:port")]
    Host,
    /// An IPv6 address with TLS.
    #[error("TLS needs a host name or an IPv4 address")]
    TlsToIpv6,
    /// The path is no root.
    #[error("its path is the root of the topics: {0}")]
    Root(#[from] RootError),
    /// A query or a fragment.
    #[error("it ends with the path; write mqtt://host:port/presence/organisation at most")]
    Trailing,
}

impl FromStr for Broker {
    type Err = BrokerError;

    fn from_str(text: &str) -> Result<Self, BrokerError> {
        let url = Url::parse(text.trim()).map_err(|error| BrokerError::Url(error.to_string()))?;
        let tls = match url.scheme() {
            "mqtt" | "tcp" => false,
            "mqtts" | "ssl" => true,
            other => return Err(BrokerError::Scheme(other.to_owned())),
        };
        if url.query().is_some() || url.fragment().is_some() {
            return Err(BrokerError::Trailing);
        }
        let host = match url.host() {
            None => return Err(BrokerError::Host),
            Some(Host::Domain("")) => return Err(BrokerError::Host),
            Some(Host::Ipv6(_)) if tls => return Err(BrokerError::TlsToIpv6),
            Some(host) => host.to_string(),
        };
        let path = decode(url.path().trim_matches('/'));
        let root = if path.is_empty() { Root::default() } else { Root::parse(&path)? };
        let login = (!url.username().is_empty()).then(|| Login {
            username: decode(url.username()),
            password: decode(url.password().unwrap_or_default()),
        });
        let port = url.port().unwrap_or(if tls { 8883 } else { 1883 });
        Ok(Self { host, port, tls, root, login, ca: None })
    }
}

fn decode(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

impl Broker {
    /// Host and port, as told to people.
    #[must_use]
    pub fn address(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }
}

impl fmt::Display for Broker {
    /// The URL without user name and password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.tls { "mqtts" } else { "mqtt" };
        write!(f, "{scheme}://{}:{}/{}", self.host, self.port, self.root)
    }
}

impl fmt::Debug for Broker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Broker({self})")
    }
}

impl fmt::Debug for Login {
    /// Says who, never how: passwords do not belong in logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Login({})", self.username)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn broker(text: &str) -> Broker {
        text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    #[test]
    fn a_url_says_everything() {
        let it = broker("mqtts://bob%40acme:p%2Fw@broker.example:8884/presence/acme");
        assert_eq!((it.host.as_str(), it.port, it.tls), ("broker.example", 8884, true));
        assert_eq!(it.root.as_str(), "presence/acme");
        let login = it.login.unwrap();
        assert_eq!((login.username.as_str(), login.password.as_str()), ("bob@acme", "p/w"));
    }

    #[test]
    fn what_is_left_out_has_a_default() {
        let it = broker("mqtt://localhost");
        assert_eq!((it.port, it.root, it.login), (1883, Root::default(), None));
        assert_eq!(broker("mqtts://localhost/").port, 8883);
        assert_eq!(broker("mqtt://[::1]:1884").host, "[::1]");
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (text, part) in [
            ("localhost:1883", "scheme"),
            ("localhost", "not a URL"),
            ("http://localhost", "scheme http:"),
            ("mqtt://", "host"),
            ("mqtt://localhost/other", "presence"),
            ("mqtt://localhost/presence/a/b", "organisation"),
            ("mqtt://localhost/presence?x=1", "ends with the path"),
            ("mqtts://[::1]", "IPv4"),
        ] {
            let error = text.parse::<Broker>().unwrap_err().to_string();
            assert!(error.contains(part), "{text}: {error}");
        }
    }

    #[test]
    fn a_password_is_never_printed() {
        let it = broker("mqtt://alice:secret@localhost");
        let printed = format!("{it} {it:?} {:?}", it.login);
        assert!(!printed.contains("secret"), "{printed}");
    }
}
