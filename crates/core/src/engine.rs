//! The one owner of the state: what happened goes in, what to do comes out.
//!
//! Owns the order of work of one device or reader (`docs/protocol.md`, *Session*). Deliberately has no
//! clock, no socket and no thread: see the crate's first page for how it is driven.
//!
//! * `handle` consumes one input and must be followed by draining `poll_effect`.
//! * `next_deadline` says when `Input::Tick` is due; it may change with every input.
//! * the other methods only look.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use crate::diagnostics::Diagnostics;
use crate::effect::{Connect, Effect, Publish, Saved, Will};
use crate::id::{DeviceId, Root, UserId, presence_client_id, reader_client_id};
use crate::input::{Command, Input, LinkEvent, LinkFailure, PublishId};
use crate::notice::{Circumstances, Notices};
use crate::observation::Observation;
use crate::presence::{Choice, Observed};
use crate::roster::{Change, Roster};
use crate::session::{AfterGoodbye, CHOICE_EXPIRY, KEEP_ALIVE, Phase, RECORD_EXPIRY, Session};
use crate::text::{MAX_EMOJI, MAX_TEXT, display_text};
use crate::time::{Monotonic, Now, Timestamp};
use crate::topic::{Topic, room_filters};
use crate::view::tray::TrayView;
use crate::view::{LinkView, MeView, PersonView, Problem, Snapshot, Stage, Update};
use crate::wire;

mod choosing;
mod companion;
mod inbound;
mod own;

use choosing::Choosing;
use companion::Companion;
use own::Own;

/// Who this engine is.
#[derive(Debug, Clone)]
pub struct Settings {
    /// What every topic begins with.
    pub root: Root,
    /// The MQTT Client Identifier. A holder's is saved, a reader's random.
    pub client_id: String,
    /// What it does.
    pub role: Role,
    /// Whether notices are wanted.
    pub notices: bool,
    /// Whether this broker is known to speak MQTT 5, so that nothing makes us fall back to 3.1.1.
    pub speaks_v5: bool,
    /// For jitter: two engines with the same seed and inputs do the same.
    pub seed: u64,
    /// A rule of the protocol that is not kept; only the simulation takes one out, to see that it is missed.
    #[doc(hidden)]
    pub without: Option<Rule>,
}

/// A rule of `docs/protocol.md` whose absence a viewer would notice.
#[doc(hidden)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// A Will of an earlier session is a ghost.
    Epoch,
    /// A record that is not renewed is lost.
    Lease,
    /// A Will waits.
    Grace,
    /// What is lost around our own reconnect is not believed at once.
    Settle,
    /// One's own records are not written again and again without end.
    CorrectionBound,
}

/// What an engine does.
#[derive(Debug, Clone)]
pub enum Role {
    /// It is the presence of a device.
    Holder(Holder),
    /// It reads the room and disturbs nobody.
    Reader,
    /// It reads and writes what a person chose, beside their running devices.
    Chooser(UserId),
}

/// The device that a holder is.
#[derive(Debug, Clone)]
pub struct Holder {
    /// Whose device.
    pub user: UserId,
    /// Which device.
    pub device: DeviceId,
    /// The name shown.
    pub name: String,
    /// What the device is, in a word.
    pub kind: Option<String>,
    /// The time zone's IANA name.
    pub tz: Option<String>,
    /// Without input for so long, the person is away.
    pub away_after: Duration,
    /// The last epoch that was saved.
    pub last_epoch: u64,
    /// How long a drop of the connection is seen by nobody: Will Delay Interval.
    pub grace: Duration,
    /// For how long a record counts without being renewed.
    pub lease: Duration,
    /// Whether the user topic is written for seed-style readers where no hub does it.
    pub user_topic: bool,
    /// Whether the person was last known to be invisible.
    pub invisible: bool,
}

