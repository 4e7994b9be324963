//! Measures what docs/figures.md lists under *What it costs*: what the app in the tray costs, and how quick it is.
//!
//! Measures the programs of its own profile, so run it as `make bench`, which builds a release first. The hub and the
//! demo team run in processes of their own, and nothing of them is counted. Words behind the program's name select:
//! `cost`, `idle`, `start`, `latency`, `who`, `thousand`, `window`.

use std::time::Duration;

mod cost;
mod latency;
mod start;
mod thousand;
mod who;
mod window;

/// A measured figure, what it is, and what it shall be at most.
struct Figure {
    what: &'static str,
    value: String,
    bar: &'static str,
    holds: bool,
}

impl Figure {
    fn at_most(what: &'static str, value: f64, unit: &str, limit: f64, bar: &'static str) -> Self {
        Self { what, value: format!("{value:.1} {unit}"), bar, holds: value <= limit }
    }
}

#[tokio::main]
async fn main() {
    let selected: Vec<_> = std::env::args().skip(1).collect();
    let wanted = |name| selected.is_empty() || selected.iter().any(|selected| selected == name);
    let mut figures = Vec::new();
    if wanted("cost") {
        figures.extend(cost::measure().await);
    }
    if wanted("idle") {
        figures.extend(cost::headless_wake_ups().await);
    }
    if wanted("start") {
        figures.extend(start::measure().await);
    }
    if wanted("latency") {
        figures.extend(latency::measure().await);
    }
    if wanted("who") {
        figures.extend(who::measure().await);
    }
    if wanted("thousand") {
        figures.extend(thousand::measure().await);
    }
    if wanted("window") {
        figures.extend(window::measure().await);
    }
    println!();
    println!("| figure | measured | bar |");
    println!("|---|---|---|");
    for figure in &figures {
        let mark = if figure.holds { "" } else { " **missed**" };
        println!("| {} | {}{mark} | {} |", figure.what, figure.value, figure.bar);
    }
    if figures.iter().any(|figure| !figure.holds) {
        std::process::exit(1);
    }
}

/// The value below which this part of the sorted values lies.
fn quantile(sorted: &[Duration], part: f64) -> Duration {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        clippy::cast_sign_loss,
        reason = "a few hundred values"
    )]
    let at = ((sorted.len() as f64 * part).ceil() as usize).clamp(1, sorted.len()) - 1;
    sorted[at]
}

fn ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}
