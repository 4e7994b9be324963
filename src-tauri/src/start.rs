//! How presence begins: in the team of the membership, at a broker of the config, or in the demo
//! team.
//!
//! This module keeps no team: the caller gets it, or the reason why there is none. How somebody
//! becomes a member is decided by `porchlight_team` and carried out by `porchlight_membership`.

use std::net::SocketAddr;

use porchlight_agent::agent::{ActivitySource, Agent, Part, Presence, Setup};
use porchlight_agent::broker::Broker;
use porchlight_agent::demo_team::DemoTeam;
use porchlight_agent::device::{self, DeviceLock, Identity};
use porchlight_agent::flags::{Flags, Resolved};
use porchlight_agent::preferences::StoredPreferences;
use porchlight_agent::presence_options::PresenceOptions;
use porchlight_core::id::{DeviceId, UserId};
use porchlight_core::notification::NotificationPolicy;
use porchlight_core::team::{Address, Invitation, InvitationError, MAX_TEAM_NAME};
use porchlight_core::text::{MAX_NAME, display_text};
use porchlight_core::view::{Problem, Stage};
use porchlight_hub::{Access, Hub, HubSettings, HubWarning, Listen, Store};

use crate::deep_link::DeepLink;
use crate::desk::{Demo, Team};
use crate::{activity, hosting};

pub(crate) fn problem(code: &str, error: impl std::fmt::Display) -> Problem {
    Problem { code: code.to_owned(), message: error.to_string() }
}

pub(crate) fn hub_problem(warning: &HubWarning) -> Problem {
    problem(warning.code(), warning)
}

pub(crate) fn resolve(flags: &Flags) -> Result<Resolved, Problem> {
    flags.resolve().map_err(|error| problem("config", error))
}

/// The team of the config, the membership or the flags; `None` if there is none yet.
pub(crate) async fn configured(flags: &Flags, hubs: Hubs) -> Result<Option<Entered>, Problem> {
    let resolved = resolve(flags)?;
    // A config with only other settings names neither a user nor a broker.
    let says_where = resolved.broker.is_some() || resolved.runs_hub;
    if !resolved.configured || !(says_where || resolved.user.is_some()) {
        return Ok(None);
    }
    let Some(user) = resolved.user.clone() else {
        return Err(problem(
            "no_user",
            format!(
                "your id is missing; write it as `user = \"...\"` into {} and start Porchlight again",
                resolved.places.config_file().display()
            ),
        ));
    };
    enter(&resolved, user, hubs).await.map(Some)
}

/// The hubs that this app runs already.
#[derive(Debug, Clone, Default)]
pub(crate) struct Hubs {
    /// The address of the team's hub, if this computer hosts the team.
    pub(crate) team: Option<Address>,
    /// The address of the hub for this machine alone.
    pub(crate) open: Option<SocketAddr>,
}

/// Presence that has begun, and the hub for this machine alone if it was started for it.
#[derive(Debug)]
pub(crate) struct Entered {
    pub(crate) team: Team,
    pub(crate) open_hub: Option<Hub>,
}

/// A name for a new team, as others see it.
pub(crate) fn team_name(team: &str) -> Result<String, Problem> {
    display_text(team, MAX_TEAM_NAME).ok_or_else(|| {
        problem("no_name", "enter a name for the team; the people you invite see it")
    })
}

/// Parses a link as an invitation.
pub(crate) fn read(link: &str) -> Result<Invitation, Problem> {
    link.parse().map_err(|error: InvitationError| {
        let code = match error {
            InvitationError::Other => "no_invitation",
            InvitationError::Newer => "newer_invitation",
            InvitationError::Broken => "broken_invitation",
        };
        problem(code, error)
    })
}

pub(crate) fn shown_name(name: &str) -> Result<String, Problem> {
    display_text(name, MAX_NAME).ok_or_else(|| problem("no_name", "enter a name that others see"))
}

/// Starts presence: in a joined team, at a named broker, or at a hub for this machine alone.
async fn enter(resolved: &Resolved, user: UserId, hubs: Hubs) -> Result<Entered, Problem> {
    let (broker, open_hub) = choose_broker(resolved, hubs).await?;
    let identity = match identity(resolved, &user, &broker) {
        Ok(identity) => identity,
        Err(problem) => {
            if let Some(hub) = open_hub {
                hosting::end(hub).await;
            }
            return Err(problem);
        }
    };
    let name = resolved.shown_name(&user);
    let device = identity.device.clone();
    let watch = activity::open(resolved.activity()).await;
    let presence = Presence {
        name: name.clone(),
        user,
        links: resolved.links.clone(),
        kind: Some(device::kind().to_owned()),
        habits: resolved.habits,
        preferences: StoredPreferences::read(&resolved.places),
        identity,
        activity_source: ActivitySource::Watch(watch),
    };
    let part = Part::Holder(Box::new(presence));
    let agent = Agent::start(Setup { broker, part, notices: Some(resolved.notices) })
        .map_err(|error| problem("tls", error))?;
    let membership = resolved.membership.clone();
    let team = Team { stage: Stage::Running, agent, device, name, membership, demo: None };
    Ok(Entered { team, open_hub })
}

