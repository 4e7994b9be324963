//! This device's own records: when they are published, renewed and corrected.
//!
//! Owns the device record and the time of the last input for simple clients. Also owns the
//! aggregate on the user topic where no hub writes it. Deliberately decides neither what is
//! observed ([`crate::availability`]) nor what is chosen ([`UserStatus`]).

use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use super::{DeviceSettings, Engine, Rule, UserStatus};
use crate::availability::{Availability, ObservedState};
use crate::connection::PublishId;
use crate::echoes::Echoes;
use crate::effect::Version;
use crate::expiry::{Arrival, RECORD_EXPIRY};
use crate::id::DeviceId;
use crate::presence::{Cause, Chosen, ChosenStatus, Observed, OfflineCause};
use crate::rate_limit::RateLimit;
use crate::roster::Roster;
use crate::time::{ClockChange, Monotonic, Now, Timestamp};
use crate::topic::Topic;
use crate::view::{ChosenView, MeView};
use crate::wire::{self, AggregateRecord, DeviceRecord, Payload, UserRecord};

/// How long a foreign epoch counts as evidence, and how long echoes dated before a clock change may
/// arrive.
const MINUTE: Duration = Duration::from_secs(60);
/// The delay per rank among a user's devices: the lowest device writes the user topic at once, each
/// further one this much later.
const TAKES_OVER: Duration = Duration::from_secs(1);
/// The number of our accepted sessions to remember. Each session overwrites the record of the one
/// before.
const ACCEPTED: usize = 16;

/// The device whose presence this engine publishes, and the state of its records at the broker.
#[derive(Debug)]
pub(super) struct LocalDevice {
    pub(super) holder: DeviceSettings,
    pub(super) availability: Availability,
    /// The epoch of the current session.
    epoch: u64,
    /// The last record published on the current connection.
    written: Option<DeviceRecord>,
    /// See [`LocalDevice::is_published`].
    stands_here: bool,
    /// The latest timestamp written since the clock was set. Timestamps of one device only
    /// increase, so we recognize echoes.
    last_timestamp: Timestamp,
    /// The latest timestamp written before the clock was set back, and when that happened. Echoes
    /// with such timestamps may still arrive.
    set_back: Option<(Timestamp, Monotonic)>,
    /// The highest epoch known to be this device's: saved, of a session that came up, or read
    /// before we published.
    reached: u64,
    /// An epoch read from the broker that is at least ours.
    read_epoch: Option<u64>,
    /// The epochs that a broker accepted from this identity in this run, the latest last.
    accepted: VecDeque<u64>,
    /// See [`LocalDevice::has_written`].
    has_written: bool,
    /// When we read epochs above ours that we did not choose, so another machine did.
    foreign: VecDeque<Monotonic>,
    /// Whether the device topic contains something other than our record.
    contradicted: bool,
    /// Whether the diagnostics already count the current correction as withheld.
    withheld: bool,
    /// This device's record from before this run.
    past: Option<Past>,
    /// When to renew the record.
    renew_at: Option<Monotonic>,
    /// Limits how often we publish the record again because something else overwrote it.
    corrections: RateLimit,
    pub(super) user_topic: UserTopic,
}

/// The observed state that this device published before this run, and when it began by our clock.
#[derive(Debug)]
struct Past {
    observed: Observed,
    since: Timestamp,
    /// The start that we would publish for the same state. If it changes, the state began anew.
    instead_of: Option<Timestamp>,
}

/// The user topic for simple clients: what it contains and what we published there.
#[derive(Debug, Default)]
pub(super) struct UserTopic {
    /// The aggregate on the topic; `None` if the topic is empty or contains no aggregate.
    held: Option<AggregateRecord>,
    /// Payloads that we published and have not read back yet.
    pub(super) echoes: Echoes,
    /// The last aggregate that we published. If the next one equals it, publishing is only a
    /// correction.
    last: Option<AggregateRecord>,
    /// Whether the retained aggregate came from a Will, which never contains a simple client's
    /// record.
    unsure: bool,
    /// When this device publishes the aggregate, if nobody else does before.
    due: Option<Monotonic>,
    /// Limits how often we publish the same aggregate again.
    corrections: RateLimit,
}

impl UserTopic {
    /// Reads a message from the user topic. Returns true if it is an echo of our own.
    pub(super) fn read(
        &mut self,
        payload: &[u8],
        record: Option<&UserRecord>,
        retained: bool,
    ) -> bool {
        self.unsure = retained
            && matches!(record, Some(UserRecord::Aggregate(will)) if will.timestamp.is_none());
        if self.echoes.take(payload) {
            return true;
        }
        self.held = match record {
            Some(UserRecord::Aggregate(sum)) => Some(sum.clone()),
            Some(UserRecord::Simple(_)) | None => None,
        };
        false
    }
}

