//! The desktop app on desktops of its own: icon, menu, notifications and window as a person meets them.

use std::time::Duration;

use porchlight_tests::tray::TrayItem;
use porchlight_tests::until::{SOON, START};
use porchlight_tests::{Cli, Notifications, Proc, Session, Tray, WebView, bin, until, until_async};
use serde_json::{Value, json};

mod access;
mod bare;
mod first_start;
mod instance;
mod keep;
mod knock;
mod namesakes;
mod newer;
mod notices;
mod security;
mod team;
mod tray;
mod two;
mod window;

const APP: &str = "porchlight-desktop";

/// What every system calls the app's process: it keeps 15 characters of a name.
const PROCESS: &str = "porchlight-desk";

/// The title of the app's window.
const TITLE: &str = "^Porchlight$";

/// What is promised to be seen at once.
const AT_ONCE: Duration = Duration::from_secs(1);

const LINK: &str = "[data-testid=link]";
const ME: &str = "[data-testid=me]";

/// A desktop with all that the app talks to.
struct Desk {
    tray: Tray,
    notifications: Notifications,
    // Last, so that nobody loses the bus before it has ended.
    session: Session,
}

impl Desk {
    async fn start() -> Self {
        let session = Session::start().await;
        let notifications = Notifications::start(&session).await;
        Self { tray: Tray::start(&session).await, notifications, session }
    }

    /// The app's icon, as soon as it is there.
    async fn item(&self) -> TrayItem {
        self.tray.item("porchlight", START).await
    }

    /// Starts the app with its window open and takes hold of it.
    async fn open(&self, light: &Cli) -> WebView {
        let mut arguments = light.arguments();
        arguments.push("--show".to_owned());
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        WebView::open(&self.session, &bin(APP), &arguments).await
    }
}

/// Starts the app for that person, who sits before the session of [`Cli::on`].
#[track_caller]
fn launch(light: &Cli, arguments: &[&str]) -> Proc {
    Proc::spawn(APP, &mut light.desktop(arguments))
}

/// The app's windows on the screen.
fn windows(session: &Session) -> Vec<u32> {
    session.windows(TITLE)
}

/// The app's one window, as soon as it is on the screen.
async fn wait_window(session: &Session) -> u32 {
    until("the app's window", START, || windows(session).first().copied()).await
}

/// Whether a process of this name runs in the session.
fn runs(session: &Session, name: &str) -> bool {
    session.programs().iter().any(|(program, _)| program == name)
}

/// Waits until the app's window and what draws it have ended.
async fn wait_destroyed(session: &Session) {
    until("the end of the window and its web process", SOON, || {
        windows(session).is_empty() && !runs(session, "WebKitWebProces")
    })
    .await;
}

/// Waits until the tooltip's first line is this.
async fn wait_tooltip(item: &TrayItem, title: &str, within: Duration) {
    until_async(format!("the tooltip {title:?}"), within, async || {
        item.tooltip().await.title == title
    })
    .await;
}

/// The label of the menu entry that begins with a shape and this name.
async fn menu_line(item: &TrayItem, name: &str) -> Option<String> {
    let menu = item.menu().await;
    let labels =
        menu.labels().into_iter().filter(|label| !label.starts_with(char::is_alphanumeric));
    let mut lines = labels.filter(|label| label.contains(&format!(" {name} ")));
    lines.next().map(str::to_owned)
}

/// Where the window shows that person.
fn row(user: &str) -> String {
    format!("[data-user=\"{user}\"]")
}

/// Calls a command of the host as a script in the page could.
async fn invoke(window: &WebView, command: &str, arguments: Value) -> Result<Value, String> {
    let script = "const [command, given, answer] = arguments;
        window.__TAURI_INTERNALS__.invoke(command, given).then(
            (value) => answer({ value }),
            (thrown) => answer({ thrown: thrown?.message ?? String(thrown) }));";
    let answer = window.run_async(script, vec![json!(command), arguments]).await;
    let answer = answer.expect("a page in which the host can be called");
    match answer.get("thrown") {
        Some(thrown) => Err(thrown.as_str().unwrap_or_default().to_owned()),
        None => Ok(answer["value"].clone()),
    }
}

/// That person in the window's own snapshot.
async fn person(window: &WebView, user: &str) -> Value {
    let snapshot = invoke(window, "snapshot", json!({})).await.expect("a snapshot");
    let people = snapshot["people"].as_array().cloned().unwrap_or_default();
    people.into_iter().find(|person| person["user"] == user).unwrap_or_default()
}

/// Takes a picture of the screen once the page as it is now stands drawn on it, all motion over. On a
/// machine that does not come to draw, it is taken all the same: it is for looking at, and proves nothing.
async fn photograph(desk: &Desk, window: &WebView, name: &str) {
    let drawn = "const [answer] = arguments;
        const frame = () => new Promise((drawn) => requestAnimationFrame(drawn));
        const still = () => document.getAnimations().length === 0 || frame().then(still);
        const late = new Promise((over) => setTimeout(over, 5000));
        Promise.race([frame().then(still).then(frame).then(frame), late]).then(() => answer(true));";
    window.run_async(drawn, Vec::new()).await.expect("a page that answers");
    desk.session.screenshot(name);
}

/// Quits the app from its tray.
async fn quit(desk: &Desk, window: WebView) {
    desk.item().await.click("Quit").await;
    until("the app to end", SOON, || !runs(&desk.session, PROCESS)).await;
    drop(window);
}
