//! What every command prints, and how it ends, word for word: `tests/golden` has the texts.

use std::process::Command;
use std::sync::Arc;

use porchlight_tests::golden::Golden;
use porchlight_tests::hosts::Hosts;
use porchlight_tests::member::Member;
use porchlight_tests::port::free_port;
use porchlight_tests::process::{Proc, Stream};
use porchlight_tests::until::{SOON, START, Stopwatch, unix_ms};
use porchlight_tests::{
    Cli, EmbeddedHub, Message, Mosquitto, Probe, Signal, bin, until, until_async,
};
use serde_json::{Value, json};

/// Nobody listens there.
const NOWHERE: &str = "mqtt://127.0.0.1:1";

/// `porchlight` with nothing but these arguments.
fn bare(arguments: &[&str]) -> Proc {
    let mut command = Command::new(bin("porchlight"));
    for name in ["HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_RUNTIME_DIR"] {
        command.env(name, "/nonexistent");
    }
    Proc::spawn(arguments.join(" "), command.args(arguments))
}

/// Three people as records say it: one here, one locked with a text, one lost.
async fn put_three(broker: &str) -> Probe {
    let mut probe = Probe::connect(broker).await;
    let now = unix_ms();
    for (user, record) in [
        (
            "alice",
            json!({ "v": 1, "status": "online", "name": "Alice Liddell", "kind": "laptop", "loss_s": 18 }),
        ),
        (
            "carol",
            json!({ "v": 1, "status": "away", "cause": "locked", "name": "Carol", "kind": "desktop", "loss_s": 18,
                "chosen": { "rev": 1, "status": "dnd", "text": "Deep work", "emoji": "🎧" } }),
        ),
        (
            "dave",
            json!({ "v": 1, "status": "offline", "cause": "lost", "name": "Dave", "kind": "laptop" }),
        ),
    ] {
        let mut record = record;
        for (field, value) in
            [("epoch", now), ("since", now), ("timestamp", now), ("lease_s", 3600)]
        {
            record[field] = json!(value);
        }
        let topic = format!("presence/{user}/device/{user}-1");
        probe.publish(Message::json(topic, &record).retained()).await;
    }
    probe
}

/// The words of a command as a person types it.
fn words(arguments: &[&str]) -> String {
    let quoted = arguments
        .iter()
        .map(|word| if word.contains(' ') { format!("\"{word}\"") } else { (*word).to_owned() });
    quoted.collect::<Vec<_>>().join(" ")
}

async fn ends(golden: &mut Golden, light: &Cli, arguments: &[&str]) -> String {
    golden.ends(&words(arguments), light.start(arguments)).await
}

/// Hides what the folder of this device is called.
fn hide_folder(golden: &mut Golden, folder: &std::path::Path) {
    golden.hide(&folder.to_string_lossy(), "folder");
}

const COMMANDS: &[&str] = &[
    "",
    "run",
    "who",
    "watch",
    "set",
    "clear",
    "knock",
    "wave",
    "wait",
    "completions",
    "hub",
    "hub backup",
    "hub restore",
    "hub move",
    "join",
    "invite",
    "invite list",
    "invite revoke",
    "invite requests",
    "invite approve",
    "invite refuse",
    "members",
    "members remove",
    "members forget",
    "token",
    "token make",
    "token list",
    "token revoke",
    "leave",
    "doctor",
    "demo",
];

/// All files of Rust below that folder.
fn sources(folder: &std::path::Path, found: &mut Vec<std::path::PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder of the project").flatten() {
        let path = entry.path();
        if path.is_dir() && !path.ends_with("target") {
            sources(&path, found);
        } else if path.extension().is_some_and(|it| it == "rs") {
            found.push(path);
        }
    }
}

/// A backslash that is missing at a line's end leaves the next line's indentation in the sentence.
#[test]
fn no_error_has_a_hole_in_its_sentence() {
    let project = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut files = Vec::new();
    ["crates", "src-tauri"].iter().for_each(|it| sources(&project.join(it), &mut files));
    let mut sentences = 0;
    for file in files {
        let text = std::fs::read_to_string(&file).expect("a file of the project");
        for attribute in text.split("#[error(").skip(1) {
            let attribute = attribute.split(")]").next().unwrap_or_default();
            let lines: String = attribute.split("\\\n").map(str::trim_start).collect();
            let Some((_, sentence)) = lines.split_once('"') else { continue };
            let sentence = sentence.rsplit_once('"').map_or(sentence, |(sentence, _)| sentence);
            let is_whole = !sentence.contains("  ") && !sentence.contains('\n');
            assert!(is_whole, "{}: {sentence}", file.display());
            sentences += 1;
        }
    }
    assert!(sentences > 100, "{sentences}");
}

