//! The X11 source with a real X server: the observations match what the person does.
#![cfg(all(unix, not(target_os = "macos")))]

#[path = "observer/thread.rs"]
mod observer;
#[path = "session/bus.rs"]
mod place;
#[path = "x11/server.rs"]
mod server;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use observer::{Delays, Observer};
use place::Session;
use porchlight_activity::{Choice, Probe, SessionEnv, Settings, Watch, start};
use porchlight_core::observation::{Moment, Observation};
use server::{Edit, Keyboard, Proxy, Xvfb, silent_display};
use tokio::time::{Instant, timeout};

const AWAY_AFTER: Duration = Duration::from_secs(1);
/// The deadline of every wait.
const DEADLINE: Duration = Duration::from_secs(10);

fn settings(probe: Option<Probe>) -> Settings {
    Settings { away_after: AWAY_AFTER, probe, ..Settings::default() }
}

fn session(display: &str) -> SessionEnv {
    SessionEnv { display: Some(display.to_owned()), ..SessionEnv::default() }
}

async fn watch(display: &str) -> Watch {
    start(settings(None), &session(display)).await
}

async fn next(watch: &mut Watch) -> Observation {
    timeout(DEADLINE, watch.next()).await.expect("an observation in time")
}

fn idle_for(observation: Observation) -> Duration {
    match observation {
        Observation::InputIdle { since: Moment::Ago(ago) } => ago,
        other => panic!("{other:?} is no idle time that a counter tells"),
    }
}

/// A probe that counts its calls.
fn counting(idle: Duration) -> (Option<Probe>, Arc<AtomicUsize>) {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let probe: Probe = Box::new(move || {
        count.fetch_add(1, Ordering::Relaxed);
        Some(idle)
    });
    (Some(probe), asked)
}

#[tokio::test]
async fn idle_and_return_are_reported_when_they_happen() {
    let server = Xvfb::start();
    let keyboard = Keyboard::of(server.display());
    keyboard.press();
    let mut watch = watch(server.display()).await;
    assert_eq!(watch.source().name, "xsync");
    assert_eq!(next(&mut watch).await, Observation::InputActive);
    for _ in 0..2 {
        let pressed = Instant::now();
        keyboard.press();
        let ago = idle_for(next(&mut watch).await);
        let tolerance = Duration::from_millis(150);
        assert!(ago.abs_diff(AWAY_AFTER) <= tolerance, "idle for {ago:?}");
        assert!(
            pressed.elapsed().abs_diff(ago) <= tolerance,
            "{ago:?} told after {:?}",
            pressed.elapsed()
        );

        let returned = Instant::now();
        keyboard.press();
        assert_eq!(next(&mut watch).await, Observation::InputActive);
        assert!(
            returned.elapsed() <= Duration::from_millis(200),
            "told after {:?}",
            returned.elapsed()
        );
    }
}

#[tokio::test]
async fn input_of_an_active_person_is_not_reported() {
    let server = Xvfb::start();
    let keyboard = Keyboard::of(server.display());
    keyboard.press();
    // Twice as long as elsewhere, so that a busy machine is not mistaken for an absent person.
    let settings = Settings { away_after: 2 * AWAY_AFTER, ..settings(None) };
    let mut watch = start(settings, &session(server.display())).await;
    assert_eq!(next(&mut watch).await, Observation::InputActive);
    for _ in 0..25 {
        keyboard.press();
        let told = timeout(Duration::from_millis(100), watch.next()).await;
        assert!(told.is_err(), "{told:?}");
    }
    assert!(idle_for(next(&mut watch).await) >= 2 * AWAY_AFTER);
}

#[tokio::test]
async fn a_person_who_is_away_at_the_start_is_away_at_once_and_their_return_is_seen() {
    let server = Xvfb::start();
    let keyboard = Keyboard::of(server.display());
    keyboard.press();
    // Another watch shows when the time has come.
    let mut first = watch(server.display()).await;
    assert_eq!(next(&mut first).await, Observation::InputActive);
    idle_for(next(&mut first).await);

    let begun = Instant::now();
    let mut second = watch(server.display()).await;
    let ago = idle_for(next(&mut second).await);
    assert!(begun.elapsed() < Duration::from_millis(500), "known after {:?}", begun.elapsed());
    assert!(ago >= AWAY_AFTER, "idle for {ago:?}");
    let known = timeout(Duration::from_millis(100), second.next()).await;
    assert!(known.is_err(), "told twice: {known:?}");
    keyboard.press();
    assert_eq!(next(&mut second).await, Observation::InputActive);
    assert_eq!(next(&mut first).await, Observation::InputActive);
}

