//! Passwords and invitations on the command line: how they get in, and that nothing shows them again.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use porchlight_tests::member::Member;
use porchlight_tests::process::{Exit, Proc, Stream};
use porchlight_tests::until::{SOON, START};
use porchlight_tests::{Cli, Mosquitto, Session, Terminal, bin, until};
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// How long a file may stay whose link was used.
const GONE: Duration = Duration::from_secs(15);

/// `porchlight` with a folder of its own, and variables instead of flags.
fn by_environment(folder: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> Proc {
    let mut command = Command::new(bin("porchlight"));
    for name in ["HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_RUNTIME_DIR"] {
        command.env(name, folder);
    }
    command.env_remove("DBUS_SESSION_BUS_ADDRESS");
    command.envs(variables.iter().copied()).args(arguments);
    Proc::spawn(arguments.join(" "), &mut command)
}

#[tokio::test]
async fn a_password_comes_from_the_environment_or_from_a_file() {
    let broker = Mosquitto::setup().account("alice", "s3#cret").start().await;
    let host = format!("127.0.0.1:{}", broker.port());
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let file = folder.path().join("password");
    std::fs::write(&file, "s3#cret\n").expect("a temporary folder can be written to");
    let file = file.to_string_lossy();
    let (whole, user) = (format!("mqtt://alice:s3%23cret@{host}"), format!("mqtt://alice@{host}"));
    for variables in [
        &[("PORCHLIGHT_BROKER", whole.as_str())][..],
        &[("PORCHLIGHT_BROKER", &user), ("PORCHLIGHT_PASSWORD_FILE", &file)],
    ] {
        let who = by_environment(folder.path(), &["who"], variables);
        let (exit, _) = who.finish(3 * SOON).await;
        assert!(exit.success(), "{variables:?}: {who}");
    }
    let config =
        format!("[broker]\nurl = \"{user}\"\npassword_file = \"{file}\"\nusername = \"alice\"");
    let light = Cli::new("", "", "").configured(&config);
    let who = light.start_by_config(&["who"]);
    assert!(who.finish(3 * SOON).await.0.success(), "{who}");
    // A flag wins over its variable.
    let variables = [("PORCHLIGHT_BROKER", whole.as_str())];
    let who = by_environment(folder.path(), &["who", "--broker", &user], &variables);
    assert_eq!(who.finish(3 * SOON).await.0, Exit::Code(4), "{who}");
}

#[tokio::test]
async fn no_complaint_about_the_command_line_repeats_a_secret() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    for arguments in [
        &["who", "--broker", "mqtt://bob:s3cret#x@host"][..],
        &["who", "--broker", "mqtt://bob:s3cret/x@host"],
        &["who", "--broker", "mqtt://bob:s3cret%E9@host"],
        &["who", "--broker=bob:s3cret@host"],
        &["who", "mqtt://bob:s3cret@host"],
        &["run", "--brokr=mqtt://bob:s3cret@host"],
        &["hub", "--gateway", "mqtt://bob:s3cret#x@host"],
        &["who", "porchlight://join?v=1&token=s3cret"],
        &["join", "porchlight://join?v=1&token=s3cret"],
    ] {
        let proc = by_environment(folder.path(), arguments, &[]);
        assert_eq!(proc.finish(SOON).await.0, Exit::Code(2), "{proc}");
        let said = proc.lines(Stream::Err).join("\n");
        assert!(!said.is_empty() && !said.contains("s3cret"), "{arguments:?}: {said}");
    }
    let variables = [("PORCHLIGHT_BROKER", "mqtt://bob:s3cret#x@host")];
    for arguments in [&["who"][..], &["who", "--help"]] {
        let proc = by_environment(folder.path(), arguments, &variables);
        proc.finish(SOON).await;
        let said = [proc.lines(Stream::Err), proc.lines(Stream::Out)].concat().join("\n");
        assert!(!said.is_empty() && !said.contains("s3cret"), "{arguments:?}: {said}");
    }
}

#[tokio::test]
async fn a_link_is_read_from_standard_input_in_the_text_that_it_came_in() {
    let anna = Member::new("Anna");
    let hub = anna.start(&["hub", "--listen", "127.0.0.1:0", "--local", "127.0.0.1:0", "--quiet"]);
    let link = anna.owner_link(&hub).await;
    let mut join = anna.start(&["join", "-", "--keep-in-file"]);
    // As a mail with lines of 76 characters has it. The input stays open: the whole link is enough.
    join.say("Hi Anna,");
    let escaped = link.replace('&', "&amp;");
    for line in escaped.as_bytes().chunks(76) {
        join.say(&String::from_utf8_lossy(line));
    }
    join.say("See you!");
    let (exit, said) = join.finish(3 * SOON).await;
    assert!(exit.success() && said.contains("you joined"), "{join}");
}

