//! JSON answers and refusals of the HTTP API.
//!
//! Owns the code and the text of every refusal. Programs branch on the code.

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use std::time::Duration;

pub(crate) const JSON: &str = "application/json";
pub(crate) const EVENTS: &str = "text/event-stream";

/// Why a request is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum RestError {
    /// The request has no credential, or an unknown one.
    #[error(
        "this needs a token; send the header Authorization: Bearer TOKEN with a token that the team's owner made"
    )]
    Unauthorized {
        /// Whether a member's name and secret are accepted as well.
        basic: bool,
    },
    /// Too many wrong tokens came from this address.
    #[error("too many wrong tokens came from this address; correct the token, wait, and try again")]
    TooManyAttempts(Duration),
    /// No such path.
    #[error("nothing is at this path; /openapi.json lists what there is")]
    NotFound,
    /// No such person.
    #[error("nobody in this team has this id; /v1/people lists everybody")]
    Nobody,
    /// A method other than GET or HEAD.
    #[error("this path supports only GET and HEAD; use one of them")]
    MethodNotAllowed,
    /// The reader accepts no media type that we have.
    #[error("the answer is not available in the form that Accept asks for; send Accept: */*")]
    NotAcceptable,
    /// A parameter that cannot be read.
    #[error("the parameter follow must be true or false")]
    BadQuery,
    /// Too many answers at a time, in total or for this reader.
    #[error(
        "too many answers are in progress: 4 at a time for you, 16 for all; try again in a moment"
    )]
    Busy,
    /// Too many open streams, in total or for this reader.
    #[error("too many streams are open: 4 for you, 64 for all; close one, or try again later")]
    TooManyStreams,
    /// The gateway has not read its broker yet.
    #[error("the broker has not been read yet; try again in a moment")]
    NotReady,
    /// The gateway has no connection to its broker.
    #[error("the connection to the broker is down; try again when it is back")]
    NoBroker,
    /// The request names no server, or more than one.
    #[error(
        "the request does not name its server; send one Host field with a host and an optional port"
    )]
    BadHost,
    /// The request names another server. A page sends one after DNS rebinding to this computer.
    #[error(
        "only programs on this computer can use this; use localhost or 127.0.0.1, or add your host name to `origins` under [hub]"
    )]
    WrongHost,
    /// A web page without permission made the request.
    #[error(
        "web pages of this origin have no access; the owner of the team can add it to `origins` under [hub]"
    )]
    ForeignPage,
}

impl RestError {
    pub(crate) const fn code(self) -> &'static str {
        match self {
            Self::Unauthorized { .. } => "unauthorized",
            Self::TooManyAttempts(_) => "too_many_attempts",
            Self::NotFound => "not_found",
            Self::Nobody => "nobody",
            Self::MethodNotAllowed => "method_not_allowed",
            Self::NotAcceptable => "not_acceptable",
            Self::BadQuery => "bad_query",
            Self::Busy => "busy",
            Self::TooManyStreams => "too_many_streams",
            Self::NotReady => "not_ready",
            Self::NoBroker => "no_broker",
            Self::BadHost => "bad_host",
            Self::WrongHost => "wrong_host",
            Self::ForeignPage => "foreign_page",
        }
    }

    pub(crate) const fn status(self) -> StatusCode {
        match self {
            Self::Unauthorized { .. } => StatusCode::UNAUTHORIZED,
            Self::TooManyAttempts(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::NotFound | Self::Nobody => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::NotAcceptable => StatusCode::NOT_ACCEPTABLE,
            Self::BadQuery | Self::BadHost => StatusCode::BAD_REQUEST,
            // RFC 9110, section 15.5.20.
            Self::WrongHost => StatusCode::MISDIRECTED_REQUEST,
            // The status that RFC 6455, section 10.2, recommends for WebSockets.
            Self::ForeignPage => StatusCode::FORBIDDEN,
            Self::Busy | Self::TooManyStreams | Self::NotReady | Self::NoBroker => {
                StatusCode::SERVICE_UNAVAILABLE
            }
        }
    }

    /// The code and the message as JSON.
    pub(crate) fn body(self) -> String {
        refusal(self.code(), &self.to_string())
    }

    /// After how many seconds a retry makes sense.
    fn retry_after(self) -> Option<u64> {
        match self {
            Self::TooManyAttempts(wait) => Some(wait.as_secs().max(1)),
            Self::Busy | Self::NotReady | Self::NoBroker => Some(1),
            Self::TooManyStreams => Some(15),
            _ => None,
        }
    }
}

