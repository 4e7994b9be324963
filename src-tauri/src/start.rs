//! How the app gets a team: from the config, by starting one here, by joining one, or by looking
//! around.
//!
//! This module decides the order of the steps. It keeps no team: the caller gets it, or the reason
//! why there is none.

use porchlight_agent::agent::{ActivitySource, Agent, Part, Presence, Setup};
use porchlight_agent::broker::Broker;
use porchlight_agent::demo_team::DemoTeam;
use porchlight_agent::device::{self, DeviceLock, Identity};
use porchlight_agent::flags::{Flags, Resolved};
use porchlight_agent::leave_team::{self, Leave};
use porchlight_agent::membership::{self, Membership, MembershipError, SecretStorage};
use porchlight_agent::preferences::StoredPreferences;
use porchlight_agent::presence_options::PresenceOptions;
use porchlight_agent::team::join as redeem;
use porchlight_core::id::{DeviceId, UserId};
use porchlight_core::notification::NotificationPolicy;
use porchlight_core::team::{Invitation, InvitationError, Joined, MAX_TEAM_NAME};
use porchlight_core::text::{MAX_NAME, display_text};
use porchlight_core::view::{Problem, Stage};
use porchlight_hub::{Access, Hub, HubSettings, HubWarning, Listen, Store};

use crate::deep_link::DeepLink;
use crate::desk::Team;
use crate::team::refused;
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
pub(crate) async fn configured(flags: &Flags) -> Result<Option<Team>, Problem> {
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
    enter(&resolved, user, None).await.map(Some)
}

