//! The reading API: who is around, over HTTP, for programs that speak no MQTT (`docs/rest.md`).
//!
//! Owns the paths below, what they answer, and their bounds. It deliberately decides neither who may read, which a
//! [`Guard`] says, nor what is true: retained messages and people come from a [`Source`], and a person is summed
//! in `porchlight-core` as everywhere else. It changes nothing: every request is a GET.
//!
//! What a reader can cost is bounded: the head of a request and how long it may take to come ([`crate::server`]), answers
//! under way ([`ANSWERS`]), open streams ([`stream::STREAMS`]), what one reader may have of either ([`crate::turns::EACH`]), what is kept for a
//! stream to go on from ([`change_log`]), and how long a reader may leave what it was sent unread ([`crate::server`]).

pub(crate) mod change_log;
pub(crate) mod guard;
mod openapi;
pub(crate) mod source;
pub(crate) mod stored;
mod stream;
#[cfg(test)]
mod tests;

use crate::answer::{self, RestError, accepts, json};
use crate::peer::Peer;
use crate::turns::{Reader, Turns, take_turn};
use axum::Router;
use axum::extract::rejection::PathRejection;
use axum::extract::{Extension, Path, Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::routing::get;
use guard::{Guard, Permission};
use porchlight_core::view::PersonView;
use source::Source;
use std::sync::Arc;
use std::time::Duration;

/// Answers that are made or sent at a time. Each may hold the whole team in memory.
pub(crate) const ANSWERS: usize = 16;
/// What all requests share.
#[derive(Clone)]
struct Reading {
    source: Arc<dyn Source>,
    guard: Arc<dyn Guard>,
    answers: Arc<Turns>,
    streams: Arc<Turns>,
    /// After how long without a change a stream says that it lives.
    keep_alive: Duration,
}

/// The reading API as a router, to be served alone or beside other paths.
///
/// It has no fallback of its own: whoever serves it adds [`nothing_here`], once for all paths.
pub(crate) fn reading(source: Arc<dyn Source>, guard: Arc<dyn Guard>) -> Router {
    kept_alive(source, guard, stream::KEEP_ALIVE)
}

fn kept_alive(source: Arc<dyn Source>, guard: Arc<dyn Guard>, keep_alive: Duration) -> Router {
    let openapi = openapi::document(guard.takes_basic());
    let reading = Reading {
        source,
        guard,
        answers: Turns::new(ANSWERS),
        streams: Turns::new(stream::STREAMS),
        keep_alive,
    };
    let answers = Router::new()
        .route("/v2/topics/presence", get(topics))
        .route("/v1/people", get(people))
        .route("/v1/people/{user}", get(person))
        .layer(middleware::from_fn_with_state(reading.clone(), in_turn));
    let guarded = answers
        .route("/v1/stream", get(stream::follow))
        .layer(middleware::from_fn_with_state(reading.clone(), guarded));
    let open = Router::new()
        .route("/healthz", get(health))
        .route("/openapi.json", get(|| async move { json(StatusCode::OK, openapi) }));
    open.merge(guarded).with_state(reading)
}

/// What stands at no path, and what is done at one that it can't be done at.
pub(crate) fn nothing_here(router: Router) -> Router {
    router
        .fallback(|| async { RestError::NotFound })
        .method_not_allowed_fallback(|| async { RestError::MethodNotAllowed })
        .layer(middleware::map_response(answer::private))
}

/// Lets those pass who may read. First of all, so that strangers cost nothing; but who uses another method hears that from
/// the route, which knows no more than the documentation tells everybody.
async fn guarded(
    State(reading): State<Reading>,
    mut request: Request,
    next: Next,
) -> Result<Response, RestError> {
    let peer = request.extensions().get::<Peer>().copied();
    match reading.guard.may_read(&guard::Requester::new(request.headers(), peer)) {
        Permission::Granted(reader) => {
            request.extensions_mut().insert(reader);
            Ok(next.run(request).await)
        }
        Permission::Denied => Err(RestError::Unauthorized { basic: reading.guard.takes_basic() }),
        Permission::Later(wait) => Err(RestError::TooManyAttempts(wait)),
    }
}

/// Makes a bounded number of answers at a time.
async fn in_turn(
    State(reading): State<Reading>,
    Extension(reader): Extension<Reader>,
    request: Request,
    next: Next,
) -> Result<Response, RestError> {
    take_turn(&reading.answers, &reader, request, next).await.ok_or(RestError::Busy)
}

async fn topics(State(reading): State<Reading>, headers: HeaderMap) -> Result<Response, RestError> {
    accepts(&headers, answer::JSON)?;
    let messages = reading.source.retained().await.ok_or(RestError::NotReady)?;
    let shown: Vec<_> = messages.iter().filter_map(|m| m.shown(reading.source.root())).collect();
    Ok(json(StatusCode::OK, answer::to_json(&shown)))
}

async fn people(State(reading): State<Reading>, headers: HeaderMap) -> Result<Response, RestError> {
    accepts(&headers, answer::JSON)?;
    let mut people = reading.source.board().people().ok_or(RestError::NotReady)?;
    people.sort_by_cached_key(PersonView::order);
    Ok(json(StatusCode::OK, answer::to_json(&people)))
}

async fn person(
    State(reading): State<Reading>,
    headers: HeaderMap,
    user: Result<Path<String>, PathRejection>,
) -> Result<Response, RestError> {
    accepts(&headers, answer::JSON)?;
    let board = reading.source.board();
    if !board.is_open() {
        return Err(RestError::NotReady);
    }
    // What is no id is nobody's.
    let user = user.map_err(|_| RestError::Nobody)?.0;
    let person = board.person(&user).ok_or(RestError::Nobody)?;
    Ok(json(StatusCode::OK, answer::to_json(&person)))
}

/// Whether this program can do its work. Everybody may ask, so it tells nothing else.
async fn health(State(reading): State<Reading>) -> Result<Response, RestError> {
    if reading.source.is_well() {
        Ok(json(StatusCode::OK, r#"{"status":"ok"}"#.into()))
    } else {
        Err(RestError::NoBroker)
    }
}
