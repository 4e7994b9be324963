//! The JSON bodies of the hub's HTTP requests and answers about its team.
//!
//! Text from the other side (names, device kinds) goes through `display_text` before it is stored
//! or shown. The types of ids check them. Unknown fields are ignored, so that an older program
//! understands a newer one.

use serde::{Deserialize, Serialize};

use super::{Address, BackupView, Pin, Secret};
use crate::id::{DeviceId, Root, UserId};
use crate::time::Timestamp;

/// The role of a member, which decides what they may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(test, derive(ts_rs::TS))]
pub enum Role {
    /// The owner: started the team or was made its owner, and may remove members, make tokens and
    /// move the hub.
    #[serde(rename = "starter")]
    Owner,
    /// May invite people, and manage their own devices.
    Member,
}

/// The computer that hosts the team.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Host {
    /// The user id of its owner, if that is a member.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<UserId>,
    /// The id of the owner's device.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<DeviceId>,
    /// The name of its owner, or of the machine itself: `Anna`, `build-server`.
    pub name: String,
}

/// `POST /v1/join`: redeems an invitation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Join {
    /// The token of the invitation.
    pub token: Secret,
    /// The name that others will see. Ignored if the invitation is for another device of a member.
    pub name: String,
    /// The kind of device in a word: `laptop`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// The credential that this device has made. The hub makes one if it is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credential: Option<Secret>,
}

/// The data that a new member receives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Joined {
    /// The team's name.
    pub team: String,
    /// The first level of every topic.
    pub root: Root,
    /// Their user id.
    pub user: UserId,
    /// The name that others see.
    pub name: String,
    /// Their role.
    pub role: Role,
    /// The device's credential: MQTT User Name and Password, HTTP Basic. Sent again only to a device that made it itself.
    pub credential: Secret,
    /// The addresses of the hub.
    pub at: Vec<Address>,
    /// The fingerprint of its certificate.
    pub pin: Pin,
}

/// `POST /v1/requests`: asks to join without an invitation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// The name that others will see.
    pub name: String,
    /// The kind of device in a word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// The ticket that this device has made. The hub makes one if it is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ticket: Option<Secret>,
    /// The credential that this device has made. The hub makes one if it is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credential: Option<Secret>,
}

/// The answer to a [`Request`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestMade {
    /// The secret for queries of the request's state (`GET /v1/requests/{id}`, Bearer).
    pub ticket: Secret,
    /// Four digits that both sides show, so that members approve the right request.
    pub code: String,
}

/// The state of a [`Request`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum RequestState {
    /// Nobody decided yet.
    Waiting,
    /// A member refused it.
    Refused,
    /// A member approved it. The answer stays the same if the device made its credential itself.
    Approved(Box<Joined>),
}

/// A request as members see it (`GET /v1/requests`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct RequestView {
    /// The request's id.
    pub id: String,
    /// The name that the person gave.
    pub name: String,
    /// The kind of their device, if they gave it.
    pub kind: Option<String>,
    /// The four digits that they see, too.
    pub code: String,
    /// When they asked, Unix milliseconds.
    pub at: Timestamp,
}

/// `POST /v1/requests/{id}`: the decision on a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// Whether to approve it.
    pub approve: bool,
}

/// `GET /v1/team`: the team, as the requesting member sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TeamView {
    /// The team's name.
    pub team: String,
    /// The first level of every topic.
    pub root: Root,
    /// The requesting member's user id.
    pub user: UserId,
    /// Their role.
    pub role: Role,
    /// The computer that hosts the team.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<Host>,
    /// The addresses of the hub.
    pub at: Vec<Address>,
    /// The fingerprint of its certificate.
    pub pin: Pin,
    /// The computer that serves the team when the host is away. Absent: nobody was asked, or an
    /// older hub.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backup: Option<BackupView>,
}

/// A member (`GET /v1/members`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Member {
    /// Their user id.
    pub user: String,
    /// The name that they gave when they joined.
    pub name: String,
    /// Their role.
    pub role: Role,
    /// When they joined the team, Unix milliseconds.
    pub since: Timestamp,
    /// The credentials of their devices.
    pub devices: Vec<DeviceOfMember>,
    /// The member who made their invitation or approved their request. Absent: the hub itself, or
    /// unknown.
    #[serde(default)]
    pub invited_by: Option<InvitedBy>,
    /// How many members joined through them, directly or through others. Owners do not count.
    #[serde(default)]
    pub invited: u32,
}

