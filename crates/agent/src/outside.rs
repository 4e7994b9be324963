//! Parses the names by which a hub can be reached from other networks.

use std::net::{Ipv4Addr, Ipv6Addr};

use porchlight_core::team::{MAX_OUTSIDE, MAX_OUTSIDE_HOST, OutsideAddress};
use url::Host;

/// Why a text is no name of a hub for other networks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OutsideError {
    /// It is a URL.
    #[error("leave out the scheme; write a name alone or with a port, as team.example:443")]
    Scheme,
    /// It is neither a name nor an address.
    #[error(
        "this is neither a host name nor an IP address; write a name alone or with a port, as team.example or team.example:443"
    )]
    Host,
    /// An IPv6 address has no brackets.
    #[error("write an IPv6 address in brackets, as [2001:db8::1] or [2001:db8::1]:443")]
    Brackets,
    /// The port is not a valid number.
    #[error("the port is not a number from 1 to 65535")]
    Port,
    /// The name is too long for an invitation.
    #[error("this name is longer than {MAX_OUTSIDE_HOST} characters; use a shorter one")]
    TooLong,
    /// There are too many names for an invitation.
    #[error("a hub has at most {MAX_OUTSIDE} names for other networks; remove some")]
    TooMany,
}

/// Parses a host name, an IPv4 address, or an IPv6 address in brackets, each with or without a port. Letters beyond ASCII
/// become what DNS knows (IDNA, UTS 46).
///
/// # Errors
///
/// Any [`OutsideError`] except [`OutsideError::TooMany`].
pub fn parse(text: &str) -> Result<OutsideAddress, OutsideError> {
    let text = text.trim();
    if text.contains("://") {
        return Err(OutsideError::Scheme);
    }
    if text.parse::<Ipv6Addr>().is_ok() {
        return Err(OutsideError::Brackets);
    }
    // The last colon of an IPv6 address is within its brackets.
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(self::port(port)?)),
        _ => (text, None),
    };
    // The library would decode what is encoded, and count `1.2` as the address 1.0.0.2.
    let name = Host::parse(host).ok().filter(|_| !host.contains('%')).ok_or(OutsideError::Host)?;
    let is_reachable = match &name {
        Host::Domain(name) => !name.is_empty(),
        Host::Ipv4(ip) => host.parse::<Ipv4Addr>().is_ok() && !ip.is_unspecified(),
        Host::Ipv6(ip) => !ip.is_unspecified(),
    };
    let name = name.to_string();
    if !is_reachable {
        return Err(OutsideError::Host);
    }
    if name.len() > MAX_OUTSIDE_HOST {
        return Err(OutsideError::TooLong);
    }
    OutsideAddress::new(&name, port).map_err(|_| OutsideError::Host)
}

fn port(text: &str) -> Result<u16, OutsideError> {
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
    let port = text.parse().ok().filter(|port| is_number && *port != 0);
    port.ok_or(OutsideError::Port)
}

/// Checks that there are no more names than an invitation can hold.
///
/// # Errors
///
/// [`OutsideError::TooMany`] if there are.
pub fn check_count(names: &[OutsideAddress]) -> Result<(), OutsideError> {
    if names.len() > MAX_OUTSIDE { Err(OutsideError::TooMany) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use porchlight_core::team::{Address, Invitation, MAX_ADDRESSES, Pin, Secret};

    use super::*;

    #[test]
    fn a_name_is_written_alone_or_with_a_port() {
        for (text, address) in [
            ("team.example", "team.example:7"),
            (" Team.Example:443 ", "team.example:443"),
            ("m\u{fc}ller.example", "xn--mller-kva.example:7"),
            ("m\u{fc}ller.example:65535", "xn--mller-kva.example:65535"),
            ("198.51.100.7", "198.51.100.7:7"),
            ("198.51.100.7:1", "198.51.100.7:1"),
            ("[2001:db8::1]", "[2001:db8::1]:7"),
            ("[2001:DB8:0::1]:443", "[2001:db8::1]:443"),
            ("localhost", "localhost:7"),
            ("box", "box:7"),
        ] {
            let parsed = parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!(parsed.with_port(7).to_string(), address, "{text}");
        }
    }

    #[test]
    fn anything_else_is_refused_with_the_way_to_write_it() {
        let long = format!("{}.example", "abcdefgh.".repeat(14));
        for (text, error) in [
            ("https://team.example", OutsideError::Scheme),
            ("mqtts://team.example:1", OutsideError::Scheme),
            ("2001:db8::1", OutsideError::Brackets),
            ("::1", OutsideError::Brackets),
            ("team.example:0", OutsideError::Port),
            ("team.example:65536", OutsideError::Port),
            ("team.example:+1", OutsideError::Port),
            ("team.example:", OutsideError::Port),
            ("team.example:x", OutsideError::Port),
            ("team.example/x", OutsideError::Host),
            ("user@team.example", OutsideError::Host),
            ("team example", OutsideError::Host),
            ("te%61m.example", OutsideError::Host),
            ("", OutsideError::Host),
            (":443", OutsideError::Host),
            ("-team.example", OutsideError::Host),
            ("1.2.3", OutsideError::Host),
            ("0.0.0.0", OutsideError::Host),
            ("[::]:443", OutsideError::Host),
            ("[2001:db8::1", OutsideError::Host),
            ("[team.example]", OutsideError::Host),
            (&long, OutsideError::TooLong),
        ] {
            assert_eq!(parse(text), Err(error), "{text}");
        }
        let name = parse("team.example").unwrap();
        assert_eq!(check_count(&vec![name.clone(); MAX_OUTSIDE]), Ok(()));
        assert_eq!(check_count(&vec![name; MAX_OUTSIDE + 1]), Err(OutsideError::TooMany));
    }

    #[test]
    fn an_invitation_with_the_longest_names_is_read() {
        let host = |c: char| format!("{}.example", vec![c.to_string().repeat(60); 2].join("."));
        let mut at: Vec<Address> = ['a', 'b', 'c', 'd']
            .map(|c| parse(&format!("{}:65535", &host(c)[2..])).unwrap().with_port(7))
            .to_vec();
        for n in at.len()..MAX_ADDRESSES {
            at.push(format!("[2001:1111:2222:3333:4444:5555:6666:{n}fff]:65535").parse().unwrap());
        }
        let team = "\u{1f389}".repeat(64);
        let token = Secret::of_parts("k3V9xQ2aB7", &"s".repeat(27)).unwrap();
        let invitation = Invitation { team, at, pin: Pin::of_digest([7; 32]), token };
        assert_eq!(invitation.to_string().parse(), Ok(invitation));
    }
}
