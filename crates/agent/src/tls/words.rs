//! Describes failed TLS handshakes in words that a person can act on.
//!
//! This is the only place that turns rustls' errors into a [`ConnectionFailure`]. Their original
//! texts go to the log.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use porchlight_core::input::ConnectionFailure;
use rustls::pki_types::UnixTime;
use rustls::{AlertDescription, CertificateError, Error};

use super::verifier::Rejected;

/// The failure for an error of the handshake.
pub(crate) fn failure(error: &Error, address: &str) -> ConnectionFailure {
    tracing::debug!("TLS with {address}: {error}");
    let address = address.to_owned();
    let reason = match error {
        Error::InvalidCertificate(wrong) => match certificate(wrong) {
            CertificateProblem::Pin => return ConnectionFailure::OtherCertificate { address },
            CertificateProblem::Host => {
                let what = "what answers there has the certificate of somebody else".to_owned();
                return ConnectionFailure::SignIn { address, what };
            }
            CertificateProblem::Reason(reason) => reason,
        },
        // A server that answers in plain text: a web page for signing in, or the broker's other
        // port.
        Error::InvalidMessage(_) => {
            let what = "what answers there does not speak TLS".to_owned();
            return ConnectionFailure::SignIn { address, what };
        }
        Error::AlertReceived(alert) => alert_reason(*alert).to_owned(),
        Error::PeerIncompatible(_) => OTHER_TLS.to_owned(),
        Error::NoCertificatesPresented => {
            "it shows no certificate; ask the person who runs it".to_owned()
        }
        Error::FailedToGetCurrentTime | Error::FailedToGetRandomBytes => {
            "this computer gives neither time nor random numbers; restart it".to_owned()
        }
        _ => "it does not keep to the rules of TLS; ask the person who runs it".to_owned(),
    };
    ConnectionFailure::Tls { address, reason }
}

const OTHER_TLS: &str =
    "it speaks no TLS that we do, which is 1.2 or 1.3; ask the person who runs it to update it";
const WANTS_OURS: &str = "it wants a certificate of yours and got none that it takes; \
     name one in broker.certificate and its key in broker.key";

/// What the server's alert means (RFC 8446, section 6.2).
const fn alert_reason(alert: AlertDescription) -> &'static str {
    match alert {
        AlertDescription::CertificateRequired
        | AlertDescription::NoCertificate
        | AlertDescription::BadCertificate
        | AlertDescription::UnsupportedCertificate
        | AlertDescription::UnknownCA
        | AlertDescription::CertificateUnknown
        | AlertDescription::CertificateExpired
        | AlertDescription::CertificateRevoked
        | AlertDescription::AccessDenied => WANTS_OURS,
        AlertDescription::ProtocolVersion
        | AlertDescription::HandshakeFailure
        | AlertDescription::InsufficientSecurity => OTHER_TLS,
        AlertDescription::UnrecognisedName => "it does not know this name; is the address right?",
        AlertDescription::InternalError => {
            "it reports a fault of its own; ask the person who runs it"
        }
        _ => "it refused the secure connection; ask the person who runs it",
    }
}

/// What is wrong with a certificate.
enum CertificateProblem {
    /// It is another one than the pinned.
    Pin,
    /// It is valid, but for another host.
    Host,
    Reason(String),
}

fn certificate(wrong: &CertificateError) -> CertificateProblem {
    let reason = match wrong {
        CertificateError::Other(other) => match other.0.downcast_ref() {
            Some(Rejected::OtherThanPinned) => return CertificateProblem::Pin,
            Some(Rejected::OtherName) => return CertificateProblem::Host,
            // The verifier has no variant for it.
            None if other.0.to_string() == "CaUsedAsEndEntity" => {
                "its certificate is one of an authority; if it is the broker's own, name it in broker.ca"
            }
            None => "its certificate is not valid; ask the person who runs it for a new one",
        },
        CertificateError::UnknownIssuer | CertificateError::BadSignature => {
            "its certificate is signed by nobody whom this computer trusts; if it is your team's own, \
             name its certificate in broker.ca"
        }
        CertificateError::ExpiredContext { time, not_after } => {
            return CertificateProblem::Reason(format!(
                "its certificate expired on {}; tell the person who runs it, and check this computer's clock, \
                 which says {}",
                date(*not_after),
                date(*time)
            ));
        }
        CertificateError::NotValidYetContext { time, not_before } => {
            return CertificateProblem::Reason(format!(
                "its certificate is valid from {} on; check this computer's clock, which says {}",
                date(*not_before),
                date(*time)
            ));
        }
        CertificateError::Expired => {
            "its certificate has expired; tell the person who runs it, and check this computer's clock"
        }
        CertificateError::NotValidYet => {
            "its certificate is not valid yet; check this computer's clock"
        }
        CertificateError::Revoked => {
            "its certificate was revoked; ask the person who runs it for a new one"
        }
        CertificateError::NotValidForNameContext { presented, .. } if presented.is_empty() => {
            "its certificate names no host; make one with a subjectAltName, as by \
             openssl req -addext subjectAltName=DNS:broker.example"
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "its certificate is for another name; is the address right?"
        }
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
            "its certificate is not meant for a server; ask the person who runs it for one that is"
        }
        CertificateError::UnsupportedSignatureAlgorithmContext { .. }
        | CertificateError::UnsupportedSignatureAlgorithmForPublicKeyContext { .. } => {
            "its certificate is signed in a way that is no longer safe; ask the person who runs it for a new one"
        }
        _ => "its certificate is not valid; ask the person who runs it for a new one",
    };
    CertificateProblem::Reason(reason.to_owned())
}

