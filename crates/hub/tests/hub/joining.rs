//! Joining a team: invitations, requests, and the information that a member receives.

use crate::hub_fixture::{HubFixture, team_settings};
use crate::world::Client;
use porchlight_core::team::{
    Decision, InviteOrder, InviteView, Join, Joined, Member, Request, RequestMade, RequestState,
    RequestView, Role, Secret, TeamView, TokenMade, TokenOrder, TokenView,
};
use porchlight_hub::{Hub, Store};
use serde_json::json;

#[tokio::test]
async fn whoever_joins_is_told_what_they_need_and_gets_in() {
    let house = HubFixture::in_memory().await;
    assert_eq!((house.anna.user.as_str(), house.anna.role), ("anna", Role::Owner));
    assert_eq!(house.anna.at, [house.addr().to_string().parse().unwrap()]);
    let bob = house.joins("Bob").await;
    assert_eq!((bob.team.as_str(), bob.role, bob.pin), ("Anna's team", Role::Member, house.pin));
    let view: TeamView = house.get("/v1/team", Some(&bob.credential)).await.read();
    assert_eq!((view.user, view.at), (bob.user, bob.at));
    Client::connect(house.options(&bob.credential, "bob")).await.leave().await;
    let members: Vec<Member> = house.get("/v1/members", Some(&bob.credential)).await.read();
    let [anna, bob] = &members[..] else { panic!("{members:?}") };
    assert_eq!((anna.name.as_str(), bob.devices[0].this), ("Anna", true));
    assert!(bob.devices[0].last_here.is_some() && anna.devices[0].last_here.is_none());
    assert_eq!(bob.devices[0].kind.as_deref(), Some("laptop"));
    house.hub.stop().await.unwrap();
}

#[tokio::test]
async fn a_team_outlives_its_hub() {
    let dir = tempfile::tempdir().unwrap();
    let house = HubFixture::in_folder(dir.path()).await;
    let bob = house.joins("Bob").await;
    let (pin, anna) = (house.pin, house.anna.clone());
    house.hub.stop().await.unwrap();
    let settings =
        crate::hub_fixture::team_settings(porchlight_hub::Store::Folder(dir.path().to_owned()));
    let hub = porchlight_hub::Hub::start(settings.clone()).await.unwrap();
    assert!(hub.has_owner());
    let second = porchlight_hub::Hub::start(settings).await.unwrap_err();
    assert!(matches!(second, porchlight_hub::HubError::TeamInUse { .. }), "{second:?}");
    let house = HubFixture { hub, pin, anna };
    Client::connect(house.options(&bob.credential, "bob")).await.leave().await;
    house.hub.stop().await.unwrap();
}

#[tokio::test]
async fn a_damaged_team_is_an_error_and_never_a_new_team() {
    let dir = tempfile::tempdir().unwrap();
    HubFixture::in_folder(dir.path()).await.hub.stop().await.unwrap();
    let settings =
        crate::hub_fixture::team_settings(porchlight_hub::Store::Folder(dir.path().to_owned()));
    let file = dir.path().join("team.json");
    let whole = std::fs::read(&file).unwrap();
    std::fs::write(&file, &whole[..whole.len() / 2]).unwrap();
    let error = porchlight_hub::Hub::start(settings.clone()).await.unwrap_err().to_string();
    assert!(error.contains("damaged") && error.contains("backup"), "{error}");
    std::fs::remove_file(&file).unwrap();
    let error = porchlight_hub::Hub::start(settings.clone()).await.unwrap_err().to_string();
    assert!(error.contains("missing") && error.contains("backup"), "{error}");
    std::fs::write(&file, &whole).unwrap();
    porchlight_hub::Hub::start(settings).await.unwrap().stop().await.unwrap();
}

