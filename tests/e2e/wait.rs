//! `porchlight wait`: it ends when somebody is here, and not before.

use porchlight_tests::process::{Exit, Stream};
use porchlight_tests::until::{SOON, START, Stopwatch};
use porchlight_tests::{Cli, EmbeddedHub, Golden, Message, Probe, never};
use serde_json::{Value, json};

fn record(name: &str, status: &str) -> Value {
    json!({ "v": 1, "status": status, "name": name })
}

async fn put(probe: &mut Probe, user: &str, record: &Value) {
    let topic = format!("presence/{user}/device/d");
    probe.publish(Message::json(topic, record).retained()).await;
}

#[tokio::test]
async fn it_ends_as_soon_as_she_is_here() {
    let hub = EmbeddedHub::start().await;
    let mut probe = Probe::connect(&hub.url()).await;
    put(&mut probe, "alice", &record("Alice", "away")).await;
    let bob = Cli::new(&hub.url(), "bob", "desk");
    let wait = bob.start(&["wait", "alice", "--until", "1m"]);
    let who = bob.start(&["watch", "--json"]);
    who.wait_line(|line| line.contains("alice"), START).await;
    // Another is here, and she is not to be disturbed: neither is it.
    put(&mut probe, "carol", &record("Carol", "online")).await;
    let mut dnd = record("Alice", "online");
    dnd["chosen"] = json!({ "rev": 1, "status": "dnd" });
    put(&mut probe, "alice", &dnd).await;
    who.wait_line(|line| line.contains("alice") && line.contains("dnd"), SOON).await;
    assert_eq!(wait.exit(), None, "{wait}");
    put(&mut probe, "alice", &record("Alice", "online")).await;
    let (exit, output) = wait.finish(SOON).await;
    assert_eq!(exit, Exit::Code(0), "{wait}");
    // Since when is told where it saw her come.
    assert!(output.starts_with("● Alice  online"), "{wait}");
}

#[tokio::test]
async fn a_broker_that_goes_and_comes_back_is_waited_for() {
    let mut hub = EmbeddedHub::start().await;
    let mut probe = Probe::connect(&hub.url()).await;
    put(&mut probe, "alice", &record("Alice", "away")).await;
    let bob = Cli::new(&hub.url(), "bob", "desk");
    let wait = bob.start(&["wait", "alice"]);
    let watch = bob.start(&["watch", "--json"]);
    watch.wait_line(|line| line.contains("alice"), START).await;
    hub.stop();
    watch.wait_line(|line| line.contains(r#""link":"down""#), SOON).await;
    assert_eq!(wait.exit(), None, "{wait}");
    hub.start_again().await;
    let mut probe = Probe::connect(&hub.url()).await;
    put(&mut probe, "alice", &record("Alice", "online")).await;
    let (exit, _) = wait.finish(4 * SOON).await;
    assert_eq!(exit, Exit::Code(0), "{wait}");
}

#[tokio::test]
async fn who_is_only_last_known_is_not_here() {
    let mut hub = EmbeddedHub::start().await;
    let mut probe = Probe::connect(&hub.url()).await;
    put(&mut probe, "alice", &record("Alice", "away")).await;
    let bob = Cli::new(&hub.url(), "bob", "desk");
    let wait = bob.start(&["wait", "alice", "--until", "4s"]);
    let watch = bob.start(&["watch", "--json"]);
    watch.wait_line(|line| line.contains("alice"), START).await;
    hub.crash();
    let (exit, _) = wait.finish(2 * SOON).await;
    assert_eq!(exit, Exit::Code(3), "without a connection nobody knows: {wait}");
}

#[tokio::test]
async fn golden() {
    let mut golden = Golden::new("wait");
    let hub = EmbeddedHub::start().await;
    let mut probe = Probe::connect(&hub.url()).await;
    for (user, name, status) in [
        ("alice", "Alice", "online"),
        ("bert", "Bert", "away"),
        ("x1", "Max", "away"),
        ("x2", "max", "away"),
    ] {
        put(&mut probe, user, &record(name, status)).await;
    }
    let bob = Cli::new(&hub.url(), "bob", "desk");
    for arguments in [
        &["wait", "alice"][..],
        &["wait", "ALICE", "--json"],
        &["wait", "Bert", "--until", "1s"],
        &["wait", "bert", "--until", "1s", "--json"],
        &["wait", "nobody", "--until", "1s"],
        &["wait", "nobody", "--until", "1s", "--json"],
        &["wait", "max"],
        &["wait"],
        &["wait", "alice", "--until", "soon"],
    ] {
        let since = Stopwatch::start();
        golden.ends(&arguments.join(" "), bob.start(arguments)).await;
        assert!(since.elapsed() < SOON, "{arguments:?} took {:?}", since.elapsed());
    }
    let nowhere = Cli::new("mqtt://127.0.0.1:1", "bob", "desk");
    let arguments = ["wait", "alice", "--until", "1s"];
    golden.ends(&arguments.join(" "), nowhere.start(&arguments)).await;
    golden.check();
}

#[tokio::test]
async fn it_wakes_nobody_while_nothing_happens() {
    let hub = EmbeddedHub::start().await;
    let mut probe = Probe::connect(&hub.url()).await;
    put(&mut probe, "alice", &record("Alice", "away")).await;
    let wait = Cli::new(&hub.url(), "bob", "desk").start(&["wait", "alice"]);
    never("an end", SOON / 2, || wait.exit()).await;
    assert!(wait.lines(Stream::Out).is_empty(), "{wait}");
}
