//! The thread on which presence runs, and its desk: everything the shell wants or hears passes over it.
//!
//! Owns the agent, the hub where this machine runs one, and the sinks. Deliberately decides nothing about
//! presence; how the app comes to have a team is in [`crate::start`].

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use porchlight_agent::agent::{Agent, Event};
use porchlight_agent::flags::Flags;
use porchlight_agent::teammates::Teammates;
use porchlight_core::input::Command;
use porchlight_core::view::{LinkView, Problem, Snapshot, Stage};
use porchlight_hub::{Hub, HubEvent};
use tokio::sync::{mpsc, oneshot};

use crate::link::Link;
use crate::notices::Notices;
use crate::shell::Shell;
use crate::tray::Tray;
use crate::{account, start};

/// A desktop without a tray for so long gets the window instead.
const WITHOUT_TRAY: Duration = Duration::from_secs(10);

/// What the shell wants of the desk.
#[derive(Debug)]
pub(crate) enum Wish {
    Command(Command),
    Snapshot(oneshot::Sender<Snapshot>),
    StartHere(String, oneshot::Sender<Result<(), Problem>>),
    LookAround(oneshot::Sender<Result<(), Problem>>),
    OpenWindow,
    /// A link that the person followed, as it came.
    OpenLink(String),
    /// What the window is to do with a link, asked by it.
    TakeLink(oneshot::Sender<Option<Link>>),
    /// A tray appeared on this desktop, or went.
    TrayThere(bool),
    Quit,
}

/// How commands, tray and notices speak to the desk.
#[derive(Debug, Clone)]
pub(crate) struct Desktop {
    wishes: mpsc::UnboundedSender<Wish>,
    tray: Arc<AtomicBool>,
}

impl Desktop {
    pub(crate) fn new(wishes: mpsc::UnboundedSender<Wish>) -> Self {
        Self { wishes, tray: Arc::new(AtomicBool::new(false)) }
    }

    fn wish(&self, wish: Wish) {
        // A desk that is gone is on its way out with the process.
        let _ = self.wishes.send(wish);
    }

    pub(crate) fn command(&self, command: Command) {
        self.wish(Wish::Command(command));
    }

    pub(crate) fn open_window(&self) {
        self.wish(Wish::OpenWindow);
    }

    pub(crate) fn open_link(&self, link: String) {
        self.wish(Wish::OpenLink(link));
    }

    #[cfg_attr(
        not(target_os = "linux"),
        expect(dead_code, reason = "for the tray, which is not there yet")
    )]
    pub(crate) fn quit(&self) {
        self.wish(Wish::Quit);
    }

    /// Whether a tray brings the window back.
    pub(crate) fn has_tray(&self) -> bool {
        self.tray.load(Ordering::Relaxed)
    }

    #[cfg_attr(
        not(target_os = "linux"),
        expect(dead_code, reason = "for the tray, which is not there yet")
    )]
    pub(crate) fn tray_there(&self, there: bool) {
        self.tray.store(there, Ordering::Relaxed);
        self.wish(Wish::TrayThere(there));
    }

    pub(crate) async fn snapshot(&self) -> Result<Snapshot, Problem> {
        self.ask(Wish::Snapshot).await
    }

    pub(crate) async fn start_here(&self, name: String) -> Result<(), Problem> {
        self.ask(|answer| Wish::StartHere(name, answer)).await?
    }

    /// The link that waits for the window, which has it from then on.
    pub(crate) async fn take_link(&self) -> Result<Option<String>, Problem> {
        self.ask(Wish::TakeLink).await.map(|link| link.map(Link::into_text))
    }

    pub(crate) async fn look_around(&self) -> Result<(), Problem> {
        self.ask(Wish::LookAround).await?
    }

    async fn ask<T>(&self, wish: impl FnOnce(oneshot::Sender<T>) -> Wish) -> Result<T, Problem> {
        let (sender, answer) = oneshot::channel();
        self.wish(wish(sender));
        answer.await.map_err(|_| Problem {
            code: "stopping".to_owned(),
            message: "Porchlight is being closed".to_owned(),
        })
    }
}

