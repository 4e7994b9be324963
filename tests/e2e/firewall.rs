//! What `porchlight doctor` says to a host whose firewall keeps the members out: real firewalls, in
//! a network of their own.

use std::process::Command;
use std::sync::Arc;

use porchlight_tests::hosts::Hosts;
use porchlight_tests::member::Member;
use porchlight_tests::process::{Exit, Proc, run};
use porchlight_tests::until::{SOON, START, until};
use serde_json::Value;
use tempfile::TempDir;

/// A host of a team, and a member elsewhere with a link to it.
struct Team {
    hosts: Arc<Hosts>,
    _hub: Proc,
    anna: Member,
    bob: Member,
    link: String,
}

impl Team {
    async fn start(hosts: Arc<Hosts>) -> Self {
        let anna = Member::new("Anna").on(&hosts, 0);
        let hub = anna.start(&["hub"]);
        anna.join(&anna.owner_link(&hub).await).await;
        let link = anna.invite(&[]).await;
        let bob = Member::new("Bob").on(&hosts, 1);
        Self { hosts, _hub: hub, anna, bob, link }
    }

    /// The finding about the port, as the host's doctor has it. `prepare` is done to the command
    /// before it runs on the host.
    async fn finding(&self, prepare: impl FnOnce(Command) -> Command) -> Value {
        let command = prepare(self.anna.command(&["doctor", "--json", "--timeout", "3s"]));
        let proc = Proc::spawn("porchlight doctor", &mut { command });
        let (exit, output) = proc.finish(3 * SOON).await;
        assert_eq!(exit, Exit::Code(0), "{proc}");
        let findings: Value = serde_json::from_str(&output).expect("JSON");
        let findings = findings.as_array().expect("an array");
        let found = findings.iter().find(|finding| finding["about"] == "hub-port");
        found.unwrap_or_else(|| panic!("no finding about the port: {output}")).clone()
    }

    /// Whether the member gets in. Used up at the first success.
    async fn lets_in(&self) -> bool {
        self.bob.finish(&["join", &self.link, "--keep-in-file"]).await.0.success()
    }
}

/// The command that the remedy names, as root runs it. What it changes ends with the test.
fn opening_command(finding: &Value) -> String {
    let remedy = finding["remedy"].as_str().expect("a remedy");
    let command = remedy.split_once(": sudo ").expect("it names a command").1;
    let command = command.split(" && ").next().expect("a first part");
    command.replace("--permanent ", "")
}

#[tokio::test]
async fn ufw_keeps_members_out_until_the_command_of_the_doctor_lets_them_in() {
    let Some(hosts) = Hosts::two("two_hosts").map(Arc::new) else { return };
    let team = Team::start(hosts).await;
    // Of its own, so that the configuration of the system stays as it is.
    let dir = TempDir::with_prefix("porchlight-ufw-").expect("a temporary folder can be made");
    let etc = dir.path().join("ufw");
    run(Command::new("cp").args(["-a", "/etc/ufw"]).arg(&etc));
    let script = format!("mount --bind {} /etc/ufw && exec \"$@\"", etc.display());
    // The rules belong to another user, and root may not read everything: as for somebody else.
    let without_root = script.replace(
        "exec",
        "chown 1:1 /etc/ufw/user.rules && exec setpriv --bounding-set=-dac_override,-dac_read_search",
    );
    // `ip netns exec` runs each program with mounts of its own.
    let with_etc = |command: Command| {
        let mut inside = Command::new("sh");
        inside.args(["-c", &script, "sh"]).arg(command.get_program()).args(command.get_args());
        inside
    };
    let ufw = |arguments: &str| {
        let mut command = Command::new("ufw");
        command.args(arguments.split(' '));
        run(&mut team.hosts.on(0, &with_etc(command)));
    };
    let doctor_by = |script: &str, command: Command| {
        // `ip netns exec HOST porchlight ...`
        let mut words = command.get_args();
        let netns: Vec<_> = words.by_ref().take(3).collect();
        let mut inside = Command::new("ip");
        inside.args(netns).args(["sh", "-c", script, "sh"]).args(words);
        for (name, value) in command.get_envs() {
            if let Some(value) = value {
                inside.env(name, value);
            }
        }
        inside
    };
    let doctor = |command: Command| doctor_by(&script, command);
    assert_eq!(team.finding(doctor).await["code"], "port_unread");

    ufw("--force enable");
    assert!(!team.lets_in().await, "ufw keeps him out");
    let finding = team.finding(doctor).await;
    assert_eq!(finding["code"], "port_closed", "{finding}");
    assert!(finding["found"].as_str().expect("text").contains("but ufw keeps"), "{finding}");
    let unknown = team.finding(|command| doctor_by(&without_root, command)).await;
    assert_eq!(unknown["code"], "port_unknown", "{unknown}");
    assert!(unknown["found"].as_str().expect("text").contains("only root can read"), "{unknown}");
    ufw(opening_command(&finding).strip_prefix("ufw ").expect("a command of ufw"));
    let finding = team.finding(doctor).await;
    assert_eq!((&finding["code"], &finding["ok"]), (&"port_open".into(), &true.into()));
    assert!(team.lets_in().await, "ufw lets him in");
}

