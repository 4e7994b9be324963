//! A team that moves to another hub with its data.

use crate::hub_fixture::{HubFixture, team_settings};
use crate::world::{Client, pair, will, within};
use porchlight_core::team::Joined;
use porchlight_hub::{Access, Hub, Store, restore_arriving};
use rumqttc::v5::mqttbytes::v5::ConnectProperties;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// A device with a Will without a delay.
async fn device(house: &HubFixture, who: &Joined, n: usize) -> Client {
    let mut options = house.options(&who.credential, &format!("plmoving{n:0>14}m"));
    options.set_clean_start(false);
    let mut properties = ConnectProperties::new();
    properties.session_expiry_interval = Some(60);
    options.set_connect_properties(properties);
    let topic = format!("presence/{}/device/d", who.user);
    options.set_last_will(will(&topic, "gone", Some(0)));
    let mut client = Client::connect(options).await;
    client.retain(&topic, format!("here {n}")).await;
    client
}

#[tokio::test]
async fn everybody_is_sent_to_the_new_hub_and_nobody_is_shown_gone() {
    let (old, new) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let house = HubFixture::in_folder(old.path()).await;
    let mut people = vec![house.anna.clone()];
    for n in 1..50 {
        people.push(house.joins(&format!("Person {n}")).await);
    }
    let mut clients = Vec::new();
    for (n, who) in people.iter().enumerate() {
        let mut client = device(&house, who, n).await;
        client.subscribe("presence/_hub").await;
        clients.push(client);
    }

    // The new computer requests the state, starts a hub with it, and reports its address.
    let owner = Some(&house.anna.credential);
    let whole = house.post("/v1/move", owner, &()).await;
    assert_eq!(whole.status, 200);
    let whole = serde_json::to_vec(&whole.body).unwrap();
    restore_arriving(new.path(), &whole).unwrap();
    let mut hub = Hub::start(team_settings(Store::Folder(new.path().to_owned()))).await.unwrap();
    clients[3].retain("presence/person-3/device/d", "changed meanwhile").await;
    let at = hub.team_addr().unwrap().to_string();
    let rest = house.post("/v1/move/done", owner, &json!({"at": [at]})).await;
    assert_eq!(rest.status, 200);
    hub.activate(&serde_json::to_vec(&rest.body).unwrap()).await.unwrap();

    for client in &mut clients {
        let news = within("where it goes", async {
            loop {
                let (topic, text) = client.any_text().await;
                assert_eq!(topic, "presence/_hub");
                if text.contains(&at) {
                    return text;
                }
            }
        });
        assert_eq!(serde_json::from_str::<Value>(&news.await).unwrap()["at"], json!([at]));
        client.ended().await;
    }
    let gone = house.get("/v1/team", None).await;
    assert_eq!((gone.status, gone.code(), &gone.body["at"]), (410, "moved", &json!([at])));
    let refused = Client::try_connect(house.options(&people[1].credential, "late")).await;
    assert!(refused.is_err());

    let (pin, anna) = (house.pin, house.anna.clone());
    house.hub.stop().await.unwrap();

    // The new hub has the same certificate, credentials and records, and no Wills.
    let house = HubFixture { hub, pin, anna };
    let mut reader = Client::connect(house.options(&people[1].credential, "reader")).await;
    let records = reader.records("presence/+/device/+", "presence/person-1/typing").await;
    let mut expected: Vec<_> = people
        .iter()
        .enumerate()
        .map(|(n, who)| {
            let text = if n == 3 { "changed meanwhile".to_owned() } else { format!("here {n}") };
            pair(&format!("presence/{}/device/d", who.user), &text)
        })
        .collect();
    expected.sort();
    assert_eq!(records, expected);
    house.hub.stop().await.unwrap();
}

const KEY: &str = "k3y0fTh1sM0ve0000";

/// A hub with a copy of the team, and its folder.
async fn arriving(house: &HubFixture) -> (Hub, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let whole = house.post("/v1/move", Some(&house.anna.credential), &()).await;
    restore_arriving(folder.path(), &serde_json::to_vec(&whole.body).unwrap()).unwrap();
    let hub = Hub::start(team_settings(Store::Folder(folder.path().to_owned()))).await.unwrap();
    assert!(!hub.is_serving());
    (hub, folder)
}

fn done(hub: &Hub, key: &str) -> Value {
    json!({"at": [hub.team_addr().unwrap().to_string()], "key": key})
}

fn as_new(hub: Hub, house: &HubFixture) -> HubFixture {
    HubFixture { hub, pin: house.pin, anna: house.anna.clone() }
}

