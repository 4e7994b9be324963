//! One person: their devices, a simple client, and the sum of it all.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::device::{AcceptedRecord, Device, Expired};
use super::person_ref::{EvidenceRef, PersonRef};
use super::{Applied, Arrival, ConnectionContext};
use crate::contact::ContactLink;
use crate::id::{DeviceId, UserId};
use crate::presence::{CauseView, Choice, Doubt, Observed};
use crate::text::{MAX_NAME, display_id};
use crate::time::{ClockChange, Monotonic, Now, Timestamp};
use crate::view::PersonView;
use crate::wire::{AggregateRecord, DeviceRecord, SimpleRecord, SimpleStatus};

/// What is held of a simple client of this person.
#[derive(Debug)]
pub(super) struct SimpleClient {
    pub(super) status: SimpleStatus,
    pub(super) since: Option<Timestamp>,
    /// As it was in the record, to be carried along unchanged.
    timestamp: Option<Timestamp>,
    heard: Timestamp,
    /// What tells `since` and `heard`.
    began: Moment,
    last: Moment,
    /// The number of our connection on which it was last read.
    connection: u64,
}

/// A moment as somebody's calendar told it, or as that of a message that came live.
#[derive(Debug, Clone, Copy)]
struct Moment {
    told: Option<Timestamp>,
    live: bool,
    arrived: Monotonic,
}

impl Moment {
    /// Where it lies on our calendar, if anybody can know.
    fn place(self, now: Now, around: &ConnectionContext) -> Option<Timestamp> {
        let now = now.back_at(self.arrived);
        if self.live {
            return now.wall.believable();
        }
        self.told.and_then(|told| around.place(now, told, None, None))
    }

    /// The same, or when it came.
    fn heard(self, now: Now, around: &ConnectionContext) -> Timestamp {
        self.place(now, around).unwrap_or(now.back_at(self.arrived).wall)
    }
}

/// When somebody last gave input.
#[derive(Debug, Clone, Copy)]
pub(super) struct LastInput {
    moment: Moment,
    /// Where that lies on our calendar, if anybody can know.
    at: Option<Timestamp>,
}

impl LastInput {
    /// As somebody told it.
    pub(super) fn told(now: Now, told: Timestamp, around: &ConnectionContext) -> Self {
        let moment = Moment { told: Some(told), live: false, arrived: now.mono };
        Self { moment, at: moment.place(now, around) }
    }
}

/// One person.
#[derive(Debug, Default)]
pub(super) struct Person {
    devices: BTreeMap<DeviceId, Device>,
    simple: Option<SimpleClient>,
    pub(super) last_input: Option<LastInput>,
    pub(super) typing_until: Option<Monotonic>,
    /// What was last handed out as shown, to tell changes from repetitions.
    pub(super) shown: Option<PersonView>,
    /// The entry in the roster's table of ends.
    pub(super) end: Option<Monotonic>,
}

impl Person {
    pub(super) fn apply_device(
        &mut self,
        now: Now,
        id: &DeviceId,
        record: DeviceRecord,
        arrival: Arrival,
        number: u64,
        around: &ConnectionContext,
    ) -> Applied {
        if let Some(device) = self.devices.get_mut(id) {
            return device.apply(now, record, arrival, number, around);
        }
        self.devices.insert(id.clone(), Device::new(now, record, arrival, number, around));
        Applied::Taken
    }

    pub(super) fn forget_device(&mut self, id: &DeviceId) -> Applied {
        self.devices.remove(id);
        Applied::Taken
    }

    pub(super) fn apply_simple(
        &mut self,
        now: Now,
        record: SimpleRecord,
        arrival: Arrival,
        around: &ConnectionContext,
    ) {
        // Live: it is so from now on. A Will's timestamp is that of the connect, long ago.
        self.put_simple(now, record, !arrival.retained, around);
    }

