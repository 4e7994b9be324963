use std::time::Duration;

use porchlight_core::observation::Observation::{Resumed, ShuttingDown, Suspending};
use tokio::time::Instant;

use super::bus::Daemon;
use super::logind::{By, Logind, places};
use super::{A_WHILE, next, nothing_more};
use crate::session::Places;
use crate::session::power::Power;
use crate::supervise::Supervisor;
use crate::watch::Watch;

fn watch(places: Places) -> Watch {
    let mut supervisor = Supervisor::new();
    let goodbye = supervisor.goodbye();
    supervisor.run(Power::new(places, goodbye));
    supervisor.watch()
}

#[tokio::test]
async fn the_machine_sleeps_as_soon_as_the_goodbye_is_published() {
    let daemon = Daemon::start();
    let logind = Logind::start(&daemon, By::Id).await;
    let mut watch = watch(places(&daemon));
    logind.taken(1).await;
    assert_eq!(logind.arguments(), ["sleep:shutdown", "Porchlight", "say goodbye", "delay"]);
    for night in 0..2 {
        logind.prepare("PrepareForSleep", true).await;
        assert_eq!(next(&mut watch).await, Suspending);
        tokio::time::sleep(A_WHILE).await;
        assert!(!logind.is_released(night), "nobody has said goodbye");
        watch.may_sleep();
        let took = logind.released(night).await;
        assert!(took <= Duration::from_millis(100), "released after {took:?}");
        logind.prepare("PrepareForSleep", false).await;
        assert_eq!(next(&mut watch).await, Resumed);
        logind.taken(night + 2).await;
    }
}

#[tokio::test]
async fn the_machine_waits_two_seconds_at_most() {
    let daemon = Daemon::start();
    let logind = Logind::start(&daemon, By::Id).await;
    // Nobody even reads the observations.
    let _watch = watch(places(&daemon));
    logind.taken(1).await;
    let begun = Instant::now();
    logind.prepare("PrepareForSleep", true).await;
    logind.released(0).await;
    let took = begun.elapsed();
    assert!(took >= Duration::from_millis(1_700), "released after {took:?}");
    assert!(took <= Duration::from_secs(2), "released after {took:?}");
}

#[tokio::test]
async fn an_earlier_goodbye_does_not_count() {
    let daemon = Daemon::start();
    let logind = Logind::start(&daemon, By::Id).await;
    let mut watch = watch(places(&daemon));
    logind.taken(1).await;
    watch.may_sleep();
    logind.prepare("PrepareForSleep", true).await;
    assert_eq!(next(&mut watch).await, Suspending);
    tokio::time::sleep(A_WHILE).await;
    assert!(!logind.is_released(0));
    watch.may_sleep();
    logind.released(0).await;
}

#[tokio::test]
async fn a_power_off_waits_too_and_may_be_cancelled() {
    let daemon = Daemon::start();
    let logind = Logind::start(&daemon, By::Id).await;
    let mut watch = watch(places(&daemon));
    logind.taken(1).await;
    logind.prepare("PrepareForShutdown", true).await;
    assert_eq!(next(&mut watch).await, ShuttingDown);
    tokio::time::sleep(A_WHILE).await;
    assert!(!logind.is_released(0));
    watch.may_sleep();
    logind.released(0).await;
    logind.prepare("PrepareForShutdown", false).await;
    assert_eq!(next(&mut watch).await, Resumed);
    logind.taken(2).await;
}

#[tokio::test]
async fn a_sleep_that_has_begun_is_reported_at_the_start() {
    let daemon = Daemon::start();
    let logind = Logind::about_to_sleep(&daemon).await;
    let mut watch = watch(places(&daemon));
    assert_eq!(next(&mut watch).await, Suspending);
    assert!(!logind.is_released(0));
    watch.may_sleep();
    logind.released(0).await;
}

#[tokio::test]
async fn a_watch_that_ends_lets_the_machine_sleep() {
    let daemon = Daemon::start();
    let logind = Logind::start(&daemon, By::Id).await;
    let watch = watch(places(&daemon));
    logind.taken(1).await;
    drop(watch);
    logind.released(0).await;
}

#[tokio::test]
async fn after_logind_restarts_the_inhibitor_is_taken_again() {
    let daemon = Daemon::start();
    let logind = Logind::start(&daemon, By::Id).await;
    let mut watch = watch(places(&daemon));
    logind.taken(1).await;
    logind.stop().await;
    let logind = Logind::start(&daemon, By::Id).await;
    logind.taken(1).await;
    logind.prepare("PrepareForSleep", true).await;
    assert_eq!(next(&mut watch).await, Suspending);
}

#[tokio::test]
async fn after_the_bus_restarts_the_inhibitor_is_taken_again() {
    let mut daemon = Daemon::start();
    let logind = Logind::start(&daemon, By::Id).await;
    let mut watch = watch(places(&daemon));
    logind.taken(1).await;
    daemon.stop();
    nothing_more(&mut watch).await;
    daemon.restart();
    let logind = Logind::start(&daemon, By::Id).await;
    logind.taken(1).await;
    logind.prepare("PrepareForSleep", true).await;
    assert_eq!(next(&mut watch).await, Suspending);
    assert!(!logind.is_released(0));
    watch.may_sleep();
    logind.released(0).await;
}

#[tokio::test]
async fn a_logind_that_starts_later_replaces_the_clocks() {
    let mut daemon = Daemon::none();
    let mut watch = watch(places(&daemon));
    watch.settle().await;
    assert_eq!(watch.report().next().unwrap().1.name, "clocks");
    daemon.restart();
    let logind = Logind::start(&daemon, By::Id).await;
    logind.taken(1).await;
    logind.prepare("PrepareForSleep", true).await;
    assert_eq!(next(&mut watch).await, Suspending);
}

#[tokio::test]
async fn without_logind_the_clocks_detect_sleep_and_the_description_says_so() {
    let mut watch = watch(Places::default());
    watch.settle().await;
    let (_, description) = watch.report().next().unwrap();
    assert_eq!(description.name, "clocks");
    let missing = description.missing.as_ref().unwrap().to_string();
    assert!(missing.contains("only once it is over: there is no system bus"), "{missing}");
    nothing_more(&mut watch).await;
}
