//! The Wayland source with the real KWin, without a screen.
#![cfg(target_os = "linux")]

#[path = "observer/thread.rs"]
mod observer;
#[path = "session/bus.rs"]
mod session;

use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use observer::{Delays, Observer};
use porchlight_activity::{Choice, SessionEnv, Settings};
use porchlight_core::observation::Observation;
use session::{Server, Session};
use tokio::time::Instant;
use wayland_client::globals::{GlobalListContents, registry_queue_init};
use wayland_client::protocol::wl_registry::{self, WlRegistry};
use wayland_client::{Connection, Dispatch, EventQueue, QueueHandle, delegate_noop};
use wayland_protocols_plasma::fake_input::client::org_kde_kwin_fake_input::OrgKdeKwinFakeInput;

const AWAY_AFTER: Duration = Duration::from_secs(1);
/// KWin's timers are coarse: they may be off by a twentieth.
const COARSE: Duration = Duration::from_millis(50);
const SOCKET: &str = "wayland-kwin";

/// Runs one test at a time: all buses of a process wake the same thread, whose wake-ups are
/// counted.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn kwin(session: &Session) -> Server {
    // A copy: the original has a file capability, and does not run where that can't be granted.
    let copy = session.dir().join("kwin_wayland");
    if !copy.exists() {
        let original = Path::new("/usr/bin/kwin_wayland");
        std::fs::copy(original, &copy)
            .expect("these tests need kwin_wayland: run `make test`, which installs it");
    }
    let server = Server::start(
        session
            .command(&copy)
            .args(["--virtual", "--no-lockscreen", "--no-global-shortcuts", "--socket", SOCKET])
            .env("KWIN_WAYLAND_NO_PERMISSION_CHECKS", "1")
            .env_remove("QT_QPA_PLATFORM"),
    );
    session.wait_for(SOCKET);
    server
}

fn watch(session: &Session, away_after: Duration) -> (Observer, String) {
    let settings = Settings { choice: Choice::Auto, away_after, ..Settings::default() };
    let env = SessionEnv {
        wayland_display: Some(SOCKET.to_owned()),
        runtime_dir: Some(session.runtime_dir()),
        session_bus: Some(session.bus_address()),
        ..SessionEnv::default()
    };
    Observer::start(settings, env)
}

/// A mouse.
struct Mouse {
    input: OrgKdeKwinFakeInput,
    queue: EventQueue<Nothing>,
}

struct Nothing;

impl Mouse {
    fn of(session: &Session) -> Self {
        let stream = UnixStream::connect(session.dir().join(SOCKET)).expect("KWin listens");
        let connection = Connection::from_socket(stream).expect("a connection");
        let (globals, queue) = registry_queue_init::<Nothing>(&connection).expect("KWin answers");
        let input: OrgKdeKwinFakeInput =
            globals.bind(&queue.handle(), 1..=4, ()).expect("KWin takes fake input");
        input.authenticate("test".to_owned(), "test".to_owned());
        Self { input, queue }
    }

    /// Moves the mouse. When it returns, KWin has processed it.
    fn nudge(&mut self) {
        self.input.pointer_motion(5.0, 5.0);
        self.queue.roundtrip(&mut Nothing).expect("KWin answers");
    }
}

impl Dispatch<WlRegistry, GlobalListContents> for Nothing {
    fn event(
        _: &mut Self,
        _: &WlRegistry,
        _: wl_registry::Event,
        _: &GlobalListContents,
        _: &Connection,
        _: &QueueHandle<Self>,
    ) {
    }
}

delegate_noop!(Nothing: ignore OrgKdeKwinFakeInput);

#[test]
fn away_and_back_are_reported_at_once() {
    let _alone = alone();
    let session = Session::new();
    let _bus = session.bus();
    let _kwin = kwin(&session);
    let mut mouse = Mouse::of(&session);
    let (observer, source) = watch(&session, AWAY_AFTER);
    assert!(source.starts_with("ext-idle-notify (tells idle)"), "{source}");
    // KWin must consider the seat idle before it can report input.
    observer.silent_for(Duration::from_millis(200));
    let (mut away, mut back) = (Delays::default(), Delays::default());
    for _ in 0..5 {
        let input = Instant::now();
        mouse.nudge();
        back.add(observer.active().at.saturating_duration_since(input));
        let (seen, ago) = observer.idle();
        away.add((seen.at - input).abs_diff(AWAY_AFTER));
        let since = ago.abs_diff(seen.at - input);
        assert!(
            since <= Duration::from_millis(100) + COARSE,
            "the last input is wrong by {since:?}"
        );
    }
    away.check("away", COARSE);
    back.check("back", Duration::ZERO);
}

#[test]
fn a_thousand_inputs_of_an_active_person_wake_nothing() {
    let _alone = alone();
    let session = Session::new();
    let _bus = session.bus();
    let _kwin = kwin(&session);
    let mut mouse = Mouse::of(&session);
    let (observer, _) = watch(&session, 5 * AWAY_AFTER);
    observer.silent_for(Duration::from_millis(200));
    mouse.nudge();
    observer.active();
    let before = observer.wake_ups();
    assert!(before > 0, "nothing was counted");
    for _ in 0..1_000 {
        mouse.nudge();
    }
    // A source without a bus retries now and then. If each input woke us, there would be a thousand
    // wake-ups.
    let woken = observer.wake_ups() - before;
    assert!(woken <= 4, "{woken} wake-ups");
    // And yet the source still works.
    observer.idle();
    assert!(observer.wake_ups() > before);
}

#[test]
fn a_compositor_that_is_killed_is_a_loss_until_it_is_back() {
    let _alone = alone();
    let session = Session::new();
    let _bus = session.bus();
    let first = kwin(&session);
    let mut mouse = Mouse::of(&session);
    let (observer, _) = watch(&session, AWAY_AFTER);
    observer.silent_for(Duration::from_millis(200));
    mouse.nudge();
    observer.active();
    drop(first);
    let lost = observer.next();
    assert_eq!(lost.observation, Observation::SourceLost);
    assert!(lost.source.contains("the compositor is gone"), "{lost:?}");

    let _second = kwin(&session);
    let back = observer.next();
    assert_eq!(back.observation, Observation::SourceOk);
    observer.idle();
    Mouse::of(&session).nudge();
    observer.active();
}