/// Whether an epoch leaves room for later ones. We never wrote an epoch that does not.
fn is_a_number(epoch: u64) -> bool {
    epoch < Timestamp::MAX.as_ms() - 1_000_000
}

/// Whether two aggregates look the same to a reader.
fn same(a: &AggregateRecord, b: &AggregateRecord) -> bool {
    a.status == b.status && a.text == b.text && a.foreign == b.foreign
}

impl LocalDevice {
    pub(super) fn new(now: Now, holder: DeviceSettings) -> Self {
        Self {
            availability: Availability::new(now, holder.away_after),
            epoch: holder.last_epoch,
            reached: holder.last_epoch,
            holder,
            written: None,
            stands_here: false,
            last_timestamp: Timestamp::default(),
            set_back: None,
            read_epoch: None,
            accepted: VecDeque::new(),
            has_written: false,
            foreign: VecDeque::new(),
            contradicted: false,
            withheld: false,
            past: None,
            renew_at: None,
            corrections: RateLimit::default(),
            user_topic: UserTopic::default(),
        }
    }

    /// Corrects all times after the clock was set, so that the records are published again with
    /// correct times.
    pub(super) fn redate(&mut self, now: Now, change: ClockChange) {
        self.availability.redate(change);
        if let Some(past) = &mut self.past {
            past.since = change.shift(past.since);
            past.instead_of = past.instead_of.map(|at| change.shift(at));
        }
        if self.last_timestamp > now.wall {
            self.set_back = Some((self.last_timestamp, now.mono));
            self.last_timestamp = now.wall - Duration::from_millis(1);
        }
        let topic = &mut self.user_topic;
        if topic.held.is_some() && topic.held == topic.last {
            (topic.held, topic.last) = (None, None);
        }
    }

    /// Begins a new session. Its epoch is max(clock, last epoch + 1).
    pub(super) fn begin_session(&mut self, now: Now) {
        self.epoch = now.wall.as_ms().max(self.epoch + 1);
        self.forget_written();
    }

    pub(super) fn epoch(&self) -> u64 {
        self.epoch
    }

    /// Notes that the broker accepted the session: its Will and its records may be read from now
    /// on.
    pub(super) fn accepted(&mut self) {
        if self.accepted.len() >= ACCEPTED {
            self.accepted.pop_front();
        }
        self.accepted.push_back(self.epoch);
    }

    /// Whether this identity published a record in this run, and so replaced any earlier one.
    pub(super) fn has_written(&self) -> bool {
        self.has_written
    }

    /// Whether a record on this device's own topic is from a session that is not of this run.
    pub(super) fn is_foreign(&self, record: &DeviceRecord) -> bool {
        record.epoch.is_some_and(|epoch| !self.accepted.contains(&epoch))
    }

    /// Notes that the session is up: everything retained from before it is read.
    pub(super) fn come_up(&mut self) {
        self.reached = self.epoch;
    }

    /// Whether readers have a record of this device that shows it here. It was published or read on
    /// the current connection.
    pub(super) fn is_published(&self) -> bool {
        self.stands_here
    }

    /// Forgets what was published on the last connection, because the next one starts without it.
    pub(super) fn forget_written(&mut self) {
        self.written = None;
        self.stands_here = false;
        self.read_epoch = None;
        self.contradicted = false;
        self.renew_at = None;
        self.user_topic.echoes.clear();
        self.user_topic.unsure = false;
    }

    /// Gives this device a new id, because another machine uses the old one.
    pub(super) fn become_another(&mut self, device: DeviceId) {
        self.holder.device = device;
        self.accepted.clear();
        self.has_written = false;
        self.foreign.clear();
        self.forget_written();
    }

    /// Returns true if the broker has a record of ours whose epoch is not below this session's. The
    /// next session then gets a higher epoch.
    pub(super) fn learn_epoch(&mut self) -> bool {
        match self.read_epoch.take() {
            Some(read) if is_a_number(read) => {
                self.epoch = self.epoch.max(read);
                true
            }
            _ => false,
        }
    }

    pub(super) fn device_topic(&self) -> Topic {
        Topic::Device(self.holder.user.clone(), self.holder.device.clone())
    }

