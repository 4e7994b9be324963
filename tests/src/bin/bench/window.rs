//! The window with ten thousand people: how soon it is there, how evenly it scrolls and filters, what it costs; and whether
//! it stays usable while five hundred of them change a second.
//!
//! Frames are counted by the page itself (`requestAnimationFrame`) in WebKitGTK, drawn by software under Xvfb.

use std::time::Duration;

use porchlight_tests::cli::Cli;
use porchlight_tests::notifications::Notifications;
use porchlight_tests::process::Proc;
use porchlight_tests::tray::{Tray, TrayItem};
use porchlight_tests::until::{START, Stopwatch, unix_ms, until, until_async};
use porchlight_tests::{EmbeddedHub, Message, Probe, Session, WebView, bin};
use serde_json::{Value, json};

use crate::cost::{TITLE, private_dirty};
use crate::{Figure, ms, quantile};

const PEOPLE: usize = 10_000;
const CHANGES_A_SECOND: u64 = 500;
const OPENINGS: usize = 5;
const REST: Duration = Duration::from_secs(10);
/// A page with rows on it; an empty one, or one that says "Connecting…", has fewer pixels of text.
const ROWS: usize = 3000;
const LONG: Duration = Duration::from_secs(120);

pub(crate) async fn measure() -> Vec<Figure> {
    let hub = EmbeddedHub::start().await;
    fill(&hub.url()).await;
    let mut figures = opening(&hub.url()).await;
    figures.extend(moving(&hub.url()).await);
    figures
}

/// A person's record; who is away is another half each round.
fn record(n: usize, round: usize) -> Value {
    let now = unix_ms();
    let (status, cause) = match (n + round) % 4 {
        0 => ("away", json!("idle")),
        1 => ("offline", json!("left")),
        _ => ("online", Value::Null),
    };
    json!({
        "v": 1, "status": status, "cause": cause, "since": now, "timestamp": now, "epoch": now, "lease_s": 3600,
        "loss_s": 18, "name": format!("Person {n:05}"), "kind": "laptop", "tz": "Europe/Berlin",
    })
}

async fn fill(url: &str) {
    let mut probe = Probe::connect(url).await;
    for n in 0..PEOPLE {
        let topic = format!("presence/p{n:05}/device/d");
        probe.publish(Message::json(topic, &record(n, 0)).retained()).await;
    }
}

async fn known(item: &TrayItem) {
    until_async("ten thousand people in the tray", LONG, async || {
        item.tooltip().await.title.contains(&format!("of {PEOPLE} around"))
    })
    .await;
}

/// From a click on the icon to rows on the screen, and what the app costs before, with and after the window.
async fn opening(url: &str) -> Vec<Figure> {
    let session = Session::start().await;
    let _daemon = Notifications::start(&session).await;
    let tray = Tray::start(&session).await;
    let me = Cli::new(url, "me", "bench").on(&session);
    let app = Proc::spawn("porchlight-desktop", &mut me.desktop(&[]));
    let item = tray.item("porchlight", START).await;
    known(&item).await;
    tokio::time::sleep(REST).await;
    rustix::fs::sync();
    let before = private_dirty(app.id());
    let (mut times, mut open) = (Vec::new(), 0.0);
    for n in 0..OPENINGS {
        let watch = Stopwatch::start();
        item.activate().await;
        let window = until("the window", START, || session.windows(TITLE).first().copied()).await;
        until("rows on the screen", START, || session.drawn(window).is_some_and(|it| it > ROWS))
            .await;
        // The first starts Tauri and its libraries, too.
        times.push(watch.elapsed());
        println!("opened after {:.0} ms", ms(watch.elapsed()));
        if n + 1 == OPENINGS {
            tokio::time::sleep(REST).await;
            open = private_dirty(app.id());
        }
        session.close_window(window);
        until("the end of the window", START, || session.windows(TITLE).is_empty()).await;
    }
    let slowest = times.iter().max().copied().unwrap_or_default();
    tokio::time::sleep(REST).await;
    let after = private_dirty(app.id());
    let mib = |kib: f64| format!("{:.1} MiB", kib / 1024.0);
    let stated = |what, value| Figure { what, value, bar: "stated", holds: true };
    vec![
        Figure::at_most(
            "10,000 people: click on the icon to rows on the screen, slowest of 5",
            ms(slowest),
            "ms",
            1500.0,
            "≤ 1.5 s",
        ),
        stated("10,000 people: private dirty memory of all processes, tray only", mib(before)),
        stated("the same with the window open", mib(open)),
        stated("the same after it was closed", mib(after)),
    ]
}

