use super::*;
use porchlight_core::id::Root;
use porchlight_core::team::Role;
use std::time::Duration;

const NOW: u64 = 1_796_900_000_000;

fn at(ms: u64) -> Timestamp {
    Timestamp::from_ms(ms).unwrap()
}

fn now() -> Timestamp {
    at(NOW)
}

/// A team, and a computer that is its backup.
struct World {
    accounts: Accounts,
    identity: Certificate,
    backup: StandbyFolder,
    _folder: tempfile::TempDir,
}

impl World {
    fn new() -> Self {
        let mut accounts = Accounts::new("Team", Root::default());
        accounts.admit(now(), "Anna", None, Role::Owner).unwrap();
        accounts.raise_revision(now());
        let identity = Certificate::make(&accounts.team).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let pin = identity.open().unwrap().1;
        let backup = StandbyFolder::new(folder.path().join("backup"), pin);
        Self { accounts, identity, backup, _folder: folder }
    }

    fn signed(&self, key: &str, time: Timestamp) -> SignedState {
        let place = (None, vec!["10.0.0.7:1".parse().unwrap()]);
        SignedState::sign(&self.accounts, key, &self.identity, place, time).unwrap()
    }

    fn state(&self) -> SignedState {
        self.signed(&self.backup.public_key().unwrap(), now())
    }

    fn refuses(&self, state: &SignedState) -> String {
        self.backup.accept(&state.to_json(), now()).unwrap_err().to_string()
    }
}

#[test]
fn a_backup_serves_with_what_the_host_signed() {
    let world = World::new();
    assert!(world.backup.load(now()).unwrap().is_none());
    let standby = world.backup.accept(&world.state().to_json(), now()).unwrap();
    assert_eq!(standby.revision, NOW);
    assert_eq!(world.backup.load(now()).unwrap(), Some(standby));
    let (_, pin) = world.backup.certificate().unwrap().open().unwrap();
    assert_eq!(pin, world.identity.open().unwrap().1, "members know the team by its identity");
    let verified = world.backup.open(now()).unwrap().unwrap();
    assert_eq!(verified.accounts.members().len(), 1);
    assert!(verified.accounts.invites().is_empty(), "a backup admits nobody");
    world.backup.forget().unwrap();
    assert!(world.backup.load(now()).unwrap().is_none());
}

#[test]
fn a_list_or_a_delegation_that_the_team_did_not_sign_is_refused() {
    let (world, other) = (World::new(), World::new());
    let mut changed = serde_json::to_value(world.state()).unwrap();
    let accounts = changed["list"]["accounts"].as_str().unwrap().replace("Anna", "Eve");
    changed["list"]["accounts"] = accounts.into();
    let changed: SignedState = serde_json::from_value(changed).unwrap();
    assert!(world.refuses(&changed).contains("not signed"));
    assert!(world.refuses(&other.state()).contains("another team"));

    // A delegation of another team under the right identity.
    let mut forged = world.state();
    forged.delegation = other.signed(&world.backup.public_key().unwrap(), now()).delegation;
    assert!(world.refuses(&forged).contains("not signed"));
    // One that the backup signed itself.
    let own = Certificate {
        certificate: world.identity.certificate.clone(),
        key: world.backup.key().unwrap(),
    };
    let key = BASE64URL_NOPAD.decode(world.backup.public_key().unwrap().as_bytes()).unwrap();
    forged.delegation = delegation::issue(&own, &key, NOW, now()).unwrap();
    assert!(world.refuses(&forged).contains("not signed"));

    // One for another computer, and one of another list.
    let stolen = world.signed(&other.backup.public_key().unwrap(), now());
    assert!(world.refuses(&stolen).contains("not for this computer"));
    forged.delegation = delegation::issue(&world.identity, &key, NOW - 1, now()).unwrap();
    assert!(world.refuses(&forged).contains("not for this computer"));
}

#[test]
fn nothing_older_than_what_is_there_is_taken() {
    let mut world = World::new();
    let old = world.state();
    world.accounts.admit(now(), "Bob", None, Role::Member).unwrap();
    world.accounts.raise_revision(now());
    world.backup.accept(&world.state().to_json(), now()).unwrap();
    let outdated = world.backup.accept(&old.to_json(), now());
    assert!(matches!(outdated, Err(StandbyError::Outdated)), "{outdated:?}");
    assert_eq!(world.backup.load(now()).unwrap().unwrap().revision, NOW + 1);
    // A damaged file is replaced by what comes next.
    let path = world.backup.folder.join(STATE);
    fs::write(&path, "{").unwrap();
    assert!(matches!(world.backup.load(now()), Err(StandbyError::Damaged { .. })));
    world.backup.accept(&world.state().to_json(), now()).unwrap();
}

#[test]
fn a_delegation_ends_after_a_week_at_most() {
    let world = World::new();
    let state = world.state();
    let standby = world.backup.accept(&state.to_json(), now()).unwrap();
    assert!(standby.expires <= now() + delegation::HOLDS);
    let last = at(standby.expires.as_ms() - 1);
    assert!(world.backup.load(last).is_ok());
    assert!(matches!(world.backup.load(standby.expires), Err(StandbyError::Expired)));
    let days = Duration::from_millis(standby.expires.as_ms() - NOW).as_secs() / 86_400;
    assert_eq!(days, 6, "half a day is before now, for clocks that are slow");
}

#[test]
fn only_a_public_key_is_a_key() {
    let world = World::new();
    assert!(key_of(&world.backup.public_key().unwrap()).is_some());
    for no_key in ["", "AAAA", "no key"] {
        assert_eq!(key_of(no_key), None, "{no_key}");
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = fs::metadata(world.backup.folder.join(KEY)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}
