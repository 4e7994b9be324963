//! Where a hub is: whose computer, and by which addresses the team reaches it.

use porchlight_core::team::{Address, Host};
use porchlight_core::wire::{HubRecord, encode_hub};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};

/// The most addresses that are told.
const MAX_ADDRESSES: usize = 8;

/// Where a hub is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) host: Option<Host>,
    pub(crate) at: Vec<Address>,
}

/// The payload of a team's `_hub` (`docs/protocol.md`, *Records*).
pub(crate) fn hub_record(team: String, place: Place) -> Vec<u8> {
    let Place { host, at } = place;
    encode_hub(&HubRecord { team: Some(team), host, at, in_order: true })
}

/// By which addresses other computers reach what listens on `bound`, the likeliest first.
pub(crate) fn addresses(bound: SocketAddr) -> Vec<Address> {
    let ips = if bound.ip().is_unspecified() { own_addresses() } else { vec![bound.ip()] };
    let written = ips.iter().filter_map(|ip| Address::new(&ip.to_string(), bound.port()).ok());
    written.take(MAX_ADDRESSES).collect()
}

/// This machine's, the one by which it reaches others first.
fn own_addresses() -> Vec<IpAddr> {
    let mut ips: Vec<IpAddr> = if_addrs::get_if_addrs()
        .unwrap_or_default()
        .into_iter()
        .filter(|interface| !interface.is_loopback() && !interface.is_link_local())
        .map(|interface| interface.ip())
        .collect();
    let outwards = outwards();
    // IPv4 before IPv6: what people type, and what most networks at home carry.
    ips.sort_by_key(|ip| (Some(*ip) != outwards, ip.is_ipv6()));
    ips.dedup();
    if ips.is_empty() { vec![IpAddr::V4(Ipv4Addr::LOCALHOST)] } else { ips }
}

/// The address from which packets for elsewhere are sent. Nothing is sent to find out.
fn outwards() -> Option<IpAddr> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).ok()?;
    // TEST-NET-1 (RFC 5737): nobody's.
    socket.connect((Ipv4Addr::new(192, 0, 2, 1), 9)).ok()?;
    socket.local_addr().ok().map(|addr| addr.ip())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_address_is_told_as_it_is_and_every_address_as_each() {
        let one = addresses("10.1.2.3:7".parse().unwrap());
        assert_eq!(one, ["10.1.2.3:7".parse().unwrap()]);
        let all = addresses("0.0.0.0:7".parse().unwrap());
        assert!(!all.is_empty() && all.len() <= MAX_ADDRESSES);
        assert!(all.iter().all(|at| at.port() == 7 && at.host() != "0.0.0.0"), "{all:?}");
    }

    #[test]
    fn the_record_says_who_and_where() {
        let host = Host { user: None, device: None, name: "box".to_owned() };
        let place = Place { host: Some(host), at: vec!["10.0.0.7:1".parse().unwrap()] };
        let record = String::from_utf8(hub_record("Team".to_owned(), place)).unwrap();
        assert_eq!(
            record,
            r#"{"v":1,"team":"Team","host":{"name":"box"},"at":["10.0.0.7:1"],"in_order":true}"#
        );
    }
}
