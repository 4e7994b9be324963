//! Brokers that differ from what we expect: what refuses, what is silent, what is hard to reach.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use porchlight_tests::port::free_port;
use porchlight_tests::process::{Exit, Stream};
use porchlight_tests::quirks::{
    Action, End, OldBroker, Property, QuirkBroker, Quirks, Version, When,
};
use porchlight_tests::until::{SOON, START};
use porchlight_tests::{Cli, Mosquitto, Proc, until};

/// How `who` ends there, what it prints and what it says on standard error.
async fn who(broker: &QuirkBroker) -> (Exit, String, String) {
    let alice = Cli::new(&broker.url(), "alice", "laptop");
    let who = alice.start(&["who"]);
    let (exit, output) = who.finish(3 * SOON).await;
    (exit, output, who.lines(Stream::Err).join("\n"))
}

#[tokio::test]
async fn a_permanent_refusal_ends_with_exit_code_4_wherever_it_comes() {
    for code in [0x87, 0x97, 0x9A, 0x9B, 0x9C, 0x9D] {
        for when in [When::ConnAck, When::Subscribe] {
            let how = End::Disconnect(code, Some("ask Ann".to_owned()));
            let broker = Quirks::new().end(when.clone(), how).start().await;
            let (exit, _, said) = who(&broker).await;
            assert_eq!(exit, Exit::Code(4), "{code:#X} {when:?} {said}");
            assert!(said.contains("ask Ann"), "{said}");
            assert_eq!(broker.connects().len(), 1, "{code:#X}: it was asked again");
        }
        let broker = Quirks::new()
            .connack_code(code)
            .connack_property(Property::ReasonString("ask Ann".to_owned()))
            .connack_property(Property::ServerReference("other.example:1883".to_owned()))
            .start()
            .await;
        let (exit, _, said) = who(&broker).await;
        assert_eq!(exit, Exit::Code(4), "{code:#X} {said}");
        assert!(said.contains("ask Ann"), "{said}");
        let moved = matches!(code, 0x9C | 0x9D);
        assert_eq!(said.contains("points to other.example:1883"), moved, "{said}");
    }
}

#[tokio::test]
async fn a_presence_asks_a_broker_that_refused_it_for_good_no_more_than_once() {
    let how = End::Disconnect(0x97, None);
    let broker = Quirks::new().short_disconnect().end(When::SubAck, how).start().await;
    let alice = Cli::new(&broker.url(), "alice", "laptop");
    let running = alice.run("none");
    running.wait_line(|line| line.contains("quota exceeded"), START).await;
    porchlight_tests::never("another try", SOON, || broker.connects().len() > 1).await;
}

#[tokio::test]
async fn a_receive_maximum_of_nought_is_named() {
    let broker = Quirks::new().connack_property(Property::ReceiveMaximum(0)).start().await;
    let (exit, _, said) = who(&broker).await;
    assert_eq!(exit, Exit::Code(3), "{said}");
    assert!(said.contains("Receive Maximum of 0"), "{said}");
}

#[tokio::test]
async fn a_broker_of_3_1_1_is_read_whatever_it_does_at_a_connect_of_mqtt_5() {
    for old in
        [OldBroker::Closes, OldBroker::RefusesAndCloses, OldBroker::Refuses, OldBroker::IsSilent]
    {
        let broker = Quirks::new().only_v311(old).start().await;
        let (exit, output, said) = who(&broker).await;
        assert_eq!(exit, Exit::Code(0), "{old:?} {output} {said}");
        let versions: Vec<Version> =
            broker.connects().into_iter().map(|(_, connect)| connect.version).collect();
        assert_eq!(versions.last(), Some(&Version::V311), "{old:?} {versions:?}");
        assert!(versions.len() <= 3, "{old:?} {versions:?}");
    }
}

#[tokio::test]
async fn a_deaf_broker_is_noticed_whatever_its_server_keep_alive_is() {
    for keep_alive in [0, 60, 3600] {
        let broker =
            Quirks::new().connack_property(Property::ServerKeepAlive(keep_alive)).start().await;
        let alice = Cli::new(&broker.url(), "alice", "laptop");
        let running = alice.run("none");
        running.wait_line(|line| line.contains("connected to"), START).await;
        broker.change(Quirks::deaf);
        let silent = |line: &str| line.contains("gone silent");
        running.wait_line(silent, Duration::from_secs(20)).await;
        assert!(broker.count(|action| matches!(action, Action::PingReq)) > 0, "{keep_alive}");
    }
}

#[tokio::test]
async fn the_very_certificate_that_is_named_is_believed() {
    let broker = Mosquitto::setup().own_certificate("DNS:localhost").start().await;
    let (url, certificates) = broker.tls();
    let light = |url: &str, ca: &Path| {
        let config = format!("[broker]\nurl = \"{url}\"\nca = \"{}\"\n", ca.display());
        Cli::new(url, "alice", "laptop").configured(&config)
    };
    let alice = light(&url, &certificates.authority);
    let who = alice.start_by_config(&["who"]);
    assert_eq!(who.finish(2 * SOON).await.0, Exit::Code(0), "{who}");
    // The name still counts.
    let elsewhere = url.replace("localhost", "127.0.0.1");
    let alice = light(&elsewhere, &certificates.authority);
    let who = alice.start_by_config(&["who", "--timeout", "2s"]);
    assert_eq!(who.finish(2 * SOON).await.0, Exit::Code(3), "{who}");
    assert!(who.to_string().contains("for another name"), "{who}");
}

