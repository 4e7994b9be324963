//! A working day, measured: for how many minutes of it a person's dot is wrong on the screens of others.
//!
//! Twelve people have the same scripted day ([`script`]) with Porchlight on the hub, with Porchlight on a broker as late as
//! Mosquitto, with a client of one topic a person, and with heartbeats. All run in one simulated network. Run it as
//! `make day`. It exits with 1 when Porchlight misses a bar.
//!
//! The truth is what people do, never what a program says, as in the truth benchmark (`tests/src/bin/truth`): after a
//! killed app or a cut cable somebody is offline at once, and a short drop changes nothing. [`table::LEGEND`] defines each
//! figure. Where the other designs leave something open, they get the more favourable answer (`app/simple.rs`,
//! `app/heartbeat.rs`). No design learns that the network changed, although on most systems Porchlight does.

mod app;
#[expect(dead_code, reason = "only the random schedules use all of it")]
#[path = "../../tests/sim/broker.rs"]
mod broker;
mod cause;
mod figures;
mod script;
mod simulation;
mod table;
mod trace;

use std::io::IsTerminal as _;
use std::process::ExitCode;

use app::Design;
use figures::Figures;
use simulation::{Without, run};
use table::Column;

const USAGE: &str = "usage: day [--days N] [--trace NAME] [--day N] [--design hub|mosquitto|simple|heartbeats] [--without wills|grace|settle]";

struct Options {
    days: u64,
    /// Print this person's day line by line, of this day and design.
    trace: Option<usize>,
    day: u64,
    design: Design,
    /// Take this rule out; the figures must get worse.
    without: Without,
}

impl Options {
    fn parse(mut arguments: impl Iterator<Item = String>) -> Option<Self> {
        let mut options =
            Self { days: 10, trace: None, day: 1, design: Design::Hub, without: Without::Nothing };
        while let Some(flag) = arguments.next() {
            let value = arguments.next()?;
            match flag.as_str() {
                "--days" => options.days = value.parse().ok().filter(|days| *days > 0)?,
                "--day" => options.day = value.parse().ok()?,
                "--trace" => options.trace = Some(script::person_named(&value)?),
                "--design" => {
                    let named = |design: &Design| design.title().2 == value;
                    options.design = Design::ALL.into_iter().find(named)?;
                }
                "--without" => {
                    let named = Without::NAMED.into_iter().find(|(name, _)| *name == value);
                    options.without = named?.1;
                }
                _ => return None,
            }
        }
        Some(options)
    }
}

fn main() -> ExitCode {
    let Some(options) = Options::parse(std::env::args().skip(1)) else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    if let Some(person) = options.trace {
        let steps = script::day(options.day);
        let figures = run(options.design, options.day, &steps, options.without);
        print!("{}", trace::timeline(person, &steps, &figures));
        return ExitCode::SUCCESS;
    }
    let measured = Design::ALL.map(|design| (design, measure(design, &options)));
    let columns = measured
        .each_ref()
        .map(|(design, days)| Column { design: *design, days: (1..).zip(days).collect() });
    println!("Twelve people, {} working days.\n", options.days);
    print!("{}\n{}", table::table(&columns), table::LEGEND);
    let (bars, hold) = table::bars(&columns);
    print!("\n{bars}");
    if hold { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn measure(design: Design, options: &Options) -> Vec<Figures> {
    let watched = std::io::stderr().is_terminal();
    let days = (1..=options.days).map(|day| {
        if watched {
            eprint!("\r{:<10} day {day} of {} ", design.title().2, options.days);
        }
        run(design, day, &script::day(day), options.without)
    });
    let days = days.collect();
    if watched {
        eprint!("\r{:40}\r", "");
    }
    days
}

#[cfg(test)]
mod tests;
