//! A test in a process of its own, for what belongs to a whole process: its network, its environment.

use std::process::Command;

const ALONE: &str = "PORCHLIGHT_TEST_ALONE";

/// Whether this is the process of its own.
pub(super) fn is_alone() -> bool {
    std::env::var_os(ALONE).is_some()
}

/// Runs the test of that name once more, by a command that ends with the program to run.
pub(super) fn run(test: &str, mut command: Command) {
    command.env(ALONE, "1").args([test, "--exact", "--nocapture"]);
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let complained = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{test} alone: {said}\n{complained}");
    assert!(said.contains("1 passed"), "{test} did not run alone: {said}");
}

/// This program.
pub(super) fn program() -> std::path::PathBuf {
    std::env::current_exe().unwrap()
}
