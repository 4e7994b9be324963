//! Which proxy is used, and why.
//!
//! This module only describes the configuration. Whether the proxy works shows in the line `broker`.

use porchlight_agent::flags::Resolved;
use porchlight_agent::proxy::{Direct, Proxy};
use porchlight_core::team::Address;

use super::Finding;

/// Describes the way to each address of the broker.
pub(super) fn proxy(resolved: &Resolved) -> Finding {
    describe(&resolved.proxy, addresses(resolved))
}

/// Whether the proxy leads to any address of the broker.
pub(super) fn is_used(resolved: &Resolved) -> bool {
    addresses(resolved).iter().any(|address| resolved.proxy.route(address).is_ok())
}

fn addresses(resolved: &Resolved) -> &[Address] {
    resolved.broker.as_ref().map_or(&[], |broker| broker.addresses())
}

fn describe(proxy: &Proxy, addresses: &[Address]) -> Finding {
    let mut found = match proxy.server() {
        Ok((server, named_by)) => format!("{server}, from {named_by}"),
        Err(direct) => format!("none is used: {direct}"),
    };
    for address in addresses.iter().filter(|_| proxy.server().is_ok()) {
        found.push_str(&match proxy.route(address) {
            Ok(_) => format!("; it leads to {address}"),
            Err(direct) => format!("; {address} is reached directly: {direct}"),
        });
    }
    let remedy = match proxy.server() {
        Err(Direct::Unusable(_)) => Some(
            "if you need a proxy, write http://host:port as broker.proxy into the config; if not, write none",
        ),
        _ => None,
    };
    let (ok, remedy) = (remedy.is_none(), remedy.map(str::to_owned));
    Finding { about: "proxy".to_owned(), ok, found, remedy, ..Finding::default() }
}
