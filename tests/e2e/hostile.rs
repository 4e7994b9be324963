//! Strangers' bytes on a broker that lets everything through: each is counted and dropped, or shown
//! harmlessly, and what comes after it is heard.

use std::time::Duration;

use porchlight_tests::cli::Watch;
use porchlight_tests::until::{START, unix_ms};
use porchlight_tests::wire::Arrival;
use porchlight_tests::{Cli, Message, Mosquitto, Probe, Proc, never};
use serde_json::{Value, json};

/// What the promise "seen at once" may take on a busy machine.
const AT_ONCE: Duration = Duration::from_secs(1);
/// Long enough for whatever was on its way to arrive.
const A_WHILE: Duration = Duration::from_millis(300);
/// In Unix milliseconds.
const YEAR_40000: u64 = 1_200_000_000_000_000;

/// Bob watches a broker, and Mallory may write anything on it.
struct Room {
    broker: Mosquitto,
    bob: Cli,
    watch: Watch,
    mallory: Probe,
}

impl Room {
    async fn open() -> Self {
        let broker = Mosquitto::start("").await;
        let bob = Cli::new(&broker.url(), "bob", "desk");
        let watch = bob.watch_diagnosing();
        watch.wait_link(true, START).await;
        let mallory = Probe::connect(&broker.url()).await;
        Self { broker, bob, watch, mallory }
    }

    async fn publish(&mut self, topic: &str, payload: impl Into<Vec<u8>>) {
        self.mallory.publish(Message::new(topic, payload)).await;
    }

    async fn retain(&mut self, topic: &str, payload: impl Into<Vec<u8>>) {
        self.mallory.publish(Message::new(topic, payload).retained()).await;
    }

    /// The next good message is shown, and what came before it was dropped for these reasons and no
    /// others, on one connection.
    async fn dropped(&mut self, reasons: Value) {
        let name = format!("Carol {}", unix_ms());
        let record = json!({ "v": 1, "status": "online", "name": name });
        self.publish("presence/carol/device/phone", record.to_string()).await;
        // One client's messages arrive in their order, so by then the others have been judged.
        self.watch.wait_person("carol", |person| person["name"] == name.as_str(), AT_ONCE).await;
        let told = self.watch.diagnostics().unwrap_or_else(
            || json!({ "dropped": {}, "connects": 1, "link_failures": 0, "future_times": 0 }),
        );
        assert_eq!(told["dropped"], reasons, "{}", self.watch.proc());
        assert_eq!((&told["connects"], &told["link_failures"]), (&json!(1), &json!(0)), "{told}");
    }

    /// Alice's laptop, seen by Bob.
    async fn alice_comes(&self) -> (Cli, Proc) {
        let alice = Cli::new(&self.broker.url(), "alice", "laptop");
        let running = alice.run("none");
        self.watch.wait_status("alice", "online", START).await;
        (alice, running)
    }
}

#[tokio::test]
async fn a_retained_payload_of_10_mib_does_not_end_the_connection() {
    let mut room = Room::open().await;
    let (alice, _running) = room.alice_comes().await;
    room.retain("presence/mallory", vec![b'x'; 10 * 1024 * 1024]).await;
    room.dropped(json!({})).await;
    // It never came here; a message that did brings the counters, and they know of one connection.
    room.publish("presence/mallory", "{").await;
    room.dropped(json!({ "not_json": 1 })).await;
    assert_eq!(room.watch.diagnostics().expect("just looked at")["connects"], 1);
    // It is in the store, where every new reader finds it.
    let (persons, counters) = room.bob.who_diagnosing().await;
    assert!(persons.iter().any(|p| p["user"] == "alice" && p["status"] == "online"), "{persons:?}");
    assert_eq!((&counters["dropped"], &counters["connects"]), (&json!({}), &json!(1)));
    alice.set("dnd", None).await;
    room.watch.wait_status("alice", "dnd", AT_ONCE).await;
    assert_eq!(room.watch.statuses("alice"), ["online", "dnd"]);
}

