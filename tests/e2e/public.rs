//! The public address of a hub: the certificate of an authority, its renewal, and reverse proxies in front of it.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use porchlight_tests::certificates::Certificates;
use porchlight_tests::hosts::Hosts;
use porchlight_tests::member::Member;
use porchlight_tests::port::{answers, free_port};
use porchlight_tests::process::{Exit, Stream, run};
use porchlight_tests::until::{SOON, START};
use porchlight_tests::{Probe, Proc, Signal, until, until_async};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// The hub looks at its files every 10 s, and believes a second look.
const RENEWED: Duration = Duration::from_secs(40);
/// Wrong attempts that an address has at once.
const ATTEMPTS: usize = 20;

/// A team's hub with a public address, and its owner.
struct PublicHub {
    anna: Member,
    hub: Proc,
    certificates: Certificates,
    /// The public port of 127.0.0.1.
    port: u16,
    folder: TempDir,
}

impl PublicHub {
    /// With a certificate of an authority of its own.
    async fn start(hub_config: &str) -> Self {
        let folder = TempDir::with_prefix("porchlight-public-").expect("a folder can be made");
        let certificates = Certificates::make(folder.path());
        let (certificate, key) = (certificates.server.display(), certificates.key.display());
        let config = format!(
            "[hub]\npublic = \"127.0.0.1:0\"\ncertificate = \"{certificate}\"\nkey = \"{key}\"\n{hub_config}\n"
        );
        Self::configured(folder, certificates, &config).await
    }

    /// Behind a proxy of this computer, which has the certificate.
    async fn behind_proxy() -> Self {
        let folder = TempDir::with_prefix("porchlight-public-").expect("a folder can be made");
        let certificates = Certificates::make(folder.path());
        let config = "[hub]\npublic = \"127.0.0.1:0\"\ntrusted_proxies = [\"127.0.0.1\"]\n";
        Self::configured(folder, certificates, config).await
    }

    async fn configured(folder: TempDir, certificates: Certificates, config: &str) -> Self {
        let anna = Member::new("Anna");
        fs::write(anna.config_dir().join("config.toml"), config).expect("it can be written");
        let hub =
            anna.start(&["hub", "--quiet", "--listen", "127.0.0.1:0", "--local", "127.0.0.1:0"]);
        let said = "the public address is 127.0.0.1:";
        let line = hub.wait_line(|line| line.starts_with(said), START).await;
        let port = line[said.len()..].trim().parse().expect("a port");
        anna.join(&anna.owner_link(&hub).await).await;
        Self { anna, hub, certificates, port, folder }
    }

    /// The status and the JSON of an answer, as curl gets it, with these arguments.
    fn ask(&self, url: &str, arguments: &[&str]) -> (u16, Value) {
        let mut curl = Command::new("curl");
        curl.args([
            "--silent",
            "--show-error",
            "--max-time",
            "10",
            "--write-out",
            "\n%{http_code}",
        ]);
        curl.arg("--cacert").arg(&self.certificates.authority).args(arguments).arg(url);
        let answer = run(&mut curl);
        let (body, status) = answer.rsplit_once('\n').expect("the status is the last line");
        (status.parse().expect("a status"), serde_json::from_str(body).unwrap_or(Value::Null))
    }

    /// Joins by HTTP at this server, as a program would: the new credential's two parts.
    async fn join(&self, server: &str) -> (String, String) {
        let link = self.anna.invite(&[]).await;
        let (_, token) = link.rsplit_once("token=").expect("a token");
        let body = json!({ "token": token, "name": "Board" }).to_string();
        let arguments = ["--header", "Content-Type: application/json", "--data", &body];
        let (status, joined) = self.ask(&format!("{server}/v1/join"), &arguments);
        assert_eq!(status, 200, "{joined}");
        let credential = joined["credential"].as_str().expect("a credential");
        let (id, secret) = credential.split_once('.').expect("two parts");
        (id.to_owned(), secret.to_owned())
    }

    /// Connects with MQTT over TLS, as somebody who trusts this authority.
    async fn try_mqtt(&self, authority: &Path, login: &(String, String)) -> Result<Probe, String> {
        let url = format!("mqtts://localhost:{}", self.port);
        Probe::to(&url).authority(authority).login(&login.0, &login.1).try_connect().await
    }

