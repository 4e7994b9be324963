//! Waits for a server's socket to appear, without polling for it.
//!
//! It uses inotify(7). The folder may be missing too, as a runtime folder is before the first
//! login.

use std::ffi::OsString;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use async_io::Async;
use rustix::fs::inotify::{self, CreateFlags, ReadFlags, Reader, WatchFlags};
use rustix::io::Errno;
use tokio::time::sleep;

/// A socket exists before its server listens on it, so connecting is retried after each of these
/// pauses.
const RETRIES_MS: [u64; 5] = [50, 100, 200, 400, 800];

/// The socket of a bus, if its address names a file (D-Bus specification, *Unix Domain Sockets*).
/// If there are several addresses, the first one counts.
pub(crate) fn bus_socket(address: &str) -> Option<&Path> {
    let path = address.strip_prefix("unix:path=")?.split([',', ';']).next()?;
    // Escaped paths are rare; such a bus is retried after pauses instead.
    (!path.contains('%')).then(|| Path::new(path))
}

/// Ends when the socket is created. Never ends if inotify can't watch for it.
pub(crate) async fn appears(socket: &Path) {
    while !sees_change(FolderWatch::begin(socket), socket).await {}
}

/// Ends when a server listens on the socket. Never ends if inotify can't watch for it.
pub(crate) async fn listens(socket: &Path) {
    loop {
        // The watch begins before the attempt, so that no change is missed in between.
        let watch = FolderWatch::begin(socket);
        for pause in [0].into_iter().chain(RETRIES_MS) {
            sleep(Duration::from_millis(pause)).await;
            if UnixStream::connect(socket).is_ok() {
                return;
            }
            if !socket.exists() {
                break;
            }
        }
        sees_change(watch, socket).await;
    }
}

/// Waits for a change on the way to the socket. Returns whether the socket itself appeared.
async fn sees_change(watch: io::Result<FolderWatch>, socket: &Path) -> bool {
    let seen = async { watch?.change().await };
    match seen.await {
        Ok(is_socket) => is_socket,
        Err(error) => {
            tracing::debug!(socket = %socket.display(), %error, "not watching for a socket");
            std::future::pending().await
        }
    }
}

/// An inotify watch on the nearest folder that exists.
#[derive(Debug)]
struct FolderWatch {
    events: Async<OwnedFd>,
    /// The name that has to appear in that folder.
    name: OsString,
    /// Whether that name is the socket, and not a folder on the way to it.
    is_socket: bool,
}

