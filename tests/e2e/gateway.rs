//! A gateway beside a Mosquitto: it sums, announces itself, answers HTTP, and leaves nothing wrong behind.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use porchlight_tests::binary::tool;
use porchlight_tests::process::{Stream, run};
use porchlight_tests::until::{SOON, START};
use porchlight_tests::wire::retained;
use porchlight_tests::{
    Cli, Message, Mosquitto, Probe, Proc, RunningGateway, SeedClient, Signal, TcpProxy, until,
    until_async,
};
use serde_json::{Value, json};

/// The Will waits for the grace of 6 s; Mosquitto looks at most every second or so.
const WILL: Duration = Duration::from_secs(12);
const HUB: &str = "presence/_hub";

/// A Mosquitto with a gateway that has read it.
async fn beside(broker: &Mosquitto) -> RunningGateway {
    let gateway = RunningGateway::start(&broker.url()).await;
    gateway.until_read().await;
    gateway
}

fn online(name: &str) -> String {
    json!({ "v": 1, "status": "online", "name": name }).to_string()
}

/// What the gateway shows of that user.
async fn shown(gateway: &RunningGateway, user: &str) -> Value {
    let answer = gateway.get(&format!("/v1/people/{user}")).await;
    if answer.status == 200 { answer.json()["status"].clone() } else { Value::Null }
}

async fn until_shown(gateway: &RunningGateway, user: &str, status: &str, within: Duration) {
    until_async(format!("{user} to be {status}"), within, async || {
        shown(gateway, user).await == status
    })
    .await;
}

#[tokio::test]
async fn readers_of_one_topic_see_the_sum_that_the_gateway_writes() {
    let broker = Mosquitto::start("").await;
    let _gateway = beside(&broker).await;
    let reader = SeedClient::first(&broker.url(), "reader").await;
    // Two devices that write no user topic themselves, so what is there was written by the gateway.
    let mut devices = Probe::connect(&broker.url()).await;
    let mut set = async |device: &str, record: Value| {
        let topic = format!("presence/alice/device/{device}");
        devices.publish(Message::new(&topic, record.to_string()).retained()).await;
    };
    set("laptop", json!({ "v": 1, "status": "online" })).await;
    reader.wait_status("alice", "online", SOON).await;
    set("phone", json!({ "v": 1, "status": "away", "cause": "locked" })).await;
    set("laptop", json!({ "v": 1, "status": "offline", "cause": "left" })).await;
    reader.wait_status("alice", "away", SOON).await;
    set("phone", json!({ "v": 1, "status": "offline", "cause": "left" })).await;
    reader.wait_status("alice", "offline", SOON).await;
}

#[tokio::test]
async fn it_answers_as_the_command_line_does() {
    let broker = Mosquitto::start("").await;
    let gateway = beside(&broker).await;
    let alice = Cli::new(&broker.url(), "alice", "laptop").named("Alice");
    let mut running = alice.run("none");
    let seed = SeedClient::first(&broker.url(), "bob").await;
    until_shown(&gateway, "alice", "online", START).await;
    until_shown(&gateway, "bob", "online", SOON).await;
    alice.set("dnd", Some("Deep work")).await;
    until_shown(&gateway, "alice", "dnd", SOON).await;

    let mut expected = Value::Array(alice.who().await);
    let mut people = gateway.get("/v1/people").await.json();
    for person in people.as_array_mut().into_iter().chain(expected.as_array_mut()).flatten() {
        // Placed by an age that the broker tells in whole seconds; and only the gateway knows that this broker may be late.
        let devices = person["devices"].as_array_mut().into_iter().flatten();
        devices.for_each(|device| drop(device["since"].take()));
        person["since"].take();
        for field in ["since", "heard", "loss_shows_within_s"] {
            person["evidence"][field].take();
        }
    }
    assert_eq!(people, expected);

    let topics = gateway.get("/v2/topics/presence").await.json();
    let topics = topics.as_array().expect("an array");
    let topic = |name: &str| topics.iter().find(|entry| entry["topic"] == name);
    let device = topic("presence/alice/device/laptop").expect("it stands there");
    assert_eq!(device["payload"]["chosen"]["text"], "Deep work");
    assert!(device["age_ms"].as_u64().is_some_and(|age| age < 60_000), "{device}");
    assert_eq!(topic("presence/alice").expect("the sum")["payload"]["status"], "dnd");
    assert_eq!(topic("presence/bob").expect("the seed")["payload"]["status"], "online");
    for private in [HUB, "presence/alice/chosen"] {
        assert_eq!(topic(private), None);
        assert_eq!(retained(&broker.url(), private).await.len(), 1, "though it stands there");
    }

    running.stop(SOON);
    until_shown(&gateway, "alice", "offline", SOON).await;
    drop(seed);
}

