//! Who may read.
//!
//! Owns the question only. Tokens and members are kept elsewhere.

use crate::access::Peer;
use axum::http::{HeaderMap, header};
use porchlight_core::id::UserId;
use std::time::Duration;

/// Whoever sent a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Asker {
    /// The value of the one Authorization header, where there is exactly one and it is text.
    pub(crate) authorization: Option<String>,
    /// Where from, where that is known.
    pub(crate) peer: Option<Peer>,
}

/// What a guard answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Permission {
    /// They may read, and what they read is of this reader's share.
    Granted(Reader),
    /// They may not.
    Denied,
    /// Too many were wrong from there: ask again after this.
    Later(Duration),
}

/// Whose share a request is of (`turns.rs`).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Reader {
    /// A program, by the id of its token.
    Program(String),
    /// A person, on whichever device.
    Person(UserId),
    /// Whoever shows this id and secret, which may be wrong.
    Shown(String, String),
    /// Whoever asks from there.
    Peer(Peer),
}

/// Says who may read. It is asked for each request, and again and again while a stream is open, so that who may read no
/// longer reads no longer.
pub(crate) trait Guard: Send + Sync {
    /// Whether this request may be answered.
    fn may_read(&self, asker: &Asker) -> Permission;

    /// Whether a reader who was let in may continue. Only the reader's own credential counts: somebody else who guesses
    /// tokens behind the same address does not end the stream.
    fn may_still_read(&self, asker: &Asker) -> bool {
        matches!(self.may_read(asker), Permission::Granted(_))
    }

    /// Whether a member's name and secret do as well as a token (HTTP Basic).
    fn takes_basic(&self) -> bool {
        false
    }
}

impl Asker {
    pub(crate) fn new(headers: &HeaderMap, peer: Option<Peer>) -> Self {
        let mut said = headers.get_all(header::AUTHORIZATION).iter();
        let authorization = match (said.next(), said.next()) {
            (Some(one), None) => one.to_str().ok().map(str::to_owned),
            _ => None,
        };
        Self { authorization, peer }
    }

    /// The token of `Bearer TOKEN` (RFC 6750, section 2.1; the scheme's case does not matter).
    pub(crate) fn bearer(&self) -> Option<&str> {
        let (scheme, token) = self.authorization.as_deref()?.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_header_is_a_word_and_two_are_none() {
        let mut headers = HeaderMap::new();
        assert_eq!(Asker::new(&headers, None).bearer(), None);
        headers.append(header::AUTHORIZATION, "bearer  abc.def ".parse().unwrap());
        assert_eq!(Asker::new(&headers, None).bearer(), Some("abc.def"));
        headers.append(header::AUTHORIZATION, "Bearer other".parse().unwrap());
        assert_eq!(Asker::new(&headers, None).bearer(), None);
    }
}
