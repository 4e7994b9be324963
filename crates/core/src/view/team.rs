//! What the window shows of a team: how one comes into it, and who belongs to it.
//!
//! Owns the shapes that are the window's alone. Members, devices, invitations and requests stand there as the hub
//! answers them ([`crate::team`]). Deliberately holds no secret but the link of an invitation that was just made.

use serde::{Deserialize, Serialize};

use crate::names::{Names, with_id};
use crate::team::{InviteView, Member, RequestView, Role, TokenView};
use crate::time::Timestamp;

/// The team as the one member sees it who sits before this window.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct TeamPane {
    /// Its name.
    pub team: String,
    /// What I may do.
    pub role: Role,
    /// It is this computer that hosts it.
    pub hosting: bool,
    /// My id.
    pub me: String,
    /// Which computer hosts it, where that is known.
    pub host: Option<TeamHost>,
    /// Everybody who belongs to it, me included, in no order.
    pub members: Vec<Member>,
    /// The invitations that still hold.
    pub invites: Vec<InviteView>,
    /// Those who ask to be let in.
    pub requests: Vec<RequestView>,
    /// The programs that may read the team over HTTP. Absent: the hub is older and shows them to its starter alone.
    pub programs: Option<Vec<TokenView>>,
}

/// Adds the id to each member's name that looks like another member's, so that nobody removes the wrong person.
pub fn tell_members_apart(members: &mut [Member]) {
    let mut names = Names::default();
    for member in &*members {
        names.set_name(&member.user, Some(&member.name));
    }
    for member in members {
        member.name = with_id(&member.name, names.shown_id(&member.user).as_deref());
    }
}

/// Which computer hosts a team.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct TeamHost {
    /// Whose it is, or what it calls itself.
    pub name: String,
    /// The id of the member whose computer it is. Absent where it is nobody's.
    pub user: Option<String>,
}

/// A team that was found on the local network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct NearbyTeam {
    /// What tells it from another of the same name.
    pub id: String,
    /// The name that it says it has. Nothing proves it before somebody let us in.
    pub team: String,
}

/// A link that invites, read and not yet followed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct InvitationView {
    /// The team's name.
    pub team: String,
    /// The host where it is reached, without its port.
    pub at: String,
    /// It was found on the local network, too.
    pub nearby: bool,
}

/// An invitation that was just made. It is shown this once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct InviteShown {
    /// By which it is revoked.
    pub id: String,
    /// The link.
    pub link: String,
    /// It is for a further device of mine.
    pub for_me: bool,
    /// How often it can be used.
    pub uses: u32,
    /// When it ends, Unix milliseconds.
    pub ends: Timestamp,
    /// The link as a QR code without its quiet zone: a row of `0` (light) and `1` (dark) a line, as many lines as
    /// characters in one. Empty where it is too long for one.
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
