//! Splits bytes into lines in bounded memory, and is the source that reads them.

use porchlight_core::observation::Observation;
use tokio::io::{AsyncRead, AsyncReadExt as _};

use super::line::{LINE_LIMIT, LineError, parse_line};
use crate::description::{Description, Tells};
use crate::source::{Reports, Source, SourceError};

/// The source: JSON lines from any reader.
pub(crate) struct JsonLines<R> {
    input: R,
}

impl<R> JsonLines<R> {
    pub(crate) fn new(input: R) -> Self {
        Self { input }
    }
}

impl<R: AsyncRead + Unpin + Send + 'static> Source for JsonLines<R> {
    fn description(&self) -> Description {
        let tells = Tells { idle: true, lock: true, power: true, ..Tells::NOTHING };
        Description { name: "stdin", tells, missing: None }
    }

    async fn run(mut self, to: &Reports) -> SourceError {
        // The writer will report activity, but has not yet.
        to.send(Observation::SourceOk).await;
        let mut lines = Lines::default();
        let mut buffer = vec![0; LINE_LIMIT];
        let lost = loop {
            let read = match self.input.read(&mut buffer).await {
                Ok(0) => break SourceError("the standard input has ended".to_owned()),
                Ok(read) => read,
                Err(error) => {
                    break SourceError(format!("the standard input can't be read ({error})"));
                }
            };
            let mut bytes = &buffer[..read];
            while let Some(line) = lines.next(&mut bytes) {
                report(line, to).await;
            }
        };
        if let Some(line) = lines.finish() {
            report(line, to).await;
        }
        lost
    }
}

