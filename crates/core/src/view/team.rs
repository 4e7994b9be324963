//! The window's view of a team: how to join it, and who its members are.
//!
//! Owns the shapes that only the window uses. Members, devices, invitations and requests are as the
//! hub answers them ([`crate::team`]). Contains no secret but the link of a new invitation.

use serde::{Deserialize, Serialize};

use crate::names::{Names, with_id};
use crate::team::{InviteView, Member, RequestView, Role, TokenView};
use crate::time::Timestamp;

/// The team as the member at this window sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct TeamPane {
    /// The team's name.
    pub team: String,
    /// My role.
    pub role: Role,
    /// Whether this computer hosts it.
    pub hosting: bool,
    /// My user id.
    pub me: String,
    /// The computer that hosts it, if known.
    pub host: Option<TeamHost>,
    /// All members, me included, in no particular order.
    pub members: Vec<Member>,
    /// The valid invitations.
    pub invites: Vec<InviteView>,
    /// The open requests to join.
    pub requests: Vec<RequestView>,
    /// The programs that may read the team over HTTP. Absent: an older hub shows them only to the
    /// owner.
    pub programs: Option<Vec<TokenView>>,
}

/// Adds the id to each member's name that looks like another's, so that nobody removes the wrong
/// person.
pub fn tell_members_apart(members: &mut [Member]) {
    let mut names = Names::default();
    for member in &*members {
        names.set_name(&member.user, Some(&member.name));
    }
    for member in members {
        member.name = with_id(&member.name, names.shown_id(&member.user).as_deref());
    }
}

/// The computer that hosts a team.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct TeamHost {
    /// The name of its owner, or its own name.
    pub name: String,
    /// The user id of its owner. Absent if it belongs to no member.
    pub user: Option<String>,
}

/// A team that was found on the local network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct NearbyTeam {
    /// An id that distinguishes it from other teams of the same name.
    pub id: String,
    /// The name that it announces. Nothing proves it before we joined.
    pub team: String,
}

/// An invitation link that was read and not yet accepted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct InvitationView {
    /// The team's name.
    pub team: String,
    /// The host at which the team is reached, without the port.
    pub at: String,
    /// Whether it was also found on the local network.
    pub nearby: bool,
}

/// A new invitation. It is shown only once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct InviteShown {
    /// The id with which it can be revoked.
    pub id: String,
    /// The link.
    pub link: String,
    /// Whether it is for another device of mine.
    pub for_me: bool,
    /// How often it can be used.
    pub uses: u32,
    /// When it ends, Unix milliseconds.
    pub ends: Timestamp,
    /// The link as a QR code without its quiet zone. Each line is a row of `0` (light) and `1`
    /// (dark), and there are as many lines as characters in one. Empty if the link is too long for
    /// a code.
    pub qr: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_whose_names_look_the_same_are_listed_with_their_ids() {
        let member = |(user, name): (&str, &str)| Member {
            user: user.to_owned(),
            name: name.to_owned(),
            role: Role::Member,
            since: Timestamp::default(),
            devices: Vec::new(),
            invited_by: None,
            invited: 0,
        };
        let mut members =
            [("anna", "Anna"), ("bob", "Bob"), ("eve", "\u{410}nna")].map(member).to_vec();
        tell_members_apart(&mut members);
        let names: Vec<_> = members.iter().map(|member| member.name.as_str()).collect();
        assert_eq!(names, ["Anna (anna)", "Bob", "\u{410}nna (eve)"]);
    }
}
