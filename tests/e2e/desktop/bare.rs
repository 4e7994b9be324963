//! Desktops that lack something: a tray, a session bus, a display.

use std::path::Path;
use std::time::Duration;

use porchlight_tests::process::{Exit, Stream};
use porchlight_tests::until::{SOON, START};
use porchlight_tests::{Cli, EmbeddedHub, Proc, Session, Signal, Tray, never, until};

use super::{APP, AT_ONCE, launch, runs, wait_destroyed, wait_tooltip, wait_window, windows};

/// A desktop without a tray for so long gets the window instead.
const WITHOUT_TRAY: Duration = Duration::from_secs(10);

#[tokio::test]
async fn without_a_tray_the_window_stands_in_until_one_comes() {
    let hub = EmbeddedHub::start().await;
    let session = Session::start().await;
    let alice = Cli::new(&hub.url(), "alice", "laptop").on(&session);
    let app = launch(&alice, &[]);
    let window = wait_window(&session).await;
    session.close_window(window);
    until("the window to be minimised", SOON, || session.minimized(window)).await;
    assert_eq!(app.exit(), None);
    assert!(runs(&session, "WebKitWebProces"));

    assert!(launch(&alice, &[]).wait_exit(SOON).await.success());
    until("the window to be back", SOON, || !session.minimized(window)).await;

    let tray = Tray::start(&session).await;
    let item = tray.item("porchlight", SOON).await;
    // The icon is there a moment before the app has been told so.
    until("closing to end the window", SOON, || {
        windows(&session).iter().for_each(|&window| session.close_window(window));
        !session.minimized(window) && windows(&session).is_empty()
    })
    .await;
    wait_destroyed(&session).await;
    assert_eq!(app.exit(), None);
    item.click("Open Porchlight").await;
    wait_window(&session).await;
}

#[tokio::test]
async fn where_text_is_larger_the_window_is_as_well() {
    let session = Session::start().await;
    let alice = Cli::new("mqtt://127.0.0.1:1", "alice", "laptop").on(&session);
    // As with fonts of 144 dots per inch.
    let mut command = alice.desktop(&["--show"]);
    let _app = Proc::spawn(APP, command.env("GDK_DPI_SCALE", "1.5"));
    let window = wait_window(&session).await;
    until("a window half as wide again", SOON, || {
        session.size(window).is_some_and(|(width, _)| width == 570)
    })
    .await;
}

#[tokio::test]
async fn without_a_tray_a_window_that_was_put_away_stays_away() {
    let session = Session::start().await;
    let alice = Cli::new("mqtt://127.0.0.1:1", "alice", "laptop").on(&session);
    let _app = launch(&alice, &[]);
    let window = wait_window(&session).await;
    session.close_window(window);
    until("the window to be minimised", SOON, || session.minimized(window)).await;
    never("the window again", WITHOUT_TRAY + AT_ONCE, || !session.minimized(window)).await;
}

#[tokio::test]
async fn when_the_tray_goes_away_the_window_comes_instead() {
    let session = Session::start().await;
    let tray = Tray::start(&session).await;
    let alice = Cli::new("mqtt://127.0.0.1:1", "alice", "laptop").on(&session);
    let app = launch(&alice, &[]);
    // Past the start, at which a missing tray opens the window at once.
    wait_tooltip(&tray.item("porchlight", START).await, "Connecting…", START).await;
    assert!(windows(&session).is_empty());
    drop(tray);
    // A panel that is started again is back by then.
    never("the window", WITHOUT_TRAY / 2, || !windows(&session).is_empty()).await;
    wait_window(&session).await;
    assert_eq!(app.exit(), None);
}

#[tokio::test]
async fn without_a_session_bus_the_window_opens_and_presence_works() {
    let hub = EmbeddedHub::start().await;
    let session = Session::start().await;
    let alice = Cli::new(&hub.url(), "alice", "laptop").on(&session);
    let watch = Cli::new(&hub.url(), "bob", "desk").watch();
    let nowhere = format!("unix:path={}", session.home().join("no-bus").display());
    let mut command = alice.desktop(&[]);
    let app = Proc::spawn(APP, command.env("DBUS_SESSION_BUS_ADDRESS", nowhere));
    wait_window(&session).await;
    watch.wait_status("alice", "online", START).await;
    app.wait_line(
        |line| line.contains("no tray icon: ") && line.contains("the window stands in"),
        SOON,
    )
    .await;
    let log = app.lines(Stream::Err);
    assert!(!log.iter().any(|line| line.contains("panicked")), "{app}");
    app.signal_leader(Signal::TERM);
    assert!(app.wait_exit(SOON).await.success(), "{app}");
    watch.wait_status("alice", "offline", SOON).await;
}

#[tokio::test]
async fn without_a_display_it_ends_with_a_line_that_says_so() {
    let alice = Cli::new("mqtt://127.0.0.1:1", "alice", "laptop");
    let nobodys = (4000..).find(|number| !Path::new(&format!("/tmp/.X11-unix/X{number}")).exists());
    let nobodys = format!(":{}", nobodys.expect("a number that no X server has"));
    let displays: [(&[(&str, &str)], &str); 5] = [
        (&[], "there is no display here"),
        (&[("DISPLAY", "")], "there is no display here"),
        (&[("DISPLAY", &nobodys)], "can't be opened"),
        (&[("DISPLAY", "no display's name")], "can't be opened"),
        (&[("WAYLAND_DISPLAY", "wayland-of-nobody")], "can't be opened"),
    ];
    for (environment, words) in displays {
        let mut command = alice.desktop(&[]);
        let app = Proc::spawn(APP, command.envs(environment.iter().copied()));
        let (exit, _) = app.finish(SOON).await;
        let log = app.lines(Stream::Err);
        assert_eq!(exit, Exit::Code(1), "{environment:?}: {app}");
        let [line] = log.as_slice() else { panic!("{environment:?}: {app}") };
        assert!(line.starts_with("porchlight-desktop: ") && line.contains(words), "{line}");
    }
}