#[tokio::test]
async fn help() {
    let mut golden = Golden::new("help");
    for command in COMMANDS {
        let mut arguments: Vec<_> = command.split_whitespace().collect();
        arguments.push("--help");
        golden.ends(&words(&arguments), bare(&arguments)).await;
    }
    golden.check();
}

#[tokio::test]
async fn wrong_usage() {
    let mut golden = Golden::new("wrong-usage");
    for arguments in [
        &[][..],
        &["whom"],
        &["who", "--jsno"],
        &["who", "--timeout", "soon"],
        &["who", "--why", "--json"],
        &["set", "sleepy"],
        &["set"],
        &["who", "--broker", "http://example.com"],
        &["who", "--user", "a/b"],
        &["run", "--activity", "nose"],
        &["demo", "--listen", "here"],
        &["hub", "--origin", "https://board.example/page"],
    ] {
        golden.ends(&words(arguments), bare(arguments)).await;
    }
    let light = Cli::new(NOWHERE, "bob", "desk");
    hide_folder(&mut golden, light.config_dir());
    for arguments in [
        &["who"][..],
        &["watch"],
        &["run"],
        &["set", "away"],
        &["invite"],
        &["members"],
        &["leave"],
    ] {
        golden.ends(&words(arguments), light.start_by_config(arguments)).await;
    }
    let wrong = Cli::new(NOWHERE, "bob", "desk")
        .configured("user = \"bob\"\n[activity]\nsource = \"nose\"\n");
    hide_folder(&mut golden, wrong.config_dir());
    golden.ends("who (a wrong config)", wrong.start_by_config(&["who"])).await;
    let pages = Cli::new(NOWHERE, "bob", "desk")
        .configured("user = \"bob\"\n[hub]\norigins = [\"null\"]\n");
    hide_folder(&mut golden, pages.config_dir());
    golden.ends("hub (a wrong origin)", pages.start_by_config(&["hub", "--memory"])).await;
    let nameless =
        Cli::new(NOWHERE, "bob", "desk").configured("[broker]\nurl = \"mqtt://127.0.0.1:1\"\n");
    hide_folder(&mut golden, nameless.config_dir());
    for arguments in [&["run"][..], &["set", "away"], &["clear"]] {
        golden.ends(&words(arguments), nameless.start_by_config(arguments)).await;
    }
    golden.check();
}

#[tokio::test]
async fn who() {
    let mut golden = Golden::new("who");
    let hub = EmbeddedHub::start().await;
    let bob = Cli::new(&hub.url(), "bob", "desk");
    ends(&mut golden, &bob, &["who"]).await;
    ends(&mut golden, &bob, &["who", "--json"]).await;
    let _probe = put_three(&hub.url()).await;
    until_summed(&hub.url(), 3).await;
    ends(&mut golden, &bob, &["who"]).await;
    ends(&mut golden, &bob, &["who", "--why"]).await;
    ends(&mut golden, &bob, &["who", "--json"]).await;
    ends(&mut golden, &bob, &["who", "--diagnostics"]).await;
    golden.check();
}

/// Waits until the hub has written the aggregates of this number of people, so that all read the same.
async fn until_summed(broker: &str, people: usize) {
    let mut probe = Probe::connect(broker).await;
    probe.subscribe("presence/+").await;
    until("the sums", SOON, || {
        let people_of = |arrival: &porchlight_tests::wire::Arrival| {
            (!arrival.topic.ends_with("_hub")).then(|| arrival.topic.clone())
        };
        let summed: std::collections::BTreeSet<_> =
            probe.arrivals().iter().filter_map(people_of).collect();
        summed.len() == people
    })
    .await;
}