/// What is known of the broker, for whoever looks after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Health {
    /// MQTT 5 is spoken, else 3.1.1.
    pub speaks_v5: bool,
    /// A hub writes the user topics.
    pub hub_sums: bool,
    /// Within what time a device whose connection dies unseen shows, with the usual grace; `None` where the broker
    /// waits for ever.
    pub loss_shows_within: Option<Duration>,
}

/// How long a drop is seen by nobody, unless said otherwise.
pub const GRACE: Duration = Duration::from_secs(6);
/// For how long a record counts without being renewed, unless said otherwise.
pub const LEASE: Duration = Duration::from_secs(60 * 60);

/// See the module's page.
#[derive(Debug)]
pub struct Engine {
    root: Root,
    client_id: String,
    session: Session,
    roster: Roster,
    own: Option<Own>,
    choosing: Option<Choosing>,
    /// The person wants to be invisible, so this connection is a reader's.
    hidden: bool,
    /// A hub writes the user topics.
    hub_sums: bool,
    companion: Companion,
    /// Whether the room is read, not only one's own choice.
    reads_room: bool,
    notices: Notices,
    wants_notices: bool,
    problems: BTreeMap<String, Problem>,
    diagnostics: Diagnostics,
    /// Topics whose messages were complained of, so that each is logged once.
    complained: BTreeSet<String>,
    effects: VecDeque<Effect>,
    rng: fastrand::Rng,
    publishes: u64,
    shown: Shown,
    /// When a deadline was due as of the last input.
    expected: Option<Monotonic>,
    without: Option<Rule>,
}

/// What the sinks were last told.
#[derive(Debug, Default)]
struct Shown {
    seq: u64,
    me: Option<MeView>,
    link: Option<LinkView>,
    problems: Vec<Problem>,
    tray: Option<TrayView>,
}

impl Engine {
    /// An engine at rest; [`Input::Start`] wakes it.
    #[must_use]
    pub fn new(now: Now, settings: Settings) -> Self {
        let (own, user) = match settings.role {
            Role::Holder(holder) => {
                let user = holder.user.clone();
                (Some(Own::new(now, holder)), Some(user))
            }
            Role::Chooser(user) => (None, Some(user)),
            Role::Reader => (None, None),
        };
        let reads_room = own.is_some() || user.is_none();
        Self {
            root: settings.root,
            client_id: settings.client_id,
            session: Session::new(own.is_none(), settings.speaks_v5),
            roster: Roster::remote(settings.without),
            own,
            choosing: user.map(|user| Choosing::new(now, user)),
            hidden: false,
            hub_sums: false,
            companion: Companion::Off,
            reads_room,
            notices: Notices::default(),
            wants_notices: settings.notices,
            problems: BTreeMap::new(),
            diagnostics: Diagnostics::default(),
            complained: BTreeSet::new(),
            effects: VecDeque::new(),
            rng: fastrand::Rng::with_seed(settings.seed),
            publishes: 0,
            shown: Shown::default(),
            expected: None,
            without: settings.without,
        }
    }

    /// Takes in one thing that happened.
    pub fn handle(&mut self, now: Now, input: Input) {
        self.notice_sleep(now);
        match input {
            Input::Start => self.connect_now(now),
            Input::Tick => {}
            Input::Link(event) => self.handle_link(now, event),
            Input::Companion(event) => self.handle_companion(now, &event),
            Input::Observed(observation) => self.handle_observation(now, observation),
            Input::Command(command) => self.handle_command(now, command),
            Input::ProblemFound(problem) => {
                self.problems.insert(problem.code.clone(), problem);
            }
            Input::ProblemSolved { code } => {
                self.problems.remove(&code);
            }
        }
        self.follow_time(now);
        self.speak(now);
        self.keep_companion(now);
        self.show(now);
        self.expected = self.next_deadline(now);
    }

    /// The next thing to do, until there is none.
    pub fn poll_effect(&mut self) -> Option<Effect> {
        self.effects.pop_front()
    }

