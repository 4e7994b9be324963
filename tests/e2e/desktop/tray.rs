//! The icon and its menu.

use porchlight_tests::tray::Toggle;
use porchlight_tests::until::{SOON, START};
use porchlight_tests::{Cli, EmbeddedHub, Proc, Signal, until, until_async};

use super::{
    Desk, LINK, ME, launch, menu_line, runs, wait_destroyed, wait_tooltip, wait_window, windows,
};

#[tokio::test]
async fn the_icon_says_how_many_are_around_and_its_menu_who() {
    let hub = EmbeddedHub::start().await;
    let desk = Desk::start().await;
    let alice = Cli::new(&hub.url(), "alice", "laptop").on(&desk.session);
    let _app = launch(&alice, &[]);
    let item = desk.item().await;
    let _bob = Cli::new(&hub.url(), "bob", "desk").named("bob_the__builder").run("none");
    wait_tooltip(&item, "1 of 1 online", START).await;
    assert_eq!(
        (item.id().await.as_str(), item.title().await.as_str()),
        ("porchlight", "Porchlight")
    );
    assert_eq!(item.status().await, "Active");
    assert_eq!(item.tooltip().await.text, "You: online");
    for (width, height, pixels) in item.icon_pixmaps().await {
        assert_eq!((width, pixels.len()), (height, usize::try_from(4 * width * height).unwrap()));
        assert!(pixels.chunks_exact(4).any(|pixel| pixel[0] == 0xff), "nothing to see at {width}");
    }
    let sizes = [16, 22, 24, 32, 44, 48, 64].map(|size| (size, size));
    assert_eq!(item.icon_sizes().await, sizes);

    let menu = item.menu().await;
    let labels = menu.labels();
    let [headline, bob, rest @ ..] = labels.as_slice() else { panic!("{menu}") };
    assert_eq!(*headline, "1 of 1 online");
    assert!(bob.starts_with("? bob_the__builder — online since"), "{menu}");
    assert_eq!(
        rest,
        ["Set status", "Pause notifications for an hour", "Open Porchlight", "Quit"],
        "{menu}"
    );
    let choices = menu.find("Set status").unwrap();
    let radios: Vec<_> = choices
        .children
        .iter()
        .filter(|entry| matches!(entry.toggle, Toggle::Radio(_)))
        .map(|entry| (entry.label.as_str(), entry.toggle))
        .collect();
    for status in ["Away for…", "Do not disturb for…"] {
        let for_a_while = choices.children.iter().find(|entry| entry.label == status).unwrap();
        let lasting: Vec<_> =
            for_a_while.children.iter().map(|entry| entry.label.as_str()).collect();
        assert_eq!(lasting, ["30 minutes", "1 hour", "2 hours", "4 hours"], "{menu}");
    }
    let (on, off) = (Toggle::Radio(true), Toggle::Radio(false));
    let expected = [
        ("Automatic", on),
        ("Online", off),
        ("Away", off),
        ("Do not disturb", off),
        ("Appear offline", off),
    ];
    assert_eq!(radios, expected, "{menu}");
}

#[tokio::test]
async fn a_status_chosen_in_the_tray_is_seen_by_the_others_and_in_the_own_window() {
    let hub = EmbeddedHub::start().await;
    let desk = Desk::start().await;
    let alice = Cli::new(&hub.url(), "alice", "laptop").on(&desk.session);
    let watch = Cli::new(&hub.url(), "bob", "desk").watch();
    let window = desk.open(&alice).await;
    let item = desk.item().await;
    window.attribute(LINK, "data-state", "up", START).await;
    watch.wait_status("alice", "online", SOON).await;
    wait_tooltip(&item, "Nobody else here yet", SOON).await;
    let online = item.icon_pixmaps().await;

    item.click("Do not disturb").await;
    watch.wait_status("alice", "dnd", SOON).await;
    window.attribute(ME, "data-status", "dnd", SOON).await;
    until_async("another icon", SOON, async || item.icon_pixmaps().await != online).await;
    assert_eq!(item.tooltip().await.text, "You: do not disturb");
    let menu = item.menu().await;
    assert_eq!(menu.find("Do not disturb").unwrap().toggle, Toggle::Radio(true), "{menu}");
    assert_eq!(menu.find("Automatic").unwrap().toggle, Toggle::Radio(false), "{menu}");

    item.click("Automatic").await;
    watch.wait_status("alice", "online", SOON).await;
    window.attribute(ME, "data-status", "online", SOON).await;
    until_async("the first icon", SOON, async || item.icon_pixmaps().await == online).await;
}

