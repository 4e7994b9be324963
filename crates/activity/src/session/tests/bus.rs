//! A message bus for one test.

use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;
use zbus::Connection;

/// A private bus daemon, on which any client may own any name and send anything.
pub(super) struct Daemon {
    folder: TempDir,
    child: Option<Child>,
}

impl Daemon {
    pub(super) fn start() -> Self {
        let mut daemon = Self::none();
        daemon.restart();
        daemon
    }

    /// An address at which no daemon runs yet.
    pub(super) fn none() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), child: None }
    }

    pub(super) fn address(&self) -> String {
        format!("unix:path={}", self.socket().display())
    }

    fn socket(&self) -> std::path::PathBuf {
        self.folder.path().join("bus")
    }

    pub(super) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(super) fn stop(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
            let _ = std::fs::remove_file(self.socket());
        }
    }

    pub(super) fn restart(&mut self) {
        self.stop();
        let mut child = Command::new("dbus-daemon")
            .args(["--session", "--nofork", "--nopidfile", "--print-address=1"])
            .arg(format!("--address={}", self.address()))
            // The services that it starts write nothing to the person's home.
            .env("XDG_CONFIG_HOME", self.folder().join("config"))
            .env("XDG_RUNTIME_DIR", self.folder())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            // The daemon complains if it may not raise its limits.
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .expect("dbus-daemon (package dbus)");
        let mut address = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut address).unwrap();
        assert!(address.starts_with("unix:"), "the bus is at {address:?}");
        self.child = Some(child);
    }

    pub(super) async fn connect(&self) -> Connection {
        let builder = zbus::connection::Builder::address(self.address().as_str()).unwrap();
        builder.build().await.unwrap()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        self.stop();
    }
}
