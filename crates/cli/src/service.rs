//! What a service manager is told: systemd's protocol of one datagram a piece of news (`sd_notify(3)`).
//!
//! Owns the socket and the watchdog's time. Without `NOTIFY_SOCKET` everything here does nothing, and without
//! `WATCHDOG_USEC` nobody is woken up. Deliberately decides nothing about presence.

use std::time::Duration;

#[cfg(unix)]
use std::ffi::OsStr;
#[cfg(unix)]
use std::os::unix::net::UnixDatagram;

/// Whoever started this program and wants to know how it does; nobody where nothing was said.
#[derive(Debug, Default)]
pub(crate) struct Manager {
    #[cfg(unix)]
    socket: Option<UnixDatagram>,
    /// How often it wants to hear that all is well.
    every: Option<Duration>,
    /// The status told last: the same again is no news.
    status: String,
}

impl Manager {
    /// The one that the environment names.
    pub(crate) fn of_env() -> Self {
        let text = |name| std::env::var(name).ok();
        Self {
            #[cfg(unix)]
            socket: std::env::var_os("NOTIFY_SOCKET").and_then(|path| connect(&path)),
            every: every(
                text("WATCHDOG_USEC").as_deref(),
                text("WATCHDOG_PID").as_deref(),
                std::process::id(),
            ),
            status: String::new(),
        }
    }

    /// It runs. Whether there is a connection is told by the status: a unit need not wait for a network.
    pub(crate) fn ready(&self) {
        self.send("READY=1");
    }

    /// How it is, in a few words.
    pub(crate) fn status(&mut self, words: &str) {
        if self.status != words {
            // One line a variable: a text with a line break would be several.
            let line: String =
                words.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
            self.send(&format!("STATUS={line}"));
            words.clone_into(&mut self.status);
        }
    }

    /// It starts again in place; the one that follows says that it is ready.
    pub(crate) fn reloading(&self, monotonic: Duration) {
        self.send(&format!("RELOADING=1\nMONOTONIC_USEC={}", monotonic.as_micros()));
    }

    /// It ends.
    pub(crate) fn stopping(&self) {
        self.send("STOPPING=1");
    }

    /// It is alive: to be said only by what is to be alive.
    pub(crate) fn alive(&self) {
        self.send("WATCHDOG=1");
    }

    /// How long to wait before it is due to say so again: half of what the manager waits for (`sd_watchdog_enabled(3)`).
    pub(crate) fn alive_in(&self) -> Option<Duration> {
        self.every.map(|every| every / 2)
    }

    #[cfg(unix)]
    fn send(&self, news: &str) {
        if let Some(socket) = &self.socket {
            // A manager that does not listen is none of presence's business.
            let _ = socket.send(news.as_bytes());
        }
    }

    #[cfg(not(unix))]
    #[expect(clippy::unused_self, reason = "there is no such manager here")]
    fn send(&self, _: &str) {}
}

/// The socket at a path, or in Linux's abstract space where it begins with `@`.
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
    // One that is full must not hold up the loop that tells.
    socket.set_nonblocking(true).ok()?;
    Some(socket)
}

/// The watchdog's time, where there is one and this is the process that is meant.
fn every(usec: Option<&str>, pid: Option<&str>, own: u32) -> Option<Duration> {
    let meant = pid.is_none_or(|pid| pid.parse() == Ok(own));
    let usec: u64 = usec?.parse().ok()?;
    (meant && usec > 0).then(|| Duration::from_micros(usec))
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use super::*;

    fn told(socket: &UnixDatagram) -> String {
        let mut news = [0; 256];
        let length = socket.recv(&mut news).unwrap();
        String::from_utf8_lossy(&news[..length]).into_owned()
    }

    #[test]
    fn news_are_datagrams_and_the_same_status_is_no_news() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("notify");
        let manager = UnixDatagram::bind(&path).unwrap();
        let mut it = Manager { socket: connect(path.as_os_str()), ..Manager::default() };
        it.ready();
        it.status("online\nSTOPPING=1");
        it.status("online\nSTOPPING=1");
        it.reloading(Duration::from_millis(5));
        it.alive();
        it.stopping();
        for news in [
            "READY=1",
            "STATUS=online STOPPING=1",
            "RELOADING=1\nMONOTONIC_USEC=5000",
            "WATCHDOG=1",
            "STOPPING=1",
        ] {
            assert_eq!(told(&manager), news);
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn an_abstract_socket_is_found_by_its_sign() {
        use std::os::linux::net::SocketAddrExt as _;
        let name = format!("porchlight-test-{}", std::process::id());
        let addr = std::os::unix::net::SocketAddr::from_abstract_name(&name).unwrap();
        let manager = UnixDatagram::bind_addr(&addr).unwrap();
        let it = Manager { socket: connect(format!("@{name}").as_ref()), ..Manager::default() };
        it.ready();
        assert_eq!(told(&manager), "READY=1");
    }

    #[test]
    fn a_manager_that_is_not_there_or_does_not_read_holds_up_nothing() {
        assert!(connect(OsStr::new("/nonexistent/notify")).is_none());
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("notify");
        let _deaf = UnixDatagram::bind(&path).unwrap();
        let it = Manager { socket: connect(path.as_os_str()), ..Manager::default() };
        for _ in 0..10_000 {
            it.alive();
        }
    }

    #[test]
    fn a_watchdog_is_for_the_process_that_it_names() {
        let second = Some(Duration::from_secs(1));
        assert_eq!(every(Some("1000000"), None, 7), second);
        assert_eq!(every(Some("1000000"), Some("7"), 7), second);
        assert_eq!(every(Some("1000000"), Some("8"), 7), None);
        assert_eq!(every(Some("soon"), None, 7), None);
        assert_eq!(every(Some("0"), None, 7), None);
        assert_eq!(every(None, Some("7"), 7), None);
    }
}