    /// A simple client's record as a sum carries it: told before, so it tells no new time.
    pub(super) fn apply_carried(
        &mut self,
        now: Now,
        carried: Option<SimpleRecord>,
        around: &ConnectionContext,
    ) {
        match carried {
            None => self.simple = None,
            Some(record) => {
                // Carried by somebody who had not read what came since.
                let newer = |held: &&mut SimpleClient| {
                    record.timestamp.is_some() && held.timestamp >= record.timestamp
                };
                if let Some(held) = self.simple.as_mut().filter(newer) {
                    held.connection = around.connection;
                    return;
                }
                self.put_simple(now, record, false, around);
            }
        }
    }

    fn put_simple(
        &mut self,
        now: Now,
        record: SimpleRecord,
        live: bool,
        around: &ConnectionContext,
    ) {
        let last = Moment { told: record.timestamp, live, arrived: now.mono };
        let repeated = self.simple.as_ref().filter(|held| held.status == record.status);
        let began = repeated.filter(|held| held.since.is_some()).map_or(last, |held| held.began);
        self.simple = Some(SimpleClient {
            status: record.status,
            since: began.place(now, around),
            timestamp: record.timestamp,
            heard: last.heard(now, around),
            began,
            last,
            connection: around.connection,
        });
    }

    /// Our clock was set, or more is known of the broker.
    pub(super) fn place_again(
        &mut self,
        now: Now,
        change: Option<ClockChange>,
        around: &ConnectionContext,
    ) {
        for device in self.devices.values_mut() {
            device.place_again(now, change, around);
        }
        if let Some(seed) = &mut self.simple {
            seed.since = seed.began.place(now, around);
            seed.heard = seed.last.heard(now, around);
        }
        if let Some(input) = &mut self.last_input {
            input.at = input.moment.place(now, around);
        }
    }

    pub(super) fn last_input(&self) -> Option<Timestamp> {
        self.last_input.and_then(|input| input.at)
    }

    /// Something stands where the simple client's record stood, and tells nothing of it: unless we were away for
    /// long, it is as we knew it.
    pub(super) fn keep_simple(&mut self, around: &ConnectionContext) {
        if let Some(seed) =
            self.simple.as_mut().filter(|seed| seed.connection >= around.away_before)
        {
            seed.connection = around.connection;
        }
    }

    pub(super) fn forget_simple(&mut self) {
        self.simple = None;
    }

    /// No device is known, nor a simple client.
    pub(super) fn has_nothing(&self) -> bool {
        self.devices.is_empty() && self.simple.is_none()
    }

    /// Nothing is known that anybody is shown, or could be once more of it arrives.
    pub(super) fn is_empty(&self) -> bool {
        let present = !self.has_nothing();
        // A last input may be read before the record that it belongs to, but not outlive it.
        let awaited = self.last_input.is_some() && self.shown.is_none();
        !present && !awaited && self.shown.is_none() && self.typing_until.is_none()
    }

    pub(super) fn devices_here(&self) -> impl Iterator<Item = &DeviceId> {
        self.devices
            .iter()
            .filter(|(_, device)| device.accepted.observed.is_here())
            .map(|(id, _)| id)
    }

    /// Ends what ends by itself; says whether that tells of a loss.
    pub(super) fn expire(&mut self, now: Now, around: &ConnectionContext) -> Expired {
        if self.typing_until.is_some_and(|until| until <= now.mono) {
            self.typing_until = None;
        }
        let mut came = Expired::Nothing;
        for device in self.devices.values_mut() {
            match device.expire(now, around) {
                Expired::Nothing => {}
                other if came == Expired::Nothing => came = other,
                Expired::Loss => came = Expired::Loss,
                Expired::OldLoss => {}
            }
        }
        came
    }

    /// Our link dropped.
    pub(super) fn connection_lost(&mut self, now: Now, around: &ConnectionContext) {
        for device in self.devices.values_mut() {
            device.connection_lost(now, around);
        }
    }

