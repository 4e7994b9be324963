//! The revision of the accounts, and the device that serves when the host is away.
//!
//! Owns when the revision rises, and who the backup is. `standby.rs` has what a backup receives.

use super::Accounts;
use porchlight_core::id::{DeviceId, UserId};
use porchlight_core::team::Address;
use porchlight_core::time::Timestamp;
use serde::{Deserialize, Serialize};

/// The device that an owner chose as the backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct BackupDevice {
    /// The id of its credential.
    pub(crate) credential: String,
    /// None until its user agrees.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) agreed: Option<Agreed>,
}

/// What a device said when its user agreed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Agreed {
    /// Its public key (`SubjectPublicKeyInfo`), base64url.
    pub(crate) key: String,
    /// The addresses at which it serves.
    pub(crate) at: Vec<Address>,
    /// The id of its device in topics.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) device: Option<DeviceId>,
    /// The lowest serial number of its delegations: the revision at which it agreed.
    pub(crate) serial: u64,
}

/// Why a device is not the backup.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BackupRefusal {
    /// There is no device with this credential.
    Unknown,
    /// Nobody asked this device.
    NotAsked,
}

impl Accounts {
    pub(crate) const fn revision(&self) -> u64 {
        self.revision
    }

    /// Raises the revision, at least to now in Unix milliseconds. So a team that comes back from a copy is newer than
    /// everything that was done with the original before.
    pub(crate) fn raise_revision(&mut self, now: Timestamp) {
        self.revision = (self.revision + 1).max(now.as_ms());
    }

    /// Ends a backup whose credential has ended, and raises the revision if what a backup has to know differs from
    /// `before`. Invitations are no part of that, because a backup admits nobody.
    pub(super) fn settle(&mut self, before: &Self, now: Timestamp) {
        let credentials = &self.credentials;
        self.backup.take_if(|backup| !credentials.contains_key(&backup.credential));
        let same = self.members == before.members
            && self.credentials == before.credentials
            && self.tokens == before.tokens
            && self.backup == before.backup;
        self.revision = self.revision.max(before.revision);
        if !same {
            self.raise_revision(now);
        }
    }

    pub(crate) const fn backup(&self) -> Option<&BackupDevice> {
        self.backup.as_ref()
    }

    /// Chooses the backup. The one before ends, unless it is the same.
    pub(crate) fn ask_backup(&mut self, credential: &str) -> Result<(), BackupRefusal> {
        if !self.credentials.contains_key(credential) {
            return Err(BackupRefusal::Unknown);
        }
        if self.backup.as_ref().is_none_or(|backup| backup.credential != credential) {
            self.backup = Some(BackupDevice { credential: credential.to_owned(), agreed: None });
        }
        Ok(())
    }

    /// Notes that the user of the device agreed. Another key or another address is a new agreement.
    pub(crate) fn agree_to_back_up(
        &mut self,
        now: Timestamp,
        credential: &str,
        agreed: Agreed,
    ) -> Result<(), BackupRefusal> {
        let serial = (self.revision + 1).max(now.as_ms());
        let backup = self.backup.as_mut().filter(|backup| backup.credential == credential);
        let backup = backup.ok_or(BackupRefusal::NotAsked)?;
        match &mut backup.agreed {
            // The delegations of this key hold on.
            Some(known) if known.key == agreed.key => {
                *known = Agreed { serial: known.serial, ..agreed };
            }
            slot => *slot = Some(Agreed { serial, ..agreed }),
        }
        Ok(())
    }

    /// Ends the backup. An owner may, and the user of the device. Returns whether there was one.
    pub(crate) fn end_backup(&mut self, by: &UserId, is_owner: bool) -> bool {
        let of = |credential: &str| self.credentials.get(credential).map(|c| &c.user);
        let may = self.backup.as_ref().is_some_and(|b| is_owner || of(&b.credential) == Some(by));
        may && self.backup.take().is_some()
    }

    /// The copy for the backup: what logs people and programs in, and nothing that admits anybody.
    pub(crate) fn for_backup(&self) -> Self {
        Self {
            invites: std::collections::BTreeMap::new(),
            ended: super::Tombstones::default(),
            ..self.clone()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use porchlight_core::id::Root;
    use porchlight_core::team::Role;

    fn at(ms: u64) -> Timestamp {
        Timestamp::from_ms(ms).unwrap()
    }

    fn agreed(key: &str) -> Agreed {
        let at = vec!["10.0.0.8:1".parse().unwrap()];
        Agreed { key: key.to_owned(), at, device: None, serial: 0 }
    }

    fn team() -> (Accounts, String) {
        let mut team = Accounts::new("Team", Root::default());
        team.admit(at(1), "Anna", None, Role::Owner).unwrap();
        let bob = team.admit(at(1), "Bob", None, Role::Member).unwrap();
        (team, bob.credential.id().to_owned())
    }

    #[test]
    fn the_revision_rises_with_what_a_backup_has_to_know() {
        let (mut team, bob) = team();
        let before = team.clone();
        team.settle(&before, at(5000));
        assert_eq!(team.revision(), 0, "nothing changed");
        team.ask_backup(&bob).unwrap();
        team.settle(&before, at(5000));
        assert_eq!(team.revision(), 5000);
        let before = team.clone();
        team.make_token(at(1), None, "door").unwrap();
        team.settle(&before, at(7));
        assert_eq!(team.revision(), 5001, "a clock that was set back does not lower it");
    }

    #[test]
    fn only_the_device_that_was_asked_agrees() {
        let (mut team, bob) = team();
        assert_eq!(team.agree_to_back_up(at(9), &bob, agreed("k")), Err(BackupRefusal::NotAsked));
        assert_eq!(team.ask_backup("nobody"), Err(BackupRefusal::Unknown));
        team.ask_backup(&bob).unwrap();
        team.agree_to_back_up(at(9), &bob, agreed("k")).unwrap();
        let serial = |team: &Accounts| team.backup().unwrap().agreed.as_ref().unwrap().serial;
        assert_eq!(serial(&team), 9);
        team.agree_to_back_up(at(20), &bob, agreed("k")).unwrap();
        assert_eq!(serial(&team), 9, "the same key");
        team.agree_to_back_up(at(20), &bob, agreed("another")).unwrap();
        assert_eq!(serial(&team), 20, "delegations of the lost key end");
    }

    #[test]
    fn a_backup_ends_with_its_credential_and_by_those_who_may() {
        let (mut team, bob) = team();
        let (anna, user) = (UserId::parse("anna").unwrap(), UserId::parse("bob").unwrap());
        team.ask_backup(&bob).unwrap();
        assert!(!team.end_backup(&UserId::parse("eve").unwrap(), false));
        assert!(team.end_backup(&user, false) && !team.end_backup(&user, false));
        team.ask_backup(&bob).unwrap();
        assert!(team.end_backup(&anna, true));
        team.ask_backup(&bob).unwrap();
        let before = team.clone();
        team.revoke(&bob, &anna, true).unwrap();
        team.settle(&before, at(3000));
        assert!(team.backup().is_none() && team.revision() == 3000);
    }
}
