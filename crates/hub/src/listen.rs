//! The hub's listening address, and which clients can reach it.
//!
//! Owns the choice of an address. It does not keep a socket: the broker binds its own, and only reports a failure as
//! text. So the address is bound here first, for the error's kind, and released again.

use crate::{HubError, HubWarning};
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use tokio::net::TcpListener;

/// The default address: this machine only, and not MQTT's port 1883, which a system broker may use.
pub const DEFAULT_ADDR: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 18830);

/// Which address to listen on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listen {
    /// [`DEFAULT_ADDR`], otherwise a free loopback port and a warning.
    Default,
    /// Exactly this address (port 0: any free one), or an error with advice.
    Exactly(SocketAddr),
}

/// The default address is not available.
pub(crate) struct AddressInUse(io::Error);

impl AddressInUse {
    pub(crate) fn warning(&self, addr: SocketAddr) -> HubWarning {
        HubWarning::PortTaken { wanted: DEFAULT_ADDR, addr, reason: self.0.to_string() }
    }
}

/// The address for the broker; its port is still 0 if any free one will do.
pub(crate) async fn choose(
    listen: Listen,
    allow_anonymous: bool,
) -> Result<(SocketAddr, Option<AddressInUse>), HubError> {
    match listen {
        Listen::Default => match try_bind(DEFAULT_ADDR).await {
            Ok(()) => Ok((DEFAULT_ADDR, None)),
            // Any failure, not only "in use": some systems reserve ranges of ports and say "permission denied".
            Err(e) => Ok((SocketAddr::new(DEFAULT_ADDR.ip(), 0), Some(AddressInUse(e)))),
        },
        Listen::Exactly(addr) => {
            if !is_loopback(addr) && !allow_anonymous {
                return Err(HubError::NeedsAllowAnonymous { addr });
            }
            match try_bind(addr).await {
                Ok(()) => Ok((addr, None)),
                Err(e) => Err(error(addr, e)),
            }
        }
    }
}

/// Why exactly this address is not available.
pub(crate) fn error(addr: SocketAddr, source: io::Error) -> HubError {
    if source.kind() == io::ErrorKind::AddrInUse {
        HubError::PortTaken { addr }
    } else {
        HubError::CannotListen { addr, source }
    }
}

/// Whether only this machine can reach the address.
pub(crate) fn is_loopback(addr: SocketAddr) -> bool {
    addr.ip().to_canonical().is_loopback()
}

/// The address under which this machine reaches a hub that listens on `addr`: nobody can connect to "every address".
pub(crate) fn reachable_here(addr: SocketAddr) -> SocketAddr {
    match addr.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => {
            SocketAddr::from((Ipv4Addr::LOCALHOST, addr.port()))
        }
        IpAddr::V6(ip) if ip.is_unspecified() => {
            SocketAddr::from((std::net::Ipv6Addr::LOCALHOST, addr.port()))
        }
        _ => addr,
    }
}

// Tokio's bind, like the broker's: it sets SO_REUSEADDR, so that connections of the last run do not block the port.
async fn try_bind(addr: SocketAddr) -> io::Result<()> {
    TcpListener::bind(addr).await.map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_reaches_a_loopback_address() {
        for (addr, loopback) in [
            ("127.0.0.1:1", true),
            ("127.8.8.8:1", true),
            ("[::1]:1", true),
            ("[::ffff:127.0.0.1]:1", true),
            ("0.0.0.0:1", false),
            ("[::]:1", false),
            ("192.168.1.5:1", false),
            ("[::ffff:10.0.0.1]:1", false),
        ] {
            assert_eq!(is_loopback(addr.parse().unwrap()), loopback, "{addr}");
        }
    }

    #[test]
    fn a_hub_on_every_address_is_found_on_loopback() {
        assert_eq!(reachable_here("0.0.0.0:7".parse().unwrap()), "127.0.0.1:7".parse().unwrap());
        assert_eq!(reachable_here("[::]:7".parse().unwrap()), "[::1]:7".parse().unwrap());
        assert_eq!(reachable_here("10.1.2.3:7".parse().unwrap()), "10.1.2.3:7".parse().unwrap());
    }
}
