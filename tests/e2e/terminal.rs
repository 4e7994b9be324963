//! What a terminal shows: the live roster, colours, and nothing of what a stranger would like it to do.

use std::process::Command;

use porchlight_tests::process::Exit;
use porchlight_tests::until::{SOON, START, unix_ms};
use porchlight_tests::{Cli, EmbeddedHub, Message, Probe, Signal, Terminal, never, until};
use serde_json::{Value, json};

fn record(name: &str, status: &str, cause: Option<&str>) -> Value {
    json!({ "v": 1, "status": status, "cause": cause, "name": name, "kind": "laptop", "since": unix_ms(),
        "timestamp": unix_ms(), "epoch": 1 })
}

async fn put(probe: &mut Probe, user: &str, record: &Value) {
    let topic = format!("presence/{user}/device/d");
    probe.publish(Message::json(topic, record).retained()).await;
}

async fn room(hub: &EmbeddedHub) -> Probe {
    let mut probe = Probe::connect(&hub.url()).await;
    put(&mut probe, "alice", &record("Alice Liddell", "online", None)).await;
    put(&mut probe, "bert", &record("Bert", "away", Some("locked"))).await;
    let mut carol = record("Carol", "online", None);
    carol["chosen"] = json!({ "rev": 1, "status": "dnd", "text": "Deep work" });
    put(&mut probe, "carol", &carol).await;
    probe
}

