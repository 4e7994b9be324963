//! Reads activity as JSON lines from the standard input: the program that starts Porchlight reports
//! whether the person is there.
//!
//! Each line is one object with one fact; `line` has the vocabulary. Nothing is known before the
//! first line. An invalid line is logged and skipped. The end of the input ends the source.

mod line;
mod reader;
mod thread;

pub use line::{LINE_LIMIT, LineError, parse_line};

use crate::description::{Missing, Subject};
use crate::supervise::Supervisor;

pub(crate) fn run(supervisor: &mut Supervisor) {
    match thread::ThreadedStdin::start() {
        Ok(input) => supervisor.run_once(Subject::Idle, reader::JsonLines::new(input)),
        Err(error) => supervisor.never(
            Subject::Idle,
            Missing::new(
                format!("the standard input can't be read ({error})"),
                "start Porchlight again, or set your status by hand",
            ),
        ),
    }
}