#[tokio::test]
async fn whoever_asks_is_let_in_by_a_member_once() {
    let house = HubFixture::in_memory().await;
    let asking = Request {
        name: "Carol".to_owned(),
        kind: Some("phone".to_owned()),
        ticket: None,
        credential: None,
    };
    let answer = house.post("/v1/requests", None, &asking).await;
    let made: RequestMade = answer.read();
    let path = format!("/v1/requests/{}", made.ticket.id());
    let how = |ticket: String| {
        let head = format!("Authorization: Bearer {ticket}\r\n");
        let (addr, pin, what) = (house.addr(), house.pin, format!("GET {path}"));
        async move {
            crate::hub_fixture::ask_with([127, 0, 0, 1], addr, pin, &what, &head, None)
                .await
                .unwrap()
        }
    };
    assert_eq!(how(made.ticket.to_string()).await.read::<RequestState>(), RequestState::Waiting);
    assert_eq!(how(format!("{}.{}", made.ticket.id(), "x".repeat(27))).await.status, 404);
    let waiting: Vec<RequestView> =
        house.get("/v1/requests", Some(&house.anna.credential)).await.read();
    assert_eq!((waiting[0].code.as_str(), waiting[0].name.as_str()), (made.code.as_str(), "Carol"));
    let yes = Decision { approve: true };
    assert_eq!(house.post(&path, Some(&house.anna.credential), &yes).await.status, 204);
    let RequestState::Approved(carol) = how(made.ticket.to_string()).await.read() else {
        panic!("not let in");
    };
    assert_eq!(carol.role, Role::Member);
    Client::connect(house.options(&carol.credential, "carol")).await.leave().await;
    assert_eq!(how(made.ticket.to_string()).await.status, 404, "told once");
    house.hub.stop().await.unwrap();
}

#[tokio::test]
async fn a_device_with_its_own_credential_reads_its_approval_again_until_it_is_removed() {
    let house = HubFixture::in_memory().await;
    let ticket = Secret::of_parts("abcdefghij", &"t".repeat(27)).unwrap();
    let credential = Secret::of_parts("klmnopqrst", &"c".repeat(27)).unwrap();
    let asking = Request {
        name: "Carol".to_owned(),
        kind: None,
        ticket: Some(ticket.clone()),
        credential: Some(credential.clone()),
    };
    let first: RequestMade = house.post("/v1/requests", None, &asking).await.read();
    let again: RequestMade = house.post("/v1/requests", None, &asking).await.read();
    assert_eq!(first, again);
    let path = format!("/v1/requests/{}", ticket.id());
    let yes = Decision { approve: true };
    assert_eq!(house.post(&path, Some(&house.anna.credential), &yes).await.status, 204);
    let (head, what) = (format!("Authorization: Bearer {ticket}\r\n"), format!("GET {path}"));
    let state = || async {
        let (addr, pin) = (house.addr(), house.pin);
        let answer =
            crate::hub_fixture::ask_with([127, 0, 0, 1], addr, pin, &what, &head, None).await;
        answer.unwrap().read::<RequestState>()
    };
    let approved = state().await;
    assert!(matches!(&approved, RequestState::Approved(carol) if carol.credential == credential));
    assert_eq!(state().await, approved);
    assert_eq!(house.delete("/v1/members/carol", &house.anna.credential).await.status, 204);
    assert_eq!(state().await, RequestState::Refused);
    let members: Vec<Member> = house.get("/v1/members", Some(&house.anna.credential)).await.read();
    assert_eq!(members.len(), 1);
    house.hub.stop().await.unwrap();
}

/// A join with a credential that the device has made.
fn own_join(token: &Secret, credential: &Secret) -> Join {
    Join {
        token: token.clone(),
        name: "Bob".to_owned(),
        kind: None,
        credential: Some(credential.clone()),
    }
}

