//! The listener of a team's hub, which accepts every connection.
//!
//! Owns the listeners, TLS and protocol detection: one port serves MQTT, MQTT over WebSocket and HTTP. It
//! limits the duration of each step. `connections.rs` limits the number of connections, `access.rs` has the
//! access rules, `http.rs` serves HTTP, and `pages.rs` checks the origins of web pages. It does not use the
//! broker's own listeners, but passes each connection to the broker's client handler. So the handler knows
//! the real peer.

use crate::access::{Allowance, Gate};
use crate::answer::{JSON, RestError};
use crate::broker::Broker;
use crate::connections::ConnectionGuard;
use crate::pages::Pages;
use crate::peer::Peer;
use crate::server::{self, Site};
use crate::team::Team;
use meter::Metered;
use mqtt5::broker::transport::BrokerTransport;
use mqtt5::broker::websocket_server::WebSocketStreamWrapper;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::broadcast;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tokio_tungstenite::tungstenite::http::{HeaderValue, header};
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use wire::Wire;

mod frames;
mod listener;
mod meter;
mod wire;

pub(crate) use listener::{bind, listen_for_team};

/// Maximum duration of a TLS handshake.
pub(crate) const HANDSHAKE: Duration = Duration::from_secs(5);
/// Maximum wait for the first bytes, which identify the protocol. Also the maximum duration of a WebSocket
/// handshake.
const FIRST_BYTES: Duration = Duration::from_secs(5);
/// Pause after a failed accept, such as when the system has no more sockets.
pub(crate) const BREATH: Duration = Duration::from_millis(50);
/// The path of MQTT over WebSocket, which MQTT servers commonly use.
const MQTT_PATH: &str = "/mqtt";
/// Maximum size of a WebSocket message in bytes. One message may contain several packets.
const MAX_MESSAGE: usize = 64 * 1024;

/// The shared parts that serve every connection.
#[derive(Clone)]
pub(crate) struct Door {
    pub(crate) team: Arc<Team>,
    pub(crate) broker: Arc<Broker>,
    pub(crate) shutdown: broadcast::Sender<()>,
}

/// For whom a listener is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Audience {
    /// For members, who know the team's own certificate.
    Team,
    /// For programs of this machine, without TLS.
    ThisComputer,
    /// For everybody else, with the certificate of an authority.
    Public,
}

/// What a listener serves, and how.
#[derive(Clone)]
pub(crate) struct Endpoint {
    /// None: without TLS.
    pub(crate) tls: Option<TlsAcceptor>,
    pub(crate) site: Site,
    /// Whether only proxies may come, which forward HTTP and WebSocket.
    pub(crate) proxies_only: bool,
}

impl Door {
    /// Serves until it is told to shut down, and then until every connection has ended.
    pub(crate) async fn serve(self, listeners: Vec<(TcpListener, Arc<Endpoint>)>) {
        let mut accepting = JoinSet::new();
        for (listener, endpoint) in listeners {
            accepting.spawn(self.clone().accept(listener, endpoint));
        }
        while accepting.join_next().await.is_some() {}
    }

    async fn accept(self, listener: TcpListener, endpoint: Arc<Endpoint>) {
        let mut shutdown = self.shutdown.subscribe();
        let mut connections = JoinSet::new();
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                Some(_) = connections.join_next() => continue,
                _ = shutdown.recv() => break,
            };
            let (stream, peer) = match accepted {
                Ok(accepted) => accepted,
                Err(e) => {
                    // Usually there are no sockets left. Without a pause this would loop.
                    tracing::debug!("nobody can be let in at present: {e}");
                    tokio::time::sleep(BREATH).await;
                    continue;
                }
            };
            if endpoint.proxies_only && !endpoint.site.proxies.contains(peer.ip()) {
                tracing::debug!(%peer, "not a trusted proxy");
                continue;
            }
            let sender = endpoint.site.proxies.sender(peer.ip());
            let Ok(connection) = self.team.connections().enter(sender) else {
                tracing::debug!(%peer, "too many connections");
                continue;
            };
            let _ = stream.set_nodelay(true);
            let (door, endpoint) = (self.clone(), Arc::clone(&endpoint));
            connections.spawn(async move {
                let served = door.welcome(stream, peer, &endpoint, Arc::new(connection)).await;
                if let Err(e) = served {
                    tracing::debug!(%peer, "the connection ended: {e}");
                }
            });
        }
        drop(listener);
        while connections.join_next().await.is_some() {}
    }

    async fn welcome(
        &self,
        stream: TcpStream,
        peer: SocketAddr,
        endpoint: &Endpoint,
        connection: Arc<ConnectionGuard>,
    ) -> io::Result<()> {
        let carrier: Box<dyn wire::Carrier> = match &endpoint.tls {
            None => Box::new(stream),
            Some(tls) => tokio::select! {
                shaken = timeout(HANDSHAKE, tls.accept(stream)) => Box::new(shaken??),
                () = connection.closed() => return Ok(()),
            },
        };
        let site = &endpoint.site;
        let mut wire = Wire::new(carrier, Arc::clone(&connection));
        let first = timeout(FIRST_BYTES, wire.peek(PEEK, |first| Protocol::of(first).is_some()));
        let protocol = Protocol::of(first.await??).unwrap_or(Protocol::Http);
        match protocol {
            // A proxy can't say whom it forwards, so all would have the limits of one.
            Protocol::Mqtt if endpoint.proxies_only => {
                return Err(io::Error::other("a proxy forwards MQTT only over WebSocket"));
            }
            Protocol::Mqtt => {
                let allowance = wire.allowance();
                self.mqtt(wire, allowance, peer, site.proxies.sender(peer.ip()), &connection).await;
            }
            Protocol::WebSocket => {
                let allowance = wire.allowance();
                wire.count_frames();
                let shaken = timeout(FIRST_BYTES, web_socket(wire, site, peer.ip())).await?;
                let (socket, client) = shaken.map_err(io::Error::other)?;
                connection.set_peer(client);
                self.mqtt(socket, allowance, peer, client, &connection).await;
            }
            Protocol::Http => {
                let mut shutdown = self.shutdown.subscribe();
                let end = async move { drop(shutdown.recv().await) };
                server::serve(wire, site, peer.ip(), &connection, end).await?;
            }
        }
        Ok(())
    }

    async fn mqtt<S>(
        &self,
        stream: S,
        allowance: Allowance,
        peer: SocketAddr,
        client: Peer,
        connection: &ConnectionGuard,
    ) where
        S: AsyncRead + AsyncWrite + Send + Sync + Unpin + 'static,
    {
        let access = self.team.access();
        let gate = Gate::new(Arc::clone(access), connection.id(), client, allowance.clone());
        let (access, refusals) = (Arc::clone(access), gate.refusals());
        let metered = Metered::new(stream, peer, connection.id(), access, allowance, refusals);
        let transport = BrokerTransport::WebSocket(Box::new(metered));
        let handler =
            self.broker.handler(transport, peer, Arc::new(gate), self.shutdown.subscribe());
        // Boxed, because the future is large, and would enlarge every connection from its first byte.
        if let Err(e) = Box::pin(handler.run()).await {
            tracing::debug!(%peer, "a client ended: {e}");
        }
    }
}

