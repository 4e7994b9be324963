//! The reason codes of MQTT and their consequences.
//!
//! Owns the one table of MQTT 5, section 2.4: CONNACK, DISCONNECT, PUBACK and SUBACK share its
//! codes, and the five refusals of a 3.1.1 CONNACK map onto it. Does not decode packets.

use std::fmt;

use crate::text::display_text;

/// The longest Reason String or Server Reference that is shown, in characters.
const MAX_SAID: usize = 200;

/// A Reason Code of MQTT 5. Below 0x80 it means success.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReasonCode(pub u8);

/// The kind of problem behind a reason code, which decides what a person can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meaning {
    /// There is no problem.
    Success,
    /// The user name or password is wrong, or is not the kind of login that the broker wants.
    Login,
    /// The login is right, but this user may not do it.
    NotAllowed,
    /// The broker does not take our client id.
    ClientId,
    /// The broker speaks another version of MQTT.
    OtherVersion,
    /// Another connection took this client id.
    TakenOver,
    /// The broker refers clients to another broker.
    Moved,
    /// A limit of this user or of the whole broker is reached.
    Quota,
    /// The broker lacks a feature of MQTT, or does not take our topics and payloads.
    Unsuitable,
    /// The broker is busy or about to stop.
    Busy,
    /// The broker ended this one connection, or gives no better reason.
    Connection,
    /// The code is not in the specification.
    Unknown,
}

impl Meaning {
    /// Whether a retry cannot help because somebody has to change something first. Commands then
    /// end with exit code 4 instead of 3.
    #[must_use]
    pub const fn is_permanent(self) -> bool {
        match self {
            Self::Login
            | Self::NotAllowed
            | Self::ClientId
            | Self::Moved
            | Self::Quota
            | Self::Unsuitable => true,
            Self::Success
            | Self::OtherVersion
            | Self::TakenOver
            | Self::Busy
            | Self::Connection
            | Self::Unknown => false,
        }
    }

    /// What a person can do about it.
    const fn advice(self) -> &'static str {
        match self {
            Self::Login => "correct them in the config",
            // Some brokers give this reason for a wrong password.
            Self::NotAllowed => "check user name and password, or ask the person who runs it",
            Self::ClientId => "ask the person who runs it to allow any client id",
            Self::OtherVersion => "ask the person who runs it to allow MQTT 5 or 3.1.1",
            Self::TakenOver => "Porchlight tries again by itself",
            Self::Moved => "ask the person who runs it, and correct the address in the config",
            Self::Quota => "ask the person who runs it for a higher limit",
            Self::Unsuitable => "ask the person who runs it to allow that, or use another broker",
            Self::Busy => "Porchlight tries again by itself",
            Self::Success | Self::Connection | Self::Unknown => {
                "Porchlight tries again; if this goes on, ask the person who runs it"
            }
        }
    }
}

impl ReasonCode {
    /// The user name or password is wrong.
    pub const BAD_USER_NAME_OR_PASSWORD: Self = Self(0x86);
    /// This client may not do that.
    pub const NOT_AUTHORIZED: Self = Self(0x87);
    /// The broker can't serve at the moment.
    pub const SERVER_UNAVAILABLE: Self = Self(0x88);
    /// The broker is busy.
    pub const SERVER_BUSY: Self = Self(0x89);
    /// Another connection uses the same client id.
    pub const SESSION_TAKEN_OVER: Self = Self(0x8E);
    /// The packet is larger than the receiver accepts.
    pub const PACKET_TOO_LARGE: Self = Self(0x95);
    /// Too many connections in a short time.
    pub const CONNECTION_RATE_EXCEEDED: Self = Self(0x9F);

    /// The code of MQTT 5 for a return code of a 3.1.1 CONNACK (MQTT 3.1.1, section 3.2.2.3).
    #[must_use]
    pub const fn from_v311(return_code: u8) -> Self {
        match return_code {
            0 => Self(0x00),
            1 => Self(0x84),
            2 => Self(0x85),
            3 => Self::SERVER_UNAVAILABLE,
            4 => Self::BAD_USER_NAME_OR_PASSWORD,
            5 => Self::NOT_AUTHORIZED,
            // The others are reserved. Some brokers answer 3.1.1 with the codes of MQTT 5.
            6..=0x7F => Self(0x80),
            other => Self(other),
        }
    }

    /// Whether the broker accepted the request.
    #[must_use]
    pub const fn is_success(self) -> bool {
        self.0 < 0x80
    }

    /// The kind of problem.
    #[must_use]
    pub const fn meaning(self) -> Meaning {
        self.row().1
    }

