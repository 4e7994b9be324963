//! A raw MQTT client for tests, which may exceed all limits, and reads only on request.

use porchlight_core::team::Secret;
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A connection of a member, without TLS.
pub(crate) struct Raw {
    pub(crate) stream: TcpStream,
    /// Whether the hub resumed its session.
    pub(crate) resumed: bool,
}

/// The parameters of a CONNECT.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wanted<'a> {
    pub(crate) id: &'a str,
    /// 4 for MQTT 3.1.1.
    pub(crate) version: u8,
    pub(crate) keep_alive_s: u16,
    /// How long the session outlives the connection (MQTT 5).
    pub(crate) expiry_s: u32,
    pub(crate) clean: bool,
}

/// Returns parameters for MQTT 5 with this client id, and usual values otherwise.
pub(crate) fn named(id: &str) -> Wanted<'_> {
    Wanted { id, version: 5, keep_alive_s: 300, expiry_s: 0, clean: true }
}

impl Raw {
    /// Connects. Returns the reason code if the hub refuses.
    pub(crate) async fn try_connect(
        addr: SocketAddr,
        who: Option<&Secret>,
        wanted: Wanted<'_>,
    ) -> Result<Self, u8> {
        let mut stream = TcpStream::connect(addr).await.unwrap();
        stream.write_all(&connect(who, wanted)).await.unwrap();
        let (first, body) = packet_from(&mut stream).await.expect("a CONNACK");
        assert_eq!(first, 0x20);
        match body[1] {
            0 => Ok(Self { stream, resumed: body[0] == 1 }),
            reason => Err(reason),
        }
    }

    pub(crate) async fn connect(addr: SocketAddr, who: &Secret, wanted: Wanted<'_>) -> Self {
        Self::try_connect(addr, Some(who), wanted).await.unwrap()
    }

    /// Connects over a WebSocket. The caller must send frames after that.
    pub(crate) async fn connect_web_socket(
        addr: SocketAddr,
        who: &Secret,
        wanted: Wanted<'_>,
    ) -> Result<Self, u8> {
        let mut stream = TcpStream::connect(addr).await.unwrap();
        let head = b"GET /mqtt HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n\
            Connection: Upgrade\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\
            Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: mqtt\r\n\r\n";
        stream.write_all(head).await.unwrap();
        let mut answer = Vec::new();
        while !answer.ends_with(b"\r\n\r\n") {
            answer.push(stream.read_u8().await.expect("the head of an answer"));
        }
        stream.write_all(&frame(&connect(Some(who), wanted))).await.unwrap();
        let mut head = [0; 2];
        stream.read_exact(&mut head).await.expect("a frame");
        let (first, body) = packet_from(&mut stream).await.expect("a CONNACK");
        assert_eq!((head[0], first), (0x82, 0x20));
        match body[1] {
            0 => Ok(Self { stream, resumed: body[0] == 1 }),
            reason => Err(reason),
        }
    }

    /// Writes the bytes. Returns whether all were written before the hub closed the connection.
    pub(crate) async fn send(&mut self, packet: &[u8]) -> bool {
        self.stream.write_all(packet).await.is_ok()
    }

    /// Reads the next packet: its first byte, and the bytes after its length. None once the hub has closed
    /// the connection.
    pub(crate) async fn next(&mut self) -> Option<(u8, Vec<u8>)> {
        packet_from(&mut self.stream).await
    }

    /// Reads the next packet of this type.
    pub(crate) async fn next_of(&mut self, kind: u8) -> Option<Vec<u8>> {
        loop {
            let (first, body) = self.next().await?;
            if first >> 4 == kind {
                return Some(body);
            }
        }
    }

    /// Subscribes at `QoS` 1, and returns the reason codes. None if the hub closes the connection.
    pub(crate) async fn subscribe(&mut self, filters: &[&str]) -> Option<Vec<u8>> {
        self.subscribe_at(filters, 1).await
    }

    pub(crate) async fn subscribe_at(&mut self, filters: &[&str], qos: u8) -> Option<Vec<u8>> {
        if !self.send(&subscribe(filters, qos)).await {
            return None;
        }
        let body = self.next_of(9).await?;
        Some(body[body.len() - filters.len()..].to_vec())
    }
}

