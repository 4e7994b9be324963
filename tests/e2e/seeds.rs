//! Clients written from the two public descriptions, beside ours: each side sees the other.

use std::time::Duration;

use porchlight_tests::until::{SOON, START, unix_ms};
use porchlight_tests::{
    Broker, Cli, Message, Mosquitto, Probe, SeedClient, Signal, never, on_each_broker, until,
};
use serde_json::{Value, json};

/// What the promise "seen at once" may take on a busy machine.
const AT_ONCE: Duration = Duration::from_secs(1);
/// A client of the first kind takes a typing mark back so long after the last key.
const TYPING: Duration = Duration::from_secs(3);

on_each_broker!(
    the_first_kind_is_seen_as_it_is,
    the_second_kind_is_seen_as_it_is,
    a_typing_mark_ends_when_it_is_taken_back,
    ours_are_seen_by_the_first_kind,
    ours_are_seen_by_the_second_kind,
    a_person_with_clients_of_both_sides_is_here_while_one_of_them_is,
    a_crash_of_ours_is_seen_by_the_first_kind,
);

/// The status that `who` lists for that user.
async fn listed(light: &Cli, user: &str) -> Value {
    let persons = light.who().await;
    let person = persons.iter().find(|person| person["user"] == user);
    person.map(|person| person["status"].clone()).unwrap_or_default()
}

async fn the_first_kind_is_seen_as_it_is(broker: Broker) {
    let bob = Cli::new(&broker.url(), "bob", "desk");
    let watch = bob.watch();
    watch.wait_link(true, START).await;
    let mut alice = SeedClient::first(&broker.url(), "user-alice").await;
    let person = watch.wait_status("user-alice", "online", AT_ONCE).await;
    assert_eq!(person["name"], "user-alice", "without a name the id is shown: {person}");
    assert_eq!(listed(&bob, "user-alice").await, "online");

    alice.types();
    watch.wait_person("user-alice", |person| person["typing"] == true, AT_ONCE).await;
    let idle = |person: &Value| person["typing"].is_null() && person["status"] == "online";
    watch.wait_person("user-alice", idle, TYPING + AT_ONCE).await;

    let before = unix_ms();
    assert!(alice.leaves().await.success());
    let gone = watch.wait_status("user-alice", "offline", AT_ONCE).await;
    assert!(gone["since"].as_u64().is_some_and(|since| since >= before), "{gone}");
    assert_eq!(listed(&bob, "user-alice").await, "offline");

    let carol = SeedClient::first(&broker.url(), "user-carol").await;
    watch.wait_status("user-carol", "online", AT_ONCE).await;
    // Its Will tells the time of the connect: what counts is when it came.
    let before = unix_ms();
    carol.crashes().await;
    let gone = watch.wait_status("user-carol", "offline", AT_ONCE).await;
    assert!(gone["since"].as_u64().is_some_and(|since| since >= before), "{gone}");
    assert_eq!(listed(&bob, "user-carol").await, "offline");
}

async fn the_second_kind_is_seen_as_it_is(broker: Broker) {
    let bob = Cli::new(&format!("{}/presence/acme", broker.url()), "bob", "desk");
    let watch = bob.watch();
    watch.wait_link(true, START).await;
    let mut alice = SeedClient::second(&broker.url(), "acme", "alice").await;
    let stranger = SeedClient::second(&broker.url(), "other", "eve").await;
    watch.wait_status("alice", "online", AT_ONCE).await;
    alice.goes_away();
    watch.wait_status("alice", "away", AT_ONCE).await;
    assert_eq!(listed(&bob, "alice").await, "away");
    alice.comes_back();
    watch.wait_status("alice", "online", AT_ONCE).await;
    assert!(alice.leaves().await.success());
    watch.wait_status("alice", "offline", AT_ONCE).await;

    let carol = SeedClient::second(&broker.url(), "acme", "carol").await;
    watch.wait_status("carol", "online", AT_ONCE).await;
    carol.crashes().await;
    watch.wait_status("carol", "offline", AT_ONCE).await;
    assert_eq!(listed(&bob, "carol").await, "offline");
    assert!(!watch.persons().contains_key("eve"), "another organisation: {stranger:?}");
}

async fn a_typing_mark_ends_when_it_is_taken_back(broker: Broker) {
    let watch = Cli::new(&broker.url(), "bob", "desk").watch();
    watch.wait_link(true, START).await;
    let mut client = Probe::connect(&broker.url()).await;
    client.publish(Message::json("presence/alice", &json!({ "status": "online" }))).await;
    let topic = "presence/alice/typing";
    let typing = |is: bool| Message::json(topic, &json!({ "isTyping": is })).unconfirmed();
    client.publish(typing(true)).await;
    watch.wait_person("alice", |person| person["typing"] == true, AT_ONCE).await;
    // Sooner than the mark would have ended by itself.
    client.publish(typing(false)).await;
    watch.wait_person("alice", |person| person["typing"].is_null(), AT_ONCE).await;
}

