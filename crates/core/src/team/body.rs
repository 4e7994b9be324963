//! What a hub is asked over HTTP about its team, and what it answers: JSON.
//!
//! Text from the other side (names, device kinds) goes through `display_text` before it is stored or shown; ids are
//! checked by their types. Unknown fields are ignored, so that an older program understands a newer one.

use serde::{Deserialize, Serialize};

use super::{Address, Pin, Secret};
use crate::id::{DeviceId, Root, UserId};
use crate::time::Timestamp;

/// What a member may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(test, derive(ts_rs::TS))]
pub enum Role {
    /// Started the team, or was made its owner: may remove members, make tokens and move the hub.
    #[serde(rename = "starter")]
    Owner,
    /// May invite, and look after their own devices.
    Member,
}

/// Which computer hosts the team.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Host {
    /// Whose computer it is, where it is a member's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<UserId>,
    /// Which of their devices.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<DeviceId>,
    /// The name of the person it belongs to, or of the machine itself: `Anna`, `build-server`.
    pub name: String,
}

/// `POST /v1/join`: redeems an invitation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Join {
    /// The token of the invitation.
    pub token: Secret,
    /// The name that others shall see. Ignored where the invitation is for a further device of a member.
    pub name: String,
    /// What the device is, in a word: `laptop`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
}

/// What somebody has who joined.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Joined {
    /// The team's name.
    pub team: String,
    /// What every topic begins with.
    pub root: Root,
    /// Who they are from now on.
    pub user: UserId,
    /// The name that others see.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// What lets this device in: MQTT User Name and Password, HTTP Basic. Told this once.
    pub credential: Secret,
    /// Where the hub can be reached.
    pub at: Vec<Address>,
    /// Which certificate it has.
    pub pin: Pin,
}

/// `POST /v1/requests`: asks to be let in without an invitation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// The name that others shall see.
    pub name: String,
    /// What the device is, in a word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
}

/// The answer to a [`Request`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestMade {
    /// With this one asks how it stands (`GET /v1/requests/{id}`, Bearer).
    pub ticket: Secret,
    /// Four digits that both sides show, so that the right one is let in.
    pub code: String,
}

/// How a [`Request`] stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum RequestState {
    /// Nobody decided yet.
    Waiting,
    /// Somebody said no.
    Refused,
    /// Let in. Told once.
    Approved(Box<Joined>),
}

/// A request as members see it (`GET /v1/requests`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct RequestView {
    /// Its name.
    pub id: String,
    /// Who they say they are.
    pub name: String,
    /// What their device is, where they said.
    pub kind: Option<String>,
    /// The four digits that they see, too.
    pub code: String,
    /// When they asked, Unix milliseconds.
    pub at: Timestamp,
}

/// `POST /v1/requests/{id}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// Whether to let them in.
    pub approve: bool,
}

/// `GET /v1/team`: the team, as the member who asks sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TeamView {
    /// Its name.
    pub team: String,
    /// What every topic begins with.
    pub root: Root,
    /// Who asks.
    pub user: UserId,
    /// What they may do.
    pub role: Role,
    /// Which computer hosts it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<Host>,
    /// Where that can be reached.
    pub at: Vec<Address>,
    /// Which certificate it has.
    pub pin: Pin,
}

/// A member (`GET /v1/members`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Member {
    /// Who.
    pub user: String,
    /// The name that was given on joining.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// Since when they belong to the team, Unix milliseconds.
    pub since: Timestamp,
    /// What lets their devices in, one a device.
    pub devices: Vec<DeviceOfMember>,
    /// Who made their invitation or approved their request. Absent: the hub itself, or it is not known.
    #[serde(default)]
    pub invited_by: Option<InvitedBy>,
    /// How many members joined through them, directly or through others. Owners do not count.
    #[serde(default)]
    pub invited: u32,
}

/// Who let a member in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct InvitedBy {
    /// Their id at that time.
    pub user: String,
    /// Their name.
    pub name: String,
    /// They have left the team since.
    pub left: bool,
}

/// A member's id and name (`GET /v1/members/{user}/invited`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberName {
    /// Who.
    pub user: String,
    /// The name that was given on joining.
    pub name: String,
}

/// `DELETE /v1/members/{user}`: the query.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Removal {
    /// Also remove everybody who joined through them, directly or through others. Owners stay.
    #[serde(default)]
    pub with_invited: bool,
}

