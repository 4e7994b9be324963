//! Runs a test in a process of its own, if it changes its whole process: network or environment.

use std::process::Command;

const ALONE: &str = "PORCHLIGHT_TEST_ALONE";

/// Whether this is that process.
pub(super) fn is_alone() -> bool {
    std::env::var_os(ALONE).is_some()
}

/// Runs the named test once more. `command` ends with the program to run.
pub(super) fn run(test: &str, mut command: Command) {
    command.env(ALONE, "1").args([test, "--exact", "--nocapture"]);
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let complained = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{test} alone: {said}\n{complained}");
    assert!(said.contains("1 passed"), "{test} did not run alone: {said}");
}

/// The path of this test program.
pub(super) fn program() -> std::path::PathBuf {
    std::env::current_exe().unwrap()
}
