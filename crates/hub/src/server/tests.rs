use super::*;
use crate::turns::{Counted, Reader, Turns};
use axum::response::Response;
use axum::routing::get;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};
use tokio::task::JoinHandle;

const SHORT: Limits =
    Limits { head: Duration::from_millis(100), unread: Duration::from_millis(300) };
const LONG: Duration = Duration::from_secs(10);
const LARGE: usize = 1 << 20;

fn site(router: Router) -> Site {
    let pages = Pages::plain(true, [].into(), "GET");
    Site {
        router,
        pages,
        proxies: TrustedProxies::default(),
        keep_alive: true,
        busy: || crate::answer::RestError::Busy.into_response(),
    }
}

/// The far end of a connection that buffers 64 bytes.
fn connected(limits: Limits) -> (DuplexStream, JoinHandle<io::Result<()>>) {
    let router = Router::new()
        .route("/", get(|| async { "hello" }))
        .route("/large", get(|| async { Body::from(vec![b'x'; LARGE]) }));
    connected_to(router, limits)
}

fn connected_to(router: Router, limits: Limits) -> (DuplexStream, JoinHandle<io::Result<()>>) {
    let (near, far) = tokio::io::duplex(64);
    let sender = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let serving =
        tokio::spawn(async move { served(near, &site(router), sender, |_| true, limits).await });
    (far, serving)
}

async fn ends(connection: JoinHandle<io::Result<()>>) {
    drop(tokio::time::timeout(LONG, connection).await.expect("it was given up").unwrap());
}

#[tokio::test]
async fn who_never_finishes_a_head_is_given_up() {
    let (mut far, connection) = connected(SHORT);
    far.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n").await.unwrap();
    ends(connection).await;
    let (_silent, connection) = connected(SHORT);
    ends(connection).await;
}

#[tokio::test]
async fn who_asks_nothing_more_is_given_up() {
    let (mut far, connection) = connected(SHORT);
    far.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    far.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("hello"), "{answer}");
    ends(connection).await;
}

#[tokio::test]
async fn who_does_not_read_is_given_up() {
    let (mut far, connection) = connected(SHORT);
    far.write_all(b"GET /large HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    ends(connection).await;
}

#[tokio::test]
async fn who_reads_a_byte_now_and_then_is_given_up() {
    let (mut far, connection) = connected(SHORT);
    far.write_all(b"GET /large HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    let mut read = 0;
    let dripping = async {
        // Well within the time limit for the next byte.
        let mut tick = tokio::time::interval(SHORT.unread / 10);
        while far.read_u8().await.is_ok() {
            read += 1;
            tick.tick().await;
        }
    };
    tokio::time::timeout(LONG, dripping).await.expect("it was given up");
    assert!(read < LARGE / 2, "{read} bytes");
    ends(connection).await;
}

#[tokio::test]
async fn who_reads_has_the_whole_answer() {
    let (mut far, _connection) = connected(SHORT);
    let request = b"GET /large HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    far.write_all(request).await.unwrap();
    let mut answer = Vec::new();
    far.read_to_end(&mut answer).await.unwrap();
    let head = String::from_utf8_lossy(&answer[..answer.len() - LARGE]).to_lowercase();
    assert!(head.contains(&format!("content-length: {LARGE}")), "{head}");
    assert!(answer[answer.len() - LARGE..].iter().all(|byte| *byte == b'x'));
}

#[tokio::test]
async fn an_answer_is_under_way_until_it_is_sent() {
    // Small enough that hyper buffers it at once.
    const SMALL: usize = 4_096;
    let turns = Turns::new(1);
    let all = Arc::clone(&turns);
    let answer = async move |request: Request| -> Response {
        let turn = all.try_take(&Reader::Program("a".to_owned())).expect("it is free");
        let unsent = request.extensions().get::<Unsent>().cloned();
        Response::new(Body::new(Counted::new(Body::from(vec![b'x'; SMALL]), turn, unsent)))
    };
    let router = Router::new().route("/", get(answer));
    let (mut far, _connection) = connected_to(router, Limits { head: LONG, unread: LONG });
    far.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    let other = Reader::Program("b".to_owned());
    let mut got = Vec::new();
    // The last bytes except those that the connection buffers.
    while got.len() < SMALL {
        got.push(far.read_u8().await.unwrap());
        assert!(turns.try_take(&other).is_none(), "after {} bytes", got.len());
    }
    let mut rest = [0; 1_024];
    let free = async {
        while turns.try_take(&other).is_none() {
            tokio::select! {
                read = far.read(&mut rest) => assert!(read.unwrap() > 0),
                () = tokio::task::yield_now() => {}
            }
        }
    };
    tokio::time::timeout(LONG, free).await.expect("it is free once all is sent");
}

#[tokio::test]
async fn an_answer_is_not_under_way_where_its_connection_has_ended() {
    let turns = Turns::new(1);
    let all = Arc::clone(&turns);
    let answer = async move |request: Request| -> Response {
        let turn = all.try_take(&Reader::Program("a".to_owned())).expect("it is free");
        let unsent = request.extensions().get::<Unsent>().cloned();
        Response::new(Body::new(Counted::new(Body::from(vec![b'x'; LARGE]), turn, unsent)))
    };
    let router = Router::new().route("/", get(answer));
    let (mut far, connection) = connected_to(router, SHORT);
    far.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    ends(connection).await;
    assert!(turns.try_take(&Reader::Program("b".to_owned())).is_some());
}

#[tokio::test]
async fn a_head_of_any_size_is_not_taken() {
    let limits = Limits { head: LONG, unread: LONG };
    for head in [
        format!("GET / HTTP/1.1\r\nX: {}\r\n\r\n", "x".repeat(HEAD_SIZE)),
        format!("GET /{} HTTP/1.1\r\n\r\n", "x".repeat(HEAD_SIZE)),
        format!("GET / HTTP/1.1\r\n{}\r\n", "X: x\r\n".repeat(FIELDS + 1)),
    ] {
        let (far, connection) = connected(limits);
        let (mut from, mut to) = tokio::io::split(far);
        // The server may answer and close before it has read the whole head, so this write may fail.
        let sent = async { drop(to.write_all(head.as_bytes()).await) };
        let mut answer = Vec::new();
        let read = async { drop(from.read_to_end(&mut answer).await) };
        tokio::join!(sent, read);
        let answer = String::from_utf8_lossy(&answer);
        let refused = answer.starts_with("HTTP/1.1 431") || answer.starts_with("HTTP/1.1 414");
        assert!(refused, "{answer}");
        ends(connection).await;
    }
}
