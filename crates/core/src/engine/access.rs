//! Finds out whether the broker lets us read the roster (`docs/protocol.md`, *Whether the roster
//! can be read*).
//!
//! Owns which filters are needed, and the check for brokers that send no retained messages for
//! filters with wildcards. Such a broker reports no error: its silence looks like an empty roster.
//! Three observations reveal it:
//!
//! * a retained message arrives only by its exact topic;
//! * a message that we know to be retained does not arrive by a wildcard;
//! * the broker acknowledges a record of our own and does not send it back.
//!
//! For [`Role::BrokerTest`](super::Role::BrokerTest), the engine publishes such a message itself:
//! the mark that its person is not typing. The mark changes nothing for anybody, and the engine
//! clears it again.
//!
//! The check runs only where no retained message has arrived by a wildcard. Elsewhere it costs
//! nothing.

use std::time::Duration;

use super::{Engine, Phase};
use crate::access::{RefusedFilter, RosterAccess, Withheld};
use crate::connection::{ConnectionFailure, Granted, Message};
use crate::effect::{Effect, Filter};
use crate::id::UserId;
use crate::time::{Monotonic, Now};
use crate::topic::{Topic, TopicError, device_filter, needed_filters, typing_filter, user_filter};
use crate::view::{ConnectionView, RosterGap};
use crate::wire;

/// How long a retained message may take to arrive. A slow broker must not be blamed.
const PATIENCE: Duration = Duration::from_secs(2);

/// How long a record of our own may take to come back after its PUBACK.
const ECHO: Duration = Duration::from_secs(5);

/// Message Expiry Interval of the mark, in case we can't clear it.
const MARK_EXPIRY: Duration = Duration::from_secs(10);

/// What the current connection has shown about access to the roster.
#[derive(Debug, Default)]
pub(super) struct Access {
    state: RosterAccess,
    /// The person whose topics a reader without a device checks.
    known_user: Option<UserId>,
    check: Option<Check>,
    /// Whether we may publish a mark for a moment.
    may_mark: bool,
    /// The topic of our mark, once we have published it.
    mark: Option<Topic>,
    cleared: bool,
    /// Whether a check already began on this connection.
    checked: bool,
    /// Whether a connection ended during a check. The broker may disconnect clients that subscribe
    /// to forbidden filters.
    breaks: bool,
    /// How often the hub's record arrived as a retained message.
    hub_records: usize,
    /// Whether a record of our own came back.
    echoed: bool,
}

impl Access {
    pub(super) fn new(known_user: Option<UserId>, may_mark: bool) -> Self {
        Self { known_user, may_mark, ..Self::default() }
    }
}

/// A running check, and how often its topic arrived as a retained message since it began.
#[derive(Debug)]
struct Check {
    topic: String,
    by: By,
    came: usize,
    /// Whether it also arrived live. Then it may have been retained only after we subscribed to the
    /// wildcard.
    live: bool,
    until: Monotonic,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum By {
    /// We subscribed to the exact topic, which may be empty.
    ExactTopic,
    /// We subscribed once more to the wildcard, for a message that is certainly retained.
    Wildcard,
    /// We subscribed to the exact topic of our mark. A wildcard check makes sense only if the mark
    /// is retained.
    Mark,
    /// We wait for our own record to come back live.
    Echo,
}

impl Engine {
    /// Whether the roster can be read on the present connection.
    #[must_use]
    pub fn roster_access(&self) -> &RosterAccess {
        &self.access.state
    }

    /// Handles a CONNACK. Returns whether the connection is still useful.
    pub(super) fn begin_access(&mut self, now: Now, granted: Granted) -> bool {
        let known_user = self.access.known_user.take();
        let breaks = self.access.breaks || self.access.check.is_some();
        let may_mark = self.access.may_mark && !breaks;
        self.access = Access { checked: breaks, breaks, ..Access::new(known_user, may_mark) };
        self.forget_withheld();
        match granted.withheld() {
            Some(Withheld::Wildcards) if !self.reads_room => true,
            Some(withheld) => self.withhold(now, withheld),
            None => true,
        }
    }

