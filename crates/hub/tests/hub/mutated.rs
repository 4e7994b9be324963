//! Mutated packets, frames and requests, before and after login: the hub survives, never panics, and frees
//! its resources.
//!
//! Hub and clients run in a separate process, to measure its memory and files and to catch every panic. The
//! process is this test program, started again.

use crate::hub_fixture::{HubFixture, connect_from};
use crate::world::{Client, eventually, hub_in_memory, within};
use cases::{Case, Cases, Kind};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::JoinSet;

mod cases;
mod packets;

/// The share of all cases, in percent (see `porchlight_mutations`).
const SHARE: usize = 5;
/// Number of simultaneous connections, and of client ids that log in.
const AT_A_TIME: usize = 6;
/// Maximum memory growth over all cases but the first, in MiB.
const GROWTH: u64 = 12;
/// Maximum duration of the whole run.
const RUN: Duration = Duration::from_secs(300);

#[tokio::test]
async fn no_mutated_packet_frame_or_request_stops_a_hub_or_stays_in_its_memory() {
    let output = tempfile::NamedTempFile::new().unwrap();
    let written = output.reopen().unwrap();
    let mut child = tokio::process::Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "--nocapture", "mutated::the_process_of_the_other_test"])
        .stdin(Stdio::null())
        .stderr(written.try_clone().unwrap())
        .stdout(written)
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let ended = tokio::time::timeout(RUN, child.wait()).await;
    println!("{}", String::from_utf8_lossy(&std::fs::read(output.path()).unwrap()));
    let status = ended.expect("it ends").unwrap();
    assert!(status.success(), "{status}");
}

/// Not a test: the process that the test above starts.
#[tokio::test]
#[ignore = "the other test starts it"]
async fn the_process_of_the_other_test() {
    let hook = std::panic::take_hook();
    // Exit on any panic. Otherwise only the panicking task would end.
    std::panic::set_hook(Box::new(move |panic| {
        hook(panic);
        std::process::exit(101);
    }));
    let (house, open) = (HubFixture::in_memory().await, hub_in_memory().await);
    let (trudy, mallory) = (house.joins("Trudy").await, house.joins("Mallory").await);
    let (seed, all) = (porchlight_mutations::seed(), porchlight_mutations::cases(SHARE));
    println!("{all} cases, PORCHLIGHT_FUZZ_SEED={seed}");
    let mut sender = Sender {
        cases: Cases::new(seed, trudy, mallory),
        house: &house,
        open: open.addr(),
        sent: BTreeMap::new(),
    };
    sender.send_unchanged().await;
    // Permanent data, such as sessions and retained messages, has a limit that the first cases reach.
    sender.send(all / 4).await;
    let (files, memory) = (open_files(), memory());
    sender.send(all - all / 4).await;
    println!("sent, and answered as hoped: {:?}", sender.sent);
    // Otherwise the cases do not reach enough of the hub. A few cases prove nothing.
    let expected =
        [(Kind::BeforeLogin, 50), (Kind::AfterLogin, 1), (Kind::WebSocket, 1), (Kind::Http, 4)];
    for (kind, of_all) in expected.into_iter().filter(|_| all >= 1_000) {
        let (sent, answered) = sender.sent[&kind];
        assert!(answered * of_all >= sent * 9 / 10, "{kind:?}: {answered} of {sent}");
    }

    let mut anna = Client::connect(house.options(&house.anna.credential, "anna")).await;
    anna.retain("presence/anna/chosen", "{}").await;
    anna.leave().await;
    Client::named(open.addr(), "anna").await.leave().await;
    eventually("the files of all connections to be closed", || {
        (open_files() <= files + AT_A_TIME).then_some(())
    })
    .await;
    let grown = self::memory().saturating_sub(memory);
    println!("{memory} MiB after a quarter, {grown} MiB more after all");
    assert!(grown <= GROWTH, "{grown} MiB more");
    house.hub.stop().await.unwrap();
    open.stop().await.unwrap();
}

/// Sends cases.
struct Sender<'a> {
    cases: Cases,
    house: &'a HubFixture,
    open: SocketAddr,
    /// Number of cases of each kind, and how many of them got the answer of a valid one.
    sent: BTreeMap<Kind, (usize, usize)>,
}

