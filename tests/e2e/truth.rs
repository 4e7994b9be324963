//! A dot that is right when things go wrong: drops, crashes, restarts, clones, brokers that come and go.

use std::time::Duration;

use porchlight_tests::cli::Watch;
use porchlight_tests::process::Stream;
use porchlight_tests::until::{SOON, START};
use porchlight_tests::{
    Broker, Cli, EmbeddedHub, Mosquitto, Proc, Signal, TcpProxy, V311Proxy, never, on_each_broker,
    until,
};
use serde_json::Value;

/// What the promise "seen at once" may take on a busy machine.
const AT_ONCE: Duration = Duration::from_secs(1);
/// The grace, with time to spare: whatever was going to be said of a connection is said by then.
const AFTER_THE_GRACE: Duration = Duration::from_secs(8);
/// A killed device shows by then, on a broker that looks late, too.
const LATE_LOSS: Duration = Duration::from_secs(15);
/// What is not back when this is over is believed.
const SETTLED: Duration = Duration::from_secs(12);

on_each_broker!(
    a_drop_of_three_seconds_is_seen_by_nobody,
    a_program_started_again_within_the_grace_is_not_missed,
    a_planned_restart_is_seen_by_nobody,
    a_broker_that_is_away_for_five_seconds_calls_nobody_offline,
    a_broker_that_is_killed_for_five_seconds_calls_nobody_offline,
    who_dies_while_the_broker_is_down_is_lost_when_the_lease_ends,
    a_copied_machine_becomes_a_device_of_its_own,
    somebody_invisible_has_left_and_comes_back_when_they_want,
);

/// What was shown of a person, change by change: the status, and whether it was in doubt.
fn shown(watch: &Watch, user: &str) -> Vec<(String, bool)> {
    let mut shown: Vec<_> = watch
        .events()
        .iter()
        .filter(|event| event["user"] == user)
        .filter_map(|event| Some((event["status"].as_str()?.to_owned(), event["stale"].as_bool()?)))
        .collect();
    shown.dedup();
    shown
}

/// A reader with a link of its own, and alice's laptop, seen online by it.
async fn bob_sees(broker: &str, alice: &Cli, arguments: &[&str]) -> (Watch, Proc) {
    let watch = Cli::new(broker, "bob", "desk").watch();
    watch.wait_link(true, START).await;
    let running = alice.start(&[&["run", "--activity", "none"], arguments].concat());
    watch.wait_status("alice", "online", START).await;
    (watch, running)
}

fn times_connected(proc: &Proc) -> usize {
    proc.lines(Stream::Err).iter().filter(|line| line.contains("connected to")).count()
}

async fn nothing_is_seen(watch: &Watch) {
    let steady = [("online".to_owned(), false)];
    never("a change", AFTER_THE_GRACE, || shown(watch, "alice") != steady).await;
}

async fn a_drop_of_three_seconds_is_seen_by_nobody(broker: Broker) {
    let cable = TcpProxy::to(broker.port()).await;
    let alice = Cli::new(&cable.url(), "alice", "laptop");
    let (watch, running) = bob_sees(&broker.url(), &alice, &[]).await;
    cable.pull();
    cable.cut();
    never("a change", Duration::from_secs(3), || watch.statuses("alice") != ["online"]).await;
    cable.plug_in();
    until("alice to be back", SOON, || times_connected(&running) == 2).await;
    nothing_is_seen(&watch).await;
}

async fn a_program_started_again_within_the_grace_is_not_missed(broker: Broker) {
    let alice = Cli::new(&broker.url(), "alice", "laptop");
    let (watch, mut running) = bob_sees(&broker.url(), &alice, &[]).await;
    running.kill();
    let again = alice.run("none");
    until("alice to be back", START, || times_connected(&again) == 1).await;
    nothing_is_seen(&watch).await;
}

async fn a_planned_restart_is_seen_by_nobody(broker: Broker) {
    let alice = Cli::new(&broker.url(), "alice", "laptop");
    let (watch, running) = bob_sees(&broker.url(), &alice, &[]).await;
    running.signal_leader(Signal::HUP);
    until("alice to be back", START, || times_connected(&running) == 2).await;
    nothing_is_seen(&watch).await;
    assert!(running.exit().is_none());
    running.signal_leader(Signal::TERM);
    let left = watch.wait_status("alice", "offline", SOON).await;
    assert_eq!(left["cause"], "left", "{left}");
}

