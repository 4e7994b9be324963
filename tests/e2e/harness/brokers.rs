//! Mosquitto, the probe, the cable and the two seed clients.

use std::time::Duration;

use porchlight_tests::until::{SOON, Stopwatch};
use porchlight_tests::wire::retained;
use porchlight_tests::{Message, Mosquitto, Probe, SeedClient, TcpProxy, never, until};
use serde_json::json;

/// What the promise "seen at once" may take on a busy machine.
const AT_ONCE: Duration = Duration::from_secs(1);

#[tokio::test]
async fn a_retained_record_outlives_a_restart_of_mosquitto() {
    let mut broker = Mosquitto::start("").await;
    let mut probe = Probe::connect(&broker.url()).await;
    let record = json!({ "status": "online" });
    let expiry = Duration::from_secs(600);
    probe.publish(Message::json("presence/alice", &record).retained().expires_in(expiry)).await;
    probe.leave().await;
    for _ in 0..2 {
        let [arrival] = retained(&broker.url(), "presence/+").await.try_into().expect("one record");
        assert_eq!((arrival.topic.as_str(), arrival.json()), ("presence/alice", record.clone()));
        assert!(
            arrival.expires_in.is_some_and(|left| left <= expiry && left > expiry - SOON),
            "{arrival:?}"
        );
        broker.stop();
        broker.start_again().await;
    }
}

#[tokio::test]
async fn the_probe_takes_any_bytes_and_sees_what_is_live() {
    let broker = Mosquitto::start("").await;
    let mut reader = Probe::connect(&broker.url()).await;
    reader.subscribe("#").await;
    let mut writer = Probe::connect(&broker.url()).await;
    writer.publish(Message::new("presence/alice", [0xff, 0x00]).unconfirmed()).await;
    let arrival = reader.wait_for(|arrival| arrival.topic == "presence/alice", AT_ONCE).await;
    assert_eq!((arrival.payload.as_slice(), arrival.retained), ([0xff, 0x00].as_slice(), false));
    reader.forget();
    assert!(reader.arrivals().is_empty());
    let large = "x".repeat(100_000);
    writer.publish(Message::new("presence/bob", large.clone()).retained()).await;
    assert_eq!(
        reader.wait_for(|arrival| arrival.topic == "presence/bob", AT_ONCE).await.text(),
        large
    );
}

#[tokio::test]
async fn a_will_is_published_for_a_crash_and_not_for_a_goodbye() {
    let broker = Mosquitto::start("").await;
    let mut reader = Probe::connect(&broker.url()).await;
    reader.subscribe("will/+").await;
    let with_will = async |topic: &str| {
        Probe::to(&broker.url()).will(Message::new(topic, "gone")).connect().await
    };
    with_will("will/polite").await.leave().await;
    drop(with_will("will/crashed").await);
    reader.wait_for(|arrival| arrival.topic == "will/crashed", AT_ONCE).await;
    never("the Will of the polite one", Duration::from_millis(200), || {
        reader.latest("will/polite")
    })
    .await;
}

#[tokio::test]
async fn a_client_id_that_is_taken_over_ends_the_elder_connection() {
    let broker = Mosquitto::start("").await;
    let elder = Probe::to(&broker.url()).client_id("same").connect().await;
    let _younger = Probe::to(&broker.url()).client_id("same").connect().await;
    // The reason is not looked at: Mosquitto 2.0.11 closes the socket without giving one.
    until("the take-over", SOON, || elder.ended()).await;
}

#[tokio::test]
async fn accounts_and_tls_are_what_they_say() {
    let broker =
        Mosquitto::setup().tls().account("alice", "secret").account("bob", "other").start().await;
    let (url, certificates) = broker.tls();
    let probe = || Probe::to(&url).authority(&certificates.authority);
    probe().login("alice", "secret").connect().await.leave().await;
    probe().login("bob", "other").connect().await.leave().await;
    let refused =
        probe().login("alice", "guessed").try_connect().await.expect_err("a wrong password");
    assert!(
        refused.contains("NotAuthorized") || refused.contains("BadUserNamePassword"),
        "{refused}"
    );
    Probe::to(&broker.url()).try_connect().await.expect_err("nobody in particular");
}

