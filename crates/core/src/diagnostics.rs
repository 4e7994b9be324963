//! Counters for `--diagnostics`, and the reasons for dropping a message.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::notification::Suppressed;
use crate::wire::WireError;

/// Counters of one run, as `--diagnostics` prints them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Diagnostics {
    /// Messages received.
    pub received: u64,
    /// Messages that were records and counted.
    pub taken: u64,
    /// Messages dropped, by reason.
    pub dropped: BTreeMap<DropReason, u64>,
    /// Times in the future that were taken for now.
    pub future_times: u64,
    /// Records of this device that something else had overwritten and that were written again.
    pub corrected: u64,
    /// Corrections not made, because there had been too many within a minute.
    pub corrections_withheld: u64,
    /// Connections made.
    pub connects: u64,
    /// Connections lost, or tries that came to nothing.
    pub link_failures: u64,
    /// Changes that made no notification, by reason.
    pub silent: BTreeMap<Suppressed, u64>,
}

/// Why a message was dropped. The names are those of the counters that `--diagnostics` prints.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, thiserror::Error,
)]
#[serde(rename_all = "snake_case")]
pub enum DropReason {
    /// A topic level that should be an id is none.
    #[error("a part of its topic is not a valid id")]
    BadId,
    /// A topic that is none of the protocol's.
    #[error("its topic is not one of the presence protocol")]
    ForeignTopic,
    /// A typing mark or an inbox message in the broker's store, where neither belongs.
    #[error("it is a signal, and signals must not be retained")]
    RetainedSignal,
    /// A Will of an earlier session than the one that is known.
    #[error("it is the Will of an earlier session")]
    Ghost,
    /// The payload is no record.
    #[error(transparent)]
    #[serde(untagged)]
    Wire(#[from] WireError),
}