#[tokio::test]
async fn whoever_never_takes_a_typing_mark_back_does_not_type_for_ever() {
    let broker = Mosquitto::start("").await;
    let watch = Cli::new(&broker.url(), "bob", "desk").watch();
    watch.wait_link(true, START).await;
    let mut client = Probe::connect(&broker.url()).await;
    client.publish(Message::json("presence/alice", &json!({ "status": "online" }))).await;
    client.publish(Message::json("presence/alice/typing", &json!({ "isTyping": true }))).await;
    watch.wait_person("alice", |person| person["typing"] == true, AT_ONCE).await;
    // As long as the mark of a client that takes it back, and a little for the way.
    let ended = TYPING + 2 * AT_ONCE;
    watch.wait_person("alice", |person| person["typing"].is_null(), ended).await;
}

async fn ours_are_seen_by_the_first_kind(broker: Broker) {
    let url = broker.url();
    let alice = Cli::new(&url, "user-alice", "laptop");
    let reader = ours_are_seen(&alice, async |user| SeedClient::first(&url, user).await).await;
    // In the first description every record tells its time.
    let untimed = reader.events().into_iter().find(|event| {
        event["event"] == "status" && event["user"] == "user-alice" && !event["timestamp"].is_u64()
    });
    assert_eq!(untimed, None);
    let mut probe = Probe::connect(&url).await;
    probe.subscribe("presence/+/activity").await;
    let activity = probe.wait_for(|arrival| arrival.retained, AT_ONCE).await;
    assert_eq!(activity.topic, "presence/user-alice/activity");
    assert!(activity.json()["timestamp"].is_u64(), "{activity:?}");
}

async fn ours_are_seen_by_the_second_kind(broker: Broker) {
    let url = broker.url();
    let alice = Cli::new(&format!("{url}/presence/acme"), "user-alice", "laptop");
    ours_are_seen(&alice, async |user| SeedClient::second(&url, "acme", user).await).await;
}

async fn a_crash_of_ours_is_seen_by_the_first_kind(broker: Broker) {
    let bob = SeedClient::first(&broker.url(), "user-bob").await;
    let mut running = Cli::new(&broker.url(), "user-alice", "laptop").run("none");
    bob.wait_status("user-alice", "online", START).await;
    running.kill();
    // The grace, the Will connection's second and what the broker adds: a drop of a moment is nobody's business.
    bob.wait_status("user-alice", "offline", Duration::from_secs(18)).await;
}

/// What a client that `joins` sees of this device, from its start to its end.
async fn ours_are_seen(alice: &Cli, joins: impl AsyncFn(&str) -> SeedClient) -> SeedClient {
    let bob = joins("user-bob").await;
    let mut running = alice.start(&["run", "--activity", "stdin", "--away-after", "60s"]);
    running.say(r#"{"active":true}"#);
    bob.wait_status("user-alice", "online", SOON).await;
    alice.set("dnd", Some("Deep work")).await;
    bob.wait_status("user-alice", "dnd", AT_ONCE).await;
    let late = joins("user-carol").await;
    late.wait_status("user-alice", "dnd", AT_ONCE).await;
    alice.clear().await;
    bob.wait_status("user-alice", "online", AT_ONCE).await;
    running.say(&json!({ "idle_since": unix_ms() - 120_000 }).to_string());
    bob.wait_status("user-alice", "away", AT_ONCE).await;
    running.say(r#"{"active":true}"#);
    bob.wait_status("user-alice", "online", AT_ONCE).await;
    running.signal_leader(Signal::TERM);
    bob.wait_status("user-alice", "offline", AT_ONCE).await;
    assert!(running.wait_exit(SOON).await.success());
    joins("user-dave").await.wait_status("user-alice", "offline", AT_ONCE).await;
    for reader in [&bob, &late] {
        let unreadable = reader.events().into_iter().find(|event| event["event"] == "unreadable");
        assert_eq!(unreadable, None);
    }
    bob
}

async fn a_person_with_clients_of_both_sides_is_here_while_one_of_them_is(broker: Broker) {
    let url = broker.url();
    let watch = Cli::new(&url, "bob", "desk").watch();
    watch.wait_link(true, START).await;
    let reader = SeedClient::first(&url, "user-bob").await;
    let seed = SeedClient::first(&url, "alice").await;
    watch.wait_status("alice", "online", AT_ONCE).await;
    let alice = Cli::new(&url, "alice", "laptop");
    let running = alice.run("none");
    let both = |person: &Value| person["devices"].as_array().is_some_and(|all| all.len() == 2);
    watch.wait_person("alice", both, SOON).await;
    // Ours has written the one retained slot of both. Who joins now still learns of the other.
    let mut probe = Probe::connect(&url).await;
    probe.subscribe("presence/alice").await;
    let carried = |sum: &Value| sum["v"] == 1 && sum["foreign"]["status"] == "online";
    probe.wait_for(|arrival| carried(&arrival.json()), AT_ONCE).await;

    running.signal_leader(Signal::TERM);
    assert!(running.wait_exit(SOON).await.success());
    let ours_left = |person: &Value| person["devices"].to_string().contains("left");
    watch.wait_person("alice", ours_left, AT_ONCE).await;
    never("offline while the other client is here", Duration::from_millis(300), || {
        watch.statuses("alice").contains(&"offline".to_owned())
            || reader.status_of("alice").as_deref() == Some("offline")
    })
    .await;
    seed.crashes().await;
    watch.wait_status("alice", "offline", AT_ONCE).await;
    until("the reader to see it", AT_ONCE, || {
        reader.status_of("alice").as_deref() == Some("offline")
    })
    .await;
}
