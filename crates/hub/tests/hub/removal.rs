//! Removed members and revoked devices disappear at once, and no message of theirs comes back.

use crate::hub_fixture::{HubFixture, ask_with};
use crate::world::{Client, eventually, will};
use porchlight_core::team::{
    Decision, InviteOrder, Joined, Member, MemberName, Request, RequestMade, RequestState,
};
use rumqttc::v5::mqttbytes::v5::ConnectReturnCode;

const PRESENCE: &str = "plbobbobbobbobbobbobbom";

/// Bob's device with a Will delay of a second, and all retained messages that he may have.
async fn bob_with_records(house: &HubFixture, bob: &Joined) -> Client {
    let mut options = house.options(&bob.credential, PRESENCE);
    options.set_clean_start(false);
    options.set_connection_timeout(5);
    let mut properties = rumqttc::v5::mqttbytes::v5::ConnectProperties::new();
    properties.session_expiry_interval = Some(60);
    options.set_connect_properties(properties);
    options.set_last_will(will("presence/bob/device/d1", "the will", Some(1)));
    let mut client = Client::connect(options).await;
    let record = r#"{"v":1,"status":"online","since":1,"timestamp":1,"epoch":1,"lease_s":3600}"#;
    for topic in ["presence/bob/device/d1", "presence/bob/chosen", "presence/bob/activity"] {
        client.retain(topic, record).await;
    }
    client
}

async fn retained_of_bob(reader: &mut Client) -> Vec<String> {
    reader.subscribe("presence/bob").await;
    reader.subscribe("presence/bob/device/+").await;
    reader.subscribe("presence/bob/activity").await;
    reader.say("presence/anna/typing", "end").await;
    reader.subscribe("presence/anna/typing").await;
    reader.say("presence/anna/typing", "end").await;
    let mut topics = Vec::new();
    loop {
        let message = reader.message().await;
        let topic = String::from_utf8(message.topic.to_vec()).unwrap();
        if topic == "presence/anna/typing" {
            return topics;
        }
        if message.retain && !message.payload.is_empty() {
            topics.push(topic);
        }
    }
}

#[tokio::test]
async fn a_removed_member_is_disconnected_at_once_and_nothing_of_theirs_stands() {
    let house = HubFixture::in_memory().await;
    let bob = house.joins("Bob").await;
    let mut theirs = bob_with_records(&house, &bob).await;
    let mut watcher = Client::connect(house.options(&house.anna.credential, "watcher")).await;
    watcher.subscribe("presence/+/device/+").await;
    assert_eq!(watcher.text().await.0, "presence/bob/device/d1");

    let before = tokio::time::Instant::now();
    assert_eq!(house.delete("/v1/members/bob", &house.anna.credential).await.status, 204);
    theirs.ended().await;
    assert!(before.elapsed().as_secs() < 2, "{:?}", before.elapsed());
    assert_eq!(watcher.text().await, ("presence/bob/device/d1".to_owned(), String::new()));

    let refused = Client::try_connect(house.options(&bob.credential, PRESENCE)).await.err();
    assert_eq!(refused, Some(Some(ConnectReturnCode::BadUserNamePassword)));
    assert_eq!(house.get("/v1/team", Some(&bob.credential)).await.status, 401);

    // The Will would have arrived by now.
    tokio::time::sleep(std::time::Duration::from_millis(1_600)).await;
    let mut late = Client::connect(house.options(&house.anna.credential, "late")).await;
    assert_eq!(retained_of_bob(&mut late).await, Vec::<String>::new());
    house.hub.stop().await.unwrap();
}

#[tokio::test]
async fn a_will_that_waits_when_its_member_is_removed_is_not_heard() {
    let house = HubFixture::in_memory().await;
    let bob = house.joins("Bob").await;
    bob_with_records(&house, &bob).await.vanish().await;
    assert_eq!(house.delete("/v1/members/bob", &house.anna.credential).await.status, 204);
    tokio::time::sleep(std::time::Duration::from_millis(1_600)).await;
    let mut late = Client::connect(house.options(&house.anna.credential, "late")).await;
    assert_eq!(retained_of_bob(&mut late).await, Vec::<String>::new());
    house.hub.stop().await.unwrap();
}