/// The member through whom another one joined.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct InvitedBy {
    /// Their id at that time.
    pub user: String,
    /// Their name.
    pub name: String,
    /// Whether they have left the team since.
    pub left: bool,
}

/// A member's id and name (`GET /v1/members/{user}/invited`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberName {
    /// Their user id.
    pub user: String,
    /// The name that they gave when they joined.
    pub name: String,
}

/// `DELETE /v1/members/{user}`: the query.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Removal {
    /// Whether to remove everybody who joined through them, too, directly or through others. Owners
    /// stay.
    #[serde(default)]
    pub with_invited: bool,
}

/// One device's credential, without its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct DeviceOfMember {
    /// The credential's id (`DELETE /v1/devices/{id}`).
    pub id: String,
    /// The kind of device, if it gave one.
    pub kind: Option<String>,
    /// When it joined, Unix milliseconds.
    pub since: Timestamp,
    /// When it last connected, to the hour, Unix milliseconds. Absent: never.
    pub last_here: Option<Timestamp>,
    /// Whether this is the requesting device.
    pub this: bool,
}

/// `POST /v1/invites`: asks for an invitation.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct InviteOrder {
    /// Whether the invitation is for another device of the caller.
    #[serde(default)]
    pub for_me: bool,
    /// How often it can be redeemed, 1 to 100; once by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uses: Option<u32>,
    /// How many seconds it is valid, at most 30 days; 7 days by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lasts_s: Option<u64>,
}

/// A new invitation, with its link.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct InviteMade {
    /// The link. Sent only once.
    pub link: String,
    /// The invitation without its secret.
    pub invite: InviteView,
}

/// A valid invitation (`GET /v1/invites`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct InviteView {
    /// Its id (`DELETE /v1/invites/{id}`).
    pub id: String,
    /// The member for whose device it is, if it is for one.
    pub for_user: Option<String>,
    /// The member who made it.
    pub by: Option<String>,
    /// How often it can still be redeemed.
    pub uses_left: u32,
    /// When it ends, Unix milliseconds.
    pub ends: Timestamp,
}

/// `POST /v1/tokens`: a token with which a program may read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenOrder {
    /// The purpose of the token.
    pub label: String,
}

/// A new token, with its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenMade {
    /// The token. Sent only once.
    pub token: Secret,
    /// The token without its secret.
    pub made: TokenView,
}

/// A program that may read the team over HTTP (`GET /v1/tokens`): its token, without the secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct TokenView {
    /// Its id (`DELETE /v1/tokens/{id}`).
    pub id: String,
    /// Its purpose.
    pub label: String,
    /// When it was made, Unix milliseconds.
    pub since: Timestamp,
    /// The id of the member who made it. Absent: unknown, because an older hub made it.
    #[serde(default)]
    pub by: Option<String>,
    /// When a program last read with it, to the hour, Unix milliseconds. Absent: not since the hub
    /// records it.
    #[serde(default)]
    pub last_used: Option<Timestamp>,
}

/// Why a hub refused a request: the body of every error answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct Refused {
    /// The code that programs branch on.
    pub code: RefusalCode,
    /// The message for people: what is wrong and what to do.
    pub message: String,
}

/// The code of a refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefusalCode {
    /// The invitation was revoked, or belongs to another team.
    TokenUnknown,
    /// The invitation has expired.
    TokenExpired,
    /// The invitation was used as often as allowed.
    TokenUsedUp,
    /// The name has no visible character.
    BadName,
    /// The team, or the member's list of devices, is full.
    Full,
    /// Too many attempts from this address; wait.
    TooManyAttempts,
    /// No credential, or an invalid one.
    NotSignedIn,
    /// Signed in, but not allowed.
    NotAllowed,
    /// The requested object does not exist.
    NotFound,
    /// The body is not JSON of the expected form.
    BadRequest,
    /// The team moved to another computer.
    Moved,
    /// The hub could not save it; its disk is full or read-only.
    NotSaved,
    /// The member's open invitations already admit the maximum number of people.
    TooManyInvited,
    /// The last owner of a team with other members can't leave it.
    LastOwner,
    /// The join can't be taken back: the device is in use.
    InUse,
    /// The hub that has the team can't reach the one that is to take it over.
    NotReachable,
    /// The hub has a copy of the team, and does not serve it yet.
    Arriving,
    /// The backup serves the team, and changes nothing while the host is away.
    BackupServes,
    /// The host has handed the team to its backup.
    Standby,
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
