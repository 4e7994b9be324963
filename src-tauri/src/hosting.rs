//! The team's hub on this computer: started for a new team, resumed, or moved here.

use std::net::{IpAddr, Ipv4Addr};

use porchlight_agent::broker::Broker;
use porchlight_agent::flags::Resolved;
use porchlight_agent::membership::Membership;
use porchlight_agent::team::Team;
use porchlight_core::id::{DeviceId, Root};
use porchlight_core::team::{Address, Host, Invitation};
use porchlight_core::view::Problem;
use porchlight_hub::{
    Access, Hub, HubError, HubSettings, Listen, PublicSettings, Store, TeamSettings,
};

use crate::start::problem;
use crate::team::refused;

/// Starts the hub of the team in this account's store, or of a new team with this name.
pub(crate) async fn start(resolved: &Resolved, name: &str) -> Result<Hub, HubError> {
    let hub = &resolved.hub;
    let team = TeamSettings {
        name: name.to_owned(),
        root: Root::default(),
        host: None,
        listen: hub.listen.map_or(Listen::Default, Listen::Exactly),
        at: hub.at.clone(),
        public: hub.public.map(|listen| PublicSettings {
            listen,
            certificate: hub.certificate.clone(),
            key: hub.key.clone(),
            trusted_proxies: hub.trusted_proxies.clone(),
        }),
        announce: hub.announce,
        origins: hub.origins.clone(),
    };
    Hub::start(HubSettings {
        listen: Listen::Default,
        store: Store::Folder(resolved.places.team_store()),
        runtime_file: Some(resolved.places.hub_file()),
        access: Access::Team(Box::new(team)),
    })
    .await
}

/// Starts the hub of a joined team, if this account hosts it and no other program runs it already.
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

/// The address at which this computer reaches its own hub, whatever network it is on.
fn loopback(hub: &Hub) -> Option<Address> {
    let addr = hub.team_addr()?;
    let ip = match addr.ip() {
        ip if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        ip => ip,
    };
    Address::new(&ip.to_string(), addr.port()).ok()
}

/// The invitation for the owner, who becomes the team's first member.
pub(crate) async fn owner_invitation(hub: &Hub) -> Result<Invitation, Problem> {
    let made = hub.invite_owner().await.map_err(|error| problem("not_saved", error))?;
    let mut invitation =
        made.ok_or_else(|| problem("hub", "the hub on this computer has no team"))?;
    if let Some(own) = loopback(hub) {
        invitation.at.retain(|at| *at != own);
        invitation.at.insert(0, own);
    }
    Ok(invitation)
}

/// Makes the broker try the hub on this computer first.
pub(crate) fn prefer_loopback(broker: &mut Broker, hub: &Hub) {
    if let Some(own) = loopback(hub) {
        broker.prefer(own);
    }
}

/// Publishes whose computer the hub runs on.
pub(crate) fn publish_host(hub: &Hub, membership: &Membership, device: &DeviceId, name: &str) {
    hub.set_host(Some(Host {
        user: Some(membership.user().clone()),
        device: Some(device.clone()),
        name: name.to_owned(),
    }));
}

/// Moves the team's hub to this computer. If that fails, the hub stays where it is.
pub(crate) async fn move_here(
    resolved: &Resolved,
    membership: &Membership,
) -> Result<Hub, Problem> {
    let team = Team::of(membership).await.map_err(|error| refused(&error))?;
    let whole = team.hand_over().await.map_err(|error| refused(&error))?;
    let store = resolved.places.team_store();
    // The text names the origin, for an error if the data can't be read.
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
            // Messages may be missing that were published during the move. Their senders have
            // reconnected and publish them again.
            if let Err(error) = hub.import_records(&last).await {
                tracing::warn!("what stood at the old hub at the end can't be read: {error}");
            }
            Ok(hub)
        }
        Err(error) => {
            // Two hubs for one team would be worse than no hub here.
            end(hub).await;
            forget(resolved);
            Err(refused(&error))
        }
    }
}

/// Deletes the stored team that this account hosted: it has no members any more, or it has moved.
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
