//! `porchlight leave`: belong to the team no longer, with all devices or with this one.

use porchlight_agent::flags::Flags;
use porchlight_agent::team::{Team, TeamError};

use super::{told, unkept, with_keyring};
use crate::args::Leave;
use crate::failure::Failure;
use crate::output;

pub(crate) async fn leave(flags: &Flags, args: Leave) -> Result<(), Failure> {
    let resolved = flags.resolve().map_err(Failure::usage)?;
    let membership = super::membership(&resolved)?;
    let team = membership.team().to_owned();
    match revoke(&membership, &args).await {
        Ok(()) => {}
        // Whom the hub does not know any more has left already.
        Err(TeamError::Refused { code: "not_signed_in", .. }) => {}
        Err(error) if args.anyway => {
            output::warn(&format!(
                "the team was not told ({error}); ask its owner to remove this device"
            ));
        }
        Err(error) => {
            return Err(match told(error) {
                Failure::NoConnection(words) => Failure::NoConnection(format!(
                    "{words}. Only the hub can take back what lets this device in; to forget the team here all the \
                     same: --anyway"
                )),
                other => other,
            });
        }
    }
    with_keyring(membership.forget()).await.map_err(unkept)?;
    output::print(&format!("this device belongs to {team} no longer"));
    Ok(())
}

async fn revoke(
    membership: &porchlight_agent::membership::Membership,
    args: &Leave,
) -> Result<(), TeamError> {
    let hub = with_keyring(Team::of(membership)).await?;
    if args.this_device { hub.revoke(membership.credential_id()).await } else { hub.leave().await }
}
