//! What was measured, as people and as programs read it.

use std::collections::HashMap;
use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::event::{Design, Event};
use crate::setup::Kind;
use crate::timeline::{Verdict, Wrong};

/// What was measured of one event with one design on one kind of broker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Cell {
    pub(crate) kind: Kind,
    pub(crate) event: Event,
    pub(crate) design: Design,
}

/// The verdicts of the runs. A run that broke down left none, and is counted.
#[derive(Debug, Clone, Default)]
pub(crate) struct Samples {
    pub(crate) verdicts: Vec<Verdict>,
    pub(crate) broken: usize,
}

/// Every cell that was measured.
pub(crate) type Results = HashMap<Cell, Samples>;

/// One Markdown table for this kind of broker.
pub(crate) fn markdown(kind: Kind, events: &[Event], results: &Results) -> String {
    let mut table = format!("### {}\n\n| event | watched for |", kind.title());
    for design in Design::ALL {
        write!(table, " {}: wrong, s | changes |", design.name()).expect("a string takes it");
    }
    let columns = "---|".repeat(2 + 2 * Design::ALL.len());
    write!(table, "\n|{columns}\n").expect("a string takes it");
    for &event in events {
        let window = event.window().as_secs();
        write!(table, "| {} | {window} s |", event.title()).expect("a string takes it");
        for design in Design::ALL {
            let samples = results.get(&Cell { kind, event, design });
            let (wrong, changes) = samples.map_or_else(|| ("-".into(), "-".into()), figures);
            write!(table, " {wrong} | {changes} |").expect("a string takes it");
        }
        table.push('\n');
    }
    table
}

/// Median and range of the times and of the changes.
pub(crate) fn figures(samples: &Samples) -> (String, String) {
    let broken = match samples.broken {
        0 => String::new(),
        broken => format!("**{broken} broke down**"),
    };
    if samples.verdicts.is_empty() {
        return (broken, "-".to_owned());
    }
    let wrong = spread(samples.verdicts.iter().map(|verdict| verdict.wrong), seconds);
    let changes = spread(samples.verdicts.iter().map(|verdict| verdict.changes), |n| n.to_string());
    let all_listed = samples.verdicts.iter().all(|verdict| verdict.listed);
    let unlisted = if all_listed { "" } else { ", then not listed" };
    let back = back(samples);
    (format!("{wrong}{unlisted}{back} {broken}").trim_end().to_owned(), changes)
}

/// How a whole team came back, where one was there.
fn back(samples: &Samples) -> String {
    let teams: Vec<_> = samples.verdicts.iter().filter_map(|verdict| verdict.team).collect();
    if teams.is_empty() {
        return String::new();
    }
    let sure = spread(teams.iter().map(|team| team.sure), seconds);
    let notices = spread(teams.iter().map(|team| team.notices), |n| n.to_string());
    format!("; all sure {sure} after its return, notices {notices}")
}

/// `median (least-most)`, or one figure where all look the same.
fn spread<T: Ord + Copy>(values: impl Iterator<Item = T>, show: impl Fn(T) -> String) -> String {
    let mut values: Vec<_> = values.collect();
    values.sort_unstable();
    // Of an even number the worse of the middle two: "for ever" has no mean.
    let median = show(values[values.len() / 2]);
    let (least, most) = (show(values[0]), show(values[values.len() - 1]));
    if least == most { median } else { format!("{median} ({least}-{most})") }
}

fn seconds(wrong: Wrong) -> String {
    match wrong {
        Wrong::ForEver => "for ever".to_owned(),
        Wrong::For(time) => match time.as_secs_f64() {
            0.0 => "0".to_owned(),
            time if time < 0.9995 => format!("{time:.3}"),
            time if time < 9.95 => format!("{time:.1}"),
            time => format!("{time:.0}"),
        },
    }
}

