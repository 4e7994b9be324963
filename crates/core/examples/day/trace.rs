//! One person's day, line by line: what they did, and what others saw wrongly.

use std::fmt::Write as _;

use crate::cause::Cause;
use crate::figures::{Figures, Wrong};
use crate::script::{Ms, PEOPLE, Step, What, name_of, person_of};
use crate::table::{span, time};

/// Dots that became wrong within this time for the same reason share a line.
const TOGETHER: Ms = 3_000;

/// The timeline of a person.
pub(crate) fn timeline(person: usize, steps: &[Step], figures: &Figures) -> String {
    let mut lines: Vec<(Ms, String)> = steps.iter().filter_map(|step| did(person, step)).collect();
    let mut wrong: Vec<_> =
        figures.events.iter().filter(|wrong| wrong.person == person).copied().collect();
    wrong.sort_by_key(|wrong| (wrong.cause, wrong.shown, wrong.truth, wrong.from));
    let alike = |a: &Wrong, b: &Wrong| {
        (a.cause, a.shown, a.truth) == (b.cause, b.shown, b.truth) && b.from - a.from < TOGETHER
    };
    for group in wrong.chunk_by(alike) {
        lines.push((group[0].from, shown(group)));
    }
    lines.sort_by_key(|(at, _)| *at);
    let mut text = String::new();
    for (at, line) in lines {
        writeln!(text, "{}  {line}", time(at)).expect("a string takes it");
    }
    writeln!(text, "\nWrong minutes of {}:", name_of(person)).expect("a string takes it");
    for cause in Cause::ALL {
        let wrong = figures.wrong_of(person, cause);
        if wrong > 0.0 {
            writeln!(text, "  {:<26}{wrong:>6.2}", cause.title()).expect("a string takes it");
        }
    }
    text
}

fn did(person: usize, step: &Step) -> Option<(Ms, String)> {
    let line = match step.what {
        What::BrokerEnds { how, for_ms } => {
            format!("THE BROKER ends ({how:?}) and is back after {}", span(for_ms))
        }
        What::At { machine, action } if person_of(machine) == person => {
            let which = if machine < PEOPLE { "" } else { " at the second computer" };
            format!("{}: {action:?}{which}", name_of(person))
        }
        What::At { .. } => return None,
    };
    Some((step.at, line))
}

fn shown(group: &[Wrong]) -> String {
    let lasted = |pick: fn(Ms, Ms) -> Ms| group.iter().map(Wrong::lasts).reduce(pick).unwrap_or(0);
    let (least, most) = (lasted(Ms::min), lasted(Ms::max));
    let whom: Vec<_> = group.iter().map(|wrong| name_of(wrong.viewer)).collect();
    let lasted =
        if least == most { span(least) } else { format!("{} to {}", span(least), span(most)) };
    format!(
        "    wrong: is {}, shown {} for {lasted} to {} ({})",
        group[0].truth.word(),
        group[0].shown.word(),
        whom.join(", "),
        group[0].cause.title(),
    )
}
