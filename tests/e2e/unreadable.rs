//! A broker that keeps back what a reader needs: a list that could not be read is not an empty list.

use std::time::Duration;

use porchlight_tests::process::{Exit, Stream};
use porchlight_tests::quirks::{Action, QuirkBroker, Quirks, Version};
use porchlight_tests::until::{SOON, START};
use porchlight_tests::{Cli, Message, Mosquitto, Terminal, until};
use serde_json::{Value, json};

/// A command that goes on for ever is stopped after this.
const PATIENCE: Duration = Duration::from_secs(20);

/// What every broker here is like, and a part of the sentence that each command then says.
fn brokers() -> Vec<(&'static str, Quirks, &'static str)> {
    let room = |filter: &str| filter.starts_with("presence/+");
    let mut brokers: Vec<_> = [0x80, 0x87, 0x97, 0xa2]
        .into_iter()
        .map(|code| ("refused", Quirks::new().refuse_filters(code, room), "presence/+"))
        .collect();
    brokers.extend([
        ("devices", Quirks::new().refuse_filters(0x87, |f| f.contains("device")), "device/+"),
        ("people", Quirks::new().refuse_filters(0x87, |f| f == "presence/+"), "presence/+"),
        ("everything", Quirks::new().refuse_filters(0x87, |_| true), "presence/+"),
        ("no retain", Quirks::new().without_retain(), "Retain Available"),
        ("no wildcards", Quirks::new().without_wildcards(), "Wildcard Subscription Available"),
        // Bob is there, and only who asks for his very topic hears it.
        ("rabbit", Quirks::new().no_retained_for_wildcards(), "wildcards"),
    ]);
    brokers
}

/// Starts it with a record of Alice on it, who asks.
async fn start(quirks: Quirks) -> QuirkBroker {
    let broker = quirks.start().await;
    let record = json!({ "status": "offline", "timestamp": 1 });
    broker.store(&Message::json("presence/alice", &record), Duration::ZERO);
    broker
}

fn alice(broker: &QuirkBroker) -> Cli {
    Cli::new(&broker.url(), "alice", "laptop")
}

/// How a command ended, its output, and what it said on standard error.
async fn outcome(light: &Cli, arguments: &[&str]) -> (Exit, String, String) {
    let proc = light.start(arguments);
    let (exit, output) = proc.finish(PATIENCE).await;
    (exit, output, proc.lines(Stream::Err).join("\n"))
}

#[tokio::test]
async fn every_reading_command_says_what_the_broker_keeps_back_and_ends_with_4() {
    for (name, quirks, words) in brokers() {
        let broker = start(quirks).await;
        let alice = alice(&broker);
        for command in [
            ["who"].as_slice(),
            &["who", "--json"],
            &["watch", "--plain"],
            &["watch", "--json"],
            &["watch", "--format", "waybar"],
            &["watch", "--format", "{here}/{total}"],
            &["wait", "bob", "--until", "5s"],
            &["knock", "bob"],
            &["wave", "bob"],
        ] {
            let (exit, output, said) = outcome(&alice, command).await;
            assert_eq!(exit, Exit::Code(4), "{name}: {command:?}: {output:?} {said:?}");
            assert!(said.contains(words), "{name}: {command:?}: {said:?}");
            assert_eq!(output, "", "{name}: {command:?}");
        }
    }
}

#[tokio::test]
async fn doctor_finds_what_the_broker_keeps_back() {
    for (name, quirks, words) in brokers() {
        let broker = start(quirks).await;
        let (exit, output, _) = outcome(&alice(&broker), &["doctor", "--json"]).await;
        assert_eq!(exit, Exit::Code(0), "{name}");
        let findings: Vec<Value> = serde_json::from_str(&output).expect("findings");
        let finding = findings.iter().find(|finding| finding["about"] == "broker").expect("one");
        assert_eq!(finding["ok"], false, "{name}: {finding}");
        assert!(finding["found"].as_str().is_some_and(|it| it.contains(words)), "{finding}");
        // The address is right: another one is no remedy.
        let remedy = finding["remedy"].as_str().expect("a remedy");
        assert!(!remedy.contains("--broker mqtt://"), "{name}: {remedy}");
    }
}

#[tokio::test]
async fn doctor_finds_out_where_nobody_has_been_yet_and_nobody_sees_it() {
    for (quirks, ok) in [(Quirks::new(), true), (Quirks::new().no_retained_for_wildcards(), false)]
    {
        let broker = quirks.start().await;
        let bob = Cli::new(&broker.url(), "bob", "desk").watch();
        bob.wait_link(true, 2 * SOON).await;
        let (_, output, said) = outcome(&alice(&broker), &["doctor", "--json"]).await;
        let findings: Vec<Value> = serde_json::from_str(&output).expect("findings");
        let finding = findings.iter().find(|finding| finding["about"] == "broker").expect("one");
        assert_eq!(finding["ok"], ok, "{finding}");
        assert_eq!(finding["remedy"].is_null(), ok, "{finding}");
        assert_eq!(said, "");
        let seen: Vec<_> = bob.events().into_iter().filter(|it| it.get("link").is_none()).collect();
        assert_eq!(seen, Vec::<Value>::new());
        assert_eq!(broker.retained("presence/alice/typing"), None, "its mark is cleared");
    }
}