#[tokio::test]
async fn a_join_whose_answer_was_lost_is_answered_again_also_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let house = HubFixture::in_folder(folder.path()).await;
    let token = house.invited(&InviteOrder::default()).await;
    let credential = Secret::of_parts("klmnopqrst", &"c".repeat(27)).unwrap();
    let join = own_join(&token, &credential);
    let first: Joined = house.post("/v1/join", None, &join).await.read();
    assert_eq!(first.credential, credential);
    // The invitation is used up, for everybody else.
    assert_eq!(house.post("/v1/join", None, &join).await.read::<Joined>().user, first.user);
    assert_eq!(house.redeem(token.clone(), "Eve").await.code(), "token_used_up");
    let guessed = Secret::of_parts("klmnopqrst", &"x".repeat(27)).unwrap();
    let other = house.invited(&InviteOrder::default()).await;
    let refused = house.post("/v1/join", None, &own_join(&other, &guessed)).await;
    assert_eq!((refused.status, refused.code()), (403, "token_unknown"));

    let (pin, anna) = (house.pin, house.anna.clone());
    house.hub.stop().await.unwrap();
    let hub = Hub::start(team_settings(Store::Folder(folder.path().to_owned()))).await.unwrap();
    let house = HubFixture { hub, pin, anna };
    assert_eq!(house.post("/v1/join", None, &join).await.read::<Joined>().user, first.user);
    assert_eq!(house.hub.members(), 2);
    house.hub.stop().await.unwrap();
}

#[tokio::test]
async fn a_join_is_taken_back_as_long_as_its_device_was_never_here() {
    let house = HubFixture::in_memory().await;
    let credential = Secret::of_parts("klmnopqrst", &"c".repeat(27)).unwrap();
    let undo = async || house.delete("/v1/join", &credential).await.status;
    assert_eq!(undo().await, 204, "it is no secret that there is nothing to take back");
    let token = house.invited(&InviteOrder::default()).await;
    house.post("/v1/join", None, &own_join(&token, &credential)).await.read::<Joined>();
    assert_eq!(house.hub.members(), 2);
    assert_eq!((undo().await, undo().await), (204, 204));
    assert_eq!(house.hub.members(), 1);

    let token = house.invited(&InviteOrder::default()).await;
    let used = Secret::of_parts("uvwxyzabcd", &"d".repeat(27)).unwrap();
    house.post("/v1/join", None, &own_join(&token, &used)).await.read::<Joined>();
    Client::connect(house.options(&used, "bob")).await.leave().await;
    let kept = house.delete("/v1/join", &used).await;
    assert_eq!((kept.status, kept.code()), (409, "in_use"));
    assert_eq!(house.hub.members(), 2);
    house.hub.stop().await.unwrap();
}

#[tokio::test]
async fn a_request_that_was_withdrawn_is_seen_by_nobody() {
    let house = HubFixture::in_memory().await;
    let asking = Request { name: "Carol".to_owned(), kind: None, ticket: None, credential: None };
    let made: RequestMade = house.post("/v1/requests", None, &asking).await.read();
    let head = format!("Authorization: Bearer {}\r\n", made.ticket);
    let what = format!("DELETE /v1/requests/{}", made.ticket.id());
    for _ in 0..2 {
        let (addr, pin) = (house.addr(), house.pin);
        let answer =
            crate::hub_fixture::ask_with([127, 0, 0, 1], addr, pin, &what, &head, None).await;
        assert_eq!(answer.unwrap().status, 204);
    }
    let seen = house.get("/v1/requests", Some(&house.anna.credential)).await;
    assert_eq!(seen.body, json!([]));
    house.hub.stop().await.unwrap();
}

#[tokio::test]
async fn the_last_owner_keeps_a_device_as_long_as_there_are_others() {
    let house = HubFixture::in_memory().await;
    house.joins("Bob").await;
    let own = format!("/v1/devices/{}", house.anna.credential.id());
    let refused = house.delete(&own, &house.anna.credential).await;
    assert_eq!((refused.status, refused.code()), (403, "last_owner"));
    assert_eq!(house.delete("/v1/members/bob", &house.anna.credential).await.status, 204);
    assert_eq!(house.delete(&own, &house.anna.credential).await.status, 204);
    house.hub.stop().await.unwrap();
}

