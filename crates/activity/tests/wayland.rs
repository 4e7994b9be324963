//! The Wayland source with a compositor that the test controls.
#![cfg(all(unix, not(target_os = "macos")))]

#[path = "wayland/compositor.rs"]
mod compositor;
#[path = "observer/thread.rs"]
mod observer;

use std::time::Duration;

use compositor::{Compositor, Offer, Place};
use observer::{Delays, Observer};
use porchlight_activity::{Choice, SessionEnv, Settings};
use porchlight_core::observation::Observation;
use tokio::time::Instant;

/// Longer than any test waits.
const NEVER: Duration = Duration::from_secs(300);

fn watch(place: &Place, away_after: Duration) -> (Observer, String) {
    let settings = Settings { choice: Choice::Auto, away_after, ..Settings::default() };
    let env = SessionEnv {
        wayland_display: Some(place.socket().to_str().expect("a plain path").to_owned()),
        ..SessionEnv::default()
    };
    Observer::start(settings, env)
}

/// Makes the source report that the person is there.
fn present(compositor: &Compositor, observer: &Observer) {
    // The compositor must consider the seat idle before it can report input.
    observer.silent_for(Duration::from_millis(100));
    compositor.input(1);
    observer.active();
}

#[test]
fn hundreds_of_absences_and_returns_are_reported_once_each() {
    for version in [1, 2] {
        let place = Place::new();
        let compositor = place.compositor(Offer::Version(version));
        let (observer, source) = watch(&place, NEVER);
        assert!(source.starts_with("ext-idle-notify (tells idle)"), "{source}");
        present(&compositor, &observer);
        for _ in 0..300 {
            compositor.idle();
            let (_, ago) = observer.idle();
            assert_eq!(ago, NEVER);
            compositor.input(3);
            observer.active();
        }
        observer.silent_for(Duration::from_millis(50));
    }
}

#[test]
fn nothing_is_reported_before_the_first_change() {
    let place = Place::new();
    let compositor = place.compositor(Offer::Version(2));
    let (observer, _) = watch(&place, Duration::from_secs(1));
    let begun = Instant::now();
    let (seen, _) = observer.idle();
    assert!(seen.at - begun >= Duration::from_millis(900), "{:?}", seen.at - begun);
    compositor.input(1);
    observer.active();
}

#[test]
fn away_and_back_are_reported_at_once() {
    let away_after = Duration::from_secs(1);
    let place = Place::new();
    let compositor = place.compositor(Offer::Version(2));
    let (observer, _) = watch(&place, away_after);
    present(&compositor, &observer);
    let (mut away, mut back) = (Delays::default(), Delays::default());
    for _ in 0..5 {
        let input = Instant::now();
        compositor.input(1);
        let (seen, ago) = observer.idle();
        away.add((seen.at - input).saturating_sub(away_after));
        let since = ago.abs_diff(seen.at - input);
        assert!(since <= Duration::from_millis(100), "the last input is wrong by {since:?}");
        let input = Instant::now();
        compositor.input(1);
        back.add(observer.active().at.saturating_duration_since(input));
    }
    away.check("away", Duration::ZERO);
    back.check("back", Duration::ZERO);
}

#[test]
fn a_thousand_inputs_of_an_active_person_wake_nothing() {
    let place = Place::new();
    let compositor = place.compositor(Offer::Version(2));
    let (observer, _) = watch(&place, NEVER);
    present(&compositor, &observer);
    let before = observer.wake_ups();
    assert!(before > 0, "nothing was counted");
    for _ in 0..10 {
        compositor.input(100);
        observer.silent_for(Duration::from_millis(5));
    }
    // A source without a bus retries now and then. If each input woke us, there would be a thousand
    // wake-ups.
    let woken = observer.wake_ups() - before;
    assert!(woken <= 4, "{woken} wake-ups");
    // And yet the source still works.
    compositor.idle();
    observer.idle();
    assert!(observer.wake_ups() > before);
}

#[test]
fn a_playing_video_is_no_input_if_the_compositor_can_tell() {
    let place = Place::new();
    let compositor = place.compositor(Offer::Version(2));
    let (observer, source) = watch(&place, Duration::from_secs(1));
    assert_eq!(source, "ext-idle-notify (tells idle)");
    compositor.play_a_video();
    observer.idle();
}

