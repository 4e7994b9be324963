//! `porchlight invite`: links that let people and devices join, and people who ask to join.

use std::io::IsTerminal as _;

use porchlight_agent::clock;
use porchlight_agent::flags::Flags;
use porchlight_agent::qr::Qr;
use porchlight_core::team::InviteOrder;

use super::hub_failure;
use crate::args::{Invite, InviteAction};
use crate::failure::Failure;
use crate::output;

pub(crate) async fn invite(flags: &Flags, args: Invite) -> Result<(), Failure> {
    args.check_flags().map_err(Failure::Usage)?;
    let (_, hub) = super::hub(flags).await?;
    match args.action {
        None => {
            let order = InviteOrder {
                for_me: args.me,
                uses: args.uses,
                lasts_s: args.duration.map(|span| span.0.as_secs()),
            };
            let made = hub.invite(&order).await.map_err(hub_failure)?;
            if args.json {
                output::print_json(&made);
                return Ok(());
            }
            output::print(&made.link);
            // A QR code is for people; a pipe gets the link alone.
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
                "the link works {uses}, until {}",
                clock::local(made.invite.ends)
            ));
        }
        Some(InviteAction::List) => {
            let invites = hub.invites().await.map_err(hub_failure)?;
            if args.json {
                output::print_json(&invites);
                return Ok(());
            }
            for invite in &invites {
                let purpose = match &invite.for_user {
                    Some(user) => format!("another device of {user}"),
                    None => "a new member".to_owned(),
                };
                let by = invite.by.as_ref().map(|by| format!("  by {by}")).unwrap_or_default();
                output::print(&format!(
                    "{}  for {purpose}  {} left  until {}{by}",
                    invite.id,
                    invite.uses_left,
                    clock::local(invite.ends),
                ));
            }
            if invites.is_empty() {
                output::note("there are no open invitations");
            }
        }
        Some(InviteAction::Revoke { id }) => {
            hub.uninvite(&id).await.map_err(hub_failure)?;
            output::note(&format!("revoked the link {id}"));
        }
        Some(InviteAction::Requests) => {
            let requests = hub.requests().await.map_err(hub_failure)?;
            if args.json {
                output::print_json(&requests);
                return Ok(());
            }
            for request in &requests {
                let kind =
                    request.kind.as_deref().map(|kind| format!("  {kind}")).unwrap_or_default();
                let (code, at) = (&request.code, clock::local(request.at));
                output::print(&format!(
                    "{}  {}{kind}  code {code}  since {at}",
                    request.id, request.name
                ));
            }
            if requests.is_empty() {
                output::note("nobody asks to join");
            }
        }
        Some(InviteAction::Approve { id }) => {
            hub.decide(&id, true).await.map_err(hub_failure)?;
            output::note("approved; their device joins within seconds");
        }
        Some(InviteAction::Refuse { id }) => {
            hub.decide(&id, false).await.map_err(hub_failure)?;
            output::note("refused");
        }
    }
    Ok(())
}
