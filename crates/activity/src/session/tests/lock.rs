use porchlight_core::observation::Observation::Locked;
use zbus::fdo::DBusProxy;

use super::bus::Daemon;
use super::logind::{By, Logind, path, places};
use super::saver::{self, ScreenSaver};
use super::{next, nothing_more, watch};
use crate::description::Subject;
use crate::session::Places;
use crate::session::lock::Lock;
use crate::watch::Watch;

fn both(system: &Daemon, session: &Daemon) -> Places {
    Places { session_bus: Some(session.address()), ..places(system) }
}

fn tells_lock(watch: &Watch) -> bool {
    let (subject, description) = watch.report().next().unwrap();
    assert_eq!(subject, Subject::Lock);
    description.tells.lock
}

#[tokio::test]
async fn the_lock_follows_the_login_session() {
    let daemon = Daemon::start();
    let logind = Logind::start(&daemon, By::Id).await;
    let mut watch = watch(Lock::new(places(&daemon)));
    assert_eq!(next(&mut watch).await, Locked(false));
    assert!(tells_lock(&watch));
    logind.lock(true).await;
    assert_eq!(next(&mut watch).await, Locked(true));
    logind.lock_without_value(false).await;
    assert_eq!(next(&mut watch).await, Locked(false));
    // Another property of the same session.
    logind.foreground(false).await;
    nothing_more(&mut watch).await;
}

#[tokio::test]
async fn the_session_is_found_by_its_id_or_its_process_or_the_users_display() {
    for by in [By::Id, By::Pid, By::Display] {
        let daemon = Daemon::start();
        let logind = Logind::start(&daemon, by).await;
        let mut watch = watch(Lock::new(places(&daemon)));
        assert_eq!(next(&mut watch).await, Locked(false), "{by:?}");
        logind.lock(true).await;
        assert_eq!(next(&mut watch).await, Locked(true), "{by:?}");
    }
}

#[tokio::test]
async fn when_the_session_ends_the_next_one_counts() {
    let daemon = Daemon::start();
    let logind = Logind::start(&daemon, By::Id).await;
    let mut watch = watch(Lock::new(places(&daemon)));
    assert_eq!(next(&mut watch).await, Locked(false));
    logind.follow_with_a_locked_session().await;
    assert_eq!(next(&mut watch).await, Locked(true));
}

#[tokio::test]
async fn another_client_of_the_bus_cannot_lock_the_screen() {
    let daemon = Daemon::start();
    let _logind = Logind::start(&daemon, By::Id).await;
    let stranger = daemon.connect().await;
    let before = names(&stranger).await;
    let mut watch = watch(Lock::new(places(&daemon)));
    assert_eq!(next(&mut watch).await, Locked(false));
    let told = names(&stranger).await.into_iter().filter(|name| !before.contains(name));
    for name in told {
        let changed =
            std::collections::HashMap::from([("LockedHint", zbus::zvariant::Value::from(true))]);
        let body = ("org.freedesktop.login1.Session", changed, Vec::<String>::new());
        let interface = "org.freedesktop.DBus.Properties";
        let sent = stranger.emit_signal(
            Some(name.as_str()),
            path("c1"),
            interface,
            "PropertiesChanged",
            &body,
        );
        sent.await.unwrap();
    }
    nothing_more(&mut watch).await;
}

async fn names(connection: &zbus::Connection) -> Vec<String> {
    let names = DBusProxy::new(connection).await.unwrap().list_names().await.unwrap();
    names.iter().map(ToString::to_string).filter(|name| name.starts_with(':')).collect()
}

#[tokio::test]
async fn a_logind_that_restarts_leaves_the_screen_locked_until_it_says_otherwise() {
    let daemon = Daemon::start();
    let logind = Logind::locked(&daemon).await;
    let mut watch = watch(Lock::new(places(&daemon)));
    assert_eq!(next(&mut watch).await, Locked(true));
    logind.stop().await;
    nothing_more(&mut watch).await;
    let logind = Logind::locked(&daemon).await;
    logind.lock(true).await;
    nothing_more(&mut watch).await;
    logind.lock(false).await;
    assert_eq!(next(&mut watch).await, Locked(false));
}

