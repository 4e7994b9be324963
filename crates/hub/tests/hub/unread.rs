//! Many unread answers over HTTP: they end, use little memory, and do not block other readers.
//!
//! Hub and gateway run in separate processes, to measure their memory.

use crate::apart::Apart;
use crate::hub_fixture::post;
use crate::world::{Client, options, within};
use porchlight_core::id::Root;
use porchlight_core::input::Message;
use porchlight_core::mqtt_session::SessionEvent;
use porchlight_core::team::{InviteMade, InviteOrder, Join, Joined, TokenMade, TokenOrder};
use porchlight_hub::{Gateway, GatewaySettings, Tokens};
use rumqttc::v5::mqttbytes::v5::PubAckReason;
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::time::Instant;

/// Maximum peak memory of a hub or gateway in a debug build, in MiB, with an answer of 5 MiB and 90 readers.
const PEAK: u64 = 200;
/// The number of people in the team. The other constants are their records and the [`RECORD`] size in bytes.
const PEOPLE: usize = 44;
const DEVICES: usize = 15;
const RECORD: usize = 8_000;
const READERS: usize = 90;
/// Time after which the server gives up an unread answer, with a margin to notice it.
const GIVEN_UP: Duration = Duration::from_secs(35);
const WELL_BEFORE_THAT: Duration = Duration::from_secs(12);

fn large_record(device: usize) -> String {
    format!("{device}{}", "x".repeat(RECORD))
}

