//! A message bus of a test's own, on which anybody may own and send anything.

use std::process::Command;

use tempfile::TempDir;
use zbus::Connection;

use crate::binary::tool;
use crate::process::Proc;
use crate::until::START;

#[derive(Debug)]
pub(super) struct Bus {
    _daemon: Proc,
    dir: TempDir,
}

impl Bus {
    pub(super) async fn start() -> Self {
        let dir = TempDir::with_prefix("porchlight-bus-").expect("a temporary folder can be made");
        let mut command = Command::new(tool("dbus-daemon", "install the package dbus"));
        command
            .args(["--session", "--nofork", "--nopidfile", "--print-address=1"])
            .arg(format!("--address={}", address(&dir)))
            // Services that it starts write nothing into the home of the person who runs the tests.
            .envs(["XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_RUNTIME_DIR"].map(|n| (n, dir.path())));
        let daemon = Proc::spawn("dbus-daemon (system)", &mut command);
        daemon.wait_line(|line| line.starts_with("unix:"), START).await;
        Self { _daemon: daemon, dir }
    }

    pub(super) fn address(&self) -> String {
        address(&self.dir)
    }

    pub(super) async fn connection(&self) -> Connection {
        let address = self.address();
        let builder = zbus::connection::Builder::address(address.as_str()).expect("an address");
        builder.build().await.expect("the bus takes connections")
    }
}

fn address(dir: &TempDir) -> String {
    format!("unix:path={}", dir.path().join("bus").display())
}