    /// Warnings of the hub that a renewed certificate can't be used.
    fn complaints(&self) -> usize {
        let lines = self.hub.lines(Stream::Err);
        lines.iter().filter(|line| line.contains("keeps the old one")).count()
    }
}

/// What a member sees who knows this URL of a broker, this login and this authority, and nothing of the team.
async fn who(url: &str, login: &(String, String), authority: &Path) -> Vec<Value> {
    let board = Member::new("Board");
    let config = format!(
        "[broker]\nurl = \"{url}\"\nusername = \"{}\"\npassword = \"{}\"\nca = \"{}\"\n",
        login.0,
        login.1,
        authority.display()
    );
    fs::write(board.config_dir().join("config.toml"), config).expect("it can be written");
    board.who().await
}

fn sees_anna(people: &[Value]) -> bool {
    people.iter().any(|person| person["user"] == "anna" && person["status"] == "online")
}

#[tokio::test]
async fn a_program_that_trusts_an_authority_joins_reads_and_connects_at_one_public_port() {
    let it = PublicHub::start("").await;
    let _runs = it.anna.start(&["run", "--activity", "none"]);
    until_async("Anna to be online", SOON, async || {
        it.anna.sees("anna").await.as_deref() == Some("online")
    })
    .await;
    let server = format!("https://localhost:{}", it.port);
    let login = it.join(&server).await;
    let authority = it.certificates.authority.clone();

    let (status, team) =
        it.ask(&format!("{server}/v1/team"), &["--user", &format!("{}:{}", login.0, login.1)]);
    assert_eq!((status, &team["user"]), (200, &json!("board")), "{team}");
    let mut probe = it.try_mqtt(&authority, &login).await.expect("MQTT over TLS");
    probe.subscribe("presence/+").await;
    until("Anna's status", SOON, || {
        probe.latest("presence/anna").filter(|it| it.text().contains("online"))
    })
    .await;
    for url in
        [format!("wss://localhost:{}/presence", it.port), format!("mqtts://127.0.0.1:{}", it.port)]
    {
        assert!(sees_anna(&who(&url, &login, &authority).await), "{url}");
    }

    let wrong = (login.0.clone(), "wrong".repeat(6));
    assert!(it.try_mqtt(&authority, &wrong).await.is_err());
    // The team's own address has the team's own certificate still.
    let line = it.hub.lines(Stream::Out).into_iter().find(|line| line.contains("team's address"));
    let port = line.as_deref().and_then(|line| line.rsplit_once(':')).expect("a port").1.to_owned();
    let own = Probe::to(&format!("mqtts://localhost:{port}")).authority(&authority);
    assert!(own.login(&login.0, &login.1).try_connect().await.is_err());
}

#[tokio::test]
async fn a_renewed_certificate_is_used_and_a_broken_one_is_not() {
    let it = PublicHub::start("").await;
    let login = it.join(&format!("https://localhost:{}", it.port)).await;
    let old = it.certificates.authority.clone();
    let stays = it.try_mqtt(&old, &login).await.expect("the first certificate");
    let renewed = TempDir::with_prefix("porchlight-renewed-").expect("a folder can be made");
    let renewed = Certificates::make(renewed.path());
    let replace = |certificate: &Path, key: &Path| {
        fs::copy(certificate, &it.certificates.server).expect("it can be copied");
        fs::copy(key, &it.certificates.key).expect("it can be copied");
    };
    replace(&renewed.server, &renewed.key);
    until_async("the new certificate", RENEWED, async || {
        it.try_mqtt(&renewed.authority, &login).await.is_ok()
    })
    .await;
    assert!(it.try_mqtt(&old, &login).await.is_err());
    assert_eq!((stays.ended(), it.complaints()), (None, 0), "{}", it.hub);

    // A key that belongs to another certificate, then nothing that is a certificate.
    fs::copy(it.folder.path().join("authority.key"), &it.certificates.key).expect("it is copied");
    it.hub.signal_leader(Signal::HUP);
    it.hub.wait_line(|line| line.contains("does not belong to the first certificate"), SOON).await;
    fs::write(&it.certificates.server, "nonsense").expect("it can be written");
    it.hub.signal_leader(Signal::HUP);
    it.hub.wait_line(|line| line.contains("contains no certificate"), SOON).await;
    it.try_mqtt(&renewed.authority, &login).await.expect("the old certificate stays");
    replace(&renewed.server, &renewed.key);
    let reads = || {
        let lines = it.hub.lines(Stream::Err);
        lines.iter().filter(|line| line.contains("certificate was read again")).count()
    };
    it.hub.signal_leader(Signal::HUP);
    until("the files to be read", SOON, || reads() == 2).await;
    assert_eq!(it.complaints(), 2, "{}", it.hub);
    it.try_mqtt(&renewed.authority, &login).await.expect("the repaired certificate");
}

