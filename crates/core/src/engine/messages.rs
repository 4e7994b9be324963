//! Messages from the broker: decodes each one and passes it to the part of the engine that it
//! concerns.
//!
//! Every message that is dropped is counted with its reason.

use super::Engine;
use crate::connection::{Message, Refusal};
use crate::diagnostics::DropReason;
use crate::effect::Effect;
use crate::expiry::Arrival;
use crate::id::{DeviceId, UserId};
use crate::roster::Applied;
use crate::time::Now;
use crate::topic::{Topic, TopicError};
use crate::wire::{self, DeviceRecord, HubRecord, Payload, UserRecord, WireError};

impl Engine {
    pub(super) fn handle_message(&mut self, now: Now, message: &Message) {
        self.diagnostics.received += 1;
        match self.fold(now, message) {
            Ok(()) => self.diagnostics.taken += 1,
            Err(error) => self.drop_message(&message.topic, error),
        }
    }

    fn fold(&mut self, now: Now, message: &Message) -> Result<(), DropReason> {
        let topic = Topic::parse(&self.root, &message.topic).map_err(|error| match error {
            TopicError::Foreign => DropReason::ForeignTopic,
            TopicError::Id(_) => DropReason::BadId,
        })?;
        let arrival = Arrival::from_broker(message.retained, message.expires_in);
        match topic {
            Topic::Device(user, device) => {
                let decoded = wire::decode_device(&message.payload);
                self.fold_device(now, &user, &device, decoded, arrival)
            }
            Topic::User(user) => self.fold_user(now, &user, &message.payload, arrival),
            Topic::Activity(user) => {
                let payload = wire::decode_activity(&message.payload)?;
                if let Payload::Record(at) = payload {
                    self.count_future(now, [Some(at)]);
                }
                self.roster.apply_activity(now, &user, payload, arrival);
                Ok(())
            }
            Topic::Typing(_) | Topic::Inbox(..) if message.retained => {
                Err(DropReason::RetainedSignal)
            }
            Topic::Typing(user) => {
                let typing = wire::decode_typing(&message.payload)?;
                self.roster.apply_typing(now, &user, typing == Payload::Record(true));
                Ok(())
            }
            Topic::Chosen(user) => {
                let payload = wire::decode_chosen(&message.payload)?;
                if let Some(choosing) = self.user_status.as_mut().filter(|c| c.user == user) {
                    let record = match payload {
                        Payload::Cleared => None,
                        Payload::Record(record) => Some(record),
                    };
                    let written = record.as_ref().and_then(|record| record.timestamp);
                    let held = record.as_ref().is_some_and(|record| choosing.holds(record));
                    let age = self.roster.age_of_choice(now, arrival, written, held);
                    let gave_way = choosing.read(now, record, age, message.retained);
                    // A role that only sets the status has nothing more to wait for.
                    if gave_way && self.local_device.is_none() {
                        let reason = "something was chosen on another device meanwhile".to_owned();
                        self.effects.push_back(Effect::ChoiceSettled(Err(Refusal::Ours(reason))));
                    }
                }
                Ok(())
            }
            Topic::Inbox(user, from) => self.fold_inbox(now, &user, &from, &message.payload),
            Topic::Hub => self.fold_hub(&message.payload),
        }
    }

    fn fold_device(
        &mut self,
        now: Now,
        user: &UserId,
        device: &DeviceId,
        decoded: Result<Payload<DeviceRecord>, WireError>,
        arrival: Arrival,
    ) -> Result<(), DropReason> {
        if let Some(choosing) = self.user_status.as_mut().filter(|c| c.user == *user)
            && let Ok(Payload::Record(record)) = &decoded
            && let Some(chosen) = &record.chosen
        {
            choosing.seen(chosen.rev);
        }
        if let Some(own) = &mut self.local_device
            && own.holder.user == *user
            && own.holder.device == *device
        {
            let record = match &decoded {
                Ok(Payload::Record(record)) => Some(record),
                Ok(Payload::Cleared) | Err(_) => None,
            };
            let written = record.and_then(|record| record.timestamp);
            if record.is_some() {
                self.roster.note_expiry(now, arrival, written);
            }
            let age = self.roster.age(now, arrival, written);
            // We know best what this device is. The message is an echo, from the past, or wrong.
            let foreign = record.is_some_and(|record| own.is_foreign(record));
            let cloned = !self.hidden && own.read(now, record, arrival, age);
            if cloned {
                self.become_another_device(now);
            } else if foreign && arrival.retained && !self.hidden {
                self.handle_foreign_record(now);
            }
            if !self.hidden {
                return decoded.map(|_| ()).map_err(DropReason::from);
            }
        }
        let payload = decoded?;
        if let Payload::Record(record) = &payload {
            self.count_future(now, [record.since, record.timestamp]);
        }
        match self.roster.apply_device(now, user, device, payload, arrival) {
            Applied::Taken => Ok(()),
            Applied::StaleWill => Err(DropReason::Ghost),
        }
    }

    fn fold_user(
        &mut self,
        now: Now,
        user: &UserId,
        bytes: &[u8],
        arrival: Arrival,
    ) -> Result<(), DropReason> {
        let decoded = wire::decode_user(bytes);
        if let Some(own) = &mut self.local_device
            && own.holder.user == *user
        {
            let record = match &decoded {
                Ok(Payload::Record(record)) => Some(record),
                Ok(Payload::Cleared) | Err(_) => None,
            };
            if own.user_topic.read(bytes, record, arrival.retained) {
                return Ok(());
            }
        }
        let payload = decoded?;
        if let Payload::Record(UserRecord::Simple(record)) = &payload {
            self.count_future(now, [record.timestamp]);
        }
        self.roster.apply_user(now, user, payload, arrival);
        Ok(())
    }

    /// Reads the record of the hub or gateway that aggregates here. An empty record is its Will.
    fn fold_hub(&mut self, payload: &[u8]) -> Result<(), DropReason> {
        let record = wire::decode_hub(payload)?;
        self.hub_aggregates = matches!(record, Payload::Record(_));
        // A gateway aggregates, too, but it does not control the timers of its broker.
        let ours = matches!(&record, Payload::Record(hub) if hub.in_order);
        self.roster.set_broker_is_prompt(ours);
        // The Will arrives when the host goes away. We keep `host`, because the window then shows
        // which computer that was.
        if let Payload::Record(HubRecord { host, at, .. }) = record {
            self.host = host;
            if !at.is_empty() && at != self.reachable {
                self.effects.push_back(Effect::Reachable(at.clone()));
                self.reachable = at;
            }
        }
        Ok(())
    }

    fn drop_message(&mut self, topic: &str, error: DropReason) {
        *self.diagnostics.dropped.entry(error).or_default() += 1;
        if self.complained.insert(error) {
            self.effects.push_back(Effect::Complain { topic: topic.to_owned(), error });
        }
    }
}
