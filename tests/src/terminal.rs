//! A terminal that a program runs in: what it shows, keys, and its size.

use std::fmt::{self, Display};
use std::fs::File;
use std::io::{Read as _, Write as _};
use std::num::NonZero;
use std::panic::Location;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustix::fs::{Mode, OFlags};
use rustix::process::{Pid, WaitId, WaitIdOptions};
use rustix::pty::OpenptFlags;
use rustix::termios::Winsize;

use crate::process::{Exit, Signal};
use crate::reaper;
use crate::until::poll;

/// What a program wrote, and what that looks like.
struct Shown {
    screen: vt100::Parser,
    written: Vec<u8>,
    open: bool,
}

/// A program on a terminal. It ends with this value.
pub struct Terminal {
    name: String,
    child: Child,
    keys: File,
    shown: Arc<Mutex<Shown>>,
}

impl Terminal {
    /// Runs a command on a new terminal of so many columns and lines.
    ///
    /// # Panics
    ///
    /// When there is none, or the program does not start.
    #[must_use]
    pub fn spawn(command: &Command, columns: u16, lines: u16) -> Self {
        let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
        let master = rustix::pty::openpt(flags).expect("a pseudo-terminal can be made");
        rustix::pty::grantpt(&master).expect("a new pseudo-terminal");
        rustix::pty::unlockpt(&master).expect("a new pseudo-terminal");
        set_size(&master, columns, lines);
        let name = rustix::pty::ptsname(&master, Vec::new()).expect("it has a name");
        let open = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
        let side = || -> Stdio {
            let side =
                rustix::fs::open(name.as_c_str(), open, Mode::empty()).expect("its other side");
            side.into()
        };
        // Makes it the controlling terminal of a session of its own, and becomes the program.
        let mut inside = Command::new("setsid");
        inside.arg("--ctty").arg(command.get_program()).args(command.get_args());
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => inside.env(name, value),
                None => inside.env_remove(name),
            };
        }
        let set = |name: &str| command.get_envs().any(|(set, _)| set == name);
        if !set("TERM") {
            inside.env("TERM", "xterm-256color");
        }
        if !set("NO_COLOR") {
            inside.env_remove("NO_COLOR");
        }
        inside.stdin(side()).stdout(side()).stderr(side());
        let child = inside.spawn().expect("setsid is part of every Linux");
        reaper::watch(child.id());
        drop(inside);
        let screen = vt100::Parser::new(count(lines), count(columns), 0);
        let shown = Arc::new(Mutex::new(Shown { screen, written: Vec::new(), open: true }));
        let keys = File::from(master);
        let from = keys.try_clone().expect("a file can be shared");
        read(from, Arc::clone(&shown));
        let words: Vec<_> = command.get_args().map(|word| word.to_string_lossy()).collect();
        Self { name: words.join(" "), child, keys, shown }
    }

    fn shown(&self) -> MutexGuard<'_, Shown> {
        self.shown.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What it shows now, line by line.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let shown = self.shown();
        let screen = shown.screen.screen();
        screen.rows(0, screen.size().1.get()).map(|line| line.trim_end().to_owned()).collect()
    }

    /// Everything that was written to it.
    #[must_use]
    pub fn written(&self) -> String {
        String::from_utf8_lossy(&self.shown().written).into_owned()
    }

    /// Whether a program has taken the whole screen, or hidden the cursor.
    #[must_use]
    pub fn is_taken(&self) -> bool {
        let shown = self.shown();
        shown.screen.screen().alternate_screen() || shown.screen.screen().hide_cursor()
    }

    /// Whether lines are read and echoed as a shell expects it.
    ///
    /// # Panics
    ///
    /// When the terminal is gone.
    #[must_use]
    pub fn is_cooked(&self) -> bool {
        use rustix::termios::LocalModes;
        let modes = rustix::termios::tcgetattr(&self.keys).expect("it is a terminal").local_modes;
        modes.contains(LocalModes::ICANON | LocalModes::ECHO)
    }

    /// Types.
    pub fn press(&mut self, keys: &str) {
        // A program that has ended does not mind.
        let _ = self.keys.write_all(keys.as_bytes()).and_then(|()| self.keys.flush());
    }

    /// Makes it another size, of which the program is told by SIGWINCH.
    pub fn resize(&mut self, columns: u16, lines: u16) {
        self.shown().screen.screen_mut().set_size(count(lines), count(columns));
        set_size(&self.keys, columns, lines);
    }

    /// Sends the program a signal.
    pub fn signal(&self, signal: Signal) {
        // An error means that it has ended already.
        let _ = rustix::process::kill_process(Pid::from_child(&self.child), signal);
    }

    /// Its process number.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits until what it shows is as wanted.
    ///
    /// # Panics
    ///
    /// When that does not come within the time; with what it shows.
    #[track_caller]
    pub fn wait_for(
        &self,
        mut wanted: impl FnMut(&[String]) -> bool,
        within: Duration,
    ) -> impl Future<Output = Vec<String>> {
        let caller = Location::caller();
        async move {
            let seen = poll(within, || Some(self.lines()).filter(|lines| wanted(lines))).await;
            seen.unwrap_or_else(|| panic!("{caller}: it was not so within {within:?}.\n{self}"))
        }
    }

    /// Waits until the program has ended and all that it wrote was read.
    ///
    /// # Panics
    ///
    /// When it still runs after the time; with what it shows.
    #[track_caller]
    pub fn wait_exit(&self, within: Duration) -> impl Future<Output = Exit> {
        let caller = Location::caller();
        async move {
            let ended = poll(within, || self.exit().filter(|_| !self.shown().open)).await;
            ended.unwrap_or_else(|| panic!("{caller}: it did not end within {within:?}.\n{self}"))
        }
    }

    fn exit(&self) -> Option<Exit> {
        // Not reaped here: while the zombie stands, nobody else gets its number.
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        let id = WaitId::Pid(Pid::from_child(&self.child));
        let status = rustix::process::waitid(id, options).ok().flatten()?;
        match (status.exit_status(), status.terminating_signal()) {
            (Some(code), _) => Some(Exit::Code(code)),
            (None, Some(number)) => Some(Exit::Signal(number)),
            (None, None) => None,
        }
    }
}

impl Display for Terminal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} ({:?}) shows:", self.name, self.exit())?;
        self.lines().iter().try_for_each(|line| writeln!(f, "  |{line}"))
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{self}");
        }
        let _ = self.child.kill();
        reaper::forget(self.child.id());
        let _ = self.child.wait();
    }
}

fn count(cells: u16) -> NonZero<u16> {
    NonZero::new(cells).expect("a terminal has a line and a column")
}

fn set_size(terminal: impl rustix::fd::AsFd, columns: u16, lines: u16) {
    let size = Winsize { ws_row: lines, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
    rustix::termios::tcsetwinsize(terminal, size).expect("it is a terminal");
}

/// Reads what is written on a thread of its own, until the last program has closed its side.
fn read(mut from: File, shown: Arc<Mutex<Shown>>) {
    std::thread::spawn(move || {
        let mut bytes = [0; 4096];
        while let Ok(length @ 1..) = from.read(&mut bytes) {
            let mut shown = shown.lock().unwrap_or_else(PoisonError::into_inner);
            shown.screen.process(&bytes[..length]);
            shown.written.extend_from_slice(&bytes[..length]);
        }
        shown.lock().unwrap_or_else(PoisonError::into_inner).open = false;
    });
}
