//! The reverse proxies in front of the public listener, and the clients that they forward.
//!
//! Owns whose limits count. All clients of a proxy have its address, and would share the limits of one. So the address that
//! a trusted proxy adds counts instead. A forwarded address is for limits alone: it grants nothing, loopback included.

use crate::peer::Peer;
use axum::http::HeaderMap;
use ipnet::IpNet;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

/// The header that proxies add (there is no standard for it). `Forwarded` (RFC 7239) does not count: a proxy that does not
/// know it passes on what a stranger wrote there.
const FORWARDED_FOR: &str = "x-forwarded-for";

/// The networks whose proxies are trusted.
#[derive(Debug, Clone, Default)]
pub(crate) struct TrustedProxies(Arc<[IpNet]>);

impl From<Vec<IpNet>> for TrustedProxies {
    fn from(networks: Vec<IpNet>) -> Self {
        Self(networks.into())
    }
}

impl TrustedProxies {
    pub(crate) fn contains(&self, ip: IpAddr) -> bool {
        let ip = ip.to_canonical();
        self.0.iter().any(|network| network.contains(&ip))
    }

    /// The peer of a connection from `sender`, before its first request.
    pub(crate) fn sender(&self, sender: IpAddr) -> Peer {
        self.peer(sender, sender)
    }

    /// The peer of a request from `sender`.
    pub(crate) fn client(&self, sender: IpAddr, headers: &HeaderMap) -> Peer {
        self.peer(sender, self.address(sender, headers))
    }

    fn peer(&self, sender: IpAddr, client: IpAddr) -> Peer {
        if self.contains(sender) { Peer::forwarded(client) } else { Peer::from(client) }
    }

    /// The client of a request that came from `sender`: of the addresses that the proxies added, the last one that is not a
    /// trusted proxy. Everything before it is the client's own claim.
    fn address(&self, sender: IpAddr, headers: &HeaderMap) -> IpAddr {
        let mut client = sender;
        let fields = headers.get_all(FORWARDED_FOR).iter();
        // A field that is no text is one entry that can't be read.
        let fields: Vec<&str> = fields.map(|field| field.to_str().unwrap_or_default()).collect();
        let mut entries = fields.iter().rev().flat_map(|field| field.rsplit(','));
        while self.contains(client)
            && let Some(next) = entries.next().and_then(parse)
        {
            client = next;
        }
        client
    }
}

/// An address, which some proxies write with its port.
fn parse(entry: &str) -> Option<IpAddr> {
    let entry = entry.trim();
    let bare = entry.strip_prefix('[').and_then(|entry| entry.strip_suffix(']'));
    let ip = bare.unwrap_or(entry).parse().ok();
    ip.or_else(|| entry.parse().ok().map(|addr: SocketAddr| addr.ip()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(sender: &str, fields: &[&str]) -> String {
        let networks = ["127.0.0.0/8", "10.1.0.0/16", "2001:db8::/64"];
        let proxies = TrustedProxies::from(networks.map(|it| it.parse().unwrap()).to_vec());
        let mut headers = HeaderMap::new();
        for field in fields {
            headers.append(FORWARDED_FOR, field.parse().unwrap());
        }
        proxies.address(sender.parse().unwrap(), &headers).to_string()
    }

    #[test]
    fn the_client_is_the_last_address_that_no_trusted_proxy_has() {
        for (sender, fields, expected) in [
            ("127.0.0.1", &["198.51.100.7"][..], "198.51.100.7"),
            ("::ffff:127.0.0.1", &["198.51.100.7"], "198.51.100.7"),
            ("127.0.0.1", &["1.1.1.1, 198.51.100.7"], "198.51.100.7"),
            ("127.0.0.1", &["1.1.1.1", "198.51.100.7,10.1.2.3"], "198.51.100.7"),
            ("127.0.0.1", &["198.51.100.7:4711"], "198.51.100.7"),
            ("127.0.0.1", &["2001:db8:0:1::7"], "2001:db8:0:1::7"),
            ("127.0.0.1", &["[2001:db8:0:1::7]:80"], "2001:db8:0:1::7"),
            ("127.0.0.1", &["[2001:db8:0:1::7]"], "2001:db8:0:1::7"),
            ("2001:db8::9", &["198.51.100.7"], "198.51.100.7"),
        ] {
            assert_eq!(client(sender, fields), expected, "{sender} {fields:?}");
        }
    }

    #[test]
    fn what_was_forwarded_never_counts_as_this_computer() {
        let (here, elsewhere) = ("127.0.0.1".parse().unwrap(), "198.51.100.7".parse().unwrap());
        let proxies = TrustedProxies::from(vec!["127.0.0.1/32".parse().unwrap()]);
        let mut headers = HeaderMap::new();
        for field in ["127.0.0.1", "::1", "::ffff:127.0.0.1", "unknown"] {
            headers.insert(FORWARDED_FOR, field.parse().unwrap());
            assert_ne!(proxies.client(here, &headers), Peer::from(here), "{field}");
        }
        assert_ne!(proxies.sender(here), Peer::from(here));
        assert_eq!(proxies.sender(elsewhere), Peer::from(elsewhere));
        assert_eq!(TrustedProxies::default().sender(here), Peer::from(here));
    }

    #[test]
    fn what_a_stranger_says_of_itself_does_not_count() {
        for (sender, fields, expected) in [
            ("198.51.100.7", &["127.0.0.1"][..], "198.51.100.7"),
            ("198.51.100.7", &["1.1.1.1"], "198.51.100.7"),
            ("127.0.0.1", &["127.0.0.1, 198.51.100.7"], "198.51.100.7"),
            // Without an address that can be read, it counts as the proxy itself.
            ("127.0.0.1", &[], "127.0.0.1"),
            ("127.0.0.1", &["unknown"], "127.0.0.1"),
            ("127.0.0.1", &["1.1.1.1, "], "127.0.0.1"),
            ("127.0.0.1", &["1.1.1.1", "\u{e4}"], "127.0.0.1"),
            ("127.0.0.1", &["1.1.1.1, unknown, 10.1.2.3"], "10.1.2.3"),
            ("127.0.0.1", &["300.1.1.1"], "127.0.0.1"),
        ] {
            assert_eq!(client(sender, fields), expected, "{sender} {fields:?}");
        }
    }
}
