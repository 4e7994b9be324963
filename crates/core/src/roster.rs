//! All people, each computed from their devices.
//!
//! Owns who is known and what is known of them; every change is a join, a leave or a change. Deliberately does no I/O,
//! publishes nothing and notifies nobody: [`crate::engine`] asks for the changes and [`crate::notification`] judges them.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::expiry::{Age, BrokerExpiry, Interval};
use crate::id::{DeviceId, UserId};
use crate::names::Names;
use crate::presence::{Cause, Observed, OfflineCause};
use crate::rule::Rule;
use crate::time::{ClockChange, ClockWatch, Monotonic, Now, Timestamp};
use crate::view::PersonView;
use crate::wire::{AggregateRecord, DeviceRecord, Payload, UserRecord};

mod device;
mod person;
mod reachability;

pub use crate::expiry::Arrival;
use device::Expired;
pub(crate) use device::since_of;
use person::{LastInput, Person};
pub(crate) use reachability::Reachability;

/// How long a typing mark stands when nothing ends it: three seconds of the seed, and one for the way.
const TYPING_LASTS: Duration = Duration::from_secs(4);

/// After a CONNACK, what is lost or missing has this long to come back before it is believed.
const RESYNC: Duration = Duration::from_secs(10);
/// How much later than the protocol's timers a broker may notice a loss: 11 s were measured with
/// Mosquitto 2.0.11. Our own hub is not late.
const BROKERS_ARE_LATE: Duration = Duration::from_secs(11);

/// So many lost in a row, each within a second of the one before, are not believed before nothing came for two more: a broker
/// that ends publishes everybody's Will to everybody, and of two hundred people that takes a while.
const MANY: u32 = 5;
const LOST_TOGETHER: Duration = Duration::from_secs(1);
const MANY_ARE_HELD: Duration = Duration::from_secs(2);
/// From the first of them on.
const AT_MOST_HELD: Duration = Duration::from_secs(10);

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
    StaleWill,
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

/// What decides what is believed of a device, the same for all.
#[derive(Debug, Clone, Copy)]
struct ConnectionContext {
    /// Whether our own connection is up and was read.
    connection_up: bool,
    /// How many connections we had.
    connection: u64,
    /// The number of the first connection since we were away for longer than it takes to come back.
    away_before: u64,
    /// Until when we settle, if we do.
    settling: Option<Monotonic>,
    /// How much later than promised a loss may show.
    broker_is_late: Duration,
    /// Until when so many are lost at once that it may be the broker that ends.
    many_lost: Option<Monotonic>,
    /// What is known of how the broker treats Message Expiry.
    expiry: BrokerExpiry,
    /// See [`Rule`].
    without: Option<Rule>,
}

/// Everybody known.
#[derive(Debug, Default)]
pub struct Roster {
    people: BTreeMap<UserId, Person>,
    /// The names of those who are shown.
    names: Names,
    /// Who may look different since changes were last taken, and why.
    dirty: BTreeMap<UserId, Origin>,
    /// When something about a person ends by itself: typing, a choice.
    ends: BTreeSet<(Monotonic, UserId)>,
    /// Counts records as they come in, to tell which of two came last.
    arrivals: u64,
    losses: Losses,
    around: ConnectionContext,
    /// When our connection went down.
    lost_at: Option<Monotonic>,
    /// Whether that is known of everybody, and no other connection was made since.
    is_cut_off: bool,
    /// Notices that our own clock was set.
    clock: ClockWatch,
    /// More is known of the broker than when the ages of what is held were judged.
    ages_changed: bool,
}

/// Live losses in a row.
#[derive(Debug, Default)]
struct Losses {
    count: u32,
    first: Monotonic,
    last: Monotonic,
}

