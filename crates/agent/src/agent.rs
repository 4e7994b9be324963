//! The agent's loop: waits for an event, passes it to the engine, and carries out the effects.
//!
//! Owns the drivers of one running presence or reader. Stores and decides nothing; a driver's
//! failure goes back into the engine as an input.

use std::collections::{BTreeSet, VecDeque};
use std::mem::take;
use std::time::Duration;

use porchlight_activity::Watch;
use porchlight_core::contact::ContactLink;
use porchlight_core::diagnostics::Diagnostics;
use porchlight_core::effect::{Effect, Saved};
use porchlight_core::engine::{DeviceSettings, Engine, Health, Role, Settings};
use porchlight_core::id::{UserId, reader_client_id};
use porchlight_core::input::{Command, ConnectionEvent, Input, Refusal};
use porchlight_core::notification::{Notification, NotificationPolicy};
use porchlight_core::observation::Observation;
use porchlight_core::preferences::Preferences;
use porchlight_core::team::Address;
use porchlight_core::view::tray::TrayView;
use porchlight_core::view::{PersonView, Problem, Snapshot, Stage, Update};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use crate::broker::Broker;
use crate::clock;
use crate::device::{Identity, SaveError};
use crate::membership::Membership;
use crate::mqtt::{Connection, Endpoints};
use crate::preferences::{self, StoredPreferences};
use crate::presence_options::PresenceOptions;

mod events;
mod relocation;

use events::Events;
use relocation::RelocationWatch;

/// Before connecting, the activity source gets this long for its first report, so that the first
/// record does not contain `unknown`.
const FIRST_LOOK: Duration = Duration::from_millis(50);

/// How long an app may take to read the remaining events when the agent ends.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// The code of the problem that no source reports activity.
const ACTIVITY_UNKNOWN: &str = "activity_unknown";

/// The configuration of an agent.
#[derive(Debug)]
pub struct Setup {
    /// The broker to connect to.
    pub broker: Broker,
    /// The role in which to connect.
    pub part: Part,
    /// Which notifications are wanted; `None` if no desktop shows any, nor a tray.
    pub notices: Option<NotificationPolicy>,
}

/// The role in which an agent connects.
#[derive(Debug)]
pub enum Part {
    /// The presence of a device.
    Holder(Box<Presence>),
    /// A reader of the roster.
    Reader,
    /// A reader for a known person.
    ReaderFor(UserId),
    /// A reader for a known person that also tests whether the broker sends retained messages.
    BrokerTest(UserId),
    /// Writes a person's choice, beside their running devices.
    Chooser(UserId),
    /// Sends knocks and waves, beside the person's running devices.
    Caller(UserId),
}

impl Part {
    /// A reader of the roster, for `user` if they are known.
    #[must_use]
    pub fn reader(user: Option<UserId>) -> Self {
        user.map_or(Self::Reader, Self::ReaderFor)
    }
}

/// The presence of a device.
#[derive(Debug)]
pub struct Presence {
    /// The person's user id.
    pub user: UserId,
    /// The name that others see.
    pub name: String,
    /// The links by which others can reach them.
    pub links: Vec<ContactLink>,
    /// The kind of device in a word.
    pub kind: Option<String>,
    /// How presence is kept and published.
    pub habits: PresenceOptions,
    /// The person's own preferences for this app.
    pub preferences: StoredPreferences,
    /// The device's ids, and what is stored between runs.
    pub identity: Identity,
    /// The source of the person's activity.
    pub activity_source: ActivitySource,
}

/// A source of the person's activity.
#[derive(Debug)]
pub enum ActivitySource {
    /// The operating system.
    Watch(Watch),
    /// A script.
    Script(mpsc::Receiver<Observation>),
}

impl ActivitySource {
    /// The problem to show if activity is unknown.
    fn unknown(&self) -> Option<Problem> {
        let Self::Watch(watch) = self else {
            return None;
        };
        let source = watch.source();
        let missing = source.missing.as_ref().filter(|_| !source.tells.idle)?;
        Some(Problem {
            code: ACTIVITY_UNKNOWN.to_owned(),
            message: format!("{}; {}", missing.what, missing.remedy),
        })
    }

