//! `porchlight hub`: a hub for the team, or an open broker.

use std::path::{Path, PathBuf};

use porchlight_agent::flags::{Flags, Resolved};
use porchlight_core::team::Host;
use porchlight_hub::{
    Access, Hub, HubError, HubEvent, HubSettings, Listen, Store, TeamSettings, backup, has_team,
    restore, restore_bytes,
};

use crate::failure::Failure;
use crate::signals::StopSignals;
use crate::{args, output};

mod owner_link;

use owner_link::OwnerLink;

pub(crate) async fn hub(flags: &Flags, mut args: args::Hub) -> Result<(), Failure> {
    args.check().map_err(Failure::Usage)?;
    let stop = StopSignals::listen();
    let resolved = flags.resolve().map_err(Failure::usage)?;
    if args.origins.is_empty() {
        args.origins.clone_from(&resolved.hub_origins);
    }
    let places = resolved.places.clone();
    let team_store = places.team_store();
    match args.action.take() {
        Some(args::HubAction::Backup(into)) => {
            backup(&into.store.or(args.store).unwrap_or(team_store), &into.file)?;
            output::print(&format!(
                "the team is in {}; whoever has this file can be its hub, so keep it where only you can read it",
                into.file.display()
            ));
            return Ok(());
        }
        Some(args::HubAction::Restore(from)) => {
            restore(&from.store.or(args.store).unwrap_or(team_store), &from.file)?;
            output::print(
                "the team is in place; start the hub, and stop the one that it was taken from",
            );
            return Ok(());
        }
        Some(args::HubAction::Move) => {
            let store = match &args.store {
                Some(store) => require_empty(store)?,
                None => team_store.clone(),
            };
            let settings = settings(args, places.hub_store(), team_store, places.hub_file());
            let hub = move_here(&resolved, settings, &store).await?;
            return serve(hub, false, &store, stop).await;
        }
        None => {}
    }
    let always = args.invite;
    // A hub in memory has no folder of its own.
    let folder =
        if args.memory { &places.runtime } else { args.store.as_ref().unwrap_or(&team_store) };
    let folder = folder.clone();
    let settings = settings(args, places.hub_store(), team_store, places.hub_file());
    let hub = start(settings).await?;
    serve(hub, always, &folder, stop).await
}

async fn start(settings: HubSettings) -> Result<Hub, Failure> {
    Hub::start(settings).await.map_err(|error| match error {
        HubError::NeedsAllowAnonymous { .. } => {
            Failure::Usage(format!("{error} (--allow-anonymous)"))
        }
        other => other.into(),
    })
}

/// The folder, if it holds nothing yet. A move that fails removes it again, so nothing else may be in it.
fn require_empty(store: &Path) -> Result<PathBuf, Failure> {
    let is_empty = match std::fs::read_dir(store) {
        Ok(mut entries) => entries.next().is_none(),
        Err(error) => error.kind() == std::io::ErrorKind::NotFound,
    };
    if is_empty {
        return Ok(store.to_owned());
    }
    Err(Failure::Usage(format!(
        "{} is not an empty folder; name a new one with --store, or leave it out",
        store.display()
    )))
}

/// Takes the team over from where it is hosted. Where that fails it stays there, and nothing of it here.
async fn move_here(
    resolved: &Resolved,
    settings: HubSettings,
    store: &Path,
) -> Result<Hub, Failure> {
    if has_team(store) {
        return Err(Failure::Usage(format!(
            "{} holds a team already; `porchlight hub` hosts it, or move the folder away",
            store.display()
        )));
    }
    let (_, team) = crate::team::asked(resolved).await?;
    let whole = team.hand_over().await.map_err(crate::team::told)?;
    restore_bytes(store, &whole, "what the hub handed over".as_ref())?;
    let taken = async {
        let hub = start(settings).await?;
        match team.moved_to(&hub.addresses()).await {
            Ok(last) => Ok((hub, last)),
            Err(error) => {
                // Two hubs of one team would be worse than none here.
                let _ = hub.stop().await;
                Err(crate::team::told(error))
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
        // Whoever said it is connected again and says it anew.
        tracing::warn!("what stood at the old hub at the end can't be read: {error}");
    }
    output::print("the team is hosted here now; everybody follows");
    Ok(hub)
}

/// Runs until it is told to stop. `always`: make a link for an owner though the team has one. `folder`: where the link
/// is kept while it may not be printed.
async fn serve(
    mut hub: Hub,
    always: bool,
    folder: &Path,
    mut stop: StopSignals,
) -> Result<(), Failure> {
    output::print(&format!("listening on {}", hub.addr()));
    let mut link = None;
    if let Some(addr) = hub.team_addr() {
        output::print(&format!("the team's door is {addr}"));
        link = owner_link(&hub, always, folder).await?;
    }
    for warning in hub.warnings() {
        output::warn(&warning.to_string());
    }
    loop {
        tokio::select! {
            () = stop.received() => break,
            () = OwnerLink::is_due(link.as_ref()) => link = link.filter(|link| link.is_good(&hub)),
            event = hub.event() => match event {
                HubEvent::StoreFailing(warning) => output::warn(&warning.to_string()),
                HubEvent::StoreRecovered => output::warn("everything is saved again"),
                HubEvent::Asked { name, code } => {
                    output::warn(&format!("{name} asks to be let in, with the digits {code}"));
                }
                HubEvent::Ended { reason } => ended(&reason)?,
            },
        }
    }
    hub.stop().await?;
    Ok(())
}

fn settings(
    args: args::Hub,
    open_store: PathBuf,
    team_store: PathBuf,
    runtime_file: PathBuf,
) -> HubSettings {
    let usual = if args.open { open_store } else { team_store };
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
            announce: !args.quiet,
            origins: args.origins,
        };
        (args.local, Access::Team(team))
    };
    HubSettings { listen: listen(here), store, runtime_file: Some(runtime_file), access }
}

/// Makes an invitation for an owner if the team has none, or `always`.
async fn owner_link(hub: &Hub, always: bool, folder: &Path) -> Result<Option<OwnerLink>, Failure> {
    let path = folder.join(owner_link::FILE);
    // An earlier hub may have been killed.
    owner_link::remove(&path);
    if !always && hub.has_owner() {
        return Ok(None);
    }
    let invitation = hub.invite_owner().await?;
    Ok(invitation.and_then(|invitation| OwnerLink::show(invitation, path)))
}

/// What this computer calls itself.
fn machine() -> String {
    let told = std::fs::read_to_string("/proc/sys/kernel/hostname").ok();
    let told = told.or_else(|| std::env::var("COMPUTERNAME").ok());
    let told = told.as_deref().and_then(|name| name.trim().split('.').next().map(str::to_owned));
    told.filter(|name| !name.is_empty()).unwrap_or_else(|| "this computer".to_owned())
}

fn ended(reason: &str) -> Result<(), Failure> {
    Err(anyhow::anyhow!("the hub ended by itself ({reason}); start it again").into())
}
