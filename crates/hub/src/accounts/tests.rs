use super::*;
use std::time::Duration;

const HOUR: Duration = Duration::from_secs(60 * 60);

fn now() -> Timestamp {
    Timestamp::from_ms(1_763_741_700_000).unwrap()
}

fn team() -> Accounts {
    Accounts::new("Anna's team", Root::default())
}

fn user(id: &str) -> UserId {
    UserId::parse(id).unwrap()
}

fn order(purpose: Purpose) -> Order {
    Order { purpose, by: None, credential: None, uses: None, lasts: None }
}

fn owner(team: &mut Accounts) -> Admission {
    team.admit(now(), "Anna", Some("laptop"), Role::Owner).unwrap()
}

/// Returns the secret with a different last character.
fn other(secret: &Secret) -> Secret {
    let last = if secret.secret().ends_with('a') { "b" } else { "a" };
    let changed = format!("{}{last}", &secret.secret()[..26]);
    Secret::of_parts(secret.id(), &changed).unwrap()
}

#[test]
fn a_credential_lets_in_and_another_secret_does_not() {
    let mut team = team();
    let anna = owner(&mut team);
    let login = team.log_in(anna.credential.id(), anna.credential.secret()).unwrap();
    assert_eq!((login.user, login.role), (user("anna"), Role::Owner));
    let wrong = other(&anna.credential);
    assert_eq!(team.log_in(wrong.id(), wrong.secret()), None);
    assert_eq!(team.log_in(anna.credential.id(), ""), None);
    assert_eq!(team.log_in("0123456789", anna.credential.secret()), None);
}

