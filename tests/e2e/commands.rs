//! The command line itself: what it prints, and how it ends.

use std::collections::BTreeSet;
use std::process::Command;
use std::time::Duration;

use porchlight_tests::port::answers;
use porchlight_tests::process::{Exit, Stream};
use porchlight_tests::until::{SOON, START};
use porchlight_tests::{
    Broker, Cli, EmbeddedHub, Message, Mosquitto, Probe, Proc, Session, Tray, bin,
};
use serde_json::{Value, json};

/// How many people are in a large room.
const ROOM: usize = 800;

/// What the promise "seen at once" may take on a busy machine.
const AT_ONCE: Duration = Duration::from_secs(1);

fn keys(value: &Value) -> BTreeSet<&str> {
    value.as_object().map(|map| map.keys().map(String::as_str).collect()).unwrap_or_default()
}

/// Two records, for readers that connect later.
async fn put_two_people(broker: &str) -> Probe {
    let mut probe = Probe::connect(broker).await;
    for user in ["alice", "carol"] {
        let record = json!({ "v": 1, "status": "online", "name": user, "kind": "laptop" });
        let topic = format!("presence/{user}/device/laptop");
        probe.publish(Message::json(topic, &record).retained()).await;
    }
    probe
}

#[tokio::test]
async fn who_prints_one_array_with_the_documented_fields() {
    let hub = EmbeddedHub::start().await;
    let bob = Cli::new(&hub.url(), "bob", "desk");
    let (exit, output) = bob.finish(&["who", "--json"]).await;
    assert!(exit.success());
    assert_eq!(output, "[]", "an empty room is an empty array");
    let _probe = put_two_people(&hub.url()).await;
    let (exit, output) = bob.finish(&["who", "--json"]).await;
    assert!(exit.success());
    let persons: Value = serde_json::from_str(&output).expect("one value of JSON");
    assert_eq!(persons.as_array().map(Vec::len), Some(2), "{persons}");
    let fields = "user name status cause since text emoji until stale devices evidence";
    let of_devices = "device kind status cause since";
    let of_evidence = "device kind status cause since heard loss_shows_within_s doubt";
    for person in persons.as_array().into_iter().flatten() {
        assert_eq!(keys(person), fields.split(' ').collect(), "{person}");
        assert_eq!(keys(&person["devices"][0]), of_devices.split(' ').collect(), "{person}");
        assert_eq!(keys(&person["evidence"]), of_evidence.split(' ').collect(), "{person}");
        assert_eq!(person["stale"], false);
    }
}

/// How a command ends whose standard output goes there, and what it says.
async fn into(output: &str, arguments: &[&str]) -> (Exit, String) {
    let script = format!("exec \"$0\" \"$@\" {output}");
    let mut command = Command::new("sh");
    command.args(["-c", &script]).arg(bin("porchlight")).args(arguments);
    let proc = Proc::spawn(arguments.join(" "), &mut command);
    let exit = proc.finish(3 * SOON).await.0;
    (exit, proc.lines(Stream::Err).join("\n"))
}

#[tokio::test]
async fn what_can_not_be_written_is_no_success() {
    let hub = EmbeddedHub::start().await;
    let _people = put_two_people(&hub.url()).await;
    let broker = hub.url();
    for arguments in [
        &["who", "--broker", &broker][..],
        &["who", "--json", "--broker", &broker],
        &["doctor", "--broker", &broker],
        &["completions", "bash"],
        &["--help"],
        &["who", "--help"],
        &["--version"],
    ] {
        let (exit, said) = into(">/dev/full", arguments).await;
        assert_eq!(exit, Exit::Code(1), "{arguments:?}: {said}");
        assert!(said.contains("standard output can't be written"), "{arguments:?}: {said}");
        // A reader who has seen enough is no failure: `porchlight who | head -1`.
        let (exit, said) = into("| true", arguments).await;
        assert!(exit.success() && said.is_empty(), "{arguments:?}: {said}");
    }
}