#[tokio::test]
async fn a_keyring_that_never_answers_is_waited_for_aloud_and_not_for_ever() {
    let session = Session::start().await;
    // It has the keyring's name, and answers nothing.
    let silent = session.connection().await;
    silent.request_name("org.freedesktop.secrets").await.expect("nobody has it");
    let anna = Member::new("Anna");
    let link = "porchlight://join?v=1&team=T&at=127.0.0.1%3A1\
                &pin=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\
                &token=AAAAAAAAAA.AAAAAAAAAAAAAAAAAAAAAAAAAAA";
    let mut command = anna.command(&["join", link]);
    command.env("DBUS_SESSION_BUS_ADDRESS", session.bus_address());
    let join = Proc::spawn("join", &mut command);
    let (exit, _) = join.finish(3 * SOON).await;
    assert_eq!(exit, Exit::Code(2), "{join}");
    let said = join.lines(Stream::Err);
    assert!(said[0].starts_with("Waiting for the keyring"), "{join}");
    assert!(said[1].contains("does not answer") && said[1].contains("--keep-in-file"), "{join}");
}

#[tokio::test]
async fn no_log_however_talkative_holds_the_broker_s_password() {
    let broker = Mosquitto::setup().account("alice", "s3#cret").start().await;
    let url = format!("mqtt://alice:s3%23cret@127.0.0.1:{}/presence", broker.port());
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let store = folder.path().join("gateway").to_string_lossy().into_owned();
    let gateway = ["hub", "--gateway", &url, "--listen", "127.0.0.1:0", "--store", &store];
    let run = ["run", "--activity", "none", "--user", "alice", "--device", "d", "--broker", &url];
    for arguments in [&gateway[..], &run] {
        let proc = by_environment(folder.path(), arguments, &[("PORCHLIGHT_LOG", "trace")]);
        proc.wait_line(|line| line.contains("connected to"), START).await;
        let said = output(&proc);
        let bytes: Vec<_> = "s3#cret".bytes().map(|byte| byte.to_string()).collect();
        for secret in ["s3#cret", "s3%23cret", &bytes.join(", ")] {
            assert!(!said.contains(secret), "{proc}");
        }
    }
}

/// The arguments of a team's hub on this machine alone.
const HUB: [&str; 6] = ["hub", "--listen", "127.0.0.1:0", "--local", "127.0.0.1:0", "--quiet"];

/// A hub of this member's, with these arguments more.
fn hub_of(member: &Member, more: &[&str]) -> Proc {
    member.start(&[&HUB[..], more].concat())
}

/// The file of the owner's link, in the store that is not named otherwise.
fn owner_file(member: &Member) -> PathBuf {
    member.config_dir().join("state/hub/team/owner-invitation")
}

/// Both outputs of a process, as a journal has them.
fn output(proc: &Proc) -> String {
    [proc.lines(Stream::Out), proc.lines(Stream::Err)].concat().join("\n")
}

/// Asks with a program's token, over the plain HTTP for programs of this machine.
async fn read_people(hub: &Proc, token: &str) -> String {
    let line = hub.wait_line(|line| line.starts_with("listening on "), START).await;
    let addr = line.replace("listening on ", "");
    let request = format!(
        "GET /v1/people HTTP/1.1\r\nHost: {addr}\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n\r\n"
    );
    let mut stream = TcpStream::connect(&addr).await.expect("the hub listens");
    stream.write_all(request.as_bytes()).await.expect("it takes a request");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("it answers");
    answer
}

#[tokio::test]
async fn the_link_that_makes_an_owner_goes_into_a_private_file_and_into_no_pipe() {
    let anna = Member::new("Anna");
    let mut hub = hub_of(&anna, &[]);
    let link = anna.owner_link(&hub).await;
    let (_, token) = link.split_once("&token=").expect("a link has a token");
    let file = owner_file(&anna);
    let mode = std::fs::metadata(&file).expect("the file is there").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let said = output(&hub);
    assert!(!said.contains("porchlight://") && !said.contains(token), "{said}");
    assert!(said.contains("start the hub with --invite"), "{said}");
    // Used, it is worth nothing, and neither is its file.
    anna.join(&link).await;
    until("the file to go", GONE, || !file.exists()).await;
    assert!(!output(&hub).contains(token));
    // Another one on demand; a hub that ends takes its file along, and one that was killed is tidied up after.
    hub.stop(SOON);
    let mut hub = hub_of(&anna, &["--invite"]);
    let second = anna.owner_link(&hub).await;
    assert!(second != link && file.exists());
    hub.stop(SOON);
    assert!(!file.exists(), "{hub}");
    let mut hub = hub_of(&anna, &["--invite"]);
    anna.owner_link(&hub).await;
    hub.kill();
    assert!(file.exists());
    let hub = hub_of(&anna, &[]);
    hub.wait_line(|line| line.starts_with("the team's address"), START).await;
    until("the old file to go", SOON, || !file.exists()).await;
    assert!(!output(&hub).contains("owner-invitation"), "there is an owner: {hub}");
}