#[tokio::test]
async fn without_a_broker() {
    let mut golden = Golden::new("without-a-broker");
    let nobody = Cli::new(NOWHERE, "bob", "desk");
    for arguments in [
        &["who", "--timeout", "1s"][..],
        &["who", "--json", "--timeout", "1s"],
        &["watch", "--timeout", "1s"],
        &["set", "away", "--timeout", "1s"],
        &["clear", "--timeout", "1s"],
    ] {
        let since = Stopwatch::start();
        ends(&mut golden, &nobody, arguments).await;
        let took = since.elapsed();
        assert!(took.as_secs() < 3, "{arguments:?} took {took:?} with a time-out of one second");
    }
    let mosquitto = Mosquitto::setup().account("alice", "secret").start().await;
    let refused = Cli::new(&mosquitto.url(), "bob", "desk");
    for arguments in [&["who"][..], &["watch"], &["set", "away"], &["clear"]] {
        ends(&mut golden, &refused, arguments).await;
    }
    golden.check();
}

#[tokio::test]
async fn an_address_that_swallows_everything_ends_in_time_too() {
    // It accepts and says nothing, as a firewall or a program that hangs does.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let addr = silent.local_addr().expect("it is bound");
    let bob = Cli::new(&format!("mqtt://{addr}"), "bob", "desk");
    let mut golden = Golden::new("silent-broker");
    let since = Stopwatch::start();
    ends(&mut golden, &bob, &["who", "--timeout", "3s"]).await;
    let took = since.elapsed();
    assert!(took.as_secs() < 5, "{took:?}");
    golden.check();
}

#[tokio::test]
async fn watch() {
    let mut golden = Golden::new("watch");
    let hub = EmbeddedHub::start().await;
    let mut probe = put_three(&hub.url()).await;
    until_summed(&hub.url(), 3).await;
    let bob = Cli::new(&hub.url(), "bob", "desk");
    for arguments in [&["watch"][..], &["watch", "--json"]] {
        let mut proc = bob.start(arguments);
        proc.wait_line(|line| line.contains("Dave"), START).await;
        let now = unix_ms();
        let mut away = json!({ "v": 1, "status": "away", "cause": "idle", "name": "Alice Liddell", "kind": "laptop",
            "loss_s": 18, "lease_s": 3600 });
        for field in ["epoch", "since", "timestamp"] {
            away[field] = json!(now);
        }
        probe.publish(Message::json("presence/alice/device/alice-1", &away).retained()).await;
        proc.wait_line(|line| line.contains("Alice") && line.contains("away"), START).await;
        away["status"] = json!("online");
        away["cause"] = Value::Null;
        away["timestamp"] = json!(now + 1);
        probe.publish(Message::json("presence/alice/device/alice-1", &away).retained()).await;
        until("Alice to be back", START, || {
            proc.lines(Stream::Out)
                .iter()
                .filter(|line| line.contains("Alice") && line.contains("online"))
                .count()
                == 2
        })
        .await;
        proc.signal_leader(Signal::TERM);
        let exit = proc.wait_exit(SOON).await;
        golden.note(
            &words(arguments),
            &proc.lines(Stream::Out),
            &proc.lines(Stream::Err),
            Some(exit),
        );
        proc.kill();
    }
    golden.check();
}

#[tokio::test]
async fn set_and_clear() {
    let mut golden = Golden::new("set");
    let hub = EmbeddedHub::start().await;
    let alice = Cli::new(&hub.url(), "alice", "desk").named("Alice");
    let run = alice.run("none");
    run.wait_line(|line| line.contains("connected"), START).await;
    let bob = Cli::new(&hub.url(), "bob", "desk");
    for arguments in [
        &["set", "away", "Lunch", "--for", "45m"][..],
        &["set", "dnd", "Deep work", "--emoji", "🎧"],
        &["clear"],
    ] {
        ends(&mut golden, &alice, arguments).await;
        ends(&mut golden, &bob, &["who"]).await;
    }
    golden.check();
}

#[tokio::test]
async fn knock_and_wave() {
    let mut golden = Golden::new("knock");
    let hub = EmbeddedHub::start().await;
    let alice = Cli::new(&hub.url(), "alice", "desk").named("Alice");
    let run = alice.run("none");
    let bob = Cli::new(&hub.url(), "bob", "desk").named("Bob");
    bob.watch().wait_status("alice", "online", START).await;
    for arguments in [
        &["knock", "nobody", "Got a minute?"][..],
        &["knock", "alice", "Got a minute?", "--when-free"],
        &["wave", "nobody"],
        &["wave", "alice"],
    ] {
        ends(&mut golden, &bob, arguments).await;
    }
    run.signal_leader(Signal::TERM);
    run.wait_exit(SOON).await;
    for arguments in [&["knock", "alice"][..], &["wave", "alice"]] {
        ends(&mut golden, &bob, arguments).await;
    }
    let nobody = Cli::new(NOWHERE, "bob", "desk");
    for arguments in
        [&["knock", "alice", "--timeout", "1s"][..], &["wave", "alice", "--timeout", "1s"]]
    {
        ends(&mut golden, &nobody, arguments).await;
    }
    golden.check();
}

