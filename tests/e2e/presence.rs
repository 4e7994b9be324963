//! One person's devices as the others see them.

use std::time::Duration;

use porchlight_tests::certificates::Certificates;
use porchlight_tests::cli::Watch;
use porchlight_tests::process::Exit;
use porchlight_tests::until::{SOON, START, unix_ms};
use porchlight_tests::wire::Arrival;
use porchlight_tests::{
    Broker, Cli, Mosquitto, Probe, Proc, Signal, Stopwatch, never, on_each_broker, until,
};
use serde_json::{Value, json};

/// What the promise "seen at once" may take on a busy machine.
const AT_ONCE: Duration = Duration::from_secs(1);
/// Within this time a goodbye must show.
const GOODBYE: Duration = Duration::from_millis(300);
/// Within this time the hub's clients must see a crash: the grace and a moment. Mosquitto 2.0.11 looks at
/// the Wills that wait only every few seconds.
const LOSS: Duration = Duration::from_millis(6500);
const LATE_LOSS: Duration = Duration::from_secs(12);
/// For how long the broker keeps a record.
const EXPIRY: Duration = Duration::from_secs(30 * 24 * 60 * 60);
/// Long enough for whatever was on its way to arrive.
const A_WHILE: Duration = Duration::from_millis(300);
/// The command line's threshold in these tests, far from what a busy machine takes for anything.
const WATCHED: [&str; 5] = ["run", "--activity", "stdin", "--away-after", "60s"];

on_each_broker!(
    a_killed_device_is_seen_lost_after_the_grace,
    a_device_that_quits_is_seen_to_have_left_within_300_ms,
    a_choice_is_obeyed_by_every_running_device_and_stands_in_its_record,
    no_command_beside_a_running_device_disturbs_it,
);

/// Bob, who watches, with his link up.
async fn bob_watches(broker: &str) -> Watch {
    let watch = Cli::new(broker, "bob", "desk").watch();
    watch.wait_link(true, START).await;
    watch
}

/// Alice's laptop with input just now, seen online by the watch.
async fn alice_types(alice: &Cli, watch: &Watch) -> Proc {
    let mut running = alice.start(&WATCHED);
    running.say(r#"{"active":true}"#);
    // "Online" alone could still be that nobody knows.
    watch.wait_person("alice", |p| p["status"] == "online" && p["cause"].is_null(), START).await;
    running
}

/// A probe that has read alice's device records, each under `{root}/alice/device/`.
async fn look_at_alice(broker: &str) -> Probe {
    let mut probe = Probe::connect(broker).await;
    probe.subscribe("presence/alice/device/+").await;
    probe.quiet().await;
    probe
}

fn near(told: &Value, ms: u64) -> bool {
    // Readers count back from the record's age, which brokers tell in whole seconds.
    told.as_u64().is_some_and(|told| told.abs_diff(ms) <= 1500)
}

fn ms(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).expect("less than 500 million years")
}

/// The fastest of some rounds measures the program, the slowest what else the machine does.
fn fastest(what: &str, rounds: &[Duration]) -> Duration {
    eprintln!("{what} after {rounds:?}");
    *rounds.iter().min().expect("there was a round")
}

async fn a_killed_device_is_seen_lost_after_the_grace(broker: Broker) {
    let loss = if matches!(broker, Broker::Hub(_)) { LOSS } else { LATE_LOSS };
    let watch = bob_watches(&broker.url()).await;
    let alice = Cli::new(&broker.url(), "alice", "laptop");
    let mut rounds = Vec::new();
    for _ in 0..3 {
        let mut running = alice_types(&alice, &watch).await;
        let clock = Stopwatch::start();
        running.kill();
        let gone = watch.wait_status("alice", "offline", 2 * LATE_LOSS).await;
        rounds.push(clock.elapsed());
        assert_eq!(gone["cause"], "lost", "{gone}");
        assert_eq!(gone["devices"][0]["status"], "offline", "{gone}");
    }
    assert!(fastest("a killed device was seen lost", &rounds) <= loss, "{rounds:?}");
}