/// Number of bytes that identify the protocol.
const PEEK: usize = "GET /mqtt ".len();

/// The protocol of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Protocol {
    Mqtt,
    WebSocket,
    Http,
}

impl Protocol {
    /// Returns the protocol of these first bytes, or none if it needs more.
    fn of(first: &[u8]) -> Option<Self> {
        let web_socket = ["GET ", MQTT_PATH].concat();
        match first {
            [] => None,
            // CONNECT is the first packet of every client (MQTT 5, 3.1).
            [0x10, ..] => Some(Self::Mqtt),
            _ if first.len() <= web_socket.len() && web_socket.as_bytes().starts_with(first) => {
                None
            }
            _ => match first.strip_prefix(web_socket.as_bytes()) {
                Some([b' ' | b'?', ..]) => Some(Self::WebSocket),
                _ => Some(Self::Http),
            },
        }
    }
}

/// Shakes hands as a WebSocket server, within limits: the broker's own would gather 64 MiB for a stranger. Also returns
/// the peer whose limits count.
async fn web_socket(
    wire: Wire,
    site: &Site,
    sender: IpAddr,
) -> Result<(WebSocketStreamWrapper<Wire>, Peer), tokio_tungstenite::tungstenite::Error> {
    let limits = WebSocketConfig::default()
        .read_buffer_size(4 * 1024)
        .write_buffer_size(0)
        .max_write_buffer_size(4 * MAX_MESSAGE)
        .max_message_size(Some(MAX_MESSAGE))
        .max_frame_size(Some(MAX_MESSAGE));
    let mut client = site.proxies.sender(sender);
    #[expect(clippy::result_large_err, reason = "the library's callback")]
    let answer = |request: &Request, response: Response| {
        client = site.proxies.client(sender, request.headers());
        answer(&site.pages, request, response)
    };
    let socket =
        tokio_tungstenite::accept_hdr_async_with_config(wire, answer, Some(limits)).await?;
    Ok((WebSocketStreamWrapper::new(socket), client))
}

#[expect(clippy::result_large_err, reason = "the library's callback")]
fn answer(
    pages: &Pages,
    request: &Request,
    mut response: Response,
) -> Result<Response, ErrorResponse> {
    // Browsers apply no CORS check to a WebSocket, and let every page read it.
    pages.check(request).map_err(refusal)?;
    if request.uri().path() != MQTT_PATH {
        return Err(refusal(RestError::NotFound));
    }
    let offered = request.headers().get("Sec-WebSocket-Protocol").and_then(|p| p.to_str().ok());
    if offered.is_some_and(|offered| offered.split(',').any(|p| p.trim() == "mqtt")) {
        response.headers_mut().insert("Sec-WebSocket-Protocol", HeaderValue::from_static("mqtt"));
    }
    Ok(response)
}

fn refusal(refused: RestError) -> ErrorResponse {
    let body = refused.body();
    let length = HeaderValue::from(body.len());
    let mut refusal = ErrorResponse::new(Some(body));
    *refusal.status_mut() = refused.status();
    let headers = refusal.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(JSON));
    headers.insert(header::CONTENT_LENGTH, length);
    headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    refusal
}

#[cfg(test)]
mod tests {
    use super::Protocol;

    #[test]
    fn the_first_bytes_tell_the_protocols_apart() {
        for (first, protocol) in [
            (&b""[..], None),
            (b"\x10", Some(Protocol::Mqtt)),
            (b"G", None),
            (b"GET /mqtt", None),
            (b"GET /mqtt ", Some(Protocol::WebSocket)),
            (b"GET /mqtt?x", Some(Protocol::WebSocket)),
            (b"GET /mqtt/", Some(Protocol::Http)),
            (b"GET /mqttx", Some(Protocol::Http)),
            (b"GET /v1", Some(Protocol::Http)),
            (b"POST ", Some(Protocol::Http)),
            (b"\x16\x03\x01", Some(Protocol::Http)),
            (b"\0", Some(Protocol::Http)),
        ] {
            assert_eq!(Protocol::of(first), protocol, "{first:?}");
        }
    }
}