    /// When [`Input::Tick`] is due.
    #[must_use]
    pub fn next_deadline(&self, now: Now) -> Option<Monotonic> {
        let own = self.own.as_ref().filter(|_| self.session.is_up() && !self.hidden);
        let companion = own.and_then(|_| self.companion.next_deadline());
        [
            companion,
            self.session.next_deadline(),
            self.roster.next_deadline(),
            self.notices.next_deadline(),
            self.own.as_ref().and_then(|own| own.availability.next_deadline(now)),
            self.choosing.as_ref().and_then(|choosing| choosing.next_deadline(now)),
            own.and_then(Own::next_deadline),
        ]
        .into_iter()
        .flatten()
        .min()
    }

    /// Everything the window shows. The shell knows the stage.
    #[must_use]
    pub fn snapshot(&self, stage: Stage) -> Snapshot {
        Snapshot {
            seq: self.shown.seq,
            stage,
            suggested_name: None,
            me: self.shown.me.clone(),
            link: self.shown.link.clone().unwrap_or(LinkView::Unset),
            people: self.others().cloned().collect(),
            problems: self.shown.problems.clone(),
        }
    }

    /// Everybody, oneself included where one is known to the broker.
    pub fn people(&self) -> impl Iterator<Item = &PersonView> {
        self.roster.people()
    }

    /// What is known of the broker.
    #[must_use]
    pub fn health(&self) -> Health {
        Health {
            speaks_v5: self.session.version == crate::effect::Version::V5,
            hub_sums: self.hub_sums,
            loss_shows_within: self
                .session
                .loss_shows_within(GRACE)
                .map(|within| within + self.roster.broker_is_late()),
        }
    }

    /// What was dropped, and why.
    #[must_use]
    pub fn diagnostics(&self) -> &Diagnostics {
        &self.diagnostics
    }

    fn others(&self) -> impl Iterator<Item = &PersonView> {
        let me = self.me_id().map(UserId::as_str);
        self.roster.people().filter(move |person| Some(person.user.as_str()) != me)
    }

    fn me_id(&self) -> Option<&UserId> {
        self.own.as_ref().map(|own| &own.holder.user)
    }

    // --- the link

    fn handle_link(&mut self, now: Now, event: LinkEvent) {
        match event {
            LinkEvent::Up(granted) => {
                self.diagnostics.connects += 1;
                if self.session.connected(now, granted) {
                    self.save();
                }
                self.hub_sums = false;
                self.roster.link_began(now);
                self.effects.push_back(Effect::Subscribe(self.filters()));
            }
            LinkEvent::Subscribed { refused } => {
                self.session.subscribed(now);
                self.note_refused_filters(&refused);
            }
            LinkEvent::Published { id, outcome } => self.handle_puback(now, id, outcome),
            LinkEvent::Received(message) => {
                self.session.received(now);
                self.handle_message(now, &message);
            }
            LinkEvent::Down(failure) => self.handle_down(now, failure),
        }
    }

    fn filters(&self) -> Vec<String> {
        let mut filters = if self.reads_room { room_filters(&self.root) } else { Vec::new() };
        if let Some(choosing) = &self.choosing {
            filters.push(Topic::Chosen(choosing.user.clone()).to_wire(&self.root));
        }
        filters
    }

    fn note_refused_filters(&mut self, refused: &[String]) {
        const CODE: &str = "subscription_refused";
        if refused.is_empty() {
            self.problems.remove(CODE);
            return;
        }
        let message = format!(
            "the broker does not let us read {}; ask whoever runs it for the access rules in docs/protocol.md",
            refused.join(", ")
        );
        self.problems.insert(CODE.to_owned(), Problem { code: CODE.to_owned(), message });
    }

