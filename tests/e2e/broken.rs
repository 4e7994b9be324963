//! What is not as it should be: no broker, wrong words, full disks, pulled cables.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use porchlight_tests::cli::Watch;
use porchlight_tests::port::free_port;
use porchlight_tests::process::{Exit, Stream};
use porchlight_tests::until::{SOON, START};
use porchlight_tests::{
    Cli, EmbeddedHub, Mosquitto, Proc, Signal, Stopwatch, TcpProxy, bin, never, until,
};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// What the promise "seen at once" may take on a busy machine.
const AT_ONCE: Duration = Duration::from_secs(1);

fn url(port: u16) -> String {
    format!("mqtt://127.0.0.1:{port}")
}

/// Who has no broker of their own: for commands that need none.
fn somebody() -> Cli {
    Cli::new("mqtt://nowhere.invalid", "you", "desk")
}

/// `porchlight` with these arguments, what it printed on standard error, and how it ended.
async fn refused(light: &Cli, arguments: &[&str]) -> (Exit, String) {
    let proc = light.start_by_config(arguments);
    let (exit, _) = proc.finish(2 * SOON).await;
    (exit, proc.lines(Stream::Err).join("\n"))
}

/// Listens, closes every connection at once and remembers when it came.
struct Slammer {
    address: SocketAddr,
    knocks: Arc<Mutex<Vec<Duration>>>,
    task: JoinHandle<()>,
}