/// With what the app was started.
#[derive(Debug)]
pub(crate) struct Opening {
    /// The window is wanted in any case.
    pub(crate) show: bool,
    pub(crate) link: Option<Link>,
}

/// A team, and what this app runs for it.
#[derive(Debug)]
pub(crate) struct Team {
    pub(crate) stage: Stage,
    pub(crate) agent: Agent,
    pub(crate) hub: Option<Hub>,
    pub(crate) teammates: Option<Teammates>,
}

/// See the module's page.
pub(crate) struct Desk {
    shell: Shell,
    desktop: Desktop,
    wishes: mpsc::UnboundedReceiver<Wish>,
    flags: Flags,
    team: Option<Team>,
    /// What the window shows while there is no team.
    stage: Stage,
    problems: Vec<Problem>,
    /// The last link that was followed, until the window takes it.
    link: Option<Link>,
    tray: Tray,
    notices: Notices,
    /// When to open the window because no tray came.
    give_up_on_tray: Option<tokio::time::Instant>,
}

impl Desk {
    /// Starts the thread.
    pub(crate) fn start(
        shell: Shell,
        desktop: Desktop,
        wishes: mpsc::UnboundedReceiver<Wish>,
        flags: Flags,
        opening: Opening,
    ) -> anyhow::Result<()> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        // One runtime for all: Tauri would start a thread for each core.
        tauri::async_runtime::set(runtime.handle().clone());
        std::thread::Builder::new().name("presence".to_owned()).spawn(move || {
            runtime.block_on(async move {
                #[cfg(target_os = "linux")]
                let _only = crate::single::claim(&desktop, opening.link.as_ref()).await;
                let desk = Self {
                    tray: Tray::open(&desktop).await,
                    notices: Notices::new(desktop.clone()),
                    shell,
                    desktop,
                    wishes,
                    flags,
                    team: None,
                    stage: Stage::Starting,
                    problems: Vec::new(),
                    link: opening.link,
                    give_up_on_tray: None,
                };
                desk.run(opening.show).await;
            });
        })?;
        Ok(())
    }

    async fn run(mut self, show: bool) {
        match start::configured(&self.flags).await {
            Ok(Some(team)) => self.begin(team),
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
        self.serve().await;
        self.shell.exit();
    }

    async fn serve(&mut self) {
        let mut told_to_stop = std::pin::pin!(told_to_stop());
        loop {
            let without_tray = self.give_up_on_tray;
            tokio::select! {
                () = &mut told_to_stop => break,
                wish = self.wishes.recv() => match wish {
                    Some(Wish::Quit) | None => break,
                    Some(wish) => self.grant(wish).await,
                },
                told = told(&mut self.team) => match told {
                    Told::Agent(event) => self.pass_on(*event),
                    Told::Hub(event) => self.pass_on_hub(event),
                },
                () = at(without_tray) => {
                    self.give_up_on_tray = None;
                    // One that came meanwhile is where the person put it.
                    if !self.shell.has_window() {
                        self.shell.open_window();
                    }
                }
            }
        }
        self.leave().await;
    }

    async fn grant(&mut self, wish: Wish) {
        match wish {
            Wish::Command(command) => {
                if let Some(team) = &self.team {
                    team.agent.handle.command(command);
                }
            }
            Wish::Snapshot(answer) => {
                // A window that was closed meanwhile needs no answer.
                let _ = answer.send(self.snapshot().await);
            }
            Wish::StartHere(name, answer) => {
                let outcome = self.set_up(start::here(&self.flags.clone(), &name)).await;
                let _ = answer.send(outcome);
            }
            Wish::LookAround(answer) => {
                let outcome = self.set_up(start::look_around()).await;
                let _ = answer.send(outcome);
            }
            Wish::OpenWindow => self.shell.open_window(),
            Wish::OpenLink(link) => self.open_link(&link),
            Wish::TakeLink(answer) => {
                // A window that was closed meanwhile did not get it.
                if let Err(link) = answer.send(self.link.take()) {
                    self.link = link;
                }
            }
            Wish::TrayThere(there) => self.tray_there(there),
            Wish::Quit => {}
        }
    }

    /// The window asks for the link when it is made; one that is open is told that there is one.
    fn open_link(&mut self, link: &str) {
        match Link::parse(link) {
            Ok(link) => {
                self.link = Some(link);
                self.shell.open_window();
                self.shell.emit("link", ());
            }
            Err(refused) => tracing::warn!("a link was not opened: {refused}"),
        }
    }

    fn tray_there(&mut self, there: bool) {
        self.give_up_on_tray = (!there && !self.shell.has_window())
            .then(|| tokio::time::Instant::now() + WITHOUT_TRAY);
    }

    async fn set_up(
        &mut self,
        team: impl Future<Output = Result<Team, Problem>>,
    ) -> Result<(), Problem> {
        if self.team.is_some() {
            return Ok(());
        }
        let before = std::mem::replace(&mut self.stage, Stage::Starting);
        self.show_snapshot().await;
        let outcome = match team.await {
            Ok(team) => {
                self.begin(team);
                Ok(())
            }
            Err(problem) => {
                self.stage = before;
                Err(problem)
            }
        };
        self.show_snapshot().await;
        outcome
    }

    fn begin(&mut self, team: Team) {
        for warning in team.hub.iter().flat_map(Hub::warnings) {
            team.agent.handle.problem(start::hub_problem(warning));
        }
        self.stage = team.stage;
        self.team = Some(team);
    }

    async fn snapshot(&self) -> Snapshot {
        if let Some(team) = &self.team
            && let Ok(snapshot) = team.agent.handle.snapshot(team.stage).await
        {
            return snapshot;
        }
        Snapshot {
            seq: 0,
            stage: self.stage,
            suggested_name: account::suggested_name(),
            team: None,
            me: None,
            link: LinkView::Unset,
            people: Vec::new(),
            problems: self.problems.clone(),
        }
    }

    async fn show_snapshot(&self) {
        self.shell.emit("snapshot", self.snapshot().await);
    }

    fn pass_on(&mut self, event: Event) {
        match event {
            Event::Show(update) => self.shell.emit("update", update),
            Event::Tray(view) => self.tray.show(view),
            Event::Notify(notice) => self.notices.show(&notice),
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
            HubEvent::StoreRecovered => team.agent.handle.solved("store_not_writable"),
            HubEvent::Ended { reason } => team.agent.handle.problem(Problem {
                code: "hub_ended".to_owned(),
                message: format!(
                    "the hub on this computer has ended ({reason}); start Porchlight again"
                ),
            }),
        }
    }

    /// Says goodbye, then lets the hub go: the goodbye needs it.
    async fn leave(&mut self) {
        let Some(team) = self.team.take() else {
            return;
        };
        team.agent.handle.command(Command::Quit);
        team.agent.stopped().await;
        drop(team.teammates);
        if let Some(hub) = team.hub
            && let Err(error) = hub.stop().await
        {
            tracing::error!("{error}");
        }
    }
}

/// What the team has to tell.
enum Told {
    Agent(Box<Event>),
    Hub(HubEvent),
}

async fn told(team: &mut Option<Team>) -> Told {
    let Some(Team { agent, hub, .. }) = team else {
        return std::future::pending().await;
    };
    tokio::select! {
        Some(event) = agent.events.recv() => Told::Agent(Box::new(event)),
        event = hub_told(hub.as_mut()) => Told::Hub(event),
        else => std::future::pending().await,
    }
}

async fn hub_told(hub: Option<&mut Hub>) -> HubEvent {
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

/// Waits until the system wants this program to end.
async fn told_to_stop() {
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
