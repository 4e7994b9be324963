//! `porchlight leave`: leaves the team, with all devices or with this one.

use porchlight_agent::flags::Flags;
use porchlight_agent::membership::Membership;
use porchlight_agent::team::{Team, TeamError};

use super::{hub_failure, membership_failure, with_keyring};
use crate::args::Leave;
use crate::failure::Failure;
use crate::output;

pub(crate) async fn leave(flags: &Flags, args: Leave) -> Result<(), Failure> {
    let resolved = flags.resolve().map_err(Failure::usage)?;
    let membership = super::membership(&resolved)?;
    let team = membership.team().to_owned();
    match sign_out(&membership, &args).await {
        Ok(()) => {}
        // The hub has removed this device already.
        Err(TeamError::Refused { code: "not_signed_in", .. }) => {}
        Err(error) if args.anyway => {
            output::warn(&format!(
                "this device could not sign out ({error}); ask the owner of {team} to remove it"
            ));
        }
        Err(error) => {
            return Err(match hub_failure(error) {
                Failure::NoConnection(message) => Failure::NoConnection(format!(
                    "this device is still in {team}: {message}. Try again later, or add --anyway to forget the team on this \
                     computer only"
                )),
                other => other,
            });
        }
    }
    with_keyring(membership.forget()).await.map_err(membership_failure)?;
    output::print(&format!("this device has left {team}"));
    Ok(())
}

async fn sign_out(membership: &Membership, args: &Leave) -> Result<(), TeamError> {
    let hub = with_keyring(Team::of(membership)).await?;
    if args.this_device { hub.revoke(membership.credential_id()).await } else { hub.leave().await }
}
