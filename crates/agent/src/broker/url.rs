//! Reads a broker URL.
//!
//! Owns that nothing in it is guessed, and that no error repeats a password: what cannot be read exactly as it was
//! written is refused, with the way to write it.

use std::str::FromStr;

use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, percent_encode};
use porchlight_core::id::{Root, RootError};
use porchlight_core::team::{Address, AddressError};
use porchlight_core::text::is_deceptive;
use url::{Host, ParseError, Url};

use super::{Broker, Login, LoginError, Tls, WEB_SOCKET_PATH};

/// Why a text is no broker URL. Its words have nothing of user name or password in them.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BrokerError {
    /// Not a URL at all.
    #[error("this is not a URL; write mqtt://host:port or mqtts://host:port")]
    Url,
    /// It does not begin with a scheme.
    #[error(
        "this is not a URL, because it has no scheme; write mqtt://host:port or mqtts://host:port"
    )]
    NoScheme,
    /// Another scheme than those spoken.
    #[error(
        "the scheme {0}: is not supported; write mqtt://host:port, mqtts:// for TLS, ws:// or wss:// for WebSocket"
    )]
    Scheme(String),
    /// No host in it.
    #[error("the URL has no host; write mqtt://host:port")]
    Host,
    /// A host that is neither a name nor an address.
    #[error("the host in the URL is neither a name nor an IP address; write mqtt://host:port")]
    HostName,
    /// A port that can't be.
    #[error("the port in the URL is not a number from 1 to 65535; write mqtt://host:port")]
    Port,
    /// A host or port that can't be.
    #[error(transparent)]
    Address(#[from] AddressError),
    /// The path is no root.
    #[error("the path of the URL, which is the root of the topics, is wrong: {0}")]
    Root(#[from] RootError),
    /// A query or a fragment.
    #[error(
        "the URL has something after its path; write mqtt://host:port/presence/organisation at most"
    )]
    Trailing,
    /// Something else behind the question mark than the path of the WebSocket.
    #[error(
        "after ? only the path of the WebSocket is allowed: ws://host:port/presence?path=/mqtt"
    )]
    WebSocketPath,
    /// User name or password have characters that mean something else there.
    #[error(
        "the user name or password has a character that means something else in a URL; write / as %2F, ? as %3F, # as %23, \\ as %5C, or put them in broker.username and broker.password of the config"
    )]
    Unencoded,
    /// A percent sign without two hexadecimal digits.
    #[error("the URL contains a single %; write it as %25")]
    Percent,
    /// Bytes that are no text.
    #[error("the %XX in the URL are not UTF-8; write é as %C3%A9, for example, not as %E9")]
    NotUtf8,
    /// A tab, a line break or the like.
    #[error("the URL contains a tab, a line break or another control character; remove it")]
    Control,
    /// A user name or password that MQTT has no room for.
    #[error(transparent)]
    Login(#[from] LoginError),
}

impl FromStr for Broker {
    type Err = BrokerError;

    fn from_str(text: &str) -> Result<Self, BrokerError> {
        let text = text.trim();
        let (_, rest) = text.split_once("://").ok_or(BrokerError::NoScheme)?;
        // The first of these ends what can be user name, password and host.
        let end = rest.find(['/', '?', '#', '\\']).unwrap_or(rest.len());
        let cut_off = rest[end..].contains('@');
        read(text).map_err(|error| match error {
            // Host and port may be the beginning of a password: naming them would print it.
            BrokerError::Scheme(_) | BrokerError::Percent | BrokerError::Control => error,
            _ if cut_off => BrokerError::Unencoded,
            error => error,
        })
    }
}

fn read(text: &str) -> Result<Broker, BrokerError> {
    // The library drops tabs and line breaks without a word.
    if text.contains(char::is_control) {
        return Err(BrokerError::Control);
    }
    let hex = |digit: Option<&u8>| digit.is_some_and(u8::is_ascii_hexdigit);
    let bytes = text.as_bytes();
    let is_alone = |at: usize| !hex(bytes.get(at + 1)) || !hex(bytes.get(at + 2));
    if (0..bytes.len()).any(|at| bytes[at] == b'%' && is_alone(at)) {
        return Err(BrokerError::Percent);
    }
    let url = Url::parse(text).map_err(from_library)?;
    if !text.get(url.scheme().len()..).is_some_and(|rest| rest.starts_with("://")) {
        return Err(BrokerError::NoScheme);
    }
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
    let address = Address::new(&host(&url)?, url.port().unwrap_or(port))?;
    let path = decode(url.path().trim_matches('/'))?;
    let root = if path.is_empty() { Root::default() } else { Root::parse(&path)? };
    let login = Login::new(decode(url.username())?, decode(url.password().unwrap_or_default())?)?;
    Ok(Broker {
        at: vec![address],
        web_socket: web_socket.then(|| web_socket_path(&url)).transpose()?,
        tls: tls.then(Tls::default),
        root,
        login,
        membership: None,
    })
}

/// The host as DNS knows it: `müller.example` is `xn--mller-kva.example` (IDNA, UTS 46).
fn host(url: &Url) -> Result<String, BrokerError> {
    match url.host() {
        None | Some(Host::Domain("")) => Err(BrokerError::Host),
        // The library leaves letters beyond ASCII encoded where it does not know the scheme.
        Some(Host::Domain(name)) if name.contains('%') => {
            Host::parse(name).map(|host| host.to_string()).map_err(|_| BrokerError::HostName)
        }
        Some(host) => Ok(host.to_string()),
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

fn decode(text: &str) -> Result<String, BrokerError> {
    let text = percent_decode_str(text).decode_utf8().map_err(|_| BrokerError::NotUtf8)?;
    Ok(text.into_owned())
}

/// Text as a part of a URL that is read as this text: letters of all languages stay as they are, and what would end the
/// part, be taken for something else or deceive a reader is encoded.
pub(super) fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_whitespace() || is_deceptive(c) || r"%?#\&+".contains(c) {
            encoded.extend(percent_encode(c.encode_utf8(&mut [0; 4]).as_bytes(), NON_ALPHANUMERIC));
        } else {
            encoded.push(c);
        }
    }
    encoded
}

fn from_library(error: ParseError) -> BrokerError {
    match error {
        ParseError::EmptyHost => BrokerError::Host,
        ParseError::InvalidPort => BrokerError::Port,
        ParseError::RelativeUrlWithoutBase => BrokerError::NoScheme,
        ParseError::IdnaError
        | ParseError::InvalidIpv4Address
        | ParseError::InvalidIpv6Address
        | ParseError::InvalidDomainCharacter => BrokerError::HostName,
        _ => BrokerError::Url,
    }
}

#[cfg(test)]
mod tests;
