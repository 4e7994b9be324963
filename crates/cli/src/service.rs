//! Notifications to a service manager by systemd's protocol (`sd_notify(3)`): one datagram each.
//!
//! Owns the socket and the watchdog's interval. Without `NOTIFY_SOCKET` everything here does nothing; without
//! `WATCHDOG_USEC` there is no timer. Deliberately decides nothing about presence.

use std::time::Duration;

#[cfg(unix)]
use std::ffi::OsStr;
#[cfg(unix)]
use std::os::unix::net::UnixDatagram;

/// The service manager that started this program, if there is one.
#[derive(Debug, Default)]
pub(crate) struct ServiceManager {
    #[cfg(unix)]
    socket: Option<UnixDatagram>,
    /// The interval of its watchdog.
    every: Option<Duration>,
    /// The status sent last; it is not sent twice.
    status: String,
}

impl ServiceManager {
    /// The one that the environment variables name.
    pub(crate) fn from_env() -> Self {
        let text = |name| std::env::var(name).ok();
        Self {
            #[cfg(unix)]
            socket: std::env::var_os("NOTIFY_SOCKET").and_then(|path| connect(&path)),
            every: watchdog_every(
                text("WATCHDOG_USEC").as_deref(),
                text("WATCHDOG_PID").as_deref(),
                std::process::id(),
            ),
            status: String::new(),
        }
    }

    /// Reports that the program runs. Only the status shows whether there is a connection: a unit need not wait for a
    /// network.
    pub(crate) fn ready(&self) {
        self.send("READY=1");
    }

    /// Reports a few words for people.
    pub(crate) fn status(&mut self, text: &str) {
        if self.status != text {
            // Each variable is one line.
            let line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
            self.send(&format!("STATUS={line}"));
            text.clone_into(&mut self.status);
        }
    }

    /// Reports a restart in place. The new process reports that it is ready.
    pub(crate) fn reloading(&self, monotonic: Duration) {
        self.send(&format!("RELOADING=1\nMONOTONIC_USEC={}", monotonic.as_micros()));
    }

    /// Reports that the program stops.
    pub(crate) fn stopping(&self) {
        self.send("STOPPING=1");
    }

    /// Resets the watchdog.
    pub(crate) fn alive(&self) {
        self.send("WATCHDOG=1");
    }

    /// How often to reset the watchdog: twice in its interval (`sd_watchdog_enabled(3)`).
    pub(crate) fn watchdog_interval(&self) -> Option<Duration> {
        self.every.map(|every| every / 2)
    }

    #[cfg(unix)]
    fn send(&self, message: &str) {
        if let Some(socket) = &self.socket {
            // Presence goes on if the manager does not listen.
            let _ = socket.send(message.as_bytes());
        }
    }

    #[cfg(not(unix))]
    #[expect(clippy::unused_self, reason = "there is no such manager here")]
    fn send(&self, _: &str) {}
}

/// Connects to a socket at a path, or in the abstract namespace of Linux if the path begins with `@`.
#[cfg(unix)]
fn connect(path: &OsStr) -> Option<UnixDatagram> {
    use std::os::unix::ffi::OsStrExt as _;
    let socket = UnixDatagram::unbound().ok()?;
    match path.as_bytes().strip_prefix(b"@") {
        #[cfg(target_os = "linux")]
        Some(name) => {
            use std::os::linux::net::SocketAddrExt as _;
            let addr = std::os::unix::net::SocketAddr::from_abstract_name(name).ok()?;
            socket.connect_addr(&addr).ok()?;
        }
        #[cfg(not(target_os = "linux"))]
        Some(_) => return None,
        None => socket.connect(path).ok()?,
    }
    // A full socket must not block the loop.
    socket.set_nonblocking(true).ok()?;
    Some(socket)
}

/// The watchdog's interval, if there is one and it is for this process.
fn watchdog_every(usec: Option<&str>, pid: Option<&str>, own: u32) -> Option<Duration> {
    let is_for_us = pid.is_none_or(|pid| pid.parse() == Ok(own));
    let usec: u64 = usec?.parse().ok()?;
    (is_for_us && usec > 0).then(|| Duration::from_micros(usec))
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use super::*;

    fn receive(socket: &UnixDatagram) -> String {
        let mut message = [0; 256];
        let length = socket.recv(&mut message).unwrap();
        String::from_utf8_lossy(&message[..length]).into_owned()
    }

    #[test]
    fn each_notification_is_a_datagram_and_a_status_is_not_sent_twice() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("notify");
        let manager = UnixDatagram::bind(&path).unwrap();
        let mut it =
            ServiceManager { socket: connect(path.as_os_str()), ..ServiceManager::default() };
        it.ready();
        it.status("online\nSTOPPING=1");
        it.status("online\nSTOPPING=1");
        it.reloading(Duration::from_millis(5));
        it.alive();
        it.stopping();
        for message in [
            "READY=1",
            "STATUS=online STOPPING=1",
            "RELOADING=1\nMONOTONIC_USEC=5000",
            "WATCHDOG=1",
            "STOPPING=1",
        ] {
            assert_eq!(receive(&manager), message);
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn an_abstract_socket_is_found_by_its_prefix() {
        use std::os::linux::net::SocketAddrExt as _;
        let name = format!("porchlight-test-{}", std::process::id());
        let addr = std::os::unix::net::SocketAddr::from_abstract_name(&name).unwrap();
        let manager = UnixDatagram::bind_addr(&addr).unwrap();
        let it = ServiceManager {
            socket: connect(format!("@{name}").as_ref()),
            ..ServiceManager::default()
        };
        it.ready();
        assert_eq!(receive(&manager), "READY=1");
    }

    #[test]
    fn a_manager_that_is_missing_or_does_not_read_never_blocks() {
        assert!(connect(OsStr::new("/nonexistent/notify")).is_none());
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("notify");
        let _deaf = UnixDatagram::bind(&path).unwrap();
        let it = ServiceManager { socket: connect(path.as_os_str()), ..ServiceManager::default() };
        for _ in 0..10_000 {
            it.alive();
        }
    }

    #[test]
    fn a_watchdog_counts_only_for_the_process_that_it_names() {
        let second = Some(Duration::from_secs(1));
        assert_eq!(watchdog_every(Some("1000000"), None, 7), second);
        assert_eq!(watchdog_every(Some("1000000"), Some("7"), 7), second);
        assert_eq!(watchdog_every(Some("1000000"), Some("8"), 7), None);
        assert_eq!(watchdog_every(Some("soon"), None, 7), None);
        assert_eq!(watchdog_every(Some("0"), None, 7), None);
        assert_eq!(watchdog_every(None, Some("7"), 7), None);
    }
}