#[tokio::test]
async fn the_live_roster_ends_with_4_and_gives_the_terminal_back() {
    let broker = start(Quirks::new().refuse_filters(0x87, |_| true)).await;
    let terminal = Terminal::spawn(&alice(&broker).command(&["watch"]), 60, 12);
    let exit = terminal.wait_exit(PATIENCE).await;
    assert_eq!(exit, Exit::Code(4));
    assert!(terminal.is_cooked() && !terminal.is_taken());
}

#[tokio::test]
async fn what_nobody_needs_to_see_people_may_be_refused() {
    for refused in ["presence/+/activity", "presence/+/typing", "presence/_hub", "$SYS"] {
        let quirks = Quirks::new().refuse_filters(0x87, move |filter| filter.starts_with(refused));
        let broker = start(quirks).await;
        let bob = json!({ "status": "online", "timestamp": 1 });
        broker.store(&Message::json("presence/bob", &bob), Duration::ZERO);
        let people = alice(&broker).who().await;
        assert!(people.iter().any(|person| person["user"] == "bob"), "{refused}: {people:?}");
    }
}

#[tokio::test]
async fn a_device_stays_and_says_that_it_cannot_see_the_others() {
    let quirks = [
        (Quirks::new().refuse_filters(0x87, |f| f.starts_with("presence/+")), "presence/+"),
        (Quirks::new().without_wildcards(), "Wildcard Subscription Available"),
        (Quirks::new().no_retained_for_wildcards(), "wildcards"),
    ];
    for (quirks, words) in quirks {
        let broker = quirks.start().await;
        let run = alice(&broker).start(&["run", "--activity", "none"]);
        let says = || run.lines(Stream::Err).iter().any(|line| line.contains(words));
        until(format!("{words}: {run}"), 2 * SOON, says).await;
        let shown = || {
            let record = broker.retained("presence/alice/device/laptop").unwrap_or_default();
            String::from_utf8_lossy(&record).contains("\"online\"")
        };
        until("others to see it", SOON, shown).await;
        until("its second connection", SOON, || broker.connections() == 2).await;
        assert_eq!(run.exit(), None);
    }
}

#[tokio::test]
async fn a_device_publishes_nothing_where_nothing_is_retained() {
    let broker = Quirks::new().without_retain().start().await;
    let run = alice(&broker).start(&["run", "--activity", "none"]);
    let says = || run.lines(Stream::Err).iter().any(|line| line.contains("Retain Available"));
    until(format!("the reason: {run}"), 2 * SOON, says).await;
    assert_eq!(broker.count(|seen| matches!(seen, Action::Publish(_))), 0);
    assert_eq!(broker.connects().len(), 1, "it does not ask again at once");
    let (exit, _, said) = outcome(&alice(&broker), &["set", "dnd"]).await;
    assert_eq!(exit, Exit::Code(4), "{said}");
}

#[tokio::test]
async fn an_empty_list_is_believed_where_the_broker_has_shown_that_it_hands_out_what_it_keeps() {
    let broker = Quirks::new().start().await;
    let nobody = Cli::new(&broker.url(), "alice", "laptop");
    // Nothing was ever retained here, so nothing could show it.
    let (exit, output, said) = outcome(&nobody, &["who"]).await;
    assert_eq!((exit, output.as_str()), (Exit::Code(0), ""));
    assert!(said.contains("nobody") && said.contains("RabbitMQ"), "{said}");
    assert_eq!(broker.count(|seen| matches!(seen, Action::Publish(_))), 0, "a reader reads");
    // Mosquitto is known to do it.
    let hello = Message::new("$SYS/broker/version", "mosquitto version 2.0.11");
    broker.store(&hello, Duration::ZERO);
    let (exit, _, said) = outcome(&nobody, &["who"]).await;
    assert_eq!((exit, said.as_str()), (Exit::Code(0), "nobody is here yet"));
    assert!(broker.connects().iter().all(|(_, connect)| connect.version == Version::V5));
}

/// Mosquitto grants a SUBSCRIBE that its rules do not allow, and then delivers nothing (mosquitto.conf(5), *acl_file*).
#[tokio::test]
async fn a_device_says_that_nothing_is_delivered_where_mosquitto_only_lets_it_write() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let rules = folder.path().join("acl");
    let lines = "user alice\ntopic write presence/alice/#\ntopic read presence/alice/chosen\n";
    std::fs::write(&rules, lines).expect("a temporary folder can be written to");
    let setup = Mosquitto::setup().account("alice", "secret");
    let broker = setup.extra(&format!("acl_file {}", rules.display())).start().await;
    let url = format!("mqtt://alice:secret@127.0.0.1:{}", broker.port());
    let light = Cli::new(&url, "alice", "laptop");
    let running = light.run("none");
    running.wait_line(|line| line.contains("delivers no messages"), START).await;
}
