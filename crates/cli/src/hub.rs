//! `porchlight hub`: hosts a team, or runs a broker without a team.

use std::path::{Path, PathBuf};

use ipnet::IpNet;
use porchlight_agent::flags::{Flags, Resolved};
use porchlight_agent::places::Dirs;
use porchlight_core::team::Host;
use porchlight_hub::{
    Access, Hub, HubError, HubEvent, HubSettings, Listen, PublicSettings, Store, TeamSettings,
    backup, has_team, restore, restore_bytes,
};

use crate::failure::Failure;
use crate::signals::{Request, Signals};
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
            let store = match &args.store {
                Some(store) => require_empty(store)?,
                None => team_store.clone(),
            };
            let settings = settings(args, proxies, &places);
            let hub = move_here(&resolved, settings, &store).await?;
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
    let hub = start(settings).await?;
    serve(hub, always_invite, &folder, signals).await
}

async fn start(settings: HubSettings) -> Result<Hub, Failure> {
    Hub::start(settings).await.map_err(|error| match error {
        HubError::NeedsAllowAnonymous { .. } => {
            Failure::Usage(format!("{error} (--allow-anonymous)"))
        }
        other => other.into(),
    })
}

/// Returns the folder if it is empty or missing. A move that fails removes it, so nothing else may be in it.
fn require_empty(store: &Path) -> Result<PathBuf, Failure> {
    let is_empty = match std::fs::read_dir(store) {
        Ok(mut entries) => entries.next().is_none(),
        Err(error) => error.kind() == std::io::ErrorKind::NotFound,
    };
    if is_empty {
        return Ok(store.to_owned());
    }
    Err(Failure::Usage(format!(
        "{} is not empty; name a new folder with --store, or leave --store out",
        store.display()
    )))
}

/// Takes over the team from its current host. If that fails, the team stays there and nothing of it stays here.
async fn move_here(
    resolved: &Resolved,
    settings: HubSettings,
    store: &Path,
) -> Result<Hub, Failure> {
    if has_team(store) {
        return Err(Failure::Usage(format!(
            "{} contains a team already; host that one with `porchlight hub`, or move the folder away",
            store.display()
        )));
    }
    let (_, team) = crate::team::connect(resolved).await?;
    let whole = team.hand_over().await.map_err(crate::team::hub_failure)?;
    restore_bytes(store, &whole, "the team from its host".as_ref())?;
    let taken = async {
        let hub = start(settings).await?;
        match team.moved_to(&hub.addresses()).await {
            Ok(last) => Ok((hub, last)),
            Err(error) => {
                // Two hubs of one team would be worse than none on this computer.
                let _ = hub.stop().await;
                Err(crate::team::hub_failure(error))
            }
        }
    };
    let (hub, last) = match taken.await {
        Ok(taken) => taken,
        Err(failure) => {
            let _ = std::fs::remove_dir_all(store);
            return Err(failure);
        }
    };
    if let Err(error) = hub.import_records(&last).await {
        // The devices connect here and publish again.
        tracing::warn!("the last statuses at the old hub can't be read: {error}");
    }
    output::print("this computer hosts the team now; all members follow");
    Ok(hub)
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
        link = owner_link(&hub, always_invite, folder).await?;
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
