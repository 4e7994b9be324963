//! What Porchlight costs beside other programs that show who is around: Pidgin, Gajim and Dino, each with one contact.
//!
//! Everybody has the same: a desktop of its own with a tray and notifications, an account with a password at a server over TLS, and
//! somebody who looks on from outside. The three speak XMPP to a Prosody, Porchlight MQTT to a Mosquitto; neither server
//! is weighed. XMPP's port is a fixed one and Dino takes its authorities from the system, so it runs in a network and mounts
//! of its own: `make peers`.

use std::process::ExitCode;

mod app;
mod desk;
mod observer;
mod options;
mod prosody;
mod table;

use desk::World;
use options::Options;
use table::Results;

#[tokio::main]
async fn main() -> ExitCode {
    let options = match Options::parse(std::env::args().skip(1)) {
        Ok(options) => options,
        Err(error) => {
            eprintln!("peers: {error}\n{}", options::USAGE);
            return ExitCode::from(2);
        }
    };
    let Some(trusted) = std::env::var_os("PEERS_TRUSTED") else {
        eprintln!("peers: it needs a network and mounts of its own; start it by `make peers`");
        return ExitCode::from(2);
    };
    // What one app can't do must not keep the others from being measured, so each run is a task that may panic.
    let tasks = tokio::task::LocalSet::new();
    let results = tasks.run_until(measure(&options, trusted.as_ref())).await;
    println!("{}", table::markdown(&results, &options));
    if results.broken() { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

async fn measure(options: &Options, trusted: &std::path::Path) -> Results {
    let world = std::rc::Rc::new(World::start(trusted).await);
    let mut results = Results::default();
    // Turn by turn, so that whatever else the machine does in the meantime is spread over all of them.
    for run in 1..=options.runs {
        for &app in &options.apps {
            eprintln!("run {run} of {}: {}", options.runs, app.name());
            let (world, idle) = (std::rc::Rc::clone(&world), options.idle);
            let measured =
                tokio::task::spawn_local(async move { desk::measure(&world, app, idle).await });
            match measured.await {
                Ok((version, measured)) => {
                    for (state, figures) in &measured {
                        eprintln!("  {}: {figures}", state.name());
                    }
                    results.add(app, version, measured);
                }
                // The panic has said why.
                Err(_) => results.add_broken(app),
            }
        }
    }
    results
}
