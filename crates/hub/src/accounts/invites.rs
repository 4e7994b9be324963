//! Invitations: their purpose, number of uses and end.

use super::secrets::{Hash, Kind, random_secret};
use super::{Accounts, Admission, EndedKind, RemoveMemberError};
use porchlight_core::id::UserId;
use porchlight_core::team::{Role, Secret};
use porchlight_core::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::Duration;

/// Default lifetime of an invitation.
const LASTS: Duration = Duration::from_secs(7 * 24 * 60 * 60);
const LASTS_AT_MOST: Duration = Duration::from_secs(30 * 24 * 60 * 60);
const MAX_USES: u32 = 100;
/// Maximum number of invitations per member, including used ones.
const MAX_OF_ONE: usize = 100;
const MAX_INVITES: usize = 2_000;
/// Maximum number of new members that the open invitations of one member may admit. Owners have no such
/// limit.
const MAX_OPEN_USES: u32 = 20;
/// How long the hub remembers an expired invitation.
const REMEMBERED: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// The purpose of an invitation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Purpose {
    /// A new member.
    Member,
    /// Another device of this member.
    Device(UserId),
    /// The first person to use it becomes the owner of the team.
    #[serde(rename = "starter")]
    Owner,
}

/// A stored invitation.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Invite {
    hash: Hash,
    pub(crate) purpose: Purpose,
    pub(crate) by: Option<UserId>,
    /// The credential of the device that created it. The invitation ends together with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    credential: Option<String>,
    pub(crate) uses_left: u32,
    pub(crate) ends: Timestamp,
}

impl Invite {
    /// Returns whether this member created it, or it is for their devices.
    fn is_of(&self, user: &UserId) -> bool {
        self.owners().contains(user)
    }

    /// Returns the members who may revoke it.
    pub(super) fn owners(&self) -> Vec<UserId> {
        let device_of = match &self.purpose {
            Purpose::Device(of) => Some(of.clone()),
            Purpose::Member | Purpose::Owner => None,
        };
        self.by.clone().into_iter().chain(device_of).collect()
    }

    /// Returns whether the device of this credential created it.
    pub(super) fn is_from(&self, credential: &str) -> bool {
        self.credential.as_deref() == Some(credential)
    }

    /// Returns whether it can still be redeemed.
    pub(crate) fn holds(&self, now: Timestamp) -> bool {
        self.uses_left > 0 && now < self.ends
    }
}

/// The parameters of a new invitation.
#[derive(Debug, Clone)]
pub(crate) struct Order {
    pub(crate) purpose: Purpose,
    /// The member who creates it. None if the hub does.
    pub(crate) by: Option<UserId>,
    /// The credential of the requesting device.
    pub(crate) credential: Option<String>,
    pub(crate) uses: Option<u32>,
    pub(crate) lasts: Option<Duration>,
}

/// The reasons to refuse an invitation or a new member.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    Unknown,
    Expired,
    UsedUp,
    BadName,
    TeamFull,
    DevicesFull,
    InvitesFull,
    /// The member's open invitations would admit too many people.
    OpenUsesFull,
    TokensFull,
    /// The requesting, inviting or approving member was removed meanwhile.
    NotAMember,
}

impl Accounts {
    pub(crate) fn invites(&self) -> &BTreeMap<String, Invite> {
        &self.invites
    }

    /// Creates an invitation.
    pub(crate) fn invite(
        &mut self,
        now: Timestamp,
        order: Order,
    ) -> Result<(Secret, Invite), Refusal> {
        self.invites.retain(|_, invite| now.since(invite.ends) < REMEMBERED);
        let of_one = self.invites.values().filter(|i| i.by == order.by).count();
        if of_one >= MAX_OF_ONE || self.invites.len() >= MAX_INVITES {
            return Err(Refusal::InvitesFull);
        }
        let uses = order.uses.unwrap_or(1).clamp(1, MAX_USES);
        if order.purpose == Purpose::Member
            && let Some(by) = &order.by
            && self.members.get(by).ok_or(Refusal::NotAMember)?.role != Role::Owner
            && self.open_uses(now, by) + uses > MAX_OPEN_USES
        {
            return Err(Refusal::OpenUsesFull);
        }
        let secret = random_secret(|id| self.invites.contains_key(id));
        let invite = Invite {
            hash: self.key.hash(Kind::Invite, &secret),
            purpose: order.purpose,
            by: order.by,
            credential: order.credential,
            uses_left: uses,
            ends: now + order.lasts.unwrap_or(LASTS).min(LASTS_AT_MOST),
        };
        self.invites.insert(secret.id().to_owned(), invite.clone());
        Ok((secret, invite))
    }

