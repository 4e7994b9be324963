//! The accounts of a team: members, their credentials, invitations and the tokens of programs.
//!
//! Owns all rules about them. Deliberately knows no connection, file or clock: the time is an argument,
//! `file.rs` writes the file, and `ledger.rs` decides when. `usage.rs` records which client ids and devices a
//! credential uses.
//!
//! The only secret in plain text is the key. Of every other secret the accounts contain only a keyed hash.

use porchlight_core::id::{Root, UserId};
use porchlight_core::team::{Role, Secret, TokenView};
use porchlight_core::text::{MAX_NAME, display_text};
use porchlight_core::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

mod backup_device;
mod file;
mod inviters;
mod invites;
mod ledger;
mod secrets;
mod tombstones;
mod usage;

pub(crate) use backup_device::{Agreed, BackupDevice, BackupRefusal};
pub use file::{AccountsError, SaveError};
pub(crate) use file::{AccountsFile, FILE, load};
pub(crate) use inviters::{Inviter, RemovalScope, Removed};
pub(crate) use invites::{Invite, Order, Purpose, Refusal};
pub(crate) use ledger::{Ledger, PendingSave};
pub use secrets::new_secret;
pub(crate) use secrets::{Hash, Key, Kind, random_below, random_id, random_secret};
use tombstones::{EndedKind, Tombstones};
pub(crate) use usage::{Bound, CredentialUsage, is_presence_client_id};

/// Maximum number of members, which bounds memory.
const MAX_MEMBERS: usize = 10_000;
/// Maximum number of credentials per member, the same as of devices (`docs/protocol.md`, *Access*).
const MAX_CREDENTIALS: usize = 16;
/// Maximum number of program tokens.
pub(crate) const MAX_TOKENS: usize = 100;
/// Maximum length of a device kind and of a token label, in characters.
const MAX_WORDS: usize = 48;

/// A team with its members, credentials, invitations and tokens.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Accounts {
    /// A random, permanent id that distinguishes teams of the same name.
    pub(crate) team: String,
    /// The display name.
    pub(crate) name: String,
    /// The prefix of every topic.
    pub(crate) root: Root,
    /// The key of all hashes.
    key: Key,
    members: BTreeMap<UserId, Membership>,
    credentials: BTreeMap<String, Credential>,
    invites: BTreeMap<String, Invite>,
    tokens: BTreeMap<String, Token>,
    /// The number of the last change of members, credentials, tokens or backup. It only rises. 0: of an older hub.
    #[serde(default)]
    revision: u64,
    /// The device that serves when the host is away.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    backup: Option<BackupDevice>,
    /// Ended credentials, invitations, tokens and memberships, so that ending one again is no error.
    #[serde(default)]
    ended: Tombstones,
}

/// A member of the team.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Membership {
    pub(crate) name: String,
    pub(crate) role: Role,
    pub(crate) since: Timestamp,
    /// Who invited or approved the member. None if the hub did, or if an older hub did not record it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) invited_by: Option<Inviter>,
}

/// The credential of one device of a member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Credential {
    hash: Hash,
    pub(crate) user: UserId,
    pub(crate) kind: Option<String>,
    pub(crate) since: Timestamp,
}

/// A token with which a program may read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Token {
    hash: Hash,
    label: String,
    since: Timestamp,
    /// The member who created it. None in a gateway, and for a token of an older hub.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    by: Option<UserId>,
}

impl Token {
    /// A token as shown to people, without its secret.
    pub(crate) fn view(&self, id: &str, last_used: Option<Timestamp>) -> TokenView {
        TokenView {
            id: id.to_owned(),
            label: self.label.clone(),
            since: self.since,
            by: self.by.as_ref().map(UserId::to_string),
            last_used,
        }
    }
}

/// A newly admitted device, with the secret of its credential.
#[derive(Debug)]
pub(crate) struct Admission {
    pub(crate) user: UserId,
    pub(crate) name: String,
    pub(crate) role: Role,
    /// The secret. The hub shows it only once.
    pub(crate) credential: Secret,
}

/// The member and the credential of a successful login.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Login {
    pub(crate) credential: String,
    pub(crate) user: UserId,
    pub(crate) role: Role,
}

/// The reasons why a credential, token, invitation or membership cannot be ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RemoveMemberError {
    /// It never existed, or ended so long ago that the hub forgot it.
    Unknown,
    /// It has already ended.
    Already,
    /// The requesting member may not end it.
    NotTheirs,
    /// It belongs to the only owner: nobody else could remove members or move the hub.
    LastOwner,
    /// The team is moving to another hub. The request can be repeated there.
    Moving,
}

impl RemoveMemberError {
    /// Returns whether it exists but may not be ended.
    fn is_refusal(self) -> bool {
        matches!(self, Self::NotTheirs | Self::LastOwner | Self::Moving)
    }
}

