//! Knock and wave from the command line, and what comes of them on real brokers.

use std::time::Duration;

use porchlight_tests::member::Member;
use porchlight_tests::process::{Exit, Stream};
use porchlight_tests::until::{SOON, START, Stopwatch};
use porchlight_tests::{
    Broker, Cli, EmbeddedHub, Message, PacketFilter, Probe, Proc, SeedClient, Signal, TcpProxy,
    V311Proxy, never, on_each_broker, until,
};
use serde_json::{Value, json};

/// What the promise "seen at once" may take on a busy machine.
const AT_ONCE: Duration = Duration::from_secs(1);
/// A mark that nobody takes back ends by itself.
const MARK_ENDS: Duration = Duration::from_secs(4);

on_each_broker!(
    a_knock_is_delivered_and_its_answer_ends_it,
    a_knock_during_a_drop_of_three_seconds_arrives_once,
);

/// The steps of a knock that were printed as JSON.
fn steps(knock: &Proc) -> Vec<Value> {
    let lines = knock.lines(Stream::Out);
    lines.iter().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect()
}

fn stages(knock: &Proc) -> Vec<String> {
    let stage = |step: &Value| step["stage"].as_str().unwrap_or_default().to_owned();
    steps(knock).iter().map(stage).collect()
}

async fn wait_stage(knock: &Proc, stage: &str, within: Duration) {
    let wanted = || stages(knock).iter().any(|known| known == stage);
    until(format!("{stage} of {knock}"), within, wanted).await;
}

/// How often a headless device told of a knock.
fn knocks(device: &Proc) -> usize {
    device.lines(Stream::Err).iter().filter(|line| line.contains(" knocks: ")).count()
}

/// A device tells the sender that it has a knock before it prints its line.
async fn has_one_knock(device: &Proc) {
    until(format!("the knock of {device}"), SOON, || knocks(device) > 0).await;
    assert_eq!(knocks(device), 1, "{device}");
}

/// Bob's headless device, which everybody sees to be there.
async fn bob_runs(broker: &str) -> Proc {
    bob_runs_by(broker, broker).await
}

/// The same, where this is his way to the broker.
async fn bob_runs_by(way: &str, broker: &str) -> Proc {
    let bob = Cli::new(way, "bob", "desk").named("Bob");
    let runs = bob.run("none");
    let mut room = Probe::connect(broker).await;
    room.subscribe("presence/bob/device/+").await;
    room.wait_for(|arrival| arrival.json()["status"] == "online", START).await;
    runs
}

/// Answers as a device of Bob's would.
async fn answer(broker: &str, knock: &Proc, answer: &Value) {
    let mut bob = Probe::connect(broker).await;
    let id = steps(knock)[0]["id"].clone();
    let mut said = json!({ "v": 1, "kind": "answer", "re": id });
    for (key, value) in answer.as_object().into_iter().flatten() {
        said[key] = value.clone();
    }
    bob.publish(Message::json("presence/alice/inbox/bob", &said)).await;
}

async fn a_knock_is_delivered_and_its_answer_ends_it(broker: Broker) {
    let bob = bob_runs(&broker.url()).await;
    let alice = Cli::new(&broker.url(), "alice", "laptop").named("Alice");
    let _alice_runs = alice.run("none");
    let knock = alice.start(&["knock", "bob", "Got a minute?", "--json"]);
    wait_stage(&knock, "delivered", START).await;
    bob.wait_line(|line| line.contains(" knocks: Got a minute?"), SOON).await;
    answer(&broker.url(), &knock, &json!({ "answer": "in_5", "text": "In 5 minutes" })).await;
    assert_eq!(knock.wait_exit(SOON).await, Exit::Code(0));
    let last = steps(&knock).pop().expect("it said something");
    assert_eq!((&last["stage"], &last["answer"]["kind"]), (&json!("answered"), &json!("in_5")));
    let stages = stages(&knock);
    assert_eq!(stages.first().map(String::as_str), Some("sending"), "{stages:?}");
    has_one_knock(&bob).await;
}