    /// Counts the new members that the invitations of this member can still admit.
    fn open_uses(&self, now: Timestamp, by: &UserId) -> u32 {
        let open = self.invites.values().filter(|invite| {
            invite.purpose == Purpose::Member && invite.by.as_ref() == Some(by) && invite.holds(now)
        });
        open.map(|invite| invite.uses_left).sum()
    }

    /// Revokes an invitation. Only its owners may do this, or everybody if `any` is set.
    pub(crate) fn take_back(
        &mut self,
        id: &str,
        by: &UserId,
        any: bool,
    ) -> Result<(), RemoveMemberError> {
        match self.invites.get(id) {
            Some(invite) if any || invite.is_of(by) => {}
            Some(_) => return Err(RemoveMemberError::NotTheirs),
            None => {
                let asks = (!any).then_some(by);
                return Err(self.ended.why_not(EndedKind::Invite, id, asks));
            }
        }
        if let Some(invite) = self.invites.remove(id) {
            self.ended.note(EndedKind::Invite, id, invite.owners());
        }
        Ok(())
    }

    /// Revokes the invitations for an owner, because the team has one or a new link replaces them.
    pub(crate) fn take_back_owner_links(&mut self) {
        self.end_invites(|invite| invite.purpose == Purpose::Owner);
    }

    pub(super) fn end_invites(&mut self, which: impl Fn(&Invite) -> bool) {
        let ended = &mut self.ended;
        self.invites.retain(|id, invite| {
            let ends = which(invite);
            if ends {
                ended.note(EndedKind::Invite, id, invite.owners());
            }
            !ends
        });
    }

    /// Lets in the holder of an invitation, with the credential that their device has made. To the same credential the
    /// answer is the same again, whatever became of the invitation.
    pub(crate) fn redeem_with(
        &mut self,
        now: Timestamp,
        token: &Secret,
        name: &str,
        kind: Option<&str>,
        credential: &Secret,
    ) -> Result<Admission, Refusal> {
        if let Some(known) = self.admission_of(credential) {
            return Ok(known);
        }
        self.require_unused(credential)?;
        let mut admission = self.redeem(now, token, name, kind)?;
        self.use_credential(&mut admission, credential)?;
        Ok(admission)
    }

    /// Redeems an invitation.
    pub(crate) fn redeem(
        &mut self,
        now: Timestamp,
        token: &Secret,
        name: &str,
        kind: Option<&str>,
    ) -> Result<Admission, Refusal> {
        let invite = self.invites.get(token.id()).ok_or(Refusal::Unknown)?;
        if !self.key.verifies(Kind::Invite, token.id(), token.secret(), &invite.hash) {
            return Err(Refusal::Unknown);
        }
        // Report used up before expired, because it is more precise.
        if invite.uses_left == 0 {
            return Err(Refusal::UsedUp);
        }
        if now >= invite.ends {
            return Err(Refusal::Expired);
        }
        let by = invite.by.clone();
        let admission = match invite.purpose.clone() {
            Purpose::Member => match by {
                Some(by) => self.admit_by(now, name, kind, &by)?,
                None => self.admit(now, name, kind, Role::Member)?,
            },
            Purpose::Owner => self.admit(now, name, kind, Role::Owner)?,
            Purpose::Device(user) => self.give_credential(now, user, kind)?,
        };
        if let Some(invite) = self.invites.get_mut(token.id()) {
            invite.uses_left -= 1;
        }
        Ok(admission)
    }
}
