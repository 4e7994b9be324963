use super::super::{AccountsFile, CredentialUsage, Order, Purpose};
use super::*;
use porchlight_core::id::Root;
use porchlight_core::time::Timestamp;
use std::path::Path;
use std::time::Duration;

const HOUR: Duration = Duration::from_secs(60 * 60);

fn now() -> Timestamp {
    Timestamp::from_ms(1_763_741_700_000).unwrap()
}

fn user(id: &str) -> UserId {
    UserId::parse(id).unwrap()
}

/// Creates a team with Anna as its owner. The member before each arrow invites the one after it.
fn team(invitations: &[&str]) -> Accounts {
    let mut team = Accounts::new("Team", Root::default());
    team.admit(now(), "anna", None, Role::Owner).unwrap();
    for invitation in invitations {
        let (by, name) = invitation.split_once('>').unwrap();
        team.admit_by(now(), name, None, &user(by)).unwrap();
    }
    team
}

fn ids(team: &Accounts) -> Vec<&str> {
    team.members().keys().map(UserId::as_str).collect()
}

fn along(team: &Accounts, id: &str) -> Vec<String> {
    let along: Vec<_> = team.members_invited_by(&user(id)).iter().map(UserId::to_string).collect();
    if team.is_member(&user(id)) {
        let counted = team.count_invited().get(&user(id)).copied().unwrap_or_default();
        assert_eq!(counted as usize, along.len(), "{id}: {along:?}");
    }
    along
}

fn inviter<'a>(team: &'a Accounts, id: &str) -> &'a Inviter {
    team.members()[&user(id)].invited_by.as_ref().unwrap()
}

#[test]
fn those_whom_a_member_let_in_go_along_and_those_whom_these_let_in() {
    let mut team = team(&["anna>bob", "anna>eve", "eve>m1", "m1>m2", "eve>m3", "bob>cy"]);
    assert_eq!(along(&team, "eve"), ["m1", "m2", "m3"]);
    assert_eq!(along(&team, "anna"), ["bob", "cy", "eve", "m1", "m2", "m3"]);
    assert_eq!(along(&team, "cy"), <[&str; 0]>::default());
    let removed = team.remove_member(&user("eve"), RemovalScope::WithInvited).unwrap();
    assert_eq!(removed.users, ["m1", "m2", "m3", "eve"].map(user));
    assert_eq!(removed.credentials.len(), 4);
    assert_eq!(ids(&team), ["anna", "bob", "cy"]);
    assert_eq!(team.credentials().len(), 3);
    assert_eq!(
        team.remove_member(&user("eve"), RemovalScope::WithInvited),
        Err(RemoveMemberError::Already)
    );
    assert_eq!(
        team.remove_member(&user("m2"), RemovalScope::Member),
        Err(RemoveMemberError::Already)
    );
}

#[test]
fn nobody_drops_out_of_reach_because_somebody_between_left_first() {
    let mut team = team(&["anna>eve", "eve>m1", "m1>m2", "m2>m3"]);
    for between in ["m1", "m2"] {
        team.remove_member(&user(between), RemovalScope::Member).unwrap();
    }
    assert!(inviter(&team, "m3").has_left() && inviter(&team, "m3").name == "m2");
    assert_eq!(along(&team, "eve"), ["m3"]);
    team.remove_member(&user("eve"), RemovalScope::WithInvited).unwrap();
    assert_eq!(ids(&team), ["anna"]);
}

#[test]
fn those_whom_somebody_let_in_can_go_after_them_as_well() {
    let mut team = team(&["anna>eve", "eve>m1", "m1>m2", "anna>bob"]);
    team.remove_member(&user("eve"), RemovalScope::Member).unwrap();
    assert_eq!(along(&team, "eve"), ["m1", "m2"]);
    let removed = team.remove_member(&user("eve"), RemovalScope::WithInvited).unwrap();
    assert_eq!(removed.users.len(), 2);
    assert_eq!(ids(&team), ["anna", "bob"]);
}

#[test]
fn whoever_takes_the_id_of_a_former_member_is_nobodys_inviter() {
    let mut team = team(&["anna>bob", "bob>cy"]);
    team.remove_member(&user("bob"), RemovalScope::Member).unwrap();
    let again = team.admit_by(now(), "bob", None, &user("anna")).unwrap();
    assert_eq!(again.user, user("bob"));
    assert!(inviter(&team, "cy").has_left());
    assert_eq!(along(&team, "bob"), <[&str; 0]>::default());
    team.remove_member(&user("bob"), RemovalScope::WithInvited).unwrap();
    assert_eq!(ids(&team), ["anna", "cy"]);
}

#[test]
fn an_owner_stays_and_so_do_those_whom_an_owner_let_in() {
    let mut team = team(&["anna>eve", "eve>sam", "sam>cy", "eve>m1"]);
    team.members.get_mut(&user("sam")).unwrap().role = Role::Owner;
    assert_eq!(along(&team, "eve"), ["m1"]);
    team.remove_member(&user("eve"), RemovalScope::WithInvited).unwrap();
    assert_eq!(ids(&team), ["anna", "cy", "sam"]);
    assert_eq!(along(&team, "sam"), ["cy"]);
    assert_eq!(
        team.remove_member(&user("anna"), RemovalScope::WithInvited).unwrap().users,
        [user("anna")]
    );
    let last = team.remove_member(&user("sam"), RemovalScope::WithInvited);
    assert_eq!(last, Err(RemoveMemberError::LastOwner));
}

