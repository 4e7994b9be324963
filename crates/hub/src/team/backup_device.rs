//! Which device is the backup: an owner asks, and its user agrees.

use super::Team;
use super::relocation::reach;
use crate::accounts::{Accounts, Agreed, BackupRefusal, Login, SaveError};
use crate::clock;
use crate::standby::key_of;
use porchlight_core::team::{
    Address, Backup, BackupAgree, BackupStage, BackupView, MAX_ADDRESSES, Role,
};
use std::net::IpAddr;

/// Why a computer does not become the backup.
#[derive(Debug)]
pub(crate) enum AgreeRefusal {
    NotAsked,
    BadRequest(&'static str),
    /// The host does not reach it at these addresses.
    NotReachable(Vec<Address>),
    NotSaved(SaveError),
}

impl From<SaveError> for AgreeRefusal {
    fn from(e: SaveError) -> Self {
        Self::NotSaved(e)
    }
}

impl From<BackupRefusal> for AgreeRefusal {
    fn from(_: BackupRefusal) -> Self {
        Self::NotAsked
    }
}

impl Team {
    /// Asks the device with this credential to be the backup. Returns whether there is such a device.
    pub(crate) async fn ask_backup(&self, credential: String) -> Result<bool, SaveError> {
        let ask = move |team: &mut Accounts| Ok(team.ask_backup(&credential).is_ok());
        self.ledger().change(ask).await
    }

    /// The user of the device agreed. The host must reach it, or members would not either.
    pub(crate) async fn agree_to_back_up(
        &self,
        login: &Login,
        agree: BackupAgree,
    ) -> Result<(), AgreeRefusal> {
        let BackupAgree { key, at, device } = agree;
        let is_asked = |team: &Accounts| {
            team.backup().is_some_and(|backup| backup.credential == login.credential)
        };
        if !self.ledger().read(is_asked) {
            return Err(AgreeRefusal::NotAsked);
        }
        if at.is_empty() || at.len() > MAX_ADDRESSES {
            return Err(AgreeRefusal::BadRequest("give 1 to 8 addresses"));
        }
        let Some(public) = key_of(&key) else {
            return Err(AgreeRefusal::BadRequest("the key is no public key"));
        };
        if !reach::leads_to(&at, reach::Peer::Key(public)).await {
            return Err(AgreeRefusal::NotReachable(at));
        }
        let credential = login.credential.clone();
        let agree = move |team: &mut Accounts| {
            let agreed = Agreed { key, at, device, serial: 0 };
            let done = team.agree_to_back_up(clock::now().wall, &credential, agreed);
            done.map_err(AgreeRefusal::from)
        };
        self.ledger().change(agree).await?;
        tracing::info!(user = %login.user, "agreed to be the backup");
        Ok(())
    }

    /// Ends the backup. Returns whether there was one that this member may end.
    pub(crate) async fn end_backup(&self, login: &Login) -> Result<bool, SaveError> {
        let login = login.clone();
        let end =
            move |team: &mut Accounts| Ok(team.end_backup(&login.user, login.role == Role::Owner));
        self.ledger().change(end).await
    }

    /// Whether this device is the backup, and its user has agreed.
    pub(crate) fn is_backup(&self, credential: &str) -> bool {
        self.ledger().read(|team| {
            team.backup().is_some_and(|b| b.credential == credential && b.agreed.is_some())
        })
    }

    /// The backup as `_hub` announces it.
    pub(super) fn announced_backup(&self) -> Option<Backup> {
        self.ledger().read(|team| {
            let backup = team.backup()?;
            let user = team.credentials().get(&backup.credential)?.user.clone();
            let Agreed { at, device, serial, .. } = backup.agreed.clone()?;
            let name = team.members().get(&user)?.name.clone();
            Some(Backup { user, device, name, at, serial })
        })
    }

    /// The backup as this member sees it.
    pub(super) fn backup_view(&self, login: &Login) -> Option<BackupView> {
        let follower = self.hand_over.follower();
        self.ledger().read(|team| {
            let backup = team.backup()?;
            let credential = team.credentials().get(&backup.credential)?;
            let stage = match &backup.agreed {
                None => BackupStage::Asked,
                Some(_) if follower.as_ref() == Some(&backup.credential) => BackupStage::Ready,
                Some(_) => BackupStage::Away,
            };
            Some(BackupView {
                user: credential.user.to_string(),
                name: team.members().get(&credential.user)?.name.clone(),
                kind: credential.kind.clone(),
                stage,
                this: backup.credential == login.credential,
                outside: backup.agreed.iter().flat_map(|agreed| &agreed.at).any(is_outside),
            })
        })
    }
}

/// Whether an address may lead here from another network: a name, or an address that is not private (RFC 1918, RFC 4193).
fn is_outside(at: &Address) -> bool {
    match at.host().parse() {
        Ok(IpAddr::V4(ip)) => !(ip.is_private() || ip.is_loopback() || ip.is_link_local()),
        Ok(IpAddr::V6(ip)) => {
            !(ip.is_unique_local() || ip.is_loopback() || ip.is_unicast_link_local())
        }
        Err(_) => !at.host().ends_with(".local"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_private_address_does_not_lead_here_from_outside() {
        for (at, outside) in [
            ("192.168.1.6", false),
            ("10.0.0.1", false),
            ("169.254.1.1", false),
            ("bob.local", false),
            ("[fd00::1]", false),
            ("[fe80::1]", false),
            ("9.9.9.9", true),
            ("[2620:fe::9]", true),
            ("home.example", true),
        ] {
            assert_eq!(is_outside(&at.parse().unwrap()), outside, "{at}");
        }
    }
}
