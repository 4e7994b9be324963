//! A member's device of a team: a folder of its own, in which all that it knows comes from the link it joined by.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use serde_json::Value;
use tempfile::TempDir;

use crate::binary::bin;
use crate::hosts::Hosts;
use crate::process::{Exit, Proc};
use crate::until::{SOON, START};

/// The variables that could send a device through a proxy of the person who runs the tests.
pub(crate) const PROXY_VARIABLES: [&str; 6] =
    ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY"];

/// One device. It sees no display, no bus and an empty home, so that secrets are kept in files.
#[derive(Debug)]
pub struct Member {
    name: String,
    host: Option<(Arc<Hosts>, usize)>,
    config: TempDir,
}

impl Member {
    /// A device of somebody of this name on this machine, who belongs to no team yet.
    ///
    /// # Panics
    ///
    /// When no folder can be made.
    #[must_use]
    pub fn new(name: &str) -> Self {
        let config =
            TempDir::with_prefix("porchlight-member-").expect("a temporary folder can be made");
        Self { name: name.to_owned(), host: None, config }
    }

    /// Lives on that host.
    #[must_use]
    pub fn on(mut self, hosts: &Arc<Hosts>, host: usize) -> Self {
        self.host = Some((Arc::clone(hosts), host));
        self
    }

    /// The folder of all that it keeps.
    #[must_use]
    pub fn config_dir(&self) -> &Path {
        self.config.path()
    }

    /// `porchlight {arguments}` with nothing but the folder and the name behind.
    #[must_use]
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(bin("porchlight"));
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
        for name in ["DISPLAY", "WAYLAND_DISPLAY", "DBUS_SESSION_BUS_ADDRESS", "XDG_SESSION_ID"] {
            command.env_remove(name);
        }
        for name in PROXY_VARIABLES {
            command.env_remove(name);
        }
        command.args(arguments).arg("--config-dir").arg(home).args(["--name", &self.name]);
        match &self.host {
            Some((hosts, host)) => hosts.on(*host, &command),
            None => command,
        }
    }

    /// Starts any of its commands.
    #[track_caller]
    #[must_use]
    pub fn start(&self, arguments: &[&str]) -> Proc {
        let name = format!("{}: porchlight {}", self.name, arguments.join(" "));
        Proc::spawn(name, &mut self.command(arguments))
    }

    /// Runs a command to its end: how it ended, and its standard output.
    ///
    /// # Panics
    ///
    /// When it does not end.
    pub async fn finish(&self, arguments: &[&str]) -> (Exit, String) {
        self.start(arguments).finish(3 * SOON).await
    }

    /// Runs a command that has to succeed: its standard output.
    ///
    /// # Panics
    ///
    /// When it does not succeed; with what it said.
    pub async fn ask(&self, arguments: &[&str]) -> String {
        let proc = self.start(arguments);
        let (exit, output) = proc.finish(3 * SOON).await;
        assert!(exit.success(), "{proc}");
        output
    }

    /// The link by which somebody becomes the owner of the team at this hub, which this member has started. The hub
    /// prints it on no pipe, only the name of the file that has it.
    ///
    /// # Panics
    ///
    /// When there is none.
    pub async fn owner_link(&self, hub: &Proc) -> String {
        let line = hub.wait_line(|line| line.contains("/owner-invitation "), START).await;
        let file = line.split(' ').find(|word| word.ends_with("/owner-invitation"));
        let link = std::fs::read_to_string(file.expect("the line names it"));
        link.expect("the file is there").trim().to_owned()
    }

    /// Redeems a link. Without a keyring its secret goes into a file.
    ///
    /// # Panics
    ///
    /// When it is not let in.
    pub async fn join(&self, link: &str) {
        self.ask(&["join", link, "--keep-in-file"]).await;
    }

    /// A new link, with these arguments.
    ///
    /// # Panics
    ///
    /// When there is none.
    pub async fn invite(&self, arguments: &[&str]) -> String {
        let arguments: Vec<_> =
            ["invite", "--json"].into_iter().chain(arguments.iter().copied()).collect();
        let made: Value = serde_json::from_str(&self.ask(&arguments).await).expect("JSON");
        made["link"].as_str().expect("a link").to_owned()
    }

    /// Everybody as `porchlight who --json` lists them.
    ///
    /// # Panics
    ///
    /// When it does not succeed.
    pub async fn who(&self) -> Vec<Value> {
        serde_json::from_str(&self.ask(&["who", "--json"]).await).expect("one value of JSON")
    }

    /// The status of a user as this device sees it now.
    ///
    /// # Panics
    ///
    /// When it can't look.
    pub async fn sees(&self, user: &str) -> Option<String> {
        let people = self.who().await;
        let person = people.iter().find(|person| person["user"] == user)?;
        person["status"].as_str().map(str::to_owned)
    }
}