    /// The table: the specification's name and the kind of problem.
    const fn row(self) -> (&'static str, Meaning) {
        match self.0 {
            0x00..=0x7F => ("no error", Meaning::Success),
            0x80 => ("unspecified error", Meaning::Connection),
            0x81 => ("malformed packet", Meaning::Connection),
            0x82 => ("protocol error", Meaning::Connection),
            0x83 => ("implementation specific error", Meaning::Connection),
            0x84 => ("unsupported protocol version", Meaning::OtherVersion),
            0x85 => ("client identifier not valid", Meaning::ClientId),
            0x86 => ("bad user name or password", Meaning::Login),
            0x87 => ("not authorized", Meaning::NotAllowed),
            0x88 => ("server unavailable", Meaning::Busy),
            0x89 => ("server busy", Meaning::Busy),
            0x8A => ("banned", Meaning::NotAllowed),
            0x8B => ("server shutting down", Meaning::Busy),
            0x8C => ("bad authentication method", Meaning::Login),
            0x8D => ("keep alive timeout", Meaning::Connection),
            0x8E => ("session taken over", Meaning::TakenOver),
            0x8F => ("topic filter invalid", Meaning::Unsuitable),
            0x90 => ("topic name invalid", Meaning::Unsuitable),
            0x91 => ("packet identifier in use", Meaning::Connection),
            0x92 => ("packet identifier not found", Meaning::Connection),
            0x93 => ("receive maximum exceeded", Meaning::Connection),
            0x94 => ("topic alias invalid", Meaning::Connection),
            0x95 => ("packet too large", Meaning::Unsuitable),
            0x96 => ("message rate too high", Meaning::Busy),
            0x97 => ("quota exceeded", Meaning::Quota),
            0x98 => ("administrative action", Meaning::Connection),
            0x99 => ("payload format invalid", Meaning::Unsuitable),
            0x9A => ("retained messages not supported", Meaning::Unsuitable),
            0x9B => ("QoS not supported", Meaning::Unsuitable),
            0x9C => ("use another server", Meaning::Moved),
            0x9D => ("server moved", Meaning::Moved),
            0x9E => ("shared subscriptions not supported", Meaning::Unsuitable),
            0x9F => ("connection rate exceeded", Meaning::Busy),
            0xA0 => ("maximum connect time", Meaning::Connection),
            0xA1 => ("subscription identifiers not supported", Meaning::Unsuitable),
            0xA2 => ("wildcard subscriptions not supported", Meaning::Unsuitable),
            0xA3..=0xFF => ("", Meaning::Unknown),
        }
    }
}

impl fmt::Display for ReasonCode {
    /// The specification's name of the code, or its number if it has none.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.row() {
            (_, Meaning::Unknown) => write!(f, "reason code 0x{:02X}", self.0),
            (name, _) => f.write_str(name),
        }
    }
}

/// Why a broker refused a request or ended a connection, with its own text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrokerReason {
    code: ReasonCode,
    said: Option<String>,
    server: Option<String>,
}

impl BrokerReason {
    /// Sets its Reason String, or other text of the broker. The text is cleaned and cut.
    #[must_use]
    pub fn with_text(self, said: Option<&str>) -> Self {
        Self { said: said.and_then(|said| display_text(said, MAX_SAID)), ..self }
    }

    /// Sets its Server Reference. It is shown and never followed: the reader decides.
    #[must_use]
    pub fn with_server(self, server: Option<&str>) -> Self {
        Self { server: server.and_then(|server| display_text(server, MAX_SAID)), ..self }
    }

    /// The code.
    #[must_use]
    pub const fn reason_code(&self) -> ReasonCode {
        self.code
    }

    /// The kind of problem.
    #[must_use]
    pub const fn meaning(&self) -> Meaning {
        self.code.meaning()
    }

    /// The code that programs branch on; `other` if the reason has none of its own.
    pub(crate) const fn code(&self, other: &'static str) -> &'static str {
        match self.meaning() {
            Meaning::Login => "bad_credentials",
            Meaning::NotAllowed | Meaning::ClientId => "not_authorized",
            Meaning::OtherVersion => "protocol",
            Meaning::TakenOver => "taken_over",
            Meaning::Moved => "server_moved",
            Meaning::Quota => "quota_exceeded",
            Meaning::Unsuitable => "broker_unsuitable",
            Meaning::Success | Meaning::Busy | Meaning::Connection | Meaning::Unknown => other,
        }
    }

    /// The sentence for a CONNACK: what happened and what to do.
    pub(crate) fn refusal(&self) -> String {
        match self.meaning() {
            Meaning::NotAllowed | Meaning::ClientId => {
                self.sentence("the broker does not let this client in")
            }
            _ => self.sentence("the broker refused the connection"),
        }
    }

    /// The sentence for a DISCONNECT.
    pub(crate) fn end(&self) -> String {
        self.sentence("the broker ended the connection")
    }

    fn sentence(&self, what: &str) -> String {
        let advice = self.meaning().advice();
        match (self.meaning(), &self.server) {
            (Meaning::Login, _) if self.said.is_none() => {
                format!("the broker does not accept this user name and password; {advice}")
            }
            (Meaning::Login, _) => {
                format!("the broker does not accept this user name and password ({self}); {advice}")
            }
            (Meaning::TakenOver, _) => {
                format!("another connection took the place of this one; {advice}")
            }
            (Meaning::Moved, Some(server)) => {
                format!("{what} ({self}), and points to {server}; {advice}")
            }
            _ => format!("{what} ({self}); {advice}"),
        }
    }
}

impl From<ReasonCode> for BrokerReason {
    fn from(code: ReasonCode) -> Self {
        Self { code, said: None, server: None }
    }
}

impl fmt::Display for BrokerReason {
    /// `not authorized: "ask the administrator"`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.said {
            Some(said) => write!(f, "{}: \"{said}\"", self.code),
            None => write!(f, "{}", self.code),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connection::ConnectionFailure;

