use std::time::Duration;

use clap::{CommandFactory as _, Parser as _};

use super::{Args, Command, PresenceOptions};

#[test]
fn the_grammar_is_sound() {
    Args::command().debug_assert();
}

#[test]
fn every_command_is_read() {
    for line in [
        "join porchlight://join?v=1 --name Bob --keep-in-file",
        "join --nearby Team",
        "invite --me --for 1d",
        "invite requests --json",
        "invite approve k3V9xQ2aB7",
        "members --json",
        "members remove bob --user anna",
        "members forget k3V9xQ2aB7 --device laptop",
        "token make board",
        "leave --this-device",
        "knock bob Coffee? --when-free --wait 5m --user anna --json",
        "wave bob 🎉",
        "hub --team Ours --quiet",
        "hub move",
        "hub backup file",
        "hub --open --listen 127.0.0.1:0",
        "hub --gateway mqtt://localhost",
        "wait alice --until 30m --json",
        "watch --format waybar",
        "watch --format {here}/{total}",
        "watch --plain",
        "run --kind server --activity none",
        "completions fish",
        "man .",
    ] {
        let words = std::iter::once("porchlight").chain(line.split(' '));
        Args::try_parse_from(words).unwrap_or_else(|error| panic!("{line}: {error}"));
    }
}

#[test]
fn the_flags_of_every_command_go_with_every_action() {
    let check = |line: &str| {
        let words = std::iter::once("porchlight").chain(line.split(' '));
        let args = Args::try_parse_from(words).map_err(|error| error.to_string())?;
        match args.command {
            Command::Hub(hub) => hub.check_flags(),
            Command::Invite(invite) => invite.check_flags(),
            _ => Ok(()),
        }
    };
    for line in [
        "hub --config-dir X --store D move",
        "hub --user anna move",
        "hub --listen 0.0.0.0:1 --local 127.0.0.1:2 --quiet move",
        "hub --config-dir X backup F",
        "hub --store D restore F",
        "invite --user anna list",
        "invite --json list",
        "--config-dir X invite --name Anna approve I",
    ] {
        assert_eq!(check(line), Ok(()), "{line}");
    }
    for (line, flag) in [
        ("hub --memory move", "--memory"),
        ("hub --open move", "--open"),
        ("hub --team T --config-dir X move", "--team"),
        ("hub --list-tokens move", "gateway"),
        ("hub --quiet backup F", "--quiet"),
        ("invite --me list", "--me"),
        ("invite --uses 2 --user anna requests", "--uses"),
    ] {
        let error = check(line).unwrap_err();
        assert!(error.contains(flag) && !error.contains("--config-dir"), "{line}: {error}");
    }
}

#[test]
fn flags_override_the_presence_options() {
    let options = |flags: &[&str]| {
        let words = ["porchlight", "run"].iter().chain(flags);
        let Command::Run(run) = Args::try_parse_from(words)?.command else {
            unreachable!("run was asked for");
        };
        Ok::<_, clap::Error>(run.presence_options(PresenceOptions::default()))
    };
    assert_eq!(options(&[]).unwrap(), PresenceOptions::default());
    let [away_after, grace, lease] = [1, 0, 10].map(Duration::from_secs);
    let set = PresenceOptions { away_after, grace, lease, ..PresenceOptions::default() };
    let flags = ["--away-after", "1s", "--grace", "0s", "--lease", "10s"];
    assert_eq!(options(&flags).unwrap(), set);
    assert!(options(&["--grace", "61s"]).is_err());
    assert!(options(&["--lease", "9s"]).is_err());
}
