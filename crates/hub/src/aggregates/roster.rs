//! The aggregates under one root.

use porchlight_core::id::{DeviceId, Root, UserId};
use porchlight_core::mqtt_session::Write;
use porchlight_core::presence::{AwayCause, Observed};
use porchlight_core::rate_limit::RateLimit;
use porchlight_core::roster::{Applied, Arrival, Change, Roster};
use porchlight_core::time::{Monotonic, Now, Timestamp};
use porchlight_core::topic::Topic;
use porchlight_core::wire::{self, AggregateRecord, Payload, SimpleStatus, UserRecord};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// An unchanged aggregate is written again after this time, well before it expires at the broker.
pub(super) const RENEW: Duration = Duration::from_secs(10 * 24 * 60 * 60);
/// Minimum step between two published input times.
const STEP: Duration = Duration::from_secs(1);

/// The users under one root, and the content of their topics.
#[derive(Debug)]
pub(super) struct TeamRoster {
    root: Root,
    roster: Roster,
    people: BTreeMap<UserId, Topics>,
    /// The users whose topics may be wrong.
    due: BTreeSet<UserId>,
    /// The users whose topics are wrong, and when the rate limit allows the next correction.
    later: BTreeSet<(Monotonic, UserId)>,
    /// The payload that `_hub` must have.
    announcement: Vec<u8>,
    announced: bool,
    /// Whether it changed since it was written. That is no disagreement, so no limit applies.
    is_news: bool,
    /// Limits how often `_hub` is written again. Otherwise two hubs that disagree would overwrite each other
    /// forever.
    announcing: RateLimit,
    announce_at: Option<Monotonic>,
    /// The changes not yet taken. None if nobody reads them.
    changes: Option<Vec<Change>>,
}

/// The content of one user's topics, and their latest input.
#[derive(Debug, Default)]
struct Topics {
    user: UserTopic,
    /// The aggregate that we last wrote. None if we never wrote this topic.
    said: Option<ShownAggregate>,
    /// Limits how often the same aggregate is written again. Otherwise two writers that disagree would
    /// overwrite each other forever.
    answers: RateLimit,
    activity: Option<Timestamp>,
    /// The latest input that a device record proves.
    input: Option<Timestamp>,
}

/// The retained content of a user topic.
#[derive(Debug, Default)]
enum UserTopic {
    #[default]
    Nothing,
    /// An aggregate, ours or not, and when the broker received it.
    Sum(ShownAggregate, Timestamp),
    /// The record of a simple client, or an unreadable payload.
    Foreign,
}

/// The part of an aggregate that readers see.
#[derive(Debug, Clone, PartialEq, Eq)]
struct ShownAggregate {
    status: String,
    text: Option<String>,
    foreign: Option<SimpleStatus>,
}

impl From<&AggregateRecord> for ShownAggregate {
    fn from(sum: &AggregateRecord) -> Self {
        Self {
            status: sum.status.clone(),
            text: sum.text.clone(),
            foreign: sum.foreign.as_ref().map(|foreign| foreign.status.clone()),
        }
    }
}

impl TeamRoster {
    /// Creates the roster of the embedded broker.
    pub(super) fn new(root: Root, announcement: Vec<u8>) -> Self {
        let mut roster = Roster::default();
        // The embedded broker keeps the timers of the protocol.
        roster.set_broker_is_prompt(true);
        Self::with(root, announcement, roster)
    }

    /// Creates the roster of a remote broker, without a connection yet. It reports changes.
    pub(super) fn far(root: Root, announcement: Vec<u8>) -> Self {
        let mut room = Self::with(root, announcement, Roster::remote(None));
        room.tell();
        room
    }

    fn with(root: Root, announcement: Vec<u8>, roster: Roster) -> Self {
        Self {
            root,
            roster,
            people: BTreeMap::new(),
            due: BTreeSet::new(),
            later: BTreeSet::new(),
            announcement,
            announced: false,
            is_news: false,
            announcing: RateLimit::default(),
            announce_at: None,
            changes: None,
        }
    }

    pub(super) fn tell(&mut self) {
        self.changes.get_or_insert_default();
    }

    /// Forgets the content of all topics, because the broker may have lost it. The retained messages follow.
    pub(super) fn connection_began(&mut self, now: Now) {
        self.roster.connection_began(now);
        self.announced = false;
        self.announce_at = None;
        for topics in self.people.values_mut() {
            topics.user = UserTopic::Nothing;
            topics.activity = None;
        }
    }

    pub(super) fn connection_up(&mut self, now: Now) {
        self.roster.connection_up(now);
        self.due.extend(self.people.keys().cloned());
    }

