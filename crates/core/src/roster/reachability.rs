//! What of a person matters to whoever wants to reach them.

use super::person_ref::PersonRef;
use crate::presence::{CauseView, Group};
use crate::time::Timestamp;

/// See the module's page.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reachability<'a> {
    status: &'a str,
    /// Why.
    pub(crate) cause: Option<CauseView>,
    /// Since when.
    pub(crate) since: Option<Timestamp>,
    in_call: bool,
    stale: bool,
}

impl Reachability<'_> {
    /// Not connected, as far as is known.
    pub(crate) fn is_offline(&self) -> bool {
        Group::of_status(self.status) == Group::Offline
    }

    /// Not connected, for certain.
    pub(crate) fn is_gone(&self) -> bool {
        self.is_offline() && !self.stale
    }

    /// Here, for certain.
    pub(crate) fn is_around(&self) -> bool {
        Group::of_status(self.status) == Group::Here && !self.stale
    }

    /// Online, neither in a call nor not to be disturbed, for certain.
    pub(crate) fn is_free(&self) -> bool {
        self.status == "online" && !self.in_call && !self.stale
    }
}

impl<'a> From<PersonRef<'a>> for Reachability<'a> {
    fn from(look: PersonRef<'a>) -> Self {
        Self {
            status: look.status,
            cause: look.cause,
            since: look.since,
            in_call: look.in_call,
            stale: look.is_stale(),
        }
    }
}