#[tokio::test]
async fn firewalld_keeps_members_out_until_the_command_of_the_doctor_lets_them_in() {
    if Command::new("firewall-cmd").arg("--version").output().is_err() {
        println!("skipped: real_firewalld: firewalld is not installed");
        return;
    }
    let Some(hosts) = Hosts::two("two_hosts").map(Arc::new) else { return };
    let team = Team::start(hosts).await;
    let dir = TempDir::with_prefix("porchlight-bus-").expect("a temporary folder can be made");
    let address = format!("unix:path={}", dir.path().join("bus").display());
    let config = format!(
        "<!DOCTYPE busconfig PUBLIC \"-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN\" \
         \"http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd\">\
         <busconfig><type>system</type><listen>{address}</listen><auth>EXTERNAL</auth>\
         <policy context=\"default\"><allow send_destination=\"*\"/><allow receive_sender=\"*\"/>\
         <allow own=\"*\"/><allow user=\"*\"/></policy></busconfig>"
    );
    let file = dir.path().join("bus.conf");
    std::fs::write(&file, config).expect("a temporary folder can be written to");
    let mut bus = Command::new("dbus-daemon");
    bus.args(["--nofork", "--nopidfile", "--config-file"]).arg(&file);
    let _bus = Proc::spawn("dbus-daemon", &mut bus);
    until("the bus", START, || dir.path().join("bus").exists()).await;
    let on_bus = |mut command: Command| {
        command.env("DBUS_SYSTEM_BUS_ADDRESS", &address);
        command
    };
    let firewall_cmd = |arguments: &str| {
        let mut command = Command::new("firewall-cmd");
        command.args(arguments.split(' '));
        on_bus(team.hosts.on(0, &command)).output().expect("it is there")
    };
    assert_eq!(team.finding(on_bus).await["code"], "port_unread");

    let mut firewalld = Command::new("firewalld");
    firewalld.args(["--nofork", "--nopid"]);
    let _firewalld = Proc::spawn("firewalld", &mut on_bus(team.hosts.on(0, &firewalld)));
    until("firewalld", START, || firewall_cmd("--state").status.success()).await;
    assert!(!team.lets_in().await, "firewalld keeps him out");
    let finding = team.finding(on_bus).await;
    assert_eq!(finding["code"], "port_closed", "{finding}");
    let found = finding["found"].as_str().expect("text");
    assert!(found.contains("but firewalld keeps other computers out (zone public)"), "{finding}");
    let command = opening_command(&finding);
    let arguments = command.strip_prefix("firewall-cmd ").expect("a command of firewalld");
    assert!(firewall_cmd(arguments).status.success(), "{command}");
    let finding = team.finding(on_bus).await;
    assert_eq!((&finding["code"], &finding["ok"]), (&"port_open".into(), &true.into()));
    assert!(team.lets_in().await, "firewalld lets him in");
}

#[tokio::test]
async fn a_hub_that_listens_on_this_computer_only_is_no_riddle() {
    let anna = Member::new("Anna");
    let hub = anna.start(&["hub", "--listen", "127.0.0.1:0", "--local", "127.0.0.1:0", "--quiet"]);
    anna.join(&anna.owner_link(&hub).await).await;
    let doctor = anna.ask(&["doctor"]).await;
    let line = doctor.lines().find(|line| line.contains("hub-port")).expect("a line");
    assert!(line.starts_with("missing") && line.contains("no other computer reaches it"), "{line}");
    assert!(doctor.contains("-> start it with `--listen 0.0.0.0:"), "{doctor}");
}
