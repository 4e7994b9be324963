//! The library's errors, as failures that a person can do something about: what both versions have in common.

use std::fmt::Debug;
use std::io;

use porchlight_core::input::LinkFailure;
use rumqttc::TlsError;

use crate::tls;

/// There was no connection.
pub(super) fn unreached(error: &io::Error, address: &str) -> LinkFailure {
    match error.kind() {
        // A port without a listener refuses. A reset is by somebody who accepted first, and can be noticed
        // as early as this.
        io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => broken(error, address, false),
        io::ErrorKind::TimedOut => LinkFailure::TimedOut { address: address.to_owned() },
        _ => LinkFailure::Unreachable { address: address.to_owned(), reason: error.to_string() },
    }
}

/// There was a connection, and it broke.
pub(super) fn broken(error: &io::Error, address: &str, connected: bool) -> LinkFailure {
    let address = address.to_owned();
    if let Some(error) = tls::inside(error) {
        return LinkFailure::Tls { address, reason: tls::reason(error) };
    }
    if connected {
        LinkFailure::Broken { reason: error.to_string() }
    } else if error.kind() == io::ErrorKind::TimedOut {
        LinkFailure::TimedOut { address }
    } else {
        unanswered(&error.to_string())
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
        TlsError::TLS(error) => tls::reason(error),
        TlsError::Io(error) => match tls::inside(error) {
            Some(error) => tls::reason(error),
            // A broker that does not speak TLS hangs up at our first words.
            None => format!("it hung up ({error}); does it speak TLS on this port?"),
        },
        other => other.to_string(),
    };
    LinkFailure::Tls { address: address.to_owned(), reason }
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
