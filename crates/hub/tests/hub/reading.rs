//! Reading over HTTP at a team's door: who may, and what they read.

use crate::house::{Answer, House, ask_with};
use crate::world::Client;
use porchlight_core::team::{Secret, TokenMade, TokenOrder};

const PATHS: [&str; 4] =
    ["/v2/topics/presence", "/v1/people", "/v1/people/anna", "/v1/stream?follow=false"];

/// What whoever shows this header reads there.
async fn read(house: &House, path: &str, head: &str) -> Answer {
    let what = format!("GET {path}");
    ask_with([127, 0, 0, 1], house.addr(), house.pin, &what, head, None).await.unwrap()
}

async fn token(house: &House) -> TokenMade {
    let order = TokenOrder { label: "status board".to_owned() };
    house.post("/v1/tokens", Some(&house.anna.credential), &order).await.read()
}

/// Anna is here.
async fn with_anna() -> (House, Client) {
    let house = House::in_memory().await;
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
        // What lets a device in is no token, and a token lets no device in.
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
