//! What happens, step by step, as plain data: it can be drawn, shrunk and kept.

use serde::{Deserialize, Serialize};

/// The number of computers.
pub(crate) const COMPUTERS: usize = 4;

/// Steps, each at one computer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Schedule(pub(crate) Vec<(usize, Step)>);

/// One step. A step that does not apply does nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Step {
    /// The person starts a team.
    Start,
    /// The person opens a link of the team that this computer hosts.
    Join(usize),
    /// The owner of the team that this computer hosts uses this one, too.
    AddDevice(usize),
    /// The person asks the team that this computer hosts.
    Request(usize),
    /// A member of the team that this computer hosts answers the oldest request.
    Decide(bool),
    /// The person takes the request back.
    Withdraw,
    /// The person wants to host the team here.
    Host,
    /// The person leaves.
    Leave,
    /// The step that is under way is carried out.
    Run(Fault),
    /// All steps are carried out, until the machine waits or is done.
    RunAll,
    /// The program ends before the step that is under way is carried out.
    Crash,
    /// The program ends after the step that is under way was carried out.
    CrashAfter,
    /// The program starts.
    Restart,
    /// Time passes.
    Wait(u8),
}

/// What goes wrong with a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Fault {
    /// Nothing.
    None,
    /// The disk, the keyring or the port refuses.
    Fails,
    /// The request does not arrive.
    RequestLost,
    /// No connection is accepted.
    NotSent,
    /// The hub does it, and the answer does not arrive.
    AnswerLost,
    /// The hub says that too many asked.
    Busy,
}

/// The schedule of a seed.
pub(crate) fn draw(seed: u64) -> Schedule {
    let mut rng = fastrand::Rng::with_seed(seed);
    let length = rng.usize(8..60);
    let mut steps = vec![(0, Step::Start), (0, Step::RunAll)];
    // Only an owner may host, so a second computer is often theirs.
    if rng.bool() {
        steps.extend([(1, Step::AddDevice(0)), (1, Step::RunAll)]);
    }
    let faults = [
        Fault::Fails,
        Fault::RequestLost,
        Fault::NotSent,
        Fault::AnswerLost,
        Fault::AnswerLost,
        Fault::Busy,
    ];
    while steps.len() < length {
        let at = rng.usize(..COMPUTERS);
        let step = match rng.u8(..100) {
            0..3 => Step::Start,
            3..8 => Step::Join(rng.usize(..COMPUTERS)),
            8..13 => Step::AddDevice(rng.usize(..COMPUTERS)),
            13..19 => Step::Request(rng.usize(..COMPUTERS)),
            19..26 => Step::Decide(rng.u8(..4) > 0),
            26..28 => Step::Withdraw,
            28..36 => Step::Host,
            36..38 => Step::Leave,
            38..50 => Step::Run(Fault::None),
            50..64 => Step::Run(faults[rng.usize(..faults.len())]),
            64..80 => Step::RunAll,
            80..84 => Step::Crash,
            84..88 => Step::CrashAfter,
            88..93 => Step::Restart,
            _ => Step::Wait(rng.u8(1..40)),
        };
        // A person who begins something mostly lets it go on for a while.
        let begins = matches!(
            step,
            Step::Join(_) | Step::AddDevice(_) | Step::Request(_) | Step::Host | Step::Leave
        );
        steps.push((at, step));
        if begins && rng.bool() {
            let clean = if step == Step::Host { rng.usize(3..8) } else { rng.usize(..6) };
            steps.extend(std::iter::repeat_n((at, Step::Run(Fault::None)), clean));
            let fault = faults[rng.usize(..faults.len())];
            steps.push((at, if rng.bool() { Step::Run(fault) } else { Step::CrashAfter }));
        }
    }
    Schedule(steps)
}