    /// We are connected again.
    pub(super) fn connection_up(&mut self, around: &ConnectionContext) {
        for device in self.devices.values_mut() {
            device.connection_up(around);
        }
    }

    /// The broker does not hold any more what was not read again: it was killed and lost its store, or somebody was
    /// removed. Who was here then is lost since they were last heard, who was not is forgotten.
    pub(super) fn lose_unread(&mut self, around: &ConnectionContext) {
        self.devices.retain(|_, device| device.is_read(around) || device.lose_unread(around));
        self.simple.take_if(|seed| {
            let unread = seed.connection != around.connection;
            if unread && seed.status != SimpleStatus::Offline {
                seed.status = SimpleStatus::Offline;
                seed.began = seed.last;
                seed.since = seed.heard.believable();
                seed.connection = around.connection;
                return false;
            }
            unread
        });
    }

    /// When something about this person ends by itself.
    pub(super) fn next_end(&self, now: Now, around: &ConnectionContext) -> Option<Monotonic> {
        let until = self.chosen().and_then(|said| said.choice_ends);
        let until = until.filter(|ends| now.mono < *ends);
        let devices = self.devices.values().filter_map(|device| device.next_end(around)).min();
        [until, self.typing_until, devices].into_iter().flatten().min()
    }

    /// The choice that counts: the highest number among the devices here, the last to arrive among equals.
    fn choice(&self, now: Now) -> Option<&Choice> {
        let said = self.chosen()?;
        let holds = said.choice_ends.is_none_or(|ends| now.mono < ends);
        said.chosen.as_ref().filter(|_| holds)?.choice.as_ref()
    }

    /// Whose copy of a choice counts.
    fn chosen(&self) -> Option<&AcceptedRecord> {
        self.devices
            .values()
            .map(|device| &device.accepted)
            .filter(|said| said.observed.is_here() && said.chosen.is_some())
            .max_by_key(|said| (said.chosen.as_ref().map(|chosen| chosen.rev), said.number))
    }

