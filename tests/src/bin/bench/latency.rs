//! From a change at one agent to the line on another's `watch`.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, Stdio};
use std::time::Duration;

use porchlight_tests::EmbeddedHub;
use porchlight_tests::cli::Cli;
use porchlight_tests::until::Stopwatch;

use crate::{Figure, ms, quantile};

const WARM_UP: usize = 20;
const CHANGES: usize = 500;

pub(crate) async fn measure() -> Vec<Figure> {
    let hub = EmbeddedHub::start().await;
    let url = hub.url();
    let mut times = tokio::task::spawn_blocking(move || changes(&url))
        .await
        .expect("the measurement runs to its end");
    times.sort();
    let (p50, p99) = (ms(quantile(&times, 0.5)), ms(quantile(&times, 0.99)));
    vec![
        Figure::at_most(
            "change to the line on another's `watch`, p50 of 500",
            p50,
            "ms",
            2.0,
            "≤ 2 ms",
        ),
        Figure::at_most("the same, p99", p99, "ms", 10.0, "≤ 10 ms"),
    ]
}

/// Reads the line itself instead of polling for it: at this scale a test's waits are too coarse.
fn changes(url: &str) -> Vec<Duration> {
    let watcher = Cli::new(url, "bob", "d");
    let mut watch = piped(&mut watcher.command(&["watch", "--json"]));
    let mut lines = BufReader::new(watch.stdout.take().expect("it is piped")).lines();
    let agent = Cli::new(url, "alice", "d");
    let mut run = piped(&mut agent.command(&["run", "--activity", "stdin"]));
    let mut input = run.stdin.take().expect("it is piped");
    let mut wait_for = |status: &str| {
        let wanted = format!("\"status\":\"{status}\"");
        let alice = "\"user\":\"alice\"";
        lines
            .by_ref()
            .map_while(Result::ok)
            .find(|line| line.contains(alice) && line.contains(&wanted))
    };
    writeln!(input, r#"{{"active":true}}"#).expect("the agent reads");
    wait_for("online").expect("alice comes online");
    let mut times = Vec::new();
    for n in 0..WARM_UP + CHANGES {
        let locked = n % 2 == 0;
        let watch = Stopwatch::start();
        writeln!(input, r#"{{"locked":{locked}}}"#).expect("the agent reads");
        wait_for(if locked { "away" } else { "online" }).expect("the change is seen");
        if n >= WARM_UP {
            times.push(watch.elapsed());
        }
    }
    for child in [&mut run, &mut watch] {
        child.kill().and_then(|()| child.wait()).expect("a child of ours ends");
    }
    times
}

fn piped(command: &mut Command) -> std::process::Child {
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the program starts; build it first")
}
