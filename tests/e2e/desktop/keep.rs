//! What one lives with: statuses that end, the list under the keyboard, what is kept, and the language.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use fantoccini::key::Key;
use porchlight_tests::process::{Exit, Stream};
use porchlight_tests::until::{SOON, START, unix_ms};
use porchlight_tests::{Cli, EmbeddedHub, Probe, Session, WebView, bin, never, until, until_async};
use serde_json::{Value, json};

use super::{
    APP, AT_ONCE, Desk, LINK, ME, invoke, launch, person, photograph, quit, row, wait_tooltip,
};

/// Presses keys where the keyboard is.
async fn press(window: &WebView, keys: &str) {
    let element = window.client().active_element().await.expect("a page with a focus");
    element.send_keys(keys).await.expect("keys are taken");
}

async fn press_key(window: &WebView, key: Key) {
    press(window, &char::from(key).to_string()).await;
}

/// Whose row the keyboard is on.
async fn focused(window: &WebView) -> String {
    let script = "return document.activeElement?.closest('[data-user]')?.dataset.user ?? ''";
    let user = window.run(script, Vec::new()).await.expect("an answer");
    user.as_str().unwrap_or_default().to_owned()
}

/// Opens the page on which that person is reached.
async fn reach(window: &WebView, user: &str) {
    window.click(&format!("{} [data-testid=reach]", row(user)), SOON).await;
    window.element("[data-testid=reach-page]", SOON).await;
}

#[tokio::test]
async fn a_status_with_a_note_and_an_end_is_seen_by_a_second_app() {
    let hub = EmbeddedHub::start().await;
    let (home, work) = (Desk::start().await, Desk::start().await);
    let alice = Cli::new(&hub.url(), "alice", "laptop").named("Alice").on(&home.session);
    let bob = Cli::new(&hub.url(), "bob", "desk").named("Bob").on(&work.session);
    let (hers, his) = (home.open(&alice).await, work.open(&bob).await);
    his.attribute(&row("alice"), "data-status", "online", START).await;

    hers.attribute(ME, "data-status", "online", START).await;
    hers.click("[data-testid=status-button]", SOON).await;
    hers.click("[data-testid=status-more]", SOON).await;
    hers.type_into("[data-testid=status-note]", "Lunch", SOON).await;
    // The radio buttons are drawn by their labels.
    let choose = "const [name, value] = arguments;
        document.querySelector(`input[name=${name}][value='${value}']`).click()";
    hers.run(choose, vec![json!("duration"), json!("30")]).await.expect("a choice of ends");
    let before = unix_ms();
    hers.click("[data-testid=status-set]", SOON).await;
    until_async("the note and its end at the other's", SOON, async || {
        let shown = person(&his, "alice").await;
        let ends = shown["until"].as_u64().unwrap_or_default();
        let due = before + 30 * 60_000;
        shown["text"] == "Lunch" && ends.abs_diff(due) < 60_000
    })
    .await;
    his.content(&row("alice"), |text| text.contains("Lunch") && text.contains("until"), SOON).await;
    photograph(&work, &his, "desktop-note-with-end").await;
}

