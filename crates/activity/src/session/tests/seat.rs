use porchlight_core::observation::Observation::Switched;

use super::bus::Daemon;
use super::logind::{By, Logind, places};
use super::{next, nothing_more, watch};
use crate::session::seat::Seat;

#[tokio::test]
async fn another_session_in_the_foreground_takes_the_seat() {
    let daemon = Daemon::start();
    let logind = Logind::start(&daemon, By::Id).await;
    let mut watch = watch(Seat::new(places(&daemon)));
    assert_eq!(next(&mut watch).await, Switched(false));
    logind.foreground(false).await;
    assert_eq!(next(&mut watch).await, Switched(true));
    logind.foreground(true).await;
    assert_eq!(next(&mut watch).await, Switched(false));
}

#[tokio::test]
async fn without_a_session_the_description_says_what_is_missing_until_there_is_one() {
    let daemon = Daemon::start();
    let logind = Logind::start(&daemon, By::Nothing).await;
    let mut watch = watch(Seat::new(places(&daemon)));
    watch.settle().await;
    let (_, description) = watch.report().next().unwrap();
    assert!(!description.tells.seat);
    let missing = description.missing.as_ref().unwrap().to_string();
    assert!(missing.contains("logind knows no session of yours"), "{missing}");
    nothing_more(&mut watch).await;
    logind.log_in().await;
    assert_eq!(next(&mut watch).await, Switched(false));
}