#[tokio::test]
async fn the_wrong_scheme_for_a_port_is_named() {
    let broker = Mosquitto::setup().tls().start().await;
    let (url, certificates) = broker.tls();
    for (url, hint) in [
        (url.replace("mqtts://", "mqtt://"), "mqtts://"),
        (format!("mqtts://localhost:{}", broker.port()), "mqtt://"),
    ] {
        let config =
            format!("[broker]\nurl = \"{url}\"\nca = \"{}\"\n", certificates.authority.display());
        let config =
            if hint == "mqtt://" { config } else { format!("[broker]\nurl = \"{url}\"\n") };
        let alice = Cli::new(&url, "alice", "laptop").configured(&config);
        let who = alice.start_by_config(&["who", "--timeout", "3s"]);
        assert_eq!(who.finish(2 * SOON).await.0, Exit::Code(3), "{who}");
        assert!(who.to_string().contains(&format!("write {hint}")), "{who}");
    }
}

#[tokio::test]
async fn unreadable_certificates_and_keys_are_wrong_configs() {
    let dir = tempfile::tempdir().expect("a temporary folder can be made");
    let empty = dir.path().join("empty.pem");
    std::fs::write(&empty, "").expect("a temporary folder can be written to");
    for file in [dir.path().join("missing.pem"), empty] {
        for keys in [["ca"].as_slice(), &["certificate", "key"]] {
            let mut config = "[broker]\nurl = \"mqtts://127.0.0.1\"\n".to_owned();
            for key in keys {
                config.push_str(&format!("{key} = \"{}\"\n", file.display()));
            }
            let alice = Cli::new("", "alice", "laptop").configured(&config);
            for command in [["who"].as_slice(), &["set", "dnd", "--user", "alice"]] {
                let proc = alice.start_by_config(command);
                assert_eq!(proc.finish(SOON).await.0, Exit::Code(2), "{proc}");
                assert!(proc.to_string().contains(&format!("broker.{}", keys[0])), "{proc}");
            }
        }
    }
}

/// A hub and `who` on a network of their own, where the name `twofold` has an IPv6 address that
/// answers nothing and an IPv4 address with the hub. What goes to the IPv6 address is sent to a
/// device that nobody has.
const BLACK_HOLE: &str = r#"
ip link set lo up
ip link add void type veth peer name beyond
ip address add 192.0.2.2/24 dev void
ip address add 2001:db8::2/64 dev void nodad
ip link set void up
ip link set beyond up
ip neighbour add 2001:db8::1 lladdr 02:00:00:00:00:01 dev void nud permanent
printf '2001:db8::1 twofold\n192.0.2.2 twofold\n' > "$1/hosts"
mount --bind "$1/hosts" /etc/hosts
shift
"$@" "#;

#[tokio::test]
async fn a_name_whose_first_address_is_a_black_hole_is_reached() {
    let dir = tempfile::tempdir().expect("a temporary folder can be made");
    let ways = [["--net", "--mount"].as_slice(), &["--net", "--mount", "--map-root-user"]];
    let unshare = |way: &[&str]| {
        let mut command = Command::new("unshare");
        command.args(way).args(["sh", "-ec", BLACK_HOLE, "sh"]).arg(dir.path());
        command
    };
    let may = |way: &&&[&str]| unshare(way).arg("true").output().is_ok_and(|o| o.status.success());
    let Some(way) = ways.iter().find(may) else {
        println!("skipped: black_hole: no network namespaces can be made here");
        return;
    };
    let port = free_port();
    let home = Cli::new("mqtt://nowhere.invalid", "you", "desk");
    let store = dir.path().join("store");
    let listen = format!("192.0.2.2:{port}");
    let hub = home.command(&[
        "hub",
        "--open",
        "--allow-anonymous",
        "--listen",
        &listen,
        "--store",
        &store.to_string_lossy(),
    ]);
    let mut command = unshare(way);
    command.arg(hub.get_program()).args(hub.get_args());
    let hub = Proc::spawn("porchlight hub behind a black hole", &mut command);
    until("the hub listens", START, || hub.to_string().contains(&listen)).await;

    let alice = Cli::new(&format!("mqtt://twofold:{port}"), "alice", "laptop");
    let who = alice.command(&["who"]);
    // In the network and with the files of the hub.
    let mut there = Command::new("nsenter");
    there.args(["--net", "--mount", "--target", &hub.id().to_string()]);
    if way.contains(&"--map-root-user") {
        there.args(["--user", "--preserve-credentials"]);
    }
    there.arg(who.get_program()).args(who.get_args());
    let who = Proc::spawn("porchlight who", &mut there);
    assert_eq!(who.finish(3 * SOON).await.0, Exit::Code(0), "{who}");
}

#[tokio::test]
async fn somebody_who_runs_is_online_whatever_the_broker_does_to_expiry() {
    for quirks in [
        Quirks::new().expiry_cap(3_600),
        Quirks::new().expiry_cap(86_400),
        Quirks::new().expiry_undiminished(),
    ] {
        let broker = quirks.start().await;
        let alice = Cli::new(&broker.url(), "alice", "laptop");
        let _running = alice.run("none");
        let shows = async || {
            let (exit, listed, _) = who(&broker).await;
            exit == Exit::Code(0) && listed.contains("online")
        };
        let deadline = tokio::time::Instant::now() + START;
        while !shows().await {
            assert!(tokio::time::Instant::now() < deadline, "never online");
        }
    }
}
