//! Free ports on the loopback interface.

use std::net::TcpListener;
use std::sync::atomic::{AtomicU16, AtomicU64, Ordering};

/// Below the ports that Linux gives to outgoing connections (32768 and up). A port from that range
/// could be taken by anybody's connection between the test of it and its use; and a client that
/// retries a port there while its server is down can end up connected to itself.
const FIRST: u16 = 10_240;
const LAST: u16 = 32_700;

static NEXT: AtomicU16 = AtomicU16::new(0);

/// A port on 127.0.0.1 on which nobody listens, handed out once in this process.
///
/// Another process could still take it first: what starts a server on it tries again with another.
///
/// # Panics
///
/// When no port is free.
#[must_use]
pub fn free_port() -> u16 {
    let span = LAST - FIRST;
    // Two test runs on one machine begin in different places.
    let start = u16::try_from(std::process::id() * 211 % u32::from(span)).expect("below the span");
    for _ in 0..span {
        let step = NEXT.fetch_add(1, Ordering::Relaxed) % span;
        let port = FIRST
            + u16::try_from((u32::from(start) + u32::from(step)) % u32::from(span))
                .expect("below the span");
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
    panic!("no free port on 127.0.0.1 from {FIRST} to {LAST}");
}

/// A number that nobody else in this process gets.
pub(crate) fn serial() -> u64 {
    static SERIAL: AtomicU64 = AtomicU64::new(0);
    SERIAL.fetch_add(1, Ordering::Relaxed)
}

/// Whether somebody listens on that port of 127.0.0.1.
#[must_use]
pub fn answers(port: u16) -> bool {
    std::net::TcpStream::connect(("127.0.0.1", port)).is_ok()
}
