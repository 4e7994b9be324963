//! Access of web pages to a hub or a gateway: the bytes of a request, the listener, and the status of the
//! answer.

use crate::hub_fixture::{HubFixture, connect_from, team_settings};
use crate::world::within;
use porchlight_core::id::Root;
use porchlight_core::mqtt_session::SessionEvent;
use porchlight_core::web_origin::WebOrigin;
use porchlight_hub::{Access, Gateway, GatewaySettings, Store};
use std::net::SocketAddr;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;

/// The listener that receives the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Listener {
    /// A team's hub, for programs on this computer.
    Plain,
    /// A team's hub, for everybody.
    Tls,
    Gateway,
}

use Listener::{Plain, Tls};

const ALL_LISTENERS: [Listener; 3] = [Plain, Tls, Listener::Gateway];
/// The listeners that only programs on this computer can reach.
const LOCAL_LISTENERS: [Listener; 2] = [Plain, Listener::Gateway];

struct Listeners {
    house: HubFixture,
    gateway: Gateway,
    _store: tempfile::TempDir,
}

impl Listeners {
    async fn open() -> Self {
        Self::open_to(&[]).await
    }

    /// Starts listeners that also admit pages of these origins.
    async fn open_to(origins: &[&str]) -> Self {
        let origins: Vec<WebOrigin> = origins.iter().map(|it| it.parse().unwrap()).collect();
        let mut settings = team_settings(Store::Memory);
        if let Access::Team(team) = &mut settings.access {
            team.origins.clone_from(&origins);
        }
        let house = HubFixture::open_with(settings).await;
        let store = tempfile::tempdir().unwrap();
        let listen = SocketAddr::from(([127, 0, 0, 1], 0));
        let root = Root::default();
        let settings = GatewaySettings { root, listen, store: store.path().to_owned(), origins };
        let mut gateway = Gateway::start(settings).await.unwrap();
        gateway.handle(&SessionEvent::Began);
        gateway.handle(&SessionEvent::Read);
        gateway.take_writes();
        Self { house, gateway, _store: store }
    }

    fn addr(&self, listener: Listener) -> SocketAddr {
        match listener {
            Plain => self.house.hub.addr(),
            Tls => self.house.addr(),
            Listener::Gateway => self.gateway.addr(),
        }
    }

    /// Returns the head of the answer to this request, in lower case. The listener's port replaces `PORT`.
    async fn ask(&self, listener: Listener, request: &str) -> String {
        let addr = self.addr(listener);
        let request = request.replace("PORT", &addr.port().to_string());
        within(&request.clone(), async {
            if listener == Tls {
                let stream = connect_from([127, 0, 0, 1], addr, self.house.pin).await.unwrap();
                head_of(stream, &request).await
            } else {
                head_of(TcpStream::connect(addr).await.unwrap(), &request).await
            }
        })
        .await
    }

    async fn is_answered(&self, listener: Listener, request: &str, status: u16) {
        let head = self.ask(listener, request).await;
        let answered = head.split(' ').nth(1).and_then(|status| status.parse().ok());
        assert_eq!(answered, Some(status), "{listener:?}: {request}\n-> {head}");
    }
}

async fn head_of<S: AsyncRead + AsyncWrite + Unpin>(mut stream: S, request: &str) -> String {
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => break,
        }
    }
    String::from_utf8(head).unwrap().to_lowercase()
}

/// Returns a request without a body.
fn request(line: &str, fields: &[&str]) -> String {
    let fields: String = fields.iter().map(|field| format!("{field}\r\n")).collect();
    format!("{line} HTTP/1.1\r\n{fields}\r\n")
}

/// Returns the request for a WebSocket with MQTT.
fn web_socket(fields: &[&str]) -> String {
    const UPGRADE: [&str; 5] = [
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Protocol: mqtt",
    ];
    request("GET /mqtt", &[fields, &UPGRADE].concat())
}

/// Returns the Host field for a listener.
const fn own_host(listener: Listener) -> &'static str {
    match listener {
        Tls => "Host: hub.example:PORT",
        Plain | Listener::Gateway => "Host: localhost:PORT",
    }
}

const fn own_origin(listener: Listener) -> &'static str {
    match listener {
        Tls => "Origin: https://hub.example:PORT",
        Plain | Listener::Gateway => "Origin: http://localhost:PORT",
    }
}

