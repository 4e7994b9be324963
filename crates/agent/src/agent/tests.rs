use std::path::Path;

use porchlight_core::effect::Version;
use porchlight_core::id::{DeviceId, Root};
use porchlight_core::input::{ConnectionFailure, ConnectionId, Granted, Message};
use porchlight_core::team::{Joined, Pin, Role, Secret};
use porchlight_core::view::ConnectionView;
use tokio::io::AsyncReadExt as _;

use super::*;
use crate::membership::SecretStorage;
use crate::mqtt::peer::{
    CONNACK_V5, CONNACK_V311, DISCONNECT, Door, Packet, Peer, SUBSCRIBE, connect, within,
};
use crate::proxy::Proxy;
use crate::tls::server::{Certified, TlsDoor};

/// A driver whose engine was not started, so that the test controls it.
fn driver(door: &Door) -> Driver {
    let (_, asks) = mpsc::unbounded_channel();
    let (events, _) = mpsc::channel(1);
    let setup = Setup { broker: door.broker(), part: Part::Reader, notices: None };
    Driver::new(setup, asks, events).unwrap()
}

/// Opens both connections. Returns the broker's ends of the main and of the Will connection.
async fn both(driver: &mut Driver, door: &Door) -> (Peer, Peer) {
    driver.apply(Effect::Connect(connect(Version::V5, "plabcm"))).await;
    let mut main = door.accept().await;
    main.let_in(&CONNACK_V5).await;
    let up = Granted::default();
    assert_eq!(within(driver.connection.next()).await, ConnectionEvent::Up(up));
    driver.apply(Effect::ConnectWill(connect(Version::V311, "plabcu"))).await;
    let mut will_connection = door.accept().await;
    will_connection.let_in(&CONNACK_V311).await;
    assert_eq!(within(driver.will_connection.next()).await, ConnectionEvent::Up(up));
    (main, will_connection)
}

#[tokio::test]
async fn the_companion_leaves_with_a_goodbye_and_alone() {
    let door = Door::open().await;
    let mut driver = driver(&door);
    let (mut main, mut will_connection) = both(&mut driver, &door).await;
    let leave = driver.apply(Effect::DisconnectWill);
    let ((), last) = tokio::join!(leave, will_connection.packet());
    assert_eq!(last.unwrap().first, DISCONNECT);
    assert!(!driver.will_connection.is_open());

    let leave = driver.apply(Effect::Disconnect);
    let ((), last) = tokio::join!(leave, main.packet());
    assert_eq!(last.unwrap().first, DISCONNECT, "the main connection was still there");
}

#[tokio::test]
async fn the_end_of_the_companion_is_told_apart_and_leaves_the_main_connection() {
    let door = Door::open().await;
    let mut driver = driver(&door);
    let (_main, will_connection) = both(&mut driver, &door).await;
    // Keeps the channel open, so that the loop does not end.
    let (_asks, open) = mpsc::unbounded_channel();
    driver.asks = open;
    drop(will_connection);
    let input = within(driver.next()).await.unwrap();
    assert!(
        matches!(
            input,
            Input::WillConnection(_, ConnectionEvent::Down(ConnectionFailure::Broken { .. }))
        ),
        "{input:?}"
    );
    driver.take(input).await;
    assert!(!driver.will_connection.is_open());
    assert!(driver.connection.is_open());
}

#[tokio::test]
async fn a_drop_closes_both_connections_without_a_word() {
    let door = Door::open().await;
    let mut driver = driver(&door);
    let (mut main, mut will_connection) = both(&mut driver, &door).await;
    driver.apply(Effect::Drop).await;
    assert!(main.packet().await.is_none());
    assert!(will_connection.packet().await.is_none());
}

