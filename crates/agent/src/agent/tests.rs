use porchlight_core::effect::Version;
use porchlight_core::id::DeviceId;
use porchlight_core::input::{Granted, LinkFailure};

use super::*;
use crate::mqtt::peer::{
    CONNACK_V5, CONNACK_V311, DISCONNECT, Door, Packet, Peer, SUBSCRIBE, connect, within,
};

/// A driver whose engine is not started: it does what the test asks for.
fn driver(door: &Door) -> Driver {
    let (_, asks) = mpsc::unbounded_channel();
    let (events, _) = mpsc::unbounded_channel();
    let setup = Setup { broker: door.broker(), part: Part::Reader, notices: false };
    Driver::new(setup, asks, events).unwrap()
}

/// Opens both connections; the peers' ends of the main one and of the companion.
async fn both(driver: &mut Driver, door: &Door) -> (Peer, Peer) {
    driver.apply(Effect::Connect(connect(Version::V5, "plabcm"))).await;
    let mut main = door.accept().await;
    main.let_in(&CONNACK_V5).await;
    let up = Granted::default();
    assert_eq!(within(reported(&mut driver.link)).await, LinkEvent::Up(up));
    driver.apply(Effect::ConnectCompanion(connect(Version::V311, "plabcu"))).await;
    let mut companion = door.accept().await;
    companion.let_in(&CONNACK_V311).await;
    assert_eq!(within(reported(&mut driver.companion)).await, LinkEvent::Up(up));
    (main, companion)
}

#[tokio::test]
async fn the_companion_leaves_with_a_goodbye_and_alone() {
    let door = Door::open().await;
    let mut driver = driver(&door);
    let (mut main, mut companion) = both(&mut driver, &door).await;
    let leave = driver.apply(Effect::DisconnectCompanion);
    let ((), last) = tokio::join!(leave, companion.packet());
    assert_eq!(last.unwrap().first, DISCONNECT);
    assert!(driver.companion.is_none());

    let leave = driver.apply(Effect::Disconnect);
    let ((), last) = tokio::join!(leave, main.packet());
    assert_eq!(last.unwrap().first, DISCONNECT, "the main connection was still there");
}

#[tokio::test]
async fn the_end_of_the_companion_is_told_apart_and_leaves_the_main_connection() {
    let door = Door::open().await;
    let mut driver = driver(&door);
    let (_main, companion) = both(&mut driver, &door).await;
    // Kept open, so that the loop does not take the shell for gone.
    let (_asks, open) = mpsc::unbounded_channel();
    driver.asks = open;
    drop(companion);
    let input = within(driver.next()).await.unwrap();
    assert!(
        matches!(input, Input::Companion(LinkEvent::Down(LinkFailure::Broken { .. }))),
        "{input:?}"
    );
    driver.take(input).await;
    assert!(driver.companion.is_none());
    assert!(driver.link.is_some());
}

#[tokio::test]
async fn a_drop_closes_both_connections_without_a_word() {
    let door = Door::open().await;
    let mut driver = driver(&door);
    let (mut main, mut companion) = both(&mut driver, &door).await;
    driver.apply(Effect::Drop).await;
    assert!(main.packet().await.is_none());
    assert!(companion.packet().await.is_none());
}

#[tokio::test]
async fn what_is_kept_reaches_the_engine() {
    let door = Door::open().await;
    let dir = tempfile::tempdir().unwrap();
    let user = UserId::parse("alice").unwrap();
    let broker = door.broker();
    let identity = |state| {
        let device = Some(DeviceId::parse("desk").unwrap());
        let claim = crate::device::Claim { state, user: &user, device, broker: &broker };
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
        kind: None,
        habits: Habits::default(),
        identity: identity(dir.path()),
        eyes: Eyes::Script(script),
    };
    let part = Part::Holder(Box::new(presence));
    let agent = Agent::start(Setup { broker: broker.clone(), part, notices: false }).unwrap();
    let mut peer = door.accept().await;
    let connect = peer.packet().await.unwrap();
    let epoch = format!("\"epoch\":{}", saved.epoch + 1);
    for said in ["plclonedm", "presence/alice/device/clone", &epoch] {
        let found = connect.body.windows(said.len()).any(|window| window == said.as_bytes());
        assert!(found, "{said}");
    }
    drop(agent);
}

#[tokio::test]
async fn a_restart_closes_the_connection_without_a_word_and_stops() {
    let door = Door::open().await;
    let setup = Setup { broker: door.broker(), part: Part::Reader, notices: false };
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
    let setup = Setup { broker: door.broker(), part: Part::Reader, notices: false };
    let _agent = Agent::start(setup).unwrap();
    let level = |connect: &Packet| connect.body[6];
    let mut peer = door.accept().await;
    assert_eq!(level(&peer.packet().await.unwrap()), 5);
    drop(peer);
    let mut peer = door.accept().await;
    assert_eq!(level(&peer.let_in(&CONNACK_V311).await), 4);
    assert_eq!(peer.packet().await.unwrap().kind(), SUBSCRIBE);
}