#[test]
fn an_invitation_says_who_let_somebody_in_and_an_owners_link_nobody() {
    let mut team = team(&["anna>bob"]);
    let mut invite = |purpose, by: Option<&str>| {
        let by = by.map(user);
        team.invite(now(), Order { purpose, by, credential: None, uses: None, lasts: None })
            .unwrap()
            .0
    };
    let by_bob = invite(Purpose::Member, Some("bob"));
    let for_an_owner = invite(Purpose::Owner, None);
    team.redeem(now(), &by_bob, "Cy", None).unwrap();
    team.redeem(now(), &for_an_owner, "Sam", None).unwrap();
    assert_eq!(
        (inviter(&team, "cy").user.clone(), inviter(&team, "cy").has_left()),
        (user("bob"), false)
    );
    assert_eq!(team.members()[&user("sam")].invited_by, None);
    assert_eq!(team.admit_by(now(), "Di", None, &user("nobody")).unwrap_err(), Refusal::NotAMember);
}

#[test]
fn the_open_invitations_of_a_member_let_in_twenty_people_at_most() {
    let mut team = team(&["anna>bob", "anna>eve"]);
    let mut invite = |by: &str, purpose, uses, at| {
        let (by, lasts) = (Some(user(by)), Some(HOUR));
        team.invite(at, Order { purpose, by, credential: None, uses: Some(uses), lasts })
    };
    let member = || Purpose::Member;
    assert_eq!(invite("eve", member(), 21, now()).unwrap_err(), Refusal::OpenUsesFull);
    invite("eve", member(), 19, now()).unwrap();
    let (one, _) = invite("eve", member(), 1, now()).unwrap();
    assert_eq!(invite("eve", member(), 1, now()).unwrap_err(), Refusal::OpenUsesFull);
    // For her own devices, by another member, by an owner, and after they have ended.
    invite("eve", Purpose::Device(user("eve")), 1, now()).unwrap();
    invite("bob", member(), 20, now()).unwrap();
    invite("anna", member(), 100, now()).unwrap();
    invite("eve", member(), 20, now() + HOUR).unwrap();
    assert_eq!(invite("eve", member(), 1, now()).unwrap_err(), Refusal::OpenUsesFull);
    team.take_back(one.id(), &user("eve"), false).unwrap();
}

#[test]
fn the_line_of_inviters_outlives_the_hub_and_older_files_have_none() {
    let mut before = team(&["anna>bob", "bob>cy", "cy>di"]);
    before.remove_member(&user("bob"), RemovalScope::Member).unwrap();
    let json = AccountsFile::new(before.clone(), CredentialUsage::default()).to_json();
    let mut after = AccountsFile::from_json(&json, Path::new("team.json")).unwrap().accounts;
    assert_eq!(after.members(), before.members());
    assert_eq!(along(&after, "anna"), ["cy", "di"]);
    assert_eq!(
        after.remove_member(&user("bob"), RemovalScope::Member),
        Err(RemoveMemberError::Already)
    );
    let mut older: serde_json::Value = serde_json::from_slice(&json).unwrap();
    older.as_object_mut().unwrap().remove("ended");
    for member in older["members"].as_object_mut().unwrap().values_mut() {
        member.as_object_mut().unwrap().remove("invited_by");
    }
    let older = older.to_string();
    let older = AccountsFile::from_json(older.as_bytes(), Path::new("team.json")).unwrap().accounts;
    assert_eq!(ids(&older), ["anna", "cy", "di"]);
    assert_eq!(along(&older, "anna"), <[&str; 0]>::default());
}

#[test]
fn a_circle_of_inviters_in_the_file_ends_no_hub() {
    let mut team = team(&["anna>bob", "bob>cy", "cy>di"]);
    for (member, above) in [("bob", "di"), ("anna", "anna")] {
        let inviter = Inviter { user: user(above), name: String::new(), above: Some(user(above)) };
        team.members.get_mut(&user(member)).unwrap().invited_by = Some(inviter);
    }
    assert_eq!(team.members_invited_by(&user("bob")), ["cy", "di"].map(user));
    team.count_invited();
    team.remove_member(&user("cy"), RemovalScope::Member).unwrap();
    team.remove_member(&user("bob"), RemovalScope::WithInvited).unwrap();
    assert_eq!(ids(&team), ["anna"]);
}

#[test]
fn ten_thousand_in_one_line_are_counted_and_removed_in_no_time() {
    let mut team = team(&["anna>eve"]);
    let first = team.members()[&user("eve")].clone();
    let mut above = user("eve");
    for n in 0..9_000 {
        let next = user(&format!("m{n:04}"));
        let inviter =
            Inviter { user: above.clone(), name: "M".to_owned(), above: Some(above.clone()) };
        let member = super::super::Membership { invited_by: Some(inviter), ..first.clone() };
        team.members.insert(next.clone(), member);
        above = next;
    }
    assert_eq!(along(&team, "eve").len(), 9_000);
    team.remove_member(&user("eve"), RemovalScope::WithInvited).unwrap();
    assert_eq!(ids(&team), ["anna"]);
}