#[tokio::test]
async fn a_listener_of_this_computer_takes_no_foreign_host() {
    let listeners = Listeners::open().await;
    for (host, status) in [
        ("Host: 127.0.0.1:PORT", 200),
        ("Host: 127.9.9.9", 200),
        ("Host: [::1]:PORT", 200),
        ("Host: [0:0:0:0:0:0:0:1]", 200),
        ("Host: localhost", 200),
        ("host: LocalHost:9", 200),
        ("Host: evil.example", 421),
        ("Host: evil.example:PORT", 421),
        ("Host: localhost.evil.example:PORT", 421),
        ("Host: 127.0.0.1.evil.example", 421),
        ("Host: 0.0.0.0:PORT", 421),
        ("Host: 192.168.1.5:PORT", 421),
        ("Host: [::]:PORT", 421),
        ("Host: [fe80::1]:PORT", 421),
        ("Host:", 400),
        ("Host: user@localhost", 400),
        ("Host: localhost:x", 400),
        ("Host: localhost:+9", 400),
        ("Host: localhost, evil.example", 400),
        ("Host: localhost\r\nHost: localhost", 400),
        ("X-Host: localhost", 400),
    ] {
        for listener in LOCAL_LISTENERS {
            listeners.is_answered(listener, &request("GET /healthz", &[host]), status).await;
        }
        let upgraded = if status == 200 { 101 } else { status };
        listeners.is_answered(Plain, &web_socket(&[host]), upgraded).await;
    }
    // A request may name its server twice, and must name the same one.
    for (line, status) in [
        ("GET http://localhost:PORT/healthz", 200),
        ("GET http://evil.example/healthz", 400),
        ("GET http://localhost:1/healthz", 400),
    ] {
        for listener in LOCAL_LISTENERS {
            listeners
                .is_answered(listener, &request(line, &["Host: localhost:PORT"]), status)
                .await;
        }
    }
}

#[tokio::test]
async fn the_listener_for_everybody_has_any_name_but_needs_one() {
    let listeners = Listeners::open().await;
    for (host, status) in
        [("Host: hub", 200), ("Host: 192.0.2.1:PORT", 200), ("Host: a b", 400), ("X: y", 400)]
    {
        listeners.is_answered(Tls, &request("GET /healthz", &[host]), status).await;
        let upgraded = if status == 200 { 101 } else { status };
        listeners.is_answered(Tls, &web_socket(&[host]), upgraded).await;
    }
}

/// The fields that a browser adds to a request of a page, and whether the page has access.
fn signs_of_pages(listener: Listener) -> Vec<(Vec<&'static str>, bool)> {
    let own = own_origin(listener);
    let mut signs = vec![
        (vec![], true),
        (vec![own], true),
        (vec![own, "Sec-Fetch-Site: same-origin"], true),
        (vec!["Sec-Fetch-Site: none"], true),
        (vec!["Origin: https://evil.example"], false),
        (vec!["Origin: https://evil.example", "Sec-Fetch-Site: cross-site"], false),
        (vec!["Origin: https://evil.example", "Sec-Fetch-Site: same-origin"], false),
        (vec!["Origin: null"], false),
        (vec!["Origin: null", "Sec-Fetch-Site: same-origin"], false),
        (vec!["Origin:"], false),
        (vec!["Origin: *"], false),
        (vec![own, own], false),
        (vec![own, "Origin: https://evil.example"], false),
        (vec!["Sec-Fetch-Site: cross-site"], false),
        (vec!["Sec-Fetch-Site: same-site"], false),
        (vec!["Sec-Fetch-Site: quite-new"], false),
        (vec![own, "Sec-Fetch-Site: cross-site"], false),
        (vec!["Sec-Fetch-Site: none", "Sec-Fetch-Site: cross-site"], false),
    ];
    signs.extend(match listener {
        // Another scheme, host or port is another origin.
        Tls => vec![
            (vec!["Origin: http://hub.example:PORT"], false),
            (vec!["Origin: https://hub.example"], false),
            (vec!["Origin: https://hub.example.evil.example:PORT"], false),
        ],
        Plain | Listener::Gateway => vec![
            (vec!["Origin: https://localhost:PORT"], false),
            (vec!["Origin: http://localhost"], false),
            (vec!["Origin: http://localhost:3000"], false),
            (vec!["Origin: http://127.0.0.1:PORT"], false),
        ],
    });
    signs
}

