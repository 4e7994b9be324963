//! One device: its last record, and whether that is confirmed.
//!
//! Owns the rules by which a record replaces another (`docs/protocol.md`, *A session*, *Age and
//! lease*, *Settle*). The record before a loss is kept while the loss may still turn out to be
//! false.

use std::time::Duration;

use super::{Applied, Arrival, ConnectionContext};
use crate::contact::ContactLink;
use crate::expiry::Age;
use crate::presence::{Choice, Chosen, Doubt, Observed, OfflineCause};
use crate::rule::Rule;
use crate::time::{ClockChange, Monotonic, Now, Timestamp};
use crate::wire::DeviceRecord;

/// A live loss is held this long before it is shown. A broker that shuts down publishes the Wills
/// of all its clients and then closes our connection, too; then only we were lost.
const HELD: Duration = Duration::from_millis(250);
/// A loss received this shortly before our own connection dropped is not confirmed.
const SHORTLY: Duration = Duration::from_secs(2);
/// The shortest lease; a record with a shorter one would be lost before it arrives.
const SHORTEST_LEASE: Duration = Duration::from_secs(1);

/// A record's times as its writer gave them, and how the record arrived.
#[derive(Debug, Clone)]
struct WrittenTimes {
    since: Option<Timestamp>,
    timestamp: Option<Timestamp>,
    choice: Option<Choice>,
    lease: Option<Duration>,
    arrival: Arrival,
    arrived: Monotonic,
}

/// An accepted record, with its times on our clocks.
#[derive(Debug, Clone)]
pub(super) struct AcceptedRecord {
    pub(super) observed: Observed,
    pub(super) since: Option<Timestamp>,
    pub(super) chosen: Option<Chosen>,
    /// When the choice ends.
    pub(super) choice_ends: Option<Monotonic>,
    pub(super) name: Option<String>,
    pub(super) kind: Option<String>,
    pub(super) tz: Option<String>,
    pub(super) links: Vec<ContactLink>,
    /// When the broker received the record.
    pub(super) heard: Timestamp,
    pub(super) loss: Option<Duration>,
    pub(super) in_call: bool,
    /// The record's number in the whole roster: it shows which of two came last.
    pub(super) number: u64,
    epoch: Option<u64>,
    /// When the lease ends unless the device renews it.
    lease_ends: Option<Monotonic>,
    /// Whether the device did not renew its lease in time.
    ran_out: bool,
    written: WrittenTimes,
}

/// A loss that is not confirmed yet.
#[derive(Debug)]
struct PendingLoss {
    said: AcceptedRecord,
    received: Monotonic,
    /// When it is confirmed; `None` while our connection is down.
    until: Option<Monotonic>,
    why: PendingReason,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum PendingReason {
    /// Held for a moment before it is shown.
    Held,
    /// The device has a few seconds to come back (`wait_s`).
    Waiting,
    /// Our own connection came back a moment ago.
    Resyncing,
}

impl PendingLoss {
    /// When the loss is confirmed; one of many at once is confirmed later.
    fn confirmed_at(&self, around: &ConnectionContext) -> Option<Monotonic> {
        match self.why {
            PendingReason::Held => self.until.max(self.until.and(around.many_lost)),
            PendingReason::Waiting | PendingReason::Resyncing => self.until,
        }
    }
}

/// What expired at a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Expired {
    /// Nothing that is shown.
    Nothing,
    /// A loss was confirmed that just happened.
    Loss,
    /// A loss was confirmed whose time nobody knows.
    OldLoss,
}

/// One device of a person.
#[derive(Debug)]
pub(super) struct Device {
    pub(super) accepted: AcceptedRecord,
    pending: Option<PendingLoss>,
    /// The record before the loss that is shown, and when that loss was received.
    before: Option<(AcceptedRecord, Monotonic)>,
    /// The number of our connection on which the record was last read.
    connection: u64,
}

