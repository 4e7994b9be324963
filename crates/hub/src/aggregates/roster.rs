//! The sums under one root.

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

/// A sum that does not change is written anew after this long, well before the broker forgets it.
pub(super) const RENEW: Duration = Duration::from_secs(10 * 24 * 60 * 60);
/// An input this much later than the one told is worth a message.
const STEP: Duration = Duration::from_secs(1);

/// Everybody under one root, and what stands on their topics.
#[derive(Debug)]
pub(super) struct TeamRoster {
    root: Root,
    roster: Roster,
    people: BTreeMap<UserId, Topics>,
    /// Whose topics may be wrong.
    due: BTreeSet<UserId>,
    /// Whose topics are wrong, and when it is our turn again to say so.
    later: BTreeSet<(Monotonic, UserId)>,
    /// What `_hub` is to say, and whether it does.
    announcement: Vec<u8>,
    announced: bool,
    /// How often `_hub` is written again. Two hubs that disagree would otherwise answer each other for ever.
    announcing: RateLimit,
    announce_at: Option<Monotonic>,
    /// What changed, where somebody wants to be told.
    changes: Option<Vec<Change>>,
}

/// What stands on one person's topics, and what is known beside it.
#[derive(Debug, Default)]
struct Topics {
    user: UserTopic,
    /// What we last said there; none where the topic was never ours.
    said: Option<ShownAggregate>,
    /// How often the same is said again there. Two writers that disagree would otherwise answer each other for ever.
    answers: RateLimit,
    activity: Option<Timestamp>,
    /// The latest input that a device record is evidence of.
    input: Option<Timestamp>,
}

/// What stands on a user topic.
#[derive(Debug, Default)]
enum UserTopic {
    #[default]
    Nothing,
    /// A sum, ours or not, and when the broker took it.
    Sum(ShownAggregate, Timestamp),
    /// A simple client's record, or something that cannot be read.
    Foreign,
}

/// What a reader sees of a sum.
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
    /// A room in the broker of this process.
    pub(super) fn new(root: Root, announcement: Vec<u8>) -> Self {
        let mut roster = Roster::default();
        // Our broker keeps to the protocol's timers.
        roster.set_broker_is_prompt(true);
        Self::with(root, announcement, roster)
    }

    /// A room beyond a connection, which is not up yet. Its changes are told.
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
            announcing: RateLimit::default(),
            announce_at: None,
            changes: None,
        }
    }

    pub(super) fn tell(&mut self) {
        self.changes.get_or_insert_default();
    }

    /// What stands on the broker now is what will be read, and nothing else: it may have forgotten all.
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

    /// Says something else on `_hub` from here on.
    pub(super) fn announce(&mut self, announcement: Vec<u8>) {
        self.announced &= self.announcement == announcement;
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
            // Between people, and between one person's devices: nothing to sum.
            Topic::Chosen(_) | Topic::Typing(_) | Topic::Inbox(..) => {}
        }
    }

    /// How long ago the broker took a record, where that is known.
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

    /// When there was input, if the record that was just taken is evidence of it. Being locked, asleep or gone is none:
    /// it may come from a timer or another hand.
    fn input(
        &self,
        now: Now,
        user: &UserId,
        device: &DeviceId,
        observed: Observed,
        age: Option<Duration>,
    ) -> Option<Timestamp> {
        match observed {
            // A record of unknown age is evidence of an unknown time.
            Observed::Active => age.and_then(|age| now.ago(age).believable()),
            // Away since the last input; the roster has placed it on our clock.
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
                    // From an earlier run: ours to keep right, and to take away.
                    topics.said = Some(said.clone());
                }
                let age = self.roster.age(now, arrival, sum.timestamp);
                UserTopic::Sum(said, now.ago(age.unwrap_or_default()))
            }
            Ok(Payload::Record(UserRecord::Simple(_))) | Err(_) => UserTopic::Foreign,
        };
        match record {
            // While we run, we saw the simple record that anybody could carry along; they may have missed it.
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
                // Whoever clears it wants it gone until there is news.
                topics.activity = None;
                topics.input = None;
            }
            Payload::Record(at) => {
                // It is there, whatever it says.
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
        if !self.announced && self.announce_at.is_none() {
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

    /// Who looks different is due, and told of.
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
        // It stands as long as the hub does, however long nobody comes.
        Write { topic: Topic::Hub.to_wire(&self.root), payload, expires_in: None }
    }

    /// Brings one person's topics to what they should be.
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
            // A simple client without any device beside it has said all there is to say.
            UserTopic::Nothing | UserTopic::Foreign => {
                person.devices.iter().any(|device| !device.device.is_empty())
            }
        };
        // What is news is written at once; the same once more answers somebody who contradicts us.
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
