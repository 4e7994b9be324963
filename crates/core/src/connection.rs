//! What an MQTT connection reports, and every reason why there is none.
//!
//! Owns the facts that a shell hands in about its connections, and the words for a failure. Deliberately decides nothing:
//! [`crate::engine`] decides when to connect again.

use std::fmt;
use std::time::Duration;

use crate::access::{RefusedFilter, Withheld};
use crate::reason::{BrokerReason, Meaning, ReasonCode};
use crate::view::Problem;

/// The number of a connection within this run, as [`Connect`](crate::effect::Connect) gave it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionId(pub u64);

/// What the MQTT session reports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConnectionEvent {
    /// CONNACK with success.
    Up(Granted),
    /// SUBACK.
    Subscribed {
        /// The filters that the broker refused.
        refused: Vec<RefusedFilter>,
    },
    /// PUBACK.
    Published {
        /// What was published.
        id: PublishId,
        /// The broker took it, or said why not.
        outcome: Result<(), Refusal>,
    },
    /// PUBLISH.
    Received(Message),
    /// The connection is gone, or never came to be.
    Down(ConnectionFailure),
}

/// What the CONNACK granted (MQTT 5, section 3.2.2.3). MQTT 3.1.1 grants nothing: all is as asked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Granted {
    /// Session Present.
    pub session_present: bool,
    /// Session Expiry Interval, where it is not as asked for.
    pub session_expiry: Option<Duration>,
    /// Server Keep Alive, where it is not as asked for.
    pub keep_alive: Option<Duration>,
    /// Retain Available is 0: nothing is stored.
    pub no_retain: bool,
    /// Wildcard Subscription Available is 0.
    pub no_wildcards: bool,
}

impl Granted {
    /// What the CONNACK itself withholds.
    #[must_use]
    pub const fn withheld(&self) -> Option<Withheld> {
        match (self.no_retain, self.no_wildcards) {
            (true, _) => Some(Withheld::Retained),
            (false, true) => Some(Withheld::Wildcards),
            (false, false) => None,
        }
    }
}

/// The number of a publish of ours within this run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PublishId(pub u64);

/// A publish that came to nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// The broker did not take it.
    Broker(BrokerReason),
    /// We gave it up ourselves; why, in words.
    Ours(String),
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Broker(reason) => reason.fmt(f),
            Self::Ours(why) => f.write_str(why),
        }
    }
}

/// A message as it was received.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// The topic name.
    pub topic: String,
    /// The payload.
    pub payload: Vec<u8>,
    /// From the broker's store, at subscription.
    pub retained: bool,
    /// What is left of its Message Expiry Interval, where it has one.
    pub expires_in: Option<Duration>,
}

/// Why there is no connection.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConnectionFailure {
    /// Nothing answers at that address.
    #[error(
        "nothing answers at {address} ({reason}); is the broker running, and is the address right?"
    )]
    Unreachable {
        /// Host and port.
        address: String,
        /// The system's reason.
        reason: String,
    },
    /// The broker took too long to answer.
    #[error("{address} does not answer in time; is it an MQTT broker?")]
    TimedOut {
        /// Host and port.
        address: String,
    },
    /// It took the connection, and our CONNECT was not answered in time.
    #[error(
        "{address} takes the connection but does not answer our CONNECT in time; is it an MQTT broker?"
    )]
    Unanswered {
        /// Host and port.
        address: String,
    },
    /// TLS was refused, by either side.
    #[error("no secure connection to {address}: {reason}")]
    Tls {
        /// Host and port.
        address: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The hub that the link is for has one certificate, and this is another.
    #[error(
        "this is not the hub that invited you: its certificate is another one. If the team was set up anew, ask for a new link; if not, something else answers at {address}"
    )]
    OtherCertificate {
        /// Host and port.
        address: String,
    },
    /// Something answers that is no broker, as a network's sign-in page does.
    #[error(
        "no secure connection to {address}: {what}; does this network want you to sign in first? Open any web page to see. If not, is the address right?"
    )]
    SignIn {
        /// Host and port.
        address: String,
        /// What answered.
        what: String,
    },
    /// The credential can't be read, so nothing was sent to the broker.
    #[error("{message}")]
    Credential {
        /// What programs branch on.
        code: &'static str,
        /// Whether asking again can help, as where a keyring may be unlocked meanwhile.
        may_pass: bool,
        /// What is wrong and what to do.
        message: String,
    },
    /// The proxy did not connect us to the broker.
    #[error("{message}")]
    Proxy {
        /// What programs branch on.
        code: &'static str,
        /// Whether the proxy answers and the broker does not, so that it may be asleep or off.
        is_silence: bool,
        /// What is wrong and what to do.
        message: String,
    },
    /// CONNACK with a refusal, or the same said over HTTP.
    #[error("{}", .0.refusal())]
    Refused(BrokerReason),
    /// DISCONNECT from the broker.
    #[error("{}", .0.end())]
    Disconnected(BrokerReason),
    /// DISCONNECT 0x8E again, whatever the client id.
    #[error(
        "the broker allows one connection for this login, and another device or program uses it now; give each device a login of its own, or let the broker allow more connections for a login"
    )]
    OneConnection,
    /// Neither a CONNACK nor an end of the try came.
    #[error("the broker does not answer CONNECT in time; is it overloaded, or no MQTT broker?")]
    NoConnack,
    /// SUBSCRIBE was not answered.
    #[error(
        "the broker lets us in, but does not answer SUBSCRIBE; ask the person who runs it to look at its log, or to restart it"
    )]
    NoSuback,
    /// PUBLISH was not acknowledged.
    #[error(
        "the broker lets us in, but does not confirm what we publish; ask the person who runs it to look at its log, or to restart it"
    )]
    NoPuback,
    /// The socket was closed or broke.
    #[error("the connection broke ({reason})")]
    Broken {
        /// The system's reason.
        reason: String,
    },
    /// The broker let us in and withholds what we came for.
    #[error(transparent)]
    Withheld(Withheld),
    /// What came was not MQTT of the version that was spoken; before the CONNACK also a close without a word.
    #[error("the broker does not speak an MQTT that Porchlight knows ({reason})")]
    Protocol {
        /// What was wrong.
        reason: String,
    },
    /// The broker speaks our version and breaks its rules. Another version is not worth a try.
    #[error("the broker breaks the rules of MQTT ({what}); tell the person who runs it")]
    Violation {
        /// Which rule.
        what: &'static str,
    },
}

