//! How the app comes to have a team: from the config, by starting one here, or by looking around.

use porchlight_agent::agent::{Agent, Eyes, Part, Presence, Setup};
use porchlight_agent::broker::Broker;
use porchlight_agent::config;
use porchlight_agent::device::{self, Claim, Identity};
use porchlight_agent::flags::{Flags, Resolved};
use porchlight_agent::habits::Habits;
use porchlight_agent::teammates::Teammates;
use porchlight_core::id::{DeviceId, UserId};
use porchlight_core::text::{MAX_NAME, display_text};
use porchlight_core::view::{Problem, Stage};
use porchlight_hub::{Access, Hub, HubSettings, HubWarning, Listen, Store};

use crate::desk::Team;
use crate::eyes;

fn problem(code: &str, error: impl std::fmt::Display) -> Problem {
    Problem { code: code.to_owned(), message: error.to_string() }
}

pub(crate) fn hub_problem(warning: &HubWarning) -> Problem {
    problem(warning.code(), warning)
}

/// The team of the config and the flags; `None` where nothing is configured yet.
pub(crate) async fn configured(flags: &Flags) -> Result<Option<Team>, Problem> {
    let resolved = flags.resolve().map_err(|error| problem("config", error))?;
    if !resolved.configured {
        return Ok(None);
    }
    let Some(user) = resolved.user.clone() else {
        return Err(problem(
            "no_user",
            format!(
                "who are you? Write your id as `user = \"...\"` into {}",
                resolved.places.config_file().display()
            ),
        ));
    };
    join(&resolved, user).await.map(Some)
}

/// The first member of a team with a hub on this machine. It is written to the config.
pub(crate) async fn here(flags: &Flags, name: &str) -> Result<Team, Problem> {
    let resolved = flags.resolve().map_err(|error| problem("config", error))?;
    let name = display_text(name, MAX_NAME)
        .ok_or_else(|| problem("no_name", "write the name that others shall see"))?;
    let user = resolved
        .user
        .clone()
        .or_else(|| config::user_for(&name))
        .ok_or_else(|| problem("no_name", "write a name with a letter or a digit in it"))?;
    config::write_first(&resolved.places.config_file(), &user, &name)
        .map_err(|error| problem("config", error))?;
    let resolved = flags.resolve().map_err(|error| problem("config", error))?;
    join(&resolved, user).await
}

async fn join(resolved: &Resolved, user: UserId) -> Result<Team, Problem> {
    let (broker, hub) = meeting_place(resolved).await?;
    let claim = Claim {
        state: &resolved.places.state,
        user: &user,
        device: resolved.device.clone(),
        broker: &broker,
    };
    let identity = Identity::take(claim, &mut fastrand::Rng::new())
        .map_err(|error| problem("already_running", error))?;
    let watch = eyes::open(resolved.activity()).await;
    let presence = Presence {
        name: resolved.shown_name(&user),
        user,
        kind: Some(device::kind().to_owned()),
        habits: resolved.habits,
        identity,
        eyes: Eyes::Watch(watch),
    };
    let part = Part::Holder(Box::new(presence));
    let agent = Agent::start(Setup { broker, part, notices: resolved.notices })
        .map_err(|error| problem("tls", error))?;
    Ok(Team { stage: Stage::Running, agent, hub, teammates: None })
}

/// The broker that was named, the hub that runs on this machine already, or one of our own.
async fn meeting_place(resolved: &Resolved) -> Result<(Broker, Option<Hub>), Problem> {
    if let Some(broker) = &resolved.broker {
        return Ok((broker.clone(), None));
    }
    let runtime_file = resolved.places.hub_file();
    if let Some(addr) = porchlight_hub::read_runtime_file(&runtime_file) {
        return at_hub(addr).map(|broker| (broker, None));
    }
    if !resolved.runs_hub {
        return Err(problem(
            "no_broker",
            format!(
                "where does your team meet? Write `url = \"mqtt://host:port\"` below [broker] into {}",
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
    at_hub(hub.addr()).map(|broker| (broker, Some(hub)))
}

fn at_hub(addr: std::net::SocketAddr) -> Result<Broker, Problem> {
    format!("mqtt://{addr}").parse().map_err(|error| problem("hub", error))
}

/// The demo team: a hub in memory, eight simulated teammates, and nothing kept.
pub(crate) async fn look_around() -> Result<Team, Problem> {
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
    let broker = at_hub(hub.addr())?;
    let habits = Habits::default();
    let settings = porchlight_activity::Settings {
        away_after: habits.away_after,
        ..porchlight_activity::Settings::default()
    };
    let watch = eyes::open(settings).await;
    let mut rng = fastrand::Rng::new();
    let name = crate::account::suggested_name().unwrap_or_else(|| "You".to_owned());
    let presence = Presence {
        user: UserId::parse("you").map_err(|error| problem("demo", error))?,
        name,
        kind: Some(device::kind().to_owned()),
        habits,
        identity: Identity::fleeting(DeviceId::random(&mut rng), &mut rng),
        eyes: Eyes::Watch(watch),
    };
    let part = Part::Holder(Box::new(presence));
    let agent = Agent::start(Setup { broker: broker.clone(), part, notices: true })
        .map_err(|error| problem("demo", error))?;
    let teammates = Some(Teammates::come(&broker));
    Ok(Team { stage: Stage::LookingAround, agent, hub: Some(hub), teammates })
}