/// Starts a new team that is hosted here, with its first member.
pub(crate) async fn here(
    flags: &Flags,
    team: &str,
    name: &str,
    keep: SecretStorage,
) -> Result<Team, EnterError> {
    let resolved = resolve(flags)?;
    let name = shown_name(name)?;
    let team = display_text(team, MAX_TEAM_NAME).ok_or_else(|| {
        problem("no_name", "enter a name for the team; the people you invite see it")
    })?;
    can_keep(keep).await?;
    let hub = hosting::start(&resolved, &team).await.map_err(|error| problem("hub", error))?;
    let joined = async {
        let invitation = hosting::owner_invitation(&hub).await?;
        redeem(&invitation, &name, Some(device::kind()), &resolved.proxy)
            .await
            .map_err(|error| refused(&error))
    };
    match joined.await {
        Ok(joined) => keep_and_enter(flags, Box::new(joined), keep, Some(hub)).await,
        Err(problem) => {
            hosting::end(hub).await;
            Err(problem.into())
        }
    }
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

/// Redeems a link and enters its team.
pub(crate) async fn join(
    flags: &Flags,
    link: &str,
    name: &str,
    keep: SecretStorage,
) -> Result<Team, EnterError> {
    let invitation = read(link)?;
    let name = shown_name(name)?;
    can_keep(keep).await?;
    let proxy = resolve(flags)?.proxy;
    let joined = redeem(&invitation, &name, Some(device::kind()), &proxy).await;
    let joined = joined.map_err(|error| refused(&error))?;
    keep_and_enter(flags, Box::new(joined), keep, None).await
}

/// Stores the membership that a hub granted, and enters the team.
pub(crate) async fn keep_and_enter(
    flags: &Flags,
    joined: Box<Joined>,
    keep: SecretStorage,
    hub: Option<Hub>,
) -> Result<Team, EnterError> {
    let resolved = resolve(flags)?;
    if let Err(error) = Membership::keep(&resolved.places.state, &joined, keep).await {
        if let Some(hub) = hub {
            hosting::end(hub).await;
        }
        return Err(EnterError { problem: storage_problem(&error), unstored: Some(joined) });
    }
    let resolved = resolve(flags)?;
    Ok(enter(&resolved, joined.user.clone(), hub).await?)
}

/// Why somebody could not enter a team. If the hub granted a membership that could not be stored,
/// it is kept here, because an invitation is redeemed only once.
#[derive(Debug)]
pub(crate) struct EnterError {
    pub(crate) problem: Problem,
    pub(crate) unstored: Option<Box<Joined>>,
}

impl From<Problem> for EnterError {
    fn from(problem: Problem) -> Self {
        Self { problem, unstored: None }
    }
}

/// Checks the storage before an invitation is redeemed. A person who agreed to a file needs no
/// keyring.
pub(crate) async fn can_keep(keep: SecretStorage) -> Result<(), Problem> {
    match keep {
        SecretStorage::Keyring => membership::ready()
            .await
            .map_err(|error| storage_problem(&MembershipError::Keyring(error))),
        SecretStorage::FileAgreed => Ok(()),
    }
}

/// Omits the advice about the file, which the window gives itself.
fn storage_problem(error: &MembershipError) -> Problem {
    match error {
        MembershipError::Keyring(keyring) => problem(error.code(), keyring),
        other => problem(error.code(), other),
    }
}

pub(crate) fn shown_name(name: &str) -> Result<String, Problem> {
    display_text(name, MAX_NAME).ok_or_else(|| problem("no_name", "enter a name that others see"))
}

/// Starts presence: in a joined team, at a named broker, or at a hub for this machine alone.
async fn enter(resolved: &Resolved, user: UserId, hub: Option<Hub>) -> Result<Team, Problem> {
    let (broker, hub) = choose_broker(resolved, hub).await?;
    let identity = match identity(resolved, &user, &broker) {
        Ok(identity) => identity,
        Err(problem) => {
            if let Some(hub) = hub {
                hosting::end(hub).await;
            }
            return Err(problem);
        }
    };
    let name = resolved.shown_name(&user);
    if let (Some(hub), Some(membership)) = (&hub, &resolved.membership) {
        hosting::publish_host(hub, membership, &identity.device, &name);
    }
    let device = identity.device.clone();
    let watch = activity::open(resolved.activity()).await;
    let presence = Presence {
        name,
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
    Ok(Team { stage: Stage::Running, agent, device, hub, membership, teammates: None })
}

fn identity(resolved: &Resolved, user: &UserId, broker: &Broker) -> Result<Identity, Problem> {
    let device = resolved.device.clone();
    let claim = DeviceLock { state: &resolved.places.state, user, device, broker };
    Identity::take(claim, &mut fastrand::Rng::new())
        .map_err(|error| problem("already_running", error))
}

/// The broker: the team's hub, the named one, a hub that already runs here, or a new one.
async fn choose_broker(
    resolved: &Resolved,
    hub: Option<Hub>,
) -> Result<(Broker, Option<Hub>), Problem> {
    if let Some(membership) = &resolved.membership {
        let hub = match hub {
            Some(hub) => Some(hub),
            None => hosting::resume(resolved, membership).await?,
        };
        let mut broker = membership.broker();
        if let Some(hub) = &hub {
            hosting::prefer_loopback(&mut broker, hub);
        }
        return Ok((broker, hub));
    }
    if let Some(broker) = &resolved.broker {
        return Ok((broker.clone(), None));
    }
    let runtime_file = resolved.places.hub_file();
    if let Some(addr) = porchlight_hub::read_runtime_file(&runtime_file) {
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

/// Leaves the team, or removes this device from it. The agent has already published its goodbye; a
/// hub in this app still runs. If leaving fails, the person is present again as before.
pub(crate) async fn leave(
    flags: &Flags,
    membership: Membership,
    leave: Leave,
    hub: Option<Hub>,
) -> Result<(), (Problem, Result<Team, Problem>)> {
    let left = async {
        let resolved = resolve(flags)?;
        let identity = identity(&resolved, membership.user(), &membership.broker())?;
        leave_team::team(membership, identity, leave, false)
            .await
            .map_err(|error| problem(error.code(), &error))
    };
    match left.await {
        Ok(()) => {
            if let Some(hub) = hub {
                let ends = !hub.has_owner();
                hosting::end(hub).await;
                // The next team that is started here must not find this one.
                if ends && let Ok(resolved) = resolve(flags) {
                    hosting::forget(&resolved);
                }
            }
            Ok(())
        }
        Err(problem) => Err((problem, again(flags, hub).await)),
    }
}

/// Starts presence again, with the present config.
pub(crate) async fn again(flags: &Flags, hub: Option<Hub>) -> Result<Team, Problem> {
    let resolved = resolve(flags)?;
    let user = resolved
        .user
        .clone()
        .ok_or_else(|| problem("no_user", "your id is missing; start Porchlight again"))?;
    enter(&resolved, user, hub).await
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
        name,
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
    let teammates = Some(DemoTeam::come(&broker));
    let hub = Some(hub);
    Ok(Team { stage: Stage::LookingAround, agent, device, hub, membership: None, teammates })
}
