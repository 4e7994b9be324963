//! The thread on which presence runs, and the desk that handles all its events.
//!
//! It owns the agent, the hub if this machine runs one, the tray and the notifications. It decides
//! nothing about presence. How the app gets a team is in [`crate::start`], and operations that take
//! a while are in [`deed`].

use std::time::Duration;

use porchlight_agent::agent::{Agent, Event};
use porchlight_agent::demo_team::DemoTeam;
use porchlight_agent::flags::Flags;
use porchlight_agent::membership::Membership as Stored;
use porchlight_agent::places::Dirs;
use porchlight_core::id::DeviceId;
use porchlight_core::input::Command;
use porchlight_core::view::preferences::PreferencesView;
use porchlight_core::view::settings::SettingsView;
use porchlight_core::view::signals::SignalsView;
use porchlight_core::view::{ConnectionView, Problem, Snapshot, Stage};
use porchlight_hub::{Hub, HubEvent};
use porchlight_membership::{self as membership, Membership};
use porchlight_team::Report;
use tokio::sync::mpsc;

use crate::app::Shell;
use crate::deep_link::DeepLink;
use crate::i18n::{self, spoken};
use crate::notifications::Notifications;
use crate::request::{Answer, Desktop, Request};
use crate::start::Entered;
use crate::tray::Tray;
use crate::{account, checks, hosting, settings, start};

mod deed;
mod discovery;

use deed::Deed;
use discovery::Discovery;

/// How long to wait for a tray before the window is opened instead.
const TRAY_TIMEOUT: Duration = Duration::from_secs(10);

/// The arguments that the app was started with.
#[derive(Debug)]
pub(crate) struct LaunchOptions {
    /// Open the window in any case.
    pub(crate) show: bool,
    pub(crate) link: Option<DeepLink>,
}

/// How the app ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Exit {
    Quit,
    /// A new version of the app takes over, within the grace period.
    Restart,
}

/// A team, and what this app runs for it.
#[derive(Debug)]
pub(crate) struct Team {
    pub(crate) stage: Stage,
    pub(crate) agent: Agent,
    /// The id of this device.
    pub(crate) device: DeviceId,
    /// The name that others see.
    pub(crate) name: String,
    /// This account's membership, if the team's hub has members.
    pub(crate) membership: Option<Stored>,
    pub(crate) demo: Option<Demo>,
}

/// The demo team: its hub, and the people in it.
#[derive(Debug)]
pub(crate) struct Demo {
    pub(crate) hub: Hub,
    pub(crate) teammates: DemoTeam,
}

/// Handles the requests of window, tray and notifications, and the events of agent and hub.
pub(crate) struct Desk {
    shell: Shell,
    desktop: Desktop,
    requests: mpsc::UnboundedReceiver<Request>,
    flags: Flags,
    team: Option<Team>,
    /// The membership, and the team's hub if this computer hosts it.
    membership: Membership,
    /// The hub for this machine alone. It outlives a restart of presence.
    open_hub: Option<Hub>,
    /// The stage that the window shows while there is no team.
    stage: Stage,
    problems: Vec<Problem>,
    /// The last link that was followed, until the window takes it.
    link: Option<DeepLink>,
    /// The running operation. There is at most one.
    deed: Option<Deed>,
    discovery: Discovery,
    tray: Tray,
    notifications: Notifications,
    /// When to open the window because no tray has appeared.
    tray_deadline: Option<tokio::time::Instant>,
}

