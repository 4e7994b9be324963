//! A child process: its output line by line, its signals, its end.
//!
//! Each child leads a process group of its own, and the group ends with the [`Proc`]: what a test
//! started never outlives it, not even a test run that is killed. Only a leader that was not reaped is signalled, so that a number
//! which the system gave to somebody else is never hit.

use std::fmt::{self, Display};
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::panic::Location;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustix::process::{Pid, WaitId, WaitIdOptions};

pub use rustix::process::Signal;

use crate::reaper;
use crate::until::{self, poll};

/// How many of the last lines a message shows.
const TAIL: usize = 40;
/// How long the last output of a process that ended may take to be read.
const DRAIN: Duration = Duration::from_secs(1);

/// Which of the two outputs a line came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    /// Standard output.
    Out,
    /// Standard error.
    Err,
}

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// By itself, with this code.
    Code(i32),
    /// By the signal of this number.
    Signal(i32),
}

impl Exit {
    /// Whether it ended by itself and reported success.
    #[must_use]
    pub fn success(self) -> bool {
        self == Self::Code(0)
    }
}

impl Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code(code) => write!(f, "exit code {code}"),
            Self::Signal(number) => write!(f, "signal {number}"),
        }
    }
}

impl From<ExitStatus> for Exit {
    fn from(status: ExitStatus) -> Self {
        match (status.code(), status.signal()) {
            (Some(code), _) => Self::Code(code),
            (None, Some(number)) => Self::Signal(number),
            (None, None) => unreachable!("a process that ended has a code or a signal"),
        }
    }
}

/// A line of output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Which output it came from.
    pub stream: Stream,
    /// When it was read, on the time line of [`until::uptime`].
    pub at: Duration,
    /// What it says, without its end.
    pub text: String,
}

/// What both threads that read a child's output write into.
#[derive(Debug, Default)]
struct Transcript {
    lines: Vec<Line>,
    /// Outputs still open. While one is, more may come even though the process has ended.
    open: u8,
}

/// A child process with its output so far.
#[derive(Debug)]
pub struct Proc {
    name: String,
    child: Child,
    stdin: Option<ChildStdin>,
    transcript: Arc<Mutex<Transcript>>,
    /// The line of standard output after the last one that [`Proc::next_line`] gave.
    cursor: usize,
    /// Set once the child was reaped: from then on its number may belong to somebody else.
    reaped: Option<Exit>,
}

