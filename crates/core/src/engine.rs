//! The engine: one device's or reader's presence.
//!
//! Owns the state and the order of work (`docs/protocol.md`, *Session*). Deliberately has no clock,
//! no socket and no thread; the crate's first page shows how to drive it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use crate::connection::{ConnectionId, PublishId};
use crate::diagnostics::{Diagnostics, DropReason};
use crate::effect::{Effect, Publish};
use crate::id::{Root, UserId};
use crate::input::{Command, Input};
use crate::notification::{NotificationPause, NotificationPolicy, Notifications};
use crate::observation::Observation;
use crate::preferences::Preferences;
use crate::presence::Choice;
use crate::roster::Roster;
use crate::session::{Phase, Session, Target};
use crate::signal::Signals;
use crate::team::{Address, Host};
use crate::text::{MAX_EMOJI, MAX_TEXT, display_text};
use crate::time::{CLOCKS_DIFFER, ClockWatch, Monotonic, Now, Timestamp};
use crate::topic::Topic;
use crate::view::tray::TrayView;
use crate::view::{ConnectionView, MeView, PersonView, Problem, Snapshot, Stage};

mod access;
mod connection;
mod deadlines;
mod local_device;
mod messages;
mod preferences;
mod publishes;
mod renewal;
mod retained_sync;
mod settings;
mod signals;
mod target;
mod user_status;
mod view_diff;
mod will_connection;

use access::Access;
use local_device::LocalDevice;
use publishes::Publishes;
use renewal::Renewal;
use user_status::{DndSource, UserStatus};
use will_connection::WillConnection;

pub use crate::rule::Rule;
pub use settings::{DeviceSettings, GRACE, Health, LEASE, Role, Settings};

/// The presence of one device or reader: receives inputs and returns effects.
///
/// [`Engine::handle`] consumes one input; drain [`Engine::poll_effect`] after it. Every input may
/// change [`Engine::next_deadline`]. The other methods only read.
///
/// Every input passes through the same stages. Each stage needs the results of the stages before
/// it:
///
/// 1. *Clock.* If somebody set the clock, the engine corrects all its times. No later stage
///    compares times of two calendars.
/// 2. *Sleep.* If the computer slept unannounced, the engine connects anew before the lost time
///    counts against others.
/// 3. *Input.* It comes before the deadlines, because it may end a wait: what arrives just in time
///    counts.
/// 4. *Deadlines.* Everything that is due happens, from the one table in `deadlines`.
/// 5. *Calls.* A call sets do-not-disturb, and its end ends it. Input and deadlines decide whether
///    there is a call.
/// 6. *Target.* The engine takes the next step to its target: it publishes, says goodbye or
///    connects with another identity. All changes are known by now, so one input leads to one
///    record.
/// 7. *Signals.* A knock is sent only while others see this device, which the target decides.
/// 8. *Will connection.* It exists while this device writes the user topic. The roster shows that
///    once the device has published its record.
/// 9. *Views.* The engine compares the present views with those last shown, once, after everything
///    else.
/// 10. *Next deadline.*
#[derive(Debug)]
pub struct Engine {
    root: Root,
    client_id: String,
    session: Session,
    roster: Roster,
    local_device: Option<LocalDevice>,
    user_status: Option<UserStatus>,
    /// Whether the person quits or restarts the app.
    quits: bool,
    /// Whether [`Target::Hidden`] is reached: this connection, or the next one, is a reader's. True
    /// from the start if the person was invisible when the last run ended, otherwise after a
    /// goodbye.
    hidden: bool,
    /// Whether a hub or gateway writes the user topics.
    hub_aggregates: bool,
    /// The computer that hosts the team, from the hub's record.
    host: Option<Host>,
    /// The hub's addresses, from its record.
    reachable: Vec<Address>,
    /// The current connection, if there is one. The engine ignores events of any other.
    connection: Option<ConnectionId>,
    will_connection: WillConnection,
    /// No Will connection is opened before this, because the broker allows one connection.
    will_connection_rests: Option<Monotonic>,
    /// How many times in a row one of the two connections ended as the other began.
    crowded: u8,
    /// How many times in a row the Will connection failed or ended.
    will_connection_failures: u32,
    renewal: Renewal,
    publishes: Publishes,
    /// Whether this role reads everybody's records, not only the person's own choice.
    reads_room: bool,
    /// How often the hub's record arrived on this connection before everything was read.
    hub_records: usize,
    notifications: Notifications,
    /// Knocks, waves and typing. Only a device and a signaller have them.
    signals: Option<Signals>,
    policy: NotificationPolicy,
    silence: NotificationPause,
    preferences: Preferences,
    /// Counts the changes of the preferences view.
    preferred: u64,
    problems: BTreeMap<String, Problem>,
    access: Access,
    diagnostics: Diagnostics,
    /// The reasons already logged for dropped messages, so that each is logged once.
    complained: BTreeSet<DropReason>,
    effects: VecDeque<Effect>,
    rng: fastrand::Rng,
    shown: Shown,
    /// Detects that somebody set the clock.
    clock: ClockWatch,
    /// The next deadline, computed after the last input.
    expected: Option<Monotonic>,
    has_tray: bool,
    without: Option<Rule>,
}

