//! Tests the requests with a small real server behind TLS.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Mutex;

use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Response, StatusCode};
use hyper_util::rt::TokioIo;
use porchlight_core::id::Root;
use porchlight_core::team::{FingerprintPrefix, RefusalCode, Role};
use porchlight_team::Asked;
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::JoinHandle;

use super::*;
use crate::membership::SecretStorage;
use crate::mqtt::peer::{Door as Plain, within};
use crate::tls::server::{Authority, Certified, TlsDoor};

/// A received request: method and path, authorization, body.
type ReceivedRequest = (String, Option<String>, Value);

/// A hub that gives these answers in order, and records its requests.
struct Hub {
    address: String,
    pin: Pin,
    received: Arc<Mutex<Vec<ReceivedRequest>>>,
    _serves: Ends,
}

struct Ends(JoinHandle<()>);

impl Drop for Ends {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Hub {
    async fn answering(answers: impl IntoIterator<Item = (u16, Value)>) -> Self {
        Self::showing(&Certified::of_itself(), answers).await
    }

    async fn showing(
        certified: &Certified,
        answers: impl IntoIterator<Item = (u16, Value)>,
    ) -> Self {
        let door = TlsDoor::showing(certified).await;
        let (address, pin) = (door.address(), certified.pin());
        let received = Arc::new(Mutex::new(Vec::new()));
        let answers = Arc::new(Mutex::new(answers.into_iter().collect::<VecDeque<_>>()));
        let log = received.clone();
        let serves = tokio::spawn(async move {
            loop {
                // A client that does not trust us ends the handshake.
                if let Ok(peer) = door.accept().await {
                    serve(peer.0, log.clone(), answers.clone()).await;
                }
            }
        });
        Self { address, pin, received, _serves: Ends(serves) }
    }

    fn at(&self) -> Vec<Address> {
        vec![self.address.parse().unwrap()]
    }

    fn invitation(&self) -> Invitation {
        Invitation { team: "Team".to_owned(), at: self.at(), pin: self.pin, token: token() }
    }

    fn received(&self) -> Vec<ReceivedRequest> {
        std::mem::take(&mut self.received.lock().unwrap())
    }