#[tokio::test]
async fn a_stream_tells_what_changes_and_goes_on_where_it_was() {
    let broker = Mosquitto::start("").await;
    let gateway = beside(&broker).await;
    let mut alice = Probe::connect(&broker.url()).await;
    let mut stream = gateway.follow(&[]);
    stream.wait_line(|line| line == "event: snapshot", SOON).await;
    stream.wait_line(|line| line == "data: []", SOON).await;
    let topic = "presence/alice/device/d";
    alice.publish(Message::new(topic, online("Alice")).retained()).await;
    stream.wait_line(|line| line.starts_with("data: {\"user\":\"alice\""), SOON).await;
    let lines = stream.lines(Stream::Out);
    let id = lines.iter().rev().find_map(|line| line.strip_prefix("id: ")).expect("an id");
    let id = id.to_owned();
    stream.kill();

    alice.publish(Message::new(topic, Vec::new()).retained()).await;
    until_async("Alice to be forgotten", SOON, async || shown(&gateway, "alice").await.is_null())
        .await;
    let again = gateway.follow(&["--header", &format!("Last-Event-ID: {id}")]);
    again.wait_line(|line| line == "data: {\"user\":\"alice\"}", SOON).await;
    let lines = again.lines(Stream::Out);
    assert!(lines.iter().all(|line| line != "event: snapshot"), "{lines:?}");
}

#[tokio::test]
async fn nobody_reads_without_a_token_that_holds() {
    let broker = Mosquitto::start("").await;
    let gateway = beside(&broker).await;
    let token = gateway.new_token("dashboard");
    let bearer = format!("Bearer {token}");
    let ask = async |authorization: &str| {
        let headers = [("Authorization", authorization)];
        let answer = gateway.ask("GET", "/v2/topics/presence", &headers).await;
        (answer.status, answer.head.join("\n").to_lowercase())
    };
    until_async("the new token to be taken", SOON, async || ask(&bearer).await.0 == 200).await;
    let (status, head) = ask("Bearer nonsense").await;
    assert_eq!(status, 401);
    assert!(head.contains("www-authenticate: bearer"), "{head}");
    let mut stream = Command::new("curl");
    stream.args(["--silent", "--no-buffer", "--header", &format!("Authorization: {bearer}")]);
    stream.arg(format!("http://{}/v1/stream", gateway.addr()));
    let stream = Proc::spawn("curl", &mut stream);
    stream.wait_line(|line| line == "event: snapshot", SOON).await;

    gateway.revoke_token(&token);
    until_async("the token to be refused", SOON, async || ask(&bearer).await.0 == 401).await;
    assert_eq!(gateway.get("/v1/people").await.status, 200, "another token holds");
    // The next event, or the next sign of life, finds that the reader may read no longer.
    stream.wait_exit(Duration::from_secs(20)).await;
}

#[tokio::test]
async fn a_gateway_that_ends_says_so() {
    let broker = Mosquitto::start("").await;
    let mut gateway = beside(&broker).await;
    let mut probe = Probe::connect(&broker.url()).await;
    probe.subscribe(HUB).await;
    probe.wait_for(|arrival| arrival.json() == json!({ "v": 1 }), SOON).await;
    gateway.stop();
    probe.wait_for(|arrival| arrival.payload.is_empty(), SOON).await;
    assert_eq!(retained(&broker.url(), HUB).await.len(), 0);
}

