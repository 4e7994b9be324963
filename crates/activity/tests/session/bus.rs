//! A private session for a desktop's server: a message bus and a folder for sockets.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;
use tokio::time::Instant;

/// Servers start within a few seconds, on a busy machine too.
const DEADLINE: Duration = Duration::from_secs(30);

/// A server process; dropping it kills it.
pub(crate) struct Server(Child);

impl Server {
    pub(crate) fn start(command: &mut Command) -> Self {
        let started =
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        match started {
            Ok(child) => Self(child),
            Err(error) => panic!(
                "these tests need {}: run `make test`, which installs it ({error})",
                command.get_program().display()
            ),
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The folder of a session. Its message bus may come and go.
pub(crate) struct Session(TempDir);

impl Session {
    pub(crate) fn new() -> Self {
        Self(TempDir::new().expect("a directory"))
    }

    pub(crate) fn dir(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn runtime_dir(&self) -> String {
        self.dir().to_str().expect("a plain path").to_owned()
    }

    pub(crate) fn bus_address(&self) -> String {
        format!("unix:path={}/bus", self.runtime_dir())
    }

    /// Starts the bus. Returns when it listens.
    pub(crate) fn bus(&self) -> Server {
        let address = self.bus_address();
        let server = Server::start(self.command("dbus-daemon").args([
            "--session",
            "--nofork",
            "--address",
            &address,
        ]));
        self.wait_for("bus");
        server
    }

    /// Runs a program in this session.
    pub(crate) fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        command
            .env("XDG_RUNTIME_DIR", self.dir())
            .env("HOME", self.dir())
            .env("XDG_CONFIG_HOME", self.dir().join("config"))
            .env("DBUS_SESSION_BUS_ADDRESS", self.bus_address())
            .env("GSETTINGS_BACKEND", "memory")
            .env_remove("DISPLAY")
            .env_remove("WAYLAND_DISPLAY");
        command
    }

    /// Waits until a server listens on the socket of this name.
    pub(crate) fn wait_for(&self, socket: &str) {
        let (begun, socket) = (Instant::now(), self.dir().join(socket));
        while std::os::unix::net::UnixStream::connect(&socket).is_err() {
            assert!(begun.elapsed() < DEADLINE, "nobody listens on {}", socket.display());
            pause();
        }
    }
}

/// The pause between two looks at something that sends no event.
pub(crate) fn pause() {
    let (_nobody, never) = std::sync::mpsc::channel::<()>();
    let _ = never.recv_timeout(Duration::from_millis(10));
}
