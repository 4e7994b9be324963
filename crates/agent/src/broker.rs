//! The broker: where it is and how to log in.
//!
//! `url` parses a broker URL. This module opens no connection, which `mqtt` does.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use ::url::Url;
use porchlight_core::id::Root;
use porchlight_core::team::{Address, MAX_ADDRESSES, Pin};

use crate::proxy::Proxy;
use crate::stored_secret::StoredSecret;

mod url;

pub use url::BrokerError;

/// The usual path of MQTT over WebSocket.
const WEB_SOCKET_PATH: &str = "/mqtt";

/// A broker: its addresses, its protocol, and the certificate to trust.
#[derive(Clone, PartialEq, Eq)]
pub struct Broker {
    /// Its addresses, the likeliest first; never empty.
    at: Vec<Address>,
    /// The path of the WebSocket request; `None` without WebSocket.
    pub web_socket: Option<String>,
    /// The TLS settings; `None` without TLS.
    pub tls: Option<Tls>,
    /// The root of all topics.
    pub root: Root,
    /// User Name and Password for the CONNECT.
    pub login: Option<Login>,
    /// The proxy that leads there, if one is used.
    pub proxy: Proxy,
    /// The state folder of the membership, if this is the hub of a joined team.
    pub(crate) membership: Option<PathBuf>,
}

/// Which certificates to trust, and our own certificate.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tls {
    /// Which certificates to trust.
    pub trust: Trust,
    /// Our own certificate, if the broker asks for one.
    pub certificate: Option<ClientCertificate>,
}

/// Which certificates to trust.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Trust {
    /// Those signed by the system's authorities.
    #[default]
    System,
    /// Those signed by the authorities in this file (PEM).
    Authorities(PathBuf),
    /// Only this one, whatever name or date it contains.
    Pinned(Pin),
}

/// Our own certificate for TLS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientCertificate {
    /// The file with the certificate and its chain (PEM).
    pub certificate: PathBuf,
    /// The file with its key (PEM), which may be the same.
    pub key: PathBuf,
}

/// User Name and Password for the CONNECT.
#[derive(Clone, PartialEq, Eq)]
pub struct Login {
    /// User Name; empty if there is none.
    pub username: String,
    /// Password.
    pub password: Password,
}

/// The password, or where it is stored.
#[derive(Clone, PartialEq, Eq)]
pub enum Password {
    /// The password itself.
    Plain(String),
    /// The stored secret that contains it, which is read when it is needed.
    Stored(Arc<StoredSecret>),
}

/// Why User Name and Password can't be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LoginError {
    /// A text must not contain U+0000 (MQTT 5, section 1.5.4).
    #[error("the user name contains the character U+0000, which MQTT does not allow; remove it")]
    Zero,
    /// MQTT encodes their length in two bytes.
    #[error(
        "the user name or password is longer than 65,535 bytes, which MQTT does not allow; shorten it"
    )]
    TooLong,
}

impl Login {
    /// Creates a login; `None` if both are empty. A password alone works only with MQTT 5.
    ///
    /// # Errors
    ///
    /// * [`LoginError::Zero`] if the user name contains U+0000;
    /// * [`LoginError::TooLong`] if either is longer than 65,535 bytes.
    pub fn new(username: String, password: String) -> Result<Option<Self>, LoginError> {
        if username.contains('\0') {
            return Err(LoginError::Zero);
        }
        if username.len().max(password.len()) > usize::from(u16::MAX) {
            return Err(LoginError::TooLong);
        }
        if username.is_empty() && password.is_empty() {
            return Ok(None);
        }
        Ok(Some(Self { username, password: Password::Plain(password) }))
    }

    /// Whether there is no user name. MQTT 3.1.1 can't carry a password alone ([MQTT-3.1.2-22]).
    #[must_use]
    pub fn is_password_alone(&self) -> bool {
        self.username.is_empty()
    }
}

