//! HTTP/1.1 on one connection, within bounds.
//!
//! Owns how long a head may take to come and how large it may be, and how long what was sent may stay unread. Which
//! connections are cut where there are too many is `lines.rs`'s.

use super::answer::Refused;
use super::guard::Peer;
use crate::lines::{Line, Lines, TooMany};
use axum::Router;
use axum::extract::Request;
use axum::response::IntoResponse as _;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::future::Future;
use std::io;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio::time::Sleep;
use tower_service::Service as _;

/// How long is waited for the other side.
#[derive(Debug, Clone, Copy)]
struct Patience {
    /// For a head, from the connection on or from the answer before.
    head: Duration,
    /// For what was sent to be read.
    unread: Duration,
}

const PATIENCE: Patience =
    Patience { head: Duration::from_secs(10), unread: Duration::from_secs(20) };
/// The largest head, in bytes, and the number of its fields; larger ones are answered with 431.
const HEAD_SIZE: usize = 16 * 1024;
const FIELDS: usize = 64;

/// Connections at a time.
const CONNECTIONS: usize = 256;
/// Where no connection can be accepted, for want of file descriptors say, it is tried again after this.
const PAUSE: Duration = Duration::from_millis(100);

/// Answers HTTP without TLS until it is dropped. Beyond [`CONNECTIONS`], a new connection replaces the oldest one that has
/// asked nothing yet, of the peer that has most of these.
pub(crate) async fn listen(listener: TcpListener, router: Router) {
    let lines = Lines::new(CONNECTIONS);
    let mut connections = JoinSet::new();
    loop {
        while connections.try_join_next().is_some() {}
        match listener.accept().await {
            Ok((stream, peer)) => {
                let Ok(line) = lines.enter(peer.ip().into()) else {
                    continue;
                };
                let line = Arc::new(Admission::new(line, Arc::clone(&lines)));
                let router = router.clone();
                connections.spawn(async move {
                    let admission = Arc::clone(&line);
                    tokio::select! {
                        () = patiently(stream, Some(peer.ip()), Some(admission), router, PATIENCE) => {}
                        () = line.line.cut() => {}
                    }
                });
            }
            Err(e) => {
                tracing::debug!("no connection: {e}");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

/// A connection's entry among all connections. From its first request on, newcomers do not cut it.
struct Admission {
    line: Line,
    lines: Arc<Lines>,
    asked: OnceLock<Result<(), TooMany>>,
}

impl Admission {
    fn new(line: Line, lines: Arc<Lines>) -> Self {
        Self { line, lines, asked: OnceLock::new() }
    }

    /// Counts the connection as one that has asked something; an error if there are too many of these.
    fn ask(&self) -> Result<(), TooMany> {
        *self.asked.get_or_init(|| self.lines.ask(self.line.id()))
    }
}

/// Answers the requests of one connection until it ends. Dropping the future closes it.
async fn patiently<S>(
    stream: S,
    peer: Option<IpAddr>,
    admission: Option<Arc<Admission>>,
    router: Router,
    patience: Patience,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = hyper::service::service_fn(move |request: hyper::Request<Incoming>| {
        let admitted = admission.as_ref().is_none_or(|admission| admission.ask().is_ok());
        let mut request: Request = request.map(axum::body::Body::new);
        if let Some(peer) = peer {
            request.extensions_mut().insert(Peer(peer));
        }
        let mut router = router.clone();
        async move {
            if admitted { router.call(request).await } else { Ok(Refused::Busy.into_response()) }
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(patience.head)
        .max_buf_size(HEAD_SIZE)
        .max_headers(FIELDS)
        .serve_connection(TokioIo::new(Impatient::new(stream, patience.unread)), service);
    if let Err(e) = connection.await {
        tracing::debug!("a connection ended: {e}");
    }
}

/// A stream that fails when its other side takes nothing for too long.
struct Impatient<S> {
    stream: S,
    unread: Duration,
    /// Runs while a write waits.
    waiting: Option<Pin<Box<Sleep>>>,
}

impl<S> Impatient<S> {
    fn new(stream: S, unread: Duration) -> Self {
        Self { stream, unread, waiting: None }
    }

    fn judge<T>(
        &mut self,
        cx: &mut Context<'_>,
        outcome: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if outcome.is_ready() {
            self.waiting = None;
            return outcome;
        }
        let unread = self.unread;
        let waiting = self.waiting.get_or_insert_with(|| Box::pin(tokio::time::sleep(unread)));
        std::task::ready!(waiting.as_mut().poll(cx));
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "nothing was read")))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Impatient<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Impatient<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write(cx, buf);
        self.judge(cx, outcome)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write_vectored(cx, bufs);
        self.judge(cx, outcome)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let outcome = Pin::new(&mut self.stream).poll_flush(cx);
        self.judge(cx, outcome)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let outcome = Pin::new(&mut self.stream).poll_shutdown(cx);
        self.judge(cx, outcome)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Body;
    use axum::routing::get;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};
    use tokio::task::JoinHandle;

    const SHORT: Patience =
        Patience { head: Duration::from_millis(100), unread: Duration::from_millis(100) };
    const LONG: Duration = Duration::from_secs(10);

    /// Somebody at the far end of a connection that holds 64 bytes.
    fn connected(patience: Patience) -> (DuplexStream, JoinHandle<()>) {
        let (near, far) = tokio::io::duplex(64);
        let router = Router::new()
            .route("/", get(|| async { "hello" }))
            .route("/large", get(|| async { Body::from(vec![b'x'; 1 << 20]) }));
        (far, tokio::spawn(patiently(near, None, None, router, patience)))
    }

    async fn ends(connection: JoinHandle<()>) {
        tokio::time::timeout(LONG, connection).await.expect("it was given up").unwrap();
    }

    /// Asks for something from this address, which is another peer's than 127.0.0.1.
    #[cfg(target_os = "linux")]
    async fn ask_from(source: &str, to: std::net::SocketAddr) -> String {
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.bind(format!("{source}:0").parse().unwrap()).unwrap();
        let mut stream = socket.connect(to).await.unwrap();
        stream.write_all(b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n").await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn silent_connections_of_one_peer_shut_out_nobody() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let router = Router::new().route("/", get(|| async { "hello" }));
        let _listening = tokio::spawn(listen(listener, router));
        let mut silent = Vec::new();
        for _ in 0..CONNECTIONS + 20 {
            silent.push(tokio::net::TcpStream::connect(addr).await.unwrap());
        }
        // Well before the silent ones would be given up by themselves.
        let soon = PATIENCE.head / 2;
        for source in ["127.0.0.2", "127.0.0.1"] {
            let answer = tokio::time::timeout(soon, ask_from(source, addr)).await;
            assert!(answer.is_ok_and(|it| it.ends_with("hello")), "{source}");
        }
    }

    #[tokio::test]
    async fn who_never_finishes_a_head_is_given_up() {
        let (mut far, connection) = connected(SHORT);
        far.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n").await.unwrap();
        ends(connection).await;
        let (_silent, connection) = connected(SHORT);
        ends(connection).await;
    }

    #[tokio::test]
    async fn who_asks_nothing_more_is_given_up() {
        let (mut far, connection) = connected(SHORT);
        far.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
        let mut answer = String::new();
        far.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("hello"), "{answer}");
        ends(connection).await;
    }

    #[tokio::test]
    async fn who_does_not_read_is_given_up() {
        let (mut far, connection) = connected(SHORT);
        far.write_all(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
        ends(connection).await;
    }

    #[tokio::test]
    async fn a_head_of_any_size_is_not_taken() {
        let patience = Patience { head: LONG, unread: LONG };
        for head in [
            format!("GET / HTTP/1.1\r\nX: {}\r\n\r\n", "x".repeat(HEAD_SIZE)),
            format!("GET /{} HTTP/1.1\r\n\r\n", "x".repeat(HEAD_SIZE)),
            format!("GET / HTTP/1.1\r\n{}\r\n", "X: x\r\n".repeat(FIELDS + 1)),
        ] {
            let (far, connection) = connected(patience);
            let (mut from, mut to) = tokio::io::split(far);
            // Whoever answers before the end of the head may close before it, too.
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
}
