//! Reads the standard input on a detached thread.
//!
//! A read of the standard input can't be interrupted. Tokio's own stdin reads on a thread of its
//! runtime, which then does not end before the next line comes: a program told to stop would hang.
//! This thread is detached, so the process can end while it reads. It holds one small buffer and
//! does nothing while it waits. After the watch was dropped, it ends at the next bytes or at the
//! end of the input. Those bytes are lost, so a process can watch its standard input only once.

use std::io::{self, Read};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, ReadBuf};
use tokio::sync::mpsc;

/// The number of reads that may wait. It is small, so that the pipe slows down a fast writer.
const QUEUE_LENGTH: usize = 2;

/// The standard input as an [`AsyncRead`].
pub(super) struct ThreadedStdin {
    reads: mpsc::Receiver<io::Result<Vec<u8>>>,
    /// Bytes of the last read that did not fit into the caller's buffer.
    rest: Vec<u8>,
}

impl ThreadedStdin {
    pub(super) fn start() -> io::Result<Self> {
        Self::over(io::stdin())
    }

    fn over(mut input: impl Read + Send + 'static) -> io::Result<Self> {
        let (sender, reads) = mpsc::channel(QUEUE_LENGTH);
        std::thread::Builder::new().name("stdin".to_owned()).spawn(move || {
            let mut buffer = [0; 4096];
            loop {
                let read = match input.read(&mut buffer) {
                    Ok(0) => return,
                    Ok(read) => Ok(buffer[..read].to_vec()),
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                    Err(error) => Err(error),
                };
                let last = read.is_err();
                if sender.blocking_send(read).is_err() || last {
                    return;
                }
            }
        })?;
        Ok(Self { reads, rest: Vec::new() })
    }
}

impl AsyncRead for ThreadedStdin {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.rest.is_empty() {
            match ready!(self.reads.poll_recv(cx)) {
                Some(read) => self.rest = read?,
                // The thread has ended, so the input has too.
                None => return Poll::Ready(Ok(())),
            }
        }
        let taken = self.rest.len().min(into.remaining());
        into.put_slice(&self.rest[..taken]);
        self.rest.drain(..taken);
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use tokio::io::AsyncReadExt as _;

    use super::*;

    #[tokio::test]
    async fn all_bytes_arrive_in_order_and_then_the_end() {
        let (reader, mut writer) = io::pipe().unwrap();
        let mut input = ThreadedStdin::over(reader).unwrap();
        let sent: Vec<u8> = (0..100_000_u32).map(|n| n.to_le_bytes()[0]).collect();
        let copy = sent.clone();
        let writing = std::thread::spawn(move || writer.write_all(&copy));
        let mut received = Vec::new();
        // Smaller than a read of the thread, so that bytes are left over.
        let mut buffer = [0; 100];
        loop {
            match input.read(&mut buffer).await.unwrap() {
                0 => break,
                read => received.extend_from_slice(&buffer[..read]),
            }
        }
        assert!(received == sent, "{} of {} bytes", received.len(), sent.len());
        writing.join().unwrap().unwrap();
    }

    #[test]
    fn a_runtime_ends_while_the_thread_waits_for_input() {
        let (reader, writer) = io::pipe().unwrap();
        let (done, ended) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            let input = runtime.block_on(async { ThreadedStdin::over(reader) });
            drop(runtime);
            done.send(input.is_ok()).unwrap();
        });
        assert_eq!(ended.recv_timeout(std::time::Duration::from_secs(5)), Ok(true));
        drop(writer);
    }
}
