//! Tests of one whole day.

use std::sync::OnceLock;

use porchlight_core::engine::Rule;

use super::*;
use crate::cause::Cause;
use crate::figures::Figures;

const DAY: u64 = 1;

fn measured(design: Design, without: Without) -> Figures {
    run(design, DAY, &script::day(DAY), without)
}

/// The day with all rules, measured once for all tests.
fn with_all_rules(design: Design) -> &'static Figures {
    static DAYS: [OnceLock<Figures>; 4] = [const { OnceLock::new() }; 4];
    DAYS[design as usize].get_or_init(|| measured(design, Without::Nothing))
}

#[test]
fn the_same_day_gives_the_same_figures() {
    let (again, kept) =
        (measured(Design::Mosquitto, Without::Nothing), with_all_rules(Design::Mosquitto));
    assert_eq!(again.wrong().to_bits(), kept.wrong().to_bits());
    assert_eq!(again.events, kept.events);
}

#[test]
fn one_day_keeps_the_bars() {
    let columns: Vec<_> = Design::ALL
        .into_iter()
        .map(|design| Column { design, days: vec![(DAY, with_all_rules(design))] })
        .collect();
    let (bars, hold) = table::bars(&columns);
    assert!(hold, "{bars}{}", table::table(&columns));
}

#[test]
fn without_wills_a_killed_app_is_shown_for_long() {
    let killed = |figures: &Figures| figures.wrong_by(Cause::Kill);
    let figures = measured(Design::Hub, Without::Wills);
    let (without, with) = (killed(&figures), killed(with_all_rules(Design::Hub)));
    assert!(without > 10.0 * with, "{with} with, {without} without");
    let (bars, hold) = table::bars(&[Column { design: Design::Hub, days: vec![(DAY, &figures)] }]);
    assert!(!hold && bars.contains("MISSED"), "{bars}");
}

#[test]
fn a_timeline_has_what_the_person_did_and_what_others_saw_wrongly() {
    let gita = script::person_named("gita").unwrap();
    let text = trace::timeline(gita, &script::day(DAY), with_all_rules(Design::Hub));
    for line in ["gita: CutCable", "is offline, shown online for", "THE BROKER ends (Kill)"] {
        assert!(text.contains(line), "{line:?} is missing:\n{text}");
    }
}

#[test]
fn without_the_grace_every_short_drop_is_shown() {
    let (with, without) =
        (with_all_rules(Design::Hub), measured(Design::Hub, Without::Rule(Rule::Grace)));
    let dropped = |figures: &Figures| figures.wrong_by(Cause::Drop);
    assert!(dropped(&without) > dropped(with), "{} with", dropped(with));
    assert!(without.times() > with.times(), "{} with", with.times());
}

#[test]
fn without_settling_an_end_of_the_broker_is_shown() {
    let ended = |figures: &Figures| figures.wrong_by(Cause::Broker);
    let without = ended(&measured(Design::Mosquitto, Without::Rule(Rule::Settle)));
    let with = ended(with_all_rules(Design::Mosquitto));
    assert!(without > with, "{with} with, {without} without");
}
