//! Parses a broker URL.
//!
//! Nothing in it is guessed, and no error repeats a password. What can't be read exactly as it was
//! written is refused, with the way to write it.

use std::str::FromStr;

use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, percent_encode};
use porchlight_core::id::{Root, RootError};
use porchlight_core::team::{Address, AddressError};
use porchlight_core::text::is_deceptive;
use url::{Host, ParseError, Url};

use super::{Broker, Login, LoginError, Tls, WEB_SOCKET_PATH};
use crate::proxy::Proxy;

/// Why a text is not a broker URL. The message never contains user name or password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BrokerError {
    /// It is not a URL.
    #[error("this is not a URL; write mqtt://host:port or mqtts://host:port")]
    Url,
    /// It has no scheme.
    #[error(
        "this is not a URL, because it has no scheme; write mqtt://host:port or mqtts://host:port"
    )]
    NoScheme,
    /// The scheme is not supported.
    #[error(
        "the scheme {0}: is not supported; write mqtt://host:port, mqtts:// for TLS, ws:// or wss:// for WebSocket"
    )]
    Scheme(String),
    /// It has no host.
    #[error("the URL has no host; write mqtt://host:port")]
    Host,
    /// The host is neither a name nor an address.
    #[error("the host in the URL is neither a name nor an IP address; write mqtt://host:port")]
    HostName,
    /// The port is not a valid number.
    #[error("the port in the URL is not a number from 1 to 65535; write mqtt://host:port")]
    Port,
    /// Host and port are not a valid address.
    #[error(transparent)]
    Address(#[from] AddressError),
    /// The path is not a valid root of topics.
    #[error("the path of the URL, which is the root of the topics, is wrong: {0}")]
    Root(#[from] RootError),
    /// It has a query or a fragment.
    #[error(
        "the URL has something after its path; write mqtt://host:port/presence/organisation at most"
    )]
    Trailing,
    /// The query has something else than the path of the WebSocket.
    #[error(
        "after ? only the path of the WebSocket is allowed: ws://host:port/presence?path=/mqtt"
    )]
    WebSocketPath,
    /// User name or password contain characters with another meaning in a URL.
    #[error(
        "the user name or password has a character that means something else in a URL; write / as %2F, ? as %3F, # as %23, \\ as %5C, or put them in broker.username and broker.password of the config"
    )]
    Unencoded,
    /// A percent sign is not followed by two hexadecimal digits.
    #[error("the URL contains a single %; write it as %25")]
    Percent,
    /// The decoded bytes are not UTF-8.
    #[error("the %XX in the URL are not UTF-8; write é as %C3%A9, for example, not as %E9")]
    NotUtf8,
    /// It contains a tab, a line break or another control character.
    #[error("the URL contains a tab, a line break or another control character; remove it")]
    Control,
    /// MQTT can't carry the user name or the password.
    #[error(transparent)]
    Login(#[from] LoginError),
}

impl FromStr for Broker {
    type Err = BrokerError;

    fn from_str(text: &str) -> Result<Self, BrokerError> {
        let text = text.trim();
        let (_, rest) = text.split_once("://").ok_or(BrokerError::NoScheme)?;
        // The first of these ends user name, password and host.
        let end = rest.find(['/', '?', '#', '\\']).unwrap_or(rest.len());
        let cut_off = rest[end..].contains('@');
        read(text).map_err(|error| match error {
            // What looks like host and port may be the start of a password, so it is not named.
            BrokerError::Scheme(_) | BrokerError::Percent | BrokerError::Control => error,
            _ if cut_off => BrokerError::Unencoded,
            error => error,
        })
    }
}

fn read(text: &str) -> Result<Broker, BrokerError> {
    // The library silently drops tabs and line breaks.
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
        proxy: Proxy::default(),
        membership: None,
    })
}

/// The host as DNS spells it: `müller.example` is `xn--mller-kva.example` (IDNA, UTS 46).
fn host(url: &Url) -> Result<String, BrokerError> {
    match url.host() {
        None | Some(Host::Domain("")) => Err(BrokerError::Host),
        // For an unknown scheme, the library leaves letters beyond ASCII encoded.
        Some(Host::Domain(name)) if name.contains('%') => {
            Host::parse(name).map(|host| host.to_string()).map_err(|_| BrokerError::HostName)
        }
        Some(host) => Ok(host.to_string()),
    }
}

/// The WebSocket's path. It is in the query, because the path of the URL is the root of the topics.
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

/// Encodes text as a part of a URL that decodes to the same text. It keeps letters of all
/// languages, and encodes what would end the part, have another meaning or deceive a reader.
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
