//! The truth benchmark: how long an observer's dot is wrong when things go wrong, and how often it changes.
//!
//! Real processes and real brokers on this machine. Each event happens to Porchlight, to a client as the first seed
//! document describes it, and to one that beats like a heart; all are measured in the same run. Run it as
//! `make truth`. It deliberately judges no figure: what must hold is tested in `tests/e2e`.

use std::collections::HashMap;
use std::process::{Command, ExitCode};
use std::sync::Arc;

use porchlight_tests::binary::{bin, tool};
use porchlight_tests::seed;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use event::Event;
use options::{Options, USAGE};
use scenarios::{FEW, House, SHORT_LEASE, Scene};
use table::{Cell, Results, Samples};

mod actors;
mod event;
mod options;
mod scenarios;
mod setup;
mod table;
mod timeline;

/// How much happens at a time.
struct Pace {
    /// How many processes live. Nearly all of them wait.
    processes: usize,
    /// How many scenes start their programs.
    curtains: usize,
}

/// Where the figures are small enough to show a busy machine.
const QUICK: Pace = Pace { processes: 60, curtains: 1 };
const SLOW: Pace = Pace { processes: 220, curtains: 2 };

#[tokio::main]
async fn main() -> ExitCode {
    let options = match Options::parse(std::env::args().skip(1)) {
        Ok(options) => options,
        Err(error) => {
            eprintln!("truth: {error}\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    tokio::select! {
        code = measure(options) => code,
        // What was started ends as its owners are dropped, its folders too; the guardian is for worse ends.
        _ = tokio::signal::ctrl_c() => ExitCode::from(130),
    }
}

async fn measure(options: Options) -> ExitCode {
    let short_lease = takes_short_lease();
    if !short_lease && options.events.contains(&Event::Ghost) {
        eprintln!(
            "porchlight run takes no {}: its lease of an hour will not run out",
            SHORT_LEASE[0]
        );
    }
    let mut cells = Vec::new();
    for &event in &options.events {
        for &kind in &options.kinds {
            let concerned = options.designs.iter().filter(|design| event.concerns(**design));
            cells.extend(concerned.map(|&design| Cell { kind, event, design }));
        }
    }
    let (quick, slow): (Vec<_>, Vec<_>) = cells.into_iter().partition(|cell| cell.event.is_quick());
    let mut results = Results::new();
    for (cells, pace) in [(quick, QUICK), (slow, SLOW)] {
        let house =
            House { curtain: Semaphore::new(pace.curtains), team: options.team, short_lease };
        play(&cells, options.runs, pace.processes, house, &mut results).await;
    }
    println!("Runs of each event: {}. Measured: {}.\n", options.runs, programs());
    println!("How long an observer's dot was wrong and how often it changed: median (least-most).");
    println!("\"For ever\" is: still wrong at the end of the time watched.");
    println!("The whole team: {} people, all but {FEW} of them in one process.\n", options.team);
    for &kind in &options.kinds {
        println!("{}", table::markdown(kind, &options.events, &results));
    }
    if let Some(file) = &options.json {
        let record = serde_json::to_string_pretty(&table::record(&results)).expect("plain values");
        if let Err(error) = std::fs::write(file, record + "\n") {
            eprintln!("truth: {}: {error}", file.display());
            return ExitCode::FAILURE;
        }
    }
    let broken = results.values().any(|samples| samples.broken > 0);
    if broken { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

/// Plays the scenes of these cells side by side, the longest first, and says of each cell that it is done.
async fn play(cells: &[Cell], runs: usize, processes: usize, house: House, results: &mut Results) {
    let mut scenes: Vec<_> = cells.iter().flat_map(|cell| Scene::of(*cell, runs)).collect();
    scenes.sort_by_key(|scene| std::cmp::Reverse(scene.length()));
    let house = Arc::new(house);
    let seats = Arc::new(Semaphore::new(processes));
    let mut playing = JoinSet::new();
    let mut by_task = HashMap::new();
    for scene in scenes {
        let (seats, house) = (Arc::clone(&seats), Arc::clone(&house));
        let taken = scene.processes().min(processes);
        let played = scene.clone();
        let task = playing.spawn(async move {
            let taken = u32::try_from(taken).expect("few processes");
            let _seats = seats.acquire_many(taken).await.expect("it is never closed");
            played.play(house).await
        });
        by_task.insert(task.id(), scene);
    }
    let mut done = 0;
    while let Some(ended) = playing.join_next_with_id().await {
        let (id, verdicts) = match ended {
            Ok((id, verdicts)) => (id, verdicts),
            // The panic has said why.
            Err(error) => (error.id(), Vec::new()),
        };
        let scene = by_task.remove(&id).expect("every task has a scene");
        let samples: &mut Samples = results.entry(scene.cell).or_default();
        samples.broken += scene.runs.len() - verdicts.len();
        samples.verdicts.extend(verdicts);
        if samples.verdicts.len() + samples.broken == runs {
            done += 1;
            let Cell { kind, event, design } = scene.cell;
            let (wrong, changes) = table::figures(samples);
            let place = format!("{}, {}, {}", event.name(), design.name(), kind.name());
            eprintln!("{done}/{} {place}: wrong {wrong}, changes {changes}", cells.len());
        }
    }
}

/// Whether `porchlight run` has the flag for a short lease, which its help does not list.
fn takes_short_lease() -> bool {
    let mut command = Command::new(bin("porchlight"));
    let output = command.arg("run").args(SHORT_LEASE).arg("--help").output();
    output.is_ok_and(|output| output.status.success())
}

/// What was measured: a debug build is slower, other versions behave otherwise, and nobody should have to guess.
fn programs() -> String {
    let porchlight = bin("porchlight");
    let profile = porchlight.parent().and_then(|folder| folder.file_name()).unwrap_or_default();
    let help = Command::new(tool("mosquitto", "install the package mosquitto")).arg("-h").output();
    let help = help.map(|output| output.stdout).unwrap_or_default();
    let mosquitto = String::from_utf8_lossy(&help).lines().next().unwrap_or_default().to_owned();
    let mqtt_js = seed::mqtt_js_version();
    format!("porchlight ({} build), {mosquitto}, mqtt.js {mqtt_js}", profile.to_string_lossy())
}
