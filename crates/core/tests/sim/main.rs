//! The simulated network: engines, a model broker, links that fail, one fake clock, random schedules.
//!
//! `SIM_SCHEDULES` is the number of schedules (200; `make test` runs 100,000 with the profile `sim`), `SIM_FROM` the first
//! seed, `SIM_SECONDS` the time after which no further schedule begins. `make sim SEEDS=n` runs other seeds than the tests do.
//! `SIM_KEEP=0` keeps no regression, `SIM_SHRINKING` bounds the runs that shrinking takes, `SIM_FAILURES` says with which failure
//! a run ends, `SIM_THREADS` the threads.

mod broker;
mod runner;
mod schedule;
mod simulation;
mod truth;

use porchlight_core::engine::Rule;

use runner::{regressions, run_many, say, setting};
use simulation::{Without, explain, run};

// A tenth of a run is spent on memory, by each thread for itself.
#[cfg(target_os = "linux")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[test]
fn what_ever_failed_holds() {
    for schedule in regressions() {
        if let Err(violation) = run(&schedule, Without::Nothing) {
            let told = explain(&schedule, Without::Nothing).join("\n");
            panic!("{violation:?}\n{schedule}\n{told}");
        }
    }
}

#[test]
fn in_the_end_every_viewer_is_right_and_nobody_was_shown_a_flap() {
    let batch = run_many(setting("SIM_FROM", 0), setting("SIM_SCHEDULES", 200), Without::Nothing);
    say(&batch.report());
    if let Some(failure) = &batch.failure {
        if setting("SIM_KEEP", 1) == 1 {
            failure.keep();
        }
        panic!("{}", failure.tell(Without::Nothing));
    }
}

/// Without a rule the run finds a counter-example within so many schedules.
fn is_missed(without: Without, within: u64) {
    let batch = run_many(0, within, without);
    let failure = batch.failure.unwrap_or_else(|| {
        panic!("{within} schedules without {without:?}, and nothing went wrong")
    });
    say(&format!(
        "without {without:?}, seed {}: {}\n{}",
        failure.seed, failure.violation.what, failure.schedule
    ));
}

#[test]
fn without_the_epoch_a_ghost_is_believed() {
    is_missed(Without::Rule(Rule::Epoch), 8_000);
}

#[test]
fn without_the_lease_a_lost_will_leaves_somebody_online_for_ever() {
    is_missed(Without::Rule(Rule::Lease), 2_000);
}

#[test]
fn without_the_grace_a_short_drop_is_shown() {
    is_missed(Without::Rule(Rule::Grace), 2_000);
}

#[test]
fn without_settling_a_restart_of_the_broker_is_shown() {
    is_missed(Without::Rule(Rule::Settle), 2_000);
}

#[test]
fn without_the_bound_corrections_do_not_end() {
    is_missed(Without::Rule(Rule::CorrectionBound), 2_000);
}

#[test]
fn without_the_check_of_ages_a_broker_that_shortens_expiry_loses_everybody() {
    is_missed(Without::Rule(Rule::AgeCheck), 2_000);
}

#[test]
fn without_the_check_of_times_somebody_is_there_since_1970() {
    is_missed(Without::Rule(Rule::TimeCheck), 2_000);
}

#[test]
fn without_clearing_what_is_pending_stale_states_are_said() {
    is_missed(Without::PendingCleared, 2_000);
}
