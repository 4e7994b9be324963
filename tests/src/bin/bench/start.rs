//! From the start of the process until another sees it online.

use std::time::Duration;

use porchlight_tests::cli::Cli;
use porchlight_tests::process::Proc;
use porchlight_tests::tray::Tray;
use porchlight_tests::until::{START, Stopwatch};
use porchlight_tests::wire::Probe;
use porchlight_tests::{EmbeddedHub, Session};

use crate::{Figure, ms, quantile};

const RUNS: usize = 10;

pub(crate) async fn measure() -> Vec<Figure> {
    let hub = EmbeddedHub::start().await;
    let session = Session::start().await;
    let _tray = Tray::start(&session).await;
    let mut desktop = Vec::new();
    let mut headless = Vec::new();
    for n in 0..RUNS {
        let light = Cli::new(&hub.url(), &format!("desk{n}"), "d").on(&session);
        desktop.push(
            seen_after(&hub, &format!("desk{n}"), || {
                Proc::spawn("porchlight-desktop", &mut light.desktop(&[]))
            })
            .await,
        );
        let light = Cli::new(&hub.url(), &format!("head{n}"), "d");
        headless.push(seen_after(&hub, &format!("head{n}"), || light.run("none")).await);
    }
    vec![
        figure("start of the desktop app to seen online by another, median of 10", desktop),
        figure("start of `porchlight run` to seen online by another, median of 10", headless),
    ]
}

async fn seen_after(hub: &EmbeddedHub, user: &str, start: impl FnOnce() -> Proc) -> Duration {
    let mut probe = Probe::connect(&hub.url()).await;
    probe.subscribe(&format!("presence/{user}/device/+")).await;
    let watch = Stopwatch::start();
    let mut proc = start();
    probe.wait_for(|arrival| arrival.json()["status"] == "online", START).await;
    let seen = watch.elapsed();
    proc.kill();
    seen
}

fn figure(what: &'static str, mut times: Vec<Duration>) -> Figure {
    times.sort();
    Figure::at_most(what, ms(quantile(&times, 0.5)), "ms", 300.0, "≤ 300 ms")
}
