//! What people are shown: the window's contract and the command line's JSON.
//!
//! Owns only the shapes: [`crate::roster`] fills in people, [`crate::signal`] knocks and waves, [`crate::engine`] the rest.
//! A test generates `ui/src/lib/contract.ts` from these types. Deliberately contains no rule about presence, and no words
//! but those of a status: window and command line have words of their own.
//!
//! Text from the network has been through [`display_text`](crate::text::display_text) before it comes here.

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
    /// What it says it is (`laptop`), if it does.
    pub kind: Option<String>,
    /// `online`, `away`, `offline`, or a simple client's own word.
    pub status: String,
    /// Why, where it is known.
    pub cause: Option<Cause>,
    /// Since when, Unix milliseconds, where it is known.
    pub since: Option<Timestamp>,
}

/// One person, summed over their devices. Also the stable JSON of `who` and `watch`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct PersonView {
    /// The id bound to their credential. It never changes.
    pub user: String,
    /// The name that they gave themselves.
    pub name: String,
    /// The id to show beside the name, because another person's name looks the same. Absent: the name alone
    /// says who it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub shown_id: Option<String>,
    /// `online`, `away`, `dnd`, `offline`, or a simple client's own word.
    pub status: String,
    /// Why, where it is known.
    pub cause: Option<Cause>,
    /// Since when, Unix milliseconds, where it is known.
    pub since: Option<Timestamp>,
    /// What they wrote beside their status.
    pub text: Option<String>,
    /// The emoji that they put beside their status.
    pub emoji: Option<String>,
    /// When the chosen status ends, Unix milliseconds.
    pub until: Option<Timestamp>,
    /// This was so when we last heard, and may be so no longer; the evidence says why.
    pub stale: bool,
    /// They are typing to the room. Absent means no.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    #[cfg_attr(test, ts(optional, as = "Option<bool>"))]
    pub typing: bool,
    /// They are in a call. Absent means that nothing says so.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    #[cfg_attr(test, ts(optional, as = "Option<bool>"))]
    pub in_call: bool,
    /// The time zone of the device that decides, an IANA name; absent where it tells none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub tz: Option<String>,
    /// Their contact addresses: `mailto:`, `tel:`, `https:`, `xmpp:`, ... Absent if they publish none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(test, ts(optional, as = "Option<Vec<String>>"))]
    pub links: Vec<ContactLink>,
    /// Their devices, those here first.
    pub devices: Vec<DeviceView>,
    /// Why all this is believed.
    pub evidence: Evidence,
}

/// What is known of the device that decides a person's status, and no more.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Evidence {
    /// The id of the device; absent where nothing was heard of any, empty for a client that writes no device records.
    pub device: Option<String>,
    /// What it says it is (`laptop`), if it does.
    pub kind: Option<String>,
    /// What it observes (`online`, `away`, `offline`), whatever the person chose.
    pub status: Option<String>,
    /// Why, where it is known.
    pub cause: Option<Cause>,
    /// Since when, Unix milliseconds, where it is known.
    pub since: Option<Timestamp>,
    /// When the broker took its last message, Unix milliseconds.
    pub heard: Option<Timestamp>,
    /// If it were lost now, this many seconds later it would show at the latest. Absent where nothing is promised.
    pub loss_shows_within_s: Option<u32>,
    /// Why it may be so no longer.
    pub doubt: Option<Doubt>,
}

impl PersonView {
    /// The position of this person in the list.
    #[must_use]
    pub fn group(&self) -> Group {
        Group::of_status(&self.status)
    }

    /// What to call this person so that nobody takes them for somebody else: `Anna`, or `Anna (anna-2)`.
    #[must_use]
    pub fn distinct_name(&self) -> String {
        with_id(&self.name, self.shown_id.as_deref())
    }

    /// By this people are listed: those here first, then by name.
    #[must_use]
    pub fn order(&self) -> (Group, String, String) {
        (self.group(), self.name.to_lowercase(), self.user.clone())
    }
}

/// What I chose, as shown to me.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct ChosenView {
    /// The chosen status.
    pub status: ChosenStatus,
    /// The text beside it.
    pub text: Option<String>,
    /// The emoji beside it.
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

/// My own status, as others see it, and what lies under it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct MeView {
    /// My id.
    pub user: String,
    /// My name as shown to others.
    pub name: String,
    /// The effective status: `online`, `away`, `dnd`, `offline`, `invisible`.
    pub status: String,
    /// Why.
    pub cause: Option<Cause>,
    /// Since when, Unix milliseconds, where it is known.
    pub since: Option<Timestamp>,
    /// What I chose, if I did. Absent: the status follows what this device observes.
    pub chosen: Option<ChosenView>,
}

