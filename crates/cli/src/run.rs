//! `porchlight run`: shows this device to the team, without the desktop app.

use std::collections::VecDeque;
use std::path::Path;
use std::pin::Pin;
use std::time::Duration;

use porchlight_activity::SessionEnv;
use porchlight_agent::agent::{ActivitySource, Agent, Event, Handle, Part, Presence, Setup};
use porchlight_agent::clock;
use porchlight_agent::device::{self, DeviceLock, Identity};
use porchlight_agent::flags::Flags;
use porchlight_core::input::Command;
use porchlight_core::text::{MAX_STATUS, display_text};
use porchlight_core::view::signals::{ExchangeKind, ExchangeStage, ExchangeView};
use porchlight_core::view::{ConnectionView, Update};
use porchlight_core::words;
use tokio::time::Sleep;

use crate::args::Run;
use crate::failure::Failure;
use crate::log::Log;
use crate::output;
use crate::service::ServiceManager;
use crate::signals::{Request, Signals};

pub(crate) async fn run(flags: &Flags, args: Run) -> Result<(), Failure> {
    let mut signals = Signals::listen();
    // An update may replace the file later, and then the system only knows the deleted one.
    let program = std::env::current_exe();
    let resolved = flags.resolve().map_err(Failure::usage)?;
    let broker = output::broker(&resolved)?;
    let user = output::own_user(&resolved)?;
    let lock = DeviceLock {
        state: &resolved.places.state,
        user: &user,
        device: resolved.device.clone(),
        broker: &broker,
    };
    let identity = Identity::take(lock, &mut fastrand::Rng::new()).map_err(Failure::usage)?;
    let options = args.presence_options(resolved.habits);
    let kind = args.kind.as_deref().and_then(|kind| display_text(kind, MAX_STATUS));
    let kind = kind.unwrap_or_else(|| device::kind().to_owned());
    let watch = porchlight_activity::start(
        porchlight_activity::Settings {
            choice: args.activity.unwrap_or(resolved.source),
            away_after: options.away_after,
            ..resolved.activity()
        },
        &SessionEnv::from_env(),
    )
    .await;
    let presence = Presence {
        name: resolved.shown_name(&user),
        user,
        links: resolved.links.clone(),
        kind: Some(kind),
        habits: options,
        preferences: porchlight_agent::preferences::StoredPreferences::ephemeral(),
        identity,
        activity_source: ActivitySource::Watch(watch),
    };
    let part = Part::Holder(Box::new(presence));
    let mut agent = Agent::start(Setup { broker: broker.clone(), part, notices: None })?;
    let host = broker.address().host().to_owned();
    let mut reporter = Reporter::new(broker.to_string());
    let mut manager = ServiceManager::from_env();
    manager.status(&format!("connecting to {host}"));
    manager.ready();
    let mut watchdog = Watchdog::new(&manager);
    let request = loop {
        tokio::select! {
            request = signals.next() => break request,
            event = agent.events.recv() => match event {
                Some(Event::Show(update)) => {
                    reporter.report(&update);
                    if let Some(link) = &update.link {
                        manager.status(&connection_status(link, &host));
                    }
                }
                Some(Event::Stopped) | None => return Err(Failure::agent_stopped()),
                Some(_) => {}
            },
            () = watchdog.due(&agent.handle) => manager.alive(),
        }
    };
    match request {
        Request::Stop => {
            manager.stopping();
            agent.handle.command(Command::Quit);
            agent.stopped().await;
            Ok(())
        }
        Request::Restart => {
            manager.reloading(clock::monotonic());
            agent.handle.command(Command::Restart);
            agent.stopped().await;
            Err(restart(&program?))
        }
    }
}

/// The connection as a few words, for the status line of a service manager.
fn connection_status(connection: &ConnectionView, host: &str) -> String {
    let why = || words::problem(connection, words::english, clock::local).unwrap_or_default();
    match connection {
        ConnectionView::Up { .. } => format!("online at {host}"),
        ConnectionView::Refused { .. } => format!("refused: {}", why()),
        ConnectionView::Connecting { problem: Some(_), .. } => format!("no connection: {}", why()),
        ConnectionView::Connecting { problem: None, .. } | ConnectionView::Unset => {
            format!("connecting to {host}")
        }
        ConnectionView::Closed => "not connected, because this computer goes to sleep".to_owned(),
    }
}

