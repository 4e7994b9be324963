//! Everything that the engine asks of the world.
//!
//! Owns the vocabulary of the sinks, in the imperative. A sink does what it is told, in order, and decides
//! nothing; what went wrong comes back as an [`crate::input::Input`].

use std::collections::BTreeSet;
use std::time::Duration;

use crate::connection::{ConnectionId, PublishId, Refusal};
use crate::id::{DeviceId, UserId};
use crate::notification::Notification;
use crate::preferences::Preferences;
use crate::team::Address;
use crate::view::Update;
use crate::view::tray::TrayView;

pub use crate::diagnostics::DropReason;

/// Something to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Store this. It is stored before any later effect is carried out.
    Save(Saved),
    /// Open a connection. Drop the earlier one without a DISCONNECT.
    Connect(Connect),
    /// SUBSCRIBE on the present connection, Retain Handling 0.
    Subscribe(Vec<Filter>),
    /// PUBLISH on the present connection.
    Publish(Publish),
    /// DISCONNECT with reason 0x00, which discards the Will, and close.
    Disconnect,
    /// Close the socket without DISCONNECT: the broker publishes the Will unless we are back within its delay.
    Drop,
    /// Open the Will connection. An earlier one is given up without a DISCONNECT.
    ConnectWill(Connect),
    /// DISCONNECT the Will connection with reason 0x00, which discards its Will, and close.
    DisconnectWill,
    /// Show what changed.
    Show(Box<Update>),
    /// Show this in the tray.
    ShowTray(TrayView),
    /// Pop up a notification.
    Notify(Notification),
    /// Take down the notification of that key, if it is up.
    WithdrawNotification {
        /// The [`Notification::key`].
        key: String,
    },
    /// Store the people whose notifications are muted.
    SaveMuted(BTreeSet<UserId>),
    /// Store the preferences.
    SavePreferences(Preferences),
    /// Write to the log that messages like this one are dropped. Each reason is logged once.
    Complain {
        /// The topic of the first of them.
        topic: String,
        /// What is wrong with it.
        error: DropReason,
    },
    /// Report that everything retained was read: the view contains the whole team.
    SnapshotRead,
    /// Store the addresses that the hub has published, for the next connection.
    Reachable(Vec<Address>),
    /// Report that the broker accepted the choice, or why it did not.
    ChoiceSettled(Result<(), Refusal>),
    /// The goodbye is acknowledged: the computer may sleep.
    MaySleep,
    /// The goodbye is acknowledged: no effect follows.
    Stopped,
}

/// What one device stores between runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Saved {
    /// The device's id. It changes only if a clone of this computer uses it, too.
    pub device: DeviceId,
    /// The Client Identifier of its presence, which changes with it.
    pub client_id: String,
    /// The number of the session about to begin.
    pub epoch: u64,
    /// Whether this broker is known to speak MQTT 5. Then we never fall back to 3.1.1.
    pub speaks_v5: bool,
    /// Whether the person was last known to be invisible.
    pub invisible: bool,
}

/// The version of MQTT.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// MQTT 5.
    V5,
    /// MQTT 3.1.1, which has no properties: no delay of a Will, no expiry, no reason codes.
    V311,
}

/// How to connect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connect {
    /// The number that its events carry.
    pub connection: ConnectionId,
    /// Which MQTT to speak.
    pub version: Version,
    /// The Client Identifier.
    pub client_id: String,
    /// Clean Start; Clean Session in 3.1.1.
    pub clean_start: bool,
    /// Session Expiry Interval; none in 3.1.1.
    pub session_expiry: Duration,
    /// Keep Alive.
    pub keep_alive: Duration,
    /// How long the transport may take: name, TCP, TLS and WebSocket.
    pub dial_within: Duration,
    /// How long to wait for the CONNACK, once there is a transport.
    pub connack_within: Duration,
    /// The Will.
    pub will: Option<Will>,
}

/// The message that the broker publishes if our connection dies (MQTT 5, 3.1.2.5).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Will {
    /// Will Topic.
    pub topic: String,
    /// Will Payload; retained, QoS 1.
    pub payload: Vec<u8>,
    /// Will Delay Interval; none in 3.1.1.
    pub delay: Duration,
    /// Message Expiry Interval; none in 3.1.1.
    pub expires_in: Duration,
}

/// The Quality of Service of a message (MQTT 5, 4.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Qos {
    /// QoS 0.
    AtMostOnce,
    /// QoS 1.
    AtLeastOnce,
}

/// What to subscribe to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter {
    /// Topic Filter.
    pub topic: String,
    /// The highest QoS that is wanted. Brokers limit how much of QoS 1 waits for a client.
    pub qos: Qos,
}

impl From<String> for Filter {
    /// At QoS 0.
    fn from(topic: String) -> Self {
        Self { topic, qos: Qos::AtMostOnce }
    }
}

/// A message of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Publish {
    /// The number with which its PUBACK is reported. Only QoS 1 has one.
    pub id: PublishId,
    /// Topic Name.
    pub topic: String,
    /// Payload.
    pub payload: Vec<u8>,
    /// Message Expiry Interval.
    pub expires_in: Option<Duration>,
    /// QoS.
    pub qos: Qos,
    /// RETAIN.
    pub retain: bool,
}

impl Publish {
    /// A record: QoS 1, retained.
    #[must_use]
    pub const fn record(
        id: PublishId,
        topic: String,
        payload: Vec<u8>,
        expires_in: Option<Duration>,
    ) -> Self {
        Self { id, topic, payload, expires_in, qos: Qos::AtLeastOnce, retain: true }
    }
}