/// Some people and what bob sees of them while their broker is away.
async fn nobody_is_called_offline(mut broker: Broker, end: fn(&mut Broker)) {
    let users = ["alice", "carol", "dave", "eve", "frank"];
    let watch = Cli::new(&broker.url(), "bob", "desk").watch();
    watch.wait_link(true, START).await;
    let lights = users.map(|user| Cli::new(&broker.url(), user, "laptop"));
    let running: Vec<_> = lights.iter().map(|light| light.run("none")).collect();
    for user in users {
        watch.wait_status(user, "online", START).await;
    }
    end(&mut broker);
    watch.wait_link(false, AT_ONCE).await;
    let doubted = |user: &str| shown(&watch, user).last() == Some(&("online".to_owned(), true));
    until("all to be in doubt", AT_ONCE, || users.iter().all(|user| doubted(user))).await;
    never("the broker", Duration::from_secs(5), || watch.connection_up() == Some(true)).await;
    broker.start_again().await;
    let sure = |user: &str| shown(&watch, user).last() == Some(&("online".to_owned(), false));
    let all_are_back = || {
        running.iter().all(|proc| times_connected(proc) == 2) && users.iter().all(|user| sure(user))
    };
    until("all to be back", Duration::from_secs(10) + AT_ONCE, all_are_back).await;
    let nobody_went = || users.iter().all(|user| watch.statuses(user) == ["online"]);
    never("somebody offline", SETTLED, || !nobody_went()).await;
}

async fn a_broker_that_is_away_for_five_seconds_calls_nobody_offline(broker: Broker) {
    nobody_is_called_offline(broker, Broker::stop).await;
}

async fn a_broker_that_is_killed_for_five_seconds_calls_nobody_offline(broker: Broker) {
    nobody_is_called_offline(broker, Broker::crash).await;
}

async fn who_dies_while_the_broker_is_down_is_lost_when_the_lease_ends(mut broker: Broker) {
    let alice = Cli::new(&broker.url(), "alice", "laptop");
    let (watch, mut running) = bob_sees(&broker.url(), &alice, &["--lease", "10s"]).await;
    // Mosquitto writes its store when it ends, or when told to.
    if let Broker::Mosquitto(mosquitto) = &broker {
        mosquitto.signal(Signal::USR1);
        until("the store to be written", SOON, || mosquitto.has_stored()).await;
    }
    broker.crash();
    running.kill();
    broker.start_again().await;
    watch.wait_link(true, SOON).await;
    let gone = watch.wait_status("alice", "offline", Duration::from_secs(10) + SETTLED).await;
    assert_eq!((&gone["cause"], &gone["stale"]), (&Value::from("lost"), &Value::from(false)));
    let late = Cli::new(&broker.url(), "carol", "desk").who().await;
    assert_eq!(late[0]["status"], "offline", "{late:?}");
}

async fn a_copied_machine_becomes_a_device_of_its_own(broker: Broker) {
    let alice = Cli::new(&broker.url(), "alice", "laptop");
    let (watch, first) = bob_sees(&broker.url(), &alice, &[]).await;
    let copy = Cli::new(&broker.url(), "alice", "laptop");
    copy.copy_state_of(&alice);
    let second = copy.run("none");
    let both = |person: &Value| {
        let devices = person["devices"].as_array().cloned().unwrap_or_default();
        devices.iter().filter(|device| device["status"] == "online").count() == 2
    };
    watch.wait_person("alice", both, 4 * SOON).await;
    let says_so = |proc: &Proc| {
        proc.lines(Stream::Err).iter().any(|line| line.contains("another machine is this device"))
    };
    assert!(says_so(&first) || says_so(&second), "{first}\n{second}");
    nothing_is_seen(&watch).await;
    // Each is known for itself from now on.
    let ids = |watch: &Watch| watch.persons()["alice"]["devices"].clone();
    let before = ids(&watch);
    first.signal_leader(Signal::TERM);
    second.signal_leader(Signal::TERM);
    watch.wait_status("alice", "offline", SOON).await;
    // The goodbye is heard a moment before the lock is free.
    for proc in [&first, &second] {
        assert!(proc.wait_exit(SOON).await.success(), "{proc}");
    }
    let (_first, _second) = (alice.run("none"), copy.run("none"));
    watch.wait_person("alice", both, START).await;
    let of = |devices: &Value| -> Vec<String> {
        let devices = devices.as_array().cloned().unwrap_or_default();
        let mut ids: Vec<_> = devices.iter().map(|device| device["device"].to_string()).collect();
        ids.sort();
        ids
    };
    assert_eq!(of(&ids(&watch)), of(&before));
}

