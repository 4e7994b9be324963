//! The hub's answers to a client that exceeds its limits. The limits suffice for honest clients.

use crate::hub_fixture::HubFixture;
use crate::raw::{Raw, Wanted, named, publish};
use crate::world::{Client, hub_in_memory, will, within};
use porchlight_core::team::Secret;
use std::net::SocketAddr;
use std::time::Duration;

/// MQTT 5: valid, but not accepted by this server; 3.1.1: server unavailable.
const NOT_ACCEPTED: [u8; 2] = [0x83, 3];

async fn keep_alives(addr: SocketAddr, who: Option<&Secret>) {
    for (seconds, taken) in
        [(0, false), (1, true), (60, true), (300, true), (301, false), (u16::MAX, false)]
    {
        for (version, refusal) in [5, 4].into_iter().zip(NOT_ACCEPTED) {
            let wanted = Wanted { version, keep_alive_s: seconds, ..named("patient") };
            let answer = Raw::try_connect(addr, who, wanted).await;
            assert_eq!(answer.err(), (!taken).then_some(refusal), "{seconds} s, version {version}");
        }
    }
}

#[tokio::test]
async fn a_keep_alive_that_would_never_end_is_refused() {
    let house = HubFixture::in_memory().await;
    keep_alives(house.hub.addr(), Some(&house.anna.credential)).await;
    house.hub.stop().await.unwrap();
    let hub = hub_in_memory().await;
    keep_alives(hub.addr(), None).await;
    hub.stop().await.unwrap();
}

#[tokio::test]
async fn a_filter_that_is_asked_for_twice_is_refused_as_one_too_many() {
    let house = HubFixture::in_memory().await;
    let mut anna = Raw::connect(house.hub.addr(), &house.anna.credential, named("a")).await;
    let filters = ["presence/+", "presence/+", "presence/#", "presence/+/typing"];
    let codes = within("a SUBACK", anna.subscribe_at(&filters, 0)).await;
    assert_eq!(codes, Some(vec![0, 0x97, 0x87, 0]));
    let codes = within("a SUBACK", anna.subscribe_at(&["presence/+"], 0)).await;
    assert_eq!(codes, Some(vec![0x97]), "nor within the next second");
    within("the second to pass", async {
        while anna.subscribe_at(&["presence/+"], 0).await != Some(vec![0]) {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    })
    .await;
    house.hub.stop().await.unwrap();
}

#[tokio::test]
async fn a_client_that_asks_for_ever_more_filters_is_refused_and_then_cut() {
    let house = HubFixture::in_memory().await;
    let mut anna = Raw::connect(house.hub.addr(), &house.anna.credential, named("a")).await;
    let filters: Vec<String> = (0..100).map(|n| format!("presence/u{n}")).collect();
    let filters: Vec<&str> = filters.iter().map(String::as_str).collect();
    let codes = within("a SUBACK", anna.subscribe_at(&filters, 0)).await.unwrap();
    let granted = codes.iter().filter(|code| **code == 0).count();
    // On a slow computer, one may become free meanwhile.
    assert!((64..70).contains(&granted), "{granted}");
    assert!(codes.iter().skip(granted).all(|code| *code == 0x97), "{codes:x?}");
    assert_eq!(within("the end", anna.subscribe_at(&filters, 0)).await, None);
    house.hub.stop().await.unwrap();
}

/// The broker also authorizes each filter of a resumed session.
async fn resumes(addr: SocketAddr, who: Option<&Secret>) {
    let filters: Vec<String> = (0..60).map(|n| format!("presence/u{n}")).collect();
    let filters: Vec<&str> = filters.iter().map(String::as_str).collect();
    let wanted = Wanted { expiry_s: 60, clean: false, ..named("resumes") };
    for round in 0..5 {
        let mut raw = Raw::try_connect(addr, who, wanted).await.unwrap();
        assert_eq!(raw.resumed, round > 0);
        let codes = within("a SUBACK", raw.subscribe_at(&filters, 0)).await;
        assert_eq!(codes, Some(vec![0; 60]), "round {round}");
        if round % 2 == 1 {
            // The new connection takes the session over.
            let mut raw = Raw::try_connect(addr, who, wanted).await.unwrap();
            let codes = within("a SUBACK", raw.subscribe_at(&filters, 0)).await;
            assert_eq!(codes, Some(vec![0; 60]), "round {round}");
        }
    }
}

#[tokio::test]
async fn a_client_that_comes_back_to_a_session_may_ask_for_its_filters_again() {
    let house = HubFixture::in_memory().await;
    resumes(house.hub.addr(), Some(&house.anna.credential)).await;
    house.hub.stop().await.unwrap();
    let hub = hub_in_memory().await;
    resumes(hub.addr(), None).await;
    hub.stop().await.unwrap();
}

#[tokio::test]
async fn sixty_four_unreleased_messages_are_enough() {
    let house = HubFixture::in_memory().await;
    let mut anna = Raw::connect(house.hub.addr(), &house.anna.credential, named("a")).await;
    for id in 1..=64 {
        anna.send(&publish("presence/anna/typing", 2, id, false, b"x")).await;
        assert!(within("a PUBREC", anna.next_of(5)).await.is_some(), "{id}");
    }
    anna.send(&publish("presence/anna/typing", 2, 65, false, b"x")).await;
    let (first, body) = within("a DISCONNECT", anna.next()).await.unwrap();
    assert_eq!((first, body[0]), (0xe0, 0x93), "Receive Maximum exceeded");
    house.hub.stop().await.unwrap();
}

#[tokio::test]
async fn eight_idle_sessions_of_a_device_are_kept_the_last_ones() {
    let house = HubFixture::in_memory().await;
    let (addr, who) = (house.hub.addr(), &house.anna.credential);
    fn session(id: &str) -> Wanted<'_> {
        Wanted { expiry_s: 60, clean: false, ..named(id) }
    }
    // One of them has disconnected with a pending Will, so it is in use.
    let mut dies = house.options(who, "dies");
    dies.set_last_will(will("presence/anna/device/d", "lost", Some(3)));
    dies.set_clean_start(false).set_session_expiry_interval(Some(60));
    let mut bob = Client::connect(house.options(&house.joins("Bob").await.credential, "bob")).await;
    bob.subscribe("presence/+/device/+").await;
    Client::connect(dies).await.vanish().await;
    let mut round = 0;
    within("eight to be kept", async {
        loop {
            round += 1;
            let ids: Vec<String> = (0..12).map(|n| format!("waits{round}x{n}")).collect();
            for id in &ids {
                let mut raw = Raw::connect(addr, who, session(id)).await;
                raw.send(&[0xe0, 0]).await;
                assert_eq!(raw.next().await, None, "it is gone");
            }
            // The hub notices idle sessions shortly after the connections end.
            assert_eq!(house.get("/v1/team", Some(who)).await.status, 200);
            let mut back = Vec::new();
            for id in ids.iter().rev() {
                back.push(Raw::connect(addr, who, session(id)).await);
            }
            let resumed: Vec<bool> = back.iter().map(|raw| raw.resumed).collect();
            if resumed == [[true; 8].as_slice(), &[false; 4]].concat() {
                return;
            }
            println!("not yet: {resumed:?}");
        }
    })
    .await;
    assert_eq!(bob.text().await.1, "lost");
    house.hub.stop().await.unwrap();
}
