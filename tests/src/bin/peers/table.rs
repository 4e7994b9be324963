//! The figures as a Markdown table.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::app::{App, State};
use crate::desk::Figures;
use crate::options::Options;

/// What was measured of everybody.
#[derive(Debug, Default)]
pub(crate) struct Results {
    versions: BTreeMap<App, String>,
    figures: BTreeMap<(App, State), Vec<Figures>>,
    broken: BTreeMap<App, usize>,
}

impl Results {
    pub(crate) fn add(&mut self, app: App, version: String, measured: Vec<(State, Figures)>) {
        self.versions.insert(app, version);
        for (state, figures) in measured {
            self.figures.entry((app, state)).or_default().push(figures);
        }
    }

    /// A run that came to nothing.
    pub(crate) fn add_broken(&mut self, app: App) {
        *self.broken.entry(app).or_default() += 1;
    }

    pub(crate) fn broken(&self) -> bool {
        !self.broken.is_empty()
    }
}

/// A line for each app in each state: median (least-most).
pub(crate) fn markdown(results: &Results, options: &Options) -> String {
    let idle = options.idle.as_secs();
    let mut text = format!(
        "| app | its window | private dirty memory, MiB | PSS, MiB | context switches in {idle} s | processor time in \
         {idle} s, ms | start to seen online, s |\n|---|---|---|---|---|---|---|\n"
    );
    for &app in &options.apps {
        let version = results.versions.get(&app).map_or("?", String::as_str);
        for state in State::BOTH {
            let Some(runs) = results.figures.get(&(app, state)) else { continue };
            let values = |of: fn(&Figures) -> f64| runs.iter().map(of).collect();
            let cell = |of| median_and_range(values(of), three_digits);
            let whole = |of| median_and_range(values(of), |value| format!("{value:.0}"));
            let cells = [
                cell(|figures| mib(figures.memory.private_dirty)),
                cell(|figures| mib(figures.memory.proportional)),
                whole(|figures| number(figures.activity.switches)),
                cell(|figures| figures.activity.processor.as_secs_f64() * 1000.0),
                cell(|figures| figures.start.as_secs_f64()),
            ];
            let (name, state) = (app.name(), state.name());
            writeln!(text, "| {name} {version} | {state} | {} |", cells.join(" | "))
                .expect("a string takes it");
        }
        if let Some(broken) = results.broken.get(&app) {
            writeln!(
                text,
                "| {} {version} | {broken} of {} runs came to nothing | | | | | |",
                app.name(),
                options.runs
            )
            .expect("a string takes it");
        }
    }
    text
}

fn median_and_range(mut values: Vec<f64>, written: impl Fn(f64) -> String) -> String {
    values.sort_by(f64::total_cmp);
    let (least, most) = (written(values[0]), written(values[values.len() - 1]));
    // Of an even number, the lower of the two in the middle: one that was measured.
    let median = written(values[(values.len() - 1) / 2]);
    if least == most { median } else { format!("{median} ({least}-{most})") }
}

/// As many as mean something.
fn three_digits(value: f64) -> String {
    if value >= 100.0 {
        format!("{value:.0}")
    } else if value >= 10.0 {
        format!("{value:.1}")
    } else {
        format!("{value:.2}")
    }
}

fn mib(kib: u64) -> f64 {
    number(kib) / 1024.0
}

#[expect(clippy::cast_precision_loss, reason = "all of it is less than 2^52")]
fn number(value: u64) -> f64 {
    value as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_tells_the_median_and_how_far_the_others_were() {
        assert_eq!(median_and_range(vec![12.0], three_digits), "12.0");
        assert_eq!(median_and_range(vec![250.4, 99.9, 180.0], three_digits), "180 (99.9-250)");
        assert_eq!(median_and_range(vec![0.171, 0.169], three_digits), "0.17");
    }
}
