//! A person's desktop with one of the apps on it, and what is measured there.

use std::fmt;
use std::path::Path;
use std::time::Duration;

use porchlight_tests::meter::{self, Activity, Memory};
use porchlight_tests::process::Proc;
use porchlight_tests::until::{START, until, uptime};
use porchlight_tests::{Cli, Mosquitto, Notifications, Session, Tray};

use crate::app::{App, State};
use crate::observer::{Jabber, Observer};
use crate::prosody::{CONTACT, PASSWORD, PERSON, Prosody};

/// How long an app gets to come to rest after it did something.
const REST: Duration = Duration::from_secs(20);
/// How long it may take to end when it is asked to.
const PATIENCE: Duration = Duration::from_secs(10);

/// What all runs have in common: the servers, and who looks on at each.
pub(crate) struct World {
    prosody: Prosody,
    jabber: Observer,
    mosquitto: Mosquitto,
    watch: Observer,
    _contact: Cli,
}

/// What was measured of an app in one state.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Figures {
    pub(crate) memory: Memory,
    pub(crate) activity: Activity,
    /// From its start to the moment when the other one saw it online.
    pub(crate) start: Duration,
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { memory, activity, start } = self;
        write!(
            f,
            "{} KiB private dirty, {} KiB PSS, {} switches, {:?} of a processor, seen after {start:?}",
            memory.private_dirty, memory.proportional, activity.switches, activity.processor
        )
    }
}

impl World {
    /// Starts the servers. Their authorities are added to `trusted`.
    pub(crate) async fn start(trusted: &Path) -> Self {
        let prosody = Prosody::start(trusted).await;
        let jabber = Observer::Jabber(Jabber::log_in(CONTACT, PASSWORD));
        let setup = Mosquitto::setup().tls().account(PERSON, PASSWORD).account(CONTACT, PASSWORD);
        let mosquitto = setup.start().await;
        let contact = member(&mosquitto, CONTACT);
        let watch = contact.start_by_config(&["watch", "--json"]);
        watch.wait_line(|line| line.contains("\"link\":\"up\""), START).await;
        let watch = Observer::Watch(watch);
        Self { prosody, jabber, mosquitto, watch, _contact: contact }
    }

    fn observer(&self, app: App) -> &Observer {
        if app == App::Porchlight { &self.watch } else { &self.jabber }
    }
}

/// Somebody's config, with an account and TLS as the others have them.
fn member(broker: &Mosquitto, user: &str) -> Cli {
    let (url, certificates) = broker.tls();
    let authority = certificates.authority.display();
    let light = Cli::new(&url, user, "desk");
    light.configured(&format!(
        "user = \"{user}\"\n[broker]\nurl = \"{url}/presence\"\nusername = \"{user}\"\npassword = \"{PASSWORD}\"\n\
         ca = \"{authority}\"\n"
    ))
}

/// Where an app is started, again and again.
struct Desk<'a> {
    app: App,
    observer: &'a Observer,
    light: Option<Cli>,
    // What is on the desktop besides: notifications and both kinds of tray.
    _notifications: Notifications,
    _tray: Tray,
    panel: Proc,
    // Last, so that everybody has gone before it does.
    session: Session,
}

/// Measures an app in each state, on a desktop of its own: its version, and the figures.
pub(crate) async fn measure(
    world: &World,
    app: App,
    idle: Duration,
) -> (String, Vec<(State, Figures)>) {
    let session = Session::start().await;
    let notifications = Notifications::start(&session).await;
    let tray = Tray::start(&session).await;
    let panel = session.spawn("trayer", &["--expand", "false", "--width", "10"]);
    let light = (app == App::Porchlight).then(|| member(&world.mosquitto, PERSON));
    let observer = world.observer(app);
    let version = app.version(&session);
    app.set_up(&session, world.prosody.certificate()).await;
    let desk =
        Desk { app, observer, light, _notifications: notifications, _tray: tray, panel, session };
    // The first start of all makes keys, databases and caches, which no later one does.
    let (first, _) = desk.start(State::Closed).await;
    tokio::time::sleep(REST).await;
    desk.end(first).await;
    let mut measured = Vec::new();
    for state in State::BOTH {
        measured.push((state, desk.measure(state, idle).await));
    }
    (version, measured)
}

impl Desk<'_> {
    async fn measure(&self, state: State, idle: Duration) -> Figures {
        let (app, start) = self.start(state).await;
        tokio::time::sleep(REST).await;
        if state == State::Closed {
            self.close_window().await;
            tokio::time::sleep(REST).await;
        }
        let windows = self.windows();
        assert!(windows.is_empty(), "{} has a window: {windows:?}\n{app}", self.app.name());
        // A program that was just built lies dirty in the page cache, and its pages would be counted.
        rustix::fs::sync();
        let memory = meter::memory(&self.processes());
        let activity = meter::activity(|| self.processes(), idle).await;
        assert!(app.exit().is_none(), "it ended meanwhile: {app}");
        self.end(app).await;
        Figures { memory, activity, start }
    }

    /// Starts the app, and waits until the other one saw it online, and its window, if it is to have one, is there.
    async fn start(&self, state: State) -> (Proc, Duration) {
        self.app.prepare(&self.session, state);
        let since = uptime();
        let app = self.app.start(&self.session, state, self.light.as_ref().map(Cli::config_dir));
        let start = self.observer.saw(true, since).await;
        if state == State::Closed {
            if let Some(mut opener) = self.app.opener(&self.session) {
                Proc::spawn("opener", &mut opener).wait_exit(START).await;
            }
            until(format!("the window of {}\n{app}", self.app.name()), START, || {
                !self.windows().is_empty()
            })
            .await;
        }
        (app, start)
    }

    async fn close_window(&self) {
        for window in self.windows() {
            self.session.close_window(window);
        }
        until(format!("{} to close its window", self.app.name()), START, || {
            self.windows().is_empty()
        })
        .await;
    }

    fn windows(&self) -> Vec<u32> {
        let mut windows = self.session.windows(self.app.window());
        windows.retain(|window| self.session.managed(*window));
        windows
    }

    /// Quits the app, so that the next start is seen as one.
    async fn end(&self, mut app: Proc) {
        let since = uptime();
        app.stop(PATIENCE);
        self.observer.saw(false, since).await;
    }

    /// Everything of the app's: what runs in the session and is not the desktop itself.
    fn processes(&self) -> Vec<u32> {
        let programs = self.session.programs().into_iter().map(|(_, number)| number);
        programs.filter(|number| *number != self.panel.id()).collect()
    }
}
