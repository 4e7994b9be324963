//! Limits how many MQTT packets per time one connection may send.
//!
//! Owns the cost of each packet. The hub does not close a connection that exceeds its allowance, but reads
//! its next bytes later, and TCP slows down the sender. The meter also reports to the backlogs what a
//! connection takes, and corrects the reasons for refused filters in each SUBACK. It does not decide what is
//! refused.

use super::frames::{Head, Packets};
use crate::access::{Access, Allowance, Refusals};
use crate::broker::MAX_PACKET_SIZE;
use crate::clock;
use crate::connections::ConnectionId;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Minimum cost of a packet in bytes. It allows 256 packets per second.
const A_PACKET: usize = 4 * 1024;
/// Cost of an acknowledgement in bytes. There are as many as messages that the hub sent.
const AN_ACKNOWLEDGEMENT: usize = 256;
/// Cost factor on the length of a SUBSCRIBE or UNSUBSCRIBE. A filter may have only a few bytes, but takes as
/// long as a packet.
const TIMES_FILTERS: usize = 64;

const CONNACK: u8 = 2;
const PUBLISH: u8 = 3;
const PUBACK: u8 = 4;
const PUBREC: u8 = 5;
const PUBCOMP: u8 = 7;
const SUBSCRIBE: u8 = 8;
const SUBACK: u8 = 9;
const UNSUBSCRIBE: u8 = 10;

/// Returns the cost of this packet in addition to its bytes.
fn surcharge(head: Head) -> usize {
    match head.kind() {
        PUBACK | PUBREC | PUBCOMP => AN_ACKNOWLEDGEMENT.saturating_sub(head.len),
        // The broker refuses longer packets. Without the cap, a merely claimed length would use up the
        // device's allowance for hours.
        SUBSCRIBE | UNSUBSCRIBE => A_PACKET.max(head.len.min(MAX_PACKET_SIZE) * TIMES_FILTERS),
        _ => A_PACKET.saturating_sub(head.len),
    }
}

/// A stream that meters the MQTT packets between one connection and the broker.
pub(super) struct Metered<S> {
    stream: S,
    peer: SocketAddr,
    connection: ConnectionId,
    access: Arc<Access>,
    allowance: Allowance,
    refusals: Arc<Refusals>,
    read: Packets,
    written: Packets,
    /// A corrected SUBACK, and how many of its bytes are written. None if no SUBACK is pending.
    suback: Option<(Vec<u8>, usize)>,
}

impl<S> Metered<S> {
    pub(super) fn new(
        stream: S,
        peer: SocketAddr,
        connection: ConnectionId,
        access: Arc<Access>,
        allowance: Allowance,
        refusals: Arc<Refusals>,
    ) -> Self {
        Self {
            stream,
            peer,
            connection,
            access,
            allowance,
            refusals,
            read: Packets::default(),
            written: Packets::default(),
            suback: None,
        }
    }

    fn was_read(&mut self, bytes: &[u8]) {
        let now = clock::now().mono;
        self.read.read(bytes, |head| {
            self.allowance.spend(surcharge(head));
            if matches!(head.kind(), PUBACK | PUBREC) {
                self.access.backlogs.acknowledged(self.connection, now, head.id);
            }
        });
    }

    /// Inspects a packet before the first byte is written. The broker writes one packet at a time.
    fn is_begun(&mut self, packet: &[u8]) {
        let mut head = None;
        Packets::default().read(packet, |found| head = head.or(Some(found)));
        let Some(head) = head else { return };
        match head.kind() {
            CONNACK => self.refusals.begin(),
            SUBACK => {
                let mut packet = packet.to_vec();
                correct(&mut packet, head, &self.refusals);
                self.suback = Some((packet, 0));
            }
            PUBLISH => {
                if let Some(id) = packet_id(packet, head) {
                    self.access.backlogs.sent(self.connection, clock::now().mono, id);
                }
            }
            _ => {}
        }
    }
}

