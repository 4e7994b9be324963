//! When a display's socket is there again.

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::path::Path;

use async_io::Async;
use rustix::fs::inotify::{self, CreateFlags, Reader, WatchFlags};
use rustix::io::Errno;

/// Ends when something of this name appears, and not before. Where that can't be seen, it pends.
pub(crate) async fn appears(socket: &Path) {
    if let Err(error) = wait_for(socket).await {
        tracing::debug!(socket = %socket.display(), %error, "not watching for a socket");
        std::future::pending::<()>().await;
    }
}

async fn wait_for(socket: &Path) -> io::Result<()> {
    let (Some(dir), Some(name)) = (socket.parent(), socket.file_name()) else {
        return Err(io::ErrorKind::InvalidInput.into());
    };
    let events: Async<OwnedFd> =
        Async::new_nonblocking(inotify::init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC)?)?;
    inotify::add_watch(&events, dir, WatchFlags::CREATE | WatchFlags::MOVED_TO)?;
    // Room for several names of the longest length.
    let mut buffer = [MaybeUninit::uninit(); 4096];
    loop {
        events.readable().await?;
        let mut reader = Reader::new(&events, &mut buffer);
        loop {
            match reader.next() {
                Ok(event) => {
                    let appeared = event.file_name().map(std::ffi::CStr::to_bytes);
                    if appeared == Some(name.as_encoded_bytes()) {
                        return Ok(());
                    }
                }
                Err(Errno::AGAIN) => break,
                Err(error) => return Err(error.into()),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;

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
    async fn where_nothing_can_be_seen_it_pends() {
        for socket in ["/no/such/place/wayland-0", "/", ""] {
            let seen = timeout(Duration::from_millis(20), appears(Path::new(socket))).await;
            assert!(seen.is_err(), "{socket}");
        }
    }
}
