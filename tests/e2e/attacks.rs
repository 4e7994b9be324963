//! Attacks by members, by pages and by a broker's words: `docs/threat-model.md` has a row for each.

use std::net::SocketAddr;
use std::time::Duration;

use porchlight_tests::member::Member;
use porchlight_tests::process::{Proc, Stream};
use porchlight_tests::quirks::{End, Quirks};
use porchlight_tests::until::{SOON, START};
use porchlight_tests::{Cli, Message, Probe, never, until};

/// An account that may write `_hub` at a broker cannot send anybody's password to another server.
#[tokio::test]
async fn what_a_topic_says_sends_no_password_to_another_server() {
    let (broker, mallory) = (Quirks::new().start().await, Quirks::new().start().await);
    let light = Cli::new(&broker.url_of("alice", "secret"), "alice", "laptop");
    let running = light.run("none");
    running.wait_line(|line| line.contains("connected to"), START).await;
    let mut probe = Probe::connect(&broker.url()).await;
    let hub = format!(r#"{{"v":1,"at":["127.0.0.1:{}"]}}"#, mallory.port());
    probe.publish(Message::new("presence/_hub", hub).retained()).await;
    let alice = || {
        let users = broker.connects().into_iter().filter_map(|(_, connect)| connect.user);
        users.filter(|user| user == "alice").count()
    };
    let before = alice();
    broker.end_all(&End::Close);
    until("Alice's device to be back", START, || alice() > before).await;
    broker.change(|quirks| quirks.no_connack());
    broker.end_all(&End::Close);
    never("a CONNECT at another server", 2 * SOON, || !mallory.connects().is_empty()).await;
}

/// A stranger who reaches a hub can't fill the log of its host.
#[tokio::test]
async fn strangers_write_no_line_into_the_log_of_a_hub() {
    let anna = Member::new("Anna");
    let team = anna.start(&["hub", "--quiet", "--listen", "127.0.0.1:0", "--local", "127.0.0.1:0"]);
    let door = address(&team, "the team's address is ").await;
    let local = address(&team, "listening on ").await;
    let open = Member::new("Bob").start(&["hub", "--open", "--listen", "127.0.0.1:0"]);
    let everybody = address(&open, "listening on ").await;
    let link = anna.owner_link(&team).await;
    let silent = (team.lines(Stream::Err), open.lines(Stream::Err));

    let frames: [&[u8]; 4] = [
        // A text frame, a binary frame without a mask, one that is no MQTT, and one that says it is huge.
        b"\x81\x84\0\0\0\0text",
        b"\x82\x04text",
        b"\x82\x84\0\0\0\0text",
        b"\x82\xff\0\0\0\0\x10\0\0\0\0\0\0\0",
    ];
    for frame in frames {
        say(local, UPGRADE, frame).await;
    }
    // Another version, a client id that is none, no Keep Alive, half a CONNECT, two, and a message on a topic that is none.
    let sent: [&[u8]; 11] = [
        b"\x10\x0c\0\x04MQTT\x03\x02\0\x3c\0\0",
        b"\x10\x10\0\x04MQTT\x05\x02\0\x3c\0\0\x03a/b",
        b"\x10\x10\0\x04MQTT\x05\x02\0\0\0\0\x03abc",
        b"\x10\x10\0\x04MQTT",
        b"\x10\x10\0\x04MQTT\x05\x02\0\x3c\0\0\x03abc\x10\x10\0\x04MQTT\x05\x02\0\x3c\0\0\x03abc",
        b"\x10\x10\0\x04MQTT\x05\x02\0\x3c\0\0\x03abc\x30\x04\0\x01#\0",
        b"\x10\xff\xff\xff\x7f",
        b"\x16\x03\x01\x00\x05hello",
        b"GET /v1/nothing HTTP/1.1\r\n\r\n",
        b"POST /v1/join HTTP/1.1\r\nHost: hub\r\nContent-Length: 3\r\n\r\n{}}",
        b"\0\0\0\0",
    ];
    for bytes in sent {
        for addr in [door, local, everybody] {
            say(addr, b"", bytes).await;
        }
    }
    // A member comes after all of them, so each was dealt with.
    Member::new("Carol").join(&link).await;
    assert_eq!(team.lines(Stream::Err), silent.0);
    assert_eq!(open.lines(Stream::Err), silent.1);
}

async fn address(hub: &Proc, before: &'static str) -> SocketAddr {
    let line = hub.wait_line(move |line| line.starts_with(before), START).await;
    line[before.len()..].trim().parse().expect("an address")
}

const UPGRADE: &[u8] = b"GET /mqtt HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n\
    Connection: Upgrade\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\
    Sec-WebSocket-Protocol: mqtt\r\n\r\n";

/// Says this after what upgrades the connection, if anything, and then nothing more, until the hub hangs up or has
/// nothing to say to it.
async fn say(addr: SocketAddr, upgrade: &[u8], bytes: &[u8]) {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let mut stream = tokio::net::TcpStream::connect(addr).await.expect("the hub listens");
    if !upgrade.is_empty() {
        stream.write_all(upgrade).await.expect("the hub reads");
        let mut answer = Vec::new();
        while !answer.ends_with(b"\r\n\r\n") {
            answer.push(stream.read_u8().await.expect("the hub upgrades"));
        }
    }
    let _ = stream.write_all(bytes).await;
    let _ = stream.shutdown().await;
    let mut answer = Vec::new();
    let _ = tokio::time::timeout(Duration::from_secs(10), stream.read_to_end(&mut answer)).await;
}