#[tokio::test]
async fn a_copy_serves_nobody_before_the_old_hub_has_let_go() {
    let old = tempfile::tempdir().unwrap();
    let house = HubFixture::in_folder(old.path()).await;
    let owner = Some(&house.anna.credential);
    let (hub, folder) = arriving(&house).await;
    let copy = as_new(hub, &house);
    for answer in [
        copy.get("/v1/team", owner).await,
        copy.get("/v1/people", owner).await,
        copy.post("/v1/invites", owner, &json!({})).await,
        copy.get("/no/such/path", None).await,
    ] {
        assert_eq!((answer.status, answer.code()), (503, "arriving"));
    }
    let refused = Client::try_connect(copy.options(&house.anna.credential, "early")).await;
    assert!(refused.is_err());
    // A restart does not change that.
    copy.hub.stop().await.unwrap();
    let hub = Hub::start(team_settings(Store::Folder(folder.path().to_owned()))).await.unwrap();
    let mut copy = as_new(hub, &house);
    assert_eq!(copy.get("/v1/team", owner).await.code(), "arriving");
    let state = house.post("/v1/move/done", owner, &done(&copy.hub, KEY)).await;
    copy.hub.activate(&serde_json::to_vec(&state.body).unwrap()).await.unwrap();
    assert_eq!(copy.get("/v1/team", owner).await.status, 200);
    copy.hub.stop().await.unwrap();
    house.hub.stop().await.unwrap();
}

#[tokio::test]
async fn a_lost_answer_can_be_asked_for_again_by_the_computer_that_took_over() {
    let old = tempfile::tempdir().unwrap();
    let house = HubFixture::in_folder(old.path()).await;
    let owner = Some(&house.anna.credential);
    let (hub, _folder) = arriving(&house).await;
    let mut copy = as_new(hub, &house);
    let first = house.post("/v1/move/done", owner, &done(&copy.hub, KEY)).await;
    assert_eq!(first.status, 200);
    let again = house.post("/v1/move/done", owner, &done(&copy.hub, KEY)).await;
    assert_eq!((again.status, &again.body["team"]), (200, &first.body["team"]));
    let other = house.post("/v1/move/done", owner, &done(&copy.hub, "another0key000000")).await;
    assert_eq!((other.status, other.code()), (410, "moved"));
    let without = json!({"at": ["127.0.0.1:9"]});
    assert_eq!(house.post("/v1/move/done", owner, &without).await.code(), "moved");
    // Also after a restart of the old hub, on any of its paths.
    let at = house.addr();
    house.hub.stop().await.unwrap();
    let mut settings = team_settings(Store::Folder(old.path().to_owned()));
    if let Access::Team(team) = &mut settings.access {
        team.listen = porchlight_hub::Listen::Exactly(at);
    }
    let old = as_new(Hub::start(settings).await.unwrap(), &copy);
    let gone = old.delete("/v1/members/bob", &copy.anna.credential).await;
    let wanted = json!([copy.hub.team_addr().unwrap().to_string()]);
    assert_eq!((gone.status, gone.code(), &gone.body["at"]), (410, "moved", &wanted));
    let owner = Some(&copy.anna.credential);
    let again = old.post("/v1/move/done", owner, &done(&copy.hub, KEY)).await;
    assert_eq!((again.status, &again.body["team"]), (200, &first.body["team"]));
    copy.hub.activate(&serde_json::to_vec(&again.body).unwrap()).await.unwrap();
    assert_eq!(copy.get("/v1/team", owner).await.status, 200);
    old.hub.stop().await.unwrap();
    copy.hub.stop().await.unwrap();
}

#[tokio::test]
async fn changes_of_members_during_a_move_are_not_lost() {
    let old = tempfile::tempdir().unwrap();
    let house = HubFixture::in_folder(old.path()).await;
    let eve = house.joins("Eve").await;
    let (hub, _folder) = arriving(&house).await;
    let mut copy = as_new(hub, &house);
    let bob = house.joins("Bob").await;
    assert_eq!(house.delete("/v1/members/eve", &house.anna.credential).await.status, 204);
    let owner = Some(&house.anna.credential);
    let state = house.post("/v1/move/done", owner, &done(&copy.hub, KEY)).await;
    copy.hub.activate(&serde_json::to_vec(&state.body).unwrap()).await.unwrap();
    assert_eq!(copy.get("/v1/team", Some(&bob.credential)).await.status, 200);
    assert_eq!(copy.get("/v1/team", Some(&eve.credential)).await.status, 401);
    assert_eq!(copy.hub.members(), 2);
    copy.hub.stop().await.unwrap();
    house.hub.stop().await.unwrap();
}

