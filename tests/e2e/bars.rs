//! `porchlight watch --format`: a line a change for a status bar.

use porchlight_tests::process::{Proc, Stream};
use porchlight_tests::until::{SOON, START, unix_ms};
use porchlight_tests::{Cli, EmbeddedHub, Golden, Message, Probe, never, until};
use serde_json::{Value, json};

async fn put(probe: &mut Probe, user: &str, status: &str, name: &str, timestamp: u64) {
    let record =
        json!({ "v": 1, "status": status, "name": name, "timestamp": timestamp, "epoch": 1 });
    let topic = format!("presence/{user}/device/d");
    probe.publish(Message::json(topic, &record).retained()).await;
}

/// The last line, as Waybar reads it.
fn last(bar: &Proc) -> Value {
    bar.lines(Stream::Out)
        .last()
        .and_then(|line| serde_json::from_str(line).ok())
        .unwrap_or_default()
}

#[tokio::test]
async fn waybar_reads_a_line_a_change_and_none_where_nothing_changed() {
    let mut hub = EmbeddedHub::start().await;
    let mut probe = Probe::connect(&hub.url()).await;
    let now = unix_ms();
    put(&mut probe, "alice", "online", "Alice & <b>co</b>", now).await;
    put(&mut probe, "bob", "online", "Bob", now).await;
    let light = Cli::new(&hub.url(), "bob", "desk");
    let bar = light.start(&["watch", "--format", "waybar"]);
    until("the first line", START, || last(&bar)["text"] == "1/1").await;
    let first = last(&bar);
    assert_eq!((&first["alt"], &first["class"]), (&json!("here"), &json!(["here", "me-online"])));
    let tooltip = first["tooltip"].as_str().expect("a text");
    assert!(tooltip.contains("Alice &amp; &lt;b&gt;co&lt;/b&gt;"), "{tooltip}");
    assert!(!tooltip.contains("Bob"), "who looks is no part of the others: {tooltip}");

    // The same said again, as a lease is renewed, changes nothing that is shown.
    let lines = bar.lines(Stream::Out).len();
    put(&mut probe, "alice", "online", "Alice & <b>co</b>", now + 5).await;
    never("another line", SOON / 4, || bar.lines(Stream::Out).len() > lines).await;

    put(&mut probe, "alice", "away", "Alice", now + 10).await;
    until("Alice to be away", SOON, || last(&bar)["alt"] == "nobody").await;
    hub.stop();
    until("the loss to show", SOON, || last(&bar)["class"][0] == "down").await;
    let tooltip = last(&bar)["tooltip"].as_str().expect("a text").to_owned();
    assert!(tooltip.starts_with("not connected since "), "{tooltip}");
    assert!(tooltip.contains("Alice"), "what was known stays: {tooltip}");
    hub.start_again().await;
    until("the connection to show", 2 * SOON, || last(&bar)["class"][0] != "down").await;
    assert!(bar.lines(Stream::Err).is_empty(), "{bar}");
}

#[tokio::test]
async fn a_template_says_what_it_is_asked_for() {
    let mut hub = EmbeddedHub::start().await;
    let mut probe = Probe::connect(&hub.url()).await;
    let now = unix_ms();
    for (user, status, name) in [
        ("alice", "online", "Alice"),
        ("bob", "away", "Bob"),
        ("carol", "away", "Carol"),
        ("dave", "offline", "Dave"),
    ] {
        put(&mut probe, user, status, name, now).await;
    }
    let light = Cli::new(&hub.url(), "bob", "desk");
    let format = "{here}/{total} {names} | {away_names} | {offline} {me} {link}";
    let bar = light.start(&["watch", "--format", format]);
    let said = |line: &str| bar.lines(Stream::Out).last().is_some_and(|last| last == line);
    until("the room", START, || said("1/3 Alice | Carol | 1 away up")).await;
    put(&mut probe, "carol", "online", "Carol", now + 1).await;
    until("Carol to come", SOON, || said("2/3 Alice, Carol |  | 1 away up")).await;
    hub.crash();
    until("the loss", SOON, || said("2/3 Alice, Carol |  | 1 away down")).await;
}

#[tokio::test]
async fn a_bar_that_is_there_before_the_broker_says_so() {
    let nowhere = Cli::new("mqtt://127.0.0.1:1", "bob", "desk");
    let bar = nowhere.start(&["watch", "--format", "waybar"]);
    until("a line", START, || last(&bar)["class"] == json!(["down"])).await;
    let tooltip = last(&bar)["tooltip"].as_str().expect("a text").to_owned();
    assert!(tooltip.contains("nothing answers at 127.0.0.1:1"), "{tooltip}");
    assert_eq!(bar.exit(), None, "it goes on trying");
}

#[tokio::test]
async fn golden_of_wrong_formats() {
    let mut golden = Golden::new("formats");
    let bob = Cli::new("mqtt://127.0.0.1:1", "bob", "desk");
    for arguments in [
        &["watch", "--format", "{heer}"][..],
        &["watch", "--format", "{here"],
        &["watch", "--format", "here}"],
        &["watch", "--format", "waybar", "--json"],
        &["watch", "--plain", "--json"],
    ] {
        golden.ends(&arguments.join(" "), bob.start(arguments)).await;
    }
    golden.check();
}
