//! Tests User Name and Password in the CONNECT.

use super::*;

/// The index of the Connect Flags, after the protocol's name and level.
const FLAGS: usize = 7;
const USER_NAME: u8 = 0x80;
const PASSWORD: u8 = 0x40;

fn endpoints(door: &Door, login: &str) -> Endpoints {
    let url = door.broker().to_string().replace("mqtt://", &format!("mqtt://{login}@"));
    Endpoints::new(url.parse().unwrap()).unwrap()
}

#[tokio::test]
async fn a_password_goes_alone_over_mqtt_5() {
    let door = Door::open().await;
    let _connection =
        Connection::open(&endpoints(&door, ":t%C3%B6ken"), &connect(Version::V5, "plabcm"));
    let sent = door.accept().await.let_in(&CONNACK_V5).await;
    assert_eq!(sent.body[FLAGS] & (USER_NAME | PASSWORD), PASSWORD);
    assert!(text(&sent.body, "töken"));
}

#[tokio::test]
async fn a_user_name_goes_alone_over_either_version() {
    for version in VERSIONS {
        let door = Door::open().await;
        let _connection = Connection::open(&endpoints(&door, "token"), &connect(version, "plabcm"));
        let sent = door.accept().await.let_in(connack(version)).await;
        assert_eq!(sent.body[FLAGS] & (USER_NAME | PASSWORD), USER_NAME, "{version:?}");
    }
}

#[tokio::test]
async fn a_password_alone_is_not_sent_over_mqtt_3_1_1_and_the_failure_says_why() {
    let door = Door::open().await;
    let mut connection =
        Connection::open(&endpoints(&door, ":token"), &connect(Version::V311, "plabcm"));
    let failure = down(within(connection.next()).await);
    assert_eq!(failure.code(), "user_name_missing");
    assert!(failure.is_refusal());
    assert!(failure.to_string().contains("name one in the URL"), "{failure}");
}