/// How somebody ends what is on a terminal.
type Way = (&'static str, fn(&mut Terminal));

fn shows(lines: &[String], parts: &[&str]) -> bool {
    lines.iter().any(|line| parts.iter().all(|part| line.contains(part)))
}

#[tokio::test]
async fn the_roster_lives_in_forty_columns_and_gives_the_terminal_back() {
    let mut hub = EmbeddedHub::start().await;
    let mut probe = room(&hub).await;
    let bob = Cli::new(&hub.url(), "bob", "desk");
    let mut terminal = Terminal::spawn(&bob.command(&["watch"]), 40, 12);
    let lines = terminal.wait_for(|lines| shows(lines, &["2 of 3 here"]), START).await;
    assert!(terminal.is_taken() && !terminal.is_cooked());
    assert_eq!(lines[1], "Here 2");
    assert!(shows(&lines, &["● Alice Liddell", "online since"]), "{terminal}");
    assert!(shows(&lines, &["⊖ Carol", "do not disturb"]), "{terminal}");
    assert!(shows(&lines, &["☾ Bert", "away since"]), "{terminal}");

    put(&mut probe, "bert", &record("Bert", "online", None)).await;
    terminal.wait_for(|lines| shows(lines, &["● Bert", "online since"]), SOON).await;
    probe.publish(Message::json("presence/bert/typing", &json!({ "isTyping": true }))).await;
    terminal.wait_for(|lines| shows(lines, &["● Bert", "typing…"]), SOON).await;
    terminal.wait_for(|lines| !shows(lines, &["typing…"]), 3 * SOON).await;

    // Nothing is drawn while nothing changes.
    let written = terminal.written().len();
    never("drawing", SOON / 2, || terminal.written().len() > written).await;

    terminal.resize(70, 12);
    terminal.wait_for(|lines| shows(lines, &["⊖ Carol", "Deep work"]), SOON).await;
    terminal.resize(40, 4);
    terminal.wait_for(|lines| shows(lines, &["more below"]), SOON).await;
    terminal.resize(40, 12);

    hub.stop();
    let lines = terminal.wait_for(|lines| shows(lines, &["not connected, as of"]), SOON).await;
    assert!(shows(&lines, &["● Alice Liddell", "online as of"]), "{terminal}");
    hub.start_again().await;
    terminal.wait_for(|lines| shows(lines, &["of 3 here"]), 3 * SOON).await;
    terminal.press("q");
    assert_eq!(terminal.wait_exit(SOON).await, Exit::Code(0));
    assert!(!terminal.is_taken() && terminal.is_cooked(), "{terminal}");
}

#[tokio::test]
async fn every_way_out_gives_the_terminal_back() {
    let hub = EmbeddedHub::start().await;
    let _probe = room(&hub).await;
    let bob = Cli::new(&hub.url(), "bob", "desk");
    let ways: [Way; 5] = [
        ("Esc", |terminal| terminal.press("\u{1B}")),
        ("Ctrl-C", |terminal| terminal.press("\u{3}")),
        ("SIGTERM", |terminal| terminal.signal(Signal::TERM)),
        ("SIGINT", |terminal| terminal.signal(Signal::INT)),
        ("SIGHUP", |terminal| terminal.signal(Signal::HUP)),
    ];
    for (way, go) in ways {
        let mut terminal = Terminal::spawn(&bob.command(&["watch"]), 60, 10);
        terminal.wait_for(|lines| shows(lines, &["2 of 3 here"]), START).await;
        go(&mut terminal);
        assert_eq!(terminal.wait_exit(SOON).await, Exit::Code(0), "{way}");
        assert!(!terminal.is_taken() && terminal.is_cooked(), "{way}: {terminal}");
    }
    // One that is refused, or has no connection in time, says so on a terminal as it was.
    let nowhere = Cli::new("mqtt://127.0.0.1:1", "bob", "desk");
    let terminal = Terminal::spawn(&nowhere.command(&["watch", "--timeout", "1s"]), 60, 10);
    assert_eq!(terminal.wait_exit(START).await, Exit::Code(3));
    assert!(!terminal.is_taken() && terminal.is_cooked(), "{terminal}");
    assert!(shows(&terminal.lines(), &["no connection in time"]), "{terminal}");
}

#[tokio::test]
async fn colours_are_for_terminals_whose_person_wants_them() {
    let hub = EmbeddedHub::start().await;
    let _probe = room(&hub).await;
    let bob = Cli::new(&hub.url(), "bob", "desk");
    for (name, value, coloured) in [
        ("A", "a", true),
        ("NO_COLOR", "1", false),
        ("NO_COLOR", "", true),
        ("TERM", "dumb", false),
    ] {
        let mut who = bob.command(&["who"]);
        who.env(name, value);
        let terminal = Terminal::spawn(&who, 80, 10);
        assert_eq!(terminal.wait_exit(START).await, Exit::Code(0), "{terminal}");
        assert!(shows(&terminal.lines(), &["● Alice Liddell  online since"]), "{terminal}");
        assert_eq!(terminal.written().contains('\u{1B}'), coloured, "{name}={value}: {terminal}");
    }
    // The same lines without a terminal: a golden test holds them to the letter. A roster that can't be drawn is lines.
    let mut dumb = bob.command(&["watch"]);
    dumb.env("TERM", "dumb");
    for command in [dumb, bob.command(&["watch", "--plain"]), bob.command(&["watch", "--json"])] {
        let terminal = Terminal::spawn(&command, 200, 20);
        terminal.wait_for(|lines| shows(lines, &["Carol"]), START).await;
        assert!(!terminal.is_taken(), "{terminal}");
    }
    let mut plain = bob.command(&["watch"]);
    plain.env("NO_COLOR", "1");
    let terminal = Terminal::spawn(&plain, 60, 10);
    terminal.wait_for(|lines| shows(lines, &["2 of 3 here"]), START).await;
    for colour in ["\u{1B}[32m", "\u{1B}[38;5;2m", "\u{1B}[31m", "\u{1B}[38;5;1m"] {
        assert!(!terminal.written().contains(colour), "{:?}", terminal.written());
    }
}

/// What somebody would like a terminal to do.
const EVIL: &str = "e\u{1B}]0;owned\u{7}\u{1B}[2Jv\u{9B}31mi\u{202E}l\u{2066}\u{200F}";

/// Whether what a program wrote has anything of that in it.
fn deceives(output: &str) -> Option<char> {
    output.chars().find(|c| {
        (c.is_control() && *c != '\n' && *c != '\r')
            || matches!(c, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{200E}' | '\u{200F}' | '\u{061C}')
    })
}

#[tokio::test]
async fn nothing_of_a_stranger_reaches_a_terminal_but_text() {
    let hub = EmbeddedHub::start().await;
    let mut probe = Probe::connect(&hub.url()).await;
    let mut evil = record(EVIL, "online", None);
    evil["kind"] = json!(EVIL);
    evil["tz"] = json!(EVIL);
    evil["chosen"] = json!({ "rev": 1, "status": "away", "text": EVIL, "emoji": EVIL });
    put(&mut probe, "mal\u{202E}lory", &evil).await;
    // A word of one's own, on the topic of a simpler client.
    probe.publish(Message::json("presence/seed", &json!({ "status": EVIL })).retained()).await;
    probe.publish(Message::json("presence/seed2", &json!({ "status": "online" })).retained()).await;
    let bob = Cli::new(&hub.url(), "bob", "desk");
    for arguments in [
        &["who"][..],
        &["who", "--why"],
        &["who", "--json"],
        &["who", "--diagnostics"],
        &["-vv", "who"],
        &["wait", "seed2"],
        &["wait", "seed2", "--json"],
        &["wait", "nobody\u{1B}[2J", "--until", "1s"],
        &["doctor"],
        &["doctor", "--json"],
    ] {
        let proc = bob.start(arguments);
        let (_, output) = proc.finish(2 * SOON).await;
        let said =
            format!("{output}\n{}", proc.lines(porchlight_tests::process::Stream::Err).join("\n"));
        assert_eq!(deceives(&said), None, "{arguments:?}: {said:?}");
        if arguments == ["who", "--json"] {
            assert!(serde_json::from_str::<Value>(&output).is_ok(), "{output}");
        }
    }
    for arguments in [
        &["watch"][..],
        &["watch", "--json"],
        &["watch", "--format", "waybar"],
        &["watch", "--format", "{names} {away_names} {me}"],
    ] {
        let watch = bob.start(arguments);
        watch.wait_line(|line| line.contains("seed2"), START).await;
        // `forgotten` has the id only.
        probe.publish(Message::new("presence/mal\u{202E}lory/device/d", "").retained()).await;
        until("the change", SOON, || {
            let lines = watch.lines(porchlight_tests::process::Stream::Out);
            lines.len() > 4 || arguments.contains(&"--format")
        })
        .await;
        let said = watch.lines(porchlight_tests::process::Stream::Out).join("\n");
        assert_eq!(deceives(&said), None, "{arguments:?}: {said:?}");
        put(&mut probe, "mal\u{202E}lory", &evil).await;
    }
    let terminal = Terminal::spawn(&bob.command(&["watch"]), 80, 12);
    terminal.wait_for(|lines| shows(lines, &["seed2"]), START).await;
    for part in ["owned\u{7}", "\u{1B}]", "\u{9B}", "\u{202E}", "\u{2066}", "\u{200F}"] {
        assert!(!terminal.written().contains(part), "{part:?}: {:?}", terminal.written());
    }
}

#[tokio::test]
async fn a_terminal_s_program_is_told_by_the_harness_what_size_it_has() {
    let mut command = Command::new("sh");
    command.args(["-c", "stty size; read line; echo got $line; stty size; read end"]);
    let mut terminal = Terminal::spawn(&command, 40, 5);
    terminal.wait_for(|lines| lines[0] == "5 40", SOON).await;
    terminal.resize(50, 6);
    terminal.press("hello\n");
    terminal.wait_for(|lines| shows(lines, &["got hello"]) && shows(lines, &["6 50"]), SOON).await;
}