#[tokio::test]
async fn a_record_of_more_than_4_kib_is_too_large() {
    let mut room = Room::open().await;
    let record = |bytes: usize| {
        let head = r#"{"v":1,"status":"online","x":""#;
        format!("{head}{}\"}}", "x".repeat(bytes - head.len() - 2))
    };
    room.publish("presence/mallory/device/a", record(4096)).await;
    room.dropped(json!({})).await;
    assert_eq!(room.watch.persons()["mallory"]["status"], "online");
    for bytes in [4097, 5 * 1024, 60 * 1024] {
        room.publish("presence/eve/device/a", record(bytes)).await;
    }
    room.dropped(json!({ "too_large": 3 })).await;
    assert!(!room.watch.persons().contains_key("eve"));
}

#[tokio::test]
async fn what_is_no_record_is_counted_by_what_is_wrong_with_it() {
    let mut room = Room::open().await;
    for topic in ["presence/mallory", "presence/mallory/device/a", "presence/mallory/activity"] {
        room.retain(topic, [0xff, 0xfe, b'{', b'}']).await;
        room.retain(topic, "{\"status\":").await;
        room.retain(topic, "[]").await;
        room.retain(topic, "42").await;
    }
    let mut reasons = json!({ "not_utf8": 3, "not_json": 3, "wrong_shape": 6 });
    room.dropped(reasons.clone()).await;
    for (record, reason) in [
        (json!({}), "wrong_shape"),
        (json!({ "v": 1, "status": ["online"] }), "wrong_shape"),
        (json!({ "v": 1, "status": "dancing" }), "unknown_status"),
        (json!({ "v": 2, "status": "online" }), "unknown_version"),
    ] {
        let count = reasons[reason].as_u64().unwrap_or(0) + 1;
        reasons[reason] = json!(count);
        room.retain("presence/mallory/device/a", record.to_string()).await;
        room.dropped(reasons.clone()).await;
    }
    assert!(!room.watch.persons().contains_key("mallory"));
    // An odd field that is not needed costs that field alone.
    let odd = json!({ "v": 1, "status": "online", "name": { "first": "M" }, "chosen": "dnd",
                      "since": -1, "epoch": 9_007_199_254_740_992_u64 });
    room.retain("presence/mallory/device/a", odd.to_string()).await;
    room.dropped(reasons).await;
    assert_eq!(room.watch.persons()["mallory"]["status"], "online");
}

#[tokio::test]
async fn deep_nesting_is_no_record_and_shallow_nesting_is() {
    let mut room = Room::open().await;
    let nested = |depth: usize| {
        let (open, close) = ("[".repeat(depth), "]".repeat(depth));
        format!("{{\"v\":1,\"status\":\"online\",\"x\":{open}{close}}}")
    };
    room.publish("presence/mallory/device/a", "[".repeat(4096)).await;
    room.publish("presence/mallory/device/a", "{\"a\":".repeat(800)).await;
    room.publish("presence/mallory/device/a", nested(2000)).await;
    room.dropped(json!({ "not_json": 3 })).await;
    assert!(!room.watch.persons().contains_key("mallory"));
    room.publish("presence/mallory/device/a", nested(100)).await;
    room.dropped(json!({ "not_json": 3 })).await;
    assert_eq!(room.watch.persons()["mallory"]["status"], "online");
}

#[tokio::test]
async fn ids_that_are_none_are_nobody() {
    let mut room = Room::open().await;
    let long = "x".repeat(300);
    let record = r#"{"v":1,"status":"online"}"#;
    let ids = ["__proto__", "$SYS", "_x", "typing", "device", "Zoe\u{308}", "", &long];
    for id in ids {
        room.retain(&format!("presence/{id}"), record).await;
        room.retain(&format!("presence/{id}/device/a"), record).await;
        room.retain(&format!("presence/mallory/device/{id}"), record).await;
    }
    room.dropped(json!({ "bad_id": 3 * ids.len() })).await;
    assert_eq!(room.watch.persons().into_keys().collect::<Vec<_>>(), ["carol"]);
    // Words that mean something in other languages are names like any other here.
    for id in ["constructor", "prototype", "null", "<b>", "a b", "日本", &"x".repeat(64)] {
        room.publish(&format!("presence/{id}/device/{id}"), record).await;
        room.watch.wait_status(id, "online", AT_ONCE).await;
    }
    room.dropped(json!({ "bad_id": 3 * ids.len() })).await;
}

