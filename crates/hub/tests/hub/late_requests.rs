//! Requests that a member starts before their removal, and finishes afterwards, change nothing.

use crate::hub_fixture::{HubFixture, connect_from};
use crate::world::within;
use porchlight_core::team::{Decision, Join, Joined, Request, RequestMade, Secret};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

/// A request whose head the hub has read, and whose body it awaits.
struct Begun {
    stream: TlsStream<TcpStream>,
    body: String,
}

async fn begin(house: &HubFixture, who: &Secret, path: &str, body: &Value) -> Begun {
    let mut stream = connect_from([127, 0, 0, 1], house.addr(), house.pin).await.unwrap();
    let body = body.to_string();
    let login = data_encoding::BASE64.encode(format!("{}:{}", who.id(), who.secret()).as_bytes());
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: hub\r\nContent-Type: application/json\r\n\
         Authorization: Basic {login}\r\nExpect: 100-continue\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = [0; 25];
    // The hub asks for the body after authentication.
    within("100 Continue", stream.read_exact(&mut answer)).await.unwrap();
    assert!(answer.starts_with(b"HTTP/1.1 100 Continue"), "{answer:?}");
    Begun { stream, body }
}

impl Begun {
    async fn finish(mut self) -> (u16, Value) {
        self.stream.write_all(self.body.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        let _ = within("the answer", self.stream.read_to_end(&mut answer)).await;
        let answer = String::from_utf8_lossy(&answer).into_owned();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_default();
        let status = head.split(' ').nth(1).and_then(|s| s.parse().ok()).unwrap_or_default();
        (status, serde_json::from_str(body).unwrap_or(Value::Null))
    }
}

/// A second owner.
async fn sam(house: &HubFixture) -> Joined {
    let invitation = house.hub.invite_owner().await.unwrap().unwrap();
    let join =
        Join { token: invitation.token, name: "Sam".to_owned(), kind: None, credential: None };
    house.post("/v1/join", None, &join).await.read()
}

#[tokio::test]
async fn what_a_removed_owner_asked_for_before_is_not_done_after() {
    let house = HubFixture::in_memory().await;
    let sam = sam(&house).await;
    let asking = Request { name: "Mallory".to_owned(), kind: None, ticket: None, credential: None };
    let made: RequestMade = house.post("/v1/requests", None, &asking).await.read();
    let decide = format!("/v1/requests/{}", made.ticket.id());
    let approve = serde_json::to_value(Decision { approve: true }).unwrap();
    let mut begun = Vec::new();
    for (path, body) in [
        ("/v1/invites", json!({"uses": 5})),
        (decide.as_str(), approve),
        ("/v1/tokens", json!({"label": "board"})),
        ("/v1/move/done", json!({"at": ["127.0.0.1:9"]})),
    ] {
        begun.push((path.to_owned(), begin(&house, &sam.credential, path, &body).await));
    }
    assert_eq!(house.delete("/v1/members/sam", &house.anna.credential).await.status, 204);
    for (path, begun) in begun {
        let (status, body) = begun.finish().await;
        assert_eq!((status, &body["code"]), (401, &json!("not_signed_in")), "{path}: {body}");
    }
    let who = Some(&house.anna.credential);
    assert_eq!(house.get("/v1/invites", who).await.body, json!([]));
    assert_eq!(house.get("/v1/tokens", who).await.body, json!([]));
    assert_eq!(house.get("/v1/requests", who).await.body.as_array().unwrap().len(), 1);
    house.hub.stop().await.unwrap();
}

#[tokio::test]
async fn whom_a_removed_member_approved_is_not_let_in() {
    let house = HubFixture::in_memory().await;
    let eve = house.joins("Eve").await;
    let asking = Request { name: "Mallory".to_owned(), kind: None, ticket: None, credential: None };
    let made: RequestMade = house.post("/v1/requests", None, &asking).await.read();
    let path = format!("/v1/requests/{}", made.ticket.id());
    let yes = Decision { approve: true };
    assert_eq!(house.post(&path, Some(&eve.credential), &yes).await.status, 204);
    assert_eq!(house.delete("/v1/members/eve", &house.anna.credential).await.status, 204);
    let head = format!("Authorization: Bearer {}\r\n", made.ticket);
    let what = format!("GET {path}");
    let ask = || {
        crate::hub_fixture::ask_with([127, 0, 0, 1], house.addr(), house.pin, &what, &head, None)
    };
    assert_eq!(ask().await.unwrap().body, json!({"state": "waiting"}));
    // Another member may admit them.
    assert_eq!(house.post(&path, Some(&house.anna.credential), &yes).await.status, 204);
    assert_eq!(ask().await.unwrap().body["state"], "approved");
    house.hub.stop().await.unwrap();
}
