//! The view types: the window's contract and the command line's JSON.
//!
//! Owns only the shapes: [`crate::roster`] fills in people, [`crate::signal`] knocks and waves,
//! [`crate::engine`] the rest. A test generates `ui/src/lib/contract.ts` from these types. Contains
//! no rule about presence, and no words but those of a status: window and command line have their
//! own wording.
//!
//! Text from the network has passed through [`display_text`](crate::text::display_text) before it
//! comes here.

use serde::{Deserialize, Serialize};

use crate::contact::ContactLink;
use crate::names::with_id;
use crate::presence::Choice;
use crate::time::Timestamp;
use crate::view::preferences::PreferencesView;
use crate::view::signals::SignalsView;

pub use crate::presence::{Cause, ChosenStatus, Doubt, Group};

pub mod checks;
#[cfg(test)]
mod contract;
pub mod preferences;
pub mod settings;
pub mod signals;
pub mod team;
pub mod tray;
pub mod version;

/// One device of a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct DeviceView {
    /// Its id. A client that writes no device records has an empty id.
    pub device: String,
    /// The kind of device that it gives (`laptop`), if any.
    pub kind: Option<String>,
    /// `online`, `away`, `offline`, or a simple client's own word.
    pub status: String,
    /// The cause of the status, if known.
    pub cause: Option<Cause>,
    /// The start of the status, Unix milliseconds, if known.
    pub since: Option<Timestamp>,
}

/// One person, with the aggregate of their devices. Also the stable JSON of `who` and `watch`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct PersonView {
    /// The id bound to their credential. It never changes.
    pub user: String,
    /// The name that they gave themselves.
    pub name: String,
    /// The id to show beside the name, because another person's name looks the same. Absent: the
    /// name alone is unambiguous.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub shown_id: Option<String>,
    /// `online`, `away`, `dnd`, `offline`, or a simple client's own word.
    pub status: String,
    /// The cause of the status, if known.
    pub cause: Option<Cause>,
    /// The start of the status, Unix milliseconds, if known.
    pub since: Option<Timestamp>,
    /// The text that they set with their status.
    pub text: Option<String>,
    /// The emoji that they set with their status.
    pub emoji: Option<String>,
    /// When the chosen status ends, Unix milliseconds.
    pub until: Option<Timestamp>,
    /// Whether this may be out of date; the evidence contains the reason.
    pub stale: bool,
    /// Whether they are typing to the whole team. Absent means no.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    #[cfg_attr(test, ts(optional, as = "Option<bool>"))]
    pub typing: bool,
    /// Whether they are in a call. Absent means no, or unknown.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    #[cfg_attr(test, ts(optional, as = "Option<bool>"))]
    pub in_call: bool,
    /// The time zone of the deciding device, an IANA name; absent if it gives none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub tz: Option<String>,
    /// Their contact addresses: `mailto:`, `tel:`, `https:`, `xmpp:`, ... Absent if they publish none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(test, ts(optional, as = "Option<Vec<String>>"))]
    pub links: Vec<ContactLink>,
    /// Their devices, connected ones first.
    pub devices: Vec<DeviceView>,
    /// The data behind the status.
    pub evidence: Evidence,
}

/// The data of the device that decides a person's status.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Evidence {
    /// The id of the device; absent without any device, empty for a client that writes no device
    /// records.
    pub device: Option<String>,
    /// The kind of device that it gives (`laptop`), if any.
    pub kind: Option<String>,
    /// The state that it observes (`online`, `away`, `offline`), whatever the person chose.
    pub status: Option<String>,
    /// The cause of that state, if known.
    pub cause: Option<Cause>,
    /// The start of that state, Unix milliseconds, if known.
    pub since: Option<Timestamp>,
    /// When the broker received its last message, Unix milliseconds.
    pub heard: Option<Timestamp>,
    /// Within how many seconds its loss would show, if it happened now. Absent if nothing is
    /// promised.
    pub loss_shows_within_s: Option<u32>,
    /// Why the status may be out of date.
    pub doubt: Option<Doubt>,
}

impl PersonView {
    /// The position of this person in the list.
    #[must_use]
    pub fn group(&self) -> Group {
        Group::of_status(&self.status)
    }

    /// An unambiguous name for this person: `Anna`, or `Anna (anna-2)`.
    #[must_use]
    pub fn distinct_name(&self) -> String {
        with_id(&self.name, self.shown_id.as_deref())
    }

    /// The sort key of the list: people here first, then by name.
    #[must_use]
    pub fn order(&self) -> (Group, String, String) {
        (self.group(), self.name.to_lowercase(), self.user.clone())
    }
}

/// My chosen status, as shown to me.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct ChosenView {
    /// The chosen status.
    pub status: ChosenStatus,
    /// The text shown with it.
    pub text: Option<String>,
    /// The emoji shown with it.
    pub emoji: Option<String>,
    /// When it ends by itself, Unix milliseconds.
    pub until: Option<Timestamp>,
}

impl From<&Choice> for ChosenView {
    fn from(choice: &Choice) -> Self {
        Self {
            status: choice.status,
            text: choice.text.clone(),
            emoji: choice.emoji.clone(),
            until: choice.until,
        }
    }
}