    /// Cancel-safe. Pends for ever after the end.
    async fn next(&mut self) -> Observation {
        match self {
            Self::Watch(watch) => watch.next().await,
            Self::Script(script) => match script.recv().await {
                Some(observation) => observation,
                None => std::future::pending().await,
            },
        }
    }
}

/// An event that a running agent sends to its app.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// The view changed.
    Show(Update),
    /// The tray changed.
    Tray(TrayView),
    /// Show this notification.
    Notify(Notification),
    /// Take down the notification with this key.
    WithdrawNotification(String),
    /// The whole team was read.
    SnapshotRead,
    /// The broker accepted or refused the person's choice.
    ChoiceSettled(Result<(), Refusal>),
    /// A message was dropped: the present counters.
    Dropped(Box<Diagnostics>),
    /// The agent disconnected; no event follows.
    Stopped,
}

/// The app's handle for a running agent.
#[derive(Debug, Clone)]
pub struct Handle(mpsc::UnboundedSender<Ask>);

#[derive(Debug)]
enum Ask {
    Input(Input),
    Snapshot(Stage, oneshot::Sender<Snapshot>),
    People(oneshot::Sender<Vec<PersonView>>),
    Diagnostics(oneshot::Sender<Diagnostics>),
    Health(oneshot::Sender<Health>),
}

/// The agent has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the agent has stopped")]
pub struct AgentStopped;

impl Handle {
    /// Passes on a command of the person. Does nothing if the agent has ended.
    pub fn command(&self, command: Command) {
        let _ = self.0.send(Ask::Input(Input::Command(command)));
    }

    /// Reports a problem from outside.
    pub fn problem(&self, problem: Problem) {
        let _ = self.0.send(Ask::Input(Input::ProblemFound(problem)));
    }

    /// Reports that a problem from outside is solved.
    pub fn solved(&self, code: &str) {
        let _ = self.0.send(Ask::Input(Input::ProblemSolved { code: code.to_owned() }));
    }

    /// Everything that the window shows.
    ///
    /// # Errors
    ///
    /// [`AgentStopped`] if the agent has ended.
    pub async fn snapshot(&self, stage: Stage) -> Result<Snapshot, AgentStopped> {
        self.ask(|answer| Ask::Snapshot(stage, answer)).await
    }

    /// All known people, including oneself.
    ///
    /// # Errors
    ///
    /// [`AgentStopped`] if the agent has ended.
    pub async fn people(&self) -> Result<Vec<PersonView>, AgentStopped> {
        self.ask(Ask::People).await
    }

    /// What was dropped, and why.
    ///
    /// # Errors
    ///
    /// [`AgentStopped`] if the agent has ended.
    pub async fn diagnostics(&self) -> Result<Diagnostics, AgentStopped> {
        self.ask(Ask::Diagnostics).await
    }

    /// The broker's health, as far as is known.
    ///
    /// # Errors
    ///
    /// [`AgentStopped`] if the agent has ended.
    pub async fn health(&self) -> Result<Health, AgentStopped> {
        self.ask(Ask::Health).await
    }

    async fn ask<T>(&self, ask: impl FnOnce(oneshot::Sender<T>) -> Ask) -> Result<T, AgentStopped> {
        let (sender, answer) = oneshot::channel();
        self.0.send(ask(sender)).map_err(|_| AgentStopped)?;
        answer.await.map_err(|_| AgentStopped)
    }
}

/// A running agent. Dropping it ends it as a crash would: the socket closes without DISCONNECT.
#[derive(Debug)]
pub struct Agent {
    /// The handle for commands and queries.
    pub handle: Handle,
    /// The events that it sends.
    pub events: mpsc::Receiver<Event>,
    task: JoinHandle<()>,
}

/// Why an agent can't be started.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct StartError(#[from] crate::tls::TlsError);

impl Agent {
    /// Starts the loop on the present tokio runtime, which needs I/O and time.
    ///
    /// # Errors
    ///
    /// [`StartError`] if TLS can't be set up: the certificates named in the config are unreadable,
    /// or there are none.
    pub fn start(setup: Setup) -> Result<Self, StartError> {
        let (asks_in, asks) = mpsc::unbounded_channel();
        let (events_in, events) = mpsc::channel(events::WAITING);
        let driver = Driver::new(setup, asks, events_in)?;
        let task = tokio::spawn(driver.run());
        Ok(Self { handle: Handle(asks_in), events, task })
    }