impl AcceptedRecord {
    fn place(
        now: Now,
        record: DeviceRecord,
        arrival: Arrival,
        number: u64,
        around: &ConnectionContext,
    ) -> Self {
        let told = WrittenTimes {
            since: record.since,
            timestamp: record.timestamp,
            choice: record.choice().cloned(),
            lease: record.lease.filter(|_| record.observed.is_here()),
            arrival,
            arrived: now.mono,
        };
        let mut said = Self {
            since: None,
            observed: record.observed,
            chosen: record.chosen,
            choice_ends: None,
            name: record.name,
            kind: record.kind,
            tz: record.tz,
            links: record.links,
            heard: now.wall,
            loss: record.loss,
            in_call: record.in_call && record.observed.is_here(),
            number,
            epoch: record.epoch,
            lease_ends: None,
            ran_out: false,
            written: told,
        };
        said.date(now, around);
        said
    }

    /// Computes the times from our calendar and from what is known of the broker.
    fn date(&mut self, now: Now, around: &ConnectionContext) {
        let WrittenTimes { since, timestamp, ref choice, lease, arrival, arrived } = self.written;
        let now = now.back_at(arrived);
        let age = around.age(now, arrival, timestamp);
        self.since = since_told(now, since, timestamp, age.exact, arrival, around);
        self.heard = heard(now, timestamp, age, around);
        // A connected device renews its record, so a doubtful age is wrong by half a lease at most.
        // A live record is new, even if the broker gives no ages.
        let told = age.told.filter(|_| lease.is_some());
        let live = || (!arrival.retained).then_some(Duration::ZERO);
        let choice_age = age.exact.or(told).or_else(live);
        self.choice_ends = choice.as_ref().and_then(|it| it.ends(now, timestamp, choice_age));
        if let (Some(chosen), Some(choice)) = (&mut self.chosen, choice) {
            chosen.choice = Some(choice.placed(now, timestamp, choice_age, self.choice_ends));
        }
        self.lease_ends = lease
            .filter(|_| !self.ran_out)
            .map(|lease| arrived + lease.max(SHORTEST_LEASE) - age.at_least);
    }

    /// A record that is read again keeps its known age, unless the broker gives a better one.
    fn keep_known(&mut self, now: Now, before: &Self, around: &ConnectionContext) {
        let WrittenTimes { timestamp, arrival, .. } = self.written;
        let same = timestamp.is_some()
            && (self.epoch, timestamp) == (before.epoch, before.written.timestamp);
        let exact = around.age(now, arrival, timestamp).exact;
        if same && arrival.retained && (exact.is_none() || !around.expiry.counts_down()) {
            (self.written.arrival, self.written.arrived) =
                (before.written.arrival, before.written.arrived);
            self.date(now, around);
        }
    }

    /// Recomputes the times after our clock was set or we learned more about the broker.
    fn place_again(&mut self, now: Now, change: Option<ClockChange>, around: &ConnectionContext) {
        let before = self.since;
        self.date(now, around);
        if self.ran_out {
            self.since = self.heard.believable();
        } else if self.since.is_none() {
            // Taken over from an earlier record, which contained it.
            let before = before.map(|at| change.map_or(at, |change| change.shift(at)));
            self.since = before.and_then(Timestamp::believable);
        }
    }

    /// The record after its lease ran out: lost since the last renewal, because later times are
    /// unknown.
    fn run_out(&self) -> Self {
        Self {
            observed: Observed::Offline(Some(OfflineCause::Lost)),
            since: self.heard.believable(),
            lease_ends: None,
            ran_out: true,
            in_call: false,
            ..self.clone()
        }
    }

    fn is_lost(&self) -> bool {
        self.observed == Observed::Offline(Some(OfflineCause::Lost))
    }
}

impl Device {
    /// Creates a device from its first record.
    pub(super) fn new(
        now: Now,
        record: DeviceRecord,
        arrival: Arrival,
        number: u64,
        around: &ConnectionContext,
    ) -> Self {
        let said = AcceptedRecord::place(now, record, arrival, number, around);
        let mut device =
            Self { accepted: said, pending: None, before: None, connection: around.connection };
        if around.settling.is_none() {
            device.expire(now, around);
        }
        device
    }

