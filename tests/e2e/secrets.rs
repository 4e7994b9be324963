//! Passwords and invitations on the command line: how they get in, and that nothing shows them again.

use std::path::Path;
use std::process::Command;

use porchlight_tests::member::Member;
use porchlight_tests::process::{Exit, Proc, Stream};
use porchlight_tests::until::{SOON, START};
use porchlight_tests::{Light, Mosquitto, Session, bin};

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
    let light = Light::new("", "", "").configured(&config);
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
    let line = hub.wait_line(|line| line.contains("porchlight://join?"), START).await;
    let link = line.split_whitespace().find(|word| word.starts_with("porchlight://"));
    let link = link.expect("the line has it").to_owned();
    let mut join = anna.start(&["join", "-", "--keep-in-file"]);
    // As a mail with lines of 76 characters has it. The input stays open: the whole link is enough.
    join.say("Hi Anna,");
    let escaped = link.replace('&', "&amp;");
    for line in escaped.as_bytes().chunks(76) {
        join.say(&String::from_utf8_lossy(line));
    }
    join.say("See you!");
    let (exit, said) = join.finish(3 * SOON).await;
    assert!(exit.success() && said.contains("you belong to"), "{join}");
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
