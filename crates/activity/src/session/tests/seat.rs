use porchlight_core::observation::Observation::Switched;

use super::bus::Daemon;
use super::logind::{By, Logind, places};
use super::{next, watch};
use crate::session::seat::Seat;

#[tokio::test]
async fn another_session_in_the_foreground_is_a_switch() {
    let daemon = Daemon::start();
    let logind = Logind::start(&daemon, By::Id).await;
    let mut watch = watch(Seat { places: places(&daemon) });
    assert_eq!(next(&mut watch).await, Switched(false));
    logind.foreground(false).await;
    assert_eq!(next(&mut watch).await, Switched(true));
    logind.foreground(true).await;
    assert_eq!(next(&mut watch).await, Switched(false));
}

#[tokio::test]
async fn without_a_session_it_says_what_is_missing() {
    let daemon = Daemon::start();
    let _logind = Logind::start(&daemon, By::Nothing).await;
    let mut watch = watch(Seat { places: places(&daemon) });
    watch.settle().await;
    let (_, description) = watch.report().next().unwrap();
    assert!(!description.tells.seat);
    let missing = description.missing.as_ref().unwrap().to_string();
    assert!(missing.contains("logind knows no session of yours"), "{missing}");
}
