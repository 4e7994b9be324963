//! A hub survives malformed input and accidents.

use crate::world::{Client, hub_in, hub_in_memory, pair, within};
use rumqttc::v5::mqttbytes::v5::PubAckReason;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Returns a CONNECT of MQTT 5 with the client id "raw".
const CONNECT: &[u8] = b"\x10\x10\0\x04MQTT\x05\x02\0\x3c\0\0\x03raw";

async fn raw(addr: std::net::SocketAddr) -> TcpStream {
    let mut stream = TcpStream::connect(addr).await.unwrap();
    stream.write_all(CONNECT).await.unwrap();
    let mut connack = [0; 4];
    within("CONNACK", stream.read_exact(&mut connack)).await.unwrap();
    assert_eq!((connack[0], connack[3]), (0x20, 0), "accepted");
    stream
}

#[tokio::test]
async fn an_oversized_publish_ends_its_publisher_and_nobody_else() {
    let hub = hub_in_memory().await;
    let mut watcher = Client::named(hub.addr(), "watcher").await;
    watcher.subscribe("#").await;
    let mut stream = raw(hub.addr()).await;
    // PUBLISH of 10 MiB to the topic "t".
    let mut publish = b"\x30\x84\x80\x80\x05\0\x01t\0".to_vec();
    publish.resize(5 + (10 << 20) + 4, b'x');
    // The hub closes the connection in the middle. Reading then ends too, with or without an error.
    let _ = within("the refusal", stream.write_all(&publish)).await;
    let mut rest = Vec::new();
    let _ = within("the end", stream.read_to_end(&mut rest)).await;
    Client::named(hub.addr(), "next").await.say("t", "still here").await;
    assert_eq!(watcher.text().await, pair("t", "still here"));
    hub.stop().await.unwrap();
}

#[tokio::test]
async fn a_retained_payload_beyond_the_limit_is_refused_by_name() {
    let hub = hub_in_memory().await;
    let mut writer = Client::named(hub.addr(), "writer").await;
    assert_eq!(writer.retain("t", "x".repeat(4_096)).await, PubAckReason::Success);
    assert_eq!(writer.retain("t", "y".repeat(9_000)).await, PubAckReason::QuotaExceeded);
    let kept = Client::named(hub.addr(), "reader").await.snapshot("#").await;
    assert_eq!(kept, [pair("t", &"x".repeat(4_096))]);
    hub.stop().await.unwrap();
}

#[tokio::test]
async fn bytes_that_are_not_mqtt_cost_only_their_connection() {
    let hub = hub_in_memory().await;
    for garbage in
        [&b"GET / HTTP/1.1\r\n\r\n"[..], &[0xff; 4_096], b"\x10\xff\xff\xff\xff\x7f", b"\0\0\0\0"]
    {
        let mut stream = TcpStream::connect(hub.addr()).await.unwrap();
        let _ = stream.write_all(garbage).await;
        // Nothing more follows. The hub would give a slow CONNECT ten seconds.
        let _ = stream.shutdown().await;
        let mut rest = Vec::new();
        let _ = within("the end", stream.read_to_end(&mut rest)).await;
    }
    Client::named(hub.addr(), "c").await.leave().await;
    hub.stop().await.unwrap();
}

#[tokio::test]
async fn a_stop_waits_neither_for_silent_nor_for_deaf_connections() {
    let dir = tempfile::tempdir().unwrap();
    let hub = hub_in(dir.path()).await;
    let _silent = TcpStream::connect(hub.addr()).await.unwrap();
    let mut deaf = raw(hub.addr()).await;
    // SUBSCRIBE to "#", and never read again.
    deaf.write_all(b"\x82\x07\0\x01\0\0\x01#\0").await.unwrap();
    let mut writer = Client::named(hub.addr(), "writer").await;
    for n in 0..1_600 {
        writer.say("noise", &"x".repeat(8_000)).await;
        if n % 400 == 0 {
            writer.retain("t", n.to_string()).await;
        }
    }
    let before = tokio::time::Instant::now();
    hub.stop().await.unwrap();
    assert!(before.elapsed() < Duration::from_secs(2), "{:?}", before.elapsed());
    let hub = hub_in(dir.path()).await;
    assert_eq!(Client::named(hub.addr(), "reader").await.snapshot("#").await, [pair("t", "1200")]);
    hub.stop().await.unwrap();
}

#[tokio::test]
async fn a_hub_that_is_dropped_ends_and_frees_its_store() {
    let dir = tempfile::tempdir().unwrap();
    let hub = hub_in(dir.path()).await;
    let mut client = Client::named(hub.addr(), "c").await;
    client.retain("t", "x").await;
    drop(hub);
    client.ended().await;
    let hub = within("the folder", async {
        loop {
            let hub = hub_in(dir.path()).await;
            if hub.warnings().is_empty() {
                return hub;
            }
            hub.stop().await.unwrap();
        }
    })
    .await;
    assert_eq!(Client::named(hub.addr(), "r").await.snapshot("#").await, [pair("t", "x")]);
    hub.stop().await.unwrap();
}

#[tokio::test]
async fn a_healthy_hub_has_nothing_to_tell() {
    let dir = tempfile::tempdir().unwrap();
    let mut hub = hub_in(dir.path()).await;
    let mut client = Client::named(hub.addr(), "c").await;
    let busy = async {
        for n in 0..50 {
            client.retain("t", n.to_string()).await;
        }
    };
    tokio::select! {
        event = hub.event() => panic!("{event:?}"),
        () = busy => {}
    }
    hub.stop().await.unwrap();
}