/// One device's credential, without its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct DeviceOfMember {
    /// The credential's id (`DELETE /v1/devices/{id}`).
    pub id: String,
    /// What it is, where it said.
    pub kind: Option<String>,
    /// When it joined, Unix milliseconds.
    pub since: Timestamp,
    /// When it last came, to the hour, Unix milliseconds. Absent: never.
    pub last_here: Option<Timestamp>,
    /// It is the device that asks.
    pub this: bool,
}

/// `POST /v1/invites`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct InviteOrder {
    /// The invitation is for another device of the caller.
    #[serde(default)]
    pub for_me: bool,
    /// How often it can be redeemed, 1 to 100; once where it is not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uses: Option<u32>,
    /// For how many seconds it holds, at most 30 days; 7 days where it is not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lasts_s: Option<u64>,
}

/// An invitation that was just made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct InviteMade {
    /// The link. Told this once.
    pub link: String,
    /// What it stands as.
    pub invite: InviteView,
}

/// An invitation that still holds (`GET /v1/invites`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct InviteView {
    /// Its name (`DELETE /v1/invites/{id}`).
    pub id: String,
    /// The member for whose further device it is, where it is for one.
    pub for_user: Option<String>,
    /// Who made it.
    pub by: Option<String>,
    /// How often it can still be redeemed.
    pub uses_left: u32,
    /// When it ends, Unix milliseconds.
    pub ends: Timestamp,
}

/// `POST /v1/tokens`: a token with which a program may read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenOrder {
    /// What it is for.
    pub label: String,
}

/// A token that was just made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenMade {
    /// The token. Told this once.
    pub token: Secret,
    /// What it stands as.
    pub made: TokenView,
}

/// A program that may read the team over HTTP (`GET /v1/tokens`): its token, without the secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct TokenView {
    /// Its name (`DELETE /v1/tokens/{id}`).
    pub id: String,
    /// What it is for.
    pub label: String,
    /// When it was made, Unix milliseconds.
    pub since: Timestamp,
    /// The id of the member who made it. Absent: not known, because an older hub made it.
    #[serde(default)]
    pub by: Option<String>,
    /// When a program last read with it, to the hour, Unix milliseconds. Absent: not since the hub notes it.
    #[serde(default)]
    pub last_used: Option<Timestamp>,
}

/// Why a hub did not do it: the body of every answer that is no success.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct Refused {
    /// For programs.
    pub code: RefusalCode,
    /// For people: what is wrong and what to do.
    pub message: String,
}

/// What programs tell refusals apart by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefusalCode {
    /// The invitation was revoked, or is of another team.
    TokenUnknown,
    /// The invitation's time is over.
    TokenExpired,
    /// The invitation was used as often as it may be.
    TokenUsedUp,
    /// The name has nothing to show in it.
    BadName,
    /// The team, or the member's list of devices, is full.
    Full,
    /// Too many attempts from there; wait.
    TooManyAttempts,
    /// No credential, or one that does not hold.
    NotSignedIn,
    /// Signed in, but not allowed.
    NotAllowed,
    /// There is no such thing.
    NotFound,
    /// The body is no JSON of the kind that is asked for.
    BadRequest,
    /// The team moved to another computer.
    Moved,
    /// The hub could not keep it; its disk is full or read-only.
    NotSaved,
    /// The member's open invitations let in as many people as they may.
    TooManyInvited,
    /// The last owner of a team with other members can't leave it.
    LastOwner,
    /// A code of a newer hub.
    #[serde(other)]
    Unknown,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_of_a_newer_hub_is_understood() {
        let refused: Refused =
            serde_json::from_str(r#"{"code":"quite_new","message":"no","more":1}"#).unwrap();
        assert_eq!((refused.code, refused.message.as_str()), (RefusalCode::Unknown, "no"));
    }

    #[test]
    fn an_approved_request_is_the_answer_of_a_join() {
        let joined = Joined {
            team: "Team".to_owned(),
            root: Root::default(),
            user: UserId::parse("bob").unwrap(),
            name: "Bob".to_owned(),
            role: Role::Member,
            credential: Secret::of_parts("k3V9xQ2aB7", &"s".repeat(27)).unwrap(),
            at: vec!["10.0.0.7:1".parse().unwrap()],
            pin: Pin::of_digest([1; 32]),
        };
        let state = RequestState::Approved(Box::new(joined));
        let json = serde_json::to_value(&state).unwrap();
        assert_eq!((&json["state"], &json["user"]), (&"approved".into(), &"bob".into()));
        assert_eq!(serde_json::from_value::<RequestState>(json).unwrap(), state);
    }
}
