//! HTTP/1.1 on one connection, within bounds.
//!
//! Owns how long a head may take to come and how large it may be, and how long what was sent may stay unread. Whoever
//! accepts connections otherwise, through TLS say, hands them over one by one.

use super::guard::Peer;
use axum::Router;
use axum::extract::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::future::Future;
use std::io;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
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

/// Answers whoever connects, without TLS, until it is dropped. Beyond [`CONNECTIONS`] one has to wait.
pub(crate) async fn listen(listener: TcpListener, router: Router) {
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    let mut connections = JoinSet::new();
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else {
            return;
        };
        while connections.try_join_next().is_some() {}
        match listener.accept().await {
            Ok((stream, peer)) => {
                let router = router.clone();
                connections.spawn(async move {
                    connection(stream, Some(peer.ip()), router).await;
                    drop(place);
                });
            }
            Err(e) => {
                tracing::debug!("no connection: {e}");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

/// Answers the requests of one connection until it ends. Dropping the future closes it.
pub(crate) async fn connection<S>(stream: S, peer: Option<IpAddr>, router: Router)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    patiently(stream, peer, router, PATIENCE).await;
}

async fn patiently<S>(stream: S, peer: Option<IpAddr>, router: Router, patience: Patience)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = hyper::service::service_fn(move |request: hyper::Request<Incoming>| {
        let mut request: Request = request.map(axum::body::Body::new);
        if let Some(peer) = peer {
            request.extensions_mut().insert(Peer(peer));
        }
        let mut router = router.clone();
        async move { router.call(request).await }
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
        (far, tokio::spawn(patiently(near, None, router, patience)))
    }

    async fn ends(connection: JoinHandle<()>) {
        tokio::time::timeout(LONG, connection).await.expect("it was given up").unwrap();
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
