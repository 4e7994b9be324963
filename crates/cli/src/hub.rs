//! `porchlight hub`: a broker for the team.

use porchlight_agent::flags::Flags;
use porchlight_hub::{Hub, HubEvent, HubSettings, Listen, Store};

use crate::failure::Failure;
use crate::{args, say, signals};

pub(crate) async fn hub(flags: &Flags, args: args::Hub) -> Result<(), Failure> {
    let places = flags.resolve().map_err(Failure::usage)?.places;
    let store = match (args.store, args.memory) {
        (Some(folder), _) => Store::Folder(folder),
        (None, true) => Store::Memory,
        (None, false) => Store::Folder(places.hub_store()),
    };
    let settings = HubSettings {
        listen: args.listen.map_or(Listen::Default, Listen::Exactly),
        store,
        runtime_file: Some(places.hub_file()),
        allow_anonymous: args.allow_anonymous,
    };
    let mut hub = Hub::start(settings).await.map_err(|error| match error {
        porchlight_hub::HubError::NeedsAllowAnonymous { .. } => {
            Failure::Usage(format!("{error} (--allow-anonymous)"))
        }
        other => other.into(),
    })?;
    say::print(&format!("listening on {}", hub.addr()));
    for warning in hub.warnings() {
        eprintln!("porchlight: {warning}");
    }
    loop {
        tokio::select! {
            () = signals::told_to_stop() => break,
            event = hub.event() => match event {
                HubEvent::StoreFailing(warning) => eprintln!("porchlight: {warning}"),
                HubEvent::StoreRecovered => eprintln!("porchlight: states are saved again"),
                HubEvent::Ended { reason } => ended(&reason)?,
            },
        }
    }
    hub.stop().await?;
    Ok(())
}

fn ended(reason: &str) -> Result<(), Failure> {
    Err(anyhow::anyhow!("the hub ended by itself ({reason}); start it again").into())
}