impl Proc {
    /// Starts `command` in a process group of its own, with all three standard streams piped.
    ///
    /// # Panics
    ///
    /// When it can't be started.
    #[track_caller]
    pub fn spawn(name: impl Into<String>, command: &mut Command) -> Self {
        let name = name.into();
        command.process_group(0);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|error| {
            panic!("{name}: {:?} does not start: {error}", command.get_program())
        });
        let transcript = Arc::new(Mutex::new(Transcript { open: 2, ..Transcript::default() }));
        let stdout = child.stdout.take().expect("standard output is piped");
        let stderr = child.stderr.take().expect("standard error is piped");
        collect(Stream::Out, stdout, Arc::clone(&transcript));
        collect(Stream::Err, stderr, Arc::clone(&transcript));
        let stdin = child.stdin.take();
        reaper::watch(child.id());
        Self { name, child, stdin, transcript, cursor: 0, reaped: None }
    }

    /// The name that messages call it by.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its process number, which is its group's too.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Writes a line to its standard input. A process that has ended does not mind.
    pub fn say(&mut self, line: &str) {
        if let Some(stdin) = &mut self.stdin {
            let _ = writeln!(stdin, "{line}").and_then(|()| stdin.flush());
        }
    }

    /// Closes its standard input.
    pub fn hang_up(&mut self) {
        self.stdin = None;
    }

    /// What it wrote so far to that output.
    #[must_use]
    pub fn lines(&self, stream: Stream) -> Vec<String> {
        self.timed_lines(stream).into_iter().map(|line| line.text).collect()
    }

    /// The same with the moment at which each line came.
    #[must_use]
    pub fn timed_lines(&self, stream: Stream) -> Vec<Line> {
        self.read(|transcript| {
            transcript.lines.iter().filter(|line| line.stream == stream).cloned().collect()
        })
    }

    /// The first line of either output, since the start, for which `wanted` is true.
    ///
    /// # Panics
    ///
    /// When none came within the time, or the process ended before; with its last output.
    #[track_caller]
    pub fn wait_line(
        &self,
        mut wanted: impl FnMut(&str) -> bool,
        within: Duration,
    ) -> impl Future<Output = String> {
        let caller = Location::caller();
        async move {
            self.search(caller, within, |transcript| {
                let found = transcript.lines.iter().find(|line| wanted(&line.text));
                found.map(|line| line.text.clone())
            })
            .await
        }
    }

    /// The next line of standard output for which `wanted` is true, after the one that the call
    /// before gave. Lines in between are passed over for good.
    ///
    /// # Panics
    ///
    /// When none came within the time, or the process ended before; with its last output.
    #[track_caller]
    pub fn next_line(
        &mut self,
        mut wanted: impl FnMut(&str) -> bool,
        within: Duration,
    ) -> impl Future<Output = String> {
        let caller = Location::caller();
        async move {
            let from = self.cursor;
            let (at, line) = self
                .search(caller, within, |transcript| {
                    let fresh = transcript.lines.iter().enumerate().skip(from);
                    let mut fresh = fresh.filter(|(_, line)| line.stream == Stream::Out);
                    fresh
                        .find(|(_, line)| wanted(&line.text))
                        .map(|(at, line)| (at, line.text.clone()))
                })
                .await;
            self.cursor = at + 1;
            line
        }
    }

    /// Looks through the output until `find` answers, and panics with the tail if it doesn't.
    async fn search<T>(
        &self,
        caller: &Location<'_>,
        within: Duration,
        mut find: impl FnMut(&Transcript) -> Option<T>,
    ) -> T {
        let found = poll(within, || {
            self.read(|transcript| match find(transcript) {
                Some(found) => Some(Ok(found)),
                // Nothing can come any more.
                None => (transcript.open == 0).then_some(Err(())),
            })
        })
        .await;
        match found {
            Some(Ok(found)) => found,
            Some(Err(())) => panic!("{caller}: it closed its output before the line came.\n{self}"),
            None => panic!("{caller}: the line did not come within {within:?}.\n{self}"),
        }
    }

    /// Sends a signal to the process and all of its children that stayed in its group.
    /// `Signal::STOP` and `Signal::CONT` stand in for a machine that sleeps and wakes,
    /// `Signal::KILL` for a crash.
    pub fn signal(&self, signal: Signal) {
        if self.reaped.is_none() {
            // An error means that everybody has gone already.
            let _ = rustix::process::kill_process_group(self.pid(), signal);
        }
    }

    /// Sends a signal to the process alone: `Signal::TERM` as a person or a service manager asks
    /// it to quit, and it sees to its children itself.
    pub fn signal_leader(&self, signal: Signal) {
        if self.reaped.is_none() {
            let _ = rustix::process::kill_process(self.pid(), signal);
        }
    }

    /// How it ended, if it has.
    #[must_use]
    pub fn exit(&self) -> Option<Exit> {
        if self.reaped.is_some() {
            return self.reaped;
        }
        // Not reaped here: while the zombie stands, nobody else gets its number.
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        let status = rustix::process::waitid(WaitId::Pid(self.pid()), options).ok().flatten()?;
        match (status.exit_status(), status.terminating_signal()) {
            (Some(code), _) => Some(Exit::Code(code)),
            (None, Some(number)) => Some(Exit::Signal(number)),
            (None, None) => None,
        }
    }

    /// Waits until it has ended by itself and, for `DRAIN` at most, until its output was read. A
    /// process that it started may hold its output open for longer.
    ///
    /// # Panics
    ///
    /// When it still runs after the time; with its last output.
    #[track_caller]
    pub fn wait_exit(&self, within: Duration) -> impl Future<Output = Exit> {
        let caller = Location::caller();
        async move {
            match poll(within, || self.exit()).await {
                Some(exit) => {
                    poll(DRAIN, || self.read(|transcript| (transcript.open == 0).then_some(())))
                        .await;
                    exit
                }
                None => panic!("{caller}: it did not end within {within:?}.\n{self}"),
            }
        }
    }

    /// Waits until it has ended and everything that it wrote was read: how it ended, and its
    /// standard output.
    ///
    /// # Panics
    ///
    /// When it still runs after the time; with its last output.
    #[track_caller]
    pub fn finish(&self, within: Duration) -> impl Future<Output = (Exit, String)> {
        let caller = Location::caller();
        async move {
            let over = poll(within, || {
                self.exit().filter(|_| self.read(|transcript| transcript.open == 0))
            });
            match over.await {
                Some(exit) => (exit, self.lines(Stream::Out).join("\n")),
                None => panic!("{caller}: it did not end within {within:?}.\n{self}"),
            }
        }
    }

    /// Asks it to quit, kills what is left of its group after `patience`, and returns how it ended.
    pub fn stop(&mut self, patience: Duration) -> Exit {
        if let Some(exit) = self.reaped {
            return exit;
        }
        self.signal_leader(Signal::TERM);
        until::poll_blocking(patience, || self.exit().is_some());
        self.end()
    }

    /// Kills its group and returns how it ended.
    pub fn kill(&mut self) -> Exit {
        self.end()
    }

    fn end(&mut self) -> Exit {
        if let Some(exit) = self.reaped {
            return exit;
        }
        self.signal(Signal::KILL);
        reaper::forget(self.id());
        let status = self.child.wait().expect("a child that was not reaped can be waited for");
        *self.reaped.insert(Exit::from(status))
    }

    fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    fn read<T>(&self, read: impl FnOnce(&Transcript) -> T) -> T {
        read(&self.transcript.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Its name, how it ended, and its last output: what a message says of it.
impl Display for Proc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.exit() {
            Some(exit) => writeln!(f, "{} (ended: {exit}) wrote last:", self.name)?,
            None => writeln!(f, "{} (running) wrote last:", self.name)?,
        }
        self.read(|transcript| {
            let skipped = transcript.lines.len().saturating_sub(TAIL);
            for line in transcript.lines.iter().skip(skipped) {
                let mark = if line.stream == Stream::Out { ' ' } else { '!' };
                writeln!(f, "  {mark} {}", line.text)?;
            }
            Ok(())
        })
    }
}

