//! A gateway: aggregates, the announcement and the reading API for a team on somebody else's broker.
//!
//! Owns the HTTP listener, and which writes follow which message. It deliberately has no connection, so the hub and the
//! agent do not depend on each other. The caller has a session ([`porchlight_core::mqtt_session::MqttSession`]) that
//! reads [`Gateway::filters`] and whose Will clears [`Gateway::announcement`].
//!
//! Call [`Gateway::handle`] with each event of the session. After that, and after [`Gateway::due_in`], write what
//! [`Gateway::take_writes`] returns; before the end, write [`Gateway::withdrawal`].

mod listener;
mod mirror;
mod relay;

use crate::answer::RestError;
use crate::pages::Pages;
use crate::proxies::TrustedProxies;
use crate::rest;
use crate::server::Site;
use crate::tokens::{TokenGuard, Tokens};
use crate::{HubError, HubWarning, clock, listen};
use axum::response::IntoResponse as _;
use mirror::Mirror;
use porchlight_core::id::Root;
use porchlight_core::mqtt_session::{SessionEvent, Write};
use porchlight_core::web_origin::WebOrigin;
use relay::Relay;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// The default HTTP address of a gateway: this machine only.
pub const DEFAULT_GATEWAY_ADDR: SocketAddr =
    SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 18832);

/// The options of a gateway: its HTTP API, and the topics that it aggregates.
#[derive(Debug, Clone)]
pub struct GatewaySettings {
    /// The prefix of all the team's topics.
    pub root: Root,
    /// Where it answers HTTP. Port 0 means any free port.
    pub listen: SocketAddr,
    /// The folder of the tokens of reading programs.
    pub store: PathBuf,
    /// The origins whose web pages have access.
    pub origins: Vec<WebOrigin>,
}

/// A team's aggregates and HTTP API next to a broker that has neither. Dropping it stops the HTTP API.
#[derive(Debug)]
pub struct Gateway {
    relay: Relay,
    addr: SocketAddr,
    warnings: Vec<HubWarning>,
    listening: JoinHandle<()>,
}

impl Gateway {
    /// Starts to answer HTTP on the current Tokio runtime. It answers 503 until the broker has been read.
    ///
    /// # Errors
    ///
    /// [`HubError::Tokens`] if the tokens cannot be read; [`HubError::PortTaken`] and [`HubError::CannotListen`] if it
    /// cannot listen.
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
        let guard = Arc::new(TokenGuard::new(store, tokens));
        let router = rest::with_fallbacks(rest::router(mirror.clone(), guard));
        let pages = Pages::plain(listen::is_loopback(addr), origins.into(), "GET, HEAD");
        let busy = || RestError::Busy.into_response();
        let proxies = TrustedProxies::default();
        let site = Site { router, pages, proxies, keep_alive: true, busy };
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

    /// The warnings from the start.
    #[must_use]
    pub fn warnings(&self) -> &[HubWarning] {
        &self.warnings
    }

    /// The topic filters to subscribe to.
    #[must_use]
    pub fn filters(&self) -> Vec<String> {
        self.relay.filters()
    }

    /// The topic where the gateway announces that it writes the aggregates.
    #[must_use]
    pub fn announcement(&self) -> String {
        self.relay.announcement()
    }

    /// Handles an event of the session.
    pub fn handle(&mut self, event: &SessionEvent) {
        self.relay.handle(clock::now(), event);
    }

    /// Returns what to write now. It counts as written from here on, until the connection is lost.
    pub fn take_writes(&mut self) -> Vec<Write> {
        self.relay.take_writes(clock::now())
    }

    /// After what time [`Gateway::take_writes`] has something to return although no event arrives.
    #[must_use]
    pub fn due_in(&self) -> Option<Duration> {
        let now = clock::now();
        self.relay.next_deadline().map(|at| at.since(now.mono))
    }

    /// Returns the last write before the end, which clears the announcement.
    #[must_use]
    pub fn withdrawal(&self) -> Vec<Write> {
        self.relay.withdrawal()
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        self.listening.abort();
    }
}
