//! One member tries to fill the hub's memory or to block the others, and fails.

use crate::apart::{Apart, PEAK};
use crate::raw::{
    Raw, Wanted, frame, named, publish, publish_with, subscribe, unsubscribe, user_properties,
};
use crate::world::within;
use porchlight_core::team::Joined;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::{Instant, interval, timeout};

/// Duration of an attack that nothing else ends.
const LONG: Duration = Duration::from_secs(15);
/// Maximum wait of another member for the answer to a PING meanwhile, on a busy computer. A client gives up
/// its connection after 8 s.
const PATIENCE: Duration = Duration::from_secs(3);

/// Publishes Eve's records, with everything that a publish can contain in addition to its payload.
async fn fill(hub: &Apart, eve: &Joined, properties: usize, payload: usize) {
    let mut raw = Raw::connect(hub.plain, &eve.credential, named("fills")).await;
    for device in 0..16 {
        let topic = format!("presence/eve/device/d{device}");
        let properties = if properties == 0 { Vec::new() } else { user_properties(properties) };
        let record = publish_with(&topic, 1, device + 1, true, &properties, &vec![b'x'; payload]);
        if !raw.send(&record).await || raw.next_of(4).await.is_none() {
            // Refused, so try the smaller ones.
            raw = Raw::connect(hub.plain, &eve.credential, named("fills")).await;
            let record = publish(&topic, 1, 1, true, &vec![b'x'; 8_000]);
            assert!(raw.send(&record).await);
            assert!(raw.next_of(4).await.is_some());
        }
    }
}

#[tokio::test]
async fn one_filter_a_thousand_times_in_one_packet_fills_nothing() {
    let hub = Apart::start().await;
    let eve = hub.joins("Eve").await;
    fill(&hub, &eve, 56_000, 2).await;
    let mut raw = Raw::connect(hub.plain, &eve.credential, named("greedy")).await;
    raw.send(&subscribe(&["presence/eve/device/+"; 1_000], 0)).await;
    hub.serves("a subscription of a thousand filters").await;
    hub.end("one filter a thousand times").await;
}

#[tokio::test]
async fn one_filter_in_the_largest_packets_fills_nothing() {
    let hub = Apart::start().await;
    let eve = hub.joins("Eve").await;
    fill(&hub, &eve, 0, 4_096).await;
    // 64 KiB, then the maximum that the hub accepts.
    for times in [2_700, 370] {
        for n in 0..9 {
            let id = format!("greedy{n}");
            let mut raw = Raw::connect(hub.plain, &eve.credential, named(&id)).await;
            raw.send(&subscribe(&["presence/eve/device/+"; 2_700][..times], 0)).await;
            hub.serves("large subscriptions").await;
        }
    }
    hub.end("the same filter in nine packets").await;
}

/// Returns different filters that all match Eve's records, so that the hub refuses none as a repetition.
#[tokio::test]
async fn many_filters_that_match_the_same_fill_nothing() {
    let hub = Apart::start().await;
    let eve = hub.joins("Eve").await;
    fill(&hub, &eve, 0, 8_000).await;
    let mut filters = vec!["presence/+/device/+".to_owned(), "presence/eve/device/+".to_owned()];
    for device in 0..16 {
        filters.push(format!("presence/+/device/d{device}"));
        filters.push(format!("presence/eve/device/d{device}"));
    }
    let filters: Vec<&str> = filters.iter().map(String::as_str).collect();
    let mut greedy = Vec::new();
    for n in 0..24 {
        let id = format!("greedy{n}");
        let mut raw = Raw::connect(hub.plain, &eve.credential, named(&id)).await;
        raw.send(&subscribe(&filters, 0).repeat(20)).await;
        greedy.push(raw);
    }
    hub.serves("many filters").await;
    hub.end("many filters that match the same").await;
}

#[tokio::test]
async fn sixty_sessions_that_wait_for_the_same_messages_fill_nothing() {
    let hub = Apart::start().await;
    let eve = hub.joins("Eve").await;
    for n in 0..60 {
        let id = format!("waits{n}");
        let wanted = Wanted { expiry_s: 3_600, clean: false, ..named(&id) };
        let mut raw = Raw::connect(hub.plain, &eve.credential, wanted).await;
        let granted = within("a SUBACK", raw.subscribe(&["presence/eve/inbox/+"])).await;
        assert_eq!(granted, Some(vec![1]));
    }
    say(&hub, &eve, 4, "presence/eve/inbox/eve", 1, 12 << 20, || false).await;
    hub.end("sixty waiting sessions").await;
}

