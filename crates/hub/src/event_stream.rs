//! Server-sent events (WHATWG HTML, section 9.2) that are made one after the other, as they are read.

use axum::body::{Body, Bytes};
use hyper::body::{Body as HttpBody, Frame};
use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// A body whose next piece is made once the previous one was taken. The state is dropped with the body, which ends when
/// nobody reads any more.
pub(crate) struct EventStream<S, F> {
    next: fn(S) -> F,
    making: Option<Pin<Box<F>>>,
}

impl<S, F> EventStream<S, F>
where
    S: Send + 'static,
    F: Future<Output = Option<(Bytes, S)>> + Send + 'static,
{
    /// The body of the pieces that `next` makes of a state, until it makes none.
    pub(crate) fn body(state: S, next: fn(S) -> F) -> Body {
        Body::new(Self { next, making: Some(Box::pin(next(state))) })
    }
}

impl<S, F: Future<Output = Option<(Bytes, S)>>> HttpBody for EventStream<S, F> {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let Some(making) = &mut self.making else {
            return Poll::Ready(None);
        };
        let piece = ready!(making.as_mut().poll(cx));
        self.making = None;
        Poll::Ready(piece.map(|(piece, state)| {
            self.making = Some(Box::pin((self.next)(state)));
            Ok(Frame::data(piece))
        }))
    }
}
