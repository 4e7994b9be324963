use porchlight_core::effect::Version;
use porchlight_core::id::{DeviceId, Root};
use porchlight_core::input::{Granted, LinkFailure};
use porchlight_core::team::{Joined, Pin, Secret};
use porchlight_core::view::LinkView;

use super::*;
use crate::membership::Keep;
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
async fn where_the_hub_is_found_is_kept_with_the_membership() {
    let dir = tempfile::tempdir().unwrap();
    let joined = Joined {
        team: "Team".to_owned(),
        root: Root::default(),
        user: UserId::parse("bob").unwrap(),
        name: "Bob".to_owned(),
        role: porchlight_core::team::Role::Member,
        credential: Secret::of_parts("k3V9xQ2aB7", &"s".repeat(27)).unwrap(),
        at: ["a:1", "b:1"].map(|address| address.parse().unwrap()).to_vec(),
        pin: Pin::of_digest([7; 32]),
    };
    let membership = Membership::keep(dir.path(), &joined, Keep::FileAgreed).await.unwrap();
    let kept = || {
        let kept = Membership::read(dir.path()).unwrap().unwrap();
        kept.at().iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
    };
    let (_, asks) = mpsc::unbounded_channel();
    let (events, _) = mpsc::unbounded_channel();
    let setup = Setup { broker: membership.broker(), part: Part::Reader, notices: false };
    let mut driver = Driver::new(setup, asks, events).unwrap();
    let failure = LinkFailure::TimedOut { address: "a:1".to_owned() };
    driver.take(Input::Link(LinkEvent::Down(failure))).await;
    assert_eq!(kept(), "a:1 b:1");
    driver.take(Input::Link(LinkEvent::Up(Granted::default()))).await;
    assert_eq!(kept(), "b:1 a:1", "the one that let us in comes first");
    let says = |at: &str| {
        Input::Link(LinkEvent::Received(porchlight_core::input::Message {
            topic: "presence/_hub".to_owned(),
            payload: format!(r#"{{"v":1,"at":{at}}}"#).into_bytes(),
            retained: true,
            expires_in: None,
        }))
    };
    driver.take(says(r#"["a:1","b:1","c:1"]"#)).await;
    assert_eq!(kept(), "b:1 a:1 c:1");
    driver.take(says(r#"["x:1"]"#)).await;
    assert_eq!(kept(), "x:1 b:1", "where it moved to, and where it still is");
}

#[tokio::test]
async fn what_lets_us_in_is_asked_for_before_anything_is_said_to_the_broker() {
    let dir = tempfile::tempdir().unwrap();
    let certified = crate::tls::server::Certified::of_itself();
    let door = crate::tls::server::TlsDoor::showing(&certified).await;
    let joined = Joined {
        team: "Team".to_owned(),
        root: Root::default(),
        user: UserId::parse("bob").unwrap(),
        name: "Bob".to_owned(),
        role: porchlight_core::team::Role::Member,
        credential: Secret::of_parts("k3V9xQ2aB7", &"s".repeat(27)).unwrap(),
        at: vec![door.address().parse().unwrap()],
        pin: certified.pin(),
    };
    Membership::keep(dir.path(), &joined, Keep::FileAgreed).await.unwrap();
    let start = || {
        let broker = Membership::read(dir.path()).unwrap().unwrap().broker();
        Agent::start(Setup { broker, part: Part::Reader, notices: false }).unwrap()
    };
    let _agent = start();
    let connect = door.accept().await.unwrap().packet().await.unwrap();
    let login = format!("\0\x0ak3V9xQ2aB7\0\x1b{}", "s".repeat(27));
    assert!(connect.body.ends_with(login.as_bytes()));

    std::fs::remove_file(dir.path().join("membership.secret")).unwrap();
    let mut agent = start();
    let refused = within(async {
        loop {
            if let Some(Event::Show(Update {
                link: Some(LinkView::Refused { problem, .. }), ..
            })) = agent.events.recv().await
            {
                return problem;
            }
        }
    })
    .await;
    assert_eq!(refused.code, "credential_missing");
    assert!(refused.message.contains("join again"), "{}", refused.message);
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
