//! The check whether a request may read, as the reading API sees it.
//!
//! Deliberately knows neither tokens nor members: the hub's `http/readers.rs` and `tokens.rs` do.

use crate::authorization::Authorization;
use crate::peer::Peer;
use crate::turns::Reader;
use axum::http::HeaderMap;
use std::time::Duration;

/// The sender of a request: the credentials and the network address.
pub(crate) struct Requester {
    pub(crate) authorization: Option<Authorization>,
    /// None if the address is not known.
    pub(crate) peer: Option<Peer>,
}

impl Requester {
    pub(crate) fn new(headers: &HeaderMap, peer: Option<Peer>) -> Self {
        Self { authorization: Authorization::of(headers), peer }
    }
}

/// Whether a request may read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Permission {
    /// It may, and counts against the share of this reader.
    Granted(Reader),
    /// It may not.
    Denied,
    /// Too many wrong credentials came from this address: try again after this time.
    Later(Duration),
}

/// Decides who may read. The API asks it for each request, and repeatedly while a stream is open, so that a stream
/// ends when its reader loses access.
pub(crate) trait Guard: Send + Sync {
    /// Whether this request may be answered.
    fn may_read(&self, requester: &Requester) -> Permission;

    /// Whether a reader with an open stream may continue. Only the reader's own credential counts: somebody else who
    /// guesses tokens behind the same address does not end the stream.
    fn may_still_read(&self, requester: &Requester) -> bool {
        matches!(self.may_read(requester), Permission::Granted(_))
    }

    /// Whether the credential of a member's device is accepted as well as a token (HTTP Basic).
    fn takes_basic(&self) -> bool {
        false
    }
}
