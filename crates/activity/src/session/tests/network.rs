use std::process::{Command, Stdio};
use std::time::Duration;

use porchlight_core::observation::Observation::NetworkChanged;
use tokio::time::{Instant, timeout};

use super::{alone, next, watch};
use crate::session::network::Network;

/// Longer than it takes until a change is reported.
const REPORT_DELAY: Duration = Duration::from_millis(800);

/// Runs `ip` in the network of this process.
fn ip(arguments: &str) {
    let status = Command::new("ip").args(arguments.split(' ')).status();
    assert!(status.expect("ip (package iproute2)").success(), "ip {arguments}");
}

/// Runs the test in a network of its own, if that is allowed here.
fn in_its_own_network(test: &str) {
    let unshare = || {
        let mut unshare = Command::new("unshare");
        unshare.args(["--user", "--map-root-user", "--net"]).stdin(Stdio::null());
        unshare
    };
    if !unshare().arg("true").status().is_ok_and(|status| status.success()) {
        println!("skipped: {test}: this system allows nobody a network of their own");
        return;
    }
    let mut command = unshare();
    command.arg(alone::program());
    alone::run(test, command);
}

#[tokio::test]
async fn an_address_or_a_default_route_that_comes_or_goes_is_a_change_and_nothing_else_is() {
    if !alone::is_alone() {
        return in_its_own_network(
            "session::tests::network::an_address_or_a_default_route_that_comes_or_goes_is_a_change_and_nothing_else_is",
        );
    }
    ip("link add here type veth peer name there");
    ip("link set there up");
    ip("link set here up");
    let mut watch = watch(Network);
    watch.settle().await;
    // The link-local address may still arrive.
    assert!(
        timeout(REPORT_DELAY, watch.next()).await.is_err(),
        "a link-local address is no network"
    );

    let begun = Instant::now();
    ip("address add 10.9.8.7/24 dev here");
    ip("route add default via 10.9.8.1");
    assert_eq!(next(&mut watch).await, NetworkChanged);
    let took = begun.elapsed();
    assert!(took >= Duration::from_millis(500) && took <= REPORT_DELAY, "told after {took:?}");
    // Both at once are one change.
    assert!(timeout(REPORT_DELAY, watch.next()).await.is_err(), "it was told twice");

    ip("link set lo up");
    ip("address add 127.0.0.9/8 dev lo");
    ip("address add 169.254.7.7/16 dev here scope link");
    ip("route add 10.77.0.0/16 via 10.9.8.1");
    // Removed and added again before it can be noticed.
    ip("route del default");
    ip("route add default via 10.9.8.1");
    ip("address change 10.9.8.7/24 dev here valid_lft 1000 preferred_lft 1000");
    assert!(timeout(REPORT_DELAY, watch.next()).await.is_err(), "nothing has changed");

    for change in [
        "route replace default via 10.9.8.2",
        "route del default",
        "address add fd00::7/64 dev here nodad",
        "address del 10.9.8.7/24 dev here",
    ] {
        ip(change);
        assert_eq!(next(&mut watch).await, NetworkChanged, "{change}");
    }
}
