//! What a member does: which hub it believes, which one it tries first, and when it looks for the host.

use std::collections::BTreeMap;
use std::time::Duration;

use porchlight_core::time::{Monotonic, Timestamp};

/// How long a member waits for a computer that does not answer, before it tries the next one.
pub(super) const DEAD: Duration = Duration::from_secs(3);
pub(super) const RETRY: Duration = Duration::from_secs(2);
/// How often a member on the backup looks for the host.
pub(super) const LOOK: Duration = Duration::from_secs(60);
/// How long a member that found the host goes on looking, before it goes there by itself. Before that the backup sends
/// it, once the host has what changed meanwhile.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);
/// How long a hub may say nothing.
pub(super) const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// A rule of members that the simulation takes out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum MemberRule {
    LookForHost,
    Patience,
    RefuseOutdated,
    Serial,
    Validity,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Host,
    Backup,
}

/// A member's connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Connection {
    pub(super) place: Place,
    pub(super) id: u64,
    pub(super) silent_since: Option<Monotonic>,
    pub(super) look_at: Monotonic,
    /// Since when the host answers each look.
    pub(super) found_host: Option<Monotonic>,
}

#[derive(Debug, Default)]
pub(super) struct Member {
    /// The highest revision that it heard from the host.
    pub(super) revision: u64,
    /// The lowest serial number of a delegation that it accepts. None: the host named no backup.
    pub(super) backup: Option<u64>,
    /// It has the addresses of a backup, perhaps an earlier one.
    pub(super) has_address: bool,
    pub(super) connection: Option<Connection>,
    /// Names its attempts: an older one ends.
    pub(super) attempt: u64,
    pub(super) without_hub_since: Monotonic,
    /// The host sent it to the backup.
    pub(super) is_sent: bool,
    /// Whom it shows as here.
    pub(super) view: BTreeMap<usize, bool>,
}

/// What a backup shows in its certificate, and states.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shown {
    pub(super) serial: u64,
    pub(super) expires: Timestamp,
    pub(super) revision: u64,
}

impl Member {
    /// Takes what the host says of itself.
    pub(super) fn hear_host(&mut self, revision: u64, backup: Option<u64>) {
        self.revision = self.revision.max(revision);
        self.backup = backup;
        self.has_address |= backup.is_some();
    }

    /// Whether it may believe this backup at all.
    pub(super) fn trusts(&self, shown: Shown, wall: Timestamp) -> bool {
        self.accepts_serial(shown.serial) && wall < shown.expires
    }

    pub(super) fn accepts_serial(&self, serial: u64) -> bool {
        self.backup.is_some_and(|lowest| serial >= lowest)
    }

    pub(super) fn enters(
        &self,
        shown: Shown,
        wall: Timestamp,
        without: Option<MemberRule>,
    ) -> bool {
        let has = |rule| without != Some(rule);
        self.has_address
            && (self.accepts_serial(shown.serial) || !has(MemberRule::Serial))
            && (wall < shown.expires || !has(MemberRule::Validity))
            && (shown.revision >= self.revision || !has(MemberRule::RefuseOutdated))
    }
}
