//! Opens a TCP connection to a name that may have several addresses (RFC 8305, *Happy Eyeballs*).
//!
//! This module decides the order of the addresses and the pause between them. An address that does
//! not answer, as with a broken IPv6, costs a quarter of a second instead of the connection.

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use porchlight_core::input::ConnectionFailure;
use tokio::net::{TcpStream, lookup_host};
use tokio::task::JoinSet;
use tokio::time::timeout;

/// The delay before the next address is tried (RFC 8305, section 5, *Connection Attempt Delay*).
const PAUSE: Duration = Duration::from_millis(250);
/// The maximum number of addresses to try for one name.
const MAX_ADDRESSES: usize = 16;

/// Why there is no TCP connection.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DialError {
    /// The name has no address, or no resolver answered.
    #[error("the host name is unknown")]
    Name(#[source] io::Error),
    /// No address accepted a connection.
    #[error("no address answers")]
    Connect(#[source] io::Error),
    /// The proxy did not connect us.
    #[error("the proxy did not connect us")]
    Proxy(#[source] ConnectionFailure),
}

/// Connects to the first address of this host that accepts.
pub(crate) async fn dial(host: &str, port: u16) -> Result<TcpStream, DialError> {
    let found = lookup_host((host, port)).await.map_err(DialError::Name)?;
    let stream = race(found, TcpStream::connect).await.map_err(DialError::Connect)?;
    // Without this a round trip over TLS took 43 to 300 ms instead of 4 to 6.
    stream.set_nodelay(true).map_err(DialError::Connect)?;
    Ok(stream)
}

/// Tries the addresses in order. The next attempt starts after a pause, or as soon as one fails.
/// The first connection wins, and the other attempts end.
async fn race<T, F>(
    addresses: impl Iterator<Item = SocketAddr>,
    connect: impl Fn(SocketAddr) -> F,
) -> io::Result<T>
where
    T: Send + 'static,
    F: Future<Output = io::Result<T>> + Send + 'static,
{
    let mut waiting = interleaved(addresses);
    let mut tries = JoinSet::new();
    let mut failure = io::Error::from(io::ErrorKind::AddrNotAvailable);
    loop {
        match waiting.pop_front() {
            Some(address) => {
                tries.spawn(connect(address));
            }
            None if tries.is_empty() => return Err(failure),
            None => {}
        }
        let next = tries.join_next();
        let ended = if waiting.is_empty() {
            next.await
        } else {
            match timeout(PAUSE, next).await {
                Ok(ended) => ended,
                Err(_) => continue,
            }
        };
        match ended {
            Some(Ok(Ok(connected))) => return Ok(connected),
            Some(Ok(Err(error))) => failure = error,
            Some(Err(_)) | None => {}
        }
    }
}

/// Alternates between IPv6 and IPv4, starting with the family that the system prefers (RFC 8305,
/// section 4).
fn interleaved(addresses: impl Iterator<Item = SocketAddr>) -> VecDeque<SocketAddr> {
    let mut addresses = addresses.take(MAX_ADDRESSES).peekable();
    let six_first = addresses.peek().is_some_and(SocketAddr::is_ipv6);
    let (first, second): (Vec<_>, Vec<_>) =
        addresses.partition(|address| address.is_ipv6() == six_first);
    let mut order = VecDeque::new();
    let (mut first, mut second) = (first.into_iter(), second.into_iter());
    loop {
        match (first.next(), second.next()) {
            (None, None) => return order,
            (one, other) => order.extend([one, other].into_iter().flatten()),
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::{Instant, sleep};

    use super::*;

    fn addresses(text: &str) -> Vec<SocketAddr> {
        text.split(' ').map(|address| address.parse().unwrap()).collect()
    }

    /// Port 1 never answers, 2 refuses at once, 3 answers after 400 ms, 4 at once.
    async fn simulated(address: SocketAddr) -> io::Result<SocketAddr> {
        match address.port() {
            1 => std::future::pending().await,
            2 => Err(io::ErrorKind::ConnectionRefused.into()),
            3 => {
                sleep(Duration::from_millis(400)).await;
                Ok(address)
            }
            _ => Ok(address),
        }
    }

    async fn raced(text: &str) -> (io::Result<SocketAddr>, u128) {
        let begun = Instant::now();
        let won = race(addresses(text).into_iter(), simulated).await;
        (won, begun.elapsed().as_millis())
    }

    #[test]
    fn the_families_take_turns_and_the_first_stays_first() {
        let order = |text| interleaved(addresses(text).into_iter());
        assert_eq!(
            order("[::1]:1 [::2]:1 [::3]:1 1.1.1.1:1"),
            addresses("[::1]:1 1.1.1.1:1 [::2]:1 [::3]:1")
        );
        assert_eq!(order("1.1.1.1:1 [::1]:1 2.2.2.2:1"), addresses("1.1.1.1:1 [::1]:1 2.2.2.2:1"));
        assert_eq!(interleaved(std::iter::empty()), VecDeque::new());
    }

    #[tokio::test(start_paused = true)]
    async fn an_address_that_never_answers_costs_a_quarter_of_a_second() {
        let (won, ms) = raced("[::1]:1 1.1.1.1:4").await;
        assert_eq!((won.unwrap().port(), ms), (4, 250));
        let (won, ms) = raced("[::1]:1 [::2]:1 [::3]:1 1.1.1.1:1 2.2.2.2:4").await;
        assert_eq!((won.unwrap().port(), ms), (4, 750));
    }

    #[tokio::test(start_paused = true)]
    async fn an_address_that_refuses_costs_nothing() {
        let (won, ms) = raced("[::1]:2 1.1.1.1:4").await;
        assert_eq!((won.unwrap().port(), ms), (4, 0));
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_address_may_still_win() {
        let (won, ms) = raced("[::1]:3 1.1.1.1:1").await;
        assert_eq!((won.unwrap().port(), ms), (3, 400));
    }

    #[tokio::test(start_paused = true)]
    async fn if_all_refuse_it_fails_at_once() {
        let (lost, ms) = raced("[::1]:2 1.1.1.1:2").await;
        assert_eq!((lost.unwrap_err().kind(), ms), (io::ErrorKind::ConnectionRefused, 0));
        assert!(raced("[::1]:2 1.1.1.1:2").await.0.is_err());
    }

    #[tokio::test]
    async fn a_real_listener_is_reached_by_name() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        dial("localhost", port).await.unwrap();
        assert!(matches!(dial("nobody.invalid", 1).await, Err(DialError::Name(_))));
    }
}
