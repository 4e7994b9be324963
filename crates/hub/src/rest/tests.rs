use super::change_log::ChangeLog;
use super::change_log::tests::{gone, shown};
use super::guard::Requester;
use super::source::StoredMessage;
use super::*;
use crate::authorization::Authorization;
use axum::body::Body;
use axum::body::HttpBody;
use axum::http::header;
use axum::http::{HeaderName, Method};
use porchlight_core::id::Root;
use porchlight_core::team::Secret;
use porchlight_core::time::Timestamp;
use serde_json::{Value, json};
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use tower_service::Service as _;

const GOOD: &str = "Bearer good000000.012345678901234567890123456";
const BAD: &str = "Bearer bad0000000.012345678901234567890123456";
const DEADLINE: Duration = Duration::from_secs(10);

/// A source whose contents the test sets.
struct Desk {
    root: Root,
    log: ChangeLog,
    messages: Vec<StoredMessage>,
    well: AtomicBool,
}

impl Source for Desk {
    fn root(&self) -> &Root {
        &self.root
    }

    fn retained(&self) -> Pin<Box<dyn Future<Output = Option<Vec<StoredMessage>>> + Send + '_>> {
        Box::pin(async { self.log.is_open().then(|| self.messages.clone()) })
    }

    fn change_log(&self) -> &ChangeLog {
        &self.log
    }

    fn is_healthy(&self) -> bool {
        self.well.load(Ordering::SeqCst)
    }
}

/// The header of one of many programs that may read.
fn token(number: usize) -> String {
    GOOD.replacen("000000", &format!("{:06}", number + 1), 1)
}

/// Whether this is the token of one of several programs that may read.
fn is_good(token: &Secret) -> bool {
    token.id().starts_with("good")
}

/// Accepts good tokens until the test forbids it.
#[derive(Default)]
struct Word {
    revoked: AtomicBool,
    /// Too many wrong attempts came from the same address.
    guessed: AtomicBool,
    basic: bool,
    impatient: bool,
}

impl Word {
    fn reader(&self, requester: &Requester) -> Option<Reader> {
        match &requester.authorization {
            Some(Authorization::Bearer(token)) if is_good(token) => {
                let revoked = self.revoked.load(Ordering::SeqCst);
                (!revoked).then(|| Reader::Program(token.id().to_owned()))
            }
            _ => None,
        }
    }
}

impl Guard for Word {
    fn may_read(&self, requester: &Requester) -> Permission {
        match self.reader(requester) {
            _ if self.guessed.load(Ordering::SeqCst) => Permission::Later(Duration::from_secs(7)),
            Some(reader) => Permission::Granted(reader),
            None if self.impatient && requester.authorization.is_some() => {
                Permission::Later(Duration::from_secs(7))
            }
            None => Permission::Denied,
        }
    }

    fn may_still_read(&self, requester: &Requester) -> bool {
        self.reader(requester).is_some()
    }

    fn takes_basic(&self) -> bool {
        self.basic
    }
}

struct World {
    desk: Arc<Desk>,
    word: Arc<Word>,
    router: Router,
}

impl World {
    fn new() -> Self {
        let world = Self::closed(Word::default());
        world.desk.log.open();
        world
    }

