//! A second launch on the same desktop.

use porchlight_tests::until::{SOON, START};
use porchlight_tests::{EmbeddedHub, Light, until};

use super::{Desk, PROCESS, launch, wait_tooltip, wait_window, windows};

#[tokio::test]
async fn a_second_launch_shows_the_window_of_the_first_and_ends() {
    let hub = EmbeddedHub::start().await;
    let desk = Desk::start().await;
    let alice = Light::new(&hub.url(), "alice", "laptop").on(&desk.session);
    let first = launch(&alice, &[]);
    wait_tooltip(&desk.item().await, "Nobody else here yet", START).await;
    assert!(windows(&desk.session).is_empty());

    assert!(launch(&alice, &[]).wait_exit(SOON).await.success());
    let window = wait_window(&desk.session).await;

    // Covered by another window, it is raised.
    let _other = desk.session.spawn("xmessage", &["another window"]);
    until("the other window to have the focus", SOON, || {
        desk.session.active_window().is_some_and(|active| active != window)
    })
    .await;
    assert!(launch(&alice, &[]).wait_exit(SOON).await.success());
    until("the one window to have the focus", SOON, || {
        desk.session.active_window() == Some(window) && windows(&desk.session) == [window]
    })
    .await;
    assert_eq!(first.exit(), None);
    let programs = desk.session.programs();
    assert_eq!(programs.iter().filter(|(name, _)| name == PROCESS).count(), 1, "{programs:?}");
}
