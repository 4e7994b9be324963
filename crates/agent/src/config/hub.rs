//! `[hub]`: the hub on this machine.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use ipnet::IpNet;
use porchlight_core::team::OutsideAddress;
use porchlight_core::web_origin::WebOrigin;
use serde::Deserialize;
use serde::de::{self, Deserializer};

use super::parsed;
use crate::outside;

/// `[hub]`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct HubConfig {
    /// Whether the desktop app runs a hub for this machine alone.
    pub run: bool,
    /// Where the hub of a team that is hosted here listens for its members: `address:port`. By
    /// default it listens on every address.
    #[serde(deserialize_with = "parsed")]
    pub listen: Option<SocketAddr>,
    /// The names by which that team can be reached from other networks: `["team.example"]`, at most
    /// four. None by default.
    #[serde(deserialize_with = "outside_addresses")]
    pub at: Vec<OutsideAddress>,
    /// Where it also listens with the certificate of an authority: `address:port`. Nowhere by default.
    #[serde(deserialize_with = "parsed")]
    pub public: Option<SocketAddr>,
    /// A PEM file with that certificate and its chain. None: a proxy on this machine has one.
    pub certificate: Option<PathBuf>,
    /// Its key in PEM, unless the same file contains it.
    pub key: Option<PathBuf>,
    /// The reverse proxies in front of `public` that say whom they forward: `["127.0.0.1", "10.1.0.0/16"]`. None by
    /// default.
    #[serde(deserialize_with = "networks")]
    pub trusted_proxies: Vec<IpNet>,
    /// Whether that team can be found on the local network.
    pub announce: bool,
    /// The origins whose web pages may use a hub or gateway here: `["https://board.example"]`. None
    /// by default.
    #[serde(deserialize_with = "origins")]
    pub origins: Vec<WebOrigin>,
}

impl Default for HubConfig {
    fn default() -> Self {
        Self {
            run: false,
            listen: None,
            at: Vec::new(),
            public: None,
            certificate: None,
            key: None,
            trusted_proxies: Vec::new(),
            announce: true,
            origins: Vec::new(),
        }
    }
}

fn outside_addresses<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<OutsideAddress>, D::Error> {
    let names = Vec::<String>::deserialize(deserializer)?;
    let names: Result<Vec<_>, _> = names.iter().map(|name| outside::parse(name)).collect();
    let names = names.map_err(de::Error::custom)?;
    outside::check_count(&names).map_err(de::Error::custom)?;
    Ok(names)
}

fn networks<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<IpNet>, D::Error> {
    let written = Vec::<String>::deserialize(deserializer)?;
    let network = |text: &String| {
        let one = text.parse::<IpAddr>().map(IpNet::from).ok();
        let network = one.or_else(|| text.parse().ok());
        network.ok_or_else(|| {
            de::Error::custom(format!(
                "{text:?} is no address or network of a proxy; write for example 127.0.0.1 or 10.1.0.0/16"
            ))
        })
    };
    written.iter().map(network).collect()
}

fn origins<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<WebOrigin>, D::Error> {
    let origins = Vec::<String>::deserialize(deserializer)?;
    origins.iter().map(|origin| origin.parse().map_err(de::Error::custom)).collect()
}
