//! Carries out one operation on the membership, and says on the terminal how far it is.

use porchlight_agent::flags::Resolved;
use porchlight_core::view::Problem;
use porchlight_membership::{Event, Membership, Settings};
use porchlight_team::Report;
use tokio::time::timeout;

use super::{KEYRING_MESSAGE, KEYRING_MESSAGE_AFTER};
use crate::failure::Failure;
use crate::output;

/// How often an unknown outcome is asked for again before the command ends. That takes half a minute.
const MAX_ATTEMPTS: u32 = 5;

/// The membership of this account. This program starts no hub for it.
pub(super) fn membership(resolved: &Resolved) -> Membership {
    Membership::new(Settings {
        state: resolved.places.state.clone(),
        store: resolved.places.team_store(),
        proxy: resolved.proxy.clone(),
        hub: None,
    })
}

/// Waits until the operation is done. `asked` shows the digits of a request to join.
pub(crate) async fn finish(
    membership: &mut Membership,
    asked: impl Fn(&str),
) -> Result<Report, Failure> {
    let mut attempts = 0;
    let mut was_told = false;
    loop {
        let Ok(event) = timeout(KEYRING_MESSAGE_AFTER, membership.event()).await else {
            if membership.waits_for_keyring() && !std::mem::replace(&mut was_told, true) {
                output::note(KEYRING_MESSAGE);
            }
            continue;
        };
        match event {
            Event::Report(Report::Asked { code }) => asked(&code),
            Event::Report(Report::AskingAgain(problem)) => {
                attempts += 1;
                if attempts == MAX_ATTEMPTS {
                    return Err(Failure::NoConnection(format!(
                        "it is not known yet whether this was done: {}. Run the command again to ask again",
                        problem.message
                    )));
                }
                output::note(&format!("{}; asking again ...", problem.message));
            }
            Event::Report(Report::Failed(problem) | Report::Stuck(problem)) => {
                return Err(failure(problem));
            }
            Event::Report(report) => return Ok(report),
            Event::Hub(_) => {}
        }
    }
}

/// How a problem ends a command.
pub(crate) fn failure(problem: Problem) -> Failure {
    let Problem { code, message } = problem;
    match code.as_str() {
        "unreachable" | "timed_out" => Failure::NoConnection(format!(
            "the computer that hosts the team can't be reached; check that it is switched on, and that both computers are connected ({message})"
        )),
        "keyring_absent" | "keyring_locked" | "keyring_refused" | "keyring_failed" => {
            Failure::Usage(format!(
                "{message}. Or agree to keep the secret in a file that only this account may read, without a password (--keep-in-file)"
            ))
        }
        "member_already"
        | "membership_damaged"
        | "membership_not_saved"
        | "credential_missing"
        | "operation_damaged"
        | "busy"
        | "no_team"
        | "hosts_already" => Failure::Usage(message),
        "token_unknown" | "token_expired" | "token_used_up" | "bad_name" | "full"
        | "too_many_attempts" | "not_signed_in" | "not_allowed" | "not_found" | "not_saved"
        | "too_many_invited" | "last_owner" | "not_reachable" | "arriving" | "in_use"
        | "backup_serves" | "standby" | "bad_request" | "unknown" | "hosts_team"
        | "request_refused" | "request_expired" | "interrupted" => Failure::Refused(message),
        "tls" | "no_hub" | "hub" | "move" | "internal" => Failure::Other(anyhow::anyhow!(message)),
        _ => Failure::NoConnection(message),
    }
}
