//! The sender of a connection, as far as limits are concerned.
//!
//! One household has a whole IPv6 network, so its addresses count as one peer.

use std::net::{IpAddr, Ipv6Addr};

/// An IPv4 address, or the /64 network of an IPv6 address: what limits per sender count against.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Peer {
    network: IpAddr,
    /// So that nobody behind a proxy has the limits of a program of this computer, whatever address it has.
    is_forwarded: bool,
}

impl From<IpAddr> for Peer {
    fn from(ip: IpAddr) -> Self {
        let network = match ip.to_canonical() {
            IpAddr::V6(ip) if !ip.is_loopback() => {
                IpAddr::V6(Ipv6Addr::from_bits(ip.to_bits() & (u128::MAX << 64)))
            }
            ip => ip,
        };
        Self { network, is_forwarded: false }
    }
}

impl Peer {
    /// A client that a trusted proxy forwards.
    pub(crate) fn forwarded(ip: IpAddr) -> Self {
        Self { is_forwarded: true, ..Self::from(ip) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(text: &str) -> Peer {
        Peer::from(text.parse::<IpAddr>().unwrap())
    }

    #[test]
    fn a_network_of_ipv6_is_one_peer() {
        assert_eq!(peer("2001:db8::1"), peer("2001:db8::ffff:1"));
        assert_ne!(peer("2001:db8::1"), peer("2001:db8:0:1::1"));
        assert_eq!(peer("::ffff:10.0.0.1"), peer("10.0.0.1"));
    }
}
