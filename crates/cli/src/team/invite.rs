//! `porchlight invite`: links for those who shall join, and those who ask to be let in.

use std::io::IsTerminal as _;

use porchlight_agent::clock;
use porchlight_agent::flags::Flags;
use porchlight_agent::qr::Qr;
use porchlight_core::team::InviteOrder;

use super::told;
use crate::args::{Invitations, Invite};
use crate::failure::Failure;
use crate::output;

pub(crate) async fn invite(flags: &Flags, args: Invite) -> Result<(), Failure> {
    args.check().map_err(Failure::Usage)?;
    let (_, hub) = super::hub(flags).await?;
    match args.what {
        None => {
            let order = InviteOrder {
                for_me: args.me,
                uses: args.uses,
                lasts_s: args.lasting.map(|span| span.0.as_secs()),
            };
            let made = hub.invite(&order).await.map_err(told)?;
            if args.json {
                output::print_json(&made);
                return Ok(());
            }
            output::print(&made.link);
            // A picture is for eyes: whoever reads a pipe wants the link alone.
            if std::io::stdout().is_terminal()
                && let Ok(code) = Qr::of(&made.link)
            {
                output::write_out(format!("\n{}", code.half_blocks()).as_bytes());
            }
            let uses = match made.invite.uses_left {
                1 => "once".to_owned(),
                uses => format!("{uses} times"),
            };
            output::note(&format!(
                "it can be used {uses}, until {}",
                clock::local(made.invite.ends)
            ));
        }
        Some(Invitations::List) => {
            let invites = hub.invites().await.map_err(told)?;
            if args.json {
                output::print_json(&invites);
                return Ok(());
            }
            for invite in &invites {
                let whom = match &invite.for_user {
                    Some(user) => format!("a further device of {user}"),
                    None => "a new member".to_owned(),
                };
                let by = invite.by.as_ref().map(|by| format!("  by {by}")).unwrap_or_default();
                output::print(&format!(
                    "{}  for {whom}  {} left  until {}{by}",
                    invite.id,
                    invite.uses_left,
                    clock::local(invite.ends),
                ));
            }
            if invites.is_empty() {
                output::note("no invitation holds");
            }
        }
        Some(Invitations::Revoke { id }) => hub.uninvite(&id).await.map_err(told)?,
        Some(Invitations::Requests) => {
            let requests = hub.requests().await.map_err(told)?;
            if args.json {
                output::print_json(&requests);
                return Ok(());
            }
            for request in &requests {
                let kind =
                    request.kind.as_deref().map(|kind| format!("  {kind}")).unwrap_or_default();
                let (code, at) = (&request.code, clock::local(request.at));
                output::print(&format!(
                    "{}  {}{kind}  digits {code}  since {at}",
                    request.id, request.name
                ));
            }
            if requests.is_empty() {
                output::note("nobody asks to be let in");
            }
        }
        Some(Invitations::Approve { id }) => hub.decide(&id, true).await.map_err(told)?,
        Some(Invitations::Refuse { id }) => hub.decide(&id, false).await.map_err(told)?,
    }
    Ok(())
}
