//! Refused logins and forbidden actions of members, each against a running hub over TLS.

use crate::hub_fixture::HubFixture;
use crate::world::{Client, options, pair, will};
use porchlight_core::team::{InviteOrder, Joined, Secret, TokenMade, TokenOrder};
use rumqttc::v5::mqttbytes::v5::{ConnectReturnCode, PubAckReason, SubscribeReasonCode};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const PRESENCE: &str = "pl0123456789abcdefghijm";

/// Returns the same id with another secret.
fn forged(secret: &Secret) -> Secret {
    Secret::of_parts(secret.id(), &"x".repeat(27)).unwrap()
}

/// A member's client.
async fn client(house: &HubFixture, who: &Joined, id: &str) -> Client {
    Client::connect(house.options(&who.credential, id)).await
}

#[tokio::test]
async fn nobody_is_let_in_without_a_credential() {
    let house = HubFixture::in_memory().await;
    let refused = Client::try_connect(house.stranger("eve")).await.err();
    assert_eq!(refused, Some(Some(ConnectReturnCode::BadUserNamePassword)));
    for path in ["/v1/team", "/v1/members", "/v1/invites", "/v1/requests", "/v1/tokens"] {
        let answer = house.get(path, None).await;
        assert_eq!((answer.status, answer.code()), (401, "not_signed_in"), "{path}");
    }
    house.hub.stop().await.unwrap();
}

#[tokio::test]
async fn a_wrong_secret_lets_nobody_in() {
    let house = HubFixture::in_memory().await;
    let wrong = forged(&house.anna.credential);
    let refused = Client::try_connect(house.options(&wrong, "eve")).await.err();
    assert_eq!(refused, Some(Some(ConnectReturnCode::BadUserNamePassword)));
    assert_eq!(house.get("/v1/team", Some(&wrong)).await.code(), "not_signed_in");
    // The other listener refuses it too.
    let mut plain = options(house.hub.addr(), "eve");
    plain.set_credentials(wrong.id(), wrong.secret());
    let refused = Client::try_connect(plain).await.err();
    assert_eq!(refused, Some(Some(ConnectReturnCode::BadUserNamePassword)));
    house.hub.stop().await.unwrap();
}

#[tokio::test]
async fn wrong_expired_used_up_and_revoked_invitations_let_nobody_in() {
    let house = HubFixture::in_memory().await;
    let token = house.invited(&InviteOrder::default()).await;
    assert_eq!(house.redeem(forged(&token), "Eve").await.code(), "token_unknown");
    assert_eq!(house.redeem(house.anna.credential.clone(), "Eve").await.code(), "token_unknown");
    assert_eq!(house.redeem(token.clone(), "Bob").await.status, 200);
    assert_eq!(house.redeem(token, "Eve").await.code(), "token_used_up");
    let order = InviteOrder { lasts_s: Some(0), ..InviteOrder::default() };
    let expired = house.invited(&order).await;
    assert_eq!(house.redeem(expired, "Eve").await.code(), "token_expired");
    let revoked = house.invited(&InviteOrder::default()).await;
    let path = format!("/v1/invites/{}", revoked.id());
    assert_eq!(house.delete(&path, &house.anna.credential).await.status, 204);
    assert_eq!(house.redeem(revoked, "Eve").await.code(), "token_unknown");
    assert_eq!(
        house.get("/v1/members", Some(&house.anna.credential)).await.body.as_array().unwrap().len(),
        2
    );
    house.hub.stop().await.unwrap();
}

#[tokio::test]
async fn an_invitation_and_a_program_s_token_log_nobody_in() {
    let house = HubFixture::in_memory().await;
    let invitation = house.invited(&InviteOrder::default()).await;
    let order = TokenOrder { label: "board".to_owned() };
    let made: TokenMade =
        house.post("/v1/tokens", Some(&house.anna.credential), &order).await.read();
    for secret in [&invitation, &made.token] {
        let refused = Client::try_connect(house.options(secret, "eve")).await.err();
        assert_eq!(refused, Some(Some(ConnectReturnCode::BadUserNamePassword)));
        assert_eq!(house.get("/v1/members", Some(secret)).await.status, 401);
    }
    house.hub.stop().await.unwrap();
}

#[tokio::test]
async fn a_member_does_not_do_what_is_the_owner_s() {
    let house = HubFixture::in_memory().await;
    let bob = house.joins("Bob").await;
    let order = TokenOrder { label: "board".to_owned() };
    assert_eq!(house.post("/v1/tokens", Some(&bob.credential), &order).await.code(), "not_allowed");
    assert_eq!(house.post("/v1/move", Some(&bob.credential), &()).await.code(), "not_allowed");
    for path in
        ["/v1/members/anna".to_owned(), format!("/v1/devices/{}", house.anna.credential.id())]
    {
        assert_eq!(house.delete(&path, &bob.credential).await.code(), "not_allowed", "{path}");
    }
    let annas = house.invited(&InviteOrder::default()).await;
    let path = format!("/v1/invites/{}", annas.id());
    assert_eq!(house.delete(&path, &bob.credential).await.code(), "not_found");
    house.hub.stop().await.unwrap();
}