impl Sender<'_> {
    /// The hub accepts unchanged cases. Otherwise the cases do not reach enough of it.
    async fn send_unchanged(&self) {
        for case in self.cases.unchanged() {
            let stream = plain_from([127, 4, 0, 1], self.house.hub.addr()).await;
            let answer = exchange(stream, &case).await;
            assert!(is_let_in(&answer), "{}", answer.escape_ascii());
            let mut rest = &answer[..];
            while let [first, length, more @ ..] = rest {
                let sent = case.rest.escape_ascii();
                assert_ne!(*first, 0xe0, "{sent} is answered with {}", answer.escape_ascii());
                rest = more.get(usize::from(*length)..).expect("short packets");
            }
        }
    }

    async fn send(&mut self, cases: usize) {
        let mut under_way = JoinSet::new();
        for n in 0..cases {
            if under_way.len() == AT_A_TIME {
                self.note(under_way.join_next().await.unwrap().unwrap());
            }
            let case = self.cases.next(n % AT_A_TIME);
            let from = match case.kind {
                // These use many addresses, because an address has to wait after too many failures.
                Kind::BeforeLogin | Kind::Http => {
                    [127, 3, u8::try_from(n / 250 % 250).unwrap(), u8::try_from(n % 250).unwrap()]
                }
                Kind::AfterLogin | Kind::WebSocket => [127, 4, 0, 1],
            };
            let (team, plain) = (self.house.addr(), self.house.hub.addr());
            let (pin, open) = (self.house.pin, self.open);
            under_way.spawn(async move {
                let answer = match n % 8 {
                    0 => match connect_from(from, team, pin).await {
                        Ok(stream) => exchange(stream, &case).await,
                        Err(error) => panic!("TLS: {error}"),
                    },
                    1 | 2 => exchange(plain_from(from, open).await, &case).await,
                    _ => exchange(plain_from(from, plain).await, &case).await,
                };
                // The open hub has neither WebSocket nor HTTP.
                (case.kind, n % 8, answer)
            });
        }
        while let Some(done) = under_way.join_next().await {
            self.note(done.unwrap());
        }
    }

    fn note(&mut self, (kind, way, answer): (Kind, usize, Vec<u8>)) {
        let good = match kind {
            Kind::BeforeLogin | Kind::AfterLogin => is_let_in(&answer),
            Kind::WebSocket => {
                let frame = answer.windows(5).position(|end| &end[..4] == b"\r\n\r\n");
                // The head of a frame has two bytes.
                answer.starts_with(b"HTTP/1.1 101")
                    && frame.is_some_and(|at| is_let_in(&answer[at + 6..]))
            }
            Kind::Http => answer.starts_with(b"HTTP/1.1 "),
        };
        if way != 1 && way != 2 {
            let (sent, answered) = self.sent.entry(kind).or_default();
            *sent += 1;
            *answered += usize::from(good);
        }
    }
}

/// A CONNACK with success.
fn is_let_in(answer: &[u8]) -> bool {
    answer.first() == Some(&0x20) && answer.get(3) == Some(&0)
}

async fn plain_from(from: [u8; 4], addr: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(SocketAddr::from((from, 0))).unwrap();
    socket.connect(addr).await.unwrap()
}

/// Sends only a case, and returns the answer. The hub must close the connection.
async fn exchange<S: AsyncReadExt + AsyncWriteExt + Unpin>(mut stream: S, case: &Case) -> Vec<u8> {
    let mut answer = Vec::new();
    let what = format!("the end of {:?} {}", case.kind, case.rest.escape_ascii());
    within(&what, async {
        // Each of these fails if the hub has closed the connection.
        if !case.first.is_empty() {
            let _ = stream.write_all(&case.first).await;
            while !answer.ends_with(b"\r\n\r\n") {
                match stream.read_u8().await {
                    Ok(byte) => answer.push(byte),
                    Err(_) => return,
                }
            }
        }
        let _ = stream.write_all(&case.rest).await;
        let _ = stream.shutdown().await;
        let _ = stream.read_to_end(&mut answer).await;
    })
    .await;
    answer
}

fn open_files() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

/// Returns the memory of this process, in MiB (proc_pid_status(5), VmRSS).
fn memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() / 1_024
}