/// The views that the window, the tray and the command line last received.
#[derive(Debug, Default)]
struct Shown {
    seq: u64,
    me: Option<MeView>,
    link: Option<ConnectionView>,
    problems: Vec<Problem>,
    tray: Option<TrayView>,
    /// The revision of the signals view.
    signals: u64,
    /// The revision of the preferences view.
    preferred: u64,
}

impl Engine {
    /// Creates an engine that does nothing until [`Input::Start`].
    #[must_use]
    pub fn new(now: Now, settings: Settings) -> Self {
        let calls = matches!(settings.role, Role::Signaller(_));
        let known_user = match &settings.role {
            Role::ObserverFor(user) | Role::BrokerTest(user) | Role::Signaller(user) => {
                Some(user.clone())
            }
            Role::Device(_) | Role::StatusSetter(_) | Role::Observer => None,
        };
        let may_mark = matches!(settings.role, Role::BrokerTest(_));
        let (own, user) = match settings.role {
            Role::Device(holder) => {
                let user = holder.user.clone();
                (Some(LocalDevice::new(now, holder)), Some(user))
            }
            Role::StatusSetter(user) | Role::Signaller(user) => (None, Some(user)),
            Role::Observer | Role::ObserverFor(_) | Role::BrokerTest(_) => (None, None),
        };
        let hidden = own.as_ref().is_some_and(|own| own.holder.invisible);
        let reads_room = own.is_some() || calls || user.is_none();
        let speaks = user.clone().filter(|_| own.is_some() || calls);
        let signals = speaks.map(|me| Signals::new(me, own.is_some(), settings.muted));
        let preferences = settings.preferences.clone().tidy();
        let mut roster = Roster::remote(settings.without);
        if let Some(LocalDevice { holder, .. }) = &own {
            roster.set_me(&holder.user, &holder.name);
        }
        for (user, nickname) in preferences.nicknames() {
            roster.set_nickname(user.as_str(), Some(nickname));
        }
        Self {
            root: settings.root,
            client_id: settings.client_id,
            session: Session::new(own.is_none(), settings.speaks_v5),
            roster,
            local_device: own,
            user_status: user.map(|user| UserStatus::new(now, user)),
            quits: false,
            hidden,
            hub_aggregates: false,
            host: None,
            reachable: Vec::new(),
            connection: None,
            will_connection: WillConnection::Off,
            will_connection_rests: None,
            crowded: 0,
            will_connection_failures: 0,
            renewal: Renewal::default(),
            publishes: Publishes::default(),
            reads_room,
            hub_records: 0,
            notifications: Notifications::default(),
            signals,
            policy: settings.notifications,
            silence: NotificationPause::default(),
            preferred: u64::from(settings.preferences != Preferences::default()),
            preferences,
            problems: BTreeMap::new(),
            access: Access::new(known_user, may_mark),
            diagnostics: Diagnostics::default(),
            complained: BTreeSet::new(),
            effects: VecDeque::new(),
            rng: fastrand::Rng::with_seed(settings.seed),
            shown: Shown::default(),
            clock: ClockWatch::default(),
            expected: None,
            has_tray: settings.has_tray,
            without: settings.without,
        }
    }

    /// Handles one input. [`Engine`] lists the stages and the reason for their order.
    pub fn handle(&mut self, now: Now, input: Input) {
        self.follow_clock(now);
        self.detect_sleep(now);
        match input {
            Input::Start => self.connect_now(now),
            Input::Tick => {}
            Input::Connection(connection, event) => {
                if self.connection == Some(connection) {
                    self.handle_connection(now, event);
                }
            }
            Input::WillConnection(connection, event) => {
                self.handle_will_connection(now, connection, &event);
            }
            Input::Observed(observation) => self.handle_observation(now, observation),
            Input::Command(command) => self.handle_command(now, command),
            Input::ZoneChanged { offset_s } => self.silence.zone_is(offset_s),
            Input::ProblemFound(problem) => {
                self.problems.insert(problem.code.clone(), problem);
            }
            Input::ProblemSolved { code } => {
                self.problems.remove(&code);
            }
        }
        self.follow_time(now);
        self.follow_calls(now);
        self.pursue_target(now);
        self.follow_signals(now);
        self.drive_will_connection(now);
        self.show(now);
        self.expected = self.deadline(now);
    }

    /// Returns the next effect to carry out, if any is left.
    pub fn poll_effect(&mut self) -> Option<Effect> {
        self.effects.pop_front()
    }

    /// When [`Input::Tick`] is due. Every input may change it.
    #[must_use]
    pub const fn next_deadline(&self) -> Option<Monotonic> {
        self.expected
    }