/// Returns the packet id of a PUBLISH, which follows the topic (MQTT 5, 3.3.2). None at `QoS` 0.
fn packet_id(packet: &[u8], head: Head) -> Option<u16> {
    if head.first & 0b110 == 0 {
        return None;
    }
    let body = packet.get(packet.len().checked_sub(head.len)?..)?;
    let id = body.get(2 + usize::from(head.id)..)?.first_chunk()?;
    Some(u16::from_be_bytes(*id))
}

/// Changes the refusals in a SUBACK that mean "too many filters" to 0x97. The broker only uses 0x87, "not
/// authorized". MQTT 3.1.1 has only one code for both.
fn correct(packet: &mut [u8], head: Head, refusals: &Refusals) {
    let mut refusals = refusals.take().into_iter();
    let Some(body) = packet.len().checked_sub(head.len) else { return };
    // The codes follow the packet id and the properties (MQTT 5, 3.9.2). The broker's properties have at most
    // 127 bytes.
    let properties = packet.get(body + 2).copied().map_or(0, usize::from);
    if properties > 0x7f {
        return;
    }
    for code in packet.iter_mut().skip(body + 3 + properties).filter(|code| **code == 0x87) {
        if refusals.next() == Some(true) {
            *code = 0x97;
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Metered<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buf.filled().len();
        ready!(Pin::new(&mut this.stream).poll_read(cx, buf))?;
        this.was_read(&buf.filled()[before..]);
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Metered<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if this.written.is_at_start() && this.suback.is_none() {
            this.is_begun(bytes);
        }
        let corrected = this.suback.as_ref().map(|(packet, written)| &packet[*written..]);
        let polled = Pin::new(&mut this.stream).poll_write(cx, corrected.unwrap_or(bytes));
        let now = clock::now().mono;
        let n = match polled {
            Poll::Ready(written) => written?,
            Poll::Pending => {
                this.access.backlogs.blocked(this.connection, now);
                return Poll::Pending;
            }
        };
        let mut begun = 0;
        this.written.read(&bytes[..n], |_| begun += 1);
        this.access.backlogs.took(this.connection, now, n, begun);
        if let Some((packet, written)) = &mut this.suback {
            *written += n;
            if *written == packet.len() {
                this.suback = None;
            }
        }
        Poll::Ready(Ok(n))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.stream).poll_flush(cx);
        let now = clock::now().mono;
        // A WebSocket buffers a whole packet, and writes it only in the flush.
        match &polled {
            Poll::Pending => this.access.backlogs.blocked(this.connection, now),
            Poll::Ready(_) => this.access.backlogs.took(this.connection, now, 0, 0),
        }
        polled
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }
}

impl<S> Drop for Metered<S> {
    fn drop(&mut self) {
        self.access.backlogs.left(self.connection);
    }
}

/// The broker accepts any stream through its WebSocket transport. The bytes on this one are plain MQTT.
impl<S: AsyncRead + AsyncWrite + Send + Sync + Unpin> mqtt5::broker::transport::WebSocketTransport
    for Metered<S>
{
    fn peer_addr(&self) -> mqtt5::Result<SocketAddr> {
        Ok(self.peer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_that_is_only_claimed_costs_no_more_than_the_longest_packet() {
        let of = |len| surcharge(Head { first: 0x82, len, id: 0 });
        assert_eq!(of(268_435_455), of(MAX_PACKET_SIZE));
    }

    #[test]
    fn a_suback_says_which_filters_were_too_many() {
        let refusals = Refusals::of([false, true]);
        let mut packet = b"\x90\x06\0\x01\0\x00\x87\x87".to_vec();
        let head = Head { first: 0x90, len: 6, id: 1 };
        correct(&mut packet, head, &refusals);
        assert_eq!(packet, b"\x90\x06\0\x01\0\x00\x87\x97");
        assert!(refusals.take().is_empty());
    }

    #[test]
    fn the_packet_id_of_a_message_is_behind_its_topic() {
        let packet = b"\x32\x07\0\x01t\x01\x02\0x";
        let head = Head { first: 0x32, len: 7, id: 1 };
        assert_eq!(packet_id(packet, head), Some(0x0102));
        assert_eq!(packet_id(packet, Head { first: 0x30, ..head }), None);
        assert_eq!(packet_id(&packet[..4], Head { len: 2, ..head }), None);
    }
}
