//! A knock as a person at a desktop meets it: notification, tray and window.

use porchlight_tests::process::{Exit, Stream};
use porchlight_tests::until::{SOON, START};
use porchlight_tests::{
    Cli, EmbeddedHub, Message, Probe, SeedClient, WebView, never, until, until_async,
};
use serde_json::{Value, json};

use super::{AT_ONCE, Desk, LINK, invoke, launch, photograph, row, wait_tooltip};

const KNOCK: &str = "[data-testid=knock]";
const STATE: &str = "[data-testid=exchange-state]";

/// Opens the page on which that person is reached.
async fn reach(window: &WebView, user: &str) {
    window.click(&format!("{} [data-testid=reach]", row(user)), SOON).await;
    window.element("[data-testid=reach-page]", SOON).await;
}

/// What the window's own snapshot says of knocks and waves.
async fn exchanges(window: &WebView) -> Vec<Value> {
    let snapshot = invoke(window, "snapshot", json!({})).await.expect("a snapshot");
    snapshot["signals"]["exchanges"].as_array().cloned().unwrap_or_default()
}

#[tokio::test]
async fn a_knock_rings_on_both_devices_and_an_answer_on_one_ends_it_on_the_other() {
    let hub = EmbeddedHub::start().await;
    let (home, work) = (Desk::start().await, Desk::start().await);
    let bob_home = Cli::new(&hub.url(), "bob", "home").named("Bob").on(&home.session);
    let bob_work = Cli::new(&hub.url(), "bob", "work").named("Bob").on(&work.session);
    let _apps = [launch(&bob_home, &[]), launch(&bob_work, &[])];
    let icons = [home.item().await, work.item().await];
    let alice = Cli::new(&hub.url(), "alice", "laptop").named("Alice <b>");
    let _alice_runs = alice.run("none");
    for icon in &icons {
        wait_tooltip(icon, "1 of 1 online", START).await;
        assert_eq!(icon.status().await, "Active");
    }

    let text = "Got <b>a</b> minute? <a href=\"https://x\">&amp;</a>\u{202e}";
    let knock = alice.start(&["knock", "bob", text]);
    let mut notices = Vec::new();
    for desk in [&home, &work] {
        let rings = |notification: &porchlight_tests::notifications::Notification| {
            notification.summary == "Alice <b> knocked"
        };
        notices.push(desk.notifications.wait(rings, START).await);
    }
    for notification in &notices {
        // The server reads markup, and there is none of theirs.
        let shown = "Got &lt;b&gt;a&lt;/b&gt; minute? &lt;a href=&quot;https://x&quot;&gt;&amp;amp;&lt;/a&gt;";
        assert_eq!(notification.body, shown);
        let labels: Vec<_> = notification.actions.iter().map(|(_, label)| label.as_str()).collect();
        assert_eq!(labels, ["Open", "Now is fine", "Give me 5 minutes", "Later, please"]);
        assert_eq!(notification.hint("category").as_deref(), Some("im.received"));
    }
    knock.wait_line(|line| line == "delivered", SOON).await;
    for icon in &icons {
        until_async("attention", SOON, async || icon.status().await == "NeedsAttention").await;
        let menu = icon.menu().await;
        assert!(menu.find("Now is fine").is_some(), "{menu}");
        // Plasma draws the tooltip's text as markup.
        let tooltip = icon.tooltip().await.text;
        assert!(tooltip.contains("Alice &lt;b&gt; knocked"), "{tooltip}");
    }

    // The app listens for clicks only once it knows the notification's number.
    until_async("the answer", SOON, async || {
        home.notifications.invoke(notices[0].id, "in_5").await;
        knock.exit().is_some()
    })
    .await;
    assert_eq!(knock.exit(), Some(Exit::Code(0)), "{knock}");
    assert_eq!(knock.lines(Stream::Out).last().map(String::as_str), Some("Bob: Give me 5 minutes"));
    for (desk, icon) in [(&home, &icons[0]), (&work, &icons[1])] {
        until("the notice to be gone", SOON, || {
            let showing = desk.notifications.showing();
            !showing.iter().any(|notification| notification.summary.contains("knocked"))
        })
        .await;
        until_async("no attention", SOON, async || icon.status().await == "Active").await;
        let rung = desk.notifications.all();
        let rung =
            rung.iter().filter(|notification| notification.summary.contains("knocked")).count();
        assert_eq!(rung, 1, "one notice on each");
    }
}

