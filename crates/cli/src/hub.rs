//! `porchlight hub`: hosts a team, or runs a broker without a team.

use std::path::Path;

use ipnet::IpNet;
use porchlight_agent::flags::{Flags, Resolved};
use porchlight_agent::places::Dirs;
use porchlight_core::team::Host;
use porchlight_hub::{
    Access, Hub, HubError, HubEvent, HubSettings, Listen, PublicSettings, Store, TeamSettings,
    backup, has_team, restore, store_state,
};
use porchlight_membership::{Membership, Settings};
use porchlight_team::{Report, StoreState};

use crate::failure::Failure;
use crate::signals::{Request, Signals};
use crate::team::operation;
use crate::{args, output};

mod owner_link;

use owner_link::OwnerLink;

pub(crate) async fn hub(flags: &Flags, mut args: args::Hub) -> Result<(), Failure> {
    args.check_flags().map_err(Failure::Usage)?;
    let signals = Signals::listen();
    let resolved = flags.resolve().map_err(Failure::usage)?;
    args.overlay(&resolved.hub);
    if args.public.is_none() && args.certificate.is_some() {
        let reason = "a certificate is for the public address; name that with --public, or with `public` under [hub]";
        return Err(Failure::Usage(reason.to_owned()));
    }
    let places = resolved.places.clone();
    let proxies = resolved.hub.trusted_proxies.clone();
    let team_store = places.team_store();
    match args.action.take() {
        Some(args::HubAction::Backup(into)) => {
            backup(&into.store.or(args.store).unwrap_or(team_store), &into.file)?;
            output::print(&format!(
                "the team is saved in {}. Keep this file private: with it, anybody can pose as the team's hub",
                into.file.display()
            ));
            return Ok(());
        }
        Some(args::HubAction::Restore(from)) => {
            restore(&from.store.or(args.store).unwrap_or(team_store), &from.file)?;
            output::print(
                "the team is restored. Run `porchlight hub` here, and stop the hub that the backup is from",
            );
            return Ok(());
        }
        Some(args::HubAction::Move) => {
            let store = args.store.clone().unwrap_or_else(|| team_store.clone());
            if has_team(&store) {
                return Err(Failure::Usage(format!(
                    "{} contains a team already; host that one with `porchlight hub`, or move the folder away",
                    store.display()
                )));
            }
            let settings = settings(args, proxies, &places);
            let hub = move_here(&resolved, settings, &store, true).await?;
            let hub = hub.ok_or_else(|| anyhow::anyhow!("the hub has ended; start it again"))?;
            return serve(hub, false, &store, signals).await;
        }
        None => {}
    }
    let always_invite = args.invite;
    // A hub in memory has no folder.
    let folder =
        if args.memory { &places.runtime } else { args.store.as_ref().unwrap_or(&team_store) };
    let folder = folder.clone();
    let settings = settings(args, proxies, &places);
    // A take-over that was interrupted goes on.
    let hub = match store_state(&folder) {
        StoreState::Arriving => move_here(&resolved, settings.clone(), &folder, false).await?,
        StoreState::Empty | StoreState::Team | StoreState::Moved => None,
    };
    let hub = match hub {
        Some(hub) => hub,
        None => start(settings).await?,
    };
    let serves = hub.is_serving();
    if !serves {
        output::warn("the team has moved to another computer; this hub only sends members there");
    }
    serve(hub, always_invite && serves, &folder, signals).await
}

async fn start(settings: HubSettings) -> Result<Hub, Failure> {
    Hub::start(settings).await.map_err(|error| match error {
        HubError::NeedsAllowAnonymous { .. } => {
            Failure::Usage(format!("{error} (--allow-anonymous)"))
        }
        other => other.into(),
    })
}

/// Takes over the team from its current host, or goes on where that was interrupted. `None`: nothing was interrupted.
async fn move_here(
    resolved: &Resolved,
    settings: HubSettings,
    store: &Path,
    begins: bool,
) -> Result<Option<Hub>, Failure> {
    if begins {
        crate::team::membership(resolved)?;
    }
    let state = resolved.places.state.clone();
    let mut membership = Membership::new(Settings {
        state,
        store: store.to_owned(),
        proxy: resolved.proxy.clone(),
        hub: Some(settings),
    });
    let begun = if begins { membership.host() } else { membership.resume() };
    begun.map_err(operation::failure)?;
    match operation::finish(&mut membership, |_| {}).await? {
        Report::Hosts => {
            output::print("this computer hosts the team now; all members follow");
            Ok(membership.take_hub())
        }
        _ if begins => Err(Failure::Refused(
            "an earlier command was interrupted, and is done now; run this one again".to_owned(),
        )),
        _ => Ok(membership.take_hub()),
    }
}