    pub(super) fn connection_lost(&mut self, now: Now) {
        self.roster.connection_lost(now);
    }

    /// Changes the payload of `_hub`.
    pub(super) fn announce(&mut self, announcement: Vec<u8>) {
        self.is_news |= self.announcement != announcement;
        self.announced &= !self.is_news;
        self.announcement = announcement;
    }

    pub(super) fn apply(&mut self, now: Now, topic: Topic, payload: &[u8], arrival: Arrival) {
        match topic {
            Topic::Device(user, device) => self.apply_device(now, user, &device, payload, arrival),
            Topic::User(user) => self.apply_user(now, user, payload, arrival),
            Topic::Activity(user) => self.apply_activity(now, user, payload, arrival),
            Topic::Hub => {
                self.announced = payload == self.announcement;
                self.announce_at = None;
            }
            // These topics have no part in the aggregate.
            Topic::Chosen(_) | Topic::Typing(_) | Topic::Inbox(..) => {}
        }
    }

    /// Returns how long ago the broker received a record, if known.
    pub(super) fn age(&self, now: Now, payload: &[u8], arrival: Arrival) -> Option<Duration> {
        let written = match wire::decode_device(payload) {
            Ok(Payload::Record(record)) => record.timestamp,
            _ => None,
        };
        self.roster.age(now, arrival, written)
    }

    fn apply_device(
        &mut self,
        now: Now,
        user: UserId,
        device: &DeviceId,
        payload: &[u8],
        arrival: Arrival,
    ) {
        let record = match wire::decode_device(payload) {
            Ok(record) => record,
            Err(e) => return self.unreadable(&Topic::Device(user, device.clone()), e),
        };
        let told = match &record {
            Payload::Record(record) => Some((record.observed, record.timestamp)),
            Payload::Cleared => None,
        };
        let applied = self.roster.apply_device(now, &user, device, record, arrival);
        if let (Applied::Taken, Some((observed, written))) = (applied, told) {
            let age = self.roster.age(now, arrival, written);
            let input = self.input(now, &user, device, observed, age);
            let topics = self.people.entry(user.clone()).or_default();
            topics.input = topics.input.max(input);
        }
        self.due.insert(user);
    }

    /// Returns the time of the last input, if the record just accepted proves one. A lock, sleep or
    /// disconnect proves none, because a timer or another person may cause it.
    fn input(
        &self,
        now: Now,
        user: &UserId,
        device: &DeviceId,
        observed: Observed,
        age: Option<Duration>,
    ) -> Option<Timestamp> {
        match observed {
            // A record of unknown age proves no time.
            Observed::Active => age.and_then(|age| now.ago(age).believable()),
            // The device is away since its last input. The roster has converted that time to our clock.
            Observed::Away(Some(AwayCause::Idle)) => {
                let person = self.roster.person(user, now)?;
                let device = person.devices.iter().find(|d| d.device == device.as_str())?;
                device.since.map(|since| since.min(now.wall))
            }
            _ => None,
        }
    }

    fn apply_user(&mut self, now: Now, user: UserId, payload: &[u8], arrival: Arrival) {
        let record = wire::decode_user(payload)
            .inspect_err(|e| self.unreadable(&Topic::User(user.clone()), *e));
        let topics = self.people.entry(user.clone()).or_default();
        topics.user = match &record {
            Ok(Payload::Cleared) => UserTopic::Nothing,
            Ok(Payload::Record(UserRecord::Aggregate(sum))) => {
                let said = ShownAggregate::from(sum);
                if arrival.retained {
                    // An earlier run wrote it, so we correct and clear it.
                    topics.said = Some(said.clone());
                }
                let age = self.roster.age(now, arrival, sum.timestamp);
                UserTopic::Sum(said, now.ago(age.unwrap_or_default()))
            }
            Ok(Payload::Record(UserRecord::Simple(_))) | Err(_) => UserTopic::Foreign,
        };
        match record {
            // Ignore what another writer copied from a simple record: we saw that record, and the other may
            // have missed it.
            Ok(Payload::Record(UserRecord::Aggregate(_))) if !arrival.retained => {}
            Ok(record) => self.roster.apply_user(now, &user, record, arrival),
            Err(_) => {}
        }
        self.due.insert(user);
    }

    fn apply_activity(&mut self, now: Now, user: UserId, payload: &[u8], arrival: Arrival) {
        let at = match wire::decode_activity(payload) {
            Ok(at) => at,
            Err(e) => return self.unreadable(&Topic::Activity(user), e),
        };
        let topics = self.people.entry(user.clone()).or_default();
        match at {
            Payload::Cleared => {
                // A cleared topic stays empty until there is new input.
                topics.activity = None;
                topics.input = None;
            }
            Payload::Record(at) => {
                // The topic has content, even if its time is unusable.
                topics.activity = Some(at.meant().unwrap_or_default().min(now.wall));
            }
        }
        self.roster.apply_activity(now, &user, at, arrival);
        self.due.insert(user);
    }

