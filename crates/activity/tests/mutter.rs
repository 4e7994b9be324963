//! The GNOME source with the real Mutter, without a screen.
#![cfg(target_os = "linux")]

#[path = "observer/thread.rs"]
mod observer;
#[path = "session/bus.rs"]
mod session;

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_lite::future::block_on;
use observer::{Delays, Observer};
use porchlight_activity::{Choice, SessionEnv, Settings};
use porchlight_core::observation::Observation;
use session::{Server, Session, pause};
use tokio::time::Instant;
use zbus::Connection;
use zbus::connection::Builder;
use zbus::proxy;
use zbus::zvariant::OwnedObjectPath;

const AWAY_AFTER: Duration = Duration::from_secs(1);
const SOCKET: &str = "wayland-mutter";

/// Runs one test at a time: all buses of a process wake the same thread, whose wake-ups are
/// counted.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn mutter(session: &Session) -> Server {
    let server = Server::start(session.command("mutter").args([
        "--wayland",
        "--headless",
        "--no-x11",
        "--virtual-monitor",
        "800x600",
        "--wayland-display",
        SOCKET,
    ]));
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

#[proxy(
    interface = "org.gnome.Mutter.RemoteDesktop",
    default_service = "org.gnome.Mutter.RemoteDesktop",
    default_path = "/org/gnome/Mutter/RemoteDesktop",
    gen_blocking = false
)]
trait RemoteDesktop {
    fn create_session(&self) -> zbus::Result<OwnedObjectPath>;
}

#[proxy(
    interface = "org.gnome.Mutter.RemoteDesktop.Session",
    default_service = "org.gnome.Mutter.RemoteDesktop",
    gen_blocking = false
)]
trait RemoteSession {
    fn start(&self) -> zbus::Result<()>;
    /// Without an answer, which would wake the thread whose wake-ups are counted.
    #[zbus(no_reply)]
    fn notify_pointer_motion_relative(&self, dx: f64, dy: f64) -> zbus::Result<()>;
}

