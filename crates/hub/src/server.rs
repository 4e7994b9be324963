//! HTTP/1.1 on one connection, within bounds: the one server of hub and gateway.
//!
//! Owns how long a head may take to come and how large it may be, that answers go out in pieces, and how long what was sent may stay unread. Whoever accepts connections decides how many there may be
//! (`lines.rs`); what is answered is the router's.

use crate::access::Peer;
use crate::lines::Line;
use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tower_service::Service as _;
use unread::{Impatient, Pieces};

mod unread;

pub(crate) use unread::Unsent;

/// The largest head, in bytes, and the number of its fields; larger ones are answered with 431.
const HEAD_SIZE: usize = 16 * 1024;
const FIELDS: usize = 64;

/// How long is waited for the other side.
#[derive(Debug, Clone, Copy)]
struct Limits {
    /// For a head, from the connection on or from the answer before.
    head: Duration,
    /// For the other side to take [`unread::PIECE`] bytes, or all that there is for it.
    unread: Duration,
}

const LIMITS: Limits = Limits { head: Duration::from_secs(10), unread: Duration::from_secs(20) };

/// What the connections of a listener are served with.
#[derive(Clone)]
pub(crate) struct Site {
    /// What is answered. It finds the [`Peer`] among the request's extensions, and [`Unsent`].
    pub(crate) router: Router,
    /// Whether a connection may ask again. Otherwise nobody holds connections that ask nothing.
    pub(crate) keep_alive: bool,
    /// The answer where there are too many connections.
    pub(crate) busy: fn() -> Response,
}

/// Answers the requests of one connection until it ends, or until `end` is there: a stream would never end by itself.
pub(crate) async fn serve<S>(
    stream: S,
    site: &Site,
    peer: Peer,
    line: &Line,
    end: impl Future<Output = ()>,
) -> io::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    // Only from its first request on: until then it is one of those that may be closed for newcomers.
    let admit = || line.ask().is_ok();
    tokio::select! {
        served = served(stream, site, peer, admit, LIMITS) => served,
        () = end => Ok(()),
        () = line.cut() => Ok(()),
    }
}

async fn served<S>(
    stream: S,
    site: &Site,
    peer: Peer,
    admit: impl Fn() -> bool,
    limits: Limits,
) -> io::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let unsent = Unsent::default();
    let service = hyper::service::service_fn(|request: hyper::Request<Incoming>| {
        let admitted = admit();
        let mut request: Request = request.map(Body::new);
        request.extensions_mut().insert(peer);
        request.extensions_mut().insert(unsent.clone());
        async move {
            let response = if admitted { routed(site, request).await } else { (site.busy)() };
            Ok::<_, Infallible>(response.map(Pieces::new))
        }
    });
    let stream = TokioIo::new(Impatient::new(stream, limits.unread, unsent.clone()));
    http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head)
        .max_buf_size(HEAD_SIZE)
        .max_headers(FIELDS)
        .keep_alive(site.keep_alive)
        .serve_connection(stream, service)
        .await
        .map_err(io::Error::other)
}

async fn routed(site: &Site, request: Request) -> Response {
    match site.router.clone().call(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    }
}

#[cfg(test)]
mod tests;