#[tokio::test]
async fn a_revoked_device_goes_alone() {
    let house = HubFixture::in_memory().await;
    let bob = house.joins("Bob").await;
    let order = InviteOrder { for_me: true, ..InviteOrder::default() };
    let made: porchlight_core::team::InviteMade =
        house.post("/v1/invites", Some(&bob.credential), &order).await.read();
    let link: porchlight_core::team::Invitation = made.link.parse().unwrap();
    let second: Joined = house.redeem(link.token, "ignored").await.read();
    assert_eq!(second.user, bob.user);
    let mut lost = bob_with_records(&house, &bob).await;
    let mut kept = Client::connect(house.options(&second.credential, "kept")).await;
    kept.retain("presence/bob/device/d2", r#"{"v":1,"status":"away","cause":"idle"}"#).await;

    let path = format!("/v1/devices/{}", bob.credential.id());
    assert_eq!(house.delete(&path, &second.credential).await.status, 204);
    lost.ended().await;
    let refused = Client::try_connect(house.options(&bob.credential, PRESENCE)).await.err();
    assert_eq!(refused, Some(Some(ConnectReturnCode::BadUserNamePassword)));
    let mut late = Client::connect(house.options(&house.anna.credential, "late")).await;
    let standing = retained_of_bob(&mut late).await;
    assert!(standing.contains(&"presence/bob/device/d2".to_owned()), "{standing:?}");
    assert!(!standing.contains(&"presence/bob/device/d1".to_owned()), "{standing:?}");
    assert_eq!(
        kept.tell("presence/bob/typing", "x").await,
        rumqttc::v5::mqttbytes::v5::PubAckReason::Success
    );
    house.hub.stop().await.unwrap();
}

#[tokio::test]
async fn what_a_killed_hub_left_of_a_removed_member_is_cleared_at_the_next_start() {
    let dir = tempfile::tempdir().unwrap();
    let house = HubFixture::in_folder(dir.path()).await;
    let bob = house.joins("Bob").await;
    bob_with_records(&house, &bob).await.leave().await;
    let (pin, anna) = (house.pin, house.anna.clone());
    house.hub.stop().await.unwrap();
    // Simulates a kill of the hub between the change and the clearing.
    let file = dir.path().join("team.json");
    let mut team: serde_json::Value =
        serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    team["members"].as_object_mut().unwrap().remove("bob");
    team["credentials"].as_object_mut().unwrap().remove(bob.credential.id());
    std::fs::write(&file, team.to_string()).unwrap();
    let settings =
        crate::hub_fixture::team_settings(porchlight_hub::Store::Folder(dir.path().to_owned()));
    let hub = porchlight_hub::Hub::start(settings).await.unwrap();
    let house = HubFixture { hub, pin, anna };
    let mut late = Client::connect(house.options(&house.anna.credential, "late")).await;
    assert_eq!(retained_of_bob(&mut late).await, Vec::<String>::new());
    let log = dir.path().join("retained-v1.log");
    let cleared = || {
        let log = std::fs::read_to_string(&log).unwrap();
        log.contains(r#"{"remove":"presence/bob/chosen"}"#).then_some(())
    };
    eventually("the clearing on disk", cleared).await;
    house.hub.stop().await.unwrap();
}

#[tokio::test]
async fn a_member_leaves_and_the_last_owner_does_not() {
    let house = HubFixture::in_memory().await;
    let bob = house.joins("Bob").await;
    let refused = house.delete("/v1/members/anna", &house.anna.credential).await;
    assert_eq!((refused.status, refused.code()), (403, "last_owner"));
    assert_eq!(house.delete("/v1/members/bob", &bob.credential).await.status, 204);
    assert_eq!(house.get("/v1/team", Some(&bob.credential)).await.status, 401);
    house.hub.stop().await.unwrap();
}

#[tokio::test]
async fn what_a_device_invited_before_it_was_revoked_lets_nobody_in() {
    let house = HubFixture::in_memory().await;
    let bob = house.joins("Bob").await;
    let invite = async |who: &porchlight_core::team::Secret, for_me| {
        let order = InviteOrder { for_me, ..InviteOrder::default() };
        let made: porchlight_core::team::InviteMade =
            house.post("/v1/invites", Some(who), &order).await.read();
        made.link.parse::<porchlight_core::team::Invitation>().unwrap().token
    };
    let second: Joined = house.redeem(invite(&bob.credential, true).await, "ignored").await.read();
    // The finder of the lost laptop creates invitations to return with.
    let theirs = [invite(&bob.credential, true).await, invite(&bob.credential, false).await];
    let kept = invite(&second.credential, false).await;
    let path = format!("/v1/devices/{}", bob.credential.id());
    assert_eq!(house.delete(&path, &second.credential).await.status, 204);
    for token in theirs {
        assert_eq!(house.redeem(token, "Mallory").await.code(), "token_unknown");
    }
    assert_eq!(house.redeem(kept, "Carol").await.status, 200);
    house.hub.stop().await.unwrap();
}

/// Returns the token of an invitation by this member.
async fn invitation_by(house: &HubFixture, who: &Joined) -> porchlight_core::team::Secret {
    let order = InviteOrder::default();
    let made: porchlight_core::team::InviteMade =
        house.post("/v1/invites", Some(&who.credential), &order).await.read();
    made.link.parse::<porchlight_core::team::Invitation>().unwrap().token
}

#[tokio::test]
async fn whom_a_removed_member_let_in_goes_along_where_that_is_wanted() {
    let dir = tempfile::tempdir().unwrap();
    let house = HubFixture::in_folder(dir.path()).await;
    let bob = house.joins("Bob").await;
    let eve = house.joins("Eve").await;
    // By an invitation, by an invitation of an invitee, and by Eve's approval.
    let one: Joined = house.redeem(invitation_by(&house, &eve).await, "One").await.read();
    let two: Joined = house.redeem(invitation_by(&house, &one).await, "Two").await.read();
    let asking = Request { name: "Three".to_owned(), kind: None, ticket: None, credential: None };
    let made: RequestMade = house.post("/v1/requests", None, &asking).await.read();
    let path = format!("/v1/requests/{}", made.ticket.id());
    let yes = Decision { approve: true };
    assert_eq!(house.post(&path, Some(&eve.credential), &yes).await.status, 204);
    let head = format!("Authorization: Bearer {}\r\n", made.ticket);
    let what = format!("GET {path}");
    let answer = ask_with([127, 0, 0, 1], house.addr(), house.pin, &what, &head, None).await;
    let RequestState::Approved(three) = answer.unwrap().read() else { panic!("not let in") };
    // A fourth person has an invitation.
    let open = invitation_by(&house, &two).await;
    let mut theirs = Client::connect(house.options(&two.credential, "two")).await;
    theirs.retain("presence/two/chosen", "{}").await;

    let who = Some(&house.anna.credential);
    let members: Vec<Member> = house.get("/v1/members", who).await.read();
    let of = |user: &str| members.iter().find(|member| member.user == user).unwrap();
    let by = |user: &str| of(user).invited_by.as_ref().map(|by| by.name.as_str());
    assert_eq!([by("anna"), by("eve")], [None, Some("Anna")]);
    assert_eq!([by("one"), by("two"), by("three")], [Some("Eve"), Some("One"), Some("Eve")]);
    assert_eq!([of("anna").invited, of("eve").invited, of("two").invited], [5, 3, 0]);
    let along: Vec<MemberName> = house.get("/v1/members/eve/invited", who).await.read();
    let along: Vec<&str> = along.iter().map(|member| member.name.as_str()).collect();
    assert_eq!(along, ["One", "Three", "Two"]);

    // Only the owner may do this, even if a member leaves.
    for path in ["/v1/members/eve?with_invited=true", "/v1/members/bob?with_invited=true"] {
        assert_eq!(house.delete(path, &bob.credential).await.code(), "not_allowed", "{path}");
    }
    let path = "/v1/members/eve?with_invited=perhaps";
    assert_eq!(house.delete(path, &house.anna.credential).await.code(), "bad_request");
    let path = "/v1/members/eve?with_invited=true";
    assert_eq!(house.delete(path, &house.anna.credential).await.status, 204);
    theirs.ended().await;
    for gone in [&eve, &one, &two, &three] {
        let connected = Client::try_connect(house.options(&gone.credential, "x")).await;
        assert!(connected.is_err(), "{} is let in", gone.user);
    }
    assert_eq!(house.redeem(open, "Four").await.code(), "token_unknown");
    Client::connect(house.options(&bob.credential, "bob")).await.leave().await;
    assert_eq!(house.delete(path, &house.anna.credential).await.status, 204, "again");
    // They stay removed after a restart, and have no retained messages.
    let (pin, anna) = (house.pin, house.anna.clone());
    house.hub.stop().await.unwrap();
    let log = std::fs::read_to_string(dir.path().join("retained-v1.log")).unwrap();
    let of_two = log.lines().rfind(|line| line.contains("presence/two/chosen")).unwrap();
    assert!(of_two.contains(r#"{"remove":"#), "{of_two}");
    let settings =
        crate::hub_fixture::team_settings(porchlight_hub::Store::Folder(dir.path().to_owned()));
    let hub = porchlight_hub::Hub::start(settings).await.unwrap();
    let house = HubFixture { hub, pin, anna };
    let members: Vec<Member> = house.get("/v1/members", Some(&house.anna.credential)).await.read();
    let users: Vec<&str> = members.iter().map(|member| member.user.as_str()).collect();
    assert_eq!(users, ["anna", "bob"]);
    house.hub.stop().await.unwrap();
}

#[tokio::test]
async fn the_open_links_of_a_member_let_in_twenty_people_at_most() {
    let house = HubFixture::in_memory().await;
    let eve = house.joins("Eve").await;
    let order = |uses| InviteOrder { uses: Some(uses), ..InviteOrder::default() };
    let answer = house.post("/v1/invites", Some(&eve.credential), &order(21)).await;
    assert_eq!((answer.status, answer.code()), (409, "too_many_invited"));
    let answer = house.post("/v1/invites", Some(&eve.credential), &order(20)).await;
    assert_eq!(answer.status, 201);
    let answer = house.post("/v1/invites", Some(&eve.credential), &order(1)).await;
    assert_eq!((answer.status, answer.code()), (409, "too_many_invited"));
    let answer = house.post("/v1/invites", Some(&house.anna.credential), &order(100)).await;
    assert_eq!(answer.status, 201, "an owner's have no such bound");
    house.hub.stop().await.unwrap();
}