#[tokio::test]
async fn a_page_of_another_origin_asks_nothing() {
    let listeners = Listeners::open().await;
    for listener in ALL_LISTENERS {
        for (signs, may) in signs_of_pages(listener) {
            let fields = [&[own_host(listener)], &signs[..]].concat();
            let status = if may { 200 } else { 403 };
            listeners.is_answered(listener, &request("GET /healthz", &fields), status).await;
            // A page with access still needs a token.
            let status = if may { 401 } else { 403 };
            listeners.is_answered(listener, &request("GET /v1/people", &fields), status).await;
            if listener == Listener::Gateway {
                continue;
            }
            let status = if may { 101 } else { 403 };
            listeners.is_answered(listener, &web_socket(&fields), status).await;
        }
    }
}

#[tokio::test]
async fn no_method_and_no_path_is_open_to_a_page_of_another_origin() {
    let listeners = Listeners::open().await;
    for listener in ALL_LISTENERS {
        for line in [
            "HEAD /healthz",
            "GET /openapi.json",
            "GET /nowhere",
            "POST /v1/join",
            "POST /v1/requests",
            "GET /v1/requests/x",
            "DELETE /v1/members/bob",
            "PUT /v1/people",
            "OPTIONS /v1/people",
            "GET /mqtt/",
        ] {
            let origin = "Origin: https://evil.example";
            let fields = [own_host(listener), origin, "Access-Control-Request-Method: GET"];
            let head = listeners.ask(listener, &request(line, &fields)).await;
            assert!(head.starts_with("http/1.1 403 "), "{listener:?}: {line}\n-> {head}");
            assert!(!head.contains("access-control-"), "{listener:?}: {line}\n-> {head}");
        }
    }
}

#[tokio::test]
async fn a_page_does_not_ask_to_be_let_in() {
    let listeners = Listeners::open().await;
    let body = r#"{"name":"IT support (Anna)","kind":"laptop"}"#;
    let length = format!("Content-Length: {}", body.len());
    // A browser sends this for a page of any site, without a preflight.
    let simple = [own_host(Plain), "Origin: https://evil.example", "Content-Type: text/plain"];
    let asked = request("POST /v1/requests", &[&simple[..], &[&length]].concat());
    listeners.is_answered(Plain, &format!("{asked}{body}"), 403).await;
    // The same after the page's name has become an address of this computer (DNS rebinding).
    let rebound = ["Host: evil.example", "Content-Type: application/json", &length];
    let asked = request("POST /v1/requests", &rebound);
    listeners.is_answered(Plain, &format!("{asked}{body}"), 421).await;
    let requests =
        listeners.house.get("/v1/requests", Some(&listeners.house.anna.credential)).await;
    assert_eq!(requests.body, serde_json::json!([]));
}

#[tokio::test]
async fn a_body_is_json_and_says_so() {
    let listeners = Listeners::open().await;
    for (kind, status) in [
        // The hub reads the body, and finds no valid request in it.
        ("Content-Type: application/json", 400),
        ("Content-Type: application/json; charset=utf-8", 400),
        ("Content-Type: Application/JSON;charset=\"UTF-8\"", 400),
        ("X: y", 415),
        ("Content-Type:", 415),
        ("Content-Type: text/plain", 415),
        ("Content-Type: text/plain; x=application/json", 415),
        ("Content-Type: application/x-www-form-urlencoded", 415),
        ("Content-Type: multipart/form-data; boundary=x", 415),
        ("Content-Type: application/json; charset=utf-16", 415),
        ("Content-Type: application/json; x=y", 415),
        ("Content-Type: application/jsonp", 415),
        ("Content-Type: application/json, text/plain", 415),
        ("Content-Type: application/json\r\nContent-Type: text/plain", 415),
    ] {
        for listener in [Plain, Tls] {
            for path in ["/v1/join", "/v1/requests"] {
                let fields = [own_host(listener), kind, "Content-Length: 2"];
                let asked = request(&format!("POST {path}"), &fields) + "{}";
                listeners.is_answered(listener, &asked, status).await;
            }
        }
    }
    // A request that needs no body may have one of any type. The hub does not read it.
    for listener in ALL_LISTENERS {
        let fields = [own_host(listener), "Content-Type: text/plain", "Content-Length: 2"];
        listeners.is_answered(listener, &(request("GET /healthz", &fields) + "{}"), 200).await;
    }
}

const BOARD: &str = "Origin: https://board.example";
const PERMITTED: [&str; 2] = ["https://Board.example:443", "http://localhost:3000"];

