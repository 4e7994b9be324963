//! No state of the store prevents a hub from starting.

use crate::world::{Client, Mount, codes, hub_in, options, pair, within};
use porchlight_hub::{Hub, HubError, HubEvent};
use rumqttc::v5::mqttbytes::v5::PubAckReason;
use std::fs;
use std::path::Path;

const LOG: &str = "retained-v1.log";

#[tokio::test]
async fn a_store_that_cannot_be_made_leaves_a_hub_that_works() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    fs::write(&file, "in the way").unwrap();
    let hub = hub_in(&file.join("store")).await;
    works_without_a_store(&hub, &file.join("store")).await;
    assert!(matches!(hub.stop().await, Err(HubError::NotSaved { .. })));
}

#[tokio::test]
async fn a_read_only_store_leaves_a_hub_that_works() {
    let dir = tempfile::tempdir().unwrap();
    let test = "a_read_only_store_leaves_a_hub_that_works";
    let Some(mount) = Mount::tmpfs(dir.path(), "size=512k", test) else {
        return;
    };
    let hub = hub_in(dir.path()).await;
    Client::named(hub.addr(), "writer").await.retain("before", "x").await;
    hub.stop().await.unwrap();
    mount.remount("ro");
    let hub = hub_in(dir.path()).await;
    works_without_a_store(&hub, dir.path()).await;
    let kept = Client::named(hub.addr(), "reader").await.snapshot("before").await;
    assert_eq!(kept, [pair("before", "x")], "what can be read is read");
    assert!(matches!(hub.stop().await, Err(HubError::NotSaved { .. })));
}

async fn works_without_a_store(hub: &Hub, folder: &Path) {
    assert_eq!(codes(hub), ["store_not_writable"]);
    let text = hub.warnings()[0].to_string();
    assert!(
        text.contains(&folder.display().to_string())
            && text.contains("forgets them when it restarts"),
        "{text}"
    );
    let mut resumed = options(hub.addr(), "device");
    resumed.set_clean_start(false).set_session_expiry_interval(Some(60));
    let mut writer = Client::connect(resumed.clone()).await;
    writer.subscribe("t").await;
    assert_eq!(writer.retain("t", "x").await, PubAckReason::Success);
    assert_eq!(writer.text().await, pair("t", "x"));
    assert_eq!(Client::named(hub.addr(), "late").await.snapshot("t").await, [pair("t", "x")]);
}

#[tokio::test]
async fn garbage_in_the_store_is_set_aside_and_the_rest_is_read() {
    let dir = tempfile::tempdir().unwrap();
    let hub = hub_in(dir.path()).await;
    let mut writer = Client::named(hub.addr(), "writer").await;
    writer.retain("good/1", "x").await;
    writer.retain("good/2", "x").await;
    hub.stop().await.unwrap();
    let mut bytes = b"\0\xff garbage\n{\"put\":{}}\n".to_vec();
    bytes.extend(fs::read(dir.path().join(LOG)).unwrap());
    bytes.extend(b"0000000000000000 {}\nand no end");
    fs::write(dir.path().join(LOG), &bytes).unwrap();
    // Other files in the folder must not matter either.
    fs::create_dir(dir.path().join(format!("{LOG}.new"))).unwrap();
    fs::create_dir_all(dir.path().join("retained").join("x.json")).unwrap();
    fs::write(dir.path().join("lock"), [0xff; 1_000]).unwrap();

    let hub = hub_in(dir.path()).await;
    assert_eq!(codes(&hub), ["store_damaged"]);
    let text = hub.warnings()[0].to_string();
    assert!(text.contains("3 damaged lines") && text.contains("retained-v1.log.damaged"), "{text}");
    let kept = Client::named(hub.addr(), "reader").await.snapshot("#").await;
    assert_eq!(kept, [pair("good/1", "x"), pair("good/2", "x")]);
    assert_eq!(
        fs::read(dir.path().join(format!("{LOG}.damaged"))).unwrap(),
        bytes,
        "the original is kept"
    );
    hub.stop().await.unwrap();

    let hub = hub_in(dir.path()).await;
    assert!(hub.warnings().is_empty(), "it is said once: {:?}", hub.warnings());
    hub.stop().await.unwrap();
}

