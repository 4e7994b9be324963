//! The context of knocks, waves and typing: connection, roster and my own status.

use super::{LASTS, SignalError};
use crate::id::UserId;
use crate::notification::{Suppressed, Who};
use crate::roster::{Reachability, Roster};
use crate::time::{Monotonic, Now};
use crate::view::signals::When;

/// The connection, the roster and my own status at one moment, as far as signals depend on them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SignalContext<'a> {
    pub(crate) now: Now,
    pub(crate) roster: &'a Roster,
    /// Whether the connection is up, and the retained messages were read.
    pub(crate) up: bool,
    /// Whether others see that I am here.
    pub(crate) visible: bool,
    /// Whether the roster shows me online and in no call.
    pub(crate) free: bool,
    /// Why notifications wait until later.
    pub(crate) quiet: Option<Suppressed>,
}

impl<'a> SignalContext<'a> {
    pub(super) fn reachability(self, user: &'a UserId) -> Option<Reachability<'a>> {
        self.roster.reachability(user, self.now)
    }

    /// A person with the name shown for them, or else with their id.
    pub(super) fn who(self, user: &UserId) -> Who {
        let known = self.roster.person(user, self.now).map(|person| person.name);
        let name =
            known.unwrap_or_else(|| crate::text::display_id(user.as_str(), crate::text::MAX_NAME));
        Who { user: user.to_string(), name }
    }

    /// Whether `is` holds for the other person, and they would see that I am here.
    pub(super) fn sees(self, other: &UserId, is: impl FnOnce(&Reachability<'_>) -> bool) -> bool {
        self.up && self.visible && self.reachability(other).is_some_and(|it| is(&it))
    }

    /// Whether both of us are online and in no call.
    pub(super) fn both_free(self, other: &UserId) -> bool {
        self.free && self.sees(other, |it| it.is_free())
    }

    /// Whether a message may go to a person, as far as is known now.
    pub(super) fn check(self, to: &UserId, name: &str, when: When) -> Result<(), SignalError> {
        if !self.visible {
            return Err(SignalError::Invisible);
        }
        if !self.up {
            return Ok(());
        }
        match self.reachability(to) {
            None => Err(SignalError::NotKnown),
            Some(it) if when == When::Now && it.is_gone() => Err(SignalError::Offline {
                name: self.roster.distinct_name(to.as_str(), name),
                since: it.since,
                cause: it.cause,
            }),
            Some(_) => Ok(()),
        }
    }

    /// Whether an immediate message that exists since then may go. `None` while my own connection
    /// may still come back.
    pub(super) fn departure(
        self,
        to: &UserId,
        name: &str,
        since: Monotonic,
    ) -> Option<Result<(), SignalError>> {
        if self.now.mono >= since + LASTS {
            return Some(Err(SignalError::LinkDown));
        }
        (self.up || !self.visible).then(|| self.check(to, name, When::Now))
    }
}
