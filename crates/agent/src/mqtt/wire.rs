//! The byte stream below MQTT: TCP, TLS and WebSocket.
//!
//! This module contains the handshakes and describes their failures. It sends the HTTP request of
//! the WebSocket itself, so that an HTTP answer can be interpreted.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use http_body_util::Empty;
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::header::{CONNECTION, HOST, HeaderMap, HeaderName, LOCATION, UPGRADE};
use hyper::upgrade::Upgraded;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio_rustls::TlsConnector;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Error as WebSocketError;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::client::generate_key;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};

use porchlight_core::input::ConnectionFailure;
use porchlight_core::team::Address;

use super::failure::{self, TriedAddress};
use crate::proxy::{Proxy, tunnel};
use crate::tls;

/// The maximum number of bytes to read at once.
const CHUNK: usize = 16 * 1024;
/// The maximum size of a WebSocket message in bytes: a broker may put many packets into one.
const MAX_MESSAGE: usize = 16 << 20;

const SEC_WEBSOCKET_KEY: HeaderName = HeaderName::from_static("sec-websocket-key");
const SEC_WEBSOCKET_VERSION: HeaderName = HeaderName::from_static("sec-websocket-version");
const SEC_WEBSOCKET_PROTOCOL: HeaderName = HeaderName::from_static("sec-websocket-protocol");
const SEC_WEBSOCKET_ACCEPT: HeaderName = HeaderName::from_static("sec-websocket-accept");

/// One address of a broker, with what is needed to connect to it.
pub(super) struct Target {
    pub(super) address: Address,
    /// The proxy that leads there, if one is used.
    pub(super) proxy: Proxy,
    pub(super) tls: Option<Arc<ClientConfig>>,
    /// The path of the WebSocket request as it is written there; `None` without WebSocket.
    pub(super) web_socket: Option<String>,
    pub(super) tried: TriedAddress,
}

/// Any byte stream.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// An open byte stream below MQTT.
pub(super) enum Wire {
    Stream(Box<dyn Stream>),
    WebSocket(Box<WebSocketStream<TokioIo<Upgraded>>>),
}

impl Wire {
    /// Connects, with all handshakes. The caller allows this much time for it.
    pub(super) async fn open(target: &Target, within: Duration) -> Result<Self, ConnectionFailure> {
        let tried = &target.tried;
        let tcp = tunnel::connect(&target.address, &target.proxy, within)
            .await
            .map_err(|error| failure::unreached(&error, tried))?;
        let stream: Box<dyn Stream> = match &target.tls {
            None => Box::new(tcp),
            Some(config) => {
                let name = ServerName::try_from(target.address.host().to_owned())
                    .map_err(|_| tls::invalid_name(tried.address()))?;
                let handshake = TlsConnector::from(config.clone()).connect(name, tcp);
                Box::new(handshake.await.map_err(|error| failure::handshake(&error, tried))?)
            }
        };
        match &target.web_socket {
            None => Ok(Self::Stream(stream)),
            Some(path) => Box::pin(web_socket(stream, path, tried)).await,
        }
    }

    /// Waits for bytes and appends them. Returns `false` if the broker closed the connection.
    /// Cancel-safe.
    pub(super) async fn read(&mut self, into: &mut Vec<u8>) -> io::Result<bool> {
        match self {
            Self::Stream(stream) => {
                into.reserve(CHUNK);
                match stream.read_buf(into).await {
                    Ok(length) => Ok(length > 0),
                    // TLS that ended without its close_notify.
                    Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
                    Err(error) => Err(error),
                }
            }
            Self::WebSocket(socket) => loop {
                match socket.next().await {
                    Some(Ok(Message::Binary(bytes))) => {
                        into.extend_from_slice(&bytes);
                        return Ok(true);
                    }
                    // The library answers pings.
                    Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => {}
                    Some(Ok(Message::Close(_))) | None => return Ok(false),
                    // MQTT must use binary frames (MQTT 5, section 6).
                    Some(Ok(Message::Text(_))) => return Err(io::ErrorKind::InvalidData.into()),
                    Some(Err(error)) => return ended(error).map(|()| false),
                }
            },
        }
    }