    fn record(&self, observed: Observed) -> DeviceRecord {
        DeviceRecord {
            epoch: Some(self.epoch),
            name: Some(self.holder.name.clone()),
            kind: self.holder.kind.clone(),
            tz: self.holder.tz.clone(),
            links: self.holder.links.clone(),
            ..DeviceRecord::bare(observed)
        }
    }

    /// The record that the broker publishes when this connection dies. It has no times, because the
    /// broker can't know them.
    pub(super) fn will_record(&self, version: Version) -> DeviceRecord {
        let record = self.record(Observed::Offline(Some(OfflineCause::Lost)));
        // MQTT 3.1.1 has no Will Delay Interval, so the readers wait instead.
        DeviceRecord { wait: (version == Version::V311).then_some(self.holder.grace), ..record }
    }

    /// Reads a message from this device's own topic. Returns true if another machine uses this
    /// identity, too: two epochs above all of ours arrived within a minute.
    pub(super) fn read(
        &mut self,
        now: Now,
        record: Option<&DeviceRecord>,
        arrival: Arrival,
        age: Option<Duration>,
    ) -> bool {
        if self.written.is_none() {
            // Readers ignore a stale Will and keep the previous record.
            let ghost = |record: &DeviceRecord| {
                record.observed == Observed::Offline(Some(OfflineCause::Lost))
                    && record.epoch.is_some_and(|epoch| epoch < self.reached)
            };
            self.stands_here =
                record.is_some_and(|record| record.observed.is_here() || ghost(record));
        }
        let epoch = record.and_then(|record| record.epoch);
        // The broker may publish the Will of a session of ours that never came up. A copy of this
        // device publishes more than that.
        let lost =
            |record: &DeviceRecord| record.observed == Observed::Offline(Some(OfflineCause::Lost));
        let ours = |read: &u64| record.is_some_and(lost) && self.accepted.contains(read);
        if epoch.is_some_and(|read| read > self.reached && is_a_number(read) && !ours(&read)) {
            self.foreign.retain(|at| now.mono.since(*at) < MINUTE);
            self.foreign.push_back(now.mono);
        }
        let Some(written) = &self.written else {
            // Before we publish, the record is from the past. Only its epoch matters, and only
            // once.
            self.reached = self.reached.max(epoch.filter(|read| is_a_number(*read)).unwrap_or(0));
            self.read_epoch = self.read_epoch.max(epoch.filter(|read| *read >= self.epoch));
            if self.last_timestamp == Timestamp::default() {
                let counts = |record: &&DeviceRecord| {
                    age.zip(record.lease).is_none_or(|(age, lease)| age < lease)
                };
                self.past = record.filter(counts).and_then(|record| {
                    let since = crate::roster::since_of(now, record, arrival, age)?;
                    Some(Past { observed: record.observed, since, instead_of: None })
                });
            }
            return self.foreign.len() >= 2;
        };
        let before = self.set_back.filter(|(_, at)| now.mono.since(*at) < MINUTE);
        let last = written.timestamp.max(before.map(|(last, _)| last));
        let echo = record.is_some_and(|record| {
            record.epoch.is_some()
                && record.timestamp.is_some()
                // A copy may write with a lower number later than we did: that is no echo.
                && record.epoch <= written.epoch
                && record.timestamp <= last
        });
        if !echo {
            self.contradicted = true;
        }
        self.foreign.len() >= 2
    }

    /// Continues the state from before a restart within the grace period, so that nobody sees a
    /// change.
    fn carry_on(&mut self, observed: Observed, since: Timestamp) -> Timestamp {
        self.past.take_if(|past| {
            past.observed != observed || past.instead_of.is_some_and(|own| own != since)
        });
        let Some(past) = &mut self.past else {
            return since;
        };
        past.instead_of = Some(since);
        past.since.min(since)
    }

    /// What we publish of the observed state: a coarse device gives neither the cause nor the time
    /// of away.
    fn told(&self, observed: Observed, since: Timestamp) -> (Observed, Option<Timestamp>) {
        match observed {
            Observed::Away(_) if self.holder.coarse => (Observed::Away(None), None),
            _ => (observed, Some(since)),
        }
    }

