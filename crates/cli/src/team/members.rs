//! `porchlight members`: who belongs to the team, and who no longer shall.

use porchlight_agent::clock;
use porchlight_agent::flags::Flags;
use porchlight_core::id::UserId;
use porchlight_core::team::{Member, Role};

use super::told;
use crate::args::{Members, MembersDo};
use crate::failure::Failure;
use crate::output;

pub(crate) async fn members(flags: &Flags, args: Members) -> Result<(), Failure> {
    let (membership, hub) = super::hub(flags).await?;
    match args.what {
        None => {
            let mut members = hub.members().await.map_err(told)?;
            members.sort_by_cached_key(|member| (member.name.to_lowercase(), member.user.clone()));
            if args.json {
                output::print_json(&members);
                return Ok(());
            }
            for member in &members {
                tell(member);
            }
            Ok(())
        }
        Some(MembersDo::Remove { user, with_invited, yes }) => {
            let user = UserId::from_typed(&user).map_err(Failure::usage)?;
            if user == *membership.user() {
                return Err(Failure::Usage(
                    "that is you: `porchlight leave` leaves the team".to_owned(),
                ));
            }
            if with_invited {
                let along = hub.invited(&user).await.map_err(told)?;
                for member in &along {
                    output::print(&format!("{} ({})", member.name, member.user));
                }
                if !yes {
                    return Err(Failure::Usage(unconfirmed(&user, along.len())));
                }
            }
            hub.remove(&user, with_invited).await.map_err(told)?;
            Ok(())
        }
        Some(MembersDo::Forget { device }) => {
            if device == membership.credential_id() {
                return Err(Failure::Usage(
                    "that is this device: `porchlight leave --this-device` takes it out of the team".to_owned(),
                ));
            }
            hub.revoke(&device).await.map_err(told)?;
            Ok(())
        }
    }
}

/// Asks for `--yes`.
fn unconfirmed(user: &UserId, along: usize) -> String {
    let whom = match along {
        0 => "nobody else".to_owned(),
        1 => "this member".to_owned(),
        many => format!("these {many} members"),
    };
    format!("nobody was removed yet: {whom} would go along with {user}; add --yes to remove them")
}

fn tell(member: &Member) {
    let role = match member.role {
        Role::Owner => "  starter",
        Role::Member => "",
    };
    let since = clock::local(member.since);
    let inviter = member.invited_by.as_ref().map_or_else(String::new, |by| {
        let left = if by.left { ", who has left" } else { "" };
        format!("  invited by {}{left}", by.name)
    });
    output::print(&format!("{} ({}){role}  since {since}{inviter}", member.name, member.user));
    for device in &member.devices {
        let kind = device.kind.as_deref().unwrap_or("device");
        let this = if device.this { "  this one" } else { "" };
        let last = device.last_here.map_or_else(
            || "  never here yet".to_owned(),
            |at| format!("  last here {}", clock::local(at)),
        );
        output::print(&format!("    {}  {kind}{this}{last}", device.id));
    }
}