    fn handle_puback(
        &mut self,
        now: Now,
        id: PublishId,
        outcome: Result<(), crate::input::Refusal>,
    ) {
        if let Err(refusal) = &outcome {
            const CODE: &str = "publish_refused";
            let message = format!(
                "the broker does not let us publish ({}); ask whoever runs it for the access rules in docs/protocol.md",
                refusal.reason
            );
            self.problems.insert(CODE.to_owned(), Problem { code: CODE.to_owned(), message });
        }
        if self.choosing.as_mut().is_some_and(|choosing| choosing.settle(id)) {
            self.effects.push_back(Effect::ChoiceSettled(outcome));
        }
        if let Phase::Leaving { awaited, then, .. } = &mut self.session.phase {
            awaited.remove(&id);
            if awaited.is_empty() {
                let then = *then;
                self.finish_goodbye(now, then);
            }
        }
    }

    fn handle_down(&mut self, now: Now, failure: LinkFailure) {
        self.diagnostics.link_failures += 1;
        self.roster.link_lost(now);
        let cloned = failure == LinkFailure::TakenOver && self.own.is_some() && !self.hidden;
        if cloned && !matches!(self.session.phase, Phase::Leaving { .. } | Phase::Stopped) {
            self.become_another_device(now);
            return;
        }
        if let Some(choosing) = &mut self.choosing {
            choosing.link_lost();
        }
        match &self.session.phase {
            // The goodbye may have been heard or not; the Will says the same a little later.
            Phase::Leaving { then, .. } => {
                let then = *then;
                self.finish_goodbye(now, then);
            }
            Phase::Resting | Phase::Stopped => {}
            Phase::Waiting { .. }
            | Phase::Connecting { .. }
            | Phase::Reading { .. }
            | Phase::Up => {
                self.session.failed(now, failure, &mut self.rng);
            }
        }
    }

    fn connect_now(&mut self, now: Now) {
        if matches!(self.session.phase, Phase::Stopped | Phase::Leaving { .. }) {
            return;
        }
        self.roster.link_lost(now);
        if let Some(choosing) = &mut self.choosing {
            choosing.link_lost();
        }
        let timeout = self.session.connecting(now);
        self.hidden = self.wants_to_hide(now);
        let version = self.session.version;
        let (hidden, clean_start) = (self.hidden, self.clean_start());
        let visible = self.own.as_mut().filter(|_| !hidden);
        let reader = visible.is_none();
        let grace = visible.map(|own| {
            own.begin_session(now);
            own.holder.grace
        });
        let delay = grace.map_or(Duration::ZERO, |grace| self.will_delay(grace));
        let will = self.own.as_ref().filter(|_| !reader).map(|own| Will {
            topic: own.device_topic().to_wire(&self.root),
            payload: wire::encode_device(&own.will_record(version)),
            delay,
            expires_in: RECORD_EXPIRY,
        });
        self.save();
        let client_id = match &self.own {
            Some(_) if reader => reader_client_id(&mut self.rng),
            _ => self.client_id.clone(),
        };
        let session_expiry = if reader { Duration::ZERO } else { self.session_expiry(delay) };
        self.effects.push_back(Effect::Connect(Connect {
            version,
            client_id,
            clean_start: reader || clean_start,
            session_expiry,
            keep_alive: KEEP_ALIVE,
            timeout,
            will,
        }));
    }

    fn save(&mut self) {
        if let Some(own) = &self.own {
            self.effects.push_back(Effect::Save(Saved {
                device: own.holder.device.clone(),
                client_id: self.client_id.clone(),
                epoch: own.epoch(),
                speaks_v5: self.session.speaks_v5,
                invisible: self.hidden,
            }));
        }
    }

    /// The network is another: what stands may lead nowhere, and what waits need not wait. Within the grace nobody
    /// sees it.
    fn reconnect(&mut self, now: Now) {
        const SETTLES: Duration = Duration::from_secs(5);
        match self.session.phase {
            Phase::Waiting { .. } => {
                self.session.start_over();
                self.connect_now(now);
            }
            // A network that is being set up changes several times.
            Phase::Up if now.mono.since(self.session.up_at()) >= SETTLES => {
                self.session.abandoned(now);
                self.companion = Companion::Off;
                self.effects.push_back(Effect::Drop);
                self.connect_now(now);
            }
            _ => {}
        }
    }