#[tokio::test]
async fn answers() {
    let mut golden = Golden::new("answers");
    let hub = EmbeddedHub::start().await;
    let bob = Cli::new(&hub.url(), "bob", "desk").named("Bob");
    let alice = Cli::new(&hub.url(), "alice", "desk").named("Alice");
    let _runs = [bob.run("none"), alice.run("none")];
    let watch = bob.watch();
    watch.wait_status("alice", "online", START).await;
    let mut inbox = Probe::connect(&hub.url()).await;
    inbox.subscribe("presence/alice/inbox/+").await;
    for (arguments, answer) in [
        (&["knock", "alice", "Got a minute?"][..], json!({ "answer": "in_5" })),
        (&["knock", "alice"], json!({ "text": "On the phone.\u{1b}[2J" })),
        (&["knock", "alice", "--json"], json!({ "answer": "come_in" })),
    ] {
        let proc = bob.start(arguments);
        let knock = inbox.wait_for(|arrival| arrival.json()["kind"] == "knock", START).await;
        // One of Alice's devices says that it has it, before she answers.
        proc.wait_line(|line| line.contains("delivered"), START).await;
        let mut said = json!({ "v": 1, "kind": "answer", "re": knock.json()["id"] });
        for (field, value) in answer.as_object().into_iter().flatten() {
            said[field] = value.clone();
        }
        inbox.publish(Message::json("presence/bob/inbox/alice", &said)).await;
        let (exit, _) = proc.finish(3 * SOON).await;
        let id = knock.json()["id"].as_str().unwrap_or_default().to_owned();
        golden.hide(&id, "id");
        // "Sent" is passed by where the hub was quicker than the terminal.
        let steps: Vec<_> = proc.lines(Stream::Out);
        let steps: Vec<_> = steps.into_iter().filter(|step| !step.contains("sent")).collect();
        golden.note(&words(arguments), &steps, &proc.lines(Stream::Err), Some(exit));
        inbox.forget();
    }
    golden.check();
}

#[tokio::test]
async fn run() {
    let mut golden = Golden::new("run");
    let mut hub = EmbeddedHub::start().await;
    let alice = Cli::new(&hub.url(), "alice", "desk");
    let run = alice.run("none");
    run.wait_line(|line| line.contains("connected"), START).await;
    // Two of one device there can't be.
    ends(&mut golden, &alice, &["run", "--activity", "none"]).await;
    run.signal_leader(Signal::TERM);
    golden.ends("run --activity none (until SIGTERM)", run).await;
    hub.stop();
    let lost = alice.run("none");
    lost.wait_line(|line| line.contains("nothing answers"), START).await;
    lost.signal_leader(Signal::INT);
    golden.ends("run --activity none (no broker, until SIGINT)", lost).await;
    golden.check();
}

#[tokio::test]
async fn doctor() {
    let mut golden = Golden::new("doctor");
    let hub = EmbeddedHub::start().await;
    let nobody = Cli::new(NOWHERE, "bob", "desk");
    let bob = Cli::new(&hub.url(), "bob", "desk");
    hide_folder(&mut golden, bob.config_dir());
    hide_folder(&mut golden, nobody.config_dir());
    for light in [&bob, &nobody] {
        let arguments = ["doctor", "--timeout", "1s"];
        let proc = light.start(&arguments);
        let (exit, output) = proc.finish(3 * SOON).await;
        // What is there to be watched is another on each machine.
        let ours: Vec<String> = lines_of(&output, &["state", "proxy", "broker"]);
        golden.note(&words(&arguments), &ours, &proc.lines(Stream::Err), Some(exit));
        let arguments = ["doctor", "--json", "--timeout", "1s"];
        let proc = light.start(&arguments);
        let (exit, output) = proc.finish(3 * SOON).await;
        let findings: Value = serde_json::from_str(&output).expect("one value of JSON");
        let ours = findings.as_array().into_iter().flatten();
        let ours = ours.filter(|finding| {
            ["state", "proxy", "broker"].into_iter().any(|about| finding["about"] == about)
        });
        let ours: Vec<_> = ours.map(Value::to_string).collect();
        golden.note(&words(&arguments), &ours, &proc.lines(Stream::Err), Some(exit));
    }
    golden.check();
}