    /// Handles a SUBACK. Returns whether the connection is still useful.
    pub(super) fn note_refused(&mut self, now: Now, refused: Vec<RefusedFilter>) -> bool {
        if self.access.check.is_some() {
            // A check that the broker refuses proves nothing.
            if !refused.is_empty() {
                self.access.check = None;
                self.clear_mark(now);
            }
            return true;
        }
        let refused = self.without_end(refused);
        let needed = needed_filters(&self.root);
        let is_needed =
            |refused: &RefusedFilter| self.reads_room && needed.contains(&refused.filter);
        if refused.iter().any(is_needed) {
            return self.withhold(now, Withheld::Filters(refused));
        }
        if self.reads_room && self.access.state == RosterAccess::Unknown {
            self.access.state = RosterAccess::Granted;
        }
        if !refused.is_empty() {
            let problem = Withheld::Filters(refused).problem();
            self.problems.insert(problem.code.clone(), problem);
        }
        true
    }

    /// Handles a message. Returns true if it is only the answer to a check.
    pub(super) fn note_stored(&mut self, now: Now, message: &Message) -> bool {
        if !message.retained {
            self.note_echo(message);
            if let Some(check) = self.access.check.as_mut().filter(|it| it.topic == message.topic) {
                check.live = true;
            }
            self.check_own_record(now, message);
            return false;
        }
        if let Some(check) = self.access.check.as_mut().filter(|it| it.topic == message.topic) {
            check.came += 1;
            if check.by == By::Mark {
                let (topic, filter) = (check.topic.clone(), typing_filter(&self.root));
                self.begin_check(now, topic, By::Wildcard, filter);
                return true;
            }
            if check.by == By::Wildcard || (check.came > 1 && !check.live) {
                self.prove(now);
            }
            // All retained messages arrived before we were up, or live since. A mark contains no
            // news.
            return self.session.is_up() || self.access.mark.is_some();
        }
        match Topic::parse(&self.root, &message.topic) {
            Ok(Topic::Hub) => {
                self.access.hub_records += 1;
                // One copy arrives by the record's own filter, if we subscribed to that.
                if self.access.hub_records > usize::from(self.session.wants_sentinels()) {
                    self.prove(now);
                }
            }
            Ok(Topic::User(_) | Topic::Device(..) | Topic::Activity(_) | Topic::Typing(_))
            | Err(TopicError::Id(_)) => self.prove(now),
            Ok(Topic::Chosen(_) | Topic::Inbox(..)) | Err(TopicError::Foreign) => {}
        }
        self.session.is_up() && self.access.check.is_some()
    }

    /// Notes that the broker sends retained messages for wildcards.
    pub(super) fn prove(&mut self, now: Now) {
        if matches!(self.access.state, RosterAccess::Unknown | RosterAccess::Granted) {
            self.access.state = RosterAccess::Proven;
        }
        self.access.check = None;
        self.clear_mark(now);
    }

    /// Returns true if a check has to finish before the session is up.
    pub(super) fn checks_before_up(&mut self, now: Now) -> bool {
        if let Some(check) = &self.access.check {
            let waits = check.by != By::ExactTopic && now.mono < check.until;
            if !waits && !self.judge_check(now) {
                return true;
            }
        }
        let checks = self.access.check.is_some() || self.begin_reader_check(now);
        if checks {
            self.session.read_on(now);
        }
        checks
    }

    /// Begins the next check of a reader. Returns whether there is one.
    fn begin_reader_check(&mut self, now: Now) -> bool {
        if self.access.state != RosterAccess::Granted || self.local_device.is_some() {
            return false;
        }
        let user = self.access.known_user.clone();
        let (topic, by, filter) = match user {
            _ if !self.access.checked && self.access.hub_records > 0 => {
                (Topic::Hub.to_wire(&self.root), By::Wildcard, user_filter(&self.root))
            }
            Some(user) if !self.access.checked => {
                let topic = Topic::User(user).to_wire(&self.root);
                (topic.clone(), By::ExactTopic, topic)
            }
            Some(user) if self.access.may_mark && self.access.mark.is_none() => {
                let mark = Topic::Typing(user);
                let topic = mark.to_wire(&self.root);
                self.publish(now, &mark, wire::encode_typing(false), Some(MARK_EXPIRY));
                self.access.mark = Some(mark);
                (topic.clone(), By::Mark, topic)
            }
            _ => return false,
        };
        self.begin_check(now, topic, by, filter);
        true
    }

    /// Clears the mark that a check published.
    fn clear_mark(&mut self, now: Now) {
        if let Some(mark) = self.access.mark.clone().filter(|_| !self.access.cleared) {
            self.access.cleared = true;
            self.publish(now, &mark, Vec::new(), None);
        }
    }

