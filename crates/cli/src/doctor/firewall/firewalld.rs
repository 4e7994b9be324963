//! Asks firewalld, the usual firewall of Fedora, RHEL and openSUSE, over D-Bus.
//!
//! It answers ordinary users where polkit permits that, as it does by default.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use zbus::names::WellKnownName;
use zbus::zvariant::{DynamicDeserialize, OwnedValue};
use zbus::{Connection, fdo};

use super::{Rule, contains_port};

const SERVICE: &str = "org.fedoraproject.FirewallD1";
const PATH: &str = "/org/fedoraproject/FirewallD1";
const ZONE: &str = "org.fedoraproject.FirewallD1.zone";

/// How long all answers may take.
const TIMEOUT: Duration = Duration::from_secs(3);
/// The maximum number of services of a zone to look up.
const MAX_SERVICES: usize = 64;

/// The zones in use, each with its interfaces.
type ActiveZones = HashMap<String, HashMap<String, Vec<String>>>;
/// Ports or ranges, each with its protocol.
type Ports = Vec<(String, String)>;

/// What firewalld does with a TCP port on these interfaces.
pub(super) async fn read(port: u16, interfaces: &[String]) -> Rule {
    match tokio::time::timeout(TIMEOUT, ask(port, interfaces)).await {
        Ok(Ok(rule)) => rule,
        Ok(Err(error)) => {
            tracing::debug!("firewalld: {error}");
            Rule::Unknown("it does not tell this user its rules")
        }
        Err(_) => Rule::Unknown("it does not answer in time"),
    }
}

async fn ask(port: u16, interfaces: &[String]) -> zbus::Result<Rule> {
    // Without a system bus there is no firewalld.
    let Ok(bus) = Connection::system().await else {
        return Ok(Rule::Off);
    };
    let name = WellKnownName::from_static_str_unchecked(SERVICE);
    if !fdo::DBusProxy::new(&bus).await?.name_has_owner(name.into()).await? {
        return Ok(Rule::Off);
    }
    let active: ActiveZones = call(&bus, ZONE, "getActiveZones", &()).await?;
    let default: String = call(&bus, SERVICE, "getDefaultZone", &()).await?;
    let mut rules = Vec::new();
    for name in zones_in_use(&active, &default, interfaces) {
        let rule = zone(&bus, &name).await?.rule(port);
        rules.push((name, rule));
    }
    Ok(all(rules))
}

async fn call<T>(
    bus: &Connection,
    interface: &str,
    method: &str,
    arguments: &(impl serde::Serialize + zbus::zvariant::DynamicType),
) -> zbus::Result<T>
where
    T: for<'d> DynamicDeserialize<'d>,
{
    bus.call_method(Some(SERVICE), PATH, Some(interface), method, arguments)
        .await?
        .body()
        .deserialize()
}

/// What a zone lets in.
#[derive(Debug, Default)]
struct Zone {
    /// What happens to everything else: `default`, `ACCEPT`, `DROP` or `%%REJECT%%`.
    target: String,
    /// Those of its services included.
    ports: Ports,
    /// Whether it has rules that say more than a port.
    rich: bool,
}

async fn zone(bus: &Connection, name: &str) -> zbus::Result<Zone> {
    let mut settings: HashMap<String, OwnedValue> =
        call(bus, ZONE, "getZoneSettings2", &(name,)).await?;
    let mut zone = Zone {
        target: take(&mut settings, "target"),
        ports: take(&mut settings, "ports"),
        rich: !take::<Vec<String>>(&mut settings, "rules_str").is_empty(),
    };
    let services: Vec<String> = take(&mut settings, "services");
    for service in services.iter().take(MAX_SERVICES) {
        let mut settings: HashMap<String, OwnedValue> =
            call(bus, SERVICE, "getServiceSettings2", &(service,)).await?;
        zone.ports.append(&mut take(&mut settings, "ports"));
    }
    Ok(zone)
}

