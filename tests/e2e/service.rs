//! `porchlight run` under a service manager: what it is told, over a socket such as systemd's.

use std::io::{PipeReader, PipeWriter, Write as _};
use std::os::unix::net::UnixDatagram;
use std::process::{Command, Stdio};
use std::time::Duration;

use porchlight_tests::process::{Exit, Proc};
use porchlight_tests::until::{SOON, START};
use porchlight_tests::{Cli, EmbeddedHub, Signal, never, until};
use rustix::fs::OFlags;
use tempfile::TempDir;

/// A manager's side of the socket, and what it heard.
struct Manager {
    socket: UnixDatagram,
    heard: Vec<String>,
    folder: TempDir,
}

impl Manager {
    fn new() -> Self {
        let folder =
            TempDir::with_prefix("porchlight-manager-").expect("a temporary folder can be made");
        let socket =
            UnixDatagram::bind(folder.path().join("notify")).expect("a socket can be made");
        socket.set_nonblocking(true).expect("a socket of ours");
        Self { socket, heard: Vec::new(), folder }
    }

    /// `run` as a manager starts it, with a watchdog of so many microseconds if any.
    fn command(&self, light: &Cli, watchdog: Option<&str>) -> Command {
        let mut command = light.command(&["run", "--activity", "none", "--kind", "server"]);
        command.env("NOTIFY_SOCKET", self.folder.path().join("notify"));
        match watchdog {
            Some(usec) => command.env("WATCHDOG_USEC", usec),
            None => command.env_remove("WATCHDOG_USEC"),
        };
        command.env_remove("WATCHDOG_PID");
        command
    }

    fn start(&self, light: &Cli, watchdog: Option<&str>) -> Proc {
        Proc::spawn("porchlight run", &mut self.command(light, watchdog))
    }

    fn listen(&mut self) -> &[String] {
        let mut news = [0; 4096];
        while let Ok(length) = self.socket.recv(&mut news) {
            self.heard.push(String::from_utf8_lossy(&news[..length]).into_owned());
        }
        &self.heard
    }

    /// How often it heard something that begins so.
    fn count(&mut self, begins: &str) -> usize {
        self.listen().iter().filter(|news| news.starts_with(begins)).count()
    }
}

#[tokio::test]
async fn a_manager_hears_how_it_is() {
    let mut hub = EmbeddedHub::start().await;
    let light = Cli::new(&hub.url(), "build", "server");
    let mut manager = Manager::new();
    let run = manager.start(&light, None);
    until("online", START, || manager.count("STATUS=online at 127.0.0.1") == 1).await;
    assert_eq!(manager.count("READY=1"), 1, "{:?}", manager.heard);
    hub.stop();
    until("no connection", SOON, || manager.count("STATUS=no connection: ") > 0).await;
    hub.start_again().await;
    until("online again", 2 * SOON, || manager.count("STATUS=online") == 2).await;

    // It starts again in place: the same process, which tells that it is ready once more.
    let id = run.id();
    run.signal_leader(Signal::HUP);
    until("ready again", SOON, || manager.count("READY=1") == 2).await;
    let reloading =
        manager.heard.iter().find(|news| news.starts_with("RELOADING=1\nMONOTONIC_USEC="));
    let usec = reloading
        .and_then(|news| news.rsplit('=').next())
        .and_then(|usec| usec.parse::<u64>().ok());
    assert!(usec.is_some_and(|usec| usec > 0), "{:?}", manager.heard);
    until("online in the new one", SOON, || manager.count("STATUS=online") == 3).await;
    assert_eq!((run.id(), run.exit()), (id, None));

    run.signal_leader(Signal::TERM);
    assert_eq!(run.wait_exit(SOON).await, Exit::Code(0));
    assert_eq!(manager.count("STOPPING=1"), 1, "{:?}", manager.heard);
    assert_eq!(manager.count("WATCHDOG=1"), 0, "nobody asked: {:?}", manager.heard);
}

#[tokio::test]
async fn a_watchdog_is_fed_by_a_loop_that_runs() {
    let hub = EmbeddedHub::start().await;
    let light = Cli::new(&hub.url(), "build", "server");
    let mut manager = Manager::new();
    let _run = manager.start(&light, Some("400000"));
    until("three signs of life", START, || manager.count("WATCHDOG=1") >= 3).await;
}

/// A full pipe: a writer hangs until somebody reads.
fn full_pipe() -> (PipeReader, PipeWriter) {
    let (reader, mut writer) = std::io::pipe().expect("a pipe can be made");
    rustix::fs::fcntl_setfl(&writer, OFlags::NONBLOCK).expect("a pipe of ours");
    while writer.write(&[b'.'; 4096]).is_ok() {}
    while writer.write(b".").is_ok() {}
    rustix::fs::fcntl_setfl(&writer, OFlags::empty()).expect("a pipe of ours");
    (reader, writer)
}

#[tokio::test]
async fn a_watchdog_is_not_fed_by_a_loop_that_hangs() {
    let hub = EmbeddedHub::start().await;
    let light = Cli::new(&hub.url(), "build", "server");
    let mut manager = Manager::new();
    let (mut reader, writer) = full_pipe();
    // What it has to say of its connection is not taken from it.
    let mut command = manager.command(&light, Some("400000"));
    let mut run = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(writer)
        .spawn()
        .expect("the program starts");
    // The command holds the writer's end, too.
    drop(command);
    until("it to run", START, || manager.count("READY=1") == 1).await;
    never("a sign of life", Duration::from_secs(2), || manager.count("WATCHDOG=1") > 0).await;
    let drained = std::thread::spawn(move || std::io::copy(&mut reader, &mut std::io::sink()));
    until("signs of life", SOON, || manager.count("WATCHDOG=1") >= 2).await;
    run.kill().and_then(|()| run.wait()).expect("a child of ours ends");
    drained.join().expect("it read to the end").expect("a pipe can be read");
}

#[tokio::test]
async fn a_build_server_is_on_duty() {
    let hub = EmbeddedHub::start().await;
    let server = Cli::new(&hub.url(), "build", "server").named("Build server");
    let manager = Manager::new();
    let _run = manager.start(&server, None);
    let bob = Cli::new(&hub.url(), "bob", "desk");
    let watch = bob.watch();
    watch.wait_status("build", "online", START).await;
    server.set("online", Some("on duty")).await;
    let person = watch.wait_person("build", |person| person["text"] == "on duty", SOON).await;
    assert_eq!(person["devices"][0]["kind"], "server");
    assert_eq!((&person["status"], &person["name"]), (&"online".into(), &"Build server".into()));
}