    fn will_delay(&self, grace: Duration) -> Duration {
        let no_grace = self.without == Some(Rule::Grace) || self.clean_start();
        if no_grace { Duration::ZERO } else { grace }
    }

    /// Whether the person wants to be seen by nobody; before their choice was read, whether they last did.
    fn wants_to_hide(&self, now: Now) -> bool {
        let (Some(own), Some(choosing)) = (&self.own, &self.choosing) else {
            return false;
        };
        choosing.invisible(now).unwrap_or(own.holder.invisible)
    }

    /// Another machine uses our device id, or our client id: a copied disk or home folder. Whoever notices
    /// becomes a new device; the old one's Will speaks for it if nobody else does.
    fn become_another_device(&mut self, now: Now) {
        let Some(own) = &mut self.own else {
            return;
        };
        let old = own.holder.device.clone();
        own.become_another(DeviceId::random(&mut self.rng));
        self.client_id = presence_client_id(&mut self.rng);
        let message = format!(
            "another machine is this device ({old}), too, as after copying a disk or a home folder; this one is a new device now, and nothing is left to do"
        );
        let code = "device_renewed".to_owned();
        self.problems.insert(code.clone(), Problem { code, message });
        self.effects.push_back(Effect::Drop);
        self.companion = Companion::Off;
        self.session.abandoned(now);
        self.connect_now(now);
    }

    /// A deadline that is long past means that this machine slept and nobody said so before. The broker has
    /// given the connection up by then, and what it said meanwhile is lost: begin anew before any time is
    /// counted against others.
    fn notice_sleep(&mut self, now: Now) {
        const ASLEEP: Duration = Duration::from_secs(KEEP_ALIVE.as_secs() * 3 / 2);
        let expected = self.expected.take();
        let Some(since) = expected.filter(|at| now.mono.since(*at) > ASLEEP) else {
            return;
        };
        self.roster.slept(now, since);
        if matches!(self.session.phase, Phase::Up | Phase::Reading { .. }) {
            self.session.abandoned(now);
            self.companion = Companion::Off;
            self.effects.push_back(Effect::Drop);
            self.connect_now(now);
        }
    }

    // --- the person

    fn handle_observation(&mut self, now: Now, observation: Observation) {
        let Some(own) = &mut self.own else {
            return;
        };
        own.availability.observe(now, observation);
        match (observation, &mut self.choosing) {
            (Observation::DesktopDnd(dnd), Some(choosing)) => choosing.follow_desktop(now, dnd),
            (Observation::NetworkChanged, _) => self.reconnect(now),
            _ => {}
        }
        if observation == Observation::Resumed && matches!(self.session.phase, Phase::Resting) {
            self.session.start_over();
            self.connect_now(now);
        }
    }

    fn handle_command(&mut self, now: Now, command: Command) {
        match command {
            Command::Choose { status, text, emoji, lasting } => {
                let choice = Choice {
                    status,
                    text: text.and_then(|text| display_text(&text, MAX_TEXT)),
                    emoji: emoji.and_then(|emoji| display_text(&emoji, MAX_EMOJI)),
                    until: lasting.map(|lasting| now.wall + lasting),
                    at: Some(now.wall),
                };
                if let Some(choosing) = &mut self.choosing {
                    choosing.wish(now, Some(choice));
                }
            }
            Command::ClearChosen => {
                if let Some(choosing) = &mut self.choosing {
                    choosing.wish(now, None);
                }
            }
            Command::ReconnectNow => {
                if let Phase::Waiting { .. } = self.session.phase {
                    self.session.start_over();
                    self.connect_now(now);
                }
            }
            Command::Quit => self.say_goodbye(now, AfterGoodbye::Stop),
            Command::Restart => {
                self.effects.push_back(Effect::Drop);
                self.session.rest(now);
                self.session.phase = Phase::Stopped;
                self.effects.push_back(Effect::Stopped);
            }
        }
    }

    // --- time

