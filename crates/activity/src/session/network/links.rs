//! The addresses and default routes of this machine, as the kernel lists them.
//!
//! This module contains the small part of rtnetlink(7) that is needed: two dumps, and which of
//! their entries count. Loopback and link-local addresses do not count, because they come with
//! every network. Nor does an address that is still tentative (`IFA_F_TENTATIVE`).

use std::collections::BTreeSet;
use std::io;

use rustix::net::netlink::SocketAddrNetlink;
use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, recv, sendto, socket_with,
};

const RTM_NEWADDR: u16 = 20;
const RTM_GETADDR: u16 = 22;
const RTM_NEWROUTE: u16 = 24;
const RTM_GETROUTE: u16 = 26;
const NLMSG_ERROR: u16 = 2;
const NLMSG_DONE: u16 = 3;
/// `NLM_F_REQUEST | NLM_F_DUMP`
const DUMP: u16 = 0x001 | 0x300;

const IFA_ADDRESS: u16 = 1;
const IFA_LOCAL: u16 = 2;
const IFA_F_TENTATIVE: u8 = 0x40;
/// `RT_SCOPE_LINK`: from here on, an address is valid only on this link or this machine.
const SCOPE_LINK: u8 = 253;

const RTA_OIF: u16 = 4;
const RTA_GATEWAY: u16 = 5;
const RT_TABLE_LOCAL: u8 = 255;
/// `RTN_UNICAST`: a route that leads somewhere, not one that refuses.
const UNICAST: u8 = 1;

const MESSAGE_HEADER: usize = 16;
const ADDRESS_HEADER: usize = 8;
const ROUTE_HEADER: usize = 12;
const ATTRIBUTE_HEADER: usize = 4;

/// The addresses and routes that identify a network.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Links(BTreeSet<Link>);

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Link {
    Address { interface: u32, address: Vec<u8> },
    DefaultRoute { family: u8, interface: Vec<u8>, gateway: Vec<u8> },
}

impl Links {
    /// Reads them from the kernel, which answers at once.
    pub(super) fn read() -> io::Result<Self> {
        let mut links = BTreeSet::new();
        for question in [RTM_GETADDR, RTM_GETROUTE] {
            dump(question, |kind, body| links.extend(link(kind, body)))?;
        }
        Ok(Self(links))
    }
}

/// Asks the kernel for a list. Blocks only for a few system calls: the answer is ready at once.
fn dump(question: u16, mut each: impl FnMut(u16, &[u8])) -> io::Result<()> {
    let socket = socket_with(AddressFamily::NETLINK, SocketType::RAW, SocketFlags::CLOEXEC, None)?;
    let mut request = Vec::with_capacity(MESSAGE_HEADER + ROUTE_HEADER);
    let length = u32::try_from(MESSAGE_HEADER + ROUTE_HEADER).map_err(io::Error::other)?;
    request.extend(length.to_ne_bytes());
    request.extend(question.to_ne_bytes());
    request.extend(DUMP.to_ne_bytes());
    // Sequence number and port, then a header of zeros, which means every address family.
    request.extend([0; 8 + ROUTE_HEADER]);
    let kernel = SocketAddrNetlink::new(0, 0);
    sendto(&socket, &request, SendFlags::empty(), &kernel)?;
    // The kernel fills at most 32 KiB at a time.
    let mut answer = vec![0; 32 * 1024];
    loop {
        let (_, length) = recv(&socket, &mut *answer, RecvFlags::empty())?;
        for (kind, body) in messages(&answer[..length.min(answer.len())]) {
            match kind {
                NLMSG_DONE => return Ok(()),
                NLMSG_ERROR => return Err(io::Error::other("the kernel refuses to list them")),
                _ => each(kind, body),
            }
        }
    }
}

/// The messages of an answer: kind and body. It stops at a truncated message.
fn messages(mut bytes: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    std::iter::from_fn(move || {
        let length = usize::try_from(u32::from_ne_bytes(*bytes.first_chunk()?)).ok()?;
        let message = bytes.get(..length)?;
        let kind = u16::from_ne_bytes(*message.get(4..)?.first_chunk()?);
        let body = message.get(MESSAGE_HEADER..)?;
        bytes = bytes.get(aligned(length)..).unwrap_or_default();
        Some((kind, body))
    })
}

