//! Where the broker is and how to be let in.
//!
//! Owns the broker URL. Deliberately opens nothing: that is `mqtt`'s work.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;

use percent_encoding::percent_decode_str;
use porchlight_core::id::{Root, RootError};
use porchlight_core::team::{Address, AddressError, MAX_ADDRESSES, Pin};
use url::{Host, Url};

use crate::membership::Kept;

/// Where brokers that offer MQTT over WebSocket expect it.
const WEB_SOCKET_PATH: &str = "/mqtt";

/// A broker: where it is, how it is spoken to, and whom it is believed to be.
#[derive(Clone, PartialEq, Eq)]
pub struct Broker {
    /// Where it can be reached, the likeliest first; never empty.
    at: Vec<Address>,
    /// The path of the request, where MQTT goes over WebSocket.
    pub web_socket: Option<String>,
    /// How to speak TLS, where it is spoken.
    pub tls: Option<Tls>,
    /// What every topic begins with.
    pub root: Root,
    /// User Name and Password of the CONNECT.
    pub login: Option<Login>,
    /// The state folder of the membership that this is the broker of, where it is one's.
    pub(crate) membership: Option<PathBuf>,
}

/// Whom to believe over TLS, and how to prove who we are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tls {
    /// Whose certificates are believed.
    pub trust: Trust,
    /// Our own certificate, where the broker wants one.
    pub certificate: Option<ClientCertificate>,
}

/// Whose certificates are believed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Trust {
    /// The authorities that this system trusts.
    #[default]
    System,
    /// The authorities in this file (PEM).
    Authorities(PathBuf),
    /// This one certificate, whatever name or date stands in it.
    Pinned(Pin),
}

/// A certificate that says who we are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientCertificate {
    /// The file of the certificate and its chain (PEM).
    pub certificate: PathBuf,
    /// The file of its key (PEM), which may be the same.
    pub key: PathBuf,
}

/// User Name and Password of the CONNECT.
#[derive(Clone, PartialEq, Eq)]
pub struct Login {
    /// User Name.
    pub username: String,
    /// Password.
    pub password: Password,
}

/// The password, or where it is kept.
#[derive(Clone, PartialEq, Eq)]
pub enum Password {
    /// It was said.
    Said(String),
    /// It is asked for when it is needed.
    Kept(Arc<Kept>),
}

/// Why a text is no broker URL.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BrokerError {
    /// Not a URL at all.
    #[error("not a URL ({0}); write mqtt://host:port or mqtts://host:port")]
    Url(String),
    /// Another scheme than those spoken.
    #[error(
        "the scheme {0}: is not spoken here; write mqtt://host:port, mqtts:// for TLS, ws:// or wss:// for WebSocket"
    )]
    Scheme(String),
    /// No host in it.
    #[error("no host in it; write mqtt://host:port")]
    Host,
    /// A host or port that can't be.
    #[error(transparent)]
    Address(#[from] AddressError),
    /// The path is no root.
    #[error("its path is the root of the topics: {0}")]
    Root(#[from] RootError),
    /// A query or a fragment.
    #[error("it ends with the path; write mqtt://host:port/presence/organisation at most")]
    Trailing,
    /// Something else behind the question mark than the path of the WebSocket.
    #[error(
        "behind ? only the path of the WebSocket may stand: ws://host:port/presence?path=/mqtt"
    )]
    WebSocketPath,
}

impl FromStr for Broker {
    type Err = BrokerError;

