//! Explains a hub's refusals in our own words.

use porchlight_core::input::ConnectionFailure;
use porchlight_core::team::{RefusalCode, Refused};

use super::TeamError;

/// What a refusal means and what to do about it; `None` if only the hub knows.
#[must_use]
pub const fn sentence(code: RefusalCode) -> Option<&'static str> {
    Some(match code {
        RefusalCode::TokenUnknown => {
            "this link does not work: it was revoked, or it is for another team; ask for a new one"
        }
        RefusalCode::TokenExpired => "this link has expired; ask for a new one",
        RefusalCode::TokenUsedUp => "this link was used already; ask for a new one",
        RefusalCode::BadName => "others can't read this name; choose one with letters",
        RefusalCode::Full => {
            "the team has reached its limit of members, or you your limit of devices; remove one first"
        }
        RefusalCode::TooManyAttempts => {
            "too many attempts came from this network; wait a few minutes and try again"
        }
        RefusalCode::NotSignedIn => {
            "this device is no longer in the team: you were removed, or the device was signed out; ask a member for a new link and join again"
        }
        RefusalCode::NotAllowed => "only the owner of the team can do this; ask them",
        RefusalCode::NotFound => "this does not exist any more; look at the list again",
        RefusalCode::NotSaved => {
            "the hub can't save this, because its disk is full or read-only; tell the person whose computer hosts the team"
        }
        RefusalCode::TooManyInvited => {
            "your open links can let in at most 20 people; choose fewer uses, or revoke a link first"
        }
        RefusalCode::LastOwner => {
            "you are the team's only owner: remove the other members first, or make another owner with `porchlight hub --invite` on the computer that hosts the team"
        }
        RefusalCode::InUse => "this device is in the team already; leave it instead",
        RefusalCode::Arriving => {
            "this computer takes the team over and does not serve it yet; try again in a moment"
        }
        RefusalCode::Standby => {
            "the computer that hosts the team is going to sleep or closing; its backup serves, so try again in a moment"
        }
        // Only the hub knows which address, or since when the host is away.
        RefusalCode::NotReachable | RefusalCode::BackupServes => return None,
        RefusalCode::BadRequest | RefusalCode::Moved | RefusalCode::Unknown => return None,
    })
}

/// The failure if a hub refuses a member's credential at its broker.
pub(crate) fn not_a_member() -> ConnectionFailure {
    let refused = RefusalCode::NotSignedIn;
    let message = sentence(refused).unwrap_or_default().to_owned();
    ConnectionFailure::Credential { code: code(refused), may_pass: false, message }
}

const fn code(code: RefusalCode) -> &'static str {
    match code {
        RefusalCode::TokenUnknown => "token_unknown",
        RefusalCode::TokenExpired => "token_expired",
        RefusalCode::TokenUsedUp => "token_used_up",
        RefusalCode::BadName => "bad_name",
        RefusalCode::Full => "full",
        RefusalCode::TooManyAttempts => "too_many_attempts",
        RefusalCode::NotSignedIn => "not_signed_in",
        RefusalCode::NotAllowed => "not_allowed",
        RefusalCode::NotFound => "not_found",
        RefusalCode::BadRequest => "bad_request",
        RefusalCode::Moved => "moved",
        RefusalCode::NotSaved => "not_saved",
        RefusalCode::TooManyInvited => "too_many_invited",
        RefusalCode::LastOwner => "last_owner",
        RefusalCode::NotReachable => "not_reachable",
        RefusalCode::Arriving => "arriving",
        RefusalCode::BackupServes => "backup_serves",
        RefusalCode::Standby => "standby",
        RefusalCode::InUse => "in_use",
        RefusalCode::Unknown => "unknown",
    }
}

impl From<Refused> for TeamError {
    fn from(refused: Refused) -> Self {
        let message = sentence(refused.code).map_or(refused.message, str::to_owned);
        Self::Refused { refusal: refused.code, code: code(refused.code), message }
    }
}
