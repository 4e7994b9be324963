//! The gateway's HTTP listener.
//!
//! Owns the maximum number of connections. `server.rs` serves each, and `connections.rs` chooses which one is replaced.

use crate::connections::ConnectionTable;
use crate::peer::Peer;
use crate::server::{Site, serve};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

/// The maximum number of connections.
const CONNECTIONS: usize = 256;
/// The delay before the next attempt if accepting fails, for example because no file descriptors are left.
const PAUSE: Duration = Duration::from_millis(100);

/// Answers HTTP without TLS until it is dropped. Beyond [`CONNECTIONS`], a new connection replaces an old one that has
/// sent no request yet: the oldest of the peer that has most of them.
pub(super) async fn listen(listener: TcpListener, site: Site) {
    let table = ConnectionTable::new(CONNECTIONS);
    let mut connections = JoinSet::new();
    loop {
        while connections.try_join_next().is_some() {}
        match listener.accept().await {
            Ok((stream, peer)) => {
                let peer = peer.ip();
                let Ok(guard) = table.enter(Peer::from(peer)) else {
                    continue;
                };
                let site = site.clone();
                connections.spawn(async move {
                    // Never ready: aborting the listening task ends its connections.
                    let end = std::future::pending();
                    if let Err(e) = serve(stream, &site, peer, &guard, end).await {
                        tracing::debug!("a connection ended: {e}");
                    }
                });
            }
            Err(e) => {
                tracing::debug!("no connection: {e}");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use super::*;
    use crate::answer::RestError;
    use crate::pages::Pages;
    use crate::proxies::TrustedProxies;
    use axum::Router;
    use axum::response::IntoResponse as _;
    use axum::routing::get;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    /// Sends a request from this address, which is a different peer than 127.0.0.1.
    async fn ask_from(source: &str, to: std::net::SocketAddr) -> String {
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.bind(format!("{source}:0").parse().unwrap()).unwrap();
        let mut stream = socket.connect(to).await.unwrap();
        let request = b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
        stream.write_all(request).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }

    #[tokio::test]
    async fn silent_connections_of_one_peer_shut_out_nobody() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let site = Site {
            router: Router::new().route("/", get(|| async { "hello" })),
            pages: Pages::plain(true, [].into(), "GET"),
            proxies: TrustedProxies::default(),
            keep_alive: true,
            busy: || RestError::Busy.into_response(),
        };
        let _listening = tokio::spawn(listen(listener, site));
        let mut silent = Vec::new();
        for _ in 0..CONNECTIONS + 20 {
            silent.push(tokio::net::TcpStream::connect(addr).await.unwrap());
        }
        // Well before idle connections time out.
        let soon = Duration::from_secs(5);
        for source in ["127.0.0.2", "127.0.0.1"] {
            let answer = tokio::time::timeout(soon, ask_from(source, addr)).await;
            assert!(answer.is_ok_and(|it| it.ends_with("hello")), "{source}");
        }
    }
}