#[tokio::test]
async fn letters_filter_the_arrows_walk_and_enter_opens() {
    let hub = EmbeddedHub::start().await;
    let desk = Desk::start().await;
    let names = ["Ann", "Bert", "Bea", "Carl"];
    let lights = names
        .map(|name| Cli::new(&hub.url(), &name.to_lowercase(), "desk").named(name).run("none"));
    let alice = Cli::new(&hub.url(), "alice", "laptop").on(&desk.session);
    let window = desk.open(&alice).await;
    for name in names {
        window.attribute(&row(&name.to_lowercase()), "data-status", "online", START).await;
    }

    // Wherever the keyboard is, a letter begins to filter.
    press(&window, "b").await;
    let typed = "[data-testid=filter]";
    until_async("the letter in the field", SOON, async || {
        let value = format!("return document.querySelector('{typed}').value");
        window.run(&value, Vec::new()).await.is_ok_and(|value| value == "b")
    })
    .await;
    window.gone(&row("ann"), SOON).await;
    window.content("[data-testid=found]", |text| text == "2 people found", SOON).await;
    press_key(&window, Key::Down).await;
    until_async("the keyboard on Bea", SOON, async || focused(&window).await == "bea").await;
    press_key(&window, Key::Down).await;
    until_async("the keyboard on Bert", SOON, async || focused(&window).await == "bert").await;
    // There is nobody below.
    press_key(&window, Key::Down).await;
    press_key(&window, Key::Up).await;
    until_async("the keyboard on Bea again", SOON, async || focused(&window).await == "bea").await;
    press_key(&window, Key::Down).await;
    until_async("the keyboard on Bert again", SOON, async || focused(&window).await == "bert")
        .await;
    press_key(&window, Key::Enter).await;
    window.attribute("[data-testid=reach-page]", "data-with", "bert", SOON).await;
    press_key(&window, Key::Escape).await;
    // Back where one was, with the filter as it was.
    until_async("the keyboard on Bert again", SOON, async || focused(&window).await == "bert")
        .await;
    window.gone(&row("ann"), SOON).await;
    press_key(&window, Key::Escape).await;
    window.element(&row("ann"), SOON).await;
    drop(lights);
}

#[tokio::test]
async fn favourites_nicknames_and_what_is_hidden_are_there_again_after_a_restart() {
    let hub = EmbeddedHub::start().await;
    let desk = Desk::start().await;
    let _bob = Cli::new(&hub.url(), "bob", "desk").named("Robert").run("none");
    let mut carol = Cli::new(&hub.url(), "carol", "desk").named("Carol").run("none");
    let alice = Cli::new(&hub.url(), "alice", "laptop").on(&desk.session);
    let window = desk.open(&alice).await;
    window.attribute(&row("carol"), "data-status", "online", START).await;
    carol.stop(SOON);
    window.attribute(&row("carol"), "data-status", "offline", SOON).await;

    reach(&window, "bob").await;
    window.click("[data-testid=favourite]", SOON).await;
    window.type_into("[data-testid=nickname]", "Bobby", SOON).await;
    press_key(&window, Key::Enter).await;
    press_key(&window, Key::Escape).await;
    window.content(&format!("{} .name", row("bob")), |name| name == "Bobby", SOON).await;
    window.content("[data-testid=count-favourites]", |count| count == "1", SOON).await;
    window.click("[data-testid=hide-offline]", SOON).await;
    window.gone(&row("carol"), SOON).await;
    photograph(&desk, &window, "desktop-favourite").await;
    quit(&desk, window).await;

    let window = desk.open(&alice).await;
    window.content(&format!("{} .name", row("bob")), |name| name == "Bobby", START).await;
    window.content("[data-testid=count-favourites]", |count| count == "1", SOON).await;
    window.gone(&row("carol"), SOON).await;
    let menu = desk.item().await.menu().await;
    assert!(menu.labels().iter().any(|label| label.contains("Bobby")), "{menu}");
}