/// Runs the hub until a signal stops it. With `always_invite`, it makes a link for an owner even if the team has one.
/// `folder` is for the file with that link, if it may not be printed.
async fn serve(
    mut hub: Hub,
    always_invite: bool,
    folder: &Path,
    mut signals: Signals,
) -> Result<(), Failure> {
    output::print(&format!("listening on {}", hub.addr()));
    let mut link = None;
    if let Some(addr) = hub.team_addr() {
        output::print(&format!("the team's address is {addr}"));
        if let Some(addr) = hub.public_addr() {
            output::print(&format!("the public address is {addr}"));
        }
        if hub.is_serving() {
            link = owner_link(&hub, always_invite, folder).await?;
        }
    }
    for warning in hub.warnings() {
        output::warn(&warning.to_string());
    }
    loop {
        tokio::select! {
            request = signals.next() => match request {
                Request::Stop => break,
                // Nothing else can change while it runs.
                Request::Restart => hub.read_certificate_again(),
            },
            () = OwnerLink::is_due(link.as_ref()) => link = link.filter(|link| link.is_good(&hub)),
            event = hub.event() => match event {
                HubEvent::StoreFailing(warning) => output::warn(&warning.to_string()),
                HubEvent::StoreRecovered => output::warn("everything is saved again"),
                HubEvent::CertificateFailing(warning) => output::warn(&warning.to_string()),
                HubEvent::CertificateRead => output::warn("the public certificate was read again"),
                HubEvent::Asked { name, code } => {
                    output::warn(&format!("{name} asks to join with the code {code}; `porchlight invite requests` lists who asks"));
                }
                HubEvent::Moved => output::warn(
                    "the team has moved to another computer; keep this hub running for a while, so that it sends members there",
                ),
                HubEvent::Ended { reason } => stopped(&reason)?,
            },
        }
    }
    hub.stop().await?;
    Ok(())
}

fn settings(args: args::Hub, trusted_proxies: Vec<IpNet>, places: &Dirs) -> HubSettings {
    let usual = if args.open { places.hub_store() } else { places.team_store() };
    let store = match (args.store, args.memory) {
        (Some(folder), _) => Store::Folder(folder),
        (None, true) => Store::Memory,
        (None, false) => Store::Folder(usual),
    };
    let listen = |addr: Option<_>| addr.map_or(Listen::Default, Listen::Exactly);
    let (here, access) = if args.open {
        (args.listen, Access::Open { allow_anonymous: args.allow_anonymous })
    } else {
        let machine = machine();
        let team = TeamSettings {
            name: args.team.unwrap_or_else(|| format!("Team on {machine}")),
            root: args.root,
            host: Some(Host { user: None, device: None, name: machine }),
            listen: listen(args.listen),
            at: args.at,
            public: args.public.map(|listen| PublicSettings {
                listen,
                certificate: args.certificate,
                key: args.key,
                trusted_proxies,
            }),
            announce: !args.quiet,
            origins: args.origins,
        };
        (args.local, Access::Team(Box::new(team)))
    };
    HubSettings { listen: listen(here), store, runtime_file: Some(places.hub_file()), access }
}

/// Makes an invitation for an owner if the team has none, or with `always_invite`.
async fn owner_link(
    hub: &Hub,
    always_invite: bool,
    folder: &Path,
) -> Result<Option<OwnerLink>, Failure> {
    let path = folder.join(owner_link::FILE);
    // An earlier hub may have left its file behind.
    owner_link::remove(&path);
    if !always_invite && hub.has_owner() {
        return Ok(None);
    }
    let invitation = hub.invite_owner().await?;
    Ok(invitation.and_then(|invitation| OwnerLink::show(invitation, path)))
}

/// The name of this computer.
fn machine() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").ok();
    let name = name.or_else(|| std::env::var("COMPUTERNAME").ok());
    let name = name.as_deref().and_then(|name| name.trim().split('.').next().map(str::to_owned));
    name.filter(|name| !name.is_empty()).unwrap_or_else(|| "this computer".to_owned())
}

fn stopped(reason: &str) -> Result<(), Failure> {
    Err(anyhow::anyhow!("the hub stopped by itself ({reason}); start it again").into())
}
