//! Reading a team's hub over HTTP: access and content.

use crate::hub_fixture::{Answer, HubFixture, ask, ask_with, team_settings};
use crate::world::{Client, within};
use porchlight_core::team::{Secret, TokenMade, TokenOrder, TokenView};
use porchlight_hub::{Hub, Store};

const PATHS: [&str; 4] =
    ["/v2/topics/presence", "/v1/people", "/v1/people/anna", "/v1/stream?follow=false"];

/// Returns the answer to a request with this header.
async fn read(house: &HubFixture, path: &str, head: &str) -> Answer {
    let what = format!("GET {path}");
    ask_with([127, 0, 0, 1], house.addr(), house.pin, &what, head, None).await.unwrap()
}

async fn token(house: &HubFixture) -> TokenMade {
    let order = TokenOrder { label: "status board".to_owned() };
    house.post("/v1/tokens", Some(&house.anna.credential), &order).await.read()
}

/// Publishes a device of Anna.
async fn with_anna() -> (HubFixture, Client) {
    let house = HubFixture::in_memory().await;
    let mut anna = Client::connect(house.options(&house.anna.credential, "anna")).await;
    anna.retain("presence/anna/device/d", r#"{"v":1,"status":"online","name":"Anna"}"#).await;
    (house, anna)
}

#[tokio::test]
async fn a_token_and_a_members_credential_read_and_nothing_else_does() {
    let (house, _anna) = with_anna().await;
    let made = token(&house).await;
    let bearer = |token: &Secret| format!("Authorization: Bearer {token}\r\n");
    let wrong = Secret::of_parts(made.token.id(), &"x".repeat(27)).unwrap();
    for path in PATHS {
        assert_eq!(read(&house, path, "").await.status, 401, "{path}");
        assert_eq!(read(&house, path, &bearer(&wrong)).await.status, 401, "{path}");
        // A credential is not a token, and a token admits no device.
        assert_eq!(read(&house, path, &bearer(&house.anna.credential)).await.status, 401, "{path}");
        assert_eq!(read(&house, path, &bearer(&made.token)).await.status, 200, "{path}");
        assert_eq!(house.get(path, Some(&house.anna.credential)).await.status, 200, "{path}");
    }
    assert_eq!(house.get("/v1/members", Some(&made.token)).await.status, 401);
    assert_eq!(read(&house, "/healthz", "").await.status, 200);
    house.hub.stop().await.unwrap();
}

#[tokio::test]
async fn what_is_read_is_what_is_retained_and_who_is_there() {
    let (house, _anna) = with_anna().await;
    let made = token(&house).await;
    let head = format!("Authorization: Bearer {}\r\n", made.token);
    let topics = read(&house, "/v2/topics/presence", &head).await.body;
    let topics: Vec<_> = topics.as_array().unwrap().iter().map(|it| it["topic"].clone()).collect();
    assert!(topics.contains(&"presence/anna".into()), "{topics:?}");
    assert!(topics.contains(&"presence/anna/device/d".into()), "{topics:?}");
    assert!(!topics.contains(&"presence/_hub".into()), "{topics:?}");
    let anna = read(&house, "/v1/people/anna", &head).await.body;
    assert_eq!((&anna["user"], &anna["status"]), (&"anna".into(), &"online".into()));
    house.hub.stop().await.unwrap();
}

#[tokio::test]
async fn a_token_that_was_taken_back_reads_no_more_and_neither_does_who_was_removed() {
    let (house, _anna) = with_anna().await;
    let made = token(&house).await;
    let head = format!("Authorization: Bearer {}\r\n", made.token);
    assert_eq!(read(&house, "/v1/people", &head).await.status, 200);
    let path = format!("/v1/tokens/{}", made.made.id);
    assert_eq!(house.delete(&path, &house.anna.credential).await.status, 204);
    assert_eq!(read(&house, "/v1/people", &head).await.status, 401);

    let bob = house.joins("Bob").await;
    assert_eq!(house.get("/v1/people", Some(&bob.credential)).await.status, 200);
    assert_eq!(house.delete("/v1/members/bob", &house.anna.credential).await.status, 204);
    assert_eq!(house.get("/v1/people", Some(&bob.credential)).await.status, 401);
    house.hub.stop().await.unwrap();
}

#[tokio::test]
async fn a_token_that_was_right_from_there_goes_on_reading_while_others_guess() {
    let (house, _anna) = with_anna().await;
    let made = token(&house).await;
    let head = format!("Authorization: Bearer {}\r\n", made.token);
    assert_eq!(read(&house, "/v1/people", &head).await.status, 200);
    let mut last = 0;
    for n in 0..40 {
        let guess = Secret::of_parts(&format!("{n:010}"), &"x".repeat(27)).unwrap();
        let head = format!("Authorization: Bearer {guess}\r\n");
        last = read(&house, "/v1/people", &head).await.status.max(last);
    }
    assert_eq!(last, 429, "whoever guesses is asked to wait");
    assert_eq!(read(&house, "/v1/people", &head).await.status, 200);
    house.hub.stop().await.unwrap();
}

/// Returns the program tokens that this member sees, as raw objects.
async fn programs(
    house: &HubFixture,
    who: &Secret,
) -> Vec<serde_json::Map<String, serde_json::Value>> {
    house.get("/v1/tokens", Some(who)).await.read()
}

#[tokio::test]
async fn every_member_sees_which_programs_read_the_team_and_who_let_them() {
    let (house, _anna) = with_anna().await;
    let bob = house.joins("Bob").await;
    assert!(programs(&house, &bob.credential).await.is_empty());
    let made = token(&house).await;
    let listed: Vec<TokenView> = house.get("/v1/tokens", Some(&bob.credential)).await.read();
    assert_eq!(listed, std::slice::from_ref(&made.made));
    assert_eq!(listed[0].label, "status board");
    assert_eq!(listed[0].by.as_deref(), Some("anna"));
    assert_eq!(listed[0].last_used, None);
    // The owner sees the same.
    let same: Vec<TokenView> = house.get("/v1/tokens", Some(&house.anna.credential)).await.read();
    assert_eq!(same, listed);

    // Once the program has read, the list contains the hour.
    let head = format!("Authorization: Bearer {}\r\n", made.token);
    assert_eq!(read(&house, "/v1/people", &head).await.status, 200);
    let listed: Vec<TokenView> = house.get("/v1/tokens", Some(&bob.credential)).await.read();
    let last_used = listed[0].last_used.unwrap();
    assert_eq!(last_used.as_ms() % 3_600_000, 0);

    // A revoked token disappears from everybody's list.
    let path = format!("/v1/tokens/{}", made.made.id);
    assert_eq!(house.delete(&path, &house.anna.credential).await.status, 204);
    assert!(programs(&house, &bob.credential).await.is_empty());
    house.hub.stop().await.unwrap();
}

#[tokio::test]
async fn the_list_of_programs_holds_no_secret_and_no_hash() {
    let (house, _anna) = with_anna().await;
    let bob = house.joins("Bob").await;
    let made = token(&house).await;
    let head = format!("Authorization: Bearer {}\r\n", made.token);
    assert_eq!(read(&house, "/v1/people", &head).await.status, 200);
    for who in [&bob.credential, &house.anna.credential] {
        let listed = programs(&house, who).await;
        let fields: Vec<_> = listed[0].keys().map(String::as_str).collect();
        assert_eq!(fields, ["by", "id", "label", "last_used", "since"]);
        let text = serde_json::to_string(&listed).unwrap();
        assert!(!text.contains(made.token.secret()), "{text}");
    }
    house.hub.stop().await.unwrap();
}

#[tokio::test]
async fn only_the_owner_makes_and_ends_tokens_and_no_token_lists_tokens() {
    let (house, _anna) = with_anna().await;
    let bob = house.joins("Bob").await;
    let made = token(&house).await;
    let order = TokenOrder { label: "other".to_owned() };
    let refused = house.post("/v1/tokens", Some(&bob.credential), &order).await;
    assert_eq!((refused.status, refused.code()), (403, "not_allowed"));
    let path = format!("/v1/tokens/{}", made.made.id);
    let refused = house.delete(&path, &bob.credential).await;
    assert_eq!((refused.status, refused.code()), (403, "not_allowed"));
    // Refused as bearer and as name and password, both to list tokens and to create or revoke one.
    let basic = data_encoding::BASE64
        .encode(format!("{}:{}", made.token.id(), made.token.secret()).as_bytes());
    for head in [
        format!("Authorization: Bearer {}\r\n", made.token),
        format!("Authorization: Basic {basic}\r\n"),
        String::new(),
    ] {
        assert_eq!(read(&house, "/v1/tokens", &head).await.status, 401, "{head}");
    }
    assert_eq!(house.post("/v1/tokens", Some(&made.token), &order).await.status, 401);
    assert_eq!(house.delete(&path, &made.token).await.status, 401);
    // A removed member sees nothing any more.
    assert_eq!(house.delete("/v1/members/bob", &house.anna.credential).await.status, 204);
    assert_eq!(house.get("/v1/tokens", Some(&bob.credential)).await.status, 401);
    house.hub.stop().await.unwrap();
}

#[tokio::test]
async fn who_made_a_token_and_when_it_was_used_outlive_the_hub() {
    let folder = tempfile::tempdir().unwrap();
    let house = HubFixture::in_folder(folder.path()).await;
    let made = token(&house).await;
    let head = format!("Authorization: Bearer {}\r\n", made.token);
    assert_eq!(read(&house, "/v1/people", &head).await.status, 200);
    let (pin, anna) = (house.pin, house.anna.credential.clone());
    let before: Vec<TokenView> = house.get("/v1/tokens", Some(&anna)).await.read();
    assert!(before[0].last_used.is_some());
    house.hub.stop().await.unwrap();

    let settings = team_settings(Store::Folder(folder.path().to_owned()));
    let hub = within("the hub", Hub::start(settings)).await.unwrap();
    let addr = hub.team_addr().unwrap();
    let after: Vec<TokenView> = ask(addr, pin, "GET", "/v1/tokens", Some(&anna), None).await.read();
    assert_eq!(after, before);
    hub.stop().await.unwrap();
}

#[tokio::test]
async fn the_tokens_that_a_removed_owner_made_read_no_more() {
    let (house, _anna) = with_anna().await;
    let invitation = house.hub.invite_owner().await.unwrap().unwrap();
    let carl: porchlight_core::team::Joined = house.redeem(invitation.token, "Carl").await.read();
    let order = TokenOrder { label: "Carl's board".to_owned() };
    let his: TokenMade = house.post("/v1/tokens", Some(&carl.credential), &order).await.read();
    let hers = token(&house).await;
    let head = |made: &TokenMade| format!("Authorization: Bearer {}\r\n", made.token);
    assert_eq!(read(&house, "/v1/people", &head(&his)).await.status, 200);
    assert_eq!(house.delete("/v1/members/carl", &house.anna.credential).await.status, 204);
    // He knows the token, so he could use it to return.
    assert_eq!(read(&house, "/v1/people", &head(&his)).await.status, 401);
    assert_eq!(read(&house, "/v1/people", &head(&hers)).await.status, 200);
    let left = programs(&house, &house.anna.credential).await;
    assert_eq!(left.len(), 1);
    house.hub.stop().await.unwrap();
}