#[tokio::test]
async fn it_speaks_german_where_that_is_wanted_and_english_again() {
    let hub = EmbeddedHub::start().await;
    let desk = Desk::start().await;
    let config = "# mine\nlanguage = \"de\" # at home\n[notices]\nabout = \"everyone\"\n";
    let alice = Cli::new(&hub.url(), "alice", "laptop").on(&desk.session).configured(config);
    let window = desk.open(&alice).await;
    window.attribute(LINK, "data-state", "up", START).await;
    window.attribute("html", "lang", "de", SOON).await;
    let item = desk.item().await;
    wait_tooltip(&item, "Noch niemand sonst da", SOON).await;
    let bob = Cli::new(&hub.url(), "bob", "desk").named("Bob").run("none");
    let notification = desk
        .notifications
        .wait(|notification| notification.summary == "Bob ist online", START)
        .await;
    let labels: Vec<_> = notification.actions.iter().map(|(_, label)| label.as_str()).collect();
    assert_eq!(labels, ["Öffnen", "Anklopfen", "Person stummschalten"]);
    let menu = item.menu().await;
    assert!(menu.find("Beenden").is_some() && menu.find("Status setzen").is_some(), "{menu}");
    photograph(&desk, &window, "desktop-german").await;

    let mut settings = invoke(&window, "settings", json!({})).await.expect("the settings");
    assert_eq!(settings["language"], "de");
    let mut probe = Probe::connect(&hub.url()).await;
    probe.subscribe("presence/alice/device/laptop").await;
    probe.wait_for(|arrival| arrival.topic.ends_with("laptop"), SOON).await;
    settings["language"] = json!("en");
    let changed = invoke(&window, "change_settings", json!({ "settings": settings })).await;
    changed.expect("they are kept");
    window.attribute("html", "lang", "en", SOON).await;
    until_async("an English menu", SOON, async || item.menu().await.find("Quit").is_some()).await;
    settings["links"] = json!(["mailto:alice@example.org"]);
    let changed = invoke(&window, "change_settings", json!({ "settings": settings })).await;
    changed.expect("they are kept");
    probe.wait_for(|arrival| arrival.text().contains("alice@example.org"), START).await;
    // Others are told of the links by a connection of their own, and nothing of the language.
    let epochs: BTreeSet<_> =
        probe.arrivals().iter().map(|arrival| arrival.json()["epoch"].to_string()).collect();
    assert_eq!(epochs.len(), 2, "{:?}", probe.arrivals());
    let kept = fs::read_to_string(alice.config_dir().join("config.toml")).expect("the config");
    assert!(kept.starts_with("# mine\nlanguage = \"en\" # at home\n"), "{kept}");
    drop(bob);
}

#[tokio::test]
async fn a_change_of_settings_does_not_end_the_hub_of_this_computer() {
    let desk = Desk::start().await;
    let config = desk.session.home().join("porchlight");
    fs::create_dir_all(&config).expect("a home of ours");
    let written = "user = \"alice\"\nname = \"Alice\"\n[hub]\nrun = true\n";
    fs::write(config.join("config.toml"), written).expect("a folder of ours");
    let folder = config.to_str().expect("a temporary folder's name is text");
    let window = WebView::open(&desk.session, &bin(APP), &["--config-dir", folder, "--show"]).await;
    window.attribute(LINK, "data-state", "up", START).await;
    let entry = config.join("run").join("hub.json");
    let entry: Value = serde_json::from_slice(&fs::read(entry).expect("a hub runs")).expect("JSON");
    let url = format!("mqtt://{}", entry["addr"].as_str().expect("its address"));
    let mut probe = Probe::connect(&url).await;
    probe.subscribe("presence/alice/device/+").await;
    probe.wait_for(|arrival| arrival.text().contains("Alice"), SOON).await;
    for name in ["Alice B.", "Alice C."] {
        let mut settings = invoke(&window, "settings", json!({})).await.expect("the settings");
        settings["name"] = json!(name);
        let changed = invoke(&window, "change_settings", json!({ "settings": settings })).await;
        changed.expect("they are kept");
        // The same connection to the same hub.
        probe.wait_for(|arrival| arrival.text().contains(name), START).await;
    }
    window.attribute(LINK, "data-state", "up", START).await;
}

/// Lets the session's own programs open mail addresses: what comes is written into the file that is returned.
fn take_mail(session: &Session) -> std::path::PathBuf {
    let (home, opened) = (session.home(), session.home().join("opened"));
    let program = home.join("mailer");
    let script = format!("#!/bin/sh\nprintf '%s\\n' \"$1\" >>'{}'\n", opened.display());
    fs::write(&program, script).expect("a home of ours");
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).expect("a file of ours");
    let entry = format!(
        "[Desktop Entry]\nType=Application\nName=Mailer\nExec={} %u\nMimeType=x-scheme-handler/mailto;\n",
        program.display()
    );
    let environment = session.environment();
    let place = |name: &str| {
        let found = environment.iter().find(|(variable, _)| variable == name);
        std::path::PathBuf::from(&found.expect("a place of the session's").1)
    };
    let applications = place("XDG_DATA_HOME").join("applications");
    fs::create_dir_all(&applications).expect("a folder of ours");
    fs::write(applications.join("mailer.desktop"), entry).expect("a folder of ours");
    let defaults = "[Default Applications]\nx-scheme-handler/mailto=mailer.desktop\n";
    fs::write(place("XDG_CONFIG_HOME").join("mimeapps.list"), defaults).expect("a folder of ours");
    opened
}