impl Accounts {
    /// Creates a team without members.
    pub(crate) fn new(name: &str, root: Root) -> Self {
        let name = display_text(name, porchlight_core::team::MAX_TEAM_NAME);
        Self {
            team: random_id(),
            name: name.unwrap_or_else(|| "Team".to_owned()),
            root,
            key: Key::random(),
            members: BTreeMap::new(),
            credentials: BTreeMap::new(),
            invites: BTreeMap::new(),
            tokens: BTreeMap::new(),
            revision: 0,
            backup: None,
            ended: Tombstones::default(),
        }
    }

    pub(crate) fn members(&self) -> &BTreeMap<UserId, Membership> {
        &self.members
    }

    pub(crate) fn credentials(&self) -> &BTreeMap<String, Credential> {
        &self.credentials
    }

    pub(crate) fn tokens(&self) -> &BTreeMap<String, Token> {
        &self.tokens
    }

    pub(crate) fn is_member(&self, user: &UserId) -> bool {
        self.members.contains_key(user)
    }

    /// Returns whether the team has an owner who can log in.
    pub(crate) fn has_owner(&self) -> bool {
        self.has_owner_without(|_| false)
    }

    /// Whether anybody could without these credentials.
    fn has_owner_without(&self, gone: impl Fn(&Credential) -> bool) -> bool {
        let is_owner = |user| self.members.get(user).is_some_and(|m| m.role == Role::Owner);
        self.credentials.values().any(|credential| !gone(credential) && is_owner(&credential.user))
    }

    /// Returns the login for the credential `id` if `secret` is right.
    pub(crate) fn log_in(&self, id: &str, secret: &str) -> Option<Login> {
        let credential = self.credentials.get(id)?;
        let holds = self.key.verifies(Kind::Credential, id, secret, &credential.hash);
        let role = self.members.get(&credential.user)?.role;
        holds.then(|| Login { credential: id.to_owned(), user: credential.user.clone(), role })
    }

    /// Returns whether the credential is still valid and belongs to this member.
    pub(crate) fn holds(&self, id: &str, user: &UserId) -> bool {
        self.credentials.get(id).is_some_and(|credential| credential.user == *user)
    }

    /// Refuses a login whose credential was revoked.
    pub(crate) fn require_valid(&self, login: &Login) -> Result<(), Refusal> {
        let holds = self.holds(&login.credential, &login.user);
        if holds { Ok(()) } else { Err(Refusal::NotAMember) }
    }

    /// Adds a new member without an inviter.
    pub(crate) fn admit(
        &mut self,
        now: Timestamp,
        name: &str,
        kind: Option<&str>,
        role: Role,
    ) -> Result<Admission, Refusal> {
        self.admit_invited(now, name, kind, role, None)
    }

    /// Adds a new member whom this member invited.
    pub(crate) fn admit_by(
        &mut self,
        now: Timestamp,
        name: &str,
        kind: Option<&str>,
        by: &UserId,
    ) -> Result<Admission, Refusal> {
        let inviter = self.inviter(by)?;
        self.admit_invited(now, name, kind, Role::Member, Some(inviter))
    }

    fn admit_invited(
        &mut self,
        now: Timestamp,
        name: &str,
        kind: Option<&str>,
        role: Role,
        invited_by: Option<Inviter>,
    ) -> Result<Admission, Refusal> {
        let name = display_text(name, MAX_NAME).ok_or(Refusal::BadName)?;
        let wanted = UserId::for_name(&name).ok_or(Refusal::BadName)?;
        if self.members.len() >= MAX_MEMBERS {
            return Err(Refusal::TeamFull);
        }
        let user = self.free_id(&wanted);
        self.members.insert(user.clone(), Membership { name, role, since: now, invited_by });
        self.give_credential(now, user, kind)
    }

    /// Creates a credential for another device of a member.
    pub(crate) fn give_credential(
        &mut self,
        now: Timestamp,
        user: UserId,
        kind: Option<&str>,
    ) -> Result<Admission, Refusal> {
        let member = self.members.get(&user).ok_or(Refusal::Unknown)?.clone();
        if self.credentials.values().filter(|c| c.user == user).count() >= MAX_CREDENTIALS {
            return Err(Refusal::DevicesFull);
        }
        let credential = random_secret(|id| self.credentials.contains_key(id));
        let hash = self.key.hash(Kind::Credential, &credential);
        let kind = kind.and_then(|kind| display_text(kind, MAX_WORDS));
        self.credentials.insert(
            credential.id().to_owned(),
            Credential { hash, user: user.clone(), kind, since: now },
        );
        Ok(Admission { user, name: member.name, role: member.role, credential })
    }

    /// Revokes a credential, and returns its member. Only that member may do this, or everybody if `any` is
    /// set. Invitations made with the credential end too, so that a thief of the device cannot return with
    /// one.
    pub(crate) fn revoke(
        &mut self,
        id: &str,
        by: &UserId,
        any: bool,
    ) -> Result<UserId, RemoveMemberError> {
        let asks = (!any).then_some(by);
        let owner = match self.credentials.get(id) {
            Some(credential) if any || credential.user == *by => credential.user.clone(),
            Some(_) => return Err(RemoveMemberError::NotTheirs),
            None => return Err(self.ended.why_not(EndedKind::Credential, id, asks)),
        };
        let is_last_owner = self.has_owner() && {
            let gone = self.credentials.get(id).map(|credential| credential.hash.clone());
            !self.has_owner_without(|credential| Some(&credential.hash) == gone.as_ref())
        };
        if is_last_owner && self.members.len() > 1 {
            return Err(RemoveMemberError::LastOwner);
        }
        self.credentials.remove(id);
        self.end_invites(|invite| invite.is_from(id));
        self.ended.note(EndedKind::Credential, id, vec![owner.clone()]);
        Ok(owner)
    }

