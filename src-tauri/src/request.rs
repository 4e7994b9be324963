//! What the shell wants of the desk, and the handle by which commands, tray and notifications say so.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use porchlight_agent::leave_team::Leave;
use porchlight_agent::membership::SecretStorage;
use porchlight_core::input::Command;
use porchlight_core::signal::SignalCommand;
use porchlight_core::team::Joined;
use porchlight_core::view::checks::CheckView;
use porchlight_core::view::settings::SettingsView;
use porchlight_core::view::team::InvitationView;
use porchlight_core::view::{Problem, Snapshot};
use tokio::sync::{mpsc, oneshot};

use crate::deep_link::DeepLink;
use crate::team::Standing;

/// To whom the outcome is told.
pub(crate) type Answer<T> = oneshot::Sender<Result<T, Problem>>;

/// What the shell wants of the desk.
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
    /// With these digits it was asked, and to this it came.
    Asked(String, Result<Box<Joined>, Problem>),
    StopAsking,
    /// As whom the team is asked.
    Standing(Answer<Standing>),
    Leave(Leave, Answer<()>),
    MoveHere(Answer<()>),
    Settings(Answer<SettingsView>),
    ChangeSettings(Box<SettingsView>, Answer<()>),
    /// What is there of what the app lives by.
    Checks(Answer<Vec<CheckView>>),
    /// A link by which somebody can be reached, to be opened by the system.
    Reach {
        user: String,
        link: String,
        answer: Answer<()>,
    },
    /// What helps whoever is asked for help, and holds no secret.
    Diagnostics(Answer<String>),
    OpenWindow,
    /// A link that the person followed, as it came.
    OpenLink(String),
    /// What the window is to do with a link, asked by it.
    TakeLink(oneshot::Sender<Option<DeepLink>>),
    /// A tray appeared on this desktop, or went.
    TrayThere(bool),
    /// This program was replaced: the new one shall be there before anybody misses this one.
    StartAnew,
    Quit,
}

/// How commands, tray and notifications speak to the desk.
#[derive(Debug, Clone)]
pub(crate) struct Desktop {
    wishes: mpsc::UnboundedSender<Request>,
    tray: Arc<AtomicBool>,
}

impl Desktop {
    pub(crate) fn new(wishes: mpsc::UnboundedSender<Request>) -> Self {
        Self { wishes, tray: Arc::new(AtomicBool::new(false)) }
    }

    pub(crate) fn wish(&self, wish: Request) {
        // A desk that is gone is on its way out with the process.
        let _ = self.wishes.send(wish);
    }

    pub(crate) fn command(&self, command: Command) {
        self.wish(Request::Command(command));
    }

    pub(crate) fn signal(&self, signal: SignalCommand) {
        self.command(Command::Signal(signal));
    }

    pub(crate) fn open_window(&self) {
        self.wish(Request::OpenWindow);
    }

    pub(crate) fn open_link(&self, link: String) {
        self.wish(Request::OpenLink(link));
    }

    #[cfg_attr(
        not(target_os = "linux"),
        expect(dead_code, reason = "for the tray, which is not there yet")
    )]
    pub(crate) fn quit(&self) {
        self.wish(Request::Quit);
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
        self.wish(Request::TrayThere(there));
    }

    pub(crate) async fn snapshot(&self) -> Result<Snapshot, Problem> {
        self.ask(Request::Snapshot).await
    }

    /// The link that waits for the window, which has it from then on.
    pub(crate) async fn take_link(&self) -> Result<Option<String>, Problem> {
        self.ask(Request::TakeLink).await.map(|link| link.map(DeepLink::into_text))
    }

    /// Wishes for something that may fail.
    pub(crate) async fn try_ask<T>(
        &self,
        wish: impl FnOnce(Answer<T>) -> Request,
    ) -> Result<T, Problem> {
        self.ask(wish).await?
    }

    async fn ask<T>(&self, wish: impl FnOnce(oneshot::Sender<T>) -> Request) -> Result<T, Problem> {
        let (sender, answer) = oneshot::channel();
        self.wish(wish(sender));
        answer.await.map_err(|_| Problem {
            code: "stopping".to_owned(),
            message: "Porchlight is quitting; start it again, then try again".to_owned(),
        })
    }
}