/// The day of a moment, in UTC.
fn date(time: UnixTime) -> String {
    i64::try_from(time.as_secs())
        .ok()
        .and_then(|seconds| Timestamp::from_second(seconds).ok())
        .map_or_else(
            || "a day that no calendar has".to_owned(),
            |at| at.to_zoned(TimeZone::UTC).date().to_string(),
        )
}

/// The failure if the host's name can't be in a certificate.
pub(crate) fn invalid_name(address: &str) -> ConnectionFailure {
    let reason = "no certificate can be for this name; is it written right?".to_owned();
    ConnectionFailure::Tls { address: address.to_owned(), reason }
}

/// Finds the TLS error inside an I/O error, if there is one.
pub(crate) fn find_tls_error(error: &std::io::Error) -> Option<&Error> {
    error.get_ref().and_then(|inner| inner.downcast_ref())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use rustls::{InvalidMessage, OtherError, PeerIncompatible};

    use super::*;

    fn reason_of(error: impl Into<Error>) -> String {
        failure(&error.into(), "broker.example:8883").to_string()
    }

    #[test]
    fn each_alert_has_a_sentence_with_what_to_do() {
        for number in 0..=u8::MAX {
            let reason = reason_of(Error::AlertReceived(AlertDescription::from(number)));
            assert!(reason.contains("; ") || reason.ends_with('?'), "{number} {reason}");
            assert!(!reason.contains("alert") && !reason.contains("Unknown("), "{number} {reason}");
        }
        let old = reason_of(Error::AlertReceived(AlertDescription::ProtocolVersion));
        assert!(old.contains("1.2 or 1.3"), "{old}");
        assert_eq!(reason_of(PeerIncompatible::ServerDoesNotSupportTls12Or13), old);
    }

    #[test]
    fn a_clock_that_may_be_wrong_is_named_with_dates() {
        let day = |days: u64| UnixTime::since_unix_epoch(Duration::from_secs(days * 86_400));
        let early = reason_of(CertificateError::NotValidYetContext {
            time: day(0),
            not_before: day(20_000),
        });
        assert!(early.contains("2024-10-04") && early.contains("1970-01-01"), "{early}");
        assert!(early.contains("clock"), "{early}");
        let late = reason_of(CertificateError::ExpiredContext {
            time: day(20_001),
            not_after: day(20_000),
        });
        assert!(late.contains("2024-10-04") && late.contains("2024-10-05"), "{late}");
        let never = UnixTime::since_unix_epoch(Duration::from_secs(u64::MAX));
        reason_of(CertificateError::ExpiredContext { time: never, not_after: never });
    }

    #[test]
    fn no_word_of_the_library_reaches_a_person() {
        #[derive(Debug, thiserror::Error)]
        #[error("CaUsedAsEndEntity")]
        struct Ca;
        let other = |error| CertificateError::Other(OtherError(Arc::new(error)));
        for error in [
            Error::General("General nonsense".to_owned()),
            Error::DecryptError,
            Error::InvalidMessage(InvalidMessage::InvalidCcs),
            Error::HandshakeNotComplete,
            CertificateError::BadEncoding.into(),
            CertificateError::UnhandledCriticalExtension.into(),
            CertificateError::Revoked.into(),
            other(Ca).into(),
        ] {
            let reason = reason_of(error.clone());
            let technical = error.to_string();
            assert!(!reason.contains(&technical) && !reason.contains("EndEntity"), "{reason}");
        }
        assert!(reason_of(other(Ca)).contains("broker.ca"));
    }
}
