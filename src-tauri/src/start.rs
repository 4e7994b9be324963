//! How the app comes to have a team: from the config, by starting one here, by joining one, or by looking around.
//!
//! Owns the order of the steps. Deliberately owns no team: whoever asked gets it, or why there is none.

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

/// The team of the config, of a membership or of the flags; `None` where there is none yet.
pub(crate) async fn configured(flags: &Flags) -> Result<Option<Team>, Problem> {
    let resolved = resolve(flags)?;
    // A config of habits alone says neither who nor where.
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

/// A new team, hosted here, with its first member.
pub(crate) async fn here(
    flags: &Flags,
    team: &str,
    name: &str,
    keep: SecretStorage,
) -> Result<Team, Failed> {
    let resolved = resolve(flags)?;
    let name = shown_name(name)?;
    let team = display_text(team, MAX_TEAM_NAME).ok_or_else(|| {
        problem("no_name", "enter a name for the team; the people you invite see it")
    })?;
    can_keep(keep).await?;
    let hub = hosting::start(&resolved, &team).await.map_err(|error| problem("hub", error))?;
    let joined = async {
        let invitation = hosting::for_starter(&hub).await?;
        redeem(&invitation, &name, Some(device::kind())).await.map_err(|error| refused(&error))
    };
    match joined.await {
        Ok(joined) => keep_and_enter(flags, Box::new(joined), keep, Some(hub)).await,
        Err(problem) => {
            hosting::end(hub).await;
            Err(problem.into())
        }
    }
}

/// The link as an invitation.
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

/// The team of a link, which is redeemed.
pub(crate) async fn by_link(
    flags: &Flags,
    link: &str,
    name: &str,
    keep: SecretStorage,
) -> Result<Team, Failed> {
    let invitation = read(link)?;
    let name = shown_name(name)?;
    can_keep(keep).await?;
    let joined = redeem(&invitation, &name, Some(device::kind())).await;
    let joined = joined.map_err(|error| refused(&error))?;
    keep_and_enter(flags, Box::new(joined), keep, None).await
}

/// The team that let this device in, of which nothing is kept yet.
pub(crate) async fn keep_and_enter(
    flags: &Flags,
    joined: Box<Joined>,
    keep: SecretStorage,
    hub: Option<Hub>,
) -> Result<Team, Failed> {
    let resolved = resolve(flags)?;
    if let Err(error) = Membership::keep(&resolved.places.state, &joined, keep).await {
        if let Some(hub) = hub {
            hosting::end(hub).await;
        }
        return Err(Failed { problem: unkept(&error), unkept: Some(joined) });
    }
    let resolved = resolve(flags)?;
    Ok(enter(&resolved, joined.user.clone(), hub).await?)
}

/// Why somebody did not come in, and what is not to be lost over it: an invitation is redeemed once.
#[derive(Debug)]
pub(crate) struct Failed {
    pub(crate) problem: Problem,
    pub(crate) unkept: Option<Box<Joined>>,
}

impl From<Problem> for Failed {
    fn from(problem: Problem) -> Self {
        Self { problem, unkept: None }
    }
}

/// To be known before anything is redeemed. Whoever agreed to a file needs no keyring.
pub(crate) async fn can_keep(keep: SecretStorage) -> Result<(), Problem> {
    match keep {
        SecretStorage::Keyring => {
            membership::ready().await.map_err(|error| unkept(&MembershipError::Keyring(error)))
        }
        SecretStorage::FileAgreed => Ok(()),
    }
}

/// The window says of the file what there is to say.
fn unkept(error: &MembershipError) -> Problem {
    match error {
        MembershipError::Keyring(keyring) => problem(error.code(), keyring),
        other => problem(error.code(), other),
    }
}

pub(crate) fn shown_name(name: &str) -> Result<String, Problem> {
    display_text(name, MAX_NAME).ok_or_else(|| problem("no_name", "enter a name that others see"))
}

/// Begins to be present: in a team that was joined, at a broker that is named, or at a hub for this machine alone.
async fn enter(resolved: &Resolved, user: UserId, hub: Option<Hub>) -> Result<Team, Problem> {
    let (broker, hub) = meeting_place(resolved, hub).await?;
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
        hosting::say_whose(hub, membership, &identity.device, &name);
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

/// The team's hub, the broker that was named, the hub that runs on this machine already, or one of our own.
async fn meeting_place(
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
            hosting::prefer(&mut broker, hub);
        }
        return Ok((broker, hub));
    }
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
    at_hub(hub.addr()).map(|broker| (broker, Some(hub)))
}

fn at_hub(addr: std::net::SocketAddr) -> Result<Broker, Problem> {
    format!("mqtt://{addr}").parse().map_err(|error| problem("hub", error))
}

/// Leaves the team, or takes this device out of it. The agent has said goodbye; the hub, where it is here, still runs.
/// Where that fails, the person is there again as before.
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
                // Whoever starts a team next does not find this one.
                if ends && let Ok(resolved) = resolve(flags) {
                    hosting::forget(&resolved);
                }
            }
            Ok(())
        }
        Err(problem) => Err((problem, again(flags, hub).await)),
    }
}

/// The person again, as the config has it now.
pub(crate) async fn again(flags: &Flags, hub: Option<Hub>) -> Result<Team, Problem> {
    let resolved = resolve(flags)?;
    let user = resolved
        .user
        .clone()
        .ok_or_else(|| problem("no_user", "your id is missing; start Porchlight again"))?;
    enter(&resolved, user, hub).await
}

/// Starts the program that has taken this one's place, as this one was started, with its window.
pub(crate) fn successor() {
    const SHOW: &str = "--show";
    let program = tauri::process::current_binary(&tauri::Env::default());
    // A link that was followed was followed once.
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
