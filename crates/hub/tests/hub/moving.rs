//! A team that moves to another hub, and what is carried over.

use crate::hub_fixture::{HubFixture, team_settings};
use crate::world::{Client, pair, will, within};
use porchlight_core::team::Joined;
use porchlight_hub::{Access, Hub, Store, restore_bytes};
use rumqttc::v5::mqttbytes::v5::ConnectProperties;
use serde_json::{Value, json};
use std::path::Path;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// A device with a Will that would come at once.
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

    // The new computer asks for everything, starts a hub with it, and says where it is.
    let owner = Some(&house.anna.credential);
    let whole = house.post("/v1/move", owner, &()).await;
    assert_eq!(whole.status, 200);
    let whole = serde_json::to_vec(&whole.body).unwrap();
    restore_bytes(new.path(), &whole, Path::new("the old hub")).unwrap();
    let hub = Hub::start(team_settings(Store::Folder(new.path().to_owned()))).await.unwrap();
    clients[3].retain("presence/person-3/device/d", "changed meanwhile").await;
    let at = hub.team_addr().unwrap().to_string();
    let rest = house.post("/v1/move/done", owner, &json!({"at": [at]})).await;
    assert_eq!(rest.status, 200);
    hub.import_records(&serde_json::to_vec(&rest.body).unwrap()).await.unwrap();

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
    let again = Hub::start(team_settings(Store::Folder(old.path().to_owned()))).await.unwrap_err();
    assert!(again.to_string().contains(&at), "{again}");

    // The same certificate, credentials and records; nobody's Will among them.
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
    };
    let addr = hub.team_addr().unwrap();
    let anna = crate::hub_fixture::post(addr, invitation.pin, "/v1/join", None, &join).await.read();
    let house = HubFixture { hub, pin: invitation.pin, anna };
    let mut reader = Client::connect(house.options(&house.anna.credential, "reader")).await;
    reader.subscribe("presence/_hub").await;
    let (_, text) = reader.any_text().await;
    let said: Value = serde_json::from_str(&text).unwrap();
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
    let (_, text) = reader.any_text().await;
    assert!(text.contains(r#""host":{"user":"anna","device":"d1","name":"Anna"}"#), "{text}");
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