#[tokio::test]
async fn a_knock_is_answered_from_the_tray() {
    let hub = EmbeddedHub::start().await;
    let desk = Desk::start().await;
    let bob = Cli::new(&hub.url(), "bob", "desk").named("Bob").on(&desk.session);
    let _app = launch(&bob, &[]);
    let item = desk.item().await;
    let alice = Cli::new(&hub.url(), "alice", "laptop");
    let _alice_runs = alice.run("none");
    wait_tooltip(&item, "1 of 1 online", START).await;
    let knock = alice.start(&["knock", "bob"]);
    until_async("attention", START, async || item.status().await == "NeedsAttention").await;
    item.click("Later, please").await;
    assert_eq!(knock.wait_exit(SOON).await, Exit::Code(0), "{knock}");
    until_async("no attention", SOON, async || item.status().await == "Active").await;
}

#[tokio::test]
async fn in_the_window_one_knocks_and_sees_how_far_it_has_come() {
    let hub = EmbeddedHub::start().await;
    let desk = Desk::start().await;
    let alice = Cli::new(&hub.url(), "alice", "laptop").named("Alice").on(&desk.session);
    let window = desk.open(&alice).await;
    window.attribute(LINK, "data-state", "up", START).await;
    let bob = Cli::new(&hub.url(), "bob", "desk").named("Bob").run("none");
    window.element(&row("bob"), START).await;
    let mut inbox = Probe::connect(&hub.url()).await;
    inbox.subscribe("presence/bob/inbox/+").await;
    reach(&window, "bob").await;
    window.type_into("[data-testid=knock-text]", "Coffee?", SOON).await;
    // Typed to Bob alone.
    let typing = |arrival: &porchlight_tests::wire::Arrival| {
        arrival.json()["kind"] == "typing" && arrival.json()["isTyping"] == true
    };
    inbox.wait_for(typing, SOON).await;
    window.click("[data-testid=knock-send]", SOON).await;
    window.content(STATE, |text| text == "Delivered", SOON).await;
    bob.wait_line(|line| line.contains("Alice knocks: Coffee?"), SOON).await;
    let knock = inbox.wait_for(|arrival| arrival.json()["kind"] == "knock", SOON).await;
    let id = knock.json()["id"].clone();
    let hostile = "<img src=x onerror=\"document.title='done'\">\u{202e}\u{1b}[2J";
    let answer = json!({ "v": 1, "kind": "answer", "re": id, "text": hostile });
    inbox.publish(Message::json("presence/alice/inbox/bob", &answer)).await;
    let shown = "Bob replied: <img src=x onerror=\"document.title='done'\">[2J";
    window.content(STATE, |text| text == shown, SOON).await;
    window.gone("main img", SOON).await;
    photograph(&desk, &window, "desktop-knock-answered").await;
    let notification =
        desk.notifications.wait(|notification| notification.summary == "Bob replied", SOON).await;
    assert!(notification.body.starts_with("&lt;img src=x"), "{notification:?}");
}

#[tokio::test]
async fn a_knock_in_the_window_is_seen_when_its_page_is_opened() {
    let hub = EmbeddedHub::start().await;
    let desk = Desk::start().await;
    let bob = Cli::new(&hub.url(), "bob", "desk").named("Bob").on(&desk.session);
    let window = desk.open(&bob).await;
    window.attribute(LINK, "data-state", "up", START).await;
    let alice = Cli::new(&hub.url(), "alice", "laptop").named("Alice");
    let _alice_runs = alice.run("none");
    window.element(&row("alice"), START).await;
    let knock = alice.start(&["knock", "bob", "<b>Coffee</b>?"]);
    window
        .content(&format!("{KNOCK} bdi"), |it| it == "Alice knocked: <b>Coffee</b>?", START)
        .await;
    photograph(&desk, &window, "desktop-knock").await;
    reach(&window, "alice").await;
    knock.wait_line(|line| line == "seen", SOON).await;
    window.click("[data-testid=answer-come_in]", SOON).await;
    assert_eq!(knock.wait_exit(SOON).await, Exit::Code(0), "{knock}");
    let steps: Vec<_> =
        knock.lines(Stream::Out).into_iter().filter(|step| step != "sent").collect();
    assert_eq!(steps, ["delivered", "seen", "Bob: Now is fine"]);
}