    fn from_str(text: &str) -> Result<Self, BrokerError> {
        let url = Url::parse(text.trim()).map_err(|error| BrokerError::Url(error.to_string()))?;
        let (web_socket, tls, port) = match url.scheme() {
            "mqtt" | "tcp" => (false, false, 1883),
            "mqtts" | "ssl" => (false, true, 8883),
            "ws" => (true, false, 80),
            "wss" => (true, true, 443),
            other => return Err(BrokerError::Scheme(other.to_owned())),
        };
        if url.fragment().is_some() || (!web_socket && url.query().is_some()) {
            return Err(BrokerError::Trailing);
        }
        let host = match url.host() {
            None | Some(Host::Domain("")) => return Err(BrokerError::Host),
            Some(host) => host.to_string(),
        };
        let address = Address::new(&host, url.port().unwrap_or(port))?;
        let path = decode(url.path().trim_matches('/'));
        let root = if path.is_empty() { Root::default() } else { Root::parse(&path)? };
        let login = (!url.username().is_empty()).then(|| Login {
            username: decode(url.username()),
            password: Password::Said(decode(url.password().unwrap_or_default())),
        });
        Ok(Self {
            at: vec![address],
            web_socket: web_socket.then(|| web_socket_path(&url)).transpose()?,
            tls: tls.then(Tls::default),
            root,
            login,
            membership: None,
        })
    }
}

/// The path of the URL is the root of the topics, so that of the WebSocket stands behind the question mark.
fn web_socket_path(url: &Url) -> Result<String, BrokerError> {
    let mut path = None;
    for (key, value) in url.query_pairs() {
        if key != "path" || !value.starts_with('/') || path.is_some() {
            return Err(BrokerError::WebSocketPath);
        }
        path = Some(value.into_owned());
    }
    Ok(path.unwrap_or_else(|| WEB_SOCKET_PATH.to_owned()))
}

fn decode(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

impl Broker {
    /// A team's hub, which is known by its certificate and by nothing else.
    pub(crate) fn pinned(at: Vec<Address>, pin: Pin, root: Root, login: Login) -> Self {
        let tls = Some(Tls { trust: Trust::Pinned(pin), certificate: None });
        Self { at, web_socket: None, tls, root, login: Some(login), membership: None }
    }

    /// Where it can be reached, the likeliest first.
    #[must_use]
    pub fn addresses(&self) -> &[Address] {
        &self.at
    }

    /// Tries this address first.
    pub fn prefer(&mut self, address: Address) {
        self.at.retain(|known| *known != address);
        self.at.insert(0, address);
        self.at.truncate(MAX_ADDRESSES);
    }

    /// It can be reached there, and at the address that is in use now, which is tried first where it is among them
    /// and last where it is not.
    pub(crate) fn found_at(&mut self, at: &[Address], in_use: &Address) {
        let mut found = at.to_vec();
        found.truncate(MAX_ADDRESSES - 1);
        match found.iter().position(|address| address == in_use) {
            Some(position) => found[..=position].rotate_right(1),
            None => found.push(in_use.clone()),
        }
        self.at = found;
    }

    /// The address, or the likeliest of several.
    #[must_use]
    pub fn address(&self) -> &Address {
        self.at.first().expect("a broker has an address")
    }

    fn scheme(&self) -> &'static str {
        match (&self.web_socket, &self.tls) {
            (None, None) => "mqtt",
            (None, Some(_)) => "mqtts",
            (Some(_), None) => "ws",
            (Some(_), Some(_)) => "wss",
        }
    }

    /// The URL of the WebSocket at one of the addresses, where it is one.
    pub(crate) fn web_socket_url(&self, address: &Address) -> Option<String> {
        let path = self.web_socket.as_deref()?;
        let mut url = Url::parse(&format!("{}://{address}", self.scheme())).ok()?;
        url.set_path(path);
        Some(url.into())
    }
}

impl fmt::Display for Broker {
    /// The URL without user name and password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}/{}", self.scheme(), self.address(), self.root)?;
        match self.web_socket.as_deref() {
            None | Some(WEB_SOCKET_PATH) => Ok(()),
            Some(path) => write!(f, "?path={path}"),
        }
    }
}

impl fmt::Debug for Broker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Broker({self})")
    }
}

