//! The library's errors, as failures that a person can do something about.

use std::fmt::Debug;
use std::io;

use porchlight_core::input::LinkFailure;
use rumqttc::TlsError;
use rumqttc::v5::mqttbytes::Error as LibraryError;
use rumqttc::v5::mqttbytes::v5::{ConnectReturnCode, DisconnectReasonCode};
use rumqttc::v5::{ConnectionError, StateError};

use crate::tls;

/// Says why a connection ended, or why there was none.
pub(super) fn from_library(error: ConnectionError, address: &str, connected: bool) -> LinkFailure {
    let address = address.to_owned();
    match error {
        ConnectionError::Io(error) => from_io(&error, address, connected),
        ConnectionError::Timeout(_) => LinkFailure::TimedOut { address },
        ConnectionError::Tls(error) => from_tls(&error, address),
        ConnectionError::ConnectionRefused(code) => from_connack(code),
        ConnectionError::MqttState(error) => from_state(error, address, connected),
        ConnectionError::NotConnAck(_) => {
            LinkFailure::Protocol { reason: "another packet before the CONNACK".to_owned() }
        }
        ConnectionError::RequestsDone => LinkFailure::Broken { reason: "we closed it".to_owned() },
    }
}

fn from_io(error: &io::Error, address: String, connected: bool) -> LinkFailure {
    if let Some(error) = tls::inside(error) {
        return LinkFailure::Tls { address, reason: tls::reason(error) };
    }
    let reason = error.to_string();
    if connected {
        LinkFailure::Broken { reason }
    } else if error.kind() == io::ErrorKind::TimedOut {
        LinkFailure::TimedOut { address }
    } else {
        LinkFailure::Unreachable { address, reason }
    }
}

fn from_tls(error: &TlsError, address: String) -> LinkFailure {
    let reason = match error {
        TlsError::TLS(error) => tls::reason(error),
        TlsError::Io(error) => match tls::inside(error) {
            Some(error) => tls::reason(error),
            // A broker that does not speak TLS hangs up at our first words.
            None => format!("it hung up ({error}); does it speak TLS on this port?"),
        },
        other => other.to_string(),
    };
    LinkFailure::Tls { address, reason }
}

fn from_connack(code: ConnectReturnCode) -> LinkFailure {
    let reason = words(&code);
    match code {
        ConnectReturnCode::BadUserNamePassword => LinkFailure::BadCredentials,
        ConnectReturnCode::NotAuthorized
        | ConnectReturnCode::Banned
        | ConnectReturnCode::ClientIdentifierNotValid
        | ConnectReturnCode::BadClientId
        | ConnectReturnCode::BadAuthenticationMethod => LinkFailure::NotAuthorized { reason },
        ConnectReturnCode::UnsupportedProtocolVersion
        | ConnectReturnCode::RefusedProtocolVersion => LinkFailure::Protocol { reason },
        _ => LinkFailure::Refused { reason },
    }
}

fn from_state(error: StateError, address: String, connected: bool) -> LinkFailure {
    match error {
        StateError::Io(error) | StateError::Deserialization(LibraryError::Io(error)) => {
            from_io(&error, address, connected)
        }
        StateError::ServerDisconnect {
            reason_code: DisconnectReasonCode::SessionTakenOver,
            ..
        } => LinkFailure::TakenOver,
        StateError::ServerDisconnect { reason_code, reason_string } => {
            let code = words(&reason_code);
            let reason = reason_string.map_or(code.clone(), |said| format!("{code}: {said}"));
            LinkFailure::Disconnected { reason }
        }
        StateError::AwaitPingResp => {
            LinkFailure::Broken { reason: "the broker has gone silent".to_owned() }
        }
        StateError::ConnectionAborted if connected => {
            LinkFailure::Broken { reason: "the broker closed it".to_owned() }
        }
        StateError::ConnectionAborted => LinkFailure::Protocol {
            reason: "it hung up before answering; does it speak MQTT 5, and on this port?"
                .to_owned(),
        },
        StateError::ConnFail { reason } => from_connack(reason),
        other => LinkFailure::Protocol { reason: other.to_string() },
    }
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
    use super::*;

    #[test]
    fn reason_codes_are_said_in_words() {
        assert_eq!(words(&ConnectReturnCode::BadUserNamePassword), "bad user name password");
        assert_eq!(words(&DisconnectReasonCode::QuotaExceeded), "quota exceeded");
    }

    #[test]
    fn a_refusal_of_the_person_is_told_from_a_refusal_of_the_moment() {
        assert!(from_connack(ConnectReturnCode::BadUserNamePassword).is_refusal());
        assert!(from_connack(ConnectReturnCode::NotAuthorized).is_refusal());
        assert!(!from_connack(ConnectReturnCode::ServerBusy).is_refusal());
    }
}
