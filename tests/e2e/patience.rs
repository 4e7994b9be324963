//! Brokers that keep us waiting, throw us out, or let in one connection: every wait ends, every retry pauses.

use std::collections::BTreeSet;
use std::time::Duration;

use porchlight_tests::port::free_port;
use porchlight_tests::process::{Exit, Stream};
use porchlight_tests::quirks::{End, QuirkBroker, Quirks, When};
use porchlight_tests::until::{SOON, START, Stopwatch};
use porchlight_tests::{Cli, Mosquitto, Proc, never, until};

/// How a command ends there, and what it says on standard error.
async fn ends(light: &Cli, arguments: &[&str]) -> (Exit, String) {
    let command = light.start(arguments);
    let (exit, _) = command.finish(3 * SOON).await;
    (exit, command.lines(Stream::Err).join("\n"))
}

fn alice(broker: &QuirkBroker) -> Cli {
    Cli::new(&broker.url(), "alice", "laptop")
}

/// The client ids of the devices' own connections.
fn presences(broker: &QuirkBroker) -> Vec<String> {
    let ids = broker.connects().into_iter().map(|(_, connect)| connect.client_id);
    ids.filter(|id| id.ends_with('m')).collect()
}

#[tokio::test]
async fn a_broker_that_does_not_answer_subscribe_is_named() {
    let broker = Quirks::new().no_suback().start().await;
    let light = alice(&broker);
    let running = light.run("none");
    let (exit, said) = ends(&light, &["who"]).await;
    assert_eq!(exit, Exit::Code(3), "{said}");
    assert!(said.contains("does not answer SUBSCRIBE"), "{said}");
    running.wait_line(|line| line.contains("does not answer SUBSCRIBE"), START + SOON).await;
    // It mends itself.
    broker.change(|_| Quirks::new());
    running.wait_line(|line| line.contains("connected to"), START + SOON).await;
}

#[tokio::test]
async fn a_broker_that_confirms_nothing_is_named_and_kept() {
    let broker = Quirks::new().no_puback().start().await;
    let light = alice(&broker);
    let running = light.run("none");
    running
        .wait_line(|line| line.contains("does not confirm what this device"), START + SOON)
        .await;
    assert_eq!(presences(&broker).len(), 1, "a new connection would not make it answer");
    let (exit, said) = ends(&light, &["set", "dnd", "--timeout", "2s"]).await;
    assert_eq!(exit, Exit::Code(3), "{said}");
    assert!(said.contains("did not confirm in time"), "{said}");
}

#[tokio::test]
async fn a_knock_that_is_not_confirmed_ends_when_its_time_is_over() {
    let broker = Quirks::new().start().await;
    let bob = Cli::new(&broker.url(), "bob", "desk");
    let _running = bob.run("none");
    until("bob's record", START, || broker.retained("presence/bob/device/desk").is_some()).await;
    broker
        .change(|quirks| quirks.no_puback().refuse_topics(0x80, |topic| topic.contains("/inbox/")));
    let took = Stopwatch::start();
    let (exit, said) = ends(&alice(&broker), &["knock", "bob", "--wait", "3s"]).await;
    assert_eq!(exit, Exit::Code(1), "{said}");
    assert!(said.contains("the broker did not confirm the knock within 3 s"), "{said}");
    assert!(took.elapsed() < Duration::from_secs(10), "{:?}", took.elapsed());
}

#[tokio::test]
async fn a_connack_that_takes_four_seconds_is_waited_for() {
    let broker = Quirks::new().connack_after(Duration::from_secs(4)).start().await;
    let light = alice(&broker);
    // `set` would also look for a device of hers, on a connection of its own.
    assert_eq!(ends(&light, &["clear"]).await.0, Exit::Code(0));
    assert_eq!(ends(&light, &["who"]).await.0, Exit::Code(0));
    assert_eq!(broker.connects().len(), 2, "no try was cut off");
}

#[tokio::test]
async fn who_is_let_in_and_thrown_out_asks_ever_more_seldom() {
    let ways = [
        (When::Subscribe, End::Close),
        (When::SubAck, End::Close),
        (When::Publish(1), End::Close),
        (When::Publish(1), End::Disconnect(0x80, None)),
        (When::PacketAbove(200), End::Close),
    ];
    let mut running = Vec::new();
    for (when, how) in ways {
        let broker = Quirks::new().end(when.clone(), how).start().await;
        let light = alice(&broker);
        let run = light.run("none");
        running.push((broker, light, run, when));
    }
    // Half of a second each for six seconds, then half of five.
    let busy = |of: &QuirkBroker| presences(of).len() > 25;
    never("a storm", Duration::from_secs(20), || running.iter().any(|(of, ..)| busy(of))).await;
    for (broker, _, _, when) in &running {
        assert!(presences(broker).len() >= 5, "{when:?}: {}", presences(broker).len());
    }
}

#[tokio::test]
async fn two_devices_of_a_login_that_may_connect_once_keep_their_identities_and_say_why() {
    let broker = Quirks::new().one_connection_a_user().start().await;
    let url = broker.url_of("alice", "secret");
    let laptop = Cli::new(&url, "alice", "laptop");
    let phone = Cli::new(&url, "alice", "phone");
    let (one, other) = (laptop.run("none"), phone.run("none"));
    let explained = |run: &Proc| {
        let lines = run.lines(Stream::Err);
        lines.iter().any(|line| line.contains("the broker allows one connection for this login"))
    };
    until("an explanation", 2 * START, || explained(&one) || explained(&other)).await;
    never("a storm", Duration::from_secs(15), || broker.connects().len() > 40).await;
    let ids: BTreeSet<_> = presences(&broker).into_iter().collect();
    assert_eq!(ids.len(), 2, "a new identity helps nobody: {ids:?}");
    let explanations = one.lines(Stream::Err).len() + other.lines(Stream::Err).len();
    assert!(explanations < 40, "{explanations} lines");
}

#[tokio::test]
async fn one_device_alone_stays_at_a_mosquitto_that_takes_the_user_name_for_the_client_id() {
    // The option is one of a listener.
    let port = free_port();
    let listener = format!("listener {port} 127.0.0.1\nuse_username_as_clientid true");
    let setup = Mosquitto::setup().account("alice", "secret").extra(&listener);
    let broker = setup.start().await;
    let url = format!("mqtt://alice:secret@127.0.0.1:{port}");
    let light = Cli::new(&url, "alice", "laptop");
    let running = light.run("none");
    let told = |line: &str| line.contains("allows one connection for this login");
    running.wait_line(told, 2 * START).await;
    let subscribed = || {
        let log = broker.log();
        log.iter().filter(|line| line.contains("Received SUBSCRIBE from alice")).count()
    };
    let before = subscribed();
    until("the device on a connection of its own", START, || subscribed() > before).await;
    let before = subscribed();
    never("another connection", SOON, || subscribed() > before).await;
}
