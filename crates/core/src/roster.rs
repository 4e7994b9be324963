//! All people, each computed from their devices.
//!
//! Owns the known people and their records; every change is a join, a leave or a change. Does no
//! I/O, publishes nothing and notifies nobody: [`crate::engine`] takes the changes and
//! [`crate::notification`] judges them.

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

/// How long a typing mark is shown if nothing ends it: three seconds of the public description, and
/// one for the network.
const TYPING_LASTS: Duration = Duration::from_secs(4);

/// After a CONNACK, a lost or missing device has this long to come back before we show it as lost.
const RESYNC: Duration = Duration::from_secs(10);
/// How much later than the protocol's timers a broker may notice a loss. We measured 11 s with
/// Mosquitto 2.0.11. Our own hub is not late.
const BROKERS_ARE_LATE: Duration = Duration::from_secs(11);

/// From this many live losses on, each within a second of the one before, all are held until two
/// seconds pass without another. A broker that shuts down publishes the Wills of all its clients,
/// which takes a while with two hundred people.
const MANY: u32 = 5;
const LOST_TOGETHER: Duration = Duration::from_secs(1);
const MANY_ARE_HELD: Duration = Duration::from_secs(2);
/// The longest hold, counted from the first of these losses.
const AT_MOST_HELD: Duration = Duration::from_secs(10);

/// What changed a person's view.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// Our own connection or clock; nobody did anything.
    Local,
    /// A retained message read at subscription: it was so before we looked.
    Snapshot,
    /// A live message: it happened just now.
    Live,
}

/// Whether a message was accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Applied {
    /// It was accepted.
    Taken,
    /// It was ignored: a Will of an earlier session than that of the current record.
    StaleWill,
}

/// A change of one person's view.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The view before; `None` for a new person.
    pub before: Option<PersonView>,
    /// The view now; `None` for a forgotten person.
    pub after: Option<PersonView>,
    /// What caused the change.
    pub origin: Origin,
}

/// What decides whether a device's record is confirmed; the same for all devices.
#[derive(Debug, Clone, Copy)]
struct ConnectionContext {
    /// Whether our own connection is up and its retained messages were read.
    connection_up: bool,
    /// The number of connections so far.
    connection: u64,
    /// The number of the first connection after our last absence longer than [`RESYNC`].
    away_before: u64,
    /// When the resync ends; `None` outside one.
    settling: Option<Monotonic>,
    /// How much later than promised a loss may show.
    broker_is_late: Duration,
    /// Until when losses are held, because the broker itself may be shutting down.
    many_lost: Option<Monotonic>,
    /// How the broker treats Message Expiry, as far as is known.
    expiry: BrokerExpiry,
    /// The rule that a test switches off; see [`Rule`].
    without: Option<Rule>,
}

/// All known people.
#[derive(Debug, Default)]
pub struct Roster {
    people: BTreeMap<UserId, Person>,
    /// The names of the people who are shown.
    names: Names,
    /// The people whose view may have changed since changes were last taken, and why.
    dirty: BTreeMap<UserId, Origin>,
    /// When something about a person ends by itself: typing, a choice.
    ends: BTreeSet<(Monotonic, UserId)>,
    /// Counts incoming records, to know which of two came last.
    arrivals: u64,
    losses: Losses,
    around: ConnectionContext,
    /// When our connection went down.
    lost_at: Option<Monotonic>,
    /// Whether everybody was marked as cut off, and no new connection was made since.
    is_cut_off: bool,
    /// Notices when our own clock is set.
    clock: ClockWatch,
    /// Whether we learned more about the broker since the ages of the records were computed.
    ages_changed: bool,
}

/// A series of live losses.
#[derive(Debug, Default)]
struct Losses {
    count: u32,
    first: Monotonic,
    last: Monotonic,
}

impl Losses {
    /// Counts another loss. Returns until when it is held, if it is one of many.
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

    /// Places a moment of another person's calendar on ours; see [`Now::place`].
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
    /// For a roster inside the broker, as in a hub: no connection can be down.
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
    /// Applies a device record, or its clearing.
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