#[tokio::test]
async fn a_folder_in_the_place_of_the_log_is_set_aside() {
    let dir = tempfile::tempdir().unwrap();
    for _ in 0..2 {
        let _ = fs::remove_file(dir.path().join(LOG));
        fs::create_dir(dir.path().join(LOG)).unwrap();
        fs::write(dir.path().join(LOG).join("x"), "x").unwrap();
        let hub = hub_in(dir.path()).await;
        assert_eq!(codes(&hub), ["store_damaged"]);
        Client::named(hub.addr(), "writer").await.retain("t", "x").await;
        hub.stop().await.unwrap();
    }
    let hub = hub_in(dir.path()).await;
    assert_eq!(Client::named(hub.addr(), "reader").await.snapshot("#").await, [pair("t", "x")]);
    hub.stop().await.unwrap();
}

#[tokio::test]
async fn a_store_in_use_by_another_hub_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let first = hub_in(dir.path()).await;
    let second = hub_in(dir.path()).await;
    assert_eq!(codes(&second), ["store_in_use"]);
    Client::named(first.addr(), "w").await.retain("first", "x").await;
    let mut writer = Client::named(second.addr(), "w").await;
    writer.retain("second", "x").await;
    assert_eq!(Client::named(second.addr(), "r").await.snapshot("#").await, [pair("second", "x")]);
    second.stop().await.unwrap();
    first.stop().await.unwrap();
    let third = hub_in(dir.path()).await;
    assert!(third.warnings().is_empty(), "{:?}", third.warnings());
    assert_eq!(Client::named(third.addr(), "r").await.snapshot("#").await, [pair("first", "x")]);
    third.stop().await.unwrap();
}

#[tokio::test]
async fn presence_goes_on_while_the_disk_is_full_and_the_host_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let test = "presence_goes_on_while_the_disk_is_full_and_the_host_is_told";
    let Some(_mount) = Mount::tmpfs(dir.path(), "size=512k", test) else {
        return;
    };
    let folder = dir.path().join("store");
    let mut hub = hub_in(&folder).await;
    let mut writer = Client::named(hub.addr(), "writer").await;
    writer.retain("before", "x").await;

    let filler = dir.path().join("filler");
    let full = fs::write(&filler, vec![0; 1 << 20]).unwrap_err();
    assert_eq!(full.kind(), std::io::ErrorKind::StorageFull);
    // Larger than the free space that the log's last block may have.
    let large = "y".repeat(6_000);
    let mut watcher = Client::named(hub.addr(), "watcher").await;
    watcher.subscribe("while/full").await;
    assert_eq!(writer.retain("while/full", large.clone()).await, PubAckReason::Success);
    assert_eq!(watcher.text().await, pair("while/full", &large), "live delivery goes on");
    let told = within("the warning", hub.event()).await;
    assert!(
        matches!(&told, HubEvent::StoreFailing(w) if w.code() == "store_not_writable"),
        "{told:?}"
    );
    assert_eq!(codes(&hub), ["store_not_writable"]);
    println!("{}", hub.warnings()[0]);

    // The hub still serves a new client with a persistent session.
    let mut late = options(hub.addr(), "late");
    late.set_clean_start(false).set_session_expiry_interval(Some(60));
    let mut late = Client::connect(late).await;
    assert_eq!(late.snapshot("#").await, [pair("before", "x"), pair("while/full", &large)]);
    writer.retain("more", "z").await;
    assert_eq!(late.text().await, pair("more", "z"));
    assert!(matches!(hub.stop().await, Err(HubError::NotSaved { .. })));

    // A start on a full disk reads the existing messages.
    let hub = hub_in(&folder).await;
    assert_eq!(codes(&hub), ["store_not_writable"]);
    assert_eq!(Client::named(hub.addr(), "r").await.snapshot("#").await, [pair("before", "x")]);
    Client::named(hub.addr(), "w").await.retain("while/full", large.clone()).await;
    // With free space again, everything is on disk when the hub ends, at the latest.
    fs::remove_file(&filler).unwrap();
    hub.stop().await.unwrap();
    let hub = hub_in(&folder).await;
    assert!(hub.warnings().is_empty(), "{:?}", hub.warnings());
    let kept = Client::named(hub.addr(), "r").await.snapshot("#").await;
    assert_eq!(kept, [pair("before", "x"), pair("while/full", &large)]);
    hub.stop().await.unwrap();
}
