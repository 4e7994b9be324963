//! Knocks, waves and typing to me, as shown.

use serde::{Deserialize, Serialize};

use crate::presence::Cause;
use crate::time::Timestamp;
use crate::wire::Answer;

/// All signals of this run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct SignalsView {
    /// Knocks and waves, the latest last: the last twenty, and older ones that are not finished.
    pub exchanges: Vec<ExchangeView>,
    /// Ids of the people who are typing to me alone.
    pub typing: Vec<String>,
    /// Ids of the people whose return I want to be notified of.
    pub back: Vec<String>,
    /// Ids of the people whose notifications are muted.
    pub muted: Vec<String>,
}

/// One knock, or several waves of one person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct ExchangeView {
    /// Its id, unique with the other person and the direction.
    pub id: String,
    /// The id of the other person.
    pub with: String,
    /// Their name.
    pub name: String,
    /// Whether I began it.
    pub mine: bool,
    /// What it is.
    pub kind: ExchangeKind,
    /// The text of a knock; the emoji of a wave.
    pub text: Option<String>,
    /// The number of waves.
    pub count: u32,
    /// When it should arrive.
    pub when: When,
    /// Its stage, which only goes forward.
    pub stage: ExchangeStage,
    /// The answer of the recipient.
    pub answer: Option<Answer>,
    /// Why the signal or my answer was not sent.
    pub failure: Option<FailureView>,
    /// Whether none of their devices confirmed it for half a minute.
    pub unheard: bool,
    /// When it began here, Unix milliseconds.
    pub at: Timestamp,
}

/// The kind of a signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(test, derive(ts_rs::TS))]
pub enum ExchangeKind {
    /// A question whether somebody has a minute.
    Knock,
    /// A hello.
    Wave,
}

/// When a knock should arrive.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(test, derive(ts_rs::TS))]
pub enum When {
    /// Now.
    #[default]
    Now,
    /// As soon as they are back.
    Back,
    /// As soon as both are online, and neither is in a call or on do not disturb.
    BothFree,
}

/// The stage of a signal. An earlier stage never follows a later one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(test, derive(ts_rs::TS))]
pub enum ExchangeStage {
    /// It waits for its condition.
    Waiting,
    /// On its way to the broker.
    Sending,
    /// It was not sent, and will not be.
    Failed,
    /// The broker has it.
    Sent,
    /// A device of the recipient has it. For a received knock, that is this device.
    Delivered,
    /// The recipient saw it.
    Seen,
    /// The recipient answered.
    Answered,
    /// It was taken back.
    Withdrawn,
}

/// Why a signal was not sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct FailureView {
    /// The code that programs branch on: `offline`, `invisible`, `link_down`, `unconfirmed`,
    /// `not_known`, `myself`, `too_long`, `too_many`, `refused`.
    pub code: String,
    /// A sentence for people: what is wrong and what to do.
    pub message: String,
    /// For `offline`: the start, Unix milliseconds, if known.
    pub since: Option<Timestamp>,
    /// For `offline`: the cause, if known.
    pub cause: Option<Cause>,
}