impl Desk {
    /// Starts the thread.
    pub(crate) fn start(
        shell: Shell,
        desktop: Desktop,
        requests: mpsc::UnboundedReceiver<Request>,
        flags: Flags,
        options: LaunchOptions,
    ) -> anyhow::Result<()> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        // One runtime for everything: Tauri's own would start a thread for each core.
        tauri::async_runtime::set(runtime.handle().clone());
        std::thread::Builder::new().name("presence".to_owned()).spawn(move || {
            runtime.block_on(async move {
                #[cfg(target_os = "linux")]
                let only = crate::single_instance::claim(&desktop, options.link.as_ref()).await;
                let exit = shell.clone();
                let desk = Self {
                    membership: hosting::membership(&flags),
                    open_hub: None,
                    tray: Tray::open(&desktop).await,
                    notifications: Notifications::new(desktop.clone()),
                    shell,
                    desktop,
                    requests,
                    flags,
                    team: None,
                    stage: Stage::Starting,
                    problems: Vec::new(),
                    link: options.link,
                    deed: None,
                    discovery: Discovery::default(),
                    tray_deadline: None,
                };
                let exit_kind = desk.run(options.show).await;
                #[cfg(target_os = "linux")]
                crate::single_instance::release(only).await;
                if exit_kind == Exit::Restart {
                    start::launch_new_version();
                }
                exit.exit();
            });
        })?;
        Ok(())
    }

    async fn run(mut self, show: bool) -> Exit {
        // An invalid config is reported below.
        self.set_icon_style(self.flags.resolve().is_ok_and(|resolved| resolved.symbolic_icon));
        if let Err(problem) = self.resume_membership().await {
            self.problems.push(problem);
        }
        match start::configured(&self.flags, self.hubs()).await {
            Ok(Some(entered)) => self.begin(entered),
            Ok(None) => self.stage = Stage::FirstStart,
            Err(problem) => {
                tracing::error!("{}", problem.message);
                self.stage = Stage::Running;
                self.problems.push(problem);
            }
        }
        if show || self.link.is_some() || self.team.is_none() || !self.desktop.has_tray() {
            self.shell.open_window();
        }
        let exit_kind = self.serve().await;
        self.leave(exit_kind).await;
        if let Some(hub) = self.open_hub.take() {
            hosting::end(hub).await;
        }
        self.membership.close().await;
        exit_kind
    }

    /// Finishes what the last run of the app began, and starts the hub that this computer hosts.
    async fn resume_membership(&mut self) -> Result<(), Problem> {
        if start::resolve(&self.flags).is_err() {
            // The config is reported when presence begins.
            return Ok(());
        }
        self.membership.resume()?;
        loop {
            match self.membership.event().await {
                membership::Event::Hub(event) => self.pass_on_hub(event),
                membership::Event::Report(Report::Failed(problem) | Report::Stuck(problem)) => {
                    return Err(problem);
                }
                // Presence begins meanwhile.
                membership::Event::Report(_) => return Ok(()),
            }
        }
    }

    /// The hubs that this app runs.
    fn hubs(&self) -> start::Hubs {
        let team = self.membership.hub().filter(|hub| hub.is_serving()).and_then(Hub::own_address);
        start::Hubs { team, open: self.open_hub.as_ref().map(Hub::addr) }
    }

    async fn serve(&mut self) -> Exit {
        let mut stop_signal = std::pin::pin!(stop_signal());
        loop {
            let without_tray = self.tray_deadline;
            tokio::select! {
                () = &mut stop_signal => return Exit::Quit,
                request = self.requests.recv() => match request {
                    Some(Request::Quit) | None => return Exit::Quit,
                    Some(Request::StartNewVersion) => return Exit::Restart,
                    Some(request) => self.dispatch(request).await,
                },
                event = agent_event(&mut self.team) => self.pass_on(event),
                event = hub_event(self.open_hub.as_mut()) => self.pass_on_hub(event),
                event = self.membership.event() => match event {
                    membership::Event::Report(report) => self.reported(report).await,
                    membership::Event::Hub(event) => self.pass_on_hub(event),
                },
                outcome = deed::done(&mut self.deed) => self.settle(outcome).await,
                teams = self.discovery.changed() => self.shell.emit("nearby", teams),
                () = at(without_tray) => {
                    self.tray_deadline = None;
                    // A window that was opened in the meantime is where the person put it.
                    if !self.shell.has_window() {
                        self.shell.open_window();
                    }
                }
            }
        }
    }

    async fn dispatch(&mut self, request: Request) {
        match request {
            Request::Command(command) => {
                if let Some(team) = &self.team {
                    team.agent.handle.command(command);
                }
            }
            Request::Snapshot(answer) => {
                // A window that was closed in the meantime needs no answer.
                let _ = answer.send(self.snapshot().await);
            }
            Request::LookAround(answer) => self.look_around(answer).await,
            Request::StartTeam { team, name, keep, answer } => {
                self.start_team(&team, &name, keep, answer).await;
            }
            Request::ReadLink(link, answer) => {
                let _ = answer.send(start::read(&link).map(|read| self.discovery.view(read)));
            }
            Request::Join { link, name, keep, answer } => {
                self.join(&link, &name, keep, answer).await;
            }
            Request::LookNearby(on, answer) => {
                let _ = answer.send(self.discovery.look(on));
            }
            Request::AskToJoin { id, name, keep, answer } => {
                self.ask_to_join(&id, &name, keep, answer).await;
            }
            Request::StopAsking => self.membership.withdraw(),
            Request::Standing(answer) => {
                let _ = answer.send(self.standing());
            }
            Request::Leave(leave, answer) => self.leave_team(leave, answer),
            Request::MoveHere(answer) => self.move_here(answer),
            Request::Settings(answer) => {
                let _ = answer.send(settings::read(&self.flags));
            }
            Request::ChangeSettings(wanted, answer) => {
                let _ = answer.send(self.change_settings(&wanted).await);
            }
            Request::Checks(answer) => {
                let activity = start::resolve(&self.flags).map(|it| it.activity());
                let (tray, activity) = (self.desktop.has_tray(), activity.unwrap_or_default());
                // It may take seconds, and the desk must not wait for it.
                tokio::spawn(async move {
                    let _ = answer.send(Ok(checks::look(tray, activity).await));
                });
            }
            Request::Reach { user, link, answer } => {
                let _ = answer.send(self.reach(&user, &link).await);
            }
            Request::Diagnostics(answer) => {
                let _ = answer.send(Ok(self.diagnostics().await));
            }
            Request::OpenWindow => self.shell.open_window(),
            Request::OpenLink(link) => self.open_link(&link),
            Request::TakeLink(answer) => {
                // A window that was closed in the meantime did not get the link.
                if let Err(link) = answer.send(self.link.take()) {
                    self.link = link;
                }
            }
            Request::TrayThere(there) => self.tray_there(there),
            Request::StartNewVersion | Request::Quit => {}
        }
    }

    /// Keeps a link for the window. A new window asks for it, and an open one gets an event.
    fn open_link(&mut self, link: &str) {
        match DeepLink::parse(link) {
            Ok(link) => {
                self.link = Some(link);
                self.shell.open_window();
                self.shell.emit("link", ());
            }
            Err(refused) => tracing::warn!("a link was not opened: {refused}"),
        }
    }

    async fn change_settings(&mut self, wanted: &SettingsView) -> Result<(), Problem> {
        if self.deed.is_some() || self.stage != Stage::Running {
            let message = "settings can be changed once you are in your team; try again then";
            return Err(start::problem("settings", message));
        }
        let changed = settings::change(&self.flags, wanted)?;
        let settings::Changed { notices, anew, language, symbolic_icon } = changed;
        let before = spoken();
        i18n::speak(language);
        // This redraws the tray, too, in the present language.
        self.set_icon_style(symbolic_icon);
        if spoken() != before && !anew {
            self.show_snapshot().await;
        }
        let Some(team) = &self.team else {
            return Ok(());
        };
        if !anew {
            team.agent.handle.command(Command::SetNotificationPolicy(notices));
            return Ok(());
        }
        let Some(Team { agent, .. }) = self.team.take() else {
            return Ok(());
        };
        agent.handle.command(Command::Restart);
        agent.stopped().await;
        if let Ok(resolved) = start::resolve(&self.flags) {
            self.membership.set_hub(Some(hosting::settings(&resolved)));
        }
        let began = start::again(&self.flags, self.hubs()).await;
        let outcome = began.map(|entered| self.begin(entered));
        if let Err(problem) = &outcome {
            self.problems.push(problem.clone());
        }
        self.show_snapshot().await;
        outcome
    }

    /// Opens a contact link of a person, but only one that they publish.
    async fn reach(&self, user: &str, link: &str) -> Result<(), Problem> {
        let people = self.snapshot().await.people;
        let person = people.iter().find(|person| person.user == user);
        let link = person.and_then(|it| it.links.iter().find(|known| known.as_str() == link));
        let Some(link) = link else {
            return Err(start::problem(
                "no_such_link",
                "they no longer publish this link; use another way to reach them",
            ));
        };
        open::that_detached(link.as_str()).map_err(|error| {
            tracing::warn!("a link was not opened: {error}");
            let scheme = link.as_str().split(':').next().unwrap_or_default();
            let message = format!(
                "no program here opens {scheme}: links; choose one in your desktop's settings"
            );
            start::problem("link_not_opened", message)
        })
    }

    /// Facts for a bug report. They contain neither names nor addresses, because they are pasted
    /// where others read them.
    async fn diagnostics(&self) -> String {
        let mut lines = vec![
            format!("Porchlight {}", env!("CARGO_PKG_VERSION")),
            format!("system: {} {}", std::env::consts::OS, std::env::consts::ARCH),
        ];
        for name in ["XDG_CURRENT_DESKTOP", "XDG_SESSION_TYPE"] {
            let value = std::env::var(name).unwrap_or_else(|_| "not set".to_owned());
            lines.push(format!("{name}: {value}"));
        }
        lines.push(format!("tray: {}", if self.desktop.has_tray() { "there" } else { "none" }));
        if let Some(team) = &self.team {
            let has_hub = self.membership.hub().is_some() || self.open_hub.is_some();
            lines.push(format!("hub here: {has_hub}"));
            lines.push(format!("member of a team: {}", team.membership.is_some()));
            if let Ok(health) = team.agent.handle.health().await {
                lines.push(format!("MQTT: {}", if health.speaks_v5 { "5" } else { "3.1.1" }));
            }
            if let Ok(counters) = team.agent.handle.diagnostics().await {
                lines.push(format!("counters: {counters:?}"));
            }
        }
        let codes: Vec<_> = self.snapshot().await.problems.into_iter().map(|it| it.code).collect();
        lines.push(format!("problems: {}", codes.join(", ")));
        lines.join("\n")
    }

    fn set_icon_style(&mut self, symbolic: bool) {
        let places = Dirs::find(self.flags.config_dir.as_deref());
        let theme = places.ok().filter(|_| symbolic).map(|places| places.icon_theme());
        self.tray.set_theme(theme);
    }

    fn tray_there(&mut self, there: bool) {
        self.tray_deadline = (!there && !self.shell.has_window())
            .then(|| tokio::time::Instant::now() + TRAY_TIMEOUT);
    }

    fn begin(&mut self, entered: Entered) {
        let Entered { team, open_hub } = entered;
        if open_hub.is_some() {
            self.open_hub = open_hub;
        }
        for warning in
            self.membership.hub().iter().chain(&self.open_hub.as_ref()).flat_map(|it| it.warnings())
        {
            team.agent.handle.problem(start::hub_problem(warning));
        }
        self.stage = team.stage;
        self.team = Some(team);
        self.publish_host();
    }

    async fn snapshot(&self) -> Snapshot {
        if let Some(team) = &self.team
            && self.stage == team.stage
            && let Ok(mut snapshot) = team.agent.handle.snapshot(team.stage).await
        {
            spoken().tag().clone_into(&mut snapshot.language);
            snapshot.team = team.membership.as_ref().map(|it| it.team().to_owned());
            if team.stage == Stage::LookingAround {
                snapshot.suggested_name = account::suggested_name();
            }
            return snapshot;
        }
        Snapshot {
            seq: 0,
            stage: self.stage,
            language: spoken().tag().to_owned(),
            suggested_name: account::suggested_name(),
            team: None,
            me: None,
            link: ConnectionView::Unset,
            people: Vec::new(),
            problems: self.problems.clone(),
            signals: SignalsView::default(),
            preferences: PreferencesView::default(),
        }
    }

    async fn show_snapshot(&self) {
        self.shell.emit("snapshot", self.snapshot().await);
    }

    fn pass_on(&mut self, event: Event) {
        match event {
            Event::Show(update) => self.shell.emit("update", update),
            Event::Tray(view) => self.tray.show(view),
            Event::Notify(notification) => self.notifications.show(&notification),
            Event::WithdrawNotification(key) => self.notifications.withdraw(key),
            Event::SnapshotRead | Event::ChoiceSettled(_) | Event::Dropped(_) | Event::Stopped => {}
        }
    }

    fn pass_on_hub(&mut self, event: HubEvent) {
        let Some(team) = &self.team else {
            return;
        };
        match event {
            HubEvent::StoreFailing(warning) => {
                team.agent.handle.problem(start::hub_problem(&warning));
            }
            HubEvent::StoreRecovered => {
                team.agent.handle.solved("store_not_writable");
                team.agent.handle.solved("team_not_saved");
            }
            HubEvent::CertificateFailing(warning) => {
                team.agent.handle.problem(start::hub_problem(&warning));
            }
            HubEvent::CertificateRead => team.agent.handle.solved("certificate_kept"),
            HubEvent::Asked { name, code } => {
                self.notifications.ask(&name, &code);
                self.shell.emit("team", ());
            }
            HubEvent::Moved => {}
            HubEvent::Ended { reason } => team.agent.handle.problem(Problem {
                code: "hub_ended".to_owned(),
                message: format!(
                    "the hub on this computer stopped ({reason}); quit Porchlight and start it again"
                ),
            }),
        }
    }

    /// Publishes the goodbye. A restart publishes none.
    async fn leave(&mut self, exit_kind: Exit) {
        let Some(team) = self.team.take() else {
            return;
        };
        match exit_kind {
            Exit::Quit => say_goodbye(team).await,
            Exit::Restart => stop(team, Command::Restart).await,
        }
    }
}

/// Stops the agent with a goodbye.
async fn say_goodbye(team: Team) {
    stop(team, Command::Quit).await;
}

async fn stop(team: Team, by: Command) {
    team.agent.handle.command(by);
    team.agent.stopped().await;
    if let Some(Demo { hub, teammates }) = team.demo {
        drop(teammates);
        hosting::end(hub).await;
    }
}

async fn agent_event(team: &mut Option<Team>) -> Event {
    let event = match team {
        Some(team) => team.agent.events.recv().await,
        None => None,
    };
    match event {
        Some(event) => event,
        None => std::future::pending().await,
    }
}

async fn hub_event(hub: Option<&mut Hub>) -> HubEvent {
    match hub {
        Some(hub) => hub.event().await,
        None => std::future::pending().await,
    }
}

async fn at(moment: Option<tokio::time::Instant>) {
    match moment {
        Some(moment) => tokio::time::sleep_until(moment).await,
        None => std::future::pending().await,
    }
}

/// Waits until the system asks this program to end.
async fn stop_signal() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminate.recv() => {}
            }
            return;
        }
    }
    let _ = tokio::signal::ctrl_c().await;
}
