//! The team's hub on this computer: started with a new team, with the app of whoever hosts one, or moved here.

use std::net::{IpAddr, Ipv4Addr};

use porchlight_agent::broker::Broker;
use porchlight_agent::flags::Resolved;
use porchlight_agent::membership::Membership;
use porchlight_agent::team::Team;
use porchlight_core::id::{DeviceId, Root};
use porchlight_core::team::{Address, Host, Invitation};
use porchlight_core::view::Problem;
use porchlight_hub::{Access, Hub, HubError, HubSettings, Listen, Store, TeamSettings};

use crate::start::problem;
use crate::team::refused;

/// Starts the hub of the team in this account's store, or of a new one of that name.
pub(crate) async fn start(resolved: &Resolved, name: &str) -> Result<Hub, HubError> {
    let team = TeamSettings {
        name: name.to_owned(),
        root: Root::default(),
        host: None,
        listen: resolved.hub_listen.map_or(Listen::Default, Listen::Exactly),
        announce: resolved.announces_hub,
        origins: resolved.hub_origins.clone(),
    };
    Hub::start(HubSettings {
        listen: Listen::Default,
        store: Store::Folder(resolved.places.team_store()),
        runtime_file: Some(resolved.places.hub_file()),
        access: Access::Team(team),
    })
    .await
}

/// The hub of a team that was joined, where this account hosts it and no other program does already.
pub(crate) async fn resume(
    resolved: &Resolved,
    membership: &Membership,
) -> Result<Option<Hub>, Problem> {
    if !porchlight_hub::has_team(&resolved.places.team_store()) {
        return Ok(None);
    }
    match start(resolved, membership.team()).await {
        Ok(hub) => Ok(Some(hub)),
        Err(HubError::TeamInUse { .. } | HubError::TeamMoved { .. }) => Ok(None),
        Err(error) => Err(problem("hub", error)),
    }
}

/// By which address this computer itself reaches its hub, whatever network it is on.
fn loopback(hub: &Hub) -> Option<Address> {
    let addr = hub.team_addr()?;
    let ip = match addr.ip() {
        ip if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        ip => ip,
    };
    Address::new(&ip.to_string(), addr.port()).ok()
}

/// The link by which whoever started the team is its first member.
pub(crate) async fn for_starter(hub: &Hub) -> Result<Invitation, Problem> {
    let made = hub.invite_owner().await.map_err(|error| problem("not_saved", error))?;
    let mut invitation =
        made.ok_or_else(|| problem("hub", "the hub on this computer has no team"))?;
    if let Some(own) = loopback(hub) {
        invitation.at.retain(|at| *at != own);
        invitation.at.insert(0, own);
    }
    Ok(invitation)
}

/// Tries the hub on this computer first where it is reached from here.
pub(crate) fn prefer(broker: &mut Broker, hub: &Hub) {
    if let Some(own) = loopback(hub) {
        broker.prefer(own);
    }
}

/// Lets the others know whose computer the hub is on.
pub(crate) fn say_whose(hub: &Hub, membership: &Membership, device: &DeviceId, name: &str) {
    hub.set_host(Some(Host {
        user: Some(membership.user().clone()),
        device: Some(device.clone()),
        name: name.to_owned(),
    }));
}

/// Moves the team's hub to this computer. Where it fails, it stays where it is.
pub(crate) async fn move_here(
    resolved: &Resolved,
    membership: &Membership,
) -> Result<Hub, Problem> {
    let team = Team::of(membership).await.map_err(|error| refused(&error))?;
    let whole = team.hand_over().await.map_err(|error| refused(&error))?;
    let store = resolved.places.team_store();
    // Where it came from is told of where it can't be read.
    porchlight_hub::restore_bytes(&store, &whole, "the team's hub".as_ref())
        .map_err(|error| problem("move", error))?;
    let hub = match start(resolved, membership.team()).await {
        Ok(hub) => hub,
        Err(error) => {
            forget(resolved);
            return Err(problem("hub", error));
        }
    };
    match team.moved_to(&hub.addresses()).await {
        Ok(last) => {
            // What was not heard is what was said while it moved; whoever said it is connected now and says it again.
            if let Err(error) = hub.import_records(&last).await {
                tracing::warn!("what stood at the old hub at the end can't be read: {error}");
            }
            Ok(hub)
        }
        Err(error) => {
            // Two hubs of one team would be worse than none here.
            end(hub).await;
            forget(resolved);
            Err(refused(&error))
        }
    }
}

/// Forgets the team that this account hosted: nobody is in it any more, or it is hosted elsewhere.
pub(crate) fn forget(resolved: &Resolved) {
    let store = resolved.places.team_store();
    if let Err(error) = std::fs::remove_dir_all(&store)
        && error.kind() != std::io::ErrorKind::NotFound
    {
        tracing::warn!("{} can't be removed: {error}", store.display());
    }
}

pub(crate) async fn end(hub: Hub) {
    if let Err(error) = hub.stop().await {
        tracing::error!("{error}");
    }
}
