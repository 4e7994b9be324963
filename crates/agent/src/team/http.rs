//! Sends one HTTP/1.1 request on a connection of its own, and reads the answer.
//!
//! This module limits how long each step may take and how much is read. A request that may have
//! arrived is not sent to another address: an invitation can be redeemed only once.

use std::io;
use std::time::Duration;

use data_encoding::BASE64;
use http_body_util::{BodyExt as _, Full, Limited};
pub(super) use hyper::Method;
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HOST};
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use porchlight_core::input::ConnectionFailure;
use porchlight_core::team::{Address, Pin, RefusalCode, Refused, Secret};
use porchlight_core::text::display_text;
use ring::digest::{SHA256, digest};
use rustls::pki_types::ServerName;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::{HubEndpoint, TeamError};
use crate::dial::DialError;
use crate::io_error::describe;
use crate::proxy::tunnel;
use crate::tls;

/// The timeout for a connection with its handshakes. A hub on the same network answers sooner.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(4);
/// The timeout for an answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(15);
/// The maximum size of an answer in bytes: a thousand members with their devices.
const MAX_BODY: usize = 1 << 20;
/// The maximum size of a whole team in bytes: accounts, certificate and records of a thousand
/// members.
const MAX_TEAM: usize = 64 << 20;
/// The timeout for a whole team.
const TEAM_ANSWER_TIMEOUT: Duration = Duration::from_secs(60);
/// The maximum length of a refusal's message that is shown.
const MAX_MESSAGE: usize = 300;

/// An HTTP request to a hub.
#[derive(Debug)]
pub(super) struct HubRequest {
    method: Method,
    path: String,
    authorization: Option<String>,
    body: Option<Vec<u8>>,
    /// The maximum size of the answer, and its timeout.
    bounds: (usize, Duration),
}

impl HubRequest {
    pub(super) fn new(method: Method, path: &str) -> Self {
        let bounds = (MAX_BODY, ANSWER_TIMEOUT);
        Self { method, path: path.to_owned(), authorization: None, body: None, bounds }
    }

    pub(super) fn post(path: &str, body: &impl Serialize) -> Self {
        let body = serde_json::to_vec(body).expect("a body of ours has only text keys");
        Self { body: Some(body), ..Self::new(Method::POST, path) }
    }

    /// Allows an answer as large as a whole team.
    pub(super) fn allow_whole_team(self) -> Self {
        Self { bounds: (MAX_TEAM, TEAM_ANSWER_TIMEOUT), ..self }
    }

    pub(super) fn bearer(self, ticket: &Secret) -> Self {
        Self { authorization: Some(format!("Bearer {ticket}")), ..self }
    }

    pub(super) fn basic(self, credential: &Secret) -> Self {
        let pair = format!("{}:{}", credential.id(), credential.secret());
        let authorization = format!("Basic {}", BASE64.encode(pair.as_bytes()));
        Self { authorization: Some(authorization), ..self }
    }
}