/// The findings about these subjects, each with the line below that says what to do.
fn lines_of(output: &str, subjects: &[&str]) -> Vec<String> {
    let mut wanted = false;
    let lines = output.lines().filter(|line| {
        if !line.starts_with(' ') {
            wanted = line.split_whitespace().nth(1).is_some_and(|about| subjects.contains(&about));
        }
        wanted
    });
    lines.map(str::to_owned).collect()
}

#[tokio::test]
async fn hubs() {
    let mut golden = Golden::new("hub");
    let home = Cli::new(NOWHERE, "you", "desk");
    hide_folder(&mut golden, home.config_dir());
    let open = home.start_by_config(&["hub", "--open", "--listen", "127.0.0.1:0"]);
    open.wait_line(|line| line.contains("listening"), START).await;
    golden.ends("who --json (beside it)", home.start_by_config(&["who", "--json"])).await;
    open.signal_leader(Signal::TERM);
    golden.ends("hub --open --listen 127.0.0.1:0 (until SIGTERM)", open).await;
    for arguments in [
        &["hub", "--open", "--listen", "0.0.0.0:0"][..],
        &["hub", "--memory", "--store", "x"],
        &["hub", "--listen", "here"],
        &["hub", "move"],
        &["hub", "restore", "/nonexistent/file"],
        &["hub", "--list-tokens"],
        &["hub", "--revoke-token", "nothing"],
        &["hub", "--gateway", "http://example.com"],
    ] {
        golden.ends(&words(arguments), home.start_by_config(arguments)).await;
    }
    let made = home.start_by_config(&["hub", "--new-token", "board"]);
    let (exit, token) = made.finish(SOON).await;
    let id = token.split('.').next().unwrap_or_default().to_owned();
    golden.hide(&token, "token");
    golden.hide(&id, "id");
    golden.note("hub --new-token board", &[token], &made.lines(Stream::Err), Some(exit));
    golden.ends("hub --list-tokens", home.start_by_config(&["hub", "--list-tokens"])).await;
    golden
        .ends("hub --revoke-token <id>", home.start_by_config(&["hub", "--revoke-token", &id]))
        .await;
    golden.check();
}