    /// The membership that this credential belongs to, as when it was granted.
    pub(crate) fn admission_of(&self, credential: &Secret) -> Option<Admission> {
        let Login { user, role, .. } = self.log_in(credential.id(), credential.secret())?;
        let name = self.members.get(&user)?.name.clone();
        Some(Admission { user, name, role, credential: credential.clone() })
    }

    /// Refuses a credential whose id belongs to a device or belonged to one that was removed.
    pub(crate) fn require_unused(&self, credential: &Secret) -> Result<(), Refusal> {
        let id = credential.id();
        let has_ended =
            self.ended.why_not(EndedKind::Credential, id, None) == RemoveMemberError::Already;
        let is_used = has_ended || self.credentials.contains_key(id);
        if is_used { Err(Refusal::Unknown) } else { Ok(()) }
    }

    /// Puts the credential that the device has made in the place of the one just made for it.
    pub(crate) fn use_credential(
        &mut self,
        admission: &mut Admission,
        credential: &Secret,
    ) -> Result<(), Refusal> {
        self.require_unused(credential)?;
        let mut made =
            self.credentials.remove(admission.credential.id()).ok_or(Refusal::Unknown)?;
        made.hash = self.key.hash(Kind::Credential, credential);
        self.credentials.insert(credential.id().to_owned(), made);
        admission.credential = credential.clone();
        Ok(())
    }

    /// Takes back that this credential was granted. A member whose only one it was goes with it.
    pub(crate) fn undo_join(&mut self, credential: &Secret) -> Result<UserId, RemoveMemberError> {
        let id = credential.id();
        let Some(Login { user, .. }) = self.log_in(id, credential.secret()) else {
            return Err(self.ended.why_not(EndedKind::Credential, id, None));
        };
        let of_user = self.credentials.values().filter(|credential| credential.user == user);
        if of_user.count() > 1 {
            return self.revoke(id, &user, false);
        }
        self.remove_member(&user, RemovalScope::Member).map(|_| user)
    }

    fn end_credentials(&mut self, of: &BTreeSet<&UserId>) -> Vec<(UserId, String)> {
        let mut gone = Vec::new();
        self.credentials.retain(|id, credential| {
            let stays = !of.contains(&credential.user);
            if !stays {
                gone.push((credential.user.clone(), id.clone()));
            }
            stays
        });
        for (user, id) in &gone {
            self.ended.note(EndedKind::Credential, id, vec![user.clone()]);
        }
        gone
    }

    /// Creates a token for a program. Returns none if there are too many.
    pub(crate) fn make_token(
        &mut self,
        now: Timestamp,
        by: Option<&UserId>,
        label: &str,
    ) -> Option<(Secret, Token)> {
        if self.tokens.len() >= MAX_TOKENS {
            return None;
        }
        let secret = random_secret(|id| self.tokens.contains_key(id));
        let label = display_text(label, MAX_WORDS).unwrap_or_else(|| "token".to_owned());
        let hash = self.key.hash(Kind::Token, &secret);
        let token = Token { hash, label, since: now, by: by.cloned() };
        self.tokens.insert(secret.id().to_owned(), token.clone());
        Some((secret, token))
    }

    /// Revokes a program's token.
    pub(crate) fn revoke_token(&mut self, id: &str) -> Result<(), RemoveMemberError> {
        if self.tokens.remove(id).is_none() {
            return Err(self.ended.why_not(EndedKind::Token, id, None));
        }
        self.ended.note(EndedKind::Token, id, Vec::new());
        Ok(())
    }

    /// Returns whether a program with this token may read.
    pub(crate) fn may_read(&self, secret: &Secret) -> bool {
        self.tokens.get(secret.id()).is_some_and(|token| {
            self.key.verifies(Kind::Token, secret.id(), secret.secret(), &token.hash)
        })
    }

    /// Returns a free user id for a name: `anna`, or `anna-2` if `anna` is taken.
    fn free_id(&self, wanted: &UserId) -> UserId {
        if !self.members.contains_key(wanted) {
            return wanted.clone();
        }
        let numbered = |n: usize| {
            let mut stem = wanted.as_str().to_owned();
            let end = format!("-{n}");
            while stem.len() + end.len() > porchlight_core::id::MAX_ID_BYTES {
                stem.pop();
            }
            UserId::parse(&(stem + &end)).ok()
        };
        (2..)
            .filter_map(numbered)
            .find(|id| !self.members.contains_key(id))
            .expect("there are more numbers than members")
    }
}

#[cfg(test)]
mod tests;
