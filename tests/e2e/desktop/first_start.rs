//! Nothing is configured yet, or something is wrong.

use std::path::{Path, PathBuf};

use fantoccini::Locator;
use porchlight_tests::until::{SOON, START};
use porchlight_tests::{Cli, Stopwatch, WebView, bin, until_async};

use super::{APP, Desk, ME, photograph, quit};

const START_TEAM: &str = "[data-testid=start-team]";
const LOOK_AROUND: &str = "[data-testid=look-around]";

/// The app of somebody who has said no more than where its files shall be.
async fn open_in(desk: &Desk, config: &Path, arguments: &[&str]) -> WebView {
    let config = config.to_str().expect("a temporary folder's name is text");
    let all: Vec<_> =
        ["--config-dir", config].into_iter().chain(arguments.iter().copied()).collect();
    WebView::open(&desk.session, &bin(APP), &all).await
}

/// All files below a folder; none where there is no folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let below = |path: PathBuf| if path.is_dir() { files(&path) } else { vec![path] };
    entries.flat_map(|entry| below(entry.path())).collect()
}

#[tokio::test]
async fn looking_around_shows_eight_people_within_five_seconds_and_keeps_nothing() {
    let desk = Desk::start().await;
    let config = desk.session.home().join("porchlight");
    let window = open_in(&desk, &config, &[]).await;
    window.element(START_TEAM, START).await;
    photograph(&desk, &window, "desktop-first-start").await;
    assert!(files(&config).is_empty(), "nothing was asked for yet");
    window.click(LOOK_AROUND, START).await;
    let reaction = Stopwatch::start();
    until_async("eight people", SOON, async || {
        let rows = window.client().find_all(Locator::Css("[data-user]")).await;
        rows.is_ok_and(|rows| rows.len() == 8)
    })
    .await;
    println!("eight people after {:?}", reaction.elapsed());
    window.attribute(ME, "data-status", "online", SOON).await;
    window.text("aside", |text| text.contains("nothing here is real"), SOON).await;
    let item = desk.item().await;
    until_async("eight people in the tooltip", SOON, async || {
        item.tooltip().await.title.ends_with(" of 8 online")
    })
    .await;
    photograph(&desk, &window, "desktop-eight-people").await;
    quit(&desk, window).await;
    for folder in [config, desk.session.config_home().join("porchlight")] {
        assert_eq!(files(&folder), [] as [PathBuf; 0]);
    }
}

#[tokio::test]
async fn a_wrong_value_in_the_config_is_shown_with_file_and_line() {
    let desk = Desk::start().await;
    let alice = Cli::new("mqtt://127.0.0.1:1", "alice", "laptop").on(&desk.session);
    let alice = alice.configured("[activity]\naway_after = \"soon\"\n");
    let arguments = alice.arguments();
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    let window = WebView::open(&desk.session, &bin(APP), &arguments).await;
    let words = window.text("[data-testid=problems]", |text| !text.is_empty(), START).await;
    let file = alice.config_dir().join("config.toml");
    let expected = format!("{}, line 2: this is not a time; write for example 90s", file.display());
    assert!(words.contains(&expected), "{words}");
    photograph(&desk, &window, "desktop-wrong-config").await;
    quit(&desk, window).await;
}
