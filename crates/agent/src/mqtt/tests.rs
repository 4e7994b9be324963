use porchlight_core::effect::{Qos, Version};
use porchlight_core::input::{Granted, Message, PublishId, RefusedFilter};

use super::peer::{
    CONNACK_V5, CONNACK_V311, DISCONNECT, Door, PINGREQ, PUBLISH, Peer, SUBSCRIBE, connect, within,
};
use super::*;

mod addresses;
mod login;
mod refusals;
mod secure;
mod web_socket;
mod words;

const VERSIONS: [Version; 2] = [Version::V5, Version::V311];

fn connection(door: &Door, version: Version) -> Connection {
    Connection::open(&Endpoints::new(door.broker()).unwrap(), &connect(version, "plabcm"))
}

fn connack(version: Version) -> &'static [u8] {
    match version {
        Version::V5 => &CONNACK_V5,
        Version::V311 => &CONNACK_V311,
    }
}

/// An open connection, with the broker's end.
async fn up(door: &Door, version: Version) -> (Connection, Peer) {
    let mut connection = connection(door, version);
    let mut peer = door.accept().await;
    peer.let_in(connack(version)).await;
    assert_eq!(within(connection.next()).await, ConnectionEvent::Up(Granted::default()));
    (connection, peer)
}

/// The failure if the CONNECT is answered with these bytes and the connection is then closed.
async fn answered(version: Version, bytes: &[u8]) -> ConnectionFailure {
    let door = Door::open().await;
    let mut connection = connection(&door, version);
    let mut peer = door.accept().await;
    peer.packet().await.unwrap();
    peer.send(bytes).await;
    drop(peer);
    down(within(connection.next()).await)
}

fn down(event: ConnectionEvent) -> ConnectionFailure {
    match event {
        ConnectionEvent::Down(failure) => failure,
        other => panic!("{other:?}"),
    }
}