#[tokio::test]
async fn a_bus_that_restarts_is_found_again() {
    let mut daemon = Daemon::start();
    let logind = Logind::start(&daemon, By::Id).await;
    let mut watch = watch(Lock::new(places(&daemon)));
    assert_eq!(next(&mut watch).await, Locked(false));
    drop(logind);
    daemon.restart();
    let _logind = Logind::locked(&daemon).await;
    assert_eq!(next(&mut watch).await, Locked(true));
}

#[tokio::test]
async fn without_any_bus_the_lock_is_unknown_until_there_is_one() {
    let mut daemon = Daemon::none();
    let mut watch = watch(Lock::new(places(&daemon)));
    watch.settle().await;
    assert!(!tells_lock(&watch));
    let (_, description) = watch.report().next().unwrap();
    let missing = description.missing.as_ref().unwrap().to_string();
    assert!(missing.contains("the screen lock is unknown: there is no system bus"), "{missing}");
    daemon.restart();
    let _logind = Logind::locked(&daemon).await;
    assert_eq!(next(&mut watch).await, Locked(true));
    assert!(tells_lock(&watch));
}

#[tokio::test]
async fn a_screen_saver_reports_the_lock_if_logind_does_not() {
    let daemon = Daemon::start();
    let saver = ScreenSaver::start(&daemon, Some(true)).await;
    let places = Places { session_bus: Some(daemon.address()), ..Places::default() };
    let mut watch = watch(Lock::new(places));
    assert_eq!(next(&mut watch).await, Locked(true));
    assert!(tells_lock(&watch));
    saver.tell(false).await;
    assert_eq!(next(&mut watch).await, Locked(false));
    saver.tell(true).await;
    assert_eq!(next(&mut watch).await, Locked(true));
    // A crashed locker unlocks nothing, and the next one corrects it.
    saver.stop().await;
    nothing_more(&mut watch).await;
    let _saver = ScreenSaver::start(&daemon, Some(false)).await;
    assert_eq!(next(&mut watch).await, Locked(false));
}

#[tokio::test]
async fn a_saver_that_knows_nothing_reports_nothing_and_no_other_client_can_pretend_to_be_it() {
    let daemon = Daemon::start();
    let stranger = daemon.connect().await;
    let _saver = ScreenSaver::start(&daemon, None).await;
    let before = names(&stranger).await;
    let places = Places { session_bus: Some(daemon.address()), ..Places::default() };
    let mut watch = watch(Lock::new(places));
    watch.settle().await;
    nothing_more(&mut watch).await;
    for name in names(&stranger).await.into_iter().filter(|name| !before.contains(name)) {
        saver::pretend(&stranger, &name, true).await;
    }
    nothing_more(&mut watch).await;
}

#[tokio::test]
async fn the_screen_is_locked_if_either_says_so() {
    let (system, session) = (Daemon::start(), Daemon::start());
    let logind = Logind::start(&system, By::Id).await;
    let saver = ScreenSaver::start(&session, Some(false)).await;
    let mut watch = watch(Lock::new(both(&system, &session)));
    assert_eq!(next(&mut watch).await, Locked(false));
    saver.tell(true).await;
    assert_eq!(next(&mut watch).await, Locked(true));
    logind.lock(true).await;
    nothing_more(&mut watch).await;
    saver.tell(false).await;
    nothing_more(&mut watch).await;
    logind.lock(false).await;
    assert_eq!(next(&mut watch).await, Locked(false));
}

#[tokio::test]
async fn one_bus_may_restart_while_the_other_goes_on() {
    let (mut system, session) = (Daemon::start(), Daemon::start());
    let logind = Logind::locked(&system).await;
    let saver = ScreenSaver::start(&session, Some(false)).await;
    let mut watch = watch(Lock::new(both(&system, &session)));
    // The saver may report first.
    while next(&mut watch).await != Locked(true) {}
    drop(logind);
    system.stop();
    saver.tell(true).await;
    saver.tell(false).await;
    nothing_more(&mut watch).await;
    system.restart();
    let _logind = Logind::start(&system, By::Id).await;
    assert_eq!(next(&mut watch).await, Locked(false));
}