    /// Waits until an agent that was told to quit has disconnected.
    pub async fn stopped(mut self) {
        while let Some(event) = self.events.recv().await {
            if event == Event::Stopped {
                break;
            }
        }
        let _ = (&mut self.task).await;
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        self.task.abort();
    }
}

struct Driver {
    engine: Engine,
    reach: Endpoints,
    connection: Connection,
    /// The second connection, for the Will of the user topic.
    will_connection: Connection,
    following: RelocationWatch,
    eyes: Option<ActivitySource>,
    identity: Option<Identity>,
    preferences: Option<StoredPreferences>,
    /// The local offset from UTC in seconds that the engine has.
    offset_s: Option<i32>,
    asks: mpsc::UnboundedReceiver<Ask>,
    events: Events,
    /// Inputs that result from effects.
    backlog: VecDeque<Input>,
    /// The number of dropped messages that was last reported to the app.
    dropped: u64,
    stopped: bool,
}

impl Driver {
    fn new(
        setup: Setup,
        asks: mpsc::UnboundedReceiver<Ask>,
        events: mpsc::Sender<Event>,
    ) -> Result<Self, StartError> {
        let reach = Endpoints::new(setup.broker)?;
        let mut rng = fastrand::Rng::new();
        let mut eyes = None;
        let mut identity = None;
        let mut kept_wishes = None;
        let mut speaks_v5 = false;
        let (role, client_id) = match setup.part {
            Part::Holder(presence) => {
                let Presence { habits, identity: kept, preferences: wanted, .. } = *presence;
                kept_wishes = Some(wanted);
                let client_id = kept.client_id.clone();
                speaks_v5 = kept.speaks_v5;
                let holder = DeviceSettings {
                    user: presence.user,
                    device: kept.device.clone(),
                    name: presence.name,
                    kind: presence.kind,
                    tz: clock::zone(),
                    links: presence.links,
                    away_after: habits.away_after,
                    last_epoch: kept.epoch,
                    grace: habits.grace,
                    lease: habits.lease,
                    user_topic: habits.user_topic,
                    calls_dnd: habits.calls_dnd,
                    coarse: habits.coarse,
                    invisible: kept.invisible,
                };
                eyes = Some(presence.activity_source);
                identity = Some(kept);
                (Role::Device(holder), client_id)
            }
            Part::Reader => (Role::Observer, reader_client_id(&mut rng)),
            Part::ReaderFor(user) => (Role::ObserverFor(user), reader_client_id(&mut rng)),
            Part::BrokerTest(user) => (Role::BrokerTest(user), reader_client_id(&mut rng)),
            Part::Chooser(user) => (Role::StatusSetter(user), reader_client_id(&mut rng)),
            Part::Caller(user) => (Role::Signaller(user), reader_client_id(&mut rng)),
        };
        let settings = Settings {
            root: reach.broker().root.clone(),
            client_id,
            role,
            has_tray: setup.notices.is_some(),
            notifications: setup.notices.unwrap_or_else(NotificationPolicy::silent),
            preferences: kept_wishes
                .as_ref()
                .map(|it: &StoredPreferences| it.wanted().clone())
                .unwrap_or_default(),
            speaks_v5,
            muted: identity.as_ref().map(Identity::muted).unwrap_or_default(),
            seed: rng.u64(..),
            without: None,
        };
        Ok(Self {
            engine: Engine::new(clock::now(), settings),
            reach,
            connection: Connection::default(),
            will_connection: Connection::default(),
            following: RelocationWatch::default(),
            eyes,
            identity,
            preferences: kept_wishes,
            offset_s: None,
            asks,
            events: Events::new(events),
            backlog: VecDeque::new(),
            dropped: 0,
            stopped: false,
        })
    }

