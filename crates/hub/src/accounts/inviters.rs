//! Records who invited each member, and finds the members to remove together with a member.
//!
//! Owns the rule that a chain of inviters has no gaps: when a member leaves, their invitees pass to the
//! member above. So a removal still reaches the invitees if somebody in between left first. A new member who
//! gets the id of a former one does not become the inviter.

use super::{Accounts, EndedKind, Refusal, RemoveMemberError};
use porchlight_core::id::UserId;
use porchlight_core::team::Role;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// The member who invited or approved another member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Inviter {
    /// The id of the inviter at that time.
    pub(crate) user: UserId,
    /// The name of the inviter, to show after they left.
    pub(crate) name: String,
    /// The nearest remaining member in the chain of inviters: `user`, until they leave. None if nobody of the
    /// chain is left.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    above: Option<UserId>,
}

impl Inviter {
    /// Returns whether the inviter has left the team.
    pub(crate) fn has_left(&self) -> bool {
        self.above.as_ref() != Some(&self.user)
    }
}

/// Which members leave the team in a removal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RemovalScope {
    /// Only that member.
    Member,
    /// Also everybody who joined through that member, directly or through others.
    WithInvited,
}

/// The members and credentials that a removal ended.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Removed {
    pub(crate) users: Vec<UserId>,
    /// The revoked credentials, each with its member.
    pub(crate) credentials: Vec<(UserId, String)>,
}

impl Accounts {
    /// Returns a member as an inviter.
    pub(super) fn inviter(&self, user: &UserId) -> Result<Inviter, Refusal> {
        // If the inviter was removed meanwhile, their invitations end too.
        let member = self.members.get(user).ok_or(Refusal::NotAMember)?;
        Ok(Inviter { user: user.clone(), name: member.name.clone(), above: Some(user.clone()) })
    }

    /// Returns the members who joined through this one, directly or through others. The id may be that of a
    /// former member.
    ///
    /// The result excludes owners, and the members who joined through an owner.
    pub(crate) fn members_invited_by(&self, user: &UserId) -> Vec<UserId> {
        let mut below: BTreeMap<&UserId, Vec<&UserId>> = BTreeMap::new();
        for (member, inviter) in self.invited() {
            if let Some(above) = &inviter.above {
                below.entry(above).or_default().push(member);
            }
        }
        let mut waiting = if self.is_member(user) {
            below.remove(user).unwrap_or_default()
        } else {
            let theirs = self.invited().filter(|(_, inviter)| inviter.user == *user);
            theirs.map(|(member, _)| member).collect()
        };
        let mut found = BTreeSet::new();
        while let Some(member) = waiting.pop() {
            // A manually edited file may contain a cycle.
            if member != user && found.insert(member.clone()) {
                waiting.extend(below.remove(member).unwrap_or_default());
            }
        }
        found.into_iter().collect()
    }

    /// Counts the members who joined through each member.
    pub(crate) fn count_invited(&self) -> BTreeMap<&UserId, u32> {
        let mut counts: BTreeMap<&UserId, u32> = BTreeMap::new();
        let mut open: BTreeMap<&UserId, u32> = BTreeMap::new();
        let above: BTreeMap<&UserId, &UserId> =
            self.invited().filter_map(|(m, inviter)| Some((m, inviter.above.as_ref()?))).collect();
        for above in above.values() {
            *open.entry(above).or_default() += 1;
        }
        // Start at the members who invited nobody, and go up. This never reaches a cycle.
        let mut done: Vec<&UserId> =
            self.members.keys().filter(|m| !open.contains_key(m)).collect();
        while let Some(member) = done.pop() {
            let Some(above) = above.get(member) else {
                continue;
            };
            let below = counts.get(member).copied().unwrap_or_default();
            *counts.entry(above).or_default() += below + 1;
            if let Some(left) = open.get_mut(above) {
                *left -= 1;
                if *left == 0 {
                    done.push(above);
                }
            }
        }
        counts
    }

    /// Returns the invited members who are not owners, each with their inviter.
    fn invited(&self) -> impl Iterator<Item = (&UserId, &Inviter)> {
        let invited = self.members.iter().filter(|(_, member)| member.role != Role::Owner);
        invited.filter_map(|(user, member)| Some((user, member.invited_by.as_ref()?)))
    }

    /// Ends memberships. The members' credentials end too, and so do the invitations and tokens that they
    /// created, because they may know them.
    pub(crate) fn remove_member(
        &mut self,
        user: &UserId,
        along: RemovalScope,
    ) -> Result<Removed, RemoveMemberError> {
        let mut users = match along {
            RemovalScope::Member => Vec::new(),
            RemovalScope::WithInvited => self.members_invited_by(user),
        };
        if let Some(member) = self.members.get(user) {
            // An owner without a device can do nothing for the others.
            let others_can = self.has_owner_without(|credential| credential.user == *user);
            if member.role == Role::Owner && !others_can && self.members.len() > 1 {
                return Err(RemoveMemberError::LastOwner);
            }
            users.push(user.clone());
        }
        if users.is_empty() {
            return Err(self.ended.why_not(EndedKind::Member, user.as_str(), None));
        }
        let gone: BTreeSet<&UserId> = users.iter().collect();
        self.reparent_invitees(&gone);
        let credentials = self.end_credentials(&gone);
        self.end_invites(|invite| invite.owners().iter().any(|user| gone.contains(user)));
        let ended = &mut self.ended;
        self.tokens.retain(|id, token| {
            let ends = token.by.as_ref().is_some_and(|by| gone.contains(by));
            if ends {
                ended.note(EndedKind::Token, id, Vec::new());
            }
            !ends
        });
        // Note these last, with the named member at the end, because `ended` forgets the oldest first.
        for user in &users {
            self.members.remove(user);
            self.ended.note(EndedKind::Member, user.as_str(), Vec::new());
        }
        Ok(Removed { users, credentials })
    }

    /// Passes the remaining invitees of these members to the nearest remaining member above.
    fn reparent_invitees(&mut self, gone: &BTreeSet<&UserId>) {
        let above = |user: &UserId| self.members.get(user)?.invited_by.as_ref()?.above.clone();
        let mut heirs = Vec::new();
        for user in self.members.keys().filter(|user| !gone.contains(user)) {
            let mut heir = above(user);
            if !heir.as_ref().is_some_and(|heir| gone.contains(heir)) {
                continue;
            }
            // At most one step for each removed member, because a manually edited file may contain a cycle.
            for _ in 0..=gone.len() {
                heir = match heir {
                    Some(leaves) if gone.contains(&leaves) => above(&leaves),
                    _ => break,
                };
            }
            heirs.push((user.clone(), heir.filter(|heir| !gone.contains(heir))));
        }
        for (user, heir) in heirs {
            if let Some(inviter) = self.members.get_mut(&user).and_then(|m| m.invited_by.as_mut()) {
                inviter.above = heir;
            }
        }
    }
}

#[cfg(test)]
mod tests;