/// Publishes `bytes` to the topic from several connections, or until it is enough.
async fn say(
    hub: &Apart,
    eve: &Joined,
    connections: usize,
    topic: &'static str,
    qos: u8,
    bytes: usize,
    enough: impl Fn() -> bool,
) {
    let stop = Arc::new(AtomicBool::new(false));
    let mut saying = JoinSet::new();
    for n in 0..connections {
        let id = format!("says{n}");
        let mut raw = Raw::connect(hub.plain, &eve.credential, named(&id)).await;
        let stop = Arc::clone(&stop);
        saying.spawn(async move {
            let payload = vec![b'x'; 8_000];
            // At the maximum rate of one connection. Beyond that the hub drops messages.
            let mut tick = interval(Duration::from_millis(16));
            for n in 0..bytes / connections / payload.len() {
                tick.tick().await;
                let id = u16::try_from(n % 60_000).unwrap() + 1;
                if stop.load(Ordering::Relaxed)
                    || !raw.send(&publish(topic, qos, id, false, &payload)).await
                    || (qos == 1 && raw.next_of(4).await.is_none())
                {
                    return;
                }
            }
        });
    }
    let started = Instant::now();
    while !saying.is_empty() {
        let _ = timeout(Duration::from_millis(50), saying.join_next()).await;
        if enough() || started.elapsed() > LONG || hub.peak() > PEAK {
            stop.store(true, Ordering::Relaxed);
            saying.abort_all();
        }
    }
}

/// Twenty-four connections send messages at `QoS` 2 and never release them, until the hub has closed all
/// connections.
async fn hold(hub: &Apart, payload: usize) {
    let eve = hub.joins("Eve").await;
    let mut sending = JoinSet::new();
    for n in 0..24 {
        let id = format!("holds{n}");
        let mut raw = Raw::connect(hub.plain, &eve.credential, named(&id)).await;
        sending.spawn(async move {
            let payload = vec![b'x'; payload];
            let mut tick = interval(Duration::from_micros(2 * payload.len() as u64));
            for id in 1..=1_000 {
                tick.tick().await;
                // Read the answers, so that nothing else ends the connection.
                let message = publish("presence/eve/typing", 2, id, false, &payload);
                if !raw.send(&message).await || raw.next_of(5).await.is_none() {
                    return;
                }
            }
        });
    }
    let started = Instant::now();
    while !sending.is_empty() && started.elapsed() < LONG && hub.peak() <= PEAK {
        let _ = timeout(Duration::from_millis(50), sending.join_next()).await;
    }
    assert!(sending.is_empty(), "all are closed");
}

#[tokio::test]
async fn messages_that_are_never_released_fill_nothing() {
    for payload in [60_000, 8_000] {
        let hub = Apart::start().await;
        hold(&hub, payload).await;
        hub.end("messages of QoS 2 that nobody releases").await;
    }
}

/// The misbehaviour of a reader.
#[derive(Debug, Clone, Copy)]
enum Deaf {
    /// It reads nothing.
    Reading(Carried),
    /// It reads everything, and acknowledges nothing.
    Acknowledging,
}

/// Four connections subscribe to topics that everybody may read. Returns whether the hub closes all of them
/// before many bytes were published.
async fn deaf(hub: &Apart, how: Deaf) -> bool {
    let eve = hub.joins("Eve").await;
    let (who, filter) = (&eve.credential, "presence/+/typing");
    let mut deaf = JoinSet::new();
    for n in 0..4 {
        let id = format!("deaf{n}");
        match how {
            Deaf::Acknowledging => {
                let mut raw = Raw::connect(hub.plain, who, named(&id)).await;
                assert_eq!(within("a SUBACK", raw.subscribe_at(&[filter], 1)).await, Some(vec![1]));
                deaf.spawn(async move { while raw.next().await.is_some() {} });
            }
            Deaf::Reading(by) => {
                let (mut raw, ping) = match by {
                    Carried::Plain => {
                        let mut raw = Raw::connect(hub.plain, who, named(&id)).await;
                        raw.send(&subscribe(&[filter], 0)).await;
                        (raw, vec![0xc0, 0])
                    }
                    Carried::WebSocket => {
                        let raw = Raw::connect_web_socket(hub.plain, who, named(&id)).await;
                        let mut raw = raw.unwrap();
                        raw.send(&frame(&subscribe(&[filter], 0))).await;
                        (raw, frame(&[0xc0, 0]))
                    }
                };
                // It notices its end when it writes.
                deaf.spawn(async move {
                    while raw.send(&ping).await {
                        tokio::time::sleep(Duration::from_millis(100)).await;
                    }
                });
            }
        }
    }
    let qos = u8::from(matches!(how, Deaf::Acknowledging));
    let cut = std::cell::Cell::new(0);
    let deaf = std::cell::RefCell::new(deaf);
    say(hub, &eve, 24, "presence/eve/typing", qos, 256 << 20, || {
        while deaf.borrow_mut().try_join_next().is_some() {
            cut.set(cut.get() + 1);
        }
        cut.get() == 4
    })
    .await;
    cut.get() == 4
}

