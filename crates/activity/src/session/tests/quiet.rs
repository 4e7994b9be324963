use std::collections::BTreeMap;
use std::fs;
use std::process::Command;
use std::time::Duration;

use porchlight_core::observation::Observation;

use super::bus::Daemon;
use super::logind::{By, Logind};
use super::saver::ScreenSaver;
use super::{alone, next};
use crate::session::{self, Places};
use crate::settings::Settings;
use crate::supervise::Supervisor;

/// How long to count wake-ups.
const QUIET: Duration = Duration::from_secs(3);

/// How often each thread of this process went to sleep by itself (voluntary context switches).
fn sleeps() -> BTreeMap<u64, u64> {
    let number = |word: Option<&str>| word.unwrap().parse().unwrap();
    let tasks = fs::read_dir("/proc/self/task").unwrap().map(|task| task.unwrap());
    // A thread may end while its status is read.
    let status = |task: fs::DirEntry| {
        let status = fs::read_to_string(task.path().join("status")).ok()?;
        let mut lines = status.lines();
        let line = lines.find(|line| line.starts_with("voluntary_ctxt_switches"))?;
        let count = number(line.split_whitespace().last());
        Some((number(task.file_name().to_str()), count))
    };
    tasks.filter_map(status).collect()
}

/// The services run in the parent process, so their wake-ups do not count here.
#[tokio::test]
async fn nothing_wakes_up_while_nothing_changes() {
    if !alone::is_alone() {
        let (system, session) = (Daemon::start(), Daemon::start());
        let _logind = Logind::start(&system, By::Id).await;
        let _saver = ScreenSaver::start(&session, Some(false)).await;
        let mut command = Command::new(alone::program());
        command
            .env("DBUS_SYSTEM_BUS_ADDRESS", system.address())
            .env("DBUS_SESSION_BUS_ADDRESS", session.address())
            .env("XDG_SESSION_ID", "c1");
        let name = "session::tests::quiet::nothing_wakes_up_while_nothing_changes";
        return alone::run(name, command);
    }
    let mut supervisor = Supervisor::new();
    // No calls: there is no sound server among these services.
    let settings = Settings { desktop_dnd: true, ..Settings::default() };
    session::open(&mut supervisor, &Places::from_env(), &settings);
    let mut watch = supervisor.watch();
    watch.settle().await;
    let mut first = [next(&mut watch).await, next(&mut watch).await];
    first.sort_by_key(|observation| format!("{observation:?}"));
    assert_eq!(first, [Observation::Locked(false), Observation::Switched(false)]);
    // Lets everything come to rest that the start set in motion.
    super::nothing_more(&mut watch).await;
    let before = sleeps();
    tokio::time::sleep(QUIET).await;
    let woken: BTreeMap<u64, u64> = sleeps()
        .into_iter()
        .map(|(thread, count)| (thread, count - before.get(&thread).unwrap_or(&0)))
        .collect();
    // This test sleeps as well, and wakes up to look.
    let count: u64 = woken.values().sum();
    assert!(count <= 3, "wake-ups of each thread in {QUIET:?}: {woken:?}");
}

/// A machine without a message bus, as a server or a container may be.
#[tokio::test]
async fn nothing_wakes_up_without_a_bus() {
    if !alone::is_alone() {
        let nowhere = tempfile::tempdir().unwrap();
        let address = format!("unix:path={}", nowhere.path().join("no/such/bus").display());
        let mut command = Command::new(alone::program());
        command
            .env("DBUS_SYSTEM_BUS_ADDRESS", &address)
            .env("DBUS_SESSION_BUS_ADDRESS", &address)
            .env("PULSE_SERVER", nowhere.path().join("no/such/sound"))
            .env_remove("XDG_RUNTIME_DIR");
        let name = "session::tests::quiet::nothing_wakes_up_without_a_bus";
        return alone::run(name, command);
    }
    let mut supervisor = Supervisor::new();
    let settings = Settings { desktop_dnd: true, in_call: true, ..Settings::default() };
    session::open(&mut supervisor, &Places::from_env(), &settings);
    let mut watch = supervisor.watch();
    watch.settle().await;
    // Long enough for a second attempt of each, if there were one after a pause.
    let more = tokio::time::timeout(QUIET, watch.next()).await;
    assert!(more.is_err(), "{more:?}");
    let before = sleeps();
    tokio::time::sleep(QUIET).await;
    let count: u64 = sleeps().values().sum::<u64>() - before.values().sum::<u64>();
    assert!(count <= 3, "wake-ups in {QUIET:?}: {count}");
}
