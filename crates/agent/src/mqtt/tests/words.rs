//! Tests that people read our own words: what happened and what to do, and nothing of a library.

use super::*;

/// Words of libraries and of the specification that help nobody.
const FOREIGN: [&str; 18] = [
    "os error",
    "docs.rs",
    "close_notify",
    "boundary",
    "payload",
    "pkid",
    "stream",
    "qo s",
    "deserial",
    "serializ",
    "alert",
    "return code",
    "unsolicited",
    "Error",
    "::",
    "SubProtocol",
    "InvalidMessage",
    "{",
];

fn plain(failure: &ConnectionFailure) {
    let message = failure.to_string();
    for foreign in FOREIGN {
        assert!(!message.contains(foreign), "{foreign:?} in {message}");
    }
}

/// The failure if the CONNECT is answered with these bytes, and the connection stays open.
async fn answered_open(version: Version, bytes: &[u8]) -> ConnectionFailure {
    let door = Door::open().await;
    let mut connection = connection(&door, version);
    let mut peer = door.accept().await;
    peer.packet().await.unwrap();
    peer.send(bytes).await;
    down(within(connection.next()).await)
}

#[tokio::test]
async fn a_port_with_tls_is_recognised_and_the_other_scheme_is_named() {
    for version in VERSIONS {
        for alert in
            [&[0x15, 3, 1, 0, 2, 2, 70][..], &[0x15, 3, 3, 0, 2, 2, 10], &[0x16, 3, 3, 0, 5]]
        {
            for failure in [answered_open(version, alert).await, answered(version, alert).await] {
                assert!(failure.to_string().contains("mqtts://"), "{failure}");
                plain(&failure);
            }
        }
    }
}

