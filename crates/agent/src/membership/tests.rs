use porchlight_core::team::Role;

use super::*;
use crate::proxy::Proxy;

fn joined(user: &str) -> Joined {
    Joined {
        team: "Anna's team".to_owned(),
        root: Root::parse("presence/acme").unwrap(),
        user: UserId::parse(user).unwrap(),
        name: "Bob".to_owned(),
        role: Role::Member,
        credential: secret(),
        at: vec!["10.0.0.7:1".parse().unwrap(), "[fd00::7]:1".parse().unwrap()],
        pin: Pin::of_digest([7; 32]),
    }
}

fn secret() -> Secret {
    Secret::of_parts("k3V9xQ2aB7", &"s".repeat(27)).unwrap()
}

async fn kept(state: &Path) -> Membership {
    Membership::keep(state, &joined("bob"), SecretStorage::FileAgreed).await.unwrap()
}

fn read(state: &Path) -> Option<Membership> {
    Membership::read(state, &Proxy::default()).unwrap()
}

#[tokio::test]
async fn a_membership_is_read_as_it_was_kept() {
    let dir = tempfile::tempdir().unwrap();
    let state = dir.path().join("state");
    assert!(read(&state).is_none());
    kept(&state).await;
    let it = read(&state).unwrap();
    assert_eq!((it.team(), it.user().as_str(), it.name()), ("Anna's team", "bob", "Bob"));
    assert_eq!((it.credential_id(), it.pin()), ("k3V9xQ2aB7", Pin::of_digest([7; 32])));
    assert_eq!(it.at(), joined("bob").at);
    assert_eq!(it.credential().await.unwrap(), secret());
}

#[cfg(unix)]
#[tokio::test]
async fn only_this_account_may_read_the_files_and_the_secret_has_its_own() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = tempfile::tempdir().unwrap();
    kept(dir.path()).await;
    for path in [file(dir.path()), secret_file(dir.path())] {
        let mode = fs::metadata(&path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{}", path.display());
    }
    let stored = fs::read_to_string(file(dir.path())).unwrap();
    assert!(!stored.contains(secret().secret()), "{stored}");
    let it = read(dir.path()).unwrap();
    assert!(!format!("{it:?} {:?}", it.broker()).contains(secret().secret()));
}

#[tokio::test]
async fn its_broker_has_the_pin_and_the_login() {
    let dir = tempfile::tempdir().unwrap();
    kept(dir.path()).await;
    let broker = read(dir.path()).unwrap().broker();
    assert_eq!(broker.addresses(), joined("bob").at);
    assert_eq!(broker.root.as_str(), "presence/acme");
    assert_eq!(broker.tls.unwrap().trust, crate::broker::Trust::Pinned(Pin::of_digest([7; 32])));
    let login = broker.login.unwrap();
    assert_eq!(login.username, "k3V9xQ2aB7");
    let Password::Stored(kept) = login.password else { panic!() };
    assert_eq!(kept.read().await.unwrap(), secret().secret());
}

#[tokio::test]
async fn a_second_team_is_not_joined_over_the_first_but_a_further_link_to_it_is() {
    let dir = tempfile::tempdir().unwrap();
    kept(dir.path()).await;
    let other = Membership::keep(dir.path(), &joined("zoe"), SecretStorage::FileAgreed).await;
    assert_eq!(other.unwrap_err().code(), "member_already");
    let renewed = Joined {
        credential: Secret::of_parts("Bk3V9xQ2a7", &"t".repeat(27)).unwrap(),
        ..joined("bob")
    };
    Membership::keep(dir.path(), &renewed, SecretStorage::FileAgreed).await.unwrap();
    let it = read(dir.path()).unwrap();
    assert_eq!(it.credential().await.unwrap(), renewed.credential);
}

#[tokio::test]
async fn where_the_hub_was_found_is_kept() {
    let dir = tempfile::tempdir().unwrap();
    let at: Vec<Address> = vec!["10.0.0.9:2".parse().unwrap()];
    Membership::found_at(dir.path(), &at).unwrap();
    assert!(read(dir.path()).is_none(), "of no team there is nothing to keep");
    kept(dir.path()).await;
    Membership::found_at(dir.path(), &at).unwrap();
    Membership::found_at(dir.path(), &[]).unwrap();
    assert_eq!(read(dir.path()).unwrap().at(), at);
    assert_eq!(read(dir.path()).unwrap().credential().await.unwrap(), secret());
}

#[tokio::test]
async fn a_forgotten_membership_leaves_no_file() {
    let dir = tempfile::tempdir().unwrap();
    kept(dir.path()).await.forget().await.unwrap();
    assert!(read(dir.path()).is_none());
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn a_damaged_file_is_reported_with_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    for text in ["", "{", r#"{"team":"x"}"#] {
        fs::write(file(dir.path()), text).unwrap();
        let error = Membership::read(dir.path(), &Proxy::default()).unwrap_err();
        assert_eq!(error.code(), "membership_damaged");
        assert!(error.to_string().contains("join again"), "{error}");
    }
    fs::remove_file(file(dir.path())).unwrap();
    let it = kept(dir.path()).await;
    drop(it);
    fs::write(secret_file(dir.path()), "half").unwrap();
    let error = read(dir.path()).unwrap().credential().await.unwrap_err();
    assert_eq!(error.code(), "credential_missing");
    fs::remove_file(secret_file(dir.path())).unwrap();
    let error = read(dir.path()).unwrap().credential().await.unwrap_err();
    assert_eq!(error.code(), "credential_missing");
}

#[test]
fn a_keyring_s_failure_offers_the_file_where_something_is_to_be_kept() {
    for error in [
        KeyringError::Absent { reason: "no bus".to_owned() },
        KeyringError::Locked,
        KeyringError::Refused,
    ] {
        let (code, words) = (error.code(), error.to_string());
        let offered = MembershipError::from(error);
        assert_eq!(offered.code(), code);
        let message = offered.to_string();
        assert!(message.starts_with(&words), "{message}");
        assert!(message.contains("in a file that only this account may read"), "{message}");
    }
}
