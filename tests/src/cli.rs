//! The `porchlight` command as a test uses it: one person's device with a configuration of its
//! own, and what it shows of the others.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::panic::Location;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use crate::binary::bin;
use crate::desktop::Session;
use crate::machine::Machine;
use crate::member::PROXY_VARIABLES;
use crate::process::{Exit, Proc, Stream};
use crate::until::{SOON, poll};

/// One device of one person: the arguments that all its commands share.
#[derive(Debug)]
pub struct Cli {
    broker: String,
    user: String,
    device: String,
    name: String,
    config: TempDir,
    session: Vec<(OsString, OsString)>,
}

impl Cli {
    /// A device of that person at the broker of this URL, whose path is the topic root.
    ///
    /// # Panics
    ///
    /// When no folder for its configuration can be made.
    #[must_use]
    pub fn new(broker: &str, user: &str, device: &str) -> Self {
        Self {
            broker: broker.to_owned(),
            user: user.to_owned(),
            device: device.to_owned(),
            name: user.to_owned(),
            config: TempDir::with_prefix("porchlight-light-")
                .expect("a temporary folder can be made"),
            session: Vec::new(),
        }
    }

    /// The name shown for the person. Unless given it is the user id.
    #[must_use]
    pub fn named(mut self, name: &str) -> Self {
        name.clone_into(&mut self.name);
        self
    }

    /// Writes this into its `config.toml`.
    ///
    /// # Panics
    ///
    /// When it can't be written.
    #[must_use]
    pub fn configured(self, toml: &str) -> Self {
        std::fs::write(self.config.path().join("config.toml"), toml)
            .expect("a temporary folder can be written to");
        self
    }

    /// Has the app notify of everybody's coming and going, not of favourites' alone.
    #[must_use]
    pub fn notified_of_everyone(self) -> Self {
        self.configured("[notices]\nabout = \"everyone\"\n")
    }

    /// Reaches its broker by this URL from now on: another way to the same one.
    pub fn reach_by(&mut self, broker: &str) {
        broker.clone_into(&mut self.broker);
    }

    /// Runs its commands inside this desktop session. Without one they see no display, no bus and
    /// an empty home.
    #[must_use]
    pub fn on(mut self, session: &Session) -> Self {
        self.session = session.environment();
        self
    }

    /// Runs its commands at this machine, whose person it is.
    #[must_use]
    pub fn at(mut self, machine: &Machine) -> Self {
        self.session = machine.environment();
        self
    }

    /// The folder of its `config.toml` and of all that it keeps.
    #[must_use]
    pub fn config_dir(&self) -> &Path {
        self.config.path()
    }

    /// Takes over all that another device keeps between runs, as a copy of its disk would.
    ///
    /// # Panics
    ///
    /// When it can't be copied.
    pub fn copy_state_of(&self, other: &Self) {
        let (from, to) = (other.config.path().join("state"), self.config.path().join("state"));
        std::fs::create_dir_all(&to).expect("a temporary folder can be written to");
        for file in std::fs::read_dir(from).expect("it has been running").flatten() {
            std::fs::copy(file.path(), to.join(file.file_name())).expect("a file of ours");
        }
    }

    /// All that it keeps between runs, file after file; nothing before it was first started.
    #[must_use]
    pub fn state(&self) -> String {
        let files = std::fs::read_dir(self.config.path().join("state"));
        let files = files.into_iter().flatten().flatten();
        files.filter_map(|file| std::fs::read_to_string(file.path()).ok()).collect()
    }

    /// The arguments that `porchlight`'s commands and `porchlight-desktop` share.
    #[must_use]
    pub fn arguments(&self) -> Vec<String> {
        let config = self.config.path().to_string_lossy().into_owned();
        let pairs = [
            ("--broker", &self.broker),
            ("--user", &self.user),
            ("--device", &self.device),
            ("--name", &self.name),
            ("--config-dir", &config),
        ];
        pairs.iter().flat_map(|(flag, value)| [(*flag).to_owned(), (*value).clone()]).collect()
    }