#[tokio::test]
async fn when_a_gateway_is_killed_its_will_speaks_and_devices_take_over() {
    let broker = Mosquitto::start("").await;
    let mut gateway = beside(&broker).await;
    let alice = Cli::new(&broker.url(), "alice", "laptop");
    let _running = alice.run("none");
    let reader = SeedClient::first(&broker.url(), "reader").await;
    reader.wait_status("alice", "online", START).await;
    until_shown(&gateway, "alice", "online", SOON).await;
    let mut probe = Probe::connect(&broker.url()).await;
    probe.subscribe("presence/+").await;
    probe.wait_for(|arrival| arrival.topic == HUB, SOON).await;

    gateway.crash();
    probe.wait_for(|arrival| arrival.topic == HUB && arrival.payload.is_empty(), WILL).await;
    probe.forget();
    // A choice is a new sum, and nobody but the device is there to write it.
    alice.set("dnd", None).await;
    reader.wait_status("alice", "dnd", SOON).await;
    gateway.start_again().await;
    probe.wait_for(|arrival| arrival.topic == HUB && !arrival.payload.is_empty(), SOON).await;
    until_shown(&gateway, "alice", "dnd", SOON).await;
}

#[tokio::test]
async fn a_drop_within_the_grace_is_seen_by_nobody() {
    let broker = Mosquitto::start("").await;
    let cable = TcpProxy::to(broker.port()).await;
    let gateway = RunningGateway::start(&cable.url()).await;
    gateway.until_read().await;
    let mut probe = Probe::connect(&broker.url()).await;
    probe.subscribe(HUB).await;
    probe.wait_for(|arrival| !arrival.payload.is_empty(), SOON).await;
    cable.cut();
    until_async("the gateway to notice", SOON, async || {
        gateway.get("/healthz").await.status == 503
    })
    .await;
    gateway.until_read().await;
    let gone = probe.arrivals().into_iter().any(|arrival| arrival.payload.is_empty());
    assert!(!gone, "the announcement stood all the while");
}

#[tokio::test]
async fn a_broker_that_is_started_again_is_read_again() {
    let mut broker = Mosquitto::start("").await;
    let gateway = beside(&broker).await;
    let alice = Cli::new(&broker.url(), "alice", "laptop");
    let mut running = alice.run("none");
    until_shown(&gateway, "alice", "online", START).await;
    broker.crash();
    until_async("the gateway to notice", SOON, async || {
        gateway.get("/healthz").await.status == 503
    })
    .await;
    let person = gateway.get("/v1/people/alice").await.json();
    assert_eq!((&person["stale"], &person["status"]), (&json!(true), &json!("online")));
    assert_eq!(person["evidence"]["doubt"], "link_down");

    // Killed, so it has forgotten everything.
    broker.start_again().await;
    gateway.until_read().await;
    let fresh = async || {
        let person = gateway.get("/v1/people/alice").await;
        person.status == 200 && person.json()["stale"] == false
    };
    until_async("Alice to be back", Duration::from_secs(30), fresh).await;
    assert_eq!(retained(&broker.url(), HUB).await.len(), 1);
    running.signal_leader(Signal::TERM);
    let reader = SeedClient::first(&broker.url(), "reader").await;
    reader.wait_status("alice", "offline", START).await;
    running.stop(SOON);
}

#[tokio::test]
async fn a_broker_with_accounts_and_tls_lets_it_in_by_what_it_is_told() {
    let rules = "user hub\ntopic readwrite presence/#\n";
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let acl = folder.path().join("rules");
    std::fs::write(&acl, rules).expect("a temporary folder can be written to");
    let setup = Mosquitto::setup().tls().account("hub", "s3cret/word");
    let broker = setup.extra(&format!("acl_file {}", acl.display())).start().await;
    let (url, certificates) = broker.tls();
    let url = format!("{}/presence", url.replace("mqtts://", "mqtts://hub:s3cret%2Fword@"));
    let file = folder.path().join("url");
    std::fs::write(&file, url).expect("a temporary folder can be written to");
    let at = format!("@{}", file.display());
    let authority = certificates.authority.to_string_lossy().into_owned();
    let gateway = RunningGateway::start_with(&at, &["--gateway-ca", &authority]).await;
    gateway.until_read().await;
    assert_eq!(gateway.get("/v1/people").await.json(), json!([]));

    let wrong = broker.url().replace("mqtt://", "mqtt://hub:wrong@");
    let refused = RunningGateway::start(&wrong).await;
    let said = || {
        let lines = refused.proc().lines(Stream::Err);
        lines.iter().any(|line| {
            line.contains("does not let this client in") || line.contains("user name and password")
        })
    };
    until("it to say so", SOON, said).await;
    let answer = refused.get("/v1/people").await;
    assert_eq!((answer.status, &answer.json()["code"]), (503, &json!("not_ready")));
}