    /// The codes that MQTT 5 names in section 2.4, and those of them after which somebody has to change something.
    const NAMED: std::ops::RangeInclusive<u8> = 0x80..=0xA2;
    const PERMANENT: [u8; 17] = [
        0x85, 0x86, 0x87, 0x8A, 0x8C, 0x8F, 0x90, 0x95, 0x97, 0x99, 0x9A, 0x9B, 0x9C, 0x9D, 0x9E,
        0xA1, 0xA2,
    ];

    fn failures(code: u8) -> [ConnectionFailure; 2] {
        let reason = BrokerReason::from(ReasonCode(code));
        [ConnectionFailure::Refused(reason.clone()), ConnectionFailure::Disconnected(reason)]
    }

    #[test]
    fn each_of_256_codes_is_permanent_or_not_wherever_it_comes_from() {
        for code in 0..=u8::MAX {
            for failure in failures(code) {
                assert_eq!(failure.is_refusal(), PERMANENT.contains(&code), "{code:#X} {failure}");
            }
        }
    }

    #[test]
    fn each_of_256_codes_has_a_sentence_with_its_name_and_what_to_do() {
        for code in 0..=u8::MAX {
            let named = ReasonCode(code).to_string();
            let is_number = named.starts_with("reason code 0x");
            assert_eq!(is_number, code > *NAMED.end(), "{code:#X} {named}");
            for failure in failures(code) {
                let sentence = failure.to_string();
                let named_inside = sentence.contains(&named);
                let says_it_otherwise =
                    matches!(ReasonCode(code).meaning(), Meaning::Login | Meaning::TakenOver);
                assert!(named_inside || says_it_otherwise, "{code:#X} {sentence}");
                let (_, advice) = sentence.split_once("; ").unwrap();
                assert!(advice.len() > 10, "{sentence}");
                assert!(!failure.code().is_empty());
            }
        }
    }

    #[test]
    fn the_codes_that_programs_know_stay() {
        for (code, refused, ended) in [
            (0x86, "bad_credentials", "bad_credentials"),
            (0x87, "not_authorized", "not_authorized"),
            (0x84, "protocol", "protocol"),
            (0x89, "refused", "disconnected"),
            (0x8B, "refused", "disconnected"),
            (0x8E, "taken_over", "taken_over"),
            (0x97, "quota_exceeded", "quota_exceeded"),
            (0x9A, "broker_unsuitable", "broker_unsuitable"),
            (0x9D, "server_moved", "server_moved"),
            (0xFF, "refused", "disconnected"),
        ] {
            assert_eq!(failures(code).map(|failure| failure.code()), [refused, ended], "{code:#X}");
        }
    }

    #[test]
    fn the_five_refusals_of_3_1_1_mean_what_they_mean_in_mqtt_5() {
        let codes = [0, 1, 2, 3, 4, 5].map(|code| ReasonCode::from_v311(code).0);
        assert_eq!(codes, [0, 0x84, 0x85, 0x88, 0x86, 0x87]);
        for code in 1..=u8::MAX {
            assert!(!ReasonCode::from_v311(code).is_success(), "{code}");
        }
    }

    #[test]
    fn what_the_broker_says_is_shown_cleaned_and_cut_and_its_reference_is_not_followed() {
        let reason = BrokerReason::from(ReasonCode(0x9D))
            .with_text(Some("gone\u{1B}[31m\nfor good"))
            .with_server(Some("other.example:1883\u{202E}"));
        let sentence = ConnectionFailure::Disconnected(reason).to_string();
        assert_eq!(
            sentence,
            "the broker ended the connection (server moved: \"gone[31m for good\"), and points to \
             other.example:1883; ask the person who runs it, and correct the address in the config"
        );
        let long = BrokerReason::from(ReasonCode(0x80)).with_text(Some(&"x".repeat(5000)));
        assert!(long.to_string().chars().count() < 250);
        let login = BrokerReason::from(ReasonCode(0x86)).with_text(Some("expired"));
        assert!(ConnectionFailure::Refused(login).to_string().contains("expired"));
    }
}
