//! Nothing is configured yet, or something is wrong.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use fantoccini::Locator;
use porchlight_tests::until::{SOON, START};
use porchlight_tests::{Light, Proc, Stopwatch, WebView, bin, until_async};
use serde_json::Value;

use super::{APP, Desk, LINK, ME, photograph, quit};

const START_HERE: &str = "[data-testid=start-here]";
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

/// Everybody whom `porchlight who` finds with that folder alone, with their status.
async fn who(config: &Path) -> Vec<(String, String)> {
    let mut command = std::process::Command::new(bin("porchlight"));
    command.args(["who", "--json", "--config-dir"]).arg(config);
    let proc = Proc::spawn("porchlight who", &mut command);
    let (exit, output) = proc.finish(2 * SOON).await;
    assert!(exit.success(), "{proc}");
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let people: Value = serde_json::from_str(&output).unwrap_or_else(|_| panic!("{proc}"));
    let people = people.as_array().cloned().unwrap_or_else(|| vec![people]);
    people.iter().map(|person| (text(&person["user"]), text(&person["status"]))).collect()
}

#[tokio::test]
async fn the_first_start_makes_a_team_here_and_the_second_remembers_it() {
    let desk = Desk::start().await;
    let config = desk.session.home().join("porchlight");
    let window = open_in(&desk, &config, &[]).await;
    window.element(START_HERE, START).await;
    window.element(LOOK_AROUND, SOON).await;
    photograph(&desk, &window, "desktop-first-start").await;
    let field = window.element("#name", SOON).await;
    field.clear().await.expect("a field that can be cleared");
    window.type_into("#name", "Alice Liddell", SOON).await;
    assert!(files(&config).is_empty(), "nothing was asked for yet");

    window.click(START_HERE, SOON).await;
    window.attribute(ME, "data-status", "online", START).await;
    window.attribute(LINK, "data-state", "up", SOON).await;
    window.element("[data-testid=empty]", SOON).await;
    photograph(&desk, &window, "desktop-nobody").await;
    let file = config.join("config.toml");
    let mode = std::fs::metadata(&file).expect("a config file").permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "others may read it");
    let written = std::fs::read_to_string(&file).expect("a config file");
    assert!(written.contains("user = \"alice-liddell\""), "{written}");
    let hub_file = config.join("run/hub.json");
    assert!(hub_file.is_file(), "nobody could find the hub");
    assert_eq!(who(&config).await, [("alice-liddell".to_owned(), "online".to_owned())]);
    quit(&desk, window).await;
    assert!(!hub_file.exists(), "the hub has gone");

    let window = open_in(&desk, &config, &["--show"]).await;
    window.content(ME, |text| text.contains("Alice Liddell"), START).await;
    window.attribute(ME, "data-status", "online", SOON).await;
    window.gone(START_HERE, SOON).await;
    assert_eq!(std::fs::read_to_string(&file).expect("a config file"), written);
    assert!(hub_file.is_file(), "the hub runs again");
    quit(&desk, window).await;
}

#[tokio::test]
async fn looking_around_shows_eight_people_within_five_seconds_and_keeps_nothing() {
    let desk = Desk::start().await;
    let config = desk.session.home().join("porchlight");
    let window = open_in(&desk, &config, &[]).await;
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
        item.tooltip().await.title.ends_with(" of 8 around")
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
    let alice = Light::new("mqtt://127.0.0.1:1", "alice", "laptop").on(&desk.session);
    let alice = alice.configured("[activity]\naway_after = \"soon\"\n");
    let arguments = alice.arguments();
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    let window = WebView::open(&desk.session, &bin(APP), &arguments).await;
    let words = window.text("[data-testid=problems]", |text| !text.is_empty(), START).await;
    let file = alice.config_dir().join("config.toml");
    let expected = format!("{}, line 2: write a length of time as 90s", file.display());
    assert!(words.contains(&expected), "{words}");
    photograph(&desk, &window, "desktop-wrong-config").await;
    quit(&desk, window).await;
}