#[tokio::test]
async fn names_and_texts_are_shown_as_text_without_what_deceives() {
    let mut room = Room::open().await;
    for (name, shown) in [
        ("__proto__", "__proto__"),
        ("<img src=x onerror=alert(1)>", "<img src=x onerror=alert(1)>"),
        ("{{7*7}} %s ${HOME}", "{{7*7}} %s ${HOME}"),
        ("Ali\u{7}ce\u{1b}[31m\u{0}", "Alice[31m"),
        ("evil\u{202e}txt.exe\u{2066}\u{200f}", "eviltxt.exe"),
        ("two\r\nlines\u{2028}here", "two lines here"),
        ("\u{200b}\u{feff}", "mallory"),
    ] {
        let chosen = json!({ "rev": 1, "status": "dnd", "text": format!("t{name}") });
        let record = json!({ "v": 1, "status": "online", "name": name, "chosen": chosen });
        room.publish("presence/mallory/device/a", record.to_string()).await;
        room.dropped(json!({})).await;
        let person = room.watch.persons().remove("mallory").expect("a name is no reason to drop");
        assert_eq!(person["name"], shown, "{person}");
        let text = if shown == "mallory" { "t".to_owned() } else { format!("t{shown}") };
        assert_eq!(person["text"], text.as_str(), "{person}");
    }
    let long = json!({ "v": 1, "status": "online", "name": "x".repeat(1000) });
    room.publish("presence/mallory/device/a", long.to_string()).await;
    room.dropped(json!({})).await;
    let name = room.watch.persons()["mallory"]["name"].as_str().map(|name| name.chars().count());
    assert_eq!(name, Some(64));
    // On a terminal, too, where a control character would do something.
    let escape = json!({ "v": 1, "status": "online", "name": "M\u{1b}[2Jallory" });
    room.retain("presence/mallory/device/a", escape.to_string()).await;
    let (exit, output) = room.bob.finish(&["who"]).await;
    assert!(exit.success() && output.contains("M[2Jallory"), "{output}");
    assert!(!output.contains('\u{1b}'), "{output:?}");
}