impl MeView {
    /// Whether I am not to be disturbed.
    pub(crate) fn is_dnd(&self) -> bool {
        self.status == ChosenStatus::Dnd.word()
    }

    /// Whether I said that I am away, whatever the keyboard says.
    pub(crate) fn chose_away(&self) -> bool {
        self.chosen.as_ref().is_some_and(|chosen| chosen.status == ChosenStatus::Away)
    }
}

/// Something the person should know and can do something about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Problem {
    /// What programs branch on: `unreachable`, `bad_credentials`, `hub_port_taken`, ...
    pub code: String,
    /// A sentence that says what is wrong and what to do.
    pub message: String,
}

/// The connection to the broker.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
#[cfg_attr(test, derive(ts_rs::TS))]
pub enum ConnectionView {
    /// Not asked to connect yet.
    Unset,
    /// Trying.
    Connecting {
        /// When the link was last up, Unix milliseconds; the list is as of then. Absent before the first time.
        as_of: Option<Timestamp>,
        /// When the next try starts, Unix milliseconds; absent while one is under way.
        retry_at: Option<Timestamp>,
        /// Why the last try or connection ended.
        problem: Option<Problem>,
        /// The computer that hosts the team, where it said itself that it would not be there. Absent: not known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[cfg_attr(test, ts(optional))]
        host: Option<HostView>,
    },
    /// Connected.
    Up {
        /// Since when, Unix milliseconds.
        since: Timestamp,
        /// Why people may be missing from the list. Absent: everybody is in it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[cfg_attr(test, ts(optional))]
        gap: Option<RosterGap>,
    },
    /// The broker said no, and asking again quickly would not help.
    Refused {
        /// When the link was last up, Unix milliseconds.
        as_of: Option<Timestamp>,
        /// When it will be asked again, Unix milliseconds.
        retry_at: Timestamp,
        /// What it said and what to do.
        problem: Problem,
    },
    /// Said goodbye.
    Closed,
}

/// Why people may be missing from the list although the connection is up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(test, derive(ts_rs::TS))]
pub enum RosterGap {
    /// The broker has not shown yet that it hands out what it stores. An empty list may be one that was not handed out.
    Unproven,
    /// The broker withholds what is needed; a problem says what.
    Withheld,
}

/// The computer that hosts the team, while it is not there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct HostView {
    /// Whose computer it is, or what the box is called.
    pub name: String,
    /// `asleep`, `left` or `lost`.
    pub cause: Cause,
    /// Since when, Unix milliseconds, where it is known.
    pub since: Option<Timestamp>,
}

/// How far the app has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(test, derive(ts_rs::TS))]
pub enum Stage {
    /// Nothing is configured: ask whether to start a team, to join one or to look around.
    FirstStart,
    /// Being set up as the person asked.
    Starting,
    /// With a team.
    Running,
    /// With the demo team: nothing is kept.
    LookingAround,
}

/// Everything the window shows, at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Snapshot {
    /// The number of the last change contained.
    #[cfg_attr(test, ts(type = "number"))]
    pub seq: u64,
    /// How far the app has come.
    pub stage: Stage,
    /// What the app speaks: `en` or `de`.
    pub language: String,
    /// A name to offer at first start.
    pub suggested_name: Option<String>,
    /// The name of the team that lists me as a member. Absent with a broker that knows of no members.
    pub team: Option<String>,
    /// My own status; absent until there is somebody to be.
    pub me: Option<MeView>,
    /// The connection.
    pub link: ConnectionView,
    /// Everybody else, in no order.
    pub people: Vec<PersonView>,
    /// What the person should know.
    pub problems: Vec<Problem>,
    /// Knocks, waves and typing to me.
    pub signals: SignalsView,
    /// What I want of this app for myself.
    pub preferences: PreferencesView,
}

/// What changed since the update numbered one less. A reader that misses a number asks for a new snapshot.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Update {
    /// This change's number.
    #[cfg_attr(test, ts(type = "number"))]
    pub seq: u64,
    /// My status, if it changed.
    pub me: Option<MeView>,
    /// The connection, if it changed.
    pub link: Option<ConnectionView>,
    /// People seen for the first time.
    pub joins: Vec<PersonView>,
    /// People known before who are shown differently now.
    pub changes: Vec<PersonView>,
    /// Ids of people who are forgotten.
    pub leaves: Vec<String>,
    /// All problems, if they changed.
    pub problems: Option<Vec<Problem>>,
    /// All knocks, waves and typing to me, if anything of it changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub signals: Option<Box<SignalsView>>,
    /// All that I want of this app for myself, if anything of it changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub preferences: Option<Box<PreferencesView>>,
}
