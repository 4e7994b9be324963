//! The app's window as a person uses it: the real webview, driven through `WebKitWebDriver`.
//!
//! The driver starts the app itself, in the session's environment, and waits until the app has a
//! window: an app that starts into the tray needs the argument that opens one.

use std::fmt::Display;
use std::panic::Location;
use std::path::{Path, PathBuf};
use std::time::Duration;

use fantoccini::elements::Element;
use fantoccini::error::CmdError;
use fantoccini::wd::Capabilities;
use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};

use crate::binary::{artifact, tool};
use crate::desktop::Session;
use crate::port::{answers, free_port};
use crate::process::Proc;
use crate::until::{SOON, START, poll_async, until};

/// A window under a driver.
#[derive(Debug)]
pub struct WebView {
    client: Client,
    driver: Proc,
}

impl WebView {
    /// Starts the app with these arguments and takes hold of its window.
    ///
    /// # Panics
    ///
    /// When `WebKitWebDriver` is missing, or no window came; with what the driver and the app
    /// wrote.
    pub async fn open(session: &Session, app: &Path, arguments: &[&str]) -> Self {
        // What every app made with Tauri calls itself to the driver.
        Self::open_browser(session, "wry", app, arguments).await
    }

    /// [`WebView::open`] for a program on WebKitGTK that calls itself otherwise to the driver.
    ///
    /// # Panics
    ///
    /// As [`WebView::open`] does.
    pub async fn open_browser(
        session: &Session,
        name: &str,
        app: &Path,
        arguments: &[&str],
    ) -> Self {
        let driver = start_driver(session).await;
        let options = json!({ "binary": app, "args": arguments });
        let capabilities: Capabilities = [
            ("browserName".to_owned(), json!(name)),
            ("webkitgtk:browserOptions".to_owned(), options),
        ]
        .into_iter()
        .collect();
        let mut builder = ClientBuilder::new(HttpConnector::new());
        let url = format!("http://127.0.0.1:{}", driver.1);
        let connecting = builder.capabilities(capabilities).connect(&url);
        match tokio::time::timeout(START, connecting).await {
            Ok(Ok(client)) => Self { client, driver: driver.0 },
            Ok(Err(error)) => panic!("no window of {}: {error}\n{}", app.display(), driver.0),
            Err(_) => panic!("{} opened no window within {START:?}\n{}", app.display(), driver.0),
        }
    }

    /// The WebDriver client, for everything that has no function here.
    #[must_use]
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// The driver's process; the app's output is among its own.
    #[must_use]
    pub fn driver(&self) -> &Proc {
        &self.driver
    }

    /// The first element that this CSS selector finds, as soon as there is one.
    ///
    /// # Panics
    ///
    /// When there is none within the time; with the page.
    #[track_caller]
    pub fn element(&self, css: &str, within: Duration) -> impl Future<Output = Element> {
        let caller = Location::caller();
        async move {
            let found =
                poll_async(within, async || self.client.find(Locator::Css(css)).await.ok()).await;
            match found {
                Some(element) => element,
                None => self.fail(caller, format!("{css} within {within:?}")).await,
            }
        }
    }

    /// Waits until this CSS selector finds nothing any more.
    ///
    /// # Panics
    ///
    /// When it still finds something after the time; with the page.
    #[track_caller]
    pub fn gone(&self, css: &str, within: Duration) -> impl Future<Output = ()> {
        let caller = Location::caller();
        async move {
            let gone = poll_async(within, async || {
                self.client.find_all(Locator::Css(css)).await.is_ok_and(|found| found.is_empty())
            });
            if gone.await.is_none() {
                self.fail(caller, format!("the end of {css} within {within:?}")).await;
            }
        }
    }

    /// Waits until the first element that this CSS selector finds has this value of an attribute.
    ///
    /// # Panics
    ///
    /// When it has not within the time; with the page.
    #[track_caller]
    pub fn attribute(
        &self,
        css: &str,
        name: &str,
        value: &str,
        within: Duration,
    ) -> impl Future<Output = ()> {
        let caller = Location::caller();
        async move {
            // Found anew each time: the page may have replaced the element meanwhile.
            let so = poll_async(within, async || {
                self.attribute_now(css, name).await.as_deref() == Some(value)
            });
            if so.await.is_none() {
                self.fail(caller, format!("{css} with {name}={value:?} within {within:?}")).await;
            }
        }
    }

    /// This attribute of the first element that this CSS selector finds, as it is now.
    pub async fn attribute_now(&self, css: &str, name: &str) -> Option<String> {
        let element = self.client.find(Locator::Css(css)).await.ok()?;
        element.attr(name).await.ok().flatten()
    }

    /// Waits until the visible text of the first element that this CSS selector finds is as wanted.
    ///
    /// # Panics
    ///
    /// When it is not within the time; with the page.
    #[track_caller]
    pub fn text(
        &self,
        css: &str,
        mut wanted: impl FnMut(&str) -> bool,
        within: Duration,
    ) -> impl Future<Output = String> {
        let caller = Location::caller();
        async move {
            let so = poll_async(within, async || {
                let found = self.client.find(Locator::Css(css)).await;
                found.ok()?.text().await.ok().filter(|text| wanted(text))
            });
            match so.await {
                Some(text) => text,
                None => self.fail(caller, format!("the text of {css} within {within:?}")).await,
            }
        }
    }

