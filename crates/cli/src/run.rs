//! `porchlight run`: this device's presence, without a desktop.

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
use porchlight_core::view::signals::{ExchangeKind, ExchangeStage};
use porchlight_core::view::{ConnectionView, Update};
use porchlight_core::words;
use tokio::time::Sleep;

use crate::args::Run;
use crate::failure::Failure;
use crate::log::Log;
use crate::output;
use crate::service::Manager;
use crate::signals::{Signals, Told};

pub(crate) async fn run(flags: &Flags, args: Run) -> Result<(), Failure> {
    let mut signals = Signals::listen();
    // Asked before an update replaces the file, after which the system only knows the one that was deleted.
    let program = std::env::current_exe();
    let resolved = flags.resolve().map_err(Failure::usage)?;
    let broker = output::broker(&resolved)?;
    let user = resolved.user.clone().ok_or_else(|| {
        Failure::Usage(format!(
            "whose presence? Say who you are with --user, or in {}",
            resolved.places.config_file().display()
        ))
    })?;
    let claim = DeviceLock {
        state: &resolved.places.state,
        user: &user,
        device: resolved.device.clone(),
        broker: &broker,
    };
    let identity = Identity::take(claim, &mut fastrand::Rng::new()).map_err(Failure::usage)?;
    let habits = args.habits(resolved.habits);
    let kind = args.kind.as_deref().and_then(|kind| display_text(kind, MAX_STATUS));
    let kind = kind.unwrap_or_else(|| device::kind().to_owned());
    let watch = porchlight_activity::start(
        porchlight_activity::Settings {
            choice: args.activity.unwrap_or(resolved.source),
            away_after: habits.away_after,
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
        habits,
        preferences: porchlight_agent::preferences::StoredPreferences::ephemeral(),
        identity,
        activity_source: ActivitySource::Watch(watch),
    };
    let part = Part::Holder(Box::new(presence));
    let mut agent = Agent::start(Setup { broker: broker.clone(), part, notices: None })?;
    let host = broker.address().host().to_owned();
    let mut teller =
        Teller { broker: broker.to_string(), log: Log::default(), knocks: VecDeque::new() };
    let mut manager = Manager::of_env();
    manager.status(&format!("connecting to {host}"));
    manager.ready();
    let mut alive = Alive::new(&manager);
    let told = loop {
        tokio::select! {
            told = signals.next() => break told,
            event = agent.events.recv() => match event {
                Some(Event::Show(update)) => {
                    teller.tell(&update);
                    if let Some(link) = &update.link {
                        manager.status(&standing(link, &host));
                    }
                }
                Some(Event::Stopped) | None => return Err(Failure::ended()),
                Some(_) => {}
            },
            // Whoever answers is the loop itself: one that hangs is not alive.
            () = alive.due(&agent.handle) => manager.alive(),
        }
    };
    match told {
        Told::Stop => {
            manager.stopping();
            agent.handle.command(Command::Quit);
            agent.stopped().await;
            Ok(())
        }
        Told::Restart => {
            manager.reloading(clock::monotonic());
            agent.handle.command(Command::Restart);
            agent.stopped().await;
            Err(again(&program?))
        }
    }
}

/// How the connection is, for a service manager's status line.
fn standing(link: &ConnectionView, host: &str) -> String {
    let why = || words::problem(link, words::english, clock::local).unwrap_or_default();
    match link {
        ConnectionView::Up { .. } => format!("online at {host}"),
        ConnectionView::Refused { .. } => format!("refused: {}", why()),
        ConnectionView::Connecting { problem: Some(_), .. } => format!("no connection: {}", why()),
        ConnectionView::Connecting { problem: None, .. } | ConnectionView::Unset => {
            format!("connecting to {host}")
        }
        ConnectionView::Closed => "not connected, as this machine goes to sleep".to_owned(),
    }
}

/// When it is time to tell a service manager that the loop is alive.
struct Alive {
    every: Option<Duration>,
    next: Option<Pin<Box<Sleep>>>,
}

impl Alive {
    fn new(manager: &Manager) -> Self {
        let every = manager.alive_in();
        Self { every, next: every.map(|every| Box::pin(tokio::time::sleep(every))) }
    }

    /// Ends when it is time, and the loop answered; never where nobody wants to know. Cancel-safe.
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

/// Becomes the program that now stands where this one was started from, with the same arguments. Sockets and locks
/// are closed by that (`execve(2)`, close-on-exec). Returns only where it fails.
#[cfg(unix)]
fn again(program: &Path) -> Failure {
    use std::os::unix::process::CommandExt as _;
    let error = std::process::Command::new(program).args(std::env::args_os().skip(1)).exec();
    let what = format!("{} can't be started again", program.display());
    Failure::Other(anyhow::Error::new(error).context(what))
}

#[cfg(not(unix))]
fn again(_: &Path) -> Failure {
    Failure::Other(anyhow::anyhow!("nothing here tells a program to start again"))
}

/// Of so many knocks it is remembered that they were told.
const KNOCKS: usize = 64;

/// Says on standard error what a person at a service's log wants to know, each thing once.
struct Teller {
    broker: String,
    log: Log,
    /// The knocks that were told.
    knocks: VecDeque<String>,
}

impl Teller {
    fn tell(&mut self, update: &Update) {
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
        for knock in exchanges.filter(|exchange| !exchange.mine) {
            let id = format!("{}/{}", knock.with, knock.id);
            let stands = knock.stage == ExchangeStage::Delivered;
            if !stands || knock.kind != ExchangeKind::Knock || self.knocks.contains(&id) {
                continue;
            }
            let text = knock.text.as_deref().unwrap_or("have you got a minute?");
            output::warn(&format!("{} knocks: {text}", knock.name));
            self.knocks.push_back(id);
            if self.knocks.len() > KNOCKS {
                self.knocks.pop_front();
            }
        }
    }
}
