//! A Mosquitto with the rules of `docs/brokers.md`, just as they stand there: a team lives with them, and who
//! tries more than they allow gets nothing.

use std::time::Duration;

use porchlight_tests::until::SOON;
use porchlight_tests::{Cli, Message, Mosquitto, Probe, never, until};
use serde_json::json;
use tempfile::TempDir;

const DOCS: &str = include_str!("../../docs/brokers.md");

/// The block of that language.
fn block(language: &str) -> &'static str {
    let (_, rest) = DOCS.split_once(&format!("```{language}\n")).expect("it is in the docs");
    rest.split_once("```").expect("the block ends").0
}

/// A broker with the rules, and the folder in which they stand.
async fn guarded() -> (Mosquitto, TempDir) {
    let dir = TempDir::with_prefix("porchlight-rules-").expect("a temporary folder can be made");
    let rules = dir.path().join("porchlight.acl");
    std::fs::write(&rules, block("acl")).expect("a temporary folder can be written to");
    // Paths, accounts and listeners are the test's own.
    let ours =
        ["password_file", "listener", "certfile", "keyfile", "persistence ", "allow_anonymous"];
    let mut config = format!("acl_file {}\n", rules.display());
    for line in block("conf").lines() {
        if !line.starts_with("acl_file") && !ours.iter().any(|word| line.starts_with(word)) {
            config.push_str(line);
            config.push('\n');
        }
    }
    let mut setup = Mosquitto::setup();
    for user in ["alice", "bob", "mallory", "hub"] {
        setup = setup.account(user, "secret");
    }
    (setup.extra(&config).start().await, dir)
}

fn url(broker: &Mosquitto, user: &str) -> String {
    format!("mqtt://{user}:secret@127.0.0.1:{}", broker.port())
}

fn light(broker: &Mosquitto, user: &str) -> Cli {
    Cli::new(&format!("{}/presence", url(broker, user)), user, &format!("{user}-laptop"))
}

#[tokio::test]
async fn a_team_lives_with_the_rules_of_the_docs() {
    let (broker, _rules) = guarded().await;
    let watch = light(&broker, "bob").watch();
    let mut alice = light(&broker, "alice").run("none");
    watch.wait_status("alice", "online", SOON).await;
    let knock = light(&broker, "bob").start(&["knock", "alice", "Coffee?"]);
    knock.wait_line(|line| line == "delivered", SOON).await;
    light(&broker, "alice").set("dnd", Some("Deep work")).await;
    watch.wait_status("alice", "dnd", SOON).await;
    alice.kill();
    watch.wait_status("alice", "offline", Duration::from_secs(20)).await;
}

#[tokio::test]
async fn nobody_writes_in_the_name_of_another() {
    let (broker, _rules) = guarded().await;
    let mut hub = Probe::connect(&url(&broker, "hub")).await;
    hub.subscribe("presence/#").await;
    let topics =
        ["", "/device/x", "/activity", "/typing", "/chosen"].map(|t| format!("presence/alice{t}"));
    let record = json!({ "status": "online" });
    for topic in &topics {
        let mut mallory = Probe::connect(&url(&broker, "mallory")).await;
        // What the answer is, is the broker's affair.
        let _ = mallory.try_publish(Message::json(topic, &record).retained()).await;
        let will = Message::json(topic, &record).retained();
        if let Ok(forger) = Probe::to(&url(&broker, "mallory")).will(will).try_connect().await {
            drop(forger);
        }
    }
    // Into an inbox only in one's own name.
    let mut mallory = Probe::connect(&url(&broker, "mallory")).await;
    let knock = json!({ "v": 1, "kind": "knock" });
    let _ = mallory.try_publish(Message::json("presence/alice/inbox/bob", &knock)).await;
    mallory.publish(Message::json("presence/alice/inbox/mallory", &knock)).await;
    let allowed = |topic: &str| topic == "presence/alice/inbox/mallory";
    hub.wait_for(|arrival| allowed(&arrival.topic), SOON).await;
    never("a message in the name of another", Duration::from_millis(500), || {
        hub.arrivals().iter().any(|arrival| !allowed(&arrival.topic))
    })
    .await;
}

#[tokio::test]
async fn nobody_reads_what_is_for_another() {
    let (broker, _rules) = guarded().await;
    let mut alice = Probe::connect(&url(&broker, "alice")).await;
    let chosen = "presence/alice/chosen";
    alice.publish(Message::json(chosen, &json!({ "v": 1, "rev": 1 })).retained()).await;
    alice.publish(Message::json("presence/alice", &json!({ "status": "online" })).retained()).await;
    let mut spies = Vec::new();
    for filter in [
        "#",
        "presence/#",
        "presence/+/chosen",
        chosen,
        "presence/alice/inbox/+",
        "presence/+/inbox/+",
        "presence/alice/#",
        "$share/spies/presence/#",
        "$share/spies/presence/alice/inbox/+",
    ] {
        let mut spy = Probe::connect(&url(&broker, "mallory")).await;
        let _ = spy.try_subscribe(filter).await;
        spies.push((filter, spy));
    }
    let mut bob = Probe::connect(&url(&broker, "bob")).await;
    let mut reader = Probe::connect(&url(&broker, "alice")).await;
    reader.subscribe("presence/alice/inbox/+").await;
    bob.publish(Message::json("presence/alice/inbox/bob", &json!({ "kind": "knock" }))).await;
    // The receiver has it, and every reader has received what everybody may read.
    reader.wait_for(|arrival| arrival.topic == "presence/alice/inbox/bob", SOON).await;
    let (_, everything) = &spies[0];
    until("what everybody may read", SOON, || everything.latest("presence/alice")).await;
    never("something that is for Alice alone", Duration::from_millis(500), || {
        spies.iter().find_map(|(filter, spy)| {
            let arrivals = spy.arrivals();
            arrivals
                .iter()
                .any(|arrival| arrival.topic == chosen || arrival.topic.contains("/inbox/"))
                .then_some(*filter)
        })
    })
    .await;
}

#[tokio::test]
async fn a_stranger_is_not_let_in() {
    let (broker, _rules) = guarded().await;
    Probe::to(&broker.url()).try_connect().await.expect_err("nobody in particular");
    Probe::to(&broker.url()).login("alice", "guess").try_connect().await.expect_err("a guess");
    // A name that is a pattern would be everybody's.
    for name in ["+", "#", "alice/+"] {
        Probe::to(&broker.url()).login(name, "secret").try_connect().await.expect_err(name);
    }
}
