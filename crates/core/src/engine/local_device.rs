//! This device's own records: when they are published, renewed and corrected.
//!
//! Owns the device record, the aggregate on the user topic where no hub writes it, and the time of the last input for
//! simple clients. Deliberately does not decide what is observed ([`crate::availability`]) or chosen
//! ([`UserStatus`]).

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

/// How long an epoch of another machine, or the time before a clock was set back, matters.
const MINUTE: Duration = Duration::from_secs(60);
/// The lowest device writes the user topic; the next waits this long for it.
const TAKES_OVER: Duration = Duration::from_secs(1);
/// Sessions of ours that are kept in mind. Each wrote over the one before.
const ACCEPTED: usize = 16;

/// This device.
#[derive(Debug)]
pub(super) struct LocalDevice {
    pub(super) holder: DeviceSettings,
    pub(super) availability: Availability,
    /// The number of the present session.
    epoch: u64,
    /// What was last written on the present connection.
    written: Option<DeviceRecord>,
    /// See [`LocalDevice::is_published`].
    stands_here: bool,
    /// The highest time written since the clock was set: times of one device only go up, so that echoes can be told.
    last_timestamp: Timestamp,
    /// The highest time written before the clock was set back, and when that was: such echoes may be under way.
    set_back: Option<(Timestamp, Monotonic)>,
    /// The highest epoch of ours that a broker accepted.
    reached: u64,
    /// An epoch read from the broker that is not lower than ours.
    read_epoch: Option<u64>,
    /// The sessions of this identity that a broker accepted in this run, the latest last.
    accepted: VecDeque<u64>,
    /// See [`LocalDevice::has_written`].
    has_written: bool,
    /// When epochs above ours were read that we did not give ourselves: another machine does.
    foreign: VecDeque<Monotonic>,
    /// Something else stands on the device topic.
    contradicted: bool,
    /// Whether that is counted as withheld already.
    withheld: bool,
    /// What this device's record said before this run.
    past: Option<Past>,
    /// When the record is to be renewed.
    renew_at: Option<Monotonic>,
    /// How often the record was written again because something else overwrote it.
    corrections: RateLimit,
    pub(super) user_topic: UserTopic,
}

/// What was said before this run, and since when on our clock.
#[derive(Debug)]
struct Past {
    observed: Observed,
    since: Timestamp,
    /// Our own time for it. Once that is another, something happened.
    instead_of: Option<Timestamp>,
}

/// The user topic, for simple readers: what stands there and what we wrote.
#[derive(Debug, Default)]
pub(super) struct UserTopic {
    /// What stands there; `None` for nothing, or something that is no sum.
    held: Option<AggregateRecord>,
    /// What we wrote and have not read back yet.
    pub(super) echoes: Echoes,
    /// The last sum written, to tell a change of ours from somebody else's.
    last: Option<AggregateRecord>,
    /// Whether only a Will stood there when we came, which can't know of a simple client.
    unsure: bool,
    /// When it is our turn to write.
    due: Option<Monotonic>,
    /// How often the same sum was written again.
    corrections: RateLimit,
}

impl UserTopic {
    /// Something was read there; says whether it is what we wrote ourselves, and no news.
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

/// Beyond this there would be no number left for the next session; whoever wrote that was not us.
fn is_a_number(epoch: u64) -> bool {
    epoch < Timestamp::MAX.as_ms() - 1_000_000
}

/// Whether two sums say the same to a reader.
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

    /// Somebody set the clock: what this device said is dated as if it had been right then, and written again.
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

    /// A new session begins: its number is max(clock, the last one + 1).
    pub(super) fn begin_session(&mut self, now: Now) {
        self.epoch = now.wall.as_ms().max(self.epoch + 1);
        self.forget_written();
    }

    pub(super) fn epoch(&self) -> u64 {
        self.epoch
    }

    /// The broker accepted the session: its Will and its records may be read from now on.
    pub(super) fn accepted(&mut self) {
        if self.accepted.len() >= ACCEPTED {
            self.accepted.pop_front();
        }
        self.accepted.push_back(self.epoch);
    }

    /// Whether this identity wrote a record in this run, over whatever stood there before.
    pub(super) fn has_written(&self) -> bool {
        self.has_written
    }

    /// Whether a record on this device's own topic is of a session that was none of this run.
    pub(super) fn is_foreign(&self, record: &DeviceRecord) -> bool {
        record.epoch.is_some_and(|epoch| !self.accepted.contains(&epoch))
    }

    /// The session stands, and what there was before it is read.
    pub(super) fn come_up(&mut self) {
        self.reached = self.epoch;
    }

    /// Whether readers hold a record of this device, written or read on the present connection, that says that it is
    /// here.
    pub(super) fn is_published(&self) -> bool {
        self.stands_here
    }