/// Opens a connection, and requests `path` with this token.
async fn asked(addr: SocketAddr, path: &str, token: &str) -> TcpStream {
    let mut stream = TcpStream::connect(addr).await.unwrap();
    let request =
        format!("GET {path} HTTP/1.1\r\nHost: {addr}\r\nAuthorization: Bearer {token}\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    stream
}

/// Reads the status and the first bytes of the answer.
async fn answer(stream: &mut TcpStream) -> (u16, String) {
    let mut bytes = vec![0; 1_024];
    let read = within("an answer", stream.read(&mut bytes)).await.unwrap();
    let text = String::from_utf8_lossy(&bytes[..read]).into_owned();
    (text.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_default(), text)
}

/// Counts the open connections of this computer to this address (proc_net_tcp(5); 1 is ESTABLISHED).
fn open_at(addr: SocketAddr) -> usize {
    let mut local = String::new();
    write!(local, "0100007F:{:04X}", addr.port()).unwrap();
    let table = std::fs::read_to_string("/proc/net/tcp").unwrap();
    let open = |line: &&str| {
        let mut fields = line.split_whitespace().skip(1);
        fields.next() == Some(&local) && fields.nth(1) == Some("01")
    };
    table.lines().filter(open).count()
}

/// Returns the peak memory of a process so far, in MiB (proc_pid_status(5), VmHWM).
fn peak(process: &Child) -> u64 {
    let status = format!("/proc/{}/status", process.id().unwrap());
    let status = std::fs::read_to_string(status).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() / 1_024
}

/// Ninety connections of one program request a large answer and read nothing. Another program reads
/// meanwhile.
async fn ninety_read_nothing(addr: SocketAddr, process: &Child, tokens: &[String]) {
    let size = {
        let mut stream = asked(addr, "/v2/topics/presence", &tokens[1]).await;
        let (status, head) = answer(&mut stream).await;
        assert_eq!(status, 200, "{head}");
        let head = head.to_lowercase();
        let length = head.split("content-length: ").nth(1).and_then(|it| it.split('\r').next());
        length.and_then(|length| length.parse::<usize>().ok()).unwrap()
    };
    assert!(size > 5 << 20, "more than sockets hold: {size}");
    within("the connection to be gone", async {
        while open_at(addr) > 0 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    })
    .await;
    let before = peak(process);
    let mut unread = Vec::new();
    for _ in 0..READERS {
        unread.push(asked(addr, "/v2/topics/presence", &tokens[0]).await);
    }
    let since = Instant::now();
    for path in ["/v1/people", "/v2/topics/presence"] {
        let mut stream = asked(addr, path, &tokens[1]).await;
        let (status, head) = answer(&mut stream).await;
        assert_eq!(status, 200, "another program: {head}");
    }
    assert!(since.elapsed() < WELL_BEFORE_THAT, "another program: {:?}", since.elapsed());
    while open_at(addr) > 0 {
        let left = open_at(addr);
        assert!(since.elapsed() < GIVEN_UP, "{left} of {READERS} are open after {GIVEN_UP:?}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    println!("none is open after {:?}", since.elapsed());
    let after = peak(process);
    println!("memory: {before} MiB before, {after} MiB at the peak, an answer of {size} bytes");
    assert!(after < PEAK, "{before} -> {after} MiB");
    // Only the system still buffers a part of each answer.
    let mut whole = 0;
    for mut stream in unread {
        let mut got = Vec::new();
        let _ = within("the end of the answer", stream.read_to_end(&mut got)).await;
        whole += usize::from(got.len() > size);
    }
    assert_eq!(whole, 0, "answers that came whole after all");
}

/// One program opens the maximum number of streams, and another program still gets its own.
async fn one_program_takes_the_streams(addr: SocketAddr, tokens: &[String]) {
    let mut open = Vec::new();
    let mut refused = 0;
    for _ in 0..64 {
        let mut stream = asked(addr, "/v1/stream", &tokens[0]).await;
        match answer(&mut stream).await {
            (200, _) => open.push(stream),
            (503, text) => {
                assert!(text.contains("too_many_streams"), "{text}");
                refused += 1;
            }
            (_, text) => panic!("{text}"),
        }
    }
    let mut other = asked(addr, "/v1/stream", &tokens[1]).await;
    let (status, text) = answer(&mut other).await;
    assert_eq!(status, 200, "another program, beside {} streams: {text}", open.len());
    assert_eq!((open.len(), refused), (4, 60));
    // A program may open another stream after one ends.
    open.pop();
    within("room for another stream", async {
        loop {
            let mut stream = asked(addr, "/v1/stream", &tokens[0]).await;
            if answer(&mut stream).await.0 == 200 {
                return;
            }
        }
    })
    .await;
}

/// Creates the tokens of two programs.
async fn tokens_of(hub: &Apart) -> Vec<String> {
    let mut tokens = Vec::new();
    for label in ["one", "other"] {
        let order = TokenOrder { label: label.to_owned() };
        let who = Some(&hub.anna.credential);
        let made: TokenMade = post(hub.addr, hub.pin, "/v1/tokens", who, &order).await.read();
        tokens.push(made.token.to_string());
    }
    tokens
}

#[tokio::test]
async fn who_reads_nothing_at_a_hub_is_gone_after_the_limit_and_costs_little() {
    let hub = Apart::start().await;
    let order = InviteOrder { uses: Some(100), ..InviteOrder::default() };
    let who = Some(&hub.anna.credential);
    let made: InviteMade = post(hub.addr, hub.pin, "/v1/invites", who, &order).await.read();
    let link: porchlight_core::team::Invitation = made.link.parse().unwrap();
    for person in 0..PEOPLE {
        let name = format!("person{person}");
        let join =
            Join { token: link.token.clone(), name: name.clone(), kind: None, credential: None };
        let joined: Joined = post(hub.addr, hub.pin, "/v1/join", None, &join).await.read();
        let mut options = options(hub.plain, &name);
        options.set_credentials(joined.credential.id(), joined.credential.secret());
        let mut client = Client::connect(options).await;
        for device in 0..DEVICES {
            let topic = format!("presence/{}/device/d{device}", joined.user);
            let kept = client.retain(&topic, large_record(device)).await;
            assert_eq!(kept, PubAckReason::Success, "{topic}");
        }
        client.leave().await;
    }
    let tokens = tokens_of(&hub).await;
    ninety_read_nothing(hub.plain, &hub.process, &tokens).await;
    hub.end("90 unread answers").await;
}

#[tokio::test]
async fn one_program_does_not_take_the_streams_of_others_at_a_hub() {
    let hub = Apart::start().await;
    let tokens = tokens_of(&hub).await;
    one_program_takes_the_streams(hub.plain, &tokens).await;
    hub.end("64 streams of one program").await;
}

/// A gateway in a separate process.
struct ApartGateway {
    process: Child,
    addr: SocketAddr,
    tokens: Vec<String>,
}

impl ApartGateway {
    async fn start() -> Self {
        let mut process = Command::new(std::env::current_exe().unwrap())
            .args(["--ignored", "--exact", "--nocapture", "unread::the_gateway_of_the_other_tests"])
            .env("RUST_TEST_THREADS", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let said = within("the gateway's address", async {
            loop {
                let line = lines.next_line().await.unwrap().expect("it says where it is");
                if let Some((_, said)) = line.split_once("at: ") {
                    return said.to_owned();
                }
            }
        })
        .await;
        let mut said = said.split(' ').map(str::to_owned);
        let addr = said.next().unwrap().parse().unwrap();
        Self { process, addr, tokens: said.collect() }
    }
}

/// Not a test: the process that [`ApartGateway`] starts. It ends with its input.
#[tokio::test]
#[ignore = "the other tests start it"]
async fn the_gateway_of_the_other_tests() {
    let store = tempfile::tempdir().unwrap();
    let mut tokens = Tokens::open(store.path()).unwrap();
    let (one, other) = (tokens.make("one").unwrap(), tokens.make("other").unwrap());
    let listen = SocketAddr::from(([127, 0, 0, 1], 0));
    let root = Root::default();
    let settings =
        GatewaySettings { root, listen, store: store.path().to_owned(), origins: Vec::new() };
    let mut gateway = Gateway::start(settings).await.unwrap();
    gateway.handle(&SessionEvent::Began);
    for person in 0..PEOPLE {
        for device in 0..DEVICES {
            gateway.handle(&SessionEvent::Received(Message {
                topic: format!("presence/person{person}/device/d{device}"),
                payload: large_record(device).into_bytes(),
                retained: true,
                expires_in: None,
            }));
        }
    }
    gateway.handle(&SessionEvent::Read);
    gateway.take_writes();
    println!("at: {} {one} {other}", gateway.addr());
    let mut input = Vec::new();
    let _ = tokio::io::stdin().read_to_end(&mut input).await;
}

#[tokio::test]
async fn who_reads_nothing_at_a_gateway_is_gone_after_the_limit_and_costs_little() {
    let mut gateway = ApartGateway::start().await;
    ninety_read_nothing(gateway.addr, &gateway.process, &gateway.tokens).await;
    gateway.process.kill().await.unwrap();
}

#[tokio::test]
async fn one_program_does_not_take_the_streams_of_others_at_a_gateway() {
    let mut gateway = ApartGateway::start().await;
    one_program_takes_the_streams(gateway.addr, &gateway.tokens).await;
    gateway.process.kill().await.unwrap();
}
