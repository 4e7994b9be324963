use super::*;
use crate::HubEvent;
use crate::store;
use mqtt5::QoS;
use mqtt5::broker::MemoryBackend;
use mqtt5::broker::storage::RetainedMessage;
use mqtt5::packet::publish::PublishPacket;

async fn set(memory: &DynamicStorage, recorder: &RetainedChanges, topic: &str, payload: &str) {
    let packet =
        PublishPacket::new(topic, payload.as_bytes().to_vec(), QoS::AtLeastOnce).with_retain(true);
    memory.store_retained_message(topic, RetainedMessage::new(packet)).await.unwrap();
    let event = RetainedSetEvent {
        topic: topic.into(),
        payload: payload.as_bytes().to_vec().into(),
        qos: QoS::AtLeastOnce,
        cleared: false,
    };
    tokio::time::timeout(Duration::from_secs(10), recorder.on_retained_set(event)).await.unwrap();
}

fn on_disk(folder: &std::path::Path) -> Vec<String> {
    let mut topics: Vec<_> = log::replay(folder).messages.into_iter().map(|m| m.topic).collect();
    topics.sort();
    topics
}

#[tokio::test]
async fn a_change_is_on_disk_when_the_broker_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let memory = Arc::new(DynamicStorage::Memory(MemoryBackend::new()));
    let (recorder, recorded) = recorder();
    let (tell, _news) = mpsc::unbounded_channel();
    let disk = store::open(dir.path().to_owned()).disk.unwrap();
    let mut keeper = RetainedStore::start(
        disk,
        Arc::clone(&memory),
        recorded,
        Arc::new(StoreHealth::new(tell)),
        RETRY,
    );
    set(&memory, &recorder, "a", "1").await;
    assert_eq!(on_disk(dir.path()), ["a"]);
    set(&memory, &recorder, "b", "1").await;
    assert_eq!(on_disk(dir.path()), ["a", "b"]);
    keeper.close().await.unwrap();
}

#[tokio::test]
async fn a_store_that_can_be_written_again_gets_everything() {
    let dir = tempfile::tempdir().unwrap();
    let in_the_way = dir.path().join("file");
    std::fs::write(&in_the_way, "not a folder").unwrap();
    let folder = in_the_way.join("store");
    let opened = store::open(folder.clone());
    assert_eq!(
        opened.warnings.iter().map(HubWarning::code).collect::<Vec<_>>(),
        ["store_not_writable"]
    );

    let memory = Arc::new(DynamicStorage::Memory(MemoryBackend::new()));
    let (recorder, recorded) = recorder();
    let (tell, mut news) = mpsc::unbounded_channel();
    let retry = Duration::from_millis(20);
    let mut keeper = RetainedStore::start(
        opened.disk.unwrap(),
        Arc::clone(&memory),
        recorded,
        Arc::new(StoreHealth::new(tell)),
        retry,
    );
    set(&memory, &recorder, "while/failing", "1").await;
    std::fs::remove_file(&in_the_way).unwrap();
    let event = tokio::time::timeout(Duration::from_secs(10), news.recv()).await.unwrap();
    assert_eq!(event, Some(HubEvent::StoreRecovered));
    assert_eq!(on_disk(&folder), ["while/failing"]);
    set(&memory, &recorder, "after", "1").await;
    assert_eq!(on_disk(&folder), ["after", "while/failing"]);
    keeper.close().await.unwrap();
}

#[tokio::test]
async fn a_store_that_stays_broken_is_told_of_at_the_end() {
    let dir = tempfile::tempdir().unwrap();
    let in_the_way = dir.path().join("file");
    std::fs::write(&in_the_way, "not a folder").unwrap();
    let memory = Arc::new(DynamicStorage::Memory(MemoryBackend::new()));
    let (recorder, recorded) = recorder();
    let (tell, mut news) = mpsc::unbounded_channel();
    let disk = store::open(in_the_way.join("store")).disk.unwrap();
    let mut keeper = RetainedStore::start(
        disk,
        Arc::clone(&memory),
        recorded,
        Arc::new(StoreHealth::new(tell)),
        RETRY,
    );
    set(&memory, &recorder, "a", "1").await;
    assert!(keeper.close().await.is_err());
    // The start has already warned, so no event repeats it.
    assert!(news.recv().await.is_none());
}
