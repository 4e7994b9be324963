//! Runs a function on many inputs.

use std::env;
use std::panic::{self, AssertUnwindSafe};
use std::str::FromStr;

use allocation_counter::measure;

use crate::{Corpus, Mutator};

/// The number of cases of all tests together.
const DEFAULT_CASES: usize = 100_000;
/// How much memory a function may hold at a time: this many bytes for each byte of its input, plus
/// [`BASE_MEMORY`].
const MEMORY_PER_BYTE: u64 = 256;
const BASE_MEMORY: u64 = 64 * 1024;
/// How much memory a function may allocate in total, for each byte of its input. More means that it
/// copies its input again and again.
const TRAFFIC_PER_BYTE: u64 = 16 * MEMORY_PER_BYTE;

/// The number of cases for a test with this share, in percent, of all cases.
#[must_use]
pub fn cases(percent: usize) -> usize {
    variable("PORCHLIGHT_FUZZ_CASES").unwrap_or(DEFAULT_CASES) * percent / 100
}

/// The seed of this run.
#[must_use]
pub fn seed() -> u64 {
    variable("PORCHLIGHT_FUZZ_SEED").unwrap_or_else(|| fastrand::u64(..))
}

fn variable<T: FromStr>(name: &str) -> Option<T> {
    let value = env::var(name).ok()?;
    Some(value.parse().unwrap_or_else(|_| panic!("{name} is a number, not {value:?}")))
}

/// Calls `target` with every input of the corpus, and with [`cases`] mutations.
///
/// # Panics
///
/// If `target` panics, or uses too much memory in proportion to its input. The message contains the
/// input and the seed.
pub fn run(name: &str, corpus: Corpus, percent: usize, target: impl Fn(&[u8])) {
    let (seed, cases) = (seed(), cases(percent));
    println!("{name}: {cases} cases, PORCHLIGHT_FUZZ_SEED={seed}");
    // Memory that is allocated once, such as a table, belongs to no case.
    target(&corpus.inputs()[0]);
    for input in corpus.inputs() {
        run_case(name, seed, input, &target);
    }
    let mut mutator = Mutator::new(corpus, seed);
    for _ in 0..cases {
        let input = mutator.input();
        run_case(name, seed, &input, &target);
    }
}

fn run_case(name: &str, seed: u64, input: &[u8], target: &impl Fn(&[u8])) {
    let mut outcome = Ok(());
    let usage = measure(|| {
        outcome = panic::catch_unwind(AssertUnwindSafe(|| target(input)));
    });
    let length = input.len() as u64;
    let peak_is_fine = usage.bytes_max <= BASE_MEMORY + MEMORY_PER_BYTE * length;
    let total_is_fine = usage.bytes_total <= 16 * BASE_MEMORY + TRAFFIC_PER_BYTE * length;
    if outcome.is_ok() && peak_is_fine && total_is_fine {
        return;
    }
    let what = match outcome {
        Err(_) => "panicked".to_owned(),
        Ok(()) => format!("took {} bytes at a time, {} in all", usage.bytes_max, usage.bytes_total),
    };
    panic!(
        "{name} {what} (PORCHLIGHT_FUZZ_SEED={seed}) on these {length} bytes: {}",
        input.escape_ascii()
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fails(target: impl Fn(&[u8])) -> String {
        let corpus = Corpus::of(["presence/anna/device/k3v9"]);
        let failed = panic::catch_unwind(AssertUnwindSafe(|| run("test", corpus, 5, target)));
        *failed.expect_err("it is found").downcast::<String>().expect("a message")
    }

    #[test]
    fn a_panic_is_found_and_its_input_printed() {
        let message = fails(|input| assert!(!input.contains(&b'+'), "a wildcard"));
        assert!(message.starts_with("test panicked (PORCHLIGHT_FUZZ_SEED="), "{message}");
        assert!(message.rsplit(": ").next().is_some_and(|input| input.contains('+')), "{message}");
    }

    #[test]
    fn memory_out_of_proportion_is_found() {
        // Allocates the length that the input claims.
        let message = fails(|input| {
            let claimed =
                input.get(..2).map_or(0, |two| usize::from(two[0]) << 8 | usize::from(two[1]));
            drop(Vec::<u64>::with_capacity(claimed));
        });
        assert!(message.contains("bytes at a time"), "{message}");
    }

    #[test]
    fn work_out_of_proportion_is_found() {
        let message = fails(|input| {
            for start in 0..input.len() {
                drop(std::hint::black_box(input[start..].to_vec()));
            }
        });
        assert!(message.contains("in all"), "{message}");
    }
}
