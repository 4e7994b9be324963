//! The requirements of the presence protocol on its broker.

use crate::world::{Client, hub_in, hub_in_memory, options, pair, will, within};
use std::time::Duration;

#[tokio::test]
async fn a_will_fires_when_the_connection_drops() {
    let hub = hub_in_memory().await;
    let mut watcher = Client::named(hub.addr(), "watcher").await;
    watcher.subscribe("#").await;
    let mut device = options(hub.addr(), "device");
    device.set_last_will(will("presence/a", "lost", None));
    Client::connect(device).await.vanish().await;
    assert_eq!(watcher.text().await, pair("presence/a", "lost"));
    let retained = Client::named(hub.addr(), "late").await.snapshot("#").await;
    assert_eq!(retained, [pair("presence/a", "lost")]);
    hub.stop().await.unwrap();
}

#[tokio::test]
async fn a_will_does_not_fire_after_a_disconnect() {
    let hub = hub_in_memory().await;
    let mut watcher = Client::named(hub.addr(), "watcher").await;
    watcher.subscribe("#").await;
    let mut polite = options(hub.addr(), "polite");
    polite.set_last_will(will("presence/polite", "lost", None));
    Client::connect(polite).await.leave().await;
    // Once a later Will arrives, an earlier one would have arrived too.
    let mut rude = options(hub.addr(), "rude");
    rude.set_last_will(will("presence/rude", "lost", None));
    Client::connect(rude).await.vanish().await;
    assert_eq!(watcher.text().await, pair("presence/rude", "lost"));
    hub.stop().await.unwrap();
}

#[tokio::test]
async fn a_delayed_will_waits_and_a_return_within_the_delay_cancels_it() {
    let dir = tempfile::tempdir().unwrap();
    let hub = hub_in(dir.path()).await;
    let mut watcher = Client::named(hub.addr(), "watcher").await;
    watcher.subscribe("#").await;
    let device = |id: &str, delay| {
        let mut device = options(hub.addr(), id);
        device.set_last_will(will(&format!("presence/{id}"), "lost", Some(delay)));
        device.set_clean_start(false).set_session_expiry_interval(Some(60));
        device
    };
    Client::connect(device("returns", 1)).await.vanish().await;
    let _back = Client::connect(device("returns", 1)).await;
    let vanished = tokio::time::Instant::now();
    Client::connect(device("stays-away", 2)).await.vanish().await;
    assert_eq!(watcher.text().await, pair("presence/stays-away", "lost"));
    let waited = vanished.elapsed();
    assert!(waited >= Duration::from_millis(1_900), "{waited:?}");
    hub.stop().await.unwrap();
}

#[tokio::test]
async fn a_stop_publishes_wills_without_delay_and_drops_delayed_ones() {
    let dir = tempfile::tempdir().unwrap();
    let hub = hub_in(dir.path()).await;
    let mut at_once = options(hub.addr(), "at-once");
    at_once.set_last_will(will("at-once", "lost", None));
    let mut delayed = options(hub.addr(), "delayed");
    delayed.set_last_will(will("delayed", "lost", Some(1))).set_session_expiry_interval(Some(60));
    let (mut at_once, mut delayed) =
        (Client::connect(at_once).await, Client::connect(delayed).await);
    hub.stop().await.unwrap();
    at_once.ended().await;
    delayed.ended().await;
    let hub = hub_in(dir.path()).await;
    let kept = Client::named(hub.addr(), "reader").await.snapshot("#").await;
    assert_eq!(kept, [pair("at-once", "lost")]);
    hub.stop().await.unwrap();
}

#[tokio::test]
async fn a_thousand_retained_records_reach_one_wildcard_subscription() {
    let dir = tempfile::tempdir().unwrap();
    let hub = hub_in(dir.path()).await;
    let addr = hub.addr();
    let mut writers = Vec::new();
    for w in 0..20 {
        writers.push(tokio::spawn(async move {
            let mut writer = Client::named(addr, &format!("w{w}")).await;
            for n in 0..50 {
                writer.retain(&format!("presence/u{w}/device/{n}"), "r".repeat(400)).await;
            }
        }));
    }
    for writer in writers {
        within("a writer", writer).await.unwrap();
    }
    let all = Client::named(addr, "reader").await.snapshot("presence/+/device/+").await;
    assert_eq!(all.len(), 1_000);
    hub.stop().await.unwrap();
    let hub = hub_in(dir.path()).await;
    assert_eq!(Client::named(hub.addr(), "reader").await.snapshot("#").await.len(), 1_000);
    hub.stop().await.unwrap();
}

#[tokio::test]
async fn a_retained_message_too_large_for_a_client_is_left_out_for_it() {
    let hub = hub_in_memory().await;
    let mut writer = Client::named(hub.addr(), "writer").await;
    writer.retain("large", "x".repeat(4_000)).await;
    writer.retain("small", "x").await;
    let mut narrow = options(hub.addr(), "narrow");
    narrow.set_max_packet_size(Some(1_024));
    let mut narrow = Client::connect(narrow).await;
    assert_eq!(narrow.snapshot("#").await, [pair("small", "x")]);
    writer.retain("small", "y").await;
    assert_eq!(narrow.text().await, pair("small", "y"), "it is still connected");
    hub.stop().await.unwrap();
}