    fn follow_time(&mut self, now: Now) {
        self.roster.expire(now);
        match &self.session.phase {
            Phase::Waiting { until, .. } if *until <= now.mono => self.connect_now(now),
            Phase::Reading { .. } if self.session.reading_is_over(now) => self.come_up(now),
            Phase::Leaving { until, then, .. } if *until <= now.mono => {
                let then = *then;
                self.finish_goodbye(now, then);
            }
            _ => {}
        }
        for notice in self.notices.poll(now) {
            self.effects.push_back(Effect::Notify(notice));
        }
    }

    fn come_up(&mut self, now: Now) {
        if let Some(own) = self.own.as_mut().filter(|_| !self.hidden)
            && own.learn_epoch()
        {
            // The broker holds a record of ours that is not older than this session: the clock was set
            // back, or what was saved is lost. Our Will would count as a ghost, so begin a newer session.
            self.effects.push_back(Effect::Disconnect);
            self.connect_now(now);
            return;
        }
        self.session.up(now);
        self.roster.link_up(now);
        if let Some(own) = self.own.as_mut().filter(|_| !self.hidden) {
            own.come_up();
        }
        if let Some(choosing) = &mut self.choosing {
            choosing.all_read();
        }
        self.effects.push_back(Effect::SnapshotRead);
    }

    // --- what is said

    /// Says what this device has to say, if it changed.
    fn speak(&mut self, now: Now) {
        let leaving = self.own.as_ref().is_some_and(|own| {
            matches!(own.availability.standing(now).observed, Observed::Offline(_))
        });
        if leaving {
            // A power-off may be called off, as a sleep ends: whoever quits for good says so.
            self.say_goodbye(now, AfterGoodbye::Sleep);
            return;
        }
        if !self.session.is_up() {
            return;
        }
        if let Some(choosing) = &mut self.choosing
            && let Some(chosen) = choosing.due()
        {
            let topic = Topic::Chosen(choosing.user.clone());
            let payload = wire::encode_chosen(&chosen);
            let id = self.publish(&topic, payload, Some(CHOICE_EXPIRY));
            if let Some(choosing) = &mut self.choosing {
                choosing.sent(id, chosen);
            }
        }
        // A choice under way is heard before anything follows from it.
        let choosing = self.choosing.as_ref().is_some_and(Choosing::is_sending);
        if self.own.is_some() && !choosing && self.hidden != self.wants_to_hide(now) {
            if self.hidden {
                self.effects.push_back(Effect::Disconnect);
                self.session.start_over();
                self.connect_now(now);
            } else {
                self.say_goodbye(now, AfterGoodbye::Hide);
            }
            return;
        }
        if !self.hidden {
            self.speak_device(now);
            self.speak_sum(now);
        }
    }

    fn publish(
        &mut self,
        topic: &Topic,
        payload: Vec<u8>,
        expires_in: Option<Duration>,
    ) -> PublishId {
        self.publishes += 1;
        let id = PublishId(self.publishes);
        let topic = topic.to_wire(&self.root);
        self.effects.push_back(Effect::Publish(Publish { id, topic, payload, expires_in }));
        id
    }

    /// Says goodbye where that is possible, and rests.
    fn say_goodbye(&mut self, now: Now, then: AfterGoodbye) {
        match &mut self.session.phase {
            Phase::Stopped => {}
            Phase::Leaving { then: decided, .. } => {
                if then == AfterGoodbye::Stop || *decided == AfterGoodbye::Hide {
                    *decided = then;
                }
            }
            Phase::Up if self.own.as_ref().is_some_and(Own::has_written) && !self.hidden => {
                let awaited = self.speak_goodbye(now);
                let until = now.mono + crate::session::GOODBYE;
                self.session.phase = Phase::Leaving { until, awaited, then };
            }
            Phase::Resting if then == AfterGoodbye::Sleep => {}
            _ => self.finish_goodbye(now, then),
        }
    }

