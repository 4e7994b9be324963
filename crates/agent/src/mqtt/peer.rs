//! A broker for tests: a listener on loopback that reads packets and answers with whatever bytes a
//! test wants.

use std::time::Duration;

use porchlight_core::effect::{Connect, Version, Will};
use porchlight_core::input::ConnectionId;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

use crate::broker::Broker;

/// The deadline of every wait.
const DEADLINE: Duration = Duration::from_secs(10);

/// Control Packet Types, as they appear in the first byte of a packet.
pub(crate) const CONNECT: u8 = 0x10;
pub(crate) const PUBLISH: u8 = 0x30;
pub(crate) const SUBSCRIBE: u8 = 0x80;
pub(crate) const PINGREQ: u8 = 0xC0;
pub(crate) const DISCONNECT: u8 = 0xE0;

/// CONNACK with success and no properties.
pub(crate) const CONNACK_V5: [u8; 5] = [0x20, 3, 0, 0, 0];
pub(crate) const CONNACK_V311: [u8; 4] = [0x20, 2, 0, 0];

/// A listener for connections.
pub(crate) struct Door(TcpListener);

impl Door {
    pub(crate) async fn open() -> Self {
        Self(TcpListener::bind("127.0.0.1:0").await.unwrap())
    }

    pub(crate) fn broker(&self) -> Broker {
        format!("mqtt://{}", self.0.local_addr().unwrap()).parse().unwrap()
    }

    pub(crate) async fn accept(&self) -> Peer {
        Peer(within(self.0.accept()).await.unwrap().0)
    }
}

/// The broker's end of a connection.
pub(crate) struct Peer<S = TcpStream>(pub(crate) S);

/// A received packet.
#[derive(Debug)]
pub(crate) struct Packet {
    pub(crate) first: u8,
    pub(crate) body: Vec<u8>,
}

impl Packet {
    /// Its Control Packet Type.
    pub(crate) fn kind(&self) -> u8 {
        self.first & 0xF0
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Peer<S> {
    /// Reads the next packet; `None` if the connection ends instead, cleanly or not.
    pub(crate) async fn packet(&mut self) -> Option<Packet> {
        within(async {
            let first = self.0.read_u8().await.ok()?;
            let mut length = 0;
            for shift in [0, 7, 14, 21] {
                let byte = self.0.read_u8().await.ok()?;
                length |= usize::from(byte & 0x7F) << shift;
                if byte & 0x80 == 0 {
                    break;
                }
            }
            let mut body = vec![0; length];
            self.0.read_exact(&mut body).await.ok()?;
            Some(Packet { first, body })
        })
        .await
    }

    pub(crate) async fn send(&mut self, bytes: &[u8]) {
        within(self.0.write_all(bytes)).await.unwrap();
    }

    /// Reads the CONNECT and answers it.
    pub(crate) async fn let_in(&mut self, connack: &[u8]) -> Packet {
        let connect = self.packet().await.unwrap();
        assert_eq!(connect.kind(), CONNECT);
        self.send(connack).await;
        connect
    }

    /// Reads the head of an HTTP request.
    pub(crate) async fn head(&mut self) -> String {
        within(async {
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                head.push(self.0.read_u8().await.unwrap());
            }
            String::from_utf8(head).unwrap()
        })
        .await
    }

    /// Reads an HTTP request without a body, answers it, and waits until the client ends the
    /// connection. Returns the head of the request.
    pub(crate) async fn answer_request(mut self, answer: &str) -> String {
        let head = self.head().await;
        self.send(answer.as_bytes()).await;
        within(async { while self.0.read_u8().await.is_ok() {} }).await;
        head
    }
}

impl Peer {
    /// Ends the connection with a TCP reset.
    pub(crate) fn reset(self) {
        self.0.set_zero_linger().unwrap();
    }
}

pub(crate) async fn within<T>(what: impl Future<Output = T>) -> T {
    timeout(DEADLINE, what).await.expect("it came in time")
}

/// A CONNECT with a Will.
pub(crate) fn connect(version: Version, client_id: &str) -> Connect {
    Connect {
        connection: ConnectionId(1),
        version,
        client_id: client_id.to_owned(),
        clean_start: version == Version::V311,
        session_expiry: Duration::from_secs(66),
        keep_alive: Duration::from_secs(8),
        dial_within: Duration::from_secs(5),
        connack_within: Duration::from_secs(5),
        will: Some(Will {
            topic: "presence/alice/device/desk".to_owned(),
            payload: b"lost".to_vec(),
            delay: Duration::from_secs(6),
            expires_in: Duration::from_secs(60),
        }),
    }
}