#[tokio::test]
async fn the_command_line_is_the_same_person_and_device_as_the_app() {
    let hub = EmbeddedHub::start().await;
    let session = Session::start().await;
    let _tray = Tray::start(&session).await;
    let config = format!("user = \"alice\"\nname = \"Alice\"\n[broker]\nurl = \"{}\"\n", hub.url());
    let alice = Cli::new(&hub.url(), "alice", "ignored").configured(&config).on(&session);
    let mut app = std::process::Command::new(bin("porchlight-desktop"));
    app.env_clear().envs(session.environment()).arg("--config-dir").arg(alice.config_dir());
    let _app = Proc::spawn("porchlight-desktop", &mut app);
    let watch = Cli::new(&hub.url(), "bob", "desk").watch();
    let seen = watch.wait_status("alice", "online", START).await;
    // Nothing is told to the commands but the folder.
    let (exit, _) = alice.start_by_config(&["run"]).finish(2 * SOON).await;
    assert_eq!(exit, Exit::Code(2), "the app holds this device's presence");
    let (exit, _) = alice.start_by_config(&["set", "away", "Lunch"]).finish(2 * SOON).await;
    assert_eq!(exit, Exit::Code(0));
    let away = watch.wait_person("alice", |person| person["text"] == "Lunch", SOON).await;
    assert_eq!(away["devices"][0]["device"], seen["devices"][0]["device"]);
    assert_eq!(away["devices"].as_array().map(Vec::len), Some(1), "{away}");
    let (exit, output) = alice.start_by_config(&["who"]).finish(2 * SOON).await;
    assert_eq!(exit, Exit::Code(0));
    assert!(output.contains("☾ Alice  away") && output.contains("Lunch"), "{output}");
}

#[tokio::test]
async fn a_large_room_is_read_to_its_end_each_time() {
    for mut broker in [Broker::from(Mosquitto::start("").await), EmbeddedHub::start().await.into()]
    {
        let mut probe = Probe::connect(&broker.url()).await;
        for n in 0..ROOM {
            let record = json!({ "v": 1, "status": "online", "name": format!("Person {n}") });
            let topic = format!("presence/p{n}/device/d");
            probe.publish(Message::json(topic, &record).retained()).await;
        }
        let bob = Cli::new(&broker.url(), "bob", "desk");
        for _ in 0..10 {
            assert_eq!(bob.who().await.len(), ROOM);
        }
        broker.stop();
    }
}

#[tokio::test]
async fn doctor_says_what_is_watched_and_what_to_do_where_nothing_is() {
    let hub = EmbeddedHub::start().await;
    let bob = Cli::new(&hub.url(), "bob", "desk");
    let (exit, output) = bob.finish(&["doctor", "--json"]).await;
    assert!(exit.success(), "{output}");
    let findings: Value = serde_json::from_str(&output).expect("one value of JSON");
    let of = |about: &str| -> Value {
        let mut all = findings.as_array().into_iter().flatten();
        all.find(|finding| finding["about"] == about).cloned().unwrap_or_default()
    };
    // No display, no bus: said, each with what to do.
    for about in ["idle", "lock"] {
        assert_eq!(of(about)["ok"], false, "{output}");
        assert!(of(about)["remedy"].as_str().is_some_and(|remedy| !remedy.is_empty()), "{output}");
    }
    assert_eq!(of("state")["ok"], true, "{output}");
    let broker = of("broker");
    assert_eq!(broker["ok"], true, "{output}");
    let found = broker["found"].as_str().unwrap_or_default();
    assert!(found.contains("MQTT 5") && found.contains("a hub combines the devices"), "{found}");
    assert!(found.ends_with("within 18 s"), "{found}");
    // Without a broker the rest is looked at nevertheless.
    let alone = Cli::new("mqtt://127.0.0.1:1", "bob", "desk");
    let (exit, output) = alone.finish(&["doctor", "--timeout", "1s"]).await;
    assert!(exit.success(), "{output}");
    assert!(output.contains("missing  broker") && output.contains("ok       state"), "{output}");
}