async fn a_knock_during_a_drop_of_three_seconds_arrives_once(broker: Broker) {
    let cable = TcpProxy::to(broker.port()).await;
    let bob = bob_runs_by(&cable.url(), &broker.url()).await;
    let alice = Cli::new(&broker.url(), "alice", "laptop");
    cable.pull();
    let knock = alice.start(&["knock", "bob", "--wait", "30s", "--json"]);
    wait_stage(&knock, "sent", START).await;
    never("a delivery without a cable", Duration::from_secs(3), || {
        stages(&knock).iter().any(|stage| stage == "delivered")
    })
    .await;
    cable.cut();
    cable.plug_in();
    wait_stage(&knock, "delivered", START).await;
    // It was sent again meanwhile, and what the broker kept came, too.
    never("a second knock", Duration::from_secs(2), || knocks(&bob) > 1).await;
    has_one_knock(&bob).await;
}

#[tokio::test]
async fn by_mqtt_3_1_1_a_knock_arrives_and_is_answered() {
    let hub = EmbeddedHub::start().await;
    let gate = V311Proxy::to(hub.port()).await;
    let bob = bob_runs_by(&gate.url(), &hub.url()).await;
    let alice = Cli::new(&gate.url(), "alice", "laptop");
    let knock = alice.start(&["knock", "bob", "--json"]);
    wait_stage(&knock, "delivered", START).await;
    answer(&hub.url(), &knock, &json!({ "text": "Sure" })).await;
    assert_eq!(knock.wait_exit(SOON).await, Exit::Code(0));
    has_one_knock(&bob).await;
}

#[tokio::test]
async fn a_knock_while_our_own_link_is_down_goes_out_when_it_is_back() {
    let hub = EmbeddedHub::start().await;
    let cable = TcpProxy::to(hub.port()).await;
    let alice = Cli::new(&cable.url(), "alice", "laptop");
    let watch = Cli::new(&hub.url(), "carol", "desk").watch();
    let mut gone = bob_runs(&hub.url()).await;
    watch.wait_status("bob", "online", START).await;
    gone.stop(SOON);
    watch.wait_status("bob", "offline", SOON).await;
    let knock = alice.start(&["knock", "bob", "--when-back", "--json"]);
    wait_stage(&knock, "waiting", START).await;
    cable.pull();
    let bob = bob_runs(&hub.url()).await;
    never("a knock without a cable", Duration::from_secs(3), || knocks(&bob) > 0).await;
    cable.cut();
    cable.plug_in();
    wait_stage(&knock, "delivered", START).await;
    has_one_knock(&bob).await;
}

#[tokio::test]
async fn somebody_offline_is_told_of_at_once_and_can_be_waited_for() {
    let hub = EmbeddedHub::start().await;
    let mut bob = bob_runs(&hub.url()).await;
    let alice = Cli::new(&hub.url(), "alice", "laptop");
    let watch = alice.watch();
    watch.wait_status("bob", "online", START).await;
    bob.stop(SOON);
    watch.wait_status("bob", "offline", SOON).await;
    let knock = alice.start(&["knock", "bob"]);
    assert_eq!(knock.wait_exit(SOON).await, Exit::Code(5), "{knock}");
    let said = knock.lines(Stream::Err).join("\n");
    assert!(said.contains("Bob is offline; knock when they are back instead (left "), "{said}");
    let waits = alice.start(&["knock", "Bob", "--when-back", "--json"]);
    wait_stage(&waits, "waiting", START).await;
    let bob = bob_runs(&hub.url()).await;
    wait_stage(&waits, "delivered", START).await;
    has_one_knock(&bob).await;
    // A person who stops waiting takes the knock back.
    let mut inbox = Probe::connect(&hub.url()).await;
    inbox.subscribe("presence/bob/inbox/+").await;
    waits.signal_leader(Signal::INT);
    assert_eq!(waits.wait_exit(SOON).await, Exit::Code(1), "{waits}");
    inbox.wait_for(|arrival| arrival.json()["kind"] == "withdrawn", SOON).await;
}