#[tokio::test]
async fn teams() {
    let mut golden = Golden::new("team");
    let anna = Member::new("Anna");
    let bob = Member::new("Bob");
    for member in [&anna, &bob] {
        hide_folder(&mut golden, member.config_dir());
    }
    let door = format!("127.0.0.1:{}", free_port());
    let mut hub = anna.start(&[
        "hub",
        "--team",
        "Ours",
        "--quiet",
        "--listen",
        &door,
        "--local",
        "127.0.0.1:0",
    ]);
    let link = anna.owner_link(&hub).await;
    golden.hide(&link, "link");
    golden.note("hub --team Ours --quiet", &hub.lines(Stream::Out), &hub.lines(Stream::Err), None);

    golden.ends("join nonsense", bob.start(&["join", "nonsense"])).await;
    golden.ends("join <link> (without a keyring)", anna.start(&["join", &link])).await;
    golden.ends("join <link> --keep-in-file", anna.start(&["join", &link, "--keep-in-file"])).await;
    golden.ends("join <link> --keep-in-file", bob.start(&["join", &link, "--keep-in-file"])).await;

    let proc = anna.start(&["invite", "--for", "1d"]);
    let (exit, output) = proc.finish(3 * SOON).await;
    golden.hide(&output, "link");
    golden.note("invite --for 1d", &proc.lines(Stream::Out), &proc.lines(Stream::Err), Some(exit));
    let id = only_invitation(&anna).await;
    golden.hide(&id, "id");
    golden.ends("invite revoke <id>", anna.start(&["invite", "revoke", &id])).await;
    let proc = anna.start(&["invite", "--json", "--uses", "2"]);
    let (exit, output) = proc.finish(3 * SOON).await;
    let made: Value = serde_json::from_str(&output).expect("JSON");
    let second = made["link"].as_str().expect("a link").to_owned();
    golden.hide(&second, "link");
    golden.hide(made["invite"]["id"].as_str().expect("an id"), "id");
    golden.note(
        "invite --json --uses 2",
        &proc.lines(Stream::Out),
        &proc.lines(Stream::Err),
        Some(exit),
    );
    golden.ends("invite list", anna.start(&["invite", "list"])).await;
    golden.ends("invite list --json", anna.start(&["invite", "list", "--json"])).await;
    golden.ends("invite revoke nothing", anna.start(&["invite", "revoke", "nothing"])).await;
    golden.ends("invite requests", anna.start(&["invite", "requests"])).await;
    golden.ends("invite requests --json", anna.start(&["invite", "requests", "--json"])).await;
    golden.ends("invite approve nothing", anna.start(&["invite", "approve", "nothing"])).await;
    golden
        .ends(
            "join <link> --json --keep-in-file",
            bob.start(&["join", &second, "--json", "--keep-in-file"]),
        )
        .await;
    golden
        .ends("join <link> --keep-in-file", bob.start(&["join", &second, "--keep-in-file"]))
        .await;

    let members: Value =
        serde_json::from_str(&anna.ask(&["members", "--json"]).await).expect("JSON");
    let mut ids = Vec::new();
    for member in members.as_array().into_iter().flatten() {
        for device in member["devices"].as_array().into_iter().flatten() {
            let id = device["id"].as_str().expect("an id").to_owned();
            golden.hide(&id, &format!("device of {}", member["user"].as_str().unwrap_or_default()));
            ids.push(id);
        }
    }
    golden.hide(&format!("\"kind\":\"{}\"", kind_of(&members)), "kind");
    golden.hide(&format!("  {}", kind_of(&members)), "kind");
    golden.ends("members", anna.start(&["members"])).await;
    golden.ends("members --json", anna.start(&["members", "--json"])).await;
    golden.ends("members remove anna", anna.start(&["members", "remove", "anna"])).await;
    golden.ends("members remove nobody", anna.start(&["members", "remove", "nobody"])).await;
    // Somebody joins by a link of Bob's.
    let carol = Member::new("Carol");
    hide_folder(&mut golden, carol.config_dir());
    carol.join(&bob.invite(&[]).await).await;
    let along = ["members", "remove", "bob", "--with-invited"];
    golden.ends(&words(&along), anna.start(&along)).await;
    let nobody = ["members", "remove", "nobody", "--with-invited"];
    golden.ends(&words(&nobody), anna.start(&nobody)).await;
    golden.ends("members forget nothing", anna.start(&["members", "forget", "nothing"])).await;
    golden.ends("members remove anna (by bob)", bob.start(&["members", "remove", "anna"])).await;
    golden.ends("token list", anna.start(&["token", "list"])).await;
    let proc = anna.start(&["token", "make", "board"]);
    let (exit, token) = proc.finish(3 * SOON).await;
    golden.hide(&token, "token");
    golden.hide(token.split('.').next().unwrap_or_default(), "id of the token");
    golden.hide(&door, "door");
    golden.note("token make board", &proc.lines(Stream::Out), &proc.lines(Stream::Err), Some(exit));
    let proc = anna.start(&["token", "make", "wall", "--json"]);
    let (exit, output) = proc.finish(3 * SOON).await;
    let made: Value = serde_json::from_str(&output).expect("JSON");
    golden.hide(made["token"].as_str().expect("a token"), "token");
    let id = made["made"]["id"].as_str().expect("an id").to_owned();
    golden.hide(&id, "id of the second");
    golden.note(
        "token make wall --json",
        &proc.lines(Stream::Out),
        &proc.lines(Stream::Err),
        Some(exit),
    );
    golden.ends("token revoke <id of the second>", anna.start(&["token", "revoke", &id])).await;
    golden.ends("token list", anna.start(&["token", "list"])).await;
    golden.ends("token list --json", anna.start(&["token", "list", "--json"])).await;
    golden.ends("token revoke nothing", anna.start(&["token", "revoke", "nothing"])).await;
    golden.ends("token make other (by bob)", bob.start(&["token", "make", "other"])).await;
    golden.ends("token list (by bob)", bob.start(&["token", "list"])).await;
    golden.ends("who", bob.start(&["who"])).await;

    let file = anna.config_dir().join("team");
    let file = file.to_string_lossy();
    golden.ends("hub backup <file>", anna.start(&["hub", "backup", &file])).await;
    golden.ends("hub restore <file>", bob.start(&["hub", "restore", &file])).await;
    golden.ends("members remove bob", anna.start(&["members", "remove", "bob"])).await;
    golden.ends("members remove bob", anna.start(&["members", "remove", "bob"])).await;
    let left = anna.ask(&["members"]).await;
    assert!(left.contains("invited by Bob, who has left"), "{left}");
    let along = ["members", "remove", "bob", "--with-invited", "--yes"];
    golden.ends(&words(&along), anna.start(&along)).await;
    let left = anna.ask(&["members"]).await;
    assert!(!left.contains("Carol"), "{left}");
    golden.ends("who (by bob, removed)", bob.start(&["who"])).await;
    golden.ends("leave (by bob, removed)", bob.start(&["leave"])).await;
    hub.stop(SOON);
    golden.ends("members (without the hub)", anna.start(&["members"])).await;
    golden.ends("leave (without the hub)", anna.start(&["leave"])).await;
    golden.ends("leave --anyway (without the hub)", anna.start(&["leave", "--anyway"])).await;
    golden.ends("leave (a second time)", anna.start(&["leave"])).await;
    golden.check();
}

