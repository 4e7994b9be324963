//! A model of what a hub does for its team: `docs/protocol.md`, and no more.

use std::collections::BTreeMap;

use porchlight_core::team::Secret;

/// Who belongs to a team.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Accounts {
    /// The team's number.
    pub(crate) team: u8,
    pub(crate) owners: Vec<String>,
    /// By id: the credential, and whose it is.
    pub(crate) credentials: BTreeMap<String, (Secret, String)>,
    /// Invitations that were not used: the token, and the member for whose further device it is.
    pub(crate) tokens: Vec<(String, Option<String>)>,
}

impl Accounts {
    pub(crate) fn user_of(&self, credential: &Secret) -> Option<&str> {
        let (known, user) = self.credentials.get(credential.id())?;
        (known == credential).then_some(user.as_str())
    }

    pub(crate) fn members(&self) -> usize {
        let mut users: Vec<_> = self.credentials.values().map(|(_, user)| user).collect();
        users.sort_unstable();
        users.dedup();
        users.len()
    }

    /// Redeems an invitation, or answers as before. `None`: it was used by somebody else.
    pub(crate) fn redeem(
        &mut self,
        token: &str,
        credential: &Secret,
        name: &str,
        owner: bool,
    ) -> Option<String> {
        if let Some(user) = self.user_of(credential) {
            return Some(user.to_owned());
        }
        let held = self.tokens.iter().position(|(known, _)| known == token)?;
        let (_, for_user) = self.tokens.remove(held);
        let Some(user) = for_user else { return Some(self.admit(credential, name, owner)) };
        self.credentials.insert(credential.id().to_owned(), (credential.clone(), user.clone()));
        Some(user)
    }

    /// A new member, or the same one again.
    pub(crate) fn admit(&mut self, credential: &Secret, name: &str, owner: bool) -> String {
        if let Some((_, user)) = self.credentials.get(credential.id()) {
            return user.clone();
        }
        let taken = |user: &str| self.credentials.values().any(|(_, known)| known == user);
        let numbered = (2..).map(|n| format!("{name}-{n}"));
        let user = std::iter::once(name.to_owned()).chain(numbered).find(|user| !taken(user));
        let user = user.unwrap_or_default();
        if owner {
            self.owners.push(user.clone());
        }
        self.credentials.insert(credential.id().to_owned(), (credential.clone(), user.clone()));
        user
    }

    /// Removes a member. False: it is the last owner of a team with others.
    pub(crate) fn remove(&mut self, user: &str) -> bool {
        let is_last = self.owners.iter().all(|owner| owner == user);
        if is_last && self.owners.iter().any(|owner| owner == user) && self.members() > 1 {
            return false;
        }
        self.owners.retain(|owner| owner != user);
        self.credentials.retain(|_, (_, known)| known != user);
        if self.credentials.is_empty() {
            // An invitation ends with the member who made it.
            self.tokens.clear();
        }
        true
    }
}

/// What a store on a disk contains.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Store {
    pub(crate) accounts: Accounts,
    pub(crate) custody: Custody,
}

/// What the hub of a store may do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Custody {
    Serving,
    Arriving,
    /// To this computer, under this key.
    Moved(usize, String),
}

/// A request to join, which ends with the hub's process.
#[derive(Debug, Clone)]
pub(crate) struct Pending {
    pub(crate) ticket: Secret,
    pub(crate) credential: Secret,
    pub(crate) name: String,
    pub(crate) decision: Option<bool>,
}
