//! One person's device as the others see it.

use std::time::Duration;

use porchlight_tests::light::Light;
use porchlight_tests::until::{SOON, START};
use porchlight_tests::{EmbeddedHub, Mosquitto};

#[tokio::test]
async fn a_crash_is_seen_by_the_others() {
    let broker = Mosquitto::start("").await;
    let root = format!("{}/presence/acme", broker.url());
    let bob = Light::new(&root, "bob", "desk");
    let watch = bob.watch();
    watch.wait_link(true, START).await;
    let alice = Light::new(&root, "alice", "laptop");
    let mut running = alice.run("none");
    watch.wait_status("alice", "online", SOON).await;
    running.kill();
    watch.wait_status("alice", "offline", Duration::from_secs(20)).await;
}

#[tokio::test]
async fn the_hub_carries_a_choice_from_one_person_to_another() {
    let hub = EmbeddedHub::start().await;
    let alice = Light::new(&hub.url(), "alice", "laptop");
    let bob = Light::new(&hub.url(), "bob", "desk");
    let _running = alice.run("none");
    let watch = bob.watch();
    watch.wait_status("alice", "online", SOON).await;
    alice.set("dnd", Some("Deep work")).await;
    watch.wait_person("alice", |person| person["text"] == "Deep work", SOON).await;
    assert!(bob.who().await.iter().any(|person| person["status"] == "dnd"));
}
