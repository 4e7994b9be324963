//! Many strangers attack a hub. It survives, members can still connect, and its memory stays bounded.

use crate::apart::Apart;
use crate::hub_fixture::{Answer, HubFixture, ask_with, connect_from, team_settings};
use crate::world::{Client, within};
use porchlight_core::team::Secret;
use porchlight_hub::{Hub, Store};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::JoinSet;
use tokio::time::timeout;

/// The address of the attackers.
const STRANGER: [u8; 4] = [127, 0, 0, 2];

async fn plain_from(from: [u8; 4], addr: SocketAddr) -> std::io::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    socket.bind(SocketAddr::from((from, 0)))?;
    socket.connect(addr).await
}

/// Returns a CONNECT of MQTT 5 with this client id, name and password.
pub(crate) fn connect(id: &str, name: &str, password: &str) -> Vec<u8> {
    let text = |text: &str| {
        let mut bytes = u16::try_from(text.len()).unwrap().to_be_bytes().to_vec();
        bytes.extend_from_slice(text.as_bytes());
        bytes
    };
    let mut rest = b"\0\x04MQTT\x05\xc2\0\x3c\0".to_vec();
    for part in [id, name, password] {
        rest.extend(text(part));
    }
    let mut packet = vec![0x10, u8::try_from(rest.len()).expect("below 128")];
    packet.append(&mut rest);
    packet
}

/// Logs in with a guess. Returns the reason code of the CONNACK, or none if the hub closed the connection.
async fn guess(addr: SocketAddr, name: &str, n: usize) -> Option<u8> {
    let mut stream = plain_from(STRANGER, addr).await.ok()?;
    let guess = format!("{n:027}");
    stream.write_all(&connect(&format!("guess{n}"), name, &guess)).await.ok()?;
    let mut connack = [0; 4];
    stream.read_exact(&mut connack).await.ok()?;
    assert_eq!(connack[0], 0x20);
    Some(connack[3])
}

#[tokio::test]
async fn ten_thousand_log_ins_guess_nothing() {
    let hub = Apart::start().await;
    let mut guessing = JoinSet::new();
    let (mut wrong, mut later) = (0, 0);
    let mut count = |code: Option<u8>| match code {
        Some(0x86) => wrong += 1,
        Some(0x9f) => later += 1,
        None => {}
        Some(other) => panic!("answered {other:#x}"),
    };
    for n in 0..10_000 {
        if guessing.len() >= 48 {
            count(guessing.join_next().await.unwrap().unwrap());
        }
        let (plain, name) = (hub.plain, hub.anna.credential.id().to_owned());
        guessing.spawn(async move { guess(plain, &name, n).await });
        if n % 2_500 == 1_000 {
            hub.serves("log-ins").await;
        }
    }
    while let Some(code) = guessing.join_next().await {
        count(code.unwrap());
    }
    println!("{wrong} looked at, {later} told to wait");
    assert!(wrong >= 20 && later > 9_000, "{wrong} {later}");
    // The limit also applies to invitations: after too many wrong attempts an address has to wait.
    let token = Secret::of_parts("0123456789", &"x".repeat(27)).unwrap();
    let body = serde_json::json!({"token": token, "name": "Eve"}).to_string();
    let answer: Answer =
        ask_with(STRANGER, hub.addr, hub.pin, "POST /v1/join", "", Some(body)).await.unwrap();
    assert_eq!((answer.status, answer.code()), (429, "too_many_attempts"));
    hub.end("10,000 log-ins").await;
}