impl ConnectionFailure {
    /// What programs branch on.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Unreachable { .. } => "unreachable",
            Self::TimedOut { .. } | Self::Unanswered { .. } => "timed_out",
            Self::Tls { .. } => "tls",
            Self::OtherCertificate { .. } => "other_certificate",
            Self::SignIn { .. } => "sign_in",
            Self::Credential { code, .. } | Self::Proxy { code, .. } => code,
            Self::Refused(reason) => reason.code("refused"),
            Self::Disconnected(reason) => reason.code("disconnected"),
            Self::OneConnection => "one_connection",
            Self::NoConnack => "no_connack",
            Self::NoSuback => "no_suback",
            Self::NoPuback => "no_puback",
            Self::Broken { .. } => "broken",
            Self::Withheld(withheld) => withheld.code(),
            Self::Protocol { .. } | Self::Violation { .. } => "protocol",
        }
    }

    /// Whether asking again at once cannot help: somebody has to change something first.
    #[must_use]
    pub const fn is_refusal(&self) -> bool {
        match self {
            Self::Refused(reason) | Self::Disconnected(reason) => reason.meaning().is_permanent(),
            Self::Credential { may_pass, .. } => !*may_pass,
            Self::OneConnection | Self::Withheld(_) => true,
            Self::Unreachable { .. }
            | Self::TimedOut { .. }
            | Self::Unanswered { .. }
            | Self::Tls { .. }
            | Self::OtherCertificate { .. }
            | Self::SignIn { .. }
            | Self::Proxy { .. }
            | Self::Broken { .. }
            | Self::Protocol { .. }
            | Self::Violation { .. }
            | Self::NoConnack
            | Self::NoSuback
            | Self::NoPuback => false,
        }
    }

    /// Whether the broker says that the login is wrong.
    #[must_use]
    pub const fn is_wrong_login(&self) -> bool {
        matches!(self, Self::Refused(reason) if matches!(reason.meaning(), Meaning::Login))
    }

    /// DISCONNECT 0x8E: another connection took our client id.
    #[must_use]
    pub fn taken_over() -> Self {
        Self::Disconnected(ReasonCode::SESSION_TAKEN_OVER.into())
    }

    /// Whether another connection took our client id.
    #[must_use]
    pub const fn is_taken_over(&self) -> bool {
        matches!(self, Self::Disconnected(reason) if matches!(reason.meaning(), Meaning::TakenOver))
    }

    /// Whether the broker may speak only the other version of MQTT: it hung up at our CONNECT, answered something
    /// else or nothing at all.
    #[must_use]
    pub const fn may_be_the_version(&self) -> bool {
        matches!(self, Self::Protocol { .. } | Self::Unanswered { .. })
    }

    /// Whether it is as if nobody were there, which a computer that sleeps or is off explains.
    #[must_use]
    pub const fn is_silence(&self) -> bool {
        match self {
            Self::Disconnected(_) => !self.is_refusal() && !self.is_taken_over(),
            Self::Proxy { is_silence, .. } => *is_silence,
            Self::Unreachable { .. }
            | Self::TimedOut { .. }
            | Self::Unanswered { .. }
            | Self::Broken { .. }
            | Self::Protocol { .. }
            | Self::NoConnack => true,
            Self::Refused(_)
            | Self::Tls { .. }
            | Self::OtherCertificate { .. }
            | Self::SignIn { .. }
            | Self::Credential { .. }
            | Self::OneConnection
            | Self::NoSuback
            | Self::NoPuback
            | Self::Withheld(_)
            | Self::Violation { .. } => false,
        }
    }

    /// For the window.
    #[must_use]
    pub fn problem(&self) -> Problem {
        Problem { code: self.code().to_owned(), message: self.to_string() }
    }
}
