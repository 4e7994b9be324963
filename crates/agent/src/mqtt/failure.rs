//! Describes failed connections in words that a person can act on.
//!
//! This is the only place that turns errors of the system and of libraries into a
//! [`ConnectionFailure`]. Their original texts go to the log.

use std::io;

use hyper::StatusCode;
use porchlight_core::input::ConnectionFailure;
use porchlight_core::reason::{BrokerReason, Meaning, ReasonCode};

use super::packets::Malformed;
use crate::dial::DialError;
use crate::io_error::describe;
use crate::tls;

/// The address that was tried, and its scheme.
#[derive(Debug, Clone)]
pub(super) struct TriedAddress {
    /// Host and port.
    pub(super) address: String,
    pub(super) tls: bool,
    pub(super) web_socket: bool,
    /// Whether a person wrote the URL, and so can correct its scheme. The address of a team comes
    /// with the invitation.
    pub(super) is_written: bool,
}

impl TriedAddress {
    /// Host and port.
    pub(super) fn address(&self) -> &str {
        &self.address
    }

    fn scheme(tls: bool, web_socket: bool) -> &'static str {
        match (tls, web_socket) {
            (false, false) => "mqtt://",
            (true, false) => "mqtts://",
            (false, true) => "ws://",
            (true, true) => "wss://",
        }
    }

    /// The scheme with TLS switched on or off.
    fn scheme_with_tls_toggled(&self) -> &'static str {
        Self::scheme(!self.tls, self.web_socket)
    }
}

/// The failure if no TCP connection was made.
pub(super) fn unreached(error: &DialError, tried: &TriedAddress) -> ConnectionFailure {
    let address = tried.address.clone();
    match error {
        DialError::Name(error) => {
            tracing::debug!("resolving {address}: {error}");
            ConnectionFailure::Unreachable { address, reason: "Unknown host name".to_owned() }
        }
        DialError::Proxy(failure) => failure.clone(),
        DialError::Connect(error) => match error.kind() {
            // A closed port refuses. A reset comes from a server that accepted first, and it may be
            // noticed as early as here.
            io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => {
                broken(error, false, tried)
            }
            io::ErrorKind::TimedOut => ConnectionFailure::TimedOut { address },
            _ => ConnectionFailure::Unreachable { address, reason: describe(error).to_owned() },
        },
    }
}

/// The failure if a connection broke. `connected` means that a CONNACK had arrived.
pub(super) fn broken(
    error: &io::Error,
    connected: bool,
    tried: &TriedAddress,
) -> ConnectionFailure {
    if let Some(error) = tls::find_tls_error(error) {
        return tls::failure(error, &tried.address);
    }
    match error.kind() {
        io::ErrorKind::InvalidData => {
            ConnectionFailure::Violation { what: "a frame of the WebSocket" }
        }
        _ if connected => ConnectionFailure::Broken { reason: describe(error).to_owned() },
        io::ErrorKind::TimedOut => ConnectionFailure::TimedOut { address: tried.address.clone() },
        _ => hung_up(false, tried),
    }
}

/// The failure if the broker closed the connection without a reason. `connected` means that a
/// CONNACK had arrived.
pub(super) fn hung_up(connected: bool, tried: &TriedAddress) -> ConnectionFailure {
    if connected {
        return ConnectionFailure::Broken { reason: "the broker closed it".to_owned() };
    }
    // A broker does this if it does not understand our CONNECT (MQTT 5, section 3.1.2.2).
    let hint = match (tried.tls, tried.web_socket) {
        (false, false) => "is this an MQTT port? If it is one with TLS, write mqtts://",
        (false, true) => "is it for WebSocket? If it is with TLS, write wss://",
        (true, _) => "is this an MQTT port?",
    };
    ConnectionFailure::Protocol { reason: format!("it hung up before answering; {hint}") }
}

/// The failure if nothing came back after our CONNECT.
pub(super) fn unanswered(tried: &TriedAddress) -> ConnectionFailure {
    ConnectionFailure::Unanswered { address: tried.address.clone() }
}