#[tokio::test]
async fn a_pulled_cable_closes_nothing_and_a_cut_one_does() {
    let broker = Mosquitto::start("").await;
    let cable = TcpProxy::to(broker.port()).await;
    let mut far = Probe::connect(&cable.url()).await;
    far.subscribe("news").await;
    let mut near = Probe::connect(&broker.url()).await;
    near.publish(Message::new("news", "1")).await;
    far.wait_for(|arrival| arrival.text() == "1", AT_ONCE).await;

    cable.pull();
    near.publish(Message::new("news", "2")).await;
    let silence = Duration::from_millis(200);
    never("a message through a pulled cable", silence, || {
        far.arrivals().len() > 1 || far.ended().is_some()
    })
    .await;
    cable.plug_in();
    far.wait_for(|arrival| arrival.text() == "2", AT_ONCE).await;

    cable.cut();
    until("the end of the connection", AT_ONCE, || far.ended()).await;
    Probe::connect(&cable.url()).await.leave().await;
}

#[tokio::test]
async fn two_clients_of_the_first_kind_see_each_other() {
    let broker = Mosquitto::start("").await;
    let mut alice = SeedClient::first(&broker.url(), "user-alice").await;
    let bob = SeedClient::first(&broker.url(), "user-bob").await;
    alice.wait_status("user-bob", "online", AT_ONCE).await;
    bob.wait_status("user-alice", "online", AT_ONCE).await;
    alice.types();
    bob.wait_typing("user-alice", true, AT_ONCE).await;
    bob.wait_typing("user-alice", false, Duration::from_secs(3) + AT_ONCE).await;
    alice.goes_away();
    bob.wait_status("user-alice", "away", AT_ONCE).await;
    alice.shows_activity();
    let mut probe = Probe::connect(&broker.url()).await;
    probe.subscribe("presence/+/activity").await;
    let activity =
        probe.wait_for(|arrival| arrival.topic == "presence/user-alice/activity", AT_ONCE).await;
    assert!(activity.json()["timestamp"].is_u64(), "{activity:?}");
    assert!(alice.leaves().await.success());
    bob.wait_status("user-alice", "offline", AT_ONCE).await;
}

#[tokio::test]
async fn two_clients_of_the_second_kind_see_each_other() {
    let broker = Mosquitto::start("").await;
    let carol = SeedClient::second(&broker.url(), "acme", "carol").await;
    let mut dave = SeedClient::second(&broker.url(), "acme", "dave").await;
    let stranger = SeedClient::second(&broker.url(), "other", "eve").await;
    carol.wait_status("dave", "online", AT_ONCE).await;
    dave.wait_status("carol", "online", AT_ONCE).await;
    dave.goes_away();
    carol.wait_status("dave", "away", AT_ONCE).await;
    dave.shows_activity();
    carol.wait_status("dave", "online", AT_ONCE).await;
    assert!(dave.leaves().await.success());
    carol.wait_status("dave", "offline", AT_ONCE).await;
    assert_eq!(stranger.status_of("carol"), None);
}

#[tokio::test]
async fn a_client_of_either_kind_that_crashes_is_offline_within_a_second() {
    let broker = Mosquitto::start("").await;
    let first = SeedClient::first(&broker.url(), "user-alice").await;
    let second = SeedClient::second(&broker.url(), "acme", "carol").await;
    let mut probe = Probe::connect(&broker.url()).await;
    probe.subscribe("presence/#").await;
    probe.quiet().await;
    for (client, topic) in [(first, "presence/user-alice"), (second, "presence/acme/carol")] {
        probe.forget();
        let watch = Stopwatch::start();
        client.crashes().await;
        let will = probe.wait_for(|arrival| arrival.topic == topic, AT_ONCE).await;
        assert_eq!(will.json()["status"], "offline", "{will:?}");
        assert!(watch.elapsed() < AT_ONCE, "{:?}", watch.elapsed());
    }
}

#[tokio::test]
async fn a_delayed_will_waits_and_a_return_in_time_withdraws_it() {
    let broker = Mosquitto::start("").await;
    let mut reader = Probe::connect(&broker.url()).await;
    reader.subscribe("will").await;
    let delay = Duration::from_secs(2);
    let client = || {
        let will = Message::new("will", "gone").delayed(delay);
        Probe::to(&broker.url()).client_id("flapping").resume().will(will)
    };
    drop(client().connect().await);
    let back = client().connect().await;
    never("the Will of one who came back", 2 * delay, || reader.latest("will")).await;

    let watch = Stopwatch::start();
    drop(back);
    reader.wait_for(|arrival| arrival.topic == "will", 5 * delay).await;
    assert!(watch.elapsed() >= delay - AT_ONCE, "{:?}", watch.elapsed());
}