#[tokio::test]
async fn what_is_kept_reaches_the_engine() {
    let door = Door::open().await;
    let dir = tempfile::tempdir().unwrap();
    let user = UserId::parse("alice").unwrap();
    let broker = door.broker();
    let identity = |state| {
        let device = Some(DeviceId::parse("desk").unwrap());
        let claim = crate::device::DeviceLock { state, user: &user, device, broker: &broker };
        Identity::take(claim, &mut fastrand::Rng::with_seed(1)).unwrap()
    };
    let mut first = identity(dir.path());
    let saved = Saved {
        device: DeviceId::parse("clone").unwrap(),
        client_id: "plclonedm".to_owned(),
        epoch: u64::MAX >> 12,
        speaks_v5: true,
        invisible: false,
    };
    first.save(&saved).unwrap();
    drop(first);

    let (_eyes, script) = mpsc::channel(1);
    let presence = Presence {
        user: user.clone(),
        name: "Alice".to_owned(),
        links: Vec::new(),
        kind: None,
        habits: PresenceOptions::default(),
        preferences: StoredPreferences::ephemeral(),
        identity: identity(dir.path()),
        activity_source: ActivitySource::Script(script),
    };
    let part = Part::Holder(Box::new(presence));
    let agent = Agent::start(Setup { broker: broker.clone(), part, notices: None }).unwrap();
    let mut peer = door.accept().await;
    let connect = peer.packet().await.unwrap();
    let epoch = format!("\"epoch\":{}", saved.epoch + 1);
    for said in ["plclonedm", "presence/alice/device/clone", &epoch] {
        let found = connect.body.windows(said.len()).any(|window| window == said.as_bytes());
        assert!(found, "{said}");
    }
    drop(agent);
}

/// The hub's answer to Bob's join request, with this certificate.
fn joined(at: &[&str], pin: Pin) -> Joined {
    Joined {
        team: "Team".to_owned(),
        root: Root::default(),
        user: UserId::parse("bob").unwrap(),
        name: "Bob".to_owned(),
        role: Role::Member,
        credential: Secret::of_parts("k3V9xQ2aB7", &"s".repeat(27)).unwrap(),
        at: at.iter().map(|address| address.parse().unwrap()).collect(),
        pin,
    }
}

async fn keep(state: &Path, joined: &Joined) -> Broker {
    Membership::keep(state, joined, SecretStorage::FileAgreed).await.unwrap().broker()
}

fn kept_at(state: &Path) -> String {
    let kept = Membership::read(state, &Proxy::default()).unwrap().unwrap();
    kept.at().iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
}

/// The connection's problem after the broker refused.
async fn refused(agent: &mut Agent) -> Problem {
    within(async {
        loop {
            if let Some(Event::Show(Update {
                link: Some(ConnectionView::Refused { problem, .. }),
                ..
            })) = agent.events.recv().await
            {
                return problem;
            }
        }
    })
    .await
}

fn reader(broker: Broker) -> Setup {
    Setup { broker, part: Part::Reader, notices: None }
}

