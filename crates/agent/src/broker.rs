//! Where the broker is and how to be let in.
//!
//! `url` reads a broker URL. Deliberately opens nothing: that is `mqtt`'s work.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use ::url::Url;
use porchlight_core::id::Root;
use porchlight_core::team::{Address, MAX_ADDRESSES, Pin};

use crate::stored_secret::StoredSecret;

mod url;

pub use url::BrokerError;

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
    /// User Name; empty where there is none.
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
    Kept(Arc<StoredSecret>),
}

/// Why User Name and Password can't be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LoginError {
    /// MQTT 5, section 1.5.4: a text has no U+0000.
    #[error("the user name contains the character U+0000, which MQTT does not allow; remove it")]
    Zero,
    /// Their length goes over the wire in two bytes.
    #[error(
        "the user name or password is longer than 65,535 bytes, which MQTT does not allow; shorten it"
    )]
    TooLong,
}

impl Login {
    /// What is said to the broker; none where both are empty. A password alone is for MQTT 5 only.
    ///
    /// # Errors
    /// Where MQTT can't carry it.
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
        Ok(Some(Self { username, password: Password::Said(password) }))
    }

    /// Whether it is a password without a user name, which MQTT 3.1.1 can't carry ([MQTT-3.1.2-22]).
    #[must_use]
    pub fn is_password_alone(&self) -> bool {
        self.username.is_empty()
    }
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

    /// The hub says that it can be reached there. The address in use is kept: first where it is among them, else last.
    ///
    /// Only a hub that is known by its certificate is believed. At any other broker, a client that can write the topic
    /// would decide to which server user name and password go.
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
        // The library encodes what can't be in a path, but takes a percent sign for the beginning of what is encoded.
        url.set_path(&path.replace('%', "%25"));
        Some(url.into())
    }
}

impl fmt::Display for Broker {
    /// The URL without user name and password, which is read as the same broker.
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
    /// Says nothing of it: passwords do not belong in logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(…)")
    }
}

impl fmt::Debug for Login {
    /// Says nothing of it: some brokers take a secret token as the user name.
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
    fn what_a_topic_says_moves_no_login_to_another_server() {
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
