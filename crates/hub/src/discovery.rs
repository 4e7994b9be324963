//! Being found on the local network: multicast DNS and DNS-SD (RFC 6762, RFC 6763).
//!
//! Owns what is announced: that there is a team, its name, and the beginning of its certificate's fingerprint, by which a
//! device knows a team that it has an invitation of. That is no secret, and lets nobody in.

use mdns_sd::{ServiceDaemon, ServiceInfo};
use porchlight_core::team::Pin;
use std::fmt::Write as _;
use std::net::SocketAddr;

/// The kind of service.
const SERVICE: &str = "_porchlight._tcp.local.";
/// An instance is a DNS label (RFC 6763, section 4.1.1), in bytes.
const MAX_INSTANCE: usize = 63;
/// How much of the fingerprint is told, in bytes.
const PIN_BYTES: usize = 8;

/// Announced until this is dropped.
#[derive(Debug)]
pub(crate) struct Announced {
    daemon: Daemon,
    full_name: String,
}

struct Daemon(ServiceDaemon);

impl std::fmt::Debug for Daemon {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Daemon")
    }
}

/// Announces the team that is reached at `bound`.
pub(crate) fn announce(
    team: &str,
    id: &str,
    pin: &Pin,
    bound: SocketAddr,
) -> Result<Announced, mdns_sd::Error> {
    let mut short = String::new();
    for byte in &pin.digest()[..PIN_BYTES] {
        let _ = write!(short, "{byte:02x}");
    }
    let mut instance = team.to_owned();
    while instance.len() > MAX_INSTANCE {
        instance.pop();
    }
    // A name of this hub's own, so that the host's is not told.
    let host = format!("porchlight-{short}.local.");
    let told = [("v", "1"), ("id", id), ("pin", short.as_str())];
    let ip = if bound.ip().is_unspecified() { String::new() } else { bound.ip().to_string() };
    let mut service =
        ServiceInfo::new(SERVICE, &instance, &host, ip.as_str(), bound.port(), &told[..])?;
    if bound.ip().is_unspecified() {
        service = service.enable_addr_auto();
    }
    let full_name = service.get_fullname().to_owned();
    let daemon = ServiceDaemon::new()?;
    daemon.register(service)?;
    Ok(Announced { daemon: Daemon(daemon), full_name })
}

impl Drop for Announced {
    fn drop(&mut self) {
        // It says goodbye on the network by itself before it ends.
        let _ = self.daemon.0.unregister(&self.full_name);
        let _ = self.daemon.0.shutdown();
    }
}
