//! The team's hub on this computer: its settings, and what presence takes from it.

use porchlight_agent::flags::{Flags, Resolved};
use porchlight_agent::membership::Membership as Stored;
use porchlight_agent::places::Dirs;
use porchlight_core::id::{DeviceId, Root};
use porchlight_core::team::Host;
use porchlight_hub::{Access, Hub, HubSettings, Listen, PublicSettings, Store, TeamSettings};
use porchlight_membership::{Membership, Settings};

/// The membership of this account, and the hub that this computer may host.
pub(crate) fn membership(flags: &Flags) -> Membership {
    let places = Dirs::find(flags.config_dir.as_deref()).ok();
    // An account without a home folder is reported when presence begins, and joins nothing.
    let (state, store) =
        places.map(|places| (places.state.clone(), places.team_store())).unwrap_or_default();
    let resolved = flags.resolve().ok();
    let proxy = resolved.as_ref().map(|resolved| resolved.proxy.clone()).unwrap_or_default();
    let hub = resolved.as_ref().map(settings);
    Membership::new(Settings { state, store, proxy, hub })
}

/// How a hub starts here. The membership knows where its store is.
pub(crate) fn settings(resolved: &Resolved) -> HubSettings {
    let hub = &resolved.hub;
    let team = TeamSettings {
        name: String::new(),
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
    HubSettings {
        listen: Listen::Default,
        store: Store::Memory,
        runtime_file: Some(resolved.places.hub_file()),
        access: Access::Team(Box::new(team)),
    }
}

/// Publishes whose computer the hub runs on.
pub(crate) fn publish_host(hub: &Hub, membership: &Stored, device: &DeviceId, name: &str) {
    hub.set_host(Some(Host {
        user: Some(membership.user().clone()),
        device: Some(device.clone()),
        name: name.to_owned(),
    }));
}

pub(crate) async fn end(hub: Hub) {
    if let Err(error) = hub.stop().await {
        tracing::error!("{error}");
    }
}