    /// What the devices come to, without those that are doubted where that is asked.
    fn base(&self, around: &ConnectionContext, believed_only: bool) -> Option<Aggregate<'_>> {
        let devices = self
            .devices
            .iter()
            .map(|(id, device)| DecidingDevice::Device(id, device))
            .filter(|witness| !believed_only || witness.doubt(around).is_none());
        let seed = self.simple.iter().map(DecidingDevice::Seed);
        let seed = seed.filter(|seed| !believed_only || seed.doubt(around).is_none());
        let witness = devices.chain(seed).max_by_key(DecidingDevice::weight)?;
        let status = witness.status();
        let cause = witness.cause();
        let mut since = witness.since();
        if witness.rank() == Rank::Online {
            let online = |other: &&Device| other.accepted.observed.status() == "online";
            let devices = self.devices.values().filter(online);
            // Around since the first of them came.
            let seed = self.simple.iter().filter(|seed| seed.is_online()).map(|seed| seed.since);
            since = devices.map(|device| device.accepted.since).chain(seed).flatten().min();
        } else if witness.rank() == Rank::Offline {
            // A simple Will tells the time of the connect; the last input may be later than that.
            since = since.max(self.last_input());
        }
        Some(Aggregate { status, cause, since, witness })
    }

    /// The status alone, why and since when.
    pub(super) fn status(
        &self,
        now: Now,
        around: &ConnectionContext,
    ) -> Option<AggregateParts<'_>> {
        Some(self.base(around, false)?.under(self.choice(now), now))
    }

    /// What is to be shown.
    pub(super) fn look<'a>(
        &'a self,
        user: &'a UserId,
        now: Now,
        around: &ConnectionContext,
    ) -> Option<PersonRef<'a>> {
        let base = self.base(around, false)?;
        let choice = self.choice(now);
        let doubt = self.doubt(&base, around);
        let (status, cause, since) = base.under(choice, now);
        Some(PersonRef {
            user: user.as_str(),
            name: self.name(user),
            status,
            cause,
            since,
            choice,
            typing: self.typing_until.is_some_and(|until| now.mono < until),
            in_call: self.devices.values().any(|device| device.accepted.in_call),
            tz: base.witness.said().and_then(|said| said.tz.as_deref()),
            links: self.links(),
            devices: &self.devices,
            seed: self.simple.as_ref(),
            evidence: base.evidence(around, doubt),
        })
    }

    /// Why the status may not be so; a doubted device that another one makes up for is none.
    fn doubt(&self, base: &Aggregate<'_>, around: &ConnectionContext) -> Option<Doubt> {
        let doubt = base.witness.doubt(around)?;
        let believed = self.base(around, true);
        believed.is_none_or(|believed| believed.status != base.status).then_some(doubt)
    }

    /// What the devices told of the person, the last first, those that are here before those that are not.
    fn told<'a, T>(&'a self, of: impl Fn(&'a AcceptedRecord) -> Option<T>) -> Option<T> {
        let devices = self.devices.values().map(|device| &device.accepted);
        let told = devices.filter_map(|said| Some((said, of(said)?)));
        let last = told.max_by_key(|(said, _)| (said.observed.is_here(), said.number));
        last.map(|(_, told)| told)
    }

    /// The links last told. A device that tells none takes those of another away from nobody.
    fn links(&self) -> &[ContactLink] {
        self.told(|said| (!said.links.is_empty()).then_some(said.links.as_slice()))
            .unwrap_or_default()
    }

    /// The name last told.
    fn name<'a>(&'a self, user: &'a UserId) -> Cow<'a, str> {
        match self.told(|said| said.name.as_ref()) {
            Some(name) => Cow::Borrowed(name),
            None => Cow::Owned(display_id(user.as_str(), MAX_NAME)),
        }
    }

    pub(super) fn aggregate(&self, now: Now, around: &ConnectionContext) -> AggregateRecord {
        let choice = self.choice(now);
        let base = self.base(around, false);
        AggregateRecord {
            status: aggregate_status(choice, base.as_ref()).to_owned(),
            timestamp: Some(now.wall),
            since: match choice {
                Some(choice) => choice.at,
                None => base.and_then(|base| base.since),
            },
            text: choice.and_then(|choice| choice.text.clone()),
            foreign: self.foreign(around).map(|seed| SimpleRecord {
                status: seed.status.clone(),
                timestamp: seed.timestamp,
            }),
        }
    }

    /// Whether a sum says to a reader what [`Person::aggregate`] would.
    pub(super) fn aggregate_equals(
        &self,
        sum: &AggregateRecord,
        now: Now,
        around: &ConnectionContext,
    ) -> bool {
        let choice = self.choice(now);
        let foreign = match (self.foreign(around), &sum.foreign) {
            (None, None) => true,
            (Some(seed), Some(told)) => {
                seed.status == told.status && seed.timestamp == told.timestamp
            }
            _ => false,
        };
        foreign
            && sum.status == aggregate_status(choice, self.base(around, false).as_ref())
            && sum.text.as_deref() == choice.and_then(|choice| choice.text.as_deref())
    }

    /// The simple client as a sum carries it along. One that is gone needs no carrying: its absence is what the
    /// sum says. One of which nothing was read since we were away may be gone.
    fn foreign(&self, around: &ConnectionContext) -> Option<&SimpleClient> {
        self.simple.as_ref().filter(|seed| {
            seed.status != SimpleStatus::Offline && seed.connection >= around.away_before
        })
    }
}

/// The status for simple readers.
fn aggregate_status<'a>(choice: Option<&Choice>, base: Option<&Aggregate<'a>>) -> &'a str {
    match (choice, base) {
        (Some(choice), _) => choice.status.word(),
        (None, Some(base)) => base.status,
        (None, None) => "offline",
    }
}

/// The order in which devices decide: somebody at one of them is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    Offline,
    Away,
    /// A simple client's own word.
    Word,
    Online,
}

