//! What an engine is made with: whose it is, what it does, and what the person wants.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::access::RosterAccess;
use crate::contact::ContactLink;
use crate::id::{DeviceId, Root, UserId};
use crate::notification::NotificationPolicy;
use crate::preferences::Preferences;
use crate::rule::Rule;

/// What an [`Engine`](super::Engine) is made with.
#[derive(Debug, Clone)]
pub struct Settings {
    /// What every topic begins with.
    pub root: Root,
    /// The MQTT Client Identifier. A device's is saved, a reader's random.
    pub client_id: String,
    /// What the engine does.
    pub role: Role,
    /// Which notifications are wanted.
    pub notifications: NotificationPolicy,
    /// Whether there is a tray to show things in.
    pub has_tray: bool,
    /// The person's preferences.
    pub preferences: Preferences,
    /// Whether this broker is known to speak MQTT 5, so that nothing makes us fall back to 3.1.1.
    pub speaks_v5: bool,
    /// People whose notifications are muted.
    pub muted: BTreeSet<UserId>,
    /// For jitter: two engines with the same seed and inputs do the same.
    pub seed: u64,
    /// A rule that this engine does not keep. Only the simulation takes one out, to see that it is missed.
    #[doc(hidden)]
    pub without: Option<Rule>,
}

/// What an engine does.
#[derive(Debug, Clone)]
pub enum Role {
    /// Publishes the presence of a device.
    Device(DeviceSettings),
    /// Reads the roster and publishes nothing.
    Observer,
    /// As [`Role::Observer`], for this person: their topics can show whether the broker hands out what it stores.
    ObserverFor(UserId),
    /// As [`Role::ObserverFor`], and finds out whether the broker hands out what it stores: it publishes a mark on the
    /// person's typing topic and clears it again.
    BrokerTest(UserId),
    /// Reads and sets the status that a person chose, beside their running devices.
    StatusSetter(UserId),
    /// Reads the roster and sends a person's knocks and waves, beside their running devices, which receive the answers.
    Signaller(UserId),
}

/// The device whose presence an engine publishes.
#[derive(Debug, Clone)]
pub struct DeviceSettings {
    /// The user whose device it is.
    pub user: UserId,
    /// The device's id.
    pub device: DeviceId,
    /// The person's name, as others see it.
    pub name: String,
    /// What the device is, in a word.
    pub kind: Option<String>,
    /// The time zone's IANA name.
    pub tz: Option<String>,
    /// Links by which others can reach the person, at most [`MAX_LINKS`](crate::contact::MAX_LINKS).
    pub links: Vec<ContactLink>,
    /// After this long without input the person is away.
    pub away_after: Duration,
    /// The last epoch that was saved.
    pub last_epoch: u64,
    /// Grace period: nobody sees a drop of the connection shorter than this. It is the Will Delay Interval.
    pub grace: Duration,
    /// How long a record counts without being renewed.
    pub lease: Duration,
    /// Whether to write the user topic for simple clients where no hub does it.
    pub user_topic: bool,
    /// Whether a call sets do-not-disturb, unless the person chose a status.
    pub calls_dnd: bool,
    /// Whether others see only that the person is away, and neither why nor since when.
    pub coarse: bool,
    /// Whether the person was last known to be invisible.
    pub invisible: bool,
}

/// What is known of the broker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Health {
    /// MQTT 5 is spoken, else 3.1.1.
    pub speaks_v5: bool,
    /// A hub writes the user topics.
    pub hub_aggregates: bool,
    /// How soon the loss of a device shows whose connection dies unseen, with the usual grace period. `None`: the broker
    /// waits for ever.
    pub loss_shows_within: Option<Duration>,
    /// Whether the roster can be read.
    pub roster_access: RosterAccess,
    /// Whether the person chose to be invisible; `None` for a role that does not read this, or before it was read.
    pub is_invisible: Option<bool>,
}

/// The usual grace period.
pub const GRACE: Duration = Duration::from_secs(6);
/// The usual lease: how long a record counts without being renewed.
pub const LEASE: Duration = Duration::from_secs(60 * 60);