/// Returns a small packet in a WebSocket frame, masked with zeros.
pub(crate) fn frame(packet: &[u8]) -> Vec<u8> {
    assert!(packet.len() < 126, "{}", packet.len());
    let mut frame = vec![0x82, 0x80 | u8::try_from(packet.len()).unwrap(), 0, 0, 0, 0];
    frame.extend_from_slice(packet);
    frame
}

pub(crate) fn packet(first: u8, body: &[u8]) -> Vec<u8> {
    let mut packet = vec![first];
    packet.extend(varint(body.len()));
    packet.extend_from_slice(body);
    packet
}

/// Returns a Variable Byte Integer (MQTT 5, 1.5.5).
fn varint(mut n: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let low = u8::try_from(n % 128).unwrap();
        n /= 128;
        bytes.push(if n > 0 { low | 0x80 } else { low });
        if n == 0 {
            return bytes;
        }
    }
}

fn text(text: &str) -> Vec<u8> {
    let mut bytes = u16::try_from(text.len()).unwrap().to_be_bytes().to_vec();
    bytes.extend_from_slice(text.as_bytes());
    bytes
}

fn connect(who: Option<&Secret>, wanted: Wanted<'_>) -> Vec<u8> {
    let mut flags = u8::from(wanted.clean) << 1;
    if who.is_some() {
        flags |= 0xc0;
    }
    let mut body = text("MQTT");
    body.extend([wanted.version, flags]);
    body.extend(wanted.keep_alive_s.to_be_bytes());
    if wanted.version == 5 {
        body.extend([5, 0x11]);
        body.extend(wanted.expiry_s.to_be_bytes());
    }
    body.extend(text(wanted.id));
    if let Some(who) = who {
        body.extend(text(who.id()));
        body.extend(text(who.secret()));
    }
    packet(0x10, &body)
}

/// Returns a SUBSCRIBE of MQTT 5 with packet id 1.
pub(crate) fn subscribe(filters: &[&str], qos: u8) -> Vec<u8> {
    let mut body = vec![0, 1, 0];
    for filter in filters {
        body.extend(text(filter));
        body.push(qos);
    }
    packet(0x82, &body)
}

/// Returns an UNSUBSCRIBE of MQTT 5 with packet id 1.
pub(crate) fn unsubscribe(filters: &[&str]) -> Vec<u8> {
    let mut body = vec![0, 1, 0];
    filters.iter().for_each(|filter| body.extend(text(filter)));
    packet(0xa2, &body)
}

/// Returns a PUBLISH of MQTT 5, at `QoS` 0 without a packet id.
pub(crate) fn publish(topic: &str, qos: u8, id: u16, retain: bool, payload: &[u8]) -> Vec<u8> {
    publish_with(topic, qos, id, retain, &[], payload)
}

pub(crate) fn publish_with(
    topic: &str,
    qos: u8,
    id: u16,
    retain: bool,
    properties: &[u8],
    payload: &[u8],
) -> Vec<u8> {
    let mut body = text(topic);
    if qos > 0 {
        body.extend(id.to_be_bytes());
    }
    body.extend(varint(properties.len()));
    body.extend_from_slice(properties);
    body.extend_from_slice(payload);
    packet(0x30 | qos << 1 | u8::from(retain), &body)
}

/// Returns user properties of this many bytes.
pub(crate) fn user_properties(bytes: usize) -> Vec<u8> {
    let mut property = vec![0x26];
    property.extend(text("k"));
    property.extend(text(&"v".repeat(bytes - 6)));
    property
}

async fn packet_from(stream: &mut TcpStream) -> Option<(u8, Vec<u8>)> {
    let first = stream.read_u8().await.ok()?;
    let (mut len, mut shift) = (0, 0);
    loop {
        let byte = stream.read_u8().await.ok()?;
        len |= usize::from(byte & 0x7f) << shift;
        shift += 7;
        if byte & 0x80 == 0 {
            break;
        }
    }
    let mut body = vec![0; len];
    stream.read_exact(&mut body).await.ok()?;
    Some((first, body))
}