#[tokio::test]
async fn readers_that_do_not_read_fill_nothing() {
    for by in [Carried::Plain, Carried::WebSocket] {
        let hub = Apart::start().await;
        let cut = deaf(&hub, Deaf::Reading(by)).await;
        hub.end("four readers that do not read").await;
        assert!(cut, "they are cut");
    }
}

#[tokio::test]
async fn a_reader_that_acknowledges_nothing_fills_nothing() {
    let hub = Apart::start().await;
    let cut = deaf(&hub, Deaf::Acknowledging).await;
    hub.end("four readers that acknowledge nothing").await;
    assert!(cut, "they are cut");
}

/// Twenty-four connections of one member send this repeatedly, as fast as the hub reads it. Nobody else has
/// to wait.
async fn storm(of: &str, packets: Vec<u8>) {
    storm_by(of, Carried::Plain, packets).await;
}

/// The transport of MQTT.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Carried {
    Plain,
    WebSocket,
}

async fn storm_by(of: &str, by: Carried, packets: Vec<u8>) {
    let hub = Apart::start().await;
    let eve = hub.joins("Eve").await;
    let bob = hub.joins("Bob").await;
    let mut friend = Raw::connect(hub.plain, &bob.credential, named("friend")).await;
    let packets = Arc::new(packets);
    let mut storm = JoinSet::new();
    for n in 0..24 {
        let (addr, eve, packets) = (hub.plain, eve.clone(), Arc::clone(&packets));
        storm.spawn(async move {
            loop {
                // It reconnects at once when the hub closes it.
                let id = format!("storms{n}");
                let (who, wanted) = (&eve.credential, named(&id));
                let connected = match by {
                    Carried::Plain => Raw::try_connect(addr, Some(who), wanted).await,
                    Carried::WebSocket => Raw::connect_web_socket(addr, who, wanted).await,
                };
                let Ok(raw) = connected else { continue };
                let (mut read, mut write) = raw.stream.into_split();
                let reading = tokio::spawn(async move {
                    tokio::io::copy(&mut read, &mut tokio::io::sink()).await
                });
                while tokio::io::AsyncWriteExt::write_all(&mut write, &packets).await.is_ok() {}
                reading.abort();
            }
        });
    }
    let started = Instant::now();
    let mut longest = Duration::ZERO;
    while started.elapsed() < Duration::from_secs(3) {
        let asked = Instant::now();
        assert!(friend.send(&[0xc0, 0]).await, "{of}: the friend is still connected");
        within("a PINGRESP", friend.next_of(13)).await.unwrap();
        longest = longest.max(asked.elapsed());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    println!("{of}: the longest that another waited: {longest:?}");
    let asked = Instant::now();
    within("a log-in", Raw::connect(hub.plain, &bob.credential, named("late"))).await;
    println!("{of}: a log-in took {:?}", asked.elapsed());
    assert!(longest < PATIENCE, "{of}: {longest:?}");
    assert!(asked.elapsed() < PATIENCE, "{of}: a log-in took {:?}", asked.elapsed());
    storm.abort_all();
    hub.end(of).await;
}

#[tokio::test]
async fn refused_subscriptions_keep_nobody_waiting() {
    storm("refused subscriptions", subscribe(&["a"; 16_000], 0)).await;
}

#[tokio::test]
async fn refused_messages_keep_nobody_waiting() {
    storm("refused messages", publish("presence/bob/typing", 1, 7, false, b"x").repeat(1_000))
        .await;
}

#[tokio::test]
async fn pings_keep_nobody_waiting() {
    storm("pings", [0xc0, 0].repeat(10_000)).await;
}

#[tokio::test]
async fn ended_subscriptions_keep_nobody_waiting() {
    storm("ended subscriptions", unsubscribe(&["a"; 16_000])).await;
}

#[tokio::test]
async fn pings_of_web_sockets_keep_nobody_waiting() {
    storm_by("WebSocket pings", Carried::WebSocket, b"\x89\x80\0\0\0\0".repeat(4_000)).await;
}

#[tokio::test]
async fn empty_frames_keep_nobody_waiting() {
    storm_by("empty frames", Carried::WebSocket, b"\x82\x80\0\0\0\0".repeat(4_000)).await;
}
