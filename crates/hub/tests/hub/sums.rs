//! The aggregates that the hub writes, as readers without device records see them.

use crate::world::{Client, hub_in, hub_in_memory, options, pair, will, within};
use porchlight_core::wire::{self, AggregateRecord, Payload, UserRecord};
use porchlight_hub::Hub;
use rumqttc::v5::MqttOptions;
use rumqttc::v5::mqttbytes::v5::LastWill;
use std::path::Path;
use std::time::{Duration, SystemTime};

const ONLINE: &str = r#"{"v":1,"status":"online","epoch":1,"lease_s":3600}"#;
const LOCKED: &str = r#"{"v":1,"status":"away","cause":"locked","epoch":1,"lease_s":3600}"#;
const LEFT: &str = r#"{"v":1,"status":"offline","cause":"left","epoch":1}"#;
const LOST: &str = r#"{"v":1,"status":"offline","cause":"lost","epoch":1}"#;
const THIRTY_DAYS: u32 = 30 * 24 * 60 * 60;

fn topic(device: &str) -> String {
    format!("presence/alice/device/{device}")
}

/// A device whose loss shows after a second.
fn device(hub: &Hub, device: &str) -> MqttOptions {
    let mut options = options(hub.addr(), device);
    options.set_clean_start(false).set_session_expiry_interval(Some(60));
    let mut will: LastWill = will(&topic(device), LOST, Some(1));
    if let Some(properties) = &mut will.properties {
        properties.message_expiry_interval = Some(THIRTY_DAYS);
    }
    options.set_last_will(will);
    options
}

async fn online(hub: &Hub, name: &str) -> Client {
    let mut client = Client::connect(device(hub, name)).await;
    client.retain_for(&topic(name), ONLINE, Some(THIRTY_DAYS)).await;
    client
}

/// A client that only reads user topics.
async fn seed_reader(hub: &Hub) -> Client {
    let mut reader = Client::named(hub.addr(), "seed-reader").await;
    reader.subscribe("presence/+").await;
    reader
}

fn sum(payload: &[u8]) -> AggregateRecord {
    match wire::decode_user(payload).unwrap() {
        Payload::Record(UserRecord::Aggregate(sum)) => sum,
        other => panic!("no sum: {other:?}"),
    }
}

async fn next_sum(reader: &mut Client) -> AggregateRecord {
    let message = reader.message().await;
    assert_eq!(&message.topic[..], b"presence/alice");
    sum(&message.payload)
}

/// Reads the retained messages with new clients until Alice's aggregate has `status`. Use this if no client
/// saw the change.
async fn until_sum_is(hub: &Hub, status: &str) {
    within(status, async {
        for n in 0.. {
            let mut reader = Client::named(hub.addr(), &format!("poll{n}")).await;
            let all = reader.snapshot("presence/alice").await;
            if all.first().is_some_and(|(_, payload)| sum(payload.as_bytes()).status == status) {
                return;
            }
        }
    })
    .await;
}

/// Returns the messages that the reader sees until the hub has aggregated everything before. A marker record
/// takes the same way. It is cleared once its aggregate arrives, and by then everything before is written
/// too.
async fn quiet(hub: &Hub, reader: &mut Client) -> Vec<(String, String)> {
    const MARK: &str = "presence/zz-mark";
    let record = format!("{MARK}/device/d");
    let mut marker = Client::named(hub.addr(), "marker").await;
    marker.retain(&record, LEFT).await;
    let mut seen = Vec::new();
    loop {
        match reader.text().await {
            (topic, cleared) if topic == MARK && cleared.is_empty() => return seen,
            (topic, _) if topic == MARK => {
                marker.retain(&record, "").await;
            }
            other => seen.push(other),
        }
    }
}