    /// Begins to wait for a record of our own that the broker acknowledged. We subscribe to it, so
    /// it has to come back.
    pub(super) fn expect_echo(&mut self, now: Now) {
        let waits = self.access.state == RosterAccess::Granted
            && self.access.check.is_none()
            && !self.access.echoed
            && self.session.is_up();
        if waits && let Some(own) = &self.local_device {
            let topic = own.device_topic().to_wire(&self.root);
            let until = now.mono + ECHO;
            self.access.check = Some(Check { topic, by: By::Echo, came: 0, live: false, until });
        }
    }

    fn note_echo(&mut self, message: &Message) {
        let own = self.local_device.as_ref().map(|own| own.device_topic().to_wire(&self.root));
        if own.as_deref() != Some(message.topic.as_str()) {
            return;
        }
        self.access.echoed = true;
        self.access.check.take_if(|check| check.by == By::Echo);
        if self.access.state == RosterAccess::Withheld(Withheld::Messages) {
            self.access.state = RosterAccess::Granted;
            self.forget_withheld();
        }
    }

    /// Checks by a wildcard for our own record after it came back live, because the broker then has
    /// it retained.
    fn check_own_record(&mut self, now: Now, message: &Message) {
        if self.access.state != RosterAccess::Granted
            || self.access.checked
            || !self.session.is_up()
            || message.payload.is_empty()
        {
            return;
        }
        let topic = self.local_device.as_ref().map(|own| own.device_topic().to_wire(&self.root));
        if let Some(topic) = topic.filter(|topic| *topic == message.topic) {
            self.begin_check(now, topic, By::Wildcard, device_filter(&self.root));
        }
    }

    fn begin_check(&mut self, now: Now, topic: String, by: By, filter: String) {
        self.access.checked = true;
        self.access.check =
            Some(Check { topic, by, came: 0, live: false, until: now.mono + PATIENCE });
        self.effects.push_back(Effect::Subscribe(vec![Filter::from(filter)]));
    }

    /// Ends a check that is due. Returns whether the connection is still useful.
    pub(super) fn judge_check(&mut self, now: Now) -> bool {
        let Some(check) = self.access.check.take() else {
            return true;
        };
        let withheld = match check.by {
            By::ExactTopic => check.came == 1 && !check.live,
            By::Wildcard => check.came == 0,
            // The broker may forbid us to publish it, which proves nothing.
            By::Mark | By::Echo => false,
        };
        self.clear_mark(now);
        if check.by == By::Echo {
            return self.withhold(now, Withheld::Messages);
        }
        !withheld || self.withhold(now, Withheld::RetainedForWildcards)
    }

    /// When the check of a session that is up ends.
    pub(super) fn check_deadline(&self) -> Option<Monotonic> {
        let check = self.access.check.as_ref().filter(|_| self.session.is_up())?;
        Some(check.until)
    }

    /// The filters that this broker accepts.
    pub(super) fn taken_filters(&self) -> Vec<Filter> {
        let without = self.access.state == RosterAccess::Withheld(Withheld::Wildcards);
        let mut filters = self.filters();
        filters.retain(|filter| !without || !filter.topic.contains(['+', '#']));
        filters
    }

    /// Notes that the broker withholds something. Returns whether the connection is still useful.
    ///
    /// Others still see a device, unless the broker retains nothing. A reader has nothing more to
    /// do here, and tries again later.
    fn withhold(&mut self, now: Now, withheld: Withheld) -> bool {
        let problem = withheld.problem();
        self.access.check = None;
        self.access.state = RosterAccess::Withheld(withheld.clone());
        if self.local_device.is_some() && withheld != Withheld::Retained {
            self.problems.insert(problem.code.clone(), problem);
            return true;
        }
        self.effects.push_back(Effect::Disconnect);
        self.connection = None;
        self.lose_connection(now, &ConnectionFailure::Withheld(withheld));
        false
    }

    fn forget_withheld(&mut self) {
        let codes = [
            Withheld::Filters(Vec::new()).code(),
            Withheld::Retained.code(),
            Withheld::Wildcards.code(),
            Withheld::RetainedForWildcards.code(),
        ];
        self.problems.retain(|code, _| !codes.contains(&code.as_str()));
    }

    /// Marks a connection on which the roster may be incomplete.
    pub(super) fn mark_gap(&self, link: &mut ConnectionView) {
        if let ConnectionView::Up { gap, .. } = link
            && matches!(self.session.phase, Phase::Up)
        {
            *gap = match self.access.state {
                RosterAccess::Granted => Some(RosterGap::Unproven),
                RosterAccess::Withheld(_) => Some(RosterGap::Withheld),
                RosterAccess::Unknown | RosterAccess::Proven => None,
            };
        }
    }
}