async fn somebody_invisible_has_left_and_comes_back_when_they_want(broker: Broker) {
    let alice = Cli::new(&broker.url(), "alice", "laptop");
    let (watch, mut running) = bob_sees(&broker.url(), &alice, &[]).await;
    let reader = porchlight_tests::SeedClient::first(&broker.url(), "user-bob").await;
    reader.wait_status("alice", "online", SOON).await;
    alice.set("invisible", None).await;
    let left = watch.wait_status("alice", "offline", AT_ONCE).await;
    assert_eq!(left["cause"], "left", "{left}");
    reader.wait_status("alice", "offline", AT_ONCE).await;
    until("it to be kept", SOON, || alice.state().contains("\"invisible\":true")).await;
    // Nothing speaks for somebody whom nobody sees, and a new start is as invisible.
    running.kill();
    let again = alice.run("none");
    until("alice to look on", START, || times_connected(&again) == 1).await;
    never("alice", AFTER_THE_GRACE, || watch.statuses("alice") != ["online", "offline"]).await;
    alice.clear().await;
    watch.wait_status("alice", "online", SOON).await;
    reader.wait_status("alice", "online", AT_ONCE).await;
}

#[tokio::test]
async fn where_only_3_1_1_is_spoken_a_crash_shows_after_the_wait_and_a_drop_does_not() {
    let broker = Mosquitto::start("").await;
    let gate = V311Proxy::to(broker.port()).await;
    let cable = TcpProxy::to(gate.port()).await;
    let alice = Cli::new(&cable.url(), "alice", "laptop");
    let (watch, mut running) = bob_sees(&gate.url(), &alice, &[]).await;
    cable.pull();
    cable.cut();
    let doubt = |person: &Value| person["evidence"]["doubt"] == "reconnecting";
    watch.wait_person("alice", doubt, AT_ONCE).await;
    never("offline", Duration::from_secs(3), || watch.statuses("alice") != ["online"]).await;
    cable.plug_in();
    watch.wait_person("alice", |person| person["stale"] == false, SOON).await;
    never("offline", AFTER_THE_GRACE, || watch.statuses("alice") != ["online"]).await;
    running.kill();
    let gone = watch.wait_status("alice", "offline", LATE_LOSS).await;
    assert_eq!(gone["cause"], "lost", "{gone}");
}

#[tokio::test]
async fn that_a_broker_speaks_mqtt_5_is_kept() {
    let broker = Mosquitto::start("").await;
    let alice = Cli::new(&broker.url(), "alice", "laptop");
    let (_watch, _running) = bob_sees(&broker.url(), &alice, &[]).await;
    let address = format!("127.0.0.1:{}", broker.port());
    until("it to be kept", SOON, || alice.state().contains(&address)).await;
}

#[tokio::test]
async fn who_says_why_it_believes_what_it_says() {
    let hub = EmbeddedHub::start().await;
    let alice = Cli::new(&hub.url(), "alice", "laptop");
    let (_watch, _running) = bob_sees(&hub.url(), &alice, &[]).await;
    let (exit, output) = Cli::new(&hub.url(), "bob", "desk").finish(&["who", "--why"]).await;
    assert!(exit.success(), "{output}");
    let why = output.lines().nth(1).unwrap_or_default();
    assert!(why.contains("online since") && why.contains("may be away"), "{output}");
    assert!(
        why.contains("last heard from:") && why.ends_with("you see it within 18 seconds"),
        "{output}"
    );
}
