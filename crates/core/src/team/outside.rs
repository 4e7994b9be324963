//! The names by which a hub can be reached from other networks.

use super::{Address, AddressError};

/// The most names that a hub advertises beside the addresses of its interfaces.
pub const MAX_OUTSIDE: usize = 4;
/// The longest of these names. So an invitation stays within the length of a link that is read.
pub const MAX_OUTSIDE_HOST: usize = 128;

/// A name or IP address by which a hub can be reached from other networks. Without a port of its own, it has the port on
/// which the hub listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutsideAddress {
    address: Address,
    has_port: bool,
}

impl OutsideAddress {
    /// A host as [`Address::new`] accepts it, and its port.
    ///
    /// # Errors
    /// If the host is no name or IP address, is longer than [`MAX_OUTSIDE_HOST`], or the port is 0.
    pub fn new(host: &str, port: Option<u16>) -> Result<Self, AddressError> {
        let address = Address::new(host, port.unwrap_or(super::DEFAULT_PORT))?;
        if address.host().len() > MAX_OUTSIDE_HOST {
            return Err(AddressError::of(host));
        }
        Ok(Self { address, has_port: port.is_some() })
    }

    /// The address to advertise if the hub listens on port `of_hub`.
    #[must_use]
    pub fn with_port(&self, of_hub: u16) -> Address {
        let host = self.address.host();
        let port = if self.has_port { self.address.port() } else { of_hub };
        Address::new(host, port).unwrap_or_else(|_| self.address.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_without_a_port_has_that_of_the_hub() {
        let at = |port| OutsideAddress::new("Team.example", port).unwrap().with_port(7).to_string();
        assert_eq!(at(None), "team.example:7");
        assert_eq!(at(Some(443)), "team.example:443");
        assert!(OutsideAddress::new("team.example", Some(0)).is_err());
        assert!(OutsideAddress::new(&format!("{}.example", "a.".repeat(60)), None).is_err());
    }
}
