//! The table, and whether the figures keep the bars.

use std::fmt::Write as _;

use crate::app::Design;
use crate::cause::Cause;
use crate::figures::{Figures, Wrong};
use crate::script::{Ms, name_of};

/// Wrong minutes a person and day, at most, for Porchlight on the hub.
const BAR: f64 = 0.5;
/// And at most this share of each other design's.
const SHARE: f64 = 0.1;

/// The days of one design, each with its number.
pub(crate) struct Column<'a> {
    pub(crate) design: Design,
    pub(crate) days: Vec<(u64, &'a Figures)>,
}

impl Column<'_> {
    fn each(&self, of: impl Fn(&Figures) -> f64) -> impl Iterator<Item = f64> {
        self.days.iter().map(move |(_, figures)| of(figures))
    }

    fn mean(&self, of: impl Fn(&Figures) -> f64) -> f64 {
        let count = u32::try_from(self.days.len()).expect("few days");
        self.each(of).sum::<f64>() / f64::from(count.max(1))
    }

    fn worst(&self) -> Option<(u64, Wrong)> {
        let worst = self.days.iter().filter_map(|(day, figures)| Some((*day, figures.worst()?)));
        worst.max_by_key(|(day, wrong)| (wrong.lasts(), std::cmp::Reverse(*day)))
    }
}

/// All figures.
pub(crate) fn table(columns: &[Column<'_>]) -> String {
    let mut text = String::new();
    let mut row = |title: &str, cells: Vec<String>| {
        let cells: String = cells.iter().map(|cell| format!("{cell:>13}")).collect();
        writeln!(text, "{title:<28}{cells}").expect("a string takes it");
    };
    row("", columns.iter().map(|c| c.design.title().0.to_owned()).collect());
    row("", columns.iter().map(|c| c.design.title().1.to_owned()).collect());
    let means = |of: &dyn Fn(&Figures) -> f64| {
        columns.iter().map(|column| format!("{:.2}", column.mean(of))).collect::<Vec<_>>()
    };
    row("wrong", means(&Figures::wrong));
    let range = |column: &Column<'_>| {
        let least = column.each(Figures::wrong).fold(f64::INFINITY, f64::min);
        let most = column.each(Figures::wrong).fold(0.0, f64::max);
        format!("{least:.2}-{most:.2}")
    };
    row("  least-most of the days", columns.iter().map(range).collect());
    row("  of it: here or gone", means(&Figures::here_or_gone));
    row("  times, of 1 s or more", means(&Figures::times));
    row("in doubt", means(&Figures::doubt));
    row("wrong after", Vec::new());
    for cause in Cause::ALL {
        row(&format!("  {}", cause.title()), means(&|figures| figures.wrong_by(cause)));
    }
    text.push_str("\nThe worst single event:\n");
    for column in columns {
        let (first, second, _) = column.design.title();
        let name = format!("{first} {second}").replace("- ", "");
        match column.worst() {
            Some((day, wrong)) => writeln!(text, "  {name}, day {day}: {}", event(&wrong)),
            None => writeln!(text, "  {name}: nothing was wrong"),
        }
        .expect("a string takes it");
    }
    text
}

/// What the table's words mean.
pub(crate) const LEGEND: &str = "\
Minutes a person and working day, means of all days. Each moment counts by the share of those
looking who see a wrong dot: a minute in which three of nine see one counts as 20 seconds.
looking      sitting at a computer whose app runs
wrong        the dot differs from the truth. A person is online within five minutes of input to an
             unlocked computer; away when their computers that run are all locked or idle; offline
             when all are asleep, off, without the app, or cut off for minutes. A network that
             drops for 40 s or less does not change the truth
here or gone somebody who is here is shown as offline, or the reverse
times        how often one viewer is shown a wrong dot of one person for a second or longer
in doubt     the screen itself says that it may be out of date; not counted as wrong
wrong after  what last happened to the person before the dot became wrong
";

/// Describes one wrong dot in a line.
pub(crate) fn event(wrong: &Wrong) -> String {
    format!(
        "{}, {} on {}'s screen is {} and shown {} for {} ({})",
        time(wrong.from),
        name_of(wrong.person),
        name_of(wrong.viewer),
        wrong.truth.word(),
        wrong.shown.word(),
        span(wrong.lasts()),
        wrong.cause.title(),
    )
}

/// `12:31:05`.
pub(crate) fn time(at: Ms) -> String {
    let seconds = at / 1_000;
    format!("{:02}:{:02}:{:02}", seconds / 3_600, seconds / 60 % 60, seconds % 60)
}

/// `16.2 s`, `5.0 min`.
pub(crate) fn span(lasted: Ms) -> String {
    if lasted < 1_000 {
        format!("{lasted} ms")
    } else if lasted < 120_000 {
        format!("{}.{} s", lasted / 1_000, lasted / 100 % 10)
    } else {
        format!("{}.{} min", lasted / 60_000, lasted / 6_000 % 10)
    }
}

/// One line for each bar, and whether all hold.
pub(crate) fn bars(columns: &[Column<'_>]) -> (String, bool) {
    let wrong = |design: Design| {
        let column = columns.iter().find(|column| column.design == design);
        column.map(|column| column.mean(Figures::wrong))
    };
    let Some(hub) = wrong(Design::Hub) else { return (String::new(), true) };
    let mut bars = vec![("on the hub at most 0.5".to_owned(), BAR)];
    for (design, name) in [(Design::Simple, "a simple client"), (Design::Heartbeats, "heartbeats")]
    {
        if let Some(theirs) = wrong(design) {
            bars.push((format!("at most a tenth of that of {name}"), theirs * SHARE));
        }
    }
    let mut text = String::new();
    let mut hold = true;
    for (what, most) in bars {
        let holds = hub <= most;
        hold &= holds;
        let verdict = if holds { "holds" } else { "MISSED" };
        writeln!(text, "bar: {what}: {hub:.2} <= {most:.2} {verdict}").expect("a string takes it");
    }
    (text, hold)
}