impl FolderWatch {
    fn begin(socket: &Path) -> io::Result<Self> {
        let events =
            Async::new_nonblocking(inotify::init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC)?)?;
        let what = WatchFlags::CREATE | WatchFlags::MOVED_TO;
        let mut awaited = socket;
        while let (Some(folder), Some(name)) = (awaited.parent(), awaited.file_name()) {
            match inotify::add_watch(&events, folder, what) {
                // If the folder has appeared in the meantime, watch that one instead.
                Ok(_) if awaited != socket && awaited.exists() => awaited = socket,
                Ok(_) => {
                    let is_socket = awaited == socket;
                    return Ok(Self { events, name: name.to_owned(), is_socket });
                }
                Err(Errno::NOENT) => awaited = folder,
                Err(error) => return Err(error.into()),
            }
        }
        Err(io::ErrorKind::InvalidInput.into())
    }

    /// Returns whether the socket itself appeared. `false` may also mean that the folder has gone.
    async fn change(self) -> io::Result<bool> {
        // Large enough for several names of the longest length.
        let mut buffer = [MaybeUninit::uninit(); 4096];
        loop {
            self.events.readable().await?;
            let mut reader = Reader::new(&self.events, &mut buffer);
            loop {
                match reader.next() {
                    Ok(event) if event.events().contains(ReadFlags::IGNORED) => return Ok(false),
                    Ok(event) => {
                        let appeared = event.file_name().map(std::ffi::CStr::to_bytes);
                        if appeared == Some(self.name.as_encoded_bytes()) {
                            return Ok(self.is_socket);
                        }
                    }
                    Err(Errno::AGAIN) => break,
                    Err(error) => return Err(error.into()),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;

    #[test]
    fn the_socket_of_a_bus_is_read_from_its_address() {
        let bus = Some(Path::new("/run/user/7/bus"));
        assert_eq!(bus_socket("unix:path=/run/user/7/bus"), bus);
        assert_eq!(bus_socket("unix:path=/run/user/7/bus,guid=0f;unix:abstract=/tmp/b"), bus);
        for elsewhere in ["unix:abstract=/tmp/b", "tcp:host=h,port=1", "unix:path=/a%20b", ""] {
            assert_eq!(bus_socket(elsewhere), None, "{elsewhere}");
        }
    }

    #[tokio::test]
    async fn a_socket_is_seen_when_it_appears_and_nothing_else_is() {
        let dir = tempfile::tempdir().unwrap();
        let socket = dir.path().join("wayland-0");
        let bind = |name| std::os::unix::net::UnixListener::bind(dir.path().join(name)).unwrap();
        let _there_before = bind("wayland-0");
        let brief = Duration::from_millis(50);
        let mut seen = std::pin::pin!(appears(&socket));
        assert!(timeout(brief, &mut seen).await.is_err(), "it was there before");
        let _another = bind("wayland-1");
        assert!(timeout(brief, &mut seen).await.is_err(), "another appeared");
        std::fs::remove_file(&socket).unwrap();
        assert!(timeout(brief, &mut seen).await.is_err(), "it went");
        let _again = bind("wayland-0");
        assert!(timeout(Duration::from_secs(10), &mut seen).await.is_ok());
    }

    #[tokio::test]
    async fn a_folder_on_the_way_may_be_still_to_come_and_may_go() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("user/7");
        let socket = folder.join("bus");
        let brief = Duration::from_millis(50);
        let mut listening = std::pin::pin!(listens(&socket));
        assert!(timeout(brief, &mut listening).await.is_err(), "nothing is there");
        std::fs::create_dir(dir.path().join("user")).unwrap();
        assert!(timeout(brief, &mut listening).await.is_err(), "half of the way is there");
        std::fs::create_dir(&folder).unwrap();
        assert!(timeout(brief, &mut listening).await.is_err(), "the folder is there");
        std::fs::remove_dir(&folder).unwrap();
        assert!(timeout(brief, &mut listening).await.is_err(), "it went");
        std::fs::create_dir(&folder).unwrap();
        assert!(timeout(brief, &mut listening).await.is_err(), "it is there again");
        let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        assert!(timeout(Duration::from_secs(10), &mut listening).await.is_ok());
    }

    #[tokio::test]
    async fn a_server_that_left_its_socket_behind_does_not_listen() {
        let dir = tempfile::tempdir().unwrap();
        let socket = dir.path().join("bus");
        let bind = || std::os::unix::net::UnixListener::bind(&socket).unwrap();
        let listener = bind();
        assert!(timeout(Duration::from_secs(10), listens(&socket)).await.is_ok());
        drop(listener);
        let mut listening = std::pin::pin!(listens(&socket));
        assert!(timeout(Duration::from_secs(2), &mut listening).await.is_err(), "it has gone");
        std::fs::remove_file(&socket).unwrap();
        let _again = bind();
        assert!(timeout(Duration::from_secs(10), &mut listening).await.is_ok());
    }

    #[tokio::test]
    async fn where_nothing_can_be_seen_it_pends() {
        for socket in ["/no/such/place/wayland-0", "/", ""] {
            let seen = timeout(Duration::from_millis(20), appears(Path::new(socket))).await;
            assert!(seen.is_err(), "{socket}");
        }
    }
}
