//! What the app in the tray costs: memory of its own, and how often it wakes up.

use std::time::Duration;

use porchlight_tests::cli::Cli;
use porchlight_tests::meter;
use porchlight_tests::notifications::Notifications;
use porchlight_tests::process::{Proc, Stream};
use porchlight_tests::tray::Tray;
use porchlight_tests::until::{START, until, until_async};
use porchlight_tests::{EmbeddedHub, Machine, Session, TcpProxy};

use crate::Figure;

/// How long the app gets to come to rest after its start.
const REST: Duration = Duration::from_secs(10);
const WATCHED: Duration = Duration::from_secs(30);
const WATCHED_HEADLESS: Duration = Duration::from_secs(60);
/// The title of the app's window.
pub(crate) const TITLE: &str = "^Porchlight$";
const EIGHT: &str = "of 8 around";

pub(crate) async fn measure() -> Vec<Figure> {
    let mut figures = memory().await;
    figures.push(wake_ups().await);
    figures.extend(reference().await);
    figures
}

/// The same of Pidgin with its window open and no account, where it is installed: the leanest of its kind, for
/// comparison.
async fn reference() -> Vec<Figure> {
    if !installed("pidgin") {
        return Vec::new();
    }
    let session = Session::start().await;
    let app = Proc::spawn("pidgin", session.command("pidgin").arg("--nologin"));
    tokio::time::sleep(REST).await;
    rustix::fs::sync();
    let mib = private_dirty(app.id()) / 1024.0;
    let switches = voluntary_switches(app.id(), WATCHED).await;
    let figure = |what, value| Figure { what, value, bar: "reference", holds: true };
    vec![
        figure("Pidgin, not connected: private dirty memory", format!("{mib:.1} MiB")),
        figure("Pidgin, not connected: context switches in 30 s", switches.to_string()),
    ]
}

fn installed(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

/// Private dirty memory with the demo team of eight, whose people come and go meanwhile: before the window was ever open, and
/// after it was.
async fn memory() -> Vec<Figure> {
    let session = Session::start().await;
    let _daemon = Notifications::start(&session).await;
    let tray = Tray::start(&session).await;
    let demo = Cli::new("mqtt://127.0.0.1:1", "nobody", "none").start(&["demo"]);
    demo.wait_line(|line| line.contains("mqtt://"), START).await;
    let line = demo.lines(Stream::Out).remove(0);
    let url = line.split_whitespace().last().expect("the address is the last word").to_owned();
    let me = Cli::new(&url, "me", "bench").on(&session);
    let app = Proc::spawn("porchlight-desktop", &mut me.desktop(&[]));
    wait_for_eight(&tray).await;
    tokio::time::sleep(REST).await;
    // A program that was just built lies dirty in the page cache, and its pages would be counted.
    rustix::fs::sync();
    let before = private_dirty(app.id()) / 1024.0;
    tray.item("porchlight", START).await.activate().await;
    let window = until("the window", START, || session.windows(TITLE).first().copied()).await;
    tokio::time::sleep(REST).await;
    session.close_window(window);
    until("the end of the window", START, || session.windows(TITLE).is_empty()).await;
    tokio::time::sleep(REST).await;
    let after = private_dirty(app.id()) / 1024.0;
    let figure = |what, mib, most, bar| Figure::at_most(what, mib, "MiB", most, bar);
    let tray_only = "private dirty memory of all processes, tray only, connected, eight people";
    vec![
        figure(tray_only, before, 16.0, "≤ 16 MiB"),
        figure("the same after the window was opened and closed", after, 32.0, "≤ 32 MiB"),
    ]
}

/// Voluntary context switches while eight people are connected and nothing happens.
async fn wake_ups() -> Figure {
    let session = Session::start().await;
    let _daemon = Notifications::start(&session).await;
    let tray = Tray::start(&session).await;
    let hub = EmbeddedHub::start().await;
    let team: Vec<_> = (1..=8).map(|n| Cli::new(&hub.url(), &format!("u{n}"), "d")).collect();
    let _running: Vec<_> = team.iter().map(|light| light.run("none")).collect();
    let me = Cli::new(&hub.url(), "me", "bench").on(&session);
    let app = Proc::spawn("porchlight-desktop", &mut me.desktop(&[]));
    wait_for_eight(&tray).await;
    tokio::time::sleep(REST).await;
    let switches = voluntary_switches(app.id(), WATCHED).await;
    Figure {
        what: "voluntary context switches of all threads, 30 s idle",
        value: switches.to_string(),
        bar: "stated",
        holds: true,
    }
}

/// Voluntary context switches of `porchlight run` while nobody gives input and no message comes, beside what it says
/// meanwhile to the broker: its keep-alives, each of which wakes it up to say it and to hear the answer. With all
/// sources of a machine, and with none of them there.
pub(crate) async fn headless_wake_ups() -> Vec<Figure> {
    let hub = EmbeddedHub::start().await;
    let mut figures = Vec::new();
    for at_a_machine in [true, false] {
        let cable = TcpProxy::to(hub.port()).await;
        let mut light = Cli::new(&cable.url(), "me", "headless");
        let machine = if at_a_machine { Some(Machine::start().await) } else { None };
        if let Some(machine) = &machine {
            light = light.at(machine);
        }
        let run = light.run("auto");
        run.wait_line(|line| line.contains("connected to"), START).await;
        tokio::time::sleep(REST).await;
        let said = cable.said();
        let switches = voluntary_switches(run.id(), WATCHED_HEADLESS).await;
        let said = cable.said() - said;
        let what = if at_a_machine {
            "voluntary context switches of `porchlight run`, 60 s idle, X11 and both buses"
        } else {
            "the same without a display or a bus"
        };
        let value = format!("{switches} ({said} keep-alives)");
        figures.push(Figure { what, value, bar: "stated", holds: true });
    }
    figures
}

async fn wait_for_eight(tray: &Tray) {
    let item = tray.item("porchlight", START).await;
    until_async("eight people in the tray", START, async || {
        item.tooltip().await.title.ends_with(EIGHT)
    })
    .await;
}

/// Of the app's processes, in KiB.
#[expect(clippy::cast_precision_loss, reason = "a process has less than 2^52 KiB")]
pub(crate) fn private_dirty(of: u32) -> f64 {
    meter::memory(&meter::family(of)).private_dirty as f64
}

/// How often its threads slept and woke up again in that time.
async fn voluntary_switches(of: u32, during: Duration) -> u64 {
    meter::activity(|| meter::family(of), during).await.voluntary
}
