//! Members who reach their hub or broker through an HTTP proxy: a real Tinyproxy.
//!
//! One host has the proxy, and the hub or broker at an address that no route leads to from the
//! other host. So what arrives there came through the proxy.

use std::process::Command;
use std::sync::Arc;

use porchlight_tests::binary::tool;
use porchlight_tests::hosts::Hosts;
use porchlight_tests::member::Member;
use porchlight_tests::process::{Exit, Proc, Signal, Stream};
use porchlight_tests::until::{SOON, START, until, until_async};
use tempfile::TempDir;

/// The address of host 0 that only programs on host 0 reach (RFC 5737).
const BEHIND: &str = "198.51.100.1";
/// A port in a network namespace, where nobody else has one.
const PORT: u16 = 18_831;

/// Two hosts. The first one has the address [`BEHIND`].
fn hosts() -> Option<Arc<Hosts>> {
    let hosts = Hosts::two("two_hosts")?;
    hosts.add_address(0, BEHIND);
    Some(Arc::new(hosts))
}

/// A server with a configuration file, on the first host.
struct Server {
    proc: Proc,
    _dir: TempDir,
}

async fn serve(hosts: &Hosts, program: &str, flag: &str, config: &str, ready: &str) -> Server {
    let dir = TempDir::with_prefix("porchlight-server-").expect("a temporary folder can be made");
    let file = dir.path().join("config");
    std::fs::write(&file, config).expect("a temporary folder can be written to");
    let path = tool(program, &format!("install the package that has {program}"));
    let mut command = Command::new(path);
    command.args(flag.split(' ')).arg(&file);
    let proc = Proc::spawn(program, &mut hosts.on(0, &command));
    let is_ready = |it: &String| it.contains(ready);
    until(&format!("{program} to run"), START, || {
        proc.lines(Stream::Out).iter().any(is_ready) || proc.lines(Stream::Err).iter().any(is_ready)
    })
    .await;
    Server { proc, _dir: dir }
}

/// Tinyproxy at port 3128 of the first host, with these lines added to its configuration.
async fn tinyproxy(hosts: &Hosts, extra: &str) -> Server {
    let config =
        format!("Port 3128\nListen {}\nMaxClients 20\nLogLevel Info\n{extra}\n", hosts.address(0));
    serve(hosts, "tinyproxy", "-d -c", &config, "Starting main loop").await
}

async fn mosquitto(hosts: &Hosts) -> Server {
    let config =
        format!("user root\nlog_dest stderr\nallow_anonymous true\nlistener {PORT} {BEHIND}\n");
    serve(hosts, "mosquitto", "-c", &config, " running").await
}

impl Server {
    /// Whether the proxy was asked for connections to the hub or broker.
    fn was_asked(&self) -> bool {
        let asked = format!("CONNECT {BEHIND}:{PORT} ");
        self.proc.lines(Stream::Out).iter().any(|line| line.contains(&asked))
    }
}

/// A member on the second host with this in the section `[broker]` of the config.
fn member(hosts: &Arc<Hosts>, name: &str, broker: &str) -> Member {
    let member = Member::new(name).on(hosts, 1);
    let config = format!("user = {name:?}\n[broker]\n{broker}\n");
    std::fs::write(member.config_dir().join("config.toml"), config).expect("it can be written");
    member
}

fn broker_url() -> String {
    format!("url = \"mqtt://{BEHIND}:{PORT}/presence\"\n")
}

/// A command whose environment has these variables: how it ended, and everything it wrote.
async fn with_environment(
    member: &Member,
    arguments: &[&str],
    variables: &[(&str, &str)],
) -> (Exit, String) {
    let mut command = member.command(arguments);
    for (name, value) in variables {
        command.env(name, value);
    }
    let proc = Proc::spawn(arguments.join(" "), &mut command);
    let (exit, out) = proc.finish(3 * SOON).await;
    (exit, out + &proc.lines(Stream::Err).join("\n"))
}

#[tokio::test]
async fn a_member_joins_a_team_and_lives_in_it_through_a_proxy() {
    let Some(hosts) = hosts() else { return };
    let anna = Member::new("Anna").on(&hosts, 0);
    let hub = anna.start(&["hub", "--listen", &format!("{BEHIND}:{PORT}")]);
    anna.join(&anna.owner_link(&hub).await).await;
    let _anna_runs = anna.start(&["run", "--activity", "none"]);
    let link = anna.invite(&[]).await;

    let bob = Member::new("Bob").on(&hosts, 1);
    let join = ["join", &link, "--keep-in-file"];
    assert_eq!(bob.finish(&join).await.0, Exit::Code(3), "there is no other way to the hub");

    let proxy = tinyproxy(&hosts, "").await;
    let setting = format!("[broker]\nproxy = \"http://{}:3128\"\n", hosts.address(0));
    std::fs::write(bob.config_dir().join("config.toml"), setting).expect("it can be written");
    bob.ask(&join).await;
    assert!(proxy.was_asked(), "{}", proxy.proc);
    let mut runs = bob.start(&["run", "--activity", "none"]);
    until_async("Bob to be seen by Anna", SOON, async || {
        anna.sees("bob").await.as_deref() == Some("online")
    })
    .await;
    until_async("Anna to be seen by Bob", SOON, async || {
        bob.sees("anna").await.as_deref() == Some("online")
    })
    .await;
    let doctor = bob.ask(&["doctor"]).await;
    let line = format!(
        "{}:3128, from broker.proxy in the config; it leads to {BEHIND}:{PORT}\n",
        hosts.address(0)
    );
    assert!(doctor.contains(&line), "{doctor}");
    runs.stop(SOON);
    bob.ask(&["leave"]).await;
    until_async("Bob to be forgotten", SOON, async || anna.sees("bob").await.is_none()).await;
}