#[tokio::test]
async fn a_packet_of_256_mib_costs_its_sender_the_line() {
    let hub = Apart::start().await;
    // From a stranger: a CONNECT of that length.
    let mut stream = connect_from(STRANGER, hub.addr, hub.pin).await.unwrap();
    let swallowed = pour(&mut stream, b"\x10\xff\xff\xff\x7f\0\x04MQTT\x05\x02\0\x3c\0").await;
    assert!(swallowed < 8 << 20, "a stranger: {swallowed}");
    // From a member: a PUBLISH, over MQTT and in a WebSocket frame.
    let mut stream = connect_from(STRANGER, hub.addr, hub.pin).await.unwrap();
    let anna = &hub.anna.credential;
    stream.write_all(&connect("large", anna.id(), anna.secret())).await.unwrap();
    let mut connack = [0; 4];
    stream.read_exact(&mut connack).await.unwrap();
    assert_eq!(connack[3], 0);
    let swallowed = pour(&mut stream, b"\x30\xff\xff\xff\x7f\0\x14presence/anna/typing\0").await;
    assert!(swallowed < 8 << 20, "a member: {swallowed}");
    let mut stream = connect_from(STRANGER, hub.addr, hub.pin).await.unwrap();
    stream
        .write_all(
            b"GET /mqtt HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
              Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\
              Sec-WebSocket-Protocol: mqtt\r\n\r\n",
        )
        .await
        .unwrap();
    let mut head = [0; 12];
    stream.read_exact(&mut head).await.unwrap();
    assert_eq!(&head, b"HTTP/1.1 101");
    // A binary frame of 256 MiB, masked with zeros.
    let swallowed = pour(&mut stream, b"\x82\xff\0\0\0\0\x10\0\0\0\0\0\0\0").await;
    assert!(swallowed < 8 << 20, "in a frame: {swallowed}");
    // And a body over HTTP.
    let mut stream = connect_from(STRANGER, hub.addr, hub.pin).await.unwrap();
    let head = b"POST /v1/join HTTP/1.1\r\nHost: hub\r\nContent-Type: application/json\r\n\
          Content-Length: 268435456\r\n\r\n";
    let swallowed = pour(&mut stream, head).await;
    assert!(swallowed < 8 << 20, "a body: {swallowed}");
    hub.end("packets of 256 MiB").await;
}

/// Writes a head and then up to 256 MiB, until the hub closes the connection. Returns how much it read.
async fn pour<S: AsyncReadExt + AsyncWriteExt + Unpin>(stream: &mut S, head: &[u8]) -> usize {
    let chunk = vec![0; 64 * 1024];
    within("the end of the line", async {
        if stream.write_all(head).await.is_err() {
            return 0;
        }
        for n in 0..4_096 {
            if stream.write_all(&chunk).await.is_err() || stream.flush().await.is_err() {
                return n * chunk.len();
            }
        }
        usize::MAX
    })
    .await
}

/// Opens connections that start with `first` and then send one byte at a time. Waits until the hub has closed
/// all.
async fn slow_loris(
    hub: &Apart,
    addr: SocketAddr,
    encrypted: bool,
    first: &'static [u8],
    byte: &'static [u8],
) {
    let mut lines = JoinSet::new();
    for n in 0..150_u8 {
        let (from, pin) = ([127, 0, 0, 2 + n % 3], hub.pin);
        lines.spawn(async move {
            let drip = async {
                if encrypted {
                    let stream = connect_from(from, addr, pin).await?;
                    drip(stream, first, byte).await
                } else {
                    drip(plain_from(from, addr).await?, first, byte).await
                }
            };
            // Twice the longest timeout of the hub, the broker's ten seconds for a CONNECT.
            timeout(Duration::from_secs(25), drip).await.expect("the hub closes it").err()
        });
    }
    hub.serves("slow lines").await;
    while let Some(closed) = lines.join_next().await {
        closed.unwrap();
    }
}

async fn drip<S: AsyncReadExt + AsyncWriteExt + Unpin>(
    mut stream: S,
    first: &[u8],
    byte: &[u8],
) -> std::io::Result<()> {
    stream.write_all(first).await?;
    let mut answer = [0; 64];
    loop {
        tokio::select! {
            n = stream.read(&mut answer) => if n? == 0 { return Ok(()) },
            () = tokio::time::sleep(Duration::from_millis(500)) => {
                stream.write_all(byte).await?;
                stream.flush().await?;
            }
        }
    }
}

#[tokio::test]
async fn slow_handshakes_packets_and_heads_are_given_up() {
    let hub = Apart::start().await;
    // A ClientHello that claims 500 bytes, a CONNECT of 100 bytes, the head of a request, and that of a
    // WebSocket.
    slow_loris(&hub, hub.addr, false, b"\x16\x03\x01\x01\xf4\x01\0\x01\xf0\x03\x03", b"\0").await;
    slow_loris(&hub, hub.addr, true, b"\x10\x64\0\x04MQTT\x05\x02\0\x3c\0\0\x03", b"x").await;
    slow_loris(&hub, hub.addr, true, b"POST /v1/join HTTP/1.1\r\nHost: hub\r\nX: ", b"x").await;
    slow_loris(&hub, hub.addr, true, b"GET /mqtt HTTP/1.1\r\nHost: hub\r\nX: ", b"x").await;
    let body = b"POST /v1/join HTTP/1.1\r\nHost: hub\r\nContent-Type: application/json\r\n\
        Content-Length: 100\r\n\r\n{";
    slow_loris(&hub, hub.addr, true, body, b" ").await;
    hub.end("slow lines").await;
}

