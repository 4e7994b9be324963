//! What pops up, and what does not.

use std::time::Duration;

use porchlight_tests::process::Stream;
use porchlight_tests::until::{SOON, START};
use porchlight_tests::{
    Cli, EmbeddedHub, Notifications, Session, Signal, Tray, never, until, until_async,
};

use super::{Desk, launch, wait_tooltip, windows};

/// How long news is held for more of it to come.
const HELD: Duration = Duration::from_millis(800);

#[tokio::test]
async fn who_was_there_before_a_restart_is_no_news_and_who_comes_after_it_is() {
    let hub = EmbeddedHub::start().await;
    let desk = Desk::start().await;
    let _bob = Cli::new(&hub.url(), "bob", "desk").run("none");
    let alice = Cli::new(&hub.url(), "alice", "laptop").on(&desk.session).notified_of_everyone();
    for restart in [true, false] {
        let mut app = launch(&alice, &[]);
        wait_tooltip(&desk.item().await, "1 of 1 online", START).await;
        if restart {
            app.stop(SOON);
            desk.tray.wait_empty(SOON).await;
            continue;
        }
        // News is given out in the order of the ids: a notification about bob would stand before carol's.
        let _carol = Cli::new(&hub.url(), "carol", "desk").named("Carol").run("none");
        let notification = desk
            .notifications
            .wait(|notification| notification.summary == "Carol is online", SOON)
            .await;
        let all = desk.notifications.all();
        assert_eq!(all.len(), 1, "{all:#?}");

        assert!(windows(&desk.session).is_empty());
        // The app listens for clicks only once it knows the notification's number.
        until_async("the window", START, async || {
            desk.notifications.invoke(notification.id, "default").await;
            !windows(&desk.session).is_empty()
        })
        .await;
    }
}

#[tokio::test]
async fn five_people_who_come_at_once_are_one_notice() {
    let hub = EmbeddedHub::start().await;
    let desk = Desk::start().await;
    let alice = Cli::new(&hub.url(), "alice", "laptop").on(&desk.session).notified_of_everyone();
    let _app = launch(&alice, &[]);
    let item = desk.item().await;
    wait_tooltip(&item, "Nobody else here yet", START).await;
    let team: Vec<_> = ["bob", "carol", "dave", "erin", "frank"]
        .map(|user| Cli::new(&hub.url(), user, "desk").named(&format!("<b>{user}</b>")))
        .into();
    let running: Vec<_> = team.iter().map(|light| light.run("none")).collect();
    let here = desk.notifications.wait(|_| true, 2 * SOON).await;
    assert_eq!(here.summary, "5 people are online");
    // The server reads markup, and a name is none.
    let names =
        "Online: &lt;b&gt;bob&lt;/b&gt;, &lt;b&gt;carol&lt;/b&gt;, &lt;b&gt;dave&lt;/b&gt;, 2 more";
    assert_eq!(here.body, names);
    wait_tooltip(&item, "5 of 5 online", SOON).await;

    for proc in &running {
        proc.signal_leader(Signal::TERM);
    }
    let gone = desk.notifications.wait(|notification| *notification != here, SOON).await;
    assert_eq!((gone.summary.as_str(), gone.replaces_id), ("5 people are offline", here.id));
    never("another notice", 2 * HELD, || desk.notifications.all().len() > 2).await;
}

#[tokio::test]
async fn without_a_notification_server_the_log_says_so_once_and_one_that_comes_is_used() {
    let hub = EmbeddedHub::start().await;
    let session = Session::start().await;
    let tray = Tray::start(&session).await;
    let alice = Cli::new(&hub.url(), "alice", "laptop").on(&session).notified_of_everyone();
    let app = launch(&alice, &[]);
    let item = tray.item("porchlight", START).await;
    wait_tooltip(&item, "Nobody else here yet", START).await;
    let complaints = || {
        let lines = app.lines(Stream::Err).into_iter();
        lines.filter(|line| line.contains("notifications can't be shown")).count()
    };

    let bob = Cli::new(&hub.url(), "bob", "desk").named("Bob");
    let mut running = bob.run("none");
    until("a line in the log", SOON, || complaints() == 1).await;
    running.stop(SOON);
    wait_tooltip(&item, "0 of 1 online", SOON).await;
    never("a second line", 2 * HELD, || complaints() > 1).await;

    let notifications = Notifications::start(&session).await;
    let _carol = Cli::new(&hub.url(), "carol", "desk").named("Carol").run("none");
    notifications.wait(|notification| notification.summary == "Carol is online", SOON).await;
    assert_eq!(complaints(), 1, "{app}");
    assert_eq!(app.exit(), None);
}