impl IntoResponse for RestError {
    fn into_response(self) -> Response {
        let mut response = json(self.status(), self.body().into());
        let headers = response.headers_mut();
        if let Some(seconds) = self.retry_after() {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if let Self::Unauthorized { basic } = self {
            let challenge = if basic {
                r#"Bearer realm="porchlight", Basic realm="porchlight", charset="UTF-8""#
            } else {
                r#"Bearer realm="porchlight""#
            };
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
        }
        response
    }
}

/// The body of every refusal, here and in `http/`: a code for programs, and a message for people.
pub(crate) fn refusal(code: impl Serialize, message: &str) -> String {
    #[derive(Serialize)]
    struct Refusal<'a, C> {
        code: C,
        message: &'a str,
    }
    serde_json::to_string(&Refusal { code, message }).expect("two texts are JSON")
}

pub(crate) fn to_json(value: &impl Serialize) -> Bytes {
    serde_json::to_vec(value).expect("views have only text keys").into()
}

pub(crate) fn json(status: StatusCode, body: Bytes) -> Response {
    (status, [(header::CONTENT_TYPE, JSON)], Body::from(body)).into_response()
}

/// Whether the reader accepts this media type (RFC 9110, section 12.5.1). Without an Accept field it accepts all.
pub(crate) fn accepts(headers: &HeaderMap, media_type: &str) -> Result<(), RestError> {
    let mut ranges = headers
        .get_all(header::ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter(|range| !range.trim().is_empty())
        .peekable();
    if ranges.peek().is_none() {
        return Ok(());
    }
    let kind = media_type.split('/').next().unwrap_or_default();
    // The most specific matching range decides.
    let mut best = None;
    for range in ranges {
        let mut parts = range.split(';').map(str::trim);
        let named = parts.next().unwrap_or_default().to_ascii_lowercase();
        let fit = match named.as_str() {
            named if named == media_type => 3,
            named if named.strip_suffix("/*") == Some(kind) => 2,
            "*/*" => 1,
            _ => continue,
        };
        let quality = parts.find_map(|p| p.strip_prefix("q=").or_else(|| p.strip_prefix("Q=")));
        let wanted = quality.is_none_or(|q| q.trim().parse::<f32>().is_ok_and(|q| q > 0.0));
        if best.is_none_or(|(before, _)| fit > before) {
            best = Some((fit, wanted));
        }
    }
    if best.is_some_and(|(_, wanted)| wanted) { Ok(()) } else { Err(RestError::NotAcceptable) }
}

/// Tells browsers not to cache the answer, and not to guess its type.
pub(crate) async fn private(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, header::HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, header::HeaderValue::from_static("nosniff"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(accept: &str) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT, accept.parse().unwrap());
        accepts(&headers, JSON).is_ok()
    }

    #[test]
    fn what_a_reader_accepts_is_as_the_specification_says() {
        assert!(accepts(&HeaderMap::new(), JSON).is_ok());
        for accept in [
            "*/*",
            "application/json",
            "Application/JSON; charset=utf-8",
            "text/html, application/*;q=0.5",
            "text/html;q=0.9,*/*;q=0.1",
            "",
        ] {
            assert!(taken(accept), "{accept}");
        }
        for accept in ["text/html", "application/json;q=0, */*", "*/*;q=0", "nonsense"] {
            assert!(!taken(accept), "{accept}");
        }
    }
}