#[tokio::test]
async fn who_prints_a_line_a_person_for_people() {
    let hub = EmbeddedHub::start().await;
    let bob = Cli::new(&hub.url(), "bob", "desk");
    let _probe = put_two_people(&hub.url()).await;
    let (exit, output) = bob.finish(&["who"]).await;
    assert!(exit.success());
    let lines: Vec<_> = output.lines().collect();
    assert_eq!(lines.len(), 2, "{output}");
    assert!(lines[0].contains("alice") && lines[0].contains("online"), "{output}");
    assert!(lines[1].contains("carol") && lines[1].contains("online"), "{output}");
}

#[tokio::test]
async fn watch_prints_everybody_once_and_then_what_changes() {
    let hub = EmbeddedHub::start().await;
    let mut probe = put_two_people(&hub.url()).await;
    let watch = Cli::new(&hub.url(), "bob", "desk").watch();
    watch.wait_status("carol", "online", START).await;
    let away = json!({ "v": 1, "status": "away", "cause": "idle" });
    probe.publish(Message::json("presence/alice/device/laptop", &away)).await;
    watch.wait_status("alice", "away", AT_ONCE).await;
    let said: Vec<_> = watch
        .events()
        .iter()
        .map(|event| {
            event["link"].as_str().map_or_else(
                || format!("{} {}", event["user"], event["status"]).replace('"', ""),
                |link| format!("link {link}"),
            )
        })
        .collect();
    assert_eq!(said, ["link up", "alice online", "carol online", "alice away"]);
    assert!(watch.proc().lines(Stream::Err).is_empty(), "{}", watch.proc());
}

