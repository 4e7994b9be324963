use std::path::Path;

use porchlight_core::id::Root;
use porchlight_core::team::{Joined, Role, Secret};
use tokio::io::{AsyncRead, AsyncWrite};

use super::*;
use crate::device::DeviceLock;
use crate::membership::SecretStorage;
use crate::mqtt::peer::{CONNACK_V5, DISCONNECT, Door, PUBLISH, Peer, SUBSCRIBE, within};
use crate::proxy::Proxy;
use crate::tls::server::{Certified, TlsDoor};

fn user() -> UserId {
    UserId::parse("bob").unwrap()
}

fn identity(state: &Path, broker: &Broker) -> Identity {
    let device = Some(DeviceId::parse("desk").unwrap());
    let claim = DeviceLock { state, user: &user(), device, broker };
    Identity::take(claim, &mut fastrand::Rng::with_seed(1)).unwrap()
}

/// A PUBLISH of a retained record.
fn record(topic: &str, payload: &str) -> Vec<u8> {
    let topic_length = u8::try_from(topic.len()).unwrap();
    let length = topic_length + 3 + u8::try_from(payload.len()).unwrap();
    let mut packet = vec![0x31, length, 0, topic_length];
    packet.extend(topic.as_bytes());
    packet.push(0);
    packet.extend(payload.as_bytes());
    packet
}