#[tokio::test]
async fn a_certificate_that_can_not_be_used_stops_the_start_with_what_to_do() {
    let folder = TempDir::with_prefix("porchlight-public-").expect("a folder can be made");
    let made = Certificates::make(folder.path());
    let path = |path: &Path| path.display().to_string();
    let (certificate, key) = (path(&made.server), path(&made.key));
    let (other, missing) =
        (path(&folder.path().join("authority.key")), path(&folder.path().join("no.pem")));
    let dir = path(folder.path());
    let public = ["--public", "127.0.0.1:0"];
    for (arguments, code, words) in [
        (vec!["--certificate", &missing, "--key", &key], 1, "there is no such file"),
        (vec!["--certificate", &dir, "--key", &key], 1, "it is a folder"),
        (vec!["--certificate", &key, "--key", &key], 1, "contains no certificate"),
        (vec!["--certificate", &certificate, "--key", &certificate], 1, "contains no key"),
        (vec!["--certificate", &certificate], 1, "contains no key"),
        (vec!["--certificate", &certificate, "--key", &other], 1, "does not belong"),
        (vec!["--key", &key], 2, "--certificate"),
        (vec![], 1, "needs a certificate"),
    ] {
        let somebody = Member::new("Somebody");
        let arguments = [&["hub"][..], &public, &arguments].concat();
        let proc = somebody.start(&arguments);
        assert_eq!(proc.finish(SOON).await.0, Exit::Code(code), "{arguments:?}: {proc}");
        let said = proc.lines(Stream::Err).join("\n");
        assert!(said.contains(words), "{arguments:?}: {said}");
        assert!(!somebody.config_dir().join("state").join("hub").exists(), "no team was started");
    }
    let somebody = Member::new("Somebody");
    let proc = somebody.start(&["hub", "--certificate", &certificate, "--key", &key]);
    assert_eq!(proc.finish(SOON).await.0, Exit::Code(2), "{proc}");
    // Without encryption it is for a proxy of this computer alone.
    let config = "[hub]\npublic = \"0.0.0.0:0\"\ntrusted_proxies = [\"127.0.0.1\"]\n";
    fs::write(somebody.config_dir().join("config.toml"), config).expect("it can be written");
    let proc = somebody.start(&["hub", "--memory"]);
    assert_eq!(proc.finish(SOON).await.0, Exit::Code(1), "{proc}");
    assert!(proc.lines(Stream::Err).join("\n").contains("trusted_proxies"), "{proc}");
}

#[tokio::test]
async fn doctor_looks_at_the_public_port_too() {
    let Some(hosts) = Hosts::two("two_hosts").map(Arc::new) else { return };
    let folder = TempDir::with_prefix("porchlight-public-").expect("a folder can be made");
    let made = Certificates::make(folder.path());
    let (certificate, key) = (made.server.display().to_string(), made.key.display().to_string());
    let anna = Member::new("Anna").on(&hosts, 0);
    let hub = anna.start(&[
        "hub",
        "--memory",
        "--public",
        "0.0.0.0:8883",
        "--certificate",
        &certificate,
        "--key",
        &key,
    ]);
    hub.wait_line(|line| line.contains("owner-invitation"), START).await;
    let (_, findings) = anna.finish(&["doctor", "--json", "--timeout", "1s"]).await;
    for port in [":18831", ":8883"] {
        assert!(findings.contains(&format!("10.77.7.1{port}")), "{port}: {findings}");
    }
}

