use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr};

use mdns_sd::{IfKind, ServiceInfo};

use super::*;
use crate::mqtt::peer::within;

fn resolved(instance: &str, txt: &[(&str, &str)], ips: &str) -> ResolvedService {
    ServiceInfo::new(SERVICE, instance, "anna.local.", ips, 18_831, txt)
        .unwrap()
        .as_resolved_service()
}

const TXT: [(&str, &str); 3] = [("v", "1"), ("id", "k3v9"), ("pin", "0011223344556677")];

#[test]
fn a_team_is_reported_once_and_again_when_it_changes() {
    let mut known = ReportedTeams::default();
    let first = resolved("Anna's team", &TXT, "10.0.0.7");
    let Some(Change::Found(team)) = known.found(&first) else { panic!() };
    assert_eq!((team.id.as_str(), team.name.as_str()), ("k3v9", "Anna's team"));
    assert_eq!(team.at, ["10.0.0.7:18831".parse().unwrap()]);
    assert_eq!(team.hint, "0011223344556677".parse().unwrap());
    assert_eq!(known.found(&first), None);
    let more = resolved("Anna's team", &TXT, "fd00::7,10.0.0.7,fe80::7");
    let Some(Change::Found(team)) = known.found(&more) else { panic!() };
    let at: Vec<String> = team.at.iter().map(Address::to_string).collect();
    assert_eq!(at, ["10.0.0.7:18831", "[fd00::7]:18831"]);
    let gone = Change::Gone { id: "k3v9".to_owned() };
    assert_eq!(known.gone(&more.fullname), Some(gone));
    assert_eq!(known.gone(&more.fullname), None);
}

#[test]
fn services_that_are_no_hub_are_ignored() {
    for txt in [
        &[][..],
        &[("v", "2"), ("id", "k3v9"), ("pin", "0011223344556677")],
        &[("v", "1"), ("pin", "0011223344556677")],
        &[("v", "1"), ("id", "k3v9")],
        &[("v", "1"), ("id", "k3v9"), ("pin", "secret")],
    ] {
        assert_eq!(team(&resolved("Team", txt, "10.0.0.7")), None, "{txt:?}");
    }
    assert_eq!(team(&resolved("Team", &TXT, "fe80::7")), None);
    let evil = team(&resolved("Te\u{202E}am\n", &TXT, "10.0.0.7")).unwrap();
    assert_eq!(evil.name, "Team");
}

#[test]
fn a_network_full_of_teams_is_reported_in_part() {
    let mut known = ReportedTeams::default();
    let reported = (0..1000)
        .filter(|n| known.found(&resolved(&format!("Team {n}"), &TXT, "10.0.0.7")).is_some())
        .count();
    assert_eq!((reported, known.0.len()), (MAX_TEAMS, MAX_TEAMS));
}

/// A daemon that uses loopback only.
fn on_loopback() -> ServiceDaemon {
    let daemon = ServiceDaemon::new().unwrap();
    daemon.disable_interface(IfKind::All).unwrap();
    daemon.enable_interface(IfKind::LoopbackV4).unwrap();
    daemon
}

#[tokio::test]
async fn a_hub_on_the_network_is_found_and_missed_when_it_goes() {
    let hub = on_loopback();
    let txt: HashMap<String, String> =
        TXT.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    let ip = IpAddr::V4(Ipv4Addr::LOCALHOST);
    // No other test, here or elsewhere on this machine, uses this name.
    let name = format!("Team of {}", std::process::id());
    let service =
        ServiceInfo::new(SERVICE, &name, "porchlight-test.local.", ip, 4711, txt).unwrap();
    let full = service.get_fullname().to_owned();
    let mut search = Search::by(on_loopback()).unwrap();
    hub.register(service).unwrap();
    let team = within(async {
        loop {
            if let Some(Change::Found(team)) = search.next().await
                && team.name == name
            {
                return team;
            }
        }
    })
    .await;
    assert_eq!(team.at, ["127.0.0.1:4711".parse().unwrap()]);
    hub.unregister(&full).unwrap();
    within(async {
        while search.next().await != (Some(Change::Gone { id: "k3v9".to_owned() })) {}
    })
    .await;
    hub.shutdown().unwrap();
}