/// Every run, for programs. A dot that stayed wrong has no seconds.
pub(crate) fn record(results: &Results) -> Value {
    let mut cells: Vec<_> = results.iter().collect();
    let place = |cell: &Cell| {
        let kind = Kind::ALL.iter().position(|kind| *kind == cell.kind);
        let event = Event::ALL.iter().position(|event| *event == cell.event);
        let design = Design::ALL.iter().position(|design| *design == cell.design);
        (kind, event, design)
    };
    cells.sort_by_key(|(cell, _)| place(cell));
    let row = |(cell, samples): (&Cell, &Samples)| {
        let in_seconds = |wrong| match wrong {
            Wrong::For(time) => Some(time.as_secs_f64()),
            Wrong::ForEver => None,
        };
        let run = |verdict: &Verdict| {
            let Verdict { wrong, changes, listed, team } = *verdict;
            let mut run =
                json!({ "wrong_s": in_seconds(wrong), "changes": changes, "listed": listed });
            if let Some(team) = team {
                run["sure_s"] = in_seconds(team.sure).into();
                run["notices"] = team.notices.into();
            }
            run
        };
        json!({
            "broker": cell.kind.name(),
            "event": cell.event.name(),
            "design": cell.design.name(),
            "window_s": cell.event.window().as_secs(),
            "runs": samples.verdicts.iter().map(run).collect::<Vec<_>>(),
            "broken": samples.broken,
        })
    };
    cells.into_iter().map(row).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::timeline::Return;

    fn samples(of: &[(Option<u64>, usize)]) -> Samples {
        let verdict = |&(ms, changes): &(Option<u64>, usize)| {
            let wrong = ms.map_or(Wrong::ForEver, |ms| Wrong::For(Duration::from_millis(ms)));
            Verdict { wrong, changes, listed: true, team: None }
        };
        Samples { verdicts: of.iter().map(verdict).collect(), broken: 0 }
    }

    fn shown(of: &[(Option<u64>, usize)]) -> (String, String) {
        figures(&samples(of))
    }

    #[test]
    fn a_cell_has_the_median_and_the_range() {
        let runs = [(Some(44_000), 1), (Some(84_400), 1), (Some(35_000), 1)];
        assert_eq!(shown(&runs), ("44 (35-84)".to_owned(), "1".to_owned()));
        assert_eq!(shown(&[(Some(0), 0)]), ("0".to_owned(), "0".to_owned()));
        assert_eq!(shown(&[(Some(5), 1), (Some(3000), 2)]).0, "3.0 (0.005-3.0)");
        assert_eq!(shown(&[(Some(5), 1), (Some(3000), 2)]).1, "2 (1-2)");
    }

    #[test]
    fn a_dot_that_went_with_its_person_is_told() {
        let mut samples = samples(&[(Some(15_000), 1), (Some(15_000), 1)]);
        samples.verdicts[0].listed = false;
        assert_eq!(figures(&samples).0, "15, then not listed");
    }

    #[test]
    fn of_a_team_its_return_is_told() {
        let mut samples = samples(&[(Some(0), 0), (Some(0), 0), (Some(0), 0)]);
        for (verdict, sure) in samples.verdicts.iter_mut().zip([2_100, 1_900, 2_400]) {
            let sure = Wrong::For(Duration::from_millis(sure));
            verdict.team = Some(Return { sure, notices: 0 });
        }
        assert_eq!(figures(&samples).0, "0; all sure 2.1 (1.9-2.4) after its return, notices 0");
    }

    #[test]
    fn for_ever_is_longer_than_any_time() {
        assert_eq!(shown(&[(None, 1), (None, 1)]).0, "for ever");
        assert_eq!(shown(&[(None, 1), (Some(1000), 1), (None, 1)]).0, "for ever (1.0-for ever)");
        assert_eq!(shown(&[(Some(1), 1), (Some(1000), 1), (None, 1)]).0, "1.0 (0.001-for ever)");
    }

    #[test]
    fn runs_that_broke_down_are_not_hidden() {
        let broken = Samples { broken: 2, ..samples(&[(Some(6000), 1)]) };
        assert_eq!(figures(&broken).0, "6.0 **2 broke down**");
        let none = Samples { broken: 5, ..Samples::default() };
        assert_eq!(figures(&none), ("**5 broke down**".to_owned(), "-".to_owned()));
    }

    #[test]
    fn what_a_design_has_no_notion_of_is_a_dash() {
        let cell = Cell { kind: Kind::Hub, event: Event::Lock, design: Design::Porchlight };
        let results = Results::from([(cell, samples(&[(Some(4), 1)]))]);
        let table = markdown(Kind::Hub, &[Event::Lock], &results);
        let rows: Vec<_> = table.lines().skip(2).collect();
        assert_eq!(rows.len(), 3, "{table}");
        assert_eq!(rows[2], "| lock | 10 s | 0.004 | 1 | - | - | - | - |");
        let columns = |row: &str| row.matches('|').count();
        assert!(rows.iter().all(|row| columns(row) == columns(rows[0])), "{table}");
    }

    #[test]
    fn the_record_has_every_run_in_the_order_of_the_tables() {
        let cell = |event| Cell { kind: Kind::Mosquitto5, event, design: Design::Seed };
        let results = Results::from([
            (cell(Event::Kill), samples(&[(Some(1500), 1), (None, 3)])),
            (cell(Event::Quit), samples(&[])),
        ]);
        let record = record(&results);
        assert_eq!(record[0]["event"], "quit");
        assert_eq!(record[1]["runs"][0], json!({ "wrong_s": 1.5, "changes": 1, "listed": true }));
        assert_eq!(record[1]["runs"][1], json!({ "wrong_s": null, "changes": 3, "listed": true }));
        assert_eq!(record[1]["window_s"], 45);
    }
}
