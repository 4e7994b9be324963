//! A team, from its first member's window to the second's.
//!
//! No keyring runs on these desktops, so each joins by a file.

use std::path::{Path, PathBuf};

use porchlight_tests::port::free_port;
use porchlight_tests::until::{SOON, START};
use porchlight_tests::{Stopwatch, WebView, bin, until, until_async};
use serde_json::json;

use super::{APP, AT_ONCE, Desk, LINK, ME, PROCESS, photograph, quit, row, runs};

const TEAM: &str = "[data-testid=team-button]";
/// The end of the questions after somebody came into a team.
const WELCOMED: &str = "[data-testid=welcome-done]";
const KEEP_FILE: &str = "[data-testid=keep-file]";
const TROUBLE: &str = "[data-testid=trouble]";

/// Somebody at a desktop of their own, who has no team yet. A team that they start is for this machine alone.
struct Person {
    desk: Desk,
    config: PathBuf,
}

impl Person {
    async fn sit_down() -> Self {
        let desk = Desk::start().await;
        let config = desk.session.home().join("porchlight");
        std::fs::create_dir(&config).expect("a home of the test's own");
        let here = format!("[hub]\nlisten = \"127.0.0.1:{}\"\nannounce = false\n", free_port());
        std::fs::write(config.join("config.toml"), here).expect("a folder of the test's own");
        Self { desk, config }
    }

    async fn open(&self, arguments: &[&str]) -> WebView {
        let config = self.config.to_str().expect("a temporary folder's name is text");
        let all: Vec<_> =
            ["--config-dir", config].into_iter().chain(arguments.iter().copied()).collect();
        WebView::open(&self.desk.session, &bin(APP), &all).await
    }

    fn kept(&self, name: &str) -> PathBuf {
        self.config.join("state").join(name)
    }
}

/// Presses something that may go away by it: the driver's own click would look for it once more.
async fn press(window: &WebView, css: &str) {
    window.element(&format!("{css}:not([disabled])"), SOON).await;
    let script = "document.querySelector(arguments[0]).click()";
    window.run(script, vec![json!(css)]).await.expect("a page of ours");
}

async fn fill(window: &WebView, css: &str, text: &str) {
    let field = window.element(css, SOON).await;
    field.clear().await.expect("a field that can be cleared");
    window.type_into(css, text, SOON).await;
}

/// Starts a team in this window, at the first start.
async fn start_team(window: &WebView, name: &str) {
    press(window, "[data-testid=start-team]").await;
    fill(window, "#name", name).await;
    press(window, "[data-testid=start]").await;
    press(window, KEEP_FILE).await;
    window.attribute(LINK, "data-state", "up", START).await;
    window.attribute(ME, "data-status", "online", START).await;
    press(window, WELCOMED).await;
}

/// A link that lets one person in.
async fn invite(window: &WebView) -> String {
    if window.attribute_now(TEAM, "aria-pressed").await.as_deref() != Some("true") {
        press(window, TEAM).await;
    }
    press(window, "[data-testid=invite]").await;
    press(window, "[data-testid=make-invite]").await;
    let field = window.element("[data-testid=link-text]", SOON).await;
    field.prop("value").await.expect("a field").expect("a link in it")
}

/// Joins by a link in this window, at the first start, up to the question.
async fn paste(window: &WebView, link: &str) {
    press(window, "[data-testid=join-team]").await;
    window.type_into("#link", link, SOON).await;
    window.element("[data-testid=invitation]", SOON).await;
}

async fn join(window: &WebView, name: &str) {
    fill(window, "#name", name).await;
    press(window, "[data-testid=join]").await;
    press(window, KEEP_FILE).await;
}

fn is_private(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::metadata(path).is_ok_and(|meta| meta.permissions().mode() & 0o777 == 0o600)
}

#[tokio::test]
async fn a_team_is_started_joined_by_its_link_and_left_at_once_by_whoever_is_removed() {
    let (anna, bob) = tokio::join!(Person::sit_down(), Person::sit_down());
    let (a, b) = tokio::join!(anna.open(&[]), bob.open(&[]));
    start_team(&a, "Anna").await;
    photograph(&anna.desk, &a, "team-alone").await;
    for file in ["membership.json", "membership.secret", "hub/team/team.json", "hub/team/key.pem"] {
        assert!(is_private(&anna.kept(file)), "{file}");
    }

    let link = invite(&a).await;
    photograph(&anna.desk, &a, "team-invitation").await;
    paste(&b, &link).await;
    let question = b.text("h1", |text| !text.is_empty(), SOON).await;
    assert_eq!(question, "Join Anna's team?");
    b.text("[data-testid=invitation]", |text| text.contains("127.0.0.1"), SOON).await;
    photograph(&bob.desk, &b, "team-question").await;
    assert!(!bob.kept("membership.json").exists(), "nobody said yes yet");
    join(&b, "Bob").await;
    let joining = Stopwatch::start();
    press(&b, WELCOMED).await;
    b.attribute(&row("anna"), "data-status", "online", SOON).await;
    println!("the roster was there {:?} after joining", joining.elapsed());
    b.attribute(LINK, "data-state", "up", SOON).await;

    press(&a, "[data-testid=invite-done]").await;
    a.text("[data-testid=count-members]", |text| text == "2", START).await;
    photograph(&anna.desk, &a, "team-members").await;
    press(&a, TEAM).await;
    a.attribute(&row("bob"), "data-status", "online", SOON).await;

    // The link let one in, and lets in nobody else.
    press(&a, TEAM).await;
    press(&a, "[data-member=bob] [data-testid=remove]").await;
    a.text(
        "[data-testid=question]",
        |text| text.contains("signed out on all devices at once"),
        SOON,
    )
    .await;
    press(&a, "[data-testid=yes]").await;
    let removed = Stopwatch::start();
    b.attribute(LINK, "data-state", "refused", AT_ONCE + SOON).await;
    println!("removed, and gone after {:?}", removed.elapsed());
    a.gone("[data-member=bob]", SOON).await;
    press(&a, TEAM).await;
    a.gone(&row("bob"), SOON).await;
    photograph(&bob.desk, &b, "team-removed").await;

    // Bob forgets a team that does not know him, and the link does not let him in again.
    press(&b, TEAM).await;
    b.element(TROUBLE, SOON).await;
    press(&b, "[data-testid=leave]").await;
    press(&b, "[data-testid=yes]").await;
    paste_again(&b, &link).await;
    join(&b, "Bob").await;
    b.attribute(TROUBLE, "data-code", "token_used_up", SOON).await;
    photograph(&bob.desk, &b, "team-used-up").await;
    assert!(!bob.kept("membership.json").exists());
}