#[tokio::test]
async fn a_port_with_http_is_recognised_and_the_other_scheme_is_named() {
    for version in VERSIONS {
        let failure = answered_open(version, b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
        assert!(failure.to_string().contains("ws://"), "{failure}");
        plain(&failure);
    }
}

#[tokio::test]
async fn errors_in_a_connack_are_described_in_our_words() {
    for version in VERSIONS {
        for bytes in [
            &b"SSH-2.0-OpenSSH_9.2\r\n"[..],
            &[0x20, 0],
            &[0x20, 1, 0],
            &[0x20, 0xFF, 0xFF, 0xFF, 0xFF, 1],
            &[0x20, 3, 0, 195, 0],
            &[0xD0, 0],
            &[0xE0, 0],
            &[0xE0, 2, 0x80, 0],
            &[0x90, 3, 0, 1, 0],
            &[0, 0],
        ] {
            plain(&answered_open(version, bytes).await);
        }
    }
}

#[tokio::test]
async fn properties_of_a_connack_that_can_not_be_read_are_no_connection() {
    plain(&answered_open(Version::V5, &[0x20, 6, 0, 0, 3, 99, 0, 0]).await);
}

#[tokio::test]
async fn errors_in_a_packet_are_described_in_our_words() {
    let door = Door::open().await;
    for bytes in [
        &[0x30, 2, 0, 9][..],
        &[0x36, 5, 0, 1, b'a', 0, 1],
        &[0x20, 3, 0, 0, 0],
        &[0x10, 0],
        &[0x00, 0],
        &[0xF0, 0],
        &[0x40, 1, 0],
        &[0x30, 0xFF, 0xFF, 0xFF, 0xFF, 1],
        // A property that does not exist, and one that is longer than its packet.
        &[0x30, 6, 0, 1, b'a', 2, 99, 0],
        &[0x30, 6, 0, 1, b'a', 100, 99, 0],
        // 128 KiB.
        &[0x30, 0x80, 0x80, 0x08],
    ] {
        let (mut connection, mut peer) = up(&door, Version::V5).await;
        peer.send(bytes).await;
        let failure = down(within(connection.next()).await);
        assert_eq!(failure.code(), "protocol", "{bytes:?} {failure}");
        plain(&failure);
    }
}

#[tokio::test]
async fn an_acknowledgement_of_an_unknown_packet_is_ignored() {
    for version in VERSIONS {
        let door = Door::open().await;
        let (mut connection, mut peer) = up(&door, version).await;
        let suback: &[u8] = match version {
            Version::V5 => &[0x90, 4, 0, 9, 0, 0x80],
            Version::V311 => &[0x90, 3, 0, 9, 0x80],
        };
        // Topic "a" and, in MQTT 5, no properties.
        let publish: &[u8] = match version {
            Version::V5 => b"\x30\x04\0\x01a\0",
            Version::V311 => b"\x30\x03\0\x01a",
        };
        peer.send(&[&[0x40, 2, 0, 2][..], suback, &[0xD0, 0], publish].concat()).await;
        let ConnectionEvent::Received(message) = within(connection.next()).await else {
            panic!("{version:?}")
        };
        assert_eq!(message.topic, "a");
    }
}

#[tokio::test]
async fn an_unknown_host_name_is_described_in_our_words() {
    let broker: Broker = "mqtt://nobody.invalid".parse().unwrap();
    let mut connection =
        Connection::open(&Endpoints::new(broker).unwrap(), &connect(Version::V5, "plabcm"));
    let failure = down(within(connection.next()).await);
    assert_eq!(failure.code(), "unreachable");
    assert!(failure.to_string().contains("Unknown host name"), "{failure}");
    plain(&failure);
}

#[tokio::test]
async fn silence_after_the_connect_is_not_an_address_without_answer() {
    for version in VERSIONS {
        let door = Door::open().await;
        let mut hasty = connect(version, "plabcm");
        hasty.connack_within = Duration::from_secs(1);
        let mut connection = Connection::open(&Endpoints::new(door.broker()).unwrap(), &hasty);
        let _peer = door.accept().await;
        let failure = down(within(connection.next()).await);
        assert!(failure.may_be_the_version(), "{failure:?}");
        plain(&failure);
    }
}

#[tokio::test]
async fn a_connack_of_3_1_1_is_recognised_even_if_the_connection_stays_open() {
    for code in 0..=5 {
        let failure = answered_open(Version::V5, &[0x20, 2, 0, code]).await;
        assert!(failure.may_be_the_version(), "{failure:?}");
        assert!(failure.to_string().contains("3.1.1"), "{failure}");
    }
}

#[tokio::test]
async fn an_unresponsive_broker_is_noticed_whatever_its_server_keep_alive_is() {
    // Server Keep Alive 3600, 0, and none.
    for connack in [&[0x20, 6, 0, 0, 3, 19, 14, 16][..], &[0x20, 6, 0, 0, 3, 19, 0, 0], &CONNACK_V5]
    {
        let door = Door::open().await;
        let mut quick = connect(Version::V5, "plabcm");
        quick.keep_alive = Duration::from_secs(1);
        let mut connection = Connection::open(&Endpoints::new(door.broker()).unwrap(), &quick);
        let mut peer = door.accept().await;
        peer.let_in(connack).await;
        assert!(matches!(within(connection.next()).await, ConnectionEvent::Up(_)));
        let begun = tokio::time::Instant::now();
        assert_eq!(peer.packet().await.unwrap().first, PINGREQ);
        let failure = down(within(connection.next()).await);
        assert_eq!(failure.code(), "broken");
        assert!(begun.elapsed() < Duration::from_millis(2900), "{:?}", begun.elapsed());
    }
}

/// The files in which errors of libraries and of the system become failures.
const SOURCES: [&str; 9] = [
    include_str!("../../dial.rs"),
    include_str!("../../mqtt.rs"),
    include_str!("../driver.rs"),
    include_str!("../failure.rs"),
    include_str!("../packets.rs"),
    include_str!("../wire.rs"),
    include_str!("../../team/http.rs"),
    include_str!("../../tls.rs"),
    include_str!("../../tls/words.rs"),
];

#[test]
fn no_foreign_error_is_made_a_text_but_for_the_log() {
    for source in SOURCES {
        let (program, _) = source.split_once("#[cfg(test)]\nmod tests {").unwrap_or((source, ""));
        for line in program.lines().filter(|line| !line.contains("tracing::")) {
            for way in [".to_string())", "{error", "{0}"] {
                let is_ours = line.contains("address.to_string()");
                assert!(!line.contains(way) || is_ours, "{line}");
            }
        }
    }
}
