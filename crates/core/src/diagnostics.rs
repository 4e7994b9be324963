//! Counters of what was dropped, and why.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::effect::DropReason;
use crate::notification::Suppressed;

/// What `--diagnostics` prints.
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
