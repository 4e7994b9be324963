//! Members in other networks reach a hub by the names that it advertises.

use std::sync::Arc;
use std::time::Duration;

use porchlight_tests::hosts::Hosts;
use porchlight_tests::member::Member;
use porchlight_tests::process::{Exit, Stream};
use porchlight_tests::until::{SOON, Stopwatch};
use porchlight_tests::{TcpProxy, until, until_async};

/// The name that the hub is advertised by.
const NAME: &str = "team.example";

#[tokio::test]
async fn a_member_joins_through_the_name_in_the_link_where_the_hubs_own_address_is_another() {
    let anna = Member::new("Anna");
    let port = porchlight_tests::port::free_port();
    let proxy = TcpProxy::to(port).await;
    let (listen, at) = (format!("127.0.0.1:{port}"), format!("localhost:{}", proxy.port()));
    let hub =
        anna.start(&["hub", "--quiet", "--listen", &listen, "--local", "127.0.0.1:0", "--at", &at]);
    anna.join(&anna.owner_link(&hub).await).await;
    let link = anna.invite(&[]).await;
    let own = format!("&at=127.0.0.1%3A{port}");
    let name = format!("&at=localhost%3A{}", proxy.port());
    assert!(link.contains(&format!("{own}{name}")), "the local network's address is first: {link}");
    assert_eq!(proxy.connections(), 0, "Anna came by the first address");

    let bob = Member::new("Bob");
    bob.join(&link.replace(&own, "")).await;
    assert_eq!(proxy.connections(), 1);
    let _runs = bob.start(&["run", "--activity", "none"]);
    until_async("Bob to be seen", SOON, async || {
        anna.sees("bob").await.as_deref() == Some("online")
    })
    .await;
}

#[tokio::test]
async fn a_member_joins_from_outside_through_a_router_that_forwards_a_port() {
    let Some(hosts) = Hosts::behind_router("two_hosts", 443, 18_831).map(Arc::new) else { return };
    hosts.set_name(NAME, Hosts::ROUTER);
    let anna = Member::new("Anna").on(&hosts, 0);
    let hub = anna.start(&["hub", "--at", &format!("{NAME}:443")]);
    anna.join(&anna.owner_link(&hub).await).await;
    let _anna_runs = anna.start(&["run", "--activity", "none"]);
    let link = anna.invite(&[]).await;

    let bob = Member::new("Bob").on(&hosts, 1);
    let since = Stopwatch::start();
    bob.join(&link).await;
    let took = since.elapsed();
    println!("from the link to the membership: {took:?}");
    // One address inside, which answers nobody outside, costs 4 s.
    assert!(took <= Duration::from_secs(8), "{took:?}");
    let _bob_runs = bob.start(&["run", "--activity", "none"]);
    until_async("Bob to be seen by Anna", 3 * SOON, async || {
        anna.sees("bob").await.as_deref() == Some("online")
    })
    .await;
    assert_eq!(bob.sees("anna").await.as_deref(), Some("online"));
}

#[tokio::test]
async fn a_member_follows_when_the_address_behind_the_name_changes() {
    let Some(hosts) = Hosts::two("two_hosts").map(Arc::new) else { return };
    hosts.set_name(NAME, &hosts.address(0));
    let anna = Member::new("Anna").on(&hosts, 0);
    let mut hub = anna.start(&["hub", "--at", NAME]);
    anna.join(&anna.owner_link(&hub).await).await;
    let bob = Member::new("Bob").on(&hosts, 1);
    bob.join(&anna.invite(&[]).await).await;
    let _runs = bob.start(&["run", "--activity", "none"]);
    until_async("Bob to be seen", SOON, async || anna.sees("bob").await.is_some()).await;

    hub.stop(SOON);
    hosts.renumber(0, "10.77.7.9");
    hosts.set_name(NAME, "10.77.7.9");
    let _hub = anna.start(&["hub", "--at", NAME]);
    until_async("Bob to be back", 6 * SOON, async || {
        anna.sees("bob").await.as_deref() == Some("online")
    })
    .await;
}

#[tokio::test]
async fn a_name_that_nobody_could_reach_is_refused_with_the_way_to_write_it() {
    let anna = Member::new("Anna");
    for (name, words) in [
        ("https://team.example", "leave out the scheme"),
        ("team.example:70000", "from 1 to 65535"),
        ("2001:db8::1", "in brackets"),
        ("team example", "neither a host name nor an IP address"),
    ] {
        let proc = anna.start(&["hub", "--memory", "--at", name]);
        assert_eq!(proc.finish(SOON).await.0, Exit::Code(2), "{proc}");
        let said = proc.lines(Stream::Err).join("\n");
        assert!(said.contains(words) && said.contains(name), "{said}");
    }
    let many = ["hub", "--memory", "--at", "a", "--at", "b", "--at", "c", "--at", "d", "--at", "e"];
    let proc = anna.start(&many);
    assert_eq!(proc.finish(SOON).await.0, Exit::Code(2), "{proc}");
    assert!(proc.lines(Stream::Err).join("\n").contains("at most 4 names"), "{proc}");
}

#[tokio::test]
async fn a_member_who_joined_before_learns_a_new_name_from_the_hub() {
    let anna = Member::new("Anna");
    let listen = format!("127.0.0.1:{}", porchlight_tests::port::free_port());
    let arguments = ["hub", "--quiet", "--listen", &listen, "--local", "127.0.0.1:0"];
    let mut hub = anna.start(&arguments);
    anna.join(&anna.owner_link(&hub).await).await;
    let _runs = anna.start(&["run", "--activity", "none"]);
    until_async("Anna to be online", SOON, async || {
        anna.sees("anna").await.as_deref() == Some("online")
    })
    .await;
    hub.stop(SOON);
    let _hub = anna.start(&[&arguments[..], &["--at", "team.example:443"]].concat());
    let file = anna.config_dir().join("state").join("membership.json");
    until("the name to be kept", 6 * SOON, || {
        std::fs::read_to_string(&file).is_ok_and(|kept| kept.contains("team.example:443"))
    })
    .await;
}