/// A value of the settings; nothing if there is none.
fn take<T: TryFrom<OwnedValue> + Default>(
    settings: &mut HashMap<String, OwnedValue>,
    key: &str,
) -> T {
    settings.remove(key).and_then(|value| value.try_into().ok()).unwrap_or_default()
}

impl Zone {
    fn rule(&self, port: u16) -> Rule {
        let is_open =
            |(ports, protocol): &(String, String)| protocol == "tcp" && contains_port(ports, port);
        if self.rich {
            Rule::Unknown("it has rich rules, which may concern this port")
        } else if self.target == "ACCEPT" || self.ports.iter().any(is_open) {
            Rule::Open
        } else {
            Rule::Closed(None)
        }
    }
}

/// The zones of these interfaces. An interface without a zone belongs to the default zone.
fn zones_in_use(active: &ActiveZones, default: &str, interfaces: &[String]) -> BTreeSet<String> {
    let zone_of = |interface: &String| {
        let has_it = |members: &HashMap<String, Vec<String>>| {
            members.get("interfaces").is_some_and(|members| members.contains(interface))
        };
        let zone = active.iter().find(|(_, members)| has_it(members));
        zone.map_or(default, |(name, _)| name).to_owned()
    };
    interfaces.iter().map(zone_of).collect()
}

/// One zone that lets nobody in is worth knowing, even if others do.
fn all(rules: Vec<(String, Rule)>) -> Rule {
    let mut together = Rule::Open;
    for (zone, rule) in rules {
        match rule {
            Rule::Closed(_) => return Rule::Closed(Some(zone)),
            Rule::Unknown(_) => together = rule,
            Rule::Open | Rule::Off => {}
        }
    }
    together
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zone(target: &str, ports: &[(&str, &str)]) -> Zone {
        let owned = |(port, protocol): &(&str, &str)| ((*port).to_owned(), (*protocol).to_owned());
        let (target, ports) = (target.to_owned(), ports.iter().map(owned).collect());
        Zone { target, ports, rich: false }
    }

    #[test]
    fn a_zone_lets_in_by_its_ports_or_its_target() {
        for (zone, rule) in [
            (zone("default", &[("18831", "tcp")]), Rule::Open),
            (zone("default", &[("1025-65535", "udp"), ("1025-65535", "tcp")]), Rule::Open),
            (zone("ACCEPT", &[]), Rule::Open),
            (zone("default", &[("18831", "udp"), ("22", "tcp")]), Rule::Closed(None)),
            (zone("%%REJECT%%", &[]), Rule::Closed(None)),
            (
                Zone { rich: true, ..zone("DROP", &[("18831", "tcp")]) },
                Rule::Unknown("it has rich rules, which may concern this port"),
            ),
        ] {
            assert_eq!(zone.rule(18831), rule, "{zone:?}");
        }
    }

    #[test]
    fn an_interface_without_a_zone_is_in_the_default_zone() {
        let names = |names: &[&str]| names.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>();
        let members = HashMap::from([("interfaces".to_owned(), names(&["eth0"]))]);
        let active = HashMap::from([("home".to_owned(), members)]);
        let zones = |interfaces: &[&str]| {
            zones_in_use(&active, "public", &names(interfaces)).into_iter().collect::<Vec<_>>()
        };
        assert_eq!(zones(&["eth0"]), ["home"]);
        assert_eq!(zones(&["wlan0"]), ["public"]);
        assert_eq!(zones(&["eth0", "wlan0", "tun0"]), ["home", "public"]);
    }

    #[test]
    fn one_zone_that_lets_nobody_in_is_named() {
        let named =
            |rules: &[Rule]| all(rules.iter().map(|it| ("z".to_owned(), it.clone())).collect());
        assert_eq!(named(&[Rule::Open]), Rule::Open);
        assert_eq!(named(&[Rule::Open, Rule::Closed(None)]), Rule::Closed(Some("z".to_owned())));
        assert_eq!(named(&[Rule::Unknown("w"), Rule::Open]), Rule::Unknown("w"));
    }
}
