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

/// One person: their devices, their simple client and what was last shown of them.
#[derive(Debug, Default)]
pub(super) struct Person {
    devices: BTreeMap<DeviceId, Device>,
    simple: Option<SimpleClient>,
    pub(super) last_input: Option<LastInput>,
    pub(super) typing_until: Option<Monotonic>,
    /// The view last returned, to tell changes from repetitions.
    pub(super) shown: Option<PersonView>,
    /// This person's entry in the roster's table of ends.
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
        // A live record holds from now on. A Will's timestamp is that of the connect, long ago.
        self.put_simple(now, record, !arrival.retained, around);
    }

    /// Applies a simple client's record that an aggregate carries along: it gives no new time.
    pub(super) fn apply_carried(
        &mut self,
        now: Now,
        carried: Option<SimpleRecord>,
        around: &ConnectionContext,
    ) {
        match carried {
            None => self.simple = None,
            Some(record) => {
                // The sender of the aggregate had not read a newer record.
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

    /// Recomputes all times after our clock was set or we learned more about the broker.
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

    /// An aggregate replaced the simple client's record and does not mention it. Unless we were
    /// away for long, the simple client is unchanged.
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

    /// Whether neither a device nor a simple client is known.
    pub(super) fn has_nothing(&self) -> bool {
        self.devices.is_empty() && self.simple.is_none()
    }

    /// Whether nothing is known that is shown, or may be shown once more arrives.
    pub(super) fn is_empty(&self) -> bool {
        let present = !self.has_nothing();
        // A last input may be read before its device record, but does not outlive it.
        let awaited = self.last_input.is_some() && self.shown.is_none();
        !present && !awaited && self.shown.is_none() && self.typing_until.is_none()
    }

    pub(super) fn devices_here(&self) -> impl Iterator<Item = &DeviceId> {
        self.devices
            .iter()
            .filter(|(_, device)| device.accepted.observed.is_here())
            .map(|(id, _)| id)
    }

    /// Ends what has expired; returns whether a loss was confirmed.
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

    /// Our connection dropped.
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

    /// Handles records that were not read again: the broker was killed and lost its store, or
    /// somebody was removed. A connected device is lost since its last record; any other is
    /// forgotten.
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

    /// The choice that counts: the highest number among the connected devices, the last to arrive
    /// among equals.
    fn choice(&self, now: Now) -> Option<&Choice> {
        let said = self.chosen()?;
        let holds = said.choice_ends.is_none_or(|ends| now.mono < ends);
        said.chosen.as_ref().filter(|_| holds)?.choice.as_ref()
    }

    /// The record with the choice that counts.
    fn chosen(&self) -> Option<&AcceptedRecord> {
        self.devices
            .values()
            .map(|device| &device.accepted)
            .filter(|said| said.observed.is_here() && said.chosen.is_some())
            .max_by_key(|said| (said.chosen.as_ref().map(|chosen| chosen.rev), said.number))
    }

    /// The aggregate of the devices; with `believed_only`, without doubted devices.
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
            // Online since the first online device came.
            let simple = self
                .simple
                .iter()
                .filter(|simple| simple.status == SimpleStatus::Online)
                .map(|simple| simple.since);
            since = devices.map(|device| device.accepted.since).chain(simple).flatten().min();
        } else if witness.rank() == Rank::Offline {
            // A simple Will contains the time of the connect; the last input may be later.
            since = since.max(self.last_input());
        }
        Some(Aggregate { status, cause, since, witness })
    }

    /// The status alone, its cause and its start.
    pub(super) fn status(
        &self,
        now: Now,
        around: &ConnectionContext,
    ) -> Option<AggregateParts<'_>> {
        Some(self.base(around, false)?.under(self.choice(now), now))
    }

    /// The view to show, still without the id beside the name.
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

    /// Whether and how the person can be reached now.
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

    /// Connected devices first, each part in the order of the ids; a simple client last.
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

    /// Why the status may be out of date; a doubted device does not count if another one decides
    /// the status.
    fn doubt(&self, base: &Aggregate<'_>, around: &ConnectionContext) -> Option<Doubt> {
        let doubt = base.witness.doubt(around)?;
        let believed = self.base(around, true);
        believed.is_none_or(|believed| believed.status != base.status).then_some(doubt)
    }

    /// A field of the device records: the last received first, connected devices before others.
    fn told<'a, T>(&'a self, of: impl Fn(&'a AcceptedRecord) -> Option<T>) -> Option<T> {
        let devices = self.devices.values().map(|device| &device.accepted);
        let told = devices.filter_map(|said| Some((said, of(said)?)));
        let last = told.max_by_key(|(said, _)| (said.observed.is_here(), said.number));
        last.map(|(_, told)| told)
    }

    /// The last received links. A device without links removes those of no other device.
    fn links(&self) -> &[ContactLink] {
        self.told(|said| (!said.links.is_empty()).then_some(said.links.as_slice()))
            .unwrap_or_default()
    }

    /// The last received name.
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

    /// Whether an aggregate means the same to a reader as [`Person::aggregate`].
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

    /// The simple client as an aggregate carries it along. One that is offline is left out, because
    /// its absence means the same. One not read since we were away may be gone.
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
