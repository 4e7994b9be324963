//! What the hub is asked over HTTP: joining, the team, its invitations and tokens.
//!
//! Owns the paths, who may ask what, and that a request costs no more than it may: its head, its body and its answer each
//! have a bound in size and in time. What is then done is the team's (`team.rs`). Reading who is around is a router of its
//! own, which is nested here.

use crate::access::Peer;
use crate::lines::{Line, Lines};
use crate::rest::{self, guard};
use crate::team::Team;
use axum::Router;
use axum::extract::Request;
use axum::middleware;
use axum::routing::{delete, get, post};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::broadcast;
use tower_service::Service as _;

mod asked;
mod join;
mod moving;
mod readers;
mod team;

pub(crate) use readers::Readers;

/// How long a request's head may take.
const HEAD: Duration = Duration::from_secs(5);
const HEAD_SIZE: usize = 16 * 1024;
const MAX_FIELDS: usize = 48;

/// The paths of a team's hub, with `reading` beside them.
pub(crate) fn router(hub: Arc<Team>, reading: Router) -> Router {
    Router::new()
        .route("/v1/join", post(join::join))
        .route("/v1/requests", post(join::request).get(team::requests))
        .route("/v1/requests/{id}", get(join::how_it_stands).post(team::decide))
        .route("/v1/team", get(team::team))
        .route("/v1/members", get(team::members))
        .route("/v1/members/{user}", delete(team::remove_member))
        .route("/v1/members/{user}/invited", get(team::invited))
        .route("/v1/devices/{id}", delete(team::revoke_device))
        .route("/v1/invites", post(team::invite).get(team::invites))
        .route("/v1/invites/{id}", delete(team::take_back))
        .route("/v1/tokens", post(team::make_token).get(team::tokens))
        .route("/v1/tokens/{id}", delete(team::revoke_token))
        .route("/v1/move", post(moving::begin))
        .route("/v1/move/done", post(moving::done))
        .with_state(hub)
        .merge(reading)
        .fallback(asked::nothing_there)
        .method_not_allowed_fallback(asked::not_like_that)
        .layer(middleware::map_response(rest::private))
}

/// Answers one request on a line, and closes it.
pub(crate) async fn serve<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
    stream: S,
    router: Router,
    peer: SocketAddr,
    line: &Arc<Line>,
    lines: &Arc<Lines>,
    mut shutdown: broadcast::Receiver<()>,
) -> io::Result<()> {
    let (id, lines, ip) = (line.id(), Arc::clone(lines), peer.ip());
    let service = hyper::service::service_fn(move |request: hyper::Request<Incoming>| {
        let mut router = router.clone();
        // Only now: until its head has come it is one of those that may wait for nothing.
        let admitted = lines.ask(id);
        async move {
            if admitted.is_err() {
                return Ok(asked::too_many());
            }
            let mut request: Request = request.map(axum::body::Body::new);
            request.extensions_mut().insert(Peer::from(ip));
            request.extensions_mut().insert(guard::Peer(ip));
            router.call(request).await
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .max_buf_size(HEAD_SIZE)
        .max_headers(MAX_FIELDS)
        // One request a line, so that nobody holds lines that ask nothing.
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), service);
    tokio::select! {
        served = connection => served.map_err(io::Error::other),
        // A stream would never end by itself.
        _ = shutdown.recv() => Ok(()),
        () = line.cut() => Ok(()),
    }
}
