//! A second launch on the same desktop.

use std::collections::HashMap;

use porchlight_tests::until::{SOON, START};
use porchlight_tests::{Cli, EmbeddedHub, Session, WebView, until};
use serde_json::{Value, json};
use zbus::zvariant;

use super::{APP, Desk, LINK, PROCESS, invoke, launch, runs, wait_tooltip, wait_window, windows};

const INVITATION: &str = "porchlight://join?team=acme&token=A-b_1";

#[tokio::test]
async fn a_second_launch_shows_the_window_of_the_first_and_ends() {
    let hub = EmbeddedHub::start().await;
    let desk = Desk::start().await;
    let alice = Cli::new(&hub.url(), "alice", "laptop").on(&desk.session);
    let first = launch(&alice, &[]);
    wait_tooltip(&desk.item().await, "Nobody else here yet", START).await;
    assert!(windows(&desk.session).is_empty());

    assert!(launch(&alice, &[]).wait_exit(SOON).await.success());
    let window = wait_window(&desk.session).await;

    // Covered by another window, it is raised.
    let _other = desk.session.spawn("xmessage", &["another window"]);
    until("the other window to have the focus", SOON, || {
        desk.session.active_window().is_some_and(|active| active != window)
    })
    .await;
    assert!(launch(&alice, &[]).wait_exit(SOON).await.success());
    until("the one window to have the focus", SOON, || {
        desk.session.active_window() == Some(window) && windows(&desk.session) == [window]
    })
    .await;
    assert_eq!(first.exit(), None);
    let programs = desk.session.programs();
    assert_eq!(programs.iter().filter(|(name, _)| name == PROCESS).count(), 1, "{programs:?}");
}

/// Gives the app these as a desktop does that was asked to open them (Desktop Entry Specification, *D-Bus
/// Activation*).
async fn open_by_bus(session: &Session, uris: &[&str]) {
    let connection = session.connection().await;
    let (name, path) = ("app.porchlight.Porchlight", "/app/porchlight/Porchlight");
    let data: HashMap<&str, zvariant::Value<'_>> = HashMap::new();
    let body = (uris, data);
    let interface = Some("org.freedesktop.Application");
    connection.call_method(Some(name), path, interface, "Open", &body).await.expect("an answer");
}

/// The link that waits for the window, which no longer waits then.
async fn take_link(window: &WebView) -> Value {
    invoke(window, "take_link", json!({})).await.expect("the window's own command")
}

#[tokio::test]
async fn a_link_followed_while_the_app_runs_raises_its_window() {
    let hub = EmbeddedHub::start().await;
    let desk = Desk::start().await;
    let alice = Cli::new(&hub.url(), "alice", "laptop").on(&desk.session);
    let first = launch(&alice, &[]);
    wait_tooltip(&desk.item().await, "Nobody else here yet", START).await;
    assert!(windows(&desk.session).is_empty());

    assert!(launch(&alice, &[INVITATION]).wait_exit(SOON).await.success());
    let window = wait_window(&desk.session).await;

    // If another window covers it, such as the browser with the link, it is raised.
    let _other = desk.session.spawn("xmessage", &["another window"]);
    until("the other window to have the focus", SOON, || {
        desk.session.active_window().is_some_and(|active| active != window)
    })
    .await;
    open_by_bus(&desk.session, &[INVITATION]).await;
    until("the one window to have the focus", SOON, || {
        desk.session.active_window() == Some(window) && windows(&desk.session) == [window]
    })
    .await;
    assert_eq!(first.exit(), None);
}

/// A whole invitation to a team of that name. Nobody is there.
fn invitation(team: &str) -> String {
    let (pin, secret) = ("A".repeat(43), "s".repeat(27));
    format!("porchlight://join?v=1&team={team}&at=127.0.0.1:9&pin={pin}&token=k3V9xQ2aB7.{secret}")
}

/// Waits until the window asks about the invitation to that team. It can't be followed: there is a broker already.
async fn wait_asked(window: &WebView, team: &str) {
    let question = format!("Join {team}?");
    window.text("h1", |text| text == question, START).await;
    window.text("[data-testid=held]", |text| text.contains("a broker of your own"), SOON).await;
}

#[tokio::test]
async fn the_window_asks_about_the_last_link_that_was_followed() {
    let hub = EmbeddedHub::start().await;
    let desk = Desk::start().await;
    let alice = Cli::new(&hub.url(), "alice", "laptop").on(&desk.session);
    let window = desk.open(&alice).await;
    window.attribute(LINK, "data-state", "up", START).await;

    assert!(launch(&alice, &[&invitation("One")]).wait_exit(SOON).await.success());
    wait_asked(&window, "One").await;
    assert_eq!(take_link(&window).await, Value::Null, "it was taken");

    // The last of several is what the person wants now; the page that asks is open all the time.
    open_by_bus(&desk.session, &[&invitation("Two"), &invitation("Three")]).await;
    wait_asked(&window, "Three").await;
}

#[tokio::test]
async fn a_link_that_is_none_of_ours_is_refused_in_a_sentence() {
    let hub = EmbeddedHub::start().await;
    let desk = Desk::start().await;
    let alice = Cli::new(&hub.url(), "alice", "laptop").on(&desk.session);
    let app = launch(&alice, &[]);
    wait_tooltip(&desk.item().await, "Nobody else here yet", START).await;
    let too_long = format!("porchlight://join?token={}", "a".repeat(4096));
    for (link, words) in [
        ("https://example.org/", "this is not a porchlight:// link"),
        (too_long.as_str(), "longer than 4096 bytes"),
        ("porchlight://join?\u{1b}[2J", "unprintable character"),
    ] {
        open_by_bus(&desk.session, &[link]).await;
        let refused = app
            .wait_line(|line| line.contains("a link was not opened") && line.contains(words), SOON);
        let line = refused.await;
        // A stranger's text has no business in the log of a terminal.
        assert!(!line.contains("example.org") && !line.contains('\u{1b}'), "{line}");
    }

    let other = launch(&alice, &["https://example.org/"]);
    assert!(!other.wait_exit(SOON).await.success(), "{other}");
    assert!(other.to_string().contains("this is not a porchlight:// link"), "{other}");
    assert!(runs(&desk.session, PROCESS));
    drop(other);
    assert_eq!(app.exit(), None, "{APP} goes on");
}

#[tokio::test]
async fn an_app_that_is_started_by_a_link_opens_its_window_for_it() {
    let hub = EmbeddedHub::start().await;
    let desk = Desk::start().await;
    let alice = Cli::new(&hub.url(), "alice", "laptop").on(&desk.session);
    let mut arguments = alice.arguments();
    arguments.push(invitation("One"));
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    // Without --show: the driver finds the window because the link opened it.
    let window = WebView::open(&desk.session, &super::bin(APP), &arguments).await;
    wait_asked(&window, "One").await;
}