fn text(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

#[tokio::test]
async fn a_broker_that_hangs_up_before_answering_may_speak_another_version() {
    for version in VERSIONS {
        for bytes in [
            &b""[..],
            b"HTTP/1.1 400 Bad Request\r\n\r\n",
            &[0xF0, 0, 0, 0],
            // "Unacceptable protocol version" of 3.1.1.
            &[0x20, 2, 0, 1],
        ] {
            let failure = answered(version, bytes).await;
            assert_eq!(failure.code(), "protocol", "{version:?} {bytes:?}: {failure}");
        }
        let door = Door::open().await;
        let mut connection = connection(&door, version);
        drop(door.accept().await);
        assert_eq!(down(within(connection.next()).await).code(), "protocol");
    }
    assert_eq!(answered(Version::V5, &[0x20, 3, 0, 0x84, 0]).await.code(), "protocol");
}

#[tokio::test]
async fn a_reset_before_the_answer_is_like_hanging_up() {
    for version in VERSIONS {
        let door = Door::open().await;
        let mut early = connection(&door, version);
        door.accept().await.reset();
        assert_eq!(down(within(early.next()).await).code(), "protocol");

        let mut late = connection(&door, version);
        let mut peer = door.accept().await;
        peer.packet().await.unwrap();
        peer.reset();
        assert_eq!(down(within(late.next()).await).code(), "protocol");
    }
}

#[tokio::test]
async fn a_closed_port_says_nothing_about_the_version() {
    for version in VERSIONS {
        let door = Door::open().await;
        let broker = door.broker();
        drop(door);
        let mut connection =
            Connection::open(&Endpoints::new(broker).unwrap(), &connect(version, "plabcm"));
        assert_eq!(down(within(connection.next()).await).code(), "unreachable");
    }
}

#[tokio::test]
async fn a_broker_that_accepts_and_stays_silent_times_out() {
    for version in VERSIONS {
        let door = Door::open().await;
        let mut hasty = connect(version, "plabcm");
        hasty.connack_within = Duration::from_secs(1);
        let mut connection = Connection::open(&Endpoints::new(door.broker()).unwrap(), &hasty);
        let _peer = door.accept().await;
        assert_eq!(down(within(connection.next()).await).code(), "timed_out");
    }
}

#[tokio::test]
async fn refusals_are_distinguished() {
    for (version, bytes, code) in [
        (Version::V5, &[0x20, 3, 0, 0x86, 0][..], "bad_credentials"),
        (Version::V5, &[0x20, 3, 0, 0x87, 0], "not_authorized"),
        (Version::V5, &[0x20, 3, 0, 0x89, 0], "refused"),
        (Version::V311, &[0x20, 2, 0, 2], "not_authorized"),
        (Version::V311, &[0x20, 2, 0, 3], "refused"),
        (Version::V311, &[0x20, 2, 0, 4], "bad_credentials"),
        (Version::V311, &[0x20, 2, 0, 5], "not_authorized"),
    ] {
        assert_eq!(answered(version, bytes).await.code(), code, "{version:?} {bytes:?}");
    }
}

#[tokio::test]
async fn the_end_of_an_open_connection_says_nothing_about_the_version() {
    for version in VERSIONS {
        let door = Door::open().await;
        let (mut closed, peer) = up(&door, version).await;
        drop(peer);
        assert_eq!(down(within(closed.next()).await).code(), "broken");
        let (mut reset, peer) = up(&door, version).await;
        peer.reset();
        assert_eq!(down(within(reset.next()).await).code(), "broken");
    }
}

#[tokio::test]
async fn a_connect_of_mqtt_5_has_its_properties_and_the_connack_is_read() {
    let door = Door::open().await;
    let mut connection = connection(&door, Version::V5);
    let mut peer = door.accept().await;
    // Session Present; Session Expiry Interval 30; Server Keep Alive 20.
    let connect = peer.let_in(&[0x20, 11, 1, 0, 8, 17, 0, 0, 0, 30, 19, 0, 20]).await;
    // Version 5; a Will that is retained and of QoS 1, no Clean Start; Keep Alive 8.
    assert_eq!(connect.body[..10], [0, 4, b'M', b'Q', b'T', b'T', 5, 0b0010_1100, 0, 8]);
    for property in [
        // Session Expiry Interval 66, Maximum Packet Size 64 KiB, Will Delay Interval 6.
        &[17, 0, 0, 0, 66][..],
        &[39, 0, 1, 0, 0],
        &[24, 0, 0, 0, 6],
    ] {
        assert!(connect.body.windows(5).any(|window| window == property), "{property:?}");
    }
    assert_eq!(
        within(connection.next()).await,
        ConnectionEvent::Up(Granted {
            session_present: true,
            session_expiry: Some(Duration::from_secs(30)),
            keep_alive: Some(Duration::from_secs(20)),
            ..Granted::default()
        })
    );
}

#[tokio::test]
async fn a_connack_lists_the_features_that_the_broker_lacks() {
    for (properties, no_retain, no_wildcards) in [
        ([37, 0, 40, 1], true, false),
        ([37, 1, 40, 0], false, true),
        ([37, 0, 40, 0], true, true),
        ([37, 1, 40, 1], false, false),
    ] {
        let door = Door::open().await;
        let mut connection = connection(&door, Version::V5);
        let mut peer = door.accept().await;
        peer.let_in(&[[0x20, 7, 0, 0, 4].as_slice(), &properties].concat()).await;
        let granted = Granted { no_retain, no_wildcards, ..Granted::default() };
        assert_eq!(within(connection.next()).await, ConnectionEvent::Up(granted));
    }
}

#[tokio::test]
async fn a_server_keep_alive_is_obeyed() {
    let door = Door::open().await;
    let _connection = connection(&door, Version::V5);
    let mut peer = door.accept().await;
    peer.let_in(&[0x20, 6, 0, 0, 3, 19, 0, 1]).await;
    // With the 8 s that we asked for there would be one ping within the deadline.
    within(async {
        for _ in 0..2 {
            assert_eq!(peer.packet().await.unwrap().first, PINGREQ);
            peer.send(&[0xD0, 0]).await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_server_keep_alive_of_zero_does_not_flood_the_broker_with_pings() {
    let door = Door::open().await;
    let mut connection = connection(&door, Version::V5);
    let mut peer = door.accept().await;
    peer.let_in(&[0x20, 6, 0, 0, 3, 19, 0, 0]).await;
    let granted = Granted { keep_alive: Some(Duration::ZERO), ..Granted::default() };
    assert_eq!(within(connection.next()).await, ConnectionEvent::Up(granted));
    assert_eq!(peer.packet().await.unwrap().first, PINGREQ);
    // A second ping without an answer to this one would end the connection.
    let dead = tokio::time::timeout(Duration::from_millis(200), connection.next()).await;
    assert!(dead.is_err(), "{dead:?}");
}

#[tokio::test]
async fn a_connect_of_mqtt_3_1_1_has_what_that_version_allows() {
    let door = Door::open().await;
    let _connection = connection(&door, Version::V311);
    let mut peer = door.accept().await;
    let connect = peer.let_in(&CONNACK_V311).await;
    // Version 4; a Will that is retained and of QoS 1, Clean Session; Keep Alive 8; then the client
    // id.
    let head = [0, 4, b'M', b'Q', b'T', b'T', 4, 0b0010_1110, 0, 8, 0, 6];
    assert_eq!(connect.body[..12], head);
    assert!(text(&connect.body, "presence/alice/device/desk"));
}

#[tokio::test]
async fn refused_filters_are_named() {
    for version in VERSIONS {
        let door = Door::open().await;
        let (mut connection, mut peer) = up(&door, version).await;
        connection.subscribe(&["presence/+".to_owned().into(), "presence/_hub".to_owned().into()]);
        let subscribe = peer.packet().await.unwrap();
        assert_eq!(subscribe.kind(), SUBSCRIBE);
        let id = [subscribe.body[0], subscribe.body[1]];
        let (suback, reason) = match version {
            Version::V5 => (vec![0x90, 5, id[0], id[1], 0, 0, 0x87], "not authorized"),
            Version::V311 => {
                // Each filter is followed by QoS 0.
                assert_eq!(subscribe.body[2..], *b"\0\x0apresence/+\0\0\x0dpresence/_hub\0");
                (vec![0x90, 4, id[0], id[1], 0, 0x80], "unspecified error")
            }
        };
        peer.send(&suback).await;
        let ConnectionEvent::Subscribed { refused } = within(connection.next()).await else {
            panic!("no SUBACK");
        };
        assert_eq!(RefusedFilter::list(&refused), format!("presence/_hub ({reason})"));
    }
}

#[tokio::test]
async fn a_publish_is_retained_and_its_puback_reported() {
    for version in VERSIONS {
        let door = Door::open().await;
        let (mut connection, mut peer) = up(&door, version).await;
        let lasts = Some(Duration::from_secs(60));
        let (topic, payload) = ("presence/a".to_owned(), b"online".to_vec());
        connection.publish(Publish::record(PublishId(7), topic, payload, lasts));
        let publish = peer.packet().await.unwrap();
        assert_eq!(publish.first, PUBLISH | 0b0011, "QoS 1 and RETAIN");
        assert!(publish.body.ends_with(b"online"));
        let expiry = publish.body.windows(5).any(|window| window == [2, 0, 0, 0, 60]);
        assert_eq!(expiry, version == Version::V5);
        peer.send(&[0x40, 2, publish.body[12], publish.body[13]]).await;
        let id = PublishId(7);
        assert_eq!(
            within(connection.next()).await,
            ConnectionEvent::Published { id, outcome: Ok(()) }
        );
    }
}

#[tokio::test]
async fn a_signal_is_not_retained_and_one_of_qos_0_waits_for_no_puback() {
    for version in VERSIONS {
        let door = Door::open().await;
        let (mut connection, mut peer) = up(&door, version).await;
        let inbox = Filter { topic: "a/inbox/+".to_owned(), qos: Qos::AtLeastOnce };
        connection.subscribe(&["a".to_owned().into(), inbox]);
        let subscribe = peer.packet().await.unwrap();
        assert!(subscribe.body.ends_with(b"\0\x01a\0\0\x09a/inbox/+\x01"), "{subscribe:?}");
        let signal = |id, qos| Publish {
            qos,
            retain: false,
            ..Publish::record(PublishId(id), "presence/a".to_owned(), b"x".to_vec(), None)
        };
        connection.publish(signal(7, Qos::AtMostOnce));
        connection.publish(signal(8, Qos::AtLeastOnce));
        assert_eq!(peer.packet().await.unwrap().first, PUBLISH, "QoS 0, no RETAIN");
        let publish = peer.packet().await.unwrap();
        assert_eq!(publish.first, PUBLISH | 0b0010, "QoS 1, no RETAIN");
        peer.send(&[0x40, 2, publish.body[12], publish.body[13]]).await;
        let id = PublishId(8);
        assert_eq!(
            within(connection.next()).await,
            ConnectionEvent::Published { id, outcome: Ok(()) }
        );
    }
}

#[tokio::test]
async fn what_is_left_of_an_expiry_is_read() {
    let door = Door::open().await;
    let (mut connection, mut peer) = up(&door, Version::V5).await;
    peer.send(b"\x31\x0c\0\x03a/b\x05\x02\0\0\0\x3cx").await;
    let message = Message {
        topic: "a/b".to_owned(),
        payload: b"x".to_vec(),
        retained: true,
        expires_in: Some(Duration::from_secs(60)),
    };
    assert_eq!(within(connection.next()).await, ConnectionEvent::Received(message));
}

#[tokio::test]
async fn a_packet_of_any_size_is_read_if_the_broker_can_not_be_told_a_limit() {
    const SIZE: usize = 3 << 20;
    let door = Door::open().await;
    let (mut connection, mut peer) = up(&door, Version::V311).await;
    let rest = SIZE + 5;
    let mut packet = vec![0x31];
    for shift in [0, 7, 14] {
        packet.push(u8::try_from(rest >> shift & 0x7F).unwrap() | 0x80);
    }
    packet.push(u8::try_from(rest >> 21).unwrap());
    packet.extend_from_slice(b"\0\x03a/b");
    packet.resize(packet.len() + SIZE, b'x');
    let (event, ()) = tokio::join!(within(connection.next()), peer.send(&packet));
    let ConnectionEvent::Received(message) = event else {
        panic!("{event:?}");
    };
    assert_eq!((message.payload.len(), message.expires_in), (SIZE, None));
}

#[tokio::test]
async fn a_closed_connection_sends_disconnect_and_a_dropped_one_does_not() {
    for version in VERSIONS {
        let door = Door::open().await;
        let (closed, mut peer) = up(&door, version).await;
        let (_, last) = tokio::join!(closed.close(), peer.packet());
        assert_eq!(last.unwrap().first, DISCONNECT);
        let (dropped, mut peer) = up(&door, version).await;
        drop(dropped);
        assert!(peer.packet().await.is_none());
    }
}