    async fn run(mut self) {
        if let Some(eyes) = &mut self.eyes
            && let Ok(first) = tokio::time::timeout(FIRST_LOOK, eyes.next()).await
        {
            self.take(Input::Observed(first)).await;
        }
        if let Some(problem) = self.preferences.as_ref().and_then(StoredPreferences::problem) {
            self.take(Input::ProblemFound(problem)).await;
        }
        self.take(Input::Start).await;
        while !self.stopped {
            if let Some(input) = self.next().await {
                self.take(input).await;
            }
        }
        // An app that hangs notices the end when the channel closes.
        let _ = tokio::time::timeout(LAST_WORDS, self.events.flush_all()).await;
    }

    /// Waits for the first event from any driver.
    async fn next(&mut self) -> Option<Input> {
        let now = clock::now();
        let deadline = self.engine.next_deadline().map(|at| at.since(now.mono));
        tokio::select! {
            biased;
            ask = self.asks.recv() => match ask {
                Some(ask) => self.answer(ask),
                // When the last handle is dropped, nobody wants the presence any more.
                None => Some(Input::Command(Command::Quit)),
            },
            observation = observed(&mut self.eyes) => Some(Input::Observed(observation)),
            event = self.connection.next() => Some(Input::Connection(self.connection.number(), event)),
            event = self.will_connection.next() => {
                Some(Input::WillConnection(self.will_connection.number(), event))
            }
            at = self.following.found() => {
                self.found_at(&at);
                // The refusal by the old place is no reason to wait before asking the new one.
                (!at.is_empty()).then_some(Input::Command(Command::ReconnectNow))
            }
            () = self.events.flush() => None,
            () = wait(deadline) => Some(Input::Tick),
        }
    }

    fn answer(&self, ask: Ask) -> Option<Input> {
        // A caller that has gone needs no answer.
        match ask {
            Ask::Input(input) => return Some(input),
            Ask::Snapshot(stage, answer) => {
                let _ = answer.send(self.engine.snapshot(stage));
            }
            Ask::People(answer) => {
                let _ = answer.send(self.engine.people().cloned().collect());
            }
            Ask::Health(answer) => {
                let _ = answer.send(self.engine.health(clock::now()));
            }
            Ask::Diagnostics(answer) => {
                let _ = answer.send(self.engine.diagnostics().clone());
            }
        }
        None
    }

    /// Passes an input to the engine, and carries out the effects.
    async fn take(&mut self, input: Input) {
        let offset_s = clock::offset_s();
        if self.offset_s != Some(offset_s) {
            self.offset_s = Some(offset_s);
            self.backlog.push_back(Input::ZoneChanged { offset_s });
        }
        self.backlog.push_back(input);
        while let Some(input) = self.backlog.pop_front() {
            match &input {
                Input::Observed(Observation::SourceLost | Observation::SourceOk) => {
                    self.note_source();
                }
                // Inputs that waited while another connection was opened are not about the new one.
                Input::Connection(connection, event) if self.connection.number() == *connection => {
                    self.note_connection(event);
                }
                Input::WillConnection(connection, ConnectionEvent::Down(failure))
                    if self.will_connection.number() == *connection =>
                {
                    tracing::info!("the Will connection ended: {failure}");
                }
                _ => {}
            }
            self.engine.handle(clock::now(), input);
            while let Some(effect) = self.engine.poll_effect() {
                self.apply(effect).await;
            }
        }
        let dropped = self.engine.diagnostics().dropped.values().sum();
        if dropped != self.dropped {
            self.dropped = dropped;
            self.tell(Event::Dropped(Box::new(self.engine.diagnostics().clone())));
        }
    }

    /// Only the main connection decides which address is tried next.
    fn note_connection(&mut self, event: &ConnectionEvent) {
        self.reach.note(event);
        self.following.note(clock::now().mono, event, self.reach.broker());
        match event {
            ConnectionEvent::Up(_) => self.save_addresses(),
            ConnectionEvent::Down(failure) => tracing::info!("not connected: {failure}"),
            ConnectionEvent::Subscribed { .. }
            | ConnectionEvent::Published { .. }
            | ConnectionEvent::Received(_) => {}
        }
    }

    /// Connects to the addresses at which the hub can now be reached.
    fn found_at(&mut self, at: &[Address]) {
        if !at.is_empty() {
            self.reach.found_at(at);
            self.save_addresses();
        }
    }