#[tokio::test]
async fn a_key_that_everybody_can_read_is_a_warning_and_one_for_a_group_is_none() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = TempDir::with_prefix("porchlight-public-").expect("a folder can be made");
    let made = Certificates::make(folder.path());
    let (certificate, key) = (made.server.display().to_string(), made.key.display().to_string());
    let somebody = Member::new("Somebody");
    for (mode, warns) in [(0o640, false), (0o644, true)] {
        fs::set_permissions(&made.key, fs::Permissions::from_mode(mode)).expect("it is ours");
        let mut hub = somebody.start(&[
            "hub",
            "--memory",
            "--quiet",
            "--listen",
            "127.0.0.1:0",
            "--local",
            "127.0.0.1:0",
            "--public",
            "127.0.0.1:0",
            "--certificate",
            &certificate,
            "--key",
            &key,
        ]);
        hub.wait_line(|line| line.contains("owner-invitation"), START).await;
        hub.stop(SOON);
        let said = hub.lines(Stream::Err).iter().any(|line| line.contains("chmod o-r"));
        assert_eq!(said, warns, "{mode:o}: {hub}");
    }
}

/// A wrong log-in with these headers: the status of the answer.
fn wrong_log_in(it: &PublicHub, server: &str, headers: &[&str]) -> u16 {
    let mut arguments = vec!["--user", "k3V9xQ2aB7:wrong"];
    for header in headers {
        arguments.extend(["--header", header]);
    }
    it.ask(&format!("{server}/v1/team"), &arguments).0
}

#[tokio::test]
async fn limits_go_by_the_address_that_a_trusted_proxy_forwards() {
    let it = PublicHub::behind_proxy().await;
    let server = format!("http://127.0.0.1:{}", it.port);
    // As a proxy does it that appends: what the stranger claims changes each time.
    for n in 0..ATTEMPTS {
        let claim = format!("X-Forwarded-For: 192.0.2.{n}, 198.51.100.7");
        assert_eq!(wrong_log_in(&it, &server, &[&claim]), 401);
    }
    let mallory = "X-Forwarded-For: 192.0.2.99, 198.51.100.7";
    assert_eq!(wrong_log_in(&it, &server, &[mallory]), 429);
    assert_eq!(wrong_log_in(&it, &server, &["X-Forwarded-For: 198.51.100.8"]), 401);
    // A forwarded loopback address is a stranger like any other, with the limits of one.
    for _ in 0..ATTEMPTS {
        wrong_log_in(&it, &server, &["X-Forwarded-For: 127.0.0.1"]);
    }
    assert_eq!(wrong_log_in(&it, &server, &["X-Forwarded-For: 127.0.0.1"]), 429);
    let said = it.hub.lines(Stream::Out).into_iter().find(|line| line.starts_with("listening on "));
    let local = said.as_deref().and_then(|line| line.split(' ').next_back()).expect("an address");
    assert_eq!(wrong_log_in(&it, &format!("http://{local}"), &[]), 401);
    let page = ["--header", "X-Forwarded-For: 127.0.0.1", "--header", "Origin: http://localhost"];
    assert_eq!(it.ask(&format!("{server}/healthz"), &page).0, 403);
}

#[tokio::test]
async fn nobody_but_a_trusted_proxy_is_believed() {
    let it = PublicHub::start("trusted_proxies = [\"192.0.2.1\"]").await;
    let server = format!("https://localhost:{}", it.port);
    for n in 0..ATTEMPTS {
        let claim = format!("X-Forwarded-For: 198.51.100.{n}");
        assert_eq!(wrong_log_in(&it, &server, &[&claim]), 401);
    }
    assert_eq!(wrong_log_in(&it, &server, &["X-Forwarded-For: 198.51.100.99"]), 429);
}

#[tokio::test]
async fn without_a_certificate_only_the_proxy_comes_and_only_with_http() {
    let it = PublicHub::behind_proxy().await;
    let login = it.join(&format!("http://127.0.0.1:{}", it.port)).await;
    let plain = Probe::to(&format!("mqtt://127.0.0.1:{}", it.port));
    assert!(plain.login(&login.0, &login.1).try_connect().await.is_err());
    // Of this computer, and not the proxy.
    let url = format!("http://127.0.0.1:{}/healthz", it.port);
    let mut curl = Command::new("curl");
    curl.args(["--silent", "--max-time", "10", "--interface", "127.0.0.2", &url]);
    assert!(!curl.status().expect("curl starts").success());
    assert_eq!(it.ask(&url, &[]).0, 200);
}

