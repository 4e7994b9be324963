//! A gate in front of a broker that lets in only who speaks MQTT 3.1.1, for brokers that speak 5 and
//! can't be told not to (Mosquitto before 2.1).
//!
//! Who comes with MQTT 5 finds the connection closed, as brokers that never heard of it do.

use std::io;

use tokio::io::{AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

use crate::packet::{protocol_level, read_packet};
use crate::port::free_port;

const LEVEL_5: u8 = 5;

/// A TCP proxy on a port of 127.0.0.1 that it keeps while it is shut.
#[derive(Debug)]
pub struct V311Proxy {
    port: u16,
    to: u16,
    /// Ends with all of its connections when it is dropped; none while the gate is shut.
    accepting: Option<JoinHandle<()>>,
}

impl V311Proxy {
    /// Opens a gate to this port of 127.0.0.1.
    ///
    /// # Panics
    ///
    /// When it can't listen.
    pub async fn to(port: u16) -> Self {
        // Like a broker's, its port is retried by clients while nobody listens there.
        let mut gate = Self { port: free_port(), to: port, accepting: None };
        gate.open().await;
        gate
    }

    /// The near end as a broker's URL, without a topic root.
    #[must_use]
    pub fn url(&self) -> String {
        format!("mqtt://127.0.0.1:{}", self.port)
    }

    /// The port of the near end on 127.0.0.1.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Closes every connection and refuses new ones, as the port of a broker that is not there.
    pub async fn shut(&mut self) {
        if let Some(accepting) = self.accepting.take() {
            accepting.abort();
            // It is cancelled; what matters is that its port is free again.
            let _ = accepting.await;
        }
    }

    /// Opens it again on the same port.
    ///
    /// # Panics
    ///
    /// When somebody else has taken the port.
    pub async fn open(&mut self) {
        self.shut().await;
        let listener = TcpListener::bind(("127.0.0.1", self.port)).await.expect("a free port");
        self.accepting = Some(tokio::spawn(accept(listener, self.to)));
    }
}

impl Drop for V311Proxy {
    fn drop(&mut self) {
        if let Some(accepting) = &self.accepting {
            accepting.abort();
        }
    }
}

async fn accept(listener: TcpListener, to: u16) {
    let mut connections = JoinSet::new();
    while let Ok((near, _)) = listener.accept().await {
        connections.spawn(pass(near, to));
        while connections.try_join_next().is_some() {}
    }
}

async fn pass(mut near: TcpStream, to: u16) -> io::Result<()> {
    let connect = read_packet(&mut near).await?;
    if protocol_level(&connect) == Some(LEVEL_5) {
        return Ok(());
    }
    let mut far = TcpStream::connect(("127.0.0.1", to)).await?;
    near.set_nodelay(true)?;
    far.set_nodelay(true)?;
    far.write_all(&connect).await?;
    copy_bidirectional(&mut near, &mut far).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::broker::Mosquitto;
    use crate::seed::SeedClient;
    use crate::until::SOON;
    use crate::wire::Probe;

    #[tokio::test]
    async fn only_the_older_protocol_gets_through() {
        let broker = Mosquitto::start("").await;
        let mut gate = V311Proxy::to(broker.port()).await;
        let refused = Probe::to(&gate.url()).try_connect().await;
        assert!(refused.is_err(), "MQTT 5 got through");
        let seed = SeedClient::first(&gate.url(), "alice").await;
        seed.wait_status("alice", "online", SOON).await;
        gate.shut().await;
        seed.wait("its connection to end", SOON, |event| event["event"] == "disconnected").await;
        gate.open().await;
        let ready = |event: &serde_json::Value| event["event"] == "ready";
        let twice = || seed.events().iter().filter(|event| ready(event)).count() == 2;
        crate::until::until("it to come back", SOON, twice).await;
    }
}
