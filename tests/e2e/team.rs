//! A team at its own hub, by the command line: started on one computer, joined from another by a link alone.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use porchlight_tests::hosts::Hosts;
use porchlight_tests::member::Member;
use porchlight_tests::port::free_port;
use porchlight_tests::process::{Exit, Proc, Stream};
use porchlight_tests::until::{SOON, START, Stopwatch};
use porchlight_tests::{until, until_async};
use serde_json::Value;

/// A hub on the first host, and its starter beside it.
async fn team(hosts: &Arc<Hosts>) -> (Proc, Member) {
    let anna = Member::new("Anna").on(hosts, 0);
    let hub = anna.start(&["hub"]);
    anna.join(&anna.owner_link(&hub).await).await;
    (hub, anna)
}

#[tokio::test]
async fn a_link_alone_brings_somebody_on_another_computer_into_the_team() {
    let Some(hosts) = Hosts::two("two_hosts").map(Arc::new) else { return };
    let (_hub, anna) = team(&hosts).await;
    let _anna_runs = anna.start(&["run", "--activity", "none"]);
    let link = anna.invite(&[]).await;

    let bob = Member::new("Bob").on(&hosts, 1);
    let since = Stopwatch::start();
    bob.join(&link).await;
    let watch = bob.start(&["watch", "--json"]);
    until("Anna to be seen by Bob", SOON, || {
        watch.lines(Stream::Out).iter().any(|line| {
            serde_json::from_str::<Value>(line)
                .is_ok_and(|person| person["user"] == "anna" && person["status"] == "online")
        })
    })
    .await;
    let took = since.elapsed();
    println!("from the link to the roster: {took:?}");
    assert!(took <= Duration::from_secs(5), "{took:?}");

    let _bob_runs = bob.start(&["run", "--activity", "none"]);
    until_async("Bob to be seen by Anna", SOON, async || {
        anna.sees("bob").await.as_deref() == Some("online")
    })
    .await;
    // Used up: nobody else comes in by it.
    let mallory = Member::new("Mallory").on(&hosts, 1);
    let (exit, _) = mallory.finish(&["join", &link, "--keep-in-file"]).await;
    assert_eq!(exit, Exit::Code(4));
}

#[tokio::test]
async fn whoever_is_removed_is_out_at_once_and_forgotten() {
    let Some(hosts) = Hosts::two("two_hosts").map(Arc::new) else { return };
    let (_hub, anna) = team(&hosts).await;
    let bob = Member::new("Bob").on(&hosts, 1);
    bob.join(&anna.invite(&[]).await).await;
    let runs = bob.start(&["run", "--activity", "none"]);
    until_async("Bob to be seen", SOON, async || anna.sees("bob").await.is_some()).await;
    anna.ask(&["members", "remove", "bob"]).await;
    until_async("Bob to be forgotten", SOON, async || anna.sees("bob").await.is_none()).await;
    let (exit, _) = bob.finish(&["who"]).await;
    assert_eq!(exit, Exit::Code(4), "{runs}");
    assert!(anna.sees("bob").await.is_none(), "nothing of him comes back");
}

#[tokio::test]
async fn another_hub_at_the_same_address_is_refused_in_words() {
    let Some(hosts) = Hosts::two("two_hosts").map(Arc::new) else { return };
    let (mut hub, anna) = team(&hosts).await;
    let bob = Member::new("Bob").on(&hosts, 1);
    bob.join(&anna.invite(&[]).await).await;
    let runs = bob.start(&["run", "--activity", "none"]);
    until_async("Bob to be seen", SOON, async || anna.sees("bob").await.is_some()).await;
    hub.stop(SOON);
    let mallory = Member::new("Mallory").on(&hosts, 0);
    let other = mallory.start(&["hub"]);
    mallory.join(&mallory.owner_link(&other).await).await;
    let words = "its certificate is another one";
    runs.wait_line(|line| line.contains(words), 3 * SOON).await;
    let who = bob.start(&["who", "--timeout", "3s"]);
    let (exit, _) = who.finish(3 * SOON).await;
    assert_eq!(exit, Exit::Code(3), "{who}");
    assert!(who.lines(Stream::Err).iter().any(|line| line.contains(words)), "{who}");
    assert!(mallory.sees("bob").await.is_none(), "he said nothing there");
}

#[tokio::test]
async fn a_team_is_found_on_the_network_and_a_member_lets_somebody_in() {
    let Some(hosts) = Hosts::two("two_hosts").map(Arc::new) else { return };
    let (_hub, anna) = team(&hosts).await;
    let bob = Member::new("Bob").on(&hosts, 1);
    let teams: Value = serde_json::from_str(&bob.ask(&["join", "--json"]).await).expect("JSON");
    let name = teams[0]["team"].as_str().expect("the team is announced").to_owned();
    let asking = bob.start(&["join", "--nearby", &name, "--keep-in-file"]);
    let request = until_async("the request", SOON, async || {
        let requests: Value =
            serde_json::from_str(&anna.ask(&["invite", "requests", "--json"]).await).ok()?;
        Some(requests[0].clone()).filter(|request| request["name"] == "Bob")
    })
    .await;
    let code = request["code"].as_str().expect("four digits").to_owned();
    assert!(asking.lines(Stream::Err).iter().any(|line| line.contains(&code)), "{asking}");
    anna.ask(&["invite", "approve", request["id"].as_str().expect("an id")]).await;
    let (exit, _) = asking.finish(2 * SOON).await;
    assert!(exit.success(), "{asking}");
    until_async("the team to be read", SOON, async || bob.finish(&["who"]).await.0.success()).await;
}

