//! A broker that loses some messages: a proxy that keeps back each packet to the broker that has certain bytes in it.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::AsyncWriteExt;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use crate::packet::read_packet;

/// A TCP proxy on 127.0.0.1 that knows where an MQTT packet ends.
#[derive(Debug)]
pub struct PacketFilter {
    address: SocketAddr,
    kept: Arc<AtomicUsize>,
    accepting: JoinHandle<()>,
}

impl PacketFilter {
    /// A way to the broker at this port of 127.0.0.1 on which packets with these bytes are lost.
    ///
    /// # Panics
    ///
    /// When it can't listen.
    pub async fn to(port: u16, bytes: &'static [u8]) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
        let address = listener.local_addr().expect("it listens");
        let kept = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&kept);
        let accepting = tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                tokio::spawn(carry(near, port, bytes, Arc::clone(&count)));
            }
        });
        Self { address, kept, accepting }
    }

    /// Its end as a broker's URL.
    #[must_use]
    pub fn url(&self) -> String {
        format!("mqtt://{}", self.address)
    }

    /// How many packets were lost on it.
    #[must_use]
    pub fn kept_back(&self) -> usize {
        self.kept.load(Ordering::Relaxed)
    }
}

impl Drop for PacketFilter {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn carry(near: TcpStream, port: u16, bytes: &[u8], kept: Arc<AtomicUsize>) -> io::Result<()> {
    let far = TcpStream::connect(("127.0.0.1", port)).await?;
    near.set_nodelay(true)?;
    far.set_nodelay(true)?;
    let (near_read, near_write) = near.into_split();
    let (far_read, far_write) = far.into_split();
    tokio::select! {
        ended = sift(near_read, far_write, bytes, &kept) => ended,
        ended = copy(far_read, near_write) => ended,
    }
}

async fn copy(mut from: OwnedReadHalf, mut to: OwnedWriteHalf) -> io::Result<()> {
    tokio::io::copy(&mut from, &mut to).await.map(|_| ())
}

async fn sift(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    bytes: &[u8],
    kept: &AtomicUsize,
) -> io::Result<()> {
    loop {
        let packet = read_packet(&mut from).await?;
        if packet.windows(bytes.len()).any(|window| window == bytes) {
            kept.fetch_add(1, Ordering::Relaxed);
        } else {
            to.write_all(&packet).await?;
        }
    }
}
