//! One device: its last record, and whether it is believed.
//!
//! Owns the rules by which a record replaces another (`docs/protocol.md`, *A session*, *Age and lease*, *Settle*). The
//! record before a loss is kept for as long as the loss may turn out to be none.

use std::time::Duration;

use super::{Applied, Arrival, ConnectionContext};
use crate::contact::ContactLink;
use crate::expiry::Age;
use crate::presence::{Choice, Chosen, Doubt, Observed, OfflineCause};
use crate::rule::Rule;
use crate::time::{ClockChange, Monotonic, Now, Timestamp};
use crate::wire::DeviceRecord;

/// A live loss is held for so long before it is shown: a broker that ends publishes the Wills of all its
/// clients and then closes ours, too, and then nobody was lost but we.
const HELD: Duration = Duration::from_millis(250);
/// A loss received so shortly before our own link dropped is not believed.
const SHORTLY: Duration = Duration::from_secs(2);
/// No lease is shorter; a record that says so would be lost before it arrives.
const SHORTEST_LEASE: Duration = Duration::from_secs(1);

/// The times of a record as its writer told them, and how it came.
#[derive(Debug, Clone)]
struct WrittenTimes {
    since: Option<Timestamp>,
    timestamp: Option<Timestamp>,
    choice: Option<Choice>,
    lease: Option<Duration>,
    arrival: Arrival,
    arrived: Monotonic,
}

/// A record that counted, with its times placed on our clocks.
#[derive(Debug, Clone)]
pub(super) struct AcceptedRecord {
    pub(super) observed: Observed,
    pub(super) since: Option<Timestamp>,
    pub(super) chosen: Option<Chosen>,
    /// When what was chosen ends.
    pub(super) choice_ends: Option<Monotonic>,
    pub(super) name: Option<String>,
    pub(super) kind: Option<String>,
    pub(super) tz: Option<String>,
    pub(super) links: Vec<ContactLink>,
    /// When the broker took it.
    pub(super) heard: Timestamp,
    pub(super) loss: Option<Duration>,
    pub(super) in_call: bool,
    /// Which record this was, counted over all: it tells which of two came last.
    pub(super) number: u64,
    epoch: Option<u64>,
    /// When it counts no longer unless it is renewed.
    lease_ends: Option<Monotonic>,
    /// It was not renewed in time.
    ran_out: bool,
    written: WrittenTimes,
}

/// What came and is not believed yet.
#[derive(Debug)]
struct PendingLoss {
    said: AcceptedRecord,
    received: Monotonic,
    /// When it is believed; `None` while our link is down.
    until: Option<Monotonic>,
    why: PendingReason,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum PendingReason {
    /// Not shown for a moment.
    Held,
    /// Its writer has a few seconds to come back (`wait_s`).
    Waiting,
    /// We came back a moment ago.
    Resyncing,
}

impl PendingLoss {
    /// When it is believed, one of many at once later than others.
    fn confirmed_at(&self, around: &ConnectionContext) -> Option<Monotonic> {
        match self.why {
            PendingReason::Held => self.until.max(self.until.and(around.many_lost)),
            PendingReason::Waiting | PendingReason::Resyncing => self.until,
        }
    }
}

/// What a device's own time brought about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Expired {
    /// Nothing that is shown.
    Nothing,
    /// A loss is believed that just happened.
    Loss,
    /// A loss is believed of which nobody knows when it happened.
    OldLoss,
}

/// One device.
#[derive(Debug)]
pub(super) struct Device {
    pub(super) accepted: AcceptedRecord,
    pending: Option<PendingLoss>,
    /// What it said before the loss that is shown, and when that was received.
    before: Option<(AcceptedRecord, Monotonic)>,
    /// The number of our connection on which it was last read.
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