impl Broker {
    /// A team's hub, which is identified only by its certificate.
    pub(crate) fn pinned(at: Vec<Address>, pin: Pin, root: Root, login: Login) -> Self {
        let tls = Some(Tls { trust: Trust::Pinned(pin), certificate: None });
        Self {
            at,
            web_socket: None,
            tls,
            root,
            login: Some(login),
            proxy: Proxy::default(),
            membership: None,
        }
    }

    /// Its addresses, the likeliest first.
    #[must_use]
    pub fn addresses(&self) -> &[Address] {
        &self.at
    }

    /// Tries this address first from now on.
    pub fn prefer(&mut self, address: Address) {
        self.at.retain(|known| *known != address);
        self.at.insert(0, address);
        self.at.truncate(MAX_ADDRESSES);
    }

    /// Takes the hub's new addresses. Keeps the address in use: first if the hub lists it, else
    /// last.
    ///
    /// Only a hub that is identified by its certificate is trusted with this. At any other broker,
    /// a client that can write the topic could redirect user name and password to another server.
    pub(crate) fn found_at(&mut self, at: &[Address], in_use: &Address) {
        if !matches!(self.tls, Some(Tls { trust: Trust::Pinned(_), .. })) {
            return;
        }
        let mut found = at.to_vec();
        found.truncate(MAX_ADDRESSES - 1);
        match found.iter().position(|address| address == in_use) {
            Some(position) => found[..=position].rotate_right(1),
            None => found.push(in_use.clone()),
        }
        self.at = found;
    }

    /// The likeliest address.
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

    /// The URL of the WebSocket at `address`; `None` without WebSocket.
    pub(crate) fn web_socket_url(&self, address: &Address) -> Option<String> {
        let path = self.web_socket.as_deref()?;
        let mut url = Url::parse(&format!("{}://{address}", self.scheme())).ok()?;
        // The library encodes what can't be in a path, but takes `%` for the start of an encoded
        // byte.
        url.set_path(&path.replace('%', "%25"));
        Some(url.into())
    }
}

impl fmt::Display for Broker {
    /// Prints the URL without user name and password. It parses as the same broker.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let root = url::encode(self.root.as_str());
        write!(f, "{}://{}/{root}", self.scheme(), self.address())?;
        match self.web_socket.as_deref() {
            None | Some(WEB_SOCKET_PATH) => Ok(()),
            Some(path) => write!(f, "?path={}", url::encode(path)),
        }
    }
}

impl fmt::Debug for Broker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Broker({self})")
    }
}

impl fmt::Debug for Password {
    /// Prints nothing of it: passwords do not belong in logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(…)")
    }
}

impl fmt::Debug for Login {
    /// Prints nothing of it: some brokers use a secret token as the user name.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Login(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn broker(text: &str) -> Broker {
        text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    fn pinned(at: &str) -> Broker {
        let login = Login::new("a".to_owned(), "b".to_owned()).unwrap().unwrap();
        let at = vec![at.parse().unwrap()];
        Broker::pinned(at, Pin::of_digest([7; 32]), Root::default(), login)
    }

    #[test]
    fn a_topic_can_not_redirect_the_login_to_another_server() {
        let mallory = ["mallory.example:8883".parse().unwrap()];
        for url in ["mqtt://a:b@h", "mqtts://a:b@h", "ws://a:b@h", "wss://a:b@h", "mqtts://h"] {
            let mut it = broker(url);
            let before = it.addresses().to_vec();
            it.found_at(&mallory, &before[0]);
            assert_eq!(it.addresses(), before, "{url}");
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
            let mut it = pinned("old");
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
        for url in ["mqtt://alice:secret@localhost", "mqtt://:secret@h", "mqtt://secret@h"] {
            let it = broker(url);
            let printed = format!("{it} {it:?} {:?}", it.login);
            assert!(!printed.contains("secret"), "{printed}");
        }
    }
}