#[tokio::test]
async fn a_server_that_is_killed_is_a_loss_until_it_is_back() {
    let server = Xvfb::start();
    let mut watch = watch(server.display()).await;
    let first = next(&mut watch).await;
    assert!(matches!(first, Observation::InputActive | Observation::InputIdle { .. }), "{first:?}");
    let number = server.number();
    drop(server);
    let lost = async { while watch.next().await != Observation::SourceLost {} };
    timeout(DEADLINE, lost).await.expect("the loss is told");
    let said = watch.source().to_string();
    assert!(said.contains("the X server is gone"), "{said}");
    assert!(!watch.source().tells.idle);

    let server = Xvfb::again(number);
    let back = timeout(DEADLINE, watch.next()).await.expect("it is back");
    assert_eq!(back, Observation::SourceOk);
    assert_eq!(watch.source().name, "xsync");
    assert!(watch.source().tells.idle);
    let keyboard = Keyboard::of(server.display());
    // Whatever the state was at the start, the source follows what the person does.
    let followed = async {
        keyboard.press();
        while watch.next().await != Observation::InputActive {}
        while !matches!(watch.next().await, Observation::InputIdle { .. }) {}
        keyboard.press();
        while watch.next().await != Observation::InputActive {}
    };
    timeout(DEADLINE, followed).await.expect("it watches again");
}

#[test]
fn a_thousand_inputs_of_an_active_person_wake_nothing() {
    let server = Xvfb::start();
    let keyboard = Keyboard::of(server.display());
    keyboard.press();
    let settings = Settings { away_after: 5 * AWAY_AFTER, ..settings(None) };
    let (observer, _) = Observer::start(settings, session(server.display()));
    observer.active();
    let before = observer.wake_ups();
    assert!(before > 0, "nothing was counted");
    for _ in 0..1_000 {
        keyboard.press();
    }
    // A source without a bus retries now and then. If each input woke us, there would be a thousand
    // wake-ups.
    let woken = observer.wake_ups() - before;
    assert!(woken <= 4, "{woken} wake-ups");
    // And yet the source still works.
    let (seen, _) = observer.idle();
    assert!(seen.source.starts_with("xsync"), "{seen:?}");
    assert!(observer.wake_ups() > before);
}

#[test]
fn away_and_back_are_reported_at_once() {
    let server = Xvfb::start();
    let keyboard = Keyboard::of(server.display());
    keyboard.press();
    let (observer, _) = Observer::start(settings(None), session(server.display()));
    observer.active();
    let (mut away, mut back) = (Delays::default(), Delays::default());
    for _ in 0..5 {
        let input = Instant::now();
        keyboard.press();
        let (seen, ago) = observer.idle();
        away.add((seen.at - input).saturating_sub(AWAY_AFTER));
        let since = ago.abs_diff(seen.at - input);
        assert!(since <= Duration::from_millis(100), "the last input is wrong by {since:?}");
        let input = Instant::now();
        keyboard.press();
        back.add(observer.active().at.saturating_duration_since(input));
    }
    away.check("away", Duration::ZERO);
    back.check("back", Duration::ZERO);
}

#[tokio::test]
async fn dropping_the_watch_closes_the_connection() {
    let server = Xvfb::start();
    let proxy = Proxy::before(&server, Edit::Nothing);
    let mut watch = watch(proxy.display()).await;
    let first = next(&mut watch).await;
    assert!(matches!(first, Observation::InputActive | Observation::InputIdle { .. }), "{first:?}");
    drop(watch);
    timeout(DEADLINE, proxy.closed()).await.expect("the connection is closed");
}

#[tokio::test]
async fn without_xsync_the_probe_is_called() {
    for edit in [Edit::NoXSync, Edit::NoIdleTime] {
        let server = Xvfb::start();
        let proxy = Proxy::before(&server, edit);
        let (probe, _) = counting(Duration::from_secs(7));
        let mut watch = start(settings(probe), &session(proxy.display())).await;
        assert_eq!(watch.source().name, "polled", "{}", watch.source());
        assert_eq!(idle_for(next(&mut watch).await), Duration::from_secs(7));
    }
}