    /// Places its times by our calendar and by what is known of the broker.
    fn date(&mut self, now: Now, around: &ConnectionContext) {
        let WrittenTimes { since, timestamp, ref choice, lease, arrival, arrived } = self.written;
        let now = now.back_at(arrived);
        let age = around.age(now, arrival, timestamp);
        self.since = since_told(now, since, timestamp, age.exact, arrival, around);
        self.heard = heard(now, timestamp, age, around);
        // Whoever is here renews their copy of it, so an age that is in doubt is wrong by half a lease at most. Live, it
        // is of this moment, also where the broker tells no ages.
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

    /// The same record read once more is as old as when it came first, unless the broker tells that better.
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

    /// The same after our clock was set, or after more is known of the broker.
    fn place_again(&mut self, now: Now, change: Option<ClockChange>, around: &ConnectionContext) {
        let before = self.since;
        self.date(now, around);
        if self.ran_out {
            self.since = self.heard.believable();
        } else if self.since.is_none() {
            // Taken over from a record before, which told it.
            let before = before.map(|at| change.map_or(at, |change| change.shift(at)));
            self.since = before.and_then(Timestamp::believable);
        }
    }

    /// Lost since the last renewal: all that is known is that it was here then.
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
    /// The first record of a device.
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

    /// Another record of it.
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
        // An epoch judges only `lost`: a Will of an earlier session speaks for nobody who is here.
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
            // A Will is written at connect and tells of the person nothing that a later record has not told.
            said.name.clone_from(&self.accepted.name);
            said.kind.clone_from(&self.accepted.kind);
            said.tz.clone_from(&self.accepted.tz);
            said.links.clone_from(&self.accepted.links);
        }
        if said.is_lost() && self.accepted.observed.is_here() {
            self.lose(now, said, arrival, wait, around);
            return Applied::Taken;
        }
        // Settling keeps what was last known, and that is that it was lost.
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
        // Beside the broker there is no link of ours whose end it could be.
        let held =
            around.connection > 0 && !arrival.retained && around.without != Some(Rule::Settle);
        let (until, why) = match (around.settling, wait) {
            // Its writer has the time that it asked for besides.
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

    /// Believes what was not believed in time, and ends what was not renewed.
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

    /// When its lease ends. What was read while we settle, or not read again yet, has until we settled.
    fn lease_ends(&self, around: &ConnectionContext) -> Option<Monotonic> {
        if around.without == Some(Rule::Lease) {
            return None;
        }
        self.accepted.lease_ends.map(|end| around.settling.map_or(end, |settled| end.max(settled)))
    }

    /// Our link dropped: what was lost just before may not be.
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

    /// We are connected again: what is not believed has time until we settled.
    pub(super) fn connection_up(&mut self, around: &ConnectionContext) {
        if let (Some(pending), Some(settled)) = (&mut self.pending, around.settling) {
            pending.until = Some(settled);
        }
    }

    /// Our clock was set, or more is known of the broker.
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

    /// Whether it was read on the present connection.
    pub(super) fn is_read(&self, around: &ConnectionContext) -> bool {
        self.connection == around.connection
    }

    /// The broker does not hold its record any more; says whether there is something to tell of it nevertheless.
    pub(super) fn lose_unread(&mut self, around: &ConnectionContext) -> bool {
        let was_here = self.accepted.observed.is_here();
        if was_here {
            let lost = self.accepted.run_out();
            self.replace(lost);
            self.connection = around.connection;
        }
        was_here
    }

    /// Why what it said may be so no longer.
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

/// Since when a record's state holds, on our calendar (`docs/protocol.md`, *Time*); `None` where nobody can know.
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
        // A Will tells no time; live, it is now.
        None => age
            .or_else(|| (!arrival.retained).then_some(Duration::ZERO))
            .and_then(|age| now.ago(age).believable()),
    }
}

/// When the broker took a record, or by when it had.
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

/// Since when a device's own record of an earlier run held.
pub(crate) fn since_of(
    now: Now,
    record: &DeviceRecord,
    arrival: Arrival,
    age: Option<Duration>,
) -> Option<Timestamp> {
    let around = ConnectionContext::default();
    since_told(now, record.since, record.timestamp, age, arrival, &around)
}