/// Acts as a broker with these records of the person's devices. Returns the topics that were
/// cleared.
async fn cleared<S: AsyncRead + AsyncWrite + Unpin>(
    mut peer: Peer<S>,
    devices: &[&str],
) -> Vec<String> {
    peer.let_in(&CONNACK_V5).await;
    let subscribe = peer.packet().await.unwrap();
    assert_eq!(subscribe.kind(), SUBSCRIBE);
    peer.send(&[0x90, 4, subscribe.body[0], subscribe.body[1], 0, 0]).await;
    for device in devices {
        let topic = format!("presence/bob/device/{device}");
        peer.send(&record(&topic, r#"{"v":1,"status":"online"}"#)).await;
    }
    let mut topics = Vec::new();
    loop {
        let packet = peer.packet().await.unwrap();
        if packet.first == DISCONNECT {
            return topics;
        }
        assert_eq!(packet.first, PUBLISH | 0b0011, "QoS 1 and RETAIN");
        let length = usize::from(packet.body[1]);
        topics.push(String::from_utf8(packet.body[2..2 + length].to_vec()).unwrap());
        // Packet Identifier, no properties, no payload.
        assert_eq!(packet.body.len(), 2 + length + 3);
        peer.send(&[0x40, 2, packet.body[2 + length], packet.body[3 + length]]).await;
    }
}

const ALL: [&str; 4] =
    ["presence/bob/device/desk", "presence/bob/chosen", "presence/bob/activity", "presence/bob"];

#[tokio::test]
async fn records_are_cleared_and_stored_files_removed() {
    for (leave, devices, topics) in [
        (Leave::Team, &["desk"][..], &ALL[..]),
        (Leave::Team, &["desk", "lap"], &ALL),
        (Leave::Device, &["desk"], &ALL),
        (Leave::Device, &[], &ALL),
        (Leave::Device, &["desk", "lap"], &ALL[..1]),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let door = Door::open().await;
        let at = door.broker();
        let mut identity = identity(dir.path(), &at);
        let saved = porchlight_core::effect::Saved {
            device: identity.device.clone(),
            client_id: identity.client_id.clone(),
            epoch: 7,
            speaks_v5: true,
            invisible: false,
        };
        identity.save(&saved).unwrap();
        assert!(dir.path().join("bob@desk.json").exists());
        let server = async { cleared(door.accept().await, devices).await };
        let user = user();
        let (left, seen) = tokio::join!(broker(&at, &user, identity, leave), server);
        left.unwrap();
        assert_eq!(seen, topics, "{leave:?} {devices:?}");
        assert!(!dir.path().join("bob@desk.json").exists());
    }
}

#[tokio::test]
async fn without_read_access_only_this_device_is_cleared() {
    let dir = tempfile::tempdir().unwrap();
    let door = Door::open().await;
    let at = door.broker();
    let server = async {
        let mut peer = door.accept().await;
        peer.let_in(&CONNACK_V5).await;
        let subscribe = peer.packet().await.unwrap();
        peer.send(&[0x90, 4, subscribe.body[0], subscribe.body[1], 0, 0x87]).await;
        let mut cleared = 0;
        while let Some(packet) = peer.packet().await.filter(|packet| packet.first != DISCONNECT) {
            cleared += 1;
            let length = usize::from(packet.body[1]);
            assert_eq!(packet.body[2..2 + length], *ALL[0].as_bytes());
            peer.send(&[0x40, 2, packet.body[2 + length], packet.body[3 + length]]).await;
        }
        cleared
    };
    let (user, identity) = (user(), identity(dir.path(), &at));
    let (left, cleared) = tokio::join!(broker(&at, &user, identity, Leave::Device), server);
    left.unwrap();
    assert_eq!(cleared, 1);
}

#[tokio::test]
async fn if_the_broker_can_not_be_reached_nothing_is_removed() {
    let dir = tempfile::tempdir().unwrap();
    let door = Door::open().await;
    let at = door.broker();
    drop(door);
    let identity = identity(dir.path(), &at);
    let error = within(broker(&at, &user(), identity, Leave::Device)).await.unwrap_err();
    assert_eq!(error.code(), "unreachable");
    assert!(error.to_string().contains("try again later"), "{error}");
}

async fn joined(state: &Path, hub: &TlsDoor, certified: &Certified) -> Membership {
    let joined = Joined {
        team: "Team".to_owned(),
        root: Root::default(),
        user: user(),
        name: "Bob".to_owned(),
        role: Role::Member,
        credential: Secret::of_parts("k3V9xQ2aB7", &"s".repeat(27)).unwrap(),
        at: vec![hub.address().parse().unwrap()],
        pin: certified.pin(),
    };
    Membership::keep(state, &joined, SecretStorage::FileAgreed).await.unwrap()
}

/// Acts as a hub that is cleared over MQTT and then gets an HTTP request, with this answer. Returns
/// the first line of the request.
async fn left(hub: &TlsDoor, answer: &str) -> String {
    assert_eq!(cleared(hub.accept().await.unwrap(), &["desk"]).await, ALL);
    let head = hub.accept().await.unwrap().answer_request(answer).await;
    head.lines().next().unwrap().to_owned()
}

#[tokio::test]
async fn leaving_a_team_revokes_the_credential_and_removes_it() {
    for (leave, request, answer) in [
        (Leave::Team, "DELETE /v1/members/bob HTTP/1.1", "HTTP/1.1 204 No Content\r\n\r\n"),
        (
            Leave::Device,
            "DELETE /v1/devices/k3V9xQ2aB7 HTTP/1.1",
            "HTTP/1.1 204 No Content\r\n\r\n",
        ),
        (
            Leave::Team,
            "DELETE /v1/members/bob HTTP/1.1",
            "HTTP/1.1 401 Unauthorized\r\nContent-Length: 41\r\n\r\n{\"code\":\"not_signed_in\",\"message\":\"gone\"}",
        ),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let certified = Certified::of_itself();
        let hub = TlsDoor::showing(&certified).await;
        let membership = joined(dir.path(), &hub, &certified).await;
        let identity = identity(dir.path(), &membership.broker());
        let (outcome, asked) =
            tokio::join!(team(membership, identity, leave, false), left(&hub, answer));
        outcome.unwrap();
        assert_eq!(asked, request);
        assert!(Membership::read(dir.path(), &Proxy::default()).unwrap().is_none());
        assert!(!dir.path().join("membership.secret").exists());
    }
}

#[tokio::test]
async fn a_hub_that_does_not_confirm_is_left_only_with_anyway() {
    let dir = tempfile::tempdir().unwrap();
    let certified = Certified::of_itself();
    let hub = TlsDoor::showing(&certified).await;
    let body = r#"{"code":"not_saved","message":"no room"}"#;
    let length = body.len();
    let answer =
        format!("HTTP/1.1 507 Insufficient Storage\r\nContent-Length: {length}\r\n\r\n{body}");
    for anyway in [false, true] {
        let membership = joined(dir.path(), &hub, &certified).await;
        let identity = identity(dir.path(), &membership.broker());
        let (outcome, _) =
            tokio::join!(team(membership, identity, Leave::Team, anyway), left(&hub, &answer));
        let code = outcome.err().map(|error| error.code().to_owned());
        assert_eq!(code.as_deref(), (!anyway).then_some("not_saved"));
        assert_eq!(Membership::read(dir.path(), &Proxy::default()).unwrap().is_none(), anyway);
    }
}