impl Slammer {
    async fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
        let address = listener.local_addr().expect("it listens");
        let knocks = Arc::new(Mutex::new(Vec::new()));
        let noted = Arc::clone(&knocks);
        let clock = Stopwatch::start();
        let task = tokio::spawn(async move {
            while let Ok((connection, _)) = listener.accept().await {
                drop(connection);
                noted.lock().unwrap_or_else(PoisonError::into_inner).push(clock.elapsed());
            }
        });
        Self { address, knocks, task }
    }

    fn knocks(&self) -> Vec<Duration> {
        self.knocks.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Slammer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A try is a knock with MQTT 5 and, since it was closed, one with 3.1.1 at once.
fn tries(knocks: &[Duration]) -> Vec<Duration> {
    let mut tries = knocks.to_vec();
    tries.dedup_by(|later, earlier| *later - *earlier < Duration::from_millis(50));
    tries
}

#[tokio::test]
async fn without_a_broker_it_says_so_and_connects_when_one_comes() {
    let mut broker = Mosquitto::start("").await;
    broker.stop();
    let alice = Cli::new(&broker.url(), "alice", "laptop");
    let running = alice.run("none");
    let said = running
        .wait_line(|line| line.contains("connecting") && line.contains("nothing answers"), START)
        .await;
    assert!(said.contains(&format!("127.0.0.1:{}", broker.port())), "{said}");
    broker.start_again().await;
    running.wait_line(|line| line.contains("connected to"), SOON).await;
    let watch = Cli::new(&broker.url(), "bob", "desk").watch();
    watch.wait_status("alice", "online", START).await;
}

#[tokio::test]
async fn a_broker_that_hangs_up_is_asked_again_at_irregular_times_of_at_most_a_second() {
    let door = Slammer::start().await;
    let alice = Cli::new(&format!("mqtt://{}", door.address), "alice", "laptop");
    let _running = alice.run("none");
    until("the first try", START, || !door.knocks().is_empty()).await;
    let five_seconds = Duration::from_secs(5);
    never("a hammering", five_seconds, || tries(&door.knocks()).len() > 20).await;
    let knocks = tries(&door.knocks());
    assert!(knocks.len() > 3, "{knocks:?}");
    let gaps: Vec<_> = knocks.windows(2).map(|pair| pair[1] - pair[0]).collect();
    // From 0.1 to 1 s, and what a busy machine adds.
    let near = |gap: &Duration| {
        (Duration::from_millis(80)..Duration::from_millis(1000) + AT_ONCE).contains(gap)
    };
    assert!(gaps.iter().all(near), "{gaps:?}");
    let spread = gaps.iter().max().zip(gaps.iter().min()).map(|(max, min)| *max - *min);
    assert!(spread > Some(Duration::from_millis(50)), "a team would come back as one: {gaps:?}");
    // After the first seconds, with patience.
    let three_seconds = Duration::from_secs(3);
    never("a hammering", three_seconds, || tries(&door.knocks()).len() > knocks.len() + 10).await;
}

#[tokio::test]
async fn a_wrong_password_is_said_and_not_tried_again_and_again() {
    let broker = Mosquitto::setup().account("alice", "secret").start().await;
    let cable = TcpProxy::to(broker.port()).await;
    let guessing = format!("mqtt://alice:guessed@127.0.0.1:{}", cable.port());
    let alice = Cli::new(&guessing, "alice", "laptop");
    let who = alice.start(&["who"]);
    assert_eq!(who.finish(2 * SOON).await.0, Exit::Code(4), "{who}");
    let wrong = |line: &str| {
        line.contains("does not accept this user name and password")
            || line.contains("does not let this client in")
    };
    assert!(who.lines(Stream::Err).iter().any(|line| wrong(line)), "{who}");
    let set = alice.start(&["set", "dnd"]);
    assert_eq!(set.finish(2 * SOON).await.0, Exit::Code(4), "{set}");
    let watch = alice.start(&["watch"]);
    assert_eq!(watch.finish(2 * SOON).await.0, Exit::Code(4), "{watch}");

    let before = cable.connections();
    let running = alice.run("none");
    running.wait_line(wrong, START).await;
    never("another try", SOON, || cable.connections() > before + 1).await;
    assert!(running.exit().is_none(), "somebody may correct it: {running}");
    assert!(!running.to_string().contains("guessed"), "a password in the log: {running}");
}

#[tokio::test]
async fn no_connection_in_time_is_exit_code_3() {
    let light = Cli::new(&url(free_port()), "alice", "laptop");
    let clock = Stopwatch::start();
    let commands = [["who"].as_slice(), &["watch"], &["set", "dnd"], &["clear"]];
    let started =
        commands.map(|arguments| light.start(&[arguments, &["--timeout", "1s"]].concat()));
    for proc in started {
        let (exit, output) = proc.finish(2 * SOON).await;
        assert_eq!((exit, output.as_str()), (Exit::Code(3), ""), "{proc}");
        assert!(clock.elapsed() >= Duration::from_secs(1), "{:?}: {proc}", clock.elapsed());
        assert!(proc.to_string().contains("nothing answers at 127.0.0.1"), "{proc}");
    }
}

#[tokio::test]
async fn wrong_usage_is_exit_code_2_and_says_what_is_right() {
    let light = somebody();
    for (arguments, wanted) in [
        (["dance"].as_slice(), "Usage"),
        (&["who", "--loud"], "--loud"),
        (&["who", "--broker", "http://localhost"], "mqtt://"),
        (&["who", "--broker", "mqtt://localhost/elsewhere"], "presence"),
        (&["who", "--user", "a/b"], "no control characters"),
        (&["who", "--timeout", "soon"], "90s"),
        (&["set", "sleeping"], "dnd"),
        (&["run", "--broker", "mqtt://127.0.0.1"], "--user"),
        (&["set", "dnd", "--broker", "mqtt://127.0.0.1"], "--user"),
        (&["run", "--user", "alice", "--activity", "telepathy"], "stdin"),
        (&["who"], "--broker"),
        (&["hub", "--memory", "--store", "x"], "--store"),
    ] {
        let (exit, said) = refused(&light, arguments).await;
        assert_eq!(exit, Exit::Code(2), "{arguments:?}: {said}");
        assert!(said.contains(wanted), "{arguments:?}: {said}");
    }
}

#[tokio::test]
async fn a_wrong_config_is_named_with_file_and_line_and_what_is_allowed() {
    for (config, line, allowed) in [
        ("user = \"alice\"\n[activity]\naway_after = \"soon\"\n", 3, "90s, 5m, 2h or 1d"),
        ("\n\n[activity]\nsource = \"telepathy\"\n", 4, "stdin"),
        ("[broker]\nurl = \"http://localhost\"\n", 2, "mqtt://host:port"),
        ("user = \"a/b\"\n", 1, "no control characters"),
        ("user = \"alice\"\nusre = \"bob\"\n", 2, "user"),
        ("[notices]\ncome_and_go = \"yes\"\n", 2, "boolean"),
        ("user = \n", 1, ""),
    ] {
        let light = somebody().configured(config);
        let (exit, said) = refused(&light, &["who", "--timeout", "1s"]).await;
        assert_eq!(exit, Exit::Code(2), "{config}: {said}");
        let place = format!("config.toml, line {line}: ");
        assert!(said.contains(&place) && said.contains(allowed), "{config}: {said}");
    }
}

#[tokio::test]
async fn a_hub_says_that_its_port_is_taken() {
    let taken = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
    let address = taken.local_addr().expect("it listens").to_string();
    let (exit, said) = refused(&somebody(), &["hub", "--open", "--listen", &address]).await;
    assert_eq!(exit, Exit::Code(1), "{said}");
    assert!(said.contains(&address) && said.contains("already uses"), "{said}");
}

#[tokio::test]
async fn a_hub_takes_another_port_when_the_usual_one_is_taken() {
    // The only fixed port in these tests: it is the default that is looked at. Who else has it does
    // not matter.
    let _taken = TcpListener::bind("127.0.0.1:18830").await;
    let light = somebody();
    let hub = light.start_by_config(&["hub", "--open"]);
    let first = hub.wait_line(|line| line.starts_with("listening on 127.0.0.1:"), START).await;
    assert!(!first.ends_with(":18830"), "{first}");
    let warning = hub
        .wait_line(|line| line.contains("18830") && line.contains("another program uses"), SOON)
        .await;
    assert!(warning.contains(&first["listening on ".len()..]), "{warning}");
    let who = light.start_by_config(&["who", "--json"]);
    assert_eq!(who.finish(2 * SOON).await, (Exit::Code(0), "[]".to_owned()), "{who}");
}

#[tokio::test]
async fn a_hub_for_other_computers_has_to_be_asked_for() {
    let (exit, said) = refused(&somebody(), &["hub", "--open", "--listen", "0.0.0.0:0"]).await;
    assert_eq!(exit, Exit::Code(2), "{said}");
    assert!(said.contains("--allow-anonymous") && said.contains("other computers"), "{said}");
    let hub = somebody().start_by_config(&[
        "hub",
        "--open",
        "--listen",
        "0.0.0.0:0",
        "--allow-anonymous",
    ]);
    let first = hub.wait_line(|line| line.starts_with("listening on 0.0.0.0:"), START).await;
    hub.wait_line(|line| line.contains("anybody who can reach"), SOON).await;
    let port = first.rsplit(':').next().and_then(|port| port.parse().ok()).expect("a port");
    let light = Cli::new(&url(port), "bob", "desk");
    assert!(light.who().await.is_empty());
}

/// What is seen through this hub, told to keep its states in `store`, while nothing can be kept.
async fn presence_goes_on_without(store: &Path, hub: &Proc, spoil: impl FnOnce()) {
    let first = hub.wait_line(|line| line.starts_with("listening on 127.0.0.1:"), START).await;
    let broker = format!("mqtt://{}", &first["listening on ".len()..]);
    spoil();
    let watch = Cli::new(&broker, "bob", "desk").watch();
    watch.wait_link(true, START).await;
    let alice = Cli::new(&broker, "alice", "laptop");
    let running = alice.run("none");
    watch.wait_status("alice", "online", SOON).await;
    alice.set("dnd", Some(&"x".repeat(200))).await;
    watch.wait_status("alice", "dnd", SOON).await;
    let said = hub.wait_line(|line| line.contains("statuses can't be saved"), SOON).await;
    assert!(said.contains(&*store.to_string_lossy()), "{said}");
    assert!(said.contains("the hub goes on"), "{said}");
    running.signal_leader(Signal::TERM);
    watch.wait_status("alice", "offline", SOON).await;
    // A late joiner reads what could not be saved: it is kept in memory.
    let late = Cli::new(&broker, "carol", "desk").who().await;
    assert!(late.iter().any(|p| p["user"] == "alice" && p["status"] == "offline"), "{late:?}");
}

#[tokio::test]
async fn a_hub_without_a_place_for_its_store_goes_on() {
    let dir = tempfile::tempdir().expect("a temporary folder can be made");
    let store = dir.path().join("in-the-way");
    std::fs::write(&store, "a file where the folder should be").expect("it is ours");
    let place = store.to_string_lossy();
    let home = somebody();
    let hub =
        home.start_by_config(&["hub", "--open", "--listen", "127.0.0.1:0", "--store", &place]);
    presence_goes_on_without(&store, &hub, || {}).await;
}

/// A hub that sees a small file system of its own in `dir`, which goes with it whatever ends it.
/// `None` where this machine does not let us mount one.
fn hub_on_a_small_disk(home: &Cli, dir: &Path, options: &str) -> Option<Proc> {
    // Root needs no namespace of users, and may not be allowed one.
    let ways = [["--mount"].as_slice(), &["--mount", "--map-root-user"]];
    let mount = r#"mount -t tmpfs -o "$1" tmpfs "$2" && shift 2 && exec "$@""#;
    let unshare = |way: &[&str]| {
        let mut command = Command::new("unshare");
        command.args(way).args(["sh", "-c", mount, "sh", options]).arg(dir);
        command
    };
    let may = |way: &&&[&str]| unshare(way).arg("true").output().is_ok_and(|o| o.status.success());
    let Some(way) = ways.iter().find(may) else {
        println!("skipped: small_disk: no file system can be mounted here");
        return None;
    };
    let store = dir.join("store");
    let store = store.to_string_lossy();
    let hub = home.command(&["hub", "--open", "--listen", "127.0.0.1:0", "--store", &store]);
    let mut command = unshare(way);
    command.arg(hub.get_program()).args(hub.get_args());
    Some(Proc::spawn("porchlight hub on a small disk", &mut command))
}

#[tokio::test]
async fn a_hub_whose_disk_is_full_goes_on() {
    let (home, dir) = (somebody(), tempfile::tempdir().expect("a temporary folder can be made"));
    let Some(hub) = hub_on_a_small_disk(&home, dir.path(), "size=64k") else {
        return;
    };
    let fill = || {
        // As the hub sees it.
        let disk = format!("/proc/{}/root{}", hub.id(), dir.path().display());
        let filled = std::fs::write(Path::new(&disk).join("filler"), vec![0; 1024 * 1024]);
        assert!(filled.is_err(), "64 KiB took 1 MiB");
    };
    presence_goes_on_without(&dir.path().join("store"), &hub, fill).await;
    assert!(hub.to_string().contains("No space left"), "{hub}");
}

#[tokio::test]
async fn a_hub_whose_disk_is_read_only_goes_on() {
    let (home, dir) = (somebody(), tempfile::tempdir().expect("a temporary folder can be made"));
    let Some(hub) = hub_on_a_small_disk(&home, dir.path(), "ro") else {
        return;
    };
    presence_goes_on_without(&dir.path().join("store"), &hub, || {}).await;
    assert!(hub.to_string().contains("Read-only"), "{hub}");
}

#[tokio::test]
async fn a_device_that_can_not_keep_its_state_is_there_nevertheless() {
    let hub = EmbeddedHub::start().await;
    let watch = Cli::new(&hub.url(), "bob", "desk").watch();
    watch.wait_link(true, START).await;
    let alice = Cli::new(&hub.url(), "alice", "laptop");
    // Not a matter of permissions, which do not bind root.
    std::fs::write(alice.config_dir().join("state"), "a file where the folder should be")
        .expect("it is ours");
    let running = alice.run("none");
    watch.wait_status("alice", "online", START).await;
    let said = running.wait_line(|line| line.contains("can't be written"), SOON).await;
    assert!(said.contains("your status still works"), "{said}");
    assert!(said.contains(&*alice.config_dir().to_string_lossy()), "{said}");
}

/// Nobody was ever said to be offline, and everybody's last word was marked as old and as new again.
fn nobody_went(watch: &Watch, user: &str) {
    let stale: Vec<_> = watch
        .events()
        .iter()
        .filter(|event| event["user"] == user)
        .filter_map(|event| event["stale"].as_bool())
        .collect();
    assert!(stale.contains(&true), "{}", watch.proc());
    assert_eq!(stale.last(), Some(&false), "{}", watch.proc());
    assert_eq!(watch.statuses(user), ["online"], "{}", watch.proc());
}

#[tokio::test]
async fn a_broker_that_is_restarted_calls_nobody_offline() {
    let mut broker = Mosquitto::start("").await;
    let watch = Cli::new(&broker.url(), "bob", "desk").watch();
    watch.wait_link(true, START).await;
    let alice = Cli::new(&broker.url(), "alice", "laptop");
    let running = alice.run("none");
    watch.wait_status("alice", "online", START).await;
    broker.stop();
    watch.wait_link(false, AT_ONCE).await;
    watch.wait_person("alice", |person| person["stale"] == true, AT_ONCE).await;
    broker.start_again().await;
    watch.wait_link(true, SOON).await;
    watch.wait_person("alice", |person| person["stale"] == false, SOON).await;
    let connected = |line: &&String| line.contains("connected to");
    until("alice to be back", SOON, || {
        running.lines(Stream::Err).iter().filter(connected).count() == 2
    })
    .await;
    never("somebody offline", AT_ONCE, || watch.statuses("alice").contains(&"offline".to_owned()))
        .await;
    nobody_went(&watch, "alice");
}

#[tokio::test]
async fn a_broker_that_crashes_calls_nobody_offline() {
    let mut broker = Mosquitto::start("").await;
    let watch = Cli::new(&broker.url(), "bob", "desk").watch();
    watch.wait_link(true, START).await;
    let alice = Cli::new(&broker.url(), "alice", "laptop");
    let _running = alice.run("none");
    watch.wait_status("alice", "online", START).await;
    broker.crash();
    watch.wait_link(false, AT_ONCE).await;
    broker.start_again().await;
    watch.wait_link(true, SOON).await;
    watch.wait_person("alice", |person| person["stale"] == false, SOON).await;
    nobody_went(&watch, "alice");
}

#[tokio::test]
async fn one_device_runs_once() {
    let hub = EmbeddedHub::start().await;
    let watch = Cli::new(&hub.url(), "bob", "desk").watch();
    watch.wait_link(true, START).await;
    let alice = Cli::new(&hub.url(), "alice", "laptop");
    let mut first = alice.run("none");
    watch.wait_status("alice", "online", START).await;
    let second = alice.run("none");
    assert_eq!(second.finish(SOON).await.0, Exit::Code(2), "{second}");
    assert!(second.to_string().contains("already runs on this device as alice"), "{second}");
    assert!(first.exit().is_none());
    assert_eq!(watch.statuses("alice"), ["online"]);
    // A crash leaves no lock behind.
    first.kill();
    let third = alice.run("none");
    third.wait_line(|line| line.contains("connected to"), START).await;
    assert_eq!(watch.statuses("alice"), ["online"], "it was back within the grace");
}

#[tokio::test]
async fn a_pulled_cable_is_noticed_within_20_s() {
    let broker = Mosquitto::start("").await;
    let cable = TcpProxy::to(broker.port()).await;
    let watch = Cli::new(&cable.url(), "bob", "desk").watch();
    watch.wait_link(true, START).await;
    let alice = Cli::new(&broker.url(), "alice", "laptop");
    let _running = alice.run("none");
    watch.wait_status("alice", "online", START).await;
    let clock = Stopwatch::start();
    cable.pull();
    watch.wait_link(false, Duration::from_secs(20)).await;
    eprintln!("a pulled cable was noticed after {:?}", clock.elapsed());
    let alice = watch.wait_person("alice", |person| person["stale"] == true, AT_ONCE).await;
    assert_eq!(alice["status"], "online", "our own link says nothing of others");
    cable.plug_in();
    watch.wait_link(true, SOON).await;
    watch.wait_person("alice", |person| person["stale"] == false, SOON).await;
}

#[tokio::test]
async fn nothing_is_asked_of_the_desktop() {
    // A presence without display, bus or session reports once what it cannot observe, and goes on.
    let hub = EmbeddedHub::start().await;
    let alice = Cli::new(&hub.url(), "alice", "laptop");
    let mut command = alice.command(&["run", "--activity", "auto"]);
    assert_eq!(command.get_program(), bin("porchlight"));
    let running = Proc::spawn("porchlight run", &mut command);
    let watch = Cli::new(&hub.url(), "bob", "desk").watch();
    let person = watch.wait_status("alice", "online", START).await;
    assert_eq!(person["cause"], "unknown", "{person}");
    let told = running.lines(Stream::Err).iter().filter(|l| l.contains("activity")).count();
    assert_eq!(told, 1, "{running}");
}
