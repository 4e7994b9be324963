//! Web pages in a real browser, at a hub and a gateway: one of another origin gets nothing, one that is permitted reads.

use std::process::Command;

use porchlight_tests::binary::bin;
use porchlight_tests::file_server::FileServer;
use porchlight_tests::process::{Stream, run};
use porchlight_tests::until::{SOON, START};
use porchlight_tests::{Mosquitto, Proc, RunningGateway, Session, WebView, until};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::harness::webviews::mini_browser;

/// What a page gets: the status of the answer, 0 where it must not see it.
const FETCH: &str = "const [url, options, done] = arguments;
    fetch(url, options).then((answer) => done(answer.status), () => done('refused'));";
const SOCKET: &str = "const [url, done] = arguments;
    const socket = new WebSocket(url, 'mqtt');
    socket.onopen = () => done('open');
    socket.onerror = () => done('refused');";

/// A team's hub that permits these origins, and where programs of this computer reach it.
async fn hub(origins: &[&str]) -> (Proc, String, TempDir) {
    let folder = TempDir::with_prefix("porchlight-hub-").expect("a temporary folder can be made");
    let mut command = Command::new(bin("porchlight"));
    command.args(["hub", "--memory", "--quiet", "--listen", "127.0.0.1:0"]);
    command.args(["--local", "127.0.0.1:0", "--config-dir"]).arg(folder.path());
    for origin in origins {
        command.args(["--origin", origin]);
    }
    let hub = Proc::spawn("porchlight hub", &mut command);
    let line = hub.wait_line(|line| line.starts_with("listening on "), START).await;
    let addr = line.trim_start_matches("listening on ").trim().to_owned();
    (hub, addr, folder)
}

#[tokio::test]
async fn a_page_of_another_origin_gets_nothing_and_one_that_is_permitted_reads() {
    let Some(browser) = mini_browser() else {
        println!("skipped: mini_browser: WebKitGTK's MiniBrowser is not here");
        return;
    };
    let shelf = FileServer::open().await;
    shelf.put("page.html", *b"<!doctype html><title>A page</title>");
    let page = shelf.url("page.html");
    let origin = page.trim_end_matches("/page.html");
    let broker = Mosquitto::start("").await;
    let open = RunningGateway::start_with(&broker.url(), &["--origin", origin]).await;
    let closed = RunningGateway::start(&broker.url()).await;
    for gateway in [&open, &closed] {
        gateway.until_read().await;
    }
    let (_open_hub, open_addr, _open_folder) = hub(&[origin]).await;
    let (closed_hub, closed_addr, _closed_folder) = hub(&[]).await;

    let session = Session::start().await;
    let window = WebView::open_browser(&session, "MiniBrowser", &browser, &["--automation"]).await;
    window.client().goto(&page).await.unwrap();
    let fetch = async |url: String, options: Value| {
        window.run_async(FETCH, vec![json!(url), options]).await.unwrap()
    };
    let people = async |gateway: &RunningGateway| {
        let bearer = format!("Bearer {}", gateway.token());
        let url = format!("http://{}/v1/people", gateway.addr());
        fetch(url, json!({ "headers": { "Authorization": bearer } })).await
    };
    assert_eq!(people(&open).await, 200);
    assert_eq!(people(&closed).await, "refused");
    for (addr, comes) in [(&open_addr, "open"), (&closed_addr, "refused")] {
        let url = json!(format!("ws://{addr}/mqtt"));
        assert_eq!(window.run_async(SOCKET, vec![url]).await.unwrap(), comes, "{addr}");
    }

    // The browser sends this without a preflight. The hub asks nobody to let Eve in.
    let url = format!("http://{closed_addr}/v1/requests");
    let simple = json!({ "method": "POST", "mode": "no-cors", "body": r#"{"name":"Eve"}"# });
    assert_eq!(fetch(url.clone(), simple).await, 0);
    let mut program = Command::new("curl");
    program.args(["--silent", "--header", "Content-Type: application/json"]);
    run(program.args(["--data", r#"{"name":"Bob"}"#, &url]));
    let asks = |name: &str| {
        let said = format!("{name} asks to join");
        closed_hub.lines(Stream::Err).iter().any(|line| line.contains(&said))
    };
    until("a program to ask to join", SOON, || asks("Bob")).await;
    assert!(!asks("Eve"), "{closed_hub}");
    window.close().await;
}