/// My own status, as others see it, and my choice behind it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct MeView {
    /// My id.
    pub user: String,
    /// My name as shown to others.
    pub name: String,
    /// The effective status: `online`, `away`, `dnd`, `offline`, `invisible`.
    pub status: String,
    /// The cause of the status.
    pub cause: Option<Cause>,
    /// The start of the status, Unix milliseconds, if known.
    pub since: Option<Timestamp>,
    /// My choice, if there is one. Absent: the status follows what this device observes.
    pub chosen: Option<ChosenView>,
}

impl MeView {
    /// Whether my status is do not disturb.
    pub(crate) fn is_dnd(&self) -> bool {
        self.status == ChosenStatus::Dnd.word()
    }

    /// Whether I chose to be away, whatever my activity.
    pub(crate) fn chose_away(&self) -> bool {
        self.chosen.as_ref().is_some_and(|chosen| chosen.status == ChosenStatus::Away)
    }
}

/// A problem that the person should know and can do something about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Problem {
    /// The code that programs branch on: `unreachable`, `bad_credentials`, `hub_port_taken`, ...
    pub code: String,
    /// A sentence for people: what is wrong and what to do.
    pub message: String,
}

/// The connection to the broker.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
#[cfg_attr(test, derive(ts_rs::TS))]
pub enum ConnectionView {
    /// No connection was asked for yet.
    Unset,
    /// We are trying to connect.
    Connecting {
        /// When the connection was last up, Unix milliseconds; the list is as of then. Absent
        /// before the first time.
        as_of: Option<Timestamp>,
        /// When the next try starts, Unix milliseconds; absent during a try.
        retry_at: Option<Timestamp>,
        /// Why the last try or connection ended.
        problem: Option<Problem>,
        /// The computer that hosts the team, if it announced its own absence. Absent: unknown.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[cfg_attr(test, ts(optional))]
        host: Option<HostView>,
    },
    /// The connection is up.
    Up {
        /// When it came up, Unix milliseconds.
        since: Timestamp,
        /// Why people may be missing from the list. Absent: the list is complete.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[cfg_attr(test, ts(optional))]
        gap: Option<RosterGap>,
    },
    /// The broker refused us, and a quick retry would not help.
    Refused {
        /// When the connection was last up, Unix milliseconds.
        as_of: Option<Timestamp>,
        /// When we try again, Unix milliseconds.
        retry_at: Timestamp,
        /// The broker's reason and what to do.
        problem: Problem,
    },
    /// We disconnected.
    Closed,
}

/// Why people may be missing from the list although the connection is up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(test, derive(ts_rs::TS))]
pub enum RosterGap {
    /// The broker has not yet shown that it sends retained messages. An empty list may be
    /// incomplete.
    Unproven,
    /// The broker withholds messages that we need; a problem gives the details.
    Withheld,
}

/// The computer that hosts the team, while it is absent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct HostView {
    /// The name of its owner, or of the machine.
    pub name: String,
    /// `asleep`, `left` or `lost`.
    pub cause: Cause,
    /// The start of its absence, Unix milliseconds, if known.
    pub since: Option<Timestamp>,
}

/// The stage of the app's setup.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(test, derive(ts_rs::TS))]
pub enum Stage {
    /// Nothing is configured: ask whether to start a team, to join one or to look around.
    FirstStart,
    /// The app is being set up as the person asked.
    Starting,
    /// The app runs with a team.
    Running,
    /// The app shows the demo team, and stores nothing.
    LookingAround,
}

/// Everything that the window shows, at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Snapshot {
    /// The number of the last change contained.
    #[cfg_attr(test, ts(type = "number"))]
    pub seq: u64,
    /// The stage of the app's setup.
    pub stage: Stage,
    /// The language of the app: `en` or `de`.
    pub language: String,
    /// A name to suggest at first start.
    pub suggested_name: Option<String>,
    /// The name of the team that lists me as a member. Absent with a broker without members.
    pub team: Option<String>,
    /// My own status; absent until I have a user id.
    pub me: Option<MeView>,
    /// The connection.
    pub link: ConnectionView,
    /// Everybody else, in no particular order.
    pub people: Vec<PersonView>,
    /// The present problems.
    pub problems: Vec<Problem>,
    /// Knocks, waves and typing to me.
    pub signals: SignalsView,
    /// My preferences for this app.
    pub preferences: PreferencesView,
}

/// The changes since the update with the number before. A reader that misses a number asks for a
/// new snapshot.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Update {
    /// The number of this update.
    #[cfg_attr(test, ts(type = "number"))]
    pub seq: u64,
    /// My status, if it changed.
    pub me: Option<MeView>,
    /// The connection, if it changed.
    pub link: Option<ConnectionView>,
    /// People seen for the first time.
    pub joins: Vec<PersonView>,
    /// Known people whose view changed.
    pub changes: Vec<PersonView>,
    /// The ids of forgotten people.
    pub leaves: Vec<String>,
    /// All problems, if they changed.
    pub problems: Option<Vec<Problem>>,
    /// All knocks, waves and typing to me, if any of them changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub signals: Option<Box<SignalsView>>,
    /// All my preferences for this app, if any of them changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub preferences: Option<Box<PreferencesView>>,
}
