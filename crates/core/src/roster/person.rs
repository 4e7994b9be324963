//! One person: their devices, a simple client, and the aggregate of both.

use std::collections::BTreeMap;

use super::device::{AcceptedRecord, Device, Expired};
use super::reachability::Reachability;
use super::{Applied, Arrival, ConnectionContext};
use crate::contact::ContactLink;
use crate::id::{DeviceId, UserId};
use crate::presence::{Choice, Doubt};
use crate::text::{MAX_NAME, display_id};
use crate::time::{ClockChange, Monotonic, Now, Timestamp};
use crate::view::{DeviceView, PersonView};
use crate::wire::{AggregateRecord, DeviceRecord, SimpleRecord, SimpleStatus};

mod aggregate;
mod simple_client;

use aggregate::{Aggregate, AggregateParts, DecidingDevice, Rank};
pub(super) use simple_client::LastInput;
use simple_client::SimpleClient;

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
        let before = self.simple.as_ref();
        self.simple = Some(SimpleClient::new(now, record, live, before, around));
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
        if let Some(simple) = &mut self.simple {
            simple.place_again(now, around);
        }
        if let Some(input) = &mut self.last_input {
            input.place_again(now, around);
        }
    }

    pub(super) fn last_input(&self) -> Option<Timestamp> {
        self.last_input.and_then(LastInput::at)
    }

    /// Something stands where the simple client's record stood, and tells nothing of it: unless we were away for
    /// long, it is as we knew it.
    pub(super) fn keep_simple(&mut self, around: &ConnectionContext) {
        if let Some(simple) =
            self.simple.as_mut().filter(|simple| simple.connection >= around.away_before)
        {
            simple.connection = around.connection;
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
        self.simple.take_if(|simple| !simple.lose_unread(around));
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
        let simple = self.simple.iter().map(DecidingDevice::Simple);
        let simple = simple.filter(|simple| !believed_only || simple.doubt(around).is_none());
        let witness = devices.chain(simple).max_by_key(DecidingDevice::weight)?;
        let status = witness.status();
        let cause = witness.cause();
        let mut since = witness.since();
        if witness.rank() == Rank::Online {
            let online = |other: &&Device| other.accepted.observed.status() == "online";
            let devices = self.devices.values().filter(online);
            // Around since the first of them came.
            let simple = self
                .simple
                .iter()
                .filter(|simple| simple.status == SimpleStatus::Online)
                .map(|simple| simple.since);
            since = devices.map(|device| device.accepted.since).chain(simple).flatten().min();
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

    /// What is to be shown. Whether the id is shown beside the name is not known here.
    pub(super) fn view(
        &self,
        user: &UserId,
        now: Now,
        around: &ConnectionContext,
    ) -> Option<PersonView> {
        let base = self.base(around, false)?;
        let choice = self.choice(now);
        let doubt = self.doubt(&base, around);
        let (status, cause, since) = base.under(choice, now);
        Some(PersonView {
            user: user.to_string(),
            name: self.name(user),
            shown_id: None,
            status: status.to_owned(),
            cause,
            since,
            text: choice.and_then(|choice| choice.text.clone()),
            emoji: choice.and_then(|choice| choice.emoji.clone()),
            until: choice.and_then(|choice| choice.until),
            stale: doubt.is_some(),
            typing: self.typing_until.is_some_and(|until| now.mono < until),
            in_call: self.in_call(),
            tz: base.witness.said().and_then(|said| said.tz.clone()),
            links: self.links().to_vec(),
            devices: self.device_views(),
            evidence: base.evidence(around, doubt),
        })
    }

    /// As far as it matters to whoever wants to reach them.
    pub(super) fn reachability(
        &self,
        now: Now,
        around: &ConnectionContext,
    ) -> Option<Reachability<'_>> {
        let base = self.base(around, false)?;
        let stale = self.doubt(&base, around).is_some();
        let (status, cause, since) = base.under(self.choice(now), now);
        Some(Reachability { status, cause, since, in_call: self.in_call(), stale })
    }

    fn in_call(&self) -> bool {
        self.devices.values().any(|device| device.accepted.in_call)
    }

    /// Those here first, each part in the order of their ids; a simple client last.
    fn device_views(&self) -> Vec<DeviceView> {
        let all = self.devices.iter().map(|(id, device)| (id, &device.accepted));
        let here = all.clone().filter(|(_, said)| said.observed.is_here());
        let gone = all.filter(|(_, said)| !said.observed.is_here());
        let devices = here.chain(gone).map(|(id, said)| DeviceView {
            device: id.to_string(),
            kind: said.kind.clone(),
            status: said.observed.status().to_owned(),
            cause: said.observed.cause(),
            since: said.since,
        });
        let simple = self.simple.iter().map(|simple| DeviceView {
            device: String::new(),
            kind: None,
            status: simple.status.word().to_owned(),
            cause: None,
            since: simple.since,
        });
        devices.chain(simple).collect()
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
    fn name(&self, user: &UserId) -> String {
        let name = self.told(|said| said.name.as_ref());
        name.cloned().unwrap_or_else(|| display_id(user.as_str(), MAX_NAME))
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
            foreign: self.foreign(around).map(|simple| SimpleRecord {
                status: simple.status.clone(),
                timestamp: simple.timestamp,
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
            (Some(simple), Some(told)) => {
                simple.status == told.status && simple.timestamp == told.timestamp
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
        self.simple.as_ref().filter(|simple| {
            simple.status != SimpleStatus::Offline && simple.connection >= around.away_before
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