#[tokio::test]
async fn without_xsync_and_probe_activity_is_unknown_and_it_says_why() {
    for (edit, why) in
        [(Edit::NoXSync, "it has no XSync"), (Edit::NoIdleTime, "no counter IDLETIME")]
    {
        let server = Xvfb::start();
        let proxy = Proxy::before(&server, edit);
        let mut watch = watch(proxy.display()).await;
        let said = watch.source().to_string();
        assert!(said.contains(why), "{said}");
        assert_eq!(next(&mut watch).await, Observation::SourceLost);
    }
}

#[tokio::test]
async fn the_probe_is_not_called_after_the_display_has_gone() {
    let server = Xvfb::start();
    let proxy = Proxy::before(&server, Edit::NoXSync);
    let (probe, asked) = counting(Duration::from_secs(7));
    let mut watch = start(settings(probe), &session(proxy.display())).await;
    idle_for(next(&mut watch).await);
    drop(server);
    assert_eq!(next(&mut watch).await, Observation::SourceLost);
    let questions = asked.load(Ordering::Relaxed);
    // Longer than the poller's pause of two seconds.
    let after = timeout(Duration::from_millis(2_500), watch.next()).await;
    assert!(after.is_err(), "{after:?}");
    assert_eq!(asked.load(Ordering::Relaxed), questions);
}

#[tokio::test]
async fn no_probe_is_called_without_a_proven_display() {
    let (silent, _listener) = silent_display();
    // No server has that many displays, and the last one has no valid port.
    for display in ["", "nonsense", ":59000", ":65535", silent.as_str()] {
        let (probe, asked) = counting(Duration::ZERO);
        let mut watch = start(settings(probe), &session(display)).await;
        assert_eq!(watch.source().name, "none", "display {display:?}");
        assert_eq!(next(&mut watch).await, Observation::SourceLost);
        assert_eq!(asked.load(Ordering::Relaxed), 0, "display {display:?}");
    }
}

#[tokio::test]
async fn a_silent_server_is_given_up_after_two_seconds_and_its_connection_closed() {
    let (display, listener) = silent_display();
    let (hung_up, closed) = mpsc::channel();
    std::thread::spawn(move || {
        use std::io::Read as _;
        let (mut client, _) = listener.accept().unwrap();
        // Reads the greeting, answers nothing, and waits for the client to give up.
        let read = client.read_to_end(&mut Vec::new());
        hung_up.send(read.is_ok()).unwrap();
    });
    let begun = Instant::now();
    let mut watch = watch(&display).await;
    let waited = begun.elapsed();
    assert!(
        waited >= Duration::from_secs(2) && waited < Duration::from_secs(3),
        "waited {waited:?}"
    );
    assert!(watch.source().to_string().contains("did not answer"), "{}", watch.source());
    assert_eq!(next(&mut watch).await, Observation::SourceLost);
    assert_eq!(closed.recv_timeout(DEADLINE), Ok(true), "the set-up thread still waits");
}

#[tokio::test]
async fn without_gnome_on_the_bus_the_x_server_is_asked() {
    let place = Session::new();
    let _bus = place.bus();
    let server = Xvfb::start();
    let env = SessionEnv { session_bus: Some(place.bus_address()), ..session(server.display()) };
    let watch = start(settings(None), &env).await;
    assert_eq!(watch.source().name, "xsync");
}

#[tokio::test]
async fn under_wayland_no_x_server_is_asked() {
    let server = Xvfb::start();
    let by_socket =
        SessionEnv { wayland_display: Some("wayland-0".to_owned()), ..session(server.display()) };
    let by_type =
        SessionEnv { xdg_session_type: Some("wayland".to_owned()), ..session(server.display()) };
    for env in [by_socket, by_type] {
        let (probe, asked) = counting(Duration::ZERO);
        let mut watch = start(settings(probe), &env).await;
        let said = watch.source().to_string();
        assert!(
            said.contains(
                "this session is Wayland, but neither WAYLAND_DISPLAY nor XDG_RUNTIME_DIR"
            ),
            "{said}"
        );
        assert_eq!(next(&mut watch).await, Observation::SourceLost);
        assert_eq!(asked.load(Ordering::Relaxed), 0);
    }
}

#[tokio::test]
async fn switched_off_it_is_unknown_though_there_is_a_display() {
    let server = Xvfb::start();
    let settings = Settings { choice: Choice::None, ..settings(None) };
    let mut watch = start(settings, &session(server.display())).await;
    assert!(watch.source().to_string().contains("switched off"), "{}", watch.source());
    assert_eq!(next(&mut watch).await, Observation::SourceLost);
}
