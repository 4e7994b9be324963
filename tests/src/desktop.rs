//! A desktop session of the test's own: an X server without a screen, a session bus, a window
//! manager and an empty home.
//!
//! One session is one person at one machine. Two desktop apps need two of them: an X server has
//! one idle clock, and a bus one single instance. What its screen shows is [`crate::screen`]'s.

use std::collections::HashMap;
use std::ffi::OsString;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use tempfile::TempDir;
use x11rb::connection::Connection as _;
use x11rb::protocol::sync::ConnectionExt as _;
use x11rb::protocol::xproto::{
    AtomEnum, ClientMessageEvent, ConnectionExt as _, EventMask, ImageFormat,
};
use x11rb::rust_connection::RustConnection;

use crate::binary::{artifact, tool};
use crate::process::{Proc, Signal, run, with_environment};
use crate::until::{START, poll_blocking, until};

/// How long an X server may take to remove its socket and lock when it is asked to quit.
const PATIENCE: Duration = Duration::from_secs(5);

/// The variables that a session inherits from the person who runs the tests. The rest stays outside:
/// a developer's own desktop must not change what a test sees.
const INHERITED: [&str; 6] = ["PATH", "TZ", "USER", "LOGNAME", "PORCHLIGHT_LOG", "RUST_BACKTRACE"];

/// A bus with no services to activate: a notification server or a portal that the machine has
/// installed would otherwise be started by the first call to its name.
const BUS_CONFIG: &str = r#"<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-BUS Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <keep_umask/>
  <listen>unix:path=BUS</listen>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
"#;

/// A running desktop session.
#[derive(Debug)]
pub struct Session {
    display: String,
    x: RustConnection,
    // In the order in which they end: the window manager, the bus, the X server.
    window_manager: Proc,
    bus: Proc,
    server: Proc,
    /// What was added to its environment.
    added: Vec<(OsString, OsString)>,
    // Last, so that everybody has gone before the folder does.
    dir: TempDir,
}

impl Session {
    /// Starts one with a screen of 1280 by 800.
    ///
    /// # Panics
    ///
    /// When one of its programs is missing or does not come up.
    pub async fn start() -> Self {
        Self::start_on(1280, 800).await
    }

    /// Starts one with a screen of so many pixels.
    ///
    /// # Panics
    ///
    /// As [`Session::start`] does.
    pub async fn start_on(width: u16, height: u16) -> Self {
        let dir =
            TempDir::with_prefix("porchlight-desktop-").expect("a temporary folder can be made");
        for place in ["home", "run", "config", "data", "state", "cache"] {
            std::fs::create_dir(dir.path().join(place))
                .expect("a temporary folder can be written to");
        }
        let only_mine = std::fs::Permissions::from_mode(0o700);
        std::fs::set_permissions(dir.path().join("run"), only_mine).expect("a folder of ours");

        let (server, display) = start_server(dir.path(), width, height).await;
        let bus = start_bus(dir.path(), &display).await;
        let (x, screen) = x11rb::connect(Some(&display)).expect("the X server takes connections");
        let window_manager = start_window_manager(dir.path(), &display, &x, screen).await;
        Self { display, x, window_manager, bus, server, added: Vec::new(), dir }
    }

    /// Sets a variable for the programs that are started in this session from now on.
    pub fn set(&mut self, name: &str, value: impl Into<OsString>) {
        self.added.push((name.into(), value.into()));
    }

    /// The X display, such as `:7`.
    #[must_use]
    pub fn display(&self) -> &str {
        &self.display
    }

    /// The session bus's address.
    #[must_use]
    pub fn bus_address(&self) -> String {
        bus_address(self.dir.path())
    }

    /// A connection of the test's own to the session bus.
    ///
    /// # Panics
    ///
    /// When the bus has gone.
    pub async fn connection(&self) -> zbus::Connection {
        let address = self.bus_address();
        let builder = zbus::connection::Builder::address(address.as_str()).expect("an address");
        builder.build().await.expect("the session bus takes connections")
    }

    /// The home folder of the session's person, empty at the start.
    #[must_use]
    pub fn home(&self) -> PathBuf {
        self.dir.path().join("home")
    }

    /// `XDG_CONFIG_HOME`, where autostart entries and settings go.
    #[must_use]
    pub fn config_home(&self) -> PathBuf {
        self.dir.path().join("config")
    }