fn identity(resolved: &Resolved, user: &UserId, broker: &Broker) -> Result<Identity, Problem> {
    let device = resolved.device.clone();
    let claim = DeviceLock { state: &resolved.places.state, user, device, broker };
    Identity::take(claim, &mut fastrand::Rng::new())
        .map_err(|error| problem("already_running", error))
}

/// The broker: the team's hub, the named one, a hub that already runs here, or a new one, which is
/// then returned too.
async fn choose_broker(resolved: &Resolved, hubs: Hubs) -> Result<(Broker, Option<Hub>), Problem> {
    if let Some(membership) = &resolved.membership {
        let mut broker = membership.broker();
        if let Some(own) = hubs.team {
            broker.prefer(own);
        }
        return Ok((broker, None));
    }
    if let Some(broker) = &resolved.broker {
        return Ok((broker.clone(), None));
    }
    if let Some(addr) = hubs.open {
        return hub_broker(addr).map(|broker| (broker, None));
    }
    let runtime_file = resolved.places.hub_file();
    let reading = runtime_file.clone();
    // It may take half a second, and the thread may serve a hub.
    let running = tokio::task::spawn_blocking(move || porchlight_hub::read_runtime_file(&reading));
    if let Some(addr) = running.await.ok().flatten() {
        return hub_broker(addr).map(|broker| (broker, None));
    }
    if !resolved.runs_hub {
        return Err(problem(
            "no_broker",
            format!(
                "the address of your broker is missing; write it as `url = \"mqtt://host:port\"` below [broker] into {}",
                resolved.places.config_file().display()
            ),
        ));
    }
    let hub = Hub::start(HubSettings {
        listen: Listen::Default,
        store: Store::Folder(resolved.places.hub_store()),
        runtime_file: Some(runtime_file),
        access: Access::Open { allow_anonymous: false },
    })
    .await
    .map_err(|error| problem("hub", error))?;
    hub_broker(hub.addr()).map(|broker| (broker, Some(hub)))
}

fn hub_broker(addr: std::net::SocketAddr) -> Result<Broker, Problem> {
    format!("mqtt://{addr}").parse().map_err(|error| problem("hub", error))
}

/// Starts presence again, with the present config.
pub(crate) async fn again(flags: &Flags, hubs: Hubs) -> Result<Entered, Problem> {
    let resolved = resolve(flags)?;
    let user = resolved
        .user
        .clone()
        .ok_or_else(|| problem("no_user", "your id is missing; start Porchlight again"))?;
    enter(&resolved, user, hubs).await
}

/// Starts the new version of the program with the same arguments, and shows its window.
pub(crate) fn launch_new_version() {
    const SHOW: &str = "--show";
    let program = tauri::process::current_binary(&tauri::Env::default());
    // A link must not be followed twice.
    let is_link = |argument: &std::ffi::OsString| {
        argument.to_str().is_some_and(|argument| DeepLink::parse(argument).is_ok())
    };
    let mut arguments: Vec<_> =
        std::env::args_os().skip(1).filter(|argument| !is_link(argument)).collect();
    if !arguments.iter().any(|argument| argument == SHOW) {
        arguments.push(SHOW.into());
    }
    let started =
        program.and_then(|program| std::process::Command::new(program).args(arguments).spawn());
    if let Err(error) = started {
        tracing::error!("the new version was not started ({error}); start Porchlight again");
    }
}

/// Starts the demo team: a hub in memory, eight simulated teammates, and nothing stored.
pub(crate) async fn look_around() -> Result<Entered, Problem> {
    const ANY_PORT: std::net::SocketAddr =
        std::net::SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 0);
    let hub = Hub::start(HubSettings {
        listen: Listen::Exactly(ANY_PORT),
        store: Store::Memory,
        runtime_file: None,
        access: Access::Open { allow_anonymous: false },
    })
    .await
    .map_err(|error| problem("hub", error))?;
    let broker = hub_broker(hub.addr())?;
    let habits = PresenceOptions::default();
    let settings = porchlight_activity::Settings {
        away_after: habits.away_after,
        ..porchlight_activity::Settings::default()
    };
    let watch = activity::open(settings).await;
    let mut rng = fastrand::Rng::new();
    let device = DeviceId::random(&mut rng);
    let name = crate::account::suggested_name().unwrap_or_else(|| "You".to_owned());
    let presence = Presence {
        user: UserId::parse("you").map_err(|error| problem("demo", error))?,
        name: name.clone(),
        links: Vec::new(),
        kind: Some(device::kind().to_owned()),
        habits,
        preferences: StoredPreferences::ephemeral(),
        identity: Identity::ephemeral(device.clone(), &mut rng),
        activity_source: ActivitySource::Watch(watch),
    };
    let part = Part::Holder(Box::new(presence));
    let agent = Agent::start(Setup {
        broker: broker.clone(),
        part,
        notices: Some(NotificationPolicy::default()),
    })
    .map_err(|error| problem("demo", error))?;
    let demo = Some(Demo { teammates: DemoTeam::come(&broker), hub });
    let stage = Stage::LookingAround;
    let team = Team { stage, agent, device, name, membership: None, demo };
    Ok(Entered { team, open_hub: None })
}
