//! `porchlight`: shows who is around on the command line, and this device without a desktop app.

use std::process::exit;

use clap::Parser as _;
use porchlight_agent::redacted;

mod args;
mod bar;
mod completions;
mod demo;
mod doctor;
mod failure;
mod gateway;
mod hub;
mod knock;
mod log;
mod output;
mod roster;
mod run;
mod screen;
mod sent_limit;
mod service;
mod signals;
mod status;
mod style;
mod team;
mod wait;
mod wait_for;
mod watch;
mod who;

use args::{Args, Command};

fn main() {
    let args = Args::try_parse().unwrap_or_else(|error| exit_with(&error));
    start_log(args.verbose);
    let outcome = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(failure::Failure::from)
        .and_then(|runtime| runtime.block_on(run_command(args)));
    let code = outcome.map_or_else(|failure| failure.report(), |()| 0);
    // Not a return: a thread that reads standard input would keep the process alive.
    exit(code);
}

/// Prints help, or what is wrong with the arguments, and ends the program.
fn exit_with(error: &clap::Error) -> ! {
    if !error.use_stderr() {
        output::write_out(error.to_string().as_bytes());
        exit(0);
    }
    let message = redacted::without_secrets(&error.to_string(), std::env::args_os().skip(1));
    message.trim_end().lines().for_each(output::note);
    exit(error.exit_code());
}

async fn run_command(args: Args) -> Result<(), failure::Failure> {
    match args.command {
        Command::Run(run) => run::run(&args.flags, run).await,
        Command::Who(who) => who::who(&args.flags, who).await,
        Command::Watch(watch) => watch::watch(&args.flags, watch).await,
        Command::Wait(wait) => wait::wait(&args.flags, wait).await,
        Command::Set(set) => status::set(&args.flags, set).await,
        Command::Clear(clear) => status::clear(&args.flags, clear).await,
        Command::Knock(knock) => knock::knock(&args.flags, knock).await,
        Command::Wave(wave) => knock::wave(&args.flags, wave).await,
        Command::Hub(hub) if hub.action.is_none() && hub.gateway.are_given() => {
            gateway::gateway(&args.flags, *hub).await
        }
        Command::Hub(hub) => hub::hub(&args.flags, *hub).await,
        Command::Join(join) => team::join::join(&args.flags, join).await,
        Command::Invite(invite) => team::invite::invite(&args.flags, invite).await,
        Command::Members(members) => team::members::members(&args.flags, members).await,
        Command::Token(token) => team::token::token(&args.flags, token).await,
        Command::Leave(leave) => team::leave::leave(&args.flags, leave).await,
        Command::Doctor(doctor) => doctor::doctor(&args.flags, doctor).await,
        Command::Demo(demo) => demo::demo(demo).await,
        Command::Completions(shell) => {
            completions::completions(&shell);
            Ok(())
        }
        Command::Man(man) => completions::man(&man),
    }
}

fn start_log(verbose: u8) {
    use tracing_subscriber::EnvFilter;
    // Anybody who can reach a hub can make its broker log lines, even errors. The hub reports real problems itself.
    let default = match verbose {
        0 => "warn,porchlight_agent=warn,mqtt5=off",
        1 => "info,mqtt5=warn",
        _ => "debug",
    };
    let filter =
        EnvFilter::try_from_env("PORCHLIGHT_LOG").unwrap_or_else(|_| EnvFilter::new(default));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(|| output::LogWriter).init();
}
