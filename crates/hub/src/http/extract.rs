//! The parts of a request that handlers need, and the refusal of a request.

use crate::accounts::{Login, SaveError};
use crate::answer;
use crate::authorization::Authorization;
use crate::clock;
use crate::peer::Peer;
use crate::team::Team;
use axum::body::to_bytes;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use porchlight_core::team::RefusalCode;
use serde::de::DeserializeOwned;
use std::sync::Arc;
use std::time::Duration;

/// How long a body may take, and how large it may be.
const BODY: Duration = Duration::from_secs(5);
const BODY_SIZE: usize = 16 * 1024;

/// A refusal: the status, the code for programs, and the message for people.
#[derive(Debug)]
pub(super) struct ApiError(pub(super) StatusCode, pub(super) RefusalCode, pub(super) String);

impl ApiError {
    pub(super) fn new(status: StatusCode, code: RefusalCode, message: &str) -> Self {
        Self(status, code, message.to_owned())
    }

    pub(super) fn not_allowed(message: &str) -> Self {
        Self::new(StatusCode::FORBIDDEN, RefusalCode::NotAllowed, message)
    }

    pub(super) fn last_owner() -> Self {
        let message =
            "you are the last owner of this team: remove the others first, or make another owner";
        Self::new(StatusCode::FORBIDDEN, RefusalCode::LastOwner, message)
    }

    pub(super) fn not_found() -> Self {
        let message = "there is no such thing here; look at the list again";
        Self::new(StatusCode::NOT_FOUND, RefusalCode::NotFound, message)
    }

    pub(super) fn not_signed_in() -> Self {
        let message = "this device is not signed in here: join the team again with an invitation";
        Self::new(StatusCode::UNAUTHORIZED, RefusalCode::NotSignedIn, message)
    }

    fn too_many_attempts() -> Self {
        let message = "too many attempts came from this network; try again in a minute";
        Self::new(StatusCode::TOO_MANY_REQUESTS, RefusalCode::TooManyAttempts, message)
    }

    pub(super) fn busy() -> Self {
        let message = "the hub is busy; try again in a moment";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, RefusalCode::TooManyAttempts, message)
    }

    fn no_json() -> Self {
        let message = "send JSON, and say so with Content-Type: application/json";
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, RefusalCode::BadRequest, message)
    }

    pub(super) fn bad_request(message: &str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, RefusalCode::BadRequest, message)
    }
}

impl From<SaveError> for ApiError {
    fn from(e: SaveError) -> Self {
        if e.is_moving() {
            return Self::busy();
        }
        // The system's reason is for the person who runs the hub. They were warned once.
        tracing::debug!("{e}");
        let message = "the computer that hosts the team can't save anything now; tell the person who runs it, then try again";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, RefusalCode::NotSaved, message)
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let Self(status, code, message) = self;
        let mut response = answer::json(status, answer::refusal(code, &message).into());
        if status == StatusCode::UNAUTHORIZED {
            let basic = header::HeaderValue::from_static("Basic realm=\"porchlight\"");
            response.headers_mut().insert(header::WWW_AUTHENTICATE, basic);
        }
        response
    }
}

/// A request that anybody may make, within the limit of wrong attempts.
pub(super) struct Unauthenticated(pub(super) Peer);

impl FromRequestParts<Arc<Team>> for Unauthenticated {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, team: &Arc<Team>) -> Result<Self, ApiError> {
        let peer = peer(parts)?;
        if !team.may_try(clock::now().mono, peer, None) {
            return Err(ApiError::too_many_attempts());
        }
        Ok(Self(peer))
    }
}

/// A member who is signed in (HTTP Basic, RFC 7617: credential id and secret).
pub(super) struct Member(pub(super) Login);

impl FromRequestParts<Arc<Team>> for Member {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, team: &Arc<Team>) -> Result<Self, ApiError> {
        let peer = peer(parts)?;
        let shown = match Authorization::of(&parts.headers) {
            Some(Authorization::Basic(id, secret)) => Some((id, secret)),
            Some(Authorization::Bearer(_)) | None => None,
        };
        let now = clock::now().mono;
        let id = shown.as_ref().map(|(id, _)| id.as_str());
        if !team.may_try(now, peer, id) {
            return Err(ApiError::too_many_attempts());
        }
        let (id, secret) = shown.ok_or_else(ApiError::not_signed_in)?;
        match team.log_in(now, peer, &id, &secret) {
            Some(login) => Ok(Self(login)),
            None => Err(ApiError::not_signed_in()),
        }
    }
}

/// A body of JSON, limited in size and time. Its Content-Type must be JSON, which a web page of another site cannot send
/// without a preflight.
pub(super) struct JsonBody<T>(pub(super) T);

impl<T: DeserializeOwned, S: Sync> FromRequest<S> for JsonBody<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &S) -> Result<Self, ApiError> {
        if !is_json(request.headers()) {
            return Err(ApiError::no_json());
        }
        let body = tokio::time::timeout(BODY, to_bytes(request.into_body(), BODY_SIZE)).await;
        let bytes = body
            .map_err(|_| ApiError::bad_request("the request did not come whole in 5 seconds"))?
            .map_err(|_| {
                ApiError::bad_request("the request is larger than 16 KiB, or broke off")
            })?;
        let said = serde_json::from_slice(&bytes);
        said.map(Self)
            .map_err(|e| ApiError::bad_request(&format!("the request is not as it should be: {e}")))
    }
}

/// Whether the one Content-Type field is JSON in UTF-8 (RFC 9110, section 8.3).
fn is_json(headers: &HeaderMap) -> bool {
    let mut types = headers.get_all(header::CONTENT_TYPE).iter();
    let (Some(said), None) = (types.next().and_then(|said| said.to_str().ok()), types.next())
    else {
        return false;
    };
    let (kind, parameter) = match said.split_once(';') {
        Some((kind, parameter)) => (kind, Some(parameter.trim())),
        None => (said, None),
    };
    let utf8 = |parameter: &str| {
        let value = parameter.split_once('=').filter(|(n, _)| n.eq_ignore_ascii_case("charset"));
        value.is_some_and(|(_, value)| value.trim_matches('"').eq_ignore_ascii_case("utf-8"))
    };
    kind.trim().eq_ignore_ascii_case("application/json") && parameter.is_none_or(utf8)
}

fn peer(parts: &Parts) -> Result<Peer, ApiError> {
    parts.extensions.get::<Peer>().copied().ok_or_else(ApiError::not_signed_in)
}

pub(super) async fn not_found() -> ApiError {
    ApiError::not_found()
}

pub(super) async fn method_not_allowed() -> ApiError {
    let message = "this cannot be done here; look at the method";
    ApiError::new(StatusCode::METHOD_NOT_ALLOWED, RefusalCode::BadRequest, message)
}

/// The answer if too many requests come at a time.
pub(crate) fn busy_response() -> Response {
    ApiError::busy().into_response()
}
