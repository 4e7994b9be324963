//! Tests a broker with several addresses.

use porchlight_core::id::Root;
use porchlight_core::team::Pin;

use super::*;

fn reach(at: &[&str]) -> Endpoints {
    let addresses: Vec<Address> = at.iter().map(|address| address.parse().unwrap()).collect();
    let login = Login::new("a".to_owned(), "b".to_owned()).unwrap().unwrap();
    let broker = Broker::pinned(addresses, Pin::of_digest([7; 32]), Root::default(), login);
    Endpoints::new(broker).unwrap()
}

fn unreachable() -> ConnectionEvent {
    let address = "a:1".to_owned();
    ConnectionEvent::Down(ConnectionFailure::Unreachable { address, reason: "refused".to_owned() })
}

fn protocol() -> ConnectionEvent {
    ConnectionEvent::Down(ConnectionFailure::Protocol { reason: "it hung up".to_owned() })
}

fn broken() -> ConnectionEvent {
    ConnectionEvent::Down(ConnectionFailure::Broken { reason: "reset".to_owned() })
}

/// The hosts that are tried, if the attempts end like this.
fn tried(reach: &mut Endpoints, ends: &[ConnectionEvent]) -> String {
    let mut tried = String::new();
    for end in ends {
        tried.push_str(reach.address().host());
        reach.note(end);
    }
    tried.push_str(reach.address().host());
    tried
}

#[test]
fn each_try_takes_the_next_and_one_that_let_us_in_comes_first_from_then_on() {
    let mut reach = reach(&["a:1", "b:1", "c:1"]);
    let up = ConnectionEvent::Up(Granted::default());
    assert_eq!(tried(&mut reach, &[unreachable(), unreachable(), unreachable()]), "abca");
    assert_eq!(tried(&mut reach, &[unreachable(), up, broken()]), "abbb");
    assert_eq!(tried(&mut reach, &[unreachable(), unreachable(), unreachable()]), "bacb");
}

#[test]
fn what_may_speak_the_other_version_gets_one_more_try() {
    let mut reach = reach(&["a:1", "b:1"]);
    assert_eq!(tried(&mut reach, &[protocol(), protocol(), protocol(), unreachable()]), "aabba");
}

#[test]
fn where_nothing_was_tried_it_is_still_the_same_one_s_turn() {
    let locked = ConnectionFailure::Credential {
        code: "keyring_locked",
        may_pass: true,
        message: "locked".to_owned(),
    };
    assert_eq!(tried(&mut reach(&["a:1", "b:1"]), &[ConnectionEvent::Down(locked)]), "aa");
}

#[test]
fn a_hub_that_moves_is_followed() {
    let mut reach = reach(&["a:1", "b:1"]);
    let at: Vec<Address> = vec!["x:1".parse().unwrap(), "y:1".parse().unwrap()];
    reach.note(&ConnectionEvent::Up(Granted::default()));
    reach.found_at(&at);
    // The address in use stays until the connection breaks.
    assert_eq!(tried(&mut reach, &[broken(), unreachable(), unreachable()]), "aaxy");
}

#[test]
fn where_none_lets_us_in_what_the_hub_says_is_tried_first() {
    let mut reach = reach(&["a:1", "b:1"]);
    reach.note(&unreachable());
    reach.found_at(&["x:1".parse().unwrap()]);
    assert_eq!(tried(&mut reach, &[unreachable(), unreachable()]), "xbx");
}

#[tokio::test]
async fn a_broker_is_found_at_its_second_address() {
    let (closed, door) = (Door::open().await, Door::open().await);
    let mut broker = door.broker();
    broker.prefer(closed.broker().address().clone());
    drop(closed);
    let mut reach = Endpoints::new(broker).unwrap();
    let mut link = Connection::open(&reach, &connect(Version::V5, "plabcm"));
    let event = within(link.next()).await;
    reach.note(&event);
    assert_eq!(down(event).code(), "unreachable");
    let mut link = Connection::open(&reach, &connect(Version::V5, "plabcm"));
    let mut peer = door.accept().await;
    peer.let_in(&CONNACK_V5).await;
    assert_eq!(within(link.next()).await, ConnectionEvent::Up(Granted::default()));
}
