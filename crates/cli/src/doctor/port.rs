//! Whether other computers reach the hub on this computer.
//!
//! [`judge`] decides by what was observed, without any I/O. A connection from this computer to its
//! own address passes no firewall. So it shows that the hub listens, and only the firewall's rules
//! show the rest.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use porchlight_agent::flags::Resolved;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::Finding;
use super::firewall::{self, Firewall, Rule, opening_command};

/// How long a hub on this computer may take to accept a connection.
const TIMEOUT: Duration = Duration::from_secs(1);
/// The maximum number of own addresses to try.
const MAX_ADDRESSES: usize = 16;

/// An interface and one of its addresses, by which other computers may reach this one.
#[derive(Debug, Clone, PartialEq, Eq)]
struct OwnAddress {
    interface: String,
    ip: IpAddr,
}

/// What is known of one listener of the hub.
#[derive(Debug)]
struct Observed {
    /// Where it listens.
    listener: SocketAddr,
    /// The addresses of this computer that the listener covers.
    own: Vec<OwnAddress>,
    /// Those that accepted a connection from here.
    answering: Vec<IpAddr>,
    firewalls: Vec<(Firewall, Rule)>,
}

/// Whether other computers reach a listener.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Verdict {
    /// It listens on loopback.
    OnlyHere,
    /// This computer has no address in a network.
    NoNetwork,
    /// It accepts no connection, not even from here.
    Deaf,
    /// This firewall keeps others out.
    Closed(Firewall, Option<String>),
    /// This firewall is on, and what it does is unknown for this reason.
    Unknown(Firewall, &'static str),
    /// No firewall that can be read is on. Rules without such a program can't be read.
    Unread,
    /// These firewalls are on and let others in.
    Open(Vec<Firewall>),
}

/// Checks each listener of a team's hub that runs on this computer.
pub(super) async fn ports(resolved: &Resolved) -> Vec<Finding> {
    let file = resolved.places.hub_file();
    let reading = tokio::task::spawn_blocking(move || {
        (porchlight_hub::read_team_listeners(file), own_addresses())
    });
    let Ok((listeners, own)) = reading.await else {
        return Vec::new();
    };
    let mut findings = Vec::new();
    for listener in listeners {
        let observed = observe(listener, &own).await;
        findings.push(finding(&observed, &judge(&observed)));
    }
    findings
}

/// The addresses of this computer beyond loopback.
fn own_addresses() -> Vec<OwnAddress> {
    if_addrs::get_if_addrs()
        .unwrap_or_default()
        .into_iter()
        .filter(|interface| !interface.is_loopback() && !interface.is_link_local())
        .map(|interface| OwnAddress { ip: interface.ip(), interface: interface.name })
        .collect()
}

async fn observe(listener: SocketAddr, own: &[OwnAddress]) -> Observed {
    let covers = |it: &&OwnAddress| match listener.ip() {
        ip if !ip.is_unspecified() => it.ip == ip,
        // An IPv6 listener may cover IPv4 as well. What it does not cover does not answer.
        IpAddr::V4(_) => it.ip.is_ipv4(),
        IpAddr::V6(_) => true,
    };
    let own: Vec<_> = own.iter().filter(covers).take(MAX_ADDRESSES).cloned().collect();
    let mut answering = Vec::new();
    for OwnAddress { ip, .. } in &own {
        let connecting = TcpStream::connect(SocketAddr::new(*ip, listener.port()));
        if matches!(timeout(TIMEOUT, connecting).await, Ok(Ok(_))) {
            answering.push(*ip);
        }
    }
    let interfaces: Vec<_> = own.iter().map(|it| it.interface.clone()).collect();
    let firewalls = firewall::read(listener.port(), &interfaces).await;
    Observed { listener, own, answering, firewalls }
}

