//! The host of a hub, and the addresses at which the team reaches it.

use porchlight_core::team::{Address, Backup, Host, MAX_ADDRESSES, OutsideAddress, StandsIn};
use porchlight_core::wire::{HubRecord, encode_hub};
use std::collections::HashSet;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};

/// The host and the addresses of a hub.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) host: Option<Host>,
    pub(crate) at: Vec<Address>,
}

/// Returns the payload of a team's `_hub` (`docs/protocol.md`, *Records*).
pub(crate) fn hub_record(
    team: String,
    place: Place,
    revision: u64,
    backup: Option<Backup>,
    stands_in: Option<StandsIn>,
) -> Vec<u8> {
    let Place { host, at } = place;
    let team = Some(team);
    encode_hub(&HubRecord { team, host, at, in_order: true, revision, backup, stands_in })
}

/// Returns the addresses at which other computers reach a listener on `bound`, and `outside` from other networks.
///
/// A client tries them in this order, each for some seconds. The likeliest address in the local network comes first, so
/// that nobody there waits for a name that works only outside. The names come next, so that somebody outside waits for
/// one address at most. The other interfaces come last, where some may be left out.
pub(crate) fn addresses(bound: SocketAddr, outside: &[OutsideAddress]) -> Vec<Address> {
    let ips = if bound.ip().is_unspecified() { own_addresses() } else { vec![bound.ip()] };
    let written = ips.iter().filter_map(|ip| Address::new(&ip.to_string(), bound.port()).ok());
    let mut at: Vec<Address> = written.collect();
    let first = at.len().min(1);
    at.splice(first..first, outside.iter().map(|name| name.with_port(bound.port())));
    let mut known = HashSet::new();
    at.retain(|address| known.insert(address.clone()));
    at.truncate(MAX_ADDRESSES);
    at
}

/// Returns the addresses of this computer. The one that it uses for outgoing packets is first.
fn own_addresses() -> Vec<IpAddr> {
    let mut ips: Vec<IpAddr> = if_addrs::get_if_addrs()
        .unwrap_or_default()
        .into_iter()
        .filter(|interface| !interface.is_loopback() && !interface.is_link_local())
        .map(|interface| interface.ip())
        .collect();
    let outwards = outwards();
    // IPv4 is before IPv6, because people type it, and most home networks use it.
    ips.sort_by_key(|ip| (Some(*ip) != outwards, ip.is_ipv6()));
    ips.dedup();
    if ips.is_empty() { vec![IpAddr::V4(Ipv4Addr::LOCALHOST)] } else { ips }
}

/// Returns the local address of outgoing packets. This sends no packet.
fn outwards() -> Option<IpAddr> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).ok()?;
    // TEST-NET-1 (RFC 5737), which belongs to nobody.
    socket.connect((Ipv4Addr::new(192, 0, 2, 1), 9)).ok()?;
    socket.local_addr().ok().map(|addr| addr.ip())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_address_is_told_as_it_is_and_every_address_as_each() {
        let one = addresses("10.1.2.3:7".parse().unwrap(), &[]);
        assert_eq!(one, ["10.1.2.3:7".parse().unwrap()]);
        let all = addresses("0.0.0.0:7".parse().unwrap(), &[]);
        assert!(!all.is_empty() && all.len() <= MAX_ADDRESSES);
        assert!(all.iter().all(|at| at.port() == 7 && at.host() != "0.0.0.0"), "{all:?}");
    }

    #[test]
    fn names_for_outside_come_second_and_none_is_left_out() {
        let outside = |host, port| OutsideAddress::new(host, port).unwrap();
        let names = [outside("team.example", None), outside("10.1.2.3", None)];
        let at: Vec<_> = addresses("10.1.2.3:7".parse().unwrap(), &names)
            .iter()
            .map(Address::to_string)
            .collect();
        assert_eq!(at, ["10.1.2.3:7", "team.example:7"]);
        let names: Vec<_> =
            ["a", "b", "c", "d"].iter().map(|host| outside(host, Some(443))).collect();
        let all = addresses("0.0.0.0:7".parse().unwrap(), &names);
        assert!(all.len() <= MAX_ADDRESSES, "{all:?}");
        assert_eq!(all[1..5], names.iter().map(|name| name.with_port(7)).collect::<Vec<_>>());
    }

    #[test]
    fn the_record_says_who_and_where() {
        let host = Host { user: None, device: None, name: "box".to_owned() };
        let place = Place { host: Some(host), at: vec!["10.0.0.7:1".parse().unwrap()] };
        let record =
            String::from_utf8(hub_record("Team".to_owned(), place, 7, None, None)).unwrap();
        assert_eq!(
            record,
            r#"{"v":1,"team":"Team","host":{"name":"box"},"at":["10.0.0.7:1"],"in_order":true,"revision":7}"#
        );
    }
}