/// Frames while the list is scrolled, filtered, and changed from outside.
async fn moving(url: &str) -> Vec<Figure> {
    let session = Session::start().await;
    let _daemon = Notifications::start(&session).await;
    let tray = Tray::start(&session).await;
    let me = Cli::new(url, "me", "bench").on(&session);
    let mut arguments = me.arguments();
    arguments.push("--show".to_owned());
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let window = WebView::open(&session, &bin("porchlight-desktop"), &arguments).await;
    known(&tray.item("porchlight", START).await).await;
    window.element("[data-user]", START).await;
    tokio::time::sleep(REST).await;

    let scrolled = frames(&window, "list.scrollTop += 160;", 5000).await;
    let filtered = frames(
        &window,
        "if (frame % 12 === 0) {
            field.value = ['', 'p', 'pe', 'per', 'person 0', 'person 00', '7', '77', '777'][(frame / 12) % 9];
            field.dispatchEvent(new Event('input', { bubbles: true }));
         }",
        5000,
    )
    .await;
    let reset = "const field = document.querySelector('[data-testid=filter]');
        field.value = ''; field.dispatchEvent(new Event('input', { bubbles: true }));";
    window.run(reset, Vec::new()).await.expect("a page with a filter");

    let url = url.to_owned();
    let changes = tokio::spawn(async move { change(&url).await });
    let changed = frames(&window, "list.scrollTop += 40;", 8000).await;
    let watch = Stopwatch::start();
    window.click("[data-testid=status-button]", START).await;
    window.element("[data-pick=dnd]", START).await;
    let usable = watch.elapsed();
    let rate = changes.await.expect("the changes are published");
    println!("{rate:.0} changes a second were published");

    let frames = |what, times: Vec<Duration>| {
        Figure::at_most(what, ms(quantile(&times, 0.95)), "ms", 32.0, "≤ 32 ms")
    };
    vec![
        frames("10,000 people: time between frames while scrolling, p95", scrolled),
        frames("the same while filtering, a key every twelve frames", filtered),
        Figure {
            what: "the same while scrolling and 500 people change a second",
            value: format!("{:.1} ms", ms(quantile(&changed, 0.95))),
            bar: "stated",
            holds: true,
        },
        Figure::at_most(
            "meanwhile: a click on one's own status to the menu, driver included",
            ms(usable),
            "ms",
            1000.0,
            "usable",
        ),
    ]
}

/// Runs a step in each frame for a while, and says how long the frames took, sorted.
async fn frames(window: &WebView, step: &str, for_ms: u64) -> Vec<Duration> {
    let script = format!(
        "const [until, answer] = arguments;
         const list = document.querySelector('[role=list]');
         const field = document.querySelector('[data-testid=filter]');
         list.scrollTop = 0;
         const times = [];
         let frame = 0;
         let last = null;
         const began = performance.now();
         function next(now) {{
             if (last !== null) times.push(now - last);
             last = now;
             {step}
             frame += 1;
             if (now - began < until) requestAnimationFrame(next);
             else answer(times);
         }}
         requestAnimationFrame(next);"
    );
    let times = window.run_async(&script, vec![json!(for_ms)]).await.expect("frames");
    let times = times.as_array().cloned().unwrap_or_default();
    let mut times: Vec<_> = times
        .iter()
        .filter_map(Value::as_f64)
        .map(|ms| Duration::from_secs_f64(ms / 1000.0))
        .collect();
    times.sort();
    assert!(times.len() > 20, "{} frames in {for_ms} ms", times.len());
    println!(
        "{} frames: half within {:.0} ms, 95 in 100 within {:.0}, all within {:.0}",
        times.len(),
        ms(quantile(&times, 0.5)),
        ms(quantile(&times, 0.95)),
        ms(quantile(&times, 1.0)),
    );
    times
}

/// Changes people evenly for ten seconds; says how many a second it came to. Each publisher waits for the broker's word on
/// every change, so it takes several of them.
async fn change(url: &str) -> f64 {
    const SECONDS: u64 = 10;
    const PUBLISHERS: u64 = 16;
    let watch = Stopwatch::start();
    let count = SECONDS * CHANGES_A_SECOND;
    let publishers: Vec<_> = (0..PUBLISHERS)
        .map(|first| {
            let url = url.to_owned();
            tokio::spawn(async move {
                let mut probe = Probe::connect(&url).await;
                let watch = Stopwatch::start();
                for n in (first..count).step_by(usize::try_from(PUBLISHERS).unwrap_or(1)) {
                    let due = Duration::from_micros(1_000_000 * n / CHANGES_A_SECOND);
                    tokio::time::sleep(due.saturating_sub(watch.elapsed())).await;
                    let who = usize::try_from(n).unwrap_or_default() * 7 % PEOPLE;
                    let topic = format!("presence/p{who:05}/device/d");
                    probe.publish(Message::json(topic, &record(who, 1)).retained()).await;
                }
            })
        })
        .collect();
    for publisher in publishers {
        publisher.await.expect("the changes are published");
    }
    #[expect(clippy::cast_precision_loss, reason = "a few thousand")]
    let rate = count as f64 / watch.elapsed().as_secs_f64();
    rate
}