#[tokio::test]
async fn thousands_of_lines_that_say_nothing_keep_nobody_out() {
    let hub = Apart::start().await;
    let mut silent = Vec::new();
    for n in 0..3_000_u32 {
        // From many addresses, like many computers. The member uses another one.
        let from = [127, 0, 1, u8::try_from(n % 250).unwrap()];
        if let Ok(stream) = plain_from(from, hub.addr).await {
            silent.push(stream);
        }
        if n % 1_000 == 999 {
            hub.serves("silent lines").await;
        }
    }
    assert!(silent.len() > 2_000, "{}", silent.len());
    // Others complete the handshake, and then send nothing.
    let mut shaken = JoinSet::new();
    for n in 0..300_u32 {
        let (addr, pin) = (hub.addr, hub.pin);
        let from = [127, 0, 2, u8::try_from(n % 250).unwrap()];
        shaken.spawn(async move { connect_from(from, addr, pin).await.ok() });
    }
    hub.serves("half-open lines").await;
    let shaken = shaken.join_all().await;
    hub.serves("lines that only shook hands").await;
    drop((silent, shaken));
    hub.end("3,300 silent lines").await;
}

#[tokio::test]
async fn a_line_of_one_s_own_is_no_reason_to_wait() {
    // The same from the member's own address, as behind one router: the hub closes the oldest silent
    // connections first.
    let house = HubFixture::in_memory().await;
    let mut silent = Vec::new();
    for _ in 0..400 {
        silent.push(plain_from([127, 0, 0, 1], house.addr()).await.unwrap());
    }
    Client::connect(house.options(&house.anna.credential, "anna")).await.leave().await;
    drop(silent);
    house.hub.stop().await.unwrap();
}

/// Sixteen devices write a thousand records, and the test kills the hub meanwhile.
#[tokio::test]
async fn a_teams_hub_that_is_killed_loses_no_record_that_it_acknowledged() {
    const WRITERS: usize = 8;
    const EACH: usize = 125;
    let folder = tempfile::tempdir().unwrap();
    let mut hub = Apart::start_with(Some(folder.path())).await;
    let acknowledged = Arc::new(AtomicUsize::new(0));
    let mut writers = JoinSet::new();
    for writer in 0..WRITERS {
        let mut client = hub.member(&format!("writer{writer}")).await;
        let acknowledged = Arc::clone(&acknowledged);
        writers.spawn(async move {
            let mut last = BTreeMap::new();
            for n in 0..EACH {
                let topic = format!("presence/anna/device/d{writer}x{}", n % 2);
                let record = format!(r#"{{"v":1,"status":"online","epoch":{n}}}"#);
                if !client.retain_or_end(&topic, &record).await {
                    break;
                }
                last.insert(topic, n);
                acknowledged.fetch_add(1, Ordering::Relaxed);
            }
            last
        });
    }
    within("half of it to be acknowledged", async {
        while acknowledged.load(Ordering::Relaxed) < WRITERS * EACH / 2 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    hub.process.kill().await.unwrap();
    let mut last = BTreeMap::new();
    while let Some(written) = writers.join_next().await {
        last.extend(written.unwrap());
    }
    let acknowledged = acknowledged.load(Ordering::Relaxed);
    assert!(acknowledged < WRITERS * EACH, "it was over before the hub was killed");

    let again = Hub::start(team_settings(Store::Folder(folder.path().to_owned()))).await.unwrap();
    assert!(again.warnings().is_empty(), "{:?}", again.warnings());
    let mut reader = Client::connect(hub.options(again.team_addr().unwrap(), "reader")).await;
    let kept: BTreeMap<_, _> =
        reader.records("presence/+/device/+", "presence/anna/typing").await.into_iter().collect();
    println!("{acknowledged} acknowledged, of {} devices", last.len());
    for (topic, n) in last {
        let record = kept.get(&topic).unwrap_or_else(|| panic!("{topic} is lost"));
        let record: serde_json::Value = serde_json::from_str(record).unwrap();
        assert!(record["epoch"].as_u64() >= u64::try_from(n).ok(), "{topic}: {record}, not {n}");
    }
    reader.leave().await;
    again.stop().await.unwrap();
}