    /// `XDG_DATA_HOME`, where icons and menu entries go.
    #[must_use]
    pub fn data_home(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    /// The whole environment of a program in this session.
    #[must_use]
    pub fn environment(&self) -> Vec<(OsString, OsString)> {
        let mut environment = environment(self.dir.path(), &self.display);
        environment.extend(self.added.iter().cloned());
        environment
    }

    /// A command that runs in this session, with nothing of the environment outside.
    #[must_use]
    pub fn command(&self, program: impl AsRef<Path>) -> Command {
        let mut command = command(self.dir.path(), &self.display, program.as_ref());
        command.envs(self.added.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Starts a program in this session.
    #[track_caller]
    #[must_use]
    pub fn spawn(&self, program: impl AsRef<Path>, arguments: &[&str]) -> Proc {
        let program = program.as_ref();
        let name = program.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Proc::spawn(name, self.command(program).args(arguments))
    }

    /// Presses and releases a key or a combination such as `ctrl+f`. It goes to the window with
    /// the focus, and counts as input for the idle time.
    pub fn key(&self, key: &str) {
        self.xdotool(&["key", key]);
    }

    /// Moves the pointer there. One that is there already has not moved: no input.
    pub fn move_pointer(&self, x: u16, y: u16) {
        self.xdotool(&["mousemove", &x.to_string(), &y.to_string()]);
    }

    /// Moves the pointer there and clicks with this button, 1 being the left one.
    pub fn click(&self, x: u16, y: u16, button: u8) {
        self.xdotool(&["mousemove", &x.to_string(), &y.to_string(), "click", &button.to_string()]);
    }

    /// The numbers of the visible windows whose title matches this regular expression.
    ///
    /// # Panics
    ///
    /// When `xdotool` is missing.
    #[must_use]
    pub fn windows(&self, title: &str) -> Vec<u32> {
        // It ends with a failure where there are none.
        let mut command = self.command(xdotool());
        let output = command.args(["search", "--onlyvisible", "--name", title]).output();
        let output = output.expect("xdotool starts");
        let numbers = String::from_utf8_lossy(&output.stdout).into_owned();
        numbers.lines().filter_map(|number| number.trim().parse().ok()).collect()
    }

    /// Closes a window as the button in its frame does: the window manager asks the app to.
    ///
    /// # Panics
    ///
    /// When the X server has gone.
    pub fn close_window(&self, window: u32) {
        // Extended Window Manager Hints 1.5, _NET_CLOSE_WINDOW; 2 says that a person asked.
        let ask =
            ClientMessageEvent::new(32, window, self.atom(b"_NET_CLOSE_WINDOW"), [0, 2, 0, 0, 0]);
        let root = self.x.setup().roots[0].root;
        let to = EventMask::SUBSTRUCTURE_REDIRECT | EventMask::SUBSTRUCTURE_NOTIFY;
        self.x.send_event(false, root, to, ask).expect("a request goes out");
        self.x.flush().expect("an X server that takes requests");
    }

    /// Whether a window is there, but only as an entry in a list of windows.
    ///
    /// # Panics
    ///
    /// When the X server has gone.
    #[must_use]
    pub fn minimized(&self, window: u32) -> bool {
        // Inter-Client Communication Conventions Manual, 4.1.3.1: 3 is IconicState.
        self.property(window, b"WM_STATE").is_some_and(|state| state == 3)
    }

    /// Whether the window manager looks after that window, as it does not after an icon that lies in a tray.
    ///
    /// # Panics
    ///
    /// When the X server has gone.
    #[must_use]
    pub fn managed(&self, window: u32) -> bool {
        self.property(window, b"WM_STATE").is_some()
    }

    /// The window that has the focus.
    ///
    /// # Panics
    ///
    /// When the X server has gone.
    #[must_use]
    pub fn active_window(&self) -> Option<u32> {
        self.property(self.x.setup().roots[0].root, b"_NET_ACTIVE_WINDOW")
            .filter(|&window| window != 0)
    }

    /// The first number of a property of a window.
    fn property(&self, window: u32, name: &[u8]) -> Option<u32> {
        let atom = self.atom(name);
        let asked = self.x.get_property(false, window, atom, AtomEnum::ANY, 0, 1);
        // A window that has gone answers with an error.
        asked.expect("a request goes out").reply().ok()?.value32()?.next()
    }

    /// A connection to its X server, and the window that is the whole screen.
    pub(crate) fn x(&self) -> (&RustConnection, u32) {
        (&self.x, self.x.setup().roots[0].root)
    }

    fn atom(&self, name: &[u8]) -> u32 {
        let atom = self.x.intern_atom(false, name).expect("a request goes out");
        atom.reply().expect("the X server answers").atom
    }

    pub(crate) fn xdotool(&self, arguments: &[&str]) {
        run(self.command(xdotool()).args(arguments));
    }

    /// How long there was no input, on the clock that XSync calls `IDLETIME`.
    ///
    /// # Panics
    ///
    /// When the X server has gone.
    #[must_use]
    pub fn idle(&self) -> Duration {
        let counters =
            self.x.sync_initialize(3, 1).and_then(|_| self.x.sync_list_system_counters());
        let counters =
            counters.expect("a request goes out").reply().expect("an X server with XSync");
        let idle = counters.counters.iter().find(|counter| counter.name == b"IDLETIME");
        let idle = idle.expect("a counter that every X.Org server has").counter;
        let value = self.x.sync_query_counter(idle).expect("a request goes out");
        let value = value.reply().expect("a counter of the server's").counter_value;
        let milliseconds = (i64::from(value.hi) << 32) | i64::from(value.lo);
        Duration::from_millis(u64::try_from(milliseconds).unwrap_or_default())
    }

    /// Takes a picture of the whole screen into `tests/out/{name}.png` and returns its path.
    ///
    /// # Panics
    ///
    /// When ImageMagick is missing.
    #[track_caller]
    pub fn screenshot(&self, name: &str) -> PathBuf {
        let path = artifact(&format!("{name}.png"));
        run(&mut self.camera(&path));
        path
    }

    fn camera(&self, path: &Path) -> Command {
        let mut command = self.command("import");
        command.args(["-window", "root"]).arg(path);
        command
    }

    /// A window's width and height in pixels, without its frame. `None` where it can't be seen now.
    ///
    /// # Panics
    ///
    /// When the X server has gone.
    #[must_use]
    pub fn size(&self, window: u32) -> Option<(u16, u16)> {
        let size = self.x.get_geometry(window).expect("a request goes out").reply().ok()?;
        Some((size.width, size.height))
    }

    /// Of how many pixels in the lower half of a window the colour is not the one that most of them have: nothing but text
    /// and faces, once there are any. `None` where it can't be seen now.
    ///
    /// # Panics
    ///
    /// When the X server has gone.
    #[must_use]
    pub fn drawn(&self, window: u32) -> Option<usize> {
        let size = self.x.get_geometry(window).expect("a request goes out").reply().ok()?;
        let (top, height) = (size.height / 2, size.height - size.height / 2);
        let asked = self.x.get_image(
            ImageFormat::Z_PIXMAP,
            window,
            0,
            i16::try_from(top).ok()?,
            size.width,
            height,
            u32::MAX,
        );
        // One that is not on the screen, or only in part, answers with an error.
        let picture = asked.expect("a request goes out").reply().ok()?;
        let mut colours: HashMap<[u8; 4], usize> = HashMap::new();
        for pixel in picture.data.as_chunks::<4>().0 {
            *colours.entry(*pixel).or_default() += 1;
        }
        let all: usize = colours.values().sum();
        Some(all - colours.values().max()?)
    }

    /// What runs in this session beside the session itself: name and number of each process.
    #[must_use]
    pub fn programs(&self) -> Vec<(String, u32)> {
        let own = [self.window_manager.id(), self.bus.id()];
        let all = marked(self.dir.path()).into_iter();
        let all = all.map(|(pid, name)| (name, pid.as_raw_nonzero().get().unsigned_abs()));
        all.filter(|(_, number)| !own.contains(number)).collect()
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let test = std::thread::current().name().unwrap_or("failed").replace("::", "-");
            let path = artifact(&format!("{test}.png"));
            // Without a panic of its own, which would hide the first: the server may be what failed.
            if self.camera(&path).output().is_ok_and(|output| output.status.success()) {
                eprintln!("the screen as it was: {}", path.display());
            }
        }
        // What the test left running, in any process group: it holds this session's folder in its
        // environment, which nobody else does.
        for signal in [Signal::TERM, Signal::KILL] {
            for (pid, _) in marked(self.dir.path()) {
                let _ = rustix::process::kill_process(pid, signal);
            }
            if poll_blocking(PATIENCE, || marked(self.dir.path()).is_empty()) {
                break;
            }
        }
        self.window_manager.kill();
        self.bus.kill();
        // Asked, not killed: it removes its socket and its lock from /tmp then.
        self.server.stop(PATIENCE);
    }
}

async fn start_server(dir: &Path, width: u16, height: u16) -> (Proc, String) {
    let program = tool("Xvfb", "install the package xvfb");
    let mut command = Command::new(program);
    // It picks the display itself and says which. Without -noreset it would begin anew whenever
    // its last client leaves.
    command.args(["-displayfd", "1", "-noreset", "-nolisten", "tcp", "-screen", "0"]);
    command.arg(format!("{width}x{height}x24"));
    let server = Proc::spawn("Xvfb", command.current_dir(dir));
    let number = server.wait_line(|line| line.parse::<u32>().is_ok(), START).await;
    (server, format!(":{number}"))
}

async fn start_bus(dir: &Path, display: &str) -> Proc {
    let socket = dir.join("run/bus");
    let config = dir.join("bus.conf");
    std::fs::write(&config, BUS_CONFIG.replace("BUS", &socket.to_string_lossy()))
        .expect("a temporary folder can be written to");
    let mut command = command(dir, display, &tool("dbus-daemon", "install the package dbus"));
    command.arg(format!("--config-file={}", config.display())).args(["--nofork", "--nopidfile"]);
    let bus = Proc::spawn("dbus-daemon", &mut command);
    until(format!("the session bus to listen\n{bus}"), START, || {
        std::os::unix::net::UnixStream::connect(&socket).is_ok()
    })
    .await;
    bus
}

async fn start_window_manager(
    dir: &Path,
    display: &str,
    x: &RustConnection,
    screen: usize,
) -> Proc {
    let program = tool("openbox", "install the package openbox");
    let window_manager =
        Proc::spawn("openbox", command(dir, display, &program).arg("--sm-disable"));
    let root = x.setup().roots[screen].root;
    let sign = x.intern_atom(false, b"_NET_SUPPORTING_WM_CHECK").expect("a request goes out");
    let sign = sign.reply().expect("the X server answers").atom;
    // The property by which a window manager says that it manages (EWMH, section 3).
    until(format!("a window manager\n{window_manager}"), START, || {
        let property = x.get_property(false, root, sign, AtomEnum::WINDOW, 0, 1);
        property
            .ok()
            .and_then(|property| property.reply().ok())
            .is_some_and(|property| property.value_len == 1)
    })
    .await;
    window_manager
}

fn command(dir: &Path, display: &str, program: &Path) -> Command {
    let mut command = Command::new(program);
    command.env_clear().envs(environment(dir, display)).current_dir(dir.join("home"));
    command
}

fn environment(dir: &Path, display: &str) -> Vec<(OsString, OsString)> {
    let place = |name: &str| dir.join(name).into_os_string();
    let mut environment: Vec<(OsString, OsString)> =
        INHERITED.iter().filter_map(|name| Some((name.into(), std::env::var_os(name)?))).collect();
    let own: [(&str, OsString); 16] = [
        // The person who runs the tests may use another language.
        ("LC_ALL", "C.UTF-8".into()),
        ("DISPLAY", display.into()),
        ("DBUS_SESSION_BUS_ADDRESS", bus_address(dir).into()),
        ("HOME", place("home")),
        ("XDG_RUNTIME_DIR", place("run")),
        ("XDG_CONFIG_HOME", place("config")),
        ("XDG_DATA_HOME", place("data")),
        ("XDG_STATE_HOME", place("state")),
        ("XDG_CACHE_HOME", place("cache")),
        ("XDG_SESSION_TYPE", "x11".into()),
        ("XDG_CURRENT_DESKTOP", "openbox".into()),
        // No accessibility bus, no settings daemon, no file-system daemon: none of them is here.
        ("NO_AT_BRIDGE", "1".into()),
        ("GTK_A11Y", "none".into()),
        ("GSETTINGS_BACKEND", "memory".into()),
        ("GIO_USE_VFS", "local".into()),
        // The machine may have no graphics card. WEBKIT_DISABLE_DMABUF_RENDERER is left out on
        // purpose: with it WebKitGTK never answers a request for a picture.
        ("LIBGL_ALWAYS_SOFTWARE", "1".into()),
    ];
    environment.extend(own.map(|(name, value)| (name.into(), value)));
    environment
}

fn bus_address(dir: &Path) -> String {
    format!("unix:path={}", dir.join("run/bus").display())
}

/// Every process that was started in this session, by its environment.
fn marked(dir: &Path) -> Vec<(rustix::process::Pid, String)> {
    with_environment("XDG_RUNTIME_DIR", &dir.join("run").to_string_lossy())
}

fn xdotool() -> PathBuf {
    tool("xdotool", "install the package xdotool")
}