async fn report(line: Line, to: &Reports) {
    match line.parsed {
        Ok(observation) => to.send(observation).await,
        Err(error) => {
            tracing::warn!(line = line.number, %error, "skipped a line of the standard input");
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
struct Line {
    /// Starts at one.
    number: u64,
    parsed: Result<Observation, LineError>,
}

/// Splits bytes into lines, independently of the size of each read.
#[derive(Debug, Default)]
struct Lines {
    ended: u64,
    partial: Partial,
}

/// The line whose end has not arrived yet.
#[derive(Debug)]
enum Partial {
    Kept(Vec<u8>),
    /// The line is too long: its bytes are dropped up to its end.
    TooLong,
}

impl Default for Partial {
    fn default() -> Self {
        Self::Kept(Vec::new())
    }
}

impl Lines {
    /// Returns the next line that ends within `bytes`, and removes it from `bytes`. Returns `None`
    /// if it needs more bytes. Blank lines are counted and skipped.
    fn next(&mut self, bytes: &mut &[u8]) -> Option<Line> {
        while let Some(end) = bytes.iter().position(|&byte| byte == b'\n') {
            self.partial.add(&bytes[..end]);
            *bytes = &bytes[end + 1..];
            if let Some(line) = self.finish() {
                return Some(line);
            }
        }
        self.partial.add(bytes);
        *bytes = &[];
        None
    }

    /// Returns the unfinished line: the last line may have no line ending.
    fn finish(&mut self) -> Option<Line> {
        self.ended += 1;
        let parsed = match std::mem::take(&mut self.partial) {
            Partial::TooLong => Err(LineError::TooLong),
            Partial::Kept(bytes) if bytes.trim_ascii().is_empty() => return None,
            Partial::Kept(bytes) => std::str::from_utf8(&bytes)
                .map_err(|_| LineError::NotUtf8)
                // A line may end with CR LF, and the CR is not part of the line.
                .and_then(|line| parse_line(line.strip_suffix('\r').unwrap_or(line))),
        };
        Some(Line { number: self.ended, parsed })
    }
}

impl Partial {
    fn add(&mut self, bytes: &[u8]) {
        // One more byte for a CR.
        const MAX: usize = LINE_LIMIT + 1;
        match self {
            Self::Kept(kept) if kept.len() + bytes.len() <= MAX => kept.extend_from_slice(bytes),
            Self::Kept(_) => *self = Self::TooLong,
            Self::TooLong => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::pin::Pin;
    use std::task::{Context, Poll};

    use proptest::prelude::{any, proptest};
    use tokio::io::{AsyncWriteExt as _, ReadBuf};

    use super::*;
    use crate::watch::Watch;

    /// All lines of `input`, read in pieces of `size` bytes.
    fn cut(input: &[u8], size: usize) -> Vec<Line> {
        let mut lines = Lines::default();
        let mut found = Vec::new();
        for mut bytes in input.chunks(size) {
            while let Some(line) = lines.next(&mut bytes) {
                found.push(line);
            }
        }
        found.extend(lines.finish());
        found
    }

    fn ok(number: u64, observation: Observation) -> Line {
        Line { number, parsed: Ok(observation) }
    }

    #[test]
    fn lines_do_not_depend_on_the_size_of_the_reads() {
        let input = b"{\"active\":true}\r\n\n  \r\n{\"locked\":true}\n\xff\xfe\n{\"resumed\":true}";
        let expected = [
            ok(1, Observation::InputActive),
            ok(4, Observation::Locked(true)),
            Line { number: 5, parsed: Err(LineError::NotUtf8) },
            ok(6, Observation::Resumed),
        ];
        for size in 1..=input.len() {
            assert_eq!(cut(input, size), expected, "reads of {size} bytes");
        }
    }

    #[test]
    fn a_line_without_end_is_thrown_away_in_bounded_memory_and_the_next_is_read() {
        let mut lines = Lines::default();
        for _ in 0..10_000 {
            assert_eq!(lines.next(&mut [b'x'; 1000].as_slice()), None);
            let kept = if let Partial::Kept(bytes) = &lines.partial { bytes.capacity() } else { 0 };
            assert!(kept <= 2 * LINE_LIMIT, "{kept} bytes kept");
        }
        let mut rest = b"x\n{\"active\":true}\n".as_slice();
        assert_eq!(
            lines.next(&mut rest),
            Some(Line { number: 1, parsed: Err(LineError::TooLong) })
        );
        assert_eq!(lines.next(&mut rest), Some(ok(2, Observation::InputActive)));
    }

    #[test]
    fn the_limit_is_without_the_end_of_the_line() {
        let full = format!("{{\"active\":true}}{}", " ".repeat(LINE_LIMIT - 15));
        for end in ["\n", "\r\n"] {
            let found = cut(format!("{full}{end}{full} {end}").as_bytes(), 1000);
            let expected = [
                ok(1, Observation::InputActive),
                Line { number: 2, parsed: Err(LineError::TooLong) },
            ];
            assert_eq!(found, expected);
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic_or_depend_on_the_reads(input in any::<Vec<u8>>(), size in 1_usize..20) {
            assert_eq!(cut(&input, size), cut(&input, input.len().max(1)));
        }
    }

    #[tokio::test]
    async fn what_is_written_is_observed_and_the_end_is_a_loss() {
        let (mut writer, reader) = tokio::io::duplex(64);
        let mut watch = Watch::over(JsonLines::new(reader));
        assert_eq!(watch.next().await, Observation::SourceOk);
        writer.write_all(b"nonsense\n{\"active\":true}\n{\"locked\":").await.unwrap();
        assert_eq!(watch.next().await, Observation::InputActive);
        writer.write_all(b"false}\r\n{\"suspending\":true}").await.unwrap();
        assert_eq!(watch.next().await, Observation::Locked(false));
        drop(writer);
        assert_eq!(watch.next().await, Observation::Suspending);
        assert_eq!(watch.next().await, Observation::SourceLost);
        let said = watch.source().to_string();
        assert!(said.contains("the standard input has ended"), "{said}");
        tokio::time::pause();
        let after = tokio::time::timeout(std::time::Duration::from_secs(3600), watch.next()).await;
        assert!(after.is_err(), "nothing comes after the loss");
    }

    #[tokio::test]
    async fn a_reader_that_fails_is_a_loss() {
        struct Broken;
        impl AsyncRead for Broken {
            fn poll_read(
                self: Pin<&mut Self>,
                _: &mut Context<'_>,
                _: &mut ReadBuf<'_>,
            ) -> Poll<std::io::Result<()>> {
                Poll::Ready(Err(std::io::Error::other("broken")))
            }
        }
        let mut watch = Watch::over(JsonLines::new(Broken));
        assert_eq!(watch.next().await, Observation::SourceOk);
        assert_eq!(watch.next().await, Observation::SourceLost);
        assert!(watch.source().to_string().contains("broken"));
    }

    #[tokio::test]
    async fn dropping_the_watch_ends_the_source() {
        let (mut writer, reader) = tokio::io::duplex(64);
        let mut watch = Watch::over(JsonLines::new(reader));
        assert_eq!(watch.next().await, Observation::SourceOk);
        drop(watch);
        let closed = async { while writer.write_all(b"{}\n").await.is_ok() {} };
        let ended = tokio::time::timeout(std::time::Duration::from_secs(5), closed).await;
        assert!(ended.is_ok(), "the source still reads");
    }
}
