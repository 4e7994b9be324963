//! Who an engine is, and what it is told to keep to.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::access::RosterAccess;
use crate::contact::ContactLink;
use crate::id::{DeviceId, Root, UserId};
use crate::notification::NotificationPolicy;
use crate::preferences::Preferences;
use crate::rule::Rule;

/// Who this engine is.
#[derive(Debug, Clone)]
pub struct Settings {
    /// What every topic begins with.
    pub root: Root,
    /// The MQTT Client Identifier. A holder's is saved, a reader's random.
    pub client_id: String,
    /// What it does.
    pub role: Role,
    /// Which notifications are wanted.
    pub notifications: NotificationPolicy,
    /// Whether what a tray shows is told: a device without a person before it has none.
    pub has_tray: bool,
    /// What the person wants of this app for themselves.
    pub preferences: Preferences,
    /// Whether this broker is known to speak MQTT 5, so that nothing makes us fall back to 3.1.1.
    pub speaks_v5: bool,
    /// Of whom nothing pops up.
    pub muted: BTreeSet<UserId>,
    /// For jitter: two engines with the same seed and inputs do the same.
    pub seed: u64,
    /// A rule of the protocol that is not kept; only the simulation takes one out, to see that it is missed.
    #[doc(hidden)]
    pub without: Option<Rule>,
}

/// What an engine does.
#[derive(Debug, Clone)]
pub enum Role {
    /// It is the presence of a device.
    Device(DeviceSettings),
    /// It reads the room and disturbs nobody.
    Observer,
    /// The same for a person who is known: their topics can show whether the broker hands out what it stores.
    ObserverFor(UserId),
    /// The same, and it finds out whether the broker hands out what it stores, by a mark on the person's typing topic
    /// that it clears again.
    BrokerTest(UserId),
    /// It reads and writes what a person chose, beside their running devices.
    StatusSetter(UserId),
    /// It reads the room and speaks to others for a person, beside their running devices, which hear what others say.
    Signaller(UserId),
}

/// The device that a holder is.
#[derive(Debug, Clone)]
pub struct DeviceSettings {
    /// Whose device.
    pub user: UserId,
    /// Which device.
    pub device: DeviceId,
    /// The name shown.
    pub name: String,
    /// What the device is, in a word.
    pub kind: Option<String>,
    /// The time zone's IANA name.
    pub tz: Option<String>,
    /// By what the person says they can be reached, at most [`MAX_LINKS`](crate::contact::MAX_LINKS).
    pub links: Vec<ContactLink>,
    /// Without input for so long, the person is away.
    pub away_after: Duration,
    /// The last epoch that was saved.
    pub last_epoch: u64,
    /// How long a drop of the connection is seen by nobody: Will Delay Interval.
    pub grace: Duration,
    /// For how long a record counts without being renewed.
    pub lease: Duration,
    /// Whether the user topic is written for simple readers where no hub does it.
    pub user_topic: bool,
    /// Whether a call is a do-not-disturb, unless the person says otherwise.
    pub calls_dnd: bool,
    /// Whether others are told of being away no more than that: neither why nor since when.
    pub coarse: bool,
    /// Whether the person was last known to be invisible.
    pub invisible: bool,
}

/// What is known of the broker, for whoever looks after it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Health {
    /// MQTT 5 is spoken, else 3.1.1.
    pub speaks_v5: bool,
    /// A hub writes the user topics.
    pub hub_aggregates: bool,
    /// Within what time a device whose connection dies unseen shows, with the usual grace; `None` where the broker
    /// waits for ever.
    pub loss_shows_within: Option<Duration>,
    /// Whether the roster can be read.
    pub roster_access: RosterAccess,
}

/// How long a drop is seen by nobody, unless said otherwise.
pub const GRACE: Duration = Duration::from_secs(6);
/// For how long a record counts without being renewed, unless said otherwise.
pub const LEASE: Duration = Duration::from_secs(60 * 60);