#[tokio::test]
async fn the_first_client_finds_the_announcement_and_a_stop_takes_it_away() {
    let dir = tempfile::tempdir().unwrap();
    let hub = hub_in(dir.path()).await;
    let mut first = Client::named(hub.addr(), "first").await;
    assert_eq!(first.everything("#").await, [pair("presence/_hub", r#"{"v":1,"in_order":true}"#)]);
    hub.stop().await.unwrap();
    assert!(!in_log(dir.path(), "presence/_hub").await);
}

/// Returns whether the last log entry of `topic` is a message.
async fn in_log(folder: &Path, topic: &str) -> bool {
    let log = tokio::fs::read_to_string(folder.join("retained-v1.log")).await.unwrap();
    log.lines().rfind(|line| line.contains(topic)).is_some_and(|line| line.contains("payload"))
}

#[tokio::test]
async fn a_hub_that_ends_without_a_stop_leaves_its_announcement() {
    let dir = tempfile::tempdir().unwrap();
    let hub = hub_in(dir.path()).await;
    let mut client = Client::named(hub.addr(), "c").await;
    drop(hub);
    client.ended().await;
    assert!(in_log(dir.path(), "presence/_hub").await);
}

#[tokio::test]
async fn a_reader_of_user_topics_sees_what_a_device_does() {
    let hub = hub_in_memory().await;
    let mut reader = seed_reader(&hub).await;
    let mut device = online(&hub, "d1").await;
    assert_eq!(next_sum(&mut reader).await.status, "online");
    device.retain(&topic("d1"), LOCKED).await;
    assert_eq!(next_sum(&mut reader).await.status, "away");
    device.retain(&topic("d1"), LEFT).await;
    let message = reader.message().await;
    assert_eq!(sum(&message.payload).status, "offline");
    let expiry = message.properties.unwrap().message_expiry_interval.unwrap();
    assert!(expiry > THIRTY_DAYS - 60, "{expiry} s");
    let mut late = Client::named(hub.addr(), "late").await;
    let activity = late.snapshot("presence/alice/activity").await;
    assert!(wire::decode_activity(activity[0].1.as_bytes()).is_ok());
    device.retain(&topic("d1"), "").await;
    assert_eq!(reader.text().await, pair("presence/alice", ""));
    within("nothing left", async {
        // The same connection may not subscribe to the same filter again at once.
        while !late.snapshot("presence/alice/#").await.is_empty() {
            late = Client::named(hub.addr(), "late").await;
        }
    })
    .await;
    hub.stop().await.unwrap();
}

#[tokio::test]
async fn a_choice_ends_by_itself() {
    let hub = hub_in_memory().await;
    let mut reader = seed_reader(&hub).await;
    #[expect(clippy::disallowed_methods, reason = "the record tells a moment to a running hub")]
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    let until = (now + Duration::from_secs(2)).as_millis();
    let chosen = format!(r#"{{"rev":1,"status":"dnd","text":"Deep work","until":{until}}}"#);
    let record = format!(r#"{{"v":1,"status":"online","chosen":{chosen}}}"#);
    Client::named(hub.addr(), "d1").await.retain(&topic("d1"), record).await;
    let sum = next_sum(&mut reader).await;
    assert_eq!((sum.status.as_str(), sum.text.as_deref()), ("dnd", Some("Deep work")));
    let sum = next_sum(&mut reader).await;
    assert_eq!((sum.status.as_str(), sum.text), ("online", None));
    hub.stop().await.unwrap();
}

#[tokio::test]
async fn a_killed_device_leaves_the_person_to_the_other_one_and_the_last_takes_them_along() {
    let dir = tempfile::tempdir().unwrap();
    let hub = hub_in(dir.path()).await;
    let first = online(&hub, "d1").await;
    let second = online(&hub, "d2").await;
    until_sum_is(&hub, "online").await;
    // One connection for both, so that messages arrive in the order of events.
    let mut reader = Client::named(hub.addr(), "reader").await;
    assert_eq!(reader.snapshot("presence/+/device/+").await.len(), 2);
    assert_eq!(reader.snapshot("presence/+").await.len(), 1);
    first.vanish().await;
    assert_eq!(reader.text().await, pair(&topic("d1"), LOST), "its delayed Will");
    second.vanish().await;
    assert_eq!(reader.text().await, pair(&topic("d2"), LOST), "and no sum before it");
    assert_eq!(next_sum(&mut reader).await.status, "offline");
    hub.stop().await.unwrap();
}

#[tokio::test]
async fn a_drop_shorter_than_the_grace_is_seen_by_nobody() {
    let hub = hub_in_memory().await;
    let mut reader = seed_reader(&hub).await;
    online(&hub, "d1").await.vanish().await;
    assert_eq!(next_sum(&mut reader).await.status, "online");
    let _back = online(&hub, "d1").await;
    // Once another device's Will of the same delay arrives, the first would have arrived too.
    let mut other = options(hub.addr(), "other");
    other.set_session_expiry_interval(Some(60));
    other.set_last_will(will("presence/zz-other", "offline", Some(1)));
    Client::connect(other).await.vanish().await;
    assert_eq!(reader.text().await, pair("presence/zz-other", "offline"));
    hub.stop().await.unwrap();
}

#[tokio::test]
async fn a_seed_style_client_is_carried_along_and_its_will_heard() {
    let hub = hub_in_memory().await;
    let mut reader = seed_reader(&hub).await;
    let mut device = online(&hub, "d1").await;
    assert_eq!(next_sum(&mut reader).await.foreign, None);
    let mut seed = options(hub.addr(), "seed");
    seed.set_last_will(will("presence/alice", r#"{"status":"offline","timestamp":7}"#, None));
    let mut seed = Client::connect(seed).await;
    let record = r#"{"status":"online","timestamp":7}"#;
    seed.retain("presence/alice", record).await;
    assert_eq!(reader.text().await, pair("presence/alice", record), "what the client itself said");
    let carried = next_sum(&mut reader).await;
    assert_eq!((carried.status.as_str(), carried.foreign.is_some()), ("online", true));
    device.retain(&topic("d1"), LEFT).await;
    // The user is still online, so nothing changes for readers of the aggregate.
    assert_eq!(quiet(&hub, &mut reader).await, []);
    seed.vanish().await;
    let last = reader.message().await;
    assert_eq!(&last.payload[..], br#"{"status":"offline","timestamp":7}"#);
    let last = next_sum(&mut reader).await;
    assert_eq!((last.status.as_str(), last.foreign), ("offline", None));
    hub.stop().await.unwrap();
}

#[tokio::test]
async fn a_hub_that_comes_back_has_summed_its_store_before_anybody_reads_it() {
    let dir = tempfile::tempdir().unwrap();
    let hub = hub_in(dir.path()).await;
    let mut writer = Client::named(hub.addr(), "writer").await;
    writer.retain_for(&topic("d1"), ONLINE, Some(THIRTY_DAYS)).await;
    writer.retain_for("presence/bob/device/d", LOCKED, Some(THIRTY_DAYS)).await;
    until_sum_is(&hub, "online").await;
    hub.stop().await.unwrap();
    let before = std::fs::read_to_string(dir.path().join("retained-v1.log")).unwrap();
    let before = before.lines().rfind(|line| line.contains("presence/bob\"")).unwrap().to_owned();
    remove_from_log(dir.path(), "presence/alice");

    let hub = hub_in(dir.path()).await;
    let mut reader = Client::named(hub.addr(), "reader").await;
    let all = reader.snapshot("presence/+").await;
    assert_eq!(all.len(), 2);
    assert_eq!(sum(all[0].1.as_bytes()).status, "online");
    assert_eq!(sum(all[1].1.as_bytes()).status, "away");
    hub.stop().await.unwrap();
    let after = std::fs::read_to_string(dir.path().join("retained-v1.log")).unwrap();
    assert!(after.contains(&before), "bob's sum was right, and is as old as it was");
}

/// Simulates a kill of the hub before it wrote this aggregate.
fn remove_from_log(folder: &Path, topic: &str) {
    let path = folder.join("retained-v1.log");
    let log = std::fs::read_to_string(&path).unwrap();
    let kept: Vec<_> = log.lines().filter(|line| !line.contains(&format!("{topic}\""))).collect();
    assert!(kept.len() < log.lines().count(), "it was there");
    std::fs::write(&path, kept.join("\n") + "\n").unwrap();
}

#[tokio::test]
async fn an_organisation_is_announced_to_its_first_device_and_to_who_writes() {
    let hub = hub_in_memory().await;
    let announced = |org: &str| pair(&format!("presence/{org}/_hub"), r#"{"v":1,"in_order":true}"#);
    let mut device = options(hub.addr(), "device");
    device.set_last_will(will("presence/acme/bob/device/d", LOST, None));
    let mut device = Client::connect(device).await;
    device.subscribe("presence/acme/+").await;
    assert_eq!(device.any_text().await, announced("acme"), "before it wrote anything");

    let mut reader = Client::named(hub.addr(), "reader").await;
    reader.subscribe("presence/other/+").await;
    let mut writer = Client::named(hub.addr(), "writer").await;
    writer.retain("presence/other/bob/device/d", ONLINE).await;
    let mut got = [reader.any_text().await, reader.any_text().await];
    got.sort();
    assert_eq!(got[0], announced("other"));
    assert_eq!(got[1].0, "presence/other/bob");
    assert_eq!(sum(got[1].1.as_bytes()).status, "online");
    hub.stop().await.unwrap();
}

#[tokio::test]
async fn a_sum_is_not_summed_and_another_writer_does_not_win() {
    let hub = hub_in_memory().await;
    let mut reader = seed_reader(&hub).await;
    let mut device = online(&hub, "d1").await;
    assert_eq!(next_sum(&mut reader).await.status, "online");
    for _ in 0..10 {
        device.retain(&topic("d1"), ONLINE).await;
    }
    assert_eq!(quiet(&hub, &mut reader).await, [], "the same again is no news");
    let other = r#"{"v":1,"status":"offline"}"#;
    for _ in 0..10 {
        device.retain("presence/alice", other).await;
    }
    let seen = quiet(&hub, &mut reader).await;
    let theirs = seen.iter().filter(|(_, payload)| payload == other).count();
    assert_eq!(theirs, 10);
    // The hub may correct several of their writes at once.
    assert!((1..=5).contains(&(seen.len() - theirs)), "{seen:?}");
    device.retain(&topic("d1"), LOCKED).await;
    assert_eq!(next_sum(&mut reader).await.status, "away", "news does not wait for its turn");
    hub.stop().await.unwrap();
}