    /// Writes all bytes.
    pub(super) async fn write(&mut self, bytes: Vec<u8>) -> io::Result<()> {
        match self {
            Self::Stream(stream) => {
                stream.write_all(&bytes).await?;
                stream.flush().await
            }
            Self::WebSocket(socket) => socket
                .send(Message::Binary(bytes.into()))
                .await
                .or_else(|error| ended(error).and(Err(io::ErrorKind::BrokenPipe.into()))),
        }
    }
}

/// Returns `Ok` if a WebSocket error means only that the connection ended.
fn ended(error: WebSocketError) -> io::Result<()> {
    match error {
        WebSocketError::ConnectionClosed | WebSocketError::AlreadyClosed => Ok(()),
        WebSocketError::Io(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(()),
        WebSocketError::Io(error) => Err(error),
        WebSocketError::Protocol(
            tokio_tungstenite::tungstenite::error::ProtocolError::ResetWithoutClosingHandshake,
        ) => Ok(()),
        error => {
            tracing::debug!("the WebSocket: {error}");
            Err(io::ErrorKind::InvalidData.into())
        }
    }
}

/// Opens a WebSocket that carries MQTT (RFC 6455, section 4.1; MQTT 5, section 6).
async fn web_socket(
    stream: Box<dyn Stream>,
    path: &str,
    tried: &TriedAddress,
) -> Result<Wire, ConnectionFailure> {
    let key = generate_key();
    let request = Request::get(path)
        .header(HOST, tried.address())
        .header(CONNECTION, "Upgrade")
        .header(UPGRADE, "websocket")
        .header(SEC_WEBSOCKET_KEY, &key)
        .header(SEC_WEBSOCKET_VERSION, "13")
        .header(SEC_WEBSOCKET_PROTOCOL, "mqtt")
        .body(Empty::<Bytes>::new())
        .map_err(|error| failure::bad_path(&error, tried))?;
    let failed = |error: hyper::Error| failure::no_http(&error, tried);
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(failed)?;
    let exchange = async {
        let mut answer = sender.send_request(request).await.map_err(failed)?;
        check_upgrade(&answer, &key, tried)?;
        hyper::upgrade::on(&mut answer).await.map_err(failed)
    };
    let mut exchange = std::pin::pin!(exchange);
    let upgraded = tokio::select! {
        biased;
        upgraded = &mut exchange => upgraded?,
        // The last bytes may still have to be read.
        ended = connection.with_upgrades() => match ended {
            Ok(()) => exchange.await?,
            Err(error) => return Err(failed(error)),
        },
    };
    let stream = TokioIo::new(upgraded);
    let config = WebSocketConfig::default()
        .max_message_size(Some(MAX_MESSAGE))
        .max_frame_size(Some(MAX_MESSAGE));
    let socket = WebSocketStream::from_raw_socket(stream, Role::Client, Some(config)).await;
    Ok(Wire::WebSocket(Box::new(socket)))
}

/// Checks that the answer accepts the WebSocket for MQTT.
fn check_upgrade<B>(
    answer: &Response<B>,
    key: &str,
    tried: &TriedAddress,
) -> Result<(), ConnectionFailure> {
    if answer.status() != StatusCode::SWITCHING_PROTOCOLS {
        let location = answer.headers().get(LOCATION).and_then(|to| to.to_str().ok());
        return Err(failure::from_http(answer.status(), location, tried));
    }
    let headers = answer.headers();
    let accept = headers.get(SEC_WEBSOCKET_ACCEPT).map(|accept| accept.as_bytes());
    if !has_token(headers, &UPGRADE, "websocket")
        || !has_token(headers, &CONNECTION, "upgrade")
        || accept != Some(derive_accept_key(key.as_bytes()).as_bytes())
    {
        return Err(failure::no_web_socket(tried));
    }
    match headers.get(SEC_WEBSOCKET_PROTOCOL) {
        Some(protocol) if protocol.as_bytes().eq_ignore_ascii_case(b"mqtt") => Ok(()),
        _ => Err(failure::no_mqtt_over_web_socket(tried)),
    }
}

/// Whether a header has this token in one of its lists, regardless of case (RFC 9110, section
/// 5.6.1).
fn has_token(headers: &HeaderMap, name: &HeaderName, token: &str) -> bool {
    headers
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|found| found.trim().eq_ignore_ascii_case(token))
}