#[tokio::test]
async fn strangers() {
    let Some(hosts) = Hosts::two("two_hosts").map(Arc::new) else { return };
    let mut golden = Golden::new("strangers");
    let anna = Member::new("Anna").on(&hosts, 0);
    let bob = Member::new("Bob").on(&hosts, 1);
    golden.ends("join", bob.start(&["join"])).await;
    golden.ends("join --json", bob.start(&["join", "--json"])).await;
    let nowhere = ["join", "--nearby", "Ours", "--keep-in-file", "--timeout", "2s"];
    golden.ends(&words(&nowhere), bob.start(&nowhere)).await;
    let mut hub = anna.start(&["hub", "--team", "Ours"]);
    anna.join(&anna.owner_link(&hub).await).await;
    golden.ends("join", bob.start(&["join"])).await;
    for decision in ["refuse", "approve"] {
        let asking = bob.start(&["join", "--nearby", "Ours", "--keep-in-file"]);
        let request = until_async("the request", 2 * SOON, async || {
            let requests = anna.ask(&["invite", "requests", "--json"]).await;
            let requests: Value = serde_json::from_str(&requests).ok()?;
            requests.get(0).cloned()
        })
        .await;
        let text = |field: &str| request[field].as_str().unwrap_or_default().to_owned();
        golden.hide(&text("id"), "id");
        golden.hide(&text("code"), "digits");
        golden.hide(&format!("  {}", text("kind")), "kind");
        golden.hide(&format!("\"kind\":\"{}\"", text("kind")), "kind");
        golden.ends("invite requests", anna.start(&["invite", "requests"])).await;
        golden.ends("invite requests --json", anna.start(&["invite", "requests", "--json"])).await;
        let decides = anna.start(&["invite", decision, &text("id")]);
        golden.ends(&format!("invite {decision} <id>"), decides).await;
        golden.ends("join --nearby Ours --keep-in-file", asking).await;
    }
    hub.stop(SOON);
    golden.check();
}

/// The id of the invitation that this member made, the only one.
async fn only_invitation(member: &Member) -> String {
    let invites = member.ask(&["invite", "list", "--json"]).await;
    let invites: Value = serde_json::from_str(&invites).expect("JSON");
    let mine = invites.as_array().into_iter().flatten().find(|invite| invite["by"] == "anna");
    mine.and_then(|invite| invite["id"].as_str()).expect("it was made").to_owned()
}

/// What this machine calls itself: another on each.
fn kind_of(members: &Value) -> String {
    members[0]["devices"][0]["kind"].as_str().unwrap_or("device").to_owned()
}

#[tokio::test]
async fn demo() {
    let mut golden = Golden::new("demo");
    let home = Cli::new(NOWHERE, "you", "desk");
    let demo = home.start_by_config(&["demo"]);
    demo.wait_line(|line| line.contains("to watch"), START).await;
    demo.signal_leader(Signal::TERM);
    golden.ends("demo (until SIGTERM)", demo).await;
    golden.check();
}