/// A mouse.
struct Mouse(RemoteSessionProxy<'static>);

impl Mouse {
    /// Waits until the shell is there.
    fn of(session: &Session) -> Self {
        let connection = async { Builder::address(session.bus_address().as_str())?.build().await };
        let connection: Connection = block_on(connection).expect("the bus is there");
        let begun = Instant::now();
        loop {
            match block_on(Self::plugged(&connection)) {
                Ok(mouse) => return mouse,
                Err(error) => assert!(begun.elapsed() < observer::DEADLINE, "{error}"),
            }
            pause();
        }
    }

    async fn plugged(connection: &Connection) -> zbus::Result<Self> {
        let path = RemoteDesktopProxy::new(connection).await?.create_session().await?;
        let session = RemoteSessionProxy::builder(connection)
            .path(path)?
            .cache_properties(proxy::CacheProperties::No)
            .build()
            .await?;
        session.start().await?;
        Ok(Self(session))
    }

    fn nudge(&self) {
        block_on(self.0.notify_pointer_motion_relative(3.0, 3.0)).expect("the bus is there");
    }
}

#[test]
fn away_and_back_are_reported_at_once() {
    let _alone = alone();
    let session = Session::new();
    let _bus = session.bus();
    let _mutter = mutter(&session);
    let mouse = Mouse::of(&session);
    mouse.nudge();
    let (observer, source) = watch(&session, AWAY_AFTER);
    assert_eq!(source, "mutter (tells idle)");
    observer.active();
    let (mut away, mut back) = (Delays::default(), Delays::default());
    for _ in 0..5 {
        let input = Instant::now();
        mouse.nudge();
        let (seen, ago) = observer.idle();
        away.add((seen.at - input).saturating_sub(AWAY_AFTER));
        let since = ago.abs_diff(seen.at - input);
        assert!(since <= Duration::from_millis(100), "the last input is wrong by {since:?}");
        let input = Instant::now();
        mouse.nudge();
        back.add(observer.active().at.saturating_duration_since(input));
    }
    away.check("away", Duration::ZERO);
    back.check("back", Duration::ZERO);
}

#[test]
fn a_thousand_inputs_of_an_active_person_wake_nothing() {
    let _alone = alone();
    let session = Session::new();
    let _bus = session.bus();
    let _mutter = mutter(&session);
    let mouse = Mouse::of(&session);
    mouse.nudge();
    let (observer, _) = watch(&session, 3 * AWAY_AFTER);
    observer.active();
    // Everything that was asked at the start is answered by then.
    observer.silent_for(Duration::from_millis(300));
    mouse.nudge();
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
fn a_person_who_is_away_at_the_start_is_away_at_once_and_their_return_is_seen() {
    let _alone = alone();
    let session = Session::new();
    let _bus = session.bus();
    let _mutter = mutter(&session);
    let mouse = Mouse::of(&session);
    mouse.nudge();
    let (first, _) = watch(&session, AWAY_AFTER);
    first.active();
    first.idle();
    let (second, _) = watch(&session, AWAY_AFTER);
    let (_, ago) = second.idle();
    assert!(ago >= AWAY_AFTER, "idle for {ago:?}");
    second.silent_for(Duration::from_millis(100));
    mouse.nudge();
    second.active();
    first.active();
}

#[test]
fn gnome_on_x11_is_asked_as_well() {
    let _alone = alone();
    let session = Session::new();
    let _bus = session.bus();
    let _mutter = mutter(&session);
    Mouse::of(&session).nudge();
    let settings = Settings { choice: Choice::Auto, away_after: AWAY_AFTER, ..Settings::default() };
    let env = SessionEnv {
        // No server has that many displays.
        display: Some(":59000".to_owned()),
        session_bus: Some(session.bus_address()),
        ..SessionEnv::default()
    };
    let (observer, source) = Observer::start(settings, env);
    assert_eq!(source, "mutter (tells idle)");
    observer.active();
}

#[test]
fn a_shell_that_is_killed_is_a_loss_until_it_is_back() {
    let _alone = alone();
    let session = Session::new();
    let _bus = session.bus();
    let shell = mutter(&session);
    Mouse::of(&session).nudge();
    let (observer, _) = watch(&session, 300 * AWAY_AFTER);
    active_at_last(&observer);
    drop(shell);
    let lost = observer.next();
    assert_eq!(lost.observation, Observation::SourceLost);
    assert!(lost.source.contains("GNOME Shell ended"), "{lost:?}");
    // Long enough for the pause between two attempts to exceed the wait below.
    observer.silent_for(Duration::from_secs(4));

    let _shell = mutter(&session);
    let mouse = Mouse::of(&session);
    let begun = Instant::now();
    let back = observer.next();
    assert_eq!(back.observation, Observation::SourceOk);
    assert_eq!(back.source, "mutter (tells idle)");
    let late = back.at.saturating_duration_since(begun);
    assert!(late < Duration::from_millis(500), "back {late:?} after the shell");
    mouse.nudge();
    observer.active();
}

#[test]
fn a_bus_that_is_killed_is_a_loss_until_it_is_back() {
    let _alone = alone();
    let session = Session::new();
    let bus = session.bus();
    let shell = mutter(&session);
    Mouse::of(&session).nudge();
    let (observer, _) = watch(&session, 300 * AWAY_AFTER);
    active_at_last(&observer);
    drop(bus);
    let lost = observer.next();
    assert_eq!(lost.observation, Observation::SourceLost);
    assert!(lost.source.contains("activity is unknown"), "{lost:?}");
    drop(shell);

    let _bus = session.bus();
    let _shell = mutter(&session);
    let back = observer.next();
    assert_eq!(back.observation, Observation::SourceOk);
    assert_eq!(back.source, "mutter (tells idle)");
    Mouse::of(&session).nudge();
    observer.active();
}

/// Waits for the first input. On a busy machine, a server that was just started may be given up
/// once before it answers.
fn active_at_last(observer: &Observer) {
    while observer.next().observation != Observation::InputActive {}
}