/// Finds an attribute by its kind.
fn attribute(mut bytes: &[u8], wanted: u16) -> Option<&[u8]> {
    loop {
        let length = usize::from(u16::from_ne_bytes(*bytes.first_chunk()?));
        let attribute = bytes.get(..length)?;
        let kind = u16::from_ne_bytes(*attribute.get(2..)?.first_chunk()?);
        if kind == wanted {
            return attribute.get(ATTRIBUTE_HEADER..);
        }
        bytes = bytes.get(aligned(length)..)?;
    }
}

/// Rounds up to a multiple of four, where the next message or attribute starts.
const fn aligned(length: usize) -> usize {
    (length + 3) & !3
}

/// The address or route of an entry, if it counts.
fn link(kind: u16, body: &[u8]) -> Option<Link> {
    match kind {
        RTM_NEWADDR => {
            let [_family, _prefix, flags, scope, interface @ ..] =
                *body.first_chunk::<ADDRESS_HEADER>()?;
            if scope >= SCOPE_LINK || flags & IFA_F_TENTATIVE != 0 {
                return None;
            }
            let attributes = body.get(ADDRESS_HEADER..)?;
            // For a tunnel, `IFA_ADDRESS` is the other end.
            let address =
                attribute(attributes, IFA_LOCAL).or_else(|| attribute(attributes, IFA_ADDRESS))?;
            let interface = u32::from_ne_bytes(interface);
            Some(Link::Address { interface, address: address.to_vec() })
        }
        RTM_NEWROUTE => {
            let [family, destination, _, _, table, _, _, kind, ..] =
                *body.first_chunk::<ROUTE_HEADER>()?;
            if destination != 0 || table == RT_TABLE_LOCAL || kind != UNICAST {
                return None;
            }
            let attributes = body.get(ROUTE_HEADER..)?;
            let part = |wanted| attribute(attributes, wanted).unwrap_or_default().to_vec();
            Some(Link::DefaultRoute {
                family,
                interface: part(RTA_OIF),
                gateway: part(RTA_GATEWAY),
            })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const INET: u8 = 2;
    const SCOPE_HOST: u8 = 254;

    fn address(flags: u8, scope: u8, local: [u8; 4]) -> Vec<u8> {
        let mut body = vec![INET, 24, flags, scope];
        body.extend(7_u32.to_ne_bytes());
        for kind in [IFA_ADDRESS, IFA_LOCAL] {
            body.extend(8_u16.to_ne_bytes());
            body.extend(kind.to_ne_bytes());
            body.extend(if kind == IFA_LOCAL { local } else { [9; 4] });
        }
        body
    }

    #[test]
    fn an_address_counts_unless_it_is_of_this_machine_or_still_tried_out() {
        let own = [10, 0, 0, 1];
        let counted = Link::Address { interface: 7, address: own.to_vec() };
        assert_eq!(link(RTM_NEWADDR, &address(0, 0, own)), Some(counted));
        assert_eq!(link(RTM_NEWADDR, &address(0, SCOPE_LINK, own)), None);
        assert_eq!(link(RTM_NEWADDR, &address(0, SCOPE_HOST, own)), None);
        assert_eq!(link(RTM_NEWADDR, &address(IFA_F_TENTATIVE, 0, own)), None);
    }

    #[test]
    fn a_route_counts_when_it_leads_anywhere() {
        let route = |destination, table, kind| {
            link(RTM_NEWROUTE, &[INET, destination, 0, 0, table, 0, 0, kind, 0, 0, 0, 0])
        };
        assert!(route(0, 254, UNICAST).is_some());
        assert_eq!(route(24, 254, UNICAST), None);
        assert_eq!(route(0, RT_TABLE_LOCAL, UNICAST), None);
        assert_eq!(route(0, 254, 7), None);
    }

    proptest! {
        #[test]
        fn cut_off_answers_are_read_as_far_as_they_go(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            for (kind, body) in messages(&bytes) {
                let _ = link(kind, body);
            }
            let _ = link(RTM_NEWADDR, &bytes);
            let _ = link(RTM_NEWROUTE, &bytes);
        }
    }
}
