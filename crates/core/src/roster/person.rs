//! One person: their devices, a seed-style client, and the sum of it all.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::{Applied, Arrival};
use crate::id::{DeviceId, UserId};
use crate::presence::{Choice, Chosen, Observed, OfflineCause};
use crate::text::{MAX_NAME, display_text};
use crate::time::{Monotonic, Now, Timestamp};
use crate::view::{CauseView, DeviceView, PersonView};
use crate::wire::{DeviceRecord, SeedRecord, SeedStatus, SumRecord};

/// What is held of one device: its last record that counted, with its times placed on our clock.
#[derive(Debug)]
struct Device {
    observed: Observed,
    since: Option<Timestamp>,
    epoch: Option<u64>,
    chosen: Option<Chosen>,
    name: Option<String>,
    kind: Option<String>,
    /// Which record this was, counted over all: it tells which of two came last.
    number: u64,
}

/// What is held of a seed-style client of this person.
#[derive(Debug)]
struct Seed {
    status: SeedStatus,
    since: Option<Timestamp>,
    /// As it stood in the record, to be carried along unchanged.
    timestamp: Option<Timestamp>,
}

/// One person.
#[derive(Debug, Default)]
pub(super) struct Person {
    devices: BTreeMap<DeviceId, Device>,
    seed: Option<Seed>,
    pub(super) last_input: Option<Timestamp>,
    pub(super) typing_until: Option<Monotonic>,
    /// What was last handed out as shown, to tell changes from repetitions.
    pub(super) shown: Option<PersonView>,
    /// The entry in the roster's table of ends.
    pub(super) end: Option<Monotonic>,
}

/// What the devices come to, before the person's own choice is laid over it.
struct Base {
    status: String,
    cause: Option<CauseView>,
    since: Option<Timestamp>,
}

impl Person {
    pub(super) fn apply_device(
        &mut self,
        now: Now,
        id: &DeviceId,
        record: DeviceRecord,
        arrival: Arrival,
        number: u64,
    ) -> Applied {
        let held = self.devices.get(id);
        // An epoch judges only `lost`: a Will of an earlier session speaks for nobody who is here.
        let lost = record.observed == Observed::Offline(Some(OfflineCause::Lost));
        if lost && held.is_some_and(|held| record.epoch < held.epoch) {
            return Applied::Ghost;
        }
        let repeated = held.filter(|held| held.observed == record.observed);
        let since = place(now, &record, arrival).or_else(|| repeated.and_then(|held| held.since));
        // A Will is written at connect and carries no name or kind that a later record has not told.
        let (name, kind) = if lost {
            held.map_or((None, None), |held| (held.name.clone(), held.kind.clone()))
        } else {
            (None, None)
        };
        self.devices.insert(
            id.clone(),
            Device {
                observed: record.observed,
                since,
                epoch: record.epoch,
                chosen: record.chosen,
                name: record.name.or(name),
                kind: record.kind.or(kind),
                number,
            },
        );
        Applied::Taken
    }

    pub(super) fn forget_device(&mut self, id: &DeviceId) -> Applied {
        self.devices.remove(id);
        Applied::Taken
    }

    pub(super) fn apply_seed(&mut self, now: Now, record: SeedRecord, arrival: Arrival) {
        let told = if arrival.retained {
            record.timestamp.map(|at| at.min(now.wall))
        } else {
            // Live: it is so from now on. A Will's timestamp is that of the connect, long ago.
            Some(now.wall)
        };
        self.put_seed(record, told);
    }

    /// A seed-style client's record as a sum carries it: told before, so it tells no new time.
    pub(super) fn apply_carried(&mut self, now: Now, carried: Option<SeedRecord>) {
        match carried {
            None => self.seed = None,
            Some(record) => {
                let told = record.timestamp.map(|at| at.min(now.wall));
                self.put_seed(record, told);
            }
        }
    }

    fn put_seed(&mut self, record: SeedRecord, told: Option<Timestamp>) {
        let repeated = self.seed.as_ref().filter(|held| held.status == record.status);
        let since = repeated.and_then(|held| held.since).or(told);
        self.seed = Some(Seed { status: record.status, since, timestamp: record.timestamp });
    }

    pub(super) fn forget_seed(&mut self) {
        self.seed = None;
    }

    /// Nothing is known that anybody is shown, or could be once more of it arrives.
    pub(super) fn is_empty(&self) -> bool {
        let present = !self.devices.is_empty() || self.seed.is_some();
        // A last input may be read before the record that it belongs to, but not outlive it.
        let awaited = self.last_input.is_some() && self.shown.is_none();
        !present && !awaited && self.shown.is_none() && self.typing_until.is_none()
    }

    pub(super) fn devices_here(&self) -> impl Iterator<Item = &DeviceId> {
        self.devices.iter().filter(|(_, device)| device.observed.is_here()).map(|(id, _)| id)
    }

    /// When something about this person ends by itself.
    pub(super) fn next_end(&self, now: Now) -> Option<Monotonic> {
        let until = self.choice(now).and_then(|choice| choice.until).map(|until| now.when(until));
        [until, self.typing_until].into_iter().flatten().min()
    }

    /// The choice that counts: the highest number among the devices here, the last to arrive among equals.
    fn choice(&self, now: Now) -> Option<&Choice> {
        self.devices
            .values()
            .filter(|device| device.observed.is_here())
            .filter_map(|device| device.chosen.as_ref().map(|chosen| (chosen, device.number)))
            .max_by_key(|(chosen, number)| (chosen.rev, *number))
            .and_then(|(chosen, _)| chosen.choice.as_ref())
            .filter(|choice| choice.holds(now.wall))
    }

