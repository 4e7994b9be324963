//! Everybody, summed from their devices.
//!
//! Owns who is known and what is known of them; every change comes out as `{joins, leaves, changes}`.
//! Deliberately does no I/O, publishes nothing and pops no notice: [`crate::engine`] asks it for changes
//! and [`crate::notice`] judges them.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::id::{DeviceId, UserId};
use crate::time::{Monotonic, Now, Timestamp};
use crate::view::PersonView;
use crate::wire::{DeviceRecord, Payload, SumRecord, UserRecord};

mod person;

use person::Person;

/// How long a typing mark stands when nothing ends it: three seconds of the seed, and one for the way.
const TYPING_STANDS: Duration = Duration::from_secs(4);

/// How a message came to us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arrival {
    /// From the broker's store, at subscription; otherwise live.
    pub retained: bool,
    /// How long ago the broker took it, where it tells (MQTT 5, 3.3.2.3.3 *Message Expiry Interval*).
    pub age: Option<Duration>,
}

impl Arrival {
    /// Just now, by a broker that tells no age.
    pub const LIVE: Self = Self { retained: false, age: None };
}

/// What made a person look different.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// Our own connection or clock; nobody did anything.
    Local,
    /// A retained message read at subscription: it was so before we looked.
    Snapshot,
    /// A live message: it happened just now.
    Live,
}

/// What became of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Applied {
    /// It counts.
    Taken,
    /// A Will of an earlier session than the one whose record is held: ignored.
    Ghost,
}

/// One person's change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// What was shown before; `None` for somebody new.
    pub before: Option<PersonView>,
    /// What is to be shown now; `None` for somebody forgotten.
    pub after: Option<PersonView>,
    /// What made the difference.
    pub origin: Origin,
}

/// Everybody known.
#[derive(Debug, Default)]
pub struct Roster {
    people: BTreeMap<UserId, Person>,
    /// Who may look different since changes were last taken, and why.
    touched: BTreeMap<UserId, Origin>,
    /// When something about a person ends by itself: typing, a choice.
    ends: BTreeSet<(Monotonic, UserId)>,
    /// Counts records as they come in, to tell which of two came last.
    arrivals: u64,
    /// Whether our own connection is down and all this is what we last heard.
    stale: bool,
}

impl Roster {
    /// Folds a device record, or its clearing, into the roster.
    pub fn apply_device(
        &mut self,
        now: Now,
        user: &UserId,
        device: &DeviceId,
        payload: Payload<DeviceRecord>,
        arrival: Arrival,
    ) -> Applied {
        self.arrivals += 1;
        let number = self.arrivals;
        let person = self.people.entry(user.clone()).or_default();
        let applied = match payload {
            Payload::Cleared => person.forget_device(device),
            Payload::Record(record) => person.apply_device(now, device, record, arrival, number),
        };
        self.touch(now, user, arrival.into());
        applied
    }

    /// Folds what stands on a user topic into the roster: a seed-style client's record counts as one more
    /// device, a sum only carries such a record along.
    pub fn apply_user(
        &mut self,
        now: Now,
        user: &UserId,
        payload: Payload<UserRecord>,
        arrival: Arrival,
    ) {
        let person = self.people.entry(user.clone()).or_default();
        match payload {
            Payload::Cleared => person.forget_seed(),
            Payload::Record(UserRecord::Seed(record)) => person.apply_seed(now, record, arrival),
            Payload::Record(UserRecord::Sum(sum)) => person.apply_carried(now, sum.foreign),
        }
        self.touch(now, user, arrival.into());
    }

    /// Folds the time of a user's last input into the roster.
    pub fn apply_activity(
        &mut self,
        now: Now,
        user: &UserId,
        payload: Payload<Timestamp>,
        arrival: Arrival,
    ) {
        let person = self.people.entry(user.clone()).or_default();
        person.last_input = match payload {
            Payload::Cleared => None,
            Payload::Record(at) => Some(at.min(now.wall)),
        };
        self.touch(now, user, arrival.into());
    }