    fn finish_goodbye(&mut self, now: Now, then: AfterGoodbye) {
        self.close_companion();
        self.effects.push_back(Effect::Disconnect);
        self.session.rest(now);
        self.roster.link_lost(now);
        match then {
            AfterGoodbye::Stop => {
                self.session.phase = Phase::Stopped;
                self.effects.push_back(Effect::Stopped);
            }
            AfterGoodbye::Hide => {
                self.session.start_over();
                self.connect_now(now);
            }
            AfterGoodbye::Sleep => {
                self.effects.push_back(Effect::MaySleep);
                let awake = self
                    .own
                    .as_ref()
                    .is_some_and(|own| own.availability.standing(now).observed.is_here());
                if awake {
                    self.session.start_over();
                    self.connect_now(now);
                }
            }
        }
    }

    // --- what is shown

    fn show(&mut self, now: Now) {
        let link = self.session.view();
        // While the retained messages come in, nothing is shown: half a team is no team.
        let reading = matches!(self.session.phase, Phase::Reading { .. });
        let people = if reading { Vec::new() } else { self.roster.take_changes(now) };
        let me = self.own.as_ref().map(|own| {
            let choosing = self.choosing.as_ref();
            own.view(now, choosing, self.session.is_up().then_some(&self.roster))
        });
        for change in &people {
            self.judge(now, change, me.as_ref());
        }
        let problems: Vec<Problem> = self.problems.values().cloned().collect();
        let mut update = Update {
            seq: self.shown.seq + 1,
            me: me.clone().filter(|_| me != self.shown.me),
            link: (self.shown.link.as_ref() != Some(&link)).then(|| link.clone()),
            joins: Vec::new(),
            changes: Vec::new(),
            leaves: Vec::new(),
            problems: (problems != self.shown.problems).then(|| problems.clone()),
        };
        for change in people {
            match (change.before, change.after) {
                (_, Some(after))
                    if Some(after.user.as_str()) == self.me_id().map(UserId::as_str) => {}
                (None, Some(after)) => update.joins.push(after),
                (Some(_), Some(after)) => update.changes.push(after),
                (Some(before), None) => update.leaves.push(before.user),
                (None, None) => {}
            }
        }
        let nothing = update.me.is_none()
            && update.link.is_none()
            && update.problems.is_none()
            && update.joins.is_empty()
            && update.changes.is_empty()
            && update.leaves.is_empty();
        if nothing {
            return;
        }
        self.shown.seq = update.seq;
        self.shown.me = me;
        self.shown.link = Some(link);
        self.shown.problems = problems;
        self.effects.push_back(Effect::Show(update));
        if self.own.is_some() {
            self.show_tray();
        }
    }

    fn show_tray(&mut self) {
        let link = self.shown.link.as_ref().unwrap_or(&LinkView::Unset);
        let tray = TrayView::draw(self.shown.me.as_ref(), link, self.others());
        if self.shown.tray.as_ref() != Some(&tray) {
            self.shown.tray = Some(tray.clone());
            self.effects.push_back(Effect::ShowTray(tray));
        }
    }

    fn judge(&mut self, now: Now, change: &Change, me: Option<&MeView>) {
        let Some(own) = &self.own else {
            return;
        };
        let circumstances = Circumstances {
            me: Some(own.holder.user.as_str()),
            wanted: self.wants_notices,
            dnd: me.is_some_and(|me| me.status == "dnd"),
        };
        if let Err(silence) = self.notices.judge(now, change, circumstances) {
            *self.diagnostics.silent.entry(silence).or_default() += 1;
        }
    }

    /// Counts times that lie in the future by more than clocks differ.
    fn count_future(&mut self, now: Now, times: impl IntoIterator<Item = Option<Timestamp>>) {
        const CLOCKS_DIFFER: Duration = Duration::from_secs(5);
        let latest = now.wall + CLOCKS_DIFFER;
        let future = times.into_iter().flatten().any(|at| at > latest);
        self.diagnostics.future_times += u64::from(future);
    }
}

#[cfg(test)]
mod tests;
