//! An HTTP/1.1 server for one connection, with limits. Hub and gateway both use it.
//!
//! Owns the size and time limits of a request's head, the pieces of answers, and the time limit for unread bytes.
//! [`Pages`] decides which web pages may send requests. The listeners limit the number of connections with
//! `connections.rs`, and the router makes the answers.

use crate::answer;
use crate::connections::ConnectionGuard;
use crate::pages::Pages;
use crate::peer::Peer;
use crate::proxies::TrustedProxies;
use crate::turns::Unsent;
use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::response::{IntoResponse as _, Response};
use backpressure::{Impatient, Pieces};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::IpAddr;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tower_service::Service as _;

mod backpressure;

/// The maximum size of a head in bytes, and of its number of fields; larger ones are answered with 431.
const HEAD_SIZE: usize = 16 * 1024;
const FIELDS: usize = 64;

/// The time limits for the other side.
#[derive(Debug, Clone, Copy)]
struct Limits {
    /// For a head, from the start of the connection or from the previous answer.
    head: Duration,
    /// For the other side to receive [`backpressure::PIECE`] bytes, or the rest if that is less.
    unread: Duration,
}

const LIMITS: Limits = Limits { head: Duration::from_secs(10), unread: Duration::from_secs(20) };

/// Everything that a listener needs to serve its connections.
#[derive(Clone)]
pub(crate) struct Site {
    /// Makes the answers. It finds [`Peer`] and [`Unsent`] among the extensions of a request.
    pub(crate) router: Router,
    pub(crate) pages: Pages,
    /// The reverse proxies that name the client.
    pub(crate) proxies: TrustedProxies,
    /// Whether a connection may send further requests. If not, idle connections do not accumulate.
    pub(crate) keep_alive: bool,
    /// The answer if there are too many connections.
    pub(crate) busy: fn() -> Response,
}

/// Answers the requests of one connection until it ends or `end` is ready. A stream never ends by itself.
pub(crate) async fn serve<S>(
    stream: S,
    site: &Site,
    sender: IpAddr,
    connection: &ConnectionGuard,
    end: impl Future<Output = ()>,
) -> io::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    // Set at the first request. Until then a new connection may replace this one.
    let admit = |client| {
        connection.set_peer(client);
        connection.ask().is_ok()
    };
    tokio::select! {
        served = served(stream, site, sender, admit, LIMITS) => served,
        () = end => Ok(()),
        () = connection.closed() => Ok(()),
    }
}

async fn served<S>(
    stream: S,
    site: &Site,
    sender: IpAddr,
    admit: impl Fn(Peer) -> bool,
    limits: Limits,
) -> io::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let unsent = Unsent::default();
    let service = hyper::service::service_fn(|request: hyper::Request<Incoming>| {
        let peer = site.proxies.client(sender, request.headers());
        let admitted = admit(peer);
        let mut request: Request = request.map(Body::new);
        request.extensions_mut().insert(peer);
        request.extensions_mut().insert(unsent.clone());
        async move {
            let response = if admitted { answered(site, request).await } else { (site.busy)() };
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

/// The router's answer, or a refusal if the page has no permission.
async fn answered(site: &Site, request: Request) -> Response {
    let permitted = match site.pages.check(&request) {
        Ok(permitted) => permitted,
        Err(refused) => return answer::private(refused.into_response()).await,
    };
    let Some(permitted) = permitted else {
        return routed(site, request).await;
    };
    let mut response = match site.pages.preflight(&request) {
        Some(preflight) => preflight,
        None => routed(site, request).await,
    };
    permitted.may_read(&mut response);
    response
}

async fn routed(site: &Site, request: Request) -> Response {
    match site.router.clone().call(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    }
}

#[cfg(test)]
mod tests;