    /// Everything that the window shows. The caller knows the stage.
    #[must_use]
    pub fn snapshot(&self, stage: Stage) -> Snapshot {
        Snapshot {
            seq: self.shown.seq,
            stage,
            language: String::new(),
            suggested_name: None,
            team: None,
            me: self.shown.me.clone(),
            link: self.shown.link.clone().unwrap_or(ConnectionView::Unset),
            people: self.others().cloned().collect(),
            problems: self.shown.problems.clone(),
            signals: self.signals.as_ref().map(|it| self.signals_view(it)).unwrap_or_default(),
            preferences: self.preferences_view(),
        }
    }

    /// Everybody in the roster, including the person's own user if the broker knows it.
    pub fn people(&self) -> impl Iterator<Item = &PersonView> {
        self.roster.people()
    }

    /// What the engine knows about the broker.
    #[must_use]
    pub fn health(&self, now: Now) -> Health {
        Health {
            speaks_v5: self.session.version == crate::effect::Version::V5,
            hub_aggregates: self.hub_aggregates,
            loss_shows_within: self
                .session
                .loss_shows_within(GRACE)
                .map(|within| within + self.roster.broker_is_late()),
            roster_access: self.roster_access().clone(),
            is_invisible: self.user_status.as_ref().and_then(|status| status.invisible(now)),
        }
    }

    /// Counters of what the engine received, dropped and corrected.
    #[must_use]
    pub fn diagnostics(&self) -> &Diagnostics {
        &self.diagnostics
    }

    fn others(&self) -> impl Iterator<Item = &PersonView> {
        let me = self.me_id().map(UserId::as_str);
        self.roster.people().filter(move |person| Some(person.user.as_str()) != me)
    }

    fn me_id(&self) -> Option<&UserId> {
        self.local_device.as_ref().map(|own| &own.holder.user)
    }

    // --- observations and commands

    fn handle_observation(&mut self, now: Now, observation: Observation) {
        let Some(own) = &mut self.local_device else {
            return;
        };
        own.availability.observe(now, observation);
        match (observation, &mut self.user_status) {
            (Observation::DesktopDnd(dnd), Some(choosing)) => {
                choosing.set_dnd_source(now, DndSource::Desktop, dnd);
            }
            (Observation::NetworkChanged, _) => self.reconnect(now),
            _ => {}
        }
        if observation == Observation::Resumed && matches!(self.session.phase, Phase::Resting) {
            self.session.reset_backoff();
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
                if let Some(choosing) = &mut self.user_status {
                    choosing.request_status(now, Some(choice));
                }
            }
            Command::ClearChosen => {
                if let Some(choosing) = &mut self.user_status {
                    choosing.request_status(now, None);
                }
            }
            Command::ReconnectNow => {
                if let Phase::Waiting { .. } = self.session.phase {
                    self.session.reset_backoff();
                    self.connect_now(now);
                }
            }
            Command::Prefer(preference) => self.prefer(preference),
            Command::SetNotificationPolicy(policy) => self.policy = policy,
            Command::PauseNotifications(lasting) => self.pause_notices(now, lasting),
            Command::Signal(signal) => self.handle_signal(now, signal),
            Command::Quit => {
                self.withdraw_signals(now);
                self.quits = true;
            }
            Command::Restart => {
                self.quits = true;
                self.drop_connections();
                self.stop(now);
            }
        }
    }

    /// Corrects the times of what we published, if somebody set the clock; see `docs/protocol.md`,
    /// *Time*.
    fn follow_clock(&mut self, now: Now) {
        self.roster.follow_clock(now);
        let Some(change) = self.clock.change(now) else {
            return;
        };
        let up = self.session.is_up();
        self.session.redate(change);
        if let Some(choosing) = &mut self.user_status {
            choosing.redate(now, change, up);
        }
        if let Some(own) = &mut self.local_device {
            own.redate(now, change);
        }
    }

    /// Sets or ends do-not-disturb for a call. A call also ends when the person leaves, so this
    /// runs for each input.
    fn follow_calls(&mut self, now: Now) {
        if let (Some(own), Some(choosing)) = (&self.local_device, &mut self.user_status)
            && own.holder.calls_dnd
        {
            choosing.set_dnd_source(now, DndSource::Call, own.availability.in_call(now));
        }
    }

    fn publish(
        &mut self,
        now: Now,
        topic: &Topic,
        payload: Vec<u8>,
        expires_in: Option<Duration>,
    ) -> PublishId {
        let topic = topic.to_wire(&self.root);
        let id = self.publishes.in_flight.begin(now, Some(topic.clone()));
        self.effects.push_back(Effect::Publish(Publish::record(id, topic, payload, expires_in)));
        id
    }

    /// Ends the connection with a DISCONNECT, so the broker discards its Will.
    fn disconnect(&mut self) {
        self.connection = None;
        self.effects.push_back(Effect::Disconnect);
    }

    /// Counts times in the future that a difference between clocks does not explain.
    fn count_future(&mut self, now: Now, times: impl IntoIterator<Item = Option<Timestamp>>) {
        let latest = now.wall + CLOCKS_DIFFER;
        let future = times.into_iter().flatten().any(|at| at > latest);
        self.diagnostics.future_times += u64::from(future);
    }
}

#[cfg(test)]
mod tests;
