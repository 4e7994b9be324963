//! The byte stream of one connection, over TCP or TLS.
//!
//! It returns the bytes again that the protocol detection read, and ends when the hub closes the connection.
//! It limits how long a write may block, and reads nothing while the allowance is used up.

use super::frames::Frames;
use crate::access::Allowance;
use crate::connections::ConnectionGuard;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};
use tokio::time::Sleep;

/// Cost of a WebSocket frame in addition to its bytes. A frame may be empty, and its content counts as
/// packets.
const A_FRAME: usize = 256;
/// Cost of a control frame. Most of them require an answer.
const A_CONTROL_FRAME: usize = 4 * 1024;

/// A bidirectional byte stream: TCP, or TLS over TCP.
pub(super) trait Carrier: AsyncRead + AsyncWrite + Send + Sync + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Sync + Unpin> Carrier for T {}

/// The byte stream of one connection, with its limits.
pub(super) struct Wire {
    carrier: Box<dyn Carrier>,
    connection: Arc<ConnectionGuard>,
    /// Bytes that the next read returns first.
    first: Vec<u8>,
    allowance: Allowance,
    /// Finds the frames if the connection is a WebSocket.
    frames: Option<Frames>,
    /// The pause before the next read. None if no pause is needed.
    pause: Option<Pin<Box<Sleep>>>,
}

impl Wire {
    pub(super) fn new(carrier: Box<dyn Carrier>, connection: Arc<ConnectionGuard>) -> Self {
        let allowance = Allowance::new();
        Self { carrier, connection, first: Vec::new(), allowance, frames: None, pause: None }
    }

    /// Returns the allowance of the connection.
    pub(super) fn allowance(&self) -> Allowance {
        self.allowance.clone()
    }

    /// Reads the first bytes, at least one and at most `max`, until `enough` returns true. Later reads return
    /// them again.
    pub(super) async fn peek(
        &mut self,
        max: usize,
        enough: impl Fn(&[u8]) -> bool,
    ) -> io::Result<&[u8]> {
        let mut first = Vec::with_capacity(max);
        while first.len() < max && !enough(&first) {
            let mut bytes = [0; 64];
            let room = bytes.len().min(max - first.len());
            let n = self.read(&mut bytes[..room]).await?;
            if n == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            first.extend_from_slice(&bytes[..n]);
        }
        self.first = first;
        Ok(&self.first)
    }

    /// Counts frames from now on. The head of a WebSocket request comes first.
    pub(super) fn count_frames(&mut self) {
        self.frames = Some(Frames::default());
    }

    fn was_read(&mut self, bytes: &[u8]) {
        if let Some(frames) = &mut self.frames {
            let price = |control| if control { A_CONTROL_FRAME } else { A_FRAME };
            frames.read(bytes, |control| self.allowance.spend(price(control)));
        }
    }

    /// Waits until the allowance permits more reads.
    fn poll_allowance(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            if let Some(pause) = &mut self.pause {
                ready!(pause.as_mut().poll(cx));
                self.pause = None;
            }
            let wait = self.allowance.wait();
            if wait.is_zero() {
                return Poll::Ready(());
            }
            self.pause = Some(Box::pin(tokio::time::sleep(wait)));
        }
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.connection.is_closed_for_reading(cx) {
            return Poll::Ready(Ok(()));
        }
        if !this.first.is_empty() {
            let n = this.first.len().min(buf.remaining());
            let first: Vec<u8> = this.first.drain(..n).collect();
            this.was_read(&first);
            buf.put_slice(&first);
            return Poll::Ready(Ok(()));
        }
        ready!(this.poll_allowance(cx));
        let before = buf.filled().len();
        ready!(Pin::new(&mut this.carrier).poll_read(cx, buf))?;
        this.allowance.spend(buf.filled().len() - before);
        this.was_read(&buf.filled()[before..]);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        this.connection.check_for_writing(cx)?;
        Pin::new(&mut this.carrier).poll_write(cx, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        this.connection.check_for_writing(cx)?;
        Pin::new(&mut this.carrier).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.connection.check_for_writing(cx).is_err() {
            // A closed connection reads as ended.
            return Poll::Ready(Ok(()));
        }
        ready!(Pin::new(&mut this.carrier).poll_shutdown(cx))?;
        Poll::Ready(Ok(()))
    }
}
