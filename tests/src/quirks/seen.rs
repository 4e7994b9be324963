//! What the quirk broker saw of its clients.

use std::time::Duration;

/// The version of MQTT that a client speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "a version is its own description")]
pub enum Version {
    V311,
    V5,
}

/// A CONNECT.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connect {
    /// The version of the protocol.
    pub version: Version,
    /// The client id.
    pub client_id: String,
    /// Clean Start, in 3.1.1 Clean Session.
    pub clean_start: bool,
    /// In seconds; 0 is off.
    pub keep_alive: u16,
    /// Session Expiry Interval, in seconds.
    pub session_expiry: u32,
    /// The user name, empty where there is only a password.
    pub user: Option<String>,
    /// The password, empty where there is only a user name.
    pub password: Option<String>,
    /// The topic of the Will.
    pub will_topic: Option<String>,
}

/// A PUBLISH.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    /// The topic.
    pub topic: String,
    /// The payload.
    pub payload: Vec<u8>,
    /// Whether it is retained.
    pub retain: bool,
    /// 0 or 1.
    pub qos: u8,
    /// The Message Expiry Interval.
    pub expiry: Option<Duration>,
}

/// One thing that a client did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// It sent CONNECT.
    Connect(Connect),
    /// It sent SUBSCRIBE with these filters.
    Subscribe(Vec<String>),
    /// It sent UNSUBSCRIBE with these filters.
    Unsubscribe(Vec<String>),
    /// It sent PUBLISH.
    Publish(Published),
    /// It sent PINGREQ.
    PingReq,
    /// It sent DISCONNECT with this reason code.
    Disconnect(u8),
    /// It sent something that is not MQTT.
    Malformed(String),
    /// Either side ended its connection.
    End,
}

/// What the broker saw, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// When, on the time line of [`crate::until::uptime`].
    pub at: Duration,
    /// On which connection; the first has the number 1.
    pub connection: usize,
    /// What.
    pub action: Action,
}