#[tokio::test]
async fn the_window_is_destroyed_when_closed_and_the_tray_opens_it_again() {
    let hub = EmbeddedHub::start().await;
    let desk = Desk::start().await;
    let alice = Cli::new(&hub.url(), "alice", "laptop").on(&desk.session);
    let app = launch(&alice, &[]);
    let item = desk.item().await;
    wait_tooltip(&item, "Nobody else here yet", START).await;
    assert!(windows(&desk.session).is_empty());
    assert!(!runs(&desk.session, "WebKitWebProces"));
    for by_menu in [true, false, true] {
        if by_menu {
            item.click("Open Porchlight").await;
        } else {
            item.activate().await;
        }
        let window = wait_window(&desk.session).await;
        until("the web process", SOON, || runs(&desk.session, "WebKitWebProces")).await;
        desk.session.close_window(window);
        wait_destroyed(&desk.session).await;
        // Once with the process that loads pages at hand, and once without it.
        if !by_menu {
            until("the end of WebKit's last process", SOON, || {
                !runs(&desk.session, "WebKitNetworkPr")
            })
            .await;
        }
    }
    assert_eq!(app.exit(), None);
    let _bob = Cli::new(&hub.url(), "bob", "desk").named("Bob").run("none");
    until_async("Bob in the menu", SOON, async || menu_line(&item, "Bob").await.is_some()).await;
}

#[tokio::test]
async fn the_icon_is_in_the_panels_colour_where_somebody_wants_that_and_follows_the_status() {
    let hub = EmbeddedHub::start().await;
    let desk = Desk::start().await;
    let alice = Cli::new(&hub.url(), "alice", "laptop").on(&desk.session);
    let alice = alice.configured("[tray] # mine\nsymbolic = true");
    let window = desk.open(&alice).await;
    let item = desk.item().await;
    let is = async |name: &str| item.icon_name().await == name;
    until_async("the online icon", START, async || is("porchlight-online-symbolic").await).await;
    let theme = std::path::PathBuf::from(item.icon_theme_path().await);
    let drawing = theme.join("hicolor/symbolic/apps/porchlight-online-symbolic.svg");
    let drawing = std::fs::read_to_string(drawing).expect("what the panel is told of is there");
    assert!(drawing.starts_with("<svg"), "{drawing}");
    assert!(item.icon_pixmaps().await.is_empty());
    item.click("Do not disturb").await;
    until_async("another icon", SOON, async || is("porchlight-dnd-symbolic").await).await;

    // And in colour again, from the window.
    window.click("[data-testid=settings-button]", SOON).await;
    window.click("[data-testid=set-symbolic]", SOON).await;
    until_async("an icon in colour", SOON, async || is("").await).await;
    assert!(!item.icon_pixmaps().await.is_empty());
    let config = std::fs::read_to_string(alice.config_dir().join("config.toml")).expect("ours");
    assert!(config.contains("[tray] # mine\nsymbolic = false"), "{config}");
}

#[tokio::test]
async fn quitting_says_goodbye_and_leaves_the_hub_alone() {
    leaves(async |desk, _| desk.item().await.click("Quit").await).await;
}

#[tokio::test]
async fn being_told_to_end_by_the_system_says_goodbye_too() {
    leaves(async |_, app| app.signal_leader(Signal::TERM)).await;
}

async fn leaves(quit: impl AsyncFnOnce(&Desk, &Proc)) {
    let hub = EmbeddedHub::start().await;
    let desk = Desk::start().await;
    let alice = Cli::new(&hub.url(), "alice", "laptop").on(&desk.session);
    let watch = Cli::new(&hub.url(), "bob", "desk").watch();
    let app = launch(&alice, &[]);
    watch.wait_status("alice", "online", START).await;
    quit(&desk, &app).await;
    assert!(app.wait_exit(SOON).await.success(), "{app}");
    let alice = watch.wait_status("alice", "offline", SOON).await;
    assert_eq!(alice["cause"], "left");
    assert_eq!(watch.connection_up(), Some(true));
    assert_eq!(hub.proc().exit(), None);
    desk.tray.wait_empty(SOON).await;
}
