//! What a script in the window could do, were there one.

use std::io::Write as _;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use porchlight_tests::port::free_port;
use porchlight_tests::until::{SOON, START};
use porchlight_tests::{Cli, EmbeddedHub, WebView, never, until};
use serde_json::json;

use super::{Desk, LINK, invoke};

/// What is asked for of the network, and how its answer is told.
const REQUESTS: [&str; 5] = [
    "fetch(url, { mode: 'no-cors' }).then(() => answer('out'), () => answer('held'))",
    "const it = new Image(); it.onload = it.onerror = (event) => answer(event.type); it.src = url",
    "const it = document.createElement('script'); it.onload = it.onerror = (event) => answer(event.type);
        it.src = url; document.head.append(it)",
    "try { const it = new WebSocket(url.replace('http', 'ws')); it.onopen = it.onerror = (event) => answer(event.type) }
        catch { answer('held') }",
    "try { navigator.sendBeacon(url) } finally { answer('asked') }",
];

/// What would show another page.
const WAYS_OUT: [&str; 4] = [
    "window.open(url)",
    "const it = document.createElement('a'); it.href = url; it.target = '_blank'; document.body.append(it); it.click()",
    "const it = document.createElement('form'); it.action = url; document.body.append(it); it.submit()",
    "location.assign(url)",
];

/// Somebody on the network who would be glad of a request. A connection alone is none: WebKit makes
/// one when a link is clicked, before it asks whether it may follow.
struct Stranger {
    listener: TcpListener,
    visitors: Vec<TcpStream>,
}

impl Stranger {
    fn listen() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", free_port())).expect("a free port");
        listener.set_nonblocking(true).expect("a socket of ours");
        Self { listener, visitors: Vec::new() }
    }

    fn address(&self) -> SocketAddr {
        self.listener.local_addr().expect("it listens")
    }

    /// Whether any visitor ever said anything.
    fn was_asked(&mut self) -> bool {
        while let Ok((visitor, _)) = self.listener.accept() {
            visitor.set_nonblocking(true).expect("a socket of ours");
            self.visitors.push(visitor);
        }
        self.visitors.iter().any(|visitor| visitor.peek(&mut [0]).is_ok_and(|length| length > 0))
    }
}

async fn open(desk: &Desk, hub: &EmbeddedHub) -> WebView {
    let alice = Cli::new(&hub.url(), "alice", "laptop").on(&desk.session);
    let window = desk.open(&alice).await;
    window.attribute(LINK, "data-state", "up", START).await;
    window
}

#[tokio::test]
async fn a_script_in_the_page_reaches_the_windows_own_commands_and_no_other() {
    let (hub, desk) = (EmbeddedHub::start().await, Desk::start().await);
    let window = open(&desk, &hub).await;
    let global = window.run("return typeof window.__TAURI__", Vec::new()).await;
    assert_eq!(global.expect("an answer"), "undefined");
    let snapshot = invoke(&window, "snapshot", json!({})).await.expect("the window's own command");
    assert_eq!(snapshot["stage"], "running");
    for command in ["event|emit", "window|close", "app|version", "webview|create_webview"] {
        let given = json!({ "event": "update", "payload": {}, "label": "main" });
        let denied = invoke(&window, &format!("plugin:{command}"), given).await;
        // In the words of the access control list, which says so before it looks for the command.
        let words = format!("{} not allowed", command.replace('|', "."));
        let denied = denied.expect_err(command);
        assert!(denied.starts_with(&words) || denied.contains("not allowed by ACL"), "{denied}");
    }
}

#[tokio::test]
async fn text_is_never_run_and_prototypes_are_never_changed() {
    let (hub, desk) = (EmbeddedHub::start().await, Desk::start().await);
    let window = open(&desk, &hub).await;
    for script in ["return eval('1')", "return new Function('return 1')()"] {
        let script = format!("try {{ {script} }} catch (thrown) {{ return thrown.name }}");
        let thrown = window.run(&script, Vec::new()).await.expect("an answer");
        assert_eq!(thrown, "EvalError", "{script}");
    }
    let inline =
        "const it = document.createElement('script'); it.textContent = 'window.ran = true';
        document.head.append(it); return window.ran === true";
    assert_eq!(window.run(inline, Vec::new()).await.expect("an answer"), false);
    let polluting = "try { Object.prototype.x = 1 } catch { } return 'x' in {}";
    assert_eq!(window.run(polluting, Vec::new()).await.expect("an answer"), false);
}

#[tokio::test]
async fn a_script_in_the_page_reaches_nobody_on_the_network() {
    let (hub, desk) = (EmbeddedHub::start().await, Desk::start().await);
    let window = open(&desk, &hub).await;
    let mut stranger = Stranger::listen();
    let url = json!(format!("http://{}/", stranger.address()));
    for request in REQUESTS {
        let script = format!("const [url, answer] = arguments; {request}");
        let answer = window.run_async(&script, vec![url.clone()]).await.expect("an answer");
        assert!(
            ["held", "error", "asked"].iter().any(|held| answer == *held),
            "{answer}: {request}"
        );
        assert!(!stranger.was_asked(), "{request}");
    }
    for way_out in WAYS_OUT {
        let script = format!("const [url] = arguments; {way_out}");
        // Some are refused with an error, some in silence.
        let _ = window.run(&script, vec![url.clone()]).await;
        let what = format!("a request by {way_out}");
        never(what, Duration::from_millis(300), || stranger.was_asked()).await;
    }
    window.attribute(LINK, "data-state", "up", SOON).await;
    // Had there been a request, it would have been seen.
    let mut visitor = TcpStream::connect(stranger.address()).expect("somebody listens");
    visitor.write_all(b"GET").expect("a visitor who asks");
    until("the request", SOON, || stranger.was_asked()).await;
}