    /// Folds a typing mark into the roster.
    pub fn apply_typing(&mut self, now: Now, user: &UserId, typing: bool) {
        let person = self.people.entry(user.clone()).or_default();
        person.typing_until = typing.then(|| now.mono + TYPING_STANDS);
        self.touch(now, user, Origin::Live);
    }

    /// Says whether our own connection is down, so that all of this is only what we last heard.
    pub fn set_stale(&mut self, stale: bool) {
        if self.stale != stale {
            self.stale = stale;
            for user in self.people.keys() {
                self.touched.entry(user.clone()).or_insert(Origin::Local);
            }
        }
    }

    /// Ends what ends by itself: typing marks and chosen statuses whose time has come.
    pub fn expire(&mut self, now: Now) {
        while let Some((at, user)) = self.ends.first().cloned() {
            if at > now.mono {
                break;
            }
            self.ends.pop_first();
            if let Some(person) = self.people.get_mut(&user) {
                person.end = None;
                if person.typing_until.is_some_and(|until| until <= now.mono) {
                    person.typing_until = None;
                }
            }
            self.touch(now, &user, Origin::Local);
        }
    }

    /// When [`Roster::expire`] has something to do.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Monotonic> {
        self.ends.first().map(|(at, _)| *at)
    }

    /// What changed since this was last called.
    pub fn take_changes(&mut self, now: Now) -> Vec<Change> {
        let mut changes = Vec::new();
        for (user, origin) in std::mem::take(&mut self.touched) {
            let Some(person) = self.people.get_mut(&user) else {
                continue;
            };
            let after = person.view(&user, now, self.stale);
            if person.shown == after {
                continue;
            }
            let before = std::mem::replace(&mut person.shown, after.clone());
            if after.is_none() {
                // Somebody forgotten does not come back with the past of their last visit.
                person.last_input = None;
            }
            changes.push(Change { before, after, origin });
        }
        self.people.retain(|_, person| !person.is_empty());
        changes
    }

    /// Everybody, as last taken.
    pub fn people(&self) -> impl Iterator<Item = &PersonView> {
        self.people.values().filter_map(|person| person.shown.as_ref())
    }

    /// One person, as they are now.
    #[must_use]
    pub fn person(&self, user: &UserId, now: Now) -> Option<PersonView> {
        self.people.get(user).and_then(|person| person.view(user, now, self.stale))
    }

    /// The sum of a person's devices as seed-style readers shall see it, a seed-style client's own record
    /// carried along. Without any device here it says offline.
    #[must_use]
    pub fn sum(&self, user: &UserId, now: Now) -> SumRecord {
        self.people.get(user).map_or_else(|| Person::default().sum(now), |person| person.sum(now))
    }

    /// The ids of a person's devices that are here, lowest first.
    pub fn devices_here<'a>(&'a self, user: &UserId) -> impl Iterator<Item = &'a DeviceId> {
        self.people.get(user).into_iter().flat_map(Person::devices_here)
    }

    /// When a user last gave input, where somebody said so.
    #[must_use]
    pub fn last_input(&self, user: &UserId) -> Option<Timestamp> {
        self.people.get(user).and_then(|person| person.last_input)
    }

    fn touch(&mut self, now: Now, user: &UserId, origin: Origin) {
        let noted = self.touched.entry(user.clone()).or_insert(origin);
        *noted = origin.max(*noted);
        let Some(person) = self.people.get_mut(user) else {
            return;
        };
        let end = person.next_end(now);
        if person.end != end {
            if let Some(old) = person.end.take() {
                self.ends.remove(&(old, user.clone()));
            }
            if let Some(at) = end {
                self.ends.insert((at, user.clone()));
            }
            person.end = end;
        }
    }
}

impl From<Arrival> for Origin {
    fn from(arrival: Arrival) -> Self {
        if arrival.retained { Self::Snapshot } else { Self::Live }
    }
}

#[cfg(test)]
mod tests;