    /// Waits until the text that the first element found by this CSS selector holds, seen or not, is
    /// as wanted.
    ///
    /// # Panics
    ///
    /// When it is not within the time; with the page.
    #[track_caller]
    pub fn content(
        &self,
        css: &str,
        mut wanted: impl FnMut(&str) -> bool,
        within: Duration,
    ) -> impl Future<Output = String> {
        let caller = Location::caller();
        async move {
            let so = poll_async(within, async || {
                let found = self.client.find(Locator::Css(css)).await;
                found.ok()?.prop("textContent").await.ok()?.filter(|text| wanted(text))
            });
            match so.await {
                Some(text) => text,
                None => self.fail(caller, format!("the content of {css} within {within:?}")).await,
            }
        }
    }

    /// Clicks the first element that this CSS selector finds, as soon as it can be clicked. One that
    /// goes away by being clicked is not for this: the driver may look for it once more and call that
    /// a failure.
    ///
    /// # Panics
    ///
    /// When it can't within the time; with what the driver said last and the page.
    #[track_caller]
    pub fn click(&self, css: &str, within: Duration) -> impl Future<Output = ()> {
        let caller = Location::caller();
        async move {
            let mut refusal = None;
            let clicked = poll_async(within, async || {
                let found = self.client.find(Locator::Css(css)).await;
                let Ok(element) = found else { return false };
                element.click().await.map_err(|error| refusal = Some(error)).is_ok()
            });
            if clicked.await.is_none() {
                let why = refusal.map_or_else(String::new, |error| format!(" ({error})"));
                self.fail(caller, format!("a click on {css} within {within:?}{why}")).await;
            }
        }
    }

    /// Types into the first element that this CSS selector finds, as soon as it takes keys.
    ///
    /// # Panics
    ///
    /// When there is none within the time; with the page.
    #[track_caller]
    pub fn type_into(&self, css: &str, text: &str, within: Duration) -> impl Future<Output = ()> {
        let caller = Location::caller();
        async move {
            let typed = poll_async(within, async || {
                let found = self.client.find(Locator::Css(css)).await;
                let Ok(element) = found else { return false };
                element.send_keys(text).await.is_ok()
            });
            if typed.await.is_none() {
                self.fail(caller, format!("typing into {css} within {within:?}")).await;
            }
        }
    }

    /// Runs a script in the page, as the body of a function, and returns what it returns.
    ///
    /// # Errors
    ///
    /// What the page threw: a page that forbids something is worth a test.
    pub async fn run(&self, script: &str, arguments: Vec<Value>) -> Result<Value, CmdError> {
        self.answer("a script", self.client.execute(script, arguments)).await
    }

    /// [`WebView::run`] for a script that answers later: by calling its last argument, a function,
    /// once.
    ///
    /// # Errors
    ///
    /// What the page threw, or that it did not answer within the driver's 30 s.
    pub async fn run_async(&self, script: &str, arguments: Vec<Value>) -> Result<Value, CmdError> {
        let asking = self.client.execute_async(script, arguments);
        self.answer("a script's answer", asking).await
    }

    /// Takes a picture of the page into `tests/out/{name}.png` and returns its path.
    ///
    /// # Panics
    ///
    /// When the window has gone.
    pub async fn screenshot(&self, name: &str) -> PathBuf {
        let path = artifact(&format!("{name}.png"));
        let picture = self.answer("a picture", self.client.screenshot()).await;
        std::fs::write(&path, picture.expect("the window can be drawn"))
            .expect("tests/out can be written to");
        path
    }

    /// Ends the driver's session, which ends the app.
    ///
    /// # Panics
    ///
    /// When the driver does not answer.
    pub async fn close(self) {
        let closing = self.client.clone().close();
        self.answer("the end of the session", closing).await.expect("the driver ends its session");
    }

    /// The driver answers only when the page has: one that hangs would hang the test.
    async fn answer<T>(&self, what: &str, asking: impl Future<Output = T>) -> T {
        match tokio::time::timeout(START, asking).await {
            Ok(answer) => answer,
            Err(_) => panic!("waited {START:?} for {what}\n{}", self.driver),
        }
    }

    async fn fail(&self, caller: &Location<'_>, what: impl Display) -> ! {
        let page = tokio::time::timeout(SOON, self.client.source()).await;
        let page = match page {
            Ok(page) => page.unwrap_or_else(|error| error.to_string()),
            Err(_) => "the page does not answer".to_owned(),
        };
        panic!("{caller}: waited for {what}\n{page}")
    }
}

async fn start_driver(session: &Session) -> (Proc, u16) {
    let program = tool("WebKitWebDriver", "install the package webkit2gtk-driver");
    let port = free_port();
    let mut command = session.command(program);
    command.args(["--host=127.0.0.1", &format!("--port={port}")]);
    // The app inherits it, and then lets the driver take hold of its window.
    command.env("TAURI_WEBVIEW_AUTOMATION", "true");
    let driver = Proc::spawn("WebKitWebDriver", &mut command);
    until(format!("WebKitWebDriver to listen\n{driver}"), START, || answers(port)).await;
    (driver, port)
}