/// A WebSocket that a proxy forwards for this client, which has said nothing yet.
async fn web_socket(port: u16, client: &str) -> TcpStream {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.expect("it listens");
    let request = format!(
        "GET /mqtt HTTP/1.1\r\nHost: team.example\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
         Sec-WebSocket-Protocol: mqtt\r\nX-Forwarded-For: {client}\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await.expect("it reads");
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.expect("an answer"));
    }
    assert!(head.starts_with(b"HTTP/1.1 101 "), "{}", String::from_utf8_lossy(&head));
    stream
}

#[tokio::test]
async fn a_flood_that_a_proxy_forwards_shuts_out_its_own_sender_alone() {
    let it = PublicHub::behind_proxy().await;
    let mut bob = web_socket(it.port, "198.51.100.8").await;
    let mut first = web_socket(it.port, "198.51.100.7").await;
    let mut flood = Vec::new();
    for _ in 0..96 {
        flood.push(web_socket(it.port, "198.51.100.7").await);
    }
    let mut byte = [0; 1];
    let ended = tokio::time::timeout(SOON, first.read(&mut byte)).await.expect("it is closed");
    assert!(!matches!(ended, Ok(1..)), "{ended:?}");
    let waits = tokio::time::timeout(Duration::from_millis(200), bob.read(&mut byte)).await;
    assert!(waits.is_err(), "Bob is not closed: {waits:?}");
}

#[tokio::test]
async fn a_hub_behind_debians_nginx_as_the_documentation_sets_it_up() {
    let it = PublicHub::behind_proxy().await;
    let _runs = it.anna.start(&["run", "--activity", "none"]);
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/hosting.md");
    let page = fs::read_to_string(page).expect("the page can be read");
    let (_, site) = page.split_once("```nginx\n").expect("the page has a configuration");
    let site = site.split("```").next().expect("it ends");
    let (port, path) = (free_port(), "/etc/letsencrypt/live/team.example");
    let site = site
        .replace("listen 443 ssl", &format!("listen 127.0.0.1:{port} ssl"))
        .replace(&format!("{path}/fullchain.pem"), &it.certificates.server.display().to_string())
        .replace(&format!("{path}/privkey.pem"), &it.certificates.key.display().to_string())
        .replace("127.0.0.1:18833", &format!("127.0.0.1:{}", it.port));
    let dir = it.folder.path().display();
    let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|kind| format!("{kind}_temp_path {dir}/{kind};\n"))
        .concat();
    let config = format!(
        "daemon off;\nmaster_process off;\npid {dir}/nginx.pid;\nerror_log stderr;\nevents {{}}\n\
         http {{\naccess_log off;\n{temporary}{site}}}\n"
    );
    let file = it.folder.path().join("nginx.conf");
    fs::write(&file, config).expect("it can be written");
    let mut command = Command::new("nginx");
    command.args(["-e", "stderr", "-c"]).arg(&file);
    let nginx = Proc::spawn("nginx", &mut command);
    until("nginx", START, || nginx.exit().is_some() || answers(port)).await;
    assert_eq!(nginx.exit(), None, "{nginx}");

    let server = format!("https://localhost:{port}");
    let login = it.join(&server).await;
    let url = format!("wss://localhost:{port}/presence");
    until_async("Anna to be seen through nginx", SOON, async || {
        sees_anna(&who(&url, &login, &it.certificates.authority).await)
    })
    .await;
    // A page of the same origin may ask, one of another may not.
    let (same, other) = (format!("Origin: {server}"), "Origin: https://other.example");
    assert_eq!(it.ask(&format!("{server}/healthz"), &["--header", &same]).0, 200);
    assert_eq!(it.ask(&format!("{server}/healthz"), &["--header", other]).0, 403);
    // 127.0.0.2 claims to be somebody else each time, and is counted all the same.
    let from = |address: &str, claim: &str| {
        let claim = format!("X-Forwarded-For: {claim}");
        let arguments = ["--interface", address, "--user", "k3V9xQ2aB7:wrong", "--header", &claim];
        it.ask(&format!("https://127.0.0.1:{port}/v1/team"), &arguments).0
    };
    for n in 0..ATTEMPTS {
        assert_eq!(from("127.0.0.2", &format!("198.51.100.{n}")), 401);
    }
    assert_eq!(from("127.0.0.2", "198.51.100.99"), 429);
    assert_eq!(from("127.0.0.3", "198.51.100.99"), 401);
}