    /// A source that has not read anything yet.
    fn closed(word: Word) -> Self {
        let kept = |topic: &str, payload: &str| StoredMessage {
            topic: topic.to_owned(),
            payload: payload.as_bytes().to_vec(),
            age: Duration::from_secs(2),
        };
        let desk = Arc::new(Desk {
            root: Root::default(),
            log: ChangeLog::new(Timestamp::from_ms(1_000).unwrap()),
            messages: vec![
                kept("presence/_hub", r#"{"v":1}"#),
                kept("presence/alice", r#"{"status":"online"}"#),
                kept("presence/alice/chosen", r#"{"secret":true}"#),
                kept("presence/alice/inbox/bob", r#"{"secret":true}"#),
            ],
            well: AtomicBool::new(true),
        });
        let word = Arc::new(word);
        let keep_alive = Duration::from_millis(50);
        let router = with_fallbacks(router_with_keep_alive(desk.clone(), word.clone(), keep_alive));
        Self { desk, word, router }
    }

    async fn ask(&self, method: Method, path: &str, headers: &[(HeaderName, &str)]) -> Response {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(name, *value);
        }
        let request = request.body(Body::empty()).unwrap();
        self.router.clone().call(request).await.unwrap()
    }

    async fn get(&self, path: &str) -> Response {
        self.ask(Method::GET, path, &[(header::AUTHORIZATION, GOOD)]).await
    }

    async fn stream(&self, query: &str, last: Option<&str>) -> Events {
        self.stream_of(GOOD, query, last).await
    }

    async fn stream_of(&self, word: &str, query: &str, last: Option<&str>) -> Events {
        let mut headers = vec![(header::AUTHORIZATION, word)];
        headers.extend(last.map(|last| (HeaderName::from_static("last-event-id"), last)));
        let response = self.ask(Method::GET, &format!("/v1/stream{query}"), &headers).await;
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()[header::CONTENT_TYPE], "text/event-stream");
        Events { body: response.into_body(), text: String::new() }
    }
}

/// A stream, seen by its reader.
struct Events {
    body: Body,
    text: String,
}

/// One event: its id, its name, its data.
type Event = (String, String, Value);

impl Events {
    /// The next lines up to an empty one; none at the end.
    async fn block(&mut self) -> Option<String> {
        loop {
            if let Some((block, rest)) = self.text.split_once("\n\n") {
                let (block, rest) = (block.to_owned(), rest.to_owned());
                self.text = rest;
                return Some(block);
            }
            let frame = std::future::poll_fn(|cx| Pin::new(&mut self.body).poll_frame(cx));
            let frame = tokio::time::timeout(DEADLINE, frame).await.expect("something came")?;
            let data = frame.unwrap().into_data().unwrap();
            self.text.push_str(std::str::from_utf8(&data).unwrap());
        }
    }

    /// The next event, skipping comments.
    async fn next(&mut self) -> Option<Event> {
        loop {
            let block = self.block().await?;
            if block.starts_with(':') {
                continue;
            }
            let field = |name: &str| {
                let line = block.lines().find_map(|line| line.strip_prefix(name));
                line.unwrap_or_else(|| panic!("no {name} in {block}")).to_owned()
            };
            let data = serde_json::from_str(&field("data: ")).unwrap();
            return Some((field("id: "), field("event: "), data));
        }
    }
}

async fn body(response: Response) -> Vec<u8> {
    axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap().to_vec()
}

async fn read(response: Response) -> Value {
    assert_eq!(response.headers()[header::CONTENT_TYPE], "application/json");
    assert_eq!(response.headers()[header::CACHE_CONTROL], "no-store");
    serde_json::from_slice(&body(response).await).unwrap()
}

/// The code of a refusal.
async fn refused(response: Response, status: u16) -> String {
    assert_eq!(response.status().as_u16(), status);
    let problem = read(response).await;
    assert!(problem["message"].as_str().is_some_and(|words| words.len() > 10), "{problem}");
    problem["code"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn who_may_not_read_hears_how_one_may_and_nothing_else() {
    let world = World::new();
    world.desk.log.append(shown("alice", "online"));
    for path in ["/v2/topics/presence", "/v1/people", "/v1/people/alice", "/v1/stream"] {
        for headers in [
            &[][..],
            &[(header::AUTHORIZATION, BAD)],
            &[(header::AUTHORIZATION, "good")],
            &[(header::AUTHORIZATION, GOOD), (header::AUTHORIZATION, GOOD)],
        ] {
            for method in [Method::GET, Method::HEAD] {
                let head = method == Method::HEAD;
                let response = world.ask(method, path, headers).await;
                let challenge = &response.headers()[header::WWW_AUTHENTICATE];
                assert_eq!(challenge, r#"Bearer realm="porchlight""#);
                if head {
                    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
                } else {
                    assert_eq!(refused(response, 401).await, "unauthorized");
                }
            }
        }
    }
    world.word.revoked.store(true, Ordering::SeqCst);
    assert_eq!(refused(world.get("/v1/people").await, 401).await, "unauthorized");
}

#[tokio::test]
async fn whoever_tries_tokens_is_asked_to_wait() {
    let world = World::closed(Word { impatient: true, basic: true, ..Word::default() });
    let bad = [(header::AUTHORIZATION, BAD)];
    let response = world.ask(Method::GET, "/v1/people", &bad).await;
    assert_eq!(response.headers()[header::RETRY_AFTER], "7");
    assert_eq!(refused(response, 429).await, "too_many_attempts");
    let response = world.ask(Method::GET, "/v1/people", &[]).await;
    let challenge = response.headers()[header::WWW_AUTHENTICATE].to_str().unwrap();
    assert!(challenge.contains("Bearer") && challenge.contains("Basic"), "{challenge}");
}

#[tokio::test]
async fn the_topics_are_those_about_presence() {
    let world = World::new();
    let expected =
        json!([{"topic": "presence/alice", "payload": {"status": "online"}, "age_ms": 2000}]);
    assert_eq!(read(world.get("/v2/topics/presence").await).await, expected);
    // Like the description's curl example, which sends a Content-Type without a body.
    let headers = [(header::AUTHORIZATION, GOOD), (header::CONTENT_TYPE, "application/json")];
    let response = world.ask(Method::GET, "/v2/topics/presence", &headers).await;
    assert_eq!(response.status(), StatusCode::OK);
}

#[tokio::test]
async fn people_are_listed_as_the_command_line_lists_them() {
    let world = World::new();
    for (user, status) in
        [("carol", "offline"), ("bob", "away"), ("dave", "lunch"), ("alice", "online")]
    {
        world.desk.log.append(shown(user, status));
    }
    let people = read(world.get("/v1/people").await).await;
    let order: Vec<_> = people.as_array().unwrap().iter().map(|p| &p["user"]).collect();
    assert_eq!(order, ["alice", "dave", "bob", "carol"]);
    assert_eq!(people[0], serde_json::to_value(world.desk.log.person("alice")).unwrap());
    assert_eq!(read(world.get("/v1/people/dave").await).await, people[1]);
    world.desk.log.append(gone("dave"));
    for nobody in ["dave", "_hub", "%FF", "a%2Fb", "%00", &"x".repeat(500)] {
        let response = world.get(&format!("/v1/people/{nobody}")).await;
        assert_eq!(refused(response, 404).await, "nobody", "{nobody}");
    }
}

#[tokio::test]
async fn what_is_nowhere_and_what_cant_be_done_is_said() {
    let world = World::new();
    for path in ["/", "/v1", "/v1/people/", "/v1/people/a/b", "/v2/topics", "/V1/people"] {
        assert_eq!(refused(world.get(path).await, 404).await, "not_found", "{path}");
    }
    for path in ["/v2/topics/presence", "/v1/people/a", "/v1/stream", "/healthz", "/openapi.json"] {
        for method in [Method::POST, Method::PUT, Method::DELETE, Method::OPTIONS, Method::TRACE] {
            let response = world.ask(method, path, &[]).await;
            assert_eq!(response.headers()[header::ALLOW], "GET,HEAD");
            assert_eq!(refused(response, 405).await, "method_not_allowed", "{path}");
        }
    }
    let preflight = [(header::ORIGIN, "https://elsewhere.example"), (header::AUTHORIZATION, GOOD)];
    let response = world.ask(Method::GET, "/v1/people", &preflight).await;
    assert!(!response.headers().contains_key(header::ACCESS_CONTROL_ALLOW_ORIGIN));
}

#[tokio::test]
async fn a_head_is_an_answer_without_its_body() {
    let world = World::new();
    world.desk.log.append(shown("alice", "online"));
    for path in ["/v2/topics/presence", "/v1/people", "/v1/people/alice", "/healthz"] {
        let length = body(world.get(path).await).await.len().to_string();
        let response = world.ask(Method::HEAD, path, &[(header::AUTHORIZATION, GOOD)]).await;
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()[header::CONTENT_LENGTH], length, "{path}");
        assert_eq!(body(response).await, b"");
    }
    let response = world.ask(Method::HEAD, "/v1/stream", &[(header::AUTHORIZATION, GOOD)]).await;
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(body(response).await, b"", "or it would never end");
}

#[tokio::test]
async fn a_form_that_we_do_not_have_is_refused() {
    let world = World::new();
    for (path, accept) in [
        ("/v1/people", "text/html"),
        ("/v1/people/a", "text/event-stream"),
        ("/v2/topics/presence", "text/html"),
        ("/v1/stream", "application/json"),
    ] {
        let headers = [(header::AUTHORIZATION, GOOD), (header::ACCEPT, accept)];
        let response = world.ask(Method::GET, path, &headers).await;
        assert_eq!(refused(response, 406).await, "not_acceptable", "{path}");
    }
}

#[tokio::test]
async fn everybody_may_ask_whether_it_is_well_and_what_there_is() {
    let world = World::new();
    let open = |path: &'static str| world.ask(Method::GET, path, &[]);
    assert_eq!(read(open("/healthz").await).await, json!({"status": "ok"}));
    assert_eq!(read(open("/openapi.json").await).await["openapi"], "3.1.0");
    world.desk.well.store(false, Ordering::SeqCst);
    assert_eq!(refused(open("/healthz").await, 503).await, "no_broker");
}

#[tokio::test]
async fn nobody_is_told_that_nobody_is_there_before_that_is_known() {
    let world = World::closed(Word::default());
    for path in ["/v2/topics/presence", "/v1/people", "/v1/people/alice", "/v1/stream"] {
        let response = world.get(path).await;
        assert_eq!(response.headers()[header::RETRY_AFTER], "1");
        assert_eq!(refused(response, 503).await, "not_ready", "{path}");
    }
}

#[tokio::test]
async fn a_stream_tells_everybody_then_every_change() {
    let world = World::new();
    let log = &world.desk.log;
    // Larger than one piece, and still one event.
    for n in 0..150 {
        log.append(shown(&format!("user-{n}"), "online"));
    }
    let mut events = world.stream("", None).await;
    let (first, event, people) = events.next().await.unwrap();
    assert_eq!((event.as_str(), people.as_array().unwrap().len()), ("snapshot", 150));
    log.append(shown("alice", "away"));
    log.append(gone("alice"));
    let (second, event, person) = events.next().await.unwrap();
    assert_eq!((event.as_str(), &person["status"]), ("person", &json!("away")));
    let (third, event, user) = events.next().await.unwrap();
    assert_eq!((event.as_str(), user), ("forgotten", json!({"user": "alice"})));
    assert!(first != second && second != third);
    assert_eq!(events.block().await.unwrap(), ":", "a comment keeps it alive");

    // A known id resumes after it; an unknown one gets everybody.
    let mut missed = world.stream("?follow=false", Some(&second)).await;
    assert_eq!(missed.next().await.unwrap().1, "forgotten");
    assert_eq!(missed.next().await, None);
    assert_eq!(world.stream("?follow=false", Some(&third)).await.next().await, None);
    for unknown in ["1-1", "nonsense", ""] {
        let mut events = world.stream("?follow=false", Some(unknown)).await;
        assert_eq!(events.next().await.unwrap().1, "snapshot", "{unknown}");
        assert_eq!(events.next().await, None);
    }
    let response = world.get("/v1/stream?follow=perhaps").await;
    assert_eq!(refused(response, 400).await, "bad_query");
}

#[tokio::test]
async fn a_stream_of_nobody_says_so() {
    let world = World::new();
    let mut events = world.stream("?follow=false", None).await;
    assert_eq!(events.next().await.unwrap(), ("1000-0".into(), "snapshot".into(), json!([])));
}

#[tokio::test]
async fn who_may_read_no_longer_reads_no_longer() {
    let world = World::new();
    let mut events = world.stream("", None).await;
    events.next().await.unwrap();
    world.word.revoked.store(true, Ordering::SeqCst);
    world.desk.log.append(shown("alice", "online"));
    assert_eq!(events.next().await, None);
    world.word.revoked.store(false, Ordering::SeqCst);
    let mut events = world.stream("", None).await;
    events.next().await.unwrap();
    world.word.revoked.store(true, Ordering::SeqCst);
    assert_eq!(events.next().await, None, "though nothing changes");
}

#[tokio::test]
async fn a_stream_goes_on_while_somebody_else_behind_the_address_tries_tokens() {
    let world = World::new();
    let mut events = world.stream("", None).await;
    events.next().await.unwrap();
    world.word.guessed.store(true, Ordering::SeqCst);
    world.desk.log.append(shown("alice", "online"));
    assert!(events.next().await.is_some());
    // A reader whose own token is revoked loses access; other people's attempts do not matter.
    world.word.revoked.store(true, Ordering::SeqCst);
    assert_eq!(events.next().await, None);
}

#[tokio::test]
async fn a_reader_that_falls_behind_is_dropped_and_begins_anew() {
    let world = World::new();
    let mut events = world.stream("", None).await;
    let (id, _, _) = events.next().await.unwrap();
    for _ in 0..5_000 {
        world.desk.log.append(shown("alice", "online"));
    }
    assert_eq!(events.next().await, None);
    assert_eq!(world.stream("", Some(&id)).await.next().await.unwrap().1, "snapshot");
}

#[tokio::test]
async fn only_so_many_streams_are_open() {
    let world = World::new();
    let mut open = Vec::new();
    for n in 0..stream::STREAMS {
        let word = token(n / crate::turns::EACH);
        open.push(world.stream_of(&word, "", None).await);
    }
    assert_eq!(refused(world.get("/v1/stream").await, 503).await, "too_many_streams");
    assert_eq!(world.get("/v1/people").await.status(), StatusCode::OK);
    open.pop();
    world.stream("", None).await;
}

#[tokio::test]
async fn one_reader_opens_no_more_streams_than_its_own() {
    let world = World::new();
    let mut open = Vec::new();
    for _ in 0..crate::turns::EACH {
        open.push(world.stream("", None).await);
    }
    assert_eq!(refused(world.get("/v1/stream").await, 503).await, "too_many_streams");
    world.stream_of(&token(1), "", None).await;
    open.pop();
    world.stream("", None).await;
}

#[tokio::test]
async fn the_broker_of_this_process_is_a_source() {
    use crate::aggregator::{self, Aggregator};
    use mqtt5::QoS;
    use mqtt5::broker::MemoryBackend;
    use mqtt5::broker::router::MessageRouter;
    use mqtt5::broker::storage::DynamicStorage;
    use mqtt5::packet::publish::PublishPacket;

    let storage = Arc::new(DynamicStorage::Memory(MemoryBackend::new()));
    let (listener, listened) = aggregator::listener();
    let hooks = crate::hooks::Hooks { recorder: None, listener, access: None, open: None };
    let router = MessageRouter::with_storage(storage.clone()).with_event_handler(Arc::new(hooks));
    let router = Arc::new(router);
    let log = Arc::new(ChangeLog::new(Timestamp::default()));
    let root = Root::parse("presence/acme").unwrap();
    let (_says, announcement) = tokio::sync::watch::channel(br#"{"v":1}"#.to_vec());
    let hosting = aggregator::Hosting { root: root.clone(), announcement, board: log.clone() };
    let summing = Aggregator::start(router.clone(), Vec::new(), listened, Some(hosting)).await;
    let source = broker_source::BrokerSource::new(root, storage, log.clone());
    let mut changes = log.changed();
    for topic in ["presence/acme/alice/device/d", "presence/elsewhere/eve/device/d"] {
        let online = br#"{"v":1,"status":"online","loss_s":18}"#.to_vec();
        let packet = PublishPacket::new(topic, online, QoS::AtLeastOnce).with_retain(true);
        router.route_message(&packet, None).await;
    }
    tokio::time::timeout(DEADLINE, changes.wait_for(|number| *number > 0)).await.unwrap().unwrap();
    let people = source.change_log().people().unwrap();
    assert_eq!(people.len(), 1, "those of our root: {people:?}");
    assert_eq!((people[0].user.as_str(), people[0].status.as_str()), ("alice", "online"));
    assert_eq!(people[0].evidence.loss_shows_within_s, Some(18), "our broker is not late");
    summing.close().await;
    let messages = source.retained().await.unwrap();
    let topics = messages.iter().filter_map(|kept| kept.shown(source.root()));
    let mut topics: Vec<_> =
        topics.map(|shown| serde_json::to_value(shown).unwrap()["topic"].clone()).collect();
    topics.sort_by_key(Value::to_string);
    assert_eq!(
        topics,
        ["presence/acme/alice", "presence/acme/alice/activity", "presence/acme/alice/device/d"]
    );
    assert!(messages.iter().all(|kept| kept.age < DEADLINE));
}
