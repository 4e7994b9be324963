//! What every command about the team needs: the membership, its hub, and why that did not work.
//!
//! Owns no command: `join`, `invite`, `members`, `token` and `leave` are below.

use std::time::Duration;

use porchlight_agent::flags::{Flags, Resolved};
use porchlight_agent::membership::{Membership, MembershipError};
use porchlight_agent::team::{Team, TeamError};

use crate::failure::Failure;
use crate::output;

pub(crate) mod invite;
pub(crate) mod join;
pub(crate) mod leave;
pub(crate) mod members;
pub(crate) mod token;

/// A wait for the keyring that takes longer than this is announced.
const NOTICE_AFTER: Duration = Duration::from_secs(2);

/// The team that this account belongs to.
fn membership(resolved: &Resolved) -> Result<Membership, Failure> {
    Membership::read(&resolved.places.state).map_err(unkept)?.ok_or_else(|| {
        Failure::Usage(
            "this account belongs to no team; join one with `porchlight join LINK`, or start one in the app or with \
             `porchlight hub`"
                .to_owned(),
        )
    })
}

/// Waits for something that needs the keyring, and says so where that takes a while.
async fn with_keyring<T>(what: impl Future<Output = T>) -> T {
    let mut what = std::pin::pin!(what);
    tokio::select! {
        it = &mut what => return it,
        () = tokio::time::sleep(NOTICE_AFTER) => output::note(
            "Waiting for the keyring ... It may ask for your password in a window. Ctrl+C gives up.",
        ),
    }
    what.await
}

/// The team's hub, to be asked.
async fn hub(flags: &Flags) -> Result<(Membership, Team), Failure> {
    asked(&flags.resolve().map_err(Failure::usage)?).await
}

/// The same, where config and flags were read already.
pub(crate) async fn asked(resolved: &Resolved) -> Result<(Membership, Team), Failure> {
    let membership = membership(resolved)?;
    let team = with_keyring(Team::of(&membership)).await.map_err(told)?;
    Ok((membership, team))
}

/// Why a hub did not do it, as the end of a command.
pub(crate) fn told(error: TeamError) -> Failure {
    match error {
        TeamError::Link(_) | TeamError::Moved { .. } => Failure::NoConnection(error.to_string()),
        TeamError::Refused { message, .. } => Failure::Refused(message),
        TeamError::Tls(_) | TeamError::NoHub { .. } | TeamError::Credential(_) => {
            Failure::Other(anyhow::Error::new(error))
        }
    }
}

/// Why a membership can't be had or kept, as the end of a command.
fn unkept(error: impl Into<MembershipError>) -> Failure {
    let error = error.into();
    let keyring = matches!(error, MembershipError::Keyring(_));
    let hint = if keyring { " (--keep-in-file)" } else { "" };
    Failure::Usage(format!("{error}{hint}"))
}
