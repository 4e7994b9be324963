//! From the start of `who` to the last line of its output, beside Mosquitto's own reader doing the same read.
//!
//! Fair to the other: it is told beforehand how many messages there are, so that it can end with the last one, which nobody knows in
//! earnest. Ours has to find out that there are no more, folds devices and sums into people, and sorts them.

use std::io::Read as _;
use std::process::{Command, Stdio};
use std::time::Duration;

use porchlight_tests::cli::Cli;
use porchlight_tests::until::{Stopwatch, unix_ms};
use porchlight_tests::wire::{Message, Probe};
use porchlight_tests::{EmbeddedHub, Mosquitto, until_async};
use serde_json::json;

use crate::{Figure, ms, quantile};

const PEOPLE: usize = 300;
const RUNS: usize = 60;

pub(crate) async fn measure() -> Vec<Figure> {
    let hub = EmbeddedHub::start().await;
    let mosquitto = Mosquitto::start("log_type error").await;
    let mut figures = Vec::new();
    for (url, port, bar, ratio) in [
        (
            hub.url(),
            hub.port(),
            "`who`, 300 people, start to last line, hub, median of 60",
            "the same as a multiple of mosquitto_sub's, hub",
        ),
        (
            mosquitto.url(),
            mosquitto.port(),
            "`who`, 300 people, start to last line, Mosquitto, median of 60",
            "the same as a multiple of mosquitto_sub's, Mosquitto",
        ),
    ] {
        let messages = fill(&url).await;
        let times = tokio::task::spawn_blocking(move || interleaved(&url, port, messages))
            .await
            .expect("the measurement runs to its end");
        let (ours, theirs) = times;
        println!(
            "{bar}: {:.1} ms; mosquitto_sub: {:.1} ms ({messages} messages)",
            ms(ours),
            ms(theirs)
        );
        let times = ours.as_secs_f64() / theirs.as_secs_f64();
        figures.push(Figure {
            what: bar,
            value: format!("{:.1} ms", ms(ours)),
            bar: "",
            holds: true,
        });
        figures.push(Figure::at_most(ratio, times, "×", 1.5, "≤ 1.5 ×"));
    }
    figures
}

/// Three hundred people, each with a device's record, and what a hub makes of them: how many messages that is.
async fn fill(url: &str) -> usize {
    let mut probe = Probe::connect(url).await;
    let now = unix_ms();
    for n in 0..PEOPLE {
        let record = json!({
            "v": 1, "status": "online", "since": now, "timestamp": now, "epoch": now, "lease_s": 3600, "loss_s": 18,
            "name": format!("Person {n}"), "kind": "laptop", "tz": "Europe/Berlin",
        });
        probe
            .publish(Message::json(format!("presence/p{n:03}/device/d"), &record).retained())
            .await;
    }
    // Until the hub, where there is one, has written all its sums.
    let mut counted = 0;
    until_async("the sums to stand", Duration::from_secs(60), async || {
        let before = counted;
        counted = porchlight_tests::wire::retained(url, "presence/#").await.len();
        counted >= PEOPLE && counted == before
    })
    .await;
    counted
}

/// Both, turn by turn: the medians, ours first.
fn interleaved(url: &str, port: u16, messages: usize) -> (Duration, Duration) {
    let light = Cli::new(url, "bob", "d");
    let mut ours = Vec::new();
    let mut theirs = Vec::new();
    for _ in 0..RUNS {
        let (took, lines) = timed(&mut light.command(&["who"]));
        assert_eq!(lines, PEOPLE, "everybody is listed");
        ours.push(took);
        let mut other = Command::new("mosquitto_sub");
        other.args(["-h", "127.0.0.1", "-V", "5", "-t", "presence/#", "--retained-only", "-v"]);
        other.args(["-p", &port.to_string(), "-C", &messages.to_string()]);
        let (took, lines) = timed(&mut other);
        assert_eq!(lines, messages, "everything is listed");
        theirs.push(took);
    }
    for times in [&mut ours, &mut theirs] {
        times.sort();
    }
    (quantile(&ours, 0.5), quantile(&theirs, 0.5))
}

/// How long it took to the last byte of output, and how many lines that was.
fn timed(command: &mut Command) -> (Duration, usize) {
    let watch = Stopwatch::start();
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .expect("the program starts; build it first, and mosquitto_sub is in Debian's mosquitto-clients");
    let mut out = child.stdout.take().expect("it is piped");
    let mut output = Vec::new();
    let mut last = watch.elapsed();
    let mut bytes = vec![0; 1 << 16];
    while let Ok(length @ 1..) = out.read(&mut bytes) {
        last = watch.elapsed();
        output.extend_from_slice(&bytes[..length]);
    }
    let status = child.wait().expect("a child of ours ends");
    assert!(status.success(), "{status}");
    (last, output.iter().filter(|byte| **byte == b'\n').count())
}