    pub(super) fn expire(&mut self, now: Now) {
        self.roster.expire(now);
        while self.later.first().is_some_and(|(at, _)| *at <= now.mono) {
            self.due.extend(self.later.pop_first().map(|(_, user)| user));
        }
        self.announce_at = self.announce_at.filter(|at| *at > now.mono);
    }

    pub(super) fn next_deadline(&self) -> Option<Monotonic> {
        let later = self.later.first().map(|(at, _)| *at);
        [self.roster.next_deadline(), later, self.announce_at].into_iter().flatten().min()
    }

    pub(super) fn take_writes(&mut self, now: Now, writes: &mut Vec<Write>) {
        if std::mem::take(&mut self.is_news) {
            (self.announced, self.announce_at) = (true, None);
            writes.push(self.hub(self.announcement.clone()));
        } else if !self.announced && self.announce_at.is_none() {
            match self.announcing.take(now.mono, &()) {
                Ok(()) => {
                    self.announced = true;
                    writes.push(self.hub(self.announcement.clone()));
                }
                Err(at) => self.announce_at = Some(at),
            }
        }
        self.note_changes(now);
        for user in std::mem::take(&mut self.due) {
            self.settle(now, &user, writes);
        }
    }

    /// Marks the users whose view changed as due, and collects the changes.
    fn note_changes(&mut self, now: Now) {
        for change in self.roster.take_changes(now) {
            let view = change.after.as_ref().or(change.before.as_ref());
            self.due.extend(view.and_then(|view| UserId::parse(&view.user).ok()));
            if let Some(changes) = &mut self.changes {
                changes.push(change);
            }
        }
    }

    pub(super) fn take_changes(&mut self, now: Now) -> Vec<Change> {
        self.note_changes(now);
        self.changes.as_mut().map(std::mem::take).unwrap_or_default()
    }

    pub(super) fn withdrawal(&self) -> Write {
        self.hub(Vec::new())
    }

    fn hub(&self, payload: Vec<u8>) -> Write {
        // The announcement never expires while the hub runs.
        Write { topic: Topic::Hub.to_wire(&self.root), payload, expires_in: None }
    }

    /// Writes the topics of one user if they are wrong.
    fn settle(&mut self, now: Now, user: &UserId, writes: &mut Vec<Write>) {
        let write = |topic: Topic, payload| Write::record(topic.to_wire(&self.root), payload);
        let Some(person) = self.roster.person(user, now) else {
            if let Some(topics) = self.people.remove(user).filter(|topics| topics.said.is_some()) {
                if matches!(topics.user, UserTopic::Sum(..)) {
                    writes.push(write(Topic::User(user.clone()), Vec::new()));
                }
                if topics.activity.is_some() {
                    writes.push(write(Topic::Activity(user.clone()), Vec::new()));
                }
            }
            return;
        };
        let topics = self.people.entry(user.clone()).or_default();
        let sum = self.roster.aggregate(user, now);
        let said = ShownAggregate::from(&sum);
        let wrong = match &topics.user {
            UserTopic::Sum(standing, at) => *standing != said || now.wall.since(*at) >= RENEW,
            // For a user without devices, the simple record suffices.
            UserTopic::Nothing | UserTopic::Foreign => {
                person.devices.iter().any(|device| !device.device.is_empty())
            }
        };
        // A new aggregate is written at once. Only corrections of another writer are limited.
        let repeated = topics.said.as_ref() == Some(&said);
        match if wrong && repeated { topics.answers.take(now.mono, &()) } else { Ok(()) } {
            Ok(()) if wrong => {
                topics.said = Some(said.clone());
                topics.user = UserTopic::Sum(said, now.wall);
                writes.push(write(Topic::User(user.clone()), wire::encode_aggregate(&sum)));
            }
            Ok(()) => {}
            Err(at) => {
                self.later.insert((at, user.clone()));
            }
        }
        if let Some(input) = topics.input
            && topics.activity.is_none_or(|told| input.since(told) >= STEP)
        {
            topics.activity = Some(input);
            writes.push(write(Topic::Activity(user.clone()), wire::encode_activity(input)));
        }
    }

    fn unreadable(&self, topic: &Topic, e: wire::WireError) {
        tracing::debug!(topic = topic.to_wire(&self.root), "not summed: {e}");
    }
}
