//! `porchlight members`: lists the members of the team; removes members and devices.

use porchlight_agent::clock;
use porchlight_agent::flags::Flags;
use porchlight_core::id::UserId;
use porchlight_core::team::{Member, Role};

use super::hub_failure;
use crate::args::{Members, MembersAction};
use crate::failure::Failure;
use crate::output;

pub(crate) async fn members(flags: &Flags, args: Members) -> Result<(), Failure> {
    let (membership, hub) = super::hub(flags).await?;
    match args.action {
        None => {
            let mut members = hub.members().await.map_err(hub_failure)?;
            members.sort_by_cached_key(|member| (member.name.to_lowercase(), member.user.clone()));
            if args.json {
                output::print_json(&members);
                return Ok(());
            }
            members.iter().for_each(print_member);
        }
        Some(MembersAction::Remove { user, with_invited, yes }) => {
            let user = UserId::from_typed(&user).map_err(Failure::usage)?;
            if user == *membership.user() {
                return Err(Failure::Usage(
                    "you can't remove yourself; run `porchlight leave` instead".to_owned(),
                ));
            }
            if with_invited {
                let invited = hub.invited(&user).await.map_err(hub_failure)?;
                for member in &invited {
                    output::print(&format!("{} ({})", member.name, member.user));
                }
                if !yes {
                    return Err(Failure::Usage(needs_yes(&user, invited.len())));
                }
            }
            hub.remove(&user, with_invited).await.map_err(hub_failure)?;
            let all = if with_invited { " and everyone listed" } else { "" };
            output::note(&format!(
                "removed {user}{all} from {}; their devices are signed out",
                membership.team()
            ));
        }
        Some(MembersAction::Forget { device }) => {
            if device == membership.credential_id() {
                return Err(Failure::Usage(
                    "that is this device; run `porchlight leave --this-device` instead".to_owned(),
                ));
            }
            hub.revoke(&device).await.map_err(hub_failure)?;
            output::note(&format!("signed out the device {device}"));
        }
    }
    Ok(())
}

/// The message that asks for `--yes`.
fn needs_yes(user: &UserId, invited: usize) -> String {
    let also = match invited {
        0 => String::new(),
        1 => " and the member listed".to_owned(),
        many => format!(" and the {many} members listed"),
    };
    format!("nobody was removed yet; add --yes to remove {user}{also}")
}

fn print_member(member: &Member) {
    let role = match member.role {
        Role::Owner => "  owner",
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
        let this = if device.this { "  this device" } else { "" };
        // The hub rounds the time down to the hour.
        let last = device.last_here.map_or_else(
            || "  never connected".to_owned(),
            |at| format!("  last connected {} (to the hour)", clock::local(at)),
        );
        output::print(&format!("    {}  {kind}{this}{last}", device.id));
    }
}