#[tokio::test]
async fn a_proxy_that_wants_a_login_gets_it_and_nobody_else_does() {
    let Some(hosts) = hosts() else { return };
    let (proxy, _broker) =
        tokio::join!(tinyproxy(&hosts, "BasicAuth ann s3cret-p4ss"), mosquitto(&hosts));
    let bob = member(&hosts, "bob", &broker_url());
    let at = format!("{}:3128", hosts.address(0));
    let arguments = ["doctor", "--timeout", "3s"];
    for (login, expected) in [
        ("", format!("the proxy {at} wants a login; write http://USER:PASSWORD@{at} into")),
        ("ann:s3cret-wrong@", format!("the proxy {at} does not accept this user name")),
        ("ann:s3cret-p4ss@", "MQTT 5".to_owned()),
    ] {
        let url = format!("http://{login}{at}");
        let variables = [("HTTPS_PROXY", url.as_str()), ("PORCHLIGHT_LOG", "trace")];
        let (exit, said) = with_environment(&bob, &arguments, &variables).await;
        assert_eq!(exit, Exit::Code(0), "{said}");
        assert!(said.contains(&expected), "{login}: {said}\n{}", proxy.proc);
        assert!(said.contains(&format!("{at}, from HTTPS_PROXY in the environment")), "{said}");
        let base64 = ["YW5u", "czNjcmV0"];
        assert!(!said.contains("s3cret") && !base64.iter().any(|it| said.contains(it)), "{said}");
    }
    assert!(proxy.was_asked(), "{}", proxy.proc);
}

#[tokio::test]
async fn what_no_proxy_lists_is_reached_without_the_proxy() {
    let Some(hosts) = hosts() else { return };
    let _broker = mosquitto(&hosts).await;
    // This address of the first host can be reached, and nothing answers at the proxy.
    hosts.add_route(1, BEHIND, 0);
    let bob = member(
        &hosts,
        "bob",
        &format!("{}proxy = \"http://{}:9\"", broker_url(), hosts.address(0)),
    );
    let doctor = ["doctor", "--timeout", "3s"];
    let (_, said) = with_environment(&bob, &doctor, &[]).await;
    assert!(said.contains("nothing answers at the proxy"), "{said}");
    assert!(said.contains("-> check the proxy that is named above"), "{said}");
    for no_proxy in ["*", BEHIND, "other.example, 198.51.100.0/24"] {
        let (_, said) = with_environment(&bob, &doctor, &[("no_proxy", no_proxy)]).await;
        assert!(said.contains("MQTT 5"), "{no_proxy}: {said}");
        assert!(said.contains("is reached directly: no_proxy in the environment"), "{said}");
    }
    // The config switches off what the environment names.
    let dave = member(&hosts, "dave", &format!("{}proxy = \"none\"", broker_url()));
    let (_, said) =
        with_environment(&dave, &doctor, &[("https_proxy", "http://10.77.7.1:9")]).await;
    assert!(
        said.contains("MQTT 5") && said.contains("broker.proxy in the config switches"),
        "{said}"
    );
}

#[tokio::test]
async fn what_a_proxy_refuses_and_what_it_does_not_reach_is_said_in_words() {
    let Some(hosts) = hosts() else { return };
    let (strict, _broker) = tokio::join!(tinyproxy(&hosts, "ConnectPort 443"), mosquitto(&hosts));
    let at = format!("http://{}:3128", hosts.address(0));
    let bob = member(&hosts, "bob", &broker_url());
    let variables = [("all_proxy", at.as_str())];
    let (_, said) = with_environment(&bob, &["doctor", "--timeout", "3s"], &variables).await;
    assert!(said.contains("does not allow connections to 198.51.100.1:18831"), "{said}");
    let eve = member(&hosts, "eve", "url = \"mqtt://198.51.100.1:443/presence\"");
    let (exit, said) = with_environment(&eve, &["who", "--timeout", "3s"], &variables).await;
    assert!(said.contains("does not reach 198.51.100.1:443"), "{said}\n{}", strict.proc);
    assert_eq!(exit, Exit::Code(3), "{said}");
}

#[tokio::test]
async fn a_proxy_that_stalls_is_named_and_used_again_once_it_answers() {
    let Some(hosts) = hosts() else { return };
    let (proxy, _broker) = tokio::join!(tinyproxy(&hosts, ""), mosquitto(&hosts));
    proxy.proc.signal(Signal::STOP);
    let setting = format!("{}proxy = \"{}:3128\"", broker_url(), hosts.address(0));
    let bob = member(&hosts, "bob", &setting);
    let runs = bob.start(&["run", "--activity", "none"]);
    let words = "does not say in time whether it reaches";
    runs.wait_line(|line| line.contains(words), 3 * SOON).await;
    proxy.proc.signal(Signal::CONT);
    let carol = Member::new("Carol").on(&hosts, 0);
    let url = format!("mqtt://{BEHIND}:{PORT}/presence");
    until_async("Bob to be seen", 4 * SOON, async || {
        let seen = carol.finish(&["who", "--json", "--broker", &url]).await.1;
        seen.contains("\"bob\"").then_some(())
    })
    .await;
}