#[tokio::test]
async fn a_refused_request_lets_nobody_in() {
    let house = HubFixture::in_memory().await;
    let asking = Request { name: "Eve".to_owned(), kind: None, ticket: None, credential: None };
    let made: RequestMade = house.post("/v1/requests", None, &asking).await.read();
    let path = format!("/v1/requests/{}", made.ticket.id());
    let no = Decision { approve: false };
    assert_eq!(house.post(&path, Some(&house.anna.credential), &no).await.status, 204);
    let head = format!("Authorization: Bearer {}\r\n", made.ticket);
    let what = format!("GET {path}");
    let answer =
        crate::hub_fixture::ask_with([127, 0, 0, 1], house.addr(), house.pin, &what, &head, None);
    assert_eq!(answer.await.unwrap().read::<RequestState>(), RequestState::Refused);
    let members: Vec<Member> = house.get("/v1/members", Some(&house.anna.credential)).await.read();
    assert_eq!(members.len(), 1);
    for _ in 0..2 {
        house.post("/v1/requests", None, &asking).await;
    }
    let more = house.post("/v1/requests", None, &asking).await;
    assert_eq!((more.status, more.code()), (429, "too_many_attempts"));
    house.hub.stop().await.unwrap();
}

#[tokio::test]
async fn invitations_and_tokens_are_listed_without_their_secrets() {
    let house = HubFixture::in_memory().await;
    let who = Some(&house.anna.credential);
    let secret = house.invited(&InviteOrder { uses: Some(3), ..InviteOrder::default() }).await;
    let answer = house.get("/v1/invites", who).await;
    assert!(!answer.body.to_string().contains(secret.secret()));
    let invites: Vec<InviteView> = answer.read();
    assert_eq!((invites[0].id.as_str(), invites[0].uses_left), (secret.id(), 3));
    let order = TokenOrder { label: "status board".to_owned() };
    let made: TokenMade = house.post("/v1/tokens", who, &order).await.read();
    let answer = house.get("/v1/tokens", who).await;
    assert!(!answer.body.to_string().contains(made.token.secret()));
    assert_eq!(answer.read::<Vec<TokenView>>(), std::slice::from_ref(&made.made));
    let path = format!("/v1/tokens/{}", made.made.id);
    assert_eq!(house.delete(&path, &house.anna.credential).await.status, 204);
    assert_eq!(house.get("/v1/tokens", who).await.body, serde_json::json!([]));
    house.hub.stop().await.unwrap();
}

#[tokio::test]
async fn a_request_that_makes_no_sense_is_refused_in_words() {
    let house = HubFixture::in_memory().await;
    for (what, status) in [
        ("GET /nowhere", 404),
        ("PUT /v1/join", 405),
        ("POST /v1/join", 400),
        ("POST /v1/requests", 400),
        ("GET /v1/requests/x", 404),
    ] {
        let answer =
            crate::hub_fixture::ask_with([127, 0, 0, 1], house.addr(), house.pin, what, "", None);
        let answer = answer.await.unwrap();
        assert_eq!(answer.status, status, "{what}");
        assert!(!answer.code().is_empty() && !answer.body["message"].as_str().unwrap().is_empty());
    }
    let large = format!("\"{}\"", "x".repeat(20_000));
    let answer = crate::hub_fixture::ask_with(
        [127, 0, 0, 1],
        house.addr(),
        house.pin,
        "POST /v1/join",
        "",
        Some(large),
    );
    assert_eq!(answer.await.unwrap().code(), "bad_request");
    house.hub.stop().await.unwrap();
}

#[tokio::test]
async fn one_device_joins_by_the_door_of_this_machine_alone() {
    let house = HubFixture::in_memory().await;
    let mut plain = crate::world::options(house.hub.addr(), "anna");
    plain.set_credentials(house.anna.credential.id(), house.anna.credential.secret());
    Client::connect(plain).await.leave().await;
    assert!(house.hub.addr().ip().is_loopback());
    let _: Joined = house.joins("Bob").await;
    house.hub.stop().await.unwrap();
}