#[tokio::test]
async fn whoever_leaves_takes_their_records_along() {
    let Some(hosts) = Hosts::two("two_hosts").map(Arc::new) else { return };
    let (_hub, anna) = team(&hosts).await;
    let bob = Member::new("Bob").on(&hosts, 1);
    bob.join(&anna.invite(&[]).await).await;
    let mut runs = bob.start(&["run", "--activity", "none"]);
    until_async("Bob to be seen", SOON, async || anna.sees("bob").await.is_some()).await;
    runs.stop(SOON);
    bob.ask(&["leave"]).await;
    until_async("Bob to be forgotten", SOON, async || anna.sees("bob").await.is_none()).await;
    let (exit, _) = bob.finish(&["members"]).await;
    assert_eq!(exit, Exit::Code(2), "he belongs to no team");
}

/// A hub of a team in this folder, at this door.
fn hub_in(anna: &Member, store: &Path, door: &str) -> Proc {
    let store = store.to_string_lossy();
    let door = ["--quiet", "--listen", door, "--local", "127.0.0.1:0", "--store", &store];
    anna.start(&[["hub"].as_slice(), &door].concat())
}

#[expect(clippy::disallowed_methods, reason = "it is no file that is replaced")]
fn move_folder(from: &Path, to: &Path) {
    std::fs::rename(from, to).expect("both are ours");
}

#[tokio::test]
async fn whoever_was_removed_while_nothing_could_be_saved_stays_out_after_a_crash() {
    let dir = tempfile::tempdir().expect("a temporary folder can be made");
    let (store, away) = (dir.path().join("store"), dir.path().join("away"));
    let door = format!("127.0.0.1:{}", free_port());
    let (anna, eve) = (Member::new("Anna"), Member::new("Eve"));
    let mut hub = hub_in(&anna, &store, &door);
    anna.join(&anna.owner_link(&hub).await).await;
    eve.join(&anna.invite(&[]).await).await;

    move_folder(&store, &away);
    let remove = ["members", "remove", "eve"];
    for _ in 0..2 {
        let proc = anna.start(&remove);
        let (exit, _) = proc.finish(3 * SOON).await;
        assert_eq!(exit, Exit::Code(4), "{proc}");
        assert!(proc.to_string().contains("the hub can't save this"), "{proc}");
    }
    hub.wait_line(|line| line.contains("changes to the team can't be saved"), SOON).await;
    assert_eq!(eve.finish(&["who"]).await.0, Exit::Code(4), "out all the same");
    move_folder(&away, &store);
    anna.ask(&remove).await;
    hub.wait_line(|line| line.contains("everything is saved again"), SOON).await;
    hub.kill();

    let again = hub_in(&anna, &store, &door);
    again.wait_line(|line| line.contains("the team's address is"), START).await;
    assert_eq!(eve.finish(&["who"]).await.0, Exit::Code(4), "{again}");
    assert!(!anna.ask(&["members"]).await.contains("Eve"));
    let warned = hub.lines(Stream::Err);
    let warned = warned.iter().filter(|line| line.contains("porchlight: changes to the team"));
    assert_eq!(warned.count(), 1, "{hub}");
}

#[tokio::test]
async fn a_removed_member_joins_again_with_a_new_link() {
    let [anna, bob] = ["Anna", "Bob"].map(Member::new);
    let hub = anna.start(&["hub", "--listen", "127.0.0.1:0", "--local", "127.0.0.1:0", "--quiet"]);
    anna.join(&anna.owner_link(&hub).await).await;
    bob.join(&anna.invite(&[]).await).await;
    let link = anna.invite(&[]).await;
    let again = ["join", &link, "--keep-in-file"];
    assert_eq!(bob.finish(&again).await.0, Exit::Code(2), "a member joins no second time");

    let removes = anna.start(&["members", "remove", "bob"]);
    assert_eq!(removes.finish(3 * SOON).await.0, Exit::Code(0), "{removes}");
    let note = removes.lines(Stream::Err).join("\n");
    assert!(note.contains("removed bob"), "{note}");
    let joins = bob.start(&again);
    assert_eq!(joins.finish(3 * SOON).await.0, Exit::Code(0), "{joins}");
    let note = joins.lines(Stream::Err).join("\n");
    assert!(note.contains("you had been removed from"), "{note}");
    assert!(anna.ask(&["members"]).await.contains("Bob ("));
    bob.who().await;
}
