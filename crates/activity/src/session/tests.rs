//! Tests the session's strands with private buses, a real sound server and a private network.

mod alone;
mod bus;
mod call;
mod dnd;
mod lock;
mod logind;
mod network;
mod power;
mod quiet;
mod saver;
mod seat;

use std::time::Duration;

use porchlight_core::observation::Observation;
use tokio::time::timeout;

use crate::source::Strand;
use crate::supervise::Supervisor;
use crate::watch::Watch;

/// The deadline of every wait.
const DEADLINE: Duration = Duration::from_secs(15);
/// Long enough for anything that is still to come.
const A_WHILE: Duration = Duration::from_millis(150);

fn watch(strand: impl Strand) -> Watch {
    let mut supervisor = Supervisor::new();
    supervisor.run(strand);
    supervisor.watch()
}

async fn next(watch: &mut Watch) -> Observation {
    let told = timeout(DEADLINE, watch.next()).await;
    told.unwrap_or_else(|_| {
        panic!("nothing was observed: {:?}", watch.report().collect::<Vec<_>>())
    })
}

async fn nothing_more(watch: &mut Watch) {
    let more = timeout(A_WHILE, watch.next()).await;
    assert!(more.is_err(), "{more:?}");
}