#[tokio::test]
async fn a_link_that_somebody_publishes_is_opened_by_the_system_and_no_other() {
    let hub = EmbeddedHub::start().await;
    let desk = Desk::start().await;
    let opened = take_mail(&desk.session);
    let links = "links = [\"mailto:bob@example.org\", \"tel:+4930123456\"]\n";
    let bob = Cli::new(&hub.url(), "bob", "desk").named("Bob").configured(links);
    let mut runs = bob.run("none");
    let alice = Cli::new(&hub.url(), "alice", "laptop").on(&desk.session);
    let window = desk.open(&alice).await;
    window.attribute(&row("bob"), "data-status", "online", START).await;
    let shown = person(&window, "bob").await;
    assert_eq!(shown["links"], json!(["mailto:bob@example.org", "tel:+4930123456"]));
    reach(&window, "bob").await;
    window.click("[data-testid=contact]", SOON).await;
    until("the mail program", START, || {
        fs::read_to_string(&opened).is_ok_and(|opened| opened == "mailto:bob@example.org\n")
    })
    .await;
    for other in ["mailto:eve@example.org", "file:///etc/passwd", "javascript:alert(1)"] {
        let asked = json!({ "user": "bob", "link": other });
        let refused = invoke(&window, "open_link", asked).await.expect_err(other);
        assert!(refused.contains("no longer publish"), "{refused}");
    }
    // A write to a program that is gone succeeds too.
    runs.stop(SOON);
    window.attribute("[data-testid=reach-page]", "data-with", "bob", SOON).await;
    until_async("Bob to be gone", SOON, async || {
        person(&window, "bob").await["status"] == "offline"
    })
    .await;
    assert_eq!(person(&window, "bob").await["links"], shown["links"]);
}

#[tokio::test]
async fn from_a_notice_somebody_is_knocked_at_or_muted() {
    let hub = EmbeddedHub::start().await;
    let desk = Desk::start().await;
    let alice = Cli::new(&hub.url(), "alice", "laptop").named("Alice").on(&desk.session);
    let alice = alice.notified_of_everyone();
    let _app = launch(&alice, &[]);
    wait_tooltip(&desk.item().await, "Nobody else here yet", START).await;
    let bob = Cli::new(&hub.url(), "bob", "desk").named("Bob").run("none");
    let notification = desk
        .notifications
        .wait(|notification| notification.summary == "Bob is online", START)
        .await;
    assert_eq!(notification.action("Knock"), Some("knock"), "{notification:?}");
    until_async("the knock at Bob's", START, async || {
        desk.notifications.invoke(notification.id, "knock").await;
        bob.lines(Stream::Err).iter().any(|line| line.contains("Alice knocks"))
    })
    .await;

    let carol = Cli::new(&hub.url(), "carol", "desk").named("Carol");
    let mut runs = carol.run("none");
    let notification = desk
        .notifications
        .wait(|notification| notification.summary == "Carol is online", START)
        .await;
    until_async("Carol to be muted", START, async || {
        desk.notifications.invoke(notification.id, "mute").await;
        alice.state().contains("carol")
    })
    .await;
    desk.notifications.forget();
    assert!(matches!(runs.stop(SOON), Exit::Code(0)));
    never("a notice of somebody muted", 2 * AT_ONCE, || {
        desk.notifications
            .all()
            .iter()
            .any(|notification| notification.summary.starts_with("Carol"))
    })
    .await;
}
