//! Limits simultaneous answers and streams, in total and per reader.
//!
//! Each reader has a share, so that none blocks the others. An answer counts until the system has sent all of
//! it, or until its connection has ended.

use crate::peer::Peer;
use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use porchlight_core::id::UserId;
use std::collections::HashMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Maximum number of simultaneous answers of one kind per reader.
pub(crate) const EACH: usize = 4;

/// The reader against whose share a request counts.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Reader {
    /// A program, by the id of its token.
    Program(String),
    /// A person, on any of their devices.
    Person(UserId),
    /// A request with this id and secret, which nobody has verified.
    Unverified(String, String),
    /// Any request from this address.
    Peer(Peer),
}

/// How long a request waits for its turn, and how long creating its answer may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// The limits on one kind of answer or stream.
pub(crate) struct Turns {
    all: Arc<Semaphore>,
    /// The shares of readers who have a turn, or wait for one.
    of: Mutex<HashMap<Reader, Arc<Semaphore>>>,
}

/// A permission to answer. Dropping it passes the turn to another request.
#[derive(Debug)]
pub(crate) struct Turn(
    #[expect(dead_code, reason = "they are given back when they are dropped")]
    [OwnedSemaphorePermit; 2],
);

impl Turns {
    /// Creates limits of `most` at a time in total, and [`EACH`] per reader.
    pub(crate) fn new(most: usize) -> Arc<Self> {
        Arc::new(Self { all: Arc::new(Semaphore::new(most)), of: Mutex::default() })
    }

    /// Waits for a turn. Returns none if it takes longer than `patience`.
    pub(crate) async fn take(&self, reader: &Reader, patience: Duration) -> Option<Turn> {
        let own = self.own(reader);
        // Wait for the reader's own share first, so that this does not block other readers.
        let both = async {
            let own = own.acquire_owned().await.ok()?;
            let all = Arc::clone(&self.all).acquire_owned().await.ok()?;
            Some(Turn([own, all]))
        };
        tokio::time::timeout(patience, both).await.ok().flatten()
    }

    /// Returns a turn if one is free now.
    pub(crate) fn try_take(&self, reader: &Reader) -> Option<Turn> {
        let own = self.own(reader).try_acquire_owned().ok()?;
        let all = Arc::clone(&self.all).try_acquire_owned().ok()?;
        Some(Turn([own, all]))
    }

    fn own(&self, reader: &Reader) -> Arc<Semaphore> {
        let mut of = self.of.lock().unwrap_or_else(PoisonError::into_inner);
        // Each turn and each waiting reader holds a reference to its share.
        of.retain(|_, own| Arc::strong_count(own) > 1);
        let own = of.entry(reader.clone()).or_insert_with(|| Arc::new(Semaphore::new(EACH)));
        Arc::clone(own)
    }
}

/// The turns of one connection's answers that hyper has read, but the system has not sent.
#[derive(Clone, Default)]
pub(crate) struct Unsent(Arc<Mutex<Vec<Turn>>>);

impl Unsent {
    /// Holds this turn until everything written before is sent.
    pub(crate) fn hold(&self, turn: Turn) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(turn);
    }

    /// Releases all turns, because everything written is sent.
    pub(crate) fn sent(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

/// A body that holds its turn until it is sent or its connection ends.
pub(crate) struct Counted {
    body: Body,
    turn: Option<Turn>,
    /// Holds the turn after hyper has read the body, until the system has sent it.
    unsent: Option<Unsent>,
}

impl Counted {
    pub(crate) fn new(body: Body, turn: Turn, unsent: Option<Unsent>) -> Self {
        Self { body, turn: Some(turn), unsent }
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        if let (Some(unsent), Some(turn)) = (&self.unsent, self.turn.take()) {
            unsent.hold(turn);
        }
    }
}

impl HttpBody for Counted {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// Waits for the reader's turn, and creates the answer. Returns none if either takes too long.
pub(crate) async fn take_turn(
    turns: &Turns,
    reader: &Reader,
    request: Request,
    next: Next,
) -> Option<Response> {
    let turn = turns.take(reader, PATIENCE).await?;
    let unsent = request.extensions().get::<Unsent>().cloned();
    let response = tokio::time::timeout(PATIENCE, next.run(request)).await.ok()?;
    Some(response.map(|body| Body::new(Counted::new(body, turn, unsent))))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Duration = Duration::ZERO;

    fn reader(name: &str) -> Reader {
        Reader::Program(name.to_owned())
    }

    #[tokio::test]
    async fn one_reader_has_its_share_and_another_one_has_its_own() {
        let turns = Turns::new(6);
        let (a, b) = (reader("a"), reader("b"));
        let mut held: Vec<_> = (0..EACH).map(|_| turns.try_take(&a).unwrap()).collect();
        assert!(turns.try_take(&a).is_none() && turns.take(&a, NOW).await.is_none());
        held.extend([turns.try_take(&b).unwrap(), turns.take(&b, NOW).await.unwrap()]);
        assert!(turns.try_take(&b).is_none(), "there are six in all");
        held.remove(0);
        assert!(turns.try_take(&b).is_some() && turns.try_take(&a).is_some());
    }

    #[tokio::test]
    async fn who_waits_for_its_own_share_waits_in_nobody_s_way() {
        let turns = Turns::new(EACH + 1);
        let held: Vec<_> = (0..EACH).map(|_| turns.try_take(&reader("a")).unwrap()).collect();
        let (waiting, a) = (Arc::clone(&turns), reader("a"));
        let mut waiting = Box::pin(async move { waiting.take(&a, Duration::MAX).await });
        assert!(matches!(futures_now(&mut waiting), Poll::Pending));
        assert!(turns.try_take(&reader("b")).is_some());
        drop(held);
        assert!(waiting.await.is_some());
    }

    #[test]
    fn who_has_no_turn_is_forgotten() {
        let turns = Turns::new(EACH);
        for n in 0..100 {
            drop(turns.try_take(&reader(&n.to_string())));
        }
        assert_eq!(turns.of.lock().unwrap().len(), 1);
    }

    fn futures_now<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
        Pin::new(future).poll(&mut Context::from_waker(std::task::Waker::noop()))
    }
}
