//! The library's errors, as failures that a person can do something about: what both versions have in common.

use std::fmt::Debug;
use std::io;

use porchlight_core::input::LinkFailure;
use porchlight_core::reason::ReasonCode;
use rumqttc::TlsError;
use tungstenite::Error as WebSocketError;
use tungstenite::error::ProtocolError;

use crate::tls;

/// What the system says, without the number that it has for it: that one helps nobody who reads it.
pub(crate) fn in_words(error: &io::Error) -> String {
    let said = error.to_string();
    match (error.raw_os_error(), said.rsplit_once(" (os error ")) {
        (Some(_), Some((words, _))) => words.to_owned(),
        _ => said,
    }
}

/// There was no connection.
pub(super) fn unreached(error: &io::Error, address: &str) -> LinkFailure {
    match error.kind() {
        // A port without a listener refuses. A reset is by somebody who accepted first, and can be noticed
        // as early as this.
        io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => broken(error, address, false),
        io::ErrorKind::TimedOut => LinkFailure::TimedOut { address: address.to_owned() },
        _ => LinkFailure::Unreachable { address: address.to_owned(), reason: in_words(error) },
    }
}

/// There was a connection, and it broke.
pub(super) fn broken(error: &io::Error, address: &str, connected: bool) -> LinkFailure {
    if let Some(error) = tls::inside(error) {
        return tls::failure(error, address);
    }
    if connected {
        LinkFailure::Broken { reason: in_words(error) }
    } else if error.kind() == io::ErrorKind::TimedOut {
        LinkFailure::TimedOut { address: address.to_owned() }
    } else {
        unanswered(&in_words(error))
    }
}

/// The broker closed the connection without a word.
pub(super) fn hung_up(connected: bool) -> LinkFailure {
    if connected {
        LinkFailure::Broken { reason: "the broker closed it".to_owned() }
    } else {
        unanswered("it hung up")
    }
}

/// Before the CONNACK: what a broker does that does not understand our CONNECT (MQTT 5, section 3.1.2.2).
fn unanswered(what: &str) -> LinkFailure {
    LinkFailure::Protocol { reason: format!("{what} before answering; is this an MQTT port?") }
}

pub(super) fn not_connack() -> LinkFailure {
    LinkFailure::Protocol { reason: "another packet before the CONNACK".to_owned() }
}

pub(super) fn closed_by_us() -> LinkFailure {
    LinkFailure::Broken { reason: "we closed it".to_owned() }
}

pub(super) fn silent() -> LinkFailure {
    LinkFailure::Broken { reason: "the broker has gone silent".to_owned() }
}

pub(super) fn from_tls(error: &TlsError, address: &str) -> LinkFailure {
    let reason = match error {
        TlsError::TLS(error) => return tls::failure(error, address),
        TlsError::Io(error) => return handshake(error, address),
        other => other.to_string(),
    };
    LinkFailure::Tls { address: address.to_owned(), reason }
}

/// The TLS handshake came to nothing.
fn handshake(error: &io::Error, address: &str) -> LinkFailure {
    match tls::inside(error) {
        Some(error) => tls::failure(error, address),
        // A broker that does not speak TLS hangs up at our first words.
        None => LinkFailure::Tls {
            address: address.to_owned(),
            reason: format!("it hung up ({error}); does it speak TLS on this port?"),
        },
    }
}

/// The handshake of the WebSocket came to nothing, or that of TLS below it.
pub(super) fn from_web_socket(error: WebSocketError, address: &str) -> LinkFailure {
    match error {
        WebSocketError::Io(error) => match tls::inside(&error) {
            Some(error) => tls::failure(error, address),
            None => unreached(&error, address),
        },
        WebSocketError::Http(answer) => {
            let status = answer.status();
            // A web page, or the way to one (RFC 6585, section 6, has a status of its own for it).
            if status.is_success() || status.is_redirection() || status.as_u16() == 511 {
                let what = format!("a web page answers there ({status})");
                return LinkFailure::SignIn { address: address.to_owned(), what };
            }
            LinkFailure::Protocol {
                reason: format!(
                    "{address} answers {status}; is the path of the WebSocket right (?path=/mqtt)?"
                ),
            }
        }
        WebSocketError::Protocol(ProtocolError::HandshakeIncomplete) => unanswered("it hung up"),
        other => LinkFailure::Protocol {
            reason: format!("{other}; is there MQTT over WebSocket at {address}?"),
        },
    }
}

/// A WebSocket, but not for MQTT (MQTT 5, section 6).
pub(super) fn no_mqtt_over_web_socket(address: &str) -> LinkFailure {
    LinkFailure::Protocol { reason: format!("the WebSocket at {address} is not for MQTT") }
}

/// The code that the library's name of it means.
pub(super) fn reason_code(named: &impl Debug) -> ReasonCode {
    let name = words(named);
    let code = match name.as_str() {
        "bad user name password" => 0x86,
        "bad client id" => 0x85,
        "refused protocol version" => 0x84,
        "service unavailable" => 0x88,
        "failure" | "unspecified" => 0x80,
        "implementation specific" => 0x83,
        "pkid in use" => 0x91,
        "retain not supported" => 0x9A,
        "qo s not supported" => 0x9B,
        name => (0x80..=0xA2).find(|code| ReasonCode(*code).to_string() == name).unwrap_or(0x80),
    };
    ReasonCode(code)
}

/// `BadUserNamePassword` -> `bad user name password`: the specification's name of a reason code, readable.
pub(super) fn words(code: &impl Debug) -> String {
    let mut words = String::new();
    for c in format!("{code:?}").chars() {
        if c.is_uppercase() && !words.is_empty() {
            words.push(' ');
        }
        words.extend(c.to_lowercase());
    }
    words
}

#[cfg(test)]
mod tests {
    use rumqttc::v5::mqttbytes::v5::{ConnectReturnCode, DisconnectReasonCode};

    use super::*;

    #[test]
    fn reason_codes_are_said_in_words() {
        assert_eq!(words(&ConnectReturnCode::BadUserNamePassword), "bad user name password");
        assert_eq!(words(&DisconnectReasonCode::QuotaExceeded), "quota exceeded");
    }
}
