//! Two people whose names look the same, on the desktop.

use porchlight_tests::until::{SOON, START};
use porchlight_tests::{Cli, EmbeddedHub, Message, Probe, until_async};
use serde_json::json;

use super::{Desk, launch, wait_tooltip};

async fn comes(probe: &mut Probe, user: &str, name: &str) {
    let record = json!({ "v": 1, "status": "online", "name": name, "kind": "laptop", "epoch": 1 });
    probe.publish(Message::json(format!("presence/{user}/device/d"), &record).retained()).await;
}

#[tokio::test]
async fn notifications_tray_menu_and_tooltip_say_which_of_the_two_it_is() {
    let hub = EmbeddedHub::start().await;
    let desk = Desk::start().await;
    let me = Cli::new(&hub.url(), "me", "laptop").on(&desk.session).notified_of_everyone();
    let _app = launch(&me, &[]);
    let item = desk.item().await;
    wait_tooltip(&item, "Nobody else here yet", START).await;
    let mut probe = Probe::connect(&hub.url()).await;
    comes(&mut probe, "anna", "Anna").await;
    desk.notifications.wait(|notification| notification.summary == "Anna is online", SOON).await;
    // The first letter is a Cyrillic one.
    comes(&mut probe, "eve", "\u{410}nna").await;
    let eve = "\u{410}nna (eve)";
    let says = format!("{eve} is online");
    desk.notifications.wait(|notification| notification.summary == says, SOON).await;
    let knock = json!({ "v": 1, "kind": "knock", "id": "k1", "text": "Coffee?" });
    probe.publish(Message::json("presence/me/inbox/eve", &knock)).await;
    let says = format!("{eve} knocked");
    desk.notifications.wait(|notification| notification.summary == says, SOON).await;
    until_async("the knock in the tooltip", SOON, async || {
        item.tooltip().await.text.contains(&says)
    })
    .await;
    let menu = item.menu().await;
    let labels = menu.labels();
    for begins in [says.as_str(), "● Anna (anna) — online", &format!("● {eve} — online")] {
        assert!(labels.iter().any(|label| label.starts_with(begins)), "{begins}: {menu}");
    }
}