#[tokio::test]
async fn a_knock_that_waits_for_both_goes_when_neither_is_to_be_left_alone() {
    let hub = EmbeddedHub::start().await;
    let _bob = bob_runs(&hub.url()).await;
    let bob = Cli::new(&hub.url(), "bob", "desk");
    let alice = Cli::new(&hub.url(), "alice", "laptop");
    let _alice_runs = alice.run("none");
    let watch = alice.watch();
    watch.wait_status("alice", "online", START).await;
    bob.set("dnd", None).await;
    watch.wait_status("bob", "dnd", START).await;
    let mut room = Probe::connect(&hub.url()).await;
    for filter in ["presence/+", "presence/+/device/+", "presence/+/activity", "presence/+/typing"]
    {
        room.subscribe(filter).await;
    }
    room.quiet().await;
    room.forget();
    let knock = alice.start(&["knock", "bob", "--when-free", "--json"]);
    wait_stage(&knock, "waiting", START).await;
    room.quiet().await;
    assert_eq!(room.arrivals().len(), 0, "the room is not told");
    bob.clear().await;
    wait_stage(&knock, "delivered", START).await;
    // That the broker has it may come later than that they do, and is then no news.
    let stages: Vec<_> = stages(&knock).into_iter().filter(|stage| stage != "sent").collect();
    assert_eq!(stages, ["waiting", "sending", "delivered"]);
}

#[tokio::test]
async fn exit_codes_and_words_are_those_of_the_help() {
    let hub = EmbeddedHub::start().await;
    let alice = Cli::new(&hub.url(), "alice", "laptop");
    let code = async |arguments: &[&str]| alice.finish(arguments).await.0;
    assert_eq!(code(&["knock", "nobody"]).await, Exit::Code(5));
    assert_eq!(code(&["wave", "nobody"]).await, Exit::Code(5));
    assert_eq!(code(&["knock", "nobody", "--when-free"]).await, Exit::Code(5));
    assert_eq!(code(&["knock", "alice"]).await, Exit::Code(2));
    assert_eq!(code(&["knock", "bob", &"x".repeat(281)]).await, Exit::Code(2));
    assert_eq!(code(&["knock", "bob", "--when-back", "--when-free"]).await, Exit::Code(2));
    let alone = Cli::new("mqtt://127.0.0.1:1", "alice", "laptop");
    assert_eq!(alone.finish(&["knock", "bob", "--timeout", "1s"]).await.0, Exit::Code(3));

    let _bob = bob_runs(&hub.url()).await;
    let knock = alice.start(&["knock", "bob", "Coffee?", "--wait", "2s"]);
    assert_eq!(knock.wait_exit(START).await, Exit::Code(1), "{knock}");
    assert_eq!(knock.lines(Stream::Out).last().map(String::as_str), Some("delivered"));
    let said = knock.lines(Stream::Err).join("\n");
    assert!(said.contains("no answer within 2 s; the knock is withdrawn"), "{said}");
    assert_eq!(code(&["wave", "bob", "🎉"]).await, Exit::Code(0));
    alice.set("invisible", None).await;
    let (exit, _) = alice.finish(&["knock", "bob"]).await;
    assert_eq!(exit, Exit::Code(5));
}

