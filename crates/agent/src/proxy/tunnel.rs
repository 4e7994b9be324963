//! Asks a proxy for a connection to a broker or hub (`CONNECT`; RFC 9110, section 9.3.6).
//!
//! This module sends one request and describes why it fails. Nothing that the proxy writes is
//! shown.

use std::time::Duration;

use http_body_util::Empty;
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::header::{HOST, HeaderMap, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION};
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use porchlight_core::input::ConnectionFailure;
use porchlight_core::team::Address;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::{NamedBy, Proxy, ProxyServer};
use crate::dial::{DialError, dial};
use crate::io_error::describe;

/// The maximum size of the answer's head in bytes.
const MAX_HEAD: usize = 8 * 1024;
/// The proxy gets this much less time than the whole connection, so that its silence is reported
/// as the proxy's.
const RESERVE: Duration = Duration::from_millis(100);

/// Connects to an address, through the proxy where one applies. The caller allows this much time
/// for this and for what follows.
pub(crate) async fn connect(
    to: &Address,
    proxy: &Proxy,
    within: Duration,
) -> Result<TcpStream, DialError> {
    match proxy.route(to) {
        Err(direct) => {
            tracing::trace!("no proxy to {to}: {direct}");
            dial(to.host(), to.port()).await
        }
        Ok((server, named_by)) => {
            tracing::debug!("the proxy {server} is to connect us to {to}");
            let attempt = Attempt { server, named_by, to };
            attempt.connect(within.saturating_sub(RESERVE)).await.map_err(DialError::Proxy)
        }
    }
}

/// One attempt to reach an address through a proxy.
struct Attempt<'a> {
    server: &'a ProxyServer,
    named_by: NamedBy,
    to: &'a Address,
}

impl Attempt<'_> {
    async fn connect(&self, within: Duration) -> Result<TcpStream, ConnectionFailure> {
        let mut reached = false;
        let tunnel = async {
            let address = &self.server.address;
            let dialed = dial(address.host(), address.port()).await;
            let tcp = dialed.map_err(|error| self.unreached(&error))?;
            reached = true;
            self.ask(tcp).await
        };
        match timeout(within, tunnel).await {
            Ok(outcome) => outcome,
            Err(_) if reached => Err(self.unanswered()),
            Err(_) => Err(self.unreachable("No answer in time")),
        }
    }

    /// Sends the request, and returns the connection once the proxy has opened it.
    async fn ask(&self, tcp: TcpStream) -> Result<TcpStream, ConnectionFailure> {
        let to = self.to.to_string();
        let mut request = Request::connect(to.as_str()).header(HOST, to.as_str());
        if let Some(login) = &self.server.login {
            request = request.header(PROXY_AUTHORIZATION, login);
        }
        let request = request.body(Empty::<Bytes>::new());
        let request = request.expect("an address is an authority (RFC 3986, section 3.2)");
        let failed = |error: hyper::Error| self.hung_up(&error);
        let (mut sender, connection) = http1::Builder::new()
            .max_buf_size(MAX_HEAD)
            .handshake(TokioIo::new(tcp))
            .await
            .map_err(failed)?;
        let exchange = async {
            let mut answer = sender.send_request(request).await.map_err(failed)?;
            self.check(&answer)?;
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
        match upgraded.downcast::<TokioIo<TcpStream>>() {
            // The server behind the proxy answers only once we have written something.
            Ok(parts) if parts.read_buf.is_empty() => Ok(parts.io.into_inner()),
            _ => Err(self.no_proxy("it sends something before we do")),
        }
    }

    fn check<B>(&self, answer: &Response<B>) -> Result<(), ConnectionFailure> {
        let status = answer.status();
        match status {
            _ if status.is_success() => Ok(()),
            // Tinyproxy answers a wrong password like a web server.
            StatusCode::PROXY_AUTHENTICATION_REQUIRED | StatusCode::UNAUTHORIZED => {
                Err(self.login(answer.headers()))
            }
            StatusCode::FORBIDDEN => Err(self.refused()),
            _ if status.is_server_error() && status != StatusCode::NOT_IMPLEMENTED => {
                Err(self.not_connected(status))
            }
            _ => Err(self.no_proxy(&status_text(status))),
        }
    }
}