    /// Applies a record of a user topic. A simple client's record counts as one more device; an
    /// aggregate only carries such a record along.
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
            // A Will: it was written long ago and cannot know which other clients exist now.
            Payload::Record(UserRecord::Aggregate(sum)) if sum.timestamp.is_none() => {
                person.keep_simple(&self.around);
            }
            Payload::Record(UserRecord::Aggregate(sum)) => {
                person.apply_carried(now, sum.foreign, &self.around);
            }
        }
        self.mark_dirty(now, user, arrival.into());
    }

    /// Applies the time of a user's last input.
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

    /// Applies a typing mark.
    pub fn apply_typing(&mut self, now: Now, user: &UserId, typing: bool) {
        let person = self.people.entry(user.clone()).or_default();
        person.typing_until = typing.then(|| now.mono + TYPING_LASTS);
        self.mark_dirty(now, user, Origin::Live);
    }

    /// How long ago the broker received a record, if known. `written` is its time by its writer's
    /// calendar.
    #[must_use]
    pub fn age(&self, now: Now, arrival: Arrival, written: Option<Timestamp>) -> Option<Duration> {
        self.around.age(now, arrival, written).exact
    }

    /// How long ago the broker received a person's choice, which has a publish interval of its own.
    /// If the choice is already `held`, a broker that may not count down gives no age.
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

    /// Learns from a record how the broker treats Message Expiry.
    pub(crate) fn note_expiry(&mut self, now: Now, arrival: Arrival, written: Option<Timestamp>) {
        self.ages_changed |= self.around.expiry.note(now, Interval::Record, arrival, written);
        // While retained messages arrive, one check at the end is enough.
        if self.around.connection_up {
            self.judge_ages(now);
        }
    }

    /// Recomputes all times if we learned more about the broker.
    fn judge_ages(&mut self, now: Now) {
        if std::mem::take(&mut self.ages_changed) {
            for person in self.people.values_mut() {
                person.place_again(now, None, &self.around);
            }
            self.end_for_all(now);
        }
    }

    /// Corrects all times if our own clock was set. Returns by how much.
    pub(crate) fn follow_clock(&mut self, now: Now) -> Option<ClockChange> {
        let change = self.clock.change(now)?;
        for person in self.people.values_mut() {
            person.place_again(now, Some(change), &self.around);
        }
        self.end_for_all(now);
        Some(change)
    }

    /// Creates a roster for a remote broker, with the connection down; [`Roster::default`] needs
    /// none.
    #[must_use]
    pub fn remote(without: Option<Rule>) -> Self {
        let around =
            ConnectionContext { connection_up: false, without, ..ConnectionContext::default() };
        Self { around, ..Self::default() }
    }

    /// The connection is up, and its retained messages come next. Except on the first connection,
    /// lost or missing devices are shown as lost only after a resync (`docs/protocol.md`,
    /// *Settle*).
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

    /// The retained messages of the connection were read.
    pub fn connection_up(&mut self, now: Now) {
        self.follow_clock(now);
        self.around.connection_up = true;
        self.judge_ages(now);
        if self.around.settling.is_none() {
            self.lose_unread();
        }
        self.end_for_all(now);
    }

    /// Our connection is down, so every record may be out of date.
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

    /// This machine slept since `since` and received nothing meanwhile.
    pub(crate) fn slept(&mut self, now: Now, since: Monotonic) {
        self.connection_lost(now);
        self.lost_at = self.lost_at.map(|lost| lost.min(since));
    }

    /// Sets whether the broker keeps the protocol's timers, as our hub does.
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

    /// Ends what has expired: typing marks, chosen statuses, leases, and held losses.
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

    /// Marks everybody as dirty after a change of our own connection or clock.
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

    /// Takes the changes since the last call.
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
                // A forgotten person who comes back starts without the old last input.
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

    /// Shows or hides ids beside names that look the same, after people or names changed.
    fn update_distinct_names(&mut self, changes: &mut Vec<Change>) {
        // The changes so far are in the order of their ids.
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

    /// Sets the person whose app this is: others' names are compared with theirs, too.
    pub(crate) fn set_me(&mut self, user: &UserId, name: &str) {
        self.names.set_me(user.as_str(), name);
    }

    /// Sets the nickname that the person gave somebody.
    pub(crate) fn set_nickname(&mut self, user: &str, nickname: Option<&str>) {
        self.names.set_nickname(user, nickname);
    }

    /// This name of this person, with the id if somebody else's name looks the same.
    pub(crate) fn distinct_name(&self, user: &str, name: &str) -> String {
        self.names.distinct_name(user, name)
    }

    /// All people, as last taken.
    pub fn people(&self) -> impl Iterator<Item = &PersonView> {
        self.people.values().filter_map(|person| person.shown.as_ref())
    }

    /// One person's current view.
    #[must_use]
    pub fn person(&self, user: &UserId, now: Now) -> Option<PersonView> {
        let view = self.people.get(user)?.view(user, now, &self.around)?;
        Some(PersonView { shown_id: self.names.shown_id(user.as_str()), ..view })
    }

    /// One person's status, its cause and its start, as in [`Roster::person`].
    pub(crate) fn status(
        &self,
        user: &UserId,
        now: Now,
    ) -> Option<(&str, Option<Cause>, Option<Timestamp>)> {
        self.people.get(user).and_then(|person| person.status(now, &self.around))
    }

    /// Whether and how one person can be reached now.
    pub(crate) fn reachability(&self, user: &UserId, now: Now) -> Option<Reachability<'_>> {
        self.people.get(user)?.reachability(now, &self.around)
    }

    /// The aggregate of a person's devices for simple readers. It carries a simple client's own
    /// record along, and is offline without any device.
    #[must_use]
    pub fn aggregate(&self, user: &UserId, now: Now) -> AggregateRecord {
        self.people.get(user).unwrap_or(&Person::default()).aggregate(now, &self.around)
    }

    /// Whether a published aggregate means the same to a reader as [`Roster::aggregate`].
    pub(crate) fn aggregate_equals(&self, user: &UserId, sum: &AggregateRecord, now: Now) -> bool {
        self.people.get(user).unwrap_or(&Person::default()).aggregate_equals(sum, now, &self.around)
    }

    /// The ids of a person's connected devices, lowest first.
    pub fn devices_here<'a>(&'a self, user: &UserId) -> impl Iterator<Item = &'a DeviceId> {
        self.people.get(user).into_iter().flat_map(Person::devices_here)
    }

    /// A user's last input, if known.
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
