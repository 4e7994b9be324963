//! `porchlight leave`: leaves the team, with all devices or with this one.

use porchlight_agent::flags::Flags;
use porchlight_team::{LeaveScope, Leaving, Operation, Report};

use super::operation;
use crate::args::Leave;
use crate::failure::Failure;
use crate::output;

pub(crate) async fn leave(flags: &Flags, args: Leave) -> Result<(), Failure> {
    let resolved = flags.resolve().map_err(Failure::usage)?;
    let team = super::membership(&resolved)?.team().to_owned();
    let scope = if args.this_device { LeaveScope::Device } else { LeaveScope::Team };
    let mut membership = operation::membership(&resolved);
    membership
        .begin(Operation::Leave(Leaving { scope, anyway: args.anyway }))
        .map_err(operation::failure)?;
    let report = operation::finish(&mut membership, |_| {}).await.map_err(|failure| match failure {
        Failure::NoConnection(message) => Failure::NoConnection(format!(
            "this device is still in {team}: {message}. Try again later, or add --anyway to forget the team on this computer only"
        )),
        other => other,
    })?;
    match report {
        Report::Left { unconfirmed } => {
            if let Some(problem) = unconfirmed {
                output::warn(&format!(
                    "this device could not sign out ({}); ask the owner of {team} to remove it",
                    problem.message
                ));
            }
            output::print(&format!("this device has left {team}"));
            Ok(())
        }
        _ => Err(Failure::Refused(
            "an earlier command was interrupted, and is done now; run this one again".to_owned(),
        )),
    }
}
