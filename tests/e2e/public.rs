//! The public address of a hub: the certificate of an authority, and its renewal.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use porchlight_tests::certificates::Certificates;
use porchlight_tests::hosts::Hosts;
use porchlight_tests::member::Member;
use porchlight_tests::process::{Exit, Stream, run};
use porchlight_tests::until::{SOON, START};
use porchlight_tests::{Probe, Proc, Signal, until, until_async};
use serde_json::{Value, json};
use tempfile::TempDir;

/// The hub looks at its files every 10 s, and believes a second look.
const RENEWED: Duration = Duration::from_secs(40);

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
    async fn start() -> Self {
        let folder = TempDir::with_prefix("porchlight-public-").expect("a folder can be made");
        let certificates = Certificates::make(folder.path());
        let (certificate, key) = (certificates.server.display(), certificates.key.display());
        let config = format!(
            "[hub]\npublic = \"127.0.0.1:0\"\ncertificate = \"{certificate}\"\nkey = \"{key}\"\n"
        );
        Self::configured(folder, certificates, &config).await
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
    let it = PublicHub::start().await;
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
    let it = PublicHub::start().await;
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
