//! What the window shows and what can be done in it.

use fantoccini::Locator;
use porchlight_tests::until::{SOON, START, unix_ms};
use porchlight_tests::{Cli, EmbeddedHub, Message, Probe, until_async};
use serde_json::{Value, json};

use super::{Desk, LINK, ME, photograph, row};

#[tokio::test]
async fn hostile_names_are_text_and_rows_outlive_the_link() {
    let mut hub = EmbeddedHub::start().await;
    let desk = Desk::start().await;
    let alice = Cli::new(&hub.url(), "alice", "laptop").on(&desk.session);
    let window = desk.open(&alice).await;
    window.attribute(LINK, "data-state", "up", START).await;

    // As sent, and as shown: only what turns the direction of writing is taken out.
    let people = [
        ("markup", "<img src=x onerror=\"document.title='done'\">", None),
        ("script", "<script>document.title='done'</script>", None),
        ("constructor", "__proto__", None),
        ("toString", "constructor", None),
        ("bidi", "evil\u{202e}gnp.exe", Some("evilgnp.exe")),
    ];
    let mut probe = Probe::connect(&hub.url()).await;
    for (user, name, _) in &people {
        let now = unix_ms();
        let record = json!({
            "v": 1, "status": "online", "since": now, "timestamp": now, "epoch": now,
            "lease_s": 3600, "name": name, "kind": name,
        });
        let topic = format!("presence/{user}/device/{user}");
        probe.publish(Message::json(topic, &record).retained()).await;
    }
    for (user, name, shown) in &people {
        let name_of = format!("{} .name", row(user));
        let wanted = shown.unwrap_or(name);
        window.content(&name_of, |text| text == wanted, SOON).await;
    }
    let all = window.client().find_all(Locator::Css("[data-user]")).await.expect("rows");
    assert_eq!(all.len(), people.len());
    window.gone("main img, main script", SOON).await;
    let title = window.run("return document.title", Vec::new()).await.expect("a title");
    assert_ne!(title, "done");
    let polluted =
        "return [({}).name, ({}).status, Object.prototype.user].filter((x) => x !== undefined)";
    assert_eq!(window.run(polluted, Vec::new()).await.expect("an answer"), json!([]));
    photograph(&desk, &window, "desktop-hostile-names").await;

    hub.stop();
    window.attribute(LINK, "data-state", "connecting", SOON).await;
    photograph(&desk, &window, "desktop-link-lost").await;
    let rows = window.client().find_all(Locator::Css("[data-user]")).await.expect("rows");
    assert_eq!(rows.len(), people.len(), "who was there stays listed");
    window.attribute(&row("markup"), "data-status", "online", SOON).await;
    hub.start_again().await;
    window.attribute(LINK, "data-state", "up", 2 * SOON).await;
}

#[tokio::test]
async fn a_status_picked_in_the_window_is_seen_by_the_others() {
    let hub = EmbeddedHub::start().await;
    let desk = Desk::start().await;
    let alice = Cli::new(&hub.url(), "alice", "laptop").on(&desk.session);
    let watch = Cli::new(&hub.url(), "bob", "desk").watch();
    let window = desk.open(&alice).await;
    window.attribute(ME, "data-status", "online", START).await;
    watch.wait_status("alice", "online", SOON).await;
    for (pick, status) in [("dnd", "dnd"), ("away", "away"), ("automatic", "online")] {
        window.click("[data-testid=status-button]", SOON).await;
        // Clicked until it has come to something: an option goes away with the click on it.
        until_async(format!("{status} in the own window"), SOON, async || {
            if let Ok(option) =
                window.client().find(Locator::Css(&format!("[data-pick={pick}]"))).await
            {
                let _ = option.click().await;
            }
            window.attribute_now(ME, "data-status").await.as_deref() == Some(status)
        })
        .await;
        watch.wait_status("alice", status, SOON).await;
        window.gone("[data-pick]", SOON).await;
    }
    window.click("[data-testid=status-button]", SOON).await;
    window.click("[data-testid=status-more]", SOON).await;
    photograph(&desk, &window, "desktop-status-panel").await;
    let failures = window.client().find_all(Locator::Css("[data-testid=failure]")).await;
    assert!(failures.is_ok_and(|failures| failures.is_empty()));
    assert_eq!(watch.persons()["alice"]["text"], Value::Null);
}