impl Drop for Proc {
    fn drop(&mut self) {
        // Of all processes of a failed test, not only of the one that it was waiting for.
        if std::thread::panicking() {
            eprintln!("{self}");
        }
        self.end();
    }
}

/// Runs a command to its end and returns its standard output.
///
/// # Panics
///
/// When it does not start or does not succeed; with what it wrote.
#[track_caller]
pub fn run(command: &mut Command) -> String {
    let program = command.get_program().to_owned();
    let output =
        command.output().unwrap_or_else(|error| panic!("{program:?} does not start: {error}"));
    assert!(
        output.status.success(),
        "{program:?} ended with {}: {}{}",
        Exit::from(output.status),
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Reads an output to its end on a thread of its own: a pipe that nobody reads stops the writer.
fn collect(stream: Stream, from: impl Read + Send + 'static, into: Arc<Mutex<Transcript>>) {
    std::thread::spawn(move || {
        let mut from = BufReader::new(from);
        let mut line = Vec::new();
        while from.read_until(b'\n', &mut line).is_ok_and(|length| length > 0) {
            let at = until::uptime();
            let text = String::from_utf8_lossy(line.trim_ascii_end()).into_owned();
            let read = Line { stream, at, text };
            into.lock().unwrap_or_else(PoisonError::into_inner).lines.push(read);
            line.clear();
        }
        into.lock().unwrap_or_else(PoisonError::into_inner).open -= 1;
    });
}

/// Processes whose environment holds `NAME=value`, with their numbers: a desktop session marks
/// everything that was started in it so, across process groups.
pub(crate) fn with_environment(name: &str, value: &str) -> Vec<(Pid, String)> {
    let wanted = format!("{name}={value}");
    let Ok(entries) = std::fs::read_dir("/proc") else {
        return Vec::new();
    };
    entries
        .flatten()
        .filter_map(|entry| {
            let number: i32 = entry.file_name().to_str()?.parse().ok()?;
            let environment = std::fs::read(entry.path().join("environ")).ok()?;
            environment.split(|byte| *byte == 0).find(|entry| *entry == wanted.as_bytes())?;
            let name = std::fs::read_to_string(entry.path().join("comm")).ok()?;
            Some((Pid::from_raw(number)?, name.trim().to_owned()))
        })
        .collect()
}