/// The failure if the first bytes are not a CONNACK.
pub(super) fn no_mqtt(first: &[u8], tried: &TriedAddress) -> ConnectionFailure {
    let reason = if looks_like_tls(first) {
        format!("it speaks TLS; write {} instead", tried.scheme_with_tls_toggled())
    } else if first.starts_with(b"HTTP/") {
        let web_socket = TriedAddress::scheme(tried.tls, true);
        format!(
            "it speaks HTTP; if it is a broker with MQTT over WebSocket, write {web_socket} instead"
        )
    } else {
        "something else came before its answer; is this an MQTT port?".to_owned()
    };
    ConnectionFailure::Protocol { reason }
}

/// Whether there are too few bytes to recognise the protocol.
pub(super) fn needs_more_bytes(first: &[u8]) -> bool {
    matches!(first, [0x15 | 0x16]) || (first.len() < 5 && b"HTTP/".starts_with(first))
}

/// Whether the bytes start a TLS record with an alert or a handshake (RFC 8446, section 5.1). No
/// packet that a broker may send first starts like this.
fn looks_like_tls(bytes: &[u8]) -> bool {
    matches!(bytes, [0x15 | 0x16, 3, ..])
}

/// The failure if the CONNACK is one of MQTT 3.1.1.
pub(super) fn old_connack() -> ConnectionFailure {
    ConnectionFailure::Protocol { reason: "it answers in MQTT 3.1.1".to_owned() }
}

/// The failure if the CONNACK has a reason code for a refusal.
pub(super) fn refused(reason: BrokerReason) -> ConnectionFailure {
    match reason.meaning() {
        Meaning::OtherVersion => ConnectionFailure::Protocol { reason: reason.to_string() },
        _ => ConnectionFailure::Refused(reason),
    }
}

/// The failure if a DISCONNECT came instead of a CONNACK.
pub(super) fn disconnected_early(reason: BrokerReason, tried: &TriedAddress) -> ConnectionFailure {
    match reason.meaning() {
        // Only a DISCONNECT of 3.1.1 has no reason, and its brokers send none.
        Meaning::Success => no_mqtt(&[], tried),
        Meaning::OtherVersion => ConnectionFailure::Protocol { reason: reason.to_string() },
        _ => ConnectionFailure::Disconnected(reason),
    }
}

/// The failure if a packet of our version is malformed.
pub(super) fn malformed(wrong: Malformed) -> ConnectionFailure {
    ConnectionFailure::Violation { what: wrong.0 }
}

/// The failure if nothing arrives, not even the answer to a ping.
pub(super) fn silent() -> ConnectionFailure {
    ConnectionFailure::Broken { reason: "the broker has gone silent".to_owned() }
}

/// The failure if we ended the connection.
pub(super) fn closed_by_us(why: &str) -> ConnectionFailure {
    ConnectionFailure::Broken { reason: why.to_owned() }
}

/// The failure if the TLS handshake failed.
pub(super) fn handshake(error: &io::Error, tried: &TriedAddress) -> ConnectionFailure {
    match tls::find_tls_error(error) {
        Some(error) => match tls::failure(error, &tried.address) {
            ConnectionFailure::SignIn { address, what }
                if tried.is_written && matches!(error, rustls::Error::InvalidMessage(_)) =>
            {
                let without = tried.scheme_with_tls_toggled();
                ConnectionFailure::SignIn {
                    address,
                    what: format!("{what} ({without} is without)"),
                }
            }
            failure => failure,
        },
        // A broker that does not speak TLS hangs up at our first bytes.
        None => {
            tracing::debug!("the TLS handshake: {error}");
            let reason = if tried.is_written {
                let without = tried.scheme_with_tls_toggled();
                format!(
                    "it hung up at the TLS handshake; if this port is one without TLS, write {without}"
                )
            } else {
                "it hung up at the TLS handshake; is the address right?".to_owned()
            };
            ConnectionFailure::Tls { address: tried.address.clone(), reason }
        }
    }
}

