//! Requests to the desk, and the handle by which window, tray and notifications send them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use porchlight_agent::membership::SecretStorage;
use porchlight_core::input::Command;
use porchlight_core::signal::SignalCommand;
use porchlight_core::view::checks::CheckView;
use porchlight_core::view::settings::SettingsView;
use porchlight_core::view::team::InvitationView;
use porchlight_core::view::{Problem, Snapshot};
use porchlight_team::Leaving;
use tokio::sync::{mpsc, oneshot};

use crate::deep_link::DeepLink;
use crate::team::Standing;

/// The channel for the result of a request.
pub(crate) type Answer<T> = oneshot::Sender<Result<T, Problem>>;

/// A request to the desk.
#[derive(Debug)]
pub(crate) enum Request {
    Command(Command),
    Snapshot(oneshot::Sender<Snapshot>),
    LookAround(Answer<()>),
    StartTeam {
        team: String,
        name: String,
        keep: SecretStorage,
        answer: Answer<()>,
    },
    ReadLink(String, Answer<InvitationView>),
    Join {
        link: String,
        name: String,
        keep: SecretStorage,
        answer: Answer<()>,
    },
    LookNearby(bool, Answer<()>),
    AskToJoin {
        id: String,
        name: String,
        keep: SecretStorage,
        answer: Answer<String>,
    },
    StopAsking,
    /// The membership with which to ask the hub.
    Standing(Answer<Standing>),
    Leave(Leaving, Answer<()>),
    MoveHere(Answer<()>),
    Settings(Answer<SettingsView>),
    ChangeSettings(Box<SettingsView>, Answer<()>),
    /// Checks whether this computer has what the app needs.
    Checks(Answer<Vec<CheckView>>),
    /// Opens a contact link of a person.
    Reach {
        user: String,
        link: String,
        answer: Answer<()>,
    },
    /// Facts for a bug report, without secrets.
    Diagnostics(Answer<String>),
    OpenWindow,
    /// A link that the person followed, as it arrived.
    OpenLink(String),
    /// The link that the window should show.
    TakeLink(oneshot::Sender<Option<DeepLink>>),
    /// A tray appeared on this desktop, or disappeared.
    TrayThere(bool),
    /// This program was replaced: end, so that the new one takes over before anybody misses this
    /// one.
    StartNewVersion,
    Quit,
}

/// Sends requests to the desk.
#[derive(Debug, Clone)]
pub(crate) struct Desktop {
    requests: mpsc::UnboundedSender<Request>,
    tray: Arc<AtomicBool>,
}

impl Desktop {
    pub(crate) fn new(requests: mpsc::UnboundedSender<Request>) -> Self {
        Self { requests, tray: Arc::new(AtomicBool::new(false)) }
    }

    pub(crate) fn send(&self, request: Request) {
        // If the desk has gone, the process is about to end.
        let _ = self.requests.send(request);
    }

    pub(crate) fn command(&self, command: Command) {
        self.send(Request::Command(command));
    }

    pub(crate) fn signal(&self, signal: SignalCommand) {
        self.command(Command::Signal(signal));
    }

    pub(crate) fn open_window(&self) {
        self.send(Request::OpenWindow);
    }

    pub(crate) fn open_link(&self, link: String) {
        self.send(Request::OpenLink(link));
    }

    #[cfg_attr(
        not(target_os = "linux"),
        expect(dead_code, reason = "for the tray, which is not there yet")
    )]
    pub(crate) fn quit(&self) {
        self.send(Request::Quit);
    }

    /// Whether a tray can bring the window back.
    pub(crate) fn has_tray(&self) -> bool {
        self.tray.load(Ordering::Relaxed)
    }

    #[cfg_attr(
        not(target_os = "linux"),
        expect(dead_code, reason = "for the tray, which is not there yet")
    )]
    pub(crate) fn tray_there(&self, there: bool) {
        self.tray.store(there, Ordering::Relaxed);
        self.send(Request::TrayThere(there));
    }

    pub(crate) async fn snapshot(&self) -> Result<Snapshot, Problem> {
        self.ask(Request::Snapshot).await
    }

    /// Takes the link that waits for the window.
    pub(crate) async fn take_link(&self) -> Result<Option<String>, Problem> {
        self.ask(Request::TakeLink).await.map(|link| link.map(DeepLink::into_text))
    }

    /// Sends a request that may fail.
    pub(crate) async fn try_ask<T>(
        &self,
        request: impl FnOnce(Answer<T>) -> Request,
    ) -> Result<T, Problem> {
        self.ask(request).await?
    }

    async fn ask<T>(
        &self,
        request: impl FnOnce(oneshot::Sender<T>) -> Request,
    ) -> Result<T, Problem> {
        let (sender, answer) = oneshot::channel();
        self.send(request(sender));
        answer.await.map_err(|_| Problem {
            code: "stopping".to_owned(),
            message: "Porchlight is quitting; start it again, then try again".to_owned(),
        })
    }
}
