//! X servers for tests: a real one, and a proxy between it and its client.

use std::io::{BufRead as _, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener};
use std::os::unix::net::UnixStream;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use tokio::sync::oneshot;
use x11rb::protocol::xproto::{KEY_PRESS_EVENT, KEY_RELEASE_EVENT};
use x11rb::protocol::xtest::ConnectionExt as _;
use x11rb::rust_connection::RustConnection;
use x11rb::wrapper::ConnectionExt as _;

/// The TCP port of display 0.
const FIRST_PORT: u16 = 6000;

/// An X server on a free display; dropping it kills it.
pub(crate) struct Xvfb {
    child: Child,
    number: u32,
    display: String,
}

impl Xvfb {
    pub(crate) fn start() -> Self {
        Self::on(None)
    }

    /// Starts on the display of a server that has gone.
    pub(crate) fn again(number: u32) -> Self {
        Self::on(Some(number))
    }

    fn on(number: Option<u32>) -> Self {
        let mut child = Command::new("Xvfb")
            .args(number.map(|number| format!(":{number}")))
            // Without -noreset it resets when its last client leaves.
            .args(["-displayfd", "1", "-noreset", "-nolisten", "tcp"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect(
                "these tests need Xvfb: `apt install xvfb`, or run `make test`, which installs it",
            );
        let stdout = child.stdout.take().expect("its stdout is piped");
        let (sender, line) = mpsc::channel();
        std::thread::spawn(move || {
            let mut line = String::new();
            let _ = BufReader::new(stdout).read_line(&mut line);
            // Nobody receives it after the deadline.
            let _ = sender.send(line);
        });
        let line = line.recv_timeout(Duration::from_secs(20)).unwrap_or_default();
        let Ok(number) = line.trim().parse() else {
            let _ = child.kill();
            let _ = child.wait();
            panic!("Xvfb told no display number but {line:?}");
        };
        Self { child, number, display: format!(":{number}") }
    }

    pub(crate) fn display(&self) -> &str {
        &self.display
    }

    pub(crate) fn number(&self) -> u32 {
        self.number
    }
}

impl Drop for Xvfb {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A keyboard.
pub(crate) struct Keyboard(RustConnection);

impl Keyboard {
    pub(crate) fn of(display: &str) -> Self {
        Self(RustConnection::connect(Some(display)).expect("Xvfb answers").0)
    }

    /// Presses and releases a key. When it returns, the server has processed both.
    pub(crate) fn press(&self) {
        /// The letter "a" on most keyboards; any key would do.
        const KEY: u8 = 38;
        for kind in [KEY_PRESS_EVENT, KEY_RELEASE_EVENT] {
            let sent =
                self.0.xtest_fake_input(kind, KEY, x11rb::CURRENT_TIME, x11rb::NONE, 0, 0, 0);
            sent.expect("Xvfb has XTEST");
        }
        self.0.sync().expect("Xvfb answers");
    }
}

/// What a server behind a [`Proxy`] lacks.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Edit {
    Nothing,
    /// XSync: a query for `SYNC` becomes one for an extension that no server has, because Xvfb
    /// can't switch XSync off.
    NoXSync,
    /// Idle counters: they get another name.
    NoIdleTime,
}

impl Edit {
    fn asked(self, bytes: &mut [u8]) {
        if matches!(self, Self::NoXSync) {
            replace(bytes, b"SYNC", b"NONE");
        }
    }

    fn answered(self, bytes: &mut [u8]) {
        if matches!(self, Self::NoIdleTime) {
            replace(bytes, b"IDLETIME", b"IDLENESS");
        }
    }
}

fn replace(bytes: &mut [u8], from: &[u8], to: &[u8]) {
    while let Some(at) = bytes.windows(from.len()).position(|window| window == from) {
        bytes[at..at + from.len()].copy_from_slice(to);
    }
}

/// One connection to a server, with edited bytes.
pub(crate) struct Proxy {
    display: String,
    closed: oneshot::Receiver<()>,
}

impl Proxy {
    pub(crate) fn before(server: &Xvfb, edit: Edit) -> Self {
        let (display, listener) = silent_display();
        let number = server.number;
        let (end, closed) = oneshot::channel();
        std::thread::spawn(move || {
            let (client, _) = listener.accept().expect("a client");
            let server =
                UnixStream::connect(format!("/tmp/.X11-unix/X{number}")).expect("Xvfb listens");
            let client_again = client.try_clone().expect("a second handle");
            let server_again = server.try_clone().expect("a second handle");
            std::thread::spawn(move || {
                copy(server_again, &client_again, |bytes| edit.answered(bytes));
                let _ = client_again.shutdown(Shutdown::Both);
            });
            copy(client, &server, |bytes| edit.asked(bytes));
            let _ = server.shutdown(Shutdown::Both);
            let _ = end.send(());
        });
        Self { display, closed }
    }

    pub(crate) fn display(&self) -> &str {
        &self.display
    }

    /// Ends when the client has closed its connection.
    pub(crate) async fn closed(self) {
        self.closed.await.expect("the proxy did its work");
    }
}

/// Copies until either side ends. XSync's names are short and sent in one piece, so each read is
/// edited on its own.
fn copy(mut from: impl Read, mut to: impl Write, edit: impl Fn(&mut [u8])) {
    let mut buffer = [0; 65_536];
    while let Ok(read @ 1..) = from.read(&mut buffer) {
        edit(&mut buffer[..read]);
        if to.write_all(&buffer[..read]).is_err() {
            return;
        }
    }
}

/// A display that accepts connections but never answers, unless the test uses the listener.
pub(crate) fn silent_display() -> (String, TcpListener) {
    // Free ports are far above the first one.
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    let port = listener.local_addr().expect("it is bound").port();
    (format!("127.0.0.1:{}", port - FIRST_PORT), listener)
}