    /// `porchlight {arguments}` with the shared arguments behind.
    #[must_use]
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(bin("porchlight"));
        self.settle(&mut command);
        command.args(arguments).args(self.arguments());
        command
    }

    /// `porchlight-desktop` with the shared arguments and these.
    #[must_use]
    pub fn desktop(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(bin("porchlight-desktop"));
        self.settle(&mut command);
        command.args(self.arguments()).args(arguments);
        command
    }

    fn settle(&self, command: &mut Command) {
        if self.session.is_empty() {
            let home = self.config.path();
            for name in [
                "HOME",
                "XDG_CONFIG_HOME",
                "XDG_DATA_HOME",
                "XDG_STATE_HOME",
                "XDG_CACHE_HOME",
                "XDG_RUNTIME_DIR",
            ] {
                command.env(name, home);
            }
            for name in ["DISPLAY", "WAYLAND_DISPLAY", "DBUS_SESSION_BUS_ADDRESS", "XDG_SESSION_ID"]
            {
                command.env_remove(name);
            }
            for name in PROXY_VARIABLES {
                command.env_remove(name);
            }
        } else {
            command.env_clear().envs(self.session.iter().map(|(name, value)| (name, value)));
        }
    }

    /// Starts any of its commands.
    #[track_caller]
    #[must_use]
    pub fn start(&self, arguments: &[&str]) -> Proc {
        let name = format!("porchlight {} ({}/{})", arguments.join(" "), self.user, self.device);
        Proc::spawn(name, &mut self.command(arguments))
    }

    /// Starts any of its commands with no more than the folder of its configuration: who and where
    /// has to stand in there, if that is needed.
    #[track_caller]
    #[must_use]
    pub fn start_by_config(&self, arguments: &[&str]) -> Proc {
        let mut command = Command::new(bin("porchlight"));
        self.settle(&mut command);
        command.args(arguments).arg("--config-dir").arg(self.config_dir());
        Proc::spawn(format!("porchlight {}", arguments.join(" ")), &mut command)
    }

    /// Holds the presence: `porchlight run --activity {activity}`, which is `auto`, `stdin` or
    /// `none`. It is on its way when this returns; what others see of it is what to wait for.
    #[track_caller]
    #[must_use]
    pub fn run(&self, activity: &str) -> Proc {
        self.start(&["run", "--activity", activity])
    }

    /// Starts to watch the others: `porchlight watch --json`.
    #[track_caller]
    #[must_use]
    pub fn watch(&self) -> Watch {
        Watch { proc: self.start(&["watch", "--json"]) }
    }

    /// Starts to watch the others and what is dropped: `porchlight watch --json --diagnostics`.
    #[track_caller]
    #[must_use]
    pub fn watch_diagnosing(&self) -> Watch {
        Watch { proc: self.start(&["watch", "--json", "--diagnostics"]) }
    }

    /// Runs a command to its end: how it ended, and its standard output.
    ///
    /// # Panics
    ///
    /// When it does not end.
    pub async fn finish(&self, arguments: &[&str]) -> (Exit, String) {
        self.start(arguments).finish(2 * SOON).await
    }

    /// Everybody as `porchlight who --json` lists them.
    ///
    /// # Panics
    ///
    /// When it does not succeed, or prints something else than persons.
    pub async fn who(&self) -> Vec<Value> {
        let proc = self.start(&["who", "--json"]);
        let (exit, output) = proc.finish(2 * SOON).await;
        assert!(exit.success(), "{proc}");
        match serde_json::from_str(&output) {
            Ok(Value::Array(persons)) => persons,
            // One a line.
            _ => output
                .lines()
                .map(|line| {
                    serde_json::from_str(line).unwrap_or_else(|error| panic!("{line}: {error}"))
                })
                .collect(),
        }
    }

    /// Everybody, and what was dropped while they were read: `porchlight who --json --diagnostics`.
    ///
    /// # Panics
    ///
    /// When it does not succeed, or prints something else.
    pub async fn who_diagnosing(&self) -> (Vec<Value>, Value) {
        let proc = self.start(&["who", "--json", "--diagnostics"]);
        let (exit, output) = proc.finish(2 * SOON).await;
        assert!(exit.success(), "{proc}");
        let mut lines = output.lines().map(serde_json::from_str);
        match (lines.next(), lines.next(), lines.next()) {
            (Some(Ok(Value::Array(persons))), Some(Ok(mut last)), None) => {
                (persons, last["diagnostics"].take())
            }
            _ => panic!("not two lines of JSON: {proc}"),
        }
    }

    /// Chooses a status: `porchlight set {status} [{text}]`.
    ///
    /// # Panics
    ///
    /// When it does not succeed.
    pub async fn set(&self, status: &str, text: Option<&str>) {
        let arguments: Vec<_> = ["set", status].into_iter().chain(text).collect();
        let (exit, output) = self.finish(&arguments).await;
        assert!(exit.success(), "set {status}: {exit}: {output}");
    }

    /// Takes the choice back: `porchlight clear`.
    ///
    /// # Panics
    ///
    /// When it does not succeed.
    pub async fn clear(&self) {
        let (exit, output) = self.finish(&["clear"]).await;
        assert!(exit.success(), "clear: {exit}: {output}");
    }
}