async fn a_device_that_quits_is_seen_to_have_left_within_300_ms(broker: Broker) {
    let watch = bob_watches(&broker.url()).await;
    let alice = Cli::new(&broker.url(), "alice", "laptop");
    let mut rounds = Vec::new();
    for _ in 0..5 {
        let running = alice_types(&alice, &watch).await;
        let clock = Stopwatch::start();
        running.signal_leader(Signal::TERM);
        let gone = watch.wait_status("alice", "offline", SOON).await;
        rounds.push(clock.elapsed());
        assert_eq!(gone["cause"], "left", "{gone}");
        assert!(running.wait_exit(SOON).await.success(), "{running}");
    }
    assert!(fastest("a device that quit was seen gone", &rounds) <= GOODBYE, "{rounds:?}");
    // It said goodbye each time, so its Will is void.
    let lost = || watch.events().iter().any(|event| event["cause"] == "lost");
    never("a loss after a goodbye", A_WHILE, lost).await;
}

#[tokio::test]
async fn input_makes_online_and_its_lack_makes_away_since_the_last_of_it() {
    let broker = Mosquitto::start("").await;
    let watch = bob_watches(&broker.url()).await;
    let alice = Cli::new(&broker.url(), "alice", "laptop");
    let mut running = alice_types(&alice, &watch).await;
    let last_input = unix_ms() - 120_000;
    running.say(&json!({ "idle_since": last_input }).to_string());
    let away = watch.wait_status("alice", "away", AT_ONCE).await;
    assert_eq!(away["cause"], "idle", "{away}");
    assert!(near(&away["since"], last_input), "not away since {last_input}: {away}");
    let before = unix_ms();
    running.say(r#"{"active":true}"#);
    let back = watch.wait_status("alice", "online", AT_ONCE).await;
    assert!(back["cause"].is_null(), "{back}");
    assert!(near(&back["since"], before), "not online since {before}: {back}");
}

#[tokio::test]
async fn a_pause_becomes_an_absence_at_the_threshold_without_another_word() {
    let broker = Mosquitto::start("").await;
    let watch = bob_watches(&broker.url()).await;
    let alice = Cli::new(&broker.url(), "alice", "laptop");
    let mut running = alice.start(&["run", "--activity", "stdin", "--away-after", "3s"]);
    running.say(r#"{"active":true}"#);
    watch.wait_status("alice", "online", START).await;
    let (last_input, clock) = (unix_ms(), Stopwatch::start());
    running.say(&json!({ "idle_since": last_input }).to_string());
    let threshold = Duration::from_secs(3);
    let away = watch.wait_status("alice", "away", threshold + AT_ONCE).await;
    assert!(clock.elapsed() >= threshold - A_WHILE, "away after {:?}", clock.elapsed());
    assert!(near(&away["since"], last_input), "not away since {last_input}: {away}");
}

#[tokio::test]
async fn a_locked_screen_is_away_at_once_and_unlocking_ends_it() {
    let broker = Mosquitto::start("").await;
    let watch = bob_watches(&broker.url()).await;
    let alice = Cli::new(&broker.url(), "alice", "laptop");
    let mut running = alice_types(&alice, &watch).await;
    running.say(r#"{"locked":true}"#);
    let away = watch.wait_status("alice", "away", AT_ONCE).await;
    assert_eq!(away["cause"], "locked", "{away}");
    running.say(r#"{"locked":false}"#);
    watch.wait_status("alice", "online", AT_ONCE).await;
}

#[tokio::test]
async fn a_call_is_a_do_not_disturb_where_the_config_says_so_and_ends_with_it() {
    let broker = Mosquitto::start("").await;
    let watch = bob_watches(&broker.url()).await;
    for (calls, status) in [("true", "online"), ("\"dnd\"", "dnd")] {
        let alice = Cli::new(&broker.url(), "alice", "laptop")
            .configured(&format!("[activity]\ncalls = {calls}\n"));
        let mut running = alice_types(&alice, &watch).await;
        // Perhaps before it is connected: the program that was here before is still seen.
        running.say(r#"{"in_call":true}"#);
        let called = |person: &Value| person["in_call"] == true && person["status"] == status;
        watch.wait_person("alice", called, AT_ONCE).await;
        running.say(r#"{"in_call":false}"#);
        let over = |person: &Value| person["in_call"].is_null() && person["status"] == "online";
        watch.wait_person("alice", over, AT_ONCE).await;
        // The person's own choice has priority, during the call and after it.
        alice.set("away", None).await;
        running.say(r#"{"in_call":true}"#);
        watch.wait_person("alice", |person| person["status"] == "away", AT_ONCE).await;
        running.say(r#"{"in_call":false}"#);
        never("another status", A_WHILE, || watch.persons()["alice"]["status"] != "away").await;
        alice.clear().await;
        watch.wait_status("alice", "online", AT_ONCE).await;
    }
}

#[tokio::test]
async fn a_machine_that_sleeps_is_offline_asleep_and_comes_back() {
    let broker = Mosquitto::start("").await;
    let watch = bob_watches(&broker.url()).await;
    let alice = Cli::new(&broker.url(), "alice", "laptop");
    let mut running = alice_types(&alice, &watch).await;
    running.say(r#"{"suspending":true}"#);
    let gone = watch.wait_status("alice", "offline", AT_ONCE).await;
    assert_eq!(gone["cause"], "asleep", "{gone}");
    // It took its leave, so that no Will follows.
    never("anything else while it sleeps", A_WHILE, || {
        watch.persons()["alice"]["cause"] != "asleep"
    })
    .await;
    running.say(r#"{"resumed":true}"#);
    running.say(r#"{"active":true}"#);
    let back = watch.wait_status("alice", "online", AT_ONCE).await;
    assert!(back["cause"].is_null(), "{back}");
}

#[tokio::test]
async fn a_second_device_keeps_the_person_online() {
    let broker = Mosquitto::start("").await;
    let watch = bob_watches(&broker.url()).await;
    let laptop = Cli::new(&broker.url(), "alice", "laptop");
    let desk = Cli::new(&broker.url(), "alice", "desk");
    let mut killed = alice_types(&laptop, &watch).await;
    let _stays = desk.run("none");
    let devices = |person: &Value, here: usize| {
        let devices = person["devices"].as_array().cloned().unwrap_or_default();
        devices.iter().filter(|device| device["status"] == "online").count() == here
            && devices.len() == 2
    };
    watch.wait_person("alice", |person| devices(person, 2), START).await;
    killed.kill();
    let one = watch.wait_person("alice", |person| devices(person, 1), 2 * LATE_LOSS).await;
    assert_eq!(one["status"], "online", "{one}");
    let lost = json!({ "device": "laptop", "status": "offline", "cause": "lost" });
    let listed = &one["devices"][1];
    for field in ["device", "status", "cause"] {
        assert_eq!(listed[field], lost[field], "{one}");
    }
    assert_eq!(watch.statuses("alice"), ["online"]);
}

async fn a_choice_is_obeyed_by_every_running_device_and_stands_in_its_record(broker: Broker) {
    let url = broker.url();
    let watch = bob_watches(&url).await;
    let laptop = Cli::new(&url, "alice", "laptop");
    let desk = Cli::new(&url, "alice", "desk");
    let mut running = alice_types(&laptop, &watch).await;
    let _other = desk.run("none");
    watch.wait_person("alice", |person| !person["devices"][1].is_null(), START).await;
    let probe = look_at_alice(&url).await;

    let (exit, _) = laptop.finish(&["set", "dnd", "Deep work", "--emoji", "🎧"]).await;
    assert!(exit.success());
    let dnd = watch.wait_status("alice", "dnd", AT_ONCE).await;
    assert_eq!((&dnd["text"], &dnd["emoji"]), (&json!("Deep work"), &json!("🎧")));
    assert_eq!((&dnd["cause"], &dnd["until"]), (&json!("chosen"), &Value::Null));
    let chosen = async |probe: &Probe, device: &str, status: Value| {
        let topic = format!("presence/alice/device/{device}");
        until(format!("{status} in the record of {device}"), AT_ONCE, || {
            let record = probe.latest(&topic)?.json();
            (record["chosen"]["status"] == status).then_some(record)
        })
        .await
    };
    for device in ["laptop", "desk"] {
        let record = chosen(&probe, device, json!("dnd")).await;
        assert_eq!(record["chosen"]["text"], "Deep work", "{record}");
        // The record has what the device observes beside it.
        assert_eq!(record["status"], "online", "{record}");
    }
    // What is observed goes on under the choice, and comes to light when that is taken back.
    running.say(r#"{"locked":true}"#);
    until("the lock in the record", AT_ONCE, || {
        probe.latest("presence/alice/device/laptop")?.json()["cause"].eq("locked").then_some(())
    })
    .await;
    assert_eq!(watch.persons()["alice"]["status"], "dnd");
    running.say(r#"{"locked":false}"#);
    laptop.clear().await;
    let free = watch.wait_status("alice", "online", AT_ONCE).await;
    assert!(free["text"].is_null() && free["emoji"].is_null(), "{free}");
    for device in ["laptop", "desk"] {
        chosen(&probe, device, Value::Null).await;
    }
}

#[tokio::test]
async fn a_choice_for_two_seconds_ends_by_itself() {
    let broker = Mosquitto::start("").await;
    let watch = bob_watches(&broker.url()).await;
    let alice = Cli::new(&broker.url(), "alice", "laptop");
    let mut running = alice_types(&alice, &watch).await;
    let before = unix_ms();
    let clock = Stopwatch::start();
    let (exit, _) = alice.finish(&["set", "away", "Coffee", "--for", "2s"]).await;
    assert!(exit.success());
    let away = watch.wait_status("alice", "away", AT_ONCE).await;
    let until_ms = away["until"].as_u64().expect("it tells when it ends");
    assert!((before + 2000..before + 2000 + ms(SOON)).contains(&until_ms), "{before}: {away}");
    let back = watch.wait_status("alice", "online", Duration::from_secs(2) + AT_ONCE).await;
    assert!(clock.elapsed() >= Duration::from_secs(2), "after {:?}", clock.elapsed());
    assert!(back["text"].is_null() && back["until"].is_null(), "{back}");
    // Ended for good: what is observed next is shown.
    running.say(r#"{"locked":true}"#);
    let locked = watch.wait_status("alice", "away", AT_ONCE).await;
    assert_eq!(locked["cause"], "locked", "{locked}");
}

#[tokio::test]
async fn a_choice_made_while_nothing_runs_holds_when_a_device_comes() {
    let broker = Mosquitto::start("").await;
    let watch = bob_watches(&broker.url()).await;
    let alice = Cli::new(&broker.url(), "alice", "laptop");
    alice.set("dnd", None).await;
    assert!(!watch.persons().contains_key("alice"), "nobody is here by choice alone");
    let running = alice.run("none");
    watch.wait_status("alice", "dnd", START).await;
    running.signal_leader(Signal::TERM);
    // Who is gone is gone, whatever they chose.
    watch.wait_status("alice", "offline", SOON).await;
}

async fn no_command_beside_a_running_device_disturbs_it(broker: Broker) {
    let url = broker.url();
    let watch = bob_watches(&url).await;
    let alice = Cli::new(&url, "alice", "laptop");
    let running = alice_types(&alice, &watch).await;
    let probe = look_at_alice(&url).await;
    let beside = alice.watch();
    beside.wait_link(true, START).await;
    let listed = alice.who().await;
    assert!(listed.iter().any(|p| p["user"] == "alice" && p["status"] == "online"), "{listed:?}");
    alice.set("dnd", None).await;
    watch.wait_status("alice", "dnd", AT_ONCE).await;
    alice.clear().await;
    watch.wait_status("alice", "online", AT_ONCE).await;
    beside.proc().signal_leader(Signal::TERM);
    beside.proc().wait_exit(SOON).await;

    let first = &probe.arrivals()[0];
    let undisturbed = |arrival: &Arrival| {
        arrival.topic == first.topic
            && arrival.json()["epoch"] == first.json()["epoch"]
            && arrival.json()["status"] == "online"
    };
    never("another session, another device or a loss", A_WHILE, || {
        probe.arrivals().into_iter().find(|arrival| !undisturbed(arrival))
    })
    .await;
    assert_eq!(watch.statuses("alice"), ["online", "dnd", "online"]);
    let log = running.to_string();
    assert_eq!(log.matches("connected to").count(), 1, "{log}");
}

#[tokio::test]
async fn a_device_record_is_what_the_protocol_says_and_expires() {
    let broker = Mosquitto::start("").await;
    let watch = bob_watches(&broker.url()).await;
    let probe = look_at_alice(&broker.url()).await;
    let alice = Cli::new(&broker.url(), "alice", "laptop").named("Alice Liddell");
    let before = unix_ms();
    let mut running = alice.run("none");
    watch.wait_status("alice", "online", START).await;
    let topic = "presence/alice/device/laptop";
    let arrival = probe.wait_for(|arrival| arrival.topic == topic, AT_ONCE).await;
    let record = arrival.json();
    assert_eq!(record["v"], 1);
    assert_eq!((&record["status"], &record["cause"]), (&json!("online"), &json!("unknown")));
    assert_eq!(record["name"], "Alice Liddell");
    assert!(["laptop", "desktop"].contains(&record["kind"].as_str().unwrap_or_default()));
    let mine = before..=unix_ms();
    for field in ["since", "timestamp", "epoch"] {
        assert!(record[field].as_u64().is_some_and(|at| mine.contains(&at)), "{field}: {record}");
    }
    let known = [
        "v",
        "status",
        "cause",
        "since",
        "timestamp",
        "epoch",
        "lease_s",
        "loss_s",
        "chosen",
        "name",
        "kind",
        "tz",
    ];
    let fields = record.as_object().expect("a record is an object");
    assert!(fields.keys().all(|field| known.contains(&field.as_str())), "{record}");
    let expires = |arrival: &Arrival| {
        arrival.expires_in.is_some_and(|left| left <= EXPIRY && left > EXPIRY - START)
    };
    assert!(expires(&arrival), "{:?}", arrival.expires_in);

    running.kill();
    let gone = |arrival: &Arrival| arrival.json()["status"] == "offline";
    let will = probe.wait_for(gone, 2 * LATE_LOSS).await;
    let last = will.json();
    assert_eq!((&last["cause"], &last["epoch"]), (&json!("lost"), &record["epoch"]));
    assert!(last["timestamp"].is_null(), "a Will can't know when it is published: {last}");
    assert!(expires(&will), "{:?}", will.expires_in);

    let _again = alice.run("none");
    let came = |arrival: &Arrival| arrival.json()["epoch"].as_u64() > record["epoch"].as_u64();
    probe.wait_for(came, START).await;
}

#[tokio::test]
async fn a_team_meets_over_tls_with_passwords() {
    let broker =
        Mosquitto::setup().tls().account("alice", "se:cret").account("bob", "other").start().await;
    let (url, certificates) = broker.tls();
    let config = |user: &str, password: &str, authority: &std::path::Path| {
        format!(
            "user = \"{user}\"\n[broker]\nurl = \"{url}/presence/acme\"\nusername = \"{user}\"\n\
             password = \"{password}\"\nca = \"{}\"\n",
            authority.display()
        )
    };
    let light = |user: &str, config: &str| Cli::new(&url, user, "desk").configured(config);
    let bob = light("bob", &config("bob", "other", &certificates.authority));
    let alice = light("alice", &config("alice", "se:cret", &certificates.authority));
    let running = alice.start_by_config(&["run", "--activity", "none"]);
    running.wait_line(|line| line.contains("connected to"), START).await;
    let seen = bob.start_by_config(&["watch", "--json"]);
    let alice_is_online = |line: &str| {
        serde_json::from_str::<Value>(line)
            .is_ok_and(|person| person["user"] == "alice" && person["status"] == "online")
    };
    seen.wait_line(alice_is_online, START).await;

    // Another team's certificates: one that signed nothing here, and an authority of the same name.
    let dir = tempfile::tempdir().expect("a temporary folder can be made");
    let others = Certificates::make(dir.path());
    let mallory = light("mallory", &config("bob", "other", &others.server));
    let running = mallory.start_by_config(&["run", "--activity", "none"]);
    let said = running.wait_line(|line| line.contains("no secure connection"), START).await;
    assert!(said.contains("signed by nobody") && said.contains("broker.ca"), "{said}");
    let who = mallory.start_by_config(&["who", "--timeout", "1s"]);
    assert_eq!(who.finish(SOON).await.0, Exit::Code(3));
    assert!(who.to_string().contains("signed by nobody"), "{who}");
    let mallory = light("mallory", &config("bob", "other", &others.authority));
    let running = mallory.start_by_config(&["run", "--activity", "none"]);
    running.wait_line(|line| line.contains("no secure connection"), START).await;
    never("trust in a name", A_WHILE, || running.to_string().contains("connected to")).await;
}