/// Whoever's record decides.
#[derive(Debug, Clone, Copy)]
enum DecidingDevice<'a> {
    Device(&'a DeviceId, &'a Device),
    Seed(&'a SimpleClient),
}

/// A status, why and since when.
type AggregateParts<'a> = (&'a str, Option<CauseView>, Option<Timestamp>);

/// What the devices come to, before the person's own choice is laid over it.
struct Aggregate<'a> {
    status: &'a str,
    cause: Option<CauseView>,
    since: Option<Timestamp>,
    witness: DecidingDevice<'a>,
}

impl SimpleClient {
    fn is_online(&self) -> bool {
        self.status == SimpleStatus::Online
    }
}

impl<'a> DecidingDevice<'a> {
    fn said(&self) -> Option<&'a AcceptedRecord> {
        match self {
            Self::Device(_, device) => Some(&device.accepted),
            Self::Seed(_) => None,
        }
    }

    fn status(&self) -> &'a str {
        match self {
            Self::Device(_, device) => device.accepted.observed.status(),
            Self::Seed(seed) => seed.status.word(),
        }
    }

    fn cause(&self) -> Option<CauseView> {
        self.said().and_then(|said| said.observed.cause())
    }

    fn since(&self) -> Option<Timestamp> {
        match self {
            Self::Device(_, device) => device.accepted.since,
            Self::Seed(seed) => seed.since,
        }
    }

    fn doubt(&self, around: &ConnectionContext) -> Option<Doubt> {
        match self {
            Self::Device(_, device) => device.doubt(around),
            Self::Seed(_) if !around.connection_up => Some(Doubt::LinkDown),
            Self::Seed(seed) => (seed.connection != around.connection).then_some(Doubt::Settling),
        }
    }

    fn rank(&self) -> Rank {
        match self {
            Self::Device(_, device) => match device.accepted.observed {
                Observed::Active | Observed::Unknown => Rank::Online,
                Observed::Away(_) => Rank::Away,
                Observed::Offline(_) => Rank::Offline,
            },
            Self::Seed(seed) => match seed.status {
                SimpleStatus::Online => Rank::Online,
                SimpleStatus::Other(_) => Rank::Word,
                SimpleStatus::Away => Rank::Away,
                SimpleStatus::Offline => Rank::Offline,
            },
        }
    }

    /// Among equals: one that knows that somebody is there; away and offline since the latest.
    fn weight(&self) -> (Rank, bool, Option<Timestamp>) {
        let rank = self.rank();
        (rank, self.cause() != Some(CauseView::Unknown), self.since())
    }
}

impl<'a> Aggregate<'a> {
    /// With the person's own choice laid over it.
    fn under(&self, choice: Option<&Choice>, now: Now) -> AggregateParts<'a> {
        match choice {
            Some(choice) => (
                choice.status.word(),
                Some(CauseView::Chosen),
                choice.at.map(|at| at.min(now.wall)),
            ),
            None => (self.status, self.cause, self.since),
        }
    }

    fn evidence(&self, around: &ConnectionContext, doubt: Option<Doubt>) -> EvidenceRef<'a> {
        let (device, kind, heard, loss) = match self.witness {
            DecidingDevice::Device(id, Device { accepted: said, .. }) => {
                (id.as_str(), said.kind.as_deref(), said.heard, said.loss)
            }
            DecidingDevice::Seed(seed) => ("", None, seed.heard, None),
        };
        let loss = loss.filter(|_| self.witness.rank() != Rank::Offline && doubt.is_none());
        let loss = loss.map(|loss| loss + around.broker_is_late);
        EvidenceRef {
            device,
            kind,
            status: self.status,
            cause: self.witness.cause(),
            since: self.witness.since(),
            heard,
            loss_shows_within_s: loss.map(|loss| u32::try_from(loss.as_secs()).unwrap_or(u32::MAX)),
            doubt,
        }
    }
}