/// The failure if the path of the WebSocket can't be requested.
pub(super) fn bad_path(error: &hyper::http::Error, tried: &TriedAddress) -> ConnectionFailure {
    tracing::debug!("the request for a WebSocket: {error}");
    let address = &tried.address;
    ConnectionFailure::Protocol {
        reason: format!(
            "the path of the WebSocket at {address} is wrong; correct ?path= in the URL"
        ),
    }
}

/// The failure if the WebSocket request got no answer, or one that is not HTTP.
pub(super) fn no_http(error: &hyper::Error, tried: &TriedAddress) -> ConnectionFailure {
    tracing::debug!("the request for a WebSocket: {error}");
    let inner = std::error::Error::source(error).and_then(|source| source.downcast_ref());
    match inner {
        Some(error) => broken(error, false, tried),
        None if error.is_parse() => ConnectionFailure::Protocol {
            reason: format!(
                "{} answers no HTTP; if it is a broker without WebSocket, write {} instead",
                tried.address,
                TriedAddress::scheme(tried.tls, false)
            ),
        },
        None => hung_up(false, tried),
    }
}

/// The failure if the WebSocket request got another HTTP status (RFC 9110, section 15).
pub(super) fn from_http(
    status: StatusCode,
    location: Option<&str>,
    tried: &TriedAddress,
) -> ConnectionFailure {
    let address = &tried.address;
    let status_text = format!("HTTP status {}", status.as_u16());
    let refused = |code: ReasonCode| {
        ConnectionFailure::Refused(BrokerReason::from(code).with_text(Some(&status_text)))
    };
    match status.as_u16() {
        300..=399 if wants_tls(location, tried) => ConnectionFailure::Protocol {
            reason: format!("it wants TLS; write {} instead", tried.scheme_with_tls_toggled()),
        },
        // A web page, or a redirect to one. RFC 6585, section 6, has a status of its own for it.
        200..=399 | 511 => ConnectionFailure::SignIn {
            address: address.clone(),
            what: format!("a web page answers there ({status_text})"),
        },
        401 => refused(ReasonCode::BAD_USER_NAME_OR_PASSWORD),
        403 | 407 => refused(ReasonCode::NOT_AUTHORIZED),
        429 => refused(ReasonCode::CONNECTION_RATE_EXCEEDED),
        503 => refused(ReasonCode::SERVER_BUSY),
        500..=599 => refused(ReasonCode::SERVER_UNAVAILABLE),
        404 | 405 | 410 => ConnectionFailure::Protocol {
            reason: format!(
                "{address} answers that there is nothing at this path ({status_text}); correct ?path= in the URL, as in ?path=/mqtt"
            ),
        },
        _ => ConnectionFailure::Protocol {
            reason: format!("{address} gives no WebSocket ({status_text}); is the address right?"),
        },
    }
}

/// Whether a redirect leads to the same host with TLS.
fn wants_tls(location: Option<&str>, tried: &TriedAddress) -> bool {
    let host = tried.address.rsplit_once(':').map_or("", |(host, _)| host);
    let beyond = location.and_then(|to| to.strip_prefix("https://").or(to.strip_prefix("wss://")));
    !tried.tls
        && beyond
            .and_then(|rest| rest.strip_prefix(host))
            .is_some_and(|rest| rest.is_empty() || rest.starts_with([':', '/']))
}

/// The failure if the answer starts a WebSocket, but a wrong one.
pub(super) fn no_web_socket(tried: &TriedAddress) -> ConnectionFailure {
    ConnectionFailure::Protocol {
        reason: format!(
            "{} begins a WebSocket in a wrong way; is there MQTT over WebSocket?",
            tried.address
        ),
    }
}

/// The failure if the WebSocket is not for MQTT (MQTT 5, section 6).
pub(super) fn no_mqtt_over_web_socket(tried: &TriedAddress) -> ConnectionFailure {
    ConnectionFailure::Protocol {
        reason: format!("the WebSocket at {} is not for MQTT", tried.address),
    }
}