#[tokio::test]
async fn another_s_topics_are_not_published_to() {
    let house = HubFixture::in_memory().await;
    let bob = house.joins("Bob").await;
    let mut anna = client(&house, &house.anna, "anna").await;
    anna.subscribe("presence/+").await;
    anna.subscribe("presence/+/device/+").await;
    let mut eve = client(&house, &bob, "eve").await;
    for topic in [
        "presence/anna",
        "presence/anna/device/d",
        "presence/anna/activity",
        "presence/anna/typing",
        "presence/anna/chosen",
        "presence/bob/inbox/anna",
        "presence/_hub",
        "presence/somebody",
        "elsewhere",
    ] {
        assert_eq!(eve.tell(topic, "{}").await, PubAckReason::NotAuthorized, "{topic}");
        assert_eq!(eve.retain(topic, "{}").await, PubAckReason::NotAuthorized, "{topic}");
    }
    anna.has_heard_nothing_else("presence/anna").await;
    house.hub.stop().await.unwrap();
}

#[tokio::test]
async fn another_s_retained_record_is_not_cleared() {
    let house = HubFixture::in_memory().await;
    let bob = house.joins("Bob").await;
    let mut anna = client(&house, &house.anna, "anna").await;
    assert_eq!(anna.retain("presence/anna/chosen", "mine").await, PubAckReason::Success);
    let mut eve = client(&house, &bob, "eve").await;
    assert_eq!(eve.retain("presence/anna/chosen", "").await, PubAckReason::NotAuthorized);
    anna.subscribe("presence/anna/chosen").await;
    assert_eq!(anna.text().await, pair("presence/anna/chosen", "mine"));
    house.hub.stop().await.unwrap();
}

#[tokio::test]
async fn another_s_topic_is_not_left_a_will() {
    let house = HubFixture::in_memory().await;
    let bob = house.joins("Bob").await;
    for delay in [None, Some(0), Some(1)] {
        let mut options = house.options(&bob.credential, "eve");
        options.set_last_will(will("presence/anna/device/d", "{}", delay));
        let refused = Client::try_connect(options).await.err();
        assert_eq!(refused, Some(Some(ConnectReturnCode::NotAuthorized)));
    }
    let mut options = house.options(&bob.credential, "eve");
    options.set_last_will(will("presence/anna/inbox/bob", "{}", None));
    let refused = Client::try_connect(options).await.err();
    assert_eq!(refused, Some(Some(ConnectReturnCode::RetainNotSupported)), "retained in an inbox");
    house.hub.stop().await.unwrap();
}

#[tokio::test]
async fn another_s_inbox_and_choice_are_not_read_by_any_filter() {
    let house = HubFixture::in_memory().await;
    let bob = house.joins("Bob").await;
    let mut anna = client(&house, &house.anna, "anna").await;
    anna.retain("presence/anna/chosen", "secret").await;
    let mut eve = client(&house, &bob, "eve").await;
    for filter in [
        "#",
        "+",
        "+/#",
        "presence/#",
        "presence/+/#",
        "presence/anna/#",
        "presence/anna/chosen",
        "presence/+/chosen",
        "presence/+/+",
        "presence/anna/inbox/+",
        "presence/anna/inbox/bob",
        "presence/+/inbox/+",
        "presence/+/inbox/bob",
        "presence/anna/inbox/#",
        "+/anna/chosen",
        "+/+/inbox/+",
        "$share/group/presence/#",
        "$share/group/presence/anna/inbox/+",
        "$share/group/presence/+",
        "$SYS/#",
    ] {
        assert_eq!(eve.ask_for(filter).await, SubscribeReasonCode::NotAuthorized, "{filter}");
    }
    let mut carol = client(&house, &house.joins("Carol").await, "carol").await;
    // Neither live nor retained messages arrive.
    assert_eq!(carol.tell("presence/anna/inbox/carol", "knock").await, PubAckReason::Success);
    anna.retain("presence/anna/chosen", "secret again").await;
    eve.has_heard_nothing_else("presence/bob/typing").await;
    house.hub.stop().await.unwrap();
}

#[tokio::test]
async fn what_is_allowed_beside_it_works() {
    let house = HubFixture::in_memory().await;
    let bob = house.joins("Bob").await;
    let mut anna = client(&house, &house.anna, "anna").await;
    anna.subscribe("presence/anna/inbox/+").await;
    let mut friend = client(&house, &bob, "bob").await;
    assert_eq!(friend.tell("presence/anna/inbox/bob", "knock").await, PubAckReason::Success);
    assert_eq!(anna.text().await, pair("presence/anna/inbox/bob", "knock"));
    for filter in porchlight_core::topic::room_filters(&porchlight_core::id::Root::default()) {
        friend.subscribe(&filter).await;
    }
    friend.subscribe("presence/bob/chosen").await;
    house.hub.stop().await.unwrap();
}

