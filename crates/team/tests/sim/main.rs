//! The simulated world of memberships: computers with disks, hubs, a network that loses requests and answers, crashes at
//! every step, disks that fail.
//!
//! `SIM_SCHEDULES` is the number of schedules (3,000), `SIM_FROM` the first seed. What fails is shrunk and printed as a
//! schedule, to be added to `regressions.jsonl`.

mod backup;
mod hub;
mod schedule;
mod world;

use porchlight_team::Rule;
use schedule::{Schedule, draw};
use world::run;

fn setting(name: &str, default: u64) -> u64 {
    match std::env::var(name) {
        Ok(text) => text.parse().unwrap_or_else(|_| panic!("{name} is a number, not {text}")),
        Err(_) => default,
    }
}

/// Removes steps for as long as it still fails.
fn shrink<S: Clone>(mut steps: Vec<S>, fails: impl Fn(&[S]) -> bool) -> Vec<S> {
    let mut at = 0;
    while at < steps.len() {
        let mut shorter = steps.clone();
        shorter.remove(at);
        if fails(&shorter) {
            (steps, at) = (shorter, 0);
        } else {
            at += 1;
        }
    }
    steps
}

fn tell(schedule: Schedule, without: Option<Rule>) -> String {
    let fails = |steps: &[_]| run(&Schedule(steps.to_vec()), without).is_err();
    let schedule = Schedule(shrink(schedule.0, fails));
    let failure = run(&schedule, without).expect_err("it was shrunk to a schedule that fails");
    let json = serde_json::to_string(&schedule).expect("a schedule is plain data");
    format!("{}\n{json}\n{}", failure.what, failure.log.join("\n"))
}

#[test]
fn what_ever_failed_holds() {
    for line in include_str!("regressions.jsonl").lines() {
        let schedule: Schedule = serde_json::from_str(line).expect("a schedule");
        if run(&schedule, None).is_err() {
            panic!("{}", tell(schedule, None));
        }
    }
}

#[test]
fn in_the_end_every_member_is_in_one_team_with_one_hub() {
    let from = setting("SIM_FROM", 0);
    let mut done = [0; world::COUNTED.len()];
    for seed in from..from + setting("SIM_SCHEDULES", 3_000) {
        let schedule = draw(seed);
        match run(&schedule, None) {
            Ok(counts) => {
                for (sum, count) in done.iter_mut().zip(counts) {
                    *sum += count;
                }
            }
            Err(_) => panic!("seed {seed}: {}", tell(schedule, None)),
        }
    }
    // A simulation in which nothing succeeds proves nothing.
    for (name, count) in world::COUNTED.iter().zip(done) {
        println!("{count:>8} {name}");
        assert!(count > 0, "{name} never happened");
    }
}

fn is_missed(rule: Rule) {
    let fails = |schedule: &Schedule| run(schedule, Some(rule)).is_err();
    let found =
        (0..30_000).map(draw).find(|schedule| fails(schedule) && run(schedule, None).is_ok());
    let schedule = found.unwrap_or_else(|| panic!("without {rule:?} nothing went wrong"));
    println!("without {rule:?}: {}", tell(schedule, Some(rule)));
}

#[test]
fn without_the_intent_on_disk_a_crash_leaves_a_phantom() {
    is_missed(Rule::IntentFirst);
}

#[test]
fn without_the_credential_on_disk_a_crash_leaves_a_phantom() {
    is_missed(Rule::SecretFirst);
}

#[test]
fn without_asking_again_a_lost_answer_leaves_a_phantom() {
    is_missed(Rule::AskAgain);
}

#[test]
fn without_the_copy_a_lost_answer_leaves_no_hub() {
    is_missed(Rule::KeepCopy);
}

#[test]
fn without_the_note_a_crash_leaves_no_hub() {
    is_missed(Rule::NoteSent);
}

#[test]
fn without_arriving_two_hubs_serve() {
    is_missed(Rule::Arriving);
}

#[test]
fn with_the_intent_cleared_early_a_crash_leaves_a_phantom() {
    is_missed(Rule::ClearLast);
}

#[test]
fn without_keeping_the_store_a_refusal_removes_another_team() {
    is_missed(Rule::KeepStore);
}

#[test]
fn without_doubt_about_a_busy_hub_a_team_loses_its_hub() {
    is_missed(Rule::BusyIsUnknown);
}
