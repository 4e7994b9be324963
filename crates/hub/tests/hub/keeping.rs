//! The data that outlives a hub.

use crate::world::{Client, DEADLINE, eventually, hub_in, pair, settings, within};
use porchlight_hub::{Hub, Listen, Store, read_runtime_file};
use rumqttc::v5::mqttbytes::v5::PubAckReason;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

#[tokio::test]
async fn retained_messages_survive_stop_and_start_on_the_same_port() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("a").join("store");
    let hub = hub_in(&folder).await;
    let addr = hub.addr();
    assert!(hub.warnings().is_empty(), "{:?}", hub.warnings());
    let mut writer = Client::named(addr, "writer").await;
    writer.retain("presence/alice", "one").await;
    writer.retain("presence/alice", "two").await;
    writer.retain("presence/Zoë %2F:*", "{\"a\":\"\u{1f4a1}\"}").await;
    writer.retain("presence/gone", "here").await;
    writer.retain("presence/gone", "").await;
    let mut listener = Client::named(addr, "listener").await;
    let before = tokio::time::Instant::now();
    hub.stop().await.unwrap();
    assert!(before.elapsed() < Duration::from_secs(2), "{:?}", before.elapsed());
    listener.ended().await;

    let again = settings(Store::Folder(folder.clone()));
    let hub = Hub::start(porchlight_hub::HubSettings { listen: Listen::Exactly(addr), ..again })
        .await
        .unwrap();
    assert_eq!(hub.addr(), addr);
    assert!(hub.warnings().is_empty(), "{:?}", hub.warnings());
    let kept = Client::named(addr, "reader").await.snapshot("#").await;
    assert_eq!(
        kept,
        [pair("presence/Zoë %2F:*", "{\"a\":\"\u{1f4a1}\"}"), pair("presence/alice", "two")]
    );
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = |p: &Path| std::fs::metadata(p).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&folder), 0o700);
        assert_eq!(mode(&folder.join("retained-v1.log")), 0o600);
    }
    hub.stop().await.unwrap();
}

#[tokio::test]
async fn expiry_counts_down_and_goes_on_counting_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let hub = hub_in(dir.path()).await;
    Client::named(hub.addr(), "writer").await.retain_for("t", "x", Some(1_000)).await;
    let first = left(&hub, |left| left < 1_000).await;
    hub.stop().await.unwrap();
    let hub = hub_in(dir.path()).await;
    let then = left(&hub, |_| true).await;
    assert!(then <= first, "{then} s left after the restart, {first} s before");
    left(&hub, |left| left < then).await;
    hub.stop().await.unwrap();
}

/// Reads the retained message repeatedly until its remaining seconds are as expected.
async fn left(hub: &Hub, wanted: impl Fn(u32) -> bool) -> u32 {
    within("the expiry", async {
        for n in 0.. {
            let mut reader = Client::named(hub.addr(), &format!("r{n}")).await;
            reader.subscribe("t").await;
            let left = reader.message().await.properties.unwrap().message_expiry_interval.unwrap();
            if wanted(left) {
                return left;
            }
        }
        unreachable!()
    })
    .await
}

#[tokio::test]
async fn a_message_that_expired_while_no_hub_ran_is_forgotten() {
    let dir = tempfile::tempdir().unwrap();
    let hub = hub_in(dir.path()).await;
    let mut writer = Client::named(hub.addr(), "writer").await;
    writer.retain_for("short", "x", Some(1)).await;
    writer.retain("long", "x").await;
    hub.stop().await.unwrap();
    within("the expiry", async {
        loop {
            let hub = hub_in(dir.path()).await;
            let kept = Client::named(hub.addr(), "reader").await.snapshot("#").await;
            hub.stop().await.unwrap();
            if kept == [pair("long", "x")] {
                break;
            }
        }
    })
    .await;
}

/// Not a test: the process that the next test kills.
#[tokio::test]
async fn child_process_for_the_kill() {
    let Some(folder) = std::env::var_os("PORCHLIGHT_HUB_TEST_CHILD") else {
        return;
    };
    let folder = Path::new(&folder);
    let mut wanted = settings(Store::Folder(folder.join("store")));
    wanted.runtime_file = Some(folder.join("hub.json"));
    let mut hub = Hub::start(wanted).await.unwrap();
    let _ = tokio::time::timeout(DEADLINE * 3, hub.event()).await;
}

#[tokio::test]
async fn a_killed_hub_loses_nothing_that_it_acknowledged() {
    let dir = tempfile::tempdir().unwrap();
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "keeping::child_process_for_the_kill"])
        .env("PORCHLIGHT_HUB_TEST_CHILD", dir.path())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let file = dir.path().join("hub.json");
    let addr = eventually("the child's address", || read_runtime_file(&file)).await;
    let mut writers = Vec::new();
    for w in 0..8 {
        writers.push(tokio::spawn(async move {
            let mut writer = Client::named(addr, &format!("w{w}")).await;
            for n in 0..50 {
                assert_eq!(
                    writer.retain(&format!("t/{w}/{n:02}"), "x").await,
                    PubAckReason::Success
                );
            }
            writer
        }));
    }
    let mut connected = Vec::new();
    for writer in writers {
        connected.push(within("a writer", writer).await.unwrap());
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(read_runtime_file(&file), None, "the entry of a killed hub is stale");

    let hub = hub_in(&dir.path().join("store")).await;
    assert!(hub.warnings().is_empty(), "{:?}", hub.warnings());
    assert_eq!(Client::named(hub.addr(), "reader").await.snapshot("t/#").await.len(), 400);
    hub.stop().await.unwrap();
}
