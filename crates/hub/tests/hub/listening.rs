//! The listening addresses of a hub, their access, and discovery.

use crate::world::{Client, codes, hub_in_memory, pair, settings, within};
use porchlight_hub::{
    Access, DEFAULT_ADDR, Hub, HubError, HubSettings, Listen, Store, read_runtime_file,
};
use std::net::{SocketAddr, TcpListener};

fn at(addr: &str) -> HubSettings {
    HubSettings { listen: Listen::Exactly(addr.parse().unwrap()), ..settings(Store::Memory) }
}

#[tokio::test]
async fn a_taken_port_is_an_error_that_says_what_to_do() {
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = other.local_addr().unwrap();
    let error = Hub::start(at(&addr.to_string())).await.unwrap_err();
    assert!(matches!(error, HubError::PortTaken { addr: a } if a == addr), "{error:?}");
    let text = error.to_string();
    assert!(text.contains(&addr.to_string()) && text.contains("choose another port"), "{text}");
}

#[tokio::test]
async fn an_address_of_another_machine_is_an_error() {
    // TEST-NET-1: no computer has this address.
    let settings =
        HubSettings { access: Access::Open { allow_anonymous: true }, ..at("192.0.2.1:0") };
    let error = Hub::start(settings).await.unwrap_err();
    assert!(matches!(error, HubError::CannotListen { .. }), "{error:?}");
}

/// The only test with a fixed port.
#[tokio::test]
async fn a_taken_default_port_gives_another_one_a_warning_and_the_runtime_file() {
    // If another process already uses the port, that serves as well.
    let _other = TcpListener::bind(DEFAULT_ADDR);
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("run").join("hub.json");
    let wanted = HubSettings {
        listen: Listen::Default,
        runtime_file: Some(file.clone()),
        ..settings(Store::Memory)
    };
    let hub = Hub::start(wanted).await.unwrap();
    assert_ne!(hub.addr(), DEFAULT_ADDR);
    assert!(hub.addr().ip().is_loopback());
    assert_eq!(codes(&hub), ["port_taken"]);
    let text = hub.warnings()[0].to_string();
    assert!(text.contains("127.0.0.1:18830") && text.contains(&hub.addr().to_string()), "{text}");
    let found = read_runtime_file(&file).unwrap();
    assert_eq!(found, hub.addr());
    Client::named(found, "c").await.leave().await;
    hub.stop().await.unwrap();
    assert!(!file.exists());
    assert_eq!(read_runtime_file(&file), None);
}

#[tokio::test]
async fn a_second_hub_of_the_machine_does_not_hide_the_first() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("hub.json");
    let wanted = HubSettings { runtime_file: Some(file.clone()), ..settings(Store::Memory) };
    let first = Hub::start(wanted.clone()).await.unwrap();
    let second = Hub::start(wanted.clone()).await.unwrap();
    assert_eq!(codes(&second), ["other_hub"]);
    assert_eq!(read_runtime_file(&file), Some(first.addr()));
    second.stop().await.unwrap();
    assert_eq!(read_runtime_file(&file), Some(first.addr()));
    first.stop().await.unwrap();
    assert!(!file.exists());
}

#[tokio::test]
async fn a_runtime_file_that_cannot_be_written_is_a_warning() {
    let dir = tempfile::tempdir().unwrap();
    let in_the_way = dir.path().join("file");
    std::fs::write(&in_the_way, "").unwrap();
    let wanted =
        HubSettings { runtime_file: Some(in_the_way.join("hub.json")), ..settings(Store::Memory) };
    let hub = Hub::start(wanted).await.unwrap();
    assert_eq!(codes(&hub), ["runtime_file"]);
    Client::named(hub.addr(), "c").await.leave().await;
    hub.stop().await.unwrap();
}

#[tokio::test]
async fn other_machines_are_refused_unless_anonymous_access_is_allowed() {
    for addr in ["0.0.0.0:0", "[::]:0", "[::ffff:0.0.0.0]:0", "192.0.2.1:0"] {
        let error = Hub::start(at(addr)).await.unwrap_err();
        assert!(matches!(error, HubError::NeedsAllowAnonymous { .. }), "{addr}: {error:?}");
        assert!(error.to_string().contains("allow anonymous access"), "{error}");
    }
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("hub.json");
    let hub = Hub::start(HubSettings {
        access: Access::Open { allow_anonymous: true },
        runtime_file: Some(file.clone()),
        ..at("0.0.0.0:0")
    })
    .await
    .unwrap();
    assert_eq!(codes(&hub), ["anonymous"]);
    let local = SocketAddr::from(([127, 0, 0, 1], hub.addr().port()));
    assert_eq!(
        read_runtime_file(&file),
        Some(local),
        "the file names an address to which one can connect"
    );
    Client::named(local, "c").await.leave().await;
    hub.stop().await.unwrap();
}

#[tokio::test]
async fn a_loopback_hub_is_on_one_address_only() {
    let hub = hub_in_memory().await;
    let port = hub.addr().port();
    // The same port is free on every other loopback address, which it would not be under 0.0.0.0.
    drop(TcpListener::bind(("127.0.0.2", port)).unwrap());
    hub.stop().await.unwrap();
}

#[tokio::test]
async fn two_hubs_in_memory_know_nothing_of_each_other() {
    let (a, b) = (hub_in_memory().await, hub_in_memory().await);
    Client::named(a.addr(), "w").await.retain("t", "a").await;
    assert_eq!(Client::named(a.addr(), "r").await.snapshot("#").await, [pair("t", "a")]);
    assert!(Client::named(b.addr(), "r").await.snapshot("#").await.is_empty());
    within("both ends", async { tokio::join!(a.stop(), b.stop()) }).await.0.unwrap();
}