#[tokio::test]
async fn pages_of_an_origin_that_is_permitted_may_ask_and_others_may_not() {
    let broker = Mosquitto::start("").await;
    let given = ["--origin", "https://board.example", "--origin", "http://localhost:3000"];
    let by_flag = RunningGateway::start_with(&broker.url(), &given).await;
    let config = "[hub]\norigins = [\"https://board.example\", \"http://localhost:3000\"]\n";
    let by_config = RunningGateway::start_configured(&broker.url(), config).await;
    for gateway in [&by_flag, &by_config] {
        gateway.until_read().await;
        let bearer = format!("Bearer {}", gateway.token());
        let ask = async |origin: &str| {
            let fields = [("Origin", origin), ("Authorization", &bearer)];
            gateway.ask("GET", "/v1/people", &fields).await
        };
        for origin in ["https://board.example", "http://localhost:3000"] {
            let answer = ask(origin).await;
            assert_eq!(answer.status, 200, "{answer:?}");
            let allowed = format!("access-control-allow-origin: {origin}");
            assert!(answer.head.iter().any(|field| field.to_lowercase() == allowed), "{answer:?}");
        }
        for origin in ["https://evil.example", "null", "https://board.example:8443"] {
            let answer = ask(origin).await;
            let code = answer.json()["code"].clone();
            assert_eq!((answer.status, code), (403, json!("foreign_page")), "{origin}");
        }
    }
}

#[tokio::test]
async fn a_gateway_of_this_computer_is_not_asked_by_another_name() {
    let broker = Mosquitto::start("").await;
    let gateway = beside(&broker).await;
    // What a browser sends once the name of a page has become an address of this computer.
    let mut command = Command::new("curl");
    command.args(["--silent", "--header", "Host: evil.example"]);
    command.arg(format!("http://{}/healthz", gateway.addr()));
    let answer: Value = serde_json::from_str(&run(&mut command)).expect("an answer of JSON");
    assert_eq!(answer["code"], "wrong_host");
}

/// Requests made from the description, good and bad, find no answer that the description does not have.
#[tokio::test]
async fn the_api_is_as_it_describes_itself() {
    let broker = Mosquitto::start("").await;
    let gateway = beside(&broker).await;
    let mut probe = Probe::connect(&broker.url()).await;
    for (topic, payload) in [
        ("presence/alice/device/d", online("Alice")),
        ("presence/bob", "online".to_owned()),
        ("presence/carol", "lunch, with \u{1f35c} and \"quotes\"".to_owned()),
        (
            "presence/dave/device/d",
            json!({ "v": 1, "status": "away", "cause": "idle", "since": 1, "in_call": true, "loss_s": 18,
                "chosen": { "rev": 1, "status": "dnd", "text": "Deep work", "emoji": "🎧", "until": u64::MAX >> 11 } })
            .to_string(),
        ),
    ] {
        probe.publish(Message::new(topic, payload).retained()).await;
    }
    until_shown(&gateway, "dave", "dnd", SOON).await;
    let program = tool("schemathesis", "run scripts/install-tools.sh schemathesis");
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut command = Command::new(program);
    command.arg("--config-file").arg(here.join("schemathesis.toml"));
    command.args(["run", &format!("http://{}/openapi.json", gateway.addr())]);
    command.env("PORCHLIGHT_TOKEN", gateway.token());
    // It keeps what it found where it is run.
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    command.current_dir(folder.path());
    let run = Proc::spawn("schemathesis", &mut command);
    let exit = run.wait_exit(Duration::from_secs(120)).await;
    assert!(exit.success(), "{}", run.lines(Stream::Out).join("\n"));
    // A payload that is no record is no person, but it is still listed as a topic.
    assert_eq!(gateway.get("/v1/people").await.json().as_array().map(Vec::len), Some(3));
    let topics = gateway.get("/v2/topics/presence").await.json();
    let mut carol = topics.as_array().expect("an array").iter();
    let carol = carol.rfind(|entry| entry["topic"] == "presence/carol");
    assert!(carol.is_some_and(|entry| entry["payload"].is_string()), "{topics}");
}