#[tokio::test]
async fn a_page_of_a_permitted_origin_asks_and_reads() {
    let listeners = Listeners::open_to(&PERMITTED).await;
    for listener in ALL_LISTENERS {
        for (origin, site) in [
            (BOARD, "Sec-Fetch-Site: cross-site"),
            ("Origin: http://localhost:3000", "Sec-Fetch-Site: same-site"),
        ] {
            let fields = [own_host(listener), origin, site];
            let allowed = origin.replace("Origin: ", "access-control-allow-origin: ");
            // The page may also read a refusal.
            for (path, status) in [("/healthz", "200"), ("/v1/people", "401"), ("/none", "404")] {
                let head = listeners.ask(listener, &request(&format!("GET {path}"), &fields)).await;
                assert!(head.starts_with(&format!("http/1.1 {status} ")), "{listener:?}: {head}");
                assert!(head.contains(&allowed), "{listener:?}: {head}");
                assert!(head.contains("vary: origin"), "{listener:?}: {head}");
                assert!(!head.contains("allow-credentials"), "{listener:?}: {head}");
            }
            if listener != Listener::Gateway {
                listeners.is_answered(listener, &web_socket(&fields), 101).await;
            }
        }
    }
}

#[tokio::test]
async fn a_browser_is_told_what_a_permitted_page_may_send() {
    let listeners = Listeners::open_to(&PERMITTED).await;
    for listener in ALL_LISTENERS {
        let asked = [
            own_host(listener),
            BOARD,
            "Sec-Fetch-Site: cross-site",
            "Access-Control-Request-Method: GET",
            "Access-Control-Request-Headers: authorization",
        ];
        let head = listeners.ask(listener, &request("OPTIONS /v1/people", &asked)).await;
        assert!(head.starts_with("http/1.1 204 "), "{listener:?}: {head}");
        let methods = if listener == Listener::Gateway {
            "get, head\r"
        } else {
            "get, head, post, put, delete\r"
        };
        for field in [
            "access-control-allow-origin: https://board.example\r",
            &format!("access-control-allow-methods: {methods}"),
            "access-control-allow-headers: authorization, content-type, last-event-id\r",
            "vary: origin\r",
        ] {
            assert!(head.contains(field), "{listener:?}: no {field} in {head}");
        }
        // OPTIONS that is not a preflight is a method that no path supports.
        let head =
            listeners.ask(listener, &request("OPTIONS /v1/people", &[own_host(listener)])).await;
        assert!(head.starts_with("http/1.1 405 "), "{listener:?}: {head}");
    }
}

#[tokio::test]
async fn permitting_one_origin_permits_no_other_and_nothing_else() {
    let listeners = Listeners::open_to(&PERMITTED).await;
    for listener in ALL_LISTENERS {
        for signs in [
            &["Origin: https://evil.example"][..],
            &["Origin: http://board.example"],
            &["Origin: https://www.board.example"],
            &["Origin: https://board.example:8443"],
            &["Origin: https://board.example.evil.example"],
            &["Origin: http://localhost:3001"],
            &["Origin: null"],
            &["Sec-Fetch-Site: cross-site"],
            &[BOARD, BOARD],
            &[BOARD, "Origin: https://evil.example"],
        ] {
            let fields = [&[own_host(listener)], signs].concat();
            let head = listeners.ask(listener, &request("GET /healthz", &fields)).await;
            assert!(head.starts_with("http/1.1 403 "), "{listener:?}: {signs:?}: {head}");
            assert!(!head.contains("access-control-"), "{listener:?}: {signs:?}: {head}");
            if listener != Listener::Gateway {
                listeners.is_answered(listener, &web_socket(&fields), 403).await;
            }
        }
        // A program gets no CORS fields.
        let head = listeners.ask(listener, &request("GET /healthz", &[own_host(listener)])).await;
        assert!(!head.contains("access-control-") && !head.contains("vary"), "{head}");
    }
    // A reverse proxy that forwards its own name has one of those origins.
    for (host, status) in [
        ("Host: board.example", 200),
        ("Host: board.example:443", 200),
        ("Host: board.example:80", 421),
        ("Host: evil.example", 421),
    ] {
        for listener in LOCAL_LISTENERS {
            listeners.is_answered(listener, &request("GET /healthz", &[host]), status).await;
        }
    }
    let simple = [own_host(Plain), BOARD, "Content-Type: text/plain", "Content-Length: 2"];
    listeners.is_answered(Plain, &(request("POST /v1/requests", &simple) + "{}"), 415).await;
}