fn status_text(status: StatusCode) -> String {
    format!("HTTP status {}", status.as_u16())
}

/// Whether the proxy accepts user name and password (RFC 7617). Without the header, which a proxy
/// must send, it may.
fn accepts_passwords(headers: &HeaderMap) -> bool {
    let mut schemes = headers.get_all(PROXY_AUTHENTICATE).iter().peekable();
    schemes.peek().is_none()
        || schemes
            .filter_map(|value| value.to_str().ok())
            .any(|value| value.split([' ', ',']).any(|word| word.eq_ignore_ascii_case("basic")))
}

/// Why the proxy did not connect us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cause {
    /// Nothing answers where the proxy should be.
    Unreachable,
    /// What answers is not an HTTP proxy.
    NoProxy,
    /// The proxy wants another login.
    Login,
    /// The proxy allows no connections to this address.
    Refused,
    /// The proxy does not reach this address, or does not say so in time.
    NotConnected,
}

impl Cause {
    const fn code(self) -> &'static str {
        match self {
            Self::Unreachable => "proxy_unreachable",
            Self::NoProxy => "no_http_proxy",
            Self::Login => "proxy_login",
            Self::Refused => "proxy_refused",
            Self::NotConnected => "proxy_not_connected",
        }
    }
}

/// The failures, in words of ours.
impl Attempt<'_> {
    fn unreached(&self, error: &DialError) -> ConnectionFailure {
        match error {
            DialError::Connect(error) => self.unreachable(describe(error)),
            DialError::Name(_) | DialError::Proxy(_) => self.unreachable("Unknown host name"),
        }
    }

    fn unreachable(&self, reason: &str) -> ConnectionFailure {
        let Self { server, named_by, .. } = self;
        failure(
            Cause::Unreachable,
            format!(
                "nothing answers at the proxy {server} ({reason}); check your network, and {named_by}"
            ),
        )
    }

    fn unanswered(&self) -> ConnectionFailure {
        let Self { server, to, .. } = self;
        failure(
            Cause::NotConnected,
            format!(
                "the proxy {server} does not say in time whether it reaches {to}; is the computer there on, and is the proxy in order?"
            ),
        )
    }

    fn not_connected(&self, status: StatusCode) -> ConnectionFailure {
        let (Self { server, to, .. }, status) = (self, status_text(status));
        failure(
            Cause::NotConnected,
            format!(
                "the proxy {server} does not reach {to} ({status}); is the computer there on, and is the address right?"
            ),
        )
    }

    fn login(&self, headers: &HeaderMap) -> ConnectionFailure {
        let Self { server, named_by, .. } = self;
        failure(
            Cause::Login,
            if !accepts_passwords(headers) {
                format!(
                    "the proxy {server} wants a kind of login that Porchlight does not support; ask the person who runs it to accept a user name and password, or to let this computer through"
                )
            } else if self.server.login.is_some() {
                format!(
                    "the proxy {server} does not accept this user name and password; correct them in {named_by}"
                )
            } else {
                format!(
                    "the proxy {server} wants a login; write http://USER:PASSWORD@{server} into {named_by}"
                )
            },
        )
    }

    fn refused(&self) -> ConnectionFailure {
        let Self { server, to, .. } = self;
        failure(
            Cause::Refused,
            format!(
                "the proxy {server} does not allow connections to {to}; ask the person who runs it to allow them, or let the broker or hub listen on port 443. If no proxy is needed to get there, add its host to no_proxy in the environment"
            ),
        )
    }

    fn hung_up(&self, error: &hyper::Error) -> ConnectionFailure {
        tracing::debug!("the proxy {}: {error}", self.server);
        if error.is_parse() {
            self.no_proxy("it does not speak HTTP")
        } else {
            self.no_proxy("it hung up before answering")
        }
    }

    fn no_proxy(&self, reason: &str) -> ConnectionFailure {
        let Self { server, named_by, .. } = self;
        failure(
            Cause::NoProxy,
            format!("{server} is no proxy that connects us ({reason}); correct {named_by}"),
        )
    }
}

fn failure(cause: Cause, message: String) -> ConnectionFailure {
    let is_silence = cause == Cause::NotConnected;
    ConnectionFailure::Proxy { code: cause.code(), is_silence, message }
}

#[cfg(test)]
mod tests;
