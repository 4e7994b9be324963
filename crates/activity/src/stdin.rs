//! JSON lines on the standard input: whoever starts Porchlight says whether the person is there.
//!
//! One object a line, one fact an object; `line` has the vocabulary. Before the first line nothing is
//! known. A line that is not understood is logged and skipped; the end of the input ends the source.

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