#[tokio::test]
async fn a_retained_inbox_or_typing_message_is_dropped() {
    let house = HubFixture::in_memory().await;
    let bob = house.joins("Bob").await;
    let mut anna = client(&house, &house.anna, "anna").await;
    anna.subscribe("presence/anna/inbox/+").await;
    anna.subscribe("presence/+/typing").await;
    let mut friend = client(&house, &bob, "bob").await;
    assert_eq!(friend.retain("presence/anna/inbox/bob", "stay").await, PubAckReason::Success);
    assert_eq!(friend.retain("presence/bob/typing", "stay").await, PubAckReason::Success);
    assert_eq!(friend.tell("presence/bob/typing", "pass").await, PubAckReason::Success);
    assert_eq!(
        anna.text().await,
        pair("presence/bob/typing", "pass"),
        "the retained ones went nowhere"
    );
    let mut late = client(&house, &house.anna, "late").await;
    late.subscribe("presence/anna/inbox/+").await;
    late.has_heard_nothing_else("presence/anna/typing").await;
    house.hub.stop().await.unwrap();
}

#[tokio::test]
async fn another_s_client_id_is_not_taken_over() {
    let house = HubFixture::in_memory().await;
    let bob = house.joins("Bob").await;
    let mut mine = house.options(&house.anna.credential, PRESENCE);
    mine.set_last_will(will("presence/anna/device/d", "gone", None));
    mine.set_clean_start(false);
    let mut anna = Client::connect(mine.clone()).await;
    let _reader = client(&house, &house.anna, "reader").await;
    for (id, clean) in [(PRESENCE, true), (PRESENCE, false), ("reader", true), ("reader", false)] {
        let mut options = house.options(&bob.credential, id);
        options.set_clean_start(clean);
        let refused = Client::try_connect(options).await.err();
        assert_eq!(
            refused,
            Some(Some(ConnectReturnCode::ClientIdentifierNotValid)),
            "{id} {clean}"
        );
    }
    assert_eq!(anna.tell("presence/anna/typing", "still here").await, PubAckReason::Success);
    // Nor while its owner is disconnected.
    anna.leave().await;
    let refused = Client::try_connect(house.options(&bob.credential, PRESENCE)).await.err();
    assert_eq!(refused, Some(Some(ConnectReturnCode::ClientIdentifierNotValid)));
    Client::connect(mine).await.leave().await;
    house.hub.stop().await.unwrap();
}

#[tokio::test]
async fn a_presence_s_client_id_stays_its_own_over_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let house = HubFixture::in_folder(dir.path()).await;
    let bob = house.joins("Bob").await;
    let mut mine = house.options(&house.anna.credential, PRESENCE);
    mine.set_clean_start(false);
    Client::connect(mine).await.leave().await;
    let anna = house.anna.clone();
    house.hub.stop().await.unwrap();
    let settings =
        crate::hub_fixture::team_settings(porchlight_hub::Store::Folder(dir.path().to_owned()));
    let hub = porchlight_hub::Hub::start(settings).await.unwrap();
    let house = HubFixture { hub, pin: house.pin, anna };
    let refused = Client::try_connect(house.options(&bob.credential, PRESENCE)).await.err();
    assert_eq!(refused, Some(Some(ConnectReturnCode::ClientIdentifierNotValid)));
    client(&house, &house.anna, PRESENCE).await.leave().await;
    house.hub.stop().await.unwrap();
}

#[tokio::test]
async fn the_team_s_port_does_not_speak_without_tls() {
    let house = HubFixture::in_memory().await;
    let mut plain = options(house.addr(), "anna");
    plain.set_credentials(house.anna.credential.id(), house.anna.credential.secret());
    assert!(matches!(Client::try_connect(plain).await.err(), Some(None)), "no answer at all");
    let mut stream = TcpStream::connect(house.addr()).await.unwrap();
    stream.write_all(b"GET /v1/team HTTP/1.1\r\nHost: hub\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    let _ = tokio::time::timeout(Duration::from_secs(10), stream.read_to_end(&mut answer))
        .await
        .unwrap();
    // A TLS alert, and no data of the hub.
    assert!(!answer.windows(4).any(|w| w == b"HTTP") && answer.len() < 16, "{answer:?}");
    house.hub.stop().await.unwrap();
}

#[tokio::test]
async fn a_seventeenth_device_is_not_written() {
    let house = HubFixture::in_memory().await;
    let mut anna = client(&house, &house.anna, "anna").await;
    for n in 0..16 {
        let topic = format!("presence/anna/device/d{n}");
        assert_eq!(anna.retain(&topic, "{}").await, PubAckReason::Success);
    }
    assert_eq!(
        anna.retain("presence/anna/device/one-more", "{}").await,
        PubAckReason::NotAuthorized
    );
    assert_eq!(anna.retain("presence/anna/device/d3", "").await, PubAckReason::Success);
    assert_eq!(anna.retain("presence/anna/device/one-more", "{}").await, PubAckReason::Success);
    house.hub.stop().await.unwrap();
}
