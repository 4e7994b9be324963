//! Tests what is reported if a broker refuses something or ends a connection.

use porchlight_core::reason::ReasonCode;

use super::*;

/// A packet of fewer than 128 bytes.
fn packet(first: u8, body: &[u8]) -> Vec<u8> {
    let mut packet = vec![first, u8::try_from(body.len()).unwrap()];
    packet.extend_from_slice(body);
    packet
}

/// A property with a text.
fn property(id: u8, text: &str) -> Vec<u8> {
    let mut property = vec![id, 0, u8::try_from(text.len()).unwrap()];
    property.extend_from_slice(text.as_bytes());
    property
}

fn reason_string_and_server(text: &str, server: &str) -> Vec<u8> {
    let properties = [property(31, text), property(28, server)].concat();
    [vec![u8::try_from(properties.len()).unwrap()], properties].concat()
}

/// The failure if these bytes arrive on an open connection, and the socket stays open.
async fn ended(version: Version, bytes: &[u8]) -> ConnectionFailure {
    let door = Door::open().await;
    let (mut connection, mut peer) = up(&door, version).await;
    peer.send(bytes).await;
    down(within(connection.next()).await)
}

#[tokio::test]
async fn each_code_of_a_connack_is_read() {
    // 0x84 means that the broker wants another version.
    for code in (0x80..=0xFF).filter(|code| *code != 0x84) {
        let failure = answered(Version::V5, &packet(0x20, &[0, code, 0])).await;
        let ConnectionFailure::Refused(reason) = &failure else { panic!("{code:#X} {failure:?}") };
        assert_eq!(reason.reason_code(), ReasonCode(code));
    }
}

#[tokio::test]
async fn each_code_of_a_disconnect_is_read() {
    let door = Door::open().await;
    for code in 0..=0xFF {
        let (mut connection, mut peer) = up(&door, Version::V5).await;
        peer.send(&packet(0xE0, &[code, 0])).await;
        let failure = down(within(connection.next()).await);
        let ConnectionFailure::Disconnected(reason) = &failure else {
            panic!("{code:#X} {failure:?}")
        };
        assert_eq!(reason.reason_code(), ReasonCode(code));
    }
}

#[tokio::test]
async fn a_refusing_connack_has_the_brokers_reason_and_another_server() {
    let properties = reason_string_and_server("full up", "other.example:1883");
    let failure =
        answered(Version::V5, &packet(0x20, &[&[0, 0x9C][..], &properties].concat())).await;
    let message = failure.to_string();
    assert!(message.contains("full up") && message.contains("other.example:1883"), "{message}");
    assert!(failure.is_refusal(), "{message}");
}

#[tokio::test]
async fn a_disconnect_has_the_brokers_reason_and_another_server() {
    let properties = reason_string_and_server("moved away", "other.example:1883");
    let disconnect = packet(0xE0, &[&[0x9D][..], &properties].concat());
    let failure = ended(Version::V5, &disconnect).await;
    let message = failure.to_string();
    assert!(message.contains("moved away") && message.contains("other.example:1883"), "{message}");
    assert!(failure.is_refusal(), "{message}");
}

#[tokio::test]
async fn a_disconnect_without_a_body_has_a_reason_in_words() {
    for disconnect in [&[0xE0, 0][..], &[0xE0, 1, 0x8B], &[0xE0, 2, 0x8B, 0]] {
        let failure = ended(Version::V5, disconnect).await;
        assert_eq!(failure.code(), "disconnected", "{failure}");
        assert!(!failure.is_refusal());
    }
}

#[tokio::test]
async fn a_disconnect_instead_of_a_connack_is_a_disconnect() {
    let failure = answered(Version::V5, &packet(0xE0, &[0x97, 0])).await;
    assert_eq!(failure.code(), "quota_exceeded", "{failure}");
    assert!(failure.is_refusal());
}

#[tokio::test]
async fn an_unreadable_reason_string_loses_only_its_text() {
    // A Reason String that is longer than its packet.
    let failure = ended(Version::V5, &packet(0xE0, &[0x97, 5, 31, 0, 200, b'x', b'y'])).await;
    assert_eq!(failure.code(), "quota_exceeded", "{failure}");
}

#[tokio::test]
async fn a_receive_maximum_of_zero_is_a_named_violation() {
    // MQTT 5, section 3.2.2.3.3.
    for connack in [&[0x20, 6, 0, 0, 3, 33, 0, 0][..]] {
        let failure = answered(Version::V5, connack).await;
        assert_eq!(failure.code(), "protocol", "{failure}");
        assert!(failure.to_string().contains("Receive Maximum"), "{failure}");
    }
}

