//! Who belongs to the team, and what lets them in.
//!
//! Owns members, their credentials, invitations and the tokens of programs, and every rule of how one becomes another.
//! Deliberately knows no connection, no file and no clock: the moment is an argument, `file.rs` writes it down,
//! and `ledger.rs` decides when. What a credential was seen to use (client ids, devices) is `usage.rs`.
//!
//! Nothing here is a secret in the clear but the key: of every secret that lets somebody in only a keyed hash is kept.

use porchlight_core::id::{Root, UserId};
use porchlight_core::team::{Role, Secret, TokenView};
use porchlight_core::text::{MAX_NAME, display_text};
use porchlight_core::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

mod file;
mod inviters;
mod invites;
mod ledger;
mod secrets;
mod tombstones;
mod usage;

pub use file::{AccountsError, SaveError};
pub(crate) use file::{AccountsFile, FILE, load};
pub(crate) use inviters::{Inviter, RemovalScope, Removed};
pub(crate) use invites::{Invite, Order, Purpose, Refusal};
pub(crate) use ledger::{Ledger, PendingSave};
pub(crate) use secrets::{Hash, Key, Kind, random_below, random_id, random_secret};
use tombstones::{EndedKind, Tombstones};
pub(crate) use usage::{Bound, CredentialUsage, is_presence_client_id};

/// The most people in a team, so that memory has a bound.
const MAX_MEMBERS: usize = 10_000;
/// The most credentials of one member: as many as devices (`docs/protocol.md`, *Access*).
const MAX_CREDENTIALS: usize = 16;
/// The most tokens of programs.
pub(crate) const MAX_TOKENS: usize = 100;
/// The longest kind of a device and label of a token, in characters.
const MAX_WORDS: usize = 48;

/// A team.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Accounts {
    /// What tells this team from another of the same name: random, for good.
    pub(crate) team: String,
    /// The name shown.
    pub(crate) name: String,
    /// What every topic begins with.
    pub(crate) root: Root,
    /// What hashes are keyed with.
    key: Key,
    members: BTreeMap<UserId, Membership>,
    credentials: BTreeMap<String, Credential>,
    invites: BTreeMap<String, Invite>,
    tokens: BTreeMap<String, Token>,
    /// What ended, so that ending it once more is no error.
    #[serde(default)]
    ended: Tombstones,
}

/// A member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Membership {
    pub(crate) name: String,
    pub(crate) role: Role,
    pub(crate) since: Timestamp,
    /// Who let them in. None: the hub itself, or a hub that did not keep it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) invited_by: Option<Inviter>,
}

/// What lets one device of a member in.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Credential {
    hash: Hash,
    pub(crate) user: UserId,
    pub(crate) kind: Option<String>,
    pub(crate) since: Timestamp,
}

/// What lets a program read.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Token {
    hash: Hash,
    label: String,
    since: Timestamp,
    /// The member who made it. None in a gateway, and for a token of an older hub.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    by: Option<UserId>,
}

impl Token {
    /// The token as people see it, without anything secret.
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

/// Somebody who was let in just now.
#[derive(Debug)]
pub(crate) struct Admission {
    pub(crate) user: UserId,
    pub(crate) name: String,
    pub(crate) role: Role,
    /// Told once.
    pub(crate) credential: Secret,
}

/// Who logged in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Login {
    pub(crate) credential: String,
    pub(crate) user: UserId,
    pub(crate) role: Role,
}

/// Why access does not end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RemoveMemberError {
    /// It never existed, or it ended before the last thousand that did.
    Unknown,
    /// It has ended already.
    Already,
    /// The member who asks may not end it.
    NotTheirs,
    /// Nobody else could let members go, or move the hub.
    LastOwner,
}

impl RemoveMemberError {
    /// Whether it is there and must stay.
    fn is_refusal(self) -> bool {
        matches!(self, Self::NotTheirs | Self::LastOwner)
    }
}

impl Accounts {
    /// A new team with nobody in it.
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

    /// Whether anybody can do what only an owner may.
    pub(crate) fn has_owner(&self) -> bool {
        let starts = |user| self.members.get(user).is_some_and(|m| m.role == Role::Owner);
        self.credentials.values().any(|credential| starts(&credential.user))
    }

    /// Who `secret` lets in under the credential `id`; none where it does not hold.
    pub(crate) fn log_in(&self, id: &str, secret: &str) -> Option<Login> {
        let credential = self.credentials.get(id)?;
        let holds = self.key.verifies(Kind::Credential, id, secret, &credential.hash);
        let role = self.members.get(&credential.user)?.role;
        holds.then(|| Login { credential: id.to_owned(), user: credential.user.clone(), role })
    }

    /// Whether the credential still holds, and is of this member.
    pub(crate) fn holds(&self, id: &str, user: &UserId) -> bool {
        self.credentials.get(id).is_some_and(|credential| credential.user == *user)
    }

    /// Refuses if the credential of this login was revoked.
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

    /// Adds a new member who was invited by this one.
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

    /// Gives a member a credential for one more device.
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

    /// Ends one credential, which its owner may, and with `any` everybody; whose it was. The invitations that were made
    /// with it end too, so that a thief who has the device cannot come back with one.
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
        self.credentials.remove(id);
        self.end_invites(|invite| invite.is_from(id));
        self.ended.note(EndedKind::Credential, id, vec![owner.clone()]);
        Ok(owner)
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

    /// Makes a token for a program; none where there are too many.
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

    /// Ends a program's token.
    pub(crate) fn revoke_token(&mut self, id: &str) -> Result<(), RemoveMemberError> {
        if self.tokens.remove(id).is_none() {
            return Err(self.ended.why_not(EndedKind::Token, id, None));
        }
        self.ended.note(EndedKind::Token, id, Vec::new());
        Ok(())
    }

    /// Whether a program that shows this may read.
    pub(crate) fn may_read(&self, secret: &Secret) -> bool {
        self.tokens.get(secret.id()).is_some_and(|token| {
            self.key.verifies(Kind::Token, secret.id(), secret.secret(), &token.hash)
        })
    }

    /// `anna`, or `anna-2` where there is an Anna.
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