#[test]
fn if_a_playing_video_counts_as_input_the_description_says_so() {
    let place = Place::new();
    let compositor = place.compositor(Offer::Version(1));
    let (observer, source) = watch(&place, Duration::from_secs(1));
    assert!(source.contains("counts a playing video as input"), "{source}");
    compositor.play_a_video();
    observer.silent_for(Duration::from_millis(1_500));
}

#[test]
fn a_compositor_that_is_killed_is_a_loss_until_it_is_back() {
    let place = Place::new();
    let compositor = place.compositor(Offer::Version(2));
    let (observer, _) = watch(&place, NEVER);
    present(&compositor, &observer);
    drop(compositor);
    let lost = observer.next();
    assert_eq!(lost.observation, Observation::SourceLost);
    assert!(lost.source.contains("activity is unknown: the compositor is gone"), "{lost:?}");
    assert!(lost.source.contains("(tells nothing)"), "{lost:?}");

    let compositor = place.compositor(Offer::Version(1));
    let back = observer.next();
    assert_eq!(back.observation, Observation::SourceOk);
    assert!(back.source.starts_with("ext-idle-notify (tells idle)"), "{back:?}");
    present(&compositor, &observer);
    compositor.idle();
    observer.idle();
}

#[test]
fn an_idle_protocol_that_is_taken_away_is_a_loss() {
    let place = Place::new();
    let compositor = place.compositor(Offer::Version(2));
    let (observer, _) = watch(&place, NEVER);
    present(&compositor, &observer);
    compositor.withdraw();
    let lost = observer.next();
    assert_eq!(lost.observation, Observation::SourceLost);
    assert!(lost.source.contains("took its idle protocol away"), "{lost:?}");
}

#[test]
fn a_compositor_without_the_protocol_or_a_seat_is_unknown_and_it_says_why() {
    for (offer, why) in [
        (
            Offer::NoProtocol,
            "this compositor offers no idle protocol; away follows the lock screen or your own choice",
        ),
        (Offer::NoSeat, "this compositor has no seat"),
    ] {
        let place = Place::new();
        let _compositor = place.compositor(offer);
        let (observer, source) = watch(&place, NEVER);
        assert!(source.contains(why), "{source}");
        assert_eq!(observer.next().observation, Observation::SourceLost);
    }
}

#[test]
fn no_compositor_is_unknown_until_there_is_one() {
    let place = Place::new();
    let (observer, source) = watch(&place, NEVER);
    assert!(source.starts_with("none (tells nothing): activity is unknown"), "{source}");
    assert_eq!(observer.next().observation, Observation::SourceLost);
    // Long enough for the pause between two attempts to exceed the wait below.
    observer.silent_for(Duration::from_millis(3_500));
    let begun = Instant::now();
    let compositor = place.compositor(Offer::Version(2));
    let back = observer.next();
    assert_eq!(back.observation, Observation::SourceOk);
    let late = back.at - begun;
    assert!(late < Duration::from_secs(1), "there {late:?} after the compositor");
    present(&compositor, &observer);
}

#[test]
fn a_silent_compositor_is_given_up_after_two_seconds() {
    let place = Place::new();
    let _listener = std::os::unix::net::UnixListener::bind(place.socket()).expect("a free socket");
    let begun = Instant::now();
    let (observer, source) = watch(&place, NEVER);
    let waited = begun.elapsed();
    assert!(waited >= Duration::from_secs(2) && waited < Duration::from_secs(3), "{waited:?}");
    assert!(source.contains("did not answer within 2s"), "{source}");
    assert_eq!(observer.next().observation, Observation::SourceLost);
}

#[test]
fn a_silent_session_bus_is_passed_over() {
    let place = Place::new();
    let _compositor = place.compositor(Offer::Version(2));
    let bus = place.socket().with_file_name("bus");
    let _listener = std::os::unix::net::UnixListener::bind(&bus).expect("a free socket");
    let settings = Settings { choice: Choice::Auto, away_after: NEVER, ..Settings::default() };
    let env = SessionEnv {
        wayland_display: Some(place.socket().to_str().expect("a plain path").to_owned()),
        session_bus: Some(format!("unix:path={}", bus.display())),
        ..SessionEnv::default()
    };
    let (_observer, source) = Observer::start(settings, env);
    assert_eq!(source, "ext-idle-notify (tells idle)");
}
