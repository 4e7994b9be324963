//! The firewalls on this computer, and what they do with connections to a port.
//!
//! Each module below reads one firewall, as far as an ordinary user may, and changes nothing. What
//! can't be read is unknown, and has a reason.

use std::fmt;

#[cfg(target_os = "linux")]
mod firewalld;
#[cfg(any(target_os = "linux", test))]
mod ufw;
#[cfg(any(windows, test))]
mod windows;

/// A firewall that a person can name and configure. No system has all of them.
#[cfg_attr(not(test), expect(dead_code, reason = "each system reads those that it may have"))]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Firewall {
    Ufw,
    Firewalld,
    Windows,
}

impl fmt::Display for Firewall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ufw => "ufw",
            Self::Firewalld => "firewalld",
            Self::Windows => "Windows Firewall",
        })
    }
}

/// What a firewall does with connections from other computers to one port.
#[cfg_attr(
    not(any(target_os = "linux", test)),
    expect(dead_code, reason = "only the firewalls of Linux are read in full")
)]
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Rule {
    /// It is not installed, or off.
    Off,
    /// It lets everybody in.
    Open,
    /// It lets nobody in. For firewalld, this zone does so.
    Closed(Option<String>),
    /// It is on, and this can't be read or is more than yes or no.
    Unknown(&'static str),
}

/// What each firewall that this system may have does with this TCP port. `interfaces` are those
/// that other computers reach.
#[cfg_attr(
    not(any(target_os = "linux", windows)),
    expect(clippy::unused_async, reason = "there is a firewall to ask on other systems")
)]
pub(super) async fn read(port: u16, interfaces: &[String]) -> Vec<(Firewall, Rule)> {
    #[cfg(target_os = "linux")]
    return vec![
        (Firewall::Ufw, ufw::read(std::path::Path::new("/"), port)),
        (Firewall::Firewalld, firewalld::read(port, interfaces).await),
    ];
    #[cfg(windows)]
    return {
        let _ = (port, interfaces);
        vec![(Firewall::Windows, windows::read().await)]
    };
    #[cfg(not(any(target_os = "linux", windows)))]
    return {
        let _ = (port, interfaces);
        Vec::new()
    };
}

/// The command that opens the port, for a person who may administer this computer.
pub(super) fn opening_command(firewall: Firewall, zone: Option<&str>, port: u16) -> String {
    match firewall {
        Firewall::Ufw => format!("sudo ufw allow {port}/tcp"),
        Firewall::Firewalld => {
            let zone = zone.map(|zone| format!(" --zone={zone}")).unwrap_or_default();
            format!(
                "sudo firewall-cmd --permanent{zone} --add-port={port}/tcp && sudo firewall-cmd --reload"
            )
        }
        Firewall::Windows => format!(
            "netsh advfirewall firewall add rule name=\"Porchlight hub\" dir=in action=allow protocol=TCP localport={port}"
        ),
    }
}

/// Whether a list of ports contains this one: `18831`, `18000:19000`, `80,443`, `18000-19000`.
#[cfg(any(target_os = "linux", test))]
fn contains_port(list: &str, port: u16) -> bool {
    list.split(',').any(|part| match part.split_once([':', '-']) {
        Some((first, last)) => match (first.parse::<u16>(), last.parse::<u16>()) {
            (Ok(first), Ok(last)) => (first..=last).contains(&port),
            _ => false,
        },
        None => part.parse() == Ok(port),
    })
}
