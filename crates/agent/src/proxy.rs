//! The HTTP proxy through which this computer reaches brokers and hubs on other networks.
//!
//! This module decides which proxy there is, and which connections use it. It opens no connection:
//! `tunnel` asks the proxy for one.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use hyper::Uri;
use hyper::http::HeaderValue;
use hyper_util::client::proxy::matcher::Matcher;
use porchlight_core::team::Address;

pub(crate) mod tunnel;

/// Variables that name a proxy, the first one wins. Lower case comes first, as with curl.
const PROXY_VARIABLES: [&str; 4] = ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"];
/// Variables that list hosts to reach without a proxy.
const EXCEPTION_VARIABLES: [&str; 2] = ["no_proxy", "NO_PROXY"];
/// The port of a proxy whose URL contains none, as of any `http://` URL.
const DEFAULT_PORT: u16 = 80;

/// Why a text is not a proxy. The message contains nothing of the text, which may contain a
/// password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ProxyUrlError {
    /// It is not a URL with a host.
    #[error(
        "this is not the URL of a proxy; write http://host:port, http://user:password@host:port, or none"
    )]
    Url,
    /// The connection to the proxy would need SOCKS or TLS.
    #[error("only HTTP proxies are supported; write http://host:port")]
    Scheme,
}

/// Address and login of an HTTP proxy.
#[derive(Clone, PartialEq, Eq)]
pub struct ProxyServer {
    address: Address,
    /// The value of `Proxy-Authorization`, which contains the password.
    login: Option<HeaderValue>,
}

impl FromStr for ProxyServer {
    type Err = ProxyUrlError;

    fn from_str(text: &str) -> Result<Self, ProxyUrlError> {
        let any = Uri::from_static("https://any.invalid");
        let proxy = Matcher::builder().all(text.trim()).build().intercept(&any);
        let proxy = proxy.ok_or(ProxyUrlError::Url)?;
        if proxy.uri().scheme_str() != Some("http") {
            return Err(ProxyUrlError::Scheme);
        }
        let authority = proxy.uri().authority().ok_or(ProxyUrlError::Url)?;
        let port = match authority.as_str().strip_prefix(authority.host()) {
            Some("") => DEFAULT_PORT,
            rest => rest
                .and_then(|rest| rest.strip_prefix(':')?.parse().ok())
                .ok_or(ProxyUrlError::Url)?,
        };
        let address = Address::new(authority.host(), port).map_err(|_| ProxyUrlError::Url)?;
        Ok(Self { address, login: proxy.basic_auth().cloned() })
    }
}

impl fmt::Display for ProxyServer {
    /// Prints host and port.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.address.fmt(f)
    }
}

impl fmt::Debug for ProxyServer {
    /// Prints nothing of the login.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ProxyServer({self})")
    }
}

/// The setting `broker.proxy`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProxySetting {
    /// `none`, or empty: no proxy, whatever the environment contains.
    Off,
    /// This one.
    Server(ProxyServer),
}

impl FromStr for ProxySetting {
    type Err = ProxyUrlError;

    fn from_str(text: &str) -> Result<Self, ProxyUrlError> {
        match text.trim() {
            "" | "none" => Ok(Self::Off),
            url => url.parse().map(Self::Server),
        }
    }
}

/// Where the proxy is named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NamedBy {
    /// `broker.proxy` in the config.
    Config,
    /// This variable of the environment.
    Variable(&'static str),
}

impl fmt::Display for NamedBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Config => f.write_str("broker.proxy in the config"),
            Self::Variable(name) => write!(f, "{name} in the environment"),
        }
    }
}

/// Why a connection uses no proxy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Direct {
    /// Nothing names a proxy.
    #[error("neither the config nor the environment names a proxy")]
    NoneNamed,
    /// The config switches it off.
    #[error("broker.proxy in the config switches it off")]
    SwitchedOff,
    /// A variable of the environment names something that can't be used.
    #[error("{0} in the environment names no HTTP proxy, so it is ignored")]
    Unusable(&'static str),
    /// The address belongs to this computer or the local network, where no proxy is needed.
    #[error("it is on this computer or the local network")]
    Local,
    /// `no_proxy` contains the host.
    #[error("no_proxy in the environment contains it")]
    Exempt,
}

