//! How somebody comes to a team: the link that invites, the secret that lets in, and what the hub is asked.
//!
//! Owns the texts and shapes only, so that hub, app and command line mean the same. Deliberately makes no
//! secret and checks none: its callers have the system's random numbers.

mod address;
mod body;
mod invitation;
mod pin;
mod secret;

pub use address::{Address, AddressError};
pub use body::{
    Decision, DeviceOfMember, Host, InviteMade, InviteOrder, InviteView, InvitedBy, Join, Joined,
    Member, MemberName, RefusalCode, Refused, Removal, Request, RequestMade, RequestState,
    RequestView, Role, TeamView, TokenMade, TokenOrder, TokenView,
};
pub use invitation::{Invitation, InvitationError, SCHEME};
pub use pin::{FingerprintPrefix, FingerprintPrefixError, Pin, PinError};
pub use secret::{ID_LENGTH, SECRET_LENGTH, Secret, SecretError};

/// Where a hub listens for the team unless told otherwise, and the port that a link leaves out.
pub const DEFAULT_PORT: u16 = 18_831;
/// The most addresses that are told of a hub or kept of it.
pub const MAX_ADDRESSES: usize = 8;
/// The longest name of a team, in characters.
pub const MAX_TEAM_NAME: usize = 64;