#[tokio::test]
async fn where_the_hub_is_found_is_kept_with_the_membership() {
    let dir = tempfile::tempdir().unwrap();
    let broker = keep(dir.path(), &joined(&["a:1", "b:1"], Pin::of_digest([7; 32]))).await;
    let (_, asks) = mpsc::unbounded_channel();
    let (events, _) = mpsc::channel(1);
    let mut driver = Driver::new(reader(broker), asks, events).unwrap();
    let failure = ConnectionFailure::TimedOut { address: "a:1".to_owned() };
    driver.take(Input::Start).await;
    driver.take(Input::Connection(ConnectionId(1), ConnectionEvent::Down(failure))).await;
    assert_eq!(kept_at(dir.path()), "a:1 b:1");
    driver.take(Input::Command(Command::ReconnectNow)).await;
    driver.take(Input::Connection(ConnectionId(1), ConnectionEvent::Up(Granted::default()))).await;
    assert_eq!(kept_at(dir.path()), "a:1 b:1", "that connection is not there any more");
    driver.take(Input::Connection(ConnectionId(2), ConnectionEvent::Up(Granted::default()))).await;
    assert_eq!(kept_at(dir.path()), "b:1 a:1", "the one that let us in comes first");
    let says = |at: &str| {
        let message = Message {
            topic: "presence/_hub".to_owned(),
            payload: format!(r#"{{"v":1,"at":{at}}}"#).into_bytes(),
            retained: true,
            expires_in: None,
        };
        Input::Connection(ConnectionId(2), ConnectionEvent::Received(message))
    };
    driver.take(says(r#"["a:1","b:1","c:1"]"#)).await;
    assert_eq!(kept_at(dir.path()), "b:1 a:1 c:1");
    driver.take(says(r#"["x:1"]"#)).await;
    assert_eq!(kept_at(dir.path()), "x:1 b:1", "where it moved to, and where it still is");
}

#[tokio::test]
async fn what_lets_us_in_is_asked_for_before_anything_is_said_to_the_broker() {
    let dir = tempfile::tempdir().unwrap();
    let certified = Certified::of_itself();
    let door = TlsDoor::showing(&certified).await;
    let broker = keep(dir.path(), &joined(&[&door.address()], certified.pin())).await;
    let _agent = Agent::start(reader(broker)).unwrap();
    let connect = door.accept().await.unwrap().packet().await.unwrap();
    let login = format!("\0\x0ak3V9xQ2aB7\0\x1b{}", "s".repeat(27));
    assert!(connect.body.ends_with(login.as_bytes()));

    std::fs::remove_file(dir.path().join("membership.secret")).unwrap();
    let broker = Membership::read(dir.path(), &Proxy::default()).unwrap().unwrap().broker();
    let refused = refused(&mut Agent::start(reader(broker)).unwrap()).await;
    assert_eq!(refused.code, "credential_missing");
    assert!(refused.message.contains("join again"), "{}", refused.message);
}

#[tokio::test]
async fn a_member_who_was_removed_is_told_so_and_not_to_correct_the_config() {
    let dir = tempfile::tempdir().unwrap();
    let certified = Certified::of_itself();
    let door = TlsDoor::showing(&certified).await;
    let broker = keep(dir.path(), &joined(&[&door.address()], certified.pin())).await;
    let mut agent = Agent::start(reader(broker)).unwrap();
    let mut peer = door.accept().await.unwrap();
    peer.let_in(&[0x20, 3, 0, 0x86, 0]).await;
    let refused = refused(&mut agent).await;
    assert_eq!(refused.code, "not_signed_in");
    assert!(refused.message.contains("you were removed"), "{}", refused.message);
}

#[tokio::test]
async fn a_team_that_moved_while_we_were_away_is_followed() {
    let dir = tempfile::tempdir().unwrap();
    let certified = Certified::of_itself();
    let (old, new) = (TlsDoor::showing(&certified).await, TlsDoor::showing(&certified).await);
    let broker = keep(dir.path(), &joined(&[&old.address()], certified.pin())).await;
    let _agent = Agent::start(reader(broker)).unwrap();
    let http = |status: &str, body: &serde_json::Value| {
        let body = body.to_string();
        format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n{body}", body.len())
    };
    let moved = http(
        "410 Gone",
        &serde_json::json!({"code": "moved", "message": "gone", "at": [new.address()]}),
    );
    let view = http(
        "200 OK",
        &serde_json::json!({"team": "Team", "root": "presence", "user": "bob", "role": "member",
            "at": [new.address()], "pin": certified.pin()}),
    );
    // The old place closes every CONNECT, and answers where the team is.
    let closes = Box::pin(async {
        while let Ok(mut peer) = old.accept().await {
            if peer.0.read_u8().await.ok() == Some(b'G') {
                peer.answer_request(&moved).await;
            }
        }
    });
    let lets_in = Box::pin(async {
        loop {
            let mut peer = new.accept().await.unwrap();
            if peer.0.read_u8().await.unwrap() == b'G' {
                peer.answer_request(&view).await;
            } else {
                return;
            }
        }
    });
    within(async {
        tokio::select! {
            () = closes => panic!("the old place is gone"),
            () = lets_in => {}
        }
    })
    .await;
    let kept = format!("{} {}", new.address(), old.address());
    assert_eq!(kept_at(dir.path()), kept);
}

#[tokio::test]
async fn a_restart_closes_the_connection_without_a_word_and_stops() {
    let door = Door::open().await;
    let setup = Setup { broker: door.broker(), part: Part::Reader, notices: None };
    let agent = Agent::start(setup).unwrap();
    let mut peer = door.accept().await;
    peer.let_in(&CONNACK_V5).await;
    assert_eq!(peer.packet().await.unwrap().kind(), SUBSCRIBE);
    agent.handle.command(Command::Restart);
    within(agent.stopped()).await;
    assert!(peer.packet().await.is_none());
}

#[tokio::test]
async fn a_broker_that_hangs_up_on_mqtt_5_is_spoken_to_in_3_1_1() {
    let door = Door::open().await;
    let setup = Setup { broker: door.broker(), part: Part::Reader, notices: None };
    let _agent = Agent::start(setup).unwrap();
    let level = |connect: &Packet| connect.body[6];
    let mut peer = door.accept().await;
    assert_eq!(level(&peer.packet().await.unwrap()), 5);
    drop(peer);
    let mut peer = door.accept().await;
    assert_eq!(level(&peer.let_in(&CONNACK_V311).await), 4);
    assert_eq!(peer.packet().await.unwrap().kind(), SUBSCRIBE);
}
