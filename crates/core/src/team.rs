//! How a person joins a team: the invitation, the secret, and the requests to the hub.
//!
//! Owns only the texts and shapes, so that hub, app and command line agree. Generates and checks no
//! secret: its callers have the system's random numbers.

mod address;
mod backup;
mod body;
mod invitation;
mod outside;
mod pin;
mod secret;

pub use address::{Address, AddressError};
pub use backup::{Backup, BackupAgree, BackupOrder, BackupStage, BackupView, StandsIn, WhyAway};
pub use body::{
    Decision, DeviceOfMember, Host, InviteMade, InviteOrder, InviteView, InvitedBy, Join, Joined,
    Member, MemberName, RefusalCode, Refused, Removal, Request, RequestMade, RequestState,
    RequestView, Role, TeamView, TokenMade, TokenOrder, TokenView,
};
pub use invitation::{Invitation, InvitationError, SCHEME};
pub use outside::{MAX_OUTSIDE, MAX_OUTSIDE_HOST, OutsideAddress};
pub use pin::{FingerprintPrefix, FingerprintPrefixError, Pin, PinError};
pub use secret::{ID_LENGTH, SECRET_LENGTH, Secret, SecretError};

/// The port on which a hub listens for the team by default, and which a link leaves out.
pub const DEFAULT_PORT: u16 = 18_831;
/// Maximum number of addresses that a hub announces or a client stores.
pub const MAX_ADDRESSES: usize = 8;
/// The longest name of a team, in characters.
pub const MAX_TEAM_NAME: usize = 64;