    /// The record to publish now, if one is due.
    fn due(
        &mut self,
        now: Now,
        choosing: Option<&UserStatus>,
        loss: Option<Duration>,
        unbounded: bool,
    ) -> Option<DeviceRecord> {
        let ObservedState { observed, since } = self.availability.state(now);
        let since = self.carry_on(observed, since);
        let (observed, since) = self.told(observed, since);
        let in_call = self.availability.in_call(now);
        let chosen = choosing.and_then(|choosing| choosing.copy(now));
        let over = |told: &Option<Chosen>| {
            told.as_ref()
                .zip(choosing)
                .is_some_and(|(told, choosing)| choosing.is_over(now, told.rev))
        };
        let changed = self.written.as_ref().is_none_or(|written| {
            written.observed != observed
                || written.since != since
                // Every reader ends the choice by itself, so its end needs no new record.
                || (written.chosen != chosen && !over(&written.chosen))
                || written.in_call != in_call
        });
        let renewed = self.renew_at.is_some_and(|at| at <= now.mono);
        if !changed && !renewed && !self.contradicted {
            return None;
        }
        if !changed && !renewed && !unbounded && self.corrections.free_at(now.mono, &()) > now.mono
        {
            return None;
        }
        let mut record = self.record(observed);
        record.since = since;
        record.chosen = chosen;
        record.lease = Some(self.holder.lease);
        record.loss = loss;
        record.in_call = in_call;
        Some(self.stamp(now, record))
    }

    fn stamp(&mut self, now: Now, mut record: DeviceRecord) -> DeviceRecord {
        let next = self.last_timestamp + Duration::from_millis(1);
        let timestamp =
            if self.last_timestamp == Timestamp::default() { now.wall } else { now.wall.max(next) };
        self.last_timestamp = timestamp;
        record.timestamp = Some(timestamp);
        record
    }

    /// When a record is due although nothing happens.
    pub(super) fn next_deadline(&self) -> Option<Monotonic> {
        let correction = self.corrections.free_at(Monotonic::default(), &());
        [self.contradicted.then_some(correction), self.user_topic.due, self.renew_at]
            .into_iter()
            .flatten()
            .min()
    }

    /// The person's own status. While connected it is the aggregate of all their devices, as others
    /// see it.
    pub(super) fn me_view(
        &self,
        now: Now,
        choosing: Option<&UserStatus>,
        roster: Option<&Roster>,
    ) -> MeView {
        let choice = choosing.and_then(|choosing| choosing.choice(now));
        // To others an invisible person is offline. The person sees their own choice.
        let roster =
            roster.filter(|_| choice.is_none_or(|choice| choice.status != ChosenStatus::Invisible));
        let summed = roster.and_then(|roster| roster.status(&self.holder.user, now));
        let (status, cause, since) = match (summed, choice) {
            (Some(summed), _) => summed,
            (None, Some(choice)) => (choice.status.word(), Some(Cause::Chosen), choice.at),
            (None, None) => {
                let ObservedState { observed, since } = self.availability.state(now);
                (observed.status(), observed.cause(), Some(since))
            }
        };
        MeView {
            user: self.holder.user.to_string(),
            name: self.holder.name.clone(),
            status: status.to_owned(),
            cause,
            since: since.and_then(Timestamp::believable),
            chosen: choice.map(ChosenView::from),
        }
    }
}

impl Engine {
    /// Publishes this device's record, if it is due.
    pub(super) fn publish_device(&mut self, now: Now) {
        let Some(own) = &mut self.local_device else {
            return;
        };
        let first_or_moved = {
            let ObservedState { observed, since } = own.availability.state(now);
            let (observed, _) = own.told(observed, since);
            own.written.as_ref().is_none_or(|written| written.observed != observed)
        };
        let loss = self.session.loss_shows_within(own.holder.grace);
        let unbounded = self.without == Some(Rule::CorrectionBound);
        let Some(record) = own.due(now, self.user_status.as_ref(), loss, unbounded) else {
            if own.contradicted && !std::mem::replace(&mut own.withheld, true) {
                self.diagnostics.corrections_withheld += 1;
            }
            return;
        };
        own.withheld = false;
        if std::mem::take(&mut own.contradicted) && own.written.is_some() {
            own.corrections.note(now.mono, &());
            self.diagnostics.corrected += 1;
        }
        // The random wait keeps devices that connected at the same time from renewing at the same
        // time.
        let lease = u64::try_from(own.holder.lease.as_millis()).unwrap_or(u64::MAX);
        let wait = self.rng.u64(lease * 2 / 5..=lease / 2);
        own.renew_at = Some(now.mono + Duration::from_millis(wait));
        self.write_device(now, record);
        if first_or_moved {
            self.write_activity(now);
        }
    }