#[test]
fn what_is_written_holds_no_secret_and_lets_in_the_same_people() {
    let mut team = team();
    let anna = owner(&mut team);
    let (invite, _) = team.invite(now(), order(Purpose::Member)).unwrap();
    let (token, _) = team.make_token(now(), Some(&anna.user), "status board").unwrap();
    let dir = tempfile::tempdir().unwrap();
    let mut used = CredentialUsage::default();
    used.bind(anna.credential.id(), "pl0123456789abcdefghijm", true);
    used.bind(anna.credential.id(), "plr0123456789abcdefghij", false);
    AccountsFile::new(team, used).save(dir.path()).unwrap();
    let written = std::fs::read_to_string(dir.path().join(FILE)).unwrap();
    for secret in [&anna.credential, &invite, &token] {
        assert!(!written.contains(secret.secret()), "{secret:?}");
    }
    let AccountsFile { mut accounts, mut used, .. } = load(dir.path()).unwrap().unwrap();
    assert!(accounts.log_in(anna.credential.id(), anna.credential.secret()).is_some());
    assert!(accounts.may_read(&token));
    assert!(accounts.redeem(now(), &invite, "Bob", None).is_ok());
    let bound = used.bind("other", "pl0123456789abcdefghijm", true);
    assert_eq!(bound, Bound::Foreign, "a presence's id stays its own");
    let bound = used.bind("other", "plr0123456789abcdefghij", false);
    assert_eq!(bound, Bound::New { dropped: None }, "a reader's ends with the hub");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(dir.path().join(FILE)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}

#[test]
fn an_invitation_is_redeemed_as_often_as_it_may_and_until_it_ends() {
    let mut team = team();
    let wanted = Order { uses: Some(2), lasts: Some(HOUR), ..order(Purpose::Member) };
    let (token, _) = team.invite(now(), wanted).unwrap();
    let bob = team.redeem(now(), &token, "Bob B.", Some("laptop")).unwrap();
    assert_eq!((bob.user, bob.role), (user("bob-b"), Role::Member));
    let wrong = other(&token);
    assert_eq!(team.redeem(now(), &wrong, "Eve", None).unwrap_err(), Refusal::Unknown);
    let late = now() + HOUR;
    assert_eq!(team.redeem(late, &token, "Cy", None).unwrap_err(), Refusal::Expired);
    team.redeem(now(), &token, "Cy", None).unwrap();
    assert_eq!(team.redeem(now(), &token, "Di", None).unwrap_err(), Refusal::UsedUp);
}

#[test]
fn a_refused_name_costs_no_use() {
    let mut team = team();
    let (token, _) = team.invite(now(), order(Purpose::Member)).unwrap();
    for name in ["", "  ", "\u{202e}", "***"] {
        assert_eq!(team.redeem(now(), &token, name, None).unwrap_err(), Refusal::BadName);
    }
    team.redeem(now(), &token, "Bob", None).unwrap();
}

#[test]
fn a_taken_name_gets_a_number() {
    let mut team = team();
    let ids: Vec<_> = (0..3).map(|_| owner(&mut team).user).collect();
    assert_eq!(ids, [user("anna"), user("anna-2"), user("anna-3")]);
    let long = "a".repeat(64);
    let mut admit = || team.admit(now(), &long, None, Role::Member).unwrap().user;
    assert_eq!(admit().as_str(), long);
    assert_eq!(admit().as_str(), format!("{}-2", "a".repeat(62)));
}

#[test]
fn a_further_device_is_the_same_person() {
    let mut team = team();
    owner(&mut team);
    let (token, _) = team.invite(now(), order(Purpose::Device(user("anna")))).unwrap();
    let second = team.redeem(now(), &token, "Somebody else", Some("desktop")).unwrap();
    assert_eq!((second.user, second.name.as_str()), (user("anna"), "Anna"));
    for _ in 2..MAX_CREDENTIALS {
        team.give_credential(now(), user("anna"), None).unwrap();
    }
    let full = team.give_credential(now(), user("anna"), None).unwrap_err();
    assert_eq!(full, Refusal::DevicesFull);
}

#[test]
fn a_removed_member_takes_credentials_and_invitations_along() {
    let mut team = team();
    owner(&mut team);
    let bob = team.admit(now(), "Bob", None, Role::Member).unwrap();
    let wanted = Order { by: Some(user("bob")), ..order(Purpose::Member) };
    let (theirs, _) = team.invite(now(), wanted).unwrap();
    let (device, _) = team.invite(now(), order(Purpose::Device(user("bob")))).unwrap();
    let Removed { credentials: gone, .. } =
        team.remove_member(&user("bob"), RemovalScope::Member).unwrap();
    assert_eq!(gone, [(user("bob"), bob.credential.id().to_owned())]);
    assert_eq!(team.log_in(bob.credential.id(), bob.credential.secret()), None);
    assert!(!team.holds(bob.credential.id(), &bob.user));
    for token in [theirs, device] {
        assert_eq!(team.redeem(now(), &token, "Eve", None).unwrap_err(), Refusal::Unknown);
    }
    assert_eq!(
        team.remove_member(&user("bob"), RemovalScope::Member),
        Err(RemoveMemberError::Already)
    );
    assert_eq!(
        team.remove_member(&user("nobody"), RemovalScope::Member),
        Err(RemoveMemberError::Unknown)
    );
}

#[test]
fn the_last_owner_stays_until_everybody_else_is_gone() {
    let mut team = team();
    let anna = owner(&mut team);
    team.admit(now(), "Bob", None, Role::Member).unwrap();
    assert_eq!(
        team.remove_member(&user("anna"), RemovalScope::Member),
        Err(RemoveMemberError::LastOwner)
    );
    team.remove_member(&user("bob"), RemovalScope::Member).unwrap();
    let removed = team.remove_member(&user("anna"), RemovalScope::Member).unwrap();
    assert_eq!(removed.credentials, [(user("anna"), anna.credential.id().to_owned())]);
}

#[test]
fn a_team_whose_owner_lost_the_last_device_has_none() {
    let mut team = team();
    let anna = owner(&mut team);
    assert!(team.has_owner());
    assert_eq!(team.revoke(anna.credential.id(), &user("anna"), false), Ok(user("anna")));
    assert!(!team.has_owner());
}

#[test]
fn the_last_owner_keeps_the_last_device_while_there_are_others() {
    let mut team = team();
    let anna = owner(&mut team);
    team.admit(now(), "Bob", None, Role::Member).unwrap();
    let revoked = team.revoke(anna.credential.id(), &user("anna"), false);
    assert_eq!(revoked, Err(RemoveMemberError::LastOwner));
    assert!(team.has_owner());
}

#[test]
fn a_credential_that_was_removed_or_is_of_another_device_lets_nobody_in() {
    let mut team = team();
    owner(&mut team);
    let order =
        Order { purpose: Purpose::Member, by: None, credential: None, uses: Some(3), lasts: None };
    let (token, _) = team.invite(now(), order).unwrap();
    let made = Secret::of_parts("abcdefghij", &"k".repeat(27)).unwrap();
    let first = team.redeem_with(now(), &token, "Bob", None, &made).unwrap();
    let again = team.redeem_with(now(), &token, "Bob", None, &made).unwrap();
    assert_eq!((&again.user, team.members().len()), (&first.user, 2));
    let wrong = team.redeem_with(now(), &token, "Eve", None, &other(&made));
    assert_eq!(wrong.unwrap_err(), Refusal::Unknown);
    team.remove_member(&first.user, RemovalScope::Member).unwrap();
    let back = team.redeem_with(now(), &token, "Bob", None, &made);
    assert_eq!(back.unwrap_err(), Refusal::Unknown);
    assert_eq!(team.members().len(), 1);
}

#[test]
fn a_token_reads_and_nothing_else() {
    let mut team = team();
    let anna = owner(&mut team);
    let (token, _) = team.make_token(now(), Some(&anna.user), "").unwrap();
    assert!(team.may_read(&token) && !team.may_read(&other(&token)));
    assert!(!team.may_read(&anna.credential));
    assert_eq!(team.log_in(token.id(), token.secret()), None);
    assert_eq!(team.redeem(now(), &token, "Eve", None).unwrap_err(), Refusal::Unknown);
    assert_eq!(team.revoke_token(token.id()), Ok(()));
    assert!(!team.may_read(&token));
}

#[test]
fn a_client_id_belongs_to_whoever_used_it_first() {
    let mut used = CredentialUsage::default();
    assert_eq!(used.bind("a", "reader", false), Bound::New { dropped: None });
    assert_eq!(used.bind("b", "reader", false), Bound::Foreign);
    assert_eq!(used.bind("a", "reader", false), Bound::StoredMessage);
    used.left("reader");
    used.release("reader");
    assert_eq!(used.bind("b", "reader", false), Bound::Foreign, "one connection still uses it");
    used.left("reader");
    assert_eq!(used.idle(), ["reader"]);
    used.release("reader");
    assert_eq!(used.bind("b", "reader", false), Bound::New { dropped: None });
    used.bind("a", "presence", true);
    used.release("presence");
    assert_eq!(used.bind("b", "presence", true), Bound::Foreign, "for good");
    used.forget("a");
    assert_eq!(used.bind("b", "presence", true), Bound::New { dropped: None });
}

#[test]
fn the_client_ids_of_a_credential_are_bounded() {
    let mut used = CredentialUsage::default();
    for n in 0..8 {
        used.bind("a", &format!("p{n}"), true);
    }
    used.bind("a", "p0", true);
    let ninth = used.bind("a", "p8", true);
    assert_eq!(ninth, Bound::New { dropped: Some("p1".to_owned()) }, "the one unused longest");
    for n in 0..64 {
        assert_ne!(used.bind("a", &format!("r{n}"), false), Bound::TooMany);
    }
    assert_eq!(used.bind("a", "one more", false), Bound::TooMany);
}

#[test]
fn a_damaged_file_is_an_error_that_says_what_to_do_and_stays_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    assert!(load(dir.path()).unwrap().is_none());
    let whole = AccountsFile::new(team(), CredentialUsage::default()).to_json();
    let path = dir.path().join(FILE);
    for bytes in [&b""[..], b"{", b"\xff", b"[]", &whole[..whole.len() - 1], br#"{"v":1}"#] {
        std::fs::write(&path, bytes).unwrap();
        let error = load(dir.path()).unwrap_err();
        assert!(matches!(error, AccountsError::Damaged { .. }), "{error:?}");
        let text = error.to_string();
        assert!(text.contains("backup") && text.contains("team.json"), "{text}");
        assert_eq!(std::fs::read(&path).unwrap(), bytes);
    }
    std::fs::write(&path, br#"{"v":2,"whatever":1}"#).unwrap();
    assert!(matches!(load(dir.path()), Err(AccountsError::Newer { .. })));
    std::fs::remove_file(&path).unwrap();
    std::fs::create_dir(&path).unwrap();
    assert!(matches!(load(dir.path()), Err(AccountsError::Unreadable { .. })));
}

#[test]
fn any_bytes_are_read_without_a_panic() {
    let whole = AccountsFile::new(team(), CredentialUsage::default()).to_json();
    for at in 0..whole.len() {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x21;
        let _ = AccountsFile::from_json(&bytes, std::path::Path::new(FILE));
    }
}

#[test]
fn the_client_id_that_was_idle_longest_is_forgotten() {
    let mut used = CredentialUsage::default();
    let id = |n: usize| format!("reader{n}");
    for n in 0..12 {
        assert_eq!(used.bind("a", &id(n), false), Bound::New { dropped: None });
    }
    used.bind("b", "of another", false);
    // The first id has two connections, and stays in use.
    used.bind("a", &id(0), false);
    let mut forgotten = Vec::new();
    for n in 0..12 {
        used.left(&id(n));
        forgotten.extend(used.forget_idle(&id(n)));
    }
    assert_eq!(forgotten, [id(1), id(2), id(3)]);
    assert_eq!(used.idle().len(), 8);
    assert_eq!(used.bind("b", &id(1), false), Bound::New { dropped: None }, "it is nobody's now");
    assert_eq!(used.bind("b", &id(4), false), Bound::Foreign);
    assert_eq!(used.bind("b", &id(0), false), Bound::Foreign);
    // A client that returns is not idle, and is forgotten last afterwards.
    used.bind("a", &id(4), false);
    used.left(&id(4));
    used.left(&id(0));
    assert_eq!(used.forget_idle(&id(0)), Some(id(5)));
}