    /// Another connection knows nothing of what was written on this one.
    pub(super) fn forget_written(&mut self) {
        self.written = None;
        self.stands_here = false;
        self.read_epoch = None;
        self.contradicted = false;
        self.renew_at = None;
        self.user_topic.echoes.clear();
        self.user_topic.unsure = false;
    }

    /// This device becomes another one, because somebody else is it, too.
    pub(super) fn become_another(&mut self, device: DeviceId) {
        self.holder.device = device;
        self.accepted.clear();
        self.has_written = false;
        self.foreign.clear();
        self.forget_written();
    }

    /// Whether the broker holds a record of ours from a session not older than this one. If so, the next
    /// session will be newer than that.
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

    /// What the broker says when this connection dies. It can't know when, so it tells no time.
    pub(super) fn will_record(&self, version: Version) -> DeviceRecord {
        let record = self.record(Observed::Offline(Some(OfflineCause::Lost)));
        // Where the broker can't wait, the readers do.
        DeviceRecord { wait: (version == Version::V311).then_some(self.holder.grace), ..record }
    }

    /// Something was read on this device's own topic. Says whether another machine must be this device, too: twice
    /// in a minute there was a number above all that we ever had.
    pub(super) fn read(
        &mut self,
        now: Now,
        record: Option<&DeviceRecord>,
        arrival: Arrival,
        age: Option<Duration>,
    ) -> bool {
        if self.written.is_none() {
            // Behind a ghost readers hold what was said before.
            let ghost = |record: &DeviceRecord| {
                record.observed == Observed::Offline(Some(OfflineCause::Lost))
                    && record.epoch.is_some_and(|epoch| epoch < self.reached)
            };
            self.stands_here =
                record.is_some_and(|record| record.observed.is_here() || ghost(record));
        }
        let epoch = record.and_then(|record| record.epoch);
        // A broker may speak for a session of ours that never came up. A copy says more than that.
        let lost =
            |record: &DeviceRecord| record.observed == Observed::Offline(Some(OfflineCause::Lost));
        let ours = |read: &u64| record.is_some_and(lost) && self.accepted.contains(read);
        if epoch.is_some_and(|read| read > self.reached && is_a_number(read) && !ours(&read)) {
            self.foreign.retain(|at| now.mono.since(*at) < MINUTE);
            self.foreign.push_back(now.mono);
        }
        let Some(written) = &self.written else {
            // Before anything was written it is the past, of interest only for its number, and that once.
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

    /// A program that was started again within the grace goes on with what it said before, so that nobody sees a
    /// change where there was none.
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

    /// What others are told of what was observed.
    fn told(&self, observed: Observed, since: Timestamp) -> (Observed, Option<Timestamp>) {
        match observed {
            Observed::Away(_) if self.holder.coarse => (Observed::Away(None), None),
            _ => (observed, Some(since)),
        }
    }

    /// The record to write now, if there is one to write.
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
                // Every reader ends a choice: that it is over is nothing to tell.
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

    /// When something is to be written although nothing happens.
    pub(super) fn next_deadline(&self) -> Option<Monotonic> {
        let correction = self.corrections.free_at(Monotonic::default(), &());
        [self.contradicted.then_some(correction), self.user_topic.due, self.renew_at]
            .into_iter()
            .flatten()
            .min()
    }

    /// My own status. While the connection is up it is what others see: the aggregate of all my devices.
    pub(super) fn me_view(
        &self,
        now: Now,
        choosing: Option<&UserStatus>,
        roster: Option<&Roster>,
    ) -> MeView {
        let choice = choosing.and_then(|choosing| choosing.choice(now));
        // Others are told that somebody invisible left; they themselves are not.
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
    /// Writes this device's record, if it is due.
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
        // Some time before half the lease, so that a team that came together does not renew together.
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
        // One sees oneself at once, without waiting for the broker's echo.
        let record = Payload::Record(record);
        self.roster.apply_device(now, &user, &device, record, Arrival::LIVE);
        Some(self.publish(now, &Topic::Device(user, device), payload, Some(RECORD_EXPIRY)))
    }

    /// Tells simple readers when the person last gave input, unless they know of a later one.
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

    /// Writes the sum for simple readers where it does not stand yet. The lowest of the person's devices
    /// that are here does it at once; the others only if that one does not.
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
        // Another one that was here all along may know of a simple client, and writes first.
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

    /// Publishes that this device goes; says which PUBACKs to wait for.
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
        // Another device that is still here sees us go and writes the sum itself.
        let writes = !self.hub_aggregates
            && self.local_device.as_ref().is_some_and(|own| own.holder.user_topic);
        if writes && self.roster.devices_here(&user).next().is_none() {
            let sum = self.roster.aggregate(&user, now);
            awaited.extend(self.write_aggregate(now, sum));
        }
        awaited
    }
}
