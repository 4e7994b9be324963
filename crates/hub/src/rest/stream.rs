//! People as server-sent events (WHATWG HTML, section 9.2): first everybody, then every change.
//!
//! Owns the form of the events and the life of a stream. A stream stores no changes for its reader, only its position
//! in the [`ChangeLog`]. A slow reader costs that position and a connection, which [`crate::server`] closes if nothing
//! is read for a while. A reader that reconnects sends its last position in `Last-Event-ID`.

use super::ApiState;
use super::change_log::{ChangeLog, Cursor};
use super::guard::Requester;
use crate::answer::{EVENTS, RestError, accepts};
use crate::event_stream::EventStream;
use crate::peer::Peer;
use crate::turns::{Counted, Reader, Unsent};
use axum::body::{Body, Bytes};
use axum::extract::rejection::QueryRejection;
use axum::extract::{Extension, Query, State};
use axum::http::{HeaderMap, HeaderName, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// The maximum number of open streams.
pub(crate) const STREAMS: usize = 64;
/// After this time without a change the stream sends a comment, so that proxies and readers know that it is alive.
/// It also checks again whether the reader may read.
pub(super) const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// How many people or changes one piece contains: a stream has only one piece in memory.
const PIECE: usize = 64;

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

#[derive(Debug, Deserialize)]
pub(super) struct StreamQuery {
    /// Whether to wait for changes; otherwise the answer ends after the present data.
    follow: Option<bool>,
}

/// `GET /v1/stream`.
pub(super) async fn follow(
    State(state): State<ApiState>,
    Extension(reader): Extension<Reader>,
    (peer, unsent): (Option<Extension<Peer>>, Option<Extension<Unsent>>),
    headers: HeaderMap,
    wish: Result<Query<StreamQuery>, QueryRejection>,
) -> Result<Response, RestError> {
    accepts(&headers, EVENTS)?;
    let Ok(Query(wish)) = wish else {
        return Err(RestError::BadQuery);
    };
    let log = state.source.change_log();
    if !log.is_open() {
        return Err(RestError::NotReady);
    }
    let turn = state.streams.try_take(&reader).ok_or(RestError::TooManyStreams)?;
    let seen = headers.get(LAST_EVENT_ID).and_then(|id| id.to_str().ok()).and_then(Cursor::parse);
    let seen = seen.filter(|place| log.since(*place, 0).is_some());
    let stream = Stream {
        changes: log.changed(),
        at: seen.map_or_else(|| At::Beginning, At::Place),
        requester: Requester::new(&headers, peer.map(|Extension(peer)| peer)),
        follows: wish.follow.unwrap_or(true),
        state,
    };
    let headers = [(header::CONTENT_TYPE, EVENTS)];
    let body = EventStream::body(stream, Stream::next);
    let unsent = unsent.map(|Extension(unsent)| unsent);
    Ok((headers, Body::new(Counted::new(body, turn, unsent))).into_response())
}

/// The position of a stream.
enum At {
    /// Nothing was sent yet.
    Beginning,
    /// All people up to this user were sent, as of that position.
    Told(String, Cursor),
    /// All changes up to here were sent.
    Place(Cursor),
    End,
}

struct Stream {
    state: ApiState,
    changes: watch::Receiver<u64>,
    at: At,
    requester: Requester,
    follows: bool,
}

impl Stream {
    /// The next piece, or none at the end.
    async fn next(mut self) -> Option<(Bytes, Self)> {
        loop {
            if !self.state.guard.may_still_read(&self.requester) {
                return None;
            }
            // Before the read, so that no change is missed between reading and waiting.
            self.changes.mark_unchanged();
            let source = Arc::clone(&self.state.source);
            let piece = self.look(source.change_log())?;
            if !piece.is_empty() {
                return Some((piece.into(), self));
            }
            if !self.follows {
                return None;
            }
            match tokio::time::timeout(self.state.keep_alive, self.changes.changed()).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) => return None,
                Err(_) => return Some((Bytes::from_static(b":\n\n"), self)),
            }
        }
    }

    /// The data that can be sent now; none at the end.
    fn look(&mut self, log: &ChangeLog) -> Option<Vec<u8>> {
        match std::mem::replace(&mut self.at, At::End) {
            At::Beginning => {
                let place = log.place();
                let piece = format!("id: {place}\nevent: snapshot\ndata: [").into_bytes();
                Some(self.tell_people(log, None, place, piece))
            }
            At::Told(user, place) => Some(self.tell_people(log, Some(&user), place, Vec::new())),
            At::Place(place) => {
                // If the reader has fallen behind the stored changes, the stream ends. A new connection starts over.
                let entries = log.since(place, PIECE)?;
                self.at = At::Place(entries.last().map_or(place, |entry| log.after(entry)));
                let mut piece = Vec::new();
                for entry in &entries {
                    let id = log.after(entry);
                    let head = format!("id: {id}\nevent: {}\ndata: ", entry.event);
                    piece.extend_from_slice(head.as_bytes());
                    piece.extend_from_slice(&entry.data);
                    piece.extend_from_slice(b"\n\n");
                }
                Some(piece)
            }
            At::End => None,
        }
    }

    /// Sends the next page of people. People who change meanwhile are sent again after the list.
    fn tell_people(
        &mut self,
        log: &ChangeLog,
        after: Option<&str>,
        place: Cursor,
        mut piece: Vec<u8>,
    ) -> Vec<u8> {
        let people = log.page(after, PIECE);
        for (at, (_, json)) in people.iter().enumerate() {
            if at > 0 || after.is_some() {
                piece.push(b',');
            }
            piece.extend_from_slice(json);
        }
        self.at = match people.into_iter().nth(PIECE - 1) {
            Some((last, _)) => At::Told(last, place),
            None => {
                piece.extend_from_slice(b"]\n\n");
                At::Place(place)
            }
        };
        piece
    }
}
