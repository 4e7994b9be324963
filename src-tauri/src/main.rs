//! Porchlight in the system tray.
//!
//! This program contains Tauri: the window, the tray, notifications, and the one thread on which
//! presence runs. It has no logic of its own: that is in the agent's engine, and `desk` only passes
//! things on.

// A release on Windows must not open a console.
#![cfg_attr(all(windows, not(debug_assertions)), windows_subsystem = "windows")]

use clap::Parser as _;
use porchlight_agent::flags::Flags;
use porchlight_agent::redacted;
use tokio::sync::mpsc;

mod account;
mod activity;
mod app;
mod checks;
mod commands;
mod deep_link;
mod desk;
mod display;
mod hosting;
mod i18n;
mod notifications;
mod request;
mod settings;
#[cfg(target_os = "linux")]
mod single_instance;
mod start;
mod team;
mod tray;
mod updates;
#[cfg(target_os = "linux")]
mod web;
mod window;

use app::Shell;
use deep_link::DeepLink;
use desk::{Desk, LaunchOptions};
use request::Desktop;

/// Who of your team is around, in the system tray.
#[derive(Debug, clap::Parser)]
#[command(name = "porchlight-desktop", version)]
struct Args {
    #[command(flatten)]
    flags: Flags,
    /// Open the window at start
    #[arg(long)]
    show: bool,
    /// An invitation: porchlight://join?...
    #[arg(value_name = "LINK", value_parser = DeepLink::parse)]
    link: Option<DeepLink>,
}

fn main() {
    let args = Args::try_parse().unwrap_or_else(|error| exit_with(&error));
    start_log();
    // An invalid config is reported later.
    i18n::speak(args.flags.resolve().ok().and_then(|resolved| resolved.language));
    if let Err(missing) = display::check() {
        eprintln!("porchlight-desktop: {missing}");
        std::process::exit(1);
    }
    if let Err(error) = run(args) {
        eprintln!("porchlight-desktop: {error:#}");
        std::process::exit(1);
    }
}

/// Prints the error in the command line, or the requested help, and ends the program.
fn exit_with(error: &clap::Error) -> ! {
    if !error.use_stderr() {
        error.exit();
    }
    let words = redacted::without_secrets(&error.to_string(), std::env::args_os().skip(1));
    eprintln!("{}", words.trim_end());
    std::process::exit(error.exit_code());
}

fn run(args: Args) -> anyhow::Result<()> {
    let (shell, main_thread) = Shell::new();
    let (requests_in, requests) = mpsc::unbounded_channel();
    let desktop = Desktop::new(requests_in);
    let options = LaunchOptions { show: args.show, link: args.link };
    Desk::start(shell, desktop.clone(), requests, args.flags, options)?;
    main_thread.serve(&desktop)
}

fn start_log() {
    use tracing_subscriber::EnvFilter;
    // Anybody who can reach a hub can make the broker log lines, some of them as errors. The hub
    // itself reports what goes wrong.
    let filter = EnvFilter::try_from_env("PORCHLIGHT_LOG")
        .unwrap_or_else(|_| EnvFilter::new("warn,mqtt5=off"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
}