    fn write_device(&mut self, now: Now, record: DeviceRecord) -> Option<PublishId> {
        let own = self.local_device.as_mut()?;
        let (user, device) = (own.holder.user.clone(), own.holder.device.clone());
        let payload = wire::encode_device(&record);
        own.stands_here = record.observed.is_here();
        own.written = Some(record.clone());
        own.has_written = true;
        // The person sees their own status at once, without waiting for the broker's echo.
        let record = Payload::Record(record);
        self.roster.apply_device(now, &user, &device, record, Arrival::LIVE);
        Some(self.publish(now, &Topic::Device(user, device), payload, Some(RECORD_EXPIRY)))
    }

    /// Publishes the time of the last input for simple clients, unless they know a later one.
    fn write_activity(&mut self, now: Now) -> Option<PublishId> {
        let own = self.local_device.as_ref()?;
        if self.hub_aggregates || !own.holder.user_topic || own.holder.coarse {
            return None;
        }
        let user = own.holder.user.clone();
        let at = own.availability.last_input(now)?;
        if self.roster.last_input(&user).is_some_and(|told| told >= at) {
            return None;
        }
        self.roster.apply_activity(now, &user, Payload::Record(at), Arrival::LIVE);
        Some(self.publish(
            now,
            &Topic::Activity(user),
            wire::encode_activity(at),
            Some(RECORD_EXPIRY),
        ))
    }

    /// Publishes the aggregate for simple clients if the user topic lacks it. The lowest of the
    /// person's connected devices publishes at once; the others only if it does not.
    pub(super) fn publish_aggregate(&mut self, now: Now) {
        let Some(own) = &mut self.local_device else {
            return;
        };
        if self.hub_aggregates || !own.holder.user_topic {
            own.user_topic.due = None;
            return;
        }
        let user = own.holder.user.clone();
        let topic = &mut own.user_topic;
        if topic.held.as_ref().is_some_and(|held| self.roster.aggregate_equals(&user, held, now)) {
            topic.due = None;
            return;
        }
        let sum = self.roster.aggregate(&user, now);
        let rank = self.roster.devices_here(&user).position(|device| *device == own.holder.device);
        let here = self.roster.devices_here(&user).count();
        // Another device that was connected before us may know a simple client, so it publishes
        // first.
        let rank =
            if topic.unsure && sum.foreign.is_none() && here > 1 { Some(here) } else { rank };
        let turn = TAKES_OVER * u32::try_from(rank.unwrap_or(0)).unwrap_or(u32::MAX);
        let again = topic.last.as_ref().is_some_and(|last| same(last, &sum));
        let due = *topic.due.get_or_insert(now.mono + turn);
        let due = if again { due.max(topic.corrections.free_at(now.mono, &())) } else { due };
        topic.due = Some(due);
        if due > now.mono {
            return;
        }
        if again {
            topic.corrections.note(now.mono, &());
            self.diagnostics.corrected += 1;
        }
        self.write_aggregate(now, sum);
    }

    fn write_aggregate(&mut self, now: Now, sum: AggregateRecord) -> Option<PublishId> {
        let own = self.local_device.as_mut()?;
        let user = own.holder.user.clone();
        let payload = wire::encode_aggregate(&sum);
        let topic = &mut own.user_topic;
        topic.due = None;
        topic.unsure = false;
        topic.held = Some(sum.clone());
        topic.last = Some(sum);
        topic.echoes.expect(payload.clone());
        Some(self.publish(now, &Topic::User(user), payload, Some(RECORD_EXPIRY)))
    }

    /// Publishes that this device leaves. Returns the publishes whose PUBACKs to wait for.
    pub(super) fn publish_goodbye(&mut self, now: Now) -> BTreeSet<PublishId> {
        let mut awaited = BTreeSet::new();
        let Some(own) = &mut self.local_device else {
            return awaited;
        };
        let standing = own.availability.state(now);
        let (observed, since) = match standing.observed {
            Observed::Offline(_) => (standing.observed, standing.since),
            _ => (Observed::Offline(Some(OfflineCause::Left)), now.wall),
        };
        let record = DeviceRecord { since: Some(since), ..own.record(observed) };
        let record = own.stamp(now, record);
        let user = own.holder.user.clone();
        awaited.extend(self.write_activity(now));
        awaited.extend(self.write_device(now, record));
        // Another connected device sees us leave and publishes the aggregate itself.
        let writes = !self.hub_aggregates
            && self.local_device.as_ref().is_some_and(|own| own.holder.user_topic);
        if writes && self.roster.devices_here(&user).next().is_none() {
            let sum = self.roster.aggregate(&user, now);
            awaited.extend(self.write_aggregate(now, sum));
        }
        awaited
    }
}