impl Losses {
    /// Another one was heard of: until when it is not believed, where it is one of many.
    fn one_more(&mut self, now: Now) -> Option<Monotonic> {
        if self.count == 0 || now.mono.since(self.last) > LOST_TOGETHER {
            (self.count, self.first) = (0, now.mono);
        }
        self.count += 1;
        self.last = now.mono;
        (self.count >= MANY).then(|| (now.mono + MANY_ARE_HELD).min(self.first + AT_MOST_HELD))
    }
}

impl ConnectionContext {
    /// How old a record is.
    fn age(&self, now: Now, arrival: Arrival, written: Option<Timestamp>) -> Age {
        self.expiry.age(now, Interval::Record, arrival, written, self.without)
    }

    /// Where a moment of somebody else's lies on our calendar; see [`Now::place`].
    fn place(
        &self,
        now: Now,
        at: Timestamp,
        written: Option<Timestamp>,
        age: Option<Duration>,
    ) -> Option<Timestamp> {
        if self.without == Some(Rule::TimeCheck) {
            let told = at.min(now.wall);
            return Some(
                age.zip(written).map_or(told, |(age, written)| now.ago(age) - written.since(at)),
            );
        }
        now.place(at, written, age)
    }
}

impl Default for ConnectionContext {
    /// Beside the broker, as a hub is: there is no link that could be down.
    fn default() -> Self {
        Self {
            connection_up: true,
            connection: 0,
            away_before: 0,
            settling: None,
            broker_is_late: BROKERS_ARE_LATE,
            many_lost: None,
            expiry: BrokerExpiry::default(),
            without: None,
        }
    }
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
        self.follow_clock(now);
        if let Payload::Record(record) = &payload {
            self.note_expiry(now, arrival, record.timestamp);
        }
        self.arrivals += 1;
        let number = self.arrivals;
        let lost =
            |record: &DeviceRecord| record.observed == Observed::Offline(Some(OfflineCause::Lost));
        if matches!(&payload, Payload::Record(record) if lost(record)) && !arrival.retained {
            self.around.many_lost = self.losses.one_more(now);
        }
        let person = self.people.entry(user.clone()).or_default();
        let applied = match payload {
            Payload::Cleared => person.forget_device(device),
            Payload::Record(record) => {
                person.apply_device(now, device, record, arrival, number, &self.around)
            }
        };
        self.mark_dirty(now, user, arrival.into());
        applied
    }

    /// Folds what stands on a user topic into the roster: a simple client's record counts as one more
    /// device, a sum only carries such a record along.
    pub fn apply_user(
        &mut self,
        now: Now,
        user: &UserId,
        payload: Payload<UserRecord>,
        arrival: Arrival,
    ) {
        self.follow_clock(now);
        let person = self.people.entry(user.clone()).or_default();
        match payload {
            Payload::Cleared => person.forget_simple(),
            Payload::Record(UserRecord::Simple(record)) => {
                person.apply_simple(now, record, arrival, &self.around);
            }
            // A Will: written long ago, it can't know which other clients there are now.
            Payload::Record(UserRecord::Aggregate(sum)) if sum.timestamp.is_none() => {
                person.keep_simple(&self.around);
            }
            Payload::Record(UserRecord::Aggregate(sum)) => {
                person.apply_carried(now, sum.foreign, &self.around);
            }
        }
        self.mark_dirty(now, user, arrival.into());
    }

    /// Folds the time of a user's last input into the roster.
    pub fn apply_activity(
        &mut self,
        now: Now,
        user: &UserId,
        payload: Payload<Timestamp>,
        arrival: Arrival,
    ) {
        self.follow_clock(now);
        let person = self.people.entry(user.clone()).or_default();
        person.last_input = match payload {
            Payload::Cleared => None,
            Payload::Record(at) => Some(LastInput::told(now, at, &self.around)),
        };
        self.mark_dirty(now, user, arrival.into());
    }

    /// Folds a typing mark into the roster.
    pub fn apply_typing(&mut self, now: Now, user: &UserId, typing: bool) {
        let person = self.people.entry(user.clone()).or_default();
        person.typing_until = typing.then(|| now.mono + TYPING_LASTS);
        self.mark_dirty(now, user, Origin::Live);
    }

    /// How long ago the broker took a record that its writer's calendar says was `written` then, where that is known.
    #[must_use]
    pub fn age(&self, now: Now, arrival: Arrival, written: Option<Timestamp>) -> Option<Duration> {
        self.around.age(now, arrival, written).exact
    }

    /// The same of what a person chose, which is published with an interval of its own. Of one that is `held` already,
    /// a broker that may not count down tells nothing.
    pub(crate) fn age_of_choice(
        &mut self,
        now: Now,
        arrival: Arrival,
        written: Option<Timestamp>,
        held: bool,
    ) -> Option<Duration> {
        let ConnectionContext { expiry, without, .. } = &mut self.around;
        self.ages_changed |= expiry.note(now, Interval::Choice, arrival, written);
        if arrival.retained && held && !expiry.counts_down() {
            return None;
        }
        expiry.age(now, Interval::Choice, arrival, written, *without).exact
    }

    /// Takes note of what a record tells of the broker.
    pub(crate) fn note_expiry(&mut self, now: Now, arrival: Arrival, written: Option<Timestamp>) {
        self.ages_changed |= self.around.expiry.note(now, Interval::Record, arrival, written);
        // While everything is read, one look at the end is enough.
        if self.around.connection_up {
            self.judge_ages(now);
        }
    }

    /// Places everything anew, if more is known of the broker than when it came.
    fn judge_ages(&mut self, now: Now) {
        if std::mem::take(&mut self.ages_changed) {
            for person in self.people.values_mut() {
                person.place_again(now, None, &self.around);
            }
            self.end_for_all(now);
        }
    }

    /// Dates everybody anew, if our own clock was set. Says by how much.
    pub(crate) fn follow_clock(&mut self, now: Now) -> Option<ClockChange> {
        let change = self.clock.change(now)?;
        for person in self.people.values_mut() {
            person.place_again(now, Some(change), &self.around);
        }
        self.end_for_all(now);
        Some(change)
    }

    /// A roster on the far side of a connection, which is not up yet; [`Roster::default`] needs none.
    #[must_use]
    pub fn remote(without: Option<Rule>) -> Self {
        let around =
            ConnectionContext { connection_up: false, without, ..ConnectionContext::default() };
        Self { around, ..Self::default() }
    }

    /// Our connection stands: what is retained comes next. Unless it is the first, what is lost or missing on
    /// it is not believed before we settled (`docs/protocol.md`, *Settle*).
    pub fn connection_began(&mut self, now: Now) {
        self.follow_clock(now);
        self.is_cut_off = false;
        let first = self.around.connection == 0 || self.people.is_empty();
        self.around.connection += 1;
        let away = self.lost_at.take().map(|lost| now.mono.since(lost));
        self.around.expiry.connection_began(away);
        if away.is_none_or(|away| away > RESYNC) {
            self.around.away_before = self.around.connection;
        }
        let settles = !first && self.around.without != Some(Rule::Settle);
        self.around.settling = settles.then(|| now.mono + RESYNC);
        for person in self.people.values_mut() {
            person.connection_up(&self.around);
        }
    }

    /// What is retained on the connection was read.
    pub fn connection_up(&mut self, now: Now) {
        self.follow_clock(now);
        self.around.connection_up = true;
        self.judge_ages(now);
        if self.around.settling.is_none() {
            self.lose_unread();
        }
        self.end_for_all(now);
    }

    /// Our connection is down, so all this is what we last heard.
    pub fn connection_lost(&mut self, now: Now) {
        if std::mem::replace(&mut self.is_cut_off, true) {
            return;
        }
        if std::mem::take(&mut self.around.connection_up) {
            self.lost_at = Some(now.mono);
        }
        for person in self.people.values_mut() {
            person.connection_lost(now, &self.around);
        }
        self.end_for_all(now);
    }

    /// This machine stood still since then: nothing that came meanwhile was heard.
    pub(crate) fn slept(&mut self, now: Now, since: Monotonic) {
        self.connection_lost(now);
        self.lost_at = self.lost_at.map(|lost| lost.min(since));
    }

    /// Says whether the broker keeps to the protocol's timers, as our hub does.
    pub fn set_broker_is_prompt(&mut self, prompt: bool) {
        let late = if prompt { Duration::ZERO } else { BROKERS_ARE_LATE };
        if self.around.broker_is_late != late {
            self.around.broker_is_late = late;
            for user in self.people.keys() {
                self.dirty.entry(user.clone()).or_insert(Origin::Local);
            }
        }
    }

    /// How much later than the protocol's timers a loss may show.
    pub(crate) const fn broker_is_late(&self) -> Duration {
        self.around.broker_is_late
    }

    /// Ends what ends by itself: typing marks, chosen statuses, leases, and the time that a loss is given.
    pub fn expire(&mut self, now: Now) {
        self.follow_clock(now);
        if self.around.connection_up
            && self.around.settling.is_some_and(|settled| settled <= now.mono)
        {
            self.around.settling = None;
            self.lose_unread();
            self.end_for_all(now);
        }
        while self.ends.first().is_some_and(|(at, _)| *at <= now.mono) {
            let Some((_, user)) = self.ends.pop_first() else {
                break;
            };
            let Some(person) = self.people.get_mut(&user) else {
                continue;
            };
            person.end = None;
            let came = person.expire(now, &self.around);
            self.mark_dirty(now, &user, came.into());
        }
    }

    fn lose_unread(&mut self) {
        for person in self.people.values_mut() {
            person.lose_unread(&self.around);
        }
    }

    /// What the link has to do with everybody changed.
    fn end_for_all(&mut self, now: Now) {
        self.ends.clear();
        for (user, person) in &mut self.people {
            let origin = Origin::from(person.expire(now, &self.around));
            person.end = person.next_end(now, &self.around);
            self.ends.extend(person.end.map(|end| (end, user.clone())));
            let noted = self.dirty.entry(user.clone()).or_insert(origin);
            *noted = origin.max(*noted);
        }
    }

    /// When [`Roster::expire`] has something to do.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Monotonic> {
        let settled = self.around.settling.filter(|_| self.around.connection_up);
        self.ends.first().map(|(at, _)| *at).into_iter().chain(settled).min()
    }

    /// What changed since this was last called.
    pub fn take_changes(&mut self, now: Now) -> Vec<Change> {
        let mut changes = Vec::new();
        let mut empty = false;
        for (user, origin) in std::mem::take(&mut self.dirty) {
            let Some(person) = self.people.get_mut(&user) else {
                continue;
            };
            empty |= person.has_nothing();
            let mut after = person.view(&user, now, &self.around);
            if let (Some(after), Some(shown)) = (&mut after, &person.shown) {
                after.shown_id.clone_from(&shown.shown_id);
            }
            if after == person.shown {
                continue;
            }
            let before = std::mem::replace(&mut person.shown, after.clone());
            self.names.set_name(user.as_str(), after.as_ref().map(|after| after.name.as_str()));
            if after.is_none() {
                // Somebody forgotten does not come back with the past of their last visit.
                person.last_input = None;
            }
            changes.push(Change { before, after, origin });
        }
        self.update_distinct_names(&mut changes);
        if empty {
            self.people.retain(|_, person| !person.is_empty());
        }
        changes
    }

    /// Shows the ids of those whose names look the same since others came, went or changed their names.
    fn update_distinct_names(&mut self, changes: &mut Vec<Change>) {
        // Those that there are stand in the order of their ids.
        let known = changes.len();
        for user in self.names.take_changed() {
            let shown_id = self.names.shown_id(&user);
            let Some(person) = UserId::parse(&user).ok().and_then(|id| self.people.get_mut(&id))
            else {
                continue;
            };
            let Some(shown) = person.shown.as_mut().filter(|shown| shown.shown_id != shown_id)
            else {
                continue;
            };
            let before = shown.clone();
            shown.shown_id = shown_id;
            let after = Some(shown.clone());
            let user_of = |change: &Change| {
                let view = change.after.as_ref().or(change.before.as_ref());
                view.map(|view| view.user.clone()).unwrap_or_default()
            };
            match changes[..known].binary_search_by(|change| user_of(change).cmp(&user)) {
                Ok(at) => changes[at].after = after,
                Err(_) => {
                    changes.push(Change { before: Some(before), after, origin: Origin::Local });
                }
            }
        }
    }

    /// Says who the person is whose app this is: others' names are compared with theirs, too.
    pub(crate) fn set_me(&mut self, user: &UserId, name: &str) {
        self.names.set_me(user.as_str(), name);
    }

    /// Takes in what the person calls somebody.
    pub(crate) fn set_nickname(&mut self, user: &str, nickname: Option<&str>) {
        self.names.set_nickname(user, nickname);
    }

    /// This name of this person, with the id where somebody else's name looks the same.
    pub(crate) fn distinct_name(&self, user: &str, name: &str) -> String {
        self.names.distinct_name(user, name)
    }

    /// Everybody, as last taken.
    pub fn people(&self) -> impl Iterator<Item = &PersonView> {
        self.people.values().filter_map(|person| person.shown.as_ref())
    }

    /// One person, as they are now.
    #[must_use]
    pub fn person(&self, user: &UserId, now: Now) -> Option<PersonView> {
        let view = self.people.get(user)?.view(user, now, &self.around)?;
        Some(PersonView { shown_id: self.names.shown_id(user.as_str()), ..view })
    }

    /// One person's status, why and since when, as in [`Roster::person`].
    pub(crate) fn status(
        &self,
        user: &UserId,
        now: Now,
    ) -> Option<(&str, Option<Cause>, Option<Timestamp>)> {
        self.people.get(user).and_then(|person| person.status(now, &self.around))
    }

    /// One person, as far as it matters to whoever wants to reach them.
    pub(crate) fn reachability(&self, user: &UserId, now: Now) -> Option<Reachability<'_>> {
        self.people.get(user)?.reachability(now, &self.around)
    }

    /// The sum of a person's devices as simple readers shall see it, a simple client's own record
    /// carried along. Without any device here it says offline.
    #[must_use]
    pub fn aggregate(&self, user: &UserId, now: Now) -> AggregateRecord {
        self.people.get(user).unwrap_or(&Person::default()).aggregate(now, &self.around)
    }

    /// Whether a sum that stands somewhere says to a reader what [`Roster::aggregate`] would.
    pub(crate) fn aggregate_equals(&self, user: &UserId, sum: &AggregateRecord, now: Now) -> bool {
        self.people.get(user).unwrap_or(&Person::default()).aggregate_equals(sum, now, &self.around)
    }

    /// The ids of a person's devices that are here, lowest first.
    pub fn devices_here<'a>(&'a self, user: &UserId) -> impl Iterator<Item = &'a DeviceId> {
        self.people.get(user).into_iter().flat_map(Person::devices_here)
    }

    /// When a user last gave input, where somebody said so.
    #[must_use]
    pub fn last_input(&self, user: &UserId) -> Option<Timestamp> {
        self.people.get(user).and_then(Person::last_input)
    }

    fn mark_dirty(&mut self, now: Now, user: &UserId, origin: Origin) {
        if let Some(noted) = self.dirty.get_mut(user) {
            *noted = origin.max(*noted);
        } else {
            self.dirty.insert(user.clone(), origin);
        }
        let Some(person) = self.people.get_mut(user) else {
            return;
        };
        let end = person.next_end(now, &self.around);
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

impl From<Expired> for Origin {
    fn from(came: Expired) -> Self {
        match came {
            Expired::Loss => Self::Live,
            Expired::Nothing | Expired::OldLoss => Self::Local,
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
