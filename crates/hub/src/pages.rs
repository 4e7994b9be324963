//! Decides which web pages may send requests to a listener, over HTTP and for a WebSocket.
//!
//! A browser sends requests for a page of any site, also to this computer and into this network. It adds the page's
//! origin. So every request must name this server (Host), and a page must have the server's own origin or one that the
//! owner permits. Other programs send neither Origin nor Sec-Fetch-Site; nothing changes for them.

use crate::answer::RestError;
use axum::body::Body;
use axum::http::header::{self, HeaderName};
use axum::http::{HeaderMap, HeaderValue, Method, Request, StatusCode};
use axum::response::{IntoResponse as _, Response};
use porchlight_core::web_origin::{Authority, Scheme, WebOrigin};
use std::sync::Arc;

/// The header fields that a page may send: its token, the type of a body, and where a stream resumes.
const FIELDS: HeaderValue = HeaderValue::from_static("authorization, content-type, last-event-id");
/// For how many seconds a browser may cache the answer to a preflight.
const REMEMBERED: HeaderValue = HeaderValue::from_static("600");
/// The header that names the site of a browser's request (Fetch Metadata Request Headers, section 2.3).
const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// The rules for web pages at one listener.
#[derive(Debug, Clone)]
pub(crate) struct Pages {
    scheme: Scheme,
    /// Whether only programs on this computer reach the listener. Then its names are loopback names.
    local: bool,
    permitted: Arc<[WebOrigin]>,
    /// The methods of the listener's paths.
    methods: HeaderValue,
}

/// The origin of a page that the owner permits, as the browser wrote it.
#[derive(Debug)]
pub(crate) struct Permitted(HeaderValue);

impl Pages {
    /// With TLS, under any name.
    pub(crate) fn over_tls(permitted: Arc<[WebOrigin]>, methods: &'static str) -> Self {
        let methods = HeaderValue::from_static(methods);
        Self { scheme: Scheme::Https, local: false, permitted, methods }
    }

    /// Without TLS. `local`: only programs on this computer reach it.
    pub(crate) fn plain(local: bool, permitted: Arc<[WebOrigin]>, methods: &'static str) -> Self {
        let methods = HeaderValue::from_static(methods);
        Self { scheme: Scheme::Http, local, permitted, methods }
    }

    /// Checks that the request is for this server and permitted. Returns the page's origin if the owner permits it.
    pub(crate) fn check<B>(&self, request: &Request<B>) -> Result<Option<Permitted>, RestError> {
        let server = self.server(request)?;
        let headers = request.headers();
        let origin = match one(headers, &header::ORIGIN) {
            Ok(origin) => origin,
            Err(Several) => return Err(RestError::ForeignPage),
        };
        let mut permitted = None;
        if let Some(said) = origin {
            let origin: Option<WebOrigin> = said.to_str().ok().and_then(|said| said.parse().ok());
            let origin = origin.ok_or(RestError::ForeignPage)?;
            if self.permitted.contains(&origin) {
                permitted = Some(Permitted(said.clone()));
            } else if origin != WebOrigin::of(self.scheme, &server) {
                return Err(RestError::ForeignPage);
            }
        }
        // Not every request of a page has an Origin: requests for images and links have none.
        let foreign = |site: &HeaderValue| !matches!(site.as_bytes(), b"none" | b"same-origin");
        if permitted.is_none() && headers.get_all(SEC_FETCH_SITE).iter().any(foreign) {
            return Err(RestError::ForeignPage);
        }
        Ok(permitted)
    }

    /// The server that the request is for.
    fn server<B>(&self, request: &Request<B>) -> Result<Authority, RestError> {
        let Ok(Some(host)) = one(request.headers(), &header::HOST) else {
            return Err(RestError::BadHost);
        };
        let parse = |text: &str| text.parse::<Authority>().map_err(|_| RestError::BadHost);
        let server = parse(host.to_str().map_err(|_| RestError::BadHost)?)?;
        // A target in absolute form must name the same server (RFC 9112, section 3.2.2).
        if let Some(named) = request.uri().authority()
            && parse(named.as_str())? != server
        {
            return Err(RestError::BadHost);
        }
        let is_ours = || server.is_loopback() || self.permitted.iter().any(|it| it.is_at(&server));
        if self.local && !is_ours() { Err(RestError::WrongHost) } else { Ok(server) }
    }

    /// The answer to a CORS preflight (Fetch standard) of a permitted origin; none for any other request.
    pub(crate) fn preflight<B>(&self, request: &Request<B>) -> Option<Response> {
        let asks = request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
        if request.method() != Method::OPTIONS || !asks {
            return None;
        }
        let headers = [
            (header::ACCESS_CONTROL_ALLOW_METHODS, self.methods.clone()),
            (header::ACCESS_CONTROL_ALLOW_HEADERS, FIELDS),
            (header::ACCESS_CONTROL_MAX_AGE, REMEMBERED),
        ];
        Some((StatusCode::NO_CONTENT, headers, Body::empty()).into_response())
    }
}

impl Permitted {
    /// Lets the page read the answer.
    pub(crate) fn may_read(self, response: &mut Response) {
        let headers = response.headers_mut();
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, self.0);
        let retry = HeaderValue::from_static("retry-after");
        headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, retry);
        headers.append(header::VARY, HeaderValue::from_static("origin"));
    }
}

/// A header field appeared more than once.
struct Several;

/// The value of a header field that may appear at most once.
fn one<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a HeaderValue>, Several> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (_, Some(_)) => Err(Several),
        (value, None) => Ok(value),
    }
}