#[tokio::test]
async fn a_team_does_not_go_where_nobody_reaches_it() {
    let house = HubFixture::in_memory().await;
    let stranger = HubFixture::in_memory().await;
    let owner = Some(&house.anna.credential);
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let silent = listener.local_addr().unwrap().to_string();
    let too_many: Vec<_> = (1..=9).map(|n| format!("127.0.0.1:{n}")).collect();
    for (at, status, code) in [
        (json!([]), 400, "bad_request"),
        (json!(too_many), 400, "bad_request"),
        (json!(["127.0.0.1:9", silent]), 409, "not_reachable"),
        // The hub of another team.
        (json!([stranger.addr().to_string()]), 409, "not_reachable"),
    ] {
        let refused = house.post("/v1/move/done", owner, &json!({"at": at, "key": KEY})).await;
        assert_eq!((refused.status, refused.code()), (status, code), "{at}");
    }
    let short = json!({"at": [house.addr().to_string()], "key": "short"});
    assert_eq!(house.post("/v1/move/done", owner, &short).await.code(), "bad_request");
    assert_eq!(house.get("/v1/team", owner).await.status, 200);
    house.joins("Bob").await;
    house.hub.stop().await.unwrap();
    stranger.hub.stop().await.unwrap();
}

#[tokio::test]
async fn the_hub_says_whose_it_is_and_where() {
    let mut settings = team_settings(Store::Memory);
    if let Access::Team(team) = &mut settings.access {
        team.host =
            Some(porchlight_core::team::Host { user: None, device: None, name: "box".to_owned() });
    }
    let hub = Hub::start(settings).await.unwrap();
    let invitation = hub.invite_owner().await.unwrap().unwrap();
    let join = porchlight_core::team::Join {
        token: invitation.token,
        name: "Anna".to_owned(),
        kind: None,
        credential: None,
    };
    let addr = hub.team_addr().unwrap();
    let anna = crate::hub_fixture::post(addr, invitation.pin, "/v1/join", None, &join).await.read();
    let house = HubFixture { hub, pin: invitation.pin, anna };
    let mut reader = Client::connect(house.options(&house.anna.credential, "reader")).await;
    reader.subscribe("presence/_hub").await;
    let (_, text) = reader.any_text().await;
    let mut said: Value = serde_json::from_str(&text).unwrap();
    let revision = said.as_object_mut().unwrap().remove("revision").unwrap();
    assert!(revision.as_u64() > Some(0));
    let at = json!([addr.to_string()]);
    let box_host = json!({"name": "box"});
    assert_eq!(
        said,
        json!({"v": 1, "team": "Anna's team", "host": box_host, "at": at, "in_order": true})
    );
    let host = porchlight_core::team::Host {
        user: Some(house.anna.user.clone()),
        device: Some(porchlight_core::id::DeviceId::parse("d1").unwrap()),
        name: "Anna".to_owned(),
    };
    house.hub.set_host(Some(host));
    // A new revision is published, too.
    let host = r#""host":{"user":"anna","device":"d1","name":"Anna"}"#;
    within("the new host", async { while !reader.any_text().await.1.contains(host) {} }).await;
    house.hub.stop().await.unwrap();
}

#[tokio::test]
async fn mqtt_comes_over_web_socket_through_the_same_port() {
    let house = HubFixture::in_memory().await;
    let mut stream =
        crate::hub_fixture::connect_from([127, 0, 0, 1], house.addr(), house.pin).await.unwrap();
    let upgrade =
        b"GET /mqtt HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
        Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\
        Sec-WebSocket-Protocol: mqtt\r\n\r\n";
    stream.write_all(upgrade).await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(within("the upgrade", stream.read_u8()).await.unwrap());
    }
    let head = String::from_utf8(head).unwrap().to_lowercase();
    assert!(
        head.starts_with("http/1.1 101") && head.contains("sec-websocket-protocol: mqtt"),
        "{head}"
    );
    let packet = crate::floods::connect(
        "socket",
        house.anna.credential.id(),
        house.anna.credential.secret(),
    );
    // One binary frame, masked with zeros.
    let mut frame = vec![0x82, 0x80 | u8::try_from(packet.len()).unwrap(), 0, 0, 0, 0];
    frame.extend(packet);
    stream.write_all(&frame).await.unwrap();
    let mut answer = [0; 6];
    within("CONNACK", stream.read_exact(&mut answer)).await.unwrap();
    assert_eq!((answer[0], answer[2], answer[5]), (0x82, 0x20, 0), "{answer:?}");
    house.hub.stop().await.unwrap();
}