async fn paste_again(window: &WebView, link: &str) {
    window.element("[data-testid=join-team]", START).await;
    paste(window, link).await;
}

#[tokio::test]
async fn a_link_is_copied_to_the_clipboard() {
    let anna = Person::sit_down().await;
    let window = anna.open(&[]).await;
    start_team(&window, "Anna").await;
    let link = invite(&window).await;
    window.click("[data-testid=copy]", SOON).await;
    window.content("[data-testid=copied]", |text| text.trim() == "Copied.", SOON).await;
    // Pasted where there is a field: it keeps 80 characters.
    press(&window, "[data-testid=status-button]").await;
    press(&window, "[data-testid=status-more]").await;
    window.click("[data-testid=status-note]", SOON).await;
    anna.desk.session.key("ctrl+v");
    until_async("the link in the field", SOON, async || {
        let field = window.element("[data-testid=status-note]", SOON).await;
        let value = field.prop("value").await.ok().flatten().unwrap_or_default();
        value.len() == 80 && link.starts_with(&value)
    })
    .await;
}

#[tokio::test]
async fn whoever_hosts_goes_and_comes_back_and_the_others_are_told_calmly() {
    let (anna, bob) = tokio::join!(Person::sit_down(), Person::sit_down());
    let (a, b) = tokio::join!(anna.open(&[]), bob.open(&[]));
    start_team(&a, "Anna").await;
    let link = invite(&a).await;
    paste(&b, &link).await;
    join(&b, "Bob").await;
    press(&b, WELCOMED).await;
    b.attribute(&row("anna"), "data-status", "online", START).await;

    quit(&anna.desk, a).await;
    b.content(LINK, |text| text.contains("Anna's computer, which hosts this team,"), START).await;
    photograph(&bob.desk, &b, "team-host-away").await;

    let a = anna.open(&["--show"]).await;
    a.attribute(LINK, "data-state", "up", START).await;
    b.attribute(LINK, "data-state", "up", START).await;
    a.attribute(&row("bob"), "data-status", "online", START).await;
    b.attribute(&row("anna"), "data-status", "online", SOON).await;

    // Bob leaves: nothing is left of him here or there.
    press(&b, TEAM).await;
    press(&b, "[data-testid=leave]").await;
    press(&b, "[data-testid=yes]").await;
    b.element("[data-testid=start-team]", START).await;
    assert!(!bob.kept("membership.json").exists() && !bob.kept("membership.secret").exists());
    a.gone(&row("bob"), SOON).await;

    // Anna, alone, leaves: the team ends.
    press(&a, TEAM).await;
    press(&a, "[data-testid=leave]").await;
    press(&a, "[data-testid=yes]").await;
    a.element("[data-testid=start-team]", START).await;
    assert!(!anna.kept("membership.json").exists() && !anna.kept("hub/team").exists());
}

#[tokio::test]
async fn a_link_opens_an_app_that_was_not_running_and_asks_before_joining() {
    let (anna, bob) = tokio::join!(Person::sit_down(), Person::sit_down());
    let a = anna.open(&[]).await;
    start_team(&a, "Anna").await;
    let link = invite(&a).await;
    let b = bob.open(&[&link]).await;
    b.element("[data-testid=invitation]", START).await;
    assert!(!bob.kept("membership.json").exists(), "nobody said yes yet");
    join(&b, "Bob").await;
    press(&b, WELCOMED).await;
    b.attribute(&row("anna"), "data-status", "online", START).await;

    // A second one, while it runs: one belongs to one team.
    let second = invite_again(&a).await;
    let other = bob.desk.session.spawn(bin(APP), &[&second]);
    assert!(other.wait_exit(SOON).await.success());
    b.text("[data-testid=held]", |text| text.contains("You belong to Anna's team"), SOON).await;
    until("one app", SOON, || runs(&bob.desk.session, PROCESS)).await;
}

async fn invite_again(window: &WebView) -> String {
    press(window, "[data-testid=invite-done]").await;
    invite(window).await
}
