//! `porchlight demo`: a hub and eight simulated people.

use porchlight_agent::broker::Broker;
use porchlight_agent::demo_team::DemoTeam;
use porchlight_hub::{Access, Hub, HubSettings, Listen, Store};

use crate::failure::Failure;
use crate::signals::StopSignals;
use crate::{args, output, watch};

pub(crate) async fn demo(args: args::Demo) -> Result<(), Failure> {
    let mut stop = StopSignals::listen();
    let hub = Hub::start(HubSettings {
        listen: Listen::Exactly(args.listen),
        store: Store::Memory,
        runtime_file: None,
        access: Access::Open { allow_anonymous: false },
    })
    .await?;
    let url = format!("mqtt://{}", hub.addr());
    let broker: Broker = url.parse().map_err(Failure::usage)?;
    let team = DemoTeam::come(&broker);
    output::print(&format!("the demo team is at {url}"));
    if args.watch {
        tokio::select! {
            () = stop.received() => {}
            followed = watch::follow(broker, watch::Shown::for_people(), None) => followed?,
        }
    } else {
        output::note(&format!("to join:   porchlight-desktop --show --broker {url} --user you"));
        output::note(&format!("to watch:  porchlight watch --broker {url}"));
        stop.received().await;
    }
    drop(team);
    hub.stop().await?;
    Ok(())
}