    fn base(&self) -> Option<Base> {
        if self.devices.is_empty() && self.seed.is_none() {
            return None;
        }
        Some(self.online().or_else(|| self.away()).unwrap_or_else(|| self.offline()))
    }

    fn online(&self) -> Option<Base> {
        let online =
            |device: &&Device| matches!(device.observed, Observed::Active | Observed::Unknown);
        let seed = self.seed.as_ref().filter(|s| s.status == SeedStatus::Online);
        let mut devices = self.devices.values().filter(online).peekable();
        if devices.peek().is_some() || seed.is_some() {
            let known =
                seed.is_some() || self.devices.values().any(|d| d.observed == Observed::Active);
            let since = devices.map(|d| d.since).chain(seed.map(|s| s.since)).flatten().min();
            let cause = (!known).then_some(CauseView::Unknown);
            return Some(Base { status: "online".to_owned(), cause, since });
        }
        match &self.seed {
            Some(Seed { status: SeedStatus::Other(word), since, .. }) => {
                Some(Base { status: word.clone(), cause: None, since: *since })
            }
            _ => None,
        }
    }

    fn away(&self) -> Option<Base> {
        let devices = self
            .devices
            .values()
            .filter(|device| matches!(device.observed, Observed::Away(_)))
            .map(|device| (device.since, device.observed.cause()));
        let seed = self
            .seed
            .iter()
            .filter(|seed| seed.status == SeedStatus::Away)
            .map(|seed| (seed.since, None));
        // Away since the latest input on any of them.
        let (since, cause) = devices.chain(seed).max_by_key(|(since, _)| *since)?;
        Some(Base { status: "away".to_owned(), cause, since })
    }

    fn offline(&self) -> Base {
        let devices = self.devices.values().map(|device| (device.since, device.observed.cause()));
        let seed = self.seed.iter().map(|seed| (seed.since, None));
        let (left, cause) =
            devices.chain(seed).max_by_key(|(since, _)| *since).unwrap_or((None, None));
        // A seed-style Will tells the time of the connect; the last input may be later than that.
        Base { status: "offline".to_owned(), cause, since: left.max(self.last_input) }
    }

    pub(super) fn view(&self, user: &UserId, now: Now, stale: bool) -> Option<PersonView> {
        let base = self.base()?;
        let choice = self.choice(now);
        let (status, cause, since) = match choice {
            Some(choice) => (
                choice.status.word().to_owned(),
                Some(CauseView::Chosen),
                choice.at.map(|at| at.min(now.wall)),
            ),
            None => (base.status, base.cause, base.since),
        };
        Some(PersonView {
            user: user.to_string(),
            name: self.name(user),
            status,
            cause,
            since,
            text: choice.and_then(|choice| choice.text.clone()),
            emoji: choice.and_then(|choice| choice.emoji.clone()),
            until: choice.and_then(|choice| choice.until),
            stale,
            typing: self.typing_until.is_some_and(|until| now.mono < until),
            devices: self.device_views(),
        })
    }

    /// The name last told, a device that is here before one that is not.
    fn name(&self, user: &UserId) -> String {
        self.devices
            .values()
            .filter_map(|device| Some((device, device.name.as_ref()?)))
            .max_by_key(|(device, _)| (device.observed.is_here(), device.number))
            .map(|(_, name)| name.clone())
            .or_else(|| display_text(user.as_str(), MAX_NAME))
            .unwrap_or_else(|| user.to_string())
    }

    fn device_views(&self) -> Vec<DeviceView> {
        let mut devices: Vec<_> = self.devices.iter().collect();
        devices.sort_by_key(|(id, device)| (Reverse(device.observed.is_here()), *id));
        let devices = devices.into_iter().map(|(id, device)| DeviceView {
            device: id.to_string(),
            kind: device.kind.clone(),
            status: device.observed.status().to_owned(),
            cause: device.observed.cause(),
            since: device.since,
        });
        let seed = self.seed.iter().map(|seed| DeviceView {
            device: String::new(),
            kind: None,
            status: seed.status.word().to_owned(),
            cause: None,
            since: seed.since,
        });
        devices.chain(seed).collect()
    }

    pub(super) fn sum(&self, now: Now) -> SumRecord {
        let choice = self.choice(now);
        let base = self.base();
        // A seed-style client that is gone needs no carrying: its absence is what the sum says.
        let foreign = self.seed.as_ref().filter(|seed| seed.status != SeedStatus::Offline);
        SumRecord {
            status: choice.map_or_else(
                || base.as_ref().map_or_else(|| "offline".to_owned(), |base| base.status.clone()),
                |choice| choice.status.word().to_owned(),
            ),
            timestamp: Some(now.wall),
            since: match choice {
                Some(choice) => choice.at,
                None => base.and_then(|base| base.since),
            },
            text: choice.and_then(|choice| choice.text.clone()),
            foreign: foreign
                .map(|seed| SeedRecord { status: seed.status.clone(), timestamp: seed.timestamp }),
        }
    }
}

/// Since when a record's state holds, on our clock (`docs/protocol.md`, *Age and lease*). Where the broker
/// tells the record's age, the record's times are placed relative to when it took it, so that the writer's
/// clock does not matter; otherwise they are taken as they are, but never in the future.
fn place(now: Now, record: &DeviceRecord, arrival: Arrival) -> Option<Timestamp> {
    let Some(age) = arrival.age else {
        let told = record.since.or(record.timestamp).map(|since| since.min(now.wall));
        // A Will tells no time; live, it is now.
        return told.or_else(|| (!arrival.retained).then_some(now.wall));
    };
    let written = now.ago(age);
    Some(match (record.since, record.timestamp) {
        (Some(since), Some(timestamp)) => written - timestamp.since(since),
        (Some(since), None) => since.min(written),
        (None, _) => written,
    })
}