/// Which connections use which proxy. Without one, all are direct.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proxy {
    server: Result<(ProxyServer, NamedBy), Direct>,
    /// The hosts to reach directly, as `no_proxy` lists them.
    exceptions: String,
}

impl Default for Proxy {
    fn default() -> Self {
        Self { server: Err(Direct::NoneNamed), exceptions: String::new() }
    }
}

impl Proxy {
    /// Takes the proxy from the config, else from the environment. The exceptions come from the
    /// environment in both cases, as with curl.
    pub(crate) fn resolve(
        setting: Option<&ProxySetting>,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Self {
        let set = |name: &&'static str| {
            variable(name).filter(|value| !value.trim().is_empty()).map(|value| (*name, value))
        };
        let server = match setting {
            Some(ProxySetting::Off) => Err(Direct::SwitchedOff),
            Some(ProxySetting::Server(server)) => Ok((server.clone(), NamedBy::Config)),
            None => match PROXY_VARIABLES.iter().find_map(set) {
                None => Err(Direct::NoneNamed),
                Some((name, text)) => match text.parse() {
                    Ok(server) => Ok((server, NamedBy::Variable(name))),
                    Err(_) => Err(Direct::Unusable(name)),
                },
            },
        };
        let exceptions = EXCEPTION_VARIABLES.iter().find_map(set);
        Self { server, exceptions: exceptions.map(|(_, text)| text).unwrap_or_default() }
    }

    /// The proxy, and where it is named.
    ///
    /// # Errors
    ///
    /// [`Direct`] if there is none.
    pub fn server(&self) -> Result<(&ProxyServer, NamedBy), Direct> {
        self.server.as_ref().map(|(server, named_by)| (server, *named_by)).map_err(|it| *it)
    }

    /// The proxy that leads to this address, and where it is named.
    ///
    /// # Errors
    ///
    /// [`Direct`] if the connection uses no proxy.
    pub fn route(&self, to: &Address) -> Result<(&ProxyServer, NamedBy), Direct> {
        let found = self.server()?;
        if is_local(to.host()) {
            return Err(Direct::Local);
        }
        // The library applies the asterisk to names only.
        if self.exceptions.split(',').any(|it| it.trim() == "*") {
            return Err(Direct::Exempt);
        }
        let uri = Uri::builder().scheme("https").authority(to.to_string()).path_and_query("/");
        let all = Matcher::builder().all("http://any.invalid").no(&self.exceptions).build();
        match uri.build() {
            Ok(uri) if all.intercept(&uri).is_none() => Err(Direct::Exempt),
            _ => Ok(found),
        }
    }
}

/// Whether a host is on this computer or the local network. A proxy leads out of that network, so
/// it seldom leads there.
///
/// No name is resolved: behind a proxy there may be no resolver for names outside.
fn is_local(host: &str) -> bool {
    match host.parse::<IpAddr>().map(|ip| ip.to_canonical()) {
        Ok(IpAddr::V4(ip)) => {
            // RFC 6598, section 7; VPNs such as Tailscale use it.
            let is_shared = ip.octets()[0] == 100 && ip.octets()[1] & 0xC0 == 64;
            ip.is_loopback() || ip.is_private() || ip.is_link_local() || is_shared
        }
        Ok(IpAddr::V6(ip)) => {
            ip.is_loopback() || ip.is_unique_local() || ip.is_unicast_link_local()
        }
        Err(_) => {
            let name = host.strip_suffix('.').unwrap_or(host);
            let last = name.rsplit_once('.').map_or("local", |(_, last)| last);
            matches!(last, "local" | "localhost")
        }
    }
}

#[cfg(test)]
mod tests;