#[tokio::test]
async fn nothing_of_a_stranger_s_reaches_a_terminal_as_a_command_to_it() {
    let hub = EmbeddedHub::start().await;
    let bob = bob_runs(&hub.url()).await;
    let hostile = "\u{1b}[2J\u{1b}]0;owned\u{7}\u{202e}<b>hi</b>\u{9b}31m\r\nnext\u{0}";
    let mut mallory = Probe::connect(&hub.url()).await;
    let record = json!({ "v": 1, "status": "online", "name": hostile, "epoch": 1 });
    mallory.publish(Message::json("presence/mallory/device/x", &record).retained()).await;
    let knock = json!({ "v": 1, "kind": "knock", "id": "k1", "text": hostile });
    mallory.publish(Message::json("presence/bob/inbox/mallory", &knock)).await;
    bob.wait_line(|line| line.contains(" knocks: "), SOON).await;

    let alice = Cli::new(&hub.url(), "alice", "laptop");
    let knock = alice.start(&["knock", "mallory"]);
    knock.wait_line(|line| line == "sent", START).await;
    let mut inbox = Probe::connect(&hub.url()).await;
    inbox.subscribe("presence/mallory/inbox/+").await;
    // It is sent again as long as nobody says to have it.
    let again = inbox.wait_for(|arrival| arrival.json()["kind"] == "knock", 2 * SOON).await;
    let id = again.json()["id"].clone();
    let answer = json!({ "v": 1, "kind": "answer", "re": id, "text": hostile });
    mallory.publish(Message::json("presence/alice/inbox/mallory", &answer)).await;
    assert_eq!(knock.wait_exit(SOON).await, Exit::Code(0), "{knock}");
    for process in [&bob, &knock] {
        for line in [process.lines(Stream::Out), process.lines(Stream::Err)].concat() {
            let bad = |c: char| c.is_control() || c == '\u{202e}';
            assert!(!line.contains(bad), "{line:?}");
        }
    }
    let last = knock.lines(Stream::Out).pop().expect("an answer");
    assert_eq!(last, "[2J]0;owned<b>hi</b>31m next: [2J]0;owned<b>hi</b>31m next");
}

/// A team's hub on this machine alone: where programs reach it, and its first link.
async fn team_hub(keeper: &Member) -> (Proc, String, String) {
    let hub =
        keeper.start(&["hub", "--listen", "127.0.0.1:0", "--local", "127.0.0.1:0", "--quiet"]);
    let local = hub.wait_line(|line| line.starts_with("listening on "), START).await;
    let link = keeper.owner_link(&hub).await;
    (hub, local.replace("listening on ", "mqtt://"), link)
}

/// What lets this member in, as they may try it with any client.
fn login(member: &Member) -> (String, String) {
    let state = member.config_dir().join("state");
    let read = |file: &str| std::fs::read_to_string(state.join(file)).expect("they have joined");
    let membership: Value = serde_json::from_str(&read("membership.json")).expect("JSON");
    let credential = membership["credential"].as_str().expect("a credential").to_owned();
    (credential, read("membership.secret"))
}

#[tokio::test]
async fn a_third_member_sees_nothing_of_what_is_said_to_another() {
    let anna = Member::new("Anna");
    let (_hub, local, link) = team_hub(&anna).await;
    anna.join(&link).await;
    let (bob, mallory) = (Member::new("Bob"), Member::new("Mallory"));
    for member in [&bob, &mallory] {
        member.join(&anna.invite(&[]).await).await;
    }
    let bob_runs = bob.start(&["run", "--activity", "none"]);
    bob_runs.wait_line(|line| line.contains("connected to"), START).await;
    let (name, secret) = login(&mallory);
    // All that a member may read on one connection, and on one each what they may not.
    let mut reader = Probe::to(&local).login(&name, &secret).connect().await;
    for filter in ["presence/+", "presence/+/device/+", "presence/+/activity", "presence/+/typing"]
    {
        reader.subscribe(filter).await;
    }
    let mut spies = vec![reader];
    for filter in ["#", "presence/#", "presence/+/inbox/+", "presence/bob/inbox/+", "+/bob/#"] {
        let mut spy = Probe::to(&local).login(&name, &secret).connect().await;
        let granted = format!("{:?}", spy.try_subscribe(filter).await);
        assert!(granted.contains("NotAuthorized"), "{filter}: {granted}");
        spies.push(spy);
    }
    let knock = anna.start(&["knock", "bob", "Between you and me", "--json"]);
    wait_stage(&knock, "delivered", START).await;
    let (name, secret) = login(&anna);
    let mut hand = Probe::to(&local).login(&name, &secret).connect().await;
    let typing = json!({ "v": 1, "kind": "typing", "isTyping": true });
    hand.publish(Message::json("presence/bob/inbox/anna", &typing)).await;
    // Typing to the team comes last: a client that has received it has received everything.
    hand.publish(Message::json("presence/anna/typing", &json!({ "isTyping": true }))).await;
    spies[0].wait_for(|arrival| arrival.topic == "presence/anna/typing", SOON).await;
    never("what is between two others", Duration::from_millis(500), || {
        let mut arrivals = spies.iter().flat_map(Probe::arrivals);
        arrivals.any(|it| it.topic.contains("/inbox/") || it.text().contains("Between"))
    })
    .await;
    has_one_knock(&bob_runs).await;
}

