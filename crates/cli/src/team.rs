//! What all commands about the team share: the membership, its hub, and how their errors end a command.
//!
//! Contains no command itself: `join`, `invite`, `members`, `token` and `leave` are the modules below.

use std::time::Duration;

use porchlight_agent::flags::{Flags, Resolved};
use porchlight_agent::membership::{Membership, MembershipError};
use porchlight_agent::team::{Team, TeamError};
use porchlight_core::input::ConnectionFailure;

use crate::failure::Failure;
use crate::output;

pub(crate) mod invite;
pub(crate) mod join;
pub(crate) mod leave;
pub(crate) mod members;
pub(crate) mod operation;
pub(crate) mod token;

/// A message announces a wait for the keyring that takes longer than this.
const KEYRING_MESSAGE_AFTER: Duration = Duration::from_secs(2);
const KEYRING_MESSAGE: &str =
    "Waiting for the keyring ... A window may ask for your password. Press Ctrl+C to give up.";

/// The membership of this account.
pub(crate) fn membership(resolved: &Resolved) -> Result<Membership, Failure> {
    Membership::read(&resolved.places.state, &resolved.proxy).map_err(membership_failure)?.ok_or_else(|| {
        Failure::Usage(
            "this account belongs to no team yet; join one with `porchlight join LINK`, or start one in the app or with \
             `porchlight hub`"
                .to_owned(),
        )
    })
}

/// Waits for something that needs the keyring, with a message if that takes long.
async fn with_keyring<T>(operation: impl Future<Output = T>) -> T {
    let mut operation = std::pin::pin!(operation);
    tokio::select! {
        outcome = &mut operation => return outcome,
        () = tokio::time::sleep(KEYRING_MESSAGE_AFTER) => output::note(KEYRING_MESSAGE),
    }
    operation.await
}

/// The membership of this account and the hub of its team.
async fn hub(flags: &Flags) -> Result<(Membership, Team), Failure> {
    connect(&flags.resolve().map_err(Failure::usage)?).await
}

/// The same with a config that was read already.
pub(crate) async fn connect(resolved: &Resolved) -> Result<(Membership, Team), Failure> {
    let membership = membership(resolved)?;
    let team = with_keyring(Team::of(&membership)).await.map_err(hub_failure)?;
    Ok((membership, team))
}

/// Ends a command with an error of the hub.
pub(crate) fn hub_failure(error: TeamError) -> Failure {
    match error {
        TeamError::Link(
            ConnectionFailure::Unreachable { .. } | ConnectionFailure::TimedOut { .. },
        ) => Failure::NoConnection(format!(
            "the computer that hosts the team can't be reached; check that it is switched on, and that both computers are connected ({error})"
        )),
        TeamError::Link(_) | TeamError::NoAnswer(_) | TeamError::Moved { .. } => {
            Failure::NoConnection(error.to_string())
        }
        TeamError::Refused { message, .. } => Failure::Refused(message),
        TeamError::Tls(_) | TeamError::NoHub { .. } | TeamError::Credential(_) => {
            Failure::Other(anyhow::Error::new(error))
        }
    }
}

/// Ends a command with an error of the stored membership.
fn membership_failure(error: impl Into<MembershipError>) -> Failure {
    let error = error.into();
    let is_keyring = matches!(error, MembershipError::Keyring(_));
    let hint = if is_keyring { " (--keep-in-file)" } else { "" };
    Failure::Usage(format!("{error}{hint}"))
}
