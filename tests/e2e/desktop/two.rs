//! Two people at two desktops.

use std::time::Duration;

use porchlight_tests::until::{SOON, START, unix_ms};
use porchlight_tests::{Cli, EmbeddedHub, Session, Stopwatch, until_async};

use super::{AT_ONCE, Desk, LINK, launch, menu_line, person, row};

const AWAY_AFTER: Duration = Duration::from_secs(2);

/// A killed app counts as gone after this, if not at once.
const GRACE: Duration = Duration::from_secs(6);

/// Presses a key in that session again and again until a condition holds: a person at the keyboard
/// does not fall idle, however slow the machine.
async fn typing(session: &Session, what: &str, mut so: impl AsyncFnMut() -> bool) {
    until_async(what, START, async || {
        session.key("Shift_L");
        so().await
    })
    .await;
}

#[tokio::test]
async fn two_desktops_see_each_other_come_fall_idle_return_and_crash() {
    let hub = EmbeddedHub::start().await;
    let (a, b) = tokio::join!(Desk::start(), Desk::start());
    let alice = Cli::new(&hub.url(), "alice", "laptop").named("Alice").on(&a.session);
    let bob = Cli::new(&hub.url(), "bob", "desk").named("Bob").on(&b.session);
    let alice = alice.notified_of_everyone();
    let bob = bob.configured("[activity]\naway_after = \"2s\"");
    let window = a.open(&alice).await;
    window.attribute(LINK, "data-state", "up", START).await;
    let (tray, row) = (a.item().await, row("bob"));

    // Bob comes.
    let mut app = launch(&bob, &[]);
    typing(&b.session, "Bob to be online in Alice's window and tray", async || {
        window.attribute_now(&row, "data-status").await.as_deref() == Some("online")
            && menu_line(&tray, "Bob").await.is_some_and(|line| line.starts_with("● Bob — online"))
            && tray.tooltip().await.title == "1 of 1 online"
    })
    .await;
    typing(&b.session, "a notice", async || !a.notifications.all().is_empty()).await;
    let came = a.notifications.all().remove(0);
    assert_eq!((came.summary.as_str(), came.replaces_id), ("Bob is online", 0));
    assert_eq!(came.hint("category").as_deref(), Some("presence.online"));
    assert_eq!(came.hint("urgency").as_deref(), Some("0"), "low");

    // Bob falls idle, as of the last input.
    b.session.key("Shift_L");
    let last_key = unix_ms();
    window.attribute(&row, "data-status", "away", AWAY_AFTER + SOON).await;
    let since = person(&window, "bob").await["since"].as_u64().expect("a time");
    assert!(since.abs_diff(last_key) < 1000, "away since {since}, the last key was at {last_key}");
    until_async("the tray to say away", SOON, async || {
        menu_line(&tray, "Bob").await.is_some_and(|line| line.starts_with("☾ Bob — away since"))
    })
    .await;
    assert_eq!(tray.tooltip().await.title, "0 of 1 online");

    // Bob is back with the first key.
    let reaction = Stopwatch::start();
    b.session.key("Shift_L");
    window.attribute(&row, "data-status", "online", AT_ONCE).await;
    println!("back online in the other's window after {:?}", reaction.elapsed());
    let notices = a.notifications.all();
    assert!(
        matches!(notices.as_slice(), [one] if *one == came),
        "neither came nor went: {notices:#?}"
    );

    // Bob's app crashes.
    let reaction = Stopwatch::start();
    app.kill();
    window.attribute(&row, "data-status", "offline", GRACE + SOON).await;
    println!("a crash in the other's window after {:?}", reaction.elapsed());
    assert_eq!(person(&window, "bob").await["cause"], "lost");
    let went =
        a.notifications.wait(|notification| notification.summary == "Bob is offline", SOON).await;
    assert_eq!(went.hint("category").as_deref(), Some("presence.offline"));
    assert_eq!((went.replaces_id, went.id), (came.id, came.id));
    assert_eq!(a.notifications.all().len(), 2);
    let nothing = b.notifications.all();
    assert!(nothing.is_empty(), "Alice was there before Bob, and Bob is Bob: {nothing:#?}");
}