#[tokio::test]
async fn typing_to_the_room_is_seen_by_the_first_kind_and_theirs_by_us() {
    let hub = EmbeddedHub::start().await;
    let desk = Desk::start().await;
    let alice = Cli::new(&hub.url(), "user-alice", "laptop").on(&desk.session);
    let window = desk.open(&alice).await;
    window.attribute(LINK, "data-state", "up", START).await;
    let mut seed = SeedClient::first(&hub.url(), "user-bob").await;
    window.element(&row("user-bob"), SOON).await;
    seed.types();
    window.element(&format!("{} .typing", row("user-bob")), AT_ONCE).await;
    window.gone(&format!("{} .typing", row("user-bob")), 2 * SOON).await;
    // Ours, while a note for the room is written; taken back by itself after the last key.
    window.click("[data-testid=status-button]", SOON).await;
    window.click("[data-testid=status-more]", SOON).await;
    window.type_into("[data-testid=status-note]", "Lunch", SOON).await;
    seed.wait_typing("user-alice", true, AT_ONCE).await;
    seed.wait_typing("user-alice", false, SOON).await;
}

#[tokio::test]
async fn do_not_disturb_holds_a_knock_until_it_ends_and_a_mute_is_not_told() {
    let hub = EmbeddedHub::start().await;
    let desk = Desk::start().await;
    let bob = Cli::new(&hub.url(), "bob", "desk").named("Bob").on(&desk.session);
    let window = desk.open(&bob).await;
    window.attribute(LINK, "data-state", "up", START).await;
    let alice = Cli::new(&hub.url(), "alice", "laptop").named("Alice");
    let _alice_runs = alice.run("none");
    window.element(&row("alice"), START).await;
    bob.set("dnd", None).await;
    window.attribute("[data-testid=me]", "data-status", "dnd", SOON).await;
    let knock = alice.start(&["knock", "bob", "Later?"]);
    knock.wait_line(|line| line == "delivered", START).await;
    let rung = || desk.notifications.all().iter().any(|it| it.summary == "Alice knocked");
    never("a notice while Bob is not to be disturbed", AT_ONCE, rung).await;
    bob.clear().await;
    until("the notice that was held", SOON, rung).await;
    desk.notifications.forget();

    let muted = invoke(&window, "mute", json!({ "user": "alice", "muted": true })).await;
    muted.expect("a command of the window's");
    let again = alice.start(&["knock", "bob", "Again?"]);
    again.wait_line(|line| line == "delivered", START).await;
    never("a notice of somebody muted", AT_ONCE, rung).await;
    assert_eq!(exchanges(&window).await.len(), 2, "the page shows it");
    assert!(bob.state().contains("alice"), "it holds over a restart");
    assert!(!bob.state().contains("Again?"), "nothing of what was said is kept");
}

#[tokio::test]
async fn whoever_wants_to_be_told_is_told_once_when_somebody_is_back() {
    let hub = EmbeddedHub::start().await;
    let desk = Desk::start().await;
    let alice = Cli::new(&hub.url(), "alice", "laptop").on(&desk.session).notified_of_everyone();
    let window = desk.open(&alice).await;
    window.attribute(LINK, "data-state", "up", START).await;
    let bob = Cli::new(&hub.url(), "bob", "desk").named("Bob");
    let mut runs = bob.run("none");
    window.attribute(&row("bob"), "data-status", "online", START).await;
    runs.stop(SOON);
    window.attribute(&row("bob"), "data-status", "offline", SOON).await;
    reach(&window, "bob").await;
    window.click("[data-testid=tell-when-back]", SOON).await;
    until_async("the wish to be known", SOON, async || {
        let snapshot = invoke(&window, "snapshot", json!({})).await.expect("a snapshot");
        snapshot["signals"]["back"] == json!(["bob"])
    })
    .await;
    desk.notifications.forget();
    let _runs = bob.run("none");
    desk.notifications.wait(|notification| notification.summary == "Bob is back", START).await;
    never("that he came as well", 2 * AT_ONCE, || {
        desk.notifications.all().iter().any(|notification| notification.summary == "Bob is online")
    })
    .await;
}