    /// Applies another record of the device.
    pub(super) fn apply(
        &mut self,
        now: Now,
        record: DeviceRecord,
        arrival: Arrival,
        number: u64,
        around: &ConnectionContext,
    ) -> Applied {
        let wait = record.wait;
        let mut said = AcceptedRecord::place(now, record, arrival, number, around);
        // An epoch matters only for `lost`: a Will of an earlier session does not affect a newer
        // one.
        let ghost = said.is_lost() && said.epoch < self.accepted.epoch;
        if ghost && around.without != Some(Rule::Epoch) {
            return Applied::StaleWill;
        }
        self.connection = around.connection;
        said.keep_known(now, &self.accepted, around);
        if said.observed == self.accepted.observed {
            said.since = said.since.or(self.accepted.since);
        }
        if said.is_lost() {
            // A Will is written at connect and knows nothing new about the person.
            said.name.clone_from(&self.accepted.name);
            said.kind.clone_from(&self.accepted.kind);
            said.tz.clone_from(&self.accepted.tz);
            said.links.clone_from(&self.accepted.links);
        }
        if said.is_lost() && self.accepted.observed.is_here() {
            self.lose(now, said, arrival, wait, around);
            return Applied::Taken;
        }
        // A resync keeps the last known state, and here that is lost.
        let over = said.lease_ends.is_some_and(|end| end <= now.mono);
        if over && !self.accepted.observed.is_here() && around.without != Some(Rule::Lease) {
            said = said.run_out();
        }
        self.replace(said);
        if around.settling.is_none() {
            self.expire(now, around);
        }
        Applied::Taken
    }

    fn replace(&mut self, said: AcceptedRecord) {
        self.accepted = said;
        self.pending = None;
        self.before = None;
    }

    fn lose(
        &mut self,
        now: Now,
        said: AcceptedRecord,
        arrival: Arrival,
        wait: Option<Duration>,
        around: &ConnectionContext,
    ) {
        let wait = wait.filter(|_| !arrival.retained);
        // Inside the broker, no connection of ours can have ended instead.
        let held =
            around.connection > 0 && !arrival.retained && around.without != Some(Rule::Settle);
        let (until, why) = match (around.settling, wait) {
            // The device also gets the waiting time that it asked for.
            (Some(settled), wait) => {
                (settled.max(now.mono + wait.unwrap_or_default()), PendingReason::Resyncing)
            }
            (None, Some(wait)) => (now.mono + wait, PendingReason::Waiting),
            (None, None) if held => (now.mono + HELD, PendingReason::Held),
            (None, None) => {
                self.replace(said);
                return;
            }
        };
        let received = now.mono;
        self.pending = Some(PendingLoss { said, received, until: Some(until), why });
    }

    /// Confirms losses that are due, and ends expired leases.
    pub(super) fn expire(&mut self, now: Now, around: &ConnectionContext) -> Expired {
        if !around.connection_up {
            return Expired::Nothing;
        }
        if let Some(pending) = self
            .pending
            .take_if(|pending| pending.confirmed_at(around).is_some_and(|until| until <= now.mono))
        {
            let before = std::mem::replace(&mut self.accepted, pending.said);
            self.before = Some((before, pending.received));
            return match pending.why {
                PendingReason::Held | PendingReason::Waiting => Expired::Loss,
                PendingReason::Resyncing => Expired::OldLoss,
            };
        }
        if self.pending.is_none() && self.lease_ends(around).is_some_and(|end| end <= now.mono) {
            self.accepted = self.accepted.run_out();
            return Expired::OldLoss;
        }
        Expired::Nothing
    }

    /// When [`Device::expire`] has something to do.
    pub(super) fn next_end(&self, around: &ConnectionContext) -> Option<Monotonic> {
        if !around.connection_up {
            return None;
        }
        match &self.pending {
            Some(pending) => pending.confirmed_at(around),
            None => self.lease_ends(around),
        }
    }

