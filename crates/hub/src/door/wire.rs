//! One connection's bytes, whatever carries them.
//!
//! Owns that what was read to tell the protocols apart is read again, that a line which is cut reads as ended, and that
//! nobody holds an answer up for ever.

use crate::lines::Line;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};

/// What carries bytes both ways: TCP, or TLS over it.
pub(super) trait Carrier: AsyncRead + AsyncWrite + Send + Sync + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Sync + Unpin> Carrier for T {}

/// A carrier on a line.
pub(super) struct Wire {
    carrier: Box<dyn Carrier>,
    line: Arc<Line>,
    peer: SocketAddr,
    /// Read already, and to be read again first.
    first: Vec<u8>,
}

impl Wire {
    pub(super) fn new(carrier: Box<dyn Carrier>, line: Arc<Line>, peer: SocketAddr) -> Self {
        Self { carrier, line, peer, first: Vec::new() }
    }

    /// The first bytes, at least one and at most `max`, for as long as `enough` wants more of them. They stay to be
    /// read.
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
}

impl AsyncRead for Wire {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.line.is_cut_for_reading(cx) {
            return Poll::Ready(Ok(()));
        }
        if !this.first.is_empty() {
            let n = this.first.len().min(buf.remaining());
            buf.put_slice(&this.first[..n]);
            this.first.drain(..n);
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut this.carrier).poll_read(cx, buf)
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        this.line.check_for_writing(cx)?;
        Pin::new(&mut this.carrier).poll_write(cx, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        this.line.check_for_writing(cx)?;
        Pin::new(&mut this.carrier).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.line.check_for_writing(cx).is_err() {
            // Nothing more is said to whoever is cut.
            return Poll::Ready(Ok(()));
        }
        ready!(Pin::new(&mut this.carrier).poll_shutdown(cx))?;
        Poll::Ready(Ok(()))
    }
}

/// The broker takes any carrier where it takes a WebSocket's; the bytes on this one are plain MQTT.
impl mqtt5::broker::transport::WebSocketTransport for Wire {
    fn peer_addr(&self) -> mqtt5::Result<SocketAddr> {
        Ok(self.peer)
    }
}
