//! The reading API: people's statuses over HTTP, for programs without MQTT (`docs/rest.md`).
//!
//! Owns the paths below, their answers and their limits. Deliberately decides neither who may read (a [`Guard`] does)
//! nor what people's statuses are: messages and people come from a [`Source`]. It is read-only: every request is a GET.
//!
//! | limit on | where |
//! |---|---|
//! | the head of a request, and unread answers | [`crate::server`] |
//! | answers at a time | [`ANSWERS`] |
//! | open streams | [`stream::STREAMS`] |
//! | answers and streams of one reader | [`crate::turns::EACH`] |
//! | changes kept for streams | [`change_log`] |

pub(crate) mod broker_source;
pub(crate) mod change_log;
pub(crate) mod guard;
mod openapi;
pub(crate) mod source;
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

/// The maximum number of answers in progress. Each may hold the whole team in memory.
pub(crate) const ANSWERS: usize = 16;

/// The state that all requests share.
#[derive(Clone)]
struct ApiState {
    source: Arc<dyn Source>,
    guard: Arc<dyn Guard>,
    answers: Arc<Turns>,
    streams: Arc<Turns>,
    /// After this time without a change a stream sends a keep-alive comment.
    keep_alive: Duration,
}

/// The reading API as a router, to be served alone or beside other paths.
///
/// It has no fallbacks: add [`with_fallbacks`] once, for all paths together.
pub(crate) fn router(source: Arc<dyn Source>, guard: Arc<dyn Guard>) -> Router {
    router_with_keep_alive(source, guard, stream::KEEP_ALIVE)
}

fn router_with_keep_alive(
    source: Arc<dyn Source>,
    guard: Arc<dyn Guard>,
    keep_alive: Duration,
) -> Router {
    let openapi = openapi::document(guard.takes_basic());
    let state = ApiState {
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
        .layer(middleware::from_fn_with_state(state.clone(), limit_answers));
    let guarded = answers
        .route("/v1/stream", get(stream::follow))
        .layer(middleware::from_fn_with_state(state.clone(), require_permission));
    let open = Router::new()
        .route("/healthz", get(health))
        .route("/openapi.json", get(|| async move { json(StatusCode::OK, openapi) }));
    open.merge(guarded).with_state(state)
}

/// Adds the answers for unknown paths and for methods that a path does not have.
pub(crate) fn with_fallbacks(router: Router) -> Router {
    router
        .fallback(|| async { RestError::NotFound })
        .method_not_allowed_fallback(|| async { RestError::MethodNotAllowed })
        .layer(middleware::map_response(answer::private))
}

/// Rejects requests that may not read. It runs before everything else, so strangers cost little. The route itself
/// refuses a wrong method, which reveals no more than the public documentation.
async fn require_permission(
    State(state): State<ApiState>,
    mut request: Request,
    next: Next,
) -> Result<Response, RestError> {
    let peer = request.extensions().get::<Peer>().copied();
    match state.guard.may_read(&guard::Requester::new(request.headers(), peer)) {
        Permission::Granted(reader) => {
            request.extensions_mut().insert(reader);
            Ok(next.run(request).await)
        }
        Permission::Denied => Err(RestError::Unauthorized { basic: state.guard.takes_basic() }),
        Permission::Later(wait) => Err(RestError::TooManyAttempts(wait)),
    }
}

/// Limits how many answers are made at a time.
async fn limit_answers(
    State(state): State<ApiState>,
    Extension(reader): Extension<Reader>,
    request: Request,
    next: Next,
) -> Result<Response, RestError> {
    take_turn(&state.answers, &reader, request, next).await.ok_or(RestError::Busy)
}

async fn topics(State(state): State<ApiState>, headers: HeaderMap) -> Result<Response, RestError> {
    accepts(&headers, answer::JSON)?;
    let messages = state.source.retained().await.ok_or(RestError::NotReady)?;
    let shown: Vec<_> = messages.iter().filter_map(|m| m.shown(state.source.root())).collect();
    Ok(json(StatusCode::OK, answer::to_json(&shown)))
}

async fn people(State(state): State<ApiState>, headers: HeaderMap) -> Result<Response, RestError> {
    accepts(&headers, answer::JSON)?;
    let mut people = state.source.change_log().people().ok_or(RestError::NotReady)?;
    people.sort_by_cached_key(PersonView::order);
    Ok(json(StatusCode::OK, answer::to_json(&people)))
}

async fn person(
    State(state): State<ApiState>,
    headers: HeaderMap,
    user: Result<Path<String>, PathRejection>,
) -> Result<Response, RestError> {
    accepts(&headers, answer::JSON)?;
    let log = state.source.change_log();
    if !log.is_open() {
        return Err(RestError::NotReady);
    }
    // An invalid id belongs to nobody.
    let user = user.map_err(|_| RestError::Nobody)?.0;
    let person = log.person(&user).ok_or(RestError::Nobody)?;
    Ok(json(StatusCode::OK, answer::to_json(&person)))
}

/// Whether this program works. Anybody may ask, so the answer contains nothing else.
async fn health(State(state): State<ApiState>) -> Result<Response, RestError> {
    if state.source.is_healthy() {
        Ok(json(StatusCode::OK, r#"{"status":"ok"}"#.into()))
    } else {
        Err(RestError::NoBroker)
    }
}
