//! The settings of an engine: its role, its identity and the person's preferences.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::access::RosterAccess;
use crate::contact::ContactLink;
use crate::id::{DeviceId, Root, UserId};
use crate::notification::NotificationPolicy;
use crate::preferences::Preferences;
use crate::rule::Rule;

/// The settings with which an [`Engine`](super::Engine) is created.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The prefix of every topic.
    pub root: Root,
    /// The MQTT Client Identifier. A device's is saved, a reader's random.
    pub client_id: String,
    /// What the engine reads and publishes.
    pub role: Role,
    /// Which notifications the person wants.
    pub notifications: NotificationPolicy,
    /// Whether the app has a tray icon.
    pub has_tray: bool,
    /// The person's preferences.
    pub preferences: Preferences,
    /// Whether this broker is known to speak MQTT 5, so that the engine never falls back to 3.1.1.
    pub speaks_v5: bool,
    /// People whose notifications are muted.
    pub muted: BTreeSet<UserId>,
    /// The seed for jitter: two engines with the same seed and inputs do the same.
    pub seed: u64,
    /// A rule that this engine breaks. Only the simulation sets it, to check that it notices.
    #[doc(hidden)]
    pub without: Option<Rule>,
}

/// The role of an engine: what it reads and publishes.
#[derive(Debug, Clone)]
pub enum Role {
    /// Publishes the presence of a device.
    Device(DeviceSettings),
    /// Reads the roster and publishes nothing.
    Observer,
    /// Reads the roster for this person. Their topics can show whether the broker sends retained
    /// messages for wildcards.
    ObserverFor(UserId),
    /// Reads the roster and tests whether the broker sends retained messages for wildcards. It
    /// publishes a mark on the person's typing topic and clears it again.
    BrokerTest(UserId),
    /// Reads and sets the status that a person chose, while their devices run.
    StatusSetter(UserId),
    /// Reads the roster and sends a person's knocks and waves, while their devices run and receive
    /// the answers.
    Signaller(UserId),
}

/// The settings of the device whose presence an engine publishes.
#[derive(Debug, Clone)]
pub struct DeviceSettings {
    /// The user who owns the device.
    pub user: UserId,
    /// The device's id.
    pub device: DeviceId,
    /// The person's name, as others see it.
    pub name: String,
    /// The kind of device, in one word.
    pub kind: Option<String>,
    /// The time zone's IANA name.
    pub tz: Option<String>,
    /// Links to contact the person, at most [`MAX_LINKS`](crate::contact::MAX_LINKS).
    pub links: Vec<ContactLink>,
    /// After this long without input the person is away.
    pub away_after: Duration,
    /// The last saved epoch.
    pub last_epoch: u64,
    /// The grace period: nobody sees a loss of the connection that is shorter. It is the Will Delay
    /// Interval.
    pub grace: Duration,
    /// How long a record counts without being renewed.
    pub lease: Duration,
    /// Whether to publish the user topic for simple clients where no hub does.
    pub user_topic: bool,
    /// Whether a call sets do-not-disturb, unless the person chose a status.
    pub calls_dnd: bool,
    /// Whether others see only that the person is away, but neither the cause nor the time.
    pub coarse: bool,
    /// Whether the person was last known to be invisible.
    pub invisible: bool,
}

/// What an engine knows about its broker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Health {
    /// Whether the connection uses MQTT 5; otherwise it uses 3.1.1.
    pub speaks_v5: bool,
    /// Whether a hub or gateway writes the user topics.
    pub hub_aggregates: bool,
    /// How soon others see that a device lost its connection, with the usual grace period. `None`:
    /// the broker never notices.
    pub loss_shows_within: Option<Duration>,
    /// Whether the roster can be read.
    pub roster_access: RosterAccess,
    /// Whether the person chose to be invisible. `None` if the role does not read this, or has not
    /// read it yet.
    pub is_invisible: Option<bool>,
}

/// The usual grace period.
pub const GRACE: Duration = Duration::from_secs(6);
/// The usual lease: how long a record counts without being renewed.
pub const LEASE: Duration = Duration::from_secs(60 * 60);
