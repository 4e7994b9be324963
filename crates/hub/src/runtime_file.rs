//! Where a running hub on this machine says which address it has.
//!
//! Owns the file's form and when to believe it. It does not choose its place: the host does.

use crate::listen::reachable_here;
use serde::{Deserialize, Serialize};
use std::fs;
use std::io;
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// On loopback a connection is there or refused at once; this bounds a machine under heavy load.
const CONNECT_WITHIN: Duration = Duration::from_millis(500);

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Running {
    addr: SocketAddr,
    pid: u32,
    /// Where other computers connect to it.
    #[serde(default)]
    team: Vec<SocketAddr>,
}

/// The address of the hub that runs on this machine, if the file at `path` names one that does.
///
/// A stale file is ignored: its process is gone, or nothing listens at its address. Connects to the address to find
/// out, so it may take half a second where a machine is overloaded.
#[must_use]
pub fn read_runtime_file(path: impl AsRef<Path>) -> Option<SocketAddr> {
    running(path.as_ref()).map(|running| running.addr)
}

/// Where other computers connect to the hub that runs on this machine, as its listeners are bound. Empty if no hub of a
/// team runs here; see [`read_runtime_file`].
#[must_use]
pub fn read_team_listeners(path: impl AsRef<Path>) -> Vec<SocketAddr> {
    running(path.as_ref()).map(|running| running.team).unwrap_or_default()
}

fn running(path: &Path) -> Option<Running> {
    let running = read(path)?;
    let lives = process_lives(running.pid)
        && TcpStream::connect_timeout(&running.addr, CONNECT_WITHIN).is_ok();
    lives.then_some(running)
}

/// Our own entry, taken away when dropped.
#[derive(Debug)]
pub(crate) struct Entry {
    path: PathBuf,
    running: Running,
}

impl Entry {
    /// Says that the hub of this process listens on `addr`, and for other computers on `team`.
    pub(crate) fn write(path: &Path, addr: SocketAddr, team: &[SocketAddr]) -> io::Result<Self> {
        let (addr, pid) = (reachable_here(addr), std::process::id());
        let running = Running { addr, pid, team: team.to_owned() };
        porchlight_files::write_creating_folder(path, &serde_json::to_vec(&running)?)?;
        Ok(Self { path: path.to_owned(), running })
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        // Only our own: a hub that started later may have put its address there.
        if read(&self.path).as_ref() == Some(&self.running)
            && let Err(e) = porchlight_files::remove(&self.path)
        {
            tracing::warn!(path = %self.path.display(), "the runtime file stays behind: {e}");
        }
    }
}

fn read(path: &Path) -> Option<Running> {
    serde_json::from_slice(&fs::read(path).ok()?).ok()
}

#[cfg(unix)]
fn process_lives(pid: u32) -> bool {
    let Some(pid) = i32::try_from(pid).ok().and_then(rustix::process::Pid::from_raw) else {
        return false;
    };
    // "Not permitted" means that it lives and is somebody else's.
    !matches!(rustix::process::test_kill_process(pid), Err(rustix::io::Errno::SRCH))
}

// Elsewhere the connection alone tells.
#[cfg(not(unix))]
fn process_lives(_pid: u32) -> bool {
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    fn listening() -> (TcpListener, SocketAddr) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let addr = listener.local_addr().unwrap();
        (listener, addr)
    }

    #[test]
    fn a_written_entry_is_read_and_goes_with_its_hub() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("run").join("hub.json");
        let (_listener, addr) = listening();
        let team = ["0.0.0.0:18831".parse().unwrap()];
        let entry = Entry::write(&path, addr, &team).unwrap();
        assert_eq!(read_runtime_file(&path), Some(addr));
        assert_eq!(read_team_listeners(&path), team);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = |p: &Path| fs::metadata(p).unwrap().permissions().mode() & 0o777;
            assert_eq!(mode(&path), 0o600);
            assert_eq!(mode(path.parent().unwrap()), 0o700);
        }
        drop(entry);
        assert!(!path.exists());
        assert!(read_team_listeners(&path).is_empty());
        assert_eq!(
            fs::read_dir(path.parent().unwrap()).unwrap().count(),
            0,
            "no temporary file stays"
        );
    }

    #[test]
    fn an_entry_where_nothing_listens_is_stale() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("hub.json");
        // Bound, so that nobody else listens there meanwhile.
        let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None);
        let socket = socket.unwrap();
        socket.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
        let addr = socket.local_addr().unwrap().as_socket().unwrap();
        let _entry = Entry::write(&path, addr, &[]).unwrap();
        assert_eq!(read_runtime_file(&path), None);
    }

    #[cfg(unix)]
    #[test]
    fn an_entry_of_a_process_that_is_gone_is_stale() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("hub.json");
        let (_listener, addr) = listening();
        let mut child = std::process::Command::new("true").spawn().unwrap();
        let pid = child.id();
        child.wait().unwrap();
        fs::write(&path, serde_json::to_vec(&Running { addr, pid, team: Vec::new() }).unwrap())
            .unwrap();
        assert_eq!(read_runtime_file(&path), None);
    }

    #[test]
    fn a_later_hub_keeps_its_entry_when_the_earlier_one_ends() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("hub.json");
        let (_first, a) = listening();
        let (_second, b) = listening();
        let earlier = Entry::write(&path, a, &[]).unwrap();
        let _later = Entry::write(&path, b, &[]).unwrap();
        drop(earlier);
        assert_eq!(read_runtime_file(&path), Some(b));
    }

    #[test]
    fn garbage_names_no_hub() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("hub.json");
        assert_eq!(read_runtime_file(&path), None);
        for garbage in [&b""[..], b"{", b"{\"addr\":\"nowhere\",\"pid\":1}", b"\xff\xfe\0"] {
            fs::write(&path, garbage).unwrap();
            assert_eq!(read_runtime_file(&path), None);
        }
    }
}