#[tokio::test]
async fn whoever_put_a_link_in_the_way_of_the_owner_s_file_reads_nothing() {
    let anna = Member::new("Anna");
    let file = owner_file(&anna);
    let elsewhere = anna.config_dir().join("elsewhere");
    std::fs::write(&elsewhere, "theirs").expect("a temporary folder can be written to");
    std::fs::create_dir_all(file.parent().expect("it has a folder")).expect("it can be made");
    std::os::unix::fs::symlink(&elsewhere, &file).expect("a link can be made");
    let hub = hub_of(&anna, &[]);
    anna.owner_link(&hub).await;
    assert_eq!(std::fs::read_to_string(&elsewhere).expect("it is there"), "theirs");
    let kind = std::fs::symlink_metadata(&file).expect("it is there").file_type();
    assert!(kind.is_file());
}

#[tokio::test]
async fn a_hub_in_memory_has_its_owner_s_link_in_a_file_too() {
    let anna = Member::new("Anna");
    let mut hub = hub_of(&anna, &["--memory"]);
    let link = anna.owner_link(&hub).await;
    assert!(!output(&hub).contains("porchlight://"), "{hub}");
    anna.join(&link).await;
    hub.stop(SOON);
    assert!(!anna.config_dir().join("run/owner-invitation").exists());
}

#[tokio::test]
async fn a_terminal_shows_the_link_that_makes_an_owner() {
    let anna = Member::new("Anna");
    let terminal = Terminal::spawn(&anna.command(&HUB), 300, 24);
    let shown = |lines: &[String]| lines.iter().any(|line| line.contains("porchlight://join?"));
    let lines = terminal.wait_for(shown, START).await;
    let link = lines.iter().find(|line| line.contains("porchlight://")).expect("it was shown");
    assert!(!owner_file(&anna).exists(), "{terminal}");
    anna.join(link.trim()).await;
}

#[tokio::test]
async fn no_log_however_talkative_holds_a_secret() {
    let anna = Member::new("Anna");
    let talkative = |arguments: &[&str]| {
        let mut command = anna.command(arguments);
        command.env("PORCHLIGHT_LOG", "trace");
        Proc::spawn(arguments.join(" "), &mut command)
    };
    let hub = talkative(&HUB);
    let link = anna.owner_link(&hub).await;
    let join = talkative(&["join", &link, "--keep-in-file"]);
    assert!(join.finish(3 * SOON).await.0.success(), "{join}");
    let run = talkative(&["run", "--activity", "none"]);
    run.wait_line(|line| line.contains("connected to"), START).await;
    let made: Value =
        serde_json::from_str(&anna.ask(&["token", "make", "board", "--json"]).await).expect("JSON");
    let token = made["token"].as_str().expect("a token").to_owned();
    assert!(read_people(&hub, &token).await.starts_with("HTTP/1.1 200"));
    let who = talkative(&["who"]);
    assert!(who.finish(3 * SOON).await.0.success(), "{who}");
    let list = talkative(&["token", "list"]);
    assert!(list.finish(3 * SOON).await.0.success(), "{list}");
    let invited = anna.invite(&[]).await;
    let state = anna.config_dir().join("state");
    let secret = std::fs::read_to_string(state.join("membership.secret")).expect("it is kept");
    let after = |text: &str, mark: &str| text.rsplit(mark).next().unwrap_or_default().to_owned();
    for proc in [&hub, &join, &run, &who, &list] {
        let said = output(proc);
        for secret in [&secret, &after(&token, "."), &after(&link, "."), &after(&invited, ".")] {
            let secret = secret.trim();
            assert_eq!(secret.len(), 27);
            // As text, as the bytes that a packet has it in, and within HTTP Basic.
            let bytes: Vec<_> = secret.bytes().map(|byte| byte.to_string()).collect();
            assert!(!said.contains(secret), "{proc}");
            assert!(!said.contains(&bytes.join(", ")), "{proc}");
            assert!(!said.to_lowercase().contains("authorization: b"), "{proc}");
        }
    }
    assert!(output(&hub).len() > 2_000, "it was talkative: {hub}");
}
