//! What passed lightly between me and others, as shown: knocks, waves, typing to me.

use serde::{Deserialize, Serialize};

use crate::presence::Cause;
use crate::time::Timestamp;
use crate::wire::Answer;

/// Everything of it that is held, until the app quits.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct SignalsView {
    /// Knocks and waves, the latest last: the twenty last ones, and older ones that something still comes of.
    pub exchanges: Vec<ExchangeView>,
    /// Ids of those who are typing to me alone.
    pub typing: Vec<String>,
    /// Ids of the people whose return I want to be notified of.
    pub back: Vec<String>,
    /// Ids of the people whose notifications are muted.
    pub muted: Vec<String>,
}

/// One knock, or waves.
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
    /// What was written; a wave's emoji.
    pub text: Option<String>,
    /// How many waves.
    pub count: u32,
    /// When it is to arrive.
    pub when: When,
    /// How far it has come. It only goes forward.
    pub stage: ExchangeStage,
    /// The answer of the recipient.
    pub answer: Option<Answer>,
    /// Why it, or what I answered, was not sent.
    pub failure: Option<FailureView>,
    /// It was sent half a minute ago, and no device of theirs said that it has it.
    pub unheard: bool,
    /// When it began here, Unix milliseconds.
    pub at: Timestamp,
}

/// What an exchange is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(test, derive(ts_rs::TS))]
pub enum ExchangeKind {
    /// A question whether somebody has a minute.
    Knock,
    /// A hello.
    Wave,
}

/// When a knock is to arrive.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(test, derive(ts_rs::TS))]
pub enum When {
    /// Now.
    #[default]
    Now,
    /// Once they are here.
    Back,
    /// Once both are online, and neither in a call nor not to be disturbed.
    BothFree,
}

/// How far an exchange has come. A later one is never followed by an earlier one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(test, derive(ts_rs::TS))]
pub enum ExchangeStage {
    /// It waits for what it was told to wait for.
    Waiting,
    /// On its way to the broker.
    Sending,
    /// It was not sent, and will not be.
    Failed,
    /// The broker has it.
    Sent,
    /// A device of theirs has it; of somebody else's: this one.
    Delivered,
    /// The recipient saw it.
    Seen,
    /// The recipient answered.
    Answered,
    /// Taken back.
    Withdrawn,
}

/// Why something was not sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct FailureView {
    /// What programs branch on: `offline`, `invisible`, `link_down`, `unconfirmed`, `not_known`, `myself`, `too_long`, `too_many`,
    /// `refused`.
    pub code: String,
    /// A sentence that says what is wrong and what to do.
    pub message: String,
    /// `offline`: since when, Unix milliseconds, where it is known.
    pub since: Option<Timestamp>,
    /// `offline`: why, where it is known.
    pub cause: Option<Cause>,
}