/// A running `porchlight watch --json`.
#[derive(Debug)]
pub struct Watch {
    proc: Proc,
}

impl Watch {
    /// Everything that it printed so far, in order.
    #[must_use]
    pub fn events(&self) -> Vec<Value> {
        let lines = self.proc.lines(Stream::Out);
        lines.iter().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }

    /// Each person as printed last, by user id.
    #[must_use]
    pub fn persons(&self) -> BTreeMap<String, Value> {
        let events = self.events().into_iter();
        events.filter_map(|event| Some((event["user"].as_str()?.to_owned(), event))).collect()
    }

    /// Every status that it printed for that person, in order: a flap shows here even if it was
    /// too short for [`Watch::persons`].
    #[must_use]
    pub fn statuses(&self, user: &str) -> Vec<String> {
        let mut statuses: Vec<_> = self
            .events()
            .iter()
            .filter(|event| event["user"] == user)
            .filter_map(|event| event["status"].as_str().map(str::to_owned))
            .collect();
        statuses.dedup();
        statuses
    }

    /// The counters that it printed last; none before the first message was dropped.
    #[must_use]
    pub fn diagnostics(&self) -> Option<Value> {
        let mut events = self.events().into_iter().rev();
        events.find_map(|mut event| event.get_mut("diagnostics").map(Value::take))
    }

    /// Whether its link is up, once it said so.
    #[must_use]
    pub fn connection_up(&self) -> Option<bool> {
        self.events().iter().rev().find_map(|event| event["link"].as_str().map(|link| link == "up"))
    }

    /// Waits until the person as printed last is as wanted.
    ///
    /// # Panics
    ///
    /// When that does not come within the time; with its last output.
    #[track_caller]
    pub fn wait_person(
        &self,
        user: &str,
        mut wanted: impl FnMut(&Value) -> bool,
        within: Duration,
    ) -> impl Future<Output = Value> {
        let caller = Location::caller();
        async move {
            let seen =
                poll(within, || self.persons().remove(user).filter(|person| wanted(person))).await;
            seen.unwrap_or_else(|| {
                panic!("{caller}: {user} was not so within {within:?}.\n{}", self.proc)
            })
        }
    }

    /// Waits until the person has this status.
    ///
    /// # Panics
    ///
    /// When that does not come within the time; with its last output.
    #[track_caller]
    pub fn wait_status(
        &self,
        user: &str,
        status: &str,
        within: Duration,
    ) -> impl Future<Output = Value> {
        self.wait_person(user, move |person| person["status"] == status, within)
    }

    /// Waits until its link is up, or down.
    ///
    /// # Panics
    ///
    /// When that does not come within the time; with its last output.
    #[track_caller]
    pub fn wait_link(&self, up: bool, within: Duration) -> impl Future<Output = ()> {
        let caller = Location::caller();
        async move {
            let seen = poll(within, || self.connection_up() == Some(up)).await;
            assert!(
                seen.is_some(),
                "{caller}: the link was not so within {within:?}.\n{}",
                self.proc
            );
        }
    }

    /// Its process.
    #[must_use]
    pub fn proc(&self) -> &Proc {
        &self.proc
    }
}
