//! The tray reader, tried on a small app with an icon.

use porchlight_tests::tray::Toggle;
use porchlight_tests::until::SOON;
use porchlight_tests::{Proc, Session, Tray, until, until_async};

fn sample(session: &Session) -> Proc {
    session.spawn(env!("CARGO_BIN_EXE_sample-tray"), &[])
}

#[tokio::test]
async fn an_item_shows_its_icon_tooltip_and_menu() {
    let session = Session::start().await;
    let tray = Tray::start(&session).await;
    let _app = sample(&session);
    let item = tray.item("sample", SOON).await;
    assert_eq!((item.id().await.as_str(), item.status().await.as_str()), ("sample", "Active"));
    assert_eq!(item.icon_name().await, "user-available");
    assert_eq!(item.icon_sizes().await, [(16, 16), (22, 22)]);
    let tooltip = item.tooltip().await;
    assert_eq!((tooltip.title.as_str(), tooltip.text.as_str()), ("5 of 8 around", "as of now"));

    let menu = item.menu().await;
    assert_eq!(menu.labels(), ["Nobody", "Status", "One", "Two", "Ticked"], "{menu}");
    assert!(menu.children[1].separator, "{menu}");
    assert!(!menu.find("Nobody").unwrap().enabled, "{menu}");
    assert_eq!(menu.find("Status").unwrap().labels(), ["Away"], "{menu}");
    assert_eq!(menu.find("Two").unwrap().toggle, Toggle::Radio(true), "{menu}");
    assert_eq!(menu.find("Ticked").unwrap().toggle, Toggle::Check(false), "{menu}");
}

#[tokio::test]
async fn clicks_reach_the_app_and_its_changes_come_back() {
    let session = Session::start().await;
    let tray = Tray::start(&session).await;
    let mut app = sample(&session);
    let item = tray.item("sample", SOON).await;
    item.activate().await;
    app.next_line(|line| line == "activated", SOON).await;
    item.click("Away").await;
    app.next_line(|line| line == "clicked", SOON).await;
    item.click("Ticked").await;
    until_async("the tick", SOON, async || {
        item.menu().await.find("Ticked").unwrap().toggle == Toggle::Check(true)
    })
    .await;
    until("a signal of the change", SOON, || !item.signals().is_empty()).await;
}

#[tokio::test]
async fn an_item_goes_with_its_app_and_comes_back_with_the_tray() {
    let session = Session::start().await;
    let first = Tray::start(&session).await;
    let mut app = sample(&session);
    first.item("sample", SOON).await;
    drop(first);

    // The panel was started again: the app finds the new one.
    let second = Tray::start(&session).await;
    second.item("sample", SOON).await;
    app.kill();
    second.wait_empty(SOON).await;
}