impl fmt::Debug for Password {
    /// Says nothing of it: passwords do not belong in logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(…)")
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
        assert_eq!(it.address().to_string(), "broker.example:8884");
        assert_eq!((it.tls, it.web_socket), (Some(Tls::default()), None));
        assert_eq!(it.root.as_str(), "presence/acme");
        let login = it.login.unwrap();
        assert_eq!(login.username, "bob@acme");
        assert_eq!(login.password, Password::Said("p/w".to_owned()));
    }

    #[test]
    fn what_is_left_out_has_a_default() {
        let it = broker("mqtt://localhost");
        assert_eq!((it.address().port(), &it.root, &it.login), (1883, &Root::default(), &None));
        for (text, address) in [
            ("mqtts://localhost/", "localhost:8883"),
            ("ws://localhost", "localhost:80"),
            ("wss://localhost", "localhost:443"),
            ("mqtt://[::1]:1884", "[::1]:1884"),
            ("mqtts://[::1]", "[::1]:8883"),
        ] {
            assert_eq!(broker(text).address().to_string(), address, "{text}");
        }
    }

    #[test]
    fn the_path_of_a_web_socket_stands_behind_the_root() {
        for (text, url) in [
            ("ws://h", "ws://h/mqtt"),
            ("ws://h:8080/presence/acme", "ws://h:8080/mqtt"),
            ("wss://h/presence?path=/ws/mqtt", "wss://h/ws/mqtt"),
            ("wss://[::1]:9001?path=/", "wss://[::1]:9001/"),
            ("ws://h?path=/a%20b", "ws://h/a%20b"),
        ] {
            let it = broker(text);
            assert_eq!(it.web_socket_url(it.address()).unwrap(), url, "{text}");
            assert_eq!(broker(&it.to_string()), it, "{text}");
        }
        assert_eq!(broker("mqtt://h").web_socket_url(broker("mqtt://h").address()), None);
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (text, part) in [
            ("localhost:1883", "scheme"),
            ("localhost", "not a URL"),
            ("http://localhost", "scheme http:"),
            ("mqtt://", "host"),
            ("mqtt://localhost:0", "host:port"),
            ("mqtt://localhost/other", "presence"),
            ("mqtt://localhost/presence/a/b", "organisation"),
            ("mqtt://localhost/presence?path=/mqtt", "ends with the path"),
            ("ws://localhost/presence?x=1", "?path=/mqtt"),
            ("ws://localhost/presence?path=mqtt", "?path=/mqtt"),
            ("ws://localhost/presence?path=/a&path=/b", "?path=/mqtt"),
        ] {
            let error = text.parse::<Broker>().unwrap_err().to_string();
            assert!(error.contains(part), "{text}: {error}");
        }
    }

    #[test]
    fn the_address_in_use_stays_first_where_the_hub_knows_it_and_last_where_not() {
        let addresses = |text: &str| -> Vec<Address> {
            text.split(' ').map(|address| address.parse().unwrap()).collect()
        };
        for (at, in_use, order) in [
            ("a b c", "b", "b a c"),
            ("a b c", "a", "a b c"),
            ("a b c", "x", "a b c x"),
            ("a b c d e f g h", "x", "a b c d e f g x"),
        ] {
            let mut it = broker("mqtts://old");
            it.found_at(&addresses(at), &addresses(in_use)[0]);
            assert_eq!(it.addresses(), addresses(order), "{at} {in_use}");
        }
        let mut it = broker("mqtts://a:1");
        it.prefer("b:1".parse().unwrap());
        it.prefer("a:1".parse().unwrap());
        assert_eq!(it.addresses(), addresses("a:1 b:1"));
    }

    #[test]
    fn a_password_is_never_printed() {
        let it = broker("mqtt://alice:secret@localhost");
        let printed = format!("{it} {it:?} {:?}", it.login);
        assert!(!printed.contains("secret"), "{printed}");
    }
}
