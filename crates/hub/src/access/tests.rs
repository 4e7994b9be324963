use super::*;
use crate::accounts::{Accounts, AccountsFile, CredentialUsage};
use porchlight_core::team::Role;
use porchlight_core::time::Timestamp;

fn user(id: &str) -> UserId {
    UserId::parse(id).unwrap()
}

fn access() -> (Arc<Access>, mpsc::UnboundedReceiver<Cleanup>) {
    let mut accounts = Accounts::new("Team", Root::default());
    for name in ["anna", "bob"] {
        accounts.admit(Timestamp::default(), name, None, Role::Member).unwrap();
    }
    let ledger = Ledger::new(AccountsFile::new(accounts, CredentialUsage::default()), None);
    Access::new(Arc::new(ledger), ConnectionTable::new(100), Arc::new(Custody::open(None)))
}

#[test]
fn one_publishes_to_ones_own_topics_and_to_others_inboxes_as_oneself() {
    let (access, _) = access();
    let anna = user("anna");
    for topic in
        ["anna", "anna/device/d1", "anna/activity", "anna/typing", "anna/chosen", "bob/inbox/anna"]
    {
        assert!(access.may_publish(&anna, &format!("presence/{topic}")).is_ok(), "{topic}");
    }
    for topic in [
        "presence/bob",
        "presence/bob/device/d1",
        "presence/bob/activity",
        "presence/bob/typing",
        "presence/bob/chosen",
        "presence/anna/inbox/bob",
        "presence/bob/inbox/bob",
        "presence/_hub",
        "presence/acme/anna",
        "presence/anna/other",
        "presence/anna/device",
        "presence/anna/device/a/b",
        "presence/anna/",
        "presence//anna",
        "presence",
        "anna",
        "$SYS/anna",
        "other/anna",
        "",
    ] {
        assert!(access.may_publish(&anna, topic).is_err(), "{topic}");
    }
}

#[test]
fn one_reads_the_room_and_what_is_ones_own() {
    let (access, _) = access();
    let anna = user("anna");
    for filter in porchlight_core::topic::room_filters(access.root()) {
        assert!(access.may_read(&anna, &filter), "{filter}");
    }
    for filter in [
        "presence/anna/chosen",
        "presence/anna/inbox/+",
        "presence/anna/inbox/bob",
        "presence/_hub",
        "presence/bob",
    ] {
        assert!(access.may_read(&anna, filter), "{filter}");
    }
    for filter in [
        "#",
        "+",
        "+/#",
        "presence/#",
        "presence/+/#",
        "presence/anna/#",
        "presence/+/+",
        "presence/+/chosen",
        "presence/bob/chosen",
        "presence/+/inbox/+",
        "presence/bob/inbox/+",
        "presence/bob/inbox/anna",
        "presence/+/inbox/anna",
        "presence/anna/inbox/#",
        "$share/g/presence/+",
        "$share/g/presence/anna/inbox/+",
        "$SYS/#",
        "+/bob/chosen",
    ] {
        assert!(!access.may_read(&anna, filter), "{filter}");
    }
}

#[test]
fn a_person_has_so_many_devices_and_a_cleared_one_makes_room() {
    let (access, _) = access();
    let anna = user("anna");
    let topic = |n: usize| format!("presence/anna/device/d{n}");
    for n in 0..MAX_DEVICES {
        assert!(access.may_publish(&anna, &topic(n)).is_ok());
        access.may_stay(&topic(n));
    }
    assert!(access.may_publish(&anna, &topic(MAX_DEVICES)).is_err());
    assert!(access.may_publish(&anna, &topic(0)).is_ok());
    access.cleared(&topic(0));
    assert!(access.may_publish(&anna, &topic(MAX_DEVICES)).is_ok());
}

#[test]
fn a_full_memory_of_revoked_devices_forgets_the_oldest_alone() {
    let (access, _) = access();
    let bob = user("bob");
    let device = |n: usize| DeviceId::parse(&format!("d{n}")).unwrap();
    for n in 0..=MAX_REVOKED {
        access.revoke_devices(&bob, &[device(n)]);
    }
    let stands = |n: usize| access.may_stay(&format!("presence/bob/device/d{n}"));
    assert!(stands(0), "one had to be forgotten");
    for n in [1, 2, MAX_REVOKED / 2, MAX_REVOKED] {
        assert!(!stands(n), "{n}");
    }
    // A device revoked again counts as revoked most recently.
    access.revoke_devices(&bob, &[device(1)]);
    access.revoke_devices(&bob, &[device(MAX_REVOKED + 1)]);
    assert!(!stands(1) && stands(2));
}

#[test]
fn what_may_not_stand_is_asked_to_be_cleared() {
    let (access, mut unwanted) = access();
    let (bob, device) = (user("bob"), DeviceId::parse("lost").unwrap());
    access.revoke_devices(&bob, &[device]);
    let wanted =
        ["presence/anna", "presence/anna/chosen", "presence/bob/device/kept", "presence/_hub"];
    let not = [
        "presence/eve",
        "presence/eve/device/x",
        "presence/eve/chosen",
        "presence/eve/activity",
        "presence/bob/device/lost",
        "presence/anna/typing",
        "presence/anna/inbox/bob",
        "somewhere/else",
    ];
    for topic in wanted.iter().chain(&not) {
        assert_eq!(access.may_stay(topic), wanted.contains(topic), "{topic}");
    }
    let asked: Vec<_> = std::iter::from_fn(|| unwanted.try_recv().ok()).collect();
    assert_eq!(asked, not.map(|topic| Cleanup::Clear(topic.to_owned())));
}