    /// Stores Bob's membership of the team in this folder.
    async fn membership(&self, state: &std::path::Path) -> Membership {
        let joined = joined(self);
        Membership::keep(state, &joined, SecretStorage::FileAgreed).await.unwrap()
    }
}

async fn serve(
    stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
    log: Arc<Mutex<Vec<ReceivedRequest>>>,
    answers: Arc<Mutex<VecDeque<(u16, Value)>>>,
) {
    let service = service_fn(|request: hyper::Request<Incoming>| {
        let (log, answers) = (log.clone(), answers.clone());
        async move {
            let (head, body) = request.into_parts();
            let body = body.collect().await.unwrap().to_bytes();
            let authorization = head.headers.get("authorization");
            log.lock().unwrap().push((
                format!("{} {}", head.method, head.uri),
                authorization.map(|it| it.to_str().unwrap().to_owned()),
                serde_json::from_slice(&body).unwrap_or_default(),
            ));
            let (status, body) = answers.lock().unwrap().pop_front().expect("an answer is left");
            let body = match body {
                Value::Null => Bytes::new(),
                Value::String(text) => text.into(),
                json => json.to_string().into(),
            };
            let mut answer = Response::new(Full::new(body));
            *answer.status_mut() = StatusCode::from_u16(status).unwrap();
            Ok::<_, Infallible>(answer)
        }
    });
    // A client that hangs up is no error here.
    let _ = hyper::server::conn::http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

fn token() -> Secret {
    Secret::of_parts("t0k3nt0k3n", &"t".repeat(27)).unwrap()
}

fn credential() -> Secret {
    Secret::of_parts("k3V9xQ2aB7", &"s".repeat(27)).unwrap()
}

fn joined(hub: &Hub) -> Joined {
    Joined {
        team: "Team".to_owned(),
        root: Root::default(),
        user: UserId::parse("bob x").unwrap(),
        name: "Bob X".to_owned(),
        role: Role::Member,
        credential: credential(),
        at: hub.at(),
        pin: hub.pin,
    }
}

fn refused(code: &str) -> Value {
    json!({"code": code, "message": "the hub's own words"})
}

async fn join_at(hub: &Hub) -> Result<Joined, TeamError> {
    within(join(&hub.invitation(), "Bob X", Some("laptop"), &credential(), &Proxy::default())).await
}

#[tokio::test]
async fn a_link_is_redeemed_for_a_credential() {
    let certified = Certified::of_itself();
    let hub = Hub::showing(&certified, [(200, json!(null))]).await;
    let answer = serde_json::to_value(joined(&hub)).unwrap();
    let hub = Hub::showing(&certified, [(200, answer)]).await;
    let it = join_at(&hub).await.unwrap();
    assert_eq!((it.user.as_str(), it.credential), ("bob x", credential()));
    let body = json!({
        "token": token().to_string(), "name": "Bob X", "kind": "laptop",
        "credential": credential().to_string(),
    });
    assert_eq!(hub.received(), [("POST /v1/join".to_owned(), None, body)]);
}

#[tokio::test]
async fn known_refusals_use_our_words_and_unknown_ones_the_hubs() {
    for (code, status, words) in [
        ("token_unknown", 404, "was revoked"),
        ("token_expired", 410, "has expired"),
        ("token_used_up", 410, "was used already"),
        ("bad_name", 422, "with letters"),
        ("full", 409, "reached its limit"),
        ("too_many_attempts", 429, "wait a few minutes"),
        ("not_signed_in", 401, "no longer in the team"),
        ("not_allowed", 403, "the owner of the team"),
        ("not_found", 404, "does not exist"),
        ("not_saved", 507, "disk is full"),
        ("bad_request", 400, "the hub's own words"),
        ("quite_new", 418, "the hub's own words"),
    ] {
        let hub = Hub::answering([(status, refused(code))]).await;
        let error = join_at(&hub).await.unwrap_err();
        let known = if code == "quite_new" { "unknown" } else { code };
        assert_eq!(error.code(), known);
        assert!(error.to_string().contains(words), "{code}: {error}");
        let parsed: RefusalCode = serde_json::from_value(json!(code)).unwrap();
        assert_eq!(sentence(parsed).is_none(), words.starts_with("the hub"), "{code}");
    }
}

#[tokio::test]
async fn a_link_is_not_redeemed_at_another_hub() {
    let hub = Hub::answering([]).await;
    let mut invitation = hub.invitation();
    invitation.pin = Certified::of_itself().pin();
    let error =
        within(join(&invitation, "Bob", None, &credential(), &Proxy::default())).await.unwrap_err();
    assert_eq!(error.code(), "other_certificate");
    assert_eq!(hub.received(), [], "it learned no token");
}

#[tokio::test]
async fn only_the_first_address_of_the_hub_gets_the_request() {
    let answer = |hub: &Hub| serde_json::to_value(joined(hub)).unwrap();
    let certified = Certified::of_itself();
    let other = Hub::answering([]).await;
    let hub = Hub::showing(&certified, [(200, answer(&other)), (200, answer(&other))]).await;
    let nobody = Plain::open().await.broker().address().clone();
    let mut invitation = hub.invitation();
    invitation.at = [vec![nobody.clone()], other.at(), hub.at(), hub.at()].concat();
    within(join(&invitation, "Bob", None, &credential(), &Proxy::default())).await.unwrap();
    assert_eq!(hub.received().len(), 1, "a link can be redeemed once");

    invitation.at = [vec![nobody.clone()], other.at()].concat();
    let error =
        within(join(&invitation, "Bob", None, &credential(), &Proxy::default())).await.unwrap_err();
    assert_eq!(error.code(), "other_certificate", "an answer says more than none");
    invitation.at = vec![nobody];
    let error =
        within(join(&invitation, "Bob", None, &credential(), &Proxy::default())).await.unwrap_err();
    assert_eq!(error.code(), "unreachable");
}

#[tokio::test]
async fn an_answer_that_is_not_a_hubs_is_recognised() {
    for (status, body) in [
        (200, json!("<html>")),
        (200, json!({"team": 7})),
        (200, Value::Null),
        (500, json!("oops")),
        (404, json!({"error": "no such page"})),
        (200, json!("x".repeat(2 << 20))),
    ] {
        let hub = Hub::answering([(status, body)]).await;
        let error = join_at(&hub).await.unwrap_err();
        assert!(["no_hub", "broken"].contains(&error.code()), "{error}");
    }
    let plain = Plain::open().await;
    let hub = Hub::answering([]).await;
    let mut invitation = hub.invitation();
    invitation.at = vec![plain.broker().address().clone()];
    let server = async {
        let mut peer = plain.accept().await;
        peer.send(b"HTTP/1.1 302 Found\r\nLocation: http://login.wifi.example/\r\n\r\n").await;
        peer
    };
    let (own, direct) = (credential(), Proxy::default());
    let (error, _peer) =
        tokio::join!(within(join(&invitation, "Bob", None, &own, &direct)), server);
    assert_eq!(error.unwrap_err().code(), "sign_in");
}

#[tokio::test]
async fn a_team_that_moved_is_followed_once() {
    let certified = Certified::of_itself();
    let old = Hub::showing(&certified, []).await;
    let answer = serde_json::to_value(joined(&old)).unwrap();
    let new = Hub::showing(&certified, [(200, answer)]).await;
    let moved = json!({"code": "moved", "message": "gone", "at": [new.address]});
    let old = Hub::showing(&certified, [(410, moved.clone())]).await;
    join_at(&old).await.unwrap();
    assert_eq!(new.received().len(), 1);

    let lost = Hub::showing(&certified, [(410, moved.clone()), (410, moved)]).await;
    let circle = json!({"code": "moved", "message": "gone", "at": [lost.address]});
    let old = Hub::showing(&certified, [(410, circle)]).await;
    assert_eq!(join_at(&old).await.unwrap_err().code(), "moved");
}

#[tokio::test]
async fn a_request_without_a_link_waits_for_a_member() {
    let certified = Certified::of_itself();
    let hub = Hub::showing(&certified, []).await;
    let approved = RequestState::Approved(Box::new(joined(&hub)));
    let made = RequestMade { ticket: token(), code: "4711".to_owned() };
    let hub = Hub::showing(
        &certified,
        [
            (201, serde_json::to_value(&made).unwrap()),
            (200, json!({"state": "waiting"})),
            (200, serde_json::to_value(&approved).unwrap()),
        ],
    )
    .await;
    let prefix: FingerprintPrefix = {
        let digest = hub.pin.digest()[..8].iter();
        digest.map(|byte| format!("{byte:02x}")).collect::<String>().parse().unwrap()
    };
    let mut asking =
        NewRequest { team: "Team".to_owned(), at: hub.at(), prefix, ticket: token(), asked: None };
    let request = JoinRequest::new(&asking).unwrap();
    let (pin, code) = within(request.send("Bob X", None, &credential())).await.unwrap();
    assert_eq!((pin, code.as_str()), (hub.pin, "4711"));
    // From now on the whole certificate is known.
    asking.asked = Some(Asked { pin, code });
    let request = JoinRequest::new(&asking).unwrap();
    assert_eq!(within(request.state()).await.unwrap(), RequestState::Waiting);
    assert_eq!(within(request.state()).await.unwrap(), approved);
    let received = hub.received();
    assert_eq!(received[0].0, "POST /v1/requests");
    let bearer = Some(format!("Bearer {}", token()));
    assert_eq!((received[1].0.as_str(), &received[1].1), ("GET /v1/requests/t0k3nt0k3n", &bearer));

    let other = NewRequest { prefix: "0011223344556677".parse().unwrap(), asked: None, ..asking };
    let request = JoinRequest::new(&other).unwrap();
    let error = within(request.send("Bob X", None, &credential())).await.unwrap_err();
    assert_eq!(error.code(), "other_certificate");
    assert_eq!(hub.received(), []);
}

#[tokio::test]
async fn a_whole_team_of_any_size_is_handed_over_and_the_new_place_reported() {
    let dir = tempfile::tempdir().unwrap();
    let large = "x".repeat(3 << 20);
    let hub = Hub::answering([(200, json!(large)), (200, json!("the last"))]).await;
    let team = Team::of(&hub.membership(dir.path()).await).await.unwrap();
    assert_eq!(team.hand_over().await.unwrap(), large.as_bytes());
    let at = ["10.0.0.9:1".parse().unwrap()];
    assert_eq!(team.moved_to("k3y0fTh1sM0ve0000", &at).await.unwrap(), b"the last");
    let received: Vec<_> = hub.received().into_iter().map(|(what, _, body)| (what, body)).collect();
    let done = json!({"key": "k3y0fTh1sM0ve0000", "at": ["10.0.0.9:1"]});
    let wanted = [("POST /v1/move", Value::Null), ("POST /v1/move/done", done)];
    assert_eq!(received, wanted.map(|(what, body)| (what.to_owned(), body)));
}

#[tokio::test]
async fn a_member_authenticates_with_the_credential_of_the_device() {
    let dir = tempfile::tempdir().unwrap();
    let invite = json!({"id": "i", "for_user": null, "by": "bob", "uses_left": 1, "ends": 5});
    let token_view = json!({"id": "t", "label": "wiki", "since": 5});
    let hub = Hub::answering([
        (
            200,
            json!({"team": "Team", "root": "presence", "user": "bob x", "role": "member",
            "at": ["10.0.0.7:1"], "pin": Certified::of_itself().pin()}),
        ),
        (
            200,
            json!([{"user": "bob x", "name": "Bob", "role": "starter", "since": 5, "devices": []}]),
        ),
        (204, Value::Null),
        (204, Value::Null),
        (204, Value::Null),
        (201, json!({"link": "porchlight://join", "invite": invite})),
        (200, json!([invite])),
        (204, Value::Null),
        (200, json!([{"id": "r", "name": "Eve", "kind": null, "code": "4711", "at": 5}])),
        (204, Value::Null),
        (201, json!({"token": token(), "made": token_view})),
        (200, json!([token_view])),
        (204, Value::Null),
    ])
    .await;
    let team = Team::of(&hub.membership(dir.path()).await).await.unwrap();
    within(async {
        assert_eq!(team.view().await.unwrap().role, Role::Member);
        assert_eq!(team.members().await.unwrap()[0].role, Role::Owner);
        team.remove(&UserId::parse("zoë b").unwrap(), false).await.unwrap();
        team.leave().await.unwrap();
        team.revoke("k3V9xQ2aB7").await.unwrap();
        let order = InviteOrder { for_me: true, uses: Some(3), lasts_s: None };
        assert_eq!(team.invite(&order).await.unwrap().invite.uses_left, 1);
        assert_eq!(team.invites().await.unwrap()[0].id, "i");
        team.uninvite("i").await.unwrap();
        assert_eq!(team.requests().await.unwrap()[0].code, "4711");
        team.decide("r", true).await.unwrap();
        assert_eq!(team.make_token("wiki").await.unwrap().token, token());
        assert_eq!(team.tokens().await.unwrap().unwrap()[0].label, "wiki");
        team.revoke_token("t").await.unwrap();
    })
    .await;
    let received = hub.received();
    let basic = format!("k3V9xQ2aB7:{}", credential().secret());
    let basic = format!("Basic {}", data_encoding::BASE64.encode(basic.as_bytes()));
    assert!(received.iter().all(|(_, authorization, _)| authorization.as_ref() == Some(&basic)));
    let what: Vec<&str> = received.iter().map(|(what, ..)| what.as_str()).collect();
    assert_eq!(
        what,
        [
            "GET /v1/team",
            "GET /v1/members",
            "DELETE /v1/members/zo%C3%AB%20b",
            "DELETE /v1/members/bob%20x",
            "DELETE /v1/devices/k3V9xQ2aB7",
            "POST /v1/invites",
            "GET /v1/invites",
            "DELETE /v1/invites/i",
            "GET /v1/requests",
            "POST /v1/requests/r",
            "POST /v1/tokens",
            "GET /v1/tokens",
            "DELETE /v1/tokens/t",
        ]
    );
    assert_eq!(received[5].2, json!({"for_me": true, "uses": 3}));
    assert_eq!(received[9].2, json!({"approve": true}));
    assert_eq!(received[10].2, json!({"label": "wiki"}));
}

#[tokio::test]
async fn a_member_is_removed_together_with_the_people_they_invited() {
    let dir = tempfile::tempdir().unwrap();
    let full = json!({"code": "too_many_invited", "message": "as the hub says it"});
    let along = json!([{"user": "cy", "name": "Cy"}]);
    let hub = Hub::answering([(200, along), (204, Value::Null), (409, full)]).await;
    let team = Team::of(&hub.membership(dir.path()).await).await.unwrap();
    let eve = UserId::parse("eve").unwrap();
    assert_eq!(team.invited(&eve).await.unwrap()[0].name, "Cy");
    team.remove(&eve, true).await.unwrap();
    let error = team.invite(&InviteOrder::default()).await.unwrap_err();
    assert_eq!(error.code(), "too_many_invited");
    assert!(error.to_string().contains("20 people"), "{error}");
    let received: Vec<_> = hub.received().into_iter().map(|(what, ..)| what).collect();
    let removed = "DELETE /v1/members/eve?with_invited=true";
    assert_eq!(received, ["GET /v1/members/eve/invited", removed, "POST /v1/invites"]);
}

#[tokio::test]
async fn a_sign_in_page_with_its_own_certificate_is_suspected() {
    // A certificate that a hub never has: one of an authority that the system trusts.
    let portal = Hub::showing(&Authority::public().sign("login.wifi.example"), []).await;
    let config = crate::tls::server::pinned(Certified::of_itself().pin());
    let hub = HubEndpoint { at: portal.at(), proxy: Proxy::default(), tls: Some(config) };
    let error = within(hub.send_only(HubRequest::new(Method::GET, "/v1/team"))).await.unwrap_err();
    assert_eq!(error.code(), "sign_in");
}

#[tokio::test]
async fn tokens_are_listed_and_a_refusal_of_an_older_hub_means_unknown() {
    let refusal =
        |code: &str| json!({"code": code, "message": "only whoever started the team can do this"});
    let hub = Hub::answering([
        (200, json!([{"id": "k3V9xQ2aB7", "label": "board", "since": 1, "by": "anna", "last_used": 2}])),
        // As hubs answered before they stored who made a token.
        (200, json!([{"id": "k3V9xQ2aB7", "label": "board", "since": 1}])),
        (403, refusal("not_allowed")),
        (401, refusal("not_signed_in")),
    ])
    .await;
    let state = tempfile::tempdir().unwrap();
    let team = Team::of(&hub.membership(state.path()).await).await.unwrap();
    let listed = team.tokens().await.unwrap().unwrap();
    assert_eq!((listed[0].label.as_str(), listed[0].by.as_deref()), ("board", Some("anna")));
    assert_eq!(listed[0].last_used.map(porchlight_core::time::Timestamp::as_ms), Some(2));
    let listed = team.tokens().await.unwrap().unwrap();
    assert_eq!((listed[0].by.as_deref(), listed[0].last_used), (None, None));
    // Unknown, not empty. No other refusal is treated like this one.
    assert_eq!(team.tokens().await.unwrap(), None);
    assert_eq!(team.tokens().await.unwrap_err().code(), "not_signed_in");
}
