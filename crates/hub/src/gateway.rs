//! What a hub does for a team, beside a broker that is not ours: the sums, the announcement, the reading API.
//!
//! Owns the order of things and the HTTP listener. It deliberately has no connection: whoever runs it keeps one up, hands in
//! what comes of it and publishes what comes out. So the hub and the agent still do not know each other.
//!
//! Drive it like this: [`Gateway::connection_began`] when the broker let us in, [`Gateway::received`] for each message,
//! [`Gateway::connection_read`] when everything retained was read, [`Gateway::connection_lost`] when the connection is gone; after each of them, and
//! after [`Gateway::due_in`], publish what [`Gateway::take_writes`] gives. The connection has a Will that clears
//! [`Gateway::announcement`], and a gateway that ends publishes [`Gateway::withdrawal`] before.

mod listener;
mod mirror;
mod relay;
mod tokens;

pub use tokens::{TokenError, Tokens};

use crate::aggregates;
use crate::answer::RestError;
use crate::pages::Pages;
use crate::rest;
use crate::server::Site;
use crate::{HubError, HubWarning, clock, listen};
use axum::response::IntoResponse as _;
use mirror::Mirror;
use porchlight_core::id::Root;
use porchlight_core::input::Message;
use porchlight_core::web_origin::WebOrigin;
use relay::Relay;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// Where a gateway answers unless told otherwise: this machine only.
pub const DEFAULT_GATEWAY_ADDR: SocketAddr =
    SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 18832);

/// How long a record stands that nobody renews (`docs/protocol.md`, *Records*).
const EXPIRY: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// What a gateway is to be.
#[derive(Debug, Clone)]
pub struct GatewaySettings {
    /// What every topic begins with.
    pub root: Root,
    /// Where it answers HTTP. Port 0: any free one.
    pub listen: SocketAddr,
    /// The folder of the tokens that may read.
    pub store: PathBuf,
    /// The origins whose web pages have access.
    pub origins: Vec<WebOrigin>,
}

/// A message to be published at `QoS` 1 and retained. An empty payload clears.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GatewayWrite {
    /// Topic Name.
    pub topic: String,
    /// Payload.
    pub payload: Vec<u8>,
    /// Message Expiry Interval.
    pub expires_in: Option<Duration>,
}

impl From<aggregates::Write> for GatewayWrite {
    fn from(write: aggregates::Write) -> Self {
        let expires = write.expires && !write.payload.is_empty();
        let expires_in = expires.then_some(EXPIRY);
        Self { topic: write.topic, payload: write.payload, expires_in }
    }
}

/// A gateway. Dropping it ends its HTTP.
#[derive(Debug)]
pub struct Gateway {
    relay: Relay,
    addr: SocketAddr,
    warnings: Vec<HubWarning>,
    listening: JoinHandle<()>,
}

impl Gateway {
    /// Starts to answer HTTP on the current Tokio runtime. Before the broker was read it answers that it was not.
    ///
    /// # Errors
    ///
    /// Where it cannot listen, or the tokens cannot be read.
    pub async fn start(settings: GatewaySettings) -> Result<Self, HubError> {
        let GatewaySettings { root, listen: wanted, store, origins } = settings;
        let tokens = Tokens::open(&store).map_err(|e| HubError::Tokens { source: e })?;
        let mut warnings = Vec::new();
        if tokens.list().is_empty() {
            warnings.push(HubWarning::NobodyMayRead);
        }
        let listener = TcpListener::bind(wanted).await;
        let listener = listener.map_err(|e| listen::error(wanted, e))?;
        let addr = listener.local_addr().map_err(|e| listen::error(wanted, e))?;
        if !listen::is_loopback(addr) {
            warnings.push(HubWarning::PlainHttp { addr });
        }
        let mirror = Arc::new(Mirror::new(root.clone(), clock::now()));
        let guard = Arc::new(tokens::TokenGuard::new(store, tokens));
        let router = rest::with_fallbacks(rest::router(mirror.clone(), guard));
        let pages = Pages::plain(listen::is_loopback(addr), origins.into(), "GET, HEAD");
        let busy = || RestError::Busy.into_response();
        let site = Site { router, pages, keep_alive: true, busy };
        let listening = tokio::spawn(listener::listen(listener, site));
        for warning in &warnings {
            tracing::warn!(code = warning.code(), "{warning}");
        }
        Ok(Self { relay: Relay::new(root, mirror), addr, warnings, listening })
    }

    /// Where it answers HTTP.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// What is wrong since the start.
    #[must_use]
    pub fn warnings(&self) -> &[HubWarning] {
        &self.warnings
    }

    /// What is to be subscribed.
    #[must_use]
    pub fn filters(&self) -> Vec<String> {
        self.relay.filters()
    }

    /// The topic of the announcement that somebody sums here.
    #[must_use]
    pub fn announcement(&self) -> String {
        self.relay.announcement()
    }

    /// The broker let us in, and what is retained comes next.
    pub fn connection_began(&mut self) {
        self.relay.connection_began(clock::now());
    }

    /// A message came.
    pub fn received(&mut self, message: &Message) {
        self.relay.received(clock::now(), message);
    }

    /// What is retained was read.
    pub fn connection_read(&mut self) {
        self.relay.connection_read(clock::now());
    }

    /// The connection is gone.
    pub fn connection_lost(&mut self) {
        self.relay.connection_lost(clock::now());
    }

    /// What is to be published now. It counts as published from here on, until the connection is lost.
    pub fn take_writes(&mut self) -> Vec<GatewayWrite> {
        let writes = self.relay.take_writes(clock::now());
        writes.into_iter().map(GatewayWrite::from).collect()
    }

    /// After how long [`Gateway::take_writes`] has something to give although nothing happens.
    #[must_use]
    pub fn due_in(&self) -> Option<Duration> {
        let now = clock::now();
        self.relay.next_deadline().map(|at| at.since(now.mono))
    }

    /// What is to be published at the end: that nobody sums here any more.
    #[must_use]
    pub fn withdrawal(&self) -> Vec<GatewayWrite> {
        self.relay.withdrawal().into_iter().map(GatewayWrite::from).collect()
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        self.listening.abort();
    }
}