#[tokio::test]
async fn watch_ends_quietly_when_nobody_reads_it() {
    let hub = EmbeddedHub::start().await;
    let mut probe = put_two_people(&hub.url()).await;
    let light = Cli::new(&hub.url(), "bob", "desk");
    let watch = light.command(&["watch"]);
    let mut shell = Command::new("sh");
    shell.args(["-c", r#"{ "$@"; echo "ended with $?" >&2; } | head -n 1"#, "sh"]);
    shell.arg(watch.get_program()).args(watch.get_args());
    let pipe = Proc::spawn("porchlight watch | head -n 1", &mut shell);
    pipe.wait_line(|line| line.contains("connected"), START).await;
    let away = json!({ "v": 1, "status": "away" });
    // It notifications at the next line that it has to say. The reader may take a moment to go.
    let lines = async {
        loop {
            probe.publish(Message::json("presence/alice/device/laptop", &away)).await;
            let online = json!({ "v": 1, "status": "online" });
            probe.publish(Message::json("presence/alice/device/laptop", &online)).await;
        }
    };
    tokio::select! {
        () = lines => {}
        exit = pipe.wait_exit(SOON) => assert!(exit.success(), "{pipe}"),
    }
    pipe.finish(SOON).await;
    assert_eq!(pipe.lines(Stream::Err), ["ended with 0"]);
}

#[tokio::test]
async fn the_demo_says_where_it_is_and_eight_people_come() {
    let home = Cli::new("mqtt://nowhere.invalid", "you", "desk");
    let demo = home.start_by_config(&["demo"]);
    let line = demo.wait_line(|line| line.contains("mqtt://127.0.0.1:"), START).await;
    let url = line.split_whitespace().find(|word| word.starts_with("mqtt://")).expect("just seen");
    let watch = Cli::new(url, "you", "desk").watch();
    watch.wait_link(true, START).await;
    porchlight_tests::until("eight people", START, || watch.persons().len() == 8).await;
    let people = watch.persons();
    let named = |person: &Value| person["name"].as_str().is_some_and(|name| name.contains(' '));
    assert!(people.values().all(named), "{people:?}");
}

#[tokio::test]
async fn help_tells_the_exit_codes() {
    for (arguments, wanted) in [
        (
            ["--help"].as_slice(),
            "Exit codes: 0 done; 1 not done (`wait`: the person did not come in time); 2 wrong usage",
        ),
        (&["--help"], "4 refused"),
        (&["watch", "--help"], "--json"),
    ] {
        let proc = Proc::spawn("porchlight", Command::new(bin("porchlight")).args(arguments));
        let (exit, help) = proc.finish(SOON).await;
        assert_eq!(exit, Exit::Code(0));
        let help = help.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(help.contains(wanted), "{help}");
    }
}

#[tokio::test]
async fn the_hub_says_first_where_it_listens() {
    let home = Cli::new("mqtt://nowhere.invalid", "you", "desk");
    let hub = home.start_by_config(&["hub", "--open", "--listen", "127.0.0.1:0"]);
    hub.wait_line(|line| line.contains("listening"), START).await;
    let first = hub.lines(Stream::Out).swap_remove(0);
    let port = first.strip_prefix("listening on 127.0.0.1:").and_then(|port| port.parse().ok());
    assert!(port.is_some_and(|port| port != 0 && answers(port)), "{first}");
    // Commands on this machine find it without being told.
    let who = home.start_by_config(&["who", "--json"]);
    assert_eq!(who.finish(2 * SOON).await, (Exit::Code(0), "[]".to_owned()));
}

/// A device of an account that belongs to no team, as after the installation.
fn newcomer(user: &str) -> Cli {
    Cli::new("mqtt://127.0.0.1:1", user, "desk")
}

#[tokio::test]
async fn without_a_team_every_command_says_how_to_join_one() {
    let new = newcomer("bob");
    for arguments in [&["who"][..], &["set", "away"], &["knock", "anna"], &["watch"], &["doctor"]] {
        let proc = new.start_by_config(arguments);
        let (exit, output) = proc.finish(3 * SOON).await;
        let code = if arguments == ["doctor"] { 0 } else { 2 };
        assert_eq!(exit, Exit::Code(code), "{proc}");
        let printed = format!("{output}\n{}", proc.lines(Stream::Err).join("\n"));
        assert!(printed.contains("porchlight join LINK"), "{printed}");
        assert!(!printed.contains("hub --open"), "{printed}");
    }
}

#[tokio::test]
async fn a_status_that_no_device_shows_is_saved_with_a_note() {
    let hub = EmbeddedHub::start().await;
    let alice = Cli::new(&hub.url(), "alice", "desk");
    let alone = alice.start(&["set", "away"]);
    assert_eq!(alone.finish(3 * SOON).await.0, Exit::Code(0), "{alone}");
    let note = alone.lines(Stream::Err).join("\n");
    assert!(note.contains("none of your devices is online"), "{note}");

    // The device that comes later shows it, and then there is nothing to add.
    let _runs = alice.run("none");
    Cli::new(&hub.url(), "bob", "desk").watch().wait_status("alice", "away", START).await;
    let beside = alice.start(&["set", "dnd"]);
    assert_eq!(beside.finish(3 * SOON).await.0, Exit::Code(0), "{beside}");
    assert_eq!(beside.lines(Stream::Err), [""; 0], "{beside}");
}

#[tokio::test]
async fn who_tells_only_me_that_i_am_invisible() {
    let hub = EmbeddedHub::start().await;
    let alice = Cli::new(&hub.url(), "alice", "desk").named("Alice");
    let bob = Cli::new(&hub.url(), "bob", "desk");
    let _runs = alice.run("none");
    let watch = bob.watch();
    watch.wait_status("alice", "online", START).await;
    alice.set("invisible", None).await;
    watch.wait_status("alice", "offline", START).await;
    let (_, mine) = alice.finish(&["who"]).await;
    assert!(mine.contains("Alice  left") && mine.contains("(you are invisible)"), "{mine}");
    let (_, theirs) = bob.finish(&["who"]).await;
    assert!(theirs.contains("Alice  left") && !theirs.contains("invisible"), "{theirs}");
}