#[tokio::test]
async fn a_time_in_the_year_40000_is_taken_for_now() {
    let mut room = Room::open().await;
    let before = unix_ms();
    let away = json!({ "v": 1, "status": "away", "since": YEAR_40000, "timestamp": YEAR_40000 });
    let seed = json!({ "status": "online", "timestamp": YEAR_40000 });
    let activity = json!({ "timestamp": YEAR_40000 });
    room.retain("presence/mallory/device/a", away.to_string()).await;
    room.retain("presence/eve", seed.to_string()).await;
    room.retain("presence/eve/activity", activity.to_string()).await;
    room.dropped(json!({})).await;
    let (listed, counters) = room.bob.who_diagnosing().await;
    assert_eq!((&counters["dropped"], &counters["future_times"]), (&json!({}), &json!(3)));
    let live: Vec<_> = room.watch.persons().into_values().collect();
    for (persons, user) in
        [(&live, "mallory"), (&live, "eve"), (&listed, "mallory"), (&listed, "eve")]
    {
        let person = persons.iter().find(|person| person["user"] == user).expect("it counts");
        let since = person["since"].as_u64().expect("it tells a time");
        assert!((before - 1000..=unix_ms()).contains(&since), "{person}");
    }
    // One above what all readers of JSON agree on is no time.
    room.publish("presence/mallory/activity", r#"{"timestamp":9007199254740992}"#).await;
    room.dropped(json!({ "out_of_range": 1 })).await;
}

#[tokio::test]
async fn garbage_on_our_own_device_topic_is_written_over_but_not_for_ever() {
    let mut room = Room::open().await;
    let (alice, _running) = room.alice_comes().await;
    let topic = "presence/alice/device/laptop";
    let ours = |arrival: &Arrival| {
        arrival.topic == topic && arrival.json()["name"] == "alice" && arrival.json()["v"] == 1
    };
    room.mallory.subscribe(topic).await;
    room.mallory.wait_for(ours, AT_ONCE).await;
    let future =
        json!({ "v": 1, "status": "offline", "timestamp": YEAR_40000, "epoch": YEAR_40000 });
    for garbage in ["{garbage", "", "{}", r#"{"v":1,"status":"offline"}"#, &future.to_string()] {
        room.mallory.forget();
        room.retain(topic, garbage).await;
        let back = room.mallory.wait_for(ours, AT_ONCE).await;
        assert_eq!(back.json()["status"], "online", "{back:?}");
    }
    room.dropped(json!({ "not_json": 1, "wrong_shape": 1 })).await;
    room.watch.wait_status("alice", "online", AT_ONCE).await;
    // A program that goes on wins for the rest of the minute. Otherwise two programs would write for ever.
    room.mallory.forget();
    room.retain(topic, "more garbage").await;
    never("a sixth correction", A_WHILE, || room.mallory.arrivals().into_iter().find(ours)).await;
    // The device still publishes what the person does.
    alice.set("dnd", None).await;
    let dnd = |arrival: &Arrival| ours(arrival) && arrival.json()["chosen"]["status"] == "dnd";
    room.mallory.wait_for(dnd, AT_ONCE).await;
    room.watch.wait_status("alice", "dnd", AT_ONCE).await;
}

#[tokio::test]
async fn garbage_on_our_own_user_topic_is_written_over() {
    let mut room = Room::open().await;
    let (_alice, _running) = room.alice_comes().await;
    let sum = |arrival: &Arrival| {
        arrival.topic == "presence/alice"
            && arrival.json()["v"] == 1
            && arrival.json()["status"] == "online"
    };
    room.mallory.subscribe("presence/+").await;
    room.mallory.wait_for(sum, AT_ONCE).await;
    for garbage in ["{garbage", "", r#"{"v":1,"status":"offline"}"#, r#"{"status":"offline"}"#] {
        room.mallory.forget();
        room.retain("presence/alice", garbage).await;
        room.mallory.wait_for(sum, AT_ONCE).await;
    }
    room.dropped(json!({ "not_json": 1 })).await;
    // Readers of device records believe the device.
    assert_eq!(room.watch.statuses("alice"), ["online"]);
}

#[tokio::test]
async fn an_empty_payload_clears() {
    let mut room = Room::open().await;
    let forgotten = |watch: &Watch, user: &str| {
        watch.events().iter().filter(|event| event["forgotten"] == user).count()
    };
    for topic in ["presence/mallory/device/a", "presence/mallory"] {
        let before = forgotten(&room.watch, "mallory");
        room.retain(topic, r#"{"status":"online"}"#).await;
        room.dropped(json!({})).await;
        assert_eq!(room.watch.persons()["mallory"]["status"], "online");
        room.retain(topic, "").await;
        room.dropped(json!({})).await;
        assert_eq!(forgotten(&room.watch, "mallory"), before + 1, "{}", room.watch.proc());
    }
    // Clearing what was never there is no news.
    room.publish("presence/nobody", "").await;
    room.publish("presence/nobody/activity", "").await;
    room.publish("presence/nobody/typing", "").await;
    room.dropped(json!({})).await;
    assert_eq!(forgotten(&room.watch, "nobody"), 0);
    assert!(room.bob.who().await.is_empty());
}

#[tokio::test]
async fn a_retained_typing_mark_is_dropped() {
    let mut room = Room::open().await;
    room.retain("presence/mallory", r#"{"status":"online"}"#).await;
    room.retain("presence/mallory/typing", r#"{"isTyping":true}"#).await;
    room.dropped(json!({})).await;
    let (persons, counters) = room.bob.who_diagnosing().await;
    assert_eq!(counters["dropped"], json!({ "retained_signal": 1 }));
    let mallory = persons.iter().find(|person| person["user"] == "mallory").expect("online");
    assert!(mallory["typing"].is_null(), "{mallory}");
}

#[tokio::test]
async fn a_will_of_an_earlier_session_is_a_ghost() {
    let mut room = Room::open().await;
    let (_alice, _running) = room.alice_comes().await;
    let topic = "presence/carol/device/laptop";
    let here = json!({ "v": 1, "status": "online", "epoch": 2000 });
    let lost = |epoch: u64| json!({ "v": 1, "status": "offline", "cause": "lost", "epoch": epoch });
    room.publish(topic, here.to_string()).await;
    room.publish(topic, lost(1999).to_string()).await;
    room.dropped(json!({ "ghost": 1 })).await;
    assert_eq!(room.watch.statuses("carol"), ["online"]);
}
