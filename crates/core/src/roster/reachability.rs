//! Whether somebody can be reached now.

use crate::presence::{Cause, Group};
use crate::time::Timestamp;

/// A person's status, for somebody who wants to reach them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reachability<'a> {
    pub(super) status: &'a str,
    /// The cause of the status.
    pub(crate) cause: Option<Cause>,
    /// The start of the status, if known.
    pub(crate) since: Option<Timestamp>,
    pub(super) in_call: bool,
    pub(super) stale: bool,
}

impl Reachability<'_> {
    /// Whether the person is not connected, as far as is known.
    pub(crate) fn is_offline(&self) -> bool {
        Group::of_status(self.status) == Group::Offline
    }

    /// Whether the person is certainly not connected.
    pub(crate) fn is_gone(&self) -> bool {
        self.is_offline() && !self.stale
    }

    /// Whether the person is certainly here.
    pub(crate) fn is_around(&self) -> bool {
        Group::of_status(self.status) == Group::Here && !self.stale
    }

    /// Whether the person is certainly online, and not in a call.
    pub(crate) fn is_free(&self) -> bool {
        self.status == "online" && !self.in_call && !self.stale
    }
}
