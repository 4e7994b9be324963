//! Clients of other people's making: two small programs on mqtt.js, written as the two public
//! descriptions of presence over MQTT that Porchlight has to get along with show them.
//!
//! The first has one topic a user with a timestamp, typing and activity; the second an
//! organisation in the topic and bare statuses. Neither knows a device, and both speak MQTT 3.1.1.
//!
//! For comparison there is a third that follows neither: it beats like a heart.

use std::panic::Location;
use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use crate::binary::{package_dir, tool};
use crate::process::{Exit, Proc, Stream};
use crate::until::{SOON, START, poll};

/// The version of mqtt.js that all clients have, or nothing where it is not there.
#[must_use]
pub fn mqtt_js_version() -> String {
    let package = package_dir().join("seed-clients/node_modules/mqtt/package.json");
    let text = std::fs::read_to_string(package).unwrap_or_default();
    let package: Value = serde_json::from_str(&text).unwrap_or_default();
    package["version"].as_str().unwrap_or_default().to_owned()
}

/// A running client.
#[derive(Debug)]
pub struct SeedClient {
    proc: Proc,
}

impl SeedClient {
    /// A client of the first kind: `presence/{user}`. The URL is that of the broker, without a
    /// topic root; its user name and password are used. Ready means online and subscribed.
    pub async fn first(broker: &str, user: &str) -> Self {
        Self::start("first.mjs", broker, &[user]).await
    }

    /// A client of the second kind: `presence/{org}/{user}`.
    pub async fn second(broker: &str, org: &str, user: &str) -> Self {
        Self::start("second.mjs", broker, &[org, user]).await
    }

    /// A client of the first kind that leaves every setting as mqtt.js has it: it tries again after
    /// a second and not after a fifth.
    pub async fn first_by_default(broker: &str, user: &str) -> Self {
        Self::start("first.mjs", broker, &[user, "--defaults"]).await
    }

    /// A client that says every 10 s that its user is there and shows who has not said so for 30 s
    /// as offline: no Will, nothing retained.
    pub async fn heartbeat(broker: &str, user: &str) -> Self {
        Self::start("heartbeat.mjs", broker, &[user]).await
    }

    async fn start(script: &str, broker: &str, ids: &[&str]) -> Self {
        let dir = package_dir().join("seed-clients");
        assert!(
            dir.join("node_modules/mqtt").is_dir(),
            "mqtt.js is not there: npm ci --prefix tests/seed-clients"
        );
        let node = tool("node", "install Node.js 20 or later");
        let name = format!("{script} {}", ids.join(" "));
        let proc =
            Proc::spawn(name, Command::new(node).arg(dir.join(script)).arg(broker).args(ids));
        let client = Self { proc };
        client.wait("it to be ready", START, |event| event["event"] == "ready").await;
        client
    }

    /// Its process.
    #[must_use]
    pub fn proc(&self) -> &Proc {
        &self.proc
    }

    /// Its process, to tell it something or to end it.
    pub fn proc_mut(&mut self) -> &mut Proc {
        &mut self.proc
    }

    /// Every event that it reported so far.
    #[must_use]
    pub fn events(&self) -> Vec<Value> {
        let lines = self.proc.lines(Stream::Out);
        lines.iter().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }

    /// The status that it shows for that user now.
    #[must_use]
    pub fn status_of(&self, user: &str) -> Option<String> {
        let events = self.events();
        let last = events
            .iter()
            .rev()
            .find(|event| event["event"] == "status" && event["user"] == user)?;
        last["status"].as_str().map(str::to_owned)
    }

    /// Waits until it shows that status for that user.
    ///
    /// # Panics
    ///
    /// When it does not within the time; with what it saw.
    #[track_caller]
    pub fn wait_status(
        &self,
        user: &str,
        status: &str,
        within: Duration,
    ) -> impl Future<Output = ()> {
        let caller = Location::caller();
        async move {
            let seen = poll(within, || self.status_of(user).as_deref() == Some(status)).await;
            assert!(
                seen.is_some(),
                "{caller}: {user} was not seen {status} within {within:?}.\n{}",
                self.proc
            );
        }
    }

    /// Waits until it reported that this user types, or no longer does.
    ///
    /// # Panics
    ///
    /// When it does not within the time; with what it saw.
    #[track_caller]
    pub fn wait_typing(
        &self,
        user: &str,
        typing: bool,
        within: Duration,
    ) -> impl Future<Output = ()> {
        let caller = Location::caller();
        async move {
            let seen = poll(within, || {
                let events = self.events();
                let last = events
                    .iter()
                    .rev()
                    .find(|event| event["event"] == "typing" && event["user"] == user);
                last.is_some_and(|event| event["typing"] == typing)
            });
            assert!(
                seen.await.is_some(),
                "{caller}: {user} typing {typing} was not seen within {within:?}.\n{}",
                self.proc
            );
        }
    }

    /// Waits for an event that it reported at any time since its start.
    ///
    /// # Panics
    ///
    /// When there is none within the time; with what it saw.
    #[track_caller]
    pub fn wait(
        &self,
        what: &str,
        within: Duration,
        mut wanted: impl FnMut(&Value) -> bool,
    ) -> impl Future<Output = Value> {
        let caller = Location::caller();
        async move {
            let found =
                poll(within, || self.events().into_iter().find(|event| wanted(event))).await;
            found
                .unwrap_or_else(|| panic!("{caller}: waited {within:?} for {what}.\n{}", self.proc))
        }
    }

    /// Its user presses a key: it says typing, and takes it back 3 s after the last one. Only the
    /// first kind does.
    pub fn types(&mut self) {
        self.proc.say(r#"{"do":"type"}"#);
    }

    /// Its user gives input: the first kind publishes the time, the second a status.
    pub fn shows_activity(&mut self) {
        self.proc.say(r#"{"do":"activity"}"#);
    }

    /// Publishes `away`.
    pub fn goes_away(&mut self) {
        self.proc.say(r#"{"do":"away"}"#);
    }

    /// Publishes `online` again.
    pub fn comes_back(&mut self) {
        self.proc.say(r#"{"do":"online"}"#);
    }

    /// Publishes `offline`, disconnects and ends.
    ///
    /// # Panics
    ///
    /// When it does not end.
    pub async fn leaves(mut self) -> Exit {
        self.proc.say(r#"{"do":"leave"}"#);
        self.proc.wait_exit(SOON).await
    }

    /// Ends without a DISCONNECT, so that the broker publishes its Will.
    ///
    /// # Panics
    ///
    /// When it does not end.
    pub async fn crashes(mut self) -> Exit {
        self.proc.say(r#"{"do":"kill"}"#);
        self.proc.wait_exit(SOON).await
    }
}