/// The first thing that keeps others out decides, then the first thing that is unknown.
fn judge(observed: &Observed) -> Verdict {
    if observed.listener.ip().to_canonical().is_loopback() {
        return Verdict::OnlyHere;
    }
    if observed.own.is_empty() {
        return Verdict::NoNetwork;
    }
    if observed.answering.is_empty() {
        return Verdict::Deaf;
    }
    let (mut unknown, mut open) = (None, Vec::new());
    for (firewall, rule) in &observed.firewalls {
        match rule {
            Rule::Closed(zone) => return Verdict::Closed(*firewall, zone.clone()),
            Rule::Unknown(why) => {
                unknown.get_or_insert(Verdict::Unknown(*firewall, why));
            }
            Rule::Open => open.push(*firewall),
            Rule::Off => {}
        }
    }
    match unknown {
        Some(unknown) => unknown,
        None if open.is_empty() => Verdict::Unread,
        None => Verdict::Open(open),
    }
}

impl Verdict {
    const fn code(&self) -> &'static str {
        match self {
            Self::OnlyHere => "port_only_here",
            Self::NoNetwork => "port_no_network",
            Self::Deaf => "port_deaf",
            Self::Closed(..) => "port_closed",
            Self::Unknown(..) => "port_unknown",
            Self::Unread => "port_unread",
            Self::Open(_) => "port_open",
        }
    }
}

fn finding(observed: &Observed, verdict: &Verdict) -> Finding {
    let port = observed.listener.port();
    let at = observed.answering.first().map_or_else(String::new, |ip| {
        format!("the hub of your team answers at {}", SocketAddr::new(*ip, port))
    });
    let (found, remedy) = match verdict {
        Verdict::OnlyHere => (
            format!(
                "the hub of your team listens on {} only, so no other computer reaches it",
                observed.listener
            ),
            Some(format!(
                "start it with `--listen 0.0.0.0:{port}`, or write that as `listen` below [hub] into the config"
            )),
        ),
        Verdict::NoNetwork => (
            "this computer is in no network, so nobody reaches the hub of your team".to_owned(),
            Some("connect this computer to the network".to_owned()),
        ),
        Verdict::Deaf => (
            format!(
                "the hub of your team does not answer at port {port}, not even from this computer"
            ),
            Some("start the hub again".to_owned()),
        ),
        Verdict::Closed(firewall, zone) => (
            match zone {
                Some(zone) => {
                    format!("{at}, but {firewall} keeps other computers out (zone {zone})")
                }
                None => format!("{at}, but {firewall} keeps other computers out"),
            },
            Some(format!("to let them in: {}", opening_command(*firewall, zone.as_deref(), port))),
        ),
        Verdict::Unknown(firewall, why) => (
            format!("{at}. {firewall} is on: {why}"),
            Some(format!("if others can't connect: {}", opening_command(*firewall, None, port))),
        ),
        Verdict::Unread => (
            format!(
                "{at}. No firewall was found that can be read without root, so it is unknown whether other rules keep others out"
            ),
            Some(format!(
                "if others can't connect, look at the rules of this computer{} and of the router",
                others()
            )),
        ),
        Verdict::Open(firewalls) => {
            let names: Vec<_> = firewalls.iter().map(ToString::to_string).collect();
            (
                format!(
                    "{at}, and {} lets others in. Only another computer can prove it",
                    names.join(" and ")
                ),
                None,
            )
        }
    };
    Finding {
        about: "hub-port".to_owned(),
        ok: matches!(verdict, Verdict::Open(_)),
        unknown: matches!(verdict, Verdict::Unknown(..) | Verdict::Unread),
        code: Some(verdict.code()),
        found,
        remedy,
    }
}