#[tokio::test]
async fn a_refused_publish_says_why_in_the_brokers_words() {
    let door = Door::open().await;
    for code in [0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99, 0xC3] {
        let (mut connection, mut peer) = up(&door, Version::V5).await;
        connection.publish(Publish::record(
            PublishId(7),
            "presence/a".to_owned(),
            b"x".to_vec(),
            None,
        ));
        let publish = peer.packet().await.unwrap();
        let properties = property(31, "not here");
        let body = [&[publish.body[12], publish.body[13], code, 11][..], &properties].concat();
        peer.send(&packet(0x40, &body)).await;
        let ConnectionEvent::Published { outcome: Err(refusal), .. } =
            within(connection.next()).await
        else {
            panic!("{code:#X}");
        };
        assert!(refusal.to_string().contains("not here"), "{refusal}");
        assert!(refusal.to_string().contains(&ReasonCode(code).to_string()), "{refusal}");
    }
}

#[tokio::test]
async fn each_code_of_a_suback_is_a_refused_filter_or_none() {
    let door = Door::open().await;
    for code in [0, 1, 2, 0x80, 0x83, 0x87, 0x8F, 0x91, 0x97, 0x9E, 0xA1, 0xA2, 0xC3] {
        let (mut connection, mut peer) = up(&door, Version::V5).await;
        connection.subscribe(&["presence/+".to_owned().into()]);
        let subscribe = peer.packet().await.unwrap();
        peer.send(&[0x90, 4, subscribe.body[0], subscribe.body[1], 0, code]).await;
        let ConnectionEvent::Subscribed { refused } = within(connection.next()).await else {
            panic!("{code:#X}");
        };
        let codes: Vec<ReasonCode> =
            refused.iter().map(|refused| refused.reason.reason_code()).collect();
        let expected: Vec<_> = (code >= 0x80).then_some(ReasonCode(code)).into_iter().collect();
        assert_eq!(codes, expected);
    }
}

#[tokio::test]
async fn a_packet_larger_than_the_broker_accepts_is_not_sent() {
    let door = Door::open().await;
    let mut connection = connection(&door, Version::V5);
    let mut peer = door.accept().await;
    // Maximum Packet Size 30.
    peer.let_in(&[0x20, 8, 0, 0, 5, 39, 0, 0, 0, 30]).await;
    assert!(matches!(within(connection.next()).await, ConnectionEvent::Up(_)));
    for (number, size) in [(1, 100), (2, 5)] {
        let (topic, payload) = ("presence/a".to_owned(), vec![b'x'; size]);
        connection.publish(Publish::record(PublishId(number), topic, payload, None));
    }
    let ConnectionEvent::Published { id: PublishId(1), outcome: Err(refusal) } =
        within(connection.next()).await
    else {
        panic!("it was taken");
    };
    assert!(refusal.to_string().contains("packet too large"), "{refusal}");
    assert!(peer.packet().await.unwrap().body.ends_with(b"xxxxx"));
}

#[tokio::test]
async fn a_suback_with_too_few_answers_is_a_violation() {
    let door = Door::open().await;
    let (mut connection, mut peer) = up(&door, Version::V5).await;
    connection.subscribe(&["presence/+".to_owned().into(), "presence/_hub".to_owned().into()]);
    let subscribe = peer.packet().await.unwrap();
    peer.send(&[0x90, 4, subscribe.body[0], subscribe.body[1], 0, 0]).await;
    assert_eq!(down(within(connection.next()).await).code(), "protocol");
}

#[tokio::test]
async fn no_more_publishes_are_in_flight_than_the_broker_accepts() {
    let door = Door::open().await;
    let mut connection = connection(&door, Version::V5);
    let mut peer = door.accept().await;
    // Receive Maximum 1.
    peer.let_in(&[0x20, 6, 0, 0, 3, 33, 0, 1]).await;
    assert!(matches!(within(connection.next()).await, ConnectionEvent::Up(_)));
    for number in 1..=3 {
        let topic = "presence/a".to_owned();
        connection.publish(Publish::record(PublishId(number), topic, b"x".to_vec(), None));
    }
    for number in 1..=3 {
        let publish = peer.packet().await.unwrap();
        let early = tokio::time::timeout(Duration::from_millis(50), peer.packet()).await;
        assert!(early.is_err(), "{early:?}");
        peer.send(&[0x40, 2, publish.body[12], publish.body[13]]).await;
        let id = PublishId(number);
        assert_eq!(
            within(connection.next()).await,
            ConnectionEvent::Published { id, outcome: Ok(()) }
        );
    }
}