/// The timer of a service manager's watchdog.
struct Watchdog {
    every: Option<Duration>,
    next: Option<Pin<Box<Sleep>>>,
}

impl Watchdog {
    fn new(manager: &ServiceManager) -> Self {
        let every = manager.watchdog_interval();
        Self { every, next: every.map(|every| Box::pin(tokio::time::sleep(every))) }
    }

    /// Waits until it is time to report that we are alive. Never ends without a watchdog, or if the agent does not
    /// answer: then the service manager restarts us. Cancel-safe.
    async fn due(&mut self, agent: &Handle) {
        let (Some(every), Some(next)) = (self.every, &mut self.next) else {
            return std::future::pending().await;
        };
        next.as_mut().await;
        if agent.health().await.is_err() {
            return std::future::pending().await;
        }
        *next = Box::pin(tokio::time::sleep(every));
    }
}

/// Replaces this process by the program that is now at its path, with the same arguments (`execve(2)`). That closes
/// sockets and locks. Returns only if it fails.
#[cfg(unix)]
fn restart(program: &Path) -> Failure {
    use std::os::unix::process::CommandExt as _;
    let error = std::process::Command::new(program).args(std::env::args_os().skip(1)).exec();
    let what = format!("{} can't be started again; start it by hand", program.display());
    Failure::Other(anyhow::Error::new(error).context(what))
}

#[cfg(not(unix))]
fn restart(_: &Path) -> Failure {
    Failure::Other(anyhow::anyhow!("this system has no signal that restarts a program"))
}

/// How many knocks and waves are remembered, so that none is printed twice.
const REMEMBERED: usize = 64;

/// Prints on standard error what happens to the connection, and knocks and waves. Each thing is printed once.
struct Reporter {
    broker: String,
    log: Log,
    /// The knocks and waves that were printed: their id, and how many waves.
    printed: VecDeque<(String, u32)>,
}

impl Reporter {
    fn new(broker: String) -> Self {
        Self { broker, log: Log::default(), printed: VecDeque::new() }
    }

    fn report(&mut self, update: &Update) {
        let now = clock::now().mono;
        match &update.link {
            Some(ConnectionView::Up { .. }) if self.log.connected(now) => {
                output::warn(&format!("connected to {}", self.broker));
            }
            Some(link @ ConnectionView::Connecting { problem: Some(problem), .. })
                if self.log.not_connected(&problem.code, now) =>
            {
                let why = words::problem(link, words::english, clock::local);
                output::warn(&format!("connecting: {}", why.unwrap_or_default()));
            }
            Some(ConnectionView::Connecting { problem: None, .. }) if self.log.connecting() => {
                output::warn(&format!("connecting to {}", self.broker));
            }
            Some(ConnectionView::Refused { problem, .. })
                if self.log.not_connected(&problem.code, now) =>
            {
                output::warn(&problem.message);
            }
            _ => {}
        }
        if let Some(problems) = &update.problems {
            for problem in self.log.problems(problems, now) {
                output::warn(&problem.message);
            }
        }
        let exchanges = update.signals.iter().flat_map(|signals| &signals.exchanges);
        for signal in exchanges.filter(|exchange| !exchange.mine) {
            self.report_signal(signal);
        }
    }

    /// Prints a knock or wave of somebody else's.
    fn report_signal(&mut self, signal: &ExchangeView) {
        let id = format!("{}/{}", signal.with, signal.id);
        let before = self.printed.iter_mut().find(|(printed, _)| *printed == id);
        if before.as_ref().is_some_and(|(_, count)| *count >= signal.count) {
            return;
        }
        let text = signal.text.as_deref();
        match signal.kind {
            // A knock that was answered or withdrawn meanwhile needs no line.
            ExchangeKind::Knock if signal.stage != ExchangeStage::Delivered => return,
            ExchangeKind::Knock => output::warn(&format!(
                "{} knocks: {}",
                signal.name,
                text.unwrap_or("have you got a minute?")
            )),
            ExchangeKind::Wave => {
                output::warn(&format!("{} waves {}", signal.name, text.unwrap_or("👋")));
            }
        }
        match before {
            // Waves within a moment are one signal with a higher count.
            Some((_, count)) => *count = signal.count,
            None => self.printed.push_back((id, signal.count)),
        }
        if self.printed.len() > REMEMBERED {
            self.printed.pop_front();
        }
    }
}