#[tokio::test]
async fn a_mark_ends_within_four_seconds_on_a_broker_that_loses_its_end() {
    let hub = EmbeddedHub::start().await;
    let sieve = PacketFilter::to(hub.port(), br#""isTyping":false"#).await;
    let watch = Cli::new(&hub.url(), "bob", "desk").watch();
    watch.wait_link(true, START).await;
    let mut alice = SeedClient::first(&sieve.url(), "user-alice").await;
    watch.wait_status("user-alice", "online", AT_ONCE).await;
    alice.types();
    watch.wait_person("user-alice", |person| person["typing"] == true, AT_ONCE).await;
    let over = |person: &Value| person["typing"].is_null();
    watch.wait_person("user-alice", over, MARK_ENDS + AT_ONCE).await;
    until("the end of the mark to be lost", SOON, || sieve.kept_back() > 0).await;
}

#[tokio::test]
async fn run_prints_waves_and_the_sixth_within_a_minute_is_not_sent() {
    let hub = EmbeddedHub::start().await;
    let bob = bob_runs(&hub.url()).await;
    let alice = Cli::new(&hub.url(), "alice", "laptop").named("Alice");
    let _runs = alice.run("none");
    alice.watch().wait_status("alice", "online", START).await;
    let began = Stopwatch::start();
    for _ in 0..5 {
        assert_eq!(alice.finish(&["wave", "bob", "🎉"]).await.0, Exit::Code(0));
    }
    bob.wait_line(|line| line.contains("Alice waves 🎉"), SOON).await;
    let sixth = alice.start(&["wave", "bob"]);
    let (exit, _) = sixth.finish(SOON).await;
    // A machine that is as slow as that has begun another minute.
    if began.elapsed() < Duration::from_secs(50) {
        assert_eq!(exit, Exit::Code(5), "{sixth}");
        let why = sixth.lines(Stream::Err).join("\n");
        assert!(why.contains("try again in a minute"), "{why}");
    }
}

#[tokio::test]
async fn a_knock_at_somebody_on_do_not_disturb_says_that_it_waits() {
    let hub = EmbeddedHub::start().await;
    let _bob = bob_runs(&hub.url()).await;
    let bob = Cli::new(&hub.url(), "bob", "desk");
    let alice = Cli::new(&hub.url(), "alice", "laptop");
    bob.set("dnd", None).await;
    alice.watch().wait_status("bob", "dnd", START).await;
    let knock = alice.start(&["knock", "bob", "--wait", "2s"]);
    assert_eq!(knock.wait_exit(START).await, Exit::Code(1), "{knock}");
    let said = knock.lines(Stream::Err).join("\n");
    assert!(said.contains("is busy (do not disturb, or in a call)"), "{said}");
}