    /// When the lease ends, but not before a resync does, for records read in it or not read again
    /// yet.
    fn lease_ends(&self, around: &ConnectionContext) -> Option<Monotonic> {
        if around.without == Some(Rule::Lease) {
            return None;
        }
        self.accepted.lease_ends.map(|end| around.settling.map_or(end, |settled| end.max(settled)))
    }

    /// Our connection dropped: a loss received just before may be false.
    pub(super) fn connection_lost(&mut self, now: Now, around: &ConnectionContext) {
        if around.without == Some(Rule::Settle) {
            return;
        }
        if let Some((before, received)) = self.before.take()
            && now.mono.since(received) <= SHORTLY
        {
            let said = std::mem::replace(&mut self.accepted, before);
            let why = PendingReason::Resyncing;
            self.pending = Some(PendingLoss { said, received, until: None, why });
        }
        if let Some(pending) = &mut self.pending {
            pending.until = None;
            pending.why = PendingReason::Resyncing;
        }
    }

    /// Our connection is back: an unconfirmed loss has until the end of the resync.
    pub(super) fn connection_up(&mut self, around: &ConnectionContext) {
        if let (Some(pending), Some(settled)) = (&mut self.pending, around.settling) {
            pending.until = Some(settled);
        }
    }

    /// Recomputes the times after our clock was set or we learned more about the broker.
    pub(super) fn place_again(
        &mut self,
        now: Now,
        change: Option<ClockChange>,
        around: &ConnectionContext,
    ) {
        self.accepted.place_again(now, change, around);
        if let Some(pending) = &mut self.pending {
            pending.said.place_again(now, change, around);
        }
        if let Some((before, _)) = &mut self.before {
            before.place_again(now, change, around);
        }
    }

    /// Whether the record was read on the present connection.
    pub(super) fn is_read(&self, around: &ConnectionContext) -> bool {
        self.connection == around.connection
    }

    /// The broker no longer has the record. Returns whether to keep the device.
    pub(super) fn lose_unread(&mut self, around: &ConnectionContext) -> bool {
        let was_here = self.accepted.observed.is_here();
        if was_here {
            let lost = self.accepted.run_out();
            self.replace(lost);
            self.connection = around.connection;
        }
        was_here
    }

    /// Why the record may be out of date.
    pub(super) fn doubt(&self, around: &ConnectionContext) -> Option<Doubt> {
        if !around.connection_up {
            return Some(Doubt::LinkDown);
        }
        match self.pending.as_ref().map(|pending| pending.why) {
            Some(PendingReason::Waiting) => Some(Doubt::Reconnecting),
            Some(PendingReason::Resyncing) => Some(Doubt::Settling),
            Some(PendingReason::Held) | None => (!self.is_read(around)).then_some(Doubt::Settling),
        }
    }
}

/// The start of a record's state on our calendar (`docs/protocol.md`, *Time*); `None` if unknown.
fn since_told(
    now: Now,
    since: Option<Timestamp>,
    timestamp: Option<Timestamp>,
    age: Option<Duration>,
    arrival: Arrival,
    around: &ConnectionContext,
) -> Option<Timestamp> {
    match since.or(timestamp) {
        Some(since) => around.place(now, since, timestamp, age),
        // A Will contains no time; a live one happens now.
        None => age
            .or_else(|| (!arrival.retained).then_some(Duration::ZERO))
            .and_then(|age| now.ago(age).believable()),
    }
}

/// When the broker received a record, or the latest time at which it can have.
fn heard(
    now: Now,
    timestamp: Option<Timestamp>,
    age: Age,
    around: &ConnectionContext,
) -> Timestamp {
    let latest = now.ago(age.at_least);
    let told = || timestamp.and_then(|at| around.place(now, at, None, None));
    if age.exact.is_some() { latest } else { told().map_or(latest, |told| told.min(latest)) }
}

/// The start of the state in a device's own record of an earlier run.
pub(crate) fn since_of(
    now: Now,
    record: &DeviceRecord,
    arrival: Arrival,
    age: Option<Duration>,
) -> Option<Timestamp> {
    let around = ConnectionContext::default();
    since_told(now, record.since, record.timestamp, age, arrival, &around)
}