/// Percent-encodes one segment of a path.
pub(super) fn path_segment(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

/// An answer, and the certificate of the hub that gave it.
#[derive(Debug)]
pub(super) struct Answer<A> {
    pub(super) body: A,
    /// The certificate that the server presented.
    pub(super) certificate: Option<Pin>,
}

/// A refusal. If the team moved, `at` contains its new addresses.
#[derive(Deserialize)]
struct RefusalBody {
    #[serde(flatten)]
    refused: Refused,
    #[serde(default)]
    at: Vec<Address>,
}

impl HubEndpoint {
    /// Sends a request and parses the answer. Follows a team that moved.
    pub(super) async fn send<A: DeserializeOwned>(
        &self,
        hub_request: HubRequest,
    ) -> Result<Answer<A>, TeamError> {
        let (bytes, certificate, address) = self.follow_move(&hub_request).await?;
        let body = serde_json::from_slice(&bytes).map_err(|error| {
            tracing::debug!("the answer of {address}: {error}");
            let what = "it answers something else".to_owned();
            TeamError::NoHub { address: address.to_string(), what }
        })?;
        Ok(Answer { body, certificate })
    }

    /// Sends a request whose answer is empty.
    pub(super) async fn send_only(&self, hub_request: HubRequest) -> Result<(), TeamError> {
        self.follow_move(&hub_request).await.map(|_| ())
    }

    /// Sends a request and returns the answer unparsed, for another hub to read.
    pub(super) async fn send_raw(&self, hub_request: HubRequest) -> Result<Vec<u8>, TeamError> {
        self.follow_move(&hub_request).await.map(|(bytes, ..)| bytes.into())
    }

    async fn follow_move(
        &self,
        hub_request: &HubRequest,
    ) -> Result<(Bytes, Option<Pin>, Address), TeamError> {
        match self.try_addresses(&self.at, hub_request).await {
            // The hub did nothing, and named the address to ask instead.
            Err(TeamError::Moved { at }) if !at.is_empty() => {
                self.try_addresses(&at, hub_request).await
            }
            outcome => outcome,
        }
    }

    /// Sends the request to the first address that accepts a connection.
    async fn try_addresses(
        &self,
        at: &[Address],
        hub_request: &HubRequest,
    ) -> Result<(Bytes, Option<Pin>, Address), TeamError> {
        let mut failures: Vec<ConnectionFailure> = Vec::new();
        for address in at {
            match self.open(address).await {
                Ok((stream, certificate)) => {
                    let bytes =
                        match timeout(hub_request.bounds.1, exchange(stream, address, hub_request))
                            .await
                        {
                            Ok(answer) => answer?,
                            Err(_) => {
                                let address = address.to_string();
                                let failure = ConnectionFailure::TimedOut { address };
                                return Err(TeamError::NoAnswer(failure));
                            }
                        };
                    return Ok((bytes, certificate, address.clone()));
                }
                Err(failure) => failures.push(failure),
            }
        }
        // An answer of another server is more telling than no answer.
        let most_telling = failures.iter().position(|failure| !failure.is_silence()).unwrap_or(0);
        Err(if failures.is_empty() {
            TeamError::Moved { at: Vec::new() }
        } else {
            failures.swap_remove(most_telling).into()
        })
    }

    async fn open(&self, address: &Address) -> Result<(Stream, Option<Pin>), ConnectionFailure> {
        match timeout(CONNECT_TIMEOUT, self.connect(address)).await {
            Ok(outcome) => outcome,
            Err(_) => Err(ConnectionFailure::TimedOut { address: address.to_string() }),
        }
    }

    async fn connect(&self, address: &Address) -> Result<(Stream, Option<Pin>), ConnectionFailure> {
        let unreached = |error: io::Error| match tls::find_tls_error(&error) {
            Some(error) => tls::failure(error, &address.to_string()),
            None => ConnectionFailure::Unreachable {
                address: address.to_string(),
                reason: describe(&error).to_owned(),
            },
        };
        let tcp = tunnel::connect(address, &self.proxy, CONNECT_TIMEOUT).await;
        let tcp = tcp.map_err(|error| match error {
            DialError::Name(_) => ConnectionFailure::Unreachable {
                address: address.to_string(),
                reason: "Unknown host name".to_owned(),
            },
            DialError::Connect(error) => unreached(error),
            DialError::Proxy(failure) => failure,
        })?;
        let Some(config) = &self.tls else {
            return Ok((Box::new(tcp), None));
        };
        let name = ServerName::try_from(address.host().to_owned())
            .map_err(|_| tls::invalid_name(&address.to_string()))?;
        let stream =
            TlsConnector::from(config.clone()).connect(name, tcp).await.map_err(unreached)?;
        let shown = stream.get_ref().1.peer_certificates().and_then(|chain| chain.first());
        let pin = shown.and_then(|shown| digest(&SHA256, shown).as_ref().try_into().ok());
        Ok((Box::new(stream), pin.map(Pin::of_digest)))
    }
}

/// A connection to the right server.
trait ByteStream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> ByteStream for S {}
type Stream = Box<dyn ByteStream>;

async fn exchange(
    stream: Stream,
    address: &Address,
    hub_request: &HubRequest,
) -> Result<Bytes, TeamError> {
    let broken = |error: hyper::Error| {
        tracing::debug!("the conversation with {address}: {error}");
        // A server that does not speak HTTP is no hub; all other errors mean that the connection
        // ended.
        if error.is_parse() {
            let what = "it speaks no HTTP".to_owned();
            TeamError::NoHub { address: address.to_string(), what }
        } else {
            TeamError::NoAnswer(ended())
        }
    };
    let mut request = Request::builder()
        .method(&hub_request.method)
        .uri(&hub_request.path)
        .header(HOST, address.to_string())
        .header(ACCEPT, "application/json");
    if let Some(authorization) = &hub_request.authorization {
        request = request.header(AUTHORIZATION, authorization);
    }
    if hub_request.body.is_some() {
        request = request.header(CONTENT_TYPE, "application/json");
    }
    let body = Full::new(Bytes::from(hub_request.body.clone().unwrap_or_default()));
    let request = request.body(body).expect("method, path and headers are of our own making");

    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(broken)?;
    let answered = async {
        let response = sender.send_request(request).await.map_err(broken)?;
        let (head, body) = response.into_parts();
        let body = Limited::new(body, hub_request.bounds.0).collect().await.map_err(|error| {
            tracing::debug!("the answer of {address}: {error}");
            TeamError::NoAnswer(ended())
        })?;
        check_status(head.status, body.to_bytes(), address)
    };
    // The connection is driven only until the answer has arrived.
    tokio::pin!(answered);
    tokio::select! {
        biased;
        answer = &mut answered => answer,
        ended = connection => match ended {
            // The last bytes may still have to be read.
            Ok(()) => answered.await,
            Err(error) => Err(broken(error)),
        },
    }
}

fn status_text(status: StatusCode) -> String {
    format!("HTTP status {}", status.as_u16())
}

/// The connection ended before the whole answer had arrived, or the answer was too large.
fn ended() -> ConnectionFailure {
    ConnectionFailure::Broken { reason: "it ended before the whole answer was there".to_owned() }
}

fn check_status(status: StatusCode, body: Bytes, address: &Address) -> Result<Bytes, TeamError> {
    if status.is_success() {
        return Ok(body);
    }
    let Ok(RefusalBody { mut refused, at }) = serde_json::from_slice(&body) else {
        return Err(TeamError::NoHub { address: address.to_string(), what: status_text(status) });
    };
    if refused.code == RefusalCode::Moved {
        return Err(TeamError::Moved { at });
    }
    refused.message = display_text(&refused.message, MAX_MESSAGE).unwrap_or(status_text(status));
    Err(refused.into())
}