/// How to see the rules that can't be read.
const fn others() -> &'static str {
    if cfg!(target_os = "linux") { " (`sudo nft list ruleset`)" } else { "" }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn observed(listener: &str, firewalls: &[(Firewall, Rule)]) -> Observed {
        let ip: IpAddr = "192.168.1.5".parse().unwrap();
        Observed {
            listener: listener.parse().unwrap(),
            own: vec![OwnAddress { interface: "eth0".to_owned(), ip }],
            answering: vec![ip],
            firewalls: firewalls.to_vec(),
        }
    }

    fn zone() -> Option<String> {
        Some("public".to_owned())
    }

    #[test]
    fn what_keeps_others_out_decides_before_what_is_unknown() {
        use Firewall::{Firewalld, Ufw};
        for (firewalls, verdict) in [
            (vec![], Verdict::Unread),
            (vec![(Ufw, Rule::Off), (Firewalld, Rule::Off)], Verdict::Unread),
            (vec![(Ufw, Rule::Open), (Firewalld, Rule::Off)], Verdict::Open(vec![Ufw])),
            (vec![(Ufw, Rule::Off), (Firewalld, Rule::Open)], Verdict::Open(vec![Firewalld])),
            (vec![(Ufw, Rule::Unknown("w")), (Firewalld, Rule::Open)], Verdict::Unknown(Ufw, "w")),
            (
                vec![(Ufw, Rule::Unknown("w")), (Firewalld, Rule::Closed(zone()))],
                Verdict::Closed(Firewalld, zone()),
            ),
            (vec![(Ufw, Rule::Closed(None))], Verdict::Closed(Ufw, None)),
        ] {
            assert_eq!(judge(&observed("0.0.0.0:18831", &firewalls)), verdict, "{firewalls:?}");
        }
    }

    #[test]
    fn a_hub_that_no_network_reaches_is_not_the_fault_of_a_firewall() {
        let closed = [(Firewall::Ufw, Rule::Closed(None))];
        for listener in ["127.0.0.1:1", "[::1]:1", "[::ffff:127.0.0.1]:1"] {
            assert_eq!(judge(&observed(listener, &closed)), Verdict::OnlyHere, "{listener}");
        }
        let mut it = observed("0.0.0.0:1", &closed);
        it.answering.clear();
        assert_eq!(judge(&it), Verdict::Deaf);
        it.own.clear();
        assert_eq!(judge(&it), Verdict::NoNetwork);
    }

    /// Each verdict, with its firewall.
    fn all() -> Vec<Verdict> {
        vec![
            Verdict::OnlyHere,
            Verdict::NoNetwork,
            Verdict::Deaf,
            Verdict::Closed(Firewall::Ufw, None),
            Verdict::Closed(Firewall::Firewalld, zone()),
            Verdict::Unknown(Firewall::Ufw, "w"),
            Verdict::Unknown(Firewall::Windows, "w"),
            Verdict::Unread,
            Verdict::Open(vec![Firewall::Ufw, Firewall::Firewalld]),
        ]
    }

    #[test]
    fn each_verdict_but_an_open_port_says_what_to_do() {
        for verdict in all() {
            let finding = finding(&observed("0.0.0.0:18831", &[]), &verdict);
            assert_eq!(finding.remedy.is_none(), finding.ok, "{finding:?}");
            assert!(!(finding.ok && finding.unknown), "{finding:?}");
            let command = match &verdict {
                Verdict::Closed(Firewall::Firewalld, _) => "--zone=public --add-port=18831/tcp && ",
                Verdict::Closed(..) | Verdict::Unknown(Firewall::Ufw, _) => {
                    "sudo ufw allow 18831/tcp"
                }
                Verdict::Unknown(..) => "protocol=TCP localport=18831",
                _ => continue,
            };
            assert!(finding.remedy.as_ref().unwrap().contains(command), "{finding:?}");
        }
    }

    #[test]
    fn troubleshooting_has_a_row_for_each_verdict() {
        let page = include_str!("../../../../docs/troubleshooting.md");
        for verdict in all() {
            let row = format!("| `hub-port` | `{}` |", verdict.code());
            assert!(page.contains(&row), "no row {row}");
        }
    }
}