    /// Stores the hub's addresses in the membership, the likeliest first.
    fn save_addresses(&self) {
        let broker = self.reach.broker();
        let Some(folder) = &broker.membership else {
            return;
        };
        // Addresses that can't be stored are found again next time.
        if let Err(error) = Membership::found_at(folder, broker.addresses()) {
            tracing::warn!("where the hub is can't be kept: {error}");
        }
    }

    /// Notes whether the activity source was lost, or is back.
    fn note_source(&mut self) {
        let unknown = self.eyes.as_ref().and_then(ActivitySource::unknown);
        self.backlog.push_back(unknown.map_or_else(
            || Input::ProblemSolved { code: ACTIVITY_UNKNOWN.to_owned() },
            Input::ProblemFound,
        ));
    }

    async fn apply(&mut self, effect: Effect) {
        match effect {
            Effect::Save(saved) => self.save(&saved),
            Effect::Connect(connect) => self.connection = Connection::open(&self.reach, &connect),
            Effect::Subscribe(filters) => self.connection.subscribe(&filters),
            Effect::Publish(publish) => self.connection.publish(publish),
            Effect::Disconnect => take(&mut self.connection).close().await,
            Effect::Drop => {
                self.connection = Connection::default();
                self.will_connection = Connection::default();
            }
            Effect::ConnectWill(connect) => {
                self.will_connection = Connection::open(&self.reach, &connect);
            }
            Effect::DisconnectWill => take(&mut self.will_connection).close().await,
            Effect::Show(update) => self.tell(Event::Show(*update)),
            Effect::ShowTray(tray) => self.tell(Event::Tray(tray)),
            Effect::Notify(notification) => self.tell(Event::Notify(notification)),
            Effect::WithdrawNotification { key } => self.tell(Event::WithdrawNotification(key)),
            Effect::SaveMuted(muted) => self.save_muted(&muted),
            Effect::SavePreferences(wanted) => self.save_preferences(wanted),
            Effect::Complain { topic, error } => {
                tracing::warn!(
                    "ignored a message on {topic:?}: {error}. Others like it are counted, not logged"
                );
            }
            Effect::Reachable(at) => self.found_at(&at),
            Effect::SnapshotRead => self.tell(Event::SnapshotRead),
            Effect::ChoiceSettled(outcome) => self.tell(Event::ChoiceSettled(outcome)),
            Effect::MaySleep => {
                tracing::info!("said goodbye; the machine may sleep");
                // A script does not keep a machine awake.
                if let Some(ActivitySource::Watch(watch)) = &self.eyes {
                    watch.may_sleep();
                }
            }
            Effect::Stopped => {
                self.stopped = true;
                self.tell(Event::Stopped);
            }
        }
    }

    fn tell(&mut self, event: Event) {
        self.events.tell(event);
    }

    fn save(&mut self, saved: &Saved) {
        if let Some(identity) = &mut self.identity {
            let outcome = identity.save(saved);
            self.note_saved(outcome);
        }
    }

    fn save_muted(&mut self, muted: &BTreeSet<UserId>) {
        if let Some(identity) = &self.identity {
            let outcome = identity.save_muted(muted);
            self.note_saved(outcome);
        }
    }

    fn save_preferences(&mut self, wanted: Preferences) {
        if let Some(preferences) = &mut self.preferences {
            let code = preferences::CODE.to_owned();
            self.backlog.push_back(match preferences.keep(wanted) {
                Ok(()) => Input::ProblemSolved { code },
                Err(error) => Input::ProblemFound(Problem { code, message: error.to_string() }),
            });
        }
    }

    fn note_saved(&mut self, outcome: Result<(), SaveError>) {
        const CODE: &str = "state_not_saved";
        self.backlog.push_back(match outcome {
            Ok(()) => Input::ProblemSolved { code: CODE.to_owned() },
            Err(error) => {
                Input::ProblemFound(Problem { code: CODE.to_owned(), message: error.to_string() })
            }
        });
    }
}

async fn observed(eyes: &mut Option<ActivitySource>) -> Observation {
    match eyes {
        Some(eyes) => eyes.next().await,
        None => std::future::pending().await,
    }
}

async fn wait(delay: Option<Duration>) {
    match delay {
        Some(delay) => tokio::time::sleep(delay).await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests;
